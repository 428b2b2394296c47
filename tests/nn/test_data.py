"""Batches, splits and augmentations of samples."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import autodiff as ad
import nn
from nn.data import Batches, split
from tests.nn.test_training import X, Y, line_trainer


def test_batches_deal_every_sample_once_in_an_order_of_the_seed() -> None:
    x = np.arange(10)

    def epochs(seed: int) -> list[list[int]]:
        batches = Batches(x, x * 10, 4, seed=seed)
        assert len(batches) == 3
        result = []
        for _ in range(2):
            pairs = list(batches)
            assert [len(a) for a, _ in pairs] == [4, 4, 2]
            assert all((b == a * 10).all() for a, b in pairs)
            result.append([int(i) for a, _ in pairs for i in a])
        return result

    first, second = epochs(0)
    assert sorted(first) == sorted(second) == list(range(10))
    assert first != second
    assert epochs(0) == [first, second] != epochs(1)
    assert [a.tolist() for a, _ in Batches(x, x, 6, shuffle=False)] == [
        [*range(6)],
        [*range(6, 10)],
    ]


def test_split_parts_the_samples() -> None:
    x = np.arange(10)
    (a, ya), (b, yb) = split(x, x * 10, 0.3, seed=1)
    assert len(b) == 3 and sorted([*a, *b]) == list(range(10))
    assert (ya == a * 10).all() and (yb == b * 10).all()
    assert (split(x, x, 0.3, seed=1)[1][0] == b).all()
    with pytest.raises(ValueError, match=r"fraction of 0\.01 of 10 samples"):
        split(x, x, 0.01)


@pytest.mark.parametrize(
    ("x", "y", "text"),
    [
        (np.ones((3, 2)), np.ones(4), "3 samples but 4 targets"),
        (np.ones((0, 2)), np.ones(0), "there is no sample"),
        (1.0, np.ones(1), "first axis is that of samples"),
    ],
)
def test_bad_samples(x: Any, y: Any, text: str) -> None:
    trainer = line_trainer()
    uses = [
        lambda: Batches(x, y, 2),
        lambda: split(x, y),
        lambda: trainer.fit(x, y, progress=False),
        lambda: trainer.fit(X, Y, validation=(x, y), progress=False),
        lambda: trainer.evaluate(x, y),
    ]
    for use in uses:
        with pytest.raises(ad.ShapeError, match=text):
            use()


def test_shifts_move_images_and_keep_their_targets() -> None:
    x, y = np.random.default_rng(0).random((3, 4, 5, 2)).astype(np.float32), np.arange(3)
    images, targets = nn.data.add_shifts(x, y)
    assert images.dtype == np.float32 and targets.tolist() == [0, 1, 2] * 5
    same, down, up, right, left = images.reshape(5, 3, 4, 5, 2)
    assert (same == x).all()
    assert (down[:, 1:] == x[:, :-1]).all() and not down[:, 0].any()
    assert (up[:, :-1] == x[:, 1:]).all() and not up[:, -1].any()
    assert (right[:, :, 1:] == x[:, :, :-1]).all() and not right[:, :, 0].any()
    assert (left[:, :, :-1] == x[:, :, 1:]).all() and not left[:, :, -1].any()
    part, _ = nn.data.add_shifts(x, y, pixels=0.25)
    assert part.dtype == np.float32
    np.testing.assert_allclose(part, 0.75 * np.tile(x, (5, 1, 1, 1)) + 0.25 * images, rtol=1e-6)


def test_bad_shifts() -> None:
    x, y = np.ones((2, 3, 3)), np.ones(2)
    for pixels in (0, -1.0, 1.5, float("nan")):
        with pytest.raises(ValueError, match="pixels is above 0 and at most 1"):
            nn.data.add_shifts(x, y, pixels)
    with pytest.raises(ad.ShapeError, match=r"expected images .* got \(2, 9\)"):
        nn.data.add_shifts(x.reshape(2, 9), y)
    with pytest.raises(ad.ShapeError, match="2 samples but 3 targets"):
        nn.data.add_shifts(x, np.ones(3))
    with pytest.raises(ad.DTypeError, match="floating images, got uint8"):
        nn.data.add_shifts(x.astype(np.uint8), y)
