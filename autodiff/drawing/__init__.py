"""Drawings of graphs: ``draw`` and what it returns."""

from __future__ import annotations

from typing import Any

from autodiff.drawing.dot import to_dot
from autodiff.drawing.fold import compose
from autodiff.drawing.render import Drawing
from autodiff.graph import Graph, graph, trace
from autodiff.registry import public
from autodiff.tensor import Tensor

__all__ = ["Drawing", "draw"]


@public
def draw(
    what: Any,
    *args: Any,
    direction: str = "TB",
    max_nodes: int = 150,
    title: str | None = None,
) -> Drawing:
    """Draw the graph of Tensors, of a Graph, or of a function or module on given arguments.

    Operations show their parameters, shape and dtype; parameters, inputs, constants and outputs
    differ in colour and shape; clusters are the scopes (``ad.scope``) and modules that recorded
    the operations; an arrow is labelled where the order of operands matters.

    Parameters
    ----------
    what : Tensor, Graph, nested containers of Tensors, or a callable
        A callable is traced: ``draw(model, x)`` is ``draw(trace(model)(x))``.
    *args
        Arguments of the callable.
    direction : {"TB", "LR"}
        Top to bottom, or left to right.
    max_nodes : int
        The most boxes shown. Above it, scopes are folded from the deepest level up into one box
        each ("Dense ×4": four operations); where that is not enough, only the boxes nearest to the
        outputs are shown, one more box stands for the rest, and the drawing says so.
    title : str, optional

    Raises
    ------
    GradientError
        A Tensor has no history.
    ValueError
        ``direction`` or ``max_nodes`` is out of range.

    >>> import autodiff as ad
    >>> x = ad.tensor(2.0, requires_grad=True, name="x")
    >>> drawing = ad.draw(x * x + ad.sin(x), title="a small graph")
    >>> "multiply" in drawing.dot
    True
    """
    if direction not in ("TB", "LR"):
        raise ValueError(f"draw: direction is 'TB' or 'LR', got {direction!r}")
    if not isinstance(max_nodes, int) or max_nodes < 2:
        raise ValueError(f"draw: max_nodes is an integer of at least 2, got {max_nodes!r}")
    if isinstance(what, Graph):
        found = what
    elif callable(what) and not isinstance(what, Tensor):
        found = trace(what)(*args)
        title = title or getattr(what, "__name__", type(what).__name__).replace("<lambda>", "")
    else:
        found = graph(what, *args)
    return Drawing(to_dot(compose(found, max_nodes), direction, title or None), title or None)
