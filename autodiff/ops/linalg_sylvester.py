"""Sylvester equations and matrix square roots, whose kernels are SciPy's; public in ``ad.linalg``.

Also ``solve_banded``, whose matrix is put together from its diagonals.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from autodiff.errors import LinAlgError, ShapeError
from autodiff.node import Aval, Node
from autodiff.ops.complex import real
from autodiff.ops.contraction import matmul
from autodiff.ops.joining import stack
from autodiff.ops.linalg_base import (
    NOT_SQUARE,
    Matrices,
    Shifted,
    check_matrices,
    matrix_dtype,
    turned,
)
from autodiff.ops.linalg_systems import solve
from autodiff.ops.movement import as_array
from autodiff.ops.update import setitem
from autodiff.primitive import Case, In, Primitive
from autodiff.registry import PRIMITIVES
from autodiff.tensor import apply, apply_unary, whole

__all__ = ["solve_banded", "solve_sylvester", "sqrtm"]


def _scipy(name: str) -> Any:
    try:
        from scipy import linalg
    except ImportError:
        raise ImportError(
            f"ad.linalg.{name} computes with SciPy, which is not installed: pip install scipy"
        ) from None
    return linalg


# ---- Sylvester equations


def _sylvester(a: Any, b: Any, q: Any) -> Any:
    linalg = _scipy("solve_sylvester")
    if not a.ndim == b.ndim == q.ndim == 2 or q.shape != (a.shape[0], b.shape[0]):
        raise ShapeError("solve_sylvester: the shapes do not fit")
    dtype = matrix_dtype("solve_sylvester", a.dtype, b.dtype, q.dtype)
    if not q.size:
        return np.zeros(q.shape, dtype)
    if not all(np.isfinite(x).all() for x in (a, b, q)):
        raise LinAlgError(f"solve_sylvester: an operand is not finite ({a.shape}, {b.shape})")
    try:
        y = linalg.solve_sylvester(*(x.astype(dtype, copy=False) for x in (a, b, q)))
    except np.linalg.LinAlgError as error:
        raise LinAlgError(f"solve_sylvester: {error} ({a.shape}, {b.shape})") from error
    return y.astype(dtype, copy=False)


def _turned_equation(g: Any, a: Any, b: Any) -> Any:
    return apply(PRIMITIVES["solve_sylvester"], turned(a), turned(b), g)


class SolveSylvester(Primitive):
    """The solution of a Sylvester equation; see ``ad.linalg.solve_sylvester``."""

    name = "solve_sylvester"
    normwise = (2, 2, 2)
    iterates = True
    arguments = ("a", "b", "q")
    kernel = staticmethod(_sylvester)
    reference = staticmethod(
        lambda a, b, q: np.linalg.solve(
            np.kron(a, np.eye(len(b))) + np.kron(np.eye(len(a)), b.T), q.ravel()
        ).reshape(q.shape)
    )
    vjp = (
        lambda g, y, a, b: -matmul(_turned_equation(g, a, b), turned(y)),
        lambda g, y, a, b: -matmul(turned(y), _turned_equation(g, a, b)),
        _turned_equation,
    )
    jvp = (
        lambda t, y, a, b: -apply(PRIMITIVES["solve_sylvester"], a, b, matmul(t, y)),
        lambda t, y, a, b: -apply(PRIMITIVES["solve_sylvester"], a, b, matmul(y, t)),
        lambda t, a, b: apply(PRIMITIVES["solve_sylvester"], a, b, t),
    )
    cases = (
        Case((Shifted((2, 2), -1.0, 1.0), Shifted((3, 3), -1.0, 1.0), In((2, 3)))),
        Case((Shifted((1, 1), -1.0, 1.0), Shifted((2, 2), -1.0, 1.0), In((1, 2)))),
        Case((In((0, 0)), In((2, 2)), In((0, 2)))),
    )
    errors = (
        (Case((In((2, 3)), In((2, 2)), In((2, 2)))), LinAlgError, "expected square matrices"),
        (Case((np.eye(1) * np.inf, np.eye(1), In((1, 1)))), LinAlgError, "is not finite"),
        (Case((In((2, 2)), In((3, 3)), In((2, 2)))), ShapeError, "of shape (2, 3)"),
    )

    def infer(self, a: Any, b: Any, q: Any) -> Aval:
        for x in (a, b):
            check_matrices("solve_sylvester", x, square=True)
        if not a.ndim == b.ndim == q.ndim == 2 or q.shape != (a.shape[0], b.shape[0]):
            raise ShapeError(
                f"solve_sylvester: with {a!r} and {b!r} the right side is a matrix of shape "
                f"{(a.shape[-1], b.shape[-1])}, got {q!r}"
            )
        return Aval(q.shape, matrix_dtype("solve_sylvester", a.dtype, b.dtype, q.dtype))

    def batch(self, mapped: tuple[bool, ...], *operands: Any) -> Any:
        return _each(self, mapped, operands)

    def presence(self, i: int, mask: Any, node: Node) -> Any:
        return None if mask is None else np.broadcast_to(mask.any(), node.inputs[i].shape)


def _each(primitive: Primitive, mapped: tuple[bool, ...], operands: tuple[Any, ...]) -> Any:
    """One call for each entry of the batch: SciPy's function takes two axes only."""
    size = operands[mapped.index(True)].shape[0]
    pairs = list(zip(operands, mapped, strict=True))
    return stack([apply(primitive, *[x[k] if m else x for x, m in pairs]) for k in range(size)])


