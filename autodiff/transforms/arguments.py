"""What every functional transform does with a function's arguments and its results.

An argument gets a node of its own, the function runs, and what comes out is a value without history
or, where something outside needs its gradient, a recorded one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from autodiff.batched import (
    active_levels,
    handle,
    levels_of,
    lift_all,
    spell_out,
)
from autodiff.errors import DTypeError, GradientError
from autodiff.families import Linear
from autodiff.node import Argument, Aval, Node, Pushed
from autodiff.primitive import Case, In
from autodiff.recording import current, pop, push
from autodiff.registry import PRIMITIVES
from autodiff.tensor import Tensor, apply, shape_of, whole, wrap
from autodiff.tree import Rebuild, flatten


class Alias(Linear):
    """The same value under a node of its own, which transforms make of each argument.

    >>> import autodiff as ad
    >>> x = ad.tensor(2.0, requires_grad=True)
    >>> ad.gradients(ad.grad(lambda z: z**3)(x), x)
    Tensor(12.)
    """

    name = "alias"
    kernel = staticmethod(lambda x: x)
    transpose = staticmethod(lambda g: g)
    cases = (Case((In((2, 3)),)), Case((In(()),)), Case((In((0, 2)),)))

    def infer(self, x: Any) -> Aval:
        return Aval(x.shape, x.dtype)

    def batch(self, mapped: tuple[bool, ...], x: Any) -> Any:
        return apply(self, x)


class Run(NamedTuple):
    """One recorded call of a function."""

    inputs: list[Tensor]  # the arguments' leaves, each under a node of its own
    outputs: list[Any]  # the result's leaves
    rebuild: Rebuild  # of the result
    aux: Any
    record: bool  # whether something outside needs a gradient of the result
    as_tensor: bool  # whether an argument is a Tensor, so that results are


def run(
    what: str,
    f: Callable[..., Any],
    args: Sequence[Any],
    places: Sequence[int],
    kwargs: dict[str, Any],
    *,
    has_aux: bool = False,
    forward: bool = False,
    begin: Callable[[list[Tensor]], Any] | None = None,
) -> Run:
    """Call ``f`` with the arguments at ``places`` under nodes of their own.

    ``forward`` keeps what forward rules read; ``begin`` gives, for the inputs, the ``Sweep`` that
    pushes tangents on while ``f`` runs. What ``f`` raises comes through unchanged.
    """
    recording = current().recording
    leaves, rebuild = flatten([args[i] for i in places])
    state = push(recording=True, forward=forward or None)
    try:
        inputs = [fresh(x, what) for x in leaves]
        if begin is not None:
            pop(state)
            state = push(recording=True, forward=begin(inputs))
        given = list(args)
        # Handles of their own: f may write x[i] = v, which moves the handle to another node.
        for i, part in zip(places, rebuild([handle(x) for x in inputs]), strict=True):
            given[i] = part
        result = f(*given, **kwargs)
    finally:
        pop(state)
    result, aux = split_aux(what, result) if has_aux else (result, None)
    outputs, back = flatten(result)
    roots = [y.node for y in outputs if isinstance(y, Tensor) and y.requires_grad]
    more = current().keep_all or depends_on_more(roots, [x.node for x in inputs])
    record = recording and more
    as_tensor = any(isinstance(x, Tensor) for x in flatten(list(args))[0])
    return Run(inputs, outputs, back, aux, record, as_tensor)


def fresh(x: Any, what: str) -> Tensor:
    """An argument under a node of its own; inside ``vmap``, one for each example."""
    levels = active_levels()
    floating = isinstance(x, Tensor) and x.dtype.kind in "fc"
    if floating and (x.requires_grad or current().keep_all):
        new = apply(PRIMITIVES["alias"], spell_out(x, levels) if levels else x)
        if not new.requires_grad:
            new.node.__class__ = Node  # traced: a node that leads back to the input, and needs one
        return lift_all(new, levels)
    array = whole(x)
    known = isinstance(array, (np.ndarray, np.generic, float, complex))
    if not known or np.asarray(array).dtype.kind not in "fc":
        kind = f"{array.dtype} of shape {shape_of(x)}" if hasattr(array, "dtype") else repr(x)
        raise DTypeError(
            f"{what}: an argument to differentiate is a float, a floating array or a Tensor, got "
            f"{kind}; write 2.0 instead of 2, or convert with astype(float)"
        )
    value = np.array(array)  # a copy, so that later writes into the original change nothing
    if levels:
        value = spell_out(lift_all(value, levels_of(x)), levels)
    return lift_all(wrap(value, Argument(value.shape, value.dtype, needs=True)), levels)


def split_aux(what: str, result: Any) -> tuple[Any, Any]:
    """The pair that a function with ``has_aux`` returns."""
    if not isinstance(result, tuple) or len(result) != 2:
        raise GradientError(
            f"{what}: with has_aux the function returns a pair (value, aux), got "
            f"{type(result).__name__}"
        )
    return result


_OWN = (Argument, Pushed)


def depends_on_more(roots: Sequence[Any], fresh: Sequence[Any]) -> bool:
    """Whether anything but fresh leaves needs a gradient of what ``roots`` were computed from.

    What is older than the first fresh node came from outside; the search goes no further than that.
    """
    if not roots:
        return False
    floor = min([node.serial for node in (*fresh, *roots)])
    seen, stack = set(roots), list(roots)
    while stack:
        node = stack.pop()
        if node.serial < floor or (node.primitive is None and type(node) not in _OWN):
            return True
        for source in node.inputs:
            if isinstance(source, Node) and source.needs and source not in seen:
                seen.add(source)
                stack.append(source)
    return False


def plain(x: Any, as_tensor: bool) -> Any:
    """A value without history: a Tensor, or an ndarray or NumPy scalar."""
    if not isinstance(x, Tensor):
        return x
    levels = levels_of(x)
    if levels:
        return lift_all(whole(x), levels)
    # An array is its reader's to write to: a cotangent may be shared by several arguments, and a
    # value may be a Tensor's that the function captured.
    return wrap(x._data) if as_tensor else x._data.copy()[()]


def finish(x: Any, record: bool, as_tensor: bool) -> Any:
    """A result as the caller gets it."""
    return x if record or not isinstance(x, Tensor) else plain(x, as_tensor)


def place(what: str, i: int, count: int) -> int:
    """The position of an argument that ``argnums`` names."""
    if not -count <= i < count:
        raise GradientError(
            f"{what}: argnums names argument {i}, but the function was called with {count} "
            "positional arguments (keyword arguments cannot be differentiated)"
        )
    return i % count


def places_of(what: str, argnums: Any, count: int) -> list[int]:
    """The positions that ``argnums`` names, each once."""
    numbers = argnums if isinstance(argnums, tuple) else (argnums,)
    found = [place(what, i, count) for i in numbers]
    if len(set(found)) < len(found):
        raise GradientError(f"{what}: argnums {argnums} names an argument twice")
    return found


def check_argnums(what: str, argnums: Any) -> None:
    """Raise DTypeError where ``argnums`` is neither an int nor a tuple of them."""
    numbers = argnums if isinstance(argnums, tuple) else (argnums,)
    if not all(type(i) is int for i in numbers) or not numbers:
        raise DTypeError(f"{what}: argnums is an int or a tuple of ints, got {argnums!r}")
