"""Contractions: ``matmul`` and ``einsum``, linear in each operand."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from autodiff.errors import DTypeError, ShapeError
from autodiff.families import Multilinear, align_ranks, broadcast_shapes
from autodiff.node import Aval
from autodiff.ops.indexing import getitem
from autodiff.ops.movement import as_array, reshape, swapaxes, transpose
from autodiff.ops.reduction import sum as sum_over
from autodiff.primitive import Bound, Case, In
from autodiff.registry import PRIMITIVES, public
from autodiff.tensor import apply, apply_binary, aval_of

__all__ = ["einsum", "matmul"]

# string.ascii_letters; importing `string` compiles a regular expression, a millisecond of start-up.
_LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"


# ---- matmul


def _matmul(a: Any, b: Any, out: Any = None) -> Any:
    if b.ndim > 2 and a.shape[:-2] == b.shape[:-2] and b.size and not any(b.strides[:-2]):
        b = b[(0,) * (b.ndim - 2)]  # one matrix, repeated: as `vmap` of a gradient makes of weights
    if b.ndim > 2 or a.ndim <= 2 or not (out is None or out.flags.c_contiguous):
        return np.matmul(a, b, out=out)
    # One large product instead of one small product for each entry of the batch.
    rows = math.prod(a.shape[:-1])
    flat = None if out is None else out.reshape(rows, b.shape[1])
    product = np.matmul(a.reshape(rows, a.shape[-1]), b, out=flat)
    return product.reshape(*a.shape[:-1], b.shape[1]) if out is None else out


def _turned(x: Any) -> Any:
    """The matrices transposed; by the method where nothing is recorded, at a tenth of the cost."""
    return x.swapaxes(-1, -2) if type(x) is np.ndarray else swapaxes(x, -1, -2)


def _pull_b(g: Any, a: Any, b_aval: Any) -> Any:
    if b_aval.ndim == 2 and a.ndim > 2:
        a = reshape(a, (math.prod(a.shape[:-1]), a.shape[-1]))
        g = reshape(g, (a.shape[0], g.shape[-1]))
    if type(a) is np.ndarray is type(g) and a.ndim > 2 and a.shape[-2] == 1:
        return _turned(a) * g  # of one row each, at a third of the time of `matmul`
    return matmul(_turned(a), g)


class MatMul(Multilinear):
    """Matrix products of the last two axes; the axes before them broadcast."""

    name = "matmul"
    arguments = ("a", "b")
    kernel = staticmethod(_matmul)
    broadcasts = True
    transposes = (lambda g, b: matmul(g, _turned(b)), _pull_b)
    cases = (
        Case((In((2, 3)), In((3, 4)))),
        Case((In((5, 2, 3)), In((3, 4)))),
        Case((In((2, 3)), In((5, 3, 4)))),
        Case((In((2, 1, 2, 3)), In((3, 3, 2)))),
        Case((In((1, 2, 3)), In((3, 2)))),
        Case((In((2, 0)), In((0, 3)))),
        Case((In((0, 2, 3)), In((3, 2)))),
    )
    errors = (
        (Case((In((2, 3)), In((4, 5)))), ShapeError, "(3) and axis -2 of b (4)"),
        (Case((In((2, 3)), In((2, 3)))), ShapeError, "b.T would fit"),
        (Case((In((2, 2, 3)), In((3, 3, 2)))), ShapeError, "do not broadcast"),
        (Case((In(()), In((3, 2)))), ShapeError, "multiply"),
    )

    def infer(self, a: Any, b: Any) -> Aval:
        check_product(a, b)
        batch = broadcast_shapes(
            "matmul", [Aval(a.shape[:-2], a.dtype, a.name), Aval(b.shape[:-2], b.dtype, b.name)]
        )
        dtype = np.matmul.resolve_dtypes((np.dtype(a.dtype), np.dtype(b.dtype), None))[-1]
        return Aval((*batch, a.shape[-2], b.shape[-1]), dtype)

    def batch(self, mapped: tuple[bool, ...], a: Any, b: Any) -> Any:
        return matmul(*align_ranks(mapped, (a, b)))


def check_product(a: Any, b: Any) -> None:
    """Raise ShapeError where two avals have no matrix product."""
    for label, x in (("a", a), ("b", b)):
        if len(x.shape) == 0:
            raise ShapeError(
                f"matmul: {label} is a scalar ({a!r} and {b!r}); multiply by a scalar with *"
            )
    inner = b.shape[-2] if len(b.shape) > 1 else b.shape[0]
    if a.shape[-1] == inner:
        return
    axis = "axis -2" if len(b.shape) > 1 else "axis 0"
    wanted = (a.shape[-1], "n") if len(b.shape) > 1 else (a.shape[-1],)
    hint = (
        f"a b of shape ({', '.join(map(str, wanted))}{',' if len(wanted) == 1 else ''}) would fit"
    )
    if len(b.shape) == 2 and b.shape[-1] == a.shape[-1]:
        hint = "b.T would fit"
    elif len(a.shape) == 2 and a.shape[0] == inner:
        hint = "a.T would fit"
    raise ShapeError(
        f"matmul: {a!r} and {b!r} do not fit: axis -1 of a ({a.shape[-1]}) and {axis} of b "
        f"({inner}) "
        f"must have equal sizes; {hint}"
    )


@public
def matmul(a: Any, b: Any, /) -> Any:
    r"""Matrix product, as ``numpy.matmul``; ``a @ b`` on Tensors.

    .. math:: y_{\ldots ij} = \sum_k a_{\ldots ik} b_{\ldots kj}, \qquad
        \bar a = \bar y b^\top, \quad \bar b = a^\top \bar y

    Parameters
    ----------
    a : array_like, shape (..., m, k) or (k,)
    b : array_like, shape (..., k, n) or (k,)
        The leading axes broadcast. An operand with one axis is a row on the left, a column on the
        right, and that axis is dropped from the result.

    Raises
    ------
    ShapeError
        The inner axes differ, the leading axes do not broadcast, or an operand is a scalar.

    Reference: Giles, "An extended collection of matrix derivative results" (2008), 2.2.

    >>> import autodiff as ad
    >>> a = ad.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    >>> ad.gradients((a @ ad.tensor([1.0, -1.0])).sum(), a)
    Tensor([[ 1., -1.],
            [ 1., -1.]])
    """
    a, b = as_array(a), as_array(b)
    rows, columns = a.ndim == 1, b.ndim == 1
    plain = type(a) is np.ndarray is type(b) and a.ndim > 1 and b.ndim == 2
    if plain and a.shape[-1] == b.shape[0]:
        return _matmul(a, b)  # as rules call it on bare arrays: nothing to wrap, record or explain
    if not (rows or columns):
        return apply_binary(PRIMITIVES["matmul"], a, b)
    check_product(aval_of(a), aval_of(b))
    y = apply(
        PRIMITIVES["matmul"],
        reshape(a, (1, a.size)) if rows else a,
        reshape(b, (b.size, 1)) if columns else b,
    )
    kept = (() if rows else y.shape[-2:-1], () if columns else y.shape[-1:])
    return reshape(y, (*y.shape[:-2], *kept[0], *kept[1]))


# ---- einsum


def _terms(subscripts: str) -> tuple[list[str], str]:
    left, _, output = subscripts.partition("->")
    return left.split(","), output


def _pair(a: Any, b: Any, left: str, right: str, rest: frozenset[str]) -> tuple[Any, str]:
    """Contract two arrays over the letters that occur in both and in nothing else (``rest``)."""
    inner = [c for c in left if c in right and c not in rest]
    both = [c for c in left if c in right and c in rest]
    rows = [c for c in left if c not in right]
    columns = [c for c in right if c not in left]
    found = "".join((*both, *rows, *columns))
    size = dict(zip(left, a.shape)) | dict(zip(right, b.shape))
    shape = tuple(size[c] for c in found)
    a = np.transpose(a, [left.index(c) for c in (*both, *rows, *inner)])
    b = np.transpose(b, [right.index(c) for c in (*both, *inner, *columns)])
    if not inner:
        ones = (1,) * len(columns)
        b = b.reshape((*b.shape[: len(both)], *(1,) * len(rows), *b.shape[len(both) :]))
        return a.reshape(a.shape + ones) * b, found
    n = [math.prod(size[c] for c in group) for group in (both, rows, inner, columns)]
    product = np.matmul(a.reshape(n[0], n[1], n[2]), b.reshape(n[0], n[2], n[3]))
    return product.reshape(shape), found


def _einsum(*arrays: Any, subscripts: str) -> Any:
    """Pairwise products, each one a ``matmul``: BLAS where NumPy's ``einsum`` would loop."""
    terms, output = _terms(subscripts)
    operands = list(arrays)
    steps: Sequence[Any] = [(0, 1)]
    if len(operands) > 2:
        steps = np.einsum_path(subscripts, *operands, optimize="greedy")[0][1:]
    for step in steps:
        chosen = sorted(step, reverse=True)
        group = [(operands.pop(i), terms.pop(i)) for i in chosen]
        while len(group) > 1:
            (b, right), (a, left) = group.pop(), group.pop()
            rest = frozenset("".join((output, *terms, *(t for _, t in group))))
            group.append(_pair(a, b, left, right, rest))
        operands.append(group[0][0])
        terms.append(group[0][1])
    return np.transpose(operands[0], [terms[0].index(c) for c in output])


