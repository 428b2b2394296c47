"""Rules made wrong on purpose, one at a time, to see which faults the check would have missed.

The numeric side does not change with the rules, so that a mutant costs one walk backwards.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from autodiff.checking.compare import Comparer
from autodiff.checking.localise import operand_name
from autodiff.checking.report import Mutant
from autodiff.checking.tape import Array, primitive_name, pull_one
from autodiff.node import Node

SCALE = 1.001
Change = Callable[[Array, Node, int], Array]


def _scale(p: Array, node: Node, i: int) -> Array:
    return p * SCALE


def _sign(p: Array, node: Node, i: int) -> Array:
    return -p


def _dropped(p: Array, node: Node, i: int) -> Array:
    changed = p.copy()
    nonzero = np.flatnonzero(p)
    if len(nonzero):
        changed.flat[nonzero[len(nonzero) // 2]] = 0.0
    return changed


def _transposed(p: Array, node: Node, i: int) -> Array:
    if p.ndim < 2:
        return p
    return np.ascontiguousarray(np.swapaxes(p, -1, -2)).reshape(p.shape)


def _conjugated(p: Array, node: Node, i: int) -> Array:
    return np.asarray(np.conj(p)) if p.dtype.kind == "c" else p


def _unsummed(p: Array, node: Node, i: int) -> Array:
    """Keep one index along each axis that the backward walk sums over."""
    shape = node.inputs[i].shape
    extra = p.ndim - len(shape)
    changed = p
    for axis in range(p.ndim):
        if axis < extra or shape[axis - extra] == 1 != p.shape[axis]:
            keep = np.zeros(p.shape[axis])
            keep[:1] = 1.0
            changed = changed * keep.reshape(-1, *(1,) * (p.ndim - 1 - axis))
    return changed


FAULTS: dict[str, Change] = {
    f"scale {SCALE}": _scale,
    "sign": _sign,
    "dropped entry": _dropped,
    "transposed": _transposed,
    "missing sum": _unsummed,
    "missing conjugate": _conjugated,
}


class _Changed:
    """A rule with its result changed, and whether that made a difference."""

    def __init__(self, node: Node, operand: int, change: Change) -> None:
        self.node, self.operand, self.change = node, operand, change
        self.applied = False

    def __call__(self, pulled: Any) -> Any:
        p = np.asarray(pulled)
        changed = self.change(p, self.node, self.operand)
        if changed is p or np.array_equal(changed, p, equal_nan=True):
            return pulled
        self.applied = True
        return changed.astype(p.dtype)


def mutations(comparer: Comparer) -> tuple[Mutant, ...]:
    """Every fault in every rule that the gradient passes, and whether it was seen."""
    found = []
    for node in comparer.tape.operations:
        if not node.needs or node not in comparer.cotangents:
            continue
        for i, source in enumerate(node.inputs):
            if not isinstance(source, Node) or not source.needs:
                continue
            found += list(_mutants(comparer, node, i))
    return tuple(found)


def _mutants(comparer: Comparer, node: Node, i: int) -> Iterator[Mutant]:
    for fault, change in FAULTS.items():
        changed = _Changed(node, i, change)
        primitive = broken(node, i, changed)
        g = comparer.cotangents[node]
        before, after = pull_one(node, g)[i], pull_one(node, g, primitive)[i]
        if not changed.applied or _same(before, after):
            continue  # an equivalent rule: at these values it is no fault
        cotangents = comparer.tape.varied(swapped={node: primitive})
        yield Mutant(
            primitive_name(node),
            node.place,
            ".".join(node.scope),
            operand_name(comparer.tape, node, i),
            fault,
            _is_seen(comparer, cotangents),
        )


def _same(before: Array | None, after: Array | None) -> bool:
    """Whether the operand's gradient is the right one but for rounding, sums included."""
    if before is None or after is None:
        return before is after
    with np.errstate(all="ignore"):
        top = float(np.abs(before).max(initial=0.0))
        return bool(np.all(np.abs(before - after) <= 1e-13 * top))


def _is_seen(comparer: Comparer, cotangents: dict[Node, Array]) -> bool:
    for i, comparisons in enumerate(comparer.comparisons):
        for c in comparisons:
            analytic = comparer.project(cotangents, i, c.direction)
            if not abs(analytic - c.numeric) <= c.tolerance + c.kinked:
                return True
    return False


def broken(node: Node, operand: int, change: Callable[[Any], Any]) -> Any:
    """The node's primitive with one reverse rule changed; the original stays as it is."""
    primitive = copy.copy(node.primitive)
    if primitive.joint is not None:
        joint = primitive.joint

        def changed_joint(g: Any, twin: Any, record: bool) -> tuple[Any, ...]:
            pulled = list(joint(g, twin, record))
            if pulled[operand] is not None:
                pulled[operand] = change(pulled[operand])
            return tuple(pulled)

        primitive.joint = changed_joint
        return primitive
    pulls = list(primitive.pulls_for(len(node.inputs)))
    rule = pulls[operand]

    def changed_rule(g: Any, *values: Any, **params: Any) -> Any:
        return change(g if rule.function is None else rule.function(g, *values, **params))

    pulls[operand] = rule._replace(function=changed_rule)
    primitive.pulls = tuple(pulls)
    return primitive
