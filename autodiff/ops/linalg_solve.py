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
from autodiff.ops.comparison import isinf
from autodiff.ops.complex import imag, real
from autodiff.ops.contraction import matmul
from autodiff.ops.joining import concatenate
from autodiff.ops.linalg_base import (
    EMPTY,
    NOT_SQUARE,
    SQUARE,
    Matrices,
    Shifted,
    check_matrices,
    lapack,
    matrix_dtype,
    turned,
)
from autodiff.ops.linalg_spectral import SVD
from autodiff.ops.movement import reshape
from autodiff.ops.reduction import max as max_over
from autodiff.ops.reduction import min as min_over
from autodiff.ops.reduction import sum as sum_over
from autodiff.ops.selection import where
from autodiff.primitive import Case, In, Primitive
from autodiff.registry import FUNCTIONS, PRIMITIVES
from autodiff.tensor import apply_binary, apply_unary, whole


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
    """det(x) times the transposed inverse, also where there is no inverse."""
    if _well_conditioned(whole(x)):
        return factor_of(y) * turned(apply_unary(PRIMITIVES["inv"], x))
    # Cofactors are polynomials, of degree n - 1 along any line x + z b: their mean over n points
    # on a circle around z = 0 is their value in the middle. With b of the same singular vectors as
    # x, the matrices on the circle have the singular values |s + z| and inverses.
    n = x.shape[-1]
    u, s, vh = SVD.split(apply_unary(PRIMITIVES["svd"], FUNCTIONS["stop_gradient"](x)), n, n)
    limit = n * np.finfo(s.dtype).eps * max_over(s, axis=-1, keepdims=True)
    least = min_over(where(s > limit, s, np.inf), axis=-1)
    radius = factor_of(where(isinf(least), 1, 0.5 * least))
    line, total = matmul(u, vh), None
    for k in range(n):
        point = x + (radius * np.exp(2j * np.pi * (k + 0.25) / n)).astype(_complex(x)) * line
        inverse = turned(apply_unary(PRIMITIVES["inv"], point))
        term = factor_of(apply_unary(PRIMITIVES["det"], point)) * inverse
        total = term if total is None else total + term
    mean = total / n
    return mean if x.dtype.kind == "c" else real(mean)


def _complex(x: Any) -> np.dtype[Any]:
    return np.result_type(x.dtype, np.complex64)


def _well_conditioned(x: Any) -> bool:
    try:
        inverse = np.linalg.inv(x)
    except np.linalg.LinAlgError:
        return False
    sizes = [np.abs(m).sum(axis=-1).max(axis=-1, initial=0) for m in (x, inverse)]
    # A NaN stays one on this way, where the singular values would not converge.
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
