"""What each public function can do, measured by sample calls: modes, orders, vmap, complex.

``public_functions`` finds the functions, ``samples_of`` their sample calls, ``measure`` a row of
the reference page, ``lost`` what a result depends on without a gradient that says so.
"""

from __future__ import annotations

import inspect
import warnings
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache, partial
from types import ModuleType
from typing import Any, NamedTuple

import einops
import numpy as np
import scipy.linalg
import scipy.special

import autodiff as ad
import autodiff.einops
from autodiff.primitive import In
from autodiff.registry import PRIMITIVES
from tests.checks import dot, like
from tests.numeric import richardson
from tests.numpy_checks import SYMMETRIC, WRITERS, split
from tests.numpy_samples import SAMPLES, dispatched, replaced, samples
from tests.own_samples import OWN, Via
from tests.tolerances import assert_close, tolerance

APART = ("testing", "einops")  # strategies of Hypothesis; a back end, seen in the package's own
Run = Callable[..., Any]


def namespaces() -> dict[str, Any]:
    """The public namespaces by what stands before their names."""
    inner = {f"{n}.": getattr(ad, n) for n in ad._NAMESPACES if n not in APART}
    return {"": ad, **inner, "einops.": einops}


def public_functions(spaces: dict[str, Any]) -> dict[str, tuple[Run, list[str]]]:
    """Each public function by its first name, with its other names."""
    found: dict[str, tuple[Run, list[str]]] = {}
    first: dict[int, str] = {}
    for prefix, space in spaces.items():
        for name in sorted(getattr(space, "__all__", None) or dir(space)):
            function = getattr(space, name)
            if name.startswith("_") or not is_function(function):
                continue
            # Of several names the function's own comes first.
            if id(function) in first:
                found[first[id(function)]][1].append(prefix + name)
                continue
            own = getattr(function, "__name__", name)
            own = own if getattr(space, own, None) is function else name
            first[id(function)] = prefix + own
            found[prefix + own] = (function, [] if own == name else [prefix + name])
    return {n: (f, [o for o in others if o != n]) for n, (f, others) in found.items()}


def is_function(function: Any) -> bool:
    """Whether it is called with arrays: no module, error, dtype, result type or context manager."""
    if isinstance(function, ModuleType) or not callable(function) or function is Any:
        return False
    kinds = (BaseException, tuple, np.generic, ad.Tensor)
    if isinstance(function, type):
        return not (issubclass(function, kinds) or hasattr(function, "__enter__"))
    return not isinstance(function, np.dtype)


# ---- sample calls


