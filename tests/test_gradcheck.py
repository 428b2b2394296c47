"""The gradient check passes what is right, and fails what is planted wrong."""

from __future__ import annotations

import itertools
import json
import math
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import autodiff as ad
from autodiff.checking.numeric import STEPS, derivative, noise_level
from autodiff.checking.report import FROZEN, UNCLEAR, UNUSED, WRONG
from autodiff.registry import PRIMITIVES

rng = np.random.default_rng(5)
X = rng.normal(size=(3, 4))


class Net:
    """A module by its looks: ``named_parameters`` and a call."""

    def __init__(self, sizes: tuple[int, ...], dtype: Any = np.float32) -> None:
        draw = np.random.default_rng(0).normal
        self.weights = [
            ad.tensor(draw(size=(n, m)) / math.sqrt(n), dtype=dtype, requires_grad=True)
            for n, m in itertools.pairwise(sizes)
        ]
        self.biases = [
            ad.tensor(0.1 * draw(size=m), dtype=dtype, requires_grad=True) for m in sizes[1:]
        ]

    def named_parameters(self) -> dict[str, Any]:
        pairs = enumerate(zip(self.weights, self.biases, strict=True))
        return {f"{i}.{k}": t for i, p in pairs for k, t in zip("wb", p, strict=True)}

    def __call__(self, x: Any) -> Any:
        for w, b in zip(self.weights[:-1], self.biases[:-1], strict=True):
            x = ad.tanh(x @ w + b)
        return x @ self.weights[-1] + self.biases[-1]


# ---- the numeric derivative


@pytest.mark.parametrize(
    ("f", "x", "expected"),
    [
        (math.exp, 0.3, math.exp(0.3)),
        (lambda x: x**5, -1.7, 5 * 1.7**4),
        (math.log, 1e-4, 1e4),
        (lambda x: math.sin(40 * x), 0.2, 40 * math.cos(8.0)),
        (lambda x: max(x, 0.0), 1e-5, 1.0),
    ],
)
def test_numeric_derivative_is_within_its_own_error(f: Any, x: float, expected: float) -> None:
    def line(t: float) -> float:
        try:
            return float(f(x + t))
        except ValueError:
            return math.nan

    found = derivative(line, STEPS, 1e-16 * abs(f(x)))
    assert abs(found.value - expected) <= 5 * found.error
    assert found.error <= 1e-6 * abs(expected)


def test_noise_is_measured() -> None:
    draw = np.random.default_rng(0)

    def noisy(t: float) -> float:
        return math.cos(t) + 1e-9 * float(draw.normal())

    assert 1e-10 < noise_level(noisy, 1e-10) < 1e-8
    assert noise_level(math.cos, 1e-10) < 1e-15


# ---- right functions pass


@pytest.mark.parametrize(
    "f",
    [
        lambda x: x * ad.sin(x),
        lambda x: ad.exp(x).sum(axis=0),
        lambda x: (ad.tanh(x @ np.ones((4, 2))) ** 2).mean(),
        lambda x: x[1:, ::2] / (2.0 + x[0, 0]),
        lambda x: {"a": x.sum(), "b": (x * x, x.reshape(4, 3))},
        lambda x: ad.relu(x),
        lambda x: ad.logsumexp(100.0 * x, axis=-1),
        lambda x: ad.softmax(x) * x,
    ],
)
def test_right_gradients_pass(f: Any) -> None:
    report = ad.gradcheck(f, X)
    assert report.ok, str(report)
    assert report.entries[0].checked == X.size
    assert report.entries[0].sensitivity < 1e-9
    assert report.power < 1e-9


def test_nested_inputs_and_numbers_are_named_and_checked() -> None:
    def f(batch: Any, scale: float) -> Any:
        return batch["x"] * batch["w"][0] * scale + batch["i"]

    batch = {"x": X, "w": (ad.tensor(X[0], dtype=np.float32),), "i": np.arange(4)}
    report = ad.gradcheck(f, batch, 1.5)
    assert report.ok, str(report)
    assert [e.name for e in report.entries] == ["batch['x']", "batch['w'][0]", "scale"]


def test_second_order_is_checked_where_the_function_differentiates() -> None:
    def inner(x: Any) -> Any:
        return (ad.tanh(x) * x**3).sum()

    def outer(x: Any) -> Any:
        return ad.gradients(inner(x), x, create_graph=True)

    report = ad.gradcheck(outer, X)
    assert report.ok, str(report)
    assert ad.gradcheck(ad.grad(inner), X).ok


def test_small_scales_and_large_ones_pass() -> None:
    assert ad.gradcheck(lambda x: ad.log(x), np.array([1e-6, 1e-3, 1.0, 1e3])).ok
    assert ad.gradcheck(lambda x: x * x, 1e-8 * X).ok
    assert ad.gradcheck(lambda x: x * x, 1e8 * X).ok


