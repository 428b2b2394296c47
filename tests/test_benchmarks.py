"""The benchmarks' own machinery; what they measure is not a test."""

from __future__ import annotations

import copy
import doctest
import json
import re
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from benchmarks import (
    __main__,
    figures,
    instructions,
    limits,
    machine,
    report,
    report_json,
    report_pages,
    report_plots,
    scaling,
)
from benchmarks.__main__ import main, measured
from benchmarks.figures import CONTESTANTS, Figure, paired_ratio, power_law, quartiles
from benchmarks.interleave import agree, contest
from benchmarks.processes import Worker, environment, interpreter
from benchmarks.report import table
from benchmarks.report_compare import regressions, verdict
from benchmarks.report_json import Record, kept, load, record, save
from benchmarks.report_pages import write_pages
from benchmarks.worker import settle
from benchmarks.workload import Options, Work, contestants, workloads

HEADER = {
    "date": "2026-01-02T03:04:05+00:00",
    "commit": "abc1234",
    "changed_since_commit": False,
    "quick": False,
    "machine": {
        "processor": "P <1>", "cpus": 2, "threads": 2, "system": "S",
        "blas": "openblas", "python": "3.11.7", "numpy": "2.4.6",
    },
    "peers": {"torch": "2.13.0", "jax": "0.10.2"},
}  # fmt: skip

FIGURES = [
    Figure("xor", "step", "ours-eager", 50.0, "µs", 49.0, 51.0, None, None, 0.01, 40.0),
    Figure("xor", "step", "torch", 100.0, "µs", 98.0, 103.0, 0.5, 0.6, 0.2, 300.0),
    Figure("xor", "step", "jax", 25.0, "µs", 24.0, 26.0, 2.0, None, 1.2, 250.0),
    Figure("xor", "step", "floor", 10.0, "µs", 10.0, 11.0, 5.0),
    Figure("deep", "build", "ours-eager", 2.0, "s"),
    Figure("deep", "all", "ours-eager", 3.0, "s"),
    Figure("deep", "peak memory", "ours-eager", 3.0, "GB", limit=2.0),
    Figure("scaling", "batch=10", "ours-eager", 7.0, "µs", 6.0, 8.0, peak_mb=1.0),
    Figure("scaling", "batch=100", "ours-eager", 70.0, "µs", 60.0, 80.0, peak_mb=10.0),
    Figure("scaling", "time ~ batch^p", "ours-eager", 1.0, "p", limit=1.2),
    Figure("instructions", "chain forward", "ours-eager", 10_000.0, "instructions/op"),
]


def altered(old: Record, contestant: str = "ours-eager", **changes: Any) -> Record:
    """The record with the xor row of one contestant changed."""
    new = copy.deepcopy(old)
    for row in new.rows:
        if row["workload"] == "xor" and row["contestant"] == contestant:
            row.update(changes)
    return new


class Echo:
    """A worker that answers with the numbers it was made of."""

    def __init__(self, contestant: str, numbers: list[float]) -> None:
        self.contestant = contestant
        self.numbers = numbers

    def ask(self, command: str, *words: Any) -> list[float]:
        return self.numbers


def test_every_folder_is_a_workload() -> None:
    assert {"chain", "deep", "imports", "free"} <= set(workloads())
    assert all(workload.title for workload in workloads().values())
    assert contestants("chain")[0] == "ours-eager"
    assert "torch" in contestants("chain")
    for name in workloads():
        assert set(contestants(name)) <= set(CONTESTANTS)


@pytest.mark.parametrize(
    "module", [figures, report, report_json, report_pages, report_plots, instructions]
)
def test_examples_in_documentation(module: ModuleType) -> None:
    result = doctest.testmod(module)
    assert result.attempted and not result.failed


def test_statistics() -> None:
    assert quartiles([7.0]) == (7.0, 7.0, 7.0)
    # The middle round is slow for both: the medians of the two columns would give 4 / 3.
    assert paired_ratio([1.0, 40.0, 4.0], [2.0, 80.0, 3.0]) == 0.5
    assert power_law([1, 10, 100], [2.0, 2.0, 2.0]) == pytest.approx(0.0)
    assert power_law([1, 10, 100], [2.0, 20.0, 200.0]) == pytest.approx(1.0)


def test_limit_holds_for_the_ratio_where_there_is_one() -> None:
    assert Figure("w", "s", "torch", 100.0, "µs", ratio=0.5, limit=0.6).met
    assert not Figure("w", "s", "torch", 0.1, "µs", ratio=0.7, limit=0.6).met
    assert not Figure("w", "s", "autodiff", 3.0, "GB", limit=2.0).met
    assert Figure("w", "s", "autodiff", 3.0, "GB").met is None


