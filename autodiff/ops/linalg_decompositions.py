"""Decompositions of matrices, as ``numpy.linalg`` has them: public under ``ad.linalg``."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from autodiff.ops.complex import real
from autodiff.ops.contraction import matmul
from autodiff.ops.diagonal import tril, triu
from autodiff.ops.joining import concatenate
from autodiff.ops.linalg_base import adjoint, check_matrices, lapack, parts
from autodiff.ops.linalg_complement import completed
from autodiff.ops.linalg_factor import QR, Cholesky
from autodiff.ops.linalg_spectral import SVD, Eig, Eigh
from autodiff.ops.movement import as_array
from autodiff.recording import current
from autodiff.registry import PRIMITIVES
from autodiff.tensor import Tensor, apply_unary, aval_of, whole, wrap

__all__ = [
    "EigResult",
    "EighResult",
    "QRResult",
    "SVDResult",
    "cholesky",
    "eig",
    "eigh",
    "eigvals",
    "eigvalsh",
    "qr",
    "svd",
    "svdvals",
]


class EigResult(NamedTuple):
    """What ``eig`` gives; ``eigenvectors[..., :, i]`` belongs to ``eigenvalues[..., i]``."""

    eigenvalues: Any
    eigenvectors: Any


class EighResult(NamedTuple):
    """What ``eigh`` gives; ``eigenvectors[..., :, i]`` belongs to ``eigenvalues[..., i]``."""

    eigenvalues: Any
    eigenvectors: Any


class SVDResult(NamedTuple):
    """What ``svd`` gives: ``x = U @ diag(S) @ Vh``."""

    U: Any
    S: Any
    Vh: Any


class QRResult(NamedTuple):
    """What ``qr`` gives: ``x = Q @ R``."""

    Q: Any
    R: Any


def _differentiated(x: Any) -> bool:
    return isinstance(x, Tensor) and x.requires_grad and current().recording


def _by_numpy(name: str, x: Any, function: Any, **options: Any) -> Any:
    """The results of NumPy's function, where no gradient is asked for; else None."""
    if type(x) not in (np.ndarray, Tensor) or _differentiated(x):
        return None
    found = lapack(name, "", function, whole(x), **options)
    results = found if isinstance(found, tuple) else (found,)
    return [wrap(y) for y in results] if isinstance(x, Tensor) else list(results)


def cholesky(x: Any, /, *, upper: bool = False) -> Any:
    r"""Cholesky factor of positive definite matrices, as ``numpy.linalg.cholesky``.

    .. math:: x = L L^H, \qquad \bar x = \tfrac12 (P + P^H), \quad
        P = L^{-H} \Phi(L^H \bar L) L^{-1}

    where :math:`\Phi` takes the lower triangle and half of the diagonal.

    Parameters
    ----------
    x : array_like, shape (..., n, n)
        Its Hermitian part is taken, and the gradient is Hermitian; NumPy, which reads one triangle
        only, gives the same for Hermitian matrices.
    upper : bool
        Return :math:`L^H` instead.

    Raises
    ------
    LinAlgError
        The matrix is not square, or not positive definite.

    Reference: Murray, "Differentiation of the Cholesky decomposition" (2016).

    >>> import autodiff as ad
    >>> ad.linalg.cholesky(ad.tensor([[4.0, 2.0], [2.0, 5.0]]))
    Tensor([[2., 0.],
            [1., 2.]])
    """
    y = apply_unary(PRIMITIVES[Cholesky.name], as_array(x))
    return adjoint(y) if upper else y


def qr(x: Any, mode: str = "reduced") -> Any:
    r"""QR factors of matrices, as ``numpy.linalg.qr``.

    .. math:: x = Q R, \qquad Q^H Q = 1, \quad R \text{ upper triangular with a real diagonal}

    Parameters
    ----------
    x : array_like, shape (..., m, n)
        Of full rank, where a gradient is asked for.
    mode : {"reduced", "complete", "r"}
        "reduced": Q has min(m, n) columns. "complete": m columns, of which those beyond n are any
        that complete a basis; their derivative, :math:`dQ_2 = -Q_1\, dQ_1^H Q_2`, does not turn
        them in their space and is right for functions of that space. "r": only R.

    Raises
    ------
    LinAlgError
        The operand holds no matrices.

    Of tall matrices PyTorch and JAX differentiate the reduced mode only.

    Reference: Walter, Lehmann and Lamour (2012); for wide matrices Roberts and Roberts, "QR and LQ
    decomposition matrix backpropagation algorithms for square, wide, and deep matrices" (2020).

    >>> import autodiff as ad
    >>> q, r = ad.linalg.qr(ad.tensor([[3.0, 1.0], [4.0, 2.0]]))
    >>> ad.abs(r)
    Tensor([[5. , 2.2],
            [0. , 0.4]])
    """
    x = as_array(x)
    if mode not in ("reduced", "complete", "r"):
        raise ValueError(f"qr: mode is 'reduced', 'complete' or 'r', got {mode!r}")
    check_matrices("qr", aval_of(x))
    m, n = x.shape[-2:]
    further = mode == "complete" and m > n
    plain = _by_numpy("qr", x, np.linalg.qr, mode="complete") if further else None
    if plain is not None:
        return QRResult(*plain)
    square = x[..., :m] if m < n else x
    size = min(m, n)
    q, r = parts(apply_unary(PRIMITIVES[QR.name], square), *QR.pieces(m, size))
    if m < n:
        r = concatenate([r, matmul(adjoint(q), x[..., m:])], axis=-1)
    if further:
        q = concatenate([q, completed(q, x, "qr")], axis=-1)
        r = concatenate([r, np.zeros((*r.shape[:-2], m - n, n), r.dtype)], axis=-2)
    return r if mode == "r" else QRResult(q, r)


