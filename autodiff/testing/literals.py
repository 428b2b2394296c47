"""Values as Python expressions: what a failure prints, so that it can be pasted and run."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from autodiff.tensor import Tensor

__all__ = ["literal"]

PLAIN = (int, bool, str, bytes, type(None), type(Ellipsis))


Name = Callable[[Any], "str | None"]


def literal(value: Any, name: Name = lambda array: None) -> str:
    """A Python expression for a value, exact to the last bit.

    The expression may use the names ``np`` (NumPy) and ``ad`` (autodiff).

    Parameters
    ----------
    value : Tensor, ndarray, number, str, None, slice, dtype, or tuples, lists and dicts of them
    name : callable, optional
        Gives the expression to use for an array, or None for its numbers.

    Raises
    ------
    TypeError
        Another type, a subclass of a container included: there is no expression for it.

    >>> import numpy as np
    >>> from autodiff.testing import literal
    >>> literal({"x": np.float32([0.1, np.inf]), "n": (2,)})
    "{'x': np.array([0.10000000149011612, np.inf], dtype='float32'), 'n': (2,)}"
    """
    if isinstance(value, Tensor):
        grad = ", requires_grad=True" if value.requires_grad else ""
        label = f", name={value.name!r}" if value.name else ""
        return f"ad.tensor({literal(value.numpy(), name)}{grad}{label})"
    if type(value) is np.ndarray:
        return name(value) or _array(value)
    if isinstance(value, np.generic) and not isinstance(value.item(), np.generic):
        return f"np.{type(value).__name__}({literal(value.item())})"
    if isinstance(value, np.dtype):
        return f"np.dtype({value.name!r})"
    if type(value) is float:
        return _float(value)
    if type(value) is complex:
        return f"complex({_float(value.real)}, {_float(value.imag)})"
    if type(value) is slice:
        return f"slice({', '.join(map(literal, (value.start, value.stop, value.step)))})"
    if type(value) in PLAIN:
        return "..." if value is Ellipsis else repr(value)
    if type(value) in (tuple, list, dict):
        return _container(value, name)
    raise TypeError(f"literal: no expression for a {type(value).__name__}")


def _float(value: float) -> str:
    if math.isfinite(value):
        return repr(value)
    return "np.nan" if math.isnan(value) else "np.inf" if value > 0 else "-np.inf"


def _container(value: Any, name: Name) -> str:
    if isinstance(value, dict):
        return f"{{{', '.join(f'{literal(k)}: {literal(v, name)}' for k, v in value.items())}}}"
    inside = ", ".join(literal(v, name) for v in value)
    if isinstance(value, list):
        return f"[{inside}]"
    return f"({inside},)" if len(value) == 1 else f"({inside})"


def _array(value: Any) -> str:
    if value.dtype.kind not in "biufc":
        raise TypeError(f"literal: no expression for an array of {value.dtype}")
    if value.size == 0:
        return f"np.zeros({value.shape}, dtype={value.dtype.name!r})"
    return f"np.array({literal(value.tolist())}, dtype={value.dtype.name!r})"
