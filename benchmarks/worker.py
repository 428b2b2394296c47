"""One contestant's process: ``python -m benchmarks.worker WORKLOAD CONTESTANT``.

Reads ``answer STEP`` and ``time STEP`` from standard input, one a line, and answers each with a
line of JSON: the numbers that one iteration gives, or the seconds that it takes.
"""

from __future__ import annotations

import importlib
import json
import sys
import time

import numpy as np


def main(workload: str, contestant: str) -> None:
    """Serve until standard input ends."""
    steps = importlib.import_module(f"benchmarks.{workload}.{contestant}").STEPS
    for line in sys.stdin:
        reply: list[float] | float
        command, step = line.split()
        run = steps[step]
        if command == "answer":
            reply = np.asarray(run(), np.float64).ravel().tolist()
        else:
            start = time.perf_counter()
            run()
            reply = time.perf_counter() - start
        print(json.dumps(reply), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
