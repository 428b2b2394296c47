"""Columns that complete a basis: values of NumPy, derivatives of functions of their space."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import autodiff as ad
from tests.function_checks import check_function
from tests.tolerances import assert_close

la = ad.linalg


def projector(columns: Any) -> Any:
    return columns @ ad.conj(columns).mT


FUNCTIONS = {
    "qr": lambda x: projector(la.qr(x, "complete").Q[..., x.shape[-1] :]),
    "svd_tall": lambda x: projector(la.svd(x).U[..., x.shape[-1] :]),
    "svd_wide": lambda x: projector(ad.conj(la.svd(x.mT).Vh[..., x.shape[-1] :, :]).mT),
}


def draw(*shape: int, dtype: Any = float, seed: int = 0) -> Any:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=shape)
    return (x + 1j * rng.normal(size=shape) if np.dtype(dtype).kind == "c" else x).astype(dtype)


@pytest.mark.parametrize("dtype", [float, complex])
@pytest.mark.parametrize("shape", [(4, 2), (3, 1), (2, 4, 2), (3, 0)])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_derivatives(name: str, shape: tuple[int, ...], dtype: Any) -> None:
    check_function(FUNCTIONS[name], draw(*shape, dtype=dtype), what=name)


@pytest.mark.parametrize("dtype", [float, complex])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_forward_mode_and_vmap(name: str, dtype: Any) -> None:
    x, t, h = draw(4, 2, dtype=dtype), draw(4, 2, dtype=dtype, seed=1), 1e-5
    function = FUNCTIONS[name]
    y, push = ad.jvp(function, (x,), (t,))
    ends = [np.asarray(function(ad.tensor(x + k * h * t))) for k in (-2, -1, 1, 2)]
    slope = (ends[0] - 8 * ends[1] + 8 * ends[2] - ends[3]) / (12 * h)
    np.testing.assert_allclose(push, slope, atol=1e-9)
    rows = np.stack([x, t, x + t])
    assert_close(
        ad.vmap(function)(rows),
        np.stack([function(ad.tensor(r)).data for r in rows]),
        "reference",
        name,
    )
    assert y.shape == (4, 4)


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.complex128])
def test_values_are_those_without_a_gradient(dtype: Any) -> None:
    x = draw(5, 2, dtype=dtype)
    for operand, call, plain in (
        (x, lambda v: la.qr(v, "complete"), np.linalg.qr(x, "complete")),
        (x, la.svd, np.linalg.svd(x)),
        (x.T, la.svd, np.linalg.svd(x.T)),
    ):
        found = call(ad.tensor(operand, requires_grad=True))
        for got, expected in zip(found, plain, strict=True):
            assert got.dtype == expected.dtype and got.shape == expected.shape
        left, middle, right = found if len(found) == 3 else (*found, None)
        if right is not None:
            k = middle.shape[0]
            middle = (left[:, :k] * middle) @ right[:k]
        else:
            middle = left @ middle
        assert_close(middle.data, operand, "reference", "product")
        for unitary in (left, right) if right is not None else (left,):
            own = (projector(unitary)).data
            assert_close(own, np.eye(len(own), dtype=dtype), "reference", "basis")
        extra = left if left.shape[0] == 5 else ad.conj(right).mT
        column = plain[0] if left.shape[0] == 5 else plain[2].conj().T
        assert_close(extra.data[:, 2:], column[:, 2:], "reference", "further columns")
