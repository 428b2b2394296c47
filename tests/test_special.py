"""Special functions: values against SciPy, derivatives of composites, edges, what is missing."""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import autodiff as ad
from autodiff.ops.incomplete import gamma_moved, gamma_slope
from tests.tolerances import assert_close

scipy_special = pytest.importorskip("scipy.special", reason="values are compared with SciPy's")

POSITIVE = np.concatenate([np.linspace(0.01, 12.0, 997), np.logspace(-8, 8, 97)])
NEGATIVE = -np.linspace(0.03, 9.97, 301)
REAL = np.linspace(-30.0, 30.0, 601)
OPEN = np.concatenate([np.linspace(0.001, 0.999, 501), np.logspace(-290, -1, 59)])
SIGNED = np.concatenate([2 * OPEN[:501] - 1, 1 - np.logspace(-15, -1, 29)])

# name, arguments, relative error against SciPy, of the larger of the value and ``floor``
VALUES = [
    ("gammaln", (POSITIVE,), 5e-15, 1e-1),
    ("gammaln", (NEGATIVE,), 2e-14, 1e-1),
    ("digamma", (POSITIVE,), 5e-15, 0.0),
    ("digamma", (NEGATIVE,), 2e-13, 1e-1),
    ("ndtr", (REAL,), 3e-13, 0.0),
    ("log_ndtr", (REAL * 20,), 1e-13, 0.0),
    ("ndtri", (OPEN,), 5e-15, 1e-2),
    ("erfinv", (SIGNED,), 5e-15, 0.0),
    ("erfcinv", (2 * OPEN,), 5e-15, 1e-2),
    ("erfcx", (np.linspace(-5.0, 60.0, 501),), 2e-14, 0.0),
    ("i0", (REAL,), 1e-14, 0.0),
    ("i0e", (REAL * 50,), 5e-15, 0.0),
    ("i1", (REAL,), 1e-14, 0.0),
    ("i1e", (REAL * 50,), 5e-15, 0.0),
    ("j0", (REAL,), 1e-13, 1e-1),
    ("j1", (REAL,), 1e-13, 1e-1),
    ("xlogy", (REAL[:, None], np.logspace(-5, 5, 11)), 1e-15, 0.0),
    ("xlog1py", (REAL[:, None], np.linspace(-0.9, 5, 11)), 1e-15, 0.0),
    ("entr", (np.linspace(-1.0, 3.0, 41),), 1e-15, 0.0),
    ("rel_entr", (np.linspace(-1.0, 3.0, 41)[:, None], np.linspace(0, 2, 5)), 1e-14, 1.0),
    ("logit", (OPEN,), 1e-14, 1.0),
    ("expit", (REAL,), 1e-15, 0.0),
    ("betaln", (POSITIVE[:997:50, None], np.linspace(0.2, 5.0, 20)), 1e-13, 1.0),
    ("gammainc", (np.logspace(-2, 2, 21)[:, None], np.logspace(-3, 2.5, 41)), 2e-13, 1e-200),
    ("gammaincc", (np.logspace(-2, 2, 21)[:, None], np.logspace(-3, 2.5, 41)), 2e-13, 1e-200),
    ("softmax", (REAL[:5],), 1e-14, 0.0),
    ("log_softmax", (REAL[:5],), 1e-14, 0.0),
    ("logsumexp", (REAL[:5],), 1e-14, 0.0),
    ("erf", (REAL / 5,), 1e-15, 0.0),
    ("erfc", (REAL / 5,), 2e-14, 0.0),
]


@pytest.mark.parametrize(
    ("name", "operands", "limit", "floor"),
    VALUES,
    ids=[f"{v[0]}-{k}" for k, v in enumerate(VALUES)],
)
def test_value(name: str, operands: Any, limit: float, floor: float) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        got = np.asarray(getattr(ad.special, name)(*operands))
        expected = getattr(scipy_special, name)(*operands)
    assert got.shape == expected.shape
    finite = np.isfinite(expected)
    assert (got[~finite] == expected[~finite]).all()
    error = np.abs(got[finite] - expected[finite])
    scale = np.maximum(np.abs(expected[finite]), floor)
    worst = np.max(error / np.where(scale == 0, 1.0, scale))
    assert worst <= limit, f"{name}: {worst:.1e}"


def test_incomplete_gammas_of_draws() -> None:
    """The pair by which gamma draws are moved to another shape: it takes no SciPy."""
    from autodiff.ops.incomplete import _both

    a, x = np.broadcast_arrays(np.logspace(-2, 2, 21)[:, None], np.logspace(-3, 2.5, 41))
    with np.errstate(all="ignore"):
        got = _both(a, x)
    for y, name in zip(got, ("gammainc", "gammaincc"), strict=True):
        expected = getattr(scipy_special, name)(a, x)
        error = np.abs(y - expected) / np.maximum(expected, 1e-200)
        assert error.max() < 2e-13, name


