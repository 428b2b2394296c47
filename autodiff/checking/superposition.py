"""Operations that are linear in their operands, together or each by itself: exact derivatives.

Those of complex numbers leave no imaginary part to step in, and differences see rounding errors of
terms that cancel, as in ``x @ pinv(x)``. Where a kernel superposes, its values at the tangents are
the derivatives, to the last digit. No family is believed: random operands are tried.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from autodiff.checking.kernels import Array, floating, is_custom, kernel, most
from autodiff.node import Node

TRIALS = 3  # one alone may hold by chance, as that of an operation on one number that selects
ROUNDED = 1e3  # rounding errors by which sums may differ


def linear_groups(node: Node, rng: np.random.Generator) -> list[list[int]]:
    """Operands in which the kernel is linear: all together, or one at a time; empty if in neither.

    Selections are left out, save those of moved entries (``setitem``): linear almost everywhere.
    """
    primitive = node.primitive
    selects = primitive.selects and primitive.family != "linear"
    if primitive.normwise or selects or is_custom(node):
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
    points = [list(node.kept), *([_random(x, rng) for x in node.kept] for _ in range(TRIALS))]
    sizes = [_superposed(node, group, x, [_random(y, rng) for y in x]) for x in points]
    return 0.0 < max(sizes) < math.inf  # 0 everywhere: nothing was seen


def _superposed(node: Node, group: Sequence[int], a: list[Any], b: list[Any]) -> float:
    """The size of f(b), where ``f(a) + f(b) = f(a + b)`` and ``f(-b) = -f(b)``; else infinite."""
    both, back = list(a), list(b)
    for i in group:
        both[i], back[i] = a[i] + b[i], -b[i]
    try:
        fa, fb, fboth, fback = (
            kernel(node, _instead(a, group, operands)) for operands in (a, b, both, back)
        )
    except Exception:  # random operands may lie outside of the domain
        return math.inf
    if any(y.shape != node.shape or y.dtype.kind not in "fc" for y in (fa, fb, fboth, fback)):
        return math.inf
    allowed = ROUNDED * float(np.finfo(node.dtype).eps) * (most(fa) + most(fb))
    holds = max(most(fa + fb - fboth), most(fb + fback)) <= allowed
    return most(fb) if holds else math.inf


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
