"""One layer of three weights learns which input column matters.

The network that many tutorials write first, in eleven lines of NumPy: a sigmoid of a matrix
product, 10 000 steps of gradient descent on all four samples. Run it: python examples/one_layer.py
"""

from __future__ import annotations

import numpy as np

import autodiff as ad
import nn

X = np.array([[0, 0, 1], [0, 1, 1], [1, 0, 1], [1, 1, 1]], dtype=float)
Y = np.array([[0, 0, 1, 1]], dtype=float).T


def train(steps: int = 10_000) -> nn.Dense:
    """The trained layer; its first weights are the tutorial's, ``2 * random((3, 1)) - 1``."""
    rng = np.random.RandomState(1)
    model = nn.Dense(3, 1, activation="sigmoid", bias=False, dtype="float64")
    model.weight.data = 2 * rng.random_sample((3, 1)) - 1
    optimizer = nn.optim.Optimizer(model, nn.optim.sgd(lr=1.0))
    for _ in range(steps):
        loss = nn.losses.half_squared_error(model(X), Y)
        optimizer.step(ad.gradients(loss, optimizer.parameters))
    return model


if __name__ == "__main__":
    model = train()
    print("weights", model.weight.numpy().ravel())
    for x, p, y in zip(X, model(X).numpy(), Y, strict=True):
        print(x, "→", f"{p[0]:.4f}", "target", y[0])
