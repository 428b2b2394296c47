"""``python -m benchmarks.checkers.alarms KIND CASES FIRST STRIDE``: right gradients called wrong.

``primitives``: random sample calls of every primitive, at kinks and ties and over six decades too.
``nn``: layers, activations and losses. ``rules``: right rules of users near saturation.
``matrices``: linear algebra near singular matrices and coinciding eigenvalues, with rows or
matrices of a batch that differ in size. ``complex``: second derivatives too of expressions in
complex numbers, with zeros, real ones, and entries of different size. Prints how many checks gave
which verdict, and the calls that were called wrong, as JSON.
"""

from __future__ import annotations

import json
import sys
import warnings
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np

import autodiff as ad
import nn
from benchmarks.checkers.applications import application, primitives
from nn.activations import NAMES

Check = tuple[str, Callable[..., Any], list[Any]]
Generator = np.random.Generator


def varied(rng: Generator, x: Any) -> Any:
    """The same array, or one with ties, zeros, one value only, or of another size or sizes."""
    if not isinstance(x, np.ndarray) or x.dtype.kind not in "fc" or not x.size:
        return x
    kind = rng.integers(7)
    if kind == 0:
        return np.round(2.0 * x) / 2.0
    if kind == 1:
        return np.full_like(x, x.flat[0])
    if kind in (2, 3):  # all entries alike, or each its own
        return x * 10.0 ** rng.uniform(-3.0, 3.0, x.shape if kind == 3 else ())
    if kind == 4:
        return np.where(rng.random(x.shape) < 0.3, 0.0, x)
    return x


def of_primitives(cases: int, first: int, stride: int) -> Iterator[Check]:
    """As many random calls of each primitive; every ``stride``-th primitive."""
    for primitive in primitives()[first::stride]:
        rng = np.random.default_rng([7, zlib.crc32(primitive.name.encode())])
        usable = [case for case in primitive.cases if application(primitive, case, rng) is not None]
        for _ in range(cases if usable else 0):
            app = application(primitive, usable[rng.integers(len(usable))], rng)
            assert app is not None
            app = replace(app, operands=tuple(varied(rng, x) for x in app.operands))
            yield primitive.name, app.function(), app.points


def of_nn(cases: int, first: int, stride: int) -> Iterator[Check]:
    """Layers with each activation, dropout, losses; with zeros and ties among the numbers."""
    for seed in range(first, cases, stride):
        rng = np.random.default_rng([8, seed])
        for name in NAMES:
            nn.seed(seed)
            x = varied(rng, rng.normal(size=(4, 5)))
            layers = [nn.Dense(5, 6, activation=name), nn.Dropout(0.3), nn.Dense(6, 3)]
            yield f"Dense, {name}", nn.Sequential(nn.Flatten(), *layers), [x]
            yield f"Activation, {name}", nn.Activation(name), [4.0 * x]
        yield from _losses(rng)


def _losses(rng: Generator) -> Iterator[Check]:
    scale = 10.0 ** rng.uniform(-1.0, 1.5)
    logits, values = (varied(rng, rng.normal(size=(6, 4)) * scale) for _ in range(2))
    labels, bits = rng.integers(4, size=6), rng.integers(2, size=(6, 4)).astype(float)
    for reduction in ("mean", "sum", "none"):
        for loss, targets in (
            (nn.losses.mean_squared_error, values),
            (nn.losses.half_squared_error, values),
            (nn.losses.cross_entropy, labels),
            (nn.losses.binary_cross_entropy, bits),
        ):
            yield (
                f"{loss.__name__}, {reduction}",
                lambda p, f=loss, t=targets, r=reduction: f(p, t, reduction=r),
                [logits],
            )


def _sigmoid(x: Any) -> Any:
    return 1.0 / (1.0 + np.exp(-x))


