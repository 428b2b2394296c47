"""Corners of the core: absence through gates, aliasing, strangers as operands."""

from __future__ import annotations

import importlib
import threading
from typing import Any

import numpy as np
import pytest

import autodiff as ad
from autodiff.recording import current


def leaf(data: Any, **options: Any) -> ad.Tensor:
    return ad.tensor(data, requires_grad=True, **options)


# ---- absence


@pytest.mark.parametrize("create_graph", [False, True])
@pytest.mark.parametrize("outer", [ad.sqrt, ad.log, ad.reciprocal])
def test_what_relu_closed_gets_no_nan_from_an_infinite_slope(
    outer: Any, create_graph: bool
) -> None:
    x = leaf([-1.0, 4.0])
    with np.errstate(divide="ignore"):
        y = outer(ad.relu(x))
    g = ad.gradients(y, x, cotangents=np.ones(2), create_graph=create_graph)
    assert g.data[0] == 0.0 and np.isfinite(g.data[1]) and g.data[1] != 0.0
    if create_graph:
        h = ad.gradients(g.sum(), x)
        assert h.data[0] == 0.0 and np.isfinite(h.data[1]) and h.data[1] != 0.0


def test_relu_passes_an_infinity_through_where_it_is_open() -> None:
    x = leaf([2.0, -2.0])
    g = ad.gradients(ad.relu(x), x, cotangents=np.array([np.inf, np.inf]))
    assert g.data.tolist() == [np.inf, 0.0]


@pytest.mark.parametrize("dtype", [int, float, np.uint8])
def test_a_condition_of_numbers_selects_where_it_is_not_zero(dtype: Any) -> None:
    x = leaf([0.0, 4.0])
    inner, outer = np.array([0, 2], dtype), np.array([0, 1], dtype)
    y = ad.where(outer, ad.where(inner, ad.sqrt(x), 1.0), 0.0).sum()
    for create_graph in (False, True):
        g = ad.gradients(y, x, create_graph=create_graph)
        assert g.data.tolist() == [0.0, 0.25]


PRODUCTS = {
    "matmul": lambda r: (r @ r.T)[0, :2],
    "batched matmul": lambda r: (ad.stack([r, r]) @ r.T)[:, 0, :2],
    "einsum": lambda r: ad.einsum("ij,ij,kj->ik", r, r, r)[0, :2],
}


@pytest.mark.parametrize("name", PRODUCTS)
def test_second_derivatives_of_what_stands_in_absent_terms_only(name: str) -> None:
    # Row 2 stands only in column 2 of the product, which is not selected.
    x = leaf([[1.0, 1.0], [1.0, 4.0], [0.0, 1.0]])
    g = ad.gradients(PRODUCTS[name](ad.sqrt(x)).sum(), x, create_graph=True)
    h = ad.gradients(g.sum(), x)
    assert g.data[2].tolist() == h.data[2].tolist() == [0.0, 0.0]
    assert np.isfinite(h.data).all() and h.data[:2].any()


def test_logaddexp_of_nothing_has_no_slope() -> None:
    a, b = leaf([-np.inf, 0.0]), leaf([-np.inf, -np.inf])
    ga, gb = ad.gradients(ad.logaddexp(a, b), [a, b], cotangents=np.ones(2))
    assert ga.data.tolist() == [0.0, 1.0] and gb.data.tolist() == [0.0, 0.0]


# ---- dtypes


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.int16])
def test_a_narrow_index_reaches_into_a_long_axis(dtype: Any) -> None:
    x = leaf(np.ones((300, 2)))
    rows = np.array([1, 2, 2], dtype)
    g = ad.gradients(x[rows].sum(), x)
    assert g.data[:3, 0].tolist() == [0.0, 1.0, 2.0] and g.data.sum() == 6.0
    if dtype is not np.uint8:
        g = ad.gradients(x[-rows].sum(), x)
        assert g.data[-2:, 0].tolist() == [2.0, 1.0]


@pytest.mark.parametrize("base", [2.0, 2, 0.0])
def test_a_power_of_a_number_stays_in_the_dtype_of_the_exponent(base: float) -> None:
    x = leaf(np.array([0.5, 2.0], np.float32))
    g = ad.gradients((base**x).sum(), x, create_graph=True)
    kinds = {n.dtype for n in ad.graph(g).operations if n.dtype.kind == "f"}
    assert kinds == {np.dtype(np.float32)}


# ---- aliasing


