r"""What derivatives of incomplete gamma functions, and gamma draws, are made of.

That is one integral. With :math:`\varphi(u) = a u - x (e^u - 1)`,

.. math:: T_{nm} = \int_{-\infty}^0 u^n (1 - e^u)^m e^{\varphi(u)} du \quad\text{or}\quad
    -\int_0^\infty u^n (1 - e^u)^m e^{\varphi(u)} du, \qquad
    P(a, x) = w\,T_{00} \quad\text{or}\quad 1 + w\,T_{00}, \qquad w = \frac{x^a e^{-x}}{\Gamma(a)}

the first where :math:`\ln x < \psi(a)`. In :math:`\partial P/\partial a = w\,((\ln x - \psi(a))
T_{00} + T_{10})` all terms then have one sign, so that nothing cancels, and both choices have the
same derivatives, :math:`\partial T_{nm}/\partial a = T_{n+1,m}` and :math:`\partial T_{nm}/\partial
x = T_{n,m+1}`.

Reference: DLMF 8.2, substituted; M. Figurnov, S. Mohamed, A. Mnih, "Implicit reparameterization
gradients" (2018) for what the derivative by a serves.
"""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np

from autodiff.families import Elementwise
from autodiff.node import SCALARS
from autodiff.ops.comparison import equal
from autodiff.ops.entropy import xlogy
from autodiff.ops.exponential import log
from autodiff.ops.gamma import digamma, digamma_positive, log_gamma_positive, stirling_rest
from autodiff.ops.selection import where
from autodiff.primitive import Case, In
from autodiff.registry import PRIMITIVES
from autodiff.tensor import apply

__all__: list[str] = []

_DEPTH = 42.0  # integrands are followed until they have fallen by exp(-42)
_BLOCK = 256
_LAST = 1e-9  # after a step of Newton's this long, the next would be shorter than rounding errors


@functools.cache
def _nodes() -> tuple[Any, Any]:
    """Gauss-Legendre nodes and weights on (0, 1)."""
    nodes, weights = np.polynomial.legendre.leggauss(64)
    return (nodes[:, None] + 1) / 2, weights[:, None] / 2


def _pair(a: Any, x: Any) -> tuple[Any, Any, Any]:
    """Both operands in double precision, and the dtype of the result."""
    given = [np.asarray(v) for v in (a, x)]
    kinds = [type(v) if type(v) in SCALARS else g.dtype for v, g in zip((a, x), given)]
    dtype = np.arctan2.resolve_dtypes((*kinds, None))[2]
    a, x = np.broadcast_arrays(*(g.astype(np.float64) for g in given))
    return a, x, dtype


def _reach(a: Any, x: Any, lower: Any) -> Any:
    """How far from 0, on its side, the integrand has fallen by exp(-42): by Newton's steps."""
    # From beyond, the steps on a convex function come down to it without passing it.
    side = np.where(lower, -1.0, 1.0)
    log_x = np.log(x)  # quotients by the smallest numbers overflow, and exp(w) does
    wide = np.where(lower, (_DEPTH + x) / a, np.log(x + _DEPTH + a) - log_x + 2.0)
    w = np.minimum(wide, np.sqrt(3 * _DEPTH / x) + 3 * _DEPTH / np.maximum(x, _DEPTH))
    w = np.where(np.sqrt(3 * _DEPTH / x) < 1, w, wide)
    for _ in range(12):
        rise = np.exp(side * w + log_x)
        fall = rise - x - side * a * w - _DEPTH
        w = np.maximum(w - fall / (side * (rise - a)), w / 4)
    return w


def _panel(n: int, m: int, a: Any, x: Any, start: Any, stop: Any) -> Any:
    """The integral of u^n (1 - exp(u))^m exp(phi(u)) from ``start`` to ``stop``."""
    y, length = np.zeros(a.shape), stop - start
    some = np.flatnonzero(length)  # most entries have one panel only
    nodes, weights = _nodes()
    for first in range(0, len(some), _BLOCK):  # all nodes of as many entries as a cache holds
        k = some[first : first + _BLOCK]
        u = start.flat[k] + length.flat[k] * nodes
        growth = np.expm1(u)
        term = np.exp(a.flat[k] * u - x.flat[k] * growth)
        term = term if n == 0 else u**n * term
        term = term if m == 0 else (-growth) ** m * term
        far = np.isposinf(growth)
        if far.any():  # but x exp(u) is not
            rise = np.exp(u + np.log(x.flat[k]))
            term = np.where(far, u**n * (-1) ** m * np.exp((a.flat[k] + m) * u - rise), term)
        y.flat[k] = np.sum(weights * term, 0) * length.flat[k]
    return y


def _is_lower(a: Any, x: Any) -> Any:
    return np.log(x) < digamma_positive(a)


