"""Sorting along an axis, whole or in part."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from autodiff.errors import AxisError, ShapeError, normalize_axis
from autodiff.node import Aval
from autodiff.ops.accumulation import row_of
from autodiff.ops.indexing import take_along_axis
from autodiff.ops.movement import as_shape, flip, operands_of
from autodiff.primitive import Case, In, Primitive
from autodiff.registry import PRIMITIVES, public
from autodiff.tensor import apply

__all__ = ["argpartition", "argsort", "lexsort", "partition", "sort"]


class Argsort(Primitive):
    """The positions that sort an axis."""

    name = "argsort"
    differentiable = False
    kernel = staticmethod(lambda x, *, axis, stable: np.argsort(x, axis, stable=stable))
    vjp = (None,)
    jvp = (None,)
    cases = (
        Case((In((2, 3)),), {"axis": 1, "stable": True}),
        Case((In((4, 2)),), {"axis": 0, "stable": False}),
        Case((np.array([2.0, 1.0, 2.0, np.nan, 1.0]),), {"axis": 0, "stable": True}),
        Case((In((0, 2)),), {"axis": 0, "stable": True}),
    )
    errors = ((Case((In((2, 3)),), {"axis": 2, "stable": True}), AxisError, "axis 2"),)

    def infer(self, x: Any, *, axis: int, stable: bool) -> Aval:
        normalize_axis(self.name, axis, x.ndim)
        return Aval(x.shape, np.intp)

    def batch(self, mapped: tuple[bool, ...], x: Any, *, axis: int, stable: bool) -> Any:
        return apply(self, x, axis=axis + 1, stable=stable)


@public
def argsort(x: Any, axis: int | None = -1, *, stable: bool = True, descending: bool = False) -> Any:
    r"""Positions that put the entries along an axis into rising order.

    .. math:: x_{y_0} \le x_{y_1} \le \dots

    ``axis`` None sorts all entries as one row. With ``stable``, equal entries keep their order. NaN
    comes last, or with ``descending`` first. The dtype is int64: no gradient passes. Raises
    AxisError for an axis that ``x`` does not have. As ``numpy.argsort``,
    which is not stable by default.

    >>> import autodiff as ad
    >>> ad.argsort(ad.tensor([3.0, 1.0, 2.0]))
    Tensor([1, 2, 0])
    """
    x, axis = row_of("argsort", x, axis)
    if descending:
        # From the other end, so that equal entries keep their order.
        turned = apply(PRIMITIVES["argsort"], flip(x, axis), axis=axis, stable=bool(stable))
        return flip(x.shape[axis] - 1 - turned, axis)
    return apply(PRIMITIVES["argsort"], x, axis=axis, stable=bool(stable))


@public
def sort(x: Any, axis: int | None = -1, *, stable: bool = True, descending: bool = False) -> Any:
    r"""The entries along an axis in rising order.

    .. math:: y_k = x_{p_k}, \qquad \bar x_{p_k} = \bar y_k, \qquad p = \mathrm{argsort}(x)

    ``axis`` None sorts all entries as one row. Each gradient goes back to the entry it belongs to;
    entries that tie take theirs in order of position. The dtype is kept; NaN comes last. Raises
    AxisError for an axis that ``x`` does not have. The rules are those of ``numpy.sort``.

    >>> import autodiff as ad
    >>> x = ad.tensor([3.0, 1.0, 2.0], requires_grad=True)
    >>> y = ad.sort(x)
    >>> y.data, ad.gradients(y, x, cotangents=[1.0, 2.0, 3.0]).data
    (array([1., 2., 3.]), array([3., 1., 2.]))
    """
    x, axis = row_of("sort", x, axis)
    order = argsort(x, axis, stable=stable, descending=descending)
    return take_along_axis(x, order, axis)


@public
def lexsort(keys: Any, axis: int = -1) -> Any:
    """Positions that sort by several keys, the last one first (``numpy.lexsort``).

    ``keys`` are arrays of one shape, or the rows of one array. The sort is stable. No gradient
    passes. Raises ShapeError for keys of different shapes or none, AxisError.

    >>> import autodiff as ad
    >>> ad.lexsort((ad.tensor([1.0, 2.0, 0.0]), [1, 0, 1]))
    Tensor([1, 2, 0])
    """
    rows = operands_of("lexsort", keys)
    if len({x.shape for x in rows}) > 1:
        shown = ", ".join(str(x.shape) for x in rows)
        raise ShapeError(f"lexsort: keys of one shape, got {shown}")
    order = argsort(rows[0], axis)
    for key in rows[1:]:
        order = take_along_axis(order, argsort(take_along_axis(key, order, axis), axis), axis)
    return order


class Argpartition(Primitive):
    """The positions that put some entries of an axis where sorting would put them."""

    name = "argpartition"
    differentiable = False
    kernel = staticmethod(lambda x, *, kth, axis: np.argpartition(x, kth, axis))
    vjp = (None,)
    jvp = (None,)
    cases = (
        Case((In((2, 5)),), {"axis": 1, "kth": (2,)}),
        Case((In((4, 2)),), {"axis": 0, "kth": (0, 3)}),
    )
    errors = (
        (Case((In((3,)),), {"axis": 1, "kth": (0,)}), AxisError, "axis 1"),
        (Case((In((3,)),), {"axis": 0, "kth": (3,)}), ShapeError, "kth 3 is out of bounds"),
    )

    def infer(self, x: Any, *, kth: tuple[int, ...], axis: int) -> Aval:
        n = x.shape[normalize_axis(self.name, axis, x.ndim)]
        for k in kth:
            if not -n <= k < n:
                raise ShapeError(
                    f"argpartition: kth {k} is out of bounds for axis {axis} of shape {x.shape} "
                    f"(expected {-n} <= kth < {n})"
                )
        return Aval(x.shape, np.intp)

    def batch(self, mapped: tuple[bool, ...], x: Any, *, kth: Any, axis: int) -> Any:
        return apply(self, x, kth=kth, axis=axis + 1)


@public
def argpartition(x: Any, kth: Any, axis: int | None = -1) -> Any:
    r"""Positions that put entries ``kth`` where sorting would put them (``numpy.argpartition``).

    Smaller entries come before and larger ones after, in no order. ``kth`` is an int or several. No
    gradient passes. Raises AxisError, ShapeError for a ``kth`` that the axis does not have.

    >>> import autodiff as ad
    >>> ad.argpartition(ad.tensor([3.0, 1.0, 2.0]), 0)[0]
    Tensor(1)
    """
    x, axis = row_of("argpartition", x, axis)
    places = as_shape("argpartition", tuple(kth) if isinstance(kth, Iterable) else kth, "kth")
    return apply(PRIMITIVES["argpartition"], x, kth=places, axis=axis)


@public
def partition(x: Any, kth: Any, axis: int | None = -1) -> Any:
    r"""The entries along an axis with number ``kth`` where sorting would put it (``numpy``'s).

    Smaller entries come before and larger ones after, in no order. Each gradient goes back to the
    entry it belongs to. Raises AxisError, ShapeError for a ``kth`` that the axis does not have.

    >>> import autodiff as ad
    >>> ad.partition(ad.tensor([3.0, 1.0, 2.0]), 1)
    Tensor([1., 2., 3.])
    """
    x, axis = row_of("partition", x, axis)
    return take_along_axis(x, argpartition(x, kth, axis), axis)
