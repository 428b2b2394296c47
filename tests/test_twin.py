"""A naive scalar autodiff, written independently, and a state machine that runs both side by side.

The twin is a page of Python floats and chain rule (the size of micrograd): no arrays, no kept
values, no masks. Hypothesis makes programs out of operations, rebinding, ``no_grad`` and backward
passes; after each step values, needs and gradients of both must agree.
"""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

import autodiff as ad


class Scalar:
    """A number, the numbers it was made of and the partial derivative for each."""

    def __init__(self, value: float, parents: Any = (), needs: bool | None = None) -> None:
        self.value = value
        self.parents = [(p, d) for p, d in parents if p.needs]
        self.needs = bool(self.parents) if needs is None else needs
        self.grad: float | None = None

    def order(self) -> list[Scalar]:
        """This number and all it was made of, each before its parents."""
        seen: set[Scalar] = set()
        found: list[Scalar] = []
        stack: list[tuple[Scalar, bool]] = [(self, False)]
        while stack:
            node, done = stack.pop()
            if done:
                found.append(node)
            elif node not in seen:
                seen.add(node)
                stack.append((node, True))
                stack.extend((p, False) for p, _ in node.parents)
        return found[::-1]

    def derivatives(self, seed: float) -> dict[Scalar, float]:
        """The derivative of ``seed`` times this number for each number behind it."""
        total = {self: seed}
        for node in self.order():
            for parent, partial in node.parents:
                total[parent] = total.get(parent, 0.0) + partial * total[node]
        return total


UNARY: dict[str, Any] = {
    "negative": lambda x: (-x, -1.0),
    "sin": lambda x: (math.sin(x), math.cos(x)),
    "cos": lambda x: (math.cos(x), -math.sin(x)),
    "tanh": lambda x: (math.tanh(x), 1 - math.tanh(x) ** 2),
    "arctan": lambda x: (math.atan(x), 1 / (1 + x * x)),
    "abs": lambda x: (abs(x), (x > 0) - (x < 0)),
    "relu": lambda x: (max(x, 0.0), float(x > 0)),
    "softplus": lambda x: (math.log1p(math.exp(-abs(x))) + max(x, 0), 0.5 * math.tanh(x / 2) + 0.5),
}
BINARY: dict[str, Any] = {
    "add": lambda a, b: (a + b, 1.0, 1.0),
    "subtract": lambda a, b: (a - b, 1.0, -1.0),
    "multiply": lambda a, b: (a * b, b, a),
    "arctan2": lambda a, b: (math.atan2(a, b), b / (a * a + b * b), -a / (a * a + b * b)),
    "maximum": lambda a, b: (max(a, b), *_shared(a, b)),
    "minimum": lambda a, b: (min(a, b), *_shared(b, a)),
}


def _shared(a: float, b: float) -> tuple[float, float]:
    return (1.0, 0.0) if a > b else (0.0, 1.0) if b > a else (0.5, 0.5)


class Pair:
    """The same number on both sides."""

    def __init__(self, tensor: Any, scalar: Scalar, leaf: bool = False) -> None:
        self.tensor, self.scalar, self.leaf = tensor, scalar, leaf


