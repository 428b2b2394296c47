"""``autograd.test_util.check_grads``."""

from __future__ import annotations

from typing import Any

import numpy as np
from autograd.extend import defvjp, primitive
from autograd.test_util import check_grads


@primitive  # type: ignore[untyped-decorator]  # untyped library
def sine(x: Any, weights: Any) -> Any:
    """The sum of the sine, with a planted rule."""
    return np.sum(np.sin(x))


defvjp(sine, lambda y, x, weights: lambda g: g * weights * np.cos(x), None)


def caught(x: Any, weights: Any) -> bool:
    """Whether the planted rule is refused."""
    np.random.seed(0)
    try:
        check_grads(lambda p: sine(p, weights), modes=["rev"], order=1)(x)
    except AssertionError:
        return True
    return False


CHECKERS = {"": (caught, None)}
