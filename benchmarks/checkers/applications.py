"""Calls of primitives as functions to check, alone and in the middle of 200 operations."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

import autodiff as ad
from autodiff.primitive import Absent, Case, Primitive
from autodiff.registry import PRIMITIVES, load_all
from autodiff.tensor import apply

DEPTH = 200  # operations of the model around a primitive
SCOPE = "planted"


@dataclass(frozen=True)
class Application:
    """One primitive at random operands; those in ``wanted`` have a gradient."""

    primitive: Primitive
    operands: tuple[Any, ...]
    params: dict[str, Any]
    wanted: tuple[int, ...]

    @property
    def inputs(self) -> tuple[Any, ...]:
        """The operands, by the name that they have in a recorded node."""
        return self.operands

    @property
    def points(self) -> list[Any]:
        """The operands that are checked."""
        return [self.operands[i] for i in self.wanted]

    def function(self, primitive: Any = None) -> Callable[..., Any]:
        """The call as a function of ``points``, perhaps with another primitive in its place."""
        chosen = self.primitive if primitive is None else primitive

        def f(*xs: Any) -> Any:
            given = list(self.operands)
            for i, x in zip(self.wanted, xs, strict=True):
                given[i] = x
            with ad.scope(SCOPE):
                return apply(chosen, *given, **self.params)

        f.__name__ = self.primitive.name
        return f

    def model(self, primitive: Any = None) -> Callable[..., Any]:
        """The same between chains of other operations, about ``DEPTH`` in all."""
        inner = self.function(primitive)
        before = DEPTH // 2 // (3 * len(self.wanted))
        after = DEPTH // 2 // 3

        def f(*xs: Any) -> Any:
            moved = []
            for x in xs:
                for _ in range(before):  # by a thousandth in all: it stays in its domain
                    x = x * (1.0 + 3e-5 * ad.sin(x))
                moved.append(x)
            y = inner(*moved)
            for _ in range(after):
                y = y + 0.01 * ad.sin(y)
            return y

        f.__name__ = f"model around {self.primitive.name}"
        return f


def wanted(primitive: Primitive, operands: Sequence[Any]) -> tuple[int, ...]:
    """The operands that a gradient can be asked for."""
    rules = primitive.pulls_for(len(operands))
    return tuple(
        i
        for i, (x, rule) in enumerate(zip(operands, rules, strict=True))
        if rule is not None
        and not isinstance(rule.function, Absent)
        and isinstance(x, np.ndarray)
        and x.dtype.kind == "f"
        and x.size
    )


def primitives() -> list[Primitive]:
    """All that have derivatives of their own, those that load later included."""
    load_all()
    return [p for p in PRIMITIVES.values() if p.differentiable and p.name != "custom_call"]


def applications(primitive: Primitive, seed: int) -> Iterator[Application]:
    """One application for each sample call of the primitive, at operands that the seed chooses."""
    rng = np.random.default_rng([seed, zlib.crc32(primitive.name.encode())])
    for case in primitive.cases:
        found = application(primitive, case, rng)
        if found is not None:
            yield found


def application(primitive: Primitive, case: Case, rng: np.random.Generator) -> Application | None:
    """One sample call at random operands; None where nothing of it has a gradient."""
    operands = case.draw(rng)
    which = wanted(primitive, operands)
    return Application(primitive, operands, case.params, which) if which else None
