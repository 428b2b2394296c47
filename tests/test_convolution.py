"""Convolution against loops over windows, with the kernels' blocks made small enough to matter."""

from __future__ import annotations

import itertools
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import autodiff as ad
from autodiff.ops import patches
from tests.tolerances import assert_close

LAYOUTS = ("channels_first", "channels_last")


class Problem(NamedTuple):
    """A convolution with the channels first, and the block size that its kernels work with."""

    x: tuple[int, ...]
    w: tuple[int, ...]
    stride: tuple[int, ...]
    padding: tuple[tuple[int, int], ...]
    dilation: tuple[int, ...]
    groups: int
    layout: str
    block: int

    @property
    def options(self) -> dict[str, Any]:
        keys = ("stride", "padding", "dilation", "groups", "layout")
        return {k: getattr(self, k) for k in keys}


@st.composite
def problems(draw: Any) -> Problem:
    """One to three spatial axes; channels on both sides of every choice that the kernels make."""
    rank = draw(st.integers(1, 3))

    def each(low: int, high: int) -> tuple[int, ...]:
        return tuple(draw(st.integers(low, high)) for _ in range(rank))

    kernel, dilation = each(1, 3), each(1, 2)
    stride = draw(st.sampled_from([(1,) * rank, each(1, 3)]))
    padding = tuple(zip(each(0, 2), each(0, 2), strict=True))
    extents = [d * (k - 1) + 1 for k, d in zip(kernel, dilation, strict=True)]
    size = [max(1, e - sum(p)) + n for e, p, n in zip(extents, padding, each(0, 3), strict=True)]
    groups = draw(st.integers(1, 3))
    inside, outside = draw(
        st.sampled_from([(1, 1), (1, 2), (2, 1), (2, 3), (9, 2), (2, 9), (10, 10)])
    )
    batch, block = draw(st.integers(1, 3)), draw(st.sampled_from([1, 40, 1000, 1 << 18]))
    x = (batch, groups * inside, *size)
    w = (groups * outside, inside, *kernel)
    layout = draw(st.sampled_from(LAYOUTS))
    return Problem(x, w, stride, padding, dilation, groups, layout, block)


