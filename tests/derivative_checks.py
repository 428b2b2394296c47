"""The checks of derivatives: plain functions of a primitive and a case, like ``checks``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

import autodiff as ad
from autodiff.node import Node
from autodiff.primitive import Absent, Case, Primitive
from autodiff.tensor import Tensor, apply
from tests.checks import dot, draw, generator, kernel, lift, like, pull, wanted
from tests.numeric import complex_step, richardson
from tests.tolerances import assert_close, tolerance


def check_inner_product(primitive: Primitive, case: Case, dtype: Any = np.float64) -> None:
    """The forward and the reverse rule are transposes: ``<v, J u> = <J^T v, u>``."""
    operands = draw(primitive, case, dtype)
    which = wanted(primitive, operands)
    rng = generator(primitive)
    y = np.asarray(kernel(primitive, operands, case.params))
    v = like(rng, y)
    groups = [[i] for i in which] + ([which] if len(which) > 1 else [])
    for group in groups:
        tangents = [like(rng, x) if i in group else None for i, x in enumerate(operands)]
        pushed = primitive.push(tangents, y, operands, **case.params)
        pushed = np.zeros_like(y) if pushed is None else np.asarray(pushed)
        what = f"{primitive.name}: <v, J u> = <J'v, u> for the operands {group}"
        assert pushed.shape == y.shape, f"{what}: push has shape {pushed.shape}, not {y.shape}"
        assert pushed.dtype == y.dtype, f"{what}: push has dtype {pushed.dtype}, not {y.dtype}"
        pulled = pull(primitive, operands, case.params, group, v)
        terms = [np.conj(g) * tangents[i] for g, i in zip(pulled, group, strict=True)]
        # Measured against the size of the terms: the sums themselves may cancel.
        size = sum(np.abs(t).sum() for t in terms) + np.abs(v * pushed).sum() + 1.0
        difference = abs(dot(v, pushed) - sum(t.sum().real for t in terms))
        assert difference <= tolerance(y.dtype, "derivative") * size, f"{what}: {difference}"


def check_vjp(primitive: Primitive, case: Case, dtype: Any = np.float64) -> None:
    """The reverse rule gives the derivative of the kernel, in two random directions."""
    operands = draw(primitive, case, dtype)
    rng = generator(primitive)
    v = like(rng, kernel(primitive, operands, case.params))
    for i in wanted(primitive, operands):
        (pulled,) = pull(primitive, operands, case.params, [i], v)
        assert pulled.shape == operands[i].shape, f"{primitive.name}: gradient {pulled.shape}"
        if not pulled.size:
            continue  # there is no direction to go

        def value(x: Any, i: int = i) -> Any:
            changed = (*operands[:i], x, *operands[i + 1 :])
            y = kernel(primitive, changed, case.params)
            return np.sum(v * y) if np.isrealobj(v) else dot(v, y)  # the first for complex steps

        for _ in range(2):
            u = like(rng, operands[i])
            what = f"{primitive.name}: gradient for operand {i} of {case}"
            compare_directional(value, operands[i], u, dot(pulled, u), what)


def compare_directional(value: Any, x: Any, u: Any, got: float, what: str) -> None:
    """Compare with the complex step where it agrees with differences (is analytic), else these."""
    expected, error = richardson(value, x, u)
    scale = max(abs(expected), 1.0)
    limit = tolerance(np.float64, "numeric") * scale
    assert error < limit, f"{what}: the numeric derivative {expected} is only known to {error}"
    exact = complex_step(value, x, u) if np.isrealobj(x) else None
    if exact is not None and abs(exact - expected) < limit:
        expected, limit = exact, tolerance(np.float64, "derivative") * scale
    assert abs(got - expected) <= limit, f"{what}: {got}, expected {expected} (within {limit:.1e})"


def check_second_order(primitive: Primitive, case: Case, dtype: Any = np.float64) -> None:
    """The reverse rule's own gradient, for the operands and for the cotangent."""
    operands = draw(primitive, case, dtype)
    which = wanted(primitive, operands)
    rng = generator(primitive)
    v = like(rng, kernel(primitive, operands, case.params))
    weights = [like(rng, operands[i]) for i in which]

    def first(points: Sequence[Any]) -> Any:
        changed = list(operands)
        for i, x in zip(which, points, strict=False):
            changed[i] = x
        pulled = pull(primitive, changed, case.params, which, points[-1])
        return sum(dot(w, g) for w, g in zip(weights, pulled, strict=True))

    points = [*(operands[i] for i in which), v]
    got = _second(primitive, operands, case.params, which, v, weights) if which else []
    for k, g in enumerate(got):
        u = like(rng, points[k])
        if not u.size:
            continue  # there is no direction to go

        def value(x: Any, k: int = k) -> Any:
            return first([*points[:k], x, *points[k + 1 :]])

        expected, error = richardson(value, points[k], u)
        limit = tolerance(np.float64, "numeric") * max(abs(expected), 1.0)
        what = f"{primitive.name}: second order, {'cotangent' if k == len(which) else which[k]}"
        assert error < limit, f"{what}: the numeric derivative {expected} is only known to {error}"
        difference = abs(dot(g, u) - expected)
        assert difference <= limit, f"{what}: {dot(g, u)}, expected {expected}"