def test_a_network_of_seven_thousand_parameters_takes_seconds() -> None:
    net = Net((64, 64, 32, 10))
    x = rng.normal(size=(8, 64))
    start = time.perf_counter()
    report = ad.gradcheck(net, x)
    assert time.perf_counter() - start < 60
    assert report.ok, str(report)
    by_name = {e.name: e for e in report.entries}
    assert by_name["0.w"].checked < 64 * 64
    assert by_name["0.w"].directions >= 4
    assert by_name["0.b"].checked == 64
    assert f"{sum(e.size for e in report.entries):,}" in report.headline()


def test_parameters_come_back_also_after_an_exception() -> None:
    net = Net((4, 3, 2))
    net.weights[0].grad = ad.tensor(np.ones((4, 3)), dtype=np.float32)
    before = [(p, p.data.copy(), p.node, p.grad) for p in net.named_parameters().values()]

    def failing(x: Any) -> Any:
        assert net.weights[0].dtype == np.float64
        raise KeyError("inside")

    assert ad.gradcheck(net, X).ok
    with pytest.raises(KeyError, match="inside"):
        ad.gradcheck(failing, X, parameters=net)
    for p, data, node, grad in before:
        assert p.dtype == np.float32
        assert p.node is node
        assert p.grad is grad
        np.testing.assert_array_equal(p.data, data)


def test_parameters_of_a_closure_are_checked_when_named() -> None:
    net = Net((4, 3, 2))
    report = ad.gradcheck(lambda x: (net(x) ** 2).mean(), X, parameters=net)
    assert [e.name for e in report.entries] == ["x", "0.w", "0.b", "1.w", "1.b"]
    assert report.ok, str(report)


def test_frozen_parameters_are_said_to_be_frozen() -> None:
    net = Net((4, 3, 2))
    net.biases[0].requires_grad = False
    report = ad.gradcheck(net, X)
    assert {e.name: e.verdict for e in report.entries}["0.b"] == FROZEN
    assert report.ok


# ---- planted faults fail


def with_rule(forward: Callable[..., Any], rule: Callable[..., Any]) -> Callable[..., Any]:
    function = ad.custom_vjp(forward)
    function.defvjp(rule)
    return function


def broken_entry(g: Any) -> Any:
    mask = np.ones(g.shape)
    mask.flat[-1] = 0.0
    return g * mask


FAULTS = {
    "scale": with_rule(lambda x: ad.tanh(x), lambda g, y, x: (1.001 * g * (1.0 - y * y),)),
    "sign": with_rule(lambda x: ad.tanh(x), lambda g, y, x: (-g * (1.0 - y * y),)),
    "dropped entry": with_rule(
        lambda x: ad.tanh(x), lambda g, y, x: (broken_entry(g * (1.0 - y * y)),)
    ),
    "missing factor": with_rule(lambda x: x * x, lambda g, y, x: (g * x,)),
}


@pytest.mark.parametrize("size", [(3, 4), (40, 50)])
@pytest.mark.parametrize("fault", FAULTS)
def test_planted_faults_are_found_by_single_entries_and_by_directions(
    fault: str, size: tuple[int, int]
) -> None:
    x = np.random.default_rng(1).normal(size=size)
    report = ad.gradcheck(FAULTS[fault], x)
    assert not report.ok, str(report)
    assert report.entries[0].verdict == WRONG
    with pytest.raises(ad.GradientError, match="WRONG"):
        report.raise_if_wrong()


def test_a_transposed_gradient_is_found() -> None:
    f = with_rule(lambda x: x @ x, lambda g, y, x: ((g @ x.T + x.T @ g).T,))
    report = ad.gradcheck(f, X[:, :3])
    assert report.entries[0].verdict == WRONG


def test_a_missing_sum_is_found() -> None:
    # The bias is added to each of three rows: its gradient is the sum over rows, not their mean.
    f = with_rule(lambda x, b: x + b, lambda g, y, x, b: (g, ad.mean(g, axis=0)))
    report = ad.gradcheck(f, X, X[0])
    assert [e.verdict for e in report.entries] == ["ok", WRONG]


def test_a_fault_in_a_primitive_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    tanh = PRIMITIVES["tanh"]
    assert tanh.pulls is not None
    (right,) = tanh.pulls
    assert right is not None
    assert ad.gradcheck(Net((4, 3, 2)), X).ok
    rule = right.function
    assert rule is not None
    wrong = right._replace(function=lambda g, *v: 1.0001 * rule(g, *v))
    monkeypatch.setattr(tanh, "pulls", (wrong,))
    report = ad.gradcheck(Net((4, 3, 2)), X)
    verdicts = {e.name: e.verdict for e in report.entries}
    assert verdicts == {"x": WRONG, "0.w": WRONG, "0.b": WRONG, "1.w": "ok", "1.b": "ok"}
    assert 0.5e-4 < report.entries[1].max_rel < 2e-4


