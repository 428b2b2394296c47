"""``autodiff`` as a namespace of the array API standard, 2024.12.

The standard's reference implementation, ``array-api-strict``, says which names there are, how they
are called, which dtypes they take, and what comes out: values, dtypes, shapes. What it refuses the
standard leaves open, except where an axis or a shape is wrong.
"""

from __future__ import annotations

import inspect
import itertools
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
    DTYPES,
    ELEMENTWISE,
    FUNCTIONS,
    REALS,
    TAKEN,
    UNARY,
    agree,
    arrays,
    assert_equal,
    ours,
    theirs,
)
from tests.standard_calls import CALLS, Calls

# ---- names and parameters


@pytest.mark.parametrize("name", FUNCTIONS)
def test_parameters(name: str) -> None:
    """Each parameter of the standard is one of ours, to be given in the same way."""
    known = inspect.signature(ours(name)).parameters
    anything = inspect.Parameter.VAR_POSITIONAL in {p.kind for p in known.values()}
    positions = [p for p in known.values() if p.kind <= p.POSITIONAL_OR_KEYWORD]
    theirs = list(inspect.signature(FUNCTIONS[name]).parameters.values())
    for i, p in enumerate(theirs):
        if p.kind in (p.VAR_POSITIONAL, p.VAR_KEYWORD) or anything:
            continue
        if p.kind is not p.KEYWORD_ONLY:
            assert i < len(positions), f"{name}: {p.name}"
        if p.kind is not p.POSITIONAL_ONLY:
            assert p.name in known, f"{name}: {p.name}"
            assert known[p.name].kind is not p.POSITIONAL_ONLY, f"{name}: {p.name}"


def test_constants_and_dtypes() -> None:
    for name in ("e", "pi", "inf", "newaxis"):
        assert getattr(ad, name) == getattr(xp, name)
    assert ad.nan != ad.nan
    for name in DTYPES:
        assert getattr(ad, name) == np.dtype(name) == ad.zeros(1, dtype=getattr(ad, name)).dtype


@pytest.mark.parametrize("name", [n for n in dir(xp.zeros(1)) if n[:2] == "__" or n[0] != "_"])
def test_attributes_of_an_array(name: str) -> None:
    """What an array of the standard has; in-place operators bind a name to a new Tensor."""
    in_place = name.startswith("__i") and hasattr(ad.Tensor, name.replace("__i", "__", 1))
    if name not in ("__buffer__", "__module__", "__weakref__", "__getstate__"):
        assert hasattr(ad.Tensor, name) or in_place, name


# ---- values


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


@pytest.mark.parametrize("pair", list(itertools.combinations_with_replacement(DTYPES, 2)), ids=str)
def test_promotion(pair: tuple[str, str]) -> None:
    dtypes = [getattr(xp, d) for d in pair]
    try:
        expected = xp.result_type(*dtypes)
    except TypeError:
        return  # bool with numbers, int with float: the standard leaves it open
    assert ad.result_type(*pair) == expected._np_dtype
    a, b = (ad.ones(2, dtype=d) for d in pair)
    for y in (ad.where(ad.asarray(True), a, b), ad.concat([a, b]), ad.equal(a, b)):
        assert y.dtype in (expected._np_dtype, np.dtype(bool))
    assert ad.can_cast(pair[0], expected._np_dtype)
    if "bool" not in pair:
        assert (a + b).dtype == expected._np_dtype == (b * a).dtype


@pytest.mark.parametrize("dtype", DTYPES)
def test_what_dtypes_are(dtype: str) -> None:
    kinds = ["bool", "signed integer", "unsigned integer", "integral", "real floating"]
    for kind in (*kinds, "complex floating", "numeric", ("integral", "real floating")):
        assert ad.isdtype(getattr(ad, dtype), kind) == xp.isdtype(getattr(xp, dtype), kind)
    for function in ("finfo", "iinfo"):
        try:
            expected = getattr(xp, function)(getattr(xp, dtype))
        except (TypeError, ValueError):
            with pytest.raises(TypeError, match=function):
                getattr(ad, function)(getattr(ad, dtype))
            continue
        for got in (getattr(ad, function)(dtype), getattr(ad, function)(ad.zeros(1, dtype=dtype))):
            for field in got._fields[:-1]:
                assert getattr(got, field) == getattr(expected, field)
                assert type(getattr(got, field)) in (int, float)
            assert got.dtype == expected.dtype._np_dtype


def test_every_function_is_called() -> None:
    """None: a test of its own stands below."""
    assert set(FUNCTIONS) - set(CALLS) - ELEMENTWISE == set()
    own = {n for n, call in CALLS.items() if call is None}
    source = Path(__file__).read_text(encoding="utf-8")
    assert [n for n in own if f"ad.{n}" not in source and f'"{n}"' not in source] == []


@pytest.mark.parametrize("name", [n for n, call in CALLS.items() if call is not None])
@given(data=st.data())
def test_call(name: str, data: Any) -> None:
    args, kwargs = CALLS[name](Calls(data.draw))
    agree(name, *args, **kwargs)


# ---- the functions whose results are not compared as they are


@pytest.mark.parametrize("dtype", [None, *DTYPES])
def test_empty_has_the_shape_and_dtype(dtype: str | None) -> None:
    for got in (ad.empty((2, 0, 3), dtype=dtype), ad.empty_like(ad.zeros((2, 0, 3), dtype=dtype))):
        assert got.shape == (2, 0, 3) and got.dtype == np.dtype(dtype or "float64")


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


def test_inspection() -> None:
    got, expected = ad.__array_namespace_info__(), xp.__array_namespace_info__()
    assert got.default_device() == "cpu" in got.devices()
    assert got.capabilities()["data-dependent shapes"] is got.capabilities()["boolean indexing"]
    assert set(expected.capabilities()) <= set(got.capabilities())
    for kind in (None, "bool", "integral", "real floating", ("signed integer", "bool")):
        assert set(got.dtypes(kind=kind)) == set(expected.dtypes(kind=kind))
    for kind, dtype in got.default_dtypes().items():
        assert dtype == {"indexing": np.int64, "integral": np.int64}.get(
            kind, {"real floating": np.float64}.get(kind, np.complex128)
        )