class Einsum(Multilinear):
    """Einstein summation in its normal form; see ``ad.einsum``.

    ``subscripts`` is explicit and has no ellipsis; each term has a letter once, and each letter
    stands in two terms at least (the output counts), so that the transposes have the same form.
    """

    name = "einsum"
    arguments = None
    kernel = staticmethod(_einsum)
    reference = staticmethod(lambda *arrays, subscripts: np.einsum(subscripts, *arrays))
    cases = (
        Case((In((2, 3)), In((3, 4))), {"subscripts": "ij,jk->ik"}),
        Case((In((2, 3)), In((3, 4))), {"subscripts": "ij,jk->ki"}),
        Case((In((5, 2, 3)), In((3, 5, 4))), {"subscripts": "bij,jbk->kbi"}),
        Case((In((2, 3)), In((3, 2))), {"subscripts": "ij,ji->"}),
        Case((In((2,)), In((3,))), {"subscripts": "i,j->ji"}),
        Case((In((2, 3)), In((2, 3))), {"subscripts": "ij,ij->ij"}),
        Case((In((2, 3)), In((3,)), In((3, 2))), {"subscripts": "ij,j,jk->ik"}),
        Case((In(()), In((2,)), In(())), {"subscripts": ",i,->i"}),
        Case((In((0, 3)), In((3, 2))), {"subscripts": "ij,jk->ik"}),
        Case((In((2, 0)), In((0, 2))), {"subscripts": "ij,jk->ik"}),
    )
    errors = (
        (Case((In((2, 3)), In((4, 5))), {"subscripts": "ij,jk->ik"}), ShapeError, "'j' has sizes"),
        (Case((In((2, 3)), In((3,))), {"subscripts": "ij,jk->ik"}), ShapeError, "has 1 axes"),
    )

    def infer(self, *avals: Any, subscripts: str) -> Aval:
        terms, output = _terms(subscripts)
        sizes = _sizes([a.shape for a in avals], terms)
        dtype = np.result_type(*(np.dtype(a.dtype) for a in avals))
        return Aval(tuple(sizes[c] for c in output), dtype)

    def variadic(self, count: int) -> tuple[Bound | None, ...]:
        def transposed(i: int) -> Bound:
            def rule(g: Any, *others: Any, subscripts: str) -> Any:
                terms, output = _terms(subscripts)
                own = terms.pop(i)
                return apply(self, g, *others, subscripts=f"{','.join((output, *terms))}->{own}")

            return Bound(rule, tuple(j for j in range(count) if j != i))

        return tuple(transposed(i) for i in range(count))

    def batch(self, mapped: tuple[bool, ...], *operands: Any, subscripts: str) -> Any:
        terms, output = _terms(subscripts)
        b = _free(subscripts, 1)
        terms = [b + t if m else t for t, m in zip(terms, mapped, strict=True)]
        return apply(self, *operands, subscripts=f"{','.join(terms)}->{b}{output}")


