"""The logarithm of the gamma function and its derivatives, the polygamma functions."""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np

from autodiff.errors import DTypeError, ShapeError
from autodiff.families import Elementwise, Function, elementwise_function
from autodiff.ops.movement import as_array
from autodiff.primitive import Case, In
from autodiff.registry import PRIMITIVES, public
from autodiff.tensor import apply

__all__ = ["betaln", "digamma", "gammaln", "multigammaln", "polygamma"]

# Bernoulli numbers B_2, B_4, ... of the asymptotic series (DLMF 24.2.1). From 10 on, eight terms
# leave less than a rounding error.
_BERNOULLI = (1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730, 7 / 6, -3617 / 510)
_LARGE = 10.0
_EULER = 0.5772156649015329
# The zero of digamma as a sum of two doubles.
_ROOT, _ROOT_REST = 1.4616321449683623, 9.549995429965697e-17


def _zeta(s: int, q: Any) -> Any:
    r"""Hurwitz zeta :math:`\sum_k (q + k)^{-s}` for integers s > 1 and q > 0, by Euler-Maclaurin.

    Reference: DLMF 25.11.28.
    """
    total, n = np.zeros(np.shape(q)), 12
    with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
        for k in range(n):
            total = total + (q + k) ** -float(s)
        end = q + float(n)
        power = end ** -float(s)
        total = total + power * end / (s - 1) + power / 2
        factor = s * power / end / 2
        for k, b in enumerate(_BERNOULLI, 1):
            total = total + b * factor
            factor = factor * ((s + 2 * k - 1) * (s + 2 * k) / ((2 * k + 1) * (2 * k + 2))) / end**2
    return total


@functools.cache
def _log_gamma_series() -> tuple[float, ...]:
    """Coefficients of log gamma(2 + z) by rising powers of z, without the constant 0."""
    rest = [(-1) ** k * float(_zeta(k, 2.0)) / k for k in range(2, 32)]
    return (1 - _EULER, *rest)


def _horner(coefficients: Any, z: Any) -> Any:
    """z times the polynomial with these coefficients, lowest power first."""
    y = coefficients[-1] * z
    for c in reversed(coefficients[:-1]):  # in the one array that was made
        y += c
        y *= z
    return y


def log_gamma_positive(x: Any) -> Any:
    """For x > 0: Taylor's series between 0.5 and 2.5, recurrence up to 10, Stirling beyond."""
    y, large = np.empty(x.shape), x >= _LARGE
    y[~large] = _log_gamma_small(x[~large])
    v = x[large]
    y[large] = (v - 0.5) * np.log(v) - v + stirling_rest(v)
    return y


def _log_gamma_small(x: Any) -> Any:
    small = x < 0.5
    shifted, product = np.where(small, x + 1, x), np.where(small, x, 1.0)
    # Downwards all terms are positive, so that nothing cancels; upwards digits would be lost at 3.
    factor = np.ones(np.shape(x))
    for k in range(1, 9):
        lower = shifted - k
        np.copyto(lower, 1.0, where=lower < 1.5)
        factor *= lower
    shifted = shifted - np.clip(np.floor(shifted - 1.5), 0, 8)
    below = shifted < 1.5
    z = np.where(below, shifted - 1, shifted - 2)
    y = _horner(_log_gamma_series(), z) - np.where(below, np.log1p(z), 0.0)
    return y + np.log(factor) - np.log(product)


def stirling_rest(v: Any) -> Any:
    """log gamma(v) - (v - 1/2) log(v) + v of entries from 10 up."""
    square = 1 / (v * v)
    tail = _horner([b / (2 * k * (2 * k - 1)) for k, b in enumerate(_BERNOULLI, 1)], square)
    return 0.5 * math.log(2 * math.pi) + tail * v


def _turn(x: Any) -> Any:
    """The distance from the nearest integer, of which sines and tangents of pi x are made."""
    return x - np.round(x)


