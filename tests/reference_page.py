"""The reference page ``docs/reference.md``: a row for each public function, measured.

The measurements themselves stand in ``tests.reference``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import scipy

import autodiff as ad
from autodiff.registry import PRIMITIVES
from tests.reference import (
    Run,
    Slopes,
    Trial,
    check_values,
    check_vmap,
    complex_values,
    floating,
    leaves_of,
    numbers_in,
    quiet,
    samples_of,
    source_of,
)

DASH = "–"


class Row(NamedTuple):
    """A line of the page."""

    name: str
    others: list[str]
    follows: str
    kind: str
    cells: tuple[str, str, str, str, str]  # reverse, forward, second order, vmap, complex

    def __str__(self) -> str:
        names = " = ".join(f"`{n}`" for n in (self.name, *self.others))
        return f"| {' | '.join([names, self.follows, self.kind, *self.cells])} |"


def verdict(check: Callable[[], Any]) -> str:
    """A cell: whether the check passes, or the error that it meets."""
    try:
        check()
    except AssertionError:
        return "wrong"
    except Exception as error:
        return f"raises {type(error).__name__}"
    return "✓"


def worst(cells: list[str]) -> str:
    """Of several samples, what does not pass."""
    return next((c for c in cells if c != "✓"), "✓") if cells else DASH


def moves(call: Trial) -> bool:
    """Whether a result of the call has a gradient."""
    found = floating(call(*leaves_of(call.values)))
    return any(isinstance(y, ad.Tensor) and y.requires_grad for y in found)


def measure(name: str, function: Run, others: list[str]) -> Row:
    """The row of a function."""
    calls = samples_of(name, function)
    kind = kind_of(name, function)
    with quiet():
        path, source = source_of([name, *others])
        same = source is not None and [check_values(c, source, c.values) for c in calls]
        follows = f"`{path}`" if same and any(same) else ""
        try:
            moving = [c for c in calls if c.values and moves(c)]
        except ad.GradientError:
            return Row(name, others, follows, kind, ("raises GradientError", *[DASH] * 4))
        modes = slopes(name, moving) if moving else (constant(function, calls), DASH, DASH)
        batch = worst([verdict(lambda c=c: check_vmap(c)) for c in calls if operands(c)])
        twisted = complex_cell(name, calls, source)
    return Row(name, others, follows, kind, (*modes, batch, twisted))


def kind_of(name: str, function: Run) -> str:
    """Whether a function has rules of its own, is written with others, or is no operation."""
    module = getattr(function, "__module__", "")
    if not module.startswith("autodiff.ops"):
        return "transform" if module.startswith("autodiff.transforms") else DASH
    own = name.rpartition(".")[2] in PRIMITIVES
    return "primitive" if own else "composite"


def operands(call: Trial) -> bool:
    """Whether there is something to batch, and an array to compare."""
    given = list(numbers_in((call.args, call.kwargs), "fciub"))
    return bool(given) and bool(call(*call.values))


def slopes(name: str, calls: list[Trial]) -> tuple[str, str, str]:
    """The cells of the modes and of the second order."""
    found = [Slopes(name, c, c.values) for c in calls]
    reverse = worst([verdict(s.reverse) for s in found])
    forward = worst([verdict(s.forward) for s in found])
    if reverse == "✓" and all(s.zero() for s in found):
        return "0", forward, "0"
    return reverse, forward, worst([verdict(s.second) for s in found])


def constant(function: Run, calls: list[Trial]) -> str:
    """Why there is no derivative."""
    kinds = {y.dtype.kind for c in calls for y in c(*c.values)}
    if kinds and not any(c.values for c in calls) and kinds & set("fc"):
        return f"{DASH} no operand"
    if not kinds:
        return f"{DASH} no array"
    if kinds & set("fc"):
        return f"{DASH} constant"
    return f"{DASH} truth values" if kinds == {"b"} else f"{DASH} integers"


def complex_cell(name: str, calls: list[Trial], source: Run | None) -> str:
    """Complex operands: refused, or right in value and both modes."""
    cells = []
    for call in calls:
        if not any(v.dtype.kind == "f" for v in call.values):
            continue
        values = complex_values(call)
        try:
            parts = call(*[ad.tensor(v) for v in values])
        except (ad.DTypeError, ad.UnsupportedError):
            cells.append("real")
            continue
        except Exception as error:
            cells.append(f"raises {type(error).__name__}")
            continue
        if not parts:
            continue
        cells.append(verdict(lambda c=call, v=values: source and check_values(c, source, v)))
        if any(y.dtype.kind in "fc" for y in parts) and moves(call._replace(values=call.values)):
            cells.append(verdict(lambda c=call, v=values: Slopes(name, c, v).reverse()))
            cells.append(verdict(lambda c=call, v=values: Slopes(name, c, v).forward()))
    return worst(cells)


# ---- the page

# Where a function stands on the page, by the module that defines it.
FAMILIES = {
    "Arithmetic and rounding": "elementwise rounding floats extremes integers complex",
    "Exponentials, trigonometry": "exponential logsumexp trigonometric sinc",
    "Activations": "activations softmax",
    "Comparison and logic": "comparison closeness discrete",
    "Reductions and statistics": "reduction statistics quantiles missing accumulation",
    "Differences and signals": "differences signal",
    "Creation and dtypes": "creation dtypes",
    "Movement": "movement arrangement joining assembly diagonal slices",
    "Indexing and selection": "indexing update picking selection positions",
    "Sorting and sets": "sorting sets",
    "Products": "contraction products",
    "Polynomials": "polynomial roots",
    "Special functions": "special gamma normal entropy bessel borrowed incomplete",
    "Linear algebra": (
        "linalg linalg_products linalg_decompositions linalg_systems linalg_sylvester linalg_sparse"
    ),
    "Fourier transforms": "fft",
    "Convolution and pooling": "convolution convolution_transposes pooling pooling_average",
    "Random draws": "random noise",
    "Transforms and control": (
        "reverse functional forward derived batch checkpoint control custom implicit"
    ),
    "Tools": "graph drawing check memory",
    "einops": "einops packing",
}
PLACES = {module: family for family, modules in FAMILIES.items() for module in modules.split()}

HEAD = """\
# Reference: what every function can do

