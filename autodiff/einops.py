"""einops on Tensors: ``import autodiff.einops`` once, and ``einops.rearrange(x, ...)`` takes them.

einops asks each backend that it knows whether an array is its own; importing this module adds one.
Without it the functions of ``einops.array_api`` take Tensors, through the array API.

>>> import autodiff as ad, autodiff.einops
>>> import einops
>>> einops.rearrange(ad.tensor([[1.0, 2.0], [3.0, 4.0]]), "i j -> (j i)")
Tensor([1., 3., 2., 4.])
"""

from __future__ import annotations

from typing import Any

from einops._backends import AbstractBackend

from autodiff.ops.arrangement import tile
from autodiff.ops.contraction import einsum
from autodiff.ops.creation import arange, tensor
from autodiff.ops.joining import concatenate, stack
from autodiff.ops.movement import expand_dims
from autodiff.tensor import Tensor

__all__ = ["Backend"]


class Backend(AbstractBackend):
    """What einops needs of an array library; its defaults are the methods of NumPy's arrays."""

    framework_name = "autodiff"

    def is_appropriate_type(self, tensor: Any) -> bool:
        return isinstance(tensor, Tensor)

    def from_numpy(self, x: Any) -> Tensor:
        return tensor(x)

    def to_numpy(self, x: Any) -> Any:
        return x.numpy()

    def arange(self, start: int, stop: int) -> Tensor:
        return arange(start, stop)

    def stack_on_zeroth_dimension(self, tensors: list[Any]) -> Any:
        return stack(tensors)

    def add_axis(self, x: Any, new_position: int) -> Any:
        return expand_dims(x, new_position)

    def tile(self, x: Any, repeats: tuple[int, ...]) -> Any:
        return tile(x, repeats)

    def concat(self, tensors: list[Any], axis: int) -> Any:
        return concatenate(tensors, axis)

    def is_float_type(self, x: Any) -> bool:
        return x.dtype.kind in "fc"

    def einsum(self, pattern: str, *x: Any) -> Any:
        return einsum(pattern, *x)
