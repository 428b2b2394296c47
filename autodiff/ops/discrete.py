"""Reductions with a discrete result: positions and truth values, which have no derivative."""

from __future__ import annotations

from typing import Any

import numpy as np

from autodiff.errors import ShapeError, normalize_axis
from autodiff.ops.comparison import logical_and, logical_not, logical_or
from autodiff.ops.movement import as_array, ravel, reshape
from autodiff.ops.reduction import CASES, EMPTY, NO_AXIS, Reduction, mask_of, reduce
from autodiff.primitive import Case, In
from autodiff.registry import public

__all__ = ["all", "any", "argmax", "argmin"]


class Question(Reduction, abstract=True):
    """A reduction whose result is constant almost everywhere: nothing to differentiate."""

    differentiable = False
    vjp = (None,)
    jvp = (None,)


class Position(Question, abstract=True):
    """The position of one entry; ``axis`` has one element."""

    needs_entries = True
    cases = (
        Case((In((2, 3)),), {"axis": (1,), "keepdims": False}),
        Case((In((2, 3, 2)),), {"axis": (0,), "keepdims": True}),
        Case((np.array([2, 1, 2, 1]),), {"axis": (0,), "keepdims": False}),
        Case((In((2, 0)),), {"axis": (0,), "keepdims": False}),
    )
    errors = (NO_AXIS, (EMPTY, ShapeError, "has no entries along axis"))


class Argmax(Position):
    """The position of the largest entry."""

    name = "argmax"
    kernel = staticmethod(
        lambda x, out=None, *, axis, keepdims: np.argmax(x, axis[0], out, keepdims=keepdims)
    )
    reference = staticmethod(lambda x, *, axis, keepdims: _first(-x, axis[0], keepdims))


class Argmin(Position):
    """The position of the smallest entry."""

    name = "argmin"
    kernel = staticmethod(
        lambda x, out=None, *, axis, keepdims: np.argmin(x, axis[0], out, keepdims=keepdims)
    )
    reference = staticmethod(lambda x, *, axis, keepdims: _first(x, axis[0], keepdims))


def _first(x: Any, axis: int, keepdims: bool) -> Any:
    first = np.take(np.argsort(x, axis, stable=True), [0], axis)
    return first if keepdims else np.squeeze(first, axis)


def _position(name: str, x: Any, axis: int | None, keepdims: bool) -> Any:
    x = as_array(x)
    if axis is not None:
        return reduce(name, x, normalize_axis(name, axis, x.ndim), keepdims)
    position = reduce(name, ravel(x), 0, False)
    return reshape(position, (1,) * x.ndim) if keepdims else position


@public
def argmax(x: Any, axis: int | None = None, *, keepdims: bool = False) -> Any:
    r"""Position of the largest entry along an axis; the first of those that tie, or of NaNs.

    .. math:: y = \mathrm{argmax}_i\, x_i

    ``axis`` None takes all entries as one row. The dtype is int64: no gradient passes. Raises
    AxisError for an axis that ``x`` does not have, ShapeError where there are no entries. As
    ``numpy.argmax``.

    >>> import autodiff as ad
    >>> ad.argmax(ad.tensor([[1.0, 5.0], [3.0, 2.0]]), axis=1)
    Tensor([1, 0])
    """
    return _position("argmax", x, axis, keepdims)


@public
def argmin(x: Any, axis: int | None = None, *, keepdims: bool = False) -> Any:
    r"""Position of the smallest entry along an axis; the first of those that tie, or of NaNs.

    .. math:: y = \mathrm{argmin}_i\, x_i

    ``axis`` None takes all entries as one row. The dtype is int64: no gradient passes. Raises
    AxisError for an axis that ``x`` does not have, ShapeError where there are no entries. As
    ``numpy.argmin``.

    >>> import autodiff as ad
    >>> ad.argmin(ad.tensor([[1.0, 5.0], [3.0, 2.0]]))
    Tensor(0)
    """
    return _position("argmin", x, axis, keepdims)


class Truth(Question, abstract=True):
    """A truth value of truth values; a number is true where it is not 0."""

    cases = (
        *CASES,
        EMPTY,
        Case((np.array([[True, False], [True, True]]),), {"axis": (1,), "keepdims": False}),
        Case((np.array([[0, 0], [0, 2]]),), {"axis": (0,), "keepdims": True}),
    )


class AnyTrue(Truth):
    """Whether one entry at least is true."""

    name = "any"
    kernel = staticmethod(
        lambda x, out=None, *, axis, keepdims: np.logical_or.reduce(
            x, axis=axis, out=out, keepdims=keepdims
        )
    )


class AllTrue(Truth):
    """Whether every entry is true."""

    name = "all"
    kernel = staticmethod(
        lambda x, out=None, *, axis, keepdims: np.logical_and.reduce(
            x, axis=axis, out=out, keepdims=keepdims
        )
    )


@public
def any(x: Any, axis: Any = None, *, keepdims: bool = False, where: Any = True) -> Any:
    r"""Whether any entry along axes is true, that is, not 0; NaN is true.

    .. math:: y = \bigvee_i [\, x_i \ne 0 \,]

    ``where`` masks the entries that count. Of no entries: False. The dtype is bool: no gradient
    passes. Raises AxisError for an axis that ``x`` does not have. As ``numpy.any``.

    >>> import autodiff as ad
    >>> ad.any(ad.tensor([[0.0, 1.0], [0.0, 0.0]]), axis=1)
    Tensor([ True, False])
    """
    if where is not True:
        x = as_array(x)
        mask = mask_of("any", where, x)
        x = logical_and(x, mask)
    return reduce("any", x, axis, keepdims)


@public
def all(x: Any, axis: Any = None, *, keepdims: bool = False, where: Any = True) -> Any:
    r"""Whether every entry along axes is true, that is, not 0; NaN is true.

    .. math:: y = \bigwedge_i [\, x_i \ne 0 \,]

    ``where`` masks the entries that count. Of no entries: True. The dtype is bool: no gradient
    passes. Raises AxisError for an axis that ``x`` does not have. As ``numpy.all``.

    >>> import autodiff as ad
    >>> ad.all(ad.tensor([[0.0, 1.0], [2.0, 3.0]]), axis=1)
    Tensor([False,  True])
    """
    if where is not True:
        x = as_array(x)
        mask = mask_of("all", where, x)
        x = logical_or(x, logical_not(mask))
    return reduce("all", x, axis, keepdims)
