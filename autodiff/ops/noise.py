"""The generator of the framework, and draws that are pure functions of a key.

A key is a number that the generator gives. It starts a Philox counter of its own (J. Salmon et al.,
"Parallel random numbers: as easy as 1, 2, 3", 2011), so that a recorded program that is run again
gives the same draw, and a new call another one.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from contextvars import ContextVar
from typing import Any

import numpy as np

from autodiff.batched import active_levels, lift_all
from autodiff.errors import VmapError
from autodiff.node import Aval
from autodiff.ops.joining import stack
from autodiff.primitive import Case, In, Primitive
from autodiff.registry import PRIMITIVES
from autodiff.tensor import Tensor, apply, wrap

__all__ = ["generator", "seed"]


class _Source:
    """The one generator, in an object so that no function needs ``global``."""

    generator: np.random.Generator = np.random.default_rng()


# In the place of that one, where something is run again; it holds for one thread or task.
_REPLAYED: ContextVar[np.random.Generator | None] = ContextVar("autodiff.random", default=None)


def seed(value: int) -> None:
    """Start all random numbers of the framework anew, from a number.

    Two runs that call it with one number, and do the same after it, give the same bits.

    >>> import autodiff as ad
    >>> ad.random.seed(1)
    >>> first = ad.random.normal(size=3)
    >>> ad.random.seed(1)
    >>> bool((ad.random.normal(size=3) == first).numpy().all())
    True
    """
    _Source.generator = np.random.default_rng(value)


def generator() -> np.random.Generator:
    """The generator that the keys of draws come from.

    >>> import autodiff as ad
    >>> ad.random.seed(1)
    >>> float(ad.random.generator().random())
    0.5118216247002567
    """
    return _REPLAYED.get() or _Source.generator


@contextlib.contextmanager
def replayed(state: Any) -> Iterator[None]:
    """Draw what was drawn from this state of the generator on, and go on as if nothing had been."""
    again = np.random.Generator(type(generator().bit_generator)())
    again.bit_generator.state = state
    token = _REPLAYED.set(again)
    try:
        yield
    finally:
        _REPLAYED.reset(token)


# Draws of the gamma distribution and their shapes, by key, where they are held.
_HELD: ContextVar[dict[Any, tuple[Any, Any]] | None] = ContextVar("autodiff.held", default=None)


@contextlib.contextmanager
def held_draws() -> Iterator[None]:
    """Inside, a draw that is made again at another parameter keeps its probability.

    That is the path whose derivative rules give (see ``GammaMoved``). A new draw at a fixed key
    would not follow it: a sampler that rejects candidates jumps.
    """
    token = _HELD.set({})
    try:
        yield
    finally:
        _HELD.reset(token)


def fresh_key() -> Tensor:
    """A key that no other draw has, as a Tensor, so that a trace holds it as an operand.

    Inside ``vmap``, a key for each example: as in a loop, each has draws of its own. With
    ``randomness="same"`` one key for all.
    """
    levels = tuple([level for level in active_levels() if level.randomness != "same"])
    for level in levels:
        if level.randomness == "error":
            raise VmapError(
                f"vmap of {level.name}: a random draw, with randomness='error'; write 'different' "
                "for draws of each example's own or 'same' for one that all share"
            )
    keys = generator().integers(0, 2**63, size=tuple([level.size for level in levels]))
    return lift_all(wrap(np.asarray(keys)), levels)


class _Counter(threading.local):
    """A Philox counter for each thread: to set one to a key is ten times as fast as to make it."""

    def __init__(self) -> None:
        self.bits = np.random.Philox(key=0)
        self.fresh = self.bits.state
        self.generator = np.random.Generator(self.bits)


_COUNTER = _Counter()


def _philox(key: Any) -> np.random.Generator:
    """``Generator(Philox(key))``, until the next call in this thread."""
    start = _COUNTER.fresh
    start["state"]["key"][0] = int(key)
    _COUNTER.bits.state = start
    return _COUNTER.generator


_NARROW = ("random", "standard_normal", "standard_exponential")


def _draw(
    key: Any, *, method: str, args: tuple[Any, ...], shape: tuple[int, ...], dtype: Any
) -> Any:
    sample = getattr(_philox(key), method)
    if method in _NARROW and dtype == np.float32:
        return np.asarray(sample(shape, dtype))
    return np.asarray(sample(*args, size=shape), dtype)


class Draw(Primitive):
    """Noise of a distribution without parameters to differentiate: a pure function of its key.

    ``method`` and ``args`` are those of ``numpy.random.Generator``.

    >>> import autodiff as ad
    >>> ad.random.seed(0)
    >>> ad.random.uniform(size=2).shape
    (2,)
    """

    name = "draw"
    arguments = ("key",)
    differentiable = False
    kernel = staticmethod(_draw)
    vjp = (None,)
    jvp = (None,)
    cases = tuple(
        Case(
            (np.array(7),),
            {"method": method, "args": args, "shape": (2, 3), "dtype": np.dtype(dtype)},
        )
        for method, args, dtype in (
            ("standard_normal", (), np.float64),
            ("random", (), np.float32),
            ("gumbel", (), np.float32),
            ("integers", (2, 9), np.int64),
        )
    )

    def infer(self, key: Any, *, shape: tuple[int, ...], dtype: Any, **params: Any) -> Aval:
        return Aval(shape, dtype)

    def batch(self, mapped: tuple[bool, ...], key: Any, **params: Any) -> Any:
        return stack([apply(self, key[i], **params) for i in range(key.shape[0])])


def noise(method: str, shape: tuple[int, ...], dtype: Any, *args: Any) -> Any:
    """A fresh draw by a method of ``numpy.random.Generator``."""
    params = {"method": method, "args": args, "shape": shape, "dtype": np.dtype(dtype)}
    return apply(PRIMITIVES["draw"], fresh_key(), **params)


class GammaDraw(Primitive):
    """Draws of the standard gamma distribution: a pure function of key and shape parameter.

    >>> import autodiff as ad
    >>> bool(ad.random.gamma(3.0) > 0)
    True
    """

    name = "gamma_draw"
    arguments = ("key", "a")
    differentiable = False
    vjp = jvp = (None, None)
    cases = (
        Case((np.array(7), In((2, 3), 0.5, 3.0))),
        Case((np.array(7), In((), 0.5, 3.0))),
        Case((np.array(7), In((0,), 0.5, 3.0))),
    )

    @staticmethod
    def kernel(key: Any, a: Any) -> Any:
        a = np.asarray(a)
        dtype: Any = a.dtype if a.dtype.kind == "f" else np.dtype(float)
        start = a.astype(float)
        y = _philox(key).standard_gamma(start)
        # Of a small parameter most draws are below all numbers; the logarithm of 0 is no draw, and
        # second derivatives have 1 / y.
        y = np.maximum(y, max(float(np.finfo(dtype).tiny), 1e-290))
        held = _HELD.get()
        if held is not None:
            first = held.setdefault((int(key), a.shape), (start, y))
            y = PRIMITIVES["gamma_moved"].kernel(start, *first)
        return y.astype(dtype)

    def infer(self, key: Any, a: Any) -> Aval:
        return Aval(a.shape, a.dtype if np.dtype(a.dtype).kind == "f" else float)

    def batch(self, mapped: tuple[bool, ...], key: Any, a: Any) -> Any:
        size = (a if mapped[1] else key).shape[0]
        rows = [
            apply(self, key[i] if mapped[0] else key, a[i] if mapped[1] else a) for i in range(size)
        ]
        return stack(rows)
