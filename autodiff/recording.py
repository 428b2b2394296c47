"""Whether operations are recorded, and in whose name: the state that belongs to a context.

``no_grad`` switches recording off, ``scope`` names a group of operations, ``ieee`` asks for the
plain IEEE product in the backward walk. All three hold exactly where they are written: per thread
and per async task (``contextvars``), restored on exceptions, and, unlike a bare context variable,
suspended while a generator that entered them is suspended.
"""

from __future__ import annotations

import contextlib
import functools
import inspect
import sys
from collections.abc import Callable
from contextvars import ContextVar
from types import FrameType, TracebackType
from typing import Any, ParamSpec, TypeVar, cast

P = ParamSpec("P")
R = TypeVar("R")


ABOVE = -1  # no id of an object


class State:
    """One entry of the stack of settings.

    ``frame`` is the id of the generator's frame that entered it, or 0, or ``ABOVE``: it stands
    above states of generators that were suspended when it was entered, and ``floor`` below those.
    """

    floor: State  # set where ``frame`` is ABOVE

    __slots__ = (
        "alive",
        "floor",
        "forward",
        "frame",
        "ieee",
        "keep_all",
        "levels",
        "parent",
        "plain",
        "recording",
        "scope",
    )

    def __init__(
        self,
        parent: State | None = None,
        frame: int = 0,
        recording: bool = True,
        keep_all: bool = False,
        forward: Any = False,
        ieee: bool = False,
        scope: tuple[str, ...] = (),
        levels: tuple[Any, ...] = (),
    ) -> None:
        self.parent = parent
        self.frame = frame
        self.alive = True
        self.recording = recording
        self.keep_all = keep_all  # record everything, with every value and its line: tracing
        # Keep every value of what is recorded, as forward rules read them (True), or hand each
        # operation to what pushes tangents on (transforms.tangents.Sweep).
        self.forward = forward
        # Whether there is nothing more to ask on the hot path.
        self.plain = recording and not keep_all and not forward and not frame
        self.ieee = ieee
        self.scope = scope
        self.levels = levels  # the calls of vmap that are running, the outermost first


_current: ContextVar[State] = ContextVar(
    "autodiff.state",
    default=State(),  # noqa: B039 - a State of the stack is never changed but to mark its end
)

# The hot path reads the variable itself; only a state that a generator entered needs `active`.
get_state = _current.get


def active(state: State) -> State:
    """The innermost state from ``state`` down that is not left and whose generator, if it has one,
    is running now.
    """
    # A state that was left stays in the stack below one that a suspended generator entered in it,
    # and where a generator was closed in another context.
    while not (state.alive and (state.frame <= 0 or _on_stack(state.frame))):
        state = cast(State, state.parent)
    if state.frame != ABOVE:
        return state
    # A generator that was suspended when this state was entered and runs now was resumed in it.
    below = cast(State, state.parent)
    while below is not state.floor:
        if below.alive and below.frame > 0 and _on_stack(below.frame):
            return below
        below = cast(State, below.parent)
    return state


def stand(state: State, top: State, base: State) -> None:
    """Let ``state``, which no generator entered, give way to suspended ones that are resumed."""
    if base is not top:
        state.floor = base
    elif top.frame == ABOVE:
        state.floor = top.floor
    else:
        return
    state.frame, state.plain = ABOVE, False


def current() -> State:
    """The state in force here."""
    return active(_current.get())


def _on_stack(frame_id: int) -> bool:
    # A generator's frame is on the call stack while the generator runs and off it while it is
    # suspended. Ids are enough: a generator that dies closes, and closing leaves its states.
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        if id(frame) == frame_id:
            return True
        frame = frame.f_back
    return False


def push(
    frame: int = 0,
    *,
    recording: bool | None = None,
    keep_all: bool | None = None,
    forward: Any = None,
    ieee: bool | None = None,
    scope: tuple[str, ...] | None = None,
    levels: tuple[Any, ...] | None = None,
) -> State:
    """Enter a state that differs from the one in force by what is given."""
    top = _current.get()
    base = active(top) if top.frame else top
    if forward is None:
        # A part that asks for a record of its own, inside a forward sweep, is recorded whole.
        forward = bool(base.forward) if recording else base.forward
    state = State(
        top,
        frame,
        base.recording if recording is None else recording,
        base.keep_all if keep_all is None else keep_all,
        forward,
        base.ieee if ieee is None else ieee,
        base.scope if scope is None else scope,
        base.levels if levels is None else levels,
    )
    if top.frame and not frame:
        stand(state, top, base)
    _current.set(state)
    return state


def pop(state: State) -> None:
    """Leave ``state``; states entered since and not left yet stay in force."""
    state.alive = False
    top = _current.get()
    while not top.alive:
        top = cast(State, top.parent)
    _current.set(top)


class Unrecorded(BaseException):
    """A gradient is asked for by hand inside a forward sweep, which has no record: run again."""


def ask_for_record() -> None:
    """Interrupt the forward sweep that runs here, if one does; ``jvp`` starts again, recording."""
    if not isinstance(current().forward, bool):
        raise Unrecorded


_SUSPENDABLE = (
    inspect.CO_GENERATOR
    | inspect.CO_COROUTINE
    | inspect.CO_ASYNC_GENERATOR
    | inspect.CO_ITERABLE_COROUTINE
)


# What ``with`` calls of a generator under contextlib.contextmanager, up to its yield.
_MANAGERS = (
    contextlib._GeneratorContextManager.__enter__.__code__,
    contextlib._AsyncGeneratorContextManager.__aenter__.__code__,
)


