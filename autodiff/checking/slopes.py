"""Numeric derivatives of single recorded operations, from kernels alone: no rule is read.

Each operation is differentiated at the operands that were recorded, so that rounding and kinks of
other operations do not reach it. Where its kernel takes complex numbers analytically, the complex
step gives all digits (W. Squire, G. Trapp, "Using complex variables to estimate derivatives of
real functions", 1998); NumPy orders complex numbers by their real parts, ties by the imaginary
ones, so that at a tie the step is the one-sided derivative. Of complex numbers, linear operations
give their derivatives themselves (``superposition``). Elsewhere differences are extrapolated entry
by entry (``differences``), and their error is known.
"""

from __future__ import annotations

import copy
import functools
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from autodiff.checking.differences import differences
from autodiff.checking.kernels import (
    Array,
    custom_noise,
    floating,
    is_custom,
    is_smooth,
    kernel,
    kernel_noise,
    moved_along,
    random_tangent,
    scale_of,
    spread,
    top_of,
)
from autodiff.checking.matrices import (
    is_uneven,
    matrices_of,
    one,
    reach_of,
    whole_of,
)
from autodiff.checking.numeric import EPS, PLACES, STEPS, noise_among, random_signs
from autodiff.checking.superposition import linear_groups, slope_of
from autodiff.node import Node

TINY = 1e-40  # the imaginary step: its square is lost against any real part
TINIER = 1e-100  # another one, which shows whether the first was small enough
LARGER = 1e-20  # one more, for slopes that are lost among denormal numbers with the second
FAINT = 1e-180  # such a slope
# LAPACK ends its iterations some 90 rounding errors before the exact values. What is left out is
# the same beside the point, so that no noise shows it, and moves by more than its own size: so many
# rounding errors of a derivative; more where singular values are close, which differences show.
ENDED = 4e3
BLUR = 4.0  # of what they show along one direction: along others it may be more
BESIDE = 1e-7  # in units of the operands: so near, a finite value shows which side is inside
FLAT = 1e3  # in units of what it moves by in proportion to its operands: values may cancel there
APART = 1e-3  # relative distance of points whose roundings are independent
STEADY = 1e-6  # of the slope: by so much two such steps may differ
COMPLEX, DIFFERENCE, CAST, LINEAR = "complex", "difference", "cast", "linear"


