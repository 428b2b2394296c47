"""The contract of a primitive, and the checks on entry.

An author writes one class; creating it checks that it is complete, works out from the names of each
rule's parameters what the rule reads, and enters one instance into ``PRIMITIVES``. From there the
tests, the reference page, drawings and error messages take it.

Rules are expressions in the public functions, which take ndarrays and Tensors alike: the same rule
gives the first order on bare arrays and, on Tensors, every higher order.

How a rule says what it reads
-----------------------------
The first parameter is the cotangent ``g`` (or, in a forward rule, the tangent ``t``). Each further
one is ``y`` (the output), the name of an argument (its value), or that name with ``_aval`` (only
its shape and dtype). Keyword parameters are the primitive's own. What no needed rule reads is not
kept.

Of complex values, ``g`` is that of dL = Re(g dy), so that the rule of an analytic operation is the
same formula for real and complex values and conjugates nothing. Only the real part is taken of a
real operand's cotangent and of a real output's tangent.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar, NamedTuple

import numpy as np

from autodiff.errors import GradientError
from autodiff.node import Aval, Node
from autodiff.registry import FUNCTIONS, PRIMITIVES
from autodiff.tensor import KEEP_ALL, KEEP_FIRST, KEEP_SECOND

Rule = Callable[..., Any]
OUTPUT = -1  # slot of the output; an argument i has slot i, its aval slot -(i + 2)


class Bound(NamedTuple):
    """A rule and the slots it reads. ``function`` None passes the cotangent on as it is."""

    function: Rule | None
    slots: tuple[int, ...]
    exact: bool = False  # zero in, zero out, whatever the values are


class Case(NamedTuple):
    """One sample call: per operand an interval and a shape, or a fixed array; and parameters."""

    operands: tuple[Any, ...]
    params: dict[str, Any] = {}  # noqa: RUF012 - never written to

    def draw(self, rng: np.random.Generator, dtype: Any = np.float64) -> tuple[Any, ...]:
        """Random operands of the wanted dtype (for a complex one, off the real axis); fixed arrays
        come as they are."""
        return tuple(o.draw(rng, dtype) if isinstance(o, In) else o for o in self.operands)


class In(NamedTuple):
    """An operand drawn uniformly from an interval, all entries apart by construction."""

    shape: tuple[int, ...]
    low: float = -2.0
    high: float = 2.0

    def draw(self, rng: np.random.Generator, dtype: Any) -> np.ndarray[Any, Any]:
        # One value per cell of an even grid, shuffled: no ties, so no kinks of sorting or maxima.
        size = int(np.prod(self.shape))
        cells = rng.permutation(size) + rng.uniform(0.25, 0.75, size)
        values: Any = self.low + (self.high - self.low) * cells / max(size, 1)
        if np.dtype(dtype).kind == "c":
            values = values + 1j * rng.permutation(cells / max(size, 1) - 0.5)
        return values.reshape(self.shape).astype(dtype)


class Absent:
    """A rule that cannot exist; using it raises the reason."""

    def __init__(self, reason: str) -> None:
        self.reason = reason

    def __call__(self, *args: Any, **params: Any) -> Any:
        raise GradientError(self.reason)


def absent(reason: str) -> Any:
    """Stands in the place of a rule that cannot exist."""
    return Absent(reason)


def parameters(function: Any) -> tuple[str, ...]:
    """Names of the positional parameters; keyword-only ones are the primitive's params."""
    code = function.__code__
    return tuple(code.co_varnames[: code.co_argcount])


