"""The checks that every primitive must pass: plain functions of a primitive and one of its cases.

Each returns None or raises AssertionError with the name of the primitive and what differed. They
read nothing but the registry's entry, so a new primitive is checked without a line of test code.
"""

from __future__ import annotations

import doctest
import inspect
import itertools
import zlib
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

import autodiff as ad
from autodiff.node import SCALARS, Node
from autodiff.primitive import OUTPUT, Absent, Case, In, Primitive
from autodiff.registry import FUNCTIONS
from autodiff.tensor import apply, aval_of, wrap
from tests.tolerances import assert_close

MIXED = (np.float64, np.float32, np.float16, np.int32, np.int8, np.bool_, float, int)

OTHERS = (np.float16, np.int32, np.int8, np.bool_)


def generator(primitive: Primitive) -> np.random.Generator:
    """Random numbers that depend on nothing but the primitive's name."""
    return np.random.default_rng(zlib.crc32(primitive.name.encode()))


def draw(primitive: Primitive, case: Case, dtype: Any = np.float64) -> tuple[Any, ...]:
    """The operands of a case, the same ones in each call."""
    return case.draw(generator(primitive), dtype)


def wanted(primitive: Primitive, operands: Sequence[Any]) -> list[int]:
    """The operands that a gradient can be asked for."""
    if not primitive.differentiable:
        return []
    pulls = primitive.pulls_for(len(operands))
    return [
        i
        for i, (x, rule) in enumerate(zip(operands, pulls, strict=True))
        if rule is not None
        and not isinstance(rule.function, Absent)
        and isinstance(x, np.ndarray)
        and x.dtype.kind in "fc"
    ]


def function_of(
    primitive: Primitive, case: Case, operands: Sequence[Any], which: Sequence[int]
) -> Any:
    """The operation as a function of some of its operands."""

    def f(*xs: Any) -> Any:
        given = list(operands)
        for i, x in zip(which, xs, strict=True):
            given[i] = x
        return apply(primitive, *given, **case.params)

    return f


def lift(operands: Sequence[Any], which: Iterable[int]) -> list[Any]:
    """The operands, those in ``which`` as Tensors (no copies) that require a gradient."""
    lifted = list(operands)
    for i in which:
        lifted[i] = wrap(operands[i])
        lifted[i].requires_grad = True
    return lifted


def pull(
    primitive: Primitive, operands: Sequence[Any], params: dict[str, Any], which: list[int], v: Any
) -> list[np.ndarray[Any, Any]]:
    """Gradients of ``<v, primitive(operands)>`` with respect to the operands in ``which``."""
    lifted = lift(operands, which)
    y = apply(primitive, *lifted, **params)
    gradients = ad.gradients(y, [lifted[i] for i in which], cotangents=v, unused="zeros")
    return [g.numpy() for g in gradients]


def kernel(primitive: Primitive, operands: Sequence[Any], params: dict[str, Any]) -> Any:
    """What the kernel returns, without the warnings of the edges of domains."""
    with np.errstate(all="ignore"):
        return primitive.kernel(*operands, **params)


def like(rng: np.random.Generator, x: Any) -> Any:
    """A random array of the shape and dtype of ``x``."""
    dtype = np.asarray(x).dtype
    values = rng.standard_normal(np.shape(x))
    if dtype.kind == "c":
        values = values + 1j * rng.standard_normal(np.shape(x))
    return values.astype(dtype)


def dot(a: Any, b: Any) -> Any:
    """The real inner product: of complex numbers, that of their parts."""
    return np.sum(a * b) if np.isrealobj(a) and np.isrealobj(b) else np.sum(np.conj(a) * b).real


def check_infer(primitive: Primitive, case: Case) -> None:
    """The shape rule says what the kernel returns."""
    for dtype in (np.float64, np.float32):
        operands = draw(primitive, case, dtype)
        compare_infer(primitive, operands, case.params)
    for dtype in OTHERS:
        operands = tuple(np.ones(o.shape, dtype) if isinstance(o, In) else o for o in case.operands)
        compare_infer(primitive, operands, case.params)
    if primitive.family == "elementwise" and case is primitive.cases[0]:
        count = len(case.operands)
        for dtypes in itertools.product(MIXED, repeat=count):
            operands = tuple(t(1) if t in SCALARS else np.ones((1, 2), t) for t in dtypes)
            if any(isinstance(x, np.ndarray) for x in operands):
                compare_infer(primitive, operands, case.params)


