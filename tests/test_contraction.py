"""``matmul``, ``einsum`` and ``norm`` against NumPy, with numeric gradients."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import autodiff as ad

LETTERS = {"i": 2, "j": 3, "k": 4, "l": 1}


@st.composite
def contractions(draw: Any) -> tuple[str, list[tuple[int, ...]]]:
    """Subscripts and the operands' shapes: repeated and lonely letters, ellipses, every output."""
    letters = st.text(alphabet="ijkl", max_size=3)
    terms = draw(st.lists(letters, min_size=1, max_size=4))
    shapes = [[LETTERS[c] for c in t] for t in terms]
    dots = draw(st.sampled_from([(), (5,), (5, 2)]))
    written = []
    for term, shape in zip(terms, shapes, strict=True):
        if not dots or draw(st.booleans()):
            written.append(term)
            continue
        at = draw(st.integers(0, len(term)))
        own = dots[draw(st.integers(0, len(dots))) :]
        written.append(f"{term[:at]}...{term[at:]}")
        shape[at:at] = [1 if draw(st.integers(0, 3)) == 0 else n for n in own]
    subscripts = ",".join(written)
    if draw(st.booleans()):
        present = sorted(set("".join(terms)))
        output = draw(st.permutations(present))[: draw(st.integers(0, len(present)))]
        ellipsis = "..." if "..." in subscripts else ""
        subscripts += f"->{ellipsis}{''.join(output)}"
    return subscripts, [tuple(s) for s in shapes]


@given(contractions())
def test_einsum(case: Any) -> None:
    subscripts, shapes = case
    rng = np.random.default_rng(0)
    arrays = [rng.standard_normal(s) for s in shapes]
    expected = np.einsum(subscripts, *arrays)
    leaves = [ad.tensor(a, requires_grad=True) for a in arrays]
    y = ad.einsum(subscripts, *leaves)
    assert y.shape == expected.shape
    np.testing.assert_allclose(y.numpy(), expected, rtol=1e-10, atol=1e-10)
    v = rng.standard_normal(expected.shape)
    pulled = ad.gradients(y, leaves, cotangents=v)
    # Linear in each operand: the difference of two values is the derivative, exactly.
    for i, g in enumerate(pulled):
        u = rng.standard_normal(shapes[i])
        moved = [a + u if j == i else a for j, a in enumerate(arrays)]
        change = np.sum(v * (np.einsum(subscripts, *moved) - expected))
        assert g.shape == shapes[i]
        assert np.sum(g.numpy() * u) == pytest.approx(change, rel=1e-8, abs=1e-8)


@given(contractions())
def test_einsum_second_order(case: Any) -> None:
    subscripts, shapes = case
    rng = np.random.default_rng(1)
    arrays = [rng.standard_normal(s) for s in shapes]
    leaves = [ad.tensor(a, requires_grad=True) for a in arrays]
    us = [rng.standard_normal(s) for s in shapes]
    first = ad.gradients(ad.einsum(subscripts, *leaves).sum(), leaves, create_graph=True)
    along = sum((g * u).sum() for g, u in zip(first, us, strict=True))
    if not along.requires_grad:
        assert len(leaves) == 1
        return
    second = ad.gradients(along, leaves, unused="zeros")
    for i, g in enumerate(second):
        w = rng.standard_normal(shapes[i])
        expected = sum(
            np.einsum(
                subscripts,
                *[w if k == i else us[j] if k == j else a for k, a in enumerate(arrays)],
            ).sum()
            for j in range(len(arrays))
            if j != i
        )
        assert np.sum(g.numpy() * w) == pytest.approx(expected, rel=1e-8, abs=1e-8)


def test_einsum_broadcasts_size_one_under_a_letter_as_numpy_does() -> None:
    a, b = np.ones((2, 1)), np.arange(12.0).reshape(3, 4)
    np.testing.assert_array_equal(ad.einsum("ij,jk->ik", a, b), np.einsum("ij,jk->ik", a, b))
    leaf = ad.tensor(a, requires_grad=True)
    g = ad.gradients(ad.einsum("ij,jk->ik", leaf, b).sum(), leaf)
    np.testing.assert_array_equal(g.numpy(), [[66], [66]])


