"""Which C code is refused the number of a Tensor that records, and which asks for it."""

from __future__ import annotations

import array as python_array
import ast
import cmath
import contextlib
import functools
import gc
import itertools
import math
import operator
import struct
import subprocess
import sys
import textwrap
import weakref
from collections.abc import Callable
from math import exp
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import autodiff as ad
from autodiff import takers

reduce = np.add.reduce
array = np.ones(3)
fill = array.fill
number = float
local = SimpleNamespace(float=float, array=array)


def leaf(value: Any = 0.5) -> Any:
    return ad.tensor(value, requires_grad=True)


# ---- what is refused


def assert_refused(call: Callable[[Any], Any], who: str, x: Any) -> None:
    with pytest.raises((ValueError, ad.GradientError)) as caught:
        call(x)
    said = str(caught.value.__cause__ or caught.value)  # NumPy puts an error of its own above ours
    assert f"{who} would lose it" in said, said
    assert "give it float(x), x.item() or ad.stop_gradient(x)" in said
    call(ad.stop_gradient(x))
    call(x.item())
    with ad.no_grad():
        call(2 * x / 2)


def in_a_cell(x: Any) -> None:
    code = compile("y = math.exp(x)", "cell", "exec").replace(co_name="<cell line: 1>")
    exec(code, {"math": math, "x": x})


def in_a_block(x: Any) -> float:
    try:
        with ad.scope("block"):
            return math.exp(x if type(x) is not int else 0.0)
    finally:
        float(x)


def in_a_finally(x: Any) -> float:
    try:
        float(x)
    finally:
        y = math.exp(x)
    return y


def in_a_loop(x: Any) -> float:
    while math.exp(x) < 0:
        pass
    return 1.0


plain: dict[str, Any] = {"math": math}  # where pytest does not rewrite assertions
exec("def in_an_assertion(x):\n    assert math.exp(x) > 0\n", plain)


def in_targets(x: Any) -> float:
    a, b = map(math.exp, [x, x])
    return a + b


def in_a_list_that_grows(x: Any) -> list[float]:
    found = [0.0]
    found += map(math.exp, [x])
    return found


def from_a_generator(x: Any) -> Any:
    yield from map(math.exp, [x])


def in_a_local_array(x: Any) -> None:
    place = np.zeros(2)
    place.fill(x)


def in_a_loop_over(x: Any) -> float:
    (last,) = map(math.exp, [x])
    for y in map(math.exp, [x, x]):
        last = y
    return last


def with_an_import(x: Any) -> float:
    import math as m
    from math import exp as e

    return e(0.0) + m.exp(x)


def with_an_alias(x: Any) -> float:
    e = math.exp
    return e(x)


def objects(x: Any) -> Any:
    held = np.empty(1, object)
    held[0] = x
    return held


