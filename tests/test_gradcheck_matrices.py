"""gradcheck near singular matrices and values that nearly coincide: right rules and wrong ones."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

import autodiff as ad
from autodiff.checking.mutate import broken
from autodiff.registry import PRIMITIVES
from benchmarks.checkers.alarms import MATRIX_FUNCTIONS, of_matrices

la = ad.linalg


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # singular values of 0 are among them
@pytest.mark.parametrize("first", [1, 14, 4, 17, 12, 2, 10, 19, 35])  # 1e-7, 1e-8, 1e-10 … 1e-16
def test_right_rules_are_not_called_wrong(first: int) -> None:
    for seed, (name, function, points) in enumerate(of_matrices(36, first, 36)):
        try:
            report = ad.gradcheck(function, *points, seed=seed)
        except (np.linalg.LinAlgError, ad.GradientError):
            continue  # there is no value, or no gradient, and that is said
        assert report.verdict != "wrong", f"{name}, {seed=}: {report}"


@pytest.mark.parametrize("seed", [0, 2, 13, 19, 22])
def test_small_entries_say_nothing_of_the_noise_of_large_ones(seed: int) -> None:
    """Rows of size 1, 1e4 and 1e-5: the first steps are longer than two rows, and look sharp."""
    x = np.array(
        [
            [0.7731943196091264, -0.3340286713786767, -0.4696188359943473],
            [8165.9583872299145, 3336.841065929577, 5864.231579845432],
            [1.2794081927697987e-05, -1.4048769812079613e-05, 1.2705560123343257e-05],
        ]
    )
    assert ad.gradcheck(MATRIX_FUNCTIONS["svd, vectors"], x, seed=seed).verdict != "wrong"


@pytest.mark.parametrize("gap", [1e-5, 1e-7])
def test_close_values_blur_what_pinv_leaves_of_a_complex_step(gap: float) -> None:
    for seed in range(20):
        x = np.random.default_rng(seed).normal(size=(3, 3))
        u, _, vh = np.linalg.svd(x)
        x = (u * [1.4, 0.99 * (1.0 + gap), 0.99]) @ vh
        for name in ("pinv", "lstsq"):
            assert ad.gradcheck(MATRIX_FUNCTIONS[name], x, seed=seed).verdict == "correct"


@pytest.mark.parametrize("seed", [1, 3, 6, 13, 28])
def test_signs_of_vectors_that_turn_on_both_sides_are_no_slope(seed: int) -> None:
    rng = np.random.default_rng(seed)
    u, v = (np.linalg.qr(rng.normal(size=(4, 4)))[0] for _ in range(2))
    x = 1e6 * (u * [2.4, 1.4, 0.8, 1e-15]) @ v
    report = ad.gradcheck(lambda x: ad.abs(ad.linalg.eig(x)[1]) ** 2, x, seed=seed)
    assert report.verdict != "wrong", str(report)


@pytest.mark.parametrize(
    "function",
    [
        lambda x: la.svd(x)[0],
        lambda x: la.qr(x)[0],
        lambda x: la.qr(x)[1],
        la.svdvals,
        la.eigvalsh,
        lambda x: la.norm(x, "nuc"),
        lambda x: la.slogdet(x)[1],
        la.pinv,
    ],
)
@pytest.mark.parametrize(
    "x", [np.diag([1.0, 0.5, 0.1]), np.array([[2.0, 1.0, 0.3], [0.0, 1.0, 0.2], [0.0, 0.0, 0.5]])]
)
def test_signs_that_exact_zeros_choose_are_no_jumps(function: Any, x: Any) -> None:
    for seed in range(3):
        report = ad.gradcheck(function, x, seed=seed)
        assert report.verdict == "correct", str(report)


@pytest.mark.parametrize("gap", [1e-5, 1e-7, 1e-9])
def test_logarithms_of_pivots_near_1_are_rounded_as_1(gap: float) -> None:
    x = np.eye(3) + gap * np.random.default_rng(0).normal(size=(3, 3))
    assert ad.gradcheck(lambda x: la.slogdet(x)[1], x).verdict == "correct"


# At zeros nothing has a size that rounding errors could be compared with.
@pytest.mark.parametrize("order", [1, 2])
@pytest.mark.parametrize(
    "x",
    [
        np.zeros((2, 2)),
        np.zeros((2, 2), complex),
        np.zeros((5, 5)),
        np.diag([1.0, 0.0, 0.0]),
        np.diag([1.0, 1.0, 0.0]),
        np.ones((2, 2)),
        np.stack([np.zeros((3, 3)), np.ones((3, 3)), np.eye(3), np.diag([1.0, 2.0, 0.0])]),
    ],
)
def test_determinants_of_singular_matrices_are_right(x: Any, order: int) -> None:
    report = ad.gradcheck(ad.linalg.det, x, order=order)
    assert report.verdict == "correct", report


def test_what_rules_raise_is_placed_in_the_line_of_the_user() -> None:
    with pytest.raises(np.linalg.LinAlgError, match=r"at .*test_gradcheck_matrices\.py:\d+"):
        ad.gradcheck(lambda x: ad.linalg.qr(x)[1], np.diag([1.0, 0.0, 2.0]))


def matrix(values: list[float]) -> Any:
    rng = np.random.default_rng(0)
    u, v = (np.linalg.qr(rng.normal(size=(3, 3)))[0] for _ in range(2))
    return (u * values) @ v.T


EVEN = matrix([1.0, 0.6, 0.3])
ROWS = np.array([[1.0], [1e2], [1e-2]]) * EVEN
BATCH = np.stack([EVEN, 1e-10 * EVEN])


@pytest.mark.parametrize(
    ("primitive", "name", "x"),
    [
        ("inv", "inv", matrix([1.0, 0.5, 1e-8])),
        ("solve", "solve", matrix([1.0, 0.5, 1e-9])),
        ("pinv", "pinv", matrix([1.0, 0.5, 1e-6])),
        ("svd", "svd", matrix([1.0, 1.0 + 1e-7, 0.5])),
        ("svd", "svd, vectors", matrix([1.0, 1.0 + 1e-6, 0.5])),
        ("svd", "svd", matrix([1.0, 0.5, 1e-9])),
        ("inv", "inv", BATCH),
        ("slogdet", "slogdet", BATCH),
        ("svd", "svd, vectors", BATCH),
        ("eigh", "eigh", BATCH),
        ("cholesky", "cholesky of a product", BATCH),
        ("pinv", "pinv", np.stack([EVEN, matrix([1.0, 0.5, 1e-7])])),
        ("inv", "inv", ROWS),
        ("qr", "qr", ROWS),
        ("cholesky", "cholesky of a product", ROWS),
    ],
)
def test_wrong_rules_are_called_wrong(
    primitive: str, name: str, x: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    report = ad.gradcheck(MATRIX_FUNCTIONS[name], x)
    assert report.verdict == "correct", str(report)

    class Application:
        inputs = (x, np.arange(3.0)[:, None])[: 2 if primitive == "solve" else 1]

    Application.primitive = PRIMITIVES[primitive]  # type: ignore[attr-defined]  # as a Node has
    twin = broken(Application, 0, lambda g: 1.01 * g)  # type: ignore[arg-type]  # all it reads
    for rule, value in vars(twin).items():
        monkeypatch.setitem(vars(PRIMITIVES[primitive]), rule, value)
    report = ad.gradcheck(MATRIX_FUNCTIONS[name], x)
    assert report.verdict == "wrong", str(report)
    assert report.culprit is not None and report.culprit.primitive == primitive
    factor = re.match(r"factor ([\d.]+):", report.culprit.diagnosis)
    assert factor and float(factor[1]) == pytest.approx(1.01, rel=1e-4), report.culprit.diagnosis


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("gap", [1e-8, 1e-9, 1e-10])
@pytest.mark.parametrize("name", ["svd, vectors", "eigh, vectors"])
def test_two_values_that_nearly_coincide(name: str, gap: float, seed: int) -> None:
    """The steps that such a gap allows are a few rounding errors of the operand."""
    x = np.eye(2) + gap * np.random.default_rng(seed).normal(size=(2, 2))
    assert ad.gradcheck(MATRIX_FUNCTIONS[name], x).verdict != "wrong"


@pytest.mark.parametrize("scale", [1e-12, 1e-6, 1.0, 1e12])
@pytest.mark.parametrize("name", ["svd", "svd, vectors", "qr", "eigvals", "nuclear norm", "inv"])
def test_the_unit_of_the_operand_does_not_matter(name: str, scale: float) -> None:
    report = ad.gradcheck(MATRIX_FUNCTIONS[name], scale * EVEN)
    assert report.verdict == "correct" and report.power < 1e-9, str(report)


def test_what_ends_no_iterations_is_checked_to_rounding() -> None:
    """A small entry of the gradient counts, too, where no end of iterations blurs it."""
    x = np.array([[1.0], [1.0], [1e-6]]) * EVEN
    report = ad.gradcheck(lambda x: ad.linalg.inv(x)[0, 0], x)
    assert report.verdict == "correct" and report.power < 1e-8, str(report)


def test_a_fault_in_the_smallest_matrix_is_no_factor(monkeypatch: pytest.MonkeyPatch) -> None:
    x = np.stack([EVEN * 10.0**k for k in (0, -3, -6, -9)])
    factors = np.array([1.0, 1.0, 1.001, 1.0])[:, None, None]

    class Application:
        primitive, inputs = PRIMITIVES["det"], (x,)

    twin = broken(Application, 0, lambda g: factors * g)  # type: ignore[arg-type]  # all it reads
    for rule, value in vars(twin).items():
        monkeypatch.setitem(vars(PRIMITIVES["det"]), rule, value)
    report = ad.gradcheck(ad.linalg.det, x)
    assert report.verdict == "wrong" and report.culprit is not None
    assert "in 9 of 36 entries" in report.culprit.diagnosis, str(report)


@pytest.mark.parametrize("seed", range(4))
def test_zeros_of_a_result_are_rounded_beside_the_point(seed: int) -> None:
    x = np.array([[4.0, 0.0, -0.5], [0.0, 4.5, 0.0], [0.5, 0.5, 6.0]])
    report = ad.gradcheck(lambda x: ad.real(ad.linalg.sqrtm(x))[1, 2], x, seed=seed)
    assert report.verdict == "correct", str(report)


# Beside the point LAPACK's iterations end elsewhere: small entries jump by roundings of large ones.
@pytest.mark.parametrize(
    ("function", "x"),
    [
        (
            ad.linalg.sqrtm,
            [
                [1.24420071e03, 3.50773056e-02, -8.57017761e-04],
                [-1.19466026e01, 1.74521188e-02, 1.05396691e-02],
                [8.76155155e-03, 1.52688257e00, 1.79704908e03],
            ],
        ),
        (
            ad.linalg.pinv,
            [
                [1.73950770e03, -3.26093131e00, -1.90224720e-03],
                [5.13471101e-02, 1.63864191e03, 8.00606045e00],
                [-1.92732764e01, -5.32472722e-02, 2.02020145e00],
            ],
        ),
    ],
)
def test_small_entries_of_uneven_matrices(function: Any, x: Any) -> None:
    for seed in range(8):
        report = ad.gradcheck(function, np.array(x), seed=seed)
        assert report.verdict == "correct", report


def test_iterations_inside_a_sylvester_equation_end() -> None:
    a = np.array([[3.36, -0.34], [0.71, 4.35]])
    b = np.array([[7e-3, 9e-5, -40.6], [-3e-4, 442.9, 5e-2], [-7e-3, 7e-2, 0.84]])
    q = np.array([[-1.0, -1.5, -0.5], [1.5, 1.0, 0.5]])
    for seed in range(30):
        report = ad.gradcheck(ad.linalg.solve_sylvester, a, b, q, seed=seed)
        assert report.verdict == "correct", report
