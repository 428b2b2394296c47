"""Model state in files: ``.safetensors``, which other frameworks read, or NumPy's ``.npz``."""

from __future__ import annotations

import io
import zipfile
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


def _safetensors(part: str = "safetensors.numpy") -> Any:
    return require(part, "a .safetensors file", "train")


def save(model: Module, path: str | Path) -> None:
    """Write the state of a model to a file; the ending chooses the format.

    Raises
    ------
    ValueError
        The file name ends neither in ``.safetensors`` nor in ``.npz``.
    OSError
        The file cannot be written.
    ImportError
        ``.safetensors`` without the package of that name.

    >>> import tempfile
    >>> import nn
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     nn.save(nn.Dense(2, 1), folder + "/model.npz")
    ...     nn.load(nn.Dense(2, 1), folder + "/model.npz")
    """
    state = model.state_dict()
    if _kind(path) == ".npz":
        # As np.savez, whose own argument names are lost to parameters: "file", "allow_pickle".
        with zipfile.ZipFile(path, "w") as archive:
            for name, array in state.items():
                with archive.open(f"{name}.npy", "w", force_zip64=True) as file:
                    np.lib.format.write_array(file, array, allow_pickle=False)
    else:
        Path(path).write_bytes(_safetensors().save(state))


def load(model: Module, path: str | Path) -> None:
    """Set the state of a model to that of a file which ``save`` wrote.

    Raises
    ------
    OSError
        The file cannot be read.
    ValueError
        It is no such file; or paths, shapes or dtypes differ from the model's: the message lists
        how, nothing is changed.
    """
    read = _read_npz if _kind(path) == ".npz" else _read_safetensors
    content = Path(path).read_bytes()
    try:
        state = read(content)
    except (ValueError, EOFError, zipfile.BadZipFile) as error:
        raise ValueError(f"load: {str(path)!r} is not a whole model file: {error}") from error
    model.load_state_dict(state)


def _read_npz(content: bytes) -> dict[str, Any]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        state = {}
        for name in archive.namelist():
            with archive.open(name) as file:
                state[name.removesuffix(".npy")] = np.lib.format.read_array(file)
        return state


def _read_safetensors(content: bytes) -> dict[str, Any]:
    try:
        return dict(_safetensors().load(content))
    except _safetensors("safetensors").SafetensorError as error:
        raise ValueError(str(error)) from error
