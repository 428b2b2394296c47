"""Trainer: epochs, batches, validation, early stopping and progress around one training step."""

from __future__ import annotations

import math
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

import autodiff as ad
from nn.checks import whole_number
from nn.data import Batches, check_samples
from nn.module import Module
from nn.optim import Optimizer, Rule, State
from nn.training.history import History
from nn.training.progress import Progress

__all__ = ["Trainer"]

Array = np.ndarray[Any, Any]
Metric = Callable[[Any, Any], float]


class Trainer:
    """Trains a model: ``Trainer(model, rule, loss).fit(x, y)``.

    Parameters
    ----------
    model : Module
    optimizer : Optimizer or Rule
        A rule such as ``nn.optim.adam()`` is bound to the model.
    loss : function of (outputs, targets)
        Gives a scalar, the mean over a batch, as ``nn.losses`` do.
    metrics : functions of (outputs, targets), or a dict of them by name
        Such as ``[nn.metrics.accuracy]``; they are printed and kept in the history.

    ``history`` is that of the last ``fit``, also of one that an exception ended. ``epochs_done``
    counts the epochs of all calls of ``fit``: the next one goes on with the order of samples.

    Raises
    ------
    TypeError
        An argument is of another kind.
    ValueError
        The optimizer is bound to another model; metrics do not have names of their own.

    >>> import numpy as np
    >>> import nn
    >>> nn.seed(0)
    >>> x = np.linspace(-1, 1, 64).reshape(-1, 1)
    >>> trainer = nn.Trainer(nn.Dense(1, 1), nn.optim.adam(0.1), nn.losses.mean_squared_error)
    >>> history = trainer.fit(x, 3 * x + 1, epochs=40, progress=False)
    >>> trainer.evaluate(x, 3 * x + 1)["loss"] < 1e-3
    True
    """

    def __init__(
        self,
        model: Module,
        optimizer: Optimizer | Rule,
        loss: Callable[[Any, Any], Any],
        *,
        metrics: Sequence[Metric] | Mapping[str, Metric] = (),
    ) -> None:
        if not isinstance(model, Module):
            raise TypeError(f"Trainer: the model is an nn.Module, got {model!r}")
        if not callable(loss):
            raise TypeError(
                "Trainer: the loss is a function of (outputs, targets), such as "
                f"nn.losses.mean_squared_error, got {loss!r}"
            )
        self.model = model
        self.optimizer = _bound(model, optimizer)
        self.loss = loss
        self.metrics = _by_name(metrics)
        self.history = History()
        self.epochs_done = 0

    def fit(
        self,
        x: Any,
        y: Any,
        *,
        epochs: int = 10,
        batch_size: int = 32,
        validation: tuple[Any, Any] | None = None,
        patience: int | None = None,
        seed: int = 0,
        progress: bool = True,
    ) -> History:
        """Train on samples ``x`` and targets ``y``; the first axis is that of samples.

        Parameters
        ----------
        x, y : array_like
            Floating ``x`` is taken in the dtype of the parameters.
        validation : (x, y), optional
            Evaluated after each epoch.
        patience : int, optional
            Stop after so many epochs without a smaller validation loss. With it the model has, at
            the end, the parameters of its best epoch, and the optimizer its state of then; also
            where Ctrl-C or an error is the end.
        seed : int
            Of the order of samples. (Weights and dropout: ``nn.seed``.)
        progress : bool
            Print a line for each epoch and show a bar within it.

        Raises
        ------
        ShapeError
            Numbers of samples differ or are 0; the loss is not a scalar.
        GradientError
            The loss or a gradient is NaN, or the loss does not depend on a parameter.
        ValueError
            ``epochs``, ``batch_size`` or ``patience`` below 1, or ``patience`` without
            ``validation``; the model has other parameters than when the Trainer was made.

        Warns
        -----
        UserWarning
            The loss depends on parameters that are not the model's, so they are not trained.
        """
        x, y = check_samples("fit", x, y)
        validation = _check_validation(validation)
        epochs = whole_number("fit: epochs", epochs)
        if patience is not None:
            patience = whole_number("fit: patience", patience)
            if validation is None:
                raise ValueError(
                    "fit: patience watches the validation loss: give validation=(x, y)"
                )
        batches = Batches(self._cast(x), y, batch_size, seed=seed)
        self.optimizer.check_model()
        self.history = history = History()
        best, show = _Best(self, patience), Progress(epochs, len(batches), progress)
        try:
            for epoch in range(1, epochs + 1):
                start = time.perf_counter()
                batches.epoch = self.epochs_done
                with _mode(self.model, True):
                    row = self._epoch(epoch, batches, show)
                self.epochs_done += 1
                if validation is not None:
                    held_out = self.evaluate(*validation)
                    row |= {f"val_{name}": value for name, value in held_out.items()}
                    best.see(epoch, held_out["loss"])
                history.add(row)
                show.line(epoch, row, time.perf_counter() - start, best.epoch == epoch)
                if best.waited_enough(epoch):
                    break
        finally:
            history.best_epoch = best.epoch
            if best.take_back():
                show.note(f"epoch {best.epoch} was the best, its parameters are taken back")
        return history

    def evaluate(self, x: Any, y: Any, *, batch_size: int = 256) -> dict[str, float]:
        """The loss and the metrics on all samples, in evaluation mode.

        >>> import nn
        >>> model = nn.Dense(1, 1, weight_init=nn.init.zeros)
        >>> nn.Trainer(model, nn.optim.sgd(0.1), nn.losses.mean_squared_error).evaluate(
        ...     [[1.0], [2.0]], [[1.0], [3.0]]
        ... )
        {'loss': 5.0}
        """
        x, y = check_samples("evaluate", x, y)
        outputs = self.predict(x, batch_size=batch_size)
        values = {"loss": float(self.loss(outputs, y))}
        return values | {name: float(metric(outputs, y)) for name, metric in self.metrics.items()}

    def predict(self, x: Any, *, batch_size: int = 256) -> Array:
        """The outputs for all samples as an array, in evaluation mode; nothing is recorded.

        >>> import nn
        >>> model = nn.Dense(1, 1, weight_init=nn.init.zeros)
        >>> trainer = nn.Trainer(model, nn.optim.sgd(0.1), nn.losses.mean_squared_error)
        >>> trainer.predict([[1.0], [2.0]])
        array([[0.], [0.]], dtype=float32)
        """
        x = x.data if isinstance(x, ad.Tensor) else np.asarray(x)
        if not x.ndim or not len(x):
            raise ad.ShapeError(f"predict: expected samples (n, ...), got an array {x.shape}")
        x = self._cast(x)
        size = whole_number("predict: batch_size", batch_size)
        parts = []
        with _mode(self.model, False), ad.no_grad():
            for start in range(0, len(x), size):
                batch = x[start : start + size]
                part = _array("predict", self.model(ad.tensor(batch)))
                if part.shape[:1] != batch.shape[:1]:
                    raise ad.ShapeError(
                        f"predict: the model made outputs {part.shape} of samples {batch.shape}; "
                        "the first axis is that of samples"
                    )
                parts.append(part)
        return np.concatenate(parts)

    # ---- inside

    def _epoch(self, epoch: int, batches: Batches, show: Progress) -> dict[str, float]:
        """One pass over all batches; means of loss and metrics over samples."""
        totals = dict.fromkeys(("loss", *self.metrics), 0.0)
        count = 0
        for i, (x, y) in enumerate(show.bar(epoch, batches), 1):
            try:
                loss, outputs = self._step(x, y, first=epoch == i == 1)
            except Exception as error:
                error.add_note(f"in epoch {epoch}, batch {i} of {len(batches)}")
                raise
            count += len(x)
            totals["loss"] += loss * len(x)
            for name, metric in self.metrics.items():
                totals[name] += float(metric(outputs, y)) * len(x)
            show.numbers({name: total / count for name, total in totals.items()})
        return {name: total / count for name, total in totals.items()}

    def _step(self, x: Array, y: Array, *, first: bool) -> tuple[float, Array]:
        """Forward, gradient and update on one batch; the loss before it, and the outputs."""
        outputs = self.model(ad.tensor(x, name="x"))
        array = _array("fit", outputs)
        loss = self.loss(outputs, y)
        if not isinstance(loss, ad.Tensor):
            source, kind = ("loss", loss) if isinstance(outputs, ad.Tensor) else ("model", outputs)
            raise ad.GradientError(
                f"fit: the {source} returned {type(kind).__name__} instead of a Tensor, through "
                "which no gradient flows: leave out .numpy(), .data and .item()"
            )
        if loss.size != 1:
            raise ad.ShapeError(f"fit: the loss must be a scalar, it has shape {loss.shape}")
        if math.isnan(loss.item()):
            raise ad.GradientError(f"fit: the loss is NaN: {self._why_nan(x)}")
        if first:
            self._warn_of_strangers(loss)
        grads = ad.gradients(loss, self.optimizer.parameters, unused="none")
        unused = [path for path, g in grads.items() if g is None]
        if unused:
            raise ad.GradientError(
                f"fit: the loss does not depend on {', '.join(unused)}: set requires_grad = False "
                "on them before the Trainer is made, or take them out of the model"
            )
        self.optimizer.step(grads)
        return loss.item(), array

    def _why_nan(self, x: Array) -> str:
        bad = int((~np.isfinite(x)).sum())
        if bad:
            return f"{bad} of {x.size} entries of x are NaN or infinite; remove or fill them"
        named = self.model.named_parameters()
        lost = [path for path, p in named.items() if not np.isfinite(p.data).all()]
        if lost:
            return f"{', '.join(lost)} became NaN or infinite; a lower learning rate may help"
        return "x and all parameters are finite, so an operation of the model or the loss made it"

    def _warn_of_strangers(self, loss: ad.Tensor) -> None:
        """Warn of parameters that the loss depends on and that nobody trains."""
        known = {p.node for p in (*self.model.parameters(), *self.optimizer.parameters.values())}
        nodes = [node for node in ad.graph(loss).parameters if node not in known]
        if nodes:
            names = ", ".join(
                f"{node.name or 'one without a name'} {list(node.shape)}" for node in nodes
            )
            warnings.warn(
                f"fit: the loss depends on parameters that are not the model's and are not "
                f"trained: {names}. {type(self.model).__name__} finds those in its attributes, "
                "and in lists, tuples and dicts among them; requires_grad = False says that one "
                "is meant to stay as it is",
                stacklevel=5,
            )

    def _cast(self, x: Array) -> Array:
        # A float64 array, NumPy's default, would make every product of a float32 model float64.
        dtype = next(iter(self.optimizer.parameters.values())).dtype
        return x.astype(dtype, copy=False) if x.dtype.kind == "f" else x


