"""Comparisons, logic and bits: bools and integers, which have no derivative."""

from __future__ import annotations

import numpy as np

from autodiff.families import Elementwise, Function, elementwise_function
from autodiff.primitive import Case, absent

__all__ = [
    "bitwise_and",
    "bitwise_or",
    "bitwise_xor",
    "equal",
    "greater",
    "greater_equal",
    "invert",
    "isfinite",
    "isinf",
    "isnan",
    "less",
    "less_equal",
    "logical_and",
    "logical_not",
    "logical_or",
    "logical_xor",
    "not_equal",
]

DISCRETE = (absent("the result is discrete (bools or integers): it has no derivative"),)
INTEGERS = (
    Case((np.array([[1, 2, 3]]), np.array([3, 5, 6]))),
    Case((np.array([True, False]), np.array([True, True]))),
)


class Discrete(Elementwise, abstract=True):
    """Elementwise, with bools or integers as output: nothing to differentiate."""

    differentiable = False


class Equal(Discrete):
    """Whether two operands are equal, entry by entry: ``a == b``.

    >>> import autodiff as ad
    >>> ad.equal(ad.tensor([1.0, 2.0]), ad.tensor([2.0, 2.0]))
    Tensor([False,  True])
    """

    name = "equal"
    kernel = np.equal
    partials = DISCRETE * 2
    intervals = (
        (-2.0, 2.0),
        (-2.0, 2.0),
    )


class NotEqual(Discrete):
    """Whether two operands differ, entry by entry: ``a != b``.

    >>> import autodiff as ad
    >>> ad.not_equal(ad.tensor([1.0, 2.0]), ad.tensor([2.0, 2.0]))
    Tensor([ True, False])
    """

    name = "not_equal"
    kernel = np.not_equal
    partials = DISCRETE * 2
    intervals = (
        (-2.0, 2.0),
        (-2.0, 2.0),
    )


class Less(Discrete):
    """Whether the first operand is smaller, entry by entry: ``a < b``.

    >>> import autodiff as ad
    >>> ad.less(ad.tensor([1.0, 2.0]), ad.tensor([2.0, 2.0]))
    Tensor([ True, False])
    """

    name = "less"
    kernel = np.less
    partials = DISCRETE * 2
    intervals = (
        (-2.0, 2.0),
        (-2.0, 2.0),
    )


class LessEqual(Discrete):
    """Whether the first operand is at most the second: ``a <= b``.

    >>> import autodiff as ad
    >>> ad.less_equal(ad.tensor([1.0, 2.0]), ad.tensor([2.0, 2.0]))
    Tensor([ True,  True])
    """

    name = "less_equal"
    kernel = np.less_equal
    partials = DISCRETE * 2
    intervals = (
        (-2.0, 2.0),
        (-2.0, 2.0),
    )


class Greater(Discrete):
    """Whether the first operand is larger, entry by entry: ``a > b``.

    >>> import autodiff as ad
    >>> ad.greater(ad.tensor([1.0, 2.0]), ad.tensor([2.0, 2.0]))
    Tensor([False, False])
    """

    name = "greater"
    kernel = np.greater
    partials = DISCRETE * 2
    intervals = (
        (-2.0, 2.0),
        (-2.0, 2.0),
    )


class GreaterEqual(Discrete):
    """Whether the first operand is at least the second: ``a >= b``.

    >>> import autodiff as ad
    >>> ad.greater_equal(ad.tensor([1.0, 2.0]), ad.tensor([2.0, 2.0]))
    Tensor([False,  True])
    """

    name = "greater_equal"
    kernel = np.greater_equal
    partials = DISCRETE * 2
    intervals = (
        (-2.0, 2.0),
        (-2.0, 2.0),
    )


class LogicalAnd(Discrete):
    """Whether both operands are true (not zero), entry by entry.

    >>> import autodiff as ad
    >>> ad.logical_and(ad.tensor([1.0, 0.0]), ad.tensor([1.0, 1.0]))
    Tensor([ True, False])
    """

    name = "logical_and"
    kernel = np.logical_and
    partials = DISCRETE * 2
    intervals = (
        (-2.0, 2.0),
        (-2.0, 2.0),
    )


class LogicalOr(Discrete):
    """Whether one of two operands is true (not zero), entry by entry.

    >>> import autodiff as ad
    >>> ad.logical_or(ad.tensor([1.0, 0.0]), ad.tensor([1.0, 1.0]))
    Tensor([ True,  True])
    """

    name = "logical_or"
    kernel = np.logical_or
    partials = DISCRETE * 2
    intervals = (
        (-2.0, 2.0),
        (-2.0, 2.0),
    )


