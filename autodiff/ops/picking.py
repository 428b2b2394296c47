"""Picking: entries by conditions and by numbers, values put along an axis, distinct values."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from autodiff.batched import Batched, shaped_by_values
from autodiff.errors import DTypeError, IndexingError, ShapeError, normalize_axis
from autodiff.ops.comparison import equal, logical_not, logical_or
from autodiff.ops.elementwise import astype
from autodiff.ops.indexing import getitem, take
from autodiff.ops.movement import along, as_array, ravel, reshape, values_of
from autodiff.ops.positions import flatnonzero
from autodiff.ops.selection import clip, where
from autodiff.ops.sets import _DISTINCT
from autodiff.ops.update import setitem
from autodiff.registry import public
from autodiff.tensor import Tensor, raw, shape_of, whole, wrap

__all__ = [
    "choose",
    "compress",
    "extract",
    "piecewise",
    "put_along_axis",
    "select",
    "trim_zeros",
    "unique",
]


_ENDS = "keep the zeros, or call it for one example after the other in a loop"
_CHOSEN = (
    "write ad.where(condition, x, 0), or a reduction with where=condition; or call it for one "
    "example after the other in a loop"
)


@public
def select(condlist: Any, choicelist: Any, default: Any = 0) -> Any:
    r"""Entries of the first choice whose condition holds, else the default (``numpy.select``).

    .. math:: y_i = (x_k)_i, \qquad k = \min \{k : (c_k)_i\}

    What was not selected has no gradient. All operands broadcast. Raises ShapeError for lists of
    different lengths or none, DTypeError for conditions that are no bools.

    >>> import autodiff as ad
    >>> x = ad.tensor([-1.0, 0.5, 2.0])
    >>> ad.select([x < 0, x < 1], [0.0, x], 1.0)
    Tensor([0. , 0.5, 1. ])
    """
    conditions, choices = list(condlist), list(choicelist)
    if len(conditions) != len(choices) or not choices:
        raise ShapeError(
            f"select: {len(conditions)} conditions for {len(choices)} choices (expected as many, "
            "one at least)"
        )
    y = default
    for condition, choice in zip(conditions[::-1], choices[::-1], strict=True):
        condition = as_array(condition)
        if condition.dtype.kind != "b":
            raise DTypeError(f"select: conditions are bools, got {condition.dtype}")
        y = where(condition, choice, y)
    return y


@public
def choose(a: Any, choices: Any, mode: str = "raise") -> Any:
    r"""For each entry of ``a``, the entry of the choice that it numbers (``numpy.choose``).

    .. math:: y_i = (c_{a_i})_i

    ``mode`` says what becomes of numbers out of bounds: "raise", "wrap" or "clip". All operands
    broadcast. Raises DTypeError for numbers that are no integers, IndexError out of bounds.

    >>> import autodiff as ad
    >>> ad.choose([0, 1], [ad.tensor([1.0, 2.0]), [3.0, 4.0]])
    Tensor([1., 4.])
    """
    options = [as_array(c) for c in choices]
    numbers = as_array(a)
    if numbers.dtype.kind not in "iub":
        raise DTypeError(f"choose: numbers of choices are integers, got {numbers.dtype}")
    numbers = _bounded("choose", astype(numbers, np.intp), len(options), mode)
    y = options[0]
    for k, option in enumerate(options[1:], 1):
        y = where(equal(numbers, k), option, y)
    return y if len(options) > 1 else where(np.ones(numbers.shape, bool), y, y)


def _bounded(name: str, numbers: Any, n: int, mode: str) -> Any:
    """Positions of entries out of ``n``, brought into bounds as the mode says."""
    if mode == "wrap":
        return numbers % n
    if mode == "clip":
        return clip(numbers, 0, n - 1)
    if mode != "raise":
        raise ValueError(f"{name}: mode is 'raise', 'wrap' or 'clip', got {mode!r}")
    found = whole(numbers)
    if found.size and (found.min() < 0 or found.max() >= n):
        raise IndexingError(
            f"{name}: numbers from 0 to {n - 1}, got {found.min()} to {found.max()}"
        )
    return numbers


@public
@shaped_by_values(_CHOSEN, 1)
def compress(condition: Any, x: Any, axis: int | None = None) -> Any:
    """Entries along an axis where a vector of conditions holds (``numpy.compress``).

    ``axis`` None takes all entries as one row. Raises AxisError, IndexError where a condition holds
    beyond the axis.

    >>> import autodiff as ad
    >>> ad.compress([True, False, True], ad.tensor([1.0, 2.0, 3.0]))
    Tensor([1., 3.])
    """
    chosen = as_array(condition)
    if chosen.ndim != 1:
        raise ShapeError(f"compress: expected a vector of conditions, got shape {chosen.shape}")
    return take(x, flatnonzero(chosen), axis)


@public
@shaped_by_values(_CHOSEN, 1)
def extract(condition: Any, x: Any) -> Any:
    """The entries where a condition holds, as one row (``numpy.extract``).

    >>> import autodiff as ad
    >>> x = ad.tensor([[1.0, 2.0], [3.0, 4.0]])
    >>> ad.extract(x > 1.5, x)
    Tensor([2., 3., 4.])
    """
    return take(ravel(x), flatnonzero(condition))


@public
def piecewise(x: Any, condlist: Any, funclist: Any, *args: Any, **kwargs: Any) -> Any:
    r"""Each function of the entries where its condition holds, else 0 (``numpy.piecewise``).

    .. math:: y_i = f_k(x_i), \qquad k = \max \{k : (c_k)_i\}

    A function is called with those entries alone (and ``args``, ``kwargs``), or, under ``vmap``
    with conditions that differ, with all entries; a number stands for a constant one. One more
    function than conditions is for the entries where none holds. The result has the dtype of ``x``.
    Raises ShapeError for another number of functions.

    >>> import autodiff as ad
    >>> x = ad.tensor([-4.0, 4.0], requires_grad=True)
    >>> ad.gradients(ad.piecewise(x, [x > 0], [ad.sqrt, 0.0]).sum(), x)
    Tensor([0.  , 0.25])
    """
    x = as_array(x)
    listed = isinstance(condlist, list)
    single = not listed and len(shape_of(condlist)) == x.ndim
    scalars = listed and condlist and len(shape_of(condlist[0])) < x.ndim
    given = [condlist] if single or scalars else list(condlist)
    conditions = [astype(as_array(c), bool) for c in given]
    together = any(type(c) is Batched for c in conditions)
    conditions = conditions if together else [raw(c) for c in conditions]
    functions = list(funclist)
    if len(functions) == len(conditions) + 1:
        conditions.append(logical_not(functools.reduce(logical_or, conditions)))
    if len(functions) != len(conditions):
        raise ShapeError(
            f"piecewise: {len(functions)} functions for {len(conditions)} conditions (expected as "
            "many, or one more)"
        )
    y: Any = np.zeros(x.shape, x.dtype)
    for condition, function in zip(conditions, functions, strict=True):
        if not callable(function):
            y = setitem(y, condition, astype(as_array(function), x.dtype))
        elif together:  # which entries a function is for differs: it is called with all of them
            with np.errstate(all="ignore"):
                part = astype(as_array(function(x, *args, **kwargs)), x.dtype)
            y = where(condition, part, y)
        elif condition.any():
            part = astype(as_array(function(x[condition], *args, **kwargs)), x.dtype)
            y = setitem(y, condition, part)
    return wrap(y) if isinstance(x, Tensor) and not isinstance(y, Tensor) else y


@public
def put_along_axis(x: Any, indices: Any, values: Any, axis: int | None = -1) -> Any:
    r"""A copy of ``x`` with values at positions along an axis.

    .. math:: y_{i\, \mathrm{indices}_{ijk}\, k} = v_{ijk} \quad (\mathrm{axis} = 1)

    Where ``numpy.put_along_axis`` writes into its operand, this gives a new array. ``indices`` has
    as many axes as ``x``; the others broadcast, as do the values with the indices. ``axis`` None is
    of ``x`` flattened. Of values put in one place the last one stays, and only it has a gradient.
    Raises ShapeError, DTypeError, AxisError, IndexError.

    >>> import autodiff as ad
    >>> ad.put_along_axis(ad.tensor([[1.0, 2.0], [3.0, 4.0]]), [[1], [0]], 9.0, axis=1)
    Tensor([[1., 9.],
            [9., 4.]])
    """
    x, found = as_array(x), as_array(indices)
    if axis is None:
        flat = put_along_axis(ravel(x), ravel(found), ravel(values), 0)
        return reshape(flat, x.shape)
    axis = normalize_axis("put_along_axis", axis, x.ndim)
    if found.dtype.kind not in "iu":
        raise DTypeError(f"put_along_axis: indices are integers, got {found.dtype}")
    sizes = list(zip(x.shape, found.shape, strict=False))
    if found.ndim != x.ndim or any(m not in (1, n) for k, (n, m) in enumerate(sizes) if k != axis):
        raise ShapeError(
            f"put_along_axis: indices of shape {found.shape} do not match x of shape {x.shape} in "
            f"all axes but {axis}"
        )
    places: list[Any] = [
        np.arange(n).reshape((n,) + (1,) * (x.ndim - 1 - k)) for k, n in enumerate(x.shape)
    ]
    places[axis] = found
    return setitem(x, tuple(places), values)


@public
@shaped_by_values(_ENDS)
def trim_zeros(x: Any, trim: str = "fb", axis: Any = None) -> Any:
    """An array without the zeros at its ends (``numpy.trim_zeros``).

    ``trim`` holds "f" for the front and "b" for the back; ``axis`` None trims every axis. Raises
    ValueError for another ``trim``, AxisError.

    >>> import autodiff as ad
    >>> ad.trim_zeros(ad.tensor([0.0, 1.0, 0.0, 2.0, 0.0]))
    Tensor([1., 0., 2.])
    """
    x = as_array(x)
    if not set(trim.lower()) <= set("fb"):
        raise ValueError(f"trim_zeros: trim holds 'f' and 'b', got {trim!r}")
    for a in range(x.ndim) if axis is None else np.atleast_1d(axis):
        a = normalize_axis("trim_zeros", a, x.ndim)
        others = tuple(i for i in range(x.ndim) if i != a)
        full = np.flatnonzero(np.any(values_of(x) != 0, axis=others))
        n = x.shape[a]
        first, last = (full[0], full[-1] + 1) if full.size else (n, n)
        start, stop = first if "f" in trim.lower() else 0, last if "b" in trim.lower() else n
        x = getitem(x, along(a, slice(start, max(stop, start))))
    return x


def _unique(x: Any, axis: int | None, equal_nan: bool) -> tuple[Any, ...]:
    x = as_array(x)
    _, *found = np.unique(values_of(x), True, True, True, axis, equal_nan=equal_nan)
    places = [wrap(p) if isinstance(x, Tensor) else p for p in found]
    return take(x, found[0], axis), *places


@public
@shaped_by_values(_DISTINCT)
def unique(
    x: Any,
    return_index: bool = False,
    return_inverse: bool = False,
    return_counts: bool = False,
    axis: int | None = None,
    *,
    equal_nan: bool = True,
) -> Any:
    """Distinct entries in rising order, or distinct slices along an axis (``numpy.unique``).

    The gradient goes to the first of the entries that are equal. Further results, where asked for:
    positions of the first ones, positions that rebuild ``x``, counts. Raises AxisError.

    >>> import autodiff as ad
    >>> x = ad.tensor([3.0, 1.0, 3.0], requires_grad=True)
    >>> y = ad.unique(x)
    >>> y.data, ad.gradients(y, x, cotangents=[1.0, 2.0]).data
    (array([1., 3.]), array([2., 1., 0.]))
    """
    values, *places = _unique(x, axis, equal_nan)
    wanted = zip(places, (return_index, return_inverse, return_counts), strict=True)
    chosen = tuple([p for p, w in wanted if w])
    return (values, *chosen) if chosen else values