def _real(x: Any) -> tuple[Any, Any]:
    """The operand in double precision, and the dtype of the result."""
    given = np.asarray(x)
    return given.astype(np.float64), np.cbrt.resolve_dtypes((given.dtype, None))[1]


def _gammaln(x: Any) -> Any:
    v, dtype = _real(x)
    with np.errstate(all="ignore"):
        reflected = v <= 0
        y = log_gamma_positive(np.where(reflected, 1 - v, v))
        sine = np.abs(np.sin(math.pi * _turn(v)))
        y = np.where(reflected, np.log(math.pi / sine) - y, y)
        y = np.where(np.isinf(v), math.inf, y)
    return y.astype(dtype)[()]


class Gammaln(Elementwise):
    r"""Logarithm of the size of the gamma function.

    .. math:: y = \ln |\Gamma(x)|, \qquad dy/dx = \psi(x)

    Infinite at 0, -1, -2, .... The error is a few units in the last place for x > 0.

    Reference: DLMF 5.7.3 (series), 5.11.1 (Stirling), 5.5.3 (reflection).

    >>> import autodiff as ad
    >>> ad.special.gammaln(ad.tensor([1.0, 5.0]))
    Tensor([0.        , 3.17805383])
    """

    name = "gammaln"
    kernel = staticmethod(_gammaln)
    reference = np.vectorize(math.lgamma, otypes=[float])
    like = np.cbrt
    products = (lambda g, x: g * digamma(x),)
    intervals = ((0.2, 4.0),)
    cases = (
        Case((In((3, 4), 0.2, 13.0),)),
        Case((In((4,), -2.9, -2.1),)),
        Case((In((), 0.2, 4.0),)),
        Case((In((0, 2)),)),
    )


gammaln: Function = elementwise_function(Gammaln)


@functools.cache
def _digamma_series() -> tuple[float, ...]:
    """Coefficients of digamma about its zero, by rising powers."""
    return tuple((-1) ** (k + 1) * float(_zeta(k + 1, np.float64(_ROOT))) for k in range(1, 26))


def digamma_positive(x: Any) -> Any:
    """For x > 0: Taylor's series about the zero, recurrence up to 10, then asymptotic series."""
    y, near = np.empty(x.shape), np.abs(x - _ROOT) < 0.3
    y[near] = _horner(_digamma_series(), (x[near] - _ROOT) - _ROOT_REST)
    y[~near] = _digamma_away(x[~near])
    return y


def _digamma_away(v: Any) -> Any:
    total, small = np.zeros(v.shape), v < _LARGE
    if small.any():
        w = v[small]
        terms, steps = np.zeros(w.shape), np.zeros(w.shape)
        for k in range(10):
            up = w + k
            on = up < _LARGE
            terms -= on / up
            steps += on
        total[small], v = terms, v.copy()
        v[small] = w + steps
    square = 1 / (v * v)
    tail = _horner([b / (2 * k) for k, b in enumerate(_BERNOULLI, 1)], square)
    return total + np.log(v) - 0.5 / v - tail


@functools.cache
def _cotangent(order: int) -> Any:
    """The derivative of pi cot(pi x) of some order, as a polynomial in cot(pi x)."""
    p = np.polynomial.Polynomial([0.0, math.pi])
    for _ in range(order):
        p = -math.pi * np.polynomial.Polynomial([1.0, 0.0, 1.0]) * p.deriv()
    return p


def _polygamma(x: Any, *, order: int) -> Any:
    v, dtype = _real(x)
    with np.errstate(all="ignore"):
        reflected = v <= 0
        positive = np.where(reflected, 1 - v, v)
        if order == 0:
            y = digamma_positive(positive)
        else:
            y = (-1) ** (order + 1) * math.factorial(order) * _zeta(order + 1, positive)
        cot = 1 / np.tan(math.pi * _turn(v))
        y = np.where(reflected, (-1) ** order * y - _cotangent(order)(cot), y)
        y = np.where(reflected & (v == np.round(v)), math.nan, y)
    return y.astype(dtype)[()]


