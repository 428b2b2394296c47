"""Freed memory: kept by default, given back where that is asked for."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import numpy as np
import pytest

import autodiff as ad

# New pages that 30 steps ask of the system, each of which holds ten arrays of 4 MB and frees them.
PROGRAM = """
import resource
import numpy as np
{start}
def faults():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt
def step():
    arrays = [np.ones(500_000) for _ in range(10)]
step()
before = faults()
for _ in range(30):
    step()
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
    assert faults("import autodiff") * 20 < faults("")


@glibc
def test_zero_gives_it_back() -> None:
    assert faults("import autodiff; autodiff.keep_freed_memory(0)") >= faults("")


@glibc
def test_the_environment_has_the_word() -> None:
    given = {"MALLOC_TRIM_THRESHOLD_": "131072"}
    assert faults("import autodiff", **given) * 1.05 > faults("", **given)


@pytest.mark.parametrize("limit", [-1, 2**31])
def test_a_limit_out_of_range_raises(limit: int) -> None:
    with pytest.raises(ValueError, match=r"0 to 2\*\*31 - 1 bytes"):
        ad.keep_freed_memory(limit)


def test_a_limit_is_a_whole_number() -> None:
    assert ad.keep_freed_memory(np.int64(2**30)) == ad.keep_freed_memory(2**30)
    with pytest.raises(TypeError, match="float"):
        ad.keep_freed_memory(1e9)  # type: ignore[arg-type]  # the error is what is tested
