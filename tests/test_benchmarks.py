"""The benchmarks' own machinery; what they measure is not a test."""

from __future__ import annotations

import doctest
import json
import sys
from pathlib import Path
from types import ModuleType

import pytest

from benchmarks import figures, report
from benchmarks.__main__ import main
from benchmarks.figures import Figure, paired_ratio, power_law, quartiles
from benchmarks.interleave import agree, contest
from benchmarks.processes import Worker, environment, interpreter
from benchmarks.report import table
from benchmarks.workload import contestants, workloads


class Echo:
    """A worker that answers with the numbers it was made of."""

    def __init__(self, contestant: str, numbers: list[float]) -> None:
        self.contestant = contestant
        self.numbers = numbers

    def ask(self, command: str, step: str) -> list[float]:
        return self.numbers


def test_every_folder_is_a_workload() -> None:
    assert {"chain", "deep", "imports", "free"} <= set(workloads())
    assert all(workload.title for workload in workloads().values())
    assert contestants("chain")[0] == "autodiff"
    assert "torch" in contestants("chain")


@pytest.mark.parametrize("module", [figures, report])
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
    entrants = {"autodiff": sys.executable}
    (result,) = contest("chain", entrants, ["gradient"], 3, 1e-12, lines.append)
    assert len(result.samples["autodiff"]) == 3
    assert min(result.samples["autodiff"]) > 0
    assert result.ratio("autodiff") is None


def test_worker_that_dies_is_named(capfd: pytest.CaptureFixture[str]) -> None:
    worker = Worker("chain", "autodiff", sys.executable)
    with pytest.raises(RuntimeError, match=r"worker of autodiff ended at 'time sideways'"):
        worker.ask("time", "sideways")
    worker.close()
    assert "KeyError" in capfd.readouterr().err


def test_environment_is_equal_for_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENBLAS_CORETYPE", "Haswell")
    monkeypatch.setenv("OMP_NUM_THREADS", "64")
    assert "OPENBLAS_CORETYPE" not in environment()
    assert environment()["OMP_NUM_THREADS"] == environment()["OPENBLAS_NUM_THREADS"] == "2"


def test_peer_that_is_missing_is_left_out() -> None:
    assert interpreter("autodiff", None) == sys.executable
    assert interpreter("a_package_that_nobody_has", sys.executable) is None
    assert interpreter("torch", "/no/such/python") is None


def test_command_prints_a_table_and_writes_json(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["--quick", "--only", "free", "--json", str(tmp_path / "figures.json")])
    printed = capsys.readouterr().out
    assert "second_order" in printed and "MISSED" not in printed
    saved = json.loads((tmp_path / "figures.json").read_text())
    assert {row["what"]: row["value"] for row in saved["figures"]}["second_order"] == 0
    assert saved["machine"]["threads"] == 2


def test_missed_limit_is_shown() -> None:
    text = table([Figure("deep", "peak memory", "autodiff", 3.25, "GB", limit=2.0)])
    assert "3.25 GB" in text and "MISSED" in text
