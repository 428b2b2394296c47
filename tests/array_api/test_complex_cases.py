"""What the array API standard says of infinities, NaN and signed zeros in complex numbers."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

from tests.array_api.complex_cases import CASES, EVEN, ODD, TURNED, part
from tests.array_api.namespace import COMPLEX, array, function, real_of, value, xp
from tests.array_api.special_cases import describe, operand, rows

PARTS = [s * v for v in (0.0, 1.0, 2.0, 0.5, np.inf) for s in (1.0, -1.0)] + [np.nan]
SAMPLES = list(itertools.product(PARTS, PARTS))


def numbers(pairs: Any, kind: str) -> np.ndarray[Any, Any]:
    # Not a + b * 1j, which turns infinities into NaN.
    return np.asarray(pairs, real_of(kind)).view(kind)[:, 0]


def call(name: str, z: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    with np.errstate(all="ignore"):
        return value(function(name)(array(z)))


@pytest.mark.parametrize("kind", COMPLEX)
@pytest.mark.parametrize("case", list(rows(CASES)), ids=describe)
def test_one_operand(case: tuple[str, str, str], kind: str) -> None:
    name, operands, result = case
    first, second = map(operand, operands.split())
    chosen = [(a, b) for a, b in SAMPLES if first(a) and second(b)]
    assert chosen
    tolerance = 8 * float(np.finfo(kind).eps)
    wrong = []
    for (a, b), y in zip(chosen, call(name, numbers(chosen, kind)), strict=True):
        for i, (text, got) in enumerate(zip(result.split(), (y.real, y.imag), strict=False)):
            if not part(text, b, i == 1, tolerance)(float(got)):
                wrong.append(f"{name}({a} {b}j) = {y}")
    assert wrong == []


def same(got: Any, expected: Any, kind: str) -> None:
    rtol = 8 * float(np.finfo(kind).eps)
    np.testing.assert_allclose(got.real, expected.real, rtol=rtol, atol=rtol)
    np.testing.assert_allclose(got.imag, expected.imag, rtol=rtol, atol=rtol)


FINITE = [p for p in SAMPLES if np.isfinite(p).all()]


@pytest.mark.parametrize("kind", COMPLEX)
@pytest.mark.parametrize(
    "name", [n for n in CASES if n not in ("abs", "sign")] + [*TURNED, "log2", "log10"]
)
def test_conjugate(name: str, kind: str) -> None:
    """The function of a conjugate is the conjugate of the function."""
    z = numbers(SAMPLES, kind)
    got, expected = call(name, np.conj(z)), np.conj(call(name, z))
    known = np.isfinite(expected)  # the others may have parts of either sign
    same(got[known], expected[known], kind)
    for a, b in ((got.real, expected.real), (got.imag, expected.imag)):
        np.testing.assert_allclose(np.abs(a[~known]), np.abs(b[~known]), rtol=1e-6)


@pytest.mark.parametrize("kind", COMPLEX)
@pytest.mark.parametrize("name", [*ODD, *EVEN])
def test_minus(name: str, kind: str) -> None:
    z = numbers(SAMPLES, kind)
    with np.errstate(invalid="ignore"):
        expected = call(name, z) if name in EVEN else -call(name, z)
    got = call(name, -z)
    known = np.isfinite(expected)  # the others may have parts of either sign
    same(got[known], expected[known], kind)


@pytest.mark.parametrize("kind", COMPLEX)
@pytest.mark.parametrize("name", TURNED)
def test_turned(name: str, kind: str) -> None:
    """The circular functions are the hyperbolic ones, turned by a right angle."""
    pairs = np.asarray(SAMPLES)
    turned = call(TURNED[name], numbers(np.stack([-pairs[:, 1], pairs[:, 0]], axis=1), kind))
    expected = np.stack([turned.imag, -turned.real], axis=1) if name != "cos" else turned
    expected = expected if name == "cos" else numbers(np.ascontiguousarray(expected), kind)
    got = call(name, numbers(SAMPLES, kind))
    known = np.isfinite(expected)
    same(got[known], expected[known], kind)
    assert not np.isfinite(got[~known]).any()


@pytest.mark.parametrize("kind", COMPLEX)
def test_log1p_is_exact_near_zero(kind: str) -> None:
    """The standard wants more than log(1 + z), which loses the real part of what is small."""
    sizes = [s * v for v in (0.0, 1e-30, 1e-20, 1e-9, 3e-4) for s in (1.0, -1.0)]
    z = numbers([(a, b) for a in sizes for b in sizes], kind)
    w = z.astype("complex128")
    expected = w - w**2 / 2 + w**3 / 3 - w**4 / 4 + w**5 / 5
    got = call("log1p", z)
    rtol = 4 * float(np.finfo(kind).eps)
    np.testing.assert_allclose(np.abs(got - expected), 0, atol=rtol * np.abs(expected).max())
    for a, b in ((got.real, expected.real), (got.imag, expected.imag)):
        clear = (np.abs(w.real) > 10 * w.imag**2) | (np.abs(w.real) < 0.1 * w.imag**2)
        np.testing.assert_allclose(a[clear], b[clear], rtol=20 * rtol, atol=1e-37)


@pytest.mark.parametrize("kind", COMPLEX)
def test_sizes_that_overflow(kind: str) -> None:
    """Of a number whose parts are finite, though its size is not."""
    most = float(np.finfo(kind).max)
    z = numbers(
        [(s * most, t * most * f) for s in (1, -1) for t in (1, -1) for f in (1, 0.75)], kind
    )
    small = (z / np.asarray(4, kind)).astype("complex128")
    rtol = 8 * float(np.finfo(kind).eps)
    np.testing.assert_allclose(call("sign", z), small / np.abs(small), rtol=rtol)
    for name in ("log", "log1p"):
        np.testing.assert_allclose(call(name, z), np.log(small) + np.log(4), rtol=rtol)


@pytest.mark.parametrize("kind", COMPLEX)
def test_parts_stand_for_themselves(kind: str) -> None:
    z, w = numbers(SAMPLES, kind), numbers(SAMPLES[::-1], kind)
    with np.errstate(all="ignore"):
        sums, differences = (
            value(xp.add(array(z), array(w))),
            value(xp.subtract(array(z), array(w))),
        )
        rounded = value(xp.round(array(z)))
        for p in ("real", "imag"):
            a, b = getattr(z, p), getattr(w, p)
            for got, expected in (
                (sums, a + b), (differences, a - b), (rounded, np.round(a)),
                (-value(xp.negative(array(z))), a), (value(xp.positive(array(z))), a),
            ):  # fmt: skip
                got = getattr(got, p)
                np.testing.assert_array_equal(got, expected)
                known = ~np.isnan(expected)
                np.testing.assert_array_equal(np.signbit(got[known]), np.signbit(expected[known]))
            sign = -1.0 if p == "imag" else 1.0
            np.testing.assert_array_equal(getattr(value(xp.conj(array(z))), p), sign * a)
            np.testing.assert_array_equal(value(function(p)(array(z))), a)
    for name, test in (("isnan", np.logical_or), ("isinf", np.logical_or),
                       ("isfinite", np.logical_and)):  # fmt: skip
        expected = test(getattr(np, name)(z.real), getattr(np, name)(z.imag))
        np.testing.assert_array_equal(value(function(name)(array(z))), expected)
    np.testing.assert_array_equal(
        value(xp.equal(array(z), array(w))), (z.real == w.real) & (z.imag == w.imag)
    )


@pytest.mark.parametrize("kind", COMPLEX)
@pytest.mark.parametrize(("name", "base"), [("log2", 2.0), ("log10", 10.0)])
def test_other_bases(name: str, base: float, kind: str) -> None:
    z = numbers(FINITE, kind)
    got, natural = call(name, z), call("log", z)
    scale = np.log(np.asarray(base, real_of(kind)))
    # Part by part: dividing the number would make NaN of the infinity at 0.
    parts = np.stack([natural.real / scale, natural.imag / scale], axis=1)
    same(got, numbers(parts, kind), kind)
