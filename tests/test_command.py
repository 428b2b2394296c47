"""``python -m autodiff``: exit codes, inputs, hand-written and foreign gradients, drawings."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import autodiff as ad
from autodiff.cli import main
from autodiff.cli.foreign import numpy_pair

ROOT = Path(__file__).resolve().parent.parent
MODULE = """
import numpy as np
import autodiff as ad

def loss(x, w):
    return (ad.tanh(x @ w) ** 2).sum()
loss.inputs = (np.ones((2, 3)), np.array([0.5, -0.25, 1.0]))

def inputs():
    return np.array([0.5, 2.0])

@ad.custom_vjp
def cube(x):
    return x**3

@cube.defvjp
def rule(g, y, x):
    return g * 3 * x**2 * 1.001

def wrong(x):
    return cube(x)

def energy(x):
    return np.sum(x**4)

def energy_gradient(x):
    return 4 * x**3

def energy_wrong(x):
    return 4 * x**3 * np.array([1.0, 1.0001])

def energy_short(x):
    return 4 * x[:1] ** 3

def spectrum(z):
    return ad.fft.fft(z) * ad.conj(z)

def power(z):
    return np.sum(np.abs(z) ** 2)

def power_gradient(z):
    return 2 * z

def power_conjugated(z):
    return 2 * np.conj(z)

def bilinear(a, b):
    return a * b
bilinear.inputs = lambda: {"b": np.array([3.0, 4.0]), "a": np.array(2.0)}

def bilinear_pull(g, a, b):
    return np.sum(g * b), g * a

def one_of_two(g, a, b):
    return np.sum(g * b)

def boom(x):
    raise ValueError("boom")

def nan(x):
    return ad.log(x * 0.0 - 1.0)

