"""Which dtype comes out: of pairs, of Python numbers, of each function of one array."""

from __future__ import annotations

import itertools
import operator
from typing import Any

import numpy as np
import pytest

from tests.array_api.namespace import (
    COMPLEX,
    EVERY,
    FLOATING,
    INTEGERS,
    NUMERIC,
    ORDERED,
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
    value,
    xp,
)

BITS = ["bool", *INTEGERS]
BINARY: dict[str, list[str]] = {
    **dict.fromkeys(["add", "subtract", "multiply", "pow"], NUMERIC),
    "divide": FLOATING,
    **dict.fromkeys(["floor_divide", "remainder", "maximum", "minimum"], ORDERED),
    **dict.fromkeys(["atan2", "copysign", "hypot", "logaddexp", "nextafter"], REALS),
    **dict.fromkeys(["bitwise_and", "bitwise_or", "bitwise_xor"], BITS),
    **dict.fromkeys(["bitwise_left_shift", "bitwise_right_shift"], INTEGERS),
    **{n: ["bool"] for n in ("logical_and", "logical_or", "logical_xor")},
    **dict.fromkeys(["less", "less_equal", "greater", "greater_equal"], ORDERED),
    **dict.fromkeys(["equal", "not_equal"], EVERY),
}
BOOLS = {"logical_and", "logical_or", "logical_xor", "less", "less_equal", "greater",
         "greater_equal", "equal", "not_equal"}  # fmt: skip
OPERATORS = {
    "add": operator.add, "subtract": operator.sub, "multiply": operator.mul, "pow": operator.pow,
    "divide": operator.truediv, "floor_divide": operator.floordiv, "remainder": operator.mod,
    "bitwise_and": operator.and_, "bitwise_or": operator.or_, "bitwise_xor": operator.xor,
    "bitwise_left_shift": operator.lshift, "bitwise_right_shift": operator.rshift,
    "less": operator.lt, "less_equal": operator.le, "greater": operator.gt,
    "greater_equal": operator.ge, "equal": operator.eq, "not_equal": operator.ne,
}  # fmt: skip
IN_PLACE = {
    "add": operator.iadd, "subtract": operator.isub, "multiply": operator.imul,
    "pow": operator.ipow, "divide": operator.itruediv, "floor_divide": operator.ifloordiv,
    "remainder": operator.imod, "bitwise_and": operator.iand, "bitwise_or": operator.ior,
    "bitwise_xor": operator.ixor, "bitwise_left_shift": operator.ilshift,
    "bitwise_right_shift": operator.irshift,
}  # fmt: skip

SAME = ["ceil", "floor", "trunc"]
UNARY: dict[str, list[str]] = {
    **dict.fromkeys(SAME, ORDERED),
    **dict.fromkeys(["negative", "positive", "round", "sign", "square", "abs", "conj"], NUMERIC),
    **dict.fromkeys(["isfinite", "isinf", "isnan"], NUMERIC),
    **dict.fromkeys(
        ["acos", "acosh", "asin", "asinh", "atan", "atanh", "cos", "cosh", "exp", "expm1", "log",
         "log1p", "log2", "log10", "reciprocal", "sin", "sinh", "sqrt", "tan", "tanh"], FLOATING),
    "signbit": REALS,
    "logical_not": ["bool"],
    "bitwise_invert": BITS,
    **dict.fromkeys(["real", "imag"], COMPLEX),
}  # fmt: skip


def sample(kind: str, other: bool = False) -> np.ndarray[Any, Any]:
    data = [1, 3, 2, 4] if other else [2, 1, 3, 5]
    return np.asarray([True, False, other, not other] if kind == "bool" else data, kind)


def check(name: str, got: Any, expected: Any, kind: str) -> None:
    assert type(got) is type(xp.zeros(1)), name
    assert name_of(got) == kind, f"{name}: {name_of(got)}, expected {kind}"
    rtol = 0.0 if np.dtype(kind).kind in "biu" else 8 * float(np.finfo(kind).eps)
    np.testing.assert_allclose(value(got), expected, rtol=rtol)


