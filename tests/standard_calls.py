"""How the functions of the array API standard are called: arguments drawn by Hypothesis."""

from __future__ import annotations

from typing import Any

import hypothesis.extra.numpy as hnp
import numpy as np
from hypothesis import strategies as st

from tests.standard import DTYPES, FULL, INTEGERS, REALS, SHAPES, arrays

ORDERED = st.sampled_from([*INTEGERS, *REALS])
ANY = st.sampled_from(DTYPES)
ANY_BUT_COMPLEX = st.sampled_from(["bool", *INTEGERS, *REALS])
FLOATING = st.sampled_from([*REALS, "complex64", "complex128"])


class Calls:
    """Draws the arguments of a call, by the name of the function."""

    def __init__(self, draw: Any) -> None:
        self.draw = draw

    def array(self, dtype: Any = ANY, shape: Any = FULL, wild: bool = False) -> Any:
        dtype = dtype if isinstance(dtype, str) else self.draw(dtype)
        return self.draw(arrays(dtype, shape, wild))

    def axis(self, x: Any, many: bool = False, none: bool = True) -> Any:
        axes = st.integers(-x.ndim - (self.draw(st.integers(0, 9)) == 0), x.ndim - 1)
        if many and self.draw(st.booleans()):
            return tuple(self.draw(st.sets(st.integers(0, x.ndim - 1), max_size=x.ndim)))
        return self.draw(axes | st.none()) if none else self.draw(axes)

    def reduction(self, dtype: Any, **options: Any) -> Any:
        x = self.array(dtype)
        keepdims = self.draw(st.booleans())
        return (x,), {"axis": self.axis(x, many=True), "keepdims": keepdims, **options}

    def position(self) -> Any:
        x = self.array(ORDERED)
        return (x,), {"axis": self.axis(x), "keepdims": self.draw(st.booleans())}

    def order(self) -> Any:
        x = self.array(ORDERED)
        options = {"descending": self.draw(st.booleans())}
        return (x,), {"axis": self.axis(x, none=False), **options}

    def matrix(self, dtype: Any = FLOATING, square: bool = True, stacked: bool = True) -> Any:
        dtype = self.draw(dtype)
        n = self.draw(st.integers(1, 3))
        m = n if square else self.draw(st.integers(1, 3))
        batch = self.draw(hnp.array_shapes(min_dims=0, max_dims=1, max_side=2)) if stacked else ()
        seed = self.draw(st.integers(0, 99))
        x = np.random.default_rng(seed).standard_normal((*batch, n, m))
        if np.dtype(dtype).kind == "c":
            x = x + 1j * np.random.default_rng(seed + 1).standard_normal(x.shape)
        return (x + 3 * np.eye(n, m)).astype(dtype)

    def definite(self) -> Any:
        x = self.matrix()
        return x @ np.conj(np.swapaxes(x, -1, -2)) + np.eye(x.shape[-1], dtype=x.dtype)

    def pair(self, dtype: Any = ORDERED) -> Any:
        dtype = self.draw(dtype)
        shape = self.draw(hnp.array_shapes(min_dims=2, max_dims=3, min_side=1, max_side=3))
        a = self.draw(arrays(dtype, shape, False))
        b = self.draw(arrays(dtype, (*shape[:-2], shape[-1], self.draw(st.integers(1, 3))), False))
        return a, b

    def signal(self) -> Any:
        return self.array(FLOATING)


def _reduce(dtypes: Any, **options: Any) -> Any:
    return lambda c: c.reduction(dtypes, **options)


def _fft(dtypes: Any, many: bool = False) -> Any:
    def call(c: Calls) -> Any:
        x = c.array(dtypes)
        x = x[..., :1] if x.shape[-1] == 0 else x
        norm = c.draw(st.sampled_from(["backward", "ortho", "forward"]))
        if many:
            axes = tuple(c.draw(st.sets(st.integers(0, x.ndim - 1), min_size=1)))
            return (x,), {"axes": axes, "norm": norm}
        n = c.draw(st.none() | st.integers(2, 5))
        return (x,), {"axis": -1, "norm": norm, "n": n if x.shape[-1] > 1 else 4}

    return call


