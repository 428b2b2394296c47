"""Random programs over the primitives of the registry, that shrink to one operation and one shape.

An operand is a value that the program has already, where one lies inside the domain of the
operation (as its own cases give it), or else a new input. Examples shrink towards new inputs, so
what led to the operands of the step that fails falls away.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from hypothesis import reject
from hypothesis import strategies as st

from autodiff.primitive import Absent, In
from autodiff.registry import FUNCTIONS, PRIMITIVES, load_all
from autodiff.tensor import aval_of
from autodiff.testing.clearance import clearance
from autodiff.testing.literals import literal
from autodiff.testing.program import Program, Ref, Step
from autodiff.testing.strategies import axes, distinct_arrays, indices, shapes

__all__ = ["operations", "programs"]

Draw = Callable[[Any], Any]
ANYWHERE = (-2.0, 2.0)  # the interval of cases that are defined everywhere
LIMIT = 4.0  # of operands there: beyond it, exponentials of exponentials overflow
LARGE = 1e4  # of results
SIZE = 36  # of results
CHOICES = 95  # a sixth of them are new inputs, half of them the newest value
MARGIN = 1 / 256  # the least distance to a kink


class Builder:
    """A program that grows, with the value of everything in it."""

    def __init__(self, draw: Draw) -> None:
        self.draw = draw
        self.inputs: list[Any] = []
        self.steps: list[Step] = []
        self.values: dict[Ref, Any] = {}

    def fresh(self, shape: Any, low: float = -2.0, high: float = 2.0, part: int = 0) -> Ref:
        """A new input; ``shape`` may be a strategy."""
        return self._enter(self.draw(distinct_arrays(shape, low=low, high=high, part=part % 3)))

    def _enter(self, x: Any) -> Ref:
        ref = Ref("x", len(self.inputs))
        self.inputs.append(x)
        self.values[ref] = x
        return ref

    def operand(
        self,
        shape: Any,
        fits: Callable[[tuple[int, ...]], bool] = lambda shape: True,
        interval: tuple[float, float] = ANYWHERE,
        part: int = 0,
    ) -> Ref:
        """A value of a shape that fits, inside an interval, or a new input of shape ``shape``."""
        low, high = (-LIMIT, LIMIT) if interval == ANYWHERE else interval
        found = [
            ref
            for ref, v in reversed(self.values.items())
            if fits(v.shape) and v.min() >= low and v.max() <= high
        ]
        # The new input is drawn in any case, and the choice from a range that does not depend on
        # what there is: so a choice can shrink to it with all other draws staying in place.
        x = self.draw(distinct_arrays(shape, low=interval[0], high=interval[1], part=part % 3))
        k = self.draw(st.integers(0, CHOICES))
        if k % 6 and found:  # the newest value, or any
            return found[0 if k % 6 < 4 else k // 6 % len(found)]
        return self._enter(x)

    def add(self, step: Step) -> None:
        """Add a step, kept away from kinks by new inputs where it reads values that are too near.

        Gives the example up where the result is empty, large or not finite.
        """
        if self.clearance(step) < MARGIN:
            args = [
                self.fresh(self.values[a].shape, *self._interval(step.name, i), part=i)
                if isinstance(a, Ref)
                else a
                for i, a in enumerate(step.args)
            ]
            step = step._replace(args=tuple(args))
            if self.clearance(step) < MARGIN:
                reject()
        try:
            with np.errstate(all="ignore"):
                y = np.asarray(step.run(self.values))
        except np.linalg.LinAlgError:  # singular, or not positive definite
            reject()
        if not 0 < y.size <= SIZE or not np.isfinite(y).all() or np.abs(y).max() > LARGE:
            reject()
        self.values[Ref("v", len(self.steps))] = y
        self.steps.append(step)

    def clearance(self, step: Step) -> float:
        """The distance of a step's operands to a kink."""
        operands = [self.values[a] if isinstance(a, Ref) else a for a in step.args]
        return clearance(step.name, operands, step.params)

    def _interval(self, name: str, i: int) -> tuple[float, float]:
        template = PRIMITIVES[name].cases[0].operands[i]
        return (template.low, template.high) if isinstance(template, In) else ANYWHERE


