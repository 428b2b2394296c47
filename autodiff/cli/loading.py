"""MODULE:FUNCTION and the inputs for it."""

from __future__ import annotations

import importlib
import inspect
import os
import re
import sys
import traceback
from types import ModuleType
from typing import Any

import numpy as np

from autodiff.tensor import Tensor

__all__ = ["Usage", "load_function", "load_inputs"]


class Usage(Exception):
    """What is wrong with a command, in one sentence for its user."""


def load_function(text: str) -> tuple[Any, ModuleType]:
    """The callable that ``MODULE:FUNCTION`` names, and its module.

    Modules are looked for in the current directory first. FUNCTION may have dots.

    Raises
    ------
    Usage
        No such module or function, or an error while the module was imported.

    >>> from autodiff.cli.loading import load_function
    >>> load_function("math:sqrt")[0](4.0)
    2.0
    """
    name, colon, path = text.partition(":")
    if not (name and colon and path):
        raise Usage(f"expected MODULE:FUNCTION, got {text!r}")
    if name.endswith(".py"):
        raise Usage(f"expected the name of a module, {name.removesuffix('.py')!r}, got {name!r}")
    here = os.getcwd()
    if here not in sys.path:
        sys.path.insert(0, here)
    module = _import(name, here)
    found: Any = module
    for part in path.split("."):
        if not hasattr(found, part):
            raise Usage(f"module {name!r} has no {path!r}; it has {_callables(module)}")
        found = getattr(found, part)
    if not callable(found) or isinstance(found, type):
        raise Usage(f"{text} is a {type(found).__name__}, expected a function or a module object")
    return found, module


def _import(name: str, here: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name and (name == error.name or name.startswith(f"{error.name}.")):
            raise Usage(f"no module {name!r}: neither in {here} nor installed") from None
        raise Usage(f"importing {name!r} failed: {last_line(error)}") from error
    except Exception as error:
        raise Usage(f"importing {name!r} failed: {last_line(error)}") from error


def _callables(module: ModuleType) -> str:
    own = [
        key
        for key, value in vars(module).items()
        if callable(value)
        and not key.startswith("_")
        and getattr(value, "__module__", None) == module.__name__
    ]
    return ", ".join(own) or "no function of its own"


def last_line(error: BaseException) -> str:
    """An exception in one line, with the place where it was raised.

    >>> from autodiff.cli.loading import last_line
    >>> last_line(ValueError("no"))
    'ValueError: no'
    """
    frames = traceback.extract_tb(error.__traceback__)
    place = f" ({frames[-1].filename}:{frames[-1].lineno})" if frames else ""
    return "".join(traceback.format_exception_only(error)).strip() + place


def load_inputs(function: Any, module: ModuleType, file: str | None) -> tuple[Any, ...]:
    """The arguments: from a file of ``numpy.savez``, the function's own, or the module's.

    Without a file, ``function.inputs`` or else ``module.inputs`` is taken: a tuple of arguments, a
    dict by the names of parameters, a single argument, or a function without arguments that returns
    one of these.

    Raises
    ------
    Usage
        There are none, or they are not for this function.
    """
    if file is not None:
        return _arrange(function, _read(file), file)
    label = f"{module.__name__}.inputs"
    found = getattr(function, "inputs", None)
    if found is None:
        found = getattr(module, "inputs", None)
    if found is None:
        raise Usage(
            f"no inputs: give --inputs FILE.npz, or define a function inputs() in "
            f"{module.__name__} that returns them as a tuple"
        )
    if callable(found) and not isinstance(found, Tensor):
        try:
            found = found()
        except Exception as error:
            raise Usage(f"{label}() failed: {last_line(error)}") from error
    if isinstance(found, dict):
        return _arrange(function, found, label)
    return found if isinstance(found, tuple) else (found,)


def _read(file: str) -> dict[str, Any]:
    try:
        loaded = np.load(file, allow_pickle=False)
    except (OSError, ValueError) as error:
        raise Usage(f"cannot read {file!r}: {error}") from None
    if not isinstance(loaded, np.lib.npyio.NpzFile):
        raise Usage(
            f"{file!r} holds one array, expected a .npz file: numpy.savez(FILE, x=..., ...)"
        )
    with loaded:
        try:
            return {key: loaded[key] for key in loaded.files}
        except ValueError as error:
            raise Usage(f"cannot read {file!r}: {error}") from None


def _arrange(function: Any, found: dict[str, Any], source: str) -> tuple[Any, ...]:
    """Named values in the order of the function's parameters; unnamed ones in their own."""
    if all(re.fullmatch(r"arr_\d+", key) for key in found):  # numpy.savez(file, a, b)
        return tuple(found[key] for key in sorted(found, key=lambda key: int(key[4:])))
    try:
        signature = inspect.signature(getattr(function, "forward", function))
    except (TypeError, ValueError):
        return tuple(found.values())
    parameters = signature.parameters.values()
    if any(p.kind is p.VAR_POSITIONAL for p in parameters):
        return tuple(found.values())
    names = [p.name for p in parameters]
    needed = {p.name for p in parameters if p.default is p.empty}
    if not needed <= set(found) <= set(names):
        raise Usage(
            f"{source} holds {', '.join(found) or 'nothing'}, and the parameters of the function "
            f"are {', '.join(names) or 'none'}"
        )
    given = [name for name in names if name in found]
    if given != names[: len(given)]:
        raise Usage(
            f"{source} leaves out {names[0]}, but parameters may be left out at the end only"
        )
    return tuple(found[name] for name in given)
