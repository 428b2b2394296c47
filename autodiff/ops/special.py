"""Special functions that NumPy lacks: the logistic sigmoid, the error functions, relu."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from autodiff.families import Elementwise, Function, elementwise_function
from autodiff.node import Node
from autodiff.ops.exponential import exp
from autodiff.ops.selection import where

__all__ = ["erf", "erfc", "relu", "sigmoid"]

# exp(x) of a larger x overflows; 1 / (1 + exp(x)) is 0 to rounding long before.
_LARGEST_EXPONENT = {"e": 11.0, "f": 88.0, "F": 88.0}


def _sigmoid(x: Any) -> Any:
    y = np.negative(x)
    limit = _LARGEST_EXPONENT.get(y.dtype.char, 709.0)
    if type(y) is not np.ndarray or y.dtype.kind != "f":
        return 1 / (1 + np.exp(np.minimum(y, limit)))
    np.minimum(y, limit, out=y)  # all in the one array that was made
    np.exp(y, out=y)
    y += 1
    return np.reciprocal(y, out=y)


class Sigmoid(Elementwise):
    r"""Logistic sigmoid, without overflow.

    .. math:: y = \frac{1}{1 + e^{-x}}, \qquad dy/dx = y (1 - y)

    A primitive for its numerics: written with ``exp`` it overflows, written with ``tanh`` it loses
    all digits where y is small.

    >>> import autodiff as ad
    >>> ad.sigmoid(ad.tensor([0.0, 1e4]))
    Tensor([0.5, 1. ])
    """

    name = "sigmoid"
    kernel = staticmethod(_sigmoid)
    reference = staticmethod(lambda x: 0.5 + 0.5 * np.tanh(x / 2))
    like = np.negative  # which is not defined for booleans
    products = (lambda g, y: g * (y * (1 - y)),)
    intervals = ((-3.0, 3.0),)
    special = (0.0, 1e4, -1e4)

    def infer_dtype(self, *dtypes: Any) -> Any:
        return np.minimum.resolve_dtypes((super().infer_dtype(*dtypes), float, None))[-1]


def _relu(x: Any, out: Any = None) -> Any:
    # Of float32, NumPy takes two arrays in vectors, an array and a number entry by entry: with a
    # row of zeros 128 x 256 takes half the time.
    row = x.dtype.char == "f" and x.size > 8192 and x.shape[-1] >= 128
    return np.maximum(x, np.zeros(x.shape[-1], x.dtype) if row else 0, out=out)


class Relu(Elementwise):
    r"""Rectified linear unit.

    .. math:: y = \max(x, 0)

    The gradient at 0 is 0, the subgradient of least norm. A primitive for its speed: it keeps one
    array, which the next operation mostly keeps too, where ``where(x > 0, x, 0)`` makes and keeps
    two.

    >>> import autodiff as ad
    >>> ad.relu(ad.tensor([-1.0, 0.0, 2.0]))
    Tensor([0., 0., 2.])
    """

    name = "relu"
    kernel = staticmethod(_relu)
    reference = staticmethod(lambda x: np.where(x > 0, x, 0))
    products = (lambda g, y: g * (y > 0),)
    selects = gates = True
    selected = (lambda y: y > 0,)
    intervals = ((-2.0, 2.0),)
    special = (0.0, 1e4, -1e4)

    def pull_present(
        self, i: int, g: Any, values: list[Any], pulled: Any, mask: Any, presence: Any, node: Node
    ) -> Any:
        return where(presence, g, 0)

    def infer_dtype(self, *dtypes: Any) -> Any:
        return np.maximum.resolve_dtypes((*dtypes, int, None))[-1]


# Rational approximations of erf and erfc in double precision, with errors below 1 ulp: coefficients
# of s_erf.c in FreeBSD's msun, from fdlibm 5.3 (Sun Microsystems, 1993). Highest power first.
_ERX = 8.45062911510467529297e-01
_SMALL_P = (
    -2.37630166566501626084e-05,
    -5.77027029648944159157e-03,
    -2.84817495755985104766e-02,
    -3.25042107247001499370e-01,
    1.28379167095512558561e-01,
)
_SMALL_Q = (
    -3.96022827877536812320e-06,
    1.32494738004321644526e-04,
    5.08130628187576562776e-03,
    6.50222499887672944485e-02,
    3.97917223959155352819e-01,
    1.0,
)
_MIDDLE_P = (
    -2.16637559486879084300e-03,
    3.54783043256182359371e-02,
    -1.10894694282396677476e-01,
    3.18346619901161753674e-01,
    -3.72207876035701323847e-01,
    4.14856118683748331666e-01,
    -2.36211856075265944077e-03,
)
_MIDDLE_Q = (
    1.19844998467991074170e-02,
    1.36370839120290507362e-02,
    1.26171219808761642112e-01,
    7.18286544141962662868e-02,
    5.40397917702171048937e-01,
    1.06420880400844228286e-01,
    1.0,
)
_LARGE_R = (
    -9.81432934416914548592e00,
    -8.12874355063065934246e01,
    -1.84605092906711035994e02,
    -1.62396669462573470355e02,
    -6.23753324503260060396e01,
    -1.05586262253232909814e01,
    -6.93858572707181764372e-01,
    -9.86494403484714822705e-03,
)
_LARGE_S = (
    -6.04244152148580987438e-02,
    6.57024977031928170135e00,
    1.08635005541779435134e02,
    4.29008140027567833386e02,
    6.45387271733267880336e02,
    4.34565877475229228821e02,
    1.37657754143519042600e02,
    1.96512716674392571292e01,
    1.0,
)
_HUGE_R = (
    -4.83519191608651397019e02,
    -1.02509513161107724954e03,
    -6.37566443368389627722e02,
    -1.60636384855821916062e02,
    -1.77579549177547519889e01,
    -7.99283237680523006574e-01,
    -9.86494292470009928597e-03,
)
_HUGE_S = (
    -2.24409524465858183362e01,
    4.74528541206955367215e02,
    2.55305040643316442583e03,
    3.19985821950859553908e03,
    1.53672958608443695994e03,
    3.25792512996573918826e02,
    3.03380607434824582924e01,
    1.0,
)


def _ratio(p: tuple[float, ...], q: tuple[float, ...], x: Any) -> Any:
    """The quotient of two polynomials; in two arrays, where np.polyval makes one for each step."""
    found = []
    for coefficients in (p, q):
        y = coefficients[0] * x
        for c in coefficients[1:-1]:
            y += c
            y *= x
        y += coefficients[-1]
        found.append(y)
    return found[0] / found[1]


def _exponent(z: Any) -> Any:
    """log(z exp(z * z) erfc(z)) + 0.5625 of entries from 1.25 up."""
    s = 1 / (z * z)
    large = z < 1 / 0.35
    y = np.empty(z.shape)
    y[large] = _ratio(_LARGE_R, _LARGE_S, s[large])
    y[~large] = _ratio(_HUGE_R, _HUGE_S, s[~large])
    return y


def scaled_tail(z: Any) -> Any:
    """exp(z * z) * erfc(z) of entries from 1.25 up, however large."""
    return np.exp(_exponent(z) - 0.5625) / z


def _tail(z: Any) -> Any:
    """erfc of entries from 1.25 up."""
    # z * z is rounded; split off its leading half so that exp does not magnify the error.
    lead = z.astype(np.float32).astype(np.float64)
    return np.exp(-lead * lead - 0.5625) * np.exp((lead - z) * (lead + z) + _exponent(z)) / z


def error_function(x: Any, complement: bool) -> Any:
    """The kernel of ``erf``, or of ``erfc``."""
    given = np.asarray(x)
    dtype = np.cbrt.resolve_dtypes((given.dtype, None))[1]  # none for complex dtypes
    v = given.astype(np.float64)
    z = np.minimum(np.abs(v), 30.0)  # erfc(27) is 0 in double precision
    small, middle = z < 0.84375, (z >= 0.84375) & (z < 1.25)
    out = np.empty(v.shape)
    a = v[small]
    square = a * a
    inner = a + a * _ratio(_SMALL_P, _SMALL_Q, square)
    out[small] = 1 - inner if complement else inner
    s = z[middle] - 1
    bump = _ratio(_MIDDLE_P, _MIDDLE_Q, s)
    negative = v[middle] < 0
    if complement:
        out[middle] = np.where(negative, 1 + (_ERX + bump), 1 - _ERX - bump)
    else:
        out[middle] = np.where(negative, -1, 1) * (_ERX + bump)
    rest = ~(small | middle)
    tail = _tail(z[rest])
    negative = v[rest] < 0
    if complement:
        out[rest] = np.where(negative, 2 - tail, tail)
    else:
        out[rest] = np.where(negative, tail - 1, 1 - tail)
    out[np.isnan(v)] = np.nan
    return out.astype(dtype)[()]


class Erf(Elementwise):
    r"""Error function.

    .. math:: y = \frac{2}{\sqrt\pi} \int_0^x e^{-u^2} du, \qquad
              dy/dx = \frac{2}{\sqrt\pi} e^{-x^2}

    Reference: W. J. Cody, "Rational Chebyshev approximations for the error function", Mathematics
    of Computation 23 (1969); coefficients of fdlibm 5.3.

    >>> import autodiff as ad
    >>> ad.erf(ad.tensor([0.0, 1.0]))
    Tensor([0.        , 0.84270079])
    """

    name = "erf"
    kernel = staticmethod(lambda x: error_function(x, False))
    reference = np.vectorize(math.erf, otypes=[float])
    like = np.cbrt  # as exp, and real only
    products = (lambda g, x: g * (2 / math.sqrt(math.pi) * exp(-(x * x))),)
    intervals = ((-3.0, 3.0),)
    special = (0.0, 1e4, -1e4)


class Erfc(Elementwise):
    r"""Complementary error function, exact where it is small.

    .. math:: y = 1 - \operatorname{erf} x, \qquad dy/dx = -\frac{2}{\sqrt\pi} e^{-x^2}

    >>> import autodiff as ad
    >>> ad.erfc(ad.tensor([0.0, 10.0]))
    Tensor([1.00000000e+00, 2.08848758e-45])
    """

    name = "erfc"
    kernel = staticmethod(lambda x: error_function(x, True))
    reference = np.vectorize(math.erfc, otypes=[float])
    like = np.cbrt  # as exp, and real only
    products = (lambda g, x: g * (-2 / math.sqrt(math.pi) * exp(-(x * x))),)
    intervals = ((-3.0, 3.0),)
    special = (0.0, 1e4, -1e4)


sigmoid: Function = elementwise_function(Sigmoid)
relu: Function = elementwise_function(Relu)
erf: Function = elementwise_function(Erf)
erfc: Function = elementwise_function(Erfc)
