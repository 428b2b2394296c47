"""The array object of the standard: indexed, written to, converted, handed to other libraries."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np
import pytest

from tests.array_api.namespace import (
    COMPLEX,
    EVERY,
    INTEGERS,
    NAME,
    PAIRS,
    REALS,
    array,
    dtype,
    name_of,
    promoted,
    sample,
    value,
    xp,
)

DATA = np.arange(60).reshape(3, 4, 5)
S = slice
KEYS: list[Any] = [
    (0, ...), (-1, ...), (2, ...), (1, 2, ...), (1, 2, 3), (-1, -2, -3), (S(None), ...), ...,
    (S(1, 3), ...), (S(-2, None), ...), (S(None, -1), ...), (S(None, None, 2), ...),
    (S(None, None, -1), ...), (S(2, None, -1), ...), (S(2, 0, -1), ...), (S(None, 0, -2), ...),
    (S(2, 1), ...), (S(0, 0), ...), (..., 0), (0, ..., 1), (..., S(1, 3)), (S(None), 1, ...),
    (S(None), S(None, None, -2), S(4, None, -3)), (1, S(0, 0), ...), (None, ...), (None, 1, ...),
    (1, None, ...), (..., None), (None, ..., None), (S(None), None, 2, None, S(1, 4)),
    (0, 0, 0, ...), (..., 0, 0, 0), (0, None, ..., S(None, None, -1)), (S(0, 3), S(0, 4), S(0, 5)),
]  # fmt: skip


@pytest.mark.parametrize("key", KEYS, ids=str)
def test_reading(key: Any) -> None:
    got = array(DATA)[key]
    expected = DATA[key]
    assert type(got) is type(xp.zeros(1)) or NAME == "numpy"
    assert got.shape == np.shape(expected) and name_of(got) == "int64"
    np.testing.assert_array_equal(value(got), expected)


@pytest.mark.parametrize("key", [k for k in KEYS if k is ... or None not in k], ids=str)
@pytest.mark.parametrize("kind", ["int64", "float32", "complex128", "bool"])
def test_writing(key: Any, kind: str) -> None:
    data = DATA.astype(kind)
    for written in (np.ones_like(data[key]), np.ones((), kind), True if kind == "bool" else 1):
        x, expected = array(data), data.copy()
        given = array(written) if isinstance(written, (np.ndarray, np.generic)) else written
        x[key] = given
        expected[key] = written
        assert name_of(x) == kind and x.shape == data.shape
        np.testing.assert_array_equal(value(x), expected)


@pytest.mark.parametrize("pair", [p for p in PAIRS if promoted(*p) == p[0]], ids="-".join)
def test_writing_of_dtypes_that_fit(pair: tuple[str, str]) -> None:
    data, other = sample(pair[0], 3, 4), sample(pair[1], 3, 4)
    for key in (S(None), (0, S(1, 3)), (..., -1), (2, 0), (S(None, None, -1), 2)):
        x, plain = array(data), data.copy()
        written = other[key][::-1] if np.ndim(other[key]) else other[key]
        x[key] = array(written)
        plain[key] = written
        assert name_of(x) == pair[0]
        np.testing.assert_array_equal(value(x), plain)


@pytest.mark.parametrize("kind", EVERY)
def test_no_axes(kind: str) -> None:
    x = array(1, kind)
    assert x.shape == () and x[()].shape == () and x[...].shape == () and x[None].shape == (1,)
    x[()] = array(0, kind)
    assert value(x) == 0 and name_of(x) == kind
    x[...] = True if kind == "bool" else 1
    assert value(x) == 1 and x.size == 1 and x.ndim == 0


@pytest.mark.parametrize(
    "key", [(3, ...), (-4, ...), (0, 4, ...), (0, 0, 5), (0, 0, 0, 0), (0, -5, ...), (..., 9)],
    ids=str,
)  # fmt: skip
def test_out_of_bounds(key: Any) -> None:
    x = array(DATA)
    with pytest.raises(IndexError):
        x[key]
    with pytest.raises(IndexError):
        x[key] = 0


ARRAYS: list[tuple[Any, ...]] = [
    ([0, 2], [1, 3], [4, 4]), ([[0], [2]], [1, 3], 0), ([0, -1], 2, [1, 1]), ([0, -1], 2, -3),
    (1, [0, 3], [2, 2]), (1, 2, [0, -1]), ([0, 1], 0, [4, -5]), ([[0, 1]], [[2], [3]], 1),
    ([[[2]]], [[0], [1]], [0, 1, 2]),
]  # fmt: skip


@pytest.mark.parametrize("keys", ARRAYS, ids=str)
@pytest.mark.parametrize("kind", ["int64", "int32", "uint8"])
def test_integer_arrays(keys: tuple[Any, ...], kind: str) -> None:
    if kind == "uint8":
        keys = tuple(np.asarray(k) % n for k, n in zip(keys, DATA.shape, strict=False))
    plain = tuple(np.asarray(k, kind) if np.ndim(k) else int(k) for k in keys)
    given = tuple(array(k) if isinstance(k, np.ndarray) else k for k in plain)
    got, expected = array(DATA)[given], DATA[plain]
    assert got.shape == expected.shape
    np.testing.assert_array_equal(value(got), expected)


MASKS = [DATA % 3 == 0, DATA < 0, DATA >= 0, np.asarray([True, False, True]), np.asarray(True),
         np.asarray(False), DATA[:, :, 0] % 2 == 0, np.zeros((0, 4, 5), bool),
         np.zeros((3, 0), bool)]  # fmt: skip


@pytest.mark.parametrize("mask", MASKS, ids=lambda m: f"{m.shape}-{m.sum()}")
def test_masks(mask: Any) -> None:
    got, expected = array(DATA)[array(mask)], DATA[mask]
    assert got.shape == expected.shape and name_of(got) == "int64"
    np.testing.assert_array_equal(value(got), expected)
    x, plain = array(DATA), DATA.copy()
    x[array(mask)] = -7
    plain[mask] = -7
    np.testing.assert_array_equal(value(x), plain)
    x[array(mask)] = array(-9)
    plain[mask] = -9
    np.testing.assert_array_equal(value(x), plain)


@pytest.mark.parametrize("shape", [(2,), (3, 5), (4, 4, 5), (3, 4, 5, 1)], ids=str)
def test_masks_that_do_not_fit(shape: tuple[int, ...]) -> None:
    with pytest.raises(IndexError):
        array(DATA)[array(np.ones(shape, bool))]


@pytest.mark.parametrize("kind", EVERY)
def test_python_numbers(kind: str) -> None:
    one, zero = array(1, kind), array(0, kind)
    assert bool(one) is True and bool(zero) is False
    assert type(complex(one)) is complex and complex(one) == 1
    if kind not in COMPLEX:
        assert type(int(one)) is int and int(one) == 1
        assert type(float(one)) is float and float(one) == 1.0
    else:
        for convert in (int, float):
            with pytest.raises(TypeError):
                convert(one)
    if kind in INTEGERS:
        assert type(operator.index(one)) is int and [7, 8][operator.index(one)] == 8
    else:
        with pytest.raises(TypeError):
            operator.index(one)


@pytest.mark.parametrize("kind", REALS)
def test_python_numbers_of_what_is_not_finite(kind: str) -> None:
    inf, nan = array(np.inf, kind), array(np.nan, kind)
    assert bool(inf) and bool(-inf) and bool(nan) and not bool(array(-0.0, kind))
    assert float(inf) == np.inf and float(-inf) == -np.inf and np.isnan(float(nan))
    assert complex(inf) == complex(np.inf, 0) and np.isnan(complex(nan).real)
    with pytest.raises(OverflowError):
        int(inf)
    with pytest.raises(ValueError):
        int(nan)


@pytest.mark.parametrize("kind", COMPLEX)
def test_truth_of_complex_numbers(kind: str) -> None:
    truths = {0: False, 1: True, 1j: True, complex(0, np.nan): True, complex(-0.0, -0.0): False}
    for number, truth in truths.items():
        assert bool(array(number, kind)) is truth


@pytest.mark.parametrize("convert", [bool, int, float, complex, operator.index])
def test_python_numbers_of_several_entries(convert: Any) -> None:
    with pytest.raises((TypeError, ValueError)):
        convert(array([1, 2]))


@pytest.mark.parametrize("shape", [(2,), (3, 3), (2, 3), (4, 2, 3), (0, 2), (2, 1, 0, 3)], ids=str)
def test_transposed(shape: tuple[int, ...]) -> None:
    data = np.arange(np.prod(shape)).reshape(shape)
    x = array(data)
    if len(shape) < 2:
        with pytest.raises(Exception):  # noqa: B017 - the standard says no more
            _ = x.mT
        return
    np.testing.assert_array_equal(value(x.mT), np.swapaxes(data, -1, -2))
    assert x.mT.shape == (*shape[:-2], shape[-1], shape[-2])
    if len(shape) == 2:
        np.testing.assert_array_equal(value(x.T), data.T)


@pytest.mark.parametrize("kind", EVERY)
def test_device_and_dlpack(kind: str) -> None:
    x = array([1, 0, 1], kind)
    assert x.to_device(x.device).device == x.device
    device, number = x.__dlpack_device__()
    assert int(device) == 1 and number == 0
    for options in (
        {}, {"max_version": (1, 0)}, {"max_version": (2, 0), "copy": True}, {"copy": True},
        {"max_version": None}, {"dl_device": (1, 0)}, {"max_version": (1, 0), "copy": False},
        {"stream": None}, {"copy": None},
    ):  # fmt: skip
        assert type(x.__dlpack__(**options)).__name__ == "PyCapsule"
    assert np.from_dlpack(x).tolist() == value(x).tolist()
    for options in ({}, {"device": x.device}, {"copy": True}, {"copy": None}, {"copy": False}):
        y = xp.from_dlpack(x, **options)
        assert type(y) is type(x) and name_of(y) == kind and y.device == x.device
        np.testing.assert_array_equal(value(y), value(x))
    foreign = np.asarray([1, 0, 1], kind)
    copied = xp.from_dlpack(foreign, copy=True)
    foreign[0] = 0
    assert bool(value(copied)[0])


def test_dlpack_of_what_is_not_contiguous() -> None:
    x = array(DATA)[::2, :, ::-1]
    np.testing.assert_array_equal(np.from_dlpack(x), DATA[::2, :, ::-1])
    np.testing.assert_array_equal(value(xp.from_dlpack(x)), DATA[::2, :, ::-1])


@pytest.mark.parametrize("kind", ["int64", "float32", "complex64"])
def test_matmul(kind: str) -> None:
    a, b = DATA.astype(kind)[0], DATA.astype(kind)[0].T
    np.testing.assert_array_equal(value(array(a) @ array(b)), a @ b)
    x = array(a @ b)
    x @= array(a @ b)
    np.testing.assert_array_equal(value(x), (a @ b) @ (a @ b))
    assert name_of(x) == kind == name_of(xp.matmul(array(a), array(b)))
    with pytest.raises((TypeError, ValueError)):
        _ = array(a) @ 2


@pytest.mark.parametrize("name", ["__add__", "__lt__", "__matmul__", "__or__", "__radd__"])
def test_what_an_operator_does_not_know(name: str) -> None:
    x = array([1, 2])
    try:
        got = getattr(x, name)(object())
    except TypeError:
        return
    assert got is NotImplemented or NAME == "numpy"


def test_asarray_of_arrays() -> None:
    x = array([1.0, 2.0])
    for copy in (None, True, False):
        y = xp.asarray(x, copy=copy)
        y_before = value(y).copy()
        x[0] = x[0] + 1.0
        np.testing.assert_array_equal(value(y), y_before if copy else value(x))
    assert name_of(xp.asarray(x, dtype=dtype("float32"))) == "float32"
