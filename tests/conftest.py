"""What all tests share.

Hypothesis profiles: choose one with HYPOTHESIS_PROFILE=dev|ci|intense; CI takes ``ci``.
"""

from __future__ import annotations

import builtins
import os
from importlib import import_module
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from autodiff import registry

# Tests take every primitive and function from the registry, also those that load when first named.
registry.load_all()
for _namespace in ("fft", "linalg", "random", "special"):
    import_module(f"autodiff.{_namespace}")

# Each worker of pytest-xdist would start as many BLAS threads as there are cores; they then wait
# for each other. Workers are started with this environment.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

# Machines that are shared stall for longer than any deadline: time is not what these tests check.
_COMMON = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

settings.register_profile("dev", _COMMON, max_examples=30)
# The same examples on every run: a change is never blamed for what another one broke.
settings.register_profile("ci", _COMMON, max_examples=60, derandomize=True, print_blob=True)
settings.register_profile("intense", _COMMON, max_examples=2000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci" if os.environ.get("CI") else "dev"))


@pytest.fixture
def no_scipy(monkeypatch: pytest.MonkeyPatch) -> None:
    """An interpreter in which SciPy is not installed."""
    real = builtins.__import__

    def without(name: str, *args: Any, **kwargs: Any) -> Any:
        if name.split(".")[0] == "scipy":
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
