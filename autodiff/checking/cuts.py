"""What is no derivative rule: what a record does not hold, where it was cut, hidden state."""

from __future__ import annotations

import functools
import math
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from autodiff.checking.kernels import kernel
from autodiff.checking.numeric import EPS, STEPS, Estimate, derivative, noise_level
from autodiff.checking.problem import Problem
from autodiff.checking.report import Culprit
from autodiff.checking.tape import Tape, primitive_name
from autodiff.errors import user_frame
from autodiff.graph import Graph
from autodiff.handle import Handle
from autodiff.node import Node
from autodiff.tensor import Tensor

NAMED = 3
AGAIN = 2  # calls that must give what was recorded
METHODS = ("numpy", "item")
Read = tuple[str, tuple[str, int]]
BESIDE = 1e-7  # a relative step that shows branches at the point itself
NEARER = (2e-8, 2e-9, 2e-10)  # steps where all others reach other branches
ROUNDED = 64.0  # roundings: what is less is no difference


def lost(
    called: Callable[[float], tuple[float, Sequence[Tensor]]],
    recorded: Callable[[float], float],
    level: float,
) -> tuple[Estimate, float]:
    """The derivative of what a function does outside its record; and a kink at the point, or 0.

    ``called(t)``, ``recorded(t)``: values so far from the point of the function, with its outputs,
    and of its record; ``level``: the size of the value. NaN where the function takes another branch
    in Python, which shows in what it records, at every step, and gives another value there.
    """
    sizes = [level]  # it may be 0 at the point alone

    def gap(t: float, here: Any = None) -> float:
        (value, outputs), replayed = called(t), recorded(t)
        sizes.append(abs(replayed))
        if math.isnan(value) and math.isnan(replayed):
            return 0.0
        same = here is None or _operations(outputs) == here
        return value - replayed if same else math.nan

    wide = [abs(gap(s * STEPS[0])) for s in (1.0, -1.0)]
    rounding = EPS * max(sizes)
    if all(width <= ROUNDED * rounding for width in wide):
        return Estimate(0.0, 0.0), 0.0
    sides = [abs(gap(s * BESIDE)) for s in (1.0, -1.0)]
    if min(sides) <= ROUNDED * rounding < 1e-3 * max(sides):
        # The record holds on one side: the function took another branch on the other.
        return Estimate(0.0, 0.0), max(sides) / BESIDE
    noise = max(noise_level(gap, 1e-10), rounding)
    here = _operations(called(0.0)[1])
    found = derivative(lambda t: gap(t, here), STEPS, noise)
    if math.isnan(found.value):
        found = derivative(lambda t: gap(t, here), NEARER, noise)
    if math.isnan(found.value):
        # Two ways to the same value, as of a determinant, differ by the rounding of both.
        rounded = ROUNDED * max(_noise_beside(gap, s * STEPS[0]) for s in (1.0, -1.0))
        if max(wide) <= rounded:
            return Estimate(0.0, rounded / STEPS[0]), 0.0
    return found, 0.0


def _noise_beside(line: Callable[[float], float], start: float) -> float:
    return noise_level(lambda t: line(start + t), 1e-10)


def _operations(outputs: Sequence[Tensor]) -> list[tuple[str, tuple[int, ...]]]:
    """What was recorded: the name and the shape of each operation."""
    graph = Graph(y.node for y in outputs if y.node is not None)
    return [(node.primitive.name, node.shape) for node in graph.operations]


def reads(problem: Problem) -> tuple[Culprit, ...]:
    """The lines at which a value that needs a gradient leaves the graph as a bare array."""
    with _watched() as found:
        problem.run()
    return tuple(
        Culprit(
            name, place, "", "", None, math.nan, math.nan, 1.0,
            "the history ends here: what is computed from this array gets no gradient",
        )
        for name, place in list(dict.fromkeys(found))[:NAMED]
    )  # fmt: skip


@contextmanager
def _watched() -> Iterator[list[Read]]:
    """Lines of the user's that read the value of a Tensor with a history, inside the block."""
    found: list[Read] = []

    def note(tensor: Any, name: str) -> None:
        frame = sys._getframe(2)
        place = user_frame()
        if tensor.requires_grad and place == (frame.f_code.co_filename, frame.f_lineno):
            found.append((name, place))

    def watching(method: Any, name: str) -> Any:
        @functools.wraps(method)
        def read(self: Any) -> Any:
            note(self, f".{name}()")
            return method(self)

        return read

    data: Any = vars(Handle)["data"]

    def value(self: Any) -> Any:
        note(self, ".data")
        return data.fget(self)

    kept = {name: vars(Handle)[name] for name in (*METHODS, "data")}
    try:
        for name in METHODS:
            setattr(Handle, name, watching(kept[name], name))
        # Put back below.
        Handle.data = property(value, data.fset)  # type: ignore[method-assign,assignment]
        yield found
    finally:
        for name, member in kept.items():
            setattr(Handle, name, member)


def hidden(tape: Tape) -> dict[Node, Culprit]:
    """Operations that give other values when they are called again with the same operands."""
    found = {}
    for node in tape.operations:
        calls = (kernel(node, list(node.kept)) for _ in range(AGAIN))
        if all(np.array_equal(y, node.output, equal_nan=True) for y in calls):
            continue
        found[node] = Culprit(
            primitive_name(node), node.place, ".".join(node.scope), "", None,
            math.nan, math.nan, math.inf,
            "not a function of its inputs: called again with the same operands it gives another "
            "value (hidden state or randomness)",
        )  # fmt: skip
    return found
