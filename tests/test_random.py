"""Random draws: their distributions, gradients through them, and that keys give them again."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import numpy as np
import pytest

import autodiff as ad
import nn
from autodiff.ops.incomplete import gamma_moved
from autodiff.registry import PRIMITIVES
from tests.tolerances import assert_close

stats = pytest.importorskip("scipy.stats", reason="distributions are compared with SciPy's")
N = 20_000


@pytest.fixture(autouse=True)
def seeded() -> None:
    ad.random.seed(0)


DISTRIBUTIONS = [
    ("normal", (1.0, 2.0), stats.norm(1.0, 2.0)),
    ("uniform", (-1.0, 3.0), stats.uniform(-1.0, 4.0)),
    ("gumbel", (1.0, 2.0), stats.gumbel_r(1.0, 2.0)),
    ("laplace", (1.0, 2.0), stats.laplace(1.0, 2.0)),
    ("exponential", (2.0,), stats.expon(scale=2.0)),
    ("gamma", (0.3, 2.0), stats.gamma(0.3, scale=2.0)),
    ("gamma", (7.0,), stats.gamma(7.0)),
    ("beta", (0.4, 2.5), stats.beta(0.4, 2.5)),
    ("beta", (5.0, 3.0), stats.beta(5.0, 3.0)),
]


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize(("name", "parameters", "distribution"), DISTRIBUTIONS)
def test_distribution(name: str, parameters: Any, distribution: Any, dtype: Any) -> None:
    """Kolmogorov and Smirnov see no difference (at a seed that was not chosen for it)."""
    y = getattr(ad.random, name)(*parameters, size=N, dtype=dtype)
    assert isinstance(y, ad.Tensor) and y.dtype == dtype and y.shape == (N,)
    assert stats.kstest(y.numpy().astype(float), distribution.cdf).pvalue > 1e-3


@pytest.mark.parametrize(("name", "parameters", "distribution"), DISTRIBUTIONS)
def test_slope_of_the_mean(name: str, parameters: Any, distribution: Any) -> None:
    """The mean gradient of draws is the gradient of the mean, within four standard errors."""
    leaves = [ad.tensor(np.full(N, p), requires_grad=True) for p in parameters]
    y = getattr(ad.random, name)(*leaves)
    slopes = ad.gradients(y.sum(), leaves)
    family = type(distribution.dist)
    for i, g in enumerate(slopes):
        h = 1e-4
        means = []
        for s in (1, -1):
            moved = list(parameters)
            moved[i] += s * h
            means.append(MEANS[name](*moved))
        expected = (means[0] - means[1]) / (2 * h)
        error = g.data.std() / np.sqrt(N)
        assert abs(g.data.mean() - expected) <= 4 * error + 1e-6, (family, i)


MEANS: dict[str, Any] = {
    "normal": lambda m, s: m,
    "uniform": lambda a, b: (a + b) / 2,
    "gumbel": lambda m, s: m + s * np.euler_gamma,
    "laplace": lambda m, s: m,
    "exponential": lambda s: s,
    "gamma": lambda a, s=1.0: a * s,
    "beta": lambda a, b: a / (a + b),
}


def test_gamma_keeps_the_probability() -> None:
    """Each draw moves with its shape along the inverse of the distribution function."""
    a = ad.tensor([0.2, 1.0, 5.0, 80.0], requires_grad=True)
    y = ad.random.gamma(a)
    slope = ad.gradients(y.sum(), a).data
    p, h = stats.gamma(a.data).cdf(y.data), 1e-5 * a.data
    moved = (stats.gamma(a.data + h).ppf(p) - stats.gamma(a.data - h).ppf(p)) / (2 * h)
    np.testing.assert_allclose(slope, moved, rtol=1e-6)


def test_gradcheck_through_draws() -> None:
    """The same draw at each call of the check, which moves only what is smooth."""

    def loss(mean: Any, scale: Any, low: Any) -> Any:
        y = ad.random.normal(mean, scale, size=(2, 3)) * ad.random.gamma(2.0, scale)
        z = ad.random.uniform(low, 9.0) * ad.random.gumbel(mean, scale)
        return (y * ad.random.laplace(0.0, scale)).sum() + (z * ad.random.exponential(scale)).sum()

    report = ad.gradcheck(loss, 0.5, np.array([0.4, 1.0, 2.0]), np.array([0.6, 1.5, 3.0]))
    assert report.verdict == "correct", str(report)


SHAPES = np.array([0.3, 5.0])
DRAWS: dict[str, Any] = {
    "gamma": lambda a: ad.random.gamma(a, size=(2, 2)),
    "beta": lambda a: ad.random.beta(a, a[::-1]),
    "dirichlet": ad.random.dirichlet,
}


@pytest.mark.parametrize("name", DRAWS)
def test_gradcheck_of_shape_parameters(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The check moves a draw along its quantile, and sees a rule that does not."""
    report = ad.gradcheck(DRAWS[name], SHAPES)
    assert report.verdict == "correct" and report.power < 1e-8, str(report)
    rule = PRIMITIVES["gamma_moved"].pulls[0]

    def wrong(*given: Any) -> Any:
        return rule.function(*given) * (1 + 1e-6)

    pulls = (rule._replace(function=wrong), *PRIMITIVES["gamma_moved"].pulls[1:])
    monkeypatch.setattr(PRIMITIVES["gamma_moved"], "pulls", pulls)
    report = ad.gradcheck(DRAWS[name], SHAPES)
    assert report.verdict == "wrong" and report.culprit is not None
    assert report.culprit.primitive == "gamma_moved", str(report)


