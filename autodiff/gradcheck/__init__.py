"""Gradients against numeric derivatives: ``gradcheck`` and its report."""

import sys
from types import ModuleType

from autodiff.gradcheck.check import gradcheck
from autodiff.gradcheck.report import Entry, Report

__all__ = ["Entry", "Report", "gradcheck"]


class _CallableModule(ModuleType):
    # See autodiff/draw/__init__.py: package and function share a name.
    __call__ = staticmethod(gradcheck)


sys.modules[__name__].__class__ = _CallableModule
