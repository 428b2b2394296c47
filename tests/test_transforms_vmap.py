"""``vmap``: axes, nesting with every transform, what cannot be batched, and clear errors."""

from __future__ import annotations

import copy
import pickle
import threading
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import autodiff as ad
from autodiff.testing import programs
from tests.tolerances import assert_close
from tests.transform_checks import real_operations

RNG = np.random.default_rng(0)
X = RNG.normal(size=(4, 3))
W = RNG.normal(size=(3, 2))


def loop(f: Any, *rows: Any) -> Any:
    return np.stack([np.asarray(f(*row)) for row in zip(*rows, strict=True)])


@given(st.data())
def test_axes(data: Any) -> None:
    shape = data.draw(st.lists(st.integers(1, 3), min_size=1, max_size=3).map(tuple))
    axis = data.draw(st.integers(-len(shape), len(shape) - 1))
    x = RNG.normal(size=shape)
    moved = np.moveaxis(x, axis, 0)
    out = data.draw(st.integers(-len(shape), len(shape) - 1))
    got = ad.vmap(lambda row: ad.sin(row) * 2, in_axes=axis, out_axes=out)(x)
    np.testing.assert_allclose(got, np.moveaxis(np.sin(moved) * 2, 0, out))


def test_axes_of_containers() -> None:
    def f(p: Any, x: Any, *, scale: float) -> Any:
        return {"a": p["w"] * x + p["b"], "b": (x * scale, p["b"])}

    p = {"w": X, "b": 2.0}
    axes = ({"w": 0, "b": None}, 0)
    got = ad.vmap(f, axes, {"a": 1, "b": (0, None)})(p, X[:, 0], scale=3.0)
    np.testing.assert_allclose(got["a"], (X * X[:, :1] + 2).T)
    np.testing.assert_allclose(got["b"][0], X[:, 0] * 3)
    assert got["b"][1] == 2.0


def test_a_result_that_does_not_depend_is_repeated() -> None:
    got = ad.vmap(lambda x: (x, np.arange(2), 1.0))(X)
    np.testing.assert_array_equal(got[1], [[0, 1]] * 4)
    np.testing.assert_array_equal(got[2], np.ones(4))


def test_kinds_of_results() -> None:
    assert type(ad.vmap(ad.sum)(X)) is np.ndarray
    assert isinstance(ad.vmap(ad.sum)(ad.tensor(X)), ad.Tensor)
    w = ad.tensor(W)
    assert type(ad.vmap(lambda x: x @ w)(X)) is np.ndarray
    w.requires_grad = True
    assert ad.vmap(lambda x: x @ w)(X).requires_grad


def test_nested_calls_over_other_axes() -> None:
    got = ad.vmap(ad.vmap(lambda a, b: a @ b, (None, 1)), (0, None))(X, W)
    np.testing.assert_allclose(got, X @ W)
    got = ad.vmap(lambda a: ad.vmap(lambda b: a - b)(X[:, 0]))(X[:2, 1])
    np.testing.assert_allclose(got, X[:2, 1][:, None] - X[:, 0])
    cube = RNG.normal(size=(2, 3, 4))
    got = ad.vmap(ad.vmap(ad.vmap(lambda x: x * x)))(cube)
    np.testing.assert_allclose(got, cube**2)


def mlp(p: Any, x: Any, y: Any) -> Any:
    h = ad.tanh(x @ p["w"] + p["b"])
    return ((h.sum() - y) ** 2) / 2


def test_per_example_gradients() -> None:
    p = {"w": W, "b": RNG.normal(size=2)}
    targets = RNG.normal(size=4)
    got = ad.vmap(ad.grad(mlp), in_axes=(None, 0, 0))(p, X, targets)
    for k in range(4):
        expected = ad.grad(mlp)(p, X[k], targets[k])
        for name in p:
            np.testing.assert_allclose(got[name][k], expected[name], rtol=1e-12)
    total = ad.grad(lambda p: ad.vmap(mlp, (None, 0, 0))(p, X, targets).sum())(p)
    for name in p:
        np.testing.assert_allclose(got[name].sum(0), total[name], rtol=1e-12)


