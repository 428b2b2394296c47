"""What NumPy accepts between brackets, as a hashable pattern and the integer arrays in it.

``x[1:3, idx, ..., None]`` becomes the pattern ``(Slice(1, 3, None), ARRAY, Ellipsis, None)`` and
the operand ``idx``: the pattern is a parameter of the primitives, the arrays are operands. Boolean
masks become integer arrays here, as NumPy defines them (``x[mask]`` is ``x[mask.nonzero()]``).
"""

from __future__ import annotations

import operator
from collections.abc import Sequence
from types import EllipsisType
from typing import Any, NamedTuple

import numpy as np

from autodiff.batched import refuse
from autodiff.errors import IndexingError, ShapeError
from autodiff.tensor import Tensor, raw

ARRAY = "array"  # stands in a pattern for the next of the integer arrays


_MASKED = (
    "write ad.where(mask, x, 0) in the place of x[mask], or a reduction with where=mask; or call "
    "it for one example after the other in a loop"
)


class Slice(NamedTuple):
    """A slice that can be hashed."""

    start: int | None = None
    stop: int | None = None
    step: int | None = None


FULL = Slice()
Entry = int | Slice | EllipsisType | str | None
Pattern = tuple[Entry, ...]


class Layout(NamedTuple):
    """Where the axes of ``x[index]`` come from.

    The result's shape is ``basic[:position] + advanced + basic[position:]``. ``sources`` tells for
    each entry of the pattern, written out to the full rank, which axis of ``x`` it consumes (None:
    none).
    """

    basic: tuple[int, ...]
    advanced: tuple[int, ...]
    position: int
    entries: Pattern
    sources: tuple[int | None, ...]

    @property
    def shape(self) -> tuple[int, ...]:
        return self.basic[: self.position] + self.advanced + self.basic[self.position :]


def native(pattern: Pattern, arrays: Sequence[Any]) -> tuple[Any, ...]:
    """The index that NumPy takes."""
    rest = iter(arrays)
    return tuple(
        [slice(*e) if type(e) is Slice else next(rest) if type(e) is str else e for e in pattern]
    )


# ---- from brackets to a pattern


def parse(
    name: str, index: Any, shape: tuple[int, ...]
) -> tuple[Pattern, list[Any], tuple[int, ...]]:
    """The pattern of ``index``, its integer arrays, and the shape that ``x`` has to take first.

    The shape differs from ``shape`` only where a bool without axes (``x[True]``) adds an axis.
    """
    entries = index if type(index) is tuple else (index,)
    pattern: list[Any] = []
    arrays: list[Any] = []
    for entry in entries:
        kind = type(entry)
        if kind is int or entry is None or entry is Ellipsis:
            pattern.append(entry)
        elif kind is slice:
            pattern.append(Slice(*[_bound(name, b) for b in (entry.start, entry.stop, entry.step)]))
        elif isinstance(entry, np.integer):
            pattern.append(int(entry))
        else:
            array = _array(name, entry)
            pattern.append(ARRAY)
            arrays.append(array)
    if any([a.dtype.kind == "b" for a in arrays]):
        return _without_masks(name, pattern, arrays, shape)
    return tuple(pattern), arrays, shape


def _bound(name: str, value: Any) -> int | None:
    if value is None or type(value) is int:
        return value
    try:
        return operator.index(value)
    except TypeError:
        raise IndexingError(f"{name}: a slice takes integers or None, got {value!r}") from None


def _array(name: str, entry: Any) -> Any:
    """A Tensor or ndarray of integers or bools; integer Tensors stay Tensors."""
    if isinstance(entry, Tensor) and entry.dtype.kind in "iu":
        return entry
    if isinstance(entry, Tensor) and entry.dtype.kind == "b":
        refuse(name, _MASKED, entry)
    array = raw(entry)
    if not isinstance(array, np.ndarray):
        try:
            array = np.asarray(array)
        except ValueError:
            raise IndexingError(f"{name}: an index is not a ragged list, got {entry!r}") from None
        if array.size == 0 and isinstance(entry, (list, tuple)):
            array = array.astype(np.intp)
    if array.dtype.kind not in "biu":
        raise IndexingError(
            f"{name}: an index is an integer, a slice, None, ... or an array of integers or bools, "
            f"got {type(entry).__name__} of dtype {array.dtype}; convert it with astype(int)"
        )
    return entry if isinstance(entry, Tensor) and array.dtype.kind != "b" else array


