"""The chain in PyTorch."""

from __future__ import annotations

from typing import Any

import torch

from benchmarks.chain import LENGTH, WIDTH

START = torch.linspace(-1.0, 1.0, WIDTH, dtype=torch.float64)
ONES = torch.ones(WIDTH, dtype=torch.float64)


def run(z: torch.Tensor) -> torch.Tensor:
    """The chain."""
    for _ in range(LENGTH):
        z = torch.tanh(1.01 * z + 0.1) - 0.05
    return z


def steps(compile: Any) -> dict[str, Any]:
    """The steps; PyTorch compiles the forward pass, and with it the backward pass."""
    chain = compile(run)

    def build() -> tuple[torch.Tensor, torch.Tensor]:
        start = START.clone().requires_grad_()
        return start, chain(start)

    def gradient() -> torch.Tensor:
        start, z = build()
        return torch.autograd.grad(z, start, ONES)[0]

    return {"forward": lambda: build()[1].detach(), "gradient": gradient}