`python -m tests.test_reference` writes this page; a test measures every line of it again. Each
public function is run on sample calls, and a cell says what was found on all of them:

| column | ✓ means |
|---|---|
| follows | the function of {versions} whose values it gives |
| kind | `primitive`: it has rules of its own; `composite`: it is written with others |
| reverse | the gradient is that of extrapolated differences |
| forward | the tangent is the transpose of the gradient |
| second | the gradient of the gradient is that of differences of gradients |
| vmap | a batch gives what a loop gives (of random draws: each example its own) |
| complex | complex operands give the right values, gradients and tangents |

- `0`: piecewise constant, the derivative is 0 off the jumps, in every mode.
- `–`: there is nothing to measure. The column reverse has the reason: the result consists of
  integers or truth values, is no array, is a constant by its documentation, or has no floating
  operand.
- `real`: complex operands are refused in words (DTypeError).
- `raises`: the call raises that error, which says why and what to do.

What runs forward on a Tensor that requires a gradient, depends on it and has no derivative, and
does not say so, over every public function and option, the methods and operators of a Tensor, and
NumPy's names: {lost}.
"""
TITLES = ("function", "follows", "kind", "reverse", "forward", "second", "vmap", "complex")
VERSIONS = " and ".join(
    f"{m.__name__.replace('numpy', 'NumPy').replace('scipy', 'SciPy')} "
    + ".".join(m.__version__.split(".")[:2])
    for m in (np, scipy)
)


def family_of(function: Run) -> str:
    """The section of a function."""
    module = getattr(function, "__module__", "").rpartition(".")[2]
    if module not in PLACES:
        raise LookupError(f"module {module}: name it in FAMILIES of tests/reference_page.py")
    return PLACES[module]


def page(lines: dict[str, str], functions: dict[str, tuple[Run, list[str]]], lost: int = 0) -> str:
    """The page, from its lines by name of the function, and the number of what is lost."""
    text = [HEAD.format(versions=VERSIONS, lost=lost)]
    for family in FAMILIES:
        inside = [lines[n] for n in sorted(functions) if family_of(functions[n][0]) == family]
        head = [f"| {' | '.join(TITLES)} |", "|" + "---|" * len(TITLES)]
        text.append("\n".join([f"## {family}", "", *head, *inside, "", counted(inside), ""]))
    text.append(f"## All\n\n{counted(list(lines.values()))}\n")
    return "\n".join(text)


def counted(lines: list[str]) -> str:
    """How many functions can do what."""
    cells = [[c.strip() for c in line.strip("| ").split(" | ")] for line in lines]
    able = [c for c in cells if not c[3].startswith((DASH, "raises"))]
    parts = [f"{sum(c[k] in ('✓', '0') for c in able)} {TITLES[k]}" for k in (3, 4, 5, 6, 7)]
    less = len(cells) - len(able)
    rest = f", {less} without" if less else ""
    return f"{len(cells)} functions: {len(able)} with a derivative ({', '.join(parts)}){rest}."
