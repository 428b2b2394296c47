"""Special functions whose kernels are SciPy's: they need ``pip install scipy``."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from autodiff.families import Elementwise, Function, elementwise_function
from autodiff.node import SCALARS, Aval
from autodiff.ops.entropy import xlog1py, xlogy
from autodiff.ops.exponential import exp
from autodiff.ops.gamma import betaln
from autodiff.ops.incomplete import gamma_weight, incomplete_slope
from autodiff.ops.movement import as_array
from autodiff.primitive import Case, In, absent
from autodiff.registry import PRIMITIVES, public
from autodiff.tensor import apply

__all__ = ["betainc", "erfcinv", "erfinv", "gammainc", "gammaincc", "j0", "j1", "jv", "ndtri"]

_HALF_ROOT_PI = 0.5 * math.sqrt(math.pi)


def _scipy(name: str) -> Any:
    """A function of ``scipy.special``, or one sentence that says what to install."""
    try:
        from scipy import special
    except ImportError:
        raise ImportError(
            f"ad.special.{name} computes with SciPy, which is not installed: pip install scipy"
        ) from None
    return getattr(special, name)


def _kernel(name: str, like: np.ufunc) -> Any:
    """SciPy's function with the dtypes of the ufunc ``like``; SciPy's has no half precision."""

    def kernel(*operands: Any) -> Any:
        kinds = [type(v) if type(v) in SCALARS else np.asarray(v).dtype for v in operands]
        dtype = like.resolve_dtypes((*kinds, None))[-1]
        return np.asarray(_scipy(name)(*operands)).astype(dtype, copy=False)[()]

    return kernel


# ---- incomplete beta and gamma functions


def _betainc(a: Any, b: Any, x: Any) -> Any:
    return _scipy("betainc")(a, b, x)


_FIXED = absent(
    "betainc: there is no derivative by the parameters a and b, only by x; hold them fixed with "
    "ad.stop_gradient"
)


class Betainc(Elementwise):
    """The regularised incomplete beta function; see ``ad.special.betainc``."""

    name = "betainc"
    arguments = ("a", "b", "x")
    kernel = staticmethod(_betainc)
    products = (
        _FIXED,
        _FIXED,
        lambda g, a, b, x: g * exp(xlogy(a - 1, x) + xlog1py(b - 1, -x) - betaln(a, b)),
    )
    intervals = ((0.5, 3.0), (0.5, 3.0), (0.1, 0.9))

    def infer_dtype(self, *dtypes: Any) -> Any:
        ones = [d(1) if isinstance(d, type) else np.ones(1, d) for d in dtypes]
        return np.asarray(_betainc(*ones)).dtype


@public
def betainc(a: Any, b: Any, x: Any, /) -> Any:
    r"""Regularised incomplete beta function, differentiable in ``x``.

    .. math:: y = \frac{1}{B(a, b)} \int_0^x t^{a-1} (1 - t)^{b-1} dt

    A gradient by ``a`` or ``b`` raises GradientError: it has no short formula. The kernel is
    SciPy's; where that is not installed, ImportError says so.

    >>> import autodiff as ad
    >>> ad.special.betainc(2.0, 3.0, ad.tensor(0.5))
    Tensor(0.6875)
    """
    return apply(PRIMITIVES["betainc"], as_array(a), as_array(b), as_array(x))


class Gammainc(Elementwise):
    r"""Regularised lower incomplete gamma function, for a > 0 and x ≥ 0.

    .. math:: y = P(a, x) = \frac{1}{\Gamma(a)} \int_0^x t^{a-1} e^{-t} dt

    Differentiable in both arguments. The kernel is SciPy's; where that is not installed,
    ImportError says so. The derivative by ``a`` is an integral of ours, with errors of some 1e-14.

    >>> import autodiff as ad
    >>> ad.special.gammainc(ad.tensor([1.0, 3.0]), 2.0)
    Tensor([0.86466472, 0.32332358])
    """

    name = "gammainc"
    arguments = ("a", "x")
    kernel = staticmethod(_kernel("gammainc", np.arctan2))
    like = np.arctan2
    products = (
        lambda g, a, x: g * incomplete_slope(a, x),
        lambda g, a, x: g * (gamma_weight(a, x) / x),
    )
    intervals = ((0.5, 3.0), (3.5, 6.0))


class Gammaincc(Elementwise):
    r"""Regularised upper incomplete gamma function, exact where it is small.

    .. math:: y = Q(a, x) = 1 - P(a, x)

    Kernel and derivatives as those of ``gammainc``.

    >>> import autodiff as ad
    >>> ad.special.gammaincc(ad.tensor(2.0), 50.0)
    Tensor(9.83662422e-21)
    """

    name = "gammaincc"
    arguments = ("a", "x")
    kernel = staticmethod(_kernel("gammaincc", np.arctan2))
    like = np.arctan2
    products = (
        lambda g, a, x: -g * incomplete_slope(a, x),
        lambda g, a, x: -g * (gamma_weight(a, x) / x),
    )
    intervals = ((0.5, 3.0), (3.5, 6.0))


gammainc: Function = elementwise_function(Gammainc)
gammaincc: Function = elementwise_function(Gammaincc)


# ---- inverses of the error functions


class Erfinv(Elementwise):
    r"""Inverse of the error function: infinite at -1 and 1, NaN beyond.

    .. math:: \operatorname{erf} y = x, \qquad dy/dx = \tfrac{\sqrt\pi}{2} e^{y^2}

    The kernel is SciPy's; where that is not installed, ImportError says so.

    >>> import autodiff as ad
    >>> ad.special.erfinv(ad.tensor([0.0, 0.5]))
    Tensor([0.        , 0.47693628])
    """

    name = "erfinv"
    kernel = staticmethod(_kernel("erfinv", np.cbrt))
    like = np.cbrt
    products = (lambda g, y: g * (_HALF_ROOT_PI * exp(y * y)),)
    intervals = ((-0.9, 0.9),)


class Erfcinv(Elementwise):
    r"""Inverse of the complementary error function, exact where ``x`` is small.

    .. math:: \operatorname{erfc} y = x, \qquad dy/dx = -\tfrac{\sqrt\pi}{2} e^{y^2}

    Infinite at 0 and 2, NaN beyond. The kernel is SciPy's; where that is not installed,
    ImportError says so.

    >>> import autodiff as ad
    >>> ad.special.erfcinv(ad.tensor([1.0, 1e-100]))
    Tensor([-0.       , 15.0655747])
    """

    name = "erfcinv"
    kernel = staticmethod(_kernel("erfcinv", np.cbrt))
    like = np.cbrt
    products = (lambda g, y: g * (-_HALF_ROOT_PI * exp(y * y)),)
    intervals = ((0.1, 1.9),)


erfinv: Function = elementwise_function(Erfinv)
erfcinv: Function = elementwise_function(Erfcinv)


@public
def ndtri(p: Any, /) -> Any:
    r"""Inverse of ``ndtr``: the quantile of the standard normal.

    .. math:: \Phi(y) = p, \qquad dy/dp = \sqrt{2 \pi}\, e^{y^2/2}

    Infinite at 0 and 1, NaN beyond. By ``erfcinv``.

    >>> import autodiff as ad
    >>> ad.special.ndtri(ad.tensor(0.975))
    Tensor(1.95996398)
    """
    return erfcinv(2 * as_array(p)) * -math.sqrt(2)


# ---- Bessel functions


class BesselJ(Elementwise):
    """The Bessel function of the first kind of order ``order``; see ``ad.special.jv``."""

    name = "bessel_j"
    kernel = staticmethod(lambda x, *, order: _scipy("jv")(order, x))
    products = (
        lambda g, x, *, order: g * (0.5 * (_of_order(order - 1, x) - _of_order(order + 1, x))),
    )
    intervals = ((0.5, 9.0),)
    cases = (
        Case((In((2, 3), -9.0, 9.0),), {"order": 0}),
        Case((In((3,), 0.5, 9.0),), {"order": 1.5}),
        Case((In((), 0.5, 9.0),), {"order": 2}),
        Case((In((0, 2)),), {"order": 1}),
    )

    def infer(self, *avals: Any, **params: Any) -> Aval:
        (x,) = avals
        return Aval(x.shape, np.asarray(self.kernel(np.ones(1, x.dtype), **params)).dtype)


def _of_order(order: float, x: Any) -> Any:
    return apply(PRIMITIVES["bessel_j"], x, order=order)


@public
def jv(order: float, x: Any, /) -> Any:
    r"""Bessel function of the first kind, of a real order that is a number.

    .. math:: y = J_v(x), \qquad dy/dx = \tfrac12 (J_{v-1}(x) - J_{v+1}(x))

    No gradient reaches the order. The kernel is SciPy's; where that is not installed, ImportError
    says so. Reference: DLMF 10.6.1.

    >>> import autodiff as ad
    >>> ad.special.jv(2, ad.tensor(1.0))
    Tensor(0.11490348)
    """
    return _of_order(order, as_array(x))


@public
def j0(x: Any, /) -> Any:
    """``jv`` of order 0.

    >>> import autodiff as ad
    >>> ad.special.j0(ad.tensor(0.0))
    Tensor(1.)
    """
    return _of_order(0, as_array(x))


@public
def j1(x: Any, /) -> Any:
    """``jv`` of order 1.

    >>> import autodiff as ad
    >>> ad.special.j1(ad.tensor(1.0))
    Tensor(0.44005059)
    """
    return _of_order(1, as_array(x))
