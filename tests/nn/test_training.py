"""Trainer and History on data small enough to know the answer."""

from __future__ import annotations

import builtins
import functools
from typing import Any

import numpy as np
import pytest

import autodiff as ad
import nn
from nn.data import Batches

X = np.linspace(-1, 1, 40).reshape(-1, 1)
Y = 2 * X + 1


def line_trainer(rate: float = 0.1) -> nn.Trainer:
    nn.seed(0)
    return nn.Trainer(nn.Dense(1, 1), nn.optim.sgd(rate), nn.losses.mean_squared_error)


def blobs(n: int = 60) -> tuple[Any, Any]:
    rng = np.random.default_rng(0)
    y = rng.integers(0, 3, n)
    return np.eye(3)[y] * 3 + rng.normal(size=(n, 3)) * 0.3, y


# ---- batches


def test_bad_settings() -> None:
    trainer = line_trainer()
    for options, text in (
        ({"epochs": 0}, "epochs is at least 1"),
        ({"batch_size": 0}, "batch_size is at least 1"),
        ({"patience": 0, "validation": (X, Y)}, "patience is at least 1"),
        ({"patience": 3}, "give validation"),
        ({"seed": -1}, "seed is at least 0"),
    ):
        with pytest.raises(ValueError, match=text):
            trainer.fit(X, Y, progress=False, **options)  # type: ignore[arg-type]  # of many types
    for options, text in (
        ({"epochs": 1.5}, "epochs is a whole number, got 1.5"),
        ({"batch_size": 8.0}, "batch_size is a whole number"),
        ({"patience": "3", "validation": (X, Y)}, "patience is a whole number, got '3'"),
        ({"validation": X}, r"validation is a pair \(x, y\), got ndarray"),
        ({"validation": 0.2}, "got float; nn.data.split"),
    ):
        with pytest.raises(TypeError, match=text):
            trainer.fit(X, Y, progress=False, **options)  # type: ignore[arg-type]  # of many types
    with pytest.raises(ValueError, match="predict: batch_size is at least 1"):
        trainer.predict(X, batch_size=0)
    for empty in (X[:0], 1.0):
        with pytest.raises(ad.ShapeError, match="predict: expected samples"):
            trainer.predict(empty)


def test_bad_trainers() -> None:
    model, rule, loss = nn.Dense(1, 1), nn.optim.sgd(0.1), nn.losses.mean_squared_error
    accuracy = nn.metrics.accuracy
    wrong: list[tuple[Any, Any]] = [
        ((X, rule, loss), "the model is an nn.Module"),
        ((model, "adam", loss), "the optimizer is a rule .* got 'adam'"),
        ((model, nn.optim.adam, loss), "the optimizer is a rule"),
        ((model, rule, "mse"), "the loss is a function .* got 'mse'"),
    ]
    for arguments, text in wrong:
        with pytest.raises(TypeError, match=text):
            nn.Trainer(*arguments)
    for metrics, text in ((accuracy, "a list or a dict"), (["accuracy"], "got 'accuracy'")):
        with pytest.raises(TypeError, match=text):
            # Wrong on purpose.
            nn.Trainer(model, rule, loss, metrics=metrics)  # type: ignore[arg-type]
    named: list[Any] = [[accuracy] * 2, {"loss": accuracy}, {"val_loss": accuracy}]
    for metrics in [*named, [functools.partial(accuracy)]]:
        with pytest.raises(ValueError, match="cannot be the column of a metric"):
            nn.Trainer(model, rule, loss, metrics=metrics)
    other = nn.optim.Optimizer(nn.Dense(1, 1), rule)
    with pytest.raises(ValueError, match=r"bound to weight, bias of another Dense"):
        nn.Trainer(model, other, loss)


def test_optimizer_of_a_part_trains_that_part_without_a_warning() -> None:
    model = nn.Sequential(nn.Dense(1, 3), nn.Dense(3, 1))
    part = nn.optim.Optimizer(model[1], nn.optim.sgd(0.1))  # type: ignore[arg-type]  # a module
    before = model.state_dict()
    nn.Trainer(model, part, nn.losses.mean_squared_error).fit(X, Y, epochs=1, progress=False)
    changed = {path for path, x in model.state_dict().items() if (x != before[path]).any()}
    assert changed == {"layers.1.weight", "layers.1.bias"}


# ---- augmentation


# ---- fit


