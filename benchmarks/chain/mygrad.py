"""The chain in MyGrad."""

from __future__ import annotations

from typing import Any

import mygrad as mg

from benchmarks.chain.program import START, chain


def steps(compile: Any) -> dict[str, Any]:
    """The chain recorded, and the gradient of its sum."""

    def gradient() -> Any:
        start = mg.tensor(START)
        chain(mg, start).sum().backward()
        return start.grad

    return {"forward": lambda: chain(mg, mg.tensor(START)).data, "gradient": gradient}
