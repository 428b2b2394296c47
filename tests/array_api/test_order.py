"""Searching, sorting and set functions of the standard."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.array_api.namespace import (
    EVERY,
    FLOATING,
    ORDERED,
    PAIRS,
    array,
    expect,
    function,
    name_of,
    promoted,
    sample,
    value,
    xp,
)


@pytest.mark.parametrize("kind", EVERY)
def test_nonzero(kind: str) -> None:
    x = np.asarray([[0, 1, 0], [2, 0, 3]], kind)
    got = xp.nonzero(array(x))
    assert type(got) is tuple and len(got) == 2
    for g, e in zip(got, np.nonzero(x), strict=True):
        expect(g, e, "int64")
    assert [g.shape for g in xp.nonzero(xp.zeros((0, 2)))] == [(0,), (0,)]
    with pytest.raises(ValueError):
        xp.nonzero(array(1, kind))


@pytest.mark.parametrize("pair", PAIRS, ids="-".join)
def test_where(pair: tuple[str, str]) -> None:
    a, b = sample(pair[0], 3, 1), sample(pair[1], 1, 2)
    mask = np.asarray([[True], [False], [True]])
    expect(xp.where(array(mask), array(a), array(b)), np.where(mask, a, b), promoted(*pair))
    empty = xp.where(xp.zeros((0, 1), dtype=xp.bool), array(a[:1]), array(b))
    assert empty.shape == (0, 2)


@pytest.mark.parametrize("kind", ORDERED)
@pytest.mark.parametrize("side", ["left", "right"])
def test_searchsorted(side: Any, kind: str) -> None:
    x, v = np.asarray([1, 2, 2, 5], kind), np.asarray([[0, 1, 2], [3, 5, 9]], kind)
    expected = np.searchsorted(x, v, side=side)
    expect(xp.searchsorted(array(x), array(v), side=side), expected, "int64")
    order = np.asarray([3, 1, 0, 2])
    shuffled = np.empty_like(x)
    shuffled[order] = x
    got = xp.searchsorted(array(shuffled), array(v), side=side, sorter=array(order))
    expect(got, expected, "int64")
    assert xp.searchsorted(array(x[:0]), array(v)).shape == (2, 3)
    assert xp.searchsorted(array(x), array(v[:0])).shape == (0, 3)


@pytest.mark.parametrize("kind", ORDERED)
@pytest.mark.parametrize("stable", [True, False])
@pytest.mark.parametrize("descending", [True, False])
def test_order(descending: bool, stable: bool, kind: str) -> None:
    x = np.asarray([[3, 1, 2, 1, 3, 1], [0, 0, 5, 5, 1, 1]], kind)
    options = {"descending": descending, "stable": stable}
    for axis in (-1, 0, 1):
        moved = np.moveaxis(x, axis, -1)
        rows = moved.reshape(-1, moved.shape[-1])
        # Python's sort is stable, forwards and in reverse.
        index = [
            sorted(range(len(r)), key=r.tolist().__getitem__, reverse=descending) for r in rows
        ]
        order = np.moveaxis(np.asarray(index).reshape(moved.shape), -1, axis)
        got = xp.argsort(array(x), axis=axis, **options)
        expect(xp.sort(array(x), axis=axis, **options), np.take_along_axis(x, order, axis))
        assert name_of(got) == "int64"
        if stable:
            expect(got, order, "int64")
        along = xp.take_along_axis(array(x), got, axis=axis)
        expect(along, np.take_along_axis(x, order, axis))
    for shape in ((0,), (2, 0), (0, 3)):
        empty = array(np.zeros(shape, kind))
        assert xp.sort(empty, **options).shape == xp.argsort(empty, **options).shape == shape


SETS = {
    "unique_all": ("values", "indices", "inverse_indices", "counts"),
    "unique_counts": ("values", "counts"),
    "unique_inverse": ("values", "inverse_indices"),
}


@pytest.mark.parametrize("kind", EVERY)
@pytest.mark.parametrize("shape", [(6,), (2, 3), (), (0,), (2, 0)], ids=str)
def test_sets(shape: tuple[int, ...], kind: str) -> None:
    x = np.asarray([3, 1, 3, 2, 1, 3], kind)[: int(np.prod(shape))].reshape(shape)
    values = np.unique(x)
    assert sorted(value(xp.unique_values(array(x))).tolist(), key=abs) == values.tolist()
    for name, fields in SETS.items():
        got = function(name)(array(x))
        assert got._fields == fields and isinstance(got, tuple)
        assert name_of(got.values) == kind and got.values.shape == values.shape
        plain = {f: value(getattr(got, f)) for f in fields}
        for f in fields[1:]:
            assert name_of(getattr(got, f)) == "int64"
        if "counts" in fields:
            expected = [int((x == v).sum()) for v in plain["values"]]
            assert plain["counts"].tolist() == expected
        if "inverse_indices" in fields:
            assert plain["inverse_indices"].shape == shape
            np.testing.assert_array_equal(plain["values"][plain["inverse_indices"]], x)
        if "indices" in fields:
            assert plain["indices"].shape == values.shape
            for v, i in zip(plain["values"], plain["indices"], strict=True):
                assert x.reshape(-1)[i] == v and v not in x.reshape(-1)[:i]


@pytest.mark.parametrize("kind", FLOATING)
def test_sets_keep_every_nan(kind: str) -> None:
    x = array([np.nan, 1.0, np.nan, 0.0, -0.0, 1.0, np.inf], kind)
    assert xp.unique_values(x).shape == (5,)
    for name in SETS:
        got = function(name)(x)
        plain = value(got.values)
        assert int(np.isnan(plain).sum()) == 2 and plain.shape == (5,)
        if "counts" in got._fields:
            counts = value(got.counts)
            assert counts[np.isnan(plain)].tolist() == [1, 1] and counts.sum() == 7
            assert counts[plain == 0].tolist() == [2]
        if "inverse_indices" in got._fields:
            np.testing.assert_array_equal(plain[value(got.inverse_indices)], value(x))