@pytest.mark.parametrize(
    ("subscripts", "shapes", "text"),
    [
        ("ij,jk->ik", [(2, 3), (4, 5)], "'j' has sizes 3 and 4"),
        ("ij->i", [(2,)], "1 axes"),
        ("ij,jk", [(2, 3)], "2 operands, got 1"),
        ("ij->ik", [(2, 3)], "'k'"),
        ("ij->ii", [(2, 3)], "once"),
        ("ii", [(2, 3)], "diagonal"),
        ("i...->i", [(2, 3)], r"lacks the '...'"),
        ("ij...k->i", [(2,)], "too few axes"),
        ("i1->i", [(2, 3)], "no letter"),
    ],
)
def test_einsum_errors(subscripts: str, shapes: Any, text: str) -> None:
    with pytest.raises(ad.ShapeError, match=text):
        ad.einsum(subscripts, *[np.ones(s) for s in shapes])


def test_einsum_subscripts_are_a_string() -> None:
    with pytest.raises(ad.DTypeError, match="string"):
        ad.einsum(np.ones(2), [0])  # type: ignore[arg-type]  # wrong on purpose


SHAPES = [
    ((3,), (3,)),
    ((2, 3), (3,)),
    ((3,), (3, 2)),
    ((5, 2, 3), (3,)),
    ((3,), (5, 3, 2)),
    ((2, 3), (3, 4)),
    ((4, 2, 3), (3, 4)),
    ((2, 3), (4, 3, 2)),
    ((2, 1, 2, 3), (4, 3, 2)),
    ((0, 3), (3, 2)),
    ((2, 0), (0, 2)),
]


@pytest.mark.parametrize(("left", "right"), SHAPES)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_matmul(left: Any, right: Any, dtype: Any) -> None:
    rng = np.random.default_rng(0)
    a, b = rng.standard_normal(left).astype(dtype), rng.standard_normal(right).astype(dtype)
    expected = a @ b
    x, y = ad.tensor(a, requires_grad=True), ad.tensor(b, requires_grad=True)
    z = x @ y
    assert z.shape == expected.shape and z.dtype == expected.dtype
    rtol = 1e-5 if dtype is np.float32 else 1e-12
    np.testing.assert_allclose(z.numpy(), expected, rtol=rtol, atol=rtol)
    v = rng.standard_normal(z.shape).astype(dtype)
    g, h = ad.gradients(z, (x, y), cotangents=v)
    assert (g.shape, h.shape, g.dtype, h.dtype) == (left, right, dtype, dtype)
    u, w = rng.standard_normal(left), rng.standard_normal(right)
    for pulled, move, change in ((g, u, u @ b), (h, w, a @ w)):
        total = np.sum(pulled.numpy() * move)
        assert total == pytest.approx(np.sum(v * change), rel=1e-4, abs=1e-4)
    np.testing.assert_array_equal(z.numpy(), (a @ y).numpy())
    np.testing.assert_array_equal(z.numpy(), (x @ b).numpy())


def test_one_product_for_a_batch_of_rows() -> None:
    """A stack of matrices times one matrix is one large product, out= and views included."""
    rng = np.random.default_rng(0)
    stack, weights = rng.standard_normal((6, 5, 4)), rng.standard_normal((4, 3))
    kernel: Any = ad.matmul
    np.testing.assert_allclose(
        kernel(stack.transpose(1, 0, 2), weights), stack.transpose(1, 0, 2) @ weights
    )
    x, w = ad.tensor(stack), ad.tensor(weights, requires_grad=True)
    (x @ w).sum().backward()
    assert w.grad is not None and w.grad.shape == (4, 3)
    np.testing.assert_allclose(w.grad.numpy(), np.einsum("bij->j", stack)[:, None] * np.ones(3))


@pytest.mark.parametrize(
    ("left", "right", "text"),
    [
        ((2, 3), (4, 5), r"\[2, 3\].*\[4, 5\].*\(3\).*\(4\).*\(3, n\) would fit"),
        ((2, 3), (4, 3), "b.T would fit"),
        ((3, 2), (3, 4), "a.T would fit"),
        ((3,), (4,), r"axis 0 of b \(4\)"),
        ((2, 2, 3), (3, 3, 2), "broadcast"),
        ((), (3, 2), "scalar"),
    ],
)
def test_matmul_errors(left: Any, right: Any, text: str) -> None:
    for lift in (np.ones, lambda s: ad.tensor(np.ones(s), requires_grad=True)):
        with pytest.raises(ad.ShapeError, match=text):
            ad.matmul(lift(left), np.ones(right))


VECTOR_ORDERS = [None, 2, 1, 3, 2.5, 0.5, -1, -2, math.inf, -math.inf, 0]


