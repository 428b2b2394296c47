"""Numeric derivatives of single recorded operations, from kernels alone: no rule is read.

Each operation is differentiated at the operands that were recorded, so that rounding and kinks of
other operations do not reach it. Where its kernel takes complex numbers analytically, the complex
step gives all digits (W. Squire, G. Trapp, "Using complex variables to estimate derivatives of
real functions", 1998); NumPy orders complex numbers by their real parts, ties by the imaginary
ones, so that at a tie the step is the one-sided derivative. Elsewhere differences are
extrapolated entry by entry (Ridders 1982), and their error is known.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from autodiff.checking.numeric import STEPS
from autodiff.node import Node

Array = np.ndarray[Any, Any]
FINER = (2e-8, 2e-9, 2e-10, 2e-11)  # where a kink or a pole is nearer than the last step
TINY = 1e-40  # the imaginary step: its square is lost against any real part
SMALL = 1e-7  # the one-sided step, in units of the operand
CLOSE = 1e-4  # and a step that much smaller, at which a kink is still there
ODD = 1e-4  # two one-sided derivatives that differ by this part are a kink
COMPLEX, DIFFERENCE, CAST = "complex", "difference", "cast"
# Kernels whose values tie or jump: to move their operands apart from each other changes branches.
DISCRETE = frozenset(
    {"max", "min", "sign", "floor", "ceil", "round", "trunc", "floor_divide", "remainder"}
)


def kernel(node: Node, operands: Sequence[Any]) -> Any:
    """The operation's value at other operands, as an array."""
    with np.errstate(all="ignore"):
        return np.asarray(node.primitive.kernel(*operands, **node.params))


def is_smooth(node: Node) -> bool:
    """Whether values may be moved by a rounding error without another branch being taken."""
    p = node.primitive
    return bool(
        p.family in ("elementwise", "bilinear", "general")
        and not p.selects
        and p.differentiable
        and p.name not in DISCRETE
        and p.name != "custom_call"
    )


def jittered(x: Any, rng: np.random.Generator) -> Any:
    """Floats moved up or down by one rounding error; anything else as it is."""
    if not isinstance(x, np.ndarray) or x.dtype.kind != "f":
        return x
    signs = rng.choice([-1.0, 1.0], x.shape)
    return (x * (1.0 + np.finfo(x.dtype).eps * signs)).astype(x.dtype)


class Slopes:
    """Derivatives of recorded operations along tangents, each by the best method it allows."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.rng = rng
        self.methods: dict[Node, str] = {}

    def __call__(
        self, node: Node, operands: Sequence[Any], tangents: Sequence[Any]
    ) -> tuple[Array, Array | None]:
        """The tangent of the output, and a bound on its error where it is not exact."""
        method = self.methods.get(node)
        if method is None:
            method = self.methods[node] = self._choose(node, operands)
        if method == COMPLEX:
            found = complex_step(node, operands, tangents)
            if found is not None:
                return found, None
        if method == CAST:
            found = kernel(node, [tangents[0]])
            eps = np.finfo(node.dtype).eps if node.dtype.kind == "f" else 0.0
            return found, eps * np.abs(found)
        return differences(node, operands, tangents)

    def discrete(self, node: Node, operands: Sequence[Any], tangents: Sequence[Any]) -> Any:
        """A comparison, an index or an order just beside the point, in the tangents' direction."""
        scale = _scale(operands, tangents)
        moved = [
            x if t is None else x + 1j * (t * (TINY / _top(tangents)))
            for x, t in zip(operands, tangents, strict=True)
        ]
        try:
            return kernel(node, moved)
        except TypeError:
            return kernel(node, _moved(operands, tangents, 1e-12 * scale))

    def _random_tangent(self, x: Any) -> Any:
        """Each entry moves in proportion to itself: a small one may be near an edge."""
        if not isinstance(x, np.ndarray) or x.dtype.kind != "f":
            return None
        size = np.where((x == 0) | ~np.isfinite(x), _spread(x) or 1.0, np.abs(x))
        signs = self.rng.choice([-1.0, 1.0], x.shape)
        return size * self.rng.uniform(0.5, 1.5, x.shape) * signs

    def _choose(self, node: Node, operands: Sequence[Any]) -> str:
        if node.primitive.name == "astype":
            return CAST
        tangents = [self._random_tangent(x) for x in operands]
        found = complex_step(node, operands, tangents)
        if found is None:
            return DIFFERENCE
        expected, error = differences(node, operands, tangents)
        top = np.abs(expected).max(initial=0.0)
        with np.errstate(all="ignore"):
            near = np.abs(found - expected) <= 1e-6 * np.abs(expected) + 50 * error + 1e-9 * top
        if not np.all(near | ~np.isfinite(error)):
            # Beside a kink or a pole only the smallest step is on the right side.
            h = CLOSE * SMALL * _scale(operands, tangents)
            with np.errstate(all="ignore"):
                right = (kernel(node, _moved(operands, tangents, h)) - node.output) / h
                near |= np.abs(found - right) <= 1e-2 * np.abs(found)
        # Where differences fail (an edge of the domain), nothing speaks against the complex step.
        return COMPLEX if np.all(near | ~np.isfinite(error)) else DIFFERENCE