def _free(used: str, count: int) -> str:
    letters = [c for c in _LETTERS if c not in used]
    if len(letters) < count:
        raise ShapeError(f"einsum: more than 52 letters are needed for {used!r}")
    return "".join(letters[:count])


def _sizes(shapes: Sequence[tuple[int, ...]], terms: Sequence[str]) -> dict[str, int]:
    """The size of each letter; a size of 1 broadcasts."""
    sizes: dict[str, int] = {}
    for k, (shape, term) in enumerate(zip(shapes, terms, strict=True)):
        if len(shape) != len(term):
            raise ShapeError(
                f"einsum: operand {k} of shape {shape} has {len(shape)} axes, its subscripts "
                f"{term!r} name {len(term)}"
            )
        for letter, n in zip(term, shape, strict=True):
            if sizes.setdefault(letter, n) == 1:
                sizes[letter] = n
            elif n not in (1, sizes[letter]):
                raise ShapeError(
                    f"einsum: letter {letter!r} has sizes {sizes[letter]} and {n} in operands "
                    f"of shapes {', '.join(map(str, shapes))} for {','.join(terms)!r}"
                )
    return sizes


def _parse(subscripts: Any, shapes: Sequence[tuple[int, ...]]) -> tuple[list[str], str]:
    """Terms and output in letters alone: ellipses and an implicit output are written out."""
    if not isinstance(subscripts, str):
        raise DTypeError(f"einsum: subscripts are a string like 'ij,jk->ik', got {subscripts!r}")
    left, arrow, output = subscripts.replace(" ", "").partition("->")
    terms = left.split(",")
    if len(terms) != len(shapes):
        raise ShapeError(
            f"einsum: {subscripts!r} has subscripts for {len(terms)} operands, got {len(shapes)}"
        )
    dots = [t.count("...") and len(s) - len(t) + 3 for t, s in zip(terms, shapes, strict=True)]
    letters = _free(subscripts, max(0, *dots))
    written = []
    for term, count, shape in zip(terms, dots, shapes, strict=True):
        if count < 0:
            raise ShapeError(f"einsum: an operand of shape {shape} has too few axes for {term!r}")
        written.append(term.replace("...", letters[len(letters) - count :], 1))
    plain = "".join(written)
    if not arrow:
        once = sorted(c for c in set(plain) if plain.count(c) == 1 and c not in letters)
        output = ("..." if letters else "") + "".join(once)
    output = output.replace("...", letters, 1)
    for c in plain + output:
        if c not in _LETTERS:
            raise ShapeError(f"einsum: {c!r} is no letter in {subscripts!r}")
    for c in output:
        if output.count(c) > 1 or c not in plain:
            raise ShapeError(
                f"einsum: the output of {subscripts!r} names {c!r}, which must stand once in "
                "it and in an operand"
            )
    if arrow and letters and letters not in output:
        raise ShapeError(f"einsum: the output of {subscripts!r} lacks the '...' of the operands")
    return written, output


