"""The primitives of discrete Fourier transforms; what is public stands in ``ops.fft``.

There are three, which keep the length of their axes: ``fft`` over several axes, ``rfft`` (real to
half spectrum) and ``irfft`` (half spectrum to real) over one. Cutting and padding to another length
are indexing and ``pad``, and all else is written with these.

The matrix of ``fft`` is symmetric, so that it is its own transpose. A half spectrum stands for a
whole one, in which all but the first and, for even lengths, the middle entry occur twice: once as
its own conjugate. Those are the weights in the transposes.

Reference: Cooley and Tukey, "An algorithm for the machine calculation of complex Fourier series",
Mathematics of Computation 19 (1965); the conventions are those of ``numpy.fft``.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from autodiff.errors import AxisError, DTypeError, ShapeError, normalize_axes
from autodiff.families import Linear
from autodiff.node import Aval, Node
from autodiff.ops.complex import conj
from autodiff.primitive import Case, In
from autodiff.registry import PRIMITIVES
from autodiff.tensor import apply

# The norm whose factor on the way back is the one that this norm has on the way there.
SWAPPED = {"backward": "forward", "forward": "backward", "ortho": "ortho"}


def _matrix(n: int, rows: int, columns: int, sign: int) -> Any:
    """Entries e^(sign 2πi jk / n) for j < rows, k < columns: the transform as a matrix."""
    return np.exp(sign * 2j * np.pi * np.outer(np.arange(rows), np.arange(columns)) / n)


def _by_matrix(x: Any, axis: int, matrix: Any) -> Any:
    y = np.tensordot(x, matrix, ((axis,), (1,)))
    return np.moveaxis(y, -1, axis)


def _factor(n: int, norm: str, inverse: bool = False) -> float:
    norm = SWAPPED[norm] if inverse else norm
    return {"backward": 1.0, "ortho": 1 / math.sqrt(n), "forward": 1 / n}[norm]


def _fft_reference(x: Any, *, axes: tuple[int, ...], norm: str, inverse: bool) -> Any:
    for axis in axes:
        n = x.shape[axis]
        x = _by_matrix(x, axis, _matrix(n, n, n, 1 if inverse else -1)) * _factor(n, norm, inverse)
    return x


def _mixed(mask: Any, shape: tuple[int, ...], axes: tuple[int, ...]) -> Any:
    """Presence: each entry along an axis reaches all of them."""
    return None if mask is None else np.broadcast_to(mask.any(axis=axes, keepdims=True), shape)


class FFT(Linear):
    """The Fourier transform over axes, or its inverse; see ``ad.fft.fftn``."""

    name = "fft"
    kernel = staticmethod(
        lambda x, out=None, *, axes, norm, inverse: (np.fft.ifftn if inverse else np.fft.fftn)(
            x, axes=axes, norm=norm, out=out
        )
    )
    reference = staticmethod(_fft_reference)
    transpose = staticmethod(lambda g, **params: apply(PRIMITIVES["fft"], g, **params))
    cases = (
        Case((In((5,)),), {"axes": (0,), "norm": "backward", "inverse": False}),
        Case((In((3, 6)),), {"axes": (1,), "norm": "forward", "inverse": True}),
        Case((In((3, 2, 5)),), {"axes": (0, 2), "norm": "ortho", "inverse": False}),
        Case((In((2, 3)),), {"axes": (0, 1), "norm": "backward", "inverse": True}),
        Case((In((0, 3)),), {"axes": (1,), "norm": "backward", "inverse": False}),
    )
    errors = (
        (
            Case((In((3,)),), {"axes": (1,), "norm": "ortho", "inverse": False}),
            AxisError,
            "axis 1",
        ),
        (
            Case((In((3, 0)),), {"axes": (1,), "norm": "ortho", "inverse": False}),
            ShapeError,
            "no entries along axis 1",
        ),
    )

    def infer(self, x: Any, *, axes: tuple[int, ...], norm: str, inverse: bool) -> Aval:
        _check_axes(self.name, x, axes)
        return Aval(x.shape, np.fft.fft(np.ones(1, x.dtype)).dtype)

    def batch(self, mapped: tuple[bool, ...], x: Any, *, axes: Any, **params: Any) -> Any:
        return apply(self, x, axes=tuple(a + 1 for a in axes), **params)

    def presence(self, i: int, mask: Any, node: Node) -> Any:
        return _mixed(mask, node.inputs[0].shape, node.params["axes"])


def _check_axes(name: str, x: Any, axes: tuple[int, ...]) -> None:
    for axis in normalize_axes(name, axes, x.ndim):
        if x.shape[axis] == 0:
            raise ShapeError(f"{name}: {x!r} has no entries along axis {axis} (expected some)")


def _weights(n: int, ndim: int, axis: int, twice: float, dtype: Any) -> Any:
    """1 for the entries of a half spectrum that stand for themselves, ``twice`` for the others."""
    w = np.full(n // 2 + 1, twice, np.zeros(0, dtype).real.dtype)
    w[0] = 1
    if n % 2 == 0:
        w[-1] = 1
    return w.reshape((-1,) + (1,) * (ndim - 1 - axis))


def _pull_rfft(g: Any, x_aval: Any, *, axis: int, norm: str) -> Any:
    n = x_aval.shape[axis]
    halves = conj(g) * _weights(n, g.ndim, axis, 0.5, g.dtype)
    return apply(PRIMITIVES["irfft"], halves, n=n, axis=axis, norm=SWAPPED[norm])


def _pull_irfft(g: Any, *, n: int, axis: int, norm: str) -> Any:
    y = conj(apply(PRIMITIVES["rfft"], g, axis=axis, norm=SWAPPED[norm]))
    return y * _weights(n, g.ndim, axis, 2.0, g.dtype)


class RFFT(Linear):
    """The first half of the spectrum of real numbers along an axis; see ``ad.fft.rfft``."""

    name = "rfft"
    kernel = staticmethod(
        lambda x, out=None, *, axis, norm: np.fft.rfft(x, axis=axis, norm=norm, out=out)
    )
    reference = staticmethod(
        lambda x, *, axis, norm: (
            _by_matrix(x, axis, _matrix(n := x.shape[axis], n // 2 + 1, n, -1)) * _factor(n, norm)
        )
    )
    transpose = staticmethod(_pull_rfft)
    cases = (
        Case((In((5,)),), {"axis": 0, "norm": "backward"}),
        Case((In((6,)),), {"axis": 0, "norm": "ortho"}),
        Case((In((2, 6, 2)),), {"axis": 1, "norm": "forward"}),
        Case((In((1,)),), {"axis": 0, "norm": "backward"}),
        Case((In((2, 2)),), {"axis": 1, "norm": "backward"}),
        Case((In((0, 3)),), {"axis": 1, "norm": "backward"}),
    )
    errors = (
        (Case((In((3,)),), {"axis": 1, "norm": "ortho"}), AxisError, "axis 1"),
        (Case((np.ones(3) * 1j,), {"axis": 0, "norm": "ortho"}), DTypeError, "fft takes both"),
    )

    def infer(self, x: Any, *, axis: int, norm: str) -> Aval:
        _check_axes(self.name, x, (axis,))
        if np.dtype(x.dtype).kind == "c":
            raise DTypeError(f"rfft: expected real numbers, got {x!r}; ad.fft.fft takes both")
        shape = (*x.shape[:axis], x.shape[axis] // 2 + 1, *x.shape[axis + 1 :])
        return Aval(shape, np.fft.rfft(np.ones(1, x.dtype)).dtype)

    def batch(self, mapped: tuple[bool, ...], x: Any, *, axis: int, **params: Any) -> Any:
        return apply(self, x, axis=axis + 1, **params)

    def presence(self, i: int, mask: Any, node: Node) -> Any:
        return _mixed(mask, node.inputs[0].shape, (node.params["axis"],))


def _irfft_reference(x: Any, *, n: int, axis: int, norm: str) -> Any:
    weighted = x * _weights(n, x.ndim, axis, 2.0, x.dtype)
    y = _by_matrix(weighted, axis, _matrix(n, n, n // 2 + 1, 1))
    return y.real * _factor(n, norm, inverse=True)


class IRFFT(Linear):
    """The ``n`` real numbers along an axis of a half spectrum; see ``ad.fft.irfft``."""

    name = "irfft"
    kernel = staticmethod(
        lambda x, out=None, *, n, axis, norm: np.fft.irfft(x, n, axis=axis, norm=norm, out=out)
    )
    reference = staticmethod(_irfft_reference)
    transpose = staticmethod(_pull_irfft)
    cases = (
        Case((In((3,)),), {"n": 5, "axis": 0, "norm": "backward"}),
        Case((In((4,)),), {"n": 6, "axis": 0, "norm": "ortho"}),
        Case((In((2, 4, 2)),), {"n": 6, "axis": 1, "norm": "forward"}),
        Case((In((1,)),), {"n": 1, "axis": 0, "norm": "backward"}),
        Case((In((2, 2)),), {"n": 2, "axis": 1, "norm": "backward"}),
        Case((In((0, 2)),), {"n": 3, "axis": 1, "norm": "backward"}),
    )
    errors = ((Case((In((3,)),), {"n": 5, "axis": 1, "norm": "ortho"}), AxisError, "axis 1"),)

    def infer(self, x: Any, *, n: int, axis: int, norm: str) -> Aval:
        _check_axes(self.name, x, (axis,))
        shape = (*x.shape[:axis], n, *x.shape[axis + 1 :])
        return Aval(shape, np.fft.irfft(np.ones(1, x.dtype), 1).dtype)

    def batch(self, mapped: tuple[bool, ...], x: Any, *, axis: int, **params: Any) -> Any:
        return apply(self, x, axis=axis + 1, **params)

    def presence(self, i: int, mask: Any, node: Node) -> Any:
        return _mixed(mask, node.inputs[0].shape, (node.params["axis"],))
