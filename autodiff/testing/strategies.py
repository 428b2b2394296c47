"""Hypothesis strategies for arrays, Tensors, shapes that broadcast, axes and indices.

Numbers are multiples of a power of two: exact in float32 and float64, short when printed, and the
same in every run of a test that is replayed.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from autodiff.tensor import Tensor

__all__ = [
    "array_and_axes",
    "arrays",
    "axes",
    "broadcastable",
    "distinct_arrays",
    "dtypes",
    "indices",
    "shapes",
    "tensors",
]

GRID = 64  # steps in a unit
Strategy = st.SearchStrategy[Any]


def dtypes(*names: str) -> Strategy:
    """Floating dtypes, float32 and float64 where no other names are given.

    >>> from autodiff.testing import dtypes
    >>> from hypothesis import find
    >>> find(dtypes("float16", "float64"), lambda d: d.itemsize > 2)
    dtype('float64')
    """
    return st.sampled_from([np.dtype(name) for name in names or ("float32", "float64")])


def shapes(min_dims: int = 0, max_dims: int = 3, min_side: int = 0, max_side: int = 4) -> Strategy:
    """Shapes of arrays; empty ones and scalars are among them unless excluded.

    >>> from autodiff.testing import shapes
    >>> from hypothesis import find
    >>> find(shapes(), lambda shape: 0 not in shape and len(shape) == 2)
    (1, 1)
    """
    return hnp.array_shapes(
        min_dims=min_dims, max_dims=max_dims, min_side=min_side, max_side=max_side
    )


def _lift(value: Any) -> Strategy:
    return value if isinstance(value, st.SearchStrategy) else st.just(value)


@st.composite
def arrays(
    draw: Any,
    shape: Any = None,
    dtype: Any = None,
    low: float = -2.0,
    high: float = 2.0,
) -> Any:
    """Arrays of multiples of 1/64 in an interval; they shrink towards zeros (or to ``low``).

    Parameters
    ----------
    shape : tuple of int, or strategy for one
        ``shapes()`` where not given.
    dtype : dtype, or strategy for one
        ``dtypes()`` where not given.
    low, high : float
        The interval, bounds included.

    >>> from autodiff.testing import arrays
    >>> from hypothesis import find
    >>> find(arrays((), "float32"), lambda x: x > 1.5)
    array(1.515625, dtype=float32)
    """
    steps = st.integers(math.ceil(low * GRID), math.floor(high * GRID))
    numbers = draw(
        hnp.arrays(np.int64, _lift(shapes() if shape is None else shape), elements=steps)
    )
    return np.asarray(numbers / GRID, draw(_lift(dtypes() if dtype is None else dtype)))


@st.composite
def distinct_arrays(
    draw: Any,
    shape: Any = None,
    dtype: Any = "float64",
    low: float = -2.0,
    high: float = 2.0,
    part: int = 0,
) -> Any:
    """Arrays that stay away from kinks: no two entries are near each other, none is near 0.

    Entries are odd multiples of 1/64 (of less, where an interval is too narrow for so many), so
    they are 1/32 apart, and 1/64 from every integer and half-integer: from the kinks of ``abs``,
    ``relu`` and ``round``, and from ties in ``max``, ``sort`` and ``argmax``.

    Parameters
    ----------
    shape, dtype, low, high
        As in ``arrays``; an empty array is of a shape that is given.
    part : int
        0, 1 or 2: arrays of different parts have no entry in common, so neither has
        ``maximum(a, b)`` a tie. Those of parts 1 and 2 are moved by 1/3 and 2/3 of the smallest
        distance to a kink, so their entries are no multiples of a power of two.

    >>> import numpy as np
    >>> from autodiff.testing import distinct_arrays
    >>> from hypothesis import find
    >>> x = find(distinct_arrays((3,)), lambda x: True)
    >>> bool(np.abs(x).min() >= 1 / 64 and np.diff(np.sort(x)).min() >= 1 / 32)
    True
    """
    if part not in (0, 1, 2):
        raise ValueError(f"distinct_arrays: part is 0, 1 or 2, got {part!r}")
    if not low < high:
        raise ValueError(f"distinct_arrays: low must be less than high, got {low} and {high}")
    shape = draw(_lift(shapes(min_side=1, max_side=3) if shape is None else shape))
    size, grid = math.prod(shape), GRID
    while _last(high, grid) - _first(low, grid) < 2 * size:
        grid *= 2
    odd = draw(
        hnp.arrays(
            np.int64,
            shape,
            elements=st.integers(_first(low, grid), _last(high, grid)),
            unique=True,
            fill=st.nothing(),
        )
    )
    return np.asarray((2 * odd + 1 + part / 3) / grid, draw(_lift(dtype)))


def _first(low: float, grid: int) -> int:
    return math.ceil((low * grid - 1) / 2)


def _last(high: float, grid: int) -> int:
    """The last k with (2k + 1 + 2/3) / grid <= high: there is room for every part."""
    return math.floor((high * grid - 1 - 2 / 3) / 2)


@st.composite
def tensors(draw: Any, /, *args: Any, requires_grad: bool = True, **options: Any) -> Tensor:
    """Tensors of what ``arrays`` gives, with its parameters.

    >>> from autodiff.testing import tensors
    >>> from hypothesis import find
    >>> find(tensors((2,), "float64"), lambda x: x.requires_grad)
    Tensor([0., 0.], requires_grad=True)
    """
    x = Tensor(draw(arrays(*args, **options)))
    x.requires_grad = requires_grad
    return x


@st.composite
def broadcastable(
    draw: Any,
    /,
    count: int = 2,
    *,
    elements: Callable[..., Strategy] = arrays,
    max_dims: int = 3,
    min_side: int = 0,
    max_side: int = 3,
    **options: Any,
) -> list[Any]:
    """Arrays whose shapes broadcast, sides 0 and 1 and dtypes float32 and float64 among them.

    Parameters
    ----------
    count : int
        How many.
    elements : callable
        What makes one of a shape: ``arrays``, ``tensors`` or ``distinct_arrays``.
    max_dims, min_side, max_side : int
        Of the shapes.
    **options
        For ``elements``.

    >>> from autodiff.testing import broadcastable, tensors
    >>> from hypothesis import find
    >>> a, b = find(broadcastable(elements=tensors), lambda pair: pair[0].shape != pair[1].shape)
    >>> (a + b).requires_grad
    True
    """
    found = draw(
        hnp.mutually_broadcastable_shapes(
            num_shapes=count, max_dims=max_dims, min_side=min_side, max_side=max_side
        )
    )
    return [draw(elements(shape, **options)) for shape in found.input_shapes]


def axes(ndim: int, *, none: bool = True, several: bool = True) -> Strategy:
    """What may be the ``axis`` of a reduction: None, an integer or a tuple, negative ones too.

    Parameters
    ----------
    ndim : int
        Of the array; for 0 axes, None and the empty tuple are left.
    none, several : bool
        Whether None, and whether tuples, are among them.

    Raises
    ------
    ValueError
        An array without axes, and neither None nor tuples are allowed.

    >>> from autodiff.testing import axes
    >>> from hypothesis import find
    >>> find(axes(3), lambda axis: isinstance(axis, tuple) and len(axis) == 2)
    (0, 1)
    """
    parts: list[Strategy] = [st.none()] if none else []
    if ndim:
        parts.append(st.integers(-ndim, ndim - 1))
        if several:
            parts.append(hnp.valid_tuple_axes(ndim))
    elif several:
        parts.append(st.just(()))
    if not parts:
        raise ValueError("axes: an array of 0 dimensions has no axis; allow none or several")
    return st.one_of(parts)


@st.composite
def array_and_axes(draw: Any, min_side: int = 0) -> tuple[Any, Any]:
    """An array and what may be its ``axis`` (``axes``).

    >>> import autodiff as ad
    >>> from autodiff.testing import array_and_axes
    >>> from hypothesis import find
    >>> x, axis = find(array_and_axes(min_side=1), lambda pair: pair[1] == -1)
    >>> ad.sum(x, axis).shape == x.shape[:-1]
    True
    """
    x = draw(arrays(shapes(min_side=min_side)))
    return x, draw(axes(x.ndim))


@st.composite
def indices(draw: Any, shape: tuple[int, ...], newaxis: bool = True) -> Any:
    """What may stand in the brackets of an array: slices and integers, integer arrays, masks.

    Parameters
    ----------
    shape : tuple of int
        Of the array.
    newaxis : bool
        Whether None is among the parts (``x[i] = v`` takes it too).

    >>> import numpy as np
    >>> from autodiff.testing import indices
    >>> from hypothesis import find
    >>> find(indices((2, 3)), lambda i: isinstance(i, np.ndarray) and i.dtype == bool)
    array([[False, False, False],
           [False, False, False]])
    """
    basic: Any = hnp.basic_indices  # its overloads want a literal
    kinds = [basic(shape, allow_newaxis=newaxis)]
    if shape and 0 not in shape:
        results = hnp.array_shapes(max_dims=2, max_side=3)
        kinds.append(hnp.integer_array_indices(shape, result_shape=results))
    if shape:
        kinds.append(hnp.arrays(np.bool_, shape))
    return draw(st.one_of(kinds))
