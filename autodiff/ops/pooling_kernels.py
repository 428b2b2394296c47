"""The kernels of pooling. Arrays have the channels last, in memory of any order.

Padding is never read, not even as a value that stands for nothing: each offset of the kernel joins
the outputs and inputs that it has within the image (``windows.reaches``).
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from autodiff.errors import ShapeError
from autodiff.node import Aval
from autodiff.ops.windows import (
    Axis,
    Reach,
    axes_of,
    check_fit,
    covered,
    out_size,
    reaches,
    spatial,
)


@functools.lru_cache(512)
def _axes(
    name: str, shape: tuple[int, ...], dtype: Any, params: tuple[tuple[str, Any], ...]
) -> tuple[Axis, ...]:
    options = dict(params)
    layout, kernel, stride = options["layout"], options["kernel"], options["stride"]
    padding, dilation = options["padding"], options["dilation"]
    x = Aval(shape, dtype)
    if len(shape) != len(kernel) + 2:
        raise ShapeError(
            f"{name}: {x!r} has {len(shape)} axes, and a kernel of {kernel} takes batch, channels "
            f"and {len(kernel)} spatial axes"
        )
    sizes = spatial(shape, layout)
    check_fit(name, repr(x), sizes, kernel, padding, dilation)
    rows = zip(sizes, kernel, stride, padding, dilation, strict=True)
    axes = axes_of(sizes, kernel, [out_size(*r) for r in rows], stride, padding, dilation)
    for i, axis in enumerate(axes):
        if not covered(axis)[1]:
            raise ShapeError(
                f"{name}: {x!r}: along spatial axis {i} a window of {axis.kernel} lies within the "
                f"padding {padding[i]}, and there is no entry to pool (expected less padding)"
            )
    return axes


def axes_for(name: str, x: Any, params: dict[str, Any]) -> tuple[Axis, ...]:
    """The windows along each spatial axis, or the ShapeError that says why there are none."""
    return _axes(name, x.shape, np.dtype(x.dtype), tuple(params.items()))


def _whole(reach: Reach, axis: Axis) -> bool:
    return reach.out == slice(0, axis.out)


def reduced(x: Any, axes: tuple[Axis, ...], ufunc: Any, start: Any) -> Any:
    """Windows reduced along one axis after the other: k + l steps for a kernel of k × l."""
    for i, axis in enumerate(axes, 1):
        before = (slice(None),) * i
        steps = sorted(reaches(axis), key=lambda reach: not _whole(reach, axis))
        if _whole(steps[0], axis):
            first = x[(*before, steps[0].size)]
            if len(steps) > 1 and _whole(steps[1], axis):
                y = ufunc(first, x[(*before, steps[1].size)])
                steps = steps[2:]
            else:
                y = first.copy(order="K")
                steps = steps[1:]
        else:
            shape = (*x.shape[:i], axis.out, *x.shape[i + 1 :])
            y = np.full_like(x, start, shape=shape)
        for reach in steps:
            part = y[(*before, reach.out)]
            ufunc(part, x[(*before, reach.size)], out=part)
        x = y
    return x


def joined(axes: tuple[Axis, ...]) -> Iterator[tuple[Any, Any]]:
    """For each offset of the kernel, the outputs and the inputs that it joins."""
    for steps in itertools.product(*map(reaches, axes)):
        yield (slice(None), *[s.out for s in steps]), (slice(None), *[s.size for s in steps])


def _disjoint(axes: tuple[Axis, ...]) -> bool:
    """Whether no entry is in two windows."""
    return all([a.dilation == 1 and a.stride >= a.kernel for a in axes])


def lowest(dtype: Any) -> Any:
    """What no entry is smaller than."""
    if dtype.kind in "iu":
        return np.iinfo(dtype).min
    return False if dtype.kind == "b" else -math.inf


# ---- the largest entry


def _selected(x: Any, y: Any, axes: tuple[Axis, ...]) -> tuple[list[Any], Any]:
    """For each offset, where the entry there is its window's largest; and how many tie."""
    found = []
    count = np.zeros_like(y, np.min_scalar_type(math.prod([a.kernel for a in axes])))
    # A window with a NaN has the maximum NaN: it is the NaNs that were selected.
    nan = y != y if y.dtype.kind == "f" and np.isnan(np.max(y, initial=0)) else None
    for out, size in joined(axes):
        chosen = x[size] == y[out]
        if nan is not None:
            chosen |= nan[out] & np.isnan(x[size])
        part = count[out]
        np.add(part, chosen.view(np.uint8), out=part)
        found.append(chosen)
    return found, count


def _share(g: Any, count: Any) -> Any:
    if not count.size or count.max() == 1:
        return g
    return np.divide(g, np.maximum(count, 1), dtype=g.dtype)


def _masked(values: Any, chosen: Any, finite: Any) -> Any:
    # A product takes a fifth of the time of a choice, but infinity times 0 is NaN.
    return values * chosen if finite else np.where(chosen, values, 0)


def max_unpooled(g: Any, x: Any, y: Any, axes: tuple[Axis, ...]) -> Any:
    """Each of ``g`` at the largest entry of its window of ``x``, shared where entries tie."""
    selected, count = _selected(x, y, axes)
    share = _share(g, count)
    finite = np.isfinite(np.add.reduce(share, axis=None))
    apart = _disjoint(axes)
    full = apart and all([covered(a)[0] for a in axes])
    result = (np.empty_like if full else np.zeros_like)(x, dtype=g.dtype)
    for chosen, (out, size) in zip(selected, joined(axes), strict=True):
        if apart and finite:
            np.multiply(share[out], chosen, out=result[size])
        elif apart:
            result[size] = np.where(chosen, share[out], 0)
        else:
            result[size] += _masked(share[out], chosen, finite)
    return result


def max_picked(t: Any, x: Any, y: Any, axes: tuple[Axis, ...]) -> Any:
    """The entry of ``t`` where each window of ``x`` has its largest, the mean of those that tie."""
    selected, count = _selected(x, y, axes)
    finite = np.isfinite(np.add.reduce(t, axis=None))
    result = np.zeros_like(y, dtype=t.dtype)
    for chosen, (out, size) in zip(selected, joined(axes), strict=True):
        result[out] += _masked(t[size], chosen, finite)
    return _share(result, count)


def spread_out(g: Any, axes: tuple[Axis, ...]) -> Any:
    """Each of ``g`` added to every entry of its window, along one axis after the other."""
    for i, axis in enumerate(axes, 1):
        before = (slice(None),) * i
        result = np.zeros_like(g, shape=(*g.shape[:i], axis.size, *g.shape[i + 1 :]))
        for reach in reaches(axis):
            if _disjoint((axis,)):
                result[(*before, reach.size)] = g[(*before, reach.out)]
            else:
                result[(*before, reach.size)] += g[(*before, reach.out)]
        g = result
    return g


def entries(axes: tuple[Axis, ...], dtype: Any, padded: bool) -> Any:
    """How many entries each window has; with ``padded``, those that are padding too."""
    total: Any = np.ones((), dtype)
    for axis in axes:
        count = np.full(axis.out, axis.kernel if padded else 0, dtype)
        for reach in () if padded else reaches(axis):
            count[reach.out] += 1
        total = total[..., None] * count
    return total[..., None]
