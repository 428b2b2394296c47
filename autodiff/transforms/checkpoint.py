"""``checkpoint``: keep the arguments of a function instead of what it computes on the way."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from autodiff.batched import Level, behind, levels_of, lift_all, spell_out
from autodiff.node import Node
from autodiff.ops.complex import real
from autodiff.ops.movement import reshape
from autodiff.ops.noise import generator, replayed
from autodiff.primitive import Bound, Primitive, absent
from autodiff.recording import current, pop, push
from autodiff.registry import public
from autodiff.tensor import Tensor, apply
from autodiff.transforms.enclosed import captured, enclose, pull_inside, stand_in
from autodiff.transforms.walk import read
from autodiff.tree import Rebuild, flatten

__all__ = ["checkpoint"]


@public
def checkpoint(f: Callable[..., Any]) -> Callable[..., Any]:
    r"""A function that computes what ``f`` does and records only its arguments.

    .. math:: y = f(x), \qquad \bar x = \bar y^\top \frac{\partial f}{\partial x}(x)
        \text{, with } f \text{ run again}

    The values that the backward walk needs are computed again when it comes there: memory of one
    part at a time, for the time of one more forward pass.

    Parameters
    ----------
    f : callable
        Of anything, to arrays or nested containers of them. It may capture outer Tensors that
        require gradients. It must give the same when it is run again: without writing to what it
        captured, and with random numbers of ``ad.random`` or ``nn``, which are drawn alike, or of
        generators of its own.

    Returns
    -------
    callable
        The values and derivatives of ``f``, to any order. In forward mode, where every value is
        used at once, and while a graph is traced, it is ``f`` itself.

    Source: Griewank and Walther, "Algorithm 799: revolve" (2000); Chen et al., "Training deep nets
    with sublinear memory cost" (2016).

    >>> import autodiff as ad
    >>> ad.grad(ad.checkpoint(lambda x: ad.exp(ad.sin(x))))(0.0)
    np.float64(1.0)
    """

    @functools.wraps(f)
    def checkpointed(*args: Any, **kwargs: Any) -> Any:
        state = current()
        if not state.recording or state.forward or state.keep_all:
            return f(*args, **kwargs)
        return _Again(f, args, kwargs).first()

    return checkpointed


class _Part(NamedTuple):
    """A result that has a gradient: its place among the leaves, and what stands behind it."""

    place: int
    shape: tuple[int, ...]
    dtype: Any
    levels: tuple[Level, ...]


class _Again:
    """A function and its arguments, to be run again."""

    def __init__(
        self, f: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> None:
        self.f = f
        self.levels = current().levels
        leaves, self.rebuild = flatten([list(args), kwargs])
        self.moving = [isinstance(x, Tensor) and x.requires_grad for x in leaves]
        # A user's array may be written to before it is used again.
        self.fixed = [
            None if m else x.copy() if isinstance(x, np.ndarray) else x
            for x, m in zip(leaves, self.moving, strict=True)
        ]
        self.xs = [spell_out(x, self.levels) for x, m in zip(leaves, self.moving, strict=True) if m]
        self.parts: list[_Part] = []
        self.value: list[Any] = []  # what the kernel hands out, once
        self.random = generator().bit_generator.state

    def __repr__(self) -> str:
        return f"<checkpoint {getattr(self.f, '__name__', type(self.f).__name__)}>"

    def run(self, xs: Sequence[Tensor]) -> tuple[list[Tensor], int, list[Any], Rebuild]:
        """The arguments' nodes of their own, the edge, and the leaves of the result."""
        state = push(recording=True, levels=self.levels)
        try:
            fresh, edge = enclose(xs)
            given = iter([lift_all(x, self.levels) for x in fresh])
            leaves = [next(given) if m else x for m, x in zip(self.moving, self.fixed)]
            args, kwargs = self.rebuild(leaves)
            outputs, rebuild = flatten(self.f(*args, **kwargs))
        finally:
            pop(state)
        return fresh, edge, outputs, rebuild

    def first(self) -> Any:
        """The result, with one node in the place of all that was recorded."""
        fresh, edge, outputs, rebuild = self.run(self.xs)
        xs, self.xs = self.xs, []  # the node keeps them, where its rules need them
        for k, y in enumerate(outputs):
            if isinstance(y, Tensor) and y.requires_grad:
                value = behind(y)
                self.parts.append(_Part(k, value.shape, value.dtype, levels_of(y)))
        if not self.parts:
            return rebuild(outputs)
        values = [behind(outputs[part.place]) for part in self.parts]
        outer = captured([y.node for y in values], [x.node for x in fresh], edge)
        data = [y._data for y in values]
        value = data[0] if len(data) == 1 else np.concatenate([x.ravel() for x in data])
        del values, fresh
        self.value = [value]
        y = apply(CHECKPOINT, *xs, *map(stand_in, outer), function=self)
        for part, result in zip(self.parts, self._unpack(y), strict=True):
            outputs[part.place] = lift_all(result, part.levels)
        return rebuild(outputs)

    def _unpack(self, y: Any) -> list[Any]:
        if len(self.parts) == 1:
            return [y]
        found, start = [], 0
        for part in self.parts:
            stop = start + math.prod(part.shape)
            piece = reshape(y[start:stop], part.shape)
            piece = piece if part.dtype.kind == "c" else real(piece)
            found.append(piece if piece.dtype == part.dtype else piece.astype(part.dtype))
            start = stop
        return found

    def pull(self, g: Any, xs: Sequence[Tensor], outer: Sequence[Node], record: bool) -> list[Any]:
        """The cotangents of the arguments and of what was captured."""
        with replayed(self.random):
            fresh, edge, outputs, _ = self.run(xs)
        values = [behind(outputs[part.place]) for part in self.parts]
        pairs = list(zip(values, self._unpack(g), strict=True))
        own = [x.node for x in fresh]
        return pull_inside(pairs, own, outer, edge, record, "checkpoint")


class Checkpoint(Primitive, register=False):
    """The place of a function whose values are computed again in the backward walk."""

    name = "checkpoint"
    arguments = None
    foreign = True
    vjp = ()
    jvp = absent("checkpoint: in forward mode the function itself is recorded")
    kernel = staticmethod(lambda *xs, function: function.value.pop())
    cases = ()

    def infer(self, *avals: Any, **params: Any) -> Any:
        raise TypeError("checkpoint: the function itself is traced")

    def batch(self, mapped: tuple[bool, ...], *operands: Any, **params: Any) -> Any:
        raise TypeError("checkpoint: the function itself is batched")

    def variadic(self, count: int) -> Sequence[Bound | None]:
        return (Bound(None, tuple(range(count))),) * count

    def joint(self, g: Any, node: Node, record: bool) -> tuple[Any, ...]:
        """The gradient, by another run of the function."""
        again = node.params["function"]
        count = again.moving.count(True)
        xs = read(tuple(range(count)), node, True)
        outer = node.inputs[count:]
        return tuple(again.pull(g, xs, outer, record and current().recording))

    def presence(self, i: int, mask: Any, node: Node) -> Any:
        """Nothing is known of which entries of the output an input reaches."""
        if mask is None or mask.any():
            return None
        return np.zeros(node.inputs[i].shape, bool)


CHECKPOINT = Checkpoint()