class Slopes:
    """Derivatives of recorded operations along tangents, each by the best method it allows."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.rng = rng
        self.methods: dict[Node, str] = {}
        self.noises: dict[Node, Any] = {}
        self.reaches: dict[Node, tuple[float, Any]] = {}
        self.blurs: dict[Node, Array] = {}
        self.normals: dict[Node, list[Array]] = {}
        self.losses: dict[Node, Array | None] = {}
        self.groups: dict[Node, list[list[int]]] = {}
        self.parts: dict[Node, list[tuple[tuple[int, ...], Node]]] = {}

    def __call__(
        self, node: Node, operands: Sequence[Any], tangents: Sequence[Any]
    ) -> tuple[Array, Array | None]:
        """The tangent of the output, and a bound on its error where it is not exact."""
        method = self.method(node, operands)
        if method == LINEAR:
            return slope_of(node, self.groups[node], operands, tangents), None
        if method == COMPLEX:
            found = complex_step(node, operands, tangents)
            if found is not None:
                return found, self.ended(node, found, tangents)
        parts = self._parts(node)
        if parts:
            apart = [
                (at, self._moving(x, one(node, operands, at), one(node, tangents, at)))
                for at, x in parts
            ]
            return whole_of(node, apart)
        if method == CAST:
            found = kernel(node, [tangents[0]])
            eps = np.finfo(node.dtype).eps if node.dtype.kind in "fc" else 0.0
            return found, eps * np.abs(found)
        reach, rough = self._reach(node)
        if not reach:  # beside the edge of the domain: nothing is known
            return np.full(node.shape, np.nan), np.full(node.shape, np.inf)
        if reach == 1.0:
            rough = np.maximum(rough, self._noise(node))
        return differences(node, operands, tangents, rough, reach)

    def _moving(
        self, node: Node, operands: Sequence[Any], tangents: Sequence[Any]
    ) -> tuple[Array, Array | None]:
        """The same, for a matrix that often does not move: a single entry is that of another."""
        if any(t is not None and t.any() for t in tangents):
            return self(node, operands, tangents)
        return np.zeros(node.shape, node.dtype), None

    def ended(self, node: Node, slope: Array, tangents: Sequence[Any]) -> Array | None:
        """What a kernel leaves of a complex step; None of one that gives all digits.

        The end of iterations, or terms that cancel, as in sin(x)/x near 0.
        """
        if node.primitive.family == "elementwise":
            part = self._cancelled(node)
            return None if part is None else part * np.abs(slope)
        if not node.primitive.iterates:
            return None
        # Iterations end by a part of the largest number inside, whatever the direction is.
        top = _top(slope)
        for t, normal in zip(tangents, self._normals(node), strict=True):
            top = top if t is None else np.maximum(top, _top(t) * normal)
        part = np.maximum(ENDED * EPS, self._blur(node))[..., None, None]
        return np.broadcast_to(part * top, slope.shape)

    def _normals(self, node: Node) -> list[Array]:
        """The largest entry of the derivative along random signs of each operand, by matrix."""
        if node not in self.normals:
            self.normals[node] = []
            for i, x in enumerate(node.kept):
                signs: list[Any] = [None] * len(node.kept)
                signs[i] = random_signs(self.rng, np.shape(x))
                found = complex_step(node, node.kept, signs) if np.ndim(x) > 1 else None
                self.normals[node].append(np.zeros(()) if found is None else _top(found))
        return self.normals[node]

    def _blur(self, node: Node) -> Array:
        """By what part of its largest entry a complex step differs from differences, by matrix."""
        if node not in self.blurs:
            self.blurs[node] = np.zeros(node.shape[:-2])
            tangents = [random_tangent(x, self.rng) for x in node.kept]
            parts = [(at, x, one(node, tangents, at)) for at, x in self._parts(node)]
            for at, x, along in parts or [((), node, tangents)]:
                found = complex_step(x, x.kept, along)
                if found is not None:
                    reach, rough = self._reach(x)
                    other, error = differences(x, x.kept, along, rough, reach or 1.0)
                    self.blurs[node][at] = BLUR * _excess(np.abs(found - other) - error, found)
        return self.blurs[node]

    def _cancelled(self, node: Node) -> Array | None:
        if node not in self.losses:
            self.losses[node] = cancelled(node, self.rng)
        return self.losses[node]

    def _noise(self, node: Node) -> Any:
        if node not in self.noises:
            noise = custom_noise if is_custom(node) else kernel_noise if is_smooth(node) else None
            self.noises[node] = 0.0 if noise is None else noise(node, self.rng)
        return self.noises[node]

    def _reach(self, node: Node) -> tuple[float, Any]:
        if node not in self.reaches:
            normwise = node.primitive.normwise
            self.reaches[node] = reach_of(node, self.rng) if normwise else (1.0, 0.0)
        return self.reaches[node]

    def _parts(self, node: Node) -> list[tuple[tuple[int, ...], Node]]:
        """The operation on each of its matrices, where one step would not suit them all."""
        if node not in self.parts:
            apart = node.primitive.normwise and (self._reach(node)[0] < 1.0 or is_uneven(node))
            self.parts[node] = matrices_of(node) if apart else []
        return self.parts[node]

    def method(self, node: Node, operands: Sequence[Any]) -> str:
        """How its derivatives are found: chosen at the first use."""
        if node not in self.methods:
            self.methods[node] = self._choose(node, operands)
        return self.methods[node]

    def discrete(self, node: Node, operands: Sequence[Any], tangents: Sequence[Any]) -> Any:
        """A comparison, an index or an order just beside the point, in the tangents' direction."""
        scale = scale_of(operands, tangents)
        if any(np.iscomplexobj(x) for x in operands):
            return kernel(node, moved_along(operands, tangents, 1e-12 * scale))
        moved = [
            x if t is None else x + 1j * (t * (TINY / top_of(tangents)))
            for x, t in zip(operands, tangents, strict=True)
        ]
        try:
            return kernel(node, moved)
        except TypeError:
            return kernel(node, moved_along(operands, tangents, 1e-12 * scale))

    def beside(
        self, node: Node, operands: Sequence[Any], tangents: Sequence[Any], step: float
    ) -> Array:
        """The value so many operands away along the tangents; NaN where there is none."""
        value = np.full(node.shape, np.nan, node.dtype)
        for at, part in self._parts(node):
            value[at] = self.beside(part, one(node, operands, at), one(node, tangents, at), step)
        if self._parts(node):
            return value
        try:
            s = step * scale_of(operands, tangents)
            return np.asarray(kernel(node, moved_along(operands, tangents, s)))
        except np.linalg.LinAlgError:
            return value

    def _choose(self, node: Node, operands: Sequence[Any]) -> str:
        if node.primitive.name == "astype":
            return CAST
        if any(x.dtype.kind == "c" for x in (*operands, node) if floating(x)):
            # No imaginary part is left to step in.
            self.groups[node] = linear_groups(node, self.rng)
            return LINEAR if self.groups[node] else DIFFERENCE
        if is_custom(node) and self._agrees(node, operands, 64.0):
            # Where a function is nearly flat, a kernel that drops the imaginary part of a term
            # looks right. A tenth of the way to 0, a function that saturates does so less.
            operands = [np.asarray(0.1 * x) if floating(x) else x for x in operands]
        parts = self._parts(node)
        if parts:
            methods = {self.method(part, one(node, operands, at)) for at, part in parts}
            return DIFFERENCE if DIFFERENCE in methods else COMPLEX
        reach, _ = self._reach(node)
        if not reach:
            return DIFFERENCE  # which says that nothing is known
        if reach < 1.0:
            # Differences there are too uncertain to speak against the complex step: samples do.
            samples = _samples(node, self.rng)
            if not samples or not all(self._agrees(each, each.kept, 0.0) for each in samples):
                return DIFFERENCE
        return COMPLEX if self._agrees(node, operands, 0.0) else DIFFERENCE

    def _agrees(self, node: Node, operands: Sequence[Any], slack: float) -> bool:
        """Whether the complex step gives what differences give."""
        tangents = [random_tangent(x, self.rng) for x in operands]
        found = complex_step(node, operands, tangents)
        if found is None:
            return False
        reach, rough = self._reach(node)
        rough = self._noise(node) if is_custom(node) else rough
        expected, error = differences(node, operands, tangents, rough, reach or 1.0)
        with np.errstate(all="ignore"):
            known = np.isfinite(error)
            gap = np.abs(found - expected) - 1e-6 * np.abs(expected) - 50.0 * error
            if node.primitive.family != "elementwise":  # entries are sums of others' terms
                gap -= 1e-9 * np.abs(np.where(known, expected, 0.0)).max(initial=0.0)
            if not known.all():
                # At an edge of the domain, where differences fail, nothing speaks against the
                # complex step, unless there is no value on either side.
                sides = [self.beside(node, operands, tangents, s * BESIDE) for s in (1.0, -1.0)]
                gap = np.where(known, gap, np.where(np.isfinite(sides).any(axis=0), 0.0, np.inf))
        return bool(np.all(gap <= (slack and slack * _unseen(node, operands, tangents))))


