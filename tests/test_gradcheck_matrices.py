"""gradcheck near singular matrices and values that nearly coincide: right rules and wrong ones."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import autodiff as ad
from autodiff.checking.mutate import broken
from autodiff.registry import PRIMITIVES

la = ad.linalg
FUNCTIONS: dict[str, Callable[[Any], Any]] = {
    "inv": la.inv,
    "solve": lambda x: la.solve(x, np.arange(3.0)),
    "pinv": la.pinv,
    "lstsq": lambda x: la.lstsq(x, np.arange(3.0))[0],
    "slogdet": lambda x: la.slogdet(x)[1],
    "cholesky": lambda x: la.cholesky(x @ ad.matrix_transpose(x)),
    "svd": lambda x: la.svd(x)[1],
    "vectors": lambda x: la.svd(x)[0] ** 2,
    "2-norm": lambda x: la.norm(x, 2),
}


def matrix(values: list[float], seed: int) -> Any:
    rng = np.random.default_rng([int(-np.log10(min(values) + 1e-30)), seed])
    u, v = (np.linalg.qr(rng.normal(size=(3, 3)))[0] for _ in range(2))
    return (u * values) @ v.T


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("k", [7, 8, 10, 11, 12, 14, 16])
def test_right_rules_are_not_called_wrong(name: str, k: int) -> None:
    for seed in range(2):
        for values in ([1.0, 0.5, 10.0**-k], [1.0, 1.0 + 10.0**-k, 0.5]):
            x = matrix(values, seed)
            try:
                report = ad.gradcheck(FUNCTIONS[name], x, seed=seed)
            except (np.linalg.LinAlgError, ad.GradientError):
                continue  # there is no value, or no gradient, and that is said
            assert report.verdict != "wrong", f"{values}, {seed}: {report}"


@pytest.mark.parametrize(
    ("primitive", "name", "values"),
    [
        ("inv", "inv", [1.0, 0.5, 1e-8]),
        ("solve", "solve", [1.0, 0.5, 1e-9]),
        ("pinv", "pinv", [1.0, 0.5, 1e-6]),
        ("svd", "svd", [1.0, 1.0 + 1e-7, 0.5]),
        ("svd", "vectors", [1.0, 1.0 + 1e-6, 0.5]),
        ("svd", "svd", [1.0, 0.5, 1e-9]),
    ],
)
def test_wrong_rules_are_called_wrong(
    primitive: str, name: str, values: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    x = matrix(values, 0)
    assert ad.gradcheck(FUNCTIONS[name], x).verdict == "correct"

    class Application:
        inputs = (x, np.arange(3.0)[:, None])[: 2 if primitive == "solve" else 1]

    Application.primitive = PRIMITIVES[primitive]  # type: ignore[attr-defined]
    twin = broken(Application, 0, lambda pulled: 1.01 * pulled)  # type: ignore[arg-type]
    for rule, value in vars(twin).items():
        monkeypatch.setitem(vars(PRIMITIVES[primitive]), rule, value)
    report = ad.gradcheck(FUNCTIONS[name], x)
    assert report.verdict == "wrong", str(report)
    assert report.culprit is not None and report.culprit.primitive == primitive
    assert "factor 1.01" in report.culprit.diagnosis
