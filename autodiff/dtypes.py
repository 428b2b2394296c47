"""The dtypes and constants of the array API standard, and what can be asked of dtypes.

The dtypes are NumPy's own, so that ``x.dtype == ad.float32`` and ``np.zeros(3, ad.float32)`` hold.

Reference: Python array API standard, 2024.12, "Data Types", "Data Type Functions", "Constants".
"""

from __future__ import annotations

import builtins
import math
from typing import Any, NamedTuple

import numpy as np

from autodiff.errors import DTypeError
from autodiff.numpy_adapters import is_tensor
from autodiff.registry import public

int8, int16, int32, int64 = map(np.dtype, ("int8", "int16", "int32", "int64"))
bool = np.dtype("bool")
uint8, uint16, uint32, uint64 = map(np.dtype, ("uint8", "uint16", "uint32", "uint64"))
float32, float64 = map(np.dtype, ("float32", "float64"))
complex64, complex128 = map(np.dtype, ("complex64", "complex128"))

e, pi, inf, nan = math.e, math.pi, math.inf, math.nan
newaxis = None

__all__ = [
    *("bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"),
    *("float32", "float64", "complex64", "complex128"),
    *("e", "pi", "inf", "nan", "newaxis"),
    *("can_cast", "finfo", "iinfo", "isdtype", "result_type"),
    *("__array_api_version__", "__array_namespace_info__"),
]

__array_api_version__ = "2024.12"


class FloatInfo(NamedTuple):
    """The limits of a floating dtype; of a complex one, those of its parts."""

    bits: int
    eps: float
    max: float
    min: float
    smallest_normal: float
    dtype: np.dtype[Any]


class IntInfo(NamedTuple):
    """The limits of an integer dtype."""

    bits: int
    max: int
    min: int
    dtype: np.dtype[Any]


def _dtype_of(name: str, x: Any) -> np.dtype[Any]:
    if is_tensor(x) or isinstance(x, np.ndarray):
        return x.dtype
    try:
        return np.dtype(x)
    except TypeError:
        raise DTypeError(f"{name}: expected a dtype or an array, got {x!r}") from None


@public
def finfo(type: Any, /) -> FloatInfo:
    """The limits of a floating dtype, or of the dtype of an array.

    Raises DTypeError for a dtype that is not floating, real or complex.

    >>> import autodiff as ad
    >>> ad.finfo(ad.float32).eps
    1.1920928955078125e-07
    """
    dtype = _dtype_of("finfo", type)
    if dtype.kind not in "fc":
        raise DTypeError(f"finfo: expected a floating dtype, got {dtype}; iinfo is for integers")
    info = np.finfo(dtype)
    eps, high, low, normal = map(float, (info.eps, info.max, info.min, info.smallest_normal))
    return FloatInfo(int(info.bits), eps, high, low, normal, info.dtype)


@public
def iinfo(type: Any, /) -> IntInfo:
    """The limits of an integer dtype, or of the dtype of an array.

    Raises DTypeError for a dtype that is not one of integers.

    >>> import autodiff as ad
    >>> ad.iinfo(ad.int8).max
    127
    """
    dtype = _dtype_of("iinfo", type)
    if dtype.kind not in "iu":
        raise DTypeError(f"iinfo: expected an integer dtype, got {dtype}; finfo is for floats")
    info = np.iinfo(dtype)
    return IntInfo(int(info.bits), int(info.max), int(info.min), dtype)


@public
def isdtype(dtype: Any, kind: Any) -> builtins.bool:
    """Whether a dtype is of a kind (``numpy.isdtype``).

    ``kind`` is a dtype, one of "bool", "signed integer", "unsigned integer", "integral", "real
    floating", "complex floating" and "numeric", or a tuple of them. Raises DTypeError for what is
    no dtype, ValueError for another kind.

    >>> import autodiff as ad
    >>> ad.isdtype(ad.float32, ("real floating", ad.int8))
    True
    """
    try:
        return builtins.bool(np.isdtype(dtype, kind))
    except TypeError as error:
        raise DTypeError(f"isdtype: {error}") from None


@public
def result_type(*arrays_and_dtypes: Any) -> np.dtype[Any]:
    """The dtype that operands are promoted to (``numpy.result_type``); Python numbers are weak.

    Raises DTypeError where there is none.

    >>> import autodiff as ad
    >>> ad.result_type(ad.float32, ad.tensor([1, 2], dtype=ad.int8), 1.5)
    dtype('float32')
    """
    given = [x.dtype if is_tensor(x) else x for x in arrays_and_dtypes]
    try:
        return np.result_type(*given)
    except (TypeError, ValueError) as error:
        raise DTypeError(f"result_type: no common dtype: {error}") from None


@public
def can_cast(from_: Any, to: Any, /) -> builtins.bool:
    """Whether one dtype goes into another without loss (``numpy.can_cast``).

    ``from_`` is a dtype or an array, ``to`` a dtype. Raises DTypeError for anything else.

    >>> import autodiff as ad
    >>> ad.can_cast(ad.int32, ad.float64), ad.can_cast(ad.float64, ad.int32)
    (True, False)
    """
    return builtins.bool(np.can_cast(_dtype_of("can_cast", from_), _dtype_of("can_cast", to)))


def __array_namespace_info__() -> Any:  # noqa: N807 - the standard's name
    """The devices, dtypes and capabilities of the namespace; NumPy's own, on which it stands.

    >>> import autodiff as ad
    >>> ad.__array_namespace_info__().default_device()
    'cpu'
    """
    return np.__array_namespace_info__()
