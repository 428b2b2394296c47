"""NumPy's second names of functions, such as those that C or older versions have."""

from __future__ import annotations

from autodiff.ops.comparison import invert
from autodiff.ops.elementwise import abs, divide, remainder
from autodiff.ops.floats import deg2rad, rad2deg
from autodiff.ops.reduction import max, min
from autodiff.ops.rounding import trunc

__all__ = [
    "absolute",
    "amax",
    "amin",
    "bitwise_not",
    "degrees",
    "fix",
    "mod",
    "radians",
    "true_divide",
]

absolute, amax, amin = abs, max, min
bitwise_not = invert
degrees, radians = rad2deg, deg2rad
fix = trunc
mod, true_divide = remainder, divide
