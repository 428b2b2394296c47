"""Linear systems, inverses, determinants, ranks: public under ``ad.linalg``."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from autodiff.errors import DTypeError, LinAlgError, ShapeError
from autodiff.ops.complex import real
from autodiff.ops.contraction import matmul
from autodiff.ops.diagonal import tril, triu
from autodiff.ops.elementwise import abs as absolute
from autodiff.ops.elementwise import astype
from autodiff.ops.linalg import norm
from autodiff.ops.linalg_base import check_matrices, matrix_dtype, turned
from autodiff.ops.linalg_decompositions import svdvals
from autodiff.ops.linalg_pinv import Pinv
from autodiff.ops.linalg_solve import Det, Inv, Slogdet, Solve
from autodiff.ops.movement import as_array, moveaxis, reshape
from autodiff.ops.reduction import max as max_over
from autodiff.ops.reduction import sum as sum_over
from autodiff.registry import FUNCTIONS, PRIMITIVES
from autodiff.tensor import apply, apply_binary, apply_unary, aval_of, whole

__all__ = [
    "SlogdetResult",
    "cond",
    "det",
    "inv",
    "lstsq",
    "matrix_rank",
    "pinv",
    "slogdet",
    "solve",
    "solve_triangular",
    "tensorinv",
    "tensorsolve",
]


class SlogdetResult(NamedTuple):
    """What ``slogdet`` gives: ``det(x) = sign * exp(logabsdet)``."""

    sign: Any
    logabsdet: Any


def solve(a: Any, b: Any) -> Any:
    r"""Solution of linear systems, as ``numpy.linalg.solve``.

    .. math:: a y = b, \qquad \bar b = a^{-H} \bar y, \quad \bar a = -\bar b\, y^H

    Parameters
    ----------
    a : array_like, shape (..., n, n)
    b : array_like, shape (n,) or (..., n, k)
        The leading axes broadcast.

    Raises
    ------
    LinAlgError
        A matrix is not square or singular; the message has the shapes.
    ShapeError
        The numbers of rows differ, or the leading axes do not broadcast.

    Reference: Giles (2008), "An extended collection of matrix derivative results", 2.3.1.

    >>> import autodiff as ad
    >>> a = ad.tensor([[2.0, 0.0], [0.0, 4.0]], requires_grad=True)
    >>> y = ad.linalg.solve(a, [2.0, 4.0])
    >>> y.data, ad.gradients(y.sum(), a).data
    (array([1., 1.]), array([[-0.5 , -0.5 ],
           [-0.25, -0.25]]))
    """
    a, b = as_array(a), as_array(b)
    if b.ndim != 1:
        return apply_binary(PRIMITIVES[Solve.name], a, b)
    y = apply_binary(PRIMITIVES[Solve.name], a, reshape(b, (b.size, 1)))
    return reshape(y, y.shape[:-1])


def solve_triangular(
    a: Any, b: Any, *, lower: bool = False, trans: bool = False, unit_diagonal: bool = False
) -> Any:
    r"""Solution of systems whose matrices are triangular, as ``scipy.linalg.solve_triangular``.

    Only one triangle of ``a`` is read: ``solve`` of that triangle, with zeros elsewhere, which have
    no gradient. ``trans`` solves with the transposed matrix. A triangular matrix needs no
    elimination, so that LAPACK's general solver substitutes; that it looks for pivots makes it
    slower than a special one, but takes batches and no SciPy.

    Parameters
    ----------
    a : array_like, shape (..., n, n)
    b : array_like, shape (n,) or (..., n, k)
    lower, trans, unit_diagonal : bool
        Which triangle; whether to transpose it; whether to take its diagonal as ones.

    Raises LinAlgError and ShapeError as ``solve``.

    >>> import autodiff as ad
    >>> ad.linalg.solve_triangular(ad.tensor([[2.0, 9.0], [1.0, 4.0]]), [2.0, 5.0], lower=True)
    Tensor([1., 1.])
    """
    a = as_array(a)
    check_matrices("solve_triangular", aval_of(a), square=True)
    k = 1 if unit_diagonal else 0
    triangle = tril(a, -k) if lower else triu(a, k)
    if unit_diagonal:
        triangle = triangle + np.eye(a.shape[-1], dtype=a.dtype)
    return solve(turned(triangle) if trans else triangle, b)


def inv(x: Any) -> Any:
    r"""Inverses of square matrices, as ``numpy.linalg.inv``.

    .. math:: y = x^{-1}, \qquad \bar x = -y^H \bar y\, y^H

    ``solve(a, b)`` is faster and more accurate than ``inv(a) @ b``. Raises LinAlgError where a
    matrix is not square or singular.

    Reference: Giles (2008), 2.2.3.

    >>> import autodiff as ad
    >>> ad.linalg.inv(ad.tensor([[2.0, 0.0], [0.0, 4.0]]))
    Tensor([[0.5 , 0.  ],
            [0.  , 0.25]])
    """
    return apply_unary(PRIMITIVES[Inv.name], as_array(x))


def det(x: Any) -> Any:
    r"""Determinants of square matrices, as ``numpy.linalg.det``.

    .. math:: y = \det x, \qquad \bar x = \bar y\, \overline{C}, \quad C = \det(x)\, x^{-\top}

    The cofactors C exist for singular matrices too: there they are the mean of those of n regular
    matrices on a circle around x. Raises LinAlgError where a matrix is not square.

    Reference: Giles (2008), 2.2.4.

    >>> import autodiff as ad
    >>> x = ad.tensor([[1.0, 2.0], [2.0, 4.0]], requires_grad=True)
    >>> ad.round(ad.gradients(ad.linalg.det(x), x))
    Tensor([[ 4., -2.],
            [-2.,  1.]])
    """
    return apply_unary(PRIMITIVES[Det.name], as_array(x))


def slogdet(x: Any) -> Any:
    r"""Signs and logarithms of the sizes of determinants, as ``numpy.linalg.slogdet``.

    .. math:: \det x = s\, e^{\ell}, \qquad \bar x = \bar\ell\, x^{-H} \quad (x \text{ real})

    Of complex matrices the sign is a number of size 1 and has a gradient too. Singular matrices
    have the logarithm -inf and no gradient. Raises LinAlgError where a matrix is not square.

    >>> import autodiff as ad
    >>> ad.linalg.slogdet(ad.tensor([[2.0, 0.0], [0.0, -4.0]])).sign
    Tensor(-1.)
    """
    y = apply_unary(PRIMITIVES[Slogdet.name], as_array(x))
    return SlogdetResult(y[..., 0], real(y[..., 1]))


def pinv(x: Any, rcond: Any = None, hermitian: bool = False, *, rtol: Any = None) -> Any:
    r"""Pseudo-inverses of matrices (Moore, Penrose), as ``numpy.linalg.pinv``.

    .. math:: dy = -y\, dx\, y + y y^H dx^H (1 - x y) + (1 - y x)\, dx^H y^H y

    Where singular values that are not 0 are dropped, the two last terms divide by
    :math:`s_i^2 - s_j^2`, i kept and j dropped, and not by :math:`s_i^2`: exact for every cut, at
    the cost of a second decomposition in the gradient. The number of kept values is fixed: values
    that are 0 to rounding stay dropped, which is the derivative along all directions that keep
    the rank. Without a cut and of full rank nothing is decomposed again.

    Parameters
    ----------
    x : array_like, shape (..., m, n)
    rtol, rcond : float or array_like of the shape of the stack, optional
        Singular values below this part of the largest count as 0; by default max(m, n) times the
        precision of the dtype. Two names for one thing. NumPy's default, 1e-15 for every dtype,
        takes the rounding errors of single precision for rank. The result jumps where one of the
        values crosses the limit: no gradient reaches ``rtol`` and ``rcond``.
    hermitian : bool
        Has no effect but that matrices must be square.

    Raises LinAlgError for what holds no matrices; in the backward walk GradientError where the
    limit falls between singular values that coincide to rounding.

    Reference: Golub and Pereyra, "The differentiation of pseudo-inverses and nonlinear least
    squares problems whose variables separate" (1973), eq. 4.12; Noferini, "A formula for the
    Fréchet derivative of a generalized matrix function" (2017).

    >>> import autodiff as ad
    >>> ad.linalg.pinv(ad.tensor([[2.0], [0.0]]))
    Tensor([[0.5, 0. ]])
    """
    x = as_array(x)
    check_matrices("pinv", aval_of(x), square=hermitian)
    limit = rcond if rtol is None else rtol
    if limit is None:
        limit = max(x.shape[-2:]) * np.finfo(matrix_dtype("pinv", x.dtype)).eps
    one = np.ndim(limit) == 0
    rtol = float(limit) if one else np.asarray(FUNCTIONS["stop_gradient"](limit))
    return apply(PRIMITIVES[Pinv.name], x, rtol=rtol)


def lstsq(a: Any, b: Any, rcond: Any = None) -> tuple[Any, Any, Any, Any]:
    r"""Least-squares solution of linear systems of any rank, as ``numpy.linalg.lstsq``.

    .. math:: y = \arg\min_y \lVert a y - b \rVert, \text{ the shortest}; \qquad y = a^{+} b

    Parameters
    ----------
    a : array_like, shape (..., m, n)
    b : array_like, shape (m,) or (..., m, k)
    rcond : float, optional
        Singular values below this part of the largest count as 0; below 0, as -1, it stands for the
        precision of the dtype. No gradient reaches ``rcond``. Gradients are exact for every cut,
        as those of ``pinv``.

    Returns
    -------
    (y, residuals, rank, s): the solution; sums of squares of ``a y - b``, empty unless m > n and
    the rank is full; the rank; the singular values of ``a``. The first two and the last have
    gradients.

    Raises LinAlgError, and ShapeError where the numbers of rows differ; in the backward walk
    GradientError as ``pinv``.

    Reference: Golub and Pereyra (1973).

    >>> import autodiff as ad
    >>> y, residuals, rank, s = ad.linalg.lstsq(ad.tensor([[1.0], [1.0]]), [1.0, 3.0])
    >>> y.data.round(12), residuals.data.round(12), int(rank)
    (array([2.]), array([2.]), 1)
    """
    a, b = as_array(a), as_array(b)
    check_matrices("lstsq", aval_of(a))
    m, n = a.shape[-2:]
    vector = b.ndim == 1
    if b.ndim < 1 or b.shape[0 if vector else -2] != m:
        raise ShapeError(f"lstsq: a has shape {a.shape}, b has shape {b.shape}: other rows")
    right = reshape(b, (m, 1)) if vector else b
    if type(rcond) in (int, float) and rcond < 0:
        rcond = float(np.finfo(matrix_dtype("lstsq", a.dtype)).eps)
    y = matmul(pinv(a, rcond), right)
    s = svdvals(a)
    limit = max(m, n) * np.finfo(s.dtype).eps if rcond is None else rcond
    rank = _rank(s, limit)
    residuals = s[..., :0]
    if m > n and np.all(whole(rank) == n):
        residuals = sum_over(absolute(matmul(a, y) - right) ** 2, axis=-2)
    return (reshape(y, y.shape[:-1]) if vector else y), residuals, rank, s


def _rank(s: Any, rtol: Any) -> Any:
    if not s.shape[-1]:
        return sum_over(astype(s, int), axis=-1)
    return sum_over(s > rtol * max_over(s, axis=-1, keepdims=True), axis=-1)


def matrix_rank(x: Any, tol: Any = None, hermitian: bool = False, *, rtol: Any = None) -> Any:
    """Number of singular values that are not 0 to rounding, as ``numpy.linalg.matrix_rank``.

    ``tol`` is an absolute limit, ``rtol`` one relative to the largest; by default max(m, n) times
    the precision of the dtype, relative. An integer: there is no gradient.

    >>> import autodiff as ad
    >>> ad.linalg.matrix_rank(ad.tensor([[1.0, 2.0], [2.0, 4.0]]))
    Tensor(1)
    """
    x = FUNCTIONS["stop_gradient"](as_array(x))
    if x.ndim < 2:
        return astype(FUNCTIONS["any"](x != 0), int)
    s = svdvals(x)
    if tol is not None:
        return sum_over(s > as_array(tol)[..., None], axis=-1)
    limit = max(x.shape[-2:]) * np.finfo(s.dtype).eps if rtol is None else as_array(rtol)[..., None]
    return _rank(s, limit)


def cond(x: Any, p: Any = None) -> Any:
    r"""Condition numbers of matrices, as ``numpy.linalg.cond``.

    .. math:: \kappa = \lVert x \rVert_p \lVert x^{-1} \rVert_p

    ``p`` is an order of ``norm``; None and 2 are the ratio of the largest to the smallest singular
    value, -2 its inverse, and take matrices that are not square. Raises LinAlgError for what holds
    no matrices and, of the other orders, for singular ones.

    >>> import autodiff as ad
    >>> ad.linalg.cond(ad.tensor([[4.0, 0.0], [0.0, 2.0]]))
    Tensor(2.)
    """
    x = as_array(x)
    check_matrices("cond", aval_of(x), square=p not in (None, 2, -2))
    if 0 in x.shape[-2:]:
        raise LinAlgError(f"cond: matrices without entries have no condition number: {x.shape}")
    if p in (None, 2, -2):
        s = svdvals(x)
        return s[..., -1] / s[..., 0] if p == -2 else s[..., 0] / s[..., -1]
    return norm(x, p, axis=(-2, -1)) * norm(inv(x), p, axis=(-2, -1))


def tensorsolve(a: Any, b: Any, axes: Any = None) -> Any:
    r"""Solution of ``tensordot(a, y, y.ndim) = b``, as ``numpy.linalg.tensorsolve``.

    ``axes`` are moved to the end of ``a`` before. Raises LinAlgError where ``a`` makes no square
    system of the size of ``b``.

    >>> import autodiff as ad
    >>> ad.linalg.tensorsolve(ad.tensor([[2.0, 0.0], [0.0, 4.0]]), [2.0, 4.0])
    Tensor([1., 1.])
    """
    a, b = as_array(a), as_array(b)
    if axes is not None:
        axes = tuple(axes)
        a = moveaxis(a, axes, tuple(range(a.ndim - len(axes), a.ndim)))
    shape = a.shape[b.ndim :]
    if math.prod(shape) != b.size or math.prod(a.shape) != b.size**2:
        raise LinAlgError(
            f"tensorsolve: a of shape {a.shape} makes no square system for b of shape {b.shape}"
        )
    return reshape(solve(reshape(a, (b.size, b.size)), reshape(b, (b.size,))), shape)


def tensorinv(a: Any, ind: int = 2) -> Any:
    r"""Inverse of ``a`` under ``tensordot`` over its first ``ind`` axes, as NumPy's function.

    Raises LinAlgError where the sizes of the first and of the other axes have different products.

    >>> import autodiff as ad
    >>> ad.linalg.tensorinv(ad.tensor([[2.0, 0.0], [0.0, 4.0]]), ind=1)
    Tensor([[0.5 , 0.  ],
            [0.  , 0.25]])
    """
    a = as_array(a)
    if not isinstance(ind, int) or ind <= 0:
        raise DTypeError(f"tensorinv: ind is a positive integer, got {ind!r}")
    first, second = a.shape[:ind], a.shape[ind:]
    if math.prod(first) != math.prod(second):
        raise LinAlgError(f"tensorinv: shape {a.shape} makes no square matrix for ind={ind}")
    return reshape(inv(reshape(a, (math.prod(first), math.prod(second)))), (*second, *first))
