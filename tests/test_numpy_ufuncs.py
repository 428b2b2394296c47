"""Operators and ufuncs with Tensors: either side, in place, ``out=``, ``where=``, methods."""

from __future__ import annotations

import operator
from typing import Any

import hypothesis.extra.numpy as hnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import autodiff as ad
from tests.numpy_checks import assert_same, check_gradient
from tests.tolerances import assert_close

BINARY = (
    *("add", "sub", "mul", "truediv", "floordiv", "mod", "pow"),
    *("lt", "le", "gt", "ge", "eq", "ne"),
)
FLOATS = np.array([[1.5, 2.5, 3.5], [0.5, 1.2, 2.2]])


@pytest.mark.parametrize("name", BINARY)
@pytest.mark.parametrize("other", [FLOATS, FLOATS[0], np.float64(1.7), np.float32(1.7), np.int8(2)])
def test_an_array_on_the_left_gives_what_it_gives_on_the_right(name: str, other: Any) -> None:
    operation = getattr(operator, name)
    x = ad.tensor([0.7, 1.1, 2.3], requires_grad=True)
    left = operation(other, x)
    expected = operation(other, x.data)
    assert isinstance(left, ad.Tensor)
    assert_close(left.data, expected, "same", name)
    assert left.dtype == expected.dtype
    if left.dtype.kind == "f":
        constant = operation(ad.tensor(other), x)
        got, same = (ad.gradients((y * y).sum(), x) for y in (left, constant))
        np.testing.assert_array_equal(got.data, same.data)


SMOOTH = (operator.add, operator.sub, operator.mul, operator.truediv, np.hypot, np.maximum)


@given(data=st.data(), operation=st.sampled_from(SMOOTH))
def test_the_order_of_operands_does_not_change_a_gradient(data: Any, operation: Any) -> None:
    shapes = data.draw(hnp.mutually_broadcastable_shapes(num_shapes=2, max_dims=3)).input_shapes
    dtypes = data.draw(st.tuples(*[st.sampled_from(["float32", "float64"])] * 2))
    random = np.random.default_rng(data.draw(st.integers(0, 99)))
    array, point = (random.uniform(0.5, 2.0, s).astype(d) for s, d in zip(shapes, dtypes))
    x = ad.tensor(point, requires_grad=True)
    y, same = operation(array, x), operation(ad.tensor(array), x)
    assert type(y) is ad.Tensor and y.dtype == same.dtype == operation(array, point).dtype
    np.testing.assert_array_equal(y.data, operation(array, point))
    gradient = ad.gradients(y.sum(), x)
    assert gradient.dtype == x.dtype and gradient.shape == x.shape
    np.testing.assert_array_equal(gradient.data, ad.gradients(same.sum(), x).data)


@pytest.mark.parametrize("name", ["and_", "or_", "xor", "lshift", "rshift"])
def test_bits_on_either_side(name: str) -> None:
    operation = getattr(operator, name)
    a, b = np.array([1, 2, 12]), np.array([3, 1, 2])
    for got in (operation(a, ad.tensor(b)), operation(ad.tensor(a), b)):
        assert isinstance(got, ad.Tensor)
        np.testing.assert_array_equal(got.data, operation(a, b))


def test_divmod_and_matmul_on_either_side() -> None:
    a, x = FLOATS, ad.tensor([0.7, 1.1, 2.3], requires_grad=True)
    for got, expected in zip(divmod(a, x), divmod(a, x.data), strict=True):
        np.testing.assert_array_equal(got.data, expected)
    for got, expected in zip(divmod(x, 0.4), divmod(x.data, 0.4), strict=True):
        np.testing.assert_array_equal(got.data, expected)
    np.testing.assert_array_equal((a @ x).data, a @ x.data)
    np.testing.assert_array_equal(ad.gradients((a @ x).sum(), x).data, a.sum(0))


@pytest.mark.parametrize("name", ["iadd", "isub", "imul", "itruediv", "ipow"])
def test_in_place_on_an_array_gives_a_tensor(name: str) -> None:
    symbol = {"iadd": "+=", "isub": "-=", "imul": "*=", "itruediv": "/=", "ipow": "**="}[name]
    x = ad.tensor([0.7, 1.1, 2.3], requires_grad=True)
    array = FLOATS.copy()
    space = {"a": array, "x": x}
    exec(f"a {symbol} x", space)
    assert isinstance(space["a"], ad.Tensor) and space["a"].requires_grad
    np.testing.assert_array_equal(array, FLOATS)  # the array itself is left as it was
    expected = getattr(operator, name)(FLOATS.copy(), x.data)
    np.testing.assert_array_equal(space["a"].data, expected)


