"""Statistics along axes: spread, weighted means, covariance."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from autodiff.errors import AxisError, DTypeError, ShapeError, normalize_axes
from autodiff.ops.comparison import equal
from autodiff.ops.complex import conj, imag, real
from autodiff.ops.contraction import matmul
from autodiff.ops.creation import full_like
from autodiff.ops.elementwise import astype, sqrt
from autodiff.ops.joining import concatenate
from autodiff.ops.movement import as_array, broadcast_to, reshape, transpose
from autodiff.ops.reduction import CASES, Reduction, count, mask_of, reduce, unreduce
from autodiff.ops.reduction import max as max_over
from autodiff.ops.reduction import mean as mean_over
from autodiff.ops.reduction import min as min_over
from autodiff.ops.reduction import sum as sum_over
from autodiff.ops.selection import clip, maximum
from autodiff.ops.selection import where as choose
from autodiff.primitive import Case, In
from autodiff.registry import public
from autodiff.tensor import Tensor

__all__ = ["average", "corrcoef", "cov", "ptp", "std", "var"]


class Var(Reduction):
    """The mean square distance from the mean along axes."""

    name = "var"
    kernel = staticmethod(
        lambda x, out=None, *, axis, keepdims, ddof: np.var(
            x, axis=axis, out=out, ddof=ddof, keepdims=keepdims
        )
    )
    vjp = staticmethod(
        lambda g, x, *, axis, keepdims, ddof: unreduce(g, x, axis, keepdims) * _slope(x, axis, ddof)
    )
    jvp = staticmethod(
        lambda t, x, *, axis, keepdims, ddof: sum_over(
            t * _slope(x, axis, ddof), axis, keepdims=keepdims
        )
    )
    cases = tuple(
        c._replace(params=c.params | {"ddof": ddof}) for c, ddof in zip(CASES, (0, 1, 2, 0, 0, 0.5))
    )
    errors = (
        (Case((In((2,)),), {"axis": (2,), "keepdims": False, "ddof": 0}), AxisError, "axis 2"),
    )

    def infer_dtype(self, dtype: Any) -> Any:
        return np.var(np.ones(1, dtype)).dtype


def _slope(x: Any, axis: tuple[int, ...], ddof: float) -> Any:
    freedom = math.prod(x.shape[a] for a in axis) - ddof
    slope = (x - mean_over(x, axis, keepdims=True)) * (2 / freedom if freedom > 0 else math.nan)
    return conj(slope) if slope.dtype.kind == "c" else slope


@public
def var(
    x: Any,
    axis: Any = None,
    *,
    dtype: Any = None,
    ddof: float = 0,
    keepdims: bool = False,
    where: Any = True,
    mean: Any = None,
    correction: float | None = None,
) -> Any:
    r"""Variance of the entries along axes.

    .. math:: y = \frac{1}{n - \mathrm{ddof}} \sum_i (x_i - m)^2, \qquad
        \bar x_i = \frac{2 (x_i - m)}{n - \mathrm{ddof}} \bar y, \qquad m = \frac{1}{n} \sum_i x_i

    Parameters
    ----------
    x : array_like
    axis : int, tuple of int, or None
    dtype : dtype, optional
        The one to compute in. Bools and integers give float64; floating dtypes are kept.
    ddof, correction : number
        Two names of one thing: 1 gives the estimate without bias from a sample.
    keepdims : bool
    where : array_like of bool
        The entries that count.
    mean : array_like, optional
        m, if it is known already, with the reduced axes kept.

    Where n does not exceed ``ddof``, NumPy warns, and the gradient is NaN. Raises AxisError for an
    axis that ``x`` does not have. Two passes, so that a large mean costs no digits.

    >>> import autodiff as ad
    >>> ad.var(ad.tensor([1.0, 2.0, 6.0]), ddof=1)
    Tensor(7.)
    """
    if correction is not None:
        if ddof:
            raise ValueError("var: ddof and correction are two names of one thing; give one")
        ddof = correction
    x = as_array(x) if dtype is None else astype(x, dtype)
    if where is True and mean is None and not isinstance(ddof, Tensor):
        return reduce("var", x, axis, keepdims, ddof=ddof)
    x = x if x.dtype.kind in "fc" else astype(x, float)
    mask = np.ones((1,) * x.ndim, bool) if where is True else mask_of("var", where, x)
    m = mean_over(x, axis, keepdims=True, where=mask) if mean is None else mean
    apart = choose(mask, x - m, np.zeros((), x.dtype))
    kept = np.empty(0, x.dtype).real.dtype
    freedom = maximum(count("var", mask, x, axis, keepdims, kept) - ddof, 0)
    square = real(apart * conj(apart)) if x.dtype.kind == "c" else apart * apart
    return sum_over(square, axis, keepdims=keepdims) / freedom


@public
def std(
    x: Any,
    axis: Any = None,
    *,
    dtype: Any = None,
    ddof: float = 0,
    keepdims: bool = False,
    where: Any = True,
    mean: Any = None,
    correction: float | None = None,
) -> Any:
    r"""Standard deviation of the entries along axes.

    .. math:: y = \sqrt{\mathrm{var}(x)}, \qquad
        \bar x_i = \frac{x_i - m}{(n - \mathrm{ddof})\, y} \bar y

    Options, dtypes and errors are those of ``var``. Where all entries are equal, y is 0 and has a
    kink: the gradient there is 0, the subgradient of least norm.

    >>> import autodiff as ad
    >>> x = ad.tensor([[1.0, 5.0], [2.0, 2.0]], requires_grad=True)
    >>> y = ad.std(x, axis=1)
    >>> y.data, ad.gradients(y.sum(), x).data
    (array([2., 0.]), array([[-0.5,  0.5],
           [ 0. ,  0. ]]))
    """
    square = var(
        x,
        axis,
        dtype=dtype,
        ddof=ddof,
        keepdims=keepdims,
        where=where,
        mean=mean,
        correction=correction,
    )
    # At 0 the root's infinite slope is not selected; the slope of the variance itself is 0 there.
    return choose(equal(square, 0), square, sqrt(square))


@public
def ptp(x: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    r"""Range of the entries along axes: the largest less the smallest (``numpy.ptp``).

    .. math:: y = \max_i x_i - \min_i x_i

    Entries that tie share the gradient, as in ``max``. Raises ShapeError where there are no
    entries.

    >>> import autodiff as ad
    >>> ad.ptp(ad.tensor([[1.0, 5.0], [3.0, 2.0]]), axis=1)
    Tensor([4., 1.])
    """
    return max_over(x, axis, keepdims=keepdims) - min_over(x, axis, keepdims=keepdims)


@public
def average(
    x: Any,
    axis: Any = None,
    weights: Any = None,
    returned: bool = False,
    *,
    keepdims: bool = False,
) -> Any:
    r"""Weighted mean along axes (``numpy.average``).

    .. math:: y = \frac{\sum_i w_i x_i}{\sum_i w_i}

    Parameters
    ----------
    x : array_like
    axis : int, tuple of int, or None
    weights : array_like, optional
        Of the shape of ``x``, or of its sizes along ``axis``, in that order. Without them it is
        ``mean``.
    returned : bool
        Give a pair: the mean, and the sum of the weights in the same shape.

    Raises ShapeError for weights of another shape. Weights that sum to 0 give what the division
    gives, with NumPy's warning, where ``numpy.average`` raises.

    >>> import autodiff as ad
    >>> ad.average(ad.tensor([1.0, 2.0, 6.0]), weights=[2, 1, 1])
    Tensor(2.5)
    """
    x = as_array(x)
    if weights is None:
        y = mean_over(x, axis, keepdims=keepdims)
        return (y, full_like(y, x.size / max(y.size, 1))) if returned else y
    axes = normalize_axes("average", axis, x.ndim)
    w = _aligned(as_array(weights), x, axes)
    dtype = np.result_type(x.dtype, w.dtype, *(() if x.dtype.kind in "fc" else (np.float64,)))
    total = sum_over(astype(w, dtype), axes, keepdims=keepdims)
    y = sum_over(x * w, axes, dtype=dtype, keepdims=keepdims) / total
    return (y, broadcast_to(total, y.shape)) if returned else y


def _aligned(w: Any, x: Any, axes: tuple[int, ...]) -> Any:
    """Weights that broadcast with ``x``."""
    if w.shape == x.shape:
        return w
    if w.shape != tuple(x.shape[a] for a in axes):
        raise ShapeError(
            f"average: weights of shape {w.shape} do not fit an operand of shape {x.shape} and "
            f"axis {axes} (expected the shape of the operand, or its sizes along the axis)"
        )
    order = sorted(range(len(axes)), key=axes.__getitem__)
    shape = [n if a in axes else 1 for a, n in enumerate(x.shape)]
    return broadcast_to(reshape(transpose(w, order), shape), x.shape)


@public
def cov(
    m: Any,
    y: Any = None,
    rowvar: bool = True,
    bias: bool = False,
    ddof: float | None = None,
    fweights: Any = None,
    aweights: Any = None,
    *,
    dtype: Any = None,
) -> Any:
    r"""Covariance matrix of variables, one a row (``numpy.cov``).

    .. math:: y_{ij} = \frac{1}{n - \mathrm{ddof}} \sum_k (m_{ik} - \mu_i)(m_{jk} - \mu_j)

    Parameters
    ----------
    m : array_like, shape (variables, observations) or (observations,)
    y : array_like, optional
        More variables, in the same form.
    rowvar : bool
        False: a variable is a column.
    bias, ddof
        The divisor is n - 1; with ``bias`` n; ``ddof`` says it outright.
    fweights, aweights : array_like, optional
        How often each observation counts (integers), and how much. Gradients reach the second.

    Raises ShapeError for more than two axes or weights of another length, DTypeError for
    ``fweights`` that are no integers.

    >>> import autodiff as ad
    >>> ad.cov(ad.tensor([[1.0, 2.0, 3.0], [6.0, 4.0, 2.0]]))
    Tensor([[ 1., -2.],
            [-2.,  4.]])
    """
    x = _variables(m, rowvar)
    if y is not None:
        x = concatenate([x, _variables(y, rowvar)], axis=0)
    x = astype(x, dtype or np.result_type(x.dtype, np.float64))
    ddof = (0 if bias else 1) if ddof is None else ddof
    w = _observation_weights(fweights, aweights, x.shape[1])
    if w is None:
        apart, divisor = x - mean_over(x, 1, keepdims=True), x.shape[1] - ddof
    else:
        total = w.sum()
        apart = x - sum_over(x * w, 1, keepdims=True) / total
        a = 1 if aweights is None else as_array(aweights)
        divisor = total - ddof * sum_over(w * a) / total
    return matmul(apart if w is None else apart * w, transpose(conj(apart))) / divisor


def _variables(m: Any, rowvar: bool) -> Any:
    x = as_array(m)
    if x.ndim > 2:
        raise ShapeError(f"cov: expected at most two axes, got shape {x.shape}")
    x = reshape(x, (1, x.size)) if x.ndim < 2 else x
    return x if rowvar or x.shape[0] == 1 else transpose(x)


def _observation_weights(fweights: Any, aweights: Any, n: int) -> Any:
    given = [as_array(w) for w in (fweights, aweights) if w is not None]
    for w in given:
        if w.shape != (n,):
            raise ShapeError(f"cov: weights of shape {w.shape} for {n} observations")
    if fweights is not None and given[0].dtype.kind not in "iu":
        raise DTypeError(f"cov: fweights are integers, got {given[0].dtype}")
    return None if not given else math.prod(given[1:], start=given[0])


@public
def corrcoef(x: Any, y: Any = None, rowvar: bool = True, *, dtype: Any = None) -> Any:
    r"""Correlation coefficients of variables, one a row (``numpy.corrcoef``).

    .. math:: y_{ij} = \frac{c_{ij}}{\sqrt{c_{ii} c_{jj}}}, \qquad c = \mathrm{cov}(x)

    Limited to -1 … 1, where rounding would leave it. Parameters and errors are those of ``cov``.

    >>> import autodiff as ad
    >>> ad.corrcoef(ad.tensor([[1.0, 2.0, 3.0], [6.0, 4.0, 2.0]]))
    Tensor([[ 1., -1.],
            [-1.,  1.]])
    """
    c = cov(x, y, rowvar, dtype=dtype)
    size = sqrt(real(c[np.arange(len(c)), np.arange(len(c))]))
    y = c / size[:, None] / size[None, :]
    # Rounding may leave the interval; of complex coefficients, NumPy limits both parts.
    if c.dtype.kind == "c":
        return clip(real(y), -1, 1) + 1j * clip(imag(y), -1, 1)
    return clip(y, -1, 1)
