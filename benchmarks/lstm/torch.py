"""The training step in PyTorch, with its fused LSTM."""

from __future__ import annotations

from typing import Any

import torch
from torch.nn.functional import cross_entropy

from benchmarks.lstm import EMBED, HIDDEN, PARAMS, VOCABULARY, X, Y


def steps(compile: Any) -> dict[str, Any]:
    """The training step."""
    embedding = torch.nn.Embedding(VOCABULARY, EMBED)
    lstm, output = torch.nn.LSTM(EMBED, HIDDEN), torch.nn.Linear(HIDDEN, VOCABULARY)
    # PyTorch has two biases, of input and of state; the second is held at zero.
    lstm.bias_hh_l0.requires_grad_(False)
    params = [embedding.weight, lstm.weight_ih_l0, lstm.weight_hh_l0, lstm.bias_ih_l0]
    params += [output.weight, output.bias]
    turned = [False, True, True, False, True, False]
    with torch.no_grad():
        lstm.bias_hh_l0.zero_()
        for p, value, turn in zip(params, PARAMS, turned, strict=True):
            p.copy_(torch.tensor(value.T if turn else value))
    optimizer = torch.optim.Adam(params)
    x, y = torch.tensor(X), torch.tensor(Y).ravel()

    def loss(x: Any, y: Any) -> Any:
        logits = output(lstm(embedding(x))[0])
        return cross_entropy(logits.reshape(-1, VOCABULARY), y)

    loss_of = compile(loss)

    def step() -> Any:
        optimizer.zero_grad()
        value = loss_of(x, y)
        value.backward()
        optimizer.step()
        return value, [p.grad.T if turn else p.grad for p, turn in zip(params, turned)]

    return {"step": step}