def svd(
    x: Any, full_matrices: bool = True, compute_uv: bool = True, hermitian: bool = False
) -> Any:
    r"""Singular value decomposition of matrices, as ``numpy.linalg.svd``.

    .. math:: x = U \operatorname{diag}(S) V^H, \qquad
        \bar x = U \Bigl( \operatorname{diag}(\bar S) + \frac{P \circ F}{2} + \frac{M \circ G}{2}
        \Bigr) V^H + \dots

    with :math:`P, M` the sum and the difference of the skew parts of :math:`U^H \bar U` and
    :math:`V^H \bar V`, each taken as :math:`A - A^H`; :math:`F_{ij} = 1 / (s_j - s_i)`,
    :math:`G_{ij} = 1 / (s_j + s_i)`; and for matrices that are not square the part of the longer
    side's cotangent outside its space, divided by S.

    Parameters
    ----------
    x : array_like, shape (..., m, n)
    full_matrices : bool
        Whether U is m × m and Vh n × n. Vectors beyond min(m, n) are any that complete a basis;
        their derivative does not turn them in their space and is right for functions of that space.
    compute_uv : bool
        False: the singular values alone.
    hermitian : bool
        Ignored but for its check: the singular values of Hermitian matrices are those of others.

    Returns
    -------
    SVDResult(U, S, Vh), S falling; or S.

    Raises
    ------
    LinAlgError
        No matrices, or no convergence.
    GradientError
        In the backward walk: the result depends on vectors that nothing determines (of coinciding
        or zero singular values, or the phase of complex ones). Functions of S alone, and of U Vh,
        are differentiated for coinciding values too.

    Reference: Townsend (2016), "Differentiating the singular value decomposition"; Wan and Zhang
    (2019), "Automatic differentiation for complex valued SVD".

    >>> import autodiff as ad
    >>> x = ad.tensor([[3.0, 0.0], [0.0, -2.0]], requires_grad=True)
    >>> ad.gradients(ad.linalg.svd(x).S.sum(), x)
    Tensor([[ 1.,  0.],
            [ 0., -1.]])
    """
    if not compute_uv:
        return svdvals(x)
    x = as_array(x)
    check_matrices("svd", aval_of(x), square=hermitian)
    m, n = x.shape[-2:]
    further = full_matrices and m != n
    plain = _by_numpy("svd", x, np.linalg.svd) if further else None
    if plain is not None:
        return SVDResult(*plain)
    u, s, vh = SVD.split(apply_unary(PRIMITIVES[SVD.name], x), m, n)
    if further and m > n:
        u = concatenate([u, completed(u, x, "svd")], axis=-1)
    elif further:
        rest = completed(adjoint(vh), adjoint(x), "svd")
        vh = concatenate([vh, adjoint(rest)], axis=-2)
    return SVDResult(u, s, vh)


def svdvals(x: Any, /) -> Any:
    r"""Singular values of matrices, falling, as ``numpy.linalg.svdvals``.

    .. math:: \bar x = U \operatorname{diag}(\bar S) V^H

    Where they coincide the gradient is finite, and that of each function that treats equal values
    alike. Vectors are computed only where a gradient needs them. Errors are those of ``svd``.

    >>> import autodiff as ad
    >>> ad.linalg.svdvals(ad.tensor([[3.0, 0.0], [4.0, 0.0]]))
    Tensor([5., 0.])
    """
    x = as_array(x)
    check_matrices("svd", aval_of(x))
    plain = _by_numpy("svd", x, np.linalg.svd, compute_uv=False)
    return svd(x, full_matrices=False).S if plain is None else plain[0]


def _one_triangle(name: str, x: Any, side: Any) -> Any:
    """The Hermitian matrix with this triangle; None leaves the matrix as it is."""
    x = as_array(x)
    if side is None:
        return x
    if side not in ("L", "U"):
        raise ValueError(f"{name}: UPLO is 'L', 'U' or None, got {side!r}")
    check_matrices(name, aval_of(x), square=True)
    strict = tril(x, -1) if side == "L" else triu(x, 1)
    own = np.eye(x.shape[-1], dtype=x.dtype)
    return strict + adjoint(strict) + real(x) * own


