"""Reductions: one value for all entries along some axes.

All take ``axis`` (None for all axes, an int, or a tuple) and ``keepdims`` (keep the axes, with size
1), as NumPy's functions of the same names, whose dtypes they follow. ``where`` is a mask of the
entries that count: the others are not read and have no gradient. Of no entries at all, ``sum`` is
0, ``max`` and ``min`` raise, and ``mean`` is NaN, with NumPy's warning.
"""

from __future__ import annotations

import math
from typing import Any, ClassVar

import numpy as np

from autodiff.errors import AxisError, DTypeError, ShapeError, normalize_axes
from autodiff.families import Linear
from autodiff.node import SCALARS, Aval, Node
from autodiff.ops.comparison import equal, isnan, logical_or
from autodiff.ops.elementwise import astype
from autodiff.ops.movement import as_array, broadcast_to, reshape
from autodiff.ops.selection import maximum, minimum
from autodiff.ops.selection import where as choose
from autodiff.ops.sums import total
from autodiff.primitive import Case, In, Primitive
from autodiff.registry import PRIMITIVES, public
from autodiff.tensor import Tensor, apply, wrap

__all__ = [
    "max",
    "mean",
    "min",
    "sum",
]

CASES = (
    Case((In((2, 3)),), {"axis": (0, 1), "keepdims": False}),
    Case((In((2, 3, 2)),), {"axis": (0, 2), "keepdims": True}),
    Case((In((2, 3)),), {"axis": (1,), "keepdims": False}),
    Case((In((2, 3)),), {"axis": (), "keepdims": False}),
    Case((In(()),), {"axis": (), "keepdims": True}),
    Case((In((0, 2)),), {"axis": (1,), "keepdims": False}),
)
EMPTY = Case((In((0, 2)),), {"axis": (0,), "keepdims": False})
ErrorCase = tuple[Case, type[Exception], str]
NO_AXIS: ErrorCase = (Case((In((2, 3)),), {"axis": (2,), "keepdims": False}), AxisError, "axis 2")


class Reduction(Primitive, abstract=True):
    """One value along ``axis``, a tuple of non-negative ints.

    ``needs_entries``: the reduction of no entries is an error.
    """

    needs_entries: ClassVar[bool] = False
    cases: ClassVar[tuple[Case, ...]] = CASES
    errors: ClassVar[tuple[ErrorCase, ...]] = (NO_AXIS,)

    def infer(self, x: Any, *, axis: tuple[int, ...], keepdims: bool, **params: Any) -> Aval:
        normalize_axes(self.name, axis, x.ndim)
        if self.needs_entries and math.prod(x.shape[a] for a in axis) == 0:
            raise ShapeError(
                f"{self.name}: {x!r} has no entries along axis {axis}, and there is no "
                f"{self.name} of nothing (expected a size of at least 1)"
            )
        return Aval(reduced_shape(x.shape, axis, keepdims), self.infer_dtype(x.dtype))

    def infer_dtype(self, dtype: Any) -> Any:
        """The dtype that the kernel makes of one entry."""
        return self.kernel(np.ones(1, dtype), axis=(0,), keepdims=False).dtype

    def batch(self, mapped: tuple[bool, ...], x: Any, *, axis: Any, **params: Any) -> Any:
        return apply(self, x, axis=tuple(a + 1 for a in axis), **params)

    def presence(self, i: int, mask: Any, node: Node) -> Any:
        if mask is None:
            return None
        return spread(mask, node.inputs[0], node.params["axis"], node.params["keepdims"])


def reduced_shape(shape: tuple[int, ...], axis: tuple[int, ...], keepdims: bool) -> tuple[int, ...]:
    """The shape after a reduction."""
    if keepdims:
        return tuple([1 if i in axis else n for i, n in enumerate(shape)])
    return tuple([n for i, n in enumerate(shape) if i not in axis])