def test_a_wrong_second_derivative_is_found() -> None:
    # The first derivative of x³ is right as a number, and its history is cut.
    f = with_rule(lambda x: x**3, lambda g, y, x: (g * 3.0 * x * ad.stop_gradient(x),))
    assert ad.gradcheck(f, X).ok
    second = ad.gradcheck(lambda x: ad.gradients(f(x).sum(), x, create_graph=True), X)
    assert second.entries[0].verdict == WRONG


def test_a_cut_history_is_wrong_and_says_so() -> None:
    report = ad.gradcheck(lambda x, y: ad.tensor(x.numpy()) * 2.0 + y, X, X)
    assert report.entries[0].verdict == WRONG
    assert "history was cut" in report.entries[0].note
    assert report.entries[1].ok


def test_a_gradient_of_nan_is_wrong() -> None:
    f = with_rule(lambda x: x * x, lambda g, y, x: (g * x * np.nan,))
    assert ad.gradcheck(f, X).entries[0].verdict == WRONG


def test_noise_makes_the_verdict_unclear_not_ok() -> None:
    calls = itertools.count()

    def noisy(x: Any) -> Any:  # two calls at one point agree; neighbours differ by noise
        seed = int.from_bytes(np.asarray(x.numpy()).tobytes()[:8], "little") % 2**32
        next(calls)
        return x.sum() + float(np.random.default_rng(seed).normal())

    report = ad.gradcheck(noisy, np.array([1.0]))
    assert report.entries[0].verdict == UNCLEAR, str(report)
    assert not report.ok
    assert next(calls) > 10


# ---- unusable functions


def test_an_unused_input_is_named_and_nothing_used_is_an_error() -> None:
    report = ad.gradcheck(lambda x, y: x * 2.0, X, X)
    assert [e.verdict for e in report.entries] == ["ok", UNUSED]
    with pytest.raises(ad.GradientError, match="does not depend on 'x'"):
        ad.gradcheck(lambda x: ad.tensor(1.0) * 2.0, X)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: ad.gradcheck(lambda x: x.numpy(), X), "must return a Tensor.*ndarray"),
        (lambda: ad.gradcheck(lambda x: None, X), "it returned nothing"),
        (lambda: ad.gradcheck(lambda x: ad.argmax(x), X), "no floating Tensor"),
        (lambda: ad.gradcheck(lambda x: x * 2, np.arange(3)), r"inputs given: int64"),
        (lambda: ad.gradcheck(lambda: ad.tensor(1.0)), "no floating or complex input"),
        (lambda: ad.gradcheck(lambda x: x, [1.0, math.nan]), r"input 'x' is nan at index \[1\]"),
        (lambda: ad.gradcheck(ad.log, np.array([-1.0])), "the output is nan"),
        (lambda: ad.gradcheck(lambda x: x / 0.0, [1.0]), "the output is inf"),
        (lambda: ad.gradcheck(lambda x: x * rng.normal(), X), "not deterministic.*dropout"),
    ],
)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # of the trouble itself
def test_errors_name_the_trouble(call: Any, message: str) -> None:
    with pytest.raises(ad.GradientError, match=message):
        call()


# ---- the report


def test_the_report_is_a_table_with_one_line_an_entry() -> None:
    report = ad.gradcheck(Net((4, 3, 2)), X)
    lines = str(report).splitlines()
    assert lines[0].startswith("gradcheck Net: correct; 5 of 5 right; ")
    assert [line.split()[0] for line in lines[4:9]] == ["x", "0.w", "0.b", "1.w", "1.b"]
    assert len({len(line) for line in lines[4:9]}) == 1
    assert lines[-1] == f"Any gradient wrong by a factor 1 ± {report.power:.1e} would have shown."
    page = report._repr_html_()
    assert page.count("<tr") == 6
    assert "background" not in page


def test_a_wrong_entry_stands_out_and_is_located() -> None:
    report = ad.gradcheck(FAULTS["dropped entry"], X)
    (entry,) = report.entries
    assert entry.worst == (2, 3)
    assert entry.analytic == 0.0
    assert entry.numeric != 0.0
    assert "[2, 3]" in str(report)
    assert "background" in report._repr_html_()


def test_the_seed_makes_a_report_repeatable() -> None:
    x = np.random.default_rng(1).normal(size=(30, 30))
    first, second, other = (ad.gradcheck(ad.tanh, x, seed=s) for s in (1, 1, 2))
    assert str(first) == str(second)
    assert str(first) != str(other)


def test_a_report_is_also_plain_data() -> None:
    report = ad.gradcheck(FAULTS["scale"], X)
    data = json.loads(json.dumps(report.to_dict()))
    assert data["verdict"] == "wrong"
    assert data["entries"][0]["verdict"] == WRONG
    assert data["culprits"][0]["diagnosis"].startswith("factor 1.001")
    assert data["mutants"] is None
