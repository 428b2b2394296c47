"""What a training prints: a bar within the epoch, and a line after it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeVar

from nn.optional import require

__all__ = ["Progress"]

T = TypeVar("T")


class Progress:
    """Prints the progress of a training, or nothing where it is switched off.

    The bar needs tqdm and a terminal; without them the lines are printed all the same.

    >>> from nn.training.progress import Progress
    >>> Progress(20, 100, True).line(3, {"loss": 0.25, "accuracy": 0.5}, 0.1, best=True)
    epoch  3/20  loss 0.2500  accuracy 0.5000  0.1 s  best
    """

    def __init__(self, epochs: int, batches: int, on: bool) -> None:
        self.epochs = epochs
        self.batches = batches
        self.on = on
        self._bar: Any = None
        self._tqdm: Any = None
        if on:
            try:
                self._tqdm = require("tqdm", "a progress bar", "train").tqdm
            except ImportError as error:
                print(error)

    def bar(self, epoch: int, batches: Iterable[T]) -> Iterator[T]:
        """The batches, with a bar that goes with them and is gone after the last."""
        if self._tqdm is None:
            yield from batches
            return
        # disable=None: no bar where the output is a file.
        self._bar = self._tqdm(
            batches,
            total=self.batches,
            desc=self._head(epoch),
            leave=False,
            disable=None,
            ncols=100,
        )
        try:
            yield from self._bar
        finally:
            self._bar.close()
            self._bar = None

    def numbers(self, values: Mapping[str, float]) -> None:
        """Show numbers at the end of the bar."""
        if self._bar is not None and not self._bar.disable:
            self._bar.set_postfix_str(_text(values, "  "), refresh=False)

    def line(self, epoch: int, row: Mapping[str, float], seconds: float, best: bool) -> None:
        """Print the line of an epoch."""
        if self.on:
            mark = "  best" if best else ""
            print(f"{self._head(epoch)}  {_text(row, '  ')}  {seconds:.1f} s{mark}", flush=True)

    def note(self, text: str) -> None:
        """Print a remark."""
        if self.on:
            print(text, flush=True)

    def _head(self, epoch: int) -> str:
        return f"epoch {epoch:>{len(str(self.epochs))}}/{self.epochs}"


def _text(values: Mapping[str, float], separator: str) -> str:
    return separator.join(f"{name} {value:.4f}" for name, value in values.items())
