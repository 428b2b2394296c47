"""Random draws under ``vmap``: of each example its own, one for all, or refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import autodiff as ad
import nn
from tests.tolerances import assert_close

X = np.linspace(0.5, 2.0, 15).reshape(3, 5)
DRAWS: dict[str, Callable[[Any], Any]] = {
    "normal": lambda x: x * ad.random.normal(size=5),
    "gamma": lambda x: ad.random.gamma(1.0 + x),
    "bernoulli": lambda x: ad.random.bernoulli(0.5 + 0.0 * x, size=(40, 5)) * x,
    "permutation": lambda x: ad.random.permutation(ad.concatenate([x * 1.0, X[0] * x, X[1]])),
    "dropout": nn.Dropout(0.5),
}


@pytest.mark.parametrize("name", DRAWS)
def test_each_example_draws_what_a_loop_draws(name: str) -> None:
    rows = np.stack([X[0]] * 3)
    nn.seed(3)
    got = ad.vmap(DRAWS[name])(rows)
    nn.seed(3)
    loop = [np.asarray(DRAWS[name](row)) for row in rows]
    np.testing.assert_array_equal(got, loop)
    assert len(np.unique(np.asarray(got), axis=0)) == 3


@pytest.mark.parametrize("name", DRAWS)
def test_one_draw_for_all(name: str) -> None:
    nn.seed(3)
    got = ad.vmap(DRAWS[name], randomness="same")(np.stack([X[0]] * 3))
    nn.seed(3)
    np.testing.assert_array_equal(got, [np.asarray(DRAWS[name](X[0]))] * 3)


def test_refused_and_wrong_words() -> None:
    with pytest.raises(ad.VmapError, match=r"random draw, with randomness='error'.*'same'.*:\d+"):
        ad.vmap(DRAWS["dropout"], randomness="error")(X)
    with pytest.raises(ValueError, match="'different', 'same' or 'error', got 'none'"):
        ad.vmap(ad.sin, randomness="none")


@pytest.mark.parametrize("outer", ["different", "same"])
@pytest.mark.parametrize("inner", ["different", "same"])
def test_nested(outer: str, inner: str) -> None:
    def f(x: Any) -> Any:
        return ad.random.normal(size=4) + 0.0 * x

    nested = ad.vmap(ad.vmap(f, randomness=inner), randomness=outer)
    got = nested(np.zeros((3, 2))).reshape(6, 4)
    expected = (3 if outer == "different" else 1) * (2 if inner == "different" else 1)
    assert len(np.unique(got, axis=0)) == expected


@pytest.mark.parametrize("randomness", ["different", "same"])
def test_gradients_see_the_draws_of_the_value(randomness: str) -> None:
    def loss(x: Any) -> Any:
        return (ad.checkpoint(DRAWS["dropout"])(x) ** 2 * x).sum()

    def batch(f: Any) -> Any:
        nn.seed(5)
        return f()

    values = batch(lambda: ad.vmap(lambda x: DRAWS["dropout"](x) ** 2, randomness=randomness)(X))
    per = batch(lambda: ad.vmap(ad.grad(loss), randomness=randomness)(X))
    outside = batch(lambda: ad.grad(lambda x: ad.vmap(loss, randomness=randomness)(x).sum())(X))
    pushed = batch(lambda: ad.jvp(ad.vmap(loss, randomness=randomness), (X,), (X,))[1])
    assert_close(per, 3 * values, "reference", "vmap of grad")
    assert_close(outside, 3 * values, "reference", "grad of vmap")
    assert_close(pushed, (3 * values * X).sum(-1), "reference", "jvp of vmap")
    masks = {tuple(row) for row in per != 0}
    assert len(masks) == (3 if randomness == "different" else 1)


def test_a_recorded_draw_is_run_again_alike() -> None:
    nn.seed(1)
    graph = ad.trace(ad.vmap(DRAWS["dropout"]))(ad.tensor(X))
    names = [node.primitive.name for node in graph.nodes if node.primitive is not None]
    assert "draw" in names


def test_gradcheck_of_dropout_under_vmap() -> None:
    assert ad.gradcheck(lambda x: ad.vmap(DRAWS["dropout"])(x).sum(), X)


def test_dropout_of_arrays_gives_arrays() -> None:
    assert type(nn.Dropout(0.5)(X)) is np.ndarray
    assert type(nn.Dropout(0.5)(ad.tensor(X))) is ad.Tensor
