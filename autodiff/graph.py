"""Graph: what was recorded, in topological order, as all tools read it.

Two ways lead to a Graph: ``graph(*tensors)`` reads the history that the Tensors carry, ``trace(f)``
runs a function once and records every operation of it, whether a gradient is needed or not. All
walks are iterative, so a chain of a million operations is a Graph like any other.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np

from autodiff.errors import GradientError
from autodiff.node import SCALARS, Leaf, Node
from autodiff.recording import pop, push
from autodiff.registry import public
from autodiff.tensor import Tensor, raw, wrap
from autodiff.tree import flatten

__all__ = ["graph", "trace"]

LINES = 200  # of a printed graph; the middle of a longer one is left out


class Graph:
    """Nodes in topological order, with inputs and outputs.

    Attributes
    ----------
    nodes : tuple of Node
        Leaves and operations; each one stands behind its inputs.
    operations : tuple of Node
        The nodes that are applications of primitives.
    inputs : tuple of Node
        The arguments of a traced function; in a recorded history, named leaves without a gradient.
    parameters : tuple of Node
        Leaves that need a gradient and are not inputs.
    constants : tuple of Node
        All other leaves. Python numbers are no nodes: they stand in ``Node.inputs`` as they are.
    outputs : tuple of Node

    >>> import autodiff as ad
    >>> g = ad.trace(lambda x, y: x * y + 1.0)(ad.tensor([1.0, 2.0]), ad.tensor([3.0, 4.0]))
    >>> print(g)
    Graph: 2 inputs, 0 parameters, 0 constants, 2 operations, 1 output
      x         input  float64[2]
      y         input  float64[2]
      %0 = multiply(x, y)  float64[2]
      %1 = add(%0, 1.0)    float64[2]
      return %1
    """

    def __init__(self, outputs: Iterable[Node], inputs: Iterable[Node] | None = None) -> None:
        self.outputs = tuple(outputs)
        given = None if inputs is None else tuple(inputs)
        self.nodes = tuple(ancestors((*self.outputs, *(given or ()))))
        self.operations = tuple(n for n in self.nodes if n.primitive is not None)
        leaves = [n for n in self.nodes if n.primitive is None]
        if given is None:
            given = tuple(n for n in leaves if not n.needs and n.name)
        self.inputs = given
        chosen = set(given)
        self.parameters = tuple(n for n in leaves if n.needs and n not in chosen)
        self.constants = tuple(n for n in leaves if not n.needs and n not in chosen)
        self._names: dict[Node, str] | None = None
        self._held: dict[Node, Any] | None = None

    def __len__(self) -> int:
        return len(self.nodes)

    def __iter__(self) -> Iterator[Node]:
        return iter(self.nodes)

    @property
    def names(self) -> dict[Node, str]:
        """A name for every node, each different: the one it was given, or a number."""
        if self._names is None:
            self._names = self._name_all()
        return self._names

    def value(self, leaf: Node) -> np.ndarray[Any, Any] | None:
        """The value of a leaf, where its Tensor or an operation that reads it still holds it."""
        tensor = leaf.handle() if isinstance(leaf, Leaf) and leaf.handle is not None else None
        if tensor is not None:
            return tensor.data
        if self._held is None:
            self._held = {
                source: kept
                for node in self.operations
                for source, kept in zip(node.inputs, node.kept, strict=False)
                if kept is not None and type(source) not in SCALARS and source.primitive is None
            }
        held = self._held.get(leaf)
        return None if held is None else np.asarray(held)

    def _name_all(self) -> dict[Node, str]:
        counts = {"p": 0, "c": 0, "%": 0}
        taken: set[str] = set()
        names: dict[Node, str] = {}
        for node in self.nodes:
            name = node.name
            if name is None:
                kind = "%" if node.primitive is not None else "p" if node.needs else "c"
                name, counts[kind] = f"{kind}{counts[kind]}", counts[kind] + 1
            unique, again = name, 1
            while unique in taken:
                again += 1
                unique = f"{name}#{again}"
            taken.add(unique)
            names[node] = unique
        return names

    def summary(self, lines: int = LINES) -> str:
        """The graph as text, one line a node; beyond ``lines`` nodes, the middle is left out."""
        names = self.names
        roles = dict.fromkeys(self.inputs, "input") | dict.fromkeys(self.parameters, "parameter")
        shown, hidden = list(self.nodes), 0
        if len(shown) > lines:
            hidden = len(shown) - lines
            shown = shown[: lines // 2] + shown[len(shown) - (lines - lines // 2) :]
        rows = [_row(node, names, roles.get(node, "constant")) for node in shown]
        widths = {
            kind: max((len(left) for k, left, _ in rows if k == kind), default=0) for kind in (0, 1)
        }
        body = [f"  {left:<{widths[kind]}}  {right}" for kind, left, right in rows]
        if hidden:
            body.insert(lines // 2, f"  ... {hidden} more nodes ...")
        outputs = ", ".join(names[n] for n in self.outputs)
        return "\n".join([f"Graph: {self._counts()}", *body, f"  return {outputs}"])

    def _counts(self) -> str:
        parts = ("inputs", "parameters", "constants", "operations", "outputs")
        sizes = {part: len(getattr(self, part)) for part in parts}
        return ", ".join(f"{n} {part[:-1] if n == 1 else part}" for part, n in sizes.items())

    def __repr__(self) -> str:
        return f"<Graph: {self._counts()}>"

    def __str__(self) -> str:
        return self.summary()


def _row(node: Node, names: dict[Node, str], role: str) -> tuple[int, str, str]:
    """One line of a printed graph: kind (0 leaf, 1 operation), what it is, shape and dtype."""
    kind = f"{node.dtype}{list(node.shape)}"
    if node.primitive is None:
        return 0, f"{names[node]:<9} {role}", kind
    operands = [repr(x) if type(x) in SCALARS else names[x] for x in node.inputs]
    call = ", ".join([*operands, *(f"{k}={v}" for k, v in describe_params(node).items())])
    place = f"  in {'.'.join(node.scope)}" if node.scope else ""
    return 1, f"{names[node]} = {node.primitive.name}({call})", kind + place


def ancestors(roots: Iterable[Node]) -> list[Node]:
    """``roots`` and everything they were computed from, in topological order."""
    seen = set(roots)
    found = list(seen)
    for node in found:  # grows while it is walked
        for source in node.inputs:
            if type(source) not in SCALARS and source not in seen:
                seen.add(source)
                found.append(source)
    found.sort(key=lambda node: node.serial)
    return found


def describe_params(node: Node, width: int = 32) -> dict[str, str]:
    """The parameters of a node that say something, each as a short text."""
    return {
        key: _short(value, width)
        for key, value in node.params.items()
        if value is not None and value is not False
    }


def _short(value: Any, width: int) -> str:
    if isinstance(value, Node):
        text = repr(value)
    elif isinstance(value, (np.ndarray, Tensor)):
        array = raw(value)
        text = repr(array.item()) if array.size == 1 else f"{array.dtype}{list(array.shape)}"
    elif isinstance(value, slice):
        bounds = [("" if v is None else _short(v, width)) for v in (value.start, value.stop)]
        text = ":".join(bounds) + ("" if value.step is None else f":{_short(value.step, width)}")
    elif value is Ellipsis:
        text = "..."
    elif isinstance(value, (tuple, list)):
        ends = ("(", ",)" if len(value) == 1 else ")") if isinstance(value, tuple) else ("[", "]")
        text = ends[0] + ", ".join(_short(v, width) for v in value[:16]) + ends[1]
    elif isinstance(value, (np.dtype, type)):
        text = np.dtype(value).name if isinstance(value, np.dtype) else value.__name__
    elif callable(value):
        text = getattr(value, "__qualname__", type(value).__name__).rpartition(".")[2]
    else:
        text = repr(value) if isinstance(value, (str, int, float, complex)) else str(value)
    text = " ".join(text.split())
    return text if len(text) <= width else text[: width - 1] + "…"


def named_leaves(function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> list[str]:
    """A name for each leaf of ``(args, kwargs)``: the parameter's, and the path inside it."""
    names: list[str] = []
    for name, value in zip(_parameter_names(function, len(args)), args, strict=True):
        _paths(value, name, names)
    for name, value in kwargs.items():
        _paths(value, name, names)
    return names