RULES: dict[str, tuple[Callable[[Any], Any], Callable[[Any, Any, Any], Any]]] = {
    "sigmoid": (_sigmoid, lambda g, y, x: g * y * (1.0 - y)),
    "sigmoid of x": (_sigmoid, lambda g, y, x: g * _sigmoid(x) * (1.0 - _sigmoid(x))),
    "sigmoid of |x|": (
        lambda x: np.where(x >= 0, 1.0, np.exp(-np.abs(x))) / (1.0 + np.exp(-np.abs(x))),
        lambda g, y, x: g * np.exp(-np.abs(x)) / (1.0 + np.exp(-np.abs(x))) ** 2,
    ),
    "log-sigmoid": (lambda x: np.log(_sigmoid(x)), lambda g, y, x: g * (1.0 - _sigmoid(x))),
    "tanh": (np.tanh, lambda g, y, x: g * (1.0 - y * y)),
    "tanh of x": (np.tanh, lambda g, y, x: g * (1.0 - np.tanh(x) ** 2)),
    "tanh, cosh": (np.tanh, lambda g, y, x: g / np.cosh(x) ** 2),
    "log-cosh": (lambda x: np.log(np.cosh(x)), lambda g, y, x: g * np.tanh(x)),
    "log-cosh of |x|": (
        lambda x: np.abs(x) + np.log1p(np.exp(-2.0 * np.abs(x))) - np.log(2.0),
        lambda g, y, x: g * np.tanh(x),
    ),
    "softplus": (lambda x: np.log(1.0 + np.exp(x)), lambda g, y, x: g * _sigmoid(x)),
    "softplus of |x|": (
        lambda x: np.maximum(x, 0.0) + np.log1p(np.exp(-np.abs(x))),
        lambda g, y, x: g * _sigmoid(x),
    ),
    "softplus, logaddexp": (lambda x: np.logaddexp(0.0, x), lambda g, y, x: g * _sigmoid(x)),
    "silu": (
        lambda x: x * _sigmoid(x),
        lambda g, y, x: g * _sigmoid(x) * (1.0 + x * (1.0 - _sigmoid(x))),
    ),
    "bell": (lambda x: np.exp(-x * x), lambda g, y, x: -2.0 * g * x * y),
    "sech": (lambda x: 1.0 / np.cosh(x), lambda g, y, x: -g * y * np.tanh(x)),
    "x / sqrt(1 + x²)": (
        lambda x: x / np.sqrt(1.0 + x * x),
        lambda g, y, x: g * (1.0 - y * y) ** 1.5,
    ),
    "exp - 1": (lambda x: np.exp(x) - 1.0, lambda g, y, x: g * (y + 1.0)),
    "x² + 1e6 - 1e6": (lambda x: (x * x + 1e6) - 1e6, lambda g, y, x: 2.0 * g * x),
    "sin(x + 1e6)": (lambda x: np.sin(x + 1e6), lambda g, y, x: g * np.cos(x + 1e6)),
    "x² in float32": (
        lambda x: np.float64(np.float32(x) ** 2),
        lambda g, y, x: 2.0 * g * x,
    ),
}


def of_rules(cases: int, first: int, stride: int) -> Iterator[Check]:
    """Right rules of one number at |x| up to 40, alone and between other operations."""
    for seed in range(first, cases, stride):
        rng = np.random.default_rng([9, seed])
        for name, (forward, rule) in RULES.items():
            operation = ad.custom_vjp(forward)
            operation.defvjp(rule)
            shape = [(), (1,), (5,), (3, 4), (40,)][rng.integers(5)]
            x = np.asarray(rng.uniform(-40.0, 40.0, size=shape))
            if rng.integers(3) == 0:
                x = np.asarray(np.round(x))
            around: Any = [
                operation,
                lambda x, f=operation: ad.sum(f(x)),
                lambda x, f=operation: f(0.5 * x) * 2.0,
            ][rng.integers(3)]
            yield name, around, [x]


la = ad.linalg
RIGHT_SIDE = np.arange(3.0)[:, None]


def _symmetric(x: Any) -> Any:
    return (x + ad.matrix_transpose(x)) / 2.0


MATRIX_FUNCTIONS: dict[str, Callable[[Any], Any]] = {
    "inv": la.inv,
    "det": la.det,
    "slogdet": lambda x: la.slogdet(x)[1],
    "solve": lambda x: la.solve(x, RIGHT_SIDE),
    "pinv": la.pinv,
    "lstsq": lambda x: la.lstsq(x, RIGHT_SIDE)[0],
    "qr": lambda x: la.qr(x)[1],
    "cholesky of a product": lambda x: la.cholesky(x @ ad.matrix_transpose(x)),
    "cholesky": lambda x: la.cholesky(_symmetric(x)),
    "svd": lambda x: la.svd(x)[1],
    "svd, vectors": lambda x: la.svd(x)[0] ** 2,
    "eigh": lambda x: la.eigh(_symmetric(x))[0],
    "eigh, vectors": lambda x: la.eigh(_symmetric(x))[1] ** 2,
    "eigvals": la.eigvals,
    "2-norm": lambda x: la.norm(x, 2, axis=(-2, -1)),
    "nuclear norm": lambda x: la.norm(x, "nuc", axis=(-2, -1)),
}
SYMMETRIC = {"cholesky", "eigh", "eigh, vectors"}


