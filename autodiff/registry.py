"""The two tables that everything else reads: primitives and public functions, by name.

They fill themselves: a primitive enters when its class is created, a function when ``@public`` sees
it. The tables stand in a file of their own so that ``Tensor``'s methods can go by name and import
no operation.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from autodiff.primitive import Primitive

F = TypeVar("F", bound=Callable[..., Any])

PRIMITIVES: dict[str, Primitive] = {}
FUNCTIONS: dict[str, Callable[..., Any]] = {}


def public(function: F) -> F:
    """Enter a function, under its own name, among the public ones."""
    if function.__name__ in FUNCTIONS:
        raise TypeError(f"function {function.__name__!r} is defined twice")
    FUNCTIONS[function.__name__] = function
    return function
