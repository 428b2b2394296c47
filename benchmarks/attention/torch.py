"""Attention in PyTorch, by its fused function."""

from __future__ import annotations

from typing import Any

import torch
from torch.nn.functional import scaled_dot_product_attention

from benchmarks.attention import LENGTHS, operands


def steps(compile: Any) -> dict[str, Any]:
    """A step for each length."""
    f = compile(
        lambda q, k, v: scaled_dot_product_attention(q, k, v, is_causal=True).square().sum(),
        **({"dynamic": False} if compile is torch.compile else {}),
    )

    def step(length: int) -> Any:
        # With the axis of the batch that the fused function wants.
        arguments = [torch.tensor(x[None], requires_grad=True) for x in operands(length)]

        def run() -> Any:
            value = f(*arguments)
            return value.detach(), torch.autograd.grad(value, arguments)

        return run

    return {f"length={n}": step(n) for n in LENGTHS}
