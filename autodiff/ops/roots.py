"""Roots, quotients and fits of polynomials, their coefficients in falling order as in NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np

from autodiff.batched import refuse, shaped_by_values
from autodiff.errors import ShapeError
from autodiff.ops.complex import real
from autodiff.ops.creation import ones_like, zeros_like
from autodiff.ops.elementwise import astype, sqrt
from autodiff.ops.joining import concatenate, pad, stack
from autodiff.ops.linalg_decompositions import eigvals
from autodiff.ops.linalg_systems import lstsq
from autodiff.ops.movement import as_array, transpose, values_of
from autodiff.ops.polynomial import vander
from autodiff.ops.reduction import sum
from autodiff.ops.signal import convolve
from autodiff.registry import public
from autodiff.tensor import raw

__all__ = ["poly", "polydiv", "polyfit", "roots"]


_ROOTS = (
    "leading zeros are dropped; where there are none, write ad.linalg.eigvals of the companion "
    "matrix, or call it for one example after the other in a loop"
)
_QUOTIENT = "leading zeros of the remainder are dropped; call it for one example after the other"


def _vector(name: str, x: Any) -> Any:
    x = as_array(x)
    x = x.reshape(1) if x.ndim == 0 else x
    if x.ndim != 1:
        raise ShapeError(f"{name}: expected a vector, got an operand of shape {x.shape}")
    return x


@public
def poly(zeros: Any) -> Any:
    r"""Coefficients of the polynomial with given zeros and leading coefficient 1 (``numpy.poly``).

    .. math:: \sum_k c_k x^{n - k} = \prod_k (x - z_k)

    Where the zeros are complex in pairs of conjugates, the coefficients are real. Raises ShapeError
    for what is no vector: those of a matrix are ``poly(linalg.eigvals(a))``.

    >>> import autodiff as ad
    >>> ad.poly(ad.tensor([1.0, 2.0]))
    Tensor([ 1., -3.,  2.])
    """
    zeros = _vector("poly", zeros)
    zeros = zeros if zeros.dtype.kind in "fc" else astype(zeros, float)
    c = ones_like(zeros, shape=(1,))
    for k in range(zeros.size):
        c = convolve(c, stack([np.ones((), zeros.dtype), -zeros[k]]))
    if zeros.dtype.kind == "c":
        refuse("poly", "multiply the factors with ad.convolve", zeros, "dtype")
        values = np.sort(raw(zeros))
        return real(c) if np.array_equal(values, np.sort(np.conj(values))) else c
    return c


@public
@shaped_by_values(_ROOTS)
def roots(p: Any) -> Any:
    r"""Zeros of a polynomial, as eigenvalues of its companion matrix (``numpy.roots``).

    .. math:: \sum_k p_k x_i^{n - k} = 0, \qquad
        \frac{\partial x_i}{\partial p_k} = -\frac{x_i^{n - k}}{p'(x_i)}

    Leading zeros of ``p`` are dropped; where two zeros meet, the derivative does not exist. Raises
    ShapeError for what is no vector.

    >>> import autodiff as ad
    >>> p = ad.tensor([1.0, -3.0, 2.0], requires_grad=True)
    >>> x = ad.roots(p)
    >>> x.data, ad.gradients(x[0], p).data
    (array([2., 1.]), array([-4., -2., -1.]))
    """
    p = _vector("roots", p)
    places = np.flatnonzero(raw(p))
    if places.size == 0:
        return p[:0]
    trailing = p.size - places[-1] - 1
    p = p[int(places[0]) : int(places[-1]) + 1]
    p = p if p.dtype.kind in "fc" else astype(p, float)
    if p.size < 2:
        return zeros_like(p, shape=(trailing,))
    row = -p[1:] / p[0]
    below = np.eye(row.size - 1, row.size, dtype=row.dtype)
    found = eigvals(concatenate([row[None], below]))
    return concatenate([found, zeros_like(found, shape=(trailing,))]) if trailing else found


@public
@shaped_by_values(_QUOTIENT)
def polydiv(u: Any, v: Any) -> tuple[Any, Any]:
    r"""Quotient and remainder of two polynomials (``numpy.polydiv``).

    .. math:: u = q v + r, \qquad \deg r < \deg v

    Leading coefficients of the remainder that vanish are dropped. Raises ShapeError for what is no
    vector.

    >>> import autodiff as ad
    >>> ad.polydiv(ad.tensor([1.0, -3.0, 2.0]), [1.0, -1.0])
    (Tensor([ 1., -2.]), Tensor([0.]))
    """
    r, v = _vector("polydiv", u) * 1.0, _vector("polydiv", v) * 1.0
    degree, parts = v.size - 1, []
    for k in range(r.size - degree):
        parts.append(r[k] / v[0])
        r = r - pad(parts[-1] * v, (k, r.size - k - degree - 1))
    q = stack(parts) if parts else zeros_like(r, shape=(1,))
    start = 0
    while start < r.size - 1 and np.allclose(values_of(r)[start], 0, rtol=1e-14):
        start += 1
    return q, r[start:]


@public
def polyfit(x: Any, y: Any, deg: int, rcond: float | None = None, *, w: Any = None) -> Any:
    r"""Coefficients of the polynomial of a degree that fits points best (``numpy.polyfit``).

    .. math:: c = \mathrm{argmin}_c \sum_i w_i^2 \Big| y_i - \sum_k c_k x_i^{n - k} \Big|^2

    ``x`` and the weights ``w`` are vectors, ``y`` a vector or, for several fits, a matrix with a
    column for each. Gradients reach all three. Raises ShapeError for shapes that do not fit.

    >>> import autodiff as ad
    >>> ad.polyfit([0.0, 1.0, 2.0], ad.tensor([1.0, 3.0, 5.0]), 1)
    Tensor([2., 1.])
    """
    x, y = _vector("polyfit", x), as_array(y)
    if deg < 0 or y.ndim not in (1, 2) or y.shape[0] != x.size:
        raise ShapeError(
            f"polyfit: expected {x.size} values y for as many points x and a degree that is not "
            f"negative, got y of shape {y.shape} and degree {deg}"
        )
    powers, y = vander(x * 1.0, deg + 1), y * 1.0
    if w is not None:
        w = _vector("polyfit", w)
        powers, y = powers * w[:, None], y * (w[:, None] if y.ndim == 2 else w)
    # Columns of one length: their condition would else grow with the powers of x.
    scale = sqrt(sum(powers * powers, 0))
    rcond = x.size * np.finfo(powers.dtype).eps if rcond is None else rcond
    c = lstsq(powers / scale, y, rcond)[0]
    return transpose(transpose(c) / scale)