def _second(
    primitive: Primitive,
    operands: Sequence[Any],
    params: dict[str, Any],
    which: list[int],
    v: Any,
    weights: list[Any],
) -> list[np.ndarray[Any, Any]]:
    """Gradients of ``sum_i <w_i, (J^T v)_i>`` for the wanted operands and for ``v``."""
    lifted = lift(operands, which)
    v = ad.tensor(v, requires_grad=True)
    inputs = [lifted[i] for i in which]
    y = apply(primitive, *lifted, **params)
    pulled = ad.gradients(y, inputs, cotangents=v, create_graph=True, unused="zeros")
    moving = [(g, w) for g, w in zip(pulled, weights, strict=True) if g.requires_grad]
    if not moving:
        return [np.zeros(x.shape) for x in (*inputs, v)]
    found = ad.gradients(
        [g for g, _ in moving], [*inputs, v], cotangents=[w for _, w in moving], unused="zeros"
    )
    return [g.numpy() for g in found]


def check_presence(primitive: Primitive, case: Case) -> None:
    """Where a gradient is absent it is zero, and where it can only be zero it is absent."""
    operands = draw(primitive, case)
    which = wanted(primitive, operands)
    rng = generator(primitive)
    for i in which:
        lifted = lift(operands, [i])
        y = apply(primitive, *lifted, **case.params)
        jacobian = _jacobian(y, lifted[i])
        mask = rng.random(y.shape) < 0.5
        for given in (None, mask) if primitive.selects else (mask,):
            rows = jacobian if given is None else jacobian[given.ravel()]
            reached = (rows != 0).any(axis=0).reshape(operands[i].shape)
            able = (jacobian != 0).any(axis=0).reshape(operands[i].shape)
            presence = _presence(primitive, i, given, y.node, operands[i].shape)
            what = f"{primitive.name}: presence for operand {i}, mask {given} of {case}"
            assert (presence | ~reached).all(), f"{what}: a gradient is taken away"
            missed = presence & ~reached & (able if given is not None else ~able)
            assert not missed.any(), f"{what}: an absent gradient is called present"


def _jacobian(y: Tensor, x: Tensor) -> Any:
    rows = []
    for k in range(y.size):
        e = np.zeros(y.size)
        e[k] = 1.0
        with ad.ieee():
            row = ad.gradients(y, x, cotangents=e.reshape(y.shape), unused="zeros")
        rows.append(row.numpy().ravel())
    return np.array(rows).reshape(y.size, x.size)


def _presence(primitive: Primitive, i: int, mask: Any, node: Node, shape: tuple[int, ...]) -> Any:
    presence = primitive.presence(i, mask, node)
    if presence is None:
        return np.ones(shape, bool)
    assert np.asarray(presence).dtype == bool, f"{primitive.name}: presence is {presence!r}"
    extra = presence.ndim - len(shape)
    presence = presence.any(axis=tuple(range(extra)))
    axes = tuple(k for k, n in enumerate(shape) if n == 1 != presence.shape[k])
    return presence.any(axis=axes, keepdims=True)


