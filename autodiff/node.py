"""What a graph is made of: ``Aval`` (shape, dtype), ``Node`` (one application), ``Leaf``."""

from __future__ import annotations

import itertools
import weakref
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    pass

# Serial numbers grow as nodes are made, so their order is a topological order.
serials = itertools.count()
SCALARS = frozenset({float, int, bool, complex})


class Aval:
    """What is known of a value before it is computed: its shape and dtype.

    ``dtype`` is a NumPy dtype, or the Python type of a scalar (``float``, ``int``, ...), which
    takes part in promotion weakly (NEP 50).
    """

    __slots__ = ("dtype", "name", "shape")

    def __init__(self, shape: tuple[int, ...], dtype: Any, name: str | None = None) -> None:
        self.shape = shape
        self.dtype = dtype if dtype in SCALARS else np.dtype(dtype)
        self.name = name

    @property
    def ndim(self) -> int:
        return len(self.shape)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Aval) and (self.shape, self.dtype) == (other.shape, other.dtype)

    def __hash__(self) -> int:
        return hash((self.shape, self.dtype))

    def __repr__(self) -> str:
        dtype = self.dtype.__name__ if isinstance(self.dtype, type) else self.dtype.name
        text = f"{dtype}{list(self.shape)}"
        return f"{self.name}: {text}" if self.name else text


class Node:
    """One application of a primitive, ``(primitive, inputs, params)``, and what its rules read.

    ``inputs`` holds a Node for each array operand and the bare number for each Python scalar.
    ``kept`` and ``output`` hold ndarrays only where a rule declared that it reads them.
    """

    __slots__ = (
        "__weakref__",
        "_name",
        "_place",
        "dtype",
        "inputs",
        "kept",
        "output",
        "params",
        "primitive",
        "scope",
        "serial",
        "shape",
    )

    needs: bool = True
    primitive: Any  # a Primitive; None in a Leaf
    inputs: tuple[Any, ...]
    params: dict[str, Any]
    kept: tuple[Any, ...]
    output: Any
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    scope: tuple[str, ...]
    serial: int
    _name: str
    _place: tuple[str, int] | None

    @property
    def place(self) -> tuple[str, int] | None:
        """File and line of the user's program that made this node; known where it was traced."""
        return getattr(self, "_place", None)

    @property
    def ndim(self) -> int:
        return len(self.shape)

    @property
    def name(self) -> str | None:
        # The slot stays empty for all but the few nodes that were named: one store less an
        # operation.
        return getattr(self, "_name", None)

    @name.setter
    def name(self, name: str) -> None:
        self._name = name

    def __repr__(self) -> str:
        label = self.name or getattr(self.primitive, "name", "leaf")
        return f"<{label} {self.dtype}{list(self.shape)}>"


class InertNode(Node):
    """A node recorded for its own sake (by ``trace``): no gradient passes it."""

    __slots__ = ()
    needs = False


class Leaf(Node):
    """A value that no recorded operation made: a parameter, an input, a constant."""

    __slots__ = ("handle", "needs")

    handle: Callable[[], Any] | None

    def __init__(
        self,
        shape: tuple[int, ...],
        dtype: np.dtype[Any],
        *,
        needs: bool,
        name: str | None = None,
        handle: Any = None,
    ) -> None:
        self.primitive = None
        self.inputs, self.params, self.kept, self.output = (), {}, (), None
        self.shape, self.dtype = shape, dtype
        self.scope = ()
        self.serial = next(serials)
        self.needs = needs
        self.handle = None if handle is None else weakref.ref(handle)
        if name is not None:
            self._name = name


class Argument(Leaf):
    """The leaf that a transform makes of an argument: when it has ended, nobody asks for it."""

    __slots__ = ()


class Pushed(Node):
    """A value in forward mode whose tangent is known, so that it leads no further back.

    ``sweep`` is what pushed the tangent (None: zero) on.
    """

    __slots__ = ("sweep", "tangent")

    def __init__(self, value: Any, tangent: Any, sweep: Any, scope: tuple[str, ...]) -> None:
        self.primitive = None
        self.inputs, self.params, self.kept, self.output = (), {}, (), None
        self.shape, self.dtype, self.scope = value.shape, value.dtype, scope
        self.tangent, self.sweep = tangent, sweep
        self.serial = next(serials)


def aval_of_input(source: Any) -> Any:
    """Shape and dtype of a node's input, which is a Node or the bare number of a Python scalar."""
    return source if isinstance(source, Node) else Aval((), type(source))
