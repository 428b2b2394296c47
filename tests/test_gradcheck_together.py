"""Many directions pushed together: batches give what the kernel gives, and are not trusted."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import autodiff as ad
from autodiff.checking.compare import differentiate
from autodiff.checking.problem import Problem, collect
from autodiff.checking.slopes import COMPLEX
from autodiff.checking.tape import Tape
from autodiff.primitive import Primitive
from autodiff.registry import PRIMITIVES, load_all
from autodiff.tensor import apply
from tests.checks import draw, function_of, wanted
from tests.faults import Cube

load_all()
X = np.random.default_rng(0).normal(size=(4, 6))
# A function of the user is called as it was; setitem drops what is complex from a real array.
ALONE = {"custom_call", "setitem"}


def tape_of(function: Any, *points: Any) -> Tape:
    """The record of one evaluation, as the check makes it."""
    variables, _ = collect(function, points, None)
    return differentiate(Problem(function, points, variables), np.random.default_rng(0))


# ---- the same derivatives


@pytest.mark.parametrize(
    "primitive", [p for p in PRIMITIVES.values() if p.differentiable], ids=lambda p: p.name
)
def test_together_as_one_by_one(primitive: Primitive) -> None:
    for case in primitive.cases:
        operands = draw(primitive, case)
        which = wanted(primitive, operands)
        points = [operands[i] for i in which]
        if points:
            function = function_of(primitive, case, operands, which)
            compare_pushes(tape_of(function, *points), primitive.name)


def compare_pushes(tape: Tape, name: str) -> None:
    """Pushes along directions of very different lengths, together and alone."""
    for leaf in tape.leaves:
        along = np.random.default_rng(1).normal(size=(4, *leaf.shape))
        along *= np.array([1.0, 1e-30, 1e30, 1.0]).reshape(-1, *(1,) * len(leaf.shape))
        for jitter in (False, True):
            together = tape.push(leaf, along, jitter)
            for direction, found in zip(along, together, strict=True):
                (alone,) = tape.push(leaf, direction[None], jitter)
                assert found.tangents.keys() == alone.tangents.keys()
                assert found.errors.keys() == alone.errors.keys()
                for node, expected in alone.tangents.items():
                    top = np.abs(expected).max(initial=0.0)
                    gap = np.abs(found.tangents[node] - expected).max(initial=0.0)
                    assert gap <= (1e-6 if jitter else 1e-12) * top, (name, jitter)
    if COMPLEX in tape.slopes.methods.values() and name not in ALONE:
        assert tape.together.trusted
        assert all(tape.together.trusted.values()), name


def test_branches_beside_the_point_are_taken_direction_by_direction() -> None:
    x = np.array([1.0, 0.0, -1.0])
    tape = tape_of(lambda x: ad.where(x > 0.0, x * x + 2.0 * x, 0.0), x)
    ahead = tape.push(tape.leaves[0], np.array([[1.0, 1.0, 1.0], [1.0, -1.0, 1.0]]))
    assert [tape.total(p) for p in ahead] == [
        np.vdot(tape.weights[0], [4.0, 2.0, 0.0]),
        np.vdot(tape.weights[0], [4.0, 0.0, 0.0]),
    ]


# ---- no trust in the rules of vmap


def refused(y: Any) -> Any:
    raise TypeError("no rule")


def planted(change: Callable[[Any], Any]) -> Any:
    """The cube with its batching rule changed, and the shapes that its kernel was given."""
    shapes: list[tuple[int, ...]] = []

    class Planted(Cube, register=False):
        """A cube."""

        def batch(self, mapped: tuple[bool, ...], *operands: Any, **params: Any) -> Any:
            return change(super().batch(mapped, *operands, **params))

    def kernel(x: Any, out: Any = None) -> Any:
        shapes.append(np.shape(x))
        return Cube.kernel(x, out)

    Planted.kernel = staticmethod(kernel)
    primitive = Planted()
    return lambda x: apply(primitive, x), shapes


WRONG: dict[str, Callable[[Any], Any]] = {
    "scaled": lambda y: 1.001 * y,
    "first example": lambda y: np.concatenate([y[:1] * 1.001, y[1:]]),
    "examples exchanged": lambda y: y[::-1],
    "examples mixed": lambda y: 0.5 * (y + y[::-1]),
    "shifted": lambda y: np.roll(y, 1, -1),
    "one example": lambda y: y[0],
    "real": np.real,
    "refused": refused,
}


@pytest.mark.parametrize("fault", WRONG)
def test_a_wrong_batching_rule_changes_no_verdict(fault: str) -> None:
    function, shapes = planted(WRONG[fault])
    report = ad.gradcheck(function, X)
    assert report.verdict == "correct", report
    assert report.power < 1e-12
    assert {shape for shape in shapes if shape != X.shape} <= {(2, *X.shape)}  # the trial
    assert shapes.count(X.shape) > 4 * X.size  # one value ahead and three behind, for each entry


def test_a_rule_that_fails_later_is_left() -> None:
    function, _ = planted(lambda y: y if len(y) == 2 else refused(y))
    assert ad.gradcheck(function, X).verdict == "correct"


# ---- and they are used


def test_a_kernel_runs_once_for_all_directions() -> None:
    function, shapes = planted(lambda y: y)
    tape = tape_of(function, X)
    tape.push(tape.leaves[0], np.ones((2, *X.shape)))  # the method is chosen, the rule tried
    for count in (3, 30):
        shapes.clear()
        tape.push(tape.leaves[0], np.ones((count, *X.shape)))
        assert shapes == [(count, *X.shape)]


def test_a_check_runs_the_kernel_as_often_for_many_entries_as_for_few() -> None:
    counts = []
    for size in (20, 200):
        function, shapes = planted(lambda y: y)
        report = ad.gradcheck(function, np.linspace(-2.0, 2.0, size))
        assert report.verdict == "correct"
        assert report.entries[0].checked == size
        counts.append(len(shapes))
    assert counts[0] == counts[1]
