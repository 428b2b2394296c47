"""Optimizer rules against hand-written loops, gradients through them, and the bound Optimizer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import autodiff as ad
import nn
from nn.optim import Optimizer, Rule, adam, sgd

Step = Callable[[Any, Any, dict[str, Any], int], Any]


def numpy_sgd(mu: float, nesterov: bool) -> Step:
    def step(p: Any, g: Any, memory: dict[str, Any], t: int) -> Any:
        memory["b"] = mu * memory.get("b", 0) + g
        return p - 0.1 * (g + mu * memory["b"] if nesterov else memory["b"])

    return step


def numpy_adam(p: Any, g: Any, memory: dict[str, Any], t: int) -> Any:
    memory["m"] = 0.8 * memory.get("m", 0) + 0.2 * g
    memory["v"] = 0.95 * memory.get("v", 0) + 0.05 * g**2
    return p - 0.1 * (memory["m"] / (1 - 0.8**t)) / (np.sqrt(memory["v"] / (1 - 0.95**t)) + 1e-8)


RULES = {
    "sgd": (sgd(0.1), numpy_sgd(0.0, False)),
    "momentum": (sgd(0.1, momentum=0.9), numpy_sgd(0.9, False)),
    "nesterov": (sgd(0.1, momentum=0.9, nesterov=True), numpy_sgd(0.9, True)),
    "adam": (adam(0.1, b1=0.8, b2=0.95), numpy_adam),
}


def gradient(p: Any, t: int) -> Any:
    """Of a quadratic that moves, with one coordinate that never has a gradient."""
    return (p - np.sin(t)) * np.array([1.0, 10.0, 0.0])


@pytest.mark.parametrize("name", RULES)
@pytest.mark.parametrize("tensors", [False, True])
def test_rule_equals_the_loop(name: str, tensors: bool) -> None:
    rule, step = RULES[name]
    start = {"a": np.array([1.0, -2.0, 3.0]), "b": np.array([0.5, 0.0, -1.0])}
    lift = ad.tensor if tensors else np.array
    params: dict[str, Any] = {path: lift(p) for path, p in start.items()}
    state = rule.init(params)
    # Of arrays, once filled.
    expected, memory = dict(start), {path: {} for path in start}  # type: ignore[var-annotated]
    for t in range(1, 21):
        grads = {path: gradient(p, t) for path, p in params.items()}
        params, state = rule.update(grads, state, params)
        for path in start:
            g = gradient(expected[path], t)
            expected[path] = step(expected[path], g, memory[path], t)
    assert state.step == 20
    for path in start:
        np.testing.assert_allclose(np.array(params[path]), expected[path], rtol=1e-12)
        assert isinstance(params[path], ad.Tensor) is tensors


@pytest.mark.parametrize("name", RULES)
def test_rule_of_a_parameter_without_axes(name: str) -> None:
    rule, _ = RULES[name]
    params: dict[str, Any] = {"number": np.array(2.0), "vector": np.array([2.0])}
    state = rule.init(params)
    for t in range(1, 4):
        grads = {path: p * t for path, p in params.items()}
        params, state = rule.update(grads, state, params)
    assert params["number"] == params["vector"][0] < 2.0


@pytest.mark.parametrize("name", RULES)
def test_rule_is_pure_and_keeps_float32(name: str) -> None:
    rule, _ = RULES[name]
    params = {"a": np.array([1.0, 2.0], np.float32)}
    grads = {"a": np.array([0.5, 0.0], np.float32)}
    state = rule.init(params)
    first, after = rule.update(grads, state, params)
    again, _ = rule.update(grads, state, params)
    assert (params["a"] == [1, 2]).all() and state.step == 0
    assert not any(slot.any() for slot in state.slots["a"])
    assert first["a"].tobytes() == again["a"].tobytes()
    assert {first["a"].dtype, *(slot.dtype for slot in after.slots["a"])} == {np.dtype("float32")}
    lr = ad.tensor(0.1)
    tensor_rule = {"sgd": sgd(lr), "adam": adam(lr)}.get(name, sgd(lr, ad.tensor(0.9)))
    mixed, _ = tensor_rule.update(grads, tensor_rule.init(params), params)
    assert mixed["a"].dtype == np.float32


def unrolled(make: Callable[[Any], Rule], lr: Any, start: Any, steps: int = 3) -> Any:
    """The loss after some steps of a quadratic whose last coordinate has no gradient."""
    rule = make(lr)
    params: dict[str, Any] = {"w": start}
    state = rule.init(params)
    for _ in range(steps):
        loss = ad.sum(ad.square(params["w"]) * np.array([1.0, 3.0, 0.0]))
        grads = ad.gradients(loss, params, create_graph=True)
        params, state = rule.update(grads, state, params)
    return ad.sum(ad.square(params["w"]) * np.array([1.0, 2.0, 3.0]))


META = {
    "sgd": lambda lr: sgd(lr),
    "momentum": lambda lr: sgd(lr, momentum=0.9),
    "nesterov": lambda lr: sgd(lr, momentum=0.9, nesterov=True),
    "adam": lambda lr: adam(lr),
}


@pytest.mark.parametrize("name", META)
def test_gradient_to_learning_rate_and_start_through_steps(name: str) -> None:
    make = META[name]
    lr = ad.tensor(0.05, requires_grad=True)
    start = ad.tensor([1.0, -2.0, 0.5], requires_grad=True)
    by_lr, by_start = ad.gradients(unrolled(make, lr, start), [lr, start])

    def value(rate: float, first: float) -> float:
        w = ad.tensor([first, -2.0, 0.5], requires_grad=True)
        return float(unrolled(make, rate, w).item())

    h = 1e-6
    numeric = (value(0.05 + h, 1.0) - value(0.05 - h, 1.0)) / (2 * h)
    assert by_lr.item() == pytest.approx(numeric, rel=1e-6)
    numeric = (value(0.05, 1.0 + h) - value(0.05, 1.0 - h)) / (2 * h)
    assert by_start.numpy()[0] == pytest.approx(numeric, rel=1e-6)
    assert np.isfinite(by_start.numpy()).all()  # the coordinate whose gradient is zero included
    assert by_start.numpy()[2] == pytest.approx(2 * 3 * 0.5)


@pytest.mark.parametrize("switch", [False, True])
def test_adam_at_zero_gradient_has_a_finite_meta_gradient(switch: bool) -> None:
    g = ad.tensor([0.0, 0.0], requires_grad=True)
    lr = ad.tensor(0.1, requires_grad=True)
    rule = adam(lr)
    params: dict[str, Any] = {"w": ad.tensor([1.0, 2.0])}
    after, _ = rule.update({"w": g}, rule.init(params), params)
    by_g, by_lr = ad.gradients(after["w"].sum(), [g, lr], create_graph=switch)
    # w - lr·g/(|g| + eps): the slope at 0 is -lr/eps.
    np.testing.assert_allclose(by_g.numpy(), [-0.1 / 1e-8] * 2, rtol=1e-9)
    assert by_lr.item() == 0


def test_adam_refuses_an_eps_that_is_zero() -> None:
    rule = adam(0.1)
    params = {"w": np.ones(2, np.float16)}
    with pytest.raises(ValueError, match=r"eps = 1e-08 is 0 in float16.*such as 1e-4"):
        rule.update({"w": np.zeros(2, np.float16)}, rule.init(params), params)


@pytest.mark.parametrize(("dtype", "eps"), [(np.float16, 1e-7), (np.float32, 1e-44)])
def test_adam_with_a_small_eps_leaves_what_has_no_gradient(dtype: Any, eps: float) -> None:
    rule = adam(0.1, eps=eps)
    params: dict[str, Any] = {"w": np.array([1.0, 2.0], dtype)}
    after, _ = rule.update({"w": np.array([0.5, 0.0], dtype)}, rule.init(params), params)
    np.testing.assert_allclose(after["w"], [0.9, 2.0], rtol=1e-3)


def test_bad_settings() -> None:
    for make in (sgd, adam):
        for lr in (-0.1, float("nan"), float("inf"), ad.tensor(-1.0)):
            with pytest.raises(ValueError, match="lr is finite and not negative"):
                make(lr)
    with pytest.raises(ValueError, match=r"momentum is in \[0, 1\), got 1"):
        sgd(0.1, momentum=1.0)
    with pytest.raises(ValueError, match="needs a momentum"):
        sgd(0.1, nesterov=True)
    with pytest.raises(ValueError, match="b2"):
        adam(b2=1.0)
    with pytest.raises(ValueError, match="eps is above 0"):
        adam(eps=0)
    for lr in ("0.1", None, np.array([0.1, 0.2]), ad.tensor([0.1])):
        for make in (sgd, adam):
            with pytest.raises(TypeError, match="lr is a number or a 0-d Tensor, got"):
                make(lr)


def test_numpy_and_tensor_settings_keep_float32() -> None:
    """NumPy's float64 scalars, as from logspace, would make float32 parameters float64."""
    half, rate = np.float64(0.5), np.array(0.1)
    tensors = [ad.tensor(value) for value in (0.1, 0.5, 0.5, 1e-8)]
    params = {"a": np.ones(2, np.float32)}
    for rule in (sgd(rate, half), adam(rate, half, half, half), adam(*tensors)):
        after, state = rule.update(params, rule.init(params), params)
        assert {after["a"].dtype, *(slot.dtype for slot in state.slots["a"])} == {np.dtype("f4")}


