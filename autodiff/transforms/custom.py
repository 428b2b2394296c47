"""Functions with derivative rules of the user's own: ``custom_vjp`` and ``custom_jvp``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from autodiff.errors import GradientError
from autodiff.recording import current
from autodiff.registry import public
from autodiff.tensor import Tensor, apply
from autodiff.transforms.custom_call import Call, Rules
from autodiff.transforms.custom_rule import CUSTOM_CALL, each

__all__ = ["custom_jvp", "custom_vjp"]


class _Decorated(Rules):
    """The part of the decorators that is the same."""

    def __init__(self, function: Callable[..., Any]) -> None:
        # Not `functools.update_wrapper`: programs decorate a closure for each call that they make.
        super().__init__(function)
        self.__doc__ = function.__doc__
        self.__wrapped__ = function

    def __getattr__(self, name: str) -> Any:
        if name in ("__name__", "__qualname__", "__module__", "__annotations__"):
            return getattr(self.function, name)
        raise AttributeError(f"{self.kind} has no attribute {name!r}")

    def defvjp(self, rule: Callable[..., Any]) -> Callable[..., Any]:
        """Set the reverse rule ``rule(g, y, *xs, **options)``; returns it, so it can decorate."""
        self.rule = self._checked(rule)
        return rule

    def defjvp(self, rule: Callable[..., Any]) -> Callable[..., Any]:
        """Set the forward rule ``rule(ts, y, *xs, **options)``; returns it, so it can decorate."""
        self.forward_rule = self._checked(rule)
        return rule

    def _checked(self, rule: Any) -> Any:
        if not callable(rule):
            raise TypeError(f"{self.label}: the rule must be callable, got {type(rule).__name__}")
        return rule

    def __call__(self, *xs: Any, **options: Any) -> Any:
        call = Call(self, options)
        operands = call.take(xs)
        if self.rule is None is self.forward_rule and current().recording:
            self._refuse_without_rule(operands)
        for key, value in options.items():
            if isinstance(value, Tensor) and value.requires_grad:
                raise GradientError(
                    f"{self.label}: the option {key!r} requires a gradient, and only positional "
                    "arguments are differentiated: pass it as one, or ad.stop_gradient of it"
                )
        if current().levels:
            return each(lambda *row: self._run(call.again(), row), operands)
        return self._run(call, operands)

    def _run(self, call: Call, operands: Any) -> Any:
        return call.give(apply(CUSTOM_CALL, *operands, function=call))

    def _refuse_without_rule(self, operands: list[Any]) -> None:
        if any(isinstance(x, Tensor) and x.requires_grad for x in operands):
            setter = "defvjp" if self.kind == "custom_vjp" else "defjvp"
            raise GradientError(
                f"{self.label}: an argument requires a gradient and no rule was given; give one "
                f"with @{self.label}.{setter}, or call it under ad.no_grad()"
            )

    def __repr__(self) -> str:
        return f"<{self.kind} {self.label}>"


class custom_vjp(_Decorated):  # noqa: N801 - a decorator is named like a function
    r"""Give a function of arrays a derivative rule of its own.

    .. math:: \bar x_i = \mathrm{rule}(\bar y, y, x_1, \dots, x_n)_i

    The decorated function is called with bare (read-only) ndarrays and may do with them what it
    likes: call compiled code, iterate to a fixed point, take ``ad.grad`` of another function.
    ``f.defvjp(rule)`` gives the rule, ``rule(g, y, *xs)``: ``g`` is the cotangent of the output,
    ``y`` the output, ``xs`` the arguments; it returns one cotangent for each argument (a tuple; a
    single value where there is one argument; None for no gradient). Written in functions of
    ``autodiff`` it can be differentiated to any order; one that returns arrays ends there, and says
    so where a higher derivative is asked for.

    ``f.defjvp(rule)`` gives a forward rule beside it, ``rule(ts, y, *xs)``: ``ts`` has a tangent
    for each argument (zeros where it does not move), the result is the tangent of the output.
    Without it, forward mode is the transpose of the reverse rule.

    Parameters
    ----------
    function : callable
        Positional arguments are arrays, numbers, nested containers of them, or anything else
        (functions, names), which comes as it is. Keyword arguments are options, which are passed to
        the rule too. It returns an array or a container of arrays; what is no floating array
        (integers, bools) is a constant. In the rules, what belongs to a container is one of the
        same structure, with None for what is constant.

    Raises
    ------
    GradientError
        A gradient is needed and no rule was given; the rule returned another number of cotangents
        than there are arguments, or one of another dtype; the function's result depends on a Tensor
        from outside that requires a gradient.
    ShapeError
        The rule returned a cotangent of another shape than its argument's.

    Under ``vmap``, function and rules run once for each example.

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

    kind = "custom_vjp"


class custom_jvp(_Decorated):  # noqa: N801 - a decorator is named like a function
    r"""Give a function of arrays a forward derivative rule of its own.

    .. math:: t_y = \mathrm{rule}((t_1, \dots, t_n), y, x_1, \dots, x_n)

    As ``custom_vjp``, with the forward rule first: ``f.defjvp(rule)``. Written in functions of
    ``autodiff``, it is linear in the tangents and can be transposed, so reverse mode needs no rule;
    ``f.defvjp`` may give one.

    Parameters
    ----------
    function : callable
        As that of ``custom_vjp``.

    Raises
    ------
    GradientError, ShapeError
        As ``custom_vjp``; also where reverse mode is asked for and the rule returns arrays.

    >>> import autodiff as ad
    >>> import numpy as np
    >>> @ad.custom_jvp
    ... def cube(x):
    ...     return np.power(x, 3)
    >>> @cube.defjvp
    ... def rule(ts, y, x):
    ...     return 3 * x**2 * ts[0]
    >>> ad.jvp(cube, (2.0,), (10.0,))
    (np.float64(8.0), np.float64(120.0))
    >>> ad.grad(ad.grad(cube))(2.0)
    np.float64(12.0)
    """

    kind = "custom_jvp"


public(custom_vjp)
public(custom_jvp)
