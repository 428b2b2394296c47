"""A part of a record that stands as one operation: its edge, and walks that end there.

What a function captures is part of the record outside: a walk over the function's own record finds
the gradient of what was captured and goes no further, for from there on the walk outside goes on.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from autodiff.node import Node, serials
from autodiff.ops.complex import conj
from autodiff.registry import PRIMITIVES
from autodiff.tensor import Tensor, apply, wrap
from autodiff.transforms.reverse import pull_back
from autodiff.transforms.walk import reachable


def enclose(xs: Sequence[Any]) -> tuple[list[Tensor], int]:
    """Values under nodes of their own, and the serial at the edge: what is older is outside."""
    # Two nodes for each: a value's own may be one of those that were captured, and are walked to.
    # All of the first are older than all of the second, between which the edge is.
    alias = PRIMITIVES["alias"]
    before = [apply(alias, x) for x in xs]
    edge = next(serials)
    return [apply(alias, x) for x in before], edge


def stand_in(node: Node) -> Tensor:
    """A Tensor for a node from outside whose value is not at hand, nor needed."""
    return wrap(np.broadcast_to(np.zeros((), node.dtype), node.shape), node)


def captured(roots: Sequence[Any], own: Sequence[Any], edge: int) -> list[Node]:
    """The nodes from outside that ``roots`` were computed from; ``own`` are the arguments'.

    A leaf that the function makes anew in each run is nobody's to ask for.
    """
    arguments = set(own)
    found = {
        source: None
        for node in reachable(roots, edge)
        if node not in arguments and node.serial >= edge
        for source in node.inputs
        if isinstance(source, Node) and source.needs and source.serial < edge
    }
    # A function may return what it captured as it is.
    found |= {node: None for node in roots if node.serial < edge}
    return list(found)


def pull_inside(
    pairs: Sequence[tuple[Any, Any]],
    own: Sequence[Any],
    outer: Sequence[Any],
    edge: int,
    record: bool,
    what: str,
) -> list[Any]:
    """The cotangents for ``own`` and ``outer`` of what was computed inside, None where none is.

    Those of complex values are conjugates of gradients, as in the walk outside.
    """
    nodes = [*own, *outer]
    pairs = [(y, conj(g)) for y, g in pairs if isinstance(y, Tensor) and y.requires_grad]
    if not pairs or not nodes:
        return [None] * len(nodes)
    found: dict[Any, Any] = {}
    for group in _groups(nodes):
        found |= pull_back(pairs, group, record, what, edge)
    return [conj(found[node]) if node in found else None for node in nodes]


def _groups(nodes: Sequence[Node]) -> list[set[Node]]:
    """The nodes in groups in which none is computed from another by one operation.

    A walk passes on what it finds for a node; what reaches another through it is not of this
    function, but of the graph that it stands in.
    """
    every = set(nodes)
    apart = [n for n in nodes if not every.isdisjoint(n.inputs)]
    together = every.difference(apart)
    return [group for group in (together, *({n} for n in apart)) if group]