@pytest.mark.parametrize(
    ("call", "who"),
    [
        (lambda x: math.exp(x), "math.exp"),
        (lambda x: math.pow(2.0, x), "math.pow"),
        (lambda x: exp(x), "exp"),
        (lambda x: cmath.sqrt(x), "cmath.sqrt"),
        (lambda x: math.exp(2 * math.sin(float(x)) * x), "math.exp"),
        (lambda x: math.exp(math.sin(x)), "math.sin"),
        (lambda x: math.exp(x if isinstance(x, ad.Tensor) else float(x)), "math.exp"),
        (lambda x: float(x) + math.exp(x) + float(x), "math.exp"),
        (lambda x: f"{float(x)} {math.exp(x)}", "math.exp"),
        (lambda x: [math.exp(y) for y in (x, x)], "math.exp"),
        (lambda x: max(math.exp(y) for y in (x, x)), "math.exp"),
        (lambda x: (lambda y: math.exp(y))(x), "math.exp"),
        (lambda x: eval("math.exp(x)", {"math": math, "x": x}), "math.exp"),
        (lambda x: exec("y = exp(x)", {"exp": math.exp, "x": x}), "exp"),
        (lambda x: exec("y = m.exp(x)", {"m": math, "x": x, "__name__": None}), "m.exp"),
        (lambda x: np.add.reduce(np.ones(3), initial=x), "np.add.reduce"),
        (lambda x: reduce(np.ones(3), initial=x), "reduce"),
        (lambda x: np.ones(3).fill(x), "fill of an array"),
        (lambda x: np.ones(3, int).fill(x), "fill of an array"),
        (lambda x: local.array.fill(x), "fill of an array"),
        (lambda x: np.ma.masked_array(np.ones(3)).fill(x), "fill of an array"),
        (lambda x: np.ndarray.fill(array, x), "fill of an array"),
        (lambda x: fill(x), "fill"),
        (lambda x: math.exp(*[x]), "math.exp"),
        (lambda x: math.exp(*(x,), **{}), "math.exp"),
        (lambda x: math.fsum([x, x]), "math.fsum"),
        (lambda x: math.fsum(y * y for y in (x, x)), "math.fsum"),
        (lambda x: math.dist([x], [0.0]), "math.dist"),
        (lambda x: operator.setitem(np.zeros(3), 0, x), "operator.setitem"),
        (lambda x: np.zeros(3).__setitem__(0, x), "__setitem__ of an array"),
        (lambda x: np.fromiter([x, x], float), "np.fromiter"),
        (lambda x: python_array.array("d", [x]), "python_array.array"),
        (lambda x: objects(x).astype(float), "astype of an array"),
        (lambda x: np.asarray(objects(x), float), "np.asarray"),
        (lambda x: list(map(math.exp, [x])), "math.exp"),
        (lambda x: sum(map(exp, [x, x])), "exp"),
        (lambda x: max(0.0, *map(math.exp, [x])), "math.exp"),
        (lambda x: [*map(math.exp, [x])], "math.exp"),
        (lambda x: 0.5 in map(math.exp, [x]), "math.exp"),
        (lambda x: math.exp(x + max(map(float, [x]))), "math.exp"),
        (lambda x: math.exp(x * sum(map(len, ["a"]))), "math.exp"),
        (lambda x: np.zeros(3).fill(sum(map(ad.exp, [x]))), "fill of an array"),
        (lambda x: np.add.reduce(np.ones(3), initial=x * sum(map(int, "12"))), "np.add.reduce"),
        (lambda x: math.hypot(x, *map(abs, [1.0])), "math.hypot"),
        (lambda x: math.fsum(map(abs, [x, x])), "math.fsum"),
        (lambda x: math.fsum(map(ad.exp, [x])), "math.fsum"),
        (lambda x: np.fromiter(map(lambda v: v * x, [1.0]), float), "np.fromiter"),  # noqa: C417
        (lambda x: functools.reduce(math.hypot, [x, x]), "math.hypot"),
        (lambda x: list(itertools.starmap(math.exp, [(x,)])), "math.exp"),
        (lambda x: python_array.array("d").append(x), "append of an array"),
        (lambda x: math.exp(x).real, "math.exp"),
        (lambda x: cmath.exp(x).real, "cmath.exp"),
        (lambda x: np.fromiter([x], float).sum(), "np.fromiter"),
        (lambda x: np.add.reduce(np.ones(3), initial=x).item(), "np.add.reduce"),
        (plain["in_an_assertion"], "math.exp"),
        (in_targets, "math.exp"),
        (in_a_list_that_grows, "math.exp"),
        (lambda x: list(from_a_generator(x)), "math.exp"),
        (lambda x: math.hypot(1.0, *map(abs, [x])), "math.hypot"),
        (in_a_local_array, "fill of an array"),
        (in_a_loop_over, "math.exp"),
        (with_an_import, "math.exp"),
        (with_an_alias, "math.exp"),
        (in_a_cell, "math.exp"),
        (in_a_block, "math.exp"),
        (in_a_finally, "math.exp"),
        (in_a_loop, "math.exp"),
    ],
)
def test_c_code_that_takes_the_number_is_refused_by_name(call: Any, who: str) -> None:
    assert_refused(call, who, leaf())
    for _ in range(50):  # Python specialises what runs often, and then stands at another place
        call(0.5)
        call(ad.tensor(0.5))
    assert_refused(call, who, leaf())


def smooth() -> dict[str, Any]:
    """The functions of numbers that have a derivative, by trial."""
    found = {}
    for module in (math, cmath):
        for name, function in vars(module).items():
            for arguments in ((0.5,), (0.5, 0.25), (0.5, 3), (1.5,), (0.5, 0.25, 0.125)):
                try:
                    results = np.array(function(*arguments)), np.array(function(*arguments))
                except (TypeError, ValueError):
                    continue
                if results[0].dtype.kind in "fc" and name != "ulp":
                    found[f"{module.__name__}.{name}"] = arguments
    return found


@pytest.mark.parametrize("name", smooth())
def test_every_function_that_has_a_derivative_is_refused(name: str) -> None:
    first, *others = smooth()[name]
    scope = {"math": math, "cmath": cmath, "x": leaf(first), "others": others}
    arguments = ", ".join(["x", *map(repr, others)])
    with pytest.raises(ad.GradientError, match=f"{name} would lose it") as caught:
        eval(f"{name}({arguments})", scope)
    instead = str(caught.value).split(": use ")[1].split(", or")[0]
    own = {"gamma", "polar", "rect", "remainder", "fma"}
    assert hasattr(ad, instead[3:]) != (name.split(".")[1] in own), instead


