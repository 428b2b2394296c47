"""Derivatives of one operation along many directions at once: its kernel runs once for all of them.

The complex step is taken at operands whose first axis is the direction, by ``Primitive.batch``, the
rule of ``vmap``. That rule is trusted no more than the others are: it is used only after its result
was seen to be that of the kernel alone. What cannot be batched (differences, comparisons, functions
of the user) is left to ``Slopes``, one direction after the other.
"""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from autodiff.checking.kernels import SMOOTH, all_jittered, in_between, is_custom, is_smooth
from autodiff.checking.slopes import (
    COMPLEX,
    TINY,
    Slopes,
    at_zero,
    complex_step,
    settled,
)
from autodiff.node import Node

Array = np.ndarray[Any, Any]
SAME = 1e-9  # a batched derivative differs from that of one direction by rounding alone


class Together:
    """Derivatives of recorded operations along tangents that have the directions in front."""

    def __init__(self, slopes: Slopes) -> None:
        self.slopes, self.rng = slopes, slopes.rng
        self.trusted: dict[tuple[Any, ...], bool] = {}

    def __call__(self, node: Node, tangents: Sequence[Any], jitter: bool) -> Array | None:
        """The tangents of the output; None where they must be found one by one."""
        count = next(len(t) for t in tangents if t is not None)
        if count < 2 or node.dtype.kind not in "fc" or is_custom(node):
            return None
        if self.slopes.method(node, node.kept) != COMPLEX:
            return None
        moving = jitter and is_smooth(node)
        pairs = zip(node.kept, tangents, strict=True)
        mapped = tuple(t is not None or (moving and _is_real(x)) for x, t in pairs)
        with contextlib.suppress(Exception):  # no rule, or one that takes no complex numbers
            if self._is_trusted(node, mapped):
                if moving:
                    return self._jittered(node, mapped, tangents, count)
                return complex_steps(node, node.kept, mapped, tangents)
        return None

    def _jittered(
        self, node: Node, mapped: tuple[bool, ...], tangents: Sequence[Any], count: int
    ) -> Array:
        """Along each direction at operands moved by rounding errors of its own."""
        wide = [np.broadcast_to(x, (count, *x.shape)) if _is_real(x) else x for x in node.kept]
        moved = all_jittered(node, wide, self.rng)
        slopes = complex_steps(node, moved, mapped, tangents)
        if node.primitive.family != "elementwise":
            return slopes
        found = in_between(lambda xs: complex_steps(node, xs, mapped, tangents), moved, self.rng)
        with np.errstate(all="ignore"):
            gap = _tops(found - slopes)
            same = gap <= SMOOTH * _tops(slopes)  # of a direction whose branch is another: not so
        return np.where(_column(same, found), found, slopes)

    def _is_trusted(self, node: Node, mapped: tuple[bool, ...]) -> bool:
        """Whether batched derivatives are those of the kernel: tried once, along two directions."""
        key = (node, *mapped)
        if key not in self.trusted:
            self.trusted[key] = False  # also where the trial raises
            self.trusted[key] = self._agrees(node, mapped)
        return self.trusted[key]

    def _agrees(self, node: Node, mapped: tuple[bool, ...]) -> bool:
        pairs = list(zip(node.kept, mapped, strict=True))
        operands = [np.stack([x, x]) if m else x for x, m in pairs]
        tangents = [self.rng.uniform(-1.0, 1.0, (2, *x.shape)) if m else None for x, m in pairs]
        together = complex_steps(node, operands, mapped, tangents)
        for k, found in enumerate(together):
            alone = complex_step(node, node.kept, [None if t is None else t[k] for t in tangents])
            if alone is None or not np.isfinite(alone).all():
                return False
            if not np.all(np.abs(found - alone) <= SAME * np.abs(alone).max(initial=0.0)):
                return False
        return True


def complex_steps(
    node: Node, operands: Sequence[Any], mapped: tuple[bool, ...], tangents: Sequence[Any]
) -> Array:
    """``complex_step`` along each direction; operands have the directions in front if ``mapped``.

    Raises what the kernel or ``batch`` raises; TypeError where imaginary parts are lost.
    """
    y = _imaginary_parts(node, operands, mapped, tangents, TINY)
    zero = at_zero(node, tangents)
    if not np.any(zero):
        return y
    found = settled(y, zero, lambda step: _imaginary_parts(node, operands, mapped, tangents, step))
    assert found is not None  # it raises
    return found


def _imaginary_parts(
    node: Node,
    operands: Sequence[Any],
    mapped: tuple[bool, ...],
    tangents: Sequence[Any],
    step: float,
) -> Array:
    tops = np.max([_tops(t) for t in tangents if t is not None], axis=0)
    h = step / np.where(tops > 0.0, tops, 1.0)
    pairs = zip(operands, tangents, strict=True)
    moved = [x if t is None else x + 1j * (_column(h, t) * t) for x, t in pairs]
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("error")
        y = np.asarray(node.primitive.batch(mapped, *moved, **node.params))
    if y.dtype.kind != "c" or y.shape != (len(h), *node.shape):
        raise TypeError(f"{node.primitive.name}: no complex step along many directions")
    return np.asarray(y.imag / _column(h, y))


def _tops(t: Array) -> Array:
    """The largest absolute value along each direction."""
    return np.asarray(np.abs(t).max(axis=tuple(range(1, t.ndim)), initial=0.0))


def _column(x: Array, like: Array) -> Array:
    """One number for each direction, to broadcast against an array of all of them."""
    return x.reshape(-1, *(1,) * (like.ndim - 1))


def _is_real(x: Any) -> bool:
    return isinstance(x, np.ndarray) and x.dtype.kind == "f"
