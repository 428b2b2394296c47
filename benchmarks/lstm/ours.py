"""The training step with the primitives of autodiff, and nn's loss and optimizer."""

from __future__ import annotations

from typing import Any

import numpy as np

import autodiff as ad
import nn
from benchmarks.lstm import BATCH, HIDDEN, PARAMS, X, Y


class Network(nn.Module):
    """Embedding, LSTM, output layer."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding, self.w, self.u, self.b, self.v, self.c = map(nn.Parameter, PARAMS)

    def forward(self, x: Any) -> Any:
        """Logits (steps · batch, vocabulary) of characters (steps, batch)."""
        h = c = np.zeros((BATCH, HIDDEN), np.float32)
        states = []
        for row in x:
            gates = ad.matmul(self.embedding[row], self.w) + ad.matmul(h, self.u) + self.b
            i, f, g, o = ad.split(gates, 4, axis=1)
            c = ad.sigmoid(f) * c + ad.sigmoid(i) * ad.tanh(g)
            h = ad.sigmoid(o) * ad.tanh(c)
            states.append(h)
        return ad.matmul(ad.concatenate(states), self.v) + self.c


def steps(compile: Any) -> dict[str, Any]:
    """The training step."""
    model = Network()
    optimizer = nn.optim.Optimizer(model, nn.optim.adam())
    targets = Y.ravel()

    def step() -> Any:
        loss = nn.losses.cross_entropy(model(X), targets)
        grads = ad.gradients(loss, optimizer.parameters)
        optimizer.step(grads)
        return loss, grads

    return {"step": compile(step)}
