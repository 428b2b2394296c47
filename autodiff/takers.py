"""What takes the number of a Tensor: C code calls ``float(x)`` as a program does.

``math.exp(x)``, ``array.fill(x)`` and ``array[i] = x`` would lose a gradient; ``float(x)`` is
meant. They are told apart by what the caller's bytecode calls. Where that is not certain (a name
of an enclosing function, an assertion that pytest rewrote), the number is given.
"""

from __future__ import annotations

import array
import cmath
import dis
import inspect
import math
import operator
import struct
import sys
import weakref
from collections.abc import Iterator
from types import BuiltinFunctionType, CodeType, FrameType, ModuleType
from typing import Any, NamedTuple

import numpy as np

__all__: list[str] = []

# They have no derivative, or compute with Tensors as with numbers.
_LET = {"ceil", "floor", "prod", "signbit", "sumprod", "ulp"}
_SMOOTH = {
    function
    for module in (math, cmath)
    for name, function in vars(module).items()
    if isinstance(function, BuiltinFunctionType) and name not in _LET and name[:2] != "is"
}
# What the function has for a name in autodiff; math.remainder is none that NumPy has.
_OWN = {"lgamma": "gammaln", "phase": "angle", "remainder": ""}
SAME_NAME = "the function of the same name in autodiff"
_STORED = "an ndarray"
_USUAL = ("float", "int", "complex", "")  # no time is spent on these
_ON_TENSORS = "functions of autodiff on Tensors (ad.full, ad.stack, ad.sum)"
# What makes arrays or bytes of numbers. By id: what a name stands for need not have a hash.
_MAKERS = {
    id(function)
    for function in (
        np.array,
        np.asanyarray,
        np.asarray,
        np.ascontiguousarray,
        np.fromiter,
        array.array,
        operator.setitem,
        struct.pack,
        struct.pack_into,
    )
}
# What takes numbers out of an iterable, which may be map(float, xs).
_OF_MANY = {id(f) for f in (math.fsum, math.dist, np.fromiter, array.array)}
# Methods of ndarrays and of array.array, by name, whatever they belong to.
_METHODS = ("__setitem__", "append", "astype", "fill", "fromlist", "insert")
_MAPPING = ("call", "map", "reduce", "starmap")  # C code that calls its first argument
# Instructions in which C code may take numbers: calls, and what runs an iterator to its end.
_CALLING = {
    *("PRECALL", "CALL", "CALL_KW", "CALL_FUNCTION_EX"),
    *("FOR_ITER", "LIST_EXTEND", "SET_UPDATE", "UNPACK_SEQUENCE", "UNPACK_EX", "CONTAINS_OP"),
    *("BINARY_OP", "SEND"),  # xs += map(...), yield from map(...)
}
_STARRED = ("CALL_FUNCTION_EX", "LIST_EXTEND")  # f(*args), f(a, *args)
_NO_NAMES = ("LOAD_ASSERTION_ERROR", "LOAD_CONST")  # the latter also of names of keywords
_LAMBDA = "lambda"  # in the place of a name
_IMPORTED = ":"  # before the name of a module that a function imports itself


class Call(NamedTuple):
    """An instruction that calls C code: dotted names of what it calls and of what that calls."""

    name: str
    mapped: tuple[str, ...] = ()
    starred: bool = False  # f(*args): the arguments may be taken out of map(float, xs)


# By id: hashing a code object reads all of it.
_known: dict[int, tuple[weakref.ref[CodeType], dict[int, Call]]] = {}


def is_within(frame: FrameType, package: str) -> bool:
    """Whether the frame runs code of a module whose name starts so."""
    return str(frame.f_globals.get("__name__")).startswith(package)


def taker(frame: FrameType) -> tuple[str, str]:
    """Who takes a number in this frame, and what to use instead; ("", "") for ``float(x)``."""
    if is_within(frame, "numpy.") and not is_within(frame, "numpy.testing"):
        return "NumPy", SAME_NAME
    call = _calls(frame.f_code).get(frame.f_lasti)
    if call is None:
        return "", ""
    if call.name == _STORED:
        return _STORED, _ON_TENSORS
    # In math.fsum(map(float, xs)) the program asks for the numbers, inside of the same call.
    of_many = call.starred or id(_found(call.name, frame)) in _OF_MANY
    iterates = of_many or not _instead(call.name, frame)
    if iterates and any(_asks(name, frame) for name in call.mapped):
        return "", ""
    who = next((name for name in (call.name, *call.mapped) if _instead(name, frame)), "")
    _, dot, method = who.rpartition(".")
    named = who.lstrip(_IMPORTED)
    if dot and method in _METHODS:
        named = f"{method} of an array"
    return named, _instead(who, frame)


def _asks(name: str, frame: FrameType) -> bool:
    """Whether a function is one of those with which a program asks for numbers, as ``float``."""
    found = _found(name, frame)
    if name == _LAMBDA:  # it would ask in a frame of its own
        return False
    if isinstance(found, type):
        return issubclass(found, (float, int, complex, np.generic))
    return found is None  # a local name, which may stand for `float`


def _instead(name: str, frame: FrameType) -> str:
    """What to use instead of this function; nothing where it takes no number away."""
    _, dot, method = name.rpartition(".")
    # By name, whatever it is of: a method written in Python would have a frame of its own.
    if dot and method in _METHODS:
        return _ON_TENSORS
    found = _found(name, frame)
    if id(found) in _MAKERS:
        return _ON_TENSORS
    if type(found) is not BuiltinFunctionType:
        return ""
    if isinstance(found.__self__, (np.ufunc, np.ndarray)):
        return _ON_TENSORS
    if found not in _SMOOTH:
        return ""
    own = _OWN.get(found.__name__, found.__name__)
    return f"ad.{own}" if hasattr(sys.modules["autodiff"], own) else "functions of autodiff"


