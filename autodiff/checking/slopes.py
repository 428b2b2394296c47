"""Numeric derivatives of single recorded operations, from kernels alone: no rule is read.

Each operation is differentiated at the operands that were recorded, so that rounding and kinks of
other operations do not reach it. Where its kernel takes complex numbers analytically, the complex
step gives all digits (W. Squire, G. Trapp, "Using complex variables to estimate derivatives of
real functions", 1998); NumPy orders complex numbers by their real parts, ties by the imaginary
ones, so that at a tie the step is the one-sided derivative. Elsewhere differences are
extrapolated entry by entry (Ridders 1982), and their error is known.
"""

from __future__ import annotations

import copy
import math
import warnings
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from autodiff.checking.numeric import EPS, STEPS, random_signs
from autodiff.node import Node

Array = np.ndarray[Any, Any]
WIDER = (2e-2, 2e-1, 2.0)  # where an operand is small beside what it is added to
FINER = (2e-8, 2e-9, 2e-10, 2e-11)  # where a kink or a pole is nearer than the last step
SHARP = 1e-10  # a relative error at which no other step is tried
TINY = 1e-40  # the imaginary step: its square is lost against any real part
FAR = 1e-9  # a relative step whose square is less than a rounding error
STIFF = 1e3  # a value of LAPACK's that moves so much more than its operands is near a pole
UNEVEN = 1e2  # over steps of all sizes a straight line moves in proportion
NEAR = 1e2  # steps in units of what the pole is away: the first is a fifth of it
UNKNOWN = 1e12  # and one that moves so much more has hardly a digit that is known
SMOOTH = 1e-6  # what rounding errors change at most of a function that takes the same branch
SMALL = 1e-7  # the one-sided step, in units of the operand
CLOSE = 1e-4  # and a step that much smaller, at which a kink is still there
SAMPLES = 4  # of the noise of a kernel
ROUGH = 1e-10  # relative noise above which it is none
ODD = 1e-4  # two one-sided derivatives that differ by this part are a kink
COMPLEX, DIFFERENCE, CAST = "complex", "difference", "cast"
# Kernels whose values tie or jump: to move their operands apart from each other changes branches.
DISCRETE = frozenset(
    {"max", "min", "sign", "floor", "ceil", "round", "trunc", "floor_divide", "remainder"}
)


def kernel(node: Node, operands: Sequence[Any]) -> Any:
    """The operation's value at other operands, as an array."""
    with np.errstate(all="ignore"):
        return np.asarray(node.primitive.kernel(*operands, **node.params))


def is_smooth(node: Node) -> bool:
    """Whether values may be moved by a rounding error without another branch being taken."""
    p = node.primitive
    return bool(
        p.family in ("elementwise", "bilinear", "general")
        and not p.selects
        and p.differentiable
        and p.name not in DISCRETE
        and p.name != "custom_call"
    )


def is_custom(node: Node) -> bool:
    """Whether a user wrote function and rule: nothing is known of what happens inside."""
    return node.primitive is not None and bool(node.primitive.name == "custom_call")


def jittered(x: Any, rng: np.random.Generator, normwise: bool = False) -> Any:
    """Floats moved up or down by one rounding error, of a matrix by that of its largest entry, of
    a complex number by that of its absolute value; anything else as it is.
    """
    if not isinstance(x, np.ndarray) or x.dtype.kind not in "fc":
        return x
    if x.dtype.kind == "c":
        return _jittered_parts(x, rng, normwise)
    step = float(np.finfo(x.dtype).eps) * random_signs(rng, x.shape)
    if normwise and x.ndim > 1 and x.size:
        top = np.abs(x).max(axis=(-2, -1), keepdims=True)
        top = np.where(top == 0.0, top.max(), top)
        return np.asarray(x + step * top, x.dtype)
    return np.asarray(x * (1.0 + step), x.dtype)


def _jittered_parts(x: Array, rng: np.random.Generator, normwise: bool) -> Array:
    size = np.abs(x)
    if normwise and x.ndim > 1 and x.size:
        size = np.maximum(size, size.max(axis=(-2, -1), keepdims=True))
    eps = np.finfo(x.dtype).eps
    # A part that is 0 is so without rounding, and may lie on a branch cut.
    real, imag = (
        np.where(part == 0.0, 0.0, part + eps * size * random_signs(rng, x.shape))
        for part in (x.real, x.imag)
    )
    return np.asarray(real + 1j * imag, x.dtype)


