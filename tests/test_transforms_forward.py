"""``vjp``, ``jvp`` and ``linearize``: structures, nesting, what is kept and what is refused."""

from __future__ import annotations

import gc
import weakref
from typing import Any

import numpy as np
import pytest
from hypothesis import given

import autodiff as ad
from autodiff.testing import programs
from tests.tolerances import assert_close
from tests.transform_checks import real_operations

X = np.array([0.5, 1.5, -0.3])


def test_vjp_pulls_many_times() -> None:
    y, pull = ad.vjp(lambda a, b: a * ad.sin(b), X, 2.0)
    np.testing.assert_array_equal(y, X * np.sin(2.0))
    for g in (np.ones(3), np.array([1.0, 0.0, -2.0])):
        a, b = pull(g)
        np.testing.assert_allclose(a, g * np.sin(2.0))
        np.testing.assert_allclose(b, (g * X).sum() * np.cos(2.0))


def test_containers_in_and_out() -> None:
    def f(p: Any, s: Any) -> Any:
        return {"sum": p["w"] + p["b"][0], "rest": (s * p["w"], [p["b"][0] ** 2])}

    p = {"w": X, "b": [2.0]}
    y, pull = ad.vjp(f, p, 3.0)
    assert sorted(y) == ["rest", "sum"] and type(y["rest"][1]) is list
    gp, gs = pull({"sum": np.ones(3), "rest": (np.ones(3), [1.0])})
    np.testing.assert_allclose(gp["w"], np.full(3, 4.0))
    np.testing.assert_allclose(gp["b"][0], 3 + 4.0)
    np.testing.assert_allclose(gs, X.sum())
    value, t = ad.jvp(f, (p, 3.0), ({"w": np.ones(3), "b": [1.0]}, 10.0))
    assert type(value) is dict
    np.testing.assert_allclose(t["sum"], np.full(3, 2.0))
    np.testing.assert_allclose(t["rest"][0], 10 * X + 3)
    np.testing.assert_allclose(t["rest"][1][0], 4.0)


def test_linearize_runs_once() -> None:
    calls = []

    def f(x: Any) -> Any:
        calls.append(1)
        return ad.exp(x).sum()

    y, push = ad.linearize(f, X)
    for t in (np.ones(3), np.arange(3.0)):
        np.testing.assert_allclose(push(t), (np.exp(X) * t).sum())
    assert len(calls) == 1 and y == np.exp(X).sum()


def test_kinds_of_results() -> None:
    for f in (lambda x: ad.jvp(ad.sin, (x,), (x,)), lambda x: ad.vjp(ad.sin, x)[1](x)):
        assert all(type(v) is np.float64 for v in f(2.0))
        assert all(type(v) is np.ndarray for v in f(X))
        found = f(ad.tensor(X))
        assert all(isinstance(v, ad.Tensor) and not v.requires_grad for v in found)
    t = ad.jvp(ad.sin, (X.astype(np.float32),), (X.astype(np.float32),))[1]
    assert t.dtype == np.float32


def test_aux_comes_third_and_is_detached() -> None:
    def f(x: Any) -> Any:
        return x * x, {"seen": x + 1}

    for y, derivative, aux in (
        ad.vjp(f, 3.0, has_aux=True),
        ad.linearize(f, 3.0, has_aux=True),
        ad.jvp(f, (3.0,), (1.0,), has_aux=True),
    ):
        assert y == 9.0 and aux == {"seen": 4.0} and not isinstance(aux["seen"], ad.Tensor)
        assert derivative is not None


def test_what_does_not_depend_has_zeros() -> None:
    y, t = ad.jvp(lambda a: (a * 2, 5.0, np.array([1, 2])), (1.0,), (1.0,))
    assert y[1] == 5.0 and t[0] == 2.0 and t[1] == 0.0
    assert np.asarray(t[2]).dtype == int and not np.any(t[2])
    pulled = ad.vjp(lambda a, b: a * 2, 1.0, X)[1](1.0)
    np.testing.assert_array_equal(pulled[1], np.zeros(3))


