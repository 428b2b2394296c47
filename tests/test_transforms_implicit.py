"""``root`` and ``fixed_point``: every order and mode, containers, batches, failures."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import autodiff as ad

A = np.array([1.0, 4.0, 9.0])


def by_root(a: Any) -> Any:
    return ad.root(lambda x: x * x - a, 1.0)


def by_iteration(a: Any) -> Any:
    return ad.fixed_point(lambda x: (x + a / x) / 2, 1.0)


def by_slow_iteration(a: Any) -> Any:
    """One whose derivative at the solution is not zero, so that the rules iterate too."""
    return ad.fixed_point(lambda x: x - 0.2 * (x * x - a), 1.0)


SOLVERS = (by_root, by_iteration, by_slow_iteration)
ORDERS = (
    np.sqrt,
    lambda a: 0.5 * a**-0.5,
    lambda a: -0.25 * a**-1.5,
    lambda a: 0.375 * a**-2.5,
)


@pytest.mark.parametrize("solve", SOLVERS)
@pytest.mark.parametrize("order", range(4))
def test_every_order_and_mixture_of_modes(solve: Any, order: int) -> None:
    def forward(f: Any) -> Any:
        return lambda a: ad.jvp(f, (a,), (1.0,))[1]

    for mixture in range(2**order):
        f = solve
        for k in range(order):
            f = (forward, ad.grad)[mixture >> k & 1](f)
        assert f(4.0) == pytest.approx(ORDERS[order](4.0), rel=1e-7), mixture


@pytest.mark.parametrize("solve", SOLVERS)
def test_batches(solve: Any) -> None:
    a = np.array([1.0, 2.0, 3.0])
    expected = [f(a) for f in ORDERS]
    np.testing.assert_allclose(ad.vmap(solve)(a), expected[0], rtol=1e-9)
    np.testing.assert_allclose(ad.vmap(ad.grad(solve))(a), expected[1], rtol=1e-7)
    np.testing.assert_allclose(ad.vmap(ad.hessian(solve))(a), expected[2], rtol=1e-7)
    total = lambda a: ad.vmap(solve)(a).sum()
    np.testing.assert_allclose(ad.grad(total)(a), expected[1], rtol=1e-7)
    np.testing.assert_allclose(ad.hessian(total)(a), np.diag(expected[2]), rtol=1e-7, atol=1e-12)
    got = ad.vmap(lambda v: ad.jvp(solve, (v,), (1.0,))[1])(a)
    np.testing.assert_allclose(got, expected[1], rtol=1e-7)


def test_a_system_in_containers() -> None:
    m = np.array([[3.0, 1.0], [1.0, 2.0]])

    def solve(b: Any, s: Any, method: Any = ad.root) -> Any:
        def f(x: Any) -> Any:
            u = x["u"] - 0.2 * (m @ x["u"] - b * x["s"])
            v = x["s"] - 0.5 * (x["s"] - s)
            if method is ad.root:
                return {"u": u - x["u"], "s": v - x["s"]}
            return {"u": u, "s": v}

        return method(f, {"u": np.zeros(2), "s": 1.0})

    b = np.array([1.0, -2.0])
    for method in (ad.root, ad.fixed_point):
        x = solve(b, 2.0, method)
        np.testing.assert_allclose(x["u"], 2 * np.linalg.solve(m, b), rtol=1e-8)
        j = ad.jacobian(lambda b, method=method: solve(b, 2.0, method)["u"])(b)
        np.testing.assert_allclose(j, 2 * np.linalg.inv(m), rtol=1e-8)
        j = ad.jacobian(lambda b, method=method: solve(b, 2.0, method)["u"], mode="forward")(b)
        np.testing.assert_allclose(j, 2 * np.linalg.inv(m), rtol=1e-8)
        g = ad.grad(lambda s, method=method: solve(b, s, method)["u"].sum())(2.0)
        assert g == pytest.approx(np.linalg.solve(m, b).sum())


def test_own_solver_is_not_recorded() -> None:
    calls = []

    def bisect(f: Any, x0: Any) -> Any:
        calls.append(1)
        low, high = 0.0, 10.0
        while high - low > 1e-13:
            middle = (low + high) / 2
            low, high = (middle, high) if f(middle) < 0 else (low, middle)
        return low

    f = lambda a: ad.root(lambda x: x**3 - a, 1.0, solver=bisect)
    assert ad.grad(f)(8.0) == pytest.approx(1 / 12)
    assert calls == [1]
    a = ad.tensor(8.0, requires_grad=True)
    y = f(a)
    assert y.node.inputs[0].inputs == (a.node,)


def test_what_is_not_differentiated_is_plain() -> None:
    assert type(by_root(2.0)) is np.float64
    x = ad.root(lambda x: x * x - 2.0, ad.tensor(1.0))
    assert isinstance(x, ad.Tensor) and not x.requires_grad
    w = ad.tensor(2.0, requires_grad=True)
    with ad.no_grad():
        assert not isinstance(by_iteration(w), ad.Tensor) or not by_iteration(w).requires_grad
    x0 = ad.tensor(1.0, requires_grad=True)
    with pytest.raises(ad.GradientError, match="has no history|does not depend"):
        ad.gradients(ad.fixed_point(lambda x: (x + 2 / x) / 2, x0), x0)


def test_what_was_captured_together() -> None:
    w = ad.tensor(1.5, requires_grad=True)
    a = w * 2
    b = a * w
    x = ad.root(lambda x: x * a - b * w, 1.0)  # x = w²
    first = ad.gradients(x, w, create_graph=True)
    assert x.item() == pytest.approx(2.25) and first.item() == pytest.approx(3.0)
    assert ad.gradients(first, w).item() == pytest.approx(2.0)


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda: ad.root(lambda x: x * x + 1, 1.3), ad.GradientError, "none in 50 steps"),
        (lambda: ad.fixed_point(lambda x: 2 * x, 1.0, max_steps=9), ad.GradientError, "9 steps"),
        (lambda: ad.root(lambda x: x[:1], A), ad.ShapeError, r"\(3,\).*\(1,\)"),
        (lambda: ad.root(lambda x: (x, x), A), ad.ShapeError, r"\(3,\)|structure"),
        (lambda: ad.root(lambda x: x, 1), ad.DTypeError, "write 1.0 instead of 1"),
        (lambda: ad.fixed_point(lambda x: x, "a"), ad.DTypeError, "'a'"),
    ],
)
def test_failures(call: Any, error: Any, text: str) -> None:
    with pytest.raises(error, match=text):
        call()


def test_a_singular_jacobian() -> None:
    with pytest.raises(np.linalg.LinAlgError):
        ad.root(lambda x: x * 0 + 1.0, A)
