"""A hidden layer of four units learns exclusive or, which one layer cannot.

The second network that many tutorials write in NumPy: 3 → 4 → 1 with sigmoids and no bias, 60 000
steps of gradient descent on all four samples. Run it: python examples/xor.py
"""

from __future__ import annotations

import numpy as np

import autodiff as ad
import nn

X = np.array([[0, 0, 1], [0, 1, 1], [1, 0, 1], [1, 1, 1]], dtype=float)
Y = np.array([[0, 1, 1, 0]], dtype=float).T


def train(steps: int = 60_000) -> nn.Sequential:
    """The trained network; its first weights are the tutorial's, ``2 * random(shape) - 1``."""
    rng = np.random.RandomState(1)
    model = nn.Sequential(
        nn.Dense(3, 4, activation="sigmoid", bias=False, dtype="float64"),
        nn.Dense(4, 1, activation="sigmoid", bias=False, dtype="float64"),
    )
    for weight in model.parameters():
        weight.data = 2 * rng.random_sample(weight.shape) - 1
    optimizer = nn.optim.Optimizer(model, nn.optim.sgd(lr=1.0))
    for _ in range(steps):
        loss = nn.losses.half_squared_error(model(X), Y)
        optimizer.step(ad.gradients(loss, optimizer.parameters))
    return model


if __name__ == "__main__":
    model = train()
    print(model)
    for x, p, y in zip(X, model(X).numpy(), Y, strict=True):
        print(x, "→", f"{p[0]:.4f}", "target", y[0])
