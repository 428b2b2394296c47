"""Where a rule is wrong, entry by entry: the gradient that it gives against the kernel's own."""

from __future__ import annotations

import copy
import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from autodiff.checking.differences import ODD
from autodiff.checking.explanations import Evidence, explanations
from autodiff.checking.kernels import kernel
from autodiff.checking.numeric import random_signs
from autodiff.checking.problem import joined
from autodiff.checking.tape import Array, Tape, pull_one
from autodiff.node import Leaf, Node, aval_of_input
from autodiff.primitive import OUTPUT

ENTRIES = 1024  # of an operand, whose numeric derivatives are worked out one by one
SAMPLE = 256  # of a larger one
DENSE = 64  # up to this size entries are moved one by one
MEMORY = 2**22  # numbers in the columns of the Jacobian that are held at once


@dataclass(frozen=True)
class Findings:
    """Where the gradient is farthest off, both derivatives there, and the diagnosis.

    ``part`` is that of a complex entry, "real" or "imag", to which the derivatives belong.
    """

    index: tuple[int, ...] | None
    analytic: float
    numeric: float
    error: float
    diagnosis: str
    part: str = ""


def diagnose(tape: Tape, node: Node, operand: int) -> Findings:
    """Compare rule and kernel of one operation, entry by entry, and say how they differ."""
    again = kernel(node, list(node.kept))
    if not np.array_equal(again, node.output, equal_nan=True):
        text = (
            "not a function of its inputs: called again with the same operands it gives another "
            "value (hidden state or randomness)"
        )
        return Findings(None, math.nan, math.nan, math.inf, text)
    rng = np.random.default_rng(0)
    v = rng.uniform(0.5, 1.5, node.shape) * random_signs(rng, node.shape)
    if node.dtype.kind == "c":
        v = v + 1j * rng.uniform(0.5, 1.5, node.shape) * random_signs(rng, node.shape)
    rule = pull_one(node, v)[operand]
    if rule is None:
        return Findings(None, 0.0, math.nan, 1.0, "the rule gives no gradient (None)")
    second = pull_one(node, v)[operand]
    turned = pull_one(node, np.conj(v))[operand] if node.dtype.kind == "c" else None
    evidence = replace(_gather(tape, node, operand, rule, v, rng), turned=turned)
    found, expected = evidence.found, evidence.kernel
    difference = np.abs(found - expected)
    worst = int(np.argmax(np.where(np.isfinite(difference), difference, np.inf)))
    index = tuple(map(int, np.unravel_index(evidence.where[worst], rule.shape)))
    top = float(np.abs(expected).max()) or 1.0
    if second is None or not np.array_equal(rule, second, equal_nan=True):
        text = "the rule is not a function of its inputs: two calls give different gradients"
    else:
        text = _explain(tape, node, operand, evidence, v, rng)
    both, error, part = (found[worst], expected[worst]), float(difference[worst]) / top, ""
    if rule.dtype.kind == "c":
        gap = found[worst] - expected[worst]
        part = "real" if abs(gap.real) >= abs(gap.imag) else "imag"
        # The walk carries dL/dRe - i dL/dIm.
        both = tuple(z.real if part == "real" else -z.imag for z in both)
    return Findings(index, float(both[0]), float(both[1]), error, text, part)


def _explain(
    tape: Tape, node: Node, operand: int, evidence: Evidence, v: Array, rng: np.random.Generator
) -> str:
    """In words; for an operand that is broadcast, from the terms before they are summed."""
    wide = _expanded(node, operand, v)
    if wide is not None:
        rule = pull_one(wide, v)[operand]
        if rule is not None and rule.shape == wide.kept[operand].shape:
            terms = _gather(tape, wide, operand, rule, v, rng)
            terms = replace(terms, summed=_summed_axes(node.inputs[operand].shape, rule.shape))
            gap = np.abs(terms.found - terms.kernel).max()
            if gap > 1e-11 * np.abs(terms.kernel).max():
                return next(explanations(terms))
    return next(explanations(evidence))


def _expanded(node: Node, operand: int, v: Array) -> Node | None:
    """The same operation on the operand as it is broadcast; None where it is not."""
    if not node.primitive.broadcasts:
        return None
    rule = node.primitive.pulls_for(len(node.inputs))[operand]
    with np.errstate(all="ignore"):
        pulled = (
            v
            if rule.function is None
            else rule.function(v, *_slots(rule.slots, node), **node.params)
        )
    shape = np.shape(pulled)
    if shape == node.inputs[operand].shape:
        return None
    twin = copy.copy(node)
    value = np.broadcast_to(node.kept[operand], shape)
    twin.kept = (*node.kept[:operand], value, *node.kept[operand + 1 :])
    leaf = Leaf(shape, value.dtype, needs=True)
    twin.inputs = (*node.inputs[:operand], leaf, *node.inputs[operand + 1 :])
    return twin


