"""Trainer: epochs, batches, validation, early stopping and progress around one training step."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

import autodiff as ad
from nn.data import Batches, check_samples
from nn.module import Module
from nn.optim import Optimizer, Rule
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
        self.model = model
        self.optimizer = Optimizer(model, optimizer) if isinstance(optimizer, Rule) else optimizer
        self.loss = loss
        if not isinstance(metrics, Mapping):
            metrics = {metric.__name__: metric for metric in metrics}
        self.metrics = dict(metrics)

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
            the end, the parameters of its best epoch.
        seed : int
            Of the order of samples. (Weights and dropout: ``nn.seed``.)
        progress : bool
            Print a line for each epoch and show a bar within it.

        Raises
        ------
        ShapeError
            Numbers of samples differ or are 0; the loss is not a scalar.
        GradientError
            The loss is NaN, or does not depend on a parameter.
        ValueError
            ``epochs``, ``batch_size`` or ``patience`` below 1, or ``patience`` without
            ``validation``.
        """
        x, y = check_samples("fit", x, y)
        if validation is not None:
            validation = check_samples("fit: validation", *validation)
        _check_settings(epochs, patience, validation)
        batches = Batches(self._cast(x), y, batch_size, seed=seed)
        history, best = History(), _Best(patience)
        show = Progress(epochs, len(batches), progress)
        for epoch in range(1, epochs + 1):
            start = time.perf_counter()
            with _mode(self.model, True):
                row = self._epoch(epoch, batches, show)
            if validation is not None:
                held_out = self.evaluate(*validation)
                row |= {f"val_{name}": value for name, value in held_out.items()}
                best.see(epoch, held_out["loss"], self.model)
            history.add(row)
            show.line(epoch, row, time.perf_counter() - start, best.epoch == epoch)
            if best.waited_enough(epoch):
                show.note(f"no better since epoch {best.epoch}: its parameters are taken back")
                break
        if best.state is not None:
            self.model.load_state_dict(best.state)
        history.best_epoch = best.epoch
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
        x, _ = check_samples("predict", x, x)
        x = self._cast(x)
        parts = []
        with _mode(self.model, False), ad.no_grad():
            for start in range(0, len(x), batch_size):
                parts.append(self.model(ad.tensor(x[start : start + batch_size])).data)
        return np.concatenate(parts)

    # ---- inside

    def _epoch(self, epoch: int, batches: Batches, show: Progress) -> dict[str, float]:
        """One pass over all batches; means of loss and metrics over samples."""
        totals = dict.fromkeys(("loss", *self.metrics), 0.0)
        count = 0
        for i, (x, y) in enumerate(show.bar(epoch, batches), 1):
            try:
                loss, outputs = self._step(x, y)
            except Exception as error:
                error.add_note(f"in epoch {epoch}, batch {i} of {len(batches)}")
                raise
            count += len(x)
            totals["loss"] += loss * len(x)
            for name, metric in self.metrics.items():
                totals[name] += float(metric(outputs, y)) * len(x)
            show.numbers({name: total / count for name, total in totals.items()})
        return {name: total / count for name, total in totals.items()}

    def _step(self, x: Array, y: Array) -> tuple[float, Array]:
        """Forward, gradient and update on one batch; the loss before it, and the outputs."""
        outputs = self.model(ad.tensor(x, name="x"))
        loss = self.loss(outputs, y)
        if loss.size != 1:
            raise ad.ShapeError(f"fit: the loss must be a scalar, it has shape {loss.shape}")
        grads = ad.gradients(loss, self.optimizer.parameters, unused="none")
        unused = [path for path, g in grads.items() if g is None]
        if unused:
            raise ad.GradientError(
                f"fit: the loss does not depend on {', '.join(unused)}: set requires_grad = False "
                "on them before the Trainer is made, or take them out of the model"
            )
        self.optimizer.step(grads)
        return loss.item(), outputs.data

    def _cast(self, x: Array) -> Array:
        # A float64 array, NumPy's default, would make every product of a float32 model float64.
        dtype = next(iter(self.optimizer.parameters.values())).dtype
        return x.astype(dtype, copy=False) if x.dtype.kind == "f" else x


class _Best:
    """The best epoch so far, and a copy of its parameters where early stopping will need it."""

    def __init__(self, patience: int | None) -> None:
        self.patience = patience
        self.loss = float("inf")
        self.epoch: int | None = None
        self.state: dict[str, Array] | None = None

    def see(self, epoch: int, loss: float, model: Module) -> None:
        if loss < self.loss:
            self.loss, self.epoch = loss, epoch
            self.state = None if self.patience is None else model.state_dict()

    def waited_enough(self, epoch: int) -> bool:
        return self.patience is not None and epoch - (self.epoch or 0) >= self.patience


def _check_settings(epochs: int, patience: int | None, validation: Any) -> None:
    if epochs < 1:
        raise ValueError(f"fit: epochs is at least 1, got {epochs}")
    if patience is not None and patience < 1:
        raise ValueError(f"fit: patience is at least 1, got {patience}")
    if patience is not None and validation is None:
        raise ValueError("fit: patience watches the validation loss: give validation=(x, y)")


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
