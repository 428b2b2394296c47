"""Tangents pushed through operations: over a record, or while a function runs.

``Tape`` walks recorded nodes. ``Sweep`` pushes tangents on as primitives run and keeps no record:
each value gets a node that leads no further back, and the tangent of it is held as long as the
value is. So a loop of many steps takes the memory of one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any
from weakref import WeakSet

import numpy as np

from autodiff.batched import Batched, union
from autodiff.node import SCALARS, Node, Pushed
from autodiff.recording import current, pop, push
from autodiff.registry import FUNCTIONS
from autodiff.tensor import Tensor, raw, wrap
from autodiff.transforms.walk import reachable


class Tape:
    """The recorded nodes between inputs and outputs, oldest first, to push tangents through."""

    def __init__(
        self, inputs: Sequence[Any], outputs: Sequence[Any], cut: int | None = None
    ) -> None:
        self.outputs = set(outputs)
        floor = min([node.serial for node in inputs], default=0) if cut is None else cut
        moving = set(inputs)
        self.order: list[Node] = []
        for node in reversed(reachable(outputs, floor)):
            if node not in moving and not moving.isdisjoint(node.inputs):
                moving.add(node)
                self.order.append(node)
        # After which step a tangent has been read for the last time.
        last = {source: k for k, node in enumerate(self.order) for source in node.inputs}
        self.done: list[list[Node]] = [[] for _ in self.order]
        for source, k in last.items():
            if source in moving and source not in self.outputs:
                self.done[k].append(source)

    def push(self, starts: dict[Any, Any], record: bool) -> dict[Any, Any]:
        """The tangents of the outputs; those that are zero by structure are missing."""
        lifted = record or any(type(t) is Batched for t in starts.values())
        change = as_tensor if lifted else raw
        tangents = {node: change(t) for node, t in starts.items()}
        masked = not current().ieee
        levels = union(starts.values()) if current().levels else ()
        state = push(recording=record, levels=levels)
        try:
            with np.errstate(all="ignore"):
                for node, done in zip(self.order, self.done, strict=True):
                    t = _step(node, tangents, lifted, masked)
                    if t is not None:
                        tangents[node] = t
                    for source in done:
                        tangents.pop(source, None)
        finally:
            pop(state)
        return {node: t for node, t in tangents.items() if node in self.outputs}


def as_tensor(t: Any) -> Tensor:
    """A tangent as a Tensor."""
    return t if isinstance(t, Tensor) else wrap(t)


def _step(node: Node, tangents: dict[Any, Any], lifted: bool, masked: bool) -> Any:
    """The tangent of one node."""
    inputs, primitive = node.inputs, node.primitive
    moving = [None if type(s) in SCALARS else tangents.get(s) for s in inputs]
    if all([t is None for t in moving]):
        return None
    y: Any = node.output
    operands: Any = node.kept
    if lifted:
        y = wrap(y, node)
        operands = [
            wrap(x, s) if type(s) not in SCALARS and s.needs else x
            for x, s in zip(operands, inputs, strict=True)
        ]
    t = primitive.push(moving, y, operands, **node.params)
    if t is None:
        return None
    if primitive.gates and masked:
        # What was not selected has no derivative: a factor 0 would make NaN of an infinite tangent.
        t = FUNCTIONS["where"](primitive.presence(0, None, node), t, 0)
    if t.dtype != node.dtype:
        t = t.astype(node.dtype)
    return t


class Sweep:
    """Forward mode while a function runs: the tangents of the values that are alive.

    ``starts`` are those of the function's inputs, by node. Operations that something outside needs
    a gradient of (``recording``: it may) are recorded as in reverse mode, and a walk over that part
    gives their tangents.
    """

    def __init__(self, starts: dict[Node, Any], inputs: Sequence[Node], recording: bool) -> None:
        self.lifted = any(type(t) is Batched for t in starts.values())
        change = as_tensor if self.lifted else raw
        self.inputs = {n: change(starts[n]) if n in starts else None for n in inputs}
        self.shared: WeakSet[Node] = WeakSet()  # what something outside needs
        self.recording = recording
        self.masked = not current().ieee
        self.levels = union(starts.values()) if current().levels else ()
        self.floor = min((node.serial for node in inputs), default=0)

    def step(self, recorder: Callable[..., Tensor], *call: Any) -> Tensor:
        """The result of an operation with its tangent; ``recorder(*call)`` would record it."""
        primitive, _, _, arrays, inputs, params, data = call
        moving: list[Any] = []
        for s in inputs:
            if s is None or type(s) in SCALARS or not s.needs:
                moving.append(None)
            elif self._knows(s):
                moving.append(self._tangent(s))
            else:
                break
        plain = len(moving) == len(inputs) and not self.lifted
        if not plain or primitive.gates or primitive.foreign:
            return self._of_record(recorder, *call)
        with np.errstate(all="ignore"):
            # Bare arrays: nothing is recorded, so that no other state need be entered.
            t = primitive.push(moving, data, arrays, **params)
        if t is not None and t.dtype != data.dtype:
            t = t.astype(data.dtype)
        return wrap(data, Pushed(data, t, self, current().scope))

    def _knows(self, node: Node) -> bool:
        return node.sweep is self if type(node) is Pushed else node in self.inputs

    def _tangent(self, node: Node) -> Any:
        return node.tangent if type(node) is Pushed else self.inputs[node]

    def _of_record(self, recorder: Callable[..., Tensor], *call: Any) -> Tensor:
        """As ``step``, by a node as in reverse mode, which stays where it is needed."""
        state = push(forward=True)
        try:
            result = recorder(*call)
        finally:
            pop(state)
        node: Any = result.node
        sources = [s for s in node.inputs if type(s) not in SCALARS and s.needs]
        unknown = [s for s in sources if not self._knows(s)]
        if unknown and self._is_shared(unknown):
            self.shared.add(node)
            return result
        known = {s: self._tangent(s) for s in sources if self._knows(s)}
        if unknown:
            known |= self.resolve(unknown, False)
        state = push(recording=False, levels=self.levels, forward=False)
        try:
            with np.errstate(all="ignore"):
                t = _step(node, known, self.lifted, self.masked)
        finally:
            pop(state)
        result.node = Pushed(node, t, self, node.scope)
        return result

    def _is_shared(self, nodes: Sequence[Node]) -> bool:
        """Whether something outside, or a transform inside, may ask for gradients of one of these:
        they were computed from a leaf that is not of this sweep."""
        seen, stack = set(nodes), list(nodes)
        while stack:
            node = stack.pop()
            if self._knows(node) or (node.serial < self.floor and not self.recording):
                continue
            if node in self.shared or node.serial < self.floor or node.primitive is None:
                return True
            for source in node.inputs:
                if isinstance(source, Node) and source.needs and source not in seen:
                    seen.add(source)
                    stack.append(source)
        return False

    def resolve(self, nodes: Sequence[Node], record: bool) -> dict[Any, Any]:
        """The tangents of nodes of a recorded part; those that are zero are missing."""
        found = {n: self._tangent(n) for n in nodes if self._knows(n)}
        rest = [n for n in nodes if not self._knows(n)]
        if rest:
            behind = [n for n in reachable(rest, self.floor) if self._knows(n)]
            tape = Tape(behind, rest, self.floor)
            starts = {n: self._tangent(n) for n in behind}
            found |= tape.push({n: t for n, t in starts.items() if t is not None}, record)
        return {n: t for n, t in found.items() if t is not None}
