"""Functions as Python source, with what they read from elsewhere: for replays of failures."""

from __future__ import annotations

import ast
import functools
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import Any

import numpy as np

from autodiff.registry import FUNCTIONS
from autodiff.testing.literals import literal
from autodiff.testing.program import Program
from autodiff.transforms.custom import custom_vjp

__all__ = ["Source"]

# Names that a replay uses itself: nothing else may be defined under them.
RESERVED = {"np": np, "ad": sys.modules["autodiff"], "inputs": object(), "saved": object()}
Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda


class Source:
    """Lines of Python that define names, each once.

    ``imports`` stand first, then ``lines``. A value that has no source raises TypeError, which says
    so.

    >>> from autodiff.testing.sources import Source
    >>> source = Source()
    >>> source.define("k", 3)
    >>> source.lines
    ['k = 3']
    """

    def __init__(self) -> None:
        self.imports = ["import numpy as np", "import autodiff as ad"]
        self.lines: list[str] = []
        self._known: dict[str, Any] = dict(RESERVED)

    def define(self, name: str, value: Any) -> None:
        """Add what makes ``name`` stand for ``value``."""
        if name in self._known:
            if self._known[name] is not value:
                raise TypeError(f"source: {name!r} stands for two different values")
            return
        self._known[name] = value
        if isinstance(value, ModuleType):
            self._import(f"import {value.__name__} as {name}")
        elif isinstance(value, Program):
            self.lines += [*repr(value).splitlines(), f"{name} = program"]
        elif callable(value):
            self._callable(name, value)
        else:
            self.lines.append(f"{name} = {literal(value)}")

    def _import(self, line: str) -> None:
        if line not in self.imports:
            self.imports.append(line)

    def _callable(self, name: str, value: Any) -> None:
        own = getattr(value, "__name__", "")
        if FUNCTIONS.get(own) is value:
            self.lines.append(f"{name} = ad.{own}")
        elif (found := _in_module(value)) is not None:
            self._from_module(name, *found)
        elif isinstance(value, custom_vjp) and value.rule is not None:
            self.define(f"{name}_function", value.function)
            self.define(f"{name}_rule", value.rule)
            self.lines.append(f"{name} = ad.custom_vjp({name}_function)")
            self.lines.append(f"{name}.defvjp({name}_rule)")
        elif isinstance(value, functools.partial):
            self._import("from functools import partial")
            self.define(f"{name}_function", value.func)
            parts = [f"{name}_function", *map(literal, value.args)]
            parts += [f"{key}={literal(v)}" for key, v in value.keywords.items()]
            self.lines.append(f"{name} = partial({', '.join(parts)})")
        elif isinstance(value, FunctionType):
            self._local(name, value)
        else:
            raise TypeError(f"source: no source for {type(value).__name__} objects")

    def _from_module(self, name: str, module: ModuleType, path: str) -> None:
        """A value that is found in a module, imported where that is possible, else run anew."""
        file = getattr(module, "__file__", None)
        if file is None:
            if module.__name__ == "__main__":
                raise TypeError(f"source: {path} was defined in a session")
            self._import(f"import {module.__name__}")
            self.lines.append(f"{name} = {module.__name__}.{path}")
            return
        root = _root(module.__name__, Path(file))
        if root is None:
            self._import("from runpy import run_path")
            head, _, rest = path.partition(".")
            tail = f".{rest}" if rest else ""
            self.lines.append(f"{name} = run_path({str(Path(file).resolve())!r})[{head!r}]{tail}")
            return
        if "site-packages" not in root.parts:
            self._import("import sys")
            self._import(f"sys.path.insert(0, {str(root)!r})")
        self._import(f"import {module.__name__}")
        self.lines.append(f"{name} = {module.__name__}.{path}")

    def _local(self, name: str, function: FunctionType) -> None:
        node, text = _definition(function)
        defaults = [*node.args.defaults, *(d for d in node.args.kw_defaults if d is not None)]
        if not all(isinstance(d, ast.Constant) for d in defaults):
            raise TypeError(f"source: {name} has defaults that are no constants")
        for free, value in _free(function):
            # What a function calls by its own name is itself.
            if value is not function:
                self._free(free, value, function)
        if isinstance(node, ast.Lambda):
            self.lines.append(f"{name} = {text}" if "\n" not in text else f"{name} = ({text})")
            return
        if (future := "from __future__ import annotations") not in self.imports:
            self.imports.insert(0, future)  # annotations may name what is not defined here
        self.lines += ["", *text.splitlines(), ""]
        if node.name != name:
            self.lines.append(f"{name} = {node.name}")

    def _free(self, name: str, value: Any, function: FunctionType) -> None:
        try:
            self.define(name, value)
        except TypeError:
            module = sys.modules.get(function.__module__)
            if module is None or vars(module).get(name) is not value:
                raise
            self._from_module(name, module, name)


