"""A report as a table in a terminal, and as HTML."""

from __future__ import annotations

import html
import math
import os
from collections import Counter
from collections.abc import Sequence
from typing import Any

HEADINGS = (
    "name", "shape", "compared", "worst at", "autodiff", "numeric", "rel error", "allowed",
    "slope", "verdict",
)  # fmt: skip
LEFT = frozenset({"name", "shape", "worst at", "verdict"})
TELLING = 0.1  # a power above this is none
MISSED = 12  # unseen mutants that are listed by line


def as_text(report: Any) -> str:
    """The report as lines: headline, table, what is wrong, what was met."""
    headings, rows = _table(report)
    table = [headings, *rows]
    widths = [max(len(row[i]) for row in table) for i in range(len(headings))]
    lines = [
        "  ".join(
            cell.ljust(width) if name in LEFT else cell.rjust(width)
            for name, cell, width in zip(headings, row, widths, strict=True)
        ).rstrip()
        for row in table
    ]
    rule = "─" * max(map(len, lines))
    body = [report.headline(), rule, lines[0], rule, *lines[1:], rule]
    return "\n".join([*body, *remarks(report)])


def as_html(report: Any) -> str:
    """The report as a table with the remarks below."""
    headings, rows = _table(report)
    body = "".join(
        _html_row(row, "td", "" if entry.ok else ' style="background:#fee2e2;color:#7f1d1d"')
        for row, entry in zip(rows, report.entries, strict=True)
    )
    notes = "".join(f"<li>{html.escape(line.strip())}</li>" for line in remarks(report))
    return (
        f"<p><b>{html.escape(report.headline())}</b></p>"
        f"<table><thead>{_html_row(headings, 'th')}</thead>"
        f"<tbody>{body}</tbody></table>{f'<ul>{notes}</ul>' if notes else ''}"
    )


def remarks(report: Any) -> list[str]:
    """What the table has no place for, one sentence a line."""
    lines = [line for c in report.culprits for line in _culprit(c)]
    notes: dict[str, list[str]] = {}
    for e in report.entries:
        if e.note:
            notes.setdefault(e.note, []).append(e.name)
    lines += [f"{_names(names)}: {note}" for note, names in notes.items()]
    lines += [_kink(k) for k in report.kinks]
    if report.power < TELLING and report.verdict != "inconclusive":
        lines.append(f"Any gradient wrong by a factor 1 ± {report.power:.1e} would have shown.")
    if report.mutants is not None:
        lines += _mutants(report)
    return lines


def _culprit(c: Any) -> list[str]:
    where = f" in {c.module}" if c.module else ""
    head = f"► {c.primitive}{where}{_line(c.line)}: "
    if not math.isfinite(c.numeric):
        return [head + c.diagnosis]
    at = "" if c.index is None else f" at {_at(c.index, c.part)}"
    found = f"autodiff {c.analytic:.9g}, numeric {c.numeric:.9g}, relative error {c.error:.1e}"
    return [
        f"{head}its gradient for {c.input} is wrong",
        f"  {c.diagnosis}",
        f"  worst{at}: {found}",
    ]


def _at(index: tuple[int, ...], part: str) -> str:
    return f"{list(index)} {part}".rstrip()


def _names(names: list[str]) -> str:
    rest = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return ", ".join(names[:3]) + rest


def _kink(k: Any) -> str:
    where = f" in {'.'.join(k.module)}" if k.module else ""
    entries = "1 entry" if k.count == 1 else f"{k.count:,} entries"
    return (
        f"kink at {k.primitive}{where}{_line(k.line)}, {entries}: "
        "compared with the one-sided derivatives"
    )


def _mutants(report: Any) -> list[str]:
    unseen, total = report.unseen, len(report.mutants)
    kinds = Counter(m.fault for m in report.mutants)
    caught = Counter(m.fault for m in report.mutants if m.seen)
    parts = ", ".join(f"{kind} {caught[kind]}/{n}" for kind, n in kinds.items())
    lines = [f"mutations: {total - len(unseen)} of {total} planted faults seen ({parts})"]
    for m in unseen[:MISSED]:
        where = f" in {m.module}" if m.module else ""
        lines.append(f"  not seen: {m.fault} in {m.primitive}{where}{_line(m.line)}, {m.input}")
    if len(unseen) > MISSED:
        lines.append(f"  and {len(unseen) - MISSED} more")
    return lines


def _line(place: tuple[str, int] | None) -> str:
    if place is None:
        return ""
    name = os.path.relpath(place[0]) if os.path.isabs(place[0]) else place[0]
    name = place[0] if name.startswith("..") else name
    return f" ({name}:{place[1]})"


def _table(report: Any) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Headings and rows; the column of the own dtype only where there is one."""
    own = any(e.own is not None for e in report.entries)
    headings = (*HEADINGS[:-1], "own dtype", HEADINGS[-1]) if own else HEADINGS
    return headings, [_row(e, own) for e in report.entries]


def _row(entry: Any, own: bool) -> tuple[str, ...]:
    counted = f"{entry.checked:,}/{entry.size:,}"
    if entry.directions:
        counted += f" + {entry.directions} dir"
    shape = "×".join(map(str, entry.shape)) or "scalar"
    shape += " complex" if entry.dtype.startswith("complex") else ""
    name = f"∂² {entry.name}" if entry.order == 2 else entry.name
    extra = ((f"{entry.own:.1e}" if entry.own is not None else "–"),) if own else ()
    if entry.worst is None:
        return (name, shape, counted, *("–",) * 6, *extra, entry.verdict)
    place = entry.worst if isinstance(entry.worst, str) else _at(entry.worst, entry.part)
    return (
        name, shape, counted, place, f"{entry.analytic:.9g}", f"{entry.numeric:.9g}",
        f"{entry.error:.1e}", f"{entry.allowed:.1e}",
        f"{entry.slope:.1f}" if math.isfinite(entry.slope) else "–", *extra, entry.verdict,
    )  # fmt: skip


def _html_row(cells: Sequence[str], tag: str, style: str = "") -> str:
    return f"<tr{style}>{''.join(f'<{tag}>{html.escape(c)}</{tag}>' for c in cells)}</tr>"
