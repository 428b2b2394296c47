"""Average pooling: the mean of windows, linear in the images."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from autodiff.errors import ShapeError
from autodiff.families import Linear
from autodiff.node import Aval, Node
from autodiff.ops.pooling import (
    CASES,
    ERRORS,
    MaxPool,
    Pool,
    floating,
    pool,
    pool_options,
    pooled_shape,
)
from autodiff.ops.pooling_kernels import axes_for, entries, reduced, spread_out
from autodiff.ops.trilinear import LAST, laid, last
from autodiff.ops.windows import covered, spatial
from autodiff.primitive import Case, In
from autodiff.registry import PRIMITIVES, public
from autodiff.tensor import apply

__all__ = ["avg_pool"]


class AvgPool(Pool, Linear):
    """The mean of each window; see ``ad.avg_pool``."""

    name = "avg_pool"
    selects = True  # where a stride exceeds the kernel, entries between windows are not read
    transpose = staticmethod(
        lambda g, x_aval, **params: apply(
            PRIMITIVES["avg_unpool"], g, **params, size=spatial(x_aval.shape, params["layout"])
        )
    )
    cases = tuple(
        Case((In(shape),), {**params, "count_include_pad": bool(i % 2)})
        for i, (shape, params) in enumerate(CASES)
    )
    errors = tuple(
        (Case(case.operands, {**case.params, "count_include_pad": True}), error, text)
        for case, error, text in ERRORS
    )

    @staticmethod
    def kernel(x: Any, *, count_include_pad: bool, **params: Any) -> Any:
        axes, layout = axes_for("avg_pool", x, params), params["layout"]
        wide = last(x, layout).astype(floating(x.dtype), copy=False)
        y = reduced(wide, axes, np.add, 0)
        y /= entries(axes, y.dtype, count_include_pad)
        return laid(y, layout)

    def infer(self, x: Any, *, count_include_pad: bool, **params: Any) -> Aval:
        axes = axes_for(self.name, x, params)
        return Aval(pooled_shape(x.shape, axes, params["layout"]), floating(x.dtype))

    def presence(self, i: int, mask: Any, node: Node) -> Any:
        if mask is None:
            params = {k: v for k, v in node.params.items() if k != "count_include_pad"}
            axes = axes_for(self.name, node.inputs[0], params)
            if math.prod(node.shape) and all([covered(axis)[0] for axis in axes]):
                return None
        return super().presence(i, mask, node)


class AvgUnpool(Pool, Linear):
    """The transpose of ``avg_pool``, to images of the spatial sizes ``size``.

    >>> import autodiff as ad
    >>> x = ad.tensor([[[1.0, 3.0, 2.0, 2.0]]], requires_grad=True)
    >>> ad.gradients(ad.avg_pool(x, 2), x, cotangents=[[[4.0, 6.0]]])
    Tensor([[[2., 2., 3., 3.]]])
    """

    name = "avg_unpool"
    transpose = staticmethod(
        lambda g, *, size, **params: apply(PRIMITIVES["avg_pool"], g, **params)
    )
    cases = tuple(
        Case(
            (In(MaxPool.kernel(np.zeros(shape), **params).shape),),
            {
                **params,
                "count_include_pad": bool(i % 2),
                "size": spatial(shape, params["layout"]),
            },
        )
        for i, (shape, params) in enumerate(CASES)
    )
    errors = (
        (
            Case(
                (In((2, 2, 2)),), {**pool_options(1, 2, 2), "count_include_pad": True, "size": (7,)}
            ),
            ShapeError,
            "expected [2, 2, 3]",
        ),
    )

    @staticmethod
    def kernel(x: Any, *, count_include_pad: bool, size: tuple[int, ...], **params: Any) -> Any:
        PRIMITIVES["avg_unpool"].infer(x, count_include_pad=count_include_pad, size=size, **params)
        axes, layout = axes_for("avg_unpool", _images(x, size, params), params), params["layout"]
        wide = last(x, layout).astype(floating(x.dtype), copy=False)
        return laid(spread_out(wide / entries(axes, wide.dtype, count_include_pad), axes), layout)

    def infer(
        self, x: Any, *, count_include_pad: bool, size: tuple[int, ...], **params: Any
    ) -> Aval:
        images = _images(x, size, params)
        shape = pooled_shape(images.shape, axes_for(self.name, images, params), params["layout"])
        if shape != x.shape:
            raise ShapeError(
                f"{self.name}: {x!r} is not the shape of windows in images of size {size} "
                f"(expected {list(shape)})"
            )
        return Aval(images.shape, floating(x.dtype))


def _images(x: Any, size: tuple[int, ...], params: dict[str, Any]) -> Aval:
    """The shape of the images whose windows ``x`` stands for."""
    if params["layout"] == LAST:
        return Aval((x.shape[0], *size, x.shape[-1]), x.dtype)
    return Aval((*x.shape[:2], *size), x.dtype)


@public
def avg_pool(
    x: Any,
    kernel: Any,
    *,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    count_include_pad: bool = True,
    layout: str = "channels_first",
) -> Any:
    r"""Mean of each window of the spatial axes.

    .. math:: y_{n,c,p} = \frac{1}{m_p} \sum_k x_{n,c,\,p s + k d - b}, \qquad
        \bar x_{n,c,q} = \sum_{p,k:\ p s + k d - b = q} \frac{\bar y_{n,c,p}}{m_p}

    Options, sizes and errors are those of ``max_pool``. With ``count_include_pad`` padding counts
    as zeros and :math:`m_p` is the size of the kernel (PyTorch's default); without, only entries of
    ``x`` count (as in Keras and ONNX). Bools and integers give float64; floating dtypes are kept.

    >>> import autodiff as ad
    >>> x = ad.tensor([[[1.0, 3.0, 2.0]]])
    >>> ad.avg_pool(x, 2, padding="same")
    Tensor([[[2., 1.]]])
    >>> ad.avg_pool(x, 2, padding="same", count_include_pad=False)
    Tensor([[[2., 2.]]])
    """
    return pool(
        "avg_pool",
        x,
        kernel,
        stride,
        padding,
        dilation,
        layout,
        count_include_pad=bool(count_include_pad),
    )
