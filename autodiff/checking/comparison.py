"""One derivative by rules against the same by kernels: which are taken, and what they cost."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from autodiff.checking.kernels import is_custom
from autodiff.checking.numeric import random_signs
from autodiff.checking.problem import Variable, joined, parts_of
from autodiff.checking.slopes import DIFFERENCE
from autodiff.checking.tape import Array, Push, Tape
from autodiff.node import Node

SINGLY = 300  # up to this size every entry is compared one by one
SAMPLED = 32  # of a larger one this many, of one above 30,000 fewer
UNDERFLOW = 1e-280  # below this a complex step is lost among denormal numbers
RANGE = 1e6  # the factor by which a direction may even out the sizes of derivatives
BLUNT = 1e-3  # a tolerance above this part of the derivative proves nothing

CUT = (
    "the function changes with it in a way that was not recorded: its history was cut, as by "
    ".numpy(), .data or NumPy operations"
)
BRANCHES = "the function takes other branches in Python however near to this point"
EDGE = "at the edge of the domain: beside the point there is no gradient ({})"
JUMPS = "the value itself jumps here, at {}"
BLURRED = (
    "the numeric derivative is too uncertain: noise, or a kink or an edge of the domain at this "
    "point"
)


@dataclass
class Comparison:
    """One derivative: where, both values, and how far apart they may be."""

    place: tuple[int, ...] | str
    direction: Array
    analytic: float
    numeric: float
    tolerance: float
    scale: float  # the largest derivative (of entries), or the length of the gradient
    other: float | None = None  # at a kink, the derivative from the other side
    kinked: float = 0.0  # how far kinks on the way let the derivative differ
    unclear: str = ""
    part: str = ""  # of a complex entry: "real" or "imag"
    push: Push | None = None

    @property
    def nearest(self) -> float:
        """The numeric derivative; at a kink, the value between both sides nearest to autodiff's."""
        if self.other is None:
            return self.numeric
        low, high = sorted((self.numeric, self.other))
        return min(max(self.analytic, low), high)

    @property
    def difference(self) -> float:
        """From the numeric derivative, or from the interval between the one-sided ones."""
        gap = abs(self.analytic - self.nearest)
        return math.inf if math.isnan(gap) else gap

    @property
    def farthest(self) -> float:
        """From the one-sided derivative that is farther away: what kinks must account for."""
        sides = (self.numeric,) if self.other is None else (self.numeric, self.other)
        return max(abs(self.analytic - s) for s in sides)

    @property
    def wrong(self) -> bool:
        """Whether the values are farther apart than noise and kinks explain."""
        return self.excess > 1.0 and not self.unclear

    @property
    def excess(self) -> float:
        """The difference in units of what is allowed."""
        if not math.isfinite(self.analytic):
            return math.inf
        allowed = self.tolerance + self.kinked
        if not math.isfinite(self.numeric) or not math.isfinite(allowed):
            return 0.0
        return self.farthest / allowed if allowed else (math.inf if self.farthest else 0.0)

    @property
    def blunt(self) -> bool:
        """Whether the tolerance is so wide that agreement means nothing."""
        return not self.tolerance <= BLUNT * max(self.scale, abs(self.numeric))


def uniform(found: list[Comparison]) -> float:
    """The smallest relative error of a whole gradient that one of the comparisons would show."""
    seen = [c.tolerance / abs(c.numeric) for c in found if c.numeric]
    return min((s for s in seen if math.isfinite(s)), default=math.inf)


def one_entry(found: list[Comparison], variable: Variable) -> float:
    """The smallest error of any one entry that would be seen, in units of the largest entry."""
    g = variable.gradient
    top = float(np.abs(parts_of(g)).max()) if g is not None else 0.0
    singles = [c.tolerance for c in found if not isinstance(c.place, str)]
    along = [
        c.tolerance / float(np.abs(parts_of(c.direction)).min())
        for c in found
        if isinstance(c.place, str)
    ]
    seen = min(along) if along else max(singles)
    return seen / (top or 1.0)


def chosen(variable: Variable, rng: np.random.Generator) -> list[int]:
    """Flat indices to compare one by one: all, or the largest derivative and a random sample."""
    size = variable.count
    if size <= SINGLY:
        return list(range(size))
    count = max(4, min(SAMPLED, 1_000_000 // size))
    sample = rng.choice(size, count, replace=False)
    if variable.gradient is not None:
        largest = np.argmax(np.abs(parts_of(variable.gradient)))
        if largest not in sample:
            sample[0] = largest
    return sorted(map(int, sample))


class Row(NamedTuple):
    """What one comparison is along: the fields of ``Comparison`` that are known before it."""

    place: tuple[int, ...] | str
    direction: Array
    scale: float
    part: str = ""


def directions(variable: Variable, numbers: range, rng: np.random.Generator) -> list[Row]:
    """Random signs, which cover all entries; every second time scaled by 1/|gradient|."""
    value, g = variable.value, None
    if variable.gradient is not None:
        g = parts_of(variable.gradient)
    found = []
    for k in numbers:
        direction = random_signs(rng, parts_of(value).shape)
        if k % 2 and g is not None and np.isfinite(g).all():
            top = float(np.abs(g).max(initial=0.0))
            if top:
                direction = direction * (top / np.maximum(np.abs(g), top / RANGE))
        length = 0.0 if g is None else float(np.linalg.norm(g * direction))
        found.append(Row(f"direction {k}", joined(direction, value), length))
    return found


def entries(variable: Variable, chosen: Sequence[int]) -> list[Row]:
    """Single entries, and of complex ones both parts, by their flat indices."""
    g, shape, ndim = variable.gradient, parts_of(variable.value).shape, variable.value.ndim
    top = 0.0 if g is None else float(np.abs(parts_of(g)).max(initial=0.0))
    found = []
    for flat in chosen:
        unit = np.zeros(shape)
        unit.flat[flat] = 1.0
        place = tuple(map(int, np.unravel_index(flat, shape)))
        part = ("real", "imag")[place[-1]] if len(place) > ndim else ""
        found.append(Row(place[:ndim], joined(unit, variable.value), top, part))
    return found


def cost(tape: Tape) -> float:
    """The seconds that one comparison is estimated to take: two walks through all kernels."""
    seconds = 0.0
    for node in tape.operations:
        sizes = [np.size(x) for x in (*node.kept, node.output)]
        own = 1e-4 + 5e-8 * math.fsum(sizes)
        if node.primitive.family == "bilinear":  # a product of matrices: the root is m·n·k
            own += 4e-9 * math.sqrt(math.prod(map(float, sizes)))
        # Differences call the kernel many times; a method is known once it has been needed.
        calls = (36.0 if is_custom(node) else 24.0) if _differs(tape, node) else 1.0
        seconds += own * calls
    return 2.0 * seconds


def _differs(tape: Tape, node: Node) -> bool:
    return tape.slopes.methods.get(node) == DIFFERENCE


def agree(a: Mapping[Node, Array], b: Mapping[Node, Array], leaves: Sequence[Node]) -> bool:
    """Whether two walks gave the same gradients, up to rounding."""
    pairs = [(a.get(leaf), b.get(leaf)) for leaf in leaves]
    return all(  # a denormal number has few bits, so that twice of it may not be twice
        np.allclose(x, y, 1e-9, UNDERFLOW, equal_nan=True)
        for x, y in pairs
        if x is not None and y is not None
    )
