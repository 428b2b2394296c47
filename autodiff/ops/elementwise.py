"""Elementwise arithmetic: sums, products, powers, roots, casts."""

from __future__ import annotations

from typing import Any

import numpy as np

from autodiff.errors import DTypeError, check_device
from autodiff.families import Elementwise, Function, elementwise_function
from autodiff.node import SCALARS, Aval
from autodiff.primitive import Case, In
from autodiff.registry import FUNCTIONS, PRIMITIVES, public
from autodiff.tensor import Tensor, apply, raw, wrap

__all__ = [
    "abs",
    "add",
    "astype",
    "divide",
    "floor_divide",
    "multiply",
    "negative",
    "positive",
    "power",
    "reciprocal",
    "remainder",
    "sqrt",
    "square",
    "subtract",
]

ANY = (-2.0, 2.0)
POSITIVE = (0.2, 2.0)


class Add(Elementwise):
    """Sum of two operands, entry by entry: ``a + b``.

    Operands broadcast; dtypes are promoted as in NumPy.

    >>> import autodiff as ad
    >>> ad.add(ad.tensor([1.0, 2.0]), 1)
    Tensor([2., 3.])
    """

    name = "add"
    kernel = np.add
    partials = (1, 1)
    intervals = (ANY, ANY)


class Subtract(Elementwise):
    """Difference of two operands, entry by entry: ``a - b``.

    >>> import autodiff as ad
    >>> ad.subtract(ad.tensor([1.0, 2.0]), 1)
    Tensor([0., 1.])
    """

    name = "subtract"
    kernel = np.subtract
    partials = (1, -1)
    intervals = (ANY, ANY)


class Multiply(Elementwise):
    """Product of two operands, entry by entry: ``a * b``.

    >>> import autodiff as ad
    >>> ad.multiply(ad.tensor([1.0, 2.0]), 3)
    Tensor([3., 6.])
    """

    name = "multiply"
    kernel = np.multiply
    products = (lambda g, b: g * b, lambda g, a: g * a)
    intervals = (ANY, ANY)


class Divide(Elementwise):
    r"""True quotient, entry by entry.

    .. math:: y = a / b, \quad \partial y/\partial a = 1/b, \quad \partial y/\partial b = -y/b

    >>> import autodiff as ad
    >>> ad.divide(ad.tensor([1.0, 2.0]), 4)
    Tensor([0.25, 0.5 ])
    """

    name = "divide"
    kernel = np.divide
    products = (lambda g, b: g / b, lambda g, y, b: -(g * y) / b)
    intervals = (ANY, POSITIVE)


class FloorDivide(Elementwise):
    """Largest integer at most the quotient: ``a // b``; its derivative is 0 between jumps.

    >>> import autodiff as ad
    >>> ad.floor_divide(ad.tensor([5.0, -5.0]), 2)
    Tensor([ 2., -3.])
    """

    name = "floor_divide"
    kernel = np.floor_divide
    partials = (0, 0)
    intervals = ((3.1, 3.9), (1.1, 1.4))


class Remainder(Elementwise):
    r"""Remainder with the sign of the divisor: ``a % b``.

    .. math:: y = a - b \lfloor a/b \rfloor, \quad \partial y/\partial a = 1,
              \quad \partial y/\partial b = -\lfloor a/b \rfloor

    >>> import autodiff as ad
    >>> ad.remainder(ad.tensor([5.0, -5.0]), 3)
    Tensor([2., 1.])
    """

    name = "remainder"
    kernel = np.remainder
    products = (lambda g: g, lambda g, a, b: -g * floor_divide(a, b))
    intervals = ((3.1, 3.9), (1.1, 1.4))


class Negative(Elementwise):
    """Each entry with the other sign: ``-x``.

    >>> import autodiff as ad
    >>> ad.negative(ad.tensor([1.0, -2.0]))
    Tensor([-1.,  2.])
    """

    name = "negative"
    kernel = np.negative
    partials = (-1,)
    intervals = (ANY,)


class Positive(Elementwise):
    """Each entry as it is: ``+x``.

    >>> import autodiff as ad
    >>> ad.positive(ad.tensor([1.0, -2.0]))
    Tensor([ 1., -2.])
    """

    name = "positive"
    kernel = np.positive
    partials = (1,)
    intervals = (ANY,)


class Abs(Elementwise):
    r"""Absolute value.

    .. math:: y = |x|, \qquad dy/dx = \operatorname{sign} x

    At 0 the derivative is 0, the subgradient of least norm. Of complex numbers the modulus, with
    gradient :math:`x / |x|`.

    >>> import autodiff as ad
    >>> ad.abs(ad.tensor([1.0, -2.0]))
    Tensor([1., 2.])
    """

    name = "abs"
    kernel = np.abs
    products = (lambda g, x: g * _unit(x),)
    intervals = (ANY,)
    special = (0.0, 1e4, -1e4)


def _unit(x: Any) -> Any:
    unit = FUNCTIONS["sign"](x)
    return FUNCTIONS["conj"](unit) if unit.dtype.kind == "c" else unit


def _power(a: Any, b: Any, out: Any = None) -> Any:
    # The operator has fast paths for the exponents 2, 1/2 and -1 that the ufunc lacks.
    if out is not None:
        return np.power(a, b, out=out)
    return np.power(a, b) if type(a) in SCALARS else a**b


def _power_base(g: Any, a: Any, b: Any) -> Any:
    # b * a**(b - 1), but 0 where 0 * a**-1 would be NaN, as at a = b = 0.
    if type(b) in SCALARS:
        return FUNCTIONS["zeros_like"](g) if b == 0 else g * (b * a ** (b - 1))
    zero = (raw(b) == 0) & ~(np.abs(raw(a)) > 0)
    return g * FUNCTIONS["where"](zero, 0, b * a ** FUNCTIONS["where"](zero, 1, b - 1))


