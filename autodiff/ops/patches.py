"""The kernels of convolution: matrix products of patches, in blocks that stay in the cache.

Three arrays meet in a convolution: ``x``, the weights ``w`` and ``y``. Each of the three functions
here makes one of them from the other two; together they are the primitives' forward kernels and
all their derivatives. Arrays have the channels last: x (batch, \\*size, groups * inside), w
(\\*kernel, inside, groups * outside), y (batch, \\*out, groups * outside), in memory of any order.

Two ways lead to each result. *Gathering* copies the windows of an array into a matrix of patches
and takes one product. *Scattering* takes the product first and adds its parts into place. With
stride 1 a convolution is also the transpose of another one, whose kernel is flipped, so that both
ways are open, and the narrower side can be the one that is repeated for each offset of the kernel.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from functools import cached_property
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided

from autodiff.ops.windows import Axis

# Entries of a matrix of patches: 2 MB of float32 stay in a cache between their making and the
# product, and the products are large enough for two threads. A 3x3 convolution of 64x14x14x32 to 64
# channels takes 7 ms in blocks of 1 or 2 MB, and 8 to 10 ms in blocks of 0.2 or 4 MB.
_BLOCK = 1 << 19
# Gathering copies runs of many entries, scattering adds: for each entry it takes some four times as
# long (a 3x3 kernel, 14x14, input gradient from 64 channels to 32, 16, 8: gathering 9.3, 5.3 and
# 4.8 ms, scattering 8.2, 7.1 and 3.7).
_GATHER_GAIN = 4
# Up to so many channels the product of all offsets at once, with images as its rows, beats one
# product for each offset (3x3, 64 channels to 1, 8, 16, 32: 1.8, 3.7, 7.1, 11.7 ms against 3.4,
# 4.2, 7.1, 8.2).
_NARROW = 8


class Plan:
    """One convolution in numbers; ``inside`` and ``outside`` are a group's channels of x and y."""

    def __init__(
        self, batch: int, groups: int, inside: int, outside: int, axes: tuple[Axis, ...]
    ) -> None:
        self.batch = batch
        self.groups = groups
        self.inside = inside
        self.outside = outside
        self.axes = axes

    @cached_property
    def size(self) -> tuple[int, ...]:
        return tuple([a.size for a in self.axes])

    @cached_property
    def kernel(self) -> tuple[int, ...]:
        return tuple([a.kernel for a in self.axes])

    @cached_property
    def out(self) -> tuple[int, ...]:
        return tuple([a.out for a in self.axes])

    @cached_property
    def x_shape(self) -> tuple[int, ...]:
        return (self.batch, *self.size, self.groups * self.inside)

    @cached_property
    def w_shape(self) -> tuple[int, ...]:
        return (*self.kernel, self.inside, self.groups * self.outside)

    @cached_property
    def y_shape(self) -> tuple[int, ...]:
        return (self.batch, *self.out, self.groups * self.outside)

    @cached_property
    def empty(self) -> bool:
        return not all((*self.x_shape, *self.w_shape, *self.y_shape))

    @cached_property
    def dense(self) -> bool:
        """Whether windows lie at every entry, so that the flipped convolution exists."""
        return all([a.stride == 1 for a in self.axes])

    @cached_property
    def pointwise(self) -> bool:
        """Whether each window is one entry, and each entry a window: a plain matrix product."""
        plain = all([a.kernel == a.stride == 1 and a.size == a.out for a in self.axes])
        return plain and self.groups == 1 and not any([a.before for a in self.axes])

    @cached_property
    def depthwise(self) -> bool:
        """Whether each channel is on its own: products of entries, no matrix product."""
        return self.inside == self.outside == 1 < self.groups

    @cached_property
    def flipped(self) -> Plan:
        """The convolution from y to x that the transpose of this one is, where the stride is 1."""
        axes = [
            Axis(a.out, a.kernel, a.size, 1, a.dilation * (a.kernel - 1) - a.before, a.dilation)
            for a in self.axes
        ]
        return Plan(self.batch, self.groups, self.outside, self.inside, tuple(axes))


# ---- the three results


