"""The special cases of real elementwise functions in the array API standard, 2024.12.

Reference: "Element-wise Functions" of the standard, the special cases of each function. Facts only,
in a notation of our own: ``operands: result``, where an operand is one of

``nan  +0  -0  0 (either)  +inf  -inf  inf (either)  any  num (not NaN)  fin (finite)
nz (finite, not zero)  pos  neg (both finite)  1  -1  >1  <-1 ...  odd  whole  tie (halfway)``

or several joined by ``&``, negated by ``!``, of the magnitude by ``abs``, or ``-x1``, minus the
first operand; and the result a value, an operand, a sign alone (``+``, ``-``), or several that the
standard leaves to choose from, joined by ``|``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

_WHOLE = "nan: nan, +0: +0, -0: -0, +inf: +inf, -inf: -inf, whole: x"
_LOG = "nan: nan, <0: nan, 0: -inf, 1: +0, +inf: +inf"
_ODD = "nan: nan, +0: +0, -0: -0"

UNARY = {
    "abs": "nan: nan, -0: +0, -inf: +inf, +inf: +inf",
    "acos": "nan: nan, >1: nan, <-1: nan, 1: +0",
    "acosh": "nan: nan, <1: nan, 1: +0, +inf: +inf",
    "asin": f"{_ODD}, >1: nan, <-1: nan",
    "asinh": f"{_ODD}, +inf: +inf, -inf: -inf",
    "atan": f"{_ODD}, +inf: pi/2, -inf: -pi/2",
    "atanh": f"{_ODD}, <-1: nan, >1: nan, 1: +inf, -1: -inf",
    "ceil": _WHOLE,
    "cos": "nan: nan, 0: 1, inf: nan",
    "cosh": "nan: nan, 0: 1, inf: +inf",
    "exp": "nan: nan, 0: 1, +inf: +inf, -inf: +0",
    "expm1": f"{_ODD}, +inf: +inf, -inf: -1",
    "floor": _WHOLE,
    "isfinite": "inf: false, nan: false, fin: true",
    "isinf": "inf: true, nan: false, fin: false",
    "isnan": "inf: false, nan: true, fin: false",
    "log": _LOG,
    "log10": _LOG,
    "log1p": f"{_ODD}, <-1: nan, -1: -inf, +inf: +inf",
    "log2": _LOG,
    "negative": "nan: nan, +0: -0, -0: +0, +inf: -inf, -inf: +inf",
    "positive": "nan: nan, +0: +0, -0: -0, +inf: +inf, -inf: -inf",
    "reciprocal": "nan: nan, +0: +inf, -0: -inf, +inf: +0, -inf: -0",
    "round": f"{_WHOLE}, tie: even",
    "sign": "nan: nan, <0: -1, 0: 0, >0: 1",
    "signbit": "+0: false, -0: true, +inf: false, -inf: true, pos: false, neg: true",
    "sin": f"{_ODD}, inf: nan",
    "sinh": f"{_ODD}, +inf: +inf, -inf: -inf",
    "sqrt": f"{_ODD}, <0: nan, +inf: +inf",
    "square": "nan: nan, 0: +0, inf: +inf",
    "tan": f"{_ODD}, inf: nan",
    "tanh": f"{_ODD}, +inf: 1, -inf: -1",
    "trunc": _WHOLE,
}

_NAN = "nan any: nan, any nan: nan"
_ADD = f"""{_NAN}, +inf -inf: nan, -inf +inf: nan, +inf +inf: +inf, -inf -inf: -inf,
    +inf fin: +inf, -inf fin: -inf, fin +inf: +inf, fin -inf: -inf, -0 -0: -0, -0 +0: +0,
    +0 -0: +0, +0 +0: +0, 0 nz: x2, nz 0: x1, nz -x1: +0"""
_QUOTIENT = f"""{_NAN}, inf inf: nan, 0 0: nan, +0 >0: +0, -0 >0: -0, +0 <0: -0, -0 <0: +0,
    >0 +0: +inf, >0 -0: -inf, <0 +0: -inf, <0 -0: +inf, pos +inf: +0, neg -inf: +0"""

BINARY = {
    "add": _ADD,
    "atan2": f"""{_NAN}, >0 0: pi/2, +0 >0: +0, +0 +0: +0, +0 -0: pi, +0 <0: pi, -0 >0: -0,
        -0 +0: -0, -0 -0: -pi, -0 <0: -pi, <0 0: -pi/2, pos +inf: +0, pos -inf: pi, neg +inf: -0,
        neg -inf: -pi, +inf fin: pi/2, -inf fin: -pi/2, +inf +inf: pi/4, +inf -inf: 3pi/4,
        -inf +inf: -pi/4, -inf -inf: -3pi/4""",
    "copysign": """nan any: nan, +0 +0: +0, +0 >0: +0, +0 -0: -0, +0 <0: -0, -0 +0: +0,
        -0 <0: -0, +inf >0: +inf, +inf -0: -inf, +inf <0: -inf, -inf +0: +inf, -inf <0: -inf,
        pos <0: -x1, pos >0: x1, neg -0: x1, neg +0: -x1""",
    "divide": f"""{_QUOTIENT}, +inf pos: +inf, +inf neg: -inf, -inf pos: -inf, -inf neg: +inf,
        pos -inf: -0, neg +inf: -0, pos pos: +, neg neg: +, pos neg: -, neg pos: -""",
    "equal": """nan any: false, any nan: false, +inf +inf: true, -inf -inf: true, 0 0: true,
        inf fin: false, fin inf: false, +inf -inf: false""",
    # Python's own rule, floor((x - x mod y) / y), is allowed where an operand is infinite.
    "floor_divide": f"""{_QUOTIENT}, +inf pos: +inf|nan, +inf neg: -inf|nan, -inf pos: -inf|nan,
        -inf neg: +inf|nan, pos -inf: -0|-1, neg +inf: -0|-1, pos pos: +, neg neg: +,
        pos neg: -, neg pos: -""",
    "greater": f"{_NAN.replace(': nan', ': false')}, 0 0: false, +inf num&!+inf: true",
    "greater_equal": f"{_NAN.replace(': nan', ': false')}, 0 0: true, +inf num: true",
    "hypot": "inf any: +inf, any inf: +inf, !inf nan: nan, nan !inf: nan, 0 0: +0",
    "less": f"{_NAN.replace(': nan', ': false')}, 0 0: false, -inf num&!-inf: true",
    "less_equal": f"{_NAN.replace(': nan', ': false')}, 0 0: true, -inf num: true",
    "logaddexp": f"{_NAN}, +inf num: +inf, num +inf: +inf",
    "maximum": f"{_NAN}, +inf num: +inf, num -inf: x1",
    "minimum": f"{_NAN}, -inf num: -inf, num +inf: x1",
    "multiply": f"""{_NAN}, inf 0: nan, 0 inf: nan, +inf +inf: +inf, -inf -inf: +inf,
        +inf -inf: -inf, -inf +inf: -inf, +inf pos: +inf, +inf neg: -inf, -inf pos: -inf,
        -inf neg: +inf, pos +inf: +inf, neg +inf: -inf, pos -inf: -inf, neg -inf: +inf,
        +0 pos: +0, +0 neg: -0, -0 pos: -0, -0 neg: +0, pos pos: +, neg neg: +, pos neg: -""",
    "nextafter": f"{_NAN}, -0 +0: +0, +0 -0: -0",
    "not_equal": "nan any: true, any nan: true, 0 0: false, +inf +inf: false, inf fin: true",
    "pow": """!1 nan: nan, any 0: 1, nan !0: nan, abs>1 +inf: +inf, abs>1 -inf: +0, abs1 inf: 1,
        1 num: 1, abs<1 +inf: +0, abs<1 -inf: +inf, +inf >0: +inf, +inf <0: +0,
        -inf >0&odd: -inf, -inf >0&!odd: +inf, -inf <0&odd: -0, -inf <0&!odd: +0, +0 >0: +0,
        +0 <0: +inf, -0 >0&odd: -0, -0 >0&!odd: +0, -0 <0&odd: -inf, -0 <0&!odd: +inf,
        neg fin&!whole: nan""",
    "remainder": f"""{_NAN}, inf inf: nan, 0 0: nan, +0 >0: +0, -0 >0: +0, +0 <0: -0, -0 <0: -0,
        >0 0: nan, <0 0: nan, inf nz: nan, pos +inf: x1, pos -inf: x2, neg +inf: x2,
        neg -inf: x1""",
    "subtract": f"""{_NAN}, +inf +inf: nan, -inf -inf: nan, +inf -inf: +inf, -inf +inf: -inf,
        +inf fin: +inf, -inf fin: -inf, fin +inf: -inf, fin -inf: +inf, -0 +0: -0, -0 -0: +0,
        +0 +0: +0, +0 -0: +0, 0 nz: -x2, nz 0: x1""",
}  # fmt: skip

Test = Callable[[float], bool]


def signed(x: float) -> float:
    return math.copysign(1.0, x)


_NAMED: dict[str, Test] = {
    "any": lambda x: True,
    "num": lambda x: not math.isnan(x),
    "nan": math.isnan,
    "+0": lambda x: x == 0 and signed(x) > 0,
    "-0": lambda x: x == 0 and signed(x) < 0,
    "inf": math.isinf,
    "fin": math.isfinite,
    "nz": lambda x: math.isfinite(x) and x != 0,
    "pos": lambda x: math.isfinite(x) and x > 0,
    "neg": lambda x: math.isfinite(x) and x < 0,
    "whole": lambda x: math.isfinite(x) and x == math.floor(x),
    "odd": lambda x: math.isfinite(x) and x % 2 == 1,
    "tie": lambda x: math.isfinite(x) and abs(x) % 1 == 0.5,
}


def operand(text: str) -> Test:
    """What an operand of that description is."""
    if "&" in text:
        tests = [operand(part) for part in text.split("&")]
        return lambda x: all(test(x) for test in tests)
    if text[0] == "!":
        test = operand(text[1:])
        return lambda x: not test(x)
    if text.startswith("abs"):
        test = operand(text[3:])
        return lambda x: test(abs(x))
    if text in _NAMED:
        return _NAMED[text]
    if text[0] in "<>":
        limit = float(text[1:])
        return (lambda x: x < limit) if text[0] == "<" else (lambda x: x > limit)
    exact = float(text)
    return lambda x: x == exact


def number(text: str) -> float:
    """A value: "3pi/4", "-inf", "+0"."""
    if "pi" not in text:
        return float(text)
    factor, _, divisor = text.partition("pi")
    return float(factor + "1" * (factor in "+-")) * math.pi / float(divisor[1:] or 1)


def expected(text: str, operands: tuple[float, ...], tolerance: float) -> Test:
    """Whether a result is what ``text`` says, for these operands."""
    if "|" in text:
        tests = [expected(part, operands, tolerance) for part in text.split("|")]
        return lambda y: any(test(y) for test in tests)
    if text in ("+", "-"):
        return lambda y: signed(y) == float(text + "1")
    if text in ("true", "false"):
        return lambda y: bool(y) is (text == "true")
    if text == "even":
        return lambda y: y == round(operands[0]) and y % 2 == 0
    if text == "0":
        return lambda y: y == 0
    if "x" in text:
        chosen = operands[int(text[-1]) - 1] if text[-1] != "x" else operands[0]
        wanted = -chosen if text[0] == "-" else chosen
    else:
        wanted = number(text)
    if math.isnan(wanted):
        return math.isnan
    if wanted == 0:
        return lambda y: y == 0 and signed(y) == signed(wanted)
    return lambda y: math.isclose(y, wanted, rel_tol=tolerance)


def rows(table: dict[str, str]) -> Iterator[tuple[str, str, str]]:
    """The function, the operands and the result of each case."""
    for name, cases in table.items():
        for case in cases.replace("\n", " ").split(","):
            operands, _, result = case.strip().partition(": ")
            yield name, " ".join(operands.split()), result


def matching(operands: str, samples: list[float]) -> list[tuple[float, ...]]:
    """The samples, or pairs of them, that a case is about."""
    first, *rest = operands.split()
    chosen = [x for x in samples if operand(first)(x)]
    if not rest:
        return [(x,) for x in chosen]
    if rest == ["-x1"]:
        return [(x, -x) for x in chosen]
    return [(x, y) for x in chosen for y in samples if operand(rest[0])(y)]


def describe(case: Any) -> str:
    return " ".join(case) if isinstance(case, tuple) else str(case)