CASES = [(n, a) for n, kinds in BINARY.items() for a in kinds]


@pytest.mark.parametrize(("name", "a"), CASES)
def test_pairs(name: str, a: str) -> None:
    for b in BINARY[name]:
        common = promoted(a, b)
        if common is None:
            continue
        kind = "bool" if name in BOOLS else common
        x, y = sample(a), sample(b, True)
        expected = getattr(np, name)(x.astype(common), y.astype(common))
        check(f"{name}({a}, {b})", function(name)(array(x), array(y)), expected, kind)
        if name in OPERATORS:
            check(f"{a} {name} {b}", OPERATORS[name](array(x), array(y)), expected, kind)
        if name in IN_PLACE and kind == a:
            before = left = array(x)
            left = IN_PLACE[name](left, array(y))
            check(f"{a} {name}= {b}", left, expected, kind)
            assert value(before).shape == left.shape


def scalars(kind: str) -> list[Any]:
    if kind == "bool":
        return [True]
    return {"i": [3], "u": [3], "f": [3, 2.5], "c": [3, 2.5, 1.5 - 2j]}[np.dtype(kind).kind]


@pytest.mark.parametrize(("name", "a"), CASES)
def test_python_numbers(name: str, a: str) -> None:
    x, kind = sample(a), "bool" if name in BOOLS else a
    for number in scalars(a):
        for args in ((x, number), (number, x)):
            expected = getattr(np, name)(*(np.asarray(v, a) for v in args))
            given = [array(v) if v is x else v for v in args]
            check(f"{name}{args}", function(name)(*given), expected, kind)
            if name in OPERATORS:
                check(f"{name}{args}", OPERATORS[name](*given), expected, kind)
        if name in IN_PLACE:
            left = array(x)
            left = IN_PLACE[name](left, number)
            check(f"{name}=", left, getattr(np, name)(x, np.asarray(number, a)), kind)


@pytest.mark.parametrize("a", REALS)
@pytest.mark.parametrize("name", ["add", "subtract", "multiply", "divide", "pow"])
def test_complex_numbers_with_real_arrays(name: str, a: str) -> None:
    x, kind = sample(a), complex_of(a)
    for args in ((x, 1 + 2j), (1 + 2j, x)):
        expected = getattr(np, name)(*(np.asarray(v, kind) for v in args))
        given = [array(v) if v is x else v for v in args]
        check(f"{name}{args}", OPERATORS[name](*given), expected, kind)
        check(f"{name}{args}", function(name)(*given), expected, kind)


@pytest.mark.parametrize(("name", "kind"), [(n, k) for n, kinds in UNARY.items() for k in kinds])
def test_one_operand(name: str, kind: str) -> None:
    x = sample(kind)
    if name in ("acos", "asin", "atanh") and kind in FLOATING:
        x = (x / 8).astype(kind)
    out = {"isfinite": "bool", "isinf": "bool", "isnan": "bool", "signbit": "bool",
           "logical_not": "bool"}.get(name, kind)  # fmt: skip
    out = real_of(kind) if name in ("abs", "real", "imag") else out
    with np.errstate(all="ignore"):
        expected = getattr(np, name)(x)
        check(f"{name}({kind})", function(name)(array(x)), expected, out)


@pytest.mark.parametrize("pair", PAIRS, ids="-".join)
def test_result_type(pair: tuple[str, str]) -> None:
    a, b = map(dtype, pair)
    common = promoted(*pair)
    x, y = xp.ones(2, dtype=a), xp.ones((), dtype=b)
    for given in ((a, b), (x, b), (a, y), (x, y), (a, b, a)):
        assert name_of(xp.result_type(*given)) == common
    for z in (
        xp.where(array([True, False]), x, y),
        xp.concat([x, xp.ones(1, dtype=b)]),
        xp.stack([x, xp.ones(2, dtype=b)]),
    ):
        assert name_of(z) == common
    assert xp.can_cast(a, dtype(str(common))) is True is xp.can_cast(x, dtype(str(common)))