@contextmanager
def quiet() -> Iterator[None]:
    """Without NumPy's warnings, of which moved operands and NaN make many."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        yield


class Trial(NamedTuple):
    """A sample call, as a function of the floating arrays in it."""

    function: Run
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    values: list[Any]
    numeric: Run | None = None
    writes: bool = False
    seed: int = 0

    def __call__(self, *points: Any) -> list[Any]:
        """The arrays and Tensors among the results, with other values in the places of these."""
        places = {id(v): p for v, p in zip(self.values, points, strict=True)}
        args, kwargs = replaced((self.args, self.kwargs), lambda x: places.get(id(x), x))
        ad.random.seed(self.seed)
        y = self.function(*args, **kwargs)
        return arrays_in(args[0] if self.writes else y)

    def of(self, function: Run) -> Trial:
        """The same call of another function."""
        inner = self.function
        if isinstance(inner, partial):
            return self._replace(function=partial(inner.func, function))
        return self._replace(function=function, writes=function.__name__ in WRITERS)


def arrays_in(y: Any) -> list[Any]:
    """The arrays and Tensors in nested results."""
    if isinstance(y, (tuple, list)):
        return [part for x in y for part in arrays_in(x)]
    if isinstance(y, dict):
        return arrays_in(list(y.values()))
    return [y] if isinstance(y, (ad.Tensor, np.ndarray, np.generic)) else []


def numbers_in(x: Any, kinds: str = "fc") -> Iterator[Any]:
    """The ndarrays of these kinds in arguments, each once."""
    if isinstance(x, np.ndarray) and x.dtype.kind in kinds:
        yield x
    elif isinstance(x, (list, tuple)):
        for v in x:
            yield from numbers_in(v, kinds)
    elif isinstance(x, dict):
        yield from numbers_in(list(x.values()), kinds)


def trial(function: Run, sample: Any) -> Trial:
    """A sample of a table as a call."""
    if isinstance(sample, Via):
        args, kwargs, numeric = sample.operands, {}, sample.numeric
        function = partial(sample.call, function)
    else:
        (args, kwargs), numeric = split(sample), None
    values = list({id(x): x for x in numbers_in((args, kwargs))}.values())
    return Trial(function, args, kwargs, values, numeric)


@cache
def numpy_names() -> dict[str, Run]:
    return dispatched()


def fits(function: Run, sample: Any) -> bool:
    """Whether the function takes such arguments: NumPy has some that only its own name has."""
    try:
        args, kwargs = ((function,), {}) if isinstance(sample, Via) else split(sample)
        isinstance(sample, Via) or inspect.signature(function).bind(*args, **kwargs)
    except TypeError:
        return False
    return True


def samples_of(name: str, function: Run) -> list[Trial]:
    """The sample calls of a function: a table's, else NumPy's name's, else the registry's."""
    plain = name.rpartition(".")[2]
    primitive = PRIMITIVES.get(plain)
    if name in OWN:
        found = OWN[name]
    elif name in SAMPLES:
        found = [s for s in SAMPLES[name] if fits(function, s)]
    elif name in numpy_names():
        found = samples(name, numpy_names()[name])
    elif primitive is not None and primitive.family == "elementwise":
        rng = np.random.default_rng(zlib.crc32(plain.encode()))
        found = [c.draw(rng) for c in primitive.cases if all(isinstance(o, In) for o in c.operands)]
    else:
        found = []
    if not found:
        raise LookupError(
            f"{name} is public and has no sample call: add its name and one to OWN in "
            "tests/own_samples.py, or, if NumPy has it, to SAMPLES in tests/numpy_samples.py"
        )
    return [trial(function, s) for s in found]


# ---- measurements


def floating(parts: list[Any]) -> list[Any]:
    return [y for y in parts if y.dtype.kind in "fc"]


def leaves_of(values: list[Any]) -> list[Any]:
    return [ad.tensor(v, requires_grad=True) for v in values]


class Slopes:
    """The gradients of a random combination of the results of a call, and directions to go."""

    def __init__(self, name: str, call: Trial, values: list[Any]) -> None:
        self.call, self.values = call, values
        rng = np.random.default_rng(zlib.crc32(name.encode()))
        self.weights = [like(rng, np.asarray(y)) for y in floating(call(*values))]
        self.steps = [like(rng, v) for v in values]
        self.others = [like(rng, v) for v in values]
        if name in SYMMETRIC:  # half of the matrix is read: the gradient is that of the whole
            self.steps = [u + np.conj(np.swapaxes(u, -1, -2)) for u in self.steps]
            self.others = [u + np.conj(np.swapaxes(u, -1, -2)) for u in self.others]
        # Only for the tolerance: what is computed in single precision along the way.
        self.dtype = min((y.dtype for y in floating(call(*values))), key=lambda d: d.itemsize)

    def moved(self, t: float) -> list[Any]:
        return [v + (t * u).astype(v.dtype) for v, u in zip(self.values, self.steps, strict=True)]

    def gradients(self, values: list[Any], record: bool = False) -> tuple[list[Any], list[Any]]:
        leaves = leaves_of(values)
        pairs = zip(floating(self.call(*leaves)), self.weights, strict=True)
        live = [(y, w) for y, w in pairs if isinstance(y, ad.Tensor) and y.requires_grad]
        outputs, weights = [y for y, _ in live], [w for _, w in live]
        found = ad.gradients(
            outputs, leaves, cotangents=weights, create_graph=record, unused="zeros"
        )
        for g, x in zip(found, leaves, strict=True):
            assert (g.shape, g.dtype) == (x.shape, x.dtype)
        return leaves, found

    def agree(self, got: float, value: Run) -> None:
        """Compare a slope with the differences of a function of the step."""
        expected, error = richardson(value, 0.0, 1.0)
        limit = tolerance(self.dtype, "numeric") * max(abs(expected), 1.0)
        assert error <= limit and abs(got - expected) <= limit, (got, expected, error)

    def reverse(self) -> None:
        numeric = self.call.numeric or self.call

        def value(t: float) -> Any:
            parts = floating(arrays_in(numeric(*self.moved(t))))
            return sum(dot(w, np.asarray(y)) for w, y in zip(self.weights, parts, strict=True))

        self.agree(self.along(self.gradients(self.values)[1]), value)

    def along(self, gradients: list[Any]) -> Any:
        return sum(dot(np.asarray(g), u) for g, u in zip(gradients, self.steps, strict=True))

    def forward(self) -> None:
        """Forward mode is the transpose of reverse mode, whose result was compared before."""
        run: Run = lambda *xs: floating(self.call(*xs))
        pushed = ad.jvp(run, tuple(self.values), tuple(self.steps))[1]
        got = sum(dot(w, np.asarray(t)) for w, t in zip(self.weights, pushed, strict=True))
        expected = self.along(self.gradients(self.values)[1])
        size = sum(np.sum(np.abs(w)) for w in self.weights) + abs(expected)
        assert abs(got - expected) <= tolerance(self.dtype, "derivative") * max(size, 1.0)

    def zero(self) -> bool:
        """Whether the derivative is 0."""
        return not any(np.asarray(g).any() for g in self.gradients(self.values)[1])

    def second(self) -> None:
        leaves, first = self.gradients(self.values, record=True)
        live = [(g, w) for g, w in zip(first, self.others, strict=True) if g.requires_grad]
        got = 0.0
        if live:
            outputs, weights = [g for g, _ in live], [w for _, w in live]
            got = self.along(ad.gradients(outputs, leaves, cotangents=weights, unused="zeros"))

        def slope(*xs: Any) -> Any:
            found = self.gradients(list(xs))[1]
            return sum(dot(w, np.asarray(g)) for w, g in zip(self.others, found, strict=True))

        if self.call.numeric is None:
            self.agree(got, lambda t: slope(*self.moved(t)))
            return
        # A new draw at moved parameters is another one: here forward over reverse is the judge.
        pushed = ad.jvp(self.gradient, tuple(self.values), tuple(self.steps))[1]
        expected = sum(dot(w, np.asarray(t)) for w, t in zip(self.others, pushed, strict=True))
        assert abs(got - expected) <= tolerance(float, "derivative") * max(abs(expected), 1.0)

    def gradient(self, *xs: Any) -> list[Any]:
        def loss(*points: Any) -> Any:
            pairs = zip(floating(self.call(*points)), self.weights, strict=True)
            return sum(ad.sum(y * w) for y, w in pairs)

        return list(ad.grad(loss, tuple(range(len(xs))))(*xs))


def check_vmap(call: Trial) -> None:
    """A batch of calls gives what a loop gives."""
    if not call.values:  # integers and truth values
        values = list(numbers_in((call.args, call.kwargs), "iub"))[:1]
        call = call._replace(values=values)
        rows = [np.stack([v, np.flip(v), v]) for v in values]
    else:
        rows = [np.stack([v, 0.98 * v, 0.95 * v]).astype(v.dtype) for v in call.values]
    if draws(call):
        check_vmap_of_draws(call)
        return
    got = ad.vmap(lambda *xs: call(*xs))(*rows)
    loop = [call(*row) for row in zip(*rows, strict=True)]
    for y, examples in zip(got, zip(*loop, strict=True), strict=True):
        expected = np.stack([np.asarray(e) for e in examples])
        assert_close(np.asarray(y), expected, "reference", "vmap")


def draws(call: Trial) -> bool:
    """Whether another seed gives another result."""
    pairs = zip(call(*call.values), call._replace(seed=1)(*call.values), strict=True)
    return not all(np.array_equal(np.asarray(a), np.asarray(b)) for a, b in pairs)


def check_vmap_of_draws(call: Trial) -> None:
    """Each example has a draw of its own, of the same shape and dtype."""
    got = ad.vmap(lambda *xs: call(*xs))(*[np.stack([v] * 9) for v in call.values])
    for y, e in zip(got, call(*call.values), strict=True):
        assert (y.shape, y.dtype) == ((9, *e.shape), e.dtype)
        assert len(np.unique(np.asarray(y), axis=0)) > 1, "the examples share their draws"


def complex_values(call: Trial) -> list[Any]:
    """The operands off the real axis, as Hermitian matrices where they are symmetric."""
    found = []
    for v in call.values:
        turned = 0.2 * np.cos(1.0 + np.arange(v.size)).reshape(v.shape)
        if v.ndim > 1 and v.shape[-1] == v.shape[-2] and (v == np.swapaxes(v, -1, -2)).all():
            turned = turned - np.swapaxes(turned, -1, -2)
        found.append(v + 1j * turned if v.dtype.kind == "f" else v)
    return found


def source_of(names: list[str]) -> tuple[str, Run | None]:
    """The function of NumPy or SciPy of one of these names."""
    for path, space in (("numpy", np), ("scipy", scipy)):
        for name in names:
            function = space
            for part in name.split("."):
                function = getattr(function, part, None)
            if callable(function) and not name.startswith("random."):
                return f"{path}.{name}", function
    return "", None


def check_values(call: Trial, source: Run, values: list[Any]) -> bool:
    """Compare with NumPy's or SciPy's function; False where that takes no such call."""
    try:
        expected = call.of(source)(*[np.copy(v) for v in values])
    except Exception:
        return False
    got = call(*values)
    if not expected and not isinstance(call.function, partial):  # a bool, a dtype
        return bool(call.of(source).function(*call.args) == call.function(*call.args))
    for y, e in zip(got, expected, strict=True):
        if source not in (np.empty, np.empty_like):  # whatever lies in memory
            assert_close(np.asarray(y), np.asarray(e), "reference", "values")
    return True
