"""Functions of LAPACK: how far they may be followed from a matrix, and how much of them is known.

LAPACK answers for a matrix that differs from the given one by rounding errors of its largest entry:
near a singular matrix, or where eigenvalues nearly coincide, its values move by far more than that,
and a step beyond such a place finds another function. All this belongs to one matrix, and what
suits the largest of a batch is beyond the pole of the smallest: they are taken one by one.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from autodiff.checking.kernels import (
    FEW,
    SAMPLES,
    Array,
    all_jittered,
    floating,
    kernel,
    most,
    moved_along,
)
from autodiff.checking.numeric import EPS, LEAST, PLACES, STEPS, noise_among
from autodiff.node import Node
from autodiff.ops.linalg_base import Decomposition, packed, parts

STIFF = 1e3  # a value that moves by so many times more than its operands may be near a pole
UNEVEN = 1e2  # a straight line moves in proportion over steps of all sizes
NEAR = 1e2  # the scale of steps, in units of how far the pole is: the first step is a fifth of it
# Rounding errors between points on lines whose values differ by noise alone; on one of them it may
# keep in step with the points.
APART = (30.0, 47.0, 71.0)
UNKNOWN = 1e12  # a value that moves by so many times more has hardly a digit that is known
ALIKE = 10.0  # matrices whose largest entries differ by less have one scale


def is_uneven(node: Node) -> bool:
    """Whether an operand holds matrices of different size."""
    for x, core in zip(node.kept, node.primitive.normwise, strict=True):
        tops = np.abs(x).max(axis=tuple(range(x.ndim - core, x.ndim)), initial=0.0)
        if tops.size > 1 and not tops.max() <= ALIKE * tops.min():
            return True
    return False


def matrices_of(node: Node) -> list[tuple[tuple[int, ...], Node]]:
    """The operation on each matrix, by its place in the batch; empty where there is no batch."""
    cores = node.primitive.normwise
    outer = [x.shape[: x.ndim - core] for x, core in zip(node.kept, cores, strict=True)]
    batch = np.broadcast_shapes(*outer)
    if math.prod(batch) < 2 or node.shape[: len(batch)] != batch:
        return []
    found = []
    for at in np.ndindex(*batch):
        part = copy.copy(node)
        part.kept = tuple(one(node, node.kept, at))
        try:
            part.output = kernel(part, part.kept)
        except Exception:  # settings for each matrix, as those of pinv may be, fit no single one
            return []
        part.shape, part.dtype = part.output.shape, part.output.dtype
        if not np.array_equal(part.output, node.output[at], equal_nan=True):
            return []
        found.append((at, part))
    return found


def one(node: Node, operands: Sequence[Any], at: tuple[int, ...]) -> list[Any]:
    """Of operands or tangents (None: none) over a batch, those of the matrix at this place."""
    found = []
    for x, core in zip(operands, node.primitive.normwise, strict=True):
        if x is not None:
            outer = x.shape[: x.ndim - core]
            # An axis of length 1, or one that is not there, is the same for all.
            own = zip(outer, at[len(at) - len(outer) :], strict=True)
            x = x[tuple(0 if size == 1 else place for size, place in own)]
        found.append(x)
    return found


def whole_of(
    node: Node, found: Sequence[tuple[tuple[int, ...], tuple[Array, Array | None]]]
) -> tuple[Array, Array | None]:
    """Derivatives of the matrices and bounds on their errors, as those of the whole operation."""
    slopes = np.zeros(node.shape, np.result_type(*(slope for _, (slope, _) in found)))
    errors = np.zeros(node.shape)
    for at, (slope, error) in found:
        slopes[at] = slope
        errors[at] = 0.0 if error is None else error
    return slopes, None if all(error is None for _, (_, error) in found) else errors


def reach_of(node: Node, rng: np.random.Generator) -> tuple[float, Any]:
    """How far a value may be followed, in units of the operands, and its noise.

    The first is 0 where no digit is known. Values that move by many times more than the operands
    (each in units of its largest entry) are near a pole, if they do not move in proportion: what is
    left of terms that cancel does, and may be followed as any other.
    """
    eps = max((float(np.finfo(x.dtype).eps) for x in node.kept if floating(x)), default=EPS)
    tops = _tops(node)
    if not np.isfinite(tops).all():
        return 0.0, math.inf
    try:
        nearest, *others = (
            max(most((oriented(node, xs) - node.output) / tops) for xs in _around(node, rng, units))
            / (units * eps)
            for units in (1.0, 5e1, 5e2, 5e3, 5e4)
        )
        noise = _noise(node, rng)
    except Exception:  # at the edge of the domain a kernel may raise what it likes
        return 0.0, math.inf
    factor = max(nearest, *others)
    if factor <= STIFF:
        return 1.0, noise
    units = min(max(10.0 / factor, 1e-9), 1e-2) / eps
    if factor <= UNEVEN * min(others) and not _bends(node, rng, units, 0.1):
        return 1.0, noise
    reach = NEAR / factor if factor <= UNKNOWN else 0.0
    # What is small beside other entries may turn sooner than the largest one shows.
    while reach * STEPS[0] > LEAST and _bends(node, rng, reach * STEPS[0] / eps, 0.5):
        reach /= 10.0
    return (reach, noise) if reach * STEPS[0] > LEAST else (0.0, math.inf)


def oriented(node: Node, operands: Sequence[Any]) -> Any:
    """The value at other operands, with the signs of vectors at the point.

    LAPACK chooses signs by rounding, or by an exact 0: all choices are decompositions.
    """
    y = kernel(node, operands)
    if not isinstance(node.primitive, Decomposition) or y.shape != node.shape:
        return y
    shapes = _shapes(node)
    results, starts = parts(y, *shapes), parts(node.output, *shapes)
    for i, j, axis in node.primitive.signs:
        along = (results[j] * starts[j].conj()).sum(axis=axis).real
        sign = np.where(along < 0.0, -1.0, 1.0)
        results[i] = results[i] * np.expand_dims(sign, axis if i == j else -1)
    return packed(results, [len(shape) for shape in shapes])


def _shapes(node: Node) -> Any:
    """Of the results that are packed in the output of a decomposition."""
    return node.primitive.pieces(*node.kept[0].shape[-2:])


def _tops(node: Node) -> Any:
    """The largest entry of the output; of each of its results, where several are packed there."""
    if not isinstance(node.primitive, Decomposition):
        return most(node.output) or 1.0
    shapes = _shapes(node)
    tops = [most(y) or 1.0 for y in parts(node.output, *shapes)]
    return np.repeat(tops, [math.prod(shape) for shape in shapes])


def _noise(node: Node, rng: np.random.Generator) -> Any:
    """What rounding errors of the kernel leave on lines so short that the value is straight."""
    levels = []
    for apart in APART:
        ahead, _ = _around(node, rng, apart)
        ways = [x - x0 if floating(x) else None for x, x0 in zip(ahead, node.kept, strict=True)]
        line = [oriented(node, moved_along(node.kept, ways, k)) for k in PLACES]
        levels.append(noise_among(np.array(line)))
    noise = np.max(levels, axis=0)
    # What zeros of the operand make exactly 0 is rounded as the others are where they are none.
    zero = node.output == 0.0
    if zero.any() and not zero.all():
        noise[zero] = np.maximum(noise[zero], noise[~zero].min())
    return noise


def _bends(node: Node, rng: np.random.Generator, units: float, part: float) -> bool:
    """Whether over so many rounding errors of the operands a value bends by a part of its way."""
    tops = _tops(node)
    for _ in range(SAMPLES):
        try:
            ahead, behind = (oriented(node, xs) for xs in _around(node, rng, units))
        except Exception:  # the edge of the domain is nearer
            return True
        bend, way = ahead - 2.0 * node.output + behind, ahead - behind
        if not most(bend / tops) <= part * most(way / tops):
            return True
    return False


def _around(node: Node, rng: np.random.Generator, units: float) -> tuple[list[Any], list[Any]]:
    """Operands moved by so many rounding errors, and by as many the other way."""
    ways: list[Any] = [None] * len(node.kept)
    for i, moved in enumerate(all_jittered(node, node.kept, rng)):
        x = node.kept[i]
        if floating(x):  # by unequal parts: equal ones may cancel, as in the determinant of ones
            part = rng.uniform(0.5, 1.5, x.shape) if units > 1.0 else 1.0
            ways[i] = units / FEW * part * (moved - x)
    return moved_along(node.kept, ways, 1.0), moved_along(node.kept, ways, -1.0)