class Polygamma(Elementwise):
    """The derivative of ``gammaln`` of order ``order`` + 1; see ``ad.special.polygamma``."""

    name = "polygamma"
    kernel = staticmethod(_polygamma)
    like = np.cbrt
    products = (lambda g, x, *, order: g * apply(PRIMITIVES["polygamma"], x, order=order + 1),)
    intervals = ((0.2, 4.0),)
    cases = (
        Case((In((3, 4), 0.5, 13.0),), {"order": 0}),
        Case((In((4,), -2.8, -2.2),), {"order": 0}),
        Case((In((), 0.5, 4.0),), {"order": 1}),
        Case((In((2, 3), 0.8, 4.0),), {"order": 2}),
        Case((In((0, 2)),), {"order": 1}),
    )


@public
def digamma(x: Any, /) -> Any:
    r"""Derivative of ``gammaln``: :math:`\psi(x)`.

    .. math:: \psi(x) = \frac{\Gamma'(x)}{\Gamma(x)}, \qquad d\psi/dx = \psi^{(1)}(x)

    NaN at 0, -1, -2, .... By recurrence and asymptotic series, and by Taylor's series about the
    zero at 1.46, so that the relative error is small there too.

    Reference: DLMF 5.11.2, 5.5.2, 5.5.4.

    >>> import autodiff as ad
    >>> ad.special.digamma(ad.tensor([1.0, 2.0]))
    Tensor([-0.57721566,  0.42278434])
    """
    return apply(PRIMITIVES["polygamma"], as_array(x), order=0)


@public
def polygamma(n: int, x: Any) -> Any:
    r"""Derivative of ``digamma`` of order ``n``, a number that is not negative.

    .. math:: \psi^{(n)}(x) = (-1)^{n+1}\, n! \sum_{k=0}^\infty \frac{1}{(x + k)^{n+1}}

    Raises DTypeError for an order that is no such number; no gradient reaches it.

    Reference: DLMF 5.15.1, 25.11.28.

    >>> import autodiff as ad
    >>> ad.special.polygamma(1, ad.tensor(1.0))
    Tensor(1.64493407)
    """
    if not isinstance(n, (int, np.integer)) or isinstance(n, bool) or n < 0:
        raise DTypeError(f"polygamma: the order is an integer that is not negative, got {n!r}")
    return apply(PRIMITIVES["polygamma"], as_array(x), order=int(n))


@public
def betaln(a: Any, b: Any) -> Any:
    r"""Logarithm of the beta function.

    .. math:: y = \ln \Gamma(a) + \ln \Gamma(b) - \ln \Gamma(a + b)

    For arguments far apart in size the difference loses digits.

    >>> import autodiff as ad
    >>> ad.special.betaln(ad.tensor(2.0), 3.0)
    Tensor(-2.48490665)
    """
    a, b = as_array(a), as_array(b)
    return gammaln(a) + gammaln(b) - gammaln(a + b)


@public
def multigammaln(x: Any, d: int) -> Any:
    r"""Logarithm of the multivariate gamma function, for x > (d - 1) / 2.

    .. math:: y = \tfrac14 d (d - 1) \ln \pi + \sum_{j=1}^{d} \ln \Gamma(x + (1 - j) / 2)

    Raises ShapeError for a dimension ``d`` below 1.

    >>> import autodiff as ad
    >>> ad.special.multigammaln(ad.tensor(3.0), 2)
    Tensor(1.55019499)
    """
    if d < 1:
        raise ShapeError(f"multigammaln: the dimension is at least 1, got {d}")
    x = as_array(x)
    y = gammaln(x) + d * (d - 1) / 4 * math.log(math.pi)
    for j in range(2, d + 1):
        y = y + gammaln(x + (1 - j) / 2)
    return y
