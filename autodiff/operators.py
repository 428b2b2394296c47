"""The NumPy methods of ``Tensor``: each is the public function of the same name.

They go by name through the registry, so that this file imports no operation. What each does is
written at the function: ``help(ad.sum)`` for ``Tensor.sum``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

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

    def __lshift__(self, other: Any) -> Tensor:
        return FUNCTIONS["left_shift"](self, other)

    def __rlshift__(self, other: Any) -> Tensor:
        return FUNCTIONS["left_shift"](other, self)

    def __rshift__(self, other: Any) -> Tensor:
        return FUNCTIONS["right_shift"](self, other)

    def __rrshift__(self, other: Any) -> Tensor:
        return FUNCTIONS["right_shift"](other, self)

    def __divmod__(self, other: Any) -> tuple[Tensor, Tensor]:
        return FUNCTIONS["floor_divide"](self, other), FUNCTIONS["remainder"](self, other)

    def __rdivmod__(self, other: Any) -> tuple[Tensor, Tensor]:
        return FUNCTIONS["floor_divide"](other, self), FUNCTIONS["remainder"](other, self)

    def __getitem__(self, index: Any) -> Tensor:
        return FUNCTIONS["getitem"](self, index)

    # ---- reductions

    def sum(self, axis: Any = None, **options: Any) -> Tensor:
        """See ``autodiff.sum``."""
        return FUNCTIONS["sum"](self, axis, **options)

    def mean(self, axis: Any = None, **options: Any) -> Tensor:
        """See ``autodiff.mean``."""
        return FUNCTIONS["mean"](self, axis, **options)

    def prod(self, axis: Any = None, **options: Any) -> Tensor:
        """See ``autodiff.prod``."""
        return FUNCTIONS["prod"](self, axis, **options)

    def max(self, axis: Any = None, **options: Any) -> Tensor:
        """See ``autodiff.max``."""
        return FUNCTIONS["max"](self, axis, **options)

    def min(self, axis: Any = None, **options: Any) -> Tensor:
        """See ``autodiff.min``."""
        return FUNCTIONS["min"](self, axis, **options)

    def var(self, axis: Any = None, **options: Any) -> Tensor:
        """See ``autodiff.var``."""
        return FUNCTIONS["var"](self, axis, **options)

    def std(self, axis: Any = None, **options: Any) -> Tensor:
        """See ``autodiff.std``."""
        return FUNCTIONS["std"](self, axis, **options)

    def argmax(self, axis: Any = None, **options: Any) -> Tensor:
        """See ``autodiff.argmax``."""
        return FUNCTIONS["argmax"](self, axis, **options)

    def argmin(self, axis: Any = None, **options: Any) -> Tensor:
        """See ``autodiff.argmin``."""
        return FUNCTIONS["argmin"](self, axis, **options)

    def any(self, axis: Any = None, **options: Any) -> Tensor:
        """See ``autodiff.any``."""
        return FUNCTIONS["any"](self, axis, **options)

    def all(self, axis: Any = None, **options: Any) -> Tensor:
        """See ``autodiff.all``."""
        return FUNCTIONS["all"](self, axis, **options)

    def cumsum(self, axis: Any = None, **options: Any) -> Tensor:
        """See ``autodiff.cumsum``."""
        return FUNCTIONS["cumsum"](self, axis, **options)

    def cumprod(self, axis: Any = None, **options: Any) -> Tensor:
        """See ``autodiff.cumprod``."""
        return FUNCTIONS["cumprod"](self, axis, **options)

    def argsort(self, axis: Any = -1, **options: Any) -> Tensor:
        """See ``autodiff.argsort``."""
        return FUNCTIONS["argsort"](self, axis, **options)

    def sort(self, axis: Any = -1) -> None:
        """Sort in place: the handle is bound to what ``autodiff.sort`` returns."""
        cast("Any", self)[...] = FUNCTIONS["sort"](self, axis)

    def searchsorted(self, v: Any, side: str = "left", sorter: Any = None) -> Tensor:
        """See ``autodiff.searchsorted``."""
        return FUNCTIONS["searchsorted"](self, v, side=side, sorter=sorter)

    def nonzero(self) -> tuple[Tensor, ...]:
        """See ``autodiff.nonzero``."""
        return FUNCTIONS["nonzero"](self)

    def dot(self, other: Any) -> Tensor:
        """See ``autodiff.dot``."""
        return FUNCTIONS["dot"](self, other)

    def diagonal(self, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Tensor:
        """See ``autodiff.diagonal``."""
        return FUNCTIONS["diagonal"](self, offset, axis1, axis2)

    def trace(self, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Tensor:
        """The sum of a diagonal: see ``autodiff.diagonal``."""
        return FUNCTIONS["sum"](self.diagonal(offset, axis1, axis2), -1)

    def repeat(self, repeats: Any, axis: Any = None) -> Tensor:
        """See ``autodiff.repeat``."""
        return FUNCTIONS["repeat"](self, repeats, axis)

    # ---- shapes

    @property
    def real(self) -> Tensor:
        """See ``autodiff.real``."""
        return FUNCTIONS["real"](self)

    @property
    def imag(self) -> Tensor:
        """See ``autodiff.imag``."""
        return FUNCTIONS["imag"](self)

    def conj(self) -> Tensor:
        """See ``autodiff.conj``."""
        return FUNCTIONS["conj"](self)

    def conjugate(self) -> Tensor:
        """See ``autodiff.conj``."""
        return FUNCTIONS["conj"](self)

    @property
    def T(self) -> Tensor:  # noqa: N802 - NumPy's name
        """All axes in reverse order."""
        return FUNCTIONS["transpose"](self)

    @property
    def mT(self) -> Tensor:  # noqa: N802 - the standard's name
        """The matrices of the last two axes transposed. Raises AxisError for fewer axes."""
        return FUNCTIONS["swapaxes"](self, -1, -2)

    def reshape(self, *shape: Any, copy: bool | None = None) -> Tensor:
        """See ``autodiff.reshape``; the sizes may also be given one by one."""
        sizes = shape[0] if len(shape) == 1 else shape
        return FUNCTIONS["reshape"](self, sizes, copy=copy)

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

    def astype(self, dtype: Any, *, copy: bool = True) -> Tensor:
        """See ``autodiff.astype``."""
        return FUNCTIONS["astype"](self, dtype, copy=copy)

    def compress(self, condition: Any, axis: Any = None) -> Tensor:
        """See ``autodiff.compress``."""
        return FUNCTIONS["compress"](condition, self, axis)

    def fill(self, value: Any) -> None:
        """Bind the handle to this value in every entry."""
        cast("Any", self)[...] = value

    def copy(self) -> Tensor:
        """The same value and history under another handle: ``x[i] = v`` leaves the other alone."""
        return FUNCTIONS["astype"](self, cast("Tensor", self).dtype)

    def clip(self, min: Any = None, max: Any = None) -> Tensor:
        """See ``autodiff.clip``."""
        return FUNCTIONS["clip"](self, min, max)

    def round(self, *options: Any) -> Tensor:
        """See ``autodiff.round``."""
        return FUNCTIONS["round"](self, *options)
