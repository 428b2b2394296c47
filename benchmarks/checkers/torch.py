"""``torch.autograd.gradcheck``, as it is and in its fast mode."""

from __future__ import annotations

from typing import Any

import torch
from torch.autograd import gradcheck


class Sine(torch.autograd.Function):  # type: ignore[misc]  # untyped library
    """The sum of the sine, with a planted rule."""

    @staticmethod
    def forward(ctx: Any, x: Any, weights: Any) -> Any:
        ctx.save_for_backward(x, weights)
        return torch.sin(x).sum()

    @staticmethod
    def backward(ctx: Any, g: Any) -> Any:
        x, weights = ctx.saved_tensors
        return g * weights * torch.cos(x), None


def _caught(x: Any, weights: Any, fast: bool) -> bool:
    given = torch.from_numpy(weights)
    point = torch.from_numpy(x).requires_grad_()
    torch.manual_seed(0)
    return not gradcheck(
        lambda p: Sine.apply(p, given), (point,), fast_mode=fast, raise_exception=False
    )


# The default makes the whole Jacobian, an evaluation for each entry: minutes for 100,000.
CHECKERS = {
    "": (lambda x, weights: _caught(x, weights, False), 10_000),
    "fast_mode": (lambda x, weights: _caught(x, weights, True), None),
}
