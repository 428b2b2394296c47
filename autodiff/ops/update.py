"""The functional update: an array with other entries at an index, as a new array."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from autodiff.batched import Batched
from autodiff.errors import DTypeError, ShapeError
from autodiff.families import Linear
from autodiff.node import SCALARS, Aval
from autodiff.ops.movement import as_array, broadcast_to, reshape, transpose
from autodiff.ops.pattern import (
    ARRAY,
    Pattern,
    Slice,
    batched,
    broadcast_selected,
    explain,
    layout,
    native,
    parse,
)
from autodiff.ops.selection import where
from autodiff.primitive import Bound, Case, In
from autodiff.registry import PRIMITIVES, public
from autodiff.tensor import Tensor, apply, raw

__all__ = ["setitem"]

_ROWS = np.array([2, 0, 2])
_GRID = np.array([[0], [-1]])


class SetItem(Linear):
    """``x`` with other entries at an index; see ``ad.setitem``.

    Operands: ``x``, ``v``, then the integer arrays of the index. Linear in ``x`` and ``v``
    together. Where an index names an entry twice, the last write (in C order) stays, and only it
    has a gradient.
    """

    name = "setitem"
    arguments = None
    selects = True
    broadcasts = True
    cases = (
        Case((In((4, 3)), In((3,))), {"index": (1,)}),
        Case((In((4, 3)), In(())), {"index": (Slice(None, None, 2),)}),
        Case((In((4, 3)), In((2, 1))), {"index": (Slice(1, 3), Slice(None, None, -1))}),
        Case((In((4, 3)), In((3, 3)), _ROWS), {"index": (ARRAY,)}),
        Case((In((4, 3)), In((1, 3)), _ROWS), {"index": (ARRAY,)}),
        Case((In((2, 4, 3)), In((2, 3)), _GRID, _ROWS), {"index": (Slice(), ARRAY, ARRAY)}),
        Case((In((4, 2, 3)), In((2, 3, 2)), _GRID, _ROWS), {"index": (ARRAY, Slice(), ARRAY)}),
        Case((In((4, 3)), In((0, 3)), np.zeros(0, np.intp)), {"index": (ARRAY,)}),
        Case((In(()), In(())), {"index": ()}),
    )
    errors = (
        (Case((In((4, 3)), In((2,))), {"index": (0,)}), ShapeError, "have shape (3,)"),
        (Case((np.arange(3), In(())), {"index": (0,)}), DTypeError, "astype"),
        (Case((In((4, 3)), In(())), {"index": (4,)}), IndexError, "index 4 is out"),
    )

    @staticmethod
    def kernel(x: Any, v: Any, *arrays: Any, index: Pattern) -> Any:
        _check_kinds(x.dtype, np.asarray(v).dtype)
        result = np.array(x)
        try:
            _write(result, native(index, arrays), v)
        except IndexError:
            explain("setitem", x.shape, index, arrays)
            raise
        return result

    def infer(self, x: Any, v: Any, *arrays: Any, index: Pattern) -> Aval:
        _check_kinds(x.dtype, np.dtype(v.dtype))
        selected = layout("setitem", x.shape, index, arrays).shape
        broadcast_selected("setitem", selected, v.shape)
        return Aval(x.shape, x.dtype)

    def variadic(self, count: int) -> tuple[Bound | None, ...]:
        def kept(g: Any, *arrays: Any, index: Pattern) -> Any:
            return apply(PRIMITIVES["setitem"], g, 0, *arrays, index=index)

        def written(g: Any, *arrays: Any, index: Pattern) -> Any:
            picked = apply(PRIMITIVES["getitem"], g, *arrays, index=index)
            stays = _last_writes(g.shape, arrays, index)
            return picked if stays is None else where(stays, picked, 0)

        arrays = tuple(range(2, count))
        rules = (Bound(kept, arrays, exact=True), Bound(written, arrays, exact=True))
        return (*rules, *(None,) * (count - 2))

    def batch(self, mapped: tuple[bool, ...], x: Any, v: Any, *arrays: Any, index: Pattern) -> Any:
        size = (x, v, *arrays)[mapped.index(True)].shape[0]
        x = x if mapped[0] else broadcast_to(x, (size, *x.shape))
        shape = x.shape[1:]
        pattern, found, axes = batched(shape, index, arrays, mapped[2:], True, size)
        own = [a.shape[1:] if m else a.shape for a, m in zip(arrays, mapped[2:], strict=True)]
        selected = layout("setitem", shape, index, [np.broadcast_to(0, s) for s in own]).shape
        if mapped[1]:
            v = reshape(v, (size,) + (1,) * (len(selected) + 1 - v.ndim) + v.shape[1:])
        v = transpose(broadcast_to(v, (size, *selected)), tuple(map(axes.index, range(len(axes)))))
        return apply(self, x, v, *found, index=pattern)


def _write(result: Any, index: tuple[Any, ...], value: Any) -> None:
    """Assign so that the last write in C order stays: NumPy's own order follows memory layout."""
    arrays = [i for i, part in enumerate(index) if type(part) is np.ndarray]
    if arrays and np.ndim(value):
        whole = np.broadcast_arrays(*[index[i] for i in arrays])
        parts = list(index)
        for i, array in zip(arrays, whole, strict=True):
            parts[i] = np.ascontiguousarray(array).reshape(array.shape)
        index, value = tuple(parts), np.array(value, order="C")
    result[index] = value


