"""Which recorded operation has the wrong rule: the gap of the whole is the sum of single gaps.

Along a direction, the derivative by rules and the one by kernels differ by the sum over all
operations of what each rule does to its own operands' tangents and what its kernel does:

.. math:: \\langle g, u\\rangle - \\dot f
          = \\sum_n \\Big( \\sum_i \\langle \\bar x_{n,i}, \\dot x_{n,i} \\rangle
          - \\langle \\bar y_n, \\dot y_n \\rangle \\Big)
"""

from __future__ import annotations

import copy
import inspect
import math
from typing import Any, NamedTuple

import numpy as np

from autodiff.checking.compare import SAFETY, Comparer
from autodiff.checking.comparison import Comparison
from autodiff.checking.diagnose import Findings, diagnose
from autodiff.checking.kernels import is_custom, kernel
from autodiff.checking.numeric import EPS
from autodiff.checking.report import Culprit
from autodiff.checking.tape import (
    Array,
    Push,
    Tape,
    inside,
    primitive_name,
    pull_one,
    rounded_otherwise,
)
from autodiff.node import SCALARS, Node

NAMED = 5  # operations that are diagnosed, those with the largest effect
PART = 1e-4  # of the largest gap, below which an operation is not to blame


class Gap(NamedTuple):
    """What one operation contributes to the difference, and which operand most of it."""

    node: Node
    operand: int
    size: float
    cut: bool = False


def find_culprits(comparer: Comparer, wrong: list[int]) -> tuple[Culprit, ...]:
    """The operations whose rules explain what differs, the largest effect first."""
    gaps: dict[Node, Gap] = {}
    for i in wrong:
        for c in sorted(comparer.comparisons[i], key=lambda c: -c.excess)[:2]:
            if not c.wrong:
                continue
            for gap in _gaps(comparer, c):
                known = gaps.get(gap.node)
                if known is None or known.size < gap.size:
                    gaps[gap.node] = gap
    ordered = sorted(gaps.values(), key=lambda gap: -gap.size)
    return tuple(_culprit(comparer.tape, gap) for gap in ordered[:NAMED])


def _gaps(comparer: Comparer, c: Comparison) -> list[Gap]:
    assert c.push is not None
    tape, ahead = comparer.tape, c.push
    found = []
    for node in tape.operations:
        t = ahead.tangents.get(node)
        if t is None:
            continue
        g = comparer.cotangents.get(node)
        if g is None:
            if node in tape.unreached and not _is_cut_before(node, ahead):
                w = tape.weight_of(node)
                found.append(Gap(node, 0, abs(float(np.vdot(w, t).real)), True))
            continue
        gap = _gap(tape, node, g, t, ahead)
        if gap is not None:
            found.append(gap)
    largest = max((gap.size for gap in found), default=0.0)
    return [gap for gap in found if gap.size >= PART * largest]


def _is_cut_before(node: Node, ahead: Push) -> bool:
    """Whether the history already ended at an operand that changes."""
    return not any(isinstance(s, Node) and s.needs and s in ahead.tangents for s in node.inputs)


def _gap(tape: Tape, node: Node, g: Array, t: Array, ahead: Push) -> Gap | None:
    """The gap at one operation, None where noise and kinks explain it."""
    if not np.isfinite(g).all():
        return None
    given = [None if type(s) in SCALARS else ahead.tangents.get(s) for s in node.inputs]
    pulled = pull_one(node, g)
    if any(p is not None and not np.isfinite(p).all() for p in pulled):
        bad = next(i for i, p in enumerate(pulled) if p is not None and not np.isfinite(p).all())
        return Gap(node, bad, math.inf)
    total = _along(pulled, given) - math.fsum((g * t).real.ravel().tolist())
    terms = np.abs(np.concatenate([(g * t).ravel(), *_terms(pulled, given)]))
    noise = 64.0 * EPS * float(np.linalg.norm(terms))
    if is_custom(node):
        noise += 64.0 * EPS * inside(node, g, ahead)
    if tape.linear:
        noise += SAFETY * abs(_along(_moved(tape, node, g), given) - _along(pulled, given))
    if node in ahead.errors:
        noise += 4.0 * float(np.abs(g).ravel() @ ahead.errors[node].ravel())
    if abs(total) <= noise:
        return None
    back, _ = tape.slopes(node, list(node.kept), [None if u is None else -u for u in given])
    kink = float(np.abs(g).ravel() @ np.abs(t + back).ravel())
    behind = _along(pulled, given) + math.fsum((g * back).real.ravel().tolist())
    total = max(total, behind, key=abs)
    if abs(total) <= noise + kink:
        return None
    singles = []
    for i, u in enumerate(given):
        alone = [u if k == i else None for k in range(len(given))]
        along = 0.0
        if u is not None:
            moved, _ = tape.slopes(node, list(node.kept), alone)
            along = abs(_along(pulled, alone) - math.fsum((g * moved).real.ravel().tolist()))
        singles.append(along)
    worst = int(np.argmax(singles))
    cut = pulled[worst] is None and isinstance(node.inputs[worst], Node)
    return Gap(node, worst, abs(total), cut)


def _terms(pulled: list[Any], given: list[Any]) -> list[Array]:
    pairs = zip(pulled, given, strict=True)
    return [(p * u).ravel() for p, u in pairs if p is not None and u is not None]


def _along(pulled: list[Any], given: list[Any]) -> float:
    terms = _terms(pulled, given)
    return math.fsum(np.concatenate(terms).real.tolist()) if terms else 0.0


def _moved(tape: Tape, node: Node, g: Array) -> list[Array | None]:
    """The rules' answer where every number they read is moved by a rounding error."""
    twin = copy.copy(node)
    twin.kept, twin.output = rounded_otherwise(node, g, tape.rng)
    return [None if p is None else p / 1.37 for p in pull_one(twin, 1.37 * g)]


def _culprit(tape: Tape, gap: Gap) -> Culprit:
    node, operand = gap.node, gap.operand
    if gap.cut:
        source = node.inputs[operand]
        if isinstance(source, Node) and source.primitive is not None and not node.needs:
            source = node
        elif isinstance(source, Node) and source.primitive is not None:
            node, operand = source, 0
        found = Findings(None, math.nan, math.nan, 1.0, _why_cut(node))
    else:
        found = diagnose(tape, node, operand)
    return Culprit(
        primitive_name(node),
        node.place,
        ".".join(node.scope),
        operand_name(tape, node, operand),
        found.index,
        found.analytic,
        found.numeric,
        found.error,
        found.diagnosis,
        found.part,
    )


def _why_cut(node: Node) -> str:
    if node.primitive.name == "stop_gradient":
        return "the history is cut by stop_gradient: the value depends on its input all the same"
    if not np.array_equal(kernel(node, list(node.kept)), node.output, equal_nan=True):
        return "not a function of its inputs: hidden state or randomness"
    if not node.primitive.differentiable:
        return "this operation has no derivative rule, and its value depends on its input"
    return "no gradient passes: recorded under no_grad, or its inputs require none"


def operand_name(tape: Tape, node: Node, i: int) -> str:
    """The argument's name and, where the user gave one to the value, that as well."""
    arguments = node.primitive.arguments
    if arguments is None:
        function = getattr(node.params.get("function"), "function", None)
        try:
            arguments = tuple(inspect.signature(function).parameters) if function else ()
        except (TypeError, ValueError):
            arguments = ()
    label = arguments[i] if i < len(arguments) else f"operand {i}"
    source = node.inputs[i]
    own = source.name if isinstance(source, Node) else None
    return f"{label} ({own})" if own and own != label else label
