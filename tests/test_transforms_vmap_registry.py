"""Every public function under ``vmap``, whichever of its arrays carries the batch.

Only what has a result whose shape depends on values raises, and says so.
"""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

import autodiff as ad
from autodiff.registry import load_all
from tests.reference import draws, namespaces, numbers_in, public_functions, quiet, samples_of
from tests.tolerances import assert_close

load_all()
FUNCTIONS = public_functions(namespaces())
SHAPED = {
    *("argwhere", "bincount", "extract", "flatnonzero", "getitem", "nonzero"),
    *("intersect1d", "setdiff1d", "setxor1d", "union1d", "unique", "unique_all", "unique_counts"),
    *("unique_inverse", "unique_values", "polydiv", "polymul", "roots", "trim_zeros"),
}
LEAVES = {"einops.asnumpy"}  # takes the value out, of which there is one for each example


def rows_of(v: Any) -> Any:
    """Three arrays like this one."""
    if v.dtype.kind == "b":
        return np.stack([v, ~v, v])
    if v.dtype.kind in "iu":
        return np.stack([v, np.flip(v), v])
    return np.stack([v, 0.98 * v, 0.95 * v]).astype(v.dtype)


def batches(name: str, function: Any) -> list[tuple[Any, Any]]:
    """Each array of each sample call alone: the call as a function of it, and a batch."""
    found = []
    for call in samples_of(name, function):
        arrays = numbers_in((call.args, call.kwargs), "fciub")
        for v in {id(x): x for x in arrays}.values():
            one = call._replace(values=[v])
            if one(v) and not draws(one):
                found.append((one, rows_of(v)))
    return found


@pytest.mark.parametrize("name", FUNCTIONS)
def test_each_array_alone(name: str) -> None:
    refused = []
    with quiet():
        for call, rows in batches(name, FUNCTIONS[name][0]):
            try:
                got = ad.vmap(lambda x, call=call: call(x))(rows)
            except ad.VmapError as error:
                refused.append(str(error))
                continue
            loop = [call(row) for row in rows]
            for y, examples in zip(got, zip(*loop, strict=True), strict=True):
                expected = np.stack([np.asarray(e) for e in examples])
                assert np.asarray(y).dtype == expected.dtype
                assert_close(np.asarray(y), expected, "reference", f"{name}: vmap")
    if name in LEAVES:
        return
    assert bool(refused) == (name in SHAPED), refused
    said = rf"^{name.rpartition('.')[2]}: inside vmap of <lambda> the shape of the result depends "
    for text in refused:
        assert re.search(
            said + r"on the values, .* 3 examples: .*(reference|own_samples)\.py:\d+$", text
        ), text


X = np.array([[1.0, -2.0, 3.0], [-4.0, 5.0, -6.0]])
V = np.array([10.0, 20.0, 30.0])


@pytest.mark.parametrize(
    "call",
    [
        lambda x: x[x > 0],
        lambda x: ad.compress(x > 0, x),
        lambda x: ad.extract(x > 0, x),
        lambda x: ad.setitem(x, x > 0, V[:2]),
        lambda x: ad.histogram(x, "auto"),
        lambda x: ad.nonzero(x > 0),
    ],
)
def test_shapes_by_values_are_refused_with_a_way_round(call: Any) -> None:
    with pytest.raises(ad.VmapError, match=r"depends on the values.*(loop|edges).*vmap_registry"):
        ad.vmap(call)(X)


def written(x: Any, value: Any) -> Any:
    x = x * 1.0
    x[x > 0] = value
    return x


@pytest.mark.parametrize(
    ("call", "loop"),
    [
        (lambda x: written(x, 0.5), lambda x: np.where(x > 0, 0.5, x)),
        (lambda x: written(x, x[0]), lambda x: np.where(x > 0, x[0], x)),
        (
            lambda x: ad.setitem(np.ones((3, 2)), x > 0, x[:2]),
            lambda x: np.where((x > 0)[:, None], x[:2], 1.0),
        ),
        (lambda x: ad.sum(x * V, where=x > 0), lambda x: np.sum(x * V, where=x > 0)),
        (
            lambda x: ad.max(x, where=x > 0, initial=-9.0),
            lambda x: np.max(x, where=x > 0, initial=-9.0),
        ),
        (lambda x: ad.poly(x), np.poly),
        (lambda x: ad.digitize(V, ad.sort(x) * 5.0), lambda x: np.digitize(V, np.sort(x) * 5.0)),
        (
            lambda x: ad.digitize(V, x[0] * V),
            lambda x: np.digitize(V, x[0] * V),
        ),
        (lambda x: ad.histogram(x, 4)[0], lambda x: np.histogram(x, 4)[0]),
        (lambda x: ad.histogram(V, 4, weights=x)[0], lambda x: np.histogram(V, 4, weights=x)[0]),
        (lambda x: ad.isin(V, x * 10), lambda x: np.isin(V, x * 10)),
        (lambda x: ad.nanargmax(x), np.nanargmax),
        (lambda x: ad.tensor(x) * 2.0, lambda x: x * 2),
        (
            lambda x: ad.piecewise(x, [x > 0, x < -3], [ad.sqrt, 7.0, ad.negative]),
            lambda x: np.piecewise(x, [x > 0, x < -3], [np.sqrt, 7.0, np.negative]),
        ),
    ],
)
def test_by_each_example(call: Any, loop: Any) -> None:
    assert_close(ad.vmap(call)(X), np.stack([loop(x) for x in X]), "reference", "vmap")


def test_gradients_through_what_differs() -> None:
    def loss(x: Any) -> Any:
        part = ad.piecewise(x, [x > 0], [ad.sqrt, ad.square])
        return (written(x * V, 2.0) + part).sum()

    got = ad.vmap(ad.grad(loss))(X)
    assert_close(got, np.where(X > 0, 0.5 / np.sqrt(np.abs(X)), V + 2 * X), "reference", "grad")


def test_a_leaf_made_inside() -> None:
    def by_hand(x: Any) -> Any:
        leaf = ad.tensor(x, requires_grad=True)
        return ad.gradients((leaf**3).sum(), leaf)

    assert_close(ad.vmap(by_hand)(X), 3 * X**2, "reference", "gradients")
    nested = ad.vmap(lambda v: ad.vmap(lambda x: by_hand(x * v))(X))(V)
    expected = 3 * (X * V[:, None, None]) ** 2
    assert_close(nested[:, 0, :], expected[:, 0, :], "reference", "nested")


def test_samples_are_known() -> None:
    assert set(FUNCTIONS) >= SHAPED | LEAVES
