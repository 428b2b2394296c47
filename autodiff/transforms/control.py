"""Control flow that batches: ``cond``, ``scan``, ``while_loop``.

A Python ``if`` or loop is recorded as it runs and needs none of these. They are for conditions that
differ from example to example under ``vmap``, and say a loop's structure in one place.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from autodiff.batched import Batched
from autodiff.errors import DTypeError, ShapeError
from autodiff.ops.joining import stack
from autodiff.ops.selection import where
from autodiff.registry import public
from autodiff.tensor import raw, shape_of, whole
from autodiff.tree import align, flatten

__all__ = ["cond", "scan", "while_loop"]


@public
def cond(
    pred: Any, true_fun: Callable[..., Any], false_fun: Callable[..., Any], *operands: Any
) -> Any:
    r"""One of two functions, by a condition.

    .. math:: y = p \mathbin{?} f(x) : g(x)

    Only the chosen function runs. Under ``vmap``, where the condition differs from example to
    example, both run on all of them and each result is selected by ``where``: what was not chosen
    has no gradient, and its infinities and NaNs do not matter.

    Parameters
    ----------
    pred : bool, or Tensor or array of one entry
    true_fun, false_fun : callable
        Of the operands, to arrays or containers of them; under ``vmap`` of the same structure and
        shapes.
    *operands : any

    Raises
    ------
    ShapeError
        The condition has more than one entry; under ``vmap``, results of other structures or
        shapes.

    >>> import autodiff as ad
    >>> import numpy as np
    >>> f = lambda x: ad.cond(x > 0, ad.sqrt, lambda x: -x, x)
    >>> f(4.0)
    np.float64(2.0)
    >>> ad.vmap(ad.grad(f))(np.array([4.0, -1.0]))
    array([ 0.25, -1.  ])
    """
    if not _differs("cond", pred):
        return true_fun(*operands) if _truth(pred) else false_fun(*operands)
    with np.errstate(all="ignore"):  # what is not chosen may leave a function's domain
        return _select("cond", pred, true_fun(*operands), false_fun(*operands))


def _differs(what: str, pred: Any) -> bool:
    """Whether a condition differs from example to example."""
    shape = shape_of(pred)
    if int(np.prod(shape)) != 1:
        raise ShapeError(f"{what}: the condition has one entry, got shape {shape}; use ad.where")
    return type(pred) is Batched


def _truth(pred: Any) -> bool:
    return bool(np.asarray(raw(pred)).item())


def _select(what: str, pred: Any, chosen: Any, other: Any) -> Any:
    """Entries of two trees of one structure, by a condition of each example."""
    leaves, rebuild = flatten(chosen)
    others = _leaves_like(what, chosen, other)
    pred = pred.reshape(()) if pred.shape else pred
    results = []
    for a, b in zip(leaves, others, strict=True):
        if shape_of(a) != shape_of(b):
            raise ShapeError(
                f"{what}: under vmap both results have one shape, got {shape_of(a)} and "
                f"{shape_of(b)}"
            )
        results.append(where(pred, a, b))
    return rebuild(results)


def _leaves_like(what: str, tree: Any, other: Any) -> list[Any]:
    try:
        return align(tree, other, what)
    except ValueError as error:
        raise ShapeError(str(error)) from None


@public
def scan(
    f: Callable[..., Any],
    init: Any,
    xs: Any = None,
    length: int | None = None,
    *,
    reverse: bool = False,
) -> tuple[Any, Any]:
    r"""A loop with a carried value, over the first axis of arrays.

    .. math:: (c_{k+1}, y_k) = f(c_k, x_k), \qquad k = 0, \dots, n - 1

    Parameters
    ----------
    f : callable
        ``f(carry, x) -> (carry, y)``; the carry keeps its structure, shapes and dtypes.
        ``ad.checkpoint(f)`` records only the carries.
    init : array_like or nested containers
        The first carry.
    xs : array_like or nested containers, optional
        Arrays of one length, of which each step gets an entry; None where there are none.
    length : int, optional
        The number of steps, where ``xs`` does not say it.
    reverse : bool
        Begin at the end; ``y`` of a step still stands at the place of its ``x``.

    Returns
    -------
    (carry, ys)
        The last carry, and the ``y`` of all steps along a new first axis.

    Raises
    ------
    ShapeError
        ``xs`` of different lengths, or no length at all; a carry that changes; no steps, of which
        the results have no shape.

    >>> import autodiff as ad
    >>> import numpy as np
    >>> ad.scan(lambda c, x: (c * x, c), 1.0, np.array([2.0, 3.0, 4.0]))
    (np.float64(24.0), array([1., 2., 6.]))
    """
    inputs, rebuild = flatten(xs)
    count = _steps(inputs, length)
    carry, results = init, []
    for k in reversed(range(count)) if reverse else range(count):
        found = f(carry, rebuild([x[k] for x in inputs]))
        if not isinstance(found, tuple) or len(found) != 2:
            raise DTypeError(
                f"scan: the function returns a pair (carry, y), got {type(found).__name__}"
            )
        _check_carry("scan", carry, found[0], strict=k != (count - 1 if reverse else 0))
        carry = found[0]
        results.append(found[1])
    if reverse:
        results.reverse()
    leaves, back = flatten(results[0])
    rows = [_leaves_like("scan", results[0], y) for y in results]
    return carry, back([stack([row[i] for row in rows]) for i in range(len(leaves))])


def _steps(inputs: list[Any], length: int | None) -> int:
    sizes = {shape_of(x)[0] if shape_of(x) else None for x in inputs}
    if length is not None:
        sizes.add(length)
    if len(sizes) != 1 or None in sizes:
        shapes = [shape_of(x) for x in inputs]
        raise ShapeError(
            f"scan: the arrays have one first axis of one size, and length agrees: got shapes "
            f"{shapes} and length={length}"
        )
    count = sizes.pop()
    if not count:
        raise ShapeError("scan: there are no steps, so the shape of the results is not known")
    return int(count)


def _check_carry(what: str, before: Any, after: Any, strict: bool) -> None:
    """Raise ShapeError where a carry changes; a Python number at the start may become an array."""
    for a, b in zip(flatten(before)[0], _leaves_like(what, before, after), strict=True):
        if shape_of(a) != shape_of(b) or (strict and _dtype(a) != _dtype(b)):
            raise ShapeError(
                f"{what}: the carried value keeps its shape and dtype, got {_dtype(a)}"
                f"{list(shape_of(a))} before a step and {_dtype(b)}{list(shape_of(b))} after it"
            )


def _dtype(x: Any) -> Any:
    return x.dtype if hasattr(x, "dtype") else np.asarray(x).dtype


@public
def while_loop(cond_fun: Callable[[Any], Any], body_fun: Callable[[Any], Any], init: Any) -> Any:
    r"""Repeat a function while a condition holds.

    .. math:: x_{k+1} = f(x_k) \text{ while } c(x_k)

    The steps are recorded as they run, so both modes differentiate it; the number of steps is a
    constant to them. Under ``vmap``, where examples need different numbers of steps, the loop runs
    until the last has ended, and those that have ended keep their value.

    Parameters
    ----------
    cond_fun : callable
        Of the value, to a bool.
    body_fun : callable
        Of the value, to one of the same structure, shapes and dtypes.
    init : array_like or nested containers
        The first value.

    Raises
    ------
    ShapeError
        The value changes its structure, shape or dtype; the condition has more than one entry.

    >>> import autodiff as ad
    >>> halve = lambda x: ad.while_loop(lambda x: x > 1, lambda x: x / 2, x)
    >>> ad.jvp(halve, (12.0,), (1.0,))
    (np.float64(0.75), np.float64(0.0625))
    """
    value, first = init, True
    running = cond_fun(value)
    while _any("while_loop", running):
        if type(running) is Batched:
            # The others have ended: what the body makes of them is not selected.
            with np.errstate(all="ignore"):
                new = _select("while_loop", running, body_fun(value), value)
            _check_carry("while_loop", value, new, strict=not first)
            value = new
            running = cond_fun(value)
        else:
            new = body_fun(value)
            _check_carry("while_loop", value, new, strict=not first)
            value = new
            running = cond_fun(value)
        first = False
    return value


def _any(what: str, running: Any) -> bool:
    if _differs(what, running):
        return bool(np.any(whole(running)))
    return _truth(running)