def direct(x: Any, w: Any, problem: Problem) -> Any:
    """The definition, window by window; channels first."""
    padded = np.pad(x, ((0, 0), (0, 0), *problem.padding))
    kernel = w.shape[2:]
    rows = zip(padded.shape[2:], kernel, problem.stride, problem.dilation, strict=True)
    out = [(n - d * (k - 1) - 1) // s + 1 for n, k, s, d in rows]
    y = np.zeros((x.shape[0], w.shape[0], *out))
    inside, outside = w.shape[1], w.shape[0] // problem.groups
    for place in np.ndindex(*out):
        for offset in np.ndindex(*kernel):
            rows = zip(place, offset, problem.stride, problem.dilation, strict=True)
            at = tuple(p * s + k * d for p, k, s, d in rows)
            for o in range(w.shape[0]):
                c = o // outside * inside
                entries = padded[(slice(None), slice(c, c + inside), *at)]
                y[(slice(None), o, *place)] += entries @ w[(o, slice(None), *offset)]
    return y


def laid(x: Any, layout: str) -> Any:
    """Images or results in a layout."""
    return x if layout == "channels_first" else np.moveaxis(x, 1, -1)


def laid_weights(w: Any, layout: str) -> Any:
    """Weights in a layout."""
    return w if layout == "channels_first" else np.moveaxis(w, (1, 0), (-2, -1))


def arrays(problem: Problem, count: int, seed: int = 0) -> list[tuple[Any, Any]]:
    """Pairs of images and weights, the channels first."""
    rng = np.random.default_rng(seed)
    return [(rng.standard_normal(problem.x), rng.standard_normal(problem.w)) for _ in range(count)]


@given(problems())
def test_convolution_and_both_modes(problem: Problem) -> None:
    layout = problem.layout
    (x, w), (u, t) = arrays(problem, 2)
    expected = laid(direct(x, w, problem), layout)
    along_x, along_w = (laid(direct(*pair, problem), layout) for pair in ((u, w), (x, t)))

    def f(x: Any, w: Any) -> Any:
        return ad.convolution(x, w, **problem.options)

    primals = laid(x, layout), laid_weights(w, layout)
    tangents = laid(u, layout), laid_weights(t, layout)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(patches, "_BLOCK", problem.block)
        leaves = [ad.tensor(a, requires_grad=True) for a in primals]
        y = f(*leaves)
        v = np.random.default_rng(1).standard_normal(y.shape)
        pulled = ad.gradients(y, leaves, cotangents=v, unused="zeros")
        value, pushed = ad.jvp(f, primals, tangents)
    assert_close(y.numpy(), expected, "reference", "value")
    assert_close(value, expected, "reference", "value in forward mode")
    assert_close(pushed, along_x + along_w, "reference", "tangent")
    # Linear in each operand, so that its value along a tangent is the derivative along it.
    for g, tangent, moved in zip(pulled, tangents, (along_x, along_w), strict=True):
        assert g.shape == tangent.shape and g.dtype == np.float64
        size = np.abs(g.numpy() * tangent).sum() + np.abs(v * moved).sum() + 1
        assert abs(np.sum(g.numpy() * tangent) - np.sum(v * moved)) < 1e-13 * size


@given(problems(), st.data())
def test_transpose(problem: Problem, data: Any) -> None:
    """``<v, conv(x, w)> = <conv_transpose(v, w), x>``, for every size that has those windows."""
    layout = problem.layout
    ((x, w),) = arrays(problem, 1)
    y = direct(x, w, problem)
    rows = zip(y.shape[2:], w.shape[2:], problem.stride, problem.padding, problem.dilation)
    least = [(n - 1) * s + d * (k - 1) + 1 - sum(p) for n, k, s, p, d in rows]
    added = [n - m for n, m in zip(x.shape[2:], least, strict=True)]
    v = np.random.default_rng(2).standard_normal(y.shape)
    weights = laid_weights(w, layout)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(patches, "_BLOCK", problem.block)
        back = ad.conv_transpose(laid(v, layout), weights, output_padding=added, **problem.options)
        axis = data.draw(st.integers(0, len(least) - 1))
        if min(least) > 0:
            sizes = ad.conv_transpose(laid(v, layout), weights, **problem.options).shape
            got = sizes[2:] if layout == "channels_first" else sizes[1:-1]
            assert got[axis] == least[axis]
    assert back.shape == laid(x, layout).shape
    size = np.abs(y * v).sum() + np.abs(back * laid(x, layout)).sum() + 1
    assert abs(np.sum(y * v) - np.sum(back * laid(x, layout))) < 1e-13 * size


@given(problems())
def test_second_order(problem: Problem) -> None:
    """The derivative of the derivative along (u, t) is the convolution of one with the other."""
    layout = problem.layout
    (x, w), (u, t) = arrays(problem, 2, seed=3)
    leaves = [ad.tensor(laid(x, layout), requires_grad=True)]
    leaves.append(ad.tensor(laid_weights(w, layout), requires_grad=True))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(patches, "_BLOCK", problem.block)
        y = ad.convolution(*leaves, **problem.options)
        v = np.random.default_rng(4).standard_normal(y.shape)
        first = ad.gradients(y, leaves, cotangents=v, create_graph=True, unused="zeros")
        along = ad.sum(first[0] * laid(u, layout))
        if not along.requires_grad:
            return  # no entry is read, and the gradient is the constant 0
        (second,) = ad.gradients(along, leaves[1:], unused="zeros")
    expected = np.sum(v * laid(direct(u, t, problem), layout))
    got = np.sum(second.numpy() * laid_weights(t, layout))
    assert got == pytest.approx(expected, rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8", "i4", "c16"])
def test_dtypes(dtype: str) -> None:
    x, w = np.ones((1, 2, 4, 4), dtype), np.ones((3, 2, 3, 3), "f4")
    y = ad.conv2d(x, w, padding="same")
    assert y.dtype == np.result_type(dtype, "f4")
    assert y[0, 0, 1, 1] == 18 and y[0, 2, 0, 0] == 8
    leaf = ad.tensor(w, requires_grad=True)
    cotangents = np.ones(y.shape, y.dtype)
    g = ad.gradients(ad.conv2d(x, leaf, padding="same"), leaf, cotangents=cotangents)
    assert g.dtype == np.float32 and g[0, 0, 1, 1] == 16


def test_float32_stays_float32_in_every_kernel() -> None:
    for groups, inside, outside in ((1, 2, 3), (1, 20, 2), (2, 1, 1), (2, 2, 3)):
        for stride in (1, 2):
            shapes = (2, groups * inside, 5, 5), (groups * outside, inside, 3, 3)
            x, w = (ad.tensor(np.ones(s, "f4"), requires_grad=True) for s in shapes)
            y = ad.conv2d(x, w, stride=stride, padding=1, groups=groups)
            assert {y.dtype, *(g.dtype for g in ad.gradients(y.sum(), (x, w)))} == {np.dtype("f4")}


def test_same_padding() -> None:
    """ceil(size / stride) windows, an odd zero at the end."""
    x = np.arange(1.0, 6.0)[None, None]
    w = np.array([[[1.0, 10.0]]])
    assert ad.conv1d(x, w, padding="same").tolist() == [[[21, 32, 43, 54, 5]]]
    for size, stride, kernel in itertools.product((4, 5, 6), (1, 2, 3), (1, 2, 4)):
        y = ad.conv1d(np.ones((1, 1, size)), np.ones((1, 1, kernel)), stride=stride, padding="same")
        assert y.shape == (1, 1, -(-size // stride))
        back = ad.conv_transpose(y, np.ones((1, 1, kernel)), stride=stride, padding="same")
        assert back.shape == (1, 1, y.shape[-1] * stride)


# OpenBLAS's kernels for some processors multiply the infinity by zeros of their own, whose NaN they
# drop, and NumPy warns of it: np.matmul alone does.
@pytest.mark.filterwarnings("ignore:invalid value encountered in matmul:RuntimeWarning")
def test_an_infinite_weight_meets_no_padding_of_the_gradient() -> None:
    x = ad.tensor(np.ones((1, 1, 3)), requires_grad=True)
    y = ad.conv1d(x, np.array([[[1.0, np.inf]]]))
    assert ad.gradients(y, x, cotangents=np.ones(y.shape)).tolist() == [[[1, np.inf, np.inf]]]
    wide = np.ones((1, 6, 3))
    wide[0, 0, 0] = np.inf
    w = ad.tensor(np.ones((1, 6, 2)), requires_grad=True)
    g = ad.gradients(ad.conv1d(wide, w), w, cotangents=np.ones((1, 1, 2)))
    assert g.tolist() == [[[np.inf, 2], *[[2, 2]] * 5]]


def test_an_entry_between_windows_has_no_gradient() -> None:
    """It is absent, so that an infinite slope before it leaves no NaN."""
    x = ad.tensor([[[1.0, 0.0, 4.0]]], requires_grad=True)
    y = ad.conv1d(ad.sqrt(x), np.ones((1, 1, 1)), stride=2)
    for record in (False, True):
        g = ad.gradients(y.sum(), x, create_graph=record)
        assert g.tolist() == [[[0.5, 0.0, 0.25]]]


def test_results_do_not_share_memory_with_operands() -> None:
    x, w = np.ones((1, 1, 3)), np.ones((1, 1, 1))
    for y in (ad.convolution(x, w), ad.conv_transpose(x, w)):
        assert not np.shares_memory(y, x) and not np.shares_memory(y, w)


X, W = np.ones((2, 4, 8, 8)), np.ones((6, 4, 3, 3))


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda: ad.conv2d(X, W[:, :3]), ValueError, r"4 channels on axis 1.*weights are for 3"),
        (lambda: ad.conv2d(X, W, groups=3), ValueError, "groups=3 must divide the 4 channels"),
        (lambda: ad.conv2d(X, W, groups=0), ValueError, "groups is at least 1"),
        (lambda: ad.conv2d(X, W, layout="channels_last"), ValueError, r"\(\*kernel, in / groups"),
        (lambda: ad.conv2d(X, W, layout="NHWC"), ValueError, "'channels_last'.*got 'NHWC'"),
        (
            lambda: ad.conv2d(X, W, dilation=4),
            ValueError,
            r"spans 9 entries \(size 3, dilation 4\)",
        ),
        (lambda: ad.conv2d(X, np.ones((6, 4, 9, 1))), ValueError, "axis 0 the kernel spans 9"),
        (lambda: ad.conv2d(X, W, stride=0), ValueError, "stride is at least 1, got 0"),
        (lambda: ad.conv2d(X, W, stride=(1, 1, 1)), ValueError, "3 entries for 2 spatial axes"),
        (lambda: ad.conv2d(X, W, stride=1.5), TypeError, "stride is an integer"),
        (lambda: ad.conv2d(X, W, padding=-1), ValueError, "padding is at least 0"),
        (lambda: ad.conv2d(X, W, padding="full"), ValueError, "'same', 'valid', an integer"),
        (lambda: ad.conv2d(X, W, padding=(1, 1, 1, 1)), ValueError, "4 entries for 2 spatial"),
        (lambda: ad.conv2d(X, W, padding=((1, 1, 1), 0)), ValueError, "3 entries for 2"),
        (lambda: ad.conv2d(X[0], W), ValueError, "has 1 spatial axes, expected 2"),
        (lambda: ad.conv1d(X[0, 0], W), ValueError, r"3 or more.*x\[None\]"),
        (lambda: ad.conv3d(X, W), ValueError, "expected 3, so 5 axes"),
        (lambda: ad.conv2d(X, W[0]), ValueError, "both have 4 axes"),
        (lambda: ad.conv_transpose(X, W), ValueError, "4 channels, and the weights are for 6"),
        (
            lambda: ad.conv_transpose(X, W[:4], stride=2, output_padding=2),
            ValueError,
            "less than the stride",
        ),
        (
            lambda: ad.conv_transpose(X, W[:4], stride=2, padding="same", output_padding=1),
            ValueError,
            "says the size itself",
        ),
        (lambda: ad.conv_transpose(X, W[:4], padding=5), ValueError, r"leave the sizes \(0, 0\)"),
        (lambda: ad.conv_transpose(X, W[:4], groups=3), ValueError, "must divide"),
    ],
)
def test_errors(call: Any, error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        call()


def test_errors_name_the_operands() -> None:
    x = ad.tensor(np.ones((2, 4, 8), "f4"), name="image", requires_grad=True)
    with pytest.raises(ad.ShapeError, match=r"float32\[2, 4, 8\].*float64\[6, 3, 3\]"):
        ad.conv1d(x, np.ones((6, 3, 3)))
