"""Metrics: numbers that say how good outputs are. They are not differentiated."""

from __future__ import annotations

from typing import Any

import numpy as np

import autodiff as ad

__all__ = ["accuracy", "binary_accuracy"]


def _array(x: Any) -> np.ndarray[Any, Any]:
    return x.data if isinstance(x, ad.Tensor) else np.asarray(x)


def accuracy(outputs: Any, targets: Any) -> float:
    """The part of samples whose class is right.

    ``outputs``: (..., classes), logits or probabilities, of which the largest counts. ``targets``:
    labels of shape (...), or one-hot rows or probabilities of the shape of ``outputs``.

    Raises
    ------
    ShapeError
        Shapes do not fit as above, there is no sample, or one class only.

    >>> import nn
    >>> nn.metrics.accuracy([[0.1, 0.9], [0.8, 0.2]], [1, 1])
    0.5
    """
    values, labels = _array(outputs), _array(targets)
    if not values.ndim or not values.size:
        raise ad.ShapeError(f"accuracy: expected outputs (..., classes), got {values.shape}")
    if values.shape[-1] == 1:
        raise ad.ShapeError(
            f"accuracy: outputs of shape {values.shape} have one class, which is always the "
            "largest; with one logit for yes or no, use binary_accuracy"
        )
    if labels.shape == values.shape:
        labels = labels.argmax(axis=-1)
    if labels.shape != values.shape[:-1]:
        raise ad.ShapeError(
            f"accuracy: outputs have shape {values.shape}, targets {labels.shape}; expected labels "
            f"of shape {values.shape[:-1]}, or one-hot rows of shape {values.shape}"
        )
    return float(np.mean(values.argmax(axis=-1) == labels))


def binary_accuracy(logits: Any, targets: Any) -> float:
    """The part of entries where the logit is above 0 exactly if the target is above 1/2.

    ``logits`` and ``targets``: any shape, the same, as for ``nn.losses.binary_cross_entropy``.

    Raises
    ------
    ShapeError
        Shapes differ, or there is no entry.

    >>> import nn
    >>> nn.metrics.binary_accuracy([[-2.0], [3.0]], [[1], [1]])
    0.5
    """
    values, wanted = _array(logits), _array(targets)
    if values.shape != wanted.shape or not values.size:
        raise ad.ShapeError(
            f"binary_accuracy: outputs have shape {values.shape}, targets {wanted.shape}; they "
            "must be equal, with an entry or more"
        )
    return float(np.mean((values > 0) == (wanted > 0.5)))
