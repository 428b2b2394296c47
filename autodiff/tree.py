"""Nested containers: take the leaves out of tuples, lists, dicts and dataclasses, put others there.

A class of another kind takes part by a method ``__tree_flatten__() -> (parts, make)``: a dict of
named parts, and a function that makes a like object of a list of other parts.
"""

from __future__ import annotations

import copy
import dataclasses
import functools
from collections.abc import Callable, Sequence
from typing import Any

Rebuild = Callable[[list[Any]], Any]
Parts = tuple[Sequence[Any], Sequence[Any], Callable[[list[Any]], Any]]  # keys, values, make


def flatten(tree: Any, named: bool = False) -> tuple[list[Any], Rebuild]:
    """The leaves of ``tree`` in order, and a function that rebuilds its structure around others.

    With ``named``, the others are put into a dict of its parts in the place of an object that has
    ``__tree_flatten__``: what belongs to its parts, such as gradients, and is no such object.

    Tuples, named tuples, lists, dicts and dataclasses are structure, ``None`` is an empty one; all
    else is a leaf. Of a dataclass, the fields that hold no floating numbers, arrays or containers
    (a name, a size, a function) are structure too, and stay as they are.

    >>> leaves, rebuild = flatten({"a": 1, "b": (2, [3])})
    >>> leaves
    [1, 2, 3]
    >>> rebuild([x * 10 for x in leaves])
    {'a': 10, 'b': (20, [30])}
    """
    leaves: list[Any] = []
    structure = _take(tree, leaves, named)

    def rebuild(values: list[Any]) -> Any:
        if len(values) != len(leaves):
            raise ValueError(f"expected {len(leaves)} leaves, got {len(values)}")
        return structure(iter(values))

    return leaves, rebuild


def _take(tree: Any, leaves: list[Any], named: bool) -> Callable[[Any], Any]:
    opened = _opener(tree.__class__)
    if opened is None:
        if tree is None:
            return lambda values: None
        leaves.append(tree)
        return next
    keys, children, make = opened(tree)
    if named and opened is _open_own:
        make = lambda values: dict(zip(keys, values, strict=True))
    parts = [_take(child, leaves, named) for child in children]
    return lambda values: make([part(values) for part in parts])


@functools.lru_cache(maxsize=1024)
def _opener(cls: Any) -> Callable[[Any], Parts] | None:
    """What takes an object of a class apart; None for a leaf."""
    if issubclass(cls, dict):
        return _open_dict
    if issubclass(cls, (tuple, list)):
        return _open_named if hasattr(cls, "_fields") else _open_sequence
    if hasattr(cls, "__tree_flatten__"):
        return _open_own
    return _open_dataclass if dataclasses.is_dataclass(cls) else None


def _open_dict(tree: Any) -> Parts:
    keys = list(tree)
    return keys, [tree[key] for key in keys], lambda values: dict(zip(keys, values, strict=True))


def _open_sequence(tree: Any) -> Parts:
    return range(len(tree)), tree, type(tree)


def _open_named(tree: Any) -> Parts:
    return tree._fields, tree, lambda values: type(tree)(*values)


def _open_own(tree: Any) -> Parts:
    parts, make = tree.__tree_flatten__()
    return list(parts), list(parts.values()), make


def _open_dataclass(tree: Any) -> Parts:
    values = {f.name: getattr(tree, f.name) for f in dataclasses.fields(tree)}
    moving = [name for name, value in values.items() if _moves(value)]

    def make(parts: list[Any]) -> Any:
        # Not by the constructor: it may compute, and fields may not be among its arguments.
        new = copy.copy(tree)
        for name, value in zip(moving, parts, strict=True):
            object.__setattr__(new, name, value)
        return new

    return moving, [values[name] for name in moving], make


def _moves(value: Any) -> bool:
    if isinstance(value, (float, complex)) or hasattr(value, "dtype"):
        return True
    return _opener(value.__class__) is not None


def align(tree: Any, values: Any, what: str) -> list[Any]:
    """For each leaf of ``tree`` what stands in its place in ``values``; None there covers a part.

    >>> align({"a": 1, "b": (2, 3)}, {"a": 10, "b": None}, "values")
    [10, None, None]
    """
    if tree is None:
        return []
    if values is None:
        return [None] * len(flatten(tree)[0])
    opened = _opener(tree.__class__)
    if opened is None:
        return [values]
    keys, children, _ = opened(tree)
    other = _opener(values.__class__)
    names, parts, _ = ((), (), None) if other is None else other(values)
    if list(names) != list(keys):
        if set(names) != set(keys) or len(names) != len(keys):
            raise ValueError(
                f"{what}: expected the structure of {type(tree).__name__} with {list(keys)}, got "
                f"{type(values).__name__}" + (f" with {list(names)}" if other else "")
            )
        table = dict(zip(names, parts, strict=True))
        parts = [table[key] for key in keys]
    pairs = zip(children, parts, strict=True)
    return [x for child, part in pairs for x in align(child, part, what)]


def map_tree(function: Callable[..., Any], tree: Any) -> Any:
    """Apply ``function`` to every leaf, keeping the structure.

    >>> map_tree(lambda x: x + 1, {"a": 1, "b": [2, 3]})
    {'a': 2, 'b': [3, 4]}
    """
    leaves, rebuild = flatten(tree)
    return rebuild([function(x) for x in leaves])
