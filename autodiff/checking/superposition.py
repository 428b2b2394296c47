"""Operations that are linear in their operands, together or each by itself: exact derivatives.

Those of complex numbers leave no imaginary part to step in, and differences see rounding errors of
terms that cancel, as in ``x @ pinv(x)``. Where a kernel superposes, its values at the tangents are
the derivatives, to the last digit. Random operands are tried, whatever family says that it is.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from autodiff.checking.kernels import (
    DISCRETE,
    Array,
    floating,
    is_custom,
    kernel,
    most,
    spread,
)
from autodiff.node import Node

TRIALS = 3  # one alone may hold by chance, as that of an operation on one number that selects
FACTOR = 1.37  # no whole number, or what rounds to whole numbers might be linear
ROUNDED = 1e3  # rounding errors by which sums may differ


def linear_groups(node: Node, rng: np.random.Generator) -> list[list[int]]:
    """Operands in which the kernel is linear: all together, or one at a time; empty if in neither.

    What selects among values, or rounds them, might look so by chance, and is not tried.
    """
    primitive = node.primitive
    selects = primitive.selects and primitive.family != "linear"
    if primitive.normwise or selects or primitive.name in DISCRETE or is_custom(node):
        return []
    moving = [i for i, x in enumerate(node.kept) if floating(x)]
    for groups in ([moving], [[i] for i in moving]):
        if all(_is_linear(node, group, rng) for group in groups):
            return groups
    return []


def slope_of(
    node: Node, groups: Sequence[Sequence[int]], operands: Sequence[Any], tangents: Sequence[Any]
) -> Array:
    """The sum over groups of the kernel's value where that group's tangents stand in place."""
    total = np.zeros(node.shape, node.dtype)
    for group in groups:
        if any(tangents[i] is not None for i in group):
            total = total + kernel(node, _instead(operands, group, tangents))
    return total


def _is_linear(node: Node, group: Sequence[int], rng: np.random.Generator) -> bool:
    """Whether the kernel superposes at the point and elsewhere, the other operands fixed."""
    kept = list(node.kept)
    points = [kept, *([_random(x, rng) for x in kept] for _ in range(TRIALS))]
    sizes = [_superposed(node, group, x, [_random(y, rng) for y in x]) for x in points]
    return 0.0 < max(sizes) < math.inf  # 0 everywhere: nothing was seen


def _superposed(node: Node, group: Sequence[int], a: list[Any], b: list[Any]) -> float:
    """The size of f(b), where ``f(a) + f(b) = f(a + b)`` and ``f(c a) = c f(a)``; else infinite.

    With c < 0 no absolute value is linear, and with c a of size 1 nothing that changes far away.
    """
    c = -FACTOR / (max(spread(a[i]) for i in group) or 1.0)
    both, scaled = list(a), list(a)
    for i in group:
        both[i], scaled[i] = a[i] + b[i], c * a[i]
    try:
        fa, fb, fboth, fscaled = (
            kernel(node, _instead(a, group, operands)) for operands in (a, b, both, scaled)
        )
    except Exception:  # random operands may lie outside of the domain
        return math.inf
    if any(y.shape != node.shape or y.dtype.kind not in "fc" for y in (fa, fb, fboth, fscaled)):
        return math.inf
    # f(b) has the size of terms that may cancel in f(a).
    allowed, size = ROUNDED * float(np.finfo(node.dtype).eps), most(fb)
    holds = most(fa + fb - fboth) <= allowed * (most(fa) + size)
    holds = holds and most(c * fa - fscaled) <= allowed * (most(fscaled) + size)
    return size if holds else math.inf


def _instead(operands: Sequence[Any], group: Sequence[int], others: Sequence[Any]) -> list[Any]:
    """The operands, those of the group exchanged; zeros where there is no other."""
    found = list(operands)
    for i in group:
        found[i] = np.zeros_like(operands[i]) if others[i] is None else others[i]
    return found


def _random(x: Any, rng: np.random.Generator) -> Any:
    if not floating(x):
        return x
    parts = rng.uniform(-2.0, 2.0, (2, *x.shape))
    return np.asarray(parts[0] + 1j * parts[1] if x.dtype.kind == "c" else parts[0], x.dtype)
