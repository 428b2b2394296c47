"""The Jacobian of a function of 100 variables with 100 values."""

import numpy as np

from benchmarks.workload import Comparison

_RNG = np.random.default_rng(0)
X = _RNG.normal(size=100)
A = _RNG.normal(size=(100, 100)) / 10
B = _RNG.normal(size=(100, 100)) / 10

WORKLOAD = Comparison(
    title="Jacobian 100 → 100 of tanh(x A) B · sin x, float64",
    steps=("jacobian",),
    tolerance=1e-10,
)
