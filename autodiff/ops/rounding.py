"""Signs and rounding: piecewise constant, so the derivative is 0 wherever it exists."""

from __future__ import annotations

from typing import Any

import numpy as np

from autodiff.families import Elementwise, Function, elementwise_function
from autodiff.ops.comparison import equal
from autodiff.ops.complex import conj
from autodiff.ops.elementwise import abs as absolute
from autodiff.ops.elementwise import astype, positive
from autodiff.ops.movement import as_array
from autodiff.ops.selection import where
from autodiff.registry import FUNCTIONS, PRIMITIVES, public
from autodiff.tensor import apply_unary

__all__ = [
    "ceil",
    "floor",
    "rint",
    "round",
    "sign",
    "trunc",
]


def _pull_sign(g: Any, x: Any) -> Any:
    if x.dtype.kind != "c":
        return FUNCTIONS["zeros_like"](g)
    y, length = _unit(x)
    return (g - conj(g * (y * y))) / (2 * length)


def _push_sign(t: Any, x: Any) -> Any:
    if x.dtype.kind != "c":
        return FUNCTIONS["zeros_like"](t)
    y, length = _unit(x)
    return (t - (y * y) * conj(t)) / (2 * length)


def _unit(x: Any) -> tuple[Any, Any]:
    # At the origin the slopes are infinite in all directions but along y: 0 by convention.
    size = absolute(x)
    length = where(equal(x, 0), np.inf, size)
    return x / length, length


def _sign(x: Any, out: Any = None) -> Any:
    y = np.sign(x, out=out)
    if y.dtype.kind != "c":
        return y
    # NumPy gives 1 for inf + NaN i, and another direction where |x| overflows.
    with np.errstate(all="ignore"):
        over = np.isfinite(x) & np.isinf(np.abs(x))
        smaller = np.sign(x * 0.25)
    y = np.where(over, smaller, np.where(np.isnan(x), complex(np.nan, np.nan), y))
    return np.positive(y, out=out)


class Sign(Elementwise):
    r"""-1, 0 or 1, as each entry is negative, zero or positive; its derivative is 0 off the jump.

    Of complex numbers the direction :math:`x / |x|`, which turns with ``x``; at 0 the gradient is
    0.

    >>> import autodiff as ad
    >>> ad.sign(ad.tensor([-2.0, 0.0, 3.0]))
    Tensor([-1.,  0.,  1.])
    """

    name = "sign"
    kernel = staticmethod(_sign)
    like = np.sign
    products = (_pull_sign,)
    jvp = (_push_sign,)
    intervals = ((0.1, 0.4),)


class Floor(Elementwise):
    r"""Largest integer at most each entry; its derivative is 0 between jumps.

    >>> import autodiff as ad
    >>> ad.floor(ad.tensor([-1.5, 1.5]))
    Tensor([-2.,  1.])
    """

    name = "floor"
    kernel = np.floor
    partials = (0,)
    intervals = ((0.1, 0.4),)


class Ceil(Elementwise):
    r"""Smallest integer at least each entry; its derivative is 0 between jumps.

    >>> import autodiff as ad
    >>> ad.ceil(ad.tensor([-1.5, 1.5]))
    Tensor([-1.,  2.])
    """

    name = "ceil"
    kernel = np.ceil
    partials = (0,)
    intervals = ((0.1, 0.4),)


class Trunc(Elementwise):
    r"""Each entry without its fraction; its derivative is 0 between jumps.

    >>> import autodiff as ad
    >>> ad.trunc(ad.tensor([-1.5, 1.5]))
    Tensor([-1.,  1.])
    """

    name = "trunc"
    kernel = np.trunc
    partials = (0,)
    intervals = ((0.1, 0.4),)


class Round(Elementwise):
    """Nearest integer, halves to the even one; see ``ad.round``."""

    name = "round"
    kernel = np.rint
    partials = (0,)
    intervals = ((0.1, 0.4),)


sign: Function = elementwise_function(Sign)
floor: Function = elementwise_function(Floor)
ceil: Function = elementwise_function(Ceil)
trunc: Function = elementwise_function(Trunc)


@public
def rint(x: Any, /) -> Any:
    """Nearest integer as a floating number, halves to the even one (``numpy.rint``); see ``round``.

    >>> import autodiff as ad
    >>> ad.rint(ad.tensor([0.5, 1.5, 2.4]))
    Tensor([0., 2., 2.])
    """
    return apply_unary(PRIMITIVES["round"], x)


@public
def round(x: Any, decimals: int = 0) -> Any:
    r"""Nearest multiple of a power of ten, halves to the even one; its slope is 0 between jumps.

    .. math:: y = 10^{-d} \, \mathrm{rint}(10^d x)

    ``x``: any shape. Integers keep their dtype, and with ``decimals`` d not negative their values.
    As ``numpy.round``.

    >>> import autodiff as ad
    >>> ad.round(ad.tensor([0.5, 1.5, 2.4])), ad.round(ad.tensor([0.125, 1.26]), 1)
    (Tensor([0., 2., 2.]), Tensor([0.1, 1.3]))
    """
    x = as_array(x)
    integers = x.dtype.kind in "iu"
    if decimals >= 0 and integers:
        return positive(x)
    if decimals == 0:
        return rint(x)
    if decimals > 0:
        return rint(x * 10.0**decimals) / 10.0**decimals
    y = rint(x / 10.0**-decimals) * 10.0**-decimals
    return astype(y, x.dtype) if integers else y
