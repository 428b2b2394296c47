"""Who takes the number of a Tensor: what is written in C calls ``float(x)`` as a program does."""

from __future__ import annotations

import dis
import functools
import inspect
from types import CodeType, FrameType, ModuleType
from typing import Any

import numpy as np

__all__: list[str] = []

# Functions of `math` whose results are no floats: nothing is lost.
_CONSTANT = frozenset({"ceil", "floor", "isclose", "isfinite", "isinf", "isnan", "trunc"})
_NAMES = ("LOAD_NAME", "LOAD_GLOBAL", "LOAD_FAST", "LOAD_FAST_CHECK", "LOAD_DEREF")
_ATTRIBUTES = ("LOAD_ATTR", "LOAD_METHOD")


def taker(frame: FrameType) -> str:
    """The function or the array that takes a number in this frame; empty for ``float(x)``."""
    if frame.f_globals.get("__name__", "").startswith("numpy."):
        return "NumPy"
    operation, names = _running(frame.f_code, frame.f_lasti)
    if operation in ("STORE_SUBSCR", "STORE_ATTR"):  # a[i] = x, a.flat = x
        return "an ndarray"
    function = _found(names, frame) if names else None
    if function is None or isinstance(function, type):  # as np.float64(x), which says what it does
        return ""
    owner, module = getattr(function, "__self__", None), getattr(function, "__module__", None) or ""
    if isinstance(owner, (np.ndarray, np.ufunc)) or module.partition(".")[0] == "numpy":
        return ".".join(names)
    in_math = (module or getattr(owner, "__name__", "")) in ("math", "cmath")
    return ".".join(names) if in_math and names[-1] not in _CONSTANT else ""


@functools.lru_cache(maxsize=1024)
def _running(code: CodeType, at: int) -> tuple[str, tuple[str, ...]]:
    """The instruction there and, of a call, what is called: its name and those of attributes."""
    before: list[dis.Instruction] = []
    for instruction in dis.get_instructions(code):
        if instruction.offset == at:
            break
        before.append(instruction)
    else:
        return "", ()
    start = _start(instruction)
    if not instruction.opname.startswith("CALL") or start is None:
        return instruction.opname, ()
    # What is called stands where the call begins: a name, then attributes of it. Code that was made
    # by a program (an assertion under pytest) gives one place to all: then nothing is known.
    chains: list[tuple[str, ...]] = []
    for part in [i for i in before if _start(i) == start]:
        if part.opname.startswith("CALL"):  # the result of another call is called
            return instruction.opname, ()
        if part.opname in _ATTRIBUTES and chains:
            chains[-1] = (*chains[-1], part.argval)
        elif part.opname in _NAMES:
            chains.append((str(part.argval),))
    return instruction.opname, chains[0] if len(set(chains)) == 1 else ()


def _start(instruction: dis.Instruction) -> tuple[int, int] | None:
    """Line and column; None where Python keeps no positions (``-X no_debug_ranges``)."""
    place = instruction.positions
    if place is None or place.lineno is None or place.col_offset is None:
        return None
    return place.lineno, place.col_offset


def _found(names: tuple[str, ...], frame: FrameType) -> Any:
    """What the names stand for in a frame, without running a property."""
    first, *attributes = names
    for scope in (frame.f_locals, frame.f_globals, frame.f_builtins):
        if first in scope:
            found = scope[first]
            break
    else:
        return None
    for name in attributes:
        plain = isinstance(found, (ModuleType, np.ndarray, np.ufunc))
        found = getattr(found, name, None) if plain else inspect.getattr_static(found, name, None)
    return found