def test_gradient_through_vmap_of_gradient() -> None:
    # The norm of per-example gradients, differentiated: the penalty of Wasserstein critics.
    def penalty(w: Any, of: Any) -> Any:
        slopes = of(ad.grad(lambda x: ad.sin(x @ w).sum()))
        return ((slopes**2).sum(axis=-1) - 1).sum()

    got = ad.grad(lambda w: penalty(w, lambda g: ad.vmap(g)(X)))(W)
    expected = ad.grad(lambda w: penalty(w, lambda g: ad.stack([g(x) for x in X])))(W)
    np.testing.assert_allclose(got, expected, rtol=1e-12)


def scalar(x: Any) -> Any:
    return (ad.exp(x[0] * x[1]) * ad.sin(x)).sum()


def test_every_transform_inside() -> None:
    v = RNG.normal(size=(4, 3))
    for f in (ad.hessian(scalar), ad.jacobian(ad.exp), ad.grad(scalar)):
        assert_close(ad.vmap(f)(X), loop(f, X), "reference", repr(f))
    for mode in ("forward", "reverse"):
        f = ad.jacobian(lambda x: x[:2] * x[2], mode=mode)
        assert_close(ad.vmap(f)(X), loop(f, X), "reference", mode)

    def along(x: Any, t: Any) -> Any:
        return ad.jvp(ad.grad(scalar), (x,), (t,))[1]

    assert_close(ad.vmap(along)(X, v), loop(along, X, v), "reference", "jvp of grad")
    only = ad.vmap(along, (None, 0))(X[0], v)
    assert_close(only, v @ ad.hessian(scalar)(X[0]).T, "reference", "directions only")
    only = ad.vmap(along, (0, None))(X, v[0])
    assert_close(only, loop(along, X, [v[0]] * 4), "reference", "points only")


def test_transforms_outside() -> None:
    def f(x: Any) -> Any:
        return (ad.vmap(scalar)(x) ** 2).sum()

    def g(x: Any) -> Any:
        return sum(scalar(row) ** 2 for row in x)

    assert_close(ad.grad(f)(X), ad.grad(g)(X), "reference", "grad of vmap")
    assert_close(ad.hessian(f)(X), ad.hessian(g)(X), "derivative", "hessian of vmap")
    v = RNG.normal(size=X.shape)
    got = ad.jvp(ad.vmap(scalar), (X,), (v,))[1]
    expected = loop(lambda x, t: ad.jvp(scalar, (x,), (t,))[1], X, v)
    assert_close(got, expected, "reference", "jvp of vmap")


def test_pulling_and_pushing_batches() -> None:
    _, pull = ad.vjp(lambda x: x[:2] * x[2], X[0])
    rows = ad.vmap(pull)(np.eye(2))[0]
    np.testing.assert_allclose(rows, [[X[0, 2], 0, X[0, 0]], [0, X[0, 2], X[0, 1]]])
    _, push = ad.linearize(lambda x: x[:2] * x[2], X[0])
    np.testing.assert_allclose(ad.vmap(push)(np.eye(3)).T, rows)
    rows = ad.vmap(pull, in_axes=1)(np.eye(2))[0]
    np.testing.assert_allclose(
        ad.vmap(ad.vmap(pull))(np.eye(4).reshape(2, 4, 2)[..., ::1])[0].shape, (2, 4, 3)
    )


def test_gradients_inside_by_hand() -> None:
    def f(x: Any) -> Any:
        y = (x**3).sum()
        return ad.gradients(y, x)

    x = ad.tensor(X, requires_grad=True)
    np.testing.assert_allclose(ad.vmap(f)(x).data, 3 * X**2)
    np.testing.assert_allclose(ad.vmap(ad.vmap(lambda v: ad.gradients(v**3, v)))(x).data, 3 * X**2)


def test_a_gradient_by_what_all_examples_share_is_refused() -> None:
    w = ad.tensor(W, requires_grad=True, name="w")
    with pytest.raises(ad.GradientError, match=r"inside vmap of .*'w'.*sum.*Take ad.grad"):
        ad.vmap(lambda x: ad.gradients((x @ w).sum(), w))(X)
    with pytest.raises(ad.GradientError, match="'w'"):
        ad.vmap(lambda x: (x @ w).sum().backward())(X)
    assert w.grad is None


