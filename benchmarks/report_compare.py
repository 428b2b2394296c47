"""Regressions between two runs: what is worse than it was by more than noise explains."""

from __future__ import annotations

from dataclasses import dataclass

from benchmarks.report_json import Record, Row

WORSE = 1.15  # of a ratio to the best peer
WORSE_COUNT = 1.03  # of instructions: the same program on the same versions varies below 1 %


@dataclass(frozen=True)
class Regression:
    """One figure of ours that got worse."""

    workload: str
    contestant: str
    what: str
    before: float
    after: float

    def __str__(self) -> str:
        change = 100 * (self.after / self.before - 1)
        return (
            f"REGRESSION {self.workload}, {self.contestant}: {self.what} "
            f"{self.before:.4g} -> {self.after:.4g} ({change:+.0f} %)"
        )


def interval(row: Row) -> tuple[float, float]:
    """The ratio to the best peer at the quartiles of this contestant's time."""
    ratio, median = row["ratio_to_best_peer"], row["median_us"]
    return ratio * row["low_us"] / median, ratio * row["high_us"] / median


def ratios(record: Record) -> dict[tuple[str, str, str], Row]:
    """Our rows that have a ratio, by workload, contestant and step."""
    return {
        (row["workload"], row["contestant"], row.get("what", "")): row
        for row in record.rows
        if row["contestant"].startswith("ours") and row.get("ratio_to_best_peer")
    }


def counts(record: Record) -> dict[tuple[str, str, str], float]:
    """The instruction counts of a run, with the versions that they hold for."""
    versions = str(record.header.get("machine", {}).get("numpy"))
    python = str(record.header.get("machine", {}).get("python"))
    return {
        (fact["what"], python, versions): fact["value"]
        for fact in record.facts
        if fact["workload"] == "instructions"
    }


def compared(before: Record, after: Record) -> int:
    """How many figures both runs have."""
    return len(ratios(before).keys() & ratios(after).keys()) + len(
        counts(before).keys() & counts(after).keys()
    )


def regressions(before: Record, after: Record) -> list[Regression]:
    """Ratios worse by 15 % whose quartiles do not meet, and higher counts; worst first."""
    found = []
    old_rows = ratios(before)
    for key, row in ratios(after).items():
        old = old_rows.get(key)
        if old is None:
            continue
        was, now = old["ratio_to_best_peer"], row["ratio_to_best_peer"]
        if now > WORSE * was and interval(row)[0] > interval(old)[1]:
            found.append(Regression(*key[:2], "ratio to the best peer", was, now))
    old_counts = counts(before)
    for count_key, count in counts(after).items():
        was = old_counts.get(count_key, count)
        if count > WORSE_COUNT * was:
            what = "instructions an operation"
            found.append(Regression(count_key[0], "ours-eager", what, was, count))
    return sorted(found, key=lambda each: each.before / each.after)


def verdict(before: Record, after: Record) -> str:
    """The text that is printed first: the regressions, or what was compared."""
    number = compared(before, after)
    against = f"against {before.name}"
    if before.header["quick"] is not None and before.header["quick"] != after.header["quick"]:
        against += " (one of the two is a --quick run: sizes differ)"
    lines = [str(each) for each in regressions(before, after)]
    if not lines:
        return f"no regression in {number} figures {against}"
    return "\n".join([f"{len(lines)} of {number} figures are worse {against}:", *lines])
