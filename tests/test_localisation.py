"""A wrong rule is named: operation, line, module, operand, entry, and what is wrong with it."""

from __future__ import annotations

import inspect
import itertools
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import autodiff as ad
from autodiff.checking.mutate import FAULTS, broken
from autodiff.primitive import Case, Primitive
from autodiff.registry import PRIMITIVES
from tests.checks import draw, function_of, wanted

rng = np.random.default_rng(5)
X = rng.normal(size=(3, 3))

WORDS = {
    "scale 1.001": ("factor 1.001",),
    "sign": ("sign",),
    "dropped entry": ("dropped", "the rule gives zero"),
    "transposed": ("transposed",),
    "missing sum": ("missing sum",),
    # Numbers on the imaginary axis have the sign of their conjugates.
    "missing conjugate": ("conjugate missing", "sign"),
}
BROKEN_RULES = [
    (p.name, k)
    for p in PRIMITIVES.values()
    if p.differentiable and p.name != "custom_call"
    for k, case in enumerate(p.cases)
    if wanted(p, draw(p, case)) and all(draw(p, case)[i].size for i in wanted(p, draw(p, case)))
]


def custom(forward: Callable[..., Any], rule: Callable[..., Any]) -> Any:
    function = ad.custom_vjp(forward)
    function.defvjp(rule)
    return function


def planted(
    primitive: Primitive, operands: Any, operand: int, fault: str, monkeypatch: pytest.MonkeyPatch
) -> list[bool]:
    """Break a rule of the primitive; the list says afterwards whether that changed anything."""
    applied = [False]

    class Call:
        inputs = tuple(np.asarray(x) for x in operands)

    def change(pulled: Any) -> Any:
        p = np.asarray(pulled)
        changed = FAULTS[fault](p, Call, operand)  # type: ignore[arg-type]  # has what is read
        if changed is not p and not np.array_equal(changed, p):
            applied[0] = True
        return changed

    class Application:
        inputs = tuple(operands)

    Application.primitive = primitive  # type: ignore[attr-defined]  # as a Node has
    twin = broken(Application, operand, change)  # type: ignore[arg-type]  # has what is read
    for name, value in vars(twin).items():
        monkeypatch.setitem(vars(primitive), name, value)
    return applied


def faults(primitive: Primitive, case: Case) -> Iterator[tuple[int, str]]:
    return itertools.product(wanted(primitive, draw(primitive, case)), FAULTS)


def takes_complex(primitive: Primitive, case: Case) -> bool:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of imaginary parts that a cast drops
            primitive.kernel(*draw(primitive, case, np.complex128), **case.params)
    except TypeError:
        return False
    return True


def operand_size(name: str, k: int) -> int:
    return sum(np.size(x) for x in draw(PRIMITIVES[name], PRIMITIVES[name].cases[k]))


# Of each primitive the first case of a matrix's size, or else the smallest. The vectors of eigh and
# svd have phases that nothing determines; functions of them that do not depend on these are checked
# in test_gradcheck_complex.
COMPLEX_RULES = [
    min(rules, key=lambda rule: max(operand_size(*rule), 40))
    for name, group in itertools.groupby(BROKEN_RULES, key=lambda rule: rule[0])
    if name not in ("eigh", "svd")
    and (
        rules := [(n, k) for n, k in group if takes_complex(PRIMITIVES[n], PRIMITIVES[n].cases[k])]
    )
]


@pytest.mark.parametrize(("name", "k"), BROKEN_RULES)
def test_every_fault_of_every_primitive_is_caught_and_named(name: str, k: int) -> None:
    check_faults(PRIMITIVES[name], PRIMITIVES[name].cases[k], np.float64)


# A float64 of complex numbers drops their imaginary parts, of which NumPy warns.
@pytest.mark.filterwarnings("ignore::numpy.exceptions.ComplexWarning")
@pytest.mark.parametrize(("name", "k"), COMPLEX_RULES)
def test_every_fault_on_complex_values_is_caught_and_named(name: str, k: int) -> None:
    check_faults(PRIMITIVES[name], PRIMITIVES[name].cases[k], np.complex128)


