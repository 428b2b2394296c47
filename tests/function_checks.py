"""Derivatives of functions of several arrays against numeric ones, to second order."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from typing import Any

import numpy as np

import autodiff as ad
from tests.checks import dot, like
from tests.numeric import richardson
from tests.tolerances import tolerance


def check_function(
    function: Callable[..., Any], *arrays: Any, what: str = "", order: int = 2
) -> None:
    """Compare gradients of ``<v, function(arrays)>``, and of these gradients, with differences.

    All arrays are floating, real or complex; the result is one Tensor or several.
    """
    rng = np.random.default_rng(zlib.crc32(what.encode()))
    seeds = [like(rng, y.data) for y in _outputs(function, arrays)]
    weights = [like(rng, x) for x in arrays]

    def loss(points: Any) -> Any:
        outputs = [y.data for y in _outputs(function, points)]
        return sum(dot(v, y) for v, y in zip(seeds, outputs, strict=True))

    def slope(points: Any) -> Any:
        pulled = _pull(function, points, seeds, False)[1]
        return sum(dot(w, g.data) for w, g in zip(weights, pulled, strict=True))

    found = _pull(function, arrays, seeds, order > 1)
    compare(loss, arrays, [g.data for g in found[1]], rng, f"{what}: gradient")
    if order == 1:
        return
    inputs, pulled = found
    moving = [(g, w) for g, w in zip(pulled, weights, strict=True) if g.requires_grad]
    second = [np.zeros(np.shape(x)) for x in arrays]
    if moving:
        second = ad.gradients(
            [g for g, _ in moving], inputs, cotangents=[w for _, w in moving], unused="zeros"
        )
    compare(slope, arrays, [np.asarray(g) for g in second], rng, f"{what}: second order")


def _outputs(function: Any, arrays: Any) -> list[Any]:
    found = function(*[ad.tensor(x) for x in arrays])
    return list(found) if isinstance(found, (tuple, list)) else [found]


def _pull(function: Any, arrays: Any, seeds: Any, record: bool) -> tuple[list[Any], list[Any]]:
    inputs = [ad.tensor(x, requires_grad=True) for x in arrays]
    outputs = function(*inputs)
    outputs = list(outputs) if isinstance(outputs, (tuple, list)) else [outputs]
    pairs = [(y, v) for y, v in zip(outputs, seeds, strict=True) if y.requires_grad]
    pulled = ad.gradients(
        [y for y, _ in pairs],
        inputs,
        cotangents=[v for _, v in pairs],
        create_graph=record,
        unused="zeros",
    )
    for g, x in zip(pulled, inputs, strict=True):
        assert (g.shape, g.dtype) == (x.shape, x.dtype)
    return inputs, pulled


def compare(value: Any, arrays: Any, pulled: Any, rng: Any, what: str) -> None:
    """Directional derivatives of ``value``, a function of the list of arrays, in each of them."""
    for i, x in enumerate(arrays):
        if not np.size(x):
            continue
        u = like(rng, x)

        def along(point: Any, i: int = i) -> Any:
            return value([*arrays[:i], point, *arrays[i + 1 :]])

        expected, error = richardson(along, x, u)
        limit = tolerance(np.float64, "numeric") * max(abs(expected), 1.0)
        assert error < limit, f"{what}: numeric derivative {expected} only known to {error}"
        got = dot(pulled[i], u)
        assert abs(got - expected) <= limit, f"{what} {i}: {got}, expected {expected}"
