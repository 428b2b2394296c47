"""Creation: Tensors of given data, of one value, of ranges.

``device`` is "cpu" or None. Names and keywords are those of the array API standard and of NumPy.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from autodiff.batched import Batched, active_levels, levels_of, lift_all, spell_out
from autodiff.errors import DTypeError, ShapeError, check_device
from autodiff.node import SCALARS
from autodiff.ops.elementwise import astype, power
from autodiff.ops.exponential import log10
from autodiff.ops.movement import as_array, as_shape, expand_dims, moveaxis
from autodiff.ops.rounding import sign
from autodiff.ops.selection import where
from autodiff.registry import public
from autodiff.tensor import Tensor, whole, wrap

__all__ = [
    "arange",
    "asarray",
    "empty",
    "empty_like",
    "eye",
    "from_dlpack",
    "full",
    "full_like",
    "geomspace",
    "linspace",
    "logspace",
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
        NumPy's choice for ``data`` where it is not given.
    requires_grad : bool
        Whether gradients are wanted with respect to this value. Floating dtypes, real or complex.
    name : str, optional
        Shown in drawings, reports and error messages.

    Raises
    ------
    DTypeError
        The data are no numbers, or a gradient is asked for integers or bools.

    >>> import autodiff as ad
    >>> ad.tensor([1.0, 2.0], requires_grad=True, name="w")
    Tensor([1., 2.], name='w', requires_grad=True)
    """
    if type(data) is Batched:
        levels, value = levels_of(data), np.array(whole(data), dtype)
        if requires_grad and (every := active_levels()):  # a leaf for each example
            value, levels = whole(spell_out(lift_all(wrap(value), levels), every)), every
        return lift_all(Tensor(value, requires_grad=requires_grad, name=name), levels)
    return Tensor(data, dtype=dtype, requires_grad=requires_grad, name=name)


@public
def asarray(obj: Any, /, *, dtype: Any = None, device: Any = None, copy: bool | None = None) -> Any:
    """A Tensor of the data: a Tensor as it is, with its history, anything else as ``ad.tensor``.

    Of lists that hold Tensors their gradients are kept. ``dtype`` casts; ``copy`` True gives
    another handle, so that ``x[i] = v`` on one leaves the other alone. Raises ValueError for
    ``copy`` False where the data have to be copied, as those of an ndarray always are, DTypeError
    for what is no number.

    >>> import autodiff as ad
    >>> ad.asarray([1.0, 2.0])
    Tensor([1., 2.])
    """
    check_device("asarray", device)
    if isinstance(obj, (list, tuple)) and copy is not False:
        joined = as_array(obj)
        obj = joined if isinstance(joined, Tensor) else obj
    same = isinstance(obj, Tensor) and (dtype is None or np.dtype(dtype) == obj.dtype)
    if same and not copy:
        return obj
    if copy is False:
        raise ValueError(
            f"asarray: {type(obj).__name__} cannot become a Tensor"
            f"{'' if dtype is None else f' of {np.dtype(dtype)}'} without a copy (copy=False): "
            "what a Tensor holds is never written to"
        )
    if isinstance(obj, Tensor):
        return astype(obj, obj.dtype if dtype is None else dtype)
    return Tensor(obj, dtype=dtype)


@public
def from_dlpack(x: Any, /, *, device: Any = None, copy: bool | None = None) -> Tensor:
    """A Tensor of a copy of what another library holds on the CPU, through DLPack.

    Raises ValueError for ``copy`` False, since what a Tensor holds is never written to, and what
    ``numpy.from_dlpack`` raises for memory that is not the CPU's.

    Reference: the DLPack protocol, https://dmlc.github.io/dlpack.

    >>> import autodiff as ad
    >>> ad.from_dlpack(np.array([1.0, 2.0]))
    Tensor([1., 2.])
    """
    check_device("from_dlpack", device)
    if isinstance(x, Tensor):
        return asarray(x, copy=copy)
    if copy is False:
        raise ValueError("from_dlpack: a Tensor owns its memory, copy=False cannot be had")
    return Tensor(np.from_dlpack(x))


def _sizes(name: str, shape: Any, device: Any) -> tuple[int, ...]:
    check_device(name, device)
    sizes = as_shape(name, shape)
    if min(sizes, default=0) < 0:
        raise ShapeError(f"{name}: sizes are not negative, got {shape!r}")
    return sizes


@public
def zeros(shape: Any, dtype: Any = None, *, device: Any = None) -> Tensor:
    """A Tensor of zeros; float64 where no dtype is given (``numpy.zeros``).

    Raises DTypeError for a shape that is not made of integers, ShapeError for a negative size.

    >>> import autodiff as ad
    >>> ad.zeros((2, 2))
    Tensor([[0., 0.],
            [0., 0.]])
    """
    return wrap(np.zeros(_sizes("zeros", shape, device), dtype))