def test_answers_that_differ_stop_the_race() -> None:
    ours = Echo("autodiff", [1.0, 2.0])
    assert agree([ours, Echo("torch", [1.0, 2.0 + 1e-13])], "step", 1e-12) > 0
    with pytest.raises(AssertionError, match=r"autodiff and torch differ by 5.0e-01"):
        agree([ours, Echo("torch", [1.0, 3.0])], "step", 1e-12)
    with pytest.raises(AssertionError, match="differ by nan"):
        agree([ours, Echo("torch", [1.0, float("nan")])], "step", 1e-12)
    with pytest.raises(AssertionError, match="gives 2 numbers, torch 1"):
        agree([ours, Echo("torch", [1.0])], "step", 1e-12)


def test_contestants_run_in_turn() -> None:
    lines: list[str] = []
    entrants = {"ours-eager": sys.executable}
    (result,) = contest("chain", entrants, ["gradient"], 3, 1e-12, lines.append)
    assert len(result.samples["ours-eager"]) == 3
    assert min(result.samples["ours-eager"]) > 0
    assert result.ratio("ours-eager") is None


def test_a_turn_ends_when_no_thread_works_any_more() -> None:
    end = time.perf_counter() + 0.2

    def spin() -> None:
        while time.perf_counter() < end:
            pass

    thread = threading.Thread(target=spin)
    thread.start()
    settle()
    assert not thread.is_alive()


def test_worker_that_dies_is_named(capfd: pytest.CaptureFixture[str]) -> None:
    worker = Worker("chain", "ours-eager", sys.executable)
    with pytest.raises(RuntimeError, match=r"worker of ours-eager ended at 'time sideways'"):
        worker.ask("time", "sideways")
    worker.close()
    assert "KeyError" in capfd.readouterr().err


def test_environment_is_equal_for_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENBLAS_CORETYPE", "Haswell")
    monkeypatch.setenv("OMP_NUM_THREADS", "64")
    assert "OPENBLAS_CORETYPE" not in environment()
    assert environment()["OMP_NUM_THREADS"] == environment()["OPENBLAS_NUM_THREADS"] == "2"


def test_peer_that_is_missing_is_left_out() -> None:
    assert interpreter("ours-eager", None) == sys.executable
    assert interpreter("a_package_that_nobody_has", sys.executable) is None
    assert interpreter("torch", "/no/such/python") is None


