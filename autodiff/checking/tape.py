"""One evaluation recorded whole, walked forwards by numeric derivatives and backwards by rules."""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from autodiff.checking.kernels import (
    all_jittered,
    in_between,
    is_custom,
    is_smooth,
    jittered,
    kernel,
    same_branch,
)
from autodiff.checking.matrices import oriented
from autodiff.checking.problem import Problem
from autodiff.checking.slopes import Slopes
from autodiff.checking.together import Together
from autodiff.graph import Graph
from autodiff.node import SCALARS, Leaf, Node
from autodiff.recording import pop, push
from autodiff.registry import PRIMITIVES
from autodiff.tensor import Tensor, raw, wrap
from autodiff.transforms.reverse import pull_back
from autodiff.transforms.walk import walk

Array = np.ndarray[Any, Any]


@dataclass
class Push:
    """Tangents of all values along one direction, with bounds on their errors.

    ``values`` holds comparisons, indices and orders that are others just beside the point,
    ``jumps`` the operations whose value itself is another there.
    """

    tangents: dict[Node, Array]
    errors: dict[Node, Array] = field(default_factory=dict)
    values: dict[Node, Array] = field(default_factory=dict)
    jumps: list[Node] = field(default_factory=list)


class Tape:
    """A recorded evaluation of a problem. Holds every operand and output."""

    def __init__(self, problem: Problem, rng: np.random.Generator) -> None:
        state = push(keep_all=True)
        try:
            self.outputs, self.tensors = problem.run()
        finally:
            pop(state)
        nodes = [y.node for y in self.outputs if y.node is not None]
        self.graph = Graph(nodes)
        self.operations = self.graph.operations
        self.leaves: list[Any] = [t.node for t in self.tensors]
        self.weights: list[Array] = []
        self.linear = True  # whether all rules were seen to be linear in the cotangent
        self.slopes = Slopes(rng)
        self.together = Together(self.slopes)
        self.rng = rng

    @property
    def numbers(self) -> int:
        """How many numbers the operands and results of all operations are."""
        return sum(np.size(x) for node in self.operations for x in (*node.kept, node.output))

    def seeds(self) -> list[tuple[Tensor, Array]]:
        """Pairs of output and weight, for outputs that a gradient can be asked of."""
        pairs = zip(self.outputs, self.weights, strict=True)
        return [(y, w.astype(y.dtype)) for y, w in pairs if y.requires_grad]

    @property
    def unreached(self) -> set[Node]:
        """Nodes of outputs that no gradient can be asked of."""
        return {y.node for y in self.outputs if y.node is not None and not y.requires_grad}

    def weight_of(self, node: Node) -> Array:
        """The weight of the output that ``node`` made."""
        pairs = zip(self.outputs, self.weights, strict=True)
        return next(w for y, w in pairs if y.node is node)

    # ---- forwards

    def replay(self, changed: Mapping[Node, Array]) -> float:
        """The weighted sum of the outputs where some leaves have other values."""
        values = dict(changed)
        try:
            for node in self.operations:
                if any(type(s) not in SCALARS and s in values for s in node.inputs):
                    values[node] = kernel(node, operands_of(node, values))
        except Exception:  # a step over the edge of a domain
            return math.nan
        parts = [
            float(np.vdot(w, y._data if y.node is None else values.get(y.node, y._data)).real)
            for y, w in zip(self.outputs, self.weights, strict=True)
        ]
        return math.fsum(parts) if all(map(math.isfinite, parts)) else math.nan

    def push(self, leaf: Node, directions: Array, jitter: bool = False) -> list[Push]:
        """Derivatives of all values along directions of a leaf, kernel by kernel.

        The directions stand on the first axis. A kernel runs once for all of them where it can.
        """
        found = [Push({leaf: direction}) for direction in directions]
        whole: dict[Any, Array] = {leaf: directions}  # tangents along all directions
        others: set[Node] = set()  # whose value is another along some direction
        for node in self.operations:
            given = [whole.get(s) for s in node.inputs]
            alike = others.isdisjoint(node.inputs)
            if alike and all(t is None for t in given):
                continue
            tangents = self.together(node, given, jitter) if alike else None
            if tangents is None:
                for p in found:
                    self._push(node, p, jitter)
                if any(node in p.values for p in found):
                    others.add(node)
                if node in found[0].tangents:
                    whole[node] = np.stack([p.tangents[node] for p in found])
                continue
            whole[node] = tangents
            for k, (p, t) in enumerate(zip(found, tangents, strict=True)):
                p.tangents[node] = t
                own = [None if x is None else x[k] for x in given]
                error = self.slopes.ended(node, t, own)
                if error is not None:
                    p.errors[node] = error
        return found

    def _push(self, node: Node, found: Push, jitter: bool) -> None:
        """The derivative of one operation along one direction, that of its operands is known."""
        given = [None if type(s) in SCALARS else found.tangents.get(s) for s in node.inputs]
        moved = any(type(s) not in SCALARS and s in found.values for s in node.inputs)
        operands = operands_of(node, found.values)
        if node.dtype.kind not in "fc":
            if any(t is not None for t in given):
                value = self.slopes.discrete(node, operands, given)
            else:
                value = kernel(node, operands)
            if not np.array_equal(value, node.output):
                found.values[node] = value
            return
        if moved:
            value = kernel(node, operands)
            if not np.allclose(value, node.output, 1e-12, 0.0, equal_nan=True):
                found.jumps.append(node)
        if all(t is None for t in given):
            return
        tangent, error = (
            self._jittered(node, operands, given) if jitter else self.slopes(node, operands, given)
        )
        found.tangents[node] = tangent
        if error is not None:
            found.errors[node] = error

    def _jittered(
        self, node: Node, operands: list[Any], given: list[Any]
    ) -> tuple[Array, Array | None]:
        """The slope where the operands are moved so little that rounding alone shows."""
        if not (is_smooth(node) or is_custom(node)):
            return self.slopes(node, operands, given)
        moved = all_jittered(node, operands, self.rng)
        tangent, error = self.slopes(node, moved, given)
        if is_custom(node):
            plain, its = self.slopes(node, operands, given)
            return (tangent, error) if same_branch(tangent, plain, 0.0) else (plain, its)
        if error is None and node.primitive.family == "elementwise":
            found = in_between(lambda xs: self.slopes(node, xs, given)[0], moved, self.rng)
            if same_branch(found, tangent, 0.0):
                return found, None
        return tangent, error

    def total(self, found: Push) -> float:
        """The derivative of the weighted sum of the outputs: of complex ones of Re Σ w̄ y."""
        return math.fsum(
            float(np.vdot(w, found.tangents[y.node]).real)
            for y, w in zip(self.outputs, self.weights, strict=True)
            if y.node is not None and y.node in found.tangents
        )

    # ---- backwards

    def cotangents(self) -> dict[Node, Array]:
        """The cotangent of every value, by the rules, as the walk carries it."""
        pairs = self.seeds()
        if not pairs:
            return {}
        return _carried(pull_back(pairs, set(self.graph.nodes), False, "gradcheck"))

    def varied(
        self,
        *,
        scale: float = 1.0,
        around: Mapping[Node, Array] | None = None,
        swapped: Mapping[Node, Any] | None = None,
    ) -> dict[Node, Array]:
        """Cotangents of the leaves in a copy of the graph: scaled, with other primitives, or with
        all numbers moved by a rounding error, where the cotangents ``around`` belong to the record.
        """
        copies: dict[Node, Node] = {}
        for node in self.operations:
            if not node.needs:
                continue
            twin = copies[node] = copy.copy(node)
            twin.inputs = tuple(s if type(s) in SCALARS else copies.get(s, s) for s in node.inputs)
            if swapped and node in swapped:
                twin.primitive = swapped[node]
            if around is not None and node in around:
                twin.kept, twin.output = rounded_otherwise(node, around[node], self.rng)
        pairs = [
            (wrap(y._data, copies.get(y.node, y.node)), w * scale)
            for y, w in self.seeds()
            if y.node is not None
        ]
        found = _carried(pull_back(pairs, None, False, "gradcheck")) if pairs else {}
        return {k: v / scale for k, v in found.items()}