SEVERAL = [("int8", "uint8", "int16"), ("uint16", "int8", "uint8"), ("uint8", "uint64", "uint32"),
           ("float32", "float64", "float32"), ("float32", "complex64", "float64"),
           ("complex64", "float32", "complex128"), ("int32", "uint16", "int8")]  # fmt: skip


@pytest.mark.parametrize("kinds", SEVERAL, ids="-".join)
def test_result_type_in_any_order(kinds: tuple[str, ...]) -> None:
    """Of dtypes, of arrays, of both, and with a Python number, which adds nothing."""
    common = promoted(str(promoted(*kinds[:2])), kinds[2])
    number: Any = {"i": 1, "u": 1, "f": 1.5, "c": 1j}[np.dtype(common).kind]
    for order in itertools.permutations(kinds):
        dtypes = [dtype(k) for k in order]
        arrays = [xp.zeros((2,) * i, dtype=d) for i, d in enumerate(dtypes)]
        for given in (dtypes, arrays, [arrays[0], *dtypes[1:]], [dtypes[0], *arrays[1:]]):
            for i in range(4):
                assert name_of(xp.result_type(*given)) == common
                assert name_of(xp.result_type(*given[:i], number, *given[i:])) == common


@pytest.mark.parametrize("kind", INTEGERS)
def test_numbers_at_the_ends_of_a_dtype(kind: str) -> None:
    info = np.iinfo(kind)
    data = np.asarray([info.min, 0, 1, info.max], kind)
    for number in (int(info.min), int(info.max)):
        plain = np.asarray(number, kind)
        for name in ("equal", "less", "greater_equal", "maximum", "minimum", "bitwise_xor"):
            for args in ((data, number), (number, data)):
                expected = getattr(np, name)(*(plain if a is number else a for a in args))
                given = [a if a is number else array(a) for a in args]
                check(name, function(name)(*given), expected, expected.dtype.name)
                if name in OPERATORS:
                    check(name, OPERATORS[name](*given), expected, expected.dtype.name)
        expect(xp.full(3, number, dtype=dtype(kind)), np.full(3, number, kind))
        expect(xp.where(array(data) == number, number, array(data)), data)


@pytest.mark.parametrize("kind", EVERY)
def test_result_type_of_numbers(kind: str) -> None:
    for number in scalars(kind):
        for given in (xp.zeros(1, dtype=dtype(kind)), dtype(kind)):
            assert name_of(xp.result_type(given, number)) == kind
            assert name_of(xp.result_type(number, given)) == kind
    if kind in REALS:
        assert name_of(xp.result_type(dtype(kind), 1j)) == complex_of(kind)
    x, mask = array(sample(kind)), array([True, False, True, False])
    for number in scalars(kind):
        chosen = np.where([True, False, True, False], sample(kind), np.asarray(number, kind))
        check("where", xp.where(mask, x, number), chosen, kind)
        check("where", xp.where(~mask, number, x), chosen, kind)
    one = scalars(kind)[0]
    if kind in ORDERED:
        check("clip", xp.clip(x, 1, one), np.clip(sample(kind), 1, one), kind)


@pytest.mark.parametrize("a", EVERY)
def test_can_cast(a: str) -> None:
    for b in EVERY:
        got = xp.can_cast(dtype(a), dtype(b))
        assert type(got) is bool
        families: tuple[list[str], ...] = (["bool"], INTEGERS, REALS, COMPLEX)
        if any(a in f and b in f for f in families):
            assert got is (promoted(a, b) == b), f"{a} to {b}"


@pytest.mark.parametrize("a", EVERY)
def test_astype(a: str) -> None:
    for b in EVERY:
        if a in COMPLEX and b not in COMPLEX:
            continue
        x = array(sample(a))
        check(f"astype {b}", xp.astype(x, dtype(b)), sample(a).astype(b), b)
        check(f"astype {b}", xp.astype(x, dtype(b), copy=False), sample(a).astype(b), b)
    x = array(sample(a))
    same, other = xp.astype(x, dtype(a), copy=False), xp.astype(x, dtype(a), copy=True)
    assert same is x and other is not x
    other[0] = other[1]
    np.testing.assert_array_equal(value(x), sample(a))
