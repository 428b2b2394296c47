"""Softmax, a primitive for its speed, and its cross-entropy with labels, for its digits."""

from __future__ import annotations

import cmath
from typing import Any

import numpy as np

from autodiff.errors import DTypeError, IndexingError, ShapeError, normalize_axes
from autodiff.node import Aval, Node
from autodiff.ops.comparison import equal, logical_not
from autodiff.ops.logsumexp import logsumexp, shares
from autodiff.ops.movement import as_array, broadcast_to, reshape
from autodiff.ops.reduction import sum as sum_over
from autodiff.ops.sums import total
from autodiff.primitive import Case, In, Primitive
from autodiff.registry import PRIMITIVES, public
from autodiff.tensor import apply, apply_binary

__all__ = ["softmax", "softmax_cross_entropy"]


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


# ---- cross-entropy


def _cross_entropy(x: Any, labels: Any) -> Any:
    if labels.dtype.kind not in "iu" or labels.shape != x.shape[:-1]:
        raise TypeError("softmax_cross_entropy: labels")  # `infer` says it in words
    if x.dtype.kind in "biu":
        x = x.astype(np.float64)
    classes = x.shape[-1]
    rows, places = x.reshape(-1, classes), labels.reshape(-1).astype(np.intp, copy=False)
    if not places.size:
        return np.empty(labels.shape, x.dtype)
    if np.maximum.reduce(places.view(np.uintp)) >= classes:  # of which a negative one is large
        at = np.unravel_index(np.argmax((places < 0) | (places >= classes)), labels.shape)
        raise IndexingError(
            f"softmax_cross_entropy: label {labels[at]} at {tuple(map(int, at))} is out of range, "
            f"{classes} classes have labels 0 to {classes - 1}"
        )
    top = np.maximum.reduce(rows, axis=1, keepdims=True)
    if not cmath.isfinite(np.vdot(top, top)):  # a quick look, which may overflow
        # Where the largest is infinite, subtracting it would give inf - inf.
        top = np.where(np.isfinite(top), top, 0)
    with np.errstate(all="ignore"):
        return _surprise(rows - top, places).reshape(labels.shape)


def _surprise(shifted: Any, places: Any) -> Any:
    """The loss of rows whose largest entry is 0; exact for a label that is nearly certain."""
    at = np.arange(len(places)), places
    chosen = shifted[at]
    y = np.exp(shifted, out=shifted)
    least = y[at] - 1
    y[at] = 0
    return np.log1p(total(y, (1,), False) + least) - chosen


def _slope(y: Any, x: Any, labels: Any) -> Any:
    """By the logits: softmax minus one-hot rows, at the label minus the sum of the others."""
    classes = x.shape[-1]
    bare = type(y) is type(x) is type(labels) is np.ndarray and x.dtype == y.dtype
    if bare and y.size and cmath.isfinite(np.vdot(y, y)):
        at = np.arange(y.size), labels.reshape(-1)
        slope = x.reshape(-1, classes)
        slope = slope - slope[at].reshape(-1, 1)
        slope -= y.reshape(-1, 1)
        np.exp(slope, out=slope)
        slope[at] = 0
        slope[at] = -total(slope, (1,), False)
        return slope.reshape(x.shape)
    share = shares(logsumexp(x, axis=-1, keepdims=True), x, (x.ndim - 1,), True)
    hot = equal(reshape(labels, (*labels.shape, 1)), np.arange(classes))
    others = share * logical_not(hot)
    return others - hot * sum_over(others, axis=-1, keepdims=True)


