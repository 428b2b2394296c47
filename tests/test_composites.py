"""Sets, roots and fits of polynomials, slices and ranges: values, derivatives, errors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import hypothesis.extra.numpy as hnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import autodiff as ad
from tests.function_checks import check_function
from tests.tolerances import assert_close

V, W = np.array([0.9, 0.4, 0.7, -1.3]), np.array([0.2, 1.1, 0.5, 0.6])
X = np.array([[0.31, 0.83, 0.54], [0.71, 0.21, 0.62]])

# The same expression in numpy and in autodiff, and the operands that are differentiated.
ROWS: dict[str, tuple[Callable[..., Any], tuple[Any, ...]]] = {
    "poly": (lambda m, x: m.poly(x), (V,)),
    "poly-complex": (lambda m, x: m.poly(x), (V + 0.5j,)),
    "roots": (lambda m, x: m.roots(x), (np.array([1.0, -6.1, 11.2, -6.3]),)),
    "roots-complex": (lambda m, x: m.roots(x), (np.array([1.0, 0.5, 2.0]),)),
    "polydiv": (lambda m, u, v: m.polydiv(u, v), (V, W[:2])),
    "polyfit": (lambda m, x, y: m.polyfit(x, y, 2), (V, W)),
    "polyfit-weights": (lambda m, y, w: m.polyfit(V, y, 1, w=w), (W, W[::-1] + 0.3)),
    "polyfit-columns": (lambda m, x, y: m.polyfit(x, y, 1), (X[0], X.T)),
    "linspace": (lambda m, a, b: m.linspace(a, b, 4), (V, W)),
    "linspace-axis": (lambda m, a: m.linspace(a, 2.0, 4, endpoint=False, axis=-1), (V,)),
    "logspace": (lambda m, a, b: m.logspace(a, b, 4), (V, W)),
    "logspace-base": (lambda m, a, b: m.logspace(a, 1.5, 3, base=b), (V, W)),
    "geomspace": (lambda m, a, b: m.geomspace(a, b, 4), (W, W + 2)),
    "geomspace-below": (lambda m, a, b: m.geomspace(a, b, 4, endpoint=False), (-W, -W - 2)),
    "apply_along_axis": (lambda m, x: m.apply_along_axis(lambda v: v[0] * v[1:], 1, x), (X,)),
    "apply_over_axes": (lambda m, x: m.apply_over_axes(m.sum, x * x, [0, 1]), (X,)),
    "resize": (lambda m, x: m.resize(x * x, (3, 4)), (X,)),
    "union1d": (lambda m, x, y: m.union1d(x * x, y), (V, W)),
    "setdiff1d": (lambda m, x: m.setdiff1d(x * x, W), (X,)),
    "setxor1d": (lambda m, x, y: m.setxor1d(x * x, y), (V, W)),
    "unique_values": (lambda m, x: m.unique_values(x * x), (X,)),
    "round": (lambda m, x: m.round(x, 1) * x, (X,)),
}


@pytest.mark.parametrize("name", ROWS)
def test_value_and_derivatives(name: str) -> None:
    call, operands = ROWS[name]
    expected = call(np, *operands)
    for lift in (np.asarray, ad.tensor):
        got = call(ad, *map(lift, operands))
        pairs = zip(got, expected) if isinstance(expected, tuple) else [(got, expected)]
        for y, e in pairs:
            assert isinstance(y, ad.Tensor) or (lift is np.asarray or "space" in name)
            assert_close(np.asarray(y), e, "reference", name)
    check_function(lambda *xs: call(ad, *xs), *operands, what=name)


@given(data=st.data())
def test_sets_are_those_of_numpy(data: Any) -> None:
    small = hnp.arrays(
        "int64", hnp.array_shapes(max_dims=2, max_side=5), elements=st.integers(0, 6)
    )
    a, b = data.draw(small), data.draw(small)
    for name in ("union1d", "intersect1d", "setdiff1d", "setxor1d"):
        got = getattr(ad, name)(ad.tensor(a), b)
        np.testing.assert_array_equal(got.data, getattr(np, name)(a, b), err_msg=name)
    values, first, second = ad.intersect1d(ad.tensor(a), ad.tensor(b), return_indices=True)
    np.testing.assert_array_equal(a.ravel()[first.data], values.data)
    np.testing.assert_array_equal(b.ravel()[second.data], values.data)


def test_a_value_in_both_sets_takes_the_gradient_to_the_first() -> None:
    x, y = (ad.tensor(v, requires_grad=True) for v in ([3.0, 1.0], [2.0, 3.0]))
    gradients = ad.gradients(ad.union1d(x, y), [x, y], cotangents=[1.0, 2.0, 4.0])
    assert [g.data.tolist() for g in gradients] == [[4.0, 1.0], [2.0, 0.0]]
    (gradient,) = ad.gradients([ad.intersect1d(x, y)], [x], cotangents=[[5.0]])
    assert gradient.data.tolist() == [5.0, 0.0]


@given(data=st.data())
def test_roots_and_coefficients_undo_each_other(data: Any) -> None:
    zeros = data.draw(st.lists(st.integers(-5, 5), max_size=4, unique=True))
    c = ad.poly(ad.tensor(np.array(zeros, float)))
    np.testing.assert_allclose(c.data, np.poly(np.array(zeros, float)), atol=1e-9)
    found = ad.roots(c)
    np.testing.assert_allclose(np.sort(found.data.real), sorted(zeros), atol=1e-6)
    np.testing.assert_allclose(ad.roots(ad.tensor([0.0, *c.data, 0.0])).data[-1], 0.0)


def test_polynomials_of_nothing() -> None:
    assert ad.poly(ad.tensor(np.zeros(0))).data.tolist() == [1.0]
    assert ad.roots(ad.tensor([0.0, 0.0])).shape == (0,)
    assert ad.roots(ad.tensor([2.0, 0.0])).data.tolist() == [0.0]
    q, r = ad.polydiv(ad.tensor([1.0]), [1.0, 2.0])
    assert (q.data.tolist(), r.data.tolist()) == ([0.0], [1.0])


def test_conjugate_zeros_give_real_coefficients() -> None:
    z = ad.tensor([1.0 + 2.0j, 1.0 - 2.0j])
    assert ad.poly(z).dtype == np.float64
    np.testing.assert_allclose(ad.poly(z).data, [1.0, -2.0, 5.0])


@pytest.mark.parametrize("dtype", ["int32", "float32"])
def test_rounding_keeps_the_dtype(dtype: str) -> None:
    values = np.array([15, 24, -37], dtype)
    for decimals in (-1, 0, 2):
        got, expected = ad.round(ad.tensor(values), decimals), np.round(values, decimals)
        assert got.dtype == expected.dtype
        np.testing.assert_array_equal(got.data, expected)


ERRORS = [
    (lambda: ad.poly(ad.ones((2, 2))), ad.ShapeError, "expected a vector"),
    (lambda: ad.polyfit(ad.ones(3), ad.ones(2), 1), ad.ShapeError, "expected 3 values y"),
    (lambda: ad.polyfit(ad.ones(3), ad.ones(3), -1), ad.ShapeError, "degree -1"),
    (lambda: ad.geomspace(ad.tensor(1.0), -1.0), ValueError, "of one sign"),
    (lambda: ad.linspace(ad.tensor(1.0), 2.0, -1), ad.ShapeError, "num is not negative"),
    (lambda: ad.linspace(ad.tensor(1.0), 2.0, 3, dtype=int), ad.DTypeError, "a floating one"),
    (lambda: ad.apply_along_axis(ad.sum, 2, ad.ones(3)), ad.AxisError, "apply_along_axis: axis 2"),
    (lambda: ad.nonzero(ad.tensor(1.0)), ad.ShapeError, "without axes"),
    (lambda: ad.full(2, ad.tensor(1.0, requires_grad=True)), ad.GradientError, "needs a gradient"),
    (lambda: ad.finfo(ad.int8), ad.DTypeError, "iinfo is for integers"),
    (lambda: ad.iinfo("nothing"), ad.DTypeError, "a dtype or an array"),
    (lambda: ad.isdtype("float32", "bool"), ad.DTypeError, "isdtype"),
    (lambda: ad.result_type(ad.float32, "text"), ad.DTypeError, "no common dtype"),
]


@pytest.mark.parametrize(("call", "error", "text"), ERRORS, ids=[e[2] for e in ERRORS])
def test_errors(call: Any, error: type[Exception], text: str) -> None:
    with pytest.raises(error) as raised:
        call()
    assert text in str(raised.value)
