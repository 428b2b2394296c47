"""How a Tensor behaves as a Python object: printed, iterated, converted, copied, pickled."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from types import ModuleType
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from autodiff.errors import DTypeError, GradientError, ShapeError
from autodiff.takers import SAME_NAME, is_within, taker

if TYPE_CHECKING:
    from autodiff.tensor import Tensor

_VERSIONS = ("2021.12", "2022.12", "2023.12", "2024.12")


class Protocol:
    """The part of ``Tensor`` that Python itself and NumPy call."""

    __slots__ = ()

    def __repr__(self: Any) -> str:
        prefix = type(self).__name__ + "("
        text = np.array2string(self._data, separator=", ", prefix=prefix)
        if self.dtype not in (np.dtype(float), np.dtype(int), np.dtype(bool)):
            text += f", dtype={self.dtype}"
        if self.name:
            text += f", name={self.name!r}"
        if self.requires_grad:
            leaf = self.is_leaf
            text += ", requires_grad=True" if leaf else f", from={self.node.primitive.name}"
        return f"{prefix}{text})"

    def __format__(self: Any, spec: str) -> str:
        return (
            format(self._data.item(), spec) if spec and not self.shape else super().__format__(spec)
        )

    def __array__(self: Any, dtype: Any = None, copy: bool | None = None) -> np.ndarray[Any, Any]:
        # The assertions of numpy.testing compare: what they compute wants no gradient.
        if not is_within(sys._getframe(1), "numpy.testing"):
            self._require_no_gradient("NumPy")
        if copy is False and dtype is not None and np.dtype(dtype) != self.dtype:
            raise ValueError(f"a Tensor of {self.dtype} is no {np.dtype(dtype)} without a copy")
        array = self._data if dtype is None else self._data.astype(dtype, copy=False)
        return self.data if array is self._data and not copy else array.copy()

    def _require_no_gradient(
        self: Any, who: str, instead: str = SAME_NAME, plain: str = "x.numpy()"
    ) -> None:
        if self.requires_grad:
            raise GradientError(
                f"{self._label()} needs a gradient, and {who} would lose it without a word: use "
                f"{instead}, or, where no gradient is meant to flow, {plain} or "
                "ad.stop_gradient(x)"
            )

    def _require_call(self: Any) -> None:
        """Raise where C code takes the number by itself: ``a[i] = x``, ``math.exp(x)``."""
        if self.requires_grad:
            who, instead = taker(sys._getframe(2))
            if who:
                self._require_no_gradient(who, instead, "give it float(x), x.item()")

    @property
    def _mask(self: Any) -> Any:
        # numpy.ma takes `_data`, which its own arrays have too, and then asks for `_mask`: without
        # this, np.ma.array(...) * x would be an array of values.
        if is_within(sys._getframe(1), "numpy.ma"):
            self._require_no_gradient("numpy.ma")
        raise AttributeError("a Tensor has no mask")

    # ---- the array API standard, 2024.12

    def __array_namespace__(self, *, api_version: str | None = None) -> ModuleType:
        """``autodiff`` itself. Raises ValueError for a version of the standard after 2024.12."""
        if api_version not in (None, *_VERSIONS):
            raise ValueError(
                f"the array API standard is known up to {_VERSIONS[-1]}, not {api_version!r}"
            )
        return sys.modules["autodiff"]

    @property
    def device(self) -> str:
        """Where the value is: always "cpu"."""
        return "cpu"

    def to_device(self: Any, device: Any, /, *, stream: Any = None) -> Tensor:
        """The Tensor itself. Raises ValueError for another device than "cpu", or a stream."""
        if device != "cpu" or stream is not None:
            raise ValueError(f"to_device: the only device is 'cpu', got {device!r}, {stream!r}")
        return cast("Tensor", self)

    def __dlpack__(
        self: Any,
        *,
        stream: Any = None,
        max_version: tuple[int, int] | None = None,
        dl_device: tuple[int, int] | None = None,
        copy: bool | None = None,
    ) -> Any:
        """The value for another library; a copy, unless that can be told to read only.

        Raises GradientError where a gradient would be lost, and NumPy's errors for a stream, for
        another device, and for ``copy`` False where a copy is needed.
        """
        self._require_no_gradient("the other library")
        array = self.data
        if max_version is None or max_version < (1, 0):  # which cannot say "read only"
            if copy is False:
                raise BufferError("DLPack before 1.0 has no read-only arrays: a copy is needed")
            array = array.copy()
        return array.__dlpack__(
            stream=stream, max_version=max_version, dl_device=dl_device, copy=copy or None
        )

    def __dlpack_device__(self: Any) -> tuple[int, int]:
        return cast("tuple[int, int]", self._data.__dlpack_device__())

    # ---- conversions

    def tolist(self: Any) -> Any:
        """The values as nested lists of Python numbers."""
        return self.data.tolist()

    def __bool__(self: Any) -> bool:
        if self._data.size != 1:
            raise ShapeError(
                f"the truth value of a Tensor of shape {self.shape} is ambiguous: "
                "use ad.any or ad.all"
            )
        return bool(self._data.item())

    def __float__(self: Any) -> float:
        self._require_call()
        return float(self.item())

    def __complex__(self: Any) -> complex:
        self._require_call()
        return complex(self.item())

    def __int__(self: Any) -> int:
        self._require_call()
        return int(self.item())

    def __index__(self: Any) -> int:
        if self._data.dtype.kind not in "iu" or self._data.size != 1:
            raise DTypeError(f"expected one integer, got {self.dtype} of shape {self.shape}")
        return int(self._data.item())

    def __len__(self: Any) -> int:
        if not self.shape:
            raise TypeError("len() of a Tensor with no axes")
        return int(self.shape[0])

    def __contains__(self: Any, value: Any) -> bool:
        """Whether one entry is equal to the value, as NumPy has it."""
        found: Any = self == value
        return found is not False and bool(found.any())

    def __iter__(self: Any) -> Iterator[Tensor]:
        if not self.shape:
            raise TypeError("iteration over a Tensor with no axes")
        return (self[i] for i in range(len(self)))

    def __deepcopy__(self: Any, memo: dict[int, Any]) -> Tensor:
        """A Tensor of the same value, detached: history is not copied."""
        copy = restore(type(self), self._data, self.is_leaf and self.requires_grad, self.name)
        memo[id(self)] = copy
        return copy

    def __copy__(self: Any) -> Tensor:
        return self.__deepcopy__({})

    def __reduce__(self: Any) -> tuple[Any, ...]:
        return restore, (type(self), self._data, self.is_leaf and self.requires_grad, self.name)


def restore(cls: type[Tensor], data: Any, requires_grad: bool, name: str | None) -> Tensor:
    """A detached Tensor of class ``cls``: what copying and unpickling give."""
    copy = object.__new__(cls)
    copy._restore(data, requires_grad, name)
    return copy