def _parameter_names(function: Any, count: int) -> list[str]:
    try:
        parameters = inspect.signature(getattr(function, "forward", function)).parameters.values()
    except (TypeError, ValueError):  # a function written in C may have no signature
        parameters = {}.values()
    names: list[str] = []
    for p in parameters:
        if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD):
            names.append(p.name)
        elif p.kind is p.VAR_POSITIONAL:
            names += [f"{p.name}[{i}]" for i in range(count - len(names))]
    return names[:count] + [f"arg{i}" for i in range(len(names), count)]


def _paths(tree: Any, path: str, names: list[str]) -> None:
    """The paths of the leaves, in the order in which ``tree.flatten`` gives them."""
    if tree is None:
        return
    if isinstance(tree, dict):
        for key, value in tree.items():
            _paths(value, f"{path}[{key!r}]", names)
    elif isinstance(tree, (tuple, list)):
        for i, value in enumerate(tree):
            _paths(value, f"{path}[{i}]", names)
    else:
        names.append(path)


@public
def graph(*tensors: Any) -> Graph:
    """The recorded history of Tensors as a Graph.

    Parameters
    ----------
    *tensors : Tensor, or nested tuples, lists and dicts of Tensors
        The outputs. What they were computed from is what a gradient needs; operations on values
        that need no gradient were never recorded (``trace`` records those as well).

    Raises
    ------
    GradientError
        A value is no Tensor, or has no history.

    >>> import autodiff as ad
    >>> w = ad.tensor([1.0, 2.0], requires_grad=True, name="w")
    >>> ad.graph((w * w).sum())
    <Graph: 0 inputs, 1 parameter, 0 constants, 2 operations, 1 output>
    """
    outputs, _ = flatten(tensors)
    if not outputs:
        raise GradientError("graph: expected one Tensor or more, got none")
    for x in outputs:
        if not isinstance(x, Tensor):
            raise GradientError(f"graph: expected Tensors, got {type(x).__name__}")
        if x.node is None:
            raise GradientError(
                f"graph: a Tensor of shape {x.shape} has no history: nothing that it was computed "
                "from requires a gradient. Make an input with requires_grad=True, or use "
                "ad.trace(f)(*args), which records every operation"
            )
    return Graph([x.node for x in outputs])


