"""``jacobian``, ``hessian`` and ``hvp``: values, structures, modes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given

import autodiff as ad
from autodiff.testing import programs
from benchmarks.hessian.program import rosenbrock
from tests.tolerances import assert_close
from tests.transform_checks import real_operations

RNG = np.random.default_rng(0)
X = RNG.normal(size=3)
MODES = ("auto", "forward", "reverse")


def rosenbrock_hessian(x: Any) -> Any:
    """By hand: d²/dx² of 100 (b - a²)² + (1 - a)²."""
    n = len(x)
    h = np.zeros((n, n))
    for i in range(n - 1):
        h[i, i] += 1200 * x[i] ** 2 - 400 * x[i + 1] + 2
        h[i + 1, i + 1] += 200
        h[i, i + 1] = h[i + 1, i] = -400 * x[i]
    return h


def test_hessian_of_rosenbrock() -> None:
    x = np.random.default_rng(0).normal(size=100)
    got, expected = ad.hessian(rosenbrock)(x), rosenbrock_hessian(x)
    np.testing.assert_allclose(got, expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    "shapes", [((2, 3), (4,)), ((4,), (2, 3)), ((), (2,)), ((2,), ()), ((0,), (2,))]
)
def test_shapes(mode: str, shapes: Any) -> None:
    inner, outer = shapes
    size = int(np.prod(inner))
    m = RNG.normal(size=(*outer, size))
    x = RNG.normal(size=inner)
    got = ad.jacobian(lambda x: (m * ad.sin(x.reshape(-1))).sum(axis=-1), mode=mode)(ad.tensor(x))
    expected = (m * np.cos(x.ravel())).reshape(*outer, *inner)
    assert_close(got.data, expected, "reference", mode)


@pytest.mark.parametrize("mode", MODES)
def test_containers(mode: str) -> None:
    def f(p: Any, s: Any) -> Any:
        return {"v": p["a"] * s, "t": (p["b"] ** 2,)}, "aux"

    p = {"a": X, "b": 3.0}
    found, aux = ad.jacobian(f, (0, 1), mode=mode, has_aux=True)(p, 2.0)
    assert aux == "aux"
    over_p, over_s = found["v"]
    np.testing.assert_array_equal(over_p["a"], 2 * np.eye(3))
    np.testing.assert_array_equal(over_p["b"], np.zeros(3))
    np.testing.assert_array_equal(over_s, X)
    over_p, over_s = found["t"][0]
    assert over_p["b"] == 6.0 and over_s == 0.0 and over_p["a"].shape == (3,)
    alone = ad.jacobian(f, 1, mode=mode, has_aux=True)(p, 2.0)[0]
    np.testing.assert_array_equal(alone["v"], X)


def test_hessian_of_containers() -> None:
    def f(p: Any, s: Any) -> Any:
        return (p["a"] ** 2).sum() * p["b"] * s

    p = {"a": X, "b": 3.0}
    found = ad.hessian(f)(p, 2.0)
    np.testing.assert_allclose(found["a"]["a"], 12 * np.eye(3))
    np.testing.assert_allclose(found["a"]["b"], 4 * X)
    np.testing.assert_allclose(found["b"]["a"], 4 * X)
    assert found["b"]["b"] == 0.0
    both = ad.hessian(f, (0, 1))(p, 2.0)
    np.testing.assert_allclose(both[1][0]["a"], 6 * X)
    assert both[1][1] == 0.0
    found, aux = ad.hessian(lambda x: ((x**3).sum(), x.shape), has_aux=True)(X)
    assert aux == (3,)
    np.testing.assert_allclose(found, np.diag(6 * X))


def test_hvp() -> None:
    v = RNG.normal(size=3)
    np.testing.assert_allclose(
        ad.hvp(rosenbrock, (X,), (v,)), rosenbrock_hessian(X) @ v, rtol=1e-12
    )
    a, b = ad.hvp(lambda a, b: a * a * b, (2.0, 3.0), (1.0, 10.0))
    assert (a, b) == (6.0 + 40.0, 4.0)


def test_captured_tensors() -> None:
    w = ad.tensor(2.0, requires_grad=True)
    for mode in MODES:
        j = ad.jacobian(lambda x: ad.sin(w * x), mode=mode)(X)
        assert j.requires_grad
        expected = np.sum(np.cos(2 * X) - 2 * X * np.sin(2 * X))
        assert ad.gradients(ad.sum(j), w).item() == pytest.approx(expected)
    h = ad.hessian(lambda x: (w * x**3).sum())(X)
    assert ad.gradients(ad.sum(h), w).item() == pytest.approx((6 * X).sum())


def test_jacobian_of_jacobian() -> None:
    def f(x: Any) -> Any:
        return ad.sin(x) * x[::-1]

    cube = ad.jacobian(ad.jacobian(f))(X)
    for i in range(3):
        row = ad.hessian(lambda x, i=i: f(x)[i])(X)
        np.testing.assert_allclose(cube[i], row, atol=1e-14)


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda: ad.jacobian(ad.sin, mode="backward"), ValueError, "'backward'"),
        (lambda: ad.jacobian(ad.sin, 1)(X), ad.GradientError, "argument 1"),
        (lambda: ad.jacobian(ad.sin, "0"), ad.DTypeError, "argnums"),
        (lambda: ad.jacobian(ad.argmax)(X), ad.DTypeError, "int64"),
        (lambda: ad.jacobian(ad.sin)(X * 1j), ad.DTypeError, "complex128"),
        (lambda: ad.hessian(ad.sin)(X), ad.ShapeError, "scalar"),
        (lambda: ad.hvp(ad.sum, (X,), (X[:2],)), ad.ShapeError, r"\(2,\)"),
    ],
)
def test_wrong_calls(call: Any, error: Any, text: str) -> None:
    with pytest.raises(error, match=text):
        call()


@given(program=programs(max_steps=4, only=real_operations()))
def test_modes_agree_on_random_programs(program: Any) -> None:
    every = tuple(range(len(program.inputs)))
    with np.errstate(all="ignore"):
        forward = ad.jacobian(program, every, mode="forward")(*program.inputs)
        reverse = ad.jacobian(program, every, mode="reverse")(*program.inputs)
    for f, r in zip(forward, reverse, strict=True):
        assert_close(f, r, "derivative", repr(program))
