"""Reductions: one value for all entries along some axes.

All take ``axis`` (None for all axes, an int, or a tuple) and ``keepdims`` (keep the axes, with size
1), as NumPy's functions of the same names, whose dtypes they follow. Of no entries at all, ``sum``
is 0 and ``logsumexp`` -inf; ``max`` and ``min`` raise, the others warn as NumPy does and give NaN.
"""

from __future__ import annotations

import math
from typing import Any, ClassVar

import numpy as np

from autodiff.errors import AxisError, ShapeError, normalize_axes
from autodiff.families import Linear
from autodiff.node import Aval, Node
from autodiff.ops.comparison import equal, isnan, logical_or
from autodiff.ops.elementwise import sqrt
from autodiff.ops.exponential import exp
from autodiff.ops.movement import as_array, broadcast_to, reshape
from autodiff.ops.selection import where
from autodiff.primitive import Case, In, Primitive
from autodiff.registry import PRIMITIVES, public
from autodiff.tensor import apply

__all__ = [
    "logsumexp",
    "max",
    "mean",
    "min",
    "std",
    "sum",
    "var",
]

CASES = (
    Case((In((2, 3)),), {"axis": (0, 1), "keepdims": False}),
    Case((In((2, 3, 2)),), {"axis": (0, 2), "keepdims": True}),
    Case((In((2, 3)),), {"axis": (1,), "keepdims": False}),
    Case((In((2, 3)),), {"axis": (), "keepdims": False}),
    Case((In(()),), {"axis": (), "keepdims": True}),
    Case((In((0, 2)),), {"axis": (1,), "keepdims": False}),
)
EMPTY = Case((In((0, 2)),), {"axis": (0,), "keepdims": False})
ErrorCase = tuple[Case, type[Exception], str]
NO_AXIS: ErrorCase = (Case((In((2, 3)),), {"axis": (2,), "keepdims": False}), AxisError, "axis 2")


class Reduction(Primitive, abstract=True):
    """One value along ``axis``, a tuple of non-negative ints.

    ``needs_entries``: the reduction of no entries is an error.
    """

    needs_entries: ClassVar[bool] = False
    cases: ClassVar[tuple[Case, ...]] = CASES
    errors: ClassVar[tuple[ErrorCase, ...]] = (NO_AXIS,)

    def infer(self, x: Any, *, axis: tuple[int, ...], keepdims: bool, **params: Any) -> Aval:
        normalize_axes(self.name, axis, x.ndim)
        if self.needs_entries and math.prod(x.shape[a] for a in axis) == 0:
            raise ShapeError(
                f"{self.name}: {x!r} has no entries along axis {axis}, and there is no "
                f"{self.name} of nothing (expected a size of at least 1)"
            )
        return Aval(reduced_shape(x.shape, axis, keepdims), self.infer_dtype(x.dtype))

    def infer_dtype(self, dtype: Any) -> Any:
        """The dtype that the kernel makes of one entry."""
        return self.kernel(np.ones(1, dtype), axis=(0,), keepdims=False).dtype

    def batch(self, mapped: tuple[bool, ...], x: Any, *, axis: Any, **params: Any) -> Any:
        return apply(self, x, axis=tuple(a + 1 for a in axis), **params)

    def presence(self, i: int, mask: Any, node: Node) -> Any:
        if mask is None:
            return None
        return spread(mask, node.inputs[0], node.params["axis"], node.params["keepdims"])


def reduced_shape(shape: tuple[int, ...], axis: tuple[int, ...], keepdims: bool) -> tuple[int, ...]:
    """The shape after a reduction."""
    if keepdims:
        return tuple([1 if i in axis else n for i, n in enumerate(shape)])
    return tuple([n for i, n in enumerate(shape) if i not in axis])


def unreduce(g: Any, x: Any, axis: tuple[int, ...], keepdims: bool) -> Any:
    """The result of a reduction of ``x``, with axes of size 1 where ``x`` was reduced."""
    return g if keepdims else reshape(g, reduced_shape(x.shape, axis, True))


# Up to so many entries a copy is ten times as fast as NumPy's making of a view that repeats.
_SMALL = 4096


