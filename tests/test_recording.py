"""What is recorded and when: no_grad and scope in threads, generators and async; who owns what."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import threading
import weakref
from collections.abc import AsyncIterator, Iterator
from typing import Any

import numpy as np
import pytest

import autodiff as ad
from autodiff.recording import current


def leaf(data: Any, **options: Any) -> ad.Tensor:
    return ad.tensor(data, requires_grad=True, **options)


def recorded() -> bool:
    """Whether an operation is recorded here and now."""
    return (leaf(1.0) * 2).requires_grad


def test_no_grad_is_a_context_and_a_decorator() -> None:
    @ad.no_grad()
    def inside() -> bool:
        return recorded()

    with ad.no_grad():
        assert not recorded()
        with ad.no_grad():
            assert not recorded()
        assert not recorded()
    assert recorded() and not inside() and recorded()


def test_no_grad_ends_on_exceptions() -> None:
    with pytest.raises(ZeroDivisionError), ad.no_grad():
        1 / 0  # noqa: B018
    assert recorded()


def test_no_grad_belongs_to_its_thread() -> None:
    seen: list[bool] = []
    with ad.no_grad():
        thread = threading.Thread(target=lambda: seen.append(recorded()))
        thread.start()
        thread.join()
        assert not recorded()
    assert seen == [True]


def test_no_grad_in_a_generator_holds_while_the_generator_runs() -> None:
    inner: list[bool] = []

    def values() -> Iterator[int]:
        with ad.no_grad():
            for k in range(2):
                inner.append(recorded())
                yield k
        inner.append(recorded())

    for _ in values():
        assert recorded()
    assert inner == [False, False, True] and recorded()


def test_a_generator_left_alone_leaves_nothing_behind() -> None:
    def values() -> Iterator[int]:
        with ad.no_grad():
            yield 1
            yield 2

    one, other = values(), values()
    next(one), next(other)
    assert recorded()
    with ad.no_grad():
        one.close()
        assert not recorded()
    other.close()
    assert recorded()


def test_decorated_generators() -> None:
    @ad.no_grad()
    def values() -> Iterator[bool]:
        yield recorded()
        yield recorded()

    seen = []
    for inside in values():
        seen.append((inside, recorded()))
    assert seen == [(False, True)] * 2


def test_no_grad_in_async_tasks() -> None:
    async def quiet() -> list[bool]:
        with ad.no_grad():
            seen = [recorded()]
            await asyncio.sleep(0)
            return [*seen, recorded()]

    async def loud() -> list[bool]:
        seen = [recorded()]
        await asyncio.sleep(0)
        return [*seen, recorded()]

    @ad.no_grad()
    async def decorated() -> bool:
        await asyncio.sleep(0)
        return recorded()

    async def stream() -> AsyncIterator[bool]:
        with ad.no_grad():
            yield recorded()

    async def main() -> None:
        got = await asyncio.gather(quiet(), loud(), quiet(), decorated())
        assert got == [[False] * 2, [True] * 2, [False] * 2, False]
        async for inside in stream():
            assert not inside and recorded()
        assert recorded()

    asyncio.run(main())


def test_no_grad_refuses_async_generator_functions() -> None:
    with pytest.raises(TypeError, match="async generator"):

        @ad.no_grad()
        async def stream() -> AsyncIterator[int]:
            yield 1


def test_scopes_nest_and_end() -> None:
    x = leaf(1.0)
    with ad.scope("outer"):
        with ad.scope("inner"):
            y = x * 2
        z = x * 2
    assert y.node.scope == ("outer", "inner") and z.node.scope == ("outer",)
    assert (x * 2).node.scope == ()
    with pytest.raises(TypeError, match="a name that is not empty"):
        ad.scope("")


def test_a_scope_in_a_generator_names_what_the_generator_records_only() -> None:
    x = leaf(1.0)

    def values() -> Iterator[tuple[str, ...]]:
        with ad.scope("inside"):
            while True:
                yield (x * 2).node.scope

    stream = values()
    assert next(stream) == ("inside",) and (x * 2).node.scope == ()
    with ad.scope("outside"):
        # Entered first, the generator's scope keeps its path; here another one holds.
        assert (x * 2).node.scope == ("outside",)
    with ad.no_grad():
        assert not recorded()
    stream.close()
    assert (x * 2).node.scope == ()


def test_a_scope_entered_beside_a_suspended_one_does_not_take_its_settings() -> None:
    x = leaf(1.0)

    def values(setting: Any) -> Iterator[int]:
        with setting:
            yield 1

    named, quiet = values(ad.scope("suspended")), values(ad.no_grad())
    next(named), next(quiet)
    with ad.scope("beside"):
        assert recorded() and (x * 2).node.scope == ("beside",)
        named.close()
        assert (x * 2).node.scope == ("beside",)
    quiet.close()
    assert recorded() and (x * 2).node.scope == ()


def test_a_generator_resumed_under_other_settings() -> None:
    x = leaf(1.0)

    def values() -> Iterator[Any]:
        yield x * 2
        with ad.scope("inside"):
            yield x * 2
            yield x * 2
        yield x * 2

    stream = values()
    assert next(stream).node.scope == ()
    with ad.scope("outer"):
        assert next(stream).node.scope == ("outer", "inside")
    # The setting keeps what held where it was entered, wherever the generator runs on.
    with ad.scope("another"):
        assert (x * 2).node.scope == ("another",)
    assert next(stream).node.scope == ("outer", "inside")
    assert next(stream).node.scope == () == (x * 2).node.scope


def test_a_setting_left_while_a_generator_is_suspended_in_it_has_ended() -> None:
    def values() -> Iterator[bool]:
        with ad.scope("inside"):
            yield recorded()
            yield recorded()

    stream = values()
    with ad.no_grad():
        assert not next(stream)
    assert recorded()
    assert not next(stream)  # entered where nothing was recorded
    stream.close()
    assert recorded()


def test_a_generator_keeps_its_setting_when_it_is_resumed_under_another() -> None:
    x = leaf(1.0)

    def values(setting: Any) -> Iterator[tuple[bool, Any]]:
        with setting:
            while True:
                y = x * 2
                yield recorded(), y.node and y.node.scope

    quiet, named = values(ad.no_grad()), values(ad.scope("inside"))
    next(quiet), next(named)
    with ad.scope("outer"):
        assert next(quiet) == (False, None) and next(named) == (True, ("inside",))
        assert recorded() and (x * 2).node.scope == ("outer",)
        with ad.scope("inner"):
            assert next(quiet) == (False, None) and next(named) == (True, ("inside",))
            assert (x * 2).node.scope == ("outer", "inner")
    with ad.no_grad():
        assert next(named) == (True, ("inside",)) and not recorded()
        quiet.close()
    named.close()
    assert recorded() and (x * 2).node.scope == ()


def test_a_setting_inside_a_resumed_generator_holds_in_it() -> None:
    x = leaf(1.0)

    def part() -> Any:
        with ad.scope("part"):
            return (x * 2).node.scope

    def values() -> Iterator[Any]:
        with ad.scope("inside"):
            while True:
                yield part()

    stream = values()
    assert next(stream) == ("inside", "part")
    with ad.scope("outer"):
        assert next(stream) == ("inside", "part")
        assert part() == ("outer", "part")


def test_a_generator_freed_late_leaves_nothing_behind() -> None:
    def values() -> Iterator[bool]:
        with ad.no_grad():
            yield recorded()

    stream: Any = values()
    with ad.scope("outer"):
        assert not next(stream)
    cycle = [stream]
    cycle.append(cycle)
    del stream, cycle
    with ad.no_grad():
        gc.collect()
        assert not recorded()
    assert recorded() and (leaf(1.0) * 2).node.scope == ()


def test_scopes_left_out_of_order() -> None:
    x = leaf(1.0)
    one, two = ad.scope("one"), ad.scope("two")
    one.__enter__()
    two.__enter__()
    one.__exit__(None, None, None)
    assert (x * 2).node.scope == ("one", "two")
    two.__exit__(None, None, None)
    assert (x * 2).node.scope == ()


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


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    with ad.no_grad(), ad.scope("quiet"):
        yield


@contextlib.contextmanager
def twice() -> Iterator[None]:
    with quiet():
        yield


def test_a_context_manager_made_of_a_generator_holds_in_its_block() -> None:
    x = ad.tensor(1.0, requires_grad=True)
    for manager in (quiet, twice):
        with manager():
            assert not (2 * x).requires_grad
            with ad.scope("inner"):
                assert current().scope == ("quiet", "inner")
        assert (2 * x).requires_grad and current().scope == ()

    def inside() -> Iterator[bool]:
        with twice():
            yield (2 * x).requires_grad
        yield (2 * x).requires_grad

    generator = inside()
    assert next(generator) is False
    assert (2 * x).requires_grad and current().scope == ()  # while the generator is suspended
    assert next(generator) is True


def test_an_asynchronous_context_manager_holds_in_its_block() -> None:
    x = ad.tensor(1.0, requires_grad=True)

    @contextlib.asynccontextmanager
    async def manager() -> AsyncIterator[None]:
        with ad.no_grad():
            await asyncio.sleep(0)
            yield

    async def main() -> None:
        async with manager():
            assert not (2 * x).requires_grad
            await asyncio.sleep(0)
            assert not (2 * x).requires_grad
        assert (2 * x).requires_grad

    asyncio.run(main())
    assert (2 * x).requires_grad
