"""Where ``autodiff`` goes NumPy's way and not the one that the standard, 2024.12, prefers or asks.

Each is a decision, which a test here keeps; what the standard leaves open is not among them.
"""

from __future__ import annotations

import cmath
import math
import operator
from typing import Any

import numpy as np
import pytest

import autodiff as ad

INF, NAN = math.inf, math.nan


def test_floor_division_of_infinities_is_pythons() -> None:
    """The standard prefers floor(x / y), and allows what goes with Python's ``%``."""
    for x, y in ((INF, 2.0), (INF, -2.0), (-INF, 2.0), (-INF, -2.0), (2.0, -INF), (-2.0, INF)):
        with np.errstate(invalid="ignore"):
            expected = np.float64(x) // np.float64(y)
            for got in (ad.floor_divide(ad.asarray(x), y), ad.asarray(x) // ad.asarray(y)):
                np.testing.assert_array_equal(got.data, expected)


@pytest.mark.parametrize("base", [-INF, -0.0])
def test_the_power_of_a_half_is_the_square_root(base: float) -> None:
    """The standard has +inf and +0; NumPy takes the root where the exponent has no axes."""
    with np.errstate(invalid="ignore"):
        expected = np.power(np.asarray([base, 4.0]), 0.5)
        for exponent in (0.5, ad.asarray(0.5)):
            for call in (ad.pow, operator.pow, operator.ipow):
                got = call(ad.asarray([base, 4.0]), exponent).data
                np.testing.assert_array_equal(got, expected)
                np.testing.assert_array_equal(np.signbit(got), np.signbit(expected))
        spread = ad.pow(ad.asarray([base]), ad.asarray([0.5])).data
    np.testing.assert_array_equal(spread, np.abs(base))
    assert not np.signbit(spread).any()


def test_more_correction_than_entries() -> None:
    """The standard has NaN; NumPy divides by 0."""
    with np.errstate(all="ignore"), pytest.warns(RuntimeWarning, match="Degrees of freedom"):
        assert ad.var(ad.asarray([1.0, 2.0]), correction=3).item() == INF


def test_complex_of_nan() -> None:
    """The standard has NaN in both parts; Python has 0 in the second."""
    got = complex(ad.asarray(NAN))
    assert cmath.isnan(got) and got.imag == 0.0


def test_transposed_with_any_number_of_axes() -> None:
    """The standard wants an error where there are not two."""
    assert ad.zeros((2, 3, 4)).T.shape == (4, 3, 2) and ad.zeros(2).T.shape == (2,)


def test_casts_of_complex_numbers() -> None:
    """The standard wants them not to be permitted; NumPy warns that it drops a part."""
    with pytest.warns(np.exceptions.ComplexWarning):
        assert ad.astype(ad.asarray([1 + 2j]), ad.float64).data.tolist() == [1.0]


@pytest.mark.parametrize(
    ("kind", "other"),
    [("float32", np.ones(2)), ("int64", np.full(2, 0.5)), ("float64", np.ones((3, 2)))],
    ids=["dtype", "kind", "shape"],
)
def test_in_place_is_a_new_value(kind: str, other: Any) -> None:
    """A Tensor's entries are never written to, so ``x += y`` is Python's ``x = x + y``.

    Libraries without writing may do so by the standard, where dtype and shape are else kept.
    """
    x = before = ad.asarray([1, 2], dtype=kind)
    x += ad.asarray(other)
    expected = np.asarray([1, 2], kind) + other
    assert (x.dtype, x.shape) == (expected.dtype, expected.shape)
    np.testing.assert_array_equal(x.data, expected)
    assert before is not x and before.data.tolist() == [1, 2]


def test_several_arrays_come_as_a_tuple() -> None:
    """The standard, 2024.12, has lists."""
    for got in (ad.broadcast_arrays(ad.ones(2), ad.ones(1)), ad.meshgrid(ad.ones(2), ad.ones(1))):
        assert type(got) is tuple
