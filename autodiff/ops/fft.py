"""Discrete Fourier transforms, as ``numpy.fft``: public under ``ad.fft``.

Written with the primitives of ``fourier``, which keep the length of their axes. All are linear, so
that gradients are transforms too, of every order.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from autodiff.errors import AxisError, ShapeError, check_device, normalize_axes, normalize_axis
from autodiff.ops.complex import conj
from autodiff.ops.fourier import SWAPPED
from autodiff.ops.joining import concatenate, pad
from autodiff.ops.movement import along, as_array, as_shape
from autodiff.registry import PRIMITIVES
from autodiff.tensor import Tensor, apply, wrap

__all__ = [
    "fft",
    "fft2",
    "fftfreq",
    "fftn",
    "fftshift",
    "hfft",
    "ifft",
    "ifft2",
    "ifftn",
    "ifftshift",
    "ihfft",
    "irfft",
    "irfft2",
    "irfftn",
    "rfft",
    "rfft2",
    "rfftfreq",
    "rfftn",
]


def _norm(name: str, norm: Any) -> str:
    norm = "backward" if norm is None else norm
    if norm not in SWAPPED:
        raise ValueError(f"{name}: norm is 'backward', 'ortho' or 'forward', got {norm!r}")
    return str(norm)


def _resize(name: str, x: Any, n: Any, axis: int) -> Any:
    """Cut the axis to ``n`` entries, or fill it up with zeros; None and -1 leave it as it is."""
    size = x.shape[axis]
    (n,) = (size,) if n is None else as_shape(name, n, "a length")
    n = size if n == -1 else n
    if n < 1:
        raise ShapeError(
            f"{name}: expected at least 1 entry along axis {axis} of an operand of shape "
            f"{x.shape}, got a length of {n}"
        )
    if n < size:
        return x[along(axis, slice(n))]
    widths = [(0, n - size if a == axis else 0) for a in range(x.ndim)]
    return x if n == size else pad(x, widths)


def _axes(name: str, x: Any, s: Any, axes: Any) -> tuple[tuple[int, ...], tuple[Any, ...]]:
    """The axes of a transform over several, and a length (or None) for each."""
    if axes is None:
        axes = range(x.ndim) if s is None else range(x.ndim - len(s), x.ndim)
    found = normalize_axes(name, tuple(axes), x.ndim)
    lengths = (None,) * len(found) if s is None else tuple(s)
    if len(lengths) != len(found):
        raise ShapeError(f"{name}: {len(lengths)} lengths s={s!r} for the axes {found}")
    return found, lengths


def _complex(name: str, x: Any, s: Any, axes: Any, norm: Any, inverse: bool) -> Any:
    x, norm = as_array(x), _norm(name, norm)
    found, lengths = _axes(name, x, s, axes)
    for n, axis in zip(lengths, found, strict=True):
        x = _resize(name, x, n, axis)
    return apply(PRIMITIVES["fft"], x, axes=found, norm=norm, inverse=inverse) if found else x


def _to_real(name: str, x: Any, n: Any, axis: int, norm: Any) -> Any:
    """The real numbers of a half spectrum: ``n`` of them, by default an even number."""
    x, norm = as_array(x), _norm(name, norm)
    axis = normalize_axis(name, axis, x.ndim)
    n = 2 * (x.shape[axis] - 1) if n is None or n == -1 else n
    (n,) = as_shape(name, n, "a length")
    if n < 1:
        raise ShapeError(
            f"{name}: expected at least 1 entry along axis {axis}, got a length of {n} for an "
            f"operand of shape {x.shape}"
        )
    x = _resize(name, x, n // 2 + 1, axis)
    return apply(PRIMITIVES["irfft"], x, n=n, axis=axis, norm=norm)


def _last(name: str, x: Any, s: Any, axes: Any) -> tuple[tuple[int, ...], tuple[Any, ...]]:
    found, lengths = _axes(name, x, s, axes)
    if not found:
        raise AxisError(f"{name}: expected at least one axis, got axes={axes!r}")
    return found, lengths


def fft(x: Any, n: int | None = None, axis: int = -1, norm: str | None = None) -> Any:
    r"""Discrete Fourier transform along an axis, as ``numpy.fft.fft``.

    .. math:: y_k = \sum_{j<n} x_j e^{-2\pi i jk/n}, \qquad
        \bar x_j = \sum_k \bar y_k e^{+2\pi i jk/n}

    Parameters
    ----------
    x : array_like
        Real or complex. Single precision stays single.
    n : int, optional
        Length of the axis: cut to it, or filled up with zeros.
    axis : int
    norm : {"backward", "ortho", "forward"}
        Which transform carries the factor 1/n: the inverse, both (1/√n), or this one.

    Raises
    ------
    ShapeError
        The length is less than 1.
    AxisError, ValueError

    Reference: Cooley and Tukey (1965), "An algorithm for the machine calculation of complex Fourier
    series".

    >>> import autodiff as ad
    >>> ad.fft.fft(ad.tensor([1.0, 0.0, -1.0, 0.0]))
    Tensor([0.+0.j, 2.+0.j, 0.+0.j, 2.+0.j], dtype=complex128)
    """
    return _complex("fft", x, None if n is None else (n,), (axis,), norm, False)


def ifft(x: Any, n: int | None = None, axis: int = -1, norm: str | None = None) -> Any:
    r"""The inverse of ``fft``, as ``numpy.fft.ifft``; parameters and errors are those of ``fft``.

    .. math:: y_j = \frac{1}{n} \sum_{k<n} x_k e^{+2\pi i jk/n}

    >>> import autodiff as ad
    >>> ad.fft.ifft(ad.tensor([0.0, 4.0, 0.0, 0.0]))
    Tensor([ 1.+0.j,  0.+1.j, -1.+0.j,  0.-1.j], dtype=complex128)
    """
    return _complex("ifft", x, None if n is None else (n,), (axis,), norm, True)


def fftn(x: Any, s: Any = None, axes: Any = None, norm: str | None = None) -> Any:
    r"""Fourier transform over several axes, as ``numpy.fft.fftn``.

    .. math:: y_{k_1 k_2 \dots} = \sum_{j_1 j_2 \dots} x_{j_1 j_2 \dots}
        e^{-2\pi i (j_1 k_1 / n_1 + j_2 k_2 / n_2 + \dots)}

    ``s`` holds a length for each of the ``axes`` (-1 leaves it), which are all axes, or the last
    ``len(s)``. An axis stands once. ``norm`` and errors are those of ``fft``.

    >>> import autodiff as ad
    >>> ad.fft.fftn(ad.tensor([[1.0, 2.0], [3.0, 4.0]])).real
    Tensor([[10., -2.],
            [-4.,  0.]])
    """
    return _complex("fftn", x, s, axes, norm, False)


def ifftn(x: Any, s: Any = None, axes: Any = None, norm: str | None = None) -> Any:
    """The inverse of ``fftn``, as ``numpy.fft.ifftn``; parameters and errors are its.

    >>> import autodiff as ad
    >>> ad.fft.ifftn(ad.tensor([[10.0, -2.0], [-4.0, 0.0]])).real
    Tensor([[1., 2.],
            [3., 4.]])
    """
    return _complex("ifftn", x, s, axes, norm, True)


def fft2(x: Any, s: Any = None, axes: Any = (-2, -1), norm: str | None = None) -> Any:
    """``fftn`` over the last two axes, as ``numpy.fft.fft2``.

    >>> import autodiff as ad
    >>> ad.fft.fft2(ad.ones((3, 2, 2))).real[0]
    Tensor([[4., 0.],
            [0., 0.]])
    """
    return _complex("fft2", x, s, axes, norm, False)


def ifft2(x: Any, s: Any = None, axes: Any = (-2, -1), norm: str | None = None) -> Any:
    """The inverse of ``fft2``, as ``numpy.fft.ifft2``.

    >>> import autodiff as ad
    >>> ad.fft.ifft2(ad.ones((2, 2))).real
    Tensor([[1., 0.],
            [0., 0.]])
    """
    return _complex("ifft2", x, s, axes, norm, True)


def rfft(x: Any, n: int | None = None, axis: int = -1, norm: str | None = None) -> Any:
    r"""The first ``n // 2 + 1`` entries of ``fft`` of real numbers, as ``numpy.fft.rfft``.

    .. math:: y_k = \sum_{j<n} x_j e^{-2\pi i jk/n}, \quad k \le n/2; \qquad
        \bar x_j = \operatorname{Re} \sum_{k \le n/2} \bar y_k e^{+2\pi i jk/n}

    The others are conjugates of these. Parameters and errors are those of ``fft``; complex numbers
    raise DTypeError.

    >>> import autodiff as ad
    >>> x = ad.tensor([1.0, 0.0, -1.0, 0.0], requires_grad=True)
    >>> y = ad.fft.rfft(x)
    >>> ad.gradients(ad.sum(ad.abs(y) ** 2), x)
    Tensor([ 4.,  0., -4.,  0.])
    """
    x, norm = as_array(x), _norm("rfft", norm)
    axis = normalize_axis("rfft", axis, x.ndim)
    return apply(PRIMITIVES["rfft"], _resize("rfft", x, n, axis), axis=axis, norm=norm)


def irfft(x: Any, n: int | None = None, axis: int = -1, norm: str | None = None) -> Any:
    r"""The ``n`` real numbers whose half spectrum ``x`` is, as ``numpy.fft.irfft``.

    .. math:: y_j = \frac{1}{n} \Bigl( \operatorname{Re} x_0 + 2 \operatorname{Re}
        \sum_{0<k<n/2} x_k e^{2\pi i jk/n} + [\,n \text{ even}\,] (-1)^j \operatorname{Re} x_{n/2}
        \Bigr)

    ``n`` is even, ``2 (m - 1)`` for m entries, unless it is given. Imaginary parts of the first
    and, for even ``n``, the last entry have no effect and no gradient.

    >>> import autodiff as ad
    >>> ad.fft.irfft(ad.tensor([0.0, 2.0, 0.0]))
    Tensor([ 1.,  0., -1.,  0.])
    """
    return _to_real("irfft", x, n, axis, norm)


def rfftn(x: Any, s: Any = None, axes: Any = None, norm: str | None = None) -> Any:
    """``rfft`` along the last of the axes and ``fft`` over the others, as ``numpy.fft.rfftn``.

    Parameters and errors are those of ``fftn``.

    >>> import autodiff as ad
    >>> ad.fft.rfftn(ad.ones((2, 4))).shape
    (2, 3)
    """
    return _half("rfftn", x, s, axes, norm)


def _half(name: str, x: Any, s: Any, axes: Any, norm: Any) -> Any:
    x = as_array(x)
    found, lengths = _last(name, x, s, axes)
    y = rfft(x, lengths[-1], found[-1], norm)
    return _complex(name, y, lengths[:-1], found[:-1], norm, False)


def _whole(name: str, x: Any, s: Any, axes: Any, norm: Any) -> Any:
    x = as_array(x)
    found, lengths = _last(name, x, s, axes)
    x = _complex(name, x, lengths[:-1], found[:-1], norm, True)
    return _to_real(name, x, lengths[-1], found[-1], norm)


def irfftn(x: Any, s: Any = None, axes: Any = None, norm: str | None = None) -> Any:
    """The inverse of ``rfftn``, as ``numpy.fft.irfftn``; the last length is that of the result.

    >>> import autodiff as ad
    >>> ad.fft.irfftn(ad.fft.rfftn(ad.ones((2, 3))), s=(2, 3), axes=(0, 1))
    Tensor([[1., 1., 1.],
            [1., 1., 1.]])
    """
    return _whole("irfftn", x, s, axes, norm)


def rfft2(x: Any, s: Any = None, axes: Any = (-2, -1), norm: str | None = None) -> Any:
    """``rfftn`` over the last two axes, as ``numpy.fft.rfft2``.

    >>> import autodiff as ad
    >>> ad.fft.rfft2(ad.ones((5, 2, 4))).shape
    (5, 2, 3)
    """
    return _half("rfft2", x, s, axes, norm)


def irfft2(x: Any, s: Any = None, axes: Any = (-2, -1), norm: str | None = None) -> Any:
    """The inverse of ``rfft2``, as ``numpy.fft.irfft2``.

    >>> import autodiff as ad
    >>> ad.fft.irfft2(ad.ones((5, 2, 3))).shape
    (5, 2, 4)
    """
    return _whole("irfft2", x, s, axes, norm)


def hfft(x: Any, n: int | None = None, axis: int = -1, norm: str | None = None) -> Any:
    r"""The real spectrum of numbers of which ``x`` is the first half, as ``numpy.fft.hfft``.

    .. math:: y = n \cdot \mathrm{irfft}(\overline{x}, n)

    The other half is the conjugate of this one. ``n`` is that of ``irfft``.

    >>> import autodiff as ad
    >>> ad.fft.hfft(ad.tensor([1.0, 2.0j, 0.0]))
    Tensor([ 1.,  5.,  1., -3.])
    """
    return _to_real("hfft", conj(x), n, axis, SWAPPED[_norm("hfft", norm)])


def ihfft(x: Any, n: int | None = None, axis: int = -1, norm: str | None = None) -> Any:
    """The inverse of ``hfft``: the first half of the numbers whose spectrum is real.

    >>> import autodiff as ad
    >>> ad.fft.ihfft(ad.tensor([1.0, 5.0, 1.0, -3.0]))
    Tensor([1.-0.j, 0.+2.j, 0.-0.j], dtype=complex128)
    """
    return conj(rfft(x, n, axis, SWAPPED[_norm("ihfft", norm)]))


def _turn(name: str, x: Any, axes: Any, sign: int) -> Any:
    x = as_array(x)
    for axis in normalize_axes(name, axes, x.ndim):
        size = x.shape[axis]
        cut = -(sign * (size // 2)) % max(size, 1)
        parts: Sequence[Any] = [x[along(axis, slice(cut, None))], x[along(axis, slice(cut))]]
        x = concatenate(parts, axis)
    return x


def fftshift(x: Any, axes: Any = None) -> Any:
    """Move the frequency 0 to the middle of axes (all of them: None), as ``numpy.fft.fftshift``.

    >>> import autodiff as ad
    >>> ad.fft.fftshift(ad.fft.fftfreq(4, 0.25))
    Tensor([-2., -1.,  0.,  1.])
    """
    return _turn("fftshift", x, axes, 1)


def ifftshift(x: Any, axes: Any = None) -> Any:
    """The inverse of ``fftshift``; for axes of even size they are the same.

    >>> import autodiff as ad
    >>> ad.fft.ifftshift(ad.tensor([-1.0, 0.0, 1.0]))
    Tensor([ 0.,  1., -1.])
    """
    return _turn("ifftshift", x, axes, -1)


def _count(name: str, n: Any) -> int:
    (count,) = as_shape(name, n, "n")
    if count < 1:
        raise ShapeError(f"{name}: n is at least 1, got {n}")
    return count


def fftfreq(n: int, d: float = 1.0, *, dtype: Any = None, device: Any = None) -> Tensor:
    """The frequencies of the entries of ``fft``, of ``n`` samples at distance ``d``.

    They are those of ``numpy.fft.fftfreq``, in cycles per unit of ``d``.

    >>> import autodiff as ad
    >>> ad.fft.fftfreq(5, 0.2)
    Tensor([ 0.,  1.,  2., -2., -1.])
    """
    check_device("fftfreq", device)
    frequencies = np.fft.fftfreq(_count("fftfreq", n), d)
    return wrap(frequencies if dtype is None else frequencies.astype(dtype))


def rfftfreq(n: int, d: float = 1.0, *, dtype: Any = None, device: Any = None) -> Tensor:
    """The frequencies of the entries of ``rfft``, as ``numpy.fft.rfftfreq``.

    >>> import autodiff as ad
    >>> ad.fft.rfftfreq(4, 0.25)
    Tensor([0., 1., 2.])
    """
    check_device("rfftfreq", device)
    frequencies = np.fft.rfftfreq(_count("rfftfreq", n), d)
    return wrap(frequencies if dtype is None else frequencies.astype(dtype))
