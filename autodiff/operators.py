"""The NumPy methods of ``Tensor``: each is the public function of the same name.

They go by name through the registry, so that this file imports no operation. What each does is
written at the function: ``help(ad.sum)`` for ``Tensor.sum``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from autodiff.registry import FUNCTIONS

if TYPE_CHECKING:
    from autodiff.tensor import Tensor


class Methods:
    """What a Tensor does as an ndarray does it; the hot operators stand in ``Tensor``."""

    __slots__ = ()

    # ---- operators

    def __pos__(self) -> Tensor:
        return FUNCTIONS["positive"](self)

    def __matmul__(self, other: Any) -> Tensor:
        return FUNCTIONS["matmul"](self, other)

    def __rmatmul__(self, other: Any) -> Tensor:
        return FUNCTIONS["matmul"](other, self)

    def __getitem__(self, index: Any) -> Tensor:
        return FUNCTIONS["getitem"](self, index)

    # ---- reductions

    def sum(self, axis: Any = None, *, keepdims: bool = False) -> Tensor:
        """See ``autodiff.sum``."""
        return FUNCTIONS["sum"](self, axis, keepdims=keepdims)

    def mean(self, axis: Any = None, *, keepdims: bool = False) -> Tensor:
        """See ``autodiff.mean``."""
        return FUNCTIONS["mean"](self, axis, keepdims=keepdims)

    def prod(self, axis: Any = None, *, keepdims: bool = False) -> Tensor:
        """See ``autodiff.prod``."""
        return FUNCTIONS["prod"](self, axis, keepdims=keepdims)

    def max(self, axis: Any = None, *, keepdims: bool = False) -> Tensor:
        """See ``autodiff.max``."""
        return FUNCTIONS["max"](self, axis, keepdims=keepdims)

    def min(self, axis: Any = None, *, keepdims: bool = False) -> Tensor:
        """See ``autodiff.min``."""
        return FUNCTIONS["min"](self, axis, keepdims=keepdims)

    def var(self, axis: Any = None, *, ddof: int = 0, keepdims: bool = False) -> Tensor:
        """See ``autodiff.var``."""
        return FUNCTIONS["var"](self, axis, ddof=ddof, keepdims=keepdims)

    def std(self, axis: Any = None, *, ddof: int = 0, keepdims: bool = False) -> Tensor:
        """See ``autodiff.std``."""
        return FUNCTIONS["std"](self, axis, ddof=ddof, keepdims=keepdims)

    def argmax(self, axis: Any = None, *, keepdims: bool = False) -> Tensor:
        """See ``autodiff.argmax``."""
        return FUNCTIONS["argmax"](self, axis, keepdims=keepdims)

    def argmin(self, axis: Any = None, *, keepdims: bool = False) -> Tensor:
        """See ``autodiff.argmin``."""
        return FUNCTIONS["argmin"](self, axis, keepdims=keepdims)

    def any(self, axis: Any = None, *, keepdims: bool = False) -> Tensor:
        """See ``autodiff.any``."""
        return FUNCTIONS["any"](self, axis, keepdims=keepdims)

    def all(self, axis: Any = None, *, keepdims: bool = False) -> Tensor:
        """See ``autodiff.all``."""
        return FUNCTIONS["all"](self, axis, keepdims=keepdims)

    def cumsum(self, axis: Any = None) -> Tensor:
        """See ``autodiff.cumsum``."""
        return FUNCTIONS["cumsum"](self, axis)

    # ---- shapes

    @property
    def T(self) -> Tensor:  # noqa: N802 - NumPy's name
        """All axes in reverse order."""
        return FUNCTIONS["transpose"](self)

    def reshape(self, *shape: Any) -> Tensor:
        """See ``autodiff.reshape``; the sizes may also be given one by one."""
        sizes = shape[0] if len(shape) == 1 else shape
        return FUNCTIONS["reshape"](self, sizes)

    def transpose(self, *axes: Any) -> Tensor:
        """See ``autodiff.transpose``; the axes may also be given one by one."""
        order = None if not axes else axes[0] if len(axes) == 1 else axes
        return FUNCTIONS["transpose"](self, order)

    def swapaxes(self, axis1: int, axis2: int) -> Tensor:
        """See ``autodiff.swapaxes``."""
        return FUNCTIONS["swapaxes"](self, axis1, axis2)

    def squeeze(self, axis: Any = None) -> Tensor:
        """See ``autodiff.squeeze``."""
        return FUNCTIONS["squeeze"](self, axis)

    def ravel(self) -> Tensor:
        """See ``autodiff.ravel``."""
        return FUNCTIONS["ravel"](self)

    def flatten(self) -> Tensor:
        """See ``autodiff.ravel``."""
        return FUNCTIONS["ravel"](self)

    def take(self, indices: Any, axis: Any = None) -> Tensor:
        """See ``autodiff.take``."""
        return FUNCTIONS["take"](self, indices, axis)

    # ---- entries

    def astype(self, dtype: Any) -> Tensor:
        """See ``autodiff.astype``."""
        return FUNCTIONS["astype"](self, dtype)

    def clip(self, min: Any = None, max: Any = None) -> Tensor:
        """See ``autodiff.clip``."""
        return FUNCTIONS["clip"](self, min, max)

    def round(self) -> Tensor:
        """See ``autodiff.round``."""
        return FUNCTIONS["round"](self)
