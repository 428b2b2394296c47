"""Creation functions of the standard: dtypes, shapes, values."""

from __future__ import annotations

import array as buffers
import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.array_api.namespace import (
    EVERY,
    FLOATING,
    NUMERIC,
    ORDERED,
    array,
    dtype,
    expect,
    function,
    name_of,
    sample,
    value,
    xp,
)


@pytest.mark.parametrize("kind", [None, *EVERY])
@pytest.mark.parametrize("shape", [(), (0,), (3,), (2, 0, 3), (2, 3)], ids=str)
def test_filled(shape: tuple[int, ...], kind: str | None) -> None:
    options: dict[str, Any] = {} if kind is None else {"dtype": dtype(kind)}
    name = kind or "float64"
    for device in (None, xp.__array_namespace_info__().default_device()):
        expect(xp.zeros(shape, device=device, **options), np.zeros(shape, name))
        expect(xp.ones(shape, device=device, **options), np.ones(shape, name))
        assert xp.empty(shape, device=device, **options).shape == shape
        assert name_of(xp.empty(shape, **options)) == name
        expect(xp.full(shape, 1, device=device, dtype=dtype(name)), np.full(shape, 1, name))
        x = xp.ones(shape, dtype=dtype("float32" if kind is None else "int8"))
        like = kind or "float32"
        expect(xp.zeros_like(x, device=device, **options), np.zeros(shape, like))
        expect(xp.ones_like(x, device=device, **options), np.ones(shape, like))
        expect(xp.full_like(x, 1, device=device, **options), np.full(shape, 1, like))
        assert name_of(xp.empty_like(x, device=device, **options)) == like


@pytest.mark.parametrize(
    ("number", "kind"), [(True, "bool"), (2, "int64"), (2.5, "float64"), (2.5j, "complex128")]
)
def test_default_dtypes(number: Any, kind: str) -> None:
    expect(xp.full(3, number), np.full(3, number, kind))
    expect(xp.asarray(number), np.asarray(number, kind))
    expect(xp.asarray([[number], [number]]), np.full((2, 1), number, kind))
    expect(xp.asarray((number, number)), np.full(2, number, kind))
    expect(xp.full((2, 1), number), np.full((2, 1), number, kind))
    if kind in ("int64", "float64"):
        expect(xp.arange(number), np.arange(number, dtype=kind))
        expect(xp.arange(0, stop=number, step=number), np.asarray([0], kind))
    elif kind == "complex128":
        expect(xp.linspace(0, number, 3), np.asarray([0, 1.25j, 2.5j]))


@pytest.mark.parametrize(
    ("mixed", "kind"),
    [([True, 2], "int64"), ([True, 2.5], "float64"), ([1, 2.5], "float64"), ([2, 1j], "complex128"),
     ([2.5, 1j, True], "complex128")],
    ids=str,
)  # fmt: skip
def test_numbers_of_several_kinds(mixed: list[Any], kind: str) -> None:
    for numbers in (mixed, mixed[::-1]):
        expect(xp.asarray(numbers), np.asarray(numbers, kind))
        expect(xp.asarray([numbers, numbers]), np.asarray([numbers, numbers], kind))


@pytest.mark.parametrize("kind", EVERY)
def test_asarray_of_what_holds_arrays(kind: str) -> None:
    data = sample(kind, 2, 3)
    x = array(data)
    entries = [[x[i, j] for j in range(3)] for i in range(2)]
    for parts in (entries, list(xp.unstack(x)), xp.unstack(x)):
        expect(xp.asarray(parts), data)
        expect(xp.asarray(parts, dtype=dtype(kind)), data)
    numbers = [[*row[:2], data[i, 2].item()] for i, row in enumerate(entries)]
    expect(xp.asarray(numbers, dtype=dtype(kind)), data)


@pytest.mark.parametrize("kind", EVERY)
def test_asarray_of_buffers(kind: str) -> None:
    for data in (sample(kind, 2, 3), sample(kind, 2, 3).T, sample(kind, 0), sample(kind)):
        for copy in (None, True):
            expect(xp.asarray(memoryview(data), copy=copy), data)
    changed = sample(kind, 3)
    x = xp.asarray(memoryview(changed), copy=True)
    changed[0] = changed[1]
    expect(x, sample(kind, 3))
    if kind in ("int32", "float64", "uint8"):
        expect(xp.asarray(buffers.array(np.dtype(kind).char, [3, 1])), np.asarray([3, 1], kind))
    expect(xp.asarray(bytearray([7, 255])), np.asarray([7, 255], "uint8"))


@pytest.mark.parametrize("obj", [1.5, [1.5], [[True]], (1, 2)], ids=str)
def test_what_cannot_be_had_without_a_copy(obj: Any) -> None:
    with pytest.raises(ValueError):
        xp.asarray(obj, copy=False)
    for other in ("float32", "complex128"):
        with pytest.raises(ValueError):
            xp.asarray(xp.asarray([1.5]), dtype=dtype(other), copy=False)


@pytest.mark.parametrize("size", [0, 1, 4])
def test_shapes_given_as_a_size(size: int) -> None:
    expect(xp.zeros(size), np.zeros(size))
    expect(xp.ones(size, dtype=xp.int8), np.ones(size, "int8"))
    expect(xp.full(size, 2.5), np.full(size, 2.5))
    assert xp.empty(size).shape == (size,)


