"""The ipywidgets panels: thin shells over plain, tested functions."""
