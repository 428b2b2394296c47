"""At kinks the check names the operation, and asks for a one-sided derivative or one between."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import autodiff as ad
from autodiff.checking.report import UNCLEAR, WRONG

Z = np.array([1.0, 0.0, -1.0, 0.0])

CASES = {
    "relu": (lambda x: ad.relu(x).sum(), "relu"),
    "leaky_relu": (lambda x: ad.leaky_relu(x).sum(), "greater"),
    "abs": (lambda x: abs(x).sum(), "abs"),
    "max": (lambda x: ad.max(x - x * x), "max"),
    "maximum": (lambda x: ad.maximum(x, 0.5 * x), "maximum"),
    "minimum": (lambda x: ad.minimum(2.0 * x, x), "minimum"),
    "clip": (lambda x: ad.clip(x, -1.0, 2.0), "clip"),
    "sort": (lambda x: ad.sort(x) * np.arange(4.0), "argsort"),
    "norm": (lambda x: ad.norm(x * 0.0 + x[1] * np.ones(4)), "norm"),
}


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("case", CASES)
def test_a_kink_is_named_with_its_line_and_is_not_wrong(case: str, seed: int) -> None:
    function, primitive = CASES[case]
    report = ad.gradcheck(function, Z, seed=seed)
    assert report.verdict == "correct", str(report)
    kink = next(k for k in report.kinks if k.primitive == primitive)
    assert kink.line is not None
    assert kink.line[0].endswith("test_gradcheck_kinks.py")
    assert kink.count >= 1
    assert f"kink at {primitive}" in str(report)


@pytest.mark.parametrize("case", CASES)
def test_beside_a_kink_there_is_none(case: str) -> None:
    x = np.array([1.0, 1e-9, -0.9, 2e-9])
    report = ad.gradcheck(CASES[case][0], x)
    assert report.verdict == "correct", str(report)
    assert report.kinks == ()


def test_many_kinks_in_a_large_array_are_no_error() -> None:
    x = np.random.default_rng(0).normal(size=5000)
    x[::3] = 0.0
    report = ad.gradcheck(lambda x: ad.relu(x) * ad.sin(x + 1.0), x)
    assert report.verdict == "correct", str(report)
    assert report.kinks[0].count > 100


def with_slope(slope: float) -> Any:
    """A relu whose gradient at 0 is ``slope``."""
    function = ad.custom_vjp(lambda x: np.maximum(x, 0.0))
    function.defvjp(lambda g, y, x: (g * np.where(x == 0.0, slope, x > 0.0),))
    return function


@pytest.mark.parametrize(
    ("slope", "verdict"),
    [(0.0, "correct"), (0.5, "correct"), (1.0, "correct"), (2.0, "wrong"), (-0.5, "wrong")],
)
def test_at_a_kink_the_gradient_must_lie_between_both_sides(slope: float, verdict: str) -> None:
    report = ad.gradcheck(with_slope(slope), Z)
    assert report.verdict == verdict, str(report)
    if verdict == "wrong":
        assert report.culprit is not None
        assert report.culprit.index in ((1,), (3,))


def test_a_fault_elsewhere_is_wrong_although_there_is_a_kink() -> None:
    function = ad.custom_vjp(lambda x: np.maximum(x, 0.0))
    function.defvjp(lambda g, y, x: (1.001 * g * (x > 0.0),))
    report = ad.gradcheck(function, Z)
    assert report.entries[0].verdict == WRONG
    assert report.culprit is not None
    assert report.culprit.diagnosis.startswith("factor 1.001")


def test_kinks_that_cancel_are_inconclusive() -> None:
    # relu(x) - relu(-x) is x, and its gradient at 0 is 1; by the rules it is 0.
    report = ad.gradcheck(lambda x: ad.relu(x) - ad.relu(-x), Z)
    assert report.verdict == "inconclusive"
    assert "cancel" in report.entries[0].note
    assert len(report.kinks) == 2


def test_a_jump_is_inconclusive_and_named() -> None:
    report = ad.gradcheck(lambda x: ad.where(x > 0.0, x + 1.0, x), Z)
    assert report.entries[0].verdict == UNCLEAR
    assert "jumps here, at where" in report.entries[0].note


def test_an_infinite_derivative_is_inconclusive_and_a_rule_that_gives_one_is_wrong() -> None:
    assert ad.gradcheck(lambda x: ad.sqrt(x), np.array([0.0, 1.0])).verdict == "inconclusive"
    function = ad.custom_vjp(lambda x: x * x)
    function.defvjp(lambda g, y, x: (g * np.where(x == 0.0, np.inf, 2.0 * x),))
    assert ad.gradcheck(function, np.array([0.0, 1.0])).verdict == "wrong"


def test_a_branch_in_python_at_the_point_is_a_kink() -> None:
    def f(x: Any) -> Any:
        return 2.0 * x if x.item() > 0.0 else x

    report = ad.gradcheck(f, 0.0)
    assert report.verdict == "correct"
    assert "branch in Python" in report.kinks[0].primitive
    assert ad.gradcheck(f, 1e-3).kinks == ()


@pytest.mark.parametrize("width", [1e-9, 1e-6, 1e-4])
def test_a_branch_in_python_beside_the_point_is_no_cut(width: float) -> None:
    def f(x: Any) -> Any:  # as eig, whose vectors are real where all values are
        return x if abs(x.numpy()[0] - 0.5) < width else 2.0 * x

    assert ad.gradcheck(f, np.array([0.5, 1.5])).verdict == "correct"


@pytest.mark.parametrize(
    ("function", "x"),
    [
        (lambda x: x * (x.numpy() > 0.0), [0.0, 0.0, 1.5]),
        (lambda x: x * np.where(x.numpy() > 0.5, 1.0, 0.1), [0.5, 0.5, 0.5, -1.0]),
        (lambda x: ad.stack([v if v.item() > 0 else 0.1 * v for v in x]), [0.0, 0.0, 1.0]),
    ],
)
def test_masks_of_equal_numbers_are_kinks_and_no_cut(function: Any, x: list[float]) -> None:
    assert ad.gradcheck(function, np.array(x)).verdict != "wrong"


def test_a_branch_in_python_on_both_sides_is_no_cut() -> None:
    report = ad.gradcheck(lambda x: x if x.item() == 0.5 else 2.0 * x - 0.5, 0.5)
    assert report.verdict == "inconclusive"
    assert "branches in Python however near" in str(report)
    # Beside a matrix that has one vector only, its eigenvalues are complex.
    x = np.array([[[0.5, -1.0], [0.0, 0.5]], [[0.9, 0.0], [-1.8, 0.9]]])
    assert ad.gradcheck(lambda x: ad.abs(ad.linalg.eig(x)[1]) ** 2, x).verdict != "wrong"


ZERO = np.array([0.0, 1.2, -0.7])


@pytest.mark.parametrize(
    ("function", "x"),
    [
        (lambda x: x + np.maximum(x.numpy(), 0.0), ZERO),
        (lambda x: ad.sum(x) + 1e3 * np.abs(x.numpy()[0]) + 5.0 * x.numpy()[1], ZERO),
        (lambda x: x * np.sign(x.numpy()) * 200.0 + x * np.tanh(x.numpy()), ZERO),
        (lambda x: x + np.abs(x.numpy()) + 0.009 * x.numpy(), np.zeros(1)),
        # What was read is rounded, as numbers of a model in float32 are: a staircase.
        (lambda x: x * x.numpy().astype(np.float32), np.array([0.7, 1.3, -2.1])),
        (lambda x: x * np.round(x.numpy(), 8), np.array([0.7, 1.3, -2.1])),
        (lambda x: x * float(f"{x.item():.8g}"), 1.234567891234),
    ],
)
def test_a_cut_is_found_beside_kinks_and_in_steps(function: Any, x: Any) -> None:
    for seed in range(3):
        report = ad.gradcheck(function, x, seed=seed)
        assert report.verdict == "wrong", str(report)
        assert "history was cut" in str(report)


def test_a_value_that_jumps_at_the_point_alone_is_named() -> None:
    def sines(x: Any) -> Any:
        return np.sin(x)[::-1] if x[0] == 0.5 else np.sin(x)

    function = ad.custom_vjp(sines)
    function.defvjp(lambda g, y, x: (np.where(x[0] == 0.5, g[::-1], g) * np.cos(x),))
    for seed in range(9):
        report = ad.gradcheck(function, np.array([0.5, 1.0, 2.0]), seed=seed)
        assert report.verdict == "inconclusive"
        assert "jumps here, at sines" in str(report)


def test_eigenvalues_that_change_their_order_at_the_point_alone_are_not_called_wrong() -> None:
    x = np.array([[1.0, 2.0, 0.0], [0.0, 1.5, 0.0], [0.0, 0.1, 4.0]])
    for seed in range(9):
        assert ad.gradcheck(ad.linalg.eig, x, seed=seed).verdict != "wrong"


def test_at_the_edge_of_a_domain_what_raises_beside_the_point_is_inconclusive() -> None:
    def rule(g: Any, y: Any, x: Any) -> Any:
        if x[0] != 0.5:
            raise np.linalg.LinAlgError("no such matrix")
        return (2.0 * g * x,)

    function = ad.custom_vjp(lambda x: x * x)
    function.defvjp(rule)
    report = ad.gradcheck(function, np.array([0.5, 1.0]))
    assert report.verdict == "inconclusive"
    assert "edge of the domain: beside the point there is no gradient (no such" in str(report)


def test_a_kernel_that_raises_beside_the_point_gives_a_report() -> None:
    v = np.array([[1.0], [0.5], [-0.3]])
    definite = [v @ v.T + 2.0**k * 1e-20 * np.eye(3) for k in range(10, 20)]
    definite = [x for x in definite if not np.isnan(cholesky_or_nan(x)).any()]
    assert {ad.gradcheck(ad.linalg.cholesky, x).verdict for x in definite} == {"inconclusive"}


def cholesky_or_nan(x: Any) -> Any:
    try:
        return np.linalg.cholesky(x)
    except np.linalg.LinAlgError:
        return np.array(np.nan)
