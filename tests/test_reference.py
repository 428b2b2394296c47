"""Every public function: its line of the reference page, and that nothing is lost without a word.

``python -m tests.test_reference`` writes the page ``docs/reference.md`` anew.
"""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import autodiff as ad
import nn
from autodiff.registry import load_all
from tests.own_samples import JUMPS, OWN
from tests.reference import namespaces, numpy_names, public_functions
from tests.reference_lost import LEAVES, lost_by, lost_by_numpy, lost_by_tensor
from tests.reference_page import VERSIONS, Row, family_of, measure, page

PAGE = Path(__file__).resolve().parent.parent / "docs" / "reference.md"
load_all()
FUNCTIONS = public_functions(namespaces())
LOSSES = public_functions({"nn.losses.": nn.losses, "nn.metrics.": nn.metrics})
OF_TENSOR = [n for n in dir(ad.Tensor) if n.endswith("__") or not n.startswith("_")]


def lines_of(text: str) -> dict[str, str]:
    """The lines of a page by the name of the function."""
    rows = [row for row in text.splitlines() if row.startswith("| `") and row.count("|") == 9]
    return {row.split("`")[1]: row for row in rows}


WRITTEN = PAGE.read_text(encoding="utf-8") if PAGE.exists() else ""
LINES = lines_of(WRITTEN)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_line(name: str) -> None:
    """What is measured is what the page says, and nothing of it is wrong."""
    row = measure(name, *FUNCTIONS[name])
    assert "wrong" not in row.cells, str(row)
    again = "run: python -m tests.test_reference"
    if VERSIONS in WRITTEN:
        assert LINES.get(name) == str(row), again
    else:  # another NumPy has other names to follow
        assert LINES.get(name, "").split("|")[-6:] == str(row).split("|")[-6:], again


def test_the_page_is_whole() -> None:
    """It has each function once, in its section, and its counts are those of its lines."""
    assert set(LINES) == set(FUNCTIONS), "run: python -m tests.test_reference"
    if VERSIONS in WRITTEN:
        assert page(LINES, FUNCTIONS) == WRITTEN, "run: python -m tests.test_reference"


def test_samples_are_of_functions() -> None:
    """A sample of what is no public function would never be called."""
    known = {*FUNCTIONS, *LOSSES, "Tensor", *(f"Tensor.{n}" for n in OF_TENSOR)}
    assert {*OWN, *JUMPS, *LEAVES} - known == set()


# ---- nothing is lost


@pytest.mark.parametrize("name", [*FUNCTIONS, *LOSSES])
def test_nothing_is_lost(name: str) -> None:
    """A floating result that depends on a Tensor has a gradient, raises, or says what it is."""
    function, _ = (FUNCTIONS | LOSSES)[name]
    assert lost_by(name, function) == []


@pytest.mark.parametrize("name", numpy_names())
def test_nothing_is_lost_by_numpy(name: str) -> None:
    assert lost_by_numpy(name) == []


@pytest.mark.parametrize("name", OF_TENSOR)
def test_nothing_is_lost_by_a_tensor(name: str) -> None:
    assert lost_by_tensor(name) == []


# ---- the tests see what they are for


def planted(**functions: Any) -> dict[str, Any]:
    """The public functions of a namespace with these."""
    for function in functions.values():
        function.__module__ = "autodiff.ops.elementwise"
    return public_functions({"": SimpleNamespace(__all__=list(functions), **functions)})


def sin(x: Any) -> Any:
    """Sines of the values."""
    return ad.tensor(np.sin(np.asarray(ad.tensor(x))))


def test_a_lost_gradient_is_found() -> None:
    ((function, _),) = planted(sin=sin).values()
    (found,) = lost_by("sin", function)
    assert found.startswith("sample 0: operand 0, array")
    assert measure("sin", function, []).cells[0] == "– constant"


def test_a_lost_operand_is_found() -> None:
    def arctan2(a: Any, b: Any) -> Any:
        return ad.arctan2(a, ad.stop_gradient(b))

    ((function, _),) = planted(arctan2=arctan2).values()
    assert all("operand 1" in f for f in lost_by("arctan2", function))
    assert len(lost_by("arctan2", function)) > 0
    assert measure("arctan2", function, []).cells[0] == "wrong"


def test_a_lost_option_is_found() -> None:
    def exp(x: Any, scale: Any = 1.0) -> Any:
        return ad.exp(x) * float(scale)

    ((function, _),) = planted(exp=exp).values()
    assert any("'scale': 0.37" in f for f in lost_by("exp", function))


def test_a_sample_must_run() -> None:
    ((function, _),) = planted(sin=lambda x: ad.sin(x, 0)).values()
    with pytest.raises(TypeError):
        lost_by("sin", function)


def test_what_says_so_is_not_lost() -> None:
    def cos(x: Any) -> Any:
        """Cosines: no gradient passes."""
        return np.cos(np.asarray(ad.tensor(x)))

    def arctan2(a: Any, b: Any) -> Any:
        """Angles; no gradient reaches ``b``."""
        return ad.arctan2(a, ad.stop_gradient(b))

    for name, (function, _) in planted(cos=cos, arctan2=arctan2).items():
        assert lost_by(name, function) == []


def test_a_new_function_needs_a_sample() -> None:
    ((function, _),) = planted(novelty=lambda x: x).values()
    for check in (lambda: lost_by("novelty", function), lambda: measure("novelty", function, [])):
        with pytest.raises(LookupError, match=r"novelty is public .* add its name and one to OWN"):
            check()


def test_a_new_module_needs_a_section() -> None:
    function = SimpleNamespace(__module__="autodiff.ops.novelty")
    with pytest.raises(LookupError, match="module novelty: name it in FAMILIES"):
        family_of(function)


def test_planted_faults_are_measured() -> None:
    """Each column sees a function that fails in it."""

    @ad.custom_vjp
    def first_order(x: Any) -> Any:
        return np.sin(x)

    @first_order.defvjp
    def rule(g: Any, y: Any, x: Any) -> Any:
        return g * np.cos(np.asarray(x))

    @ad.custom_vjp
    def wrong_forward(x: Any) -> Any:
        return np.sin(x)

    wrong_forward.defvjp(lambda g, y, x: g * ad.cos(x))
    wrong_forward.defjvp(lambda ts, y, x: 2.0 * ts[0] * ad.cos(x))

    def row(function: Any) -> Row:
        function.__name__ = "sin"
        return measure("sin", function, [])

    assert row(lambda x: first_order(x)).cells[2] == "raises GradientError"
    assert row(lambda x: wrong_forward(x)).cells[1] == "wrong"
    assert row(lambda x: ad.sin(x) if float(ad.sum(x)) < 9 else x).cells[3] == "raises VmapError"
    conjugated = row(lambda x: ad.sin(ad.conj(x)) if x.dtype.kind == "c" else ad.sin(x))
    assert conjugated.cells[4] == "wrong" and conjugated.cells[:3] == ("✓", "✓", "✓")
    with pytest.raises(AssertionError, match="values"):
        row(lambda x: 1.001 * ad.sin(x))


if __name__ == "__main__":
    found = {name: str(measure(name, *entry)) for name, entry in FUNCTIONS.items()}
    lost = [
        *(n for n, (f, _) in (FUNCTIONS | LOSSES).items() if lost_by(n, f)),
        *(f"numpy.{n}" for n in numpy_names() if lost_by_numpy(n)),
        *(f"Tensor.{n}" for n in OF_TENSOR if lost_by_tensor(n)),
    ]
    PAGE.write_text(page(found, FUNCTIONS, len(lost)), encoding="utf-8")
