"""Joining and splitting: arrays put beside others, borders put around them, and the parts again.

The primitives are ``concatenate``, ``stack`` and ``pad``; splitting is indexing.
"""

from __future__ import annotations

import functools
import itertools
import numbers
from collections.abc import Sequence
from typing import Any

import numpy as np

from autodiff.errors import AxisError, DTypeError, ShapeError, normalize_axis
from autodiff.families import Linear
from autodiff.node import Aval
from autodiff.ops.movement import along, as_array, as_shape, broadcast_to, operands_of, ravel
from autodiff.primitive import Bound, Case, In
from autodiff.registry import PRIMITIVES, public
from autodiff.tensor import apply

__all__ = ["array_split", "concatenate", "pad", "split", "stack"]


def spread_batch(mapped: tuple[bool, ...], operands: Sequence[Any]) -> list[Any]:
    """Give every operand the batch axis that some of them have."""
    count = next(x.shape[0] for x, m in zip(operands, mapped, strict=True) if m)
    return [
        x if m else broadcast_to(x, (count, *np.shape(x)))
        for x, m in zip(operands, mapped, strict=True)
    ]


class Concatenate(Linear):
    """Arrays one after the other; operand i fills ``bounds[i]`` to ``bounds[i + 1]`` of an axis."""

    name = "concatenate"
    arguments = None
    kernel = staticmethod(
        lambda *arrays, axis, bounds, out=None: np.concatenate(arrays, axis=axis, out=out)
    )
    reference = staticmethod(lambda *arrays, axis, bounds: np.concatenate(arrays, axis))
    cases = (
        Case((In((2, 3)), In((1, 3))), {"axis": 0, "bounds": (0, 2, 3)}),
        Case((In((2, 1)), In((2, 0)), In((2, 2))), {"axis": 1, "bounds": (0, 1, 1, 3)}),
        Case((In((0,)),), {"axis": 0, "bounds": (0, 0)}),
        Case((In((2,)), np.array([1, 2, 3])), {"axis": 0, "bounds": (0, 2, 5)}),
    )
    errors = (
        (
            Case((In((2, 3)), In((2, 2))), {"axis": 0, "bounds": (0, 2, 4)}),
            ShapeError,
            "operand 1",
        ),
        (Case((In(()), In((2,))), {"axis": 0, "bounds": (0, 1, 3)}), AxisError, "axis 0"),
    )

    def variadic(self, count: int) -> Sequence[Bound]:
        return _part_rules(count)

    def infer(self, *avals: Any, axis: int, bounds: tuple[int, ...]) -> Aval:
        first = avals[0]
        normalize_axis(self.name, axis, first.ndim)
        rest = _without(first.shape, axis)
        for i, x in enumerate(avals):
            if x.ndim != first.ndim or _without(x.shape, axis) != rest:
                raise ShapeError(
                    f"concatenate: operand 0 is {first!r}, operand {i} is {x!r} (expected equal "
                    f"sizes on all axes but {axis})"
                )
        shape = (*first.shape[:axis], sum(x.shape[axis] for x in avals), *first.shape[axis + 1 :])
        return Aval(shape, np.result_type(*(x.dtype for x in avals)))

    def batch(self, mapped: tuple[bool, ...], *operands: Any, axis: int, bounds: Any) -> Any:
        return apply(self, *spread_batch(mapped, operands), axis=axis + 1, bounds=bounds)


def _without(shape: tuple[int, ...], axis: int) -> tuple[int, ...]:
    return shape[:axis] + shape[axis + 1 :]


@functools.lru_cache(maxsize=256)
def _part_rules(count: int) -> tuple[Bound, ...]:
    return tuple(Bound(functools.partial(_part, i), (), exact=True) for i in range(count))


def _part(i: int, g: Any, *, axis: int, bounds: tuple[int, ...]) -> Any:
    return g[along(axis, slice(bounds[i], bounds[i + 1]))]


