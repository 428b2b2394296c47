"""Module: which parameters are found, under which names, in which state, and what errors say."""

from __future__ import annotations

import copy
import pickle
import threading
from typing import Any, NamedTuple

import numpy as np
import pytest

import autodiff as ad
import nn


class Pair(NamedTuple):
    first: Any
    second: Any


class Nested(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.gain = nn.Parameter(1.0)
        self.blocks = [nn.Dense(2, 2), {"inner": (nn.Parameter([2.0]), [nn.Dense(2, 1)])}]
        self.pair = Pair(nn.Parameter([3.0]), None)
        self.note = "no parameter"
        self.constant = ad.tensor([1.0])

    def forward(self, x: Any) -> Any:
        return x * self.gain


class Grows(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layers: list[nn.Module] = []
        self.layers.append(nn.Dense(2, 2))

    def forward(self, x: Any) -> Any:
        for layer in self.layers:
            x = layer(x)
        return x


def test_parameters_in_nested_containers_have_dotted_paths() -> None:
    assert list(Nested().named_parameters()) == [
        "gain",
        "blocks.0.weight",
        "blocks.0.bias",
        "blocks.1.inner.0",
        "blocks.1.inner.1.0.weight",
        "blocks.1.inner.1.0.bias",
        "pair.0",
    ]
    assert list(Nested().named_modules()) == ["", "blocks.0", "blocks.1.inner.1.0"]


def test_list_that_grows_later_and_replaced_layers_are_seen() -> None:
    model = Grows()
    model.layers.append(nn.Dense(2, 3, bias=False))
    assert list(model.named_parameters()) == [
        "layers.0.weight",
        "layers.0.bias",
        "layers.1.weight",
    ]
    model.layers[0] = nn.Flatten()
    assert list(model.named_parameters()) == ["layers.1.weight"]


def test_shared_parameters_and_modules_count_once() -> None:
    model = Nested()
    model.again = model.blocks[0]  # type: ignore[attr-defined]  # new to the class
    model.tied = model.gain  # type: ignore[attr-defined]  # new to the class
    assert list(model.named_parameters()) == list(Nested().named_parameters())
    layer = nn.Dense(2, 2)
    loop = nn.Sequential(layer, layer)
    assert len(loop.parameters()) == 2
    assert repr(loop).splitlines()[-1].endswith("shared")


def test_cycle_of_modules_ends() -> None:
    child, parent = nn.Sequential(nn.Dense(1, 1)), nn.Sequential()
    parent.layers.append(child)
    child.parent = parent  # type: ignore[attr-defined]  # new to the class
    assert list(parent.named_parameters()) == ["layers.0.layers.0.weight", "layers.0.layers.0.bias"]


def test_plain_leaf_tensor_that_requires_a_gradient_is_a_parameter() -> None:
    model = nn.Sequential()
    model.w = ad.tensor([1.0], requires_grad=True)  # type: ignore[attr-defined]  # new to the class
    model.computed = model.w * 2  # type: ignore[attr-defined]  # new to the class
    assert list(model.named_parameters()) == ["w"]


def test_parameter_in_a_set_and_ambiguous_paths_are_refused() -> None:
    model = nn.Sequential()
    model.loose = {nn.Parameter([1.0])}  # type: ignore[attr-defined]  # new to the class
    with pytest.raises(TypeError, match="loose: a set has no order"):
        model.named_parameters()
    for loose, path in (
        ({"a.b": nn.Parameter(1.0), "a": {"b": nn.Parameter(2.0)}}, "a.b"),
        ({1: nn.Parameter(1.0), "1": nn.Parameter(2.0)}, "1"),
    ):
        model.loose = loose  # type: ignore[attr-defined]  # new to the class
        with pytest.raises(
            ValueError, match=rf"members of Sequential have the path 'loose\.{path}'"
        ):
            model.named_parameters()


class Careless(nn.Dense):
    def __init__(self) -> None:
        self.scale = nn.Parameter(2.0)


@pytest.mark.parametrize(
    "use",
    [
        lambda m: m(np.ones((1, 2))),
        lambda m: m.parameters(),
        lambda m: m.state_dict(),
        lambda m: m.train(),
        lambda m: nn.optim.Optimizer(m, nn.optim.sgd(0.1)),
        lambda m: repr(nn.Sequential(m)),
        lambda m: nn.Sequential(m)(np.ones((1, 2))),
    ],
)
def test_missing_super_init_is_named(use: Any) -> None:
    with pytest.raises(RuntimeError, match=r"Careless\.__init__ did not call super"):
        use(Careless())
    assert repr(Careless()) == "<Careless, not made>"


def test_module_without_forward() -> None:
    with pytest.raises(NotImplementedError, match="Module has no forward"):
        nn.Module()(1.0)


def test_train_and_eval_reach_every_module() -> None:
    model = nn.Sequential(nn.Dropout(0.5), nn.Sequential(nn.Dropout(0.5)))
    assert model.eval() is model
    assert [m.training for m in model.named_modules().values()] == [False] * 4
    model.train()
    assert all(m.training for m in model.named_modules().values())


def test_state_round_trip_and_copies() -> None:
    nn.seed(0)
    one, two = nn.Dense(2, 3), nn.Dense(2, 3)
    state = one.state_dict()
    two.load_state_dict(state)
    np.testing.assert_array_equal(two.weight.numpy(), one.weight.numpy())
    state["weight"][:] = 7
    assert not (one.weight.data == 7).any() and not (two.weight.data == 7).any()


def test_wrong_state_lists_every_difference_and_changes_nothing() -> None:
    model = nn.Sequential(nn.Dense(2, 3), nn.Dense(3, 1))
    before = model.state_dict()
    state = {path: x + 1 for path, x in before.items()}
    del state["layers.0.bias"]
    state["layers.1.weight"] = np.ones((3, 2))
    state["layers.1.bias"] = np.ones(1, complex)
    state["layers.2.weight"] = np.ones(4)
    with pytest.raises(ValueError) as caught:
        model.load_state_dict(state)
    assert str(caught.value).splitlines() == [
        "load_state_dict of Sequential: the state does not fit, nothing was changed",
        "  missing     layers.0.bias",
        "  shape       layers.1.weight: got [3, 2], expected [3, 1]",
        "  dtype       layers.1.bias: got complex128, expected float32",
        "  unexpected  layers.2.weight [4]",
    ]
    for path, value in model.state_dict().items():
        np.testing.assert_array_equal(value, before[path])


def test_repr_is_a_tree_with_shapes_and_counts() -> None:
    model = nn.Sequential(
        nn.Dense(64, 32, "relu"), nn.Sequential(nn.Dropout(0.25), nn.Dense(32, 10))
    )
    assert repr(model).splitlines() == [
        "Sequential                                                     2,410 parameters",
        "├─ layers.0: Dense(64 → 32, relu)  weight [64, 32], bias [32]  2,080 parameters",
        "└─ layers.1: Sequential                                          330 parameters",
        "   ├─ layers.0: Dropout(0.25)",
        "   └─ layers.1: Dense(32 → 10)  weight [32, 10], bias [10]       330 parameters",
    ]


def test_scopes_follow_the_modules() -> None:
    model = Grows()
    model.layers.append(nn.Sequential(nn.Dense(2, 1)))
    y = model(ad.ones((1, 2), dtype="float32"))
    assert y.node.scope == ("Grows", "layers.1", "layers.0")
    model.layers.insert(0, nn.Flatten())
    fresh = copy.deepcopy(model)
    y = fresh(ad.ones((1, 2), dtype="float32"))
    assert y.node.scope == ("Grows", "layers.2", "layers.0")


def test_shape_error_names_the_module_path() -> None:
    model = nn.Sequential(nn.Dense(2, 3), nn.Sequential(nn.Dense(4, 1)))
    with pytest.raises(ad.ShapeError, match=r"matmul.*Sequential\.layers\.1\.layers\.0"):
        model(ad.ones((1, 2), dtype="float32"))
    y = nn.Dense(1, 1)(ad.ones((1, 1), dtype="float32"))
    assert y.node.scope == ("Dense",)  # nothing is left over from the call that failed


def test_pickle_and_deepcopy_keep_a_model_trainable() -> None:
    model = nn.Sequential(nn.Dense(2, 2, "tanh"), nn.Dense(2, 1))
    x = ad.ones((3, 2), dtype="float32")
    for other in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        assert list(other.named_parameters()) == list(model.named_parameters())
        assert all(isinstance(p, nn.Parameter) and p.requires_grad for p in other.parameters())
        np.testing.assert_array_equal(other(x).numpy(), model(x).numpy())
        other.layers[0].weight.data = np.zeros((2, 2))
        assert model.layers[0].weight.data.any()  # type: ignore[union-attr]  # this one has it


class Tensors(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.w = nn.Parameter([1.0])
        self.leaf = ad.tensor([2.0], requires_grad=True)


@pytest.mark.parametrize("name", ["w", "leaf"])
def test_a_parameter_is_not_lost_by_assignment(name: str) -> None:
    model = Tensors()
    old = getattr(model, name)
    for value in (old * 2, np.zeros(1), 3.0, [1.0], ad.tensor([1.0])):
        with pytest.raises(
            TypeError, match=rf"Tensors\.{name} is a parameter, and .*\.data = value"
        ):
            setattr(model, name, value)
    assert getattr(model, name) is old
    for value in (nn.Parameter([5.0]), nn.Dense(1, 1)):
        setattr(model, name, value)
        assert getattr(model, name) is value
    model = Tensors()
    setattr(model, name, None)
    assert name not in model.named_parameters()
    model = Tensors()
    delattr(model, name)
    setattr(model, name, 3.0)


def test_default_dtype() -> None:
    assert nn.Parameter(np.ones(2)).dtype == np.float32
    nn.set_default_dtype(np.float64)
    try:
        assert nn.Parameter([1, 2]).dtype == np.float64
        # This layer has one.
        assert nn.Dense(2, 2).bias.dtype == np.float64  # type: ignore[union-attr]
    finally:
        nn.set_default_dtype(np.float32)
    assert nn.Dense(2, 2, dtype="float64").weight.dtype == np.float64
    with pytest.raises(ad.DTypeError, match="int64"):
        nn.set_default_dtype(int)


# ---- nn.call


def identities(model: nn.Module) -> dict[str, int]:
    return {path: id(p) for path, p in model.named_parameters().items()}


def test_call_takes_other_parameters_wherever_they_stand() -> None:
    class Tuple(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.held = Pair(nn.Parameter(2.0), {"deep": [nn.Parameter(3.0)]})
            self.tied = self.held.first

        def forward(self, x: Any) -> Any:
            assert list(self.named_parameters()) == ["held.0", "held.1.deep.0"]
            return x * self.held.first * self.held.second["deep"][0] + self.tied

    model = Tuple()
    before = identities(model)
    w = ad.tensor(5.0, requires_grad=True)
    y = nn.call(model, {"held.0": w * w}, 1.0)
    assert y.item() == 25 * 3 + 25
    assert ad.gradients(y, w).item() == pytest.approx(2 * 5 * 4)
    assert identities(model) == before
    assert type(model.held) is Pair


def test_call_restores_after_an_exception() -> None:
    model = nn.Sequential(nn.Dense(2, 2), nn.Dense(3, 1))
    before = identities(model)
    with pytest.raises(ad.ShapeError):
        nn.call(model, {"layers.0.weight": np.ones((2, 2))}, ad.ones((1, 2)))
    assert identities(model) == before


def test_call_refuses_what_does_not_fit() -> None:
    with pytest.raises(ValueError, match=r"unexpected  wieght \[2, 2\]"):
        nn.call(nn.Dense(2, 2), {"wieght": np.ones((2, 2))}, np.ones((1, 2)))
    with pytest.raises(ValueError, match=r"weight: got \[2, 3\], expected \[2, 2\]"):
        nn.call(nn.Dense(2, 2), {"weight": np.ones((2, 3))}, np.ones((1, 2)))
    with pytest.raises(TypeError, match="params is a mapping of path to value.* got list"):
        # Wrong on purpose.
        nn.call(nn.Dense(2, 2), [np.ones((2, 2))], np.ones((1, 2)))  # type: ignore[arg-type]


def test_names_hold_in_threads() -> None:
    model = Grows()
    scopes: list[Any] = []
    x = ad.ones((1, 2), dtype="float32")
    threads = [
        threading.Thread(target=lambda: scopes.append(model(x).node.scope)) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert scopes == [("Grows", "layers.0")] * 4


def test_saved_files_load(tmp_path: Any) -> None:
    for name in ("model.npz", "model.safetensors"):
        one, two = nn.Dense(2, 3), nn.Dense(2, 3)
        nn.save(one, tmp_path / name)
        nn.load(two, tmp_path / name)
        np.testing.assert_array_equal(two.weight.data, one.weight.data)
        with pytest.raises(ValueError, match="the state does not fit"):
            nn.load(nn.Dense(2, 4), tmp_path / name)
    with pytest.raises(ValueError, match=r"end in \.safetensors or \.npz"):
        nn.save(nn.Dense(2, 3), tmp_path / "model.pt")


@pytest.mark.parametrize("name", ["model.npz", "model.safetensors"])
def test_every_layout_name_and_size_is_saved(name: str, tmp_path: Any) -> None:
    class Odd(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.file = nn.Parameter(3.0)  # np.savez has an argument of this name
            self.allow_pickle = nn.Parameter(np.arange(6.0).reshape(2, 3).T)
            self.by_key = {"a/b": nn.Parameter(np.arange(8.0)[::2], dtype="float64")}

    one, two = Odd(), Odd()
    for p in two.parameters():
        p.data = np.zeros(p.shape)
    nn.save(one, tmp_path / name)
    nn.load(two, tmp_path / name)
    for path, value in one.state_dict().items():
        np.testing.assert_array_equal(two.state_dict()[path], value)
    again = tmp_path / f"again-{name}"
    nn.save(two, again)
    assert again.read_bytes() == (tmp_path / name).read_bytes()
    if name.endswith("npz"):
        with np.load(again) as archive:
            assert archive["by_key.a/b"].tolist() == [0, 2, 4, 6]


@pytest.mark.parametrize("name", ["model.npz", "model.safetensors"])
def test_files_that_are_missing_or_broken(name: str, tmp_path: Any) -> None:
    model, path = nn.Dense(2, 3), tmp_path / name
    with pytest.raises(FileNotFoundError):
        nn.load(model, path)
    with pytest.raises(FileNotFoundError):
        nn.save(model, tmp_path / "none" / name)
    nn.save(model, path)
    whole = path.read_bytes()
    for broken in (b"", b"hello", whole[: len(whole) // 2]):
        path.write_bytes(broken)
        with pytest.raises(ValueError, match=rf"load: '.*{name}' is not a whole model file"):
            nn.load(model, path)
