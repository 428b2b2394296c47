"""The normal distribution: its function and logarithm, and inverses of the error functions."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from autodiff.families import Elementwise, Function, elementwise_function
from autodiff.ops.exponential import exp
from autodiff.ops.movement import as_array
from autodiff.ops.special import erfc, error_function, scaled_tail
from autodiff.registry import public

__all__ = ["erfcinv", "erfcx", "erfinv", "log_ndtr", "ndtr", "ndtri"]

_ROOT_PI, _ROOT_HALF = math.sqrt(math.pi), math.sqrt(0.5)


def _real(x: Any) -> tuple[Any, Any]:
    """The operand in double precision, and the dtype of the result."""
    given = np.asarray(x)
    return given.astype(np.float64), np.cbrt.resolve_dtypes((given.dtype, None))[1]


def _scaled(v: Any) -> Any:
    """exp(v * v) * erfc(v)."""
    y, tail = np.empty(v.shape), v >= 1.25
    y[tail] = scaled_tail(v[tail])
    low = v[~tail]
    # v * v is rounded, and exp magnifies that: its leading half is split off.
    lead = low.astype(np.float32).astype(np.float64)
    y[~tail] = np.exp(lead * lead) * np.exp((low - lead) * (low + lead)) * error_function(low, True)
    return y


def _erfcx(x: Any) -> Any:
    v, dtype = _real(x)
    with np.errstate(over="ignore", invalid="ignore"):
        return _scaled(v).astype(dtype)[()]


class Erfcx(Elementwise):
    r"""Complementary error function without its decay.

    .. math:: y = e^{x^2} \operatorname{erfc} x, \qquad dy/dx = 2 x y - 2 / \sqrt\pi

    Source of the coefficients: that of ``erfc``.

    >>> import autodiff as ad
    >>> ad.special.erfcx(ad.tensor([0.0, 100.0]))
    Tensor([1.        , 0.00564161])
    """

    name = "erfcx"
    kernel = staticmethod(_erfcx)
    reference = staticmethod(lambda x: np.exp(x * x) * np.vectorize(math.erfc, otypes=[float])(x))
    like = np.cbrt
    products = (lambda g, y, x: g * (2 * (x * y) - 2 / _ROOT_PI),)
    intervals = ((-2.0, 3.0),)


def _log_ndtr(x: Any) -> Any:
    v, dtype = _real(x)
    y, below = np.empty(v.shape), v < -1
    with np.errstate(all="ignore"):
        left, right = v[below] * -_ROOT_HALF, v[~below] * _ROOT_HALF
        y[below] = np.log(_scaled(left) / 2) - left * left
        y[~below] = np.log1p(-error_function(right, True) / 2)
    return y.astype(dtype)[()]


class LogNdtr(Elementwise):
    r"""Logarithm of the distribution function of the standard normal, exact in both tails.

    .. math:: y = \ln \Phi(x), \qquad dy/dx = \varphi(x) / \Phi(x)

    >>> import autodiff as ad
    >>> ad.special.log_ndtr(ad.tensor([-100.0, 0.0]))
    Tensor([-5.00552421e+03, -6.93147181e-01])
    """

    name = "log_ndtr"
    kernel = staticmethod(_log_ndtr)
    reference = staticmethod(
        lambda x: np.log(np.vectorize(math.erfc, otypes=[float])(x * -_ROOT_HALF) / 2)
    )
    like = np.cbrt
    products = (lambda g, x: g * (2 * _ROOT_HALF / _ROOT_PI) / erfcx(x * -_ROOT_HALF),)
    intervals = ((-3.0, 3.0),)
    special = (0.0, -1e4)


def _middle(x: Any) -> Any:
    """The inverse of erf for entries of size up to 0.5, by Halley's steps."""
    y = x * (_ROOT_PI / 2) * (1 + x * x * (math.pi / 12))
    for _ in range(3):
        error = error_function(y, False) - x
        y = y - error / (2 / _ROOT_PI * np.exp(-y * y) + y * error)
    return y


