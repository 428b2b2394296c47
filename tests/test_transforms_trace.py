"""What is traced of transforms: a graph that leads from its inputs to their derivatives."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import autodiff as ad
from autodiff.node import SCALARS
from tests.tolerances import assert_close

X = np.array([0.5, 1.5])


def replay(graph: Any, *values: Any) -> Any:
    """The value of a graph at other inputs: its kernels, in order."""
    known = dict(zip(graph.inputs, values, strict=True))
    for node in graph:
        if node in known:
            continue
        if node.primitive is None:
            known[node] = graph.value(node)
            continue
        operands = [s if type(s) in SCALARS else known[s] for s in node.inputs]
        known[node] = node.primitive.kernel(*operands, **node.params)
    (output,) = graph.outputs
    return known[output]


@pytest.mark.parametrize(
    "f",
    [
        ad.grad(lambda x: (x**3).sum()),
        ad.grad(lambda x: ad.grad(lambda y: (y**3 * x[0]).sum())(x).sum()),
        ad.jacobian(lambda x: x**3 + x[::-1], mode="reverse"),
        ad.jacobian(lambda x: x**3 + x[::-1], mode="forward"),
        ad.hessian(lambda x: (x**3).sum() * x[0]),
        lambda x: ad.jvp(ad.sin, (x,), (x,))[1],
        lambda x: ad.vjp(ad.sin, x)[1](x)[0],
        ad.vmap(ad.grad(lambda x: x**3)),
        ad.checkpoint(ad.sin),
        ad.grad(ad.checkpoint(lambda x: ad.sin(x).sum())),
        lambda x: ad.scan(lambda c, v: (c * v, c), 1.0, x)[0],
        lambda x: ad.fixed_point(lambda z: (z + x / z) / 2, np.ones(2)),
        lambda x: ad.root(lambda z: z * z - x, np.ones(2)),
    ],
)
def test_a_traced_transform_can_be_run_again(f: Any) -> None:
    graph = ad.trace(f)(X)
    assert_close(replay(graph, X), np.asarray(f(X)), "derivative", "the same input")
    other = X * 1.02
    got, expected = replay(graph, other), np.asarray(f(other))
    np.testing.assert_allclose(got, expected, rtol=1e-6, atol=1e-9)
