"""Exponentials and logarithms, entry by entry."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from autodiff.families import Elementwise, Function, elementwise_function
from autodiff.ops.selection import where
from autodiff.tensor import raw

__all__ = [
    "exp",
    "exp2",
    "expm1",
    "log",
    "log1p",
    "log2",
    "log10",
    "logaddexp",
]

LN2, LN10 = math.log(2.0), math.log(10.0)


class Exp(Elementwise):
    r"""Exponential of each entry.

    .. math:: y = e^x, \qquad dy/dx = y

    >>> import autodiff as ad
    >>> ad.exp(ad.tensor([0.0, 1.0]))
    Tensor([1.        , 2.71828183])
    """

    name = "exp"
    kernel = np.exp
    products = (lambda g, y: g * y,)
    intervals = ((-2.0, 2.0),)


class Exp2(Elementwise):
    r"""Two to the power of each entry.

    .. math:: y = 2^x, \qquad dy/dx = y \ln 2

    >>> import autodiff as ad
    >>> ad.exp2(ad.tensor([0.0, 3.0]))
    Tensor([1., 8.])
    """

    name = "exp2"
    kernel = np.exp2
    products = (lambda g, y: g * (y * LN2),)
    intervals = ((-2.0, 2.0),)


def _expm1(x: Any, out: Any = None) -> Any:
    if not np.iscomplexobj(x):
        return np.expm1(x, out=out)
    # NumPy multiplies an infinity by sin 0 = 0, and so gives NaN for 1000 + 0i.
    with np.errstate(invalid="ignore"):
        y = np.expm1(x)
        return np.positive(np.where(np.isfinite(y), y, np.exp(x) - 1), out=out)


class Expm1(Elementwise):
    r"""Exponential minus one, exact near 0.

    .. math:: y = e^x - 1, \qquad dy/dx = y + 1

    >>> import autodiff as ad
    >>> ad.expm1(ad.tensor([0.0, 1e-10]))
    Tensor([0.e+00, 1.e-10])
    """

    name = "expm1"
    kernel = staticmethod(_expm1)
    like = np.expm1
    products = (lambda g, y: g * (y + 1),)
    intervals = ((-2.0, 2.0),)


class Log(Elementwise):
    r"""Natural logarithm.

    .. math:: y = \ln x, \qquad dy/dx = 1/x

    >>> import autodiff as ad
    >>> ad.log(ad.tensor([1.0, 2.0]))
    Tensor([0.        , 0.69314718])
    """

    name = "log"
    kernel = np.log
    products = (lambda g, x: g / x,)
    intervals = ((0.2, 2.0),)


def _log1p(x: Any, out: Any = None) -> Any:
    y = np.log1p(x, out=out)
    if y.dtype.kind != "c":
        return y
    # NumPy takes log |1 + x|, which loses a small real part, and overflows with |x|.
    y, a, b = np.asarray(y), np.real(x), np.imag(x)
    with np.errstate(all="ignore"):
        over = np.isfinite(x) & (y.real == np.inf)
        real = np.where(over, np.log(x).real, y.real)
        y.real = np.where(np.abs(x) < 0.5, 0.5 * np.log1p(a * (2 + a) + b * b), real)
    return y if y.ndim or out is not None else y[()]


class Log1p(Elementwise):
    r"""Natural logarithm of one plus each entry, exact near 0.

    .. math:: y = \ln(1 + x), \qquad dy/dx = 1/(1 + x)

    >>> import autodiff as ad
    >>> ad.log1p(ad.tensor([0.0, 1e-10]))
    Tensor([0.e+00, 1.e-10])
    """

    name = "log1p"
    kernel = staticmethod(_log1p)
    like = np.log1p
    products = (lambda g, x: g / (1 + x),)
    intervals = ((-0.8, 2.0),)


class Log2(Elementwise):
    r"""Logarithm to base 2.

    .. math:: y = \log_2 x, \qquad dy/dx = 1/(x \ln 2)

    >>> import autodiff as ad
    >>> ad.log2(ad.tensor([1.0, 8.0]))
    Tensor([0., 3.])
    """

    name = "log2"
    kernel = np.log2
    products = (lambda g, x: g / (x * LN2),)
    intervals = ((0.2, 2.0),)


class Log10(Elementwise):
    r"""Logarithm to base 10.

    .. math:: y = \log_{10} x, \qquad dy/dx = 1/(x \ln 10)

    >>> import autodiff as ad
    >>> ad.log10(ad.tensor([1.0, 100.0]))
    Tensor([0., 2.])
    """

    name = "log10"
    kernel = np.log10
    products = (lambda g, x: g / (x * LN10),)
    intervals = ((0.2, 2.0),)


def _share(a: Any, y: Any) -> Any:
    # Where both operands are -inf, so is y, and a - y would be NaN; against 0, a share is 0.
    nothing = raw(y) == -math.inf
    return exp(a - where(nothing, 0, y)) if np.any(nothing) else exp(a - y)


class Logaddexp(Elementwise):
    r"""Logarithm of a sum of exponentials, without overflow.

    .. math:: y = \ln(e^a + e^b), \quad \partial y/\partial a = e^{a-y}, \quad
              \partial y/\partial b = e^{b-y}

    Where both are -inf, so is y, and both derivatives are 0.

    >>> import autodiff as ad
    >>> ad.logaddexp(ad.tensor([0.0, 1e4]), 0.0)
    Tensor([6.93147181e-01, 1.00000000e+04])
    """

    name = "logaddexp"
    kernel = np.logaddexp
    products = (lambda g, y, a: g * _share(a, y), lambda g, y, b: g * _share(b, y))
    intervals = ((-2.0, 2.0), (-2.0, 2.0))
    special = (1e4, -1e4)


exp: Function = elementwise_function(Exp)
exp2: Function = elementwise_function(Exp2)
expm1: Function = elementwise_function(Expm1)
log: Function = elementwise_function(Log)
log1p: Function = elementwise_function(Log1p)
log2: Function = elementwise_function(Log2)
log10: Function = elementwise_function(Log10)
logaddexp: Function = elementwise_function(Logaddexp)