def _without_masks(
    name: str, pattern: list[Any], arrays: list[Any], shape: tuple[int, ...]
) -> tuple[Pattern, list[Any], tuple[int, ...]]:
    widths = _widths(name, pattern, arrays, shape)
    full: list[int] = []
    result: list[Any] = []
    found: list[Any] = []
    rest = iter(arrays)
    axis = 0
    for entry, width in zip(pattern, widths, strict=True):
        array = next(rest) if entry is ARRAY else None
        own = shape[axis : axis + width]
        axis += width
        if array is None or array.dtype.kind != "b":
            result.append(entry)
            found.extend([] if array is None else [array])
            full.extend(own)
            continue
        # NumPy takes a mask of no entries for an axis of any size: it selects nothing.
        if any([m not in (n, 0) for m, n in zip(array.shape, own, strict=True)]):
            raise IndexingError(
                f"{name}: a mask has the shape of the axes that it indexes: got "
                f"bool{list(array.shape)} "
                f"for axes of sizes {list(own)} of an operand of shape {shape}"
            )
        # A bool without axes indexes a new axis of size 1: all of it, or nothing.
        places = array.reshape(array.shape or (1,)).nonzero()
        result.extend([ARRAY] * len(places))
        found.extend(places)
        full.extend(own or (1,))
    return tuple(result), found, (*full, *shape[axis:])


def _widths(
    name: str, pattern: Sequence[Any], arrays: Sequence[Any], shape: tuple[int, ...]
) -> list[int]:
    """How many axes of the operand each entry consumes; an Ellipsis takes what the others leave."""
    rest = iter(arrays)
    widths = []
    for entry in pattern:
        array = next(rest) if type(entry) is str else None
        mask = array is not None and array.dtype.kind == "b"
        single = entry is not None and entry is not Ellipsis
        widths.append(array.ndim if mask and array is not None else int(single))
    total = sum(widths)
    if total > len(shape):
        raise IndexingError(
            f"{name}: too many indices: {total} for an operand with {len(shape)} axes (shape "
            f"{shape})"
        )
    dots = [i for i, entry in enumerate(pattern) if entry is Ellipsis]
    if len(dots) > 1:
        raise IndexingError(f"{name}: an index has at most one Ellipsis (...), got {len(dots)}")
    if dots:
        widths[dots[0]] = len(shape) - total
    return widths


# ---- from a pattern to shapes


def layout(name: str, shape: tuple[int, ...], pattern: Pattern, arrays: Sequence[Any]) -> Layout:
    """Shape of ``x[index]`` from the shapes of its parts; IndexError where there is none."""
    entries, sources = _written_out(name, shape, pattern, arrays)
    fancy = ARRAY in entries
    basic: list[int] = []
    before: list[int] = []  # how many basic axes come before each advanced entry
    places: list[int] = []
    for i, (entry, axis) in enumerate(zip(entries, sources, strict=True)):
        if entry is None or axis is None:
            basic.append(1)
        elif type(entry) is Slice:
            basic.append(len(range(*slice(*entry).indices(shape[axis]))))
        else:
            if type(entry) is int:
                _check_bounds(name, entry, axis, shape)
            places.append(i)
            before.append(len(basic))
    advanced = _common(name, [a.shape for a in arrays]) if fancy else ()
    # NumPy puts the advanced axes first when anything but integers and arrays (even an Ellipsis
    # that stands for no axis) comes between them.
    apart = fancy and _apart(pattern)
    return Layout(tuple(basic), advanced, 0 if apart or not fancy else before[0], entries, sources)


def _apart(pattern: Pattern) -> bool:
    places = [i for i, entry in enumerate(pattern) if type(entry) in (int, str)]
    return places[-1] - places[0] != len(places) - 1


def _written_out(
    name: str, shape: tuple[int, ...], pattern: Pattern, arrays: Sequence[Any]
) -> tuple[Pattern, tuple[int | None, ...]]:
    entries: list[Entry] = []
    sources: list[int | None] = []
    axis = 0
    for entry, width in zip(pattern, _widths(name, pattern, arrays, shape), strict=True):
        if entry is Ellipsis:
            entries.extend([FULL] * width)
            sources.extend(range(axis, axis + width))
        else:
            entries.append(entry)
            sources.append(axis if width else None)
        axis += width
    rest = range(axis, len(shape))
    return (*entries, *(FULL for _ in rest)), (*sources, *rest)


def _check_bounds(name: str, value: int, axis: int, shape: tuple[int, ...]) -> None:
    n = shape[axis]
    if not -n <= value < n:
        raise IndexingError(
            f"{name}: index {value} is out of bounds for axis {axis} of an operand of shape "
            f"{shape} (expected {-n} <= index < {n})"
        )


