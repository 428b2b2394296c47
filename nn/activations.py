"""Activation functions by name. The functions themselves are ``autodiff``'s."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from typing import Any

import autodiff as ad

__all__ = ["NAMES", "get", "name_of"]

NAMES = (
    "elu",
    "gelu",
    "hard_tanh",
    "leaky_relu",
    "log_softmax",
    "mish",
    "relu",
    "selu",
    "sigmoid",
    "silu",
    "softmax",
    "softplus",
    "softsign",
    "tanh",
)


def get(activation: str | Callable[..., Any]) -> Callable[..., Any]:
    """The function of a name; a function is given back as it is.

    Raises
    ------
    ValueError
        No activation has this name; the message lists the names.
    TypeError
        Neither a name nor a function.

    >>> import autodiff as ad
    >>> from nn import activations
    >>> activations.get("tanh") is ad.tanh
    True
    """
    if isinstance(activation, str):
        if activation not in NAMES:
            close = difflib.get_close_matches(activation.lower(), NAMES, 1)
            hint = f"; did you mean {close[0]!r}?" if close else "."
            raise ValueError(
                f"no activation is named {activation!r}{hint} The names are {', '.join(NAMES)}; "
                "a function of one argument does as well"
            )
        function: Callable[..., Any] = getattr(ad, activation)
        return function
    if not callable(activation):
        raise TypeError(
            f"an activation is a name or a function, got {activation!r} "
            f"({type(activation).__name__})"
        )
    return activation


def name_of(activation: str | Callable[..., Any] | None) -> str:
    """The name to show for an activation; empty for None.

    >>> import autodiff as ad
    >>> from nn import activations
    >>> activations.name_of("relu"), activations.name_of(ad.tanh), activations.name_of(None)
    ('relu', 'tanh', '')
    """
    if activation is None or isinstance(activation, str):
        return activation or ""
    return getattr(activation, "__name__", type(activation).__name__)