def check_faults(primitive: Primitive, case: Case, dtype: Any) -> None:
    """Plant each fault in each rule: the check sees it, names the primitive and the fault."""
    name, operands = primitive.name, draw(primitive, case, dtype)
    which = wanted(primitive, operands)
    f = function_of(primitive, case, operands, which)
    right = gradients_of(f, operands, which)
    for operand, fault in faults(primitive, case):
        with pytest.MonkeyPatch.context() as patch:
            applied = planted(primitive, operands, operand, fault, patch)
            try:
                report = ad.gradcheck(f, *[operands[i] for i in which])
            except ad.GradientError as error:
                assert "does not depend" in str(error)
                continue
            faulty = gradients_of(f, operands, which)
        same = zip(right, faulty, strict=True)
        if not applied[0] or all(np.allclose(a, b, 1e-12, 1e-15) for a, b in same):
            continue  # a transposed cotangent of which all entries are summed is a right one
        assert report.verdict == "wrong", f"{name}, operand {operand}: {fault}"
        assert report.culprit is not None
        assert report.culprit.primitive == name
        # With two terms in a sum, one dropped and one kept are the same fault.
        words = WORDS[fault] if fault != "dropped entry" else (*WORDS[fault], "missing sum")
        if fault == "missing sum":
            words = (*words, "the rule gives zero")
        if fault == "transposed" and dtype is np.complex128:
            words = (*words, "conjugate missing")  # the same of a Hermitian gradient
        assert any(w in report.culprit.diagnosis for w in words), f"{fault}: {report}"


def gradients_of(f: Any, operands: Any, which: list[int]) -> list[Any]:
    xs = [ad.tensor(operands[i], requires_grad=True) for i in which]
    y = f(*xs)
    v = np.random.default_rng(1).normal(size=y.shape)
    v = v + 1j * v[::-1] if y.dtype.kind == "c" and y.ndim else v
    return [g.numpy() for g in ad.gradients(y, xs, cotangents=v, unused="zeros")]


# ---- inside a program


def program(x: Any, w: Any) -> Any:
    with ad.scope("encoder"):
        h = ad.tanh(x @ w)
    with ad.scope("decoder"):
        for _ in range(60):
            h = h + 0.01 * ad.sin(h)
        return ad.logsumexp(h * h, axis=1) + ad.exp(h).mean()


