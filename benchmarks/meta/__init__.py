"""The gradient through 20 Adam steps of a small network, by its first values and learning rate."""

import numpy as np

from benchmarks.workload import Comparison

STEPS, HIDDEN, LR = 20, 16, 0.05
_RNG = np.random.default_rng(0)
X = np.linspace(-2.0, 2.0, 32)[:, None]
Y = np.sin(X)
PARAMS = [
    _RNG.normal(size=(1, HIDDEN)),
    0.1 * _RNG.normal(size=HIDDEN),
    _RNG.normal(size=(HIDDEN, 1)) / 4,
    0.1 * _RNG.normal(size=1),
]

WORKLOAD = Comparison(
    title="1 → 16 → 1 tanh, float64: gradient of the loss after 20 Adam steps, through them",
    steps=("gradient",),
    tolerance=1e-7,
    without={"torch-compile": "it had not compiled the unrolled steps after six minutes"},
)