def _found(name: str, frame: FrameType) -> Any:
    """What global names and attributes of modules stand for; None where that is not certain.

    Local names stay unknown: in Python 3.11 ``f_locals`` keeps alive what it shows.
    """
    first, *attributes = name.split(".")
    if first.startswith(_IMPORTED):
        found: Any = sys.modules.get(first[1:])
    else:
        found = frame.f_globals.get(first, frame.f_builtins.get(first))
    for name in attributes:
        if type(found) is ModuleType:  # nothing whose attributes may run code
            found = vars(found).get(name)
        else:
            found = getattr(found, name, None) if type(found) is np.ufunc else None
    return found


def _calls(code: CodeType) -> dict[int, Call]:
    """By the offset of an instruction what it calls, as ``np.add.reduce``."""
    key = id(code)
    if key not in _known:
        _known[key] = weakref.ref(code, lambda _: _known.pop(key, None)), _disassembled(code)
    return _known[key][1]


def _disassembled(code: CodeType) -> dict[int, Call]:
    """What is called stands where the call begins: a name, then attributes of it."""
    instructions = list(dis.get_instructions(code))
    aliases, placed = _aliases(code, instructions), list(_placed(instructions))
    # LOAD_NAME looks among locals first: in a module (or "<cell line: 1>") those are the globals.
    known = ("LOAD_GLOBAL", "LOAD_NAME" if code.co_name.startswith("<") else "")
    found: dict[int, Call] = {}
    chains: dict[Any, str] = {}  # by where they begin
    roots: dict[Any, set[Any]] = {}
    maps: dict[Any, str] = {}
    for i, (place, end) in placed:
        if i.opname in ("STORE_SUBSCR", "STORE_SLICE"):
            found[i.offset] = Call(_STORED)
        elif None in place:
            pass
        elif i.opname in _CALLING:
            name = chains.get(place, "")
            if name.rpartition(".")[2] in _MAPPING:
                maps[place] = _first(list(roots), place, chains)
            inside = tuple(maps[p] for p in maps if place <= p < end)
            if inside or name not in _USUAL:
                found[i.offset] = Call(name, inside, i.opname in _STARRED)
            if i.opname in ("CALL", "CALL_KW", "CALL_FUNCTION_EX"):
                chains[place] = ""  # attributes that follow are those of the result
        elif i.opname in ("LOAD_ATTR", "LOAD_METHOD"):
            chains[place] = f"{chains.get(place, '')}.{i.argval}"
        elif i.opname == "MAKE_FUNCTION":
            chains[place] = _LAMBDA
            roots.setdefault(place, set())
        elif i.opname.startswith("LOAD_") and i.opname not in _NO_NAMES:
            chains[place] = i.argval if i.opname in known else aliases.get(i.argval, "")
            roots.setdefault(place, set()).add(i.argval)
    # Several names in one place: a program wrote the code, and places tell nothing.
    mixed = {place for place, names in roots.items() if len(names) > 1}
    written = {i.offset for i, (place, _) in placed if place in mixed}
    return {at: call for at, call in found.items() if at not in written or call.name == _STORED}


def _first(order: list[Any], place: Any, chains: dict[Any, str]) -> str:
    """The name that is loaded next after the one at this place: the first argument of a call."""
    after = order[order.index(place) + 1 :] if place in order else []
    return chains[after[0]] if after else ""


def _placed(instructions: list[dis.Instruction]) -> Iterator[tuple[dis.Instruction, Any]]:
    """Instructions, with lines and columns where their source begins and ends."""
    nowhere: Any = ((None, None), (None, None))
    before = iterable = nowhere
    for i in instructions:
        at, place = i.positions, nowhere
        if at is not None:
            place = (at.lineno, at.col_offset), (at.end_lineno, at.end_col_offset)
        if i.opname == "GET_ITER":
            iterable = before
        if i.opname == "FOR_ITER":  # until Python 3.12 it stands for the whole of the loop
            place = iterable
        if i.opname in ("UNPACK_SEQUENCE", "UNPACK_EX"):  # in the place of the targets
            place = before
        yield i, place
        before = place


def _aliases(code: CodeType, instructions: list[dis.Instruction]) -> dict[str, str]:
    """Local names that stand for one thing: modules imported in a function, ``e = math.exp``."""
    starred = (code.co_flags & (inspect.CO_VARARGS | inspect.CO_VARKEYWORDS)).bit_count()
    parameters = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount + starred]
    found: dict[str, set[str]] = {name: {""} for name in parameters}
    module = chain = ""
    for i in instructions:
        if i.opname.startswith("STORE_FAST"):  # Python 3.13 has one instruction for two names
            first, *others = i.argval if type(i.argval) is tuple else (i.argval,)
            both = i.opname == "STORE_FAST_STORE_FAST"  # the second of others is loaded
            found.setdefault(first, set()).add("" if both or i.is_jump_target else chain)
            if both:
                found.setdefault(others[0], set()).add("")
        if i.opname == "IMPORT_NAME":
            module = chain = "" if "." in i.argval else _IMPORTED + i.argval
        elif i.opname == "IMPORT_FROM":
            chain = f"{module}.{i.argval}"
        elif i.opname == "LOAD_GLOBAL":
            chain = i.argval
        elif i.opname == "LOAD_ATTR" and chain:
            chain = f"{chain}.{i.argval}"
        else:
            chain = ""
    return {name: next(iter(chains)) for name, chains in found.items() if len(chains) == 1}