def test_command_prints_a_table_and_writes_json(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(__main__, "RESULTS", tmp_path / "none")
    main(["--quick", "--only", "free", "--json", str(tmp_path / "figures.json")])
    printed = capsys.readouterr().out
    assert "second_order" in printed and "MISSED" not in printed and "BLAS" in printed
    saved = load(tmp_path / "figures.json")
    assert saved.rows == []  # survivors are no times
    assert {fact["what"]: fact["value"] for fact in saved.facts}["second_order"] == 0
    assert saved.header["machine"]["threads"] == 2 and saved.header["quick"] is True


def test_missed_limit_is_shown() -> None:
    text = table([Figure("deep", "peak memory", "autodiff", 3.25, "GB", limit=2.0)])
    assert "3.25 GB" in text and "MISSED" in text
    assert table([]) == "nothing was measured"


def test_rows_keep_the_contract(tmp_path: Path) -> None:
    save(record(FIGURES, HEADER), tmp_path / "out" / "run.json")
    rows = json.loads((tmp_path / "out" / "run.json").read_text(encoding="utf-8"))
    assert [row["workload"] for row in rows] == [
        "xor", "xor", "xor", "xor", "deep/build", "deep", "scaling/batch=10", "scaling",
    ]  # fmt: skip
    keys = {"workload", "contestant", "median_us", "low_us", "high_us"}
    keys |= {"first_call_s", "peak_mb", "ratio_to_best_peer"}
    for row in rows:
        assert keys <= set(row) and row["contestant"] in CONTESTANTS
        assert 0 < row["low_us"] <= row["median_us"] <= row["high_us"]
    assert len({(row["workload"], row["contestant"]) for row in rows}) == len(rows)
    ours, torch, jax, floor, *_ = rows
    assert (ours["first_call_s"], ours["peak_mb"], ours["of_limit"]) == (0.01, 40.0, 5.0)
    # Of the ratios of pairs, 2 over JAX and 0.5 over PyTorch: JAX is the best peer.
    assert [row["ratio_to_best_peer"] for row in (ours, torch, jax)] == [2.0, 4.0, 1.0]
    assert floor["ratio_to_best_peer"] == 0.4
    assert rows[5]["median_us"] == 3e6 and rows[5]["ratio_to_best_peer"] is None
    again = load(tmp_path / "out" / "run.json")
    assert again == record(FIGURES, HEADER)


def test_ratio_without_pairs_is_of_the_medians() -> None:
    plain = [replace(figure, ratio=None) for figure in FIGURES[:3]]
    assert [row["ratio_to_best_peer"] for row in record(plain, HEADER).rows] == [2.0, 4.0, 1.0]
    peers = [figure for figure in plain if figure.contestant != "ours-eager"]
    assert [row["ratio_to_best_peer"] for row in record(peers, HEADER).rows] == [4.0, 1.0]


def test_file_that_is_no_list_of_rows_is_refused(tmp_path: Path) -> None:
    (tmp_path / "old.json").write_text('{"figures": []}')
    with pytest.raises(ValueError, match=r"old.json is not a list of objects with 'workload'"):
        load(tmp_path / "old.json")


def test_regression_is_found_beyond_tolerance_and_spread_only() -> None:
    old = record(FIGURES, HEADER)
    worse = {"ratio_to_best_peer": 2.6, "median_us": 65.0, "low_us": 64.0, "high_us": 66.0}
    (found,) = regressions(old, altered(old, **worse))
    assert str(found) == ("REGRESSION xor, ours-eager: ratio to the best peer 2 -> 2.6 (+30 %)")
    assert regressions(altered(old, **worse), old) == []  # better
    assert regressions(old, altered(old, ratio_to_best_peer=2.28)) == []  # by 14 %
    assert regressions(old, altered(old, **{**worse, "low_us": 30.0})) == []  # within the spread
    assert regressions(old, altered(old, "torch", ratio_to_best_peer=9.0)) == []  # not ours
    assert "no regression in 2 figures against 2026-01-02-abc1234" in verdict(old, old)
    assert "sizes differ" in verdict(old, replace(old, header=old.header | {"quick": True}))


def test_instruction_counts_regress_without_noise() -> None:
    old = record(FIGURES, HEADER)
    new = record([*FIGURES[:-1], replace(FIGURES[-1], value=10_400.0)], HEADER)
    assert "chain forward, ours-eager: instructions an operation" in verdict(old, new)
    other = HEADER | {"machine": {"python": "3.12.0", "numpy": "2.4.6"}}
    assert regressions(old, replace(new, header=other)) == []  # another interpreter's counts


def test_planted_regression_is_printed_first(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Planted:
        title = "slower than it was"

        def measure(self, name: str, options: Options) -> list[Figure]:
            return [replace(f, ratio=f.ratio and 3 * f.ratio) for f in FIGURES[:3]]

    monkeypatch.setattr(__main__, "workloads", lambda: {"xor": Planted()})
    monkeypatch.setattr(limits, "works", lambda name: {})
    monkeypatch.setattr(__main__, "RESULTS", tmp_path)
    old = record(FIGURES, HEADER)
    save(old, tmp_path / "kept.json")
    save(replace(old, rows=[], header=HEADER | {"quick": True}), tmp_path / "later-quick.json")
    expected = "REGRESSION xor, ours-eager: ratio to the best peer 2 -> 6 (+200 %)"
    main(["--only", "xor"])  # against the last that is kept of the same kind
    assert capsys.readouterr().out.splitlines()[1] == expected
    main(["--only", "xor", "--compare", str(tmp_path / "kept.json")])
    assert capsys.readouterr().out.splitlines()[1] == expected
    with pytest.raises(SystemExit):
        main(["--record", "--only", "xor"])
    assert "leave out --only" in capsys.readouterr().err


def test_workload_that_fails_is_named_and_costs_no_other(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Wrong:
        title = "answers differ"

        def measure(self, name: str, options: Options) -> list[Figure]:
            raise AssertionError("torch and jax differ")

    found = {"wrong": Wrong(), "free": workloads()["free"]}
    monkeypatch.setattr(__main__, "workloads", lambda: found)
    monkeypatch.setattr(limits, "works", lambda name: {})
    monkeypatch.setattr(__main__, "RESULTS", tmp_path)
    with pytest.raises(SystemExit, match="1"):
        main(["--only", "wrong", "--only", "free"])
    printed = capsys.readouterr().out
    assert printed.startswith("FAILED wrong: torch and jax differ\n") and "second_order" in printed


def test_kept_runs_are_in_order_of_their_dates(tmp_path: Path) -> None:
    for name, date in (("a", "2026-03-01"), ("b", "2026-01-01"), ("c", "2026-02-01")):
        save(
            record(FIGURES, HEADER | {"date": date, "quick": name == "c"}),
            tmp_path / f"{name}.json",
        )
    assert [r.header["date"][5:7] for r in kept(tmp_path)] == ["01", "02", "03"]
    assert [r.header["date"][5:7] for r in kept(tmp_path, quick=False)] == ["01", "03"]


def test_pages_hold_the_figures_and_nothing_from_outside(tmp_path: Path) -> None:
    old = record(FIGURES, HEADER)
    new = replace(
        altered(old, ratio_to_best_peer=3.0, low_us=49.9), header=HEADER | {"commit": "n"}
    )
    quick = replace(old, header=HEADER | {"quick": True, "commit": "q"})
    write_pages([old, new, quick], tmp_path)
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    text = (tmp_path / "REPORT.md").read_text(encoding="utf-8")
    for each in (page, text):
        assert each.index("REGRESSION") < each.index("fastest peer")
        assert "commit n" in each and "commit q" not in each  # the newest full run
        assert "3.00×" in each and "5.00×" in each and "openblas" in each
    assert page.count("<svg") == 3 and "P &lt;1&gt;" in page and "P <1>" not in page
    assert not re.search(r"<(script|link|img)|src=|href=\"(?!#)", page)
    for name in re.findall(r"\((plots/[a-z]+.svg)\)", text):
        assert (tmp_path / name).read_text(encoding="utf-8").startswith("<svg")
    assert text.count("(plots/") == 3
    with pytest.raises(ValueError, match="no run is kept yet"):
        write_pages([], tmp_path)


def test_drawings_are_the_same_for_the_same_figures() -> None:
    records = [record(FIGURES, HEADER)] * 2
    assert report_plots.plots(records) == report_plots.plots(records)
    assert set(report_plots.plots(records[:1])) == {"ratios", "scaling"}


def test_floor_grows_with_the_work() -> None:
    small = limits.floor_seconds(Work(((8, 8, 8, 1),)), 1e9)
    large = limits.floor_seconds(Work(((256, 256, 256, 4),), moved=10**9), 1e9)
    assert 0 < small[0] <= small[1] < 0.5 < 1.0 < large[0]
    assert limits.floor_seconds(Work(moved=10**9), 2e9) == (0.5, 0.5)


def test_floor_stands_beside_its_step() -> None:
    measured = {"floors": {"xor": {"step": [1e-5, 2e-5]}}, "bandwidth": {"copy": 1e10}}
    rows = limits.beside(FIGURES[:3], measured)
    assert rows[:3] == FIGURES[:3]
    assert rows[3] == Figure("xor", "step", "floor", 10.0, "µs", 10.0, 20.0, 5.0)
    assert rows[4].value == 10.0 and rows[4].unit == "GB/s"


@pytest.mark.parametrize("growth", scaling.GROWTHS)
def test_every_growth_is_measured_and_fitted(growth: str) -> None:
    points = [scaling.point(growth, size, rounds=1) for size in (64, 256)]
    assert all(point["peak_mb"] > 0 and min(point["seconds"]) > 0 for point in points)
    assert points[1]["peak_mb"] > points[0]["peak_mb"]
    points = [{"size": s, "seconds": [3e-6 * s * s], "peak_mb": 2.0 * s} for s in (4, 16, 64)]
    *_, last, time, memory = scaling.rows("scaling", growth, points)
    assert (last.what, last.value) == (f"{growth}=64", pytest.approx(3.0 * 64 * 64))
    assert time.value == pytest.approx(2.0) and memory.value == pytest.approx(1.0)


def test_instructions_are_read_from_the_log_and_counted_in_differences(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[str] = []
    monkeypatch.setattr(instructions.shutil, "which", lambda name: None)
    assert instructions.WORKLOAD.measure("instructions", Options(say=asked.append)) == []
    assert asked == ["instructions: left out (needs valgrind)"]
    monkeypatch.setattr(instructions.shutil, "which", lambda name: "/usr/bin/valgrind")
    start, each = 10**9, 700
    monkeypatch.setattr(
        instructions, "total", lambda _, n: start + each * n * instructions.OPERATIONS
    )
    found = instructions.WORKLOAD.measure("instructions", Options(say=asked.append))
    assert [figure.value for figure in found] == [700.0, 700.0]
    with pytest.raises(RuntimeError, match="callgrind counted nothing; it says: no such tool"):
        instructions.collected("no such tool")


def test_programs_that_are_counted_compute_the_gradient() -> None:
    start, z = instructions.forward(3)
    gradient = instructions.gradient(3)
    assert z.shape == start.shape == gradient.shape
    assert 0 < float(gradient.data.min()) < float(gradient.data.max()) < 1.01**3


def test_machine_says_what_the_figures_depend_on() -> None:
    header = machine.describe("/no/such/python", quick=True)
    assert header["peers"] == {} and header["machine"]["cpus"] > 0
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT[\d:]+\+00:00", header["date"])
    assert "blas" in header["machine"]["blas"].lower()
    assert "none installed" in machine.sentence(header) and "quick" in machine.sentence(header)
    assert machine.peer_versions(sys.executable) == {}  # this environment has no peers
    assert "load 3.5 before the run" in machine.sentence(HEADER | {"load_before": 3.5})
    assert set(measured()) >= {"chain", "scaling", "instructions"}
