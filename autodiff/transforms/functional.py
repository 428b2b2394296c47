"""Derivatives of functions: ``grad`` and ``value_and_grad``, and ``stop_gradient``.

Each call makes a fresh node for every argument, so that the derivatives of nested calls are never
confused: the inner one sees its own argument, whatever that value was made of.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from autodiff.batched import levels_of, per_example
from autodiff.errors import GradientError, ShapeError
from autodiff.families import Elementwise
from autodiff.node import Aval
from autodiff.primitive import absent
from autodiff.registry import PRIMITIVES, public
from autodiff.tensor import Tensor, apply, shape_of
from autodiff.transforms.arguments import Run, check_argnums, places_of, plain, run
from autodiff.transforms.reverse import pull_back, result_of
from autodiff.tree import flatten, map_tree

__all__ = ["grad", "stop_gradient", "value_and_grad"]


class StopGradient(Elementwise):
    """The same value, through which no gradient passes; see ``ad.stop_gradient``."""

    name = "stop_gradient"
    kernel = staticmethod(lambda x: x)
    like = np.positive  # the operation of no effect; it lacks bools, hence `infer`
    partials = (absent("stop_gradient: no gradient passes here, as was asked for"),)
    differentiable = False
    intervals = ((-2.0, 2.0),)

    def infer(self, *avals: Any, **params: Any) -> Aval:
        return Aval(avals[0].shape, avals[0].dtype)


@public
def stop_gradient(x: Any, /) -> Any:
    r"""The value of ``x`` as a constant: no gradient passes.

    .. math:: y = x, \qquad \frac{\partial y}{\partial x} := 0

    Parameters
    ----------
    x : array_like
        Any shape and dtype; the value is shared, not copied.

    >>> import autodiff as ad
    >>> x = ad.tensor(3.0, requires_grad=True)
    >>> ad.gradients(x * ad.stop_gradient(x), x)
    Tensor(3.)
    """
    return apply(PRIMITIVES["stop_gradient"], x)


@public
def value_and_grad(
    f: Callable[..., Any],
    argnums: int | tuple[int, ...] = 0,
    *,
    has_aux: bool = False,
    unused: str = "raise",
) -> Callable[..., Any]:
    r"""A function that gives the value of ``f`` and its gradient: ``(f(*args), grad(f)(*args))``.

    .. math:: x \mapsto (f(x), \nabla f(x))

    Parameters
    ----------
    f : callable
        Of arrays, to a scalar; with ``has_aux``, to a pair of a scalar and anything else.
        Exceptions that it raises come through unchanged; keyword arguments are passed on.
    argnums : int or tuple of int
        The positional arguments to differentiate: floats, floating arrays or Tensors, or nested
        tuples, lists and dicts of them.
    has_aux : bool
        The result is ``((value, aux), gradient)``.
    unused : {"raise", "none", "zeros"}
        What to do for an argument that the value does not depend on.

    Returns
    -------
    callable
        The gradient has the structure, shapes and dtypes of the argument (a tuple of them for a
        tuple ``argnums``). Tensors give Tensors, ndarrays and floats give ndarrays and NumPy
        scalars. Where the value also depends on something outside that requires a gradient (an
        argument, or a Tensor that ``f`` captured), results are recorded Tensors, so that calls nest
        to any order.

    Raises
    ------
    ShapeError
        The value is not a scalar.
    DTypeError
        An argument is an integer, or no number at all.
    GradientError
        The value does not depend on an argument.

    >>> import autodiff as ad
    >>> ad.value_and_grad(lambda x: x**3)(2.0)
    (np.float64(8.0), np.float64(12.0))
    """
    if unused not in ("raise", "none", "zeros"):
        raise ValueError(f"grad: unused is 'raise', 'none' or 'zeros', got {unused!r}")
    check_argnums("grad", argnums)

    @functools.wraps(f)
    def value_and_gradient(*args: Any, **kwargs: Any) -> Any:
        places = places_of("grad", argnums, len(args))
        _, rebuild = flatten([args[i] for i in places], named=True)
        value, aux, gradients = _differentiate(f, args, places, kwargs, has_aux, unused)
        found = rebuild(gradients)
        found = tuple(found) if isinstance(argnums, tuple) else found[0]
        return ((value, aux), found) if has_aux else (value, found)

    return value_and_gradient


@public
def grad(
    f: Callable[..., Any],
    argnums: int | tuple[int, ...] = 0,
    *,
    has_aux: bool = False,
    unused: str = "raise",
) -> Callable[..., Any]:
    r"""The gradient of a function that returns a scalar, as a function.

    .. math:: \nabla f : x \mapsto \frac{\partial f}{\partial x}(x)

    Parameters and errors are those of ``value_and_grad``; with ``has_aux`` the result is
    ``(gradient, aux)``.

    >>> import autodiff as ad
    >>> ad.grad(lambda x: x * ad.grad(lambda y: x * y)(1.0))(2.0)
    np.float64(4.0)
    >>> ad.grad(ad.grad(ad.grad(lambda x: x**4)))(1.0)
    np.float64(24.0)
    """
    both = value_and_grad(f, argnums, has_aux=has_aux, unused=unused)

    @functools.wraps(f)
    def gradient(*args: Any, **kwargs: Any) -> Any:
        value, found = both(*args, **kwargs)
        return (found, value[1]) if has_aux else found

    return gradient


def _differentiate(
    f: Callable[..., Any],
    args: tuple[Any, ...],
    places: list[int],
    kwargs: dict[str, Any],
    has_aux: bool,
    unused: str,
) -> tuple[Any, Any, list[Any]]:
    """Value, auxiliary output and the flat list of gradients, each plain or recorded."""
    found: dict[Any, Any] = {}
    done = run("grad", f, args, places, kwargs, has_aux=has_aux)
    value = _scalar(done)
    if isinstance(value, Tensor) and value.requires_grad:
        nodes: Any = {x.node for x in done.inputs}
        found = pull_back([(value, None)], nodes, done.record, "grad")
        found = per_example(found, done.inputs, levels_of(value), "grad")
    gradients = [result_of(found.get(x.node), x, unused, "grad") for x in done.inputs]
    if done.record:
        return value, done.aux, gradients
    finished = functools.partial(plain, as_tensor=done.as_tensor)
    leaves = flatten([args[i] for i in places])[0]
    gradients = [
        g if g is None else plain(g, as_tensor=isinstance(x, Tensor))
        for g, x in zip(gradients, leaves, strict=True)
    ]
    return finished(value), map_tree(finished, done.aux), gradients


def _scalar(done: Run) -> Any:
    """The one scalar that the function returned, or the error that says what it did return."""
    value = done.rebuild(done.outputs)
    if not isinstance(value, (Tensor, np.ndarray, np.generic, float, int)):
        raise GradientError(
            f"grad: the function must return a scalar, got {type(value).__name__}; for a value "
            "with more beside it, pass has_aux=True"
        )
    if shape_of(value) != ():
        raise ShapeError(
            f"grad: the function must return a scalar, got shape {shape_of(value)}: sum or average "
            "it first, or take ad.jacobian"
        )
    return value
