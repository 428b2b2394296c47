"""Packages that only some functions need: imported when used, or missed in one sentence."""

from __future__ import annotations

import importlib
from types import ModuleType

__all__ = ["require"]


def require(module: str, what: str, extra: str) -> ModuleType:
    """Import a module, or raise an ImportError that says who needs it and how to get it.

    >>> from nn.optional import require
    >>> require("math", "a square root", "train").sqrt(4.0)
    2.0
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        package = module.partition(".")[0]
        raise ImportError(
            f"{what} needs {package}: pip install autodiff-nn[{extra}]", name=package
        ) from error
