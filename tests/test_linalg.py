"""Linear algebra: values against NumPy, gradients of every order, and where they end."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import autodiff as ad
from tests.function_checks import check_function
from tests.tolerances import assert_close

la = ad.linalg


def draw(*shape: int, seed: int = 0, dtype: Any = float) -> Any:
    """Random matrices with a rising diagonal: far from singular, with distinct values."""
    rng = np.random.default_rng(seed)
    x = rng.uniform(-1, 1, shape)
    if np.dtype(dtype).kind == "c":
        x = x + 1j * rng.uniform(-1, 1, shape)
    if len(shape) > 1:
        x = x + np.eye(*shape[-2:]) * (3 + 2 * np.arange(shape[-1]))
    return x.astype(dtype)


def both(got: Any, expected: Any, what: str, kind: str = "reference") -> None:
    """Values and dtypes; results of several parts are compared part by part."""
    if isinstance(expected, tuple):
        for g, e in zip(got, expected, strict=True):
            both(g, e, what, kind)
        return
    data = got.data if isinstance(got, ad.Tensor) else got
    if what.startswith(("eig of", "eigvals of")) and not np.any(np.imag(expected)):
        expected = np.real(expected)  # from 2.5 on NumPy gives complex numbers there too
    assert np.asarray(data).dtype == np.asarray(expected).dtype, what
    assert_close(data, expected, kind, what)


SQUARE = {
    "inv": lambda m, x: m.inv(x),
    "det": lambda m, x: m.det(x),
    "slogdet": lambda m, x: m.slogdet(x),
    "pinv": lambda m, x: m.pinv(x),
    "qr": lambda m, x: m.qr(x),
    "svd": lambda m, x: m.svd(x),
    "svdvals": lambda m, x: m.svdvals(x),
    "eigvals": lambda m, x: m.eigvals(x),
    "eig": lambda m, x: m.eig(x),
    "matrix_power": lambda m, x: m.matrix_power(x, 5),
    "matrix_power_inverse": lambda m, x: m.matrix_power(x, -3),
    "matrix_power_zero": lambda m, x: m.matrix_power(x, 0),
    "matrix_rank": lambda m, x: m.matrix_rank(x),
    "cond": lambda m, x: m.cond(x),
    "cond_fro": lambda m, x: m.cond(x, "fro"),
    "cond_1": lambda m, x: m.cond(x, 1),
    "cond_-2": lambda m, x: m.cond(x, -2),
    "trace": lambda m, x: m.trace(x, offset=1),
    "diagonal": lambda m, x: m.diagonal(x, offset=-1),
    "matrix_transpose": lambda m, x: m.matrix_transpose(x),
    "matrix_norm": lambda m, x: m.matrix_norm(x),
    "vector_norm": lambda m, x: m.vector_norm(x, axis=(-1, -2), keepdims=True),
    "vector_norm_3": lambda m, x: m.vector_norm(x, axis=-1, ord=3),
}


@pytest.mark.parametrize("dtype", [np.float64, np.complex128])
@pytest.mark.parametrize("shape", [(3, 3), (2, 2, 2)])
@pytest.mark.parametrize("name", SQUARE)
def test_values_of_square_matrices(name: str, shape: tuple[int, ...], dtype: Any) -> None:
    x = draw(*shape, dtype=dtype)
    function = SQUARE[name]
    expected = function(np.linalg, x)
    both(function(la, x), expected, f"{name} of an ndarray")
    both(function(la, ad.tensor(x, requires_grad=True)), expected, f"{name} of a Tensor")


@pytest.mark.parametrize("dtype", [np.float64, np.complex128])
@pytest.mark.parametrize("shape", [(3, 3), (2, 2, 2), (0, 0)])
def test_values_of_hermitian_matrices(shape: tuple[int, ...], dtype: Any) -> None:
    x = draw(*shape, dtype=dtype)
    x = x + np.conj(np.swapaxes(x, -1, -2))
    for name in ("cholesky", "eigh", "eigvalsh"):
        expected = getattr(np.linalg, name)(x)
        both(getattr(la, name)(ad.tensor(x, requires_grad=True)), expected, name)
    both(la.cholesky(x, upper=True), np.linalg.cholesky(x, upper=True), "upper")


def test_one_triangle_of_another_matrix() -> None:
    x = draw(3, 3)
    for side in ("L", "U"):
        both(la.eigh(ad.tensor(x), side), np.linalg.eigh(x, side), side)
        check_function(lambda z, side=side: la.eigvalsh(z, side), x, what=side)


@pytest.mark.parametrize("shape", [(4, 2), (2, 4), (2, 3, 2), (3, 0)])
@pytest.mark.parametrize("dtype", [np.float64, np.complex128])
def test_values_of_tall_and_wide_matrices(shape: tuple[int, ...], dtype: Any) -> None:
    x = draw(*shape, dtype=dtype)
    leaf = ad.tensor(x, requires_grad=True)
    both(la.svd(leaf, full_matrices=False), np.linalg.svd(x, full_matrices=False), "svd")
    both(la.svd(ad.tensor(x)), np.linalg.svd(x), "full svd")
    both(la.svdvals(leaf), np.linalg.svdvals(x), "svdvals")
    both(la.svd(leaf, compute_uv=False), np.linalg.svdvals(x), "svd without vectors")
    both(la.pinv(leaf), np.linalg.pinv(x), "pinv")
    both(la.matrix_rank(leaf), np.linalg.matrix_rank(x), "rank")
    for mode in ("reduced", "r"):
        both(la.qr(leaf, mode), np.linalg.qr(x, mode), mode)
    both(la.qr(ad.tensor(x), "complete"), np.linalg.qr(x, "complete"), "complete")


NORMS = (None, 1, -1, 2, -2, np.inf, -np.inf)


@pytest.mark.parametrize("dtype", [np.float64, np.complex128])
@pytest.mark.parametrize("ord", [*NORMS, "fro", "nuc"])
def test_norms_of_matrices(ord: Any, dtype: Any) -> None:
    x = draw(2, 3, 4, seed=7, dtype=dtype)
    for axis in ((0, 1), (2, 0), (-1, -2)):
        for keepdims in (False, True):
            got = ad.norm(ad.tensor(x), ord, axis, keepdims)
            both(got, np.linalg.norm(x, ord, axis, keepdims), f"norm {ord} {axis}")
    check_function(lambda z: ad.norm(z, ord, (2, 0)), x, what=f"norm {ord}")


@pytest.mark.parametrize("dtype", [np.float64, np.complex128])
@pytest.mark.parametrize("ord", [*NORMS, 0, 3, 0.5, -3])
def test_norms_of_vectors(ord: Any, dtype: Any) -> None:
    x = draw(2, 3, dtype=dtype)
    both(ad.norm(ad.tensor(x), ord, -1), np.linalg.norm(x, ord, -1), f"norm {ord}")
    check_function(lambda z: ad.norm(z, ord, -1), x, what=f"norm {ord}")


DERIVED: dict[str, Any] = {
    "solve_vector": (lambda a, b: la.solve(a, b), (3, 3), (3,)),
    "solve_batch": (lambda a, b: la.solve(a, b), (2, 1, 2, 2), (3, 2, 1)),
    "solve_triangular": (lambda a, b: la.solve_triangular(a, b, lower=True), (3, 3), (3, 2)),
    "solve_unit": (lambda a, b: la.solve_triangular(a, b, unit_diagonal=True), (3, 3), (3,)),
    "solve_transposed": (lambda a, b: la.solve_triangular(a, b, trans=True), (3, 3), (3, 2)),
    "lstsq": (lambda a, b: la.lstsq(a, b)[:2], (4, 2), (4, 2)),
    "lstsq_wide": (lambda a, b: la.lstsq(a, b)[0], (2, 4), (2,)),
    "tensorsolve": (lambda a, b: la.tensorsolve(a, b), (2, 2, 4), (2, 2)),
    "tensorinv": (lambda a: la.tensorinv(a), (2, 2, 4)),
    "kron": (lambda a, b: la.kron(a, b), (2, 2), (1, 3)),
    "cross": (lambda a, b: la.cross(a, b), (2, 3), (2, 3)),
    "outer": (lambda a, b: la.outer(a, b), (2,), (3,)),
    "vecdot": (lambda a, b: la.vecdot(a, b), (2, 3), (2, 3)),
    "tensordot": (lambda a, b: la.tensordot(a, b, axes=1), (2, 3), (3, 2)),
    "multi_dot": (lambda a, b, c: la.multi_dot([a, b, c]), (3,), (3, 4), (4, 2)),
    "block_diag": (lambda a, b: la.block_diag(a, b), (2, 3), (1, 1)),
    "trace": (lambda a: la.trace(a, offset=1), (2, 3, 3)),
    "power": (lambda a: la.matrix_power(a, 3), (2, 2)),
    "power_inverse": (lambda a: la.matrix_power(a, -2), (2, 2)),
    "power_zero": (lambda a: la.matrix_power(a, 0), (2, 2)),
    "expm": (lambda a: la.expm(0.2 * a), (2, 3, 3)),
    "expm_large": (lambda a: la.expm(a - 6 * np.eye(2)), (2, 2)),
    "cond": (lambda a: la.cond(a), (3, 2)),
    "cond_1": (lambda a: la.cond(a, 1), (3, 3)),
    "pinv_wide": (lambda a: la.pinv(a), (2, 3)),
    "qr_wide": (lambda a: la.qr(a), (2, 4)),
    "qr_square_complete": (lambda a: la.qr(a, "complete"), (3, 3)),
    "cholesky_upper": (lambda a: la.cholesky(a, upper=True), (3, 3)),
    "slogdet": (lambda a: la.slogdet(a), (2, 3, 3)),
    "eigvals": (lambda a: la.eigvals(a), (3, 3)),
    "svdvals": (lambda a: la.svdvals(a), (2, 2, 3)),
    "eigvalsh": (lambda a: la.eigvalsh(a), (3, 3)),
}


@pytest.mark.parametrize("dtype", [np.float64, np.complex128])
@pytest.mark.parametrize("name", DERIVED)
def test_derivatives(name: str, dtype: Any) -> None:
    function, *shapes = DERIVED[name]
    arrays = [draw(*shape, seed=k, dtype=dtype) for k, shape in enumerate(shapes)]
    if name.startswith("tensor") and name != "tensordot":
        arrays[0] = draw(4, 4, dtype=dtype).reshape(2, 2, 4)
    check_function(function, *arrays, what=name)


def test_functions_of_scipy() -> None:
    from scipy import linalg

    a, b, q = draw(3, 3), draw(2, 2, seed=1), draw(3, 2, seed=2)
    both(la.solve_sylvester(ad.tensor(a), b, q), linalg.solve_sylvester(a, b, q), "sylvester")
    both(la.sqrtm(ad.tensor(a)), linalg.sqrtm(a), "sqrtm")
    both(la.expm(a), linalg.expm(a), "expm", "derivative")
    both(la.block_diag(a, q), linalg.block_diag(a, q), "block_diag")
    both(
        la.solve_banded((1, 2), draw(4, 4), a[0, 0] * draw(4)),
        linalg.solve_banded((1, 2), draw(4, 4), a[0, 0] * draw(4)),
        "banded",
    )
    for lower in (False, True):
        for trans in (False, True):
            expected = linalg.solve_triangular(a, q, lower=lower, trans=int(trans))
            both(la.solve_triangular(a, q, lower=lower, trans=trans), expected, "triangular")


@pytest.mark.parametrize("dtype", [np.float64, np.complex128])
def test_derivatives_of_functions_of_scipy(dtype: Any) -> None:
    a, b, q = draw(2, 2, dtype=dtype), draw(2, 2, seed=1, dtype=dtype), draw(2, 2, seed=2)
    check_function(la.solve_sylvester, a, b, q, what="sylvester")
    check_function(la.sqrtm, a, what="sqrtm")
    check_function(
        lambda d, r: la.solve_banded((1, 1), d, r), draw(3, 3, dtype=dtype), draw(3), what="banded"
    )


# ---- determinants of singular matrices


@pytest.mark.parametrize("rank", [0, 1, 2])
@pytest.mark.parametrize("dtype", [np.float64, np.complex128])
def test_determinants_of_singular_matrices(rank: int, dtype: Any) -> None:
    x = draw(3, 3, dtype=dtype)[:, :rank] @ draw(3, 3, seed=1, dtype=dtype)[:rank]
    check_function(lambda z: la.det(z), x, what=f"det of rank {rank}")
    stacked = np.stack([x, draw(3, 3, dtype=dtype), np.outer(x[0], x[1]), 0 * x])
    check_function(lambda z: la.det(z), stacked, what="singular ones in a batch")


@pytest.mark.parametrize("n", [1, 2, 4, 7])
def test_cofactors_of_matrices_of_all_ranks(n: int) -> None:
    rng = np.random.default_rng(n)
    sizes = [10.0 ** -rng.integers(0, 20, n) * (rng.random(n) < 0.8) for _ in range(20)]
    u, v = (np.linalg.qr(rng.normal(size=(20, n, n)))[0] for _ in range(2))
    x = (u * np.array(sizes)[:, None]) @ v
    expected = np.zeros_like(x)
    for i, j in np.ndindex(n, n):
        minors = np.delete(np.delete(x, i, axis=1), j, axis=2)
        expected[:, i, j] = (-1) ** (i + j) * np.linalg.det(minors)
    found = ad.grad(lambda z: la.det(z).sum())(x)
    top = np.linalg.norm(x, 2, axis=(-2, -1)) ** (n - 1)
    gap = np.abs(np.asarray(found) - expected).max(axis=(-2, -1))
    assert np.all(gap <= 1e-13 * top), gap / top


def test_cofactors_of_large_matrices() -> None:
    grid = np.linspace(0.0, 1.0, 30)
    kernel = 1e9 * np.exp(-((grid[:, None] - grid) ** 2) / 0.1) + np.eye(30)  # condition 1e10
    expected = np.linalg.det(kernel) * np.linalg.inv(kernel).T
    for x in (kernel, np.stack([kernel, np.ones((30, 30)), np.zeros((30, 30))])):
        found = np.asarray(ad.grad(lambda z: la.det(z).sum())(x)).reshape(-1, 30, 30)
        np.testing.assert_allclose(found[0], expected, rtol=0, atol=1e-6 * abs(expected).max())
        assert np.abs(found[1:]).max(initial=0.0) < 1e-100


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # of NumPy's determinant
def test_cofactors_of_matrices_that_are_not_finite() -> None:
    x = np.stack([np.diag([1.0, 2.0, 0.0])] * 3)
    x[0, 0, 1], x[1, 2, 2] = np.inf, np.nan
    leaf = ad.tensor(x, requires_grad=True)
    found = ad.gradients(la.det(leaf), leaf, cotangents=np.ones(3)).data
    assert np.isnan(found[:2]).all() and np.array_equal(found[2], np.diag([0.0, 0.0, 2.0]))


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # of NumPy's determinant
@pytest.mark.parametrize(
    ("scale", "dtype"), [(1e-16, "f"), (1e13, "f"), (1e-110, "d"), (1e103, "d")]
)
def test_cofactors_where_the_determinant_is_no_normal_number(scale: float, dtype: str) -> None:
    x = np.array([[1.0, 2.0, 0.0], [0.0, 1.0, 3.0], [2.0, 0.0, 1.0]])
    expected = np.array([[1.0, 6.0, -2.0], [-2.0, 1.0, 4.0], [6.0, -3.0, 1.0]])
    stacked = (np.stack([x, x @ np.diag([1.0, 1.0, 0.0])]) * scale).astype(dtype)
    leaf = ad.tensor(stacked, requires_grad=True)
    found = ad.gradients(la.det(leaf), leaf, cotangents=np.ones(2, dtype)).data / scale**2
    np.testing.assert_allclose(found[0], expected, rtol=1e-6 if dtype == "f" else 1e-13)
    assert np.abs(found[1, :, :2]).max() < 1e-6


# ---- errors


ONES = np.ones((2, 2))


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda x: la.solve(x, np.ones(2)), r"solve: the matrix is singular \(float64\[2, 2\] and"),
        (lambda x: la.inv(x), r"inv: the matrix is singular \(float64\[2, 2\]\)"),
        (lambda x: la.cholesky(x - 2), r"cholesky: the matrix is not positive definite"),
        (lambda x: la.matrix_power(x, -1), "inv: the matrix is singular"),
        (lambda x: la.inv(x[:1]), r"inv: expected square matrices .*float64\[1, 2\]"),
        (lambda x: la.det(x[0]), "det: expected matrices"),
        (lambda x: la.eigh(x[:1]), "eigh: expected square matrices"),
        (lambda x: la.eigh(x[:1], "L"), "eigh: expected square matrices"),
        (lambda x: la.qr(x[0]), "qr: expected matrices"),
        (lambda x: la.svd(x[0]), "svd: expected matrices"),
        (lambda x: la.expm(x[:1]), "expm: expected square matrices"),
        (lambda x: la.expm(x * np.inf), "is not finite"),
        (lambda x: la.cond(x[:0]), "no condition number"),
        (lambda x: la.tensorinv(x, 2), "no square matrix for ind=2"),
        (lambda x: la.tensorsolve(x, np.ones(3)), "no square system"),
        (lambda x: la.multi_dot([x, x[None], x]), "expected matrices, or vectors at the ends"),
    ],
)
def test_errors_of_matrices(call: Any, text: str) -> None:
    for error in (ad.LinAlgError, np.linalg.LinAlgError, ValueError):
        with pytest.raises(error, match=text):
            call(ad.tensor(ONES, requires_grad=True))


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda x: la.solve(x, np.ones(3)), ad.ShapeError, "2 equations, and b has 3 rows"),
        (lambda x: la.lstsq(x, np.ones(3)), ad.ShapeError, "lstsq: a has shape"),
        (lambda x: la.inv(x.astype("float16")), ad.DTypeError, "LAPACK has no float16"),
        (lambda x: la.matrix_power(x, 1.5), ad.DTypeError, "exponent is an integer, got 1.5"),
        (lambda x: la.tensorinv(x, 0), ad.DTypeError, "positive integer"),
        (lambda x: la.qr(x, "raw"), ValueError, "mode is 'reduced'"),
        (lambda x: la.eigh(x, "X"), ValueError, "UPLO is 'L', 'U' or None"),
        (lambda x: la.multi_dot([x]), ad.ShapeError, "at least two arrays"),
        (lambda x: la.block_diag(), ad.ShapeError, "at least one array"),
        (lambda x: la.outer(x, x), ad.ShapeError, "two vectors"),
        (lambda x: la.cross(x, x), ad.ShapeError, "3 components"),
        (
            lambda x: la.cross(ad.ones((3, 2)), x[0], axis=-2),
            ad.AxisError,
            "cross: axis -2 .* 1 axes",
        ),
        (lambda x: ad.norm(x, "half"), ad.ShapeError, "ord of a matrix is None, 'fro', 'nuc'"),
    ],
)
def test_other_errors(call: Any, error: Any, text: str) -> None:
    with pytest.raises(error, match=text):
        call(ad.tensor(np.eye(2), requires_grad=True))


# ---- batches, dtypes


@given(
    outer=st.lists(st.integers(0, 3), max_size=2),
    n=st.integers(0, 3),
    k=st.integers(0, 2),
    seed=st.integers(0, 99),
)
def test_solve_of_any_shape(outer: list[int], n: int, k: int, seed: int) -> None:
    a, b = draw(*outer, n, n, seed=seed), draw(n, k, seed=seed)
    y = la.solve(ad.tensor(a, requires_grad=True), b)
    both(y, np.linalg.solve(a, b), "solve")
    check_function(la.solve, a, b, what="solve", order=1)


def test_batches_are_loops() -> None:
    x = draw(3, 2, 2)
    for name in ("inv", "det", "pinv", "cholesky", "eigvalsh", "svdvals", "expm"):
        function = getattr(la, name)
        for got in (function(x), ad.vmap(function)(x)):
            assert_close(got, np.stack([function(m) for m in x]), "reference", name)
        slope = ad.grad(lambda z, f=function: ad.sum(f(z) ** 2))
        got = ad.vmap(slope)(x)
        assert_close(got, np.stack([slope(m) for m in x]), "derivative", f"gradient of {name}")


@pytest.mark.parametrize("name", ["inv", "cholesky", "eigvalsh", "svdvals", "det", "expm"])
def test_single_precision_stays_single(name: str) -> None:
    x = ad.tensor(draw(2, 2).astype(np.float32), requires_grad=True)
    y = getattr(la, name)(x)
    assert y.dtype == np.float32 and ad.gradients(ad.sum(y), x).dtype == np.float32
    assert getattr(la, name)(ad.tensor([[2, 1], [1, 3]])).dtype == np.float64


def test_forward_mode_agrees() -> None:
    x, u = draw(3, 3), draw(3, 3, seed=4)
    for function in (la.inv, la.det, la.expm, la.eigvalsh, la.svdvals, la.cholesky, la.pinv):
        y, t = ad.jvp(function, (x,), (u,))
        v = np.ones(np.shape(y))
        leaf = ad.tensor(x, requires_grad=True)
        g = ad.gradients(function(leaf), leaf, cotangents=v)
        assert_close(np.sum(t * v), np.sum(g.data * u), "derivative", function.__name__)


def test_lstsq_below_zero_stands_for_the_precision() -> None:
    a = np.ones((3, 2))
    got, expected = la.lstsq(a, np.ones(3), rcond=-1), np.linalg.lstsq(a, np.ones(3), rcond=-1)
    assert_close(got[0], expected[0], "reference", "lstsq")
    assert int(got[2]) == int(expected[2]) == 1
