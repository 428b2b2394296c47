"""What the gradient check sees at least, within which budget, and what it leaves as it was."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import autodiff as ad
from autodiff.checking.report import WRONG
from tests.test_gradcheck import FAULTS, Net, X, with_rule

# ---- power


@pytest.mark.parametrize("size", [7, 2000])
def test_a_scale_error_of_1e_8_is_wrong_and_1e_14_of_noise_is_not(size: int) -> None:
    x = np.random.default_rng(2).normal(size=size)

    def scaled(factor: float) -> Any:
        return with_rule(lambda x: np.sin(x), lambda g, y, x: (factor * g * np.cos(x),))

    for factor in (1.0 + 1e-8, 1.0 - 1e-8):
        report = ad.gradcheck(scaled(factor), x)
        assert report.verdict == "wrong"
        assert report.power < 1e-8
    assert ad.gradcheck(scaled(1.0), x).verdict == "correct"


@pytest.mark.parametrize("size", [1000, 100_000])
def test_one_dropped_entry_is_found_wherever_it_is(size: int) -> None:
    x = np.random.default_rng(3).normal(size=size)
    for position in np.random.default_rng(4).integers(size, size=5 if size > 1000 else 20):
        keep = np.ones(size)
        keep[position] = 0.0
        f = with_rule(lambda x: np.sin(x), lambda g, y, x, k=keep: (k * g * np.cos(x),))
        report = ad.gradcheck(f, x, budget=0.2)
        assert report.verdict == "wrong"
        assert report.culprit is not None
        assert report.culprit.index == (position,)
        assert report.culprit.diagnosis.startswith("dropped: 1 entry")


def test_saturated_values_are_noise_not_errors() -> None:
    x = np.array([0.1, 9.0, 17.0, 18.5, 30.0])
    assert ad.gradcheck(lambda x: ad.tanh(x), x).verdict == "correct"
    assert ad.gradcheck(lambda x: ad.sigmoid(x), x).verdict == "correct"


def test_mutations_are_all_seen_where_every_entry_counts() -> None:
    report = ad.gradcheck(Net((4, 3, 2)), X, mutate=True)
    assert report.mutants is not None
    assert {m.fault for m in report.mutants} == {
        "scale 1.001", "sign", "dropped entry", "transposed", "missing sum",
    }  # fmt: skip
    assert report.unseen == ()
    assert f"{len(report.mutants)} of {len(report.mutants)} planted faults seen" in str(report)
    assert report.ok


def test_a_fault_below_the_noise_is_reported_as_unseen() -> None:
    # The second term is 1e-18 of the first: no check of the sum sees its rule.
    report = ad.gradcheck(lambda x: (x + 1e-18 * ad.sin(x)).sum(), np.array([1.0]), mutate=True)
    assert report.mutants is not None
    missed = {(m.primitive, m.fault) for m in report.unseen}
    assert missed >= {("sin", "scale 1.001"), ("sin", "sign")}
    assert "not seen: sign in sin" in str(report)
    assert ("sum", "sign") not in missed


# ---- order, dtype, budget, state


def test_order_2_checks_the_derivative_of_the_gradient() -> None:
    cut = with_rule(lambda x: x**3, lambda g, y, x: (g * 3.0 * x * ad.stop_gradient(x),))
    assert ad.gradcheck(cut, X).ok
    report = ad.gradcheck(cut, X, order=2)
    assert [e.verdict for e in report.entries] == ["ok", WRONG]
    assert report.culprit is not None
    assert report.culprit.primitive == "stop_gradient"
    assert ad.gradcheck(lambda x: x**3 * ad.sin(x), X, order=2).ok
    assert ad.gradcheck(lambda x: 2.0 * x, X, order=2).ok
    with pytest.raises(ValueError, match="order is 1 or 2, got 3"):
        ad.gradcheck(ad.sin, X, order=3)


def test_the_gradient_in_the_own_dtype_is_compared() -> None:
    half = ad.gradcheck(lambda x: ad.exp(x), X.astype(np.float32)).entries[0].own
    assert half is not None
    assert 1e-9 < half < 1e-6
    assert ad.gradcheck(lambda x: ad.exp(x), X).entries[0].own is None


def test_a_short_budget_still_covers_every_entry_and_says_what_it_left_out() -> None:
    x = np.random.default_rng(1).normal(size=(40, 50))
    report = ad.gradcheck(FAULTS["dropped entry"], x, budget=0.0)
    assert report.verdict == "wrong"
    report = ad.gradcheck(ad.tanh, x, budget=0.0)
    assert report.ok
    assert report.entries[0].directions == 1
    assert "the budget ended" in report.entries[0].note


class Noisy:
    """A module with a generator and a running mean, as dropout and batch normalization have."""

    def __init__(self) -> None:
        self.generator = np.random.default_rng(0)
        self.running = np.zeros(4)
        self.calls = 0

    def named_modules(self) -> dict[str, Any]:
        return {"": self}

    def __call__(self, x: Any) -> Any:
        self.calls += 1
        self.running += 0.1 * x.numpy().mean(axis=0)
        return x * self.generator.normal(size=x.shape) * (1.0 + self.running.sum() * 0.0)


def test_random_numbers_and_running_values_of_a_module_are_frozen_and_put_back() -> None:
    module = Noisy()
    state = module.generator.bit_generator.state
    report = ad.gradcheck(module, X)
    assert report.ok, str(report)
    assert module.generator.bit_generator.state == state
    assert module.calls == 0
    assert not module.running.any()


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # of the NaN that is looked for
def test_the_first_nan_inside_is_named_with_its_line() -> None:
    with pytest.raises(ad.GradientError, match=r"first appears in the result of log, at .*\.py:"):
        ad.gradcheck(lambda x: ad.exp(ad.log(x - 2.0)), np.array([1.0, 3.0]))


def test_logsumexp_is_checked_by_the_complex_step() -> None:
    x = np.random.default_rng(3).normal(size=(4, 4))
    assert ad.gradcheck(lambda x: ad.logsumexp(x, axis=1), x).power < 1e-13
