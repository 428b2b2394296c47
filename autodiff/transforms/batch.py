"""``vmap``: a function of one example as a function of a batch of them."""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from autodiff.batched import Batched, Level, lift
from autodiff.errors import AxisError, DTypeError, ShapeError, VmapError
from autodiff.recording import current, pop, push
from autodiff.registry import FUNCTIONS, public
from autodiff.tensor import Tensor, shape_of
from autodiff.transforms.arguments import plain
from autodiff.tree import flatten

__all__ = ["vmap"]


@public
def vmap(
    f: Callable[..., Any],
    in_axes: Any = 0,
    out_axes: Any = 0,
    *,
    randomness: str = "different",
) -> Callable[..., Any]:
    r"""A function that computes ``f`` for every example of a batch at once.

    .. math:: (x_1, \dots, x_n) \mapsto (f(x_1), \dots, f(x_n))

    ``f`` is written for one example and runs once: its arguments have the shape of one example, and
    each operation on them is one operation on the whole batch.

    Parameters
    ----------
    f : callable
        Of arrays, or of nested containers of them, to arrays or containers of them. It may capture
        outer Tensors, which all examples share, and call any transform.
    in_axes : int, None, or a tuple of them
        Which axis of the arguments is the batch; None for an argument that all examples share. One
        for all positional arguments, or one for each; a container in the place of one gives an
        axis for each of its parts. Keyword arguments are shared.
    out_axes : int, None, or a container of them
        Where the batch stands in the results; None for a result that is the same for all.
    randomness : {"different", "same", "error"}
        What ``ad.random`` and ``nn.Dropout`` draw in ``f``: for each example its own, as a loop
        does; one draw that all share; or nothing, by an error. Draws are those that a loop makes
        from the same seed where ``f`` draws once.

    Returns
    -------
    callable
        Tensors give Tensors, ndarrays ndarrays; gradients pass as through any function.

    Raises
    ------
    ShapeError
        Arguments whose batches differ in size, or none with a batch.
    AxisError
        An argument or a result without that axis.
    VmapError
        ``f`` asks for a value: by ``if``, ``float``, a function of NumPy. Of a batched Tensor there
        is one for each example. Or a result of ``f`` has a shape that depends on values:
        ``x[mask]``, ``nonzero``, ``unique``.
    ValueError
        Another ``randomness``.

    Source: Agarwal and Ganichev, "Auto-vectorizing TensorFlow graphs" (2019); JAX's ``vmap``, where
    keys are arguments; PyTorch's, where ``randomness`` is "error" if nothing is said.

    >>> import autodiff as ad
    >>> import numpy as np
    >>> ad.vmap(lambda a, b: (a * b).sum())(np.array([[1.0, 2.0], [3.0, 4.0]]), np.ones((2, 2)))
    array([3., 7.])
    >>> per_example = ad.vmap(ad.grad(lambda w, x: (w * x) ** 2), in_axes=(None, 0))
    >>> per_example(3.0, np.array([1.0, 2.0]))
    array([ 6., 24.])
    """
    name = getattr(f, "__name__", type(f).__name__)
    if randomness not in ("different", "same", "error"):
        raise ValueError(f"vmap: randomness is 'different', 'same' or 'error', got {randomness!r}")
    _check_axes("in_axes", in_axes)
    _check_axes("out_axes", out_axes)

    @functools.wraps(f)
    def batched(*args: Any, **kwargs: Any) -> Any:
        if isinstance(in_axes, (tuple, list)) and len(in_axes) != len(args):
            raise ShapeError(
                f"vmap of {name}: in_axes {in_axes} is for {len(in_axes)} arguments, got "
                f"{len(args)} (expected one for each positional argument)"
            )
        prefix = list(in_axes) if isinstance(in_axes, (tuple, list)) else in_axes
        leaves, rebuild = flatten(list(args))
        axes = spread_axes("in_axes", prefix, list(args))
        level = Level(_batch_size(name, leaves, axes), name, randomness)
        as_tensor = any(isinstance(x, Tensor) for x in leaves)
        inner = [_enter(name, x, axis, level) for x, axis in zip(leaves, axes, strict=True)]
        state = push(levels=(*current().levels, level))
        try:
            result = f(*rebuild(inner), **kwargs)
        finally:
            pop(state)
        outputs, back = flatten(result)
        places = spread_axes("out_axes", out_axes, result)
        return back(
            [
                _leave(name, y, axis, level, as_tensor)
                for y, axis in zip(outputs, places, strict=True)
            ]
        )

    return batched


