"""The training step in PyTorch."""

from __future__ import annotations

from typing import Any

import torch
from torch.nn import Linear, ReLU
from torch.nn.functional import cross_entropy

from benchmarks.mlp import PARAMS, SIZES, X, Y


def steps(compile: Any) -> dict[str, Any]:
    """The training step; forward pass and loss are compiled, and with them the backward pass."""
    model = torch.nn.Sequential(
        Linear(*SIZES[0:2]), ReLU(), Linear(*SIZES[1:3]), ReLU(), Linear(*SIZES[2:4])
    )
    params = list(model.parameters())
    with torch.no_grad():
        for p, value in zip(params, PARAMS, strict=True):
            p.copy_(torch.tensor(value.T))
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
