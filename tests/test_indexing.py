"""Indexing against NumPy: values, gradients by a loop over entries, batches, errors."""

from __future__ import annotations

import tracemalloc
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import autodiff as ad
from autodiff.ops.pattern import ARRAY, FULL, Slice
from autodiff.registry import PRIMITIVES
from autodiff.tensor import apply


@st.composite
def slices(draw: Any, n: int) -> slice:
    ends = st.none() | st.integers(-n - 2, n + 2)
    return slice(draw(ends), draw(ends), draw(st.sampled_from([None, 1, 2, 3, -1, -2])))


@st.composite
def entries(draw: Any, n: int, advanced: tuple[int, ...]) -> Any:
    """One entry that consumes an axis of size ``n``; arrays have the shape ``advanced``."""
    kind = draw(st.sampled_from(["int", "slice", "array", "list", "mask", "tensor"]))
    if kind == "int":
        return draw(st.integers(-n, n - 1))
    if kind == "slice":
        return draw(slices(n))
    if kind == "tensor":
        return ad.tensor(draw(st.integers(-n, n - 1)))
    if kind == "mask":
        # One True, so that masks broadcast with whatever arrays there are.
        mask = np.zeros(n, bool)
        mask[draw(st.integers(0, n - 1))] = True
        return mask if draw(st.booleans()) else mask.tolist()
    size = int(np.prod(advanced))
    values = draw(st.lists(st.integers(-n, n - 1), min_size=size, max_size=size))
    array = np.array(values, int).reshape(advanced)
    return array.tolist() if kind == "list" and array.ndim == 1 else array


@st.composite
def indices(draw: Any) -> tuple[tuple[int, ...], Any]:
    """A shape and an index into it: every kind of entry, mixed."""
    shape = draw(st.lists(st.integers(1, 4), max_size=4).map(tuple))
    advanced = draw(st.sampled_from([(), (1,), (3,), (2, 1), (0,)]))
    first = draw(st.integers(0, len(shape)))
    last = draw(st.integers(first, len(shape)))
    found = [draw(entries(n, advanced)) for n in shape[:first]]
    if last < len(shape) or draw(st.booleans()):
        found.append(Ellipsis)
        found.extend(draw(entries(n, advanced)) for n in shape[last:])
    free = st.sampled_from([None, True, np.True_, np.array(True)])
    for _ in range(draw(st.integers(0, 2))):
        found.insert(draw(st.integers(0, len(found))), draw(free))
    if len(found) == 1 and draw(st.booleans()):
        return shape, found[0]
    return shape, tuple(found)


def plain(index: Any) -> Any:
    """The index as NumPy takes it."""
    entries = index if isinstance(index, tuple) else (index,)
    return tuple(e.numpy() if isinstance(e, ad.Tensor) else e for e in entries)


@given(indices())
def test_values_and_gradient(case: Any) -> None:
    shape, index = case
    x = np.arange(1.0, 1.0 + np.prod(shape)).reshape(shape)
    expected = x[plain(index)]
    leaf = ad.tensor(x, requires_grad=True)
    y = leaf[index]
    np.testing.assert_array_equal(y.numpy(), expected)
    assert y.shape == expected.shape
    np.testing.assert_array_equal(ad.getitem(x, index), expected)
    v = np.random.default_rng(0).standard_normal(expected.shape)
    places = np.arange(x.size).reshape(shape)[plain(index)]
    by_hand = np.zeros(x.size)
    for place, value in zip(np.ravel(places), np.ravel(v), strict=True):
        by_hand[place] += value
    g = ad.gradients(y, leaf, cotangents=v)
    np.testing.assert_allclose(g.numpy(), by_hand.reshape(shape), rtol=1e-12, atol=1e-12)


