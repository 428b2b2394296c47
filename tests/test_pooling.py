"""Pooling against loops over windows: ties, NaN, padding, both modes and layouts."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import autodiff as ad
from tests.tolerances import assert_close


class Problem(NamedTuple):
    """A pooling of an image with the channels first."""

    x: tuple[int, ...]
    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    padding: tuple[tuple[int, int], ...]
    dilation: tuple[int, ...]
    layout: str

    @property
    def options(self) -> dict[str, Any]:
        return {k: getattr(self, k) for k in ("kernel", "stride", "padding", "dilation", "layout")}


@st.composite
def problems(draw: Any) -> Problem:
    """One to three spatial axes; each window has an entry that is not padding."""
    rank = draw(st.integers(1, 3))

    def each(low: int, high: int) -> tuple[int, ...]:
        return tuple(draw(st.integers(low, high)) for _ in range(rank))

    kernel, dilation, stride = each(1, 3), each(1, 2), each(1, 3)
    padding = tuple(zip(each(0, 1), each(0, 1), strict=True))
    size = each(1, 5)
    layout = draw(st.sampled_from(["channels_first", "channels_last"]))
    shape = (draw(st.integers(1, 2)), draw(st.integers(1, 3)), *size)
    problem = Problem(shape, kernel, stride, padding, dilation, layout)
    found = windows(problem)
    assume(found and all(found.values()))
    return problem


def windows(problem: Problem) -> dict[tuple[int, ...], list[tuple[int, ...]]]:
    """For each place of the result, the places of the image that its window reads."""
    size = problem.x[2:]
    rows = zip(size, problem.kernel, problem.stride, problem.padding, problem.dilation, strict=True)
    out = [(n + sum(p) - d * (k - 1) - 1) // s + 1 for n, k, s, p, d in rows]
    found: dict[tuple[int, ...], list[tuple[int, ...]]] = {}
    for place in np.ndindex(*(max(n, 0) for n in out)):
        found[place] = []
        for offset in np.ndindex(*problem.kernel):
            rows = zip(
                place, offset, problem.stride, problem.padding, problem.dilation, strict=True
            )
            at = tuple(p * s + k * d - pad[0] for p, k, s, pad, d in rows)
            if all(0 <= i < n for i, n in zip(at, size, strict=True)):
                found[place].append(at)
    return found


def shape_of(problem: Problem) -> tuple[int, ...]:
    """The shape of the result, channels first."""
    return (*problem.x[:2], *(1 + i for i in max(windows(problem))))


def laid(x: Any, layout: str) -> Any:
    return x if layout == "channels_first" else np.moveaxis(x, 1, -1)


def shares(x: Any, problem: Problem) -> tuple[Any, dict[Any, Any]]:
    """The largest entries, and for each place of the result each entry's share in it."""
    y = np.zeros(shape_of(problem))
    found: dict[Any, Any] = {}
    for place, entries in windows(problem).items():
        values = np.stack([x[(..., *at)] for at in entries])
        largest = y[(..., *place)] = values.max(axis=0)
        chosen = (values == largest) | np.isnan(values)
        for at, share in zip(entries, chosen / chosen.sum(axis=0), strict=True):
            found[place, at] = share
    return y, found


def derivatives(problem: Problem, found: dict[Any, Any], v: Any, u: Any) -> tuple[Any, Any]:
    """Cotangent and tangent by the shares of entries in results."""
    pulled, pushed = np.zeros(problem.x), np.zeros(shape_of(problem))
    for (place, at), share in found.items():
        pulled[(..., *at)] += np.where(share > 0, v[(..., *place)] * share, 0)
        pushed[(..., *place)] += np.where(share > 0, u[(..., *at)] * share, 0)
    return pulled, pushed


def check(f: Any, problem: Problem, x: Any, y: Any, found: dict[Any, Any]) -> None:
    """Value, gradient and tangent of ``f`` against the shares, and the gradient's own gradient."""
    rng = np.random.default_rng(1)
    layout = problem.layout
    v, u = rng.standard_normal(y.shape), rng.standard_normal(x.shape)
    pulled, pushed = derivatives(problem, found, v, u)
    leaf = ad.tensor(laid(x, layout), requires_grad=True)
    cotangents = ad.tensor(laid(v, layout), requires_grad=True)
    result = f(leaf)
    assert_close(result.numpy(), laid(y, layout), "reference", "value")
    g = ad.gradients(result, leaf, cotangents=laid(v, layout))
    assert_close(g.numpy(), laid(pulled, layout), "reference", "gradient")
    tangent = ad.jvp(f, (laid(x, layout),), (laid(u, layout),))[1]
    assert_close(tangent, laid(pushed, layout), "reference", "tangent")
    g = ad.gradients(result, leaf, cotangents=cotangents, create_graph=True)
    assert_close(g.numpy(), laid(pulled, layout), "reference", "recorded gradient")
    second = ad.gradients(g, cotangents, cotangents=laid(u, layout))
    assert_close(second.numpy(), laid(pushed, layout), "reference", "gradient of the gradient")


