"""Figures as a table and as JSON."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Sequence
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path

from benchmarks.figures import Figure
from benchmarks.processes import THREADS

_HEAD = ("workload", "what", "contestant", "median", "quartiles", "ours/theirs", "limit", "")


def number(value: float) -> str:
    """Three significant digits, thousands apart.

    >>> number(12345.6), number(1.23456), number(0.0)
    ('12,346', '1.23', '0')
    """
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def cells(figure: Figure) -> tuple[str, ...]:
    """The texts of one row."""
    spread = ""
    if figure.low is not None and figure.high is not None and figure.low < figure.high:
        spread = f"{number(figure.low)} – {number(figure.high)}"
    return (
        figure.workload,
        figure.what,
        figure.contestant,
        f"{number(figure.value)} {figure.unit}",
        spread,
        "" if figure.ratio is None else f"{figure.ratio:.3f}",
        "" if figure.limit is None else f"≤ {figure.limit:g}",
        {None: "", True: "met", False: "MISSED"}[figure.met],
    )


def table(figures: Sequence[Figure]) -> str:
    """All figures, aligned: words to the left, numbers to the right."""
    rows = [_HEAD, *map(cells, figures)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = []
    for row in rows:
        texts = [
            text.ljust(width) if i < 3 or i == 7 else text.rjust(width)
            for i, (text, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append("  ".join(texts).rstrip())
    rule = "  ".join("─" * width for width in widths if width)
    return "\n".join([lines[0], rule, *lines[1:]])


def machine() -> dict[str, str | int | None]:
    """What the figures were measured on."""
    return {
        "python": platform.python_version(),
        "numpy": version("numpy"),
        "machine": platform.machine(),
        "system": platform.system(),
        "cpus": os.cpu_count(),
        "threads": THREADS,
    }


def save(figures: Sequence[Figure], path: Path) -> None:
    """Write the figures and the machine as JSON."""
    rows = [asdict(figure) | {"met": figure.met} for figure in figures]
    path.write_text(json.dumps({"machine": machine(), "figures": rows}, indent=1) + "\n")