def test_gammas_too_small_for_a_number_have_gradients() -> None:
    """P(a, x) is x^a / Gamma(a + 1) there, so that x' is x (digamma(a + 1) - ln x) / a."""
    a = ad.tensor(np.full(200, 0.001), requires_grad=True)
    y = ad.random.gamma(a)
    first = ad.gradients(y.sum(), a, create_graph=True)
    tiny = y.numpy() < 1e-280
    assert tiny.sum() > 100
    expected = y * (ad.special.digamma(a + 1) - ad.log(y)) / a
    np.testing.assert_allclose(first.numpy()[tiny], expected.numpy()[tiny], rtol=1e-12)
    assert np.isfinite(ad.gradients(first.sum(), a).numpy()).all()
    b = ad.tensor(0.002, requires_grad=True)
    moved = gamma_moved(b, 1.3, 0.094)
    assert moved.item() == 0.0 == ad.gradients(moved, b).item()


def test_gamma_is_there_in_a_fresh_interpreter() -> None:
    """Without anything that has loaded the operations which few programs use."""
    program = "import autodiff as ad; assert ad.random.gamma(2.0) > 0"
    subprocess.run([sys.executable, "-c", program], check=True)


@pytest.mark.parametrize("width", [1e-5, 0.3, 2.0])
def test_quantiles(width: float) -> None:
    """A draw moved to other shapes is where the distribution has the same value."""
    rng = np.random.default_rng(0)
    start = np.exp(rng.uniform(np.log(0.05), np.log(1000.0), 300))
    x, a = rng.gamma(start), start * np.exp(rng.uniform(-width, width, 300))
    first, moved = stats.gamma(start), PRIMITIVES["gamma_moved"].kernel(a, start, x)
    upper = first.cdf(x) > 0.5
    expected = np.where(upper, stats.gamma(a).isf(first.sf(x)), stats.gamma(a).ppf(first.cdf(x)))
    usual = expected > 1e-290
    np.testing.assert_allclose(moved[usual], expected[usual], rtol=1e-11)


