"""Positions and counts: integers, which have no derivative; the weights of ``bincount`` have."""

from __future__ import annotations

from typing import Any

import numpy as np

from autodiff.batched import each_example, refuse, shaped_by_values
from autodiff.errors import DTypeError, GradientError, ShapeError
from autodiff.node import Aval
from autodiff.ops.comparison import not_equal
from autodiff.ops.elementwise import astype
from autodiff.ops.indexing import take
from autodiff.ops.joining import spread_batch, stack
from autodiff.ops.movement import as_array, flip, ravel, values_of
from autodiff.ops.reduction import sum as sum_over
from autodiff.ops.sets import _PLACES, nonzero
from autodiff.primitive import Case, In, Primitive
from autodiff.registry import PRIMITIVES, public
from autodiff.tensor import Tensor, apply, whole, wrap

__all__ = [
    "argwhere",
    "bincount",
    "count_nonzero",
    "digitize",
    "flatnonzero",
    "histogram",
    "searchsorted",
]


_COUNTS = (
    "for numbers below a fixed n, write (x[:, None] == np.arange(n)).sum(0), or call it for one "
    "example after the other in a loop"
)


class Searchsorted(Primitive):
    """Where values belong in a sorted vector."""

    name = "searchsorted"
    arguments = ("a", "v")
    differentiable = False
    kernel = staticmethod(lambda a, v, *, side: np.searchsorted(a, v, side))
    vjp = (None, None)
    jvp = (None, None)
    cases = (
        Case((np.array([0.0, 1.0, 1.0, 2.0]), In((2, 3))), {"side": "left"}),
        Case((np.array([0.0, 1.0, 1.0, 2.0]), np.array([1.0, 3.0])), {"side": "right"}),
        Case((np.zeros(0), In(())), {"side": "left"}),
    )
    errors = ((Case((In((2, 3)), In((2,))), {"side": "left"}), ShapeError, "a sorted vector"),)

    def infer(self, a: Any, v: Any, *, side: str) -> Aval:
        if len(a.shape) != 1:
            raise ShapeError(f"searchsorted: expected a sorted vector to search in, got {a!r}")
        return Aval(v.shape, np.intp)

    def batch(self, mapped: tuple[bool, ...], a: Any, v: Any, *, side: str) -> Any:
        if not mapped[0]:
            return apply(self, a, v, side=side)
        rows = zip(*spread_batch(mapped, (a, v)), strict=True)
        return stack([apply(self, x, w, side=side) for x, w in rows])


@public
def searchsorted(a: Any, v: Any, side: str = "left", sorter: Any = None) -> Any:
    r"""Where values belong in a sorted vector, so that it stays sorted (``numpy.searchsorted``).

    .. math:: a_{y - 1} < v \le a_y \;(\mathrm{left}), \qquad a_{y - 1} \le v < a_y \;
        (\mathrm{right})

    ``sorter`` holds the positions that sort ``a``. The dtype is int64: no gradient passes. Raises
    ShapeError where ``a`` is no vector, ValueError for another ``side``.

    >>> import autodiff as ad
    >>> ad.searchsorted(ad.tensor([1.0, 2.0, 3.0]), [0.5, 2.0])
    Tensor([0, 1])
    """
    if side not in ("left", "right"):
        raise ValueError(f"searchsorted: side is 'left' or 'right', got {side!r}")
    a = as_array(a)
    a = a if sorter is None else take(a, sorter)
    return apply(PRIMITIVES["searchsorted"], a, as_array(v), side=side)


@public
def digitize(x: Any, bins: Any, right: bool = False) -> Any:
    r"""The number of the bin that each entry falls into (``numpy.digitize``).

    .. math:: b_{y - 1} \le x < b_y, \qquad b_{y - 1} < x \le b_y \; (\mathrm{right})

    ``bins`` rise or fall. No gradient passes. Raises ShapeError for bins that do neither.

    >>> import autodiff as ad
    >>> ad.digitize(ad.tensor([0.5, 2.0]), [0.0, 1.0, 2.0])
    Tensor([1, 3])
    """
    edges = as_array(bins)
    steps = np.diff(whole(edges))  # under vmap, of every example
    if edges.ndim != 1 or not ((steps >= 0).all(axis=-1) | (steps <= 0).all(axis=-1)).all():
        raise ShapeError("digitize: expected a vector of bins that rise or fall")
    if (steps >= 0).all():
        return searchsorted(edges, x, "left" if right else "right")
    if (steps <= 0).all():
        return edges.shape[0] - searchsorted(flip(edges), x, "right" if right else "left")
    return each_example(lambda v, b: np.digitize(v, b, right), as_array(x), edges)


