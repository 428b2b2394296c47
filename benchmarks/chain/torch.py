"""The chain in PyTorch."""

from __future__ import annotations

import torch

from benchmarks.chain import LENGTH, WIDTH

START = torch.linspace(-1.0, 1.0, WIDTH, dtype=torch.float64)
ONES = torch.ones(WIDTH, dtype=torch.float64)


def build() -> tuple[torch.Tensor, torch.Tensor]:
    """Input and output of the recorded chain."""
    z = start = START.clone().requires_grad_()
    for _ in range(LENGTH):
        z = torch.tanh(1.01 * z + 0.1) - 0.05
    return start, z


def forward() -> torch.Tensor:
    """The chain alone, recorded."""
    return build()[1].detach()


def gradient() -> torch.Tensor:
    """The chain and the gradient of its sum."""
    start, z = build()
    return torch.autograd.grad(z, start, ONES)[0]


STEPS = {"forward": forward, "gradient": gradient}
