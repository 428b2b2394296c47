"""Quantiles along axes: sorting, and interpolation between neighbours."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from autodiff.errors import ShapeError, normalize_axes
from autodiff.ops.accumulation import cumsum
from autodiff.ops.comparison import (
    equal,
    greater,
    isinf,
    isnan,
    less,
    logical_and,
    logical_not,
    logical_or,
)
from autodiff.ops.elementwise import astype
from autodiff.ops.indexing import take_along_axis
from autodiff.ops.movement import as_array, broadcast_to, reshape, transpose
from autodiff.ops.positions import searchsorted
from autodiff.ops.reduction import reduced_shape
from autodiff.ops.reduction import sum as sum_over
from autodiff.ops.selection import clip, maximum, minimum, where
from autodiff.ops.sorting import argsort, sort
from autodiff.registry import public
from autodiff.tensor import raw, whole

__all__ = ["median", "nanmedian", "nanpercentile", "nanquantile", "percentile", "quantile"]

# Where fraction q of n entries stands: n q + alpha + q (1 - alpha - beta) - 1, counted from 0.
# R. J. Hyndman and Y. Fan, "Sample quantiles in statistical packages", The American Statistician 50
# (1996), definitions 4 to 9.
_CONTINUOUS = {
    "interpolated_inverted_cdf": (0.0, 1.0),
    "hazen": (0.5, 0.5),
    "weibull": (0.0, 0.0),
    "linear": (1.0, 1.0),
    "median_unbiased": (1 / 3, 1 / 3),
    "normal_unbiased": (3 / 8, 3 / 8),
}
_STEPS = (
    "inverted_cdf",
    "averaged_inverted_cdf",
    "closest_observation",
    "lower",
    "higher",
    "midpoint",
    "nearest",
)


def _position(q: Any, n: Any, method: Any) -> Any:
    """The position, in rising order from 0, of fraction ``q`` of ``n`` entries."""
    if method in _CONTINUOUS:
        alpha, beta = _CONTINUOUS[method]
        at = n * q + (alpha + q * (1 - alpha - beta)) - 1
        return clip(at, 0.0, n - 1.0)
    # These are constant between jumps. NumPy's own quantile of the positions tells where they are.
    fractions, counts = np.broadcast_arrays(raw(q), raw(n))
    places = np.zeros(fractions.shape)
    for count in np.unique(counts):
        here = counts == count
        places[here] = np.quantile(np.arange(max(count, 1.0)), fractions[here], method=method)
    return places


def _quantile(
    name: str,
    x: Any,
    q: Any,
    axis: Any,
    method: str,
    keepdims: bool,
    skip_nan: bool,
    weights: Any = None,
) -> Any:
    if method not in _CONTINUOUS and method not in _STEPS:
        known = ", ".join([*_CONTINUOUS, *_STEPS])
        raise ValueError(f"{name}: method is one of {known}, got {method!r}")
    x = as_array(x)
    # A Python number is weak, as in NumPy: it does not widen the result.
    x = astype(x, np.result_type(x.dtype, q if type(q) is float else as_array(q).dtype, 0.0))
    q = as_array(q)
    values = raw(q)
    # Under vmap there is one value for each example, and none to look at.
    if isinstance(values, np.ndarray) and not ((values >= 0) & (values <= 1)).all():
        raise ValueError(f"{name}: fractions lie in [0, 1], got {values!r}")
    axes = normalize_axes(name, axis, x.ndim)
    rest = [a for a in range(x.ndim) if a not in axes]
    size = math.prod(x.shape[a] for a in axes)
    if not size:
        raise ShapeError(f"{name}: no entries along axis {axes} of shape {x.shape}")
    outside = tuple(x.shape[a] for a in rest)
    rows = reshape(transpose(x, (*axes, *rest)), (size, math.prod(outside)))
    q_column = reshape(q, (q.size, 1))
    if weights is None:
        y = _of_rows(sort(rows, axis=0), q_column, method, skip_nan)
    else:
        given = _weights(name, weights, x.shape, axes, method)
        full = given.shape == x.shape
        w = reshape(transpose(given, (*axes, *rest)), rows.shape) if full else given
        w = broadcast_to(w if full else reshape(w, (size, 1)), rows.shape)
        y = _of_weighted(rows, w, q_column, skip_nan)
    return reshape(y, (*q.shape, *(reduced_shape(x.shape, axes, True) if keepdims else outside)))


def _of_rows(ordered: Any, q: Any, method: str, skip_nan: bool) -> Any:
    """For fractions in a column and sorted columns, NaN last, a row for each fraction."""
    n = ordered.shape[0]
    missing = sum_over(isnan(ordered), 0)
    count = maximum(n - missing, 1) if skip_nan else np.full(ordered.shape[1], n)
    at = _position(q, astype(count, float), method)
    at = broadcast_to(at, (q.shape[0], ordered.shape[1]))
    low = searchsorted(np.arange(1.0, n), at, "right")  # the position without its fraction
    high = minimum(low + 1, count - 1)
    part = astype(at - low, ordered.dtype)
    first, second = (take_along_axis(ordered, i, 0) for i in (low, high))
    infinite = logical_or(isinf(first), isinf(second))
    with np.errstate(invalid="ignore"):
        y = first + (second - first) * part
    # Between equal infinities, or at an entry beside one, there is nothing to interpolate.
    exact = logical_and(infinite, logical_or(equal(part, 0), equal(first, second)))
    unknown = equal(missing, n) if skip_nan else greater(missing, 0)
    return where(unknown, math.nan, where(exact, first, y))


def _weights(
    name: str, weights: Any, shape: tuple[int, ...], axes: tuple[int, ...], method: str
) -> Any:
    """Weights in double precision, after their checks."""
    if method != "inverted_cdf":
        raise ValueError(f"{name}: weights take method 'inverted_cdf', got {method!r}")
    weights = astype(as_array(weights), float)
    along = tuple(shape[a] for a in axes)
    if weights.shape not in (shape, along):
        raise ShapeError(
            f"{name}: weights have the shape of x, {shape}, or of its axes {axes}, {along}, "
            f"got {weights.shape}"
        )
    values = whole(weights)
    if (values < 0).any() or not np.isfinite(values).all():
        raise ValueError(f"{name}: weights are finite and not negative, got {values!r}")
    return weights


def _of_weighted(rows: Any, weights: Any, q: Any, skip_nan: bool) -> Any:
    """For fractions in a column, the first entry of each column whose weights up to it reach it."""
    order = argsort(rows, axis=0)
    ordered, weights = (take_along_axis(v, order, 0) for v in (rows, weights))
    n, missing = rows.shape[0], isnan(ordered)
    unknown = missing[0] if skip_nan else missing[-1]  # NaN stand last
    if skip_nan:
        weights = where(missing, 0, weights)
    reached = cumsum(weights, axis=0)
    total = reached[-1:]
    empty = logical_and(equal(total[0], 0), logical_not(unknown)) if skip_nan else equal(total, 0)
    if whole(empty).any():
        raise ValueError("quantile: the weights of some entries are all zero")
    reached = astype(reached / where(equal(total, 0), 1, total), q.dtype)
    # Fraction 0 is that of the first entry with a weight.
    reached = where(equal(reached, 0), -1, reached)
    before = less(reshape(reached, (1, *reached.shape)), reshape(q, (q.shape[0], 1, 1)))
    at = minimum(sum_over(before, 1), n - 1)
    return where(unknown, math.nan, take_along_axis(ordered, at, 0))


def _fraction(q: Any) -> Any:
    return float(q) / 100 if type(q) in (int, float) else as_array(q) / 100


@public
def quantile(
    x: Any,
    q: Any,
    axis: Any = None,
    *,
    method: str = "linear",
    keepdims: bool = False,
    weights: Any = None,
) -> Any:
    r"""The value below which a fraction of the entries along axes lies (``numpy.quantile``).

    .. math:: y = (1 - f)\, x_{(j)} + f\, x_{(j + 1)}, \qquad j + f = q (n - 1)

    Parameters
    ----------
    x : array_like
        Integers are computed in float64.
    q : array_like
        Fractions from 0 to 1. Their axes come first in the result. Gradients reach them too.
    axis : int, tuple of int, or None
    method : str
        NumPy's: "linear", "lower", "higher", "midpoint", "nearest", "hazen", "weibull", ...
    keepdims : bool
    weights : array_like, optional
        Weights of the entries, of the shape of ``x`` or of its ``axis``, with method
        "inverted_cdf". The result is an entry; no gradient reaches them.

    The gradient goes to the one or two entries that were taken. NaN where there is one. Raises
    ShapeError where there are no entries, ValueError for fractions outside [0, 1], negative weights
    and unknown methods.

    Reference: Hyndman and Fan, "Sample quantiles in statistical packages" (1996).

    >>> import autodiff as ad
    >>> x = ad.tensor([3.0, 1.0, 2.0, 4.0], requires_grad=True)
    >>> y = ad.quantile(x, 0.5)
    >>> y.data, ad.gradients(y, x).data
    (array(2.5), array([0.5, 0. , 0.5, 0. ]))
    """
    return _quantile("quantile", x, q, axis, method, keepdims, False, weights)


@public
def nanquantile(
    x: Any,
    q: Any,
    axis: Any = None,
    *,
    method: str = "linear",
    keepdims: bool = False,
    weights: Any = None,
) -> Any:
    """``quantile`` of the entries that are numbers (``numpy.nanquantile``); NaN where none is.

    >>> import autodiff as ad
    >>> ad.nanquantile(ad.tensor([1.0, float("nan"), 3.0]), 0.5)
    Tensor(2.)
    """
    return _quantile("nanquantile", x, q, axis, method, keepdims, True, weights)


@public
def percentile(
    x: Any,
    q: Any,
    axis: Any = None,
    *,
    method: str = "linear",
    keepdims: bool = False,
    weights: Any = None,
) -> Any:
    """``quantile`` for percentages from 0 to 100 (``numpy.percentile``).

    >>> import autodiff as ad
    >>> ad.percentile(ad.tensor([1.0, 2.0, 3.0]), 50)
    Tensor(2.)
    """
    return _quantile("percentile", x, _fraction(q), axis, method, keepdims, False, weights)


@public
def nanpercentile(
    x: Any,
    q: Any,
    axis: Any = None,
    *,
    method: str = "linear",
    keepdims: bool = False,
    weights: Any = None,
) -> Any:
    """``nanquantile`` for percentages from 0 to 100 (``numpy.nanpercentile``).

    >>> import autodiff as ad
    >>> ad.nanpercentile(ad.tensor([1.0, float("nan"), 3.0]), 50)
    Tensor(2.)
    """
    return _quantile("nanpercentile", x, _fraction(q), axis, method, keepdims, True, weights)


@public
def median(x: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    r"""The middle of the entries along axes, or the mean of the two middle ones (``numpy.median``).

    .. math:: y = \tfrac12 (x_{(\lfloor (n-1)/2 \rfloor)} + x_{(\lceil (n-1)/2 \rceil)})

    NaN where there is one. Raises ShapeError where there are no entries, AxisError.

    >>> import autodiff as ad
    >>> ad.median(ad.tensor([[3.0, 1.0, 2.0], [4.0, 6.0, 5.0]]), axis=1)
    Tensor([2., 5.])
    """
    return _quantile("median", x, 0.5, axis, "linear", keepdims, False)


@public
def nanmedian(x: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    """``median`` of the entries that are numbers (``numpy.nanmedian``); NaN where none is.

    >>> import autodiff as ad
    >>> ad.nanmedian(ad.tensor([1.0, float("nan"), 3.0]))
    Tensor(2.)
    """
    return _quantile("nanmedian", x, 0.5, axis, "linear", keepdims, True)
