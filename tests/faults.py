"""Sound primitives and broken ones, a fault each, that ``test_checkers`` shows to the checks."""

from __future__ import annotations

from typing import Any

import numpy as np

import autodiff as ad
from autodiff.errors import ShapeError
from autodiff.families import Elementwise, Linear
from autodiff.node import Aval
from autodiff.primitive import Case, In, absent
from autodiff.tensor import KEEP_ALL

ANY = ((-2.0, 2.0),)
TWO = ((-2.0, 2.0), (0.5, 2.0))


def cube(x: Any, out: Any = None) -> Any:
    return np.power(x, 3, out=out)


class Cube(Elementwise, register=False):
    """A sound primitive: the cube of x.

    >>> 2**3
    8
    """

    name = "sound_cube"
    kernel = staticmethod(cube)
    reference = staticmethod(lambda x: x * x * x)
    partials = (lambda x: 3 * x * x,)
    intervals = ANY
    special = (0.0,)

    def infer_dtype(self, *dtypes: Any) -> Any:
        return np.power.resolve_dtypes((dtypes[0], int, None))[-1]


class Quotient(Elementwise, register=False):
    """A sound primitive of two operands."""

    name = "sound_quotient"
    kernel = np.divide
    products = (lambda g, b: g / b, lambda g, y, b: -g * y / b)
    intervals = TWO


class Rows(Linear, register=False):
    """A sound primitive: sums over the last axis."""

    name = "sound_rows"
    kernel = staticmethod(lambda x: np.sum(x, axis=-1))
    transpose = staticmethod(lambda g, x_aval: ad.broadcast_to(ad.expand_dims(g, -1), x_aval.shape))
    cases = (Case((In((2, 3)),)), Case((In((0, 2)),)))

    def infer(self, *avals: Any, **params: Any) -> Aval:
        (x,) = avals
        if not x.shape:
            raise ShapeError(f"sound_rows: expected an axis, got {x!r}")
        return Aval(x.shape[:-1], np.sum(np.empty(0, x.dtype)).dtype)

    def batch(self, mapped: Any, *operands: Any, **params: Any) -> Any:
        return np.sum(operands[0], axis=-1)


class WrongShapeRule(Rows, register=False):
    """The shape rule keeps the summed axis."""

    name = "wrong_shape_rule"

    def infer(self, *avals: Any, **params: Any) -> Aval:
        return Aval((*avals[0].shape[:-1], 1), avals[0].dtype)


class WrongDtypeRule(Cube, register=False):
    """The dtype rule says float64 whatever comes."""

    name = "wrong_dtype_rule"

    def infer_dtype(self, *dtypes: Any) -> Any:
        return np.dtype(np.float64)


class AcceptingRule(Cube, register=False):
    """The dtype rule accepts what the kernel refuses: NumPy has no ``-`` for booleans."""

    name = "accepting_rule"
    kernel = np.negative

    def infer_dtype(self, *dtypes: Any) -> Any:
        return dtypes[0]


class WrongKernel(Cube, register=False):
    """The kernel is not what the reference is."""

    name = "wrong_kernel"
    kernel = staticmethod(lambda x: x * x * x * (1 + 1e-9))


class WrongPartial(Cube, register=False):
    """The factor 3 is missing."""

    name = "wrong_partial"
    partials = (lambda x: x * x,)


class SlightlyWrongPartial(Cube, register=False):
    """A factor is off by 1e-9: below what differences see, above what a complex step sees."""

    name = "slightly_wrong_partial"
    partials = (lambda x: 3 * (1 + 1e-9) * (x * x),)


class SwappedProducts(Quotient, register=False):
    """The sign of the second partial is wrong."""

    name = "swapped_products"
    products = (lambda g, b: g / b, lambda g, y, b: g * y / b)


class FirstOrderOnly(Cube, register=False):
    """The rule computes on bare values: right once, and silently constant after."""

    name = "first_order_only"
    partials = (lambda x: 3 * np.square(x.data if isinstance(x, ad.Tensor) else x),)


class WrongTranspose(Rows, register=False):
    """The transpose doubles, and push, which is the operation itself, does not."""

    name = "wrong_transpose"
    transpose = staticmethod(
        lambda g, x_aval: ad.broadcast_to(ad.expand_dims(2 * g, -1), x_aval.shape)
    )


class WrongForward(Cube, register=False):
    """The forward rule forgets a factor."""

    name = "wrong_forward"

    def push(self, tangents: Any, y: Any, operands: Any, **params: Any) -> Any:
        return tangents[0] * operands[0]


class WrongForwardDtype(Cube, register=False):
    """The forward rule gives float32 for float64."""

    name = "wrong_forward_dtype"

    def push(self, tangents: Any, y: Any, operands: Any, **params: Any) -> Any:
        return (tangents[0] * 3 * operands[0] ** 2).astype(np.float32)


class WrongBatch(Rows, register=False):
    """The batching rule sums the batch."""

    name = "wrong_batch"

    def batch(self, mapped: Any, *operands: Any, **params: Any) -> Any:
        return np.sum(operands[0], axis=0)


