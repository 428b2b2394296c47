"""Time and memory of ours, eager, as the work grows, fitted to power laws.

``python -m benchmarks.scaling SIZES-AS-JSON`` measures and prints JSON. Memory is what Python and
NumPy allocate at the peak of one step beyond what stood before it (``tracemalloc``), so the
interpreter and the modules do not hide a growth. One thread: waiting for a second one that a busy
machine does not run would be measured instead of the growth.
"""

from __future__ import annotations

import json
import sys
import time
import tracemalloc
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

import autodiff as ad
import nn
from benchmarks.figures import OURS, Figure, power_law, quartiles
from benchmarks.processes import run_module
from benchmarks.workload import Options

Step = Callable[[], object]
_ROUNDS = 9


def network(batch: int = 64, width: int = 64, depth: int = 4) -> Step:
    """Loss and gradients of a multilayer perceptron of equal widths."""
    layers = [nn.Dense(width, width, activation="relu") for _ in range(depth)]
    model = nn.Sequential(*layers)
    x = np.random.default_rng(0).normal(size=(batch, width)).astype(np.float32)
    return lambda: ad.gradients(ad.mean(ad.square(model(x))), model.named_parameters())


def attention(length: int) -> Step:
    """One head of 32 features over a sequence, and its gradients."""
    draw = np.random.default_rng(0)
    q, k, v = (
        ad.tensor(draw.normal(size=(length, 32)).astype(np.float32), requires_grad=True)
        for _ in range(3)
    )

    def step() -> object:
        weights = ad.softmax(ad.matmul(q, k.T) * np.float32(32**-0.5))
        return ad.gradients(ad.sum(ad.matmul(weights, v)), (q, k, v))

    return step


def chain(length: int) -> Step:
    """Operations one after the other on ten numbers, and the gradient."""

    def step() -> object:
        z = start = ad.tensor(np.linspace(-1.0, 1.0, 10), requires_grad=True)
        for _ in range(length // 2):
            z = ad.tanh(z * 1.01)
        return ad.gradients(ad.sum(z), start)

    return step


def update(parameters: int) -> Step:
    """One Adam step."""
    rule = nn.optim.adam(lr=1e-3)
    params = {"w": np.ones(parameters, np.float32)}
    grads = {"w": np.full(parameters, 0.5, np.float32)}
    state = rule.init(params)
    return lambda: rule.update(grads, state, params)


@dataclass(frozen=True)
class Growth:
    """What grows, over which sizes, and the most that its exponents may be (None: no claim)."""

    make: Callable[[int], Step]
    sizes: tuple[int, ...]
    limit: float


# Limits are the powers of the arithmetic, with room for noise and for caches that stop fitting.
GROWTHS = {
    "batch": Growth(lambda n: network(batch=n), (256, 512, 1024, 2048, 4096, 8192), 1.2),
    "width": Growth(lambda n: network(width=n), (128, 256, 512, 1024, 2048), 2.2),
    "depth": Growth(lambda n: network(depth=n), (4, 8, 16, 32, 64, 128), 1.2),
    "sequence": Growth(attention, (128, 256, 512, 1024, 2048), 2.2),
    "graph length": Growth(chain, (500, 1000, 2000, 4000, 8000, 16000), 1.2),
    "parameters": Growth(update, (10**5, 3 * 10**5, 10**6, 3 * 10**6, 10**7), 1.3),
}


def seconds(step: Step, rounds: int) -> list[float]:
    """Each round's time, after a warm-up."""
    step()
    samples = []
    for _ in range(rounds):
        start = time.perf_counter()
        step()
        samples.append(time.perf_counter() - start)
    return samples


def peak_bytes(step: Step) -> int:
    """The most that a step allocates at once."""
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    tracemalloc.reset_peak()
    step()
    peak = tracemalloc.get_traced_memory()[1] - before
    tracemalloc.stop()
    return peak


def point(name: str, size: int, rounds: int = _ROUNDS) -> dict[str, Any]:
    """Time and memory at one size."""
    step = GROWTHS[name].make(size)
    return {"size": size, "seconds": seconds(step, rounds), "peak_mb": peak_bytes(step) / 1e6}


def rows(workload: str, name: str, points: Sequence[dict[str, Any]]) -> list[Figure]:
    """A figure a size, ``what`` being ``name=size``, and the two exponents."""
    figures = []
    for each in points:
        low, middle, high = (1e6 * s for s in quartiles(each["seconds"]))
        what, peak = f"{name}={each['size']}", each["peak_mb"]
        figures.append(Figure(workload, what, OURS, middle, "µs", low, high, peak_mb=peak))
    sizes, limit = [each["size"] for each in points], GROWTHS[name].limit
    # The fastest round: a machine that is busy for a while bends the curve.
    for kind, values in (
        ("time", [min(each["seconds"]) for each in points]),
        ("memory", [each["peak_mb"] for each in points]),
    ):
        exponent = power_law(sizes, values)
        figures.append(Figure(workload, f"{kind} ~ {name}^p", OURS, exponent, "p", limit=limit))
    return figures


@dataclass(frozen=True)
class Scaling:
    """All growths, in one process with the contestants' environment."""

    title: str = "time and memory as batch, width, depth, sequence, graph, parameters grow"

    def measure(self, name: str, options: Options) -> list[Figure]:
        """Points and exponents; ``--quick`` leaves out the largest two sizes."""
        figures = []
        for growth, what in GROWTHS.items():
            options.say(f"{name}: {growth}")
            sizes = what.sizes[:-2] if options.quick else what.sizes
            points = run_module("benchmarks.scaling", json.dumps([growth, *sizes]), threads=1)
            figures += rows(name, growth, points)
        return figures


WORKLOAD = Scaling()


def main(asked: str) -> None:
    """Measure one growth."""
    name, *sizes = json.loads(asked)
    print(json.dumps([point(name, size) for size in sizes]))


if __name__ == "__main__":
    main(sys.argv[1])