def _diagonal(x: Any, term: str) -> tuple[Any, str]:
    """Take the diagonal of axes that share a letter, until each letter stands once."""
    for letter in dict.fromkeys(term):
        places = [i for i, c in enumerate(term) if c == letter]
        if len(places) == 1:
            continue
        index: list[Any] = [slice(None)] * len(term)
        for i in places:
            if x.shape[i] != x.shape[places[0]]:
                raise ShapeError(
                    f"einsum: a diagonal needs equal sizes: {letter!r} in {term!r} of shape "
                    f"{x.shape}"
                )
            index[i] = np.arange(x.shape[i])
        x = getitem(x, tuple(index))
        others = term.replace(letter, "")
        # NumPy leaves the axis of adjacent index arrays in place and puts that of others first.
        at = places[0] if places[-1] - places[0] == len(places) - 1 else 0
        term = others[:at] + letter + others[at:]
    return x, term


@public
def einsum(subscripts: str, *operands: Any) -> Any:
    r"""Einstein summation (as ``numpy.einsum``): products of entries, summed over letters.

    .. math:: \texttt{"ij,jk->ik"}:\quad y_{ik} = \sum_j a_{ij} b_{jk}

    Parameters
    ----------
    subscripts : str
        One term of letters for each operand, a letter for an axis. Letters that are not in the
        output are summed over; a letter twice in one term takes a diagonal; ``...`` stands for axes
        that broadcast. Without ``->`` the output has the letters that occur once, sorted.
    *operands : array_like

    Raises
    ------
    ShapeError
        Letters and axes do not match, or a letter has two sizes.

    >>> import autodiff as ad
    >>> a = ad.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    >>> ad.einsum("ii", a), ad.gradients(ad.einsum("ii", a), a)
    (Tensor(5., from=transpose), Tensor([[1., 0.],
            [0., 1.]]))
    """
    arrays = [as_array(x) for x in operands]
    terms, output = _parse(subscripts, [x.shape for x in arrays])
    pairs = [_diagonal(x, t) for x, t in zip(arrays, terms, strict=True)]
    sizes = _sizes([x.shape for x, _ in pairs], [t for _, t in pairs])
    pairs = [_squeeze(x, t, sizes) for x, t in pairs]
    pairs = [_sum_lonely(i, pairs, output) for i in range(len(pairs))]
    arrays = [x for x, _ in pairs]
    terms = [t for _, t in pairs]
    if len(arrays) == 1:
        return transpose(arrays[0], tuple(terms[0].index(c) for c in output))
    return apply(PRIMITIVES["einsum"], *arrays, subscripts=f"{','.join(terms)}->{output}")


def _squeeze(x: Any, term: str, sizes: dict[str, int]) -> tuple[Any, str]:
    """Drop the axes of size 1 that broadcast."""
    dropped = [k for k, c in enumerate(term) if x.shape[k] == 1 != sizes[c]]
    if not dropped:
        return x, term
    shape = tuple(n for k, n in enumerate(x.shape) if k not in dropped)
    return reshape(x, shape), "".join(c for k, c in enumerate(term) if k not in dropped)


def _sum_lonely(i: int, pairs: list[tuple[Any, str]], output: str) -> tuple[Any, str]:
    """Sum over the letters that neither another term nor the output has."""
    x, term = pairs[i]
    others = "".join(t for j, (_, t) in enumerate(pairs) if j != i) + output
    lonely = tuple(k for k, c in enumerate(term) if c not in others)
    if not lonely:
        return x, term
    return sum_over(x, axis=lonely), "".join(c for c in term if c in others)
