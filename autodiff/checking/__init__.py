"""Gradients against numeric derivatives: ``gradcheck`` and its report."""

from autodiff.checking.check import gradcheck
from autodiff.checking.report import Culprit, Entry, Kink, Mutant, Report

__all__ = ["Culprit", "Entry", "Kink", "Mutant", "Report", "gradcheck"]
