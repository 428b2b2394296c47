"""What convolution and its transposes share: layouts, checks of shapes, presence, batching."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from autodiff.errors import ShapeError
from autodiff.families import Multilinear
from autodiff.node import Aval, Node
from autodiff.ops.movement import moveaxis, reshape
from autodiff.ops.patches import Plan
from autodiff.ops.windows import covered
from autodiff.registry import PRIMITIVES
from autodiff.tensor import apply

LAST = "channels_last"


# ---- layouts


def last(x: Any, layout: str) -> Any:
    """A view of x or y with the channels last."""
    return x if layout == "channels_last" else x.transpose(0, *range(2, x.ndim), 1)


def laid(x: Any, layout: str) -> Any:
    """A result with the channels last, as its layout has it: a view, so that nothing is copied.

    In memory the channels stay last, and what follows reads them so.
    """
    return x if layout == "channels_last" else x.transpose(0, -1, *range(1, x.ndim - 1))


def kernel_last(w: Any, layout: str) -> Any:
    """Weights as (*kernel, inside, outside)."""
    return w if layout == "channels_last" else w.transpose(*range(2, w.ndim), 1, 0)


def kernel_laid(w: Any, layout: str) -> Any:
    """A result that is (*kernel, inside, outside), as its layout has weights; not a view.

    Weights are small beside the arrays that they meet, and what an optimizer does with their
    gradient is fastest in their own order.
    """
    if layout == "channels_last":
        return w
    return np.ascontiguousarray(w.transpose(-1, -2, *range(w.ndim - 2)))


def channels_of(shape: Sequence[int], layout: str) -> int:
    """The number of channels of x or y."""
    return shape[1] if layout == "channels_first" else shape[-1]


def kernel_of(shape: tuple[int, ...], layout: str) -> tuple[tuple[int, ...], int, int]:
    """Of the weights' shape: the kernel's sizes, channels in a group, channels of y."""
    if layout == "channels_first":
        return shape[2:], shape[1], shape[0]
    return shape[:-2], shape[-2], shape[-1]


# ---- the shape rule


def shaped(batch: int, sizes: Sequence[int], channels: int, layout: str) -> tuple[int, ...]:
    """The shape of x or y in a layout."""
    if layout == "channels_first":
        return (batch, channels, *sizes)
    return (batch, *sizes, channels)


def check_ranks(name: str, a: Any, b: Any, rank: int) -> None:
    """That both operands have ``rank`` spatial axes and two more."""
    if len(a.shape) == len(b.shape) == rank + 2 > 2:
        return
    raise ShapeError(
        f"{name}: {a!r} and {b!r} do not fit: with {rank} spatial axes both have {rank + 2} axes "
        "(images and results: batch and channels; weights: channels out and in)"
    )


def check_groups(name: str, given: str, groups: int, inside: int, outside: int) -> None:
    """That the groups divide the channels of input and output."""
    if groups >= 1 and inside % groups == 0 and outside % groups == 0:
        return
    raise ShapeError(
        f"{name}: {given}: groups={groups} must divide the {inside} channels of the input and the "
        f"{outside} channels of the output"
    )


def check_channels(name: str, given: str, layout: str, groups: int, need: int, have: int) -> None:
    """That the weights' channels in a group are those of the input."""
    if need == have:
        return
    form = "(out, in / groups, *kernel)"
    other = "(*kernel, in / groups, out)"
    if layout == "channels_last":
        form, other = other, form
    at = 1 if layout == "channels_first" else -1
    raise ShapeError(
        f"{name}: {given}: the input has {need * groups} channels on axis {at}, which with "
        f"groups={groups} are {need} in each, and the weights are for {have} (expected weights of "
        f"shape {form} for layout={layout!r}; the other layout has {other})"
    )


