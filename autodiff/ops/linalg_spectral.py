"""Spectral decompositions: the primitives; what is public stands in ``linalg``.

The derivative of an eigenvector divides by the distances of its eigenvalue to the others. Where two
coincide, vectors are not determined: only results that do not depend on the choice among them have
a gradient. Of these, a rule can do right by what depends on the values alone, and by what depends
on the space that the vectors span; it says so (GradientError) where another one is asked for. Of a
complex vector the phase is not determined either. Forward mode, which does not know what its
tangents are for, has NaN as the tangent of a vector that the direction turns out of what nothing
determines, and takes phases as they come out of the formula.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from autodiff.node import Aval
from autodiff.ops.comparison import equal, less_equal, logical_and
from autodiff.ops.complex import conj, imag, real
from autodiff.ops.contraction import matmul
from autodiff.ops.discrete import argmax
from autodiff.ops.elementwise import abs as absolute
from autodiff.ops.linalg_base import (
    EMPTY,
    NOT_SQUARE,
    SQUARE,
    Decomposition,
    Shifted,
    adjoint,
    columns,
    diagonal_of,
    hermitian,
    inverse_gaps,
    lapack,
    packed,
    parts,
    refuse,
    rows,
    symmetrized,
)
from autodiff.ops.reduction import max as max_over
from autodiff.ops.reduction import sum as sum_over
from autodiff.ops.selection import where
from autodiff.primitive import Case, In
from autodiff.registry import PRIMITIVES
from autodiff.tensor import apply_binary, whole

CHOICE = (
    "values coincide (to rounding), and the result depends on which vectors were chosen in their "
    "common space, which nothing determines: it has no gradient"
)
BOTH = (
    "values coincide (to rounding), and the result depends on them and on their vectors: its "
    "gradient is not determined by one decomposition. A function of the values alone, or of the "
    "space of the vectors alone, has one; functions of the matrix such as expm, inv and "
    "matrix_power do without a decomposition"
)
PHASE = (
    "the result depends on the phases of complex vectors, which nothing determines: it has no "
    "gradient. Use what does not change when a vector is multiplied by e^(it), such as v v^H"
)


def _loose(x: Any) -> Any:
    """What a cotangent that must vanish may have of rounding errors, for each matrix."""
    size = absolute(x)
    if 0 in x.shape[-2:]:
        return np.zeros((1, 1), size.dtype)
    return float(np.sqrt(np.finfo(size.dtype).eps)) * _extent(size)


def _extent(x: Any) -> Any:
    return max_over(absolute(x), axis=(-2, -1), keepdims=True)


def _lost(middle: Any, close: Any) -> Any:
    """Where a direction mixes vectors of coinciding values."""
    off = logical_and(close, ~np.eye(close.shape[-1], dtype=bool))
    return logical_and(off, absolute(middle) > _loose(middle))


def _without(lost: Any, x: Any) -> Any:
    return where(lost, np.nan, x) if np.any(whole(lost)) else x


def _refuse_choice(name: str, middle: Any, skew: Any, moved: Any, close: Any) -> None:
    """Errors for cotangents of coinciding vectors; see the head of this file."""
    off = logical_and(close, ~np.eye(close.shape[-1], dtype=bool))
    if not np.any(whole(off)):
        return
    limit = _loose(middle)
    refuse(name, logical_and(off, absolute(skew) > limit), CHOICE)
    touched = logical_and(off, absolute(middle) > limit)
    weight = absolute(moved)
    refuse(name, logical_and(touched, columns(weight) + rows(weight) > 0), BOTH)


# ---- eigh


def _eigh(x: Any) -> Any:
    w, v = lapack("eigh", "no convergence", np.linalg.eigh, symmetrized(x))
    return packed((w.astype(v.dtype), v), (1, 2))


def _pull_eigh(g: Any, y: Any, x_aval: Any) -> Any:
    w, v = Eigh.split(y, x_aval.shape[-1])
    gw, gv = Eigh.split(conj(g), x_aval.shape[-1])
    middle = matmul(adjoint(v), gv)
    inverse, close = inverse_gaps(w)
    _refuse_choice("eigh", middle, middle - adjoint(middle), gw, close)
    if middle.dtype.kind == "c":
        refuse("eigh", absolute(imag(diagonal_of(middle))) > _loose(middle)[..., 0], PHASE)
    n = x_aval.shape[-1]
    core = middle * inverse + columns(gw) * np.eye(n, dtype=v.dtype)
    return conj(hermitian(matmul(matmul(v, core), adjoint(v))))


def _push_eigh(t: Any, y: Any, x_aval: Any) -> Any:
    w, v = Eigh.split(y, x_aval.shape[-1])
    middle = matmul(matmul(adjoint(v), hermitian(t)), v)
    inverse, close = inverse_gaps(w)
    turned_by = matmul(v, _without(_lost(middle, close), middle * inverse))
    return packed((real(diagonal_of(middle)).astype(v.dtype), turned_by), (1, 2))


class Eigh(Decomposition):
    """Eigenvalues and eigenvectors of Hermitian matrices, packed; see ``ad.linalg.eigh``.

    Rules: Giles (2008), 3.1; of complex ones Boeddeker et al., "On the computation of
    complex-valued gradients with application to statistically optimum beamforming" (2017).
    """

    name = "eigh"
    signs = ((1, 1, -2),)
    kernel = staticmethod(_eigh)
    vjp = staticmethod(_pull_eigh)
    jvp = staticmethod(_push_eigh)
    cases = SQUARE + EMPTY
    errors = NOT_SQUARE

    @staticmethod
    def pieces(m: int, n: int) -> tuple[tuple[int, ...], ...]:
        """Values and vectors."""
        return (n,), (m, n)

    @staticmethod
    def split(y: Any, n: int) -> tuple[Any, Any]:
        """Values and vectors of the packed array."""
        w, v = parts(y, *Eigh.pieces(n, n))
        return real(w), v


# ---- svd


def _svd(x: Any) -> Any:
    u, s, vh = lapack("svd", "no convergence", np.linalg.svd, x, full_matrices=False)
    return packed((u, s.astype(u.dtype), vh), (2, 1, 2))


def _reciprocals(s: Any) -> tuple[Any, Any]:
    """1 / s, and 1 / (s_i + s_j) at (i, j): 0 where s, or the sum, is 0 to rounding."""
    limit = s.shape[-1] * np.finfo(s.dtype).eps * max_over(s, axis=-1, keepdims=True)
    zero = less_equal(s, limit)
    sums = columns(s) + rows(s)
    none = less_equal(sums, rows(limit))
    return where(zero, 0, 1 / where(zero, 1, s)), where(none, 0, 1 / where(none, 1, sums))


ZERO = (
    "a singular value is 0 (to rounding), and the result depends on its vectors, which nothing "
    "determines: it has no gradient"
)


def _pull_svd(g: Any, y: Any, x_aval: Any) -> Any:
    m, n = x_aval.shape[-2:]
    if 0 in (m, n):
        return np.zeros(x_aval.shape, g.dtype)
    u, s, vh = SVD.split(y, m, n)
    gu, gs, gvh = SVD.split(conj(g), m, n)
    v, gv = adjoint(vh), adjoint(gvh)
    left, right = matmul(adjoint(u), gu), matmul(adjoint(v), gv)
    # A turn of both sides together divides by differences of values, one against the other by sums.
    skew_left, skew_right = left - adjoint(left), right - adjoint(right)
    inverse, close = inverse_gaps(s)
    both = skew_left + skew_right
    # A cotangent that lies outside the space of u leaves its rounding errors within.
    size = absolute(left) + absolute(right) + (_extent(gu) + _extent(gv))
    _refuse_choice("svd", size, both, gs, close)
    reciprocal, sums = _reciprocals(s)
    apart = skew_left - skew_right
    refuse("svd", logical_and(equal(sums, 0), absolute(apart) > _loose(size)), ZERO)
    if u.dtype.kind == "c":
        limit = _loose(size)[..., 0]
        refuse("svd", absolute(diagonal_of(both)) > limit, PHASE)
    core = 0.5 * (both * inverse + apart * sums)
    core = core + columns(gs) * np.eye(s.shape[-1], dtype=u.dtype)
    pulled = matmul(matmul(u, core), vh)
    zero = equal(reciprocal, 0)
    if m > n:
        outside = gu - matmul(u, left)
        refuse("svd", logical_and(columns(zero), absolute(outside) > _loose(gu)), ZERO)
        pulled = pulled + matmul(outside * columns(reciprocal), vh)
    if n > m:
        outside = gv - matmul(v, right)
        refuse("svd", logical_and(columns(zero), absolute(outside) > _loose(gv)), ZERO)
        pulled = pulled + matmul(u, adjoint(outside * columns(reciprocal)))
    return conj(pulled)


def _push_svd(t: Any, y: Any, x_aval: Any) -> Any:
    m, n = x_aval.shape[-2:]
    if 0 in (m, n):
        return np.zeros(y.shape, y.dtype)
    u, s, vh = SVD.split(y, m, n)
    v = adjoint(vh)
    core = matmul(matmul(adjoint(u), t), v)
    inverse, close = inverse_gaps(s)
    reciprocal, sums = _reciprocals(s)
    both = _without(_lost(core, close), hermitian(core) * inverse)
    apart = 0.5 * (core - adjoint(core))
    apart = _without(logical_and(sums == 0, absolute(apart) > _loose(core)), apart * sums)
    turn_left, turn_right = both + apart, both - apart
    tu, tv = matmul(u, turn_left), matmul(v, turn_right)
    if m > n:
        tu = tu + _outside(matmul(t, v) - matmul(u, core), t, reciprocal)
    if n > m:
        tv = tv + _outside(matmul(adjoint(t), u) - matmul(v, adjoint(core)), t, reciprocal)
    ts = real(diagonal_of(core)).astype(u.dtype)
    return packed((tu, ts, adjoint(tv)), (2, 1, 2))


def _outside(moved: Any, t: Any, reciprocal: Any) -> Any:
    lost = logical_and(columns(reciprocal) == 0, absolute(moved) > _loose(t))
    return _without(lost, moved * columns(reciprocal))


class SVD(Decomposition):
    """The reduced singular value decomposition of matrices, packed; see ``ad.linalg.svd``.

    Rules: Townsend, "Differentiating the singular value decomposition" (2016); Giles (2008), 3.2;
    of complex ones Wan and Zhang, "Automatic differentiation for complex valued SVD" (2019).
    """

    name = "svd"
    square = False
    signs = ((2, 0, -2), (0, 0, -2))  # of both sides together: alone it is that of a value
    kernel = staticmethod(_svd)
    vjp = staticmethod(_pull_svd)
    jvp = staticmethod(_push_svd)
    cases = (
        *SQUARE,
        Case((Shifted((3, 2), -1.0, 1.0),)),
        Case((Shifted((2, 2, 3), -1.0, 1.0),)),
        Case((In((2, 0)),)),
        Case((In((0, 2, 3)),)),
    )
    errors = (NOT_SQUARE[1],)

    @staticmethod
    def pieces(m: int, n: int) -> tuple[tuple[int, ...], ...]:
        """Left vectors, values and right vectors."""
        k = min(m, n)
        return (m, k), (k,), (k, n)

    @staticmethod
    def split(y: Any, m: int, n: int) -> tuple[Any, Any, Any]:
        """Left vectors, values and right vectors of the packed array."""
        u, s, vh = parts(y, *SVD.pieces(m, n))
        return u, real(s), vh


# ---- eig


def _eig(x: Any) -> Any:
    w, v = lapack("eig", "no convergence", np.linalg.eig, x)
    dtype = np.result_type(v.dtype, np.complex64)
    return packed((w.astype(dtype), v.astype(dtype)), (1, 2))


def _largest(v: Any) -> Any:
    """Where the largest entry of each column is: LAPACK makes it real."""
    if 0 in v.shape:
        return np.zeros(v.shape, bool)
    return equal(np.arange(v.shape[-2])[:, None], columns(argmax(absolute(v), axis=-2)))


def _pull_eig(g: Any, y: Any, x_aval: Any) -> Any:
    n = x_aval.shape[-1]
    w, v = parts(y, *Eig.pieces(n, n))
    gw, gv = parts(conj(g), *Eig.pieces(n, n))
    fixed = _largest(v)
    share = sum_over(conj(gv) * v, axis=-2)
    gv = gv - v * columns(real(share))
    gv = gv + where(fixed, 1j * columns(imag(share)) / where(fixed, v, 1), 0)
    middle = matmul(adjoint(v), gv)
    inverse, close = inverse_gaps(w)
    off = logical_and(close, ~np.eye(n, dtype=bool))
    refuse("eig", logical_and(off, absolute(middle) > _loose(middle)), CHOICE)
    core = middle * conj(inverse) + columns(gw) * np.eye(n, dtype=v.dtype)
    h = adjoint(v)
    return conj(apply_binary(PRIMITIVES["solve"], h, matmul(core, h)))


def _push_eig(t: Any, y: Any, x_aval: Any) -> Any:
    n = x_aval.shape[-1]
    w, v = parts(y, *Eig.pieces(n, n))
    middle = apply_binary(PRIMITIVES["solve"], v, matmul(t, v))
    inverse, close = inverse_gaps(w)
    moved = matmul(v, _without(_lost(middle, close), middle * inverse))
    # The length stays 1, and the largest entry real.
    fixed = _largest(v)
    turn = sum_over(where(fixed, imag(moved) / real(where(fixed, v, 1)), 0), axis=-2)
    back = real(sum_over(conj(v) * moved, axis=-2)) + 1j * turn
    return packed((diagonal_of(middle), moved - v * columns(back)), (1, 2))


class Eig(Decomposition):
    """Eigenvalues and eigenvectors of square matrices, complex and packed; see ``ad.linalg.eig``.

    Rules: Giles (2008), 3.1, with vectors scaled as LAPACK scales them: of length 1, the largest
    entry real.
    """

    name = "eig"
    signs = ((1, 1, -2),)
    kernel = staticmethod(_eig)
    vjp = staticmethod(_pull_eig)
    jvp = staticmethod(_push_eig)
    cases = (
        *SQUARE,
        Case((np.array([[1.0, 2.0, 0.5], [-2.0, 1.5, 0.3], [0.2, 0.1, 4.0]]),)),
        *EMPTY,
    )
    errors = NOT_SQUARE

    def infer(self, x: Any) -> Aval:
        aval = super().infer(x)
        return Aval(aval.shape, np.result_type(aval.dtype, np.complex64))

    @staticmethod
    def pieces(m: int, n: int) -> tuple[tuple[int, ...], ...]:
        """Values and vectors."""
        return (n,), (m, n)
