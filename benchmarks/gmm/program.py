"""The objective in NumPy style."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from benchmarks.gmm import FACTORS, GAMMA, D, K, M, N


def _places() -> tuple[Any, Any, Any]:
    """Where the entries of a factor below the diagonal stand, by columns: row, column, source."""
    columns, rows = np.triu_indices(D, 1)  # column by column of the lower triangle
    return rows, columns, np.arange(len(rows)) + D


ROWS, COLUMNS, SOURCE = _places()
# Entry (i, j) of a factor is entry TABLE[i, j] of its parameters, with one 0 after them.
TABLE = np.full((D, D), FACTORS.shape[1])
TABLE[ROWS, COLUMNS] = SOURCE
CONSTANT = -N * D * 0.5 * math.log(2 * math.pi)
# The logarithm of the prior's normalising constant.
_DEGREES = D + M + 1
PRIOR = K * (
    _DEGREES * D * (math.log(GAMMA) - 0.5 * math.log(2))
    - 0.25 * D * (D - 1) * math.log(math.pi)
    - sum(math.lgamma(0.5 * (_DEGREES + 1 - j)) for j in range(1, D + 1))
)


def objective(xp: Any, logsumexp: Any, alphas: Any, means: Any, factors: Any, x: Any) -> Any:
    """Log-likelihood of all points, plus that of the factors under a Wishart prior.

    ``logsumexp`` of (array, axis) is the library's own.
    """
    logs = factors[:, :D]
    diagonal = xp.exp(logs)
    padded = xp.concatenate([factors, np.zeros((K, 1))], axis=1)
    lower = padded[:, TABLE]
    centred = xp.reshape(x, (1, N, D)) - xp.reshape(means, (K, 1, D))
    scaled = centred * xp.reshape(diagonal, (K, 1, D)) + xp.matmul(
        centred, xp.swapaxes(lower, 1, 2)
    )
    squares = xp.sum(scaled * scaled, axis=2)
    sums = xp.sum(logs, axis=1)
    terms = xp.reshape(alphas + sums, (K, 1)) - 0.5 * squares
    likelihood = CONSTANT + xp.sum(logsumexp(terms, 0)) - N * logsumexp(alphas, 0)
    below = factors[:, D:]
    wishart = 0.5 * GAMMA**2 * (xp.sum(diagonal * diagonal) + xp.sum(below * below))
    return likelihood + wishart - M * xp.sum(sums) - PRIOR
