"""NumPy's functions by a table: values, dtypes, gradients of two orders, forward mode, vmap."""

from __future__ import annotations

import importlib
import warnings
import zlib
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import autodiff as ad
from tests.function_checks import check_function
from tests.numpy_table import CONSTANT, TABLE, Row
from tests.tolerances import assert_close

# The modules whose every function has a row.
COVERED = (
    "arrangement",
    "assembly",
    "closeness",
    "differences",
    "discrete",
    "extremes",
    "floats",
    "integers",
    "missing",
    "picking",
    "polynomial",
    "positions",
    "products",
    "quantiles",
    "signal",
    "sinc",
    "statistics",
)
# Written otherwise in NumPy, or tested on their own below and elsewhere.
ELSEWHERE = {
    "allclose",
    "array_equal",
    "put_along_axis",
    "argmax",
    "argmin",
    "any",
    "all",
    "std",
    "var",
}

ids = [r.name for r in TABLE]


def drawn(row: Row, dtype: Any = np.float64) -> list[Any]:
    return row.draw(np.random.default_rng(zlib.crc32(row.name.encode())), dtype)


def parts(y: Any) -> list[Any]:
    return list(y) if isinstance(y, (tuple, list)) else [y]


def quiet(call: Any, *operands: Any) -> list[Any]:
    """The results, without NumPy's own warnings about NaN."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        return parts(call(*operands))


@pytest.mark.parametrize("dtype", [np.float64, np.float32], ids=["float64", "float32"])
@pytest.mark.parametrize("row", [*TABLE, *CONSTANT], ids=lambda r: r.name)
def test_value(row: Row, dtype: Any) -> None:
    """The value and the dtype are NumPy's, of ndarrays and of Tensors."""
    operands = drawn(row, dtype)
    expected = quiet(row.call, np, *operands)
    lifted = [ad.tensor(x) if np.asarray(x).dtype.kind == "f" else x for x in operands]
    for given_operands in (operands, lifted):
        got = quiet(row.call, ad, *given_operands)
        assert len(got) == len(expected)
        for y, e in zip(got, expected, strict=True):
            assert_close(np.asarray(y), np.asarray(e), "reference", row.name, dtype=dtype)
            assert np.asarray(y).dtype == np.asarray(e).dtype, row.name
            if given_operands is lifted and lifted:
                assert isinstance(y, ad.Tensor), f"{row.name}: {type(y)}"


@pytest.mark.parametrize("row", TABLE, ids=ids)
def test_gradient(row: Row) -> None:
    """Reverse mode against numeric derivatives, to the second order."""
    if row.name.startswith("nan"):
        # gradcheck takes every operation by itself, and a NaN on the way for a jump.
        check_function(lambda *xs: row.call(ad, *xs), *drawn(row), what=row.name)
        return
    report = ad.gradcheck(lambda *xs: row.call(ad, *xs), *drawn(row), order=2, budget=0.3)
    assert report.verdict == "correct", str(report)


@pytest.mark.parametrize("row", TABLE, ids=ids)
def test_forward(row: Row) -> None:
    """Forward mode is the transpose of reverse mode."""
    operands, rng = drawn(row), np.random.default_rng(0)

    def f(*xs: Any) -> list[Any]:
        return [y for y in parts(row.call(ad, *xs)) if y.dtype.kind == "f"]

    tangents = [rng.standard_normal(np.shape(x)) for x in operands]
    leaves = [ad.tensor(x, requires_grad=True) for x in operands]
    ys = f(*leaves)
    _, pushed = ad.jvp(f, tuple(operands), tuple(tangents))
    vs = [rng.standard_normal(y.shape) for y in ys]
    live = [(y, v) for y, v in zip(ys, vs, strict=True) if y.requires_grad]
    pulled = ad.gradients(
        [y for y, _ in live], leaves, cotangents=[v for _, v in live], unused="zeros"
    )
    forward = sum(np.sum(np.asarray(t) * v) for t, v in zip(pushed, vs, strict=True))
    reverse = sum(np.sum(g.data * t) for g, t in zip(pulled, tangents, strict=True))
    assert_close(np.float64(forward), np.float64(reverse), "derivative", row.name)