@public
def concatenate(arrays: Any, axis: int | None = 0) -> Any:
    r"""Put arrays one after the other along an axis that they have.

    .. math:: y = (x_0, x_1, \dots), \qquad \bar x_i = \bar y\ \text{where}\ x_i\ \text{stands}

    The other axes agree in size; dtypes are promoted. ``axis`` None flattens each array first.
    Raises ShapeError for sizes that differ, AxisError for an axis that they do not have (as those
    of no axes). The rules are those of ``numpy.concatenate``.

    >>> import autodiff as ad
    >>> ad.concatenate([ad.tensor([1.0, 2.0]), [3.0]])
    Tensor([1., 2., 3.])
    """
    operands = operands_of("concatenate", arrays)
    if axis is None:
        operands, axis = [ravel(x) for x in operands], 0
    axis = normalize_axis("concatenate", axis, operands[0].ndim)
    bounds = [0]
    for x in operands:
        # An operand with too few axes is left to the kernel to refuse, and to `infer` to explain.
        bounds.append(bounds[-1] + (x.shape[axis] if x.ndim > axis else 0))
    return apply(PRIMITIVES["concatenate"], *operands, axis=axis, bounds=tuple(bounds))


class Stack(Linear):
    """Arrays of one shape side by side along a new axis."""

    name = "stack"
    arguments = None
    kernel = staticmethod(lambda *arrays, axis, out=None: np.stack(arrays, axis=axis, out=out))
    reference = staticmethod(
        lambda *arrays, axis: np.concatenate([np.expand_dims(x, axis) for x in arrays], axis)
    )
    cases = (
        Case((In((2, 3)), In((2, 3))), {"axis": 0}),
        Case((In((2, 3)), In((2, 3)), In((2, 3))), {"axis": 1}),
        Case((In(()), In(())), {"axis": 0}),
        Case((In((0,)), np.array([], int)), {"axis": 1}),
    )
    errors = (
        (Case((In((2, 3)), In((2, 2))), {"axis": 0}), ShapeError, "operand 1"),
        (Case((In((2, 3)), In((2, 3))), {"axis": 4}), AxisError, "axis 4"),
    )

    def variadic(self, count: int) -> Sequence[Bound]:
        return _row_rules(count)

    def infer(self, *avals: Any, axis: int) -> Aval:
        first = avals[0]
        for i, x in enumerate(avals):
            if x.shape != first.shape:
                raise ShapeError(
                    f"stack: operand 0 is {first!r}, operand {i} is {x!r} (expected one shape; "
                    "concatenate joins arrays that differ along an axis)"
                )
        normalize_axis(self.name, axis, first.ndim + 1)
        shape = (*first.shape[:axis], len(avals), *first.shape[axis:])
        return Aval(shape, np.result_type(*(x.dtype for x in avals)))

    def batch(self, mapped: tuple[bool, ...], *operands: Any, axis: int) -> Any:
        return apply(self, *spread_batch(mapped, operands), axis=axis + 1)


@functools.lru_cache(maxsize=256)
def _row_rules(count: int) -> tuple[Bound, ...]:
    return tuple(Bound(functools.partial(_row, i), (), exact=True) for i in range(count))


def _row(i: int, g: Any, *, axis: int) -> Any:
    return g[along(axis, i)]


@public
def stack(arrays: Any, axis: int = 0) -> Any:
    r"""Put arrays of one shape side by side along a new axis.

    .. math:: y_{i, \dots} = (x_i)_{\dots}

    ``axis`` is the position of the new axis in the result; dtypes are promoted. Raises ShapeError
    for shapes that differ, AxisError for a position that the result does not have. The rules are
    those of ``numpy.stack``.

    >>> import autodiff as ad
    >>> ad.stack([ad.tensor([1.0, 2.0]), [3.0, 4.0]], axis=1)
    Tensor([[1., 3.],
            [2., 4.]])
    """
    operands = operands_of("stack", arrays)
    axis = normalize_axis("stack", axis, operands[0].ndim + 1)
    return apply(PRIMITIVES["stack"], *operands, axis=axis)