def _check_axes(what: str, axes: Any) -> None:
    for axis in flatten(axes)[0]:
        try:
            operator.index(axis)
        except TypeError:
            raise DTypeError(
                f"vmap: {what} is an integer, None, or a container of them, got {axis!r}"
            ) from None


def spread_axes(what: str, axes: Any, tree: Any) -> list[Any]:
    """An axis for each leaf of ``tree``; in ``axes`` one may stand for a whole part of it."""
    if axes is None or not isinstance(axes, (tuple, list, dict)):
        return [axes] * len(flatten(tree)[0])
    if isinstance(axes, dict):
        fits = isinstance(tree, dict) and axes.keys() == tree.keys()
    else:
        fits = isinstance(tree, (tuple, list)) and len(axes) == len(tree)
    if not fits:
        raise ShapeError(
            f"vmap: {what} {axes!r} does not fit {type(tree).__name__}: expected a container of "
            "the same kind and size, or one axis for all of it"
        )
    keys = tree if isinstance(axes, dict) else range(len(axes))
    pairs = [(axes[k], tree[k]) for k in keys]
    return [axis for part, sub in pairs for axis in spread_axes(what, part, sub)]


def _batch_size(name: str, leaves: list[Any], axes: list[Any]) -> int:
    """The one size that the batch has in every argument."""
    sizes: dict[int, str] = {}
    for x, axis in zip(leaves, axes, strict=True):
        if axis is None:
            continue
        shape = shape_of(x)
        if not isinstance(x, Tensor) and np.asarray(x).dtype.kind not in "biufc":
            raise DTypeError(
                f"vmap of {name}: {x!r} has no axis to map over; give None in its place in in_axes"
            )
        if not -len(shape) <= axis < len(shape):
            raise AxisError(
                f"vmap of {name}: an argument of shape {shape} has no axis {axis} to map over; "
                "give another in in_axes, or None where all examples share it (a list is a "
                "container of arrays; make one array of it with np.array)"
            )
        sizes.setdefault(shape[axis], f"axis {axis} of shape {shape}")
    if len(sizes) > 1:
        shown = " and ".join(f"{size} ({place})" for size, place in sizes.items())
        raise ShapeError(f"vmap of {name}: the batch has different sizes in the arguments: {shown}")
    if not sizes:
        raise ShapeError(
            f"vmap of {name}: no argument has a batch: give at least one argument and an axis "
            "other than None in in_axes"
        )
    return next(iter(sizes))


def _enter(name: str, x: Any, axis: Any, level: Level) -> Any:
    if axis is None:
        return x
    x = x if isinstance(x, Tensor) else np.asarray(x)
    return lift(x if axis == 0 else FUNCTIONS["moveaxis"](x, axis, 0), level)


def _leave(name: str, y: Any, axis: Any, level: Level, as_tensor: bool) -> Any:
    """A result with its batch as an axis, detached from the level."""
    own = type(y) is Batched and y._data.level is level
    if axis is None:
        if own:
            raise VmapError(
                f"vmap of {name}: out_axes is None for a result of shape {y.shape} that differs "
                "from example to example; give the axis where the batch is to stand"
            )
        return y
    if not own and not isinstance(y, Tensor) and np.asarray(y).dtype.kind not in "biufc":
        raise DTypeError(
            f"vmap of {name}: the function returns arrays and numbers, got {type(y).__name__}; "
            "give None in its place in out_axes"
        )
    inner = y._data.inner if own else y if isinstance(y, Tensor) else np.asarray(y)
    ndim = len(inner.shape) + (not own)
    if not -ndim <= axis < ndim:
        raise AxisError(
            f"vmap of {name}: a result of shape {shape_of(y)} has no place for the batch at axis "
            f"{axis} (expected {-ndim} <= axis < {ndim})"
        )
    if not own:
        inner = FUNCTIONS["broadcast_to"](inner, (level.size, *inner.shape))
    if axis % ndim:
        inner = FUNCTIONS["moveaxis"](inner, 0, axis)
    if not isinstance(inner, Tensor):
        return FUNCTIONS["tensor"](inner) if as_tensor else np.array(inner)
    return inner if inner.requires_grad or as_tensor else plain(inner, False)