@pytest.mark.parametrize("name", ["matmul", "tanh", "sin", "logsumexp", "exp", "mean"])
def test_the_right_node_of_two_hundred_is_named(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    primitive = PRIMITIVES[name]
    assert primitive.pulls is not None
    rules = [r and r._replace(function=_scaled(r.function)) for r in primitive.pulls]
    assert len(ad.trace(program)(X, X).operations) > 180
    monkeypatch.setattr(primitive, "pulls", tuple(rules))
    report = ad.gradcheck(program, X, X.copy())
    assert report.verdict == "wrong"
    assert {c.primitive for c in report.culprits} == {name}
    culprit = report.culprit
    assert culprit is not None
    assert culprit.diagnosis.startswith("factor 1 + 1e-05")
    assert culprit.module == ("encoder" if name in ("matmul", "tanh") else "decoder")
    assert culprit.line is not None
    path, line = culprit.line
    lines, first = inspect.getsourcelines(program)
    assert path == __file__
    assert "x @ w" in lines[line - first] or f"ad.{name}" in lines[line - first] or name == "mean"


def _scaled(rule: Callable[..., Any] | None) -> Callable[..., Any]:
    return lambda g, *v, **k: (1.0 + 1e-5) * (g if rule is None else rule(g, *v, **k))


# ---- what is wrong, in words


def shifted(g: Any) -> Any:
    moved = np.roll(np.asarray(g), 1, axis=0)
    return moved


def _first_row(g: Any, x: Any) -> Any:
    """The gradient of a row that was repeated, of which one copy is counted."""
    found = np.zeros(x.shape)
    found[0] = np.asarray(g)[0]
    return found


DIAGNOSES = {
    "sign: the rule gives the negative": (lambda x: np.sin(x), lambda g, y, x: -g * np.cos(x)),
    "factor 2": (lambda x: x * x, lambda g, y, x: 4.0 * g * x),
    "factor 1 + 1e-07": (lambda x: x * x, lambda g, y, x: (2.0 + 2e-7) * g * x),
    "transposed": (lambda x: x @ x, lambda g, y, x: (g @ x.T + x.T @ g).T),
    "shifted index: entries stand 1 too high along axis 0": (
        lambda x: np.exp(x), lambda g, y, x: shifted(g * y)),
    "reversed": (lambda x: np.exp(x), lambda g, y, x: (g * y)[:, ::-1]),
    "missing sum over axis 0": (
        lambda x: x[0] * np.ones(x.shape), lambda g, y, x: _first_row(g, x)),
    "offset": (lambda x: np.exp(x), lambda g, y, x: g * y + 0.25),
    "the rule gives zero everywhere": (lambda x: np.exp(x), lambda g, y, x: np.zeros(x.shape)),
    "NaN": (lambda x: np.exp(x), lambda g, y, x: g * y * np.nan),
    "wrong in 3 of 9 entries": (
        lambda x: np.exp(x), lambda g, y, x: g * y * np.array([1.0, 1.5, 1.0])),
    "wrong in all entries": (lambda x: np.sin(x), lambda g, y, x: g * y),
}  # fmt: skip


@pytest.mark.parametrize("words", DIAGNOSES)
def test_the_diagnosis_is_in_words(words: str) -> None:
    forward, rule = DIAGNOSES[words]
    report = ad.gradcheck(custom(forward, rule), X)
    assert report.verdict == "wrong"
    assert report.culprit is not None
    assert words in report.culprit.diagnosis, str(report)
    assert words in str(report)
    assert words in report._repr_html_()


def test_a_function_with_its_own_rule_goes_by_its_own_name() -> None:
    @ad.custom_vjp
    def softer(x: Any, scale: Any) -> Any:
        return np.tanh(x) * scale

    softer.defvjp(lambda g, y, x, scale: (g * scale / np.cosh(x) ** 2, g * x))
    report = ad.gradcheck(lambda x, s: softer(x, s) * 2.0, X, X.copy())
    assert report.culprit is not None
    assert report.culprit.primitive == "softer"
    assert report.culprit.input == "scale (s)"
    assert report.culprit.line is not None
    assert report.culprit.line[0] == __file__


def test_a_mean_in_place_of_a_sum_is_told_by_its_factor() -> None:
    f = custom(lambda x, b: x + b, lambda g, y, x, b: (g, ad.mean(g, axis=0)))
    report = ad.gradcheck(f, X, X[0])
    assert report.culprit is not None
    assert "1/3: a mean in place of the sum over axis 0" in report.culprit.diagnosis


def test_hidden_state_is_told_from_a_wrong_rule() -> None:
    seen: list[bytes] = []

    def forward(x: Any) -> Any:  # the second call at a point gives another value than the first
        key = x.tobytes()
        again = key in seen
        seen[:] = [] if again else [key]
        return x * (3.0 if again else 3.5)

    f = custom(forward, lambda g, y, x: g * 3.0)
    with pytest.raises(ad.GradientError, match="not deterministic"):
        ad.gradcheck(f, X)

    draws = np.random.default_rng(0)
    counted = itertools.count()

    def drifting(x: Any) -> Any:  # the same for the calls that the check begins with
        return x * (3.0 if next(counted) < 3 else draws.uniform(2.0, 4.0))

    report = ad.gradcheck(custom(drifting, lambda g, y, x: g * 3.0), X)
    assert report.verdict == "inconclusive"
    assert "too noisy" in report.entries[0].note


def test_a_rule_that_draws_is_no_function_of_its_inputs() -> None:
    draws = np.random.default_rng(0)
    f = custom(lambda x: 2.0 * x, lambda g, y, x: g * draws.uniform(1.0, 3.0, x.shape))
    report = ad.gradcheck(f, X)
    assert report.verdict == "wrong"
    assert report.culprit is not None
    assert "the rule is not a function of its inputs" in report.culprit.diagnosis


def test_a_cut_history_is_named_where_it_was_cut() -> None:
    def f(x: Any) -> Any:
        with ad.no_grad():
            scale = ad.exp(x)
        return scale * x

    report = ad.gradcheck(f, X)
    assert report.verdict == "wrong"
    assert report.culprit is not None
    assert report.culprit.primitive == "exp"
    assert "no_grad" in report.culprit.diagnosis
    report = ad.gradcheck(lambda x: ad.stop_gradient(x) * x, X)
    assert report.culprit is not None
    assert report.culprit.primitive == "stop_gradient"


def test_two_faults_are_both_named_the_larger_first() -> None:
    small = custom(lambda x: np.sin(x), lambda g, y, x: 1.001 * g * np.cos(x))
    large = custom(lambda x: np.exp(x), lambda g, y, x: -g * y)
    report = ad.gradcheck(lambda x: large(small(x)), X)
    assert [c.diagnosis.split(":")[0] for c in report.culprits] == ["sign", "factor 1.001"]