@pytest.mark.parametrize("row", TABLE, ids=ids)
def test_numpy_name(row: Row) -> None:
    """NumPy's own function, called with Tensors, gives the same, with its history."""
    operands = drawn(row)
    leaves = [ad.tensor(x, requires_grad=True) for x in operands]
    got = quiet(row.call, np, *leaves)
    for y, e in zip(got, quiet(row.call, np, *operands), strict=True):
        assert isinstance(y, ad.Tensor)
        assert_close(y.data, np.asarray(e), "reference", row.name)
    assert any(y.requires_grad for y in got)


# Where the shape of the result depends on the values, there is none for a batch.
BY_VALUE = {"trim_zeros", "unique", "polymul"}


@pytest.mark.parametrize("row", TABLE, ids=ids)
def test_vmap(row: Row) -> None:
    """A batch of calls gives what a loop gives, or says that it cannot be."""
    rng = np.random.default_rng(1)
    calls = [row.draw(rng) for _ in range(3)]
    stacked = [np.stack(operands) for operands in zip(*calls, strict=True)]

    def call(*xs: Any) -> tuple[Any, ...]:
        return tuple(parts(row.call(ad, *xs)))

    if row.name.split("-")[0] in BY_VALUE:
        with pytest.raises(ad.VmapError):
            ad.vmap(call)(*stacked)
        return
    got = quiet(ad.vmap(call), *stacked)
    loop = [quiet(call, *operands) for operands in calls]
    for y, examples in zip(got, zip(*loop, strict=True), strict=True):
        expected = np.stack([np.asarray(e) for e in examples])
        assert_close(np.asarray(y), expected, "reference", row.name)


def test_every_function_has_a_row() -> None:
    have = {r.name.split("-")[0] for r in (*TABLE, *CONSTANT)} | ELSEWHERE
    wanted = {
        name
        for module in COVERED
        for name in importlib.import_module(f"autodiff.ops.{module}").__all__
    }
    assert wanted - have == set()


# ---- Hypothesis: shapes, axes and keywords


@st.composite
def arrays(draw: Any, min_side: int = 1, min_dims: int = 1) -> np.ndarray[Any, Any]:
    shape = tuple(draw(st.lists(st.integers(min_side, 4), min_size=min_dims, max_size=3)))
    seed = draw(st.integers(0, 999))
    size = int(np.prod(shape))
    return (np.random.default_rng(seed).permutation(size) - 0.4 * size).reshape(shape) / 3


@st.composite
def axes_of(draw: Any, ndim: int, several: bool = True) -> Any:
    one = st.integers(-ndim, ndim - 1)
    if not several:
        return draw(one)
    some = st.lists(st.integers(0, ndim - 1), min_size=1, max_size=ndim, unique=True).map(tuple)
    return draw(st.none() | one | some)


def agree(name: str, x: Any, *args: Any, **kwargs: Any) -> None:
    """The value is NumPy's, and the gradient is what gradcheck measures."""
    (expected,) = quiet(lambda: getattr(np, name)(x, *args, **kwargs))
    (got,) = quiet(lambda: getattr(ad, name)(ad.tensor(x), *args, **kwargs))
    assert_close(got.data, expected, "reference", f"{name} {x.shape} {args} {kwargs}")
    weights = np.cos(np.arange(np.size(expected))).reshape(np.shape(expected))
    leaf = ad.tensor(x, requires_grad=True)
    (y,) = quiet(lambda: getattr(ad, name)(leaf, *args, **kwargs))
    if not (y.requires_grad and y.size and np.isfinite(y.data).all()):
        return
    pulled = ad.gradients(y, leaf, cotangents=weights, unused="zeros").data
    u = np.sin(1.0 + np.arange(x.size)).reshape(x.shape)
    h = 1e-6
    ahead, behind = (
        np.sum(weights * quiet(lambda s=s: getattr(np, name)(x + s * h * u, *args, **kwargs))[0])
        for s in (1, -1)
    )
    slope = (ahead - behind) / (2 * h)
    assert abs(np.sum(pulled * u) - slope) <= 1e-5 * max(abs(slope), 1.0), (name, x.shape, kwargs)


