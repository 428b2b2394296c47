"""The function under check, as a function of its variables' values in double precision."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from autodiff.checking.report import FROZEN, Entry
from autodiff.checking.state import State
from autodiff.errors import GradientError
from autodiff.graph import named_leaves
from autodiff.node import Leaf
from autodiff.tensor import Tensor, raw, wrap
from autodiff.transforms.reverse import gradients
from autodiff.tree import flatten

Array = np.ndarray[Any, Any]


@dataclass
class Variable:
    """One input or parameter: its value in double precision, and its Tensor if a parameter.

    ``gradient`` is that of the public functions: of a complex value dL/dRe + i dL/dIm.
    """

    name: str
    value: Array
    tensor: Tensor | None = None
    dtype: Any = None  # the user's own
    gradient: Array | None = None

    @property
    def kind(self) -> str:
        return "input" if self.tensor is None else "parameter"

    @property
    def count(self) -> int:
        """How many real numbers it has: a complex number is two."""
        return parts_of(self.value).size


class Problem:
    """The function under check, as a function of its variables' values in double precision."""

    order = 1

    def __init__(
        self,
        function: Any,
        inputs: tuple[Any, ...],
        variables: list[Variable],
        parameters: Any = None,
    ) -> None:
        self.function = function
        self.variables = variables
        self.leaves, self.rebuild = flatten(inputs)
        self.positions = [i for i, x in enumerate(self.leaves) if is_floating(x)]
        self.weights: list[Array] = []
        self.state = State(function, parameters)
        self._own: list[Array | None] | None = None
        self.label = getattr(function, "__name__", type(function).__name__)

    def run(self) -> tuple[list[Tensor], list[Tensor]]:
        """One evaluation: the floating outputs, and the Tensor of each variable.

        Inputs require gradients here as in the check itself, so that the numeric side runs the
        very code that is checked, also where the function differentiates inside. Random numbers
        and running statistics start from the same state each time.
        """
        self.state.restore()
        leaves, tensors = list(self.leaves), []
        inputs = [v for v in self.variables if v.tensor is None]
        for position, variable in zip(self.positions, inputs, strict=True):
            leaf = _tensor(variable)
            tensors.append(leaf)
            # A handle of its own: the function may write x[i] = v, which moves it to another node.
            leaves[position] = wrap(leaf._data, leaf.node)
        for variable in self.variables:
            if variable.tensor is not None:
                _renew(variable.tensor, variable.value)
                tensors.append(variable.tensor)
        results, _ = flatten(self.function(*self.rebuild(leaves)))
        if not results or not all(isinstance(y, Tensor) for y in results):
            kinds = ", ".join(type(y).__name__ for y in results) or "nothing"
            raise GradientError(
                f"gradcheck: the function must return a Tensor or a nested container of Tensors, "
                f"it returned {kinds}. Operations of numpy or .numpy() inside it lose the gradient"
            )
        return [y for y in results if y.dtype.kind in "fc"], tensors

    def total(self) -> float:
        """The outputs, weighted and summed: the number whose derivatives are compared."""
        return self.evaluated()[0]

    def evaluated(self) -> tuple[float, list[Tensor]]:
        """``total``, and the outputs; NaN and none outside of the domain."""
        try:
            with np.errstate(all="ignore"):
                outputs, _ = self.run()
        except Exception:  # a step over its edge; the function has been seen to work here
            return math.nan, []
        pairs = zip(self.weights, outputs, strict=True)
        parts = [float(np.vdot(w, y._data).real) for w, y in pairs]
        return math.fsum(parts) if all(map(math.isfinite, parts)) else math.nan, outputs

    def own_difference(self, i: int) -> float | None:
        """How far the gradient of variable ``i`` in the model's own dtype is from this one."""
        v = self.variables[i]
        if v.dtype == v.value.dtype or v.gradient is None or not v.value.size:
            return None
        if self._own is None:
            self._own = self._own_gradients()
        g = self._own[i]
        top = float(np.abs(v.gradient).max()) or 1.0
        return math.inf if g is None else float(np.abs(g - v.gradient).max()) / top

    def _own_gradients(self) -> list[Array | None]:
        wide = [v.value for v in self.variables]
        try:
            for v in self.variables:
                v.value = v.value.astype(v.dtype)
            outputs, tensors = self.run()
            pairs = [(y, w) for y, w in zip(outputs, self.weights, strict=True) if y.requires_grad]
            found = gradients(
                [y for y, _ in pairs],
                tensors,
                cotangents=[w.astype(y.dtype) for y, w in pairs],
                unused="none",
            )
        finally:
            for v, value in zip(self.variables, wide, strict=True):
                v.value = value
        return [None if g is None else in_double(raw(g)) for g in found]


