"""Sparse systems: values against SciPy, derivatives, the factorizations that are made, errors."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import autodiff as ad
from tests.function_checks import check_function
from tests.tolerances import assert_close

sparse = pytest.importorskip("scipy.sparse", reason="the kernel is SciPy's")
linalg = pytest.importorskip("scipy.sparse.linalg", reason="the kernel is SciPy's")
spsolve = ad.linalg.spsolve


def draw(n: int, seed: int = 0, dtype: Any = float) -> Any:
    """A random sparse matrix whose diagonal is the largest of each row."""
    rng = np.random.default_rng(seed)
    full = rng.uniform(-1, 1, (n, n)) * (rng.random((n, n)) < 0.3)
    if np.dtype(dtype).kind == "c":
        full = full * np.exp(1j * rng.uniform(-3, 3, (n, n)))
    return sparse.csr_array((full + (n + 1) * np.eye(n)).astype(dtype))


def parts(matrix: Any) -> tuple[Any, Any, Any]:
    return matrix.data, matrix.indices, matrix.indptr


def right(*shape: int, seed: int = 1, dtype: Any = float) -> Any:
    rng = np.random.default_rng(seed)
    b = rng.normal(size=shape)
    return (b + 1j * rng.normal(size=shape) if np.dtype(dtype).kind == "c" else b).astype(dtype)


@pytest.mark.parametrize("of", ["f", "d", "F", "D"])
@pytest.mark.parametrize("to", ["f", "d", "F", "D"])
@pytest.mark.parametrize("shape", [(6,), (6, 3), (6, 0)])
def test_values(shape: tuple[int, ...], to: str, of: str) -> None:
    matrix, b = draw(6, dtype=of), right(*shape, dtype=to)
    expected = np.linalg.solve(matrix.toarray(), b)
    for form in (matrix, matrix.tocsc(), sparse.coo_matrix(matrix), parts(matrix)):
        for operand in (b, ad.tensor(b, requires_grad=True)):
            y = np.asarray(ad.stop_gradient(spsolve(form, operand)))
            assert y.dtype == expected.dtype == np.result_type(of, to)
            assert_close(y, expected, "reference", f"{of} {to} {shape}")


@given(st.integers(1, 9), st.integers(0, 99), st.booleans(), st.booleans())
def test_derivatives(n: int, seed: int, vector: bool, imaginary: bool) -> None:
    dtype = complex if imaginary else float
    data, indices, indptr = parts(draw(n, seed, dtype))
    b = right(*((n,) if vector else (n, 2)), seed=seed, dtype=dtype)
    check_function(lambda d, b: spsolve((d, indices, indptr), b), data, b, what="spsolve")


@pytest.mark.parametrize("of", [float, complex])
def test_gradients_are_those_of_full_matrices(of: Any) -> None:
    matrix, b = draw(7, dtype=of), right(7, dtype=complex)
    data = ad.tensor(matrix.data, requires_grad=True)
    full, b = ad.tensor(matrix.toarray(), requires_grad=True), ad.tensor(b, requires_grad=True)
    of_sparse = ad.gradients(ad.abs(spsolve((data, *parts(matrix)[1:]), b)).sum(), (data, b))
    of_full = ad.gradients(ad.abs(ad.linalg.solve(full, b)).sum(), (full, b))
    assert of_sparse[0].dtype == matrix.dtype
    assert_close(of_sparse[0].data, of_full[0].data[matrix.nonzero()], "derivative", "data")
    assert_close(of_sparse[1].data, of_full[1].data, "derivative", "b")


def test_custom_vjp_says_the_same() -> None:
    """A user's own rule: SciPy's factors serve the solution and the transposed system."""
    matrix = draw(8)
    rows, columns = matrix.nonzero()

    @ad.custom_vjp
    def solve(data: Any, b: Any) -> Any:
        return linalg.splu(sparse.csc_array((data, (rows, columns)))).solve(b)

    @solve.defvjp
    def rule(g: Any, y: Any, data: Any, b: Any) -> Any:
        s = linalg.splu(sparse.csc_array((data, (rows, columns)))).solve(g, "T")
        return -s[rows] * y[columns], s

    b, form = right(8), parts(matrix)[1:]
    for i in (0, 1):
        own = ad.grad(lambda d, b: (solve(d, b) ** 3).sum(), i)(matrix.data, b)
        ours = ad.grad(lambda d, b: (spsolve((d, *form), b) ** 3).sum(), i)(matrix.data, b)
        assert_close(own, ours, "derivative", f"argument {i}")


@pytest.fixture
def factorizations(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """A list that grows by one with each factorization."""
    made: list[Any] = []
    real = linalg.splu

    def counted(matrix: Any) -> Any:
        made.append(matrix.shape)
        return real(matrix)

    monkeypatch.setattr(linalg, "splu", counted)
    return made


def test_one_factorization_serves_all(factorizations: list[Any]) -> None:
    data, *form = parts(draw(6))
    b = right(6)
    ad.hessian(lambda d: (spsolve((d, *form), b) ** 2).sum())(data)
    assert len(factorizations) == 1
    ad.vmap(lambda c: spsolve((data, *form), c))(right(5, 6))
    assert len(factorizations) == 2
    per_example = ad.vmap(ad.grad(lambda d: spsolve((d, *form), b).sum()))
    rows = np.stack([data, 2 * data, 3 * data])
    got = per_example(rows)
    assert len(factorizations) == 5
    one = ad.grad(lambda d: spsolve((d, *form), b).sum())
    assert_close(got, np.stack([one(d) for d in rows]), "derivative", "vmap of grad")


def test_factors_are_those_of_the_entries() -> None:
    """The array that was factored may be written to afterwards."""
    data, *form = parts(draw(4))
    b, matrix = right(4), draw(4).toarray()
    y, pull = ad.vjp(lambda c: spsolve((data, *form), c), b)
    data[:] = 2 * data
    assert_close(np.asarray(spsolve((data, *form), b)), np.asarray(y) / 2, "reference", "twice")
    (pulled,) = pull(b)
    assert_close(np.asarray(pulled), np.linalg.solve(matrix.T, b), "derivative", "as recorded")


def test_what_is_not_finite_stays_visible() -> None:
    data, *form = parts(draw(3))
    data[0] = np.nan
    assert np.isnan(spsolve((data, *form), right(3))).all()


ERRORS: list[tuple[Any, Any, type[Exception], str]] = [
    (sparse.csr_array((2, 3)), np.ones(2), ad.LinAlgError, "square matrix, got shape (2, 3)"),
    (sparse.csr_array((2, 2)), np.ones(2), ad.LinAlgError, "singular (float64, 2×2, 0 entries)"),
    (sparse.eye_array(3), np.ones(2), ad.ShapeError, "3 equations, and b has 2 rows"),
    (sparse.eye_array(3), np.ones((1, 3, 2)), ad.ShapeError, "shape (n,) or (n, k), got float64[1"),
    (np.eye(2), np.ones(2), ad.DTypeError, "got ndarray; ad.linalg.solve takes full"),
    ((np.ones(2), [0, 1]), np.ones(2), ad.ShapeError, "(data, indices, indptr), got 2 parts"),
    ((np.ones(3), [0, 1], [0, 1, 2]), np.ones(2), ad.ShapeError, "2 entries, data has 3"),
    ((np.ones(2), [0, 2], [0, 1, 2]), np.ones(2), ad.LinAlgError, "2 rows, and indices go from 0"),
    ((np.ones(2), [0, 1], [0, 2, 1]), np.ones(2), ad.ShapeError, "indptr counts"),
    ((np.ones(2), [0.0, 1.0], [0, 1, 2]), np.ones(2), ad.DTypeError, "indices is a vector of"),
]


@pytest.mark.parametrize(("matrix", "b", "error", "text"), ERRORS)
def test_errors(matrix: Any, b: Any, error: type[Exception], text: str) -> None:
    with pytest.raises(error) as raised:
        spsolve(matrix, b)
    assert text in str(raised.value)


@pytest.mark.usefixtures("no_scipy")
def test_a_missing_scipy_is_said_in_one_sentence() -> None:
    with pytest.raises(ImportError, match=r"spsolve computes with SciPy.*pip install scipy"):
        spsolve((np.ones(1), [0], [0, 1]), np.ones(1))
