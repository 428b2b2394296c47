"""Figures as a table for the terminal."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.figures import CONTESTANTS, Figure

_HEAD = ("workload", "contestant", "median", "quartiles", "ours/this", "limit", "first", "peak", "")
_TEXT = (0, 1, 8)  # columns of words, to the left; numbers stand to the right


def number(value: float) -> str:
    """Three significant digits, thousands apart.

    >>> number(12345.6), number(1.23456), number(0.0)
    ('12,346', '1.23', '0')
    """
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def optional(value: float | None, unit: str = "") -> str:
    """A number with its unit; empty where there is none.

    >>> optional(0.5, " s"), optional(None)
    ('0.5 s', '')
    """
    return "" if value is None else number(value) + unit


def cells(figure: Figure) -> tuple[str, ...]:
    """The texts of one row."""
    spread = ""
    if figure.low is not None and figure.high is not None and figure.low < figure.high:
        spread = f"{number(figure.low)} – {number(figure.high)}"
    return (
        figure.what,
        figure.contestant,
        f"{number(figure.value)} {figure.unit}",
        spread,
        "" if figure.ratio is None else f"{figure.ratio:.2f}×",
        "" if figure.limit is None else f"≤ {figure.limit:g}",
        optional(figure.first_call_s, " s"),
        optional(figure.peak_mb, " MB"),
        {None: "", True: "met", False: "MISSED"}[figure.met],
    )


def order(figure: Figure) -> int:
    """Ours first, then peers, NumPy and the floor; others as they came."""
    known = figure.contestant in CONTESTANTS
    return CONTESTANTS.index(figure.contestant) if known else len(CONTESTANTS)


def aligned(rows: Sequence[tuple[str, ...]]) -> list[str]:
    """Words to the left, numbers to the right; a row of one cell spans the table."""
    widths = [max(map(len, column)) for column in zip(*[r for r in rows if len(r) > 1])]
    lines = []
    for row in rows:
        texts = row
        if len(row) > 1:
            texts = tuple(
                text.ljust(width) if i in _TEXT else text.rjust(width)
                for i, (text, width) in enumerate(zip(row, widths, strict=True))
            )
        lines.append("  ".join(texts).rstrip())
    rule = "─" * max(map(len, lines))
    return [lines[0], rule, *lines[1:]]


def table(figures: Sequence[Figure]) -> str:
    """All figures, a block a workload, a step's name on its first row only."""
    if not figures:
        return "nothing was measured"
    rows: list[tuple[str, ...]] = [_HEAD]
    for workload in dict.fromkeys(f.workload for f in figures):
        rows.append((workload,))
        own = [f for f in figures if f.workload == workload]
        for what in dict.fromkeys(f.what for f in own):
            step = sorted((f for f in own if f.what == what), key=order)
            for i, figure in enumerate(step):
                first, *others = cells(figure)
                rows.append((f"  {'' if i else first}", *others))
    return "\n".join(aligned(rows))
