"""The public strategies: what they promise, and what a failure shrinks to."""

from __future__ import annotations

import functools
import itertools
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, find, given, settings
from hypothesis import strategies as st
from hypothesis.errors import NoSuchExample

import autodiff as ad
from autodiff.primitive import In
from autodiff.registry import PRIMITIVES
from autodiff.testing import (
    Program,
    Ref,
    Step,
    axes,
    broadcastable,
    check,
    distinct_arrays,
    indices,
    literal,
    programs,
    snippet,
    tensors,
)
from autodiff.testing.clearance import KINKS, clearance
from autodiff.testing.generation import MARGIN, has_all_rules, operations

SEARCH = settings(
    max_examples=400,
    database=None,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)
QUICK = {"budget": 1.0}


@given(x=distinct_arrays(dtype=st.sampled_from(["float32", "float64"]), part=2), low=st.just(-2))
def test_distinct_arrays_keep_their_distance(x: Any, low: float) -> None:
    flat = np.sort(x.ravel())
    assert low <= flat.min() and flat.max() <= 2
    assert np.diff(flat).min(initial=1.0) > 0.03
    assert clearance("abs", [x], {}) > 0.005 and clearance("round", [x], {}) > 0.005


@given(pair=st.tuples(distinct_arrays((3, 3)), distinct_arrays((3, 3), part=1)))
def test_parts_have_no_ties(pair: Any) -> None:
    a, b = pair
    assert np.abs(a.ravel()[:, None] - b.ravel()).min() > 0.005


@given(x=distinct_arrays((4, 5), low=0.25, high=0.3))
def test_a_narrow_interval_has_room(x: Any) -> None:
    assert x.min() >= 0.25 and x.max() <= 0.3 and len(np.unique(x)) == 20


@given(data=st.data(), x=tensors())
def test_axes_and_indices_are_valid(data: Any, x: Any) -> None:
    assert x.requires_grad
    axis = data.draw(axes(x.ndim))
    assert ad.sum(x, axis).shape == np.sum(x.data, axis).shape
    index = data.draw(indices(x.shape))
    assert np.array_equal(x[index].data, x.numpy()[index])


def test_indices_are_of_every_kind() -> None:
    for kind in (bool, np.integer):
        find(indices((2, 3)), functools.partial(_kind, kind), settings=SEARCH)
    find(
        indices((2, 3)),
        lambda i: isinstance(i, tuple) and any(p is None for p in i),
        settings=SEARCH,
    )


def _kind(kind: type, index: Any) -> bool:
    parts = index if isinstance(index, tuple) else (index,)
    return any(
        isinstance(p, np.ndarray) and (p.dtype == bool) == (kind is bool) and p.dtype.kind in "bi"
        for p in parts
    )


def test_axes_of_a_scalar() -> None:
    with pytest.raises(ValueError, match="no axis"):
        axes(0, none=False, several=False)


@given(xs=broadcastable(3, elements=distinct_arrays, min_side=1))
def test_broadcastable_takes_elements(xs: list[Any]) -> None:
    assert all(x.dtype == np.float64 and clearance("abs", [x], {}) > 0 for x in xs)
    np.broadcast_shapes(*(x.shape for x in xs))


@given(program=programs(max_steps=6))
def test_gradients_of_programs_are_right(program: Program) -> None:
    y = program(*(ad.tensor(x, requires_grad=True) for x in program.inputs))
    assert len(program.outputs) == 1 and y.size and np.isfinite(y.data).all()
    try:
        report = ad.gradcheck(program, *program.inputs, **QUICK)
    except ad.GradientError as error:  # e.g. floor, or an index that leaves everything out
        assert "does not depend" in str(error)
    else:
        assert report.verdict == "correct", report


def is_written(params: dict[str, Any]) -> bool:
    try:
        literal(params)
    except TypeError:
        return False
    return True


def test_programs_are_over_all_differentiable_primitives() -> None:
    known = {name for name, p in PRIMITIVES.items() if p.differentiable}
    # Some have parameters that no source can write, such as a user's function or a sparse pattern;
    # others make complex numbers, which no other step takes, or have no gradient by some of their
    # operands.
    left = known - set(operations())
    assert "custom_call" in left
    for name in left - {"custom_call"}:
        primitive = PRIMITIVES[name]
        case = primitive.cases[0]
        y = primitive.kernel(*case.draw(np.random.default_rng(0)), **case.params)
        whole = y.dtype.kind != "c" and is_written(case.params)
        assert not (whole and has_all_rules(name)), name


