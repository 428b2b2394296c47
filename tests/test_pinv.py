"""Pseudo-inverses: gradients for every rank and every cut, also of values that are not zero."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import autodiff as ad
from autodiff.checking.report import Report
from autodiff.ops.linalg_pinv import stein
from autodiff.registry import PRIMITIVES
from tests.function_checks import check_function
from tests.tolerances import assert_close, tolerance

la = ad.linalg
FLOATS = [np.float64, np.complex128]


def normal(rng: Any, shape: tuple[int, ...], dtype: Any) -> Any:
    x = rng.standard_normal(shape)
    return (x + 1j * rng.standard_normal(shape) if np.dtype(dtype).kind == "c" else x).astype(dtype)


def matrices(s: Any, m: int, n: int, outer: tuple[int, ...] = (), dtype: Any = float) -> Any:
    """Matrices with these singular values and random vectors."""
    rng, k = np.random.default_rng(len(s) + 7 * m + n), min(m, n)
    u = np.linalg.qr(normal(rng, (*outer, m, k), dtype))[0]
    v = np.linalg.qr(normal(rng, (*outer, n, k), dtype))[0]
    return (u * np.asarray(s)) @ v.conj().swapaxes(-1, -2)


def assert_correct(report: Report) -> None:
    assert report.verdict == "correct", str(report)


# Singular values, and a tolerance: full rank; a cut that drops values that are not zero, alone, in
# a pair that coincides, beside zeros, close to the kept ones; zeros; nothing kept.
CUTS = {
    "full": ([3.0, 2.0, 1.0], 1e-10),
    "one": ([3.0, 2.0, 1.0], 0.5),
    "two": ([3.0, 1.0, 0.5], 0.5),
    "coinciding": ([3.0, 3.0, 1.0], 0.5),
    "coinciding dropped": ([3.0, 1.0, 1.0], 0.5),
    "beside a zero": ([3.0, 1.0, 0.0], 0.5),
    "close": ([3.0, 1.7, 1.3], 0.5),
    "zero": ([3.0, 2.0, 0.0], 0.2),
    "zeros": ([3.0, 0.0, 0.0], 0.2),
    "none kept": ([3.0, 2.0, 1.0], 1.5),
}
SHAPES = [(3, 3), (5, 3), (3, 4)]


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("name", CUTS)
def test_derivatives(name: str, shape: tuple[int, int], dtype: Any) -> None:
    s, rtol = CUTS[name]
    check_function(lambda x: la.pinv(x, rtol=rtol), matrices(s, *shape, (), dtype), what=name)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("order", [1, 2])
def test_gradcheck(order: int, shape: tuple[int, int]) -> None:
    for name in ("one", "beside a zero", "zero"):
        s, rtol = CUTS[name]
        f = lambda x, rtol=rtol: la.pinv(x, rtol=rtol)
        assert_correct(ad.gradcheck(f, matrices(s, *shape), order=order))


@pytest.mark.parametrize("dtype", FLOATS)
def test_the_third_order_of_a_zero_that_is_dropped(dtype: Any) -> None:
    """What is dropped moves too: it shows from the second derivative on."""
    x = matrices([3.0, 2.0, 0.0], 4, 3, (), dtype)
    w = normal(np.random.default_rng(3), (4, 3), dtype)

    def pulled(z: Any) -> Any:
        y = la.pinv(z, rtol=0.2)
        g = ad.gradients(ad.real(ad.sum(y * y)), z, create_graph=True)
        return g

    def second(z: Any) -> Any:
        z = z if isinstance(z, ad.Tensor) and z.requires_grad else ad.tensor(z, requires_grad=True)
        return ad.gradients(ad.real(ad.sum(ad.conj(pulled(z)) * w)), z, create_graph=True)

    check_function(second, x, what="third order", order=1)


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("name", CUTS)
def test_forward_mode(name: str, shape: tuple[int, int], dtype: Any) -> None:
    s, rtol = CUTS[name]
    x = matrices(s, *shape, (), dtype)
    rng = np.random.default_rng(4)
    u, v = normal(rng, shape, dtype), normal(rng, shape[::-1], dtype)
    y, t = ad.jvp(lambda z: la.pinv(z, rtol=rtol), (x,), (u,))
    assert_close(y, np.linalg.pinv(x, rtol), "reference", name)
    leaf = ad.tensor(x, requires_grad=True)
    g = ad.gradients(la.pinv(leaf, rtol=rtol), leaf, cotangents=v)
    expected = np.sum(np.real(np.conj(g.data) * u))
    assert_close(np.sum(np.real(np.conj(v) * t)), expected, "derivative", name)


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("shape", SHAPES)
def test_values_of_one_rank_with_the_default_tolerance(shape: tuple[int, int], dtype: Any) -> None:
    """Along directions that keep the rank, zeros to rounding do not come into it."""
    m, n = shape
    rng = np.random.default_rng(5)
    left, right = normal(rng, (m, 2), dtype), normal(rng, (2, n), dtype)
    check_function(lambda a, b: la.pinv(a @ b, 1e-12), left, right, what="constant rank")


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("name", CUTS)
def test_second_derivatives_of_all_modes(name: str, shape: tuple[int, int]) -> None:
    """One symmetric Hessian; second differences of the values along a direction judge it."""
    s, rtol = CUTS[name]
    x, rng = matrices(s, *shape), np.random.default_rng(10)
    t, w = normal(rng, shape, float), normal(rng, shape[::-1], float)

    def f(z: Any) -> Any:
        return ad.sum(w * la.pinv(z, rtol=rtol) ** 2)

    def along(z: Any) -> Any:
        return ad.jvp(f, (z,), (t,))[1]

    h = np.reshape(ad.hessian(f)(x), (x.size, x.size))
    assert_close(h, h.T, "derivative", "symmetry")
    product = np.reshape(h @ t.ravel(), shape)
    assert_close(ad.jvp(ad.grad(f), (x,), (t,))[1], product, "derivative", "forward over reverse")
    assert_close(ad.grad(along)(x), product, "derivative", "reverse over forward")
    assert_close(ad.jvp(along, (x,), (t,))[1], np.sum(product * t), "derivative", "forward twice")
    step = 1e-3
    values = [float(f(x + k * step * t)) for k in (-2, -1, 0, 1, 2)]
    slope = np.dot([-1, 16, -30, 16, -1], values) / (12 * step**2)
    assert abs(slope - np.sum(product * t)) < 1e-7 * max(abs(slope), 1)


@given(
    outer=st.lists(st.integers(1, 2), max_size=2).map(tuple),
    m=st.integers(1, 5),
    n=st.integers(1, 5),
    complex_=st.booleans(),
    data=st.data(),
)
def test_any_cut_of_any_shape(
    outer: tuple[int, ...], m: int, n: int, complex_: bool, data: Any
) -> None:
    """Both modes against the formula that takes the singular vectors."""
    k, dtype = min(m, n), complex if complex_ else float
    count = data.draw(st.integers(0, k), "kept")
    zeros = data.draw(st.integers(0, k - count), "zeros")
    s = np.concatenate([np.arange(count, 0, -1) + 1.0, 1 - 0.1 * np.arange(k - count)])
    s[k - zeros :] = 0.0
    x = matrices(s, m, n, outer, dtype)
    rtol = 1.5 / s[0] if count else 2.0
    rng = np.random.default_rng(k)
    t, v = normal(rng, x.shape, dtype), normal(rng, (*outer, n, m), dtype)
    expected = pushed_by_vectors(t, x, count)
    got = ad.jvp(lambda z: la.pinv(z, rtol=rtol), (x,), (t,))[1]
    assert_close(got, expected, "numeric", "tangent")
    leaf = ad.tensor(x, requires_grad=True)
    g = ad.gradients(la.pinv(leaf, rtol=rtol), leaf, cotangents=v).data
    want = np.sum(np.real(np.conj(v) * expected))
    assert abs(np.sum(np.real(np.conj(g) * t)) - want) <= tolerance(x.dtype, "numeric") * 100


def pushed_by_vectors(t: Any, x: Any, count: int) -> Any:
    """Divided differences of f(s) = 1/s (kept), 0 (dropped), as an odd function of x."""
    m, n = x.shape[-2:]
    u, s, vh = np.linalg.svd(x)
    v = vh.conj().swapaxes(-1, -2)
    left = np.zeros((*x.shape[:-2], m))
    right = np.zeros((*x.shape[:-2], n))
    left[..., : min(m, n)] = right[..., : min(m, n)] = s
    kept_left, kept_right = np.arange(m) < count, np.arange(n) < count
    e = u.conj().swapaxes(-1, -2) @ t @ v
    moved = np.zeros(e.shape, e.dtype)
    for i in range(m):
        for j in range(n):
            a, b = left[..., i], right[..., j]
            turned = e[..., j, i].conj() if j < m and i < n else np.zeros(a.shape)
            if kept_left[i] and kept_right[j]:
                moved[..., i, j] = -turned / (a * b)
            elif kept_left[i]:
                moved[..., i, j] = (a * e[..., i, j] + b * turned) / (a * (a**2 - b**2))
            elif kept_right[j]:
                moved[..., i, j] = (b * e[..., i, j] + a * turned) / (b * (b**2 - a**2))
    return v @ moved.conj().swapaxes(-1, -2) @ u.conj().swapaxes(-1, -2)


# ---- batches


@pytest.mark.parametrize("dtype", FLOATS)
def test_a_tolerance_for_each_matrix(dtype: Any) -> None:
    x = matrices([3.0, 2.0, 1.0], 4, 3, (3,), dtype)
    limits = np.array([1e-10, 0.5, 0.9])
    check_function(lambda z: la.pinv(z, rtol=limits), x, what="tolerances")


@pytest.mark.parametrize("dtype", FLOATS)
def test_vmap_of_gradients(dtype: Any) -> None:
    x = np.concatenate(
        [
            matrices(CUTS[name][0], 4, 3, (1,), dtype)
            for name in ("one", "two", "beside a zero", "zero")
        ]
    )
    v = normal(np.random.default_rng(6), (3, 4), dtype)

    def slope(z: Any) -> Any:
        return ad.grad(lambda a: ad.real(ad.sum(v * la.pinv(a, rtol=0.5))))(z)

    each = [np.asarray(slope(z)) for z in x]
    assert_close(ad.vmap(slope)(x), np.stack(each), "derivative", "vmap of grad")


# ---- least squares


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("name", ["one", "two", "beside a zero", "zeros"])
def test_least_squares_with_a_cut(name: str, shape: tuple[int, int], dtype: Any) -> None:
    s, rcond = CUTS[name]
    a = matrices(s, *shape, (), dtype)
    b = normal(np.random.default_rng(8), (shape[0], 2), dtype)
    check_function(lambda c, d: la.lstsq(c, d, rcond)[0], a, b, what=f"lstsq {name}")
    y, _, rank, _ = la.lstsq(ad.tensor(a), b, rcond)
    expected = np.linalg.lstsq(a, b, rcond)
    assert_close(y.data, expected[0], "reference", name)
    assert int(rank) == expected[2]


def test_least_squares_with_a_cut_by_gradcheck() -> None:
    a, b = matrices([3.0, 2.0, 1.0], 5, 3), np.arange(5.0)
    for order in (1, 2):
        report = ad.gradcheck(lambda c, d: la.lstsq(c, d, 0.5)[0], a, b, order=order)
        assert_correct(report)


# ---- precision, cost, errors


@pytest.mark.parametrize("kept", [1e-3, 1e-6, 1e-9])
def test_small_values_that_are_kept(kept: float) -> None:
    """The dropped part comes from singular vectors: x - x y x would be noise of this size."""
    x = matrices([1.0, kept, kept * 0.3], 4, 3)
    t = normal(np.random.default_rng(9), (4, 3), float) * kept
    got = ad.jvp(lambda z: la.pinv(z, rtol=kept * 0.6), (x,), (t,))[1]
    expected = pushed_by_vectors(t, x, 2)
    limit = 1e3 * np.finfo(float).eps / kept * np.abs(expected).max()
    assert np.abs(got - expected).max() < limit


@pytest.mark.parametrize("dtype", [np.float32, np.complex64])
def test_single_precision(dtype: Any) -> None:
    x = matrices([3.0, 2.0, 1.0], 4, 3, (), np.result_type(dtype, np.float64))
    v = normal(np.random.default_rng(2), (3, 4), dtype)
    found = []
    for operand in (x.astype(dtype), x):
        leaf = ad.tensor(operand, requires_grad=True)
        found.append(ad.gradients(la.pinv(leaf, rtol=0.5), leaf, cotangents=v).data)
        assert found[-1].dtype == operand.dtype
    assert_close(found[0], found[1].astype(dtype), "derivative", "precision")


@pytest.mark.parametrize("shape", [(3, 3), (5, 2), (2, 5)])
def test_full_rank_needs_no_decomposition(
    shape: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    leaf = ad.tensor(matrices([3.0, 1.0, 0.5][: min(shape)], *shape), requires_grad=True)
    y = la.pinv(leaf)

    def refused(*args: Any, **options: Any) -> Any:
        raise AssertionError("a decomposition in the rule")

    for name in ("svd", "eigh"):
        monkeypatch.setattr(np.linalg, name, refused)
    assert ad.gradients(y.sum(), leaf).shape == shape


def test_a_cut_between_values_that_coincide_has_no_gradient() -> None:
    x = np.diag([2.0, 1.0 + 4e-16, 1.0])
    leaf = ad.tensor(x, requires_grad=True)
    rtol = float(np.nextafter(0.5, 1.0))  # its product with 2 lies between the two values
    y = la.pinv(leaf, rtol=rtol)
    assert np.count_nonzero(y.data) == 2
    with pytest.raises(ad.GradientError, match="rtol cuts between singular values that coincide"):
        ad.gradients(y.sum(), leaf)
    with pytest.raises(ad.GradientError, match="rtol cuts between singular values that coincide"):
        ad.jvp(lambda z: la.pinv(z, rtol=rtol), (x,), (x,))


@pytest.mark.parametrize("gap", [1e-3, 1e-6, 1e-9, 1e-12])
def test_the_gradient_next_to_a_jump(gap: float) -> None:
    """It grows as the inverse of the gap between the values kept and dropped, with its noise."""
    x = matrices([2.0, 1.0 + gap, 1.0], 4, 3)
    t = normal(np.random.default_rng(1), (4, 3), float)
    rtol = float((1 + gap / 2) / 2)
    got = ad.jvp(lambda z: la.pinv(z, rtol=rtol), (x,), (t,))[1]
    expected = pushed_by_vectors(t, x, 2)
    limit = 1e2 * np.finfo(float).eps / gap * np.abs(expected).max()
    assert np.abs(got - expected).max() < max(limit, tolerance(float, "derivative"))


@pytest.mark.parametrize("scale", [1e-100, 1e100])
def test_scale(scale: float) -> None:
    """No powers of large or small numbers: the gradient is that of scale 1 over its square."""
    x, v = matrices([3.0, 2.0, 1.0], 4, 3), np.ones((3, 4))
    found = []
    for factor in (1.0, scale):
        leaf = ad.tensor(x * factor, requires_grad=True)
        y = la.pinv(leaf, rtol=0.5)
        found.append(ad.gradients(y, leaf, cotangents=v * factor).data * factor)
    assert_close(found[1], found[0], "reference", "scale")


def test_the_kernel_of_stein_has_the_derivative_of_its_rule() -> None:
    """A series that is cut where its terms are small is cut where their derivatives are not."""
    a = np.full((2, 2), 0.29786777)
    b, c = np.array([[-0.01667419]]), np.array([[1.1], [-0.9]])
    h = 1e-30 * np.array([[1.0, 0.0], [0.0, 0.0]])
    step = PRIMITIVES["stein"].kernel(a + 1j * h, b, c).imag / 1e-30
    x = ad.tensor(a, requires_grad=True)
    rule = ad.jvp(lambda x: stein(x, b, c), (x,), (h / 1e-30,))[1]
    np.testing.assert_allclose(step, rule.numpy(), rtol=1e-14)
