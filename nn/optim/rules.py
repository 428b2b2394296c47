r"""Optimizer rules: pure functions from gradients, state and parameters to new ones.

Parameters, gradients and state go by parameter path, in dicts. A rule is an expression like any
other: on arrays it runs at NumPy's speed, and on Tensors it is recorded, so a gradient flows
through a step to the parameters before it, to the gradients, and to a learning rate that is a
Tensor.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

import autodiff as ad

__all__ = ["Rule", "State", "adam", "sgd"]

Values = Mapping[str, Any]
Slots = tuple[Any, ...]


class State(NamedTuple):
    """What a rule remembers: the number of steps, and its own values by parameter path."""

    step: int
    slots: dict[str, Slots]  # each value of the shape and dtype of its parameter


@dataclass(frozen=True)
class Rule:
    """A rule for one parameter, applied to all: ``init`` and ``update`` are what one calls.

    Parameters
    ----------
    name : str
    settings : dict
        What the rule was made with, for ``repr``.
    slot_names : tuple of str
        Names of the values that it keeps for each parameter; they start as zeros.
    advance : function of (g, slots, p, step) -> (p, slots)
        One step of one parameter; ``step`` counts from 1.

    >>> import autodiff as ad
    >>> import nn
    >>> rule = nn.optim.sgd(lr=0.1)
    >>> params = {"w": ad.tensor([1.0, 2.0])}
    >>> params, state = rule.update({"w": ad.tensor([1.0, 1.0])}, rule.init(params), params)
    >>> params["w"], state.step
    (Tensor([0.9, 1.9]), 1)
    """

    name: str
    settings: dict[str, Any]
    slot_names: tuple[str, ...] = ()
    advance: Callable[[Any, Slots, Any, int], tuple[Any, Slots]] = field(repr=False, kw_only=True)

    def init(self, params: Values) -> State:
        """The state before the first step: zeros."""
        slots = {k: tuple(ad.zeros_like(p) for _ in self.slot_names) for k, p in params.items()}
        return State(0, slots)

    def update(self, grads: Values, state: State, params: Values) -> tuple[dict[str, Any], State]:
        """Parameters and state after one step; nothing that was passed in is changed.

        Raises
        ------
        ValueError
            Gradients, state and parameters do not have the same paths.
        ShapeError
            A gradient does not have its parameter's shape.
        """
        if not grads.keys() == params.keys() == state.slots.keys():
            raise ValueError(_differences(self.name, grads, state.slots, params))
        step = state.step + 1
        new_params, new_slots = {}, {}
        for path, p in params.items():
            g = grads[path]
            if g.shape != p.shape:
                raise ad.ShapeError(
                    f"{self.name}: parameter {path!r} has shape {p.shape}, its gradient {g.shape}"
                )
            new_params[path], new_slots[path] = self.advance(g, state.slots[path], p, step)
        return new_params, State(step, new_slots)

    def __str__(self) -> str:
        settings = ", ".join(f"{k}={v!r}" for k, v in self.settings.items())
        return f"{self.name}({settings})"


def _differences(name: str, grads: Values, slots: Values, params: Values) -> str:
    lines = [f"{name}: gradients, state and parameters must have the same paths"]
    for what, given in (("gradient", grads), ("state", slots)):
        lines += [f"  no {what} for {path}" for path in params if path not in given]
        lines += [f"  no parameter for {what} {path}" for path in given if path not in params]
    return "\n".join(lines)


def sgd(lr: Any, momentum: Any = 0.0, nesterov: bool = False) -> Rule:
    r"""Gradient descent, with momentum and Nesterov's variant of it.

    .. math::
        b &\leftarrow \mu b + g \\
        p &\leftarrow p - \eta\,b \qquad\text{(Nesterov: } p - \eta\,(g + \mu b)\text{)}

    Source: Sutskever et al. (2013), "On the importance of initialization and momentum in deep
    learning", in the form in which the learning rate is outside the velocity, as usual in
    libraries.

    Parameters
    ----------
    lr : float or 0-d Tensor
        Learning rate, not negative. A Tensor may require a gradient.
    momentum : float or 0-d Tensor
        In [0, 1).
    nesterov : bool
        Needs a momentum.

    Raises
    ------
    ValueError
        A setting out of range.

    >>> import nn
    >>> print(nn.optim.sgd(0.1, momentum=0.9))
    sgd(lr=0.1, momentum=0.9, nesterov=False)
    """
    lr, momentum = _setting("sgd: lr", lr), _setting("sgd: momentum", momentum, below=1.0)
    plain = not isinstance(momentum, ad.Tensor) and momentum == 0
    if nesterov and plain:
        raise ValueError("sgd: nesterov=True needs a momentum above 0")

    def advance(g: Any, slots: Slots, p: Any, step: int) -> tuple[Any, Slots]:
        rate = _as(lr, p)
        if plain:
            return p - rate * g, ()
        mu = _as(momentum, p)
        velocity = mu * slots[0] + g
        direction = g + mu * velocity if nesterov else velocity
        return p - rate * direction, (velocity,)

    settings = {"lr": lr, "momentum": momentum, "nesterov": nesterov}
    return Rule("sgd", settings, () if plain else ("velocity",), advance=advance)


def adam(lr: Any = 1e-3, b1: Any = 0.9, b2: Any = 0.999, eps: Any = 1e-8) -> Rule:
    r"""Adam: steps of a size that does not depend on the size of the gradients.

    .. math::
        m &\leftarrow \beta_1 m + (1 - \beta_1) g, & \hat m &= m / (1 - \beta_1^t) \\
        v &\leftarrow \beta_2 v + (1 - \beta_2) g^2, & \hat v &= v / (1 - \beta_2^t) \\
        p &\leftarrow p - \eta\, \hat m / (\sqrt{\hat v} + \epsilon)

    Source: Kingma and Ba (2015), "Adam: a method for stochastic optimization", algorithm 1, with
    epsilon where the algorithm has it. Gradients through a step are finite also where a gradient is
    zero, at which the root has none.

    Parameters
    ----------
    lr, b1, b2, eps : float or 0-d Tensor
        Learning rate, not negative; decay of the two moments, in [0, 1); above 0.

    Raises
    ------
    ValueError
        A setting out of range; in a step, an eps that is 0 in the parameter's dtype, as 1e-8 in
        float16.

    >>> import autodiff as ad
    >>> import nn
    >>> rule = nn.optim.adam(lr=0.1)
    >>> params = {"w": ad.tensor([1.0, 2.0])}
    >>> params, _ = rule.update({"w": ad.tensor([5.0, 0.0])}, rule.init(params), params)
    >>> params["w"]
    Tensor([0.9, 2. ])
    """
    lr, eps = _setting("adam: lr", lr), _setting("adam: eps", eps)
    b1, b2 = _setting("adam: b1", b1, below=1.0), _setting("adam: b2", b2, below=1.0)
    if _value(eps) == 0:
        raise ValueError(f"adam: eps is above 0, got {eps!r}")
    folded = type(eps) is float and eps > 1e-30

    def advance(g: Any, slots: Slots, p: Any, step: int) -> tuple[Any, Slots]:
        if p.dtype.itemsize == 2 and type(eps) is float and not p.dtype.type(eps):
            raise ValueError(
                f"adam: eps = {eps:g} is 0 in {p.dtype}, where a gradient of 0 would give NaN: "
                "give a larger one, such as 1e-4, or keep the parameters in float32"
            )
        rate, beta1, beta2 = _as(lr, p), _as(b1, p), _as(b2, p)
        spare = (1 - beta1) * g
        m = _add(beta1 * slots[0], spare)
        spare = _scale(_into(spare, ad.multiply, np.multiply, g, g), 1 - beta2)
        v = _add(beta2 * slots[1], spare)
        root, correction = _root(spare, v), (1 - beta2**step) ** 0.5
        if folded and p.dtype.itemsize > 2:  # one pass less, where a smaller eps is not 0
            root, rate = _add(root, correction * eps), rate * correction
        else:
            root = _add(_scale(root, 1 / correction), _as(eps, p))
        change = _into(root, ad.divide, np.divide, m, root)
        change = _scale(change, rate / (1 - beta1**step))
        return _into(change, ad.subtract, np.subtract, p, change), (m, v)

    settings = {"lr": lr, "b1": b1, "b2": b2, "eps": eps}
    return Rule("adam", settings, ("m", "v"), advance=advance)


# The first operand of these was made in this module, so that an array is written into: a new array
# for each operation doubles the time of a large parameter.


def _into(made: Any, function: Any, ufunc: Any, a: Any, b: Any) -> Any:
    """``function(a, b)``; of bare arrays, written over what ``made`` held."""
    if type(made) is not np.ndarray or isinstance(a, ad.Tensor) or isinstance(b, ad.Tensor):
        return function(a, b)
    return ufunc(a, b, out=made)


def _add(made: Any, x: Any) -> Any:
    if isinstance(x, ad.Tensor):
        return made + x
    made += x
    return made


def _scale(made: Any, x: Any) -> Any:
    if isinstance(x, ad.Tensor):
        return made * x
    made *= x
    return made


def _root(made: Any, v: Any) -> Any:
    """The square root, without a gradient where ``v`` is 0.

    There the slope of the root is infinite and that of v = g² is 0: a gradient through the step
    would be 0 · ∞, NaN, for each parameter that had no gradient yet (a relu that is off, an unused
    row).
    """
    if not isinstance(v, ad.Tensor):
        return np.sqrt(v, out=made if type(made) is np.ndarray else None)
    return ad.where(v > 0, ad.sqrt(v), 0)


def _as(setting: Any, p: Any) -> Any:
    """A Tensor among the settings in the dtype of the parameter: it would make float32 float64."""
    return setting.astype(p.dtype) if isinstance(setting, ad.Tensor) else setting


def _value(setting: Any) -> float:
    return float(setting.item() if isinstance(setting, ad.Tensor) else setting)


def _setting(what: str, setting: Any, below: float = float("inf")) -> Any:
    """A setting as a Python float, which leaves float32 as it is, or as the Tensor that it is."""
    if isinstance(setting, np.ndarray) and not setting.ndim:
        setting = setting.item()
    numeric = isinstance(setting, (int, float, np.integer, np.floating))
    if not numeric and not (isinstance(setting, ad.Tensor) and setting.shape == ()):
        raise TypeError(f"{what} is a number or a 0-d Tensor, got {setting!r}")
    value = _value(setting)
    if not 0 <= value < below:
        limit = f"in [0, {below:g})" if below < float("inf") else "finite and not negative"
        raise ValueError(f"{what} is {limit}, got {value!r}")
    return setting if isinstance(setting, ad.Tensor) else value
