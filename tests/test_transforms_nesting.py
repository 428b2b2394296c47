"""Every transform inside every other: random chains of them against loops and ``ad.grad`` alone.

Each link makes a scalar function of a vector from one, in two ways that must agree.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import autodiff as ad
from tests.tolerances import assert_close

X = np.array([0.4, -0.2, 0.9])
V = np.array([0.3, -0.7, 1.1])
K = np.array([0.5, 1.0, 1.5])
ROWS = np.stack([V, V[::-1], V * 0.5])

Scalar = Callable[[Any], Any]


class Link(NamedTuple):
    """A transform of a function, and the same by loops."""

    transform: Callable[[Scalar], Scalar]
    loops: Callable[[Scalar], Scalar]


def gradient(f: Scalar) -> Scalar:
    return ad.grad(f, unused="zeros")


def slope(f: Scalar) -> Scalar:
    return lambda x: (gradient(f)(x) * V).sum()


def slopes(f: Scalar) -> Scalar:
    return lambda x: sum((gradient(f)(x) * row).sum() for row in ROWS)


def scaled(f: Scalar) -> Scalar:
    return lambda x: sum(f(x * k) for k in K)


def second(f: Scalar) -> Scalar:
    def total(x: Any) -> Any:
        return sum(gradient(lambda z, i=i: gradient(f)(z)[i])(x).sum() for i in range(3))

    return total


@ad.custom_vjp
def sine(x: Any) -> Any:
    return np.sin(x)


@sine.defvjp
def _(g: Any, y: Any, x: Any) -> Any:
    return g * ad.cos(x)


@ad.custom_jvp
def forward_sine(x: Any) -> Any:
    return np.sin(x)


@forward_sine.defjvp
def _(ts: Any, y: Any, x: Any) -> Any:
    return ts[0] * ad.cos(x)


def newton(x: Any) -> Any:
    """The root of z + z³/10 = x; ten steps from outside, of which the last two carry derivatives to
    the third order."""
    z = ad.stop_gradient(x)
    for _ in range(10):
        z = z - (z + z**3 * 0.1 - x) / (1 + 0.3 * z * z)
    return z


LINKS = {
    "jvp": Link(lambda f: lambda x: ad.jvp(f, (x,), (V,))[1], slope),
    "vjp": Link(lambda f: lambda x: (ad.vjp(f, x)[1](1.0)[0] * V).sum(), slope),
    "grad": Link(slope, slope),
    "columns": Link(lambda f: lambda x: (ad.jacobian(f, mode="forward")(x) * V).sum(), slope),
    "rows": Link(lambda f: lambda x: (ad.jacobian(f, mode="reverse")(x) * V).sum(), slope),
    "hvp": Link(
        lambda f: lambda x: ad.hvp(f, (x,), (V,)).sum(),
        lambda f: lambda x: gradient(slope(f))(x).sum(),
    ),
    "hessian": Link(lambda f: lambda x: ad.hessian(f)(x).sum(), second),
    "linearize": Link(lambda f: lambda x: ad.vmap(ad.linearize(f, x)[1])(ROWS).sum(), slopes),
    "vmap of jvp": Link(
        lambda f: lambda x: ad.vmap(lambda v: ad.jvp(f, (x,), (v,))[1])(ROWS).sum(), slopes
    ),
    "vmap of pull": Link(
        lambda f: lambda x: (ad.vmap(ad.vjp(f, x)[1])(K)[0].sum(axis=0) * V).sum(),
        lambda f: lambda x: slope(f)(x) * K.sum(),
    ),
    "vmap": Link(lambda f: lambda x: ad.vmap(lambda k: f(x * k))(K).sum(), scaled),
    "vmap of grad": Link(
        lambda f: (
            lambda x: (
                ad.vmap(gradient(f), 1)(ad.stack([x, x * 2.0], axis=1)).sum(axis=0) * V
            ).sum()
        ),
        lambda f: lambda x: slope(f)(x) + slope(f)(x * 2.0),
    ),
    "checkpoint": Link(
        lambda f: lambda x: ad.checkpoint(lambda k: f(x * k) * x[0])(x[1]),
        lambda f: lambda x: f(x * x[1]) * x[0],
    ),
    "scan": Link(lambda f: lambda x: ad.scan(lambda c, k: (c + f(x * k), c), 0.0, K)[0], scaled),
    "cond": Link(
        lambda f: lambda x: ad.cond(x[0] > 0.2, f, lambda z: f(-z), x),
        lambda f: lambda x: ad.where(x[0] > 0.2, f(x), f(-x)),
    ),
    "while_loop": Link(
        lambda f: (
            lambda x: ad.while_loop(
                lambda c: c[0] < 3, lambda c: (c[0] + 1, c[1] * 0.5 + f(x)), (0, x[0])
            )[1]
        ),
        lambda f: lambda x: x[0] * 0.125 + f(x) * 1.75,
    ),
    "custom_vjp": Link(lambda f: lambda x: f(sine(x)), lambda f: lambda x: f(ad.sin(x))),
    "custom_jvp": Link(lambda f: lambda x: f(forward_sine(x)), lambda f: lambda x: f(ad.sin(x))),
    "root": Link(
        lambda f: lambda x: f(ad.root(lambda z: z + z**3 * 0.1 - x, V)),
        lambda f: lambda x: f(newton(x)),
    ),
}
COSTLY = {"hessian", "hvp", "root"}


def chain(names: tuple[str, ...], f: Scalar, way: int) -> Scalar:
    for name in names:
        f = LINKS[name][way](f)
    return f


def check(names: tuple[str, ...]) -> None:
    w = ad.tensor(1.3, requires_grad=True)

    def base(x: Any) -> Any:
        return (ad.sin(x * w) * x[0]).sum() + ad.exp(x[1] * 0.3) * x[2] * w

    got, expected = (chain(names, base, way)(X) for way in (0, 1))
    assert_close(got.data, expected.data, "numeric", f"{names}")
    got, expected = (ad.gradients(y, w) for y in (got, expected))
    assert_close(got.data, expected.data, "numeric", f"{names}, by what was captured")


@pytest.mark.parametrize("outer", LINKS)
@pytest.mark.parametrize("inner", LINKS)
def test_pairs(inner: str, outer: str) -> None:
    check((inner, outer))


@given(st.lists(st.sampled_from(sorted(LINKS)), min_size=3, max_size=3).map(tuple))
def test_chains(names: Any) -> None:
    costly = [name for name in names if name in COSTLY]
    check(tuple(name for name in names if name not in costly[1:]))
