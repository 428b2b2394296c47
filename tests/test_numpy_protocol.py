"""NumPy's own names on Tensors: every public ufunc and function, by what a user would write.

``python -m tests.test_numpy_protocol`` writes the page ``docs/numpy.md`` anew.
"""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.special

import autodiff as ad
from autodiff.numpy_adapters import ADAPTERS, ALIASES, DISCRETE, HINTS, QUERIES
from autodiff.numpy_protocol import find, name_of
from tests.numpy_checks import (
    ANSWERS,
    WRITERS,
    as_tensors,
    assert_same,
    check_gradient,
    outcome,
    split,
)
from tests.numpy_samples import SAMPLES, dispatched, replaced, samples
from tests.tolerances import assert_close

PAGE = Path(__file__).resolve().parent.parent / "docs" / "numpy.md"
NAMES = dispatched()
VERSION = ".".join(np.__version__.split(".")[:2])
# What tests/test_takers.py asserts, as the page says it.
NUMBERS = """\
## Numbers

What would take the number of a Tensor that needs a gradient raises `ad.GradientError` (where NumPy
was taking it for an array of floats, NumPy's `ValueError`, of which that is the cause): arrays
(`np.asarray(x)`, `array[i] = x`, `array.fill(x)`, `np.add.reduce(array, initial=x)`) and the
functions of `math` and `cmath` that have a derivative (`math.exp(x)`). `float(x)`, `int(x)`,
`complex(x)` and `x.item()` give it: `math.exp(float(x))` says that no gradient is meant.
`values[:] = map(float, xs)` looks like an array's to Python, and raises;
`[float(x) for x in xs]` does not.

Python does not tell C code's `float(x)` from a program's. What is called is read from the caller's
bytecode: `math.exp(x)` and `math.exp(*args)`, also where the function was imported or named in the
function that calls; `list(map(math.exp, xs))`, `functools.reduce(math.hypot, xs)`; and what makes
numbers of many, `math.fsum(xs)`, `np.fromiter(xs, float)`, `array.array("d", xs)`, unless the call
holds `map(float, xs)` itself. An iterator `it = map(float, xs)` that reaches `math.fsum(it)` or
`math.hypot(*it)` by a name is refused too: make it a list. `struct.pack("d", x)` raises its own
`struct.error`. Where it is not certain what is called, the number is given, and the gradient ends
there:

- a name of an enclosing function (until Python 3.11 that of a comprehension is one) or in the body
  of a class, a parameter, an attribute of an object (`self.f(x)`), a local name that stands for one
  thing here and for another there, or for what another local name stands for;
- what is no plain call of a name: `(math.exp)(x)`, `math.exp.__call__(x)`,
  `functools.partial(math.exp)(x)`, `itertools.accumulate(xs, math.hypot)`, `table["exp"](x)`,
  `exponentials = map(math.exp, xs)` in one line and `sum(exponentials)` in another,
  `sum(2 * v for v in map(math.exp, xs))`;
- a Tensor beside those of `map(float, xs)`: `math.dist(ys, list(map(float, xs)))`;
- `array.array.extend`, `struct.Struct.pack`, and `np.float64(x)` and `complex(x, 1.0)`, which ask
  as `float(x)` does (the other types of NumPy raise);
- an assertion that pytest rewrote, other code without columns, and all code under
  `python -X no_debug_ranges`.

The methods `fill`, `astype`, `__setitem__`, `append`, `insert` and `fromlist` of what is written in
C are taken for those of an ndarray or an `array.array`, whatever they belong to.
"""


@pytest.mark.parametrize("name", NAMES)
def test_numpy_name(name: str) -> None:
    function = NAMES[name]
    for sample in samples(name, function):
        args, kwargs = split(sample)
        copies = replaced(args, np.copy), replaced(kwargs, np.copy)
        expected = outcome(function, *copies)
        changed, keywords, inputs, values = as_tensors(args, kwargs)
        if name in WRITERS:
            # A leaf that requires a gradient is not written to: the user works on what is made of
            # it.
            changed = (changed[0] * 1.0, *changed[1:])
        got = outcome(function, changed, keywords)
        if isinstance(got, (ad.UnsupportedError, ad.GradientError)):
            assert name_of(function).split(".")[-1] in str(got) or name in ADAPTERS, got
            continue
        if isinstance(expected, Exception):  # NumPy refuses it too, as an isnat of floats
            assert isinstance(got, (TypeError, ValueError)), f"{name}: {got!r}"
            continue
        assert not isinstance(got, Exception), f"{name}{sample}: {got!r}"
        if name in ANSWERS:
            assert repr(got) == repr(expected)
            continue
        assert_same(name, got, expected)

        def call(*point: Any, args: Any = args, kwargs: Any = kwargs, values: Any = values) -> Any:
            places = {id(v): p for v, p in zip(values, point, strict=True)}
            given = replaced((args, kwargs), lambda x: np.copy(places.get(id(x), x)))
            return outcome(NAMES[name], *given)

        check_gradient(name, call, got, inputs, values)


