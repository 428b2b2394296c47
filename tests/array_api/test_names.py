"""Every name of the array API standard, 2024.12, and how it is called.

array-api-strict, the standard's reference implementation, says which names and parameters there
are.
"""

from __future__ import annotations

import inspect
from typing import Any

import array_api_strict
import numpy as np
import pytest

from tests.array_api.namespace import (
    COMPLEX,
    EVERY,
    INTEGERS,
    NAME,
    NUMERIC,
    REALS,
    SIGNED,
    UNSIGNED,
    array,
    dtype,
    function,
    name_of,
    value,
    xp,
)
from tests.standard import FUNCTIONS

ARRAY = type(array_api_strict.asarray(1.0))
METHODS = [n for n in vars(ARRAY) if callable(getattr(ARRAY, n)) and (n[0] != "_" or n[:2] == "__")]
# In place the standard asks for the operator, not for the method: `x += 1` falls back on `x + 1`.
METHODS = [
    n
    for n in METHODS
    if n not in ("__new__", "__buffer__", "__module__", "__init__", "__repr__", "__str__")
    and not (n[:3] == "__i" and "__" + n[3:] in vars(ARRAY))
]
ATTRIBUTES = ["T", "device", "dtype", "mT", "ndim", "shape", "size"]
CONSTANTS = {"e": np.e, "inf": np.inf, "nan": np.nan, "newaxis": None, "pi": np.pi}
# A default that means the same.
SAME = {("norm", "backward"): None, ("correction", 0.0): None, ("dtype", None): float}


def default_of(p: inspect.Parameter) -> Any:
    """The default; None for what only says that nothing was given."""
    return None if type(p.default).__name__ in ("Undef", "_NoValueType") else p.default


def compare(name: str, ours: Any, standard: Any) -> None:
    """Each parameter of the standard is there, in its place, given in the same way."""
    known, wanted = ours.parameters, list(standard.parameters.values())
    positions = list(known.values())
    for i, p in enumerate(wanted):
        # array-api-strict takes `stream` by position too, which the standard does not ask for.
        if p.kind is p.KEYWORD_ONLY or (name, p.name) == ("to_device", "stream"):
            assert p.name in known, f"{name}: no keyword {p.name}"
            mine = known[p.name]
            assert mine.kind in (p.KEYWORD_ONLY, p.POSITIONAL_OR_KEYWORD), f"{name}: {mine}"
        else:
            assert i < len(positions), f"{name}: no parameter {p.name}"
            mine = positions[i]
            assert (
                mine.kind is p.kind
                or p.name == "self"
                or (p.kind is p.POSITIONAL_ONLY and mine.kind is p.POSITIONAL_OR_KEYWORD)
            ), f"{name}: {mine} is {mine.kind.description}, expected {p.kind.description}"
            if p.kind is p.POSITIONAL_OR_KEYWORD:
                assert mine.name == p.name, f"{name}: {mine.name}, expected {p.name}"
        if p.default is p.empty:
            continue  # what the standard asks for may have a default
        default, got = default_of(p), default_of(mine)
        same = got == default or got is SAME.get((p.name, default), default)
        assert same or mine.default is not got, f"{name}: {mine}, expected {default}"
    for p in positions[len([w for w in wanted if w.kind is not w.KEYWORD_ONLY]) :]:
        optional = p.default is not p.empty or p.kind in (p.VAR_POSITIONAL, p.VAR_KEYWORD)
        assert optional or p.name in standard.parameters, f"{name}: {p} has no default"


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions(name: str) -> None:
    compare(name, inspect.signature(function(name)), inspect.signature(FUNCTIONS[name]))


@pytest.mark.parametrize("name", METHODS)
def test_methods(name: str) -> None:
    ours = getattr(type(xp.zeros(1)), name)
    if name in ("__hash__", "__eq__", "__ne__", "__getattribute__") and NAME == "numpy":
        assert callable(ours) or name == "__hash__"
        return
    compare(name, inspect.signature(ours), inspect.signature(getattr(ARRAY, name)))


@pytest.mark.parametrize("name", ATTRIBUTES)
def test_attributes(name: str) -> None:
    x = array(np.arange(6.0).reshape(2, 3))
    expected = {"T": (3, 2), "mT": (3, 2), "ndim": 2, "shape": (2, 3), "size": 6}
    got = getattr(x, name)
    if name in ("T", "mT"):
        np.testing.assert_array_equal(value(got), np.arange(6.0).reshape(2, 3).T)
    elif name in expected:
        assert got == expected[name]
    elif name == "dtype":
        assert got == xp.float64
    else:
        assert got in xp.__array_namespace_info__().devices()


@pytest.mark.parametrize("name", CONSTANTS)
def test_constants(name: str) -> None:
    got, expected = getattr(xp, name), CONSTANTS[name]
    assert got is None if expected is None else type(got) is float
    assert got == expected or (got != got and expected != expected)


@pytest.mark.parametrize("name", EVERY)
def test_dtypes(name: str) -> None:
    kind = dtype(name)
    others = [dtype(n) for n in EVERY if n != name]
    assert kind == dtype(name) and all(kind != other for other in others)
    assert xp.zeros(1, dtype=kind).dtype == kind and name_of(kind) == name
    assert {kind: 1}[dtype(name)] == 1


