"""Movement: the same entries under other shapes, in other orders, beside others; all of it linear.

The primitives are ``reshape``, ``transpose``, ``broadcast_to``, ``flip``, ``pad``, ``concatenate``
and ``stack``; the rest is written with them. Dtypes are kept, and operands of different ones
promoted as by NumPy's function of the same name. On ndarrays the results may be views, as NumPy's
are.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from autodiff.errors import AxisError, DTypeError, ShapeError, normalize_axes, normalize_axis
from autodiff.families import Linear
from autodiff.node import Aval
from autodiff.primitive import Case, In
from autodiff.registry import FUNCTIONS, PRIMITIVES, public
from autodiff.tensor import Tensor, apply, as_operand, aval_of, whole

__all__ = [
    "broadcast_to",
    "expand_dims",
    "flip",
    "moveaxis",
    "ravel",
    "reshape",
    "squeeze",
    "swapaxes",
    "transpose",
]


def as_array(x: Any) -> Any:
    """A Tensor or an ndarray as it is; anything else as an array, so that it has axes.

    Nested lists that hold Tensors are stacked, so that their gradients are not lost.
    """
    if type(x) is np.ndarray or isinstance(x, Tensor):
        return x
    if isinstance(x, (list, tuple)) and _holds_tensor(x):
        return FUNCTIONS["stack"]([as_array(part) for part in x])
    return as_operand(x)


def _holds_tensor(x: Sequence[Any]) -> bool:
    return any(
        isinstance(part, Tensor) or (isinstance(part, (list, tuple)) and _holds_tensor(part))
        for part in x
    )


def values_of(x: Any) -> Any:
    """The value of an operand, for what depends on it; under ``vmap`` an error that says so."""
    return x.data if isinstance(x, Tensor) else np.asarray(x)


def as_shape(name: str, shape: Any, what: str = "a shape") -> tuple[int, ...]:
    """A shape as a tuple of Python integers, or a DTypeError that names the operation."""
    sizes = shape if isinstance(shape, (tuple, list)) else (shape,)
    if type(shape) is np.ndarray:
        sizes = tuple(shape.ravel())
    try:
        return tuple([n.__index__() for n in sizes])
    except (AttributeError, TypeError):
        pass
    raise DTypeError(f"{name}: {what} is an integer or a tuple of integers, got {shape!r}")


class Reshape(Linear):
    """The same entries, in C order, under another shape."""

    name = "reshape"
    kernel = staticmethod(lambda x, *, shape: np.reshape(x, shape))
    transpose = staticmethod(lambda g, x_aval, *, shape: reshape(g, x_aval.shape))
    cases = (
        Case((In((2, 3)),), {"shape": (3, 2)}),
        Case((In((2, 3, 2)),), {"shape": (12,)}),
        Case((In(()),), {"shape": (1, 1)}),
        Case((In((1,)),), {"shape": ()}),
        Case((In((0, 2)),), {"shape": (3, 0)}),
    )
    errors = (
        (Case((In((2, 3)),), {"shape": (4, 2)}), ShapeError, "has 6 entries"),
        (Case((In((2, 3)),), {"shape": (4, -1)}), ShapeError, "has 6 entries"),
        (Case((In((0, 3)),), {"shape": (0, -1)}), ShapeError, "cannot be worked out"),
    )

    def infer(self, x: Any, *, shape: tuple[int, ...]) -> Aval:
        size = math.prod(x.shape)
        if -1 in shape and size == math.prod(shape) == 0:
            raise ShapeError(
                f"reshape: the size -1 cannot be worked out for {x!r} and shape {shape}: any would "
                "do, so give a number"
            )
        if math.prod(shape) != size or min(shape, default=0) < 0:
            raise ShapeError(
                f"reshape: {x!r} has {size} entries, shape {shape} does not hold as many (expected "
                "sizes of the same product; one of them may be -1)"
            )
        return Aval(shape, x.dtype)

    def batch(self, mapped: tuple[bool, ...], x: Any, *, shape: tuple[int, ...]) -> Any:
        return reshape(x, (x.shape[0], *shape))


@public
def reshape(x: Any, shape: Any, *, copy: bool | None = None) -> Any:
    r"""Give an array another shape; its entries keep their order.

    .. math:: y_{\mathrm{ravel}} = x_{\mathrm{ravel}}

    ``shape``, an int or a tuple, holds as many entries as ``x``; one size may be -1 and is worked
    out. The order is C's, the last axis fastest. ``copy`` True copies the entries of an ndarray,
    which is a view otherwise where it can be; those of a Tensor are never written to. ``copy``
    False raises ValueError where they have to be copied. Raises ShapeError where the numbers of
    entries differ. The rules are those of ``numpy.reshape``.

    >>> import autodiff as ad
    >>> ad.reshape(ad.tensor([[1.0, 2.0], [3.0, 4.0]]), -1)
    Tensor([1., 2., 3., 4.])
    """
    x, sizes = as_array(x), as_shape("reshape", shape)
    if sizes.count(-1) == 1:
        # What does not divide stays as it is: the kernel refuses it, and `infer` says why.
        rest = -math.prod(sizes)
        if rest > 0 and x.size % rest == 0:
            sizes = tuple([x.size // rest if n == -1 else n for n in sizes])
    y = apply(PRIMITIVES["reshape"], x, shape=sizes)
    if copy is False and x.size and not np.may_share_memory(whole(x), whole(y)):
        raise ValueError(
            f"reshape: {aval_of(x)!r} cannot take the shape {sizes} without a copy (copy=False): "
            "its entries lie in memory in another order; leave copy out"
        )
    return y.copy() if copy and type(y) is np.ndarray else y


@public
def ravel(x: Any) -> Any:
    """All entries along one axis, in C order: ``reshape(x, -1)``, as ``numpy.ravel``.

    >>> import autodiff as ad
    >>> ad.ravel(ad.tensor([[1.0, 2.0], [3.0, 4.0]]))
    Tensor([1., 2., 3., 4.])
    """
    x = as_array(x)
    return apply(PRIMITIVES["reshape"], x, shape=(x.size,))


@public
def expand_dims(x: Any, axis: Any) -> Any:
    """Insert axes of size 1, at the positions they have in the result (``numpy.expand_dims``).

    ``axis`` is an int or a tuple. Raises AxisError for a position that the result does not have.

    >>> import autodiff as ad
    >>> ad.expand_dims(ad.tensor([1.0, 2.0]), axis=1).shape
    (2, 1)
    """
    x = as_array(x)
    count = len(axis) if isinstance(axis, (tuple, list)) else 1
    axes = normalize_axes("expand_dims", axis, x.ndim + count)
    sizes = iter(x.shape)
    shape = [1 if i in axes else next(sizes) for i in range(x.ndim + count)]
    return apply(PRIMITIVES["reshape"], x, shape=tuple(shape))


@public
def squeeze(x: Any, axis: Any = None) -> Any:
    """Remove axes of size 1: all of them, or those named (``numpy.squeeze``).

    Raises ShapeError for a named axis of another size, AxisError for one that ``x`` does not have.

    >>> import autodiff as ad
    >>> ad.squeeze(ad.tensor([[1.0], [2.0]])).shape
    (2,)
    """
    x = as_array(x)
    if axis is None:
        axes = tuple([i for i, n in enumerate(x.shape) if n == 1])
    else:
        axes = normalize_axes("squeeze", axis, x.ndim)
        for i in axes:
            if x.shape[i] != 1:
                raise ShapeError(
                    f"squeeze: axis {i} of shape {x.shape} has size {x.shape[i]} (expected 1)"
                )
    shape = tuple([n for i, n in enumerate(x.shape) if i not in axes])
    return apply(PRIMITIVES["reshape"], x, shape=shape)


def _inverse(axes: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(sorted(range(len(axes)), key=axes.__getitem__))


class Transpose(Linear):
    """Axes in another order."""

    name = "transpose"
    kernel = staticmethod(lambda x, *, axes: np.transpose(x, axes))
    transpose = staticmethod(lambda g, *, axes: transpose(g, _inverse(axes)))
    cases = (
        Case((In((2, 3)),), {"axes": (1, 0)}),
        Case((In((2, 3, 4)),), {"axes": (1, 2, 0)}),
        Case((In(()),), {"axes": ()}),
        Case((In((0, 2)),), {"axes": (1, 0)}),
    )
    errors = (
        (Case((In((2, 3)),), {"axes": (0, 1, 2)}), AxisError, "each of its 2 axes once"),
        (Case((In((2, 3)),), {"axes": (0, 0)}), AxisError, "each of its 2 axes once"),
    )

    def infer(self, x: Any, *, axes: tuple[int, ...]) -> Aval:
        if sorted(axes) != list(range(x.ndim)):
            raise AxisError(
                f"transpose: axes {axes} do not order {x!r} (expected each of its {x.ndim} "
                "axes once)"
            )
        return Aval(tuple(x.shape[a] for a in axes), x.dtype)

    def batch(self, mapped: tuple[bool, ...], x: Any, *, axes: tuple[int, ...]) -> Any:
        return transpose(x, (0, *(a + 1 for a in axes)))


@public
def transpose(x: Any, axes: Any = None) -> Any:
    r"""Put axes in another order; without ``axes``, in reverse order.

    .. math:: y_{i_{a_0}, i_{a_1}, \dots} = x_{i_0, i_1, \dots}

    Axis k of the result is axis ``axes[k]`` of ``x``. Raises AxisError where ``axes`` does not name
    every axis once. The rules are those of ``numpy.transpose``.

    >>> import autodiff as ad
    >>> ad.transpose(ad.tensor([[1.0, 2.0], [3.0, 4.0]]))
    Tensor([[1., 3.],
            [2., 4.]])
    """
    x = as_array(x)
    ndim = x.ndim
    order = (
        tuple(range(ndim - 1, -1, -1)) if axes is None else normalize_axes("transpose", axes, ndim)
    )
    return apply(PRIMITIVES["transpose"], x, axes=order)


@public
def swapaxes(x: Any, axis1: int, axis2: int) -> Any:
    """Exchange two axes (``numpy.swapaxes``). Raises AxisError for one that ``x`` does not have.

    >>> import autodiff as ad
    >>> ad.swapaxes(ad.zeros((2, 3, 4)), 0, -1).shape
    (4, 3, 2)
    """
    x = as_array(x)
    i, j = (normalize_axis("swapaxes", a, x.ndim) for a in (axis1, axis2))
    order = list(range(x.ndim))
    order[i], order[j] = j, i
    return apply(PRIMITIVES["transpose"], x, axes=tuple(order))


@public
def moveaxis(x: Any, source: Any, destination: Any) -> Any:
    """Move axes to other positions; the others keep their order (``numpy.moveaxis``).

    ``source`` and ``destination`` are ints, or tuples of the same length. Raises AxisError for a
    position that ``x`` does not have, or for different lengths.

    >>> import autodiff as ad
    >>> ad.moveaxis(ad.zeros((2, 3, 4)), 0, -1).shape
    (3, 4, 2)
    """
    x = as_array(x)
    sources = normalize_axes("moveaxis", source, x.ndim)
    targets = normalize_axes("moveaxis", destination, x.ndim)
    if len(sources) != len(targets):
        raise AxisError(
            f"moveaxis: {len(sources)} axes to move but {len(targets)} positions (expected as many)"
        )
    order = [a for a in range(x.ndim) if a not in sources]
    for target, a in sorted(zip(targets, sources, strict=True)):
        order.insert(target, a)
    return apply(PRIMITIVES["transpose"], x, axes=tuple(order))


class BroadcastTo(Linear):
    """Entries repeated along new axes and along axes of size 1; the gradient is summed there."""

    name = "broadcast_to"
    kernel = staticmethod(lambda x, *, shape: np.broadcast_to(x, shape))
    transpose = staticmethod(lambda g, x_aval, *, shape: _sum_to(g, x_aval.shape))
    cases = (
        Case((In((3,)),), {"shape": (2, 3)}),
        Case((In((2, 1)),), {"shape": (4, 2, 3)}),
        Case((In((2, 3)),), {"shape": (2, 3)}),
        Case((In(()),), {"shape": (2,)}),
        Case((In(()),), {"shape": ()}),
        Case((In((1, 2)),), {"shape": (0, 2)}),
    )
    errors = ((Case((In((3,)),), {"shape": (2, 4)}), ShapeError, "cannot be broadcast to"),)

    def infer(self, x: Any, *, shape: tuple[int, ...]) -> Aval:
        tail = shape[len(shape) - x.ndim :]
        if len(tail) != x.ndim or any(m not in (1, n) for m, n in zip(x.shape, tail, strict=True)):
            raise ShapeError(
                f"broadcast_to: {x!r} cannot be broadcast to {shape} (expected its sizes at "
                "the end of that shape, or 1 in their place)"
            )
        return Aval(shape, x.dtype)

    def batch(self, mapped: tuple[bool, ...], x: Any, *, shape: tuple[int, ...]) -> Any:
        count, *sizes = x.shape
        aligned = reshape(x, (count, *(1,) * (len(shape) - len(sizes)), *sizes))
        return broadcast_to(aligned, (count, *shape))


def _sum_to(g: Any, shape: tuple[int, ...]) -> Any:
    extra = g.ndim - len(shape)
    ones = [i + extra for i, n in enumerate(shape) if n == 1 != g.shape[i + extra]]
    return reshape(FUNCTIONS["sum"](g, axis=(*range(extra), *ones)), shape)


@public
def broadcast_to(x: Any, shape: Any) -> Any:
    r"""Repeat an array to a shape, by NumPy's rule.

    .. math:: y_{\dots, i, j} = x_{i, j}, \qquad \bar x_{i, j} = \sum_{\dots} \bar y_{\dots, i, j}

    The sizes of ``x`` are the last ones of ``shape``, or 1 in their place. No entry is copied.
    Raises ShapeError where the shapes do not fit. The rules are those of ``numpy.broadcast_to``.

    >>> import autodiff as ad
    >>> ad.broadcast_to(ad.tensor([1.0, 2.0]), (2, 2))
    Tensor([[1., 2.],
            [1., 2.]])
    """
    sizes = as_shape("broadcast_to", shape)
    return apply(PRIMITIVES["broadcast_to"], as_array(x), shape=sizes)


class Flip(Linear):
    """Entries in reverse order along axes."""

    name = "flip"
    kernel = staticmethod(lambda x, *, axis: np.flip(x, axis))
    transpose = staticmethod(lambda g, *, axis: flip(g, axis))
    cases = (
        Case((In((2, 3)),), {"axis": (0,)}),
        Case((In((2, 3, 2)),), {"axis": (0, 2)}),
        Case((In(()),), {"axis": ()}),
        Case((In((0, 2)),), {"axis": (0, 1)}),
    )
    errors = ((Case((In((2, 3)),), {"axis": (2,)}), AxisError, "axis 2"),)

    def infer(self, x: Any, *, axis: tuple[int, ...]) -> Aval:
        normalize_axes(self.name, axis, x.ndim)
        return Aval(x.shape, x.dtype)

    def batch(self, mapped: tuple[bool, ...], x: Any, *, axis: tuple[int, ...]) -> Any:
        return flip(x, tuple(a + 1 for a in axis))


@public
def flip(x: Any, axis: Any = None) -> Any:
    r"""Reverse the order of entries along one axis, several, or all of them.

    .. math:: y_i = x_{n - 1 - i}

    Raises AxisError for an axis that ``x`` does not have. The rules are those of ``numpy.flip``.

    >>> import autodiff as ad
    >>> ad.flip(ad.tensor([1.0, 2.0, 3.0]))
    Tensor([3., 2., 1.])
    """
    x = as_array(x)
    return apply(PRIMITIVES["flip"], x, axis=normalize_axes("flip", axis, x.ndim))


def along(axis: int, index: Any) -> tuple[Any, ...]:
    """The index that is ``index`` on one axis and takes all of those before it."""
    return (slice(None),) * axis + (index,)


def operands_of(name: str, arrays: Any) -> list[Any]:
    """The operands of ``concatenate`` and its kind, as a list of Tensors and ndarrays."""
    if not isinstance(arrays, Iterable) or isinstance(arrays, (str, bytes)):
        raise DTypeError(f"{name}: expected a sequence of arrays, got {type(arrays).__name__}")
    operands = [as_array(x) for x in arrays]
    if not operands:
        raise ShapeError(f"{name}: expected at least one array, got an empty sequence")
    return operands
