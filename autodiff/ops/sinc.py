"""The function sin(πx) / (πx), and its derivatives without cancellation near 0."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from autodiff.families import Elementwise
from autodiff.ops.movement import as_array
from autodiff.primitive import Case, In
from autodiff.registry import PRIMITIVES, public
from autodiff.tensor import apply

__all__ = ["sinc"]


def _derivative(x: Any, order: int) -> Any:
    r"""The derivative of some order: by Taylor's series near 0, by recurrence elsewhere.

    With :math:`x f = \sin(\pi x)/\pi`, :math:`x f^{(n)} + n f^{(n-1)} = (\sin(\pi x)/\pi)^{(n)}`,
    which divides rounding errors by x n times over: it is used where :math:`\pi |x| > n + 1`.
    """
    v = np.asarray(x, np.result_type(np.asarray(x).dtype, np.float64))
    angle = math.pi * v
    near = np.abs(angle) <= order + 1
    far = np.where(near, 1.0, v)
    y = np.sinc(far)
    for n in range(1, order + 1):
        wave = np.sin(math.pi * far + n * math.pi / 2) * math.pi ** (n - 1)
        y = (wave - n * y) / far
    small = np.where(near, angle, 0.0)
    # Terms (-1)^k a^(2k - n) / ((2k + 1) (2k - n)!) of the series in a = pi x.
    first = (order + 1) // 2
    total = np.zeros(np.shape(small))
    for k in range(first + order // 2 + 20, first - 1, -1):
        m = 2 * k - order
        total = total + (-1) ** k * small**m / ((2 * k + 1) * math.factorial(m))
    return np.where(near, total * math.pi**order, y)


def _sinc(x: Any, *, order: int) -> Any:
    if order == 0:
        return np.sinc(x)
    dtype = np.sinc(np.ones(1, np.asarray(x).dtype)).dtype
    return _derivative(x, order).astype(dtype)[()]


def _integral(x: Any, *, order: int) -> Any:
    r"""The same as :math:`\pi^n \int_0^1 u^n \cos(\pi x u + n \pi / 2)\,du`."""
    nodes, weights = np.polynomial.legendre.leggauss(40)
    u = (nodes + 1) / 2
    waves = np.cos(math.pi * np.asarray(x)[..., None] * u + order * math.pi / 2)
    y = waves @ (weights * u**order) * math.pi**order / 2
    return y.astype(np.asarray(x).dtype)


class Sinc(Elementwise):
    """The derivative of ``ad.sinc`` of some order, each of which has the next as its own."""

    name = "sinc"
    kernel = staticmethod(_sinc)
    reference = staticmethod(_integral)
    like = np.fabs
    products = (lambda g, x, *, order: g * apply(PRIMITIVES["sinc"], x, order=order + 1),)
    intervals = ((-2.0, 2.0),)
    cases = (
        Case((In((2, 3)),), {"order": 0}),
        Case((In(()),), {"order": 1}),
        Case((In((3, 2), -3.0, 3.0),), {"order": 3}),
        Case((In((0, 2)),), {"order": 0}),
    )
    special = (0.0, 1e4)

    def infer_dtype(self, *dtypes: Any) -> Any:
        return np.sinc(np.ones(1, dtypes[0])).dtype


@public
def sinc(x: Any, /) -> Any:
    r"""Normalised sinc (``numpy.sinc``), 1 at 0.

    .. math:: y = \frac{\sin \pi x}{\pi x}

    Derivatives of every order are finite at 0, and without cancellation near it.

    >>> import autodiff as ad
    >>> ad.grad(ad.grad(ad.sinc))(0.0)
    np.float64(-3.2898681336964524)
    """
    return apply(PRIMITIVES["sinc"], as_array(x), order=0)
