"""What takes the number of a Tensor: C code calls ``float(x)`` as a program does.

``math.exp(x)``, ``array.fill(x)`` and ``array[i] = x`` would lose a gradient; ``float(x)`` is
meant. They are told apart by what the caller's bytecode calls. Where that is not certain (a local
name, ``f(*args)``, an assertion that pytest rewrote), the number is given: to refuse what is meant
would be worse.
"""

from __future__ import annotations

import cmath
import dis
import math
import sys
import weakref
from types import BuiltinFunctionType, CodeType, FrameType, ModuleType
from typing import Any

import numpy as np

__all__: list[str] = []

# In math.fsum(map(float, xs)) the program asks for the numbers, and inside the same call: functions
# of iterables are let through, as are those without a derivative.
_LET = {"ceil", "dist", "floor", "fsum", "prod", "signbit", "sumprod", "ulp"}
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

# By id: hashing a code object reads all of it.
_known: dict[int, tuple[weakref.ref[CodeType], dict[int, str]]] = {}


def is_within(frame: FrameType, package: str) -> bool:
    """Whether the frame runs code of a module whose name starts so."""
    return str(frame.f_globals.get("__name__")).startswith(package)


def taker(frame: FrameType) -> tuple[str, str]:
    """Who takes a number in this frame, and what to use instead; ("", "") for ``float(x)``."""
    if is_within(frame, "numpy.") and not is_within(frame, "numpy.testing"):
        return "NumPy", SAME_NAME
    called = _calls(frame.f_code).get(frame.f_lasti)
    if called is None:
        return "", ""
    if called == _STORED:
        return called, _ON_TENSORS
    # By name, whatever it is of: a method written in Python would have a frame of its own.
    if called.endswith(".fill"):
        return "fill of an ndarray", _ON_TENSORS
    found = _found(called, frame)
    if type(found) is not BuiltinFunctionType:
        return "", ""
    if isinstance(found.__self__, (np.ufunc, np.ndarray)):
        return called, _ON_TENSORS
    if found not in _SMOOTH:
        return "", ""
    name = _OWN.get(found.__name__, found.__name__)
    named = hasattr(sys.modules["autodiff"], name)
    return called, f"ad.{name}" if named else "functions of autodiff"


def _found(called: str, frame: FrameType) -> Any:
    """What global names and attributes of modules stand for; None where that is not certain.

    Local names stay unknown: in Python 3.11 ``f_locals`` keeps alive what it shows.
    """
    first, *attributes = called.split(".")
    found = frame.f_globals.get(first)
    for name in attributes:
        if type(found) is ModuleType:  # nothing whose attributes may run code
            found = vars(found).get(name)
        else:
            found = getattr(found, name, None) if type(found) is np.ufunc else None
    return found


def _calls(code: CodeType) -> dict[int, str]:
    """By the offset of a call what it calls, as ``np.add.reduce``."""
    key = id(code)
    if key not in _known:
        _known[key] = weakref.ref(code, lambda _: _known.pop(key, None)), _disassembled(code)
    return _known[key][1]


def _disassembled(code: CodeType) -> dict[int, str]:
    """What is called stands where the call begins: a name, then attributes of it."""
    stored: dict[int, str] = {}
    called: dict[int, tuple[Any, str]] = {}
    chains: dict[Any, str] = {}
    roots: dict[Any, set[Any]] = {}
    # LOAD_NAME looks among locals first: in a module (or "<cell line: 1>") those are the globals.
    known = ("LOAD_GLOBAL", "LOAD_NAME" if code.co_name.startswith("<") else "")
    for i in dis.get_instructions(code):
        place = (i.positions.lineno, i.positions.col_offset) if i.positions else (None, None)
        if i.opname == "STORE_SUBSCR":
            stored[i.offset] = _STORED
        elif None in place:
            pass
        elif i.opname in ("PRECALL", "CALL", "CALL_KW"):
            called[i.offset] = place, chains.get(place, "")
        elif i.opname in ("LOAD_ATTR", "LOAD_METHOD"):
            chains[place] = f"{chains.get(place, '')}.{i.argval}"
        elif i.opname.startswith("LOAD_") and i.opname != "LOAD_CONST":  # as of keywords' names
            chains[place] = i.argval if i.opname in known else ""
            roots.setdefault(place, set()).add(i.argval)
    # Several names in one place: a program wrote the code, and places tell nothing.
    mixed = {place for place, names in roots.items() if len(names) > 1}
    return stored | {
        offset: chain
        for offset, (place, chain) in called.items()
        if place not in mixed and chain not in _USUAL
    }
