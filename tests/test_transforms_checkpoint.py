"""``checkpoint``: the same derivatives of every kind, less memory, one more run."""

from __future__ import annotations

import gc
import tracemalloc
from typing import Any

import numpy as np
import pytest
from hypothesis import given

import autodiff as ad
from autodiff.testing import programs
from tests.tolerances import assert_close
from tests.transform_checks import real_operations

X = np.array([0.5, 1.5, -0.3])


def body(x: Any, w: Any) -> Any:
    h = ad.tanh(x * w)
    return ad.exp(h) * x + w


def test_values_and_every_derivative() -> None:
    f = ad.checkpoint(body)
    for transform in (
        lambda f: f(X, 2.0),
        lambda f: ad.grad(lambda x, w: f(x, w).sum(), (0, 1))(X, 2.0)[0],
        lambda f: ad.grad(lambda x, w: f(x, w).sum(), (0, 1))(X, 2.0)[1],
        lambda f: ad.jvp(f, (X, 2.0), (X, 1.0))[1],
        lambda f: ad.hessian(lambda x: (f(x, 2.0) ** 2).sum())(X),
        lambda f: ad.grad(lambda x: ad.grad(lambda y: (f(y, x[0]) ** 2).sum())(x)[1])(X),
        lambda f: ad.grad(lambda w: ad.jvp(lambda x: f(x, w).sum(), (X,), (X,))[1])(2.0),
        lambda f: ad.jacobian(f, mode="reverse")(X, 2.0),
        lambda f: ad.vmap(f, (0, None))(X, 2.0),
        lambda f: ad.vmap(ad.grad(f), (0, None))(X, 2.0),
        lambda f: ad.grad(lambda w: ad.vmap(f, (0, None))(X, w).sum())(2.0),
        lambda f: ad.grad(lambda x: ad.vmap(lambda v: ad.vmap(lambda u: f(u, v))(x))(x).sum())(X),
        lambda f: ad.grad(lambda w: ad.vmap(ad.grad(f), (0, None))(X, w).sum())(2.0),
        lambda f: ad.vmap(ad.hessian(lambda x: f(x, 2.0).sum()))(np.stack([X, 2 * X])),
        lambda f: ad.grad(ad.checkpoint(lambda x: f(f(x, 1.0), x[1]).sum()))(X),
    ):
        got, expected = transform(f), transform(body)
        assert_close(np.asarray(got), np.asarray(expected), "derivative", "checkpoint")


def test_what_is_captured() -> None:
    """Leaves, values computed from each other, and the argument itself."""
    w = ad.tensor(1.5, requires_grad=True)
    results = []
    for wrapper in (ad.checkpoint, lambda f: f):
        x = ad.tensor(X, requires_grad=True)
        a = w * 2
        b = a * 3
        h = ad.sin(x)

        def f(h: Any, x: Any = x, a: Any = a, b: Any = b, outer: Any = h) -> Any:
            return h * a * b * x + b**2 + w * a + outer * h

        y = (wrapper(lambda h, f=f: f(h))(h) ** 2).sum()
        first = ad.gradients(y, (x, w, a, b), create_graph=True)
        second = ad.gradients(sum(g.sum() for g in first), (x, w))
        results.append([g.data for g in (*first, *second)])
    for got, expected in zip(*results, strict=True):
        assert_close(got, expected, "reference", "captured")


def test_what_is_captured_where_no_argument_needs_a_gradient() -> None:
    w = ad.tensor(1.5, requires_grad=True)
    y = ad.checkpoint(lambda x: ad.sin(ad.cos(x * w) * w))(2.0)
    expected = ad.grad(lambda w: ad.sin(ad.cos(2.0 * w) * w))(1.5)
    assert ad.gradients(y, w).item() == pytest.approx(expected, rel=1e-12)


def test_containers_options_and_constants() -> None:
    def f(p: Any, name: str, *, scale: Any, power: int) -> Any:
        assert name == "layer"
        return {"a": (p["w"] * scale) ** power, "n": 3}, [p["b"].astype("float32") * 2, "text"]

    p = {"w": ad.tensor(X, requires_grad=True), "b": ad.tensor(2.0, requires_grad=True)}
    scale = ad.tensor(0.5, requires_grad=True)
    (one, two) = ad.checkpoint(f)(p, "layer", scale=scale, power=3)
    assert one["n"] == 3 and two[1] == "text" and two[0].dtype == np.float32
    loss = one["a"].sum() + two[0].astype(float)
    gw, gb, gs = ad.gradients(loss, (p["w"], p["b"], scale))
    np.testing.assert_allclose(gw.data, 3 * X**2 / 8)
    assert gb.item() == 2.0 and gs.item() == pytest.approx(3 * (X**3).sum() / 4)


def test_the_function_runs_once_more_in_the_backward_walk() -> None:
    runs = []

    def f(x: Any) -> Any:
        runs.append(1)
        return ad.sin(x) * 2, ad.cos(x)

    x = ad.tensor(X, requires_grad=True)
    a, b = ad.checkpoint(f)(x)
    assert len(runs) == 1
    ad.gradients((a * b).sum(), x)
    assert len(runs) == 2
    with ad.no_grad():
        assert not ad.checkpoint(f)(x)[0].requires_grad
    assert len(runs) == 3


def test_a_user_may_write_to_his_array_afterwards() -> None:
    k = np.array([1.0, 2.0, 3.0])
    x = ad.tensor(X, requires_grad=True)
    y = ad.checkpoint(lambda x, k: x * k)(x, k)
    k[:] = 0
    np.testing.assert_array_equal(ad.gradients(y.sum(), x).data, [1, 2, 3])


def layers(x: Any, wrapper: Any) -> Any:
    def block(x: Any) -> Any:
        for _ in range(20):
            x = ad.sin(x)
        return x

    for _ in range(10):
        x = wrapper(block)(x)
    return x


def peak(wrapper: Any) -> int:
    x = ad.tensor(np.ones(100_000), requires_grad=True)
    gc.collect()
    tracemalloc.start()
    try:
        ad.gradients(layers(x, wrapper).sum(), x)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_memory() -> None:
    plain, less = peak(lambda f: f), peak(ad.checkpoint)
    assert less < plain / 4, (less, plain)


def test_error_of_the_user() -> None:
    def fails(x: Any) -> Any:
        raise KeyError("own")

    with pytest.raises(KeyError, match="own"):
        ad.checkpoint(fails)(ad.tensor(X, requires_grad=True))


@given(program=programs(max_steps=4, only=real_operations()))
def test_random_programs(program: Any) -> None:
    every = tuple(range(len(program.inputs)))

    def loss(f: Any) -> Any:
        return lambda *xs: ad.sin(f(*xs)).sum()

    with np.errstate(all="ignore"):
        got = ad.grad(loss(ad.checkpoint(program)), every, unused="zeros")(*program.inputs)
        expected = ad.grad(loss(program), every, unused="zeros")(*program.inputs)
    for g, e in zip(got, expected, strict=True):
        assert_close(np.asarray(g), np.asarray(e), "same", repr(program))
