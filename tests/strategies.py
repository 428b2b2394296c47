"""The strategies of ``autodiff.testing``, under the names that the tests here use."""

from __future__ import annotations

from autodiff.testing import array_and_axes, arrays, broadcastable, dtypes

__all__ = ["FLOATS", "array_and_axes", "arrays", "broadcastable"]

FLOATS = dtypes()