@pytest.mark.parametrize("n", [0, 1, 2, 5])
def test_polygamma(n: int) -> None:
    got, expected = ad.special.polygamma(n, POSITIVE), scipy_special.polygamma(n, POSITIVE)
    assert np.max(np.abs(got / expected - 1)) < 5e-15
    # Below 0 by the sum itself, which converges as its terms' integral: the tail is added.
    if n > 1:
        x, k = np.array([-0.3, -2.6]), np.arange(200_000.0)
        rest = (200_000.0 - 0.5 + x) ** -n / n
        total = np.sum(1 / (x[:, None] + k) ** (n + 1), axis=1) + rest
        reference = (-1) ** (n + 1) * math.factorial(n) * total
        np.testing.assert_allclose(ad.special.polygamma(n, x), reference, rtol=1e-9)


def test_logarithms_near_their_zeros() -> None:
    """Relative errors stay small where the functions vanish: the series of DLMF 5.7."""
    euler, z = 0.5772156649015329, 1e-7
    series = -euler * z + math.pi**2 / 12 * z**2 - 1.2020569031595942 / 3 * z**3
    assert ad.special.gammaln(1 + z) == pytest.approx(
        series * (((1 + z) - 1) / z), rel=1e-14, abs=0.0
    )
    root = 1.4616321449683623
    assert ad.special.digamma(root) == pytest.approx(-9.2412655217294e-17, rel=1e-12, abs=0.0)


@given(st.floats(-8, 8))
def test_inverses(x: float) -> None:
    assert ad.special.ndtri(ad.special.ndtr(x)) == pytest.approx(x, rel=1e-9, abs=1e-12) or x > 5
    y = float(ad.special.erfinv(math.erf(x / 8)))
    assert y == pytest.approx(x / 8, rel=1e-13, abs=1e-300)


COMPOSITES = [
    (ad.special.digamma, [np.array([0.5, 2.0, 11.0, -1.4])]),
    (ad.special.betaln, [np.array([0.5, 2.0, 7.0]), np.array([1.5, 0.7, 3.0])]),
    (lambda x: ad.special.multigammaln(x, 3), [np.array([1.5, 4.0])]),
    (ad.special.ndtr, [np.array([-3.0, 0.1, 2.0])]),
    (ad.special.ndtri, [np.array([0.01, 0.4, 0.9])]),
    (ad.special.entr, [np.array([0.2, 1.3])]),
    (ad.special.rel_entr, [np.array([0.2, 1.3]), np.array([0.7, 0.5])]),
    (ad.special.logit, [np.array([0.1, 0.6])]),
    (ad.special.expit, [np.array([-1.0, 2.0])]),
    (ad.special.i0, [np.array([-1.0, 2.0, 5.0])]),
    (lambda x: ad.special.jv(1.5, x), [np.array([1.0, 4.0])]),
    (lambda x: ad.special.betainc(2.0, 0.5, x), [np.array([0.1, 0.8])]),
    (ad.special.gammainc, [np.array([0.3, 2.0, 9.0]), np.array([1.0, 1.2, 8.0])]),
    (ad.special.gammaincc, [np.array([0.3, 2.0, 9.0]), np.array([1.0, 1.2, 8.0])]),
]


@pytest.mark.parametrize(("function", "operands"), COMPOSITES)
def test_gradient(function: Any, operands: Any) -> None:
    report = ad.gradcheck(function, *operands, order=2, budget=0.5)
    assert report.verdict == "correct", str(report)


EDGES = [
    ("gammaln", (0.0,), math.inf),
    ("gammaln", (-2.0,), math.inf),
    ("gammaln", (math.inf,), math.inf),
    ("digamma", (-1.0,), math.nan),
    ("xlogy", (0.0, 0.0), 0.0),
    ("xlogy", (0.0, math.nan), math.nan),
    ("xlog1py", (0.0, -1.0), 0.0),
    ("entr", (0.0,), 0.0),
    ("rel_entr", (1.0, 0.0), math.inf),
    ("log_ndtr", (-1e200,), -math.inf),
    ("log_ndtr", (1e10,), 0.0),
    ("erfinv", (1.0,), math.inf),
    ("erfinv", (-1.5,), math.nan),
    ("erfcinv", (2.0,), -math.inf),
    ("erfcx", (1e200,), 0.5641895835477563e-200),
    ("erfcx", (-30.0,), math.inf),
    ("i0e", (math.inf,), 0.0),
    ("gammainc", (2.0, 0.0), 0.0),
    ("gammaincc", (2.0, 0.0), 1.0),
    ("gammainc", (2.0, math.inf), 1.0),
    ("gammainc", (-1.0, 2.0), math.nan),
    ("gammainc", (1e-3, 1e-200), scipy_special.gammainc(1e-3, 1e-200)),
]