@pytest.mark.parametrize("name", operations())
def test_each_operation_is_generated(name: str) -> None:
    quick = settings(SEARCH, max_examples=5, phases=[Phase.generate])
    program = find(programs(only=[name], max_steps=1), lambda p: True, settings=quick)
    assert program.operations == (name,)


@given(program=programs(max_steps=4))
def test_source_runs_and_gives_the_same(program: Program) -> None:
    space: dict[str, Any] = {}
    exec(repr(program), space)
    assert np.array_equal(space["program"](*space["inputs"]), program(*program.inputs))


def test_a_program_of_two_results() -> None:
    x, y = Ref("x", 0), Ref("x", 1)
    steps = (Step("sin", (x,)), Step("stack", ([y, y],)), Step("exp", (Ref("v", 1),)))
    program = Program((np.array(0.5), np.array(0.25)), steps)
    sine, grown = program(*program.inputs)
    assert sine == np.sin(0.5) and np.array_equal(grown, np.exp([0.25, 0.25]))
    pruned = program.pruned()
    assert pruned.operations == ("stack", "exp") and pruned.inputs == (np.array(0.25),)
    assert np.array_equal(pruned(0.25), grown)
    with pytest.raises(TypeError, match="expected 1"):
        pruned()


@given(program=programs(max_steps=6))
def test_programs_stay_away_from_kinks(program: Program) -> None:
    values: dict[Any, Any] = {}
    refs = itertools.count()
    for i, x in enumerate(program.inputs):
        values[Ref("x", i)] = x
    for step in program.steps:
        operands = [values[a] if isinstance(a, Ref) else a for a in step.args]
        if step.name in KINKS:
            assert clearance(step.name, operands, step.params) >= MARGIN, step
        values[Ref("v", next(refs))] = np.asarray(step.run(values))


@contextmanager
def planted(name: str) -> Iterator[None]:
    """A rule that is wrong by a thousandth."""
    primitive: Any = PRIMITIVES[name]
    sound = primitive.pulls
    first = sound[0]

    def wrong(g: Any, *values: Any, **params: Any) -> Any:
        return 1.001 * (g if first.function is None else first.function(g, *values, **params))

    primitive.pulls = (first._replace(function=wrong, exact=False), *sound[1:])
    try:
        yield
    finally:
        primitive.pulls = sound


def slope_agrees(program: Program) -> bool:
    """Whether the gradients give the difference between two near points, to a ten-thousandth."""
    rng = np.random.default_rng(0)
    move = [rng.uniform(0.5, 1.0, x.shape) * 1e-6 for x in program.inputs]
    xs = [ad.tensor(x, requires_grad=True) for x in program.inputs]
    y = program(*xs)
    w = rng.uniform(0.5, 1.0, y.shape)
    found = ad.gradients(y, xs, cotangents=w, unused="zeros")
    slope = sum(float(np.vdot(g.data, d)) for g, d in zip(found, move, strict=True))
    ahead, behind = (
        program(*(x + s * d for x, d in zip(program.inputs, move, strict=True))) for s in (1, -1)
    )
    return abs(float(np.vdot(w, ahead - behind)) / 2 - slope) <= 1e-4 * abs(slope) + 1e-12


@pytest.mark.parametrize("name", ["sigmoid", "multiply", "sum", "transpose", "matmul"])
def test_a_fault_shrinks_to_its_operation(name: str) -> None:
    def fails(program: Program) -> bool:
        return name in program.operations and not slope_agrees(program)

    # Few operations beside it, so that the search meets the fault soon.
    pool = sorted({name, "tanh", "add", "reshape", "mean"})
    with planted(name):
        program = find(programs(6, only=pool), fails, settings=SEARCH)
    assert program.operations == (name,)
    assert all(x.size == 1 for x in program.inputs)
    # The search finds nothing in the sound rule: it is the fault that it saw.
    with pytest.raises(NoSuchExample):
        quick = settings(SEARCH, max_examples=20)
        find(programs(2, only=[name]), fails, settings=quick)


def test_unknown_operations_are_refused() -> None:
    with pytest.raises(ValueError, match="argmax"):
        find(programs(only=["argmax"]), lambda p: True, settings=SEARCH)


