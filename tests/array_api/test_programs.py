"""Programs that are written for any namespace of the standard run on ours and have gradients."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import array_api_compat
import array_api_strict
import numpy as np
import pytest

import autodiff as ad
from tests.array_api.namespace import value


def softmax(x: Any) -> Any:
    xp = array_api_compat.array_namespace(x)
    e = xp.exp(x - xp.max(x, axis=-1, keepdims=True))
    return e / xp.sum(e, axis=-1, keepdims=True)


def normalized(x: Any) -> Any:
    xp = array_api_compat.array_namespace(x)
    centred = x - xp.mean(x, axis=-1, keepdims=True)
    return centred / xp.sqrt(xp.var(x, axis=-1, keepdims=True, correction=0) + 1e-5)


def distances(x: Any) -> Any:
    xp = x.__array_namespace__(api_version="2024.12")
    d = xp.linalg.vector_norm(xp.expand_dims(x, axis=1) - x[None, :, :], axis=-1)
    eye = xp.eye(x.shape[0], dtype=xp.bool)
    return xp.min(xp.where(eye, xp.asarray(xp.inf, dtype=x.dtype), d), axis=0)


def least_squares(x: Any) -> Any:
    xp = array_api_compat.array_namespace(x)
    a, b = x[:, :-1], x[:, -1:]
    q, r = xp.linalg.qr(a)
    by_qr = xp.linalg.solve(r, q.mT @ b)
    by_normal_equations = xp.linalg.solve(a.mT @ a, a.mT @ b)
    return xp.concat([by_qr, by_normal_equations], axis=0)


def log_likelihood(x: Any) -> Any:
    """Of a normal distribution whose covariance is x xᵀ + 1, by Cholesky and by slogdet."""
    xp = array_api_compat.array_namespace(x)
    covariance = x @ x.mT + xp.eye(x.shape[0], dtype=x.dtype, device=x.device)
    root = xp.linalg.cholesky(covariance)
    log_det = 2 * xp.sum(xp.log(xp.linalg.diagonal(root)))
    sign, also = xp.linalg.slogdet(covariance)
    inverse = xp.linalg.inv(covariance)
    return xp.stack([log_det, sign * also, xp.linalg.trace(inverse), xp.linalg.det(covariance)])


def spectrum(x: Any) -> Any:
    xp = array_api_compat.array_namespace(x)
    f = xp.fft.rfft(x, axis=-1, norm="ortho")
    power = xp.abs(f) ** 2
    back = xp.fft.irfft(f * xp.exp(-xp.fft.rfftfreq(x.shape[-1])), n=x.shape[-1], norm="ortho")
    return xp.concat([power, back], axis=-1)


def ranked(x: Any) -> Any:
    xp = array_api_compat.array_namespace(x)
    order = xp.argsort(x, axis=-1, descending=True, stable=True)
    highest = xp.take_along_axis(x, order, axis=-1)[:, :2]
    picked = xp.take(x, xp.asarray([2, 0]), axis=1)
    return xp.concat([highest, picked, xp.sort(x, axis=-1)], axis=-1)


def written(x: Any) -> Any:
    """Filled part by part, in place."""
    xp = array_api_compat.array_namespace(x)
    y = xp.zeros_like(x)
    y[0, :] = x[0, :]
    for i in range(1, x.shape[0]):
        y[i, :] = 0.5 * y[i - 1, :] + x[i, :]
    y *= 2.0
    y[y < 0] = 0.0
    y += xp.flip(x, axis=0) ** 2
    return y


def masked(x: Any) -> Any:
    xp = array_api_compat.array_namespace(x)
    kept = x[x > 0]
    safe = xp.where(x > 0, xp.log(xp.where(x > 0, x, xp.ones_like(x))), xp.zeros_like(x))
    return xp.stack([xp.sum(kept), xp.prod(kept), xp.mean(safe), xp.std(xp.clip(x, -0.5, 0.5))])


def cumulated(x: Any) -> Any:
    xp = array_api_compat.array_namespace(x)
    area = xp.cumulative_sum((x[:, 1:] + x[:, :-1]) / 2, axis=1, include_initial=True)
    growth = xp.cumulative_prod(1 + x / 10, axis=1)
    return xp.concat([area, growth, xp.diff(x, axis=1)], axis=1)


PROGRAMS = [
    f
    for f in list(globals().values())
    if inspect.isfunction(f) and f.__module__ == __name__ and not f.__name__.startswith("test")
]
DATA = np.random.default_rng(7).standard_normal((5, 4))


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda f: f.__name__)
def test_program(program: Callable[[Any], Any]) -> None:
    x = ad.tensor(DATA, requires_grad=True)
    y = program(x)
    assert type(y) is ad.Tensor and y.requires_grad
    np.testing.assert_allclose(value(y), value(program(array_api_strict.asarray(DATA))), rtol=1e-12)
    # Along one direction the gradient's slope is that of the program itself, run on ndarrays of the
    # reference implementation: a central difference, whose error is of the order of h².
    rng = np.random.default_rng(8)
    direction, weights = rng.standard_normal(DATA.shape), rng.standard_normal(y.shape)
    slope = float(np.sum(ad.gradients(y, x, cotangents=weights).data * direction))
    ends = [value(program(array_api_strict.asarray(DATA + h * direction))) for h in (1e-6, -1e-6)]
    expected = float(np.sum((ends[0] - ends[1]) * weights)) / 2e-6
    np.testing.assert_allclose(slope, expected, rtol=1e-6)


def test_what_programs_ask_first() -> None:
    x = ad.tensor([1.0, 2.0])
    assert array_api_compat.is_array_api_obj(x)
    assert array_api_compat.array_namespace(x, x, None, 1.0) is ad
    assert array_api_compat.device(x) == "cpu" and array_api_compat.size(x) == 2
    assert array_api_compat.to_device(x, "cpu") is x
    with pytest.raises(TypeError, match="Multiple namespaces"):
        array_api_compat.array_namespace(x, np.ones(2))
