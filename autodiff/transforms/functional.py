"""Derivatives of functions: ``grad`` and ``value_and_grad``, and ``stop_gradient``.

Each call makes a fresh node for every argument, so that the derivatives of nested calls are never
confused: the inner one sees its own argument, whatever that value was made of.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from autodiff.errors import DTypeError, GradientError, ShapeError
from autodiff.families import Elementwise, Linear
from autodiff.node import Aval, Node
from autodiff.primitive import Case, In, absent
from autodiff.recording import current, pop, push
from autodiff.registry import PRIMITIVES, public
from autodiff.tensor import Tensor, apply, raw, wrap
from autodiff.transforms.reverse import pull_back, result_of
from autodiff.tree import flatten, map_tree

__all__ = ["grad", "stop_gradient", "value_and_grad"]


class Alias(Linear):
    """The same value under a node of its own, which ``grad`` makes of each argument.

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
    numbers = argnums if isinstance(argnums, tuple) else (argnums,)
    if not all(type(i) is int for i in numbers) or not numbers:
        raise DTypeError(f"grad: argnums is an int or a tuple of ints, got {argnums!r}")

    @functools.wraps(f)
    def value_and_gradient(*args: Any, **kwargs: Any) -> Any:
        places = [_place(i, len(args)) for i in numbers]
        if len(set(places)) < len(places):
            raise GradientError(f"grad: argnums {argnums} names an argument twice")
        _, rebuild = flatten([args[i] for i in places])
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


def _place(i: int, count: int) -> int:
    if not -count <= i < count:
        raise GradientError(
            f"grad: argnums names argument {i}, but the function was called with {count} "
            "positional "
            "arguments (keyword arguments cannot be differentiated)"
        )
    return i % count


def _differentiate(
    f: Callable[..., Any],
    args: tuple[Any, ...],
    places: list[int],
    kwargs: dict[str, Any],
    has_aux: bool,
    unused: str,
) -> tuple[Any, Any, list[Any]]:
    """Value, auxiliary output and the flat list of gradients, each plain or recorded."""
    recording = current().recording
    leaves, rebuild = flatten([args[i] for i in places])
    state = push(recording=True)
    try:
        fresh = [_fresh(x) for x in leaves]
        given = list(args)
        # Handles of their own: f may write x[i] = v, which moves the handle to another node.
        handles = [wrap(x._data, x.node) for x in fresh]
        for i, part in zip(places, rebuild(handles), strict=True):
            given[i] = part
        result = f(*given, **kwargs)
    finally:
        pop(state)
    value, aux = _split(result, has_aux)
    nodes = [x.node for x in fresh]
    dependent = isinstance(value, Tensor) and value.requires_grad
    record = recording and dependent and _depends_on_more(value.node, nodes)
    found: dict[Any, Any] = {}
    if dependent:
        found = pull_back([(value, None)], set(nodes), record, "grad")  # type: ignore[arg-type]
    gradients = [result_of(found.get(x.node), x, unused, "grad") for x in fresh]
    if record:
        return value, aux, gradients
    as_tensor = any(isinstance(x, Tensor) for x in flatten(args)[0])
    plain = functools.partial(_plain, as_tensor=as_tensor)
    gradients = [
        g if g is None else _plain(g, as_tensor=isinstance(x, Tensor))
        for g, x in zip(gradients, leaves, strict=True)
    ]
    return plain(value), map_tree(plain, aux), gradients


def _fresh(x: Any) -> Tensor:
    """An argument under a node of its own."""
    if isinstance(x, Tensor) and x.requires_grad:
        return apply(PRIMITIVES["alias"], x)
    array = raw(x)
    known = isinstance(array, (np.ndarray, np.generic, float))
    if not known or np.asarray(array).dtype.kind != "f":
        kind = f"{array.dtype} of shape {array.shape}" if hasattr(array, "dtype") else repr(x)
        raise DTypeError(
            f"grad: an argument to differentiate is a float, a floating array or a Tensor, got "
            f"{kind}; "
            "write 2.0 instead of 2, or convert with astype(float)"
        )
    return Tensor(array, requires_grad=True)


def _split(result: Any, has_aux: bool) -> tuple[Any, Any]:
    value, aux = result, None
    if has_aux:
        if not isinstance(result, tuple) or len(result) != 2:
            raise GradientError(
                "grad: with has_aux the function returns a pair (value, aux), got "
                f"{type(result).__name__}"
            )
        value, aux = result
    if not isinstance(value, (Tensor, np.ndarray, np.generic, float, int)):
        raise GradientError(
            f"grad: the function must return a scalar, got {type(value).__name__}; for a value "
            "with "
            "more beside it, pass has_aux=True"
        )
    if np.shape(raw(value)) != ():
        raise ShapeError(
            f"grad: the function must return a scalar, got shape {np.shape(raw(value))}: sum or "
            "average "
            "it first"
        )
    return value, aux


def _depends_on_more(root: Node, fresh: list[Any]) -> bool:
    """Whether anything but fresh leaves needs a gradient of what ``root`` was computed from.

    What is older than the first fresh node came from outside; the search goes no further than that.
    """
    floor = min(node.serial for node in fresh) if fresh else root.serial
    seen, stack = {root}, [root]
    while stack:
        node = stack.pop()
        if node.serial < floor or (node.primitive is None and node not in fresh):
            return True
        for source in node.inputs:
            if isinstance(source, Node) and source.needs and source not in seen:
                seen.add(source)
                stack.append(source)
    return False


def _plain(x: Any, as_tensor: bool) -> Any:
    """A value without history: a Tensor, or an ndarray or NumPy scalar."""
    if not isinstance(x, Tensor):
        return x
    # An array is its reader's to write to: a cotangent may be shared by several arguments, and a
    # value may be a Tensor's that the function captured.
    return wrap(x._data) if as_tensor else x._data.copy()[()]
