"""Products and running sums along axes."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from autodiff.errors import AxisError, normalize_axis
from autodiff.families import Linear
from autodiff.node import Aval
from autodiff.ops.joining import concatenate
from autodiff.ops.movement import as_array, expand_dims, flip, ravel, reshape, transpose
from autodiff.ops.reduction import CASES, EMPTY, Reduction, reduce, sum, unreduce
from autodiff.primitive import Case, In
from autodiff.registry import PRIMITIVES, public
from autodiff.tensor import apply

__all__ = ["cumsum", "prod"]


class Prod(Reduction):
    """The product along axes."""

    name = "prod"
    kernel = staticmethod(
        lambda x, out=None, *, axis, keepdims: np.multiply.reduce(
            x, axis=axis, out=out, keepdims=keepdims
        )
    )
    vjp = staticmethod(
        lambda g, x, *, axis, keepdims: unreduce(g, x, axis, keepdims) * _others(x, axis)
    )
    jvp = staticmethod(
        lambda t, x, *, axis, keepdims: sum(t * _others(x, axis), axis, keepdims=keepdims)
    )
    cases = (
        *CASES,
        EMPTY,
        Case((np.array([2.0, 0.0, 3.0]),), {"axis": (0,), "keepdims": False}),
        Case((np.array([[0.0, 2.0, 0.0, 3.0, 1.5]]),), {"axis": (0, 1), "keepdims": False}),
        Case((np.array([[0.0, 0.0], [0.0, 1.0]]),), {"axis": (1,), "keepdims": True}),
    )


def _others(x: Any, axis: tuple[int, ...]) -> Any:
    """For each entry, the product of all others along ``axis``."""
    kept = tuple([a for a in range(x.ndim) if a not in axis])
    order = (*kept, *axis)
    front = transpose(x, order)
    rows = reshape(front, (*front.shape[: len(kept)], math.prod(x.shape[a] for a in axis)))
    others = reshape(_others_in_rows(rows), front.shape)
    return transpose(others, sorted(range(x.ndim), key=order.__getitem__))


def _others_in_rows(x: Any) -> Any:
    # Products of pairs on the way up, each times its sibling on the way down: n steps in all and no
    # division, so that the derivatives of every order are exact with any number of zeros.
    *rows, n = x.shape
    if n < 2:
        return np.ones(x.shape, x.dtype)
    if n % 2:
        x = concatenate([x, np.ones((*rows, 1), x.dtype)], axis=-1)
    pairs = reshape(x, (*rows, (n + 1) // 2, 2))
    above = expand_dims(_others_in_rows(prod(pairs, axis=-1)), -1)
    others = reshape(flip(pairs, -1) * above, x.shape)
    return others[..., :n] if n % 2 else others


@public
def prod(x: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    r"""Product of the entries along axes.

    .. math:: y = \prod_i x_i, \qquad \bar x_i = \bar y \prod_{j \ne i} x_j

    Bools and small integers are multiplied as 64-bit integers; floating dtypes are kept.
    Derivatives of every order are exact with any number of zeros: nothing is divided. Raises
    AxisError for an axis that ``x`` does not have.

    >>> import autodiff as ad
    >>> x = ad.tensor([2.0, 0.0, 3.0], requires_grad=True)
    >>> ad.gradients(ad.prod(x), x)
    Tensor([0., 6., 0.])
    """
    return reduce("prod", x, axis, keepdims)


class Cumsum(Linear):
    """The running sum along an axis."""

    name = "cumsum"
    kernel = staticmethod(lambda x, out=None, *, axis: np.add.accumulate(x, axis=axis, out=out))
    transpose = staticmethod(lambda g, *, axis: flip(cumsum(flip(g, axis), axis), axis))
    cases = (
        Case((In((4,)),), {"axis": 0}),
        Case((In((2, 3)),), {"axis": 1}),
        Case((In((3, 2)),), {"axis": 0}),
        Case((In((0, 2)),), {"axis": 0}),
    )
    errors = ((Case((In((2, 3)),), {"axis": 2}), AxisError, "axis 2"),)

    def infer(self, x: Any, *, axis: int) -> Aval:
        normalize_axis(self.name, axis, x.ndim)
        return Aval(x.shape, np.add.reduce(np.ones(1, x.dtype)).dtype)

    def batch(self, mapped: tuple[bool, ...], x: Any, *, axis: int) -> Any:
        return apply(self, x, axis=axis + 1)


@public
def cumsum(x: Any, axis: int | None = None) -> Any:
    r"""Sums of all entries up to each one along an axis.

    .. math:: y_k = \sum_{i \le k} x_i, \qquad \bar x_i = \sum_{k \ge i} \bar y_k

    ``axis`` None takes all entries as one row. Bools and small integers are summed as 64-bit
    integers; floating dtypes are kept. Raises AxisError for an axis that ``x`` does not have. As
    ``numpy.cumsum``.

    >>> import autodiff as ad
    >>> ad.cumsum(ad.tensor([1.0, 2.0, 3.0]))
    Tensor([1., 3., 6.])
    """
    x = as_array(x)
    if axis is None:
        x, axis = ravel(x), 0
    return apply(PRIMITIVES["cumsum"], x, axis=normalize_axis("cumsum", axis, x.ndim))