def correlate(x: Any, w: Any, plan: Plan) -> Any:
    """``y``: at each window, the sum of its products with the weights."""
    if plan.empty:
        return np.zeros(plan.y_shape, x.dtype)
    if plan.pointwise:
        return _pointwise(x, w.reshape(w.shape[-2:]), plan.y_shape)
    if plan.depthwise:
        return _depthwise(x, w, plan)
    if plan.dense and plan.inside > _GATHER_GAIN * plan.outside:
        return _scattered(x, _flip(w, plan), plan.flipped)
    return _gathered(x, w, plan)


def spread(y: Any, w: Any, plan: Plan) -> Any:
    """``x``: each entry of ``y`` times the weights, added into its window."""
    if plan.empty:
        return np.zeros(plan.x_shape, y.dtype)
    if plan.pointwise:
        return _pointwise(y, w.reshape(w.shape[-2:]).T, plan.x_shape)
    # Padding of the flipped convolution would meet the weights, and 0 times infinity is NaN.
    if plan.dense and plan.outside <= _GATHER_GAIN * plan.inside and _finite(w):
        flipped, turned = plan.flipped, _flip(w, plan)
        return (_depthwise if plan.depthwise else _gathered)(y, turned, flipped)
    return _scattered(y, w, plan)


def weights(x: Any, y: Any, plan: Plan) -> Any:
    """``w``: for each offset, the sum of products of ``y`` with the entries of ``x`` there."""
    if plan.empty:
        return np.zeros(plan.w_shape, x.dtype)
    if plan.pointwise:
        columns = x.reshape(-1, x.shape[-1]).T
        return np.matmul(columns, y.reshape(-1, y.shape[-1])).reshape(plan.w_shape)
    if plan.depthwise:
        return _depthwise_weights(x, y, plan)
    if plan.dense and plan.inside > _GATHER_GAIN * plan.outside and _finite(x):
        flipped = plan.flipped
        return _flip(weights(y, x, flipped), flipped)
    total = np.zeros((plan.groups, math.prod(plan.kernel) * plan.inside, plan.outside), x.dtype)
    for images, rows, patches in _patches(x, plan):
        total += np.matmul(patches.swapaxes(1, 2), _grouped(y[images, rows], plan))
    return total.swapaxes(0, 1).reshape(plan.w_shape)


def _finite(x: Any) -> bool:
    return bool(np.isfinite(np.add.reduce(x, axis=None)))


def _flip(w: Any, plan: Plan) -> Any:
    """The weights of the flipped convolution."""
    rank = len(plan.axes)
    turned = w[(slice(None, None, -1),) * rank].reshape(
        *plan.kernel, plan.inside, plan.groups, plan.outside
    )
    order = (*range(rank), rank + 2, rank + 1, rank)
    return turned.transpose(order).reshape(plan.flipped.w_shape)


def _pointwise(x: Any, w: Any, shape: tuple[int, ...]) -> Any:
    if x.flags.c_contiguous:
        return np.matmul(x.reshape(-1, x.shape[-1]), w).reshape(shape)
    # Of images whose channels come first in memory, each is a transposed matrix: nothing is copied.
    return np.matmul(x.reshape(len(x), -1, x.shape[-1]), w).reshape(shape)


def _grouped(y: Any, plan: Plan) -> Any:
    """A block of ``y`` as matrices, one for each group."""
    return y.reshape(-1, plan.groups, plan.outside).swapaxes(0, 1)


# ---- gathering


def _gathered(x: Any, w: Any, plan: Plan) -> Any:
    matrix = w.reshape(-1, plan.groups, plan.outside).swapaxes(0, 1)
    y = np.empty(plan.y_shape, x.dtype)
    for images, rows, patches in _patches(x, plan):
        np.matmul(patches, matrix, out=_grouped(y[images, rows], plan))
    return y