def test_captured_tensors_make_results_recorded() -> None:
    w = ad.tensor(2.0, requires_grad=True)
    _, t = ad.jvp(lambda x: ad.sin(w * x), (3.0,), (1.0,))
    assert t.requires_grad
    # d/dw [w cos(3w)]
    assert ad.gradients(t, w).item() == pytest.approx(np.cos(6) - 6 * np.sin(6))
    (g,) = ad.vjp(lambda x: ad.sin(w * x), 3.0)[1](1.0)
    assert ad.gradients(g, w).item() == pytest.approx(np.cos(6) - 6 * np.sin(6))
    with ad.no_grad():
        _, t = ad.jvp(lambda x: ad.sin(w * x), (3.0,), (1.0,))
    assert not isinstance(t, ad.Tensor) or not t.requires_grad


def test_tangents_and_cotangents_are_differentiated_too() -> None:
    v = ad.tensor(X, requires_grad=True)
    _, t = ad.jvp(lambda x: (x**3).sum(), (X,), (v,))
    np.testing.assert_allclose(ad.gradients(t, v).data, 3 * X**2)
    (g,) = ad.vjp(ad.exp, X)[1](v)
    np.testing.assert_allclose(ad.gradients(g.sum(), v).data, np.exp(X))


def test_perturbations_are_not_confused() -> None:
    def outer(x: Any) -> Any:
        inner = ad.jvp(lambda y: x * y, (1.0,), (1.0,))[1]
        return x * inner

    assert ad.jvp(outer, (2.0,), (1.0,))[1] == 4.0
    assert ad.grad(outer)(2.0) == 4.0
    assert type(ad.grad(lambda x: ad.jvp(lambda y: x * y * y, (3.0,), (1.0,))[1])(2.0)) is (
        np.float64
    )


