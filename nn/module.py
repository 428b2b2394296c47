"""Module: a function with parameters, found wherever its attributes hold them.

Nothing is registered. ``named_parameters`` walks the attributes of a module, the lists, tuples and
dicts among them, and the modules in those, each time it is asked, so a list that grew after it was
assigned and a layer that was replaced are seen.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextvars import ContextVar
from typing import Any, Self
from weakref import WeakValueDictionary, ref

import numpy as np

import autodiff as ad
from nn.parameter import Parameter
from nn.summary import tree

__all__ = ["Module", "call"]

# The module whose forward is running, which knows the names of the modules that it calls.
_caller: ContextVar[Module | None] = ContextVar("nn.caller", default=None)
# The Tensors that stand in for parameters inside `call`, by id: they are results of operations,
# which no walk would take for parameters.
_stand_ins: ContextVar[frozenset[int]] = ContextVar("nn.stand_ins", default=frozenset())
# Those in copies that a transform made of a module; a set would compare Tensors by their entries.
_copied: WeakValueDictionary[int, ad.Tensor] = WeakValueDictionary()


class _Place:
    """The last module that called one, and the keys that led from its attributes to this one.

    Copies and pickles are of no place.
    """

    __slots__ = ("caller", "keys", "name")

    def __init__(self, caller: Any = lambda: None, keys: tuple[Any, ...] = ()) -> None:
        # Weak: a strong reference would make a cycle, an id is used again.
        self.caller, self.keys, self.name = caller, keys, ".".join(map(str, keys))

    def __reduce__(self) -> Any:
        return _Place, ()


class Module:
    """The base of layers and models: put parameters into attributes, write ``forward``.

    Parameters are ``nn.Parameter`` objects, and leaf Tensors that require a gradient, in
    attributes or in lists, tuples and dicts of any depth. One that stands in several places is one
    parameter, under the first of its paths. Calling a module runs ``forward`` inside ``ad.scope``
    of its name, so that drawings and error messages show where an operation belongs.

    >>> import autodiff as ad
    >>> import nn
    >>> class Scale(nn.Module):
    ...     def __init__(self):
    ...         super().__init__()
    ...         self.gains = [nn.Parameter([1.0, 2.0]), nn.Parameter(3.0)]
    ...
    ...     def forward(self, x):
    ...         return x * self.gains[0] * self.gains[1]
    >>> model = Scale()
    >>> list(model.named_parameters())
    ['gains.0', 'gains.1']
    >>> model(ad.tensor([1.0, 1.0], dtype="float32")).numpy()
    array([3., 6.], dtype=float32)
    """

    training: bool
    _place = _Place()

    def __init__(self) -> None:
        self.training = True

    def __setattr__(self, name: str, value: Any) -> None:
        old = vars(self).get(name)
        if isinstance(old, ad.Tensor) and _is_parameter(old):
            self._check_successor(name, value)
        super().__setattr__(name, value)

    def forward(self, *inputs: Any, **options: Any) -> Any:
        """What the module computes; every subclass writes it."""
        raise NotImplementedError(
            f"{type(self).__name__} has no forward: write 'def forward(self, x): ...' in the class"
        )

    def __call__(self, *inputs: Any, **options: Any) -> Any:
        """Run ``forward`` in the scope of this module."""
        caller = _caller.get()
        if caller is None:
            name = type(self).__name__
            if "training" not in self.__dict__:
                self._check_made()
        else:
            place = self._place
            name = place.name
            found: Any = caller.__dict__
            try:  # written out: each call comes here
                for key in place.keys:
                    found = found[key]
                if found is not self or place.caller() is not caller:
                    name = self._name_in(caller)
            except Exception:  # whatever stands there now
                name = self._name_in(caller)
        token = _caller.set(self)
        try:
            with ad.scope(name):
                return self.forward(*inputs, **options)
        finally:
            _caller.reset(token)

    # ---- parameters

    def named_parameters(self) -> dict[str, ad.Tensor]:
        """Every parameter once, by its dotted path, in the order of assignment.

        >>> import nn
        >>> list(nn.Sequential(nn.Dense(2, 3), nn.Dense(3, 1, bias=False)).named_parameters())
        ['layers.0.weight', 'layers.0.bias', 'layers.1.weight']
        """
        return {path: x for path, x in self._walk() if isinstance(x, ad.Tensor)}

    def parameters(self) -> list[ad.Tensor]:
        """Every parameter once, in the order of ``named_parameters``.

        >>> import nn
        >>> [p.shape for p in nn.Dense(2, 3).parameters()]
        [(2, 3), (3,)]
        """
        return list(self.named_parameters().values())

    def named_modules(self) -> dict[str, Module]:
        """Every module once, by its dotted path; this one is ``""``.

        >>> import nn
        >>> list(nn.Sequential(nn.Dense(2, 3), nn.Flatten()).named_modules())
        ['', 'layers.0', 'layers.1']
        """
        return {path: x for path, x in self._walk() if isinstance(x, Module)}

    def __tree_flatten__(self) -> tuple[dict[str, ad.Tensor], Callable[[list[Any]], Any]]:
        """For the transforms of autodiff: the parameters, and what makes a copy with others.

        The copy shares all else with this module; what it writes into itself when it runs (running
        statistics) stays in the copy.
        """
        parameters = self.named_parameters()
        return parameters, lambda values: _copy_with(self, list(parameters.values()), values)

    # ---- mode

    def train(self, mode: bool = True) -> Self:
        """Switch this module and all in it to training; returns the module.

        >>> import nn
        >>> nn.Dropout(0.5).train().training
        True
        """
        for module in self.named_modules().values():
            module.training = mode
        return self

    def eval(self) -> Self:
        """Switch this module and all in it to evaluation (no dropout); returns the module.

        >>> import nn
        >>> nn.Dropout(0.5).eval().training
        False
        """
        return self.train(False)

    # ---- state

    def state_dict(self) -> dict[str, np.ndarray[Any, Any]]:
        """Copies of all parameter values, by path.

        >>> import nn
        >>> {path: x.shape for path, x in nn.Dense(2, 3).state_dict().items()}
        {'weight': (2, 3), 'bias': (3,)}
        """
        return {path: p.numpy() for path, p in self.named_parameters().items()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Set every parameter to the value of its path; all of them, or on an error none.

        Raises
        ------
        ValueError
            Paths, shapes or dtypes differ; the message lists what is missing, unexpected and
            different.

        >>> import nn
        >>> layer = nn.Dense(2, 1)
        >>> layer.load_state_dict({"weight": [[1.0], [2.0]], "bias": [3.0]})
        >>> layer.weight.numpy().ravel()
        array([1., 2.], dtype=float32)
        """
        parameters = self.named_parameters()
        values = {path: x.data if isinstance(x, ad.Tensor) else x for path, x in state.items()}
        check_fit(f"load_state_dict of {type(self).__name__}", values, parameters)
        for path, p in parameters.items():
            p.data = values[path]

    def __repr__(self) -> str:
        return tree(self) if "training" in vars(self) else f"<{type(self).__name__}, not made>"

    def describe(self) -> str:
        """What ``repr`` shows in parentheses after the class name, such as ``"64 → 10"``."""
        return ""

    # ---- inside

    def _check_made(self) -> None:
        if "training" not in vars(self):
            name = type(self).__name__
            raise RuntimeError(
                f"{name} is not made completely: {name}.__init__ did not call super().__init__(). "
                "Write super().__init__() as its first line"
            )

    def _check_successor(self, name: str, value: Any) -> None:
        """Refuse to put in a parameter's place what would be neither trained nor saved."""
        if value is not None and not any(True for _ in _open(name, value)):
            raise TypeError(
                f"{type(self).__name__}.{name} is a parameter, and {_kind(value)} in its place "
                f"would be neither trained nor saved: write .{name}.data = value for another "
                f"value, .{name} = nn.Parameter(value) for another parameter, or del .{name} first"
            )

    def _walk(self) -> Iterator[tuple[str, Any]]:
        """Modules and parameters with their paths, this one first, each object once."""
        seen: set[int] = set()
        paths: set[str] = set()
        stack: list[tuple[str, Any]] = [("", self)]
        while stack:
            path, found = stack.pop()
            if id(found) in seen:
                continue
            seen.add(id(found))
            if path in paths:
                raise ValueError(
                    f"two members of {type(self).__name__} have the path {path!r}: rename a dict "
                    "key; one with a dot is read as two, and 1 like '1'"
                )
            paths.add(path)
            yield path, found
            if isinstance(found, Module):
                prefix = f"{path}." if path else ""
                members = [(prefix + name, member) for name, member in found._members()]
                stack += reversed(members)

    def _members(self) -> Iterator[tuple[str, Any]]:
        """The modules and parameters in the attributes, containers opened, modules not."""
        self._check_made()
        for name, value in vars(self).items():
            yield from _open(name, value)

    def _name_in(self, caller: Module) -> str:
        """The caller's name for this module; the class name where the caller does not hold it."""
        self._check_made()
        keys = _keys_to(self, vars(caller))
        if keys is None:
            return type(self).__name__  # not remembered: the caller may take it in later
        self.__dict__["_place"] = place = _Place(ref(caller), keys)
        return place.name


