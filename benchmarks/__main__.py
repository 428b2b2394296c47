"""``python -m benchmarks [--quick] [--only NAME] [--json FILE] [--peers]``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.figures import Figure
from benchmarks.processes import PEERS, install_peers
from benchmarks.report import machine, save, table
from benchmarks.workload import Options, workloads


def parser() -> argparse.ArgumentParser:
    """The command line."""
    found = workloads()
    lines = [f"  {name:10} {workload.title}" for name, workload in found.items()]
    result = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description="Measure autodiff, and peers where they are installed, in the same run.",
        epilog="workloads:\n" + "\n".join(lines),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    result.add_argument("--quick", action="store_true", help="fewer rounds, smaller sizes")
    result.add_argument("--only", metavar="NAME", action="append", choices=list(found))
    result.add_argument("--json", metavar="FILE", type=Path, help="write the figures here too")
    result.add_argument(
        "--peers", action="store_true", help=f"install {', '.join(PEERS)} into .venv-bench first"
    )
    result.add_argument(
        "--peer-python", metavar="FILE", help="an interpreter that has the peers already"
    )
    return result


def say(text: str) -> None:
    """Progress, apart from the result."""
    print(text, file=sys.stderr, flush=True)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure what is asked for and print the table."""
    asked = parser().parse_args(arguments)
    if asked.peers:
        install_peers()
    options = Options(quick=asked.quick, peer_python=asked.peer_python, say=say)
    figures: list[Figure] = []
    for name, workload in workloads().items():
        if not asked.only or name in asked.only:
            figures += workload.measure(name, options)
    print(", ".join(f"{key} {value}" for key, value in machine().items()))
    print(table(figures))
    if asked.json:
        save(figures, asked.json)


if __name__ == "__main__":
    main()
