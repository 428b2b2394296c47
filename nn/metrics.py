"""Metrics: numbers that say how good outputs are. They are not differentiated."""

from __future__ import annotations

from typing import Any

import numpy as np

import autodiff as ad

__all__ = ["accuracy"]


def accuracy(outputs: Any, targets: Any) -> float:
    """The part of samples whose class is right.

    ``outputs``: (..., classes), logits or probabilities, of which the largest counts. ``targets``:
    labels of shape (...), or one-hot rows or probabilities of the shape of ``outputs``.

    Raises
    ------
    ShapeError
        Shapes do not fit as above, or there is no sample.

    >>> import nn
    >>> nn.metrics.accuracy([[0.1, 0.9], [0.8, 0.2]], [1, 1])
    0.5
    """
    values = outputs.data if isinstance(outputs, ad.Tensor) else np.asarray(outputs)
    labels = targets.data if isinstance(targets, ad.Tensor) else np.asarray(targets)
    if not values.ndim or not values.size:
        raise ad.ShapeError(f"accuracy: expected outputs (..., classes), got {values.shape}")
    if labels.shape == values.shape:
        labels = labels.argmax(axis=-1)
    if labels.shape != values.shape[:-1]:
        raise ad.ShapeError(
            f"accuracy: outputs have shape {values.shape}, targets {labels.shape}; expected labels "
            f"of shape {values.shape[:-1]}, or one-hot rows of shape {values.shape}"
        )
    return float(np.mean(values.argmax(axis=-1) == labels))