def compare_infer(primitive: Primitive, operands: Sequence[Any], params: dict[str, Any]) -> None:
    what = f"{primitive.name}: infer of {[aval_of(x) for x in operands]} {params}"
    try:
        y = np.asarray(kernel(primitive, operands, params))
    except np.linalg.LinAlgError:
        return  # the ones that stand for integers are a singular matrix
    except TypeError:
        try:
            aval = primitive.infer(*map(aval_of, operands), **params)
        except ad.DTypeError:
            return
        raise AssertionError(f"{what} is {aval}, but the kernel refuses the dtypes") from None
    aval = primitive.infer(*map(aval_of, operands), **params)
    assert aval.shape == y.shape, f"{what} is {aval}, the kernel gives the shape {y.shape}"
    assert aval.dtype == y.dtype, f"{what} is {aval}, the kernel gives {y.dtype}"


def reference(primitive: Primitive) -> Any:
    """A second source of values: the primitive's own, or NumPy's function of the name."""
    return primitive.reference or getattr(np, primitive.name, None)


def check_reference(primitive: Primitive, case: Case) -> None:
    """The kernel gives what the reference gives."""
    function = reference(primitive)
    assert function is not None
    for dtype in (np.float64, np.float32):
        operands = draw(primitive, case, dtype)
        y = np.asarray(kernel(primitive, operands, case.params))
        with np.errstate(all="ignore"):
            expected = function(*operands, **case.params)
        assert_close(y, expected, "reference", f"{primitive.name}: kernel in {np.dtype(dtype)}")


def check_batch(primitive: Primitive, case: Case, dtype: Any = np.float64) -> None:
    """The batching rule equals a loop, whichever operands carry the batch."""
    rng = generator(primitive)
    operands = draw(primitive, case, dtype)
    size = 3
    stacks = [_stack(x, o, rng, size) for x, o in zip(operands, case.operands, strict=True)]
    able = [s is not None for s in stacks]
    for mapped in itertools.product(*((False, True) if a else (False,) for a in able)):
        if not any(mapped):
            continue
        rows = [s if m else x for s, m, x in zip(stacks, mapped, operands, strict=True)]
        what = f"{primitive.name}: batch with mapped {mapped} of {case}"
        with np.errstate(all="ignore"):
            got = primitive.batch(mapped, *rows, **case.params)
        loop = [
            kernel(
                primitive,
                [s[k] if m else s for s, m in zip(rows, mapped, strict=True)],
                case.params,
            )
            for k in range(size)
        ]
        expected = np.stack([np.asarray(y) for y in loop])
        assert np.asarray(got).dtype == expected.dtype, f"{what}: dtype {np.asarray(got).dtype}"
        assert_close(got, expected, "reference", what)


def _stack(x: Any, operand: Any, rng: np.random.Generator, size: int) -> Any:
    """Several operands like ``x``: drawn anew, or a fixed array with its entries permuted."""
    if not isinstance(x, np.ndarray):
        return None
    if isinstance(operand, In):
        return np.stack([operand.draw(rng, x.dtype) for _ in range(size)])
    return np.stack([rng.permutation(x.ravel()).reshape(x.shape) for _ in range(size)])


def check_kept(primitive: Primitive, case: Case) -> None:
    """A node holds what its needed rules declare and no more, and the rules read nothing else."""
    operands = draw(primitive, case)
    which = wanted(primitive, operands)
    v = like(generator(primitive), kernel(primitive, operands, case.params))
    for group in [[i] for i in which] + ([which] if len(which) > 1 else []):
        expected = pull(primitive, operands, case.params, group, v)
        copies = [x.copy() if isinstance(x, np.ndarray) else x for x in operands]
        lifted = lift(copies, group)
        y = apply(primitive, *lifted, **case.params)
        kept = _assert_nothing_undeclared(primitive, y.node, group)
        for array in [*(x for x in copies if isinstance(x, np.ndarray)), y._data]:
            if array.flags.writeable and not any(np.shares_memory(array, k) for k in kept):
                array.fill(np.nan if array.dtype.kind == "f" else 0)
        inputs = [lifted[i] for i in group]
        got = ad.gradients(y, inputs, cotangents=v, unused="zeros")
        for g, e in zip(got, expected, strict=True):
            what = f"{primitive.name}: gradient for {group} with undeclared values hidden"
            assert_close(g.data, e, "same", what)


def _assert_nothing_undeclared(primitive: Primitive, node: Node, group: list[int]) -> list[Any]:
    declared: set[int] = set()
    pulls = primitive.pulls_for(len(node.inputs))
    for i in group:
        rule = pulls[i]
        assert rule is not None
        declared.update(rule.slots, primitive.selection_slots(i))
    for i, value in enumerate(node.kept):
        if i not in declared:
            assert value is None, f"{primitive.name}: operand {i} is kept, but no rule reads it"
    if OUTPUT not in declared:
        assert node.output is None, f"{primitive.name}: the output is kept, but no rule reads it"
    return [k for k in (*node.kept, node.output) if isinstance(k, np.ndarray)]


def layouts(x: np.ndarray[Any, Any]) -> Iterable[np.ndarray[Any, Any]]:
    """The same values, read-only, strided, reversed and transposed in memory."""
    frozen = x.copy()
    frozen.flags.writeable = False
    yield frozen
    if x.ndim:
        wide = np.repeat(x, 2, axis=-1)[..., ::2]
        yield wide
        yield x[::-1].copy()[::-1]
        yield np.asfortranarray(x)


