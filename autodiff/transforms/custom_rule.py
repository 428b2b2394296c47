"""``custom_call``: the primitive of functions with rules of the user's own.

A function has a reverse rule, a forward rule, or both. Each is linear in the cotangents or the
tangents that it is given, so the other one is its transpose: the rule is recorded at zero and
differentiated with respect to them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from autodiff.batched import Batched, lift
from autodiff.errors import GradientError
from autodiff.node import Argument, Aval, Node, aval_of_input
from autodiff.ops.complex import conj, real
from autodiff.ops.joining import stack
from autodiff.ops.reduction import sum as sum_over
from autodiff.primitive import OUTPUT, Bound, Case, In, Primitive
from autodiff.recording import current, pop, push
from autodiff.registry import PRIMITIVES
from autodiff.tensor import Tensor, apply, raw, wrap
from autodiff.transforms.custom_call import Call, Rules
from autodiff.transforms.reverse import gradients
from autodiff.transforms.walk import read
from autodiff.tree import flatten


def each(function: Callable[..., Any], values: Sequence[Any]) -> Any:
    """``function`` of the values, example by example where one of them is batched.

    A user's rule may do with its arrays what it likes; so it is given those of one example.
    """
    levels = [x._data.level for x in values if type(x) is Batched]
    if not levels:
        return function(*values)
    level = max(levels, key=lambda item: item.number)
    own = [type(x) is Batched and x._data.level is level for x in values]
    rows = []
    state = push(levels=tuple([other for other in current().levels if other is not level]))
    try:
        for k in range(level.size):
            row = [x._data.inner[k] if m else x for x, m in zip(values, own, strict=True)]
            rows.append(flatten(each(function, row)))
    finally:
        pop(state)
    if not rows:
        raise GradientError(
            "a function with rules of its own cannot be mapped over an empty batch: the shape of "
            "its result is not known"
        )
    leaves = [lift(stack(parts), level) for parts in zip(*[row for row, _ in rows], strict=True)]
    return rows[0][1](leaves)


class Ended(Call):
    """The place where a rule returned bare arrays while its derivative was recorded."""

    __slots__ = ("array",)

    def __init__(self, call: Call, array: Any) -> None:
        super().__init__(call.rules, {})
        self.array = array

    def run(self, arrays: Sequence[Any]) -> Any:
        """The array that the rule returned."""
        return self.array

    def refuse(self) -> GradientError:
        """What is said where this is to be differentiated."""
        return GradientError(
            f"{self.label}: a higher derivative was asked for, and the rule returned arrays, which "
            "have no history: write the rule in functions of autodiff, of the Tensors it is given"
        )


def _squared_dot(a: Any, b: Any) -> Any:
    return np.sum(a * b) ** 2


def _pull_squared_dot(g: Any, y: Any, a: Any, b: Any) -> Any:
    slope = 2 * g * conj(sum_over(a * b))
    return slope * conj(b), slope * conj(a)


_EXAMPLE = Rules(_squared_dot)
_EXAMPLE.rule = _pull_squared_dot


def _case(shape: tuple[int, ...]) -> Case:
    call = Call(_EXAMPLE, {})
    call.xs = (None, None)
    return Case((In(shape), In(shape)), {"function": call})


class CustomCall(Primitive):
    """A call of a function that ``custom_vjp`` or ``custom_jvp`` decorated.

    ``function`` is the ``Call``: the function with its rules, and all arguments but the arrays.

    >>> import autodiff as ad
    >>> double = ad.custom_vjp(lambda x: 2 * x)
    >>> rule = double.defvjp(lambda g, y, x: 2 * g)
    >>> double(ad.tensor([1.0, 2.0], requires_grad=True))
    Tensor([2., 4.], from=custom_call)
    """

    name = "custom_call"
    inside = 1.0
    arguments = None
    foreign = True
    vjp = jvp = ()
    kernel = staticmethod(lambda *xs, function: function.run(xs))
    cases = (_case((2, 3)), _case(()), _case((0, 2)))

    def infer(self, *avals: Any, function: Call) -> Aval:
        """The only shape rule there is: the function itself, on ones."""
        y = function.run([np.ones(a.shape, a.dtype) for a in avals])
        return Aval(y.shape, y.dtype)

    def variadic(self, count: int) -> Sequence[Bound | None]:
        # The rules run in `joint`, all at once; these say what is kept for them.
        return (Bound(None, (OUTPUT, *range(count))),) * count

    def joint(self, g: Any, node: Node, record: bool) -> tuple[Any, ...]:
        """The user's rule, and the checks on what it returned."""
        call, inputs = node.params["function"], node.inputs
        if isinstance(call, Ended):
            raise call.refuse()
        y, *xs = read((OUTPUT, *range(len(inputs))), node, record)
        wanted = [isinstance(s, Node) and s.needs for s in inputs]

        def pull(g: Any) -> list[Any]:
            if call.rules.rule is None:
                pulled = transposed_forward(call, g, y, xs, wanted)
            else:
                # The rule is a user's: it sees gradients, where the walk carries their conjugates.
                pulled = call.pull(_conjugated(g), y, xs)
            checked: list[Any] = []
            for i, (value, source) in enumerate(zip(pulled, inputs, strict=True)):
                if value is None or not wanted[i]:
                    checked.append(None)
                    continue
                aval = aval_of_input(source)
                value = call.check(value, aval.shape, aval.dtype, i)
                checked.append(_conjugated(_settle(call, value, (g, y, *xs), record)))
            return checked

        return tuple(each(pull, [g]))

    def presence(self, i: int, mask: Any, node: Node) -> Any:
        """Nothing is known of which entries of the output an input reaches."""
        if mask is None or mask.any():
            return None
        return np.zeros(node.inputs[i].shape, bool)

    def push(self, tangents: Sequence[Any], y: Any, operands: Sequence[Any], **params: Any) -> Any:
        """The tangent of the output: by the forward rule, else by the transpose of the other."""
        if all([t is None for t in tangents]):
            return None
        call = params["function"]
        if isinstance(call, Ended):
            raise call.refuse()
        record = any(isinstance(x, Tensor) for x in (*tangents, *operands, y))
        moving = [i for i, t in enumerate(tangents) if t is not None]

        def along(*given: Any) -> Any:
            filled: list[Any] = [None] * len(tangents)
            for i, t in zip(moving, given, strict=True):
                filled[i] = t
            if call.rules.forward_rule is None:
                return transposed_reverse(call, filled, y, operands)
            t = call.along(filled, y, operands)
            if t is None:
                return np.zeros(y.shape, y.dtype)
            t = call.check(t, y.shape, y.dtype)
            return _settle(call, t, (*given, y, *operands), record)

        return each(along, [tangents[i] for i in moving])

    def batch(self, mapped: tuple[bool, ...], *operands: Any, function: Call) -> Any:
        """One call for each entry of the batch: nothing is known of what the function does."""
        size = operands[mapped.index(True)].shape[0]
        rows = [
            apply(
                self,
                *[x[k] if m else x for x, m in zip(operands, mapped, strict=True)],
                function=function,
            )
            for k in range(size)
        ]
        return stack(rows)


