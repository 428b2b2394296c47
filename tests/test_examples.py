"""The two historic networks end at the weights of the hand-written loops that they come from."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

import numpy as np
import pytest

EXAMPLES = Path(__file__).parent.parent / "examples"
X = np.array([[0, 0, 1], [0, 1, 1], [1, 0, 1], [1, 1, 1]], dtype=float)


def sigmoid(z: Any) -> Any:
    return 1 / (1 + np.exp(-z))


def one_layer(steps: int) -> list[Any]:
    y = np.array([[0, 0, 1, 1]]).T
    rng = np.random.RandomState(1)
    w = 2 * rng.random_sample((3, 1)) - 1
    for _ in range(steps):
        p = sigmoid(X @ w)
        w += X.T @ ((y - p) * (p * (1 - p)))
    return [w]


def xor(steps: int) -> list[Any]:
    y = np.array([[0, 1, 1, 0]]).T
    rng = np.random.RandomState(1)
    w0 = 2 * rng.random_sample((3, 4)) - 1
    w1 = 2 * rng.random_sample((4, 1)) - 1
    for _ in range(steps):
        hidden = sigmoid(X @ w0)
        p = sigmoid(hidden @ w1)
        delta = (y - p) * (p * (1 - p))
        delta_hidden = delta @ w1.T * (hidden * (1 - hidden))
        w1 += hidden.T @ delta
        w0 += X.T @ delta_hidden
    return [w0, w1]


@pytest.mark.parametrize(
    ("name", "loop", "steps"), [("one_layer", one_layer, 10_000), ("xor", xor, 60_000)]
)
def test_example_equals_the_loop(
    name: str, loop: Any, steps: int, capsys: pytest.CaptureFixture[str]
) -> None:
    model = runpy.run_path(str(EXAMPLES / f"{name}.py"), run_name="__main__")["model"]
    expected = loop(steps)
    weights = [p.numpy() for p in model.parameters()]
    assert [w.shape for w in weights] == [w.shape for w in expected]
    for got, want in zip(weights, expected, strict=True):
        assert got.dtype == np.float64
        np.testing.assert_allclose(got, want, rtol=0, atol=1e-9)
    lines = [line for line in capsys.readouterr().out.splitlines() if "target" in line]
    guesses = [(float(line.split("→")[1].split()[0]), float(line.split()[-1])) for line in lines]
    assert len(guesses) == 4
    assert all(abs(p - y) < 0.05 for p, y in guesses)