def _power_exponent(g: Any, y: Any, a: Any, b: Any) -> Any:
    # y * log(a) is 0 * -inf at a = 0; for b > 0 the limit is 0.
    if y.dtype.kind == "c":
        a = astype(np.asarray(a) if type(a) in SCALARS else a, y.dtype)  # may be negative
    zero = (raw(a) == 0) & (raw(b) > 0)
    slope = FUNCTIONS["log"](FUNCTIONS["where"](zero, 1, a) if np.any(zero) else a)
    # The logarithm of a Python number is float64, whatever the exponent is.
    return g * y * (astype(slope, y.dtype) if type(a) in SCALARS else slope)


class Power(Elementwise):
    r"""First operand to the power of the second: ``a ** b``.

    .. math:: y = a^b, \quad \partial y/\partial a = b\,a^{b-1},
              \quad \partial y/\partial b = y \ln a

    For b = 0 the derivative by a is 0, and at a = 0 the derivative by b is 0 where b > 0.

    >>> import autodiff as ad
    >>> ad.power(ad.tensor([1.0, 3.0]), 2)
    Tensor([1., 9.])
    """

    name = "power"
    kernel = staticmethod(_power)
    like = np.power
    products = (_power_base, _power_exponent)
    intervals = (POSITIVE, ANY)


class Square(Elementwise):
    """Each entry times itself: ``x * x``.

    >>> import autodiff as ad
    >>> ad.square(ad.tensor([1.0, -3.0]))
    Tensor([1., 9.])
    """

    name = "square"
    kernel = np.square
    products = (lambda g, x: g * (2 * x),)
    intervals = (ANY,)


class Sqrt(Elementwise):
    r"""Square root.

    .. math:: y = \sqrt{x}, \qquad dy/dx = 1/(2y)

    The derivative is infinite at 0 and NaN below.

    >>> import autodiff as ad
    >>> ad.sqrt(ad.tensor([4.0, 9.0]))
    Tensor([2., 3.])
    """

    name = "sqrt"
    kernel = np.sqrt
    products = (lambda g, y: 0.5 * g / y,)
    intervals = (POSITIVE,)


class Reciprocal(Elementwise):
    r"""One over each entry.

    .. math:: y = 1/x, \qquad dy/dx = -y^2

    >>> import autodiff as ad
    >>> ad.reciprocal(ad.tensor([4.0, 0.5]))
    Tensor([0.25, 2.  ])
    """

    name = "reciprocal"
    kernel = np.reciprocal
    products = (lambda g, y: -g * (y * y),)
    intervals = (POSITIVE,)


def _cast(g: Any, dtype: np.dtype[Any]) -> Any:
    """A cotangent or tangent in another dtype; of a real value's, the real part."""
    return astype(FUNCTIONS["real"](g) if g.dtype.kind == "c" != dtype.kind else g, dtype)


class Astype(Elementwise):
    """The same values in another dtype; the cotangent goes back in the operand's own."""

    name = "astype"
    kernel = staticmethod(lambda x, *, dtype: np.asarray(x).astype(dtype))
    reference = staticmethod(lambda x, *, dtype: np.astype(x, dtype))
    products = (lambda g, x_aval, *, dtype: _cast(g, np.dtype(x_aval.dtype)),)
    intervals = (ANY,)
    cases = (
        Case((In((2, 3)),), {"dtype": np.dtype(np.float64)}),
        Case((In(()),), {"dtype": np.dtype(np.float64)}),
        Case((In((2, 3)),), {"dtype": np.dtype(np.complex128)}),
    )

    def __init__(self) -> None:
        super().__init__()
        assert self.pulls is not None and self.pulls[0] is not None
        self.pulls = (self.pulls[0]._replace(exact=True),)
        # The tangent has the dtype of the output, not that of the operand.
        self.pushes = (self.pulls[0]._replace(function=lambda t, x, *, dtype: _cast(t, dtype)),)

    def infer(self, *avals: Any, **params: Any) -> Aval:
        return Aval(avals[0].shape, params["dtype"])


add: Function = elementwise_function(Add)
subtract: Function = elementwise_function(Subtract)
multiply: Function = elementwise_function(Multiply)
divide: Function = elementwise_function(Divide)
floor_divide: Function = elementwise_function(FloorDivide)
remainder: Function = elementwise_function(Remainder)
negative: Function = elementwise_function(Negative)
positive: Function = elementwise_function(Positive)
abs: Function = elementwise_function(Abs)
power: Function = elementwise_function(Power)
square: Function = elementwise_function(Square)
sqrt: Function = elementwise_function(Sqrt)
reciprocal: Function = elementwise_function(Reciprocal)


@public
def astype(x: Any, dtype: Any, /, *, copy: bool = True, device: Any = None) -> Any:
    """The same values in another dtype; the gradient comes back in the dtype of ``x``.

    ``copy`` False gives ``x`` itself where it has the dtype. ``device`` is "cpu" or None.

    Raises
    ------
    DTypeError
        ``dtype`` is not one of numbers or bools.

    >>> import autodiff as ad
    >>> ad.astype(ad.tensor([1.5, 2.5]), "float32")
    Tensor([1.5, 2.5], dtype=float32)
    """
    wanted = np.dtype(dtype)
    if wanted.kind not in "biufc":
        raise DTypeError(f"astype: expected a dtype of numbers, got {wanted}")
    check_device("astype", device)
    if isinstance(x, Tensor) and x.dtype == wanted:
        if not copy:
            return x
        # A handle of its own: x[i] = v on the result leaves x alone.
        return wrap(x._data, x.node)
    return apply(PRIMITIVES["astype"], x, dtype=wanted)
