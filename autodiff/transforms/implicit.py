"""Implicit differentiation: the root of a function, and the fixed point of an iteration.

The solver is not recorded. By the implicit function theorem the derivative follows from the
function at the solution alone: for f(x, a) = 0 it is dx/da = -(df/dx)^-1 df/da. The rules are
written for a record that can be recorded again, so that they hold to any order.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from autodiff.batched import active_levels, lift_all, spell_out
from autodiff.errors import DTypeError, GradientError, ShapeError
from autodiff.node import Argument, Node, serials
from autodiff.ops.joining import concatenate
from autodiff.ops.movement import expand_dims, moveaxis, ravel, reshape, squeeze
from autodiff.primitive import OUTPUT, Bound, Primitive
from autodiff.recording import current, pop, push
from autodiff.registry import PRIMITIVES, public
from autodiff.tensor import Tensor, apply, raw, shape_of, whole, wrap
from autodiff.transforms.arguments import plain
from autodiff.transforms.batch import vmap
from autodiff.transforms.derived import jacobian
from autodiff.transforms.enclosed import captured, enclose, pull_inside, stand_in
from autodiff.transforms.tangents import Tape
from autodiff.transforms.walk import read
from autodiff.tree import align, flatten

__all__ = ["fixed_point", "root"]


@public
def root(
    f: Callable[[Any], Any],
    x0: Any,
    *,
    solver: Callable[[Callable[[Any], Any], Any], Any] | None = None,
    tol: float = 1e-10,
    max_steps: int = 50,
) -> Any:
    r"""The solution of ``f(x) = 0``, differentiable by what ``f`` captured.

    .. math:: f(x, a) = 0, \qquad
        \frac{dx}{da} = -\Big(\frac{\partial f}{\partial x}\Big)^{-1} \frac{\partial f}{\partial a}

    Parameters
    ----------
    f : callable
        Of an array or a nested container of them, to as many values in the same structure. What
        gradients are wanted for, it captures.
    x0 : array_like or nested containers
        Where the search begins; it has no gradient.
    solver : callable, optional
        ``solver(f, x0) -> x``, any algorithm; nothing in it is recorded. Newton's method, with the
        whole Jacobian, where it is not given.
    tol : float
        Newton's method ends where no entry of f is larger.
    max_steps : int
        The most of its steps.

    Raises
    ------
    GradientError
        No root was found in so many steps.
    ShapeError
        ``f`` returns another number of values than x has.
    LinAlgError
        The Jacobian is singular.

    Source: Blondel et al., "Efficient and modular implicit differentiation" (2022).

    >>> import autodiff as ad
    >>> round(ad.grad(lambda a: ad.root(lambda x: x * x - a, 1.0))(4.0), 12)
    np.float64(0.25)
    """

    def newton(flat: Callable[[Any], Any], x: Any) -> Any:
        for _ in range(max_steps):
            r = flat(x)
            if _settled(r, tol):
                return x
            x = x - _solve(jacobian(flat)(x), r)
        if _settled(flat(x), tol):
            return x
        raise GradientError(
            f"root: Newton's method found none in {max_steps} steps; the largest entry of f is "
            f"{np.max(np.abs(whole(flat(x)))):.3g}. Begin nearer to it, allow more max_steps or a "
            "larger tol, or give another solver"
        )

    return _Problem(f, x0, "root", solver, newton).solve()


@public
def fixed_point(
    f: Callable[[Any], Any],
    x0: Any,
    *,
    solver: Callable[[Callable[[Any], Any], Any], Any] | None = None,
    tol: float = 1e-12,
    max_steps: int = 10_000,
) -> Any:
    r"""The solution of ``x = f(x)``, differentiable by what ``f`` captured.

    .. math:: x = f(x, a), \qquad \frac{dx}{da} =
        \Big(1 - \frac{\partial f}{\partial x}\Big)^{-1} \frac{\partial f}{\partial a}

    By default f is repeated until x stands still, and so is the product with its derivative in the
    rules: no matrix is made, so x may be large, and f must be a contraction there.

    Parameters
    ----------
    f : callable
        Of an array or a nested container of them, to one of the same structure and shapes. What
        gradients are wanted for, it captures.
    x0 : array_like or nested containers
        Where the iteration begins; it has no gradient.
    solver : callable, optional
        ``solver(f, x0) -> x``, any algorithm; nothing in it is recorded.
    tol : float
        It stands still where no entry moves by more than ``tol`` times its size, or times 1.
    max_steps : int
        The most repetitions, also in the rules.

    Raises
    ------
    GradientError
        It did not stand still after so many steps.
    ShapeError
        ``f`` returns another number of values than x has.

    Source: Christianson, "Reverse accumulation and attractive fixed points" (1994).

    >>> import autodiff as ad
    >>> heron = lambda a: ad.fixed_point(lambda x: (x + a / x) / 2, 1.0)
    >>> heron(4.0), ad.grad(heron)(4.0)
    (np.float64(2.0), np.float64(0.25))
    """

    def repeat(flat: Callable[[Any], Any], x: Any) -> Any:
        for _ in range(max_steps):
            new = flat(x)
            if _settled(new - x, tol, x):
                return new
            x = new
        raise GradientError(
            f"fixed_point: x still moves after {max_steps} steps, by up to "
            f"{np.max(np.abs(whole(flat(x) - x))):.3g}: f is no contraction there, or tol "
            f"({tol:g}) is below what rounding allows; give another solver, or see ad.root"
        )

    return _Problem(f, x0, "fixed_point", solver, repeat, tol, max_steps).solve()


def _settled(r: Any, tol: float, x: Any = 0.0) -> bool:
    scale = np.maximum(np.abs(whole(x)), 1.0)
    return bool(np.all(np.abs(whole(r)) <= tol * scale))


def _solve(a: Any, b: Any) -> Any:
    """The solution of a y = b for one right-hand side."""
    return squeeze(apply(PRIMITIVES["solve"], a, expand_dims(b, -1)), -1)


class _Problem:
    """An equation for a vector: the user's function between flat vectors, and how it is solved."""

    def __init__(
        self,
        f: Callable[[Any], Any],
        x0: Any,
        what: str,
        solver: Any,
        default: Callable[[Any, Any], Any],
        tol: float = 0.0,
        max_steps: int = 0,
    ) -> None:
        self.f, self.what, self.solver, self.default = f, what, solver, default
        self.tol, self.max_steps = tol, max_steps
        self.levels = active_levels()
        self.outer: list[Node] = []
        self.value: Any = None
        self.tree = x0
        leaves, self.rebuild = flatten(x0)
        self.as_tensor = any(isinstance(x, Tensor) for x in leaves)
        self.shapes = [shape_of(x) for x in leaves]
        arrays = [plain(x, True) if isinstance(x, Tensor) else np.asarray(x) for x in leaves]
        if not arrays or any(x.dtype.kind not in "fc" for x in arrays):
            raise DTypeError(
                f"{what}: x0 is a floating number or array, or a container of them, got {x0!r}; "
                "write 1.0 instead of 1"
            )
        self.x0 = self._flat(arrays)

    def __repr__(self) -> str:
        return f"<{self.what} of {getattr(self.f, '__name__', type(self.f).__name__)}>"

    def _flat(self, leaves: Sequence[Any]) -> Any:
        return ravel(leaves[0]) if len(leaves) == 1 else concatenate([ravel(x) for x in leaves])

    def unflat(self, v: Any) -> Any:
        """The structure of x around the entries of a vector."""
        if len(self.shapes) == 1:
            return self.rebuild([reshape(v, self.shapes[0])])
        parts, start = [], 0
        for shape in self.shapes:
            stop = start + math.prod(shape)
            parts.append(reshape(v[start:stop], shape))
            start = stop
        return self.rebuild(parts)

    def flat(self, v: Any) -> Any:
        """The user's function of a vector."""
        value = self.f(self.unflat(v))
        try:
            leaves = align(self.tree, value, f"{self.what}: what the function returned")
        except ValueError as error:
            raise ShapeError(str(error)) from None
        shapes = [shape_of(y) for y in leaves]
        if shapes != self.shapes:
            raise ShapeError(
                f"{self.what}: x has the shapes {self.shapes}, what the function returned "
                f"{shapes} (expected the same)"
            )
        return self._flat(
            [y if isinstance(y, (Tensor, np.ndarray)) else np.asarray(y) for y in leaves]
        )

    # ---- the solution

    def solve(self) -> Any:
        """The solution, as one node that depends on what the function captured."""
        recording = current().recording
        x = self._search()
        if self.levels:
            x = spell_out(x, self.levels)
        value = x._data if isinstance(x, Tensor) else x
        result: Any = wrap(value) if self.as_tensor else value
        if recording:
            start, y, edge = self.run(wrap(value))
            if isinstance(y, Tensor) and y.requires_grad:
                outer = captured([y.node], [start.node], edge)
                if outer:
                    self.outer = outer
                    stands = map(stand_in, outer)
                    self.value = value
                    result = apply(SOLUTION, *stands, function=self)
                    return self._give(result)
        if current().keep_all:
            result = self._search(traced=True)  # for a graph that is run again, all the steps
            return self._give(spell_out(result, self.levels) if self.levels else result)
        return self._give(result)

    def _give(self, result: Any) -> Any:
        result = lift_all(result, self.levels)
        return self.rebuild([_number(x) for x in flatten(self.unflat(result))[0]])

    def _search(self, traced: bool = False) -> Any:
        x = self.x0
        if self.levels:
            x = lift_all(spell_out(x, self.levels), self.levels)
        state = push(recording=traced, forward=False, keep_all=traced)
        try:
            if self.solver is None:
                with np.errstate(all="ignore"):
                    return self.default(self.flat, x)
            found = self.solver(lambda tree: self.f(tree), self.unflat(x))
            return self._flat(align(self.tree, found, f"{self.what}: what the solver returned"))
        finally:
            pop(state)

    def run(self, x: Any, forward: bool = False) -> tuple[Tensor, Any, int]:
        """The function at what stands behind the solution, recorded: start, value and edge."""
        state = push(recording=True, keep_all=False, levels=self.levels, forward=forward or None)
        try:
            if x.requires_grad:
                ((start,), edge) = enclose([x])
            else:
                edge = next(serials)
                start = wrap(x._data, Argument(x.shape, x.dtype, needs=True))
            y = self.flat(lift_all(start, self.levels))
            if self.levels:
                y = spell_out(y, self.levels)
            return start, y, edge
        finally:
            pop(state)

    # ---- the linear equations of the derivatives

    def backward(self, g: Any, x: Any, outer: Sequence[Node], record: bool) -> list[Any]:
        """The cotangents of what was captured."""
        start, y, edge = self.run(x)

        def pull(u: Any) -> Any:
            now = current().recording and record
            (found,) = pull_inside([(y, u)], [start.node], (), edge, now, self.what)
            return np.zeros(start.shape, start.dtype) if found is None else found

        u = self._linear(pull, g)
        return pull_inside([(y, u)], [start.node], outer, edge, record, self.what)[1:]

    def forward(self, tangents: dict[Any, Any], x: Any, record: bool) -> Any:
        """The tangent of the solution, from those of what was captured."""
        start, y, edge = self.run(x, forward=True)
        fixed = Tape([*tangents], [y.node], edge).push(tangents, record).get(y.node)
        if fixed is None:
            return None
        along = Tape([start.node], [y.node])

        def push_along(t: Any) -> Any:
            now = current().recording and record
            found = along.push({start.node: t}, now).get(y.node)
            return np.zeros(start.shape, start.dtype) if found is None else found

        return self._linear(push_along, fixed)

    def _linear(self, product: Callable[[Any], Any], g: Any) -> Any:
        """The solution u of (1 - J) u = g for a fixed point, of -J u = g for a root."""
        if self.what == "fixed_point":
            return fixed_point(lambda u: g + product(u), g, tol=self.tol, max_steps=self.max_steps)
        size = sum(map(math.prod, self.shapes))
        shape = tuple(level.size for level in self.levels)
        dtype = self.x0.dtype
        units = np.eye(size, dtype=dtype).reshape(size, *(1,) * len(shape), size)
        columns = vmap(product)(np.broadcast_to(units, (size, *shape, size)).copy())
        return -_solve(moveaxis(columns, 0, -1), g)


