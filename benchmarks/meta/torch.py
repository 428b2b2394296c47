"""The gradient through training in PyTorch."""

from __future__ import annotations

from typing import Any

import torch

from benchmarks.meta import LR, PARAMS, X, Y
from benchmarks.meta.program import final_loss, loss


def steps(compile: Any) -> dict[str, Any]:
    """The final loss and its gradients by the first parameters and the learning rate."""
    x, y = torch.tensor(X), torch.tensor(Y)

    def loss_of(params: Any) -> Any:
        return loss(torch, params, x, y)

    def run() -> Any:
        params = [torch.tensor(p, requires_grad=True) for p in PARAMS]
        lr = torch.tensor(LR, dtype=torch.float64, requires_grad=True)
        value = final_loss(
            loss_of,
            lambda p: torch.autograd.grad(loss_of(p), p, create_graph=True),
            params,
            lr,
        )
        return value.detach(), torch.autograd.grad(value, [*params, lr])

    return {"gradient": run}
