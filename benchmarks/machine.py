"""``python -m benchmarks.machine``: what the figures are measured on and with; prints JSON."""

from __future__ import annotations

import datetime
import json
import os
import platform
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.processes import PEER_ENVIRONMENT, PEERS, ROOT, THREADS, run_module

_VERSIONS = """
import importlib.metadata as m, json, sys
found = {}
for name in sys.argv[1:]:
    try:
        found[name] = m.version(name)
    except m.PackageNotFoundError:
        pass
print(json.dumps(found))
"""


def blas_kernel() -> str:
    """The BLAS that NumPy calls, with the kernel that it chose for this processor."""
    try:
        import threadpoolctl
    except ImportError:
        built = np.show_config(mode="dicts")["Build Dependencies"]["blas"]
        return f"{built['name']} {built['version']} (kernel: pip install threadpoolctl)"
    found = [each for each in threadpoolctl.threadpool_info() if each["user_api"] == "blas"]
    return ", ".join(
        f"{each['internal_api']} {each['version']} {each.get('architecture', '')}".strip()
        for each in found
    )


def processor() -> str:
    """The processor's own name, where the system tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def peer_versions(peer_python: str | None) -> dict[str, str]:
    """The peers that are installed, by name."""
    python = Path(peer_python or PEER_ENVIRONMENT / "bin" / "python")
    if not python.exists():
        return {}
    names = [peer.partition("==")[0] for peer in PEERS]
    done = subprocess.run(
        [str(python), "-c", _VERSIONS, *names], check=True, stdout=subprocess.PIPE, text=True
    )
    found: dict[str, str] = json.loads(done.stdout)
    return found


def git(*arguments: str) -> str:
    """What git says about this tree; empty where there is no git or no repository."""
    try:
        done = subprocess.run(
            ["git", *arguments], cwd=ROOT, check=False, capture_output=True, text=True
        )
    except FileNotFoundError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def describe(peer_python: str | None, quick: bool) -> dict[str, Any]:
    """Machine, versions, BLAS, date and commit of a run that begins now."""
    commit = git("rev-parse", "--short", "HEAD")
    changed = bool(git("status", "--porcelain", "--", "autodiff", "nn"))
    return {
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "commit": commit or "unknown",
        "changed_since_commit": changed,
        "quick": quick,
        "load_before": os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
        "machine": run_module("benchmarks.machine"),
        "peers": peer_versions(peer_python),
    }


def sentence(header: dict[str, Any]) -> str:
    """A header as two lines of text."""
    machine = header["machine"]
    peers = ", ".join(f"{name} {number}" for name, number in header["peers"].items())
    load = header.get("load_before")
    busy = "" if load is None else f", load {load:.1f} before the run"
    changed = " with changes" if header["changed_since_commit"] else ""
    return (
        f"{machine['processor']}, {machine['cpus']} CPUs, {machine['threads']} threads{busy}, "
        f"{machine['system']}; BLAS {machine['blas']}\n"
        f"Python {machine['python']}, numpy {machine['numpy']}, "
        f"peers: {peers or 'none installed (--peers installs them)'}; "
        f"{header['date']}, commit {header['commit']}{changed}"
        f"{', quick' if header['quick'] else ''}"
    )


def main() -> None:
    """Print the machine, as a contestant's process sees it."""
    facts = {
        "python": platform.python_version(),
        "numpy": version("numpy"),
        "blas": blas_kernel(),
        "processor": processor(),
        "architecture": platform.machine(),
        "system": platform.system(),
        "cpus": os.cpu_count(),
        "threads": THREADS,
    }
    json.dump(facts, sys.stdout)


if __name__ == "__main__":
    main()
