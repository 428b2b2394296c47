"""What of a result is lost without a word: it depends on an operand, and has no gradient for it."""

from __future__ import annotations

import inspect
import itertools
import re
from typing import Any

import numpy as np

import autodiff as ad
from autodiff.numpy_protocol import find, name_of
from autodiff.registry import FUNCTIONS
from tests.numpy_checks import WRITERS
from tests.numpy_samples import Keywords, samples
from tests.own_samples import JUMPS, OWN
from tests.reference import Run, Trial, fits, numbers_in, numpy_names, quiet, samples_of, trial

# How the first line of a docstring says that a floating result is a constant, or any that it is one
# in an operand.
STATED = re.compile(r"no\s+gradient\s+passes")
STATED_OF = re.compile(r"no\s+gradient\s+reaches((?:(?:\s+and)?\s+``\w+``)+)", re.IGNORECASE)
# What takes the value out: as an ndarray, as numbers, as a new Tensor.
LEAVES = (
    *("tensor", "einops.asnumpy", "Tensor.data", "Tensor.item", "Tensor.numpy", "Tensor.tolist"),
    *("Tensor.__class__", "Tensor.__getstate__", "Tensor.__reduce__"),
)
NAMED = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
IN_PLACE = ("Tensor.fill", "Tensor.sort")  # they bind the handle anew


def lost_by(name: str, function: Run) -> list[str]:
    """What a public function loses in its sample calls."""
    if name in LEAVES:
        return []
    calls = [*samples_of(name, function), *(trial(function, s) for s in JUMPS.get(name, []))]
    with quiet():
        for call in calls:
            call(*call.values)  # a sample that does not run would prove nothing
    return lost(function, calls, function)


def lost_by_numpy(name: str) -> list[str]:
    """What NumPy's function of that name loses where it is called with Tensors."""
    function = numpy_names()[name]
    calls = [trial(function, s) for s in samples(name, function)]
    calls = [c._replace(writes=function.__name__ in WRITERS) for c in calls]
    return lost(function, calls, find(name_of(function)), ad.tensor)


def lost_by_tensor(name: str) -> list[str]:
    """What a method, an operator or an attribute of a Tensor loses."""
    attribute = getattr(ad.Tensor, name)
    path = f"Tensor.{name}"
    if path in LEAVES:
        return []

    def use(x: Any, *args: Any, **kwargs: Any) -> Any:
        y = x * 1.0 if path in IN_PLACE else x
        found = getattr(y, name)
        found = found(*args, **kwargs) if callable(found) else found
        return y if path in IN_PLACE else found

    if path in OWN:
        given = OWN[path]
    elif name.startswith("__") or not callable(attribute):
        given = OWN["Tensor"]
    else:
        function = FUNCTIONS.find(name)
        given = [] if function is None else methods_of(attribute, samples_of(name, function))
        if not given:
            raise LookupError(
                f"{path} is public and has no sample call: add one to OWN in tests/own_samples.py"
            )
    return lost(use, [trial(use, s) for s in given], attribute, ad.tensor)


def methods_of(attribute: Any, calls: list[Trial]) -> list[Any]:
    """The samples of a function that are calls of a method of a floating array."""
    found = [(*c.args, Keywords(c.kwargs)) if c.kwargs else c.args for c in calls]
    return [s for s in found if any(s[0] is x for x in numbers_in(s[0])) and fits(attribute, s)]


# ---- one call


def boxed(x: Any) -> Any:
    """The same arguments with an array without axes in the place of each float."""
    if type(x) is float:
        return np.array(x)
    if type(x) in (list, tuple):
        return type(x)(map(boxed, x))
    return {k: boxed(v) for k, v in x.items()} if type(x) is dict else x


def lost(function: Run, calls: list[Trial], stated: Any, lift: Run = np.asarray) -> list[str]:
    """The operands on which a floating result depends without a gradient, unsaid.

    Each floating array and each float of a call is alone a Tensor that requires a gradient; the
    other arrays are lifted. What the documentation of ``stated`` calls a constant is left out.
    """
    text = getattr(stated, "__doc__", None) or ""
    if STATED.search(text.partition("\n\n")[0]):
        return []
    names, found = re.findall(r"\w+", " ".join(STATED_OF.findall(text))), []
    for k, call in enumerate([*calls, *with_options(function, calls)]):
        args, kwargs = boxed(call.args), {n: boxed(v) for n, v in call.kwargs.items()}
        values = list({id(x): x for x in numbers_in((args, kwargs))}.values())
        own = {id(v) for v in call.values}
        wide = call._replace(args=args, kwargs=kwargs, values=values)
        makers = [lift if id(v) in own else float for v in values]
        inside = [id(a) for n in names for a in numbers_in(argument(function, wide, n))]
        for i, v in enumerate(values):
            if id(v) not in inside and is_lost(wide, makers, i):
                found.append(f"sample {k}: operand {i}, {v!r} {call.kwargs}")
    return found


def with_options(function: Run, calls: list[Trial]) -> list[Trial]:
    """The calls with each parameter that they leave out, in turn: a float, a vector, an array."""
    if isinstance(function, type) or not calls:
        return []
    try:
        parameters = inspect.signature(function).parameters
    except ValueError:
        return []
    found = []
    for call in calls:
        if call.function is function:
            given = {*list(parameters)[: len(call.args)], *call.kwargs}
            free = [p.name for p in parameters.values() if p.kind in NAMED and p.name not in given]
            for name, option in itertools.product(free, options_like(call.values)):
                kwargs, values = {**call.kwargs, name: option}, [*call.values]
                values += [option] if isinstance(option, np.ndarray) else []
                found.append(call._replace(kwargs=kwargs, values=values))
    return found


def options_like(values: list[Any]) -> list[Any]:
    """What an option may be: a number, one for each entry of a row, one for each entry."""
    rows = [v for v in values[:1] if v.ndim]
    vectors = [np.linspace(0.3, 0.8, v.shape[-1]) for v in rows]
    return [0.37, *vectors, *(np.linspace(0.3, 0.8, v.size).reshape(v.shape) for v in rows)]


def argument(function: Run, call: Trial, name: str) -> Any:
    """The argument of that name in a call of the function itself."""
    if call.function is not function:
        return None
    return inspect.signature(function).bind(*call.args, **call.kwargs).arguments.get(name)


def is_lost(call: Trial, makers: list[Run], i: int) -> bool:
    """Whether a floating result has no gradient for operand ``i`` and moves with it."""
    plain = [make(v) for make, v in zip(makers, call.values, strict=True)]

    def at(x: Any) -> list[Any]:
        return call(*plain[:i], x, *plain[i + 1 :])

    v = call.values[i]
    with quiet():
        try:
            parts = at(ad.tensor(v, requires_grad=True))
        except Exception:
            return False  # it says so
        dark = [k for k, y in enumerate(parts) if y.dtype.kind in "fc" and not held(y)]
        if not dark:
            return False
        try:
            before = at(makers[i](v))
        except Exception:
            return False  # a Tensor may be named for its dtype, a number may not
        for factor in (1.37, 1.01, 0.99):
            try:
                after = at(makers[i](factor * v))
            except Exception:
                continue  # moved out of the domain
            pairs = [(np.asarray(before[k]), np.asarray(after[k])) for k in dark]
            return not all(np.array_equal(a, b, equal_nan=True) for a, b in pairs)
    return True


def held(y: Any) -> bool:
    """Whether a result has a gradient."""
    return isinstance(y, ad.Tensor) and y.requires_grad
