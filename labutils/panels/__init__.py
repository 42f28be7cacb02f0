"""The ipywidgets panels: thin shells over plain functions that a notebook shows and hands in."""

from labutils.panels.explorers import CurveExplorer, StepExplorer
from labutils.panels.fields import Field

__all__ = ["CurveExplorer", "Field", "StepExplorer"]