@pytest.mark.parametrize("ord", VECTOR_ORDERS)
@pytest.mark.parametrize("axis", [0, 1, -1])
@pytest.mark.parametrize("keepdims", [False, True])
def test_vector_norms(ord: Any, axis: int, keepdims: bool) -> None:
    rng = np.random.default_rng(0)
    x = rng.permutation(np.arange(1.0, 13.0)).reshape(3, 4) * rng.choice([-1, 1], (3, 4))
    expected = np.linalg.norm(x, ord, axis, keepdims)
    np.testing.assert_allclose(ad.norm(x, ord, axis, keepdims), expected, rtol=1e-12)
    leaf = ad.tensor(x, requires_grad=True)
    y = ad.norm(leaf, ord, axis, keepdims)
    if ord == 0:
        assert not y.requires_grad
        return
    check_derivative(lambda x: np.linalg.norm(x, ord, axis, keepdims).sum(), leaf, y.sum())


MATRIX_ORDERS = [None, "fro", 1, -1, math.inf, -math.inf]


@pytest.mark.parametrize("ord", MATRIX_ORDERS)
@pytest.mark.parametrize("axis", [(0, 1), (1, 0), (0, 2), (-1, 1)])
@pytest.mark.parametrize("keepdims", [False, True])
def test_matrix_norms(ord: Any, axis: Any, keepdims: bool) -> None:
    x = np.random.default_rng(0).standard_normal((2, 3, 4))
    leaf = ad.tensor(x, requires_grad=True)
    y = ad.norm(leaf, ord, axis, keepdims)
    np.testing.assert_allclose(y.numpy(), np.linalg.norm(x, ord, axis, keepdims), rtol=1e-12)
    check_derivative(lambda x: np.linalg.norm(x, ord, axis, keepdims).sum(), leaf, y.sum())


def check_derivative(f: Any, leaf: Any, y: Any) -> None:
    u = np.random.default_rng(7).standard_normal(leaf.shape)
    x, h = leaf.numpy(), 1e-6
    expected = (f(x + h * u) - f(x - h * u)) / (2 * h)
    got = np.sum(ad.gradients(y, leaf).numpy() * u)
    assert got == pytest.approx(expected, rel=1e-6, abs=1e-7)


@pytest.mark.parametrize("ord", [None, 2, 3, 1, math.inf])
def test_norm_at_the_origin(ord: Any) -> None:
    x = ad.tensor(np.zeros(3), requires_grad=True)
    y = ad.norm(x, ord)
    g = ad.gradients(y, x, create_graph=True)
    np.testing.assert_array_equal(g.numpy(), np.zeros(3))
    mixed = ad.tensor([[0.0, 0.0], [3.0, 4.0]], requires_grad=True)
    found = ad.gradients(ad.norm(mixed, axis=1).sum(), mixed)
    np.testing.assert_allclose(found.numpy(), [[0, 0], [0.6, 0.8]])


def test_norm_second_order() -> None:
    x = ad.tensor([3.0, 4.0], requires_grad=True)
    g = ad.gradients(ad.norm(x), x, create_graph=True)
    rows = [ad.gradients(g[i], x, create_graph=True).numpy() for i in range(2)]
    expected = (np.eye(2) - np.outer([0.6, 0.8], [0.6, 0.8])) / 5
    np.testing.assert_allclose(rows, expected, rtol=1e-12)
    zero = ad.tensor([0.0, 0.0], requires_grad=True)
    h = ad.gradients(ad.norm(zero), zero, create_graph=True)
    np.testing.assert_array_equal(ad.gradients(h.sum(), zero, unused="zeros").numpy(), [0, 0])


@pytest.mark.parametrize(("dtype", "size"), [(np.float32, 1e30), (np.float64, 1e300)])
def test_norm_neither_overflows_nor_underflows(dtype: Any, size: float) -> None:
    for scale in (size, 1 / size):
        x = np.array([3 * scale, 4 * scale], dtype)
        assert ad.norm(x) == pytest.approx(5 * scale, rel=1e-6)
        leaf = ad.tensor(x, requires_grad=True)
        np.testing.assert_allclose(ad.gradients(ad.norm(leaf), leaf).numpy(), [0.6, 0.8], rtol=1e-6)
    assert ad.norm(np.array([np.inf, 1.0])) == np.inf
    assert np.isnan(ad.norm(np.array([np.nan, 1.0])))


def test_norm_errors() -> None:
    x = np.ones((2, 3, 4))
    with pytest.raises(ad.ShapeError, match="needs axis"):
        ad.norm(x, 1)
    with pytest.raises(ad.ShapeError, match="ord of a matrix"):
        ad.norm(x[0], 3)
    with pytest.raises(ad.DTypeError, match="matrices"):
        ad.norm(x[0, 0], "fro")
    with pytest.raises(ad.AxisError):
        ad.norm(x, axis=3)
    assert ad.norm(np.array([3, 4])) == 5.0  # integers count as float64
