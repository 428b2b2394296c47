"""NumPy's own names on Tensors: ``np.sin(x)``, ``array * x``, ``np.linalg.solve(a, x)``.

NumPy asks a Tensor among the arguments of a ufunc (``__array_ufunc__``) or of a function
(``__array_function__``) to carry it out. Both go by name through the registry, so that a public
function serves NumPy's name the moment it exists. What the arguments of the two are called need not
agree: see ``Translation``. What no function of ours does raises ``UnsupportedError`` at once; the
value never becomes an array of objects, and a gradient never ends unsaid.

References: NEP 13 (``__array_ufunc__``), NEP 18 (``__array_function__``), NEP 35 (``like=``).
"""

from __future__ import annotations

import inspect
import opcode
import sys
from collections.abc import Callable
from importlib import import_module
from typing import Any

import numpy as np

from autodiff.errors import ShapeError, UnsupportedError
from autodiff.numpy_adapters import (
    ADAPTERS,
    ALIASES,
    DISCRETE,
    HINTS,
    QUERIES,
    SPECIAL,
    array_of,
    is_tensor,
    on_values,
)
from autodiff.registry import FUNCTIONS

Function = Callable[..., Any]
_EMPTY, _NO_VALUE = inspect.Parameter.empty, np._NoValue


class NumPyNames:
    """The part of ``Tensor`` that NumPy's ufuncs and functions call."""

    __slots__ = ()

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        if method == "__call__" and not kwargs:
            return _UFUNCS[ufunc](*inputs)
        return _ufunc_with(ufunc, method, inputs, kwargs)

    def __array_function__(
        self, function: Function, types: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        if not all([issubclass(t, (NumPyNames, np.ndarray)) for t in types]):
            return NotImplemented
        return _FUNCTIONS[function](*args, **kwargs)


# ---- names


def name_of(function: Any) -> str:
    """NumPy's name of a function or ufunc, below ``numpy``: "sum", "linalg.solve"."""
    if isinstance(function, np.ufunc):
        return function.__name__
    _, _, namespace = function.__module__.partition("numpy.")
    return f"{namespace}.{function.__name__}" if namespace else function.__name__


def _namespace(name: str) -> Any:
    """``ad.linalg``, ``ad.fft`` or ``ad.special``, loaded now if need be; None for others."""
    return import_module(f"autodiff.{name}") if name in ("fft", "linalg", "special") else None


def find(name: str) -> Function | None:
    """Our function for a name below ``numpy``."""
    name = ALIASES.get(name, name)
    namespace, _, plain = name.rpartition(".")
    if not namespace:
        return FUNCTIONS.find(name)
    function = FUNCTIONS.find(name)
    if function is None:
        function = getattr(_namespace(namespace), plain, None)
    # What the main namespace has too, with another meaning, is left to an adapter.
    return FUNCTIONS.find(plain) if function is None and not hasattr(np, plain) else function


def refuse(name: str, reason: str = "") -> UnsupportedError:
    """The error for what a NumPy function cannot do on a Tensor, with the way round it."""
    way = HINTS.get(name, f"where no gradient is meant to flow, numpy.{name}(x.numpy())")
    if not reason:
        reason = "autodiff has no function for it, and NumPy alone would lose the gradient"
    return UnsupportedError(f"numpy.{name} of a Tensor: {reason}; {way}")


# ---- ufuncs


class _Ufuncs(dict[np.ufunc, Function]):
    """Our function for each ufunc, found when it is first called."""

    def __missing__(self, ufunc: np.ufunc) -> Function:
        name = ufunc.__name__
        special = sys.modules.get("scipy.special")
        # What ndarray.clip(low, high) calls is a ufunc without a public name.
        if getattr(np, name, None) is ufunc or name == "clip":
            function = ADAPTERS.get(name) or find(name)
        elif special is not None and getattr(special, name, None) is ufunc:
            ours = SPECIAL.get(name, name)
            function = find(f"special.{ours}") or FUNCTIONS.find(ours)
            name = f"special.{name}"
        else:
            raise UnsupportedError(
                f"the ufunc {name} of a Tensor: autodiff knows NumPy's ufuncs and those of "
                "scipy.special; ad.custom_vjp makes a function of it that has a gradient"
            )
        if function is None and name in DISCRETE:
            function = on_values(ufunc)
        if function is None:
            raise refuse(name)
        self[ufunc] = function
        return function


_UFUNCS = _Ufuncs()
# The NumPy function that a method of a ufunc is.
_METHODS: dict[str, Any] = {
    "add.reduce": np.sum,
    "add.accumulate": np.cumsum,
    "multiply.reduce": np.prod,
    "multiply.accumulate": np.cumprod,
    "maximum.reduce": np.max,
    "minimum.reduce": np.min,
    "logical_and.reduce": np.all,
    "logical_or.reduce": np.any,
}


def _ufunc_with(ufunc: np.ufunc, method: str, inputs: tuple[Any, ...], kwargs: Any) -> Any:
    """A ufunc with keywords, or one of its methods."""
    outs = kwargs.pop("out", ())
    if method == "__call__":
        if outs and outs[0] is inputs[0] and _is_operator(sys._getframe(2)):
            return _UFUNCS[ufunc](*inputs)  # `array += tensor` names a Tensor from here on
        return _called_with(ufunc, inputs, kwargs, outs)
    if method == "outer":
        a, b = map(array_of, inputs)
        a = FUNCTIONS["reshape"](a, a.shape + (1,) * b.ndim)
        return _called_with(ufunc, (a, b), kwargs, outs)
    name = f"{ufunc.__name__}.{method}"
    function = _FUNCTIONS[_METHODS[name]] if name in _METHODS else ADAPTERS.get(name)
    if function is None:
        raise refuse(name)
    return _into(name, outs, function(*inputs, **{"axis": 0, **kwargs}), True)


def _called_with(ufunc: np.ufunc, inputs: tuple[Any, ...], kwargs: Any, outs: Any) -> Any:
    name = ufunc.__name__
    where = kwargs.pop("where", True)
    if where is not True and not (outs and is_tensor(outs[0])):
        raise refuse(name, "where= without a Tensor in out= leaves entries without a value")
    function = _UFUNCS[ufunc]
    inputs = _cast(ufunc, inputs, kwargs)
    for key in ("order", "subok"):
        kwargs.pop(key, None)
    _check_keywords(name, function, kwargs)
    return _into(name, outs, function(*inputs, **kwargs), where)


def _is_operator(frame: Any) -> bool:
    # `array += tensor` and np.add(array, tensor, out=array) arrive alike, but only the first binds
    # the name to what is returned. The instruction that the caller is at tells them apart.
    return bool(frame.f_code.co_code[frame.f_lasti] == opcode.opmap["BINARY_OP"])


def _cast(ufunc: np.ufunc, inputs: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, ...]:
    """The operands in the dtypes that ``dtype=`` or ``signature=`` ask for."""
    dtype, signature = kwargs.pop("dtype", None), kwargs.pop("signature", None)
    casting = kwargs.pop("casting", "same_kind")
    if dtype is None and signature is None:
        return inputs
    if signature is None:
        signature = (None,) * ufunc.nin + (np.dtype(dtype),) * ufunc.nout
    elif isinstance(signature, str):
        parts = signature.replace("->", "")
        signature = tuple(map(np.dtype, parts))
    given = [type(x) if type(x) in (int, float, complex) else array_of(x).dtype for x in inputs]
    resolved = ufunc.resolve_dtypes(
        (*given, *(None,) * ufunc.nout), signature=signature, casting=casting
    )
    return tuple([FUNCTIONS["astype"](array_of(x), d) for x, d in zip(inputs, resolved)])


def _check_keywords(name: str, function: Function, kwargs: dict[str, Any]) -> None:
    known = inspect.signature(function).parameters if kwargs else {}
    for key in kwargs:
        if key not in known:
            raise refuse(name, f"{key}= is not supported")


def _into(name: str, outs: tuple[Any, ...], y: Any, where: Any) -> Any:
    """The result, written into the Tensors of ``out=``, whose handles are bound anew."""
    if not outs:
        return y
    results = y if isinstance(y, tuple) else (y,)
    for out, part in zip(outs, results, strict=True):
        if out is None:
            continue
        if not is_tensor(out):
            raise refuse(name, "out= is an ndarray, which cannot hold a gradient; use the result")
        if out.shape != part.shape:
            raise ShapeError(f"{name}: out has shape {out.shape}, the result {part.shape}")
        out[...] = part if where is True else FUNCTIONS["where"](where, part, out)
    found = tuple([r if o is None else o for o, r in zip(outs, results)])
    return found if isinstance(y, tuple) else found[0]


# ---- functions


class _Functions(dict[Function, Function]):
    """What carries out each NumPy function on Tensors, found when it is first called."""

    def __missing__(self, function: Function) -> Function:
        name = name_of(function)
        ours = ADAPTERS.get(name)
        target = None if ours else find(name)
        if target is not None:
            ours = Translation(name, target, inspect.signature(function))
        elif ours is None and name in QUERIES:
            ours = on_values(function, wrapped=False)
        elif ours is None and name in DISCRETE:
            ours = on_values(function)
        if ours is None:
            raise refuse(name)
        self[function] = ours
        return ours


_FUNCTIONS = _Functions()

# Of no consequence for a value that nobody writes to: where it lies in memory, whether it is a
# copy, by which algorithm it is sorted.
_IGNORED = frozenset({"subok", "copy", "device", "overwrite_input", "kind", "max_work", "optimize"})
_JOINERS = frozenset({"concatenate", "stack", "hstack", "vstack"})


class Translation:
    """A NumPy function's arguments handed to ours: by name, else by position.

    NumPy's parameter of a name that ours has goes there; one that must be given goes to our
    parameter at the same place, whatever its name (``a``, ``x``, ``arr``). The rest is ignored
    where it says nothing about the value, done here where it can be (``out=``, the ``dtype=`` of a
    join), and otherwise refused, unless it has NumPy's default.
    """

    __slots__ = (
        "defaults",
        "direct",
        "function",
        "name",
        "names",
        "only",
        "plain",
        "rest",
        "targets",
        "unset",
    )

    def __init__(self, name: str, function: Function, signature: inspect.Signature) -> None:
        self.name = name
        self.function = function
        ours = list(inspect.signature(function).parameters.values())
        places = [p.name for p in ours if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
        self.only = [p.name for p in ours if p.kind is p.POSITIONAL_ONLY]
        known = {p.name: p.default for p in ours if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)}
        opens = any(p.kind is p.VAR_KEYWORD for p in ours)
        self.rest = any(p.kind is p.VAR_POSITIONAL for p in signature.parameters.values())
        self.names: list[str] = []
        self.targets: dict[str, str] = {}
        self.defaults: dict[str, Any] = {}
        self.unset: set[str] = set()  # None says nothing there, but would to ours
        for i, p in enumerate(signature.parameters.values()):
            if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD):
                self.names.append(p.name)
            self.defaults[p.name] = p.default
            if p.kind is p.VAR_KEYWORD:
                self.targets |= {n: n for n in known if n not in self.targets}
            elif (target := p.name if p.name in known else p.name.lower()) in known:
                self.targets[p.name] = target
                if p.default is None and known[target] is not None:
                    self.unset.add(p.name)
            elif i < len(places) and (p.default is _EMPTY or p.kind is p.POSITIONAL_ONLY):
                self.targets[p.name] = places[i]
            elif opens and p.name not in ("out", *_IGNORED):
                self.targets[p.name] = p.name
        # What can be handed on as it is: so many positions, and keywords by these names.
        agree = [self.targets.get(n) == p for n, p in zip(self.names, places)]
        plain = [a and n not in self.unset for a, n in zip(agree, self.names)]
        self.plain = 0 if self.rest else (*plain, False).index(False)
        self.direct = {
            n: t for n, t in self.targets.items() if not (n in self.unset or t in self.only)
        }

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if len(args) > self.plain:
            return self._carefully(args, kwargs)
        ours = {}
        for name, value in kwargs.items():
            target = self.direct.get(name)
            if target is None or value is _NO_VALUE:
                return self._carefully(args, kwargs)
            ours[target] = value
        return self.function(*args, **ours)

    def _carefully(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """A call with arguments that are not simply handed on."""
        given: dict[str, Any] = {} if self.rest else dict(zip(self.names, args))
        given.update(kwargs)
        ours: dict[str, Any] = {}
        out = dtype = None
        for name, value in given.items():
            target, default = self.targets.get(name), self.defaults.get(name, _EMPTY)
            if value is _NO_VALUE or (value is None and name in self.unset):
                continue
            if target is not None:
                ours[target] = value
            elif name == "out":
                out = value
            elif name == "dtype" and self.name in _JOINERS:
                dtype = value
            elif not (name in _IGNORED or value is default or _same(value, default)):
                self._leftover(name, value)
        first = args if self.rest else [ours.pop(n) for n in self.only if n in ours]
        y = self.function(*first, **ours)
        if dtype is not None:
            y = self._converted(y, dtype, given.get("casting", "same_kind"))
        if out is not None:
            y = _into(self.name, out if isinstance(out, tuple) else (out,), y, True)
        return y

    def _converted(self, y: Any, dtype: Any, casting: Any) -> Any:
        if not np.can_cast(y.dtype, dtype, casting):
            raise refuse(self.name, f"{y.dtype} is no {np.dtype(dtype)} by casting={casting!r}")
        return FUNCTIONS["astype"](y, dtype)

    def _leftover(self, name: str, value: Any) -> None:
        if name == "casting" or (name == "order" and value in ("C", "K", "A")):
            return
        shown = f"{name}={value!r}" if isinstance(value, (str, int, float)) else f"{name}="
        raise refuse(self.name, f"{shown} is not supported")


def _same(value: Any, default: Any) -> bool:
    return (
        type(value) is type(default)
        and type(value) in (bool, int, float, str, tuple)
        and (value == default)
    )
