"""Sorting along an axis."""

from __future__ import annotations

from typing import Any

import numpy as np

from autodiff.errors import AxisError, normalize_axis
from autodiff.node import Aval
from autodiff.ops.indexing import take_along_axis
from autodiff.ops.movement import as_array, ravel
from autodiff.primitive import Case, In, Primitive
from autodiff.registry import PRIMITIVES, public
from autodiff.tensor import apply

__all__ = ["argsort", "sort"]


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
def argsort(x: Any, axis: int | None = -1, *, stable: bool = True) -> Any:
    r"""Positions that put the entries along an axis into rising order.

    .. math:: x_{y_0} \le x_{y_1} \le \dots

    ``axis`` None sorts all entries as one row. With ``stable``, equal entries keep their order. NaN
    comes last. The dtype is int64: no gradient passes. Raises AxisError for an axis that ``x`` does
    not have. As ``numpy.argsort``, which is not stable by default.

    >>> import autodiff as ad
    >>> ad.argsort(ad.tensor([3.0, 1.0, 2.0]))
    Tensor([1, 2, 0])
    """
    x = as_array(x)
    if axis is None:
        x, axis = ravel(x), 0
    axis = normalize_axis("argsort", axis, x.ndim)
    return apply(PRIMITIVES["argsort"], x, axis=axis, stable=bool(stable))


@public
def sort(x: Any, axis: int | None = -1) -> Any:
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
    x = as_array(x)
    if axis is None:
        x, axis = ravel(x), 0
    axis = normalize_axis("sort", axis, x.ndim)
    return take_along_axis(x, argsort(x, axis), axis)
