"""What ``vmap`` puts in the place of its arguments: a Tensor that stands for one example of many.

A ``Batched`` has the shape of one example. Behind it stands the value of all of them, an ndarray or
an ordinary Tensor (or, under nested ``vmap``, a ``Batched`` of a call further out) whose first axis
is the batch. An operation on it is its primitive's ``batch`` on what stands behind. So the nodes
that are recorded are those of ordinary operations on whole batches, and whatever reads them –
reverse mode, forward mode, drawings – knows nothing of ``vmap``.

Each running call of ``vmap`` is a ``Level``; of nested ones, the inner has the greater number. The
axes of a value behind several levels stand in the order of the numbers, in front of its own.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NoReturn, ParamSpec, TypeVar

import numpy as np

from autodiff.errors import GradientError, VmapError
from autodiff.node import SCALARS, Leaf, Node
from autodiff.recording import current, pop, push
from autodiff.registry import FUNCTIONS
from autodiff.tensor import Tensor, as_operand, explain_failure, raw, wrap
from autodiff.tree import flatten

P = ParamSpec("P")
R = TypeVar("R")

_numbers = itertools.count(1)
_QUERIES = frozenset({np.shape, np.ndim, np.size})  # what NumPy asks of an array without its values


class Level:
    """One running call of ``vmap``: its number, the size of its batch, the name of its function.

    ``randomness`` says what random draws are: "different", "same", "error".
    """

    __slots__ = ("name", "number", "randomness", "size")

    def __init__(self, size: int, name: str, randomness: str = "different") -> None:
        self.size, self.name, self.randomness = size, name, randomness
        self.number = next(_numbers)


def _number(level: Level) -> int:
    return level.number


class Lanes:
    """What a ``Batched`` holds where a Tensor has its ndarray: shape and dtype of one example."""

    __slots__ = ("inner", "level")

    def __init__(self, inner: Any, level: Level) -> None:
        self.inner, self.level = inner, level

    @property
    def shape(self) -> tuple[int, ...]:
        shape: tuple[int, ...] = self.inner.shape[1:]
        return shape

    @property
    def ndim(self) -> int:
        return len(self.inner.shape) - 1

    @property
    def dtype(self) -> Any:
        return self.inner.dtype

    @property
    def size(self) -> int:
        return int(np.prod(self.shape))

    def handle(self) -> Batched:
        """A Tensor that holds the same."""
        return lift(self.inner, self.level)

    def read(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Stands for every access to the values, of which there is one for each example."""
        dtype = np.dtype(self.dtype)
        raise VmapError(
            f"vmap of {self.level.name}: the value of a Tensor ({dtype}{list(self.shape)}) was "
            f"asked for, and there is one for each of the {self.level.size} examples. Instead of "
            "'if' or a boolean mask as an index, use ad.where; instead of float(x), x.item() or a "
            "function of NumPy, use those of autodiff; or compute it before vmap"
        )

    item = copy = view = astype = reshape = __array__ = __array_ufunc__ = read
    # Above all the comparisons: `==` would answer False without a word.
    __lt__ = __le__ = __gt__ = __ge__ = __eq__ = __ne__ = read
    __hash__ = None  # type: ignore[assignment]  # as of a list


