"""A Tensor as the array object of the array API standard, 2024.12."""

from __future__ import annotations

import operator
from typing import Any

import array_api_strict as xp
import hypothesis.extra.numpy as hnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.array_api import make_strategies_namespace

import autodiff as ad
from tests.standard import DTYPES, FULL, INTEGERS, REALS, arrays, assert_equal

COMPLEX = ["complex64", "complex128"]
OPERATORS = {
    name: dtypes
    for names, dtypes in (
        (("add", "sub", "mul"), [*INTEGERS, *REALS, *COMPLEX]),
        (("truediv",), [*REALS, *COMPLEX]),
        (("floordiv", "mod", "lt", "le", "gt", "ge"), [*INTEGERS, *REALS]),
        (("pow",), REALS),
        (("and_", "or_", "xor"), ["bool", *INTEGERS]),
        (("lshift", "rshift"), INTEGERS),
        (("eq", "ne"), DTYPES),
    )
    for name in names
}


@pytest.mark.parametrize("name", OPERATORS)
@given(data=st.data())
def test_operators(name: str, data: Any) -> None:
    dtype = data.draw(st.sampled_from(OPERATORS[name]))
    shapes = data.draw(hnp.mutually_broadcastable_shapes(num_shapes=2, max_dims=3)).input_shapes
    a, b = (data.draw(arrays(dtype, s, wild=False)) for s in shapes)
    if "shift" in name:
        b = np.asarray(np.abs(b.astype(np.int64)) % 7, dtype)
    operation = getattr(operator, name)
    with np.errstate(all="ignore"):
        expected = operation(xp.asarray(a), xp.asarray(b))
        assert_equal(name, operation(ad.asarray(a), ad.asarray(b)), expected)
        in_place = getattr(operator, "i" + name.rstrip("_"), None)
        if in_place is not None and expected.shape == a.shape:
            assert_equal(name, in_place(ad.asarray(a), ad.asarray(b)), expected)


@pytest.mark.parametrize("name", ["neg", "pos", "abs", "invert"])
@given(data=st.data())
def test_operators_of_one(name: str, data: Any) -> None:
    dtypes = ["bool", *INTEGERS] if name == "invert" else [*INTEGERS, *REALS, "complex64"]
    x = data.draw(arrays(data.draw(st.sampled_from(dtypes)), wild=False))
    operation = getattr(operator, name)
    assert_equal(name, operation(ad.asarray(x)), operation(xp.asarray(x)))


@given(data=st.data())
def test_indexing_and_writing(data: Any) -> None:
    x = data.draw(arrays(data.draw(st.sampled_from(DTYPES)), FULL, wild=False))
    index = data.draw(hnp.basic_indices(x.shape, allow_newaxis=True) | st.just(x == x.flat[0]))
    tensor, other = ad.asarray(x), ad.asarray(x)
    key = ad.asarray(index) if isinstance(index, np.ndarray) else index
    got, expected = tensor[key], x[index]
    assert (got.dtype, got.shape) == (x.dtype, np.shape(expected))
    np.testing.assert_array_equal(got.data, expected)
    values = np.ones_like(expected)
    if index is None or (isinstance(index, tuple) and None in index):
        return
    alias, copy = tensor, np.array(x)
    tensor[key] = ad.asarray(values)
    copy[index] = values
    np.testing.assert_array_equal(tensor.data, copy)
    assert alias is tensor
    np.testing.assert_array_equal(other.data, x)


@given(data=st.data())
def test_indexing_by_integer_arrays(data: Any) -> None:
    x = data.draw(arrays("float64", (3, 4), wild=False))
    rows = data.draw(arrays("int64", (2, 1), wild=False)) % 3
    columns = data.draw(arrays("int64", (3,), wild=False)) % 4
    expected = xp.asarray(x)[xp.asarray(rows), xp.asarray(columns)]
    assert_equal("index", ad.asarray(x)[ad.asarray(rows), ad.asarray(columns)], expected)


XPS = make_strategies_namespace(ad, api_version="2024.12")


@given(data=st.data())
def test_the_strategies_of_hypothesis_for_the_standard(data: Any) -> None:
    """Written for any namespace of the standard, they draw Tensors; indexed as in NumPy."""
    dtype = data.draw(XPS.scalar_dtypes())
    shape = data.draw(XPS.array_shapes(min_dims=0, min_side=0))
    x = data.draw(XPS.arrays(dtype, shape))
    assert type(x) is ad.Tensor and (x.dtype, x.shape) == (dtype, shape)
    plain, key = x.numpy(), data.draw(XPS.indices(shape=shape))
    np.testing.assert_array_equal(x[key].data, plain[key])
    written, number = ad.asarray(x, copy=True), data.draw(XPS.from_dtype(dtype))
    written[key] = plain[key] = number
    np.testing.assert_array_equal(written.data, plain)
    # A mask may have no entries along an axis of any size.
    shapes = st.sampled_from([shape, (), (0,) * len(shape)]) | XPS.array_shapes(min_dims=0)
    mask = data.draw(XPS.arrays(ad.bool, shapes))
    try:
        expected = x.numpy()[mask.numpy()]
    except IndexError:
        with pytest.raises(IndexError, match="mask|too many"):
            x[mask]
    else:
        np.testing.assert_array_equal(x[mask].data, expected)


def test_python_numbers_of_single_entries() -> None:
    assert float(ad.tensor(2.5)) == 2.5 and int(ad.tensor(2)) == 2 and bool(ad.tensor(True))
    assert complex(ad.tensor(2.0 + 1.0j)) == 2 + 1j and operator.index(ad.tensor(3)) == 3
    with pytest.raises(TypeError, match="expected one integer"):
        operator.index(ad.tensor(2.5))


def test_attributes() -> None:
    x = ad.asarray(np.arange(24.0).reshape(2, 3, 4))
    assert (x.ndim, x.size, x.shape, x.dtype) == (3, 24, (2, 3, 4), ad.float64)
    np.testing.assert_array_equal(x.mT.data, np.swapaxes(x.data, -1, -2))
    np.testing.assert_array_equal(x[0].T.data, x.data[0].T)
    with pytest.raises(ad.AxisError):
        _ = ad.zeros(3).mT