# ---- what is supported


def how(name: str, function: Any) -> str:
    """How NumPy's name is carried out on Tensors, for the page; "" where it is refused."""
    name = name_of(function)
    if name in ADAPTERS:
        return "written with `ad` functions"
    if find(name) is not None:
        ours: Any = find(name)
        if ours.__module__.startswith("autodiff.ops") and "." in name:
            space = name.split(".")[0]
            known = hasattr(getattr(ad, space, None), ours.__name__)
            return f"`ad.{space}.{ours.__name__}`" if known else f"`ad.{ours.__name__}`"
        return f"`ad.{ours.__name__}`"
    if name in QUERIES:
        return "a query: answers as for an ndarray"
    if name in DISCRETE:
        return "on the values: the result has no derivative"
    return ""


def page() -> str:
    """The page, from the registry."""
    ways = {name: how(name, function) for name, function in NAMES.items()}
    rows = [f"| `{name}` | {way} |" for name, way in ways.items() if way]
    refused = [
        f"| `{name}` | {HINTS.get(name_of(NAMES[name]), f'`np.{name}(x.numpy())`')} |"
        for name, way in ways.items()
        if not way
    ]
    return "\n".join(
        [
            "# NumPy's names on Tensors",
            "",
            "`np.sin(x)`, `array * x` and `np.linalg.solve(a, x)` give Tensors where `x` is one.",
            "`python -m tests.test_numpy_protocol` writes this page from the registry;",
            "a test compares the two, and another calls every name here.",
            "",
            f"{len(rows)} of {len(ways)} ufuncs and functions of NumPy {VERSION} are supported.",
            "",
            "| `np.` | how |",
            "|---|---|",
            *rows,
            "",
            "The others raise `ad.UnsupportedError`, a `TypeError`, at once:",
            "",
            "| `np.` | instead |",
            "|---|---|",
            *refused,
            "",
            NUMBERS,
        ]
    )


def rows_of(text: str) -> dict[str, str]:
    """The rows of a page by name."""
    return {row.split("`")[1]: row for row in text.splitlines() if row.startswith("| `")}


def test_the_page_is_current() -> None:
    written, made = PAGE.read_text(encoding="utf-8"), page()
    if f"of NumPy {VERSION} are" in written:
        assert written == made, "run: python -m tests.test_numpy_protocol"
    # Another NumPy has a few names more or less; of the others the page says the same.
    before, now = rows_of(written), rows_of(made)
    common = set(before) & set(now)
    assert len(common) > 300
    assert {n: before[n] for n in common} == {n: now[n] for n in common}


def test_the_tables_say_nothing_twice() -> None:
    """What has a function of ours by name needs no entry; what NumPy does not have, neither."""
    names = {name_of(function) for function in NAMES.values()}
    creation = ("array", "asanyarray", "asarray", "ascontiguousarray", "asfortranarray")
    known = {*names, *creation}
    assert {n for n in ADAPTERS if n not in known and "." not in n} == set()
    assert {n for n in (*DISCRETE, *QUERIES) if find(n) is not None or n not in names} == set()
    assert {n for n in HINTS if find(n) is not None} == set()
    assert {n for n in ALIASES if n not in names or n == ALIASES[n]} == set()


# ---- what is refused


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda x: np.add.at(x, [0], 1.0), "numpy.add.at.*ad.setitem"),
        (lambda x: np.add.at(np.zeros(3), [0, 1, 2], x), "numpy.add.at"),
        (lambda x: np.add.reduceat(x, [0, 1]), "numpy.add.reduceat.*ad.cumsum"),
        (lambda x: np.hypot.reduce(x), "numpy.hypot.reduce"),
        (lambda x: np.frompyfunc(abs, 1, 1)(x), "NumPy's ufuncs"),
        (lambda x: np.savetxt("/dev/null", x), r"numpy.savetxt\(file, x.numpy\(\)\)"),
        (lambda x: np.histogramdd([x, x]), r"numpy.histogramdd\(x.numpy\(\)\)"),
        (lambda x: np.polyfit(x, x, 1, full=True), "full=True is not supported"),
        (lambda x: np.reshape(x, (3, 1), order="A"), "order='A'"),
        (lambda x: np.clip(x, 0, 1, out=np.zeros(3)), "clip of a Tensor: out= is not supported"),
        (lambda x: np.put(x * 1, [0], 1.0, mode="wrap"), "mode= is not supported"),
        (lambda x: np.put(np.zeros(3), [0], x), "cannot hold a gradient.*ad.tensor"),
        (lambda x: np.vecdot(x, x, axes=[0, 0, 0]), "axes= is not supported"),
    ],
)
@pytest.mark.parametrize("needs", [True, False])
def test_what_is_refused_says_so(call: Any, text: str, needs: bool) -> None:
    with pytest.raises(ad.UnsupportedError, match=text):
        call(ad.tensor([0.7, 1.1, 2.3], requires_grad=needs))


