"""Nested containers: take the leaves out of tuples, lists and dicts, put others there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Rebuild = Callable[[list[Any]], Any]


def flatten(tree: Any) -> tuple[list[Any], Rebuild]:
    """The leaves of ``tree`` in order, and a function that rebuilds its structure around others.

    Tuples, named tuples, lists and dicts are structure, ``None`` is an empty one; all else is a
    leaf.

    >>> leaves, rebuild = flatten({"a": 1, "b": (2, [3])})
    >>> leaves
    [1, 2, 3]
    >>> rebuild([x * 10 for x in leaves])
    {'a': 10, 'b': (20, [30])}
    """
    leaves: list[Any] = []
    structure = _take(tree, leaves)

    def rebuild(values: list[Any]) -> Any:
        if len(values) != len(leaves):
            raise ValueError(f"expected {len(leaves)} leaves, got {len(values)}")
        return structure(iter(values))

    return leaves, rebuild


def _take(tree: Any, leaves: list[Any]) -> Callable[[Any], Any]:
    if tree is None:
        return lambda values: None
    if isinstance(tree, dict):
        parts = {key: _take(value, leaves) for key, value in tree.items()}
        return lambda values: {key: part(values) for key, part in parts.items()}
    if isinstance(tree, (tuple, list)):
        items = [_take(value, leaves) for value in tree]
        cls = type(tree)
        if hasattr(cls, "_fields"):
            return lambda values: cls(*[item(values) for item in items])
        return lambda values: cls([item(values) for item in items])
    leaves.append(tree)
    return next


def map_tree(function: Callable[..., Any], tree: Any) -> Any:
    """Apply ``function`` to every leaf, keeping the structure.

    >>> map_tree(lambda x: x + 1, {"a": 1, "b": [2, 3]})
    {'a': 2, 'b': [3, 4]}
    """
    leaves, rebuild = flatten(tree)
    return rebuild([function(x) for x in leaves])