def test_writing_under_vmap() -> None:
    def f(x: Any, i: Any) -> Any:
        out = ad.zeros(5)
        out[i] = x[0] * 2
        row = x * 1
        row[1:] = 0.0
        return out, row

    places = np.array([0, 4, 2, 1])
    out, row = ad.vmap(f)(X, places)
    expected = np.zeros((4, 5))
    expected[np.arange(4), places] = X[:, 0] * 2
    np.testing.assert_allclose(out, expected)
    np.testing.assert_allclose(row, X * [1, 0, 0])
    got = ad.vmap(ad.grad(lambda x, i: (f(x, i)[0] ** 2).sum()), (0, 0))(X, places)
    np.testing.assert_allclose(got[:, 0], 8 * X[:, 0])


def test_batched_indices_and_conditions() -> None:
    i = np.array([2, 0, 1, 1])
    np.testing.assert_allclose(ad.vmap(lambda x, i: x[i])(X, i), X[np.arange(4), i])
    np.testing.assert_allclose(ad.vmap(lambda i: X[1][0] + ad.take(X[0], i))(i), X[1][0] + X[0][i])
    got = ad.vmap(lambda x: ad.where(x > 0, ad.sqrt(ad.where(x > 0, x, 1)), -x))(X)
    np.testing.assert_allclose(got, np.where(X > 0, np.sqrt(np.abs(X)), -X))


@pytest.mark.parametrize(
    "read",
    [
        lambda x: x if x[0] > 0 else -x,
        lambda x: float(x[0]),
        lambda x: x.sum().item(),
        lambda x: x.numpy(),
        lambda x: x.data,
        lambda x: np.asarray(x),
        lambda x: X[x.astype(int)[0].__index__()],
        lambda x: x[x > 0],
        lambda x: f"{x[0]:.2f}",
        lambda x: pickle.dumps(x),
        lambda x: list(range(x.astype(int)[0])),
    ],
)
def test_reading_a_value_is_refused(read: Any) -> None:
    with pytest.raises(ad.VmapError, match=r"vmap of .*4 examples.*ad.where.*test_transforms_vmap"):
        ad.vmap(read)(X)


def test_what_can_be_asked() -> None:
    def f(x: Any) -> Any:
        assert isinstance(x, ad.Tensor) and x.shape == (3,) and x.ndim == 1 and len(x) == 3
        assert x.dtype == float and x.size == 3 and np.shape(x) == (3,) and np.ndim(x) == 1
        assert "4 examples" in repr(x) and "4 examples" in f"{x}"
        assert len(list(x)) == 3 and not x.requires_grad
        assert copy.copy(x).shape == (3,)
        a, b, c = x
        return a + b * c + ad.zeros_like(x).sum() + x.astype(float)[0] - x.clip(0, None)[0]

    expected = X[:, 0] + X[:, 1] * X[:, 2] + X[:, 0] - X[:, 0].clip(0)
    np.testing.assert_allclose(ad.vmap(f)(X), expected)


def test_shape_errors_speak_of_one_example() -> None:
    with pytest.raises(ad.ShapeError, match=r"matmul: .*\[1, 3\].*\[2, 3\]|\(3\).*\(2\)"):
        ad.vmap(lambda x: x @ W.T)(X)
    with pytest.raises(ad.ShapeError, match=r"float64\[3\] and float64\[2\]"):
        ad.vmap(lambda x: x + W[0])(X)


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda: ad.vmap(ad.add)(X, X[:2]), ad.ShapeError, r"sizes.*4 \(axis 0.*2 \(axis 0"),
        (lambda: ad.vmap(ad.sin, in_axes=2)(X), ad.AxisError, r"\(4, 3\) has no axis 2"),
        (lambda: ad.vmap(ad.sin)(2.0), ad.AxisError, r"\(\) has no axis 0"),
        (lambda: ad.vmap(ad.sin, out_axes=2)(X), ad.AxisError, "no place"),
        (lambda: ad.vmap(ad.sin, in_axes=None)(X), ad.ShapeError, "no argument has a batch"),
        (lambda: ad.vmap(ad.sin, out_axes=None)(X), ad.VmapError, "out_axes is None"),
        (lambda: ad.vmap(ad.add, in_axes=(0,))(X, X), ad.ShapeError, "for 1 arguments, got 2"),
        (lambda: ad.vmap(ad.sin, in_axes="rows"), ad.DTypeError, "'rows'"),
        (lambda: ad.vmap(lambda d: d, ({"a": 0},))({"b": X}), ad.ShapeError, "does not fit dict"),
        (lambda: ad.vmap(lambda x: "text")(X), ad.DTypeError, "got str"),
        (lambda: ad.vmap(ad.sin)("text"), ad.DTypeError, "no axis to map over"),
        (lambda: ad.vmap(lambda: 1)(), ad.ShapeError, "no argument has a batch"),
    ],
)
def test_wrong_calls(call: Any, error: Any, text: str) -> None:
    with pytest.raises(error, match=text):
        call()


