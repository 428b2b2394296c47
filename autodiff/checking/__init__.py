"""Gradients against numeric derivatives: ``gradcheck`` and its report."""

from autodiff.checking.check import gradcheck
from autodiff.checking.report import Entry, Report

__all__ = ["Entry", "Report", "gradcheck"]