class SoftmaxCrossEntropy(Primitive):
    """Minus the logarithm of the softmax at labels; see ``ad.softmax_cross_entropy``."""

    name = "softmax_cross_entropy"
    arguments = ("x", "labels")
    kernel = staticmethod(_cross_entropy)
    reference = staticmethod(
        lambda x, labels: (
            np.log(np.exp(x).sum(axis=-1))
            - np.take_along_axis(x, np.expand_dims(labels, -1), -1)[..., 0]
        )
    )
    vjp = (
        lambda g, y, x, labels: reshape(g, (*g.shape, 1)) * _slope(y, x, labels),
        None,
    )
    jvp = (lambda t, y, x, labels: sum_over(t * _slope(y, x, labels), axis=-1), None)
    cases = (
        Case((In((3, 4)), np.array([0, 3, 1]))),
        Case((In((2, 2, 3)), np.array([[2, 0], [2, 1]], np.uint8))),
        Case((In((4,)), np.array(2))),
        Case((In((2, 1)), np.array([0, 0]))),
        Case((In((0, 3)), np.zeros(0, int))),
    )
    special = (0.0, 1e4, -1e4)
    errors = (
        (Case((In((3, 4)), np.array([0, 4, 1]))), IndexingError, "label 4 at (1,) is out of range"),
        (Case((In((3, 4)), np.array([0, 0, -1]))), IndexingError, "label -1 at (2,)"),
        (Case((In((3, 4)), np.array([0, 1]))), ShapeError, "labels of shape (3,)"),
        (Case((In((3, 4)), np.zeros(3))), DTypeError, "labels are integers"),
        (Case((In(()), np.array(0))), ShapeError, "expected logits of shape (..., classes)"),
    )

    def infer(self, x: Any, labels: Any) -> Aval:
        if not x.ndim or not x.shape[-1]:
            raise ShapeError(f"{self.name}: expected logits of shape (..., classes), got {x!r}")
        if labels.shape != x.shape[:-1]:
            raise ShapeError(
                f"{self.name}: logits {x!r} take labels of shape {x.shape[:-1]}, got {labels!r}"
            )
        if np.dtype(labels.dtype).kind not in "iu":
            raise DTypeError(f"{self.name}: labels are integers, got {labels!r}")
        if np.dtype(x.dtype).kind not in "biufc":
            raise DTypeError(f"{self.name}: expected numbers, got {x!r}")
        return Aval(labels.shape, np.float64 if np.dtype(x.dtype).kind in "biu" else x.dtype)

    def presence(self, i: int, mask: Any, node: Node) -> Any:
        return None if mask is None else np.broadcast_to(mask[..., None], node.inputs[0].shape)

    def batch(self, mapped: tuple[bool, ...], x: Any, labels: Any) -> Any:
        if not mapped[0]:
            x = broadcast_to(x, (labels.shape[0], *x.shape))
        if not mapped[1]:
            labels = broadcast_to(labels, (x.shape[0], *labels.shape))
        return apply_binary(self, x, labels)


@public
def softmax_cross_entropy(x: Any, labels: Any) -> Any:
    r"""Minus the logarithm of the softmax of logits at labels, one number for each row.

    .. math:: y = \ln \sum_j e^{x_j} - x_k, \qquad \bar x_j = (\operatorname{softmax}(x)_j -
        [j = k])\, \bar y

    Parameters
    ----------
    x : array_like, shape (..., classes)
        Logits, of any size. Bools and integers give float64; floating dtypes are kept.
    labels : array_like of int, shape (...)
        The class k of each row, 0 … classes − 1. They have no derivative.

    Raises
    ------
    ShapeError, DTypeError
        Shapes do not fit as above, or labels that are not integers.
    IndexError
        A label that is no class.

    A primitive for its digits: the loss of a label that is nearly certain, and its gradient, have
    them all, where ``logsumexp(x, -1) - x[..., k]`` cancels. Source: Bridle (1990), as ``softmax``.

    >>> import autodiff as ad
    >>> ad.softmax_cross_entropy(ad.tensor([[0.0, 0.0], [1e4, 0.0]]), [1, 0])
    Tensor([0.69314718, 0.        ])
    """
    return apply(PRIMITIVES["softmax_cross_entropy"], as_array(x), as_array(labels))
