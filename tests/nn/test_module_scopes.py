"""The module path of an operation is the path at which the module stands when it is called."""

from __future__ import annotations

import copy
import gc
import pickle
import weakref
from collections.abc import Callable
from typing import Any

import pytest

import autodiff as ad
import nn


class Inner(nn.Module):
    def forward(self, x: Any) -> Any:
        return x * 2.0


class Holder(nn.Module):
    """Calls the member that a function finds."""

    a: Any
    b: Any
    parts: Any
    late: Any

    def __init__(self, find: Callable[[Any], nn.Module], **members: Any) -> None:
        super().__init__()
        self.find = find
        vars(self).update(members)

    def forward(self, x: Any) -> Any:
        return self.find(self)(x)


def find_a(holder: Any) -> Any:
    return holder.a


def find_b(holder: Any) -> Any:
    return holder.b


def place(model: nn.Module) -> str:
    """The name under which the member of a holder was recorded."""
    y = model(ad.tensor(1.0, requires_grad=True))
    return str(y.node.scope[-1])


def test_a_member_that_two_parents_share() -> None:
    child = Inner()
    one, two = Holder(find_a, a=child), Holder(find_b, b=child)
    assert [place(m) for m in (one, two, one, two)] == ["a", "b", "a", "b"]
    assert child(ad.tensor(1.0, requires_grad=True)).node.scope == ("Inner",)


def test_a_member_moved_inside_its_parent() -> None:
    holder = Holder(find_a, a=Inner())
    assert place(holder) == "a"
    holder.b, holder.find = holder.a, find_b
    del holder.a
    assert place(holder) == "b"


def test_a_member_that_its_list_moved() -> None:
    holder = Holder(lambda h: h.parts[-1], parts=[Inner()])
    assert place(holder) == "parts.0"
    holder.parts.insert(0, Inner())
    assert place(holder) == "parts.1"
    holder.parts = {"first": [holder.parts[1]]}
    holder.find = lambda h: h.parts["first"][0]
    assert place(holder) == "parts.first.0"


def test_a_member_is_looked_for_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []
    look = nn.Module._name_in
    monkeypatch.setattr(nn.Module, "_name_in", lambda m, c: asked.append(m) or look(m, c))
    for members in ({"a": Inner()}, {"a": [Inner()]}, {"a": [{"x": (Inner(),)}]}):
        holder = Holder(lambda h: list(h.named_modules().values())[-1], **members)
        assert place(holder) == place(holder)
    assert len(asked) == 3


def test_a_member_taken_in_after_a_call() -> None:
    child = Inner()
    holder = Holder(lambda h: child)
    assert place(holder) == "Inner"
    holder.late = child
    assert place(holder) == "late"


def test_a_member_at_two_places_has_the_first_of_them() -> None:
    child = Inner()
    holder = Holder(find_b, a=child, b=child)
    assert place(holder) == "a" == list(holder.named_modules())[1]


@pytest.mark.parametrize(
    "duplicate", [copy.copy, copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))]
)
def test_copies_and_pickles_do_not_know_the_old_caller(duplicate: Any) -> None:
    holder = Holder(find_a, a=Inner())
    assert place(holder) == "a"
    child = duplicate(holder.a)
    assert place(Holder(find_b, b=child)) == "b"
    assert place(duplicate(holder)) == "a" == place(holder)


class Bare(Inner):
    def __getstate__(self) -> Any:
        return dict(vars(self))


def test_a_called_module_with_a_state_of_its_own_is_pickled() -> None:
    holder = Holder(find_a, a=Bare())
    assert place(holder) == "a"
    assert place(Holder(find_b, b=pickle.loads(pickle.dumps(holder.a)))) == "b"


def test_a_new_parent_in_the_memory_of_a_dead_one() -> None:
    child = Inner()
    for _ in range(50):  # where a parent is freed, the next is likely to get its memory
        assert place(Holder(find_a, a=child)) == "a"
        assert place(Holder(find_b, b=child)) == "b"
    assert child(ad.tensor(1.0, requires_grad=True)).node.scope == ("Inner",)


def test_a_called_model_is_freed_with_its_last_name() -> None:
    holder = Holder(find_a, a=Inner())
    place(holder)
    watched = weakref.ref(holder)
    gc.disable()
    try:
        del holder
        assert watched() is None
    finally:
        gc.enable()
