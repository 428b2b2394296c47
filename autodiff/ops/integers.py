"""Arithmetic of whole numbers, which have no derivative."""

from __future__ import annotations

import numpy as np

from autodiff.families import Function, elementwise_function
from autodiff.ops.comparison import DISCRETE, INTEGERS, Discrete
from autodiff.primitive import Case

__all__ = ["bitwise_count", "gcd", "lcm", "left_shift", "right_shift"]

_PAIRS = INTEGERS[:1]
_INTERVALS = ((-2.0, 2.0), (-2.0, 2.0))


class Gcd(Discrete):
    """Greatest common divisor of two integers, entry by entry.

    >>> import autodiff as ad
    >>> ad.gcd(ad.tensor([12, 7]), 18)
    Tensor([6, 1])
    """

    name = "gcd"
    kernel = np.gcd
    partials = DISCRETE * 2
    intervals = _INTERVALS
    cases = _PAIRS


class Lcm(Discrete):
    """Lowest common multiple of two integers, entry by entry.

    >>> import autodiff as ad
    >>> ad.lcm(ad.tensor([4, 7]), 6)
    Tensor([12, 42])
    """

    name = "lcm"
    kernel = np.lcm
    partials = DISCRETE * 2
    intervals = _INTERVALS
    cases = _PAIRS


class LeftShift(Discrete):
    """Bits moved to the left: ``a << b``, times two to the power of b.

    >>> import autodiff as ad
    >>> ad.left_shift(ad.tensor([1, 3]), 2)
    Tensor([ 4, 12])
    """

    name = "left_shift"
    kernel = np.left_shift
    partials = DISCRETE * 2
    intervals = _INTERVALS
    cases = _PAIRS


class RightShift(Discrete):
    """Bits moved to the right: ``a >> b``.

    >>> import autodiff as ad
    >>> ad.right_shift(ad.tensor([4, 13]), 2)
    Tensor([1, 3])
    """

    name = "right_shift"
    kernel = np.right_shift
    partials = DISCRETE * 2
    intervals = _INTERVALS
    cases = _PAIRS


class BitwiseCount(Discrete):
    """How many bits of the size of each integer are set.

    >>> import autodiff as ad
    >>> ad.bitwise_count(ad.tensor([1, 7, -2]))
    Tensor([1, 3, 1], dtype=uint8)
    """

    name = "bitwise_count"
    kernel = np.bitwise_count
    partials = DISCRETE
    intervals = ((-2.0, 2.0),)
    cases = (Case((np.array([1, 2, 7]),)), Case((np.array([[-3]]),)))


bitwise_count: Function = elementwise_function(BitwiseCount)
gcd: Function = elementwise_function(Gcd)
lcm: Function = elementwise_function(Lcm)
left_shift: Function = elementwise_function(LeftShift)
right_shift: Function = elementwise_function(RightShift)