def check_float32(primitive: Primitive, case: Case, dtype: Any = np.float32) -> None:
    """Gradients in single precision are single, and those of double up to rounding; second order
    too.
    """
    operands = draw(primitive, case, dtype)
    which = wanted(primitive, operands)
    if not which:
        return
    rng = generator(primitive)
    v = like(rng, kernel(primitive, operands, case.params))
    weights = [like(rng, operands[i]) for i in which]
    wide = [
        x.astype(np.result_type(x, np.float64))
        if isinstance(x, np.ndarray) and x.dtype == dtype
        else x
        for x in operands
    ]
    arguments = (case.params, which)
    got = pull(primitive, operands, *arguments, v)
    got += _second(primitive, operands, *arguments, v, weights)
    v = v.astype(np.result_type(v, np.float64))
    expected = pull(primitive, wide, *arguments, v)
    wider = [w.astype(np.result_type(w, np.float64)) for w in weights]
    expected += _second(primitive, wide, *arguments, v, wider)
    for k, (g, e) in enumerate(zip(got, expected, strict=True)):
        what = f"{primitive.name}: {np.dtype(dtype)} gradient {k} of {case}"
        if k < len(which):
            assert g.dtype == operands[which[k]].dtype, f"{what} is {g.dtype}"
        assert_close(g, e, "derivative", what, dtype=np.float32)


def check_scalars(primitive: Primitive, case: Case) -> None:
    """A Python number in the place of an operand gives the gradients of an array of its value."""
    operands = list(draw(primitive, case))
    for j in wanted(primitive, operands):
        number = float(operands[j].mean()) if operands[j].size else 1.0
        bare = [*operands[:j], number, *operands[j + 1 :]]
        array = [*operands[:j], np.array(number), *operands[j + 1 :]]
        which = wanted(primitive, bare)
        if not which:
            continue
        y = np.asarray(kernel(primitive, bare, case.params))
        v = like(generator(primitive), y)
        weights = [np.ones(operands[i].shape) for i in which]
        got = pull(primitive, bare, case.params, which, v)
        got += _second(primitive, bare, case.params, which, v, weights)
        expected = pull(primitive, array, case.params, which, v)
        expected += _second(primitive, array, case.params, which, v, weights)
        for g, e in zip(got, expected, strict=True):
            assert_close(g, e, "same", f"{primitive.name}: the number {number} as operand {j}")


def check_special(primitive: Primitive, value: float) -> None:
    """Where formulas break, gradients of first and second order are finite."""
    case = primitive.cases[0]
    for i in wanted(primitive, draw(primitive, case)):
        operands = list(draw(primitive, case))
        operands[i] = np.full(operands[i].shape, value)
        v = np.ones(np.shape(kernel(primitive, operands, case.params)))
        weights = [np.ones(operands[i].shape)]
        found = pull(primitive, operands, case.params, [i], v)
        found += _second(primitive, operands, case.params, [i], v, weights)
        for order, g in zip((1, 2, 2), found, strict=True):
            what = f"{primitive.name}: order {order} at operand {i} = {value}"
            assert np.isfinite(g).all(), f"{what}: {g}"


def check_absent(primitive: Primitive, case: Case) -> None:
    """A rule that cannot exist raises its reason when it is used."""
    operands = draw(primitive, case)
    for i, rule in enumerate(primitive.pulls_for(len(operands))):
        if rule is None or not isinstance(rule.function, Absent):
            continue
        lifted = lift(operands, [i])
        y = apply(primitive, *lifted, **case.params)
        try:
            ad.gradients(y, lifted[i], cotangents=np.ones(y.shape, y.dtype))
        except ad.GradientError as raised:
            assert rule.function.reason in str(raised), f"{primitive.name}: {raised}"
        else:
            raise AssertionError(f"{primitive.name}: operand {i} has no rule, yet a gradient")
