"""Assembly: stacks, blocks and splits by NumPy's other names; entries inserted and removed."""

from __future__ import annotations

from typing import Any

import numpy as np

from autodiff.errors import DTypeError, ShapeError, normalize_axis
from autodiff.ops.arrangement import atleast_1d, atleast_2d, atleast_3d
from autodiff.ops.elementwise import astype
from autodiff.ops.indexing import take
from autodiff.ops.joining import concatenate, split
from autodiff.ops.movement import (
    along,
    as_array,
    broadcast_to,
    moveaxis,
    operands_of,
    ravel,
    reshape,
    transpose,
    values_of,
)
from autodiff.registry import public

__all__ = [
    "append",
    "block",
    "column_stack",
    "delete",
    "dsplit",
    "dstack",
    "hsplit",
    "hstack",
    "insert",
    "unstack",
    "vsplit",
    "vstack",
]


def _typed(arrays: list[Any], dtype: Any) -> list[Any]:
    return arrays if dtype is None else [astype(x, dtype) for x in arrays]


@public
def vstack(arrays: Any, *, dtype: Any = None) -> Any:
    """Arrays one below the other: rows, or arrays joined along the first axis (``numpy.vstack``).

    Raises ShapeError for sizes that differ.

    >>> import autodiff as ad
    >>> ad.vstack([ad.tensor([1.0, 2.0]), [3.0, 4.0]])
    Tensor([[1., 2.],
            [3., 4.]])
    """
    return concatenate(_typed([atleast_2d(x) for x in operands_of("vstack", arrays)], dtype))


@public
def hstack(arrays: Any, *, dtype: Any = None) -> Any:
    """Arrays side by side: along the second axis, vectors along their only one (``numpy.hstack``).

    Raises ShapeError for sizes that differ.

    >>> import autodiff as ad
    >>> ad.hstack([ad.tensor([1.0, 2.0]), [3.0]])
    Tensor([1., 2., 3.])
    """
    operands = _typed([atleast_1d(x) for x in operands_of("hstack", arrays)], dtype)
    return concatenate(operands, axis=0 if operands[0].ndim == 1 else 1)


@public
def dstack(arrays: Any) -> Any:
    """Arrays joined along the third axis (``numpy.dstack``). Raises ShapeError.

    >>> import autodiff as ad
    >>> ad.dstack([ad.tensor([1.0, 2.0]), [3.0, 4.0]]).shape
    (1, 2, 2)
    """
    return concatenate([atleast_3d(x) for x in operands_of("dstack", arrays)], axis=2)


@public
def column_stack(arrays: Any) -> Any:
    """Vectors as columns beside each other, or beside matrices (``numpy.column_stack``).

    Raises ShapeError for sizes that differ.

    >>> import autodiff as ad
    >>> ad.column_stack([ad.tensor([1.0, 2.0]), [3.0, 4.0]])
    Tensor([[1., 3.],
            [2., 4.]])
    """
    operands = operands_of("column_stack", arrays)
    return concatenate([x if x.ndim > 1 else transpose(atleast_2d(x)) for x in operands], axis=1)


def _depth(blocks: Any) -> int:
    return 1 + max((_depth(b) for b in blocks), default=0) if isinstance(blocks, list) else 0


def _rank(blocks: Any) -> int:
    if isinstance(blocks, list):
        return max((_rank(b) for b in blocks), default=0)
    return as_array(blocks).ndim


@public
def block(arrays: Any) -> Any:
    """An array from nested lists of blocks: the innermost are joined along the last axis.

    Blocks with fewer axes than others get new ones in front. Raises ShapeError for lists of
    different depths, an empty list, or sizes that do not fit. As ``numpy.block``.

    >>> import autodiff as ad
    >>> a = ad.tensor([[1.0]])
    >>> ad.block([[a, ad.zeros((1, 2))], [ad.zeros((2, 1)), ad.eye(2)]]).shape
    (3, 3)
    """
    depth = _depth(arrays)
    ndim = max(_rank(arrays), depth)

    def join(blocks: Any, level: int) -> Any:
        if isinstance(blocks, list) != (level < depth):
            raise ShapeError(f"block: lists of different depths (expected {depth} everywhere)")
        if not isinstance(blocks, list):
            x = as_array(blocks)
            return reshape(x, (1,) * (ndim - x.ndim) + x.shape)
        if not blocks:
            raise ShapeError("block: expected at least one array, got an empty list")
        return concatenate([join(b, level + 1) for b in blocks], axis=ndim - depth + level)

    return join(arrays, 0)


@public
def append(x: Any, values: Any, axis: int | None = None) -> Any:
    """Values after an array: ``concatenate([x, values], axis)`` (``numpy.append``).

    Raises ShapeError for sizes that differ, AxisError.

    >>> import autodiff as ad
    >>> ad.append(ad.tensor([1.0, 2.0]), [[3.0]])
    Tensor([1., 2., 3.])
    """
    return concatenate([x, values], axis)


