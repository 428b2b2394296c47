"""``grad``, ``value_and_grad`` and ``stop_gradient``."""

from __future__ import annotations

import threading
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import autodiff as ad


def test_nested_calls_do_not_confuse_their_arguments() -> None:
    # d/dx [x · d/dy(xy)|y=1] = d/dx x² (Siskind and Pearlmutter, "Perturbation confusion", 2005).
    assert ad.grad(lambda x: x * ad.grad(lambda y: x * y)(1.0))(2.0) == 4.0


def test_inner_argument_is_the_outer_one() -> None:
    assert ad.grad(lambda x: ad.grad(lambda y: x * y * y)(x))(3.0) == 12.0  # d/dx 2x²
    assert ad.grad(lambda x: ad.grad(lambda y: y * y * y)(x) * x)(2.0) == 9 * 4.0


@given(st.integers(1, 6), st.floats(0.5, 1.5))
def test_any_order_of_sine(order: int, x: float) -> None:
    f: Any = ad.sin
    for _ in range(order):
        f = ad.grad(f)
    cycle = (np.sin, np.cos, lambda v: -np.sin(v), lambda v: -np.cos(v))
    assert f(x) == pytest.approx(cycle[order % 4](x), rel=1e-9, abs=1e-12)


def test_plain_values_give_plain_results() -> None:
    value, g = ad.value_and_grad(lambda x: (x * x).sum())(np.array([1.0, 2.0], np.float32))
    assert type(value) is np.float32 and value == 5
    assert type(g) is np.ndarray and g.dtype == np.float32
    np.testing.assert_array_equal(g, [2, 4])
    assert type(ad.grad(lambda x: x * x)(1.5)) is np.float64


def test_tensors_give_tensors_without_history() -> None:
    value, g = ad.value_and_grad(lambda x: (x * x).sum())(ad.tensor([1.0, 2.0]))
    assert isinstance(value, ad.Tensor) and isinstance(g, ad.Tensor)
    assert not value.requires_grad and not g.requires_grad


def test_result_is_recorded_where_an_argument_needs_a_gradient() -> None:
    x = ad.tensor(2.0, requires_grad=True)
    value, g = ad.value_and_grad(lambda z: z**3)(x)
    assert value.requires_grad and g.requires_grad
    assert ad.gradients(g, x).item() == 12.0
    assert ad.gradients(value, x).item() == 12.0


def test_result_is_recorded_where_a_captured_value_needs_a_gradient() -> None:
    w = ad.tensor(3.0, requires_grad=True)
    g = ad.grad(lambda x: w * x * x)(2.0)
    assert g.requires_grad
    assert ad.gradients(g, w).item() == 4.0
    derived = w * 2
    assert ad.gradients(ad.grad(lambda x: derived * x)(2.0), w).item() == 2.0


def test_no_grad_around_a_call_leaves_results_plain() -> None:
    w = ad.tensor(3.0, requires_grad=True)
    with ad.no_grad():
        g = ad.grad(lambda x: w * x * x)(2.0)
    assert g == 12.0 and not isinstance(g, ad.Tensor)


def test_no_grad_inside_cuts_as_written() -> None:
    def f(x: Any) -> Any:
        with ad.no_grad():
            factor = x * 2
        return factor * x

    assert ad.grad(f)(3.0) == 6.0


class Pair(NamedTuple):
    weight: Any
    bias: Any


def test_structures_of_arguments() -> None:
    def f(params: Any, x: Any, *, scale: float) -> Any:
        layer = params["layers"][0]
        return scale * ((layer.weight * x).sum() + layer.bias * params["gain"])

    params = {"layers": [Pair(np.array([1.0, 2.0]), 4.0)], "gain": ad.tensor(0.5)}
    g = ad.grad(f)(params, np.array([3.0, 5.0]), scale=2.0)
    np.testing.assert_array_equal(g["layers"][0].weight, [6, 10])
    assert isinstance(g["layers"][0], Pair)
    assert g["layers"][0].bias == 1.0 and type(g["layers"][0].bias) is np.float64
    assert isinstance(g["gain"], ad.Tensor) and g["gain"].item() == 8.0


def test_several_arguments() -> None:
    assert ad.grad(lambda x, y: x * y, (0, 1))(2.0, 3.0) == (3.0, 2.0)
    assert ad.grad(lambda x, y: x * y, (1,))(2.0, 3.0) == (2.0,)
    assert ad.grad(lambda x, y: x * y, -1)(2.0, 3.0) == 2.0


