"""Losses and metrics against NumPy, at extremes, and every kind of wrong target."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import autodiff as ad
import nn
from nn.losses import (
    binary_cross_entropy,
    cross_entropy,
    half_squared_error,
    mean_squared_error,
)

RNG = np.random.default_rng(0)
LOGITS = RNG.normal(size=(5, 4))
LABELS = np.array([0, 3, 1, 1, 2])
ONE_HOT = np.eye(4)[LABELS]
SOFT = RNG.dirichlet(np.ones(4), size=5)


def log_softmax(z: Any) -> Any:
    return z - np.log(np.exp(z).sum(-1, keepdims=True))


def grad(loss: Any, x: Any, *rest: Any, **options: Any) -> Any:
    leaf = ad.tensor(x, requires_grad=True)
    return ad.gradients(loss(leaf, *rest, **options), leaf).numpy()


def test_squared_errors() -> None:
    p, t = RNG.normal(size=(3, 2)), RNG.normal(size=(3, 2))
    d = p - t
    assert mean_squared_error(ad.tensor(p), t).item() == pytest.approx((d**2).mean(), rel=1e-14)
    assert mean_squared_error(p, t, reduction="sum") == pytest.approx((d**2).sum(), rel=1e-14)
    np.testing.assert_allclose(mean_squared_error(p, t, reduction="none"), d**2, rtol=1e-14)
    assert half_squared_error(p, t) == pytest.approx(0.5 * (d**2).sum(), rel=1e-14)
    np.testing.assert_allclose(grad(mean_squared_error, p, t), 2 * d / 6, rtol=1e-13)
    np.testing.assert_allclose(grad(half_squared_error, p, t), d, rtol=1e-13)


def test_cross_entropy_keeps_its_digits_where_a_label_is_nearly_certain() -> None:
    logits = np.array([[40.0, 0.0, -3.0], [0.0, 700.0, 30.0]])
    share = np.exp(logits[[0, 0, 1, 1], [1, 2, 0, 2]] - np.repeat([40.0, 700.0], 2)).reshape(2, 2)
    loss = cross_entropy(ad.tensor(logits), [0, 1], reduction="none")
    np.testing.assert_allclose(loss, share.sum(axis=1), rtol=1e-12)
    expected = np.insert(share, [0], 0, axis=1)
    expected[1] = [share[1, 0], 0, share[1, 1]]
    expected[[0, 1], [0, 1]] = -share.sum(axis=1)
    g = grad(cross_entropy, logits, [0, 1], reduction="sum")
    np.testing.assert_allclose(g, expected, rtol=1e-12)
    leaf = ad.tensor(logits, requires_grad=True)
    again = ad.gradients(cross_entropy(leaf, [0, 1], reduction="sum"), leaf, create_graph=True)
    np.testing.assert_allclose(again.data, expected, rtol=1e-12)


@pytest.mark.parametrize(
    ("targets", "weights"),
    [
        (LABELS, ONE_HOT),
        (LABELS.astype(np.uint8), ONE_HOT),
        (ONE_HOT, ONE_HOT),
        (ONE_HOT.astype(int), ONE_HOT),
        (ONE_HOT.astype(bool), ONE_HOT),
        (SOFT, SOFT),
        (SOFT.astype(np.float32), SOFT.astype(np.float32)),
        (ad.tensor(SOFT), SOFT),
        (LABELS.tolist(), ONE_HOT),
    ],
)
def test_cross_entropy_of_all_targets(targets: Any, weights: Any) -> None:
    weights = weights.astype(float)
    each = -(weights * log_softmax(LOGITS)).sum(-1)
    for reduction, expected in (("none", each), ("sum", each.sum()), ("mean", each.mean())):
        got = cross_entropy(ad.tensor(LOGITS), targets, reduction=reduction)
        np.testing.assert_allclose(got.numpy(), expected, rtol=1e-12)
    expected = (np.exp(log_softmax(LOGITS)) * weights.sum(-1, keepdims=True) - weights) / 5
    np.testing.assert_allclose(grad(cross_entropy, LOGITS, targets), expected, atol=1e-12)


def test_cross_entropy_with_more_axes_and_with_one_sample() -> None:
    logits = RNG.normal(size=(2, 3, 4))
    labels = RNG.integers(0, 4, size=(2, 3))
    expected = -np.take_along_axis(log_softmax(logits), labels[..., None], -1)[..., 0]
    np.testing.assert_allclose(
        cross_entropy(logits, labels, reduction="none"), expected, rtol=1e-12
    )
    assert cross_entropy(LOGITS[0], 2) == pytest.approx(-log_softmax(LOGITS[0])[2], rel=1e-12)


def test_cross_entropy_of_soft_targets_has_a_gradient_to_them() -> None:
    soft = ad.tensor(SOFT, requires_grad=True)
    loss = cross_entropy(LOGITS, soft, reduction="sum")
    np.testing.assert_allclose(ad.gradients(loss, soft).numpy(), -log_softmax(LOGITS), rtol=1e-12)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_cross_entropy_at_extremes(dtype: Any) -> None:
    logits = np.array([[1e4, 0, -1e4], [1e4, 0, -1e4]], dtype)
    got = cross_entropy(ad.tensor(logits), [0, 2], reduction="none")
    assert got.dtype == dtype
    np.testing.assert_array_equal(got.numpy(), [0, 2e4])
    g = grad(cross_entropy, logits, [0, 2], reduction="sum")
    np.testing.assert_array_equal(g, [[0, 0, 0], [1, 0, -1]])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_binary_cross_entropy_at_extremes(dtype: Any) -> None:
    logits = np.array([1e4, 1e4, -1e4, -1e4, 0], dtype)
    targets = np.array([1, 0, 1, 0, 1])
    got = binary_cross_entropy(ad.tensor(logits), targets, reduction="none")
    assert got.dtype == dtype
    np.testing.assert_array_equal(got.numpy(), np.array([0, 1e4, 1e4, 0, np.log(2)], dtype))
    g = grad(binary_cross_entropy, logits, targets, reduction="sum")
    np.testing.assert_array_equal(g, [0, 1, -1, 0, -0.5])


def test_binary_cross_entropy_in_between_and_without_cancellation() -> None:
    z, t = RNG.normal(size=7), RNG.uniform(size=7)
    s = 1 / (1 + np.exp(-z))
    expected = -(t * np.log(s) + (1 - t) * np.log(1 - s))
    np.testing.assert_allclose(binary_cross_entropy(z, t, reduction="none"), expected, rtol=1e-12)
    np.testing.assert_allclose(grad(binary_cross_entropy, z, t), (s - t) / 7, rtol=1e-10)
    # ln(1 + e^-40) = e^-40 to rounding; softplus(40) - 40 would be 0.
    assert binary_cross_entropy(np.array([40.0]), [1]) == pytest.approx(np.exp(-40), rel=1e-12)
    assert grad(binary_cross_entropy, [40.0], [1])[0] == pytest.approx(-np.exp(-40), rel=1e-12)


def test_float32_outputs_stay_float32() -> None:
    p = ad.tensor(LOGITS, dtype="float32")
    losses = [cross_entropy(p, SOFT), cross_entropy(p, LABELS), mean_squared_error(p, SOFT)]
    losses += [binary_cross_entropy(p, SOFT), half_squared_error(p, SOFT)]
    assert [loss.dtype for loss in losses] == [np.float32] * 5


PAIRWISE = [mean_squared_error, half_squared_error, binary_cross_entropy]


@pytest.mark.parametrize("loss", PAIRWISE)
def test_shapes_are_never_broadcast(loss: Any) -> None:
    with pytest.raises(ad.ShapeError, match=r"\(4, 1\), targets \(4,\).*reshape\(\(4, 1\)\)"):
        loss(np.zeros((4, 1)), np.zeros(4))
    with pytest.raises(ad.ShapeError, match=r"\(4,\), targets \(\); they must be equal"):
        loss(np.zeros(4), 0.0)
    with pytest.raises(ad.ShapeError, match="no entry"):
        loss(np.zeros((0, 2)), np.zeros((0, 2)))


@pytest.mark.parametrize("loss", [*PAIRWISE, cross_entropy])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_targets_that_are_not_finite(loss: Any, value: float) -> None:
    targets = np.array([[0.5, 0.5], [0.5, value]])
    with pytest.raises(ValueError, match=r"1 of 4 targets are NaN or infinite.*\(1, 1\)"):
        loss(np.zeros((2, 2)), targets)


@pytest.mark.parametrize("loss", [*PAIRWISE, cross_entropy])
def test_unknown_reduction(loss: Any) -> None:
    with pytest.raises(ValueError, match="'mean', 'sum' or 'none', got 'avg'"):
        loss(np.zeros((1, 2)), np.array([[0.0, 1.0]]), reduction="avg")


@pytest.mark.parametrize(
    ("targets", "error", "text"),
    [
        ([0, 1, 2, 3, 4], ValueError, r"label 4 at \(4,\) is out of range, the 4 classes"),
        ([0, -1, 2, 3, 0], ValueError, r"label -1 at \(1,\)"),
        (LABELS.astype(float), ad.DTypeError, r"labels are integers, got float64\[5\]"),
        (LABELS[:, None], ad.ShapeError, r"\(5, 4\), targets \(5, 1\).*labels of shape \(5,\)"),
        (LABELS[:3], ad.ShapeError, r"targets \(3,\)"),
        (2 * SOFT, ValueError, r"targets lie in \[0, 1\]"),
        (0.5 * SOFT, ValueError, r"at \(0,\) sum to 0.5"),
        (np.zeros((5, 4), int), ValueError, r"sum to 0"),
        (np.full((5, 4), 0.25j), ad.DTypeError, r"real targets, got complex128"),
    ],
)
def test_bad_targets_of_cross_entropy(targets: Any, error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        cross_entropy(LOGITS, targets)


def test_bad_outputs() -> None:
    with pytest.raises(ad.ShapeError, match=r"logits of shape \(\.\.\., classes\), got \(\)"):
        cross_entropy(1.0, 0)
    with pytest.raises(ad.DTypeError, match="floating logits, got int64"):
        cross_entropy(np.ones((2, 2), int), [0, 1])
    with pytest.raises(ad.DTypeError, match="floating outputs, got int64"):
        mean_squared_error(np.ones(2, int), [0, 1])
    with pytest.raises(ValueError, match=r"targets lie in \[0, 1\], got 2 at \(1,\)"):
        binary_cross_entropy(np.zeros(2), [1, 2])


def test_accuracy() -> None:
    outputs = np.array([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4]])
    assert nn.metrics.accuracy(outputs, [0, 1, 1]) == pytest.approx(2 / 3)
    assert nn.metrics.accuracy(ad.tensor(outputs), np.eye(2)[[0, 1, 0]]) == 1.0
    with pytest.raises(ad.ShapeError, match=r"targets \(3, 1\)"):
        nn.metrics.accuracy(outputs, [[0], [1], [1]])
    with pytest.raises(ad.ShapeError):
        nn.metrics.accuracy(np.zeros((0, 2)), np.zeros(0, int))


def test_one_class_is_refused() -> None:
    """Its probability is always 1, so its loss is always 0 and its accuracy always 1."""
    with pytest.raises(ad.ShapeError, match=r"\(3, 1\) have one class.*binary_cross_entropy"):
        cross_entropy(np.zeros((3, 1)), [0, 0, 0])
    with pytest.raises(ad.ShapeError, match=r"\(3, 1\) have one class.*binary_accuracy"):
        nn.metrics.accuracy(np.zeros((3, 1)), np.zeros((3, 1)))


def test_binary_accuracy() -> None:
    logits = np.array([[-1.0, 2.0], [0.0, -3.0]])
    assert nn.metrics.binary_accuracy(logits, [[0, 1], [0, 1]]) == 0.75
    assert nn.metrics.binary_accuracy(ad.tensor(logits), ad.tensor(logits > 0)) == 1.0
    for wrong in (np.zeros(4), np.zeros((2, 1))):
        with pytest.raises(ad.ShapeError, match="must be equal"):
            nn.metrics.binary_accuracy(logits, wrong)
