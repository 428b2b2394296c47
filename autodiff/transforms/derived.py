"""Whole matrices of derivatives: ``jacobian``, ``hessian``, and the Hessian times a vector.

Each runs the function once; the rows or columns are one walk over its record, batched by ``vmap``.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from autodiff.errors import DTypeError
from autodiff.ops.movement import reshape
from autodiff.registry import public
from autodiff.tensor import aval_of, shape_of
from autodiff.transforms.arguments import check_argnums, places_of
from autodiff.transforms.batch import vmap
from autodiff.transforms.forward import Derivative, jvp
from autodiff.transforms.functional import grad
from autodiff.tree import flatten

__all__ = ["hessian", "hvp", "jacobian"]


@public
def jacobian(
    f: Callable[..., Any],
    argnums: int | tuple[int, ...] = 0,
    *,
    mode: str = "auto",
    has_aux: bool = False,
) -> Callable[..., Any]:
    r"""The matrix of all first derivatives of a function, as a function.

    .. math:: J_{ij} = \frac{\partial f_i}{\partial x_j}(x)

    Parameters
    ----------
    f : callable
        Of arrays, or of nested containers of them, to arrays or containers of them.
    argnums : int or tuple of int
        The positional arguments to differentiate.
    mode : {"auto", "forward", "reverse"}
        ``forward`` takes a column for each entry of the arguments, ``reverse`` a row for each entry
        of the value, ``auto`` the smaller number. All of them are one batched walk. Only
        ``reverse`` saves memory where ``f`` calls ``checkpoint``.
    has_aux : bool
        Whether ``f`` returns a pair of its value and anything else; the result is then
        ``(jacobian, aux)``.

    Returns
    -------
    callable
        For each array of the value and each of the argument, an array of the shape of the first
        followed by that of the second, in the structure of the value and within it of the argument
        (a tuple of them for a tuple ``argnums``).

    Raises
    ------
    DTypeError
        An argument or a value is no real floating number.

    >>> import autodiff as ad
    >>> import numpy as np
    >>> ad.jacobian(lambda x: x[:2] * x[2])(np.array([1.0, 2.0, 10.0]))
    array([[10.,  0.,  1.],
           [ 0., 10.,  2.]])
    """
    if mode not in ("auto", "forward", "reverse"):
        raise ValueError(f"jacobian: mode is 'auto', 'forward' or 'reverse', got {mode!r}")
    check_argnums("jacobian", argnums)

    @functools.wraps(f)
    def matrix(*args: Any, **kwargs: Any) -> Any:
        places = places_of("jacobian", argnums, len(args))

        def partial(*moving: Any) -> Any:
            given = list(args)
            for i, x in zip(places, moving, strict=True):
                given[i] = x
            value = f(*given, **kwargs)
            return value if has_aux else (value, None)

        primals = [args[i] for i in places]
        forward = mode != "reverse"
        found = Derivative("jacobian", partial, primals, has_aux=True, forward=forward)
        inputs, outputs = found.run.inputs, found.run.outputs
        for x in (*inputs, *outputs):
            _check_real(x)
        if mode == "auto":
            forward = _count(inputs) < _count(outputs)
        blocks = _by_columns(found) if forward else _by_rows(found)
        rows = [found.rebuild(row) for row in blocks]
        result = found.run.rebuild(
            [tuple(row) if isinstance(argnums, tuple) else row[0] for row in rows]
        )
        return (result, found.aux()) if has_aux else result

    return matrix


def _check_real(x: Any) -> None:
    dtype = np.dtype(aval_of(x).dtype)
    if dtype.kind != "f":
        raise DTypeError(
            f"jacobian: expected real floating values, got {dtype} of shape {shape_of(x)}; split "
            "complex ones into real and imaginary parts, return integers as aux"
        )


def _count(leaves: Sequence[Any]) -> int:
    return sum(math.prod(shape_of(x)) for x in leaves)


def _unit_vectors(leaves: Sequence[Any]) -> list[Any]:
    """For each array the part of it in all unit vectors of the whole, stacked."""
    bounds = _bounds(leaves)
    every = range(len(leaves))
    units = []
    for i in every:
        x = leaves[i]
        unit = np.zeros((bounds[-1], bounds[i + 1] - bounds[i]), np.dtype(aval_of(x).dtype))
        np.fill_diagonal(unit[bounds[i] : bounds[i + 1]], 1)
        units.append(unit.reshape(bounds[-1], *shape_of(x)))
    return units


def _bounds(leaves: Sequence[Any]) -> list[int]:
    return [0, *itertools.accumulate(math.prod(shape_of(x)) for x in leaves)]


def _by_rows(found: Derivative) -> list[list[Any]]:
    """The blocks of the matrix, a list for each output: one gradient for each entry of them."""
    inputs, outputs = found.run.inputs, found.run.outputs
    if not _count(outputs):
        return _nothing(inputs, outputs)
    pulled, _ = flatten(vmap(found.pull)(found.run.rebuild(_unit_vectors(outputs))))
    bounds = _bounds(outputs)
    return [
        [reshape(g[start:stop], (*shape_of(y), *shape_of(x))) for g, x in zip(pulled, inputs)]
        for y, start, stop in zip(outputs, bounds, bounds[1:], strict=False)
    ]


def _by_columns(found: Derivative) -> list[list[Any]]:
    """The blocks of the matrix, a list for each output: one tangent for each entry of an input."""
    inputs, outputs = found.run.inputs, found.run.outputs
    if not _count(inputs):
        return _nothing(inputs, outputs)
    tangents = found.rebuild(_unit_vectors(inputs))
    pushed, _ = flatten(vmap(found.push, out_axes=-1)(*tangents))
    bounds = _bounds(inputs)
    return [
        [
            reshape(t[..., start:stop], (*shape_of(y), *shape_of(x)))
            for x, start, stop in zip(inputs, bounds, bounds[1:], strict=False)
        ]
        for t, y in zip(pushed, outputs, strict=True)
    ]


def _nothing(inputs: Sequence[Any], outputs: Sequence[Any]) -> list[list[Any]]:
    """The blocks where there are no rows, or no columns, at all."""
    shapes = [[(*shape_of(y), *shape_of(x)) for x in inputs] for y in outputs]
    return [
        [np.zeros(shape, np.dtype(aval_of(y).dtype)) for shape in row]
        for row, y in zip(shapes, outputs, strict=True)
    ]


@public
def hessian(
    f: Callable[..., Any], argnums: int | tuple[int, ...] = 0, *, has_aux: bool = False
) -> Callable[..., Any]:
    r"""The matrix of all second derivatives of a function that returns a scalar, as a function.

    .. math:: H_{ij} = \frac{\partial^2 f}{\partial x_i \, \partial x_j}(x)

    Forward mode over reverse: one recorded gradient, and one batched walk over it.

    Parameters
    ----------
    f : callable
        Of arrays, or of nested containers of them, to a scalar.
    argnums : int or tuple of int
        The positional arguments to differentiate.
    has_aux : bool
        Whether ``f`` returns a pair of its value and anything else; the result is then
        ``(hessian, aux)``.

    Returns
    -------
    callable
        In the structure of the argument, and within it once more: for an array, an array of its
        shape twice.

    Raises
    ------
    ShapeError, DTypeError
        As ``grad``.

    >>> import autodiff as ad
    >>> import numpy as np
    >>> ad.hessian(lambda x: x[0] ** 2 * x[1])(np.array([1.0, 2.0]))
    array([[4., 2.],
           [2., 0.]])
    """
    gradient = grad(f, argnums, has_aux=has_aux, unused="zeros")
    return jacobian(gradient, argnums, mode="forward", has_aux=has_aux)


@public
def hvp(f: Callable[..., Any], primals: Sequence[Any], tangents: Sequence[Any]) -> Any:
    r"""The product of the Hessian with a vector, at the cost of a few gradients.

    .. math:: t \mapsto \nabla^2 f(x) \, t

    Parameters
    ----------
    f : callable
        Of arrays, or of nested containers of them, to a scalar.
    primals, tangents : tuple or list
        The arguments, and a vector for each, of the same structure and shapes.

    Returns
    -------
    The product in the structure of the one primal, or a tuple of them for several.

    Raises
    ------
    ShapeError, DTypeError, GradientError
        As ``grad`` and ``jvp``.

    Source: Pearlmutter, "Fast exact multiplication by the Hessian" (1994).

    >>> import autodiff as ad
    >>> import numpy as np
    >>> ad.hvp(lambda x: (x**3).sum(), (np.array([1.0, 2.0]),), (np.array([1.0, 10.0]),))
    array([  6., 120.])
    """
    gradient = grad(f, tuple(range(len(primals))), unused="zeros")
    product = jvp(gradient, primals, tangents)[1]
    return product[0] if len(primals) == 1 else product
