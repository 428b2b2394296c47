"""Complex numbers: their parts, conjugates and angles.

The gradient of a real loss L with respect to a complex value z is the direction of steepest ascent,
dL/dRe z + i dL/dIm z, as in PyTorch: a step against it lowers L. Rules see its conjugate, so that
none of them conjugates (see ``transforms.reverse``).

Reference: K. Kreutz-Delgado, "The complex gradient operator and the CR-calculus" (2009).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from autodiff.families import Elementwise, Function, elementwise_function
from autodiff.ops.comparison import DISCRETE, Discrete, equal
from autodiff.ops.movement import as_array
from autodiff.ops.selection import where
from autodiff.registry import PRIMITIVES, public
from autodiff.tensor import Tensor, apply_unary, wrap

__all__ = [
    "angle",
    "conj",
    "conjugate",
    "imag",
    "iscomplex",
    "iscomplexobj",
    "isreal",
    "isrealobj",
    "real",
]

ANY = (-2.0, 2.0)


class _Part(Elementwise, abstract=True):
    """A real function of complex numbers."""

    def infer_dtype(self, *dtypes: Any) -> Any:
        return self.kernel(np.ones(1, dtypes[0])).dtype


class Real(_Part):
    """The real part of each entry; see ``ad.real``."""

    name = "real"
    kernel = staticmethod(lambda x: np.real(x))
    partials = (1,)
    intervals = (ANY,)


class Imag(_Part):
    """The imaginary part of each entry; see ``ad.imag``."""

    name = "imag"
    kernel = staticmethod(lambda x: np.imag(x))
    partials = (-1j,)
    intervals = (ANY,)


class Conj(Elementwise):
    """The complex conjugate of each entry; see ``ad.conj``."""

    name = "conj"
    kernel = np.conjugate
    products = (lambda g: conj(g),)
    intervals = (ANY,)


def _turn(g: Any, x: Any) -> Any:
    if x.dtype.kind != "c":
        return g * 0
    origin = equal(x, 0)
    return where(origin, 0, g * (-1j / where(origin, 1, x)))


class Angle(_Part):
    r"""Angle of each complex number from the positive real axis, in radians, from -π to π.

    .. math:: y = \operatorname{Im} \ln x, \qquad \bar x = \bar y\, \frac{i x}{|x|^2}

    Of real numbers 0 or π, with derivative 0. At 0, where there is no angle, the gradient is 0.

    >>> import autodiff as ad
    >>> ad.angle(ad.tensor([1.0, 1.0 + 1.0j]))
    Tensor([0.        , 0.78539816])
    """

    name = "angle"
    kernel = staticmethod(lambda x: np.angle(x))
    products = (_turn,)
    intervals = ((0.2, 2.0),)


class Iscomplex(Discrete):
    """Whether each entry has an imaginary part that is not 0.

    >>> import autodiff as ad
    >>> ad.iscomplex(ad.tensor([1.0, 2.0j]))
    Tensor([False,  True])
    """

    name = "iscomplex"
    kernel = staticmethod(lambda x: np.iscomplex(x))
    partials = DISCRETE
    like = np.isnan
    intervals = (ANY,)


class Isreal(Discrete):
    """Whether the imaginary part of each entry is 0.

    >>> import autodiff as ad
    >>> ad.isreal(ad.tensor([1.0, 2.0j]))
    Tensor([ True, False])
    """

    name = "isreal"
    kernel = staticmethod(lambda x: np.isreal(x))
    partials = DISCRETE
    like = np.isnan
    intervals = (ANY,)


angle: Function = elementwise_function(Angle)
iscomplex: Function = elementwise_function(Iscomplex)
isreal: Function = elementwise_function(Isreal)


def _itself(x: Any) -> Any:
    # A handle of its own: x[i] = v on the result leaves x alone.
    return wrap(x._data, x.node) if isinstance(x, Tensor) else x


@public
def real(x: Any, /) -> Any:
    r"""The real part of each entry; of real numbers, the numbers themselves.

    .. math:: y = \operatorname{Re} x, \qquad \bar x = \bar y

    ``x``: any shape. The result has the real dtype of the same precision.

    >>> import autodiff as ad
    >>> ad.real(ad.tensor([1.0 + 2.0j, 3.0j]))
    Tensor([1., 0.])
    """
    x = as_array(x)
    return apply_unary(PRIMITIVES["real"], x) if x.dtype.kind == "c" else _itself(x)


@public
def imag(x: Any, /) -> Any:
    r"""The imaginary part of each entry; of real numbers, zeros.

    .. math:: y = \operatorname{Im} x, \qquad \bar x = i \bar y

    ``x``: any shape. The result has the real dtype of the same precision.

    >>> import autodiff as ad
    >>> x = ad.tensor([1.0 + 2.0j, 3.0j], requires_grad=True)
    >>> ad.gradients(ad.imag(x).sum(), x)
    Tensor([0.+1.j, 0.+1.j], dtype=complex128)
    """
    return apply_unary(PRIMITIVES["imag"], as_array(x))


@public
def conj(x: Any, /) -> Any:
    r"""The complex conjugate of each entry; of real numbers, the numbers themselves.

    .. math:: y = \overline{x} = \operatorname{Re} x - i \operatorname{Im} x

    >>> import autodiff as ad
    >>> ad.conj(ad.tensor([1.0 + 2.0j, 3.0j]))
    Tensor([1.-2.j, 0.-3.j], dtype=complex128)
    """
    x = as_array(x)
    return apply_unary(PRIMITIVES["conj"], x) if x.dtype.kind == "c" else _itself(x)


@public
def conjugate(x: Any, /) -> Any:
    """The complex conjugate of each entry: ``conj``, under NumPy's longer name.

    >>> import autodiff as ad
    >>> ad.conjugate(ad.tensor(2.0j))
    Tensor(0.-2.j, dtype=complex128)
    """
    return conj(x)


@public
def iscomplexobj(x: Any) -> bool:
    """Whether the dtype is complex, whatever the entries are.

    >>> import autodiff as ad
    >>> ad.iscomplexobj(ad.tensor([1.0 + 0.0j])), ad.iscomplexobj(ad.tensor([1.0]))
    (True, False)
    """
    return bool(as_array(x).dtype.kind == "c")


@public
def isrealobj(x: Any) -> bool:
    """Whether the dtype is not complex, whatever the entries are.

    >>> import autodiff as ad
    >>> ad.isrealobj(ad.tensor([1.0 + 0.0j])), ad.isrealobj(ad.tensor([1.0]))
    (False, True)
    """
    return not iscomplexobj(x)
