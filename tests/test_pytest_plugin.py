"""The plugin of pytest: the fixture, the options, and a replay that runs when pasted."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import pytest

pytest_plugins = ["pytester"]

ROOT = Path(__file__).resolve().parent.parent
INSTALLED = bool(entry_points(group="pytest11", name="autodiff"))
RULE = """
import numpy as np
import autodiff as ad

@ad.custom_vjp
def cube(x):
    return np.power(x, 3)

@cube.defvjp
def rule(g, y, x):
    return g * 3 * x**2 * 1.001
"""


def run(pytester: Any, *options: str) -> Any:
    named = () if INSTALLED else ("-p", "autodiff_pytest")
    return pytester.runpytest_inprocess(*named, "-p", "no:cacheprovider", *options)


def section(result: Any) -> str:
    """The replay that a failed test printed."""
    text = result.stdout.str()
    _, sign, rest = text.partition("to repeat the gradient check")
    assert sign, text
    return rest.split("\n", 1)[1].split("\n====")[0]


def pasted(text: str) -> str:
    """What the printed program prints in a new process."""
    done = subprocess.run(
        [sys.executable, "-c", text], capture_output=True, text=True, cwd=ROOT, check=True
    )
    return done.stdout


def test_a_right_gradient_passes(pytester: Any) -> None:
    pytester.makepyfile(
        "import autodiff as ad\n"
        "def test_tanh(gradcheck):\n"
        "    report = gradcheck(ad.tanh, [0.5, -1.0], order=2)\n"
        "    assert report.verdict == 'correct' and report.order == 2 and report.seed == 0\n"
    )
    run(pytester).assert_outcomes(passed=1)


def test_a_wrong_one_fails_and_is_repeated(pytester: Any) -> None:
    pytester.makepyfile(
        RULE + "def test_it(gradcheck):\n"
        "    k = 2.0\n"
        "    gradcheck(lambda x: cube(x) * k, np.array([0.5, 2.0]))\n"
    )
    result = run(pytester, "--gradcheck-seed=5")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*the gradient is wrong*", "*cube*its gradient for x is wrong*"])
    # The traceback ends in the test, not in the machinery.
    assert "autodiff/testing" not in result.stdout.str().replace("\\", "/")
    text = section(result)
    assert "seed=5" in text and "0.5, 2.0" in text
    assert "wrong" in pasted(text) and "factor 1.001" in pasted(text)


def test_large_inputs_are_in_a_file(pytester: Any) -> None:
    pytester.makepyfile(RULE + "def test_it(gradcheck):\n    gradcheck(cube, np.ones((20, 20)))\n")
    text = section(run(pytester))
    assert "np.load" in text and "factor 1.001" in pasted(text)


def test_what_has_no_source_runs_the_test_again(pytester: Any) -> None:
    pytester.makepyfile(
        RULE + "class F:\n"
        "    def __call__(self, x):\n"
        "        return cube(x)\n"
        "def test_it(gradcheck):\n"
        "    gradcheck(F(), np.array([0.5]))\n"
    )
    text = section(run(pytester, "--gradcheck-seed=3", "--gradcheck-budget=2"))
    assert "--gradcheck-seed=3" in text and "--gradcheck-budget=2.0" in text
    assert "1 failed" in pasted(text)


def test_the_options_reach_the_check(pytester: Any) -> None:
    pytester.makepyfile(
        "import autodiff as ad\n"
        "def test_seed(gradcheck):\n"
        "    assert gradcheck(ad.sin, 0.5).seed == 11\n"
        "    assert gradcheck(ad.sin, 0.5, seed=4).seed == 4\n"
    )
    run(pytester, "--gradcheck-seed=11", "--gradcheck-budget=0.5").assert_outcomes(passed=1)
    assert run(pytester, "--gradcheck-budget=0").ret == pytest.ExitCode.USAGE_ERROR


def test_nothing_to_check_is_an_error_with_a_replay(pytester: Any) -> None:
    pytester.makepyfile(
        "def test_it(gradcheck):\n    gradcheck(lambda x: x.numpy(), 0.5)\n"
        "def test_caught(gradcheck):\n"
        "    import pytest, autodiff as ad\n"
        "    with pytest.raises(ad.GradientError):\n"
        "        gradcheck(lambda x: x.numpy(), 0.5)\n"
    )
    result = run(pytester)
    result.assert_outcomes(failed=1, passed=1)
    assert result.stdout.str().count("to repeat the gradient check") == 1
    assert "f = lambda x: x.numpy()" in section(result)


def test_hypothesis_repeats_the_smallest(pytester: Any) -> None:
    pytester.makepyfile(
        RULE + "from hypothesis import HealthCheck, given, settings\n"
        "from autodiff.testing import distinct_arrays\n"
        "@given(x=distinct_arrays())\n"
        "@settings(max_examples=5, database=None, suppress_health_check=list(HealthCheck))\n"
        "def test_it(gradcheck, x):\n"
        "    gradcheck(cube, x)\n"
    )
    text = section(run(pytester))
    assert "inputs = (np.array(0.015625, dtype='float64'),)" in text


def test_the_plugin_is_light() -> None:
    heavy = {"numpy", "autodiff", "hypothesis", "graphviz"}
    program = "import autodiff_pytest, sys; print(*{m.split('.')[0] for m in sys.modules})"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, cwd=ROOT, check=True
    )
    assert heavy & set(done.stdout.split()) == set()
