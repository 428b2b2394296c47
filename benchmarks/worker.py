"""One contestant's process: ``python -m benchmarks.worker WORKLOAD CONTESTANT``.

Reads commands from standard input, one a line, and answers each with a line of JSON:

``answer STEP``      the arrays that the first iteration gives, each as a flat list
``time STEP COUNT``  seconds an iteration, over COUNT of them
``first STEP``       seconds of the first iteration, compilation included
``peak``             the most memory that the process has had, in MB
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import resource
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.processes import CONTESTANTS, THREADS

IDLE = 0.2  # of one processor's time: threads that only wait take less
WATCHED = 20e-3  # seconds: the kernel adds up the time of running threads at its ticks only
LONG = 50e-3  # seconds of an iteration beside which waking and empty caches are nothing


def same(value: Any) -> Any:
    """What an eager contestant's ``compile`` and ``finish`` do: nothing."""
    return value


def tools(contestant: str) -> tuple[Callable[[Any], Any], Callable[[Any], Any]]:
    """How a contestant compiles a function, and how it waits for a result."""
    if contestant == "jax":
        jax = importlib.import_module("jax")
        return jax.jit, jax.block_until_ready
    if contestant == "torch-compile":
        return importlib.import_module("torch").compile, same
    if contestant == "ours-compiled":
        return importlib.import_module("autodiff").compile, same
    return same, same


def arrays(value: Any) -> Iterator[np.ndarray[Any, Any]]:
    """The arrays of an answer, nested in tuples, lists and dicts in any way."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, (list, tuple)):
        for item in value:
            yield from arrays(item)
        return
    # All but JAX keep the bare array, without history, in ``data``.
    if type(value).__module__.partition(".")[0] in ("autodiff", "nn", "torch", "mygrad"):
        value = value.data
    yield np.asarray(value, np.float64).ravel()


def peak() -> float:
    """Peak memory in MB: the kernel's mark for this process image where there is one.

    ``ru_maxrss`` starts from what the parent had when it forked.
    """
    status = Path("/proc/self/status")
    if status.exists():
        line = next(x for x in status.read_text().splitlines() if x.startswith("VmHWM"))
        return int(line.split()[1]) * 1024 / 1e6
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6


def settle(longest: float = 1.0) -> None:
    """Wait until no thread of this process works, or ``longest`` seconds.

    OpenBLAS's go on spinning for some 0.1 s after a product, at the cost of who comes next.
    """
    start = time.perf_counter()
    while time.perf_counter() - start < longest:
        begun, worked = time.perf_counter(), time.process_time()
        time.sleep(WATCHED)
        if time.process_time() - worked < IDLE * (time.perf_counter() - begun):
            return


class Server:
    """The steps of one contestant, and how long the first iteration of each took."""

    def __init__(self, workload: str, contestant: str) -> None:
        compile, self.finish = tools(contestant)
        module = importlib.import_module(f"benchmarks.{workload}.{CONTESTANTS[contestant].file}")
        self.steps = module.steps(compile)
        self.firsts: dict[str, float] = {}
        self.lasts: dict[str, float] = {}

    def run(self, step: str, count: int = 1) -> tuple[Any, float]:
        """The last result of ``count`` iterations, and seconds of one."""
        run, finish, result = self.steps[step], self.finish, None
        start = time.perf_counter()
        for _ in range(count):
            result = finish(run())
        seconds = (time.perf_counter() - start) / count
        self.firsts.setdefault(step, seconds)
        self.lasts[step] = seconds
        return result, seconds

    def reply(self, command: str, step: str = "", count: str = "1") -> Any:
        """What one line asks for."""
        if command == "answer":
            return [x.tolist() for x in arrays(self.run(step)[0])]
        if command == "time":
            if self.lasts.get(step, 0.0) < LONG:
                self.run(step)  # wakes threads and fills caches, which others have emptied
            seconds = self.run(step, int(count))[1]
            settle()
            return seconds
        return self.firsts[step] if command == "first" else peak()


def main(workload: str, contestant: str) -> None:
    """Serve until standard input ends."""
    if hasattr(os, "sched_setaffinity"):
        # Not every contestant's threads obey an environment variable.
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:THREADS])
    with contextlib.redirect_stdout(sys.stderr):
        server = Server(workload, contestant)
    for line in sys.stdin:
        with contextlib.redirect_stdout(sys.stderr):
            reply = server.reply(*line.split())
        print(json.dumps(reply), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
