r"""The columns that complete a basis: of ``qr`` in mode "complete", of ``svd`` with full matrices.

Any rotation of them serves as well. As x moves, they move with their space and do not turn within
it: :math:`Q_2^H dQ_2 = 0`. So the derivative of what depends on their space alone is right.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from autodiff.errors import LinAlgError
from autodiff.node import Aval
from autodiff.ops.contraction import matmul
from autodiff.ops.linalg_base import (
    Matrices,
    adjoint,
    check_matrices,
    identity,
    lapack,
    matrix_dtype,
)
from autodiff.primitive import Case, In
from autodiff.registry import PRIMITIVES
from autodiff.tensor import apply, apply_unary


def _complement(x: Any, *, of: str) -> Any:
    if x.ndim > 1 and x.shape[-2] < x.shape[-1]:
        raise LinAlgError("complement: expected matrices that are not wide")
    if of == "qr":
        return lapack("qr", "", np.linalg.qr, x, mode="complete")[0][..., x.shape[-1] :]
    return lapack("svd", "", np.linalg.svd, x)[0][..., x.shape[-1] :]


class Complement(Matrices):
    """Orthonormal columns that complete those of a matrix, as a decomposition has them.

    Without a derivative: ``completed`` gives them theirs.

    >>> import autodiff as ad
    >>> q, _ = ad.linalg.qr(ad.tensor([[3.0], [4.0]]), "complete")
    >>> ad.abs(q[:, 1])
    Tensor([0.8, 0.6])
    """

    name = "complement"
    differentiable = False
    kernel = staticmethod(_complement)
    vjp = (None,)
    jvp = (None,)
    cases = (
        Case((In((3, 1)),), {"of": "qr"}),
        Case((In((2, 4, 2)),), {"of": "svd"}),
        Case((In((2, 2)),), {"of": "qr"}),
        Case((In((3, 0)),), {"of": "svd"}),
    )
    errors = ((Case((In((2, 3)),), {"of": "qr"}), LinAlgError, "not wide, got float64[2, 3]"),)

    def infer(self, x: Any, *, of: str) -> Aval:
        check_matrices("complement", x)
        m, n = x.shape[-2:]
        if m < n:
            raise LinAlgError(f"complement: expected matrices that are not wide, got {x!r}")
        return Aval((*x.shape[:-2], m, m - n), matrix_dtype("complement", x.dtype))


def completed(q: Any, x: Any, of: str) -> Any:
    r"""The further columns for orthonormal ``q``, which span those of ``x``.

    .. math:: Q_2 = (C - q E) L^{-H}, \qquad E = q^H C, \quad 1 - E^H E = L L^H

    with C, the columns at this x, held fixed: E is 0 there, and all derivatives are exact.
    """
    fixed = apply(PRIMITIVES["complement"], x, of=of)
    inside = matmul(adjoint(q), fixed)
    outside = fixed - matmul(q, inside)
    rest = identity(fixed.shape[-1], fixed.dtype) - matmul(adjoint(inside), inside)
    lower = apply_unary(PRIMITIVES["cholesky"], rest)
    return adjoint(apply(PRIMITIVES["solve"], lower, adjoint(outside)))
