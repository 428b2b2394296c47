"""Reductions of the entries that are numbers, where NaN stands for a missing one."""

from __future__ import annotations

from typing import Any

import numpy as np

from autodiff.errors import ShapeError
from autodiff.ops.accumulation import cumprod, cumsum, prod
from autodiff.ops.comparison import isnan, logical_not
from autodiff.ops.discrete import all as all_true
from autodiff.ops.discrete import argmax, argmin
from autodiff.ops.movement import as_array
from autodiff.ops.reduction import max as max_over
from autodiff.ops.reduction import mean as mean_over
from autodiff.ops.reduction import min as min_over
from autodiff.ops.reduction import sum as sum_over
from autodiff.ops.selection import where as choose
from autodiff.ops.statistics import std, var
from autodiff.registry import public
from autodiff.tensor import whole

__all__ = [
    "nanargmax",
    "nanargmin",
    "nancumprod",
    "nancumsum",
    "nanmax",
    "nanmean",
    "nanmin",
    "nanprod",
    "nanstd",
    "nansum",
    "nanvar",
]


def _numbers(x: Any, mask: Any = True) -> tuple[Any, Any]:
    """The operand, and where it holds numbers that count."""
    x = as_array(x)
    present = logical_not(isnan(x)) if x.dtype.kind in "fc" else np.ones(x.shape, bool)
    return x, present if mask is True else present & as_array(mask)


def _replaced(x: Any, value: Any) -> Any:
    x = as_array(x)
    if x.dtype.kind not in "fc":
        return x
    return choose(isnan(x), np.array(value, x.dtype), x)


@public
def nansum(
    x: Any,
    axis: Any = None,
    *,
    dtype: Any = None,
    keepdims: bool = False,
    initial: Any = None,
    where: Any = True,
) -> Any:
    r"""``sum`` of the entries that are numbers; 0 where none is (``numpy.nansum``).

    .. math:: y = \sum_{i:\, x_i \ne \mathrm{NaN}} x_i

    >>> import autodiff as ad
    >>> x = ad.tensor([1.0, float("nan"), 2.0], requires_grad=True)
    >>> ad.gradients(ad.nansum(x), x)
    Tensor([1., 0., 1.])
    """
    x = _replaced(x, 0)
    return sum_over(x, axis, dtype=dtype, keepdims=keepdims, initial=initial, where=where)


@public
def nanprod(
    x: Any,
    axis: Any = None,
    *,
    dtype: Any = None,
    keepdims: bool = False,
    initial: Any = None,
    where: Any = True,
) -> Any:
    """``prod`` of the entries that are numbers; 1 where none is (``numpy.nanprod``).

    >>> import autodiff as ad
    >>> ad.nanprod(ad.tensor([3.0, float("nan"), 2.0]))
    Tensor(6.)
    """
    x = _replaced(x, 1)
    return prod(x, axis, dtype=dtype, keepdims=keepdims, initial=initial, where=where)


@public
def nanmean(
    x: Any, axis: Any = None, *, dtype: Any = None, keepdims: bool = False, where: Any = True
) -> Any:
    """``mean`` of the entries that are numbers (``numpy.nanmean``); NaN, with a warning, of none.

    >>> import autodiff as ad
    >>> ad.nanmean(ad.tensor([1.0, float("nan"), 2.0]))
    Tensor(1.5)
    """
    x, present = _numbers(x, where)
    return mean_over(x, axis, dtype=dtype, keepdims=keepdims, where=present)


@public
def nanvar(x: Any, axis: Any = None, *, where: Any = True, **options: Any) -> Any:
    """``var`` of the entries that are numbers (``numpy.nanvar``), with its options.

    >>> import autodiff as ad
    >>> ad.nanvar(ad.tensor([1.0, float("nan"), 2.0]), ddof=1)
    Tensor(0.5)
    """
    x, present = _numbers(x, where)
    return var(x, axis, where=present, **options)


@public
def nanstd(x: Any, axis: Any = None, *, where: Any = True, **options: Any) -> Any:
    """``std`` of the entries that are numbers (``numpy.nanstd``), with its options.

    >>> import autodiff as ad
    >>> ad.nanstd(ad.tensor([1.0, float("nan"), 3.0]))
    Tensor(1.)
    """
    x, present = _numbers(x, where)
    return std(x, axis, where=present, **options)


def _extreme(reduction: Any, start: float, x: Any, axis: Any, keepdims: bool) -> Any:
    x, present = _numbers(x)
    if x.dtype.kind not in "fc":
        return reduction(x, axis, keepdims=keepdims)
    y = reduction(x, axis, keepdims=keepdims, initial=start, where=present)
    none = logical_not(present)
    return choose(all_true(none, axis, keepdims=keepdims), np.array(np.nan, x.dtype), y)


@public
def nanmax(x: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    """``max`` of the entries that are numbers (``numpy.nanmax``); NaN where none is.

    >>> import autodiff as ad
    >>> ad.nanmax(ad.tensor([1.0, float("nan"), 2.0]))
    Tensor(2.)
    """
    return _extreme(max_over, -np.inf, x, axis, keepdims)


@public
def nanmin(x: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    """``min`` of the entries that are numbers (``numpy.nanmin``); NaN where none is.

    >>> import autodiff as ad
    >>> ad.nanmin(ad.tensor([1.0, float("nan"), 2.0]))
    Tensor(1.)
    """
    return _extreme(min_over, np.inf, x, axis, keepdims)


def _position(name: str, find: Any, start: float, x: Any, axis: Any, keepdims: bool) -> Any:
    x = as_array(x)
    if x.dtype.kind in "fc" and whole(all_true(isnan(x), axis)).any():
        raise ShapeError(f"{name}: nothing but NaN along axis {axis} of shape {x.shape}")
    return find(_replaced(x, start), axis, keepdims=keepdims)


@public
def nanargmax(x: Any, axis: int | None = None, *, keepdims: bool = False) -> Any:
    """``argmax`` of the entries that are numbers (``numpy.nanargmax``).

    Raises ShapeError where none is.

    >>> import autodiff as ad
    >>> ad.nanargmax(ad.tensor([1.0, float("nan"), 2.0]))
    Tensor(2)
    """
    return _position("nanargmax", argmax, -np.inf, x, axis, keepdims)


@public
def nanargmin(x: Any, axis: int | None = None, *, keepdims: bool = False) -> Any:
    """``argmin`` of the entries that are numbers (``numpy.nanargmin``).

    Raises ShapeError where none is.

    >>> import autodiff as ad
    >>> ad.nanargmin(ad.tensor([1.0, float("nan"), 2.0]))
    Tensor(0)
    """
    return _position("nanargmin", argmin, np.inf, x, axis, keepdims)


@public
def nancumsum(x: Any, axis: int | None = None, dtype: Any = None) -> Any:
    """``cumsum`` with 0 in the place of NaN (``numpy.nancumsum``).

    >>> import autodiff as ad
    >>> ad.nancumsum(ad.tensor([1.0, float("nan"), 2.0]))
    Tensor([1., 1., 3.])
    """
    return cumsum(_replaced(x, 0), axis, dtype)


@public
def nancumprod(x: Any, axis: int | None = None, dtype: Any = None) -> Any:
    """``cumprod`` with 1 in the place of NaN (``numpy.nancumprod``).

    >>> import autodiff as ad
    >>> ad.nancumprod(ad.tensor([3.0, float("nan"), 2.0]))
    Tensor([3., 3., 6.])
    """
    return cumprod(_replaced(x, 1), axis, dtype)
