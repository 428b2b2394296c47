"""Activation functions: composites of primitives, stable for inputs of any size."""

from __future__ import annotations

import math
from typing import Any

from autodiff.ops.elementwise import abs, multiply
from autodiff.ops.exponential import expm1, logaddexp
from autodiff.ops.logsumexp import logsumexp
from autodiff.ops.movement import as_array
from autodiff.ops.selection import clip, where
from autodiff.ops.special import erfc, sigmoid
from autodiff.ops.trigonometric import tanh
from autodiff.registry import public

__all__ = [
    "elu",
    "gelu",
    "hard_tanh",
    "leaky_relu",
    "log_sigmoid",
    "log_softmax",
    "mish",
    "selu",
    "silu",
    "softplus",
    "softsign",
]

# Klambauer et al. (2017), "Self-normalizing neural networks", the fixed point (0, 1).
SELU_ALPHA, SELU_SCALE = 1.6732632423543772, 1.0507009873554805


@public
def log_softmax(x: Any, axis: int = -1) -> Any:
    r"""Logarithm of ``softmax``, without overflow or loss of digits.

    .. math:: y_i = x_i - \ln \sum_j e^{x_j}

    >>> import autodiff as ad
    >>> ad.log_softmax(ad.tensor([0.0, 1e4]))
    Tensor([-10000.,      0.])
    """
    return x - logsumexp(x, axis=axis, keepdims=True)


@public
def softplus(x: Any) -> Any:
    r"""A smooth ``relu``.

    .. math:: y = \ln(1 + e^x), \qquad dy/dx = \operatorname{sigmoid} x

    >>> import autodiff as ad
    >>> ad.softplus(ad.tensor([-1e4, 0.0, 1e4]))
    Tensor([0.00000000e+00, 6.93147181e-01, 1.00000000e+04])
    """
    return logaddexp(x, 0)


@public
def log_sigmoid(x: Any) -> Any:
    r"""Logarithm of the logistic sigmoid, without underflow.

    .. math:: y = -\ln(1 + e^{-x})

    >>> import autodiff as ad
    >>> ad.log_sigmoid(ad.tensor([-1e4, 0.0]))
    Tensor([-1.00000000e+04, -6.93147181e-01])
    """
    x = as_array(x)
    return -logaddexp(-x, 0)


@public
def leaky_relu(x: Any, slope: Any = 0.01) -> Any:
    r"""A ``relu`` that lets a part of negative values through.

    .. math:: y = x \text{ for } x > 0, \quad \mathrm{slope} \cdot x \text{ else}

    >>> import autodiff as ad
    >>> ad.leaky_relu(ad.tensor([-1.0, 2.0]))
    Tensor([-0.01,  2.  ])
    """
    x = as_array(x)
    return where(x > 0, x, slope * x)


@public
def elu(x: Any, alpha: Any = 1.0) -> Any:
    r"""Exponential linear unit (Clevert et al., 2015).

    .. math:: y = x \text{ for } x > 0, \quad \alpha (e^x - 1) \text{ else}

    >>> import autodiff as ad
    >>> ad.elu(ad.tensor([-1e4, 2.0]))
    Tensor([-1.,  2.])
    """
    x = as_array(x)
    return where(x > 0, x, alpha * expm1(where(x > 0, 0, x)))


@public
def selu(x: Any) -> Any:
    r"""Scaled exponential linear unit (Klambauer et al., 2017), which keeps mean 0 and variance 1.

    .. math:: y = \lambda \operatorname{elu}(x, \alpha), \; \lambda = 1.0507, \; \alpha = 1.6733

    >>> import autodiff as ad
    >>> ad.selu(ad.tensor([0.0, 1.0]))
    Tensor([0.        , 1.05070099])
    """
    return SELU_SCALE * elu(x, SELU_ALPHA)


@public
def gelu(x: Any, approximate: bool = False) -> Any:
    r"""Gaussian error linear unit (Hendrycks and Gimpel, 2016).

    .. math:: y = x\,\Phi(x) = \tfrac12 x \operatorname{erfc}(-x/\sqrt2)

    ``approximate`` takes the authors' formula with ``tanh`` in its place, which differs by up to
    5e-4.

    >>> import autodiff as ad
    >>> ad.gelu(ad.tensor([-1e4, 0.0, 1.0]))
    Tensor([-0.        ,  0.        ,  0.84134475])
    """
    x = as_array(x)
    if approximate:
        inner = math.sqrt(2 / math.pi) * (x + 0.044715 * (x * x * x))
        return 0.5 * x * (1 + tanh(inner))
    return 0.5 * x * erfc(x * -math.sqrt(0.5))


@public
def silu(x: Any) -> Any:
    r"""Sigmoid linear unit, also called swish.

    .. math:: y = x \operatorname{sigmoid} x

    >>> import autodiff as ad
    >>> ad.silu(ad.tensor([0.0, 1e4]))
    Tensor([    0., 10000.])
    """
    return multiply(x, sigmoid(x))


@public
def mish(x: Any) -> Any:
    r"""The product of each entry with the tanh of its softplus (Misra, 2019).

    .. math:: y = x \tanh(\ln(1 + e^x))

    >>> import autodiff as ad
    >>> ad.mish(ad.tensor([0.0, 1.0]))
    Tensor([0.        , 0.86509839])
    """
    return multiply(x, tanh(softplus(x)))


@public
def softsign(x: Any) -> Any:
    r"""A sigmoid with slow tails.

    .. math:: y = x / (1 + |x|)

    >>> import autodiff as ad
    >>> ad.softsign(ad.tensor([-1.0, 0.0, 3.0]))
    Tensor([-0.5 ,  0.  ,  0.75])
    """
    return x / (1 + abs(x))


@public
def hard_tanh(x: Any) -> Any:
    r"""Each entry limited to -1 … 1.

    .. math:: y = \min(\max(x, -1), 1)

    >>> import autodiff as ad
    >>> ad.hard_tanh(ad.tensor([-2.0, 0.5, 2.0]))
    Tensor([-1. ,  0.5,  1. ])
    """
    return clip(x, -1, 1)
