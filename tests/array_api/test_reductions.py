"""Reductions of the standard: dtypes, axes, nothing to reduce, and axes that are not there."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.array_api.namespace import (
    COMPLEX,
    EVERY,
    NUMERIC,
    ORDERED,
    REALS,
    SIGNED,
    UNSIGNED,
    array,
    dtype,
    expect,
    function,
    name_of,
    sample,
    value,
    xp,
)

SUMS = ["sum", "prod", "cumulative_sum", "cumulative_prod", "linalg.trace"]


@pytest.mark.parametrize("kind", NUMERIC)
@pytest.mark.parametrize("name", SUMS)
def test_dtypes_of_sums(name: str, kind: str) -> None:
    wide = "int64" if kind in SIGNED else "uint64" if kind in UNSIGNED else kind
    x = np.full((3, 3), 2, kind)
    call, options = function(name), {"axis": 0} if name.startswith("cum") else {}
    reference = {"linalg.trace": np.trace, "cumulative_sum": np.cumsum,
                 "cumulative_prod": np.cumprod}.get(name) or getattr(np, name)  # fmt: skip
    expect(call(array(x), **options), reference(x.astype(wide), **options), wide)
    for other in NUMERIC:
        if other in COMPLEX or kind not in COMPLEX:
            given = call(array(x), dtype=dtype(other), **options)
            expect(given, reference(x.astype(other), **options).astype(other), other)
    assert name_of(call(array(np.zeros((0, 3), kind)), **options)) == wide


AXES: list[Any] = [None, 0, 1, -1, (0,), (0, 2), (-1, 0), (0, 1, 2), ()]


@pytest.mark.parametrize("axis", AXES, ids=str)
@pytest.mark.parametrize("keepdims", [True, False])
@pytest.mark.parametrize(
    "name", ["sum", "prod", "max", "min", "mean", "std", "var", "all", "any", "count_nonzero"]
)
def test_axes_of_reductions(name: str, keepdims: bool, axis: Any) -> None:
    x = np.random.default_rng(0).integers(0, 3, (2, 3, 4)).astype("float64")
    reference = getattr(np, name)(x, axis=axis, keepdims=keepdims)
    got = function(name)(array(x), axis=axis, keepdims=keepdims)
    kind = {"all": "bool", "any": "bool", "count_nonzero": "int64"}.get(name, "float64")
    expect(got, reference, kind, rtol=1e-13)


@pytest.mark.parametrize("kind", EVERY)
def test_dtypes_of_other_reductions(kind: str) -> None:
    x = array(sample(kind, 2, 3))
    for name in ("all", "any"):
        expect(function(name)(x, axis=1), getattr(np, name)(sample(kind, 2, 3), axis=1), "bool")
    expect(xp.count_nonzero(x), np.asarray(np.count_nonzero(sample(kind, 2, 3))), "int64")
    if kind in ORDERED:
        for name in ("max", "min"):
            expect(function(name)(x, axis=0), getattr(np, name)(sample(kind, 2, 3), axis=0), kind)
        for name in ("argmax", "argmin"):
            for options in ({}, {"axis": 1}, {"axis": -2, "keepdims": True}):
                reference = getattr(np, name)(sample(kind, 2, 3), **options)
                expect(function(name)(x, **options), reference, "int64")
    if kind in REALS:
        for name in ("mean", "std", "var"):
            expect(function(name)(x), getattr(np, name)(sample(kind, 2, 3)), kind, rtol=1e-6)


@pytest.mark.parametrize("name", ["all", "any", "count_nonzero", "sum", "prod"])
def test_reductions_of_empty_arrays(name: str) -> None:
    neutral = {"all": True, "any": False, "count_nonzero": 0, "sum": 0.0, "prod": 1.0}[name]
    for shape, axis in (((0,), None), ((2, 0), 1), ((0, 3), 0), ((2, 0, 3), (0, 1))):
        got = function(name)(xp.zeros(shape), axis=axis)
        assert (value(got) == neutral).all()
        assert got.shape == np.sum(np.zeros(shape), axis=axis).shape
    assert function(name)(xp.zeros((2, 0, 3)), axis=2).shape == (2, 0)


@pytest.mark.parametrize("name", ["max", "min", "argmax", "argmin"])
def test_extremes_of_nothing(name: str) -> None:
    assert function(name)(xp.zeros((0, 3)), axis=1).shape == (0,)
    with pytest.raises(ValueError):
        function(name)(xp.zeros((0, 3)), axis=0)


@pytest.mark.parametrize("correction", [0, 1, 0.5, 2, 2.0])
@pytest.mark.parametrize("name", ["var", "std"])
def test_corrections(name: str, correction: float) -> None:
    x = np.random.default_rng(1).standard_normal((4, 5))
    for axis in (None, 0, (0, 1)):
        n = x.size if axis != 0 else 4
        total = ((x - x.mean(axis=axis, keepdims=True)) ** 2).sum(axis=axis)
        expected = (total / (n - correction)) ** (0.5 if name == "std" else 1.0)
        got = function(name)(array(x), axis=axis, correction=correction)
        expect(got, expected, rtol=1e-13)


@pytest.mark.parametrize("initial", [True, False])
@pytest.mark.parametrize("name", ["cumulative_sum", "cumulative_prod"])
def test_cumulative(name: str, initial: bool) -> None:
    for shape, axis in (
        ((3,), None),
        ((3,), 0),
        ((2, 3), 1),
        ((2, 3), -2),
        ((2, 0), 1),
        ((0, 2), 1),
    ):
        x = sample("float64", *shape)
        plain = (np.cumsum if name == "cumulative_sum" else np.cumprod)(x, axis=axis or 0)
        if initial:
            first = np.ones_like(np.take(x, [], axis=axis or 0).sum(axis=axis or 0, keepdims=True))
            plain = np.concat([first * (name == "cumulative_prod"), plain], axis=axis or 0)
        expect(function(name)(array(x), axis=axis, include_initial=initial), plain)
    with pytest.raises(ValueError):
        function(name)(array(np.ones((2, 2))))


# ---- axes that are not there

OUT_OF_BOUNDS: dict[str, Any] = {
    **{n: lambda f, x, a: f(x, axis=a) for n in (
        "all", "any", "argmax", "argmin", "count_nonzero", "cumulative_prod", "cumulative_sum",
        "diff", "flip", "max", "mean", "min", "prod", "std", "sum", "var", "sort", "argsort",
        "linalg.vector_norm", "fft.fft", "fft.ifft", "fft.hfft")},
    "fft.fftn": lambda f, x, a: f(x, axes=(a,)),
    "fft.fftshift": lambda f, x, a: f(x, axes=a),
    "concat": lambda f, x, a: f([x, x], axis=a),
    "expand_dims": lambda f, x, a: f(x, axis=a + (1 if a > 0 else -1)),
    "linalg.cross": lambda f, x, a: f(x, x, axis=a),
    "linalg.vecdot": lambda f, x, a: f(x, x, axis=a),
    "moveaxis": lambda f, x, a: f(x, a, 0),
    "permute_dims": lambda f, x, a: f(x, (a, 0)),
    "repeat": lambda f, x, a: f(x, 2, axis=a),
    "roll": lambda f, x, a: f(x, 1, axis=a),
    "squeeze": lambda f, x, a: f(x, axis=a),
    "stack": lambda f, x, a: f([x, x], axis=a + (1 if a > 0 else -1)),
    "take": lambda f, x, a: f(x, array([0]), axis=a),
    "take_along_axis": lambda f, x, a: f(x, array([[0], [0]]), axis=a),
    "unstack": lambda f, x, a: f(x, axis=a),
    "vecdot": lambda f, x, a: f(x, x, axis=a),
}  # fmt: skip


@pytest.mark.parametrize("axis", [2, -3])
@pytest.mark.parametrize("name", OUT_OF_BOUNDS)
def test_axis_out_of_bounds(name: str, axis: int) -> None:
    x = array(np.ones((2, 3), "complex128" if "fft" in name else "float64"))
    with pytest.raises((IndexError, ValueError)):
        OUT_OF_BOUNDS[name](function(name), x, axis)


def test_the_same_axis_twice() -> None:
    x = array(np.ones((2, 3)))
    for call in (
        lambda: xp.sum(x, axis=(0, 0)),
        lambda: xp.sum(x, axis=(1, -1)),
        lambda: xp.permute_dims(x, (0, 0)),
        lambda: xp.moveaxis(x, (0, 0), (0, 1)),
        lambda: xp.expand_dims(xp.expand_dims(x, axis=9), axis=0),
    ):
        with pytest.raises((IndexError, ValueError)):
            call()
