"""Decompositions where vectors are not determined: phases, and values that coincide."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import autodiff as ad
from tests.function_checks import check_function
from tests.test_linalg import draw
from tests.tolerances import assert_close

la = ad.linalg


INVARIANT: dict[str, Any] = {
    "projector": lambda x: (lambda v: v @ ad.conj(v.T))(la.eigh(x)[1][:, :1]),
    "values": lambda x: la.eigh(x)[0] ** 2,
    "moduli": lambda x: ad.abs(la.svd(x, False)[0]) ** 2,
    "rebuilt": lambda x: (lambda u, s, v: (u * ad.exp(-s)) @ v)(*la.svd(x, False)),
    "polar": lambda x: (lambda u, s, v: u @ v)(*la.svd(x, False)),
    "mixed": lambda x: (lambda w, v: v @ (w[:, None] ** 2 * ad.conj(v.T)))(*la.eigh(x)),
}


@pytest.mark.parametrize("shape", [(3, 3), (3, 2), (2, 3)])
@pytest.mark.parametrize("name", INVARIANT)
def test_complex_vectors_but_for_their_phases(name: str, shape: tuple[int, int]) -> None:
    if "eigh" in INVARIANT[name].__code__.co_names and shape != (3, 3):
        shape = (2, 2)
    if name == "mixed":
        shape = (shape[0], shape[0])
    if name in ("projector", "values"):
        shape = (shape[0], shape[0])
    check_function(INVARIANT[name], draw(*shape, dtype=complex), what=name)


@pytest.mark.parametrize("function", [lambda x: la.eigh(x)[1], lambda x: la.svd(x)[0]])
def test_phases_have_no_gradient(function: Any) -> None:
    x = ad.tensor(draw(3, 3, dtype=complex), requires_grad=True)
    with pytest.raises(ad.GradientError, match="phases of complex vectors"):
        ad.gradients(ad.real(function(x)).sum(), x)


# ---- values that coincide


TURN = np.linalg.qr(np.random.default_rng(5).standard_normal((4, 4)))[0]
TWICE = TURN @ np.diag([1.0, 2.0, 2.0, 5.0]) @ TURN.T  # coincide to rounding, not exactly
TWICE = (TWICE + TWICE.T) / 2


@pytest.mark.parametrize("x", [np.eye(3), TWICE, np.zeros((3, 3))], ids=["eye", "twice", "zero"])
def test_symmetric_functions_of_coinciding_eigenvalues(x: Any) -> None:
    leaf = ad.tensor(x, requires_grad=True)
    for power in (1, 2, 3):
        got = ad.gradients((la.eigvalsh(leaf) ** power).sum(), leaf)
        expected = power * np.linalg.matrix_power(x, power - 1)
        assert_close(got, expected, "derivative", f"sum of eigenvalues to the {power}")
    got = ad.gradients((la.eigvals(leaf) ** 2).sum(), leaf)
    assert_close(got, 2 * x, "derivative", "eigvals")
    first = ad.gradients((la.svdvals(leaf) ** 2).sum(), leaf)
    assert_close(first, 2 * x, "derivative", "sum of squared singular values")


def test_the_space_of_coinciding_eigenvalues() -> None:
    b = draw(4, 4)

    def share(x: Any) -> Any:
        v = la.eigh(x).eigenvectors[:, 1:3]
        return ad.sum(b * (v @ v.T))

    leaf = ad.tensor(TWICE, requires_grad=True)
    got = ad.gradients(share(leaf), leaf).data
    # With the eigenvalues drawn apart a little, differences of the kernel itself are the judge.
    u = draw(4, 4, seed=3)
    u = u + u.T
    h = 1e-5
    slope = (share(TWICE + h * u) - share(TWICE - h * u)) / (2 * h)
    assert abs(np.sum(got * u) - slope) < 1e-6 * max(abs(slope), 1)


@pytest.mark.parametrize(
    ("function", "text"),
    [
        (lambda x: (la.eigh(x)[1] ** 3).sum(), "which vectors were chosen"),
        (lambda x: (lambda w, v: (v * w**2) @ v.T)(*la.eigh(x)).sum(), "expm, inv"),
        (lambda x: (la.svd(x)[0] ** 3).sum(), "which vectors were chosen"),
        (lambda x: (ad.real(la.eig(x)[1]) ** 3).sum(), "which vectors were chosen"),
    ],
)
def test_chosen_vectors_have_no_gradient(function: Any, text: str) -> None:
    leaf = ad.tensor(TWICE, requires_grad=True)
    with pytest.raises(ad.GradientError, match=text):
        ad.gradients(function(leaf), leaf)


def test_the_polar_factor_of_an_orthogonal_matrix() -> None:
    # Its singular values all coincide, and it is smooth: d(UV) is the skew part of the change.
    check_function(
        lambda x: (lambda u, s, v: u @ v)(*la.svd(x)), TURN, what="polar factor", order=1
    )


def test_vectors_of_a_zero_singular_value() -> None:
    leaf = ad.tensor(np.outer(np.arange(1.0, 4.0), [1.0, 2.0]), requires_grad=True)
    assert np.isfinite(ad.gradients(la.svdvals(leaf).sum(), leaf).data).all()
    with pytest.raises(ad.GradientError, match="singular value is 0"):
        ad.gradients((la.svd(leaf, False)[0] ** 3).sum(), leaf)


def test_orthonormal_columns_are_no_trouble_for_least_squares() -> None:
    check_function(lambda a, b: la.lstsq(a, b)[0], TURN[:, :2], draw(4, 1), what="lstsq")
    check_function(lambda a: la.pinv(a), np.eye(3), what="pinv")


def test_forward_mode_where_values_coincide() -> None:
    u = draw(4, 4, seed=4)
    for function in (la.eigvalsh, la.eigvals, la.svdvals):
        _, t = ad.jvp(lambda x, f=function: ad.sum(f(x) ** 2), (TWICE,), (u,))
        assert_close(t, np.sum(2 * TWICE * u), "derivative", function.__name__)
    for part in (la.eigh, la.eig, la.svd):
        _, t = ad.jvp(lambda x, f=part: f(x)[1 if f is not la.svd else 0], (TWICE,), (u,))
        lost = np.isnan(np.asarray(t)).any(axis=0)
        assert lost.sum() == 2, f"{part.__name__}: the two vectors are not known to turn"


@pytest.mark.parametrize("shape", [(3, 3), (4, 2), (2, 4)])
@pytest.mark.parametrize("mode", ["svd", "qr"])
def test_forward_mode_of_vectors(mode: str, shape: tuple[int, int]) -> None:
    x, u = draw(*shape), draw(*shape, seed=4)
    function = (lambda z: la.svd(z, False)) if mode == "svd" else la.qr
    for k in range(2):
        y, t = ad.jvp(lambda z, k=k: function(z)[k], (x,), (u,))
        v = draw(*np.shape(y), seed=6)
        leaf = ad.tensor(x, requires_grad=True)
        g = ad.gradients(function(leaf)[k], leaf, cotangents=v)
        assert_close(np.sum(t * v), np.sum(g.data * u), "derivative", mode)


REBUILT: dict[str, Any] = {
    "svd": lambda x: (lambda u, s, v: (u * s[..., None, :]) @ v)(*la.svd(x, False)),
    "qr": lambda x: (lambda q, r: q @ r)(*la.qr(x)),
    "eigh": lambda x: (lambda w, v: (v * w[..., None, :]) @ ad.conj(v.mT))(*la.eigh(x)),
    "eig": lambda x: ad.real((lambda w, v: (v * w[..., None, :]) @ la.inv(v))(*la.eig(x))),
    "cholesky": lambda x: (lambda y: y @ ad.conj(y.mT))(la.cholesky(x)),
    "inv": lambda x: la.inv(la.inv(x)),
    "solve": lambda x: x @ la.solve(x, x),
    "pinv": lambda x: x @ la.pinv(x) @ x,
    "sqrtm": lambda x: la.matrix_power(la.sqrtm(x), 2),
}


@given(
    name=st.sampled_from(sorted(REBUILT)),
    outer=st.lists(st.integers(0, 2), max_size=2),
    m=st.integers(1, 4),
    n=st.integers(1, 4),
    seed=st.integers(0, 999),
)
def test_what_is_taken_apart_and_put_together_again(
    name: str, outer: list[int], m: int, n: int, seed: int
) -> None:
    """The whole is the identity (of Hermitian matrices, where only these are taken), of any shape.

    So the gradient is the cotangent itself.
    """
    square = name not in ("svd", "qr", "pinv")
    shape = (*([] if name == "sqrtm" else outer), n if square else m, n)
    x, v = draw(*shape, seed=seed), np.random.default_rng(seed).standard_normal(shape)
    if name in ("eigh", "cholesky"):
        x, v = x + np.swapaxes(x, -1, -2), v + np.swapaxes(v, -1, -2)
    leaf = ad.tensor(x, requires_grad=True)
    y = REBUILT[name](leaf)
    assert_close(y.data, x, "derivative", name)
    assert_close(ad.gradients(y, leaf, cotangents=v).data, v, "numeric", f"gradient of {name}")