class LogicalXor(Discrete):
    """Whether exactly one of two operands is true, entry by entry.

    >>> import autodiff as ad
    >>> ad.logical_xor(ad.tensor([1.0, 0.0]), ad.tensor([1.0, 1.0]))
    Tensor([False,  True])
    """

    name = "logical_xor"
    kernel = np.logical_xor
    partials = DISCRETE * 2
    intervals = (
        (-2.0, 2.0),
        (-2.0, 2.0),
    )


class LogicalNot(Discrete):
    """Whether each entry is zero (false).

    >>> import autodiff as ad
    >>> ad.logical_not(ad.tensor([1.0, 0.0]))
    Tensor([False,  True])
    """

    name = "logical_not"
    kernel = np.logical_not
    partials = DISCRETE
    intervals = ((-2.0, 2.0),)


class Isnan(Discrete):
    """Whether each entry is not a number.

    >>> import autodiff as ad
    >>> ad.isnan(ad.tensor([1.0, 0.0]))
    Tensor([False, False])
    """

    name = "isnan"
    kernel = np.isnan
    partials = DISCRETE
    intervals = ((-2.0, 2.0),)


class Isinf(Discrete):
    """Whether each entry is infinite.

    >>> import autodiff as ad
    >>> ad.isinf(ad.tensor([1.0, 0.0]))
    Tensor([False, False])
    """

    name = "isinf"
    kernel = np.isinf
    partials = DISCRETE
    intervals = ((-2.0, 2.0),)


class Isfinite(Discrete):
    """Whether each entry is neither infinite nor NaN.

    >>> import autodiff as ad
    >>> ad.isfinite(ad.tensor([1.0, 0.0]))
    Tensor([ True,  True])
    """

    name = "isfinite"
    kernel = np.isfinite
    partials = DISCRETE
    intervals = ((-2.0, 2.0),)


class BitwiseAnd(Discrete):
    """Bits set in both operands (integers or bools): ``a & b``.

    >>> import autodiff as ad
    >>> ad.bitwise_and(ad.tensor([12, 5]), ad.tensor([10, 1]))
    Tensor([8, 1])
    """

    name = "bitwise_and"
    kernel = np.bitwise_and
    partials = DISCRETE * 2
    intervals = (
        (-2.0, 2.0),
        (-2.0, 2.0),
    )
    cases = INTEGERS


class BitwiseOr(Discrete):
    """Bits set in one of the operands (integers or bools): ``a | b``.

    >>> import autodiff as ad
    >>> ad.bitwise_or(ad.tensor([12, 5]), ad.tensor([10, 1]))
    Tensor([14,  5])
    """

    name = "bitwise_or"
    kernel = np.bitwise_or
    partials = DISCRETE * 2
    intervals = (
        (-2.0, 2.0),
        (-2.0, 2.0),
    )
    cases = INTEGERS


class BitwiseXor(Discrete):
    """Bits set in exactly one operand (integers or bools): ``a ^ b``.

    >>> import autodiff as ad
    >>> ad.bitwise_xor(ad.tensor([12, 5]), ad.tensor([10, 1]))
    Tensor([6, 4])
    """

    name = "bitwise_xor"
    kernel = np.bitwise_xor
    partials = DISCRETE * 2
    intervals = (
        (-2.0, 2.0),
        (-2.0, 2.0),
    )
    cases = INTEGERS


class Invert(Discrete):
    """Each bit turned over (integers or bools): ``~x``.

    >>> import autodiff as ad
    >>> ad.invert(ad.tensor([0, 5]))
    Tensor([-1, -6])
    """

    name = "invert"
    kernel = np.invert
    partials = DISCRETE
    intervals = ((-2.0, 2.0),)
    cases = (Case((np.array([1, 2, 3]),)), Case((np.array([True, False]),)))


equal: Function = elementwise_function(Equal)
not_equal: Function = elementwise_function(NotEqual)
less: Function = elementwise_function(Less)
less_equal: Function = elementwise_function(LessEqual)
greater: Function = elementwise_function(Greater)
greater_equal: Function = elementwise_function(GreaterEqual)
logical_and: Function = elementwise_function(LogicalAnd)
logical_or: Function = elementwise_function(LogicalOr)
logical_xor: Function = elementwise_function(LogicalXor)
logical_not: Function = elementwise_function(LogicalNot)
isnan: Function = elementwise_function(Isnan)
isinf: Function = elementwise_function(Isinf)
isfinite: Function = elementwise_function(Isfinite)
bitwise_and: Function = elementwise_function(BitwiseAnd)
bitwise_or: Function = elementwise_function(BitwiseOr)
bitwise_xor: Function = elementwise_function(BitwiseXor)
invert: Function = elementwise_function(Invert)
