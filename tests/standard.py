"""The array API standard as array-api-strict has it, and calls compared with ours."""

from __future__ import annotations

import inspect
import operator
from typing import Any

import array_api_strict as xp
import hypothesis.extra.numpy as hnp
import numpy as np
import pytest
from hypothesis import strategies as st

import autodiff as ad

xp.set_array_api_strict_flags(api_version="2024.12")

NEWER = {"broadcast_shapes", "eig", "eigvals", "isin"}  # of 2025.12
INTEGERS = ["int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"]
REALS = ["float32", "float64"]
DTYPES = ["bool", *INTEGERS, *REALS, "complex64", "complex128"]


def functions(namespace: Any, prefix: str = "") -> dict[str, Any]:
    """The functions of a namespace of the standard, by name below it."""
    names = [n for n in namespace.__all__ if n not in NEWER and "strict" not in n and n[0] != "_"]
    found = {n: getattr(namespace, n) for n in names}
    return {
        prefix + n: f
        for n, f in found.items()
        if callable(f) and not isinstance(f, type) and type(f).__name__ != "ModuleType"
        if inspect.isfunction(f)
    }


FUNCTIONS = functions(xp) | functions(xp.linalg, "linalg.") | functions(xp.fft, "fft.")


def ours(name: str) -> Any:
    return operator.attrgetter(name)(ad)


def convert(x: Any, make: Any) -> Any:
    """Arguments with ``make`` of each ndarray, and dtypes as the namespace has them."""
    if isinstance(x, np.ndarray) or (isinstance(x, str) and x in DTYPES and make is not ad.asarray):
        return make(x)
    if isinstance(x, (list, tuple)):
        return type(x)(convert(v, make) for v in x)
    if isinstance(x, dict):
        return {k: convert(v, make) for k, v in x.items()}
    return x


def parts(y: Any) -> list[Any]:
    if isinstance(y, (list, tuple)):
        return [p for v in y for p in parts(v)]
    return [y]


def value(y: Any) -> Any:
    return (
        y.data if isinstance(y, ad.Tensor) else np.asarray(y._array) if hasattr(y, "_array") else y
    )


def theirs(name: str, *args: Any, **kwargs: Any) -> Any:
    def make(x: Any) -> Any:
        return getattr(xp, x) if isinstance(x, str) else xp.asarray(x)

    with np.errstate(all="ignore"):
        return operator.attrgetter(name)(xp)(*convert(args, make), **convert(kwargs, make))


def spelled_out(name: str, args: Any, kwargs: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """The same call with every default given, and by keyword what may be given so."""
    bound = inspect.signature(FUNCTIONS[name]).bind(*args, **kwargs)
    bound.apply_defaults()
    positions, keywords = list[Any](), dict[str, Any]()
    for p in bound.signature.parameters.values():
        given = bound.arguments[p.name]
        if p.kind is p.VAR_POSITIONAL:
            positions.extend(given)
        elif p.kind is p.POSITIONAL_ONLY:
            positions.append(given)
        elif type(given).__name__ != "Undef":
            keywords[p.name] = given
    return tuple(positions), keywords


def agree(name: str, *args: Any, **kwargs: Any) -> None:
    """Our function gives what the reference gives: values, dtypes, shapes, field names."""
    try:
        expected = theirs(name, *args, **kwargs)
    except (IndexError, ValueError, np.linalg.LinAlgError):
        with pytest.raises((IndexError, ValueError, TypeError, np.linalg.LinAlgError)):
            ours(name)(*convert(args, ad.asarray), **convert(kwargs, ad.asarray))
        return
    with np.errstate(all="ignore"):
        got = ours(name)(*convert(args, ad.asarray), **convert(kwargs, ad.asarray))
    assert_equal(f"{name}{args}{kwargs}", got, expected)


def assert_equal(what: str, got: Any, expected: Any) -> None:
    if hasattr(expected, "_fields"):
        assert got._fields == expected._fields
    assert len(parts(got)) == len(parts(expected)), what
    for g, e in zip(parts(got), parts(expected), strict=True):
        if not hasattr(e, "_array"):
            assert g == getattr(e, "_np_dtype", e), what
            continue
        assert type(g) is ad.Tensor, what
        g, e = value(g), value(e)
        assert (g.dtype, g.shape) == (e.dtype, e.shape), f"{what}: {g!r}, expected {e!r}"
        rtol = 1e-4 if g.dtype.itemsize // (1 + (g.dtype.kind == "c")) < 8 else 1e-10
        np.testing.assert_allclose(g, e, rtol=rtol, atol=rtol, err_msg=what)


SHAPES = hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=3)
FULL = hnp.array_shapes(min_dims=1, max_dims=3, min_side=1, max_side=4)


def entries(dtype: Any, wild: bool = True) -> st.SearchStrategy[Any]:
    """Entries of a dtype; ``wild`` ones may be infinite, NaN or huge."""
    dtype = np.dtype(dtype)
    width = dtype.itemsize * 8
    if dtype.kind == "b":
        return st.booleans()
    if dtype.kind in "iu":
        info = np.iinfo(dtype)
        low, high = (info.min, info.max) if wild else (max(info.min, -9), 9)
        return st.integers(int(low), int(high))
    if dtype.kind == "f":
        plain = st.floats(-9, 9, width=width, allow_subnormal=False)
        return plain | st.sampled_from([np.inf, -np.inf, np.nan, -0.0]) if wild else plain
    part = st.floats(-9, 9, width=width // 2, allow_subnormal=False)
    return st.builds(complex, part, part)


def arrays(dtype: Any, shape: Any = SHAPES, wild: bool = True) -> st.SearchStrategy[Any]:
    return hnp.arrays(dtype, shape, elements=entries(dtype, wild))


def takes(name: str, *arguments: Any) -> bool:
    try:
        theirs(name, *arguments)
    except TypeError:
        return False
    return True


ELEMENTWISE = {
    n
    for n, f in FUNCTIONS.items()
    if inspect.unwrap(f).__module__.endswith("elementwise_functions")
}
UNARY = sorted(n for n in ELEMENTWISE if len(inspect.signature(FUNCTIONS[n]).parameters) == 1)
BINARY = sorted(ELEMENTWISE - set(UNARY) - {"clip"})
TAKEN = {n: [d for d in DTYPES if takes(n, np.ones(1, d))] for n in UNARY} | {
    n: [d for d in DTYPES if takes(n, np.ones(1, d), np.ones(1, d))] for n in BINARY
}
