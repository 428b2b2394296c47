"""Derivatives along directions and against them: ``vjp``, ``jvp`` and ``linearize``.

Forward mode reads the same record as reverse mode: ``f`` runs once with every value kept, and one
iterative walk in the order of the serial numbers pushes tangents through each primitive's forward
rule. So the record can be walked again for other tangents (``linearize``), and forward mode over a
gradient is a walk over the gradient's own record.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from autodiff.batched import gather, levels_of, per_example, spell_out, union, zeros_behind
from autodiff.errors import DTypeError, GradientError, ShapeError
from autodiff.ops.noise import generator
from autodiff.recording import Unrecorded, current
from autodiff.registry import public
from autodiff.tensor import Tensor, wrap
from autodiff.transforms.arguments import finish, run
from autodiff.transforms.reverse import pull_back, result_of
from autodiff.transforms.tangents import Sweep, Tape, as_tensor
from autodiff.tree import align, flatten, map_tree

__all__ = ["jvp", "linearize", "vjp"]


@public
def vjp(f: Callable[..., Any], *primals: Any, has_aux: bool = False) -> Any:
    r"""The value of ``f``, and a function that pulls cotangents of the value back.

    .. math:: y = f(x), \qquad \bar y \mapsto \bar y^\top \frac{\partial f}{\partial x}(x)

    Parameters
    ----------
    f : callable
        Of arrays, or of nested containers of them, to arrays or containers of them.
    *primals : array_like, or nested tuples, lists, dicts and dataclasses of them
        Floats, floating arrays and Tensors.
    has_aux : bool
        Whether ``f`` returns a pair of its value and anything else, which is then returned third.

    Returns
    -------
    (y, pull) or (y, pull, aux)
        ``pull(cotangents)`` takes what has the structure of y and gives a tuple, one gradient for
        each primal; it can be called many times. Tensors give Tensors, ndarrays ndarrays; where
        something outside needs a gradient, results are recorded.

    Raises
    ------
    DTypeError
        A primal is no floating number.
    ShapeError, GradientError
        Cotangents of other shapes, or another number of them, than the value has.

    >>> import autodiff as ad
    >>> y, pull = ad.vjp(lambda a, b: a * b, 2.0, 3.0)
    >>> y, pull(10.0)
    (np.float64(6.0), (np.float64(30.0), np.float64(20.0)))
    """
    found = Derivative("vjp", f, primals, has_aux=has_aux)
    value = found.value()
    return (value, found.pull, found.aux()) if has_aux else (value, found.pull)


@public
def jvp(
    f: Callable[..., Any], primals: Sequence[Any], tangents: Sequence[Any], *, has_aux: bool = False
) -> Any:
    r"""The value of ``f`` and its derivative along tangents: forward mode.

    .. math:: (f(x), \frac{\partial f}{\partial x}(x)\, t)

    Parameters
    ----------
    f : callable
        Of arrays, or of nested containers of them, to arrays or containers of them.
    primals, tangents : tuple or list
        The arguments, and a tangent for each, of the same structure and shapes.
    has_aux : bool
        Whether ``f`` returns a pair of its value and anything else, which is then returned third.

    Returns
    -------
    (y, t) or (y, t, aux)
        t has the structure, shapes and dtypes of y; what does not depend on the primals has the
        tangent 0. Where something outside needs a gradient, both are recorded, so that transforms
        nest in any order.

    Raises
    ------
    DTypeError
        A primal is no floating number, or a tangent's dtype does not go into its primal's.
    ShapeError, GradientError
        Tangents of other shapes, or another number of them, than the primals.

    What runs under ``no_grad`` inside ``f`` is a constant here too. Tangents are pushed on while
    ``f`` runs, so that memory does not grow with the number of operations; only where something
    outside needs a gradient of a primal, a tangent or a captured Tensor, is a record kept. Where
    ``f`` calls ``ad.gradients`` or ``backward`` itself, it is started again, with a record.

    Source: Griewank and Walther, "Evaluating derivatives" (2008), 3.1.

    >>> import autodiff as ad
    >>> ad.jvp(lambda a, b: a * b, (2.0, 3.0), (1.0, 10.0))
    (np.float64(6.0), np.float64(23.0))
    """
    for name, given in (("primals", primals), ("tangents", tangents)):
        if not isinstance(given, (tuple, list)):
            raise DTypeError(
                f"jvp: {name} is a tuple or a list, one for each argument, got "
                f"{type(given).__name__}; for a function of one argument write (x,)"
            )
    found, random = None, generator().bit_generator.state
    if _is_alone(primals, tangents):
        try:
            found = Derivative("jvp", f, primals, has_aux=has_aux, along=tangents)
        except Unrecorded:
            generator().bit_generator.state = random
    if found is not None:
        value, t = found.value(), found.swept()
    else:
        found = Derivative("jvp", f, primals, has_aux=has_aux, forward=True)
        value, t = found.value(), found.push(*tangents)
    return (value, t, found.aux()) if has_aux else (value, t)


def _is_alone(primals: Sequence[Any], tangents: Sequence[Any]) -> bool:
    """Whether nothing around asks for a record of a derivative at these primals."""
    state = current()
    outer = state.recording and any(map(_depends, flatten([list(primals), list(tangents)])[0]))
    return not (state.keep_all or state.forward or outer)


@public
def linearize(f: Callable[..., Any], *primals: Any, has_aux: bool = False) -> Any:
    r"""The value of ``f``, and its derivative there as a linear function of tangents.

    .. math:: y = f(x), \qquad t \mapsto \frac{\partial f}{\partial x}(x)\, t

    As ``jvp``, where one point meets many tangents: ``f`` runs once, each call of the linear
    function walks its record.

    Parameters
    ----------
    f, *primals, has_aux
        As those of ``vjp``.

    Returns
    -------
    (y, push) or (y, push, aux)
        ``push(*tangents)`` takes a tangent for each primal and gives that of y.

    Raises
    ------
    DTypeError, ShapeError, GradientError
        As ``jvp``.

    Source: Radul et al., "You only linearize once: tangents transpose to gradients" (2023).

    >>> import autodiff as ad
    >>> y, push = ad.linearize(lambda x: x**3, 2.0)
    >>> y, push(1.0), push(10.0)
    (np.float64(8.0), np.float64(12.0), np.float64(120.0))
    """
    found = Derivative("linearize", f, primals, has_aux=has_aux, forward=True)
    value = found.value()
    return (value, found.push, found.aux()) if has_aux else (value, found.push)


class Derivative:
    """One recorded run of a function, and the walks over it in both directions."""

    def __init__(
        self,
        what: str,
        f: Callable[..., Any],
        primals: Sequence[Any],
        *,
        has_aux: bool = False,
        forward: bool = False,
        along: Sequence[Any] | None = None,
    ) -> None:
        self.what = what
        self.count = len(primals)
        self.primals = list(primals)
        _, self.rebuild = flatten(self.primals, named=True)
        self.given: list[Any] = []  # the tangents, where they are pushed on while f runs
        self.sweep: Any = None
        outer = current().recording

        def begin(inputs: list[Tensor]) -> Sweep:
            self.given, starts = self._starts(inputs, along or ())
            # Those are Tensors that were just made, whose nodes are there.
            self.sweep = Sweep(starts, [x.node for x in inputs], outer)  # type: ignore[misc]
            return self.sweep

        places = range(len(primals))
        if along is None:
            self.run = run(what, f, primals, places, {}, has_aux=has_aux, forward=forward)
        else:
            self.run = run(what, f, primals, places, {}, has_aux=has_aux, begin=begin)
        self.tape: Tape | None = None  # made when it is first walked

    def value(self) -> Any:
        """The value, as the caller gets it."""
        done = self.run
        return done.rebuild([finish(y, done.record, done.as_tensor) for y in done.outputs])

    def aux(self) -> Any:
        """What the function gave beside its value, as the caller gets it."""
        return map_tree(lambda x: finish(x, self.run.record, self.run.as_tensor), self.run.aux)

    def pull(self, cotangents: Any, /) -> tuple[Any, ...]:
        """The gradient for each primal, from what has the structure of the value."""
        inputs, outputs = self.run.inputs, self.run.outputs
        given = self._align(self.run.rebuild(outputs), cotangents, "cotangents")
        both = zip(outputs, given, strict=True)
        pairs = [(y, g) for y, g in both if g is not None and _depends(y)]
        nodes: Any = {x.node for x in inputs}
        record, as_tensor = self._manner(given)
        found: Any = pull_back(pairs, nodes, record, self.what) if pairs else {}
        found = per_example(found, inputs, union([y for y, _ in pairs]), self.what)
        results = [result_of(found.get(x.node), x, "zeros", self.what) for x in inputs]
        return tuple(self.rebuild([finish(g, record, as_tensor) for g in results]))

    def push(self, *tangents: Any) -> Any:
        """The tangent of the value, from one for each primal."""
        inputs = self.run.inputs
        given, starts = self._starts(inputs, tangents)
        if self.tape is None:
            roots = [y.node for y in self.run.outputs if _depends(y)]
            self.tape = Tape([x.node for x in inputs], roots)
        record, _ = self._manner(given)
        return self._pushed(self.tape.push(starts, record), given)

    def swept(self) -> Any:
        """The tangent of the value, which was pushed on while the function ran."""
        record, _ = self._manner(self.given)
        roots = [y.node for y in self.run.outputs if _depends(y)]
        return self._pushed(self.sweep.resolve(roots, record), self.given)

    def _starts(
        self, inputs: list[Tensor], tangents: Sequence[Any]
    ) -> tuple[list[Any], dict[Any, Any]]:
        """The tangents, one for each array, and by node those of what stands behind the inputs."""
        if len(tangents) != self.count:
            raise GradientError(
                f"{self.what}: {self.count} primals, but {len(tangents)} tangents (expected one "
                "for each)"
            )
        given = self._align(self.primals, list(tangents), "tangents")
        pairs = zip(inputs, given, strict=True)
        return given, {x.node: _tangent(self.what, x, t) for x, t in pairs if t is not None}

    def _pushed(self, found: dict[Any, Any], given: Sequence[Any]) -> Any:
        record, as_tensors = self._manner(given)
        results = []
        for y in self.run.outputs:
            t: Any = found.get(y.node) if _depends(y) else None
            if t is None:
                t = zeros_behind(y if isinstance(y, Tensor) else wrap(np.asarray(y)))
            else:
                t = gather(as_tensor(t), levels_of(y))
            results.append(finish(t, record, as_tensors))
        return self.run.rebuild(results)

    def _align(self, tree: Any, values: Any, name: str) -> list[Any]:
        """One of the values for each array; None, which is zero, may stand for a whole part."""
        try:
            return align(tree, values, f"{self.what}: {name}")
        except ValueError as error:
            raise GradientError(str(error)) from None

    def _manner(self, given: Sequence[Any]) -> tuple[bool, bool]:
        """Whether results are recorded, and whether they are Tensors at all."""
        record = current().recording and (self.run.record or any(map(_depends, given)))
        return record, self.run.as_tensor or any(isinstance(x, Tensor) for x in given)


def _depends(x: Any) -> bool:
    return isinstance(x, Tensor) and x.requires_grad


def _tangent(what: str, x: Tensor, t: Any) -> Any:
    """The tangent of what stands behind an input, checked against it."""
    value = t if isinstance(t, Tensor) else np.asarray(t)
    if value.shape != x.shape:
        raise ShapeError(f"{what}: a primal has shape {x.shape}, its tangent {value.shape}")
    if not np.can_cast(value.dtype, x.dtype, "same_kind"):
        raise DTypeError(f"{what}: a primal is {x.dtype}, its tangent {value.dtype}")
    return spell_out(value.astype(x.dtype), levels_of(x))
