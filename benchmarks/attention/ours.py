"""Attention with the primitives of autodiff."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

import autodiff as ad
from benchmarks.attention import LENGTHS, WIDTH, operands


def attention(q: Any, k: Any, v: Any, mask: Any) -> Any:
    """Softmax of scaled products, where ``mask`` is added."""
    scores = ad.matmul(q * (1 / math.sqrt(WIDTH)), ad.swapaxes(k, -1, -2)) + mask
    return ad.matmul(ad.softmax(scores), v)


def steps(compile: Any) -> dict[str, Any]:
    """A step for each length."""

    def loss(q: Any, k: Any, v: Any, mask: Any) -> Any:
        y = attention(q, k, v, mask)
        return ad.sum(y * y)

    f = compile(ad.value_and_grad(loss, argnums=(0, 1, 2)))

    def step(length: int) -> Any:
        arguments = [ad.tensor(x) for x in operands(length)]
        mask = ad.tensor(np.triu(np.full((length, length), -np.inf, np.float32), 1))
        return lambda: f(*arguments, mask)

    return {f"length={n}": step(n) for n in LENGTHS}
