"""The objective and its gradient in PyTorch."""

from __future__ import annotations

from typing import Any

import torch

from benchmarks.gmm import ALPHAS, FACTORS, GAMMA, MEANS, D, M, X
from benchmarks.gmm.program import COLUMNS, CONSTANT, PRIOR, ROWS


def objective(alphas: Any, means: Any, factors: Any, x: Any) -> Any:
    """As in ``program``, with PyTorch's own names."""
    logs, below = factors[:, :D], factors[:, D:]
    lower = torch.diag_embed(logs.exp())
    lower[:, ROWS, COLUMNS] = below
    scaled = (x[None] - means[:, None]) @ lower.mT
    sums = logs.sum(1)
    terms = (alphas + sums)[:, None] - 0.5 * scaled.square().sum(2)
    n = len(x)
    likelihood = CONSTANT + terms.logsumexp(0).sum() - n * alphas.logsumexp(0)
    wishart = 0.5 * GAMMA**2 * (logs.exp().square().sum() + below.square().sum())
    return likelihood + wishart - M * sums.sum() - PRIOR


def steps(compile: Any) -> dict[str, Any]:
    """The objective and its gradient."""
    params = [torch.tensor(a, requires_grad=True) for a in (ALPHAS, MEANS, FACTORS)]
    x, f = torch.tensor(X), compile(objective)

    def gradient() -> Any:
        value = f(*params, x)
        return value.detach(), torch.autograd.grad(value, params)

    return {"gradient": gradient}