def operations() -> list[str]:
    """The differentiable primitives of which a step can be made and written down: all but those
    whose parameters have no literal (a user's function, a sparse pattern), and those that make
    complex numbers of real ones.

    >>> from autodiff.testing.generation import operations
    >>> "matmul" in operations(), "argmax" in operations()
    (True, False)
    """
    load_all()
    return list(_usable(tuple(PRIMITIVES)))


@functools.lru_cache(maxsize=1)  # each example of `programs` asks
def _usable(names: tuple[str, ...]) -> list[str]:
    return [
        name
        for name in names
        if PRIMITIVES[name].differentiable
        and has_all_rules(name)
        and _gives_real(name)
        and _step_of(name)
    ]


def has_all_rules(name: str) -> bool:
    """Whether each floating operand has a gradient: betainc, for one, has none by its shapes."""
    p = PRIMITIVES[name]
    pulls = p.pulls_for(len(p.cases[0].operands))
    return not any(
        isinstance(operand, In) and (rule is None or isinstance(rule.function, Absent))
        for operand, rule in zip(p.cases[0].operands, pulls, strict=False)
    )


def _gives_real(name: str) -> bool:
    case = PRIMITIVES[name].cases[0]
    operands = case.draw(np.random.default_rng(0))
    return PRIMITIVES[name].infer(*map(aval_of, operands), **case.params).dtype.kind != "c"


def _step_of(name: str) -> Callable[[Builder, str], Step] | None:
    primitive = PRIMITIVES[name]
    if name in SPECIAL:
        return SPECIAL[name]
    if primitive.family == "elementwise":
        return _elementwise
    if {"axis", "keepdims"} <= set(primitive.cases[0].params) and name in FUNCTIONS:
        return _reduction
    return _from_case if _writable(name) else None


def _writable(name: str) -> list[Any]:
    """The cases of a primitive that can be written down and give a value."""
    found = []
    for case in PRIMITIVES[name].cases:
        templates = [o for o in case.operands if isinstance(o, In)]
        try:
            literal([o for o in case.operands if not isinstance(o, In)])
            literal(case.params)
        except TypeError:
            continue
        if templates and all(0 not in t.shape for t in templates):
            found.append(case)
    return found


@st.composite
def programs(draw: Any, max_steps: int = 8, only: Iterable[str] | None = None) -> Program:
    """Random programs (``Program``) over the differentiable primitives, with inputs for them.

    The inputs are float64, inside the domains, away from kinks and ties; no value is larger than
    10 000. They return one result, to which all steps lead. A failing example shrinks to
    the operation that fails, on new inputs of the smallest shape.

    Parameters
    ----------
    max_steps : int
        The most calls.
    only : iterable of str, optional
        Names of primitives; all of ``operations()`` where not given.

    Raises
    ------
    ValueError
        A name is of no differentiable primitive.

    >>> import autodiff as ad
    >>> from autodiff.testing import programs
    >>> from hypothesis import find
    >>> print(find(programs(only=["sin", "tanh"]), lambda p: "tanh" in p.operations))
    import numpy as np
    import autodiff as ad
    <BLANKLINE>
    def program(x0):
        v0 = ad.tanh(x0)
        return v0
    <BLANKLINE>
    inputs = (np.array(0.015625, dtype='float64'),)
    """
    known = operations()
    names = known if only is None else list(only)
    unknown = [name for name in names if name not in known]
    if unknown or not names:
        raise ValueError(f"programs: no differentiable primitive: {', '.join(unknown) or 'none'}")
    builder = Builder(draw)
    step = st.sampled_from(names).flatmap(lambda name: _adding(builder, name))
    for _ in range(draw(st.integers(1, max_steps))):
        draw(step)
    # One result and what leads to it, the longest such part: Hypothesis cannot delete a step from
    # the middle, but when the operands of the step that fails are new, all else falls away.
    whole = Program(tuple(builder.inputs), tuple(builder.steps))
    parts = [whole.pruned(i) for i in reversed(range(len(whole.steps)))]
    return max(parts, key=lambda part: len(part.steps))


