"""The checks of transforms: functions of a primitive and one of its cases, like ``checks``."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np

import autodiff as ad
from autodiff.primitive import Case, Primitive
from autodiff.registry import FUNCTIONS, PRIMITIVES
from autodiff.tensor import apply
from autodiff.testing.generation import operations
from tests.checks import _stack, dot, draw, function_of, generator, kernel, like, wanted
from tests.numeric import richardson
from tests.tolerances import assert_close, tolerance

SIZE = 3


def real_operations() -> list[str]:
    """Public operations with real results and a derivative by every real operand.

    Factorisations are left out: random operands are not positive definite, nor well conditioned.
    """
    found = []
    for name in [name for name in operations() if name in FUNCTIONS]:
        primitive = PRIMITIVES[name]
        operands = draw(primitive, primitive.cases[0])
        floats = [i for i, x in enumerate(operands) if np.asarray(x).dtype.kind == "f"]
        factorises = type(primitive).__module__.startswith("autodiff.ops.linalg_")
        if factorises or wanted(primitive, operands) != floats:
            continue
        results = [kernel(primitive, draw(primitive, c), c.params) for c in primitive.cases]
        if not any(np.iscomplexobj(y) for y in results):
            found.append(name)
    return found


def real_dot(v: Any, y: Any) -> Any:
    """The real inner product, which has a gradient also where values are complex."""
    return ad.real(ad.sum(np.conj(v) * y))


def stacks(primitive: Primitive, case: Case) -> tuple[tuple[Any, ...], list[Any]]:
    """The operands of a case, and for each a batch of operands like it (None for a scalar)."""
    operands, rng = draw(primitive, case), generator(primitive)
    pairs = zip(operands, case.operands, strict=True)
    return operands, [_stack(x, o, rng, SIZE) for x, o in pairs]


def combinations(batches: Sequence[Any]) -> list[tuple[bool, ...]]:
    """Every choice of operands that carry the batch."""
    options = [(False, True) if b is not None else (False,) for b in batches]
    return [mapped for mapped in itertools.product(*options) if any(mapped)]


def check_vmap(primitive: Primitive, case: Case) -> None:
    """``vmap`` of the operation equals a loop, whichever operands carry the batch, and nested."""
    operands, batches = stacks(primitive, case)

    def call(*xs: Any) -> Any:
        return apply(primitive, *xs, **case.params)

    for mapped in combinations(batches):
        rows = [b if m else x for b, m, x in zip(batches, mapped, operands, strict=True)]
        axes = tuple(0 if m else None for m in mapped)
        what = f"{primitive.name}: vmap with in_axes {axes} of {case}"
        with np.errstate(all="ignore"):
            got = ad.vmap(call, in_axes=axes)(*rows)
        expected = np.stack([_one(primitive, case, rows, mapped, k) for k in range(SIZE)])
        assert type(got) is np.ndarray and got.dtype == expected.dtype, what
        assert_close(got, expected, "reference", what)
        check_nested(primitive, case, rows, mapped, expected)


def _one(
    primitive: Primitive, case: Case, rows: Sequence[Any], mapped: Sequence[bool], k: int
) -> Any:
    row = [x[k] if m else x for x, m in zip(rows, mapped, strict=True)]
    return np.asarray(kernel(primitive, row, case.params))


def check_nested(
    primitive: Primitive, case: Case, rows: list[Any], mapped: tuple[bool, ...], expected: Any
) -> None:
    """Two calls of ``vmap``: the first mapped operand over the outer, the others over the inner."""
    first = mapped.index(True)
    inner = tuple(0 if m and i != first else None for i, m in enumerate(mapped))
    if inner.count(0) == 0:
        return
    outer = tuple(0 if i == first else None for i in range(len(mapped)))

    def call(*xs: Any) -> Any:
        return apply(primitive, *xs, **case.params)

    with np.errstate(all="ignore"):
        got = ad.vmap(ad.vmap(call, in_axes=inner), in_axes=outer)(*rows)
    diagonal = got[np.arange(SIZE), np.arange(SIZE)]
    assert_close(diagonal, expected, "reference", f"{primitive.name}: nested vmap of {case}")


def check_vmap_of_grad(primitive: Primitive, case: Case) -> None:
    """Per-example gradients equal a loop over the examples, also for operands without the batch."""
    operands, batches = stacks(primitive, case)
    which = tuple(wanted(primitive, operands))
    v = like(generator(primitive), kernel(primitive, operands, case.params))

    def loss(*xs: Any) -> Any:
        return real_dot(v, apply(primitive, *xs, **case.params))

    gradient = ad.grad(loss, which, unused="zeros")
    for mapped in combinations(batches):
        rows = [b if m else x for b, m, x in zip(batches, mapped, operands, strict=True)]
        axes = tuple(0 if m else None for m in mapped)
        got = ad.vmap(gradient, in_axes=axes)(*rows)
        for k in range(SIZE):
            row = [x[k] if m else x for x, m in zip(rows, mapped, strict=True)]
            for i, g, e in zip(which, got, gradient(*row), strict=True):
                what = f"{primitive.name}: vmap of grad, in_axes {axes}, operand {i} of {case}"
                assert g.dtype == e.dtype, what
                assert_close(g[k], e, "reference", what)


def check_jvp(primitive: Primitive, case: Case) -> None:
    """Forward mode equals the numeric derivative, and the transpose of reverse mode."""
    operands = draw(primitive, case)
    which = wanted(primitive, operands)
    rng = generator(primitive)
    moving = [operands[i] for i in which]
    tangents = [like(rng, x) for x in moving]

    call = function_of(primitive, case, operands, which)
    y, t = ad.jvp(call, moving, tangents)
    what = f"{primitive.name}: jvp of {case}"
    assert np.shape(t) == np.shape(y) and np.asarray(t).dtype == np.asarray(y).dtype, what
    v = like(rng, y)
    _, pull = ad.vjp(call, *moving)
    pairs = list(zip(pull(v), tangents, strict=True))
    size = sum(np.abs(g * u).sum() for g, u in pairs) + 1.0
    difference = abs(dot(v, t) - sum(dot(g, u) for g, u in pairs))
    assert difference <= tolerance(np.float64, "derivative") * size, f"{what}: {difference}"
    for i, u, x in zip(which, tangents, moving, strict=True):
        if not x.size:
            continue  # there is no direction to go

        def value(z: Any, i: int = i) -> Any:
            return dot(v, kernel(primitive, (*operands[:i], z, *operands[i + 1 :]), case.params))

        expected, error = richardson(value, x, u)
        alone = [w if w is u else np.zeros_like(w) for w in tangents]
        got = dot(v, ad.jvp(call, moving, alone)[1])
        limit = tolerance(np.float64, "numeric") * max(abs(expected), 1.0)
        assert error < limit and abs(got - expected) <= limit, f"{what}: {got}, not {expected}"


def check_second_order(primitive: Primitive, case: Case) -> None:
    """Forward over reverse equals reverse over reverse, and reverse over forward."""
    operands = draw(primitive, case)
    which = wanted(primitive, operands)
    rng = generator(primitive)
    v = like(rng, kernel(primitive, operands, case.params))
    moving = [operands[i] for i in which]
    tangents = [like(rng, x) for x in moving]

    call = function_of(primitive, case, operands, which)

    def loss(*xs: Any) -> Any:
        return real_dot(v, call(*xs))

    every = tuple(range(len(which)))
    gradient = ad.grad(loss, every, unused="zeros")

    def along(*xs: Any) -> Any:
        return sum(real_dot(u, g) for g, u in zip(gradient(*xs), tangents, strict=True))

    def slope(*xs: Any) -> Any:
        return ad.jvp(loss, xs, tangents)[1]

    forward = ad.jvp(gradient, moving, tangents)[1]
    for name, other in (("reverse over reverse", along), ("reverse over forward", slope)):
        expected = ad.grad(other, every, unused="zeros")(*moving)
        for i, f, e in zip(which, forward, expected, strict=True):
            what = f"{primitive.name}: forward over reverse against {name}, operand {i} of {case}"
            assert_close(np.asarray(f), np.asarray(e), "derivative", what)