def spread(g: Any, x: Any, axis: tuple[int, ...], keepdims: bool) -> Any:
    """The result of a reduction of ``x``, repeated to the shape of ``x``."""
    # Where the first axes were reduced, as in the sum of a loss, broadcasting restores them itself.
    leading = axis == tuple(range(len(axis)))
    g = g if leading else unreduce(g, x, axis, keepdims)
    if type(g) is np.ndarray and math.prod(x.shape) <= _SMALL:
        y = np.empty(x.shape, g.dtype)
        y[...] = g
        return y
    return broadcast_to(g, x.shape)


def reduce(name: str, x: Any, axis: Any, keepdims: bool, **params: Any) -> Any:
    """Apply the reduction of that name, with its axes in the form that primitives take."""
    x = as_array(x)
    axes = normalize_axes(name, axis, x.ndim)
    return apply(PRIMITIVES[name], x, axis=axes, keepdims=bool(keepdims), **params)


class Sum(Reduction, Linear):
    """The sum along axes."""

    name = "sum"
    kernel = staticmethod(
        lambda x, out=None, *, axis, keepdims: np.add.reduce(
            x, axis=axis, out=out, keepdims=keepdims
        )
    )
    transpose = staticmethod(lambda g, x_aval, *, axis, keepdims: spread(g, x_aval, axis, keepdims))
    cases = (*CASES, EMPTY)