def _carried(found: Mapping[Node, Any]) -> dict[Node, Array]:
    """Gradients as the walk carries them: of complex values conjugated, so that the derivative
    along t is Re Σ g t.
    """
    return {k: _wide(raw(v)).conj() for k, v in found.items()}


def _wide(x: Any) -> Array:
    """In double precision, real or complex."""
    return np.asarray(x, dtype=np.result_type(x, np.float64))


def primitive_name(node: Node) -> str:
    """The primitive's name; that of the user's function where it has a rule of its own."""
    function = node.params.get("function")
    label = getattr(function, "label", None)
    if label is not None and node.primitive is PRIMITIVES.get("custom_call"):
        return str(label)
    return str(node.primitive.name)


def operands_of(node: Node, values: Mapping[Node, Array]) -> list[Any]:
    """The recorded operands, those in ``values`` exchanged."""
    return [
        kept if type(s) in SCALARS or s not in values else values[s]
        for s, kept in zip(node.inputs, node.kept, strict=True)
    ]


def inside(node: Node, g: Array, push: Push) -> float:
    """What passes through a user's function if its derivative is 1.

    Near saturation its rule takes numbers of that size from each other, as ``1 - y * y`` does for
    ``tanh``: the rounding of what is left is theirs.
    """
    total = 0.0
    for source in node.inputs:
        t = None if type(source) in SCALARS else push.tangents.get(source)
        if t is not None:
            same = t.shape == g.shape
            passed = g * t if same else np.abs(t).max(initial=0.0) * g
            total += float(np.vdot(passed, passed).real)
    return math.sqrt(total)