def test_fit_finds_the_line() -> None:
    trainer = line_trainer(0.5)
    history = trainer.fit(X, Y, epochs=60, batch_size=10, validation=(X, Y), progress=False)
    # That model has it.
    assert trainer.model.weight.item() == pytest.approx(2, abs=1e-3)  # type: ignore[attr-defined]
    # That model has it.
    assert trainer.model.bias.item() == pytest.approx(1, abs=1e-3)  # type: ignore[attr-defined]
    assert len(history) == 60 and history["loss"][-1] < 1e-4 * history["loss"][0]
    assert history["val_loss"][-1] == pytest.approx(trainer.evaluate(X, Y)["loss"])
    assert trainer.predict(X).dtype == np.float32


def test_one_epoch_equals_a_loop() -> None:
    trainer = line_trainer()
    w, b = (p.item() for p in trainer.model.parameters())
    total = 0.0
    for x, y in Batches(X, Y, 16, seed=7):
        error = w * x + b - y
        total += float((error**2).sum())
        w, b = w - 0.1 * float((2 * error * x).mean()), b - 0.1 * float((2 * error).mean())
    history = trainer.fit(X, Y, epochs=1, batch_size=16, seed=7, progress=False)
    assert [p.item() for p in trainer.model.parameters()] == pytest.approx([w, b], rel=1e-5)
    assert history["loss"] == pytest.approx([total / len(X)], rel=1e-5)


def test_classification_with_metrics_and_same_seed_same_bits() -> None:
    x, y = blobs()

    def train() -> tuple[bytes, dict[str, Any]]:
        nn.seed(5)
        model = nn.Sequential(nn.Dense(3, 8, "relu"), nn.Dropout(0.2), nn.Dense(8, 3))
        trainer = nn.Trainer(
            model,
            nn.optim.adam(0.02),
            nn.losses.cross_entropy,
            metrics={"right": nn.metrics.accuracy},
        )
        history = trainer.fit(x, y, epochs=20, validation=(x, y), seed=3, progress=False)
        assert trainer.evaluate(x, y)["right"] > 0.95
        weights = b"".join(value.tobytes() for value in model.state_dict().values())
        return weights, history.columns

    first, second = train(), train()
    assert first == second
    assert list(first[1]) == ["loss", "right", "val_loss", "val_right"]


def test_early_stopping_takes_the_best_parameters_back() -> None:
    # The validation targets are the opposite: with each epoch its loss grows, after a first fall by
    # the bias. So the best epoch is early, and the last parameters are not the best.
    trainer = line_trainer()
    validation = (X, -2 * X + 1)
    seen: list[dict[str, Any]] = []
    evaluate = trainer.evaluate

    def spy(*args: Any, **options: Any) -> dict[str, float]:
        seen.append(trainer.model.state_dict())
        return evaluate(*args, **options)

    trainer.evaluate = spy  # type: ignore[method-assign]  # watched
    history = trainer.fit(
        X, Y, epochs=200, batch_size=40, validation=validation, patience=4, progress=False
    )
    losses = history["val_loss"]
    best = int(np.argmin(losses))
    assert history.best_epoch == best + 1
    assert len(losses) == best + 1 + 4 < 200
    for path, value in trainer.model.state_dict().items():
        np.testing.assert_array_equal(value, seen[best][path])
    assert (seen[-1]["bias"] != seen[best]["bias"]).all()
    assert evaluate(*validation)["loss"] == losses[best]


class Interrupts(nn.Module):
    """A line whose training is stopped by Ctrl-C at one of its calls."""

    def __init__(self, at: int) -> None:
        super().__init__()
        self.dense = nn.Dense(1, 1)
        self.left = at

    def forward(self, x: Any) -> Any:
        self.left -= 1
        if self.left == 0:
            raise KeyboardInterrupt
        return self.dense(x)


def test_interrupted_fit_keeps_the_history_and_the_best_epoch(
    capsys: pytest.CaptureFixture[str],
) -> None:
    model = Interrupts(at=8)  # the second batch of epoch 3; each epoch has two and the validation
    trainer = nn.Trainer(
        model, nn.optim.sgd(0.1, momentum=0.5), nn.losses.mean_squared_error, metrics={}
    )
    with pytest.raises(KeyboardInterrupt):
        trainer.fit(X, Y, epochs=9, batch_size=20, validation=(X, Y), patience=4)
    assert len(trainer.history) == trainer.history.best_epoch == trainer.epochs_done == 2
    assert trainer.evaluate(X, Y)["loss"] == trainer.history["val_loss"][1]
    assert trainer.optimizer.state.step == 4 and model.training
    out = capsys.readouterr().out.splitlines()
    assert out[-1] == "epoch 2 was the best, its parameters are taken back"
    trainer.fit(X, Y, epochs=2, progress=False)
    assert len(trainer.history) == 2 and trainer.epochs_done == 4