def _in_module(value: Any) -> tuple[ModuleType, str] | None:
    """The module that has a value under the value's own name, and that name."""
    module = sys.modules.get(getattr(value, "__module__", None) or "")
    path = getattr(value, "__qualname__", "<none>")
    if module is None or "<" in path:
        return None
    found: Any = module
    for part in path.split("."):
        found = getattr(found, part, None)
    return (module, path) if found is value else None


def _root(module: str, file: Path) -> Path | None:
    """The folder on the path from which ``file`` is imported as ``module``."""
    for entry in map(Path, sys.path):
        stem = entry.joinpath(*module.split("."))
        for candidate in (stem.with_suffix(".py"), stem / "__init__.py"):
            if candidate.is_file() and candidate.samefile(file):
                return entry.resolve()
    return None


def _names(code: CodeType) -> Iterator[str]:
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _names(constant)


def _free(function: FunctionType) -> list[tuple[str, Any]]:
    """What a function reads from around it: closed-over names and globals, with their values."""
    found: dict[str, Any] = {}
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
        try:
            found[name] = cell.cell_contents
        except ValueError:
            raise TypeError(f"source: {name!r} has no value yet") from None
    for name in _names(function.__code__):
        # pytest rewrites assertions to calls of names that begin with @.
        if name in function.__globals__ and not name.startswith("@"):
            found.setdefault(name, function.__globals__[name])
    return list(found.items())


def _definition(function: FunctionType) -> tuple[Definition, str]:
    """The syntax tree and the text of a function's definition, without decorators."""
    code = function.__code__
    try:
        text = Path(code.co_filename).read_text(encoding="utf-8")
        tree = ast.parse(text)
    except (OSError, SyntaxError, ValueError):
        raise TypeError(f"source: the file of {function.__name__} cannot be read") from None
    kind = ast.Lambda if function.__name__ == "<lambda>" else ast.FunctionDef
    found = [n for n in ast.walk(tree) if isinstance(n, kind) and _holds(n, text, code)]
    if not found:
        raise TypeError(f"source: {function.__name__} is not in its file as it is here")
    node = min(found, key=lambda n: (n.end_lineno or 0) - n.lineno)
    if isinstance(node, ast.Lambda):
        return node, ast.get_source_segment(text, node) or ""
    lines = text.splitlines()[node.lineno - 1 : node.end_lineno]
    return node, textwrap.dedent("\n".join(lines))


def _holds(node: Any, text: str, code: CodeType) -> bool:
    """Whether all of a function's instructions come from the body of a definition."""
    if isinstance(node, ast.FunctionDef) and node.name != code.co_name:
        return False
    body = [node.body] if isinstance(node, ast.Lambda) else node.body
    first = (body[0].lineno, body[0].col_offset)
    last = (body[-1].end_lineno, body[-1].end_col_offset)
    # Instructions that stand for nothing in the text have an empty place.
    places = [p for p in code.co_positions() if None not in p and (p[0], p[2]) != (p[1], p[3])]
    return bool(places) and all(
        first <= (line, column) and (end, end_column) <= last
        for line, end, column, end_column in places
    )
