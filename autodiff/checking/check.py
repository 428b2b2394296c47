"""The check: every derivative that autodiff gives against a numeric one with a known error."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from autodiff.checking.numeric import STEPS, Estimate, derivative, noise_level
from autodiff.checking.problem import (
    Array,
    Problem,
    Variable,
    as_arrays,
    collect,
    in_float64,
    require_finite,
)
from autodiff.checking.report import RIGHT, UNCLEAR, UNUSED, WRONG, Entry, Report
from autodiff.errors import GradientError
from autodiff.registry import public
from autodiff.tensor import raw
from autodiff.transforms.reverse import gradients

RTOL = 1e-7
SAFETY = 20.0  # tolerance in units of the estimated error
SINGLY = 300  # up to this size every entry is compared one by one
SAMPLED = 32  # of a larger one, this many
DIRECTIONS = 6  # and this many random directions, which cover all entries
BLUNT = 1e-3  # a tolerance above this part of the largest derivative proves nothing


@public
def gradcheck(
    function: Any,
    *inputs: Any,
    parameters: Any = None,
    rtol: float | None = None,
    seed: int = 0,
) -> Report:
    r"""Compare the gradients of a function or module with numeric derivatives, in float64.

    Each floating input and each parameter is compared with central differences, extrapolated by
    Richardson:

    .. math:: \Big|g_i - \frac{\partial}{\partial x_i} \sum_k w_k f_k(x)\Big|
              \le \mathrm{rtol} \cdot \max(|g_i|, |n_i|) + 20\, \epsilon_i

    where w is random but fixed (1 for a scalar output), n the numeric derivative, and ε its
    estimated error, from the extrapolation and from the measured noise of the function. So the
    tolerance follows from the function; ``Entry.sensitivity`` says which errors it would have
    shown. Up to 300 numbers are compared one by one; of a larger array 32 are, and 6 random
    directions cover all.

    A kink (``relu`` at 0) nearer to the point than 1e-7 of the scale of x may give a wrong
    verdict: there the numeric derivative is the mean of both sides. Kinks farther away are seen by
    smaller steps.

    Parameters
    ----------
    function : callable
        Takes Tensors, returns a Tensor or a nested container of Tensors. A module, whatever has
        ``named_parameters()``, is checked for its parameters too. It must be deterministic.
    *inputs : Tensor, array_like, or nested tuples, lists and dicts of them
        The point. Floating ones are checked whatever their dtype, as float64; integer ones are
        passed on. A list of numbers is an array.
    parameters : module, or dict of name to Tensor, optional
        Further Tensors to check, which the function reads from elsewhere. All parameters have their
        values, dtypes and gradients again afterwards.
    rtol : float, optional
        The relative part of the tolerance, 1e-7 where not given.
    seed : int
        Chooses weights, sampled entries and directions.

    Raises
    ------
    GradientError
        The function returns no floating Tensor, is not deterministic, depends on nothing that can
        be checked, or has NaN or infinity at an input or output; or there is nothing to check.

    >>> import autodiff as ad
    >>> bool(ad.gradcheck(lambda x: ad.tanh(x).sum(), [0.1, -2.0, 3.0]))
    True
    """
    rtol = RTOL if rtol is None else rtol
    label = getattr(function, "__name__", type(function).__name__)
    inputs = tuple(as_arrays(x) for x in inputs)
    variables, frozen = collect(function, inputs, parameters)
    with in_float64([v.tensor for v in variables if v.tensor is not None]):
        for v in variables:
            require_finite(v.value, f"{v.kind} {v.name!r}")
        problem = Problem(function, inputs, variables)
        rng = np.random.default_rng(seed)
        differentiate(problem, rng)
        entries = [compare(problem, v, rtol, rng) for v in variables]
    if all(entry.verdict == UNUSED for entry in entries):
        names = ", ".join(repr(v.name) for v in variables)
        raise GradientError(
            f"gradcheck: the output of {label} does not depend on {names}, so there is nothing "
            "to check"
        )
    return Report((*entries, *frozen), label)


def differentiate(problem: Problem, rng: np.random.Generator) -> None:
    """Choose the weights of the outputs, and leave autodiff's gradients on the variables."""
    outputs, tensors = problem.run()
    if not outputs:
        raise GradientError("gradcheck: the function returned no floating Tensor")
    for i, y in enumerate(outputs):
        require_finite(y._data, f"output {i}" if len(outputs) > 1 else "the output")
    again, _ = problem.run()
    for y, z in zip(outputs, again, strict=True):
        if y.shape != z.shape or not np.array_equal(y._data, z._data):
            raise GradientError(
                "gradcheck: the function is not deterministic: two calls at the same point "
                "differ. Turn dropout and other random operations off (model.eval()), or fix "
                "their seed"
            )
    single = len(outputs) == 1 and outputs[0].size == 1
    problem.weights = [
        np.ones(y.shape)
        if single
        else rng.uniform(0.5, 1.5, y.shape) * rng.choice([-1, 1], y.shape)
        for y in outputs
    ]
    pairs = [(y, w) for y, w in zip(outputs, problem.weights, strict=True) if y.requires_grad]
    if not pairs:
        return
    found = gradients(
        [y for y, _ in pairs], tensors, cotangents=[w for _, w in pairs], unused="none"
    )
    for variable, g in zip(problem.variables, found, strict=True):
        variable.gradient = None if g is None else np.array(raw(g), dtype=np.float64)


