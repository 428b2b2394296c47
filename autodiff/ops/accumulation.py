"""Products, and running sums, products and extremes along axes."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from autodiff.errors import AxisError, normalize_axis
from autodiff.families import Linear
from autodiff.node import Aval
from autodiff.ops.elementwise import astype
from autodiff.ops.indexing import take_along_axis
from autodiff.ops.joining import concatenate
from autodiff.ops.movement import along, as_array, expand_dims, flip, ravel, reshape, transpose
from autodiff.ops.recurrence import running_product
from autodiff.ops.reduction import (
    CASES,
    EMPTY,
    Reduction,
    entries,
    like,
    narrowed,
    reduce,
    sum,
    unreduce,
)
from autodiff.primitive import Case, In, Primitive
from autodiff.registry import PRIMITIVES, public
from autodiff.tensor import apply

__all__ = [
    "cumprod",
    "cumsum",
    "cumulative_max",
    "cumulative_min",
    "cumulative_prod",
    "cumulative_sum",
    "prod",
]


class Prod(Reduction):
    """The product along axes."""

    name = "prod"
    kernel = staticmethod(
        lambda x, out=None, *, axis, keepdims: np.multiply.reduce(
            x, axis=axis, out=out, keepdims=keepdims
        )
    )
    vjp = staticmethod(
        lambda g, x, *, axis, keepdims: unreduce(g, x, axis, keepdims) * _others(x, axis)
    )
    jvp = staticmethod(
        lambda t, x, *, axis, keepdims: sum(t * _others(x, axis), axis, keepdims=keepdims)
    )
    cases = (
        *CASES,
        EMPTY,
        Case((np.array([2.0, 0.0, 3.0]),), {"axis": (0,), "keepdims": False}),
        Case((np.array([[0.0, 2.0, 0.0, 3.0, 1.5]]),), {"axis": (0, 1), "keepdims": False}),
        Case((np.array([[0.0, 0.0], [0.0, 1.0]]),), {"axis": (1,), "keepdims": True}),
    )


def _others(x: Any, axis: tuple[int, ...]) -> Any:
    """For each entry, the product of all others along ``axis``."""
    kept = tuple([a for a in range(x.ndim) if a not in axis])
    order = (*kept, *axis)
    front = transpose(x, order)
    rows = reshape(front, (*front.shape[: len(kept)], math.prod(x.shape[a] for a in axis)))
    others = reshape(_others_in_rows(rows), front.shape)
    return transpose(others, sorted(range(x.ndim), key=order.__getitem__))


def _others_in_rows(x: Any) -> Any:
    # Products of pairs on the way up, each times its sibling on the way down: n steps in all and no
    # division, so that the derivatives of every order are exact with any number of zeros.
    *rows, n = x.shape
    if n < 2:
        return np.ones(x.shape, x.dtype)
    if n % 2:
        x = concatenate([x, np.ones((*rows, 1), x.dtype)], axis=-1)
    pairs = reshape(x, (*rows, (n + 1) // 2, 2))
    above = expand_dims(_others_in_rows(prod(pairs, axis=-1)), -1)
    others = reshape(flip(pairs, -1) * above, x.shape)
    return others[..., :n] if n % 2 else others


@public
def prod(
    x: Any,
    axis: Any = None,
    *,
    dtype: Any = None,
    keepdims: bool = False,
    initial: Any = None,
    where: Any = True,
) -> Any:
    r"""Product of the entries along axes.

    .. math:: y = \prod_i x_i, \qquad \bar x_i = \bar y \prod_{j \ne i} x_j

    ``dtype`` is the one to compute in, ``initial`` is one more factor, ``where`` masks the entries
    that count. Bools and small integers are multiplied as 64-bit integers; floating dtypes are
    kept. Derivatives of every order are exact with any number of zeros: nothing is divided. Raises
    AxisError for an axis that ``x`` does not have.

    >>> import autodiff as ad
    >>> x = ad.tensor([2.0, 0.0, 3.0], requires_grad=True)
    >>> ad.gradients(ad.prod(x), x)
    Tensor([0., 6., 0.])
    """
    if dtype is None and initial is None and where is True:
        return reduce("prod", x, axis, keepdims)
    y = narrowed(reduce("prod", entries("prod", x, dtype, where, 1), axis, keepdims), dtype)
    return y if initial is None else y * like(initial, y.dtype)


class Cumsum(Linear):
    """The running sum along an axis."""

    name = "cumsum"
    kernel = staticmethod(lambda x, out=None, *, axis: np.add.accumulate(x, axis=axis, out=out))
    transpose = staticmethod(lambda g, *, axis: flip(cumsum(flip(g, axis), axis), axis))
    cases = (
        Case((In((4,)),), {"axis": 0}),
        Case((In((2, 3)),), {"axis": 1}),
        Case((In((3, 2)),), {"axis": 0}),
        Case((In((0, 2)),), {"axis": 0}),
    )
    errors = ((Case((In((2, 3)),), {"axis": 2}), AxisError, "axis 2"),)

    def infer(self, x: Any, *, axis: int) -> Aval:
        normalize_axis(self.name, axis, x.ndim)
        return Aval(x.shape, np.add.reduce(np.ones(1, x.dtype)).dtype)

    def batch(self, mapped: tuple[bool, ...], x: Any, *, axis: int) -> Any:
        return apply(self, x, axis=axis + 1)


@public
def cumsum(x: Any, axis: int | None = None, dtype: Any = None) -> Any:
    r"""Sums of all entries up to each one along an axis.

    .. math:: y_k = \sum_{i \le k} x_i, \qquad \bar x_i = \sum_{k \ge i} \bar y_k

    ``axis`` None takes all entries as one row. Bools and small integers are summed as 64-bit
    integers; floating dtypes are kept. Raises AxisError for an axis that ``x`` does not have. As
    ``numpy.cumsum``.

    >>> import autodiff as ad
    >>> ad.cumsum(ad.tensor([1.0, 2.0, 3.0]))
    Tensor([1., 3., 6.])
    """
    x, axis = row_of("cumsum", x, axis, dtype)
    return narrowed(apply(PRIMITIVES["cumsum"], x, axis=axis), dtype)


def row_of(name: str, x: Any, axis: int | None, dtype: Any = None) -> tuple[Any, int]:
    """The operand in the wanted dtype and the axis to go along: of None, all entries as one row."""
    x = as_array(x)
    x = x if dtype is None else astype(x, dtype)
    if axis is None:
        return ravel(x), 0
    return x, normalize_axis(name, axis, x.ndim)


@public
def cumprod(x: Any, axis: int | None = None, dtype: Any = None) -> Any:
    r"""Products of all entries up to each one along an axis (``numpy.cumprod``).

    .. math:: y_k = \prod_{i \le k} x_i, \qquad
        \bar x_i = \sum_{k \ge i} \bar y_k \prod_{j \le k,\, j \ne i} x_j

    ``axis`` None takes all entries as one row. Derivatives of every order are exact with any number
    of zeros. Bools and small integers are multiplied as 64-bit integers. Raises AxisError.

    >>> import autodiff as ad
    >>> x = ad.tensor([2.0, 0.0, 3.0], requires_grad=True)
    >>> ad.gradients(ad.cumprod(x).sum(), x)
    Tensor([1., 8., 0.])
    """
    x, axis = row_of("cumprod", x, axis, dtype)
    return narrowed(running_product(x, axis), dtype)


def _only_axis(name: str, x: Any, axis: int | None) -> int:
    if axis is None and x.ndim != 1:
        raise AxisError(f"{name}: an operand of shape {x.shape} needs axis: which one to go along")
    return normalize_axis(name, axis or 0, x.ndim)


def _cumulative(accumulate: Any, start: int, x: Any, axis: Any, dtype: Any, initial: bool) -> Any:
    x = as_array(x)
    axis = _only_axis(f"cumulative_{accumulate.__name__[3:]}", x, axis)
    y = accumulate(x, axis, dtype)
    if not initial:
        return y
    first = np.full((*y.shape[:axis], 1, *y.shape[axis + 1 :]), start, y.dtype)
    return concatenate([first, y], axis)


@public
def cumulative_sum(
    x: Any, /, *, axis: int | None = None, dtype: Any = None, include_initial: bool = False
) -> Any:
    """``cumsum`` in the array API's form (``numpy.cumulative_sum``).

    ``axis`` may be left out for one axis only; ``include_initial`` puts a 0 in front. Raises
    AxisError.

    >>> import autodiff as ad
    >>> ad.cumulative_sum(ad.tensor([1.0, 2.0, 3.0]), include_initial=True)
    Tensor([0., 1., 3., 6.])
    """
    return _cumulative(cumsum, 0, x, axis, dtype, include_initial)


@public
def cumulative_prod(
    x: Any, /, *, axis: int | None = None, dtype: Any = None, include_initial: bool = False
) -> Any:
    """``cumprod`` in the array API's form (``numpy.cumulative_prod``).

    ``axis`` may be left out for one axis only; ``include_initial`` puts a 1 in front. Raises
    AxisError.

    >>> import autodiff as ad
    >>> ad.cumulative_prod(ad.tensor([1.0, 2.0, 3.0]))
    Tensor([1., 2., 6.])
    """
    return _cumulative(cumprod, 1, x, axis, dtype, include_initial)


def _running(x: Any, *, axis: int, largest: bool) -> Any:
    if not x.size:
        return np.zeros(x.shape, np.intp)
    extreme = (np.maximum if largest else np.minimum).accumulate(x, axis=axis)
    before, after = extreme[along(axis, slice(-1))], extreme[along(axis, slice(1, None))]
    with np.errstate(invalid="ignore"):
        # Of NaNs the first one stays.
        new = (after != before) & ~((after != after) & (before != before))
    first = np.ones((*x.shape[:axis], 1, *x.shape[axis + 1 :]), bool)
    shape = [1] * x.ndim
    shape[axis] = x.shape[axis]
    places = np.arange(x.shape[axis]).reshape(shape)
    return np.maximum.accumulate(np.where(np.concatenate([first, new], axis), places, 0), axis=axis)


class RunningPosition(Primitive):
    """The position of the largest (or smallest) entry up to each one; the first of those that tie.

    >>> import autodiff as ad
    >>> ad.cumulative_max(ad.tensor([1.0, 3.0, 2.0]))
    Tensor([1., 3., 3.])
    """

    name = "running_position"
    differentiable = False
    kernel = staticmethod(_running)
    vjp = (None,)
    jvp = (None,)
    cases = (
        Case((In((5,)),), {"axis": 0, "largest": True}),
        Case((In((2, 4)),), {"axis": 1, "largest": False}),
        Case((np.array([1, 3, 3, 2, 4]),), {"axis": 0, "largest": True}),
        Case((In((0, 2)),), {"axis": 0, "largest": True}),
    )

    def infer(self, x: Any, *, axis: int, largest: bool) -> Aval:
        return Aval(x.shape, np.intp)

    def batch(self, mapped: tuple[bool, ...], x: Any, *, axis: int, largest: bool) -> Any:
        return apply(self, x, axis=axis + 1, largest=largest)


def _cumulative_extreme(name: str, x: Any, axis: int | None, largest: bool) -> Any:
    x, axis = row_of(name, x, axis)
    position = apply(PRIMITIVES["running_position"], x, axis=axis, largest=largest)
    return take_along_axis(x, position, axis)


@public
def cumulative_max(x: Any, axis: int | None = None) -> Any:
    r"""Largest of all entries up to each one along an axis (``numpy.maximum.accumulate``).

    .. math:: y_k = \max_{i \le k} x_i

    ``axis`` None takes all entries as one row. The gradient goes to the entry that is the largest
    so far, the first of those that tie. NaN stays from where it comes up. Raises AxisError.

    >>> import autodiff as ad
    >>> x = ad.tensor([1.0, 3.0, 2.0], requires_grad=True)
    >>> ad.gradients(ad.cumulative_max(x).sum(), x)
    Tensor([1., 2., 0.])
    """
    return _cumulative_extreme("cumulative_max", x, axis, True)


@public
def cumulative_min(x: Any, axis: int | None = None) -> Any:
    r"""Smallest of all entries up to each one along an axis (``numpy.minimum.accumulate``).

    .. math:: y_k = \min_{i \le k} x_i

    As ``cumulative_max``.

    >>> import autodiff as ad
    >>> ad.cumulative_min(ad.tensor([2.0, 3.0, 1.0]))
    Tensor([2., 2., 1.])
    """
    return _cumulative_extreme("cumulative_min", x, axis, False)