def _shape(c: Calls) -> Any:
    return c.draw(SHAPES)


def _creation(c: Calls) -> Any:
    return (_shape(c),), {"dtype": c.draw(st.none() | ANY), "device": None}


def _like(c: Calls) -> Any:
    return (c.array(ANY, SHAPES),), {"dtype": c.draw(st.none() | ANY)}


def _cumulative(c: Calls) -> Any:
    x = c.array(ORDERED)
    return (x,), {"axis": c.axis(x, none=False), "include_initial": c.draw(st.booleans())}


def _joined(c: Calls) -> Any:
    x = c.array(ANY)
    return ([x, x, x[:1]] if c.draw(st.booleans()) else (x, x),), {"axis": 0}


def _moved(c: Calls) -> Any:
    x = c.array()
    return (x, c.axis(x, none=False), c.axis(x, none=False)), {}


def _rolled(c: Calls) -> Any:
    x = c.array()
    axis = c.axis(x)
    return (x, c.draw(st.integers(-4, 4))), {"axis": axis}


def _taken(c: Calls) -> Any:
    x = c.array()
    axis = c.draw(st.integers(-x.ndim, x.ndim - 1))
    indices = c.draw(arrays("int64", (3,), False)) % x.shape[axis]
    return (x, indices), {"axis": axis}


def _taken_along(c: Calls) -> Any:
    x = c.array()
    axis = c.draw(st.integers(-x.ndim, x.ndim - 1))
    return (x, c.draw(arrays("int64", x.shape, False)) % x.shape[axis]), {"axis": axis}


def _repeated(c: Calls) -> Any:
    x = c.array()
    axis = c.draw(st.none() | st.integers(-x.ndim, x.ndim - 1))
    return (x, c.draw(st.integers(0, 3))), {"axis": axis}


def _searched(c: Calls) -> Any:
    dtype = c.draw(ORDERED)
    x = np.sort(c.array(dtype, (4,)))
    return (x, c.array(dtype)), {"side": c.draw(st.sampled_from(["left", "right"]))}


def _clipped(c: Calls) -> Any:
    dtype = c.draw(ORDERED)
    x = c.array(dtype)
    low, high = (c.draw(st.none() | arrays(dtype, x.shape, False)) for _ in range(2))
    if low is not None and high is not None:
        low, high = np.minimum(low, high), np.maximum(low, high)
    return (x, low, high), {}


def _eye(c: Calls) -> Any:
    n, m = c.draw(st.integers(0, 4)), c.draw(st.none() | st.integers(0, 4))
    return (n, m), {"k": c.draw(st.integers(-2, 2)), "dtype": c.draw(st.none() | ANY)}


def _linspace(c: Calls) -> Any:
    limits = st.floats(-9, 9)
    options = {"endpoint": c.draw(st.booleans()), "dtype": c.draw(st.none() | FLOATING)}
    return (c.draw(limits), c.draw(limits), c.draw(st.integers(0, 5))), options


def _vectors(c: Calls) -> Any:
    dtype = c.draw(FLOATING)
    return (c.array(dtype, (2, 3)), c.array(dtype, (2, 3))), {"axis": c.draw(st.sampled_from([-1]))}


def _norm(c: Calls) -> Any:
    x = c.array(FLOATING)
    order = c.draw(st.sampled_from([1, 2, np.inf, 3, 0]))
    return (x,), {"axis": c.axis(x), "ord": order, "keepdims": c.draw(st.booleans())}


def _diff(c: Calls) -> Any:
    x = c.array(ORDERED)
    return (x,), {"axis": c.draw(st.integers(-x.ndim, x.ndim - 1)), "n": c.draw(st.integers(0, 2))}


def _one(dtypes: Any = ANY, shape: Any = FULL, **options: Any) -> Any:
    return lambda c: ((c.array(dtypes, shape),), {k: c.draw(v) for k, v in options.items()})


