"""Adam's step alone, as the parameters grow: ten arrays of equal size."""

import numpy as np

from benchmarks.workload import Comparison, Work

PARTS = 10
SIZES = {"n=1e4": 10_000, "n=1e5": 100_000, "n=1e6": 1_000_000}


def values(size: int, seed: int) -> list[np.ndarray]:
    """The arrays of parameters (seed 0) or gradients (seed 1)."""
    rng = np.random.default_rng(seed)
    return [rng.normal(size=size // PARTS).astype(np.float32) for _ in range(PARTS)]


WORKLOAD = Comparison(
    title="Adam's step of ten float32 arrays, all parameters together n",
    steps=tuple(SIZES),
    quick_steps=("n=1e4", "n=1e6"),
    seconds=6,
    tolerance=1e-5,
    work={step: Work(moved=7 * 4 * size) for step, size in SIZES.items()},
)
