"""``Tensor`` and ``apply``: the one door between Tensors and ndarrays, where nodes are made.

``apply`` runs a primitive's kernel and, while something needs a gradient, records a ``Node``.
Reading the record is the business of ``transforms``, ``graph`` and what stands on them. What a
Tensor holds is written in ``handle``, its NumPy methods in ``operators``.

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
    IndexingError,
    ShapeError,
    user_frame,
    where_it_happened,
)
from autodiff.handle import Handle, refuse_mask
from autodiff.node import SCALARS, Aval, InertNode, Leaf, Node, serials
from autodiff.recording import active, get_state
from autodiff.registry import FUNCTIONS, PRIMITIVES

if TYPE_CHECKING:
    from autodiff.primitive import Primitive

ndarray = np.ndarray
_PLAIN = frozenset({*SCALARS, ndarray})
_OBJECTS = np.dtype(object)
Keep = tuple[int, ...]
KEEP_NONE: Keep = ()
KEEP_ALL: Keep = (-1,)
KEEP_FIRST: Keep = (0,)
KEEP_SECOND: Keep = (1,)
_NO_PARAMS: dict[str, Any] = {}  # shared, never written to


def _unary(name: str) -> Callable[[Tensor], Tensor]:
    def method(self: Tensor) -> Tensor:
        return apply_unary(PRIMITIVES[name], self)

    return method


def _binary(name: str) -> Callable[[Tensor, Any], Tensor]:
    def method(self: Tensor, other: Any) -> Tensor:
        return apply_binary(PRIMITIVES[name], self, other)

    return method


def _equality(name: str) -> Callable[[Tensor, Any], Tensor]:
    def method(self: Tensor, other: Any) -> Tensor:
        try:
            return apply_binary(PRIMITIVES[name], self, other)
        except DTypeError:  # with None, text and other strangers: not equal, as Python has it
            return NotImplemented

    return method


def _reflected(name: str) -> Callable[[Tensor, Any], Tensor]:
    def method(self: Tensor, other: Any) -> Tensor:
        return apply_binary(PRIMITIVES[name], other, self)

    return method


class Tensor(Handle):
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

    __slots__ = ()

    # A subclass that computes its operations itself: takeover(primitive, operands, params).
    takeover: ClassVar[Any] = None

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
    # Unlike those of `object`, they give Tensors.
    __eq__, __ne__ = _equality("equal"), _equality("not_equal")  # type: ignore[assignment]

    def __pow__(self, other: Any) -> Tensor:
        return FUNCTIONS["power"](self, other)

    def __rpow__(self, other: Any) -> Tensor:
        return FUNCTIONS["power"](other, self)


_new = object.__new__


def wrap(data: Any, node: Node | None = None) -> Tensor:
    """A Tensor on ``data`` itself, not on a copy: for arrays that nobody else writes to."""
    if type(data) is not ndarray:
        if hasattr(data, "inner"):
            return data.handle()  # what a batched Tensor holds
        data = np.asarray(data)
    tensor = _new(Tensor)
    tensor._data = data
    tensor.node = node
    return tensor


def raw(x: Any) -> Any:
    """The ndarray of a Tensor; anything else as it is."""
    return x._data if isinstance(x, Tensor) else x


def whole(x: Any) -> Any:
    """The ndarray of all values of ``x``, where it is batched those of every example."""
    data = raw(x)
    while type(data) is not ndarray and hasattr(data, "inner"):
        data = raw(data.inner)
    return data


def shape_of(x: Any) -> tuple[int, ...]:
    """The shape of a Tensor or of anything that NumPy makes an array of."""
    shape: tuple[int, ...] = x.shape if isinstance(x, (Tensor, ndarray)) else np.shape(x)
    return shape


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
    refuse_mask(x)
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
            if type(x) is not Tensor and x.takeover is not None:
                return x.takeover(primitive, operands, params)
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
        explain_failure(primitive, operands, params, error)
    if not tensors:
        return data
    return _result(primitive, needs, operands, tuple(arrays), tuple(inputs), params, data)


def apply_unary(primitive: Primitive, x: Any) -> Any:
    """``apply`` for one operand and no parameters.

    What ``_result`` does is written out here and in ``apply_binary`` for the usual case (recording
    plainly, a call like one before): on ten floats the call alone is a fifth of the whole.
    """
    if type(x) is not Tensor and (not isinstance(x, Tensor) or x.takeover is not None):
        return apply(primitive, x)
    try:
        data = primitive.kernel(x._data)
    except Exception as error:
        explain_failure(primitive, (x,), _NO_PARAMS, error)
    source = x.node
    needs = 1 if source is not None and source.needs else 0
    state = get_state()
    keep = primitive.keep_table.get(needs + 2)
    if keep is None or not state.plain or type(data) is not ndarray:
        return _result(primitive, needs, (x,), (x._data,), (source,), _NO_PARAMS, data)
    result = _new(Tensor)
    result._data = data
    result.node = node = Node()
    kept, keeps_output = keep
    node.kept = (x._data,) if kept is KEEP_ALL else KEEP_NONE
    node.output = data if keeps_output else None
    node.primitive = primitive
    node.inputs = (source,)
    node.params = _NO_PARAMS
    node.shape = data.shape
    node.dtype = data.dtype
    node.scope = state.scope
    node.serial = next(serials)
    return result


def apply_binary(primitive: Primitive, a: Any, b: Any) -> Any:
    """``apply`` for two operands and no parameters."""
    needs = 0
    if type(a) is Tensor or (isinstance(a, Tensor) and a.takeover is None):
        data_a, node_a = a._data, a.node
        if node_a is not None and node_a.needs:
            needs = 1
    elif type(a) in SCALARS:
        data_a = node_a = a
    else:
        return apply(primitive, a, b)
    if type(b) is Tensor or (isinstance(b, Tensor) and b.takeover is None):
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
        explain_failure(primitive, (a, b), _NO_PARAMS, error)
    state = get_state()
    keep = primitive.keep_table.get(needs + 4)
    fresh = keep is None or node_a is None or node_b is None
    if fresh or keep is None or not state.plain or type(data) is not ndarray:
        arrays, inputs = (data_a, data_b), (node_a, node_b)
        return _result(primitive, needs, (a, b), arrays, inputs, _NO_PARAMS, data)
    result = _new(Tensor)
    result._data = data
    result.node = node = Node()
    kept, keeps_output = keep
    if kept is KEEP_NONE:
        node.kept = KEEP_NONE
    elif kept is KEEP_ALL:
        node.kept = (data_a, data_b)
    else:
        node.kept = (data_a, None) if kept is KEEP_FIRST else (None, data_b)
    node.output = data if keeps_output else None
    node.primitive = primitive
    node.inputs = (node_a, node_b)
    node.params = _NO_PARAMS
    node.shape = data.shape
    node.dtype = data.dtype
    node.scope = state.scope
    node.serial = next(serials)
    return result


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
    if data.dtype is _OBJECTS:
        shown = " and ".join(map(repr, map(aval_of, operands)))
        raise DTypeError(f"{primitive.name}: expected numbers, got {shown}; use astype(float)")
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
    if state.keep_all:
        kept, keeps_output = KEEP_ALL, True
        node._place = user_frame()
    elif state.forward:
        if state.forward is not True:
            return state.forward.step(
                _result, primitive, needs, operands, arrays, inputs, params, data
            )
        kept, keeps_output = KEEP_ALL, True
    else:
        key = needs | 1 << len(arrays)
        kept, keeps_output = primitive.keep_table.get(key) or primitive.keeps(key)
    if None in inputs:
        inputs, arrays = _adopt(operands, inputs, arrays, kept)
    if kept is KEEP_ALL or kept is KEEP_NONE:
        node.kept = arrays if kept else KEEP_NONE
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
    operands: tuple[Any, ...], inputs: tuple[Any, ...], arrays: tuple[Any, ...], kept: Keep
) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    """Give each array operand that has no node yet a leaf, and own what is kept of a user's."""
    sources, owned = list(inputs), list(arrays)
    for i, x in enumerate(operands):
        if inputs[i] is not None:
            continue
        sources[i] = leaf = Leaf(arrays[i].shape, arrays[i].dtype, needs=False)
        if isinstance(x, Tensor):
            x.node = leaf
        elif kept is KEEP_ALL or i in kept:
            owned[i] = _own(arrays[i])
    return tuple(sources), tuple(owned)


def _own(array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    # A user's own array may be written to before the backward walk (a batch buffer filled again),
    # and the gradient would be silently wrong; what nobody can write to is kept as it is.
    base: Any = array
    while type(base) is ndarray and not base.flags.writeable:
        base = base.base
    return array if base is None else array.copy()


def explain_failure(
    primitive: Primitive, operands: tuple[Any, ...], params: dict[str, Any], error: Exception
) -> NoReturn:
    """Raise in our words what a kernel raised; ``infer`` runs here, off the hot path."""
    if primitive.foreign:
        raise error
    avals = tuple(map(aval_of, operands))
    try:
        primitive.infer(*avals, **params)
    except (ShapeError, DTypeError, AxisError, IndexingError) as reason:
        raise reason from error
    except Exception:
        pass  # of two errors, the kernel's own says more
    shown = ", ".join(map(repr, avals))
    error.add_note(f"{primitive.name}: operands {shown}{where_it_happened()}")
    raise error
