"""What NumPy's names need beyond a function of the same name: adapters, queries, ways round.

An adapter takes NumPy's arguments and is written with public functions; it stands here only where
NumPy's way to call it is not ours (``np.where`` of one argument, ``np.einsum`` of lists of axes,
everything that writes into its argument: the handle of a Tensor is bound anew).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from autodiff.errors import DTypeError, UnsupportedError
from autodiff.protocol import Protocol
from autodiff.registry import FUNCTIONS as AD

Function = Callable[..., Any]


def is_tensor(x: Any) -> bool:
    """Whether ``x`` is a Tensor; the class itself stands above this file."""
    return isinstance(x, Protocol)


def array_of(x: Any) -> Any:
    """A Tensor as it is, anything else as an ndarray."""
    return x if is_tensor(x) else np.asarray(x)


def values_in(x: Any) -> Any:
    """The same arguments with the value, read-only, in the place of each Tensor."""
    if is_tensor(x):
        return x.data
    if type(x) in (list, tuple):
        return type(x)(map(values_in, x))
    return {k: values_in(v) for k, v in x.items()} if type(x) is dict else x


def tensors_of(x: Any) -> Any:
    """The same results with a Tensor in the place of each array or number."""
    if isinstance(x, (np.ndarray, np.generic, int)):
        return AD["tensor"](x)
    if isinstance(x, (list, tuple)):
        parts = map(tensors_of, x)
        return type(x)(*parts) if hasattr(x, "_fields") else type(x)(parts)
    return x


def on_values(function: Function, wrapped: bool = True) -> Function:
    """A function whose results have no derivative, run on the values."""

    def run(*args: Any, **kwargs: Any) -> Any:
        y = function(*values_in(args), **values_in(kwargs))
        return tensors_of(y) if wrapped else y

    return run


# What is asked of an array rather than computed from it: the answer is no Tensor.
QUERIES = frozenset(
    {
        *("common_type", "min_scalar_type", "array_equiv"),
        *("array_repr", "array_str", "array2string", "einsum_path"),
        *("may_share_memory", "shares_memory"),
    }
)

# Bools and positions, which no function of ours gives: constant almost everywhere.
DISCRETE = frozenset(
    {
        *("packbits", "unpackbits", "unravel_index", "ravel_multi_index", "ix_"),
        *("diag_indices_from", "tril_indices_from", "triu_indices_from"),
    }
)

# Our name where it is another.
ALIASES = {
    "absolute": "abs",
    "amax": "max",
    "amin": "min",
    "around": "round",
    "degrees": "rad2deg",
    "fix": "trunc",
    "radians": "deg2rad",
    "trace": "matrix_trace",
}
SPECIAL = {
    "expit": "sigmoid",
    "log_expit": "log_sigmoid",
    "psi": "digamma",
}

_WRITE = "it writes into its argument: x[i] = v binds the handle of a Tensor anew"
HINTS = {
    "add.at": "ad.setitem, or x[i] = x[i] + v where no index stands twice",
    "add.reduceat": "ad.cumsum and differences, or ad.sum of slices",
    "save": "numpy.save(file, x.numpy())",
    "savez": "numpy.savez(file, x.numpy())",
    "savez_compressed": "numpy.savez_compressed(file, x.numpy())",
    "savetxt": "numpy.savetxt(file, x.numpy())",
}


# ---- NumPy's way to call it


def _where(condition: Any, x: Any = None, y: Any = None) -> Any:
    return AD["nonzero"](condition) if x is None and y is None else AD["where"](condition, x, y)


def _clip(
    a: Any,
    a_min: Any = None,
    a_max: Any = None,
    out: Any = None,
    *,
    min: Any = None,
    max: Any = None,
    **kwargs: Any,
) -> Any:
    _without("clip", {"out": out, **kwargs})
    low, high = [
        new if old is None or old is np._NoValue else old
        for old, new in ((a_min, min), (a_max, max))
    ]
    return AD["clip"](a, low, high)


def _without(name: str, kwargs: dict[str, Any], *ignored: str) -> None:
    """Refuse keywords that say something."""
    for key, value in kwargs.items():
        if value is not None and key not in ignored:
            raise UnsupportedError(
                f"numpy.{name} of a Tensor: {key}= is not supported; leave it out, or, where no "
                f"gradient is meant to flow, call numpy.{name} on x.numpy()"
            )


def _einsum(*operands: Any, **kwargs: Any) -> Any:
    _without("einsum", kwargs, "optimize", "order", "casting")
    if isinstance(operands[0], str):
        return AD["einsum"](*operands)
    # Lists of axes instead of letters: operand, axes, operand, axes, ..., and perhaps the output.
    arrays, terms = operands[: len(operands) // 2 * 2 : 2], list(operands[1::2])
    output = operands[-1] if len(operands) % 2 else None
    text = ",".join(map(_letters, terms))
    return AD["einsum"](text if output is None else f"{text}->{_letters(output)}", *arrays)


def _letters(axes: Any) -> str:
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"  # sorts as the numbers do
    return "".join("..." if a is Ellipsis else alphabet[a] for a in axes)


def _reshape(a: Any, /, shape: Any = None, order: str = "C", *, copy: Any = None) -> Any:
    if order == "C":
        return AD["reshape"](a, shape)
    if order != "F":
        raise UnsupportedError(
            f"numpy.reshape of a Tensor: order={order!r} goes by the order in memory, which a "
            "Tensor does not promise; 'C' and 'F' are supported"
        )
    sizes = shape if isinstance(shape, (tuple, list)) else (shape,)
    return AD["transpose"](AD["reshape"](AD["transpose"](a), tuple(sizes)[::-1]))


def _ravel(a: Any, order: str = "C") -> Any:
    return _reshape(a, -1, order)


def _size(a: Any, axis: Any = None) -> int:
    axes = range(a.ndim) if axis is None else np.atleast_1d(axis)
    return math.prod([a.shape[i] for i in axes])


def _copy(a: Any, order: str = "K", subok: bool = False) -> Any:
    return AD["astype"](a, a.dtype)


def _sort_complex(a: Any) -> Any:
    small = a.dtype.char in "bhBH" or a.dtype == np.float32
    dtype = a.dtype if a.dtype.kind == "c" else np.dtype("complex64" if small else "complex128")
    return AD["astype"](AD["sort"](a), dtype)


def _real_if_close(a: Any, tol: float = 100) -> Any:
    if a.dtype.kind != "c":
        return a
    tol = tol * np.finfo(a.dtype).eps if tol > 1 else tol
    return AD["real"](a) if np.all(np.abs(values_in(a).imag) < tol) else a


# ---- functions that write into their argument


def _handle(name: str, x: Any) -> Any:
    if not is_tensor(x):
        raise UnsupportedError(
            f"numpy.{name}: the array that is written to is an ndarray, which cannot hold a "
            f"gradient; make it a Tensor first, x = ad.tensor(x), or write {_WRITE.split(': ')[1]}"
        )
    return x


def _copyto(dst: Any, src: Any, casting: str = "same_kind", where: Any = True) -> None:
    new = AD["broadcast_to"](array_of(src), _handle("copyto", dst).shape)
    # Any string: NumPy checks it.
    if not np.can_cast(new.dtype, dst.dtype, casting):  # type: ignore[arg-type]
        raise DTypeError(f"copyto: {new.dtype} is no {dst.dtype} by casting={casting!r}")
    dst[...] = new if where is True else AD["where"](where, new, dst)


def _fill_diagonal(a: Any, val: Any, wrap: bool = False) -> None:
    _without("fill_diagonal", {"wrap": wrap or None})
    a[...] = AD["fill_diagonal"](_handle("fill_diagonal", a), val)


def _put_along_axis(arr: Any, indices: Any, values: Any, axis: int | None = -1) -> None:
    arr[...] = AD["put_along_axis"](_handle("put_along_axis", arr), indices, values, axis)


def _place(arr: Any, mask: Any, vals: Any) -> None:
    _put(arr, np.flatnonzero(np.broadcast_to(values_in(mask), _handle("place", arr).shape)), vals)


def _put(a: Any, ind: Any, v: Any, mode: str = "raise") -> None:
    _without("put", {"mode": None if mode == "raise" else mode})
    positions = np.ravel(np.asarray(values_in(ind)))
    values = AD["reshape"](array_of(v), -1)
    flat = AD["setitem"](
        AD["reshape"](_handle("put", a), -1),
        positions,
        values[np.arange(positions.size) % values.size],
    )
    a[...] = AD["reshape"](flat, a.shape)


def _putmask(a: Any, /, mask: Any, values: Any) -> None:
    chosen = np.flatnonzero(np.broadcast_to(values_in(mask), _handle("putmask", a).shape))
    flat = AD["reshape"](array_of(values), -1)
    _put(a, chosen, flat[chosen % flat.size])


# ---- like=


def _array(object: Any, dtype: Any = None, **kwargs: Any) -> Any:
    _without("array", kwargs, "copy", "order", "subok", "device")
    return AD["asarray"](object, dtype=dtype, copy=True)


def _running(name: str) -> Function:
    def run(a: Any, axis: int = 0, **kwargs: Any) -> Any:
        _without(f"{name}.accumulate", kwargs)
        return AD[f"cumulative_{name[:3]}"](a, axis)

    return run


def _logsumexp(a: Any, axis: Any = 0, keepdims: bool = False, **kwargs: Any) -> Any:
    _without("logaddexp.reduce", kwargs)
    return AD["logsumexp"](a, axis, keepdims=keepdims)


ADAPTERS: dict[str, Function] = {
    "array": _array,
    "asanyarray": _array,
    "asarray": _array,
    "ascontiguousarray": _array,
    "asfortranarray": _array,
    "clip": _clip,
    "copy": _copy,
    "copyto": _copyto,
    "einsum": _einsum,
    "fill_diagonal": _fill_diagonal,
    "logaddexp.reduce": _logsumexp,
    "maximum.accumulate": _running("maximum"),
    "minimum.accumulate": _running("minimum"),
    "ndim": lambda a: a.ndim,
    "place": _place,
    "put": _put,
    "put_along_axis": _put_along_axis,
    "putmask": _putmask,
    "ravel": _ravel,
    "real_if_close": _real_if_close,
    "reshape": _reshape,
    "shape": lambda a: a.shape,
    "size": _size,
    "sort_complex": _sort_complex,
    "where": _where,
}
