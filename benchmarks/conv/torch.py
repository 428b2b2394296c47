"""A convolution in PyTorch."""

from __future__ import annotations

from typing import Any

import torch
from torch.nn.functional import conv2d

from benchmarks.conv import SETTINGS, Setting, operands


def steps(compile: Any) -> dict[str, Any]:
    """A step for each setting."""

    def step(setting: Setting) -> Any:
        kernel, stride, groups = setting
        f = compile(
            lambda x, w: conv2d(x, w, None, stride, kernel // 2, 1, groups).square().sum(),
            **({"dynamic": False} if compile is torch.compile else {}),
        )
        arguments = [torch.tensor(a, requires_grad=True) for a in operands(setting)]

        def run() -> Any:
            value = f(*arguments)
            return value.detach(), torch.autograd.grad(value, arguments)

        return run

    return {name: step(setting) for name, setting in SETTINGS.items()}
