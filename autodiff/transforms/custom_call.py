"""One call of a function with rules of the user's own: as an operation that every transform knows.

The function may take and return nested containers and return integers beside floats, and a node of
a graph has arrays as operands and one array as its value. So a ``Call`` holds all that is no array:
how the arguments and the result are put together. Several floating results travel as one array, in
which each has its part.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from autodiff.errors import GradientError, ShapeError
from autodiff.node import SCALARS
from autodiff.ops.complex import real
from autodiff.ops.joining import concatenate
from autodiff.ops.movement import ravel, reshape
from autodiff.recording import current, pop, push
from autodiff.tensor import Tensor, raw, wrap
from autodiff.tree import Rebuild, align, flatten

ARRAYS = (Tensor, np.ndarray, np.generic)


class Rules:
    """A function and its rules; what ``custom_vjp`` and ``custom_jvp`` have in common."""

    kind = "custom_vjp"

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function
        self.rule: Callable[..., Any] | None = None  # rule(g, y, *xs, **options)
        self.forward_rule: Callable[..., Any] | None = None  # rule(ts, y, *xs, **options)

    @property
    def label(self) -> str:
        """The name of the function, for messages and drawings."""
        return getattr(self.function, "__name__", type(self.function).__name__)


class Result(NamedTuple):
    """How a result is put together of its floating arrays, which travel, and the rest."""

    rebuild: Rebuild
    shapes: list[tuple[int, ...]]
    dtypes: list[Any]
    fixed: list[Any]  # at the place of a floating array None


class Call:
    """What belongs to one call and is no array."""

    __slots__ = ("fixed", "options", "rebuild", "result", "rules", "xs")

    def __init__(self, rules: Rules, options: dict[str, Any]) -> None:
        self.rules, self.options = rules, options
        self.rebuild: Rebuild | None = None  # of the arguments, where they are not all arrays
        self.fixed: list[Any] = []  # leaves of the arguments that are no arrays
        self.xs: tuple[Any, ...] = ()
        self.result: Result | None = None  # known when the function has run; None: one array

    def __repr__(self) -> str:
        return f"<{self.rules.kind} {self.label}>"

    @property
    def label(self) -> str:
        """The name of the function."""
        return self.rules.label

    @property
    def function(self) -> Callable[..., Any]:
        """The user's function."""
        return self.rules.function

    def again(self) -> Call:
        """The same call for other arrays, whose result is its own."""
        new = Call(self.rules, self.options)
        new.rebuild, new.fixed, new.xs = self.rebuild, self.fixed, self.xs
        return new

    # ---- arguments

    def take(self, xs: tuple[Any, ...]) -> list[Any]:
        """The arrays and numbers among the arguments."""
        self.xs = xs
        if all([isinstance(x, ARRAYS) or type(x) in SCALARS for x in xs]):
            return list(xs)
        leaves, self.rebuild = flatten(list(xs))
        moving = [isinstance(x, ARRAYS) or type(x) in SCALARS for x in leaves]
        self.fixed = [None if m else _Fixed(x) for x, m in zip(leaves, moving, strict=True)]
        self.xs = tuple(self.rebuild([0.0 if m else x for x, m in zip(leaves, moving)]))
        return [x for x, m in zip(leaves, moving, strict=True) if m]

    def arguments(self, values: Sequence[Any]) -> Sequence[Any]:
        """The arguments as the function takes them, of arrays that it cannot write to."""
        values = [_readonly(x) for x in values]
        if self.rebuild is None:
            return values
        rest = iter(values)
        arguments: Sequence[Any] = self.rebuild(
            [next(rest) if x is None else x.value for x in self.fixed]
        )
        return arguments

    def _align(self, found: Any, what: str) -> list[Any]:
        """One of what a rule returned for each operand, from one for each argument."""
        if not isinstance(found, (tuple, list)):
            found = (found,)
        if len(found) != len(self.xs):
            raise GradientError(
                f"{self.label}: the rule returned {len(found)} {what} for {len(self.xs)} "
                "arguments (expected one for each; None where there is no gradient)"
            )
        if self.rebuild is None:
            return list(found)
        try:
            leaves = align(list(self.xs), list(found), f"{self.label}: what the rule returned")
        except ValueError as error:
            raise GradientError(str(error)) from None
        return [v for v, x in zip(leaves, self.fixed, strict=True) if x is None]

    # ---- results

    def run(self, arrays: Sequence[Any]) -> Any:
        """The function's value, as one array that nobody else can write to."""
        if current().levels:
            state = push(levels=())  # the arrays are those of one example
            try:
                result = self.rules.function(*self.arguments(arrays), **self.options)
            finally:
                pop(state)
        else:
            result = self.rules.function(*self.arguments(arrays), **self.options)
        leaves, rebuild = flatten(result)
        if not leaves:
            raise TypeError(
                f"{self.label}: the function must return at least one array of numbers, got "
                f"{result!r}"
            )
        values = [self._value(y) for y in leaves]
        moving = [v.dtype.kind in "fc" for v in values]
        if moving == [True] and leaves[0] is result:
            self.result = None  # an earlier run, on other dtypes, may have had another form
            return values[0]
        fixed = [None if m else v for v, m in zip(values, moving, strict=True)]
        floats = [v for v, m in zip(values, moving, strict=True) if m]
        self.result = Result(rebuild, [v.shape for v in floats], [v.dtype for v in floats], fixed)
        if not floats:
            return np.zeros(0)
        return np.concatenate([v.ravel() for v in floats])

    def _value(self, y: Any) -> Any:
        if isinstance(y, Tensor) and y.requires_grad:
            raise GradientError(
                f"{self.label}: its result depends on a Tensor from outside that requires a "
                "gradient, which the rule could not give: pass it as an argument, or take "
                "ad.stop_gradient of it"
            )
        value = np.array(raw(y))
        if value.dtype.kind not in "biufc":
            raise TypeError(
                f"{self.label}: the function must return arrays of numbers, or containers of them, "
                f"got {type(y).__name__} (one array of numbers is the usual case)"
            )
        return value

    def give(self, y: Any) -> Any:
        """The result as the caller gets it, from the one array that travelled."""
        return y if self.result is None else self.unpack(y, isinstance(y, Tensor))

    def unpack(self, y: Any, as_tensor: bool, rest: bool = True) -> Any:
        """The result's structure of the one array; without ``rest``, None for what is no float."""
        form = self.result
        if form is None:
            return y
        parts, start = [], 0
        for shape, dtype in zip(form.shapes, form.dtypes, strict=True):
            stop = start + int(np.prod(shape))
            part = reshape(y[start:stop], shape)
            if part.dtype.kind == "c" != dtype.kind:
                part = real(part)
            parts.append(part if part.dtype == dtype else part.astype(dtype))
            start = stop
        moving = iter(parts)
        leaves = []
        for x in form.fixed:
            if x is None:
                leaves.append(next(moving))
            else:
                leaves.append(None if not rest else wrap(x) if as_tensor else x)
        return form.rebuild(leaves)

    def pack(self, values: Any, y: Any) -> Any:
        """The one array of a tangent in the structure of the result; None is zero."""
        if self.result is None:
            return values
        form = self.result
        tree = form.rebuild([0.0 if x is None else 0 for x in form.fixed])
        try:
            leaves = align(tree, values, f"{self.label}: what the rule returned")
        except ValueError as error:
            raise GradientError(str(error)) from None
        moving = [v for v, x in zip(leaves, form.fixed, strict=True) if x is None]
        parts = [
            np.zeros(shape, dtype).ravel() if v is None else ravel(v)
            for v, shape, dtype in zip(moving, form.shapes, form.dtypes, strict=True)
        ]
        return concatenate(parts) if parts else np.zeros(0)

    # ---- rules

    def pull(self, g: Any, y: Any, xs: Sequence[Any]) -> list[Any]:
        """One cotangent, or None, for each operand, by the reverse rule."""
        rule = self.rules.rule
        assert rule is not None
        g, y = self.unpack(g, False, rest=False), self.unpack(y, isinstance(y, Tensor))
        args = (_readonly(g), _readonly(y), *self.arguments(xs))
        return self._align(rule(*args, **self.options), "cotangents")

    def along(self, tangents: Sequence[Any], y: Any, xs: Sequence[Any]) -> Any:
        """The tangent of the one array by the forward rule, or None."""
        rule = self.rules.forward_rule
        assert rule is not None
        filled = [_zero(x) if t is None else t for t, x in zip(tangents, xs, strict=True)]
        moving = self.arguments(filled)
        if self.rebuild is not None:
            rest = iter(map(_readonly, filled))
            moving = self.rebuild([next(rest) if x is None else None for x in self.fixed])
        whole = self.unpack(y, isinstance(y, Tensor))
        t = rule(tuple(moving), _readonly(whole), *self.arguments(xs), **self.options)
        return None if t is None else self.pack(t, y)

    def check(self, value: Any, shape: tuple[int, ...], dtype: Any, operand: int = -1) -> Any:
        """What a rule returned for an operand (-1: the tangent of the result), if it fits it."""
        array = value if isinstance(value, Tensor) else np.asarray(value)
        if array.shape != shape:
            raise ShapeError(
                f"{self.label}: the rule returned for {self.name_of(operand)} a value of shape "
                f"{array.shape} (expected shape {shape})"
            )
        if type(value) not in (int, float) and array.dtype != np.dtype(dtype):
            raise GradientError(
                f"{self.label}: the rule returned for {self.name_of(operand)} a value of dtype "
                f"{array.dtype} (expected {np.dtype(dtype)})"
            )
        # A copy: the rule may return an array that it writes to again, or an operand itself.
        return value if isinstance(value, Tensor) else np.array(array, dtype)

    def name_of(self, i: int) -> str:
        """An operand, for messages."""
        if i < 0:
            return "the tangent of its result"
        if self.rebuild is not None:
            return f"array {i} of the arguments"
        try:
            names = list(inspect.signature(self.rules.function).parameters)
        except (TypeError, ValueError):
            names = []
        return f"argument {i} ({names[i]})" if i < len(names) else f"argument {i}"


class _Fixed(NamedTuple):
    """A leaf of the arguments that is no array; boxed, for None marks the place of one."""

    value: Any


def _zero(x: Any) -> Any:
    """The zero tangent of an operand."""
    if type(x) in SCALARS:
        return 0.0
    dtype = x.dtype if x.dtype.kind in "fc" else np.dtype(float)
    return np.zeros(x.shape, dtype)


def _readonly(x: Any) -> Any:
    if isinstance(x, (tuple, list, dict)):
        leaves, rebuild = flatten(x)
        return rebuild([_readonly(leaf) for leaf in leaves])
    if not isinstance(x, np.ndarray):
        return x
    view = x.view()
    view.flags.writeable = False
    return view
