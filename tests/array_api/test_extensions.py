"""Linear algebra and Fourier transforms of the standard."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

from tests.array_api.namespace import (
    COMPLEX,
    FLOATING,
    PAIRS,
    REALS,
    array,
    complex_of,
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


def matrices(kind: str, *shape: int) -> np.ndarray[Any, Any]:
    rng = np.random.default_rng(2)
    x = rng.standard_normal(shape) + (1j * rng.standard_normal(shape) if kind in COMPLEX else 0)
    return x.astype(kind)


@pytest.mark.parametrize("kind", FLOATING)
@pytest.mark.parametrize("stack", [(), (2,), (2, 1), (0,)], ids=str)
def test_decompositions(stack: tuple[int, ...], kind: str) -> None:
    real, rtol = real_of(kind), 200 * float(np.finfo(kind).eps)

    def near(got: Any, expected: Any) -> None:
        expect(got, value(expected), name_of(expected), rtol=rtol)

    x = matrices(kind, *stack, 3, 3)
    h = array(x @ np.conj(np.swapaxes(x, -1, -2)) + 3 * np.eye(3, dtype=kind))
    w, v = got = xp.linalg.eigh(h)
    assert got._fields == ("eigenvalues", "eigenvectors")
    assert (name_of(w), name_of(v), w.shape) == (real, kind, (*stack, 3))
    near(xp.matmul(h, v), xp.multiply(v, xp.astype(w, v.dtype)[..., None, :]))
    near(xp.linalg.eigvalsh(h), w)
    for m, n in ((3, 3), (2, 4), (4, 2)):
        y = array(matrices(kind, *stack, m, n))
        for mode, k in (("reduced", min(m, n)), ("complete", m)):
            q, r = got = xp.linalg.qr(y, mode=mode)
            assert got._fields == ("Q", "R")
            assert q.shape == (*stack, m, k) and r.shape == (*stack, k, n)
            near(xp.matmul(q, r), y)
            near(
                xp.matmul(xp.conj(q).mT, q),
                xp.broadcast_to(xp.eye(k, dtype=y.dtype), (*stack, k, k)),
            )
            np.testing.assert_array_equal(value(xp.tril(r, k=-1)), np.zeros((*stack, k, n)))
        for full in (True, False):
            u, s, vh = got = xp.linalg.svd(y, full_matrices=full)
            k = min(m, n)
            assert got._fields == ("U", "S", "Vh")
            assert u.shape == (*stack, m, m if full else k) and s.shape == (*stack, k)
            assert vh.shape == (*stack, n if full else k, n)
            assert (name_of(u), name_of(s), name_of(vh)) == (kind, real, kind)
            scaled = xp.multiply(u[..., :k], xp.astype(s, u.dtype)[..., None, :])
            near(xp.matmul(scaled, vh[..., :k, :]), y)
            near(xp.linalg.svdvals(y), s)
            assert (np.diff(value(s), axis=-1) <= 0).all() and (value(s) >= 0).all()
    sign, log = got = xp.linalg.slogdet(h)
    assert got._fields == ("sign", "logabsdet")
    assert (name_of(sign), name_of(log), sign.shape) == (kind, real, stack)
    near(xp.multiply(sign, xp.astype(xp.exp(log), sign.dtype)), xp.linalg.det(h))
    for upper in (False, True):
        c = xp.linalg.cholesky(h, upper=upper)
        near(xp.matmul(xp.conj(c).mT, c) if upper else xp.matmul(c, xp.conj(c).mT), h)
        outside = xp.tril(c, k=-1) if upper else xp.triu(c, k=1)
        np.testing.assert_array_equal(value(outside), np.zeros((*stack, 3, 3)))
    one = xp.broadcast_to(xp.eye(3, dtype=h.dtype), (*stack, 3, 3))
    near(xp.matmul(xp.linalg.inv(h), h), one)
    near(xp.matmul(h, xp.linalg.solve(h, one)), one)
    near(xp.matmul(xp.linalg.pinv(h), h), one)
    near(xp.linalg.matrix_power(h, 0), one)
    near(xp.linalg.matrix_power(h, 2), xp.matmul(h, h))
    near(xp.linalg.matrix_power(h, -1), xp.linalg.inv(h))
    expect(xp.linalg.matrix_rank(h), np.full(stack, 3), "int64")
    assert xp.linalg.solve(h, xp.ones(3, dtype=h.dtype)).shape == (*stack, 3)


@pytest.mark.parametrize("kind", FLOATING)
def test_norms(kind: str) -> None:
    x, real = matrices(kind, 2, 3, 4), real_of(kind)
    rtol = 20 * float(np.finfo(kind).eps)
    for order in ("fro", "nuc", 1, 2, np.inf, -1, -2, -np.inf):
        for keep in (True, False):
            expected = np.linalg.matrix_norm(x, ord=order, keepdims=keep)
            got = xp.linalg.matrix_norm(array(x), ord=order, keepdims=keep)
            expect(got, expected, real, rtol=rtol)
    size = np.abs(x)
    for order in (0, 1, 2, 3, 0.5, -1, np.inf, -np.inf):
        for axis in (None, 0, -1, (0, 2), (0, 1, 2)):
            with np.errstate(divide="ignore"):
                expected = (
                    size.max(axis) if order == np.inf else size.min(axis) if order == -np.inf
                    else (size != 0).sum(axis) if order == 0
                    else (size.astype(float) ** order).sum(axis) ** (1 / order)
                )  # fmt: skip
            got = xp.linalg.vector_norm(array(x), ord=order, axis=axis)
            expect(got, np.asarray(expected, real), real, rtol=rtol)
    kept = xp.linalg.vector_norm(array(x), axis=(0, 2), keepdims=True)
    assert kept.shape == (1, 3, 1) and xp.linalg.vector_norm(array(x), keepdims=True).ndim == 3
    assert value(xp.linalg.vector_norm(array(x[:, :0]), axis=1)).tolist() == [[0.0] * 4] * 2


@pytest.mark.parametrize("pair", [p for p in PAIRS if "bool" not in p], ids="-".join)
def test_products(pair: tuple[str, str]) -> None:
    kind = str(promoted(*pair))
    a, b = sample(pair[0], 2, 3, 4), sample(pair[1], 2, 4, 3)
    x, y = array(a), array(b)
    left, right = a.astype(kind), b.astype(kind)
    expect(xp.matmul(x, y), left @ right)
    expect(x @ y, left @ right)
    expect(xp.matmul(x[0, 0, ...], y), left[0, 0] @ right)
    expect(xp.matmul(x, y[0, :, 0]), left @ right[0, :, 0])
    expect(xp.matmul(x[0, 0, ...], y[0, :, 0]), left[0, 0] @ right[0, :, 0])
    expect(xp.tensordot(x, y, axes=((2, 0), (1, 0))), np.tensordot(left, right, ((2, 0), (1, 0))))
    expect(xp.tensordot(x, y, axes=0), np.tensordot(left, right, 0))
    expect(xp.tensordot(x[0, ...], y[0, ...], axes=1), np.tensordot(left[0], right[0], 1))
    z = array(sample(pair[1], 2, 3, 4))
    other = sample(pair[1], 2, 3, 4).astype(kind)
    expect(xp.vecdot(x, z), (np.conj(left) * other).sum(axis=-1, dtype=kind))
    expect(xp.vecdot(x, z, axis=-2), (np.conj(left) * other).sum(axis=-2, dtype=kind))
    expect(xp.linalg.outer(x[0, 0, ...], z[0, 1, ...]), np.outer(left[0, 0], other[0, 1]))
    for axis in (-2,) if kind in FLOATING else ():
        expect(xp.linalg.cross(x, z, axis=axis), np.cross(left, other, axis=axis), rtol=1e-6)
    expect(xp.linalg.diagonal(x), np.diagonal(a, axis1=-2, axis2=-1))
    expect(xp.linalg.diagonal(x, offset=1), np.diagonal(a, 1, axis1=-2, axis2=-1))
    for f in (xp.matmul, xp.linalg.matmul):
        with pytest.raises((ValueError, TypeError)):
            f(x, z)
        with pytest.raises((ValueError, TypeError)):
            f(array(1, pair[0]), y)


FFTS = {"fft": "c", "ifft": "c", "rfft": "r", "irfft": "i", "hfft": "i", "ihfft": "r"}


@pytest.mark.parametrize("kind", REALS)
@pytest.mark.parametrize("norm", ["backward", "ortho", "forward"])
@pytest.mark.parametrize("name", FFTS)
def test_transforms_of_one_axis(name: str, norm: Any, kind: str) -> None:
    given = kind if FFTS[name] == "r" else complex_of(kind)
    out = kind if FFTS[name] == "i" else complex_of(kind)
    x, rtol = matrices(given, 2, 4, 5), 100 * float(np.finfo(kind).eps)
    for axis, n in itertools.product((-1, 0, 1), (None, 1, 3, 8)):
        if n is None and FFTS[name] == "i" and x.shape[axis] < 2:
            continue
        expected = getattr(np.fft, name)(x.astype(np.result_type(given, "float64")), n=n, axis=axis,
                                         norm=norm).astype(out)  # fmt: skip
        got = function("fft." + name)(array(x), n=n, axis=axis, norm=norm)
        expect(got, expected, out, rtol=rtol)


@pytest.mark.parametrize("kind", REALS)
@pytest.mark.parametrize("norm", ["backward", "ortho", "forward"])
@pytest.mark.parametrize("name", ["fftn", "ifftn", "rfftn", "irfftn"])
def test_transforms_of_many_axes(name: str, norm: Any, kind: str) -> None:
    given = kind if name == "rfftn" else complex_of(kind)
    out = kind if name == "irfftn" else complex_of(kind)
    x, rtol = matrices(given, 2, 4, 5), 100 * float(np.finfo(kind).eps)
    wide = x.astype(np.result_type(given, "float64"))
    cases: list[Any] = [
        (None, None),
        (None, (0, 1)),
        (None, (-1,)),
        ((3, 6), (1, 2)),
        ((2, 3), (2, 0)),
    ]
    for s, axes in cases:
        expected = getattr(np.fft, name)(wide, s=s, axes=axes, norm=norm).astype(out)
        expect(function("fft." + name)(array(x), s=s, axes=axes, norm=norm), expected, out, rtol)


@pytest.mark.parametrize("name", ["fftfreq", "rfftfreq"])
def test_frequencies(name: str) -> None:
    for n, d in ((1, 1.0), (4, 0.5), (5, 2.0)):
        plain = getattr(np.fft, name)(n, d)
        expect(function("fft." + name)(n, d=d), plain)
        for kind in REALS:
            expect(function("fft." + name)(n, d=d, dtype=dtype(kind)), plain.astype(kind))
        device = xp.__array_namespace_info__().default_device()
        assert function("fft." + name)(n, device=device).shape == getattr(np.fft, name)(n).shape


@pytest.mark.parametrize("kind", FLOATING)
@pytest.mark.parametrize("name", ["fftshift", "ifftshift"])
def test_shifts(name: str, kind: str) -> None:
    x = matrices(kind, 3, 4)
    for axes in (None, 0, (1,), (0, 1), (0, -1)):
        given = {} if axes is None else {"axes": axes}
        expect(function("fft." + name)(array(x), **given), getattr(np.fft, name)(x, axes=axes))
