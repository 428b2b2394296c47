"""Selection between operands: ``where``, the larger, the smaller, limits.

What an operation does not select has no gradient at all, which is not the number zero: see
``transforms.walk``.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from autodiff.errors import DTypeError
from autodiff.families import Elementwise, Function, elementwise_function
from autodiff.node import SCALARS
from autodiff.ops.elementwise import positive
from autodiff.primitive import Case, In
from autodiff.registry import PRIMITIVES, public
from autodiff.tensor import apply, aval_of, raw

__all__ = ["clip", "maximum", "minimum", "where"]

ANY = (-2.0, 2.0)


def _tie(g: Any, chosen: Any, tied: Any) -> Any:
    """The cotangent where an operand was chosen, half of it at a tie."""
    g = where(tied, 0.5 * g, g) if np.any(tied) else g
    return where(chosen, g, 0)


class Maximum(Elementwise):
    r"""The larger of two operands, entry by entry.

    .. math:: y = \max(a, b)

    The operand that was not selected has no gradient; at a tie each has half of it, the subgradient
    of least norm. NaN in either operand gives NaN.

    >>> import autodiff as ad
    >>> ad.maximum(ad.tensor([1.0, -2.0]), 0)
    Tensor([1., 0.])
    """

    name = "maximum"
    kernel = np.maximum
    products = (
        lambda g, a, b: _tie(g, raw(a) >= raw(b), raw(a) == raw(b)),
        lambda g, a, b: _tie(g, raw(b) >= raw(a), raw(a) == raw(b)),
    )
    selects = True
    selected = (lambda a, b: raw(a) >= raw(b), lambda a, b: raw(b) >= raw(a))
    intervals = ((-2.0, 2.0), (-1.9, 2.1))


class Minimum(Elementwise):
    r"""The smaller of two operands, entry by entry.

    .. math:: y = \min(a, b)

    The operand that was not selected has no gradient; at a tie each has half of it.

    >>> import autodiff as ad
    >>> ad.minimum(ad.tensor([1.0, -2.0]), 0)
    Tensor([ 0., -2.])
    """

    name = "minimum"
    kernel = np.minimum
    products = (
        lambda g, a, b: _tie(g, raw(a) <= raw(b), raw(a) == raw(b)),
        lambda g, a, b: _tie(g, raw(b) <= raw(a), raw(a) == raw(b)),
    )
    selects = True
    selected = (lambda a, b: raw(a) <= raw(b), lambda a, b: raw(b) <= raw(a))
    intervals = ((-2.0, 2.0), (-1.9, 2.1))


def _inside(x: Any, low: Any, high: Any) -> Any:
    return (raw(x) >= raw(low)) & (raw(x) <= raw(high))


class Clip(Elementwise):
    r"""Each entry limited to an interval.

    .. math:: y = \min(\max(x, \mathrm{low}), \mathrm{high})

    The gradient goes to ``x`` where low ≤ x ≤ high, the bounds included, so that a value on a bound
    can still move inwards; elsewhere to the bound that was taken.
    """

    name = "clip"
    arguments = ("x", "low", "high")
    kernel = staticmethod(lambda x, low, high, out=None: np.clip(x, low, high, out=out))
    products = (
        lambda g, x, low, high: where(_inside(x, low, high), g, 0),
        lambda g, x, low, high: where((raw(x) < raw(low)) & (raw(low) <= raw(high)), g, 0),
        lambda g, x, high: where(raw(x) > raw(high), g, 0),
    )
    selects = True
    selected = (
        _inside,
        lambda x, low, high: (raw(x) < raw(low)) & (raw(low) <= raw(high)),
        lambda x, high: raw(x) > raw(high),
    )
    intervals = (ANY, (-1.1, -0.9), (0.9, 1.1))

    def infer_dtype(self, *dtypes: Any) -> Any:
        # NumPy makes an array of the first operand, so that a Python scalar there is not weak.
        return _promote("clip", np.dtype(dtypes[0]), *dtypes[1:])


def _promote(name: str, *dtypes: Any) -> np.dtype[Any]:
    """NumPy's common dtype, with Python scalars weak."""
    try:
        return np.result_type(*(d(0) if d in SCALARS else d for d in dtypes))
    except TypeError as error:
        raise DTypeError(f"{name}: no common dtype: {error}") from None


class Where(Elementwise):
    r"""Entries of one operand where a condition holds, of the other elsewhere.

    .. math:: y = c \mathbin{?} a : b

    What was not selected has no gradient at all: an infinite derivative there gives no NaN.

    Parameters: ``c`` bool, ``a`` and ``b`` of any dtype; all three broadcast.
    """

    name = "where"
    arguments = ("c", "a", "b")
    kernel = staticmethod(lambda c, a, b: np.where(c, a, b))
    products = (None, lambda g, c: where(c, g, 0), lambda g, c: where(c, 0, g))
    selects = True
    selected = (None, lambda c: np.not_equal(raw(c), 0), lambda c: np.equal(raw(c), 0))
    intervals = (ANY, ANY, ANY)
    cases = (
        Case((np.array([[True, False, True], [False, False, True]]), In((2, 3)), In((2, 3)))),
        Case((np.array([[True], [False]]), In((3,)), In((2, 1)))),
        Case((np.array(True), In(()), In((2,)))),
        Case((np.array(False), In(()), In(()))),
        Case((np.ones((0, 2), bool), In((2,)), In((1, 2)))),
    )

    def infer_dtype(self, *dtypes: Any) -> Any:
        return _promote("where", *dtypes[1:])


maximum: Function = elementwise_function(Maximum)
minimum: Function = elementwise_function(Minimum)


@public
def clip(x: Any, min: Any = None, max: Any = None) -> Any:
    r"""Limit each entry to an interval; None leaves that side open.

    .. math:: y = \min(\max(x, \mathrm{min}), \mathrm{max})

    The gradient goes to ``x`` where it lies in the interval, the bounds included; elsewhere to the
    bound that was taken.

    Parameters
    ----------
    x : array_like
    min, max : array_like or None
        They broadcast with ``x``.

    >>> import autodiff as ad
    >>> ad.clip(ad.tensor([-2.0, 0.5, 2.0]), -1, 1)
    Tensor([-1. ,  0.5,  1. ])
    """
    if min is None and max is None:
        return positive(x)
    dtype = np.dtype(aval_of(x).dtype)
    integers = dtype.kind in "iu"
    lowest: Any = np.iinfo(dtype).min if integers else -np.inf
    highest: Any = np.iinfo(dtype).max if integers else np.inf
    low, high = lowest if min is None else min, highest if max is None else max
    return apply(PRIMITIVES["clip"], x, low, high)


@public
def where(condition: Any, x: Any, y: Any, /) -> Any:
    r"""Entries of ``x`` where ``condition`` holds, of ``y`` elsewhere.

    .. math:: z_i = c_i \mathbin{?} x_i : y_i

    What was not selected has no gradient at all: an infinite derivative there gives no NaN.

    Parameters
    ----------
    condition : array_like of bool
    x, y : array_like
        All three broadcast.

    >>> import autodiff as ad
    >>> x = ad.tensor([4.0, 0.0], requires_grad=True)
    >>> ad.gradients(ad.where(x > 0, ad.sqrt(x), 0.0).sum(), x)
    Tensor([0.25, 0.  ])
    """
    return apply(PRIMITIVES["where"], condition, x, y)
