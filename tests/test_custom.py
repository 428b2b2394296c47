"""``custom_vjp``: values, any order, and the checks on what a rule returns."""

from __future__ import annotations

import weakref
from typing import Any

import numpy as np
import pytest

import autodiff as ad


@ad.custom_vjp
def cube(x: Any) -> Any:
    assert type(x) is np.ndarray
    return np.power(x, 3)


@cube.defvjp
def _(g: Any, y: Any, x: Any) -> Any:
    return g * 3 * x**2


@ad.custom_vjp
def hypotenuse(a: Any, b: Any, *, power: int = 2) -> Any:
    """Length of the third side."""
    return (a**power + b**power) ** (1 / power)


@hypotenuse.defvjp
def _(g: Any, y: Any, a: Any, b: Any, *, power: int = 2) -> Any:
    common = g * y ** (1 - power)
    return common * a ** (power - 1), common * b ** (power - 1)


def with_rule(rule: Any, function: Any = lambda x: x * 2.0) -> Any:
    made = ad.custom_vjp(function)
    made.defvjp(rule)
    return made


def test_values_and_polymorphism() -> None:
    assert type(cube(np.array([2.0]))) is np.ndarray
    y = cube(ad.tensor([2.0]))
    assert isinstance(y, ad.Tensor) and not y.requires_grad and y.item() == 8.0
    assert hypotenuse.__doc__ == "Length of the third side."
    assert hypotenuse.__name__ == "hypotenuse"


def test_every_order() -> None:
    f: Any = cube
    for expected in (12.0, 12.0, 6.0):
        f = ad.grad(f)
        assert f(2.0) == pytest.approx(expected)


def test_second_order_reads_the_output() -> None:
    a, b = ad.tensor(3.0, requires_grad=True), ad.tensor(4.0, requires_grad=True)
    first = ad.gradients(hypotenuse(a, b), (a, b), create_graph=True)
    assert [g.item() for g in first] == pytest.approx([0.6, 0.8])
    # d²/da² √(a²+b²) = b²/y³, d²/dadb = -ab/y³
    assert ad.gradients(first[0], a, create_graph=True).item() == pytest.approx(16 / 125)
    assert ad.gradients(first[0], b).item() == pytest.approx(-12 / 125)


def test_options_reach_the_rule() -> None:
    a = ad.tensor([1.0, 2.0], requires_grad=True)
    b = ad.tensor([2.0, 0.5], requires_grad=True)
    own = ad.gradients(hypotenuse(a, b, power=4).sum(), (a, b))
    written = ad.gradients(((a**4 + b**4) ** 0.25).sum(), (a, b))
    for g, w in zip(own, written, strict=True):
        np.testing.assert_allclose(g.numpy(), w.numpy(), rtol=1e-12)


def test_only_arguments_that_need_it() -> None:
    a = ad.tensor([3.0], requires_grad=True)
    y = hypotenuse(a, np.array([4.0]))
    assert ad.gradients(y.sum(), a).item() == pytest.approx(0.6)
    assert ad.gradients(hypotenuse(4.0, a).sum(), a).item() == pytest.approx(0.6)


def test_none_is_no_gradient() -> None:
    f = with_rule(lambda g, y, a, b: (g * b, None), lambda a, b: a * b)
    a, b = ad.tensor(2.0, requires_grad=True), ad.tensor(5.0, requires_grad=True)
    assert ad.gradients(f(a, b), a).item() == 5.0
    with pytest.raises(ad.GradientError, match="does not depend"):
        ad.gradients(f(a, b), b)


def test_a_rule_on_bare_arrays_is_enough_for_first_order() -> None:
    f = with_rule(lambda g, y, x: np.asarray(g) * np.full(x.shape, 2.0))
    x = ad.tensor([1.0, 2.0], requires_grad=True)
    f(x).sum().backward()
    assert x.grad is not None
    np.testing.assert_array_equal(x.grad.numpy(), [2, 2])


def test_a_rule_in_numpy_refuses_the_second_order() -> None:
    f = with_rule(lambda g, y, x: np.multiply(np.asarray(g), np.asarray(x)))
    x = ad.tensor([1.0, 2.0], requires_grad=True)
    with pytest.raises(ad.GradientError):
        ad.gradients(f(x).sum(), x, create_graph=True)


def test_no_rule() -> None:
    @ad.custom_vjp
    def unfinished(x: Any) -> Any:
        return x

    assert unfinished(np.ones(2)).shape == (2,)
    x = ad.tensor([1.0], requires_grad=True)
    with pytest.raises(ad.GradientError, match=r"unfinished: .*defvjp"):
        unfinished(x)
    with ad.no_grad():
        assert not unfinished(x).requires_grad
    with pytest.raises(TypeError, match="callable"):
        unfinished.defvjp(3)  # type: ignore[arg-type]  # wrong on purpose


@pytest.mark.parametrize("record", [False, True])
@pytest.mark.parametrize(
    ("rule", "error", "text"),
    [
        (lambda g, y, x: g.sum(), ad.ShapeError, r"argument 0 \(x\) .*shape \(\).*shape \(2, 3\)"),
        (lambda g, y, x: g.astype("float32"), ad.GradientError, r"dtype float32.*float64"),
        (lambda g, y, x: (g, g), ad.GradientError, "2 cotangents for 1 arguments"),
        (lambda g, y, x: np.zeros((2, 3), int), ad.GradientError, "dtype int64"),
    ],
)
def test_wrong_rules_are_refused(record: bool, rule: Any, error: Any, text: str) -> None:
    def doubled(x: Any) -> Any:
        return x * 2.0

    f = with_rule(rule, doubled)
    x = ad.tensor(np.ones((2, 3)), requires_grad=True)
    with pytest.raises(error, match=text) as caught:
        ad.gradients(f(x).sum(), x, create_graph=record)
    assert "doubled" in str(caught.value)


def test_function_cannot_write_to_its_arguments_nor_later_to_its_result() -> None:
    def writes(x: Any) -> Any:
        x[0] = 100.0
        return x

    with pytest.raises(ValueError, match="read-only"):
        with_rule(lambda g, y, x: g, writes)(ad.tensor([1.0]))
    buffer = np.zeros(1)

    def reuses(x: Any) -> Any:
        np.exp(x, out=buffer)
        return buffer

    f = with_rule(lambda g, y, x: g * y, reuses)
    x = ad.tensor([0.0], requires_grad=True)
    y = f(x)
    buffer[:] = 7.0
    assert ad.gradients(y.sum(), x).item() == 1.0


def test_what_the_function_raises_comes_through() -> None:
    class Own(Exception):
        pass

    def fails(x: Any) -> Any:
        raise Own("as it was")

    with pytest.raises(Own, match="as it was"):
        with_rule(lambda g, y, x: g, fails)(ad.tensor([1.0], requires_grad=True))
    with pytest.raises(TypeError, match="one array of numbers"):
        with_rule(lambda g, y, x: g, lambda x: None)(np.ones(1))


def test_graph_is_freed() -> None:
    x = ad.tensor([1.0], requires_grad=True)
    y = cube(x)
    dead = weakref.ref(y.node)
    del y
    assert dead() is None
