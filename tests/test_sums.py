"""Sums as products with ones: the values of NumPy, of any shape, axes and layout."""

from __future__ import annotations

import tracemalloc
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import autodiff as ad
from autodiff.ops.sums import total
from tests.tolerances import assert_close

SIDES = (1, 2, 3, 10, 64, 100, 128, 129, 600)


@st.composite
def large(draw: Any) -> tuple[np.ndarray[Any, Any], tuple[int, ...]]:
    """An array of 4 096 to 200 000 entries, and axes of it in any order."""
    sides = st.lists(st.sampled_from(SIDES), min_size=1, max_size=4)
    shape = draw(sides.filter(lambda sides: np.prod(sides) < 200_000))
    shape = tuple(shape) if np.prod(shape) >= 4096 else (-(-4096 // int(np.prod(shape))), *shape)
    axes = draw(st.sets(st.integers(0, len(shape) - 1), min_size=1))
    dtype = draw(st.sampled_from([np.float32, np.float64]))
    x = np.random.default_rng(len(shape)).normal(size=shape).astype(dtype)
    if draw(st.booleans()):
        x = np.asfortranarray(x)
    return x, tuple(draw(st.permutations(sorted(axes))))


@given(large(), st.booleans())
def test_total_is_the_sum(case: Any, keepdims: bool) -> None:
    x, axis = case
    got = total(x, axis, keepdims)
    exact = np.add.reduce(x.astype(np.longdouble), axis=axis, keepdims=keepdims)
    assert np.shape(got) == exact.shape and got.dtype == x.dtype
    scale = np.add.reduce(np.abs(x), axis=axis, keepdims=keepdims)
    assert_close(
        np.asarray(got) / scale, exact.astype(x.dtype) / scale, "same", f"{x.shape} {axis}"
    )


@pytest.mark.parametrize("axis", [0, 1, 2, (0, 1), (1, 2)])
@pytest.mark.parametrize("value", [np.inf, -np.inf, np.nan])
def test_what_is_not_finite_stays_in_its_own_sums(value: float, axis: Any) -> None:
    x = np.ones((8, 60, 12))
    x[3, 4, 5] = value
    expected = np.sum(x, axis=axis)
    assert np.array_equal(ad.sum(x, axis=axis), expected, equal_nan=True)
    assert np.isfinite(expected).any() and not np.isfinite(expected).all()


def test_long_sums_round_as_little_as_those_of_numpy() -> None:
    x = np.full((4, 2**20), 0.1, np.float32)
    assert np.array_equal(total(x, (1,), False), np.add.reduce(x, axis=1))


@pytest.mark.parametrize("shape", [(1000, 8), (8, 1024, 2)])
def test_terms_that_cancel_near_the_largest_number(shape: tuple[int, ...]) -> None:
    x = np.tile(np.float32([3e38, -3e38]), (*shape[:-1], shape[-1] // 2))
    for axis in range(x.ndim):
        with np.errstate(over="ignore", invalid="ignore"):
            expected = np.add.reduce(x, axis=axis)
        with np.errstate(over="ignore", invalid="ignore"):
            assert np.array_equal(total(x, (axis,), False), expected, equal_nan=True)


@pytest.mark.parametrize("axis", [None, 0, 1])
def test_a_sum_takes_no_array_of_the_size_of_its_operand(axis: int | None) -> None:
    x = np.ones((1000, 1000))
    for function in (ad.sum, ad.mean):
        tracemalloc.start()
        try:
            function(x, axis=axis)
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        assert peak < x.nbytes / 20