def in_between(function: Callable[[list[Any]], Any], operands: Sequence[Any], rng: Any) -> Any:
    """A smooth function at the operands from values on both sides, further than a rounding error.

    Rounding errors inside an operation need not change with the last bit of its operand, as that
    of cos(x) near 0. So far away they do; at unequal distances they do not cancel either.
    """
    ratio = rng.uniform(0.4, 0.9)
    ways = [_way(x, rng) for x in operands]
    pairs = list(zip(operands, ways, strict=True))
    ahead = function([x if way is None else np.asarray(x + way, x.dtype) for x, way in pairs])
    behind = function(
        [x if way is None else np.asarray(x - ratio * way, x.dtype) for x, way in pairs]
    )
    return ahead * (ratio / (1.0 + ratio)) + behind / (1.0 + ratio)


def _way(x: Any, rng: np.random.Generator) -> Any:
    if not isinstance(x, np.ndarray) or x.dtype.kind != "f":
        return None
    way = np.maximum(FAR * np.minimum(np.abs(x), 1.0), np.finfo(x.dtype).eps * np.abs(x))
    return way * rng.uniform(1.0, 3.0, x.shape) * random_signs(rng, x.shape)


def same_branch(moved: Any, recorded: Any, unit: float) -> bool:
    """Whether what a rounding error changed is a rounding error, and no other branch."""
    with np.errstate(all="ignore"):
        top = max(float(np.abs(recorded).max(initial=0.0)), unit)
        return bool(np.all(np.abs(moved - recorded) <= SMOOTH * top))


class Slopes:
    """Derivatives of recorded operations along tangents, each by the best method it allows."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.rng = rng
        self.methods: dict[Node, str] = {}
        self.noises: dict[Node, Any] = {}
        self.reaches: dict[Node, tuple[float, Any]] = {}

    def __call__(
        self, node: Node, operands: Sequence[Any], tangents: Sequence[Any]
    ) -> tuple[Array, Array | None]:
        """The tangent of the output, and a bound on its error where it is not exact."""
        method = self.method(node, operands)
        if method == COMPLEX:
            found = complex_step(node, operands, tangents)
            if found is not None:
                return found, None
        if method == CAST:
            found = kernel(node, [tangents[0]])
            eps = np.finfo(node.dtype).eps if node.dtype.kind in "fc" else 0.0
            return found, eps * np.abs(found)
        reach, rough = self._reach(node)
        if not reach:  # beside the edge of the domain: nothing is known
            return np.full(node.shape, np.nan), np.full(node.shape, np.inf)
        if reach == 1.0:
            if node not in self.noises:
                self.noises[node] = kernel_noise(node, self.rng) if is_smooth(node) else 0.0
            rough = np.maximum(rough, self.noises[node])
        return differences(node, operands, tangents, rough, reach)

    def _reach(self, node: Node) -> tuple[float, Any]:
        if node not in self.reaches:
            known = (1.0, 0.0)
            self.reaches[node] = reach_of(node, self.rng) if node.primitive.normwise else known
        return self.reaches[node]

    def method(self, node: Node, operands: Sequence[Any]) -> str:
        """How its derivatives are found: chosen at the first use."""
        if node not in self.methods:
            self.methods[node] = self._choose(node, operands)
        return self.methods[node]

    def discrete(self, node: Node, operands: Sequence[Any], tangents: Sequence[Any]) -> Any:
        """A comparison, an index or an order just beside the point, in the tangents' direction."""
        scale = _scale(operands, tangents)
        if any(np.iscomplexobj(x) for x in operands):
            return kernel(node, _moved(operands, tangents, 1e-12 * scale))
        moved = [
            x if t is None else x + 1j * (t * (TINY / _top(tangents)))
            for x, t in zip(operands, tangents, strict=True)
        ]
        try:
            return kernel(node, moved)
        except TypeError:
            return kernel(node, _moved(operands, tangents, 1e-12 * scale))

    def beside(
        self, node: Node, operands: Sequence[Any], tangents: Sequence[Any], sign: float
    ) -> Array:
        """The value a few rounding errors away along the tangents; NaN where there is none."""
        step = sign * 1e-13 * _scale(operands, tangents)
        try:
            return np.asarray(kernel(node, _moved(operands, tangents, step)))
        except np.linalg.LinAlgError:
            return np.full(node.shape, np.nan)

    def _random_tangent(self, x: Any) -> Any:
        """Each entry moves in proportion to itself: a small one may be near an edge."""
        if not isinstance(x, np.ndarray) or x.dtype.kind != "f":
            return None
        size = np.where((x == 0) | ~np.isfinite(x), _spread(x) or 1.0, np.abs(x))
        return size * self.rng.uniform(0.5, 1.5, x.shape) * random_signs(self.rng, x.shape)

    def _choose(self, node: Node, operands: Sequence[Any]) -> str:
        if node.primitive.name == "astype":
            return CAST
        if any(x.dtype.kind == "c" for x in (*operands, node) if _floating(x)):
            return DIFFERENCE  # no imaginary part is left to step in
        if is_custom(node) and self._agrees(node, operands, 64.0):
            # Where a function is nearly flat, a kernel that drops the imaginary part of a term
            # looks right. A tenth of the way to 0, a function that saturates does so less.
            operands = [np.asarray(0.1 * x) if _floating(x) else x for x in operands]
        if node.primitive.normwise and self._reach(node)[0] < 1.0:
            # Nothing there speaks for or against the complex step: samples of it do.
            samples = _samples(node, self.rng)
            agree = all(self._agrees(sample, sample.kept, 0.0) for sample in samples)
            return COMPLEX if samples and agree else DIFFERENCE
        return COMPLEX if self._agrees(node, operands, 0.0) else DIFFERENCE

    def _agrees(self, node: Node, operands: Sequence[Any], slack: float) -> bool:
        """Whether the complex step gives what differences give."""
        tangents = [self._random_tangent(x) for x in operands]
        found = complex_step(node, operands, tangents)
        if found is None:
            return False
        expected, error = differences(node, operands, tangents)
        with np.errstate(all="ignore"):
            top = np.abs(expected).max(initial=0.0)
            gap = np.abs(found - expected) - 1e-6 * np.abs(expected) - 50.0 * error - 1e-9 * top
        # Where differences fail (an edge of the domain), nothing speaks against the complex step.
        gap = np.where(np.isfinite(error), gap, 0.0)
        return bool(np.all(gap <= (slack and slack * _unseen(node, operands, tangents))))


