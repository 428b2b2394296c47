"""Layers without memory: Dense, Activation, Flatten, and Sequential to chain any of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

import autodiff as ad
from nn import activations, init
from nn.checks import whole_number
from nn.module import Module
from nn.parameter import Parameter
from nn.settings import default_dtype

__all__ = ["Activation", "Dense", "Flatten", "Sequential"]


class Dense(Module):
    r"""A matrix product, a bias, and where it is given an activation.

    .. math:: y = f(x W + b)

    ``x``: (..., in), ``weight``: (in, out), ``bias``: (out,), result: (..., out). Integers are
    taken in the dtype of the weight; with floating ``x`` dtypes follow NumPy, so that float64
    samples make the result of a float32 layer float64.

    Parameters
    ----------
    in_features, out_features : int
    activation : str or function, optional
        A name of ``nn.activations.NAMES``, or a function of one argument.
    bias : bool
    weight_init : function of (shape, dtype), optional
        By default the one that suits the activation: ``nn.init.for_activation``.
    dtype : dtype, optional
        ``nn.default_dtype()`` where it is not given.

    Raises
    ------
    ShapeError
        ``weight_init`` gave another shape. When called: ``x`` has another number of features, or
        no axis.

    >>> import autodiff as ad
    >>> import nn
    >>> layer = nn.Dense(3, 2, activation="relu")
    >>> layer(ad.zeros((5, 3), dtype="float32")).shape
    (5, 2)
    """

    weight: ad.Tensor
    bias: ad.Tensor | None

    def __init__(
        self,
        in_features: int,
        out_features: int,
        activation: str | Callable[..., Any] | None = None,
        *,
        bias: bool = True,
        weight_init: init.Init | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        self.in_features = whole_number("Dense: in_features", in_features)
        self.out_features = whole_number("Dense: out_features", out_features)
        self.activation = None if activation is None else activations.get(activation)
        self.activation_name = activations.name_of(activation)
        dtype = default_dtype() if dtype is None else dtype
        draw = weight_init or init.for_activation(self.activation_name)
        shape = (self.in_features, self.out_features)
        weight = draw(shape, dtype)
        if weight.shape != shape:
            raise ad.ShapeError(
                f"Dense: weight_init gave an array of shape {weight.shape}, expected {shape}"
            )
        self.weight = Parameter(weight, dtype=dtype, name="weight")
        zeros = init.zeros((self.out_features,), dtype)
        self.bias = Parameter(zeros, dtype=dtype, name="bias") if bias else None

    def forward(self, x: Any) -> Any:
        """Apply the layer to ``x`` of shape (..., in)."""
        dtype = getattr(x, "dtype", None)
        if dtype is not None and dtype.kind in "biu":
            x = x.astype(self.weight.dtype)
        y = ad.matmul(x, self.weight)
        if self.bias is not None:
            y = y + self.bias
        return y if self.activation is None else self.activation(y)

    def describe(self) -> str:
        """Sizes and activation."""
        activation = f", {self.activation_name}" if self.activation_name else ""
        return f"{self.in_features} → {self.out_features}{activation}"


class Activation(Module):
    """An activation function as a layer, for ``Sequential``.

    >>> import autodiff as ad
    >>> import nn
    >>> nn.Activation("relu")(ad.tensor([-1.0, 2.0]))
    Tensor([0., 2.])
    """

    def __init__(self, activation: str | Callable[..., Any]) -> None:
        super().__init__()
        self.activation = activations.get(activation)
        self.activation_name = activations.name_of(activation)

    def forward(self, x: Any) -> Any:
        """Apply the function."""
        return self.activation(x)

    def describe(self) -> str:
        """The function's name."""
        return self.activation_name


class Flatten(Module):
    """All axes but the first made one: ``(batch, ...)`` to ``(batch, features)``.

    Raises
    ------
    ShapeError
        When called with a value that has no axis.

    >>> import autodiff as ad
    >>> import nn
    >>> nn.Flatten()(ad.zeros((5, 8, 8))).shape
    (5, 64)
    """

    def forward(self, x: Any) -> Any:
        """Reshape ``x``."""
        x = x if isinstance(x, ad.Tensor) else np.asarray(x)
        shape = x.shape
        if not shape:
            raise ad.ShapeError("Flatten: expected a shape (batch, ...), got a value without axes")
        features = 1
        for n in shape[1:]:
            features *= n
        return ad.reshape(x, (shape[0], features))


class Sequential(Module):
    """Modules one after the other; also functions of one argument may stand among them.

    Raises
    ------
    TypeError
        An entry is neither a module nor a function.

    >>> import autodiff as ad
    >>> import nn
    >>> model = nn.Sequential(nn.Flatten(), nn.Dense(64, 10))
    >>> model(ad.zeros((5, 8, 8), dtype="float32")).shape, len(model)
    ((5, 10), 2)
    """

    def __init__(self, *layers: Callable[..., Any]) -> None:
        super().__init__()
        given: tuple[Any, ...] = layers
        for i, layer in enumerate(given):
            if isinstance(layer, type):
                raise TypeError(f"Sequential: entry {i} is a class: write {layer.__name__}(...)")
            if not callable(layer):
                hint = ""
                if isinstance(layer, list):
                    hint = ", write the layers without a list"
                elif layer in activations.NAMES:
                    hint = f", write nn.Activation({layer!r})"
                raise TypeError(
                    f"Sequential: entry {i} is neither a module nor a function: {layer!r}{hint}"
                )
        self.layers = list(layers)

    def forward(self, x: Any) -> Any:
        """Apply the layers in order."""
        for layer in self.layers:
            x = layer(x)
        return x

    def __len__(self) -> int:
        return len(self.layers)

    def __getitem__(self, index: int) -> Callable[..., Any]:
        return self.layers[index]

    def __iter__(self) -> Iterator[Callable[..., Any]]:
        return iter(self.layers)