def test_asarray_of_nested_arrays() -> None:
    x = xp.asarray([1, 2])
    expect(xp.asarray(x, dtype=xp.float32), np.asarray([1, 2], "float32"))
    expect(xp.asarray([]), np.asarray([], "float64"))
    expect(xp.asarray([[], []]), np.zeros((2, 0)))
    expect(xp.asarray([1, 2.5]), np.asarray([1, 2.5]))
    expect(xp.asarray([1, 2.5, 1j]), np.asarray([1, 2.5, 1j]))
    for kind in EVERY:
        expect(xp.asarray([1, 0], dtype=dtype(kind)), np.asarray([1, 0], kind))
    with pytest.raises((OverflowError, ValueError, TypeError)):
        xp.asarray(2**70, dtype=xp.int64)
    with pytest.raises((ValueError, TypeError)):
        xp.asarray([[1, 2], [3]])


@pytest.mark.parametrize("kind", [None, *ORDERED])
@pytest.mark.parametrize(
    "limits", [(4,), (1, 7), (1, 7, 2), (7, 1), (7, 1, -2), (0,), (3, 3), (0, 5, 10)], ids=str
)
def test_arange(limits: tuple[int, ...], kind: str | None) -> None:
    expect(
        xp.arange(*limits, dtype=None if kind is None else dtype(kind)),
        np.asarray(list(range(*limits)), kind or "int64"),
    )
    if len(limits) == 3:
        got = xp.arange(limits[0], limits[1], step=limits[2] / 2)
        size = max(0, int(np.ceil((limits[1] - limits[0]) / (limits[2] / 2))))
        expect(got, limits[0] + np.arange(size) * (limits[2] / 2))


@pytest.mark.parametrize("kind", [None, *FLOATING])
@pytest.mark.parametrize("endpoint", [True, False])
@pytest.mark.parametrize("num", [0, 1, 2, 5])
def test_linspace(num: int, endpoint: bool, kind: str | None) -> None:
    options: dict[str, Any] = {} if kind is None else {"dtype": dtype(kind)}
    for start, stop in ((0, 1), (-2.5, 4.5), (3, 3)):
        steps = max(num - 1 if endpoint else num, 1)
        expected = np.asarray([start + (stop - start) * i / steps for i in range(num)])
        got = xp.linspace(start, stop, num, endpoint=endpoint, **options)
        expect(got, expected.astype(kind or "float64"), rtol=1e-6)
        if num > 1 and endpoint:
            assert value(got)[-1] == stop
    with pytest.raises(ValueError):
        xp.linspace(0, 1, num=-1)


LIMITS = st.floats(-1e6, 1e6, width=32)


@given(LIMITS, LIMITS, st.integers(0, 30), st.sampled_from([None, "float32", "float64"]))
def test_linspace_without_its_end(start: float, stop: float, num: int, kind: str | None) -> None:
    """It is the beginning of one more, and both begin and end exactly where they should."""
    options = {} if kind is None else {"dtype": dtype(kind)}
    whole = xp.linspace(start, stop, num + 1, **options)
    expect(xp.linspace(start, stop, num, endpoint=False, **options), value(whole)[:-1])
    assert value(whole)[0] == start and (num == 0 or value(whole)[-1] == stop)


@pytest.mark.parametrize("kind", [None, *EVERY])
@pytest.mark.parametrize(("n", "m"), [(0, None), (3, None), (2, 4), (4, 2), (0, 3), (3, 0)])
def test_eye(n: int, m: int | None, kind: str | None) -> None:
    for k in (-9, -1, 0, 1, 9):
        rows = [[int(j - i == k) for j in range(n if m is None else m)] for i in range(n)]
        expected = np.asarray(rows, kind or "float64").reshape(n, n if m is None else m)
        given = {} if kind is None else {"dtype": dtype(kind)}
        expect(xp.eye(n, m, k=k, **given), expected)


@pytest.mark.parametrize("kind", NUMERIC)
@pytest.mark.parametrize("indexing", ["xy", "ij"])
def test_meshgrid(indexing: Any, kind: str) -> None:
    given = [sample(kind, n) for n in (2, 3, 4)]
    for count in range(4):
        got = xp.meshgrid(*(array(x) for x in given[:count]), indexing=indexing)
        assert len(got) == count
        expected = np.meshgrid(*given[:count], indexing=indexing)
        for g, e in zip(got, expected, strict=True):
            expect(g, e)


@pytest.mark.parametrize("kind", EVERY)
@pytest.mark.parametrize("name", ["tril", "triu"])
def test_triangles(name: str, kind: str) -> None:
    for shape, k in itertools.product(
        [(3, 3), (2, 4), (2, 3, 2), (0, 3), (2, 0, 0)], (-5, -1, 0, 2)
    ):
        x = sample(kind, *shape)
        row, column = np.arange(shape[-2])[:, None], np.arange(shape[-1])
        keep = column - row <= k if name == "tril" else column - row >= k
        expect(function(name)(array(x), k=k), np.where(keep, x, np.zeros_like(x)))
