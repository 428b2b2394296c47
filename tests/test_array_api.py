"""``autodiff`` as a namespace of the array API standard, 2024.12.

The standard's reference implementation, ``array-api-strict``, says which dtypes the functions take,
and what comes out of arguments that Hypothesis draws: values, dtypes, shapes. What it refuses the
standard leaves open, except where an axis or a shape is wrong. What the standard says in words
and tables is tested in ``tests/array_api``.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import array_api_strict as xp
import hypothesis.extra.numpy as hnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import autodiff as ad
from tests.standard import (
    BINARY,
    ELEMENTWISE,
    FUNCTIONS,
    REALS,
    TAKEN,
    UNARY,
    agree,
    arrays,
    assert_equal,
    spelled_out,
    theirs,
)
from tests.standard_calls import CALLS, Calls


@pytest.mark.parametrize("name", UNARY)
@given(data=st.data())
def test_elementwise_of_one(name: str, data: Any) -> None:
    agree(name, data.draw(arrays(data.draw(st.sampled_from(TAKEN[name])))))


@pytest.mark.parametrize("name", BINARY)
@given(data=st.data())
def test_elementwise_of_two(name: str, data: Any) -> None:
    dtype = data.draw(st.sampled_from(TAKEN[name]))
    shapes = data.draw(hnp.mutually_broadcastable_shapes(num_shapes=2, max_dims=3)).input_shapes
    tame = "shift" in name or name == "pow"
    a, b = (data.draw(arrays(dtype, s, wild=not tame)) for s in shapes)
    if tame and np.dtype(dtype).kind in "iu":
        b = np.asarray(np.abs(b.astype(np.int64)) % 7, dtype)
    agree(name, a, b)
    # One of the operands may be a Python number of the same kind.
    scalar = {"b": True, "i": 2, "u": 2, "f": 1.5, "c": 1.5j}[np.dtype(dtype).kind]
    agree(name, a, scalar)
    agree(name, scalar, b)


def test_every_function_is_called() -> None:
    """None: a test of its own stands below, or in ``array_api``."""
    assert set(FUNCTIONS) - set(CALLS) - ELEMENTWISE == set()
    own = {n for n, call in CALLS.items() if call is None}
    here = Path(__file__)
    tests = [here, *(here.parent / "array_api").glob("test_*.py")]
    source = "".join(path.read_text(encoding="utf-8") for path in tests)
    assert [n for n in own if f".{n}(" not in source and f'"{n}"' not in source] == []


@pytest.mark.parametrize("name", [n for n, call in CALLS.items() if call is not None])
@given(data=st.data())
def test_call(name: str, data: Any) -> None:
    args, kwargs = CALLS[name](Calls(data.draw))
    if data.draw(st.booleans(), label="spelled out"):
        args, kwargs = spelled_out(name, args, kwargs)
    agree(name, *args, **kwargs)


# ---- the functions whose results are not compared as they are


@given(data=st.data())
def test_linalg_eigh(data: Any) -> None:
    """Eigenvectors are compared by what they do: "linalg.eigh"."""
    x = Calls(data.draw).definite()
    got, expected = ad.linalg.eigh(ad.asarray(x)), theirs("linalg.eigh", x)
    assert got._fields == expected._fields == ("eigenvalues", "eigenvectors")
    w, v = got
    assert_equal("eigh", w, expected.eigenvalues)
    assert v.dtype == x.dtype
    rtol = 1e-3 if np.finfo(w.dtype).bits < 64 else 1e-9
    product = (ad.asarray(x) @ v).data
    np.testing.assert_allclose((v * w[..., None, :]).data, product, rtol=rtol, atol=rtol * 10)


@given(data=st.data())
def test_fft_irfftn(data: Any) -> None:
    """ "fft.irfftn" takes what "fft.rfftn" gives: else its values are not those of a real array."""
    x = Calls(data.draw).array(st.sampled_from(REALS))
    axes = tuple(data.draw(st.sets(st.integers(0, x.ndim - 1), min_size=1)))
    lengths = [x.shape[a] for a in axes]
    y = ad.fft.rfftn(ad.asarray(x), axes=axes)
    got = ad.fft.irfftn(y, s=lengths, axes=axes)
    assert_equal("irfftn", got, xp.fft.irfftn(xp.asarray(y.data), s=lengths, axes=axes))


def test_asarray_and_its_copies() -> None:
    x = ad.tensor([1.0, 2.0], requires_grad=True)
    assert ad.asarray(x) is x and ad.asarray(x, copy=False) is x
    other = ad.asarray(x * 1.0, copy=True)
    y = ad.asarray(other, copy=True)
    y[0] = 5.0
    assert other.data[0] == 1.0 and y.data[0] == 5.0
    assert ad.gradients(ad.asarray(x, dtype=ad.float32), x, cotangents=np.ones(2)).dtype == x.dtype
    array = np.zeros(2)
    made = ad.asarray(array)
    array[0] = 7.0
    assert made.data[0] == 0.0
    joined = ad.asarray([[x[0], 3.0], [x[1], 4.0]])
    np.testing.assert_array_equal(ad.gradients((joined * joined).sum(), x).data, [2.0, 4.0])
    with pytest.raises(ValueError, match="without a copy"):
        ad.asarray(array, copy=False)
    with pytest.raises(ValueError, match="of float32 without a copy"):
        ad.asarray(x, dtype="float32", copy=False)


def test_other_devices_are_refused() -> None:
    for call in (
        lambda: ad.zeros(2, device="gpu"),
        lambda: ad.asarray([1], device="gpu"),
        lambda: ad.zeros(2).to_device("gpu"),
        lambda: ad.arange(3, device="gpu"),
        lambda: ad.astype(ad.zeros(2), "float32", device="gpu"),
    ):
        with pytest.raises(ValueError, match="the only device is 'cpu'"):
            call()
    x = ad.zeros(2, device="cpu")
    assert x.device == "cpu" and x.to_device(x.device) is x


def test_dlpack_both_ways() -> None:
    x = ad.tensor([1.0, 2.0])
    assert x.__dlpack_device__() == (1, 0)
    given_away = np.from_dlpack(x)
    np.testing.assert_array_equal(given_away, x.data)
    assert not given_away.flags.writeable  # it is the memory of the Tensor itself
    array = np.array([3, 4])
    y = ad.from_dlpack(array)
    array[0] = 0
    assert isinstance(y, ad.Tensor) and y.data.tolist() == [3, 4]
    assert x.__dlpack__(max_version=None) is not None  # a copy for those that cannot read only
    with pytest.raises(BufferError, match="a copy is needed"):
        x.__dlpack__(copy=False)
    with pytest.raises(ValueError, match="copy=False"):
        ad.from_dlpack(array, copy=False)
    with pytest.raises(ad.GradientError, match=r"x.numpy\(\) or ad.stop_gradient"):
        np.from_dlpack(ad.tensor([1.0], requires_grad=True))


def test_the_namespace_of_an_array() -> None:
    x = ad.zeros(2)
    assert x.__array_namespace__() is ad is x.__array_namespace__(api_version="2024.12")
    assert ad.__array_api_version__ == "2024.12"
    with pytest.raises(ValueError, match="2031.12"):
        x.__array_namespace__(api_version="2031.12")
