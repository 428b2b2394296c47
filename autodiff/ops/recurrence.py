"""Linear recurrences, and running products, whose rules are such recurrences."""

from __future__ import annotations

from typing import Any

import numpy as np

from autodiff.errors import AxisError, normalize_axis
from autodiff.node import Aval, Node
from autodiff.ops.joining import concatenate, spread_batch
from autodiff.ops.movement import along, flip
from autodiff.primitive import Case, In, Primitive
from autodiff.registry import PRIMITIVES
from autodiff.tensor import apply


def _recur(b: Any, c: Any, *, axis: int) -> Any:
    dtype = np.result_type(b, c)
    y = np.empty(b.shape, dtype)
    rows, terms, factors = (np.moveaxis(a, axis, 0) for a in (y, b, c))
    for k in range(len(rows)):
        rows[k] = terms[k] + factors[k] * rows[k - 1] if k else terms[0]
    return y


class Recurrence(Primitive):
    r"""Linear recurrence along an axis.

    .. math:: y_k = b_k + c_k y_{k-1}, \qquad y_{-1} = 0

    A primitive because its rules are recurrences again, without division: derivatives of running
    products of every order are exact with any number of zeros, and nothing overflows that the
    result does not.

    >>> import autodiff as ad
    >>> ad.cumprod(ad.tensor([2.0, 0.0, 3.0]))
    Tensor([2., 0., 0.])
    """

    name = "recurrence"
    arguments = ("b", "c")
    kernel = staticmethod(_recur)
    vjp = (
        lambda g, c, *, axis: _reversed(g, c, axis),
        lambda g, y, c, *, axis: _reversed(g, c, axis) * _shifted(y, axis),
    )
    jvp = (
        lambda t, c, *, axis: recurrence(t, c, axis),
        lambda t, y, c, *, axis: recurrence(t * _shifted(y, axis), c, axis),
    )
    cases = (
        Case((In((4,)), In((4,))), {"axis": 0}),
        Case((In((2, 3)), In((2, 3))), {"axis": 1}),
        Case((In((1, 2)), In((1, 2))), {"axis": 0}),
        Case((In((0, 2)), In((0, 2))), {"axis": 0}),
    )

    def infer(self, b: Any, c: Any, *, axis: int) -> Aval:
        return Aval(b.shape, np.result_type(b.dtype, c.dtype))

    def batch(self, mapped: tuple[bool, ...], b: Any, c: Any, *, axis: int) -> Any:
        b, c = spread_batch(mapped, (b, c))
        return apply(self, b, c, axis=axis + 1)

    def presence(self, i: int, mask: Any, node: Node) -> Any:
        # Each entry reaches those after it; the factor of the first one is never read.
        axis = node.params["axis"]
        seen = np.ones(node.shape, bool) if mask is None else mask
        seen = np.flip(np.logical_or.accumulate(np.flip(seen, axis), axis), axis)
        if i == 1 and node.shape[axis]:
            seen[along(axis, 0)] = False
        return seen

    selects = True


def recurrence(b: Any, c: Any, axis: int) -> Any:
    """``y[k] = b[k] + c[k] * y[k - 1]`` along an axis."""
    return apply(PRIMITIVES["recurrence"], b, c, axis=axis)


def _shifted(x: Any, axis: int) -> Any:
    """Entry k - 1 in the place of entry k, and 0 in that of the first."""
    if not x.shape[axis]:
        return x
    first = np.zeros((*x.shape[:axis], 1, *x.shape[axis + 1 :]), x.dtype)
    return concatenate([first, x[along(axis, slice(-1))]], axis)


def _reversed(g: Any, c: Any, axis: int) -> Any:
    """The transposed recurrence: ``a[k] = g[k] + c[k + 1] * a[k + 1]``."""
    return flip(recurrence(flip(g, axis), _shifted(flip(c, axis), axis), axis), axis)


class Cumprod(Primitive):
    """The running product along an axis."""

    name = "cumprod"
    kernel = staticmethod(
        lambda x, out=None, *, axis: np.multiply.accumulate(x, axis=axis, out=out)
    )
    vjp = staticmethod(lambda g, y, x, *, axis: _reversed(g, x, axis) * _before(y, axis))
    jvp = staticmethod(lambda t, y, x, *, axis: recurrence(t * _before(y, axis), x, axis))
    cases = (
        Case((In((4,)),), {"axis": 0}),
        Case((In((2, 3)),), {"axis": 1}),
        Case((np.array([[0.0, 2.0, 3.0, 1.5]]),), {"axis": 1}),
        Case((In((0, 2)),), {"axis": 0}),
    )
    errors = ((Case((In((2, 3)),), {"axis": 2}), AxisError, "axis 2"),)

    def infer(self, x: Any, *, axis: int) -> Aval:
        normalize_axis(self.name, axis, x.ndim)
        return Aval(x.shape, np.multiply.reduce(np.ones(1, x.dtype)).dtype)

    def batch(self, mapped: tuple[bool, ...], x: Any, *, axis: int) -> Any:
        return apply(self, x, axis=axis + 1)

    def presence(self, i: int, mask: Any, node: Node) -> Any:
        return None if mask is None else PRIMITIVES["recurrence"].presence(0, mask, node)


def _before(y: Any, axis: int) -> Any:
    """The product of all entries before each one."""
    if not y.shape[axis]:
        return y
    first = np.ones((*y.shape[:axis], 1, *y.shape[axis + 1 :]), y.dtype)
    return concatenate([first, y[along(axis, slice(-1))]], axis)


def running_product(x: Any, axis: int) -> Any:
    """The products of all entries up to each one along an axis."""
    return apply(PRIMITIVES["cumprod"], x, axis=axis)
