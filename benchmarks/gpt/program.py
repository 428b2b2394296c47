"""The network and its loss in NumPy style, for autodiff and JAX."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

from benchmarks.gpt import BATCH, BLOCKS, EPS, HEADS, LENGTH, WIDTH

# Added to the scores: minus infinity for what comes later.
MASK = np.triu(np.full((LENGTH, LENGTH), -np.inf, np.float32), 1)


class Library(NamedTuple):
    """A library's array functions, and its own softmax over the last axis and GELU (by tanh)."""

    xp: Any
    softmax: Callable[[Any], Any]
    gelu: Callable[[Any], Any]


def normalized(xp: Any, x: Any, gain: Any, shift: Any) -> Any:
    """Layer normalization."""
    centred = x - xp.mean(x, axis=-1, keepdims=True)
    scale = xp.sqrt(xp.mean(centred * centred, axis=-1, keepdims=True) + EPS)
    return centred / scale * gain + shift


def attention(lib: Library, x: Any, p: Mapping[str, Any], k: int) -> Any:
    """Causal attention of all heads."""
    xp = lib.xp
    qkv = xp.matmul(x, p[f"{k}.qkv"]) + p[f"{k}.qkv_bias"]
    qkv = xp.reshape(qkv, (BATCH, LENGTH, 3, HEADS, WIDTH // HEADS))
    parts = xp.split(xp.transpose(qkv, (2, 0, 3, 1, 4)), 3)
    q, key, value = [xp.squeeze(part, 0) for part in parts]
    scale = 1 / math.sqrt(WIDTH // HEADS)
    scores = xp.matmul(q * scale, xp.swapaxes(key, -1, -2)) + MASK
    mixed = xp.transpose(xp.matmul(lib.softmax(scores), value), (0, 2, 1, 3))
    mixed = xp.reshape(mixed, (BATCH, LENGTH, WIDTH))
    return xp.matmul(mixed, p[f"{k}.out"]) + p[f"{k}.out_bias"]


def logits(lib: Library, p: Mapping[str, Any], tokens: Any) -> Any:
    """Logits (batch, length, vocabulary)."""
    xp = lib.xp
    x = p["tokens"][tokens] + p["places"]
    for k in range(BLOCKS):
        x = x + attention(lib, normalized(xp, x, p[f"{k}.gain1"], p[f"{k}.shift1"]), p, k)
        inner = normalized(xp, x, p[f"{k}.gain2"], p[f"{k}.shift2"])
        inner = lib.gelu(xp.matmul(inner, p[f"{k}.up"]) + p[f"{k}.up_bias"])
        x = x + xp.matmul(inner, p[f"{k}.down"]) + p[f"{k}.down_bias"]
    return xp.matmul(normalized(xp, x, p["gain"], p["shift"]), p["head"])