def unreduce(g: Any, x: Any, axis: tuple[int, ...], keepdims: bool) -> Any:
    """The result of a reduction of ``x``, with axes of size 1 where ``x`` was reduced."""
    if keepdims:
        return g
    shape = reduced_shape(x.shape, axis, True)
    # Of an array in a rule: the way through `reshape` takes ten times as long.
    return g.reshape(shape) if type(g) is np.ndarray else reshape(g, shape)


# Up to so many entries a copy is ten times as fast as NumPy's making of a view that repeats.
_SMALL = 4096


def spread(g: Any, x: Any, axis: tuple[int, ...], keepdims: bool) -> Any:
    """The result of a reduction of ``x``, repeated to the shape of ``x``."""
    # Where the first axes were reduced, as in the sum of a loss, broadcasting restores them itself.
    leading = axis == tuple(range(len(axis)))
    g = g if leading else unreduce(g, x, axis, keepdims)
    if isinstance(g, (np.ndarray, np.generic)) and math.prod(x.shape) <= _SMALL:
        y = np.empty(x.shape, g.dtype)
        y[...] = g
        return y
    return broadcast_to(g, x.shape)


def reduce(name: str, x: Any, axis: Any, keepdims: bool, **params: Any) -> Any:
    """Apply the reduction of that name, with its axes in the form that primitives take."""
    x = as_array(x)
    axes = normalize_axes(name, axis, x.ndim)
    return apply(PRIMITIVES[name], x, axis=axes, keepdims=bool(keepdims), **params)


def mask_of(name: str, where: Any, x: Any) -> Any:
    """The mask of a reduction, checked against what is reduced."""
    mask = as_array(where)
    if mask.dtype.kind != "b":
        raise DTypeError(f"{name}: where is a mask of bools, got {mask.dtype}")
    extra = mask.ndim - x.ndim
    if extra > 0 or any(m not in (1, n) for m, n in zip(mask.shape[::-1], x.shape[::-1])):
        raise ShapeError(
            f"{name}: where of shape {mask.shape} does not broadcast to the operand, of shape "
            f"{x.shape}"
        )
    return mask


def entries(name: str, x: Any, dtype: Any, where: Any, neutral: Any) -> Any:
    """What is reduced: in the wanted dtype, with the neutral element where the mask is False."""
    x = as_array(x)
    x = x if dtype is None else astype(x, dtype)
    if where is True:
        return x
    return choose(mask_of(name, where, x), x, like(neutral, x.dtype))


def narrowed(y: Any, dtype: Any) -> Any:
    """The result in the dtype that was asked for, if one was.

    Small integers are added and multiplied as 64-bit ones: the same, modulo what theirs can hold.
    """
    return y if dtype is None else astype(y, dtype, copy=False)


def like(value: Any, dtype: Any) -> Any:
    """A value that is combined with others of a dtype, in that dtype."""
    return np.array(value, dtype) if type(value) in SCALARS else astype(as_array(value), dtype)


class Sum(Reduction, Linear):
    """The sum along axes."""

    name = "sum"
    kernel = staticmethod(lambda x, out=None, *, axis, keepdims: total(x, axis, keepdims, out))
    transpose = staticmethod(lambda g, x_aval, *, axis, keepdims: spread(g, x_aval, axis, keepdims))
    cases = (*CASES, EMPTY)


@public
def sum(
    x: Any,
    axis: Any = None,
    *,
    dtype: Any = None,
    keepdims: bool = False,
    initial: Any = None,
    where: Any = True,
) -> Any:
    r"""Sum of the entries along axes.

    .. math:: y = \sum_i x_i, \qquad \bar x_i = \bar y

    ``dtype`` is the one to sum in, ``initial`` is added, ``where`` masks the entries that count.
    Bools and small integers are summed as 64-bit integers; floating dtypes are kept. Raises
    AxisError for an axis that ``x`` does not have. The rules are those of ``numpy.sum``; where an
    array has many short rows to add, BLAS adds them, so that the last digit may differ from
    NumPy's, and with the size of the batch and the number of threads.

    >>> import autodiff as ad
    >>> ad.sum(ad.tensor([[1.0, 2.0], [3.0, 4.0]]), axis=0)
    Tensor([4., 6.])
    """
    if dtype is None and initial is None and where is True:
        return reduce("sum", x, axis, keepdims)
    y = narrowed(reduce("sum", entries("sum", x, dtype, where, 0), axis, keepdims), dtype)
    return y if initial is None else y + like(initial, y.dtype)