def test_in_place_on_a_slice_of_an_array_is_refused_and_changes_nothing() -> None:
    array, x = FLOATS.copy(), ad.tensor([0.7, 1.1, 2.3], requires_grad=True)
    with pytest.raises(ad.GradientError, match="needs a gradient"):
        array[0] += x
    np.testing.assert_array_equal(array, FLOATS)


def test_out_of_an_array_is_refused_and_changes_nothing() -> None:
    array = FLOATS[0].copy()
    for x in (ad.tensor([0.7, 1.1, 2.3], requires_grad=True), ad.tensor([0.7, 1.1, 2.3])):
        with pytest.raises(ad.UnsupportedError, match=r"numpy.add .*cannot hold a gradient"):
            np.add(array, x, out=array)
        with pytest.raises(ad.UnsupportedError, match=r"numpy.sum .*cannot hold a gradient"):
            np.sum(x, out=np.zeros(()))
        with pytest.raises(ad.UnsupportedError, match=r"numpy.copyto.*ad.tensor"):
            np.copyto(array, x)
    np.testing.assert_array_equal(array, FLOATS[0])


def test_out_of_a_tensor_binds_its_handle_anew() -> None:
    x = ad.tensor([0.7, 1.1, 2.3], requires_grad=True)
    out = ad.zeros(3)
    other = out[:]
    assert np.multiply(x, 2.0, out=out) is out
    np.testing.assert_array_equal(out.data, 2 * x.data)
    np.testing.assert_array_equal(other.data, 0)
    np.testing.assert_array_equal(ad.gradients(out.sum(), x).data, 2.0)
    np.multiply(x, 3.0, out=out, where=np.array([True, False, True]))
    np.testing.assert_array_equal(ad.gradients(out.sum(), x).data, [3.0, 2.0, 3.0])
    total = ad.zeros(())
    assert np.sum(x, out=total) is total
    np.testing.assert_array_equal(ad.gradients(total, x).data, 1.0)
    with pytest.raises(ad.ShapeError, match=r"out has shape \(2,\)"):
        np.sin(x, out=ad.zeros(2))
    with pytest.raises(ad.UnsupportedError, match="without a value"):
        np.add(x, 1.0, where=np.array([True, False, True]))


def test_dtype_of_a_ufunc() -> None:
    x = ad.tensor([0.7, 1.1, 2.3], requires_grad=True)
    y = np.add(x, np.ones(3), dtype=np.float32, casting="same_kind")
    assert y.dtype == np.float32 and ad.gradients(y, x, cotangents=np.ones(3)).dtype == np.float64
    assert np.sqrt(ad.tensor([4, 9]), dtype=np.float32).dtype == np.float32
    assert np.multiply(x, 2, signature="ff->f").dtype == np.float32
    with pytest.raises(TypeError, match="Cannot cast"):
        np.add(x, 1.0, dtype=np.float32, casting="safe")


METHODS = {
    "add.reduce": [{}, {"axis": 1}, {"axis": None, "keepdims": True}, {"initial": 2.0}],
    "multiply.reduce": [{}, {"axis": (0, 1)}],
    "maximum.reduce": [{}, {"axis": 1}],
    "minimum.reduce": [{}, {"axis": 1}],
    "logaddexp.reduce": [{}, {"axis": 1, "keepdims": True}],
    "add.accumulate": [{}, {"axis": 1}],
    "multiply.accumulate": [{}, {"axis": 1}],
    "maximum.accumulate": [{}, {"axis": 1}],
    "minimum.accumulate": [{}],
    "logical_or.reduce": [{}],
    "logical_and.reduce": [{"axis": 1}],
}


@pytest.mark.parametrize("name", METHODS)
def test_methods_of_ufuncs(name: str) -> None:
    ufunc, method = name.split(".")
    function = getattr(getattr(np, ufunc), method)
    for kwargs in METHODS[name]:
        x = ad.tensor(FLOATS, requires_grad=True)
        y = function(x, **kwargs)
        assert_same(name, y, function(FLOATS, **kwargs))
        check_gradient(name, lambda v, k=kwargs: function(v, **k), y, [x], [FLOATS])


def test_outer_of_a_ufunc() -> None:
    x = ad.tensor([0.7, 1.1, 2.3], requires_grad=True)
    for a, b in ((FLOATS, x), (x, FLOATS), (x, [1.0, 2.0])):
        y = np.subtract.outer(a, b)
        plain = [v.data if isinstance(v, ad.Tensor) else v for v in (a, b)]
        np.testing.assert_array_equal(y.data, np.subtract.outer(*plain))
        assert y.requires_grad