def _last_writes(shape: tuple[int, ...], arrays: tuple[Any, ...], index: Pattern) -> Any:
    """Which of the written entries stay; None where all do."""
    if not arrays:
        return None
    at = native(index, [raw(a) for a in arrays])
    # A write of serial numbers, through the same code, tells which of them stay.
    owner = np.zeros(shape, np.intp)
    size = owner[at].shape
    serials = np.arange(math.prod(size)).reshape(size)
    _write(owner, at, serials)
    stays = owner[at] == serials
    return None if stays.all() else stays


_ORDER = {"b": 0, "i": 1, "u": 1, "f": 2, "c": 3}


def _check_kinds(target: Any, value: Any) -> None:
    if _ORDER[value.kind] > _ORDER[target.kind]:
        raise DTypeError(
            f"setitem: {value} values do not fit into {target} without loss, and the result has "
            "the "
            f"dtype of x: write x.astype({value}) first, or astype({target}) on the value"
        )


def _by_mask(x: Any, mask: Any, value: Any) -> Any:
    """The update by a mask of each example's own; None where the mask decides what fits."""
    rest = x.ndim - mask.ndim
    fits = rest >= 0 and mask.shape == x.shape[: mask.ndim]
    if not fits or len(np.shape(raw(value))) > rest:
        return None
    if type(value) in SCALARS:
        value = np.asarray(value)
    _check_kinds(x.dtype, value.dtype)
    if rest:
        broadcast_selected("setitem", x.shape[mask.ndim :], value.shape)
    return where(reshape(mask, mask.shape + (1,) * rest), value.astype(x.dtype), x)


@public
def setitem(x: Any, index: Any, value: Any, /) -> Any:
    r"""A copy of ``x`` with ``value`` at an index; ``x[index] = value`` rebinds a Tensor to it.

    .. math:: y = x \ \text{except}\ y_{\mathrm{index}} = v

    Parameters
    ----------
    x : array_like
        The result has its shape and dtype.
    index
        As for ``getitem``.
    value : array_like
        Broadcast into the selected entries. Where the index names an entry twice, the last write
        stays and only it has a gradient.

    Raises
    ------
    IndexError
        As for ``getitem``.
    ShapeError
        The value does not broadcast into the selected entries.
    DTypeError
        The value would be truncated, as a float in an array of integers.

    >>> import autodiff as ad
    >>> ad.setitem(ad.tensor([1.0, 2.0, 3.0]), slice(1, None), 0.0)
    Tensor([1., 0., 0.])
    """
    x = as_array(x)
    value = value if isinstance(value, Tensor) or type(value) in SCALARS else as_array(value)
    if type(index) is Batched and index.dtype.kind == "b":
        written = _by_mask(x, index, value)
        if written is not None:
            return written
    pattern, arrays, shape = parse("setitem", index, x.shape)
    whole = x if shape == x.shape else reshape(x, shape)
    if len(np.shape(raw(value))) > 1:
        # NumPy drops leading axes of size 1 that the selected entries do not have.
        ndim = len(layout("setitem", shape, pattern, arrays).shape)
        extra = value.ndim - ndim
        if extra > 0 and value.shape[:extra] == (1,) * extra:
            value = reshape(value, value.shape[extra:])
    result = apply(PRIMITIVES["setitem"], whole, value, *arrays, index=pattern)
    return result if shape == x.shape else reshape(result, x.shape)
