"""The gradient check on complex inputs, values and outputs: verdicts, culprits, kinks, digits."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest

import autodiff as ad
from autodiff.registry import PRIMITIVES
from tests.checks import function_of, wanted
from tests.test_localisation import BROKEN_RULES, custom, takes_complex

Z = np.array([[1.0 + 2.0j, -0.5 - 1.0j, 0.25j], [0.5 - 0.1j, 2.0 + 0.3j, -1.0 + 1.0j]])
EVERY_CASE = [
    (name, k)
    for name, k in BROKEN_RULES
    # Their vectors have phases that nothing determines; functions of them are checked below.
    if name not in ("eigh", "svd") and takes_complex(PRIMITIVES[name], PRIMITIVES[name].cases[k])
]
CULPRITS = {
    "scale 1.001": lambda g: 1.001 * g,
    "sign": lambda g: -g,
    "dropped": lambda g: g * (np.arange(g.size).reshape(g.shape) != 2),
    "conjugate missing": lambda g: np.conj(g),
    "factor": lambda g: 1j * g,
}


# A float64 of complex numbers drops their imaginary parts, of which NumPy warns.
@pytest.mark.filterwarnings("ignore::numpy.exceptions.ComplexWarning")
@pytest.mark.parametrize(("name", "k"), EVERY_CASE)
def test_every_primitive_is_called_correct(name: str, k: int) -> None:
    primitive = PRIMITIVES[name]
    case = primitive.cases[k]
    operands = case.draw(np.random.default_rng(0), np.complex128)
    which = wanted(primitive, operands)
    f = function_of(primitive, case, operands, which)
    report = ad.gradcheck(f, *[operands[i] for i in which], seed=0)
    assert report.verdict == "correct", f"{name}: {report}"
    moved = [e for e in report.entries if e.numeric]
    assert all(e.power <= 1e-8 for e in moved), f"{name}: {report.power}"


@pytest.mark.parametrize(
    "function",
    [
        ad.sin,
        lambda z: ad.conj(z) * ad.exp(z),
        lambda z: ad.abs(z) ** 2 + ad.angle(z),
        lambda z: (z @ ad.conj(z).T).sum(),
        lambda z: ad.fft.fft(z) * ad.real(z),
        lambda z: ad.linalg.svdvals(z),
        lambda z: ad.linalg.eigvalsh(z @ ad.conj(z).T),
        lambda z: {"both": (ad.real(z), ad.imag(z) * 1j)},
    ],
)
def test_functions_and_their_gradients(function: Any) -> None:
    report = ad.gradcheck(function, Z, order=2)
    assert report.verdict == "correct", report
    assert report.power <= 1e-8


@pytest.mark.parametrize("fault", CULPRITS)
def test_a_wrong_rule_is_named(fault: str) -> None:
    change = CULPRITS[fault]
    wave = custom(lambda z: np.sin(z), lambda g, y, z: change(g * np.conj(np.cos(z))))
    report = ad.gradcheck(lambda z: ad.exp(wave(z * (1 + 0.5j))), Z)
    assert report.verdict == "wrong"
    culprit = report.culprit
    assert culprit is not None
    word = "factor" if fault == "scale 1.001" else fault
    assert culprit.primitive.endswith("lambda>") and word in culprit.diagnosis, report
    assert culprit.part in ("real", "imag")
    assert report.entries[0].error > report.entries[0].allowed


def test_a_rule_that_multiplies_by_the_derivative_lacks_a_conjugate() -> None:
    square = custom(lambda z: z * z, lambda g, y, z: g * 2 * z)
    report = ad.gradcheck(square, Z)
    assert report.culprit is not None
    assert "conjugate missing: the rule multiplies" in report.culprit.diagnosis


def test_the_numbers_are_derivatives_of_both_parts() -> None:
    report = ad.gradcheck(lambda z: ad.real(z * z), np.array(1.0 + 2.0j))
    (entry,) = report.entries
    assert (entry.size, entry.checked, entry.shape, entry.dtype) == (2, 2, (), "complex128")
    expected = {"real": 2.0, "imag": -4.0}[entry.part]
    assert entry.analytic == pytest.approx(expected) and entry.numeric == pytest.approx(expected)
    found = report.to_dict()["entries"][0]
    assert found["part"] == entry.part and found["dtype"] == "complex128"
    assert "scalar complex" in str(report) and f"[] {entry.part}" in str(report)


def test_large_inputs_are_covered_by_directions() -> None:
    draws = np.random.default_rng(0)
    z = draws.normal(size=1000) + 1j * draws.normal(size=1000)
    for i in (0, 517, 999):

        def rule(g: Any, y: Any, z: Any, i: int = i) -> Any:
            return np.where(np.arange(1000) == i, (2 * z * g).real, 2 * g * np.conj(z))

        report = ad.gradcheck(custom(lambda z: z * z, rule), z)
        assert report.verdict == "wrong"
        assert report.culprit is not None and report.culprit.index == (i,)
    assert ad.gradcheck(lambda z: z * z, z).entries[0].directions > 0


def test_single_precision_is_compared_in_its_own_dtype() -> None:
    report = ad.gradcheck(lambda z: ad.exp(z).sum(), Z.astype(np.complex64))
    assert report.verdict == "correct" and report.power <= 1e-8
    own = report.entries[0].own
    assert own is not None and 0.0 < own < 1e-5
    assert ad.gradcheck(lambda z: ad.exp(z).sum(), Z).entries[0].own is None


def test_kinks_and_branch_cuts() -> None:
    report = ad.gradcheck(ad.abs, np.array([0j, 1.0 + 1.0j]))
    assert report.verdict == "correct"
    assert [k.primitive for k in report.kinks] == ["abs"]
    for function in (ad.angle, ad.sqrt, ad.log):
        report = ad.gradcheck(function, np.array([-1.0 + 0.0j, 1.0 + 1.0j]))
        assert report.verdict == "inconclusive"
        assert "jumps here" in report.entries[0].note and function.__name__ in str(report)
        assert ad.gradcheck(function, np.array([-1.0 + 1e-3j])).verdict == "correct"


def test_mutations_on_complex_values() -> None:
    def f(z: Any, w: Any) -> Any:
        return ad.exp(z * w) + ad.conj(z)

    report = ad.gradcheck(f, Z, Z[0] * 0.5, mutate=True)
    assert report.verdict == "correct"
    assert report.mutants is not None and report.unseen == ()
    assert "missing conjugate" in {m.fault for m in report.mutants}


class Filter:
    """A module with a complex parameter, beside a real one."""

    def __init__(self) -> None:
        self.taps = ad.tensor(Z[0].astype(np.complex64), requires_grad=True)
        self.gain = ad.tensor(np.array([0.5, 2.0, -1.0]), requires_grad=True)

    def named_parameters(self) -> Any:
        return [("taps", self.taps), ("gain", self.gain)]

    def __call__(self, z: Any) -> Any:
        return ad.fft.ifft(ad.fft.fft(z) * self.taps * self.gain)


def test_modules_with_complex_parameters() -> None:
    module = Filter()
    report = ad.gradcheck(module, Z, order=2)
    assert report.verdict == "correct"
    assert {e.name: e.dtype for e in report.entries if e.order == 1} == {
        "z": "complex128", "taps": "complex64", "gain": "float64",
    }  # fmt: skip
    assert module.taps.dtype == np.complex64


def test_what_is_not_finite_is_named() -> None:
    with pytest.raises(ad.GradientError, match=r"input 'x' is \(nan\+0j\) at index \[1\]"):
        ad.gradcheck(ad.sin, np.array([1j, complex(np.nan, 0.0)]))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with pytest.raises(ad.GradientError, match="first appears in the result of divide"):
            ad.gradcheck(lambda z: ad.real(1.0 / z), np.array([0j]))


def test_python_numbers_and_lists_are_checked() -> None:
    assert ad.gradcheck(lambda z: ad.abs(z), 3.0 + 4.0j).entries[0].size == 2
    assert ad.gradcheck(lambda z: z * z, [1j, 2.0]).entries[0].size == 4