def _wrapped(x: Any, places: Any) -> Any:
    return wrap(places) if isinstance(x, Tensor) else places


@public
@shaped_by_values(_PLACES)
def flatnonzero(x: Any) -> Any:
    """Positions of the entries that are not 0, of all entries as one row (``numpy.flatnonzero``).

    >>> import autodiff as ad
    >>> ad.flatnonzero(ad.tensor([[0.0, 3.0], [4.0, 0.0]]))
    Tensor([1, 2])
    """
    return nonzero(ravel(x))[0]


@public
@shaped_by_values(_PLACES)
def argwhere(x: Any) -> Any:
    """Positions of the entries that are not 0, a row for each (``numpy.argwhere``).

    >>> import autodiff as ad
    >>> ad.argwhere(ad.tensor([[0.0, 3.0], [4.0, 0.0]]))
    Tensor([[0, 1],
            [1, 0]])
    """
    x = as_array(x)
    return _wrapped(x, np.argwhere(values_of(x)))


@public
def count_nonzero(x: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    r"""How many entries along axes are not 0 (``numpy.count_nonzero``).

    .. math:: y = \sum_i [\, x_i \ne 0 \,]

    No gradient passes. Raises AxisError.

    >>> import autodiff as ad
    >>> ad.count_nonzero(ad.tensor([[0.0, 3.0], [4.0, 5.0]]), axis=1)
    Tensor([1, 2])
    """
    return sum_over(not_equal(as_array(x), 0), axis, keepdims=keepdims)


@public
@shaped_by_values(_COUNTS, 1)
def bincount(x: Any, weights: Any = None, minlength: int = 0) -> Any:
    r"""How often each number occurs, or the sum of the weights of its places (``numpy.bincount``).

    .. math:: y_k = \sum_i w_i\,[\, x_i = k \,], \qquad \bar w_i = \bar y_{x_i}

    ``x`` is a vector of integers that are not negative; weights are computed in float64. Raises
    DTypeError for other numbers, ShapeError for weights of another shape.

    >>> import autodiff as ad
    >>> ad.bincount([0, 2, 2], weights=ad.tensor([1.0, 2.0, 3.0]))
    Tensor([1., 0., 5.])
    """
    x = as_array(x)
    places = values_of(x)
    if places.ndim != 1 or (places.size and places.dtype.kind not in "iub"):
        raise DTypeError(
            f"bincount: expected a vector of integers, got {places.dtype} of shape {places.shape}"
        )
    if places.size and places.min() < 0:
        raise ShapeError(f"bincount: numbers to count are not negative, got {places.min()}")
    size = max(minlength, int(places.max()) + 1 if places.size else 0)
    if weights is None:
        return _wrapped(x, np.bincount(places.astype(np.intp), minlength=size))
    weights = as_array(weights)
    if weights.shape != places.shape:
        raise ShapeError(
            f"bincount: weights of shape {weights.shape} for numbers of shape {places.shape}"
        )
    weights = astype(weights, np.result_type(weights.dtype, float))
    places = places.astype(np.intp)
    return apply(PRIMITIVES["scatter"], weights, places, index=("array",), shape=(size,))


@public
def histogram(
    x: Any, bins: Any = 10, range: Any = None, density: bool = False, weights: Any = None
) -> tuple[Any, Any]:
    """Counts in bins, and the edges of the bins (``numpy.histogram``), of values without gradient.

    Raises GradientError for a Tensor that requires a gradient: counts have none. A smooth estimate
    of a density, such as a sum of ``exp(-((x - centre) / width) ** 2)``, has one.

    >>> import autodiff as ad
    >>> ad.histogram(ad.tensor([0.0, 1.0, 1.0]), bins=2)
    (Tensor([1, 2]), Tensor([0. , 0.5, 1. ]))
    """
    for value in (x, bins, weights, *(range or ())):
        if isinstance(value, Tensor) and value.requires_grad:
            raise GradientError(
                "histogram: counts have no gradient; sum a smooth kernel over the entries, or "
                "count the values of ad.stop_gradient(x)"
            )
    if isinstance(bins, str):
        refuse("histogram", "give the number of bins, or their edges", [x, weights])
        bins = np.histogram_bin_edges(values_of(as_array(x)), bins, range)
    number = bins if isinstance(bins, (int, np.integer)) else None

    def count(x: Any, *rest: Any) -> Any:
        edges = rest[0] if number is None else number
        return np.histogram(x, edges, range, density, None if weights is None else rest[-1])

    given = [as_array(bins)] if number is None else []
    given += [] if weights is None else [as_array(weights)]
    counts, edges = each_example(count, as_array(x), *given)
    return counts, edges