def test_dirichlet() -> None:
    alpha = np.array([0.01, 2.0, 5.0])
    y = ad.random.dirichlet(ad.tensor(alpha), size=(N,))
    assert y.shape == (N, 3)
    assert_close(y.data.sum(-1), np.ones(N), "reference", "weights")
    np.testing.assert_allclose(y.data.mean(0), alpha / alpha.sum(), atol=0.01)
    # Where NumPy's gamma draws would be 0, and their quotients no numbers.
    small = ad.random.dirichlet(np.full(4, 1e-4), size=200).data
    assert np.isfinite(small).all() and (small.max(-1) > 0.999).mean() > 0.9


def test_discrete() -> None:
    p = ad.tensor([0.1, 0.7])
    y = ad.random.bernoulli(p, size=(N, 2))
    assert y.dtype == bool
    np.testing.assert_allclose(y.data.mean(0), p.data, atol=0.02)
    logits = np.log([0.2, 0.5, 0.3])
    k = ad.random.categorical(ad.tensor(logits), size=N)
    assert k.dtype == np.int64
    np.testing.assert_allclose(np.bincount(k.data) / N, [0.2, 0.5, 0.3], atol=0.02)
    n = ad.random.randint(-2, 3, size=N).data
    np.testing.assert_allclose(np.bincount(n + 2) / N, np.full(5, 0.2), atol=0.02)


def test_logarithms_of_probabilities() -> None:
    k, p = np.array([0, 1, 1]), np.array([0.2, 0.5, 0.9])
    expected = stats.bernoulli(p).logpmf(k)
    assert_close(ad.random.bernoulli_logpmf(k, p), expected, "reference", "p")
    logits = np.log(p / (1 - p))
    assert_close(ad.random.bernoulli_logpmf(k, logits=logits), expected, "reference", "logits")
    rows = np.log([[0.2, 0.5, 0.3], [0.6, 0.1, 0.3]]) + 7.0
    got = ad.random.categorical_logpmf([1, 0], rows)
    assert_close(got, np.log([0.5, 0.6]), "reference", "categorical")
    got = ad.random.categorical_logpmf([[1, 0], [2, 1], [0, 0]], rows)
    assert_close(got, np.log([[0.5, 0.6], [0.3, 0.1], [0.2, 0.6]]), "reference", "categorical")
    for f in (
        lambda x: ad.random.bernoulli_logpmf(k, x),
        lambda x: ad.random.bernoulli_logpmf(k, logits=x),
        lambda x: ad.random.categorical_logpmf(2, x),
    ):
        report = ad.gradcheck(f, p, order=2)
        assert report.verdict == "correct", str(report)


def test_score_function_estimates_the_gradient() -> None:
    """d/dl E[k] = p (1 - p), by the logarithm of the probability of the draws."""
    logit = ad.tensor(0.4, requires_grad=True)
    k = ad.random.bernoulli(ad.sigmoid(logit), size=N)
    surrogate = (k.astype(float) * ad.random.bernoulli_logpmf(k, logits=logit)).mean()
    p = 1 / (1 + np.exp(-0.4))
    assert ad.gradients(surrogate, logit).item() == pytest.approx(p * (1 - p), abs=0.01)


def test_permutation() -> None:
    x = ad.tensor(np.arange(12.0).reshape(4, 3), requires_grad=True)
    y = ad.random.permutation(x, axis=1)
    assert sorted(y.data[0].tolist()) == [0.0, 1.0, 2.0]
    w = np.arange(12.0).reshape(4, 3)
    g = ad.gradients(y, x, cotangents=w).data
    assert sorted(g[0].tolist()) == [0.0, 1.0, 2.0] and g.sum() == w.sum()


def test_seed_and_keys() -> None:
    first = [ad.random.normal(size=3).numpy() for _ in range(2)]
    assert (first[0] != first[1]).all()
    ad.random.seed(0)
    assert (ad.random.normal(size=3).numpy() == first[0]).all()
    nn.seed(0)
    assert (ad.random.normal(size=3).numpy() == first[0]).all()
    assert nn.generator() is ad.random.generator()


