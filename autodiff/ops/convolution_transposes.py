"""The transposes of convolution: in its input, public as ``conv_transpose``, and in its weights."""

from __future__ import annotations

from typing import Any

from autodiff.errors import ShapeError
from autodiff.ops.movement import as_array
from autodiff.ops.patches import Plan, spread, weights
from autodiff.ops.trilinear import (
    LAST,
    Trilinear,
    channels_of,
    check_groups,
    check_ranks,
    kernel_laid,
    kernel_last,
    kernel_of,
    laid,
    last,
    options,
    prepared,
)
from autodiff.ops.windows import (
    Pairs,
    axes_of,
    check_layout,
    check_spatial,
    counts,
    extent,
    out_size,
    pairs,
    spatial,
)
from autodiff.primitive import Case, In
from autodiff.registry import PRIMITIVES, public
from autodiff.tensor import apply, aval_of

__all__ = ["conv_transpose"]


class ConvTranspose(Trilinear):
    """The transpose of ``convolution`` in ``x``, whose spatial sizes are ``size``.

    See ``ad.conv_transpose``.
    """

    name = "conv_transpose"
    arguments = ("x", "weight")
    roles = ("y", "w", "x")
    transposes = (
        lambda g, weight, *, size, **params: apply(PRIMITIVES["convolution"], g, weight, **params),
        lambda g, x, weight_aval, *, size, **params: apply(
            PRIMITIVES["conv_weight"],
            g,
            x,
            **params,
            size=kernel_of(weight_aval.shape, params["layout"])[0],
        ),
    )
    cases = (
        Case((In((2, 4, 3)), In((4, 3, 3))), options(1, size=(5,))),
        Case((In((2, 3, 3)), In((2, 2, 3))), options(1, 2, ((1, 0),), layout=LAST, size=(5,))),
        Case((In((2, 6, 4, 3)), In((6, 2, 2, 2))), options(2, padding=0, groups=2, size=(5, 4))),
        Case((In((1, 3, 3, 3)), In((3, 2, 1, 3))), options(2, 2, 1, 1, 3, LAST, size=(5, 5))),
        Case((In((2, 3, 3, 2)), In((3, 2, 1, 1))), options(2, 2, size=(5, 4))),
        Case((In((1, 2, 2, 2, 1)), In((2, 1, 2, 3, 2))), options(3, size=(3, 4, 2))),
        Case((In((2, 1, 6)), In((1, 9, 2))), options(1, dilation=2, padding=1, size=(6,))),
        Case((In((0, 2, 3)), In((2, 3, 2))), options(1, size=(4,))),
    )
    errors = (
        (
            Case((In((2, 4, 3)), In((3, 3, 3))), options(1, size=(5,))),
            ShapeError,
            "the input has 4 channels",
        ),
        (
            Case((In((2, 4, 3)), In((4, 3, 3))), options(1, size=(7,))),
            ShapeError,
            "spatial axis 0 of the result is 7",
        ),
        (
            Case((In((2, 3, 3)), In((3, 3, 3))), options(1, groups=2, size=(5,))),
            ShapeError,
            "must divide",
        ),
    )

    @staticmethod
    def kernel(x: Any, weight: Any, **params: Any) -> Any:
        x, weight, plan = prepared("conv_transpose", x, weight, params)
        layout = params["layout"]
        return laid(spread(last(x, layout), kernel_last(weight, layout), plan), layout)

    def plan(  # type: ignore[override]  # each names its own operands
        self,
        y: Any,
        w: Any,
        *,
        stride: tuple[int, ...],
        padding: Pairs,
        dilation: tuple[int, ...],
        groups: int,
        layout: str,
        size: tuple[int, ...],
    ) -> Plan:
        check_ranks(self.name, y, w, len(stride))
        kernel, inside, outside = kernel_of(w.shape, layout)
        given, channels = f"{y!r} and weights {w!r}", channels_of(y.shape, layout)
        if channels != outside:
            form = "(in, out / groups, *kernel)"
            if layout == "channels_last":
                form = "(*kernel, out / groups, in)"
            raise ShapeError(
                f"{self.name}: {given}: the input has {channels} channels, and the weights are for "
                f"{outside} (expected weights of shape {form} for layout={layout!r}: those of the "
                "convolution that this is the transpose of)"
            )
        check_groups(self.name, given, groups, channels, groups * inside)
        out = spatial(y.shape, layout)
        for i, row in enumerate(zip(size, kernel, stride, padding, dilation, strict=True)):
            least = (out[i] - 1) * row[2] + extent(row[1], row[4]) - sum(row[3])
            if not out[i] or not least <= row[0] < least + row[2]:
                raise ShapeError(
                    f"{self.name}: {given}: spatial axis {i} of the result is {row[0]}, expected "
                    f"{least}, or with output_padding less than {least + row[2]} (and an input "
                    "of 1 entry or more)"
                )
        axes = axes_of(size, kernel, out, stride, padding, dilation)
        return Plan(y.shape[0], groups, inside, outside // groups, axes)


class ConvWeight(Trilinear):
    """The transpose of ``convolution`` in its weights, of ``x`` and the cotangent ``g``.

    ``size``: the kernel's sizes. Each entry is the sum of products of ``g`` with the entries of
    ``x`` that the kernel's offset meets.

    >>> import autodiff as ad
    >>> x, w = ad.tensor([[[1.0, 2.0, 4.0]]]), ad.tensor([[[0.0, 0.0]]], requires_grad=True)
    >>> ad.gradients(ad.convolution(x, w), w, cotangents=[[[1.0, 10.0]]])
    Tensor([[[21., 42.]]])
    """

    name = "conv_weight"
    arguments = ("x", "g")  # "y" would name the output in a rule
    roles = ("x", "y", "w")
    transposes = (
        lambda t, x_aval, g, *, size, **params: apply(
            PRIMITIVES["conv_transpose"],
            g,
            t,
            **params,
            size=spatial(x_aval.shape, params["layout"]),
        ),
        lambda t, x, *, size, **params: apply(PRIMITIVES["convolution"], x, t, **params),
    )
    cases = (
        Case((In((2, 3, 5)), In((2, 4, 3))), options(1, size=(3,))),
        Case((In((2, 5, 2)), In((2, 3, 3))), options(1, 2, ((1, 0),), layout=LAST, size=(2,))),
        Case((In((2, 4, 5, 4)), In((2, 6, 6, 4))), options(2, padding=1, groups=2, size=(2, 3))),
        Case((In((1, 5, 6, 3)), In((1, 3, 6, 3))), options(2, 1, 1, 2, 3, LAST, size=(3, 2))),
        Case((In((2, 3, 4, 3)), In((2, 2, 4, 3))), options(2, size=(1, 1))),
        Case((In((1, 1, 3, 4, 3)), In((1, 2, 4, 4, 4))), options(3, padding=1, size=(2, 3, 2))),
        Case((In((2, 5, 4)), In((2, 1, 5))), options(1, padding=1, size=(2,))),
        Case((In((0, 2, 4)), In((0, 3, 3))), options(1, size=(2,))),
    )
    errors = (
        (
            Case((In((2, 3, 5)), In((2, 4, 4))), options(1, size=(3,))),
            ShapeError,
            "has 4 entries along spatial axis 0, expected 3",
        ),
        (
            Case((In((2, 3, 5)), In((1, 4, 3))), options(1, size=(3,))),
            ShapeError,
            "a batch of 2 and one of 1",
        ),
        (
            Case((In((2, 3, 5)), In((2, 4, 3))), options(1, groups=2, size=(3,))),
            ShapeError,
            "must divide",
        ),
    )

    @staticmethod
    def kernel(x: Any, g: Any, **params: Any) -> Any:
        x, g, plan = prepared("conv_weight", x, g, params)
        layout = params["layout"]
        return kernel_laid(weights(last(x, layout), last(g, layout), plan), layout)

    def plan(  # type: ignore[override]  # each names its own operands
        self,
        x: Any,
        g: Any,
        *,
        stride: tuple[int, ...],
        padding: Pairs,
        dilation: tuple[int, ...],
        groups: int,
        layout: str,
        size: tuple[int, ...],
    ) -> Plan:
        check_ranks(self.name, x, g, len(stride))
        given = f"{x!r} and {g!r}"
        if x.shape[0] != g.shape[0]:
            raise ShapeError(
                f"{self.name}: {given}: a batch of {x.shape[0]} and one of {g.shape[0]} (expected "
                "equal ones)"
            )
        inside, outside = channels_of(x.shape, layout), channels_of(g.shape, layout)
        check_groups(self.name, given, groups, inside, outside)
        sizes, out = spatial(x.shape, layout), spatial(g.shape, layout)
        for i, row in enumerate(zip(sizes, size, stride, padding, dilation, strict=True)):
            if out_size(*row) != out[i]:
                raise ShapeError(
                    f"{self.name}: {given}: g has {out[i]} entries along spatial axis {i}, "
                    f"expected {out_size(*row)}: the windows of a kernel of {row[1]}"
                )
        axes = axes_of(sizes, size, out, stride, padding, dilation)
        return Plan(x.shape[0], groups, inside // groups, outside // groups, axes)


@public
def conv_transpose(
    x: Any,
    weight: Any,
    *,
    stride: Any = 1,
    padding: Any = 0,
    output_padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
    layout: str = "channels_first",
) -> Any:
    r"""The transpose of ``convolution`` with the same options: what maps its output's shape back.

    .. math:: y_{n,c,q} = \sum_{o,p,k:\ p s + k d - b = q} x_{n,o,p}\, w_{o,c,k}

    Each entry of ``x`` adds its multiple of the kernel to the result; ``padding`` takes entries
    away at the edges. It is not the inverse ("deconvolution" in old texts).

    Parameters
    ----------
    x : array_like
        Of shape (batch, in, \*places), or with ``layout="channels_last"`` (batch, \*places, in).
    weight : array_like
        Those of the convolution that this is the transpose of: (in, out / groups, \*kernel), or
        (\*kernel, out / groups, in).
    stride, dilation, groups, layout
        Of that convolution.
    padding : int, "same", "valid", or a sequence
        Of that convolution. "same" gives places * stride along each axis.
    output_padding : int or tuple of int
        Of the sizes (places - 1) s + d (kernel - 1) + 1 - padding + 0, 1, ..., s - 1, which the
        convolution maps to the same number of places, which one; less than the stride.

    Raises
    ------
    ShapeError
        Channels that do not fit, padding that leaves nothing, an ``output_padding`` that is not
        less than the stride or comes with "same", options for another number of axes.
    ValueError
        Another ``layout``, or a word for ``padding`` that is none of the two.
    DTypeError
        Options that are not integers.

    PyTorch also allows an ``output_padding`` up to the dilation. Reference: Dumoulin and Visin, "A
    guide to convolution arithmetic for deep learning" (2016), chapter 4.

    >>> import autodiff as ad
    >>> ad.conv_transpose(ad.tensor([[[1.0, 2.0]]]), [[[1.0, 10.0, 100.0]]], stride=2)
    Tensor([[[  1.,  10., 102.,  20., 200.]]])
    """
    name = "conv_transpose"
    x, weight = as_array(x), as_array(weight)
    layout = check_layout(name, layout)
    places = check_spatial(name, x.shape, layout)
    rank = len(places)
    check_ranks(name, aval_of(x), aval_of(weight), rank)
    kernel = kernel_of(weight.shape, layout)[0]
    strides = counts(name, "stride", stride, rank)
    dilations = counts(name, "dilation", dilation, rank)
    added = counts(name, "output_padding", output_padding, rank, least=0)
    if any([n >= s for n, s in zip(added, strides, strict=True)]) or (
        padding == "same" and any(added)
    ):
        raise ShapeError(
            f"{name}: output_padding={output_padding!r} with stride={stride!r} and "
            f"padding={padding!r}: expected less than the stride, and 0 with padding='same', which "
            "says the size itself"
        )
    sizes = [n * s for n, s in zip(places, strides, strict=True)]
    pads = pairs(name, padding, tuple(zip(sizes, kernel, strides, dilations, strict=True)))
    if padding != "same":
        rows = zip(places, kernel, strides, pads, dilations, added, strict=True)
        sizes = [(n - 1) * s + extent(k, d) - b - a + e for n, k, s, (b, a), d, e in rows]
    if min(sizes) < 1:
        raise ShapeError(
            f"{name}: x of shape {x.shape} and weights of shape {weight.shape} with "
            f"padding={padding!r} leave the sizes {tuple(sizes)} (expected 1 or more: less padding)"
        )
    return apply(
        PRIMITIVES[name],
        x,
        weight,
        stride=strides,
        padding=pads,
        dilation=dilations,
        groups=counts(name, "groups", groups, 1)[0],
        layout=layout,
        size=tuple(sizes),
    )
