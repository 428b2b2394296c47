"""Reverse mode: gradients from outputs to inputs, to any order, by the walk of ``walk``.

Of a complex value, the gradient of a real loss L is the direction of steepest ascent, dL/dRe + i
dL/dIm. Inside the walk its conjugate goes from node to node, the g of dL = Re(g dy): so that a rule
is the same formula for real and complex values, and none of them conjugates (W. Wirtinger, "Zur
formalen Theorie der Funktionen von mehr komplexen Veränderlichen", 1927; JAX's convention). It is
conjugated once where it enters and once where it leaves, in ``pull_back``.
"""

from __future__ import annotations

import cmath
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from autodiff.batched import (
    Batched,
    handle,
    levels_of,
    owner_of,
    per_example,
    spell_out_pair,
    union,
    zeros_behind,
)
from autodiff.errors import DTypeError, GradientError, ShapeError
from autodiff.node import Node
from autodiff.recording import ask_for_record, current, pop, push
from autodiff.registry import FUNCTIONS, public
from autodiff.tensor import Tensor, raw, whole, wrap
from autodiff.transforms.walk import by_serial, reachable, walk
from autodiff.tree import Rebuild, flatten

__all__ = ["backward", "gradients"]


def _label(output: Tensor) -> str:
    return f"Tensor {output.name!r}" if output.name else "the output"


def _seed(output: Any, cotangent: Any, what: str) -> tuple[Node, Any]:
    """Check one output and its cotangent."""
    if not isinstance(output, Tensor):
        raise GradientError(
            f"{what}: expected a Tensor that was computed by recorded operations, got "
            f"{type(output).__name__}"
        )
    if cotangent is None and output.dtype.kind == "c":
        raise DTypeError(
            f"{what}: {_label(output)} is {output.dtype}, and only real values have gradients: "
            "take ad.real, ad.imag or ad.abs of it, or give a cotangent"
        )
    if not output.requires_grad:
        raise GradientError(
            f"{what}: {_label(output)} has no history: nothing that it was computed from requires "
            "a gradient, or it was computed under no_grad, or its history was cut by "
            "stop_gradient, .data or .numpy(). Make the inputs with ad.tensor(..., "
            "requires_grad=True)"
        )
    assert output.node is not None
    if cotangent is None:
        if output.size != 1:
            raise ShapeError(
                f"{what}: {_label(output)} has shape {output.shape}, and a gradient is that of a "
                "scalar: sum it first, or give a cotangent of the same shape"
            )
        if math.isnan(abs(output._data.item() if type(output) is Tensor else 0.0)):
            raise GradientError(
                f"{what}: {_label(output)} is NaN, so every gradient would be: look for the first "
                "operation that gave NaN, or for NaN among the data"
            )
        one = np.empty(output.shape, output.dtype)  # a third of the time of `ones`
        one.fill(1)
        return output.node, one
    array = cotangent if isinstance(cotangent, Tensor) else np.asarray(cotangent)
    if array.shape != output.shape:
        raise ShapeError(
            f"{what}: {_label(output)} has shape {output.shape}, its cotangent {array.shape}"
        )
    if not np.can_cast(array.dtype, output.dtype, "same_kind"):
        raise DTypeError(f"{what}: {_label(output)} is {output.dtype}, its cotangent {array.dtype}")
    g = array.astype(output.dtype)
    return output.node, FUNCTIONS["conj"](g) if g.dtype.kind == "c" else g


def pull_back(
    pairs: Sequence[tuple[Any, Any]],
    wanted: set[Node] | None,
    create_graph: bool,
    what: str,
    cut: int | None = None,
) -> dict[Node, Any]:
    """The walk from pairs of output and cotangent: what the public functions share.

    With ``cut``, of the nodes with smaller serials only those in ``wanted`` are walked.
    """
    seeds: dict[Node, Any] = {}
    here = current()
    levels = union([output for output, _ in pairs]) if here.levels else ()
    # Batched cotangents (rows of a Jacobian) need rules that run on Tensors, as recorded ones do.
    lifted = create_graph
    for output, cotangent in pairs:
        node, g = _seed(output, cotangent, what)
        if levels:
            node, g = spell_out_pair(output, g, levels)
        if create_graph:
            g = g if isinstance(g, Tensor) else wrap(g)
        elif type(g) is Batched:
            lifted = True
        else:
            g = raw(g)
        seeds[node] = seeds[node] + g if node in seeds else g
    floor = min(map(by_serial, wanted)) if wanted else -1
    order = reachable(seeds, floor if cut is None else cut)
    if cut is not None and wanted:
        order = sorted({*order, *wanted}, key=by_serial, reverse=True)
    ieee = here.ieee
    # Behind the levels of `vmap` only those are left that cotangents have.
    inner = union(seeds.values()) if here.levels else ()
    state = push(recording=create_graph, levels=inner)
    try:
        # What a rule meets at the edge of a function's domain is an answer, not a warning.
        with np.errstate(all="ignore"):
            results = walk(order, seeds, wanted, record=lifted, masked=create_graph and not ieee)
            if not (create_graph or ieee) and _selecting(order) and not _finite(results):
                results = walk(order, seeds, wanted, record=lifted, masked=True)
            for node in [n for n in results if n.dtype.kind == "c"]:
                results[node] = FUNCTIONS["conj"](results[node])
            return results
    finally:
        pop(state)


