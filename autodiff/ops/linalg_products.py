"""Products, powers and functions of matrices: public under ``ad.linalg``."""

from __future__ import annotations

import math
import operator
from typing import Any

import numpy as np

from autodiff.errors import DTypeError, LinAlgError, ShapeError, normalize_axis
from autodiff.ops import diagonal as diagonals
from autodiff.ops import products
from autodiff.ops.contraction import matmul
from autodiff.ops.joining import concatenate
from autodiff.ops.linalg_base import check_matrices, matrix_dtype
from autodiff.ops.linalg_systems import inv, solve
from autodiff.ops.movement import as_array, broadcast_to, reshape
from autodiff.tensor import aval_of, whole

__all__ = [
    "block_diag",
    "cross",
    "diagonal",
    "expm",
    "matrix_power",
    "multi_dot",
    "outer",
    "tensordot",
    "trace",
]


def matrix_power(x: Any, n: int) -> Any:
    r"""Square matrices to an integer power, as ``numpy.linalg.matrix_power``.

    .. math:: y = x^n

    By repeated squaring; negative powers are those of the inverse. Raises LinAlgError for matrices
    that are not square (or singular, where n < 0), DTypeError for an exponent that is no integer.

    >>> import autodiff as ad
    >>> ad.linalg.matrix_power(ad.tensor([[1.0, 1.0], [0.0, 1.0]]), 5)
    Tensor([[1., 5.],
            [0., 1.]])
    """
    x = as_array(x)
    check_matrices("matrix_power", aval_of(x), square=True)
    try:
        n = operator.index(n)
    except TypeError:
        raise DTypeError(f"matrix_power: the exponent is an integer, got {n!r}") from None
    if n < 0:
        x, n = inv(x), -n
    if n == 0:
        # Of the graph of x, so that a gradient asked for is 0 and not an error.
        return 0 * x + np.eye(x.shape[-1], dtype=x.dtype)
    y = None
    while n:
        if n & 1:
            y = x if y is None else matmul(y, x)
        n >>= 1
        if n:
            x = matmul(x, x)
    return y


# Coefficients of the diagonal Padé approximant of degree 13, and the 1-norm up to which its
# backward error stays below 2^-53: Higham (2005), tables 2.3 and 10.4 of his book.
_PADE = (
    64764752532480000.0,
    32382376266240000.0,
    7771770303897600.0,
    1187353796428800.0,
    129060195264000.0,
    10559470521600.0,
    670442572800.0,
    33522128640.0,
    1323241920.0,
    40840800.0,
    960960.0,
    16380.0,
    182.0,
    1.0,
)
_REACH = 5.371920351148152


def expm(x: Any) -> Any:
    r"""Exponentials of square matrices, as ``scipy.linalg.expm``.

    .. math:: y = \sum_k \frac{x^k}{k!} = \bigl( e^{x / 2^s} \bigr)^{2^s}

    A Padé approximant of degree 13 of the scaled matrix, squared s times. An expression of products
    and one ``solve``: gradients of every order are those of the approximant, which agrees with the
    exponential to rounding, and coinciding eigenvalues make no difference.

    Parameters
    ----------
    x : array_like, shape (..., n, n)

    Raises LinAlgError where matrices are not square or not finite.

    Reference: Higham, "The scaling and squaring method for the matrix exponential revisited"
    (2005).

    >>> import autodiff as ad
    >>> ad.linalg.expm(ad.tensor([[0.0, 1.0], [0.0, 0.0]]))
    Tensor([[1., 1.],
            [0., 1.]])
    """
    x = as_array(x)
    check_matrices("expm", aval_of(x), square=True)
    dtype = matrix_dtype("expm", x.dtype)
    x = x.astype(dtype)
    size = float(np.abs(whole(x)).sum(axis=-2).max(initial=0.0))
    if not math.isfinite(size):
        raise LinAlgError(f"expm: the matrix of shape {x.shape} is not finite")
    steps = max(0, math.ceil(math.log2(size / _REACH))) if size > _REACH else 0
    x = x * 2.0**-steps
    b, one = _PADE, np.eye(x.shape[-1], dtype=dtype)
    x2 = matmul(x, x)
    x4 = matmul(x2, x2)
    x6 = matmul(x4, x2)
    odd = matmul(x6, b[13] * x6 + b[11] * x4 + b[9] * x2) + b[7] * x6 + b[5] * x4 + b[3] * x2
    odd = matmul(x, odd + b[1] * one)
    even = matmul(x6, b[12] * x6 + b[10] * x4 + b[8] * x2)
    even = even + b[6] * x6 + b[4] * x4 + b[2] * x2 + b[0] * one
    y = solve(even - odd, even + odd)
    for _ in range(steps):
        y = matmul(y, y)
    return y


def multi_dot(arrays: Any) -> Any:
    r"""Product of several matrices in the cheapest order, as ``numpy.linalg.multi_dot``.

    .. math:: y = a_1 a_2 \cdots a_n

    The first and the last may be vectors. The order of least multiplications is found by dynamic
    programming. Raises ShapeError for fewer than two arrays, or for shapes that do not fit.

    Reference: Cormen et al., "Introduction to Algorithms", 15.2.

    >>> import autodiff as ad
    >>> ad.linalg.multi_dot([ad.ones((2, 3)), ad.ones((3, 4)), ad.ones(4)])
    Tensor([12., 12.])
    """
    factors = [as_array(x) for x in arrays]
    if len(factors) < 2:
        raise ShapeError(f"multi_dot: expected at least two arrays, got {len(factors)}")
    shapes = [x.shape for x in factors]
    row, column = factors[0].ndim == 1, factors[-1].ndim == 1
    if row:
        factors[0] = reshape(factors[0], (1, factors[0].size))
    if column:
        factors[-1] = reshape(factors[-1], (factors[-1].size, 1))
    if any(x.ndim != 2 for x in factors):
        raise LinAlgError(
            f"multi_dot: expected matrices, or vectors at the ends, got shapes {shapes}"
        )
    y = _chain(factors, _cuts([x.shape for x in factors]), 0, len(factors) - 1)
    y = y[0] if row else y
    return y[..., 0] if column else y


