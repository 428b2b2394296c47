"""Fourier transforms: values of every function against NumPy, gradients of every order."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import autodiff as ad
from tests.function_checks import check_function
from tests.tolerances import assert_close

ONE = ("fft", "ifft", "rfft", "irfft", "hfft", "ihfft")
MANY = ("fft2", "ifft2", "rfft2", "irfft2", "fftn", "ifftn", "rfftn", "irfftn")
REAL_ONLY = {"rfft", "ihfft", "rfft2", "rfftn"}
NORMS = (None, "backward", "ortho", "forward")


def draw(shape: tuple[int, ...], complex_: bool, seed: int = 0) -> Any:
    rng = np.random.default_rng(seed)
    x = rng.standard_normal(shape)
    return x + 1j * rng.standard_normal(shape) if complex_ else x


def both(name: str, x: Any, **options: Any) -> None:
    """The value on an ndarray and on a Tensor is NumPy's, dtype included."""
    expected = getattr(np.fft, name)(x, **options)
    function = getattr(ad.fft, name)
    for given_ in (x, ad.tensor(x)):
        got = function(given_, **options)
        assert got.dtype == expected.dtype, name
        assert_close(got, expected, "reference", name)


@given(
    name=st.sampled_from(ONE),
    shape=st.lists(st.integers(1, 6), min_size=1, max_size=3),
    n=st.none() | st.integers(1, 9),
    norm=st.sampled_from(NORMS),
    data=st.data(),
)
def test_one_axis(name: str, shape: list[int], n: Any, norm: Any, data: Any) -> None:
    axis = data.draw(st.integers(-len(shape), len(shape) - 1))
    if n is None and name in ("irfft", "hfft") and shape[axis] == 1:
        n = 1  # else the length would be 2 (1 - 1) = 0
    complex_ = name not in REAL_ONLY and data.draw(st.booleans())
    x = draw(tuple(shape), complex_)
    both(name, x, n=n, axis=axis, norm=norm)
    check_function(
        lambda z: getattr(ad.fft, name)(z, n=n, axis=axis, norm=norm), x, what=name, order=1
    )


@given(name=st.sampled_from(MANY), norm=st.sampled_from(NORMS), data=st.data())
def test_several_axes(name: str, norm: Any, data: Any) -> None:
    shape = tuple(data.draw(st.lists(st.integers(2, 4), min_size=2, max_size=3)))
    axes = tuple(data.draw(st.permutations(range(len(shape)))))[:2]
    s = data.draw(st.none() | st.tuples(st.integers(1, 5), st.integers(1, 5)))
    complex_ = name not in REAL_ONLY and data.draw(st.booleans())
    x = draw(shape, complex_)
    both(name, x, s=s, axes=axes, norm=norm)
    both(name, x, norm=norm)
    check_function(
        lambda z: getattr(ad.fft, name)(z, s=s, axes=axes, norm=norm), x, what=name, order=1
    )


@pytest.mark.parametrize("name", ONE + MANY)
def test_second_order(name: str) -> None:
    x = draw((3, 4), name not in REAL_ONLY)
    check_function(lambda z: ad.abs(getattr(ad.fft, name)(z)) ** 3, x, what=name)


@pytest.mark.parametrize("dtype", [np.float32, np.complex64, np.int32, np.bool_])
@pytest.mark.parametrize("name", ["fft", "irfft", "fftn"])
def test_dtypes(name: str, dtype: Any) -> None:
    x = draw((2, 4), False).astype(dtype)
    expected = getattr(np.fft, name)(x)
    assert getattr(ad.fft, name)(ad.tensor(x)).dtype == expected.dtype


def test_single_precision_gradients_stay_single() -> None:
    x = ad.tensor(draw((5,), False).astype(np.float32), requires_grad=True)
    y = ad.fft.rfft(x)
    assert y.dtype == np.complex64
    assert ad.gradients(ad.sum(ad.abs(y)), x).dtype == np.float32


@given(shape=st.lists(st.integers(0, 5), min_size=1, max_size=3), data=st.data())
def test_shifts(shape: list[int], data: Any) -> None:
    x = draw(tuple(shape), False)
    axes = data.draw(st.none() | st.integers(-len(shape), len(shape) - 1))
    for name in ("fftshift", "ifftshift"):
        got = getattr(ad.fft, name)(ad.tensor(x), axes)
        assert got.data.tolist() == getattr(np.fft, name)(x, axes).tolist()
    check_function(lambda z: ad.fft.fftshift(z, axes), x, what="shift", order=1)
    back = ad.fft.ifftshift(ad.fft.fftshift(ad.tensor(x), axes), axes)
    assert back.data.tolist() == x.tolist()


@pytest.mark.parametrize("n", [1, 2, 5, 8])
def test_frequencies(n: int) -> None:
    assert ad.fft.fftfreq(n, 0.5).data.tolist() == np.fft.fftfreq(n, 0.5).tolist()
    assert ad.fft.rfftfreq(n, 0.5).data.tolist() == np.fft.rfftfreq(n, 0.5).tolist()


def test_parseval() -> None:
    x = ad.tensor(draw((7,), False), requires_grad=True)
    energy = ad.sum(ad.abs(ad.fft.fft(x, norm="ortho")) ** 2)
    assert_close(ad.gradients(energy, x), 2 * x.data, "reference", "gradient of the energy")


def test_what_the_half_spectrum_ignores_has_no_gradient() -> None:
    x = ad.tensor(draw((4,), True), requires_grad=True)
    g = ad.gradients(ad.sum(ad.fft.irfft(x) ** 2), x).data
    assert g.imag[0] == 0 and abs(g.imag[-1]) < 1e-15 and (g.imag[1:-1] != 0).all()


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda x: ad.fft.fft(x, norm="half"), ValueError, "norm is 'backward', 'ortho'"),
        (lambda x: ad.fft.fft(x, n=0), ad.ShapeError, r"fft: expected at least 1 .* length of 0"),
        (lambda x: ad.fft.fft(x, axis=2), ad.AxisError, "fft: axis 2 is out of bounds"),
        (lambda x: ad.fft.fft(x[:, :0]), ad.ShapeError, "fft: expected at least 1 entry"),
        (lambda x: ad.fft.fftn(x, s=(2,), axes=(0, 1)), ad.ShapeError, "1 lengths"),
        (lambda x: ad.fft.fftn(x, axes=(0, 0)), ad.AxisError, "names an axis twice"),
        (lambda x: ad.fft.rfftn(x, axes=()), ad.AxisError, "at least one axis"),
        (lambda x: ad.fft.rfft(x * 1j), ad.DTypeError, "rfft: expected real numbers"),
        (lambda x: ad.fft.irfft(x[:, :1]), ad.ShapeError, "length of 0"),
        (lambda x: ad.fft.fft(x, n=2.5), ad.DTypeError, "a length is an integer"),
        (lambda x: ad.fft.fftfreq(0), ad.ShapeError, "n is at least 1"),
    ],
)
def test_errors(call: Any, error: Any, text: str) -> None:
    with pytest.raises(error, match=text):
        call(ad.tensor(draw((2, 3), False), requires_grad=True))
