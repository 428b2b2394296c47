"""Every function of NumPy that takes a Tensor, under ``vmap`` and in both modes.

What cannot be batched says so: a result whose shape or branch depends on values has none for many
examples.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import autodiff as ad
from tests.checks import dot
from tests.numpy_samples import Keywords, dispatched, samples
from tests.tolerances import assert_close

# The shape of the result, or the way to it, depends on the values.
BY_VALUE = {
    *("argwhere", "flatnonzero", "nonzero", "trim_zeros", "intersect1d", "setdiff1d"),
    *("setxor1d", "union1d", "unique", "unique_all", "unique_counts", "unique_inverse"),
    *("unique_values", "roots", "polymul", "polydiv"),
}


def calls(name: str, function: Callable[..., Any]) -> Iterator[tuple[Any, Callable[..., Any]]]:
    """For each sample call its first floating array, and the call as a function of that."""
    for sample in samples(name, function):
        arguments = [x for x in sample if not isinstance(x, Keywords)]
        options = {k: v for x in sample if isinstance(x, Keywords) for k, v in x.items()}
        floats = [
            i for i, x in enumerate(arguments) if isinstance(x, np.ndarray) and x.dtype.kind == "f"
        ]
        if not floats or "dtype" in options or "out" in options:
            continue

        def call(x: Any, i: int = floats[0], given: Any = arguments, options: Any = options) -> Any:
            return function(*given[:i], x, *given[i + 1 :], **options)

        try:
            y = call(ad.tensor(arguments[floats[0]]))
        except (ad.errors.UnsupportedError, ad.DTypeError):
            return  # refused, which is tested elsewhere
        if isinstance(y, ad.Tensor):
            yield arguments[floats[0]], call


CALLS = [
    pytest.param(name, x, call, id=f"{name}-{k}")
    for name, function in dispatched().items()
    for k, (x, call) in enumerate(calls(name, function))
]


@pytest.mark.parametrize(("name", "x", "call"), CALLS)
def test_vmap_equals_a_loop(name: str, x: Any, call: Any) -> None:
    rows = np.stack([x, x * 1.03, x * 0.97])
    if name in BY_VALUE:
        with pytest.raises(
            ad.VmapError, match=f"{name}: inside vmap of call .* depends on the values"
        ):
            ad.vmap(call)(ad.tensor(rows))
        return
    got = ad.vmap(call)(ad.tensor(rows))
    expected = np.stack([call(ad.tensor(row)).data for row in rows])
    assert got.dtype == expected.dtype
    assert_close(got.data, expected, "reference", name)


@pytest.mark.parametrize(("name", "x", "call"), [c for c in CALLS if c.values[0] not in BY_VALUE])
def test_modes_agree_and_gradients_are_batched(name: str, x: Any, call: Any) -> None:
    t = np.cos(np.arange(x.size)).reshape(x.shape)
    y, pushed = ad.jvp(call, (ad.tensor(x),), (t,))
    if y.dtype.kind not in "fc":
        assert not np.any(pushed.data)
        return
    v = np.sin(1.0 + np.arange(y.size)).reshape(y.shape).astype(y.dtype)
    (pulled,) = ad.vjp(call, ad.tensor(x))[1](v)
    left, right = dot(v, pushed.data), dot(pulled.data, t)
    assert_close(left, right, "derivative", f"{name}: both modes")

    def loss(z: Any) -> Any:
        return ad.real(ad.sum(call(z) * v))

    gradient = ad.grad(loss, unused="zeros")
    rows = np.stack([x, x * 1.03, x * 0.97])
    got = ad.vmap(gradient)(ad.tensor(rows)).data
    expected = np.stack([gradient(ad.tensor(row)).data for row in rows])
    assert_close(got, expected, "derivative", f"{name}: vmap of grad")
