"""``check`` and ``draw``: the parser, the commands and their exit codes."""

from __future__ import annotations

import argparse
import json
import math
import sys
import traceback
from collections.abc import Sequence
from typing import Any, NoReturn

import numpy as np

from autodiff.checking import gradcheck
from autodiff.cli.foreign import FRAMEWORKS, WrongShape, numpy_pair
from autodiff.cli.loading import Usage, load_function, load_inputs
from autodiff.drawing import draw
from autodiff.errors import GradientError
from autodiff.tensor import raw
from autodiff.tree import map_tree

__all__ = ["main"]

CODES = {"correct": 0, "wrong": 1, "inconclusive": 2}
USAGE = 3
EPILOG = """\
examples:
  python -m autodiff check model:loss --inputs batch.npz
  python -m autodiff check numeric:energy numeric:energy_gradient --json
  python -m autodiff check net:forward --framework torch
  python -m autodiff draw model:loss -o loss.svg

Without --inputs, the function's attribute `inputs` is taken, or its module's: a tuple of arguments,
or a function without arguments that returns one.
"""
CODES_TEXT = """\
exit code: 0 correct, 1 wrong, 2 inconclusive, 3 usage (or the function cannot be checked).

GRADIENT makes the check one of a plain NumPy function: GRADIENT(*inputs) where FUNCTION returns a
number, GRADIENT(cotangent, *inputs) where it returns an array. It returns an array for one floating
or complex input, a tuple for several; of a complex one the direction of steepest ascent.
"""


class Parser(argparse.ArgumentParser):
    """A parser that exits with 3 where the usage is wrong: 2 says that a check was inconclusive."""

    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        self.exit(USAGE, f"{self.prog}: {message}\n")


def _positive(text: str) -> float:
    value = float(text)
    if not value > 0:
        raise argparse.ArgumentTypeError(f"expected a number of seconds above 0, got {text}")
    return value


def _parser() -> Parser:
    plain = argparse.RawDescriptionHelpFormatter
    parser = Parser(
        prog="python -m autodiff",
        description="Check gradients and draw graphs.",
        epilog=EPILOG,
        formatter_class=plain,
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="{check,draw}")
    check = commands.add_parser(
        "check",
        help="compare a function's gradients with numeric derivatives",
        description="Compare the gradients of a function with numeric derivatives, in float64.",
        epilog=CODES_TEXT,
        formatter_class=plain,
    )
    check.add_argument("function", metavar="MODULE:FUNCTION")
    check.add_argument("gradient", metavar="MODULE:GRADIENT", nargs="?", help="a hand-written one")
    check.add_argument("--framework", choices=sorted(FRAMEWORKS), help="what the function uses")
    check.add_argument("--order", type=int, choices=(1, 2), default=1, help="2: Hessians too")
    check.add_argument("--budget", type=_positive, metavar="SECONDS", help="time it may take")
    check.add_argument("--seed", type=int, default=0, metavar="N", help="of weights and directions")
    check.add_argument("--json", action="store_true", help="the report as JSON (null: not finite)")
    picture = commands.add_parser("draw", help="draw the graph that a function records")
    picture.add_argument("function", metavar="MODULE:FUNCTION")
    picture.add_argument(
        "-o", "--output", metavar="FILE", required=True, help=".svg, .png, .pdf, .dot or .html"
    )
    for command in (check, picture):
        command.add_argument("--inputs", metavar="FILE.npz", help="arguments, from numpy.savez")
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code.

    >>> from autodiff.cli import main
    >>> main(["check", "no_such_module:f"])
    3
    """
    options = _parser().parse_args(arguments)
    try:
        return _check(options) if options.command == "check" else _draw(options)
    except Usage as error:
        return _refuse(options, str(error))
    except GradientError as error:
        return _refuse(options, str(error).removeprefix("gradcheck: "))
    except Exception as error:
        # The function's own error. Python's exit code for it, 1, would say that a gradient is
        # wrong.
        traceback.print_exc()
        return _refuse(options, f"{options.function} raised {type(error).__name__}: {error}")


def _refuse(options: argparse.Namespace, message: str) -> int:
    if getattr(options, "json", False):
        print(json.dumps({"error": message}))
    print(f"{options.command}: {message}", file=sys.stderr)
    return USAGE


def _check(options: argparse.Namespace) -> int:
    function, module = load_function(options.function)
    inputs = load_inputs(function, module, options.inputs)
    foreign = options.gradient or options.framework
    if options.gradient and options.framework:
        raise Usage("give a hand-written gradient or --framework, not both")
    if foreign and options.order != 1:
        raise Usage("--order 2 needs a function of autodiff: here only first derivatives are known")
    if options.gradient:
        function = numpy_pair(function, load_function(options.gradient)[0])
    elif options.framework:
        function = FRAMEWORKS[options.framework](function)
    if foreign:  # which may hold float64 itself, so it is not run in another precision
        inputs = map_tree(_in_double, inputs)
    settings: dict[str, Any] = {"order": options.order, "seed": options.seed}
    if options.budget is not None:
        settings["budget"] = options.budget
    try:
        report = gradcheck(function, *inputs, **settings)
    except WrongShape as error:
        return _wrong_shape(options, str(error))
    print(json.dumps(_strict(report.to_dict())) if options.json else report)
    return CODES[report.verdict]


def _in_double(x: Any) -> Any:
    array = np.asarray(raw(x))
    wide = {"f": np.float64, "c": np.complex128}.get(array.dtype.kind)
    return array if wide is None else array.astype(wide)


def _strict(value: Any) -> Any:
    """NaN and infinity as null: JSON (RFC 8259) has no word for them."""
    if isinstance(value, dict):
        return {key: _strict(v) for key, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_strict(v) for v in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _wrong_shape(options: argparse.Namespace, message: str) -> int:
    if options.json:
        print(json.dumps({"verdict": "wrong", "error": message}))
    else:
        print(f"check {options.function}: wrong; {message}")
    return CODES["wrong"]


def _draw(options: argparse.Namespace) -> int:
    function, module = load_function(options.function)
    inputs = load_inputs(function, module, options.inputs)
    drawing = draw(function, *inputs)
    try:
        path = drawing.save(options.output)
    except (OSError, ValueError, RuntimeError) as error:
        raise Usage(str(error).removeprefix("draw: ")) from None
    print(f"{path}: {path.stat().st_size:,} bytes")
    return 0
