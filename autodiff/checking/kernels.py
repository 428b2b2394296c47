"""Kernels of recorded operations at other operands, and how much of their values is known.

No rule is read here.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from autodiff.checking.numeric import PLACES, noise_among, random_signs
from autodiff.node import Node

Array = np.ndarray[Any, Any]
FEW = 4.0  # rounding errors of its largest entry: for a matrix so near LAPACK's answer is exact
FAR = 1e-9  # a relative step whose square is less than a rounding error
SMOOTH = 1e-6  # what rounding errors change at most of a function that takes the same branch
SAMPLES = 4  # of the noise of a kernel
ROUGH = 1e-10  # relative noise above which it is none
SPACINGS = (1e-3, 1e-4, 1e-5, 1e-6)  # relative distances of values that show a function's noise
COARSE = 1e-4  # of the largest value: what is more is a jump and no noise
EVEN = 0.3  # by less than so much noise shrinks when values are ten times as near
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


def floating(x: Any) -> bool:
    """Whether it is an array of real or complex floats."""
    return getattr(getattr(x, "dtype", None), "kind", "") in ("f", "c")


def spread(x: Array) -> float:
    """The root of the mean square of its finite entries."""
    finite = np.where(np.isfinite(x), x, 0.0)
    return float(np.sqrt(np.mean(np.abs(finite) ** 2))) if x.size else 0.0


def top_of(tangents: Sequence[Any]) -> float:
    """The largest entry of all tangents; 1 where all are 0."""
    tops = [float(np.abs(t).max(initial=0.0)) for t in tangents if t is not None]
    return max(tops, default=0.0) or 1.0


def most(x: Array) -> float:
    """The largest absolute value; infinite where there is a NaN."""
    top = float(np.abs(x).max(initial=0.0))
    return math.inf if math.isnan(top) else top


def moved_along(operands: Sequence[Any], tangents: Sequence[Any], s: float) -> list[Any]:
    """Operands moved by so many of their tangents (None: not at all)."""
    return [x if t is None else x + s * t for x, t in zip(operands, tangents, strict=True)]


def scale_of(operands: Sequence[Any], tangents: Sequence[Any]) -> float:
    """The step that moves no operand by more than its own spread."""
    found = []
    for x, t in zip(operands, tangents, strict=True):
        top = 0.0 if t is None else float(np.abs(t).max(initial=0.0))
        if top:
            found.append((spread(x) or 1.0) / top)
    return min(found, default=1.0)


def jittered(x: Any, rng: np.random.Generator, core: int = 0) -> Any:
    """Floats moved up or down by one rounding error, those of a complex number's absolute value.

    Where the last ``core`` axes make one matrix: by a few of its largest entry. Anything else than
    floats is left as it is.
    """
    if not isinstance(x, np.ndarray) or x.dtype.kind not in "fc":
        return x
    size, eps = np.abs(x), float(np.finfo(x.dtype).eps)
    if x.dtype.kind == "f" and not core:  # infinities stay
        return np.asarray(x * (1.0 + eps * random_signs(rng, x.shape)), x.dtype)
    if core and x.size:
        top = size.max(axis=tuple(range(x.ndim - core, x.ndim)), keepdims=True)
        size = FEW * np.where(top == 0.0, top.max(), top)
    if x.dtype.kind == "f":
        return np.asarray(x + eps * size * random_signs(rng, x.shape), x.dtype)
    # A part that is 0 is so without rounding, and may lie on a branch cut.
    real, imag = (
        np.where(part == 0.0, 0.0, part + eps * size * random_signs(rng, x.shape))
        for part in (x.real, x.imag)
    )
    return np.asarray(real + 1j * imag, x.dtype)


def all_jittered(node: Node, operands: Sequence[Any], rng: np.random.Generator) -> list[Any]:
    """Operands of an operation, or arrays of them, as other rounding errors would leave them."""
    cores = node.primitive.normwise or (0,) * len(operands)
    return [jittered(x, rng, core) for x, core in zip(operands, cores, strict=True)]


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


def kernel_noise(node: Node, rng: np.random.Generator) -> Any:
    """What a kernel that iterates or integrates leaves of rounding errors in each of its values.

    One entry may be exact by chance: each is taken to be as rough as half of the others are, except
    among those of a matrix, of which the small ones are rougher in units of their own size.
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
    typical = 0.0 if node.primitive.normwise or not ratio.size else float(np.median(ratio))
    return np.maximum(ratio, typical) * np.where(np.isfinite(size), size, 0.0)


def custom_noise(node: Node, rng: np.random.Generator) -> Any:
    """What the function of a user's leaves of rounding errors in each of its values.

    Of noise alone high differences do not depend on the distance of values; at a kink, or where a
    function bends strongly, they shrink with it. One entry may be exact by chance, as in
    ``kernel_noise``.
    """
    ways = [random_tangent(x, rng) for x in node.kept]
    found, before = np.zeros(node.shape), np.full(node.shape, np.inf)
    places = [k + 0.5 for k in PLACES]  # at the point itself the value may jump
    with np.errstate(all="ignore"):
        for spacing in SPACINGS:
            try:
                line = [kernel(node, moved_along(node.kept, ways, spacing * k)) for k in places]
            except Exception:  # beside the edge of a domain it may raise what it likes
                return 0.0
            level = noise_among(np.array(line, np.result_type(*line, np.float64)))
            steady = (level > EVEN * before) & (level < COARSE * most(node.output))
            found, before = np.where(steady, np.maximum(found, level), found), level
    return np.maximum(found, np.median(found)) if found.size else found


def random_tangent(x: Any, rng: np.random.Generator) -> Any:
    """Each entry moves in proportion to itself: a small one may be near an edge."""
    if not isinstance(x, np.ndarray) or x.dtype.kind != "f":
        return None
    size = np.where((x == 0) | ~np.isfinite(x), spread(x) or 1.0, np.abs(x))
    return size * rng.uniform(0.5, 1.5, x.shape) * random_signs(rng, x.shape)