def _settle(call: Call, value: Any, read: Sequence[Any], record: bool) -> Any:
    """What a rule returned, as the walk carries it; recorded, an array ends the record."""
    if not record:
        return raw(value)
    if isinstance(value, Tensor):
        return value
    history = [x for x in read if isinstance(x, Tensor) and x.requires_grad]
    if not history or not current().recording:
        return wrap(value)
    return apply(CUSTOM_CALL, *history, function=Ended(call, value))


def _conjugated(x: Any) -> Any:
    return conj(x) if getattr(x, "dtype", None) is not None and x.dtype.kind == "c" else x


def _start(x: Any) -> Tensor:
    """A zero to record a linear rule at, of the shape and dtype of ``x``."""
    array = np.zeros(np.shape(raw(x)), raw(x).dtype)
    return wrap(array, Argument(array.shape, array.dtype, needs=True))


def transposed_reverse(call: Call, tangents: Sequence[Any], y: Any, xs: Sequence[Any]) -> Any:
    """The tangent of the output by the reverse rule, which is differentiated by its cotangent."""
    record = current().recording
    state = push(recording=True)
    try:
        g = _start(y)
        pulled = call.pull(g, y, xs)
        terms = [
            real(sum_over(_conjugated(p) * t))
            for p, t in zip(pulled, tangents, strict=True)
            if p is not None and t is not None
        ]
    finally:
        pop(state)
    if not all([isinstance(t, Tensor) and t.requires_grad for t in terms]):
        raise GradientError(
            f"{call.label}: forward mode needs a forward rule (defjvp), or a reverse rule written "
            "in functions of autodiff, and this one returns arrays"
        )
    if not terms:
        return np.zeros(g.shape, g.dtype)
    recorded = any(isinstance(x, Tensor) for x in (*tangents, *xs, y))
    t = gradients(terms, g, create_graph=recorded and record, unused="zeros")
    return t if recorded else raw(t)


def transposed_forward(
    call: Call, g: Any, y: Any, xs: Sequence[Any], wanted: Sequence[bool]
) -> list[Any]:
    """The cotangents of the operands by the forward rule, differentiated by its tangents."""
    if call.rules.forward_rule is None:
        raise GradientError(f"{call.label}: no rule was given; give one with defvjp or defjvp")
    record = current().recording
    state = push(recording=True)
    try:
        starts = [_start(x) if w else None for x, w in zip(xs, wanted, strict=True)]
        t = call.along(starts, y, xs)
    finally:
        pop(state)
    if t is None:
        return [None] * len(xs)
    if not isinstance(t, Tensor) or not t.requires_grad:
        raise GradientError(
            f"{call.label}: reverse mode needs a reverse rule (defvjp), or a forward rule written "
            "in functions of autodiff, and this one returns arrays"
        )
    recorded = any(isinstance(x, Tensor) for x in (g, *xs, y))
    inputs = [x for x in starts if x is not None]
    found = gradients(
        t, inputs, cotangents=_conjugated(g), create_graph=recorded and record, unused="zeros"
    )
    rest = iter(found)
    pulled = [None if x is None else next(rest) for x in starts]
    return [None if p is None else p if recorded else raw(p) for p in pulled]


CUSTOM_CALL = PRIMITIVES[CustomCall.name]