def test_update_names_what_does_not_fit() -> None:
    rule = adam()
    params = {"a": np.ones(2), "b": np.ones(2)}
    state = rule.init(params)
    with pytest.raises(ValueError) as caught:
        rule.update({"a": np.ones(2), "c": np.ones(2)}, state, params)
    assert str(caught.value).splitlines()[1:] == [
        "  no gradient for b",
        "  no parameter for gradient c",
    ]
    with pytest.raises(ad.ShapeError, match=r"'b' has shape \(2,\), its gradient \(1,\)"):
        rule.update({"a": np.ones(2), "b": np.ones(1)}, state, params)


# ---- Optimizer


def model_and_loss() -> tuple[nn.Module, Callable[[], Any]]:
    nn.seed(0)
    model = nn.Sequential(nn.Dense(2, 3, "tanh"), nn.Dense(3, 1))
    x = np.array([[0, 1], [1, 1]], np.float32)
    return model, lambda: nn.losses.mean_squared_error(model(x), np.array([[1.0], [0.0]]))


def test_step_by_gradients_and_by_backward_are_the_same() -> None:
    one, loss_one = model_and_loss()
    two, loss_two = model_and_loss()
    first, second = Optimizer(one, adam(0.05)), Optimizer(two, adam(0.05))
    start = loss_one().item()
    for _ in range(30):
        first.step(ad.gradients(loss_one(), first.parameters))
        loss_two().backward()
        second.step()
        assert all(p.grad is None for p in two.parameters())
    for path, value in one.state_dict().items():
        np.testing.assert_array_equal(value, two.state_dict()[path])
    assert loss_one().item() < 0.1 * start


