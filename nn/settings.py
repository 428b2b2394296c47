"""What holds for every model: the dtype of new parameters and the source of random numbers."""

from __future__ import annotations

from typing import Any

import numpy as np

import autodiff as ad

__all__ = ["default_dtype", "generator", "seed", "set_default_dtype"]


class _Settings:
    """The dtype, in an object so that no function needs ``global``."""

    dtype: np.dtype[Any] = np.dtype(np.float32)


def default_dtype() -> np.dtype[Any]:
    """The dtype that new parameters have: float32 unless ``set_default_dtype`` changed it.

    >>> import nn
    >>> nn.default_dtype()
    dtype('float32')
    """
    return _Settings.dtype


def set_default_dtype(dtype: Any) -> None:
    """Choose the dtype of parameters that are made from now on; those that exist keep theirs.

    Raises
    ------
    DTypeError
        ``dtype`` is not a real floating dtype.

    >>> import nn
    >>> nn.set_default_dtype("float64")
    >>> nn.Dense(2, 3).weight.dtype
    dtype('float64')
    >>> nn.set_default_dtype("float32")
    """
    chosen = np.dtype(dtype)
    if chosen.kind != "f":
        raise ad.DTypeError(f"set_default_dtype: expected a floating dtype, got {chosen}")
    _Settings.dtype = chosen


def seed(value: int) -> None:
    """Start the random numbers of initial weights and dropout masks anew, from a number.

    Two runs that call ``nn.seed`` with one number, and do the same after it, give the same bits. It
    is ``ad.random.seed``: draws of ``ad.random`` start anew too.

    >>> import nn
    >>> nn.seed(1)
    >>> first = nn.Dense(2, 3).weight.numpy()
    >>> nn.seed(1)
    >>> bool((nn.Dense(2, 3).weight.numpy() == first).all())
    True
    """
    ad.random.seed(value)


def generator() -> np.random.Generator:
    """The generator that initial weights and dropout masks are drawn from.

    >>> import nn
    >>> nn.seed(1)
    >>> float(nn.generator().random())
    0.5118216247002567
    """
    return ad.random.generator()
