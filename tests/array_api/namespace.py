"""The namespace that these tests hold against the array API standard, 2024.12, and its arrays.

``ARRAY_API_NAMESPACE`` names it: ``autodiff`` where nothing is said, ``array_api_strict`` or
``numpy`` to see how far the tests hold for others.
"""

from __future__ import annotations

import importlib
import itertools
import operator
import os
from typing import Any

import array_api_strict
import numpy as np

NAME = os.environ.get("ARRAY_API_NAMESPACE", "autodiff")
array_api_strict.set_array_api_strict_flags(api_version="2024.12")
xp: Any = importlib.import_module(NAME)

SIGNED = ["int8", "int16", "int32", "int64"]
UNSIGNED = ["uint8", "uint16", "uint32", "uint64"]
INTEGERS = [*SIGNED, *UNSIGNED]
REALS = ["float32", "float64"]
COMPLEX = ["complex64", "complex128"]
FLOATING = [*REALS, *COMPLEX]
ORDERED = [*INTEGERS, *REALS]
NUMERIC = [*ORDERED, *COMPLEX]
EVERY = ["bool", *NUMERIC]


def function(name: str) -> Any:
    """A function of the namespace, or of its extensions: "sum", "linalg.svd"."""
    return operator.attrgetter(name)(xp)


def dtype(name: str) -> Any:
    return getattr(xp, name)


def array(data: Any, kind: str | None = None) -> Any:
    """An array of the namespace, of ndarrays, lists or numbers, in the dtype of that name."""
    return xp.asarray(np.array(data, kind))


def value(x: Any) -> np.ndarray[Any, Any]:
    """The values of an array of any of the namespaces."""
    return np.asarray(getattr(x, "_array", x.data if type(x).__name__ == "Tensor" else x))


def name_of(kind: Any) -> str:
    """The name of a dtype, or of the dtype of an array."""
    kind = getattr(kind, "dtype", kind) if not isinstance(kind, type) else kind
    return str(np.dtype(getattr(kind, "_np_dtype", kind)).name)


def real_of(kind: str) -> str:
    return {"complex64": "float32", "complex128": "float64"}.get(kind, kind)


def complex_of(kind: str) -> str:
    return {"float32": "complex64", "float64": "complex128"}.get(kind, kind)


def promoted(a: str, b: str) -> str | None:
    """The dtype of a pair, None where the standard leaves it open ("Type Promotion Rules")."""
    if a == b:
        return a
    if "bool" in (a, b) or ("uint64" in (a, b) and {a, b} & {*SIGNED}):
        return None
    for family in (SIGNED, UNSIGNED, REALS, COMPLEX):
        if a in family and b in family:
            return max(a, b, key=family.index)
    if {a, b} & {*COMPLEX} and {a, b} & {*REALS}:
        return complex_of("float64") if {a, b} & {"float64", "complex128"} else "complex64"
    if a in INTEGERS and b in INTEGERS:
        signed, unsigned = sorted((a, b))
        return max(signed, SIGNED[UNSIGNED.index(unsigned) + 1], key=SIGNED.index)
    return None


PAIRS = [(a, b) for a, b in itertools.product(EVERY, EVERY) if promoted(a, b)]


def expect(got: Any, expected: Any, kind: str | None = None, rtol: float = 0.0) -> None:
    """An array of the namespace of that dtype with these values."""
    expected = np.asarray(expected)
    assert type(got) is type(xp.zeros(1)) or isinstance(got, np.generic)
    assert name_of(got) == (kind or expected.dtype.name)
    assert got.shape == expected.shape
    np.testing.assert_allclose(value(got), expected, rtol=rtol, atol=rtol)


def sample(kind: str, *shape: int) -> np.ndarray[Any, Any]:
    data = np.arange(int(np.prod(shape))).reshape(shape)
    return (data % 2 == 0) if kind == "bool" else ((data * 7) % 11 + 1).astype(kind)
