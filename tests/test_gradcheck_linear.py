"""Derivatives that linear kernels of complex numbers give themselves, and entries' own steps."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import autodiff as ad
from autodiff.checking.kernels import kernel, moved_along
from autodiff.checking.mutate import broken
from autodiff.checking.superposition import linear_groups, slope_of
from autodiff.families import Linear
from autodiff.node import Aval, Node
from autodiff.primitive import Case, In
from autodiff.recording import pop, push
from autodiff.registry import PRIMITIVES
from autodiff.tensor import apply_unary
from tests.test_localisation import custom

Z = np.array([[1.0 + 2.0j, -0.5 - 1.0j, 0.25j], [0.5 - 0.1j, 2.0 + 0.3j, -1.0 + 1.0j]])


def recorded(function: Any, *operands: Any) -> Node:
    """The node of one operation, with its operands kept."""
    state = push(keep_all=True)
    try:
        y = function(*[ad.tensor(x, requires_grad=True) for x in operands])
    finally:
        pop(state)
    assert y.node is not None
    return y.node


class Bent(Linear, register=False):
    """Not linear, though it says so."""

    name = "bent"
    kernel = staticmethod(lambda x: np.abs(x) * x)
    transpose = staticmethod(lambda g: g)
    cases = (Case((In((3,)),)),)

    def infer(self, x: Any) -> Aval:
        return Aval(x.shape, x.dtype)

    def batch(self, mapped: tuple[bool, ...], x: Any) -> Any:
        return apply_unary(self, x)


@pytest.mark.parametrize(
    ("function", "count", "groups"),
    [
        (ad.add, 2, [[0, 1]]),
        (lambda x, y: ad.concatenate([x, y]), 2, [[0, 1]]),
        (ad.multiply, 2, [[0], [1]]),
        (lambda x: ad.matmul(x, x.T), 1, [[0], [1]]),
        (ad.conj, 1, [[0]]),
        (ad.real, 1, [[0]]),
        (ad.fft.fft, 1, [[0]]),
        (lambda x: ad.sum(x, axis=0), 1, [[0]]),
        (ad.divide, 2, []),
        (ad.abs, 1, []),
        (ad.square, 1, []),
        (ad.exp, 1, []),
        (ad.prod, 1, []),
        (ad.round, 1, []),
        (lambda x, y: ad.divide(x[:1, :1], y[:1, :1]), 2, []),
        (lambda x: apply_unary(Bent(), x), 1, []),
    ],
)
def test_operations_that_superpose_are_found(
    function: Any, count: int, groups: list[list[int]]
) -> None:
    rng = np.random.default_rng(0)
    for factor in (1.0, 1e-9, 0.0) if groups else (1.0, 1e-9):
        operands = [factor * Z, (0.5 - 1.0j) * Z][:count]
        node = recorded(function, *operands)
        assert linear_groups(node, rng) == groups
        tangents = [rng.normal(size=x.shape) * (1.0 + 1.0j) for x in node.kept]
        if groups:
            slope = slope_of(node, groups, node.kept, tangents)
            ahead, behind = (kernel(node, moved_along(node.kept, tangents, s)) for s in (1, -1))
            np.testing.assert_allclose(slope, (ahead - behind) / 2.0, 1e-12, 1e-12)


def test_selections_by_equal_numbers_are_linear_in_what_they_select_alone() -> None:
    # With random operands no window has its largest entry where it had, and all are 0.
    x = ad.tensor(np.array([[[1.0, 3.0, 2.0, 2.0]]]), requires_grad=True)
    cotangents = ad.tensor(np.array([[[5.0 + 1.0j, 6.0]]]), requires_grad=True)
    state = push(keep_all=True)
    try:
        found = ad.gradients(ad.max_pool(x, 2), x, cotangents=cotangents.real, create_graph=True)
    finally:
        pop(state)
    node = found.node
    assert node is not None and node.primitive.name == "max_unpool"
    assert linear_groups(node, np.random.default_rng(0)) == []


# ---- verdicts


def triangular(seed: int) -> Any:
    rng = np.random.default_rng(seed)
    z = rng.normal(size=(3, 2)) + 1j * rng.normal(size=(3, 2))
    return np.triu(z) * 10.0 ** rng.uniform(-2.0, 2.0, size=(3, 1))


# Sums of complex numbers that cancel looked like kinks, and rounding errors beside them wrong.
@pytest.mark.parametrize("seed", [0, 1, 2, 3, 4, 21, 28, 56])
def test_terms_that_cancel_are_no_kinks(seed: int) -> None:
    report = ad.gradcheck(lambda x: x @ ad.linalg.pinv(x), triangular(seed), order=2, seed=seed)
    assert report.verdict == "correct", report
    assert not report.kinks, report


def test_products_of_complex_numbers_are_checked_to_rounding() -> None:
    for f in (lambda z: z @ ad.conj(z).T, lambda z: ad.fft.fft(z) * z, lambda z: ad.sum(z * z)):
        report = ad.gradcheck(f, Z, order=2)
        assert report.verdict == "correct" and report.power < 1e-12, report
        scaled = custom(lambda z: z * 1.0, lambda g, y, z: g * (1.0 + 1e-10))
        assert ad.gradcheck(lambda z, f=f, s=scaled: f(s(z)), Z).verdict == "wrong"


UNEVEN = np.array(
    [-4.9e4 + 1.8e5j, 1.5e3 + 2.9e2j, -1.6 + 0.2j, 8.6e-3 - 3.2e-2j, 2.2e-6 - 4.6e-6j]
)


# One step for all entries, in units of the largest, is beyond the pole of the smallest.
@pytest.mark.parametrize(
    "function",
    [
        ad.abs,
        ad.sqrt,
        lambda z: ad.log(ad.abs(z) + 1e-3),
        lambda z: (z - 1.0) / (z * z + 2.0),
        lambda z: 1.0 / z,
        lambda z: ad.arctan2(ad.imag(z), ad.real(z)),
        lambda z: ad.hypot(ad.imag(z), ad.real(z)),
        lambda z: ad.logaddexp(ad.real(z), -3.0),
        lambda z: ad.cos(1e-5 * z),
    ],
)
@pytest.mark.parametrize("order", [1, 2])
def test_entries_of_any_size_have_steps_of_their_own(function: Any, order: int) -> None:
    report = ad.gradcheck(function, UNEVEN, order=order)
    assert report.verdict == "correct", report


def test_a_fault_in_the_smallest_entry_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    factors = np.array([1.0, 1.0, 1.0, 1.0, 1.0 + 1e-8])
    twin = broken(recorded(ad.reciprocal, UNEVEN), 0, lambda g: factors * g)
    for rule, value in vars(twin).items():
        monkeypatch.setitem(vars(PRIMITIVES["reciprocal"]), rule, value)
    report = ad.gradcheck(ad.reciprocal, UNEVEN)
    assert report.verdict == "wrong"
    assert report.culprit is not None and report.culprit.index == (4,), report


@pytest.mark.parametrize("order", [1, 2])
def test_three_factors_that_are_all_0(order: int) -> None:
    x = np.array([[-2.0, 0.0], [-1.0, -0.0], [0.0, 0.0]])
    f = lambda x: ad.einsum("ij,kj,kl->il", x, x, x)
    assert ad.gradcheck(f, x, order=order).verdict == "correct"


@pytest.mark.parametrize("p", [3.1, 2.5, 1.5])
def test_powers_at_the_edge_of_their_domain(p: float) -> None:
    for x in ([1.0, 0.0, -2.0], [0.0, 0.0, 0.0]):
        report = ad.gradcheck(lambda x: ad.abs(x) ** p, np.array(x))
        assert report.verdict == "correct", report
    report = ad.gradcheck(lambda x: ad.sum(ad.abs(x) ** p) ** (1.0 / p), np.array([1.0, 0.0, -2.0]))
    assert report.verdict == "correct", report


def test_what_rounds_is_not_linear_by_chance() -> None:
    for seed in range(20):
        node = recorded(ad.round, np.array(1.3 + 0.7j))
        assert linear_groups(node, np.random.default_rng(seed)) == []


def test_a_threshold_that_is_far_from_1_is_seen() -> None:
    class Far(Bent, register=False):
        """Linear in small numbers, and in large ones otherwise."""

        name = "far"
        kernel = staticmethod(lambda x: np.where(np.abs(x) > 1e3, 2.0 * x, x))

    node = recorded(lambda x: apply_unary(Far(), x), 1e13 * Z)
    assert linear_groups(node, np.random.default_rng(0)) == []


def test_directions_along_which_nothing_changes_are_known() -> None:
    # Some tangents of so many are at right angles to their numbers: |z| does not change at all.
    for seed in range(4):
        rng = np.random.default_rng(seed)
        z = rng.normal(size=300) + 1j * rng.normal(size=300)
        report = ad.gradcheck(lambda z: ad.abs(3.0 * z), z, seed=seed)
        assert report.verdict == "correct", report


# sin(x)/x and its like lose digits near 0 by terms that cancel, in a complex step too.
@pytest.mark.parametrize("function", [ad.sinc, ad.special.j0, ad.special.j1])
@pytest.mark.parametrize(
    "x", [[6e-3, 5e-6, 2e-4, 0.3], [-1.9e-4, -3.4e-6, 0.7, -2.6e-5], [1e-10, 3e-8, 1e-3], [1e-8]]
)
def test_terms_that_cancel_inside_a_kernel(function: Any, x: list[float]) -> None:
    report = ad.gradcheck(function, np.array(x), order=2)
    assert report.verdict == "correct", report


def test_a_0_has_the_size_of_the_other_operand() -> None:
    report = ad.gradcheck(ad.remainder, np.array(0.0), np.array(-7.9e-8))
    assert report.verdict != "wrong", report


def test_a_value_that_stands_alone_is_not_known() -> None:
    # 0 log(1 - 32) is 0, and NaN on both sides; complex logarithms would go on.
    for y in (np.array([-32.6]), np.array([0.2, -36.0])):
        report = ad.gradcheck(lambda x, y=y: ad.special.xlog1py(x, y), np.array(0.0))
        assert report.verdict == "inconclusive", report
