"""Cotangents that are absent: what was not selected has no gradient, which is not the number 0."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import autodiff as ad


def leaf(data: Any, **options: Any) -> ad.Tensor:
    return ad.tensor(data, requires_grad=True, **options)


def piecewise(x: Any) -> Any:
    with np.errstate(over="ignore"):
        return ad.where(x <= 0, ad.exp(x), 1 + x)


@pytest.mark.parametrize("value", [100.0, 1e4])
def test_an_overflowing_branch_leaves_no_nan(value: float) -> None:
    x = leaf([value, -1.0])
    y = piecewise(x).sum()
    first = ad.gradients(y, x, create_graph=True)
    assert ad.gradients(y, x).data.tolist() == first.data.tolist() == [1.0, np.exp(-1.0)]
    assert ad.gradients(first.sum(), x).data.tolist() == [0.0, np.exp(-1.0)]


def test_the_root_squared_at_zero_stays_nan() -> None:
    x = leaf(0.0)
    assert np.isnan(ad.gradients(ad.sqrt(x) ** 2, x).item())
    # Zero by the chain rule is a number; only what was not selected is absent.
    assert np.isnan(ad.gradients(ad.where(x <= 0, ad.sqrt(x) ** 2, x), x).item())


def test_ieee_gives_the_plain_product() -> None:
    x = leaf([1e4, -1.0])
    y = piecewise(x).sum()
    with ad.ieee():
        assert np.isnan(ad.gradients(y, x).data).tolist() == [True, False]
    assert np.isfinite(ad.gradients(y, x).data).all()


SELECTIONS = {
    "getitem": lambda r: r[1:].sum(),
    "integer index": lambda r: r[[1, 2, 2]].sum(),
    "mask": lambda r: r[np.array([False, True, True])].sum(),
    "where": lambda r: ad.where(np.array([False, True, True]), r, 7.0).sum(),
    "concatenate": lambda r: ad.concatenate([r, r])[np.array([1, 2, 4, 5])].sum(),
    "matmul": lambda r: (ad.where(np.array([[False, True, True]]), r, 0) @ np.ones((3, 2))).sum(),
    "max": lambda r: ad.max(r),
    "maximum": lambda r: ad.maximum(r, 0.5).sum(),
    "reshape": lambda r: r.reshape(3, 1)[1:].sum(),
    "setitem": lambda r: ad.setitem(r, 0, 5.0).sum(),
    "sort": lambda r: ad.sort(r)[1:].sum(),
    "clip": lambda r: ad.clip(r, 0.5, None).sum(),
}


@pytest.mark.parametrize("name", SELECTIONS)
@pytest.mark.parametrize("order", [1, 2])
def test_what_was_not_selected_gives_no_nan(name: str, order: int) -> None:
    x = leaf([0.0, 1.0, 4.0])
    y = SELECTIONS[name](ad.sqrt(x))
    g = ad.gradients(y, x, create_graph=order == 2)
    assert np.isfinite(g.data).all() and g.data[0] == 0.0 and g.data[2] != 0.0
    if order == 2:
        h = ad.gradients(g.sum(), x)
        assert np.isfinite(h.data).all() and h.data[0] == 0.0 and h.data[2] != 0.0


# OpenBLAS's kernels for some processors multiply the infinity by zeros of their own, whose NaN they
# drop, and NumPy warns of it: np.matmul alone does.
@pytest.mark.filterwarnings("ignore:invalid value encountered in matmul:RuntimeWarning")
def test_masks_pass_through_matmul() -> None:
    # Row 0 of the product is not selected, so neither is row 0 of x, whose root has no slope there.
    x, w = leaf([[0.0, 0.0], [1.0, 4.0]]), leaf([[1.0, 2.0], [3.0, 4.0]])
    y = (ad.sqrt(x) @ w)[1].sum()
    gx, gw = ad.gradients(y, [x, w])
    assert gx.data.tolist() == [[0.0, 0.0], [1.5, 1.75]]
    assert gw.data.tolist() == [[1.0, 1.0], [2.0, 2.0]]
    # An infinity in the other operand meets an absent term of the sum, not a zero.
    x = leaf([[np.inf, 1.0], [1.0, 4.0]])
    (gw,) = ad.gradients((x @ w)[1].sum(), [w])
    assert gw.data.tolist() == [[1.0, 1.0], [4.0, 4.0]]


def test_masks_pass_through_sums() -> None:
    x = leaf([[0.0, 1.0], [1.0, 4.0]])
    (g,) = ad.gradients(ad.sqrt(x).sum(axis=0)[1], [x])
    assert g.data.tolist() == [[0.0, 0.5], [0.0, 0.25]]
    (g,) = ad.gradients(ad.broadcast_to(ad.sqrt(x), (3, 2, 2))[:, :, 1].sum(), [x])
    assert g.data.tolist() == [[0.0, 1.5], [0.0, 0.75]]


def test_sums_are_absent_where_all_their_terms_are() -> None:
    # Entries of the same value are selected on two paths, and entry 0 on neither.
    x = leaf([0.0, 1.0, 4.0])
    r = ad.sqrt(x)
    assert ad.gradients(r[1] + 2 * r[2], x).data.tolist() == [0.0, 0.5, 0.5]
    assert ad.gradients(2 * r[2] + r[1], x).data.tolist() == [0.0, 0.5, 0.5]
    # Broadcasting: one of the copies of entry 1 is selected, none of entry 0.
    x = leaf([[0.0], [1.0]])
    chosen = np.array([[False, False, False], [False, True, False]])
    y = ad.where(chosen, ad.sqrt(x) * np.ones((2, 3)), 0.0).sum()
    assert ad.gradients(y, x).data.tolist() == [[0.0], [0.5]]
    y = ad.where(chosen, ad.sqrt(x), 0.0).sum()
    assert ad.gradients(y, x).data.tolist() == [[0.0], [0.5]]


def test_a_tie_is_present_on_both_sides() -> None:
    x = leaf([0.0, 0.25, 1.0])
    for y in (ad.maximum(ad.sqrt(x), 0.5), ad.maximum(0.5, ad.sqrt(x))):
        assert ad.gradients(y.sum(), x).data.tolist() == [0.0, 0.5, 0.5]
    with np.errstate(divide="ignore"):
        y = ad.minimum(1 / ad.sqrt(x), np.array([4.0, 2.0, 3.0]))
    assert ad.gradients(y.sum(), x).data.tolist() == [0.0, -2.0, -0.5]


def test_one_present_contribution_is_enough() -> None:
    x = leaf([0.0, 1.0])
    r = ad.sqrt(x)
    assert np.isinf(ad.gradients(r[1] + r[0], x).data[0])
    assert np.isinf(ad.gradients((r[1] + r.sum()), x).data[0])


def test_absence_ends_where_a_path_is_present() -> None:
    # x is selected once directly (gradient 1) and once not (through the root).
    x = leaf([0.0, 1.0])
    y = ad.where(np.array([False, True]), ad.sqrt(x), x).sum()
    assert ad.gradients(y, x).data.tolist() == [1.0, 0.5]