@pytest.mark.parametrize(
    "name", [n for n in operations() if PRIMITIVES[n].family == "elementwise" and n not in KINKS]
)
def test_what_is_in_no_table_of_kinks_is_smooth(name: str) -> None:
    """Second differences along the domain: at a kink they are of the order of 1/h."""
    primitive: Any = PRIMITIVES[name]
    case = primitive.cases[0]
    h = 1e-4
    for moving, template in enumerate(case.operands):
        if not isinstance(template, In):
            continue
        line = np.arange(template.low + h, template.high, h)
        others = [
            line
            if i == moving
            else (o.low + 0.37 * (o.high - o.low) if isinstance(o, In) else True)
            for i, o in enumerate(case.operands)
        ]
        y = np.asarray(primitive.kernel(*map(np.asarray, others), **case.params))
        scale = h**2 * np.abs(y).max(initial=1)
        assert np.abs(np.diff(y, 2)).max(initial=0) / scale < 1e3, f"{name} has a kink"


def test_the_scan_sees_a_kink() -> None:
    line = np.arange(-1, 1, 1e-4) + 0.3e-4
    assert np.abs(np.diff(np.abs(line), 2)).max() / 1e-8 > 1e3


def test_literals_are_exact() -> None:
    values = [
        np.float32([0.1, np.nan, -np.inf]),
        np.zeros((0, 3)),
        np.array(True),
        np.float32(0.1),
        (1, [2.5, None], {"k": slice(None, -1)}),
        1e-308,
        ...,
        1 + 2j,
    ]
    for value in values:
        got = eval(literal(value), {"np": np, "ad": ad})
        assert type(got) is type(value)
        np.testing.assert_equal(got, value)
    t = ad.tensor([1.0, 2.0], requires_grad=True, name="w")
    got = eval(literal(t), {"np": np, "ad": ad})
    assert got.name == "w" and got.requires_grad and np.array_equal(got.data, t.data)
    with pytest.raises(TypeError, match="object"):
        literal(object())


@ad.custom_vjp
def halved(x: Any) -> Any:
    return x * 2.0


@halved.defvjp
def _(g: Any, y: Any, x: Any) -> Any:
    return g * 1.0


def _run(text: str) -> str:
    """What a new process prints."""
    done = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, check=True)
    return done.stdout


def test_a_snippet_repeats_a_failure() -> None:
    scale, factor = 3.0, np.array([1.0, 2.0])

    def inner(x: Any) -> Any:
        return halved(x) * factor

    failing = lambda x: inner(x) * scale + 0.0
    with pytest.raises(AssertionError) as caught:
        check(failing, np.array([0.5, 0.1]), seed=7)
    (note,) = caught.value.__notes__
    assert "scale = 3.0" in note and "seed=7" in note and "x * scale" not in note
    table, *_ = str(ad.gradcheck(failing, np.array([0.5, 0.1]), seed=7)).split("►")
    assert "WRONG" in table and _run(note.split("\n\n", 1)[1]).startswith(table)


def test_a_local_rule_is_written_out() -> None:
    @ad.custom_vjp
    def local(x: Any) -> Any:
        return x * x

    @local.defvjp
    def rule(g: Any, y: Any, x: Any) -> Any:
        return g * x

    text = snippet(local, np.array([0.5, 2.0]))
    assert "def rule" in text and "factor 0.5" in _run(text)


def test_a_function_without_source_is_said_to_have_none() -> None:
    class Opaque:
        def __call__(self, x: Any) -> Any:
            return halved(x)

    with pytest.raises(TypeError, match="Opaque"):
        snippet(Opaque(), np.array(1.0))
    with pytest.raises(AssertionError) as caught:
        check(Opaque(), np.array(1.0))
    assert "Opaque" in caught.value.__notes__[0]
    two = 2.0
    with pytest.raises(TypeError, match="inputs"):
        inputs = two  # a name that the snippet needs for itself
        snippet(lambda x: x * inputs, np.array(1.0))


def test_large_inputs_are_saved(tmp_path: Any) -> None:
    x = np.linspace(0, 1, 300)
    text = snippet(ad.sin, x, folder=lambda: tmp_path)
    assert "inputs.npz" in text and len(text) < 500
    assert "correct" in _run(text)
    assert "linspace" not in snippet(ad.sin, x) and "0.5" in snippet(ad.sin, x)


def test_without_hypothesis_one_sentence() -> None:
    program = (
        "import sys; sys.modules['hypothesis'] = None\n"
        "import autodiff.testing as t\n"
        "try: t.arrays\n"
        "except ImportError as e: print(e)\n"
    )
    expected = "autodiff.testing.arrays needs hypothesis: pip install autodiff-nn[test]"
    assert _run(program).strip() == expected