def test_a_refusal_is_a_type_error() -> None:
    assert issubclass(ad.UnsupportedError, TypeError)


def test_ufuncs_of_scipy() -> None:
    x = ad.tensor([0.7, 1.1, 2.3], requires_grad=True)
    y = scipy.special.erf(x)
    np.testing.assert_array_equal(y.data, ad.erf(x).data)
    assert y.requires_grad
    np.testing.assert_array_equal(scipy.special.expit(x).data, ad.sigmoid(x).data)
    with pytest.raises(ad.UnsupportedError, match="special.wofz"):
        scipy.special.wofz(x)


class Foreign:
    """An array of another library."""

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        return NotImplemented


def test_other_libraries_are_left_to_speak() -> None:
    with pytest.raises(TypeError, match="no implementation found"):
        np.stack([ad.tensor(1.0), Foreign()])


def test_creation_like_a_tensor() -> None:
    x = ad.tensor([0.7, 1.1, 2.3], requires_grad=True)
    for y in (np.zeros(3, like=x), np.ones(3, like=x), np.full(3, 2.0, like=x)):
        assert isinstance(y, ad.Tensor) and y.shape == (3,)
    assert isinstance(np.arange(3, like=x), ad.Tensor)
    assert isinstance(np.eye(3, like=x), ad.Tensor)
    assert isinstance(np.array([1, 2], like=x), ad.Tensor)


@pytest.mark.parametrize(
    "function",
    [
        *(np.array, np.asarray, np.asanyarray, np.ascontiguousarray, np.asfortranarray),
        *(np.asarray_chkfinite, np.require, np.float64, np.vectorize(abs)),
    ],
)
def test_an_array_of_what_is_recorded_is_refused(function: Any) -> None:
    x = ad.tensor([0.7, 1.1, 2.3], requires_grad=True)
    with pytest.raises(ad.GradientError, match=r"x.numpy\(\) or ad.stop_gradient"):
        function(x)
    with pytest.raises(ad.GradientError, match=r"x.numpy\(\) or ad.stop_gradient"):
        np.array([x, x])
    np.testing.assert_array_equal(np.asarray(ad.tensor([0.7, 1.1])), [0.7, 1.1])


@pytest.mark.parametrize("dtype", [float, complex, int])
def test_a_number_that_numpy_takes_by_itself_is_refused(dtype: type) -> None:
    x, array = ad.tensor(2.0, requires_grad=True), np.zeros(3, dtype)
    with pytest.raises((ValueError, ad.GradientError)) as caught:
        array[1] = 3 * x
    said = str(caught.value.__cause__ or caught.value)  # NumPy puts an error of its own above ours
    assert "an ndarray would lose it" in said
    for function in (np.sum, np.prod, np.max, np.min):
        with pytest.raises((ValueError, ad.GradientError)):
            function(array, initial=x)
    array[0], array[1], array[2] = dtype(x), x.item(), ad.stop_gradient(x)
    assert (array == 2).all()
    with ad.no_grad():
        array[1] = 3 * x
    assert array[1] == 6


# What has nothing to do with arrays, or reads numbers one by one with float(x), which says so.
BESIDE = {
    *("test", "show_config", "show_runtime", "info", "get_include", "fromiter", "seterr", "geterr"),
    *("seterrcall", "geterrcall", "setbufsize", "getbufsize", "set_printoptions"),
    *("get_printoptions", "printoptions"),
}


@pytest.mark.parametrize("space", [np, np.linalg, np.fft], ids=lambda m: m.__name__)
def test_what_asks_no_tensor_gives_no_array_of_one(space: Any) -> None:
    """Functions that do not dispatch raise, or answer; none returns the values, or objects."""
    x = ad.tensor([0.7, 1.1, 2.3], requires_grad=True)
    for name in sorted(set(dir(space)) - BESIDE):
        function = getattr(space, name)
        known = name.startswith("_") or isinstance(function, type) or not callable(function)
        if known or isinstance(function, np.ufunc) or hasattr(function, "_implementation"):
            continue
        y = outcome(function, (x,), {})
        assert not (isinstance(y, np.ndarray) and y.dtype.kind in "fcO"), f"{name}: {y!r}"


def test_queries_of_what_is_recorded() -> None:
    x = ad.tensor([0.7, 1.1, 2.3], requires_grad=True)
    assert np.shape(x) == (3,) and np.ndim(x) == 1 and np.size(x) == 3
    assert np.result_type(x, np.float32) == np.float64 and not np.iscomplexobj(x)
    assert np.allclose(x, x.data) and np.array_equal(x, x) and not np.array_equal(x, x + 1)
    assert np.array_repr(x) == "array([0.7, 1.1, 2.3])"


