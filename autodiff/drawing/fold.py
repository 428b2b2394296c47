"""What a drawing shows: boxes and arrows, and what is folded when a graph has too many of them.

A Picture is bounded whatever the graph's size. Modules and scopes are folded from the deepest
level up; where one level of scopes is still too much, or nothing has a scope, the boxes nearest to
the outputs are shown and all others stand in a single box that says how many they are.
"""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from autodiff.graph import Graph, describe_params
from autodiff.node import SCALARS, Node

EDGES_PER_BOX = 4  # layout takes time with the number of arrows: beyond this many, fold further
REST = ("rest",)
Key = Any


@dataclass
class Box:
    """One box: ``kind`` is input, parameter, constant, operation, group or rest."""

    kind: str
    title: str
    detail: str = ""
    type: str = ""
    scope: tuple[str, ...] = ()
    output: bool = False


@dataclass
class Picture:
    """Boxes by key, arrows with labels, and a sentence on what was folded."""

    boxes: dict[Key, Box] = field(default_factory=dict)
    arrows: list[tuple[Key, Key, str]] = field(default_factory=list)
    note: str = ""


def compose(graph: Graph, max_nodes: int) -> Picture:
    """The picture of a graph with at most ``max_nodes`` boxes."""
    places = _places(graph)
    depth = max(map(len, places.values()), default=0)
    level = depth + 1
    keys = _keys(graph, places, level)
    while not _fits(graph, keys, max_nodes) and level > 1:
        level -= 1
        keys = _keys(graph, places, level)
    count = len(graph.operations)
    note = ""
    if level <= depth:
        note = f"{count:,} operations, scopes folded below level {level}"
    if not _fits(graph, keys, max_nodes):
        keys = _nearest(graph, keys, max_nodes)
        hidden = Counter(key == REST for key in keys.values())[True]
        note = (
            f"{len(graph):,} nodes are too many for max_nodes={max_nodes}: {hidden:,} of them are "
            "not shown one by one. Name groups with ad.scope, or draw a part"
        )
    picture = _boxes(graph, keys, places)
    picture.note = note
    picture.arrows = _arrows(graph, keys)
    return picture


def _places(graph: Graph) -> dict[Node, tuple[str, ...]]:
    """The scope of every node; a leaf stands where all that read it stand, an input outside."""
    places = {node: node.scope for node in graph.operations}
    leaves: dict[Node, tuple[str, ...]] = {}
    for node in graph.operations:
        for source in node.inputs:
            if type(source) not in SCALARS and source.primitive is None:
                leaves[source] = _common(leaves.get(source, node.scope), node.scope)
    places.update(leaves)
    for node in graph.nodes:
        places.setdefault(node, ())
    places.update(dict.fromkeys(graph.inputs, ()))
    return places


def _common(a: tuple[str, ...], b: tuple[str, ...]) -> tuple[str, ...]:
    if a == b:
        return a
    n = 0
    while n < min(len(a), len(b)) and a[n] == b[n]:
        n += 1
    return a[:n]


def _keys(graph: Graph, places: dict[Node, tuple[str, ...]], level: int) -> dict[Node, Key]:
    """The box that each node is shown in: its own, or that of its scope from ``level`` down."""
    return {n: n if len(places[n]) < level else places[n][:level] for n in graph.nodes}


def _fits(graph: Graph, keys: dict[Node, Key], max_nodes: int) -> bool:
    if len(set(keys.values())) > max_nodes:
        return False
    return len(_arrows(graph, keys)) <= EDGES_PER_BOX * max_nodes


def _arrows(graph: Graph, keys: dict[Node, Key]) -> list[tuple[Key, Key, str]]:
    """Arrows between boxes: each operand's own between nodes, one for all where a box is folded."""
    arrows: dict[tuple[Any, ...], tuple[Key, Key, str]] = {}
    for node in graph.operations:
        target = keys[node]
        for i, source in enumerate(node.inputs):
            if type(source) in SCALARS or keys[source] is target or keys[source] == target:
                continue
            plain = isinstance(target, Node)
            arrow = (keys[source], target, _operand_name(node, i) if plain else "")
            operand = i if plain and isinstance(keys[source], Node) else None
            arrows.setdefault((*arrow, operand), arrow)
    return list(arrows.values())