def _keys_to(module: Module, value: Any) -> tuple[Any, ...] | None:
    """The keys that lead to a module through containers: the first way, in the order of paths."""
    if value is module:
        return ()
    if isinstance(value, dict):
        items: Any = value.items()
    else:
        items = enumerate(value) if isinstance(value, (list, tuple)) else ()
    for key, item in items:
        rest = _keys_to(module, item)
        if rest is not None:
            return (key, *rest)
    return None


def _is_parameter(value: ad.Tensor) -> bool:
    if isinstance(value, Parameter) or id(value) in _stand_ins.get():
        return True
    if _copied.get(id(value)) is value:
        return True
    return value.requires_grad and value.is_leaf


def _kind(value: Any) -> str:
    """A value in a message: its type, and dtype and shape where it has them."""
    if isinstance(value, (ad.Tensor, np.ndarray)):
        return f"{type(value).__name__} {value.dtype}{list(value.shape)}"
    return f"{value!r} ({type(value).__name__})"


def _open(path: str, value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Module) or (isinstance(value, ad.Tensor) and _is_parameter(value)):
        yield path, value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _open(f"{path}.{key}", item)
    elif isinstance(value, (list, tuple)):
        for i, item in enumerate(value):
            yield from _open(f"{path}.{i}", item)
    elif isinstance(value, (set, frozenset)) and any(True for x in value for _ in _open("", x)):
        raise TypeError(f"{path}: a set has no order to name parameters by; use a list or a dict")