def _integral(a: Any, x: Any, lower: Any, n: int = 0, m: int = 0) -> Any:
    reach = _reach(np.where(lower, a, a + m), x, lower)  # (1 - e^u)^m grows as e^(m u)
    # Below exp(-6) / x the integrand is nearly a power, beyond it falls steeply: two panels. On the
    # other side it falls slowly where a is small, and 1 - e^u is a bend near 0.
    below = np.where(reach > 60.0, -24.0, 0.0)
    bend = np.where(lower, below, np.clip(-np.log(x) - 6, 0.0, reach))
    first = _panel(n, m, a, x, np.where(lower, -reach, 0.0), bend)
    second = _panel(n, m, a, x, bend, np.where(lower, 0.0, reach))
    return np.where(lower, 1.0, -1.0) * (first + second)


def _moment(a: Any, x: Any, *, n: int, m: int) -> Any:
    a, x, dtype = _pair(a, x)
    with np.errstate(all="ignore"):
        return np.asarray(_integral(a, x, _is_lower(a, x), n, m)).astype(dtype)[()]


def _moment_of(a: Any, x: Any, n: int, m: int = 0) -> Any:
    return apply(PRIMITIVES["gamma_moment"], a, x, n=n, m=m)


def _cases(*intervals: tuple[float, float]) -> tuple[Case, ...]:
    """Few entries: these kernels iterate, and every check of a primitive calls them often."""
    shapes = (((2,), ()), ((), (2, 1)), ((), ()), ((0, 2), (1,)))
    rows = [(*row, *row[1:] * (len(intervals) - 2)) for row in shapes]
    return tuple(Case(tuple(map(In, row, *zip(*intervals, strict=True)))) for row in rows)


class GammaMoment(Elementwise):
    """The integral T of this module, of powers ``n`` and ``m``: what incomplete gammas are made of.

    >>> import autodiff as ad
    >>> ad.special.gammainc(ad.tensor(1.0), 1.0)
    Tensor(0.63212056)
    """

    name = "gamma_moment"
    arguments = ("a", "x")
    kernel = staticmethod(_moment)
    like = np.arctan2
    products = (
        lambda g, a, x, *, n, m: g * _moment_of(a, x, n + 1, m),
        lambda g, a, x, *, n, m: g * _moment_of(a, x, n, m + 1),
    )
    intervals = ((0.5, 3.0), (0.2, 4.0))
    cases = (
        Case((In((2, 3), 0.5, 3.0), In((2, 3), 3.5, 5.0)), {"n": 0, "m": 0}),
        Case((In((2, 1), 2.0, 5.0), In((3,), 0.3, 1.0)), {"n": 1, "m": 0}),
        Case((In((), 2.0, 5.0), In((2,), 6.0, 9.0)), {"n": 2, "m": 1}),
        Case((In((0, 2)), In((1,))), {"n": 0, "m": 0}),
    )


def _distance(x: Any, a: Any) -> Any:
    """r - 1 - log(r) of r = x / a, to all digits near 1."""
    m = (x - a) / a
    v = m / (2 + m)
    near: Any = 0.0
    for k in range(21, 1, -2):
        near = near * (v * v) + 1.0 / k
    return np.where(np.abs(m) < 0.3, v * m - 2 * v**3 * near, m - np.log(x / a))


def _weight_kernel(a: Any, x: Any) -> Any:
    a, x, dtype = _pair(a, x)
    with np.errstate(all="ignore"):
        small = np.where(a < 10, a, 1.0)
        plain = small * np.log(x) - x - log_gamma_positive(small)
        # Of large numbers the difference of the logarithms would lose digits.
        big = np.where(a < 10, 10.0, a)
        scaled = 0.5 * np.log(big) - big * _distance(x, big) - stirling_rest(big)
        y = np.exp(np.where(a < 10, plain, scaled))
    return y.astype(dtype)[()]


def _weight_slope(w: Any, a: Any, x: Any) -> Any:
    """w (log x - digamma(a)), which is 0 at x = 0."""
    return xlogy(w, x) - w * digamma(a)


class GammaWeight(Elementwise):
    r"""The density of the gamma distribution times its variable.

    .. math:: y = \frac{x^a e^{-x}}{\Gamma(a)}, \quad
        \partial y/\partial a = y (\ln x - \psi(a)), \quad \partial y/\partial x = y (a/x - 1)

    >>> import autodiff as ad
    >>> ad.grad(ad.special.gammainc, 1)(2.0, 1.0)
    np.float64(0.36787944117144233)
    """

    name = "gamma_weight"
    arguments = ("a", "x")
    kernel = staticmethod(_weight_kernel)
    like = np.arctan2
    products = (
        lambda g, y, a, x: g * _weight_slope(y, a, x),
        lambda g, y, a, x: g * (y * (a / x - 1)),
    )
    intervals = ((0.5, 12.0), (0.2, 9.0))


def gamma_weight(a: Any, x: Any) -> Any:
    """x^a exp(-x) / Gamma(a); see ``GammaWeight``."""
    return apply(PRIMITIVES["gamma_weight"], a, x)


def gamma_slope(a: Any, x: Any) -> Any:
    r"""How a quantile of the gamma distribution moves with its shape, at a fixed probability.

    .. math:: \frac{dx}{da} = -\frac{\partial P/\partial a}{\partial P/\partial x}

    0 at x = 0, where quantiles of small shapes are too small for a number.
    """
    nothing = equal(x, 0)
    x = where(nothing, 1, x)
    slope = -x * ((log(x) - digamma(a)) * _moment_of(a, x, 0) + _moment_of(a, x, 1))
    return where(nothing, 0, slope)