def _framed(x: Any, out: Any = None, *, pad_width: Any, value: Any) -> Any:
    """The array within a frame of one value (``numpy.pad`` takes four times as long)."""
    if out is None:
        sizes = [before + n + after for n, (before, after) in zip(x.shape, pad_width, strict=True)]
        out = np.empty(sizes, x.dtype)
    out.fill(value)
    out[_inside(pad_width, x.shape)] = x
    return out


def _inside(pad_width: Any, shape: tuple[int, ...]) -> tuple[slice, ...]:
    pairs = zip(shape, pad_width, strict=True)
    return tuple([slice(before, before + n) for n, (before, _) in pairs])


class Pad(Linear):
    """An array within a frame of one value."""

    name = "pad"
    kernel = staticmethod(_framed)
    reference = staticmethod(
        lambda x, *, pad_width, value: (
            np.pad(x, pad_width, constant_values=value) if pad_width else x
        )
    )
    transpose = staticmethod(
        lambda g, x_aval, *, pad_width, value: g[_inside(pad_width, x_aval.shape)]
    )
    cases = (
        Case((In((2, 3)),), {"pad_width": ((1, 0), (0, 2)), "value": 0.0}),
        Case((In((3,)),), {"pad_width": ((2, 1),), "value": -1.5}),
        Case((In(()),), {"pad_width": (), "value": 0.0}),
        Case((In((0, 2)),), {"pad_width": ((1, 1), (0, 0)), "value": 2.0}),
    )
    errors = (
        (Case((In((3,)),), {"pad_width": ((-1, 0),), "value": 0}), ShapeError, "not negative"),
    )

    def infer(self, x: Any, *, pad_width: Any, value: Any) -> Aval:
        if len(pad_width) != x.ndim or min((n for pair in pad_width for n in pair), default=0) < 0:
            raise ShapeError(
                f"pad: pad_width {pad_width} does not fit {x!r} (expected a pair "
                "(before, after) for each axis, not negative)"
            )
        shape = [before + n + after for n, (before, after) in zip(x.shape, pad_width, strict=True)]
        return Aval(tuple(shape), x.dtype)

    def batch(self, mapped: tuple[bool, ...], x: Any, *, pad_width: Any, value: Any) -> Any:
        return apply(self, x, pad_width=((0, 0), *pad_width), value=value)

    def push(self, tangents: Sequence[Any], y: Any, operands: Sequence[Any], **params: Any) -> Any:
        # The frame does not move: its tangent is zero whatever its value.
        return super().push(tangents, y, operands, **(params | {"value": 0}))


_BORDERS = ("edge", "reflect", "symmetric", "wrap")


@public
def pad(x: Any, pad_width: Any, mode: str = "constant", *, constant_values: float = 0) -> Any:
    r"""Put a border around an array.

    .. math:: y_{i + \mathrm{before}} = x_i, \qquad \bar x_i = \bar y_{i + \mathrm{before}}

    Parameters
    ----------
    x : array_like
    pad_width : int, (before, after), or such a pair for each axis
        How many entries go before and after, as in ``numpy.pad``.
    mode : {"constant", "edge", "reflect", "symmetric", "wrap"}
        What they hold: a number, the nearest entry, the mirror image without and with the edge
        itself, or the other end. All but ``constant`` take part in the gradient.
    constant_values : number
        What the border holds in mode ``constant``, cast to the dtype of ``x``.

    Raises ShapeError for widths that do not fit ``x`` and for a border to be taken from an axis
    without entries; ValueError for another mode.

    >>> import autodiff as ad
    >>> ad.pad(ad.tensor([1.0, 2.0, 3.0]), (1, 2))
    Tensor([0., 1., 2., 3., 0., 0.])
    >>> ad.pad(ad.tensor([1.0, 2.0, 3.0]), 1, "reflect")
    Tensor([2., 1., 2., 3., 2.])
    """
    x = as_array(x)
    widths = _pairs(pad_width, x)
    if mode not in ("constant", *_BORDERS):
        raise ValueError(f"pad: mode is 'constant' or one of {_BORDERS}, got {mode!r}")
    if mode == "constant" or not np.any(widths):
        if not isinstance(constant_values, (numbers.Number, np.number, np.bool_)):
            raise DTypeError(f"pad: constant_values is one number, got {constant_values!r}")
        return apply(PRIMITIVES["pad"], x, pad_width=widths, value=constant_values)
    for axis, width in enumerate(widths):
        if width == (0, 0):
            continue
        if x.shape[axis] == 0:
            raise ShapeError(f"pad: axis {axis} of shape {x.shape} has no entries to {mode}")
        # NumPy's own border of the positions says which entry goes where.
        # NumPy checks the mode.
        source = np.pad(np.arange(x.shape[axis]), width, mode)  # type: ignore[call-overload]
        x = x[along(axis, source)]
    return x


