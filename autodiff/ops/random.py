r"""Random draws with gradients, public under ``ad.random``.

All draws are Tensors. ``ad.random.seed(n)`` starts the generator behind them anew; a draw itself
is a pure function of its key (see ``noise``), so that a recorded program gives it again.

Gradients reach the parameters by reparametrisation: a draw is a smooth function of them and of
noise that does not depend on them. What is discrete has none; the logarithms of its probabilities
(``bernoulli_logpmf``, ``categorical_logpmf``) have.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from autodiff.errors import DTypeError, ShapeError
from autodiff.ops.activations import log_sigmoid, log_softmax
from autodiff.ops.discrete import argmax
from autodiff.ops.elementwise import astype
from autodiff.ops.entropy import xlog1py, xlogy
from autodiff.ops.exponential import log
from autodiff.ops.incomplete import gamma_moved
from autodiff.ops.indexing import take, take_along_axis
from autodiff.ops.movement import as_array, as_shape, broadcast_to, expand_dims, squeeze
from autodiff.ops.noise import fresh_key, generator, noise, seed
from autodiff.ops.softmax import softmax
from autodiff.ops.sorting import argsort
from autodiff.ops.special import sigmoid
from autodiff.registry import PRIMITIVES
from autodiff.tensor import Tensor, apply, raw

__all__ = [
    "bernoulli",
    "bernoulli_logpmf",
    "beta",
    "categorical",
    "categorical_logpmf",
    "dirichlet",
    "exponential",
    "gamma",
    "generator",
    "gumbel",
    "laplace",
    "normal",
    "permutation",
    "randint",
    "seed",
    "uniform",
]


def _sizes(name: str, size: Any, *parameters: Any) -> tuple[int, ...]:
    """The shape of a draw: ``size``, into which the parameters broadcast, or their own."""
    shapes = [np.shape(p) if not isinstance(p, Tensor) else p.shape for p in parameters]
    try:
        own = np.broadcast_shapes(*shapes)
        if size is None:
            return own
        wanted = as_shape(name, size, "size")
        if np.broadcast_shapes(own, wanted) == wanted:
            return wanted
    except ValueError:
        pass
    raise ShapeError(
        f"random.{name}: parameters of shapes {', '.join(map(str, shapes))} do not broadcast to "
        f"size {size}"
    )


def _dtype(name: str, dtype: Any, *parameters: Any) -> np.dtype[Any]:
    """The floating dtype of a draw: the one given, else that of the parameters that are arrays."""
    kinds = [p.dtype for p in parameters if isinstance(p, (Tensor, np.ndarray, np.generic))]
    if any(k.kind == "c" for k in kinds):
        raise DTypeError(
            f"random.{name}: expected real parameters, got {', '.join(map(str, kinds))}"
        )
    if dtype is None:
        dtype = np.result_type(*kinds) if kinds else np.dtype(float)
        dtype = dtype if dtype.kind == "f" else np.dtype(float)
    if np.dtype(dtype).kind != "f":
        raise DTypeError(f"random.{name}: expected a floating dtype, got {np.dtype(dtype)}")
    return np.dtype(dtype)


def _parameters(*given: Any) -> list[Any]:
    """Parameters that are lists as arrays; numbers stay weak."""
    return [p if type(p) in (int, float) else as_array(p) for p in given]


def _scaled(name: str, method: str, loc: Any, scale: Any, size: Any, dtype: Any) -> Any:
    loc, scale = _parameters(loc, scale)
    kind = _dtype(name, dtype, loc, scale)
    y = noise(method, _sizes(name, size, loc, scale), kind)
    # The usual draw, of a dropout mask, is not passed over twice more.
    y = y if type(scale) is float and scale == 1 else scale * y
    y = y if type(loc) is float and loc == 0 else loc + y
    return astype(y, kind) if y.dtype != kind else y


def normal(loc: Any = 0.0, scale: Any = 1.0, size: Any = None, *, dtype: Any = None) -> Any:
    r"""Draws of the normal distribution.

    .. math:: y = \mathrm{loc} + \mathrm{scale} \cdot z, \qquad z \sim N(0, 1)

    Parameters
    ----------
    loc, scale : array_like
        Mean and standard deviation. Gradients reach both.
    size : int or tuple of int, optional
        The shape of the draw, into which the parameters broadcast; their own where not given.
    dtype : dtype, optional
        That of the parameters where they are arrays, else float64.

    Raises
    ------
    ShapeError
        The parameters do not broadcast to ``size``.
    DTypeError
        ``dtype`` is not floating.

    Reference: D. Kingma, M. Welling, "Auto-encoding variational Bayes" (2014).

    >>> import autodiff as ad
    >>> scale = ad.tensor(2.0, requires_grad=True)
    >>> y = ad.random.normal(1.0, scale, size=3)
    >>> z = ad.gradients(y, scale, cotangents=[1.0, 0.0, 0.0])
    >>> bool(abs(1.0 + 2.0 * z - y[0]) < 1e-12)
    True
    """
    return _scaled("normal", "standard_normal", loc, scale, size, dtype)


def uniform(low: Any = 0.0, high: Any = 1.0, size: Any = None, *, dtype: Any = None) -> Any:
    r"""Draws of the uniform distribution on [low, high).

    .. math:: y = \mathrm{low} + (\mathrm{high} - \mathrm{low})\, u

    Gradients reach both ends. Other parameters and errors are those of ``normal``.

    >>> import autodiff as ad
    >>> bool((ad.random.uniform(2.0, 3.0, size=5) >= 2.0).numpy().all())
    True
    """
    low, high = _parameters(low, high)
    return _scaled("uniform", "random", low, high - low, size, dtype)


def gumbel(loc: Any = 0.0, scale: Any = 1.0, size: Any = None, *, dtype: Any = None) -> Any:
    r"""Draws of the Gumbel distribution.

    .. math:: y = \mathrm{loc} - \mathrm{scale} \ln(-\ln u)

    Gradients reach both parameters. Others and errors are those of ``normal``.

    >>> import autodiff as ad
    >>> ad.random.gumbel(size=(2, 3)).shape
    (2, 3)
    """
    return _scaled("gumbel", "gumbel", loc, scale, size, dtype)


def laplace(loc: Any = 0.0, scale: Any = 1.0, size: Any = None, *, dtype: Any = None) -> Any:
    r"""Draws of the Laplace distribution, of density :math:`e^{-|y - loc| / scale} / (2\,scale)`.

    Gradients reach both parameters. Others and errors are those of ``normal``.

    >>> import autodiff as ad
    >>> ad.random.laplace(size=4).shape
    (4,)
    """
    return _scaled("laplace", "laplace", loc, scale, size, dtype)


def exponential(scale: Any = 1.0, size: Any = None, *, dtype: Any = None) -> Any:
    r"""Draws of the exponential distribution of mean ``scale``.

    .. math:: y = -\mathrm{scale} \ln u

    Gradients reach ``scale``. Other parameters and errors are those of ``normal``.

    >>> import autodiff as ad
    >>> bool((ad.random.exponential(size=4) >= 0).numpy().all())
    True
    """
    return _scaled("exponential", "standard_exponential", 0.0, scale, size, dtype)


def _standard_gamma(name: str, shape: Any, size: Any, dtype: Any) -> Any:
    (a,) = _parameters(shape)
    kind = _dtype(name, dtype, a)
    a = broadcast_to(astype(as_array(a), kind), _sizes(name, size, a))
    # The draw is of the shape as it is now, a constant; what moves with the shape is the quantile.
    # Under vmap there is no value, but one for each example.
    start = raw(a)
    if not isinstance(start, np.ndarray):
        start = apply(PRIMITIVES["stop_gradient"], a)
    drawn = apply(PRIMITIVES["gamma_draw"], fresh_key(), start)
    return gamma_moved(a, start, drawn)


def gamma(shape: Any, scale: Any = 1.0, size: Any = None, *, dtype: Any = None) -> Any:
    r"""Draws of the gamma distribution, of density :math:`\propto y^{a-1} e^{-y / scale}`.

    .. math:: \frac{dy}{da} = -\frac{\partial P(a, y) / \partial a}{\partial P(a, y) / \partial y}

    Gradients reach ``shape`` (a > 0) and ``scale``: a draw moves with its shape so that its
    probability stays (implicit reparametrisation), and so it does inside ``ad.gradcheck``.
    Elsewhere a new draw at another shape does not follow that path, also with the same seed:
    differences of draws are not this derivative. Other parameters and errors are those of
    ``normal``.

    Reference: M. Figurnov, S. Mohamed, A. Mnih, "Implicit reparameterization gradients" (2018).

    >>> import autodiff as ad
    >>> a = ad.tensor(3.0, requires_grad=True)
    >>> bool(ad.gradients(ad.random.gamma(a), a) > 0)
    True
    """
    (scale,) = _parameters(scale)
    size = _sizes("gamma", size, *_parameters(shape), scale)
    y = scale * _standard_gamma("gamma", shape, size, _dtype("gamma", dtype, shape, scale))
    return y


def _log_gamma_draw(name: str, a: Any, size: Any, dtype: Any) -> Any:
    """The logarithm of gamma draws, which stays finite for small shapes.

    If x has the shape a + 1, then x u^(1 / a) has the shape a (Marsaglia, Tsang 2000, section 6).
    """
    u = noise("standard_exponential", size, dtype)
    return log(_standard_gamma(name, a + 1, size, dtype)) - u / a


def beta(a: Any, b: Any, size: Any = None, *, dtype: Any = None) -> Any:
    r"""Draws of the beta distribution, of density :math:`\propto y^{a-1} (1 - y)^{b-1}`.

    .. math:: y = \frac{x_a}{x_a + x_b}, \qquad x_a \sim \mathrm{Gamma}(a), \;
        x_b \sim \mathrm{Gamma}(b)

    Gradients reach both parameters, as in ``gamma``. Others and errors are those of ``normal``.

    >>> import autodiff as ad
    >>> bool(ad.random.beta(2.0, 3.0) < 1)
    True
    """
    a, b = _parameters(a, b)
    kind, shape = _dtype("beta", dtype, a, b), _sizes("beta", size, a, b)
    first, second = (_log_gamma_draw("beta", p, shape, kind) for p in (a, b))
    return sigmoid(first - second)


def dirichlet(alpha: Any, size: Any = None, *, dtype: Any = None) -> Any:
    r"""Draws of the Dirichlet distribution: weights along the last axis that sum to 1.

    .. math:: y_i = \frac{x_i}{\sum_j x_j}, \qquad x_i \sim \mathrm{Gamma}(\alpha_i)

    ``size`` is the shape of the draws in front of the weights. Gradients reach ``alpha``, as in
    ``gamma``. Raises ShapeError for a scalar, or where the leading axes do not broadcast.

    >>> import autodiff as ad
    >>> bool(abs(ad.random.dirichlet([1.0, 2.0, 3.0]).sum() - 1) < 1e-12)
    True
    """
    alpha = as_array(alpha)
    if not alpha.ndim:
        raise ShapeError("random.dirichlet: expected the parameters along the last axis")
    shape = None if size is None else (*as_shape("dirichlet", size, "size"), alpha.shape[-1])
    kind = _dtype("dirichlet", dtype, alpha)
    drawn = _log_gamma_draw("dirichlet", alpha, _sizes("dirichlet", shape, alpha), kind)
    return softmax(drawn, -1)


def bernoulli(p: Any = 0.5, size: Any = None) -> Any:
    """Draws of True with probability ``p``, else False; no gradient passes.

    The gradient of an expectation is that of the draw's logarithm of probability times what it
    costs: see ``bernoulli_logpmf``. Raises ShapeError where ``p`` does not broadcast to ``size``.

    >>> import autodiff as ad
    >>> ad.random.bernoulli(1.0, size=2)
    Tensor([ True,  True])
    """
    (p,) = _parameters(p)
    _dtype("bernoulli", None, p)
    return noise("random", _sizes("bernoulli", size, p), float) < p


def bernoulli_logpmf(k: Any, p: Any = None, *, logits: Any = None) -> Any:
    r"""Logarithm of the probability of 0 or 1, given that of 1 or its logit.

    .. math:: \ell = k \ln p + (1 - k) \ln(1 - p)

    Exact for large ``logits``, and 0 ln 0 = 0. Raises ValueError unless one of ``p`` and ``logits``
    is given.

    Reference: R. Williams, "Simple statistical gradient-following algorithms" (1992).

    >>> import autodiff as ad
    >>> ad.random.bernoulli_logpmf([True, False], 0.25).round(3)
    array([-1.386, -0.288])
    """
    if (p is None) == (logits is None):
        raise ValueError("random.bernoulli_logpmf: give one of p and logits")
    k = as_array(k)
    if logits is not None:
        logits = as_array(logits)
        k = astype(k, logits.dtype)
        return k * log_sigmoid(logits) + (1 - k) * log_sigmoid(-logits)
    p = as_array(p)
    k = astype(k, p.dtype)
    return xlogy(k, p) + xlog1py(1 - k, -p)


def categorical(logits: Any, size: Any = None) -> Any:
    r"""Draws of positions along the last axis, with probabilities softmax(logits).

    .. math:: y = \mathrm{argmax}_i\,(l_i + z_i), \qquad z_i \sim \mathrm{Gumbel}(0, 1)

    ``size`` is the shape of the draws, into which the leading axes of ``logits`` broadcast. The
    dtype is int64: no gradient passes; see ``categorical_logpmf``. Raises ShapeError for a scalar.

    Reference: C. Maddison, D. Tarlow, T. Minka, "A* sampling" (2014).

    >>> import autodiff as ad
    >>> ad.random.categorical([0.0, 1e4, 0.0], size=3)
    Tensor([1, 1, 1])
    """
    logits = as_array(logits)
    if not logits.ndim:
        raise ShapeError("random.categorical: expected logits along the last axis, got a scalar")
    _dtype("categorical", None, logits)
    shape = None if size is None else (*as_shape("categorical", size, "size"), logits.shape[-1])
    z = noise("gumbel", _sizes("categorical", shape, logits), float)
    return argmax(logits + z, -1)


def categorical_logpmf(k: Any, logits: Any) -> Any:
    r"""Logarithm of the probability of positions along the last axis of ``logits``.

    .. math:: \ell = l_k - \ln \sum_i e^{l_i}

    The shape of ``k`` is that of ``logits`` without the last axis, or broadcasts with it. Raises
    DTypeError for positions that are no integers.

    >>> import autodiff as ad
    >>> ad.random.categorical_logpmf(1, ad.tensor([0.0, 0.0]))
    Tensor(-0.69314718)
    """
    logits = log_softmax(as_array(logits), -1)
    k = as_array(k)
    if k.ndim + 1 > logits.ndim:
        logits = broadcast_to(logits, (*k.shape, logits.shape[-1]))
    elif k.shape != logits.shape[:-1]:
        k = broadcast_to(k, logits.shape[:-1])
    return squeeze(take_along_axis(logits, expand_dims(k, -1), -1), -1)


def randint(low: int, high: int | None = None, size: Any = None) -> Any:
    """Integers from ``low`` up to and without ``high``; with one number, from 0 up to it.

    Raises DTypeError for ends that are no integers, ShapeError for an empty range.

    >>> import autodiff as ad
    >>> bool((ad.random.randint(3, size=9) < 3).numpy().all())
    True
    """
    ends = as_shape("randint", (0, low) if high is None else (low, high), "an end")
    if ends[0] >= ends[1]:
        raise ShapeError(f"random.randint: no integers from {ends[0]} up to and without {ends[1]}")
    return noise("integers", _sizes("randint", size if size is not None else ()), np.int64, *ends)


def permutation(x: Any, axis: int = 0) -> Any:
    """The slices of an array along an axis in random order, or the numbers below an integer.

    Each gradient goes back to the entry it belongs to. Raises AxisError.

    >>> import autodiff as ad
    >>> sorted(ad.random.permutation(4).numpy().tolist())
    [0, 1, 2, 3]
    """
    x = np.arange(x) if isinstance(x, int) else as_array(x)
    if not x.ndim:
        raise ShapeError("random.permutation: expected an integer or an array with axes")
    return take(x, argsort(noise("random", (x.shape[axis],), float)), axis)