@given(indices(), st.booleans())
def test_update(case: Any, full: bool) -> None:
    shape, index = case
    x = np.arange(1.0, 1.0 + np.prod(shape)).reshape(shape)
    selected = x[plain(index)].shape
    v = -1 - np.arange(np.prod(selected, dtype=int)).reshape(selected) if full else np.array(-1.0)
    v = np.asarray(v, float)
    owner = np.arange(
        x.size
    )  # place -> itself, or -1 - (number of the entry that was written last)
    flat = np.ravel(owner.reshape(shape)[plain(index)])
    for k, place in enumerate(flat):
        owner[place] = -1 - k
    values = np.broadcast_to(v, selected).ravel()
    expected = np.array([x.ravel()[i] if i >= 0 else values[-1 - i] for i in owner]).reshape(shape)
    leaf, part = ad.tensor(x, requires_grad=True), ad.tensor(v, requires_grad=True)
    y = ad.setitem(leaf, index, part)
    np.testing.assert_array_equal(y.numpy(), expected)
    np.testing.assert_array_equal(leaf.numpy(), x)
    w = np.random.default_rng(0).standard_normal(shape)
    g, h = ad.gradients(y, (leaf, part), cotangents=w)
    np.testing.assert_array_equal(g.numpy(), np.where(owner.reshape(shape) >= 0, w, 0))
    by_hand = np.zeros(len(values))
    for i, value in zip(owner, w.ravel(), strict=True):
        if i < 0:
            by_hand[-1 - i] = value
    total = by_hand.reshape(selected) if full else by_hand.sum()
    np.testing.assert_allclose(h.numpy(), total, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("order", ["C", "F"])
def test_last_write_stays_whatever_the_memory_order(order: Any) -> None:
    rows, columns = np.array([[0], [0], [1]]), np.array([[1, 1]])
    v = np.asarray(np.arange(6.0).reshape(3, 2), order=order)
    leaf = ad.tensor(v, requires_grad=True)
    y = ad.setitem(np.zeros((2, 2)), (rows, columns), leaf)
    np.testing.assert_array_equal(y.numpy(), [[0, 3], [0, 5]])
    g = ad.gradients(y.sum(), leaf)
    np.testing.assert_array_equal(g.numpy(), [[0, 0], [0, 1], [0, 1]])


PATTERNS = [
    ((4, 3), (ARRAY,), [(2,)]),
    ((4, 3), (FULL, ARRAY), [(2, 2)]),
    ((4, 3), (ARRAY, ARRAY), [(2, 1), (3,)]),
    ((4, 3, 2), (ARRAY, FULL, ARRAY), [(2,), (2,)]),
    ((4, 3, 2), (ARRAY, Ellipsis, 1), [(3,)]),
    ((2, 4, 3), (FULL, None, ARRAY, Slice(None, None, -1)), [()]),
    ((2, 4, 3), (1, FULL, ARRAY), [(2,)]),
    ((2, 4, 3), (Slice(0, 1), 1, ARRAY), [(2, 2)]),
]


BATCHES = [(*p, which) for p in PATTERNS for which in range(1, 2 ** (1 + len(p[2])))]


@pytest.mark.parametrize(("shape", "pattern", "shapes", "which"), BATCHES)
def test_batches(shape: Any, pattern: Any, shapes: Any, which: int) -> None:
    """Each combination of mapped operands equals the loop, for the three primitives."""
    rng, size = np.random.default_rng(which), 3
    count = 1 + len(shapes)
    mapped = tuple(bool(which >> i & 1) for i in range(count))
    dims = [n for n, e in zip(_axes(shape, pattern), pattern, strict=True) if e is ARRAY]

    def draw(kind: Any, dims: Any, m: bool) -> Any:
        full = (size, *dims) if m else dims
        return rng.standard_normal(full) if kind is float else rng.integers(0, kind, full)

    arrays = [draw(n, s, m) for n, s, m in zip(dims, shapes, mapped[1:], strict=True)]
    x = draw(float, shape, mapped[0])

    def row(a: Any, m: bool, k: int) -> Any:
        return a[k] if m else a

    def check(name: str, flags: Any, operands: Any, **params: Any) -> Any:
        primitive = PRIMITIVES[name]
        got = primitive.batch(flags, *operands, index=pattern, **params)
        rows = [[row(a, m, k) for a, m in zip(operands, flags, strict=True)] for k in range(size)]
        loop = np.stack([apply(primitive, *r, index=pattern, **params) for r in rows])
        np.testing.assert_array_equal(got, loop)
        return loop

    selected = check("getitem", mapped, (x, *arrays))[0]
    g = rng.standard_normal((size, *selected.shape)) if mapped[0] else selected
    check("scatter", mapped, (g, *arrays), shape=shape)
    for v, m in ((g, mapped[0]), (rng.standard_normal(size), True), (np.array(1.5), False)):
        check("setitem", (mapped[0], m, *mapped[1:]), (x, v, *arrays))


def _axes(shape: Any, pattern: Any) -> list[int]:
    """For each entry of a pattern, the size of the axis that it indexes (0 where none)."""
    sizes, axis = [], 0
    for entry in pattern:
        if entry is None or entry is Ellipsis:
            sizes.append(0)
            axis += (len(shape) - len(pattern) + 1) if entry is Ellipsis else 0
        else:
            sizes.append(shape[axis])
            axis += 1
    return sizes


@given(st.integers(0, 2), st.data())
def test_take_and_take_along_axis(axis: int, data: Any) -> None:
    shape = (3, 2, 4)
    x = np.arange(24.0).reshape(shape)
    n = shape[axis]
    found = np.array(data.draw(st.lists(st.integers(-n, n - 1), min_size=4, max_size=4)))
    for i in (found.reshape(2, 2), found[0], found[:0]):
        np.testing.assert_array_equal(ad.take(x, i, axis), np.take(x, i, axis))
    np.testing.assert_array_equal(ad.take(x, found), np.take(x, found))
    along = [1, 2, 1] if data.draw(st.booleans()) else list(shape)
    along[axis] = 2
    i = np.resize(found, along)
    np.testing.assert_array_equal(ad.take_along_axis(x, i, axis), np.take_along_axis(x, i, axis))
    order = np.argsort(-x, axis)
    leaf = ad.tensor(x, requires_grad=True)
    v = np.random.default_rng(0).standard_normal(shape)
    g = ad.gradients(ad.take_along_axis(leaf, order, axis), leaf, cotangents=v)
    np.testing.assert_array_equal(g.numpy(), np.take_along_axis(v, np.argsort(order, axis), axis))


def test_no_gradient_leaves_what_was_not_selected_absent() -> None:
    x = ad.tensor([-1.0, 4.0], requires_grad=True)
    with np.errstate(invalid="ignore"):
        y = ad.sqrt(x)
    np.testing.assert_array_equal(ad.gradients(y[1:].sum(), x).numpy(), [0, 0.25])
    with np.errstate(invalid="ignore"):
        z = ad.setitem(ad.sqrt(x), 0, 0.0)
    np.testing.assert_array_equal(ad.gradients(z.sum(), x).numpy(), [0, 0.25])


def test_second_order() -> None:
    x = ad.tensor([1.0, 2.0, 3.0], requires_grad=True)
    first = ad.gradients((x[[0, 1, 1]] ** 3).sum(), x, create_graph=True)
    np.testing.assert_array_equal(first.numpy(), [3, 24, 0])
    np.testing.assert_array_equal(ad.gradients(first.sum(), x).numpy(), [6, 24, 0])


def test_assignment_rebinds_the_handle_only() -> None:
    x = ad.tensor([1.0, 2.0, 3.0], requires_grad=True)
    y = x * 2
    view = y[1:]
    y[0] = x[2] * 10
    y[1:][0] = 7.0  # a handle of its own, which is dropped
    np.testing.assert_array_equal(y.numpy(), [30, 4, 6])
    np.testing.assert_array_equal(view.numpy(), [4, 6])
    np.testing.assert_array_equal(ad.gradients(y.sum(), x).numpy(), [0, 2, 12])


def test_update_keeps_the_dtype_and_refuses_truncation() -> None:
    assert ad.setitem(np.zeros(2, np.float32), 0, np.pi).dtype == np.float32
    assert ad.setitem(np.zeros(2, np.uint8), 0, 3).dtype == np.uint8
    with pytest.raises(ad.DTypeError, match="astype"):
        ad.setitem(np.zeros(2, int), 0, 0.5)
    x32 = ad.tensor(np.ones(2, np.float32), requires_grad=True)
    v64 = ad.tensor(2.0, requires_grad=True)
    g, h = ad.gradients(ad.setitem(x32, 0, v64).sum(), (x32, v64))
    assert g.dtype == np.float32 and h.dtype == np.float64


def test_leading_axes_of_size_one_are_dropped_from_the_value() -> None:
    v = ad.tensor(np.ones((1, 1, 2)), requires_grad=True)
    y = ad.setitem(np.zeros((3, 2)), 0, v)
    assert y.numpy().sum() == 2 and ad.gradients(y.sum(), v).shape == (1, 1, 2)


X = np.arange(12.0).reshape(4, 3)


@pytest.mark.parametrize(
    ("index", "text"),
    [
        (4, r"index 4 is out of bounds for axis 0 of an operand of shape \(4, 3\)"),
        ((0, -4), r"index -4 .* axis 1 .* \(4, 3\)"),
        ([0, 9], r"index 9 .* axis 0 .* \(4, 3\)"),
        ((slice(None), [0, 3]), r"index 3 .* axis 1"),
        ((0, 0, 0), r"too many indices: 3 .* 2 axes"),
        ((..., 0, ...), "at most one Ellipsis"),
        (1.5, "float"),
        ("x", "str"),
        (slice(1.0, None), "integers or None, got 1.0"),
        (np.ones(3, bool), r"bool\[3\] for axes of sizes \[4\]"),
        (np.ones((4, 2), bool), r"bool\[4, 2\] for axes of sizes \[4, 3\]"),
        (([0, 1], [0, 1, 2]), r"do not broadcast: \(2,\) and \(3,\)"),
        ([[0, 1], [2]], "ragged"),
        (np.array([0.0]), "astype"),
    ],
)
def test_errors(index: Any, text: str) -> None:
    for x in (X, ad.tensor(X), ad.tensor(X, requires_grad=True)):
        with pytest.raises(IndexError, match=text):
            ad.getitem(x, index)
        with pytest.raises(IndexError, match=text):
            ad.setitem(x, index, 0.0)


def test_errors_of_values_and_axes() -> None:
    with pytest.raises(ad.ShapeError, match=r"\(2,\) .* \(3,\)"):
        ad.setitem(ad.tensor(X), 0, np.ones(2))
    with pytest.raises(ad.DTypeError, match="integers, got float64"):
        ad.take(X, [0.0])
    with pytest.raises(ad.AxisError):
        ad.take(X, [0], axis=2)
    with pytest.raises(ad.ShapeError, match="do not match"):
        ad.take_along_axis(X, np.zeros((2, 1), int), axis=1)
    with pytest.raises(ad.ShapeError, match="do not match"):
        ad.take_along_axis(X, np.zeros(3, int), axis=1)


def test_writing_into_an_index_array_does_not_change_a_gradient() -> None:
    x, index = ad.tensor([1.0, 2.0, 3.0], requires_grad=True), np.array([0, 1])
    y = x[index]
    index[:] = 2
    np.testing.assert_array_equal(ad.gradients(y.sum(), x).numpy(), [1, 1, 0])


# Overlapping parts: basic, an integer array with a repetition, a mask, a single entry.
_OVERLAPPING = [
    (slice(None, 3), slice(1, None)),
    1,
    (slice(None, None, -2),),
    ([0, 2, 2],),
    (np.arange(12).reshape(4, 3) % 2 == 0,),
    (2, 1),
    (..., 0),
]


def test_rows_read_one_by_one_cost_no_table_each() -> None:
    table = ad.tensor(np.ones((100_000, 4)), requires_grad=True)
    rows = list(range(0, 100_000, 100))
    loss = sum(table[row].sum() for row in rows)
    tracemalloc.start()
    gradient = ad.gradients(loss, table)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1.5 * table.data.nbytes
    expected = np.zeros((100_000, 4))
    expected[rows] = 1
    assert np.array_equal(gradient.numpy(), expected)


@given(st.data())
def test_parts_add_up_where_they_overlap_and_where_others_come_too(data: Any) -> None:
    """Adding into one array must not reach the arrays of other inputs, seeds or results."""
    indices = data.draw(st.lists(st.sampled_from(_OVERLAPPING), min_size=1, max_size=4))
    x = ad.tensor(np.arange(1.0, 13).reshape(4, 3), requires_grad=True)
    y = x + 0.0  # whose rule passes the very array on
    terms = [y[index] for index in indices]
    cotangents = [np.full(t.shape, i + 1.0) for i, t in enumerate(terms)]
    whole = np.full((4, 3), 100.0)
    outputs, seeds = [*terms, y], [*cotangents, whole]
    got_x, got_y = ad.gradients(outputs, [x, y], cotangents=seeds)
    expected = np.full((4, 3), 100.0)
    for index, g in zip(indices, cotangents, strict=True):
        np.add.at(expected, index, g)
    assert np.array_equal(got_x.numpy(), expected)
    assert np.array_equal(got_y.numpy(), expected)
    assert np.array_equal(whole, np.full((4, 3), 100.0))
    recorded = ad.gradients(outputs, x, cotangents=seeds, create_graph=True)
    assert np.array_equal(recorded.data, expected)
