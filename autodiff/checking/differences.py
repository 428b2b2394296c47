"""Extrapolated differences of one recorded operation, entry by entry, with bounds on their errors.

Ridders' method (1982) over steps of many sizes: a kink, a pole or the edge of the domain nearer
than a step shows in the smaller ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from autodiff.checking.kernels import (
    Array,
    floating,
    most,
    moved_along,
    scale_of,
    spread,
)
from autodiff.checking.matrices import oriented
from autodiff.checking.numeric import LEAST, STEPS
from autodiff.node import Node

WIDEST = 2.0  # the largest step, where an operand is small beside what it is added to
LEAPS = 9  # from the first step to there, the more so where an entry is small beside others or 1
LOWEST = 1e-40  # of the common unit: what is less has no reciprocal
FINER = (2e-8, 2e-9, 2e-10, 2e-11)  # where a kink or a pole is nearer than the last step
TURNED = 100.0  # in units of noise: more is no rounding
SHARP = 1e-10  # a relative error at which no other step is tried
SMALL = 1e-7  # the one-sided step, in units of the operand
CLOSE = 1e-4  # and a step that much smaller, at which a kink is still there
ODD = 1e-4  # two one-sided derivatives that differ by this part are a kink


class Line:
    """The values of one operation along its tangents, and what each step says of the derivative.

    ``rough``: the noise of the kernel, where it is more than the rounding of its values.
    """

    def __init__(
        self, node: Node, operands: Sequence[Any], tangents: Sequence[Any], rough: Any
    ) -> None:
        self.node, self.operands, self.tangents = node, operands, tangents
        self.start = self.at(0.0)
        floats = [x for x in (*operands, node) if floating(x)]
        self.eps = max((float(np.finfo(x.dtype).eps) for x in floats), default=0.0)
        with np.errstate(all="ignore"):  # a tangent may be unknown, NaN
            size = np.maximum(np.abs(self.start), node.primitive.inside)
            self.noise = np.maximum(self.eps * size, rough)
            self.ratio = _ratio(node, operands, tangents)
        # LAPACK's iterations may end elsewhere beside the start: by rounding errors of the largest.
        top = self.eps * most(self.start) if node.primitive.normwise else 0.0
        self.level = np.maximum(self.noise, top)

    def at(self, s: Any) -> Array:
        """The value where the operands moved by so many tangents; NaN outside of the domain."""
        try:
            y = oriented(self.node, moved_along(self.operands, self.tangents, s))
            return np.asarray(y, dtype=np.result_type(y, np.float64))
        except Exception:  # there a kernel may raise what it likes
            return np.full(self.node.shape, np.nan)

    def rounding(self, value: Array) -> Array:
        """The rounding errors of a derivative that has this value, times the step."""
        return np.asarray(4.1 * (self.noise + self.eps * np.abs(value) * self.ratio))

    def extrapolated(self, h: Any) -> tuple[Array, Array]:
        """The derivative by this step, its half and its quarter, and a bound on the error."""
        pairs = [(self.at(h / d), self.at(-h / d)) for d in (1.0, 2.0, 4.0)]
        central = [(a - b) * (d / (2.0 * h)) for d, (a, b) in zip((1.0, 2.0, 4.0), pairs)]
        coarse, fine = ((4.0 * b - a) / 3.0 for a, b in pairwise(central))
        value = (16.0 * fine - coarse) / 15.0
        error = np.abs(value - coarse) + self.rounding(value) / h
        normwise = self.node.primitive.normwise
        # LAPACK chooses the phases of vectors: where both sides stay away from the start however
        # near they are, theirs are others. Over a kink they come near as the step, not its square.
        part = 0.5 if normwise else np.where(h > STEPS[0], 0.15, np.inf)
        far, _, near = (np.abs(a - 2.0 * self.start + b) for a, b in pairs)
        turned = (near > part * far) & (near > TURNED * self.level)
        return value, np.where(turned, np.inf, error)


def differences(
    node: Node,
    operands: Sequence[Any],
    tangents: Sequence[Any],
    rough: Any = 0.0,
    reach: float = 1.0,
) -> tuple[Array, Array]:
    """Extrapolated central differences; at a kink the derivative in the tangents' direction.

    ``rough``: the noise of the kernel, where it is more than the rounding of its values; ``reach``:
    the largest step, in units of the operands. Entries of elementwise operations have steps of
    their own: what suits the largest is, for a small one, beyond the pole.
    """
    unit: Any = scale_of(operands, tangents) * reach
    room: Any = 1.0
    if node.primitive.family == "elementwise":
        unit, room = _each(node, operands, tangents, unit)
    line = Line(node, operands, [None if t is None else t * unit for t in tangents], rough)
    with np.errstate(all="ignore"):
        best, error = np.zeros(line.start.shape), np.full(line.start.shape, np.inf)
        for step in (*STEPS, *FINER):
            if step * reach < LEAST:
                break
            value, noise = line.extrapolated(step)
            # A step across a pole or a crossing of eigenvalues may look sharp, and be another
            # number: smaller steps deny it.
            doubt = 4.0 * (noise + error + line.level / step)
            denied = np.isfinite(error) & (np.abs(value - best) > doubt)
            better = (noise < error) | denied
            best, error = np.where(better, value, best), np.where(better, noise, error)
            floor = line.rounding(value) / STEPS[0]
            if step == STEPS[0] and reach == 1.0:
                best, error = _widened(line, room, best, error, 10.0 * floor)
            if np.all(error <= np.maximum(SHARP * np.abs(best), 5.0 * floor)):
                break
        if SMALL * CLOSE * reach >= LEAST:
            best, error = _one_sided(line, best, error)
        return best / unit, np.where(np.isnan(best), np.inf, error / unit)


def _each(
    node: Node, operands: Sequence[Any], tangents: Sequence[Any], common: float
) -> tuple[Array, Array]:
    """The unit of steps for each entry, and how many of them it may go where it is rounded."""
    unit, far = np.full(node.shape, common), np.full(node.shape, np.inf)
    sizes = [np.where(x == 0.0, np.inf, np.abs(x)) if floating(x) else np.inf for x in operands]
    for i, (x, t) in enumerate(zip(operands, tangents, strict=True)):
        if t is not None and floating(x):
            # An operand that is 0 has the size of the other, as in remainder(0, 1e-8).
            others = np.min(np.broadcast_arrays(np.inf, *sizes[:i], *sizes[i + 1 :]), axis=0)
            size = np.where(x == 0.0, others, np.abs(x))
            way = np.where(t == 0.0, 1.0, np.abs(t))
            unit = np.minimum(unit, np.where(t == 0.0, np.inf, size / way))
            far = np.minimum(far, np.where(t == 0.0, np.inf, max(spread(x), 1.0) / way))
    unit = np.maximum(unit, LOWEST * common)
    return unit, np.clip(far / unit, 1.0, 1.0 / LOWEST)


def _ratio(node: Node, operands: Sequence[Any], tangents: Sequence[Any]) -> Array:
    """Operands in units of their tangents: by this much more the steps themselves are rounded."""
    total = np.zeros(node.shape)
    for x, t in zip(operands, tangents, strict=True):
        if t is None or not np.any(t):
            continue
        if node.primitive.family == "elementwise":
            total = total + np.abs(np.where(t == 0.0, 0.0, x / np.where(t == 0.0, 1.0, t)))
        else:
            total = total + np.abs(x).max() / np.abs(t).max()
    return total


def _widened(
    line: Line, room: Any, best: Array, error: Array, rounded: Array
) -> tuple[Array, Array]:
    """Larger steps, where rounding is most of the error and where they agree with the first."""
    step: Any = STEPS[0]
    leap = np.maximum(10.0, (WIDEST * room / STEPS[0]) ** (1.0 / LEAPS))
    for _ in range(LEAPS):
        step = step * leap
        open_ones = (error <= rounded) & (error > SHARP * np.abs(best))
        open_ones &= step <= 1.01 * WIDEST * room  # powers of leaps are rounded
        if not open_ones.any():
            break
        value, noise = line.extrapolated(step)
        # A step across a kink or over a whole period may look sharp, and be another number.
        better = open_ones & (noise < error) & (np.abs(value - best) <= 4.0 * error)
        best, error = np.where(better, value, best), np.where(better, noise, error)
    return best, error


def _one_sided(line: Line, best: Array, error: Array) -> tuple[Array, Array]:
    """Take what steps beside the point say, where the larger ones crossed something.

    A step that differs from smaller ones by more than their rounding crossed a jump: a staircase
    looks like a slope from afar. At a kink the derivative to the right is taken.
    """
    at, start, rounding, h, near = line.at, line.start, line.rounding, SMALL, CLOSE * SMALL
    sizes = [1.0, *(spread(x) for x in (*line.operands, start) if floating(x))]
    unit = 10.0 * line.eps * max(sizes)
    right, left = (at(h) - start) / h, (start - at(-h)) / h
    ahead, back = (at(near) - start) / near, (start - at(-near)) / near
    gap, size = np.abs(right - left), np.abs(right) + np.abs(left)
    # What only bends strongly comes closer with the step.
    kink = (gap > ODD * size) & (gap > 250.0 * rounding(right) / h)
    kink &= (np.abs(ahead - back) > 0.5 * gap) & (gap > 25.0 * rounding(right) / near)
    middle, value = (right + left) / 2.0, (ahead + back) / 2.0
    nearest = np.ones(value.shape, bool)
    bound = (rounding(ahead) + unit) / near
    # A jump at the point itself: the smaller the step, the larger its quotient.
    jump = np.abs(value) > 100.0 * np.abs(middle) + bound
    edge = np.abs(value)
    # What is odd around the point bends to both sides alike: half the step shows how much.
    bend = 2.0 * np.abs(middle - (at(h / 2.0) - at(-h / 2.0)) / h)
    for larger, its in ((middle, gap + bend + (rounding(right) + unit) / h), (best, error)):
        agrees = np.abs(larger - value) <= 10.0 * (its + bound) + 1e-6 * np.abs(value)
        sharper = (its < bound) & (agrees | ~np.isfinite(value))
        value, bound = np.where(sharper, larger, value), np.where(sharper, its, bound)
        nearest &= ~sharper
    # A kink even nearer leaves all between both sides open.
    bound = np.where(nearest, bound + np.abs(ahead - back), bound)
    value, bound = np.where(jump, best, value), np.where(jump, edge, bound)
    return np.where(kink, right, value), np.where(kink, 1e-6 * size, bound)
