"""The objective and its gradient in autodiff."""

from __future__ import annotations

from functools import partial
from typing import Any

import autodiff as ad
from benchmarks.gmm import ALPHAS, FACTORS, MEANS, X
from benchmarks.gmm.program import objective


def steps(compile: Any) -> dict[str, Any]:
    """The objective and its gradient."""
    f = compile(ad.value_and_grad(partial(objective, ad, ad.logsumexp), argnums=(0, 1, 2)))
    arguments = [ad.tensor(a) for a in (ALPHAS, MEANS, FACTORS, X)]
    return {"gradient": lambda: f(*arguments)}