def rounded_otherwise(
    node: Node, g: Array, rng: np.random.Generator
) -> tuple[tuple[Any, ...], Any]:
    """What a rule reads, moved by rounding errors; as recorded where that takes another branch."""
    if is_smooth(node) or is_custom(node):
        twin = copy.copy(node)
        twin.kept = tuple(all_jittered(node, node.kept, rng))
        twin.output = jittered(_value_nearby(node, rng), rng)
        if is_smooth(node):
            return twin.kept, twin.output
        pairs = list(zip(pull_one(twin, g), pull_one(node, g), strict=True))
        unit = float(np.abs(g).max(initial=0.0))
        if all((a is None) == (b is None) for a, b in pairs) and all(
            same_branch(a, b, unit) for a, b in pairs if a is not None and b is not None
        ):
            return twin.kept, twin.output
    return node.kept, node.output


def _value_nearby(node: Node, rng: np.random.Generator) -> Any:
    """The output with other rounding errors of its kernel: no rule can know it better."""
    if node.primitive.normwise:
        try:
            return oriented(node, all_jittered(node, node.kept, rng))
        except Exception:  # at the edge of the domain no digit of the value is known
            return 2.0 * node.output
    if node.primitive.family != "elementwise" or is_custom(node):
        return node.output
    value = np.asarray(in_between(lambda xs: kernel(node, xs), node.kept, rng), node.dtype)
    return value if same_branch(value, node.output, 0.0) else node.output


def pull_one(node: Node, g: Array, primitive: Any = None) -> list[Array | None]:
    """What the rules of one node give for each of its operands; None where no gradient passes."""
    twin = copy.copy(node)
    twin.primitive = node.primitive if primitive is None else primitive
    leaves = [
        s if type(s) in SCALARS else Leaf(s.shape, s.dtype, needs=s.needs) for s in node.inputs
    ]
    twin.inputs = tuple(leaves)
    if not node.needs:
        return [None] * len(leaves)
    order = [twin, *(s for s in leaves if isinstance(s, Node) and s.needs)]
    with np.errstate(all="ignore"):
        state = push(recording=False)
        try:
            found = walk(order, {twin: g.astype(node.dtype)}, None, record=False, masked=False)
        finally:
            pop(state)
    return [_wide(found[s]) if isinstance(s, Node) and s in found else None for s in leaves]
