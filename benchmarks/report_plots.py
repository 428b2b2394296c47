"""The plots of the report, as SVG text with the same bytes for the same figures."""

from __future__ import annotations

import io
import math
from collections.abc import Callable, Sequence
from typing import Any

from benchmarks.figures import OURS
from benchmarks.report_json import Record, Row

BLUE, GREEN, RED = "#1f5fa8", "#2a7f4f", "#b8472a"
_STYLE: Any = {
    "svg.fonttype": "path",
    "svg.hashsalt": "benchmarks",  # else every run names its paths anew
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "figure.constrained_layout.use": True,
}


def drawn(draw: Callable[[Any], Any]) -> str:
    """The SVG of the figure that ``draw(pyplot)`` makes."""
    try:
        import matplotlib
    except ImportError as error:
        raise ImportError(
            "the report's plots need matplotlib: pip install autodiff-nn[train]"
        ) from error
    matplotlib.use("Agg")
    from matplotlib import pyplot

    with pyplot.rc_context(_STYLE):
        figure = draw(pyplot)
        text = io.StringIO()
        figure.savefig(text, format="svg", metadata={"Date": None})
        pyplot.close(figure)
    svg = text.getvalue()
    return svg[svg.index("<svg") :]


def own_ratios(record: Record) -> dict[str, Row]:
    """Ours, eager, by workload, where a peer ran; the steps that stand for a workload only."""
    return {
        row["workload"]: row
        for row in record.rows
        if row["contestant"] == OURS
        and row.get("ratio_to_best_peer")
        and "/" not in row["workload"]
    }


def against(record: Record, peer: str) -> dict[str, float]:
    """Ours, eager, over one peer, by workload: both have a ratio to the same best peer."""
    ours = own_ratios(record)
    return {
        row["workload"]: ours[row["workload"]]["ratio_to_best_peer"] / row["ratio_to_best_peer"]
        for row in record.rows
        if row["contestant"] == peer and row["workload"] in ours
    }


def power(exponent: int) -> str:
    """A power of two as a ratio.

    >>> power(3), power(0), power(-2)
    ('8×', '1×', '1/4×')
    """
    return f"{2**exponent}×" if exponent >= 0 else f"1/{2**-exponent}×"


def ratios(record: Record) -> str:
    """A bar a workload: ours over the fastest peer, on a logarithmic axis; a dot: over PyTorch."""
    found = sorted(own_ratios(record).items(), key=lambda item: item[1]["ratio_to_best_peer"])
    torch = against(record, "torch")

    def draw(pyplot: Any) -> Any:
        figure, axes = pyplot.subplots(figsize=(7.5, 1.1 + 0.3 * len(found)))
        names = [f"{name}  {row['ratio_to_best_peer']:.2f}×" for name, row in found]
        values = [math.log2(row["ratio_to_best_peer"]) for _, row in found]
        colours = [GREEN if value <= 0 else RED for value in values]
        axes.barh(names, values, color=colours, height=0.65, label="over the fastest peer")
        dots = [(math.log2(torch[name]), i) for i, (name, _) in enumerate(found) if name in torch]
        if dots:
            axes.plot(*zip(*dots), "o", color="black", markersize=4, label="over PyTorch, eager")
            axes.legend(loc="lower right", frameon=False)
        everything = [*values, *(x for x, _ in dots), -1.0, 1.0]
        axes.set_xlim(min(everything) - 0.4, max(everything) + 0.4)
        ticks = range(math.ceil(min(everything)), math.floor(max(everything)) + 1)
        axes.set_xticks(ticks, [power(k) for k in ticks])
        axes.axvline(0, color="black", linewidth=0.8)
        axes.set_xlabel("time of ours, eager (left of 1×: ours is faster)")
        return figure

    return drawn(draw)


def growths(record: Record) -> dict[str, list[tuple[float, Row]]]:
    """The points of the scaling measurement, by what grows."""
    found: dict[str, list[tuple[float, Row]]] = {}
    for row in record.rows:
        name, equals, size = row.get("what", "").partition("=")
        if equals and row["workload"].split("/")[0] == "scaling":
            found.setdefault(name, []).append((float(size), row))
    return found


def exponents(record: Record) -> dict[str, float]:
    """The fitted exponents, by ``time ~ NAME^p`` and ``memory ~ NAME^p``."""
    return {f["what"]: f["value"] for f in record.facts if f["workload"] == "scaling"}


def scaling(record: Record) -> str:
    """A panel for each thing that grows: time and memory, with their powers."""
    found, powers = growths(record), exponents(record)

    def draw(pyplot: Any) -> Any:
        columns = min(3, len(found))
        lines = -(-len(found) // columns)
        figure, grid = pyplot.subplots(
            lines, columns, figsize=(3.3 * columns + 0.6, 2.5 * lines), squeeze=False
        )
        figure.get_layout_engine().set(wspace=0.08, hspace=0.06)
        for axes in grid.flat[len(found) :]:
            axes.set_visible(False)
        for axes, (name, points) in zip(grid.flat, found.items()):
            sizes = [size for size, _ in points]
            both = axes.twinx()
            for where, kind, colour, values, unit in (
                (axes, "time", BLUE, [row["median_us"] / 1e3 for _, row in points], "ms"),
                (both, "memory", RED, [row["peak_mb"] for _, row in points], "MB"),
            ):
                where.loglog(sizes, values, "o-", color=colour, markersize=3, linewidth=1)
                exponent = powers.get(f"{kind} ~ {name}^p", math.nan)
                where.set_ylabel(f"{kind}, {unit}  (p = {exponent:.2f})", color=colour)
                where.minorticks_off()
            axes.set_xticks(
                [sizes[0], sizes[-1]], [f"{size:,.0f}" for size in (sizes[0], sizes[-1])]
            )
            axes.set_xlabel(name)
        return figure

    return drawn(draw)


def history(records: Sequence[Record]) -> str:
    """A line a workload: the ratio to the best peer over the kept runs, oldest first."""
    names = list(dict.fromkeys(name for record in records for name in own_ratios(record)))

    def draw(pyplot: Any) -> Any:
        figure, axes = pyplot.subplots(figsize=(7.5, 3.6))
        colours = pyplot.get_cmap("tab20").colors
        for i, name in enumerate(names):
            found = [own_ratios(record).get(name) for record in records]
            values = [row["ratio_to_best_peer"] if row else math.nan for row in found]
            axes.plot(values, "o-", label=name, color=colours[i % 20], markersize=3, linewidth=1)
        axes.set_yscale("log", base=2)
        axes.yaxis.set_major_formatter(lambda value, _: f"{value:g}×")
        axes.axhline(1, color="black", linewidth=0.8)
        axes.set_xticks(range(len(records)), [r.name for r in records], rotation=20, ha="right")
        axes.set_ylabel("ours, eager, over the fastest peer")
        axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False, fontsize=8)
        return figure

    return drawn(draw)


def plots(records: Sequence[Record]) -> dict[str, str]:
    """SVG by name, of the newest run and of the history; a plot without figures is left out."""
    newest = records[-1]
    found = {}
    if own_ratios(newest):
        found["ratios"] = ratios(newest)
    if growths(newest):
        found["scaling"] = scaling(newest)
    if any(own_ratios(record) for record in records) and len(records) > 1:
        found["history"] = history(records)
    return found