class Batched(Tensor):
    """A Tensor of which there is one for each example of a batch; only ``vmap`` makes them."""

    # No slot of its own: x[i] = v with a batched v makes one of the Tensor x where it stands.
    __slots__ = ()

    _data: Any

    @staticmethod
    def takeover(primitive: Any, operands: Sequence[Any], params: dict[str, Any]) -> Any:
        """An operation: its primitive's batching rule, at the innermost level of its operands."""
        level = max((x._data.level for x in operands if type(x) is Batched), key=_number)
        if level not in current().levels:
            raise VmapError(
                f"{primitive.name}: an operand was made inside vmap of {level.name}, which has "
                "ended: return it from the function instead"
            )
        mapped, inner = [], []
        for x in operands:
            own = type(x) is Batched and x._data.level is level
            mapped.append(own)
            known = own or isinstance(x, (Tensor, np.ndarray)) or type(x) in SCALARS
            inner.append(x._data.inner if own else x if known else as_operand(x))
        try:
            y = primitive.batch(tuple(mapped), *inner, **params)
        except Exception as error:
            explain_failure(primitive, tuple(operands), params, error)
        return lift(y, level)

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        if function in _QUERIES and len(args) == 1 and not kwargs:
            return getattr(self, function.__name__)
        return super().__array_function__(function, types, args, kwargs)

    def __repr__(self) -> str:
        level = self._data.level
        return (
            f"Batched({np.dtype(self.dtype)}{list(self.shape)}, one of {level.size} examples in "
            f"vmap of {level.name})"
        )

    def __format__(self, spec: str) -> str:
        return repr(self) if not spec else super().__format__(spec)

    @property
    def requires_grad(self) -> bool:
        """Whether a gradient can reach this value."""
        return self.node is not None and self.node.needs

    @requires_grad.setter
    def requires_grad(self, value: bool) -> None:
        raise VmapError(
            "requires_grad: it cannot be set inside vmap; take ad.grad of a function there, or "
            "require the gradient of the argument before vmap"
        )

    def __deepcopy__(self, memo: dict[int, Any]) -> Tensor:
        return FUNCTIONS["stop_gradient"](self)

    def __reduce__(self) -> Any:
        return self._data.read()


def lift(inner: Any, level: Level) -> Batched:
    """A Batched on ``inner``, whose first axis is the batch."""
    new = object.__new__(Batched)
    new._data = Lanes(inner, level)
    new.node = inner.node if isinstance(inner, Tensor) else None
    return new


def lift_all(inner: Any, levels: Iterable[Level]) -> Any:
    """``inner`` behind several levels, given in the order of their numbers."""
    for level in levels:
        inner = lift(inner, level)
    return inner


def levels_of(x: Any) -> tuple[Level, ...]:
    """The levels of a value, in the order of their numbers."""
    found = []
    while type(x) is Batched:
        found.append(x._data.level)
        x = x._data.inner
    return tuple(reversed(found))


def behind(x: Any) -> Any:
    """The Tensor or ndarray behind all levels of a value."""
    while type(x) is Batched:
        x = x._data.inner
    return x


def handle(x: Any) -> Any:
    """Another handle on the same value: writing to the one does not change the other."""
    if type(x) is Batched:
        return lift(x._data.inner, x._data.level)
    return wrap(x._data, x.node) if isinstance(x, Tensor) else wrap(x)


def spell_out(x: Any, levels: Sequence[Level]) -> Any:
    """``x`` with ``levels`` as axes in front; what is not batched there is repeated.

    Other levels of ``x`` stay levels.
    """
    own, value = levels_of(x), behind(x)
    if own == tuple(levels):
        return value
    kept = [level for level in own if level not in levels]
    order = [own.index(level) for level in kept + [n for n in levels if n in own]]
    rest = value.shape[len(own) :]
    if order != sorted(order):
        value = FUNCTIONS["transpose"](value, (*order, *range(len(own), value.ndim)))
    sizes = [level.size for level in kept]
    if len(kept) + len(levels) > len(own):
        ones = [level.size if level in own else 1 for level in levels]
        value = FUNCTIONS["reshape"](value, (*sizes, *ones, *rest))
        full = (*sizes, *(level.size for level in levels), *rest)
        value = FUNCTIONS["broadcast_to"](value, full)
    return lift_all(value, kept)


def spell_out_pair(output: Any, g: Any, levels: Sequence[Level]) -> tuple[Any, Any]:
    """The node and the cotangent of what stands behind an output."""
    state = push(recording=True)
    try:
        return spell_out(output, levels).node, spell_out(g, levels)
    finally:
        pop(state)


def gather(x: Any, levels: Sequence[Level]) -> Any:
    """The inverse of ``spell_out``: the first axes of ``x`` as the levels that they are of."""
    own, value = levels_of(x), behind(x)
    have = [*own, *levels]
    want = sorted(have, key=_number)
    if want != have:
        order = [have.index(level) for level in want]
        value = FUNCTIONS["transpose"](value, (*order, *range(len(have), value.ndim)))
    return lift_all(value, want)


