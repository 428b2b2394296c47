"""The step in PyTorch."""

from __future__ import annotations

from typing import Any

import torch
from torch.nn.functional import softplus

from benchmarks.rbm import LR, NOISE_H, NOISE_V, A, B, V, W


def free_energy(v: Any, w: Any, a: Any, b: Any) -> Any:
    """Mean free energy of a batch."""
    return (-(v @ a) - softplus(v @ w + b).sum(1)).mean()


def steps(compile: Any) -> dict[str, Any]:
    """The training step."""
    params = [torch.tensor(p, requires_grad=True) for p in (W, A, B)]
    optimizer = torch.optim.SGD(params, lr=LR)
    v, noise_h, noise_v = torch.tensor(V), torch.tensor(NOISE_H), torch.tensor(NOISE_V)

    def sample(w: Any, a: Any, b: Any) -> Any:
        with torch.no_grad():
            h = (torch.sigmoid(v @ w + b) > noise_h).float()
            return (torch.sigmoid(h @ w.T + a) > noise_v).float()

    def difference(w: Any, a: Any, b: Any) -> Any:
        return free_energy(v, w, a, b) - free_energy(sample(w, a, b), w, a, b)

    loss_of = compile(difference)

    def step() -> Any:
        optimizer.zero_grad()
        loss = loss_of(*params)
        loss.backward()
        optimizer.step()
        return loss, [p.grad for p in params]

    return {"step": step}
