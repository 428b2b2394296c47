"""The training step in PyTorch."""

from __future__ import annotations

from typing import Any

import torch
from torch.nn import Conv2d, Flatten, Linear, MaxPool2d, ReLU
from torch.nn.functional import cross_entropy

from benchmarks.cnn import CHANNELS, CLASSES, FEATURES, HIDDEN, PARAMS, X, Y


def steps(compile: Any) -> dict[str, Any]:
    """The training step; forward pass and loss are compiled, and with them the backward pass."""
    model = torch.nn.Sequential(
        Conv2d(*CHANNELS[0:2], 3, padding=1), ReLU(), MaxPool2d(2),
        Conv2d(*CHANNELS[1:3], 3, padding=1), ReLU(), MaxPool2d(2),
        Flatten(), Linear(FEATURES, HIDDEN), ReLU(), Linear(HIDDEN, CLASSES),
    )  # fmt: skip
    params = list(model.parameters())
    with torch.no_grad():
        for p, value in zip(params, PARAMS, strict=True):
            p.copy_(torch.tensor(value.T if value.ndim == 2 else value))
    optimizer = torch.optim.Adam(params)
    x, y = torch.tensor(X), torch.tensor(Y)
    loss_of = compile(lambda x, y: cross_entropy(model(x), y))

    def step() -> Any:
        optimizer.zero_grad()
        loss = loss_of(x, y)
        loss.backward()
        optimizer.step()
        return loss, [p.grad.mT if p.ndim == 2 else p.grad for p in params]

    return {"step": step}