@dataclass
class Comparison:
    """One derivative: where, both values, and how far apart they may be."""

    place: tuple[int, ...] | str
    analytic: float
    estimate: Estimate
    scale: float
    tolerance: float

    @property
    def difference(self) -> float:
        gap = abs(self.analytic - self.estimate.value)
        return math.inf if math.isnan(gap) else gap

    @property
    def blunt(self) -> bool:
        """Whether the tolerance is so wide that agreement means nothing."""
        return not self.tolerance <= BLUNT * max(self.scale, abs(self.estimate.value))


def compare(problem: Problem, variable: Variable, rtol: float, rng: np.random.Generator) -> Entry:
    """Compare one variable's gradient with numeric derivatives."""
    value, size = variable.value, variable.value.size
    missing = variable.gradient is None
    gradient = np.zeros(value.shape) if variable.gradient is None else variable.gradient
    head = (variable.name, variable.kind, value.shape, size)
    if size == 0:
        return Entry(*head, UNUSED, note="it has no numbers")
    spread = math.sqrt(float(np.mean(value**2))) or 1.0
    every = rng.choice([-1.0, 1.0], value.shape)
    # Each entry moves in proportion to itself: a small one may be near the edge of a domain.
    nearby = every * np.where(value == 0.0, spread, np.abs(value))
    noise = noise_level(problem.line(variable, nearby), 1e-10)
    singles = _chosen(gradient, rng)
    directions = [] if len(singles) == size else [every] + [
        rng.choice([-1.0, 1.0], value.shape) for _ in range(DIRECTIONS - 1)
    ]  # fmt: skip
    top = float(np.abs(gradient).max())
    comparisons = []
    for flat in singles:
        index = tuple(map(int, np.unravel_index(flat, value.shape)))
        unit = np.zeros(value.shape)
        unit[index] = 1.0
        steps = [s * spread for s in STEPS]
        own = STEPS[0] * abs(float(value[index]))
        if 0.0 < own < steps[-1]:
            steps.append(own)
        estimate = derivative(problem.line(variable, unit), steps, noise)
        comparisons.append(_judge(index, float(gradient[index]), estimate, top, rtol))
    for i, direction in enumerate(directions):
        steps = [s * spread for s in STEPS]
        estimate = derivative(problem.line(variable, direction), steps, noise)
        analytic = float(np.vdot(gradient, direction))
        whole = float(np.linalg.norm(gradient))
        comparisons.append(_judge(f"direction {i}", analytic, estimate, whole, rtol))
    return _entry(head, comparisons, len(singles), len(directions), missing)


def _chosen(gradient: Array, rng: np.random.Generator) -> list[int]:
    """Flat indices to compare one by one: all, or the largest derivative and a random sample."""
    size = gradient.size
    if size <= SINGLY:
        return list(range(size))
    sample = rng.choice(size, SAMPLED, replace=False)
    largest = np.argmax(np.abs(gradient))
    if largest not in sample:
        sample[0] = largest
    return sorted(map(int, sample))


def _judge(
    place: tuple[int, ...] | str, analytic: float, estimate: Estimate, scale: float, rtol: float
) -> Comparison:
    size = max(abs(analytic), abs(estimate.value))
    tolerance = rtol * size + SAFETY * estimate.error
    return Comparison(place, analytic, estimate, scale, tolerance)


def _entry(
    head: tuple[str, str, tuple[int, ...], int],
    comparisons: list[Comparison],
    checked: int,
    directions: int,
    missing: bool,
) -> Entry:
    """Sum the comparisons up in one verdict."""
    worst = max(comparisons, key=lambda c: _excess(c))
    moved = max(abs(c.estimate.value) - SAFETY * c.estimate.error for c in comparisons) > 0.0
    note = ""
    if _excess(worst) > 1.0:
        verdict = WRONG
        if missing:
            note = "no gradient arrives (None), yet the output changes: its history was cut"
    elif missing and not moved:
        return Entry(*head, UNUSED, checked, directions, note="the output does not depend on it")
    elif any(c.blunt and (moved or c.scale) for c in comparisons):
        verdict = UNCLEAR
        worst = max(comparisons, key=lambda c: c.tolerance)
        note = "the numeric derivative is too uncertain: noise, or a kink or an edge at this point"
    else:
        verdict = RIGHT
    units = [max(c.scale, abs(c.estimate.value)) or 1.0 for c in comparisons]
    return Entry(
        *head, verdict, checked, directions,
        max_abs=max(c.difference for c in comparisons),
        max_rel=max(c.difference / u for c, u in zip(comparisons, units, strict=True)),
        sensitivity=max(c.tolerance / u for c, u in zip(comparisons, units, strict=True)),
        worst=worst.place, analytic=worst.analytic, numeric=worst.estimate.value,
        noise=worst.estimate.error, note=note,
    )  # fmt: skip


def _excess(c: Comparison) -> float:
    """The difference in tolerances. A numeric NaN proves nothing, an analytic one is wrong."""
    if not math.isfinite(c.estimate.error):
        return 0.0 if math.isfinite(c.analytic) else math.inf
    if not math.isfinite(c.analytic):
        return math.inf
    return c.difference / c.tolerance if c.tolerance else (math.inf if c.difference else 0.0)
