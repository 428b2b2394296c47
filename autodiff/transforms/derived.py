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

from autodiff.errors import DTypeError, GradientError, ShapeError
from autodiff.ops.complex import conj
from autodiff.ops.movement import reshape
from autodiff.recording import no_grad
from autodiff.registry import public
from autodiff.tensor import aval_of, shape_of, whole
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
    holomorphic: bool = False,
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
    holomorphic : bool
        Whether ``f`` is a complex differentiable function of complex arguments; the result is then
        its complex derivative. The Cauchy-Riemann equations are checked along one direction.

    Returns
    -------
    callable
        For each array of the value and each of the argument, an array of the shape of the first
        followed by that of the second, in the structure of the value and within it of the argument
        (a tuple of them for a tuple ``argnums``). Of a complex value and a real argument the
        derivative is complex; of a real value and a complex argument it is the gradient of each
        entry, :math:`\partial f_i/\partial\,\mathrm{Re}\,x_j
        + \mathrm{i}\,\partial f_i/\partial\,\mathrm{Im}\,x_j`, as that of ``grad``.

    Raises
    ------
    DTypeError
        An argument or a value is no floating number; a complex value of a complex argument without
        ``holomorphic``, whose derivative is no complex number: differentiate by the real and the
        imaginary part.
    GradientError
        ``holomorphic`` for a function that is not.

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
        _check_kinds(inputs, outputs, holomorphic)
        if mode == "auto":
            forward = _count(inputs) < _count(outputs)
        if holomorphic:
            _check_holomorphic(found, forward)
        blocks = (_by_columns if forward else _by_rows)(found, holomorphic)
        rows = [found.rebuild(row) for row in blocks]
        result = found.run.rebuild(
            [tuple(row) if isinstance(argnums, tuple) else row[0] for row in rows]
        )
        return (result, found.aux()) if has_aux else result

    return matrix


def _is_complex(x: Any) -> bool:
    return np.dtype(aval_of(x).dtype).kind == "c"


def _check_kinds(inputs: Sequence[Any], outputs: Sequence[Any], holomorphic: bool) -> None:
    for x in (*inputs, *outputs):
        dtype = np.dtype(aval_of(x).dtype)
        if dtype.kind not in "fc":
            raise DTypeError(
                f"jacobian: expected floating values, got {dtype} of shape {shape_of(x)}; return "
                "integers as aux"
            )
        if holomorphic and dtype.kind != "c":
            raise DTypeError(
                f"jacobian: holomorphic=True is for complex arguments and values, got {dtype} of "
                f"shape {shape_of(x)}; leave it out, or convert with astype(complex)"
            )
    moving, found = (list(filter(_is_complex, leaves)) for leaves in (inputs, outputs))
    if not holomorphic and moving and found:
        raise DTypeError(
            f"jacobian: {aval_of(found[0])!r} of {aval_of(moving[0])!r} has a complex derivative "
            "only where the function is holomorphic: pass holomorphic=True if it is, else "
            "differentiate real arrays by real arrays: lambda a, b: (ad.real(y), ad.imag(y)) with "
            "y = f(a + 1j * b)"
        )


def _check_holomorphic(found: Derivative, forward: bool) -> None:
    """Raise GradientError where the derivative is not complex linear along one direction."""
    leaves = found.run.inputs if forward else found.run.outputs
    rng = np.random.default_rng(0)
    step = [
        (rng.normal(size=shape_of(x)) + 1j * rng.normal(size=shape_of(x))).astype(x.dtype)
        for x in map(aval_of, leaves)
    ]
    sides = []
    with no_grad():
        for factor in (1, 1j):
            parts = [(factor * t).astype(t.dtype) for t in step]
            y = found.push(*found.rebuild(parts)) if forward else found.pull(_value(found, parts))
            sides.append([whole(part) for part in flatten(y)[0]])
    for a, b in zip(*sides, strict=True):
        a, b = np.asarray(a), np.asarray(b)
        limit = np.sqrt(np.finfo(a.dtype).eps) * max(np.abs(a).max(initial=0.0), 1e-30)
        if np.abs(b - 1j * a).max(initial=0.0) > limit:
            raise GradientError(
                "jacobian: holomorphic=True, but the function is not holomorphic here: its "
                "derivative along i t is not i times that along t (as of conj, real, imag, abs). "
                "Differentiate by the real and the imaginary part instead"
            )


def _value(found: Derivative, leaves: list[Any]) -> Any:
    return found.run.rebuild(leaves)


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


def _turned(units: Sequence[Any]) -> list[Any]:
    """The unit vectors along the imaginary axis; those of real arrays have none."""
    return [u * 1j if u.dtype.kind == "c" else np.zeros_like(u) for u in units]


def _bounds(leaves: Sequence[Any]) -> list[int]:
    return [0, *itertools.accumulate(math.prod(shape_of(x)) for x in leaves)]