@pytest.mark.parametrize("exponent", [0.0, 1.0, -1.0, 0.5])
def test_mixed_derivatives_of_a_power_at_whole_exponents(exponent: float) -> None:
    # a^b: by a and b a^(b - 1) (1 + b ln a), which is 1/a at b = 0; twice by b a^b (ln a)^2.
    a, b = 2.0, exponent
    mixed = a ** (b - 1) * (1 + b * np.log(a))
    expected = [[b * (b - 1) * a ** (b - 2), mixed], [mixed, a**b * np.log(a) ** 2]]
    found = ad.hessian(lambda z: z[0] ** z[1])(np.array([a, b]))
    np.testing.assert_allclose(found, expected, rtol=1e-13, atol=1e-15)


def test_a_power_of_zero_to_zero_has_no_slope() -> None:
    a, b = leaf([0.0, 0.0, np.nan]), leaf([0.0, 2.0, 0.0])
    assert ad.gradients((a**b).sum(), a).data.tolist() == [0.0, 0.0, 0.0]


def test_astype_to_the_same_dtype_is_another_handle() -> None:
    a, x = ad.tensor([1.0, 2.0]), leaf([1.0, 2.0])
    b = a.astype(float)
    b[0] = 9.0
    assert a.data.tolist() == [1.0, 2.0] and b.data.tolist() == [9.0, 2.0]
    assert ad.gradients((x.astype(float) * 3).sum(), x).data.tolist() == [3.0, 3.0]
    array = np.ones(2)
    assert not np.shares_memory(ad.astype(array, float), array)


def test_gradients_are_handles_of_their_own() -> None:
    a, b, v = leaf([1.0, 2.0]), leaf([3.0, 4.0]), ad.tensor([1.0, 1.0])
    ga, gb = ad.gradients(a + b, [a, b], cotangents=v, create_graph=True)
    ga[0] = 7.0
    assert gb.data.tolist() == v.data.tolist() == [1.0, 1.0]
    (a + b).sum().backward(create_graph=True)
    a.grad[0] = 7.0
    assert b.grad.data.tolist() == [1.0, 1.0]


def test_arrays_that_grad_returns_can_be_written_to() -> None:
    def f(a: Any, b: Any) -> Any:
        return ((a + b) ** 2).sum()

    ga, gb = ad.grad(f, (0, 1))(np.ones(2), np.ones(2))
    ga *= 0
    assert gb.tolist() == [4.0, 4.0]
    g = ad.grad(lambda a: a.sum())(np.ones(3))
    g += 1
    assert g.tolist() == [2.0, 2.0, 2.0]


def test_aux_is_a_copy_of_a_captured_tensor() -> None:
    w = ad.tensor([1.0, 2.0])
    (_, aux), _ = ad.value_and_grad(lambda x: ((x * w).sum(), w), has_aux=True)(np.ones(2))
    aux[0] = 9.0
    assert w.data.tolist() == [1.0, 2.0]


def test_no_way_through_data_into_a_live_graph() -> None:
    x = leaf([1.0, 2.0])
    t = ad.tensor([3.0, 4.0])
    y = (x * t * x.reshape(2, 1).reshape(2)).sum()
    for view in (t.data, np.asarray(t), x.data, x.reshape(2, 1).data):
        base: Any = view
        while isinstance(base, np.ndarray):
            with pytest.raises(ValueError, match="read-only"):
                base[0] = 99.0
            with pytest.raises(ValueError, match="WRITEABLE"):
                base.view().flags.writeable = True
            base = base.base
    assert ad.gradients(y, x).data.tolist() == [6.0, 16.0]


def test_what_is_not_kept_is_not_copied(monkeypatch: pytest.MonkeyPatch) -> None:
    door = importlib.import_module("autodiff.tensor")  # the attribute of that name is a function
    owned: list[Any] = []
    plain = door._own
    monkeypatch.setattr(door, "_own", lambda a: owned.append(a) or plain(a))
    array, x = np.ones(2), leaf([1.0, 2.0])
    x - array
    assert not owned
    y = x * array
    assert len(owned) == 1
    array[:] = 9.0
    assert ad.gradients(y.sum(), x).data.tolist() == [1.0, 1.0]


def test_a_traced_or_checked_function_may_write_into_its_argument() -> None:
    def f(a: Any) -> Any:
        a[0] = a[1] * a[2]
        return a * a

    point = np.array([1.0, 2.0, 3.0])
    graph = ad.trace(f)(point)
    assert graph.inputs[0].name == "a" and graph.inputs[0].primitive is None
    assert ad.gradcheck(f, point).ok


# ---- as a Python object


def test_strangers_are_not_equal() -> None:
    t = ad.tensor([1.0, 2.0])
    assert (t == None) is False and (t != None) is True  # noqa: E711 - `==` is what is tested
    assert (t == "text") is False
    assert t not in [None, "text"] and None not in [t]
    assert (t == [1.0, 3.0]).data.tolist() == [True, False]


