"""Dataclasses and modules as arguments and results of transforms, and their alignment."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

import autodiff as ad
import nn
from autodiff.tree import align, flatten

X = np.array([[0.5, 1.5], [-0.3, 2.0], [1.0, 1.0]])


@dataclass(frozen=True)
class Layer:
    w: Any
    name: str
    size: int
    act: Any = ad.tanh
    rest: Any = None
    norm: float = field(init=False, default=0.5)

    def __call__(self, x: Any) -> Any:
        return self.act(x @ self.w) * self.norm


def make_layer() -> Layer:
    return Layer(np.array([1.0, -0.5]), "first", 2, rest={"b": [2.0]})


def test_a_dataclass_keeps_what_is_no_number() -> None:
    layer = make_layer()
    leaves, rebuild = flatten(layer)
    assert [np.shape(x) for x in leaves] == [(2,), (), ()]
    other = rebuild([x * 2 for x in leaves])
    assert type(other) is Layer and other.name == "first" and other.size == 2
    assert other.act is ad.tanh and other.norm == 1.0 and other.rest == {"b": [4.0]}
    assert layer.norm == 0.5


def loss(layer: Layer, x: Any) -> Any:
    assert layer.name == "first"
    return (layer(x) * layer.rest["b"][0]).sum()


def test_dataclasses_in_transforms() -> None:
    layer = make_layer()
    g = ad.grad(loss)(layer, X)
    assert type(g) is Layer and g.name == "first"
    slope = 1 - np.tanh(X @ layer.w) ** 2
    np.testing.assert_allclose(g.w, X.T @ slope)
    np.testing.assert_allclose(g.norm, 2 * np.tanh(X @ layer.w).sum())
    _, t = ad.jvp(lambda p: loss(p, X), (layer,), (g,))
    np.testing.assert_allclose(t, (g.w**2).sum() + g.norm**2 + g.rest["b"][0] ** 2)
    rows = ad.vmap(ad.grad(loss), (None, 0))(layer, X)
    assert type(rows) is Layer
    np.testing.assert_allclose(rows.w.sum(0), g.w)
    h = ad.hessian(loss)(layer, X)
    assert h.w.w.shape == (2, 2) and h.w.norm.shape == (2,)


def test_alignment() -> None:
    assert align((1, {"a": 2, "b": 3}), ("x", {"b": "z", "a": "y"}), "t") == ["x", "y", "z"]
    assert align((1, [2, 3]), (None, None), "t") == [None] * 3
    with pytest.raises(ValueError, match=r"t: expected the structure of tuple"):
        align((1, 2), (1, 2, 3), "t")


def module_loss(model: nn.Module, x: Any) -> Any:
    decay = sum((p**2).sum() for p in model.parameters())
    return (model(x) ** 2).sum() + 0.1 * decay


def make_module() -> nn.Module:
    shared = nn.Dense(2, 2)
    return nn.Sequential(shared, nn.Dense(2, 2), shared, nn.Dense(2, 1))


def test_modules_as_arguments() -> None:
    model, x = make_module(), X.astype(np.float32)
    before = {k: v.numpy() for k, v in model.named_parameters().items()}
    g = ad.grad(module_loss)(model, x)
    assert list(g) == list(before)
    module_loss(model, x).backward()
    for name, p in model.named_parameters().items():
        assert p.grad is not None
        np.testing.assert_allclose(g[name].data, p.grad.data, rtol=1e-5)
        np.testing.assert_array_equal(p.data, before[name])
    assert all(isinstance(p, nn.Parameter) for p in model.parameters())


def test_modules_in_every_transform() -> None:
    model, x = make_module(), X.astype(np.float32)
    g = ad.grad(module_loss)(model, x)
    value, t = ad.jvp(lambda m: module_loss(m, x), (model,), (g,))
    total = sum(float((v.data**2).sum()) for v in g.values())
    assert float(t) == pytest.approx(total, rel=1e-4)
    assert float(value) == pytest.approx(float(module_loss(model, x)), rel=1e-5)
    rows = ad.vmap(ad.grad(module_loss), (None, 0))(model, x[:, None])
    for name in g:
        count = len(x)
        decay = 0.2 * (count - 1) * model.named_parameters()[name].data
        np.testing.assert_allclose(
            rows[name].data.sum(0), g[name].data + decay, rtol=1e-3, atol=1e-5
        )

    def norm(m: nn.Module) -> Any:
        return sum((v**2).sum() for v in ad.grad(module_loss)(m, x).values())

    second = ad.grad(norm)(model)
    product = ad.hvp(lambda m: module_loss(m, x), (model,), (g,))
    for name in g:
        np.testing.assert_allclose(second[name].data, 2 * product[name].data, rtol=1e-3, atol=1e-4)
    kept = ad.grad(lambda m: (ad.checkpoint(lambda m: m(x))(m) ** 2).sum())(model)
    plain = ad.grad(lambda m: (m(x) ** 2).sum())(model)
    for name in g:
        np.testing.assert_allclose(kept[name].data, plain[name].data, rtol=1e-5)


def test_an_ensemble_of_modules() -> None:
    models = [make_module() for _ in range(3)]
    paths = list(models[0].named_parameters())
    stacked = {k: np.stack([m.named_parameters()[k].data for m in models]) for k in paths}
    x = X.astype(np.float32)
    got = ad.vmap(lambda p: nn.call(models[0], p, x))(stacked)
    expected = np.stack([m(x).data for m in models])
    np.testing.assert_allclose(got, expected, rtol=1e-5)