def _cuts(shapes: list[tuple[int, ...]]) -> dict[tuple[int, int], int]:
    """Where the product of the factors i to j is best cut in two."""
    sizes = [shapes[0][0], *(s[1] for s in shapes)]
    cost = {(i, i): 0 for i in range(len(shapes))}
    cuts = {}
    for length in range(1, len(shapes)):
        for i in range(len(shapes) - length):
            j = i + length
            options = [
                (cost[i, k] + cost[k + 1, j] + sizes[i] * sizes[k + 1] * sizes[j + 1], k)
                for k in range(i, j)
            ]
            cost[i, j], cuts[i, j] = min(options)
    return cuts


def _chain(factors: list[Any], cuts: dict[tuple[int, int], int], i: int, j: int) -> Any:
    if i == j:
        return factors[i]
    k = cuts[i, j]
    return matmul(_chain(factors, cuts, i, k), _chain(factors, cuts, k + 1, j))


def block_diag(*arrays: Any) -> Any:
    """A matrix of blocks along its diagonal and zeros elsewhere, as ``scipy.linalg.block_diag``.

    Vectors are rows, scalars 1 × 1; leading axes broadcast.

    >>> import autodiff as ad
    >>> ad.linalg.block_diag(ad.tensor([[1.0, 2.0]]), 3.0)
    Tensor([[1., 2., 0.],
            [0., 0., 3.]])
    """
    if not arrays:
        raise ShapeError("block_diag: expected at least one array")
    blocks = [as_array(x) for x in arrays]
    blocks = [x if x.ndim > 1 else reshape(x, (1, x.size)) for x in blocks]
    outer_shape = np.broadcast_shapes(*(x.shape[:-2] for x in blocks))
    width, start, rows = sum(x.shape[-1] for x in blocks), 0, []
    for x in blocks:
        m, n = x.shape[-2:]
        x = broadcast_to(x, (*outer_shape, m, n))
        before = np.zeros((*outer_shape, m, start), x.dtype)
        after = np.zeros((*outer_shape, m, width - start - n), x.dtype)
        rows.append(concatenate([before, x, after], axis=-1))
        start += n
    return concatenate(rows, axis=-2)


def trace(x: Any, /, *, offset: int = 0, dtype: Any = None) -> Any:
    """Sums of diagonals of the matrices in the last two axes, as ``numpy.linalg.trace``.

    >>> import autodiff as ad
    >>> ad.linalg.trace(ad.ones((3, 2, 2)))
    Tensor([2., 2., 2.])
    """
    return diagonals.matrix_trace(x, offset, -2, -1, dtype)


def diagonal(x: Any, /, *, offset: int = 0) -> Any:
    """Diagonals of the matrices in the last two axes, as ``numpy.linalg.diagonal``.

    >>> import autodiff as ad
    >>> ad.linalg.diagonal(ad.tensor([[1.0, 2.0], [3.0, 4.0]]))
    Tensor([1., 4.])
    """
    return diagonals.diagonal(x, offset, -2, -1)


def outer(a: Any, b: Any, /) -> Any:
    """All products of an entry of one vector and one of another, as ``numpy.linalg.outer``.

    Raises ShapeError for what is no vector: ``ad.outer`` flattens.

    >>> import autodiff as ad
    >>> ad.linalg.outer(ad.tensor([1.0, 2.0]), [3.0, 4.0])
    Tensor([[3., 4.],
            [6., 8.]])
    """
    a, b = as_array(a), as_array(b)
    if a.ndim != 1 or b.ndim != 1:
        raise ShapeError(f"outer: expected two vectors, got shapes {a.shape} and {b.shape}")
    return products.outer(a, b)


def cross(a: Any, b: Any, /, *, axis: int = -1) -> Any:
    """Vector product of vectors of three components, as ``numpy.linalg.cross``.

    >>> import autodiff as ad
    >>> ad.linalg.cross(ad.tensor([1.0, 0.0, 0.0]), [0.0, 1.0, 0.0])
    Tensor([0., 0., 1.])
    """
    a, b = as_array(a), as_array(b)
    for x in (a, b):
        if x.ndim < 1 or x.shape[normalize_axis("cross", axis, x.ndim)] != 3:
            raise ShapeError(
                f"cross: expected vectors of 3 components along axis {axis}, got shapes {a.shape} "
                f"and {b.shape}"
            )
    return products.cross(a, b, axis=axis)


def tensordot(a: Any, b: Any, /, *, axes: Any = 2) -> Any:
    """Products summed over axes of both operands: ``ad.tensordot``, as ``numpy.linalg.tensordot``.

    >>> import autodiff as ad
    >>> ad.linalg.tensordot(ad.ones((2, 3)), ad.ones((2, 3)))
    Tensor(6.)
    """
    return products.tensordot(a, b, axes)