@public
def sum(x: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    r"""Sum of the entries along axes.

    .. math:: y = \sum_i x_i, \qquad \bar x_i = \bar y

    Bools and small integers are summed as 64-bit integers; floating dtypes are kept. Raises
    AxisError for an axis that ``x`` does not have. The rules are those of ``numpy.sum``, which adds
    in pairs.

    >>> import autodiff as ad
    >>> ad.sum(ad.tensor([[1.0, 2.0], [3.0, 4.0]]), axis=0)
    Tensor([4., 6.])
    """
    return reduce("sum", x, axis, keepdims)


class Mean(Reduction, Linear):
    """The mean along axes."""

    name = "mean"
    kernel = staticmethod(
        lambda x, out=None, *, axis, keepdims: np.mean(x, axis=axis, out=out, keepdims=keepdims)
    )
    transpose = staticmethod(
        lambda g, x_aval, *, axis, keepdims: spread(
            g / math.prod(x_aval.shape[a] for a in axis), x_aval, axis, keepdims
        )
    )


@public
def mean(x: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    r"""Mean of the entries along axes.

    .. math:: y = \frac{1}{n} \sum_i x_i, \qquad \bar x_i = \frac{\bar y}{n}

    Bools and integers give float64; floating dtypes are kept. The mean of nothing is NaN, with
    NumPy's warning. Raises AxisError for an axis that ``x`` does not have.

    >>> import autodiff as ad
    >>> ad.mean(ad.tensor([1.0, 2.0, 6.0]))
    Tensor(3.)
    """
    return reduce("mean", x, axis, keepdims)


class Extremum(Reduction, abstract=True):
    """The largest or the smallest entry; entries that tie share its gradient equally.

    Of all subgradients that is the one of least norm. The entries that were not selected have none.
    """

    needs_entries = True
    selects = True
    vjp = staticmethod(lambda g, y, x, *, axis, keepdims: _pull_selected(g, y, x, axis, keepdims))
    jvp = staticmethod(lambda t, y, x, *, axis, keepdims: _push_selected(t, y, x, axis, keepdims))
    errors = (NO_AXIS, (EMPTY, ShapeError, "has no entries along axis"))

    def selection_slots(self, i: int) -> tuple[int, ...]:
        return (-1, 0)

    def presence(self, i: int, mask: Any, node: Node) -> Any:
        axis, keepdims = node.params["axis"], node.params["keepdims"]
        selected = _selected(node.output, node.kept[0], axis, keepdims)
        return selected if mask is None else selected & spread(mask, node.inputs[0], axis, keepdims)


def _selected(y: Any, x: Any, axis: tuple[int, ...], keepdims: bool) -> Any:
    # Any NaN makes the result NaN, so that it is the NaNs that were selected.
    return logical_or(equal(x, unreduce(y, x, axis, keepdims)), isnan(x))


def _pull_selected(g: Any, y: Any, x: Any, axis: tuple[int, ...], keepdims: bool) -> Any:
    selected = _selected(y, x, axis, keepdims)
    count = sum(selected, axis, keepdims=True).astype(g.dtype)
    return where(selected, unreduce(g, x, axis, keepdims) / count, 0)


def _push_selected(t: Any, y: Any, x: Any, axis: tuple[int, ...], keepdims: bool) -> Any:
    selected = _selected(y, x, axis, keepdims)
    count = sum(selected, axis, keepdims=keepdims).astype(t.dtype)
    return sum(where(selected, t, 0), axis, keepdims=keepdims) / count


class Max(Extremum):
    """The largest entry along axes."""

    name = "max"
    kernel = staticmethod(
        lambda x, out=None, *, axis, keepdims: np.maximum.reduce(
            x, axis=axis, out=out, keepdims=keepdims
        )
    )


@public
def max(x: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    r"""Largest entry along axes; NaN where there is one.

    .. math:: y = \max_i x_i, \qquad \bar x_i = \begin{cases} \bar y / m & x_i = y \\
        \text{absent} & \text{else} \end{cases}

    The m entries that tie share the gradient, which is the subgradient of least norm. The dtype is
    kept. Raises AxisError for an axis that ``x`` does not have, ShapeError where there are no
    entries.

    >>> import autodiff as ad
    >>> x = ad.tensor([1.0, 5.0, 5.0], requires_grad=True)
    >>> ad.gradients(ad.max(x), x)
    Tensor([0. , 0.5, 0.5])
    """
    return reduce("max", x, axis, keepdims)


class Min(Extremum):
    """The smallest entry along axes."""

    name = "min"
    kernel = staticmethod(
        lambda x, out=None, *, axis, keepdims: np.minimum.reduce(
            x, axis=axis, out=out, keepdims=keepdims
        )
    )


@public
def min(x: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    r"""Smallest entry along axes; NaN where there is one.

    .. math:: y = \min_i x_i, \qquad \bar x_i = \begin{cases} \bar y / m & x_i = y \\
        \text{absent} & \text{else} \end{cases}

    The m entries that tie share the gradient. The dtype is kept. Raises AxisError for an axis that
    ``x`` does not have, ShapeError where there are no entries.

    >>> import autodiff as ad
    >>> ad.min(ad.tensor([[1.0, 5.0], [3.0, 2.0]]), axis=1)
    Tensor([1., 2.])
    """
    return reduce("min", x, axis, keepdims)


class Var(Reduction):
    """The mean square distance from the mean along axes."""

    name = "var"
    kernel = staticmethod(
        lambda x, out=None, *, axis, keepdims, ddof: np.var(
            x, axis=axis, out=out, ddof=ddof, keepdims=keepdims
        )
    )
    vjp = staticmethod(
        lambda g, x, *, axis, keepdims, ddof: unreduce(g, x, axis, keepdims) * _slope(x, axis, ddof)
    )
    jvp = staticmethod(
        lambda t, x, *, axis, keepdims, ddof: sum(
            t * _slope(x, axis, ddof), axis, keepdims=keepdims
        )
    )
    cases = tuple(
        c._replace(params=c.params | {"ddof": ddof}) for c, ddof in zip(CASES, (0, 1, 2, 0, 0, 0.5))
    )
    errors = (
        (Case((In((2,)),), {"axis": (2,), "keepdims": False, "ddof": 0}), AxisError, "axis 2"),
    )

    def infer_dtype(self, dtype: Any) -> Any:
        return np.var(np.ones(1, dtype)).dtype


def _slope(x: Any, axis: tuple[int, ...], ddof: float) -> Any:
    freedom = math.prod(x.shape[a] for a in axis) - ddof
    return (x - mean(x, axis, keepdims=True)) * (2 / freedom if freedom > 0 else math.nan)


@public
def var(x: Any, axis: Any = None, *, ddof: float = 0, keepdims: bool = False) -> Any:
    r"""Variance of the entries along axes.

    .. math:: y = \frac{1}{n - \mathrm{ddof}} \sum_i (x_i - m)^2, \qquad
        \bar x_i = \frac{2 (x_i - m)}{n - \mathrm{ddof}} \bar y, \qquad m = \frac{1}{n} \sum_i x_i

    ``ddof`` 1 gives the estimate without bias from a sample. Bools and integers give float64;
    floating dtypes are kept. Where n does not exceed ``ddof``, NumPy warns, and the gradient is
    NaN. Raises AxisError for an axis that ``x`` does not have. Two passes, so that a large mean
    costs no digits.

    >>> import autodiff as ad
    >>> ad.var(ad.tensor([1.0, 2.0, 6.0]), ddof=1)
    Tensor(7.)
    """
    return reduce("var", x, axis, keepdims, ddof=ddof)


@public
def std(x: Any, axis: Any = None, *, ddof: float = 0, keepdims: bool = False) -> Any:
    r"""Standard deviation of the entries along axes.

    .. math:: y = \sqrt{\mathrm{var}(x)}, \qquad
        \bar x_i = \frac{x_i - m}{(n - \mathrm{ddof})\, y} \bar y

    ``ddof``, dtypes and errors are those of ``var``. Where all entries are equal, y is 0 and has a
    kink: the gradient there is 0, the subgradient of least norm.

    >>> import autodiff as ad
    >>> x = ad.tensor([[1.0, 5.0], [2.0, 2.0]], requires_grad=True)
    >>> y = ad.std(x, axis=1)
    >>> y.data, ad.gradients(y.sum(), x).data
    (array([2., 0.]), array([[-0.5,  0.5],
           [ 0. ,  0. ]]))
    """
    square = var(x, axis, ddof=ddof, keepdims=keepdims)
    # At 0 the root's infinite slope is not selected; the slope of the variance itself is 0 there.
    return where(equal(square, 0), square, sqrt(square))


def _logsumexp(x: Any, out: Any = None, *, axis: tuple[int, ...], keepdims: bool) -> Any:
    if x.dtype.kind in "biu":
        x = x.astype(np.float64)
    top = np.maximum.reduce(x, axis=axis, keepdims=True, initial=-math.inf)
    # Where the largest is infinite, subtracting it would give inf - inf.
    top = np.where(np.isfinite(top), top, 0)
    with np.errstate(divide="ignore", over="ignore"):
        y = top + np.log(np.add.reduce(np.exp(x - top), axis=axis, keepdims=True))
    y = y if keepdims else y.reshape(reduced_shape(x.shape, axis, False))
    if out is None:
        return y
    out[...] = y
    return out


class LogSumExp(Reduction):
    """The logarithm of the sum of exponentials along axes."""

    name = "logsumexp"
    kernel = staticmethod(_logsumexp)
    reference = staticmethod(
        lambda x, *, axis, keepdims: np.log(np.sum(np.exp(x), axis=axis, keepdims=keepdims))
    )
    vjp = staticmethod(
        lambda g, y, x, *, axis, keepdims: (
            unreduce(g, x, axis, keepdims) * _shares(y, x, axis, keepdims)
        )
    )
    jvp = staticmethod(
        lambda t, y, x, *, axis, keepdims: sum(
            t * _shares(y, x, axis, keepdims), axis, keepdims=keepdims
        )
    )
    special = (-1e4, 1e4, -math.inf)


def _shares(y: Any, x: Any, axis: tuple[int, ...], keepdims: bool) -> Any:
    # Where all entries are -inf, so is y, and x - y would be NaN; against 0, a share is exp(-inf).
    base = where(equal(y, -math.inf), 0, y)
    return exp(x - unreduce(base, x, axis, keepdims))


@public
def logsumexp(x: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    r"""Logarithm of the sum of exponentials along axes, without overflow.

    .. math:: y = \ln \sum_i e^{x_i} = t + \ln \sum_i e^{x_i - t}, \qquad t = \max_i x_i,
        \qquad \bar x_i = e^{x_i - y} \bar y

    Where all entries are -inf, or there are none, y is -inf and the gradient 0. Bools and integers
    give float64; floating dtypes are kept. Raises AxisError for an axis that ``x`` does not have.
    Source: Blanchard, Higham and Higham (2021), "Accurately computing the log-sum-exp and softmax
    functions".

    >>> import autodiff as ad
    >>> x = ad.tensor([1e4, 1e4, 0.0], requires_grad=True)
    >>> y = ad.logsumexp(x)
    >>> float(y), ad.gradients(y, x).data
    (10000.69314718056, array([0.5, 0.5, 0. ]))
    """
    return reduce("logsumexp", x, axis, keepdims)