def _mean(x: Any, out: Any = None, *, axis: tuple[int, ...], keepdims: bool) -> Any:
    if x.dtype.char not in "fd" or not x.size:  # NumPy adds float16 as float32
        return np.mean(x, axis=axis, out=out, keepdims=keepdims)
    return np.divide(total(x, axis, keepdims, out), math.prod([x.shape[a] for a in axis]), out=out)


class Mean(Reduction, Linear):
    """The mean along axes."""

    name = "mean"
    kernel = staticmethod(_mean)
    transpose = staticmethod(
        lambda g, x_aval, *, axis, keepdims: spread(
            g / math.prod(x_aval.shape[a] for a in axis), x_aval, axis, keepdims
        )
    )


@public
def mean(
    x: Any, axis: Any = None, *, dtype: Any = None, keepdims: bool = False, where: Any = True
) -> Any:
    r"""Mean of the entries along axes.

    .. math:: y = \frac{1}{n} \sum_i x_i, \qquad \bar x_i = \frac{\bar y}{n}

    ``dtype`` is the one to compute in, ``where`` masks the entries that count. Bools and integers
    give float64; floating dtypes are kept. The mean of nothing is NaN, with NumPy's warning. Raises
    AxisError for an axis that ``x`` does not have.

    >>> import autodiff as ad
    >>> ad.mean(ad.tensor([1.0, 2.0, 6.0]))
    Tensor(3.)
    """
    if dtype is None and where is True:
        return reduce("mean", x, axis, keepdims)
    x = as_array(x)
    x = astype(x, dtype or np.mean(np.ones(1, x.dtype)).dtype)
    if where is True:
        return reduce("mean", x, axis, keepdims)
    total = sum(x, axis, keepdims=keepdims, where=where)
    return total / count("mean", where, x, axis, keepdims, total.dtype)


def count(name: str, where: Any, x: Any, axis: Any, keepdims: bool, dtype: Any) -> Any:
    """How many entries of ``x`` a mask lets through along axes."""
    mask = broadcast_to(mask_of(name, where, x), x.shape)
    return reduce("sum", mask, axis, keepdims).astype(dtype)


class Extremum(Reduction, abstract=True):
    """The largest or the smallest entry; entries that tie share its gradient equally.

    Of all subgradients that is the one of least norm. The entries that were not selected have none.
    """

    needs_entries = True
    selects = True
    vjp = staticmethod(lambda g, y, x, *, axis, keepdims: _pull_selected(g, y, x, axis, keepdims))
    jvp = staticmethod(lambda t, y, x, *, axis, keepdims: _push_selected(t, y, x, axis, keepdims))
    errors = (NO_AXIS, (EMPTY, ShapeError, "has no entries along axis"))

    def selection_slots(self, i: int) -> tuple[int, ...]:
        return (-1, 0)

    def presence(self, i: int, mask: Any, node: Node) -> Any:
        axis, keepdims = node.params["axis"], node.params["keepdims"]
        selected = _selected(node.output, node.kept[0], axis, keepdims)
        return selected if mask is None else selected & spread(mask, node.inputs[0], axis, keepdims)


def _selected(y: Any, x: Any, axis: tuple[int, ...], keepdims: bool) -> Any:
    # Any NaN makes the result NaN, so that it is the NaNs that were selected.
    return logical_or(equal(x, unreduce(y, x, axis, keepdims)), isnan(x))


