"""A recurrent network that predicts the next character, trained: many small steps in a row."""

import numpy as np

from benchmarks.workload import Comparison, Work

VOCABULARY, EMBED, HIDDEN, BATCH, STEPS = 64, 128, 256, 32, 64
_RNG = np.random.default_rng(0)
_TEXT = _RNG.integers(0, VOCABULARY, (STEPS + 1, BATCH))
X, Y = _TEXT[:-1], _TEXT[1:]  # (steps, batch)


def _matrix(m: int, n: int) -> np.ndarray:
    return (_RNG.normal(size=(m, n)) / m**0.5).astype(np.float32)


# Embedding; weights of input and of state, and bias, of the gates i, f, g, o; output layer.
PARAMS = [
    _matrix(VOCABULARY, EMBED),
    _matrix(EMBED, 4 * HIDDEN),
    _matrix(HIDDEN, 4 * HIDDEN),
    (0.1 * _RNG.normal(size=4 * HIDDEN)).astype(np.float32),
    _matrix(HIDDEN, VOCABULARY),
    (0.1 * _RNG.normal(size=VOCABULARY)).astype(np.float32),
]
_ROWS = BATCH * STEPS

WORKLOAD = Comparison(
    title="LSTM, vocabulary 64, embed 128, hidden 256, batch 32 × 64 steps, Adam: a training step",
    steps=("step",),
    rounds=60,
    tolerance=1e-3,
    seconds=25,
    work={
        "step": Work(
            products=(
                (_ROWS, EMBED, 4 * HIDDEN, 1),
                (EMBED, _ROWS, 4 * HIDDEN, 1),
                (_ROWS, 4 * HIDDEN, EMBED, 1),
                (BATCH, HIDDEN, 4 * HIDDEN, STEPS),
                (BATCH, 4 * HIDDEN, HIDDEN, STEPS),
                (HIDDEN, _ROWS, 4 * HIDDEN, 1),
                (_ROWS, HIDDEN, VOCABULARY, 1),
                (HIDDEN, _ROWS, VOCABULARY, 1),
                (_ROWS, VOCABULARY, HIDDEN, 1),
            ),
            moved=7 * 4 * sum(p.size for p in PARAMS),
        )
    },
)