class Primitive:
    """An operation with a NumPy kernel and its own derivative rules. Holds no state.

    A class that is complete has ``name``, ``kernel``, ``infer``, ``vjp``, ``jvp``, ``batch``,
    ``cases`` and a docstring; families derive some of them.

    ``kernel(*arrays, out=None, **params)``
        The only code that touches ndarrays. Never writes to its operands.
    ``infer(*avals, **params) -> Aval``
        The shape and dtype rule; raises the error that the user reads.
    ``vjp``, ``jvp``
        One function for each argument (a bare function where there is one argument; None where an
        argument has no derivative): ``rule(g, ..., **params)``.
    ``batch(mapped, *operands, **params)``
        The same operation on operands whose first axis, where ``mapped``, is a batch; so is the
        result's.
    ``cases``, ``special``, ``errors``
        Sample calls, values where formulas break, and calls that must raise.
    """

    name: ClassVar[str]
    arguments: ClassVar[tuple[str, ...] | None] = ("x",)  # None: any number of them
    kernel: ClassVar[Callable[..., Any]]
    reference: ClassVar[Callable[..., Any] | None] = None  # a second, independent source of values
    vjp: ClassVar[Any]
    jvp: ClassVar[Any]
    cases: ClassVar[tuple[Case, ...]]
    special: ClassVar[tuple[float, ...]] = ()
    errors: ClassVar[tuple[tuple[Case, type[Exception], str], ...]] = ()

    differentiable: ClassVar[bool] = True
    foreign: ClassVar[bool] = False  # the kernel is a user's: what it raises comes as it is
    broadcasts: ClassVar[bool] = False  # operands broadcast; the backward walk sums it away
    selects: ClassVar[bool] = False  # some inputs get no gradient at all (are absent)
    # Axes of each operand that make one matrix, in units of whose largest entry LAPACK rounds.
    normwise: ClassVar[tuple[int, ...]] = ()
    inside: ClassVar[float] = 0.0  # size of what the kernel rounds, though nothing of it be left
    iterates: ClassVar[bool] = False  # the kernel ends some rounding errors before the exact value
    gates: ClassVar[bool] = False  # selects by a factor 0, in which an infinity becomes NaN
    family: ClassVar[str] = "general"
    required: ClassVar[tuple[str, ...]] = (
        "name",
        "kernel",
        "infer",
        "vjp",
        "jvp",
        "batch",
        "cases",
    )

    pulls: tuple[Bound | None, ...] | None  # reverse rules; None where their number varies
    pushes: tuple[Bound | None, ...] | None  # forward rules
    joint: ClassVar[Any] = None  # one reverse rule for all inputs: joint(g, node, record) -> tuple
    # Adds the cotangent of the first operand, the only one that has any, into an array:
    # add_pulled(total, g, node). For rules whose result is mostly zeros.
    add_pulled: ClassVar[Any] = None

    def __init_subclass__(cls, abstract: bool = False, register: bool = True) -> None:
        if abstract:
            return
        missing = [
            m for m in cls.required if getattr(cls, m, None) in (None, getattr(Primitive, m, None))
        ]
        if missing:
            raise TypeError(f"primitive {cls.__name__}: {', '.join(missing)} is missing")
        if not cls.__doc__:
            raise TypeError(f"primitive {cls.__name__}: the docstring is missing")
        if register and cls.name in PRIMITIVES:
            raise TypeError(f"primitive {cls.name!r} is defined twice")
        instance = cls()
        if register:
            PRIMITIVES[cls.name] = instance

    def __init__(self) -> None:
        # A plain dict, read on the hot path: a subclass with __missing__ costs three times as much.
        self.keep_table: dict[int, tuple[tuple[int, ...], bool]] = {}
        self.pulls = self.pushes = None
        if self.arguments is not None:
            self.pulls = self.bind_all("vjp")
            self.pushes = self.bind_all("jvp")

    # ---- what the author writes

    def infer(self, *avals: Any, **params: Any) -> Aval:
        raise TypeError(f"primitive {self.name}: infer is missing")

    def batch(self, mapped: tuple[bool, ...], *operands: Any, **params: Any) -> Any:
        raise TypeError(f"primitive {self.name}: batch is missing")

    # ---- what is derived

    def bind(self, rule: Any, skip: int = 1) -> Bound | None:
        """Find out from a rule's parameter names, after ``skip`` of them, which slots it reads."""
        if rule is None or isinstance(rule, Bound):
            return rule
        if isinstance(rule, Absent):
            return Bound(rule, ())
        assert self.arguments is not None
        slots = []
        for name in parameters(rule)[skip:]:
            if name == "y":
                slots.append(OUTPUT)
            elif name in self.arguments:
                slots.append(self.arguments.index(name))
            elif name.removesuffix("_aval") in self.arguments:
                slots.append(-2 - self.arguments.index(name.removesuffix("_aval")))
            else:
                raise TypeError(
                    f"primitive {self.name}: a rule reads {name!r}, which is neither 'y' nor "
                    f"one of its arguments {self.arguments}"
                )
        return Bound(rule, tuple(slots))

    def bind_all(self, kind: str) -> tuple[Bound | None, ...]:
        """The rules of one kind, one for each argument."""
        assert self.arguments is not None
        rules = getattr(type(self), kind)
        if isinstance(rules, Absent):
            rules = (rules,) * len(self.arguments)
        elif not isinstance(rules, tuple):
            rules = (rules,)
        if len(rules) != len(self.arguments):
            raise TypeError(
                f"primitive {self.name}: {len(rules)} rules in {kind} for the arguments "
                f"{self.arguments}"
            )
        return tuple(map(self.bind, rules))

    def pulls_for(self, count: int) -> Sequence[Bound | None]:
        """Reverse rules of a call with ``count`` operands."""
        return self.pulls if self.pulls is not None else self.variadic(count)

    def variadic(self, count: int) -> Sequence[Bound | None]:
        """Reverse rules for a primitive with any number of operands (``arguments`` None)."""
        raise TypeError(f"primitive {self.name}: variadic is missing")

    def selection_slots(self, i: int) -> tuple[int, ...]:
        """Slots that ``presence`` reads for argument ``i``."""
        return ()

    def keeps(self, key: int) -> tuple[tuple[int, ...], bool]:
        """Which operands, and whether the output, the rules of the wanted inputs read.

        ``key`` has a bit for each input that wants a gradient, and one more above that tells the
        number of operands. The usual answers are the constants ``KEEP_*`` themselves: the hot path
        compares by identity.
        """
        count = key.bit_length() - 1
        slots: set[int] = set()
        for i, rule in enumerate(self.pulls_for(count)):
            if key >> i & 1 and rule is not None:
                slots.update(rule.slots)
                slots.update(self.selection_slots(i))
        operands = tuple(sorted(s for s in slots if s >= 0))
        if len(operands) == count:
            operands = KEEP_ALL
        elif count == 2:
            operands = next((k for k in (KEEP_FIRST, KEEP_SECOND) if k == operands), operands)
        found = self.keep_table[key] = operands, OUTPUT in slots
        return found

    def presence(self, i: int, mask: Any, node: Node) -> Any:
        """Where input ``i`` has a gradient, given where the output has one (None: everywhere).

        Default None: a general rule mixes its entries, so that every input entry has a gradient.
        """
        return None

    def pull_present(
        self, i: int, g: Any, values: list[Any], pulled: Any, mask: Any, presence: Any, node: Node
    ) -> Any:
        """Keep ``pulled`` where it is present; what is absent becomes zero, even from NaN."""
        if presence is None:
            return pulled
        return FUNCTIONS["where"](presence, pulled, 0)

    def push(self, tangents: Sequence[Any], y: Any, operands: Sequence[Any], **params: Any) -> Any:
        """The tangent of the output; None stands for a tangent that is zero."""
        assert self.pushes is not None
        total = None
        for rule, t in zip(self.pushes, tangents, strict=True):
            if t is None or rule is None:
                continue
            if rule.function is None:
                term = t
            else:
                values = [read_slot(s, y, operands) for s in rule.slots]
                term = rule.function(t, *values, **params)
            total = term if total is None else total + term
        if total is None or total.dtype == y.dtype:
            return total
        if total.dtype.kind == "c" != y.dtype.kind:
            total = FUNCTIONS["real"](total)
        return FUNCTIONS["astype"](total, y.dtype)


def read_slot(slot: int, y: Any, operands: Sequence[Any]) -> Any:
    """What a slot stands for, where the output and the operands are at hand."""
    if slot == OUTPUT:
        return y
    return operands[slot] if slot >= 0 else operands[-2 - slot]
