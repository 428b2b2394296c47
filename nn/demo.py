"""The demo: learn real handwritten digits, check every gradient, draw what was learnt from.

The data are the 1 797 digits of 8 × 8 grey pixels that scikit-learn ships (Alpaydin and Kaynak,
1998, "Optical recognition of handwritten digits", UCI repository).
"""

from __future__ import annotations

import shutil
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

import autodiff as ad
from nn import data, losses, metrics, optim
from nn.layers import Dense, Dropout
from nn.module import Module
from nn.optional import require
from nn.serialization import save
from nn.settings import seed as set_seed
from nn.training import Trainer

__all__ = ["DigitsNet", "load_digits", "run"]

Array = np.ndarray[Any, Any]
Samples = tuple[Array, Array]
RIGHT, WRONG = "#bbbbbb", "#cc3311"
ROWS, COLUMNS = 6, 12
SIDE = 8  # of an image, in pixels
FILES = (
    "model.safetensors",
    "history.csv",
    "history.png",
    "predictions.png",
    "graph.svg",
    "gradcheck.txt",
)


class DigitsNet(Module):
    """64 pixels to 10 logits by two hidden layers.

    >>> import autodiff as ad
    >>> from nn.demo import DigitsNet
    >>> DigitsNet().eval()(ad.zeros((5, 64), dtype="float32")).shape
    (5, 10)
    """

    def __init__(self) -> None:
        super().__init__()
        self.hidden = [
            Dense(64, 256, activation="gelu"),
            Dropout(0.3),
            Dense(256, 128, activation="gelu"),
            Dropout(0.3),
        ]
        self.output = Dense(128, 10)

    def forward(self, x: Any) -> Any:
        """Logits (batch, 10) of pixels (batch, 64)."""
        for layer in self.hidden:
            x = layer(x)
        return self.output(x)


class _Loss(Module):
    """The loss of a model as a module, so that one check covers the model and the loss."""

    def __init__(self, model: Module, targets: Array) -> None:
        super().__init__()
        self.model = model
        self.targets = targets

    def forward(self, x: Any) -> Any:
        return losses.cross_entropy(self.model(x), self.targets)


def _require_all() -> None:
    """Raise now, not after the training, where a package is missing.

    Raises
    ------
    ImportError
        The message says how to get all of them.
    """
    for module, what in (
        ("sklearn.datasets", "the data set"),
        ("matplotlib.figure", "a picture"),
        ("safetensors.numpy", "the model file"),
    ):
        require(module, what, "demo")
    if not shutil.which("dot"):
        require("pygraphviz", "the picture of the graph", "demo")


def load_digits(seed: int) -> tuple[Samples, Samples, Samples]:
    """Training (60 %), validation (20 %) and test (20 %) samples; pixels in [0, 1], labels 0 to 9.

    Raises
    ------
    ImportError
        Without scikit-learn.
    """
    bunch = require("sklearn.datasets", "the data set", "data").load_digits()
    x, y = (bunch.data / 16).astype(np.float32), bunch.target
    rest, test = data.split(x, y, 0.2, seed=seed)
    train, validation = data.split(*rest, 0.25, seed=seed)
    return train, validation, test


def _enlarge(samples: Samples) -> Samples:
    """The samples and copies that are moved by half a pixel."""
    x, y = data.add_shifts(samples[0].reshape(-1, SIDE, SIDE), samples[1], pixels=0.5)
    return x.reshape(-1, SIDE * SIDE), y


def run(seed: int = 0, output: str | Path = "runs/digits", epochs: int = 20) -> float:
    """Train, check, draw, write it all into the folder ``output``; returns the test accuracy.

    The same seed gives the same files, bit for bit, on one machine.

    Raises
    ------
    ImportError
        A package of the extra ``demo`` is missing.
    OSError
        The folder cannot be made or written to.
    """
    _require_all()
    folder = Path(output)
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=folder):  # better now than after the training
        pass
    # Products as small as these are slower on two threads than on one, several times on a busy
    # machine, and their last bits may depend on the number of threads.
    with require("threadpoolctl", "the limit of threads", "demo").threadpool_limits(1):
        return _run(seed, folder, epochs)


