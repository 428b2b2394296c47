"""Functions with a derivative rule of the user's own: ``custom_vjp``."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from autodiff.errors import GradientError, ShapeError
from autodiff.node import Aval, Node, aval_of_input
from autodiff.ops.joining import stack
from autodiff.ops.reduction import sum as sum_over
from autodiff.primitive import OUTPUT, Bound, Case, In, Primitive
from autodiff.recording import current
from autodiff.registry import PRIMITIVES, public
from autodiff.tensor import Tensor, apply, raw, wrap
from autodiff.transforms.reverse import gradients, read

__all__ = ["custom_vjp"]


class custom_vjp:  # noqa: N801 - a decorator is named like a function
    r"""Give a function of arrays a derivative rule of its own.

    .. math:: \bar x_i = \mathrm{rule}(\bar y, y, x_1, \dots, x_n)_i

    The decorated function is called with bare (read-only) ndarrays and may do with them what it
    likes: call compiled code, iterate to a fixed point. ``f.defvjp(rule)`` gives the rule,
    ``rule(g, y, *xs)``: ``g`` is the cotangent of the output, ``y`` the output, ``xs`` the
    arguments; it returns one cotangent for each argument (a tuple; a single value where there is
    one argument; None for no gradient). Written in functions of ``autodiff`` it can be
    differentiated to any order.

    Parameters
    ----------
    function : callable
        Positional arguments are arrays; keyword arguments are options, which must be hashable and
        are passed to the rule too. It returns one array.

    Raises
    ------
    GradientError
        A gradient is needed and no rule was given; the rule returned another number of cotangents
        than there are arguments, or one of another dtype.
    ShapeError
        The rule returned a cotangent of another shape than its argument's.

    >>> import autodiff as ad
    >>> import numpy as np
    >>> @ad.custom_vjp
    ... def cube(x):
    ...     return np.power(x, 3)
    >>> @cube.defvjp
    ... def rule(g, y, x):
    ...     return g * 3 * x**2
    >>> x = ad.tensor(2.0, requires_grad=True)
    >>> first = ad.gradients(cube(x), x, create_graph=True)
    >>> first.item(), ad.gradients(first, x).item()
    (12.0, 12.0)
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        functools.update_wrapper(self, function)
        self.function = function
        self.rule: Callable[..., Any] | None = None

    def defvjp(self, rule: Callable[..., Any]) -> Callable[..., Any]:
        """Set the rule ``rule(g, y, *xs, **options)``, and return it, so that it can decorate."""
        if not callable(rule):
            raise TypeError(f"{self.label}: the rule must be callable, got {type(rule).__name__}")
        self.rule = rule
        return rule

    def __call__(self, *xs: Any, **options: Any) -> Any:
        needs = any(isinstance(x, Tensor) and x.requires_grad for x in xs)
        if self.rule is None and needs and current().recording:
            raise GradientError(
                f"{self.label}: an argument requires a gradient and no rule was given; give one "
                "with "
                f"@{self.label}.defvjp, or call it under ad.no_grad()"
            )
        for key, value in options.items():
            if isinstance(value, Tensor) and value.requires_grad:
                raise GradientError(
                    f"{self.label}: the option {key!r} requires a gradient, and only positional "
                    "arguments are differentiated: pass it as one, or ad.stop_gradient of it"
                )
        settings = tuple(sorted(options.items()))
        return apply(PRIMITIVES["custom_call"], *xs, function=self, options=settings)

    def __repr__(self) -> str:
        return f"<custom_vjp {self.label}>"

    @property
    def label(self) -> str:
        """The name of the function, for messages and drawings."""
        return getattr(self.function, "__name__", type(self.function).__name__)

    def run(self, arrays: Sequence[Any], options: tuple[tuple[str, Any], ...]) -> Any:
        """The function's value, as an array that nobody else can write to."""
        result = self.function(*map(_readonly, arrays), **dict(options))
        value = np.array(raw(result))
        if value.dtype.kind not in "biufc":
            raise TypeError(
                f"{self.label}: the function must return one array of numbers, got "
                f"{type(result).__name__}"
            )
        return value

    def pull(self, g: Any, y: Any, xs: list[Any], options: tuple[tuple[str, Any], ...]) -> Any:
        """What the rule returns: one cotangent, or None, for each argument."""
        if self.rule is None:
            raise GradientError(f"{self.label}: no rule was given; give one with defvjp")
        found = self.rule(*map(_readonly, (g, y, *xs)), **dict(options))
        if not isinstance(found, (tuple, list)):
            found = (found,)
        if len(found) != len(xs):
            raise GradientError(
                f"{self.label}: the rule returned {len(found)} cotangents for {len(xs)} arguments "
                "(expected one for each; None where there is no gradient)"
            )
        return tuple(found)

    def check(self, i: int, value: Any, aval: Any) -> Any:
        """One cotangent that the rule returned, or the error that says what is wrong with it."""
        array = np.asarray(raw(value))
        label = f"{self.label}: the rule returned for argument {self._argument(i)}"
        if array.shape != aval.shape:
            raise ShapeError(
                f"{label} a cotangent of shape {array.shape}, and the argument has shape "
                f"{aval.shape}"
            )
        weak = type(value) in (int, float)
        if not weak and array.dtype != np.dtype(aval.dtype):
            raise GradientError(
                f"{label} a cotangent of dtype {array.dtype}, and the argument is "
                f"{np.dtype(aval.dtype)} (expected the same)"
            )
        if isinstance(value, Tensor):
            return value
        # A copy: the rule may return an array that it writes to again, or an operand itself.
        return np.array(array, aval.dtype)

    def _argument(self, i: int) -> str:
        try:
            names = list(inspect.signature(self.function).parameters)
        except (TypeError, ValueError):
            names = []
        return f"{i} ({names[i]})" if i < len(names) else str(i)


