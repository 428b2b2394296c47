"""``cond``, ``scan`` and ``while_loop``, alone and inside every transform."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import autodiff as ad
from tests.tolerances import assert_close

RNG = np.random.default_rng(0)
X = RNG.normal(size=(4, 3))


def branches(x: Any) -> Any:
    return ad.cond(x.sum() > 0, lambda x: ad.sqrt(ad.abs(x)), lambda x: {"a": -x}["a"] ** 3, x)


def loop(f: Any, *rows: Any) -> Any:
    return np.stack([np.asarray(f(*row)) for row in zip(*rows, strict=True)])


TRANSFORMS = (
    lambda f: f,
    lambda f: ad.grad(lambda x: f(x).sum()),
    lambda f: ad.hessian(lambda x: (f(x) ** 2).sum()),
    lambda f: ad.jacobian(f, mode="forward"),
    lambda f: lambda x: ad.jvp(f, (x,), (x,))[1],
    lambda f: lambda x: ad.vjp(f, x)[1](x)[0],
)


def test_cond_runs_one_branch() -> None:
    seen = []

    def branch(name: str) -> Any:
        return lambda x: seen.append(name) or x

    for pred in (True, np.True_, np.array([1]), ad.tensor(2.0)):
        ad.cond(pred, branch("yes"), branch("no"), 1.0)
    ad.cond(0, branch("yes"), branch("no"), 1.0)
    assert seen == ["yes"] * 4 + ["no"]


@pytest.mark.parametrize("k", range(len(TRANSFORMS)))
def test_cond_under_vmap(k: int) -> None:
    f = TRANSFORMS[k](branches)
    assert_close(ad.vmap(f)(X), loop(f, X), "reference", "vmap outside")
    if k < 3:
        return
    total = lambda x: ad.vmap(branches)(x)
    rows = np.stack([branches(x) for x in X])
    assert_close(total(X), rows, "reference", "vmap inside")


def test_a_branch_not_taken_gives_no_nan() -> None:
    def f(x: Any) -> Any:
        return ad.cond(x > 0, lambda x: ad.sqrt(x), lambda x: x * 2, x)

    x = np.array([4.0, 0.0, -1.0])
    with np.errstate(all="ignore"):
        np.testing.assert_array_equal(ad.vmap(ad.grad(f))(x), [0.25, 2, 2])
        np.testing.assert_array_equal(
            ad.vmap(lambda x: ad.jvp(f, (x,), (1.0,))[1])(x), [0.25, 2, 2]
        )


def rnn(w: Any, xs: Any) -> Any:
    return ad.scan(lambda h, x: (ad.tanh(h @ w + x), h.sum()), np.zeros(3), xs)


def rnn_by_hand(w: Any, xs: Any) -> Any:
    h: Any = np.zeros(3)
    sums = []
    for k in range(len(xs)):
        sums.append(h.sum())
        h = ad.tanh(h @ w + xs[k])
    return h, ad.stack(sums)


def test_scan_in_every_transform() -> None:
    w = RNG.normal(size=(3, 3))
    for transform in (
        lambda f: ad.grad(lambda w: f(w, X)[0].sum() + (f(w, X)[1] ** 2).sum())(w),
        lambda f: ad.grad(lambda x: f(w, x)[0].sum())(X),
        lambda f: ad.hessian(lambda w: f(w, X)[0].sum())(w),
        lambda f: ad.jvp(lambda w: f(w, X)[0], (w,), (w,))[1],
        lambda f: ad.vmap(f, (None, 0))(w, np.stack([X, 2 * X]))[1],
        lambda f: ad.vmap(ad.grad(lambda w, x: f(w, x)[0].sum()), (None, 0))(w, np.stack([X, -X])),
        lambda f: ad.vmap(f, (0, None))(np.stack([w, 2 * w]), X)[0],
    ):
        assert_close(transform(rnn), transform(rnn_by_hand), "derivative", "scan")
    kept = lambda w, xs: ad.scan(
        ad.checkpoint(lambda h, x: (ad.tanh(h @ w + x), h.sum())), np.zeros(3), xs
    )
    got, expected = (ad.grad(lambda w, f=f: f(w, X)[0].sum())(w) for f in (kept, rnn))
    assert_close(got, expected, "same", "checkpointed")


def test_scan_structures_and_order() -> None:
    def f(c: Any, x: Any) -> Any:
        return {"n": c["n"] + 1, "s": c["s"] + x["a"]}, (x["a"] * c["n"], x["b"])

    xs = {"a": np.arange(3.0), "b": X[:3]}
    carry, (ys, rest) = ad.scan(f, {"n": 0, "s": 0.0}, xs)
    assert carry == {"n": 3, "s": 3.0} and type(ys) is np.ndarray
    np.testing.assert_array_equal(ys, [0, 1, 4])
    np.testing.assert_array_equal(rest, X[:3])
    carry, (ys, _) = ad.scan(f, {"n": 0, "s": 0.0}, xs, reverse=True)
    np.testing.assert_array_equal(ys, [0, 1, 0])
    carry, none = ad.scan(lambda c, x: (c * 2, None), 1.0, length=5)
    assert carry == 32.0 and none is None


def collatz(x: Any) -> Any:
    return ad.while_loop(lambda x: x[0] > 1, lambda x: x * 0.5 + 0.1, x)


@pytest.mark.parametrize("k", range(len(TRANSFORMS)))
def test_while_loop(k: int) -> None:
    f = TRANSFORMS[k](collatz)
    rows = np.array([[5.0, 1.0, 2.0], [0.5, 1.0, 2.0], [1.5, 3.0, -1.0]])
    assert_close(ad.vmap(f)(rows), loop(f, rows), "reference", "while_loop")


def test_while_loop_of_containers_without_steps() -> None:
    value = ad.while_loop(
        lambda v: v["k"] < 3, lambda v: {"k": v["k"] + 1, "x": v["x"] * 2}, {"k": 0, "x": 1.0}
    )
    assert value == {"k": 3, "x": 8.0}
    got = ad.vmap(
        lambda n, x: ad.while_loop(lambda v: v[0] < n, lambda v: (v[0] + 1, v[1] * x), (0, x))[1]
    )(np.array([0, 1, 3]), np.array([2.0, 2.0, 2.0]))
    np.testing.assert_array_equal(got, [2, 4, 16])


def test_what_was_not_needed_any_more_gives_no_nan() -> None:
    def f(x: Any) -> Any:
        return ad.while_loop(lambda x: x > 1, lambda x: ad.sqrt(x - 1), x)

    x = np.array([5.0, 0.5])
    with np.errstate(all="ignore"):
        got = ad.vmap(ad.grad(f))(x)
    assert_close(got, loop(ad.grad(f), x), "reference", "while")


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda: ad.cond(X > 0, ad.sin, ad.cos, X), ad.ShapeError, r"\(4, 3\); use ad.where"),
        (
            lambda: ad.vmap(lambda x: ad.cond(x[0] > 0, lambda x: x, lambda x: x[:1], x))(X),
            ad.ShapeError,
            r"one shape, got \(3,\) and \(1,\)",
        ),
        (
            lambda: ad.vmap(lambda x: ad.cond(x[0] > 0, lambda x: (x,), lambda x: x, x))(X),
            ad.ShapeError,
            "structure of tuple",
        ),
        (lambda: ad.scan(lambda c, x: (c, x), 0.0, (X, X[:2])), ad.ShapeError, "one size"),
        (lambda: ad.scan(lambda c, x: (c, x), 0.0, X, 3), ad.ShapeError, "length=3"),
        (lambda: ad.scan(lambda c, x: (c, x), 0.0), ad.ShapeError, "length=None"),
        (lambda: ad.scan(lambda c, x: (c, x), 0.0, 1.0), ad.ShapeError, r"\(\)"),
        (lambda: ad.scan(lambda c, x: (c, x), 0.0, X[:0]), ad.ShapeError, "no steps"),
        (lambda: ad.scan(lambda c, x: c, 0.0, X), ad.DTypeError, r"pair \(carry, y\)"),
        (lambda: ad.scan(lambda c, x: (x, c), 0.0, X), ad.ShapeError, r"keeps its shape"),
        (
            lambda: ad.while_loop(lambda x: x.sum() < 9, lambda x: np.append(x, 1.0), np.ones(2)),
            ad.ShapeError,
            "keeps its shape",
        ),
        (lambda: ad.while_loop(lambda x: x > 0, lambda x: x, X), ad.ShapeError, "one entry"),
    ],
)
def test_wrong_calls(call: Any, error: Any, text: str) -> None:
    with pytest.raises(error, match=text):
        call()
