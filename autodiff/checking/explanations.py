"""What is wrong with a rule, in words: explanations of how two gradients differ."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from autodiff.checking.tape import Array

EXPLAINED = 1e-3  # the part of a difference that an explanation may leave
NOISY = 0.05  # and the part that noise of the numeric derivative may be


@dataclass(frozen=True)
class Evidence:
    """The rule's gradient ``rule``, and the kernel's at the flat positions ``where``.

    Both are as the backward walk carries them: of a complex operand dL/dRe - i dL/dIm.
    """

    rule: Array
    where: Array
    kernel: Array
    columns: Array  # derivative of every output (rows) for each of these positions
    cotangent: Array
    noise: float = 0.0  # of the kernel's gradient: what is known of its largest error
    sideways: Array | None = None  # the columns for imaginary steps in a complex operand
    turned: Array | None = None  # the rule's answer to the conjugate of the cotangent
    summed: tuple[int, ...] = ()  # axes of terms that the backward walk adds up

    @property
    def found(self) -> Array:
        return np.asarray(self.rule.ravel()[self.where])

    def pulled(self, cotangent: Array) -> Array:
        """What the kernel's derivatives make of another cotangent."""
        flat = cotangent.ravel()
        real = np.asarray((flat @ self.columns).real)
        return real if self.sideways is None else real - 1j * (flat @ self.sideways).real

    def explains(self, candidate: Array) -> bool:
        """Whether a gradient is what the kernel says, but for a small part of the difference."""
        return self._close(candidate.ravel()[self.where], self.kernel)

    def is_rule(self, candidate: Array) -> bool:
        """Whether other values at the positions are what the rule gave."""
        return self._close(candidate, self.found)

    def _close(self, a: Array, b: Array) -> bool:
        gap = float(np.abs(self.found - self.kernel).max())
        rounding = 1e-12 * float(np.abs(self.kernel).max())
        noise = min(self.noise, NOISY * gap)
        return bool(np.abs(a - b).max() <= EXPLAINED * gap + rounding + noise)


# ---- the most telling first


def explanations(e: Evidence) -> Iterator[str]:
    """What could be wrong, in words; the last one is always true."""
    if not np.isfinite(e.found).all():
        yield "the rule gives NaN or infinity where the derivative is finite"
        return
    if e.is_rule(e.kernel):  # they differ in entries that are small beside the others
        yield _remainder(e)
    if not e.rule.any():
        yield "the rule gives zero everywhere: no gradient passes"
    yield from _conjugated(e)
    yield from _proportional(e)
    yield from _not_added(e)
    yield from _dropped(e)
    yield from _rearranged(e)
    yield from _unsummed(e)
    yield from _offset(e)
    yield _remainder(e)


def _conjugated(e: Evidence) -> Iterator[str]:
    if e.is_rule(-e.kernel):
        return  # of imaginary numbers, the conjugate is the negative
    if e.turned is not None and e.explains(np.conj(e.turned)):
        yield (
            "conjugate missing: the rule multiplies by the conjugate of what it should (a user's "
            "rule by the conjugate of the derivative, a primitive's by the derivative)"
        )
    elif e.rule.dtype.kind == "c" and e.explains(np.conj(e.rule)):
        yield "conjugate missing: the rule gives the conjugate of the gradient"


def _proportional(e: Evidence) -> Iterator[str]:
    square = float(np.vdot(e.kernel, e.kernel).real)
    if not square:
        return
    ratio = complex(np.vdot(e.kernel, e.found)) / square
    if not e.is_rule(ratio * e.kernel):
        return
    if abs(ratio.imag) > 1e-9 * abs(ratio):
        yield f"factor {ratio:.6g}: the rule gives the derivative times this"
        return
    factor = ratio.real
    if abs(factor + 1.0) < 1e-9:
        yield "sign: the rule gives the negative of the derivative"
        return
    text = f"factor {_number(factor)}: the rule gives the derivative times this"
    for axis, n in enumerate(e.cotangent.shape):
        if n > 1 and abs(factor * n - 1.0) < 1e-9:
            text += f" (1/{n}: a mean in place of the sum over axis {axis})"
            break
        if n > 1 and abs(factor - n) < 1e-6:
            text += f" ({n}: the size of axis {axis})"
            break
    yield text


def _number(x: float) -> str:
    return f"{x:.6g}" if abs(x - 1.0) > 1e-4 else f"1 {'+' if x > 1 else '−'} {abs(x - 1.0):.2g}"


def _wrong(e: Evidence) -> Array:
    top = float(np.abs(e.kernel).max()) or 1.0
    gap = np.abs(e.found - e.kernel)
    # Beside a large error, the noise of the numbers themselves is one as well; where none is large
    # beside the largest number, each is held to its own size.
    size = top if gap.max() > 1e-11 * top else np.abs(e.kernel)
    return np.asarray(gap > 1e-9 * float(gap.max()) + 1e-11 * size)


