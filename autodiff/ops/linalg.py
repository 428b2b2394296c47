"""Linear algebra: norms."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from autodiff.errors import DTypeError, ShapeError, normalize_axes
from autodiff.ops.comparison import equal, not_equal
from autodiff.ops.complex import conj
from autodiff.ops.elementwise import abs as absolute
from autodiff.ops.linalg_base import check_matrices
from autodiff.ops.linalg_decompositions import svdvals
from autodiff.ops.movement import as_array, moveaxis
from autodiff.ops.reduction import Reduction, reduce, unreduce
from autodiff.ops.reduction import max as max_over
from autodiff.ops.reduction import min as min_over
from autodiff.ops.reduction import sum as sum_over
from autodiff.ops.selection import where
from autodiff.primitive import Case, In
from autodiff.registry import public
from autodiff.tensor import aval_of, whole

__all__ = ["norm"]


def _length(x: Any, out: Any = None, *, axis: tuple[int, ...], keepdims: bool) -> Any:
    """Root of the sum of squares; scaled where squares leave the range of the dtype."""
    if x.dtype.kind != "f":
        x = np.abs(x) if x.dtype.kind == "c" else x.astype(np.float64)
    with np.errstate(over="ignore", under="ignore"):
        y = np.asarray(np.sqrt(np.sum(x * x, axis=axis, keepdims=keepdims)))
    limits = np.finfo(x.dtype)
    safe = np.isfinite(y).all() and (y > math.sqrt(limits.tiny) / limits.eps).all()
    if not safe and x.size:
        largest = np.max(np.abs(x), axis=axis, keepdims=True)
        largest = np.where(np.isfinite(largest) & (largest > 0), largest, 1).astype(x.dtype)
        scaled = x / largest
        y = np.sqrt(np.sum(scaled * scaled, axis=axis, keepdims=keepdims))
        y = np.asarray(y * largest.reshape(y.shape))
    if out is None:
        return y
    out[...] = y
    return out


def _direction(y: Any, x: Any, axis: tuple[int, ...], keepdims: bool) -> Any:
    """``x / y``, and 0 at the origin: of all subgradients there, the one of least norm."""
    y = unreduce(y, x, axis, keepdims)
    x = conj(x) if x.dtype.kind == "c" else x
    origin = equal(y, 0)
    if not np.any(whole(origin)):
        return x / y
    return where(origin, 0, x / where(origin, 1, y))


class Norm(Reduction):
    """The Euclidean length along axes; see ``ad.norm``."""

    name = "norm"
    kernel = staticmethod(_length)
    reference = staticmethod(
        lambda x, *, axis, keepdims: np.sqrt((np.abs(x) ** 2).sum(axis=axis, keepdims=keepdims))
    )
    vjp = staticmethod(
        lambda g, y, x, *, axis, keepdims: (
            unreduce(g, x, axis, keepdims) * _direction(y, x, axis, keepdims)
        )
    )
    jvp = staticmethod(
        lambda t, y, x, *, axis, keepdims: sum_over(
            t * _direction(y, x, axis, keepdims), axis, keepdims=keepdims
        )
    )
    cases = (
        Case((In((2, 3)),), {"axis": (0, 1), "keepdims": False}),
        Case((In((2, 3, 2)),), {"axis": (0, 2), "keepdims": True}),
        Case((In((2, 3)),), {"axis": (1,), "keepdims": False}),
        Case((In((2, 3), 0.5, 2.0),), {"axis": (), "keepdims": False}),
        Case((In((), 0.5, 2.0),), {"axis": (), "keepdims": True}),
        Case((In((0, 2)),), {"axis": (1,), "keepdims": False}),
        Case((In((0, 2)),), {"axis": (0,), "keepdims": False}),
    )
    special = (0.0,)


def _largest(sizes: Any, axis: int | tuple[int, ...], keepdims: bool = False) -> Any:
    """The largest of sizes; of none it is 0, as in ``numpy.linalg.norm``."""
    none = any(sizes.shape[a] == 0 for a in (axis if isinstance(axis, tuple) else (axis,)))
    return (sum_over if none else max_over)(sizes, axis, keepdims=keepdims)


def _vector_norm(x: Any, ord: Any, axis: tuple[int, ...], keepdims: bool) -> Any:
    if ord is None or ord == 2:
        return reduce("norm", x, axis, keepdims)
    size = absolute(x)
    if ord == math.inf:
        return _largest(size, axis, keepdims)
    if ord == -math.inf:
        return min_over(size, axis, keepdims=keepdims)
    if ord == 1:
        return sum_over(size, axis, keepdims=keepdims)
    if ord == 0:
        dtype = size.dtype if size.dtype.kind == "f" else np.dtype(float)
        return sum_over(not_equal(x, 0).astype(dtype), axis, keepdims=keepdims)
    if isinstance(ord, str) or not isinstance(ord, (int, float)):
        raise DTypeError(
            f"norm: ord of a vector is None, a number, inf or -inf, got {ord!r}; 'fro' is for "
            "matrices (give two axes)"
        )
    total = sum_over(size**ord, axis, keepdims=keepdims)
    if ord < 0:
        return total ** (1 / ord)
    # At the origin the root's infinite slope is not selected: the gradient is 0, as for ord 2.
    zero = equal(total, 0)
    return where(zero, 0.0, where(zero, 1.0, total) ** (1 / ord))


def _matrix_norm(x: Any, ord: Any, axis: tuple[int, ...], keepdims: bool) -> Any:
    if ord is None or ord == "fro":
        return reduce("norm", x, axis, keepdims)
    if ord in ("nuc", 2, -2):
        s = svdvals(moveaxis(x, axis, (-2, -1)))
        y = (sum_over if ord == "nuc" else _largest if ord == 2 else min_over)(s, axis=-1)
        return unreduce(y, x, axis, False) if keepdims else y
    if ord not in (1, -1, math.inf, -math.inf):
        raise ShapeError(
            f"norm: ord of a matrix is None, 'fro', 'nuc', 1, -1, 2, -2, inf or -inf, got {ord!r}; "
            "for the norm of vectors, give one axis"
        )
    summed, other = axis if ord in (1, -1) else axis[::-1]
    extreme = _largest if ord > 0 else min_over
    sums = sum_over(absolute(x), summed, keepdims=True)
    y = extreme(sums, other, keepdims=True)
    return y if keepdims else y.reshape([n for i, n in enumerate(x.shape) if i not in axis])


@public
def norm(x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Any:
    r"""Norm of vectors (along one axis) or of matrices (along two), as ``numpy.linalg.norm``.

    .. math:: \lVert x \rVert_2 = \sqrt{\textstyle\sum_i |x_i|^2}, \qquad
        \bar x = \bar y\, \frac{x}{\lVert x \rVert_2}

    At the origin the gradient is 0, the subgradient of least norm. The order 2 neither overflows
    nor loses small entries.

    Parameters
    ----------
    x : array_like
    ord : None, number, inf, -inf, "fro" or "nuc"
        None: the root of the sum of squares. Of vectors: :math:`(\sum_i |x_i|^p)^{1/p}`, the
        largest or the smallest size, and for 0 the count of entries that are not 0. Of matrices:
        "fro"; the largest or smallest sum of sizes in columns (1, -1) or rows (inf, -inf); the
        largest, the smallest or the sum of the singular values (2, -2, "nuc").
    axis : int, pair of int, or None
        None: of all entries, or with ``ord``, all axes of a vector or a matrix.
    keepdims : bool
        Keep the reduced axes, with size 1.

    Raises
    ------
    ShapeError
        ``ord`` with another number of axes than one or two, or none of matrices.
    AxisError, DTypeError

    Reference: Golub and Van Loan, "Matrix Computations", 2.2-2.3.

    >>> import autodiff as ad
    >>> x = ad.tensor([3.0, 4.0], requires_grad=True)
    >>> ad.norm(x), ad.gradients(ad.norm(x), x)
    (Tensor(5., from=norm), Tensor([0.6, 0.8]))
    """
    x = as_array(x)
    axes = normalize_axes("norm", axis, x.ndim)
    if ord is None:
        return reduce("norm", x, axes, keepdims)
    if len(axes) not in (1, 2):
        raise ShapeError(
            f"norm: ord={ord!r} of an operand of shape {x.shape} needs axis: an int for the norm "
            "of vectors, a pair for that of matrices"
        )
    function = _vector_norm if len(axes) == 1 else _matrix_norm
    return function(x, ord, axes, bool(keepdims))


def vector_norm(x: Any, /, *, axis: Any = None, keepdims: bool = False, ord: Any = 2) -> Any:
    """Norm of vectors along any number of axes (all: None), as ``numpy.linalg.vector_norm``.

    ``ord`` is one of those of vectors in ``norm``, whose gradients these are. Raises AxisError, and
    DTypeError for another order.

    >>> import autodiff as ad
    >>> ad.linalg.vector_norm(ad.tensor([[3.0, 0.0], [0.0, 4.0]]))
    Tensor(5.)
    """
    x = as_array(x)
    return _vector_norm(x, ord, normalize_axes("vector_norm", axis, x.ndim), bool(keepdims))


def matrix_norm(x: Any, /, *, keepdims: bool = False, ord: Any = "fro") -> Any:
    """Norm of the matrices in the last two axes, as ``numpy.linalg.matrix_norm``.

    ``ord`` is one of those of matrices in ``norm``, whose gradients these are. Raises LinAlgError
    for what holds no matrices, ShapeError for another order.

    >>> import autodiff as ad
    >>> x = ad.tensor([[3.0, 0.0], [0.0, -4.0]], requires_grad=True)
    >>> y = ad.linalg.matrix_norm(x, ord="nuc")
    >>> y.item(), ad.gradients(y, x).data.round(12)
    (7.0, array([[ 1.,  0.],
           [ 0., -1.]]))
    """
    x = as_array(x)
    check_matrices("matrix_norm", aval_of(x))
    return _matrix_norm(x, ord, (x.ndim - 2, x.ndim - 1), bool(keepdims))