def _tail(c: Any) -> Any:
    """The inverse of erfc for entries up to 0.5, by Newton's steps on its logarithm.

    The first guess is Winitzki's, "A handy approximation for the error function and its inverse"
    (2008), within 2e-3.
    """
    log_c = np.log(c)
    length = log_c + np.log1p(1 - c)
    t = 2 / (math.pi * 0.147) + length / 2
    y = np.sqrt(np.sqrt(t * t - length / 0.147) - t)
    for _ in range(3):
        scaled = _scaled(y)
        y = y + (np.log(scaled) - y * y - log_c) * scaled * (_ROOT_PI / 2)
    return np.where(c == 0, math.inf, y)


def _inverse(x: Any, rest: Any) -> Any:
    """Where erf is x; ``rest`` is 1 - |x|, exactly."""
    y = np.full(x.shape, math.nan)
    inside = np.abs(x) <= 0.5
    outside = ~inside & (rest >= 0)
    y[inside] = _middle(x[inside])
    with np.errstate(all="ignore"):
        y[outside] = np.sign(x[outside]) * _tail(rest[outside])
    return y


def _erfinv(x: Any) -> Any:
    v, dtype = _real(x)
    return _inverse(v, 1 - np.abs(v)).astype(dtype)[()]


def _erfcinv(x: Any) -> Any:
    v, dtype = _real(x)
    return _inverse(1 - v, np.minimum(v, 2 - v)).astype(dtype)[()]


class Erfinv(Elementwise):
    r"""Inverse of the error function: infinite at -1 and 1, NaN beyond.

    .. math:: \operatorname{erf} y = x, \qquad dy/dx = \tfrac{\sqrt\pi}{2} e^{y^2}

    >>> import autodiff as ad
    >>> ad.special.erfinv(ad.tensor([0.0, 0.5]))
    Tensor([0.        , 0.47693628])
    """

    name = "erfinv"
    kernel = staticmethod(_erfinv)
    like = np.cbrt
    products = (lambda g, y: g * (_ROOT_PI / 2 * exp(y * y)),)
    intervals = ((-0.9, 0.9),)


class Erfcinv(Elementwise):
    r"""Inverse of the complementary error function, exact where ``x`` is small.

    .. math:: \operatorname{erfc} y = x, \qquad dy/dx = -\tfrac{\sqrt\pi}{2} e^{y^2}

    Infinite at 0 and 2, NaN beyond.

    >>> import autodiff as ad
    >>> ad.special.erfcinv(ad.tensor([1.0, 1e-100]))
    Tensor([ 0.       , 15.0655747])
    """

    name = "erfcinv"
    kernel = staticmethod(_erfcinv)
    like = np.cbrt
    products = (lambda g, y: g * (-_ROOT_PI / 2 * exp(y * y)),)
    intervals = ((0.1, 1.9),)


erfcx: Function = elementwise_function(Erfcx)
log_ndtr: Function = elementwise_function(LogNdtr)
erfinv: Function = elementwise_function(Erfinv)
erfcinv: Function = elementwise_function(Erfcinv)


@public
def ndtr(x: Any, /) -> Any:
    r"""Distribution function of the standard normal, exact where it is small.

    .. math:: y = \Phi(x) = \tfrac12 \operatorname{erfc}(-x / \sqrt2), \qquad
        dy/dx = \frac{1}{\sqrt{2 \pi}} e^{-x^2/2}

    >>> import autodiff as ad
    >>> ad.special.ndtr(ad.tensor([-10.0, 0.0]))
    Tensor([7.61985302e-24, 5.00000000e-01])
    """
    return erfc(as_array(x) * -_ROOT_HALF) / 2


@public
def ndtri(p: Any, /) -> Any:
    r"""Inverse of ``ndtr``: the quantile of the standard normal.

    .. math:: \Phi(y) = p, \qquad dy/dp = \sqrt{2 \pi}\, e^{y^2/2}

    Infinite at 0 and 1, NaN beyond.

    >>> import autodiff as ad
    >>> ad.special.ndtri(ad.tensor(0.975))
    Tensor(1.95996398)
    """
    return erfcinv(2 * as_array(p)) * -math.sqrt(2)
