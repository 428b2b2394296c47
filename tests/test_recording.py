"""What is recorded, who owns what of it, and when it is freed."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import autodiff as ad


def leaf(data: Any, **options: Any) -> ad.Tensor:
    return ad.tensor(data, requires_grad=True, **options)


def test_nothing_is_recorded_without_need() -> None:
    a = ad.tensor([1.0, 2.0])
    assert (a * a).node is None
    x = leaf([1.0, 2.0])
    assert (x > 1).node is None and not (x > 1).requires_grad
    assert not ad.isfinite(x).requires_grad and not ad.argmax(x).requires_grad


# ---- arrays of the user


def test_writing_into_an_array_after_use_does_not_change_the_gradient() -> None:
    batch, x = np.array([3.0, 4.0]), leaf([1.0, 2.0])
    outputs = [
        (x * batch).sum(),
        (batch @ x),
        (x / batch).sum(),
        ad.where(batch > 3, x, batch * x).sum(),
    ]
    expected = [ad.gradients(y, x).numpy() for y in outputs]
    batch[:] = 0.0
    for y, g in zip(outputs, expected, strict=True):
        assert np.array_equal(ad.gradients(y, x).data, g)


def test_a_view_of_a_users_array_is_copied_too() -> None:
    buffer, x = np.arange(6.0).reshape(2, 3), leaf(np.ones(3))
    frozen = buffer[1]
    frozen.flags.writeable = False
    y = (x * frozen).sum()
    buffer[:] = -1.0
    assert ad.gradients(y, x).data.tolist() == [3.0, 4.0, 5.0]


def test_setitem_rebinds_the_handle_only() -> None:
    x = leaf([1.0, 2.0, 3.0])
    y = x * 1
    alias, view = y, y[1:]
    product = y * y
    y[0] = 10.0
    y[1:] = 2 * x[1:]
    assert y.data.tolist() == [10.0, 4.0, 6.0] and alias is y
    assert view.data.tolist() == [2.0, 3.0] and product.data.tolist() == [1.0, 4.0, 9.0]
    assert ad.gradients(y.sum(), x).data.tolist() == [0.0, 2.0, 2.0]
    assert ad.gradients(product.sum(), x).data.tolist() == [2.0, 4.0, 6.0]


def test_augmented_assignment_makes_a_new_value() -> None:
    x = leaf([1.0, 2.0])
    y = x
    y += 1
    y *= x
    assert x.data.tolist() == [1.0, 2.0] and y.data.tolist() == [2.0, 6.0]
    assert ad.gradients(y.sum(), x).data.tolist() == [3.0, 5.0]


# ---- memory


@pytest.fixture
def no_collector() -> Iterator[None]:
    """Garbage collection off: what is freed is freed by reference counts."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("no_collector")
@pytest.mark.parametrize("create_graph", [False, True])
def test_a_graph_is_freed_with_its_last_output(create_graph: bool) -> None:
    x = leaf(np.ones(3), name="x")
    hidden = ad.tanh(x * 2)
    y = (hidden * x).sum()
    watched = [weakref.ref(hidden.node), weakref.ref(y.node), weakref.ref(hidden._data)]
    g = ad.gradients(y, x, create_graph=create_graph)
    if create_graph:
        h = ad.gradients(g.sum(), x)
        watched += [weakref.ref(g.node), weakref.ref(g._data)]
        assert h.node is None
    del hidden, y
    if create_graph:
        assert watched[0]() is not None  # the gradient's own graph reads it
    del g
    assert [w() is None for w in watched] == [True] * len(watched)


@pytest.mark.usefixtures("no_collector")
def test_a_leaf_is_freed_with_its_last_name() -> None:
    x = leaf(np.ones(3), name="x")
    watched = [weakref.ref(x), weakref.ref(x.node), weakref.ref(x._data)]
    (x * 2).sum().backward()
    del x
    assert [w() is None for w in watched] == [True] * 3


@pytest.mark.usefixtures("no_collector")
def test_backward_leaves_no_cycle() -> None:
    x = leaf(np.ones(3))
    y = ad.exp(x).sum()
    watched = weakref.ref(y.node)
    y.backward()
    del y
    assert watched() is None and x.grad is not None
    y = ad.exp(x).sum()
    y.backward(create_graph=True)
    watched = weakref.ref(y.node)
    x.grad = None
    del y
    assert watched() is None


@pytest.mark.usefixtures("no_collector")
def test_an_error_in_a_kernel_keeps_nothing_alive() -> None:
    x = leaf(np.ones(3))
    y = ad.exp(x)
    watched = weakref.ref(y.node)
    with pytest.raises(ad.ShapeError):
        y + np.ones(4)
    del y
    gc.collect()  # a traceback may hold its frames in a cycle; nothing global may
    assert watched() is None


def test_what_no_rule_reads_is_freed_at_once() -> None:
    x = leaf(np.ones(4))
    a = x * 3.0
    b = a + 1.0  # addition reads nothing
    watched = weakref.ref(a._data)
    del a
    assert watched() is None
    assert ad.gradients(b.sum(), x).data.tolist() == [3.0] * 4


def test_a_long_chain_is_built_differentiated_and_freed() -> None:
    x = leaf(np.array([1.0, 2.0]))
    y = x
    for _ in range(50_000):
        y = y * 1.0
        y = y + 0.5
    g = ad.gradients(y.sum(), x)
    assert g.data.tolist() == [1.0, 1.0] and y.data.tolist() == [25_001.0, 25_002.0]
    watched = weakref.ref(y.node)
    del y
    assert watched() is None


def test_a_long_chain_with_create_graph() -> None:
    x = leaf(1.0)
    y = x
    for _ in range(20_000):
        y = ad.sin(y)
    g = ad.gradients(y, x, create_graph=True)
    h = ad.gradients(g, x)
    assert np.isfinite(h.item()) and h.item() < 0
    watched = weakref.ref(g.node)
    del y, g
    assert watched() is None
