"""The command ``python -m nn``."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence

from nn.demo import run

__all__ = ["main"]

STOPPED = 130  # the exit status of a command that Ctrl-C ended, as shells have it


def _at_least(least: int) -> Callable[[str], int]:
    def whole(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            value = least - 1
        if value < least:
            raise argparse.ArgumentTypeError(
                f"expected a whole number of at least {least}, got {text!r}"
            )
        return value

    return whole


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m nn", description="Neural networks on autodiff."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    demo = commands.add_parser(
        "demo",
        help="learn handwritten digits, check the gradients, draw the graph",
        description="Learn handwritten digits, check the gradients, draw the graph.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    demo.add_argument(
        "--seed", type=_at_least(0), default=0, help="of split, weights, dropout and order"
    )
    demo.add_argument("--output", default="runs/digits", help="folder for the files")
    demo.add_argument("--epochs", type=_at_least(1), default=20, help="at most so many")
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; returns the exit status.

    A missing package, a folder that cannot be written to and Ctrl-C are one line, not a traceback.

    >>> from nn.cli import main
    >>> main(["demo", "--epochs", "0"])
    Traceback (most recent call last):
    SystemExit: 2
    """
    options = _parser().parse_args(arguments)
    try:
        run(options.seed, options.output, options.epochs)
    except BrokenPipeError:
        # The reader of the output has gone, as with "| head"; nothing is left to be said to it.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except (ImportError, OSError) as error:
        print(f"{options.command}: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(f"{options.command}: stopped", file=sys.stderr)
        return STOPPED
    return 0
