"""A convolutional network for handwritten digits, trained.

The convolutions keep the size of the images (padding 1), as the floor of the row in the design
does. All contestants have the channels first, except JAX, whose convolutions are faster with the
channels last: the weights and their gradients are brought to the same order.
"""

import numpy as np

from benchmarks.workload import Comparison, Work

BATCH, SIZE, CLASSES = 64, 28, 10
CHANNELS, HIDDEN = (1, 32, 64), 128
FEATURES = CHANNELS[2] * (SIZE // 4) ** 2
_RNG = np.random.default_rng(0)
X = _RNG.random((BATCH, CHANNELS[0], SIZE, SIZE)).astype(np.float32)
Y = _RNG.integers(0, CLASSES, BATCH)


def _layer(*shape: int, inputs: int) -> list[np.ndarray]:
    """Weights and biases; outputs are the first axis of a kernel, the last of a matrix."""
    weight = _RNG.normal(size=shape) * (2 / inputs) ** 0.5
    bias = 0.1 * _RNG.normal(size=shape[0] if len(shape) == 4 else shape[1])
    return [weight.astype(np.float32), bias.astype(np.float32)]


# Kernels as (out, in, height, width), matrices as (in, out).
PARAMS = [
    *_layer(CHANNELS[1], CHANNELS[0], 3, 3, inputs=9 * CHANNELS[0]),
    *_layer(CHANNELS[2], CHANNELS[1], 3, 3, inputs=9 * CHANNELS[1]),
    *_layer(FEATURES, HIDDEN, inputs=FEATURES),
    *_layer(HIDDEN, CLASSES, inputs=HIDDEN),
]
_COUNT = sum(p.size for p in PARAMS)
_ROWS = [BATCH * SIZE**2, BATCH * (SIZE // 2) ** 2]
_FORWARD = (
    (_ROWS[0], 9 * CHANNELS[0], CHANNELS[1], 1),
    (_ROWS[1], 9 * CHANNELS[1], CHANNELS[2], 1),
    (BATCH, FEATURES, HIDDEN, 1),
    (BATCH, HIDDEN, CLASSES, 1),
)

WORKLOAD = Comparison(
    title="64×1×28×28, conv 3×3 32, pool, conv 3×3 64, pool, 128, 10, Adam: a training step",
    steps=("step",),
    rounds=60,
    tolerance=1e-4,
    limits={("step", "torch"): 1.0},
    work={
        "step": Work(
            # Forward; the weights' gradients; the gradients of all inputs but the images.
            products=(
                *_FORWARD,
                *((k, m, n, 1) for m, k, n, _ in _FORWARD),
                *((m, n, k, 1) for m, k, n, _ in _FORWARD[1:]),
            ),
            # Adam reads gradient, parameter and two moments, and writes the last three.
            moved=7 * 4 * _COUNT,
        )
    },
)