def _common(name: str, shapes: Sequence[tuple[int, ...]]) -> tuple[int, ...]:
    try:
        return np.broadcast_shapes(*shapes)
    except ValueError:
        shown = " and ".join(map(str, shapes))
        raise IndexingError(
            f"{name}: the shapes of the index arrays (or the counts of True in masks) do not "
            f"broadcast: {shown}"
        ) from None


def explain(name: str, shape: tuple[int, ...], pattern: Pattern, arrays: Sequence[Any]) -> None:
    """Raise the IndexError that says what is wrong with an index which NumPy refused."""
    plan = layout(name, shape, pattern, arrays)
    rest = iter(arrays)
    for entry, axis in zip(plan.entries, plan.sources, strict=True):
        if type(entry) is str and axis is not None:
            values = np.asarray(next(rest))
            for value in (values.min(), values.max()) if values.size else ():
                _check_bounds(name, int(value), axis, shape)


def flat_positions(shape: tuple[int, ...], pattern: Pattern, arrays: Sequence[Any]) -> Any:
    """For each entry of ``x[index]``, its place in ``x.ravel()``."""
    if pattern == (ARRAY,) * len(shape) and pattern:
        try:
            return np.ravel_multi_index(tuple(arrays), shape)  # a fifth of the time of what follows
        except (ValueError, TypeError):
            pass  # indices that are negative, unsigned, or wrong
    plan = layout("scatter", shape, pattern, arrays)
    rest = iter(arrays)
    ndim, position = len(plan.shape), plan.position
    strides = np.cumprod((1, *shape[:0:-1]))[::-1] if shape else ()
    chosen: Any = 0
    basic: Any = 0
    j = 0  # the next basic axis
    for entry, axis in zip(plan.entries, plan.sources, strict=True):
        if axis is not None and type(entry) is not Slice:
            # A narrow index dtype may not hold the size of the axis.
            at = np.asarray(next(rest) if type(entry) is str else entry, np.intp)
            chosen = chosen + np.where(at < 0, at + shape[axis], at) * strides[axis]
            continue
        if axis is not None and type(entry) is Slice:
            steps = np.arange(*slice(*entry).indices(shape[axis])) * strides[axis]
            place = j if j < position else j + len(plan.advanced)
            basic = basic + steps.reshape(steps.shape + (1,) * (ndim - 1 - place))
        j += 1
    chosen = np.asarray(chosen)
    tail = (1,) * (len(plan.basic) - position)
    return np.broadcast_to(chosen.reshape(chosen.shape + tail) + basic, plan.shape)


# ---- a batch of indexings as one


def batched(
    shape: tuple[int, ...],
    pattern: Pattern,
    arrays: Sequence[Any],
    mapped: Sequence[bool],
    x_mapped: bool,
    size: int,
) -> tuple[Pattern, list[Any], tuple[int, ...]]:
    """Pattern and arrays for operands with a batch axis in front, and the axes to transpose to.

    ``arrays`` have the batch axis in front where ``mapped``; ``shape`` is one operand's, without.
    """
    own = [a.shape[1:] if m else a.shape for a, m in zip(arrays, mapped, strict=True)]
    plain = layout("getitem", shape, pattern, [np.broadcast_to(0, s) for s in own])
    k = len(plain.advanced)
    found = [
        a.reshape((a.shape[0],) + (1,) * (k - len(s)) + a.shape[1:]) if m else a
        for a, m, s in zip(arrays, mapped, own, strict=True)
    ]
    result = pattern
    if x_mapped and any(mapped):
        result = (ARRAY, *pattern)
        found.insert(0, np.arange(size).reshape((size,) + (1,) * k))
    elif x_mapped:
        result = (FULL, *pattern)
    full = layout("getitem", (size, *shape) if x_mapped else shape, result, found)
    names: list[Any] = [("basic", i) for i in range(len(plain.basic))]
    inside = [("advanced", i) for i in range(k)]
    wanted = ["batch", *names[: plain.position], *inside, *names[plain.position :]]
    if any(mapped):
        inside = ["batch", *inside]  # type: ignore[list-item]  # names and pairs
    else:
        names = ["batch", *names]
    have = [*names[: full.position], *inside, *names[full.position :]]
    return result, found, tuple(map(have.index, wanted))


def broadcast_selected(name: str, shape: tuple[int, ...], value: tuple[int, ...]) -> None:
    """Check that a value fits into the selected entries, of shape ``shape``."""
    extra = len(value) - len(shape)
    fits = extra <= 0 and all(v in (1, n) for v, n in zip(value[::-1], shape[::-1], strict=False))
    if not fits:
        raise ShapeError(
            f"{name}: a value of shape {value} does not broadcast into the selected entries, which "
            f"have shape {shape}"
        )
