"""Second names of functions: NumPy's, such as C or older versions have, and the array API's.

Reference: Python array API standard, 2024.12.
"""

from __future__ import annotations

from autodiff.ops.comparison import invert
from autodiff.ops.elementwise import abs, divide, power, remainder
from autodiff.ops.floats import deg2rad, rad2deg
from autodiff.ops.integers import left_shift, right_shift
from autodiff.ops.joining import concatenate
from autodiff.ops.reduction import max, min
from autodiff.ops.rounding import trunc
from autodiff.ops.trigonometric import (
    arccos,
    arccosh,
    arcsin,
    arcsinh,
    arctan,
    arctan2,
    arctanh,
)

__all__ = [
    *("absolute", "amax", "amin", "bitwise_not", "degrees", "fix", "mod", "radians", "true_divide"),
    *("acos", "acosh", "asin", "asinh", "atan", "atan2", "atanh"),
    *("bitwise_invert", "bitwise_left_shift", "bitwise_right_shift", "concat", "pow"),
]

absolute, amax, amin = abs, max, min
bitwise_not = invert
degrees, radians = rad2deg, deg2rad
fix = trunc
mod, true_divide = remainder, divide

acos, acosh, asin, asinh = arccos, arccosh, arcsin, arcsinh
atan, atan2, atanh = arctan, arctan2, arctanh
bitwise_invert, bitwise_left_shift, bitwise_right_shift = invert, left_shift, right_shift
concat, pow = concatenate, power
