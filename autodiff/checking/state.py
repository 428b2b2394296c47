"""What a model carries from call to call: random numbers and running statistics."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

from autodiff.ops.noise import generator as shared_generator
from autodiff.tensor import Tensor


class State:
    """Generators and running values of modules; each evaluation starts from what they were here.

    Found are: NumPy's global generator and that of ``ad.random``; generators that a module holds,
    or that its package gives by ``generator()``; and arrays, numbers and Tensors without gradient
    among the attributes of all modules that ``named_modules()`` lists.
    """

    def __init__(self, *sources: Any) -> None:
        self.modules = [m for source in sources for m in _modules(source)]
        self.generators: list[tuple[np.random.Generator, Any]] = []
        for generator in _generators(self.modules):
            if all(generator is not known for known, _ in self.generators):
                self.generators.append((generator, generator.bit_generator.state))
        self.legacy = np.random.get_state()
        self.attributes = [(m, _running(m)) for m in self.modules]

    def restore(self) -> None:
        """Put everything back."""
        np.random.set_state(self.legacy)
        for generator, state in self.generators:
            generator.bit_generator.state = state
        for module, values in self.attributes:
            for name, (value, data) in values.items():
                vars(module)[name] = value
                if isinstance(value, Tensor):
                    value._data = data
                elif isinstance(value, np.ndarray) and value.flags.writeable:
                    np.copyto(value, data)


def _modules(source: Any) -> list[Any]:
    named = getattr(source, "named_modules", None)
    found = list(dict(named()).values()) if callable(named) else []
    if hasattr(source, "__dict__") and not isinstance(source, type):
        found.append(source)
    return found


def _generators(modules: list[Any]) -> list[np.random.Generator]:
    found = [shared_generator()]
    for module in modules:
        found += [v for v in vars(module).values() if isinstance(v, np.random.Generator)]
        if not hasattr(module, "named_modules"):
            continue
        for kind in type(module).__mro__:
            package = sys.modules.get(kind.__module__.partition(".")[0])
            give = getattr(package, "generator", None)
            shared = give() if callable(give) else None
            if isinstance(shared, np.random.Generator):
                found.append(shared)
    return found


def _running(module: Any) -> dict[str, tuple[Any, Any]]:
    """Attributes that a call may change, with copies of what can be written to in place."""
    values: dict[str, tuple[Any, Any]] = {}
    for name, value in vars(module).items():
        if isinstance(value, Tensor) and not value.requires_grad:
            values[name] = (value, value._data)
        elif isinstance(value, np.ndarray):
            values[name] = (value, value.copy())
        elif type(value) in (int, float, bool):
            values[name] = (value, value)
    return values
