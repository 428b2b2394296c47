"""Convolution over any number of spatial axes.

Its transposes stand in ``convolution_transposes``: the three primitives are one trilinear form,
``sum(y * convolution(x, w))``, differentiated with respect to each of its arrays in turn. The
transposes of each are the other two, so that every order of derivative is a convolution again. The
kernels stand in ``patches``.
"""

from __future__ import annotations

from typing import Any

from autodiff.errors import ShapeError
from autodiff.ops.movement import as_array
from autodiff.ops.patches import Plan, correlate
from autodiff.ops.trilinear import (
    LAST,
    Trilinear,
    channels_of,
    check_channels,
    check_groups,
    check_ranks,
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
    check_fit,
    check_layout,
    check_spatial,
    counts,
    out_size,
    pairs,
    spatial,
)
from autodiff.primitive import Case, In
from autodiff.registry import PRIMITIVES, public
from autodiff.tensor import apply, aval_of

__all__ = ["conv1d", "conv2d", "conv3d", "convolution"]


class Convolution(Trilinear):
    """Sums of products of ``x`` with weights at every window; see ``ad.convolution``.

    ``stride`` and ``dilation`` are tuples, ``padding`` pairs (before, after), for each spatial
    axis.
    """

    name = "convolution"
    arguments = ("x", "weight")
    roles = ("x", "w", "y")
    transposes = (
        lambda g, x_aval, weight, **params: apply(
            PRIMITIVES["conv_transpose"],
            g,
            weight,
            **params,
            size=spatial(x_aval.shape, params["layout"]),
        ),
        lambda g, x, weight_aval, **params: apply(
            PRIMITIVES["conv_weight"],
            x,
            g,
            **params,
            size=kernel_of(weight_aval.shape, params["layout"])[0],
        ),
    )
    cases = (
        Case((In((2, 3, 5)), In((4, 3, 3))), options(1)),
        Case((In((2, 5, 2)), In((2, 2, 3))), options(1, 2, ((1, 0),), layout=LAST)),
        Case((In((2, 4, 5, 4)), In((6, 2, 2, 3))), options(2, padding=1, groups=2)),
        Case((In((1, 5, 6, 3)), In((3, 2, 1, 3))), options(2, 1, 1, 2, 3, LAST)),
        Case((In((2, 2, 5, 4)), In((3, 2, 1, 1))), options(2, 2)),
        Case((In((2, 3, 4, 3)), In((2, 3, 1, 1))), options(2)),
        Case((In((1, 1, 3, 4, 3)), In((2, 1, 2, 3, 2))), options(3, padding=1)),
        Case((In((2, 5, 4)), In((1, 5, 2))), options(1, padding=1)),
        Case((In((1, 1, 1)), In((1, 1, 3))), options(1, padding=1)),
        Case((In((0, 2, 4)), In((3, 2, 2))), options(1)),
        Case((In((2, 2, 4)), In((0, 2, 2))), options(1)),
    )
    errors = (
        (Case((In((2, 3, 5)), In((4, 2, 3))), options(1)), ShapeError, "3 channels on axis 1"),
        (Case((In((2, 3, 5)), In((4, 3, 6))), options(1)), ShapeError, "spans 6 entries"),
        (
            Case((In((2, 3, 5)), In((4, 3, 3))), options(1, dilation=3)),
            ShapeError,
            "spans 7 entries (size 3, dilation 3)",
        ),
        (Case((In((2, 3, 5)), In((4, 1, 3))), options(1, groups=2)), ShapeError, "must divide"),
        (Case((In((2, 3, 5)), In((4, 3, 3, 3))), options(1)), ShapeError, "1 spatial axes"),
    )

    @staticmethod
    def kernel(x: Any, weight: Any, **params: Any) -> Any:
        x, weight, plan = prepared("convolution", x, weight, params)
        layout = params["layout"]
        return laid(correlate(last(x, layout), kernel_last(weight, layout), plan), layout)

    def plan(  # type: ignore[override]  # each names its own operands
        self,
        x: Any,
        w: Any,
        *,
        stride: tuple[int, ...],
        padding: Pairs,
        dilation: tuple[int, ...],
        groups: int,
        layout: str,
    ) -> Plan:
        check_ranks(self.name, x, w, len(stride))
        given = f"{x!r} and weights {w!r}"
        kernel, inside, outside = kernel_of(w.shape, layout)
        channels, sizes = channels_of(x.shape, layout), spatial(x.shape, layout)
        check_groups(self.name, given, groups, channels, outside)
        check_channels(self.name, given, layout, groups, channels // groups, inside)
        check_fit(self.name, given, sizes, kernel, padding, dilation)
        rows = zip(sizes, kernel, stride, padding, dilation, strict=True)
        out = [out_size(*row) for row in rows]
        axes = axes_of(sizes, kernel, out, stride, padding, dilation)
        return Plan(x.shape[0], groups, inside, outside // groups, axes)


@public
def convolution(
    x: Any,
    weight: Any,
    *,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
    layout: str = "channels_first",
) -> Any:
    r"""Slide a kernel over the spatial axes: at each place, sum its products with ``x``.

    .. math:: y_{n,o,p} = \sum_{c,k} x_{n,c,\,p s + k d - b}\, w_{o,c,k}, \qquad
        \bar x = \mathrm{conv\_transpose}(\bar y, w), \quad
        \bar w_{o,c,k} = \sum_{n,p} x_{n,c,\,p s + k d - b}\, \bar y_{n,o,p}

    with stride s, dilation d and padding b before; entries outside of ``x`` are 0. The kernel is
    not flipped (in signal processing this is the correlation), as in all libraries for neural
    networks. There are as many spatial axes as ``x`` has beside batch and channels: one to any
    number. ``conv1d``, ``conv2d`` and ``conv3d`` insist on theirs.

    Parameters
    ----------
    x : array_like
        Of shape (batch, channels, \*size), or with ``layout="channels_last"`` (batch, \*size,
        channels).
    weight : array_like
        Of shape (out, channels / groups, \*kernel), as PyTorch has it; with
        ``layout="channels_last"`` (\*kernel, channels / groups, out), as Keras and JAX have it.
    stride, dilation : int or tuple of int
        Steps between windows, and between the entries of one; one number for all spatial axes, or
        one for each.
    padding : int, "same", "valid", or a sequence
        Zeros around ``x``: a number, or for each axis a number or a pair (before, after). "valid"
        is none. "same" makes ceil(size / stride) windows, an odd zero at the end, as Keras does;
        PyTorch has it for stride 1 only.
    groups : int
        Channels are split into so many groups, which do not meet; as many as channels for a
        depthwise convolution.
    layout : {"channels_first", "channels_last"}
        Of ``x``, ``weight`` and the result. Results have their channels last in memory in both, so
        that chains of convolutions run at the same speed.

    Returns
    -------
    (batch, out, \*places) or (batch, \*places, out), of the operands' common dtype, with
    floor((size + padding - d (kernel - 1) - 1) / s) + 1 places along each axis.

    Raises
    ------
    ShapeError
        Channels that do not fit, groups that do not divide them, a kernel larger than the padded
        input, options for another number of axes.
    ValueError
        Another ``layout``, or a word for ``padding`` that is none of the two.
    DTypeError
        Options that are not integers.

    Reference: Dumoulin and Visin, "A guide to convolution arithmetic for deep learning" (2016).

    >>> import autodiff as ad
    >>> x = ad.tensor([[[1.0, 2.0, 4.0, 8.0]]], requires_grad=True)
    >>> y = ad.convolution(x, [[[-1.0, 1.0]]])
    >>> y.data, ad.gradients(y, x, cotangents=[[[1.0, 0.0, 0.0]]]).data
    (array([[[1., 2., 4.]]]), array([[[-1.,  1.,  0.,  0.]]]))
    """
    return _convolve("convolution", None, x, weight, stride, padding, dilation, groups, layout)


def _convolve(
    name: str,
    rank: int | None,
    x: Any,
    weight: Any,
    stride: Any,
    padding: Any,
    dilation: Any,
    groups: Any,
    layout: Any,
) -> Any:
    x, weight = as_array(x), as_array(weight)
    layout = check_layout(name, layout)
    sizes = check_spatial(name, x.shape, layout)
    if rank not in (None, len(sizes)):
        raise ShapeError(
            f"{name}: x of shape {x.shape} has {len(sizes)} spatial axes, expected {rank}, so "
            f"{rank + 2} axes with batch and channels; ad.convolution takes any number"
        )
    rank = len(sizes)
    check_ranks(name, aval_of(x), aval_of(weight), rank)
    kernel = kernel_of(weight.shape, layout)[0]
    strides = counts(name, "stride", stride, rank)
    dilations = counts(name, "dilation", dilation, rank)
    return apply(
        PRIMITIVES["convolution"],
        x,
        weight,
        stride=strides,
        padding=pairs(name, padding, tuple(zip(sizes, kernel, strides, dilations, strict=True))),
        dilation=dilations,
        groups=counts(name, "groups", groups, 1)[0],
        layout=layout,
    )


@public
def conv1d(
    x: Any,
    weight: Any,
    *,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
    layout: str = "channels_first",
) -> Any:
    r"""``convolution`` over one spatial axis.

    .. math:: y_{n,o,i} = \sum_{c,k} x_{n,c,\,i s + k d - b}\, w_{o,c,k}

    ``x``: (batch, channels, length) or (batch, length, channels). Options, dtypes and errors are
    those of ``convolution``; ShapeError too where ``x`` has not three axes.

    >>> import autodiff as ad
    >>> ad.conv1d(ad.tensor([[[1.0, 2.0, 4.0]]]), [[[1.0, 10.0]]], padding="same")
    Tensor([[[21., 42.,  4.]]])
    """
    return _convolve("conv1d", 1, x, weight, stride, padding, dilation, groups, layout)


@public
def conv2d(
    x: Any,
    weight: Any,
    *,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
    layout: str = "channels_first",
) -> Any:
    r"""``convolution`` over two spatial axes.

    .. math:: y_{n,o,i,j} = \sum_{c,k,l} x_{n,c,\,i s + k d - b,\,j s + l d - b}\, w_{o,c,k,l}

    ``x``: (batch, channels, height, width) or (batch, height, width, channels). Options, dtypes and
    errors are those of ``convolution``; ShapeError too where ``x`` has not four axes.

    >>> import autodiff as ad
    >>> images = ad.ones((8, 3, 28, 28))
    >>> ad.conv2d(images, ad.ones((16, 3, 5, 5)), stride=2, padding=2).shape
    (8, 16, 14, 14)
    >>> ad.conv2d(ad.ones((8, 28, 28, 3)), ad.ones((5, 5, 3, 16)), layout="channels_last").shape
    (8, 24, 24, 16)
    """
    return _convolve("conv2d", 2, x, weight, stride, padding, dilation, groups, layout)


@public
def conv3d(
    x: Any,
    weight: Any,
    *,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
    layout: str = "channels_first",
) -> Any:
    r"""``convolution`` over three spatial axes.

    .. math:: y_{n,o,p} = \sum_{c,k} x_{n,c,\,p s + k d - b}\, w_{o,c,k}

    with triples p and k. ``x``: (batch, channels, depth, height, width) or (batch, depth, height,
    width, channels). Options, dtypes and errors are those of ``convolution``; ShapeError too where
    ``x`` has not five axes.

    >>> import autodiff as ad
    >>> ad.conv3d(ad.ones((2, 1, 4, 8, 8)), ad.ones((6, 1, 2, 3, 3)), padding=(0, 1, 1)).shape
    (2, 6, 3, 8, 8)
    """
    return _convolve("conv3d", 3, x, weight, stride, padding, dilation, groups, layout)