def test_two_fits_are_one_longer_fit() -> None:
    once, twice = line_trainer(), line_trainer()
    expected = once.fit(X, Y, epochs=4, progress=False)["loss"]
    got = [twice.fit(X, Y, epochs=2, progress=False)["loss"] for _ in range(2)]
    assert [*got[0], *got[1]] == expected
    for path, value in once.model.state_dict().items():
        np.testing.assert_array_equal(value, twice.model.state_dict()[path])


def test_parameters_outside_the_model_are_warned_of() -> None:
    outside = nn.Dense(1, 1)

    class Holds(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.own = nn.Dense(1, 1)
            self.hidden_from_search = lambda x: outside(x)

        def forward(self, x: Any) -> Any:
            return self.own(self.hidden_from_search(x))

    def trainer() -> nn.Trainer:
        return nn.Trainer(Holds(), nn.optim.sgd(0.1), nn.losses.mean_squared_error)

    text = r"not trained: weight \[1, 1\], bias \[1\]\. Holds finds those in its attributes"
    with pytest.warns(UserWarning, match=text) as caught:
        trainer().fit(X, Y, epochs=2, progress=False)
    assert len(caught) == 1 and caught[0].filename == __file__
    for p in outside.parameters():
        p.requires_grad = False
    trainer().fit(X, Y, epochs=1, progress=False)


@pytest.mark.parametrize(
    ("forward", "error", "text"),
    [
        (lambda y: None, TypeError, "the model returned NoneType, the Trainer needs one Tensor"),
        (lambda y: (y, y), TypeError, "the model returned tuple"),
        (lambda y: y.numpy(), ad.GradientError, r"the model returned ndarray.*leave out \.numpy"),
    ],
)
def test_outputs_that_cannot_be_trained(forward: Any, error: Any, text: str) -> None:
    class Ends(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.dense = nn.Dense(1, 1)

        def forward(self, x: Any) -> Any:
            return forward(self.dense(x))

    trainer = nn.Trainer(Ends(), nn.optim.sgd(0.1), nn.losses.mean_squared_error)
    with pytest.raises(error, match=text):
        trainer.fit(X, Y, progress=False)


def test_losses_and_outputs_of_a_wrong_kind() -> None:
    def item(p: Any, t: Any) -> float:
        return float(nn.losses.mean_squared_error(p, t).item())

    with pytest.raises(ad.GradientError, match="the loss returned float instead of a Tensor"):
        nn.Trainer(nn.Dense(1, 1), nn.optim.sgd(0.1), item).fit(X, Y, progress=False)
    model = nn.Sequential(nn.Dense(1, 1), lambda y: ad.reshape(y, (1, -1)))
    with pytest.raises(ad.ShapeError, match=r"outputs \(1, 40\) of samples \(40, 1\)"):
        nn.Trainer(model, nn.optim.sgd(0.1), nn.losses.mean_squared_error).predict(X)


def test_a_layer_added_after_the_trainer_is_refused() -> None:
    model = nn.Sequential(nn.Dense(1, 1))
    trainer = nn.Trainer(model, nn.optim.sgd(0.1), nn.losses.mean_squared_error)
    model.layers.append(nn.Dense(1, 1))
    with pytest.raises(ValueError, match=r"new   layers\.1\.weight \[1, 1\]"):
        trainer.fit(X, Y, progress=False)


def test_modes_during_and_after_fit() -> None:
    modes: list[bool] = []

    class Watch(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.dense = nn.Dense(1, 1)

        def forward(self, x: Any) -> Any:
            modes.append(self.training)
            return self.dense(x)

    model = Watch().eval()
    trainer = nn.Trainer(model, nn.optim.sgd(0.1), nn.losses.mean_squared_error)
    trainer.fit(X, Y, epochs=1, batch_size=20, validation=(X, Y), progress=False)
    assert modes == [True, True, False]
    assert not model.training and not model.dense.training


def test_unused_parameter_is_named() -> None:
    model = nn.Sequential(nn.Dense(1, 1))
    model.spare = nn.Dense(2, 2)  # type: ignore[attr-defined]  # that model has it
    trainer = nn.Trainer(model, nn.optim.sgd(0.1), nn.losses.mean_squared_error)
    with pytest.raises(ad.GradientError, match=r"not depend on spare\.weight, spare\.bias"):
        trainer.fit(X, Y, progress=False)


def test_errors_say_in_which_batch() -> None:
    y = Y.copy()
    y[30] = np.nan
    with pytest.raises(ValueError, match="1 of 40 targets are NaN") as caught:
        line_trainer().fit(X, y, batch_size=40, progress=False)
    assert caught.value.__notes__ == ["in epoch 1, batch 1 of 1"]
    with pytest.raises(ad.GradientError, match="NaN"), np.errstate(all="ignore"):
        line_trainer(1e30).fit(X, Y, epochs=20, progress=False)
    x = X.copy()
    x[3] = np.nan
    with pytest.raises(ad.GradientError, match="loss is NaN: 1 of 40 entries of x are NaN"):
        line_trainer().fit(x, Y, batch_size=40, progress=False)
    broken = line_trainer()
    broken.model.bias.data = [np.nan]  # type: ignore[attr-defined]  # that model has it
    with pytest.raises(ad.GradientError, match="loss is NaN: bias became NaN.*lower learning rate"):
        broken.fit(X, Y, progress=False)
    root = nn.Trainer(
        nn.Sequential(nn.Dense(1, 1), lambda y: ad.log(-ad.square(y))),
        nn.optim.sgd(0.1),
        nn.losses.mean_squared_error,
    )
    with (
        pytest.raises(ad.GradientError, match="an operation of the model"),
        np.errstate(all="ignore"),
    ):
        root.fit(X, Y, progress=False)
    trainer = nn.Trainer(nn.Dense(1, 1), nn.optim.sgd(0.1), lambda p, t: p - t)
    with pytest.raises(ad.ShapeError, match=r"loss must be a scalar, it has shape \(32, 1\)"):
        trainer.fit(X, Y, progress=False)


# ---- what is shown and written


def test_a_line_for_each_epoch(capsys: pytest.CaptureFixture[str]) -> None:
    x, y = blobs()
    nn.seed(0)
    trainer = nn.Trainer(
        nn.Dense(3, 3), nn.optim.adam(), nn.losses.cross_entropy, metrics=[nn.metrics.accuracy]
    )
    history = trainer.fit(x, y, epochs=10, validation=(x, y), patience=5)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 10
    for i, line in enumerate(lines):
        assert line.startswith(f"epoch {i + 1:>2}/10  loss {history['loss'][i]:.4f}  accuracy ")
        assert f"val_accuracy {history['val_accuracy'][i]:.4f}" in line
    assert lines[-1].endswith("best")


def test_without_tqdm_the_lines_stay(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import_module = builtins.__import__

    def refuse(name: str, *args: Any) -> Any:
        if name.partition(".")[0] in ("tqdm", "matplotlib"):
            raise ImportError(name)
        return import_module(name, *args)

    monkeypatch.setattr("importlib.import_module", refuse)
    history = line_trainer().fit(X, Y, epochs=2)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "a progress bar needs tqdm: pip install autodiff-nn[train]"
    assert len(lines) == 3 and lines[-1].startswith("epoch 2/2  loss ")
    with pytest.raises(
        ImportError, match=r"a plot needs matplotlib: pip install autodiff-nn\[train\]"
    ):
        history.plot("never.png")


def test_history_files(tmp_path: Any) -> None:
    history = nn.History()
    history.add({"loss": 1 / 3, "val_loss": 0.5})
    history.add({"loss": 0.25, "val_loss": 0.75})
    history.to_csv(tmp_path / "h.csv")
    text = (tmp_path / "h.csv").read_text()
    assert text == "epoch,loss,val_loss\n1,0.3333333333333333,0.5\n2,0.25,0.75\n"
    history.plot(tmp_path / "h.png")
    assert (tmp_path / "h.png").read_bytes().startswith(b"\x89PNG")
    with pytest.raises(ValueError, match="expected"):
        history.add({"loss": 1.0})
    with pytest.raises(KeyError, match="there are loss, val_loss"):
        history["accuracy"]
    history.best_epoch = 1
    assert repr(history) == "History(2 epochs, best epoch 1; last: loss 0.2500, val_loss 0.7500)"
    assert repr(nn.History()) == "History(0 epochs; empty)"
    with pytest.raises(ValueError, match="no epoch to plot"):
        nn.History().plot(tmp_path / "empty.png")