REDUCED = ("sum", "prod", "mean", "max", "min", "var", "std", "median", "ptp", "nansum", "nanmean")
MASKED = {
    "sum": {},
    "prod": {},
    "mean": {},
    "var": {},
    "std": {},
    "max": {"initial": -99.0},
    "min": {"initial": 99.0},
}


@given(data=st.data(), name=st.sampled_from(REDUCED), keepdims=st.booleans())
def test_reductions(data: Any, name: str, keepdims: bool) -> None:
    x = data.draw(arrays())
    options: dict[str, Any] = {"axis": data.draw(axes_of(x.ndim)), "keepdims": keepdims}
    if name in MASKED and data.draw(st.booleans()):
        # No empty selections here: their means are NaN.
        mask = np.random.default_rng(data.draw(st.integers(0, 99))).random(x.shape) < 0.6
        mask[tuple([slice(1)] * x.ndim)] = True
        options |= {"where": mask, **MASKED[name]}
    if name in ("var", "std"):
        options["ddof"] = data.draw(st.sampled_from([0, 0.5]))
    agree(name, x, **options)


@given(data=st.data(), name=st.sampled_from(("cumsum", "cumprod", "nancumsum")))
def test_cumulative(data: Any, name: str) -> None:
    x = data.draw(arrays())
    agree(name, x, axis=data.draw(st.none() | axes_of(x.ndim, several=False)))


@given(data=st.data())
def test_running_extremes(data: Any) -> None:
    x = data.draw(arrays())
    axis = data.draw(axes_of(x.ndim, several=False))
    for name, ufunc in (("cumulative_max", np.maximum), ("cumulative_min", np.minimum)):
        y = getattr(ad, name)(ad.tensor(x), axis)
        assert_close(y.data, ufunc.accumulate(x, axis=axis), "same", name)


@given(
    data=st.data(),
    method=st.sampled_from(
        [
            "linear",
            "lower",
            "higher",
            "midpoint",
            "nearest",
            "hazen",
            "weibull",
            "median_unbiased",
            "normal_unbiased",
            "inverted_cdf",
            "averaged_inverted_cdf",
            "closest_observation",
            "interpolated_inverted_cdf",
        ]
    ),
)
def test_quantile_methods(data: Any, method: str) -> None:
    x = data.draw(arrays())
    axis = data.draw(axes_of(x.ndim))
    q = data.draw(st.lists(st.floats(0, 1), min_size=1, max_size=3))
    agree("quantile", x, q, axis=axis, method=method)


@given(data=st.data())
def test_movement(data: Any) -> None:
    x = data.draw(arrays(min_dims=2))
    axis = data.draw(axes_of(x.ndim, several=False))
    agree("roll", x, data.draw(st.integers(-6, 6)), axis)
    agree("repeat", x, data.draw(st.integers(0, 3)), axis)
    agree("tile", x, data.draw(st.lists(st.integers(0, 2), max_size=4)))
    agree("rot90", x, data.draw(st.integers(-5, 5)))
    k = data.draw(st.integers(-5, 5))
    for name in ("diagonal", "tril", "triu"):
        agree(name, x, k)
    agree("rollaxis", x, axis, data.draw(st.integers(-x.ndim, x.ndim)))
    places = data.draw(st.lists(st.integers(-x.shape[axis], x.shape[axis] - 1), max_size=3))
    agree("delete", x, np.array(places, int), axis)
    agree("insert", x, np.array(places, int), 0.5, axis)
    agree("diff", x, data.draw(st.integers(0, 3)), axis)


