"""A function of vectors applied to each slice, and one of axes to several."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from autodiff.errors import normalize_axes, normalize_axis
from autodiff.ops.creation import zeros_like
from autodiff.ops.indexing import take
from autodiff.ops.joining import stack
from autodiff.ops.movement import as_array, as_shape, expand_dims, moveaxis, ravel, reshape
from autodiff.registry import public

__all__ = ["apply_along_axis", "apply_over_axes", "resize"]


@public
def apply_along_axis(
    func1d: Callable[..., Any], axis: int, arr: Any, *args: Any, **kwargs: Any
) -> Any:
    """A function of a vector applied to every vector along an axis (``numpy.apply_along_axis``).

    What it returns takes the place of the axis. It runs once for each vector: ``ad.vmap`` runs it
    once in all. Raises AxisError for an axis that ``arr`` does not have.

    >>> import autodiff as ad
    >>> ad.apply_along_axis(lambda v: v[0] * v[1], 1, ad.tensor([[1.0, 2.0], [3.0, 4.0]]))
    Tensor([ 2., 12.])
    """
    arr = as_array(arr)
    axis = normalize_axis("apply_along_axis", axis, arr.ndim)
    last = moveaxis(arr, axis, -1)
    parts = [as_array(func1d(last[i], *args, **kwargs)) for i in np.ndindex(last.shape[:-1])]
    y = reshape(stack(parts), last.shape[:-1] + parts[0].shape)
    ndim = parts[0].ndim
    return moveaxis(y, tuple(range(-ndim, 0)), tuple(range(axis, axis + ndim)))


@public
def apply_over_axes(func: Callable[..., Any], a: Any, axes: Any) -> Any:
    """``func(a, axis)`` applied for one axis after the other (``numpy.apply_over_axes``).

    An axis that it drops is kept with size 1. Raises AxisError for an axis that ``a`` does not
    have.

    >>> import autodiff as ad
    >>> ad.apply_over_axes(ad.sum, ad.tensor([[1.0, 2.0], [3.0, 4.0]]), [0, 1])
    Tensor([[10.]])
    """
    a = as_array(a)
    axes = tuple(axes) if isinstance(axes, (list, np.ndarray)) else axes
    for axis in normalize_axes("apply_over_axes", axes, a.ndim):
        y = func(a, axis)
        a = y if y.ndim == a.ndim else expand_dims(y, axis)
    return a


@public
def resize(a: Any, new_shape: Any) -> Any:
    """An array of another shape, filled with the entries again and again (``numpy.resize``).

    >>> import autodiff as ad
    >>> ad.resize(ad.tensor([1.0, 2.0]), (2, 2))
    Tensor([[1., 2.],
            [1., 2.]])
    """
    a, shape = as_array(a), as_shape("resize", new_shape)
    if a.size == 0:
        return zeros_like(a, shape=shape)
    return reshape(take(ravel(a), np.arange(math.prod(shape)) % a.size), shape)