def _pull_selected(g: Any, y: Any, x: Any, axis: tuple[int, ...], keepdims: bool) -> Any:
    selected = _selected(y, x, axis, keepdims)
    count = sum(selected, axis, keepdims=True).astype(g.dtype)
    return choose(selected, unreduce(g, x, axis, keepdims) / count, 0)


def _push_selected(t: Any, y: Any, x: Any, axis: tuple[int, ...], keepdims: bool) -> Any:
    selected = _selected(y, x, axis, keepdims)
    count = sum(selected, axis, keepdims=keepdims).astype(t.dtype)
    return sum(choose(selected, t, 0), axis, keepdims=keepdims) / count


def _extremum(
    name: str, choice: Any, x: Any, axis: Any, keepdims: bool, initial: Any, where: Any
) -> Any:
    x = as_array(x)
    if initial is None:
        raise ShapeError(
            f"{name}: a mask may leave no entry, and there is no {name} of nothing: give initial, "
            "the value to start from"
        )
    axes = normalize_axes(name, axis, x.ndim)
    initial = like(initial, x.dtype)
    x = entries(name, x, None, where, initial)
    if math.prod(x.shape[a] for a in axes) == 0:
        found = broadcast_to(initial, reduced_shape(x.shape, axes, bool(keepdims)))
        tensors = isinstance(x, Tensor) and not isinstance(found, Tensor)
        return wrap(found) if tensors else found
    return choice(reduce(name, x, axes, keepdims), initial)


class Max(Extremum):
    """The largest entry along axes."""

    name = "max"
    kernel = staticmethod(
        lambda x, out=None, *, axis, keepdims: np.maximum.reduce(
            x, axis=axis, out=out, keepdims=keepdims
        )
    )


@public
def max(
    x: Any, axis: Any = None, *, keepdims: bool = False, initial: Any = None, where: Any = True
) -> Any:
    r"""Largest entry along axes; NaN where there is one.

    .. math:: y = \max_i x_i, \qquad \bar x_i = \begin{cases} \bar y / m & x_i = y \\
        \text{absent} & \text{else} \end{cases}

    The m entries that tie share the gradient, which is the subgradient of least norm. ``initial``
    is one more value to choose from, which a mask ``where`` of the entries that count needs. The
    dtype is kept. Raises AxisError for an axis that ``x`` does not have, ShapeError where there are
    no entries.

    >>> import autodiff as ad
    >>> x = ad.tensor([1.0, 5.0, 5.0], requires_grad=True)
    >>> ad.gradients(ad.max(x), x)
    Tensor([0. , 0.5, 0.5])
    """
    if initial is None and where is True:
        return reduce("max", x, axis, keepdims)
    return _extremum("max", maximum, x, axis, keepdims, initial, where)


class Min(Extremum):
    """The smallest entry along axes."""

    name = "min"
    kernel = staticmethod(
        lambda x, out=None, *, axis, keepdims: np.minimum.reduce(
            x, axis=axis, out=out, keepdims=keepdims
        )
    )


@public
def min(
    x: Any, axis: Any = None, *, keepdims: bool = False, initial: Any = None, where: Any = True
) -> Any:
    r"""Smallest entry along axes; NaN where there is one.

    .. math:: y = \min_i x_i, \qquad \bar x_i = \begin{cases} \bar y / m & x_i = y \\
        \text{absent} & \text{else} \end{cases}

    The m entries that tie share the gradient. ``initial`` and ``where`` are those of ``max``. The
    dtype is kept. Raises AxisError for an axis that ``x`` does not have, ShapeError where there are
    no entries.

    >>> import autodiff as ad
    >>> ad.min(ad.tensor([[1.0, 5.0], [3.0, 2.0]]), axis=1)
    Tensor([1., 2.])
    """
    if initial is None and where is True:
        return reduce("min", x, axis, keepdims)
    return _extremum("min", minimum, x, axis, keepdims, initial, where)
