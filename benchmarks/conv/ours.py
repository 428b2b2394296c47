"""A convolution of autodiff."""

from __future__ import annotations

from typing import Any

import autodiff as ad
from benchmarks.conv import SETTINGS, Setting, operands


def steps(compile: Any) -> dict[str, Any]:
    """A step for each setting."""

    def step(setting: Setting) -> Any:
        def loss(x: Any, w: Any) -> Any:
            padding = setting.kernel // 2
            y = ad.conv2d(x, w, stride=setting.stride, padding=padding, groups=setting.groups)
            return ad.sum(y * y)

        f = compile(ad.value_and_grad(loss, argnums=(0, 1)))
        arguments = [ad.tensor(a) for a in operands(setting)]
        return lambda: f(*arguments)

    return {name: step(setting) for name, setting in SETTINGS.items()}
