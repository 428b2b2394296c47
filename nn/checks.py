"""Checks of arguments that several parts share."""

from __future__ import annotations

import operator
from typing import Any

__all__ = ["whole_number"]


def whole_number(what: str, value: Any, least: int = 1) -> int:
    """``value`` as an int that is not below ``least``.

    Raises
    ------
    TypeError
        Not a whole number; 2.0 is none either.
    ValueError
        Below ``least``.

    >>> from nn.checks import whole_number
    >>> whole_number("Dense: in_features", 64)
    64
    """
    try:
        number = operator.index(value)
    except TypeError:
        raise TypeError(f"{what} is a whole number, got {value!r}") from None
    if number < least:
        raise ValueError(f"{what} is at least {least}, got {number}")
    return number