def _operand_name(node: Node, i: int) -> str:
    """Which operand an arrow is, where their order matters and there is more than one."""
    arrays = [x for x in node.inputs if type(x) not in SCALARS]
    # A ufunc with an identity (add, multiply, logical_or) is one whose operands may be reordered.
    if len(arrays) < 2 or getattr(node.primitive.kernel, "identity", None) is not None:
        return ""
    names = node.primitive.arguments
    return names[i] if names is not None and i < len(names) else str(i)


def _nearest(graph: Graph, keys: dict[Node, Key], max_nodes: int) -> dict[Node, Key]:
    """Keep the boxes that are the fewest arrows away from an output; the others become one."""
    members: dict[Key, list[Node]] = {}
    for node in graph.operations:
        members.setdefault(keys[node], []).append(node)
    kept: set[Key] = set()
    edges = 0
    queue = deque(dict.fromkeys(keys[n] for n in graph.outputs))
    seen = set(queue)
    while queue and len(kept) < max_nodes - 1:
        key = queue.popleft()
        nodes = members.get(key, ())
        inputs = (keys[s] for n in nodes for s in n.inputs if type(s) not in SCALARS)
        sources = [s for s in dict.fromkeys(inputs) if s != key]
        edges += len(sources)
        if edges > EDGES_PER_BOX * max_nodes and kept:
            break
        kept.add(key)
        for source in sources:
            if source not in seen:
                seen.add(source)
                queue.append(source)
    return {node: key if key in kept else REST for node, key in keys.items()}


def _boxes(graph: Graph, keys: dict[Node, Key], places: dict[Node, tuple[str, ...]]) -> Picture:
    picture = Picture()
    roles = dict.fromkeys(graph.constants, "constant")
    roles |= dict.fromkeys(graph.parameters, "parameter")
    roles |= dict.fromkeys(graph.inputs, "input")
    outputs = {keys[n] for n in graph.outputs}
    folded: dict[Key, list[Node]] = {}
    for node, key in keys.items():
        if isinstance(key, Node):
            box = _single(graph, node, roles.get(node, "operation"))
            box.scope = places[node]
        elif key in folded:
            folded[key].append(node)
            continue
        else:
            folded[key] = [node]
            box = Box("group", "")
        box.output = key in outputs
        picture.boxes[key] = box
    for key, nodes in folded.items():
        _describe_group(picture.boxes[key], key, nodes, roles)
    return picture


def _single(graph: Graph, node: Node, role: str) -> Box:
    kind = f"{node.dtype}{list(node.shape)}" if node.shape else str(node.dtype)
    if role != "operation":
        title, detail = node.name or graph.names[node], ""
        if role != "input" and node.shape == ():
            value = graph.value(node)
            detail = "" if value is None else f"{value.item():.4g}"
        if role == "constant" and node.name is None:
            title, detail = detail or "constant", ""
        return Box(role, title, detail, kind)
    parts = [f"{k}={v}" for k, v in describe_params(node, 20).items()]
    if any(type(x) in SCALARS for x in node.inputs):
        operands = [f"{x:.4g}" if type(x) in SCALARS else "·" for x in node.inputs]
        parts.insert(0, f"({', '.join(operands)})")
    title = node.primitive.name if node.name is None else f"{node.name} = {node.primitive.name}"
    return Box("operation", title, "  ".join(parts), kind)


def _describe_group(box: Box, key: Key, nodes: list[Node], roles: dict[Node, str]) -> None:
    kinds = Counter(roles.get(n, "operation") for n in nodes)
    count = kinds["operation"]
    leaves = [
        f"{kinds[role]:,} {role}{'s' if kinds[role] > 1 else ''}"
        for role in ("input", "parameter", "constant")
        if kinds[role]
    ]
    numbers = sum(int(np.prod(n.shape)) for n in nodes if roles.get(n) == "parameter")
    if numbers:
        leaves.append(f"{numbers:,} numbers")
    box.detail = " · ".join(leaves)
    if key is REST:
        box.kind, box.title = "rest", f"… {count:,} more operation{'s' * (count != 1)}"
        return
    box.title, box.scope = f"{key[-1]} ×{count:,}", key[:-1]
    last = nodes[-1]
    box.type = f"{last.dtype}{list(last.shape)}" if last.shape else str(last.dtype)