def check_fit(
    what: str, values: Mapping[str, Any], expected: Mapping[str, Any], *, partial: bool = False
) -> None:
    """Raise a ValueError that lists the differences, unless every path, shape and dtype fits."""
    lines = []
    if not partial:
        lines += [f"  missing     {path}" for path in expected if path not in values]
    for path, value in values.items():
        array = value if hasattr(value, "dtype") else np.asarray(value)
        if path not in expected:
            lines.append(f"  unexpected  {path} {list(array.shape)}")
        elif array.shape != expected[path].shape:
            want = list(expected[path].shape)
            lines.append(f"  shape       {path}: got {list(array.shape)}, expected {want}")
        elif not np.can_cast(array.dtype, expected[path].dtype, "same_kind"):
            lines.append(
                f"  dtype       {path}: got {array.dtype}, expected {expected[path].dtype}"
            )
    if lines:
        raise ValueError(
            f"{what}: the state does not fit, nothing was changed\n" + "\n".join(lines)
        )


def call(model: Module, params: Mapping[str, Any], *inputs: Any, **options: Any) -> Any:
    """Run a model with other parameters, and put its own back, also after an exception.

    The way to differentiate through an update: the values may be results of recorded operations.
    While it runs, the model holds the other parameters, so two threads must not call one model so.

    Parameters
    ----------
    model : Module
    params : mapping of path to Tensor or array
        Paths of ``model.named_parameters()``; parameters that are not named keep their value.
    inputs, options
        Go to the model.

    Raises
    ------
    TypeError
        ``params`` is not a mapping.
    ValueError
        A path that the model does not have, or a value of another shape.

    >>> import autodiff as ad
    >>> import nn
    >>> layer = nn.Dense(1, 1, bias=False)
    >>> rate = ad.tensor(0.5, requires_grad=True)
    >>> y = nn.call(layer, {"weight": ad.reshape(rate * 2.0, (1, 1))}, ad.tensor([[3.0]]))
    >>> ad.gradients(y.sum(), rate).item()
    6.0
    """
    if not isinstance(params, Mapping):
        raise TypeError(
            f"nn.call: params is a mapping of path to value, such as model.named_parameters(), "
            f"got {type(params).__name__}"
        )
    parameters = model.named_parameters()
    tensors = {k: v if isinstance(v, ad.Tensor) else ad.tensor(v) for k, v in params.items()}
    check_fit(f"nn.call of {type(model).__name__}", tensors, parameters, partial=True)
    mapping = {id(parameters[path]): value for path, value in tensors.items()}
    token = _stand_ins.set(_stand_ins.get() | {id(value) for value in tensors.values()})
    undo: list[tuple[dict[str, Any], str, Any]] = []
    try:
        for module in model.named_modules().values():
            attributes = vars(module)
            for name, value in list(attributes.items()):
                new = _exchange(value, mapping)
                if new is not value:
                    undo.append((attributes, name, value))
                    attributes[name] = new
        return model(*inputs, **options)
    finally:
        for attributes, name, value in undo:
            attributes[name] = value
        _stand_ins.reset(token)


def _copy_with(model: Module, parameters: list[ad.Tensor], values: list[Any]) -> Module:
    """A copy of a model and the modules in it, with other values in the place of parameters."""
    modules = list(model.named_modules().values())
    mapping: dict[int, Any] = {id(module): object.__new__(type(module)) for module in modules}
    for parameter, value in zip(parameters, values, strict=True):
        tensor = value if isinstance(value, ad.Tensor) else ad.tensor(value)
        mapping[id(parameter)] = tensor
        _copied[id(tensor)] = tensor
    for module in modules:
        attributes = {name: _exchange(value, mapping) for name, value in vars(module).items()}
        vars(mapping[id(module)]).update(attributes)
    copy: Module = mapping[id(model)]
    return copy


def _exchange(value: Any, mapping: Mapping[int, Any]) -> Any:
    """``value`` with members replaced; containers are copied, and only where one changed."""
    if isinstance(value, (ad.Tensor, Module)):
        return mapping.get(id(value), value)
    if isinstance(value, dict):
        items = {key: _exchange(item, mapping) for key, item in value.items()}
        return items if any(items[key] is not value[key] for key in items) else value
    if isinstance(value, (list, tuple)):
        parts = [_exchange(item, mapping) for item in value]
        if all(new is old for new, old in zip(parts, value, strict=True)):
            return value
        make: Callable[..., Any] = type(value)
        return make(*parts) if hasattr(value, "_fields") else make(parts)
    return value