def of_matrices(cases: int, first: int, stride: int) -> Iterator[Check]:
    """Matrices of condition 10ᵏ, k below 18, or with a gap of 10⁻ᵏ between two singular values.

    Or their rows differ in size by so much, or their columns, or the two matrices of a batch; or
    the condition grows by steps, in units of any size.
    """
    for at in range(first, cases, stride):
        seed, k = at // 18, 7 * at % 18  # a few of them are of every kind, too
        rng = np.random.default_rng([k, seed])
        u, v = (np.linalg.qr(rng.normal(size=(3, 3)))[0] for _ in range(2))
        sizes = 10.0 ** (k * np.array([[0.0], [0.25], [-0.25]]))
        unit = 10.0 ** rng.uniform(-8.0, 8.0)
        for what, values in (
            ("smallest", [1.0, 0.5, 10.0**-k]),
            ("gap", [1.0, 1.0 + 10.0**-k, 0.5]),
            ("steps", [1.0, 10.0 ** (-k / 2.0), 10.0**-k]),
            ("rows", [1.0, 0.6, 0.3]),
            ("columns", [1.0, 0.6, 0.3]),
            ("batch", [1.0, 0.6, 0.3]),
        ):
            for name, function in MATRIX_FUNCTIONS.items():
                symmetric = name in SYMMETRIC
                x = (u * values) @ (u if symmetric else v).T
                if what == "steps":
                    x = unit * x
                elif what == "rows":
                    x = sizes * x * (sizes.T if symmetric else 1.0)
                elif what == "columns":
                    if symmetric:  # it would be so no more
                        continue
                    x = x * sizes.T
                elif what == "batch":
                    if name == "lstsq":  # takes one matrix
                        continue
                    x = np.stack([x, 10.0**-k * x[::-1, ::-1]])
                yield f"{name}, {what} 1e-{k}", function, [x]


def _adjoint(x: Any) -> Any:
    return ad.conj(ad.matrix_transpose(x))


EXPRESSIONS: dict[str, Callable[[Any], Any]] = {
    "x pinv(x)": lambda x: x @ la.pinv(x),
    "pinv": la.pinv,
    "adjoint product": lambda x: _adjoint(x) @ x,
    "|adjoint product|": lambda x: ad.abs(_adjoint(x) @ x),
    "norm": la.norm,
    "x / (1 + |x|)": lambda x: x / (1.0 + ad.abs(x)),
    "log |x|": lambda x: ad.log(ad.abs(x) + 1e-3),
    "(x - 1) / (x² + 2)": lambda x: (x - 1.0) / (x * x + 2.0),
    "tanh": ad.tanh,
    "power": lambda x: (x + 3.0) ** 2.5,
    "angle": lambda x: ad.angle(x + 0.1),
    "fft": lambda x: ad.fft.fft(x, axis=0) ** 2,
    "einsum": lambda x: ad.einsum("ij,kj,kl->il", x, ad.conj(x), x),
    "cumprod": lambda x: ad.cumprod(x, axis=0),
    "where": lambda x: ad.where(ad.real(x) > 0.0, x * x, ad.conj(x)),
    "commutator": lambda x: x[:2] @ x[1:] - x[1:] @ x[:2],
    "det": lambda x: la.det(x[:2]),
    "qr": lambda x: la.qr(x)[1],
    "svdvals": la.svdvals,
    "cholesky": lambda x: la.cholesky(_adjoint(x) @ x + np.eye(2)),
}


def of_complex(cases: int, first: int, stride: int) -> Iterator[Check]:
    """Expressions at matrices with zeros, equal rows or one part only, of any size and sizes."""
    for seed in range(first, cases, stride):
        rng = np.random.default_rng([10, seed])
        x = rng.normal(size=(3, 2)) + 1j * rng.normal(size=(3, 2))
        for what, z in (
            ("any", x),
            ("triangular", np.triu(x)),
            ("triangular, of rows", np.triu(x) * 10.0 ** rng.uniform(-4.0, 4.0, size=(3, 1))),
            ("a row of zeros", np.tril(x) * np.array([[0.0], [1.0], [1.0]])),
            ("zeros", np.where(rng.random(x.shape) < 0.4, 0.0, x)),
            ("sizes", x * 10.0 ** rng.uniform(-5.0, 5.0, size=x.shape)),
            ("size", x * 10.0 ** rng.uniform(-8.0, 8.0)),
            ("real", x.real + 0j),
            ("imaginary", 1j * x.imag),
            ("integers", np.round(x)),
            ("equal rows", x[[0, 0, 1]]),
        ):
            for name, function in EXPRESSIONS.items():
                yield f"{name}, {what}", function, [z]


KINDS = {
    "primitives": of_primitives,
    "nn": of_nn,
    "rules": of_rules,
    "matrices": of_matrices,
    "complex": of_complex,
}
ORDERS = {"complex": 2}


def main(kind: str, cases: int, first: int, stride: int) -> None:
    """Check them all."""
    warnings.simplefilter("ignore")  # overflow and the like at the edges of domains
    verdicts: Counter[str] = Counter()
    which = []
    for seed, (name, function, points) in enumerate(KINDS[kind](cases, first, stride)):
        try:
            report = ad.gradcheck(function, *points, order=ORDERS.get(kind, 1), seed=seed)
            verdict = report.verdict
        except (ad.GradientError, np.linalg.LinAlgError):  # there is no value, or nothing to check
            verdict = "refused"
        verdicts[verdict] += 1
        if verdict == "wrong":
            which.append(f"{name} at {[np.array_repr(np.asarray(x)) for x in points]}, {seed=}")
    print(json.dumps({"verdicts": verdicts, "which": which[:20]}))


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:5]))
