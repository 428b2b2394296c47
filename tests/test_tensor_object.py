"""A Tensor as an object of Python, and in libraries that are written over NumPy's names."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import einops
import einops.array_api
import numpy as np
import opt_einsum
import pytest

import autodiff as ad
import autodiff.einops
from tests.tolerances import assert_close

# ---- libraries that write NumPy


@pytest.mark.parametrize("library", [einops, einops.array_api], ids=lambda m: m.__name__)
def test_einops(library: Any) -> None:
    values = np.arange(24.0).reshape(2, 3, 4)
    x = ad.tensor(values, requires_grad=True)
    for pattern in ("b h w -> h (b w)", "b h w -> b 1 (w h)"):
        y = library.rearrange(x, pattern)
        np.testing.assert_array_equal(y.data, einops.rearrange(values, pattern))
        assert ad.gradients((y * y).sum(), x).data == pytest.approx(2 * values)
    y = library.reduce(x, "b (h 3) w -> b w", "mean", h=1)
    np.testing.assert_array_equal(y.data, values.mean(1))
    assert ad.gradients(y.sum(), x).data == pytest.approx(1 / 3)
    y = library.repeat(x, "b h w -> b h w c", c=2)
    np.testing.assert_array_equal(ad.gradients(y.sum(), x).data, 2.0)
    y = library.rearrange([x[0], x[1]], "b h w -> (b h) w")
    np.testing.assert_array_equal(ad.gradients(y.sum(), x).data, 1.0)
    packed, shapes = library.pack([x, x[:, 0]], "b * w")
    parts = library.unpack(packed, shapes, "b * w")
    np.testing.assert_array_equal(parts[1].data, values[:, 0])


def test_einsum_of_einops() -> None:
    x = ad.tensor(np.arange(24.0).reshape(2, 3, 4), requires_grad=True)
    y = einops.einsum(x, np.ones((4, 5)), "b h w, w c -> b h c")
    np.testing.assert_array_equal(ad.gradients(y.sum(), x).data, 5.0)


def test_opt_einsum() -> None:
    a, b, c = (np.random.default_rng(i).standard_normal((3, 3)) for i in range(3))
    inputs = [ad.tensor(v, requires_grad=True) for v in (a, b, c)]
    y = opt_einsum.contract("ij,jk,kl->il", *inputs)
    assert isinstance(y, ad.Tensor)
    assert_close(y.data, a @ b @ c, "reference", "contract")
    same = ad.einsum("ij,jk,kl->il", *inputs)
    for got, expected in zip(ad.gradients(y.sum(), inputs), ad.gradients(same.sum(), inputs)):
        assert_close(got.data, expected.data, "reference", "contract")


# ---- a Tensor as an object


def test_one_class_hashable_by_identity() -> None:
    x = ad.tensor([1.0, 2.0], requires_grad=True)
    made = [x, x * 2, np.ones(2) * x, np.sin(x), x[0], x.sum(), ad.zeros(2), np.stack([x, x])]
    assert {type(y) for y in made} == {ad.Tensor}
    assert {x: "x"}[x] == "x" and len({x, ad.tensor([1.0, 2.0])}) == 2


def test_length_iteration_and_truth() -> None:
    x = ad.tensor([1.0, 2.0], requires_grad=True)
    assert len(x) == 2 and [float(v) for v in x] == [1.0, 2.0]
    assert all(v.requires_grad for v in x)
    assert bool(x[0] > 0) and not bool(ad.tensor([0.0]))
    with pytest.raises(ad.ShapeError, match="ambiguous"):
        bool(x)
    with pytest.raises(TypeError, match="no axes"):
        len(x[0])


def test_membership_is_that_of_an_array() -> None:
    x = ad.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    assert 3.0 in x and 5.0 not in x and ad.tensor(2.0) in x


METHODS: dict[str, tuple[Any, ...]] = {
    "argsort": (),
    "compress": ([True, False], 0),
    "copy": (),
    "cumprod": (1,),
    "cumsum": (0,),
    "diagonal": (),
    "dot": (np.array([1.0, -1.0]),),
    "flatten": (),
    "mean": (1,),
    "nonzero": (),
    "prod": (0,),
    "ravel": (),
    "repeat": (2, 0),
    "reshape": (4,),
    "round": (1,),
    "std": (0,),
    "sum": (0,),
    "swapaxes": (0, 1),
    "take": ([1, 0], 1),
    "tolist": (),
    "trace": (),
    "transpose": (1, 0),
    "var": (1,),
}


@pytest.mark.parametrize("name", METHODS)
def test_methods_are_those_of_an_array(name: str) -> None:
    values = np.array([[1.26, 0.0], [3.0, 4.14]])
    x = ad.tensor(values, requires_grad=True)
    got, expected = (getattr(v, name)(*METHODS[name]) for v in (x, values))
    if name == "tolist":
        assert got == expected
        return
    pairs = zip(got, expected, strict=True) if isinstance(got, tuple) else [(got, expected)]
    for g, e in pairs:
        assert isinstance(g, ad.Tensor)
        assert_close(g.data, e, "reference", name)


def test_methods_that_write_bind_the_handle_anew() -> None:
    x = ad.tensor([3.0, 1.0, 2.0], requires_grad=True)
    y = x * 1.0
    alias, part = y, y[:2]
    assert y.sort() is None and alias is y
    np.testing.assert_array_equal(y.data, [1.0, 2.0, 3.0])
    np.testing.assert_array_equal(part.data, [3.0, 1.0])
    np.testing.assert_array_equal(ad.gradients(y[0], x).data, [0.0, 1.0, 0.0])
    np.testing.assert_array_equal(y.searchsorted([1.5]).data, [1])
    y.fill(7.0)
    np.testing.assert_array_equal(y.data, 7.0)
    assert (y.nbytes, y.itemsize) == (24, 8)


def test_comparisons_are_masks() -> None:
    x = ad.tensor([1.0, -2.0, 3.0], requires_grad=True)
    array = np.array([4.0, 5.0, 6.0])
    np.testing.assert_array_equal(array[x > 0], [4.0, 6.0])
    np.testing.assert_array_equal(x[x > 0].data, [1.0, 3.0])
    np.testing.assert_array_equal(ad.gradients(x[array > 4].sum(), x).data, [0.0, 1.0, 1.0])
    array[x > 0] = 0.0
    np.testing.assert_array_equal(array, [0.0, 5.0, 0.0])
    assert array[ad.tensor(1)] == 5.0 and [7, 8][ad.tensor(1)] == 8


def test_copies_and_pickles_are_values() -> None:
    x = ad.tensor([1.0, 2.0], requires_grad=True, name="w")
    y = x * 2
    for other in (copy.copy(x), copy.deepcopy(x), pickle.loads(pickle.dumps(x))):
        assert other is not x and other.name == "w" and other.requires_grad and other.is_leaf
        np.testing.assert_array_equal(other.data, x.data)
    for other in (copy.copy(y), copy.deepcopy(y), pickle.loads(pickle.dumps(y))):
        assert not other.requires_grad
        np.testing.assert_array_equal(other.data, y.data)
