"""Every primitive of the registry, every one of its cases, every check."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import autodiff as ad
from autodiff.registry import FUNCTIONS, PRIMITIVES
from tests import checks, derivative_checks

assert ad.__doc__  # importing it fills the registry

CASE_CHECKS = (
    checks.check_infer,
    checks.check_layout,
    checks.check_pure,
    checks.check_batch,
)
GRADIENT_CHECKS = (
    checks.check_kept,
    derivative_checks.check_inner_product,
    derivative_checks.check_vjp,
    derivative_checks.check_second_order,
    derivative_checks.check_float32,
)
OPAQUE = {"custom_call"}  # runs a user's rule, which may mix entries: a gradient may be anywhere


def cases_of(names: Any) -> list[Any]:
    """Each case of each primitive, with the test's id."""
    return [
        pytest.param(PRIMITIVES[name], case, id=f"{name}-{k}")
        for name in names
        for k, case in enumerate(PRIMITIVES[name].cases)
    ]


NAMES = sorted(PRIMITIVES)
DIFFERENTIABLE = [name for name in NAMES if PRIMITIVES[name].differentiable]
CONSTANT = [name for name in NAMES if not PRIMITIVES[name].differentiable]
ELEMENTWISE = [name for name in DIFFERENTIABLE if PRIMITIVES[name].family == "elementwise"]
REFERRED = [name for name in NAMES if checks.reference(PRIMITIVES[name]) is not None]
OUT = [name for name in NAMES if checks.takes_out(PRIMITIVES[name])]
ERRORS = [
    pytest.param(PRIMITIVES[name], *error, id=f"{name}-{k}")
    for name in NAMES
    for k, error in enumerate(PRIMITIVES[name].errors)
]
SPECIAL = [
    pytest.param(PRIMITIVES[name], value, id=f"{name}-{value}")
    for name in NAMES
    for value in PRIMITIVES[name].special
]


@pytest.mark.parametrize("check", CASE_CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize(("primitive", "case"), cases_of(NAMES))
def test_case(primitive: Any, case: Any, check: Any) -> None:
    check(primitive, case)


@pytest.mark.parametrize("check", GRADIENT_CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize(("primitive", "case"), cases_of(DIFFERENTIABLE))
def test_gradient(primitive: Any, case: Any, check: Any) -> None:
    check(primitive, case)


@pytest.mark.parametrize(("primitive", "case"), cases_of(sorted({*DIFFERENTIABLE} - OPAQUE)))
def test_presence(primitive: Any, case: Any) -> None:
    derivative_checks.check_presence(primitive, case)


@pytest.mark.parametrize(("primitive", "case"), cases_of(REFERRED))
def test_reference(primitive: Any, case: Any) -> None:
    checks.check_reference(primitive, case)


@pytest.mark.parametrize(("primitive", "case"), cases_of(OUT))
def test_out(primitive: Any, case: Any) -> None:
    checks.check_out(primitive, case)


@pytest.mark.parametrize(("primitive", "case"), cases_of(ELEMENTWISE))
def test_scalars(primitive: Any, case: Any) -> None:
    derivative_checks.check_scalars(primitive, case)


@pytest.mark.parametrize(("primitive", "case"), cases_of(CONSTANT))
def test_no_history(primitive: Any, case: Any) -> None:
    checks.check_no_history(primitive, case)


@pytest.mark.parametrize(("primitive", "value"), SPECIAL)
def test_special(primitive: Any, value: float) -> None:
    derivative_checks.check_special(primitive, value)


@pytest.mark.parametrize(("primitive", "case", "error", "text"), ERRORS)
def test_error(primitive: Any, case: Any, error: Any, text: str) -> None:
    checks.check_error(primitive, case, error, text)


@pytest.mark.parametrize("name", [name for name in NAMES if name in FUNCTIONS])
def test_doc(name: str) -> None:
    checks.check_doc(PRIMITIVES[name])


@pytest.mark.parametrize("name", DIFFERENTIABLE)
def test_absent_rule(name: str) -> None:
    for case in PRIMITIVES[name].cases:
        derivative_checks.check_absent(PRIMITIVES[name], case)


@pytest.mark.parametrize("name", DIFFERENTIABLE)
def test_cases_reach_a_gradient(name: str) -> None:
    """Some case asks for the gradient of a value that is not empty, else nothing is checked."""
    primitive = PRIMITIVES[name]
    sizes = []
    for case in primitive.cases:
        operands = checks.draw(primitive, case)
        y = np.asarray(checks.kernel(primitive, operands, case.params))
        sizes += [y.size * operands[i].size for i in checks.wanted(primitive, operands)]
    assert any(sizes), f"{name}: no case has a gradient"
