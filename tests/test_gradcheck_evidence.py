"""No false alarm near saturation, on staircases and at kinks; the evidence that a report gives."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pytest

import autodiff as ad
from autodiff.checking.mutate import broken
from autodiff.registry import PRIMITIVES
from benchmarks.checkers.alarms import RULES, of_nn
from benchmarks.checkers.applications import Application
from tests.test_gradcheck import X, with_rule


@pytest.mark.parametrize("name", RULES)
def test_right_rules_near_saturation_are_not_wrong(name: str) -> None:
    forward, rule = RULES[name]
    operation = with_rule(forward, rule)
    points = [-40.0, -22.0, 11.0, 23.0, 36.5, np.linspace(-40.0, 40.0, 9)]
    with np.errstate(all="ignore"):
        for x in points:
            report = ad.gradcheck(lambda x: operation(0.5 * x) * 2.0, np.asarray(x))
            assert report.verdict != "wrong", str(report)
        # And a rule that is wrong by a thousandth is still seen.
        faulty = with_rule(forward, lambda g, y, x: 1.001 * rule(g, y, x))
        assert ad.gradcheck(faulty, np.array([0.5, 1.25])).verdict == "wrong"


SOFT = np.array([[46.2, 367.0], [-453.3, 144.8], [476.5, 570.1]])
ONES = np.full((2, 2, 2), 2.340253316564472)
ROUGH: list[tuple[str, Any, list[Any]]] = [
    ("softmax, hundreds apart", lambda x: ad.softmax(x, 0), [SOFT]),
    ("softmax, denormal", lambda x: ad.softmax(x, None), [np.stack([SOFT, SOFT - 589.0])]),
    ("sinc near 0", ad.sinc, [np.array([-0.0033, 0.0033, -0.00235, 0.00088, 0.0020637])]),
    ("exp, faint", ad.exp, [np.array([0.0, -560.0, -700.0])]),
    ("exp2, far", ad.exp2, [np.array([835.3428908070892, -183.3, 469.8])]),
    ("xlog1py", ad.special.xlog1py, [X, 1e-4 * X]),
    ("gammainc at 0", ad.special.gammainc, [np.array([0.5, 1.5, 2.0]), np.array([0.0, 1.0, 3.0])]),
    ("pinv", ad.linalg.pinv, [np.array([[2.5, 0.5, -0.5], [0.0, 5.0, 0.5], [0.0, 1.0, 6.0]])]),
    ("det of 0", ad.linalg.det, [np.stack([np.zeros((2, 2)), np.diag([3.9084864, 4.340638])])]),
    ("inv, singular", ad.linalg.inv, [ONES]),
    ("slogdet, singular", lambda x: ad.linalg.slogdet(x)[1], [ONES]),
    ("cholesky, singular", ad.linalg.cholesky, [ONES]),
    ("cube at 0", lambda x: x**3, [np.array([0.0, 1.0, 2.0])]),
    ("power at 0", ad.power, [np.zeros(2), np.array([1.00196695, 2.5])]),
    (
        "solve_sylvester, singular",
        ad.linalg.solve_sylvester,
        [np.zeros((1, 1)), np.full((2, 2), 3.72853066), np.array([[-0.90708031, 1.26081942]])],
    ),
    ("eigvalsh, twice 0", ad.linalg.eigvalsh, [np.stack([ONES[0], np.diag([0.0, 4.878])])]),
]


# The points lie where kernels overflow or divide by 0.
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize(("name", "function", "points"), ROUGH)
def test_roundings_of_what_a_rule_reads_are_no_fault(
    name: str, function: Any, points: list[Any]
) -> None:
    for seed in range(4):
        try:
            report = ad.gradcheck(function, *points, seed=seed)
        except (ad.GradientError, np.linalg.LinAlgError):  # there is no value
            continue
        assert report.verdict != "wrong", f"{name}, {seed=}: {report}"


@pytest.mark.parametrize("name", ["floor", "ceil", "trunc", "round"])
@pytest.mark.parametrize("size", [1.0, 1e3, 1e6])
def test_a_staircase_is_no_slope_from_afar(name: str, size: float) -> None:
    x = size * np.array([1.37, 2.91, -3.43])
    report = ad.gradcheck(getattr(ad, name), x)
    assert report.verdict == "correct", str(report)


def test_powers_at_zero_are_right_and_wrong_rules_there_are_seen() -> None:
    x = np.array([0.0, 1.0, -2.0])
    assert ad.gradcheck(lambda x: x**3, x).verdict == "correct"
    faulty = with_rule(lambda x: x**3, lambda g, y, x: g * (3.0 * x * x + 1e-9 * (x == 0)))
    report = ad.gradcheck(faulty, x)
    assert report.verdict == "wrong" and report.culprit is not None, str(report)
    assert report.culprit.index == (0,), str(report)


def test_layers_losses_and_activations_are_right() -> None:
    for name, function, points in of_nn(1, 0, 1):
        report = ad.gradcheck(function, *points, budget=0.05)
        assert report.verdict != "wrong", f"{name}: {report}"


@pytest.mark.parametrize("factor", [1.0 - 1e-8, 1.0 + 1e-8])
def test_an_operand_that_is_small_beside_the_other_is_seen_sharply(factor: float) -> None:
    app = Application(
        PRIMITIVES["hypot"], (np.array(1.19154719), np.array(-0.01523004)), {}, (0, 1)
    )
    # A stand-in that has what is read.
    twin = broken(app, 1, lambda g: factor * np.asarray(g))  # type: ignore[arg-type]
    assert ad.gradcheck(app.function(), *app.points).verdict == "correct"
    assert ad.gradcheck(app.function(twin), *app.points).verdict == "wrong"


def test_the_remainder_of_a_right_gradient_falls_with_the_square_of_the_step() -> None:
    right = ad.gradcheck(lambda x: ad.sin(x).sum(), X).entries[0]
    assert 1.9 < right.slope < 2.1
    wrong = ad.gradcheck(with_rule(np.sin, lambda g, y, x: 1.5 * g * np.cos(x)), X).entries[0]
    assert 0.9 < wrong.slope < 1.1
    assert wrong.error > wrong.allowed
    assert right.error <= right.allowed
    assert math.isnan(ad.gradcheck(lambda x: 2.0 * x, X).entries[0].slope)


@pytest.mark.parametrize(
    ("cut", "name"),
    [
        (lambda x: ad.tensor(np.exp(x.numpy())) * x, ".numpy()"),
        (lambda x: ad.sin(x) * x.data, ".data"),
        (lambda x: x[0, 0].item() * x, ".item()"),
    ],
)
def test_a_value_that_leaves_the_graph_is_named_with_its_line(cut: Any, name: str) -> None:
    report = ad.gradcheck(cut, X)
    assert report.verdict == "wrong"
    assert report.culprit is not None
    assert report.culprit.primitive == name
    assert report.culprit.line is not None
    assert report.culprit.line[0] == __file__
    assert f"► {name}" in str(report)
    assert ad.tensor(2.0).item() == 2.0  # the methods are what they were


def test_a_forward_that_drifts_names_itself() -> None:
    calls = itertools.count()

    @ad.custom_vjp
    def drift(x: Any) -> Any:
        k = next(calls)
        return x * (3.0 if k < 3 else 3.0 + 0.01 * k)

    drift.defvjp(lambda g, y, x: g * 3.0)
    report = ad.gradcheck(lambda x: ad.sin(drift(x)), X)
    assert report.verdict == "inconclusive"
    assert report.culprit is not None
    assert report.culprit.primitive == "drift"
    assert "hidden state" in report.culprit.diagnosis
    assert report.kinks == ()


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        (lambda g, y, a, b: (g * b, g * np.conj(a)), "conjugate missing: the rule multiplies"),
        (
            lambda g, y, a, b: (np.conj(g) * b, g * np.conj(a)),
            "conjugate missing: the rule gives the conjugate",
        ),
        (lambda g, y, a, b: (2.0 * g * np.conj(b), g * np.conj(a)), "factor 2"),
        (lambda g, y, a, b: (-g * np.conj(b), g * np.conj(a)), "sign"),
    ],
)
def test_a_missing_conjugate_is_told_from_other_faults(rule: Any, words: str) -> None:
    product = with_rule(lambda a, b: a * b, rule)
    right = with_rule(lambda a, b: a * b, lambda g, y, a, b: (g * np.conj(b), g * np.conj(a)))

    def f(x: Any, operation: Any) -> Any:
        return ad.abs(operation(x * (1.0 + 2.0j), ad.exp(1j * x)) + 1.0) ** 2

    assert ad.gradcheck(lambda x: f(x, right), X).verdict == "correct"
    report = ad.gradcheck(lambda x: f(x, product), X)
    assert report.verdict == "wrong"
    assert report.culprit is not None
    assert words in report.culprit.diagnosis
