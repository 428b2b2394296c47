"""``REPORT.md`` and ``report.html`` from the kept runs: ``python -m benchmarks.report_pages``.

The pages are written again from ``results/`` by every ``--record``; nothing in them is typed.
"""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.figures import OURS, PEER_CONTESTANTS
from benchmarks.machine import sentence
from benchmarks.report import number, optional
from benchmarks.report_compare import verdict
from benchmarks.report_json import Record, Row, kept
from benchmarks.report_plots import against, own_ratios, plots

FOLDER = Path(__file__).resolve().parent
RESULTS = FOLDER / "results"
_ALT = {
    "ratios": "Time of ours, eager, over the fastest peer, by workload",
    "scaling": "Time and memory of ours, eager, as the work grows",
    "history": "The ratio to the fastest peer over the kept runs",
}
_CSS = """
body { font: 15px/1.45 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem;
       color: #1b1b1b; background: #fff; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.15rem; margin-top: 2.2rem; }
table { border-collapse: collapse; font-size: 13px; font-variant-numeric: tabular-nums; }
th { text-align: left; border-bottom: 2px solid #444; vertical-align: bottom; }
th, td { padding: .2rem .7rem .2rem 0; white-space: nowrap; }
td { border-bottom: 1px solid #e4e4e4; }
.n { text-align: right; } .faster, .met { color: #2a7f4f; } .slower, .missed { color: #b8472a; }
.wide { overflow-x: auto; } svg { max-width: 100%; height: auto; } pre { white-space: pre-wrap; }
"""


@dataclass(frozen=True)
class Table:
    """Head and rows of texts; the columns from ``words`` on hold numbers."""

    head: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]
    words: int = 1


@dataclass(frozen=True)
class Section:
    """A heading with what stands below it, in this order."""

    title: str
    text: str = ""
    plot: str = ""
    table: Table | None = None


def times(value: float | None) -> str:
    """A ratio as text.

    >>> times(0.567), times(12.34), times(None)
    ('0.57×', '12.3×', '–')
    """
    return "–" if value is None else f"{value:.2f}×" if value < 10 else f"{value:,.1f}×"


def microseconds(row: Row) -> str:
    """Median and quartiles.

    >>> microseconds({"median_us": 12.0, "low_us": 11.0, "high_us": 13.5})
    '12 (11 – 13.5)'
    """
    return f"{number(row['median_us'])} ({number(row['low_us'])} – {number(row['high_us'])})"


def fastest_peer(record: Record, workload: str) -> Row | None:
    """The peer with the smallest ratio in a workload; None where none ran."""
    peers = [
        row
        for row in record.rows
        if row["workload"] == workload and row["contestant"] in PEER_CONTESTANTS
    ]
    return min(peers, key=lambda row: row["ratio_to_best_peer"] or 0.0, default=None)


def summary(record: Record) -> Table:
    """A row a workload: ours, eager, beside the fastest peer and the floor."""
    head = ("workload", "fastest peer", "ours, µs", "peer, µs", "ours / peer", "ours / torch",
            "× of the limit", "first call, s: ours", "peer", "peak, MB: ours", "peer")  # fmt: skip
    rows = []
    torch = against(record, "torch")
    for ours in record.rows:
        name = ours["workload"]
        if ours["contestant"] != OURS or "/" in name or name == "scaling":
            continue
        peer = fastest_peer(record, name) or {}
        rows.append(
            (
                name,
                peer.get("contestant", "–"),
                number(ours["median_us"]),
                optional(peer.get("median_us")) or "–",
                times(ours["ratio_to_best_peer"]),
                times(torch.get(name)),
                times(ours.get("of_limit")),
                optional(ours["first_call_s"]) or "–",
                optional(peer.get("first_call_s")) or "–",
                optional(ours["peak_mb"]) or "–",
                optional(peer.get("peak_mb")) or "–",
            )
        )
    return Table(head, rows, words=2)


def all_rows(record: Record) -> Table:
    """Every timed row but those that the scaling plot holds."""
    head = ("workload", "contestant", "median (quartiles), µs", "/ best peer", "× of the limit",
            "first call, s", "peak, MB")  # fmt: skip
    rows = [
        (
            row["workload"],
            row["contestant"],
            microseconds(row),
            times(row["ratio_to_best_peer"]),
            times(row.get("of_limit")),
            optional(row["first_call_s"]) or "–",
            optional(row["peak_mb"]) or "–",
        )
        for row in record.rows
        if row["workload"].split("/")[0] != "scaling"
    ]
    return Table(head, rows, words=2)


def fact_rows(record: Record) -> Table:
    """Figures that are no times, and the limits that figures have."""
    words = {None: "", True: "met", False: "missed"}
    rows = []
    for fact in record.facts:
        ratio = fact["ratio"] is not None and fact["limit"] is not None
        value = times(fact["ratio"]) if ratio else f"{number(fact['value'])} {fact['unit']}"
        what = f"{fact['what']}, ours over this" if ratio else fact["what"]
        limit = "" if fact["limit"] is None else f"≤ {fact['limit']:g}"
        rows.append((fact["workload"], what, fact["contestant"], words[fact["met"]], value, limit))
    return Table(("workload", "what", "contestant", "limit is", "value", "limit"), rows, words=4)


