"""Cholesky and QR factorizations: the primitives; what is public stands in ``linalg``."""

from __future__ import annotations

from typing import Any

import numpy as np

from autodiff.errors import LinAlgError
from autodiff.node import Aval, Node
from autodiff.ops.complex import conj, real
from autodiff.ops.contraction import matmul
from autodiff.ops.linalg_base import (
    Decomposition,
    Matrices,
    Shifted,
    adjoint,
    check_matrices,
    hermitian,
    lapack,
    matrix_dtype,
    packed,
    parts,
    symmetrized,
    turned,
)
from autodiff.ops.selection import where
from autodiff.primitive import Case, In
from autodiff.registry import PRIMITIVES
from autodiff.tensor import apply_binary


def _solve(a: Any, b: Any) -> Any:
    return apply_binary(PRIMITIVES["solve"], a, b)


def below(x: Any, strict: bool = False) -> Any:
    """The lower triangles of square matrices; ``strict``: without the diagonal."""
    n = x.shape[-1]
    return where(np.tri(n, n, -1 if strict else 0, dtype=bool), x, 0)


def _half(x: Any) -> Any:
    """The lower triangle with half of its diagonal."""
    n = x.shape[-1]
    return x * (np.tri(n, n, -1) + 0.5 * np.eye(n)).astype(x.dtype)


# ---- Cholesky


def _cholesky(x: Any) -> Any:
    trouble = "the matrix is not positive definite"
    return lapack("cholesky", trouble, np.linalg.cholesky, symmetrized(x))


def _pull_cholesky(g: Any, y: Any) -> Any:
    upper = adjoint(y)
    middle = _half(matmul(upper, conj(g)))
    outer = _solve(upper, adjoint(_solve(upper, adjoint(middle))))
    return conj(hermitian(outer))


def _push_cholesky(t: Any, y: Any) -> Any:
    middle = _solve(y, adjoint(_solve(y, hermitian(t))))
    return matmul(y, _half(middle))


class Cholesky(Matrices):
    """The lower Cholesky factor of the Hermitian part; see ``ad.linalg.cholesky``.

    Reverse rule: Murray, "Differentiation of the Cholesky decomposition" (2016), eq. 8.
    """

    name = "cholesky"
    kernel = staticmethod(_cholesky)
    vjp = staticmethod(_pull_cholesky)
    jvp = staticmethod(_push_cholesky)
    cases = (
        Case((Shifted((3, 3), -1.0, 1.0),)),
        Case((Shifted((2, 2, 2), -1.0, 1.0),)),
        Case((In((0, 0)),)),
        Case((In((0, 2, 2)),)),
    )
    errors = (
        (Case((In((2, 3)),)), LinAlgError, "expected square matrices"),
        (Case((In((2,)),)), LinAlgError, "expected matrices"),
        (Case((-np.eye(2),)), LinAlgError, "not positive definite (float64[2, 2])"),
    )

    def infer(self, x: Any) -> Aval:
        check_matrices("cholesky", x, square=True)
        return Aval(x.shape, matrix_dtype("cholesky", x.dtype))

    def presence(self, i: int, mask: Any, node: Node) -> Any:
        # Entry (i, j) of the factor, i >= j, reads the entries (k, l) with k <= i and l <= j.
        if mask is None:
            return None
        lower = np.tril(mask)
        for axis in (-2, -1):
            lower = np.flip(np.logical_or.accumulate(np.flip(lower, axis), axis), axis)
        return np.tril(lower) | np.tril(lower).swapaxes(-1, -2)


# ---- QR


def _qr(x: Any) -> Any:
    if x.ndim > 1 and x.shape[-2] < x.shape[-1]:
        raise LinAlgError("qr: expected matrices that are not wide")
    q, r = lapack("qr", "", np.linalg.qr, x)
    return packed((q, r), (2, 2))


def _symmetric(x: Any) -> Any:
    """The Hermitian matrix with this upper triangle, of which the diagonal's real part counts."""
    strict = where(np.tri(x.shape[-1], dtype=bool), 0, x)
    return strict + adjoint(strict) + real(x) * np.eye(x.shape[-1], dtype=x.dtype)


def _pull_qr(g: Any, y: Any, x_aval: Any) -> Any:
    q, r = parts(y, *QR.pieces(*x_aval.shape[-2:]))
    gq, gr = parts(conj(g), *QR.pieces(*x_aval.shape[-2:]))
    middle = matmul(gr, adjoint(r)) - matmul(adjoint(q), gq)
    pulled = gq + matmul(q, _symmetric(middle))
    return conj(adjoint(_solve(r, adjoint(pulled))))


def _push_qr(t: Any, y: Any, x_aval: Any) -> Any:
    q, r = parts(y, *QR.pieces(*x_aval.shape[-2:]))
    scaled = turned(_solve(turned(r), turned(t)))
    middle = matmul(adjoint(q), scaled)
    strict = below(middle, strict=True)
    turn = strict - adjoint(strict)
    diagonal = (middle - real(middle)) * np.eye(middle.shape[-1], dtype=middle.dtype)
    triangle = middle - turn - diagonal
    return packed((scaled - matmul(q, triangle), matmul(triangle, r)), (2, 2))


class QR(Decomposition):
    """The reduced QR factors of matrices of full rank that are not wide, packed.

    R has a real diagonal, as LAPACK makes it. See ``ad.linalg.qr``.

    Rules: Walter, Lehmann, Lamour, "On evaluating higher-order derivatives of the QR decomposition
    of tall matrices with full column rank in forward and reverse mode algorithmic differentiation"
    (2012).
    """

    name = "qr"
    square = False
    signs = ((1, 0, -2), (0, 0, -2))  # a row of R has that of the column of Q
    kernel = staticmethod(_qr)
    vjp = staticmethod(_pull_qr)
    jvp = staticmethod(_push_qr)
    cases = (
        Case((Shifted((3, 3), -1.0, 1.0),)),
        Case((Shifted((2, 3, 2), -1.0, 1.0),)),
        Case((In((2, 0)),)),
        Case((In((0, 3, 2)),)),
    )
    errors = (
        (Case((In((2, 3)),)), LinAlgError, "not wide"),
        (Case((In((2,)),)), LinAlgError, "expected matrices"),
    )

    def infer(self, x: Any) -> Aval:
        aval = super().infer(x)
        if x.shape[-2] < x.shape[-1]:
            raise LinAlgError(f"qr: expected matrices that are not wide, got {x!r}")
        return aval

    @staticmethod
    def pieces(m: int, n: int) -> tuple[tuple[int, ...], ...]:
        """Q and R."""
        return (m, n), (n, n)

    def presence(self, i: int, mask: Any, node: Node) -> Any:
        """Columns of Q read those of x up to their own; R[i, j] reads those up to i, and j."""
        if mask is None:
            return None
        shape = node.inputs[0].shape
        m, n = shape[-2:]
        q = mask[..., : m * n].reshape(*mask.shape[:-1], m, n).any(axis=-2)
        r = np.triu(mask[..., m * n :].reshape(*mask.shape[:-1], n, n))
        latest = q | r.any(axis=-1)
        reached = np.flip(np.logical_or.accumulate(np.flip(latest, -1), -1), -1) | r.any(axis=-2)
        return np.broadcast_to(reached[..., None, :], shape)