class Twins(RuleBasedStateMachine):
    """Programs over at most twelve names; a new value takes the place of a random old one."""

    numbers = st.integers(-96, 96).map(lambda k: k / 32)
    choices = st.integers(0, 11)

    @initialize(a=numbers, b=numbers)
    def start(self, a: float, b: float) -> None:
        self.pairs: list[Pair] = []
        self.leaves: list[Pair] = []
        for value in (a, b):
            self.new_leaf(value, True)

    def at(self, k: int) -> Pair:
        return self.pairs[k % len(self.pairs)]

    def put(self, pair: Pair, k: int) -> None:
        if len(self.pairs) < 12:
            self.pairs.append(pair)
        else:
            self.pairs[k] = pair

    def new_leaf(self, value: float, needs: bool) -> None:
        pair = Pair(ad.tensor(value, requires_grad=needs), Scalar(value, needs=needs), leaf=True)
        self.leaves.append(pair)
        self.put(pair, len(self.leaves) % 12)

    @precondition(lambda self: len(self.leaves) < 6)
    @rule(value=numbers, needs=st.booleans())
    def leaf(self, value: float, needs: bool) -> None:
        self.new_leaf(value, needs)

    @rule(name=st.sampled_from(sorted(UNARY)), i=choices, k=choices, quiet=st.booleans())
    def unary(self, name: str, i: int, k: int, quiet: bool) -> None:
        x = self.at(i)
        value, partial = UNARY[name](x.scalar.value)
        parents = [] if quiet else [(x.scalar, partial)]
        self.put(Pair(self.run(quiet, name, x.tensor), Scalar(value, parents)), k)

    @rule(
        name=st.sampled_from(sorted(BINARY)), i=choices, j=choices, k=choices, quiet=st.booleans()
    )
    def binary(self, name: str, i: int, j: int, k: int, quiet: bool) -> None:
        a, b = self.at(i), self.at(j)
        if name == "arctan2" and abs(a.scalar.value) + abs(b.scalar.value) < 0.01:
            return
        value, da, db = BINARY[name](a.scalar.value, b.scalar.value)
        if abs(value) > 1e3:
            return
        parents = [] if quiet else [(a.scalar, da), (b.scalar, db)]
        self.put(Pair(self.run(quiet, name, a.tensor, b.tensor), Scalar(value, parents)), k)

    @rule(i=choices, k=choices, c=numbers, swap=st.booleans())
    def with_number(self, i: int, k: int, c: float, swap: bool) -> None:
        x = self.at(i)
        tensor = c - x.tensor if swap else x.tensor * c
        value = c - x.scalar.value if swap else x.scalar.value * c
        if abs(value) <= 1e3:
            self.put(Pair(tensor, Scalar(value, [(x.scalar, -1.0 if swap else c)])), k)

    @rule(i=choices, j=choices, k=choices, c=choices)
    def selected(self, i: int, j: int, k: int, c: int) -> None:
        a, b, test = self.at(i), self.at(j), self.at(c)
        chosen = a if test.scalar.value > 0 else b
        tensor = ad.where(test.tensor > 0, a.tensor, b.tensor)
        needs = a.scalar.needs or b.scalar.needs
        scalar = Scalar(chosen.scalar.value, [(chosen.scalar, 1.0)])
        scalar.needs = needs
        self.put(Pair(tensor, scalar), k)

    @rule(i=choices, j=choices)
    def rebind_by_index(self, i: int, j: int) -> None:
        x, new = self.at(i), self.at(j)
        if x.leaf or new.scalar is x.scalar:
            return
        x.tensor[()] = new.tensor  # the handle moves on; what was computed from it does not
        moved = Scalar(new.scalar.value, [(new.scalar, 1.0), (x.scalar, 0.0)])
        x.scalar = moved

    @rule(i=choices, j=choices)
    def rebind_by_operator(self, i: int, j: int) -> None:
        x, other = self.at(i), self.at(j)
        if abs(x.scalar.value + other.scalar.value) > 1e3:
            return
        before, tensor = x.tensor, x.tensor
        tensor += other.tensor
        assert tensor is not before
        parents = [(x.scalar, 1.0), (other.scalar, 1.0)]
        self.put(Pair(tensor, Scalar(x.scalar.value + other.scalar.value, parents)), i)

    @rule(i=choices, value=numbers)
    def new_data(self, i: int, value: float) -> None:
        leaf = self.leaves[i % len(self.leaves)]
        leaf.tensor.data = value
        # What was recorded before keeps the old number: its partials stand.
        leaf.scalar.value = value

    @rule(i=choices, seed=st.sampled_from([None, 1.0, -0.5]))
    def backward(self, i: int, seed: float | None) -> None:
        x = self.at(i)
        if not x.scalar.needs:
            with pytest.raises(ad.GradientError, match="no history"):
                x.tensor.backward(seed)
            return
        x.tensor.backward(seed)
        derivatives = x.scalar.derivatives(1.0 if seed is None else seed)
        for leaf in self.leaves:
            if leaf.scalar in derivatives:
                leaf.scalar.grad = (leaf.scalar.grad or 0.0) + derivatives[leaf.scalar]

    @rule(i=choices, j=choices)
    def gradients(self, i: int, j: int) -> None:
        y, x = self.at(i), self.at(j)
        if y.scalar.needs and x.scalar.needs:
            got = ad.gradients(y.tensor, x.tensor, unused="zeros").item()
            assert close(got, y.scalar.derivatives(1.0).get(x.scalar, 0.0))

    @rule(i=choices)
    def clear(self, i: int) -> None:
        leaf = self.leaves[i % len(self.leaves)]
        leaf.tensor.grad = leaf.scalar.grad = None

    def run(self, quiet: bool, name: str, *operands: Any) -> Any:
        if not quiet:
            return getattr(ad, name)(*operands)
        with ad.no_grad():
            return getattr(ad, name)(*operands)

    @invariant()
    def values_and_needs_agree(self) -> None:
        for pair in getattr(self, "pairs", ()):
            assert close(pair.tensor.item(), pair.scalar.value)
            assert pair.tensor.requires_grad == pair.scalar.needs

    @invariant()
    def gradients_agree(self) -> None:
        for leaf in getattr(self, "leaves", ()):
            grad = leaf.tensor.grad
            got = None if grad is None else grad.item()
            expected = leaf.scalar.grad
            # A branch that was not selected gives the leaf no gradient, or a zero: both are right.
            assert close(got or 0.0, expected or 0.0), (got, expected)


def close(a: float, b: float) -> bool:
    """Equal up to rounding."""
    return math.isclose(a, b, rel_tol=1e-9, abs_tol=1e-9)


TestTwins = Twins.TestCase
TestTwins.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)


@pytest.mark.parametrize("name", sorted(UNARY))
def test_the_twins_partials(name: str) -> None:
    """The twin itself is held against differences: a shared mistake would hide."""
    for x in (-1.3, 0.4, 2.2):
        h = 1e-6
        slope = (UNARY[name](x + h)[0] - UNARY[name](x - h)[0]) / (2 * h)
        assert math.isclose(slope, UNARY[name](x)[1], abs_tol=1e-8)


def test_a_planted_fault_is_found() -> None:
    """The machine fails when one rule of the twin is wrong."""
    sound = UNARY["sin"]
    UNARY["sin"] = lambda x: (math.sin(x), -math.cos(x))
    try:
        machine = Twins()
        machine.start(0.5, 0.25)
        machine.unary("sin", 0, 5, False)
        machine.backward(2, None)
        with pytest.raises(AssertionError):
            machine.gradients_agree()
    finally:
        UNARY["sin"] = sound