@st.composite
def _adding(draw: Any, builder: Builder, name: str) -> None:
    builder.draw = draw
    make = _step_of(name)
    assert make is not None
    builder.add(make(builder, name))


# ---- steps, by the kind of operation


def _shapes(min_dims: int = 0, max_dims: int = 2) -> Any:
    return shapes(min_dims, max_dims, min_side=1, max_side=3)


def _elementwise(b: Builder, name: str) -> Step:
    case = PRIMITIVES[name].cases[0]
    common: tuple[int, ...] = ()
    args: list[Any] = []
    for i, template in enumerate(case.operands):
        if not isinstance(template, In):
            args.append(None)
            continue
        first = not any(isinstance(a, Ref) for a in args)
        shape = _shapes() if first else _partner(common)
        ref = b.operand(shape, _joins(common), (template.low, template.high), part=i)
        common = np.broadcast_shapes(common, b.values[ref].shape)
        args.append(ref)
    # A fixed operand (the condition of where) is an array of its dtype, bools or small integers.
    for i, template in enumerate(case.operands):
        if not isinstance(template, In):
            bits = b.draw(st.lists(st.booleans(), min_size=math.prod(common), max_size=SIZE))
            args[i] = np.array(bits[: math.prod(common)]).reshape(common).astype(template.dtype)
    bare = bool(case.params) or name not in FUNCTIONS
    return Step(name, tuple(args), case.params, bare)


def _joins(common: tuple[int, ...]) -> Callable[[tuple[int, ...]], bool]:
    def fits(shape: tuple[int, ...]) -> bool:
        try:
            return math.prod(np.broadcast_shapes(common, shape)) <= SIZE
        except ValueError:
            return False

    return fits


@st.composite
def _partner(draw: Any, common: tuple[int, ...]) -> tuple[int, ...]:
    """A shape that broadcasts with another one: some of its last axes, some of size 1."""
    kept = draw(st.integers(0, len(common)))
    return tuple(n if draw(st.booleans()) else 1 for n in common[len(common) - kept :])


def _reduction(b: Builder, name: str) -> Step:
    x = b.operand(_shapes())
    ndim = b.values[x].ndim
    # Two axes are a matrix norm where NumPy's norm takes them.
    axis = b.draw(axes(ndim, several=name != "norm"))
    params = {"axis": axis, "keepdims": b.draw(st.booleans())}
    return Step(name, (x,), {k: v for k, v in params.items() if v not in (None, False)})


def _cumsum(b: Builder, name: str) -> Step:
    x = b.operand(_shapes(1), bool)
    return Step(name, (x,), {"axis": b.draw(axes(b.values[x].ndim, several=False))})


def _reshape(b: Builder, name: str) -> Step:
    x = b.operand(_shapes())
    shape = b.values[x].shape
    choices = [(-1,), shape[::-1], (1, *shape), (*shape, 1)]
    return Step(name, (x, b.draw(st.sampled_from(choices))))


def _transpose(b: Builder, name: str) -> Step:
    x = b.operand(_shapes())
    return Step(name, (x, tuple(b.draw(st.permutations(range(b.values[x].ndim))))))


def _broadcast_to(b: Builder, name: str) -> Step:
    x = b.operand(_shapes())
    sizes = [b.draw(st.integers(1, 3)) if n == 1 else n for n in b.values[x].shape]
    front = b.draw(st.lists(st.integers(1, 2), max_size=1))
    return Step(name, (x, (*front, *sizes)))


