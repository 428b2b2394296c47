"""A small transformer that predicts the next character, trained."""

import numpy as np

from benchmarks.workload import Comparison, Work

VOCABULARY, WIDTH, HEADS, BLOCKS, BATCH, LENGTH = 64, 128, 4, 2, 16, 128
EPS = 1e-5
_RNG = np.random.default_rng(0)
_TEXT = _RNG.integers(0, VOCABULARY, (BATCH, LENGTH + 1))
X, Y = _TEXT[:, :-1], _TEXT[:, 1:]


def _matrix(m: int, n: int) -> np.ndarray:
    return (_RNG.normal(size=(m, n)) / m**0.5).astype(np.float32)


def _vector(n: int, mean: float = 0.0) -> np.ndarray:
    return (mean + 0.1 * _RNG.normal(size=n)).astype(np.float32)


def _block() -> dict[str, np.ndarray]:
    return {
        "gain1": _vector(WIDTH, 1.0),
        "shift1": _vector(WIDTH),
        "qkv": _matrix(WIDTH, 3 * WIDTH),
        "qkv_bias": _vector(3 * WIDTH),
        "out": _matrix(WIDTH, WIDTH),
        "out_bias": _vector(WIDTH),
        "gain2": _vector(WIDTH, 1.0),
        "shift2": _vector(WIDTH),
        "up": _matrix(WIDTH, 4 * WIDTH),
        "up_bias": _vector(4 * WIDTH),
        "down": _matrix(4 * WIDTH, WIDTH),
        "down_bias": _vector(WIDTH),
    }


# Matrices are (in, out).
PARAMS = {
    "tokens": _matrix(VOCABULARY, WIDTH),
    "places": _matrix(LENGTH, WIDTH),
    **{f"{k}.{name}": value for k in range(BLOCKS) for name, value in _block().items()},
    "gain": _vector(WIDTH, 1.0),
    "shift": _vector(WIDTH),
    "head": _matrix(WIDTH, VOCABULARY),
}
_ROWS = BATCH * LENGTH
_DENSE = [(p.shape, BLOCKS) for k, p in PARAMS.items() if k.startswith("0.") and p.ndim == 2]
_DENSE += [(PARAMS["head"].shape, 1)]
_DEPTH, _MAPS = WIDTH // HEADS, 3 * BLOCKS * BATCH * HEADS

WORKLOAD = Comparison(
    title="GPT, 2 blocks, width 128, 4 heads, batch 16 × 128 tokens, Adam: a training step",
    steps=("step",),
    rounds=60,
    tolerance=2e-3,
    seconds=25,
    work={
        "step": Work(
            products=(
                *((_ROWS, m, n, count) for (m, n), count in _DENSE),
                *((m, _ROWS, n, count) for (m, n), count in _DENSE),
                *((_ROWS, n, m, count) for (m, n), count in _DENSE),
                (LENGTH, _DEPTH, LENGTH, _MAPS),
                (LENGTH, LENGTH, _DEPTH, _MAPS),
            ),
            moved=7 * 4 * sum(p.size for p in PARAMS.values()),
        )
    },
)