def _run(seed: int, folder: Path, epochs: int) -> float:
    start = time.perf_counter()
    train, validation, test = load_digits(seed)
    print(
        f"{len(train[0])} training digits, each also moved by half a pixel four ways; "
        f"{len(validation[0])} validation, {len(test[0])} test digits"
    )
    set_seed(seed)
    model = DigitsNet()
    print(model)
    trainer = Trainer(model, optim.adam(lr=2e-3), losses.cross_entropy, metrics=[metrics.accuracy])
    history = trainer.fit(
        *_enlarge(train),
        epochs=epochs,
        batch_size=64,
        validation=validation,
        patience=5,
        seed=seed,
    )
    reached = trainer.evaluate(*test)
    print("drawing the graph and checking the gradients")
    model_file, table, curves, digits, graph, check = (folder / name for name in FILES)
    save(model, model_file)
    history.to_csv(table)
    history.plot(curves)
    _draw_predictions(trainer.predict(test[0]), test, digits)
    _draw_graph(model, train, graph)
    report = _check_gradients(model, train)
    check.write_text(f"{report}\n", encoding="utf-8")
    print(f"gradients of all parameters {'agree with' if report.ok else 'DIFFER from'} differences")
    print(f"test loss {reached['loss']:.4f}, test accuracy {reached['accuracy']:.4f}")
    print(f"wrote {', '.join(FILES)} to {folder} in {time.perf_counter() - start:.1f} s")
    return reached["accuracy"]


def _draw_graph(model: Module, samples: Samples, path: Path) -> None:
    """The graph of one training step's loss, dropout included."""
    model.train()
    x, y = samples[0][:32], samples[1][:32]
    loss = losses.cross_entropy(model(ad.tensor(x, name="pixels")), y)
    ad.draw(loss).save(path)


def _check_gradients(model: Module, samples: Samples) -> Any:
    """Check the gradient of the loss by pixels and every parameter, without random dropout.

    The training digits that are read worst are taken: the loss of the others has hardly a gradient
    left, and a difference of nearly nothing is mostly rounding.
    """
    model.eval()
    x, y = samples
    with ad.no_grad():
        each = losses.cross_entropy(model(x), y, reduction="none").data
    worst = np.argsort(-each, kind="stable")[:8]
    return ad.gradcheck(_Loss(model, y[worst]), ad.tensor(x[worst], name="pixels"))


def _draw_predictions(logits: Array, samples: Samples, path: Path) -> None:
    """Test digits with predicted labels: the wrong ones first, then others in order."""
    x, y = samples
    predicted = logits.argmax(axis=1)
    wrong = predicted != y
    order = np.argsort(~wrong, kind="stable")
    rows = max(ROWS, -(-int(wrong.sum()) // COLUMNS))
    figure = require("matplotlib.figure", "a picture", "train").Figure(
        figsize=(COLUMNS * 0.85, rows * 1.02 + 0.7), layout="constrained"
    )
    figure.suptitle(
        f"{int(wrong.sum())} of {len(y)} test digits are read wrong (red: predicted ← true)",
        fontsize=11,
    )
    for axes, i in zip(figure.subplots(rows, COLUMNS).flat, order, strict=False):
        axes.imshow(x[i].reshape(SIDE, SIDE), cmap="gray_r", vmin=0, vmax=1)
        axes.set(xticks=[], yticks=[])
        colour = WRONG if wrong[i] else RIGHT
        axes.spines[:].set(color=colour, linewidth=2 if wrong[i] else 0.8)
        title = f"{predicted[i]} ← {y[i]}" if wrong[i] else f"{predicted[i]}"
        axes.set_title(title, fontsize=10, color=colour if wrong[i] else "black", pad=3)
    figure.savefig(path, dpi=130)
