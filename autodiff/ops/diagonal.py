"""Diagonals and triangles of matrices."""

from __future__ import annotations

from typing import Any

import numpy as np

from autodiff.errors import ShapeError, normalize_axes
from autodiff.ops.elementwise import astype
from autodiff.ops.indexing import getitem
from autodiff.ops.movement import as_array, moveaxis, ravel
from autodiff.ops.reduction import sum as sum_over
from autodiff.ops.selection import where
from autodiff.ops.update import setitem
from autodiff.registry import public

__all__ = ["diag", "diagflat", "diagonal", "fill_diagonal", "matrix_trace", "tril", "triu"]


def _places(offset: int, rows: int, columns: int) -> tuple[Any, Any]:
    first, second = max(-offset, 0), max(offset, 0)
    steps = np.arange(max(min(rows - first, columns - second), 0))
    return first + steps, second + steps


@public
def diagonal(x: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    r"""Diagonals of the matrices of two axes, along a new last axis (``numpy.diagonal``).

    .. math:: y_{\ldots i} = x_{i,\, i + \mathrm{offset}}

    Raises AxisError for axes that ``x`` does not have or that are one.

    >>> import autodiff as ad
    >>> ad.diagonal(ad.tensor([[1.0, 2.0], [3.0, 4.0]]))
    Tensor([1., 4.])
    """
    x = as_array(x)
    first, second = normalize_axes("diagonal", (axis1, axis2), x.ndim)
    matrices = moveaxis(x, (first, second), (-2, -1))
    return getitem(matrices, (..., *_places(offset, x.shape[first], x.shape[second])))


@public
def matrix_trace(x: Any, offset: int = 0, axis1: int = 0, axis2: int = 1, dtype: Any = None) -> Any:
    r"""Sum of a diagonal of the matrices of two axes: ``numpy.trace``, as ``trace`` records graphs.

    .. math:: y = \sum_i x_{i,\, i + \mathrm{offset}}

    Raises AxisError for axes that ``x`` does not have or that are one.

    >>> import autodiff as ad
    >>> ad.matrix_trace(ad.tensor([[1.0, 2.0], [3.0, 4.0]]))
    Tensor(5.)
    """
    return sum_over(diagonal(x, offset, axis1, axis2), -1, dtype=dtype)


@public
def diag(v: Any, k: int = 0) -> Any:
    r"""The diagonal of a matrix, or the matrix of a diagonal (``numpy.diag``).

    .. math:: y_{i,\, i + k} = v_i

    Raises ShapeError for anything but one or two axes.

    >>> import autodiff as ad
    >>> ad.diag(ad.tensor([1.0, 2.0]))
    Tensor([[1., 0.],
            [0., 2.]])
    """
    v = as_array(v)
    if v.ndim == 2:
        return diagonal(v, k)
    if v.ndim != 1:
        raise ShapeError(f"diag: expected one or two axes, got shape {v.shape}")
    n = v.shape[0] + abs(k)
    return setitem(np.zeros((n, n), v.dtype), _places(k, n, n), v)


@public
def diagflat(v: Any, k: int = 0) -> Any:
    """A matrix with all entries of an array on a diagonal (``numpy.diagflat``).

    >>> import autodiff as ad
    >>> ad.diagflat(ad.tensor([[1.0], [2.0]]), 1).shape
    (3, 3)
    """
    return diag(ravel(v), k)


@public
def fill_diagonal(x: Any, value: Any) -> Any:
    """A copy of ``x`` with other entries where all indices are equal.

    Where ``numpy.fill_diagonal`` writes into its operand, this gives a new array; ``value``
    broadcasts along the diagonal. Raises ShapeError for fewer than two axes, or for more than two
    of different sizes.

    >>> import autodiff as ad
    >>> ad.fill_diagonal(ad.tensor([[1.0, 2.0], [3.0, 4.0]]), 0.0)
    Tensor([[0., 2.],
            [3., 0.]])
    """
    x = as_array(x)
    if x.ndim < 2 or (x.ndim > 2 and len(set(x.shape)) > 1):
        raise ShapeError(
            f"fill_diagonal: expected a matrix, or more axes of one size, got shape {x.shape}"
        )
    return setitem(x, (np.arange(min(x.shape)),) * x.ndim, value)


def _triangle(name: str, x: Any, k: int, upper: bool) -> Any:
    x = as_array(x)
    if x.ndim < 1:
        raise ShapeError(f"{name}: expected at least one axis, got shape {x.shape}")
    rows, columns = (x.shape[-1],) * 2 if x.ndim == 1 else x.shape[-2:]
    mask = np.tri(rows, columns, k - 1 if upper else k, dtype=bool)
    return astype(where(~mask if upper else mask, x, np.zeros((), x.dtype)), x.dtype)


@public
def tril(x: Any, k: int = 0) -> Any:
    r"""The lower triangle of matrices, zeros above diagonal ``k`` (``numpy.tril``).

    .. math:: y_{\ldots ij} = x_{\ldots ij}\,[\, j \le i + k \,]

    The entries left out have no gradient. Raises ShapeError for a scalar.

    >>> import autodiff as ad
    >>> ad.tril(ad.tensor([[1.0, 2.0], [3.0, 4.0]]))
    Tensor([[1., 0.],
            [3., 4.]])
    """
    return _triangle("tril", x, k, upper=False)


@public
def triu(x: Any, k: int = 0) -> Any:
    r"""The upper triangle of matrices, zeros below diagonal ``k`` (``numpy.triu``).

    .. math:: y_{\ldots ij} = x_{\ldots ij}\,[\, j \ge i + k \,]

    The entries left out have no gradient. Raises ShapeError for a scalar.

    >>> import autodiff as ad
    >>> ad.triu(ad.tensor([[1.0, 2.0], [3.0, 4.0]]))
    Tensor([[1., 2.],
            [0., 4.]])
    """
    return _triangle("triu", x, k, upper=True)
