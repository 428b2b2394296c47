r"""Pseudo-inverses of matrices of any rank and with any cut: the primitive and its rules.

Of x = :math:`x_k + R`, singular values that are kept and those that the tolerance drops, y is the
pseudo-inverse of :math:`x_k`. Let t be the change of x, V = :math:`y y^H`, M = :math:`R^H R`, and
S(c) the solution z of Stein's equation z - V z M = c. Then

.. math:: dy = -y\, t\, y + S(c_1)^H y + c_2^H + S(V c_2^H R)\, R^H

    c_1 = y\, t\, (1 - y x) + V t^H R, \qquad c_2 = (1 - x y)\, t\, V + R\, t^H y^H V

In the basis of the singular vectors, S divides by :math:`1 - s_j^2 / s_i^2`, i kept and j dropped;
with R = 0 this is the formula of Golub and Pereyra (1973). It is the derivative with a fixed number
of values kept. Vectors do not enter: values that coincide are no trouble, and the derivative of the
rule is that of products and solutions. Of full rank R is 0, and no decomposition is made.

Source: divided differences of the function 1/s of singular values, 0 where dropped, as in Noferini,
"A formula for the Fréchet derivative of a generalized matrix function" (2017).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from autodiff.errors import GradientError, LinAlgError, ShapeError
from autodiff.families import Function, align_ranks, broadcast_shapes
from autodiff.node import Aval, Node
from autodiff.ops.complex import conj
from autodiff.ops.contraction import matmul
from autodiff.ops.linalg_base import (
    Matrices,
    Shifted,
    adjoint,
    check_matrices,
    lapack,
    matrix_dtype,
    turned,
)
from autodiff.primitive import Case, In, Primitive
from autodiff.registry import PRIMITIVES
from autodiff.tensor import apply, whole

CUT = (
    "pinv_dropped: rtol cuts between singular values that coincide (to rounding): pinv jumps there "
    "and has no gradient; choose an rtol that keeps both or neither"
)
FULL = tuple(
    Case((operand,), {"rtol": 1e-6})
    for operand in (
        Shifted((3, 3), -1.0, 1.0),
        Shifted((2, 4, 2), -1.0, 1.0),
        Shifted((2, 3), -1.0, 1.0),
        In((0, 2)),
    )
)
TRUNCATED = (
    Case((Shifted((3, 3), -1.0, 1.0),), {"rtol": 0.6}),
    Case((Shifted((2, 4, 3), -1.0, 1.0),), {"rtol": 0.6}),
    Case((np.array([[1.0, 2.0, 0.5], [2.0, 4.0, 1.0]]),), {"rtol": 0.1}),
)
HALF = float(np.nextafter(0.5, 1.0))


# ---- Stein's equation


def _stein(a: Any, b: Any, c: Any) -> Any:
    if not (a.ndim > 1 < b.ndim and c.ndim > 1) or c.shape[-2:] != (a.shape[-1], b.shape[-1]):
        raise ShapeError("stein: the shapes do not fit")
    dtype = matrix_dtype("stein", a.dtype, b.dtype, c.dtype)
    a, b, y = (x.astype(dtype, copy=False) for x in (a, b, c))
    # The terms that are left out are its square; their derivatives by a are larger, by 1 / |a|.
    limit = 0.5 * np.finfo(dtype).eps
    for _ in range(64):
        # Powers of a overflow where those of b underflow: the one takes the size of the other.
        size = _size(a)
        a, b = a / np.where(size > 0, size, 1), b * size
        y, size = y + a @ y @ b, _size(b)
        if not (size > limit).any():  # a NaN has reached y
            return y
        if (size > 1 / limit).any():
            break
        a, b = a @ a, b @ b
    raise LinAlgError("stein: no convergence: a product of eigenvalues of a and b is not below 1")


def _size(x: Any) -> Any:
    """Bounds of the norms of square ndarrays, as factors of them; squares would overflow."""
    return x.shape[-1] * np.abs(x).max(axis=(-2, -1), keepdims=True, initial=0)


def _by_kronecker(a: Any, b: Any, c: Any) -> Any:
    m, n = c.shape[-2:]
    product = np.einsum("...ij,...lk->...ikjl", a, b)
    product = product.reshape(*product.shape[:-4], m * n, m * n)
    y = np.linalg.solve(np.eye(m * n) - product, c.reshape(*c.shape[:-2], m * n, 1))
    return y.reshape(*y.shape[:-2], m, n)


def stein(a: Any, b: Any, c: Any) -> Any:
    """The z of z - a z b = c."""
    return apply(PRIMITIVES["stein"], a, b, c)


def _pull_stein(g: Any, a: Any, b: Any) -> Any:
    return stein(turned(a), turned(b), g)


class Stein(Primitive):
    r"""The solution of Stein's equation, y - a y b = c.

    .. math:: y = \sum_k a^k c\, b^k

    ``a`` (..., m, m), ``b`` (..., n, n), ``c`` (..., m, n); products of eigenvalues of a and b are
    below 1. The number of terms doubles with each step. Raises LinAlgError where the sum does not
    converge, ShapeError where shapes do not fit.

    Source: Smith, "Matrix equation XA + BX = C" (1968).

    >>> import autodiff as ad
    >>> round(float(stein(np.array([[0.5]]), np.array([[0.5]]), np.array([[3.0]]))[0, 0]), 12)
    4.0
    """

    name = "stein"
    arguments = ("a", "b", "c")
    normwise = (2, 2, 2)
    broadcasts = True
    kernel = staticmethod(_stein)
    reference = staticmethod(_by_kronecker)
    vjp = (
        lambda g, y, a, b: matmul(_pull_stein(g, a, b), turned(matmul(y, b))),
        lambda g, y, a, b: matmul(turned(matmul(a, y)), _pull_stein(g, a, b)),
        _pull_stein,
    )
    jvp = (
        lambda t, y, a, b: stein(a, b, matmul(matmul(t, y), b)),
        lambda t, y, a, b: stein(a, b, matmul(matmul(a, y), t)),
        lambda t, a, b: stein(a, b, t),
    )
    cases = (
        Case((In((3, 3), -0.3, 0.3), In((2, 2), -0.3, 0.3), In((3, 2)))),
        Case((In((2, 2, 2), -0.4, 0.4), In((2, 2), -0.4, 0.4), In((2, 2, 2)))),
        Case((In((2, 2), -0.4, 0.4), In((1, 1), -0.4, 0.4), In((3, 2, 1)))),
        Case((np.zeros((2, 2)), In((1, 1), -0.4, 0.4), In((2, 1)))),
        Case((In((0, 0)), In((2, 2)), In((0, 2)))),
    )
    errors = (
        (Case((In((2, 3)), In((2, 2)), In((2, 2)))), LinAlgError, "expected square matrices"),
        (Case((In((2, 2)), In((3, 3)), In((2, 2)))), ShapeError, "of shape (..., 2, 3)"),
        (Case((np.eye(2), np.eye(1), In((2, 1)))), LinAlgError, "no convergence: a product"),
    )

    def infer(self, a: Any, b: Any, c: Any) -> Aval:
        for x in (a, b):
            check_matrices("stein", x, square=True)
        check_matrices("stein", c)
        if c.shape[-2:] != (a.shape[-1], b.shape[-1]):
            raise ShapeError(
                f"stein: with {a!r} and {b!r} the right side holds matrices of shape "
                f"(..., {a.shape[-1]}, {b.shape[-1]}), got {c!r}"
            )
        outer = [Aval(x.shape[:-2], x.dtype, x.name) for x in (a, b, c)]
        shape = (*broadcast_shapes("stein", outer), *c.shape[-2:])
        return Aval(shape, matrix_dtype("stein", a.dtype, b.dtype, c.dtype))

    def batch(self, mapped: tuple[bool, ...], *operands: Any) -> Any:
        return apply(self, *align_ranks(mapped, operands))

    def presence(self, i: int, mask: Any, node: Node) -> Any:
        if mask is None:
            return None
        some = mask.any(axis=(-2, -1), keepdims=True)
        return np.broadcast_to(some, (*mask.shape[:-2], *node.inputs[i].shape[-2:]))


# ---- pinv


def _pinv(x: Any, *, rtol: Any) -> Any:
    # NumPy asks nothing of the dtype where there is nothing to do.
    dtype = matrix_dtype("pinv", x.dtype)
    y = lapack("pinv", "no convergence", np.linalg.pinv, x, rtol=rtol)
    return y.astype(dtype, copy=False)


def _full_rank(x: Any, y: Any) -> bool:
    """Whether no value is dropped: the trace of x y, a projector, is the number of those kept."""
    kept = np.einsum("...ij,...ji->...", x, y)
    return bool((np.abs(kept - min(x.shape[-2:])) < 0.01).all())


def _rest(x: Any, y: Any, rtol: Any) -> Any:
    """R, or None where all values are kept."""
    full = _full_rank(whole(x), whole(y))
    return None if full else apply(PRIMITIVES["pinv_dropped"], x, rtol=rtol)


def _by_tall(rule: Function, v: Any, y: Any, x: Any, rtol: Any) -> Any:
    """A rule of tall matrices; the pseudo-inverse of the transposed is the transposed one."""
    rest = _rest(x, y, rtol)
    if x.shape[-2] >= x.shape[-1]:
        return rule(v, y, x, rest)
    rest = None if rest is None else turned(rest)
    return turned(rule(turned(v), turned(y), turned(x), rest))


def _pull_tall(g: Any, y: Any, x: Any, rest: Any) -> Any:
    h, back = adjoint(y), turned(g)  # back: the adjoint of the gradient conj(g)
    pulled = -matmul(matmul(h, conj(g)), h)
    if rest is None:
        if x.shape[-2] == x.shape[-1]:
            return conj(pulled)
        return conj(pulled + matmul(_outside(back, y, x), matmul(y, h)))
    v, small = matmul(y, h), matmul(adjoint(rest), rest)
    first = stein(v, small, matmul(y, back))
    second = stein(v, small, matmul(conj(g), rest))
    moved = back + matmul(matmul(rest, adjoint(second)), v)
    # The parts of c_1 and of c_2, each of t and of its adjoint.
    pulled = pulled + matmul(h, first - matmul(matmul(first, y), x))
    pulled = pulled + matmul(matmul(rest, adjoint(first)), v)
    pulled = pulled + matmul(_outside(moved, y, x), v)
    return conj(pulled + matmul(h, matmul(v, matmul(adjoint(moved), rest))))


def _outside(z: Any, y: Any, x: Any) -> Any:
    """(1 - x y) z, without a matrix of the longer side."""
    return z - matmul(x, matmul(y, z))


def _push_tall(t: Any, y: Any, x: Any, rest: Any) -> Any:
    yt = matmul(y, t)
    pushed = -matmul(yt, y)
    if rest is None and x.shape[-2] == x.shape[-1]:
        return pushed
    h = adjoint(y)
    v = matmul(y, h)
    outside = matmul(_outside(t, y, x), v)
    if rest is None:
        return pushed + adjoint(outside)
    back, small = adjoint(t), matmul(adjoint(rest), rest)
    right = yt - matmul(matmul(yt, y), x) + matmul(v, matmul(back, rest))
    left = adjoint(outside + matmul(rest, matmul(matmul(back, h), v)))
    pushed = pushed + matmul(adjoint(stein(v, small, right)), y) + left
    return pushed + matmul(stein(v, small, matmul(v, matmul(left, rest))), adjoint(rest))


class Pinv(Matrices):
    """The pseudo-inverses of matrices; see ``ad.linalg.pinv``."""

    name = "pinv"
    iterates = True
    kernel = staticmethod(_pinv)
    vjp = staticmethod(lambda g, y, x, *, rtol: _by_tall(_pull_tall, g, y, x, rtol))
    jvp = staticmethod(lambda t, y, x, *, rtol: _by_tall(_push_tall, t, y, x, rtol))
    cases = FULL + TRUNCATED
    errors = ((Case((In((2,)),), {"rtol": 1e-6}), LinAlgError, "expected matrices"),)

    def infer(self, x: Any, *, rtol: Any) -> Aval:
        check_matrices("pinv", x)
        shape = (*x.shape[:-2], x.shape[-1], x.shape[-2])
        return Aval(shape, matrix_dtype("pinv", x.dtype))


# ---- what is dropped


def _dropped(x: Any, *, rtol: Any) -> Any:
    dtype = matrix_dtype("pinv_dropped", x.dtype)
    if 0 in x.shape[-2:]:
        return np.zeros(x.shape, dtype)
    # Of the conjugate, as NumPy's pinv has it: the same singular values to the last bit.
    u, s, vh = lapack(
        "pinv_dropped", "no convergence", np.linalg.svd, x.conj(), full_matrices=False
    )
    kept = s > np.asarray(rtol)[..., None] * s.max(axis=-1, keepdims=True)
    rest = np.where(kept, 0, s)
    close = 1 - 10 * max(x.shape[-2:]) * np.finfo(s.dtype).eps  # the noise of y and R
    if (rest.max(axis=-1) >= close * np.where(kept, s, np.inf).min(axis=-1)).any():
        raise GradientError(CUT)
    return ((u * rest[..., None, :]) @ vh).conj().astype(dtype, copy=False)


def _pull_dropped(g: Any, x: Any, *, rtol: Any) -> Any:
    y = apply(PRIMITIVES["pinv"], x, rtol=rtol)
    xt, yt = turned(x), turned(y)
    moved = _by_tall(_pull_tall, matmul(matmul(xt, g), xt), y, x, rtol)
    left = g - matmul(matmul(g, xt), yt)
    return left - matmul(yt, matmul(xt, g)) - moved


def _push_dropped(t: Any, x: Any, *, rtol: Any) -> Any:
    y = apply(PRIMITIVES["pinv"], x, rtol=rtol)
    moved = matmul(x, matmul(_by_tall(_push_tall, t, y, x, rtol), x))
    return t - matmul(t, matmul(y, x)) - moved - matmul(x, matmul(y, t))


class Dropped(Matrices):
    r"""R, the part of matrices whose singular values the pseudo-inverse y drops.

    .. math:: R = x - x y x, \qquad dR = dx - dx\, y x - x\, dy\, x - x y\, dx

    The kernel takes the singular vectors: the formula has rounding errors of the size of x times
    its condition number. Raises GradientError where the cut falls between values that coincide.

    >>> import autodiff as ad
    >>> ad.tensor(_dropped(np.diag([4.0, 1.0]), rtol=0.5))
    Tensor([[0., 0.],
            [0., 1.]])
    """

    name = "pinv_dropped"
    iterates = True
    kernel = staticmethod(_dropped)
    vjp = staticmethod(_pull_dropped)
    jvp = staticmethod(_push_dropped)
    cases = (*TRUNCATED, Case((In((0, 2)),), {"rtol": 1e-6}))
    errors = (
        (Case((In((2,)),), {"rtol": 1e-6}), LinAlgError, "expected matrices"),
        (Case((np.diag([2.0, 1 + 4e-16, 1.0]),), {"rtol": HALF}), GradientError, "rtol cuts"),
    )

    def infer(self, x: Any, *, rtol: Any) -> Aval:
        check_matrices("pinv_dropped", x)
        return Aval(x.shape, matrix_dtype("pinv_dropped", x.dtype))
