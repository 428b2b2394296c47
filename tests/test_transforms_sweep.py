"""Forward mode without a record: memory, and what makes a record be kept all the same."""

from __future__ import annotations

import gc
import tracemalloc
from typing import Any

import numpy as np
import pytest
from hypothesis import given

import autodiff as ad
import nn
from autodiff.node import Node
from autodiff.testing import programs
from tests.tolerances import assert_close

X = np.array([0.4, -0.2, 0.9])
T = np.array([0.3, -0.7, 1.1])


def loop(steps: int, x: Any, body: Any) -> Any:
    return ad.while_loop(lambda c: c[0] < steps, lambda c: (c[0] + 1, body(c[1])), (0, x))[1]


def nodes_alive() -> int:
    return sum(isinstance(x, Node) for x in gc.get_objects())


BODIES = {
    "chain": lambda x: ad.sin(x) * 1.1,
    "index": lambda x: ad.setitem(x, 0, x[1] * 0.5) + 0.1,
    "grad inside": lambda x: x - 0.1 * ad.grad(lambda z: (z**2).sum())(x),
    "jvp inside": lambda x: x - 0.1 * ad.jvp(ad.sin, (x,), (x,))[1],
    "scan inside": lambda x: ad.scan(lambda c, v: (c * 0.5 + v, c), x, np.ones(2))[0],
    "checkpoint": ad.checkpoint(lambda x: ad.tanh(x) + 0.1),
    "vmap inside": lambda x: ad.vmap(ad.sin)(x),
}


@pytest.mark.parametrize("name", BODIES)
def test_nodes_of_a_loop_do_not_pile_up(name: str) -> None:
    most = []

    def count(x: Any) -> Any:
        most.append(nodes_alive())
        return BODIES[name](x)

    gc.collect()
    ad.jvp(lambda x: loop(20, x, count), (X,), (T,))
    assert max(most[10:]) <= max(most[:5]), most


def test_memory_of_a_long_loop_is_that_of_a_short_one() -> None:
    def peak(steps: int) -> int:
        tracemalloc.start()
        try:
            ad.jvp(lambda x: loop(steps, x, BODIES["chain"]), (np.ones(100),), (np.ones(100),))
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    peak(10)
    assert peak(10_000) < 1.5 * peak(100)


@pytest.mark.parametrize("name", BODIES)
def test_values_are_those_of_the_record(name: str) -> None:
    def f(x: Any) -> Any:
        return loop(4, x, BODIES[name])

    y, t = ad.jvp(f, (X,), (T,))
    expected, push = ad.linearize(f, X)
    assert_close(y, expected, "reference", "value")
    assert_close(t, push(T), "reference", "tangent")
    rows = np.stack([T, 2 * T])
    got = ad.vmap(lambda v: ad.jvp(f, (X,), (v,))[1])(rows)
    assert_close(got, np.stack([push(v) for v in rows]), "reference", "a batch of tangents")
    got = ad.vmap(lambda x: ad.jvp(f, (x,), (T,))[1])(np.stack([X, X + 0.1]))
    assert_close(got[0], push(T), "reference", "a batch of points")


def test_what_is_captured_is_recorded() -> None:
    w = ad.tensor(2.0, requires_grad=True)

    def f(x: Any) -> Any:
        y = ad.sin(x) * x  # of nothing outside
        z = y * w
        return y, z + ad.grad(lambda v: (v**3).sum() * w)(x)

    (y, z), (ty, tz) = ad.jvp(f, (X,), (T,))
    assert_close(ty.data, T * (np.cos(X) * X + np.sin(X)), "reference", "alone")
    assert_close(tz.data, 2 * ty.data + 12 * X * T, "reference", "with w")
    g = ad.gradients(tz.sum(), w)
    assert_close(g.data, (ty.data + 6 * X * T).sum(), "reference", "tangent by w")
    g = ad.gradients(z.sum(), w)
    assert_close(g.data, (y.data + 3 * X**2).sum(), "reference", "value by w")
    with ad.no_grad():
        z, tz = ad.jvp(lambda x: f(x)[1], (X,), (T,))
    assert type(tz) is np.ndarray or not tz.requires_grad


def test_a_model_with_parameters() -> None:
    nn.seed(0)
    model = nn.Sequential(nn.Dense(3, 4, "tanh"), nn.Dense(4, 2))
    x, t = X.astype(np.float32)[None], T.astype(np.float32)[None]
    _, pushed = ad.jvp(model, (x,), (t,))
    assert pushed.requires_grad
    expected = ad.linearize(model, x)[1](t)
    assert_close(pushed.data, expected.data, "derivative", "tangent")
    with ad.no_grad():
        _, plain = ad.jvp(model, (x,), (t,))
    assert_close(np.asarray(plain), expected.data, "derivative", "tangent")


def test_gradients_by_hand_inside() -> None:
    def f(x: Any) -> Any:
        noise = ad.random.normal(size=3)
        return ad.gradients((x**3 * noise).sum(), x, create_graph=True) + noise

    ad.random.seed(2)
    y, t = ad.jvp(f, (X,), (T,))
    after = ad.random.normal()
    ad.random.seed(2)
    noise = ad.random.normal(size=3).data
    assert_close(y, 3 * X**2 * noise + noise, "reference", "value")
    assert_close(t, 6 * X * T * noise, "reference", "tangent")
    assert after.item() == ad.random.normal().item()


def test_intermediate_values_are_no_leaves() -> None:
    def f(x: Any) -> Any:
        y = ad.sin(x)
        assert not y.is_leaf and y.requires_grad
        with pytest.raises(ad.GradientError, match="only a leaf"):
            y.data = X
        y[0] = y[1] * 2.0
        return y

    _, t = ad.jvp(f, (X,), (T,))
    d = np.cos(X) * T
    assert_close(t, [2 * d[1], d[1], d[2]], "reference", "setitem")


def test_what_does_not_move_has_the_tangent_zero() -> None:
    got = ad.jvp(lambda a, b: (a * 1.0, b * 2.0, 3.0), (X, X), (T, None))[1]
    assert_close(got[0], T, "reference", "moving")
    assert not np.any(got[1]) and not np.any(got[2])


@given(program=programs(max_steps=6))
def test_random_programs(program: Any) -> None:
    tangents = tuple(
        np.cos(1.0 + np.arange(np.size(x))).reshape(np.shape(x)) for x in program.inputs
    )
    with np.errstate(all="ignore"):
        y, t = ad.jvp(program, tuple(program.inputs), tangents)
        expected, push = ad.linearize(program, *program.inputs)
        assert_close(np.asarray(y), np.asarray(expected), "reference", repr(program))
        assert_close(np.asarray(t), np.asarray(push(*tangents)), "reference", repr(program))
