"""The chain in autodiff."""

from __future__ import annotations

from typing import Any

import numpy as np

import autodiff as ad
from benchmarks.chain import LENGTH, WIDTH

START = np.linspace(-1.0, 1.0, WIDTH)
ONES = np.ones(WIDTH)


def build() -> tuple[ad.Tensor, ad.Tensor]:
    """Input and output of the recorded chain."""
    z = start = ad.tensor(START, requires_grad=True)
    for _ in range(LENGTH):
        z = ad.tanh(1.01 * z + 0.1) - 0.05
    return start, z


def forward() -> np.ndarray[Any, Any]:
    """The chain alone, recorded."""
    return build()[1].data


def gradient() -> np.ndarray[Any, Any]:
    """The chain and the gradient of its sum."""
    start, z = build()
    result: ad.Tensor = ad.gradients(z, start, cotangents=ONES)
    return result.data


def steps(compile: Any) -> dict[str, Any]:
    """The steps, compiled or not."""
    return {"forward": compile(forward), "gradient": compile(gradient)}