@pytest.mark.parametrize(
    "transform",
    [
        ad.grad,
        ad.hessian,
        lambda f: lambda x: ad.jvp(f, (x,), (1.0,)),
        lambda f: lambda x: ad.linearize(f, x),
        lambda f: lambda x: ad.vmap(ad.grad(f))(np.array([x, x])),
    ],
)
def test_transforms_are_told(transform: Any) -> None:
    with pytest.raises(ad.GradientError, match=r"math.exp would lose it .* use ad.exp, or"):
        transform(lambda x: x * math.exp(x))(0.5)


# ---- what asks for a number


def given(x: Any) -> float:
    return float(x)


def decorator(function: Callable[..., Any]) -> Callable[..., Any]:
    return lambda x: function(float(x))


@decorator
def decorated(x: float) -> float:
    return math.exp(x)


def exponentials(x: Any) -> Any:
    yield math.exp(float(x))
    yield from (math.exp(y) for y in map(float, (x, x)))


def with_locals(x: Any) -> float:
    exp, math = float, SimpleNamespace(exp=float)  # names that hide others
    return exp(x) + math.exp(x)


def with_one_of_two(x: Any) -> float:
    e = math.exp if x is None else float
    f = float if x is not None else math.exp
    if x is None:
        g = math.exp
    if x is not None:
        g = float
    (h,) = (float,)
    return e(x) + f(x) + g(x) + h(x)


def in_the_body_of_a_loop(values: Any) -> float:
    total = 0.0
    for v in values:
        total += sum(map(math.exp, [v]))
    return total


def with_a_parameter(x: Any, e: Any, *f: Any, **g: Any) -> float:
    if x is None:
        e = f = g = math.exp
    return e(x) + f[0](x) + g["g"](x)


def enclosing(x: Any) -> float:
    exp = float
    return (lambda: exp(x))()


class Body:
    """A class whose names are looked up in its body first."""

    exp = float
    value = exp(leaf())
    text = "math.exp(x)"


def test_what_asks_for_a_number_gets_it() -> None:
    x = leaf()
    xs = [x, 3 * x]
    assert float(x) == number(x) == given(x) == local.float(x) == 0.5 and int(x) == 0
    assert complex(x) == 0.5 + 0j and f"{x:.1f}" == "0.5" and round(float(x), 1) == 0.5
    assert np.float64(x) == 0.5 and list(map(np.float64, xs)) == [0.5, 1.5]
    assert sum(map(float, xs)) == 2 and max(float(y) for y in xs) == max(map(float, xs)) == 1.5
    assert sorted(xs, key=float)[0] is x and max(xs, key=float) is xs[1]
    assert [float] == [type(f(x)) for f in (float,)]
    assert list(exponentials(x)) == [math.exp(0.5)] * 3 and decorated(x) == math.exp(0.5)
    assert with_one_of_two(x) == 2.0 and with_a_parameter(x, float, float, g=float) == 1.5
    assert with_locals(x) == 1.0 and enclosing(x) == 0.5 and Body.value == 0.5


def test_what_is_called_with_numbers_gets_them() -> None:
    x = leaf()
    xs = [x, 3 * x]
    values = [
        math.exp(float(x)),
        math.exp(x.item()),
        math.exp(float(x) if x.requires_grad else 0.0),
        math.exp(next(map(float, xs))),
        math.exp((lambda y: float(y))(x)),
        math.exp(*map(float, [x])),
        math.hypot(*map(float, xs)),
        math.exp(sum(float(y) for y in xs)),
        cmath.exp(complex(x)),
        math.fsum(map(float, xs)),
        math.prod(map(float, xs)),
        math.dist(map(float, xs), map(float, xs)),
        in_the_body_of_a_loop(map(float, xs)),
        functools.reduce(math.hypot, map(float, xs)),
        math.fsum(sorted(map(float, xs))),
        math.hypot(1.0, *map(float, xs)),
        math.pow(*map(float, xs[:1]), 2),
        np.fromiter(map(float, xs), float).astype(np.float32).sum(),
        np.float64(x).astype(np.float32),
        len([list(map(float, xs)).append(1.0)]),
        sum(map(math.exp, map(float, xs))),
        max(map(given, xs)),
        np.array(list(map(float, xs))).sum(),
        python_array.array("d", map(float, xs))[0],
        python_array.array("d", [float(y) for y in xs])[0],
        functools.reduce(operator.add, map(float, xs)),
        functools.reduce(np.add, map(float, xs)),
        np.fromiter(map(float, xs), float).sum(),
        np.add.reduce(list(map(float, xs))),
        np.add.reduce(np.ones(3), initial=float(x)),
        math.isfinite(x) and not math.isnan(x) and math.isclose(x, 0.5),
        math.floor(x) + math.ceil(x) + math.ulp(x),
    ]
    assert all(np.isfinite(values))
    array.fill(float(x))
    array.fill(max(map(float, xs)))
    assert (array == 1.5).all()


