"""Each check is shown to fail: a broken primitive for every kind of fault.

The sound ones beside them show that it is the fault that fails, not the way they are made.
"""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

from autodiff.families import Elementwise, Linear, Multilinear
from autodiff.primitive import Case, Primitive
from autodiff.registry import PRIMITIVES
from tests import checks, derivative_checks, faults
from tests.numeric import complex_step, richardson


def first_case(primitive: Any) -> Case:
    return primitive.cases[0]


FAULTS = [
    (faults.WrongShapeRule, checks.check_infer, "the kernel gives the shape"),
    (faults.WrongDtypeRule, checks.check_infer, "the kernel gives float32"),
    (faults.AcceptingRule, checks.check_infer, "the kernel refuses the dtypes"),
    (faults.WrongKernel, checks.check_reference, "kernel in float64"),
    (faults.WrongPartial, derivative_checks.check_vjp, "gradient for operand 0"),
    (faults.SlightlyWrongPartial, derivative_checks.check_vjp, "gradient for operand 0"),
    (faults.SwappedProducts, derivative_checks.check_vjp, "gradient for operand 1"),
    (faults.WrongTranspose, derivative_checks.check_vjp, "gradient for operand 0"),
    (faults.WrongTranspose, derivative_checks.check_inner_product, "<v, J u>"),
    (faults.WrongForward, derivative_checks.check_inner_product, "<v, J u>"),
    (faults.WrongForwardDtype, derivative_checks.check_inner_product, "push has dtype float32"),
    (faults.FirstOrderOnly, derivative_checks.check_second_order, "second order, 0"),
    (faults.WrongBatch, checks.check_batch, "batch with mapped"),
    (faults.BatchOfOne, checks.check_batch, "batch with mapped|broadcast"),
    (faults.KeepsTooMuch, checks.check_kept, "operand 0 is kept"),
    (faults.KeepsOutput, checks.check_kept, "the output is kept"),
    (faults.ReadsHidden, checks.check_kept, "undeclared values hidden"),
    (faults.TakesAway, derivative_checks.check_presence, "a gradient is taken away"),
    (faults.ForgetsMask, derivative_checks.check_presence, "called present"),
    (faults.NotSelecting, derivative_checks.check_presence, "called present"),
    (faults.MemoryOrder, checks.check_layout, "operand 0 with flags"),
    (faults.WritesOperand, checks.check_pure, "the operand 0 was written to"),
    (faults.WritesCotangent, checks.check_pure, "the cotangent was written to"),
    (faults.IgnoresOut, checks.check_out, "out= was not returned"),
    (faults.HalfOut, checks.check_out, "out="),
    (faults.WideGradient, derivative_checks.check_float32, "float32 gradient 0"),
    (faults.ReadsShapeOfNumber, derivative_checks.check_scalars, "as operand 1"),
    (faults.LeavesHistory, checks.check_no_history, "the result has history"),
]


@pytest.mark.parametrize(
    ("broken", "check", "text"), FAULTS, ids=lambda v: getattr(v, "__name__", "")
)
def test_fault_is_found(broken: Any, check: Any, text: str) -> None:
    primitive = broken()
    with pytest.raises((AssertionError, ValueError), match=text):
        check(primitive, first_case(primitive))


@pytest.mark.parametrize("sound", [faults.Cube, faults.Quotient, faults.Rows])
def test_sound_primitive_passes(sound: Any) -> None:
    primitive = sound()
    for case in primitive.cases:
        for check in (
            checks.check_infer,
            checks.check_layout,
            checks.check_pure,
            checks.check_batch,
            checks.check_kept,
            derivative_checks.check_inner_product,
            derivative_checks.check_vjp,
            derivative_checks.check_second_order,
            derivative_checks.check_presence,
            derivative_checks.check_float32,
        ):
            check(primitive, case)


def test_sound_cube_passes_the_other_checks() -> None:
    primitive = faults.Cube()
    case = primitive.cases[0]
    checks.check_reference(primitive, case)
    checks.check_out(primitive, case)
    checks.check_doc(primitive)
    derivative_checks.check_special(primitive, 0.0)