def test_has_aux() -> None:
    def f(x: Any) -> Any:
        y = x * x
        return y.sum(), {"squares": y, "note": "kept"}

    (value, aux), g = ad.value_and_grad(f, has_aux=True)(np.array([1.0, 2.0]))
    assert value == 5 and aux["note"] == "kept" and type(aux["squares"]) is np.ndarray
    np.testing.assert_array_equal(g, [2, 4])
    g, aux = ad.grad(f, has_aux=True)(np.array([3.0]))
    assert g == 6 and aux["squares"] == 9


def test_argument_is_not_watched_for_writes_of_its_owner() -> None:
    x = np.array([1.0, 2.0])
    w = ad.tensor(1.0, requires_grad=True)
    g = ad.grad(lambda z: (w * z**3).sum())(x)
    x[:] = 100.0
    assert ad.gradients(g.sum(), w).item() == 3 + 12


def test_an_argument_without_influence() -> None:
    with pytest.raises(ad.GradientError, match="does not depend"):
        ad.grad(lambda x, y: x * x, (0, 1))(1.0, 2.0)
    g = ad.grad(lambda x, y: x * x, (0, 1), unused="zeros")(1.0, np.ones(2))
    assert g[0] == 2.0
    np.testing.assert_array_equal(g[1], np.zeros(2))
    assert ad.grad(lambda x, y: x * x, (0, 1), unused="none")(1.0, 2.0) == (2.0, None)
    with pytest.raises(ad.GradientError, match="does not depend"):
        ad.grad(lambda x: 3.0)(1.0)
    assert ad.grad(lambda x: ad.stop_gradient(x), unused="zeros")(1.0) == 0.0
    with pytest.raises(ValueError, match="unused"):
        ad.grad(lambda x: x, unused="ignore")


@pytest.mark.parametrize("x", [2, True, np.arange(3), ad.tensor([1, 2]), "text", 1j])
def test_arguments_without_gradients_are_refused(x: Any) -> None:
    with pytest.raises(ad.DTypeError):
        ad.grad(lambda z: z)(x)


def test_results_that_are_no_scalar_are_refused() -> None:
    with pytest.raises(ad.ShapeError, match=r"shape \(2,\)"):
        ad.grad(lambda x: x * 2)(np.ones(2))
    with pytest.raises(ad.GradientError, match="tuple"):
        ad.grad(lambda x: (x, x))(1.0)
    with pytest.raises(ad.GradientError, match="pair"):
        ad.grad(lambda x: x, has_aux=True)(1.0)
    with pytest.raises(ad.GradientError, match="NaN"):
        ad.grad(lambda x: x * np.nan)(1.0)


def test_argnums_are_checked() -> None:
    with pytest.raises(ad.GradientError, match="1 positional"):
        ad.grad(lambda x: x, 1)(1.0)
    with pytest.raises(ad.GradientError, match="twice"):
        ad.grad(lambda x, y: x * y, (0, -2))(1.0, 2.0)
    for wrong in ("x", 0.0, (), True):
        with pytest.raises(ad.DTypeError, match="argnums"):
            ad.grad(lambda x: x, wrong)  # type: ignore[arg-type]  # wrong on purpose


def test_exceptions_come_through_and_restore_the_state() -> None:
    class Own(Exception):
        pass

    def f(x: Any) -> Any:
        raise Own("as it was")

    with ad.no_grad():
        with pytest.raises(Own, match="^as it was$"):
            ad.grad(f)(1.0)
        assert not (ad.tensor(1.0, requires_grad=True) * 2).requires_grad


def test_stop_gradient() -> None:
    x = ad.tensor([1.0, 2.0], requires_grad=True)
    y = ad.stop_gradient(x)
    assert not y.requires_grad and x.requires_grad
    assert type(ad.stop_gradient(np.ones(2))) is np.ndarray
    assert ad.grad(lambda z: z * ad.stop_gradient(z))(3.0) == 3.0
    assert ad.grad(ad.grad(lambda z: z * z * ad.stop_gradient(z)))(3.0) == 6.0


def test_threads_do_not_meet() -> None:
    found: dict[int, Any] = {}

    def work(k: int) -> None:
        for _ in range(20):
            found[k] = ad.grad(ad.grad(lambda x: x ** (k + 2)))(1.0)

    threads = [threading.Thread(target=work, args=(k,)) for k in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert found == {k: (k + 2) * (k + 1) for k in range(4)}


def test_gradient_descent_through_gradient_descent() -> None:
    # L(w) = 3(w - 1)²/2 after one step from w = 2: dL(2 - 3r)/dr = -3 L'(2 - 3r).
    def after(rate: Any) -> Any:
        def loss(w: Any) -> Any:
            return 0.5 * 3.0 * (w - 1.0) ** 2

        w = 2.0 - rate * ad.grad(loss)(2.0)
        return loss(w)

    rate = 0.1
    w = 2 - rate * 3
    assert ad.grad(after)(rate) == pytest.approx(3 * (w - 1) * -3, rel=1e-12)
