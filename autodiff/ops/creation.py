"""Creation: Tensors of given data, of one value, of ranges."""

from __future__ import annotations

from typing import Any

import numpy as np

from autodiff.errors import ShapeError
from autodiff.ops.movement import as_shape
from autodiff.registry import public
from autodiff.tensor import Tensor, raw, wrap

__all__ = [
    "arange",
    "eye",
    "full",
    "full_like",
    "linspace",
    "ones",
    "ones_like",
    "tensor",
    "zeros",
    "zeros_like",
]


@public
def tensor(
    data: Any, *, dtype: Any = None, requires_grad: bool = False, name: str | None = None
) -> Tensor:
    """Make a Tensor of a copy of the data.

    Parameters
    ----------
    data : array_like
        Numbers; a Tensor's value without its history.
    dtype : dtype, optional
        NumPy's choice for ``data`` where it is not given: float64 for Python floats.
    requires_grad : bool
        Whether gradients are wanted with respect to this value. Real floating dtypes only.
    name : str, optional
        Shown in drawings, reports and error messages.

    Raises
    ------
    DTypeError
        The data are no numbers, or a gradient is asked for integers, bools or complex numbers.

    >>> import autodiff as ad
    >>> ad.tensor([1.0, 2.0], requires_grad=True, name="w")
    Tensor([1., 2.], name='w', requires_grad=True)
    """
    return Tensor(data, dtype=dtype, requires_grad=requires_grad, name=name)


def _sizes(name: str, shape: Any) -> tuple[int, ...]:
    sizes = as_shape(name, shape)
    if min(sizes, default=0) < 0:
        raise ShapeError(f"{name}: sizes are not negative, got {shape!r}")
    return sizes


@public
def zeros(shape: Any, dtype: Any = None) -> Tensor:
    """A Tensor of zeros; float64 where no dtype is given (``numpy.zeros``).

    Raises DTypeError for a shape that is not made of integers, ShapeError for a negative size.

    >>> import autodiff as ad
    >>> ad.zeros((2, 2))
    Tensor([[0., 0.],
            [0., 0.]])
    """
    return wrap(np.zeros(_sizes("zeros", shape), dtype))


@public
def ones(shape: Any, dtype: Any = None) -> Tensor:
    """A Tensor of ones; float64 where no dtype is given (``numpy.ones``).

    Raises DTypeError for a shape that is not made of integers, ShapeError for a negative size.

    >>> import autodiff as ad
    >>> ad.ones(3)
    Tensor([1., 1., 1.])
    """
    return wrap(np.ones(_sizes("ones", shape), dtype))


@public
def full(shape: Any, fill_value: Any, dtype: Any = None) -> Tensor:
    """A Tensor of one value, whose dtype is the value's where none is given (``numpy.full``).

    The value is a constant; ``broadcast_to`` repeats a Tensor that needs a gradient. Raises
    DTypeError for a shape that is not made of integers, ShapeError for a negative size,
    GradientError for a value that needs a gradient.

    >>> import autodiff as ad
    >>> ad.full(2, 7.0)
    Tensor([7., 7.])
    """
    return wrap(np.full(_sizes("full", shape), fill_value, dtype))


@public
def zeros_like(x: Any, *, dtype: Any = None) -> Any:
    """Zeros of the shape of ``x``, and of its dtype where none is given (``numpy.zeros_like``).

    A Tensor for a Tensor, else an ndarray; no gradient reaches ``x``.

    >>> import autodiff as ad
    >>> ad.zeros_like(ad.tensor([1.0, 2.0]))
    Tensor([0., 0.])
    """
    return full_like(x, 0, dtype=dtype)


@public
def ones_like(x: Any, *, dtype: Any = None) -> Any:
    """Ones of the shape of ``x``, and of its dtype where none is given (``numpy.ones_like``).

    A Tensor for a Tensor, else an ndarray; no gradient reaches ``x``.

    >>> import autodiff as ad
    >>> ad.ones_like(ad.tensor([1.0, 2.0]))
    Tensor([1., 1.])
    """
    return full_like(x, 1, dtype=dtype)


@public
def full_like(x: Any, fill_value: Any, *, dtype: Any = None) -> Any:
    """One value in the shape of ``x``, and in its dtype where none is given (``numpy.full_like``).

    A Tensor for a Tensor, else an ndarray; no gradient reaches ``x``. The value is a constant: one
    that needs a gradient raises GradientError.

    >>> import autodiff as ad
    >>> ad.full_like(ad.tensor([1.0, 2.0]), 3)
    Tensor([3., 3.])
    """
    source = np.asarray(raw(x))
    # Not `numpy.full_like`, which would keep the strides of `x` and with them its axes' order in
    # memory.
    filled = np.full(source.shape, fill_value, source.dtype if dtype is None else dtype)
    return wrap(filled) if isinstance(x, Tensor) else filled


@public
def arange(start: Any, stop: Any = None, step: Any = 1, dtype: Any = None) -> Tensor:
    r"""Evenly spaced numbers from ``start`` up to and without ``stop`` (``numpy.arange``).

    .. math:: y_i = \mathrm{start} + i \cdot \mathrm{step}

    With one number it is ``stop``, and ``start`` is 0. The dtype is that of the numbers.

    >>> import autodiff as ad
    >>> ad.arange(3.0)
    Tensor([0., 1., 2.])
    """
    if stop is None:
        start, stop = type(start)(0), start
    return wrap(np.arange(start, stop, step, dtype=dtype))


@public
def linspace(
    start: Any, stop: Any, num: int = 50, *, endpoint: bool = True, dtype: Any = None
) -> Tensor:
    r"""``num`` evenly spaced numbers from ``start`` to ``stop`` (``numpy.linspace``).

    .. math:: y_i = \mathrm{start} + i \, \frac{\mathrm{stop} - \mathrm{start}}{\mathrm{num} - 1}

    Without ``endpoint``, ``stop`` itself is left out and the divisor is ``num``. The dtype is
    float64.

    >>> import autodiff as ad
    >>> ad.linspace(0, 1, 3)
    Tensor([0. , 0.5, 1. ])
    """
    return wrap(np.linspace(start, stop, num, endpoint=endpoint, dtype=dtype))


@public
def eye(n: int, m: int | None = None, *, k: int = 0, dtype: Any = None) -> Tensor:
    r"""A matrix with ones on a diagonal and zeros elsewhere; float64 unless told (``numpy.eye``).

    .. math:: y_{ij} = [\, j = i + k \,]

    It has ``n`` rows and ``m`` columns, as many as rows where ``m`` is not given.

    >>> import autodiff as ad
    >>> ad.eye(2)
    Tensor([[1., 0.],
            [0., 1.]])
    """
    return wrap(np.eye(n, m, k, dtype or float))
