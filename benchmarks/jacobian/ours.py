"""The Jacobian by ``ad.jacobian``: one recorded forward pass, one batched walk."""

from __future__ import annotations

from functools import partial
from typing import Any

import autodiff as ad
from benchmarks.jacobian import A, B, X
from benchmarks.jacobian.program import function


def steps(compile: Any) -> dict[str, Any]:
    """The Jacobian."""
    jacobian = compile(ad.jacobian(partial(function, ad, a=ad.tensor(A), b=ad.tensor(B))))
    return {"jacobian": lambda: jacobian(X)}
