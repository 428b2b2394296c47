"""Comparisons of a gradient with numeric derivatives, direction by direction, within a budget."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from autodiff.checking.comparison import (
    BLUNT,
    BLURRED,
    BRANCHES,
    CUT,
    EDGE,
    JUMPS,
    UNDERFLOW,
    Comparison,
    Row,
    agree,
    chosen,
    cost,
    directions,
    entries,
    one_entry,
    uniform,
)
from autodiff.checking.cuts import lost
from autodiff.checking.kernels import is_custom
from autodiff.checking.kinks import jump_of, kinks_of
from autodiff.checking.numeric import EPS, STEPS, Estimate, derivative, random_signs
from autodiff.checking.problem import (
    Array,
    Problem,
    Variable,
    joined,
    parts_of,
    require_finite,
)
from autodiff.checking.report import RIGHT, UNCLEAR, UNUSED, WRONG, Entry, Kink
from autodiff.checking.tape import Push, Tape, inside, primitive_name
from autodiff.checking.taylor import direction_of, taylor_slope
from autodiff.errors import GradientError
from autodiff.tensor import Tensor

SAFETY = 20.0  # tolerance in units of the measured noise
FLOOR = 16.0  # and at least this many rounding errors of the terms, added as independent ones
ALONE = 16  # up to this size no direction is needed, and the budget is not asked
DIRECTIONS = 4  # random signs, which cover all entries; every second one evens out their sizes
COPIES = 3  # backward walks with moved roundings, which measure the noise of the gradient
MOST = 4_000_000  # numbers that pushed directions hold at once, which bounds the memory
LATE = 6.0  # in units of the budget: when the clock ends the check
AGAIN = 12  # and at most as many more where something looks wrong
CERTAIN = 12.0  # decimals of the probability that all of them were small by chance
ALPHA = 1.37  # a scale that changes every rounding
SCALES = (ALPHA, 0.71, 1.19)


def differentiate(problem: Problem, rng: np.random.Generator) -> Tape:
    """Record one evaluation, choose the weights of the outputs, and see that a second agrees."""
    tape = Tape(problem, rng)
    outputs = tape.outputs
    if not outputs:
        raise GradientError("gradcheck: the function returned no floating Tensor")
    for i, y in enumerate(outputs):
        label = f"output {i}" if len(outputs) > 1 else "the output"
        require_finite(y._data, label, _first_broken(tape))
    again, _ = problem.run()
    for y, z in zip(outputs, again, strict=True):
        if y.shape != z.shape or not np.array_equal(y._data, z._data):
            raise GradientError(
                "gradcheck: the function is not deterministic: two calls at the same point "
                "differ. Turn dropout and other random operations off (model.eval()), or fix "
                "their seed inside the function"
            )
    problem.weights = tape.weights = [_weight(y._data, len(outputs) == 1, rng) for y in outputs]
    return tape


def _weight(y: Array, only: bool, rng: np.random.Generator) -> Array:
    """The cotangent of an output: 1 of a real number alone, else random, of both parts."""
    shape = parts_of(y).shape
    if only and math.prod(shape) == 1:
        return np.ones(shape)
    return joined(rng.uniform(0.5, 1.5, shape) * random_signs(rng, shape), y)


def _first_broken(tape: Tape) -> str:
    """The first operation that made NaN or infinity of finite numbers."""
    for node in tape.operations:
        if node.dtype.kind in "fc" and not np.isfinite(node.output).all():
            place = f", at {node.place[0]}:{node.place[1]}" if node.place else ""
            scope = f" in {'.'.join(node.scope)}" if node.scope else ""
            return f"; it first appears in the result of {node.primitive.name}{scope}{place}"
    return ""


@dataclass
class Comparer:
    """All comparisons of one problem: directions first, then entries one by one."""

    problem: Problem
    tape: Tape
    rng: np.random.Generator
    budget: float
    kinks: dict[Any, Kink] = field(default_factory=dict)
    comparisons: list[list[Comparison]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.spent = self.cost = self.pace = 0.0
        self.most = max(1, MOST // max(1, self.tape.numbers))
        self.end = time.perf_counter() + LATE * self.budget
        self.cotangents = self.tape.cotangents()
        # Rules are linear in the cotangent, so that twice of it gives twice the gradient to the
        # last bit. Where it does not, what the copies show would be a fault and no rounding.
        self.tape.linear = agree(self.cotangents, self.tape.varied(scale=2.0), self.tape.leaves)
        self.copies: list[dict[Any, Array]] = []
        self.edge = ""  # what a rule said beside the point, where there is no gradient
        self._copy(COPIES)
        for variable, leaf in zip(self.problem.variables, self.tape.leaves, strict=True):
            g = self.cotangents.get(leaf)
            variable.gradient = None if g is None else np.conj(g)
        self.level = abs(self.problem.total())
        self.comparisons = [[] for _ in self.problem.variables]

    def run(self) -> list[Entry]:
        """Compare all that the budget allows, and sum up: one entry for each variable."""
        variables = self.problem.variables
        unrecorded = [self._unrecorded(i, v) for i, v in enumerate(variables)]
        singles = [chosen(v, self.rng) for v in variables]
        small = [v.count <= ALONE for v in variables]
        for i, v in enumerate(variables):  # whatever the budget
            first = entries(v, singles[i]) if small[i] else directions(v, range(1), self.rng)
            self._compare_all(i, first)
        self.cost = cost(self.tape)
        more = [DIRECTIONS - 1 if v.count > len(c) else 0 for v, c in zip(variables, singles)]
        for i, count in enumerate(self._afforded(more)):
            self._compare_all(i, directions(variables[i], range(1, 1 + count), self.rng))
        more = [0 if s else len(c) for c, s in zip(singles, small)]
        for i, count in enumerate(self._afforded(more)):
            self._compare_all(i, entries(variables[i], singles[i][:count]))
        counts = [sum(not isinstance(c.place, str) for c in found) for found in self.comparisons]
        for i in range(len(variables)):
            self._confirm(i)
        return [
            self._entry(i, counts[i], counts[i] < len(singles[i]), unrecorded[i])
            for i in range(len(variables))
        ]

    def _afforded(self, wanted: list[int]) -> list[int]:
        """Of so many comparisons of each variable, taken in turn, those within the budget.

        By estimated seconds, so that a seed gives the same report on each run.
        """
        counts = [0] * len(wanted)
        for k in range(max(wanted, default=0)):
            for i, count in enumerate(wanted):
                if k < count and self.spent < self.budget:
                    counts[i] += 1
                    self.spent += self.cost
        return counts

    # ---- one comparison

    def _compare_all(self, i: int, rows: list[Row]) -> None:
        """``compare`` along many directions of one variable, pushed together."""
        tape, leaf = self.tape, self.tape.leaves[i]
        while rows:
            # The clock is only asked in case the estimate is far off.
            now = time.perf_counter()
            if self.cost and now > self.end:
                return
            many = not self.cost or now + self.pace * len(rows) < self.end
            part = rows[: self.most if many else 1]
            rows = rows[len(part) :]
            along = np.stack([row.direction for row in part])
            ahead = tape.push(leaf, along)
            half = time.perf_counter()  # by now every operation has its method
            behind = tape.push(leaf, -ALPHA * along, jitter=True)
            for row, *pushes in zip(part, ahead, behind, strict=True):
                self.comparisons[i].append(self.compare(i, row, pushes))
            self.pace = 2.0 * (time.perf_counter() - half) / len(part)

    def compare(self, i: int, row: Row, pushes: Sequence[Push]) -> Comparison:
        """The derivative along one direction of one variable, by rules and by kernels."""
        tape, direction, (ahead, behind) = self.tape, row.direction, pushes
        right, left = tape.total(ahead), -tape.total(behind) / ALPHA
        analytic = self.project(self.cotangents, i, direction)
        kinks, width = kinks_of(tape, self.cotangents, ahead, behind)
        noise = max(
            (abs(self.project(c, i, direction) - analytic) for c in self.copies), default=0.0
        )
        floor, errors = self._bounds(ahead)
        if kinks:
            floor += FLOOR * EPS * (abs(right) + abs(left))
        else:
            noise += abs(right - left)
        tolerance = SAFETY * noise + floor + errors + UNDERFLOW
        found = Comparison(
            row.place, direction, analytic, right, tolerance, row.scale, part=row.part, push=ahead
        )
        if kinks:
            found.other, found.kinked = left, width
        for kink in kinks:
            known = self.kinks.get(kink.node)
            if known is None or known.count < kink.count:
                self.kinks[kink.node] = kink
        jump = next(iter(ahead.jumps), None) or next(iter(behind.jumps), None)
        jump = jump or jump_of(tape, ahead, [kink.node for kink in kinks])
        if jump is not None:
            found.unclear = JUMPS.format(primitive_name(jump))
        elif not math.isfinite(analytic) and self._at_an_edge(i, direction):
            found.unclear = "autodiff's derivative is not finite, and no finite one is there"
        elif kinks and not abs(right - left) <= tolerance + width:
            found.unclear = "derivatives from both sides differ by more than the kinks explain"
        elif kinks and abs(right - left) <= tolerance < found.difference <= tolerance + width:
            found.unclear = "kinks cancel each other: the gradient is one of many subgradients"
        elif self.edge:
            found.unclear = self.edge
        return found

    def _confirm(self, i: int) -> None:
        """See that what looks wrong is: one sample of noise may be small by chance, many not."""
        tape, leaf = self.tape, self.tape.leaves[i]
        for c in sorted(self.comparisons[i], key=lambda c: -c.excess):
            for k in range(1, AGAIN + 1):
                if not c.wrong or k * math.log10(c.excess) > CERTAIN:
                    break
                self._copy(COPIES + k)
                noise = [abs(self.project(g, i, c.direction) - c.analytic) for g in self.copies]
                if c.other is None:
                    (behind,) = tape.push(leaf, -ALPHA * c.direction[None], jitter=True)
                    noise.append(abs(c.numeric + tape.total(behind) / ALPHA))
                c.tolerance = max(c.tolerance, SAFETY * max(noise, default=0.0))
            if c.wrong:
                return

    def _copy(self, count: int) -> None:
        """So many gradients with moved roundings; none where they would show a fault."""
        while self.tape.linear and not self.edge and len(self.copies) < count:
            scale = SCALES[len(self.copies) % len(SCALES)]
            try:
                self.copies.append(self.tape.varied(scale=scale, around=self.cotangents))
            except np.linalg.LinAlgError as error:
                self.edge = EDGE.format(error)

    def project(self, cotangents: dict[Any, Array], i: int, direction: Array) -> float:
        """The derivative along a direction, from the gradient."""
        g = cotangents.get(self.tape.leaves[i])
        if g is None:
            return 0.0
        moved = direction != 0
        terms = (g[moved] * direction[moved]).real
        if not np.isfinite(terms).all():
            return math.nan
        return float(terms.sum(dtype=np.longdouble))

    def _at_an_edge(self, i: int, direction: Array) -> bool:
        """Whether differences of the recorded operations give no derivative either."""
        value, leaf = self.problem.variables[i].value, self.tape.leaves[i]
        top = float(np.abs(direction).max())
        spread = (math.sqrt(float(np.mean(np.abs(value) ** 2))) or 1.0) / top
        found = derivative(
            lambda t: self.tape.replay({leaf: value + t * direction}),
            [s * spread for s in STEPS],
            EPS * self.level,
        )
        allowed = BLUNT * abs(found.value) + 1e-6 * (self.level or 1.0) / spread
        return not (math.isfinite(found.error) and found.error <= allowed)

    def _bounds(self, push: Push) -> tuple[float, float]:
        """Rounding of all terms on the way, and the known errors of single derivatives."""
        square = errors = 0.0
        with np.errstate(all="ignore"):
            for node, t in push.tangents.items():
                g = self.cotangents.get(node)
                if g is None:
                    continue
                terms = np.abs(g * t).ravel()
                eps = EPS if node.dtype.char in "dD" else float(np.finfo(node.dtype).eps)
                square += float(np.vdot(terms, terms)) * (eps * eps)
                if is_custom(node):
                    square += (EPS * inside(node, g, push)) ** 2
                if node in push.errors:
                    errors += float(np.abs(g).ravel() @ push.errors[node].ravel())
        floor = FLOOR * math.sqrt(square) if math.isfinite(square) else 0.0
        return floor, 4.0 * errors

    # ---- what the record does not hold

    def _unrecorded(self, i: int, variable: Variable) -> tuple[Estimate, float]:
        """The derivative of what the function does outside its record, and its scale."""
        value, tape, leaf = variable.value, self.tape, self.tape.leaves[i]
        direction = direction_of(value)
        size = abs(self.project(self.cotangents, i, direction))
        if value.size == 0:
            return Estimate(0.0, 0.0), size
        found, kink = lost(
            lambda t: self._called(variable, value + t * direction),
            lambda t: tape.replay({leaf: value + t * direction}),
            self.level,
        )
        if kink:
            name = f"a branch in Python that depends on {variable.name}"
            self.kinks[name] = Kink(name, None, (), 1, kink)
        return found, size

    # ---- summing up

    def _entry(
        self, i: int, checked: int, cut_short: bool, unrecorded: tuple[Estimate, float]
    ) -> Entry:
        variable, found = self.problem.variables[i], self.comparisons[i]
        head = (variable.name, variable.kind, variable.value.shape, variable.count)
        dtype = str(variable.dtype)
        if not found:
            return Entry(*head, UNUSED, note="it has no numbers", dtype=dtype)
        missing = variable.gradient is None
        directions = len(found) - checked
        verdict, note, worst = self._verdict(found, missing, unrecorded)
        if verdict == UNUSED:
            order = self.problem.order
            return Entry(*head, UNUSED, checked, directions, note=note, order=order, dtype=dtype)
        if not note and cut_short:
            note = "the budget ended before all chosen entries were compared one by one"
        units = [max(c.scale, abs(c.numeric)) or 1.0 for c in found]
        place, analytic, numeric = worst.place, worst.analytic, worst.nearest
        difference, error, top = worst.difference, 0.0, worst.scale
        if note == CUT:  # what was lost is known along one direction
            place, top = "a direction", 0.0
            analytic = self.project(self.cotangents, i, direction_of(variable.value))
            lost, error = unrecorded[0]
            numeric, difference = analytic + lost, abs(lost)
        unit = max(top, abs(numeric)) or 1.0
        return Entry(
            *head, verdict, checked, directions,
            max_abs=max(difference, *(c.difference for c in found)),
            max_rel=max(difference / unit, *(c.difference / u for c, u in zip(found, units))),
            sensitivity=one_entry(found, variable),
            power=uniform(found),
            worst=place, analytic=analytic, numeric=numeric,
            noise=worst.tolerance / SAFETY + error, error=difference / unit,
            allowed=(worst.tolerance + worst.kinked + SAFETY * error) / unit,
            slope=self._slope(i, note != CUT), note=note, order=self.problem.order,
            own=self.problem.own_difference(i), part=worst.part, dtype=dtype,
        )  # fmt: skip

    def _slope(self, i: int, recorded: bool) -> float:
        variable, leaf = self.problem.variables[i], self.tape.leaves[i]
        value, direction = variable.value, direction_of(variable.value)

        def line(t: float) -> float:
            moved = value + t * direction
            return self.tape.replay({leaf: moved}) if recorded else self._called(variable, moved)[0]

        return taylor_slope(line, self.project(self.cotangents, i, direction))

    def _called(self, variable: Variable, value: Array) -> tuple[float, list[Tensor]]:
        """The checked number where a variable has another value, and the outputs."""
        kept, variable.value = variable.value, value
        try:
            return self.problem.evaluated()
        finally:
            variable.value = kept

    def _verdict(
        self, found: list[Comparison], missing: bool, unrecorded: tuple[Estimate, float]
    ) -> tuple[str, str, Comparison]:
        worst = max(found, key=lambda c: (c.wrong, c.excess))
        lost, size = unrecorded
        moved = any(not abs(c.numeric) <= c.tolerance + c.kinked for c in found)  # NaN may, too
        hidden = math.isfinite(lost.error) and abs(lost.value) > SAFETY * lost.error
        unclear = next((c for c in found if c.unclear), None)
        blunt = next((c for c in found if c.blunt and (moved or c.scale)), None)
        noisy = not lost.error * SAFETY <= BLUNT * max(size, abs(lost.value)) and lost.error > 0
        if hidden:
            return WRONG, CUT, worst
        if worst.wrong:
            note = "no gradient arrives (None), yet the output changes: its history was cut"
            return WRONG, note if missing else "", worst
        if math.isnan(lost.value):
            return UNCLEAR, BRANCHES, worst
        if noisy and (size or lost.value):
            return UNCLEAR, "the function is too noisy here: calls beside the point differ", worst
        if unclear is not None:
            return UNCLEAR, unclear.unclear, unclear
        if missing and not moved:
            return UNUSED, "the output does not depend on it", worst
        if blunt is not None:
            assert blunt.push is not None
            jump = jump_of(self.tape, blunt.push, blunt.push.errors)
            return UNCLEAR, BLURRED if jump is None else JUMPS.format(primitive_name(jump)), blunt
        return RIGHT, "", worst