def solve_sylvester(a: Any, b: Any, q: Any) -> Any:
    r"""Solution of Sylvester's equation, as ``scipy.linalg.solve_sylvester``.

    .. math:: a y + y b = q, \qquad a^H S + S b^H = \bar y, \quad
        \bar q = S, \quad \bar a = -S y^H, \quad \bar b = -y^H S

    Parameters
    ----------
    a : array_like, shape (m, m)
    b : array_like, shape (n, n)
    q : array_like, shape (m, n)

    Raises
    ------
    LinAlgError, ShapeError
        Matrices that are not square or not finite, or a right side that does not fit.
    ImportError
        SciPy is missing.

    Reference: Bartels and Stewart, "Solution of the matrix equation AX + XB = C" (1972).

    >>> import autodiff as ad
    >>> ad.linalg.solve_sylvester(ad.tensor([[1.0]]), [[2.0]], [[6.0]])
    Tensor([[2.]])
    """
    return apply(PRIMITIVES["solve_sylvester"], *map(as_array, (a, b, q)))


# ---- square roots


def _sqrtm(x: Any) -> Any:
    linalg = _scipy("sqrtm")
    if x.ndim != 2 or x.shape[0] != x.shape[1]:
        raise LinAlgError("sqrtm: expected one square matrix")
    dtype = np.result_type(matrix_dtype("sqrtm", x.dtype), np.complex64)
    if not x.size:
        return x.astype(dtype)
    with warnings.catch_warnings():
        warnings.simplefilter("error", linalg.LinAlgWarning)
        try:
            return linalg.sqrtm(x.astype(dtype)).astype(dtype, copy=False)
        except (linalg.LinAlgWarning, np.linalg.LinAlgError) as error:
            raise LinAlgError(
                f"sqrtm: the matrix is singular ({x.dtype}{list(x.shape)})"
            ) from error


class Sqrtm(Matrices):
    """The principal square root of a matrix, complex; see ``ad.linalg.sqrtm``."""

    name = "sqrtm"
    kernel = staticmethod(_sqrtm)
    vjp = staticmethod(lambda g, y: _turned_equation(g, y, y))
    jvp = staticmethod(lambda t, y: apply(PRIMITIVES["solve_sylvester"], y, y, t))
    cases = (Case((Shifted((3, 3), -1.0, 1.0),)), Case((In((0, 0)),)))
    errors = NOT_SQUARE

    def infer(self, x: Any) -> Aval:
        check_matrices("sqrtm", x, square=True)
        if x.ndim != 2:
            raise LinAlgError(f"sqrtm: expected one matrix, got {x!r}; vmap takes several")
        return Aval(x.shape, np.result_type(matrix_dtype("sqrtm", x.dtype), np.complex64))

    def batch(self, mapped: tuple[bool, ...], *operands: Any, **params: Any) -> Any:
        return _each(self, mapped, operands)


def sqrtm(x: Any) -> Any:
    r"""Principal square root of a matrix, as ``scipy.linalg.sqrtm``.

    .. math:: y y = x, \qquad y^H \bar x + \bar x y^H = \bar y

    Of a real matrix real, where the root is. ``x`` has no eigenvalue on the negative real axis.
    Raises LinAlgError for what is no square matrix and for a singular one, whose root has no
    gradient and may not exist; ImportError where SciPy is missing.

    Reference: Higham, "Functions of Matrices" (2008), 6.1-6.2.

    >>> import autodiff as ad
    >>> ad.linalg.sqrtm(ad.tensor([[4.0, 0.0], [0.0, 9.0]]))
    Tensor([[2., 0.],
            [0., 3.]])
    """
    x = as_array(x)
    y = apply_unary(PRIMITIVES["sqrtm"], x)
    return real(y) if x.dtype.kind != "c" and not np.any(np.imag(whole(y))) else y


# ---- banded systems


def solve_banded(l_and_u: tuple[int, int], ab: Any, b: Any) -> Any:
    r"""Solution of systems whose matrix has few diagonals, as ``scipy.linalg.solve_banded``.

    .. math:: a_{ij} = \mathrm{ab}_{u + i - j,\, j}, \qquad a y = b

    The matrix is put together and solved as any other: exact gradients of every order, at the cost
    of a full matrix.

    Parameters
    ----------
    l_and_u : (int, int)
        Numbers of diagonals below and above the main one.
    ab : array_like, shape (l + u + 1, n)
        The diagonals from the uppermost down, each in the columns of the matrix; entries outside
        the matrix are not read and have no gradient.
    b : array_like, shape (n,) or (n, k)

    Raises ShapeError where ``ab`` has another number of rows, LinAlgError for a singular matrix.

    >>> import autodiff as ad
    >>> ab = [[0.0, 1.0], [2.0, 2.0], [0.0, 0.0]]
    >>> ad.linalg.solve_banded((1, 1), ad.tensor(ab), [3.0, 2.0])
    Tensor([1., 1.])
    """
    ab = as_array(ab)
    below, above = l_and_u
    if ab.ndim != 2 or ab.shape[0] != below + above + 1:
        raise ShapeError(
            f"solve_banded: {below} diagonals below and {above} above take ab of "
            f"{below + above + 1} rows, got shape {ab.shape}"
        )
    n = ab.shape[1]
    rows, columns = np.indices((n, n))
    places = above + rows - columns
    inside = (places >= 0) & (places <= below + above)
    entries = ab[places[inside], columns[inside]]
    matrix = setitem(np.zeros((n, n), entries.dtype), inside, entries)
    return solve(matrix, b)