def test_masked_arrays_do_not_lose_a_gradient() -> None:
    x = ad.tensor([0.7, 1.1], requires_grad=True)
    masked = np.ma.array([1.0, 2.0], mask=[False, True])
    for call in (lambda: masked * x, lambda: np.ma.add(x, 1.0), lambda: np.ma.array(x)):
        with pytest.raises(ad.GradientError, match=r"needs a gradient"):
            call()
    np.testing.assert_array_equal((masked * x.data).data, (masked * ad.tensor(x)).data)
    assert not hasattr(x, "_mask")


@pytest.mark.parametrize(
    "call",
    [
        lambda x, m: x * m,
        lambda x, m: np.multiply(x, m),
        lambda x, m: np.concatenate([m, x]),
        lambda x, m: np.where(m > 1, x, 0.0),
        lambda x, m: x < m,
        lambda x, m: ad.exp(m),
        lambda x, m: ad.tensor(m),
    ],
)
@pytest.mark.parametrize("requires_grad", [False, True])
def test_a_mask_is_not_dropped(call: Any, requires_grad: bool) -> None:
    x = ad.tensor([0.7, 1.1], requires_grad=requires_grad)
    with pytest.raises(ad.DTypeError, match=r"the mask .* would be lost: give x.filled"):
        call(x, np.ma.array([1.0, 2.0], mask=[False, True]))


@pytest.mark.parametrize(
    "call",
    [
        lambda x, a: x * a,
        lambda x, a: a * x,
        lambda x, a: np.add(a, x),
        lambda x, a: np.stack([x, a]),
        lambda x, a: x @ a,
        lambda x, a: ad.where(x.data > 1, x, a),
    ],
)
@pytest.mark.parametrize("requires_grad", [False, True])
def test_no_tensor_of_objects(call: Any, requires_grad: bool) -> None:
    x = ad.tensor([0.7, 1.1], requires_grad=requires_grad)
    with pytest.raises(ad.DTypeError, match=r"expected numbers, got .*object\[.*astype\(float\)"):
        call(x, np.array([1, 2.5], object))


def test_numpy_code_under_every_transform() -> None:
    weights = np.array([[1.0, 2.0], [0.5, -1.0]])

    def f(x: Any) -> Any:
        y = np.tanh(weights @ x) * np.linalg.norm(x) + np.ones(np.shape(x))
        return np.sum(np.where(x > 0.5, y, np.square(x)))

    def same(x: Any) -> Any:
        y = ad.tanh(ad.matmul(weights, x)) * ad.linalg.norm(x) + ad.ones(2)
        return ad.sum(ad.where(ad.greater(x, 0.5), y, ad.square(x)))

    point = np.array([0.7, 0.3])
    for transform in (
        ad.grad,
        ad.hessian,
        lambda g: lambda x: ad.jvp(g, (x,), (np.array([1.0, -2.0]),))[1],
        lambda g: lambda x: ad.vmap(ad.grad(g))(np.stack([x, 2 * x])),
        lambda g: lambda x: ad.vmap(lambda w: g(w * x))(np.array([1.0, 3.0])),
    ):
        assert_close(transform(f)(point), transform(same)(point), "same", "transform")


def test_assertions_of_numpy_compare_what_is_recorded() -> None:
    x = ad.tensor([0.7, 1.1, 2.3], requires_grad=True)
    np.testing.assert_allclose(x, x.data)
    np.testing.assert_array_equal(x * 2, 2 * x.data)
    with pytest.raises(AssertionError):
        np.testing.assert_allclose(x + 1, x.data)


def test_clip_of_an_array_between_tensors() -> None:
    x = ad.tensor([0.7, 1.1, 2.3], requires_grad=True)
    y = np.zeros(3).clip(x, 3.0)
    np.testing.assert_array_equal(y.data, x.data)
    np.testing.assert_array_equal(ad.gradients(y.sum(), x).data, 1.0)


def test_numpy_code_with_containers() -> None:
    parts = {k: ad.tensor([float(i), 2.0], requires_grad=True) for i, k in enumerate("abc")}
    y = np.concatenate([np.stack(list(parts.values())), [[7, 8]]])
    assert y.shape == (4, 2)
    gradients = ad.gradients((y * y).sum(), list(parts.values()))
    np.testing.assert_array_equal(gradients[2].data, [4.0, 4.0])


def test_every_parameter_of_a_sample_is_known_to_numpy() -> None:
    """A sample of a function that NumPy does not have would never be called."""
    assert set(SAMPLES) - set(NAMES) == set()
    assert all(inspect.signature(f) for f in NAMES.values() if not isinstance(f, np.ufunc))


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
