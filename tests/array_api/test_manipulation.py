"""Arrays joined, taken apart, moved, repeated, taken from; for every dtype, and of no entries."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.array_api.namespace import (
    EVERY,
    NAME,
    NUMERIC,
    array,
    dtype,
    expect,
    function,
    sample,
    xp,
)
from tests.array_api.test_promotion import BINARY, UNARY

# array-api-strict has the error of setting a shape, also for no entries at all.
NO_VIEW = AttributeError if NAME == "array_api_strict" else ValueError
SHAPES = [(2, 3, 4), (2, 0, 4), (0, 3, 1), (1, 1, 1)]


def pairs(*shape: int) -> tuple[Any, Any]:
    x = np.arange(int(np.prod(shape)), dtype="float64").reshape(shape)
    return x, array(x)


@pytest.mark.parametrize("kind", EVERY)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_joining(shape: tuple[int, ...], kind: str) -> None:
    x = sample(kind, *shape)
    a = array(x)
    for axis in (0, 1, 2, -1, -3):
        expect(xp.concat([a, a], axis=axis), np.concat([x, x], axis=axis))
        expect(xp.concat((a,), axis=axis), x)
        expect(xp.stack([a, a, a], axis=axis), np.stack([x, x, x], axis=axis))
        got = xp.unstack(a, axis=axis)
        assert type(got) is tuple and len(got) == shape[axis]
        for g, e in zip(got, np.moveaxis(x, axis, 0), strict=True):
            expect(g, e)
    expect(xp.stack([a, a], axis=3), np.stack([x, x], axis=3))
    expect(xp.concat([a, array(sample(kind, 0, *shape[1:]))]), x)
    other = sample(kind, 2, 5)
    expect(xp.concat([a, array(other)], axis=None), np.concat([x.ravel(), other.ravel()]))
    expect(xp.stack([array(1, kind)]), np.asarray([1], kind))
    assert len(xp.unstack(a)) == shape[0]


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_moving(shape: tuple[int, ...]) -> None:
    x, a = pairs(*shape)
    for axis in (None, 0, -1, (0, 2), (-3, 1, 2), ()):
        expect(xp.flip(a, axis=axis), np.flip(x, axis))
    expect(xp.flip(a), np.flip(x))
    for shift, axis in ((1, None), (-5, None), (1, 0), (2, -1), ((1, 2), (0, 1)), (3, (0, 2)),
                        ((1, 1), (1, 1)), ((), ())):  # fmt: skip
        expect(xp.roll(a, shift, axis=axis), np.roll(x, shift, axis))
    for axes in ((0, 1, 2), (2, 0, 1), (-1, -3, -2)):
        expect(xp.permute_dims(a, axes), np.transpose(x, axes))
        expect(xp.permute_dims(a, axes=axes), np.transpose(x, axes))
    for start, to in ((0, 2), (-1, 0), ((0, 1), (2, 0)), ((), ()), ((2, 0), (-3, -1))):
        expect(xp.moveaxis(a, start, to), np.moveaxis(x, start, to))
    expect(xp.matrix_transpose(a), np.swapaxes(x, -1, -2))
    expect(xp.linalg.matrix_transpose(a), np.swapaxes(x, -1, -2))
    for axis in (0, 1, 3, -1, -4):
        expect(xp.expand_dims(a, axis=axis), np.expand_dims(x, axis))


def test_squeezing() -> None:
    x, a = pairs(1, 2, 1, 1)
    for axis in (0, -1, (0, 2), (0, -2, 3), ()):
        expect(xp.squeeze(a, axis=axis), np.squeeze(x, axis))
        expect(xp.squeeze(a, axis), np.squeeze(x, axis))
    for wrong in (1, (0, 1), 4, (0, 0), -5):
        with pytest.raises((ValueError, IndexError)):
            xp.squeeze(a, axis=wrong)


@pytest.mark.parametrize("copy", [None, True, False])
def test_reshaping(copy: bool | None) -> None:
    x, a = pairs(2, 3, 4)
    for shape in ((24,), (4, 6), (-1,), (2, -1), (-1, 1, 8), (1, 24, 1)):
        expect(xp.reshape(a, shape, copy=copy), np.reshape(x, shape))
    expect(xp.reshape(a[:1, :1, :1], (), copy=copy), np.asarray(0.0))
    y = xp.reshape(a, (2, 3, 4), copy=True)
    y[...] = 0.0
    expect(a, x)
    empty = xp.zeros((0, 3))
    for shape in ((3, 0), (0,), (2, 0, 5), (-1, 1)):
        assert xp.reshape(empty, shape).shape == tuple(0 if s == -1 else s for s in shape)
    for wrong in ((5, 5), (-1, 5), (-1, -1), (24, 2)):
        with pytest.raises(ValueError):
            xp.reshape(a, wrong)


def test_reshaping_without_a_copy() -> None:
    """``copy=False`` never copies: where the entries do not lie in a row it is a ValueError."""
    x, a = pairs(2, 3, 4)
    views = [(a[:, 1, :], x[:, 1], (2, 2, 2)), (a[::-1, ...], x[::-1], (2, 12)), (a, x, (-1,))]
    for given, plain, shape in views:
        expect(xp.reshape(given, shape, copy=False), plain.reshape(shape))
    assert xp.reshape(xp.zeros((3, 0)).mT, (2, 0, 5), copy=False).shape == (2, 0, 5)
    for given, plain, shape in (
        (a[:, :2, :], x[:, :2], (16,)), (a.mT, x.swapaxes(1, 2), (24,)),
        (xp.broadcast_to(a, (2, 2, 3, 4)), np.broadcast_to(x, (2, 2, 3, 4)), (48,)),
    ):  # fmt: skip
        expect(xp.reshape(given, shape), plain.reshape(shape))
        with pytest.raises(NO_VIEW):
            xp.reshape(given, shape, copy=False)


@pytest.mark.parametrize("kind", EVERY)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_repeating(shape: tuple[int, ...], kind: str) -> None:
    x = sample(kind, *shape)
    a = array(x)
    for axis in (None, 0, 1, -1):
        size = x.size if axis is None else shape[axis]
        for count in (0, 1, 3):
            expect(xp.repeat(a, count, axis=axis), np.repeat(x, count, axis))
        counts = np.arange(size) % 3
        expect(xp.repeat(a, array(counts), axis=axis), np.repeat(x, counts, axis))
        one = np.asarray([2])
        expect(xp.repeat(a, array(one), axis=axis), np.repeat(x, one, axis))
    for reps in ((2,), (2, 1), (1, 3, 2), (2, 1, 1, 3), (0, 1, 1), ()):
        expect(xp.tile(a, reps), np.tile(x, reps))
    with pytest.raises(ValueError):
        xp.repeat(array(sample(kind, 4)), array([1, 2]), axis=0)


@pytest.mark.parametrize("kind", EVERY)
def test_broadcasting(kind: str) -> None:
    x = sample(kind, 2, 1, 3)
    for shape in ((2, 1, 3), (2, 4, 3), (5, 2, 4, 3), (2, 0, 3)):
        expect(xp.broadcast_to(array(x), shape), np.broadcast_to(x, shape))
    expect(xp.broadcast_to(array(1, kind), (0, 2)), np.ones((0, 2), kind))
    for wrong in ((2, 3), (2, 4, 4), (3, 1, 3), ()):
        with pytest.raises(ValueError):
            xp.broadcast_to(array(x), wrong)
    y, z = sample("int8", 4, 1), sample("float32")
    got = xp.broadcast_arrays(array(x), array(y), array(z))
    for g, e in zip(got, np.broadcast_arrays(x, y, z), strict=True):
        expect(g, e)
    assert len(xp.broadcast_arrays()) == 0 and len(xp.broadcast_arrays(array(x))) == 1
    with pytest.raises(ValueError):
        xp.broadcast_arrays(array(x), array(sample(kind, 2)))


BROADCAST = [((3,), (3,)), ((), (2, 2)), ((2, 1), (3,)), ((0,), (1,)), ((0, 1), (1, 4)),
             ((1, 2, 1), (3, 1, 2)), ((), ())]  # fmt: skip


@pytest.mark.parametrize("name", [*BINARY, *UNARY])
def test_elementwise_shapes(name: str) -> None:
    """Operands are broadcast; empty ones and those without axes are arrays like others."""
    kind = (BINARY | UNARY)[name][-1]
    for shapes in BROADCAST:
        given = [array(sample(kind, *s)) for s in shapes[: 1 if name in UNARY else 2]]
        with np.errstate(all="ignore"):
            got = function(name)(*given)
        assert got.shape == np.broadcast_shapes(*(x.shape for x in given))
        assert type(got) is type(given[0]) or isinstance(got, np.generic)
    if name in BINARY:
        for wrong in (((2,), (3,)), ((2, 2), (3, 2)), ((0,), (2,))):
            with pytest.raises(ValueError):
                function(name)(*(array(sample(kind, *s)) for s in wrong))


@pytest.mark.parametrize("kind", EVERY)
@pytest.mark.parametrize("index", ["int8", "int64", "uint8"])
def test_taking(index: str, kind: str) -> None:
    x = sample(kind, 3, 4)
    rows = np.asarray([2, 0, 0, 1], index)
    for axis in (0, 1, -1):
        expect(xp.take(array(x), array(rows), axis=axis), np.take(x, rows, axis))
        expect(xp.take(array(x), array(rows[:0]), axis=axis), np.take(x, rows[:0], axis))
    expect(xp.take(array(x[0]), array(rows)), x[0][rows])
    expect(xp.take(array(x[0]), array(np.asarray([-1, -4]))), x[0][[-1, -4]])
    along = np.asarray([[2, 0, 1, 1], [0, 0, 2, 2]], index)
    expect(xp.take_along_axis(array(x), array(along), axis=0), np.take_along_axis(x, along, 0))
    expect(xp.take_along_axis(array(x), array(along % 3), axis=0),
           np.take_along_axis(x, along % 3, 0))  # fmt: skip
    columns = np.asarray([[3], [0], [-1 if index[0] == "i" else 3]], index)
    for axis in (-1, 1):
        got = xp.take_along_axis(array(x), array(columns), axis=axis)
        expect(got, np.take_along_axis(x, columns, axis))
    expect(xp.take_along_axis(array(x), array(columns)), np.take_along_axis(x, columns, -1))
    for wrong in ([3], [-4]):
        with pytest.raises(IndexError):
            xp.take(array(x), array(wrong), axis=0)


@pytest.mark.parametrize("shapes", [((2, 3), (1, 2)), ((1, 3), (4, 1)), ((2, 1, 3), (1, 4, 2))])
def test_taking_along_an_axis_broadcasts_the_others(shapes: Any) -> None:
    x, index = sample("float64", *shapes[0]), np.arange(np.prod(shapes[1])).reshape(shapes[1]) % 3
    expect(xp.take_along_axis(array(x), array(index)), np.take_along_axis(x, index, axis=-1))


@pytest.mark.parametrize("kind", NUMERIC)
def test_differences(kind: str) -> None:
    x = sample(kind, 3, 4)
    for axis in (0, 1, -1):
        for n in (0, 1, 2, 3):
            expect(xp.diff(array(x), axis=axis, n=n), np.diff(x, n, axis))
        edge = np.take(x, [0, 1], axis=axis)
        got = xp.diff(array(x), axis=axis, prepend=array(edge), append=array(edge))
        expect(got, np.diff(x, axis=axis, prepend=edge, append=edge))
    expect(xp.diff(array(x)), np.diff(x))
    assert xp.diff(xp.zeros((2, 0), dtype=dtype(kind))).shape == (2, 0)
    assert xp.diff(xp.zeros((2, 1), dtype=dtype(kind)), n=4).shape == (2, 0)


@pytest.mark.parametrize("kind", NUMERIC)
def test_clipping(kind: str) -> None:
    if kind.startswith("complex"):
        return  # complex numbers have no order
    x = sample(kind, 2, 3)
    low, high = np.asarray([2, 3, 4], kind), np.asarray([[5], [8]], kind)
    for args in ((low, high), (low,), (None, high), (2, 8), (None, 8), (3, None), (), (low, 9)):
        bounds = [np.asarray(b, kind) if isinstance(b, int) else b for b in args]
        lower, upper = (*bounds, None, None)[:2]
        expected = x if lower is None else np.maximum(x, lower)
        expected = expected if upper is None else np.minimum(expected, upper)
        given = [array(b) if isinstance(b, np.ndarray) else b for b in args]
        expect(xp.clip(array(x), *given), expected)
        expect(xp.clip(array(x), **dict(zip(("min", "max"), given, strict=False))), expected)
