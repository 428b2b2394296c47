"""``python -m benchmarks.checkers.network WIDTH ...``: seconds to check a network, as JSON."""

from __future__ import annotations

import json
import sys
import time
from typing import Any

import numpy as np

import autodiff as ad
import nn

BATCH = 32


def check(width: int, budget: float | None) -> dict[str, Any]:
    """Parameters of a network of four layers, and seconds of one check of all of them."""
    nn.seed(0)
    layers = [nn.Dense(width, width, activation="tanh") for _ in range(3)]
    model = nn.Sequential(*layers, nn.Dense(width, 10))
    x = np.random.default_rng(0).normal(size=(BATCH, width)).astype(np.float32)
    settings: dict[str, Any] = {} if budget is None else {"budget": budget}
    start = time.perf_counter()
    report = ad.gradcheck(model, x, **settings)
    seconds = time.perf_counter() - start
    if report.verdict != "correct":
        raise AssertionError(f"the check of the network is {report.verdict}:\n{report}")
    size = sum(p.size for p in model.named_parameters().values())
    return {"parameters": size, "seconds": seconds, "power": report.power}


def main(widths: list[int]) -> None:
    """The default budget at the first width; at all widths the least: a direction an array."""
    check(16, None)  # what is loaded and made at the first use is not the check's
    found = {"default": [check(widths[0], None) for _ in range(3)]}
    found["least"] = [check(width, 0.0) for width in widths for _ in range(3)]
    print(json.dumps(found))


if __name__ == "__main__":
    main([int(width) for width in sys.argv[1:]])
