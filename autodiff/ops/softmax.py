"""Softmax: a primitive for its speed."""

from __future__ import annotations

from typing import Any

import numpy as np

from autodiff.errors import DTypeError, normalize_axes
from autodiff.node import Aval, Node
from autodiff.ops.movement import as_array
from autodiff.ops.reduction import sum as sum_over
from autodiff.ops.sums import total
from autodiff.primitive import Case, In, Primitive
from autodiff.registry import PRIMITIVES, public
from autodiff.tensor import apply

__all__ = ["softmax"]


def _softmax(x: Any, *, axis: tuple[int, ...]) -> Any:
    if x.dtype.kind in "biu":
        x = x.astype(np.float64)
    if not x.size:
        return x.copy()
    y = np.asarray(x - np.maximum.reduce(x, axis=axis, keepdims=True))
    np.exp(y, out=y)
    return np.divide(y, total(y, axis, keepdims=True), out=y)


def _derivative(v: Any, y: Any, *, axis: tuple[int, ...]) -> Any:
    moved = v - sum_over(v * y, axis, keepdims=True)
    moved *= y  # of bare arrays, into the one just made; of Tensors, a new one as ever
    return moved


class Softmax(Primitive):
    """Exponentials along axes, divided by their sum; see ``ad.softmax``.

    Its Jacobian, diag(y) − y yᵀ, is symmetric: one formula serves both modes.
    """

    name = "softmax"
    kernel = staticmethod(_softmax)
    reference = staticmethod(lambda x, *, axis: np.exp(x) / np.exp(x).sum(axis=axis, keepdims=True))
    vjp = staticmethod(lambda g, y, *, axis: _derivative(g, y, axis=axis))
    jvp = staticmethod(lambda t, y, *, axis: _derivative(t, y, axis=axis))
    cases = (
        Case((In((2, 3)),), {"axis": (1,)}),
        Case((In((2, 3)),), {"axis": (0,)}),
        Case((In((2, 3, 2)),), {"axis": (0, 2)}),
        Case((In((3, 1)),), {"axis": (1,)}),
        Case((In((0, 2)),), {"axis": (1,)}),
        Case((In((2, 0)),), {"axis": (1,)}),
    )
    special = (0.0, 1e4, -1e4)

    def infer(self, x: Any, *, axis: tuple[int, ...]) -> Aval:
        dtype = np.dtype(x.dtype)
        if dtype.kind not in "biufc":
            raise DTypeError(f"softmax: expected numbers, got {x!r}")
        normalize_axes("softmax", axis, x.ndim)
        return Aval(x.shape, np.float64 if dtype.kind in "biu" else dtype)

    def presence(self, i: int, mask: Any, node: Node) -> Any:
        if mask is None:
            return None
        return np.broadcast_to(mask.any(axis=node.params["axis"], keepdims=True), node.shape)

    def batch(self, mapped: tuple[bool, ...], x: Any, *, axis: tuple[int, ...]) -> Any:
        return apply(self, x, axis=tuple(a + 1 for a in axis))


@public
def softmax(x: Any, axis: int | tuple[int, ...] | None = -1) -> Any:
    r"""Exponentials along an axis, divided by their sum.

    .. math:: y_i = \frac{e^{x_i}}{\sum_j e^{x_j}}, \qquad
        \bar x_i = y_i \Bigl(\bar y_i - \sum_j \bar y_j y_j\Bigr)

    Parameters
    ----------
    x : array_like
        Real: bools and integers give float64, floating dtypes are kept. Entries of any size, −∞
        included, which has the weight 0; nothing overflows.
    axis : int or tuple of int, optional
        None: all of them together.

    Raises
    ------
    AxisError, DTypeError

    A primitive for its speed: it takes one exponential, where ``exp(log_softmax(x))`` takes two,
    and one more for its gradient; ``python -m benchmarks --only attention`` shows it.

    Source: Bridle (1990), "Probabilistic interpretation of feedforward classification network
    outputs".

    >>> import autodiff as ad
    >>> ad.softmax(ad.tensor([0.0, 1e4, 1e4]))
    Tensor([0. , 0.5, 0.5])
    """
    x = as_array(x)
    return apply(PRIMITIVES["softmax"], x, axis=normalize_axes("softmax", axis, x.ndim))
