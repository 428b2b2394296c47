r"""Losses: how far outputs are from targets, as one number to make small.

Each takes ``(outputs, targets)`` and ``reduction``: ``"mean"``, ``"sum"``, or ``"none"`` for one
number per entry. Shapes must be equal, and nothing is broadcast: (n, 1) against (n,) would compare
every output with every target. Targets that are not finite are refused, because one NaN among them
makes all parameters NaN.
"""

from __future__ import annotations

import contextlib
import math
from typing import Any

import numpy as np

import autodiff as ad

__all__ = ["binary_cross_entropy", "cross_entropy", "half_squared_error", "mean_squared_error"]

# How far the probabilities of a sample may sum from 1: they often come as rounded float16 or text.
SUM_TOLERANCE = 1e-3


@ad.scope("mean_squared_error")
def mean_squared_error(predictions: Any, targets: Any, *, reduction: str = "mean") -> Any:
    r"""Mean of squared differences.

    .. math:: \frac1n \sum_i (p_i - t_i)^2

    ``predictions`` and ``targets``: any shape, the same; n counts all entries.

    Raises
    ------
    ShapeError
        Shapes differ, or there is no entry.
    ValueError
        A target is NaN or infinite, or ``reduction`` is unknown.

    >>> import autodiff as ad
    >>> import nn
    >>> nn.losses.mean_squared_error(ad.tensor([1.0, 2.0]), [1.0, 4.0])
    Tensor(2.)
    """
    predictions, targets = _pair("mean_squared_error", predictions, targets)
    return _reduce("mean_squared_error", ad.square(predictions - targets), reduction)


@ad.scope("half_squared_error")
def half_squared_error(predictions: Any, targets: Any, *, reduction: str = "sum") -> Any:
    r"""Half the sum of squared differences, whose gradient is the plain difference.

    .. math:: \tfrac12 \sum_i (p_i - t_i)^2

    ``predictions`` and ``targets``: any shape, the same. Errors as ``mean_squared_error``.

    >>> import autodiff as ad
    >>> import nn
    >>> nn.losses.half_squared_error(ad.tensor([1.0, 2.0]), [1.0, 4.0])
    Tensor(2.)
    """
    predictions, targets = _pair("half_squared_error", predictions, targets)
    return _reduce("half_squared_error", 0.5 * ad.square(predictions - targets), reduction)


@ad.scope("cross_entropy")
def cross_entropy(logits: Any, targets: Any, *, reduction: str = "mean") -> Any:
    r"""Cross-entropy between targets and the softmax of logits.

    .. math:: -\sum_k t_k \ln \operatorname{softmax}(z)_k

    ``logits``: (..., classes), before any softmax. ``targets``: integer labels of shape (...), or,
    of the shape of ``logits``, one-hot rows or probabilities. The mean is over samples. Stable for
    logits of any size.

    Raises
    ------
    ShapeError
        Shapes do not fit as above, or there is one class only, whose loss is always 0.
    DTypeError
        Labels that are not integers.
    ValueError
        A label outside 0 … classes − 1; probabilities that are NaN, negative or do not sum to 1.

    >>> import autodiff as ad
    >>> import nn
    >>> logits = ad.tensor([[0.0, 0.0], [1e4, 0.0]])
    >>> nn.losses.cross_entropy(logits, [1, 0], reduction="none")
    Tensor([0.69314718, 0.        ])
    >>> nn.losses.cross_entropy(logits, [[0.5, 0.5], [1.0, 0.0]], reduction="none")
    Tensor([0.69314718, 0.        ])
    """
    name = "cross_entropy"
    logits = _number(logits)
    _check_logits(name, logits)
    targets = targets if isinstance(targets, ad.Tensor) else np.asarray(targets)
    if targets.shape == logits.shape[:-1]:
        try:
            terms = ad.softmax_cross_entropy(logits, targets)
        except (IndexError, ad.DTypeError) as error:
            with contextlib.suppress(ad.VmapError):  # labels of each example have no one value
                _check_labels(name, targets, logits)
            raise error
        return _reduce(name, terms, reduction)
    if targets.shape != logits.shape:
        raise ad.ShapeError(
            f"{name}: logits have shape {logits.shape}, targets {targets.shape}; expected labels "
            f"of shape {logits.shape[:-1]}, or one-hot rows or probabilities of shape "
            f"{logits.shape}"
        )
    weights = _probabilities(name, targets, logits.dtype)
    surprise = ad.logsumexp(logits, axis=-1, keepdims=True) - logits
    return _reduce(name, ad.sum(weights * surprise, axis=-1), reduction)