def _along(x: Any, axis: int | None, name: str) -> tuple[Any, int]:
    x = as_array(x)
    return (ravel(x), 0) if axis is None else (x, normalize_axis(name, axis, x.ndim))


@public
def delete(x: Any, obj: Any, axis: int | None = None) -> Any:
    """An array without the entries at ``obj`` along an axis (``numpy.delete``).

    ``obj`` is an integer, a slice, integers, or a mask. ``axis`` None takes all entries as one row.
    The entries left out have no gradient. Raises AxisError, IndexError.

    >>> import autodiff as ad
    >>> ad.delete(ad.tensor([1.0, 2.0, 3.0]), 1)
    Tensor([1., 3.])
    """
    x, axis = _along(x, axis, "delete")
    places = obj if isinstance(obj, slice) else values_of(obj)
    return take(x, np.delete(np.arange(x.shape[axis]), places), axis)


@public
def insert(x: Any, obj: Any, values: Any, axis: int | None = None) -> Any:
    """An array with values before the positions ``obj`` along an axis (``numpy.insert``).

    ``obj`` is an integer, a slice or integers, of the array as it was; ``values`` broadcast into
    the new places and are cast to the dtype of ``x``. Raises AxisError, IndexError, ShapeError.

    >>> import autodiff as ad
    >>> ad.insert(ad.tensor([1.0, 2.0]), 1, 9.0)
    Tensor([1., 9., 2.])
    """
    x, axis = _along(x, axis, "insert")
    values = astype(as_array(values), x.dtype)
    where = np.arange(x.shape[axis])[obj] if isinstance(obj, slice) else values_of(obj)
    n = x.shape[axis]
    if where.dtype.kind == "b":
        where = np.flatnonzero(where)
    if where.size and where.dtype.kind not in "iu":
        raise DTypeError(f"insert: positions are integers, got {where.dtype}")
    if values.ndim < x.ndim:
        values = reshape(values, (1,) * (x.ndim - values.ndim) + values.shape)
    if where.ndim == 0:
        # The first axis of the values is the one to insert along.
        values = moveaxis(values, 0, axis)
    count = values.shape[axis] if where.size == 1 else where.size
    shape = (*x.shape[:axis], count, *x.shape[axis + 1 :])
    values = broadcast_to(values, shape)
    # NumPy's own insertion of positions says which entry goes where.
    places = where.ravel()[0] if where.size == 1 else where.astype(np.intp)
    order = np.insert(np.arange(n), places, n + np.arange(count))
    return take(concatenate([x, values], axis), order, axis)


@public
def unstack(x: Any, /, *, axis: int = 0) -> tuple[Any, ...]:
    """The arrays that stand side by side along an axis: undoes ``stack`` (``numpy.unstack``).

    Raises AxisError, also for a scalar.

    >>> import autodiff as ad
    >>> ad.unstack(ad.tensor([[1.0, 2.0], [3.0, 4.0]]))
    (Tensor([1., 2.]), Tensor([3., 4.]))
    """
    x = as_array(x)
    axis = normalize_axis("unstack", axis, x.ndim)
    return tuple([x[along(axis, i)] for i in range(x.shape[axis])])


def _split(name: str, x: Any, indices_or_sections: Any, axis: int, least: int) -> list[Any]:
    x = as_array(x)
    if x.ndim < least:
        raise ShapeError(f"{name}: expected at least {least} axes, got shape {x.shape}")
    return split(x, indices_or_sections, axis)


@public
def hsplit(x: Any, indices_or_sections: Any) -> list[Any]:
    """``split`` along the second axis, of a vector along its only one (``numpy.hsplit``).

    >>> import autodiff as ad
    >>> ad.hsplit(ad.tensor([1.0, 2.0]), 2)
    [Tensor([1.]), Tensor([2.])]
    """
    return _split("hsplit", x, indices_or_sections, 0 if as_array(x).ndim == 1 else 1, 1)


@public
def vsplit(x: Any, indices_or_sections: Any) -> list[Any]:
    """``split`` along the first of two axes or more (``numpy.vsplit``).

    >>> import autodiff as ad
    >>> [part.shape for part in ad.vsplit(ad.zeros((4, 3)), [1])]
    [(1, 3), (3, 3)]
    """
    return _split("vsplit", x, indices_or_sections, 0, 2)


@public
def dsplit(x: Any, indices_or_sections: Any) -> list[Any]:
    """``split`` along the third axis (``numpy.dsplit``).

    >>> import autodiff as ad
    >>> [part.shape for part in ad.dsplit(ad.zeros((1, 2, 4)), 2)]
    [(1, 2, 2), (1, 2, 2)]
    """
    return _split("dsplit", x, indices_or_sections, 2, 3)