def test_frozen_parameters_stay() -> None:
    model, loss = model_and_loss()
    frozen = model.named_parameters()["layers.0.weight"]
    frozen.requires_grad = False
    before = frozen.numpy()
    optimizer = Optimizer(model, sgd(0.1))
    assert "layers.0.weight" not in optimizer.parameters and "layers.0.weight" in model.state_dict()
    optimizer.step(ad.gradients(loss(), optimizer.parameters))
    np.testing.assert_array_equal(frozen.numpy(), before)


def test_step_without_gradients_names_the_parameters() -> None:
    model, _ = model_and_loss()
    with pytest.raises(
        ad.GradientError, match=r"no gradient for layers\.0\.weight, layers\.0\.bias"
    ):
        Optimizer(model, sgd(0.1)).step()


def test_nothing_changes_when_a_step_fails() -> None:
    model, _ = model_and_loss()
    optimizer = Optimizer(model, sgd(0.1, momentum=0.9))
    before = model.state_dict()
    grads = {path: np.ones(p.shape) for path, p in optimizer.parameters.items()}
    grads["layers.1.bias"] = np.ones(7)
    with pytest.raises(ad.ShapeError, match=r"layers\.1\.bias"):
        optimizer.step(grads)
    assert optimizer.state.step == 0
    for path, value in model.state_dict().items():
        np.testing.assert_array_equal(value, before[path])


def test_gradients_are_taken_in_the_dtype_of_the_parameter() -> None:
    model, _ = model_and_loss()
    optimizer = Optimizer(model, adam())
    optimizer.step({path: np.ones(p.shape) for path, p in optimizer.parameters.items()})
    optimizer.step({path: np.ones(p.shape).tolist() for path, p in optimizer.parameters.items()})
    assert {slot.dtype for slots in optimizer.state.slots.values() for slot in slots} == {
        np.dtype("f4")
    }


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_gradient_that_is_not_finite_changes_nothing(value: float) -> None:
    model, _ = model_and_loss()
    optimizer = Optimizer(model, adam())
    before = model.state_dict()
    grads = {path: np.ones(p.shape, np.float32) for path, p in optimizer.parameters.items()}
    grads["layers.0.weight"][1, 2] = value
    with pytest.raises(ad.GradientError, match=r"layers\.0\.weight .* 1 of 6 .* at \(1, 2\)"):
        optimizer.step(grads)
    assert optimizer.state.step == 0
    for path, x in model.state_dict().items():
        np.testing.assert_array_equal(x, before[path])
    grads["layers.0.weight"][1, 2] = 3e38  # finite, though its square is not
    Optimizer(model, sgd(0.1)).step(grads)


def test_step_refuses_what_is_no_mapping_of_gradients() -> None:
    model, loss = model_and_loss()
    optimizer = Optimizer(model, sgd(0.1))
    for wrong in (loss(), list(model.parameters())):
        with pytest.raises(TypeError, match=r"step: grads is a mapping of path to gradient"):
            optimizer.step(wrong)  # type: ignore[arg-type]  # wrong on purpose
    with pytest.raises(ad.GradientError, match=r"gradient of layers\.0\.weight is None"):
        optimizer.step(dict.fromkeys(optimizer.parameters))
    with pytest.raises(ad.DTypeError, match="complex128, the parameter float32"):
        optimizer.step(
            {path: np.ones(p.shape, complex) for path, p in model.named_parameters().items()}
        )


