"""Windows that slide over the spatial axes of an array: options, sizes and coverage.

What convolution and pooling share. Along one axis, entry ``o`` of the output reads the entries
``o * stride + k * dilation - before`` of the input, for ``k`` below the size of the kernel.
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from autodiff.errors import DTypeError, ShapeError

Pairs = tuple[tuple[int, int], ...]
LAYOUTS = ("channels_first", "channels_last")


class Axis(NamedTuple):
    """Windows along one axis: sizes of input, kernel and output, and where they lie."""

    size: int
    kernel: int
    out: int
    stride: int
    before: int
    dilation: int

    @property
    def span(self) -> int:
        """Entries from the first of the first window to the last of the last one."""
        return (self.out - 1) * self.stride + extent(self.kernel, self.dilation)


class Reach(NamedTuple):
    """The outputs and inputs that one offset of a kernel joins, without what lies in padding."""

    out: slice
    size: slice


@functools.lru_cache(512)
def reaches(axis: Axis) -> tuple[Reach, ...]:
    """For each offset of the kernel, the outputs whose entry there is no padding, and the inputs.

    >>> reaches(Axis(size=5, kernel=2, out=3, stride=2, before=1, dilation=1))[0]
    Reach(out=slice(1, 3, None), size=slice(1, 4, 2))
    """
    found = []
    for k in range(axis.kernel):
        start = k * axis.dilation - axis.before
        low = max(0, -(start // axis.stride))
        high = max(low, min(axis.out, (axis.size - 1 - start) // axis.stride + 1))
        first = low * axis.stride + start
        last = first + (high - low - 1) * axis.stride + 1
        places = slice(first, last, axis.stride) if high > low else slice(0, 0, axis.stride)
        found.append(Reach(slice(low, high), places))
    return tuple(found)


@functools.lru_cache(512)
def covered(axis: Axis) -> tuple[bool, bool, bool]:
    """Whether every input is read, every window reads one, and every kernel offset ever does."""
    inputs, outputs = np.zeros(axis.size, bool), np.zeros(axis.out, bool)
    offsets = True
    for out, size in reaches(axis):
        inputs[size] = outputs[out] = True
        offsets &= out.stop > out.start
    return bool(inputs.all()), bool(outputs.all()), offsets


def extent(kernel: int, dilation: int) -> int:
    """Entries from the first to the last that a window reads."""
    return dilation * (kernel - 1) + 1


def out_size(size: int, kernel: int, stride: int, pads: tuple[int, int], dilation: int) -> int:
    """How many windows fit; what is left over at the end is not read."""
    return max(0, (size + sum(pads) - extent(kernel, dilation)) // stride + 1)


def check_fit(
    name: str, given: str, sizes: Sequence[int], kernel: Sequence[int], pads: Pairs, dilation: Any
) -> None:
    """Raise ShapeError where a kernel is larger than the input with its padding."""
    for i, (n, k, pair, d) in enumerate(zip(sizes, kernel, pads, dilation, strict=True)):
        if extent(k, d) <= n + sum(pair):
            continue
        spans = f"spans {extent(k, d)} entries" + (f" (size {k}, dilation {d})" if d > 1 else "")
        padded = f"{n} entries and padding {pair}" if any(pair) else f"{n} entries and no padding"
        raise ShapeError(
            f"{name}: {given}: along spatial axis {i} the kernel {spans}, and the input has "
            f"{padded}: no window fits (expected a smaller kernel, or padding of at least "
            f"{extent(k, d) - n} in all; padding='same' keeps the size)"
        )


def axes_of(
    sizes: Sequence[int],
    kernel: Sequence[int],
    out: Sequence[int],
    stride: Sequence[int],
    padding: Pairs,
    dilation: Sequence[int],
) -> tuple[Axis, ...]:
    """The windows along each axis."""
    rows = zip(sizes, kernel, out, stride, padding, dilation, strict=True)
    return tuple([Axis(n, k, o, s, pair[0], d) for n, k, o, s, pair, d in rows])


# ---- the options of the public functions


def check_layout(name: str, layout: Any) -> str:
    """``layout`` itself, if it is one."""
    if layout not in LAYOUTS:
        raise ValueError(
            f"{name}: layout is 'channels_first' (batch, channels, ...) or 'channels_last' "
            f"(batch, ..., channels), got {layout!r}"
        )
    return str(layout)


def spatial(shape: tuple[int, ...], layout: str) -> tuple[int, ...]:
    """The sizes of the spatial axes."""
    return shape[2:] if layout == "channels_first" else shape[1:-1]


def check_spatial(name: str, shape: tuple[int, ...], layout: str) -> tuple[int, ...]:
    """The sizes of the spatial axes, of which there is at least one."""
    if len(shape) >= 3:
        return spatial(shape, layout)
    axes = (
        "batch, channels, spatial axes"
        if layout == "channels_first"
        else ("batch, spatial axes, channels")
    )
    raise ShapeError(
        f"{name}: x of shape {shape} has {len(shape)} axes, expected 3 or more ({axes}); a single "
        "sample takes a batch axis of size 1: x[None]"
    )


def counts(name: str, what: str, value: Any, rank: int, least: int = 1) -> tuple[int, ...]:
    """An option that is one integer for all spatial axes, or one for each."""
    given = value if isinstance(value, (tuple, list)) else (value,) * rank
    try:
        found = tuple([operator.index(n) for n in given])
    except TypeError:
        raise DTypeError(
            f"{name}: {what} is an integer, or one for each spatial axis, got {value!r}"
        ) from None
    if len(found) != rank:
        raise ShapeError(
            f"{name}: {what}={value!r} has {len(found)} entries for {rank} spatial axes (expected "
            "an integer, or one for each)"
        )
    if min(found, default=least) < least:
        raise ShapeError(f"{name}: {what} is at least {least}, got {value!r}")
    return found


def pairs(name: str, padding: Any, axes: Sequence[tuple[int, int, int, int]]) -> Pairs:
    """Padding before and after, along each axis given as (size, kernel, stride, dilation).

    "same" pads so that ceil(size / stride) windows fit, the odd entry at the end.
    """
    if padding == "valid":
        return ((0, 0),) * len(axes)
    if padding == "same":
        totals = [max((-(-n // s) - 1) * s + extent(k, d) - n, 0) for n, k, s, d in axes]
        return tuple([(t // 2, t - t // 2) for t in totals])
    if isinstance(padding, str):
        raise ValueError(
            f"{name}: padding is 'same', 'valid', an integer, or for each spatial axis an integer "
            f"or a pair (before, after), got {padding!r}"
        )
    given = padding if isinstance(padding, (tuple, list)) else (padding,) * len(axes)
    if len(given) != len(axes):
        raise ShapeError(
            f"{name}: padding={padding!r} has {len(given)} entries for {len(axes)} spatial axes "
            "(expected an integer, or for each axis an integer or a pair (before, after))"
        )
    found = [counts(name, "padding", entry, 2, least=0) for entry in given]
    return tuple([(b, a) for b, a in found])
