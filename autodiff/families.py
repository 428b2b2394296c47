"""The families that derive most of a primitive: elementwise, linear and multilinear operations.

What fits none of them is a ``Primitive`` that writes ``vjp``, ``jvp``, ``infer`` and ``batch``
itself.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import numpy as np

from autodiff.errors import DTypeError, ShapeError
from autodiff.node import Aval, Node, aval_of_input
from autodiff.primitive import OUTPUT, Absent, Bound, Case, In, Primitive
from autodiff.registry import FUNCTIONS, PRIMITIVES, public
from autodiff.tensor import Tensor, apply, apply_binary, apply_unary, raw, whole

Function = Callable[..., Any]


class Elementwise(Primitive, abstract=True):
    """Entry i of the output depends on entry i of the (broadcast) operands only.

    The author gives ``partials``, one for each argument: a number, or a function of what it reads.
    Where the product with the cotangent has a cheaper or safer form than the partial itself,
    ``products`` gives that instead: ``product(g, ...)``. Both serve the reverse and the forward
    rule; where the two differ, because the operation conjugates, ``jvp`` gives the forward one.

    ``selected``, for operations that pick one operand: where argument i was picked, as a bool
    array. ``like``: the ufunc whose dtypes the kernel follows, where the kernel is no ufunc.
    """

    family = "elementwise"
    broadcasts = True
    partials: ClassVar[Any] = None
    products: ClassVar[Any] = None
    selected: ClassVar[tuple[Any, ...] | None] = None
    like: ClassVar[Any] = None
    intervals: ClassVar[tuple[tuple[float, float], ...]] = ()
    required = ("name", "kernel", "infer", "intervals")

    def __init_subclass__(cls, abstract: bool = False, register: bool = True) -> None:
        if abstract:
            return
        if (cls.partials is None) == (cls.products is None):
            raise TypeError(f"primitive {cls.__name__}: give one of partials and products")
        count = len(cls.intervals)
        if "arguments" not in cls.__dict__:
            cls.arguments = ("x",) if count == 1 else ("a", "b")
        if cls.like is None and isinstance(cls.kernel, np.ufunc):
            cls.like = cls.kernel
        derived = (cls.infer, cls.infer_dtype) == (Elementwise.infer, Elementwise.infer_dtype)
        if derived and cls.like is None:
            raise TypeError(f"primitive {cls.__name__}: like is missing")
        if "cases" not in cls.__dict__:
            cls.cases = _elementwise_cases(cls.intervals)
        cls.vjp = cls.partials if cls.products is None else cls.products
        if "jvp" not in cls.__dict__:
            cls.jvp = cls.vjp
        super().__init_subclass__(abstract, register)

    def __init__(self) -> None:
        super().__init__()
        self._selected = (
            None
            if self.selected is None
            else tuple(Primitive.bind(self, rule, skip=0) for rule in self.selected)
        )

    def bind(self, rule: Any, skip: int = 1) -> Bound | None:
        if isinstance(rule, (int, float, complex)):
            return _constant(rule)
        if self.products is not None or rule is None or isinstance(rule, Absent):
            return super().bind(rule, skip)
        bound = super().bind(rule, skip=0)
        assert bound is not None
        if len(bound.slots) == 1:
            return Bound(lambda g, v: g * rule(v), bound.slots)
        return Bound(lambda g, *v: g * rule(*v), bound.slots)

    def infer(self, *avals: Any, **params: Any) -> Aval:
        shape, dtypes = broadcast_shapes(self.name, avals), [a.dtype for a in avals]
        try:
            dtype = self.infer_dtype(*dtypes)
        except DTypeError:
            raise
        except TypeError:  # NumPy's and SciPy's own for a dtype without a loop
            names = ", ".join(getattr(d, "name", None) or d.__name__ for d in dtypes)
            raise DTypeError(f"{self.name}: not defined for {names}") from None
        return Aval(shape, dtype)

    def infer_dtype(self, *dtypes: Any) -> Any:
        like = type(self).like
        return like.resolve_dtypes((*dtypes, *(None,) * like.nout))[-1]

    def batch(self, mapped: tuple[bool, ...], *operands: Any, **params: Any) -> Any:
        return apply(self, *align_ranks(mapped, operands), **params)

    def selection_slots(self, i: int) -> tuple[int, ...]:
        rule = None if self._selected is None else self._selected[i]
        return () if rule is None else rule.slots

    def presence(self, i: int, mask: Any, node: Node) -> Any:
        rule = None if self._selected is None else self._selected[i]
        if rule is None:
            return mask
        assert rule.function is not None
        values = [read_node(s, node) for s in rule.slots]
        chosen = np.broadcast_to(raw(rule.function(*values)), node.shape)
        return chosen if mask is None else chosen & mask

    def push(self, tangents: Sequence[Any], y: Any, operands: Sequence[Any], **params: Any) -> Any:
        t = super().push(tangents, y, operands, **params)
        return t if t is None or t.shape == y.shape else FUNCTIONS["broadcast_to"](t, y.shape)


def _constant(value: complex) -> Bound:
    if value == 0:
        return Bound(lambda g: FUNCTIONS["zeros_like"](g), (), exact=True)
    if value == 1:
        return Bound(None, (), exact=True)
    if value == -1:
        return Bound(operator.neg, (), exact=True)
    return Bound(lambda g: g * value, (), exact=True)


def _elementwise_cases(intervals: tuple[tuple[float, float], ...]) -> tuple[Case, ...]:
    if len(intervals) == 1:
        shapes: tuple[tuple[tuple[int, ...], ...], ...] = (((2, 3),), ((),), ((0, 2),))
    else:
        shapes = (((2, 3), (2, 3)), ((2, 1), (3,)), ((), (2,)), ((), ()), ((0, 2), (1,)))
        if len(intervals) == 3:
            shapes = tuple((*s, s[1]) for s in shapes)
    return tuple(
        Case(tuple(In(s, *i) for s, i in zip(row, intervals, strict=True))) for row in shapes
    )


class Linear(Primitive, abstract=True):
    """Linear in its first arguments taken together; ``transposes`` are left to write, one for each.

    ``transpose`` stands for the only one where there is one. Arguments beyond (indices) have no
    derivative. For any number of operands, write ``variadic(count)`` instead, which gives the Bound
    transposes themselves. The transpose of an operation that moves and adds entries also tells
    where a gradient is present: it is applied to the mask itself.
    """

    family = "linear"
    required = ("name", "kernel", "infer", "batch", "cases")
    transpose: ClassVar[Any] = None
    transposes: ClassVar[tuple[Any, ...] | None] = None

    def __init_subclass__(cls, abstract: bool = False, register: bool = True) -> None:
        if not abstract and cls.arguments is not None:
            rules = cls.transposes or (() if cls.transpose is None else (cls.transpose,))
            if not rules:
                raise TypeError(f"primitive {cls.__name__}: transpose is missing")
            cls.vjp = (*rules, *(None,) * (len(cls.arguments) - len(rules)))
            cls.jvp = (None,) * len(cls.arguments)
        super().__init_subclass__(abstract, register)

    def bind(self, rule: Any, skip: int = 1) -> Bound | None:
        bound = super().bind(rule, skip)
        return None if bound is None else bound._replace(exact=True)

    def push(self, tangents: Sequence[Any], y: Any, operands: Sequence[Any], **params: Any) -> Any:
        """The operation itself, on the tangents: it is linear in all of them together."""
        pulls = self.pulls_for(len(operands))
        if all(t is None or pull is None for t, pull in zip(tangents, pulls, strict=True)):
            return None
        mixed = [
            x if pull is None else np.zeros(np.shape(raw(x)), y.dtype) if t is None else t
            for x, t, pull in zip(operands, tangents, pulls, strict=True)
        ]
        return apply(self, *mixed, **params)

    def presence(self, i: int, mask: Any, node: Node) -> Any:
        if mask is None:
            if not self.selects:
                return None
            mask = np.ones(node.shape, bool)
        rule = self.pulls_for(len(node.inputs))[i]
        if rule is None or rule.function is None:
            return mask
        values = [read_node(s, node) for s in rule.slots]
        return np.asarray(rule.function(mask.astype(np.float64), *values, **node.params)) > 0


class Multilinear(Primitive, abstract=True):
    """Linear in each argument while the others are fixed: ``transposes``, one for each argument.

    For any number of operands, write ``variadic(count)``, which gives the Bound transposes.
    """

    family = "bilinear"
    required = ("name", "kernel", "infer", "batch", "cases")
    transposes: ClassVar[tuple[Any, ...] | None] = None

    def __init_subclass__(cls, abstract: bool = False, register: bool = True) -> None:
        if not abstract and cls.arguments is not None:
            if cls.transposes is None:
                raise TypeError(f"primitive {cls.__name__}: transposes is missing")
            cls.vjp = cls.transposes
            cls.jvp = (None,) * len(cls.arguments)
        super().__init_subclass__(abstract, register)

    def push(self, tangents: Sequence[Any], y: Any, operands: Sequence[Any], **params: Any) -> Any:
        """The sum over arguments of the operation with that argument's tangent in its place."""
        total = None
        for i, t in enumerate(tangents):
            if t is not None:
                term = apply(self, *operands[:i], t, *operands[i + 1 :], **params)
                total = term if total is None else total + term
        return total

    def presence(self, i: int, mask: Any, node: Node) -> Any:
        if mask is None:
            return None
        return self._count(i, mask, self._read(i, node, np.ones_like), node) > 0

    def _read(self, i: int, node: Node, change: Any) -> list[Any]:
        rule = self.pulls_for(len(node.inputs))[i]
        assert rule is not None
        values = [read_node(s, node) for s in rule.slots]
        return [
            change(v, dtype=np.float64) if s >= OUTPUT else v
            for s, v in zip(rule.slots, values, strict=True)
        ]

    def _without_absent(self, slot: int, value: Any, mask: Any, node: Node) -> Any:
        # The next derivative of an entry that stands in absent terms only would be the number 0,
        # though it is absent too: the entry is left out where the rule reads it.
        if slot < 0 or not isinstance(value, Tensor) or not value.requires_grad:
            return value
        present = any_to(
            self._count(slot, mask, self._read(slot, node, np.ones_like), node) > 0, value.shape
        )
        return value if present.all() else FUNCTIONS["where"](present, value, 0)

    def _count(self, i: int, mask: Any, values: list[Any], node: Node) -> Any:
        rule = self.pulls_for(len(node.inputs))[i]
        assert rule is not None and rule.function is not None
        return np.asarray(rule.function(mask.astype(np.float64), *values, **node.params))

    def pull_present(
        self, i: int, g: Any, values: list[Any], pulled: Any, mask: Any, presence: Any, node: Node
    ) -> Any:
        """Leave absent terms out of the sums, where an infinity or NaN would otherwise enter by 0.

        Where an entry's *present* terms meet only finite values, the sum over finite values is the
        answer; else an infinity is really there, and stays visible.
        """
        where = FUNCTIONS["where"]
        rule = self.pulls_for(len(node.inputs))[i]
        assert rule is not None and rule.function is not None
        read = [self._without_absent(s, v, mask, node) for s, v in zip(rule.slots, values)]
        if any(a is not b for a, b in zip(read, values)):
            values, pulled = read, rule.function(g, *read, **node.params)
        if not np.isfinite(whole(pulled)).all():
            sound = self._read(i, node, lambda v, dtype: np.isfinite(v).astype(dtype))
            every = self._read(i, node, np.ones_like)
            clean = self._count(i, mask, every, node) == self._count(i, mask, sound, node)
            tame = [
                where(np.isfinite(raw(v)), v, 0) if s >= OUTPUT else v
                for s, v in zip(rule.slots, values, strict=True)
            ]
            pulled = where(clean, rule.function(g, *tame, **node.params), pulled)
        return pulled if presence is None else where(presence, pulled, 0)