def _patches(x: Any, plan: Plan) -> Iterator[tuple[slice, slice, Any]]:
    """Blocks of ``y``, as slices of images and rows, with (groups, windows, entries) of ``x``.

    The entries of a window stand in memory together, or, where its runs are short (few channels),
    the windows do: what is copied in runs of a few entries takes twice the time.
    """
    rank, last = len(plan.axes), plan.axes[-1]
    run = plan.inside * (last.kernel if last.dilation == 1 and plan.groups == 1 else 1)
    first = run < last.out
    row = math.prod((*plan.out[1:], *plan.kernel)) * plan.groups * plan.inside
    count = max(1, min(plan.batch, _BLOCK // (row * plan.out[0])))
    height = plan.out[0] if row * plan.out[0] <= _BLOCK else max(1, _BLOCK // row)
    buffer = np.empty(row * min(height, plan.out[0]) * count, x.dtype)
    window = _Window(plan, count, x.dtype, first)
    # Axes of the windows: groups, image, out, kernel, channel.
    kernel = tuple(range(2 + rank, 3 + 2 * rank))
    order = (0, *kernel, *range(1, 2 + rank)) if first else tuple(range(3 + 2 * rank))
    entries = math.prod(plan.kernel) * plan.inside
    for start in range(0, plan.batch, count):
        images = slice(start, start + count)
        windows = window.views(x[images])
        for top in range(0, plan.out[0], height):
            rows = slice(top, top + height)
            part = windows[:, :, rows].transpose(order)
            patches = buffer[: part.size].reshape(part.shape)
            np.copyto(patches, part)
            if first:
                yield images, rows, patches.reshape(plan.groups, entries, -1).swapaxes(1, 2)
            else:
                yield images, rows, patches.reshape(plan.groups, -1, entries)


class _Window:
    """What all windows of a block of images read: a part of the images, or a copy with padding.

    ``first``: in memory the channels come first.
    """

    def __init__(self, plan: Plan, count: int, dtype: Any, first: bool) -> None:
        self.plan = plan
        self.first = first
        self.channels = plan.groups * plan.inside
        spans = [a.span for a in plan.axes]
        inner: list[slice] = []
        source: list[slice] = []
        for a, span in zip(plan.axes, spans, strict=True):
            low, high = max(0, -a.before), min(a.size, span - a.before)
            high = max(low, high)
            inner.append(slice(low + a.before, high + a.before) if high > low else slice(0, 0))
            source.append(slice(low, high))
        self.inner: tuple[slice, ...] = (slice(None), *inner)
        self.source: tuple[slice, ...] = (slice(None), *source)
        self.whole = all([s == slice(0, n) for s, n in zip(inner, spans, strict=True)])
        self.shape = (count, *spans, self.channels)
        self.dtype = dtype
        self.array: Any = None
        self.strided: Any = (None, None)  # the last block and its windows

    def views(self, images: Any) -> Any:
        """The windows of the images: (groups, images, *out, *kernel, inside)."""
        block = self.of(images)
        if block is not self.strided[0]:
            image, *steps, channel = block.strides
            plan = self.plan
            pairs = list(zip(steps, plan.axes, strict=True))
            shape = (plan.groups, len(block), *plan.out, *plan.kernel, plan.inside)
            strides = (
                plan.inside * channel,
                image,
                *[s * a.stride for s, a in pairs],
                *[s * a.dilation for s, a in pairs],
                channel,
            )
            self.strided = block, as_strided(block, shape, strides, writeable=False)
        return self.strided[1]

    def zeros(self) -> Any:
        """Zeros of the shape, in the order of memory that is wanted."""
        if not self.first:
            return np.zeros(self.shape, self.dtype)
        return np.moveaxis(np.zeros((self.shape[-1], *self.shape[:-1]), self.dtype), 0, -1)

    def of(self, images: Any) -> Any:
        """The images as windows read them."""
        fast = -2 if self.first else -1
        if self.whole and (self.channels == 1 or images.strides[fast] == images.itemsize):
            return images[self.source]
        if self.array is None:
            self.array = self.zeros()  # the margins stay zero from block to block
        block = self.array if len(images) == len(self.array) else self.array[: len(images)]
        block[self.inner] = images[self.source]
        return block


def _offsets(plan: Plan) -> Iterator[tuple[tuple[int, ...], tuple[slice, ...]]]:
    """Each offset of the kernel, and the entries of a padded block that it meets."""
    for offset in itertools.product(*map(range, plan.kernel)):
        starts = [k * a.dilation for k, a in zip(offset, plan.axes, strict=True)]
        places = [
            slice(s, s + (a.out - 1) * a.stride + 1, a.stride)
            for s, a in zip(starts, plan.axes, strict=True)
        ]
        yield offset, (slice(None), *places)


# ---- scattering


def _scattered(y: Any, w: Any, plan: Plan) -> Any:
    first = plan.inside <= _NARROW and not plan.depthwise
    channels = plan.inside * math.prod(plan.kernel) if first else plan.inside + plan.outside
    per_image = math.prod(plan.out) * plan.groups * channels
    count = max(1, min(plan.batch, _BLOCK // per_image))
    window = _Window(plan, count, y.dtype, first)
    total = window.zeros()
    x = np.zeros(plan.x_shape, y.dtype)
    parts = _parts_at_once if first else _parts
    for start in range(0, plan.batch, count):
        images = slice(start, start + count)
        block = total[: len(y[images])]
        block[...] = 0
        for (_, places), part in zip(_offsets(plan), parts(y[images], w, plan), strict=True):
            block[places] += part
        x[images][window.source] = block[window.inner]
    return x


def _parts_at_once(y: Any, w: Any, plan: Plan) -> Iterator[Any]:
    """The products of a block of ``y`` with the weights of each offset, channels first."""
    matrix = w.reshape(-1, plan.groups, plan.outside).swapaxes(0, 1)
    product = np.matmul(matrix, _grouped(y, plan).swapaxes(1, 2))
    shape = (plan.groups, -1, plan.inside, len(y), *plan.out)
    for part in np.moveaxis(product.reshape(shape), 1, 0):
        yield np.moveaxis(part.reshape(-1, len(y), *plan.out), 0, -1)


def _parts(y: Any, w: Any, plan: Plan) -> Iterator[Any]:
    """The products of a block of ``y`` with the weights of each offset, one at a time."""
    shape = (*y.shape[:-1], plan.groups * plan.inside)
    spare = np.empty(shape, y.dtype)
    if plan.depthwise:
        for row in _tiled(w, plan):
            yield np.multiply(y, row, out=spare)
        return
    matrices = w.reshape(-1, plan.inside, plan.groups, plan.outside).transpose(0, 2, 3, 1)
    target = spare.reshape(-1, plan.groups, plan.inside).swapaxes(0, 1)
    rows = _grouped(y, plan)
    for matrix in np.ascontiguousarray(matrices):
        np.matmul(rows, matrix, out=target)
        yield spare


# ---- one channel on its own


def _depthwise_blocks(x: Any, plan: Plan) -> Iterator[tuple[slice, Any]]:
    per_image = math.prod(plan.out) * plan.groups
    count = max(1, min(plan.batch, _BLOCK // per_image))
    window = _Window(plan, count, x.dtype, first=False)
    for start in range(0, plan.batch, count):
        images = slice(start, start + count)
        yield images, window.of(x[images])


def _tiled(w: Any, plan: Plan) -> Any:
    """The weights of each offset, repeated along the last axis of an image.

    With them NumPy's innermost loop runs over a whole row, and not over the channels of one place,
    which for 32 channels takes twice as long.
    """
    rows = w.reshape(-1, 1, plan.groups)
    return np.repeat(rows, plan.out[-1], axis=1)


def _depthwise(x: Any, w: Any, plan: Plan) -> Any:
    rows = _tiled(w, plan)
    y = np.empty(plan.y_shape, x.dtype)
    spare: Any = None
    for images, block in _depthwise_blocks(x, plan):
        target = y[images]
        spare = np.empty_like(target) if spare is None else spare[: len(target)]
        for n, (_, places) in enumerate(_offsets(plan)):
            np.multiply(block[places], rows[n], out=spare if n else target)
            if n:
                target += spare
    return y


def _depthwise_weights(x: Any, y: Any, plan: Plan) -> Any:
    w = np.zeros(plan.w_shape, x.dtype)
    for images, block in _depthwise_blocks(x, plan):
        part = np.ascontiguousarray(y[images])
        ones = np.ones((1, part.size // plan.groups), x.dtype)
        for offset, places in _offsets(plan):
            products = np.multiply(block[places], part)
            # BLAS sums the rows of a matrix ten times as fast as NumPy's reduction does.
            w[offset] += np.matmul(ones, products.reshape(-1, plan.groups))
    return w
