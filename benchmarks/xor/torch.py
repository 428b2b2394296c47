"""The training step in PyTorch."""

from __future__ import annotations

from typing import Any

import torch

from benchmarks.xor import W1, W2, X, Y


def steps(compile: Any) -> dict[str, Any]:
    """The training step; forward pass and loss are compiled, and with them the backward pass."""
    model = torch.nn.Sequential(
        torch.nn.Linear(3, 4, bias=False),
        torch.nn.Sigmoid(),
        torch.nn.Linear(4, 1, bias=False),
        torch.nn.Sigmoid(),
    )
    first, second = model.parameters()
    with torch.no_grad():
        first.copy_(torch.tensor(W1.T))
        second.copy_(torch.tensor(W2.T))
    optimizer = torch.optim.SGD(model.parameters(), lr=1.0)
    x, y = torch.tensor(X), torch.tensor(Y)
    loss_of = compile(lambda x, y: 0.5 * ((model(x) - y) ** 2).sum())

    def step() -> Any:
        optimizer.zero_grad()
        loss = loss_of(x, y)
        loss.backward()
        optimizer.step()
        return loss, first.grad.T, second.grad.T

    return {"step": step}
