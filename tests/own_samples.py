"""One call or more of every public function that NumPy lacks, or calls otherwise.

As in ``numpy_samples``: each floating ndarray stands for a Tensor that requires a gradient, and
``Keywords`` at the end are keyword arguments. A function that takes functions is called by ``Via``.
What is primitive and not here is called with the cases of its class.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

import autodiff as ad
from tests.numpy_samples import (
    AXIS,
    SAMPLES,
    A,
    B,
    I,
    Keywords,
    M,
    S,
    Sample,
    T,
    V,
    W,
    X,
    Y,
    Z,
)


class Via(NamedTuple):
    """A call of ``f`` inside an expression; ``numeric``, another function of the same slope."""

    call: Callable[..., Any]
    operands: tuple[Any, ...]
    numeric: Callable[..., Any] | None = None


def via(call: Callable[..., Any], *operands: Any, numeric: Any = None) -> list[Any]:
    """One sample."""
    return [Via(call, operands, numeric)]


def curve(x: Any) -> Any:
    """A smooth function of all entries."""
    return ad.sum(ad.exp(x) * ad.sin(2.0 * x))


def step(carry: Any, x: Any) -> Any:
    """A step of a scan."""
    y = ad.tanh(carry * 0.7 + x)
    return y, y * carry


def along(a: Any, draw: Any) -> Callable[[Any], Any]:
    """How a gamma draw of the shape ``a`` moves with it: its probability stays."""
    from scipy import special

    p = special.gammainc(a, draw)
    return lambda moved: special.gammaincinv(moved, p)


def gamma_path(a: Any, scale: Any) -> Any:
    """The gamma draws at V and W, moved to other parameters."""
    ad.random.seed(0)
    return scale * along(1.0 + V, ad.random.gamma(1.0 + V).numpy())(a)


def log_gamma_paths(*moved: Any) -> list[Any]:
    """The logarithms of the gamma draws of which beta and Dirichlet draws are quotients."""
    ad.random.seed(0)
    paths = []
    for at, a in zip((1.0 + V, 1.0 + W), moved, strict=False):
        u = ad.random.exponential(size=3).numpy()
        paths.append(np.log(along(1.0 + at, ad.random.gamma(1.0 + at).numpy())(1.0 + a)) - u / a)
    return paths


def beta_path(a: Any, b: Any) -> Any:
    first, second = log_gamma_paths(a, b)
    return 1 / (1 + np.exp(second - first))


def dirichlet_path(a: Any) -> Any:
    weights = np.exp(log_gamma_paths(a)[0])
    return weights / np.sum(weights)


IMAGE = T.reshape(1, 2, 6)
PLANE = np.linspace(0.1, 1.2, 18).reshape(1, 2, 3, 3) ** 1.5
CUBE = np.linspace(0.1, 1.2, 16).reshape(1, 2, 2, 2, 2) ** 1.5
BANDS = np.array([[0.0, 0.3, 0.1], [2.0, 1.5, 1.1], [0.2, 0.4, 0.0]])
SPARSE = ([0, 1, 0, 1, 0, 2], [0, 2, 4, 6])  # the columns of A > 0.2, and where its rows start
SIGNED = 2.0 * X - 1.1
INDEX: list[Sample] = [(X, 0), (X, (slice(None), 1)), (V, I), (X, M)]
NO_INPUT: list[Sample] = [(3,)]
RANDOM: list[Sample] = [(V, W), (V, W, Keywords(size=(2, 3)))]

# By name below ``autodiff``.
OWN: dict[str, list[Any]] = {
    # creation and dtypes
    "arange": [(3,), (0.5, 2.0, 0.5)],
    "asarray": [(X,), (X, Keywords(dtype=np.float32)), ([1.0, 2.0],)],
    "can_cast": [("float32", "float64")],
    "empty": NO_INPUT,
    "eye": NO_INPUT,
    "finfo": [("float32",)],
    "from_dlpack": [(X,)],
    "full": [(2, 0.3)],
    "iinfo": [("int8",)],
    "isdtype": [(np.dtype("float32"), "integral")],
    "ones": NO_INPUT,
    "tensor": [(X,), (X, Keywords(dtype=np.float32))],
    "zeros": NO_INPUT,
    # indexing
    "getitem": INDEX,
    "setitem": [(X, 0, V), (X, M, 0.4), (X, (slice(None), 1), V[:2])],
    "put_along_axis": [(X, np.array([[0], [2]]), V[:2, None], 1)],
    "einsum": [s for s in SAMPLES["einsum"] if isinstance(s[0], str) and len(s) == 3],
    "astype": [*SAMPLES["astype"], (X, np.int64)],
    "matrix_trace": SAMPLES["trace"],
    "where": [(M, X, Y), (M, X, 0.5)],
    "nonzero": [(X,)],
    "clip": [(X, 0.25, 0.65), (X, None, 0.65), (X, Keywords(min=0.25)), (X, 0.25, V)],
    "cumulative_max": [*AXIS[1:], (V,)],
    "cumulative_min": [*AXIS[1:], (V,)],
    "histogram": [(V,)],
    "angle": [(Z,), (X,)],
    "reshape": [(X, (3, 2)), (X, -1), (X, Keywords(shape=(3, 2)))],
    # Sets: their operands stay apart, or together, where they move.
    "intersect1d": via(lambda f, x: f(x, ad.stop_gradient(x[:2])), V, numeric=lambda x: x[1::-1]),
    "unique_values": via(lambda f, x: ad.sort(f(x)), X),  # of complex ones NumPy has no order
    # activations
    **{n: [(SIGNED,)] for n in ("gelu", "hard_tanh", "log_sigmoid", "mish", "selu", "silu")},
    **{n: [(SIGNED,)] for n in ("relu", "sigmoid", "softplus", "softsign")},
    "elu": [(SIGNED,), (SIGNED, 0.7)],
    "leaky_relu": [(SIGNED,), (SIGNED, 0.2)],
    "log_softmax": [(SIGNED, Keywords(axis=-1)), (SIGNED, Keywords(axis=0))],
    "softmax": [(SIGNED, Keywords(axis=-1)), (SIGNED, Keywords(axis=0))],
    "softmax_cross_entropy": [(X, I[:2]), (V, 2)],
    "logsumexp": [(SIGNED,), (SIGNED, Keywords(axis=1, keepdims=True))],
    "norm": [(X,), (V, 3), (X, Keywords(ord=1, axis=1)), (X, "nuc")],
    # convolution and pooling
    "avg_pool": [(IMAGE, 2), (PLANE, (2, 2), Keywords(stride=1, padding=1))],
    "max_pool": [(IMAGE, 2), (PLANE, (2, 2), Keywords(stride=1, padding=1))],
    "conv1d": [
        (IMAGE, X.reshape(1, 2, 3)),
        (IMAGE, X.reshape(2, 1, 3), Keywords(padding=1, groups=2)),
    ],
    "conv2d": [(PLANE, PLANE[..., :2, :2])],
    "conv3d": [(CUBE, CUBE[..., :1, :1, :1])],
    "convolution": [(IMAGE, X.reshape(1, 2, 3), Keywords(stride=2, dilation=2))],
    "conv_transpose": [(IMAGE, X.reshape(2, 1, 3), Keywords(stride=2))],
    # special functions
    **{n: [(1.0 + V,)] for n in ("digamma", "gammaln", "i0e", "i1", "i1e", "j0", "j1")},
    **{n: [(V,)] for n in ("entr", "expit", "logit", "ndtr", "ndtri", "erfinv", "erfcinv")},
    **{n: [(SIGNED,)] for n in ("erf", "erfc", "erfcx", "log_ndtr")},
    **{n: [(V, W)] for n in ("betaln", "gammainc", "gammaincc", "rel_entr", "xlogy", "xlog1py")},
    "betainc": via(lambda f, x: f(2.0, 0.5, x), V),
    "jv": via(lambda f, x: f(1.5, x), 1.0 + V),
    "multigammaln": [(1.5 + V, 3)],
    "polygamma": [(2, 1.0 + V)],
    # linear algebra
    "linalg.block_diag": [(X, V)],
    "linalg.expm": [(A,)],
    "linalg.solve_banded": [((1, 1), BANDS, V)],
    "linalg.solve_triangular": [(A, V), (A, B, Keywords(lower=True))],
    "linalg.solve_sylvester": [(A, S, A)],
    "linalg.spsolve": via(lambda f, d, b: f((d, *SPARSE), b), A[A > 0.2], V),
    "linalg.sqrtm": [(A,)],
    # Nothing determines the phases of complex vectors: what is whole again does not see them.
    "linalg.eig": via(lambda f, x: (lambda w, v: (v * w**3) @ ad.linalg.inv(v))(*f(x)), A),
    "linalg.eigh": via(lambda f, x: (lambda w, v: (w, (v * w**3) @ ad.conj(v.T)))(*f(x)), S),
    "linalg.svd": via(lambda f, x: (lambda u, s, v: (s, (u * s**3) @ v))(*f(x, False)), X),
    "fft.fftfreq": NO_INPUT,
    "fft.rfftfreq": NO_INPUT,
    # random draws
    "random.bernoulli": [(V,)],
    "random.bernoulli_logpmf": [(I > 0, V), (I > 0, Keywords(logits=V))],
    "random.beta": via(lambda f, a, b: f(a, b), 1.0 + V, 1.0 + W, numeric=beta_path),
    "random.categorical": [(X,)],
    "random.categorical_logpmf": [(I[:2], X)],
    "random.dirichlet": via(lambda f, a: f(a), 1.0 + V, numeric=dirichlet_path),
    "random.exponential": [(V,)],
    "random.gamma": via(lambda f, a, s: f(a, s), 1.0 + V, W, numeric=gamma_path),
    "random.generator": via(lambda f: f()),
    **{f"random.{n}": RANDOM for n in ("gumbel", "laplace", "normal", "uniform")},
    "random.permutation": [(X,), (X, 1)],
    "random.randint": NO_INPUT,
    "random.seed": NO_INPUT,
    # Tensors: operators and attributes, and methods that are no functions
    "Tensor": [(X, Y), (V, W), (X,), (np.array(0.3),)],
    "Tensor.backward": [(np.array(0.3),)],
    "Tensor.copy": [(X,)],
    "Tensor.compress": [(X, [True, False], 0)],
    "Tensor.fill": [(X, 0.5)],
    "Tensor.flatten": [(X,)],
    "Tensor.reshape": [(X, (3, 2)), (X, 3, 2), (X, -1)],
    "Tensor.sort": [(X,), (X, 0)],
    "Tensor.to_device": [(X, "cpu")],
    # losses
    "nn.losses.binary_cross_entropy": [(X, Y / 4), (V, W / 2)],
    "nn.losses.cross_entropy": [(X, I[:2]), (X, Y / np.sum(Y, axis=1, keepdims=True))],
    "nn.losses.half_squared_error": [(X, Y)],
    "nn.losses.mean_squared_error": [(X, Y)],
    "nn.metrics.accuracy": [(X, I[:2])],
    "nn.metrics.binary_accuracy": [(V, I > 0)],
    # einops
    "einops.asnumpy": [(X,)],
    "einops.einsum": [(X, Y, "i j, k j -> i k")],
    "einops.pack": via(lambda f, x, y: f([x, y], "* j")[0], X, V),
    "einops.parse_shape": [(X, "i j")],
    "einops.rearrange": [(X, "i j -> j i"), (T, "i j k -> (i j) k")],
    "einops.reduce": [(X, "i j -> j", "sum"), (T, "i j k -> i k", "max")],
    "einops.repeat": [(X, "i j -> i j n", Keywords(n=2))],
    "einops.unpack": via(lambda f, x: f(x, [(), (1,)], "* j"), X),
    # transforms and control
    "apply_along_axis": [(ad.cumsum, 1, X)],
    "apply_over_axes": [(ad.sum, X, [0])],
    "piecewise": [(V, [np.array([True, False, True])], [ad.sin, ad.negative])],
    "backward": via(lambda f, x: f(ad.tensor(2.0, requires_grad=True) * 3.0), X),
    "checkpoint": via(lambda f, x: f(curve)(x), X),
    "cond": via(lambda f, x: f(True, ad.sin, ad.cos, x), X),
    "custom_jvp": via(lambda f, x: _with_jvp(f)(x), X),
    "custom_vjp": via(lambda f, x: _with_vjp(f)(x), X),
    "fixed_point": via(lambda f, x: f(lambda y: ad.cos(y * 0.4) * x, np.ones(3)), V),
    "grad": via(lambda f, x: f(curve)(x), X),
    "gradients": via(lambda f, x: _pulled(f, x), X),
    "hessian": via(lambda f, x: f(curve)(x), V),
    "hvp": via(lambda f, x, t: f(curve, (x,), (t,)), V, W),
    "jacobian": via(lambda f, x: f(lambda z: ad.cumsum(z) ** 3)(x), V),
    "jvp": via(lambda f, x, t: f(curve, (x,), (t,)), V, W),
    "linearize": via(lambda f, x, t: f(curve, x)[1](t), V, W),
    "root": via(lambda f, x: f(lambda y: y**3 + y - x, np.ones(3)), V),
    "scan": via(lambda f, c, x: f(step, c, x), W, np.stack([V, W])),
    "value_and_grad": via(lambda f, x: f(curve)(x), X),
    "vjp": via(lambda f, x, g: f(lambda z: z**3, x)[1](g), V, W),
    "vmap": via(lambda f, x: f(curve)(x), X),
    "while_loop": via(
        lambda f, x: f(lambda c: c[0] < 3, lambda c: (c[0] + 1, ad.sin(c[1])), (0, x))[1], V
    ),
    "draw": via(lambda f, x: f(ad.tensor(1.0, requires_grad=True) * 2.0), X),
    "gradcheck": via(lambda f, x: f(ad.sin, np.array(0.3)), X),
    "keep_freed_memory": [(2**30,)],
    "graph": via(lambda f, x: f(ad.tensor(2.0, requires_grad=True) * 3.0), X),
    "trace": via(lambda f, x: f(ad.sin)(np.array(0.3)), X),
}


# Calls whose results jump where an operand moves: for what is lost alone.
JUMPS: dict[str, list[Any]] = {
    "intersect1d": [(V, V[:2])],
    "setdiff1d": [(V, V[:2])],
    "setxor1d": [(V, V[:2])],
    "union1d": [(V, V[:2])],
}


def _with_vjp(f: Any) -> Any:
    cube = f(lambda x: x * x * x)
    cube.defvjp(lambda g, y, x: (3.0 * g * ad.conj(x * x),))
    return cube


def _with_jvp(f: Any) -> Any:
    cube = f(lambda x: x * x * x)
    cube.defjvp(lambda ts, y, x: 3.0 * ts[0] * x * x)
    return cube


def _pulled(f: Any, x: Any) -> Any:
    recorded = isinstance(x, ad.Tensor) and x.requires_grad
    leaf = x if recorded else ad.tensor(x, requires_grad=True)
    return f(curve(leaf), leaf, create_graph=recorded)
