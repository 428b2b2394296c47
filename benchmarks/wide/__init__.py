"""A formula over a long array and its gradient: memory traffic and elementary functions."""

import numpy as np

from benchmarks.workload import Comparison, Work

SIZES = {"n=3e5": 300_000, "n=4e6": 4_000_000}


def operands(size: int) -> tuple[np.ndarray, np.ndarray]:
    """Two arrays in [0.5, 1.5]."""
    rng = np.random.default_rng(0)
    return rng.random(size, np.float32) + 0.5, rng.random(size, np.float32) + 0.5


WORKLOAD = Comparison(
    title="20 elementwise operations on float32 arrays, their sum and both gradients",
    steps=("n=4e6",),
    quick_steps=("n=3e5",),
    rounds=40,
    tolerance=1e-4,
    # Two operands are read once and two gradients written once: a fused program moves no more.
    work={step: Work(moved=4 * 4 * size) for step, size in SIZES.items()},
)
