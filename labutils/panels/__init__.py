"""The ipywidgets panels: thin shells over plain functions that a notebook shows and hands in."""

from labutils.panels.explorers import CurveExplorer, StepExplorer
from labutils.panels.fields import ChoiceField, Field, ListField
from labutils.panels.preview import Preview
from labutils.panels.review_reader import ReadingPanel
from labutils.panels.run_table import Score
from labutils.panels.sweep_panel import SweepPanel
from labutils.panels.training_charts import Chart
from labutils.panels.training_panel import TrainingPanel
from labutils.panels.word_values import WordValues, WordValuesPanel
from labutils.panels.writing_panel import WritingPanel
