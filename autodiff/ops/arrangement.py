"""Arrangement: rolls, turns, repetitions, grids; composites of movement, all of it linear."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from autodiff.errors import AxisError, DTypeError, ShapeError, normalize_axes, normalize_axis
from autodiff.ops.indexing import take
from autodiff.ops.joining import concatenate
from autodiff.ops.movement import (
    along,
    as_array,
    as_shape,
    broadcast_to,
    expand_dims,
    flip,
    moveaxis,
    ravel,
    reshape,
    swapaxes,
    transpose,
    values_of,
)
from autodiff.registry import public

__all__ = [
    "atleast_1d",
    "atleast_2d",
    "atleast_3d",
    "broadcast_arrays",
    "fliplr",
    "flipud",
    "matrix_transpose",
    "meshgrid",
    "permute_dims",
    "repeat",
    "roll",
    "rollaxis",
    "rot90",
    "tile",
]


@public
def roll(x: Any, shift: Any, axis: Any = None) -> Any:
    r"""Move entries along axes; those that leave at one end come in at the other (``numpy.roll``).

    .. math:: y_{(i + s) \bmod n} = x_i

    ``shift`` and ``axis`` are ints, or tuples that broadcast with each other; ``axis`` None rolls
    all entries as one row. Raises AxisError, ShapeError for tuples of different lengths.

    >>> import autodiff as ad
    >>> ad.roll(ad.tensor([1.0, 2.0, 3.0]), 1)
    Tensor([3., 1., 2.])
    """
    x = as_array(x)
    if axis is None:
        if np.ndim(shift):
            raise AxisError(f"roll: several shifts {shift!r} need as many axes, got axis None")
        return reshape(roll(ravel(x), shift, 0), x.shape)
    shifts, axes = as_shape("roll", shift, "shift"), as_shape("roll", axis, "axis")
    if len({len(shifts), len(axes), 1}) > 2:
        raise ShapeError(f"roll: {len(shifts)} shifts for {len(axes)} axes (expected as many)")
    total = dict.fromkeys((normalize_axis("roll", a, x.ndim) for a in axes), 0)
    for k in range(max(len(shifts), len(axes))):
        a = normalize_axis("roll", axes[k % len(axes)], x.ndim)
        total[a] += shifts[k % len(shifts)]
    for a, s in total.items():
        s %= max(x.shape[a], 1)
        if s:
            parts = [x[along(a, slice(-s, None))], x[along(a, slice(-s))]]
            x = concatenate(parts, axis=a)
    return x


@public
def rollaxis(x: Any, axis: int, start: int = 0) -> Any:
    """Move an axis back until it stands before ``start`` (``numpy.rollaxis``; see ``moveaxis``).

    Raises AxisError for positions that ``x`` does not have.

    >>> import autodiff as ad
    >>> ad.rollaxis(ad.zeros((2, 3, 4)), 2).shape
    (4, 2, 3)
    """
    x = as_array(x)
    axis = normalize_axis("rollaxis", axis, x.ndim)
    start = normalize_axis("rollaxis", start, x.ndim + 1) if start >= 0 else start + x.ndim
    return moveaxis(x, axis, start - 1 if axis < start else start)


@public
def rot90(x: Any, k: int = 1, axes: Any = (0, 1)) -> Any:
    """Turn the plane of two axes by 90 degrees, ``k`` times, from the first axis to the second.

    Raises AxisError for axes that ``x`` does not have or that are one. As ``numpy.rot90``.

    >>> import autodiff as ad
    >>> ad.rot90(ad.tensor([[1.0, 2.0], [3.0, 4.0]]))
    Tensor([[2., 4.],
            [1., 3.]])
    """
    x = as_array(x)
    first, second = normalize_axes("rot90", tuple(axes), x.ndim)
    k %= 4
    if k == 2:
        return flip(x, (first, second))
    if k == 1:
        x = flip(x, second)
    if k:
        x = swapaxes(x, first, second)
    return flip(x, second) if k == 3 else x


@public
def fliplr(x: Any) -> Any:
    """Reverse the second axis (``numpy.fliplr``). Raises AxisError where there is none.

    >>> import autodiff as ad
    >>> ad.fliplr(ad.tensor([[1.0, 2.0]]))
    Tensor([[2., 1.]])
    """
    return flip(x, 1)


@public
def flipud(x: Any) -> Any:
    """Reverse the first axis (``numpy.flipud``). Raises AxisError where there is none.

    >>> import autodiff as ad
    >>> ad.flipud(ad.tensor([1.0, 2.0]))
    Tensor([2., 1.])
    """
    return flip(x, 0)


@public
def matrix_transpose(x: Any, /) -> Any:
    r"""Exchange the last two axes (``numpy.matrix_transpose``).

    .. math:: y_{\ldots ij} = x_{\ldots ji}

    Raises AxisError where there are fewer than two.

    >>> import autodiff as ad
    >>> ad.matrix_transpose(ad.zeros((2, 3, 4))).shape
    (2, 4, 3)
    """
    return swapaxes(x, -1, -2)


@public
def tile(x: Any, reps: Any) -> Any:
    r"""Repeat a whole array along axes (``numpy.tile``).

    .. math:: y_i = x_{i \bmod n}

    ``reps`` is an int or a tuple; the shorter of it and the shape gets ones in front. Raises
    ShapeError for a negative number.

    >>> import autodiff as ad
    >>> ad.tile(ad.tensor([1.0, 2.0]), 2)
    Tensor([1., 2., 1., 2.])
    """
    x, counts = as_array(x), as_shape("tile", reps, "reps")
    if min(counts, default=0) < 0:
        raise ShapeError(f"tile: reps are not negative, got {reps!r}")
    ndim = max(x.ndim, len(counts))
    sizes = (1,) * (ndim - x.ndim) + x.shape
    counts = (1,) * (ndim - len(counts)) + counts
    split = [n for size in sizes for n in (1, size)]
    full = [n for pair in zip(counts, sizes, strict=True) for n in pair]
    repeated = broadcast_to(reshape(x, split), full)
    return reshape(repeated, [c * n for c, n in zip(counts, sizes, strict=True)])


@public
def repeat(x: Any, repeats: Any, axis: int | None = None) -> Any:
    r"""Repeat each entry along an axis (``numpy.repeat``).

    .. math:: y = (x_0, \dots, x_0, x_1, \dots, x_1, \dots)

    ``repeats`` is an int, or one for each entry of the axis; ``axis`` None takes all entries as one
    row. Raises AxisError, ShapeError for another number of repeats or a negative one.

    >>> import autodiff as ad
    >>> ad.repeat(ad.tensor([1.0, 2.0]), [1, 2])
    Tensor([1., 2., 2.])
    """
    x = as_array(x)
    if axis is None:
        x, axis = ravel(x), 0
    axis = normalize_axis("repeat", axis, x.ndim)
    counts = values_of(repeats)
    if counts.dtype.kind not in "iu":
        raise DTypeError(f"repeat: repeats are integers, got {repeats!r}")
    if counts.size and counts.min() < 0:
        raise ShapeError(f"repeat: repeats are not negative, got {repeats!r}")
    if counts.size == 1:
        n = int(counts.ravel()[0])
        wide = broadcast_to(
            expand_dims(x, axis + 1), (*x.shape[: axis + 1], n, *x.shape[axis + 1 :])
        )
        return reshape(wide, (*x.shape[:axis], x.shape[axis] * n, *x.shape[axis + 1 :]))
    if counts.shape != (x.shape[axis],):
        raise ShapeError(
            f"repeat: repeats of shape {counts.shape} for axis {axis} of shape {x.shape} (expected "
            "one number, or one for each entry)"
        )
    return take(x, np.repeat(np.arange(x.shape[axis]), counts), axis)


def _each(function: Any, arrays: tuple[Any, ...]) -> Any:
    done = tuple([function(as_array(x)) for x in arrays])
    return done[0] if len(done) == 1 else done


@public
def atleast_1d(*arrays: Any) -> Any:
    """Each array with one axis at least (``numpy.atleast_1d``); a tuple of them for several.

    >>> import autodiff as ad
    >>> ad.atleast_1d(ad.tensor(1.0))
    Tensor([1.])
    """
    return _each(lambda x: x if x.ndim else reshape(x, 1), arrays)


@public
def atleast_2d(*arrays: Any) -> Any:
    """Each array with two axes at least, new ones in front (``numpy.atleast_2d``).

    >>> import autodiff as ad
    >>> ad.atleast_2d(ad.tensor([1.0, 2.0])).shape
    (1, 2)
    """
    return _each(lambda x: reshape(x, (1,) * (2 - x.ndim) + x.shape) if x.ndim < 2 else x, arrays)


@public
def atleast_3d(*arrays: Any) -> Any:
    """Each array with three axes at least: (n) becomes (1, n, 1), (m, n) becomes (m, n, 1).

    As ``numpy.atleast_3d``.

    >>> import autodiff as ad
    >>> ad.atleast_3d(ad.tensor([1.0, 2.0])).shape
    (1, 2, 1)
    """

    def deep(x: Any) -> Any:
        if x.ndim > 2:
            return x
        shape = (1, *x.shape, 1)[-3:] if x.ndim == 1 else (*x.shape, 1) if x.ndim else (1, 1, 1)
        return reshape(x, shape)

    return _each(deep, arrays)


@public
def broadcast_arrays(*arrays: Any) -> tuple[Any, ...]:
    """The arrays, each repeated to their common shape (``numpy.broadcast_arrays``).

    Raises ShapeError where the shapes do not fit.

    >>> import autodiff as ad
    >>> [x.shape for x in ad.broadcast_arrays(ad.zeros((2, 1)), ad.zeros(3))]
    [(2, 3), (2, 3)]
    """
    operands = [as_array(x) for x in arrays]
    try:
        shape = np.broadcast_shapes(*(x.shape for x in operands))
    except ValueError:
        shown = " and ".join(str(x.shape) for x in operands)
        raise ShapeError(f"broadcast_arrays: shapes do not broadcast: {shown}") from None
    return tuple([broadcast_to(x, shape) for x in operands])


@public
def meshgrid(*arrays: Any, indexing: str = "xy", sparse: bool = False) -> tuple[Any, ...]:
    r"""Coordinates of a grid from those along its axes (``numpy.meshgrid``).

    .. math:: (y_k)_{i_0 i_1 \ldots} = (x_k)_{i_k}

    ``indexing`` "xy" exchanges the first two axes; ``sparse`` leaves axes of size 1 in place of
    repeated entries. Raises ValueError for another ``indexing``.

    >>> import autodiff as ad
    >>> [y.shape for y in ad.meshgrid(ad.zeros(2), ad.zeros(3), indexing="ij")]
    [(2, 3), (2, 3)]
    """
    if indexing not in ("xy", "ij"):
        raise ValueError(f"meshgrid: indexing is 'xy' or 'ij', got {indexing!r}")
    count = len(arrays)
    places = list(range(count))
    if indexing == "xy" and count > 1:
        places[:2] = 1, 0
    grids = []
    for x, place in zip(map(as_array, arrays), places, strict=True):
        shape = [1] * count
        shape[place] = math.prod(x.shape)
        grids.append(reshape(x, shape))
    return tuple(grids) if sparse else broadcast_arrays(*grids)


@public
def permute_dims(x: Any, axes: Any = None) -> Any:
    """``transpose`` by its array API name (``numpy.permute_dims``).

    >>> import autodiff as ad
    >>> ad.permute_dims(ad.zeros((2, 3, 4)), (2, 0, 1)).shape
    (4, 2, 3)
    """
    return transpose(x, axes)
