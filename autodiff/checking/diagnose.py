"""What is wrong with a rule, in words: the gradient that it gives against the kernel's own."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from autodiff.checking.conjugates import explain_complex
from autodiff.checking.slopes import ODD, kernel
from autodiff.checking.tape import Array, Tape, pull_one
from autodiff.node import Leaf, Node, aval_of_input
from autodiff.primitive import OUTPUT

ENTRIES = 1024  # of an operand, whose numeric derivatives are worked out one by one
SAMPLE = 256  # of a larger one
MEMORY = 2**22  # numbers in the columns of the Jacobian that are held at once
EXPLAINED = 1e-3  # the part of a difference that an explanation may leave


@dataclass(frozen=True)
class Findings:
    """Where the gradient is farthest off, both derivatives there, and the diagnosis."""

    index: tuple[int, ...] | None
    analytic: float
    numeric: float
    error: float
    diagnosis: str


@dataclass(frozen=True)
class Evidence:
    """The rule's gradient ``rule``, and the kernel's at the flat positions ``where``."""

    rule: Array
    where: Array
    kernel: Array
    columns: Array  # derivative of every output (rows) for each of these positions
    cotangent: Array
    summed: tuple[int, ...] = ()  # axes of terms that the backward walk adds up

    @property
    def found(self) -> Array:
        return np.asarray(self.rule.ravel()[self.where])

    def explains(self, candidate: Array) -> bool:
        """Whether a gradient is what the kernel says, but for a small part of the difference."""
        return self._close(candidate.ravel()[self.where], self.kernel)

    def is_rule(self, candidate: Array) -> bool:
        """Whether other values at the positions are what the rule gave."""
        return self._close(candidate, self.found)

    def _close(self, a: Array, b: Array) -> bool:
        gap = float(np.abs(self.found - self.kernel).max())
        rounding = 1e-12 * float(np.abs(self.kernel).max())
        return bool(np.abs(a - b).max() <= EXPLAINED * gap + rounding)


def diagnose(tape: Tape, node: Node, operand: int) -> Findings:
    """Compare rule and kernel of one operation, entry by entry, and say how they differ."""
    again = kernel(node, list(node.kept))
    if not np.array_equal(again, node.output, equal_nan=True):
        text = (
            "not a function of its inputs: called again with the same operands it gives another "
            "value (hidden state or randomness)"
        )
        return Findings(None, math.nan, math.nan, math.inf, text)
    if any(np.iscomplexobj(x) for x in (*node.kept, node.output)):
        place, text = explain_complex(node, operand, partial(_push, tape, node, operand))
        return Findings(place, math.nan, math.nan, math.inf, text)
    rng = np.random.default_rng(0)
    v = rng.uniform(0.5, 1.5, node.shape) * rng.choice([-1.0, 1.0], node.shape)
    rule = pull_one(node, v)[operand]
    if rule is None:
        return Findings(None, 0.0, math.nan, 1.0, "the rule gives no gradient (None)")
    second = pull_one(node, v)[operand]
    evidence = _gather(tape, node, operand, rule, v, rng)
    found, expected = evidence.found, evidence.kernel
    difference = np.abs(found - expected)
    worst = int(np.argmax(np.where(np.isfinite(difference), difference, np.inf)))
    index = tuple(map(int, np.unravel_index(evidence.where[worst], rule.shape)))
    top = float(np.abs(expected).max()) or 1.0
    if second is None or not np.array_equal(rule, second, equal_nan=True):
        text = "the rule is not a function of its inputs: two calls give different gradients"
    else:
        text = _explain(tape, node, operand, evidence, v, rng)
    gap = float(difference[worst])
    return Findings(index, float(found[worst]), float(expected[worst]), gap / top, text)


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
                return next(_explanations(terms))
    return next(_explanations(evidence))


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
    columns = np.empty((v.size, len(where)))
    for k, flat in enumerate(where):
        unit = np.zeros(rule.shape)
        unit.flat[flat] = 1.0
        columns[:, k] = _push(tape, node, operand, unit).ravel()
    found = rule.ravel()[where]
    expected = v.ravel() @ columns
    for k in map(int, np.flatnonzero(np.abs(found - expected) > ODD * np.abs(expected))):
        unit = np.zeros(rule.shape)
        unit.flat[where[k]] = -1.0
        left = -float(v.ravel() @ _push(tape, node, operand, unit).ravel())
        if abs(left - expected[k]) > ODD * (abs(left) + abs(expected[k])):
            # At a kink everything between the one-sided derivatives is right.
            expected[k] = min(max(found[k], min(left, expected[k])), max(left, expected[k]))
    return Evidence(rule, where, expected, columns, v)


def _push(tape: Tape, node: Node, operand: int, direction: Array) -> Array:
    tangents: list[Any] = [None] * len(node.kept)
    tangents[operand] = direction
    return tape.slopes(node, list(node.kept), tangents)[0]


def _bisect(
    tape: Tape, node: Node, operand: int, rule: Array, v: Array, rng: np.random.Generator
) -> list[int]:
    """A position where rule and kernel differ, found by halving the set of positions."""
    low, high = 0, rule.size
    signs = rng.choice([-1.0, 1.0], rule.size)

    def gap(a: int, b: int) -> float:
        part = np.zeros(rule.size)
        part[a:b] = signs[a:b]
        along = math.fsum((v * _push(tape, node, operand, part.reshape(rule.shape))).ravel())
        return abs(math.fsum(rule.ravel()[a:b] * signs[a:b]) - along)

    while high - low > 1:
        middle = (low + high) // 2
        if gap(low, middle) >= gap(middle, high):
            high = middle
        else:
            low = middle
    return [low]


# ---- explanations, the most telling first


def _explanations(e: Evidence) -> Iterator[str]:
    if not np.isfinite(e.found).all():
        yield "the rule gives NaN or infinity where the derivative is finite"
        return
    if not e.rule.any():
        yield "the rule gives zero everywhere: no gradient passes"
    yield from _proportional(e)
    yield from _not_added(e)
    yield from _dropped(e)
    yield from _rearranged(e)
    yield from _unsummed(e)
    yield from _offset(e)
    yield _remainder(e)


def _proportional(e: Evidence) -> Iterator[str]:
    square = float(e.kernel @ e.kernel)
    if not square:
        return
    factor = float(e.found @ e.kernel) / square
    if not e.is_rule(factor * e.kernel):
        return
    if abs(factor + 1.0) < 1e-9:
        yield "sign: the rule gives the negative of the derivative"
        return
    text = f"factor {_number(factor)}: the rule gives the derivative times this"
    for axis, n in enumerate(e.cotangent.shape):
        if n > 1 and abs(factor * n - 1.0) < 1e-9:
            text += f" (1/{n}: a mean in place of the sum over axis {axis})"
            break
        if n > 1 and abs(factor - n) < 1e-6:
            text += f" ({n}: the size of axis {axis})"
            break
    yield text


def _number(x: float) -> str:
    return f"{x:.6g}" if abs(x - 1.0) > 1e-4 else f"1 {'+' if x > 1 else '−'} {abs(x - 1.0):.2g}"


def _wrong(e: Evidence) -> Array:
    top = float(np.abs(e.kernel).max()) or 1.0
    gap = np.abs(e.found - e.kernel)
    # Beside a large error, the noise of the numbers themselves is one as well.
    return np.asarray(gap > 1e-9 * float(gap.max()) + 1e-11 * top)


def _dropped(e: Evidence) -> Iterator[str]:
    wrong = _wrong(e)
    if wrong.any() and not e.found[wrong].any() and not wrong.all():
        count, size = int(wrong.sum()), e.rule.size
        looked = f"of {size:,}"
        if len(e.where) < size:
            looked = f"of {len(e.where):,} looked at, {size:,} in all"
        entries = "1 entry is" if count == 1 else f"{count:,} entries are"
        yield f"dropped: {entries} zero that should not be ({looked})"


def _not_added(e: Evidence) -> Iterator[str]:
    """Terms of a sum over a broadcast axis that are zero but for one index."""
    if len(e.where) < e.rule.size:
        return
    right = e.kernel.reshape(e.rule.shape)
    for axes in (e.summed, *((k,) for k in e.summed)):
        chosen: list[Any] = [slice(None)] * right.ndim
        for k in axes:
            chosen[k] = slice(0, 1)
        part = np.zeros(right.shape)
        part[tuple(chosen)] = right[tuple(chosen)]
        if axes and e.is_rule(part.ravel()):
            yield (
                f"missing sum over {_axes(axes)}: the operand is broadcast there, and only index 0 "
                "is counted"
            )


def _axes(axes: tuple[int, ...]) -> str:
    return f"axis {axes[0]}" if len(axes) == 1 else f"the axes {', '.join(map(str, axes))}"


def _rearranged(e: Evidence) -> Iterator[str]:
    shape, rule = e.rule.shape, e.rule
    if len(shape) >= 2:
        turned = np.swapaxes(rule, -1, -2)
        swapped = (*shape[:-2], shape[-1], shape[-2])
        # A transpose of other sizes must have been reshaped to fit.
        for candidate in (turned, np.swapaxes(rule.reshape(swapped), -1, -2)):
            if candidate.shape == shape and e.explains(candidate):
                yield "transposed: the last two axes are exchanged"
                return
        if e.explains(np.transpose(rule.reshape(shape[::-1]))):
            yield "transposed: the axes are in reverse order"
            return
    for axis, n in enumerate(shape):
        for k in (1, -1):
            if n > 1 and e.explains(np.roll(rule, -k, axis)):
                yield f"shifted index: entries stand {abs(k)} too {_side(k)} along axis {axis}"
            elif n > 2 and e.explains(_slid(rule, -k, axis, e)):
                yield (
                    f"shifted index: entries stand {abs(k)} too {_side(k)} along axis {axis}, and "
                    "those at the end are lost"
                )
        if n > 1 and e.explains(np.flip(rule, axis)):
            yield f"reversed: entries stand in the opposite order along axis {axis}"


def _side(k: int) -> str:
    return "high" if k > 0 else "low"


def _slid(rule: Array, k: int, axis: int, e: Evidence) -> Array:
    """The rule's gradient moved along an axis; what would come from outside is taken as right."""
    moved = np.roll(rule, k, axis).copy()
    edge = [slice(None)] * rule.ndim
    edge[axis] = slice(-1, None) if k < 0 else slice(0, 1)
    known = np.zeros(rule.size)
    known[e.where] = e.kernel
    moved[tuple(edge)] = known.reshape(rule.shape)[tuple(edge)]
    return moved


