"""Parameter: a Tensor that a model owns and training changes."""

from __future__ import annotations

from typing import Any

import autodiff as ad
from nn.settings import default_dtype

__all__ = ["Parameter"]


class Parameter(ad.Tensor):
    """A leaf Tensor that a ``Module`` finds among its attributes and an optimizer updates.

    Parameters
    ----------
    data : array_like
        The first value; copied.
    dtype : dtype, optional
        ``nn.default_dtype()`` (float32) where it is not given, whatever the dtype of ``data``: a
        float64 array that NumPy made by default would make every product of the model float64.
    name : str, optional
        Shown in drawings and error messages.
    requires_grad : bool
        False freezes the parameter: it stays in the state, and no optimizer changes it.

    >>> import nn
    >>> nn.Parameter([1.0, 2.0], name="gain")
    Parameter([1., 2.], dtype=float32, name='gain', requires_grad=True)
    """

    __slots__ = ()

    def __init__(
        self, data: Any, *, dtype: Any = None, name: str | None = None, requires_grad: bool = True
    ) -> None:
        dtype = default_dtype() if dtype is None else dtype
        super().__init__(data, dtype=dtype, requires_grad=requires_grad, name=name)
