"""Modified Bessel functions of the first kind, of whole order."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from autodiff.families import Elementwise
from autodiff.ops.movement import as_array
from autodiff.ops.rounding import sign
from autodiff.primitive import Case, In
from autodiff.registry import PRIMITIVES, public
from autodiff.tensor import apply

__all__ = ["i0", "i0e", "i1", "i1e"]

_LARGE = 30.0


def _scaled(v: Any, order: int) -> Any:
    """exp(-v) * I(v) of entries that are not negative: power series, and beyond 30 the asymptotic.

    All terms of the power series have one sign, so that none of its digits cancel.
    """
    result, low = np.empty(v.shape), v <= _LARGE
    near, far = v[low], v[~low]
    quarter, y = near * near / 4, np.ones(near.shape)
    for k in range(70 + order, 0, -1):  # in the one array that was made
        y *= quarter
        y *= 1 / (k * (k + order))
        y += 1
    result[low] = y * np.exp(-near) * (near / 2) ** order / math.factorial(order)
    term, total = np.ones(far.shape), np.ones(far.shape)
    for k in range(1, 26):
        term *= -(4 * order**2 - (2 * k - 1) ** 2) / (8 * k * far)
        total += term
    result[~low] = total / np.sqrt(2 * math.pi * far)
    return result


def _bessel_i(x: Any, *, order: int, scaled: bool) -> Any:
    given = np.asarray(x)
    dtype = np.cbrt.resolve_dtypes((given.dtype, None))[1]
    v = given.astype(np.float64)
    size = np.abs(v)
    with np.errstate(over="ignore", invalid="ignore"):
        y = _scaled(size, order)
        y = y if scaled else y * np.exp(size)
    if order % 2:
        y = np.where(v < 0, -y, y)
    return np.asarray(y).astype(dtype)[()]


def _of_order(x: Any, order: int, scaled: bool) -> Any:
    # I(-n) is I(n) for whole orders.
    return apply(PRIMITIVES["bessel_i"], x, order=order if order >= 0 else -order, scaled=scaled)


def _slope(y: Any, x: Any, order: int, scaled: bool) -> Any:
    pair = _of_order(x, order - 1, scaled) + _of_order(x, order + 1, scaled)
    return 0.5 * pair - sign(x) * y if scaled else 0.5 * pair


class BesselI(Elementwise):
    """The modified Bessel function of order ``order``, times exp(-|x|) where ``scaled``."""

    name = "bessel_i"
    kernel = staticmethod(_bessel_i)
    like = np.cbrt
    products = (lambda g, y, x, *, order, scaled: g * _slope(y, x, order, scaled),)
    intervals = ((-3.0, 3.0),)
    cases = (
        Case((In((2, 3), -3.0, 3.0),), {"order": 0, "scaled": False}),
        Case((In((2, 3), 0.1, 40.0),), {"order": 0, "scaled": True}),
        Case((In((3,), -9.0, -0.1),), {"order": 1, "scaled": True}),
        Case((In(()),), {"order": 1, "scaled": False}),
        Case((In((0, 2)),), {"order": 2, "scaled": False}),
    )


@public
def i0(x: Any, /) -> Any:
    r"""Modified Bessel function of order 0 (``numpy.i0``).

    .. math:: y = \sum_k \frac{(x^2/4)^k}{(k!)^2}, \qquad dy/dx = I_1(x)

    Reference: DLMF 10.25.2, 10.40.1, 10.29.1.

    >>> import autodiff as ad
    >>> ad.i0(ad.tensor([0.0, 1.0]))
    Tensor([1.        , 1.26606588])
    """
    return _of_order(as_array(x), 0, False)


@public
def i0e(x: Any, /) -> Any:
    r"""Modified Bessel function of order 0 without its growth.

    .. math:: y = e^{-|x|} I_0(x)

    Beyond 30, derivatives are differences of nearly equal numbers: about 2 |x| rounding errors.

    >>> import autodiff as ad
    >>> ad.special.i0e(ad.tensor([0.0, 1000.0]))
    Tensor([1.        , 0.01261724])
    """
    return _of_order(as_array(x), 0, True)


@public
def i1(x: Any, /) -> Any:
    r"""Modified Bessel function of order 1.

    .. math:: y = I_1(x), \qquad dy/dx = \tfrac12 (I_0(x) + I_2(x))

    >>> import autodiff as ad
    >>> ad.special.i1(ad.tensor([0.0, 1.0]))
    Tensor([0.       , 0.5651591])
    """
    return _of_order(as_array(x), 1, False)


@public
def i1e(x: Any, /) -> Any:
    r"""Modified Bessel function of order 1 without its growth.

    .. math:: y = e^{-|x|} I_1(x)

    >>> import autodiff as ad
    >>> ad.special.i1e(ad.tensor([0.0, 1000.0]))
    Tensor([0.        , 0.01261093])
    """
    return _of_order(as_array(x), 1, True)
