"""The errors of the framework: what was given, what was expected, what to do.

Each one is also the built-in (or NumPy) error that a NumPy user would catch, so ``except
ValueError`` keeps working.
"""

from __future__ import annotations

import operator
import os
import sys
from types import FrameType
from typing import Any

import numpy as np

from autodiff.recording import current


class _Placed(Exception):
    """An error that says where in the user's program it came up: module path, file and line."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.place = where_it_happened()

    def __str__(self) -> str:
        return f"{self.args[0]}{self.place}"


class ShapeError(_Placed, ValueError):
    """Operands whose shapes do not fit together."""


class DTypeError(_Placed, TypeError):
    """An operand whose dtype the operation cannot take."""


class LinAlgError(ShapeError, np.linalg.LinAlgError):
    """Matrices that linear algebra cannot take: not square, singular, not positive definite."""


class AxisError(_Placed, np.exceptions.AxisError):
    """An axis that the operand does not have."""


class IndexingError(_Placed, IndexError):
    """An index that the operand does not have."""


class GradientError(_Placed, RuntimeError):
    """A gradient that was asked for and does not exist."""


class UnsupportedError(_Placed, TypeError):
    """A NumPy function called on a Tensor that has no counterpart which knows its derivative."""


class VmapError(_Placed, TypeError):
    """One value asked of a Tensor that holds one for each example of a batch, inside ``vmap``."""


_PACKAGES = (
    *(
        os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), package, "")
        for package in ("autodiff", "nn")
    ),
    os.path.join(os.path.dirname(os.path.abspath(np.__file__)), ""),  # which calls __array__
    "<frozen ",  # what runs `python -m autodiff`
)


def user_frame() -> tuple[str, int] | None:
    """File and line of the innermost call that is not the framework's own, or NumPy's."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        filename = frame.f_code.co_filename
        if filename == "<string>":  # of a dataclass's __init__, or of `python -c`
            filename = frame.f_globals.get("__file__", filename)
        if not filename.startswith(_PACKAGES):
            return frame.f_code.co_filename, frame.f_lineno
        frame = frame.f_back
    return None


def where_it_happened() -> str:
    """The end of an error message: module path and source line."""
    place, scope = user_frame(), current().scope
    text = f", in {'.'.join(scope)}" if scope else ""
    return text + (f", at {place[0]}:{place[1]}" if place else "")


def check_device(name: str, device: Any) -> None:
    """Raise ValueError for another device than the CPU, where all arrays are."""
    if device is not None and device != "cpu":
        raise ValueError(f"{name}: the only device is 'cpu', got {device!r}")


def normalize_axis(name: str, axis: Any, ndim: int) -> int:
    """A non-negative axis, or an AxisError that names the operation."""
    try:
        position = operator.index(axis)
    except TypeError:
        raise DTypeError(f"{name}: an axis is an integer, got {axis!r}") from None
    if not -ndim <= position < ndim:
        raise AxisError(
            f"{name}: axis {position} is out of bounds for an operand with {ndim} axes "
            f"(expected {-ndim} <= axis < {ndim})"
        )
    return position % ndim


def normalize_axes(name: str, axis: Any, ndim: int) -> tuple[int, ...]:
    """Non-negative axes without repetition; None means all of them."""
    if axis is None:
        return tuple(range(ndim))
    axes = tuple(axis) if isinstance(axis, (tuple, list)) else (axis,)
    axes = tuple(normalize_axis(name, a, ndim) for a in axes)
    if len(set(axes)) != len(axes):
        raise AxisError(f"{name}: axis {axis} names an axis twice")
    return axes
