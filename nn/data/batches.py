"""Batches of samples in a new order every epoch, and a split into two sets; both by a seed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

import autodiff as ad
from nn.checks import whole_number

__all__ = ["Batches", "check_samples", "split"]

Array = np.ndarray[Any, Any]


def check_samples(what: str, x: Any, y: Any) -> tuple[Array, Array]:
    """Samples and targets as arrays of one length, which is not 0.

    Raises
    ------
    ShapeError
        Lengths differ, a value has no axis of samples, or there is no sample.

    >>> from nn.data import check_samples
    >>> x, y = check_samples("example", [[1.0], [2.0]], [0, 1])
    >>> x.shape, y.shape
    ((2, 1), (2,))
    """
    x = x.data if isinstance(x, ad.Tensor) else np.asarray(x)
    y = y.data if isinstance(y, ad.Tensor) else np.asarray(y)
    if not x.ndim or not y.ndim:
        raise ad.ShapeError(
            f"{what}: the first axis is that of samples, got x {x.shape} and y {y.shape}"
        )
    if len(x) != len(y):
        raise ad.ShapeError(
            f"{what}: {len(x)} samples but {len(y)} targets (x {x.shape}, y {y.shape})"
        )
    if not len(x):
        raise ad.ShapeError(f"{what}: there is no sample (x {x.shape}, y {y.shape})")
    return x, y


class Batches:
    """Pairs ``(x[i], y[i])`` of at most ``batch_size`` samples; each loop over it is an epoch.

    The order of epoch k depends on ``seed`` and k alone, so it is the same on every machine and in
    every run. The last batch of an epoch is smaller where the sizes do not divide.

    Parameters
    ----------
    x, y : array_like
        The first axis is that of samples.
    batch_size : int
    shuffle : bool
    seed : int

    Raises
    ------
    ShapeError
        ``x`` and ``y`` do not have the same number of samples, or have none.
    ValueError
        ``batch_size`` is below 1, or ``seed`` below 0.

    >>> import nn
    >>> batches = nn.data.Batches([0, 1, 2, 3, 4], [0, 1, 2, 3, 4], 2, seed=1)
    >>> len(batches), sorted(int(i) for x, y in batches for i in x)
    (3, [0, 1, 2, 3, 4])
    """

    def __init__(
        self, x: Any, y: Any, batch_size: int, *, shuffle: bool = True, seed: int = 0
    ) -> None:
        self.x, self.y = check_samples("Batches", x, y)
        self.batch_size = whole_number("Batches: batch_size", batch_size)
        self.shuffle = shuffle
        self.seed = whole_number("Batches: seed", seed, least=0)
        self.epoch = 0

    def __len__(self) -> int:
        return -(-len(self.x) // self.batch_size)

    def __iter__(self) -> Iterator[tuple[Array, Array]]:
        order = np.arange(len(self.x))
        if self.shuffle:
            np.random.default_rng((self.seed, self.epoch)).shuffle(order)
        self.epoch += 1
        for start in range(0, len(order), self.batch_size):
            chosen = order[start : start + self.batch_size]
            yield self.x[chosen], self.y[chosen]


def split(
    x: Any, y: Any, fraction: float = 0.2, *, seed: int = 0
) -> tuple[tuple[Array, Array], tuple[Array, Array]]:
    """Two sets by chance: ``((x, y), (x, y))``, the second with ``fraction`` of the samples.

    Raises
    ------
    ShapeError
        As ``Batches``.
    ValueError
        ``fraction`` leaves one of the sets without samples.

    >>> import nn
    >>> (x, y), (x_val, y_val) = nn.data.split([0, 1, 2, 3, 4], [0, 1, 2, 3, 4], 0.2)
    >>> len(x), len(x_val)
    (4, 1)
    """
    x, y = check_samples("split", x, y)
    held_out = round(len(x) * fraction)
    if not 0 < held_out < len(x):
        raise ValueError(
            f"split: a fraction of {fraction!r} of {len(x)} samples leaves a set without samples"
        )
    order = np.random.default_rng(seed).permutation(len(x))
    first, second = order[held_out:], order[:held_out]
    return (x[first], y[first]), (x[second], y[second])