@given(data=st.data())
def test_put_along_axis(data: Any) -> None:
    x = data.draw(arrays())
    axis = data.draw(axes_of(x.ndim, several=False))
    places = np.argsort(np.cos(np.arange(x.size)).reshape(x.shape), axis)
    expected, values = x.copy(), np.sqrt(np.arange(x.size)).reshape(x.shape)
    np.put_along_axis(expected, places, values, axis)
    leaf, v = ad.tensor(x, requires_grad=True), ad.tensor(values, requires_grad=True)
    y = ad.put_along_axis(leaf, places, v, axis)
    assert_close(y.data, expected, "same", "put_along_axis")
    g, gv = ad.gradients(y.sum(), [leaf, v])
    assert not g.data.any() and (gv.data == 1).all()


@given(n=st.integers(1, 7), m=st.integers(1, 7), mode=st.sampled_from(["full", "same", "valid"]))
def test_convolutions(n: int, m: int, mode: str) -> None:
    a, v = np.cos(np.arange(n)), np.sin(1.0 + np.arange(m))
    agree("convolve", a, v, mode)
    agree("correlate", a, v, mode)


# ---- what a table does not say


def test_partition_of_one_place() -> None:
    x = np.random.default_rng(0).permutation(20).astype(float)
    y = ad.partition(ad.tensor(x), 7).data
    assert y[7] == 7 and (y[:7] < 7).all() and (y[8:] > 7).all()


def test_lists_and_generators_of_tensors() -> None:
    named = {k: ad.tensor(float(k), requires_grad=True) for k in range(3)}
    y = ad.stack(named.values()) @ np.array([1.0, 2.0, 3.0])
    assert [g.item() for g in ad.gradients(y, list(named.values()))] == [1.0, 2.0, 3.0]
    z = ad.concatenate([x * 2] for x in named.values())
    assert z.data.tolist() == [0.0, 2.0, 4.0]
    nested = ad.sum([[named[0], 5.0], [named[1], named[2]]], axis=0)
    assert nested.data.tolist() == [1.0, 7.0]
    assert ad.gradients(nested.sum(), named[2]).item() == 1.0


def test_a_mask_is_absence() -> None:
    x = ad.tensor([4.0, 0.0], requires_grad=True)
    assert ad.gradients(ad.sum(ad.sqrt(x), where=x.data > 0), x).data.tolist() == [0.25, 0.0]


def test_whole_arrays_compared() -> None:
    a = ad.tensor([1.0, np.nan])
    assert ad.allclose(a, a, equal_nan=True) is ad.array_equal(a, a, equal_nan=True) is True
    assert ad.allclose(a, a) is ad.array_equal(a, a[:1]) is False


def test_zeros_in_running_products() -> None:
    x = ad.tensor([2.0, 0.0, 3.0, 0.0, 5.0], requires_grad=True)
    y = ad.cumprod(x)
    # d/dx_1 of 2 (1 + x_1 + 3 x_1 + ...) = 2 + 6 at x_1 = 0, the next zero ends it.
    assert ad.gradients(y.sum(), x).data.tolist() == [1.0, 8.0, 0.0, 0.0, 0.0]
    huge = ad.tensor([1e-200, 1e200, 1e200], requires_grad=True)
    assert ad.gradients(ad.cumprod(huge)[2], huge).data.tolist() == pytest.approx(
        [np.inf, 1.0, 1.0]
    )


