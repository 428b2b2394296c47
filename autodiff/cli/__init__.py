"""The command line, ``python -m autodiff``: check a gradient, draw a graph."""

from autodiff.cli.commands import main

__all__ = ["main"]
