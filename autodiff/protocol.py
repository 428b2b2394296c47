"""How a Tensor behaves as a Python object: printed, iterated, converted, copied, pickled."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from autodiff.errors import DTypeError, GradientError, ShapeError

if TYPE_CHECKING:
    from autodiff.tensor import Tensor


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
        if self.requires_grad:
            raise GradientError(
                f"{self._label()} needs a gradient, and NumPy would lose it without a word: use "
                "the function of the same name in autodiff, or, where no gradient is meant to "
                "flow, x.numpy() or ad.stop_gradient(x)"
            )
        if copy is False and dtype is not None and np.dtype(dtype) != self.dtype:
            raise ValueError(f"a Tensor of {self.dtype} is no {np.dtype(dtype)} without a copy")
        array = self._data if dtype is None else self._data.astype(dtype, copy=False)
        return self.data if array is self._data and not copy else array.copy()

    def __bool__(self: Any) -> bool:
        if self._data.size != 1:
            raise ShapeError(
                f"the truth value of a Tensor of shape {self.shape} is ambiguous: "
                "use ad.any or ad.all"
            )
        return bool(self._data.item())

    def __float__(self: Any) -> float:
        return float(self.item())

    def __int__(self: Any) -> int:
        return int(self.item())

    def __index__(self: Any) -> int:
        if self._data.dtype.kind not in "iu" or self._data.size != 1:
            raise DTypeError(f"expected one integer, got {self.dtype} of shape {self.shape}")
        return int(self._data.item())

    def __len__(self: Any) -> int:
        if not self.shape:
            raise TypeError("len() of a Tensor with no axes")
        return int(self.shape[0])

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
