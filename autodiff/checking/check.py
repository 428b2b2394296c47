"""The check: every derivative that autodiff gives against a numeric one with a known error."""

from __future__ import annotations

from typing import Any

import numpy as np

from autodiff.checking.compare import Comparer, differentiate
from autodiff.checking.comparison import CUT
from autodiff.checking.cuts import hidden, reads
from autodiff.checking.localise import find_culprits
from autodiff.checking.mutate import mutations
from autodiff.checking.problem import (
    Problem,
    SecondOrder,
    as_arrays,
    collect,
    in_float64,
    require_finite,
)
from autodiff.checking.report import UNUSED, WRONG, Culprit, Entry, Report
from autodiff.errors import GradientError
from autodiff.ops.noise import held_draws
from autodiff.registry import public

BUDGET = 3.0


@public
def gradcheck(
    function: Any,
    *inputs: Any,
    parameters: Any = None,
    order: int = 1,
    budget: float = BUDGET,
    seed: int = 0,
    mutate: bool = False,
) -> Report:
    r"""Compare the gradients of a function or module with numeric derivatives, in double precision.

    The function is recorded once. Each recorded operation is differentiated numerically at its
    recorded operands, by the complex step where its kernel allows and by extrapolated differences
    else; chained forwards these give the derivative along a direction u, which no rule has touched:

    .. math:: \Big| \langle g, u\rangle - \sum_k w_k\, \dot f_k(x; u) \Big| \le 20\,\epsilon

    where g is autodiff's gradient, w is random but fixed (1 for a scalar output), and ε the noise
    of both sides, measured by moving every recorded number by a rounding error. No tolerance is
    chosen. The function itself is compared with its record beside the point, so that a history
    that was cut by ``.numpy()`` is seen too.

    For each array, random-sign directions cover all entries at once, one of them scaled so that
    each entry counts alike; up to 300 entries are compared one by one, of a larger array 32. At a
    kink (``relu`` at 0, tied maxima) the gradient must lie between the two one-sided derivatives,
    and the operation is named. On a mismatch ``Report.culprit`` names the operation whose rule is
    wrong, its line, and what is wrong with it.

    Parameters
    ----------
    function : callable
        Takes Tensors, returns a Tensor or a nested container of Tensors. A module, whatever has
        ``named_parameters()``, is checked for its parameters too. Random numbers and running
        statistics of a module start each call from the same state, and are put back at the end.
    *inputs : Tensor, array_like, or nested tuples, lists and dicts of them
        The point. Floating and complex ones are checked whatever their dtype, as float64 and
        complex128; integer ones are passed on. A list of numbers is an array.
    parameters : module, or dict of name to Tensor, optional
        Further Tensors to check, which the function reads from elsewhere. All parameters have their
        values, dtypes and gradients again afterwards.
    order : {1, 2}
        2 checks the derivative of the gradient as well.
    budget : float
        Seconds, as estimated from the sizes, so that a seed gives the same report again. One
        direction for each array is always compared; what did not fit is reported.
    seed : int
        Chooses weights, sampled entries and directions.
    mutate : bool
        Perturb each rule in the graph in turn and report which faults would have gone unseen.

    Raises
    ------
    GradientError
        The function returns no floating or complex Tensor, is not deterministic, depends on
        nothing that can be checked, or has NaN or infinity at an input or output; or there is
        nothing to check.

    A complex number is two real ones, its parts, along which derivatives are extrapolated
    differences; of a complex output y, Re Σ w̄ y with complex w is differentiated. ``Entry.part``
    says whether the worst derivative is that by the real or by the imaginary part.

    >>> import autodiff as ad
    >>> report = ad.gradcheck(lambda x: ad.tanh(x).sum(), [0.1, -2.0, 3.0])
    >>> report.verdict, report.power < 1e-8
    ('correct', True)
    """
    if order not in (1, 2):
        raise ValueError(f"gradcheck: order is 1 or 2, got {order!r}")
    inputs = tuple(as_arrays(x) for x in inputs)
    variables, frozen = collect(function, inputs, parameters)
    with held_draws(), in_float64([v.tensor for v in variables if v.tensor is not None]):
        for v in variables:
            require_finite(v.value, f"{v.kind} {v.name!r}")
        problem = Problem(function, inputs, variables, parameters)
        try:
            reports = [_check(problem, budget / order, seed, mutate)]
            if order == 2:
                second = SecondOrder(problem)
                reports.append(_check(second, budget / order, seed, mutate))
        finally:
            problem.state.restore()
    first = reports[0]
    return Report(
        tuple(e for r in reports for e in r.entries) + tuple(frozen),
        first.function,
        tuple(c for r in reports for c in r.culprits),
        tuple(k for r in reports for k in r.kinks),
        tuple(m for r in reports for m in r.mutants or ()) if mutate else None,
        order,
        seed,
    )


def _check(problem: Problem, budget: float, seed: int, mutate: bool) -> Report:
    """One problem: compare, and where something differs, find the operation."""
    rng = np.random.default_rng(seed)
    tape = differentiate(problem, rng)
    comparer = Comparer(problem, tape, rng, budget)
    entries = comparer.run()
    if problem.order == 1 and all(entry.verdict == UNUSED for entry in entries):
        names = ", ".join(repr(v.name) for v in problem.variables)
        raise GradientError(
            f"gradcheck: the output of {problem.label} does not depend on {names}, so there is "
            "nothing to check"
        )
    culprits = _culprits(problem, comparer, entries)
    mutants = mutations(comparer) if mutate else ()
    kinks = tuple(comparer.kinks.values())
    return Report(tuple(entries), problem.label, culprits, kinks, mutants, 1, seed)


def _culprits(problem: Problem, comparer: Comparer, entries: list[Entry]) -> tuple[Culprit, ...]:
    """What is to blame where something differs: a rule, a cut, or hidden state."""
    if all(entry.ok for entry in entries):
        return ()
    drifting = hidden(comparer.tape)
    for node in drifting:  # which is no kink, though it looks like one
        comparer.kinks.pop(node, None)
    wrong = [i for i, entry in enumerate(entries) if entry.verdict == WRONG]
    found = find_culprits(comparer, wrong) if wrong else ()
    if not found and not drifting and any(entry.note == CUT for entry in entries):
        return reads(problem)
    return found or tuple(drifting.values())