def _finite(results: dict[Node, Any]) -> bool:
    # Finite only if every entry is; it may overflow, which costs a needless second walk. A product
    # takes half the time of a sum, but copies what is not contiguous and, in half precision,
    # overflows early.
    for g in results.values():
        x = whole(g)
        product = x.flags.c_contiguous and x.dtype.char in "fdFD"
        if not cmath.isfinite(np.vdot(x, x) if product else np.add.reduce(x, axis=None)):
            return False
    return True


def _selecting(order: list[Node]) -> bool:
    # A graph has many nodes and few primitives.
    return any([p is not None and p.selects for p in {node.primitive for node in order}])


@public
def backward(output: Tensor, cotangent: Any = None, *, create_graph: bool = False) -> None:
    r"""Add the gradient of ``output`` to ``.grad`` of every leaf that requires one.

    .. math:: x.\mathrm{grad} \mathrel{+}= g^\top \frac{\partial\, \mathrm{output}}{\partial x}

    Parameters
    ----------
    output : Tensor
        A scalar, or any shape together with ``cotangent``.
    cotangent : array_like, optional
        Of the shape of ``output``; 1 for a scalar.
    create_graph : bool
        Record the gradient's own graph, so that it can be differentiated again.

    Raises
    ------
    GradientError
        ``output`` has no history, or is NaN.
    ShapeError
        ``output`` is not a scalar and no cotangent was given, or shapes differ.

    Gradients add up over calls until ``.grad`` is set to None; an optimizer's ``step()`` does that.

    >>> import autodiff as ad
    >>> x = ad.tensor([1.0, 2.0], requires_grad=True)
    >>> ad.backward((x * x).sum())
    >>> x.grad
    Tensor([2., 4.])
    """
    ask_for_record()
    results = pull_back([(output, cotangent)], None, create_graph, "backward")
    leaves = {node: leaf for node in results if (leaf := owner_of(node)) is not None}
    if current().levels:
        results = per_example(results, leaves.values(), levels_of(output), "backward")
    for node, leaf in leaves.items():
        g = handle(results[node])
        leaf._grad = g if leaf.grad is None else leaf.grad + g


@public
def gradients(
    outputs: Any,
    inputs: Any,
    *,
    cotangents: Any = None,
    create_graph: bool = False,
    unused: str = "raise",
) -> Any:
    r"""Gradients of outputs with respect to inputs, as values: nothing is stored anywhere.

    .. math:: \sum_k g_k^\top \frac{\partial\, \mathrm{outputs}_k}{\partial x}

    Parameters
    ----------
    outputs : Tensor or sequence of Tensor
        Scalars, unless ``cotangents`` are given.
    inputs : Tensor, or nested tuples, lists and dicts of Tensors
        Leaves or computed values.
    cotangents : array_like or sequence, optional
        One for each output, of its shape.
    create_graph : bool
        Record the gradients' own graph, so that they can be differentiated again.
    unused : {"raise", "none", "zeros"}
        What to do for an input that the outputs do not depend on.

    Returns
    -------
    Tensors in the structure of ``inputs``, each of its input's shape and dtype.

    >>> import autodiff as ad
    >>> x = ad.tensor(3.0, requires_grad=True)
    >>> first = ad.gradients(x**3, x, create_graph=True)
    >>> first, ad.gradients(first, x)
    (Tensor(27., from=multiply), Tensor(18.))
    """
    ask_for_record()
    if unused not in ("raise", "none", "zeros"):
        raise ValueError(f"gradients: unused is 'raise', 'none' or 'zeros', got {unused!r}")
    if not isinstance(outputs, (tuple, list)):
        pairs = [(outputs, cotangents)]
    elif cotangents is None:
        pairs = [(output, None) for output in outputs]
    elif len(cotangents) == len(outputs):
        pairs = list(zip(outputs, cotangents, strict=True))
    else:
        raise ShapeError(f"gradients: {len(outputs)} outputs but {len(cotangents)} cotangents")
    if type(inputs) is dict and all([isinstance(x, Tensor) for x in inputs.values()]):
        # The parameters of a model: nothing is nested.
        leaves = list(inputs.values())
        rebuild: Rebuild = lambda values: dict(zip(inputs, values, strict=True))
    else:
        leaves, rebuild = flatten(inputs)
    for x in leaves:
        if not isinstance(x, Tensor) or x.node is None or not x.node.needs:
            raise GradientError(
                f"gradients: every input must be a Tensor that requires a gradient, got {x!r}"
            )
    if unused != "raise":
        # A derivative that is constant has no history: it depends on nothing, as was allowed.
        pairs = [p for p in pairs if not isinstance(p[0], Tensor) or p[0].requires_grad]
    wanted = {x.node for x in leaves}
    results = pull_back(pairs, wanted, create_graph, "gradients") if pairs else {}
    if current().levels:
        results = per_example(results, leaves, union([y for y, _ in pairs]), "gradients")
    return rebuild([result_of(results.get(x.node), x, unused, "gradients") for x in leaves])


def result_of(g: Any, x: Tensor, unused: str, what: str) -> Tensor | None:
    if g is not None:
        return handle(g)
    if unused == "none":
        return None
    if unused == "zeros":
        return zeros_behind(x)
    label = f"{x.name!r} (shape {x.shape})" if x.name else f"an input of shape {x.shape}"
    raise GradientError(
        f"{what}: the output does not depend on {label}. If that is meant, pass unused='zeros' "
        "or unused='none'"
    )