def _unseen(node: Node, operands: Sequence[Any], tangents: Sequence[Any]) -> float:
    """A derivative that differences do not see where numbers of size 1 are rounded inside."""
    unit = max([1.0, *(_spread(x) for x in (*operands, node.output) if _floating(x))])
    return float(np.finfo(np.float64).eps) * unit / (STEPS[0] * _scale(operands, tangents))


def _spread(x: Array) -> float:
    finite = np.where(np.isfinite(x), x, 0.0)
    return float(np.sqrt(np.mean(np.abs(finite) ** 2))) if x.size else 0.0


def _top(tangents: Sequence[Any]) -> float:
    tops = [float(np.abs(t).max(initial=0.0)) for t in tangents if t is not None]
    return max(tops, default=0.0) or 1.0


def _scale(operands: Sequence[Any], tangents: Sequence[Any]) -> float:
    """The step that moves no operand by more than its own spread."""
    found = []
    for x, t in zip(operands, tangents, strict=True):
        top = 0.0 if t is None else float(np.abs(t).max(initial=0.0))
        if top:
            found.append((_spread(x) or 1.0) / top)
    return min(found, default=1.0)


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


def _moved(operands: Sequence[Any], tangents: Sequence[Any], s: float) -> list[Any]:
    return [x if t is None else x + s * t for x, t in zip(operands, tangents, strict=True)]


def complex_step(node: Node, operands: Sequence[Any], tangents: Sequence[Any]) -> Array | None:
    r"""``Im f(x + i h t) / h``; None where the kernel refuses complex numbers or drops them."""
    h = TINY / _top(tangents)
    moved = [x if t is None else x + 1j * (h * t) for x, t in zip(operands, tangents, strict=True)]
    y = _complex_value(node, moved)
    if y is None and any(t is None and _floating(x) for x, t in zip(operands, tangents)):
        # A kernel that gives its result the dtype of one operand needs that one complex.
        y = _complex_value(node, [x + 0j if _floating(x) else x for x in moved])
    return None if y is None else np.asarray(y.imag / h)


def _complex_value(node: Node, operands: Sequence[Any]) -> Any:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            y = kernel(node, operands)
    except Exception:  # a user's function may raise anything on complex numbers
        return None
    return y if y.dtype.kind == "c" and y.shape == node.shape else None


