"""How close is close: one table, by dtype, for every test.

``same``: the same formula, evaluated in another order or another memory layout.
``reference``: two formulas for the same value, both without cancellation.
``derivative``: a rule against what is exact up to rounding (a complex step, an inner product).
``numeric``: a rule against extrapolated central differences.
``assert_close`` allows the same, times the largest expected entry or 1, absolutely.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np


class Tolerance(NamedTuple):
    """Relative tolerances of one dtype."""

    same: float
    reference: float
    derivative: float
    numeric: float


TOLERANCES: dict[Any, Tolerance] = {
    np.dtype(np.float64): Tolerance(same=1e-13, reference=1e-12, derivative=2e-11, numeric=2e-8),
    np.dtype(np.float32): Tolerance(same=1e-5, reference=2e-5, derivative=2e-4, numeric=2e-3),
}
TOLERANCES[np.dtype(np.complex128)] = TOLERANCES[np.dtype(np.float64)]
TOLERANCES[np.dtype(np.complex64)] = TOLERANCES[np.dtype(np.float32)]
EXACT = Tolerance(0.0, 0.0, 0.0, 0.0)  # integers and booleans


def tolerance(dtype: Any, kind: str) -> float:
    """The relative tolerance of a kind of comparison; zero for dtypes that do not round."""
    return float(getattr(TOLERANCES.get(np.dtype(dtype), EXACT), kind))


def assert_close(got: Any, expected: Any, kind: str, what: str, dtype: Any = None) -> None:
    """Equal up to the tolerance, NaN and infinities in the same places; shapes must agree."""
    got, expected = np.asarray(got), np.asarray(expected)
    rtol = tolerance(got.dtype if dtype is None else dtype, kind)
    assert got.shape == expected.shape, f"{what}: shape {got.shape}, expected {expected.shape}"
    finite = np.abs(expected[np.isfinite(expected)])
    scale = max(float(finite.max()), 1.0) if finite.size and rtol else 0.0
    np.testing.assert_allclose(got, expected, rtol=rtol, atol=rtol * scale, err_msg=what)