def _readonly(x: Any) -> Any:
    if not isinstance(x, np.ndarray):
        return x
    view = x.view()
    view.flags.writeable = False
    return view


@custom_vjp
def _cubed_dot(a: Any, b: Any) -> Any:
    return np.sum(a * b) ** 3


@_cubed_dot.defvjp
def _(g: Any, y: Any, a: Any, b: Any) -> Any:
    slope = 3 * g * sum_over(a * b) ** 2
    return slope * b, slope * a


class CustomCall(Primitive):
    """A call of a function that ``custom_vjp`` decorated.

    ``function`` is what the decorator made, ``options`` the keyword arguments of the call. The
    forward rule is the transpose of the reverse rule, which is linear in the cotangent: it takes a
    rule written in functions of ``autodiff``.

    >>> import autodiff as ad
    >>> double = ad.custom_vjp(lambda x: 2 * x)
    >>> rule = double.defvjp(lambda g, y, x: 2 * g)
    >>> double(ad.tensor([1.0, 2.0], requires_grad=True))
    Tensor([2., 4.], from=custom_call)
    """

    name = "custom_call"
    arguments = None
    vjp = jvp = ()
    kernel = staticmethod(lambda *xs, function, options: function.run(xs, options))
    cases = (
        Case((In((2, 3)), In((2, 3))), {"function": _cubed_dot, "options": ()}),
        Case((In(()), In(())), {"function": _cubed_dot, "options": ()}),
        Case((In((0, 2)), In((0, 2))), {"function": _cubed_dot, "options": ()}),
    )

    def infer(self, *avals: Any, function: custom_vjp, options: Any) -> Aval:
        """The only shape rule there is: the function itself, on ones."""
        y = function.run([np.ones(a.shape, a.dtype) for a in avals], options)
        return Aval(y.shape, y.dtype)

    def variadic(self, count: int) -> Sequence[Bound | None]:
        # The rules run in `joint`, all at once; these say what is kept for them.
        return (Bound(None, (OUTPUT, *range(count))),) * count

    def joint(self, g: Any, node: Node, record: bool) -> tuple[Any, ...]:
        """The user's rule, and the checks on what it returned."""
        function, options = node.params["function"], node.params["options"]
        y, *xs = read((OUTPUT, *range(len(node.inputs))), node, record)
        pulled = function.pull(g, y, xs, options)
        checked: list[Any] = []
        for i, (value, source) in enumerate(zip(pulled, node.inputs, strict=True)):
            wanted = isinstance(source, Node) and source.needs
            if value is None or not wanted:
                checked.append(None)
                continue
            value = function.check(i, value, aval_of_input(source))
            if record:
                checked.append(value if isinstance(value, Tensor) else wrap(value))
            else:
                checked.append(raw(value))  # a Tensor that the rule took from elsewhere
        return tuple(checked)

    def presence(self, i: int, mask: Any, node: Node) -> Any:
        """Nothing is known of which entries of the output an input reaches."""
        if mask is None or mask.any():
            return None
        return np.zeros(node.inputs[i].shape, bool)

    def push(self, tangents: Sequence[Any], y: Any, operands: Sequence[Any], **params: Any) -> Any:
        """The tangent of the output: the transpose of the reverse rule, by differentiating it."""
        wanted = [i for i, t in enumerate(tangents) if t is not None]
        if not wanted:
            return None
        function, options = params["function"], params["options"]
        g = Tensor(np.zeros(np.shape(raw(y)), raw(y).dtype), requires_grad=True)
        pulled = function.pull(g, y, list(operands), options)
        terms = [sum_over(pulled[i] * tangents[i]) for i in wanted if pulled[i] is not None]
        live = [t for t in terms if isinstance(t, Tensor) and t.requires_grad]
        if len(live) < len(terms):
            raise GradientError(
                f"{function.label}: forward mode needs a rule written in functions of autodiff, "
                "and this "
                "one returns arrays"
            )
        recorded = any(isinstance(x, Tensor) for x in (*tangents, *operands))
        t = gradients(live, g, create_graph=recorded, unused="zeros")
        return t if recorded else raw(t)

    def batch(self, mapped: tuple[bool, ...], *operands: Any, **params: Any) -> Any:
        """One call for each entry of the batch: nothing is known of what the function does."""
        size = operands[mapped.index(True)].shape[0]
        rows = [
            apply(
                self, *[x[k] if m else x for x, m in zip(operands, mapped, strict=True)], **params
            )
            for k in range(size)
        ]
        return stack(rows)


public(custom_vjp)
