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


class _Functions(dict[str, Callable[..., Any]]):
    """The functions that are loaded; one that is asked for by name and is not yet is."""

    def __missing__(self, name: str) -> Callable[..., Any]:
        load_all()
        if name not in self:
            raise KeyError(name)
        return self[name]

    def find(self, name: str) -> Callable[..., Any] | None:
        """The function of that name, or None."""
        if name not in self:
            load_all()
        return self.get(name)


PRIMITIVES: dict[str, Primitive] = {}
FUNCTIONS = _Functions()


def load_all() -> None:
    """Import the operations that are loaded only when one of them is named; see ``autodiff``."""


def public(function: F) -> F:
    """Enter a function, under its own name, among the public ones."""
    if function.__name__ in FUNCTIONS:
        raise TypeError(f"function {function.__name__!r} is defined twice")
    FUNCTIONS[function.__name__] = function
    return function
