"""Trigonometric and hyperbolic functions, entry by entry."""

from __future__ import annotations

from typing import Any

import numpy as np

from autodiff.families import Elementwise, Function, elementwise_function
from autodiff.ops.elementwise import sqrt
from autodiff.ops.selection import where
from autodiff.tensor import raw

__all__ = [
    "arccos",
    "arccosh",
    "arcsin",
    "arcsinh",
    "arctan",
    "arctan2",
    "arctanh",
    "cos",
    "cosh",
    "hypot",
    "sin",
    "sinh",
    "tan",
    "tanh",
]


class Sin(Elementwise):
    r"""Sine of each entry, in radians.

    .. math:: y = \sin x, \qquad dy/dx = \cos x

    >>> import autodiff as ad
    >>> ad.sin(ad.tensor([0.0, 1.0]))
    Tensor([0.        , 0.84147098])
    """

    name = "sin"
    kernel = np.sin
    products = (lambda g, x: g * cos(x),)
    intervals = ((-2.0, 2.0),)


class Cos(Elementwise):
    r"""Cosine of each entry, in radians.

    .. math:: y = \cos x, \qquad dy/dx = -\sin x

    >>> import autodiff as ad
    >>> ad.cos(ad.tensor([0.0, 1.0]))
    Tensor([1.        , 0.54030231])
    """

    name = "cos"
    kernel = np.cos
    products = (lambda g, x: -g * sin(x),)
    intervals = ((-2.0, 2.0),)


class Tan(Elementwise):
    r"""Tangent of each entry, in radians.

    .. math:: y = \tan x, \qquad dy/dx = 1 + y^2

    >>> import autodiff as ad
    >>> ad.tan(ad.tensor([0.0, 1.0]))
    Tensor([0.        , 1.55740772])
    """

    name = "tan"
    kernel = np.tan
    products = (lambda g, y: g * (1 + y * y),)
    intervals = ((-1.2, 1.2),)


class Arcsin(Elementwise):
    r"""Inverse sine, in radians.

    .. math:: y = \arcsin x, \qquad dy/dx = 1/\sqrt{1 - x^2}

    >>> import autodiff as ad
    >>> ad.arcsin(ad.tensor([0.0, 1.0]))
    Tensor([0.        , 1.57079633])
    """

    name = "arcsin"
    kernel = np.arcsin
    products = (lambda g, x: g / sqrt((1 - x) * (1 + x)),)
    intervals = ((-0.8, 0.8),)


class Arccos(Elementwise):
    r"""Inverse cosine, in radians.

    .. math:: y = \arccos x, \qquad dy/dx = -1/\sqrt{1 - x^2}

    >>> import autodiff as ad
    >>> ad.arccos(ad.tensor([0.0, 1.0]))
    Tensor([1.57079633, 0.        ])
    """

    name = "arccos"
    kernel = np.arccos
    products = (lambda g, x: -g / sqrt((1 - x) * (1 + x)),)
    intervals = ((-0.8, 0.8),)


class Arctan(Elementwise):
    r"""Inverse tangent, in radians.

    .. math:: y = \arctan x, \qquad dy/dx = 1/(1 + x^2)

    >>> import autodiff as ad
    >>> ad.arctan(ad.tensor([0.0, 1.0]))
    Tensor([0.        , 0.78539816])
    """

    name = "arctan"
    kernel = np.arctan
    products = (lambda g, x: g / (1 + x * x),)
    intervals = ((-2.0, 2.0),)


class Sinh(Elementwise):
    r"""Hyperbolic sine.

    .. math:: y = \sinh x, \qquad dy/dx = \cosh x

    >>> import autodiff as ad
    >>> ad.sinh(ad.tensor([0.0, 1.0]))
    Tensor([0.        , 1.17520119])
    """

    name = "sinh"
    kernel = np.sinh
    products = (lambda g, x: g * cosh(x),)
    intervals = ((-2.0, 2.0),)


class Cosh(Elementwise):
    r"""Hyperbolic cosine.

    .. math:: y = \cosh x, \qquad dy/dx = \sinh x

    >>> import autodiff as ad
    >>> ad.cosh(ad.tensor([0.0, 1.0]))
    Tensor([1.        , 1.54308063])
    """

    name = "cosh"
    kernel = np.cosh
    products = (lambda g, x: g * sinh(x),)
    intervals = ((-2.0, 2.0),)


