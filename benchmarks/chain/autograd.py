"""The chain in autograd, which records only while it differentiates."""

from __future__ import annotations

from typing import Any

import autograd
import autograd.numpy as anp

from benchmarks.chain.program import START, chain


def steps(compile: Any) -> dict[str, Any]:
    """The chain recorded (the start of ``make_vjp``), and the gradient of its sum."""
    gradient = autograd.grad(lambda z: anp.sum(chain(anp, z)))
    recorded = autograd.make_vjp(lambda z: chain(anp, z))
    return {"forward": lambda: recorded(START)[1], "gradient": lambda: gradient(START)}
