"""What no implementation goes below: a workload's matrix products and its bytes, measured here.

``python -m benchmarks.limits NAME...`` measures the floors of these workloads and prints JSON. A
workload states its work by step (``Comparison.work``). Bytes are those apart from the operands of
the products, and none where they fit the cache: a cache is faster than the memory that is measured.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from benchmarks.figures import OURS, Figure, quartiles
from benchmarks.processes import THREADS, run_module
from benchmarks.workload import Work, load

Product = tuple[int, int, int, int]
_STREAM_FLOATS = 1 << 24  # 64 MB an array in float32: beyond the caches of a share of a server
_STACKED_BYTES = 1 << 25
_ROUNDS = 15


def timed(run: Callable[[], object], rounds: int = _ROUNDS) -> list[float]:
    """Seconds of each round, after a warm-up; short runs are repeated to some 50 µs a round."""
    run()
    start = time.perf_counter()
    run()
    repeats = max(1, int(5e-5 / max(time.perf_counter() - start, 1e-9)))
    samples = []
    for _ in range(rounds):
        start = time.perf_counter()
        for _ in range(repeats):
            run()
        samples.append((time.perf_counter() - start) / repeats)
    return samples


def product_seconds(product: Product, dtype: str) -> list[float]:
    """Rounds of one entry of ``Work.products``, in the fastest of the ways to write it.

    The ways: one after the other, transposed ((AB)ᵀ = BᵀAᵀ: where a dimension is small, the
    orientation matters), and as one stacked product.
    """
    m, k, n, count = product
    ways = []
    for rows, columns in ((m, n), (n, m)):
        a, b = np.ones((rows, k), dtype), np.ones((k, columns), dtype)
        out = np.empty((rows, columns), dtype)
        # The lambda is called before the next turn of the loop.
        ways.append([s * count for s in timed(lambda: np.matmul(a, b, out=out))])  # noqa: B023
    if count > 1 and count * (m * k + k * n + m * n) * np.dtype(dtype).itemsize < _STACKED_BYTES:
        stacked = np.ones((count, m, k), dtype), np.ones((count, k, n), dtype)
        target = np.empty((count, m, n), dtype)
        ways.append(timed(lambda: np.matmul(*stacked, out=target)))
    return min(ways, key=min)


def bandwidth() -> dict[str, float]:
    """Bytes a second of STREAM's copy (2 arrays) and add (3 arrays), on all threads at once.

    Source: McCalpin, "Memory bandwidth and machine balance in current high performance computers",
    IEEE TCCA Newsletter, 1995.
    """
    a, b, c = (np.ones(_STREAM_FLOATS, np.float32) for _ in range(3))
    parts = [
        slice(i * _STREAM_FLOATS // THREADS, (i + 1) * _STREAM_FLOATS // THREADS)
        for i in range(THREADS)
    ]
    kernels: dict[str, tuple[int, Callable[[slice], object]]] = {
        "copy": (2, lambda part: np.copyto(a[part], b[part])),
        "add": (3, lambda part: np.add(b[part], c[part], out=a[part])),
    }
    found = {}
    with ThreadPoolExecutor(THREADS) as pool:
        for name, (arrays, kernel) in kernels.items():
            # mypy has no type for a lambda with a default.
            samples = timed(lambda kernel=kernel: list(pool.map(kernel, parts)), 7)  # type: ignore[misc]
            found[name] = arrays * a.nbytes / min(samples)
    return found


def floor_seconds(work: Work, bytes_per_second: float) -> tuple[float, float]:
    """The products' time and the bytes' together: of the fastest rounds, and of the medians.

    The fastest is the floor: what a busy machine adds is no limit of the work.
    """
    fastest = middle = work.moved / bytes_per_second
    for product in work.products:
        samples = product_seconds(product, work.dtype)
        fastest += min(samples)
        middle += quartiles(samples)[1]
    return fastest, middle


def works(workload: str) -> dict[str, Work]:
    """What a workload says about its steps; empty where it says nothing."""
    return dict(getattr(load(workload), "work", {}))


def beside(figures: Sequence[Figure], measured: dict[str, Any]) -> list[Figure]:
    """The figures with the floor of each step after its other rows; a floor's ratio is × of it."""
    rows: list[Figure] = []
    for i, figure in enumerate(figures):
        rows.append(figure)
        step = (figure.workload, figure.what)
        following = figures[i + 1] if i + 1 < len(figures) else None
        if following is not None and (following.workload, following.what) == step:
            continue
        floor = measured["floors"].get(figure.workload, {}).get(figure.what)
        ours = next(
            (f for f in figures if (f.workload, f.what) == step and f.contestant == OURS), None
        )
        if floor is None or ours is None or ours.microseconds is None:
            continue
        fastest, middle = (seconds * 1e6 for seconds in floor)
        ratio = ours.microseconds[1] / fastest
        rows.append(Figure(*step, "floor", fastest, "µs", fastest, middle, ratio))
    for kernel, speed in measured["bandwidth"].items():
        rows.append(Figure("limits", f"memory {kernel}", "floor", speed / 1e9, "GB/s"))
    return rows


def measure(names: Sequence[str]) -> dict[str, Any]:
    """Floors and bandwidth, measured in a process with the contestants' environment."""
    measured: dict[str, Any] = run_module("benchmarks.limits", *names)
    return measured


def main(names: Sequence[str]) -> None:
    """Print bandwidth and floors (seconds, by workload and step)."""
    speeds = bandwidth()
    fastest = max(speeds.values())
    floors = {
        name: {step: floor_seconds(work, fastest) for step, work in works(name).items()}
        for name in names
    }
    print(json.dumps({"bandwidth": speeds, "floors": floors}))


if __name__ == "__main__":
    main(sys.argv[1:])
