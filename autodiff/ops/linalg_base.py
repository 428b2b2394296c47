"""What the primitives of linear algebra share: matrices in the last two axes, batches before them.

Decompositions have several results, and a node has one output. Theirs is one array, all results
raveled one after the other along the last axis, which ``parts`` takes apart by slices: one
decomposition and one node, a rule that sees all cotangents at once, and no second kind of node for
the walk, ``vmap``, drawings and the recorder to know. What is not used costs a slice of zeros.

``g`` in rules is that of dL = Re(g dy): what is linear over complex numbers has plain transposes.
Where a formula of the literature has adjoints, it is written for the gradient, ``conj(g)``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import numpy as np

from autodiff.errors import DTypeError, GradientError, LinAlgError
from autodiff.node import Aval, Node
from autodiff.ops.comparison import less_equal
from autodiff.ops.complex import conj
from autodiff.ops.elementwise import abs as absolute
from autodiff.ops.indexing import getitem
from autodiff.ops.joining import concatenate
from autodiff.ops.movement import reshape, swapaxes
from autodiff.ops.reduction import max as max_over
from autodiff.ops.selection import where
from autodiff.primitive import Case, In, Primitive
from autodiff.tensor import apply, whole


def turned(x: Any) -> Any:
    """The matrices transposed; by the method where nothing is recorded, at a tenth of the cost."""
    return x.swapaxes(-1, -2) if type(x) is np.ndarray else swapaxes(x, -1, -2)


def adjoint(x: Any) -> Any:
    """The matrices transposed and conjugated."""
    return conj(turned(x)) if x.dtype.kind == "c" else turned(x)


def hermitian(x: Any) -> Any:
    """The Hermitian part of matrices."""
    return 0.5 * (x + adjoint(x))


def symmetrized(x: Any) -> Any:
    """The Hermitian part of an ndarray of square matrices; anything else as it is."""
    if x.ndim < 2 or x.shape[-1] != x.shape[-2] or x.dtype.kind not in "fc":
        return x
    return (x + x.swapaxes(-1, -2).conj()) / 2


def columns(x: Any) -> Any:
    """Vectors (..., n) as rows (..., 1, n): factors of the columns of matrices."""
    return reshape(x, (*x.shape[:-1], 1, x.shape[-1]))


def rows(x: Any) -> Any:
    """Vectors (..., n) as columns (..., n, 1): factors of the rows of matrices."""
    return reshape(x, (*x.shape, 1))


def diagonal_of(x: Any) -> Any:
    """The diagonals of square matrices, as vectors."""
    places = np.arange(x.shape[-1])
    return x[..., places, places] if type(x) is np.ndarray else getitem(x, (..., places, places))


def identity(n: int, dtype: Any) -> Any:
    """The identity, of a floating dtype."""
    return np.eye(n, dtype=dtype)


def real_dtype(dtype: Any) -> np.dtype[Any]:
    """The dtype of the parts of numbers of a floating dtype."""
    return np.zeros(0, dtype).real.dtype


def matrix_dtype(name: str, *dtypes: Any) -> np.dtype[Any]:
    """The dtype in which LAPACK computes, or a DTypeError."""
    dtype = np.result_type(*[np.dtype(d) for d in dtypes])
    if dtype.kind in "biu":
        return np.dtype(np.float64)
    if dtype.char not in "fdFD":
        raise DTypeError(
            f"{name}: LAPACK has no {dtype} (expected float32, float64, complex64 or complex128); "
            "convert with astype"
        )
    return dtype


def check_matrices(name: str, x: Any, square: bool = False) -> None:
    """Raise LinAlgError where an aval holds no matrices, or none that are square."""
    if x.ndim < 2:
        raise LinAlgError(f"{name}: expected matrices in the last two axes, got {x!r}")
    if square and x.shape[-1] != x.shape[-2]:
        raise LinAlgError(f"{name}: expected square matrices in the last two axes, got {x!r}")


def lapack(
    name: str, trouble: str, function: Callable[..., Any], *arrays: Any, **options: Any
) -> Any:
    """Call a function of ``numpy.linalg``; where it fails on values, say so with the shapes."""
    try:
        return function(*arrays, **options)
    except np.linalg.LinAlgError as error:
        fits = [a.ndim >= 2 for a in arrays]
        if not all(fits) or "must be square" in str(error):
            raise  # the shape rule says what is wrong
        shapes = " and ".join(f"{a.dtype}{list(a.shape)}" for a in arrays)
        raise LinAlgError(f"{name}: {trouble} ({shapes}): {error}") from error


class Matrices(Primitive, abstract=True):
    """A primitive of one operand that holds matrices; every entry may depend on all of a matrix.

    ``core``: the number of the output's axes behind those of the batch.
    """

    core: ClassVar[int] = 2
    normwise = (2,)

    def batch(self, mapped: tuple[bool, ...], *operands: Any, **params: Any) -> Any:
        return apply(self, *operands, **params)

    def presence(self, i: int, mask: Any, node: Node) -> Any:
        return None if mask is None else reached(mask, self.core, node.inputs[0].shape)


class Decomposition(Matrices, abstract=True):
    """One with several results, packed."""

    core = 1
    square: ClassVar[bool] = True
    # Results whose signs LAPACK chooses: (result, the result whose vectors tell, their axis).
    signs: ClassVar[tuple[tuple[int, int, int], ...]]

    @staticmethod
    def pieces(m: int, n: int) -> tuple[tuple[int, ...], ...]:
        """Shapes of the results of an m×n matrix, in their order."""
        raise NotImplementedError

    def infer(self, x: Any) -> Aval:
        check_matrices(self.name, x, self.square)
        size = sum(math.prod(shape) for shape in self.pieces(*x.shape[-2:]))
        return Aval((*x.shape[:-2], size), matrix_dtype(self.name, x.dtype))


def reached(mask: Any, core: int, shape: tuple[int, ...]) -> Any:
    """Presence where any entry of the last ``core`` axes depends on all of a matrix."""
    some = mask.any(axis=tuple(range(mask.ndim - core, mask.ndim)))
    return np.broadcast_to(some[..., None, None], shape)


def packed(results: Sequence[Any], axes: Sequence[int]) -> Any:
    """Results in one array; the last ``axes[i]`` axes of result i are raveled."""
    flat = []
    for x, count in zip(results, axes, strict=True):
        shape = x.shape[: x.ndim - count]
        flat.append(reshape(x, (*shape, math.prod(x.shape[x.ndim - count :]))))
    return concatenate(flat, axis=-1)


def parts(y: Any, *shapes: tuple[int, ...]) -> list[Any]:
    """Take a packed array apart, into results whose last axes have these shapes."""
    found, start = [], 0
    for shape in shapes:
        size = math.prod(shape)
        piece = getitem(y, (..., slice(start, start + size)))
        found.append(piece if len(shape) == 1 else reshape(piece, (*y.shape[:-1], *shape)))
        start += size
    return found


def inverse_gaps(values: Any) -> tuple[Any, Any]:
    """``1 / (w_j - w_i)`` at (i, j), 0 where the two coincide; and where they do, as bools.

    Values that are closer than the rounding errors of a decomposition are not told apart: their
    difference is noise.
    """
    difference = columns(values) - rows(values)
    size = absolute(values)
    scale = max_over(size, axis=-1, keepdims=True) if values.shape[-1] else size
    limit = values.shape[-1] * np.finfo(values.dtype).eps * scale
    close = less_equal(absolute(difference), rows(limit))
    return where(close, 0, 1 / where(close, 1, difference)), close


def refuse(name: str, bad: Any, reason: str) -> None:
    """Raise GradientError where any of ``bad`` holds."""
    if np.any(whole(bad)):
        raise GradientError(f"{name}: {reason}")


class Shifted(In):
    """Matrices whose eigenvalues and singular values are apart: random entries, a rising diagonal.

    Their Hermitian parts are positive definite.
    """

    def draw(self, rng: np.random.Generator, dtype: Any) -> np.ndarray[Any, Any]:
        values = super().draw(rng, dtype)
        steps = 3 + 2 * np.arange(self.shape[-1])
        return values + np.eye(*self.shape[-2:], dtype=dtype) * steps.astype(dtype)


SQUARE = (Case((Shifted((3, 3), -1.0, 1.0),)), Case((Shifted((2, 2, 2), -1.0, 1.0),)))
EMPTY = (Case((In((0, 0)),)), Case((In((0, 2, 2)),)))
NOT_SQUARE = (
    (Case((In((2, 3)),)), LinAlgError, "expected square matrices"),
    (Case((In((2,)),)), LinAlgError, "expected matrices"),
)