def _unsummed(e: Evidence) -> Iterator[str]:
    """One index of the output in place of the sum over all of them."""
    v = e.cotangent
    for axis, n in enumerate(v.shape):
        for k in (0, n - 1) if n > 1 else ():
            part = np.zeros(v.shape)
            chosen: list[Any] = [slice(None)] * v.ndim
            chosen[axis] = k
            part[tuple(chosen)] = v[tuple(chosen)]
            if e.is_rule(part.ravel() @ e.columns):
                yield (
                    f"missing sum over axis {axis}: only index {k} of the {n} that the operand "
                    "acts on is counted"
                )


def _offset(e: Evidence) -> Iterator[str]:
    gap = e.found - e.kernel
    middle = float(np.mean(gap))
    if len(gap) > 2 and middle and e.is_rule(e.kernel + middle):
        yield f"offset: {middle:.6g} is added to every entry"


def _remainder(e: Evidence) -> str:
    wrong = _wrong(e)
    count, looked = int(wrong.sum()), len(e.where)
    with np.errstate(all="ignore"):
        ratio = (e.found / e.kernel)[wrong]
    ratio = ratio[np.isfinite(ratio)]
    where = (
        "wrong in all entries looked at"
        if count == looked
        else f"wrong in {count:,} of {looked:,} entries looked at, right in the others"
    )
    if not len(ratio):
        return f"{where}: a gradient where the derivative is zero"
    return f"{where}: {ratio.min():.6g} to {ratio.max():.6g} times the derivative"
