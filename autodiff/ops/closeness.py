"""Whether arrays are equal, or close to it, and membership: truth values without derivative."""

from __future__ import annotations

from typing import Any

import numpy as np

from autodiff.batched import each_example
from autodiff.ops.comparison import equal, isfinite, isnan, less_equal, logical_and, logical_or
from autodiff.ops.discrete import all as all_true
from autodiff.ops.elementwise import abs as absolute
from autodiff.ops.movement import as_array, values_of
from autodiff.registry import public

__all__ = ["allclose", "array_equal", "isclose", "isin"]


@public
def isclose(a: Any, b: Any, rtol: Any = 1e-5, atol: Any = 1e-8, equal_nan: bool = False) -> Any:
    r"""Whether entries are equal up to tolerances (``numpy.isclose``).

    .. math:: |a - b| \le \mathrm{atol} + \mathrm{rtol}\,|b|

    Infinities are close to themselves, NaNs with ``equal_nan``. No gradient passes.

    >>> import autodiff as ad
    >>> ad.isclose(ad.tensor([1.0, 2.0]), [1.0 + 1e-9, 2.1])
    Tensor([ True, False])
    """
    a, b = as_array(a), as_array(b)
    with np.errstate(invalid="ignore"):
        near = less_equal(absolute(a - b), atol + rtol * absolute(b))
    close = logical_or(logical_and(near, isfinite(b)), equal(a, b))
    return logical_or(close, logical_and(isnan(a), isnan(b))) if equal_nan else close


@public
def allclose(a: Any, b: Any, rtol: Any = 1e-5, atol: Any = 1e-8, equal_nan: bool = False) -> bool:
    """Whether all entries are close, as a bool of Python (``numpy.allclose``; see ``isclose``).

    >>> import autodiff as ad
    >>> ad.allclose(ad.tensor([1.0, 2.0]), [1.0, 2.0 + 1e-9])
    True
    """
    return bool(all_true(isclose(a, b, rtol, atol, equal_nan)))


@public
def array_equal(a: Any, b: Any, equal_nan: bool = False) -> bool:
    """Whether two arrays have one shape and equal entries, as a bool (``numpy.array_equal``).

    >>> import autodiff as ad
    >>> ad.array_equal(ad.tensor([1.0, 2.0]), [1.0, 2.0])
    True
    """
    return bool(np.array_equal(values_of(as_array(a)), values_of(as_array(b)), equal_nan))


@public
def isin(element: Any, test_elements: Any, *, invert: bool = False) -> Any:
    """Whether each entry is among others (``numpy.isin``). No gradient passes.

    >>> import autodiff as ad
    >>> ad.isin(ad.tensor([1.0, 2.0]), [2.0, 3.0])
    Tensor([False,  True])
    """
    x, others = as_array(element), as_array(test_elements)
    return each_example(lambda a, b: np.isin(a, b, invert=invert), x, others)