def test_nan_at_a_special_value_is_found() -> None:
    with pytest.raises(AssertionError, match="order 1 at operand 0 = 0.0"):
        derivative_checks.check_special(faults.BreaksAtZero(), 0.0)


@pytest.mark.parametrize(
    ("broken", "text"), [(faults.NoError, "no ShapeError"), (faults.WrongText, "is not in")]
)
def test_missing_error_is_found(broken: Any, text: str) -> None:
    primitive = broken()
    with pytest.raises(AssertionError, match=text):
        checks.check_error(primitive, *primitive.errors[0])


@pytest.mark.parametrize(
    ("text", "complaint"), [("No example.", "has no example"), (">>> 2**3\n9\n", "Got")]
)
def test_bad_documentation_is_found(text: str, complaint: str) -> None:
    broken = type("Broken", (faults.Cube,), {"__doc__": text, "name": "broken"}, register=False)
    with pytest.raises(AssertionError, match=complaint):
        checks.check_doc(broken())  # type: ignore[arg-type]  # wrong on purpose


def test_absent_rule_that_gives_a_gradient_is_found() -> None:
    primitive = faults.SilentAbsent()
    derivative_checks.check_absent(primitive, primitive.cases[0])  # it raises its reason
    rule = primitive.pulls[0].function
    rule.reason = "another reason"
    type(rule).__call__, kept = (lambda self, g, **params: g), type(rule).__call__
    try:
        with pytest.raises(AssertionError, match="yet a gradient"):
            derivative_checks.check_absent(primitive, primitive.cases[0])
    finally:
        type(rule).__call__ = kept


def test_incomplete_classes_are_refused() -> None:
    with pytest.raises(TypeError, match="one of partials and products"):
        type("NoRule", (Elementwise,), {"__doc__": "x", "name": "no_rule", "kernel": np.exp})
    with pytest.raises(TypeError, match="transpose is missing"):
        type("NoTranspose", (Linear,), {"__doc__": "x", "name": "no_transpose"})
    with pytest.raises(TypeError, match="transposes is missing"):
        type("NoTransposes", (Multilinear,), {"__doc__": "x", "name": "no_transposes"})
    with pytest.raises(TypeError, match="kernel.*vjp.*jvp.*cases is missing"):
        type("Nothing", (Primitive,), {"__doc__": "x", "name": "nothing"})
    with pytest.raises(TypeError, match="docstring is missing"):
        type("NoDoc", (faults.Cube,), {"name": "no_doc"}, register=False)
    with pytest.raises(TypeError, match="defined twice"):
        type("Twice", (faults.Cube,), {"__doc__": "x", "name": "add"})
    assert type(PRIMITIVES["add"]).__name__ == "Add"


def test_rules_that_read_unknown_names_are_refused() -> None:
    with pytest.raises(TypeError, match=re.escape("a rule reads 'z'")):
        type(
            "Unknown",
            (faults.Cube,),
            {"__doc__": "x", "name": "unknown", "partials": (lambda z: z,)},
            register=False,
        )
    with pytest.raises(TypeError, match="2 rules in vjp"):
        type(
            "TooMany",
            (faults.Cube,),
            {"__doc__": "x", "name": "many", "partials": (1, 1)},
            register=False,
        )


def test_numeric_derivatives() -> None:
    x, u = np.array([0.3, 0.7]), np.array([1.0, -2.0])
    exact = float(np.cos(x) @ u)
    value, error = richardson(lambda z: np.sin(z).sum(), x, u)
    assert abs(value - exact) < 1e-10 and error < 1e-9
    assert abs(complex_step(lambda z: np.sin(z).sum(), x, u) - exact) < 1e-15
    assert complex_step(lambda z: np.floor(z).sum(), x, u) is None
    # A jump has no derivative, and the estimated error says so.
    assert richardson(lambda z: np.sign(z).sum(), np.zeros(1), np.ones(1))[1] > 1.0
