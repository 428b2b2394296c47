"""``python -m benchmarks.deep.measure N``: one chain of N operations; prints JSON."""

from __future__ import annotations

import itertools
import json
import resource
import sys
import time

import numpy as np

import autodiff as ad


def main(length: int) -> None:
    """Build, differentiate and free one chain; seconds of each, and peak memory in GB."""
    marks = [time.perf_counter()]
    z = start = ad.tensor(np.linspace(-1.0, 1.0, 10), requires_grad=True)
    for _ in range(length // 4):
        z = ad.tanh(1.01 * z + 0.1) - 0.05
    marks.append(time.perf_counter())
    gradient = ad.gradients(z, start, cotangents=np.ones(10))
    marks.append(time.perf_counter())
    del z
    marks.append(time.perf_counter())
    if not np.isfinite(gradient.data).all():
        raise AssertionError(f"the gradient of {length} operations is {gradient.data}")
    seconds = [after - before for before, after in itertools.pairwise(marks)]
    # Linux counts the peak in KiB, macOS in bytes.
    unit = 1 if sys.platform == "darwin" else 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e9
    print(json.dumps(dict(zip(("build", "gradient", "free"), seconds)) | {"peak": peak}))


if __name__ == "__main__":
    main(int(sys.argv[1]))
