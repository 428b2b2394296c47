"""``custom_vjp`` and ``custom_jvp`` as programs use them: containers, outputs, both modes."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pytest

import autodiff as ad
from tests.tolerances import assert_close

X = np.array([0.5, 1.5, -0.3])


class Pair(NamedTuple):
    mean: Any
    count: Any


def make(function: Any, rule: Any = None, forward: Any = None, of: Any = ad.custom_vjp) -> Any:
    made = of(function)
    if rule is not None:
        made.defvjp(rule)
    if forward is not None:
        made.defjvp(forward)
    return made


# ---- arguments and results


def affine(p: Any, activation: Any, name: str, x: Any) -> Any:
    assert type(p["w"]) is np.ndarray and not p["w"].flags.writeable and name == "layer"
    return activation(p["w"] * x + p["b"][0])


def pull_affine(g: Any, y: Any, p: Any, activation: Any, name: str, x: Any) -> Any:
    assert name == "layer" and activation is np.tanh
    slope = g * (1 - y**2)
    return {"w": slope * x, "b": [slope.sum()]}, None, None, slope * p["w"]


def test_containers_and_functions_among_the_arguments() -> None:
    f = make(affine, pull_affine)
    p = {"w": X, "b": [0.25]}

    def loss(p: Any, x: Any) -> Any:
        return f(p, np.tanh, "layer", x).sum()

    def written(p: Any, x: Any) -> Any:
        return ad.tanh(p["w"] * x + p["b"][0]).sum()

    got, expected = (ad.grad(h, (0, 1))(p, X[::-1].copy()) for h in (loss, written))
    assert_close(got[0]["w"], expected[0]["w"], "reference", "w")
    assert_close(got[0]["b"][0], expected[0]["b"][0], "reference", "b")
    assert_close(got[1], expected[1], "reference", "x")
    got, expected = (ad.hessian(h)(p, X)["w"]["b"][0] for h in (loss, written))
    assert_close(got, expected, "reference", "second order")
    t = ({"w": np.ones(3), "b": [2.0]}, X)
    got, expected = (ad.jvp(h, (p, X), t)[1] for h in (loss, written))
    assert_close(got, expected, "reference", "forward mode")


def test_none_stands_for_a_part_without_gradient() -> None:
    f = make(lambda p, x: p["a"] * x, lambda g, y, p, x: (None, g * p["a"]))
    p = {"a": ad.tensor(2.0, requires_grad=True), "b": "text"}
    x = ad.tensor(3.0, requires_grad=True)
    y = f(p, x)
    assert ad.gradients(y, x).item() == 2.0
    with pytest.raises(ad.GradientError, match="does not depend"):
        ad.gradients(y, p["a"])


def statistics(x: Any) -> Any:
    order = np.argsort(x)
    return Pair({"sorted": x[order], "order": order}, (np.square(x).sum(), x.size))


def pull_statistics(g: Any, y: Any, x: Any) -> Any:
    assert g.mean["order"] is None and g.count[1] is None
    total = 2 * x * g.count[0]
    back = np.argsort(np.asarray(ad.stop_gradient(y.mean["order"])))
    return total + g.mean["sorted"][back]


def test_several_outputs_and_integers_beside_floats() -> None:
    f = make(statistics, pull_statistics)
    x = ad.tensor(X, requires_grad=True)
    y = f(x)
    assert type(y) is Pair and y.mean["order"].dtype == np.intp
    assert not y.mean["order"].requires_grad and y.count[1].item() == 3
    loss = (y.mean["sorted"] * np.array([1.0, 10.0, 100.0])).sum() + y.count[0]
    np.testing.assert_allclose(ad.gradients(loss, x).data, [10, 100, 1] + 2 * X)
    plain = f(X)
    assert type(plain.mean["sorted"]) is np.ndarray and plain.mean["order"].dtype == np.intp
    np.testing.assert_array_equal(plain.mean["order"], [2, 0, 1])

    def of_sorted(x: Any) -> Any:
        found = f(x)
        return (found.mean["sorted"] ** 3)[1] + found.count[0] ** 2

    written = lambda x: ad.sort(x)[1] ** 3 + (x**2).sum() ** 2
    for transform in (ad.grad, ad.hessian):
        assert_close(transform(of_sorted)(X), transform(written)(X), "reference", "several")
    got = ad.jvp(of_sorted, (X,), (X,))[1]
    assert_close(got, ad.jvp(written, (X,), (X,))[1], "reference", "several, forward")


def test_outputs_of_several_dtypes() -> None:
    f = make(
        lambda a, b: (a * 2, b * np.float64(3)),
        lambda g, y, a, b: (g[0] * np.float32(2), g[1] * 3),
    )
    a = ad.tensor(X.astype(np.float32), requires_grad=True)
    b = ad.tensor(X, requires_grad=True)
    y = f(a, b)
    assert y[0].dtype == np.float32 and y[1].dtype == np.float64
    ga, gb = ad.gradients((y[0].sum(), y[1].sum()), (a, b))
    assert ga.dtype == np.float32 and gb.dtype == np.float64
    np.testing.assert_array_equal(ga.data, np.full(3, 2.0))
    np.testing.assert_array_equal(gb.data, np.full(3, 3.0))


def test_an_integer_result_has_no_gradient() -> None:
    f = make(lambda x: np.argsort(x), lambda g, y, x: None)
    y = f(ad.tensor(X, requires_grad=True))
    assert y.dtype == np.intp and not y.requires_grad


def test_grad_in_the_forward_code() -> None:
    def root(a: Any) -> Any:
        y = np.ones_like(a)
        for _ in range(30):
            slope = ad.grad(lambda z: ((z**2 - a) ** 2).sum())(y)
            y = y - 0.05 * slope
        return y

    f = make(root, lambda g, y, a: g / (2 * y))
    a = ad.tensor([1.5, 2.0], requires_grad=True)
    np.testing.assert_allclose(
        ad.gradients(f(a).sum(), a).data, 0.5 / np.sqrt([1.5, 2.0]), rtol=1e-3
    )


def test_a_captured_tensor_is_not_lost_in_silence() -> None:
    w = ad.tensor(2.0, requires_grad=True)
    f = make(lambda x: x * w, lambda g, y, x: g * 2.0)
    with pytest.raises(ad.GradientError, match="Tensor from outside"):
        f(ad.tensor(1.0, requires_grad=True))
    with ad.no_grad():
        assert f(3.0) == 6.0


def test_a_closure_for_each_call() -> None:
    def scaled(k: float) -> Any:
        f = ad.custom_vjp(lambda x: k * x)
        f.defvjp(lambda g, y, x: k * g)
        return f

    x = ad.tensor(1.0, requires_grad=True)
    y = x
    for k in (2.0, 3.0, 5.0):
        y = scaled(k)(y)
    assert ad.gradients(y, x).item() == 30.0


# ---- forward rules


def test_a_forward_rule_beside_the_reverse_rule() -> None:
    seen = []

    def forward(ts: Any, y: Any, x: Any, b: Any) -> Any:
        seen.append(1)
        return ts[0] * b + ts[1] * x

    f = make(lambda x, b: x * b, lambda g, y, x, b: (g * b, (g * x).sum()), forward)
    value, t = ad.jvp(lambda x: f(x, 3.0), (X,), (np.ones(3),))
    assert seen == [1]
    np.testing.assert_array_equal(value, 3 * X)
    np.testing.assert_array_equal(t, np.full(3, 3.0))
    got = ad.jvp(ad.grad(lambda x, b: (f(x, b) ** 2).sum(), 1), (X, 3.0), (X, 1.0))[1]
    expected = ad.jvp(ad.grad(lambda x, b: ((x * b) ** 2).sum(), 1), (X, 3.0), (X, 1.0))[1]
    assert got == pytest.approx(expected)


def test_tangents_come_in_the_arguments_structure() -> None:
    def forward(ts: Any, y: Any, p: Any, name: str) -> Any:
        (tp, tn) = ts
        assert tn is None and not np.any(tp["b"])
        return {"y": tp["a"] * p["b"], "n": None}

    f = make(lambda p, name: {"y": p["a"] * p["b"], "n": len(name)}, forward=forward)
    y, t = ad.jvp(lambda a: f({"a": a, "b": X}, "abc"), (2.0,), (1.0,))
    assert y["n"] == 3 and t["n"] == 0
    np.testing.assert_array_equal(t["y"], X)


@ad.custom_jvp
def softened(x: Any, b: Any) -> Any:
    return np.log1p(np.exp(b * x)) / b


@softened.defjvp
def _(ts: Any, y: Any, x: Any, b: Any) -> Any:
    s = ad.sigmoid(b * x)
    return ts[0] * s + ts[1] * (x * s - y) / b


def written_softened(x: Any, b: Any) -> Any:
    return ad.log1p(ad.exp(b * x)) / b


def test_custom_jvp_in_every_mode() -> None:
    for transform in (
        lambda f: ad.jvp(f, (X, 1.5), (X, 2.0))[1],
        lambda f: ad.grad(lambda x, b: f(x, b).sum(), (0, 1))(X, 1.5)[0],
        lambda f: ad.grad(lambda x, b: f(x, b).sum(), (0, 1))(X, 1.5)[1],
        lambda f: ad.hessian(lambda b: (f(X, b) ** 2).sum())(1.5),
        lambda f: ad.jvp(ad.grad(lambda x: f(x, 1.5).sum()), (X,), (X,))[1],
        lambda f: ad.grad(lambda b: ad.jvp(f, (X, b), (X, 1.0))[1].sum())(1.5),
        lambda f: ad.jacobian(f, mode="reverse")(X, 1.5),
        lambda f: ad.jacobian(f, mode="forward")(X, 1.5),
        lambda f: ad.vmap(ad.grad(f))(X, np.full(3, 1.5)),
        lambda f: ad.vmap(ad.vmap(f, (0, None)), (None, 0))(X, np.array([1.0, 2.0])),
        lambda f: ad.grad(lambda x: ad.vmap(f, (0, None))(x, 1.5).sum())(X),
    ):
        got, expected = transform(softened), transform(written_softened)
        assert_close(np.asarray(got), np.asarray(expected), "derivative", "softened")


def test_under_vmap_functions_and_rules_see_one_example() -> None:
    def forward(x: Any) -> Any:
        assert type(x) is np.ndarray and x.shape == (3,)
        return Pair(np.sort(x), np.argsort(x))

    def rule(g: Any, y: Any, x: Any) -> Any:
        assert x.shape == (3,) and y.count.shape == (3,)
        return g.mean[np.argsort(np.asarray(ad.stop_gradient(y.count)))]

    f = make(forward, rule)
    rows = np.stack([X, X[::-1], 2 * X])
    got = ad.vmap(f)(rows)
    np.testing.assert_array_equal(got.mean, np.sort(rows, axis=1))
    np.testing.assert_array_equal(got.count, np.argsort(rows, axis=1))
    weights = np.array([1.0, 10.0, 100.0])
    slopes = ad.vmap(ad.grad(lambda x: (f(x).mean * weights).sum()))(rows)
    expected = ad.vmap(ad.grad(lambda x: (ad.sort(x) * weights).sum()))(rows)
    np.testing.assert_array_equal(slopes, expected)
    np.testing.assert_array_equal(ad.jacobian(lambda x: f(x).mean)(X), ad.jacobian(ad.sort)(X))


# ---- where records end


def doubled(rule: Any) -> Any:
    return make(lambda x: x**2, rule)


def bare(g: Any, y: Any, x: Any) -> Any:
    return np.array(getattr(g, "data", g)) * 2 * np.array(getattr(x, "data", x))


def test_a_rule_that_returns_arrays_ends_higher_orders_with_an_error() -> None:
    f = doubled(bare)
    np.testing.assert_array_equal(ad.grad(lambda x: f(x).sum())(X), 2 * X)
    x = ad.tensor(X, requires_grad=True)
    first = ad.gradients(f(x).sum(), x, create_graph=True)
    np.testing.assert_array_equal(first.data, 2 * X)
    with pytest.raises(ad.GradientError, match=r"<lambda>: a higher derivative.*functions of auto"):
        ad.gradients(first.sum(), x)
    for transform in (
        lambda h: ad.grad(lambda x: ad.grad(h)(x).sum())(X),
        lambda h: ad.hessian(h)(X),
        lambda h: ad.jvp(ad.grad(h), (X,), (X,)),
    ):
        with pytest.raises(ad.GradientError, match="higher derivative|forward mode needs"):
            transform(lambda x: f(x).sum())
    with pytest.raises(ad.GradientError, match="forward mode needs"):
        ad.jvp(f, (X,), (X,))


def test_a_constant_rule_needs_no_history() -> None:
    f = make(lambda x: 3 * x, lambda g, y, x: 3 * g)
    assert ad.hessian(lambda x: (f(x) ** 2).sum())(X).shape == (3, 3)
    assert not np.any(ad.hessian(lambda x: f(x).sum())(X))


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        (lambda ts, y, x: ts[0][:1], r"tangent of its result .*\(1,\).*\(3,\)"),
        (lambda ts, y, x: ts[0].astype("float32"), r"float32.*float64"),
    ],
)
def test_wrong_forward_rules(rule: Any, text: str) -> None:
    f = make(lambda x: 2 * x, forward=rule)
    with pytest.raises((ad.ShapeError, ad.GradientError), match=text):
        ad.jvp(f, (X,), (X,))


def test_wrong_structures() -> None:
    f = make(lambda p: p["a"] * 2, lambda g, y, p: ({"b": g},))
    a = ad.tensor(X, requires_grad=True)
    with pytest.raises(ad.GradientError, match=r"dict with \['a'\]"):
        ad.gradients(f({"a": a}).sum(), a)
    with pytest.raises(TypeError, match="must be callable"):
        f.defjvp(3)
    g = ad.custom_jvp(lambda x: x)
    with pytest.raises(ad.GradientError, match="defjvp"):
        g(a)
    h = make(lambda x: x * 2, forward=lambda ts, y, x: np.full(3, 2.0))
    with pytest.raises(ad.GradientError, match="reverse mode needs"):
        ad.gradients(h(a).sum(), a)


def test_the_function_runs_once_and_its_error_comes_as_it_is() -> None:
    calls = []

    def fails(x: Any) -> Any:
        calls.append(1)
        return ad.matmul(np.ones((2, 3)), np.ones((2, 3)))

    f = make(fails, lambda g, y, x: g)
    with pytest.raises(ad.ShapeError) as caught:
        f(ad.tensor(X, requires_grad=True))
    assert calls == [1] and not hasattr(caught.value, "__notes__")
