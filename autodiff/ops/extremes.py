"""The larger and the smaller of two operands where NaN stands for a missing number."""

from __future__ import annotations

from typing import Any

import numpy as np

from autodiff.families import Elementwise, Function, elementwise_function
from autodiff.ops.selection import where
from autodiff.tensor import raw

__all__ = ["fmax", "fmin"]


def _chosen(a: Any, b: Any, larger: bool) -> Any:
    """Where the first operand was chosen, or tied."""
    a, b = raw(a), raw(b)
    with np.errstate(invalid="ignore"):
        return (a >= b if larger else a <= b) | np.isnan(b)


def _share(g: Any, first: Any, second: Any) -> Any:
    """The cotangent where an operand was chosen, half of it at a tie."""
    tied = first & second
    return where(first, where(tied, 0.5 * g, g) if np.any(tied) else g, 0)


def _products(larger: bool) -> tuple[Any, Any]:
    return (
        lambda g, a, b: _share(g, _chosen(a, b, larger), _chosen(b, a, larger)),
        lambda g, a, b: _share(g, _chosen(b, a, larger), _chosen(a, b, larger)),
    )


class Fmax(Elementwise):
    r"""The larger of two operands, entry by entry; of a number and a NaN the number.

    .. math:: y = \max(a, b)

    The operand that was not selected has no gradient; at a tie each has half of it.

    >>> import autodiff as ad
    >>> ad.fmax(ad.tensor([1.0, float("nan")]), 0.0)
    Tensor([1., 0.])
    """

    name = "fmax"
    kernel = np.fmax
    products = _products(True)
    selects = True
    selected = (lambda a, b: _chosen(a, b, True), lambda a, b: _chosen(b, a, True))
    intervals = ((-2.0, 2.0), (-1.9, 2.1))


class Fmin(Elementwise):
    r"""The smaller of two operands, entry by entry; of a number and a NaN the number.

    .. math:: y = \min(a, b)

    The operand that was not selected has no gradient; at a tie each has half of it.

    >>> import autodiff as ad
    >>> ad.fmin(ad.tensor([1.0, float("nan")]), 2.0)
    Tensor([1., 2.])
    """

    name = "fmin"
    kernel = np.fmin
    products = _products(False)
    selects = True
    selected = (lambda a, b: _chosen(a, b, False), lambda a, b: _chosen(b, a, False))
    intervals = ((-2.0, 2.0), (-1.9, 2.1))


fmax: Function = elementwise_function(Fmax)
fmin: Function = elementwise_function(Fmin)
