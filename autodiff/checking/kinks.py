"""Where the point lies on a kink: which operation, how many entries, how much it leaves open.

Every operation is looked at just beside the point on both sides: comparisons, indices and orders
that change there, and one-sided derivatives that differ (CS231n, "Neural networks 3", asks to
"keep track of the winners of max"; two kinks inside can cancel in the output, so that one that
watches the output alone does not see them).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from autodiff.checking.differences import ODD
from autodiff.checking.report import Kink
from autodiff.checking.tape import Array, Push, Tape, operands_of, primitive_name
from autodiff.node import SCALARS, Node
from autodiff.ops.linalg_base import Decomposition

NEAR = 1e-13  # in units of the operands: a few rounding errors
JUMP = 1e-3  # of the value: what no continuous function changes by on such a step
ROOT = 1e-6  # more than the root at 0 changes by
SUSPECT = 1e-9  # tangents forwards and backwards that differ by more are looked at


def kinks_of(
    tape: Tape, cotangents: Mapping[Node, Array], ahead: Push, behind: Push
) -> tuple[list[Kink], float]:
    """The kinks met along a direction, and by how much the derivative may differ for them."""
    found, total = [], 0.0
    for node in tape.operations:
        t = ahead.tangents.get(node)
        if t is None or not _suspect(node, t, ahead, behind):
            continue
        width = _width(tape, node, ahead, behind)
        g = cotangents.get(node)
        size = np.abs(t).max(initial=0.0) + width.max(initial=0.0)
        bent = width > ODD * size if size else np.zeros(width.shape, bool)
        if not bent.any():
            continue
        open_part = 0.0 if g is None else float(np.sum(np.abs(g) * np.where(bent, width, 0.0)))
        total += open_part
        found.append(_kink(node, int(bent.sum()), open_part, ahead, behind))
    return found, total


def jump_of(tape: Tape, push: Push, nodes: Iterable[Node]) -> Node | None:
    """The operation whose value is another at the point, or on one side of it, as on a branch cut.

    At the point alone: LAPACK orders eigenvalues that exact zeros isolate in another way.
    """
    for node in nodes:
        if node.output.dtype.kind not in "fc":
            continue  # a comparison, an order: what selects with it is looked at
        given = [None if type(s) in SCALARS else push.tangents.get(s) for s in node.inputs]
        both = (tape.slopes.beside(node, list(node.kept), given, s) for s in (NEAR, -NEAR))
        sides = [y for y in both if _jumps(y, node.output)]
        # Signs of vectors, or a result that nothing asks for, may leave the outputs as they are.
        if isinstance(node.primitive, Decomposition):
            total = np.asarray(tape.replay({}))
            sides = [y for y in sides if _jumps(np.asarray(tape.replay({node: y})), total)]
        if sides:
            return node
    return None


def _jumps(value: Array, recorded: Array) -> bool:
    with np.errstate(all="ignore"):
        limit = JUMP * float(np.abs(recorded).max(initial=0.0)) + ROOT
        return bool(np.any(np.abs(value - recorded) > limit))


def _suspect(node: Node, t: Array, ahead: Push, behind: Push) -> bool:
    if any(
        type(s) not in SCALARS and (s in ahead.values or s in behind.values) for s in node.inputs
    ):
        return True
    back = behind.tangents.get(node)
    if back is None or not t.size:
        return False
    ratio = _ratio(ahead, behind)
    gap = np.abs(t + back / ratio).max()
    return bool(gap > SUSPECT * np.abs(t).max())


def _ratio(ahead: Push, behind: Push) -> float:
    """How much longer the direction behind is than the one ahead."""
    leaf = next(iter(ahead.tangents))
    first, second = ahead.tangents[leaf].ravel(), behind.tangents[leaf].ravel()
    k = int(np.argmax(np.abs(first)))
    return float((-second[k] / first[k]).real)


def _width(tape: Tape, node: Node, ahead: Push, behind: Push) -> Array:
    """How far the one-sided derivatives of one operation are apart, entry by entry."""
    given = [None if type(s) in SCALARS else ahead.tangents.get(s) for s in node.inputs]
    back = [None if t is None else -t for t in given]
    right = ahead.tangents[node]
    left, _ = tape.slopes(node, operands_of(node, behind.values), back)
    recorded, _ = tape.slopes(node, list(node.kept), given)
    width = np.maximum(np.abs(right + left), np.abs(right - recorded))
    return np.where(np.isfinite(width), width, 0.0)


def _kink(node: Node, count: int, open_part: float, ahead: Push, behind: Push) -> Kink:
    source: Any = node
    for s in node.inputs:
        if type(s) not in SCALARS and (s in ahead.values or s in behind.values):
            source = s
            before = (ahead.values.get(s), behind.values.get(s))
            changed = [v != s.output for v in before if v is not None]
            count = int(np.any(changed, axis=0).sum()) if changed else count
    return Kink(primitive_name(source), source.place, source.scope, count, open_part, source)