class _Best:
    """The best epoch so far, and with early stopping the parameters and optimizer state of it."""

    def __init__(self, trainer: Trainer, patience: int | None) -> None:
        self.trainer = trainer
        self.patience = patience
        self.loss = float("inf")
        self.epoch: int | None = None
        self.kept: tuple[dict[str, Array], State] | None = None

    def see(self, epoch: int, loss: float) -> None:
        if loss < self.loss:
            self.loss, self.epoch = loss, epoch
            if self.patience is not None:
                self.kept = self.trainer.model.state_dict(), self.trainer.optimizer.state

    def waited_enough(self, epoch: int) -> bool:
        return self.patience is not None and epoch - (self.epoch or 0) >= self.patience

    def take_back(self) -> bool:
        """Give model and optimizer what is kept; whether steps were undone by that."""
        if self.kept is None:
            return False
        parameters, state = self.kept
        undone = self.trainer.optimizer.state is not state
        self.trainer.model.load_state_dict(parameters)
        self.trainer.optimizer.state = state
        return undone


def _bound(model: Module, optimizer: Any) -> Optimizer:
    """The optimizer of a model, made where a rule is given."""
    if isinstance(optimizer, Rule):
        return Optimizer(model, optimizer)
    if not isinstance(optimizer, Optimizer):
        raise TypeError(
            "Trainer: the optimizer is a rule such as nn.optim.adam() or an nn.optim.Optimizer, "
            f"got {optimizer!r}"
        )
    held = {id(p) for p in model.parameters()}
    foreign = [path for path, p in optimizer.parameters.items() if id(p) not in held]
    if foreign:
        raise ValueError(
            f"Trainer: the optimizer is bound to {', '.join(foreign)} of another "
            f"{type(optimizer.model).__name__}, not to parameters of this {type(model).__name__}"
        )
    return optimizer


