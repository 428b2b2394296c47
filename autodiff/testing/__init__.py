"""For the tests of whoever differentiates with autodiff: random inputs, random programs, replays.

The strategies are for Hypothesis (``pip install autodiff-nn[test]``); they are loaded when first
named. The plugin of pytest (``autodiff_pytest``) is active wherever the package is installed: it
has the fixture ``gradcheck`` and the options ``--gradcheck-budget`` and ``--gradcheck-seed``.

>>> import autodiff as ad
>>> from autodiff.testing import distinct_arrays
>>> from hypothesis import given
>>> @given(distinct_arrays(low=0.5))
... def test_log(x):
...     assert ad.gradcheck(ad.log, x)
>>> test_log()
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from autodiff.testing.literals import literal
from autodiff.testing.program import Program, Ref, Step
from autodiff.testing.replay import check, snippet

if TYPE_CHECKING:
    from autodiff.testing.generation import programs
    from autodiff.testing.strategies import (
        array_and_axes,
        arrays,
        axes,
        broadcastable,
        distinct_arrays,
        dtypes,
        indices,
        shapes,
        tensors,
    )

__all__ = [
    "Program",
    "Ref",
    "Step",
    "array_and_axes",
    "arrays",
    "axes",
    "broadcastable",
    "check",
    "distinct_arrays",
    "dtypes",
    "indices",
    "literal",
    "programs",
    "shapes",
    "snippet",
    "tensors",
]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'autodiff.testing' has no attribute {name!r}")
    module = "generation" if name == "programs" else "strategies"
    try:
        found = getattr(import_module(f"autodiff.testing.{module}"), name)
    except ImportError as error:
        if (error.name or "").partition(".")[0] != "hypothesis":
            raise
        raise ImportError(
            f"autodiff.testing.{name} needs hypothesis: pip install autodiff-nn[test]",
            name="hypothesis",
        ) from error
    globals()[name] = found
    return found
