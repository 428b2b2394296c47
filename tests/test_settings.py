"""Where no_grad and scope hold: threads, generators, context managers, async."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import threading
from collections.abc import AsyncIterator, Iterator
from typing import Any

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
        1 / 0  # noqa: B018 - raises
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
