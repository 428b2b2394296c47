"""A gradient check that a test makes, and the program that repeats it when it fails."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from autodiff.checking import Report, gradcheck
from autodiff.errors import GradientError
from autodiff.testing.literals import literal
from autodiff.testing.sources import Source

__all__ = ["check", "checker", "snippet"]

PRINTED = 200  # arrays of more numbers are saved in a file
FILE = "inputs.npz"


def check(function: Any, *inputs: Any, **options: Any) -> Report:
    """``ad.gradcheck`` for tests: returns the report if every gradient is correct.

    An inconclusive check fails too, since it shows nothing.

    Parameters
    ----------
    function, *inputs, **options
        As ``ad.gradcheck`` takes them.

    Raises
    ------
    AssertionError
        With the report, and the ``snippet`` that repeats the check.
    GradientError
        Nothing can be checked; the snippet stands in its notes.

    >>> import autodiff as ad
    >>> from autodiff.testing import check
    >>> check(ad.tanh, [0.5, -1.0]).verdict
    'correct'
    """
    __tracebackhide__ = True
    return _check(function, inputs, options)


def checker(
    defaults: dict[str, Any],
    again: Sequence[str],
    folder: Callable[[], Path],
    show: Callable[[str], None],
) -> Callable[..., Report]:
    """What the fixture ``gradcheck`` is: ``check`` with options, and a place for the snippet.

    Parameters
    ----------
    defaults : dict
        Options of ``ad.gradcheck`` for calls that do not give them.
    again, folder
        As ``snippet`` takes them, the folder as a function that makes it.
    show : callable
        Is given the snippet where a check fails.
    """

    def run(function: Any, *inputs: Any, **options: Any) -> Report:
        __tracebackhide__ = True
        return _check(function, inputs, {**defaults, **options}, again, folder, show)

    return run


def _check(
    function: Any,
    inputs: tuple[Any, ...],
    options: dict[str, Any],
    again: Sequence[str] = (),
    folder: Callable[[], Path] | None = None,
    show: Callable[[str], None] | None = None,
) -> Report:
    __tracebackhide__ = True
    try:
        report = gradcheck(function, *inputs, **options)
        if report.verdict == "correct":
            return report
        error: Exception = AssertionError(f"the gradient is {report.verdict}\n{report}")
    except GradientError as raised:
        error = raised
    try:
        text = snippet(function, *inputs, folder=folder, again=again, **options)
    except TypeError as reason:
        text = f"# No program repeats this. {reason}"
    if show is None:
        error.add_note(f"To repeat this:\n\n{text}")
    else:
        show(text)
    raise error


def snippet(
    function: Any,
    *inputs: Any,
    folder: Callable[[], str | PathLike[str]] | None = None,
    again: Sequence[str] = (),
    **options: Any,
) -> str:
    """A Python program that repeats a gradient check: function, inputs, seed and options.

    A function of a module is imported. A local one and a lambda are written out, with what they
    read from around them. Numbers are exact.

    Parameters
    ----------
    function, *inputs, **options
        As ``ad.gradcheck`` takes them.
    folder : callable, optional
        Makes the folder in which arrays of more than 200 numbers are saved; without it they are
        printed.
    again : sequence of str
        Arguments of pytest that run the test again: what is printed for a function that has no
        source (a closure over an object, a module with its parameters).

    Raises
    ------
    TypeError
        The function or an input has no source, and ``again`` is empty.

    >>> import autodiff as ad
    >>> from autodiff.testing import snippet
    >>> print(snippet(ad.tanh, [0.5, -1.0], seed=3))
    import numpy as np
    import autodiff as ad
    <BLANKLINE>
    f = ad.tanh
    inputs = ([0.5, -1.0],)
    print(ad.gradcheck(f, *inputs, seed=3))
    """
    source = Source()
    options.setdefault("seed", 0)
    try:
        source.define("f", function)
        values = _write(inputs, source, folder)
        call = "".join(f", {key}={literal(value)}" for key, value in options.items())
    except TypeError as error:
        if not again:
            raise
        return _rerun(inputs, folder, again, str(error))
    while source.lines and not source.lines[0]:
        source.lines.pop(0)
    end = [f"inputs = {values}", f"print(ad.gradcheck(f, *inputs{call}))"]
    return "\n".join([*source.imports, "", *source.lines, *end])


def _rerun(inputs: Any, folder: Any, again: Sequence[str], reason: str) -> str:
    """The lines that run the test again; the inputs are shown where they can be."""
    source = Source()
    try:
        values = [f"inputs = {_write(inputs, source, folder)}  # of the call that failed"]
    except TypeError:
        values = []
    return "\n".join(
        [
            *source.imports,
            "import pytest",
            "",
            f"# {reason}, so the whole test runs again.",
            *source.lines,
            *values,
            f"pytest.main({list(again)!r})",
        ]
    )


def _write(inputs: Any, source: Source, folder: Any) -> str:
    """The inputs as an expression; arrays of many numbers are saved and read from the file."""
    saved: dict[str, Any] = {}

    def name(array: Any) -> str | None:
        if array.size <= PRINTED:
            return None
        key = f"x{len(saved)}"
        saved[key] = array
        return f"saved[{key!r}]"

    text = literal(inputs, name) if folder is not None else literal(inputs)
    if saved:
        path = Path(folder()) / FILE
        np.savez(path, allow_pickle=False, **saved)
        source.lines.append(f"saved = np.load({str(path.resolve())!r})")
    return text