def test_arrays_take_no_numbers_by_index_or_slice() -> None:
    x, place = leaf(), np.zeros(2)
    held = np.array([None, None])
    held[0], held[1] = x, 2.0 * x
    for index in (0, slice(0, 1), slice(None)):
        with pytest.raises((ValueError, ad.GradientError)):
            place[index] = x
    with pytest.raises((ValueError, ad.GradientError)):
        place[0:1] = x
    with pytest.raises((ValueError, ad.GradientError)):
        place[:] = held
    assert not place.any()


def run(code: str, *options: str) -> None:
    lines = "import math, autodiff as ad\nx = ad.tensor(0.5, requires_grad=True)\n"
    code = lines + textwrap.dedent(code)
    subprocess.run([sys.executable, *options, "-c", code], check=True)


def test_code_of_a_program() -> None:
    run(
        """
        from math import exp
        assert float(x) == 0.5 and math.exp(float(x)) == exp(float(x))
        for call in ("math.exp(x)", "exp(x)", "[exp(y) for y in [x]]"):
            try:
                eval(call)
            except ad.GradientError as error:
                assert "exp would lose it" in str(error)
            else:
                raise SystemExit(call)
        try:
            math.exp(x)
        except ad.GradientError:
            raise SystemExit(0)
        raise SystemExit(1)
        """
    )


def test_without_places_nothing_is_known() -> None:
    run("y = math.exp(\nx)\nassert y == math.exp(0.5) and float(x) == 0.5", "-X", "no_debug_ranges")


def test_what_stays_unknown_is_given() -> None:
    """docs/numpy.md says so."""
    x, e = leaf(), math.exp
    functions = {"exp": math.exp}
    values = [(lambda: e(x))(), (math.exp)(x), functools.partial(math.exp)(x), functions["exp"](x)]
    assert values == [math.exp(0.5)] * 4


def test_bytes_of_numbers() -> None:
    with pytest.raises(struct.error):  # which hides ours
        struct.pack("d", leaf())
    assert len(struct.pack("2d", float(leaf()), *map(float, [leaf()]))) == 16
    assert len(struct.pack("<2d", *map(float, [leaf(), leaf()]))) == 16


# An assertion under pytest and code that a program wrote have one place for all instructions.


def test_assertions_that_pytest_rewrote() -> None:
    x = leaf()
    assert math.exp(float(x)) == math.exp(0.5)
    assert number(x) == 0.5 and exp(number(x)) > exp(float(0))
    assert [given(x), exp] == [0.5, exp] and functools.reduce(operator.mul, map(float, [x])) == 0.5
    assert next(map(float, [x]), exp) == next(map(number, [x]), math.exp) == 0.5


def test_code_of_one_place() -> None:
    code = "next(map(float, [x]), exp), next(map(float, [x]), math.exp), exp(x), array.fill(x)"
    tree = ast.parse(code, mode="eval")
    for node in ast.walk(tree):
        if isinstance(node, ast.expr):
            node.lineno = node.end_lineno = 1
            node.col_offset = node.end_col_offset = 0
    values = eval(compile(tree, "written", "eval"), {**globals(), "x": leaf()})
    assert values == (0.5, 0.5, math.exp(0.5), None)


def test_no_property_is_run() -> None:
    class Lazy:
        def __getattribute__(self, name: str) -> Any:
            read.append(name)
            return float

        def __hash__(self) -> int:
            raise AssertionError

    class Partial(functools.partial[Any]):
        __class__ = property(lambda self: 1 / 0)  # type: ignore[assignment]  # isinstance asks it

    read: list[str] = []
    scope = {"lazy": Lazy(), "partial": Partial(float), "x": leaf()}
    assert eval("lazy.exp(x) + partial(x)", scope) == 1.0 and read == ["exp"]


# ---- what is kept


@pytest.mark.parametrize("code", ["math.exp(x)", "float(x)", "array.fill(x)", "float(x) + exp(x)"])
def test_nothing_is_kept_alive(code: str) -> None:
    def call(function: Any, x: Any) -> weakref.ref[Any]:
        y = 3 * x
        with contextlib.suppress(ad.GradientError, ValueError):  # NumPy's stands above ours
            function(y)
        return weakref.ref(y)

    function = eval(f"lambda x: {code}", globals())
    gc.collect()
    gc.disable()
    try:
        assert call(function, leaf())() is None
        key = id(function.__code__)
        assert key in takers._known
        del function
        assert key not in takers._known
    finally:
        gc.enable()


def test_local_names_are_left_alone() -> None:
    """In Python 3.11 reading ``f_locals`` holds what they held, and undoes writes."""

    def f(x: Any) -> Any:
        y = 3 * x
        names, ref = locals(), weakref.ref(y)
        names["x"] = 1
        names["y"] = None
        float(y)
        del y
        return names["x"], ref()

    assert f(leaf()) == (1, None)