def test_format_of_a_scalar() -> None:
    assert f"{ad.tensor(1.23456):.2f}" == "1.23"
    assert f"{leaf(0.5):6.1%}" == " 50.0%"
    assert f"{ad.tensor([1.0])}" == "Tensor([1.])"
    with pytest.raises(TypeError, match="unsupported format string"):
        f"{ad.tensor([1.0, 2.0]):.2f}"


def test_conversion_without_a_copy() -> None:
    t = ad.tensor([1.0, 2.0])
    assert np.shares_memory(np.asarray(t, copy=False), t.data)
    with pytest.raises(ValueError, match="without a copy"):
        np.asarray(t, dtype=np.float32, copy=False)


def test_grad_is_a_tensor() -> None:
    x = leaf(1.0)
    with pytest.raises(ad.DTypeError, match="takes a Tensor or None, got float"):
        x.grad = 5.0


@pytest.mark.parametrize("name", ["leaky_relu", "elu", "gelu", "log_sigmoid", "softmax", "mish"])
def test_activations_take_lists(name: str) -> None:
    function = getattr(ad, name)
    values = [1.0, -1.0]
    np.testing.assert_array_equal(function(values), function(np.array(values)))


# ---- recording


def test_one_no_grad_object_in_two_threads() -> None:
    shared, x = ad.no_grad(), leaf([1.0])
    entered, both, left = threading.Event(), threading.Event(), threading.Event()
    recorded = {}

    def first() -> None:
        with shared:
            entered.set()
            both.wait(5)
        recorded["first"] = (x * 2).requires_grad
        left.set()

    def second() -> None:
        entered.wait(5)
        with shared:
            both.set()
            left.wait(5)
            recorded["inside"] = (x * 2).requires_grad
        recorded["second"] = (x * 2).requires_grad

    threads = [threading.Thread(target=f) for f in (first, second)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert recorded == {"first": True, "inside": False, "second": True}
    with shared, shared:
        assert not (x * 2).requires_grad
    assert (x * 2).requires_grad


def test_a_generator_closed_elsewhere_leaves_nothing_in_force() -> None:
    def generator() -> Any:
        with ad.no_grad():
            yield

    g = generator()
    next(g)
    closer = threading.Thread(target=g.close)
    closer.start()
    closer.join()
    assert current().recording


def test_no_grad_without_parentheses_says_how() -> None:
    for setting in (ad.no_grad, ad.ieee):
        with pytest.raises(TypeError, match=r"@ad\.\w+\(\) above a function"):
            setting(lambda: None)


# ---- custom rules


def test_a_rule_may_return_its_own_buffer() -> None:
    buffer = np.zeros(2)

    @ad.custom_vjp
    def square(x: Any) -> Any:
        return x**2

    @square.defvjp
    def rule(g: Any, y: Any, x: Any) -> Any:
        buffer[:] = g * 2 * x
        return buffer

    x = leaf([1.0, 2.0])
    g = ad.gradients((square(x) + 5 * square(x)).sum(), x)
    buffer[:] = 0.0
    assert g.data.tolist() == [12.0, 24.0]


def test_a_rule_cannot_write_into_what_it_reads() -> None:
    @ad.custom_vjp
    def double(x: Any) -> Any:
        return x * 2

    for i in range(3):

        @double.defvjp
        def rule(*read: Any, i: int = i) -> Any:
            read[i][...] = 0.0

        x = leaf([1.0, 2.0])
        with pytest.raises(ValueError, match="read-only"):
            ad.gradients((double(x * 3) * x).sum(), x)


def test_a_rule_may_read_a_tensor_from_elsewhere() -> None:
    c = ad.tensor([2.0, 2.0])
    double = ad.custom_vjp(lambda x: x * 2)
    double.defvjp(lambda g, y, x: g * c)
    x = leaf([1.0, 2.0])
    for create_graph in (False, True):
        g = ad.gradients(double(x).sum(), x, create_graph=create_graph)
        assert g.data.tolist() == [2.0, 2.0]


def test_an_option_that_requires_a_gradient_is_refused() -> None:
    @ad.custom_vjp
    def scaled(x: Any, scale: Any) -> Any:
        return x * scale

    scaled.defvjp(lambda g, y, x, scale: g * scale)
    with pytest.raises(ad.GradientError, match="option 'scale' requires a gradient"):
        scaled(leaf([1.0]), scale=leaf(2.0))


def test_the_users_own_error_comes_through() -> None:
    @ad.custom_vjp
    def picky(x: Any) -> Any:
        raise ValueError(f"got {x.tolist()}")

    picky.defvjp(lambda g, y, x: g)
    with pytest.raises(ValueError, match=r"got \[1\.0, 2\.0\]"):
        picky(leaf([1.0, 2.0]))


def test_an_error_inside_numpy_names_the_users_line() -> None:
    with pytest.raises(ad.GradientError, match=r"test_edges\.py"):
        ad.full(2, leaf(1.0))
