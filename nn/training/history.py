"""History: what a training reached, epoch by epoch, as a table, a file or a picture."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nn.optional import require

__all__ = ["History"]

TRAIN, VALIDATION, BEST = "#4477aa", "#ee6677", "#999999"  # Tol's "bright", safe for all eyes


class History:
    """Numbers by epoch: ``history["loss"]`` is the list of one column.

    ``best_epoch`` is the epoch, from 1, that had the smallest validation loss, or None.

    >>> import nn
    >>> history = nn.History()
    >>> history.add({"loss": 2.0})
    >>> history.add({"loss": 1.0})
    >>> history["loss"], len(history)
    ([2.0, 1.0], 2)
    """

    def __init__(self) -> None:
        self.columns: dict[str, list[float]] = {}
        self.best_epoch: int | None = None

    def add(self, row: Mapping[str, float]) -> None:
        """Append the numbers of an epoch; each has the same columns.

        Raises
        ------
        ValueError
            Columns differ from those of earlier epochs.
        """
        if len(self) and row.keys() != self.columns.keys():
            raise ValueError(f"History: expected {list(self.columns)}, got {list(row)}")
        for name, value in row.items():
            self.columns.setdefault(name, []).append(float(value))

    def __getitem__(self, name: str) -> list[float]:
        if name not in self.columns:
            raise KeyError(f"no column {name!r}; there are {', '.join(self.columns) or 'none'}")
        return self.columns[name]

    def __len__(self) -> int:
        return len(next(iter(self.columns.values()), ()))

    def __repr__(self) -> str:
        last = ", ".join(f"{name} {column[-1]:.4f}" for name, column in self.columns.items())
        best = f", best epoch {self.best_epoch}" if self.best_epoch is not None else ""
        return f"History({len(self)} epochs{best}; {f'last: {last}' if last else 'empty'})"

    def to_csv(self, path: str | Path) -> None:
        """Write the table: a header, and a row for each epoch, numbers in full.

        >>> import tempfile
        >>> from pathlib import Path
        >>> import nn
        >>> history = nn.History()
        >>> history.add({"loss": 2.0})
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     history.to_csv(Path(folder, "history.csv"))
        ...     print(Path(folder, "history.csv").read_text())
        epoch,loss
        1,2.0
        """
        with open(path, "w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(["epoch", *self.columns])
            rows = zip(*self.columns.values(), strict=True)
            writer.writerows([i, *row] for i, row in enumerate(rows, 1))

    def plot(self, path: str | Path) -> None:
        """Draw each column over the epochs, training and validation in one picture, into a file.

        Raises
        ------
        ImportError
            Without matplotlib.
        ValueError
            There is no epoch.
        """
        if not len(self):
            raise ValueError("History: there is no epoch to plot")
        names = [name for name in self.columns if not name.startswith("val_")]
        figure = require("matplotlib.figure", "a plot", "train").Figure(
            figsize=(4.6 * len(names), 3.4), layout="constrained"
        )
        ticker = require("matplotlib.ticker", "a plot", "train")
        panels = figure.subplots(1, len(names), squeeze=False)[0]
        for axes, name in zip(panels, names, strict=True):
            self._plot_one(axes, name)
            axes.xaxis.set_major_locator(ticker.MaxNLocator(integer=True))
        panels[0].legend(frameon=False)
        figure.savefig(path, dpi=150)

    def _plot_one(self, axes: Any, name: str) -> None:
        epochs = range(1, len(self) + 1)
        axes.plot(epochs, self.columns[name], color=TRAIN, label="training")
        held_out = self.columns.get(f"val_{name}")
        if held_out is not None:
            axes.plot(epochs, held_out, color=VALIDATION, label="validation")
        if self.best_epoch is not None:
            axes.axvline(self.best_epoch, color=BEST, linestyle=":", label="best epoch")
        if min(self.columns[name]) > 0 and name == "loss":
            axes.set_yscale("log")
        axes.set(xlabel="epoch", title=name)
        axes.grid(alpha=0.25)
        axes.spines[["top", "right"]].set_visible(False)