number = 3
"""


@pytest.fixture
def module(tmp_path: Path, monkeypatch: Any) -> Iterator[str]:
    """A module of the current directory, new for each test."""
    name = f"checked_{abs(hash(tmp_path))}"
    (tmp_path / f"{name}.py").write_text(MODULE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [p for p in sys.path if p != str(tmp_path)])
    yield name
    sys.modules.pop(name, None)


def test_correct(module: str, capsys: Any) -> None:
    assert main(["check", f"{module}:loss"]) == 0
    out = capsys.readouterr().out
    assert "correct" in out and "2×3" in out
    assert main(["check", f"{module}:loss", "--order", "2", "--seed", "3", "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert (report["verdict"], report["order"], report["seed"]) == ("correct", 2, 3)


def test_wrong(module: str, capsys: Any) -> None:
    assert main(["check", f"{module}:wrong", "--budget", "1"]) == 1
    assert "factor 1.001" in capsys.readouterr().out
    assert main(["check", f"{module}:wrong", "--json"]) == 1
    report = json.loads(capsys.readouterr().out, parse_constant=_refuse)
    assert report["verdict"] == "wrong" and report["culprits"][0]["primitive"] == "cube"


def _refuse(word: str) -> None:
    raise ValueError(f"{word} is no JSON")


def test_json_has_no_infinity(module: str, capsys: Any) -> None:
    # A constant gradient of zero has no relative error: its power is infinite.
    (Path.cwd() / "flat.py").write_text("def f(x):\n    return x * 0.0\nf.inputs = 2.0\n")
    assert main(["check", "flat:f", "--json"]) == 0
    assert json.loads(capsys.readouterr().out, parse_constant=_refuse)["power"] is None
    sys.modules.pop("flat")


def test_inconclusive(module: str, capsys: Any, monkeypatch: Any) -> None:
    sound = ad.gradcheck(ad.sin, 0.5)

    class Unclear:
        verdict = "inconclusive"
        to_dict = sound.to_dict

    monkeypatch.setattr("autodiff.cli.commands.gradcheck", lambda *args, **options: Unclear())
    assert main(["check", f"{module}:wrong", "--json"]) == 2


@pytest.mark.parametrize("names", [True, False])
def test_inputs_of_a_file(module: str, names: bool, capsys: Any) -> None:
    x, w = np.full((4, 2), 0.3), np.array([0.5, 0.1])
    if names:
        np.savez("in.npz", w=w, x=x)
    else:
        np.savez("in.npz", x, w)
    assert main(["check", f"{module}:loss", "--inputs", "in.npz"]) == 0
    assert "4×2" in capsys.readouterr().out


def test_complex_inputs(module: str, capsys: Any) -> None:
    np.savez("in.npz", z=np.array([1.0 + 2.0j, -0.5j, 0.3], np.complex64))
    for function in ("spectrum", "power"):
        gradient = [f"{module}:power_gradient"] if function == "power" else []
        assert main(["check", f"{module}:{function}", *gradient, "--inputs", "in.npz"]) == 0
        assert "3 complex" in capsys.readouterr().out
    wrong = [f"{module}:power", f"{module}:power_conjugated", "--inputs", "in.npz", "--json"]
    assert main(["check", *wrong]) == 1
    report = json.loads(capsys.readouterr().out, parse_constant=_refuse)
    assert report["culprits"][0]["diagnosis"].startswith("conjugate missing")
    assert report["entries"][0]["part"] in ("real", "imag")


@pytest.mark.parametrize(
    ("gradient", "code"), [("energy_gradient", 0), ("energy_wrong", 1), ("energy_short", 1)]
)
def test_hand_written_gradient(module: str, gradient: str, code: int, capsys: Any) -> None:
    assert main(["check", f"{module}:energy", f"{module}:{gradient}"]) == code
    out = capsys.readouterr().out
    assert ("correct" if code == 0 else "wrong") in out
    if gradient == "energy_short":
        assert "shape (1,)" in out
        assert main(["check", f"{module}:energy", f"{module}:{gradient}", "--json"]) == 1
        assert json.loads(capsys.readouterr().out)["verdict"] == "wrong"


def test_hand_written_product_with_the_jacobian(module: str, capsys: Any) -> None:
    assert main(["check", f"{module}:bilinear", f"{module}:bilinear_pull"]) == 0
    assert main(["check", f"{module}:bilinear", f"{module}:one_of_two"]) == 1
    assert "1 gradients for 2" in capsys.readouterr().out


def test_integers_have_no_gradient() -> None:
    f = numpy_pair(lambda x, n: np.sum(x**n), lambda x, n: n * x ** (n - 1))
    assert ad.gradcheck(f, np.array([0.5, 2.0]), np.array(3)).verdict == "correct"
    assert ad.gradcheck(f, np.float32([0.5, 2.0]), np.array(3)).verdict == "correct"
    scratch = numpy_pair(_in_place, lambda x: 2 * np.exp(2 * x))
    assert ad.gradcheck(scratch, np.array([0.5, 1.0])).verdict == "correct"


def _in_place(x: Any) -> Any:
    x *= 2  # writes to its argument, as NumPy code may
    return np.exp(x).sum()


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("check {m}:missing", "has no 'missing'; it has loss, inputs"),
        ("check {m}", "expected MODULE:FUNCTION"),
        ("check {m}.py:loss", "expected the name of a module"),
        ("check {m}:number", "is a int, expected a function"),
        ("check no_such_module:f", "no module 'no_such_module'"),
        ("check math:sqrt", "no inputs: give --inputs"),
        ("check {m}:loss --inputs none.npz", "cannot read 'none.npz'"),
        ("check {m}:loss --inputs wrong.npz", "holds y, and the parameters"),
        ("check {m}:loss --inputs one.npy", "expected a .npz file"),
        ("check {m}:energy {m}:energy_gradient --order 2", "--order 2 needs"),
        ("check {m}:energy {m}:energy_gradient --framework torch", "not both"),
        ("check {m}:boom", "raised ValueError: boom"),
        ("check {m}:nan", "not finite"),
        ("check broken:f", "importing 'broken' failed: ZeroDivisionError"),
        ("check needy:f", "importing 'needy' failed: ModuleNotFoundError"),
        ("draw {m}:loss -o x.gif", "the suffix must be one of"),
        ("draw {m}:loss -o none/x.dot", "No such file"),
    ],
)
def test_usage(module: str, command: str, message: str, capsys: Any) -> None:
    np.savez("wrong.npz", y=np.ones(2))
    np.save("one.npy", np.ones(2))
    Path("broken.py").write_text("1 / 0\n")
    Path("needy.py").write_text("import no_such_package\n")
    with np.errstate(all="ignore"):
        assert main(command.format(m=module).split()) == 3
    assert message in capsys.readouterr().err.replace("\n", " ")


@pytest.mark.parametrize("command", ["", "check", "check a:b --order 3", "check a:b --budget -1"])
def test_parser_exits_with_three(command: str) -> None:
    with pytest.raises(SystemExit) as caught:
        main(command.split())
    assert caught.value.code == 3


def test_an_error_as_json(module: str, capsys: Any) -> None:
    assert main(["check", f"{module}:missing", "--json"]) == 3
    assert "missing" in json.loads(capsys.readouterr().out)["error"]


def test_draw(module: str, capsys: Any) -> None:
    assert main(["draw", f"{module}:loss", "-o", "loss.dot"]) == 0
    assert "tanh" in Path("loss.dot").read_text()
    assert "loss.dot: " in capsys.readouterr().out


def test_a_process_finds_modules_of_the_current_directory(module: str) -> None:
    command = [sys.executable, "-m", "autodiff", "check", f"{module}:wrong"]
    done = subprocess.run(
        command, capture_output=True, text=True, env={"PYTHONPATH": str(ROOT)}, check=False
    )
    assert done.returncode == 1, done.stderr
    assert "frozen" not in done.stdout and f"{module}.py:" in done.stdout


@pytest.mark.parametrize("framework", ["torch", "jax"])
def test_a_missing_framework_is_one_sentence(
    module: str, framework: str, capsys: Any, monkeypatch: Any
) -> None:
    monkeypatch.setitem(sys.modules, framework, None)
    assert main(["check", f"{module}:wrong", "--framework", framework]) == 3
    assert f"pip install {framework}" in capsys.readouterr().err


FOREIGN = {
    "torch": """
import torch
class Cube(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x**3
    @staticmethod
    def backward(ctx, g):
        return g * 3 * ctx.saved_tensors[0] ** 2 * 1.0001
def right(x, n): return torch.tanh(x) * n, (x * x).sum()
def wrong(x, n): return Cube.apply(x)
""",
    "jax": """
import jax
import jax.numpy as jnp
@jax.custom_vjp
def cube(x): return x**3
cube.defvjp(lambda x: (x**3, x), lambda x, g: (g * 3 * x**2 * 1.0001,))
def right(x, n): return jnp.tanh(x) * n, (x * x).sum()
def wrong(x, n): return cube(x)
""",
}


@pytest.mark.parametrize("framework", FOREIGN)
def test_foreign_functions(framework: str, tmp_path: Path, monkeypatch: Any) -> None:
    pytest.importorskip(framework)  # the peer is no dependency
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    name = f"foreign_{framework}"
    text = (
        "import numpy as np\ndef inputs(): return np.array([0.5, 2.0], np.float32), np.array(3)\n"
    )
    (tmp_path / f"{name}.py").write_text(FOREIGN[framework] + text)
    assert main(["check", f"{name}:right", "--framework", framework]) == 0
    assert main(["check", f"{name}:wrong", "--framework", framework]) == 1