def _top(x: Array) -> Array:
    """The largest entry of each matrix."""
    return np.asarray(np.abs(x).max(axis=(-2, -1), keepdims=True, initial=0.0))


def _excess(gap: Array, found: Array) -> Array:
    """What is positive of a gap, in units of the largest entry of each matrix."""
    with np.errstate(all="ignore"):
        most = _top(np.where(gap > 0.0, gap, 0.0))
        return np.where(most > 0.0, most / _top(found), 0.0)[..., 0, 0]


def _unseen(node: Node, operands: Sequence[Any], tangents: Sequence[Any]) -> float:
    """A derivative that differences do not see where numbers of size 1 are rounded inside."""
    unit = max([1.0, *(spread(x) for x in (*operands, node.output) if floating(x))])
    return float(np.finfo(np.float64).eps) * unit / (STEPS[0] * scale_of(operands, tangents))


def _samples(node: Node, rng: np.random.Generator) -> list[Node]:
    """The same operation at operands that its class gives as examples."""
    found = []
    for case in node.primitive.cases:
        sample = copy.copy(node)
        sample.kept, sample.params = case.draw(rng), case.params
        sample.output = kernel(sample, sample.kept)
        sample.shape, sample.dtype = sample.output.shape, sample.output.dtype
        if sample.output.size:
            found.append(sample)
    return found


