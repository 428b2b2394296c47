"""A network for handwritten digits, trained: matrix products of a size that BLAS likes."""

import itertools

import numpy as np

from benchmarks.workload import Comparison, Work

BATCH, SIZES = 128, (784, 256, 128, 10)
_RNG = np.random.default_rng(0)
X = _RNG.random((BATCH, SIZES[0])).astype(np.float32)
Y = _RNG.integers(0, SIZES[-1], BATCH)
# Weight and bias of each layer in turn.
PARAMS = [
    array
    for m, n in itertools.pairwise(SIZES)
    for array in (
        (_RNG.normal(size=(m, n)) * (2 / m) ** 0.5).astype(np.float32),
        (0.1 * _RNG.normal(size=n)).astype(np.float32),
    )
]
_PAIRS = list(itertools.pairwise(SIZES))
_COUNT = sum(p.size for p in PARAMS)

WORKLOAD = Comparison(
    title="128×784 → 256 → 128 → 10 relu, cross-entropy, Adam, float32: a training step",
    steps=("step",),
    tolerance=1e-4,
    limits={("step", "torch"): 0.8},
    work={
        "step": Work(
            # Forward; the weights' gradients; the hidden layers' gradients.
            products=(
                *((BATCH, m, n, 1) for m, n in _PAIRS),
                *((m, BATCH, n, 1) for m, n in _PAIRS),
                *((BATCH, n, m, 1) for m, n in _PAIRS[1:]),
            ),
            # Adam reads gradient, parameter and two moments, and writes the last three.
            moved=7 * 4 * _COUNT,
        )
    },
)