@pytest.mark.parametrize("name", ["linalg", "fft"])
def test_extensions(name: str) -> None:
    assert hasattr(xp, name)


# ---- versions and inspection


@pytest.mark.parametrize("version", [None, "2021.12", "2022.12", "2023.12", "2024.12"])
def test_known_versions(version: str | None) -> None:
    if version is not None and version < "2024.12" and NAME == "array_api_strict":
        pytest.skip("array-api-strict warns of a version that is not the one it was set to")
    space = xp.zeros(1).__array_namespace__(api_version=version)
    assert space is xp and space.__array_api_version__ >= "2024.12"
    assert xp.zeros(1).__array_namespace__() is xp


@pytest.mark.parametrize("version", ["", "1999.01", "2024.13", "2300.12", "2024", 2024.12])
def test_unknown_versions(version: Any) -> None:
    with pytest.raises(ValueError):
        xp.zeros(1).__array_namespace__(api_version=version)


def test_capabilities() -> None:
    found = xp.__array_namespace_info__().capabilities()
    for key, kind in (("boolean indexing", bool), ("data-dependent shapes", bool)):
        assert type(found[key]) is kind
    assert type(found["max dimensions"]) is int and found["max dimensions"] > 0


def test_devices() -> None:
    info = xp.__array_namespace_info__()
    assert type(info.devices()) in (list, tuple) and info.default_device() in info.devices()
    for device in (None, info.default_device()):
        found = info.default_dtypes(device=device)
        assert {k: name_of(v) for k, v in found.items()} == {
            "real floating": "float64", "complex floating": "complex128", "integral": "int64",
            "indexing": "int64",
        }  # fmt: skip


INSPECTION = {"capabilities": [], "default_device": [], "default_dtypes": ["device"],
              "devices": [], "dtypes": ["device", "kind"]}  # fmt: skip


@pytest.mark.parametrize("name", INSPECTION)
def test_how_a_namespace_is_asked(name: str) -> None:
    known = inspect.signature(getattr(xp.__array_namespace_info__(), name)).parameters
    assert sorted(known) == INSPECTION[name]
    assert all(p.kind is p.KEYWORD_ONLY and p.default is None for p in known.values())


KINDS: dict[Any, list[str]] = {
    None: EVERY,
    "bool": ["bool"],
    "signed integer": SIGNED,
    "unsigned integer": UNSIGNED,
    "integral": INTEGERS,
    "real floating": REALS,
    "complex floating": COMPLEX,
    "numeric": NUMERIC,
    ("bool", "real floating"): ["bool", *REALS],
    ("integral", "complex floating"): [*INTEGERS, *COMPLEX],
}


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_dtypes_of_a_kind(kind: Any) -> None:
    info = xp.__array_namespace_info__()
    for device in (None, info.default_device()):
        found = info.dtypes(kind=kind, device=device)
        assert set(found) == set(KINDS[kind])
        for name, one in found.items():
            assert one == dtype(name) == xp.empty(1, dtype=one, device=device).dtype


def test_dtypes_of_an_unknown_kind() -> None:
    with pytest.raises(ValueError):
        xp.__array_namespace_info__().dtypes(kind="imaginary")


@pytest.mark.parametrize("kind", [k for k in KINDS if k], ids=str)
@pytest.mark.parametrize("name", EVERY)
def test_isdtype(name: str, kind: Any) -> None:
    assert xp.isdtype(dtype(name), kind) is (name in KINDS[kind])
    assert xp.isdtype(dtype(name), dtype("int8")) is (name == "int8")
    several = kind if isinstance(kind, tuple) else (kind,)
    assert xp.isdtype(dtype(name), (dtype("int8"), *several)) is (name in ["int8", *KINDS[kind]])


@pytest.mark.parametrize("kind", ["imaginary", "float", 1.5], ids=str)
def test_isdtype_of_an_unknown_kind(kind: Any) -> None:
    with pytest.raises((ValueError, TypeError)):
        xp.isdtype(dtype("int8"), kind)


@pytest.mark.parametrize("name", [*REALS, *COMPLEX])
def test_finfo(name: str) -> None:
    expected = np.finfo(name)
    for got in (xp.finfo(dtype(name)), xp.finfo(xp.zeros(2, dtype=dtype(name)))):
        assert type(got.bits) is int and got.bits == expected.bits
        for field in ("eps", "max", "min", "smallest_normal"):
            assert type(getattr(got, field)) is float, field
            assert getattr(got, field) == float(getattr(expected, field))
        assert name_of(got.dtype) == expected.dtype.name


@pytest.mark.parametrize("name", INTEGERS)
def test_iinfo(name: str) -> None:
    expected = np.iinfo(name)
    for got in (xp.iinfo(dtype(name)), xp.iinfo(xp.zeros(2, dtype=dtype(name)))):
        for field in ("bits", "max", "min"):
            assert type(getattr(got, field)) is int, field
            assert getattr(got, field) == int(getattr(expected, field))
        assert name_of(got.dtype) == name
