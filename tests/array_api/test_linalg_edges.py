"""Linear algebra of matrices of no rows or columns, far diagonals, tolerances, stacks."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.array_api.namespace import (
    FLOATING,
    NUMERIC,
    PAIRS,
    array,
    dtype,
    expect,
    function,
    name_of,
    promoted,
    real_of,
    sample,
    value,
    xp,
)


@pytest.mark.parametrize("kind", FLOATING)
@pytest.mark.parametrize("stack", [(), (2,), (0,)], ids=str)
def test_square_matrices_of_no_rows(stack: tuple[int, ...], kind: str) -> None:
    x, real, none = (
        xp.zeros((*stack, 0, 0), dtype=dtype(kind)),
        real_of(kind),
        np.zeros((*stack, 0)),
    )
    for name in ("inv", "cholesky", "pinv", "matrix_transpose"):
        expect(function("linalg." + name)(x), np.zeros((*stack, 0, 0), kind))
    for n in (-3, -1, 0, 1, 2, 5):
        expect(xp.linalg.matrix_power(x, n), np.zeros((*stack, 0, 0), kind))
    expect(xp.linalg.det(x), np.ones(stack, kind))
    sign, log = xp.linalg.slogdet(x)
    expect(sign, np.ones(stack, kind))
    expect(log, np.zeros(stack, real))
    expect(xp.linalg.eigvalsh(x), none.astype(real))
    w, v = xp.linalg.eigh(x)
    expect(w, none.astype(real))
    expect(v, np.zeros((*stack, 0, 0), kind))
    expect(xp.linalg.trace(x), np.zeros(stack, kind))
    expect(
        xp.linalg.solve(x, xp.zeros((*stack, 0, 2), dtype=x.dtype)), np.zeros((*stack, 0, 2), kind)
    )
    expect(xp.linalg.solve(x, xp.zeros(0, dtype=x.dtype)), none.astype(kind))


@pytest.mark.parametrize("kind", FLOATING)
@pytest.mark.parametrize(
    "shape", [(0, 3), (3, 0), (2, 0, 3), (2, 3, 0), (0, 0), (0, 2, 3)], ids=str
)
def test_matrices_of_no_entries(shape: tuple[int, ...], kind: str) -> None:
    x, (*stack, m, n), k = xp.zeros(shape, dtype=dtype(kind)), shape, min(shape[-2:])
    none = xp.zeros(0, dtype=x.dtype)
    for mode, inner in (("reduced", k), ("complete", m)):
        q, r = xp.linalg.qr(x, mode=mode)
        assert (q.shape, r.shape) == ((*stack, m, inner), (*stack, inner, n))
        assert name_of(q) == name_of(r) == kind
    for full in (True, False):
        u, s, vh = xp.linalg.svd(x, full_matrices=full)
        assert u.shape == (*stack, m, m if full else k) and s.shape == (*stack, k)
        assert vh.shape == (*stack, n if full else k, n) and name_of(s) == real_of(kind)
    assert xp.linalg.svdvals(x).shape == (*stack, k)
    assert xp.linalg.pinv(x).shape == (*stack, n, m) and name_of(xp.linalg.pinv(x)) == kind
    expect(xp.matmul(x.mT, x), np.zeros((*stack, n, n), kind))
    expect(xp.matmul(x, x.mT), np.zeros((*stack, m, m), kind))
    expect(xp.tensordot(x, x, axes=0), np.zeros((*shape, *shape), kind))
    expect(xp.tensordot(x, x, axes=len(shape)), np.zeros((), kind))
    expect(xp.vecdot(x, x), np.zeros(shape[:-1], kind))
    expect(xp.linalg.diagonal(x), np.zeros((*stack, k), kind))
    expect(xp.linalg.vector_norm(x), np.zeros((), real_of(kind)))
    expect(xp.linalg.matrix_norm(x), np.zeros(tuple(stack), real_of(kind)))
    expect(xp.linalg.outer(none, xp.ones(2, dtype=x.dtype)), np.zeros((0, 2), kind))


@pytest.mark.parametrize("kind", FLOATING)
@pytest.mark.parametrize("keepdims", [True, False])
@pytest.mark.parametrize("shape", [(0, 3), (3, 0), (0, 0), (2, 0, 3), (0, 2, 2)], ids=str)
def test_norms_of_no_entries(shape: tuple[int, ...], keepdims: bool, kind: str) -> None:
    """Sizes are not negative: the largest and the sum of none is 0, and the smallest an error."""
    x, (*stack, m, n), real = xp.zeros(shape, dtype=dtype(kind)), shape, real_of(kind)
    kept = (*stack, 1, 1) if keepdims else tuple(stack)
    for order in ("fro", "nuc", 1, 2, np.inf):
        expect(xp.linalg.matrix_norm(x, ord=order, keepdims=keepdims), np.zeros(kept, real))
    for order, sizes in ((-1, n), (-2, min(m, n)), (-np.inf, m)):
        if sizes or 0 in stack:
            got = xp.linalg.matrix_norm(x, ord=order, keepdims=keepdims)
            expect(got, np.zeros(kept, real))
        else:
            with pytest.raises(ValueError):
                xp.linalg.matrix_norm(x, ord=order, keepdims=keepdims)
    for order in (0, 0.5, 1, 2, 3, np.inf):
        got = xp.linalg.vector_norm(x, axis=(-2, -1), ord=order, keepdims=keepdims)
        expect(got, np.zeros(kept, real))


@pytest.mark.parametrize("kind", NUMERIC)
@pytest.mark.parametrize("offset", [-99, -3, -2, -1, 0, 1, 3, 4, 99])
def test_diagonals(offset: int, kind: str) -> None:
    for shape in ((3, 4), (2, 4, 3), (0, 3, 3), (2, 0, 3)):
        x = sample(kind, *shape)
        m, n = shape[-2:]
        places = [(i, i + offset) for i in range(m) if 0 <= i + offset < n]
        entries = [x[..., i, j] for i, j in places]
        expected = np.stack(entries, axis=-1) if entries else np.zeros((*shape[:-2], 0), kind)
        expect(xp.linalg.diagonal(array(x), offset=offset), expected)
        expect(xp.linalg.trace(array(x), offset=offset), expected.sum(axis=-1))


@pytest.mark.parametrize("kind", FLOATING)
def test_tolerances(kind: str) -> None:
    x = np.stack([np.diag([4.0, 1.0, 0.1]), np.diag([1.0, 1e-3, 0.0])]).astype(kind)
    real, rtol = dtype(real_of(kind)), 1e-5
    for given, ranks in (
        (0.5, [1, 1]),
        (0.01, [3, 1]),
        (array([0.5, 1e-4], real_of(kind)), [1, 2]),
    ):
        expect(xp.linalg.matrix_rank(array(x), rtol=given), np.asarray(ranks), "int64")
        got = xp.linalg.pinv(array(x), rtol=given)
        expected = np.zeros_like(x)
        for i, rank in enumerate(ranks):
            for j in range(rank):
                expected[i, j, j] = 1 / x[i, j, j]
        expect(got, expected, kind, rtol=rtol)
    expect(xp.linalg.matrix_rank(array(x)), np.asarray([3, 2]), "int64")
    expect(xp.linalg.matrix_rank(xp.zeros((2, 3), dtype=real)), np.asarray(0), "int64")


@pytest.mark.parametrize("kind", FLOATING)
def test_broadcast_stacks(kind: str) -> None:
    rng, rtol = np.random.default_rng(3), 1e-4
    a = (rng.standard_normal((2, 1, 3, 3)) + 3 * np.eye(3)).astype(kind)
    b = rng.standard_normal((4, 3, 2)).astype(kind)
    expect(xp.linalg.solve(array(a), array(b)), np.linalg.solve(a, b), kind, rtol=rtol)
    expect(xp.linalg.solve(array(a), array(b[0, :, 0])), np.linalg.solve(a, b[0, :, :1])[..., 0],
           kind, rtol=rtol)  # fmt: skip
    expect(xp.matmul(array(a), array(b)), a @ b, kind, rtol=rtol)
    x, y = sample(kind, 2, 1, 3), sample(kind, 4, 3)
    expect(xp.linalg.cross(array(x), array(y)), np.cross(x, y), kind, rtol=rtol)
    expect(xp.linalg.vecdot(array(x), array(y)), (np.conj(x) * y).sum(axis=-1), kind, rtol=rtol)


@pytest.mark.parametrize("kind", NUMERIC)
def test_cross_products(kind: str) -> None:
    x, y = sample(kind, 2, 3, 4), sample(kind, 2, 3, 4)[:, :, ::-1]
    a, b = np.moveaxis(x, 1, 0), np.moveaxis(y, 1, 0)
    parts = [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]]
    expect(xp.linalg.cross(array(x), array(y), axis=-2), np.stack(parts, axis=1))
    for wrong in ((2,), (4,), (1,), (3, 2)):
        with pytest.raises((ValueError, IndexError)):
            xp.linalg.cross(array(sample(kind, *wrong)), array(sample(kind, *wrong)))


def test_contractions() -> None:
    x, y = sample("int64", 2, 3, 4), sample("int64", 4, 3, 2)
    cases: list[tuple[Any, Any]] = [
        (0, ([], [])), (1, ([2], [0])), (3, None), (((1,), (1,)), ([1], [1])),
        ([[0, 1], [2, 1]], ([0, 1], [2, 1])), (((-1, -3), (-3, -1)), ([2, 0], [0, 2])),
    ]  # fmt: skip
    for axes, plain in cases:
        other = y if plain is not None else x
        expected = np.tensordot(x, other, plain if plain is not None else 3)
        for f in (xp.tensordot, xp.linalg.tensordot):
            expect(f(array(x), array(other), axes=axes), expected)
    with pytest.raises((ValueError, IndexError)):
        xp.tensordot(array(x), array(x), axes=1)


@pytest.mark.parametrize("kind", FLOATING)
@pytest.mark.parametrize("entry", [np.nan, np.inf, -np.inf])
def test_entries_that_are_not_finite(entry: float, kind: str) -> None:
    """What is no number goes through: the shapes, the dtypes and the zeros are those of others."""
    data = np.stack([np.eye(3), np.full((3, 3), entry), np.diag([1.0, entry, 2.0])]).astype(kind)
    x, real = array(data), real_of(kind)
    with np.errstate(all="ignore"):
        q, r = xp.linalg.qr(x)
        sign, log = xp.linalg.slogdet(x)
        assert (name_of(sign), name_of(log), log.shape) == (kind, real, (3,))
        det, traces = xp.linalg.det(x), xp.linalg.trace(x)
        powers = [xp.linalg.matrix_power(x, n) for n in (1, 2, 7)]
    assert (q.shape, r.shape, name_of(r)) == ((3, 3, 3), (3, 3, 3), kind)
    np.testing.assert_array_equal(np.tril(value(r), -1), np.zeros((3, 3, 3)))
    assert value(det)[0] == value(traces)[0] / 3 == 1 and not np.isfinite(value(traces)[1:]).any()
    for power in powers:
        assert name_of(power) == kind and not np.isfinite(value(power)[1]).any()
        np.testing.assert_array_equal(value(power)[0], np.eye(3))


@pytest.mark.parametrize("kind", FLOATING)
@pytest.mark.parametrize("n", [-100, -17, 100])
def test_high_powers(n: int, kind: str) -> None:
    x = np.stack([np.eye(2) * 2.0, np.asarray([[0.0, 1.0], [1.0, 0.0]])]).astype(kind)
    expected = np.stack([np.eye(2) * 2.0**n, x[1] if n % 2 else np.eye(2)]).astype(kind)
    expect(xp.linalg.matrix_power(array(x), n), expected, kind, rtol=1e-6)


def test_the_axis_of_a_product_is_not_broadcast() -> None:
    for shapes, axis in ((((3,), (1,)), -1), (((1, 2), (3, 2)), -2), (((2, 3), (2, 1)), -1)):
        x, y = (xp.ones(s) for s in shapes)
        for call in (xp.vecdot, xp.linalg.vecdot, xp.linalg.cross):
            with pytest.raises(ValueError):
                call(x, y, axis=axis)
    for shapes in (((3, 2), (3,)), ((3,), (3, 2)), ((3, 3), ())):
        with pytest.raises((ValueError, IndexError)):
            xp.linalg.cross(*(xp.ones(s) for s in shapes), axis=-2)


@pytest.mark.parametrize("pair", [p for p in PAIRS if {*p} <= {*FLOATING}], ids="-".join)
def test_dtypes_of_two_matrices(pair: tuple[str, str]) -> None:
    a, b, kind = np.eye(2, dtype=pair[0]) * 2, np.ones((2, 3), pair[1]), promoted(*pair)
    for right in (b, b[:, 0]):
        expect(xp.linalg.solve(array(a), array(right)), right.astype(kind) / 2)
    if pair[1] == real_of(pair[1]):
        rtol = array(0.1, pair[1])
        assert name_of(xp.linalg.pinv(array(a), rtol=rtol)) == pair[0]
        expect(xp.linalg.matrix_rank(array(a), rtol=rtol), np.asarray(2), "int64")


@pytest.mark.parametrize("name", ["det", "inv", "cholesky", "eigh", "eigvalsh", "slogdet"])
def test_what_is_no_stack_of_square_matrices(name: str) -> None:
    for shape in ((3,), (2, 3), ()):
        with pytest.raises((ValueError, IndexError)):
            function("linalg." + name)(xp.ones(shape))


def test_errors_of_matrices() -> None:
    singular = xp.zeros((2, 2))
    for call in (
        lambda: xp.linalg.inv(singular),
        lambda: xp.linalg.solve(singular, xp.ones(2)),
        lambda: xp.linalg.cholesky(xp.negative(xp.eye(2))),
    ):
        with pytest.raises(ValueError):  # LinAlgError is one
            call()


@pytest.mark.parametrize(("call", "error"), [
    (lambda: xp.expand_dims(xp.ones((2, 3)), axis=3), IndexError),
    (lambda: xp.expand_dims(xp.ones((2, 3)), axis=-4), IndexError),
    (lambda: xp.squeeze(xp.ones((2, 1)), 0), ValueError),
    (lambda: xp.asarray(float("nan"), dtype=xp.float32)[0], IndexError),
])  # fmt: skip
def test_classes_of_errors(call: Any, error: type[Exception]) -> None:
    with pytest.raises(error):
        call()


@pytest.mark.parametrize("ndim", [8, 20, 32])
def test_many_axes(ndim: int) -> None:
    x = xp.reshape(array(np.arange(8.0)), (2, 2, 2) + (1,) * (ndim - 3))
    assert x.ndim == ndim and xp.sum(x, axis=(0, 2)).shape == (2,) + (1,) * (ndim - 3)
    assert xp.permute_dims(x, tuple(range(ndim))[::-1]).shape == (1,) * (ndim - 3) + (2, 2, 2)
    np.testing.assert_array_equal(value(xp.add(x, x[..., :1])), value(x) * 2)
    assert xp.expand_dims(x, axis=-1).ndim == ndim + 1
    np.testing.assert_array_equal(value(xp.flip(x)).ravel(), np.arange(8.0)[::-1])