def test_a_value_that_escaped_is_refused() -> None:
    seen = []
    ad.vmap(lambda x: seen.append(x) or x)(X)
    with pytest.raises(ad.VmapError, match="has ended"):
        seen[0] + 1


def test_each_example_has_random_draws_of_its_own() -> None:
    rows = np.zeros((3, 2))
    ad.random.seed(4)
    got = ad.vmap(lambda x: x + ad.random.normal(size=2))(rows)
    ad.random.seed(4)
    np.testing.assert_array_equal(got, [x + ad.random.normal(size=2).data for x in rows])
    assert len(np.unique(got)) == 6
    ad.random.seed(4)
    nested = ad.vmap(ad.vmap(lambda x: ad.random.normal(x, 1.0)))(rows)
    assert len(np.unique(nested)) == 6
    slopes = ad.vmap(ad.grad(lambda s: (s * ad.random.normal(size=2)).sum()))(np.ones(3))
    assert len(np.unique(slopes)) == 3


def test_an_empty_batch() -> None:
    assert ad.vmap(lambda x: ad.sin(x).sum())(np.zeros((0, 3))).shape == (0,)
    assert ad.vmap(ad.grad(lambda x: ad.sin(x).sum()))(np.zeros((0, 3))).shape == (0, 3)


def test_threads_do_not_meet() -> None:
    results: dict[int, Any] = {}

    def work(k: int) -> None:
        for _ in range(20):
            results[k] = ad.vmap(ad.grad(lambda x: (x ** (k + 1)).sum()))(X)

    threads = [threading.Thread(target=work, args=(k,)) for k in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for k in range(3):
        np.testing.assert_allclose(results[k], (k + 1) * X**k)


def inputs_of(program: Any) -> tuple[list[Any], tuple[Any, ...]]:
    """Batches of a program's inputs, every second one shared, and their axes."""
    scales = np.array([1.0, 0.9375])
    axes = tuple(0 if k % 2 == 0 else None for k in range(len(program.inputs)))
    rows = [
        np.multiply.outer(scales, x) if axis == 0 else x
        for x, axis in zip(program.inputs, axes, strict=True)
    ]
    return rows, axes


@given(program=programs(max_steps=4, only=real_operations()))
def test_vmap_of_grad_of_random_programs(program: Any) -> None:
    every = tuple(range(len(program.inputs)))
    gradient = ad.grad(lambda *xs: ad.sin(program(*xs)).sum(), every, unused="zeros")
    rows, axes = inputs_of(program)
    with np.errstate(all="ignore"):
        got = ad.vmap(gradient, axes)(*rows)
        for k in range(2):
            row = [x[k] if axis == 0 else x for x, axis in zip(rows, axes, strict=True)]
            for g, e in zip(got, gradient(*row), strict=True):
                assert_close(g[k], np.asarray(e), "derivative", repr(program))


@given(program=programs(max_steps=4, only=real_operations()))
def test_grad_of_vmap_of_random_programs(program: Any) -> None:
    rows, axes = inputs_of(program)
    every = tuple(range(len(rows)))

    def whole(*xs: Any) -> Any:
        return ad.sin(ad.vmap(program, axes)(*xs)).sum()

    def apart(*xs: Any) -> Any:
        total: Any = 0.0
        for k in range(2):
            row = [x[k] if axis == 0 else x for x, axis in zip(xs, axes, strict=True)]
            total = total + ad.sin(program(*row)).sum()
        return total

    with np.errstate(all="ignore"):
        got = ad.grad(whole, every, unused="zeros")(*rows)
        expected = ad.grad(apart, every, unused="zeros")(*rows)
    for g, e in zip(got, expected, strict=True):
        assert_close(np.asarray(g), np.asarray(e), "derivative", repr(program))