@pytest.mark.parametrize("order", range(1, 5))
def test_any_mixture_of_modes(order: int) -> None:
    def forward(f: Any) -> Any:
        return lambda x: ad.jvp(f, (x,), (1.0,))[1]

    def pulled(f: Any) -> Any:
        return lambda x: ad.vjp(f, x)[1](1.0)[0]

    for mixture in range(3**order):
        f: Any = ad.sin
        for k in range(order):
            f = (forward, pulled, ad.grad)[mixture // 3**k % 3](f)
        cycle = (np.sin, np.cos, lambda v: -np.sin(v), lambda v: -np.cos(v))
        assert f(0.7) == pytest.approx(cycle[order % 4](0.7)), mixture


def test_an_unselected_branch_gives_no_nan() -> None:
    def f(x: Any) -> Any:
        return ad.relu(ad.log(x)).sum() + ad.where(x > 1, ad.sqrt(x - 1), 0.0).sum()

    x = np.array([0.0, 5.0])
    with np.errstate(all="ignore"):
        t = ad.jvp(f, (x,), (np.ones(2),))[1]
    assert t == pytest.approx(1 / 5 + 1 / 4)
    with ad.ieee(), np.errstate(all="ignore"):
        assert np.isnan(ad.jvp(f, (x,), (np.ones(2),))[1])


def test_no_grad_and_stop_gradient_cut_forward_mode() -> None:
    def f(x: Any) -> Any:
        with ad.no_grad():
            factor = x * 2
        return factor * x * ad.stop_gradient(x)

    assert ad.jvp(f, (3.0,), (1.0,))[1] == 18.0


def test_a_long_chain_is_walked_without_recursion() -> None:
    def f(x: Any) -> Any:
        for _ in range(20_000):
            x = x + 0.0
        return x

    assert ad.jvp(f, (1.0,), (2.0,))[1] == 2.0


def test_the_record_is_freed() -> None:

    seen = []

    def f(x: Any) -> Any:
        y = ad.exp(x)
        seen.append(weakref.ref(y.node))
        return y * 2

    gc.collect()
    gc.disable()
    try:
        _, push = ad.linearize(f, X)
        assert seen[0]() is not None
        push(X)
        del push
        assert seen[0]() is None
    finally:
        gc.enable()


def test_exceptions_come_through_unchanged() -> None:
    class Own(Exception):
        pass

    def fails(x: Any) -> Any:
        raise Own("as it was")

    for call in (
        lambda: ad.vjp(fails, 1.0),
        lambda: ad.jvp(fails, (1.0,), (1.0,)),
        lambda: ad.jacobian(fails)(1.0),
        lambda: ad.hessian(fails)(1.0),
        lambda: ad.vmap(fails)(X),
    ):
        with pytest.raises(Own, match="^as it was$"):
            call()
    y = ad.sin(ad.tensor(1.0, requires_grad=True))
    assert y.requires_grad and y.node.kept is not None and y.node.output is None


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda: ad.vjp(ad.sin, 2), ad.DTypeError, "write 2.0 instead of 2"),
        (lambda: ad.jvp(ad.sin, (X,), (np.ones(2),)), ad.ShapeError, r"\(3,\).*\(2,\)"),
        (lambda: ad.jvp(ad.sin, X, X), ad.DTypeError, r"primals is a tuple.*\(x,\)"),
        (lambda: ad.jvp(ad.sin, (X,), (X, X)), ad.GradientError, "1 primals, but 2 tangents"),
        (lambda: ad.jvp(ad.sin, (X,), (X * 1j,)), ad.DTypeError, "complex128"),
        (lambda: ad.vjp(ad.sin, X)[1](np.ones(2)), ad.ShapeError, r"\(3,\).*\(2,\)"),
        (lambda: ad.vjp(ad.sin, X)[1]((X, X)), ad.ShapeError, r"\(3,\).*\(2, 3\)"),
        (
            lambda: ad.vjp(lambda x: {"a": x}, X)[1]({"b": X}),
            ad.GradientError,
            r"vjp: cotangents: .*dict with \['a'\]",
        ),
        (lambda: ad.jvp(lambda p: p["a"], ({"a": X},), (X,)), ad.GradientError, "jvp: tangents"),
        (lambda: ad.vjp(lambda x: x, X, has_aux=True), ad.GradientError, "pair"),
    ],
)
def test_wrong_calls(call: Any, error: Any, text: str) -> None:
    with pytest.raises(error, match=text):
        call()


@given(program=programs(max_steps=5, only=real_operations()))
def test_forward_mode_of_random_programs(program: Any) -> None:
    rng = np.random.default_rng(0)
    tangents = [rng.standard_normal(x.shape) for x in program.inputs]
    y, t = ad.jvp(program, program.inputs, tangents)
    v = rng.standard_normal(np.shape(y))
    pulled = ad.vjp(program, *program.inputs)[1](v)
    terms = [np.sum(g * u) for g, u in zip(pulled, tangents, strict=True)]
    assert_close(np.sum(v * t), np.sum(terms), "derivative", repr(program), np.float64)


@given(program=programs(max_steps=4, only=real_operations()))
def test_forward_over_reverse_of_random_programs(program: Any) -> None:
    every = tuple(range(len(program.inputs)))
    rng = np.random.default_rng(0)
    tangents = [rng.standard_normal(x.shape) for x in program.inputs]
    gradient = ad.grad(lambda *xs: ad.sin(program(*xs)).sum(), every, unused="zeros")

    def along(*xs: Any) -> Any:
        return sum((g * u).sum() for g, u in zip(gradient(*xs), tangents, strict=True))

    forward = ad.jvp(gradient, program.inputs, tangents)[1]
    reverse = ad.grad(along, every, unused="zeros")(*program.inputs)
    for f, r in zip(forward, reverse, strict=True):
        assert_close(np.asarray(f), np.asarray(r), "derivative", repr(program))
