"""The training step by hand in NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.functional import AdamInPlace
from benchmarks.lstm import BATCH, HIDDEN, PARAMS, STEPS, X, Y

Array = np.ndarray[Any, Any]
TOKENS, TARGETS = X.ravel(), Y.ravel()
ROWS = np.arange(len(TARGETS))


def forward(params: list[Array]) -> tuple[Array, Array, Array]:
    """Activated gates, memories and states of all times; the last two start with zeros."""
    embedding, w, u, b = params[:4]
    gates = (embedding[TOKENS] @ w + b).reshape(STEPS, BATCH, 4 * HIDDEN)
    memories = np.zeros((STEPS + 1, BATCH, HIDDEN), np.float32)
    states = np.zeros_like(memories)
    for t in range(STEPS):
        a = gates[t]
        a += states[t] @ u
        # The logistic function by tanh, which has no overflow: half of all gates' work is one call.
        a[:, : 2 * HIDDEN] *= 0.5
        a[:, 3 * HIDDEN :] *= 0.5
        np.tanh(a, out=a)
        for part in (a[:, : 2 * HIDDEN], a[:, 3 * HIDDEN :]):
            part += 1
            part *= 0.5
        i, f, g, o = np.split(a, 4, axis=1)
        np.multiply(f, memories[t], out=memories[t + 1])
        memories[t + 1] += i * g
        np.multiply(o, np.tanh(memories[t + 1]), out=states[t + 1])
    return gates, memories, states


def backward(params: list[Array], gates: Array, memories: Array, d_states: Array) -> Array:
    """Gradients by the gates before their activation."""
    back = np.ascontiguousarray(params[2].T)
    d_gates = np.empty_like(gates)
    d_state = np.zeros((BATCH, HIDDEN), np.float32)
    d_memory = np.zeros_like(d_state)
    for t in reversed(range(STEPS)):
        i, f, g, o = np.split(gates[t], 4, axis=1)
        squashed = np.tanh(memories[t + 1])
        d_state += d_states[t]
        d_memory += d_state * o * (1 - squashed * squashed)
        d = d_gates[t]
        d[:, :HIDDEN] = d_memory * g * i * (1 - i)
        d[:, HIDDEN : 2 * HIDDEN] = d_memory * memories[t] * f * (1 - f)
        d[:, 2 * HIDDEN : 3 * HIDDEN] = d_memory * i * (1 - g * g)
        d[:, 3 * HIDDEN :] = d_state * squashed * o * (1 - o)
        d_memory *= f
        np.matmul(d, back, out=d_state)
    return d_gates.reshape(-1, 4 * HIDDEN)


def steps(compile: Any) -> dict[str, Any]:
    """The training step."""
    params = [p.copy() for p in PARAMS]
    rule = AdamInPlace(params)

    def step() -> Any:
        embedding, w, _, _, v, c = params
        gates, memories, states = forward(params)
        outputs = states[1:].reshape(-1, HIDDEN)
        z = outputs @ v
        z += c
        z -= z.max(axis=1, keepdims=True)
        chosen = z[ROWS, TARGETS]
        np.exp(z, out=z)
        total = z.sum(axis=1, keepdims=True)
        loss = np.mean(np.log(total[:, 0]) - chosen)
        z /= total
        z[ROWS, TARGETS] -= 1
        z /= len(ROWS)
        d = backward(params, gates, memories, (z @ v.T).reshape(STEPS, BATCH, HIDDEN))
        d_embedding = np.zeros_like(embedding)
        np.add.at(d_embedding, TOKENS, d @ w.T)
        before = states[:-1].reshape(-1, HIDDEN)
        grads = [d_embedding, embedding[TOKENS].T @ d, before.T @ d, d.sum(axis=0)]
        grads += [outputs.T @ z, z.sum(axis=0)]
        rule.step(grads)
        return loss, grads

    return {"step": step}
