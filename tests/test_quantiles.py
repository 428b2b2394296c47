"""Quantiles of weighted entries: values against NumPy, gradients, errors."""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import autodiff as ad


def weighted(x: Any, weights: Any, q: Any = 0.5, **options: Any) -> Any:
    return ad.quantile(x, q, method="inverted_cdf", weights=weights, **options)


@given(
    st.lists(st.integers(1, 4), min_size=1, max_size=3),
    st.sampled_from([None, 0, -1, (0, -1)]),
    st.lists(st.floats(0, 1), min_size=1, max_size=3),
    st.booleans(),
    st.integers(0, 99),
)
@pytest.mark.parametrize("name", ["quantile", "nanquantile", "percentile", "nanpercentile"])
def test_values(
    name: str, shape: list[int], axis: Any, q: list[float], along: bool, seed: int
) -> None:
    axis = 0 if len(shape) == 1 and isinstance(axis, tuple) else axis
    rng = np.random.default_rng(seed)
    x = rng.normal(size=shape).round(1)
    if seed % 3 == 0:
        x[rng.random(shape) < 0.3] = np.nan
    axes = axis if isinstance(axis, tuple) else (axis,)
    # NumPy 2.4 fails on weights along an axis where it leaves NaN out.
    along = along and axis is not None and not name.startswith("nan")
    weights = rng.integers(1, 4, [shape[a] for a in axes] if along else shape)
    fractions = np.array(q) * (100 if "percent" in name else 1)
    options = {"axis": axis, "method": "inverted_cdf", "weights": weights}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # of slices that are all NaN
        expected = getattr(np, name)(x, fractions, **options)
    got = getattr(ad, name)(ad.tensor(x), fractions, **options)
    assert np.array_equal(got.data, expected, equal_nan=True)


def test_entries_without_weight() -> None:
    x, weights = np.array([[5.0, 1.0, 3.0], [2.0, 7.0, 4.0]]), np.array([[1, 0, 2], [0, 0, 1]])
    for q in (0.0, 0.3, 1.0):
        expected = np.quantile(x, q, axis=1, method="inverted_cdf", weights=weights)
        assert np.array_equal(weighted(x, weights, q, axis=1), expected)


def test_the_gradient_goes_to_the_entry() -> None:
    x, weights = ad.tensor([3.0, 1.0, 2.0], requires_grad=True), ad.tensor([1.0, 1.0, 5.0])
    y = np.quantile(x, 0.4, weights=weights, method="inverted_cdf")
    assert y.item() == 2.0
    assert ad.gradients(y, x).data.tolist() == [0.0, 0.0, 1.0]
    tangent = ad.jvp(lambda x: weighted(x, [1, 1, 5]), (x.data,), (np.array([4.0, 5.0, 6.0]),))[1]
    assert tangent == 6.0


def test_vmap() -> None:
    rows, weights = np.arange(12.0).reshape(3, 4) % 5, np.arange(4)
    expected = np.quantile(rows, 0.4, axis=1, method="inverted_cdf", weights=weights)
    assert np.array_equal(ad.vmap(lambda r: weighted(r, weights, 0.4))(rows), expected)


ERRORS = [
    (lambda: ad.quantile(ad.ones(3), 0.5, weights=[1, 1, 1]), ValueError, "'inverted_cdf', got"),
    (lambda: weighted(ad.ones((2, 3)), [1, 1]), ad.ShapeError, "weights have the shape of x, (2,"),
    (lambda: weighted(ad.ones(2), [1, -1]), ValueError, "finite and not negative"),
    (lambda: weighted(ad.ones(2), [1, math.nan]), ValueError, "finite and not negative"),
    (lambda: weighted(ad.ones(2), [0, 0]), ValueError, "all zero"),
]


@pytest.mark.parametrize(("call", "error", "text"), ERRORS)
def test_errors(call: Any, error: type[Exception], text: str) -> None:
    with pytest.raises(error) as raised:
        call()
    assert text in str(raised.value)
