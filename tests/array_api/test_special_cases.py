"""What the array API standard says of infinities, NaN and signed zeros."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np
import pytest

from tests.array_api.namespace import NAME, REALS, array, function, name_of, value, xp
from tests.array_api.special_cases import BINARY, UNARY, describe, expected, matching, rows

OPERATORS = {
    **{n: getattr(operator, n[:3]) for n in ("add", "subtract", "multiply")},
    "divide": operator.truediv,
    "equal": operator.eq,
    "floor_divide": operator.floordiv,
    "greater": operator.gt,
    "greater_equal": operator.ge,
    "less": operator.lt,
    "less_equal": operator.le,
    "not_equal": operator.ne,
    "pow": operator.pow,
    "remainder": operator.mod,
}
IN_PLACE = {
    **{n: getattr(operator, "i" + n[:3]) for n in ("add", "subtract", "multiply", "pow")},
    "divide": operator.itruediv,
    "floor_divide": operator.ifloordiv,
    "remainder": operator.imod,
}
BOTH = list(rows(BINARY))


def samples(kind: str) -> list[float]:
    info = np.finfo(kind)
    positive = [0.0, 1.0, 2.0, 3.0, 0.5, 1.5, 2.5, 1e-3, 7.0, np.inf]
    limits = [float(v) for v in (info.smallest_normal, info.max, info.smallest_subnormal)]
    return [s * v for v in (*positive, *limits) for s in (1.0, -1.0)] + [float("nan")]


def check(call: Any, operands: str, result: str) -> None:
    for kind in REALS:
        # A sum, product or quotient of limits may overflow, which the cases of signs do not mean.
        cases = matching(operands, samples(kind))
        assert cases, operands
        columns = [np.asarray(column, kind) for column in zip(*cases, strict=True)]
        with np.errstate(all="ignore"):
            got = value(call(*(array(c) for c in columns))).tolist()
        tolerance = 4 * float(np.finfo(kind).eps)
        wrong = [
            f"{kind} {case} -> {y}"
            for case, y in zip(cases, got, strict=True)
            if not expected(result, tuple(float(np.asarray(v, kind)) for v in case), tolerance)(y)
        ]
        assert wrong == []


@pytest.mark.parametrize("case", list(rows(UNARY)), ids=describe)
def test_one_operand(case: tuple[str, str, str]) -> None:
    check(function(case[0]), *case[1:])


@pytest.mark.parametrize("case", BOTH, ids=describe)
def test_two_operands(case: tuple[str, str, str]) -> None:
    check(function(case[0]), *case[1:])


@pytest.mark.parametrize("case", [c for c in BOTH if c[0] in OPERATORS], ids=describe)
def test_operators(case: tuple[str, str, str]) -> None:
    check(OPERATORS[case[0]], *case[1:])


@pytest.mark.parametrize("case", [c for c in BOTH if c[0] in IN_PLACE], ids=describe)
def test_operators_in_place(case: tuple[str, str, str]) -> None:
    check(IN_PLACE[case[0]], *case[1:])


# NumPy takes the square root where the exponent is 0.5 and has no axes, in ``pow`` and in ``**``.
SQUARE_ROOTS = {"-inf >0&!odd": "+inf|nan", "-0 >0&!odd": "+0|-0"}
FORMS = {
    "no axes": lambda x, y, kind: (array(x, kind), array(y, kind)),
    "a number first": lambda x, y, kind: (x, array(y, kind)),
    "a number second": lambda x, y, kind: (array(x, kind), y),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("case", BOTH, ids=describe)
def test_operands_without_axes(case: tuple[str, str, str], form: str) -> None:
    name, operands, result = case
    if name == "pow":
        result = SQUARE_ROOTS.get(operands, result)
    calls = [c for c in (function(name), OPERATORS.get(name)) if c is not None]
    for kind in REALS:
        cases = matching(operands, samples(kind))
        tolerance = 4 * float(np.finfo(kind).eps)
        for x, y in cases[:: 1 + len(cases) // 6]:
            # What the dtype makes of the numbers: 1e-3 is another one in float32.
            x, y = (float(np.asarray(v, kind)) for v in (x, y))
            for call in calls:
                with np.errstate(all="ignore"):
                    got = call(*FORMS[form](x, y, kind))
                assert got.shape == () and name_of(got) in (kind, "bool")
                assert expected(result, (x, y), tolerance)(value(got).item()), (kind, x, y, got)


@pytest.mark.parametrize("kind", REALS)
def test_signs_of_nan(kind: str) -> None:
    """NaN has a sign bit, which is read, copied and given like that of a number."""
    signs = np.asarray([1.0, -1.0], kind)
    nans = np.copysign(np.asarray(np.nan, kind), signs)
    assert value(xp.signbit(array(nans))).tolist() == [False, True]
    for magnitude in (0.0, 3.0, np.inf, np.nan):
        x = np.full(2, magnitude, kind)
        for given in (nans, signs):
            got = value(xp.copysign(array(x), array(given)))
            np.testing.assert_array_equal(np.abs(got), x)
            assert np.signbit(got).tolist() == [False, True]


@pytest.mark.parametrize("kind", REALS)
@pytest.mark.parametrize("name", ["max", "mean", "min", "prod", "std", "sum", "var"])
def test_nan_goes_through_reductions(name: str, kind: str) -> None:
    x = array([[1.0, np.nan, 3.0], [1.0, 2.0, 4.0]], kind)
    assert np.isnan(value(function(name)(x))).tolist() is True
    assert np.isnan(value(function(name)(x, axis=1))).tolist() == [True, False]


# Of nothing, NumPy warns that there is no mean.
@pytest.mark.filterwarnings("ignore:.*(empty|Degrees|invalid value):RuntimeWarning")
@pytest.mark.parametrize("kind", REALS)
@pytest.mark.parametrize(
    ("name", "neutral"), [("mean", "nan"), ("prod", "1"), ("std", "nan"), ("sum", "0"),
                          ("var", "nan")],
)  # fmt: skip
def test_reductions_of_nothing(name: str, neutral: str, kind: str) -> None:
    assert expected(neutral, (), 0.0)(float(value(function(name)(array([], kind)))))
    over = value(function(name)(array(np.zeros((2, 0, 3)), kind), axis=1))
    assert over.shape == (2, 3)
    np.testing.assert_array_equal(over, np.full((2, 3), float(neutral), kind))


def test_clip_of_nan() -> None:
    y = value(xp.clip(array([np.nan, -np.inf, np.inf, 0.5]), -1.0, 1.0))
    np.testing.assert_array_equal(y, [np.nan, -1.0, 1.0, 0.5])
    x, limits = array([0.5, 0.5]), array([np.nan, 0.0])
    np.testing.assert_array_equal(value(xp.clip(x, limits, None)), [np.nan, 0.5])
    np.testing.assert_array_equal(value(xp.clip(x, None, limits)), [np.nan, 0.0])
    np.testing.assert_array_equal(value(xp.clip(x, limits, array([1.0, 1.0]))), [np.nan, 0.5])


def test_the_names_are_of_the_namespace() -> None:
    assert NAME and all(callable(function(n)) for n in {**UNARY, **BINARY})