def history_rows(records: Sequence[Record]) -> Table:
    """The ratio to the best peer, a column a kept run, newest first, at most eight."""
    shown = list(reversed(records))[:8]
    names = dict.fromkeys(name for record in shown for name in own_ratios(record))
    rows = []
    for name in names:
        found = [own_ratios(record).get(name) for record in shown]
        rows.append((name, *(times(r["ratio_to_best_peer"] if r else None) for r in found)))
    return Table(("workload", *(record.name for record in shown)), rows)


def sections(records: Sequence[Record]) -> list[Section]:
    """The report of the newest run; ``records`` are of one kind (all quick or all full)."""
    newest = records[-1]
    changes = verdict(records[-2], newest) if len(records) > 1 else "the first run that is kept"
    return [
        Section("Regressions", changes),
        Section(
            "Ours, eager, beside the fastest peer",
            "Median of one iteration. Below 1× ours is faster: the ratio is the median over pairs "
            "of neighbouring rounds. The limit is the time of the workload's matrix products alone "
            "and of its bytes at this machine's bandwidth.",
            "ratios",
            summary(newest),
        ),
        Section(
            "Scaling",
            "Ours, eager, on one thread; p is the exponent of the fitted power law.",
            "scaling",
        ),
        Section("Sizes, counts, limits", table=fact_rows(newest)),
        Section("History", "Ours, eager, over the fastest peer.", "history", history_rows(records)),
        Section("All rows", table=all_rows(newest)),
    ]


def markdown(parts: Sequence[Section], head: str, drawings: dict[str, str]) -> str:
    """The page as Markdown, with the drawings as files in ``plots/``."""
    lines = ["# Benchmarks", "", *(f"{line}  " for line in head.splitlines()), ""]
    for part in parts:
        lines += [f"## {part.title}", ""]
        lines += [f"{line}  " for line in part.text.splitlines()] + [""] if part.text else []
        if part.plot in drawings:
            lines += [f"![{_ALT[part.plot]}](plots/{part.plot}.svg)", ""]
        if part.table and part.table.rows:
            align = ["---" if i < part.table.words else "--:" for i in range(len(part.table.head))]
            texts = [part.table.head, tuple(align), *part.table.rows]
            lines += ["| " + " | ".join(row).replace("\n", " ") + " |" for row in texts] + [""]
    return "\n".join(line if line.strip() else "" for line in lines).rstrip() + "\n"


def cell(text: str, is_number: bool) -> str:
    """One cell, coloured where it says on which side of a limit it is."""
    kind = {"met": "met", "missed": "missed"}.get(text, "n" if is_number else "")
    return (
        f'<td class="{kind}">{html.escape(text)}</td>' if kind else f"<td>{html.escape(text)}</td>"
    )


def html_table(table: Table) -> str:
    """A table that scrolls by itself where the window is narrow."""
    heads = "".join(
        f'<th class="n">{html.escape(h)}</th>' if i >= table.words else f"<th>{html.escape(h)}</th>"
        for i, h in enumerate(table.head)
    )
    rows = [
        "<tr>" + "".join(cell(text, i >= table.words) for i, text in enumerate(row)) + "</tr>"
        for row in table.rows
    ]
    body = "\n".join(rows)
    return f'<div class="wide"><table>\n<tr>{heads}</tr>\n{body}\n</table></div>'


def page(parts: Sequence[Section], head: str, drawings: dict[str, str]) -> str:
    """The page as one HTML file with nothing outside it."""
    body = [f"<h1>Benchmarks</h1>\n<p>{html.escape(head).replace(chr(10), '<br>')}</p>"]
    for part in parts:
        body.append(f"<h2>{html.escape(part.title)}</h2>")
        if part.text:
            body.append(f"<p>{html.escape(part.text).replace(chr(10), '<br>')}</p>")
        if part.plot in drawings:
            alt = html.escape(_ALT[part.plot])
            body.append(f'<figure role="img" aria-label="{alt}">{drawings[part.plot]}</figure>')
        if part.table and part.table.rows:
            body.append(html_table(part.table))
    return (
        '<!doctype html>\n<html lang="en">\n<head><meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>Benchmarks</title>\n<style>{_CSS}</style></head>\n<body>\n"
        + "\n".join(body)
        + "\n</body>\n</html>\n"
    )


def write_pages(records: Sequence[Record], folder: Path = FOLDER) -> None:
    """Write both pages and the drawings, from the newest full run (without one: quick run).

    Raises ValueError where no run is kept.
    """
    if not records:
        raise ValueError("no run is kept yet: python -m benchmarks --record")
    full = [record for record in records if not record.header["quick"]]
    chosen = full or list(records)
    parts, head, drawings = sections(chosen), sentence(chosen[-1].header), plots(chosen)
    (folder / "plots").mkdir(exist_ok=True)
    for name, svg in drawings.items():
        (folder / "plots" / f"{name}.svg").write_text(svg, encoding="utf-8")
    (folder / "REPORT.md").write_text(markdown(parts, head, drawings), encoding="utf-8")
    (folder / "report.html").write_text(page(parts, head, drawings), encoding="utf-8")


if __name__ == "__main__":
    write_pages(kept(RESULTS))
