"""Indexing as NumPy has it, and its transpose.

The primitives are ``getitem`` and ``scatter`` (its transpose: add into zeros); the functional
update stands in ``update``, and how brackets become a pattern and integer arrays in ``pattern``.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from autodiff.errors import DTypeError, ShapeError, normalize_axis
from autodiff.families import Linear
from autodiff.node import Aval, Node
from autodiff.ops.movement import as_array, broadcast_to, reshape, transpose
from autodiff.ops.pattern import (
    ARRAY,
    FULL,
    Pattern,
    Slice,
    batched,
    explain,
    flat_positions,
    layout,
    native,
    parse,
)
from autodiff.primitive import Bound, Case, In
from autodiff.registry import FUNCTIONS, PRIMITIVES, public
from autodiff.tensor import Tensor, apply

__all__ = ["getitem", "take", "take_along_axis"]

_ROWS = np.array([2, 0, 2])
_GRID = np.array([[0], [-1]])


class GetItem(Linear):
    """Entries of ``x`` at an index; see ``ad.getitem``.

    Operands: ``x``, then the integer arrays of the index, in order. ``index`` is a pattern (see
    ``pattern``).
    """

    name = "getitem"
    arguments = None
    selects = True
    cases = (
        Case((In((4, 3)),), {"index": (1,)}),
        Case((In((4, 3)),), {"index": (-1, 2)}),
        Case((In((4, 3)),), {"index": (Slice(1, None, 2), None, Ellipsis)}),
        Case((In((4, 3)),), {"index": (Slice(None, None, -1), Slice(3, 0, -2))}),
        Case((In((4, 3)), _ROWS), {"index": (ARRAY,)}),
        Case((In((2, 4, 3)), _GRID, _ROWS), {"index": (Slice(), ARRAY, ARRAY)}),
        Case((In((4, 2, 3)), _GRID, _ROWS), {"index": (ARRAY, Slice(), ARRAY)}),
        Case((In((3, 2, 3)), _ROWS), {"index": (0, Slice(), ARRAY)}),
        Case((In((4, 3)), np.array(2)), {"index": (Ellipsis, ARRAY)}),
        Case((In((4, 3)), np.zeros(0, np.intp)), {"index": (ARRAY,)}),
        Case((In((0, 3)),), {"index": (Slice(), 1)}),
        Case((In(()),), {"index": ()}),
        Case((In(()),), {"index": (None, Ellipsis)}),
    )
    errors = (
        (Case((In((4, 3)),), {"index": (4,)}), IndexError, "axis 0 of an operand of shape (4, 3)"),
        (Case((In((4, 3)), np.array([0, -5])), {"index": (ARRAY,)}), IndexError, "index -5 is out"),
        (Case((In((4,)),), {"index": (0, 0)}), IndexError, "too many indices: 2"),
        (Case((In((4, 3)), _ROWS, _ROWS[:2]), {"index": (ARRAY, ARRAY)}), IndexError, "broadcast"),
    )

    @staticmethod
    def kernel(x: Any, *arrays: Any, index: Pattern) -> Any:
        try:
            return x[native(index, arrays)]
        except IndexError:
            explain("getitem", x.shape, index, arrays)
            raise

    def infer(self, x: Any, *arrays: Any, index: Pattern) -> Aval:
        return Aval(layout("getitem", x.shape, index, arrays).shape, x.dtype)

    def variadic(self, count: int) -> tuple[Bound | None, ...]:
        def transposed(g: Any, x_aval: Any, *arrays: Any, index: Pattern) -> Any:
            return _scatter(g, *arrays, index=index, shape=x_aval.shape)

        rule = Bound(transposed, (-2, *range(1, count)), exact=True)
        return (rule, *(None,) * (count - 1))

    @staticmethod
    def add_pulled(total: Any, g: Any, node: Node) -> None:
        # Scattered into zeros of its own, each row that is read of a table would cost the table.
        _add_at(total, g, node.kept[1:], node.params["index"])

    def batch(self, mapped: tuple[bool, ...], x: Any, *arrays: Any, index: Pattern) -> Any:
        shape = x.shape[1:] if mapped[0] else x.shape
        size = x.shape[0] if mapped[0] else arrays[mapped.index(True) - 1].shape[0]
        pattern, found, axes = batched(shape, index, arrays, mapped[1:], mapped[0], size)
        return transpose(apply(self, x, *found, index=pattern), axes)


class Scatter(Linear):
    """Zeros of ``shape`` with ``g`` added at an index: the transpose of ``getitem``.

    Entries that meet in one place add up. Operands: ``g`` of the shape of ``x[index]``, then the
    integer arrays.

    >>> import autodiff as ad
    >>> x = ad.tensor([5.0, 6.0, 7.0], requires_grad=True)
    >>> ad.gradients(x[[0, 2, 2]], x, cotangents=[1.0, 2.0, 3.0])
    Tensor([1., 0., 5.])
    """

    name = "scatter"
    arguments = None
    cases = (
        Case((In((3,)),), {"index": (1,), "shape": (4, 3)}),
        Case((In((2, 1, 3)),), {"index": (Slice(1, None, 2), None), "shape": (4, 3)}),
        Case((In((4, 2)),), {"index": (Slice(None, None, -1), Slice(3, 0, -1)), "shape": (4, 3)}),
        Case((In((3, 3)), _ROWS), {"index": (ARRAY,), "shape": (4, 3)}),
        Case((In((2, 2, 3)), _GRID, _ROWS), {"index": (Slice(), ARRAY, ARRAY), "shape": (2, 4, 3)}),
        Case((In((2, 3, 2)), _GRID, _ROWS), {"index": (ARRAY, Slice(), ARRAY), "shape": (4, 2, 3)}),
        Case((In((4,)), np.array(2)), {"index": (Ellipsis, ARRAY), "shape": (4, 3)}),
        Case((In((0, 3)), np.zeros(0, np.intp)), {"index": (ARRAY,), "shape": (4, 3)}),
        Case((In(()),), {"index": (), "shape": ()}),
    )
    errors = (
        (Case((In((2,)),), {"index": (0,), "shape": (4, 3)}), ShapeError, "have shape (3,)"),
        (Case((In((3,)),), {"index": (4,), "shape": (4, 3)}), IndexError, "index 4 is out"),
    )

    @staticmethod
    def kernel(g: Any, *arrays: Any, index: Pattern, shape: tuple[int, ...]) -> Any:
        result = np.zeros(shape, g.dtype)
        _add_at(result, g, arrays, index)
        return result

    def infer(self, g: Any, *arrays: Any, index: Pattern, shape: tuple[int, ...]) -> Aval:
        selected = layout("scatter", shape, index, arrays).shape
        if selected != g.shape:
            raise ShapeError(
                f"scatter: {g!r} does not fit: the selected entries of an operand of shape {shape} "
                f"have shape {selected}"
            )
        return Aval(shape, g.dtype)

    def variadic(self, count: int) -> tuple[Bound | None, ...]:
        def transposed(g: Any, *arrays: Any, index: Pattern, shape: tuple[int, ...]) -> Any:
            return apply(PRIMITIVES["getitem"], g, *arrays, index=index)

        rule = Bound(transposed, tuple(range(1, count)), exact=True)
        return (rule, *(None,) * (count - 1))

    def batch(
        self,
        mapped: tuple[bool, ...],
        g: Any,
        *arrays: Any,
        index: Pattern,
        shape: tuple[int, ...],
    ) -> Any:
        size = (g, *arrays)[mapped.index(True)].shape[0]
        if not mapped[0]:
            g = broadcast_to(g, (size, *g.shape))
        pattern, found, axes = batched(shape, index, arrays, mapped[1:], True, size)
        g = transpose(g, tuple(map(axes.index, range(len(axes)))))
        return apply(self, g, *found, index=pattern, shape=(size, *shape))


def _add_at(total: Any, g: Any, arrays: Any, index: Pattern) -> None:
    """Add ``g`` into the contiguous array ``total`` at an index, also where entries meet."""
    if not arrays:
        selected = total[native(index, ())]
        if selected.shape != g.shape:
            raise ShapeError("scatter: another shape than the selected entries have")
        if selected.shape:
            selected += g
        else:
            total[native(index, ())] += g
        return
    # One-dimensional `add.at` is NumPy's fast path: 4096 float32 rows of 64 take a third of
    # the time of `add.at` on rows, of sorting with `add.reduceat`, or of `bincount`.
    places = flat_positions(total.shape, index, arrays)
    if places.shape != g.shape:
        raise ShapeError("scatter: another shape than the selected entries have")
    np.add.at(total.reshape(-1), places.ravel(), g.ravel())


def _scatter(g: Any, *arrays: Any, index: Pattern, shape: tuple[int, ...]) -> Any:
    return apply(PRIMITIVES["scatter"], g, *arrays, index=index, shape=shape)


@public
def getitem(x: Any, index: Any, /) -> Any:
    r"""Entries of ``x`` at an index; ``x[index]`` on a Tensor.

    .. math:: y_i = x_{\mathrm{index}(i)}

    All of NumPy's indexing: integers, slices, None, ``...``, integer arrays, boolean masks, and
    their mixtures. Entries that the index leaves out have no gradient; those that it takes twice
    have the sum.

    Parameters
    ----------
    x : array_like
    index : int, slice, None, Ellipsis, array_like of int or bool, or a tuple of them
        Tensors of integers or bools too.

    Raises
    ------
    IndexError
        Out of bounds, more indices than axes, a mask of another shape, an index that is no integer.

    Reference: NumPy user guide, "Indexing on ndarrays".

    >>> import autodiff as ad
    >>> x = ad.tensor([1.0, 2.0, 3.0], requires_grad=True)
    >>> ad.gradients(x[[0, 2, 2]].sum(), x)
    Tensor([1., 0., 2.])
    """
    x = as_array(x)
    pattern, arrays, shape = parse("getitem", index, x.shape)
    if shape != x.shape:
        x = reshape(x, shape)
    return apply(PRIMITIVES["getitem"], x, *arrays, index=pattern)


def _integers(name: str, indices: Any) -> Any:
    array = indices if isinstance(indices, Tensor) else np.asarray(indices)
    if array.size == 0 and not isinstance(indices, (Tensor, np.ndarray)):
        return array.astype(np.intp)
    if array.dtype.kind not in "iu":
        raise DTypeError(f"{name}: indices are integers, got {array.dtype}; use astype(int)")
    return indices if isinstance(indices, Tensor) else array


@public
def take(x: Any, indices: Any, axis: int | None = None, *, mode: str = "raise") -> Any:
    r"""Entries of ``x`` at integer positions along one axis (as ``numpy.take``).

    .. math:: y_{\ldots i \ldots} = x_{\ldots \mathrm{indices}_i \ldots}

    Parameters
    ----------
    x : array_like
    indices : array_like of int
        Of any shape, which takes the axis' place in the result.
    axis : int, optional
        Without it, of ``x`` flattened.
    mode : {"raise", "wrap", "clip"}
        What becomes of positions out of bounds.

    Raises
    ------
    DTypeError, AxisError, IndexError

    >>> import autodiff as ad
    >>> ad.take(ad.tensor([[1.0, 2.0], [3.0, 4.0]]), [1, 1], axis=1)
    Tensor([[2., 2.],
            [4., 4.]])
    """
    x = as_array(x)
    if axis is None:
        x, axis = reshape(x, -1), 0
    axis = normalize_axis("take", axis, x.ndim)
    found = _integers("take", indices)
    if mode == "wrap":
        found = found % x.shape[axis]
    elif mode == "clip":
        found = FUNCTIONS["clip"](found, 0, x.shape[axis] - 1)
    elif mode != "raise":
        raise ValueError(f"take: mode is 'raise', 'wrap' or 'clip', got {mode!r}")
    return apply(PRIMITIVES["getitem"], x, found, index=(*(FULL,) * axis, ARRAY))


@public
def take_along_axis(x: Any, indices: Any, axis: int | None = -1) -> Any:
    r"""Match ``indices`` with ``x`` in all axes but one, and pick along that one (as NumPy's
    function).

    .. math:: y_{i j k} = x_{i\, \mathrm{indices}_{ijk}\, k} \quad (\mathrm{axis} = 1)

    Parameters
    ----------
    x : array_like
    indices : array_like of int
        Of as many axes as ``x``; the others broadcast with those of ``x``.
    axis : int, optional
        None: of both flattened.

    Raises
    ------
    ShapeError, DTypeError, AxisError, IndexError

    >>> import autodiff as ad
    >>> ad.take_along_axis(ad.tensor([[1.0, 2.0], [3.0, 4.0]]), [[1], [0]], axis=1)
    Tensor([[2.],
            [3.]])
    """
    x, found = as_array(x), _integers("take_along_axis", indices)
    if axis is None:
        x, found, axis = reshape(x, -1), reshape(found, -1), 0
    axis = normalize_axis("take_along_axis", axis, x.ndim)
    others = list(zip(x.shape, found.shape, strict=False))
    fits = all(n == m or 1 in (n, m) for i, (n, m) in enumerate(others) if i != axis)
    if found.ndim != x.ndim or not fits:
        raise ShapeError(
            f"take_along_axis: indices of shape {found.shape} do not match x of shape {x.shape} in "
            "all "
            f"axes but {axis} (expected as many axes, of equal sizes or 1)"
        )
    places: list[Any] = [
        np.arange(n).reshape((n,) + (1,) * (x.ndim - 1 - i)) for i, n in enumerate(x.shape)
    ]
    places[axis] = found
    return apply(PRIMITIVES["getitem"], x, *places, index=(ARRAY,) * x.ndim)
