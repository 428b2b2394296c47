"""Straight-line programs: a call of one operation after the other, as data that can be run, printed
and made smaller."""

from __future__ import annotations

import inspect
from typing import Any, NamedTuple

import numpy as np

from autodiff.registry import FUNCTIONS, PRIMITIVES
from autodiff.tensor import apply
from autodiff.testing.literals import literal

__all__ = ["Program", "Ref", "Step"]

Array = np.ndarray[Any, Any]


class Ref(NamedTuple):
    """The name of a value in a program: ``x0``, ``x1``, … are inputs, ``v0``, ``v1``, … results."""

    kind: str
    number: int

    def __str__(self) -> str:
        return f"{self.kind}{self.number}"


class Step(NamedTuple):
    """One call in a program.

    Attributes
    ----------
    name : str
        Of a public function or, where ``bare``, of a primitive.
    args : tuple
        Refs, values, and lists of them.
    params : dict
        Keyword arguments, values only.
    bare : bool
        Whether the primitive is applied itself, without a public function.

    >>> from autodiff.testing import Ref, Step
    >>> print(Step("sum", (Ref("x", 0),), {"axis": 0}))
    ad.sum(x0, axis=0)
    """

    name: str
    args: tuple[Any, ...]
    params: dict[str, Any] = {}  # noqa: RUF012 - never written to
    bare: bool = False

    def run(self, values: dict[Ref, Any]) -> Any:
        """The result, where ``values`` has what the Refs stand for."""
        args = [_read(arg, values) for arg in self.args]
        if self.bare:
            return apply(PRIMITIVES[self.name], *args, **self.params)
        return FUNCTIONS[self.name](*args, **self.params)

    def refs(self) -> list[Ref]:
        """The Refs that the step reads."""
        found: list[Ref] = []
        for arg in self.args:
            found += [x for x in (arg if isinstance(arg, list) else [arg]) if isinstance(x, Ref)]
        return found

    def __str__(self) -> str:
        parts = [_write(arg) for arg in self.args]
        parts += [f"{key}={literal(value)}" for key, value in self.params.items()]
        if self.bare:
            return f"apply({', '.join([f'PRIMITIVES[{self.name!r}]', *parts])})"
        return f"ad.{self.name}({', '.join(parts)})"


def _read(arg: Any, values: dict[Ref, Any]) -> Any:
    if isinstance(arg, Ref):
        return values[arg]
    return [_read(x, values) for x in arg] if isinstance(arg, list) else arg


def _rename(arg: Any, names: dict[Ref, Ref]) -> Any:
    if isinstance(arg, Ref):
        return names[arg]
    return [_rename(x, names) for x in arg] if isinstance(arg, list) else arg


def _write(arg: Any) -> str:
    if isinstance(arg, Ref):
        return str(arg)
    return f"[{', '.join(map(_write, arg))}]" if isinstance(arg, list) else literal(arg)


class Program:
    """A straight-line program, and inputs for it.

    Calling it runs the steps; it returns the results that no step reads, one as it is and several
    as a tuple. Its ``repr`` is its source, so a test that fails prints a program that runs.

    Attributes
    ----------
    inputs : tuple of ndarray
    steps : tuple of Step

    >>> import numpy as np
    >>> from autodiff.testing import Program, Ref, Step
    >>> x, v = Ref("x", 0), Ref("v", 0)
    >>> program = Program((np.array(0.5),), (Step("sin", (x,)), Step("multiply", (v, x))))
    >>> print(program)
    import numpy as np
    import autodiff as ad
    <BLANKLINE>
    def program(x0):
        v0 = ad.sin(x0)
        v1 = ad.multiply(v0, x0)
        return v1
    <BLANKLINE>
    inputs = (np.array(0.5, dtype='float64'),)
    >>> bool(program(*program.inputs) == 0.5 * np.sin(0.5))
    True
    """

    def __init__(self, inputs: tuple[Array, ...], steps: tuple[Step, ...]) -> None:
        self.inputs, self.steps = inputs, steps
        self.__name__ = "program"

    @property
    def operations(self) -> tuple[str, ...]:
        """The names of the operations, in order."""
        return tuple(step.name for step in self.steps)

    @property
    def outputs(self) -> tuple[Ref, ...]:
        """The results that no step reads."""
        read = {ref for step in self.steps for ref in step.refs()}
        return tuple(r for r in (Ref("v", i) for i in range(len(self.steps))) if r not in read)

    def pruned(self, root: int = -1) -> Program:
        """The program without the steps and inputs that one result, the last, does not need."""
        last = range(len(self.steps))[root]
        needed = {Ref("v", last)}
        for i in range(last, -1, -1):
            if Ref("v", i) in needed:
                needed.update(self.steps[i].refs())
        names: dict[Ref, Ref] = {}
        for kind, count in (("x", len(self.inputs)), ("v", len(self.steps))):
            kept = [ref for ref in (Ref(kind, i) for i in range(count)) if ref in needed]
            names.update({ref: Ref(kind, i) for i, ref in enumerate(kept)})
        return Program(
            tuple(x for i, x in enumerate(self.inputs) if Ref("x", i) in names),
            tuple(
                step._replace(args=tuple(_rename(arg, names) for arg in step.args))
                for i, step in enumerate(self.steps)
                if Ref("v", i) in names
            ),
        )

    @property
    def __signature__(self) -> inspect.Signature:
        kind = inspect.Parameter.POSITIONAL_ONLY
        return inspect.Signature(
            [inspect.Parameter(f"x{i}", kind) for i in range(len(self.inputs))]
        )

    def __call__(self, *xs: Any) -> Any:
        if len(xs) != len(self.inputs):
            raise TypeError(f"program: expected {len(self.inputs)} arguments, got {len(xs)}")
        values: dict[Ref, Any] = {Ref("x", i): x for i, x in enumerate(xs)}
        for i, step in enumerate(self.steps):
            values[Ref("v", i)] = step.run(values)
        results = tuple(values[ref] for ref in self.outputs)
        return results[0] if len(results) == 1 else results

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text(repr(self))  # Hypothesis prints what it finds with a pretty-printer

    def __repr__(self) -> str:
        bare = any(step.bare for step in self.steps)
        lines = ["import numpy as np", "import autodiff as ad"]
        if bare:
            lines += [
                "from autodiff.registry import PRIMITIVES, load_all",
                "from autodiff.tensor import apply",
                "load_all()",
            ]
        arguments = ", ".join(f"x{i}" for i in range(len(self.inputs)))
        lines += ["", f"def program({arguments}):"]
        lines += [f"    v{i} = {step}" for i, step in enumerate(self.steps)]
        lines += [f"    return {', '.join(map(str, self.outputs))}", ""]
        lines.append(f"inputs = {literal(self.inputs)}")
        return "\n".join(lines)
