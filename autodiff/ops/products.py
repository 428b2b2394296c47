"""Products of vectors, matrices and arrays by NumPy's names: composites of ``matmul``."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from autodiff.errors import DTypeError, ShapeError, normalize_axes, normalize_axis
from autodiff.ops.complex import conj
from autodiff.ops.contraction import matmul
from autodiff.ops.joining import stack
from autodiff.ops.movement import as_array, expand_dims, moveaxis, ravel, reshape, transpose
from autodiff.registry import public

__all__ = [
    "cross",
    "dot",
    "inner",
    "kron",
    "matvec",
    "outer",
    "tensordot",
    "vdot",
    "vecdot",
    "vecmat",
]


@public
def tensordot(a: Any, b: Any, axes: Any = 2) -> Any:
    r"""Products summed over axes of both operands (``numpy.tensordot``).

    .. math:: y_{i \ldots j \ldots} = \sum_{k \ldots} a_{i \ldots k \ldots} b_{k \ldots j \ldots}

    ``axes`` is a number: so many last axes of ``a`` meet the first ones of ``b``; or a pair of
    ints or tuples: the axes of ``a``, and those of ``b`` that they meet. Raises ShapeError where
    sizes or numbers of axes differ, AxisError. Source of the rules: matrix products.

    >>> import autodiff as ad
    >>> ad.tensordot(ad.tensor([[1.0, 2.0], [3.0, 4.0]]), [1.0, -1.0], 1)
    Tensor([-1., -1.])
    """
    a, b = as_array(a), as_array(b)
    first, second = _meeting_axes(a, b, axes)
    for i, j in zip(first, second, strict=True):
        if a.shape[i] != b.shape[j]:
            raise ShapeError(
                f"tensordot: axis {i} of a, of shape {a.shape}, has size {a.shape[i]}, and axis "
                f"{j} of b, of shape {b.shape}, has size {b.shape[j]} (expected equal sizes)"
            )
    rows = [k for k in range(a.ndim) if k not in first]
    columns = [k for k in range(b.ndim) if k not in second]
    inner_size = math.prod(a.shape[i] for i in first)
    shape = [*(a.shape[k] for k in rows), *(b.shape[k] for k in columns)]
    left = reshape(transpose(a, (*rows, *first)), (math.prod(a.shape[k] for k in rows), inner_size))
    right = reshape(
        transpose(b, (*second, *columns)), (inner_size, math.prod(b.shape[k] for k in columns))
    )
    return reshape(matmul(left, right), shape)


def _meeting_axes(a: Any, b: Any, axes: Any) -> tuple[tuple[int, ...], tuple[int, ...]]:
    if np.ndim(axes) == 0 and not isinstance(axes, (tuple, list)):
        n = int(axes)
        if not 0 <= n <= min(a.ndim, b.ndim):
            raise ShapeError(
                f"tensordot: {n} axes to sum over, of operands of shapes {a.shape} and {b.shape}"
            )
        return tuple(range(a.ndim - n, a.ndim)), tuple(range(n))
    if len(axes) != 2:
        raise ShapeError(f"tensordot: axes are a number or a pair, got {axes!r}")
    first = normalize_axes("tensordot", axes[0], a.ndim)
    second = normalize_axes("tensordot", axes[1], b.ndim)
    if len(first) != len(second):
        raise ShapeError(f"tensordot: {len(first)} axes of a for {len(second)} of b, in {axes!r}")
    return first, second


@public
def dot(a: Any, b: Any) -> Any:
    r"""Product over the last axis of ``a`` and the second to last of ``b`` (``numpy.dot``).

    .. math:: y_{i \ldots j \ldots l} = \sum_k a_{i \ldots k} b_{j \ldots k l}

    Of two vectors the inner product, of two matrices ``matmul``, with a scalar ``multiply``. Raises
    ShapeError where the sizes differ.

    >>> import autodiff as ad
    >>> ad.dot(ad.tensor([1.0, 2.0]), [3.0, 4.0])
    Tensor(11.)
    """
    a, b = as_array(a), as_array(b)
    if not (a.ndim and b.ndim):
        return a * b
    if a.ndim <= 2 and b.ndim <= 2:
        return matmul(a, b)
    return tensordot(a, b, (-1, -2 if b.ndim > 1 else 0))


@public
def vdot(a: Any, b: Any, /) -> Any:
    r"""Inner product of all entries, those of ``a`` conjugated (``numpy.vdot``).

    .. math:: y = \sum_i \overline{a_i} b_i

    Raises ShapeError where the numbers of entries differ.

    >>> import autodiff as ad
    >>> ad.vdot(ad.tensor([[1.0, 2.0]]), [[3.0], [4.0]])
    Tensor(11.)
    """
    return matmul(conj(ravel(a)), ravel(b))


@public
def inner(a: Any, b: Any, /) -> Any:
    r"""Product over the last axes of both operands (``numpy.inner``).

    .. math:: y_{i \ldots j \ldots} = \sum_k a_{i \ldots k} b_{j \ldots k}

    Raises ShapeError where the sizes differ.

    >>> import autodiff as ad
    >>> ad.inner(ad.tensor([1.0, 2.0]), [[3.0, 4.0], [0.0, 1.0]])
    Tensor([11.,  2.])
    """
    a, b = as_array(a), as_array(b)
    return tensordot(a, b, (-1, -1)) if a.ndim and b.ndim else a * b


@public
def outer(a: Any, b: Any) -> Any:
    r"""All products of an entry of ``a`` and one of ``b``, both flattened (``numpy.outer``).

    .. math:: y_{ij} = a_i b_j

    >>> import autodiff as ad
    >>> ad.outer(ad.tensor([1.0, 2.0]), [3.0, 4.0])
    Tensor([[3., 4.],
            [6., 8.]])
    """
    return expand_dims(ravel(a), 1) * ravel(b)


@public
def vecdot(a: Any, b: Any, /, *, axis: int = -1) -> Any:
    r"""Inner products of vectors along an axis, those of ``a`` conjugated (``numpy.vecdot``).

    .. math:: y_{\ldots} = \sum_i \overline{a_{\ldots i}} b_{\ldots i}

    The other axes broadcast. Raises AxisError, ShapeError for vectors of different lengths.

    >>> import autodiff as ad
    >>> ad.vecdot(ad.tensor([[1.0, 2.0], [0.0, 1.0]]), [3.0, 4.0])
    Tensor([11.,  4.])
    """
    a, b = (moveaxis(x, normalize_axis("vecdot", axis, x.ndim), -1) for x in map(as_array, (a, b)))
    if a.shape[-1] != b.shape[-1]:
        raise ShapeError(
            f"vecdot: vectors of {a.shape[-1]} and {b.shape[-1]} entries along axis {axis} "
            "(expected as many in both; this axis is not broadcast)"
        )
    y = matmul(expand_dims(conj(a), -2), expand_dims(b, -1))
    return reshape(y, y.shape[:-2])


def _vectors(name: str, x: Any) -> Any:
    x = as_array(x)
    if not x.ndim:
        raise ShapeError(f"{name}: expected vectors along the last axis, got a scalar")
    return x


@public
def matvec(a: Any, b: Any, /) -> Any:
    r"""Matrices times vectors along the last axis (``numpy.matvec``).

    .. math:: y_{\ldots i} = \sum_j a_{\ldots ij} b_{\ldots j}

    The axes before broadcast. Raises ShapeError where the sizes differ.

    >>> import autodiff as ad
    >>> ad.matvec(ad.tensor([[1.0, 2.0], [0.0, 1.0]]), [[3.0, 4.0]])
    Tensor([[11.,  4.]])
    """
    y = matmul(a, expand_dims(_vectors("matvec", b), -1))
    return reshape(y, y.shape[:-1])


@public
def vecmat(a: Any, b: Any, /) -> Any:
    r"""Vectors along the last axis, conjugated, times matrices (``numpy.vecmat``).

    .. math:: y_{\ldots j} = \sum_i \overline{a_{\ldots i}} b_{\ldots ij}

    The axes before broadcast. Raises ShapeError where the sizes differ.

    >>> import autodiff as ad
    >>> ad.vecmat(ad.tensor([3.0, 4.0]), [[1.0, 2.0], [0.0, 1.0]])
    Tensor([ 3., 10.])
    """
    y = matmul(expand_dims(conj(_vectors("vecmat", a)), -2), b)
    return reshape(y, (*y.shape[:-2], y.shape[-1]))


@public
def kron(a: Any, b: Any) -> Any:
    r"""Kronecker product: each entry of ``a`` times all of ``b`` (``numpy.kron``).

    .. math:: y_{i n + k,\, j m + l} = a_{ij} b_{kl}

    The operand with fewer axes gets new ones in front.

    >>> import autodiff as ad
    >>> ad.kron(ad.tensor([1.0, 10.0]), [1.0, 2.0])
    Tensor([ 1.,  2., 10., 20.])
    """
    a, b = as_array(a), as_array(b)
    ndim = max(a.ndim, b.ndim)
    left, right = ((1,) * (ndim - x.ndim) + x.shape for x in (a, b))
    wide = [n for size in left for n in (size, 1)]
    fine = [n for size in right for n in (1, size)]
    return reshape(
        reshape(a, wide) * reshape(b, fine), [n * m for n, m in zip(left, right, strict=True)]
    )


@public
def cross(
    a: Any, b: Any, axisa: int = -1, axisb: int = -1, axisc: int = -1, axis: int | None = None
) -> Any:
    r"""Vector product of vectors of three components (``numpy.cross``).

    .. math:: y = (a_1 b_2 - a_2 b_1,\; a_2 b_0 - a_0 b_2,\; a_0 b_1 - a_1 b_0)

    The vectors lie along ``axisa`` and ``axisb``, the result's along ``axisc``; ``axis`` says all
    three at once; the other axes broadcast. A vector of two components has 0 as its third, and of
    two such only the third component is given. Raises DTypeError for bools, ShapeError for another
    number of components, AxisError.

    >>> import autodiff as ad
    >>> ad.cross(ad.tensor([1.0, 0.0, 0.0]), [0.0, 1.0, 0.0])
    Tensor([0., 0., 1.])
    """
    if axis is not None:
        axisa = axisb = axisc = axis
    a, b = as_array(a), as_array(b)
    if a.dtype.kind == b.dtype.kind == "b":
        raise DTypeError("cross: not defined for bools")
    a = moveaxis(a, normalize_axis("cross", axisa, a.ndim), -1)
    b = moveaxis(b, normalize_axis("cross", axisb, b.ndim), -1)
    if not {a.shape[-1], b.shape[-1]} <= {2, 3}:
        raise ShapeError(
            f"cross: expected vectors of 2 or 3 components, got {a.shape[-1]} and {b.shape[-1]}"
        )
    p, q = ([x[..., i] for i in range(x.shape[-1])] for x in (a, b))
    third = p[0] * q[1] - p[1] * q[0]
    if len(p) == len(q) == 2:
        return third
    if len(q) == 2:
        parts = [-(p[2] * q[1]), p[2] * q[0], third]
    elif len(p) == 2:
        parts = [p[1] * q[2], -(p[0] * q[2]), third]
    else:
        parts = [p[1] * q[2] - p[2] * q[1], p[2] * q[0] - p[0] * q[2], third]
    return moveaxis(stack(parts, axis=-1), -1, axisc)