@pytest.mark.parametrize(("name", "operands", "expected"), EDGES)
def test_edges(name: str, operands: Any, expected: float) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        got = getattr(ad.special, name)(*map(np.float64, operands))
    assert_close(np.asarray(got), np.asarray(expected), "reference", f"{name}{operands}")


def test_gradients_where_the_weight_is_zero() -> None:
    p = ad.tensor([0.0, 0.5], requires_grad=True)
    assert ad.gradients(ad.special.entr(p).sum(), p).data.tolist() == [0.0, -math.log(0.5) - 1]
    y = ad.tensor(0.0, requires_grad=True)
    assert ad.gradients(ad.special.xlogy(0.0, y), y).item() == 0.0


def test_derivatives_of_log_ndtr_are_finite_on_both_sides() -> None:
    # By mpmath with 40 digits: m = phi / Phi, and -m (x + m).
    x = ad.tensor(np.array([-30.0, -1.0, 4.9, 5.1, 20.0, 37.0, 40.0, 4e3]), requires_grad=True)
    slope = ad.gradients(ad.special.log_ndtr(x).sum(), x, create_graph=True)
    first = [
        30.033259667433676,
        1.525135276160981,
        2.438961914603116e-06,
        8.972436686143024e-07,
        5.520948362159764e-88,
        2.1200065515246056e-298,
        0.0,
        0.0,
    ]
    second = [
        -0.9988962284881099,
        -0.8009023344296512,
        -1.195091933009049e-05,
        -4.575943514979143e-06,
        -1.1041896724319527e-86,
        -7.84402424064104e-297,
        -0.0,
        -0.0,
    ]
    np.testing.assert_allclose(slope.data, first, rtol=1e-13)
    np.testing.assert_allclose(ad.gradients(slope.sum(), x).data, second, rtol=1e-12)


@pytest.mark.parametrize("name", ["gammaln", "digamma", "erfinv", "log_ndtr", "i0e", "erfcx"])
def test_float32_stays(name: str) -> None:
    x = ad.tensor(np.array([0.3, 0.6], np.float32), requires_grad=True)
    y = getattr(ad.special, name)(x)
    assert y.dtype == np.float32
    assert ad.gradients(y.sum(), x).dtype == np.float32


def test_the_slope_of_a_gamma_quantile() -> None:
    """dx/da at a fixed probability, against differences of SciPy's inverse."""
    a = np.array([0.05, 0.5, 1.0, 3.0, 40.0, 900.0])[:, None]
    p = np.array([0.001, 0.2, 0.5, 0.9, 0.999])
    x = scipy_special.gammaincinv(a, p)
    h = 1e-4 * a
    points = [scipy_special.gammaincinv(a + k * h, p) for k in (-2, -1, 1, 2)]
    slope = (points[0] - 8 * points[1] + 8 * points[2] - points[3]) / (12 * h)
    keep = x > 1e-30
    got = np.asarray(gamma_slope(np.broadcast_to(a, x.shape)[keep], x[keep]))
    np.testing.assert_allclose(got, slope[keep], rtol=2e-8)


def test_gamma_draws_that_move_far() -> None:
    draws = np.random.default_rng(0)
    start, a = (10.0 ** draws.uniform(-1, 2.5, 2000) for _ in range(2))
    x = start * draws.gamma(2, 0.5, 2000)
    p, q = scipy_special.gammainc(start, x), scipy_special.gammaincc(start, x)
    upper = q < p
    expected = np.where(
        upper,
        scipy_special.gammainccinv(a, np.where(upper, q, 0.5)),
        scipy_special.gammaincinv(a, np.where(upper, 0.5, p)),
    )
    keep = (np.minimum(p, q) > 1e-150) & (expected > 1e-300)
    assert keep.sum() > 1500
    moved = np.asarray(gamma_moved(a, start, x))
    np.testing.assert_allclose(moved[keep], expected[keep], rtol=1e-8)


def test_errors() -> None:
    with pytest.raises(ad.DTypeError, match="not negative, got -1"):
        ad.special.polygamma(-1, 1.0)
    with pytest.raises(ad.ShapeError, match="at least 1, got 0"):
        ad.special.multigammaln(1.0, 0)
    a = ad.tensor(2.0, requires_grad=True)
    with pytest.raises(ad.GradientError, match="only by x"):
        ad.gradients(ad.special.betainc(a, 1.0, 0.5), a)


@pytest.mark.usefixtures("no_scipy")
def test_a_missing_scipy_is_said_in_one_sentence() -> None:
    special = ad.special
    for call in (
        lambda: special.betainc(1.0, 1.0, 0.5),
        lambda: special.gammainc(1.0, 1.0),
        lambda: special.ndtri(0.5),
        lambda: special.j0(0.5),
    ):
        with pytest.raises(ImportError, match="pip install scipy"):
            call()
