"""Model state in files: ``.safetensors``, which other frameworks read, or NumPy's ``.npz``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from nn.module import Module
from nn.optional import require

__all__ = ["load", "save"]


def _kind(path: str | Path) -> str:
    suffix = Path(path).suffix
    if suffix not in (".safetensors", ".npz"):
        raise ValueError(f"model files end in .safetensors or .npz, got {str(path)!r}")
    return suffix


def _safetensors() -> Any:
    return require("safetensors.numpy", "a .safetensors file", "train")


def save(model: Module, path: str | Path) -> None:
    """Write the state of a model to a file; the ending chooses the format.

    Raises
    ------
    ValueError
        The file name ends neither in ``.safetensors`` nor in ``.npz``.
    ImportError
        ``.safetensors`` without the package of that name.

    >>> import tempfile
    >>> import nn
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     nn.save(nn.Dense(2, 1), folder + "/model.npz")
    ...     nn.load(nn.Dense(2, 1), folder + "/model.npz")
    """
    if _kind(path) == ".npz":
        arrays: dict[str, Any] = model.state_dict()
        np.savez(path, **arrays)
    else:
        _safetensors().save_file(model.state_dict(), path)


def load(model: Module, path: str | Path) -> None:
    """Set the state of a model to that of a file which ``save`` wrote.

    Raises
    ------
    ValueError
        Paths, shapes or dtypes differ from the model's; the message lists how, nothing is changed.
    """
    if _kind(path) == ".npz":
        with np.load(path) as file:
            state = dict(file)
    else:
        state = _safetensors().load_file(path)
    model.load_state_dict(state)
