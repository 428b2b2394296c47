"""The names that the array API standard has for functions which NumPy first called otherwise.

Reference: Python array API standard, 2024.12.
"""

from __future__ import annotations

from autodiff.ops.comparison import invert
from autodiff.ops.elementwise import power
from autodiff.ops.integers import left_shift, right_shift
from autodiff.ops.joining import concatenate
from autodiff.ops.trigonometric import (
    arccos,
    arccosh,
    arcsin,
    arcsinh,
    arctan,
    arctan2,
    arctanh,
)

acos, acosh, asin, asinh = arccos, arccosh, arcsin, arcsinh
atan, atan2, atanh = arctan, arctan2, arctanh
bitwise_invert, bitwise_left_shift, bitwise_right_shift = invert, left_shift, right_shift
concat = concatenate
pow = power

__all__ = [
    *("acos", "acosh", "asin", "asinh", "atan", "atan2", "atanh"),
    *("bitwise_invert", "bitwise_left_shift", "bitwise_right_shift", "concat", "pow"),
]