@public
def empty(shape: Any, dtype: Any = None, *, device: Any = None) -> Tensor:
    """A Tensor of zeros, as ``zeros``: what it holds cannot be written to later.

    >>> import autodiff as ad
    >>> ad.empty(2).shape
    (2,)
    """
    return zeros(shape, dtype, device=device)


@public
def ones(shape: Any, dtype: Any = None, *, device: Any = None) -> Tensor:
    """A Tensor of ones; float64 where no dtype is given (``numpy.ones``).

    Raises DTypeError for a shape that is not made of integers, ShapeError for a negative size.

    >>> import autodiff as ad
    >>> ad.ones(3)
    Tensor([1., 1., 1.])
    """
    return wrap(np.ones(_sizes("ones", shape, device), dtype))


@public
def full(shape: Any, fill_value: Any, dtype: Any = None, *, device: Any = None) -> Tensor:
    """A Tensor of one value, whose dtype is the value's where none is given (``numpy.full``).

    The value is a constant; ``broadcast_to`` repeats a Tensor that needs a gradient. Raises
    DTypeError for a shape that is not made of integers, ShapeError for a negative size,
    GradientError for a value that needs a gradient.

    >>> import autodiff as ad
    >>> ad.full(2, 7.0)
    Tensor([7., 7.])
    """
    return wrap(np.full(_sizes("full", shape, device), constant(fill_value), dtype))


@public
def zeros_like(x: Any, *, dtype: Any = None, shape: Any = None, device: Any = None) -> Any:
    """Zeros of the shape of ``x``, and of its dtype where none is given (``numpy.zeros_like``).

    A Tensor for a Tensor, else an ndarray; no gradient reaches ``x``. ``shape`` replaces its shape.

    >>> import autodiff as ad
    >>> ad.zeros_like(ad.tensor([1.0, 2.0]))
    Tensor([0., 0.])
    """
    return full_like(x, 0, dtype=dtype, shape=shape, device=device)


@public
def empty_like(x: Any, *, dtype: Any = None, shape: Any = None, device: Any = None) -> Any:
    """Zeros of the shape of ``x``, as ``zeros_like``: a Tensor cannot be written to later.

    >>> import autodiff as ad
    >>> ad.empty_like(ad.tensor([1.0, 2.0])).shape
    (2,)
    """
    return full_like(x, 0, dtype=dtype, shape=shape, device=device)


@public
def ones_like(x: Any, *, dtype: Any = None, shape: Any = None, device: Any = None) -> Any:
    """Ones of the shape of ``x``, and of its dtype where none is given (``numpy.ones_like``).

    A Tensor for a Tensor, else an ndarray; no gradient reaches ``x``. ``shape`` replaces its shape.

    >>> import autodiff as ad
    >>> ad.ones_like(ad.tensor([1.0, 2.0]))
    Tensor([1., 1.])
    """
    return full_like(x, 1, dtype=dtype, shape=shape, device=device)


@public
def full_like(
    x: Any, fill_value: Any, *, dtype: Any = None, shape: Any = None, device: Any = None
) -> Any:
    """One value in the shape of ``x``, and in its dtype where none is given (``numpy.full_like``).

    A Tensor for a Tensor, else an ndarray; no gradient reaches ``x``. ``shape`` replaces its shape.
    The value is a constant: one that needs a gradient raises GradientError.

    >>> import autodiff as ad
    >>> ad.full_like(ad.tensor([1.0, 2.0]), 3)
    Tensor([3., 3.])
    """
    check_device("full_like", device)
    source = x if isinstance(x, Tensor) else np.asarray(x)
    # Not `numpy.full_like`, which would keep the strides of `x` and with them its axes' order in
    # memory.
    filled = np.full(
        source.shape if shape is None else _sizes("full_like", shape, device),
        constant(fill_value),
        source.dtype if dtype is None else dtype,
    )
    return wrap(filled) if isinstance(x, Tensor) else filled


def constant(value: Any) -> Any:
    """The value of what is filled in or counted from; a Tensor that needs a gradient is refused."""
    return np.asarray(value) if isinstance(value, Tensor) else value


@public
def arange(
    start: Any, stop: Any = None, step: Any = 1, dtype: Any = None, *, device: Any = None
) -> Tensor:
    r"""Evenly spaced numbers from ``start`` up to and without ``stop`` (``numpy.arange``).

    .. math:: y_i = \mathrm{start} + i \cdot \mathrm{step}

    With one number it is ``stop``, and ``start`` is 0. The dtype is that of the numbers.

    >>> import autodiff as ad
    >>> ad.arange(3.0)
    Tensor([0., 1., 2.])
    """
    check_device("arange", device)
    start, stop, step = (constant(v) for v in (start, stop, step))
    if stop is None:
        start, stop = type(start)(0) if type(start) in SCALARS else 0, start
    return wrap(np.arange(start, stop, step, dtype=dtype))