def _dropped(e: Evidence) -> Iterator[str]:
    wrong = _wrong(e)
    if wrong.any() and not e.found[wrong].any() and not wrong.all():
        count, size = int(wrong.sum()), e.rule.size
        looked = f"of {size:,}"
        if len(e.where) < size:
            looked = f"of {len(e.where):,} looked at, {size:,} in all"
        entries = "1 entry is" if count == 1 else f"{count:,} entries are"
        yield f"dropped: {entries} zero that should not be ({looked})"


def _not_added(e: Evidence) -> Iterator[str]:
    """Terms of a sum over a broadcast axis that are zero but for one index."""
    if len(e.where) < e.rule.size:
        return
    right = e.kernel.reshape(e.rule.shape)
    for axes in (e.summed, *((k,) for k in e.summed)):
        chosen: list[Any] = [slice(None)] * right.ndim
        for k in axes:
            chosen[k] = slice(0, 1)
        part = np.zeros(right.shape, right.dtype)
        part[tuple(chosen)] = right[tuple(chosen)]
        if axes and e.is_rule(part.ravel()):
            yield (
                f"missing sum over {_axes(axes)}: the operand is broadcast there, and only index 0 "
                "is counted"
            )


def _axes(axes: tuple[int, ...]) -> str:
    return f"axis {axes[0]}" if len(axes) == 1 else f"the axes {', '.join(map(str, axes))}"


def _rearranged(e: Evidence) -> Iterator[str]:
    shape, rule = e.rule.shape, e.rule
    if len(shape) >= 2:
        turned = np.swapaxes(rule, -1, -2)
        swapped = (*shape[:-2], shape[-1], shape[-2])
        # A transpose of other sizes must have been reshaped to fit.
        for candidate in (turned, np.swapaxes(rule.reshape(swapped), -1, -2)):
            if candidate.shape == shape and e.explains(candidate):
                yield "transposed: the last two axes are exchanged"
                return
        if e.explains(np.transpose(rule.reshape(shape[::-1]))):
            yield "transposed: the axes are in reverse order"
            return
    for axis, n in enumerate(shape):
        for k in (1, -1):
            if n > 1 and e.explains(np.roll(rule, -k, axis)):
                yield f"shifted index: entries stand {abs(k)} too {_side(k)} along axis {axis}"
            elif n > 2 and e.explains(_slid(rule, -k, axis, e)):
                yield (
                    f"shifted index: entries stand {abs(k)} too {_side(k)} along axis {axis}, and "
                    "those at the end are lost"
                )
        if n > 1 and e.explains(np.flip(rule, axis)):
            yield f"reversed: entries stand in the opposite order along axis {axis}"


def _side(k: int) -> str:
    return "high" if k > 0 else "low"


def _slid(rule: Array, k: int, axis: int, e: Evidence) -> Array:
    """The rule's gradient moved along an axis; what would come from outside is taken as right."""
    moved = np.roll(rule, k, axis).copy()
    edge = [slice(None)] * rule.ndim
    edge[axis] = slice(-1, None) if k < 0 else slice(0, 1)
    known = np.zeros(rule.size, rule.dtype)
    known[e.where] = e.kernel
    moved[tuple(edge)] = known.reshape(rule.shape)[tuple(edge)]
    return moved


def _unsummed(e: Evidence) -> Iterator[str]:
    """One index of the output in place of the sum over all of them."""
    v = e.cotangent
    for axis, n in enumerate(v.shape):
        for k in (0, n - 1) if n > 1 else ():
            part = np.zeros(v.shape, v.dtype)
            chosen: list[Any] = [slice(None)] * v.ndim
            chosen[axis] = k
            part[tuple(chosen)] = v[tuple(chosen)]
            if e.is_rule(e.pulled(part)):
                yield (
                    f"missing sum over axis {axis}: only index {k} of the {n} that the operand "
                    "acts on is counted"
                )


def _offset(e: Evidence) -> Iterator[str]:
    gap = e.found - e.kernel
    middle = np.mean(gap).item()
    if len(gap) > 2 and middle and e.is_rule(e.kernel + middle):
        yield f"offset: {middle:.6g} is added to every entry"


def _remainder(e: Evidence) -> str:
    wrong = _wrong(e)
    count, looked = int(wrong.sum()), len(e.where)
    with np.errstate(all="ignore"):
        ratio = (e.found / e.kernel)[wrong]
        ratio = np.abs(ratio) if np.iscomplexobj(ratio) else ratio
    ratio = ratio[np.isfinite(ratio)]
    where = (
        "wrong in all entries looked at"
        if count == looked
        else f"wrong in {count:,} of {looked:,} entries looked at, right in the others"
    )
    if not len(ratio):
        return f"{where}: a gradient where the derivative is zero"
    return f"{where}: {ratio.min():.6g} to {ratio.max():.6g} times the derivative"