ERRORS = [
    (lambda: ad.sum(ad.ones((2, 3)), where=np.ones(2, bool)), ad.ShapeError, "does not broadcast"),
    (lambda: ad.sum(ad.ones(3), where=[1, 0, 1]), ad.DTypeError, "a mask of bools"),
    (lambda: ad.max(ad.ones(3), where=[True, False, True]), ad.ShapeError, "give initial"),
    (lambda: ad.var(ad.ones(3), ddof=1, correction=1), ValueError, "two names of one thing"),
    (lambda: ad.average(ad.ones((2, 3)), 1, [1, 2]), ad.ShapeError, "weights of shape (2,)"),
    (lambda: ad.cov(ad.ones((2, 2, 2))), ad.ShapeError, "at most two axes"),
    (lambda: ad.cov(ad.ones((2, 3)), fweights=[1, 2]), ad.ShapeError, "for 3 observations"),
    (lambda: ad.cov(ad.ones((2, 2)), fweights=[0.5, 1]), ad.DTypeError, "are integers"),
    (lambda: ad.quantile(ad.ones(3), 1.5), ValueError, "lie in [0, 1]"),
    (lambda: ad.quantile(ad.ones(3), 0.5, method="best"), ValueError, "'best'"),
    (lambda: ad.median(ad.ones(0)), ad.ShapeError, "no entries"),
    (lambda: ad.roll(ad.ones(3), (1, 2)), ad.AxisError, "need as many axes"),
    (lambda: ad.tile(ad.ones(3), -1), ad.ShapeError, "not negative"),
    (lambda: ad.repeat(ad.ones(3), [1, 2]), ad.ShapeError, "repeats of shape (2,)"),
    (lambda: ad.repeat(ad.ones(3), 1.5), ad.DTypeError, "repeats are integers"),
    (lambda: ad.broadcast_arrays(ad.ones(3), ad.ones(2)), ad.ShapeError, "(3,) and (2,)"),
    (lambda: ad.diag(ad.ones((1, 2, 3))), ad.ShapeError, "one or two axes"),
    (lambda: ad.tensordot(ad.ones((2, 3)), ad.ones((2, 3)), 1), ad.ShapeError, "has size 3"),
    (lambda: ad.cross(ad.ones(4), ad.ones(3)), ad.ShapeError, "2 or 3 components"),
    (lambda: ad.vecdot(ad.ones(3), ad.ones(1)), ad.ShapeError, "vecdot: vectors of 3 and 1"),
    (lambda: ad.convolve(ad.ones((2, 2)), ad.ones(2)), ad.ShapeError, "vectors"),
    (lambda: ad.convolve(ad.ones(2), ad.ones(2), "big"), ValueError, "'big'"),
    (lambda: ad.interp(0.5, [0.0], [1.0], period=ad.tensor(0.0)), ValueError, "period is not 0"),
    (lambda: ad.frexp(ad.tensor([1j])), ad.DTypeError, "frexp: not defined for complex128"),
    (lambda: ad.rel_entr(1.0, ad.tensor([1j])), ad.DTypeError, "rel_entr: not defined for"),
    (lambda: ad.interp(0.5, [0.0, 1.0], [1.0]), ad.ShapeError, "of one length"),
    (lambda: ad.gradient(ad.ones(1)), ad.ShapeError, "2 entries at least"),
    (lambda: ad.gradient(ad.ones((3, 3)), 1.0, 2.0, 3.0), ad.ShapeError, "3 spacings for 2 axes"),
    (lambda: ad.select([[True]], []), ad.ShapeError, "1 conditions for 0 choices"),
    (lambda: ad.choose([2], [ad.ones(1), ad.ones(1)]), ad.IndexingError, "from 0 to 1"),
    (lambda: ad.block([[ad.ones(1)], ad.ones(1)]), ad.ShapeError, "different depths"),
    (lambda: ad.bincount([0.5]), ad.DTypeError, "a vector of integers"),
    (lambda: ad.bincount([-1]), ad.ShapeError, "not negative"),
    (lambda: ad.digitize(ad.ones(1), [0.0, 2.0, 1.0]), ad.ShapeError, "rise or fall"),
    (lambda: ad.nanargmax(ad.tensor([np.nan])), ad.ShapeError, "nothing but NaN"),
    (lambda: ad.histogram(ad.tensor([1.0], requires_grad=True)), ad.GradientError, "no gradient"),
    (lambda: ad.piecewise(ad.ones(2), [[True, False]], []), ad.ShapeError, "0 functions"),
]


@pytest.mark.parametrize(("call", "error", "text"), ERRORS, ids=[e[2] for e in ERRORS])
def test_errors(call: Any, error: type[Exception], text: str) -> None:
    with pytest.raises(error) as raised:
        call()
    assert text in str(raised.value)
