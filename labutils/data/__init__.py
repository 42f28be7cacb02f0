"""The data of the series: film reviews, series in time, handwritten digits. Embedded; no download."""
