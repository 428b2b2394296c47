"""Floating point numbers, entry by entry: roots, signs, parts, and what is not a number."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from autodiff.errors import DTypeError
from autodiff.families import Elementwise, Function, elementwise_function
from autodiff.node import SCALARS
from autodiff.ops.comparison import DISCRETE, Discrete, isinf, isnan
from autodiff.ops.complex import imag, real
from autodiff.ops.elementwise import abs as absolute
from autodiff.ops.elementwise import astype, floor_divide, power, remainder
from autodiff.ops.exponential import exp2
from autodiff.ops.movement import as_array
from autodiff.ops.rounding import sign, trunc
from autodiff.ops.selection import where
from autodiff.primitive import Case, In
from autodiff.registry import PRIMITIVES, public
from autodiff.tensor import apply, raw

__all__ = [
    "cbrt",
    "copysign",
    "deg2rad",
    "divmod",
    "fabs",
    "float_power",
    "fmod",
    "frexp",
    "heaviside",
    "isneginf",
    "isposinf",
    "ldexp",
    "logaddexp2",
    "modf",
    "nan_to_num",
    "nextafter",
    "rad2deg",
    "signbit",
    "spacing",
]

ANY = (-2.0, 2.0)


class Cbrt(Elementwise):
    r"""Cube root, of negative numbers too.

    .. math:: y = \sqrt[3]{x}, \qquad dy/dx = 1 / (3 y^2)

    The derivative is infinite at 0.

    >>> import autodiff as ad
    >>> ad.cbrt(ad.tensor([8.0, -27.0]))
    Tensor([ 2., -3.])
    """

    name = "cbrt"
    kernel = np.cbrt
    products = (lambda g, y: g / (3 * (y * y)),)
    intervals = ((0.2, 2.0),)


def _share(a: Any, y: Any) -> Any:
    # Where both operands are -inf, so is y, and a - y would be NaN; against 0, a share is 0.
    nothing = raw(y) == -math.inf
    return exp2(a - where(nothing, 0, y)) if np.any(nothing) else exp2(a - y)


class Logaddexp2(Elementwise):
    r"""Logarithm to base 2 of a sum of powers of 2, without overflow.

    .. math:: y = \log_2(2^a + 2^b), \quad \partial y/\partial a = 2^{a-y}, \quad
              \partial y/\partial b = 2^{b-y}

    >>> import autodiff as ad
    >>> ad.logaddexp2(ad.tensor([0.0, 1e4]), 0.0)
    Tensor([1.e+00, 1.e+04])
    """

    name = "logaddexp2"
    kernel = np.logaddexp2
    products = (lambda g, y, a: g * _share(a, y), lambda g, y, b: g * _share(b, y))
    intervals = (ANY, ANY)
    special = (1e4, -1e4)


def _signed(g: Any, a: Any, b: Any) -> Any:
    flipped = np.signbit(raw(b))
    return where(flipped, -g, g) * sign(a)


class Copysign(Elementwise):
    r"""The size of the first operand with the sign of the second.

    .. math:: y = |a| \operatorname{sign} b, \qquad
        \partial y/\partial a = \operatorname{sign} a \operatorname{sign} b

    The sign of a zero counts. At a = 0 the derivative is 0, as that of ``abs``.

    >>> import autodiff as ad
    >>> ad.copysign(ad.tensor([1.0, -2.0]), -1.0)
    Tensor([-1., -2.])
    """

    name = "copysign"
    kernel = np.copysign
    products = (_signed, 0)
    intervals = (ANY, ANY)


class Heaviside(Elementwise):
    r"""Step function: 0 below 0, 1 above, and the second operand at 0.

    .. math:: y = [\, a > 0 \,] + b\,[\, a = 0 \,]

    The derivative by a is 0 off the jump; that by b is 1 at it.

    >>> import autodiff as ad
    >>> ad.heaviside(ad.tensor([-1.0, 0.0, 2.0]), 0.5)
    Tensor([0. , 0.5, 1. ])
    """

    name = "heaviside"
    kernel = np.heaviside
    products = (0, lambda g, a: where(raw(a) == 0, g, 0))
    intervals = ((0.1, 2.0), ANY)
    cases = (
        Case((np.array([[-1, 0, 2], [0, 0, 1]]), In((2, 3)))),
        Case((np.array([[0], [1]]), In((3,)))),
        Case((np.array(0), In(()))),
        Case((In((0, 2), 0.5, 1.0), In((1,)))),
    )
    selects = True
    selected = (lambda a: np.zeros(np.shape(raw(a)), bool), lambda a: np.equal(raw(a), 0))


class Fmod(Elementwise):
    r"""Remainder with the sign of the dividend, as C's.

    .. math:: y = a - b \operatorname{trunc}(a/b), \quad \partial y/\partial a = 1,
              \quad \partial y/\partial b = -\operatorname{trunc}(a/b)

    >>> import autodiff as ad
    >>> ad.fmod(ad.tensor([5.0, -5.0]), 3)
    Tensor([ 2., -2.])
    """

    name = "fmod"
    kernel = np.fmod
    products = (lambda g: g, lambda g, a, b: -g * trunc(a / b))
    intervals = ((3.1, 3.9), (1.1, 1.4))


class Ldexp(Elementwise):
    r"""Times a power of two, without rounding.

    .. math:: y = x \cdot 2^e, \qquad dy/dx = 2^e

    The exponents are integers. Overflows to infinity.

    >>> import autodiff as ad
    >>> ad.ldexp(ad.tensor([1.0, 1.5]), [3, -1])
    Tensor([8.  , 0.75])
    """

    name = "ldexp"
    arguments = ("x", "e")
    kernel = np.ldexp
    products = (lambda g, e: ldexp(g, e), None)
    intervals = (ANY, ANY)
    cases = (
        Case((In((2, 3)), np.array([[0, 1, -2], [3, 2, 1]]))),
        Case((In((3,)), np.array([[1], [2]]))),
        Case((In(()), np.array(2))),
        Case((In((0,)), np.array([2]))),
    )


class FrexpExponent(Discrete):
    """The exponent of each entry to base 2; see ``ad.frexp``."""

    name = "frexp_exponent"
    kernel = staticmethod(lambda x: np.frexp(x)[1])
    like = np.frexp
    partials = DISCRETE
    intervals = (ANY,)


class Signbit(Discrete):
    """Whether the sign of each entry is minus, that of a zero too.

    >>> import autodiff as ad
    >>> ad.signbit(ad.tensor([1.0, -0.0]))
    Tensor([False,  True])
    """

    name = "signbit"
    kernel = np.signbit
    partials = DISCRETE
    intervals = (ANY,)


class Nextafter(Discrete):
    """The next number of the dtype from the first operand towards the second: no gradient passes.

    >>> import autodiff as ad
    >>> ad.nextafter(ad.tensor([1.0]), 2.0) - 1.0
    Tensor([2.22044605e-16])
    """

    name = "nextafter"
    kernel = np.nextafter
    partials = DISCRETE * 2
    intervals = (ANY, ANY)


class Spacing(Discrete):
    """The distance from each entry to the next number of the dtype: no gradient passes.

    >>> import autodiff as ad
    >>> ad.spacing(ad.tensor([1.0]))
    Tensor([2.22044605e-16])
    """

    name = "spacing"
    kernel = np.spacing
    partials = DISCRETE
    intervals = (ANY,)


cbrt: Function = elementwise_function(Cbrt)
copysign: Function = elementwise_function(Copysign)
fmod: Function = elementwise_function(Fmod)
heaviside: Function = elementwise_function(Heaviside)
ldexp: Function = elementwise_function(Ldexp)
logaddexp2: Function = elementwise_function(Logaddexp2)
nextafter: Function = elementwise_function(Nextafter)
signbit: Function = elementwise_function(Signbit)
spacing: Function = elementwise_function(Spacing)


@public
def fabs(x: Any, /) -> Any:
    """Absolute value as a floating number (``numpy.fabs``); see ``abs``.

    >>> import autodiff as ad
    >>> ad.fabs([-1, 2])
    array([1., 2.])
    """
    return absolute(_floating("fabs", x))


def _floating(name: str, x: Any) -> Any:
    if isinstance(x, float):
        return x
    x = as_array(x)
    if x.dtype.kind == "c":
        raise DTypeError(f"{name}: not defined for {x.dtype}; take ad.real or ad.imag of it first")
    return astype(x, np.fabs.resolve_dtypes((x.dtype, None))[1])


@public
def float_power(a: Any, b: Any, /) -> Any:
    """``power`` in float64 at least, so that integers have negative powers (``numpy``'s).

    >>> import autodiff as ad
    >>> ad.float_power(2, ad.tensor([-1, 3]))
    Tensor([0.5, 8. ])
    """
    wide = [
        x if type(x) in SCALARS else astype(x, np.result_type(x.dtype, np.float64))
        for x in (v if type(v) in SCALARS else as_array(v) for v in (a, b))
    ]
    if all(type(x) in SCALARS for x in wide):
        wide[0] = np.asarray(float(wide[0]) if type(a) is not complex else a)
    return power(*[float(x) if type(x) in (int, bool) else x for x in wide])


@public
def deg2rad(x: Any, /) -> Any:
    r"""Degrees as radians (``numpy.deg2rad``).

    .. math:: y = x \pi / 180

    >>> import autodiff as ad
    >>> ad.deg2rad(ad.tensor([180.0]))
    Tensor([3.14159265])
    """
    return _floating("deg2rad", x) * (math.pi / 180)


@public
def rad2deg(x: Any, /) -> Any:
    r"""Radians as degrees (``numpy.rad2deg``).

    .. math:: y = 180 x / \pi

    >>> import autodiff as ad
    >>> ad.rad2deg(ad.tensor([3.141592653589793]))
    Tensor([180.])
    """
    return _floating("rad2deg", x) * (180 / math.pi)


@public
def divmod(a: Any, b: Any, /) -> tuple[Any, Any]:
    """Quotient and remainder: ``(floor_divide(a, b), remainder(a, b))`` (``numpy.divmod``).

    >>> import autodiff as ad
    >>> ad.divmod(ad.tensor([5.0, -5.0]), 3)
    (Tensor([ 1., -2.]), Tensor([2., 1.]))
    """
    return floor_divide(a, b), remainder(a, b)


@public
def modf(x: Any, /) -> tuple[Any, Any]:
    r"""Fraction and whole part, both with the sign of the entry (``numpy.modf``).

    .. math:: y = (x - \operatorname{trunc} x,\; \operatorname{trunc} x)

    The derivative of the fraction is 1, that of the whole part 0. The fraction of an infinity is 0.

    >>> import autodiff as ad
    >>> ad.modf(ad.tensor([1.5, -2.25]))
    (Tensor([ 0.5 , -0.25]), Tensor([ 1., -2.]))
    """
    x = _floating("modf", x)
    infinite = isinf(x)
    return where(infinite, copysign(0.0, x), fmod(where(infinite, 0.0, x), 1.0)), trunc(x)


@public
def frexp(x: Any, /) -> tuple[Any, Any]:
    r"""Mantissa and exponent to base 2 (``numpy.frexp``).

    .. math:: x = m \cdot 2^e, \quad \tfrac12 \le |m| < 1, \qquad dm/dx = 2^{-e}

    >>> import autodiff as ad
    >>> ad.frexp(ad.tensor([8.0, 3.0]))
    (Tensor([0.5 , 0.75]), Tensor([4, 2], dtype=int32))
    """
    x = _floating("frexp", x)
    exponent = apply(PRIMITIVES["frexp_exponent"], x)
    # In two steps: the power of two of a number below the normal ones does not fit the dtype.
    half = exponent // 2
    return ldexp(ldexp(x, -half), half - exponent), exponent


@public
def isposinf(x: Any, /) -> Any:
    """Whether each entry is plus infinity (``numpy.isposinf``).

    >>> import autodiff as ad
    >>> ad.isposinf(ad.tensor([1.0, float("inf")]))
    Tensor([False,  True])
    """
    return as_array(x) == math.inf


@public
def isneginf(x: Any, /) -> Any:
    """Whether each entry is minus infinity (``numpy.isneginf``).

    >>> import autodiff as ad
    >>> ad.isneginf(ad.tensor([1.0, float("-inf")]))
    Tensor([False,  True])
    """
    return as_array(x) == -math.inf


@public
def nan_to_num(
    x: Any, copy: bool = True, nan: Any = 0.0, posinf: Any = None, neginf: Any = None
) -> Any:
    """Numbers in the place of NaN and infinities (``numpy.nan_to_num``).

    The infinities become the largest and smallest numbers of the dtype where no other is given.
    The parts of complex numbers count one by one; integers stay as they are. What was replaced has
    no gradient. ``copy`` is of no consequence.

    >>> import autodiff as ad
    >>> ad.nan_to_num(ad.tensor([1.0, float("nan")]))
    Tensor([1., 0.])
    """
    x = as_array(x)
    if x.dtype.kind == "c":
        parts = [nan_to_num(part(x), copy, nan, posinf, neginf) for part in (real, imag)]
        return parts[0] + 1j * parts[1]
    if x.dtype.kind != "f":
        return x
    largest = float(np.finfo(x.dtype).max)
    posinf, neginf = (largest if posinf is None else posinf, -largest if neginf is None else neginf)
    nan = astype(nan, x.dtype) if type(nan) not in SCALARS else nan
    return where(isnan(x), nan, where(isposinf(x), posinf, where(isneginf(x), neginf, x)))