class BatchOfOne(Quotient, register=False):
    """The batching rule forgets that an operand may have no batch."""

    name = "batch_of_one"
    cases = (Case((In((2, 3), 0.5), In((3,), 0.5))),)

    def batch(self, mapped: Any, *operands: Any, **params: Any) -> Any:
        return np.divide(*operands)


class KeepsTooMuch(Quotient, register=False):
    """Keeps every operand and the output."""

    name = "keeps_too_much"

    def keeps(self, key: int) -> Any:
        return KEEP_ALL, True


class KeepsOutput(Cube, register=False):
    """Keeps an output that no rule reads."""

    name = "keeps_output"

    def keeps(self, key: int) -> Any:
        return (0,), True


HIDDEN: list[Any] = []


def remember(x: Any, out: Any = None) -> Any:
    HIDDEN[:] = [x]
    return cube(x)


class ReadsHidden(Cube, register=False):
    """The rule reads a value that it did not declare."""

    name = "reads_hidden"
    kernel = staticmethod(remember)
    partials = (lambda x_aval: 3 * HIDDEN[0] ** 2,)


class TakesAway(Cube, register=False):
    """Says of an entry that has a gradient that it has none."""

    name = "takes_away"
    selects = True

    def presence(self, i: int, mask: Any, node: Any) -> Any:
        return np.zeros(node.shape, bool)


class ForgetsMask(Rows, register=False):
    """Drops the mask of the cotangent: what is absent comes back as zeros."""

    name = "forgets_mask"

    def presence(self, i: int, mask: Any, node: Any) -> Any:
        return None


class NotSelecting(Linear, register=False):
    """Takes the first row and does not say so."""

    name = "not_selecting"
    kernel = staticmethod(lambda x: x[:1])
    transpose = staticmethod(lambda g, x_aval: ad.concatenate([g, np.zeros((2, 2))]))
    cases = (Case((In((3, 2)),)),)
    selects = True

    def infer(self, *avals: Any, **params: Any) -> Aval:
        return Aval((1, *avals[0].shape[1:]), avals[0].dtype)

    def batch(self, mapped: Any, *operands: Any, **params: Any) -> Any:
        return operands[0][:, :1]

    def presence(self, i: int, mask: Any, node: Any) -> Any:
        return None


class MemoryOrder(Cube, register=False):
    """The kernel reads memory in the order in which it lies."""

    name = "memory_order"
    kernel = staticmethod(lambda x: (np.ravel(x, order="K") ** 3).reshape(x.shape))


class WritesOperand(Cube, register=False):
    """The kernel works in place."""

    name = "writes_operand"
    kernel = staticmethod(lambda x: np.power(x, 3, out=x))


def scale_in_place(g: Any, x: Any) -> Any:
    np.multiply(g, 3, out=g)
    return g * x * x


class WritesCotangent(Cube, register=False):
    """The rule works in place on what it was given."""

    name = "writes_cotangent"
    partials = None
    products = (scale_in_place,)


class IgnoresOut(Cube, register=False):
    """``out`` is accepted and not used."""

    name = "ignores_out"
    kernel = staticmethod(lambda x, out=None: x * x * x)


class HalfOut(Cube, register=False):
    """``out`` is returned, with other values."""

    name = "half_out"
    kernel = staticmethod(lambda x, out=None: cube(x) if out is None else np.square(x, out=out))


class WideGradient(Cube, register=False):
    """In float32 half of the digits are lost."""

    name = "wide_gradient"
    partials = (lambda x: 3 * x * x if x.dtype == np.float64 else 3 * x * x * np.float32(1.01),)


class ReadsShapeOfNumber(Quotient, register=False):
    """The rule takes each operand for an array: with a number the gradient is another one."""

    name = "reads_shape_of_number"
    products = (
        lambda g, b: g if type(b) is float else g / b,
        lambda g, y, b: -g * y / b,
    )


class BreaksAtZero(Cube, register=False):
    """The derivative is written as a quotient that is 0/0 at 0."""

    name = "breaks_at_zero"
    partials = None
    products = (lambda g, x, y: g * 3 * y / x,)


class NoError(Rows, register=False):
    """What must raise does not."""

    name = "no_error"
    errors = ((Case((In((2, 3)),)), ShapeError, "expected an axis"),)


class WrongText(Rows, register=False):
    """The error says something else."""

    name = "wrong_text"
    kernel = staticmethod(lambda x: np.sum(x, axis=-1) if x.ndim else np.sum(x, axis=7))
    errors = ((Case((In(()),)), ShapeError, "needs two axes"),)


class SilentAbsent(Cube, register=False):
    """A rule that cannot exist, which gives a gradient all the same."""

    name = "silent_absent"
    partials = (absent("has no derivative"),)


class LeavesHistory(Cube, register=False):
    """Said to have no derivative, recorded all the same."""

    name = "leaves_history"
