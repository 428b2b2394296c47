"""The command ``python -m nn``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from nn.demo import run

__all__ = ["main"]


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"expected a number of at least 1, got {value}")
    return value


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m nn", description="Neural networks on autodiff."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    demo = commands.add_parser(
        "demo",
        help="learn handwritten digits, check the gradients, draw the graph",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    demo.add_argument("--seed", type=int, default=0, help="of split, weights, dropout and order")
    demo.add_argument("--output", default="runs/digits", help="folder for the files")
    demo.add_argument("--epochs", type=_positive, default=60, help="at most so many")
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; returns the exit status. A missing package is one line, not a traceback.

    >>> from nn.cli import main
    >>> main(["demo", "--epochs", "0"])
    Traceback (most recent call last):
    SystemExit: 2
    """
    options = _parser().parse_args(arguments)
    try:
        run(options.seed, options.output, options.epochs)
    except ImportError as error:
        print(f"demo: {error}", file=sys.stderr)
        return 1
    return 0
