"""``python -m benchmarks.free.measure``: what survives its graph; prints JSON."""

from __future__ import annotations

import gc
import json
import weakref
from collections.abc import Callable
from typing import Any

import numpy as np

import autodiff as ad


def loss_of(w: ad.Tensor) -> list[Any]:
    """A small network's loss with its intermediate values, last first."""
    hidden = ad.tanh(ad.matmul(np.ones((4, 3)), w))
    return [ad.sum(hidden * hidden), hidden]


def forward(w: ad.Tensor) -> list[Any]:
    """Recorded and dropped."""
    return loss_of(w)


def backward(w: ad.Tensor) -> list[Any]:
    """Differentiated into ``.grad``."""
    values = loss_of(w)
    values[0].backward()
    w.grad = None
    return values


def first_order(w: ad.Tensor) -> list[Any]:
    """The gradient recorded too (``create_graph``)."""
    values = loss_of(w)
    return [ad.gradients(values[0], w, create_graph=True), *values]


def second_order(w: ad.Tensor) -> list[Any]:
    """The gradient of the recorded gradient, recorded once more."""
    values = first_order(w)
    return [ad.gradients(ad.sum(values[0]), w, create_graph=True), *values]


def survivors(program: Callable[[ad.Tensor], list[Any]]) -> int:
    """How many of the nodes and arrays that a program made outlive the names for them."""
    w = ad.tensor(np.linspace(-1.0, 1.0, 6).reshape(3, 2), requires_grad=True)
    values = program(w)
    watched = [weakref.ref(value.node) for value in values]
    watched += [weakref.ref(value.data.base) for value in values]
    if not all(ref() is not None for ref in watched):
        raise AssertionError(f"{program.__name__}: a value died while it was held")
    del values
    return sum(ref() is not None for ref in watched)


def main() -> None:
    """Survivors by program."""
    gc.disable()
    programs = (forward, backward, first_order, second_order)
    print(json.dumps({program.__name__: survivors(program) for program in programs}))


if __name__ == "__main__":
    main()