def complex_step(node: Node, operands: Sequence[Any], tangents: Sequence[Any]) -> Array | None:
    r"""``Im f(x + i h t) / h``; None where the kernel refuses complex numbers or drops them."""
    y = _imaginary_part(node, operands, tangents, TINY)
    zero = at_zero(node, tangents)
    if y is None or not np.any(zero):
        return y
    return settled(y, zero, lambda step: _imaginary_part(node, operands, tangents, step))


def cancelled(node: Node, rng: np.random.Generator) -> Array | None:
    """Rounding errors of the complex step of an elementwise operation, in units of the derivative.

    Where the value is far larger than it moves, a kernel may take numbers of its size from each
    other. Roundings of them may be the same a rounding error away, but not so a thousandth away:
    high differences of derivatives on such a line are those roundings. None where there are none.
    """
    tangents = [random_tangent(x, rng) for x in node.kept]
    slope = complex_step(node, node.kept, tangents)
    if slope is None:
        return None
    with np.errstate(all="ignore"):
        flat = np.isfinite(slope) & (slope != 0.0) & (np.abs(node.output) > FLAT * np.abs(slope))
        if not flat.any():
            return None
        part = copy.copy(node)
        part.kept = tuple(_entries(x, flat) for x in node.kept)
        part.shape = (int(flat.sum()),)
        ways = [_entries(t, flat) for t in tangents]
        line = [complex_step(part, moved_along(part.kept, ways, APART * k), ways) for k in PLACES]
        found = np.zeros(node.shape)
        if all(y is not None for y in line):
            found[flat] = noise_among(np.array(line)) / np.abs(slope[flat])
    return np.where(np.isfinite(found), found, 0.0)


def _entries(x: Any, chosen: Array) -> Any:
    """The chosen entries of an operand that is broadcast to their shape."""
    return np.broadcast_to(x, chosen.shape)[chosen] if isinstance(x, np.ndarray) else x


def at_zero(node: Node, tangents: Sequence[Any]) -> Any:
    """Where a 0 moves: no step is small beside it, as x^1.01 and x·x·x show."""
    moves = [x == 0 for x, t in zip(node.kept, tangents, strict=True) if t is not None]
    if node.primitive.family == "elementwise":
        return functools.reduce(np.logical_or, moves, False)
    powers = node.primitive.normwise or (node.primitive.family == "bilinear" and len(moves) > 2)
    return bool(powers) and any(np.any(zero) for zero in moves)


def settled(y: Array, zero: Any, found: Callable[[float], Array | None]) -> Array | None:
    """A derivative, if another step leaves it; 0 if it vanishes with the step, else NaN.

    ``zero``: the entries that are in question; ``found`` gives it by another step, or None.
    """
    smaller = found(TINIER)
    if smaller is None:
        return None
    with np.errstate(all="ignore"):
        apart, size = np.abs(smaller - y), np.abs(y)
        noise = 1e-12 * np.maximum(size.max(initial=0.0), 1.0)  # what is left of terms that cancel
        moves = np.isfinite(smaller) & (apart > STEADY * size + noise)
        vanishes = np.abs(smaller) < 1e-3 * size
        faint = vanishes & (size < FAINT)
        larger = found(LARGER) if faint.any() else None
        if larger is not None:
            vanishes &= ~faint | (size < 1e-3 * np.abs(larger))
        return np.where(zero & vanishes, 0.0, np.where(zero & moves, np.nan, y))


def _imaginary_part(
    node: Node, operands: Sequence[Any], tangents: Sequence[Any], step: float
) -> Array | None:
    h = step / top_of(tangents)
    moved = [x if t is None else x + 1j * (h * t) for x, t in zip(operands, tangents, strict=True)]
    y = _complex_value(node, moved)
    if y is None and any(t is None and floating(x) for x, t in zip(operands, tangents)):
        # A kernel that gives its result the dtype of one operand needs that one complex.
        y = _complex_value(node, [x + 0j if floating(x) else x for x in moved])
    return None if y is None else np.asarray(y.imag / h)


def _complex_value(node: Node, operands: Sequence[Any]) -> Any:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            y = kernel(node, operands)
    except Exception:  # a user's function may raise anything on complex numbers
        return None
    return y if y.dtype.kind == "c" and y.shape == node.shape else None
