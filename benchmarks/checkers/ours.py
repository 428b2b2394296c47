"""``ad.gradcheck``."""

from __future__ import annotations

from typing import Any

import numpy as np

import autodiff as ad


def caught(x: Any, weights: Any) -> bool:
    """Whether the planted rule is called wrong."""
    sine = ad.custom_vjp(lambda x: np.sin(x))
    sine.defvjp(lambda g, y, x: g * weights * np.cos(x))
    return ad.gradcheck(lambda x: ad.sum(sine(x)), x).verdict == "wrong"


CHECKERS = {"": (caught, None)}
