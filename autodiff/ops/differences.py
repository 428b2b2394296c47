"""Differences, slopes and sums under curves of sampled functions."""

from __future__ import annotations

from typing import Any

import numpy as np

from autodiff.errors import AxisError, ShapeError, normalize_axes, normalize_axis
from autodiff.ops.comparison import not_equal
from autodiff.ops.elementwise import astype
from autodiff.ops.joining import concatenate
from autodiff.ops.movement import along, as_array, broadcast_to, ravel, reshape
from autodiff.ops.reduction import sum as sum_over
from autodiff.registry import public
from autodiff.tensor import raw

__all__ = ["diff", "ediff1d", "gradient", "trapezoid"]


@public
def diff(x: Any, n: int = 1, axis: int = -1, prepend: Any = None, append: Any = None) -> Any:
    r"""Differences of neighbours along an axis, ``n`` times over (``numpy.diff``).

    .. math:: y_i = x_{i+1} - x_i

    ``prepend`` and ``append`` are put before and after first; a scalar is repeated. Of bools it is
    whether neighbours differ. Raises ShapeError for a scalar or a negative ``n``, AxisError.

    >>> import autodiff as ad
    >>> ad.diff(ad.tensor([1.0, 4.0, 9.0]))
    Tensor([3., 5.])
    """
    x = as_array(x)
    if n < 0:
        raise ShapeError(f"diff: n is not negative, got {n}")
    if not x.ndim:
        raise ShapeError("diff: expected at least one axis, got a scalar")
    axis = normalize_axis("diff", axis, x.ndim)
    if n == 0:
        return x
    parts = []
    for part in (prepend, x, append):
        if part is None:
            continue
        part = as_array(part)
        if not part.ndim:
            part = broadcast_to(part, (*x.shape[:axis], 1, *x.shape[axis + 1 :]))
        parts.append(part)
    x = x if len(parts) == 1 else concatenate(parts, axis)
    for _ in range(n):
        after, before = x[along(axis, slice(1, None))], x[along(axis, slice(-1))]
        x = not_equal(after, before) if x.dtype.kind == "b" else after - before
    return x


@public
def ediff1d(x: Any, to_end: Any = None, to_begin: Any = None) -> Any:
    r"""Differences of neighbours of all entries, with others put around (``numpy.ediff1d``).

    .. math:: y = (\mathrm{begin}, x_1 - x_0, x_2 - x_1, \ldots, \mathrm{end})

    >>> import autodiff as ad
    >>> ad.ediff1d(ad.tensor([1.0, 4.0, 9.0]), to_begin=0.0)
    Tensor([0., 3., 5.])
    """
    x = ravel(x)
    parts = [x[1:] - x[:-1]]
    if to_begin is not None:
        parts.insert(0, astype(ravel(to_begin), x.dtype))
    if to_end is not None:
        parts.append(astype(ravel(to_end), x.dtype))
    return parts[0] if len(parts) == 1 else concatenate(parts)


@public
def trapezoid(y: Any, x: Any = None, dx: Any = 1.0, axis: int = -1) -> Any:
    r"""Integral along an axis by the trapezoidal rule (``numpy.trapezoid``).

    .. math:: z = \sum_i \tfrac12 (x_{i+1} - x_i)(y_i + y_{i+1})

    ``x`` holds the places, of one axis or as ``y``; without it they are ``dx`` apart. Gradients
    reach all three. Raises AxisError, ShapeError.

    >>> import autodiff as ad
    >>> ad.trapezoid(ad.tensor([1.0, 2.0, 3.0]), [0.0, 1.0, 3.0])
    Tensor(6.5)
    """
    y = as_array(y)
    axis = normalize_axis("trapezoid", axis, y.ndim)
    if x is not None:
        x = as_array(x)
        dx = diff(x, axis=axis if x.ndim > 1 else -1)
        if x.ndim == 1:
            dx = reshape(dx, [dx.size if a == axis else 1 for a in range(y.ndim)])
    pairs = y[along(axis, slice(1, None))] + y[along(axis, slice(-1))]
    return sum_over(dx * pairs / 2.0, axis)