def read_node(slot: int, node: Node) -> Any:
    """A slot's bare array (or, for an aval, the input's shape and dtype) in a recorded node."""
    if slot == OUTPUT:
        return node.output
    return node.kept[slot] if slot >= 0 else aval_of_input(node.inputs[-2 - slot])


def any_to(mask: Any, shape: tuple[int, ...]) -> Any:
    """The mask of a sum over broadcast axes, which is absent where all its terms are."""
    extra = mask.ndim - len(shape)
    axes = (
        *range(extra),
        *(i + extra for i, n in enumerate(shape) if n == 1 != mask.shape[i + extra]),
    )
    return mask.any(axis=axes).reshape(shape)


def broadcast_shapes(name: str, avals: Sequence[Any]) -> tuple[int, ...]:
    """The common shape of operands, or a ShapeError that names the axis."""
    try:
        return np.broadcast_shapes(*(a.shape for a in avals))
    except ValueError:
        pass
    ndim = max(len(a.shape) for a in avals)
    for axis in range(1, ndim + 1):
        sizes = [a.shape[-axis] for a in avals if len(a.shape) >= axis]
        if len({n for n in sizes if n != 1}) > 1:
            break
    shown = " and ".join(map(repr, avals))
    raise ShapeError(
        f"{name}: shapes do not broadcast: {shown}; axis {-axis} has sizes "
        f"{' and '.join(map(str, sizes))} (expected equal sizes, or 1)"
    )