class Tanh(Elementwise):
    r"""Hyperbolic tangent.

    .. math:: y = \tanh x, \qquad dy/dx = 1 - y^2

    >>> import autodiff as ad
    >>> ad.tanh(ad.tensor([0.0, 1.0]))
    Tensor([0.        , 0.76159416])
    """

    name = "tanh"
    kernel = np.tanh
    # g - g y^2 rather than g (1 - y^2): NumPy converts the number 1 anew each time.
    products = (lambda g, y: g - g * (y * y),)
    intervals = ((-2.0, 2.0),)
    special = (0.0, 1e4, -1e4)


class Arcsinh(Elementwise):
    r"""Inverse hyperbolic sine.

    .. math:: y = \operatorname{arsinh} x, \qquad dy/dx = 1/\sqrt{x^2 + 1}

    >>> import autodiff as ad
    >>> ad.arcsinh(ad.tensor([0.0, 1.0]))
    Tensor([0.        , 0.88137359])
    """

    name = "arcsinh"
    kernel = np.arcsinh
    products = (lambda g, x: g / sqrt(x * x + 1),)
    intervals = ((-2.0, 2.0),)


class Arccosh(Elementwise):
    r"""Inverse hyperbolic cosine.

    .. math:: y = \operatorname{arcosh} x, \qquad dy/dx = 1/\sqrt{x^2 - 1}

    >>> import autodiff as ad
    >>> ad.arccosh(ad.tensor([1.0, 2.0]))
    Tensor([0.       , 1.3169579])
    """

    name = "arccosh"
    kernel = np.arccosh
    products = (lambda g, x: g / (sqrt(x - 1) * sqrt(x + 1)),)  # the branch of complex x
    intervals = ((1.2, 3.0),)


class Arctanh(Elementwise):
    r"""Inverse hyperbolic tangent.

    .. math:: y = \operatorname{artanh} x, \qquad dy/dx = 1/(1 - x^2)

    >>> import autodiff as ad
    >>> ad.arctanh(ad.tensor([0.0, 0.5]))
    Tensor([0.        , 0.54930614])
    """

    name = "arctanh"
    kernel = np.arctanh
    products = (lambda g, x: g / ((1 - x) * (1 + x)),)
    intervals = ((-0.8, 0.8),)


class Arctan2(Elementwise):
    r"""Angle of the point (b, a) from the positive first axis, in radians, from -π to π.

    .. math:: y = \operatorname{atan2}(a, b), \quad \partial y/\partial a = b/(a^2 + b^2),
              \quad \partial y/\partial b = -a/(a^2 + b^2)

    >>> import autodiff as ad
    >>> ad.arctan2(ad.tensor([0.0, 1.0]), 1.0)
    Tensor([0.        , 0.78539816])
    """

    name = "arctan2"
    kernel = np.arctan2
    products = (
        lambda g, a, b: g * (b / (a * a + b * b)),
        lambda g, a, b: -g * (a / (a * a + b * b)),
    )
    intervals = ((0.2, 2.0), (-2.0, 2.0))


class Hypot(Elementwise):
    r"""Length of the vector (a, b), without overflow.

    .. math:: y = \sqrt{a^2 + b^2}, \quad \partial y/\partial a = a/y, \quad
              \partial y/\partial b = b/y

    At the origin both derivatives are 0, the subgradient of least norm.

    >>> import autodiff as ad
    >>> ad.hypot(ad.tensor([3.0, 0.0]), 4.0)
    Tensor([5., 4.])
    """

    name = "hypot"
    kernel = np.hypot
    products = (lambda g, y, a: g * _direction(a, y), lambda g, y, b: g * _direction(b, y))
    intervals = ((0.2, 2.0), (-2.0, 2.0))
    special = (0.0,)


def _direction(x: Any, length: Any) -> Any:
    zero = raw(length) == 0
    return where(zero, 0, x / where(zero, 1, length)) if np.any(zero) else x / length


sin: Function = elementwise_function(Sin)
cos: Function = elementwise_function(Cos)
tan: Function = elementwise_function(Tan)
arcsin: Function = elementwise_function(Arcsin)
arccos: Function = elementwise_function(Arccos)
arctan: Function = elementwise_function(Arctan)
sinh: Function = elementwise_function(Sinh)
cosh: Function = elementwise_function(Cosh)
tanh: Function = elementwise_function(Tanh)
arcsinh: Function = elementwise_function(Arcsinh)
arccosh: Function = elementwise_function(Arccosh)
arctanh: Function = elementwise_function(Arctanh)
arctan2: Function = elementwise_function(Arctan2)
hypot: Function = elementwise_function(Hypot)
