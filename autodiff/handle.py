"""What a Tensor holds: an ndarray, the node that made it, and, on a leaf, the gradient."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from autodiff.errors import DTypeError, GradientError, ShapeError
from autodiff.node import Leaf, Node
from autodiff.numpy_protocol import NumPyNames
from autodiff.operators import Methods
from autodiff.protocol import Protocol
from autodiff.recording import current
from autodiff.registry import FUNCTIONS

if TYPE_CHECKING:
    from autodiff.tensor import Tensor


def refuse_mask(x: Any) -> None:
    """Raise DTypeError for a masked array, of which an ndarray would have all entries."""
    # `np.ma` is loaded when it is named, so only what looks like a masked array asks for it.
    if hasattr(x, "filled") and isinstance(x, np.ma.MaskedArray):
        raise DTypeError(
            f"the mask of an array of shape {x.shape} would be lost: give x.filled(value), or "
            "select by ad.where(x.mask, value, x.data)"
        )


class Handle(Protocol, Methods, NumPyNames):
    """The part of ``Tensor`` that is not arithmetic: value, history, gradient, rebinding."""

    __slots__ = ("__weakref__", "_data", "_grad", "node")

    _data: np.ndarray[Any, Any]
    _grad: Tensor | None
    node: Node | None

    def __init__(
        self,
        data: Any,
        *,
        dtype: Any = None,
        requires_grad: bool = False,
        name: str | None = None,
    ) -> None:
        source = data._data if isinstance(data, Handle) else data
        refuse_mask(source)
        array = np.array(source, dtype=dtype)
        if array.dtype.kind not in "biufc":
            raise DTypeError(
                f"tensor: expected numbers, got {type(data).__name__} of dtype {array.dtype}"
            )
        self._data = array
        self.node = None
        if requires_grad:
            self.requires_grad = True
        if name is not None:
            self.name = name

    # ---- value

    @property
    def data(self) -> np.ndarray[Any, Any]:
        """The value as a read-only ndarray that shares memory.

        Assigning to ``data`` gives a leaf a new value of the same shape and dtype; graphs that were
        recorded before keep the old one.
        """
        # All that a user could reach through `view.base` is closed, not only the view.
        array: Any = self._data
        while type(array) is np.ndarray:
            if array.flags.writeable:  # to ask costs a fifth of setting
                array.flags.writeable = False
            array = array.base
        return self._data.view()

    @data.setter
    def data(self, value: Any) -> None:
        if not self.is_leaf:
            raise GradientError(
                f"data: {self._label()} was computed by {self.node!r}; only a leaf can be given a "
                "value. Compute a new Tensor instead"
            )
        # What nobody can write to, such as the array of a Tensor, need not be copied.
        array = value._data if isinstance(value, Handle) else value
        closed = type(array) is np.ndarray and array.base is None and not array.flags.writeable
        if not (closed or isinstance(value, Handle)):
            array = np.array(array)
        before = self._data
        if array.shape != before.shape:
            raise ShapeError(
                f"data: {self._label()} has shape {self.shape}, the new value {array.shape}"
            )
        if array.dtype != before.dtype:
            if not np.can_cast(array.dtype, self.dtype, "same_kind"):
                raise DTypeError(f"data: {self._label()} is {self.dtype}, got {array.dtype}")
            array = array.astype(self.dtype)
        self._data = array

    def numpy(self) -> np.ndarray[Any, Any]:
        """The value as a new, writable ndarray."""
        return self._data.copy()

    def item(self) -> Any:
        """The value of a one-element Tensor as a Python number."""
        if self._data.size != 1:
            raise ShapeError(f"item: expected one element, {self._label()} has shape {self.shape}")
        return self._data.item()

    @property
    def shape(self) -> tuple[int, ...]:
        shape: tuple[int, ...] = self._data.shape
        return shape

    @property
    def dtype(self) -> np.dtype[Any]:
        dtype: np.dtype[Any] = self._data.dtype
        return dtype

    @property
    def ndim(self) -> int:
        return self._data.ndim

    @property
    def size(self) -> int:
        return self._data.size

    @property
    def itemsize(self) -> int:
        return self.dtype.itemsize

    @property
    def nbytes(self) -> int:
        return self.size * self.itemsize

    # ---- history

    @property
    def requires_grad(self) -> bool:
        """Whether a gradient can reach this value. Can be set on a leaf."""
        return self.node is not None and self.node.needs

    @requires_grad.setter
    def requires_grad(self, value: bool) -> None:
        if not self.is_leaf:
            raise GradientError(
                f"requires_grad: {self._label()} was computed by {self.node!r}; set it on the leaf "
                "that the operation started from, or use ad.stop_gradient"
            )
        if value and self._data.dtype.kind not in "fc":
            raise DTypeError(
                "requires_grad: only real and complex floating Tensors have gradients, "
                f"{self._label()} is {self.dtype}; write 1.0 instead of 1, or pass dtype=float"
            )
        if value != self.requires_grad:
            self.node = Leaf(self.shape, self.dtype, needs=bool(value), name=self.name, handle=self)

    @property
    def is_leaf(self) -> bool:
        """Whether no recorded operation made this value."""
        return self.node is None or isinstance(self.node, Leaf)

    @property
    def name(self) -> str | None:
        """The name shown in drawings, reports and errors."""
        return None if self.node is None else self.node.name

    @name.setter
    def name(self, name: str) -> None:
        if self.node is None:
            self.node = Leaf(self.shape, self.dtype, needs=False, handle=self)
        self.node.name = name

    @property
    def grad(self) -> Tensor | None:
        """The gradient that ``backward`` left on this leaf, or None. Assign None to clear it."""
        return getattr(self, "_grad", None)

    @grad.setter
    def grad(self, value: Tensor | None) -> None:
        if value is not None and not isinstance(value, Handle):
            raise DTypeError(
                f"grad: {self._label()} takes a Tensor or None, got {type(value).__name__}"
            )
        if value is not None and value.shape != self.shape:
            raise ShapeError(f"grad: {self._label()} has shape {self.shape}, got {value.shape}")
        self._grad = value

    def backward(self, cotangent: Any = None, *, create_graph: bool = False) -> None:
        """Add the gradient of this value to ``.grad`` of every leaf it was computed from.

        See ``autodiff.backward``.
        """
        FUNCTIONS["backward"](self, cotangent, create_graph=create_graph)

    def _restore(self, data: Any, requires_grad: bool, name: str | None) -> None:
        """Take the place of ``__init__`` for copies, whatever a subclass's own one expects."""
        Handle.__init__(self, data, requires_grad=requires_grad, name=name)

    def _label(self) -> str:
        return f"Tensor {self.name!r}" if self.name else "the Tensor"

    def __setitem__(self, index: Any, value: Any) -> None:
        """Make this handle a new value with ``value`` at ``index``; other Tensors do not change.

        A leaf that requires a gradient is what gradients are asked for, so its handle stays: under
        ``no_grad`` the leaf is given the new value, else GradientError is raised.
        """
        node = self.node
        owned = isinstance(node, Leaf) and node.handle is not None and node.handle() is self
        if owned and self.requires_grad:
            if current().recording:
                raise GradientError(
                    f"setitem: {self._label()} is a leaf that requires a gradient, and x[i] = v "
                    "would leave it for a new value. Write y = ad.setitem(x, i, v) for that value, "
                    "or x[i] = v under ad.no_grad() to change the leaf itself"
                )
            self._data = FUNCTIONS["setitem"](
                self._data, index, value.data if isinstance(value, Handle) else value
            )
            return
        new = FUNCTIONS["setitem"](self, index, value)
        if new.takeover is not None:
            self.__class__ = type(new)  # inside vmap, a value of each example's own was written
        self._data, self.node = new._data, new.node