def elementwise_function(cls: type[Elementwise]) -> Function:
    """The public function of an elementwise primitive, named and documented by the class."""
    primitive = PRIMITIVES[cls.name]
    arguments = primitive.arguments
    function: Callable[..., Any]
    if len(arguments or ()) == 1:

        def function(x: Any, /) -> Any:
            return apply_unary(primitive, x)

    elif len(arguments or ()) == 2:

        def function(a: Any, b: Any, /) -> Any:
            return apply_binary(primitive, a, b)

    else:
        raise TypeError(f"{cls.name}: write the function of a primitive with parameters itself")
    function.__name__ = function.__qualname__ = cls.name
    function.__doc__ = cls.__doc__
    function.__module__ = cls.__module__
    return public(function)


def align_ranks(mapped: tuple[bool, ...], operands: tuple[Any, ...]) -> list[Any]:
    """Give operands whose first axis is a batch enough axes of size 1 behind it to broadcast."""
    ranks = [np.ndim(raw(x)) - m for x, m in zip(operands, mapped, strict=True)]
    rank = max(ranks)
    aligned = []
    for x, m, r in zip(operands, mapped, ranks, strict=True):
        if m and r < rank:
            x = FUNCTIONS["reshape"](x, (x.shape[0],) + (1,) * (rank - r) + x.shape[1:])
        aligned.append(x)
    return aligned
