"""Sets of values, and where entries are: results whose size depends on the values.

They are computed from the values; of what they return only ``values`` carries a gradient, which
goes to the entries that were taken.

Reference: Python array API standard, 2024.12, "Set Functions", "Searching Functions".
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from autodiff.batched import shaped_by_values
from autodiff.errors import ShapeError
from autodiff.ops.indexing import take
from autodiff.ops.joining import concatenate
from autodiff.ops.movement import as_array, ravel
from autodiff.registry import public
from autodiff.tensor import Tensor, raw, wrap

__all__ = [
    "intersect1d",
    "nonzero",
    "setdiff1d",
    "setxor1d",
    "union1d",
    "unique_all",
    "unique_counts",
    "unique_inverse",
    "unique_values",
]


_PLACES = (
    "compute with ad.where(x != 0, ..., 0) in the place of the entries that are picked, or call it "
    "for one example after the other in a loop"
)
_DISTINCT = (
    "ad.sort brings equal values together, where ad.where can tell them apart; or call it for one "
    "example after the other in a loop"
)


class UniqueAll(NamedTuple):
    """What ``unique_all`` returns."""

    values: Any
    indices: Any
    inverse_indices: Any
    counts: Any


class UniqueCounts(NamedTuple):
    """What ``unique_counts`` returns."""

    values: Any
    counts: Any


class UniqueInverse(NamedTuple):
    """What ``unique_inverse`` returns."""

    values: Any
    inverse_indices: Any


def _like(x: Any, *arrays: Any) -> list[Any]:
    return list(map(wrap, arrays)) if isinstance(x, Tensor) else list(arrays)


@public
@shaped_by_values(_PLACES)
def nonzero(x: Any, /) -> tuple[Any, ...]:
    r"""Positions of the entries that are not 0: an integer array for each axis.

    .. math:: x_{i_0, i_1, \dots} \ne 0

    They come in C order; ``x[nonzero(x)]`` are the entries, with their gradient. Raises ShapeError
    for an operand without axes. As ``numpy.nonzero``.

    >>> import autodiff as ad
    >>> ad.nonzero(ad.tensor([0.0, 3.0, 0.0, 4.0]))
    (Tensor([1, 3]),)
    """
    x = as_array(x)
    if x.ndim == 0:
        raise ShapeError("nonzero: an operand without axes has no positions (expected one axis)")
    return tuple(_like(x, *np.nonzero(x.data if isinstance(x, Tensor) else x)))


@public
@shaped_by_values(_DISTINCT)
def unique_all(x: Any, /) -> UniqueAll:
    r"""The values that occur, rising, with their first positions, their counts and the way back.

    .. math:: v = x_{\mathrm{indices}}, \qquad x = v_{\mathrm{inverse}}

    ``x`` counts as flattened; ``inverse_indices`` has its shape. A gradient of a value goes to its
    first position. Each NaN is a value of its own, as in NumPy's function of this name and not as
    in ``numpy.unique``.

    >>> import autodiff as ad
    >>> ad.unique_all(ad.tensor([2.0, 1.0, 2.0])).values
    Tensor([1., 2.])
    """
    x = as_array(x)
    found = np.unique_all(x.data if isinstance(x, Tensor) else x)
    indices, inverse, counts = _like(x, found.indices, found.inverse_indices, found.counts)
    return UniqueAll(take(ravel(x), indices), indices, inverse, counts)


@public
@shaped_by_values(_DISTINCT)
def unique_counts(x: Any, /) -> UniqueCounts:
    """The values that occur, rising, and how often each does; see ``unique_all``.

    >>> import autodiff as ad
    >>> ad.unique_counts(ad.tensor([2.0, 1.0, 2.0])).counts
    Tensor([1, 2])
    """
    found = unique_all(x)
    return UniqueCounts(found.values, found.counts)


@public
@shaped_by_values(_DISTINCT)
def unique_inverse(x: Any, /) -> UniqueInverse:
    """The values that occur, rising, and where each entry is among them; see ``unique_all``.

    >>> import autodiff as ad
    >>> ad.unique_inverse(ad.tensor([2.0, 1.0, 2.0])).inverse_indices
    Tensor([1, 0, 1])
    """
    found = unique_all(x)
    return UniqueInverse(found.values, found.inverse_indices)


@public
@shaped_by_values(_DISTINCT)
def unique_values(x: Any, /) -> Any:
    """The values that occur, rising; see ``unique_all``.

    >>> import autodiff as ad
    >>> ad.unique_values(ad.tensor([2.0, 1.0, 2.0]))
    Tensor([1., 2.])
    """
    return unique_all(x).values


@public
@shaped_by_values(_DISTINCT)
def union1d(ar1: Any, ar2: Any) -> Any:
    """The values that occur in one array or the other, rising (``numpy.union1d``).

    The gradient of a value goes to its first position, that in ``ar1`` where it occurs in both.

    >>> import autodiff as ad
    >>> ad.union1d(ad.tensor([3.0, 1.0]), [2.0, 3.0])
    Tensor([1., 2., 3.])
    """
    return _values(concatenate([ar1, ar2], axis=None))


def _values(x: Any) -> Any:
    """The distinct values; other than ``unique_values``, NaN counts as one of them."""
    _, indices = np.unique(raw(x), return_index=True)
    return take(ravel(x), indices)


@public
@shaped_by_values(_DISTINCT)
def intersect1d(
    ar1: Any, ar2: Any, assume_unique: bool = False, return_indices: bool = False
) -> Any:
    """The values that occur in both arrays, rising (``numpy.intersect1d``).

    The gradient of a value goes to its first position in ``ar1``, which it is taken from; no
    gradient reaches ``ar2``. ``return_indices`` adds the positions in both.

    >>> import autodiff as ad
    >>> ad.intersect1d(ad.tensor([3.0, 1.0]), [2.0, 3.0])
    Tensor([3.])
    """
    ar1, ar2 = as_array(ar1), as_array(ar2)
    _, first, second = np.intersect1d(raw(ar1), raw(ar2), assume_unique, return_indices=True)
    y = take(ravel(ar1), first)
    return (y, *_like(y, first, second)) if return_indices else y


@public
@shaped_by_values(_DISTINCT)
def setdiff1d(ar1: Any, ar2: Any, assume_unique: bool = False) -> Any:
    """The values of the first array that do not occur in the second (``numpy.setdiff1d``).

    They rise, and the gradient of each goes to its first position; with ``assume_unique`` they keep
    the order that they have. No gradient reaches ``ar2``.

    >>> import autodiff as ad
    >>> ad.setdiff1d(ad.tensor([3.0, 1.0]), [2.0, 3.0])
    Tensor([1.])
    """
    x = ravel(ar1) if assume_unique else _values(as_array(ar1))
    return x[np.isin(raw(x), raw(as_array(ar2)), assume_unique=True, invert=True)]


@public
@shaped_by_values(_DISTINCT)
def setxor1d(ar1: Any, ar2: Any, assume_unique: bool = False) -> Any:
    """The values that occur in exactly one of two arrays, rising (``numpy.setxor1d``).

    >>> import autodiff as ad
    >>> ad.setxor1d(ad.tensor([3.0, 1.0]), [2.0, 3.0])
    Tensor([1., 2.])
    """
    parts = [ravel(x) if assume_unique else _values(as_array(x)) for x in (ar1, ar2)]
    both = concatenate(parts)
    _, indices, counts = np.unique(raw(both), return_index=True, return_counts=True)
    return both[indices[counts == 1]]
