"""The training step in PyTorch, with its fused attention and layer normalization."""

from __future__ import annotations

from typing import Any

import torch
from torch.nn.functional import (
    cross_entropy,
    gelu,
    layer_norm,
    linear,
    scaled_dot_product_attention,
)

from benchmarks.gpt import BATCH, BLOCKS, EPS, HEADS, LENGTH, PARAMS, VOCABULARY, WIDTH, X, Y


def attention(x: Any, p: Any, k: int) -> Any:
    """Causal attention of all heads."""
    qkv = linear(x, p[f"{k}.qkv"], p[f"{k}.qkv_bias"]).split(WIDTH, dim=2)
    heads = [y.view(BATCH, LENGTH, HEADS, WIDTH // HEADS).transpose(1, 2) for y in qkv]
    mixed = scaled_dot_product_attention(*heads, is_causal=True)
    mixed = mixed.transpose(1, 2).reshape(BATCH, LENGTH, WIDTH)
    return linear(mixed, p[f"{k}.out"], p[f"{k}.out_bias"])


def loss(p: Any, tokens: Any, targets: Any) -> Any:
    """Mean cross-entropy of the next characters."""
    x = p["tokens"][tokens] + p["places"]
    for k in range(BLOCKS):
        inner = layer_norm(x, (WIDTH,), p[f"{k}.gain1"], p[f"{k}.shift1"], EPS)
        x = x + attention(inner, p, k)
        inner = layer_norm(x, (WIDTH,), p[f"{k}.gain2"], p[f"{k}.shift2"], EPS)
        inner = gelu(linear(inner, p[f"{k}.up"], p[f"{k}.up_bias"]), approximate="tanh")
        x = x + linear(inner, p[f"{k}.down"], p[f"{k}.down_bias"])
    x = layer_norm(x, (WIDTH,), p["gain"], p["shift"], EPS)
    return cross_entropy(linear(x, p["head"]).reshape(-1, VOCABULARY), targets.ravel())


def steps(compile: Any) -> dict[str, Any]:
    """The training step; ``linear`` has its matrices as (out, in)."""
    whole = ("tokens", "places")
    params = {
        name: torch.tensor(value if name in whole else value.T.copy(), requires_grad=True)
        for name, value in PARAMS.items()
    }
    optimizer = torch.optim.Adam(params.values())
    tokens, targets = torch.tensor(X), torch.tensor(Y)
    loss_of = compile(loss)

    def step() -> Any:
        optimizer.zero_grad()
        value = loss_of(params, tokens, targets)
        value.backward()
        optimizer.step()
        turned = [
            p.grad.mT if p.ndim == 2 and name not in whole else p.grad for name, p in params.items()
        ]
        return value, turned

    return {"step": step}