@given(problems(), st.integers(0, 2))
def test_max_pool(problem: Problem, few: int) -> None:
    """Also with ties (values of a small set) and with NaN."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal(problem.x)
    if few:
        x = rng.integers(0, 3, problem.x).astype(float)
    if few == 2:
        x[rng.random(x.shape) < 0.2] = np.nan
    y, found = shares(x, problem)
    check(lambda x: ad.max_pool(x, **problem.options), problem, x, y, found)


@given(problems(), st.booleans())
def test_avg_pool(problem: Problem, padded: bool) -> None:
    x = np.random.default_rng(0).standard_normal(problem.x)
    y = np.zeros(shape_of(problem))
    found: dict[Any, Any] = {}
    for place, entries in windows(problem).items():
        count = np.prod(problem.kernel) if padded else len(entries)
        for at in entries:
            y[(..., *place)] += x[(..., *at)] / count
            found[place, at] = np.full(x.shape[:2], 1 / count)
    f = lambda x: ad.avg_pool(x, **problem.options, count_include_pad=padded)
    check(f, problem, x, y, found)


@pytest.mark.parametrize("value", [-np.inf, -5.0, np.inf])
def test_padding_is_never_the_largest(value: float) -> None:
    x = ad.tensor(np.full((1, 1, 3), value), requires_grad=True)
    y = ad.max_pool(x, 3, stride=1, padding=1)
    assert y.tolist() == [[[value] * 3]]
    g = ad.gradients(y, x, cotangents=np.full((1, 1, 3), 6.0))
    assert g.tolist() == [[[5.0, 8.0, 5.0]]]
    for dtype in ("i1", "i8", "u1", "?"):
        low = np.full((1, 1, 2), np.iinfo(dtype).min if dtype != "?" else False, dtype)
        assert ad.max_pool(low, 2, padding=1).tolist() == low.tolist()
        assert ad.max_pool(low, 2).dtype == low.dtype


@pytest.mark.parametrize("stride", [1, 2])
def test_what_was_not_selected_meets_no_infinity(stride: int) -> None:
    x = ad.tensor([[[1.0, 2.0, 0.5, 3.0]]], requires_grad=True)
    y = ad.max_pool(x, 2, stride=stride)
    v = np.full(y.shape, np.inf)
    for record in (False, True):
        g = ad.gradients(y, x, cotangents=v, create_graph=record)
        assert g.tolist() == [[[0.0, np.inf, 0.0, np.inf]]]
    # An infinite slope before the window, at an entry that was not selected.
    x = ad.tensor([[[0.0, 4.0]]], requires_grad=True)
    assert ad.gradients(ad.max_pool(ad.sqrt(x), 2).sum(), x).tolist() == [[[0.0, 0.25]]]
    x = ad.tensor([[[1.0, 0.0, 4.0]]], requires_grad=True)
    y = ad.avg_pool(ad.sqrt(x), 1, stride=2)
    assert ad.gradients(y.sum(), x).tolist() == [[[0.5, 0.0, 0.25]]]


def test_many_ties_are_counted() -> None:
    """More than a byte holds."""
    x = ad.tensor(np.zeros((1, 1, 20, 20), "f4"), requires_grad=True)
    g = ad.gradients(ad.max_pool(x, 20).sum(), x)
    assert g.dtype == np.float32
    np.testing.assert_allclose(g.numpy(), 1 / 400, rtol=1e-6)


def test_dtypes_and_memory() -> None:
    for dtype in ("f2", "f4", "f8", "i4", "?"):
        x = np.ones((1, 2, 4, 4), dtype)
        assert ad.max_pool(x, 2).dtype == x.dtype
        mean = ad.avg_pool(x, 2)
        assert mean.dtype == (x.dtype if dtype[0] == "f" else np.float64) and (mean == 1).all()
    x = np.ones((1, 1, 3))
    for y in (ad.max_pool(x, 1), ad.avg_pool(x, 1)):
        assert not np.shares_memory(y, x) and y.tolist() == x.tolist()


def test_what_is_left_over_is_not_read() -> None:
    x = np.arange(5.0)[None, None]
    assert ad.max_pool(x, 2).tolist() == [[[1, 3]]]
    assert ad.max_pool(x, 2, padding="same").tolist() == [[[1, 3, 4]]]
    assert ad.max_pool(x, 2, padding=((0, 1),)).tolist() == [[[1, 3, 4]]]
    assert ad.max_pool(x, 2, stride=1).tolist() == [[[1, 2, 3, 4]]]
    assert ad.max_pool(x, 2, dilation=3).tolist() == [[[3]]]


X = np.ones((2, 3, 6, 6))


@pytest.mark.parametrize("pool", [ad.max_pool, ad.avg_pool])
@pytest.mark.parametrize(
    ("options", "error", "text"),
    [
        ({"kernel": 7}, ValueError, "spatial axis 0 the kernel spans 7 entries"),
        ({"kernel": 2, "padding": 2}, ValueError, r"lies within the padding \(2, 2\)"),
        ({"kernel": (2, 2, 2)}, ValueError, "kernel=.* has 3 entries for 2 spatial axes"),
        ({"kernel": 0}, ValueError, "kernel is at least 1"),
        ({"kernel": 2.0}, TypeError, "kernel is an integer"),
        ({"kernel": 2, "layout": "NCHW"}, ValueError, "layout is 'channels_first'"),
        ({"kernel": 2, "padding": "SAME"}, ValueError, "padding is 'same', 'valid'"),
        ({"kernel": 2, "stride": 0}, ValueError, "stride is at least 1"),
    ],
)
def test_errors(pool: Any, options: Any, error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        pool(X, **options)


def test_errors_of_operands() -> None:
    with pytest.raises(ad.ShapeError, match=r"has 2 axes, expected 3 or more"):
        ad.max_pool(np.ones((4, 4)), 2)
    with pytest.raises(ad.DTypeError, match=r"complex128\[2, 3, 6, 6\].*ad\.abs"):
        ad.max_pool(X + 0j, 2)
    assert ad.avg_pool(X + 1j, 2)[0, 0, 0, 0] == 1 + 1j
