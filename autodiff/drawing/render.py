"""Drawing: a picture of a graph that can be looked at, saved and embedded."""

from __future__ import annotations

import html
import os
import shutil
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from os import PathLike
from pathlib import Path

FORMATS = ("svg", "png", "pdf", "dot", "html")
# Graphviz inside the process keeps global state and is not safe to enter twice.
_one_at_a_time = threading.Lock()
_PAGE = """<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>{title}</title>
<style>body {{ margin: 1rem; background: #fff }} svg {{ max-width: 100%; height: auto }}</style>
</head>
<body>
{svg}
</body>
</html>
"""


class Drawing:
    """A drawn graph: what ``ad.draw`` returns. A notebook shows it by itself.

    ``dot`` is its text in the DOT language, which needs no renderer; ``svg()`` and ``save`` render
    it by Graphviz's ``dot`` program or, where there is none, by the package ``pygraphviz``.

    >>> import autodiff as ad
    >>> x = ad.tensor(2.0, requires_grad=True, name="x")
    >>> ad.draw(x * x).dot.splitlines()[0]
    'digraph autodiff {'
    """

    def __init__(self, dot: str, title: str | None = None) -> None:
        self.dot = dot
        self.title = title

    def svg(self) -> str:
        """The drawing as an SVG element. Raises RuntimeError where nothing can render it."""
        text = render(self.dot, "svg").decode()
        return text[text.index("<svg") :]

    def save(self, path: str | PathLike[str]) -> Path:
        """Write the drawing; the suffix of ``path`` (svg, png, pdf, dot, html) chooses the format.

        Raises ValueError for another suffix, RuntimeError where nothing can render.
        """
        target = Path(path)
        kind = target.suffix.lower().removeprefix(".")
        if kind not in FORMATS:
            raise ValueError(
                f"draw: cannot save {target.name!r}: the suffix must be one of "
                f".{', .'.join(FORMATS)}"
            )
        if kind == "dot":
            content = self.dot.encode()
        elif kind == "html":
            title = html.escape(self.title or "autodiff graph")
            content = _PAGE.format(title=title, svg=self.svg()).encode()
        else:
            content = render(self.dot, kind)
        target.write_bytes(content)
        return target

    def _repr_svg_(self) -> str:
        return self.svg()

    def __repr__(self) -> str:
        title = f" {self.title!r}" if self.title else ""
        return f"<Drawing{title}, {len(self.dot):,} characters of DOT>"


def render(dot: str, kind: str) -> bytes:
    """DOT text as svg, png or pdf."""
    if kind == "png":  # for screens of today; the other formats have no resolution
        dot = dot.replace("{", "{\n\tgraph [dpi=144]", 1)
    if shutil.which("dot"):
        import graphviz

        return bytes(graphviz.Source(dot).pipe(format=kind))
    try:
        from pygraphviz import AGraph
    except ImportError:
        raise RuntimeError(
            "draw: rendering needs Graphviz, and neither its program 'dot' nor the package "
            "pygraphviz is here: pip install autodiff-nn[draw] (saving as .dot needs neither)"
        ) from None
    with _one_at_a_time, _quiet_about_fonts():
        graph = AGraph(string=dot)
        try:
            return bytes(graph.draw(format=kind, prog="dot"))
        finally:
            graph.close()


@contextmanager
def _quiet_about_fonts() -> Iterator[None]:
    # The wheel's font library is older than some systems' font configuration and warns, in C, of
    # every element that it does not know. Nothing follows from that; other lines are passed on.
    saved = os.dup(2)
    try:
        with tempfile.TemporaryFile() as held:
            os.dup2(held.fileno(), 2)
            try:
                yield
            finally:
                os.dup2(saved, 2)
                held.seek(0)
                for line in held:
                    if not line.startswith(b"Fontconfig warning"):
                        os.write(2, line)
    finally:
        os.close(saved)