def test_layers_that_are_replaced_or_added_later_are_found() -> None:
    for change, expected in (
        (lambda m: m.layers.append(nn.Dense(1, 1)), ["  new   layers.2.weight [1, 1]"]),
        (
            lambda m: m.layers.__setitem__(1, nn.Dense(3, 1, bias=False)),
            ["  new   layers.1.weight [3, 1]", "  gone  layers.1.weight [3, 1]"],
        ),
        (lambda m: m.layers.pop(), ["  gone  layers.1.weight [3, 1]"]),
    ):
        model, _ = model_and_loss()
        optimizer = Optimizer(model, sgd(0.1))
        grads = {path: np.ones(p.shape) for path, p in optimizer.parameters.items()}
        optimizer.step(grads)
        change(model)
        with pytest.raises(ValueError, match="Sequential has other parameters") as caught:
            for _ in range(64):  # steps look now and then
                optimizer.step(grads)
        assert set(expected) <= set(str(caught.value).splitlines())


def test_parameters_that_move_or_were_frozen_do_not_count_as_changed() -> None:
    model, _ = model_and_loss()
    model.named_parameters()["layers.0.bias"].requires_grad = False
    optimizer = Optimizer(model, sgd(0.1))
    model.layers.insert(0, nn.Flatten())  # type: ignore[attr-defined]  # that model has it
    # That model has it.
    model.frozen = nn.Parameter(1.0, requires_grad=False)  # type: ignore[attr-defined]
    optimizer.check_model()


def test_resumed_training_is_bit_identical() -> None:
    one, loss_one = model_and_loss()
    first = Optimizer(one, adam(0.05))
    for _ in range(5):
        first.step(ad.gradients(loss_one(), first.parameters))
    two, loss_two = model_and_loss()
    second = Optimizer(two, adam(0.05))
    two.load_state_dict(one.state_dict())
    second.load_state_dict(first.state_dict())
    for optimizer, loss in ((first, loss_one), (second, loss_two)):
        optimizer.step(ad.gradients(loss(), optimizer.parameters))
    for path, value in one.state_dict().items():
        np.testing.assert_array_equal(value, two.state_dict()[path])


def test_wrong_optimizer_state_is_refused() -> None:
    model, _ = model_and_loss()
    optimizer = Optimizer(model, adam())
    state = optimizer.state_dict()
    assert "layers.0.weight.m" in state and state["step"] == 0
    state["layers.0.weight.u"] = state.pop("layers.0.weight.m")
    with pytest.raises(ValueError) as caught:
        optimizer.load_state_dict(state)
    assert "missing     layers.0.weight.m" in str(caught.value)
    assert "unexpected  layers.0.weight.u [2, 3]" in str(caught.value)


def test_bad_optimizers() -> None:
    with pytest.raises(ValueError, match="Flatten has no parameter that requires a gradient"):
        Optimizer(nn.Flatten(), sgd(0.1))
    with pytest.raises(TypeError, match=r"a rule such as nn\.optim\.adam\(\), got 0\.1"):
        Optimizer(nn.Dense(1, 1), 0.1)  # type: ignore[arg-type]  # wrong on purpose
    with pytest.raises(TypeError, match="expected the model, .* got list"):
        # Wrong on purpose.
        Optimizer(nn.Dense(1, 1).parameters(), sgd(0.1))  # type: ignore[arg-type]


def test_a_step_inside_no_history() -> None:
    """A learning rate that requires a gradient does not make parameters results of operations."""
    model, loss = model_and_loss()
    optimizer = Optimizer(model, adam(ad.tensor(0.1, requires_grad=True)))
    optimizer.step(ad.gradients(loss(), optimizer.parameters))
    assert all(p.is_leaf and p.requires_grad for p in model.parameters())
    assert not any(
        isinstance(s, ad.Tensor) for slots in optimizer.state.slots.values() for s in slots
    )


def test_what_a_rule_keeps_for_itself_has_no_history() -> None:
    rate = ad.tensor(0.1, requires_grad=True)
    kept: list[Any] = [0.0]

    def advance(g: Any, slots: Any, p: Any, step: int) -> Any:
        kept[0] = 0.9 * kept[0] + 0.1 * rate
        return p - kept[0].data * g, ()

    model, loss = model_and_loss()
    optimizer = Optimizer(model, Rule("averaged", {}, advance=advance))
    optimizer.step(ad.gradients(loss(), optimizer.parameters))
    assert not kept[0].requires_grad