@ad.scope("binary_cross_entropy")
def binary_cross_entropy(logits: Any, targets: Any, *, reduction: str = "mean") -> Any:
    r"""Cross-entropy between probabilities and the sigmoid of logits, entry by entry.

    .. math:: -t \ln \sigma(z) - (1 - t) \ln(1 - \sigma(z))
              = t \operatorname{softplus}(-z) + (1 - t) \operatorname{softplus}(z)

    ``logits`` and ``targets``: any shape, the same; the targets lie in [0, 1]. Stable for logits
    of any size, and exact for a target that the logit has reached: the usual ``softplus(z) - t z``
    cancels.

    Raises
    ------
    ShapeError
        Shapes differ, or there is no entry.
    ValueError
        A target is NaN or not in [0, 1], or ``reduction`` is unknown.

    >>> import autodiff as ad
    >>> import nn
    >>> nn.losses.binary_cross_entropy(ad.tensor([0.0, 1e4]), [1, 1], reduction="none")
    Tensor([0.69314718, 0.        ])
    """
    name = "binary_cross_entropy"
    logits, targets = _pair(name, logits, targets)
    _check_range(name, targets)
    terms = targets * ad.softplus(-logits) + (1 - targets) * ad.softplus(logits)
    return _reduce(name, terms, reduction)


# ---- checks


def _number(x: Any) -> Any:
    return x if isinstance(x, ad.Tensor) else np.asarray(x)


def _value(x: Any) -> np.ndarray[Any, Any]:
    return x.data if isinstance(x, ad.Tensor) else x


def _first(bad: np.ndarray[Any, Any]) -> tuple[int, ...]:
    """The index of the first True."""
    return tuple(int(i) for i in np.argwhere(bad)[0])


def _pair(name: str, outputs: Any, targets: Any) -> tuple[Any, Any]:
    """Outputs and targets of one shape and dtype, with finite targets."""
    outputs, targets = _number(outputs), _number(targets)
    if outputs.shape != targets.shape:
        hint = ""
        if outputs.size == targets.size:
            hint = f"; targets.reshape({outputs.shape}) has the shape of the outputs"
        raise ad.ShapeError(
            f"{name}: outputs have shape {outputs.shape}, targets {targets.shape}; they must be "
            f"equal, nothing is broadcast{hint}"
        )
    if not outputs.size:
        raise ad.ShapeError(f"{name}: outputs of shape {outputs.shape} have no entry")
    _check_finite(name, targets)
    dtype = outputs.dtype
    if dtype.kind != "f":
        raise ad.DTypeError(f"{name}: expected floating outputs, got {dtype}{list(outputs.shape)}")
    return outputs, targets if targets.dtype == dtype else targets.astype(dtype)


def _check_finite(name: str, targets: Any) -> None:
    if targets.dtype.kind not in "biuf":
        raise ad.DTypeError(f"{name}: expected real targets, got {targets.dtype}")
    value = _value(targets)
    # The sum is a quick look; where it overflows, every entry is looked at.
    if math.isfinite(np.add.reduce(value, axis=None)):
        return
    bad = ~np.isfinite(value)
    if bad.any():
        at = _first(bad)
        raise ValueError(
            f"{name}: {int(bad.sum())} of {bad.size} targets are NaN or infinite, the first at "
            f"{at}: remove or fill these samples"
        )


def _check_range(name: str, targets: Any) -> None:
    value = _value(targets)
    bad = (value < 0) | (value > 1)
    if bad.any():
        at = _first(bad)
        raise ValueError(f"{name}: targets lie in [0, 1], got {value[at]:g} at {at}")


def _check_logits(name: str, logits: Any) -> None:
    if logits.ndim < 1 or not logits.size:
        hint = ": there is no sample" if logits.ndim > 1 and logits.shape[-1] else ""
        raise ad.ShapeError(
            f"{name}: expected logits of shape (..., classes), got {logits.shape}{hint}"
        )
    if logits.shape[-1] == 1:
        raise ad.ShapeError(
            f"{name}: logits of shape {logits.shape} have one class, whose probability is always "
            "1; with one logit for yes or no, use binary_cross_entropy"
        )
    if logits.dtype.kind != "f":
        raise ad.DTypeError(f"{name}: expected floating logits, got {logits.dtype}")


def _check_labels(name: str, targets: Any, logits: Any) -> None:
    labels = _value(targets)
    if labels.dtype.kind not in "iu":
        raise ad.DTypeError(
            f"{name}: labels are integers, got {labels.dtype}{list(labels.shape)}; convert them by "
            ".astype(int), or give one-hot rows or probabilities of the shape of the logits, "
            f"{logits.shape}"
        )
    classes = logits.shape[-1]
    bad = (labels < 0) | (labels >= classes)
    if bad.any():
        at = _first(bad)
        raise ValueError(
            f"{name}: label {labels[at]} at {at} is out of range, the {classes} classes of the "
            f"logits have labels 0 to {classes - 1}"
        )


def _probabilities(name: str, targets: Any, dtype: Any) -> Any:
    _check_finite(name, targets)
    _check_range(name, targets)
    sums = _value(targets).sum(axis=-1)
    bad = np.abs(sums - 1) > SUM_TOLERANCE
    if bad.any():
        at = _first(bad)
        raise ValueError(
            f"{name}: the target probabilities of a sample sum to 1, those at {at} sum to "
            f"{float(sums[at]):g}"
        )
    return targets if targets.dtype == dtype else targets.astype(dtype)


def _reduce(name: str, terms: Any, reduction: str) -> Any:
    if reduction == "mean":
        return ad.mean(terms)
    if reduction == "sum":
        return ad.sum(terms)
    if reduction == "none":
        return terms
    raise ValueError(f"{name}: reduction is 'mean', 'sum' or 'none', got {reduction!r}")
