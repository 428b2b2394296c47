"""Tensor, Node and ``apply``: values, where they came from, and the one door between the two.

What one can do here: make a value (``Tensor``), apply a primitive to values (``apply``, which runs
the kernel and, while something needs a gradient, records a ``Node``). Reading the record is the
business of ``transforms``, ``graph`` and what stands on them.

Ownership goes one way: a Tensor owns its Node, a Node owns the Nodes of its inputs and the arrays
that its rules declared they read. Nothing points back (a leaf knows its Tensor by a weak
reference), so a graph is freed the moment its last output is dropped.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn

import numpy as np

from autodiff.errors import (
    AxisError,
    DTypeError,
    GradientError,
    IndexingError,
    ShapeError,
    where_it_happened,
)
from autodiff.node import SCALARS, Aval, InertNode, Leaf, Node, serials
from autodiff.operators import Methods
from autodiff.protocol import Protocol
from autodiff.recording import active, get_state
from autodiff.registry import FUNCTIONS, PRIMITIVES

if TYPE_CHECKING:
    from autodiff.primitive import Primitive

ndarray = np.ndarray
_PLAIN = frozenset({*SCALARS, ndarray})
KEEP_NONE, KEEP_ALL, KEEP_FIRST, KEEP_SECOND = (), (-1,), (0,), (1,)
_NO_PARAMS: dict[str, Any] = {}  # shared, never written to


def _unary(name: str) -> Callable[[Tensor], Tensor]:
    def method(self: Tensor) -> Tensor:
        return apply_unary(PRIMITIVES[name], self)

    return method


def _binary(name: str) -> Callable[[Tensor, Any], Tensor]:
    def method(self: Tensor, other: Any) -> Tensor:
        return apply_binary(PRIMITIVES[name], self, other)

    return method


def _reflected(name: str) -> Callable[[Tensor, Any], Tensor]:
    def method(self: Tensor, other: Any) -> Tensor:
        return apply_binary(PRIMITIVES[name], other, self)

    return method


class Tensor(Protocol, Methods):
    """A value and where it came from.

    A Tensor is a handle on an ndarray (``data``) and, where a gradient is needed, on the graph node
    that made it (``node``). Make one with ``ad.tensor``. Operators, methods and the functions of
    ``autodiff`` are NumPy's; each returns a new Tensor. The array is never written to: ``x[i] = v``
    makes ``x`` a handle on a new value, and other Tensors, views included, do not change.

    Parameters
    ----------
    data : array_like
        Copied, so that later writes into the original cannot change a gradient.
    dtype : dtype, optional
        NumPy's choice for ``data`` where it is not given.
    requires_grad : bool
        Whether gradients are wanted with respect to this value. Floating dtypes only.
    name : str, optional
        Shown in drawings, reports and error messages.

    >>> import autodiff as ad
    >>> w = ad.Tensor([1.0, 2.0], requires_grad=True)
    >>> (w * w).sum().backward()
    >>> w.grad
    Tensor([2., 4.])
    """

    __slots__ = ("__weakref__", "_data", "_grad", "node")

    __array_ufunc__: ClassVar[None] = None  # ndarray * Tensor defers to Tensor.__rmul__

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
        source = data._data if isinstance(data, Tensor) else data
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
        view = self._data.view()
        view.flags.writeable = False
        return view

    @data.setter
    def data(self, value: Any) -> None:
        if not self.is_leaf:
            raise GradientError(
                f"data: {self._label()} was computed by {self.node!r}; only a leaf can be given a "
                "value. Compute a new Tensor instead"
            )
        # A Tensor's array is never written to, so it need not be copied.
        array = value._data if isinstance(value, Tensor) else np.array(value)
        if array.shape != self.shape:
            raise ShapeError(
                f"data: {self._label()} has shape {self.shape}, the new value {array.shape}"
            )
        if array.dtype != self.dtype:
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
        if value and self._data.dtype.kind != "f":
            hint = (
                "split it into real and imaginary parts"
                if self.dtype.kind == "c"
                else ("write 1.0 instead of 1, or pass dtype=float")
            )
            raise DTypeError(
                f"requires_grad: only real floating Tensors have gradients, {self._label()} is "
                f"{self.dtype}; {hint}"
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
        Tensor.__init__(self, data, requires_grad=requires_grad, name=name)

    def _label(self) -> str:
        return f"Tensor {self.name!r}" if self.name else "the Tensor"

    # ---- operators

    __hash__ = object.__hash__
    __neg__, __abs__, __invert__ = _unary("negative"), _unary("abs"), _unary("invert")
    __add__, __radd__ = _binary("add"), _reflected("add")
    __sub__, __rsub__ = _binary("subtract"), _reflected("subtract")
    __mul__, __rmul__ = _binary("multiply"), _reflected("multiply")
    __truediv__, __rtruediv__ = _binary("divide"), _reflected("divide")
    __floordiv__, __rfloordiv__ = _binary("floor_divide"), _reflected("floor_divide")
    __mod__, __rmod__ = _binary("remainder"), _reflected("remainder")
    __and__, __rand__ = _binary("bitwise_and"), _reflected("bitwise_and")
    __or__, __ror__ = _binary("bitwise_or"), _reflected("bitwise_or")
    __xor__, __rxor__ = _binary("bitwise_xor"), _reflected("bitwise_xor")
    __lt__, __le__ = _binary("less"), _binary("less_equal")
    __gt__, __ge__ = _binary("greater"), _binary("greater_equal")
    __eq__, __ne__ = _binary("equal"), _binary("not_equal")  # type: ignore[assignment]

    def __pow__(self, other: Any) -> Tensor:
        return FUNCTIONS["power"](self, other)

    def __rpow__(self, other: Any) -> Tensor:
        return FUNCTIONS["power"](other, self)

    def __setitem__(self, index: Any, value: Any) -> None:
        """Make this handle a new value with ``value`` at ``index``; other Tensors do not change.

        A leaf that requires a gradient is what gradients are asked for, so its handle stays: under
        ``no_grad`` the leaf is given the new value, else GradientError is raised.
        """
        node = self.node
        owned = isinstance(node, Leaf) and node.handle is not None and node.handle() is self
        if owned and self.requires_grad:
            if active(get_state()).recording:
                raise GradientError(
                    f"setitem: {self._label()} is a leaf that requires a gradient, and x[i] = v "
                    "would leave it for a new value. Write y = ad.setitem(x, i, v) for that value, or "
                    "x[i] = v under ad.no_grad() to change the leaf itself"
                )
            self._data = FUNCTIONS["setitem"](self._data, index, raw(value))
            return
        new = FUNCTIONS["setitem"](self, index, value)
        self._data, self.node = new._data, new.node


_new = object.__new__


def wrap(data: Any, node: Node | None = None) -> Tensor:
    """A Tensor on ``data`` itself, not on a copy: for arrays that nobody else writes to."""
    tensor = _new(Tensor)
    tensor._data = data if type(data) is ndarray else np.asarray(data)
    tensor.node = node
    return tensor


def raw(x: Any) -> Any:
    """The ndarray of a Tensor; anything else as it is."""
    return x._data if isinstance(x, Tensor) else x


def aval_of(x: Any) -> Aval:
    """Shape and dtype of an operand."""
    if isinstance(x, Tensor):
        return Aval(x.shape, x.dtype, x.name)
    if type(x) in SCALARS:
        return Aval((), type(x))
    array = np.asarray(x)
    return Aval(array.shape, array.dtype)


def as_operand(x: Any) -> Any:
    """A foreign operand (a list, a NumPy scalar, an array subclass) as an ndarray of numbers."""
    array = np.asarray(x)
    if array.dtype.kind not in "biufc":
        raise DTypeError(f"expected numbers or arrays of numbers, got {x!r} ({type(x).__name__})")
    return array


def apply(primitive: Primitive, *operands: Any, **params: Any) -> Any:
    """Run a primitive's kernel, and record it where a gradient may be asked for.

    The only door between Tensors and ndarrays (``apply_unary`` and ``apply_binary`` are its
    narrower wings). Without a Tensor among the operands nothing is wrapped: ndarray in, ndarray
    out.
    """
    needs = 0
    tensors = False
    arrays: list[Any] = []
    inputs: list[Any] = []
    for x in operands:
        if isinstance(x, Tensor):
            tensors = True
            node = x.node
            if node is not None and node.needs:
                needs |= 1 << len(arrays)
            arrays.append(x._data)
            inputs.append(node)
        else:
            array = x if type(x) in _PLAIN else as_operand(x)
            arrays.append(array)
            inputs.append(None if type(array) is ndarray else array)
    try:
        data = primitive.kernel(*arrays, **params)
    except Exception as error:
        _explain(primitive, operands, params, error)
    if not tensors:
        return data
    return _result(primitive, needs, operands, tuple(arrays), tuple(inputs), params, data)


def apply_unary(primitive: Primitive, x: Any) -> Any:
    """``apply`` for one operand and no parameters: the wing that is measured in nanoseconds."""
    if not isinstance(x, Tensor):
        return apply(primitive, x)
    try:
        data = primitive.kernel(x._data)
    except Exception as error:
        _explain(primitive, (x,), _NO_PARAMS, error)
    node = x.node
    needs = 1 if node is not None and node.needs else 0
    return _result(primitive, needs, (x,), (x._data,), (node,), _NO_PARAMS, data)


def apply_binary(primitive: Primitive, a: Any, b: Any) -> Any:
    """``apply`` for two operands and no parameters."""
    needs = 0
    if isinstance(a, Tensor):
        data_a, node_a = a._data, a.node
        if node_a is not None and node_a.needs:
            needs = 1
    elif type(a) in SCALARS:
        data_a = node_a = a
    else:
        return apply(primitive, a, b)
    if isinstance(b, Tensor):
        data_b, node_b = b._data, b.node
        if node_b is not None and node_b.needs:
            needs += 2
    elif type(b) in SCALARS and isinstance(a, Tensor):
        data_b = node_b = b
    else:
        return apply(primitive, a, b)
    try:
        data = primitive.kernel(data_a, data_b)
    except Exception as error:
        _explain(primitive, (a, b), _NO_PARAMS, error)
    return _result(primitive, needs, (a, b), (data_a, data_b), (node_a, node_b), _NO_PARAMS, data)


def _result(
    primitive: Primitive,
    needs: int,
    operands: tuple[Any, ...],
    arrays: tuple[Any, ...],
    inputs: tuple[Any, ...],
    params: dict[str, Any],
    data: Any,
) -> Tensor:
    """Wrap what a kernel returned and, where something needs it, make its node: the recorder."""
    result = _new(Tensor)
    if type(data) is not ndarray:
        data = np.asarray(data)
    result._data = data
    state = get_state()
    if state.frame:
        state = active(state)
    if needs and state.recording and primitive.differentiable:
        node = Node()
    elif state.keep_all:
        node = InertNode()
    else:
        result.node = None
        return result
    result.node = node
    if None in inputs:
        inputs, arrays = _adopt(operands, inputs, arrays)
    kept, keeps_output = (
        (KEEP_ALL, True) if state.keep_all else primitive.keep_table[needs | 1 << len(arrays)]
    )
    # A comprehension costs as much as a kernel on ten floats, hence the cases written out.
    if kept is KEEP_NONE:
        node.kept = KEEP_NONE
    elif kept is KEEP_ALL:
        node.kept = arrays
    elif kept is KEEP_FIRST:
        node.kept = (arrays[0], None)
    elif kept is KEEP_SECOND:
        node.kept = (None, arrays[1])
    else:
        node.kept = tuple([x if i in kept else None for i, x in enumerate(arrays)])
    node.output = data if keeps_output else None
    node.primitive = primitive
    node.inputs = inputs
    node.params = params
    node.shape = data.shape
    node.dtype = data.dtype
    node.scope = state.scope
    node.serial = next(serials)
    return result


def _adopt(
    operands: tuple[Any, ...], inputs: tuple[Any, ...], arrays: tuple[Any, ...]
) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    """Give each array operand that has no node yet a leaf, and own what a user could write to."""
    sources, owned = list(inputs), list(arrays)
    for i, x in enumerate(operands):
        if inputs[i] is not None:
            continue
        sources[i] = leaf = Leaf(arrays[i].shape, arrays[i].dtype, needs=False)
        if isinstance(x, Tensor):
            x.node = leaf
        else:
            owned[i] = _own(arrays[i])
    return tuple(sources), tuple(owned)


def _own(array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    # A user's own array may be written to between now and the backward walk (a batch buffer that is
    # filled again), and the gradient would be silently wrong. Only one that nobody can write to is
    # kept as it is.
    base: Any = array
    while type(base) is ndarray and not base.flags.writeable:
        base = base.base
    return array if base is None else array.copy()


def _explain(
    primitive: Primitive, operands: tuple[Any, ...], params: dict[str, Any], error: Exception
) -> NoReturn:
    """Raise in our words what a kernel raised; ``infer`` runs here, off the hot path."""
    avals = tuple(map(aval_of, operands))
    try:
        primitive.infer(*avals, **params)
    except (ShapeError, DTypeError, AxisError, IndexingError) as reason:
        raise reason from error
    shown = ", ".join(map(repr, avals))
    error.add_note(f"{primitive.name}: operands {shown}{where_it_happened()}")
    raise error
