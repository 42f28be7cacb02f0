"""Every figure of the series, each with axis labels, a colour-blind-safe palette and alternative text.

A function here returns a `Picture`; as the last line of a cell it shows itself. No pyplot: nothing
is kept between cells, and no backend has to be chosen.
"""

from labutils.plots.coloured_texts import reading, word_values
from labutils.plots.diagrams import gru, lstm, unrolled, wirings
from labutils.plots.forecasts import forecast, limits, windows
from labutils.plots.heat_maps import alignment, gates
from labutils.plots.histories import scores, training_curves
from labutils.plots.image_rows import code_map, images
from labutils.plots.lines import curves, estimates
from labutils.plots.moving_points import moving_points
from labutils.plots.review_charts import accuracy_by, calibration, padding, review_lengths, shared_names
from labutils.plots.style import Picture, canvas
