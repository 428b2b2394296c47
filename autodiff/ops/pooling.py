"""Pooling: the largest entry of windows that slide over the spatial axes.

What ``max_pool`` selects is kept by nobody: the rules compare its operand with its result. The
kernels stand in ``pooling_kernels``, the mean in ``pooling_average``.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from autodiff.errors import DTypeError, ShapeError
from autodiff.families import Linear
from autodiff.node import Aval, Node
from autodiff.ops.movement import as_array, broadcast_to, reshape
from autodiff.ops.pooling_kernels import (
    axes_for,
    lowest,
    max_picked,
    max_unpooled,
    reduced,
)
from autodiff.ops.trilinear import LAST, laid, last
from autodiff.ops.windows import Axis, check_layout, check_spatial, counts, pairs
from autodiff.primitive import Case, In, Primitive
from autodiff.registry import PRIMITIVES, public
from autodiff.tensor import apply

__all__ = ["max_pool"]


def pool_options(
    rank: int, kernel: int, stride: int, pad: int = 0, dilation: int = 1, **more: Any
) -> dict[str, Any]:
    """Parameters of a case."""
    return {
        "kernel": (kernel,) * rank,
        "stride": (stride,) * rank,
        "padding": ((pad, pad),) * rank,
        "dilation": (dilation,) * rank,
        "layout": "channels_first",
        **more,
    }


CASES = (
    ((2, 2, 6), pool_options(1, 2, 2)),
    ((1, 5, 5, 1), pool_options(2, 3, 2, 1, layout=LAST)),
    ((1, 2, 3, 4), pool_options(2, 2, 1)),
    ((1, 1, 7), pool_options(1, 2, 3, 0, 2)),
    ((1, 1, 2, 3, 4), pool_options(3, 2, 2, 1)),
    ((0, 2, 4), pool_options(1, 2, 2)),
)
ERRORS = (
    (Case((In((2, 2, 3)),), pool_options(1, 4, 1)), ShapeError, "spans 4 entries"),
    (Case((In((2, 2, 3)),), pool_options(1, 2, 1, 2)), ShapeError, "lies within the padding"),
    (Case((In((2, 2, 3)),), pool_options(2, 2, 1)), ShapeError, "2 spatial axes"),
)


def pooled_shape(shape: tuple[int, ...], axes: tuple[Axis, ...], layout: str) -> tuple[int, ...]:
    """The shape of a result."""
    out = [a.out for a in axes]
    return (shape[0], *out, shape[-1]) if layout == LAST else (*shape[:2], *out)


def floating(dtype: Any) -> Any:
    """The dtype of a mean: that of the entries, float64 for bools and integers."""
    return np.dtype(dtype) if np.dtype(dtype).kind in "fc" else np.dtype(np.float64)


class Pool(Primitive, abstract=True):
    """What takes images to their windows, or back: a batch is more images."""

    def batch(self, mapped: tuple[bool, ...], *operands: Any, **params: Any) -> Any:
        size = operands[mapped.index(True)].shape[0]
        full = [
            x if m else broadcast_to(x, (size, *x.shape))
            for x, m in zip(operands, mapped, strict=True)
        ]
        joined = [reshape(x, (size * x.shape[1], *x.shape[2:])) for x in full]
        y = apply(self, *joined, **params)
        return reshape(y, (size, y.shape[0] // size, *y.shape[1:]))


class MaxPool(Pool):
    """The largest entry of each window; see ``ad.max_pool``."""

    name = "max_pool"
    selects = True
    vjp = staticmethod(lambda g, y, x, **params: apply(PRIMITIVES["max_unpool"], g, x, y, **params))
    jvp = staticmethod(lambda t, y, x, **params: apply(PRIMITIVES["max_pick"], t, x, y, **params))
    cases = tuple(Case((In(shape),), params) for shape, params in CASES)
    special = (0.0, -math.inf)
    errors = ERRORS

    @staticmethod
    def kernel(x: Any, **params: Any) -> Any:
        if x.dtype.kind == "c":
            raise TypeError("complex numbers have no order")
        axes, layout = axes_for("max_pool", x, params), params["layout"]
        return laid(reduced(last(x, layout), axes, np.maximum, lowest(x.dtype)), layout)

    def infer(self, x: Any, **params: Any) -> Aval:
        if np.dtype(x.dtype).kind == "c":
            raise DTypeError(
                f"{self.name}: not defined for {x!r}: complex numbers have no order (pool their "
                "sizes: ad.abs)"
            )
        axes = axes_for(self.name, x, params)
        return Aval(pooled_shape(x.shape, axes, params["layout"]), x.dtype)

    def selection_slots(self, i: int) -> tuple[int, ...]:
        return (-1, 0)

    def presence(self, i: int, mask: Any, node: Node) -> Any:
        values = np.ones(node.shape) if mask is None else mask.astype(np.float64)
        return MaxUnpool.kernel(values, node.kept[0], node.output, **node.params) > 0


class _Selection(Pool, Linear, abstract=True):
    """Linear in ``values``; ``x`` and its pooled values tell which entries were selected."""

    arguments = ("values", "x", "pooled")

    def infer(self, values: Any, x: Any, pooled: Any, **params: Any) -> Aval:
        axes = axes_for(self.name, x, params)
        small = pooled_shape(x.shape, axes, params["layout"])
        given, result = (small, x.shape) if self.name == "max_unpool" else (x.shape, small)
        if (values.shape, pooled.shape) != (given, small):
            raise ShapeError(
                f"{self.name}: {values!r}, {x!r} and {pooled!r} do not fit: expected the shapes "
                f"{given}, {x.shape} and {small}"
            )
        return Aval(result, floating(values.dtype))


def _select(
    name: str,
    kernel: Callable[..., Any],
    values: Any,
    x: Any,
    pooled: Any,
    params: dict[str, Any],
) -> Any:
    layout = params["layout"]
    PRIMITIVES[name].infer(values, x, pooled, **params)  # a wrong shape might broadcast
    values = values.astype(floating(values.dtype), copy=False)
    arrays = [last(a, layout) for a in (values, x, pooled)]
    return laid(kernel(*arrays, axes_for(name, x, params)), layout)


_TIED = np.array([3.0, 1.0, 2.0, 2.0, 5.0, 4.0, 0.0, 7.0, 6.0, 9.0, 8.0, 1.0])


def _selection_case(values: int, shape: tuple[int, ...], params: dict[str, Any]) -> Case:
    """Values (operand 0: as the pooled array, 1: as ``x``) beside an ``x`` with a tie."""
    x = _TIED.reshape(shape)
    pooled = MaxPool.kernel(x, **params)
    return Case((In((pooled.shape, shape)[values]), x, pooled), params)


_SELECTIONS = (
    ((1, 1, 12), pool_options(1, 2, 2)),
    ((1, 3, 4, 1), pool_options(2, 2, 2, 1, layout=LAST)),
    ((2, 1, 2, 3), pool_options(2, 2, 1)),
    ((1, 2, 6), pool_options(1, 2, 3, 0, 2)),
)


class MaxUnpool(_Selection):
    """The transpose of ``max_pick``: each value goes to the largest entry of its window.

    Entries that tie share it.

    >>> import autodiff as ad
    >>> x = ad.tensor([[[1.0, 3.0, 2.0, 2.0]]], requires_grad=True)
    >>> ad.gradients(ad.max_pool(x, 2), x, cotangents=[[[5.0, 6.0]]])
    Tensor([[[0., 5., 3., 3.]]])
    """

    name = "max_unpool"
    transpose = staticmethod(
        lambda g, x, pooled, **params: apply(PRIMITIVES["max_pick"], g, x, pooled, **params)
    )
    cases = tuple(_selection_case(0, *case) for case in _SELECTIONS)
    errors = (
        (
            Case((In((1, 1, 1)), np.zeros((1, 1, 4)), np.zeros((1, 1, 2))), pool_options(1, 2, 2)),
            ShapeError,
            "do not fit",
        ),
    )

    @staticmethod
    def kernel(values: Any, x: Any, pooled: Any, **params: Any) -> Any:
        return _select("max_unpool", max_unpooled, values, x, pooled, params)


class MaxPick(_Selection):
    """The entry of ``values`` where each window of ``x`` has its largest.

    Where entries tie, the mean of their values: the derivative of ``max_pool`` along ``values``.

    >>> import autodiff as ad
    >>> import numpy as np
    >>> x, t = np.array([[[1.0, 3.0, 2.0, 2.0]]]), np.array([[[5.0, 6.0, 7.0, 8.0]]])
    >>> ad.jvp(lambda x: ad.max_pool(x, 2), (x,), (t,))[1]
    array([[[6. , 7.5]]])
    """

    name = "max_pick"
    selects = True
    transpose = staticmethod(
        lambda g, x, pooled, **params: apply(PRIMITIVES["max_unpool"], g, x, pooled, **params)
    )
    cases = tuple(_selection_case(1, *case) for case in _SELECTIONS)
    errors = (
        (
            Case((In((1, 1, 2)), np.zeros((1, 1, 4)), np.zeros((1, 1, 2))), pool_options(1, 2, 2)),
            ShapeError,
            "do not fit",
        ),
    )

    @staticmethod
    def kernel(values: Any, x: Any, pooled: Any, **params: Any) -> Any:
        return _select("max_pick", max_picked, values, x, pooled, params)


@public
def max_pool(
    x: Any,
    kernel: Any,
    *,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    layout: str = "channels_first",
) -> Any:
    r"""Largest entry of each window of the spatial axes.

    .. math:: y_{n,c,p} = \max_k x_{n,c,\,p s + k d - b}, \qquad
        \bar x_{n,c,q} = \sum_{p:\ x_q = y_p} \frac{\bar y_{n,c,p}}{m_p}

    The :math:`m_p` entries of a window that tie share its gradient, as with ``max`` (PyTorch gives
    it to the first of them); entries that no window selects have none. Padding is never selected. A
    NaN in a window is its largest entry.

    Parameters
    ----------
    x : array_like
        Of shape (batch, channels, \*size), or with ``layout="channels_last"`` (batch, \*size,
        channels); one spatial axis or more.
    kernel : int or tuple of int
        Sizes of the windows: one for all spatial axes, or one for each.
    stride : int or tuple of int, optional
        Steps between windows; as long as the window where it is not given.
    padding : int, "same", "valid", or a sequence
        Room around ``x``: a number, or for each axis a number or a pair (before, after). "same"
        makes ceil(size / stride) windows.
    dilation : int or tuple of int
        Steps between the entries of a window.
    layout : {"channels_first", "channels_last"}

    Returns
    -------
    (batch, channels, \*places) or (batch, \*places, channels), of the dtype of ``x``, with
    floor((size + padding - d (kernel - 1) - 1) / s) + 1 places along each axis: what is left over
    at the end is not read. To have it in a last window (the "ceil mode" of others), use
    ``padding="same"``, or pad after.

    Raises
    ------
    ShapeError
        A kernel larger than the padded input, a window of nothing but padding, options for another
        number of axes.
    ValueError
        Another ``layout``, or a word for ``padding`` that is none of the two.
    DTypeError
        Complex ``x``, or options that are not integers.

    >>> import autodiff as ad
    >>> x = ad.tensor([[[1.0, 3.0, 2.0, 2.0]]], requires_grad=True)
    >>> y = ad.max_pool(x, 2)
    >>> y.data, ad.gradients(y.sum(), x).data
    (array([[[3., 2.]]]), array([[[0. , 1. , 0.5, 0.5]]]))
    """
    return pool("max_pool", x, kernel, stride, padding, dilation, layout)


def pool(
    name: str,
    x: Any,
    kernel: Any,
    stride: Any,
    padding: Any,
    dilation: Any,
    layout: Any,
    **more: Any,
) -> Any:
    x, layout = as_array(x), check_layout(name, layout)
    sizes = check_spatial(name, x.shape, layout)
    rank = len(sizes)
    kernels = counts(name, "kernel", kernel, rank)
    strides = kernels if stride is None else counts(name, "stride", stride, rank)
    dilations = counts(name, "dilation", dilation, rank)
    return apply(
        PRIMITIVES[name],
        x,
        kernel=kernels,
        stride=strides,
        padding=pairs(name, padding, tuple(zip(sizes, kernels, strides, dilations, strict=True))),
        dilation=dilations,
        layout=layout,
        **more,
    )
