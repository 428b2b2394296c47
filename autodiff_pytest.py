"""The pytest plugin of autodiff: the fixture ``gradcheck`` and its options.

It stands outside the package: pytest imports it in every run of every project that has autodiff
installed, and what is in a package imports the package, and that NumPy. Here nothing is imported
before a test asks for the fixture.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from importlib import import_module
from typing import Any

import pytest

NAME = "autodiff"  # of the entry point
REPLAY = pytest.StashKey[str]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add ``--gradcheck-budget`` and ``--gradcheck-seed``."""
    group = parser.getgroup("autodiff", "gradient checks (autodiff)")
    group.addoption(
        "--gradcheck-budget",
        type=_positive,
        metavar="SECONDS",
        help="time that one call of the fixture gradcheck may take",
    )
    group.addoption(
        "--gradcheck-seed",
        type=int,
        default=0,
        metavar="N",
        help="chooses the weights and directions of gradient checks (default 0)",
    )


def _positive(text: str) -> float:
    value = float(text)
    if not value > 0:
        raise ValueError(text)
    return value


@pytest.fixture
def gradcheck(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Callable[..., Any]:
    """``gradcheck(function, *inputs, **options)``: as ``ad.gradcheck``, and fails the test.

    The test fails where a gradient is wrong or the check inconclusive, with the report and a
    program that repeats the check. ``--gradcheck-budget`` and ``--gradcheck-seed`` hold where the
    call gives no ``budget`` and ``seed``. Returns the report.

    def test_rule(gradcheck):
        gradcheck(my_function, np.array([0.5, 2.0]))
    """
    config, stash = request.config, request.node.stash
    names = ("seed", "budget")
    found = {name: config.getoption(f"gradcheck_{name}") for name in names}
    defaults = {name: value for name, value in found.items() if value is not None}
    again = [f"{config.rootpath}/{request.node.nodeid}"]
    again += [f"--gradcheck-{name}={value}" for name, value in defaults.items()]
    if not config.pluginmanager.has_plugin(NAME):  # it was named with -p
        again += ["-p", __name__]
    return import_module("autodiff.testing.replay").checker(
        defaults,
        again,
        folder=lambda: tmp_path_factory.mktemp("gradcheck"),
        show=lambda text: stash.__setitem__(REPLAY, text),
    )


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Print the program that repeats the last check of a test that failed.

    In a section of its own: the lines of an error are indented and marked, and cannot be pasted.
    """
    report = yield
    text = item.stash.get(REPLAY, None)
    if report.failed and report.when == "call" and text is not None:
        report.sections.append(("to repeat the gradient check", text))
    return report
