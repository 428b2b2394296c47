"""Causal attention and its gradients as the sequence grows: quadratic work and memory."""

import numpy as np

from benchmarks.workload import Comparison, Work

HEADS, WIDTH = 4, 32
LENGTHS = (64, 128, 256, 512, 1024, 2048)


def operands(length: int) -> list[np.ndarray]:
    """Queries, keys and values, of shape (heads, length, width)."""
    rng = np.random.default_rng(length)
    return [rng.normal(size=(HEADS, length, WIDTH)).astype(np.float32) for _ in range(3)]


def _work(n: int) -> Work:
    inner, outer = (n, WIDTH, n, HEADS), (n, n, WIDTH, HEADS)
    return Work(products=(inner, outer, inner, outer, outer, outer), moved=8 * 4 * HEADS * n * n)


WORKLOAD = Comparison(
    title="causal attention, 4 heads of width 32, float32: sum of squares and its gradients",
    steps=tuple(f"length={n}" for n in LENGTHS),
    quick_steps=("length=64", "length=256", "length=1024"),
    rounds=40,
    seconds=6,
    tolerance=1e-4,
    work={f"length={n}": _work(n) for n in LENGTHS},
)
