"""Signals along one axis: convolution, correlation, interpolation, phases."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from autodiff.errors import ShapeError, normalize_axis
from autodiff.families import Multilinear
from autodiff.node import Aval
from autodiff.ops.accumulation import cumsum
from autodiff.ops.comparison import equal, greater, isnan, less, logical_and
from autodiff.ops.complex import conj
from autodiff.ops.differences import diff
from autodiff.ops.elementwise import abs as absolute
from autodiff.ops.elementwise import astype, remainder
from autodiff.ops.indexing import getitem
from autodiff.ops.joining import concatenate, spread_batch, stack
from autodiff.ops.movement import along, as_array, flip, ravel
from autodiff.ops.positions import searchsorted
from autodiff.ops.selection import clip, where
from autodiff.ops.sorting import argsort
from autodiff.primitive import Case, In
from autodiff.registry import PRIMITIVES, public
from autodiff.tensor import Tensor, apply, whole

__all__ = ["convolve", "correlate", "interp", "unwrap"]


class Convolve(Multilinear):
    """Convolution of two vectors, whole or where they overlap fully; ``a`` is then the longer."""

    name = "convolve"
    arguments = ("a", "v")
    kernel = staticmethod(lambda a, v, *, full: np.convolve(a, v, "full" if full else "valid"))
    reference = staticmethod(
        lambda a, v, *, full: np.convolve(a, v)[slice(None) if full else slice(len(v) - 1, len(a))]
    )
    transposes = (
        lambda g, v, *, full: _convolve(g, flip(v), not full),
        lambda g, a, *, full: (
            _convolve(g, flip(a), False) if full else flip(_convolve(a, flip(g), False))
        ),
    )
    cases = (
        Case((In((5,)), In((3,))), {"full": True}),
        Case((In((2,)), In((4,))), {"full": True}),
        Case((In((5,)), In((3,))), {"full": False}),
        Case((In((3,)), In((3,))), {"full": False}),
    )

    def infer(self, a: Any, v: Any, *, full: bool) -> Aval:
        n, m = a.shape[0], v.shape[0]
        size = n + m - 1 if full else n - m + 1
        return Aval((size,), np.convolve(np.ones(1, a.dtype), np.ones(1, v.dtype)).dtype)

    def batch(self, mapped: tuple[bool, ...], a: Any, v: Any, *, full: bool) -> Any:
        rows = zip(*spread_batch(mapped, (a, v)), strict=True)
        return stack([apply(self, x, w, full=full) for x, w in rows])


def _convolve(a: Any, v: Any, full: bool) -> Any:
    return apply(PRIMITIVES["convolve"], a, v, full=full)


def _vectors(name: str, mode: str, *operands: Any) -> list[Any]:
    arrays = [ravel(x) if as_array(x).ndim == 0 else as_array(x) for x in operands]
    for x in arrays:
        if x.ndim != 1 or not x.size:
            raise ShapeError(f"{name}: expected vectors that are not empty, got shape {x.shape}")
    if mode not in ("full", "same", "valid"):
        raise ValueError(f"{name}: mode is 'full', 'same' or 'valid', got {mode!r}")
    return arrays


@public
def convolve(a: Any, v: Any, mode: str = "full") -> Any:
    r"""Discrete convolution of two vectors (``numpy.convolve``).

    .. math:: y_k = \sum_i a_i v_{k - i}, \qquad \bar a_i = \sum_k \bar y_k v_{k - i}

    ``mode`` "full" gives every overlap, "valid" the whole ones only, and "same" the middle, as long
    as the longer operand. Raises ShapeError for what is no vector or empty, ValueError for another
    mode.

    >>> import autodiff as ad
    >>> ad.convolve(ad.tensor([1.0, 2.0, 3.0]), [1.0, -1.0])
    Tensor([ 1.,  1.,  1., -3.])
    """
    a, v = _vectors("convolve", mode, a, v)
    if a.size < v.size:
        a, v = v, a
    y = _convolve(a, v, mode != "valid")
    if mode != "same":
        return y
    start = (v.size - 1) // 2
    return y[start : start + a.size]


@public
def correlate(a: Any, v: Any, mode: str = "valid") -> Any:
    r"""Cross-correlation of two vectors (``numpy.correlate``).

    .. math:: y_k = \sum_i a_{i + k} \overline{v_i}

    Modes and errors are those of ``convolve``.

    >>> import autodiff as ad
    >>> ad.correlate(ad.tensor([1.0, 2.0, 3.0]), [0.0, 1.0])
    Tensor([2., 3.])
    """
    a, v = _vectors("correlate", mode, a, v)
    if a.size >= v.size:
        return convolve(a, flip(conj(v)), mode)
    # NumPy exchanges the operands and turns the result over.
    return flip(convolve(conj(v), flip(a), mode))


@public
def interp(
    x: Any, xp: Any, fp: Any, left: Any = None, right: Any = None, period: Any = None
) -> Any:
    r"""Piecewise linear interpolation between points (``numpy.interp``).

    .. math:: y = f_j + \frac{f_{j+1} - f_j}{p_{j+1} - p_j} (x - p_j), \qquad p_j \le x < p_{j+1}

    Parameters
    ----------
    x : array_like
        Where to interpolate.
    xp, fp : array_like, shape (n,)
        The points; ``xp`` rises. Gradients reach ``x``, ``xp`` and ``fp``; at a point, that of
        ``x`` is the slope on its right.
    left, right : array_like, optional
        The values outside; those of the first and the last point where not given.
    period : float, optional
        ``x`` and ``xp`` are taken modulo it, and ``left`` and ``right`` are not read. A gradient
        reaches it, too.

    Raises ShapeError for points that are no vectors of one length, or none.

    >>> import autodiff as ad
    >>> x = ad.tensor([0.5, 2.0], requires_grad=True)
    >>> y = ad.interp(x, [0.0, 1.0, 3.0], [0.0, 2.0, 0.0])
    >>> y.data, ad.gradients(y.sum(), x).data
    (array([1., 1.]), array([ 2., -1.]))
    """
    x, xp, fp = as_array(x), as_array(xp), as_array(fp)
    if xp.ndim != 1 or xp.shape != fp.shape or not xp.size:
        raise ShapeError(
            f"interp: expected points xp and fp of one length, got shapes {xp.shape} and {fp.shape}"
        )
    x, xp = (astype(v, float) if v.dtype.kind in "biu" else v for v in (x, xp))
    if period is not None:
        x, xp, fp = _periodic(x, xp, fp, period)
        left = right = None
    left = fp[0] if left is None else left
    right = fp[-1] if right is None else right
    if xp.size == 1:
        middle = fp[0]
    else:
        j = clip(searchsorted(xp, x, side="right") - 1, 0, xp.size - 2)
        start, base = getitem(xp, j), getitem(fp, j)
        rise, run = getitem(fp, j + 1) - base, getitem(xp, j + 1) - start
        middle = base + rise / run * (x - start)
    y = where(less(x, xp[0]), left, where(greater(x, xp[-1]), right, middle))
    return where(isnan(x), x, y)


def _periodic(x: Any, xp: Any, fp: Any, period: Any) -> tuple[Any, Any, Any]:
    if np.any(whole(period) == 0):
        raise ValueError("interp: period is not 0")
    period = absolute(period) if isinstance(period, Tensor) else math.fabs(period)
    x, xp = remainder(x, period), remainder(xp, period)
    order = argsort(xp)
    xp, fp = getitem(xp, order), getitem(fp, order)
    xp = concatenate([xp[-1:] - period, xp, xp[:1] + period])
    return x, xp, concatenate([fp[-1:], fp, fp[:1]])


@public
def unwrap(
    p: Any, discont: float | None = None, axis: int = -1, *, period: float = 2 * math.pi
) -> Any:
    r"""Phases without jumps: multiples of the period are added along an axis (``numpy.unwrap``).

    .. math:: y_k = p_k + n_k \cdot \mathrm{period}, \qquad |y_k - y_{k-1}| \le \mathrm{period} / 2

    The numbers n are constant almost everywhere, so that each gradient goes straight to its phase.
    Steps below ``discont`` are left as they are. Integers are computed in float64, which differs
    from NumPy's for an integer period. Raises AxisError.

    >>> import autodiff as ad
    >>> ad.unwrap(ad.tensor([0.0, 3.0, -3.0, -0.2])).numpy().round(2)
    array([0.  , 3.  , 3.28, 6.08])
    """
    p = as_array(p)
    p = astype(p, float) if p.dtype.kind in "biu" else p
    axis = normalize_axis("unwrap", axis, p.ndim)
    step = diff(p, axis=axis)
    half = period / 2
    short = remainder(step + half, period) - half
    short = where(logical_and(equal(short, -half), greater(step, 0)), half, short)
    jump = where(less(absolute(step), half if discont is None else discont), 0.0, short - step)
    # What is added is constant almost everywhere: rounded to whole periods, it has no gradient.
    turns = cumsum(jump / period, axis).round() * period
    first = p[along(axis, slice(1))]
    return concatenate([first, p[along(axis, slice(1, None))] + turns], axis)