def _slots(slots: tuple[int, ...], node: Node) -> list[Any]:
    """What a rule reads, as bare arrays."""
    return [
        node.output
        if s == OUTPUT
        else node.kept[s]
        if s >= 0
        else aval_of_input(node.inputs[-2 - s])
        for s in slots
    ]


def _summed_axes(shape: tuple[int, ...], full: tuple[int, ...]) -> tuple[int, ...]:
    extra = len(full) - len(shape)
    return tuple(k for k in range(len(full)) if k < extra or shape[k - extra] == 1 != full[k])


# ---- evidence


def _gather(
    tape: Tape, node: Node, operand: int, rule: Array, v: Array, rng: np.random.Generator
) -> Evidence:
    size = rule.size
    if size <= ENTRIES and size * max(v.size, 1) <= MEMORY:
        where = np.arange(size)
    else:
        count = max(1, min(SAMPLE, MEMORY // max(v.size, 1)))
        largest = int(np.argmax(np.abs(rule)))
        where = np.unique(
            [*rng.choice(size, min(count, size), replace=False), largest,
             *_bisect(tape, node, operand, rule, v, rng)]
        )  # fmt: skip
    expected, columns, noise = _entrywise(tape, node, operand, rule, where, v, 1.0)
    sideways = None
    if rule.dtype.kind == "c":
        imaginary, sideways, its = _entrywise(tape, node, operand, rule, where, v, 1j)
        expected, noise = expected - 1j * imaginary, max(noise, its)
    return Evidence(rule, where, expected, columns, v, noise, sideways)


def _entrywise(
    tape: Tape, node: Node, operand: int, rule: Array, where: Array, v: Array, step: complex
) -> tuple[Array, Array, float]:
    """The derivative of Re Σ v y for a step in each entry, those of every output, their noise."""
    noise = 0.0
    sides: dict[complex, Array] = {}
    if _is_diagonal(tape, node, operand, rule):
        for s in (step, -step):
            sides[s] = _push(tape, node, operand, np.full(rule.shape, s, rule.dtype))[0].ravel()

    def pushed(flat: int, size: complex) -> Array:
        nonlocal noise
        if sides:
            column = np.zeros(v.size, node.dtype)
            column[flat] = sides[size][flat]
            return column
        unit = np.zeros(rule.shape, rule.dtype)
        unit.flat[flat] = size
        column, error = _push(tape, node, operand, unit)
        if error is not None:
            noise = max(noise, float(np.abs(v).ravel() @ error.ravel()))
        return column.ravel()

    columns = np.empty((v.size, len(where)), node.dtype)
    for k, flat in enumerate(where):
        columns[:, k] = pushed(flat, step)
    found = (rule.ravel()[where] * step).real
    expected = (v.ravel() @ columns).real
    for k in map(int, np.flatnonzero(np.abs(found - expected) > ODD * np.abs(expected))):
        left = -float((v.ravel() @ pushed(where[k], -step)).real)
        if abs(left - expected[k]) > ODD * (abs(left) + abs(expected[k])):
            # At a kink everything between the one-sided derivatives is right.
            expected[k] = min(max(found[k], min(left, expected[k])), max(left, expected[k]))
    return expected, columns, noise


def _is_diagonal(tape: Tape, node: Node, operand: int, rule: Array) -> bool:
    """Whether each output depends on the entry in its own place alone: one step moves them all.

    Any two entries differ in a bit of their positions, so that one moves while the other does not.
    """
    if node.shape != rule.shape or rule.size < DENSE:
        return False
    places = np.arange(rule.size)
    for bit in range((rule.size - 1).bit_length()):
        for side in (0, 1):
            moved = (places >> bit) & 1 == side
            direction = moved.astype(rule.dtype).reshape(rule.shape)
            if np.any(_push(tape, node, operand, direction)[0].ravel()[~moved]):
                return False
    return True


def _push(tape: Tape, node: Node, operand: int, direction: Array) -> tuple[Array, Array | None]:
    tangents: list[Any] = [None] * len(node.kept)
    tangents[operand] = direction
    return tape.slopes(node, list(node.kept), tangents)


def _bisect(
    tape: Tape, node: Node, operand: int, rule: Array, v: Array, rng: np.random.Generator
) -> list[int]:
    """A position where rule and kernel differ, found by halving the set of positions."""
    low, high = 0, rule.size
    shape = (rule.size, 2) if rule.dtype.kind == "c" else (rule.size,)
    signs = joined(random_signs(rng, shape), rule)

    def gap(a: int, b: int) -> float:
        part = np.zeros(rule.size, signs.dtype)
        part[a:b] = signs[a:b]
        along = v * _push(tape, node, operand, part.reshape(rule.shape))[0]
        by_rule = rule.ravel()[a:b] * signs[a:b]
        return abs(math.fsum(by_rule.real) - math.fsum(along.real.ravel()))

    while high - low > 1:
        middle = (low + high) // 2
        if gap(low, middle) >= gap(middle, high):
            high = middle
        else:
            low = middle
    return [low]
