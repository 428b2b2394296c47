"""What a call of NumPy on Tensors must give: NumPy's value, in Tensors, with its gradient."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest

import autodiff as ad
from autodiff.numpy_adapters import QUERIES
from tests.numeric import richardson
from tests.numpy_samples import Keywords, Sample, arrays, replaced
from tests.tolerances import assert_close, tolerance

WRITERS = ("copyto", "fill_diagonal", "place", "put", "put_along_axis", "putmask")
# What is asked of an array: the answer is no Tensor.
ANSWERS = (
    *(*QUERIES, "allclose", "array_equal", "can_cast", "iscomplexobj", "isrealobj"),
    *("ndim", "result_type", "shape", "size"),
)
# What jumps, or does not exist, where its argument moves by itself.
APART = ("intersect1d",)
# What reads half of a symmetric matrix: the gradient is that of the whole.
SYMMETRIC = ("linalg.cholesky", "linalg.eigh", "linalg.eigvalsh")
# What says in its documentation that no gradient passes.
CONSTANT = ("empty_like", "full_like", "ones_like", "zeros_like", "nextafter", "spacing")


def split(sample: Sample) -> tuple[tuple[Any, ...], dict[str, Any]]:
    *args, last = sample
    if isinstance(last, Keywords):
        return tuple(args), dict(last)
    return sample, {}


def as_tensors(args: Any, kwargs: Any) -> tuple[Any, Any, list[Any], list[Any]]:
    """The arguments with Tensors, and those that require a gradient with their arrays."""
    found = list(arrays((args, kwargs)))
    floating = [x for x in found if x.dtype.kind in "fc"]
    chosen = {id(x) for x in floating or found[:1]}
    leaves: dict[int, Any] = {}

    def change(x: Any) -> Any:
        if id(x) not in chosen:
            return x
        if id(x) not in leaves:
            leaves[id(x)] = ad.tensor(x, requires_grad=bool(floating))
        return leaves[id(x)]

    changed = replaced(args, change), replaced(kwargs, change)
    inputs = list({id(x): x for x in floating}.values())
    return *changed, [leaves[id(x)] for x in inputs], inputs


def outcome(function: Any, args: Any, kwargs: Any) -> Any:
    """What a call returns; for one that writes into its first argument, that one afterwards."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            y = function(*args, **kwargs)
        except Exception as error:
            return error
    return args[0] if function.__name__ in WRITERS else y


def flat(y: Any) -> list[Any]:
    if isinstance(y, (list, tuple)):
        return [part for x in y for part in flat(x)]
    return [y]


def assert_same(name: str, got: Any, expected: Any) -> None:
    """A Tensor with NumPy's value, dtype and shape for each array and number, nested alike."""
    got, expected = flat(got), flat(expected)
    assert len(got) == len(expected), name
    for g, e in zip(got, expected, strict=True):
        if not isinstance(e, (np.ndarray, np.generic, int, float)):
            assert type(g) is type(e) and g == e, name
            continue
        assert isinstance(g, ad.Tensor), f"{name}: {type(g).__name__}"
        if name in ("linalg.eig", "linalg.eigvals") and not np.any(np.imag(e)):
            e = np.real(e)  # from 2.5 on NumPy gives complex numbers even where all are real
        # NumPy counts the rank in 32 bits.
        dtype = np.int64 if isinstance(e, np.int32) else np.asarray(e).dtype
        assert g.dtype == dtype, f"{name}: {g.dtype}, NumPy {dtype}"
        if name == "empty_like":
            assert g.shape == np.shape(e)
        else:
            assert_close(g.data, e, "reference", name)


def loss_of(parts: list[Any], weights: list[Any]) -> Any:
    return sum(float(np.real(np.vdot(w, p))) for w, p in zip(weights, parts, strict=True))


def check_gradient(name: str, call: Any, y: Any, inputs: list[Any], values: list[Any]) -> None:
    """The gradient of a random combination of the outputs, against differences of NumPy's."""
    outputs = [p for p in flat(y) if isinstance(p, ad.Tensor) and p.dtype.kind in "fc"]
    if not outputs or name in CONSTANT:
        return
    assert all(p.requires_grad for p in outputs), f"{name}: a gradient was lost"
    if name in APART:
        return
    random = np.random.default_rng(0)
    weights = [random.standard_normal(p.shape).astype(p.dtype) for p in outputs]
    gradients = ad.gradients(outputs, inputs, cotangents=weights, unused="zeros")
    kinds = [np.asarray(p).dtype.kind in "fc" for p in flat(call(*values))]
    directions = [random.standard_normal(v.shape) for v in values]
    if name in SYMMETRIC:
        directions = [u + u.T for u in directions]
    exact = sum(float(np.real(np.vdot(g.data, u))) for g, u in zip(gradients, directions))

    def along(t: float) -> float:
        parts = flat(call(*[v + t * u for v, u in zip(values, directions)]))
        return float(loss_of([p for p, k in zip(parts, kinds, strict=True) if k], weights))

    numeric, error = richardson(along, 0.0, 1.0)
    allowed = max(tolerance(p.dtype.char.lower(), "numeric") for p in outputs)
    assert exact == pytest.approx(numeric, rel=allowed, abs=allowed + error), name