class SecondOrder(Problem):
    """The gradient of a problem as a problem of its own."""

    order = 2

    def __init__(self, first: Problem) -> None:
        self.__dict__.update(first.__dict__)
        self.first_weights, self._own = first.weights, None

    def run(self) -> tuple[list[Tensor], list[Tensor]]:
        """One evaluation: the gradients that have a history, and the Tensor of each variable."""
        outputs, tensors = super().run()
        pairs = [
            (y, w) for y, w in zip(outputs, self.first_weights, strict=True) if y.requires_grad
        ]
        found = gradients(
            [y for y, _ in pairs],
            tensors,
            cotangents=[w.astype(y.dtype) for y, w in pairs],
            create_graph=True,
            unused="none",
        )
        return [g for g in found if g is not None], tensors


def is_floating(x: Any) -> bool:
    """Whether a leaf among the arguments is a number or an array that has a derivative."""
    if isinstance(x, (Tensor, np.ndarray, np.generic)):
        return x.dtype.kind in "fc"
    return type(x) in (float, complex)


def in_double(x: Any) -> Array:
    """In double precision, real or complex."""
    array = np.asarray(x)
    return np.array(array, np.complex128 if array.dtype.kind == "c" else np.float64)


def parts_of(x: Array) -> Array:
    """The real numbers that an array holds: of complex ones both parts, along a new last axis."""
    return np.stack([x.real, x.imag], -1) if x.dtype.kind == "c" else x


def joined(parts: Array, like: Array) -> Array:
    """The array of the dtype of ``like`` whose ``parts_of`` these are."""
    return parts[..., 0] + 1j * parts[..., 1] if like.dtype.kind == "c" else parts


def _renew(p: Tensor, value: Array) -> None:
    """Give a parameter a value and a leaf of its own, so that no two evaluations share a graph."""
    p._data = value
    p.node = Leaf(value.shape, value.dtype, needs=True, name=p.name, handle=p)


def _tensor(variable: Variable) -> Tensor:
    tensor = wrap(variable.value)
    tensor.node = Leaf(tensor.shape, tensor.dtype, needs=True, name=variable.name, handle=tensor)
    return tensor


@contextmanager
def in_float64(parameters: Sequence[Tensor]) -> Iterator[None]:
    """Parameters as leaves in double precision inside the block; afterwards all is as it was."""
    saved = [(p, p._data, p.node, p.grad) for p in parameters]
    try:
        for p, data, _, _ in saved:
            _renew(p, in_double(data))
        yield
    finally:
        for p, data, node, grad in saved:
            p._data, p.node, p._grad = data, node, grad


def as_arrays(x: Any) -> Any:
    """A list of numbers is an array; a list that holds arrays or Tensors is a container of them."""
    if isinstance(x, list):
        leaves, _ = flatten(x)
        if leaves and all(type(v) in (float, complex, int, bool) for v in leaves):
            return np.array(x)
    return x


def collect(
    function: Any, inputs: tuple[Any, ...], parameters: Any
) -> tuple[list[Variable], list[Entry]]:
    """What is to be checked, and entries for the parameters that want no gradient."""
    names = named_leaves(function, inputs, {})
    leaves, _ = flatten(inputs)
    variables = [
        Variable(name, in_double(raw(x)), dtype=np.asarray(raw(x)).dtype)
        for name, x in zip(names, leaves, strict=True)
        if is_floating(x)
    ]
    frozen, seen = [], set()
    for name, p in (*_named(function), *_named(parameters)):
        if id(p) in seen or not isinstance(p, Tensor) or p.dtype.kind not in "fc":
            continue
        seen.add(id(p))
        if p.requires_grad:
            variables.append(Variable(name, in_double(p._data), p, p.dtype))
        else:
            count = parts_of(p._data).size
            frozen.append(Entry(name, "parameter", p.shape, count, FROZEN, dtype=str(p.dtype)))
    if not variables:
        kinds = ", ".join(str(getattr(x, "dtype", type(x).__name__)) for x in leaves) or "none"
        raise GradientError(
            "gradcheck: no floating or complex input and no parameter to check (inputs given: "
            f"{kinds})"
        )
    return variables, frozen


def _named(source: Any) -> list[tuple[str, Any]]:
    """Pairs of name and Tensor from a module or a dict."""
    pairs = source.named_parameters() if hasattr(source, "named_parameters") else source
    if isinstance(pairs, dict):
        return list(pairs.items())
    return list(pairs) if pairs is not source else []


def require_finite(value: Array, what: str, where: str = "") -> None:
    """Raise a GradientError that names the first NaN or infinity, and where it came from."""
    bad = np.argwhere(~np.isfinite(value))
    if len(bad):
        index = tuple(map(int, bad[0]))
        raise GradientError(
            f"gradcheck: {what} is {value[index]} at index {list(index)}, and {len(bad)} of its "
            f"{value.size} numbers are not finite{where}: a derivative exists at finite values only"
        )