def union(values: Iterable[Any]) -> tuple[Level, ...]:
    """The levels of all the values together, in the order of their numbers."""
    return tuple(sorted({level for x in values for level in levels_of(x)}, key=_number))


def per_example(
    results: dict[Node, Any], inputs: Iterable[Any], levels: Sequence[Level], what: str
) -> dict[Node, Any]:
    """Gradients that a walk found for the values behind ``inputs``, as those of one example."""
    found = dict(results)
    for x in inputs:
        g = results.get(x.node)
        if g is None:
            continue
        missing = [level.name for level in levels if level not in levels_of(x)]
        if missing:
            label = f"{x.name!r}" if x.name else "one"
            raise GradientError(
                f"{what}: a gradient was asked for, inside vmap of {', '.join(missing)}, with "
                f"respect to a Tensor from outside ({label} of shape {x.shape}), which all "
                "examples share: it would be their sum. Take ad.grad of a function of that value "
                "inside vmap for one gradient an example, or the gradient outside vmap for the sum"
            )
        found[x.node] = gather(g, levels)
    return found


def owner_of(node: Node) -> Any:
    """The Tensor that has a leaf, or None where it is gone."""
    return node.handle() if isinstance(node, Leaf) and node.handle is not None else None


def active_levels() -> tuple[Level, ...]:
    """The calls of ``vmap`` that are running here, the outermost first."""
    return current().levels


def zeros_behind(x: Any) -> Any:
    """Zeros in the shape and dtype of a Tensor, for each example where it is batched."""
    value = behind(x)
    return gather(wrap(np.zeros(value.shape, value.dtype)), levels_of(x))


def refuse(name: str, way: str, given: Any, what: str = "shape") -> None:
    """Raise VmapError where the result's shape would depend on values that are batched."""
    for x in flatten(given)[0]:
        if type(x) is Batched:
            level = x._data.level
            raise VmapError(
                f"{name}: inside vmap of {level.name} the {what} of the result depends on the "
                f"values, which differ between the {level.size} examples: {way}"
            )


def shaped_by_values(
    way: str, count: int | None = None
) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Mark a function whose result has a shape that depends on its first ``count`` arguments.

    Inside ``vmap`` it raises VmapError, which names the function and the ``way`` round it.
    """

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        names = function.__code__.co_varnames[:count]

        @functools.wraps(function)
        def checked(*args: P.args, **kwargs: P.kwargs) -> R:
            if current().levels:
                named = [v for n, v in kwargs.items() if count is None or n in names]
                refuse(function.__name__, way, [list(args[:count]), named])
            return function(*args, **kwargs)

        return checked

    return decorate


def each_example(function: Callable[..., Any], *xs: Any) -> Any:
    """``function`` of the ndarrays of each example, for what has no gradient.

    It gives one array, or a tuple of them, whose shapes are those of every example.
    """
    levels = union(xs)
    if not levels:
        y = function(*map(raw, xs))
        lifted = any(isinstance(x, Tensor) for x in xs)
        return tuple(map(wrap, y)) if lifted and type(y) is tuple else wrap(y) if lifted else y
    sizes = tuple([level.size for level in levels])
    whole = [raw(spell_out(x if isinstance(x, Tensor) else wrap(x), levels)) for x in xs]
    rows = [x.reshape(-1, *x.shape[len(sizes) :]) for x in whole]
    results = [function(*row) for row in zip(*rows, strict=True)]
    if not results:  # of no examples the shapes are those of zeros
        results = [function(*[np.zeros(x.shape[1:], x.dtype) for x in rows])]
    parts = zip(*results, strict=True) if type(results[0]) is tuple else [results]
    stacked = [np.stack(part)[: math.prod(sizes)] for part in parts]
    found = [lift_all(wrap(y.reshape(*sizes, *y.shape[1:])), levels) for y in stacked]
    return tuple(found) if type(results[0]) is tuple else found[0]
