"""From boxes and arrows to DOT, the language of Graphviz.

Labels are Graphviz's HTML-like ones, and every text that comes from a user is escaped for them.
Colours: slate operations, amber parameters, blue inputs, green outputs, violet folded modules,
each with a shape of its own too, so that the drawing reads without colours.
"""

from __future__ import annotations

import html
from typing import Any

from autodiff.drawing.fold import Box, Picture

FONT = "Helvetica,Arial,sans-serif"
INK, MUTED, LINE = "#1e293b", "#64748b", "#94a3b8"
WIDTH = 44  # characters of one line in a box

# kind: fill, border, shape, style
STYLES = {
    "input": ("#dbeafe", "#2563eb", "ellipse", "filled"),
    "parameter": ("#fef3c7", "#d97706", "box", "filled"),
    "constant": ("#f8fafc", "#cbd5e1", "box", "filled,rounded,dashed"),
    "operation": ("#ffffff", "#64748b", "box", "filled,rounded"),
    "output": ("#dcfce7", "#16a34a", "box", "filled,rounded,bold"),
    "group": ("#ede9fe", "#7c3aed", "box3d", "filled"),
    "rest": ("#f1f5f9", "#94a3b8", "box", "filled,rounded,dashed"),
}
WORDS = {"group": "folded module", "rest": "not shown"}
TINTS = ("#f8fafc", "#f1f5f9", "#e9eef5", "#e2e8f0")


def to_dot(picture: Picture, direction: str, title: str | None) -> str:
    """The DOT text of a picture."""
    # Optional in the sense of time: importing graphviz takes longer than all of autodiff.
    import graphviz

    dot = graphviz.Digraph("autodiff")
    dot.attr(
        "graph", rankdir=direction, fontname=FONT, fontcolor=INK, bgcolor="white", pad="0.3",
        nodesep="0.28", ranksep="0.38", labelloc="t", labeljust="l", label=_header(picture, title),
    )  # fmt: skip
    dot.attr(
        "node", fontname=FONT, fontsize="11", fontcolor=INK, penwidth="1.2", margin="0.10,0.05"
    )
    dot.attr("edge", color=LINE, fontname=FONT, fontsize="9", fontcolor=MUTED, arrowsize="0.6")
    ids = {key: f"n{i}" for i, key in enumerate(picture.boxes)}
    _clusters(dot, picture, ids)
    for source, target, label in picture.arrows:
        attributes = {"label": f"<&nbsp;{escape(label)}>"} if label else {}
        dot.edge(ids[source], ids[target], **attributes)
    return str(dot.source)


def escape(text: str, width: int = WIDTH) -> str:
    """Text as it may stand in an HTML-like label: one line, no control characters, bounded."""
    text = "".join(c if c.isprintable() else " " for c in text)
    text = text if len(text) <= width else text[: width - 1] + "…"
    return html.escape(text)


def _clusters(dot: Any, picture: Picture, ids: dict[Any, str]) -> None:
    """Write the boxes, those of a scope inside its cluster."""
    members: dict[tuple[str, ...], list[Any]] = {(): []}
    for key, box in picture.boxes.items():
        for depth in range(len(box.scope) + 1):
            members.setdefault(box.scope[:depth], [])
        members[box.scope].append(key)
    children: dict[tuple[str, ...], list[tuple[str, ...]]] = {}
    for scope in members:
        if scope:
            children.setdefault(scope[:-1], []).append(scope)
    numbers = {scope: i for i, scope in enumerate(members)}

    def write(parent: Any, scope: tuple[str, ...]) -> None:
        for key in members[scope]:
            _node(parent, ids[key], picture.boxes[key])
        for child in children.get(scope, ()):
            with parent.subgraph(name=f"cluster_{numbers[child]}") as cluster:
                cluster.attr(
                    label=f"<<B>{escape(child[-1])}</B>>", style="filled,rounded", color="#cbd5e1",
                    fillcolor=TINTS[min(len(scope), len(TINTS) - 1)], fontsize="11",
                    fontcolor=MUTED, labeljust="l", margin="10",
                )  # fmt: skip
                write(cluster, child)

    write(dot, ())


def _node(dot: Any, name: str, box: Box) -> None:
    kind = "output" if box.output and box.kind == "operation" else box.kind
    fill, border, shape, style = STYLES[kind]
    attributes = {"fillcolor": fill, "color": border, "shape": shape, "style": style}
    if box.output:
        attributes["penwidth"] = "2.2"
        attributes["color"] = STYLES["output"][1]
    if box.kind == "constant":
        attributes |= {"margin": "0.05,0.02", "height": "0.2", "width": "0.3"}
    dot.node(
        name, label=f"<{_label(box)}>", tooltip=escape(f"{box.title} {box.type}"), **attributes
    )


def _label(box: Box) -> str:
    if box.kind == "constant":
        size, title = "9", escape(box.title)
    else:
        size, title = "9", f"<B>{escape(box.title)}</B>"
    lines = [title]
    if box.detail:
        lines.append(f'<FONT POINT-SIZE="{size}" COLOR="{MUTED}">{escape(box.detail)}</FONT>')
    if box.type:
        lines.append(f'<FONT POINT-SIZE="{size}" COLOR="{MUTED}">{escape(box.type)}</FONT>')
    if box.kind == "constant":
        lines = [f'<FONT POINT-SIZE="9">{line}</FONT>' for line in lines[:1]] + lines[1:]
    return "<BR/>".join(lines)


def _header(picture: Picture, title: str | None) -> str:
    """Title, note and legend as one label above the drawing."""
    kinds = {box.kind for box in picture.boxes.values()}
    if any(box.output for box in picture.boxes.values()):
        kinds.add("output")
    legend = "&nbsp;&nbsp;&nbsp;".join(
        f'<FONT COLOR="{border}">■</FONT>&nbsp;{WORDS.get(kind, kind)}'
        for kind, (_, border, _, _) in STYLES.items()
        if kind in kinds
    )
    rows = [] if title is None else [f'<FONT POINT-SIZE="15"><B>{escape(title, 100)}</B></FONT>']
    if picture.note:
        rows.append(f'<FONT POINT-SIZE="10" COLOR="#b45309">{escape(picture.note, 200)}</FONT>')
    rows.append(f'<FONT POINT-SIZE="10" COLOR="{MUTED}">{legend}</FONT>')
    body = "".join(f'<TR><TD ALIGN="LEFT">{row}</TD></TR>' for row in rows)
    return f'<<TABLE BORDER="0" CELLBORDER="0" CELLPADDING="2">{body}</TABLE>>'