def _number(x: Any) -> Any:
    """An array of no axes as a NumPy scalar, as results of transforms are."""
    return x[()] if isinstance(x, np.ndarray) else x


class Solution(Primitive, register=False):
    """The solution of an equation, by what its function captured."""

    name = "solution"
    arguments = None
    foreign = True
    vjp = jvp = ()
    kernel = staticmethod(lambda *outer, function: function.value)
    cases = ()

    def infer(self, *avals: Any, **params: Any) -> Any:
        raise TypeError("solution: the function itself is traced")

    def batch(self, mapped: tuple[bool, ...], *operands: Any, **params: Any) -> Any:
        raise TypeError("solution: the function itself is batched")

    def variadic(self, count: int) -> Sequence[Bound | None]:
        return (Bound(None, (OUTPUT,)),) * count

    def joint(self, g: Any, node: Node, record: bool) -> tuple[Any, ...]:
        """The gradient by the implicit function theorem."""
        (x,) = read((OUTPUT,), node, True)
        record = record and current().recording
        if not record:
            x = wrap(node.output)
        return tuple(node.params["function"].backward(g, x, node.inputs, record))

    def push(self, tangents: Sequence[Any], y: Any, operands: Sequence[Any], **params: Any) -> Any:
        """The tangent by the implicit function theorem."""
        problem, record = params["function"], current().recording
        pairs = zip(problem.outer, tangents, strict=True)
        moving = {node: t for node, t in pairs if t is not None}
        if not moving:
            return None
        return problem.forward(moving, y if record else wrap(raw(y)), record)

    def presence(self, i: int, mask: Any, node: Node) -> Any:
        """Nothing is known of which entries of the output an input reaches."""
        if mask is None or mask.any():
            return None
        return np.zeros(node.inputs[i].shape, bool)


SOLUTION = Solution()
