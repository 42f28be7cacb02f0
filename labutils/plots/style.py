"""How every figure of the series looks, and how it shows itself with its alternative text."""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text

from labutils.palette import GRID, WHITE

styled = matplotlib.rc_context(
    {
        "font.size": 11,
        "axes.titlesize": 11,
        "axes.titleweight": "bold",
        "axes.titlelocation": "left",
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.grid": True,
        "axes.axisbelow": True,
        "grid.color": GRID,
        "legend.frameon": False,
        "lines.linewidth": 2,
        "savefig.facecolor": WHITE,
    }
)
Numbers = Sequence[float] | np.ndarray | pd.Series

_SCREEN_DPI, _FILE_DPI = 96, 144
_LONGEST_WORD = 30  # characters


@dataclass(frozen=True, repr=False)
class Picture:
    """A finished figure that shows itself in a notebook with its alternative text.

    In its labels ``$v_1$`` is a formula; one that matplotlib cannot read is written as it stands.

    Parameters
    ----------
    figure : the matplotlib figure, to change or save.
    title : a few words that stay the same on every machine.
    alt : the alternative text: what the figure shows, for a reader who cannot see it.
    """

    figure: Figure
    title: str
    alt: str

    def __post_init__(self) -> None:
        # a formula is read when the text is measured: without this, one that is wrong raises when it is shown
        for text in self.figure.findobj(Text):
            if "$" in text.get_text():
                try:
                    text.get_window_extent()
                except ValueError:
                    text.set_parse_math(False)

    def __repr__(self) -> str:
        return f"<Picture: {self.title}>"

    @property
    @styled
    def png(self) -> bytes:
        """The figure as it is now, as the bytes of a PNG file."""
        file = io.BytesIO()
        self.figure.savefig(file, format="png", dpi=_FILE_DPI)
        return file.getvalue()

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> tuple[dict, dict]:
        """Return the figure as HTML, as PNG and as text.

        JupyterLab shows the HTML, because it ignores the ``alt`` of an image output's metadata; other
        readers of notebooks take the PNG and its metadata.
        """
        width = round(self.figure.get_size_inches()[0] * _SCREEN_DPI)
        png = self.png
        source = "data:image/png;base64," + base64.b64encode(png).decode()
        page = f'<img alt="{html.escape(self.alt)}" src="{source}" width="{width}">'
        return (
            {"text/plain": repr(self), "text/html": page, "image/png": png},
            {"image/png": {"alt": self.alt, "width": width}},
        )


@styled
def canvas(
    columns: int = 1, width: float = 9.0, height: float = 3.6, rows: int = 1
) -> tuple[Figure, list[Axes]]:
    """Return an empty figure in the style of the series, and its axes.

    Parameters
    ----------
    columns : of axes.
    width, height : of the figure, in inches.
    rows : of axes.

    Returns
    -------
    figure : matplotlib's.
    axes : columns · rows of them, row by row.
    """
    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure, list(figure.subplots(rows, columns, squeeze=False).flat)


def literal(text: str) -> str:
    """Keep matplotlib from reading a text with dollar signs as a formula."""
    return text.replace("$", r"\$")


def shorten(word: str) -> str:
    """Return the first 30 characters of a word; where there are more, an ellipsis is the last of them."""
    return word if len(word) <= _LONGEST_WORD else word[: _LONGEST_WORD - 1] + "…"


def check_names(argument: str, names: Iterable[str], known: Iterable[str], kind: str) -> None:
    """Raise ValueError where an argument gives names that are not among the known ones.

    Parameters
    ----------
    argument : its name, for the message.
    names : that it gives.
    known : that it may give.
    kind : what the known ones are, in the plural, for the message.
    """
    known = list(known)
    if unknown := [name for name in names if name not in known]:
        raise ValueError(
            f"{argument} names {unknown}, which are not among the {kind}: {', '.join(map(str, known))}"
        )


def check_equally_many(name: str, counts: Mapping[str, int]) -> None:
    """Raise ValueError where counts that belong together differ or are 0.

    Parameters
    ----------
    name : of what they belong to, for the message.
    counts : what is counted → how many there are, such as {"words": 3, "values": 2}.
    """
    if len(set(counts.values())) > 1 or 0 in counts.values():
        got = ", ".join(f"{count:,} {what}" for what, count in counts.items())
        raise ValueError(f"{name}: there must be equally many, and at least one, of each, got {got}")
