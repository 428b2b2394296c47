"""Dropout: a random part of a signal set to zero while training."""

from __future__ import annotations

from typing import Any

import numpy as np

import autodiff as ad
from nn.module import Module

__all__ = ["Dropout"]


class Dropout(Module):
    r"""Set each entry to zero with probability ``rate`` while training; the identity in evaluation.

    .. math:: y = m\,x / (1 - \mathrm{rate}), \qquad m \sim \mathrm{Bernoulli}(1 - \mathrm{rate})

    The entries that stay are scaled up, so that the expectation is that of ``x`` (inverted
    dropout; Srivastava et al., 2014). ``nn.seed`` makes the masks repeatable; inside ``ad.vmap``
    each example has its own, unless ``randomness`` says otherwise.

    Raises
    ------
    ValueError
        ``rate`` is not in [0, 1).

    >>> import autodiff as ad
    >>> import nn
    >>> nn.seed(0)
    >>> layer = nn.Dropout(0.5)
    >>> layer(ad.ones(6))
    Tensor([2., 0., 0., 0., 2., 2.])
    >>> layer.eval()(ad.ones(6))
    Tensor([1., 1., 1., 1., 1., 1.])
    """

    def __init__(self, rate: float) -> None:
        super().__init__()
        if not 0 <= rate < 1:
            raise ValueError(f"Dropout: rate is a probability in [0, 1), got {rate!r}")
        self.rate = float(rate)

    def forward(self, x: Any) -> Any:
        """Apply a new mask to ``x`` of any shape."""
        if not self.training or self.rate == 0:
            return x
        x = x if isinstance(x, ad.Tensor) else np.asarray(x)
        if x.dtype.kind != "f":
            raise ad.DTypeError(f"Dropout: expected a floating value, got {x.dtype}{list(x.shape)}")
        kept: Any = ad.random.uniform(size=x.shape, dtype=np.float32) >= self.rate
        if type(kept) is ad.Tensor and not isinstance(x, ad.Tensor):
            kept = kept.data
        return x * (kept / x.dtype.type(1 - self.rate)).astype(x.dtype)

    def describe(self) -> str:
        """The rate."""
        return f"{self.rate:g}"
