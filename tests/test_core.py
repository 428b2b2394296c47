"""Tensor, backward and gradients: values, history, errors of bad input."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import numpy as np
import pytest

import autodiff as ad


def leaf(data: Any, **options: Any) -> ad.Tensor:
    return ad.tensor(data, requires_grad=True, **options)


# ---- values


def test_tensor_copies_its_data() -> None:
    source = np.array([1.0, 2.0])
    t = ad.tensor(source)
    source[0] = 9.0
    assert t.data[0] == 1.0
    t.numpy()[0] = 9.0
    assert t.data[0] == 1.0


def test_data_is_read_only() -> None:
    t = leaf([1.0, 2.0])
    with pytest.raises(ValueError, match="read-only"):
        t.data[0] = 5.0
    with pytest.raises(ValueError, match="read-only"):
        (t * 2).data[...] = 5.0
    assert t.data.tolist() == [1.0, 2.0]


def test_attributes_are_numpys() -> None:
    x = np.arange(6, dtype=np.float32).reshape(2, 3)
    t = ad.tensor(x, name="x")
    assert (t.shape, t.ndim, t.size, t.dtype) == (x.shape, x.ndim, x.size, x.dtype)
    assert np.array_equal(t.T.data, x.T) and len(t) == 2 and t.name == "x"
    assert np.array_equal(np.asarray(t), x)
    assert ad.tensor(2.5).item() == 2.5 and float(ad.tensor([2.5])) == 2.5
    assert [row.shape for row in t] == [(3,), (3,)]
    assert ad.tensor([1.0, 2.0]).dtype == np.float64


def test_new_data_of_a_leaf_leaves_recorded_graphs_alone() -> None:
    x = leaf([3.0])
    y = (x * x).sum()
    x.data = [5.0]
    assert ad.gradients(y, x).data.tolist() == [6.0]
    assert ad.gradients((x * x).sum(), x).data.tolist() == [10.0]
    with pytest.raises(ad.ShapeError, match=r"shape \(1,\), the new value \(2,\)"):
        x.data = [1.0, 2.0]
    with pytest.raises(ad.DTypeError, match="float64, got complex128"):
        x.data = [1j]
    with pytest.raises(ad.GradientError, match="only a leaf"):
        (x * 2).data = [1.0]


@pytest.mark.parametrize(
    "clone", [copy.copy, copy.deepcopy, lambda t: pickle.loads(pickle.dumps(t))]
)
def test_copies_are_detached_values(clone: Any) -> None:
    x = leaf([1.0, 2.0], name="w")
    again, computed = clone(x), clone(x * 2)
    assert again.requires_grad and again.is_leaf and again.name == "w"
    assert not computed.requires_grad and computed.data.tolist() == [2.0, 4.0]
    (again * 3).sum().backward()
    assert x.grad is None and again.grad.data.tolist() == [3.0, 3.0]


def test_array_and_tensor_in_either_order() -> None:
    a, x = np.array([1.0, 2.0]), leaf([3.0, 5.0])
    pairs: list[tuple[Any, Any]] = [
        (a + x, a + x.data),
        (a - x, a - x.data),
        (a * x, a * x.data),
        (a / x, a / x.data),
        (a**x, a**x.data),
        (a @ x, a @ x.data),
        (np.float64(2.0) * x, 2 * x.data),
        (np.float64(2.0) - x, 2 - x.data),
    ]
    for got, expected in pairs:
        assert isinstance(got, ad.Tensor) and got.requires_grad
        np.testing.assert_allclose(got.data, expected, rtol=1e-15)
    assert isinstance(a < x, ad.Tensor)
    assert (a < x).data.tolist() == [True, True]


def test_arrays_in_arrays_out() -> None:
    a = np.array([1.0, 2.0])
    for y in (ad.exp(a), ad.add(a, 1), ad.sum(a, axis=0, keepdims=True), ad.softmax(a)):
        assert type(y) is np.ndarray
    assert isinstance(ad.exp(ad.tensor(a)), ad.Tensor)
    assert ad.exp(ad.tensor(a)).node is None


# ---- gradients


def test_backward_adds_up_until_cleared() -> None:
    x = leaf([1.0, 2.0])
    for k in (1, 2):
        (x * x).sum().backward()
        assert x.grad.data.tolist() == [2.0 * k, 4.0 * k]
    x.grad = None
    (3 * x).backward(np.array([1.0, 10.0]))
    assert x.grad.data.tolist() == [3.0, 30.0]
    with pytest.raises(ad.ShapeError, match=r"shape \(2,\), got \(3,\)"):
        x.grad = ad.tensor([1.0, 2.0, 3.0])


def test_a_value_used_twice_gets_both_contributions() -> None:
    x = leaf(2.0)
    y = x * x
    z = y * y + y
    assert ad.gradients(z, x).item() == 4 * 8 + 4
    assert ad.gradients(z, y).item() == 2 * 4 + 1


def test_gradients_keep_the_structure() -> None:
    a, b, c = leaf(1.0), leaf([2.0, 3.0]), leaf(4.0)
    y = a * b.sum() * c
    got = ad.gradients(y, {"a": a, "rest": [b, (c,)]})
    assert got["a"].item() == 20.0
    assert got["rest"][0].data.tolist() == [4.0, 4.0] and got["rest"][1][0].item() == 5.0
    assert a.grad is None


def test_gradients_of_several_outputs() -> None:
    x = leaf([1.0, 2.0])
    outputs = [x * 2, (x * x).sum()]
    got = ad.gradients(outputs, x, cotangents=[np.array([1.0, 10.0]), None])
    assert got.data.tolist() == [2 + 2, 20 + 4]
    assert ad.gradients([outputs[1], outputs[1]], x).data.tolist() == [4.0, 8.0]
    with pytest.raises(ad.ShapeError, match="2 outputs but 1 cotangents"):
        ad.gradients(outputs, x, cotangents=[None])


def test_unused_inputs() -> None:
    x, y = leaf(1.0), leaf([2.0, 2.0], name="bias")
    with pytest.raises(ad.GradientError, match=r"does not depend on 'bias' \(shape \(2,\)\)"):
        ad.gradients(x * 2, [x, y])
    assert ad.gradients(x * 2, [x, y], unused="none")[1] is None
    assert ad.gradients(x * 2, [x, y], unused="zeros")[1].data.tolist() == [0.0, 0.0]
    with pytest.raises(ValueError, match="'raise', 'none' or 'zeros', got 'zero'"):
        ad.gradients(x * 2, x, unused="zero")


def test_third_order() -> None:
    x = leaf(1.5)
    y = ad.sin(x) * x**3
    for _ in range(3):
        y = ad.gradients(y, x, create_graph=True)
    s, c, v = np.sin(1.5), np.cos(1.5), 1.5
    expected = 6 * s + 18 * v * c - 9 * v**2 * s - v**3 * c
    assert y.item() == pytest.approx(expected, rel=1e-13)


def test_backward_with_create_graph() -> None:
    x = leaf(2.0)
    (x**3).backward(create_graph=True)
    first = x.grad
    x.grad = None
    first.backward()
    assert (first.item(), x.grad.item()) == (12.0, 12.0)


def test_tensor_cotangent_is_differentiated_through() -> None:
    x, v = leaf([1.0, 2.0]), leaf([3.0, 4.0])
    g = ad.gradients(x * x, x, cotangents=v, create_graph=True)
    gv, gx = ad.gradients(g.sum(), [v, x])
    assert gv.data.tolist() == [2.0, 4.0] and gx.data.tolist() == [6.0, 8.0]


def test_grad_and_value_and_grad() -> None:
    def f(x: Any, y: Any) -> Any:
        return (x * x * y).sum()

    x, y = np.array([1.0, 2.0]), np.array([3.0, 4.0])
    assert ad.grad(f)(x, y).tolist() == [6.0, 16.0]
    gx, gy = ad.grad(f, argnums=(0, 1))(x, y)
    assert gx.tolist() == [6.0, 16.0] and gy.tolist() == [1.0, 4.0]
    value, gy = ad.value_and_grad(f, argnums=1)(x, y)
    assert float(value) == 19.0 and gy.tolist() == [1.0, 4.0]
    assert float(ad.grad(ad.grad(lambda z: z**3))(2.0)) == 12.0


def test_the_gradients_dtype_is_the_inputs() -> None:
    x, y = leaf([1.0, 2.0], dtype=np.float32), leaf([3.0, 4.0])
    gx, gy = ad.gradients((x * y).sum(), [x, y])
    assert (gx.dtype, gy.dtype) == (np.float32, np.float64)
    gx = ad.gradients((x * 2).astype(np.float64).sum(), x)
    assert gx.dtype == np.float32


def test_stop_gradient() -> None:
    x = leaf(3.0)
    y = ad.stop_gradient(x * 2)
    assert not y.requires_grad and y.item() == 6.0
    assert ad.gradients(x * y, x).item() == 6.0


# ---- bad input


@pytest.mark.parametrize("data", [1, [1, 2], [True], np.int8(3)])
def test_integers_cannot_require_gradients(data: Any) -> None:
    with pytest.raises(ad.DTypeError, match=r"complex floating Tensors.*1\.0 instead of 1"):
        leaf(data)


def test_text_is_no_tensor() -> None:
    with pytest.raises(ad.DTypeError, match="expected numbers, got list"):
        ad.tensor(["a"])
    with pytest.raises(ad.DTypeError, match="'a'"):
        leaf(1.0) + "a"


def test_backward_of_bad_outputs() -> None:
    x = leaf([1.0, 2.0], name="x")
    with pytest.raises(ad.ShapeError, match=r"backward: the output has shape \(2,\).*scalar"):
        (x * 2).backward()
    with pytest.raises(ad.ShapeError, match=r"shape \(2,\), its cotangent \(3,\)"):
        (x * 2).backward(np.ones(3))
    with pytest.raises(ad.DTypeError, match="float64, its cotangent complex128"):
        (x * 2).backward(np.ones(2) * 1j)
    with pytest.raises(ad.GradientError, match="has no history"):
        ad.tensor(1.0).backward()
    with pytest.raises(ad.GradientError, match="is NaN"):
        (x.sum() * float("nan")).backward()
    with pytest.raises(ad.GradientError, match="expected a Tensor.*got float"):
        ad.gradients(1.0, x)
    with pytest.raises(ad.GradientError, match="every input must be a Tensor that requires"):
        ad.gradients(x.sum(), ad.tensor(1.0))
    assert x.grad is None


def test_history_belongs_to_operations() -> None:
    x = leaf([1.0, 2.0])
    with pytest.raises(ad.GradientError, match="computed by.*multiply"):
        (x * 2).requires_grad = False
    with pytest.raises(ad.GradientError, match="NumPy would lose it"):
        np.asarray(x)
    with pytest.raises(ad.GradientError, match="NumPy would lose it"):
        np.array(x * 2)
    x.requires_grad = False
    assert not (x * 2).requires_grad


def test_error_texts_name_the_operation_shapes_and_scope() -> None:
    x, y = leaf(np.ones((2, 3)), name="x"), leaf(np.ones((4, 3), np.float32))
    with ad.scope("model"), ad.scope("dense"), pytest.raises(ad.ShapeError) as caught:
        x + y
    text = str(caught.value)
    for part in ("add", "x: float64[2, 3]", "float32[4, 3]", "axis -2", "2 and 4", "model.dense"):
        assert part in text
    assert "test_core.py" in text
    with pytest.raises(ValueError, match=r"matmul.*\[2, 3\]"):
        x @ x
    with pytest.raises(np.exceptions.AxisError, match="sum: axis 2"):
        x.sum(axis=2)
    with pytest.raises(IndexError, match=r"5"):
        x[5]


def test_truth_and_length() -> None:
    with pytest.raises(ad.ShapeError, match="ambiguous"):
        bool(ad.tensor([1.0, 2.0]))
    with pytest.raises(ad.ShapeError, match="expected one element"):
        ad.tensor([1.0, 2.0]).item()
    for use in (len, iter):
        with pytest.raises(TypeError, match="no axes"):
            use(ad.tensor(1.0))
    assert [10, 20][ad.tensor(1)] == 20
    with pytest.raises(ad.DTypeError, match="one integer"):
        [10, 20][ad.tensor(1.0)]


def test_a_custom_gradient_is_checked() -> None:
    @ad.custom_vjp
    def double(x: Any) -> Any:
        return x * 2

    double.defvjp(lambda g, y, x: (ad.concatenate([g, g]),))
    x = leaf([1.0, 2.0])
    with pytest.raises(ad.ShapeError, match=r"\(4,\)"):
        ad.gradients(double(x).sum(), x)
    double.defvjp(lambda g, y, x: (5 * g,))
    assert ad.gradients(double(x).sum(), x).data.tolist() == [5.0, 5.0]


def test_writing_into_a_leaf_that_requires_a_gradient() -> None:
    x = ad.tensor([1.0, 2.0], requires_grad=True, name="x")
    with pytest.raises(ad.GradientError, match=r"setitem: Tensor 'x' is a leaf"):
        x[0] = 5.0
    before = x * x
    with ad.no_grad():
        x[0] = 5.0
    assert x.requires_grad and x.is_leaf and x.numpy().tolist() == [5.0, 2.0]
    assert ad.gradients(before.sum(), x).numpy().tolist() == [2.0, 4.0]  # the value it was made of


def test_a_function_that_writes_into_its_argument_is_differentiated_by_what_it_was_given() -> None:
    def f(x: ad.Tensor) -> ad.Tensor:
        x[0] = x[1] * x[0]
        return (x * x).sum()

    given = np.array([3.0, 2.0])
    assert ad.grad(f)(given).tolist() == [24.0, 40.0]
    assert given.tolist() == [3.0, 2.0]
    leaf = ad.tensor(given, requires_grad=True)
    assert ad.grad(f)(leaf).numpy().tolist() == [24.0, 40.0]
    assert leaf.numpy().tolist() == [3.0, 2.0]