def _owner(frame: FrameType) -> int:
    """The id of the generator's frame in whose ``with`` block a setting holds, or 0."""
    while frame.f_back is not None and frame.f_back.f_code in _MANAGERS:
        # It is suspended while the block runs that it was made for: that of who called it.
        frame = cast(FrameType, frame.f_back.f_back)
    return id(frame) if frame.f_code.co_flags & _SUSPENDABLE else 0


class _Setting:
    """A setting that works as ``with setting():`` and as a decorator."""

    changes: dict[str, Any] = {}  # noqa: RUF012 - read only

    def __init__(self, *given: Any) -> None:
        if given:
            name = type(self).__name__
            raise TypeError(
                f"{name} takes no arguments: write 'with ad.{name}():', or @ad.{name}() above a "
                "function"
            )
        self._states: list[State] = []

    def __enter__(self) -> None:
        frame = sys._getframe(1)
        owned = _owner(frame) if frame.f_code.co_flags & _SUSPENDABLE else 0
        self._states.append(push(owned, **self.changes))

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        top = _current.get()
        if len(self._states) == 1 and top is self._states[0] and cast(State, top.parent).alive:
            # The usual case, what follows included: entered once, and nothing above it is left.
            self._states.clear()
            top.alive = False
            _current.set(cast(State, top.parent))
            return
        # Of the states that this object entered, the innermost of this context: others may hold in
        # other threads and tasks.
        state: State | None = _current.get()
        while state is not None and state not in self._states:
            state = state.parent
        state = state or self._states[-1]
        self._states.remove(state)
        pop(state)

    def __call__(self, function: Callable[P, R]) -> Callable[P, R]:
        """Decorate a function, a generator function or a coroutine function."""
        if inspect.isasyncgenfunction(function):
            raise TypeError(
                f"{type(self).__name__} cannot decorate the async generator "
                f"{function.__qualname__}: write 'with ad.{type(self).__name__}():' inside it"
            )
        wrapper: Any
        if inspect.isgeneratorfunction(function):

            @functools.wraps(function)
            def wrapper(*args: Any, **kwargs: Any) -> Any:
                state = push(id(sys._getframe()), **self.changes)
                try:
                    return (yield from function(*args, **kwargs))
                finally:
                    pop(state)

        elif inspect.iscoroutinefunction(function):

            @functools.wraps(function)
            async def wrapper(*args: Any, **kwargs: Any) -> Any:
                state = push(id(sys._getframe()), **self.changes)
                try:
                    return await function(*args, **kwargs)
                finally:
                    pop(state)

        else:

            @functools.wraps(function)
            def wrapper(*args: Any, **kwargs: Any) -> Any:
                state = push(**self.changes)
                try:
                    return function(*args, **kwargs)
                finally:
                    pop(state)

        return cast("Callable[P, R]", wrapper)


class no_grad(_Setting):  # noqa: N801 - a context manager is named like a function
    """Record nothing: results carry no history and need no gradient.

    Works as a context manager and as a decorator (``@ad.no_grad()``), also of generator and
    coroutine functions. Inside a generator it holds while the generator runs, not while its
    consumer does; a setting that a generator entered keeps what else held at that moment, wherever
    the generator is resumed. What its consumer sets applies to a generator outside its own blocks.
    In a generator under ``contextlib.contextmanager`` it holds in the block of the ``with``.

    >>> import autodiff as ad
    >>> w = ad.tensor([1.0, 2.0], requires_grad=True)
    >>> with ad.no_grad():
    ...     y = w * 2
    >>> y.requires_grad
    False
    """

    changes = {"recording": False}  # noqa: RUF012 - read only


class ieee(_Setting):  # noqa: N801 - as above
    """In the backward walk, multiply as IEEE 754 says: no masked entry is treated as absent.

    By default a branch that ``where``, a mask, ``max`` or an index did not select has no gradient
    at all, whatever its derivative is; under this switch it has the gradient 0 times that
    derivative, which is NaN where the derivative is infinite (as in other frameworks).

    >>> import autodiff as ad
    >>> x = ad.tensor([100.0], requires_grad=True)
    >>> y = ad.where(x > 1, x, ad.sqrt(x - 100.0)).sum()
    >>> ad.gradients(y, x).numpy()
    array([1.])
    >>> with ad.ieee():
    ...     print(ad.gradients(y, x).numpy())
    [nan]
    """

    changes = {"ieee": True}  # noqa: RUF012 - read only


class scope(_Setting):  # noqa: N801 - as above
    """Name a group of operations, for drawings and error messages; scopes nest.

    Parameters
    ----------
    name : str
        One level of the path, such as ``"encoder"``.

    >>> import autodiff as ad
    >>> with ad.scope("encoder"):
    ...     y = ad.tanh(ad.tensor(1.0, requires_grad=True))
    >>> y.node.scope
    ('encoder',)
    """

    def __init__(self, name: str) -> None:
        if not isinstance(name, str) or not name:
            raise TypeError(f"scope takes a name that is not empty, got {name!r}")
        self._states = []
        self.name = name

    def __enter__(self) -> None:
        frame = sys._getframe(1)
        owned = _owner(frame) if frame.f_code.co_flags & _SUSPENDABLE else 0
        top = _current.get()
        base = active(top) if top.frame else top
        # What `push` does, written out: each call of a module enters a scope.
        state = State(
            top,
            owned,
            base.recording,
            base.keep_all,
            base.forward,
            base.ieee,
            (*base.scope, self.name),
            base.levels,
        )
        if top.frame and not owned:
            stand(state, top, base)
        self._states.append(state)
        _current.set(state)

    @property
    def changes(self) -> dict[str, Any]:  # type: ignore[override]  # read only
        return {"scope": (*current().scope, self.name)}
