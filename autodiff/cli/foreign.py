"""Gradients that autodiff did not compute, as functions that ``gradcheck`` takes.

A plain NumPy function with a hand-written gradient, and functions of PyTorch and JAX: each becomes
one operation whose derivative is the foreign one.
"""

from __future__ import annotations

import copy
import functools
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any

import numpy as np

from autodiff.cli.loading import Usage
from autodiff.transforms.custom import custom_vjp
from autodiff.tree import flatten

__all__ = ["FRAMEWORKS", "WrongShape", "numpy_pair"]

Array = np.ndarray[Any, Any]
Pull = Callable[[Array, Array, Sequence[Array], list[int]], Sequence[Any]]


class WrongShape(Exception):
    """A foreign gradient has another shape than what it is the gradient of."""


def _operation(function: Any, forward: Callable[..., Any], pull: Pull) -> custom_vjp:
    """One operation; ``pull`` gives the cotangents of the floating arguments."""

    @functools.wraps(function)
    def run(*xs: Any) -> Array:
        # Copies: the arrays of a record are read-only, and the function may use them as scratch.
        return np.asarray(forward(*map(np.array, xs)))

    def rule(g: Any, y: Any, *xs: Any) -> tuple[Any, ...]:
        floating = [i for i, x in enumerate(xs) if np.asarray(x).dtype.kind in "fc"]
        found = pull(np.array(g), np.array(y), [np.array(x) for x in xs], floating)
        result: list[Any] = [None] * len(xs)
        for i, value in zip(floating, found, strict=True):
            value = np.asarray(value, np.asarray(xs[i]).dtype)
            if value.shape != np.shape(xs[i]):
                raise WrongShape(
                    f"the gradient for argument {i} has shape {value.shape}, and the argument has "
                    f"shape {np.shape(xs[i])}"
                )
            result[i] = value
        return tuple(result)

    operation = custom_vjp(run)
    operation.defvjp(rule)
    return operation


def numpy_pair(function: Any, gradient: Any) -> custom_vjp:
    """A NumPy function with a hand-written gradient.

    Where the function returns a number, ``gradient(*inputs)`` returns the gradient; where it
    returns an array, ``gradient(cotangent, *inputs)`` returns the product of the cotangent with the
    Jacobian. Either way: an array for one floating or complex input, a tuple for several. Of a
    complex input the gradient is the direction of steepest ascent, dL/dRe + i dL/dIm.

    >>> import autodiff as ad
    >>> import numpy as np
    >>> from autodiff.cli.foreign import numpy_pair
    >>> f = numpy_pair(lambda x: np.sum(x**3), lambda x: 3 * x**2)
    >>> ad.gradcheck(f, [0.5, 2.0]).verdict
    'correct'
    """

    def pull(g: Array, y: Array, xs: Sequence[Array], floating: list[int]) -> Sequence[Any]:
        found = gradient(g, *xs) if y.ndim else gradient(*xs)
        values = list(found) if isinstance(found, (tuple, list)) and len(floating) > 1 else [found]
        if isinstance(found, tuple) and len(floating) == 1:
            values = list(found)
        if len(values) != len(floating):
            raise WrongShape(
                f"the gradient function returned {len(values)} gradients for {len(floating)} "
                "floating inputs"
            )
        return values if y.ndim else [np.asarray(v) * g for v in values]

    return _operation(function, function, pull)


def torch_function(function: Any) -> custom_vjp:
    """A function of PyTorch, in float64, with the gradients of ``torch.autograd``.

    Of a module, a copy in float64 is taken; the gradients for its inputs are checked.
    """
    torch = _require("torch")
    if isinstance(function, torch.nn.Module):
        label = type(function).__name__
        function = copy.deepcopy(function).double()
        function.__name__ = label

    def outputs(xs: Sequence[Array], floating: Sequence[int]) -> tuple[list[Any], list[Any]]:
        given = [torch.from_numpy(x).requires_grad_(i in floating) for i, x in enumerate(xs)]
        return given, _tensors(function(*given), torch.Tensor)

    def forward(*xs: Array) -> Array:
        return _joined([y.detach().cpu().numpy() for y in outputs(xs, ())[1]])

    def pull(g: Array, y: Array, xs: Sequence[Array], floating: list[int]) -> Sequence[Any]:
        given, ys = outputs(xs, floating)
        pairs = [
            (y, torch.from_numpy(part))
            for y, part in zip(ys, _parted(g, [tuple(y.shape) for y in ys]), strict=True)
            if y.requires_grad
        ]
        wanted = [given[i] for i in floating]
        if not pairs:
            return [np.zeros(x.shape) for x in wanted]
        found = torch.autograd.grad(
            [y for y, _ in pairs], wanted, [part for _, part in pairs], allow_unused=True
        )
        return [
            np.zeros(tuple(x.shape)) if v is None else v.cpu().numpy()
            for x, v in zip(wanted, found, strict=True)
        ]

    return _operation(function, forward, pull)


def jax_function(function: Any) -> custom_vjp:
    """A function of JAX, in float64, with the gradients of ``jax.vjp``."""
    jax = _require("jax")
    jax.config.update("jax_enable_x64", True)

    def outputs(*xs: Any) -> list[Any]:
        return _tensors(function(*map(jax.numpy.asarray, xs)), jax.Array)

    def forward(*xs: Array) -> Array:
        return _joined([np.asarray(y) for y in outputs(*xs)])

    def pull(g: Array, y: Array, xs: Sequence[Array], floating: list[int]) -> Sequence[Any]:
        def part(*wanted: Any) -> list[Any]:
            given: list[Any] = list(xs)
            for i, x in zip(floating, wanted, strict=True):
                given[i] = x
            return outputs(*given)

        ys, back = jax.vjp(part, *(xs[i] for i in floating))
        parts = _parted(g, [y.shape for y in ys])
        # JAX's cotangents of complex values are the conjugates of gradients.
        given = [jax.numpy.asarray(p.conj(), y.dtype) for p, y in zip(parts, ys, strict=True)]
        return [np.conj(x) for x in back(given)]

    return _operation(function, forward, pull)


FRAMEWORKS = {"torch": torch_function, "jax": jax_function}


def _require(name: str) -> Any:
    try:
        return import_module(name)
    except ImportError:
        raise Usage(f"--framework {name} needs {name}: pip install {name}") from None


def _tensors(result: Any, kind: type) -> list[Any]:
    leaves, _ = flatten(result)
    if not leaves or not all(isinstance(y, kind) for y in leaves):
        names = ", ".join(type(y).__name__ for y in leaves) or "nothing"
        raise Usage(f"the function returned {names}, expected {kind.__module__}.{kind.__name__}s")
    return leaves


def _joined(arrays: list[Array]) -> Array:
    return arrays[0] if len(arrays) == 1 else np.concatenate([a.ravel() for a in arrays])


def _parted(g: Array, shapes: Sequence[tuple[int, ...]]) -> list[Array]:
    """A cotangent of ``_joined`` arrays, as one of each."""
    if len(shapes) == 1:
        return [g]
    ends = np.cumsum([int(np.prod(s)) for s in shapes])
    return [p.reshape(s) for p, s in zip(np.split(g, ends[:-1]), shapes, strict=True)]