def kernel_noise(node: Node, rng: np.random.Generator) -> Any:
    """What a kernel that iterates or integrates leaves of rounding errors in each of its values.

    One entry may be exact by chance: each is taken to be as rough as half of the others are.
    """
    size, squares = np.abs(node.output), np.zeros(node.shape)
    with np.errstate(all="ignore"):
        try:
            for _ in range(SAMPLES):
                value = in_between(lambda xs: kernel(node, xs), node.kept, rng)
                squares += (np.abs(value - node.output) / size) ** 2
        except Exception:  # beside the edge of a domain
            return 0.0
        ratio = np.sqrt(squares / SAMPLES)
    ratio = np.where(ratio <= ROUGH, ratio, 0.0)  # anything larger is a branch
    typical = float(np.median(ratio)) if ratio.size else 0.0
    return np.maximum(ratio, typical) * np.where(np.isfinite(size), size, 0.0)


def reach_of(node: Node, rng: np.random.Generator) -> tuple[float, Any]:
    """The relative step that meets no pole of a function of LAPACK's, and its values' noise.

    The value moves by so many times more than the operands, each in units of its largest entry.
    Measured over steps of a rounding error and larger ones: a rank that changes is a jump.
    """
    top, noise, factors = _most(node.output) or 1.0, np.zeros(node.shape), []
    if not math.isfinite(top):
        return 0.0, math.inf
    try:
        for units in (1.0, 1.0, 5e1, 5e2, 5e3, 5e4):
            for operands in _around(node, rng, units):
                gap = np.abs(kernel(node, operands) - node.output)
                noise = np.maximum(noise, gap) if units == 1.0 else noise
                factors.append(_most(gap) / top / (units * EPS))
        factor = max(factors)
        if factor <= STIFF:
            return 1.0, 0.0
        step = min(max(10.0 / factor, 1e-9), 1e-2)
        bent = any(_bends(node, rng, step) for _ in range(SAMPLES))
        if factor <= UNEVEN * min(factors) and not bent:
            return 1.0, noise  # what is left of terms that cancel
    except Exception:  # at the edge of the domain
        return 0.0, math.inf
    return (NEAR / factor, noise) if factor <= UNKNOWN else (0.0, math.inf)


def _bends(node: Node, rng: np.random.Generator, step: float) -> bool:
    """Whether a value is no straight line over a relative step."""
    ahead, behind = (kernel(node, xs) for xs in _around(node, rng, step / EPS))
    return not _most(ahead - 2.0 * node.output + behind) <= 0.1 * _most(ahead - behind)


def _most(x: Array) -> float:
    """The largest absolute value; infinite where there is a NaN."""
    top = float(np.abs(x).max(initial=0.0))
    return math.inf if math.isnan(top) else top


def _around(node: Node, rng: np.random.Generator, units: float) -> tuple[list[Any], list[Any]]:
    """Operands moved by so many rounding errors, and by as many the other way."""
    ways = [units * (jittered(x, rng, True) - x) if _floating(x) else None for x in node.kept]
    return _moved(node.kept, ways, 1.0), _moved(node.kept, ways, -1.0)


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


def differences(
    node: Node,
    operands: Sequence[Any],
    tangents: Sequence[Any],
    rough: Any = 0.0,
    reach: float = 1.0,
) -> tuple[Array, Array]:
    """Extrapolated central differences; at a kink the derivative in the tangents' direction.

    ``rough``: the noise of the kernel, where it is more than the rounding of its values; ``reach``:
    the largest step, in units of the operands.
    """
    scale = _scale(operands, tangents) * reach

    def at(s: float) -> Array:
        try:
            y = kernel(node, _moved(operands, tangents, s))
            return np.asarray(y, dtype=np.result_type(y, np.float64))
        except Exception:  # outside of the domain a kernel may raise what it likes
            return np.full(node.shape, np.nan)

    start = at(0.0)
    eps = max(
        (float(np.finfo(x.dtype).eps) for x in (*operands, node) if _floating(x)), default=0.0
    )
    with np.errstate(all="ignore"):  # a tangent may be unknown, NaN
        size, ratio = np.abs(start), _ratio(node, operands, tangents)

    inside = 1.0 if is_custom(node) else 0.0  # of which nothing may be left in the output

    def rounding(value: Array) -> Array:  # of a difference, times the step
        own = np.maximum(eps * np.maximum(size, inside), rough)
        return 4.1 * (own + eps * np.abs(value) * ratio)

    def extrapolated(h: float) -> tuple[Array, Array]:
        central = [(at(h / d) - at(-h / d)) * (d / (2.0 * h)) for d in (1.0, 2.0, 4.0)]
        coarse, fine = ((4.0 * b - a) / 3.0 for a, b in pairwise(central))
        value = (16.0 * fine - coarse) / 15.0
        return value, np.abs(value - coarse) + rounding(value) / h

    with np.errstate(all="ignore"):
        best, error = np.zeros(start.shape), np.full(start.shape, np.inf)
        found = []
        for step in (*STEPS, *FINER):
            value, noise = extrapolated(step * scale)
            found.append((value, noise))
            better = noise < error
            best, error = np.where(better, value, best), np.where(better, noise, error)
            floor = rounding(value) / (STEPS[0] * scale)
            if step == STEPS[0] and reach == 1.0:
                best, error = _widened(extrapolated, scale, best, error, 2.0 * floor)
            floor *= 5.0
            if np.all(error <= np.maximum(SHARP * np.abs(best), floor)):
                break
        if len(found) > 1:
            best, error = _consistent(found)
        unit = 10.0 * eps * max([1.0, *(_spread(x) for x in (*operands, start) if _floating(x))])
        return _one_sided(at, start, SMALL * scale, rounding, unit, best, error)


