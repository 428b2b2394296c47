"""Shapes, axes and dtypes nobody would think of: NumPy's values, gradients that fit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import autodiff as ad
from tests.strategies import FLOATS, array_and_axes, arrays, broadcastable
from tests.tolerances import assert_close

BINARY = ["add", "subtract", "multiply", "divide", "maximum", "minimum", "arctan2", "hypot"]
PARTIALS = {
    "add": (lambda a, b: 1 + 0 * (a + b), lambda a, b: 1 + 0 * (a + b)),
    "subtract": (lambda a, b: 1 + 0 * (a + b), lambda a, b: -1 + 0 * (a + b)),
    "multiply": (lambda a, b: b + 0 * a, lambda a, b: a + 0 * b),
    "divide": (lambda a, b: 1 / b + 0 * a, lambda a, b: -a / b**2),
    "arctan2": (lambda a, b: b / (a * a + b * b), lambda a, b: -a / (a * a + b * b)),
    "hypot": (lambda a, b: a / np.hypot(a, b), lambda a, b: b / np.hypot(a, b)),
    "maximum": (
        lambda a, b: (a > b) + 0.5 * (a == b),
        lambda a, b: (b > a) + 0.5 * (a == b),
    ),
    "minimum": (
        lambda a, b: (a < b) + 0.5 * (a == b),
        lambda a, b: (b < a) + 0.5 * (a == b),
    ),
}


def summed_to(g: Any, shape: tuple[int, ...]) -> Any:
    """The transpose of broadcasting, written independently: sum over what was repeated."""
    extra = g.ndim - len(shape)
    g = g.sum(axis=tuple(range(extra)))
    repeated = tuple(i for i, n in enumerate(shape) if n == 1 and g.shape[i] != 1)
    return g.sum(axis=repeated, keepdims=True)


@pytest.mark.parametrize("name", BINARY)
@given(operands=broadcastable(low=0.25, high=2.0))
def test_binary(name: str, operands: list[Any]) -> None:
    a, b = operands
    tensors = [ad.tensor(x, requires_grad=True) for x in operands]
    y = getattr(ad, name)(*tensors)
    expected = getattr(np, name)(a, b)
    assert y.dtype == expected.dtype
    assert_close(y.data, expected, "same", name)
    v = np.linspace(-1, 1, y.size).reshape(y.shape).astype(y.dtype)
    got = ad.gradients(y, tensors, cotangents=v)
    for g, x, partial in zip(got, operands, PARTIALS[name], strict=True):
        assert g.shape == x.shape and g.dtype == x.dtype
        wide = partial(a.astype(float), b.astype(float)) * v
        assert_close(g.data, summed_to(wide, x.shape), "derivative", name, dtype=np.float32)


@pytest.mark.parametrize("name", ["sum", "mean", "prod", "max", "min", "logsumexp", "var"])
@given(sample=array_and_axes(min_side=1), keepdims=st.booleans())
def test_reduction(name: str, sample: tuple[Any, Any], keepdims: bool) -> None:
    x, axis = sample
    t = ad.tensor(x, requires_grad=True)
    y = getattr(ad, name)(t, axis=axis, keepdims=keepdims)
    if name == "logsumexp":
        expected = np.log(np.sum(np.exp(x), axis=axis, keepdims=keepdims))
    else:
        expected = getattr(np, name)(x, axis=axis, keepdims=keepdims)
    assert y.dtype == x.dtype
    assert_close(y.data, expected, "derivative", name)
    (g,) = ad.gradients(y, [t], cotangents=np.ones(y.shape, y.dtype))
    assert g.shape == x.shape and g.dtype == x.dtype
    totals = {"sum": x.size, "mean": y.size, "logsumexp": y.size, "max": y.size, "min": y.size}
    totals["var"] = 0.0
    if name in totals:  # what the entries of the gradient add up to
        assert_close(g.data.sum(), totals[name], "derivative", name, dtype=np.float32)


@given(sample=array_and_axes(), keepdims=st.booleans())
def test_sum_of_nothing(sample: tuple[Any, Any], keepdims: bool) -> None:
    x, axis = sample
    t = ad.tensor(x, requires_grad=True)
    y = ad.sum(t, axis=axis, keepdims=keepdims)
    assert_close(y.data, np.sum(x, axis=axis, keepdims=keepdims), "same", "sum")
    (g,) = ad.gradients(y, [t], cotangents=np.full(y.shape, 2.0, y.dtype))
    assert g.dtype == x.dtype and np.array_equal(g.data, np.full(x.shape, 2.0))


@given(operands=broadcastable(3), choice=st.data())
def test_where(operands: list[Any], choice: Any) -> None:
    a, b, c = operands
    condition = c > 0
    tensors = [ad.tensor(a, requires_grad=True), ad.tensor(b, requires_grad=True)]
    y = ad.where(condition, *tensors)
    assert y.dtype == np.where(condition, a, b).dtype
    assert np.array_equal(y.data, np.where(condition, a, b))
    ga, gb = ad.gradients(y, tensors, cotangents=np.ones(y.shape, y.dtype))
    ones = np.ones(y.shape)
    assert np.array_equal(ga.data, summed_to(ones * condition, a.shape)) and ga.dtype == a.dtype
    assert np.array_equal(gb.data, summed_to(ones * ~condition, b.shape)) and gb.dtype == b.dtype


@given(x=arrays(dtype=FLOATS), scalar=st.sampled_from([2, 2.5, True]))
def test_python_scalars_are_weak(x: Any, scalar: Any) -> None:
    t = ad.tensor(x, requires_grad=True)
    for y, expected in ((t * scalar, x * scalar), (scalar - t, scalar - x), (t / 3, x / 3)):
        assert y.dtype == expected.dtype == x.dtype
        assert np.array_equal(y.data, expected)
        (g,) = ad.gradients(y, [t], cotangents=np.ones(y.shape, y.dtype))
        assert g.dtype == x.dtype and g.shape == x.shape


@given(data=st.data())
def test_matmul(data: Any) -> None:
    shapes = data.draw(
        hnp.mutually_broadcastable_shapes(
            signature=np.matmul.signature, max_dims=2, min_side=0, max_side=3
        )
    )
    a, b = (data.draw(arrays(shape)) for shape in shapes.input_shapes)
    tensors = [ad.tensor(a, requires_grad=True), ad.tensor(b, requires_grad=True)]
    y = ad.matmul(*tensors)
    assert y.shape == shapes.result_shape and y.dtype == np.matmul(a, b).dtype
    assert_close(y.data, np.matmul(a, b), "reference", "matmul")
    v = np.linspace(-1, 1, y.size).reshape(y.shape).astype(y.dtype)
    got = ad.gradients(y, tensors, cotangents=v)
    for g, x in zip(got, (a, b), strict=True):
        assert g.shape == x.shape and g.dtype == x.dtype
    # Linear in each operand: <g_a, a> = <v, y> = <g_b, b>.
    inner = [float((g.data.astype(float) * x).sum()) for g, x in zip(got, (a, b), strict=True)]
    assert_close(inner, [float((v.astype(float) * y.data).sum())] * 2, "derivative", "", np.float32)


@given(data=st.data(), x=arrays())
def test_basic_index(data: Any, x: Any) -> None:
    index = data.draw(hnp.basic_indices(x.shape, allow_newaxis=True))
    t = ad.tensor(x, requires_grad=True)
    y = t[index]
    assert np.array_equal(y.data, x[index]) and y.shape == np.shape(x[index])
    (g,) = ad.gradients(y, [t], cotangents=np.full(y.shape, 3.0, y.dtype))
    expected = np.zeros_like(x)
    expected[index] = 3.0
    assert np.array_equal(g.data, expected) and g.dtype == x.dtype


@given(data=st.data())
def test_integer_array_index(data: Any) -> None:
    shape = data.draw(hnp.array_shapes(min_dims=1, max_dims=3, max_side=4))
    x = data.draw(arrays(shape))
    index = data.draw(hnp.integer_array_indices(shape, result_shape=hnp.array_shapes(max_dims=2)))
    t = ad.tensor(x, requires_grad=True)
    y = t[index]
    assert np.array_equal(y.data, x[index])
    (g,) = ad.gradients(y, [t], cotangents=np.ones(y.shape, y.dtype))
    expected = np.zeros_like(x)
    np.add.at(expected, index, 1.0)
    assert np.array_equal(g.data, expected) and g.dtype == x.dtype


@given(data=st.data(), x=arrays())
def test_boolean_index(data: Any, x: Any) -> None:
    mask = data.draw(hnp.arrays(bool, x.shape))
    t = ad.tensor(x, requires_grad=True)
    y = t[mask]
    assert np.array_equal(y.data, x[mask])
    (g,) = ad.gradients(y, [t], cotangents=np.ones(y.shape, y.dtype))
    assert np.array_equal(g.data, mask.astype(x.dtype)) and g.dtype == x.dtype


@given(operands=broadcastable())
def test_second_order_through_broadcasting(operands: list[Any]) -> None:
    a, b = (ad.tensor(x.astype(float), requires_grad=True) for x in operands)
    y = (a * a * b).sum()
    ga, gb = ad.gradients(y, [a, b], create_graph=True)
    haa, hab = ad.gradients(ga.sum(), [a, b])
    hba = ad.gradients(gb.sum(), a)
    ones = np.ones(np.broadcast_shapes(a.shape, b.shape))
    assert_close(haa.data, summed_to(2 * b.data * ones, a.shape), "derivative", "aa")
    assert_close(hab.data, summed_to(2 * a.data * ones, b.shape), "derivative", "ab")
    assert_close(hba.data, summed_to(2 * a.data * ones, a.shape), "derivative", "ba")