def incomplete_slope(a: Any, x: Any) -> Any:
    """The derivative of P by a, with a limit at x = 0."""
    w = gamma_weight(a, x)
    return _weight_slope(w, a, x) * _moment_of(a, x, 0) + w * _moment_of(a, x, 1)


def _both(a: Any, x: Any) -> tuple[Any, Any]:
    """P and Q in double precision, of which one is an integral and the other what is left to 1."""
    lower = _is_lower(a, x)
    part = np.abs(_weight_kernel(a, x) * _integral(a, x, lower))
    nowhere = (x < 0) | (a <= 0) | np.isnan(a) | np.isnan(x)
    found = []
    for upper in (False, True):
        y = np.where(lower != upper, part, 1 - part)
        y = np.where(x == 0, float(upper), np.where(np.isposinf(x), float(not upper), y))
        found.append(np.where(nowhere, math.nan, y))
    return found[0], found[1]


def _near_quantile(a: Any, start: Any, x: Any) -> Any:
    """Where to start: the cube roots of draws are nearly normal (Wilson, Hilferty 1931)."""
    deviation = (np.cbrt(x / start) - 1 + 1 / (9 * start)) * np.sqrt(start / a)
    root = 1 - 1 / (9 * a) + deviation
    return np.where((np.minimum(a, start) > 1) & (root > 0.1), a * root**3, x)


def _quantile(a: Any, start: Any, part: Any, upper: Any) -> Any:
    """Where P(a, x), or Q for ``upper``, is ``part``: Newton's steps in log x on its logarithm."""
    # The lower half lies below a: from above, where P is nearly 1, a step would be far too long.
    t, some = np.log(np.where(upper, start, np.minimum(start, a))), np.arange(len(a))
    for _ in range(100):
        x = np.exp(t[some])
        value = np.where(upper[some], *reversed(_both(a[some], x)))
        weight = np.where(upper[some], -1.0, 1.0) * _weight_kernel(a[some], x)
        step = np.nan_to_num(np.log(value / part[some]) * value / weight)
        # Where the value is below the smallest number it has no slope: on towards larger ones.
        lost = (value == 0.0) & (x > 0.0)
        step = np.where(lost, np.where(upper[some], 1.0, -1.0), step)
        # Both logarithms are concave in log x. Only a step to where Q vanishes goes too far.
        t[some] -= np.clip(step, np.where(upper[some], -1.0, -99.0), 99.0)
        some = some[np.abs(step) > _LAST]
        if not len(some):
            break
    else:
        t[some] = math.nan
    return np.where(np.isnan(part), math.nan, np.exp(t))


def _moved(a: Any, start: Any, x: Any) -> Any:
    kinds = [type(v) if type(v) in SCALARS else np.asarray(v).dtype for v in (a, x)]
    dtype = np.arctan2.resolve_dtypes((*kinds, None))[2]
    a, start, x = np.broadcast_arrays(*(np.asarray(v, np.float64) for v in (a, start, x)))
    y, away = x.copy(), a != start
    if away.any():
        with np.errstate(all="ignore"):
            p, q = _both(start[away], x[away])
            near = _near_quantile(a[away], start[away], x[away])
            part = np.minimum(p, q)
            part[part < np.finfo(float).tiny] = math.nan  # too few digits to find a quantile by
            y[away] = _quantile(a[away], near, part, q < p)
    return y.astype(dtype)[()]


class GammaMoved(Elementwise):
    r"""A draw of the gamma distribution of shape ``start``, moved to shape ``a``.

    .. math:: P(a, y) = P(\mathrm{start}, x), \qquad
        \frac{dy}{da} = -\frac{\partial P / \partial a}{\partial P / \partial y}

    At ``a`` = ``start`` it is the draw itself, at no cost; its derivative there is what
    ``ad.random.gamma`` needs. No gradient reaches ``start`` and ``x``. NaN where the probability of
    ``x`` is below the smallest number, or no quantile is found within a hundred steps.

    >>> import autodiff as ad
    >>> ad.random.seed(0)
    >>> ad.random.gamma(ad.tensor([1.0, 2.0])).shape
    (2,)
    """

    name = "gamma_moved"
    arguments = ("a", "start", "x")
    kernel = staticmethod(_moved)
    products = (lambda g, y, a: g * gamma_slope(a, y), None, None)
    intervals = ((0.5, 3.0), (0.6, 3.1), (0.2, 4.0))
    cases = _cases(*intervals)

    def infer_dtype(self, *dtypes: Any) -> Any:
        return np.arctan2.resolve_dtypes((dtypes[0], dtypes[2], None))[2]


def gamma_moved(a: Any, start: Any, x: Any) -> Any:
    """Draws ``x`` of shape ``start``, moved to shape ``a``; see ``GammaMoved``."""
    return apply(PRIMITIVES["gamma_moved"], a, start, x)
