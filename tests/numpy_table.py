"""Calls of NumPy's functions, one a row: the same expression in ``numpy`` and in ``autodiff``.

A row is a function of a namespace ``m`` and of operands, and what the operands are: a shape, an
``In`` (shape and interval), or an array as it is. Floating operands are differentiated.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from autodiff.primitive import In


class Row(NamedTuple):
    """One call; ``name`` begins with that of the function."""

    name: str
    call: Callable[..., Any]
    operands: tuple[Any, ...]

    def draw(self, rng: np.random.Generator, dtype: Any = np.float64) -> list[Any]:
        """Operands of the wanted dtype, all entries apart."""
        drawn = [
            In(o) if isinstance(o, tuple) and not isinstance(o, In) else o for o in self.operands
        ]
        return [o.draw(rng, dtype) if isinstance(o, In) else o for o in drawn]


def row(name: str, call: Callable[..., Any], *operands: Any) -> Row:
    """A row of the table."""
    return Row(name, call, operands)


POSITIVE = In((3, 4), 0.3, 2.0)
MASK = np.array([[True, False, True, True], [False, True, True, False], [True, True, False, True]])
GAPS = np.where(MASK, 0.0, np.nan)


def holed(m: Any, x: Any) -> Any:
    """The operand with NaN in some places."""
    return m.where(MASK, x, np.nan)


ELEMENTWISE = [
    row("cbrt", lambda m, x: m.cbrt(x), POSITIVE),
    row("fabs", lambda m, x: m.fabs(x), (3, 4)),
    row("float_power", lambda m, x, y: m.float_power(x, y), POSITIVE, (4,)),
    row("float_power-ints", lambda m, y: m.float_power(3, y), (4,)),
    row("deg2rad", lambda m, x: m.deg2rad(x), (3, 4)),
    row("rad2deg", lambda m, x: m.rad2deg(x), (3, 4)),
    row("copysign", lambda m, x: m.copysign(x, [[1.0], [-1.0], [-0.0]]), (3, 4)),
    row("heaviside", lambda m, y: m.heaviside([-1.0, 0.0, 2.0, 0.0], y), (3, 4)),
    row("fmax", lambda m, x, y: m.fmax(x, y), (3, 4), In((4,), -1.9, 2.1)),
    row("fmax-nan", lambda m, x: m.fmax(x, GAPS), (3, 4)),
    row("fmin", lambda m, x, y: m.fmin(x, y), (3, 4), In((4,), -1.9, 2.1)),
    row("fmod", lambda m, x, y: m.fmod(x, y), In((2, 3), 3.1, 3.9), In((3,), -1.4, -1.1)),
    row("divmod", lambda m, x, y: m.divmod(x, y), In((2, 3), 3.1, 3.9), In((3,), -1.4, -1.1)),
    row("modf", lambda m, x: m.modf(x), In((3, 4), -1.9, -1.1)),
    row("frexp", lambda m, x: m.frexp(x), In((3, 4), 0.6, 0.9)),
    row("ldexp", lambda m, x: m.ldexp(x, [1, 2, -3, 0]), (3, 4)),
    row("logaddexp2", lambda m, x, y: m.logaddexp2(x, y), (3, 4), (4,)),
    row("nan_to_num", lambda m, x: m.nan_to_num(holed(m, x), nan=7.0), (3, 4)),
    row("sinc", lambda m, x: m.sinc(x), (3, 4)),
    row("i0", lambda m, x: m.i0(x), (3, 4)),
    row("unwrap", lambda m, x: m.unwrap(x, axis=0), In((3, 4), -9.0, 9.0)),
    row("unwrap-period", lambda m, x: m.unwrap(x, 4.0, period=5.0), In((3, 4), -9.0, 9.0)),
]

REDUCTIONS = [
    row("sum-options", lambda m, x: m.sum(x, 0, initial=2.0, where=MASK), (3, 4)),
    row("sum-dtype", lambda m, x: m.sum(x, axis=1, dtype=np.float64), (3, 4)),
    row("prod-options", lambda m, x: m.prod(x, axis=1, initial=2.0, where=MASK), (3, 4)),
    row("mean-where", lambda m, x: m.mean(x, axis=1, where=MASK, keepdims=True), (3, 4)),
    row("max-initial", lambda m, x: m.max(x, axis=0, initial=0.25), (3, 4)),
    row("max-where", lambda m, x: m.max(x, axis=0, initial=-9.0, where=MASK), (3, 4)),
    row("min-where", lambda m, x: m.min(x, initial=9.0, where=MASK), (3, 4)),
    row("var-where", lambda m, x: m.var(x, axis=1, ddof=1, where=MASK), (3, 4)),
    row("var-mean", lambda m, x, y: m.var(x, axis=1, mean=y), (3, 4), (3, 1)),
    row("var-moving-ddof", lambda m, x, d: m.var(x, axis=0, ddof=d), (3, 4), In((), 0.3, 0.6)),
    row("var-correction", lambda m, x: m.var(x, correction=1), (3, 4)),
    row("std-where", lambda m, x: m.std(x, axis=1, where=MASK, keepdims=True), (3, 4)),
    row("ptp", lambda m, x: m.ptp(x, axis=1), (3, 4)),
    row("average", lambda m, x, w: m.average(x, axis=1, weights=w), (3, 4), In((4,), 0.5, 2.0)),
    row("average-all", lambda m, x, w: m.average(x, weights=w), (3, 4), POSITIVE),
    row("average-two", lambda m, x, w: m.average(x, (2, 0), w), (2, 3, 2), In((2, 2), 0.5, 2.0)),
    row("average-plain", lambda m, x: m.average(x, 1, returned=True), (3, 4)),
    row("cov", lambda m, x: m.cov(x), (3, 5)),
    row("cov-two", lambda m, x, y: m.cov(x, y, bias=True), (5,), (5,)),
    row("cov-columns", lambda m, x: m.cov(x, rowvar=False, ddof=0), (5, 3)),
    row("cov-counts", lambda m, x: m.cov(x, fweights=[1, 2, 1, 3, 1]), (3, 5)),
    row("cov-weights", lambda m, x, w: m.cov(x, aweights=w), (3, 5), In((5,), 0.5, 3.0)),
    row(
        "cov-both-weights",
        lambda m, x, w: m.cov(x, ddof=0, fweights=[1, 2, 1, 3, 1], aweights=w),
        (3, 5),
        In((5,), 0.5, 3.0),
    ),
    row("corrcoef", lambda m, x: m.corrcoef(x)[0, 1:], (3, 5)),
    row("median", lambda m, x: m.median(x, axis=1), (3, 4)),
    row("median-all", lambda m, x: m.median(x, keepdims=True), (3, 3)),
    row("quantile", lambda m, x: m.quantile(x, [[0.2], [0.9]], axis=1), (3, 4)),
    row("quantile-two", lambda m, x: m.quantile(x, 0.3, (0, 2), keepdims=True), (2, 3, 2)),
    row("quantile-fraction", lambda m, x, q: m.quantile(x, q, axis=0), (5, 2), In((2,), 0.1, 0.9)),
    row("percentile", lambda m, x: m.percentile(x, [10, 50], axis=0), (5, 2)),
    row("nansum", lambda m, x: m.nansum(holed(m, x), axis=1), (3, 4)),
    row("nanprod", lambda m, x: m.nanprod(holed(m, x), axis=0), (3, 4)),
    row("nanmean", lambda m, x: m.nanmean(holed(m, x), axis=1, keepdims=True), (3, 4)),
    row("nanmax", lambda m, x: m.nanmax(holed(m, x), axis=0), (3, 4)),
    row("nanmin", lambda m, x: m.nanmin(holed(m, x)), (3, 4)),
    row("nanvar", lambda m, x: m.nanvar(holed(m, x), axis=1, ddof=1), (3, 4)),
    row("nanstd", lambda m, x: m.nanstd(holed(m, x), axis=1), (3, 4)),
    row("nanmedian", lambda m, x: m.nanmedian(holed(m, x), axis=1), (3, 4)),
    row("nanquantile", lambda m, x: m.nanquantile(holed(m, x), [0.2, 0.7], axis=1), (3, 4)),
    row("nanpercentile", lambda m, x: m.nanpercentile(holed(m, x), 30, axis=0), (3, 4)),
    row("trace", lambda m, x: getattr(m, "matrix_trace", m.trace)(x, 1, 0, 2), (3, 2, 4)),
]

CUMULATIVE = [
    row("cumsum-all", lambda m, x: m.cumsum(x), (3, 4)),
    row("cumprod", lambda m, x: m.cumprod(x, axis=1), (3, 4)),
    row("cumprod-zeros", lambda m, x: m.cumprod(x * [1.0, 0.0, 1.0, 0.0], 1), (3, 4)),
    row("cumulative_sum", lambda m, x: m.cumulative_sum(x, axis=1, include_initial=True), (3, 4)),
    row("cumulative_prod", lambda m, x: m.cumulative_prod(x, axis=0, include_initial=True), (3, 4)),
    row("nancumsum", lambda m, x: m.nancumsum(holed(m, x), axis=1), (3, 4)),
    row("nancumprod", lambda m, x: m.nancumprod(holed(m, x), axis=0), (3, 4)),
    row("diff", lambda m, x: m.diff(x, 2, axis=0), (4, 2)),
    row("diff-ends", lambda m, x, y: m.diff(x, prepend=0.5, append=y), (3, 4), (3, 1)),
    row("ediff1d", lambda m, x: m.ediff1d(x, to_end=[1.0, 2.0], to_begin=3.0), (3, 4)),
    row("gradient", lambda m, x: m.gradient(x), (4, 3)),
    row("gradient-edges", lambda m, x: m.gradient(x, 0.5, axis=0, edge_order=2), (4, 3)),
    row(
        "gradient-places",
        lambda m, x, h: m.gradient(x, m.cumsum(h), axis=1, edge_order=2),
        (3, 5),
        In((5,), 0.5, 1.5),
    ),
    row("gradient-two", lambda m, x: m.gradient(x, 2.0, [0.0, 1.0, 3.0]), (4, 3)),
    row("trapezoid", lambda m, y: m.trapezoid(y, dx=0.5, axis=0), (4, 2)),
    row("trapezoid-x", lambda m, y, x: m.trapezoid(y, x), (3, 4), (4,)),
]

MOVEMENT = [
    row("roll", lambda m, x: m.roll(x, (1, -2), axis=(0, 1)), (3, 4)),
    row("roll-all", lambda m, x: m.roll(x, 5), (3, 4)),
    row("rollaxis", lambda m, x: m.rollaxis(x, 2, 1), (2, 3, 4)),
    row("rot90", lambda m, x: m.rot90(x, 3, (1, 2)), (2, 3, 4)),
    row("fliplr", lambda m, x: m.fliplr(x), (3, 4)),
    row("flipud", lambda m, x: m.flipud(x), (3, 4)),
    row("matrix_transpose", lambda m, x: m.matrix_transpose(x), (2, 3, 4)),
    row("permute_dims", lambda m, x: m.permute_dims(x, (2, 0, 1)), (2, 3, 4)),
    row("tile", lambda m, x: m.tile(x, (2, 1, 3)), (2, 3)),
    row("repeat", lambda m, x: m.repeat(x, 2, axis=0), (2, 3)),
    row("repeat-each", lambda m, x: m.repeat(x, [0, 2, 1], axis=1), (2, 3)),
    row("repeat-all", lambda m, x: m.repeat(x, 3), (2, 3)),
    row("atleast_1d", lambda m, x, y: m.atleast_1d(x, y), (), (2,)),
    row("atleast_2d", lambda m, x: m.atleast_2d(x), (3,)),
    row("atleast_3d", lambda m, x, y: m.atleast_3d(x, y), (3,), (2, 2)),
    row("broadcast_arrays", lambda m, x, y: m.broadcast_arrays(x, y), (3, 1), (4,)),
    row("meshgrid", lambda m, x, y: m.meshgrid(x, y), (3,), (2,)),
    row("meshgrid-ij", lambda m, x, y: m.meshgrid(x, y, indexing="ij", sparse=True), (3,), (2,)),
    row("diag", lambda m, x: m.diag(x, 1), (3,)),
    row("diag-of", lambda m, x: m.diag(x, -1), (3, 4)),
    row("diagflat", lambda m, x: m.diagflat(x, -1), (2, 2)),
    row("diagonal", lambda m, x: m.diagonal(x, 1, 2, 0), (4, 2, 3)),
    row("tril", lambda m, x: m.tril(x, 1), (2, 3, 4)),
    row("triu", lambda m, x: m.triu(x, -1), (3, 4)),
    row("vstack", lambda m, x, y: m.vstack([x, y]), (4,), (2, 4)),
    row("hstack", lambda m, x, y: m.hstack([x, y]), (2, 3), (2, 1)),
    row("dstack", lambda m, x, y: m.dstack([x, y]), (2, 3), (2, 3)),
    row("column_stack", lambda m, x, y: m.column_stack([x, y]), (3,), (3, 2)),
    row("block", lambda m, x, y: m.block([[x, y], [y, x]]), (2, 3), (2, 3)),
    row("block-row", lambda m, x, y: m.block([x, y]), (2, 3), (2, 1)),
    row("append", lambda m, x, y: m.append(x, y), (2, 2), (3,)),
    row("insert", lambda m, x, y: m.insert(x, 1, y, axis=1), (3, 4), (3,)),
    row("insert-many", lambda m, x, y: m.insert(x, [0, 2, 2], y, axis=0), (3, 2), (3, 2)),
    row("insert-all", lambda m, x: m.insert(x, [1, 3], 7.0), (2, 3)),
    row("delete", lambda m, x: m.delete(x, [0, 2], axis=1), (3, 4)),
    row("delete-slice", lambda m, x: m.delete(x, slice(1, None, 2)), (3, 4)),
    row("unstack", lambda m, x: m.unstack(x, axis=1), (3, 2)),
    row("hsplit", lambda m, x: m.hsplit(x, 2), (3, 4)),
    row("vsplit", lambda m, x: m.vsplit(x, [1]), (3, 4)),
    row("dsplit", lambda m, x: m.dsplit(x, 2), (2, 3, 4)),
]

PICKING = [
    row("take-wrap", lambda m, x: m.take(x, [5, -1, 2], axis=1, mode="wrap"), (3, 4)),
    row("take-clip", lambda m, x: m.take(x, [9, -1, 2], mode="clip"), (3, 4)),
    row("select", lambda m, x, y: m.select([MASK, x > 0], [x, y], 7.0), (3, 4), (4,)),
    row("choose", lambda m, x, y: m.choose([[0], [1], [0]], [x, y]), (3, 4), (4,)),
    row("choose-wrap", lambda m, x, y: m.choose([5, 2, 1, 0], [x, y], mode="wrap"), (3, 4), (4,)),
    row("compress", lambda m, x: m.compress([True, False, True], x, axis=1), (3, 4)),
    row("extract", lambda m, x: m.extract(MASK, x), (3, 4)),
    row(
        "piecewise",
        lambda m, x: m.piecewise(x, [MASK, x > 0], [m.exp, lambda z: z * z, 3.0]),
        (3, 4),
    ),
    row("trim_zeros", lambda m, x: m.trim_zeros(m.hstack([[0.0, 0.0], x, [0.0]])), (3,)),
    row("unique", lambda m, x: m.unique(x), (3, 4)),
    row("unique-rows", lambda m, x: m.unique(m.vstack([x, x]), axis=0), (2, 3)),
    row("sort-all", lambda m, x: m.sort(x, axis=None), (3, 4)),
    row("partition-all", lambda m, x: m.partition(x, range(12), axis=None), (3, 4)),
    row("bincount", lambda m, w: m.bincount([0, 3, 3, 1], w, minlength=6), (4,)),
    row("interp", lambda m, x, f: m.interp(x, [0.0, 1.0, 1.5, 3.0], f), In((9,), -1.0, 4.0), (4,)),
    row(
        "interp-points",
        lambda m, h, f: m.interp([0.9, 2.1, -1.0], m.cumsum(h), f, left=9.0),
        In((4,), 0.4, 0.7),
        (4,),
    ),
    row(
        "interp-period",
        lambda m, x, f: m.interp(x, [0.2, 2.9, 1.1, 6.0], f, period=4.0),
        In((9,), -5.0, 9.0),
        (4,),
    ),
    row(
        "interp-moving-period",
        lambda m, x, p: m.interp(x, [0.2, 2.9, 1.1, 3.0], [1.0, -1.0, 0.5, 2.0], period=p),
        In((9,), -5.0, 9.0),
        In((), 4.1, 4.2),
    ),
]

PRODUCTS = [
    row("dot", lambda m, a, b: m.dot(a, b), (2, 3), (4, 3, 2)),
    row("dot-vectors", lambda m, a, b: m.dot(a, b), (3,), (3,)),
    row("dot-scalar", lambda m, a, b: m.dot(a, b), (), (2, 3)),
    row("vdot", lambda m, a, b: m.vdot(a, b), (2, 3), (3, 2)),
    row("inner", lambda m, a, b: m.inner(a, b), (2, 3), (4, 3)),
    row("outer", lambda m, a, b: m.outer(a, b), (2, 2), (3,)),
    row("tensordot", lambda m, a, b: m.tensordot(a, b), (2, 3, 2), (3, 2, 4)),
    row(
        "tensordot-axes",
        lambda m, a, b: m.tensordot(a, b, ((0, 2), (3, 1))),
        (2, 3, 4),
        (3, 4, 1, 2),
    ),
    row("tensordot-none", lambda m, a, b: m.tensordot(a, b, 0), (2,), (3,)),
    row("vecdot", lambda m, a, b: m.vecdot(a, b, axis=0), (3, 2), (3, 1)),
    row("matvec", lambda m, a, b: m.matvec(a, b), (2, 3, 4), (4,)),
    row("vecmat", lambda m, a, b: m.vecmat(a, b), (2, 3), (3, 4)),
    row("kron", lambda m, a, b: m.kron(a, b), (2, 3), (2, 1, 2)),
    row("cross", lambda m, a, b: m.cross(a, b), (4, 3), (3,)),
    row("cross-axes", lambda m, a, b: m.cross(a, b, 0, -1, 0), (3, 4), (4, 3)),
    row("convolve", lambda m, a, v: m.convolve(a, v), (5,), (3,)),
    row("convolve-same", lambda m, a, v: m.convolve(a, v, "same"), (3,), (6,)),
    row("convolve-valid", lambda m, a, v: m.convolve(a, v, "valid"), (3,), (6,)),
    row("correlate", lambda m, a, v: m.correlate(a, v), (5,), (3,)),
    row("correlate-same", lambda m, a, v: m.correlate(a, v, "same"), (3,), (6,)),
    row("correlate-full", lambda m, a, v: m.correlate(a, v, "full"), (5,), (4,)),
    row("polyval", lambda m, p, x: m.polyval(p, x), (4,), (2, 3)),
    row("vander", lambda m, x: m.vander(x, 4), (3,)),
    row("vander-rising", lambda m, x: m.vander(x, increasing=True), (3,)),
    row("polyadd", lambda m, a, b: m.polyadd(a, b), (4,), (2,)),
    row("polysub", lambda m, a, b: m.polysub(a, b), (2,), (4,)),
    row("polymul", lambda m, a, b: m.polymul(a, b), (4,), (2,)),
    row("polyder", lambda m, p: m.polyder(p, 2), (5,)),
    row("polyint", lambda m, p: m.polyint(p, 2, k=[1.0, 2.0]), (3,)),
    row("einsum-three", lambda m, a, b, c: m.einsum("ij,jk,ki", a, b, c), (2, 3), (3, 4), (4, 2)),
]

TABLE = [*ELEMENTWISE, *REDUCTIONS, *CUMULATIVE, *MOVEMENT, *PICKING, *PRODUCTS]

# Of no derivative: the operands are drawn, the values compared.
CONSTANT = [
    row("max-empty", lambda m, x: m.max(x[:0], axis=0, initial=1.0), (3, 4)),
    row(
        "argsort-falling",
        lambda m, x: m.argsort(
            -x if m is np else x, 1, **({"stable": True} if m is np else {"descending": True})
        ),
        (3, 4),
    ),
    row("argwhere", lambda m, x: m.argwhere(x > 0), (3, 4)),
    row("bitwise_count", lambda m: m.bitwise_count([5, -3])),
    row("count_nonzero", lambda m, x: m.count_nonzero(x > 0, axis=1, keepdims=True), (3, 4)),
    row("digitize", lambda m, x: m.digitize(x, [-1.0, 0.0, 1.0]), (3, 4)),
    row("digitize-falling", lambda m, x: m.digitize(x, [1.0, 0.0, -1.0], right=True), (3, 4)),
    row("isclose", lambda m, x: m.isclose(x, m.round(4 * x) / 4, atol=0.05), (3, 4)),
    row("isclose-nan", lambda m: m.isclose(m.stack([GAPS, np.inf * GAPS]), GAPS, equal_nan=True)),
    row("isin", lambda m: m.isin([1, 2, 5], [[5, 1]], invert=True)),
    row("flatnonzero", lambda m, x: m.flatnonzero(x > 0), (3, 4)),
    row("gcd", lambda m: m.gcd([12, 18], 8)),
    row("histogram", lambda m, x: m.histogram(x, bins=3), (3, 4)),
    row("isneginf", lambda m: m.isneginf([np.inf, -np.inf, 0.0])),
    row("isposinf", lambda m: m.isposinf([np.inf, -np.inf, 0.0])),
    row("lcm", lambda m: m.lcm([12, 18], 8)),
    row("left_shift", lambda m: m.left_shift([1, 2], 3)),
    row("right_shift", lambda m: m.right_shift([16, 20], 3)),
    row("lexsort", lambda m: m.lexsort([[1, 2, 1, 2], [0, 1, 0, 0]])),
    row("nanargmax", lambda m, x: m.nanargmax(holed(m, x), axis=1), (3, 4)),
    row("nanargmin", lambda m, x: m.nanargmin(holed(m, x)), (3, 4)),
    row("nextafter", lambda m, x: m.nextafter(x, 0.0), (3, 4)),
    row("nonzero", lambda m, x: m.nonzero(x > 0), (3, 4)),
    row("searchsorted", lambda m, x: m.searchsorted([-1.0, 0.0, 1.0], x, "right"), (3, 4)),
    row(
        "searchsorted-sorter",
        lambda m, x: m.searchsorted([0.0, 1.0, -1.0], x, sorter=np.array([2, 0, 1])),
        (3, 4),
    ),
    row("signbit", lambda m, x: m.signbit(x), (3, 4)),
    row("spacing", lambda m, x: m.spacing(x), (3, 4)),
    row("unique-more", lambda m: m.unique([3, 1, 3], True, True, True)),
    row("any-where", lambda m, x: m.any(x > 0, axis=0, where=MASK), (3, 4)),
    row("all-where", lambda m, x: m.all(x > 0, axis=1, where=MASK), (3, 4)),
]
