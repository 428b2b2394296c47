"""The report of a gradient check: what was compared, how well, and what the check could not have
seen."""

from __future__ import annotations

import html
import math
from collections.abc import Sequence
from dataclasses import dataclass

from autodiff.errors import GradientError

RIGHT, WRONG, UNCLEAR, UNUSED, FROZEN = "ok", "WRONG", "unclear", "unused", "frozen"
HEADINGS = (
    "name", "kind", "shape", "checked", "abs error", "rel error", "sees from",
    "worst at", "autodiff", "numeric", "verdict",
)  # fmt: skip
LEFT = frozenset({"name", "kind", "shape", "worst at", "verdict"})


@dataclass(frozen=True)
class Entry:
    """The comparison for one input or parameter.

    Attributes
    ----------
    name, kind, shape
        ``kind`` is "input" or "parameter".
    size : int
        How many numbers it has.
    checked : int
        How many of them were compared one by one.
    directions : int
        How many random directions were compared, each of which covers all numbers together.
    max_abs, max_rel : float
        The largest difference, and the largest in units of the largest derivative.
    sensitivity : float
        The largest tolerance in the same units: every relative error above it would have been seen.
    worst : tuple of int, str or None
        Index of the comparison that was worst measured by its tolerance, or the direction.
    analytic, numeric, noise : float
        The two derivatives there, and the estimated error of the numeric one.
    verdict : str
        "ok", "WRONG", "unclear" (the function is too noisy or has a kink here: nothing can be
        said), "unused" (nothing depends on it, and its gradient says so) or "frozen" (it needs
        no gradient).
    note : str
        A sentence where the verdict needs one.
    """

    name: str
    kind: str
    shape: tuple[int, ...]
    size: int
    verdict: str
    checked: int = 0
    directions: int = 0
    max_abs: float = 0.0
    max_rel: float = 0.0
    sensitivity: float = 0.0
    worst: tuple[int, ...] | str | None = None
    analytic: float = math.nan
    numeric: float = math.nan
    noise: float = math.nan
    note: str = ""

    @property
    def ok(self) -> bool:
        """Whether nothing speaks against this gradient."""
        return self.verdict in (RIGHT, UNUSED, FROZEN)


@dataclass(frozen=True)
class Report:
    """What ``gradcheck`` found. True in a condition if every gradient is right.

    >>> import autodiff as ad
    >>> report = ad.gradcheck(lambda x: ad.sin(x) * x, [0.5, 1.0])
    >>> report.ok, report.entries[0].verdict
    (True, 'ok')
    """

    entries: tuple[Entry, ...]
    function: str = "f"

    @property
    def ok(self) -> bool:
        """Whether every gradient is right."""
        return all(entry.ok for entry in self.entries)

    def __bool__(self) -> bool:
        return self.ok

    def raise_if_wrong(self) -> None:
        """Raise a GradientError that holds the report, unless every gradient is right."""
        if not self.ok:
            raise GradientError(f"\n{self}")

    def headline(self) -> str:
        """One line: how many gradients are right, and how much was compared."""
        right = sum(entry.ok for entry in self.entries)
        numbers = sum(entry.size for entry in self.entries if entry.verdict != FROZEN)
        singly = sum(entry.checked for entry in self.entries)
        directions = sum(entry.directions for entry in self.entries)
        text = f"{right} of {len(self.entries)} right; {singly:,} of {numbers:,} one by one"
        rest = f", and all together in {directions} random directions" if directions else ""
        return f"gradcheck {self.function}: {text}{rest}"

    def rows(self) -> list[tuple[str, ...]]:
        """The table below the headline, as texts."""
        return [_row(entry) for entry in self.entries]

    def __str__(self) -> str:
        table = [HEADINGS, *self.rows()]
        widths = [max(len(row[i]) for row in table) for i in range(len(HEADINGS))]
        lines = [
            "  ".join(
                cell.ljust(width) if name in LEFT else cell.rjust(width)
                for name, cell, width in zip(HEADINGS, row, widths, strict=True)
            ).rstrip()
            for row in table
        ]
        rule = "─" * max(map(len, lines))
        notes = [f"{e.name}: {e.note}" for e in self.entries if e.note]
        return "\n".join([self.headline(), rule, lines[0], rule, *lines[1:], rule, *notes])

    __repr__ = __str__

    def _repr_html_(self) -> str:
        head = _html_row(HEADINGS, "th")
        body = "".join(
            _html_row(row, "td", "" if entry.ok else ' style="background:#fee2e2;color:#7f1d1d"')
            for row, entry in zip(self.rows(), self.entries, strict=True)
        )
        notes = "".join(
            f"<li>{html.escape(f'{e.name}: {e.note}')}</li>" for e in self.entries if e.note
        )
        return (
            f"<p><b>{html.escape(self.headline())}</b></p><table><thead>{head}</thead>"
            f"<tbody>{body}</tbody></table>{f'<ul>{notes}</ul>' if notes else ''}"
        )


def _html_row(cells: Sequence[str], tag: str, style: str = "") -> str:
    return f"<tr{style}>{''.join(f'<{tag}>{html.escape(c)}</{tag}>' for c in cells)}</tr>"


def _row(entry: Entry) -> tuple[str, ...]:
    counted = f"{entry.checked:,}/{entry.size:,}"
    if entry.directions:
        counted += f" + {entry.directions} dir"
    shape = "×".join(map(str, entry.shape)) or "scalar"
    if entry.verdict in (FROZEN, UNUSED) and entry.worst is None:
        return (entry.name, entry.kind, shape, counted, *("–",) * 6, entry.verdict)
    worst = entry.worst
    place = "" if worst is None else worst if isinstance(worst, str) else str(list(worst))
    numbers = (entry.max_abs, entry.max_rel, entry.sensitivity)
    return (
        entry.name, entry.kind, shape, counted, *(f"{x:.1e}" for x in numbers), place,
        f"{entry.analytic:.9g}", f"{entry.numeric:.9g}", entry.verdict,
    )  # fmt: skip