def _by_rows(found: Derivative, holomorphic: bool) -> list[list[Any]]:
    """The blocks of the matrix, a list for each output: one gradient for each entry of them."""
    inputs, outputs = found.run.inputs, found.run.outputs
    if not _count(outputs):
        return _nothing(inputs, outputs)
    units = _unit_vectors(outputs)
    pulled, _ = flatten(vmap(found.pull)(found.run.rebuild(units)))
    if holomorphic:  # a gradient is the conjugate of the derivative
        pulled = [conj(g) for g in pulled]
    elif any(map(_is_complex, outputs)):
        turned, _ = flatten(vmap(found.pull)(found.run.rebuild(_turned(units))))
        pulled = [g + 1j * h for g, h in zip(pulled, turned, strict=True)]
    bounds = _bounds(outputs)
    return [
        [reshape(g[start:stop], (*shape_of(y), *shape_of(x))) for g, x in zip(pulled, inputs)]
        for y, start, stop in zip(outputs, bounds, bounds[1:], strict=False)
    ]


def _by_columns(found: Derivative, holomorphic: bool) -> list[list[Any]]:
    """The blocks of the matrix, a list for each output: one tangent for each entry of an input."""
    inputs, outputs = found.run.inputs, found.run.outputs
    if not _count(inputs):
        return _nothing(inputs, outputs)
    units = _unit_vectors(inputs)
    pushed, _ = flatten(vmap(found.push, out_axes=-1)(*found.rebuild(units)))
    turned = pushed
    if not holomorphic and any(map(_is_complex, inputs)):
        turned, _ = flatten(vmap(found.push, out_axes=-1)(*found.rebuild(_turned(units))))
    bounds = _bounds(inputs)
    blocks = []
    for t, u, y in zip(pushed, turned, outputs, strict=True):
        row = []
        for x, start, stop in zip(inputs, bounds, bounds[1:], strict=False):
            block = t[..., start:stop]
            if u is not t and _is_complex(x):
                block = block + 1j * u[..., start:stop]
            row.append(reshape(block, (*shape_of(y), *shape_of(x))))
        blocks.append(row)
    return blocks


def _nothing(inputs: Sequence[Any], outputs: Sequence[Any]) -> list[list[Any]]:
    """The blocks where there are no rows, or no columns, at all."""
    shapes = [[(*shape_of(y), *shape_of(x)) for x in inputs] for y in outputs]
    return [
        [np.zeros(shape, np.dtype(aval_of(y).dtype)) for shape in row]
        for row, y in zip(shapes, outputs, strict=True)
    ]


@public
def hessian(
    f: Callable[..., Any],
    argnums: int | tuple[int, ...] = 0,
    *,
    has_aux: bool = False,
    holomorphic: bool = False,
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
    holomorphic : bool
        Whether ``f`` is a complex differentiable function of complex arguments; see ``jacobian``.

    Returns
    -------
    callable
        In the structure of the argument, and within it once more: for an array, an array of its
        shape twice.

    Raises
    ------
    ShapeError, DTypeError
        As ``grad``. A real function of complex arguments has a Hessian by real and imaginary parts:
        ``hessian(lambda a, b: f(a + 1j * b), (0, 1))``.
    GradientError
        ``holomorphic`` for a function that is not.

    >>> import autodiff as ad
    >>> import numpy as np
    >>> ad.hessian(lambda x: x[0] ** 2 * x[1])(np.array([1.0, 2.0]))
    array([[4., 2.],
           [2., 0.]])
    """
    if holomorphic:
        first = jacobian(
            _scalar_valued(f, has_aux), argnums, mode="reverse", has_aux=has_aux, holomorphic=True
        )
        return jacobian(first, argnums, mode="forward", has_aux=has_aux, holomorphic=True)
    gradient = grad(_of_real(f, argnums), argnums, has_aux=has_aux, unused="zeros")
    return jacobian(gradient, argnums, mode="forward", has_aux=has_aux)


def _scalar_valued(f: Callable[..., Any], has_aux: bool) -> Callable[..., Any]:
    @functools.wraps(f)
    def checked(*args: Any, **kwargs: Any) -> Any:
        result = f(*args, **kwargs)
        shape = shape_of(result[0] if has_aux else result)
        if shape != ():
            raise ShapeError(f"hessian: the function must return a scalar, got shape {shape}")
        return result

    return checked


def _of_real(f: Callable[..., Any], argnums: Any) -> Callable[..., Any]:
    @functools.wraps(f)
    def checked(*args: Any, **kwargs: Any) -> Any:
        places = places_of("hessian", argnums, len(args))
        if any(map(_is_complex, flatten([args[i] for i in places])[0])):
            raise DTypeError(
                "hessian: of a complex argument the second derivatives are no complex matrix "
                "unless the function is holomorphic: pass holomorphic=True if it is, else take "
                "hessian(lambda a, b: f(a + 1j * b), (0, 1)), by real and imaginary parts"
            )
        return f(*args, **kwargs)

    return checked


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
