r"""Initial weights: functions ``init(shape) -> ndarray`` that keep the size of signals.

Shapes are ``(in, out)``, as in ``x @ weight``. With :math:`n` the number of inputs of a unit and
:math:`m` of outputs, the variance of a weight is

====================  ======================  ==========================================
``glorot_*``          :math:`2 / (n + m)`     tanh, sigmoid, no activation (Glorot and Bengio, 2010)
``he_*``              :math:`2 / n`           relu and its relatives (He et al., 2015)
``lecun_*``           :math:`1 / n`           selu (LeCun et al., 1998; Klambauer et al., 2017)
====================  ======================  ==========================================
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

import autodiff as ad
from nn.settings import default_dtype, generator

__all__ = [
    "for_activation",
    "glorot_normal",
    "glorot_uniform",
    "he_normal",
    "he_uniform",
    "lecun_normal",
    "lecun_uniform",
    "zeros",
]

Shape = tuple[int, ...]
Array = np.ndarray[Any, Any]
Init = Callable[..., Array]


def _fans(name: str, shape: Shape) -> tuple[int, int]:
    if len(shape) != 2 or min(shape) < 1:
        raise ad.ShapeError(
            f"init.{name}: expected a shape (in, out) of positive sizes, got {shape}"
        )
    return shape[0], shape[1]


def _uniform(shape: Shape, variance: float, dtype: Any) -> Array:
    limit = math.sqrt(3 * variance)
    return generator().uniform(-limit, limit, shape).astype(dtype or default_dtype())


def _normal(shape: Shape, variance: float, dtype: Any) -> Array:
    return generator().normal(0, math.sqrt(variance), shape).astype(dtype or default_dtype())


def glorot_uniform(shape: Shape, dtype: Any = None) -> Array:
    r"""Uniform weights of variance :math:`2 / (n + m)`.

    .. math:: w \sim U(-a, a), \qquad a = \sqrt{6 / (n + m)}

    >>> import nn
    >>> nn.init.glorot_uniform((3, 4)).shape
    (3, 4)
    """
    n, m = _fans("glorot_uniform", shape)
    return _uniform(shape, 2 / (n + m), dtype)


def glorot_normal(shape: Shape, dtype: Any = None) -> Array:
    r"""Normal weights of variance :math:`2 / (n + m)`.

    >>> import nn
    >>> nn.init.glorot_normal((3, 4)).shape
    (3, 4)
    """
    n, m = _fans("glorot_normal", shape)
    return _normal(shape, 2 / (n + m), dtype)


def he_uniform(shape: Shape, dtype: Any = None) -> Array:
    r"""Uniform weights of variance :math:`2 / n`.

    .. math:: w \sim U(-a, a), \qquad a = \sqrt{6 / n}

    >>> import nn
    >>> nn.init.he_uniform((3, 4)).shape
    (3, 4)
    """
    return _uniform(shape, 2 / _fans("he_uniform", shape)[0], dtype)


def he_normal(shape: Shape, dtype: Any = None) -> Array:
    r"""Normal weights of variance :math:`2 / n`.

    >>> import nn
    >>> nn.init.he_normal((3, 4)).shape
    (3, 4)
    """
    return _normal(shape, 2 / _fans("he_normal", shape)[0], dtype)


def lecun_uniform(shape: Shape, dtype: Any = None) -> Array:
    r"""Uniform weights of variance :math:`1 / n`.

    >>> import nn
    >>> nn.init.lecun_uniform((3, 4)).shape
    (3, 4)
    """
    return _uniform(shape, 1 / _fans("lecun_uniform", shape)[0], dtype)


def lecun_normal(shape: Shape, dtype: Any = None) -> Array:
    r"""Normal weights of variance :math:`1 / n`.

    >>> import nn
    >>> nn.init.lecun_normal((3, 4)).shape
    (3, 4)
    """
    return _normal(shape, 1 / _fans("lecun_normal", shape)[0], dtype)


def zeros(shape: Shape, dtype: Any = None) -> Array:
    """Zeros: the usual start of a bias. As weights they would keep all units of a layer equal.

    >>> import nn
    >>> nn.init.zeros((2,))
    array([0., 0.], dtype=float32)
    """
    return np.zeros(shape, dtype or default_dtype())


_HE = frozenset({"relu", "leaky_relu", "elu", "gelu", "silu", "mish", "softplus"})


def for_activation(name: str) -> Init:
    """The usual initialisation of a layer whose output goes into the activation of this name.

    >>> import nn
    >>> nn.init.for_activation("relu").__name__
    'he_uniform'
    """
    if name == "selu":
        return lecun_normal
    return he_uniform if name in _HE else glorot_uniform
