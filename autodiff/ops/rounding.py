"""Signs and rounding: piecewise constant, so the derivative is 0 wherever it exists."""

from __future__ import annotations

import numpy as np

from autodiff.families import Elementwise, Function, elementwise_function

__all__ = [
    "ceil",
    "floor",
    "round",
    "sign",
    "trunc",
]


class Sign(Elementwise):
    r"""-1, 0 or 1, as each entry is negative, zero or positive; its derivative is 0 off the jump.

    >>> import autodiff as ad
    >>> ad.sign(ad.tensor([-2.0, 0.0, 3.0]))
    Tensor([-1.,  0.,  1.])
    """

    name = "sign"
    kernel = np.sign
    partials = (0,)
    intervals = ((0.1, 0.4),)


class Floor(Elementwise):
    r"""Largest integer at most each entry; its derivative is 0 between jumps.

    >>> import autodiff as ad
    >>> ad.floor(ad.tensor([-1.5, 1.5]))
    Tensor([-2.,  1.])
    """

    name = "floor"
    kernel = np.floor
    partials = (0,)
    intervals = ((0.1, 0.4),)


class Ceil(Elementwise):
    r"""Smallest integer at least each entry; its derivative is 0 between jumps.

    >>> import autodiff as ad
    >>> ad.ceil(ad.tensor([-1.5, 1.5]))
    Tensor([-1.,  2.])
    """

    name = "ceil"
    kernel = np.ceil
    partials = (0,)
    intervals = ((0.1, 0.4),)


class Trunc(Elementwise):
    r"""Each entry without its fraction; its derivative is 0 between jumps.

    >>> import autodiff as ad
    >>> ad.trunc(ad.tensor([-1.5, 1.5]))
    Tensor([-1.,  1.])
    """

    name = "trunc"
    kernel = np.trunc
    partials = (0,)
    intervals = ((0.1, 0.4),)


class Round(Elementwise):
    r"""Nearest integer, halves to the even one; its derivative is 0 between jumps.

    >>> import autodiff as ad
    >>> ad.round(ad.tensor([0.5, 1.5, 2.4]))
    Tensor([0., 2., 2.])
    """

    name = "round"
    kernel = np.rint
    partials = (0,)
    intervals = ((0.1, 0.4),)


sign: Function = elementwise_function(Sign)
floor: Function = elementwise_function(Floor)
ceil: Function = elementwise_function(Ceil)
trunc: Function = elementwise_function(Trunc)
round: Function = elementwise_function(Round)
