"""Polynomials by their coefficients, highest power first: ``numpy``'s ``poly*`` functions."""

from __future__ import annotations

from typing import Any

import numpy as np

from autodiff.batched import shaped_by_values
from autodiff.errors import ShapeError
from autodiff.ops.elementwise import astype
from autodiff.ops.joining import concatenate, pad, stack
from autodiff.ops.movement import as_array, ravel, values_of
from autodiff.ops.signal import convolve
from autodiff.registry import public

__all__ = ["polyadd", "polyder", "polyint", "polymul", "polysub", "polyval", "vander"]


@public
def polyval(p: Any, x: Any) -> Any:
    r"""The value of a polynomial at ``x`` (``numpy.polyval``), by Horner's rule.

    .. math:: y = \sum_{i=0}^{n} p_i\, x^{n - i}

    Gradients reach the coefficients and ``x``.

    >>> import autodiff as ad
    >>> ad.polyval(ad.tensor([1.0, 0.0, -1.0]), 3.0)
    Tensor(8.)
    """
    p, x = as_array(p), as_array(x)
    y: Any = np.zeros(x.shape, x.dtype)
    for i in range(p.shape[0]):
        y = y * x + p[i]
    return y


@public
def vander(x: Any, n: int | None = None, increasing: bool = False) -> Any:
    r"""Powers of a vector, a column for each (``numpy.vander``).

    .. math:: y_{ij} = x_i^{n - 1 - j}, \qquad y_{ij} = x_i^j \;(\mathrm{increasing})

    Raises ShapeError for what is no vector.

    >>> import autodiff as ad
    >>> ad.vander(ad.tensor([2.0, 3.0]), 3)
    Tensor([[4., 2., 1.],
            [9., 3., 1.]])
    """
    x = as_array(x)
    if x.ndim != 1:
        raise ShapeError(f"vander: expected a vector, got shape {x.shape}")
    n = x.shape[0] if n is None else n
    x = astype(x, np.result_type(x.dtype, int))
    powers: list[Any] = [np.ones(x.shape, x.dtype)]
    while len(powers) < n:
        powers.append(x if len(powers) == 1 else powers[-1] * x)
    if not n:
        return x[:, None][:, :0]
    return stack(powers if increasing else powers[::-1], axis=1)


def _aligned(a: Any, b: Any) -> tuple[Any, Any]:
    a, b = (ravel(x) for x in (a, b))
    size = max(a.size, b.size)
    return pad(a, ((size - a.size, 0),)), pad(b, ((size - b.size, 0),))


@public
def polyadd(a: Any, b: Any) -> Any:
    """Coefficients of the sum of two polynomials (``numpy.polyadd``).

    >>> import autodiff as ad
    >>> ad.polyadd(ad.tensor([1.0, 2.0]), [3.0])
    Tensor([1., 5.])
    """
    a, b = _aligned(a, b)
    return a + b


@public
def polysub(a: Any, b: Any) -> Any:
    """Coefficients of the difference of two polynomials (``numpy.polysub``).

    >>> import autodiff as ad
    >>> ad.polysub(ad.tensor([1.0, 2.0]), [3.0])
    Tensor([ 1., -1.])
    """
    a, b = _aligned(a, b)
    return a - b


@public
@shaped_by_values("leading zeros are dropped; ad.convolve(a, b) keeps them")
def polymul(a: Any, b: Any) -> Any:
    """Coefficients of the product of two polynomials: their convolution (``numpy.polymul``).

    Leading zeros are dropped first, as NumPy does.

    >>> import autodiff as ad
    >>> ad.polymul(ad.tensor([1.0, 1.0]), [1.0, -1.0])
    Tensor([ 1.,  0., -1.])
    """
    return convolve(_without_leading_zeros(a), _without_leading_zeros(b))


def _without_leading_zeros(p: Any) -> Any:
    p = ravel(p)
    places = np.flatnonzero(values_of(p))
    return p[places[0] :] if places.size else p[-1:]


@public
def polyder(p: Any, m: int = 1) -> Any:
    r"""Coefficients of the derivative of order ``m`` (``numpy.polyder``).

    .. math:: y_i = (n - i)\, p_i

    Raises ShapeError for a negative order.

    >>> import autodiff as ad
    >>> ad.polyder(ad.tensor([1.0, 2.0, 3.0]))
    Tensor([2., 2.])
    """
    if m < 0:
        raise ShapeError(f"polyder: the order is not negative, got {m}")
    p = ravel(p)
    for _ in range(m):
        p = p[:-1] * np.arange(p.size - 1, 0, -1)
    return p


@public
def polyint(p: Any, m: int = 1, k: Any = None) -> Any:
    r"""Coefficients of the integral of order ``m`` (``numpy.polyint``).

    .. math:: y_i = p_i / (n + 1 - i)

    ``k`` holds the constants of integration, one for each order or one for all; 0 where not given.
    Raises ShapeError for a negative order or another number of constants.

    >>> import autodiff as ad
    >>> ad.polyint(ad.tensor([2.0, 2.0]))
    Tensor([1., 2., 0.])
    """
    if m < 0:
        raise ShapeError(f"polyint: the order is not negative, got {m}")
    constants = ravel(0.0 if k is None else k)
    if constants.size not in (1, m):
        raise ShapeError(f"polyint: {constants.size} constants for order {m}")
    p = ravel(p)
    for i in range(m):
        c = constants[i if constants.size > 1 else 0]
        p = concatenate([p / np.arange(p.size, 0, -1), ravel(c)])
    return p