def eigh(x: Any, UPLO: str | None = None) -> Any:  # noqa: N803 - NumPy's name
    r"""Eigenvalues, rising, and eigenvectors of Hermitian matrices, as ``numpy.linalg.eigh``.

    .. math:: x = V \operatorname{diag}(w) V^H, \qquad
        \bar x = V \bigl( \operatorname{diag}(\bar w) + F \circ (V^H \bar V) \bigr) V^H, \quad
        F_{ij} = \frac{1}{w_j - w_i}

    Parameters
    ----------
    x : array_like, shape (..., n, n)
        Its Hermitian part is taken, and the gradient is Hermitian.
    UPLO : {"L", "U"}, optional
        Read this triangle only, as NumPy does ("L") for matrices that are not Hermitian.

    Raises
    ------
    LinAlgError
        The matrix is not square, or no convergence.
    GradientError
        In the backward walk: the result depends on vectors that nothing determines (of coinciding
        eigenvalues, or the phase of complex ones). Functions of the values alone, and of the space
        of vectors whose values coincide, are differentiated there too.

    Reference: Giles (2008), "An extended collection of matrix derivative results", 3.1.

    >>> import autodiff as ad
    >>> x = ad.tensor([[2.0, 0.0], [0.0, 1.0]], requires_grad=True)
    >>> values, vectors = ad.linalg.eigh(x)
    >>> ad.gradients(values[1], x)
    Tensor([[1., 0.],
            [0., 0.]])
    """
    x = _one_triangle("eigh", x, UPLO)
    y = apply_unary(PRIMITIVES[Eigh.name], x)
    return EighResult(*Eigh.split(y, x.shape[-1]))


def eigvalsh(x: Any, UPLO: str | None = None) -> Any:  # noqa: N803 - NumPy's name
    r"""Eigenvalues of Hermitian matrices, rising, as ``numpy.linalg.eigvalsh``.

    .. math:: \bar x = V \operatorname{diag}(\bar w) V^H

    Where they coincide the gradient is finite, and that of each function that treats equal values
    alike. Parameters and errors are those of ``eigh``.

    >>> import autodiff as ad
    >>> x = ad.tensor([[1.0, 0.0], [0.0, 1.0]], requires_grad=True)
    >>> ad.gradients((ad.linalg.eigvalsh(x) ** 2).sum(), x)
    Tensor([[2., 0.],
            [0., 2.]])
    """
    return eigh(x, UPLO).eigenvalues


def eig(x: Any) -> Any:
    r"""Eigenvalues and right eigenvectors of square matrices, as ``numpy.linalg.eig``.

    .. math:: x V = V \operatorname{diag}(w), \qquad
        \bar x = V^{-H} \bigl( \operatorname{diag}(\bar w) + \overline{F} \circ (V^H \bar V')
        \bigr) V^H, \quad F_{ij} = \frac{1}{w_j - w_i}

    where :math:`\bar V'` takes account of the scale of vectors: of length 1, with a real largest
    entry, as LAPACK gives them. Real matrices whose eigenvalues are real give real results, others
    complex ones, as with NumPy before version 2.5, from which on all are complex.

    Raises
    ------
    LinAlgError
        The matrix is not square, or no convergence.
    GradientError
        In the backward walk: the result depends on vectors of coinciding eigenvalues. Functions of
        the values alone are differentiated there too, unless the vectors do not span the space,
        which is LinAlgError (the derivative is infinite).

    Reference: Giles (2008), 3.1; Boeddeker et al. (2017) for the conjugates.

    >>> import autodiff as ad
    >>> values, vectors = ad.linalg.eig(ad.tensor([[0.0, 1.0], [-1.0, 0.0]]))
    >>> values
    Tensor([0.+1.j, 0.-1.j], dtype=complex128)
    """
    x = as_array(x)
    n = x.shape[-1] if x.ndim else 0
    w, v = parts(apply_unary(PRIMITIVES[Eig.name], x), *Eig.pieces(n, n))
    if x.dtype.kind != "c" and not np.any(np.imag(whole(w))):
        w, v = real(w), real(v)
    return EigResult(w, v)


def eigvals(x: Any) -> Any:
    r"""Eigenvalues of square matrices, as ``numpy.linalg.eigvals``.

    .. math:: \bar x = V^{-H} \operatorname{diag}(\bar w) V^H

    Results and errors are those of ``eig``.

    >>> import autodiff as ad
    >>> ad.linalg.eigvals(ad.tensor([[2.0, 5.0], [0.0, 3.0]]))
    Tensor([2., 3.])
    """
    return eig(x).eigenvalues
