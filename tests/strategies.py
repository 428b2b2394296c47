"""Hypothesis strategies for arrays, shapes that broadcast, and axes."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

FLOATS = st.sampled_from([np.dtype(np.float32), np.dtype(np.float64)])
SHAPES = hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4)


def arrays(
    shape: Any = SHAPES, dtype: Any = FLOATS, low: float = -2.0, high: float = 2.0
) -> st.SearchStrategy[Any]:
    """Arrays of multiples of 1/64 in an interval: exact in both dtypes, and short when printed."""
    steps = st.integers(int(np.ceil(low * 64)), int(np.floor(high * 64)))
    return hnp.arrays(np.int64, shape, elements=steps).flatmap(
        lambda a: (dtype if isinstance(dtype, st.SearchStrategy) else st.just(dtype)).map(
            lambda d: (a / 64).astype(d)
        )
    )


@st.composite
def broadcastable(draw: Any, count: int = 2, **interval: float) -> list[Any]:
    """Arrays whose shapes broadcast, sides 0 and 1 and dtypes float32 and float64 among them."""
    shapes = draw(
        hnp.mutually_broadcastable_shapes(num_shapes=count, max_dims=3, min_side=0, max_side=3)
    ).input_shapes
    return [draw(arrays(shape, **interval)) for shape in shapes]


@st.composite
def array_and_axes(draw: Any, min_side: int = 0) -> tuple[Any, Any]:
    """An array and what may be its ``axis``: None, an integer or a tuple, negative ones too."""
    shape = draw(hnp.array_shapes(min_dims=0, max_dims=3, min_side=min_side, max_side=4))
    x = draw(arrays(shape))
    if x.ndim == 0:
        return x, draw(st.sampled_from([None, ()]))
    single = st.integers(-x.ndim, x.ndim - 1)
    several = hnp.valid_tuple_axes(x.ndim)
    return x, draw(st.one_of(st.none(), single, several))