def _pairs(pad_width: Any, x: Any) -> tuple[tuple[int, int], ...]:
    """A pair for each axis, from any of NumPy's ways to write it."""
    widths = np.asarray(pad_width)
    if widths.dtype.kind not in "iu":
        raise DTypeError(f"pad: pad_width holds integers, got {pad_width!r}")
    try:
        pairs = np.broadcast_to(widths, (x.ndim, 2))
    except ValueError:
        raise ShapeError(
            f"pad: pad_width {pad_width!r} does not fit shape {x.shape} (expected an integer, "
            "a pair (before, after), or such a pair for each axis)"
        ) from None
    if (pairs < 0).any():
        raise ShapeError(f"pad: pad_width is not negative, got {pad_width!r}")
    return tuple([(int(before), int(after)) for before, after in pairs])


@public
def array_split(x: Any, indices_or_sections: Any, axis: int = 0) -> list[Any]:
    r"""Cut an array into parts along an axis; the first ones are longer where they cannot be equal.

    .. math:: x = \mathrm{concatenate}(y_0, y_1, \dots)

    ``indices_or_sections`` is a number of parts, or the positions of the cuts in rising order.
    Raises ShapeError for a number of parts below 1, DTypeError for what is no integer. As
    ``numpy.array_split``.

    >>> import autodiff as ad
    >>> ad.array_split(ad.tensor([1.0, 2.0, 3.0]), 2)
    [Tensor([1., 2.]), Tensor([3.])]
    """
    x = as_array(x)
    axis = normalize_axis("array_split", axis, x.ndim)
    cuts_or_count = as_shape("array_split", indices_or_sections, "indices_or_sections")
    if np.ndim(indices_or_sections) == 0:
        (sections,) = cuts_or_count
        if sections < 1:
            raise ShapeError(f"array_split: expected at least 1 part, got {sections}")
        size, longer = divmod(x.shape[axis], sections)
        cuts = [i * size + min(i, longer) for i in range(sections + 1)]
    else:
        cuts = [0, *cuts_or_count, x.shape[axis]]
    return [x[along(axis, slice(i, j))] for i, j in itertools.pairwise(cuts)]


@public
def split(x: Any, indices_or_sections: Any, axis: int = 0) -> list[Any]:
    """Cut an array into equal parts along an axis, or at given positions (``numpy.split``).

    As ``array_split``, but a number of parts must divide the axis: else ShapeError.

    >>> import autodiff as ad
    >>> ad.split(ad.tensor([1.0, 2.0, 3.0, 4.0]), 2)
    [Tensor([1., 2.]), Tensor([3., 4.])]
    >>> ad.split(ad.tensor([1.0, 2.0, 3.0, 4.0]), [1])
    [Tensor([1.]), Tensor([2., 3., 4.])]
    """
    x = as_array(x)
    size = x.shape[normalize_axis("split", axis, x.ndim)]
    if np.ndim(indices_or_sections) == 0 and indices_or_sections > 0 and size % indices_or_sections:
        raise ShapeError(
            f"split: axis {axis} of shape {x.shape} cannot be cut into {indices_or_sections} "
            "equal parts; array_split makes the first ones longer"
        )
    return array_split(x, indices_or_sections, axis)
