"""Layers against NumPy, their initial weights, and dropout's statistics."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import autodiff as ad
import nn


@pytest.mark.parametrize("shape", [(3,), (5, 3), (2, 5, 3), (0, 3)])
def test_dense_is_a_product_and_a_bias(shape: tuple[int, ...]) -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=shape)
    layer = nn.Dense(3, 2, activation="tanh", dtype="float64")
    layer.bias.data = [0.5, -1.0]  # type: ignore[union-attr]  # this one has it
    expected = np.tanh(x @ layer.weight.numpy() + [0.5, -1.0])
    np.testing.assert_allclose(layer(ad.tensor(x)).numpy(), expected, rtol=1e-14)


def test_dense_without_bias_and_with_a_function() -> None:
    layer = nn.Dense(2, 2, lambda x: x * 10, bias=False)
    assert list(layer.named_parameters()) == ["weight"]
    x = np.ones((1, 2), np.float32)
    np.testing.assert_allclose(layer(x).numpy(), 10 * x @ layer.weight.numpy(), rtol=1e-6)


def test_dense_takes_integers_in_the_dtype_of_its_weight() -> None:
    layer = nn.Dense(2, 3)
    x = np.array([[1, 2], [0, 1]])
    expected = layer(x.astype(np.float32)).numpy()
    for integers in (x, x.astype(np.uint8), ad.tensor(x)):
        y = layer(integers)
        assert y.dtype == np.float32
        np.testing.assert_array_equal(y.numpy(), expected)
    assert layer(x > 1).dtype == np.float32


@pytest.mark.parametrize("name", nn.activations.NAMES)
def test_every_activation_name_works(name: str) -> None:
    x = np.array([[-1e4, -1.0, 0.0, 1.0, 1e4]])
    y = nn.Activation(name)(ad.tensor(x, requires_grad=True))
    np.testing.assert_array_equal(y.numpy(), getattr(ad, name)(x))
    assert np.isfinite(y.numpy()).all()


def test_bad_activations() -> None:
    with pytest.raises(ValueError, match=r"'rellu'; did you mean 'relu'\?"):
        nn.Dense(1, 1, "rellu")
    with pytest.raises(ValueError, match=r"'ReLU'; did you mean 'relu'\? The names are elu"):
        nn.Dense(1, 1, "ReLU")
    with pytest.raises(TypeError, match=r"a name or a function, got 3"):
        nn.Activation(3)  # type: ignore[arg-type]  # wrong on purpose


@pytest.mark.parametrize(
    ("sizes", "error", "text"),
    [
        ((0, 2), ValueError, "in_features"),
        ((2, 2.0), TypeError, "out_features"),
        ((2, -1), ValueError, "-1"),
    ],
)
def test_bad_sizes(sizes: Any, error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        nn.Dense(*sizes)


@pytest.mark.parametrize(
    ("init", "variance"),
    [
        (nn.init.glorot_uniform, 2 / 500),
        (nn.init.glorot_normal, 2 / 500),
        (nn.init.he_uniform, 2 / 200),
        (nn.init.he_normal, 2 / 200),
        (nn.init.lecun_uniform, 1 / 200),
        (nn.init.lecun_normal, 1 / 200),
    ],
)
def test_variance_of_initial_weights(init: Any, variance: float) -> None:
    nn.seed(0)
    w = init((200, 300))
    assert w.dtype == np.float32
    assert abs(w.mean()) < 5 * np.sqrt(variance / w.size)
    assert w.var() == pytest.approx(variance, rel=0.03)
    with pytest.raises(ad.ShapeError, match=init.__name__):
        init((3,))


def test_initial_weights_of_a_wrong_shape_are_refused() -> None:
    with pytest.raises(ad.ShapeError, match=r"weight_init gave .* \(3,\), expected \(2, 3\)"):
        nn.Dense(2, 3, weight_init=lambda shape, dtype: np.zeros(3))


def test_dense_draws_by_its_activation() -> None:
    variances = {}
    for activation in ("relu", "tanh", "selu"):
        nn.seed(0)
        variances[activation] = nn.Dense(200, 300, activation).weight.numpy().var()
    assert variances["relu"] == pytest.approx(2 / 200, rel=0.03)
    assert variances["tanh"] == pytest.approx(2 / 500, rel=0.03)
    assert variances["selu"] == pytest.approx(1 / 200, rel=0.03)


def test_seed_repeats_weights_bit_for_bit() -> None:
    def weights(seed: int) -> bytes:
        nn.seed(seed)
        return nn.Dense(5, 7).weight.numpy().tobytes()

    assert weights(3) == weights(3) != weights(4)


def test_dropout_keeps_the_share_and_the_mean() -> None:
    nn.seed(0)
    layer = nn.Dropout(0.3)
    y = layer(ad.ones((400, 500), dtype="float32")).numpy()
    assert y.dtype == np.float32
    assert np.unique(y).tolist() == [0, np.float32(1 / np.float32(0.7))]
    n = y.size
    assert (y == 0).mean() == pytest.approx(0.3, abs=5 * np.sqrt(0.21 / n))
    assert y.mean() == pytest.approx(1.0, abs=0.01)


def test_dropout_gradient_has_the_same_mask() -> None:
    nn.seed(0)
    x = ad.tensor(np.full(1000, 2.0), requires_grad=True)
    y = nn.Dropout(0.5)(x)
    g = ad.gradients(y.sum(), x).numpy()
    np.testing.assert_array_equal(g, y.numpy() / 2)
    assert set(np.unique(g)) == {0.0, 2.0}


def test_dropout_by_seed_and_mode() -> None:
    layer, x = nn.Dropout(0.5), ad.ones(100)

    def masks(seed: int) -> list[bytes]:
        nn.seed(seed)
        return [layer(x).numpy().tobytes() for _ in range(2)]

    first, second = masks(1)
    assert masks(1) == [first, second] != masks(2)
    assert first != second
    assert layer.eval()(x) is x
    assert nn.Dropout(0.0)(x) is x


def test_bad_dropout() -> None:
    for rate in (-0.1, 1.0, float("nan")):
        with pytest.raises(ValueError, match="probability"):
            nn.Dropout(rate)
    with pytest.raises(ad.DTypeError, match="int64"):
        nn.Dropout(0.5)(ad.tensor([1, 2]))
    assert nn.Dropout(0.5)([1.0, 2.0]).shape == (2,)


def test_flatten() -> None:
    x = np.arange(24.0).reshape(2, 3, 4)
    np.testing.assert_array_equal(nn.Flatten()(ad.tensor(x)).numpy(), x.reshape(2, 12))
    assert nn.Flatten()(ad.zeros((0, 3, 4))).shape == (0, 12)
    assert nn.Flatten()(ad.zeros(5)).shape == (5, 1)
    assert nn.Flatten()(x.tolist()).shape == (2, 12)
    with pytest.raises(ad.ShapeError, match="Flatten"):
        nn.Flatten()(ad.tensor(1.0))


def test_sequential() -> None:
    model = nn.Sequential(nn.Dense(2, 3), ad.tanh, nn.Dense(3, 1))
    assert len(model) == 3 and list(model)[1] is ad.tanh and model[0] is model.layers[0]
    x = ad.ones((4, 2), dtype="float32")
    expected = model[2](ad.tanh(model[0](x)))
    np.testing.assert_array_equal(model(x).numpy(), expected.numpy())
    with pytest.raises(TypeError, match="entry 0 .*without a list"):
        nn.Sequential([nn.Dense(2, 3)])  # type: ignore[arg-type]  # wrong on purpose
    with pytest.raises(TypeError, match=r"entry 0 is a class: write Flatten\(\.\.\.\)"):
        nn.Sequential(nn.Flatten)
    with pytest.raises(TypeError, match=r"entry 1 .*write nn\.Activation\('relu'\)"):
        nn.Sequential(nn.Dense(2, 3), "relu")  # type: ignore[arg-type]  # wrong on purpose