@pytest.mark.parametrize("key", [0, 1, 2**63 - 1])
def test_a_key_is_that_of_a_philox_counter(key: int) -> None:
    """Whatever was drawn before, also half of a 64-bit number."""
    ad.random.randint(7, size=3)
    ad.random.normal(size=3, dtype=np.float32)
    params = {"method": "integers", "args": (0, 2**20), "shape": (5,), "dtype": np.dtype(int)}
    got = PRIMITIVES["draw"].kernel(np.array(key), **params)
    expected = np.random.Generator(np.random.Philox(key=key)).integers(0, 2**20, size=5)
    assert (got == expected).all()


def test_a_checkpoint_draws_alike() -> None:
    x = ad.tensor(np.ones(5), requires_grad=True)
    layer = nn.Dropout(0.5)

    def noisy(x: Any) -> Any:
        return ad.exp(layer(x * x) * ad.random.normal(size=5))

    plain = ad.gradients(noisy(x).sum(), x).data
    ad.random.seed(0)
    y = ad.checkpoint(noisy)(x).sum()
    after = ad.random.generator().random()
    assert (ad.gradients(y, x).data == plain).all()
    ad.random.seed(0)
    noisy(x)
    assert ad.random.generator().random() == after


def test_a_recorded_draw_is_given_again() -> None:
    """The key is an operand of the draw: the graph gives the same numbers whenever it runs."""
    graph = ad.trace(lambda x: ad.random.normal(x, 1.0))(ad.tensor([1.0, 2.0]))
    (node,) = [n for n in graph.operations if n.primitive.name == "draw"]
    operands = [np.asarray(k) for k in node.kept]
    again = node.primitive.kernel(*operands, **node.params)
    assert (again == node.output).all()
    assert (node.primitive.kernel(operands[0] + 1, **node.params) != node.output).all()


def test_vmap() -> None:
    a = np.array([0.5, 2.0, 9.0])
    y = ad.vmap(lambda p: ad.random.gamma(p) + ad.random.normal(p))(a)
    assert np.shape(y) == (3,) and np.isfinite(np.asarray(y)).all()
    slope = ad.vmap(ad.grad(lambda p: ad.random.gamma(p)))(a)
    assert (np.asarray(slope) > 0).all()


def test_shapes_follow_the_parameters() -> None:
    mean = np.zeros((3, 1), np.float32)
    assert ad.random.normal(mean, np.ones(2, np.float32)).shape == (3, 2)
    assert ad.random.normal(mean).dtype == np.float32
    assert ad.random.normal(mean, size=(5, 3, 2)).shape == (5, 3, 2)
    assert ad.random.normal([1, 2]).dtype == np.float64
    assert ad.random.uniform(size=()).shape == ()


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda: ad.random.normal(np.zeros(3), size=2), ad.ShapeError, "(3,), () do not broadcast"),
        (lambda: ad.random.normal(size=2, dtype=int), ad.DTypeError, "a floating dtype, got int64"),
        (lambda: ad.random.gamma(np.array(1j)), ad.DTypeError, "real parameters, got complex128"),
        (lambda: ad.random.categorical([1j]), ad.DTypeError, "categorical: expected real"),
        (lambda: ad.random.normal(size=1.5), ad.DTypeError, "size is an integer"),
        (lambda: ad.random.dirichlet(1.0), ad.ShapeError, "along the last axis"),
        (lambda: ad.random.categorical(1.0), ad.ShapeError, "got a scalar"),
        (lambda: ad.random.randint(3, 3), ad.ShapeError, "no integers from 3"),
        (lambda: ad.random.randint(1.5), ad.DTypeError, "an end is an integer"),
        (lambda: ad.random.bernoulli_logpmf(1), ValueError, "give one of p and logits"),
        (lambda: ad.random.permutation(np.array(1.0)), ad.ShapeError, "an array with axes"),
    ],
)
def test_errors(call: Any, error: type[Exception], text: str) -> None:
    with pytest.raises(error) as raised:
        call()
    assert text in str(raised.value)
