"""The command ``python -m nn demo`` with few epochs, and that a seed repeats it bit for bit."""

from __future__ import annotations

import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import autodiff as ad
from nn import demo
from nn.cli import main


def test_demo_writes_all_and_learns(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folders = [tmp_path / "one", tmp_path / "two"]
    for folder in folders:
        assert main(["demo", "--epochs", "4", "--seed", "3", "--output", str(folder)]) == 0
        assert sorted(path.name for path in folder.iterdir()) == sorted(demo.FILES)
    for name in demo.FILES:
        one, two = ((folder / name).read_bytes() for folder in folders)
        assert one == two, name
    out = capsys.readouterr().out
    accuracy = float(out.split("test accuracy ")[1].split()[0])
    assert accuracy > 0.9
    assert "gradients of all parameters agree" in out
    check = (folders[0] / "gradcheck.txt").read_text()
    for path in demo.DigitsNet().named_parameters():
        assert path in check
    graph = (folders[0] / "graph.svg").read_text()
    assert "<svg" in graph and "hidden.0" in graph and "output" in graph


def test_digits_are_parted_without_overlap() -> None:
    parts = demo.load_digits(0)
    assert [len(x) for x, _ in parts] == [1078, 360, 359]
    assert all(x.dtype == np.float32 and x.min() == 0 and x.max() == 1 for x, _ in parts)
    total = sum(float(x.sum(dtype=float)) for x, _ in parts)
    from_source = float(demo.require("sklearn.datasets", "", "").load_digits().data.sum() / 16)
    assert total == pytest.approx(from_source)


def test_missing_package_is_one_line(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    assert main(["demo", "--output", str(tmp_path)]) == 1
    error = capsys.readouterr().err
    assert error == "demo: the data set needs sklearn: pip install autodiff-nn[demo]\n"


def test_wrong_arguments() -> None:
    command = [sys.executable, "-m", "nn"]
    for extra, text in (
        ([], "usage: python -m nn"),
        (["train"], "invalid choice: 'train'"),
        (["demo", "--epochs", "0"], "a whole number of at least 1, got '0'"),
        (["demo", "--epochs", "many"], "a whole number of at least 1, got 'many'"),
        (["demo", "--seed", "-1"], "a whole number of at least 0, got '-1'"),
    ):
        done = subprocess.run([*command, *extra], capture_output=True, text=True, check=False)
        assert done.returncode == 2 and "usage: python -m nn" in done.stderr
        assert text in done.stderr


def test_folder_that_cannot_be_written_to_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    blocked = tmp_path / "file"
    blocked.touch()
    for output in (blocked, blocked / "below"):
        assert main(["demo", "--output", str(output)]) == 1
        captured = capsys.readouterr()
        assert captured.out == ""  # found before the training
        assert captured.err.startswith("demo: [Errno ") and str(blocked) in captured.err
        assert captured.err.count("\n") == 1


def test_interruption_is_one_line(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupt(seed: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(demo, "load_digits", interrupt)
    assert main(["demo", "--output", str(tmp_path)]) == 130
    assert capsys.readouterr().err == "demo: stopped\n"


def test_output_into_a_pipe_that_closes(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "nn", "demo", "--epochs", "2", "--output", str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None and process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 1


@pytest.mark.parametrize(("factor", "verdict"), [(1.0, "agree"), (1.001, "DIFFER")])
def test_wrong_gradient_is_reported(
    factor: float,
    verdict: str,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The check of the demo can fail: it does with a rule that is wrong by a tenth of a percent."""
    exact = ad.gelu
    gelu = ad.custom_vjp(exact)

    def rule(g: ad.Tensor, y: ad.Tensor, x: ad.Tensor) -> ad.Tensor:
        density = ad.exp(-0.5 * x * x) / math.sqrt(2 * math.pi)
        return g * factor * (0.5 * ad.erfc(-x / math.sqrt(2)) + x * density)

    gelu.defvjp(rule)
    monkeypatch.setattr(ad, "gelu", gelu)
    main(["demo", "--epochs", "1", "--output", str(tmp_path)])
    assert f"gradients of all parameters {verdict}" in capsys.readouterr().out
