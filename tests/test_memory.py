"""Freed memory: kept by default, given back where that is asked for."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

import autodiff as ad

# New pages that 100 arrays of 8 MB each, one after the other, ask of the system.
PROGRAM = """
import resource
import numpy as np
{start}
def faults():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt
np.ones(10**6)
before = faults()
for _ in range(100):
    np.ones(10**6)
print(faults() - before)
"""

glibc = pytest.mark.skipif(
    not ad.keep_freed_memory(2**30), reason="the C library of this machine is not glibc"
)


def faults(start: str, **environment: str) -> int:
    # Large pages would be few in any case.
    environment = {"NUMPY_MADVISE_HUGEPAGE": "0", "OPENBLAS_NUM_THREADS": "1", **environment}
    run: Any = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(start=start)],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return int(run.stdout)


@glibc
def test_import_keeps_freed_memory() -> None:
    assert faults("import autodiff") < 1000


@glibc
def test_zero_gives_it_back() -> None:
    assert faults("import autodiff; autodiff.keep_freed_memory(0)") > 10_000


@glibc
def test_the_environment_has_the_word() -> None:
    assert faults("import autodiff", MALLOC_TRIM_THRESHOLD_="131072") > 10_000


@pytest.mark.parametrize("limit", [-1, 2**31])
def test_a_limit_out_of_range_raises(limit: int) -> None:
    with pytest.raises(ValueError, match=r"0 to 2\*\*31 - 1 bytes"):
        ad.keep_freed_memory(limit)
