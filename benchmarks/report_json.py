"""Figures as JSON: FILE is a list of timed rows, FILE's ``.meta.json`` the header and the rest.

A row has ``workload``, ``contestant``, ``median_us``, ``low_us``, ``high_us`` (quartiles),
``first_call_s``, ``peak_mb`` and ``ratio_to_best_peer``; besides ``what``, the step, and
``of_limit``, how many times its floor it takes. What is missing is null. The header names machine,
versions, BLAS, date and commit; its ``facts`` are the figures that are no times.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks.figures import OURS, PEER_CONTESTANTS, Figure

Row = dict[str, Any]


@dataclass(frozen=True)
class Record:
    """One run: its header, its timed rows, its other figures."""

    header: dict[str, Any]
    rows: list[Row]
    facts: list[Row]

    @property
    def name(self) -> str:
        """Date and commit."""
        return f"{self.header['date'][:10]}-{self.header['commit']}"


def main_steps(figures: Sequence[Figure]) -> dict[str, str]:
    """The step that stands for its workload: the last that is timed."""
    return {f.workload: f.what for f in figures if f.microseconds is not None}


def contest_of(figure: Figure, figures: Sequence[Figure]) -> dict[str, Figure]:
    """All contestants of a figure's step, by name."""
    step = (figure.workload, figure.what)
    return {f.contestant: f for f in figures if (f.workload, f.what) == step}


def times_ours(figure: Figure, ours: Figure) -> float:
    """Ours over this contestant's: round by round where so measured, else of the medians."""
    if figure.contestant == ours.contestant:
        return 1.0
    if figure.ratio is not None:
        return figure.ratio
    assert figure.microseconds is not None and ours.microseconds is not None
    return ours.microseconds[1] / figure.microseconds[1]


def best_peer(entrants: dict[str, Figure]) -> str | None:
    """The fastest peer of a step; None where no peer ran.

    Without ours there is nothing measured in pairs: then the medians decide.
    """
    peers = [entrants[name] for name in PEER_CONTESTANTS if name in entrants]
    if not peers:
        return None
    if OURS not in entrants:
        return min(peers, key=lambda f: f.value).contestant
    return max(peers, key=lambda f: times_ours(f, entrants[OURS])).contestant


def ratio_to_best_peer(figure: Figure, entrants: dict[str, Figure]) -> float | None:
    """This contestant's time over the fastest peer's: below 1 is faster than every peer."""
    peer = best_peer(entrants)
    if peer is None:
        return None
    if OURS not in entrants:
        return figure.value / entrants[peer].value
    ours = entrants[OURS]
    return times_ours(entrants[peer], ours) / times_ours(figure, ours)


def rows(figures: Sequence[Figure]) -> list[Row]:
    """The timed figures by the contract of this file.

    A workload's main step is named by the workload alone, the others ``workload/step``: a workload
    and a contestant name one row.
    """
    main = main_steps(figures)
    result = []
    for figure in figures:
        if figure.microseconds is None:
            continue
        low, middle, high = figure.microseconds
        entrants = contest_of(figure, figures)
        ratio = ratio_to_best_peer(figure, entrants)
        floor = entrants.get("floor")
        whole = figure.what == main[figure.workload]
        result.append(
            {
                "workload": figure.workload if whole else f"{figure.workload}/{figure.what}",
                "contestant": figure.contestant,
                "median_us": middle,
                "low_us": low,
                "high_us": high,
                "first_call_s": figure.first_call_s,
                "peak_mb": figure.peak_mb,
                "ratio_to_best_peer": ratio,
                "what": figure.what,
                "of_limit": None if floor is None else middle / floor.value,
            }
        )
    return result


def facts(figures: Sequence[Figure]) -> list[Row]:
    """The figures that are no times, and every limit that was asked of a figure."""
    return [
        asdict(figure) | {"met": figure.met}
        for figure in figures
        if figure.microseconds is None or figure.limit is not None
    ]


def record(figures: Sequence[Figure], header: dict[str, Any]) -> Record:
    """A run as it is kept."""
    return Record(header, rows(figures), facts(figures))


def sibling(path: Path) -> Path:
    """Where the header of a list stands.

    >>> sibling(Path("out/figures.json")).name
    'figures.meta.json'
    """
    return path.with_name(f"{path.stem}.meta.json")


def dump(value: Any, path: Path) -> None:
    """One entry a line, so that a difference between two runs is readable."""
    if isinstance(value, list):
        lines = [json.dumps(entry, ensure_ascii=False) for entry in value]
        text = "[\n" + ",\n".join(lines) + "\n]\n" if lines else "[]\n"
    else:
        text = json.dumps(value, indent=1, ensure_ascii=False) + "\n"
    path.write_text(text, encoding="utf-8")


def save(kept: Record, path: Path) -> None:
    """Write the list and, beside it, the header with the facts."""
    path.parent.mkdir(parents=True, exist_ok=True)
    dump(kept.rows, path)
    dump(kept.header | {"facts": kept.facts}, sibling(path))


def load(path: Path) -> Record:
    """Read what ``save`` wrote. Raises ValueError where the file is no list of rows."""
    read = json.loads(path.read_text(encoding="utf-8"))
    if not (isinstance(read, list) and all(isinstance(r, dict) and "workload" in r for r in read)):
        raise ValueError(
            f"{path.name} is not a list of objects with 'workload', as --json writes it"
        )
    header: dict[str, Any] = {"date": "", "commit": path.stem, "quick": None, "facts": []}
    if sibling(path).exists():
        header |= json.loads(sibling(path).read_text(encoding="utf-8"))
    return Record(header, read, header.pop("facts"))


def kept(folder: Path, quick: bool | None = None) -> list[Record]:
    """All runs of a folder, oldest first; of one kind (quick or full) where that is asked."""
    paths = [p for p in folder.glob("*.json") if not p.name.endswith(".meta.json")]
    found = [load(path) for path in paths]
    chosen = [r for r in found if quick is None or r.header["quick"] == quick]
    return sorted(chosen, key=lambda each: str(each.header["date"]))
