"""``jacobian``, ``hessian`` and ``hvp``: values, structures, modes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import autodiff as ad
from autodiff.testing import programs
from benchmarks.hessian.program import rosenbrock
from tests.tolerances import assert_close
from tests.transform_checks import real_operations

RNG = np.random.default_rng(0)
X = RNG.normal(size=3)
V = np.array([0.9, 0.4, 0.7])
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


# ---- complex values

ENTIRE = {
    "sin": ad.sin,
    "exp": lambda z: ad.exp(0.5 * z),
    "cube": lambda z: z**3,
    "matmul": lambda z: MIX @ z,
    "quotient": lambda z: z / (4.0 + z * z),
    "first": lambda z: z[:1] * z,
}
MIX = np.array([[1.0, 2.0j, 0.5], [0.3j, -1.0, 0.1], [0.0, 1.0j, 1.0 + 1.0j]])
Z = np.array([0.3 + 0.4j, 0.8 - 0.1j, -0.5 + 0.2j])


def differences(f: Any, z: Any, direction: complex) -> Any:
    """Columns of central differences along one direction of each entry."""
    h = 1e-5
    steps = [h * direction * e for e in np.eye(len(z))]
    return np.stack([(f(z + s) - f(z - s)) / (2 * h) for s in steps], axis=-1)


@pytest.mark.parametrize("mode", ["auto", "forward", "reverse"])
@given(st.lists(st.sampled_from(sorted(ENTIRE)), min_size=1, max_size=3))
def test_jacobian_of_holomorphic_functions(mode: str, names: list[str]) -> None:
    def f(z: Any) -> Any:
        for name in names:
            z = ENTIRE[name](z)
        return z

    got = ad.jacobian(f, mode=mode, holomorphic=True)(Z)
    assert got.dtype == complex
    assert_close(got, differences(f, Z, 1.0), "numeric", f"{names}")
    second = ad.hessian(lambda z: f(z)[0], holomorphic=True)(Z)
    expected = differences(lambda z: ad.jacobian(f, holomorphic=True)(z)[0], Z, 1.0)
    assert_close(second, expected, "numeric", f"hessian of {names}")


@pytest.mark.parametrize("mode", ["auto", "forward", "reverse"])
def test_jacobian_between_real_and_complex(mode: str) -> None:
    def real(z: Any) -> Any:
        return ad.abs(z) ** 2 * ad.real(z[0]) + ad.imag(z)

    got = ad.jacobian(real, mode=mode)(Z)
    expected = differences(real, Z, 1.0) + 1j * differences(real, Z, 1j)
    assert_close(got, expected, "numeric", "a gradient for each entry")
    rows = np.stack([ad.grad(lambda z, i=i: real(z)[i])(Z) for i in range(3)])
    assert_close(got, rows, "reference", "as grad has it")

    def turn(x: Any) -> Any:
        return ad.exp(1j * x) * x[0]

    assert_close(ad.jacobian(turn, mode=mode)(V), differences(turn, V, 1.0), "numeric", "complex")
    both = ad.jacobian(lambda x, z: x * ad.real(z), (0, 1), mode=mode)(V, Z)
    assert_close(both[0], np.diag(Z.real), "reference", "by the real one")
    assert both[0].dtype == float
    assert_close(both[1], np.diag(V), "reference", "by the complex one")


@pytest.mark.parametrize("mode", ["forward", "reverse"])
@pytest.mark.parametrize(
    "f", [ad.conj, lambda z: z * ad.abs(z), lambda z: ad.real(z) + 0j * z, lambda z: z[::-1].conj()]
)
def test_what_is_not_holomorphic_is_refused(f: Any, mode: str) -> None:
    with pytest.raises(ad.GradientError, match=r"not holomorphic here.*real and the imaginary"):
        ad.jacobian(f, mode=mode, holomorphic=True)(Z)


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda: ad.jacobian(ad.sin)(Z), r"complex128\[3\].*holomorphic=True.*ad\.real\(y\)"),
        (lambda: ad.jacobian(ad.sin, holomorphic=True)(V), r"float64.*astype\(complex\)"),
        (lambda: ad.hessian(lambda z: ad.sum(ad.abs(z)))(Z), r"f\(a \+ 1j \* b\), \(0, 1\)"),
    ],
)
def test_complex_errors(call: Any, text: str) -> None:
    with pytest.raises(ad.DTypeError, match=text):
        call()


def test_hessian_of_a_real_function_by_parts() -> None:
    def f(z: Any) -> Any:
        return ad.sum(ad.abs(z) ** 2) + ad.real(z[0] * z[1])

    got = ad.hessian(lambda a, b: f(a + 1j * b), (0, 1))(Z.real, Z.imag)
    expected = 2 * np.eye(3)
    expected[[0, 1], [1, 0]] = 1.0
    assert_close(got[0][0], expected, "reference", "real")
    expected[[0, 1], [1, 0]] = -1.0
    assert_close(got[1][1], expected, "reference", "imaginary")


def test_holomorphic_under_vmap() -> None:
    rows = np.stack([Z, 2 * Z])
    f = ad.jacobian(lambda z: ad.sin(z) * z[0], holomorphic=True)
    assert_close(ad.vmap(f)(rows), np.stack([f(z) for z in rows]), "reference", "vmap")