@public
def trace(function: Callable[..., Any]) -> Callable[..., Graph]:
    """Run a function once with every operation recorded; ``trace(f)(*args)`` gives the Graph.

    Tensors and arrays among the arguments (also in nested tuples, lists and dicts) become the
    Graph's inputs and carry the names of the function's parameters. Python numbers stay constants,
    unless no argument is an array. Tensors that the function reads from elsewhere become
    parameters (where they need a gradient) or constants. Python's own control flow is not
    recorded, only what was run.

    Raises
    ------
    GradientError
        The function returned something other than Tensors.

    >>> import autodiff as ad
    >>> ad.trace(lambda x: ad.tanh(x) * 2.0)(ad.tensor([0.0, 1.0])).operations
    (<tanh float64[2]>, <multiply float64[2]>)
    """

    def traced(*args: Any, **kwargs: Any) -> Graph:
        leaves, rebuild = flatten((args, kwargs))
        names = named_leaves(function, args, kwargs)
        arrays = [isinstance(x, (Tensor, np.ndarray, np.inexact)) for x in leaves]
        if not any(arrays):
            arrays = [type(x) in (float, int) for x in leaves]
        lifted = [
            _as_input(x, n) if a else x for x, n, a in zip(leaves, names, arrays, strict=True)
        ]
        inputs = [_node_of(x) for x, a in zip(lifted, arrays, strict=True) if a]
        state = push(keep_all=True)
        try:
            new_args, new_kwargs = rebuild(lifted)
            results, _ = flatten(function(*new_args, **new_kwargs))
        finally:
            pop(state)
        label = getattr(function, "__name__", type(function).__name__)
        if not results or not all(isinstance(y, Tensor) for y in results):
            kinds = ", ".join(type(y).__name__ for y in results) or "nothing"
            raise GradientError(f"trace: {label} must return Tensors, it returned {kinds}")
        return Graph([_node_of(y) for y in results], inputs)

    return traced


def _as_input(x: Any, name: str) -> Tensor:
    """A new handle on an argument's value, with a leaf of its own: the caller's keeps its name."""
    needs = isinstance(x, Tensor) and x.requires_grad
    own = x.name if isinstance(x, Tensor) else None
    tensor = wrap(np.asarray(raw(x)) if isinstance(x, Tensor) else np.array(x))
    tensor.node = Leaf(tensor.shape, tensor.dtype, needs=needs, name=own or name, handle=tensor)
    return tensor


def _node_of(y: Tensor) -> Node:
    """The node of an output; a value that no operation made gets a leaf."""
    if y.node is None:
        y.node = Leaf(y.shape, y.dtype, needs=False, handle=y)
    return y.node
