"""Drawings: what they show, what they escape, and that they stay bounded."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import autodiff as ad
from autodiff.drawing.dot import escape
from autodiff.drawing.fold import compose


def mlp(layers: int = 3, width: int = 4) -> Any:
    """A network whose layers have nested scopes; returns its output."""
    h = ad.tensor(np.ones((2, width)), name="x")
    for i in range(layers):
        w = ad.tensor(np.ones((width, width)), requires_grad=True, name=f"layer{i}.weight")
        with ad.scope("net"), ad.scope(f"layer{i}"):
            h = ad.tanh(h @ w + 1.0)
    return h


def chain(length: int) -> Any:
    y = ad.tensor(1.0, requires_grad=True, name="start")
    for _ in range(length):
        y = y * 1.0
    return y


def test_dot_shows_operations_names_shapes_and_clusters() -> None:
    dot = ad.draw(mlp(), title="My net").dot
    for text in ("matmul", "tanh", "layer0.weight", "float64[2, 4]", "My net", "<B>net</B>"):
        assert text in dot
    assert dot.count("subgraph") == 4
    assert "layer2" in dot


def test_a_scalar_constant_shows_its_value_and_only_ordered_operands_are_labelled() -> None:
    x = ad.tensor([1.0, 2.0], requires_grad=True, name="x")
    y = ad.tensor([1.0, 2.0], requires_grad=True, name="y")
    assert "(·, 2.5)" in ad.draw(x * 2.5).dot
    assert "&nbsp;" not in arrows(ad.draw(x * y).dot)
    assert "&nbsp;b" in arrows(ad.draw(x / y).dot)


def arrows(dot: str) -> str:
    return "\n".join(line for line in dot.splitlines() if "->" in line)


def test_repeated_operands_have_an_arrow_each() -> None:
    x = ad.tensor(1.0, requires_grad=True)
    assert ad.draw(x * x).dot.count("->") == 2


def test_roles_differ_in_shape_and_colour() -> None:
    w = ad.tensor([1.0], requires_grad=True, name="w")
    g = ad.trace(lambda x: w * x + np.array([2.0, 3.0]))(np.ones(2))
    boxes = compose(g, 100).boxes.values()
    assert sorted(box.kind for box in boxes) == [
        "constant",
        "input",
        "operation",
        "operation",
        "parameter",
    ]
    assert [box.output for box in boxes].count(True) == 1


def test_a_callable_is_traced_and_a_graph_drawn_as_it_is() -> None:
    def area(width: Any, height: Any) -> Any:
        return width * height

    drawing = ad.draw(area, np.ones(2), np.ones(2))
    assert drawing.title == "area"
    assert "height" in drawing.dot
    traced = ad.trace(area)(np.ones(2), np.ones(2))
    assert ad.draw(traced, title="area").dot == drawing.dot


def test_scopes_fold_from_the_deepest_level_up() -> None:
    y = mlp(layers=20)
    picture = compose(ad.graph(y), 30)
    titles = [box.title for box in picture.boxes.values()]
    assert "layer7 ×3" in titles
    assert len(titles) <= 30
    assert all(box.scope in ((), ("net",)) for box in picture.boxes.values())
    folded = next(box for box in picture.boxes.values() if box.title == "layer7 ×3")
    assert folded.detail == "1 parameter · 16 numbers"
    whole = compose(ad.graph(y), 5)
    assert "net ×60" in [box.title for box in whole.boxes.values()]
    assert "scopes folded" in whole.note


def test_a_graph_without_scopes_is_bounded_and_says_so() -> None:
    picture = compose(ad.graph(chain(300)), 50)
    assert len(picture.boxes) == 50
    rest = [box for box in picture.boxes.values() if box.kind == "rest"]
    assert [box.title for box in rest] == ["… 251 more operations"]
    assert "301 nodes are too many for max_nodes=50: 252" in picture.note


def test_the_number_of_arrows_is_bounded_too() -> None:
    leaves = [ad.tensor(1.0, requires_grad=True) for _ in range(60)]
    level = leaves
    for _ in range(3):
        level = [ad.stack(level).sum() for _ in range(40)]
    picture = compose(ad.graph(*level), 200)
    assert len(picture.arrows) <= 4 * 200
    assert picture.note


def test_a_huge_graph_is_drawn_at_once() -> None:
    y = chain(100_000)
    start = time.perf_counter()
    dot = ad.draw(y).dot
    assert time.perf_counter() - start < 30
    assert dot.count("->") < 200


def test_text_from_users_is_escaped_and_bounded() -> None:
    nasty = 'a<b>&"quote"\\n\x00\n{record|field} ' + "x" * 100
    x = ad.tensor(1.0, requires_grad=True, name=nasty)
    with ad.scope("<scope> & co"):
        y = x * x
    drawing = ad.draw(y, title="<title>")
    assert "&lt;b&gt;&amp;&quot;quote&quot;" in drawing.dot
    assert "&lt;scope&gt; &amp; co" in drawing.dot
    assert "x" * 100 not in drawing.dot
    assert escape("\x00\x1b<", 10) == "  &lt;"
    assert len(escape("y" * 99, 10)) == 10


def test_rendering_nasty_text_works() -> None:
    pytest.importorskip("pygraphviz")  # pygraphviz is an extra
    x = ad.tensor(1.0, requires_grad=True, name='a<b>&"\\N \\l {|} é 日本')
    svg = ad.draw(x * x, title="a < b").svg()
    assert "a&lt;b&gt;&amp;" in svg
    assert "日本" in svg


@pytest.mark.parametrize("direction", ["TB", "LR"])
def test_save_writes_every_format(tmp_path: Path, direction: str) -> None:
    pytest.importorskip("pygraphviz")  # pygraphviz is an extra
    drawing = ad.draw(mlp(2), direction=direction)
    starts = {"svg": b"<svg", "png": b"\x89PNG", "pdf": b"%PDF", "html": b"<!doctype html>"}
    for suffix, start in starts.items():
        content = drawing.save(tmp_path / f"g.{suffix}").read_bytes()
        assert start in content[:700]
        assert len(content) > 1000
    assert drawing.save(tmp_path / "g.dot").read_text() == drawing.dot
    assert f"rankdir={direction}" in drawing.dot
    assert drawing._repr_svg_().startswith("<svg")
    assert re.search(r"</svg>\s*</body>", (tmp_path / "g.html").read_text())


def test_without_a_renderer_one_sentence_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None)
    monkeypatch.setitem(sys.modules, "pygraphviz", None)
    drawing = ad.draw(mlp(1))
    with pytest.raises(RuntimeError, match=r"pip install autodiff-nn\[draw\]"):
        drawing.save(tmp_path / "g.svg")
    drawing.save(tmp_path / "g.dot")


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: ad.draw(ad.tensor(1.0)), ad.GradientError, "has no history"),
        (lambda: ad.draw(chain(1), direction="up"), ValueError, "'TB' or 'LR', got 'up'"),
        (lambda: ad.draw(chain(1), max_nodes=1), ValueError, "at least 2, got 1"),
        (lambda: ad.draw(chain(1)).save("g.bmp"), ValueError, r"'g.bmp'.*\.svg, \.png"),
    ],
)
def test_errors_name_what_was_given(call: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call()


def test_importing_from_the_package_leaves_the_function_in_its_place() -> None:
    code = (
        "from autodiff.drawing import Drawing; from autodiff.checking import Report;"
        "import autodiff as ad; x = ad.tensor(1.0, requires_grad=True);"
        "assert isinstance(ad.draw(x * x), Drawing);"
        "assert isinstance(ad.gradcheck(ad.sin, 1.0), Report)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
