"""``python -m benchmarks``: measure, compare with what was, print, keep. ``--help`` says how."""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from benchmarks import instructions, limits, scaling
from benchmarks.figures import Figure
from benchmarks.machine import describe, sentence
from benchmarks.processes import PEERS, install_peers
from benchmarks.report import table
from benchmarks.report_compare import verdict
from benchmarks.report_json import Record, kept, load, record, save
from benchmarks.report_pages import RESULTS, write_pages
from benchmarks.workload import Options, Workload, workloads


def measured() -> dict[str, Workload]:
    """Everything that can be asked for by name: the folders, then scaling and instructions."""
    own: dict[str, Any] = {
        "scaling": scaling.WORKLOAD,
        "instructions": instructions.WORKLOAD,
    }
    return workloads() | own


def parser() -> argparse.ArgumentParser:
    """The command line."""
    found = measured()
    lines = [f"  {name:12} {workload.title}" for name, workload in found.items()]
    result = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description="Measure autodiff, and peers where they are installed, in the same run.",
        epilog="workloads:\n" + "\n".join(lines),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    result.add_argument("--quick", action="store_true", help="fewer rounds, smaller sizes")
    result.add_argument("--only", metavar="NAME", action="append", choices=list(found))
    result.add_argument("--json", metavar="FILE", type=Path, help="write the rows here too")
    result.add_argument(
        "--compare", metavar="OLD.json", type=Path, help="compare with this run, not the last kept"
    )
    result.add_argument(
        "--record",
        action="store_true",
        help=f"keep this run in {RESULTS.parent.name}/{RESULTS.name}/ and rewrite the report pages",
    )
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


def run(
    asked: argparse.Namespace, keep: Callable[[list[Figure]], None]
) -> tuple[list[Figure], list[str]]:
    """Measure what is asked for, with the floors beside it; figures, and what failed and why.

    One workload that fails (answers that differ, a process that dies) does not cost the others.
    ``keep`` gets the figures so far after each of them.
    """
    options = Options(quick=asked.quick, peer_python=asked.peer_python, say=say)
    figures: list[Figure] = []
    failures: list[str] = []
    for name, workload in measured().items():
        if name not in (asked.only or measured()):
            continue
        start = time.perf_counter()
        try:
            figures += workload.measure(name, options)
        except (AssertionError, RuntimeError, subprocess.CalledProcessError) as error:
            failures.append(f"FAILED {name}: {error}")
            say(failures[-1])
        say(f"{name}: {time.perf_counter() - start:.0f} s")
        keep(figures)
    stated = [name for name in workloads() if limits.works(name)]
    names = [name for name in stated if any(f.workload == name for f in figures)]
    if names:
        say("limits: matrix products alone, memory bandwidth")
        figures = limits.beside(figures, limits.measure(names))
    return figures, failures


def before(asked: argparse.Namespace) -> Record | None:
    """The run to compare with: the one that is named, else the last kept of the same kind."""
    if asked.compare:
        return load(asked.compare)
    last = kept(RESULTS, quick=asked.quick)
    return last[-1] if last else None


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure what is asked for; print failures and regressions first, then machine and table.

    Exits with status 1 where a workload failed; such a run is not kept by ``--record``.
    """
    line = parser()
    asked = line.parse_args(arguments)
    if asked.record and asked.only:
        line.error("--record keeps whole runs: leave out --only")
    old = before(asked)  # first of all: a file that cannot be read is known before the long run
    if asked.peers:
        install_peers()
    header = describe(asked.peer_python, asked.quick)

    def keep(figures: list[Figure]) -> None:
        # A long run that is cut short has not been for nothing.
        if asked.json:
            save(record(figures, header), asked.json)

    figures, failures = run(asked, keep)
    new = record(figures, header)
    print("\n".join(failures), end="\n" if failures else "")
    if old is not None:
        print(verdict(old, new))
    print(sentence(header))
    print(table(figures))
    if asked.json:
        save(new, asked.json)
    if failures:
        raise SystemExit(1)
    if asked.record:
        save(new, RESULTS / f"{new.name}{'-quick' if asked.quick else ''}.json")
        write_pages(kept(RESULTS))


if __name__ == "__main__":
    main()
