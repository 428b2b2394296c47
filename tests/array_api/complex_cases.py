"""The special cases of complex elementwise functions in the array API standard, 2024.12.

Reference: "Element-wise Functions" of the standard; they are those of C99, annex G. Facts only, in
a notation of our own: ``real imaginary: real imaginary``, operands as in ``special_cases``. In a
result ``?`` stands before what may have either sign, ``cis`` behind a factor that is multiplied by
cos b or sin b. The standard's two rows of sqrt for an infinite real part and a finite imaginary one
contradict C99 and its other rows; C99's stand here.
"""

from __future__ import annotations

import math

from tests.array_api.special_cases import Test, expected, number, signed

_NAN = "nan nan: nan nan"

CASES = {
    "abs": """inf any: +inf, any inf: +inf, nan fin: nan, fin nan: nan, nan nan: nan, 0 1: 1,
        0 -1: 1, 1 0: 1, -1 0: 1, 0 0: +0""",
    "acos": f"""0 +0: pi/2 -0, 0 nan: pi/2 nan, fin +inf: pi/2 -inf, nz nan: nan nan,
        -inf pos: pi -inf, +inf pos: +0 -inf, -inf +inf: 3pi/4 -inf, +inf +inf: pi/4 -inf,
        inf nan: nan ?inf, nan fin: nan nan, nan +inf: nan -inf, {_NAN}""",
    "acosh": f"""0 +0: +0 pi/2, 0 nan: nan ?pi/2, fin +inf: +inf pi/2, nz nan: nan nan,
        -inf pos: +inf pi, +inf pos: +inf +0, -inf +inf: +inf 3pi/4, +inf +inf: +inf pi/4,
        inf nan: +inf nan, nan fin: nan nan, nan +inf: +inf nan, {_NAN}""",
    "asinh": f"""+0 +0: +0 +0, pos +inf: +inf pi/2, fin nan: nan nan, +inf pos: +inf +0,
        +inf +inf: +inf pi/4, +inf nan: +inf nan, nan +0: nan +0, nan nz: nan nan,
        nan +inf: ?inf nan, {_NAN}""",
    "atanh": f"""+0 +0: +0 +0, +0 nan: +0 nan, 1 +0: +inf +0, pos +inf: +0 pi/2, nz nan: nan nan,
        +inf pos: +0 pi/2, +inf +inf: +0 pi/2, +inf nan: +0 nan, nan fin: nan nan,
        nan +inf: ?0 pi/2, {_NAN}""",
    "cosh": f"""+0 +0: 1 ?0, +0 +inf: nan ?0, +0 nan: nan ?0, nz +inf: nan nan, nz nan: nan nan,
        +inf +0: +inf +0, +inf nz: +infcis +infcis, +inf +inf: ?inf nan, +inf nan: +inf nan,
        nan 0: nan ?0, nan nz: nan nan, {_NAN}""",
    "exp": f"""0 +0: 1 +0, fin +inf: nan nan, fin nan: nan nan, +inf +0: +inf +0,
        -inf fin: +0cis +0cis, +inf nz: +infcis +infcis, -inf +inf: ?0 ?0, +inf +inf: ?inf nan,
        -inf nan: ?0 ?0, +inf nan: ?inf nan, nan +0: nan +0, nan !0: nan nan, {_NAN}""",
    "expm1": f"""0 +0: ?0 +0, fin +inf: nan nan, fin nan: nan nan, +inf +0: +inf +0,
        -inf fin: -1 +0cis, +inf nz: +infcis +infcis, -inf +inf: -1 ?0, +inf +inf: ?inf nan,
        -inf nan: -1 ?0, +inf nan: ?inf nan, nan +0: nan +0, nan !0: nan nan, {_NAN}""",
    "log": f"""-0 +0: -inf pi, +0 +0: -inf +0, fin +inf: +inf pi/2, fin nan: nan nan,
        -inf pos: +inf pi, +inf pos: +inf +0, -inf +inf: +inf 3pi/4, +inf +inf: +inf pi/4,
        inf nan: +inf nan, nan fin: nan nan, nan +inf: +inf nan, {_NAN}""",
    "log1p": f"""-1 +0: -inf +0, fin +inf: +inf pi/2, fin nan: nan nan, -inf pos: +inf pi,
        +inf pos: +inf +0, -inf +inf: +inf 3pi/4, +inf +inf: +inf pi/4, inf nan: +inf nan,
        nan fin: nan nan, nan +inf: +inf nan, {_NAN}""",
    "sign": f"0 0: ?0 ?0, nan any: nan nan, any nan: nan nan, {_NAN}",
    "sinh": f"""+0 +0: +0 +0, +0 +inf: ?0 nan, +0 nan: ?0 nan, pos +inf: nan nan, pos nan: nan nan,
        +inf +0: +inf +0, +inf pos: +infcis +infcis, +inf +inf: ?inf nan, +inf nan: ?inf nan,
        nan +0: nan +0, nan nz: nan nan, {_NAN}""",
    "sqrt": f"""0 +0: +0 +0, any +inf: +inf +inf, fin nan: nan nan, -inf pos: +0 +inf,
        +inf pos: +inf +0, -inf nan: nan ?inf, +inf nan: +inf nan, nan fin: nan nan, {_NAN}""",
    "tanh": f"""+0 +0: +0 +0, nz +inf: nan nan, +0 +inf: +0 nan, nz nan: nan nan, +0 nan: +0 nan,
        +inf pos: 1 ?0, +inf +inf: 1 ?0, +inf nan: 1 ?0, nan +0: nan +0, nan nz: nan nan,
        {_NAN}""",
}  # fmt: skip

# f(-z) = -f(z), or f(z); all have f(conj z) = conj f(z).
ODD, EVEN = ["asinh", "atanh", "sinh", "tanh"], ["cosh"]
# f(z) = -i h(i z), but cos z = cosh(i z).
TURNED = {"asin": "asinh", "atan": "atanh", "sin": "sinh", "tan": "tanh", "cos": "cosh"}


def part(text: str, angle: float, imaginary: bool, tolerance: float) -> Test:
    """Whether one part of a result is what the notation says."""
    if text.endswith("cis"):
        turn = math.sin(angle) if imaginary else math.cos(angle)
        wanted = number(text[:-3]) * turn
        return lambda y: y == wanted and signed(y) == signed(wanted)
    if text[0] == "?":
        return lambda y: math.isclose(abs(y), number(text[1:]), rel_tol=tolerance)
    return expected(text, (), tolerance)
