"""The smallest network there is, trained: the framework's costs where arithmetic costs nothing."""

import numpy as np

from benchmarks.workload import Comparison

_RNG = np.random.default_rng(0)
X = np.array([[0, 0, 1], [0, 1, 1], [1, 0, 1], [1, 1, 1]], np.float32)
Y = np.array([[0], [1], [1], [0]], np.float32)
W1 = _RNG.normal(size=(3, 4)).astype(np.float32)
W2 = _RNG.normal(size=(4, 1)).astype(np.float32)

WORKLOAD = Comparison(
    title="4×3 → 4 → 1 sigmoid, no bias, SGD lr 1, ½Σ(y−t)², float32: a training step",
    steps=("step",),
    tolerance=1e-5,
    limits={("step", "torch"): 0.6},
)
