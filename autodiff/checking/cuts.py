"""Culprits that are no derivative rule: where a history was cut, and what has hidden state."""

from __future__ import annotations

import functools
import math
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from autodiff.checking.kernels import kernel
from autodiff.checking.numeric import EPS, STEPS, Estimate, derivative, noise_level
from autodiff.checking.problem import Problem
from autodiff.checking.report import Culprit
from autodiff.checking.tape import Tape, primitive_name
from autodiff.errors import user_frame
from autodiff.handle import Handle
from autodiff.node import Node

NAMED = 3
AGAIN = 2  # calls that must give what was recorded
METHODS = ("numpy", "item")
Read = tuple[str, tuple[str, int]]
BESIDE = 1e-7  # a relative step that shows branches at the point itself
NEARER = (1e-2, 1e-4)  # parts of it, at which a branch further away shows no more
ROUNDED = 64.0  # roundings: what is less is no difference


def lost(
    value: Callable[[float], float],
    recorded: Callable[[float], float],
    slope: float,
    level: float,
) -> tuple[Estimate, float]:
    """The derivative of what a function does outside its record; and a kink at the point, or 0.

    ``value(t)``, ``recorded(t)``: of the function, and of its record, so far from the point;
    ``slope``: what the gradient says; ``level``: the size of the value.
    """
    none, sizes = Estimate(0.0, 0.0), [level]  # it may be 0 at the point alone

    def gap(t: float) -> float:
        called, replayed = value(t), recorded(t)
        sizes.append(abs(replayed))
        return 0.0 if math.isnan(called) and math.isnan(replayed) else called - replayed

    wide = [abs(gap(s * STEPS[0])) for s in (1.0, -1.0)]
    rounding = EPS * max(sizes)
    least = ROUNDED * rounding
    if all(width <= least for width in wide):
        return none, 0.0
    ahead, behind = gap(BESIDE), gap(-BESIDE)
    top = max(abs(ahead), abs(behind))
    if min(abs(ahead), abs(behind)) <= least < 1e-3 * top:
        # The record holds on one side: the function took another branch on the other.
        return none, top / BESIDE
    kinked = abs(ahead + behind) > 1e-3 * top
    for part in NEARER:
        near = gap(part * BESIDE), gap(-part * BESIDE)
        if max(map(abs, near)) <= least < 0.1 * part * top:
            return none, 0.0  # it takes other branches on both sides, and none here
        pairs = zip(near, (ahead, behind), strict=True)
        kinked = kinked and all(abs(y - part * its) <= 0.01 * part * top for y, its in pairs)
    h = NEARER[0] * BESIDE
    if kinked and abs((value(h) - value(-h)) / (2.0 * h) - slope) <= 0.01 * top / BESIDE:
        return none, top / BESIDE  # and from the point on, at a kink of the function
    return derivative(gap, STEPS, max(noise_level(gap, 1e-10), rounding)), 0.0


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