def _by_name(metrics: Any) -> dict[str, Metric]:
    """Metrics by the names of their columns."""
    if callable(metrics):
        raise TypeError(f"Trainer: metrics are a list or a dict of functions, got {metrics!r}")
    if isinstance(metrics, Mapping):
        pairs = list(metrics.items())
    else:
        pairs = [(getattr(metric, "__name__", None), metric) for metric in metrics]
    named: dict[str, Metric] = {}
    for name, metric in pairs:
        if not callable(metric):
            raise TypeError(
                f"Trainer: a metric is a function of (outputs, targets), got {metric!r}"
            )
        if not name or name in named or name == "loss" or name.startswith("val_"):
            raise ValueError(
                f"Trainer: {name!r} cannot be the column of a metric: names are different, and "
                "neither 'loss' nor 'val_...'; a dict gives names, metrics={'name': function}"
            )
        named[name] = metric
    return named


def _check_validation(validation: Any) -> tuple[Array, Array] | None:
    if validation is None:
        return None
    if not isinstance(validation, (tuple, list)) or len(validation) != 2:
        raise TypeError(
            f"fit: validation is a pair (x, y), got {type(validation).__name__}; "
            "nn.data.split parts one from the samples"
        )
    return check_samples("fit: validation", *validation)


def _array(what: str, outputs: Any) -> Array:
    """The outputs of a model as an array."""
    if isinstance(outputs, ad.Tensor):
        return outputs.data
    if isinstance(outputs, np.ndarray):
        return outputs
    raise TypeError(
        f"{what}: the model returned {type(outputs).__name__}, the Trainer needs one Tensor"
    )


@contextmanager
def _mode(model: Module, training: bool) -> Iterator[None]:
    """Switch a model to training or evaluation, and every module back to its mode after that."""
    before = [(module, module.training) for module in model.named_modules().values()]
    model.train(training)
    try:
        yield
    finally:
        for module, mode in before:
            module.training = mode
