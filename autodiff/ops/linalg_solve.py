"""Linear systems, inverses and determinants: the primitives; what is public stands in ``linalg``.

Reference: Giles, "An extended collection of matrix derivative results for forward and reverse mode
algorithmic differentiation" (2008), 2.2-2.3.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from autodiff.errors import LinAlgError, ShapeError
from autodiff.families import align_ranks, broadcast_shapes
from autodiff.node import Aval, Node
from autodiff.ops.comparison import isfinite
from autodiff.ops.complex import imag, real
from autodiff.ops.contraction import matmul
from autodiff.ops.discrete import all as all_over
from autodiff.ops.elementwise import abs as absolute
from autodiff.ops.joining import concatenate
from autodiff.ops.linalg_base import (
    EMPTY,
    NOT_SQUARE,
    SQUARE,
    Matrices,
    Shifted,
    adjoint,
    check_matrices,
    diagonal_of,
    identity,
    lapack,
    matrix_dtype,
    turned,
)
from autodiff.ops.linalg_spectral import SVD
from autodiff.ops.movement import reshape
from autodiff.ops.reduction import max as max_over
from autodiff.ops.reduction import sum as sum_over
from autodiff.ops.selection import where
from autodiff.primitive import Case, In, Primitive
from autodiff.registry import FUNCTIONS, PRIMITIVES
from autodiff.tensor import apply_binary, apply_unary, raw, whole

# Adjugates of larger matrices near 0 are taken for 0: products of so many rounding errors, as are
# their derivatives up to the order MOST - 1.
MOST = 8


def factor_of(g: Any) -> Any:
    """Numbers (...) as factors of matrices (..., n, n)."""
    return reshape(g, (*g.shape, 1, 1))


# ---- solve


def _solve(a: Any, b: Any) -> Any:
    return lapack("solve", "the matrix is singular", np.linalg.solve, a, b)


def _pull_matrix(g: Any, y: Any, a: Any) -> Any:
    return -matmul(apply_binary(PRIMITIVES["solve"], turned(a), g), turned(y))


class Solve(Primitive):
    """The solution of linear systems whose right sides are the columns of ``b``; see
    ``ad.linalg.solve``.
    """

    name = "solve"
    arguments = ("a", "b")
    normwise = (2, 2)
    broadcasts = True
    kernel = staticmethod(_solve)
    reference = staticmethod(lambda a, b: np.linalg.inv(a) @ b)
    vjp = (_pull_matrix, lambda g, a: apply_binary(PRIMITIVES["solve"], turned(a), g))
    jvp = (
        lambda t, y, a: -apply_binary(PRIMITIVES["solve"], a, matmul(t, y)),
        lambda t, a: apply_binary(PRIMITIVES["solve"], a, t),
    )
    cases = (
        Case((Shifted((3, 3), -1.0, 1.0), In((3, 2)))),
        Case((Shifted((2, 2, 2), -1.0, 1.0), In((2, 1)))),
        Case((Shifted((2, 2), -1.0, 1.0), In((3, 2, 2)))),
        Case((Shifted((2, 1, 2, 2), -1.0, 1.0), In((3, 2, 1)))),
        Case((In((0, 0)), In((0, 2)))),
        Case((Shifted((2, 2), -1.0, 1.0), In((2, 0)))),
    )
    errors = (
        (Case((In((2, 3)), In((3, 1)))), LinAlgError, "expected square matrices"),
        (Case((In((3, 3)), In((2, 1)))), ShapeError, "3 equations, and b has 2 rows"),
        (Case((In((2, 2, 2)), In((3, 2, 1)))), ShapeError, "do not broadcast"),
        (Case((np.ones((2, 2)), In((2, 1)))), LinAlgError, "singular (float64[2, 2] and"),
    )

    def infer(self, a: Any, b: Any) -> Aval:
        check_matrices("solve", a, square=True)
        check_matrices("solve", b)
        if a.shape[-1] != b.shape[-2]:
            raise ShapeError(
                f"solve: {a!r} makes {a.shape[-1]} equations, and b has {b.shape[-2]} rows ({b!r})"
            )
        outer = [Aval(x.shape[:-2], x.dtype, x.name) for x in (a, b)]
        shape = (*broadcast_shapes("solve", outer), *b.shape[-2:])
        return Aval(shape, matrix_dtype("solve", a.dtype, b.dtype))

    def batch(self, mapped: tuple[bool, ...], a: Any, b: Any) -> Any:
        return apply_binary(self, *align_ranks(mapped, (a, b)))

    def presence(self, i: int, mask: Any, node: Node) -> Any:
        if mask is None:
            return None
        reached = mask.any(axis=-2, keepdims=True)  # by columns of b; a takes part in all of them
        core = node.inputs[i].shape[-2:]
        if i == 0:
            reached = reached.any(axis=-1, keepdims=True)
        return np.broadcast_to(reached, (*mask.shape[:-2], *core))


# ---- inv


class Inv(Matrices):
    """The inverses of square matrices; see ``ad.linalg.inv``."""

    name = "inv"
    kernel = staticmethod(lambda x: lapack("inv", "the matrix is singular", np.linalg.inv, x))
    reference = staticmethod(lambda x: np.linalg.solve(x, np.zeros(x.shape) + np.eye(x.shape[-1])))
    vjp = staticmethod(lambda g, y: -matmul(matmul(turned(y), g), turned(y)))
    jvp = staticmethod(lambda t, y: -matmul(matmul(y, t), y))
    cases = SQUARE + EMPTY
    errors = (*NOT_SQUARE, (Case((np.ones((2, 2)),)), LinAlgError, "singular (float64[2, 2])"))

    def infer(self, x: Any) -> Aval:
        check_matrices("inv", x, square=True)
        return Aval(x.shape, matrix_dtype("inv", x.dtype))


# ---- det


def _cofactors(x: Any, y: Any) -> Any:
    """det(x) times the transposed inverse, also where det(x) is no normal number."""
    numbers = np.finfo(y.dtype)
    size = np.abs(whole(y))
    if np.all((size > numbers.tiny / numbers.eps) & (size < numbers.max * numbers.eps)):
        return _normal_cofactors(x, y)
    # The entries of a cofactor are products of one factor less.
    unit = max_over(absolute(_still(x)), axis=(-2, -1), keepdims=True)
    unit = where(isfinite(unit) & (unit > 0), unit, 1)
    scaled = x / unit
    half = unit ** ((x.shape[-1] - 1) / 2)  # the whole may be infinite, and times 0 NaN
    return half * (half * _normal_cofactors(scaled, apply_unary(PRIMITIVES["det"], scaled)))


def _normal_cofactors(x: Any, y: Any) -> Any:
    """The same for matrices of size 1, or whose determinant is a normal number."""
    n, data = x.shape[-1], whole(x)
    if n == 1:
        return 0 * x + 1
    if not np.isfinite(data).all():  # LAPACK may search for their singular values forever
        finite = all_over(isfinite(x), axis=(-2, -1), keepdims=True)
        usual = where(finite, x, identity(n, x.dtype))
        found = _normal_cofactors(usual, apply_unary(PRIMITIVES["det"], usual))
        return where(finite, found, np.nan)
    if _well_conditioned(data):
        return factor_of(y) * turned(apply_unary(PRIMITIVES["inv"], x))
    # Between the singular vectors of x, held fixed, its matrix is diagonal, and what makes it
    # singular is a block near 0 of its own. Matrices of a batch have blocks of different size.
    u, s, vh = SVD.split(apply_unary(PRIMITIVES["svd"], _still(x)), n, n)
    limit = n * np.finfo(s.dtype).eps * max_over(s, axis=-1, keepdims=True)
    counts = factor_of(sum_over(s <= limit, axis=-1))
    between, total = matmul(matmul(adjoint(u), x), adjoint(vh)), None
    for k in np.unique(whole(counts)).tolist():
        own = counts == k
        others = np.diag(np.repeat([1.0, 0.0], [n - k, k]).astype(x.dtype))
        part = where(own, _adjugate(where(own, between, others), k), 0)
        total = part if total is None else total + part
    turn = apply_unary(PRIMITIVES["det"], u) * apply_unary(PRIMITIVES["det"], vh)
    return factor_of(turn) * turned(matmul(matmul(adjoint(vh), total), adjoint(u)))


def _still(x: Any) -> Any:
    """Values as constants: bare ones, so that nothing of them is recorded, where it can be."""
    return raw(x) if type(raw(x)) is np.ndarray else FUNCTIONS["stop_gradient"](x)


def _adjugate(x: Any, k: int) -> Any:
    """det(x) times the inverse, where the last k rows and columns make a block near 0.

    By blocks, S = D - C A^-1 B: Horn and Johnson, "Matrix Analysis" (2013), 0.8.5.
    """
    m = x.shape[-1] - k
    if not m:
        return _near_zero(x)[0]
    a, b, c = x[..., :m, :m], x[..., :m, m:], x[..., m:, :m]
    inverse = apply_unary(PRIMITIVES["inv"], a)
    det = factor_of(apply_unary(PRIMITIVES["det"], a))
    if not k:
        return det * inverse
    right, down = matmul(inverse, b), matmul(c, inverse)
    adjugate, last = _near_zero(x[..., m:, m:] - matmul(c, right))
    top = factor_of(last) * inverse + matmul(matmul(right, adjugate), down)
    upper = concatenate([top, -matmul(right, adjugate)], axis=-1)
    lower = concatenate([-matmul(adjugate, down), adjugate], axis=-1)
    return det * concatenate([upper, lower], axis=-2)


def _near_zero(x: Any) -> tuple[Any, Any]:
    """Adjugate and determinant as polynomials of the entries (Faddeev and LeVerrier).

    Their errors are rounding errors of the largest entry's powers: little only beside 0.
    """
    n = x.shape[-1]
    if n > MOST:
        return 0 * x, 0 * x[..., 0, 0]
    unit = identity(n, x.dtype)
    m, sign = unit + 0 * x, (-1) ** (n - 1)
    for j in range(1, n):
        product = matmul(x, m)
        m = product - factor_of(sum_over(diagonal_of(product), axis=-1) / j) * unit
    return sign * m, sign * sum_over(diagonal_of(matmul(x, m)), axis=-1) / n


def _well_conditioned(x: Any) -> bool:
    try:
        inverse = np.linalg.inv(x)
    except np.linalg.LinAlgError:
        return False
    sizes = [np.abs(m).sum(axis=-1).max(axis=-1, initial=0) for m in (x, inverse)]
    return not (sizes[0] * sizes[1] * np.finfo(x.dtype).eps > 0.1).any()


class Det(Matrices):
    """The determinants of square matrices; see ``ad.linalg.det``."""

    name = "det"
    core = 0
    kernel = staticmethod(lambda x: lapack("det", "", np.linalg.det, x))
    vjp = staticmethod(lambda g, y, x: factor_of(g) * _cofactors(x, y))
    jvp = staticmethod(lambda t, y, x: sum_over(t * _cofactors(x, y), axis=(-2, -1)))
    cases = (*SQUARE, *EMPTY, Case((np.array([[1.0, 2.0], [2.0, 4.0]]),)))
    errors = NOT_SQUARE

    def infer(self, x: Any) -> Aval:
        check_matrices("det", x, square=True)
        return Aval(x.shape[:-2], matrix_dtype("det", x.dtype))


# ---- slogdet


def _slogdet(x: Any) -> Any:
    sign, log = lapack("slogdet", "", np.linalg.slogdet, x)
    return np.stack([sign, log.astype(sign.dtype)], axis=-1)


def _pull_slogdet(g: Any, y: Any, x: Any) -> Any:
    # d log|det x| = Re tr(x^-1 dx), and the sign turns by the imaginary part of the same number.
    slope = real(g[..., 1])
    if x.dtype.kind == "c":
        slope = slope + 1j * imag(g[..., 0] * y[..., 0])
    return factor_of(slope) * turned(apply_unary(PRIMITIVES["inv"], x))


def _push_slogdet(t: Any, y: Any, x: Any) -> Any:
    inverse = apply_unary(PRIMITIVES["inv"], x)
    change = sum_over(t * turned(inverse), axis=(-2, -1))
    change = reshape(change, (*change.shape, 1))
    turn = 1j * imag(change) * y[..., :1] if x.dtype.kind == "c" else 0 * change
    return concatenate([turn, real(change).astype(y.dtype)], axis=-1)


class Slogdet(Matrices):
    """Signs and logarithms of the sizes of determinants, along a new last axis."""

    name = "slogdet"
    core = 1
    inside = 1.0  # logarithms of pivots near 1
    kernel = staticmethod(_slogdet)
    vjp = staticmethod(_pull_slogdet)
    jvp = staticmethod(_push_slogdet)
    cases = SQUARE + EMPTY
    errors = NOT_SQUARE

    def infer(self, x: Any) -> Aval:
        check_matrices("slogdet", x, square=True)
        return Aval((*x.shape[:-2], 2), matrix_dtype("slogdet", x.dtype))

    def presence(self, i: int, mask: Any, node: Node) -> Any:
        if mask is not None and node.dtype.kind != "c":
            mask = mask[..., 1:]  # a real sign stays as it is
        return super().presence(i, mask, node)