MATRICES = hnp.array_shapes(min_dims=2, max_dims=3, min_side=1, max_side=3)
CALLS: dict[str, Any] = {
    "all": _reduce(ANY),
    "any": _reduce(ANY),
    "arange": lambda c: (
        (c.draw(st.integers(-5, 5)), c.draw(st.none() | st.integers(-5, 5))),
        {
            "step": c.draw(st.sampled_from([1, 2, -1])),
            "dtype": c.draw(st.sampled_from([None, "int8", *REALS])),
        },
    ),
    "argmax": lambda c: c.position(),
    "argmin": lambda c: c.position(),
    "argsort": lambda c: c.order(),
    "asarray": lambda c: (
        (c.draw(st.lists(st.integers(-5, 5))),),
        {"dtype": c.draw(st.none() | st.sampled_from(["int64", "float32", "complex128"]))},
    ),
    "astype": lambda c: ((c.array(ANY_BUT_COMPLEX), "float64"), {}),
    "broadcast_arrays": lambda c: ((c.array(shape=(2, 1)), c.array(shape=(3,))), {}),
    "broadcast_to": lambda c: ((c.array(shape=(2, 1)), (3, 2, 4)), {}),
    "can_cast": lambda c: ((c.array(st.sampled_from(REALS)), "float64"), {}),
    "clip": _clipped,
    "concat": _joined,
    "count_nonzero": _reduce(ANY),
    "cumulative_prod": _cumulative,
    "cumulative_sum": _cumulative,
    "diff": _diff,
    "empty": None,
    "empty_like": None,
    "expand_dims": lambda c: ((c.array(),), {"axis": c.draw(st.integers(-3, 3))}),
    "eye": _eye,
    "finfo": None,
    "flip": lambda c: ((x := c.array(),), {"axis": c.axis(x, many=True)}),
    "from_dlpack": None,
    "full": lambda c: ((_shape(c), c.draw(st.sampled_from([2, 2.5, True]))), {}),
    "full_like": lambda c: ((c.array(ORDERED, SHAPES), 2), {"dtype": c.draw(st.none() | ORDERED)}),
    "iinfo": None,
    "isdtype": None,
    "linspace": _linspace,
    "matmul": lambda c: (c.pair(), {}),
    "matrix_transpose": _one(shape=MATRICES),
    "max": _reduce(ORDERED),
    "mean": _reduce(st.sampled_from(REALS)),
    "meshgrid": lambda c: (
        (c.array("float64", (2,)), c.array("float64", (3,))),
        {"indexing": c.draw(st.sampled_from(["xy", "ij"]))},
    ),
    "min": _reduce(ORDERED),
    "moveaxis": _moved,
    "nonzero": _one(ANY, SHAPES),
    "ones": _creation,
    "ones_like": _like,
    "permute_dims": lambda c: ((c.array(shape=(2, 3, 4)), c.draw(st.permutations(range(3)))), {}),
    "prod": _reduce(ORDERED),
    "repeat": _repeated,
    "reshape": lambda c: ((c.array(shape=(2, 6)), c.draw(st.sampled_from([(3, 4), (-1,)]))), {}),
    "result_type": None,
    "roll": _rolled,
    "searchsorted": _searched,
    "sort": lambda c: c.order(),
    "squeeze": lambda c: (
        (c.array(shape=(1, 3, 1)), c.draw(st.sampled_from([0, 2, (0, 2), 1]))),
        {},
    ),
    "stack": lambda c: (([x := c.array(), x],), {"axis": c.draw(st.integers(-3, 3))}),
    "std": _reduce(st.sampled_from(REALS), correction=0.0),
    "sum": _reduce(ORDERED),
    "take": _taken,
    "take_along_axis": _taken_along,
    "tensordot": lambda c: (c.pair(), {"axes": ((-1,), (-2,))}),
    "tile": lambda c: ((c.array(), c.draw(st.sampled_from([(2,), (1, 2), (2, 1, 2)]))), {}),
    "tril": _one(shape=MATRICES, k=st.integers(-2, 2)),
    "triu": _one(shape=MATRICES, k=st.integers(-2, 2)),
    **{f"unique_{n}": _one(ORDERED) for n in ("all", "counts", "inverse", "values")},
    "unstack": lambda c: ((x := c.array(),), {"axis": c.draw(st.integers(-x.ndim, x.ndim - 1))}),
    "var": _reduce(st.sampled_from(REALS), correction=0.0),
    "vecdot": _vectors,
    "where": lambda c: (
        (c.array("bool", (2, 3)), c.array(d := c.draw(ANY), (2, 3)), c.array(d, (3,))),
        {},
    ),
    "zeros": _creation,
    "zeros_like": _like,
    "linalg.cholesky": lambda c: ((c.definite(),), {"upper": c.draw(st.booleans())}),
    "linalg.cross": _vectors,
    "linalg.det": lambda c: ((c.matrix(),), {}),
    "linalg.diagonal": _one(shape=MATRICES, offset=st.integers(-1, 1)),
    "linalg.eigh": None,
    "linalg.eigvalsh": lambda c: ((c.definite(),), {}),
    "linalg.inv": lambda c: ((c.matrix(),), {}),
    "linalg.matmul": lambda c: (c.pair(), {}),
    "linalg.matrix_norm": lambda c: (
        (c.matrix(square=False),),
        {"ord": c.draw(st.sampled_from(["fro", "nuc", 1, 2, np.inf, -1]))},
    ),
    "linalg.matrix_power": lambda c: ((c.matrix(), c.draw(st.integers(-2, 3))), {}),
    "linalg.matrix_rank": lambda c: ((c.matrix(square=False),), {}),
    "linalg.matrix_transpose": _one(shape=MATRICES),
    "linalg.outer": lambda c: ((c.array("float64", (2,)), c.array("float64", (3,))), {}),
    "linalg.pinv": lambda c: ((c.matrix(square=False),), {}),
    "linalg.qr": lambda c: (
        (c.matrix(square=False),),
        {"mode": c.draw(st.sampled_from(["reduced", "complete"]))},
    ),
    "linalg.slogdet": lambda c: ((c.matrix(),), {}),
    "linalg.solve": lambda c: ((a := c.matrix(), a @ a), {}),
    "linalg.svd": lambda c: ((c.matrix(square=False),), {"full_matrices": c.draw(st.booleans())}),
    "linalg.svdvals": lambda c: ((c.matrix(square=False),), {}),
    "linalg.tensordot": lambda c: (c.pair(), {"axes": ((-1,), (-2,))}),
    "linalg.trace": _one(ORDERED, MATRICES, offset=st.integers(-1, 1)),
    "linalg.vecdot": _vectors,
    "linalg.vector_norm": _norm,
    "fft.fft": _fft(st.sampled_from(["complex64", "complex128"])),
    "fft.ifft": _fft(st.sampled_from(["complex64", "complex128"])),
    "fft.fftn": _fft(st.sampled_from(["complex64", "complex128"]), many=True),
    "fft.ifftn": _fft(st.sampled_from(["complex64", "complex128"]), many=True),
    "fft.rfft": _fft(st.sampled_from(REALS)),
    "fft.irfft": _fft(st.sampled_from(["complex64", "complex128"])),
    "fft.rfftn": _fft(st.sampled_from(REALS), many=True),
    "fft.irfftn": None,
    "fft.hfft": _fft(st.sampled_from(["complex64", "complex128"])),
    "fft.ihfft": _fft(st.sampled_from(REALS)),
    "fft.fftfreq": lambda c: ((c.draw(st.integers(1, 5)),), {"d": 0.5, "dtype": "float32"}),
    "fft.rfftfreq": lambda c: ((c.draw(st.integers(1, 5)),), {"d": 0.5, "dtype": "float32"}),
    "fft.fftshift": _one(FLOATING),
    "fft.ifftshift": _one(FLOATING),
}
