"""Logarithms times what they are weighted with, where 0 times the logarithm of 0 is 0; logit."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from autodiff.errors import DTypeError
from autodiff.families import Elementwise, Function, elementwise_function
from autodiff.node import SCALARS
from autodiff.ops.exponential import log, log1p
from autodiff.ops.movement import as_array
from autodiff.ops.selection import where
from autodiff.ops.special import sigmoid
from autodiff.registry import public
from autodiff.tensor import raw

__all__ = ["entr", "expit", "logit", "rel_entr", "xlog1py", "xlogy"]


def _dtype(*kinds: Any) -> Any:
    # Of real operands that of arctan2, which takes no complex ones; those divide.
    like = np.divide if any(np.dtype(k).kind == "c" for k in kinds) else np.arctan2
    return like.resolve_dtypes((*kinds, None))[2]


def _kernel(logarithm: Any) -> Any:
    def kernel(a: Any, b: Any) -> Any:
        kinds = [type(v) if type(v) in SCALARS else np.asarray(v).dtype for v in (a, b)]
        dtype = _dtype(*kinds)
        a, b = np.asarray(a, dtype), np.asarray(b, dtype)
        with np.errstate(divide="ignore", invalid="ignore"):
            y = np.multiply(a, logarithm(b))
            nothing = np.equal(a, 0) & ~np.isnan(b)
            return np.where(nothing, np.zeros((), dtype), y)[()]

    return kernel


def _weight(g: Any, a: Any, b: Any, logarithm: Any, edge: float) -> Any:
    # Where the product is 0 by convention, so is its slope by the weight: not -inf.
    b_at = raw(b)
    nothing = (raw(a) == 0) & (b_at == edge if np.iscomplexobj(b_at) else b_at <= edge)
    if not np.any(nothing):
        return g * logarithm(b)
    return where(nothing, 0, g * logarithm(where(nothing, edge + 1, b)))


def _inside(g: Any, a: Any, b: Any) -> Any:
    nothing = (raw(a) == 0) & (raw(b) == 0)
    if not np.any(nothing):
        return g * (a / b)
    return where(nothing, 0, g * (a / where(nothing, 1, b)))


class Xlogy(Elementwise):
    r"""First operand times the logarithm of the second, and 0 where the first is 0.

    .. math:: y = a \ln b, \quad \partial y/\partial a = \ln b, \quad \partial y/\partial b = a / b

    Where a = b = 0, both derivatives are 0.

    >>> import autodiff as ad
    >>> ad.special.xlogy(ad.tensor([0.0, 2.0]), [0.0, 3.0])
    Tensor([0.        , 2.19722458])
    """

    name = "xlogy"
    kernel = staticmethod(_kernel(np.log))
    reference = staticmethod(lambda a, b: a * np.log(b))
    infer_dtype = staticmethod(_dtype)
    products = (lambda g, a, b: _weight(g, a, b, log, 0.0), _inside)
    intervals = ((-2.0, 2.0), (0.2, 2.0))


class Xlog1py(Elementwise):
    r"""First operand times the logarithm of one plus the second, and 0 where the first is 0.

    .. math:: y = a \ln(1 + b), \quad \partial y/\partial a = \ln(1 + b),
              \quad \partial y/\partial b = a / (1 + b)

    Where a = 0 and b = -1, both derivatives are 0.

    >>> import autodiff as ad
    >>> ad.special.xlog1py(ad.tensor([0.0, 2.0]), [-1.0, 1e-20])
    Tensor([0.e+00, 2.e-20])
    """

    name = "xlog1py"
    kernel = staticmethod(_kernel(np.log1p))
    reference = staticmethod(lambda a, b: a * np.log1p(b))
    infer_dtype = staticmethod(_dtype)
    products = (
        lambda g, a, b: _weight(g, a, b, log1p, -1.0),
        lambda g, a, b: _inside(g, a, 1 + b),
    )
    intervals = ((-2.0, 2.0), (-0.8, 2.0))


xlogy: Function = elementwise_function(Xlogy)
xlog1py: Function = elementwise_function(Xlog1py)


def _real(name: str, x: Any) -> Any:
    x = as_array(x)
    if x.dtype.kind == "c":
        raise DTypeError(f"{name}: not defined for {x.dtype}, which has no order")
    return x


@public
def entr(x: Any, /) -> Any:
    r"""Each entry's part of an entropy, 0 at 0 and minus infinity below.

    .. math:: y = -x \ln x, \qquad dy/dx = -\ln x - 1

    At 0 the gradient is 0.

    >>> import autodiff as ad
    >>> ad.special.entr(ad.tensor([0.0, 0.5]))
    Tensor([0.        , 0.34657359])
    """
    x = _real("entr", x)
    return where(x < 0, -math.inf, xlogy(-x, where(x < 0, 1.0, x)))


@public
def rel_entr(x: Any, y: Any, /) -> Any:
    r"""Each entry's part of a relative entropy (Kullback-Leibler divergence).

    .. math:: z = x \ln(x / y)

    0 where x = 0 ≤ y, infinite where x > 0 ≥ y or x < 0.

    >>> import autodiff as ad
    >>> ad.special.rel_entr(ad.tensor([0.0, 0.5]), 0.25)
    Tensor([0.        , 0.34657359])
    """
    x, y = _real("rel_entr", x), _real("rel_entr", y)
    valid = ((x > 0) & (y > 0)) | ((x == 0) & (y >= 0))
    a, b = where(valid, x, 1.0), where(valid, y, 1.0)
    return where(valid, xlogy(a, a) - xlogy(a, b), math.inf)


@public
def logit(p: Any, /) -> Any:
    r"""Inverse of the logistic sigmoid.

    .. math:: y = \ln \frac{p}{1 - p}, \qquad dy/dp = \frac{1}{p (1 - p)}

    Infinite at 0 and 1, NaN beyond.

    >>> import autodiff as ad
    >>> ad.special.logit(ad.tensor([0.5, 0.75]))
    Tensor([0.        , 1.09861229])
    """
    p = as_array(p)
    return log(p) - log1p(-p)


@public
def expit(x: Any, /) -> Any:
    """``sigmoid`` by its name in ``scipy.special``.

    >>> import autodiff as ad
    >>> ad.special.expit(ad.tensor(0.0))
    Tensor(0.5)
    """
    return sigmoid(x)
