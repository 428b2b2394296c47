"""The backward walk: one pass over the recorded nodes, from outputs to inputs.

The walk is iterative and goes by serial number, which is a topological order. With ``create_graph``
the same rules run on Tensors and so record the gradient's own graph. Three things happen here and
nowhere else: broadcasting is undone, contributions are added up, and absent cotangents are carried.

An absent cotangent means "no gradient flows here", which is not the number zero: ``where``, an
index or ``max`` did not select the entry. It is carried as a bool mask beside the cotangent (True:
present); rules pass it on, and absent times anything is absent. An absent entry holds the number 0,
so masks can matter only where that 0 meets an infinity or a NaN, and a NaN born there stays one
through every rule. The first walk therefore carries no masks, and only results that are not finite,
in a graph that selects, are walked again with them: nothing is paid where nothing was masked. A
recorded walk always carries them, because the next derivative may be infinite where this one is
not.
"""

from __future__ import annotations

from collections.abc import Iterable
from operator import attrgetter
from typing import Any

import numpy as np

from autodiff.errors import ShapeError
from autodiff.families import any_to
from autodiff.node import SCALARS, Node, aval_of_input
from autodiff.primitive import OUTPUT
from autodiff.registry import FUNCTIONS, PRIMITIVES
from autodiff.tensor import wrap

by_serial = attrgetter("serial")


def reachable(roots: Iterable[Node], floor: int = -1) -> list[Node]:
    """The nodes that need a gradient, from ``roots`` back to serial ``floor``, newest first."""
    seen = set(roots)
    found = list(seen)
    for node in found:  # grows while it is walked
        for source in node.inputs:
            if type(source) in SCALARS or not source.needs or source in seen:
                continue
            if source.serial >= floor:
                seen.add(source)
                found.append(source)
    found.sort(key=by_serial, reverse=True)
    return found


def _leading_to(targets: set[Node], order: list[Node]) -> set[Node]:
    """The nodes of ``order`` from which a target can be reached."""
    leading = set(targets)
    for node in reversed(order):
        if not leading.isdisjoint(node.inputs):
            leading.add(node)
    return leading


def walk(
    order: list[Node],
    seeds: dict[Node, Any],
    wanted: set[Node] | None,
    *,
    record: bool,
    masked: bool,
) -> dict[Node, Any]:
    """Pull cotangents from outputs to leaves; returns what arrived at leaves and at ``wanted``.

    ``wanted`` None asks for the leaves; else only the paths that lead to ``wanted`` are walked.
    ``masked`` carries absent cotangents as masks.
    """
    useful = None
    if wanted is not None and not all([n.primitive is not None or n in wanted for n in order]):
        useful = _leading_to(wanted, order)
    cotangents = dict(seeds)
    masks: dict[Node, Any] = {}
    results: dict[Node, Any] = {}
    own: set[Node] = set()  # whose cotangent is an array made here, which may be added into
    for node in order:
        g = cotangents.pop(node, None)
        if g is None:
            continue
        primitive = node.primitive
        if primitive is None or (wanted is not None and node in wanted):
            results[node] = g
            if primitive is None:
                continue
        mask = masks.pop(node, None) if masks else None
        carry = masked and (mask is not None or primitive.selects)
        inputs = node.inputs
        pulls, shared = primitive.pulls, None
        if pulls is None:
            if primitive.add_pulled is not None and not record and not carry:
                source = inputs[0]
                if useful is None or source in useful:
                    total = cotangents.get(source)
                    if source not in own or not _is_open(total):
                        total = cotangents[source] = _total(total, source)
                        own.add(source)
                        masks.pop(source, None)
                    primitive.add_pulled(total, g, node)
                continue
            pulls = primitive.pulls_for(len(inputs))
            if primitive.joint is not None:
                shared = primitive.joint(g, node, record)
        for i, rule in enumerate(pulls):
            source = inputs[i]
            if rule is None or type(source) in SCALARS or not source.needs:
                continue
            if useful is not None and source not in useful:
                continue
            function, slots, exact = rule
            if shared is not None:
                pulled, values = shared[i], []
                if pulled is None:
                    continue
            elif function is None:
                pulled = g
            elif len(slots) == 1 and slots[0] >= OUTPUT and not record and not carry:
                # The usual case, written out: it is the half of what a small operation costs.
                value = node.output if slots[0] == OUTPUT else node.kept[slots[0]]
                params = node.params
                pulled = function(g, value, **params) if params else function(g, value)
            else:
                values = read(slots, node, record)
                params = node.params
                pulled = function(g, *values, **params) if params else function(g, *values)
            presence = None
            if carry:
                presence = primitive.presence(i, mask, node)
                if not exact and (mask is not None or primitive.gates):
                    pulled = primitive.pull_present(i, g, values, pulled, mask, presence, node)
            if pulled.shape != source.shape:
                pulled = _unbroadcast(pulled, source, node)
                presence = None if presence is None else any_to(presence, source.shape)
            if pulled.dtype is not source.dtype and pulled.dtype != source.dtype:
                if pulled.dtype.kind == "c" != source.dtype.kind:
                    pulled = FUNCTIONS["real"](pulled)  # the rest would move what is not there
                pulled = pulled.astype(source.dtype)
            if source in cotangents:
                if source in own:
                    total = cotangents[source]
                    total += pulled
                    pulled = total
                else:
                    pulled = cotangents[source] + pulled
                    if not record:
                        own.add(source)
                if carry:
                    before = masks.pop(source, None)
                    both = presence is not None and before is not None
                    presence = presence | before if both else None
                else:
                    masks.pop(source, None)
            cotangents[source] = pulled
            if presence is not None and not presence.all():
                masks[source] = presence
    return results


def _is_open(total: Any) -> bool:
    """Whether a sum that the walk made can be added into: NumPy makes numbers of 0-d arrays."""
    return type(total) is np.ndarray and total.flags.c_contiguous


def _total(before: Any, source: Node) -> Any:
    """An array of the walk's own, of the cotangent so far (None: none), to add into."""
    return np.zeros(source.shape, source.dtype) if before is None else np.array(before, order="C")


def read(slots: tuple[int, ...], node: Node, record: bool) -> list[Any]:
    """What a rule reads: bare arrays, or Tensors that know their own history where it records."""
    values = []
    for slot in slots:
        if slot == OUTPUT:
            values.append(wrap(node.output, node) if record else node.output)
        elif slot >= 0:
            value = node.kept[slot]
            source = node.inputs[slot]
            lift = record and type(source) not in SCALARS and source.needs
            values.append(wrap(value, source) if lift else value)
        else:
            values.append(aval_of_input(node.inputs[-2 - slot]))
    return values


def _unbroadcast(pulled: Any, source: Node, node: Node) -> Any:
    """The transpose of broadcasting: sum over the axes along which an operand was repeated."""
    shape, full = source.shape, pulled.shape
    extra = len(full) - len(shape)
    if not node.primitive.broadcasts or extra < 0:
        raise ShapeError(
            f"{node.primitive.name}: its derivative rule returned a cotangent of shape {full} for "
            f"an input of shape {shape}"
        )
    axes = (*range(extra), *(i + extra for i, n in enumerate(shape) if n == 1 != full[i + extra]))
    if type(pulled) is np.ndarray:  # at half the cost, of a small array
        return PRIMITIVES["sum"].kernel(pulled, axis=axes, keepdims=False).reshape(shape)
    return FUNCTIONS["reshape"](FUNCTIONS["sum"](pulled, axis=axes), shape)
