"""The logarithm of a sum of exponentials along axes."""

from __future__ import annotations

import cmath
import math
from typing import Any

import numpy as np

from autodiff.ops.exponential import exp
from autodiff.ops.reduction import Reduction, reduce, reduced_shape, sum, unreduce
from autodiff.ops.selection import maximum
from autodiff.ops.sums import total
from autodiff.registry import public

__all__ = ["logsumexp"]


def _logsumexp(x: Any, out: Any = None, *, axis: tuple[int, ...], keepdims: bool) -> Any:
    if x.dtype.kind in "biu":
        x = x.astype(np.float64)
    top = np.maximum.reduce(x, axis=axis, keepdims=True, initial=-math.inf)
    if not cmath.isfinite(np.vdot(top, top)):  # a quick look, which may overflow
        # Where the largest is infinite, subtracting it would give inf - inf.
        top = np.where(np.isfinite(top), top, 0)
    with np.errstate(divide="ignore", over="ignore"):
        y = top + np.log(total(np.exp(x - top), axis, keepdims=True))
    y = y if keepdims else y.reshape(reduced_shape(x.shape, axis, False))
    if out is None:
        return y
    out[...] = y
    return out


class LogSumExp(Reduction):
    """The logarithm of the sum of exponentials along axes."""

    name = "logsumexp"
    kernel = staticmethod(_logsumexp)
    reference = staticmethod(
        lambda x, *, axis, keepdims: np.log(np.sum(np.exp(x), axis=axis, keepdims=keepdims))
    )
    vjp = staticmethod(
        lambda g, y, x, *, axis, keepdims: (
            unreduce(g, x, axis, keepdims) * shares(y, x, axis, keepdims)
        )
    )
    jvp = staticmethod(
        lambda t, y, x, *, axis, keepdims: sum(
            t * shares(y, x, axis, keepdims), axis, keepdims=keepdims
        )
    )
    special = (-1e4, 1e4, -math.inf)


def shares(y: Any, x: Any, axis: tuple[int, ...], keepdims: bool) -> Any:
    """The softmax of ``x``, from the logarithm ``y`` of the sum of its exponentials."""
    # Where all entries are -inf, so is y, and x - y would be NaN; a share is exp(-inf) there.
    base = maximum(y, float(np.finfo(y.dtype).min))
    return exp(x - unreduce(base, x, axis, keepdims))


@public
def logsumexp(x: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    r"""Logarithm of the sum of exponentials along axes, without overflow.

    .. math:: y = \ln \sum_i e^{x_i} = t + \ln \sum_i e^{x_i - t}, \qquad t = \max_i x_i,
        \qquad \bar x_i = e^{x_i - y} \bar y

    Where all entries are -inf, or there are none, y is -inf and the gradient 0. Bools and integers
    give float64; floating dtypes are kept. Raises AxisError for an axis that ``x`` does not have.
    Source: Blanchard, Higham and Higham (2021), "Accurately computing the log-sum-exp and softmax
    functions".

    >>> import autodiff as ad
    >>> x = ad.tensor([1e4, 1e4, 0.0], requires_grad=True)
    >>> y = ad.logsumexp(x)
    >>> float(y), ad.gradients(y, x).data
    (10000.69314718056, array([0.5, 0.5, 0. ]))
    """
    return reduce("logsumexp", x, axis, keepdims)
