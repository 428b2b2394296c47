"""One convolution and its gradients: as the kernel grows, with a stride, with groups."""

from typing import NamedTuple

import numpy as np

from benchmarks.workload import Comparison, Work

BATCH, CHANNELS, SIZE = 16, 32, 28


class Setting(NamedTuple):
    """What one step convolves with; the padding is half the kernel."""

    kernel: int
    stride: int = 1
    groups: int = 1


SETTINGS = {
    "kernel=1": Setting(1),
    "kernel=3": Setting(3),
    "kernel=5": Setting(5),
    "kernel=7": Setting(7),
    "stride=2": Setting(3, stride=2),
    "groups=4": Setting(3, groups=4),
    "depthwise": Setting(3, groups=CHANNELS),
}


def operands(setting: Setting) -> list[np.ndarray]:
    """Images (batch, channels, height, width) and weights (out, in / groups, height, width)."""
    rng = np.random.default_rng(0)
    inside, k = CHANNELS // setting.groups, setting.kernel
    weights = rng.normal(size=(CHANNELS, inside, k, k)) / (inside * k * k) ** 0.5
    images = rng.normal(size=(BATCH, CHANNELS, SIZE, SIZE))
    return [images.astype(np.float32), weights.astype(np.float32)]


def _work(setting: Setting) -> Work:
    side, inside = -(-SIZE // setting.stride), CHANNELS // setting.groups
    rows, entries = BATCH * side * side, inside * setting.kernel**2
    g = setting.groups
    return Work(
        ((rows, entries, inside, g), (entries, rows, inside, g), (rows, inside, entries, g))
    )


WORKLOAD = Comparison(
    title=f"{BATCH}×{CHANNELS}×{SIZE}×{SIZE}, a convolution to {CHANNELS} channels, float32: "
    "sum of squares and its gradients",
    steps=tuple(SETTINGS),
    quick_steps=("kernel=1", "kernel=3", "stride=2", "depthwise"),
    rounds=40,
    seconds=8,
    tolerance=1e-4,
    work={step: _work(setting) for step, setting in SETTINGS.items()},
)
