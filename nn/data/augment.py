"""Augmentation: more samples for training, made from those that there are."""

from __future__ import annotations

from typing import Any

import numpy as np

import autodiff as ad
from nn.data.batches import check_samples

__all__ = ["add_shifts"]

Array = np.ndarray[Any, Any]
DIRECTIONS = ((1, 0), (-1, 0), (0, 1), (0, -1))


def add_shifts(images: Any, targets: Any, pixels: float = 1.0) -> tuple[Array, Array]:
    """The images and, after them, copies moved down, up, right and left: five times the samples.

    What moves out of an image is lost, what comes in is zero. For training samples only:
    validation and test are to measure images as they were recorded.

    Parameters
    ----------
    images : array_like
        Floating, (n, height, width, ...).
    targets : array_like
        One for each image; the copies have the same.
    pixels : float
        Above 0 and at most 1; a part of a pixel interpolates between two.

    Raises
    ------
    ShapeError
        ``images`` has fewer than three axes, or the lengths differ.
    DTypeError
        ``images`` are not floating.
    ValueError
        ``pixels`` is out of range.

    >>> import nn
    >>> images, targets = nn.data.add_shifts([[[1.0, 2.0], [3.0, 4.0]]], [7], pixels=0.5)
    >>> images.shape, targets
    ((5, 2, 2), array([7, 7, 7, 7, 7]))
    >>> images[1]
    array([[0.5, 1. ],
           [2. , 3. ]])
    """
    x, y = check_samples("add_shifts", images, targets)
    if x.ndim < 3:
        raise ad.ShapeError(f"add_shifts: expected images (n, height, width, ...), got {x.shape}")
    if x.dtype.kind != "f":
        raise ad.DTypeError(f"add_shifts: expected floating images, got {x.dtype}")
    if not 0 < pixels <= 1:
        raise ValueError(f"add_shifts: pixels is above 0 and at most 1, got {pixels!r}")
    part = x.dtype.type(pixels)
    moved = [(1 - part) * x + part * _move(x, *direction) for direction in DIRECTIONS]
    return np.concatenate([x, *moved]), np.concatenate([y] * (1 + len(DIRECTIONS)))


def _move(x: Array, rows: int, columns: int) -> Array:
    """The images moved down by ``rows`` and right by ``columns``, zeros coming in."""
    result = np.zeros_like(x)
    result[:, _part(rows), _part(columns)] = x[:, _part(-rows), _part(-columns)]
    return result


def _part(shift: int) -> slice:
    """The part of an axis that a shift fills."""
    return slice(shift, None) if shift >= 0 else slice(None, shift)
