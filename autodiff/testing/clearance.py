"""How far operands are from the kinks of an operation."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from autodiff.ops.pooling_kernels import axes_for, joined
from autodiff.ops.trilinear import last
from autodiff.registry import PRIMITIVES

__all__ = ["KINKS", "clearance"]

Array = np.ndarray[Any, Any]


def _integer(x: Any) -> Any:
    return np.abs(x - np.round(x))


def _tie(x: Any, axis: Any = None, **params: Any) -> Any:
    """The gap between the largest and the second largest along axes."""
    axes = range(x.ndim) if axis is None else np.atleast_1d(axis).astype(int) % max(x.ndim, 1)
    behind = tuple(int(a) for a in axes)
    moved = np.moveaxis(x, behind, range(x.ndim - len(behind), x.ndim))
    rows = moved.reshape(*moved.shape[: x.ndim - len(behind)], -1)
    if rows.shape[-1] < 2:
        return np.inf
    top = np.sort(rows, axis=-1)
    return top[..., -1] - top[..., -2]


def _tie_in_window(x: Any, **params: Any) -> Any:
    """The gaps between the largest entries of the windows of pooling and the others."""
    y = PRIMITIVES["max_pool"].kernel(x, **params)
    images, largest = last(x, params["layout"]), last(y, params["layout"])
    pairs = joined(axes_for("max_pool", x, params))
    gaps = np.concatenate([(largest[out] - images[size]).ravel() for out, size in pairs])
    return gaps[gaps > 0] if np.count_nonzero(gaps == 0) == y.size else 0.0


# The distance to the nearest kink of each primitive that has one where it is not at the edge of
# its domain; all other primitives are smooth where their cases are drawn from (a test scans them).
KINKS: dict[str, Callable[..., Any]] = {
    "abs": np.abs,
    "relu": np.abs,
    "sign": np.abs,
    "floor": _integer,
    "ceil": _integer,
    "trunc": _integer,
    "round": lambda x: _integer(x + 0.5),
    "floor_divide": lambda a, b: _integer(a / b),
    "remainder": lambda a, b: _integer(a / b),
    "fmod": lambda a, b: _integer(a / b),
    "copysign": lambda a, b: np.minimum(np.abs(a), np.abs(b)),
    "maximum": lambda a, b: np.abs(a - b),
    "minimum": lambda a, b: np.abs(a - b),
    "fmax": lambda a, b: np.abs(a - b),
    "fmin": lambda a, b: np.abs(a - b),
    "clip": lambda x, low, high: np.minimum(np.abs(x - low), np.abs(x - high)),
    "hypot": np.hypot,
    "max": _tie,
    "max_pool": _tie_in_window,
    "min": lambda x, **params: _tie(-x, **params),
    "norm": lambda x, axis=None, **params: np.sqrt(np.sum(x * x, axis=axis)),
}


def clearance(name: str, operands: Sequence[Any], params: dict[str, Any]) -> float:
    """The distance of operands to the nearest kink of an operation, in units of what is compared.

    >>> import numpy as np
    >>> from autodiff.testing.clearance import clearance
    >>> clearance("maximum", [np.array([1.0, 2.0]), np.array(1.75)], {})
    0.25
    >>> clearance("sin", [np.array(0.0)], {})
    inf
    """
    distance = KINKS.get(name)
    if distance is None:
        return np.inf
    return float(np.min(distance(*operands, **params), initial=np.inf))
