"""Optimizer: a rule, bound to the parameters of a model by their paths."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

import autodiff as ad
from nn.module import Module, check_fit
from nn.optim.rules import Rule, State

__all__ = ["Optimizer"]

# Steps between two looks at which parameters the model has now; one look costs less than a step.
LOOK_EVERY = 64


class Optimizer:
    """Changes the parameters of a model by a rule, step by step.

    The state belongs to parameter paths, not to an order: a model that is built in another order,
    or a state that is loaded into another model, cannot swap it silently. Parameters with
    ``requires_grad=False`` when the optimizer is made are left alone. A layer that is replaced or
    added later would not be trained: ``check_model`` finds it, which ``step`` calls now and then.

    Raises
    ------
    TypeError
        ``model`` is not a module, or ``rule`` not a rule.
    ValueError
        No parameter requires a gradient.

    >>> import autodiff as ad
    >>> import nn
    >>> model = nn.Dense(2, 1)
    >>> optimizer = nn.optim.Optimizer(model, nn.optim.adam(lr=0.01))
    >>> x, y = ad.ones((4, 2), dtype="float32"), ad.ones((4, 1), dtype="float32")
    >>> loss = nn.losses.mean_squared_error(model(x), y)
    >>> optimizer.step(ad.gradients(loss, optimizer.parameters))
    >>> optimizer.state.step
    1
    """

    def __init__(self, model: Module, rule: Rule) -> None:
        if not isinstance(rule, Rule):
            raise TypeError(f"Optimizer: expected a rule such as nn.optim.adam(), got {rule!r}")
        if not isinstance(model, Module):
            raise TypeError(
                "Optimizer: expected the model, whose parameters it finds itself, got "
                f"{type(model).__name__}"
            )
        named = model.named_parameters()
        self.model = model
        self.parameters = {path: p for path, p in named.items() if p.requires_grad}
        self._frozen = [p for p in named.values() if not p.requires_grad]
        if not self.parameters:
            raise ValueError(
                f"Optimizer: {type(model).__name__} has no parameter that requires a gradient "
                f"({len(named)} in all); parameters are found in attributes, lists, tuples, dicts"
            )
        self.rule = rule
        self.state: State = rule.init({path: p.data for path, p in self.parameters.items()})

    def step(self, grads: Mapping[str, Any] | None = None) -> None:
        """Give every parameter its next value.

        Parameters
        ----------
        grads : mapping of path to Tensor or array, optional
            As from ``ad.gradients(loss, optimizer.parameters)``. Without it the ``.grad`` that
            ``loss.backward()`` left is taken, and cleared.

        Raises
        ------
        GradientError
            ``grads`` is not given, and a parameter has no ``.grad``; a gradient is NaN or infinite.
        ValueError, ShapeError
            Paths or shapes differ from the model's.

        After an error nothing was changed.
        """
        if self.state.step % LOOK_EVERY == 0:
            self.check_model()
        given = self._collect() if grads is None else grads
        if type(given) is not dict and not isinstance(given, Mapping):
            raise TypeError(
                "step: grads is a mapping of path to gradient, as from ad.gradients(loss, "
                f"optimizer.parameters), got {type(given).__name__}"
            )
        values = {path: self._array(path, g) for path, g in given.items()}
        before = {path: p.data for path, p in self.parameters.items()}
        with ad.no_grad():
            after, state = self.rule.update(values, self.state, before)
        for path, p in self.parameters.items():
            p.data = _closed(after[path])
        self.state = State(state.step, {k: _plain(slots) for k, slots in state.slots.items()})
        if grads is None:
            for p in self.parameters.values():
                p.grad = None

    def check_model(self) -> None:
        """Check that the model still has the parameters that are bound, and no others.

        Raises
        ------
        ValueError
            A parameter was replaced, added or taken away since the optimizer was made.

        >>> import nn
        >>> model = nn.Sequential(nn.Dense(2, 2))
        >>> optimizer = nn.optim.Optimizer(model, nn.optim.sgd(0.1))
        >>> model.layers.append(nn.Dense(2, 1, bias=False))
        >>> optimizer.check_model()
        Traceback (most recent call last):
        ValueError: Sequential has other parameters than when its optimizer was made, which would
        not train them; make a new Optimizer or Trainer after such a change
          new   layers.1.weight [2, 1]
        """
        now = self.model.named_parameters()
        bound = {id(p) for p in (*self.parameters.values(), *self._frozen)}
        held = {id(p) for p in now.values()}
        new = {path: p for path, p in now.items() if p.requires_grad and id(p) not in bound}
        gone = {path: p for path, p in self.parameters.items() if id(p) not in held}
        lines = [f"  new   {path} {list(p.shape)}" for path, p in new.items()]
        lines += [f"  gone  {path} {list(p.shape)}" for path, p in gone.items()]
        if lines:
            raise ValueError(
                f"{type(self.model).__name__} has other parameters than when its optimizer was "
                "made, which would not train them; make a new Optimizer or Trainer after such a "
                "change\n" + "\n".join(lines)
            )

    def _array(self, path: str, gradient: Any) -> np.ndarray[Any, Any]:
        """A gradient as a finite array of its parameter's dtype, which state takes over."""
        if gradient is None:
            raise ad.GradientError(f"step: the gradient of {path} is None: the loss has none")
        array = gradient.data if isinstance(gradient, ad.Tensor) else np.asarray(gradient)
        p = self.parameters.get(path)
        if p is not None and array.dtype != p.dtype:
            if not np.can_cast(array.dtype, p.dtype, "same_kind"):
                raise ad.DTypeError(
                    f"step: the gradient of {path} is {array.dtype}, the parameter {p.dtype}"
                )
            array = array.astype(p.dtype)
        # The dot product is a quick look; where it overflows, every entry is looked at.
        if not math.isfinite(np.vdot(array, array)) and not np.isfinite(array).all():
            bad = np.argwhere(~np.isfinite(array))
            at = tuple(int(i) for i in bad[0])
            raise ad.GradientError(
                f"step: the gradient of {path} is NaN or infinite in {len(bad)} of {array.size} "
                f"entries, the first at {at}; no parameter was changed"
            )
        return array

    def _collect(self) -> dict[str, ad.Tensor]:
        grads = {path: p.grad for path, p in self.parameters.items()}
        without = [path for path, g in grads.items() if g is None]
        if without:
            raise ad.GradientError(
                f"step: no gradient for {', '.join(without)}: call loss.backward() before each "
                "step; after it, a parameter without one did not take part in the loss (freeze it "
                "by requires_grad = False before the optimizer is made)"
            )
        return {path: g for path, g in grads.items() if g is not None}

    def state_dict(self) -> dict[str, np.ndarray[Any, Any]]:
        """Copies of the state: ``"step"``, and each slot as ``"path.slot"``.

        >>> import nn
        >>> optimizer = nn.optim.Optimizer(nn.Dense(2, 1, bias=False), nn.optim.adam())
        >>> list(optimizer.state_dict())
        ['step', 'weight.m', 'weight.v']
        """
        flat = {"step": np.array(self.state.step)}
        for path, slots in self.state.slots.items():
            for name, value in zip(self.rule.slot_names, slots, strict=True):
                flat[f"{path}.{name}"] = np.array(value)
        return flat

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Set the state to what ``state_dict`` of an equal model and rule gave, all or nothing.

        Raises
        ------
        ValueError
            Paths, shapes or dtypes differ; the message lists how.
        """
        check_fit(f"load_state_dict of {self.rule.name}", state, self.state_dict())
        slots = {
            path: tuple(
                np.array(state[f"{path}.{name}"], dtype=p.dtype) for name in self.rule.slot_names
            )
            for path, p in self.parameters.items()
        }
        self.state = State(int(state["step"]), slots)

    def __repr__(self) -> str:
        size = sum(p.size for p in self.parameters.values())
        return f"Optimizer({self.rule}, {size:,} parameters, step {self.state.step})"


def _closed(value: Any) -> Any:
    """A rule's new value as an array that nobody can write to: a parameter takes it uncopied."""
    if isinstance(value, np.ndarray):
        value.flags.writeable = False
    return value


def _plain(slots: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple([x.data if isinstance(x, ad.Tensor) else x for x in slots])
