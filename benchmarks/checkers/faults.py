"""``python -m benchmarks.checkers.faults FIRST STRIDE MODEL``: every fault in every primitive.

Prints JSON: how many faults were planted, missed, put down to another operation, and explained in
other words than the fault's; with a list of those. A fault that changes no gradient is none.
"""

from __future__ import annotations

import itertools
import json
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np

import autodiff as ad
from autodiff.checking.mutate import FAULTS, broken
from benchmarks.checkers.applications import SCOPE, Application, applications, primitives

SCALE = "scale 1 + 1e-8"
# What the diagnosis must say. An entry that alone is not zero leaves zeros when it is dropped.
WORDS = {
    SCALE: ("factor 1 + 1e-08",),
    "scale 1.001": ("factor 1.001",),
    "sign": ("sign",),
    "dropped entry": ("dropped", "the rule gives zero"),
    "transposed": ("transposed",),
    "missing sum": ("missing sum",),
}


def _changed(fault: str, app: Application, i: int) -> Any:
    if fault == SCALE:
        return lambda pulled: np.asarray(pulled) * (1.0 + 1e-8)

    def change(pulled: Any) -> Any:
        value = np.asarray(pulled)
        # A stand-in that has what is read.
        return np.asarray(FAULTS[fault](value, app, i), value.dtype)  # type: ignore[arg-type]

    return change


def _gradients(f: Any, app: Application) -> list[Any]:
    xs = [ad.tensor(x, requires_grad=True) for x in app.points]
    y = f(*xs)
    v = np.random.default_rng(1).normal(size=y.shape)
    return [g.data for g in ad.gradients(y, xs, cotangents=v, unused="zeros")]


def planted(app: Application, model: bool) -> Iterator[tuple[str, int, Any]]:
    """Every fault of every operand that changes a gradient: its name, the operand, the function."""
    right = app.function()(*[ad.tensor(x, requires_grad=True) for x in app.points])
    if right.dtype.kind != "f" or not right.size or not right.requires_grad:
        return
    expected = _gradients(app.function(), app)
    for i, fault in itertools.product(app.wanted, WORDS):
        twin = broken(app, i, _changed(fault, app, i))  # type: ignore[arg-type]  # has what is read
        found = _gradients(app.function(twin), app)
        if all(np.allclose(a, b, 1e-12, 1e-15) for a, b in zip(expected, found, strict=True)):
            continue
        yield fault, i, app.model(twin) if model else app.function(twin)


def main(first: int, stride: int, model: bool) -> None:
    """Check every planted fault of every ``stride``-th application."""
    tally: dict[str, Any] = {"planted": 0, "missed": 0, "misnamed": 0, "misread": 0, "which": []}
    chosen = [app for p in primitives() for app in applications(p, 0)]
    if model:  # one sample call of each primitive, the largest: the model takes a second
        best = {app.primitive.name: app for app in sorted(chosen, key=_size)}
        chosen = list(best.values())
    for app in chosen[first::stride]:
        for fault, i, f in planted(app, model):
            tally["planted"] += 1
            report = ad.gradcheck(f, *app.points)
            culprit = report.culprit
            if report.verdict != "wrong":
                wrong = "missed"
            elif culprit is None or culprit.module != SCOPE:
                wrong = "misnamed"
            elif not any(w in culprit.diagnosis for w in WORDS[fault]):
                wrong = "misread"
            else:
                continue
            tally[wrong] += 1
            said = culprit.diagnosis if culprit else ""
            tally["which"].append(f"{wrong}: {app.primitive.name}, operand {i}: {fault}: {said}")
    print(json.dumps(tally))


def _size(app: Application) -> int:
    return sum(x.size for x in app.points)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3] == "model")
