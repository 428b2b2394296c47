"""The normal distribution: its function and logarithm; inverses stand in ``borrowed``."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from autodiff.families import Elementwise, Function, elementwise_function
from autodiff.ops.exponential import exp
from autodiff.ops.movement import as_array
from autodiff.ops.selection import where
from autodiff.ops.special import erfc, error_function, scaled_tail
from autodiff.registry import public
from autodiff.tensor import raw

__all__ = ["erfcx", "log_ndtr", "ndtr"]

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


def _log_ndtr_product(g: Any, y: Any, x: Any) -> Any:
    # erfcx keeps the digits that the exponents lose on the left, and overflows on the right.
    right = raw(x) > 5
    left = 2 * _ROOT_HALF / _ROOT_PI / erfcx(where(right, 0, x) * -_ROOT_HALF)
    return g * where(right, exp(x * x / -2 - y) * (_ROOT_HALF / _ROOT_PI), left)


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
    products = (_log_ndtr_product,)
    intervals = ((-3.0, 3.0),)
    special = (0.0, -1e4, 1e4)


erfcx: Function = elementwise_function(Erfcx)
log_ndtr: Function = elementwise_function(LogNdtr)


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