def _flip(b: Builder, name: str) -> Step:
    x = b.operand(_shapes())
    return Step(name, (x, b.draw(axes(b.values[x].ndim))))


def _concatenate(b: Builder, name: str) -> Step:
    first = b.operand(_shapes(1), bool)
    shape = b.values[first].shape
    axis = b.draw(st.integers(0, len(shape) - 1))

    def fits(other: tuple[int, ...]) -> bool:
        return len(other) == len(shape) and all(
            n == m or i == axis for i, (n, m) in enumerate(zip(other, shape, strict=True))
        )

    size = b.draw(st.integers(1, 3))
    second = b.operand((*shape[:axis], size, *shape[axis + 1 :]), fits)
    return Step(name, ([first, second], axis))


def _stack(b: Builder, name: str) -> Step:
    first = b.operand(_shapes())
    shape = b.values[first].shape
    second = b.operand(shape, shape.__eq__)
    return Step(name, ([first, second], b.draw(st.integers(0, len(shape)))))


def _pad(b: Builder, name: str) -> Step:
    x = b.operand(_shapes(1), bool)
    width = st.tuples(st.integers(0, 2), st.integers(0, 2))
    return Step(name, (x, tuple(b.draw(width) for _ in b.values[x].shape)))


def _getitem(b: Builder, name: str) -> Step:
    x = b.operand(_shapes())
    shape = b.values[x].shape
    return Step(name, (x, b.draw(indices(shape).filter(lambda i: np.empty(shape)[i].size))))


def _setitem(b: Builder, name: str) -> Step:
    x = b.operand(_shapes())
    shape = b.values[x].shape
    chosen = indices(shape, newaxis=False).filter(lambda i: _once(shape, i))
    index = b.draw(chosen)
    target = np.empty(shape)[index].shape
    value = b.operand(b.draw(_partner(target)), lambda s: _into(s, target))
    return Step(name, (x, index, value))


def _once(shape: tuple[int, ...], index: Any) -> bool:
    """Whether an index chooses something, and nothing twice: else the last value wins."""
    places = np.arange(math.prod(shape)).reshape(shape)[index]
    return 0 < places.size == np.unique(places).size


def _into(shape: tuple[int, ...], target: tuple[int, ...]) -> bool:
    try:
        return np.broadcast_shapes(shape, target) == target
    except ValueError:
        return False


def _matmul(b: Builder, name: str) -> Step:
    first = b.operand(_shapes(1), bool)
    inner = b.values[first].shape[-1]
    columns = b.draw(st.lists(st.integers(1, 3), max_size=1))
    second = b.operand((inner, *columns), lambda s: 1 <= len(s) <= 2 and s[0] == inner)
    return Step(name, (first, second))


def _from_case(b: Builder, name: str) -> Step:
    """A step with the parameters and shapes of one of the primitive's own cases."""
    case = b.draw(st.sampled_from(_writable(name)))
    args = [_operand_like(b, o, i) if isinstance(o, In) else o for i, o in enumerate(case.operands)]
    return Step(name, tuple(args), case.params, bare=True)


def _operand_like(b: Builder, template: In, part: int) -> Ref:
    """A value inside the template's interval; one of its own making where it is a special kind."""
    if type(template) is In:
        return b.operand(template.shape, template.shape.__eq__, (template.low, template.high), part)
    seed = b.draw(st.integers(0, 2**16))
    return b._enter(template.draw(np.random.default_rng(seed), np.float64))


SPECIAL: dict[str, Callable[[Builder, str], Step]] = {
    "broadcast_to": _broadcast_to,
    "concatenate": _concatenate,
    "cumsum": _cumsum,
    "flip": _flip,
    "getitem": _getitem,
    "matmul": _matmul,
    "pad": _pad,
    "reshape": _reshape,
    "setitem": _setitem,
    "stack": _stack,
    "transpose": _transpose,
}