def _spread(x: Array) -> float:
    finite = np.where(np.isfinite(x), x, 0.0)
    return float(np.sqrt(np.mean(finite**2))) if x.size else 0.0


def _top(tangents: Sequence[Any]) -> float:
    tops = [float(np.abs(t).max(initial=0.0)) for t in tangents if t is not None]
    return max(tops, default=0.0) or 1.0


def _scale(operands: Sequence[Any], tangents: Sequence[Any]) -> float:
    """The step that moves no operand by more than its own spread."""
    found = []
    for x, t in zip(operands, tangents, strict=True):
        top = 0.0 if t is None else float(np.abs(t).max(initial=0.0))
        if top:
            found.append((_spread(x) or 1.0) / top)
    return min(found, default=1.0)


def _ratio(node: Node, operands: Sequence[Any], tangents: Sequence[Any]) -> Array:
    """Operands in units of their tangents: by this much more the steps themselves are rounded."""
    total = np.zeros(node.shape)
    for x, t in zip(operands, tangents, strict=True):
        if t is None or not np.any(t):
            continue
        if node.primitive.family == "elementwise":
            total = total + np.abs(np.where(t == 0.0, 0.0, x / np.where(t == 0.0, 1.0, t)))
        else:
            total = total + np.abs(x).max() / np.abs(t).max()
    return total


def _moved(operands: Sequence[Any], tangents: Sequence[Any], s: float) -> list[Any]:
    return [x if t is None else x + s * t for x, t in zip(operands, tangents, strict=True)]


def complex_step(node: Node, operands: Sequence[Any], tangents: Sequence[Any]) -> Array | None:
    r"""``Im f(x + i h t) / h``; None where the kernel refuses complex numbers or drops them."""
    h = TINY / _top(tangents)
    moved = [x if t is None else x + 1j * (h * t) for x, t in zip(operands, tangents, strict=True)]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            y = kernel(node, moved)
    except Exception:  # a user's function may raise anything on complex numbers
        return None
    if y.dtype.kind != "c" or y.shape != node.shape:
        return None
    return np.asarray(y.imag / h)


def differences(
    node: Node, operands: Sequence[Any], tangents: Sequence[Any]
) -> tuple[Array, Array]:
    """Extrapolated central differences; at a kink the derivative in the tangents' direction."""
    scale = _scale(operands, tangents)

    def at(s: float) -> Array:
        return np.asarray(kernel(node, _moved(operands, tangents, s)), dtype=np.float64)

    start = at(0.0)
    eps = max(
        (float(np.finfo(x.dtype).eps) for x in (*operands, node) if _floating(x)), default=0.0
    )
    size, ratio = np.abs(start), _ratio(node, operands, tangents)
    best, error = np.zeros(start.shape), np.full(start.shape, np.inf)
    with np.errstate(all="ignore"):
        for step in (*STEPS, *FINER):
            h = step * scale
            central = [(at(h / d) - at(-h / d)) * (d / (2.0 * h)) for d in (1.0, 2.0, 4.0)]
            coarse, fine = ((4.0 * b - a) / 3.0 for a, b in pairwise(central))
            value = (16.0 * fine - coarse) / 15.0
            rounding = 4.1 * eps * (size + np.abs(value) * ratio)
            noise = np.abs(value - coarse) + rounding / h
            better = noise < error
            best, error = np.where(better, value, best), np.where(better, noise, error)
            floor = 5.0 * rounding / (STEPS[0] * scale)
            if np.all(error <= np.maximum(1e-10 * np.abs(best), floor)):
                break
        return _one_sided(at, start, SMALL * scale, eps, best, error)


def _floating(x: Any) -> bool:
    return getattr(getattr(x, "dtype", None), "kind", "") == "f"


def _one_sided(
    at: Callable[[float], Array], start: Array, h: float, eps: float, best: Array, error: Array
) -> tuple[Array, Array]:
    """Take the derivative to the right where it differs from the one to the left."""
    right, left = (at(h) - start) / h, (start - at(-h)) / h
    gap, size = np.abs(right - left), np.abs(right) + np.abs(left)
    kink = (gap > ODD * size) & (gap > 1e3 * eps * np.abs(start) / h)
    if kink.any():  # what only bends strongly comes closer with the step
        near = CLOSE * h
        closer = np.abs((at(near) - start) / near - (start - at(-near)) / near)
        kink &= (closer > 0.5 * gap) & (gap > 1e2 * eps * np.abs(start) / near)
    if not kink.any():
        return best, error
    return np.where(kink, right, best), np.where(kink, 1e-6 * size, error)