def _consistent(found: list[tuple[Array, Array]]) -> tuple[Array, Array]:
    """The sharpest estimate that all smaller steps allow; their steps grow less from last to first.

    A step across a pole or a crossing of eigenvalues may look sharp, and be another number.
    """
    best, error = found[-1]
    for value, noise in found[-2::-1]:
        allowed = (np.abs(value - best) <= 4.0 * (noise + error)) | ~np.isfinite(error)
        better = (noise < error) & allowed | ~np.isfinite(error)
        best, error = np.where(better, value, best), np.where(better, noise, error)
    return best, np.where(np.isfinite(error), error, np.inf)


def _widened(
    extrapolated: Callable[[float], tuple[Array, Array]],
    scale: float,
    best: Array,
    error: Array,
    rounded: Array,
) -> tuple[Array, Array]:
    """Larger steps, where rounding is most of the error and where they agree with the first."""
    for step in WIDER:
        open_ones = (error <= rounded) & (error > SHARP * np.abs(best))
        if not open_ones.any():
            break
        value, noise = extrapolated(step * scale)
        # A step across a kink or over a whole period may look sharp, and be another number.
        better = open_ones & (noise < error) & (np.abs(value - best) <= 4.0 * error)
        best, error = np.where(better, value, best), np.where(better, noise, error)
    return best, error


def _floating(x: Any) -> bool:
    return getattr(getattr(x, "dtype", None), "kind", "") in ("f", "c")


def _one_sided(
    at: Callable[[float], Array],
    start: Array,
    h: float,
    rounding: Callable[[Array], Array],
    unit: float,
    best: Array,
    error: Array,
) -> tuple[Array, Array]:
    """Take what steps beside the point say, where the larger ones crossed something.

    A step that differs from smaller ones by more than their rounding crossed a jump: a staircase
    looks like a slope from afar. At a kink the derivative to the right is taken.
    """
    near = CLOSE * h
    right, left = (at(h) - start) / h, (start - at(-h)) / h
    ahead, back = (at(near) - start) / near, (start - at(-near)) / near
    gap, size = np.abs(right - left), np.abs(right) + np.abs(left)
    # What only bends strongly comes closer with the step.
    kink = (gap > ODD * size) & (gap > 250.0 * rounding(right) / h)
    kink &= (np.abs(ahead - back) > 0.5 * gap) & (gap > 25.0 * rounding(right) / near)
    middle, value = (right + left) / 2.0, (ahead + back) / 2.0
    nearest = value
    bound = (rounding(ahead) + unit) / near
    # A jump at the point itself: the smaller the step, the larger its quotient.
    jump = np.abs(value) > 100.0 * np.abs(middle) + bound
    edge = np.abs(value)
    for larger, its in ((middle, gap + (rounding(right) + unit) / h), (best, error)):
        agrees = np.abs(larger - value) <= 10.0 * (its + bound) + 1e-6 * np.abs(value)
        sharper = (its < bound) & (agrees | ~np.isfinite(value))
        value, bound = np.where(sharper, larger, value), np.where(sharper, its, bound)
    # A kink even nearer leaves all between both sides open.
    bound = np.where(value == nearest, bound + np.abs(ahead - back), bound)
    value, bound = np.where(jump, best, value), np.where(jump, edge, bound)
    return np.where(kink, right, value), np.where(kink, 1e-6 * size, bound)
