"""One call or more of every public function of NumPy, as a user writes it.

In a sample, each floating ndarray stands for a Tensor that requires a gradient. Where a call has
none, its first ndarray stands for a Tensor of integers or bools. ``Keywords`` at the end are
keyword arguments.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

# Quotients, fractions and ten times the entries lie off the jumps of rounding.
X = np.array([[0.31, 0.83, 0.54], [0.71, 0.21, 0.62]])
Y = np.array([[1.4, 0.4, 2.4], [1.1, 0.95, 0.2]])
V = np.array([0.9, 0.4, 0.7])
W = np.array([0.2, 1.1, 0.5])
S = np.array([[2.0, 0.3, 0.1], [0.3, 1.5, 0.2], [0.1, 0.2, 1.1]])
A = np.array([[2.0, 0.3, 0.1], [0.5, 1.5, -0.2], [0.4, 0.2, 1.1]])
B = np.array([[1.0, 0.5], [0.2, 0.3], [0.7, 0.9]])
T = np.linspace(0.1, 1.2, 12).reshape(2, 3, 2) ** 1.5
Z = np.array([0.3 + 0.4j, 0.8 - 0.1j, -0.5 + 0.2j])
N = np.array([0.3, np.nan, 0.5, 0.2])
I = np.array([2, 0, 1])  # noqa: E741 - integers
J = np.array([[3, 5, 6], [1, 2, 4]])
M = np.array([[True, False, True], [False, True, True]])


class Keywords(dict[str, Any]):
    """The keyword arguments of a sample."""


K = Keywords
Sample = tuple[Any, ...]
AXES: list[Sample] = [(X,), (X, K(axis=1)), (X, K(axis=0, keepdims=True)), (T, K(axis=(0, 2)))]
AXIS: list[Sample] = [(X,), (X, K(axis=1)), (X, 0)]
NORMS: list[Sample] = [(V,), (X, K(axis=0)), (X, 4), (X, K(norm="ortho"))]
GRIDS: list[Sample] = [(X,), (X, K(axes=(0,))), (T,), (X, K(norm="forward"))]

# By name below ``numpy``; what is not here is called with X, or with X and Y.
SAMPLES: dict[str, list[Sample]] = {
    # ufuncs
    "arccosh": [(1.0 + X,)],
    "acosh": [(1.0 + X,)],
    "bitwise_and": [(J, I)],
    "bitwise_count": [(J,)],
    "bitwise_invert": [(J,), (M,)],
    "bitwise_left_shift": [(J, I)],
    "bitwise_not": [(J,)],
    "bitwise_or": [(J, I)],
    "bitwise_right_shift": [(J, I)],
    "bitwise_xor": [(J, I)],
    "divmod": [(Y, X)],
    "fix": [(3 * X,)],
    "gcd": [(J, 6)],
    "invert": [(J,), (M,)],
    "isnat": [(X,)],
    "lcm": [(J, 6)],
    "ldexp": [(X, I)],
    "left_shift": [(J, I)],
    "matmul": [(X, B), (V, W), (T, B[:2])],
    "matvec": [(A, V)],
    "right_shift": [(J, I)],
    "vecdot": [(X, Y), (X, Y, K(axis=0)), (Z, Z)],
    "vecmat": [(V, A)],
    "conjugate": [(X,), (Z,)],
    # reductions
    "all": [*AXES, (X, K(where=M))],
    "any": [*AXES, (X, K(where=M))],
    "amax": [*AXES, (X, K(initial=0.4, where=M))],
    "amin": [*AXES, (X, K(initial=0.4, where=M))],
    "argmax": AXIS,
    "argmin": AXIS,
    "average": [(X,), (X, K(axis=1, weights=V)), (X, K(weights=Y, returned=True))],
    "count_nonzero": AXIS,
    "max": [*AXES, (X, K(initial=0.4, where=M))],
    "mean": [*AXES, (X, K(where=M)), (X, K(dtype=np.float32)), (X, 1, None, None, True)],
    "median": AXES,
    "min": [*AXES, (X, K(initial=0.4, where=M))],
    "nanargmax": [(N,)],
    "nanargmin": [(N,)],
    "nanmax": [(N,), *AXES],
    "nanmean": [(N,), *AXES],
    "nanmedian": [(N,), *AXES],
    "nanmin": [(N,), *AXES],
    "nanpercentile": [(N, 30.0)],
    "nanprod": [(N,), *AXES],
    "nanquantile": [(N, 0.3), (X, 0.3, 1)],
    "nanstd": [(N,), *AXES],
    "nansum": [(N,), *AXES],
    "nanvar": [(N,), *AXES],
    "nancumsum": [(N,)],
    "nancumprod": [(N,)],
    "percentile": [(X, 30.0), (X, 60.0, 1)],
    "prod": [*AXES, (X, K(initial=2.0, where=M)), (X, K(dtype=np.float32))],
    "ptp": AXES[:3],
    "quantile": [(X, 0.3), (X, 0.6, 1), (X, K(q=0.5, axis=0, keepdims=True))],
    "std": [*AXES, (X, K(ddof=1)), (X, K(where=M)), (X, K(correction=1))],
    "sum": [
        *AXES,
        (X, K(initial=2.0)),
        (X, K(where=M)),
        (X, K(dtype=np.float32)),
        (X, 1, None, None, True),
        (J, K(axis=0)),
    ],
    "var": [*AXES, (X, K(ddof=1)), (X, K(where=M)), (X, K(correction=1))],
    "cumsum": [*AXIS, (X, K(axis=1, dtype=np.float32))],
    "cumprod": AXIS,
    "cumulative_sum": [(V,), (X, K(axis=1)), (X, K(axis=0, include_initial=True))],
    "cumulative_prod": [(V,), (X, K(axis=1)), (X, K(axis=0, include_initial=True))],
    "logaddexp": [(X, Y)],
    # movement
    "append": [(X, V), (X, Y, K(axis=0))],
    "apply_along_axis": [(np.sum, 0, X), (np.cumsum, 1, T)],
    "apply_over_axes": [(np.sum, X, [0])],
    "argpartition": [(V, 1)],
    "argsort": [*AXIS, (X, K(kind="stable"))],
    "around": [(X,), (10 * X, K(decimals=1))],
    "array_split": [(V, 2), (X, [1], 1)],
    "astype": [(X, np.float32)],
    "atleast_1d": [(X,), (X, V), (np.array(0.3),)],
    "atleast_2d": [(V,), (X, V)],
    "atleast_3d": [(V,), (X, V)],
    "bincount": [(I,), (I, V)],
    "block": [([[X, Y], [Y, X]],), ([X, 1 + X],)],
    "broadcast_arrays": [(X, V)],
    "broadcast_to": [(V, (2, 3))],
    "busday_count": [(X, Y)],
    "busday_offset": [(X, Y)],
    "can_cast": [(X, "float32")],
    "choose": [(I, [V, W, V])],
    "clip": [(X, 0.25, 0.65), (X, None, 0.65), (X, K(min=0.25)), (X, K(a_min=0.25, a_max=V))],
    "column_stack": [([V, W],)],
    "compress": [([True, False], X, 0)],
    "concat": [([X, Y],)],
    "concatenate": [([X, Y],), ((X, [[1, 2, 3]]), 0), ([X, Y], K(axis=1, dtype=np.float32))],
    "convolve": [(V, W), (V, W, "same")],
    "copy": [(X,)],
    "copyto": [(X, Y)],
    "correlate": [(V, W), (V, W, "full")],
    "cov": [(X,), (X, K(ddof=0))],
    "corrcoef": [(X,)],
    "cross": [(V, W), (X, Y)],
    "datetime_as_string": [(X,)],
    "delete": [(V, 1), (X, 0, 0)],
    "diag": [(V,), (S,), (S, 1)],
    "diag_indices_from": [(S,)],
    "diagflat": [(X,)],
    "diagonal": [(S,), (T, K(offset=1, axis1=0, axis2=1))],
    "diff": [(V,), (X, K(axis=0)), (X, 2), (V, K(prepend=0.0))],
    "digitize": [(X, np.array([0.0, 0.5, 1.0]))],
    "dot": [(V, W), (X, B), (X, 2.0), (T, B[:2])],
    "dsplit": [(T, 2)],
    "dstack": [([X, Y],)],
    "ediff1d": [(V,)],
    "einsum": [
        ("ij,kj->ik", X, Y),
        (X, [0, 1], Y, [2, 1], [0, 2]),
        (X, [0, 1], Y, [0, 1]),
        ("ij,kj->ik", X, Y, K(optimize=True)),
        ("...i,i", X, V),
    ],
    "einsum_path": [("ij,kj->ik", X, Y)],
    "empty_like": [(X,)],
    "expand_dims": [(X, 1), (X, K(axis=(0, -1)))],
    "extract": [(M, X)],
    "fill_diagonal": [(S, 5.0)],
    "flip": [(X,), (X, 1)],
    "full_like": [(X, 2.0), (X, 2, K(dtype=np.int64))],
    "geomspace": [(np.array(1.0), np.array(8.0), 4)],
    "gradient": [(V,), (X,), (X, K(axis=1))],
    "histogram": [(V,)],
    "histogram2d": [(V, W)],
    "histogram_bin_edges": [(V,)],
    "histogramdd": [(X,)],
    "hsplit": [(T, 3)],
    "hstack": [([V, W],), ([X, Y], K(dtype=np.float32))],
    "i0": [(V,)],
    "imag": [(X,), (Z,)],
    "inner": [(V, W), (X, Y)],
    "insert": [(V, 1, 2.0)],
    "interp": [(W, np.array([0.0, 0.6, 1.5]), V)],
    "intersect1d": [(V, np.array([0.9, 0.1, 0.4])), (V, W)],
    "is_busday": [(X,)],
    "isin": [(X, np.array([0.3, 0.6]))],
    "ix_": [(I, J[0])],
    "kron": [(V, W), (X, B)],
    "lexsort": [(X,)],
    "linspace": [(np.array(0.2), np.array(1.5), 4), (V, W, K(num=3, endpoint=False))],
    "logspace": [(np.array(0.2), np.array(1.5), 4)],
    "meshgrid": [(V, W), (V, W, K(indexing="ij")), (V, W, K(sparse=True))],
    "min_scalar_type": [(X,)],
    "moveaxis": [(T, 0, -1), (T, (0, 1), (1, 2))],
    "nan_to_num": [(N,), (N, K(nan=0.5))],
    "nonzero": [(X,)],
    "outer": [(V, W), (X, Y)],
    "packbits": [(M,)],
    "pad": [(X, 1), (X, ((1, 0), (0, 2)), "edge"), (X, 1, K(constant_values=2.0))],
    "partition": [(V, 1), (X, 1, 0)],
    "permute_dims": [(T, (2, 0, 1))],
    "piecewise": [(V, [[True, False, True]], [np.sin, np.negative])],
    "place": [(X, M, V[:2])],
    "poly": [(V,)],
    "polyadd": [(V, W)],
    "polyder": [(V,)],
    "polydiv": [(V, W[:2]), (V, W)],
    "polyfit": [(V, W, 1), (V, W, 1, K(w=np.array([1.0, 2.0, 3.0])))],
    "polyint": [(V,)],
    "polymul": [(V, W)],
    "polysub": [(V, W)],
    "polyval": [(V, W)],
    "put": [(V, [0, 2], W[:2])],
    "put_along_axis": [(X, np.array([[0], [2]]), 5.0, 1)],
    "putmask": [(X, M, Y)],
    "ravel": [(X,), (X, "F")],
    "ravel_multi_index": [((I, I), (3, 3))],
    "real": [(X,), (Z,)],
    "repeat": [(X, 2), (X, 2, 1), (V, [1, 0, 2])],
    "reshape": [(X, (3, 2)), (X, -1), (X, (3, 2), "F"), (X, K(shape=(3, 2)))],
    "resize": [(X, (2, 2))],
    "roll": [(X, 1), (X, 1, 0), (X, (1, 2), K(axis=(0, 1)))],
    "rollaxis": [(T, 2)],
    "roots": [(V,)],
    "rot90": [(X,), (X, 2)],
    "round": [(X,), (10 * X, 1), (100 * X, -1), (J, 1)],
    "save": [("/dev/null", X)],
    "savetxt": [("/dev/null", X)],
    "savez": [("/dev/null", X)],
    "savez_compressed": [("/dev/null", X)],
    "searchsorted": [(np.sort(V), W), (np.sort(V), W, "right")],
    "select": [([M, ~M], [X, Y]), ([M], [X], 2.0)],
    "setdiff1d": [(X, W)],
    "setxor1d": [(V, W)],
    "size": [(X,), (X, 1)],
    "sort": [*AXIS, (X, K(axis=None)), (X, K(kind="stable"))],
    "split": [(X, 3, 1), (V, [1])],
    "squeeze": [(X[:1],), (X[:1], 0)],
    "stack": [([X, Y],), ([X, Y], 1), ([V, [1, 2, 3]], K(axis=-1))],
    "swapaxes": [(T, 0, 2)],
    "take": [(X, [0, 2, 2]), (X, [1, 1], 0)],
    "take_along_axis": [(X, np.array([[0], [2]]), 1)],
    "tensordot": [(X, Y, K(axes=2)), (X, B, 1), (X, T, ([0, 1], [0, 1]))],
    "tile": [(X, 2), (V, (2, 1))],
    "trace": [(S,), (T, 1)],
    "transpose": [(X,), (T, (2, 0, 1))],
    "trapezoid": [(V,), (V, W), (X, K(dx=0.5, axis=0))],
    "tril": [(S,), (S, 1)],
    "tril_indices_from": [(S,)],
    "trim_zeros": [(V,)],
    "triu": [(S,), (S, -1)],
    "triu_indices_from": [(S,)],
    "union1d": [(X, W)],
    "unpackbits": [(np.array([3, 7], np.uint8),)],
    "unravel_index": [(I, (3, 3))],
    "unwrap": [(8 * V,)],
    "vander": [(V,), (V, 2)],
    "vdot": [(V, W), (X, Y)],
    "vsplit": [(X, 2)],
    "vstack": [([V, W],)],
    "where": [(M, X, Y), (X,), (M, X, 0.0)],
    "result_type": [(X, np.float32)],
    "unique": [(X,), (J,), (X, K(return_inverse=True, return_counts=True))],
    "unstack": [(X,), (X, K(axis=1))],
    "zeros_like": [(X,), (X, K(dtype=np.int64))],
    "ones_like": [(X,)],
    # numpy.linalg
    "linalg.cholesky": [(S,), (S, K(upper=True))],
    "linalg.cond": [(A,), (A, 1)],
    "linalg.cross": [(V, W), (X, Y)],
    "linalg.det": [(A,)],
    "linalg.diagonal": [(T,), (S, K(offset=1))],
    "linalg.eig": [(A,)],
    "linalg.eigh": [(S,), (S, "U")],
    "linalg.eigvals": [(A,)],
    "linalg.eigvalsh": [(S,)],
    "linalg.inv": [(A,)],
    "linalg.lstsq": [(np.vstack([A, X]), np.concatenate([V, W[:2]]))],
    "linalg.matmul": [(X, B)],
    "linalg.matrix_norm": [(X,), (A, K(ord=1)), (A, K(ord="nuc", keepdims=True))],
    "linalg.matrix_power": [(A, 3), (A, -2)],
    "linalg.matrix_rank": [(A,)],
    "linalg.matrix_transpose": [(T,)],
    "linalg.multi_dot": [([X, A, B],)],
    "linalg.norm": [(V,), (X, 1, 0), (X, "fro"), (X, K(ord=np.inf, axis=1, keepdims=True)), (A, 2)],
    "linalg.outer": [(V, W)],
    "linalg.pinv": [(X,)],
    "linalg.qr": [(A,), (A, "r")],
    "linalg.slogdet": [(A,)],
    "linalg.solve": [(A, V), (A, B)],
    "linalg.svd": [(X, K(full_matrices=False)), (X, K(compute_uv=False))],
    "linalg.svdvals": [(X,)],
    "linalg.tensordot": [(X, Y, K(axes=2))],
    "linalg.tensorinv": [(A.reshape(3, 1, 3), K(ind=2))],
    "linalg.tensorsolve": [(A, V)],
    "linalg.trace": [(T,), (S, K(offset=1))],
    "linalg.vecdot": [(X, Y), (X, Y, K(axis=0))],
    "linalg.vector_norm": [(X,), (X, K(axis=0, ord=1)), (X, K(keepdims=True))],
    # numpy.fft
    **{f"fft.{n}": NORMS for n in ("fft", "ifft", "rfft", "irfft", "hfft", "ihfft")},
    **{f"fft.{n}": GRIDS for n in ("fftn", "ifftn", "rfftn", "irfftn")},
    **{f"fft.{n}": [(X,), (T, K(axes=(0, 1)))] for n in ("fft2", "ifft2", "rfft2", "irfft2")},
    "fft.fftshift": [(X,), (X, 1)],
    "fft.ifftshift": [(X,), (X, 1)],
}


def samples(name: str, function: Any) -> list[Sample]:
    """The sample calls of a function."""
    if name in SAMPLES:
        return SAMPLES[name]
    if isinstance(function, np.ufunc):
        return [(X, Y)[: function.nin]]
    return [(X,)] if len(required(function)) < 2 else [(X, Y)]


def required(function: Any) -> list[str]:
    """The parameters that must be given."""
    import inspect

    parameters = inspect.signature(function).parameters.values()
    return [p.name for p in parameters if p.default is p.empty and p.kind < p.VAR_POSITIONAL]


def dispatched() -> dict[str, Any]:
    """All public ufuncs and functions of NumPy that ask a Tensor, by name below ``numpy``."""
    found: dict[str, Any] = {}
    for prefix, namespace in (("", np), ("linalg.", np.linalg), ("fft.", np.fft)):
        for name in sorted(dir(namespace)):
            function = getattr(namespace, name)
            asks = isinstance(function, np.ufunc) or hasattr(function, "_implementation")
            if asks and not name.startswith("_"):
                found[prefix + name] = function
    return found


def replaced(x: Any, change: Callable[[Any], Any]) -> Any:
    """The same arguments with ``change`` made to each ndarray."""
    if isinstance(x, np.ndarray):
        return change(x)
    if isinstance(x, (list, tuple)):
        return type(x)(replaced(v, change) for v in x)
    if isinstance(x, dict):
        return {k: replaced(v, change) for k, v in x.items()}
    return x


def arrays(x: Any) -> Iterator[Any]:
    """The ndarrays among arguments."""
    if isinstance(x, np.ndarray):
        yield x
    elif isinstance(x, (list, tuple)):
        for v in x:
            yield from arrays(v)
    elif isinstance(x, dict):
        yield from arrays(list(x.values()))