def check_layout(primitive: Primitive, case: Case) -> None:
    """Memory layout changes neither values nor gradients."""
    operands = draw(primitive, case)
    which = wanted(primitive, operands)
    y = np.asarray(kernel(primitive, operands, case.params))
    v = like(generator(primitive), y)
    expected = pull(primitive, operands, case.params, which, v) if which else []
    for i, x in enumerate(operands):
        for array in layouts(x) if isinstance(x, np.ndarray) else ():
            changed = (*operands[:i], array, *operands[i + 1 :])
            what = f"{primitive.name}: operand {i} with flags {array.flags}"
            assert_close(kernel(primitive, changed, case.params), y, "same", what)
            got = pull(primitive, changed, case.params, which, v) if which else []
            for g, e in zip(got, expected, strict=True):
                assert_close(g, e, "same", what)


def check_pure(primitive: Primitive, case: Case) -> None:
    """Neither kernel nor rules write into operands, output or cotangent."""
    operands = draw(primitive, case)
    y = np.asarray(kernel(primitive, operands, case.params)).copy()
    v = like(generator(primitive), y)
    named = {"cotangent": v, "output": y, **{f"operand {i}": x for i, x in enumerate(operands)}}
    arrays = {k: x for k, x in named.items() if isinstance(x, np.ndarray)}
    before = {k: x.tobytes() for k, x in arrays.items()}
    kernel(primitive, operands, case.params)
    # Each rule alone: between two rules of a walk, the cotangent is the same array.
    pulls = primitive.pulls_for(len(operands))
    for i in wanted(primitive, operands):
        rule = pulls[i]
        if rule is not None and rule.function is not None:
            values = [_slot(s, y, operands) for s in rule.slots]
            with np.errstate(all="ignore"):
                rule.function(v, *values, **case.params)
    for k, x in arrays.items():
        assert x.tobytes() == before[k], f"{primitive.name}: the {k} was written to"


def _slot(slot: int, y: Any, operands: Sequence[Any]) -> Any:
    if slot == OUTPUT:
        return y
    return operands[slot] if slot >= 0 else aval_of(operands[-2 - slot])


def takes_out(primitive: Primitive) -> bool:
    """Whether the kernel has the parameter ``out``."""
    function = primitive.kernel
    return isinstance(function, np.ufunc) or "out" in inspect.signature(function).parameters


def check_out(primitive: Primitive, case: Case) -> None:
    """A kernel writes into ``out`` what it would return, and returns it."""
    operands = draw(primitive, case)
    expected = np.asarray(kernel(primitive, operands, case.params))
    out = np.full(expected.shape, 77).astype(expected.dtype)
    returned = kernel(primitive, operands, {**case.params, "out": out})
    assert returned is out, f"{primitive.name}: out= was not returned"
    assert_close(out, expected, "same", f"{primitive.name}: out=")


def check_error(primitive: Primitive, case: Case, error: type[Exception], text: str) -> None:
    """A wrong call raises the error with the text and the operation's name, also on Tensors."""
    operands = draw(primitive, case)
    which = [i for i, x in enumerate(operands) if isinstance(x, np.ndarray) and x.dtype.kind == "f"]
    for given in (operands, lift(operands, which)):
        try:
            result = apply(primitive, *given, **case.params)
        except error as raised:
            assert text in str(raised), f"{primitive.name}: {text!r} is not in {str(raised)!r}"
            assert primitive.name in str(raised), f"{primitive.name} is not in {str(raised)!r}"
        else:
            raise AssertionError(f"{primitive.name}: no {error.__name__} for {case}: {result!r}")


def check_doc(primitive: Primitive) -> None:
    """The documentation, of the class or of the function of its name, has an example that runs."""
    function = FUNCTIONS.get(primitive.name)
    texts = (primitive.__doc__, function.__doc__ if function is not None else None)
    text = next((t for t in texts if t and ">>>" in t), None)
    assert text is not None, f"{primitive.name}: the documentation has no example"
    example = doctest.DocTestParser().get_doctest(text, {}, primitive.name, None, 0)
    lines: list[str] = []
    doctest.DocTestRunner(verbose=False).run(example, out=lines.append)
    assert not lines, f"{primitive.name}: {''.join(lines)}"


def check_no_history(primitive: Primitive, case: Case) -> None:
    """What has no derivative gives results without history."""
    operands = draw(primitive, case)
    which = [i for i, x in enumerate(operands) if isinstance(x, np.ndarray) and x.dtype.kind == "f"]
    if not which:
        return
    y = apply(primitive, *lift(operands, which), **case.params)
    assert not y.requires_grad, f"{primitive.name}: not differentiable, but the result has history"
