"""Sparse linear systems, whose kernel is SciPy's SuperLU; public in ``ad.linalg``.

Reference: Li, "An overview of SuperLU" (2005); Giles (2008), 2.3.1, for the derivatives, of which
a sparse matrix takes the entries that it stores.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from autodiff.errors import DTypeError, LinAlgError, ShapeError
from autodiff.families import broadcast_shapes
from autodiff.node import Aval, Node
from autodiff.ops.indexing import getitem
from autodiff.ops.linalg_base import matrix_dtype
from autodiff.ops.movement import as_array, reshape
from autodiff.ops.pattern import ARRAY, Slice
from autodiff.ops.reduction import sum as sum_over
from autodiff.primitive import Case, In, Primitive
from autodiff.registry import PRIMITIVES
from autodiff.tensor import apply, aval_of, whole

__all__ = ["spsolve"]


class Structure:
    """Where the entries of a square sparse matrix stand, by rows (CSR), and its last factors.

    The factors serve the solution, the transposed system of the reverse rule and all of higher
    orders, which have the same entries. They are kept beside a copy of those entries, by which
    they are recognised: comparing costs less than one substitution.
    """

    __slots__ = ("_last", "columns", "indptr", "n", "rows")

    def __init__(self, indices: Any, indptr: Any) -> None:
        columns, starts = (
            _whole_numbers(k, x) for k, x in (("indices", indices), ("indptr", indptr))
        )
        self.n = n = max(len(starts) - 1, 0)
        sizes = np.diff(starts)
        if not len(starts) or starts[0] or starts[-1] != len(columns) or (sizes < 0).any():
            raise ShapeError(
                f"spsolve: indptr counts the entries of the rows, from 0 up to the "
                f"{len(columns)} of indices, got {starts.tolist()[:8]} ({len(starts)} numbers)"
            )
        if len(columns) and not 0 <= columns.min() <= columns.max() < n:
            raise LinAlgError(
                f"spsolve: expected a square matrix: indptr makes {n} rows, and indices go from "
                f"{columns.min()} to {columns.max()}"
            )
        self.columns, self.indptr = columns, starts
        self.rows = np.repeat(np.arange(n), sizes)
        self._last: tuple[Any, Any] | None = None

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Structure)
            and np.array_equal(self.indptr, other.indptr)
            and np.array_equal(self.columns, other.columns)
        )

    def __hash__(self) -> int:
        return hash((self.n, self.columns.tobytes()))

    def __repr__(self) -> str:
        return f"{self.n}×{self.n}, {len(self.columns)} entries"

    def factors(self, data: Any) -> Any:
        """The factors of matrices with these entries (..., nnz), an array of objects (...)."""
        last = self._last
        if last and last[0].dtype == data.dtype and np.array_equal(last[0], data):
            return last[1]
        found = np.empty(data.shape[:-1], object)
        for k in np.ndindex(found.shape):
            found[k] = self._factor(data[k])
        self._last = data.copy(), found
        return found

    def _factor(self, data: Any) -> Any:
        sparse, linalg = _scipy()
        if not np.isfinite(data).all():
            return None  # SuperLU would call it singular
        # What is stored by rows is the transposed matrix by columns, as SuperLU wants it.
        arrays = (data, self.columns.astype(np.int32), self.indptr.astype(np.int32))
        turned = sparse.csc_array(arrays, shape=(self.n, self.n), copy=True)
        turned.sum_duplicates()
        try:
            return linalg.splu(turned)
        except RuntimeError as error:
            raise LinAlgError(
                f"spsolve: the matrix is singular ({data.dtype}, {self!r}): {error}"
            ) from error


def _whole_numbers(name: str, x: Any) -> Any:
    x = np.asarray(whole(x))
    if x.ndim != 1 or x.dtype.kind not in "iu":
        raise DTypeError(f"spsolve: {name} is a vector of integers, got {aval_of(x)!r}")
    return x.astype(np.intp)


def _scipy() -> Any:
    try:
        from scipy import sparse
        from scipy.sparse import linalg
    except ImportError:
        raise ImportError(
            "ad.linalg.spsolve computes with SciPy, which is not installed: pip install scipy"
        ) from None
    return sparse, linalg


def _substitute(factor: Any, b: Any, transposed: bool) -> Any:
    """Solve for the columns of ``b``; the factors are those of the transposed matrix."""
    if factor is None:
        return np.full(b.shape, np.nan, b.dtype)
    way = "N" if transposed else "T"
    if b.dtype.kind == "c" and factor.L.dtype.kind != "c":
        pair = factor.solve(np.concatenate([b.real, b.imag], axis=1), way)
        half = b.shape[1]
        return pair[:, :half] + 1j * pair[:, half:]
    return factor.solve(np.ascontiguousarray(b), way)


def _solve(data: Any, b: Any, *, structure: Structure, transposed: bool) -> Any:
    n, size = structure.n, len(structure.columns)
    if b.ndim < 2 or not data.ndim or data.shape[-1] != size or b.shape[-2] != n:
        raise ShapeError("spsolve: the shapes do not fit")
    dtype = matrix_dtype("spsolve", data.dtype, b.dtype)
    outer = np.broadcast_shapes(data.shape[:-1], b.shape[:-2])
    y = np.empty((*outer, *b.shape[-2:]), dtype)
    if not y.size:
        return y
    entry = matrix_dtype("spsolve", data.dtype, np.zeros(0, dtype).real.dtype)
    factors = structure.factors(data.astype(entry))
    if factors.size == 1:  # all right sides as columns of one
        wide = np.moveaxis(b.astype(dtype), -2, 0)
        found = _substitute(factors.item(), wide.reshape(n, -1), transposed)
        y[...] = np.moveaxis(found.reshape(wide.shape), 0, -2)
        return y
    factors = np.broadcast_to(factors, outer)
    b = np.broadcast_to(b, y.shape).astype(dtype)
    for k in np.ndindex(outer):
        y[k] = _substitute(factors[k], b[k], transposed)
    return y


def _again(data: Any, b: Any, structure: Structure, transposed: bool) -> Any:
    return apply(PRIMITIVES["spsolve"], data, b, structure=structure, transposed=transposed)


def _ends(structure: Structure, transposed: bool) -> tuple[Any, Any]:
    """Rows and columns of the entries, in the matrix that is solved for."""
    ends = structure.rows, structure.columns
    return ends[::-1] if transposed else ends


def _pull_entries(g: Any, y: Any, data: Any, *, structure: Structure, transposed: bool) -> Any:
    rows, columns = _ends(structure, transposed)
    s = _again(data, g, structure, not transposed)
    return -sum_over(_picked(s, rows) * _picked(y, columns), axis=-1)


def _push_entries(t: Any, y: Any, data: Any, *, structure: Structure, transposed: bool) -> Any:
    rows, columns = _ends(structure, transposed)
    terms = reshape(t, (*t.shape, 1)) * _picked(y, columns)
    shape = (*terms.shape[:-2], structure.n, terms.shape[-1])
    index = (Ellipsis, ARRAY, Slice())
    product = apply(PRIMITIVES["scatter"], terms, rows, index=index, shape=shape)
    return -_again(data, product, structure, transposed)


def _picked(x: Any, rows: Any) -> Any:
    return getitem(x, (..., rows, slice(None)))


class _Entries(In):
    """Entries of ``_FIVE``, in whose rows those on the diagonal are the largest."""

    def draw(self, rng: np.random.Generator, dtype: Any) -> Any:
        return super().draw(rng, dtype) + (6 * (_FIVE.rows == _FIVE.columns)).astype(dtype)


# One place is named twice (its entries add up), rows are not sorted, and all depends on all.
_FIVE = Structure([0, 3, 2, 1, 2, 4, 1, 3, 4, 0, 0], [0, 2, 4, 6, 8, 11])
_CASE = {"structure": _FIVE, "transposed": False}
_TURNED = {"structure": _FIVE, "transposed": True}
_HOLLOW = {"structure": Structure([0, 0], [0, 1, 2]), "transposed": False}
_NONE = {"structure": Structure(np.zeros(0, int), [0]), "transposed": False}


def _dense(data: Any, b: Any, *, structure: Structure, transposed: bool) -> Any:
    a = np.zeros((*data.shape[:-1], structure.n, structure.n), data.dtype)
    for k, place in enumerate(zip(structure.rows, structure.columns, strict=True)):
        a[(..., *place)] += data[..., k]
    return np.linalg.solve(a.swapaxes(-1, -2) if transposed else a, b)


class Spsolve(Primitive):
    """The solution of systems with a sparse matrix, given by its entries; see
    ``ad.linalg.spsolve``.

    A primitive, though ``custom_vjp`` could say its reverse rule: here it also has a forward rule,
    batches by one factorization, and higher orders that use the same factors.
    """

    name = "spsolve"
    arguments = ("data", "b")
    normwise = (1, 2)
    broadcasts = True
    kernel = staticmethod(_solve)
    reference = staticmethod(_dense)
    vjp = (
        _pull_entries,
        lambda g, data, *, structure, transposed: _again(data, g, structure, not transposed),
    )
    jvp = (
        _push_entries,
        lambda t, data, *, structure, transposed: _again(data, t, structure, transposed),
    )
    cases = (
        Case((_Entries((11,), -1.0, 1.0), In((5, 2))), _CASE),
        Case((_Entries((11,), -1.0, 1.0), In((5, 1))), _TURNED),
        Case((_Entries((2, 11), -1.0, 1.0), In((5, 1))), _CASE),
        Case((_Entries((11,), -1.0, 1.0), In((2, 5, 1))), _TURNED),
        Case((_Entries((2, 1, 11), -1.0, 1.0), In((3, 5, 1))), _TURNED),
        Case((_Entries((11,), -1.0, 1.0), In((5, 0))), _CASE),
        Case((In((0,)), In((0, 2))), _NONE),
    )
    errors = (
        (Case((In((11,)), In((4, 1))), _CASE), ShapeError, "5 equations, and b has 4 rows"),
        (Case((In((10,)), In((5, 1))), _CASE), ShapeError, "11 entries, data has 10"),
        (Case((In((2, 11)), In((3, 5, 1))), _CASE), ShapeError, "do not broadcast"),
        (Case((In((2,)), In((2, 1))), _HOLLOW), LinAlgError, "singular (float64, 2×2, 2 entries)"),
    )

    def infer(self, data: Any, b: Any, *, structure: Structure, transposed: bool) -> Aval:
        size = len(structure.columns)
        if not data.ndim or data.shape[-1] != size:
            entries = data.shape[-1] if data.ndim else "no axis"
            raise ShapeError(
                f"spsolve: indices place {size} entries, data has {entries} ({data!r})"
            )
        if b.ndim < 2 or b.shape[-2] != structure.n:
            count = b.shape[-2] if b.ndim > 1 else b.size
            raise ShapeError(
                f"spsolve: the matrix makes {structure.n} equations, and b has {count} rows ({b!r})"
            )
        outer = [Aval(data.shape[:-1], data.dtype), Aval(b.shape[:-2], b.dtype)]
        shape = (*broadcast_shapes("spsolve", outer), *b.shape[-2:])
        return Aval(shape, matrix_dtype("spsolve", data.dtype, b.dtype))

    def batch(self, mapped: tuple[bool, ...], data: Any, b: Any, **params: Any) -> Any:
        ranks = (data.ndim - 1 - mapped[0], b.ndim - 2 - mapped[1])
        missing = [max(ranks) - r for r in ranks]
        if mapped[0] and missing[0]:
            data = reshape(data, (data.shape[0], *(1,) * missing[0], *data.shape[1:]))
        if mapped[1] and missing[1]:
            b = reshape(b, (b.shape[0], *(1,) * missing[1], *b.shape[1:]))
        return apply(self, data, b, **params)

    def presence(self, i: int, mask: Any, node: Node) -> Any:
        if mask is None:
            return None
        reached = mask.any(axis=-2, keepdims=True)  # by columns of b; data takes part in all
        shape = node.inputs[i].shape
        if i == 1:
            return np.broadcast_to(reached, (*mask.shape[:-2], *shape[-2:]))
        return np.broadcast_to(reached.any(axis=-1), (*mask.shape[:-2], shape[-1]))


def spsolve(A: Any, b: Any) -> Any:  # noqa: N803 - SciPy's name
    r"""Solution of a system with a sparse matrix, as ``scipy.sparse.linalg.spsolve``.

    .. math:: A y = b, \qquad A^H \bar b = \bar y, \quad
        \bar A_{ij} = -\bar b_i\, y_j^* \text{ at the entries that } A \text{ stores}

    Parameters
    ----------
    A : sparse matrix or array of SciPy, or tuple (data, indices, indptr)
        Square. One of SciPy's is a constant. The tuple is the compressed sparse row format: entries
        ``data``, of which gradients are taken; for each its column; and where each row starts.
        Entries that name one place add up.
    b : array_like, shape (n,) or (n, k)

    A factorization serves the solution and its derivatives of every order and in both modes, and
    all right sides, also those of ``vmap``. It has the dtype of ``A``, at least single precision.
    With a NaN or an infinity in ``A`` the solution is NaN.

    Raises
    ------
    LinAlgError
        The matrix is not square, or singular.
    ShapeError, DTypeError
        A right side or entries that do not fit, indices that are no integers.
    ImportError
        SciPy is missing.

    SciPy returns a sparse matrix where ``b`` is one; here ``b`` is dense.

    Reference: Li, "An overview of SuperLU" (2005).

    The mean temperature of a heated rod with cold ends, -(k u')' = 1, and how the conductivity k of
    each of its six pieces moves it: one transposed solve.

    >>> import numpy as np
    >>> import autodiff as ad
    >>> def mean_temperature(k):
    ...     n = len(k) - 1
    ...     columns = np.arange(n)[:, None] + [-1, 0, 1]
    ...     inside = (columns >= 0) & (columns < n)
    ...     rows = ad.stack([-k[:-1], k[:-1] + k[1:], -k[1:]], axis=1)
    ...     starts = np.append(0, np.cumsum(inside.sum(axis=1)))
    ...     return ad.linalg.spsolve((rows[inside], columns[inside], starts), np.ones(n)).mean()
    >>> ad.grad(mean_temperature)(np.ones(6)).round(4).tolist()
    [-1.25, -0.45, -0.05, -0.05, -0.45, -1.25]
    """
    if isinstance(A, tuple):
        if len(A) != 3:
            raise ShapeError(
                f"spsolve: a matrix is the tuple (data, indices, indptr), got {len(A)} parts"
            )
        data, indices, indptr = A
    else:
        data, indices, indptr = _stored(A)
    data, b = as_array(data), as_array(b)
    if b.ndim not in (1, 2):
        raise ShapeError(f"spsolve: b has the shape (n,) or (n, k), got {aval_of(b)!r}")
    structure = Structure(indices, indptr)
    if b.ndim == 2:
        return _again(data, b, structure, False)
    return reshape(_again(data, reshape(b, (*b.shape, 1)), structure, False), b.shape)


def _stored(matrix: Any) -> tuple[Any, Any, Any]:
    """The entries of a matrix of SciPy, in the tuple's form."""
    sparse, _ = _scipy()
    if not sparse.issparse(matrix):
        raise DTypeError(
            f"spsolve: A is a sparse matrix of SciPy or a tuple (data, indices, indptr), got "
            f"{type(matrix).__name__}; ad.linalg.solve takes full matrices"
        )
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1]:
        raise LinAlgError(f"spsolve: expected a square matrix, got shape {matrix.shape}")
    rows = matrix.tocsr()
    return rows.data, rows.indices, rows.indptr
