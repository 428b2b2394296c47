"""A restricted Boltzmann machine: one step of contrastive divergence."""

import numpy as np

from benchmarks.workload import Comparison, Work

VISIBLE, HIDDEN, BATCH, LR = 784, 256, 64, 0.05
_RNG = np.random.default_rng(0)
V = (_RNG.random((BATCH, VISIBLE)) < 0.3).astype(np.float32)
# The uniform numbers of both draws, the same for all.
NOISE_H = _RNG.random((BATCH, HIDDEN)).astype(np.float32)
NOISE_V = _RNG.random((BATCH, VISIBLE)).astype(np.float32)
W = (0.05 * _RNG.normal(size=(VISIBLE, HIDDEN))).astype(np.float32)
A = np.zeros(VISIBLE, np.float32)
B = np.zeros(HIDDEN, np.float32)

WORKLOAD = Comparison(
    title="RBM 784 × 256, CD-1, batch 64: gradient of the free-energy difference, SGD",
    steps=("step",),
    tolerance=1e-4,
    work={
        "step": Work(
            # Up, down, up again (the free energy of the data shares the first), two gradients.
            products=(
                (BATCH, VISIBLE, HIDDEN, 2),
                (BATCH, HIDDEN, VISIBLE, 1),
                (VISIBLE, BATCH, HIDDEN, 2),
            ),
            moved=3 * 4 * VISIBLE * HIDDEN,
        )
    },
)