@public
def linspace(
    start: Any,
    stop: Any,
    num: int = 50,
    *,
    endpoint: bool = True,
    dtype: Any = None,
    axis: int = 0,
    device: Any = None,
) -> Tensor:
    r"""``num`` evenly spaced numbers from ``start`` to ``stop`` (``numpy.linspace``).

    .. math:: y_i = \mathrm{start} + i \, \frac{\mathrm{stop} - \mathrm{start}}{\mathrm{num} - 1}

    Without ``endpoint``, ``stop`` itself is left out and the divisor is ``num``. The limits may be
    arrays that broadcast, and Tensors with a gradient; ``axis`` is where the numbers lie in the
    result. The dtype is the floating one of the limits, float64 for Python numbers. Raises
    ShapeError for a negative ``num``.

    >>> import autodiff as ad
    >>> ad.linspace(0, 1, 3)
    Tensor([0. , 0.5, 1. ])
    """
    check_device("linspace", device)
    (count,) = as_shape("linspace", num, "num")
    if count < 0:
        raise ShapeError(f"linspace: num is not negative, got {num}")
    if not (isinstance(start, Tensor) or isinstance(stop, Tensor)):
        return wrap(np.linspace(start, stop, count, endpoint, dtype=dtype, axis=axis))
    if dtype is not None and np.dtype(dtype).kind not in "fc":
        raise DTypeError(f"linspace: between Tensors the dtype is a floating one, got {dtype}")
    steps = count - 1 if endpoint else count
    start, stop = as_array(start) * 1.0, as_array(stop) * 1.0
    wide = max(start.ndim, stop.ndim)
    places = np.arange(count).reshape(-1, *(1,) * wide)
    y = start + expand_dims(stop - start, 0) * (places / max(steps, 1)).astype(start.dtype)
    if endpoint and count > 1:
        y = where(places == steps, stop, y)  # exactly the limit, which rounding may miss
    y = moveaxis(y, 0, axis)
    return y if dtype is None else astype(y, dtype)


@public
def logspace(
    start: Any,
    stop: Any,
    num: int = 50,
    endpoint: bool = True,
    base: Any = 10.0,
    dtype: Any = None,
    axis: int = 0,
) -> Any:
    r"""Powers of ``base`` whose exponents are evenly spaced (``numpy.logspace``).

    .. math:: y_i = \mathrm{base}^{\mathrm{linspace}(\mathrm{start}, \mathrm{stop})_i}

    Limits, dtypes and errors are those of ``linspace``.

    >>> import autodiff as ad
    >>> ad.logspace(0, 2, 3)
    Tensor([  1.,  10., 100.])
    """
    exponents = linspace(start, stop, num, endpoint=endpoint, axis=axis)
    base = base if type(base) in SCALARS else as_array(base)
    spread = type(base) not in SCALARS and base.ndim
    y = power(expand_dims(base, axis) if spread else base, exponents)
    return y if dtype is None else astype(y, dtype)


@public
def geomspace(
    start: Any,
    stop: Any,
    num: int = 50,
    endpoint: bool = True,
    dtype: Any = None,
    axis: int = 0,
) -> Any:
    r"""Numbers from ``start`` to ``stop`` with a constant quotient (``numpy.geomspace``).

    .. math:: y_i = \mathrm{start} \cdot (\mathrm{stop} / \mathrm{start})^{i / (\mathrm{num} - 1)}

    The limits are not 0 and, where they are real, of one sign; complex ones are joined by a spiral.
    They may be Tensors with a gradient. Raises ValueError for others.

    >>> import autodiff as ad
    >>> ad.geomspace(1, 100, 3)
    Tensor([  1.,  10., 100.])
    """
    start, stop = as_array(start) * 1.0, as_array(stop) * 1.0
    product = whole(start * stop)
    if not np.all(product if product.dtype.kind == "c" else product > 0):
        raise ValueError("geomspace: the limits are not 0 and, if real, of one sign")
    # Powers of ten, as NumPy's, are exact; with the first turned positive no branch cut is crossed.
    turn = sign(start)
    y = logspace(log10(start / turn), log10(stop / turn), num, endpoint, axis=0)
    places = np.arange(y.shape[0]).reshape(-1, *(1,) * (y.ndim - 1))
    y = where(places == 0, start, y * turn)
    if endpoint and num > 1:
        y = where(places == num - 1, stop, y)
    y = moveaxis(y, 0, axis)
    return y if dtype is None else astype(y, dtype)


@public
def eye(
    n: int, m: int | None = None, *, k: int = 0, dtype: Any = None, device: Any = None
) -> Tensor:
    r"""A matrix with ones on a diagonal and zeros elsewhere; float64 unless told (``numpy.eye``).

    .. math:: y_{ij} = [\, j = i + k \,]

    It has ``n`` rows and ``m`` columns, as many as rows where ``m`` is not given.

    >>> import autodiff as ad
    >>> ad.eye(2)
    Tensor([[1., 0.],
            [0., 1.]])
    """
    check_device("eye", device)
    return wrap(np.eye(n, m, k, dtype or float))