def _spacings(f: Any, given: tuple[Any, ...], axes: tuple[int, ...]) -> list[Any]:
    """For each axis a number or an array of the distances between neighbours."""
    if not given:
        return [1.0] * len(axes)
    if len(given) == 1 and np.ndim(raw(given[0])) == 0:
        return list(given) * len(axes)
    if len(given) != len(axes):
        raise ShapeError(
            f"gradient: {len(given)} spacings for {len(axes)} axes (expected none, one number, or "
            "one for each axis)"
        )
    spacings = []
    for h, axis in zip(given, axes, strict=True):
        if np.ndim(raw(h)) == 0:
            spacings.append(h)
            continue
        h = as_array(h)
        if h.shape != (f.shape[axis],):
            raise ShapeError(
                f"gradient: coordinates of shape {h.shape} for axis {axis} of shape {f.shape}"
            )
        steps = diff(astype(h, float) if h.dtype.kind in "biu" else h)
        same = isinstance(h, np.ndarray) and bool((steps == steps[0]).all())
        spacings.append(steps[0] if same else steps)
    return spacings


@public
def gradient(f: Any, *spacing: Any, axis: Any = None, edge_order: int = 1) -> Any:
    r"""Slopes of a sampled function, by differences of second order inside (``numpy.gradient``).

    .. math:: y_i = \frac{h_-^2 f_{i+1} + (h_+^2 - h_-^2) f_i - h_+^2 f_{i-1}}{h_- h_+ (h_- + h_+)}

    Parameters
    ----------
    f : array_like
        Integers are computed in float64.
    *spacing : number or array_like
        One number for all axes, or for each axis a number or the coordinates along it. Gradients
        reach them too.
    axis : int, tuple of int, or None
        A tuple of slopes for several axes, as NumPy's.
    edge_order : {1, 2}
        The order of the one-sided differences at both ends.

    Raises ShapeError for spacings that do not fit, or fewer entries along an axis than
    ``edge_order`` + 1.

    >>> import autodiff as ad
    >>> ad.gradient(ad.tensor([1.0, 4.0, 9.0, 16.0]))
    Tensor([3., 4., 6., 7.])
    """
    f = as_array(f)
    if edge_order not in (1, 2):
        raise ValueError(f"gradient: edge_order is 1 or 2, got {edge_order!r}")
    f = astype(f, float) if f.dtype.kind in "biu" else f
    axes = normalize_axes("gradient", axis, f.ndim)
    if not axes:
        raise AxisError(f"gradient: expected at least one axis, got shape {f.shape}")
    slopes = tuple(
        [
            astype(_slope(f, h, a, edge_order), f.dtype)
            for h, a in zip(_spacings(f, spacing, axes), axes, strict=True)
        ]
    )
    return slopes[0] if len(slopes) == 1 else slopes


def _slope(f: Any, h: Any, axis: int, edge_order: int) -> Any:
    if f.shape[axis] < edge_order + 1:
        raise ShapeError(
            f"gradient: axis {axis} of shape {f.shape} needs {edge_order + 1} entries at least"
        )

    def at(i: int | slice) -> Any:
        return f[along(axis, i if isinstance(i, slice) else slice(i, i + 1 or None))]

    if np.ndim(raw(h)) == 0:
        middle = (at(slice(2, None)) - at(slice(-2))) / (2.0 * h)
        near = far = [h, h]
    else:
        wide = reshape(h, [h.size if a == axis else 1 for a in range(f.ndim)])
        left, right = wide[along(axis, slice(-1))], wide[along(axis, slice(1, None))]
        middle = (
            -right / (left * (left + right)) * at(slice(-2))
            + (right - left) / (left * right) * at(slice(1, -1))
            + left / (right * (left + right)) * at(slice(2, None))
        )
        near, far = [h[0], h[min(1, h.size - 1)]], [h[-1], h[-min(2, h.size)]]
    if edge_order == 1:
        first, last = (at(1) - at(0)) / near[0], (at(-1) - at(-2)) / far[0]
    else:
        first = _one_sided(near, at(0), at(1), at(2))
        last = -_one_sided(far, at(-1), at(-2), at(-3))
    return concatenate([first, middle, last], axis)


def _one_sided(h: list[Any], f0: Any, f1: Any, f2: Any) -> Any:
    """The slope at an end, of second order, from distances to the inside."""
    p, q = h
    return -(2.0 * p + q) / (p * (p + q)) * f0 + (p + q) / (p * q) * f1 - p / (q * (p + q)) * f2
