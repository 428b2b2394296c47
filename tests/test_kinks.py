"""The gradient that is chosen where there is no derivative: measured, and compared with the page.

``python -m tests.test_kinks`` writes the page anew, ``docs/conventions.md``.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

import autodiff as ad

PAGE = Path(__file__).resolve().parent.parent / "docs" / "conventions.md"
INF, NAN = float("inf"), float("nan")


class Kink(NamedTuple):
    """A function at a point, the gradient that was chosen, and why."""

    text: str
    function: Callable[..., Any]
    point: tuple[Any, ...]
    gradient: tuple[Any, ...]
    reason: str


KINKS = (
    Kink("abs(x)", ad.abs, (0.0,), (0.0,), "middle of [−1, 1]"),
    Kink("sign(x)", ad.sign, (0.0,), (0.0,), "constant on either side"),
    Kink("floor(x)", ad.floor, (1.0,), (0.0,), "constant on either side"),
    Kink("round(x)", ad.round, (0.5,), (0.0,), "constant on either side"),
    Kink(
        "relu(x)", ad.relu, (0.0,), (0.0,), "as in the literature; the entry counts as not selected"
    ),
    Kink(
        "leaky_relu(x)", ad.leaky_relu, (0.0,), (0.01,), "the slope of the left side, as for relu"
    ),
    Kink("elu(x)", ad.elu, (0.0,), (1.0,), "both sides agree"),
    Kink("maximum(a, b)", ad.maximum, (1.0, 1.0), (0.5, 0.5), "a tie is shared equally"),
    Kink("minimum(a, b)", ad.minimum, (1.0, 1.0), (0.5, 0.5), "a tie is shared equally"),
    Kink("max(x)", ad.max, ([2.0, 1.0, 2.0],), ([0.5, 0.0, 0.5],), "a tie is shared equally"),
    Kink("min(x)", ad.min, ([2.0, 1.0, 1.0],), ([0.0, 0.5, 0.5],), "a tie is shared equally"),
    Kink(
        "clip(x, 0, 1)",
        lambda x: ad.clip(x, 0.0, 1.0),
        ([0.0, 1.0],),
        ([1.0, 1.0],),
        "the bounds belong to the interval",
    ),
    Kink("sqrt(x)", ad.sqrt, (0.0,), (INF,), "the limit from the right; visible, not hidden"),
    Kink("sqrt(x)**2", lambda x: ad.sqrt(x) ** 2, (0.0,), (NAN,), "0 · ∞ by the chain rule"),
    Kink("norm(x)", ad.norm, ([0.0, 0.0],), ([0.0, 0.0],), "the subgradient of least length"),
    Kink("hypot(a, b)", ad.hypot, (0.0, 0.0), (0.0, 0.0), "the subgradient of least length"),
    Kink("std(x)", ad.std, ([1.0, 1.0],), ([0.0, 0.0],), "the subgradient of least length"),
    Kink("log(x)", ad.log, (0.0,), (INF,), "the limit from the right"),
    Kink("x**2", lambda x: x**2, (0.0,), (0.0,), "a derivative exists"),
    Kink("x**1", lambda x: x**1, (0.0,), (1.0,), "a derivative exists"),
    Kink("x**0", lambda x: x**0, (0.0,), (0.0,), "the function is 1 everywhere"),
    Kink("power(a, 2)", ad.power, (0.0, 2.0), (0.0, 0.0), "0**b is 0 for every b > 0"),
    Kink("power(a, 0.5)", ad.power, (0.0, 0.5), (INF, 0.0), "the limit from the right"),
    Kink(
        "sort(x)[0]",
        lambda x: ad.sort(x)[0],
        ([2.0, 1.0, 1.0],),
        ([0.0, 1.0, 0.0],),
        "equal entries keep their order",
    ),
    Kink("prod(x)", ad.prod, ([0.0, 2.0, 3.0],), ([6.0, 0.0, 0.0],), "the products of the others"),
    Kink(
        "where(x > 0, sqrt(x), x)",
        lambda x: ad.where(x > 0, ad.sqrt(x), x),
        (0.0,),
        (1.0,),
        "the branch that was not selected is absent",
    ),
)


def measured(kink: Kink) -> tuple[Any, ...]:
    """The gradients, of first order, without and with a recorded graph; both must agree."""
    inputs = [ad.tensor(p, requires_grad=True) for p in kink.point]
    with np.errstate(divide="ignore"):
        y = ad.sum(kink.function(*inputs))
    plain = ad.gradients(y, inputs, unused="zeros")
    recorded = ad.gradients(y, inputs, unused="zeros", create_graph=True)
    for a, b in zip(plain, recorded, strict=True):
        np.testing.assert_array_equal(a.data, b.data, err_msg=kink.text)
    return tuple(g.data.tolist() for g in plain)


@pytest.mark.parametrize("kink", KINKS, ids=lambda k: k.text)
def test_kink(kink: Kink) -> None:
    for got, expected in zip(measured(kink), kink.gradient, strict=True):
        np.testing.assert_array_equal(got, expected)


def shown(values: tuple[Any, ...]) -> str:
    """Numbers as in the page."""
    text = ", ".join(str(v) for v in values)
    return text.replace("inf", "∞").replace("nan", "NaN")


def page() -> str:
    """The page, from what is measured."""
    rows = [f"| `{k.text}` | {shown(k.point)} | {shown(measured(k))} | {k.reason} |" for k in KINKS]
    return "\n".join(
        [
            "# Conventions at kinks",
            "",
            "Where a function has no derivative, or an infinite one, a gradient is chosen.",
            "`python -m tests.test_kinks` writes this table from what is measured;",
            "a test compares the two.",
            "",
            "| function | at | gradient | reason |",
            "|---|---|---|---|",
            *rows,
            "",
        ]
    )


def test_the_page_says_what_is_measured() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run: python -m tests.test_kinks"


if __name__ == "__main__":
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(page(), encoding="utf-8")
