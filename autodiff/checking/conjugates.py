"""What is wrong with a rule on complex values: the factor, or a conjugate.

The walk carries conjugates of gradients (see ``transforms.reverse``), so that the pairing of a
cotangent v with a tangent t is Re Σ v t, and the derivative for one entry z of an operand is
E = Re(v · ∂y/∂Re z) - i Re(v · ∂y/∂Im z).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from autodiff.checking.tape import Array, pull_one
from autodiff.node import Node

SAMPLE = 64  # entries of an operand that are looked at
CLOSE = 1e-6  # the part of the derivative that an explanation may leave

Push = Callable[[Array], Array]


def explain_complex(node: Node, operand: int, push: Push) -> tuple[tuple[int, ...] | None, str]:
    """The entry that is farthest off, and a diagnosis; ``push`` is the kernel's derivative."""
    rng = np.random.default_rng(0)
    v = rng.normal(size=node.shape)
    if node.dtype.kind == "c":
        v = v + 1j * rng.normal(size=node.shape)
    rule = pull_one(node, v)[operand]
    if rule is None:
        return None, "the rule gives no gradient (None)"
    turned = pull_one(node, np.conj(v))[operand]
    where = rng.permutation(rule.size)[:SAMPLE]
    expected = np.array([_derivative(node, operand, int(k), v, push) for k in where])
    found = rule.ravel()[where]
    if node.inputs[operand].dtype.kind != "c":
        found = found.real
    worst = int(np.argmax(np.abs(found - expected)))
    index = tuple(map(int, np.unravel_index(where[worst], rule.shape)))
    other = found if turned is None else turned.ravel()[where]
    return index, _words(found, other, expected)


def _derivative(node: Node, operand: int, k: int, v: Array, push: Push) -> complex:
    source: Any = node.inputs[operand]
    unit = np.zeros(source.shape, source.dtype)
    unit.flat[k] = 1.0
    real = float(np.sum(v * push(unit)).real)
    if source.dtype.kind != "c":
        return real
    return real - 1j * float(np.sum(v * push(1j * unit)).real)


def _words(found: Array, turned: Array, expected: Array) -> str:
    top = float(np.abs(expected).max()) or 1.0

    def same(candidate: Array) -> bool:
        return bool(np.abs(candidate - expected).max() <= CLOSE * top)

    if not found.any():
        return "the rule gives zero everywhere: no gradient passes"
    if same(np.conj(turned)):
        return (
            "conjugate missing: the rule multiplies by the conjugate of what it should (a user's "
            "rule by the conjugate of the derivative, a primitive's by the derivative)"
        )
    if same(np.conj(found)):
        return "conjugate missing: the rule gives the conjugate of the gradient"
    factor = complex(np.vdot(expected, found) / np.vdot(expected, expected)) if top else 0j
    if factor and same(found / factor):
        if abs(factor.imag) > CLOSE * abs(factor):
            return f"factor {factor:.6g}: the rule gives the derivative times this"
        if abs(factor.real + 1.0) < CLOSE:
            return "sign: the rule gives the negative of the derivative"
        return f"factor {factor.real:.9g}: the rule gives the derivative times this"
    return "rule and kernel differ on complex values"