class Trilinear(Multilinear, abstract=True):
    """What the three primitives share: their options, the plan, presence, batching."""

    selects = True  # with a stride above 1, or a kernel within padding, some entries are not read
    roles: ClassVar[
        tuple[str, str, str]
    ]  # which arrays of the form the operands and the result are, of x, w and y

    def plan(self, a: Any, b: Any, **params: Any) -> Plan:
        """The convolution in numbers, or the ShapeError that says what does not fit."""
        raise NotImplementedError

    def infer(self, a: Any, b: Any, **params: Any) -> Aval:
        plan = self.plan(a, b, **params)
        dtype = np.matmul.resolve_dtypes((np.dtype(a.dtype), np.dtype(b.dtype), None))[-1]
        layout = params["layout"]
        if self.roles[-1] == "w":
            channels = plan.groups * plan.outside
            first = layout == "channels_first"
            shape = (channels, plan.inside, *plan.kernel)
            return Aval(shape if first else (*plan.kernel, plan.inside, channels), dtype)
        full = plan.x_shape if self.roles[-1] == "x" else plan.y_shape
        return Aval(shaped(full[0], full[1:-1], full[-1], layout), dtype)

    def presence(self, i: int, mask: Any, node: Node) -> Any:
        if mask is None:
            a, b = node.inputs
            plan = _planned(self, a.shape, b.shape, tuple(node.params.items()))
            if not plan.empty and all([all(covered(axis)) for axis in plan.axes]):
                return None
            mask = np.ones(node.shape, bool)
        return super().presence(i, mask, node)

    def batch(self, mapped: tuple[bool, ...], a: Any, b: Any, **params: Any) -> Any:
        """One convolution of them all: the batch joins the axis that only the mapped ones share.

        That of images; else that of the channels that the other operand lacks; else the groups.
        """
        groups, layout = params["groups"], params["layout"]
        first, second, result = self.roles
        if all(mapped):
            letter = "g"
        else:
            # Of the axes n (images), i and o (channels inside and outside), each array has two.
            own = {"x": "ni", "w": "io", "y": "no"}
            one, other = (first, second) if mapped[0] else (second, first)
            letter = next(c for c in own[one] if c not in own[other])
        size = (a if mapped[0] else b).shape[0]
        joined = [
            _join(x, role, letter, groups, layout) if m else x
            for x, role, m in zip((a, b), (first, second), mapped, strict=True)
        ]
        if letter == "g":
            params = params | {"groups": groups * size}
        y = apply(self, *joined, **params)
        return _part(y, result, letter, size, groups, layout)


@functools.lru_cache(512)
def _planned(
    primitive: Any, a: tuple[int, ...], b: tuple[int, ...], params: tuple[tuple[str, Any], ...]
) -> Plan:
    """The plan by shapes; what raises is raised again, with the dtypes, by ``infer``."""
    plan: Plan = primitive.plan(Aval(a, np.float64), Aval(b, np.float64), **dict(params))
    return plan


def prepared(name: str, a: Any, b: Any, params: dict[str, Any]) -> tuple[Any, Any, Plan]:
    """What a kernel starts with: both operands in the common dtype, and the plan."""
    plan = _planned(PRIMITIVES[name], a.shape, b.shape, tuple(params.items()))
    if a.dtype != b.dtype:
        dtype = np.result_type(a, b)
        a, b = a.astype(dtype, copy=False), b.astype(dtype, copy=False)
    return a, b, plan


def _channel_axis(role: str, letter: str, layout: str, rank: int) -> tuple[int, bool]:
    """Where the axis of ``letter`` is in one item, and whether the groups are part of it."""
    if letter == "n":
        return 0, False
    if role == "w":
        outer = 0 if layout == "channels_first" else rank + 1
        inner = 1 if layout == "channels_first" else rank
        return (inner, False) if letter == "i" else (outer, True)
    return (1 if layout == "channels_first" else rank + 1), True


def _join(x: Any, role: str, letter: str, groups: int, layout: str) -> Any:
    """Make the leading batch axis a part of another axis."""
    shape = x.shape[1:]
    axis, grouped = _channel_axis(role, letter, layout, len(shape) - 2)
    full = (*shape[:axis], x.shape[0] * shape[axis], *shape[axis + 1 :])
    if grouped and letter != "g" and groups > 1:
        # A channel axis is (groups, channels in a group): the batch goes between the two.
        split = (*shape[:axis], groups, shape[axis] // groups, *shape[axis + 1 :])
        x = reshape(x, (x.shape[0], *split))
        return reshape(moveaxis(x, 0, axis + 1), full)
    return reshape(moveaxis(x, 0, axis), full)


def _part(y: Any, role: str, letter: str, size: int, groups: int, layout: str) -> Any:
    """Undo ``_join`` in a result."""
    axis, grouped = _channel_axis(role, letter, layout, y.ndim - 2)
    before, after, n = y.shape[:axis], y.shape[axis + 1 :], y.shape[axis] // size
    if grouped and letter != "g" and groups > 1:
        y = moveaxis(reshape(y, (*before, groups, size, n // groups, *after)), axis + 1, 0)
    else:
        y = moveaxis(reshape(y, (*before, size, n, *after)), axis, 0)
    return reshape(y, (size, *before, n, *after))


def options(
    rank: int,
    stride: int = 1,
    padding: Any = 0,
    dilation: int = 1,
    groups: int = 1,
    layout: str = "channels_first",
    **more: Any,
) -> dict[str, Any]:
    """Parameters of a case."""
    pads = padding if isinstance(padding, tuple) else ((padding, padding),) * rank
    return {
        "stride": (stride,) * rank,
        "padding": pads,
        "dilation": (dilation,) * rank,
        "groups": groups,
        "layout": layout,
        **more,
    }
