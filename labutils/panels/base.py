"""What all panels share: their style, messages that are read aloud, and the picture without a kernel."""

from __future__ import annotations

import base64
import html
import re
import traceback
from collections.abc import Callable, Iterable, Iterator, Sequence
from importlib import resources
from string import Template

import ipywidgets as widgets

from labutils import palette

LONGEST_ERROR = 300  # letters; the rest is in the details
_TERMINAL_COLOURS = re.compile(r"\x1b\[[0-9;]*m")

# The style and the title of every panel. An HTML widget runs no <script>, but an image of one transparent dot
# runs its `onload`, which sets what ipywidgets has no trait for: one attribute keeps JupyterLab's keys (d d
# deletes a cell) away from the part of the panel that has the focus, others are for screen readers. A button
# keeps the pointer that presses it, or it loses the click (of 120 ms: every one) where an answer above it
# comes or goes meanwhile and moves it.
# anywidget 0.11 was tried instead: the same lines with the same wait (its `el` is not in the page yet when
# `render` is called), two packages and 0.5 MB of JavaScript more, and "Click to show javascript error" where
# JupyterLab runs in another environment than the kernel, without its extension.
_FRAME = Template(resources.files(__package__).joinpath("frame.html").read_text("utf-8"))


class Panel:
    """A titled frame around widgets; `status` is the line in it that a screen reader reads aloud."""

    def __init__(self, title: str) -> None:
        self.title = title
        self.status = _with_class(widgets.HTML(), "lab-status")
        self.widget = _with_class(widgets.VBox(), "lab-panel")

    @property
    def controls(self) -> list[widgets.Widget]:
        """The fields, choices and buttons of the panel."""
        return [widget for widget in _below(self.widget) if hasattr(widget, "disabled")]

    def fill(self, *children: widgets.Widget) -> None:
        """Put widgets into the frame, under the title, and keep the messages of its controls in order."""
        heading = widgets.HTML(_FRAME.substitute(vars(palette), title=html.escape(self.title)))
        self.widget.children = [heading, *children]
        for control in self.controls:
            if isinstance(control, widgets.Button):
                control.on_click(self.preserve_message_order)
            else:
                control.observe(self.preserve_message_order, "value")

    def preserve_message_order(self, event: object = None) -> None:
        """Make the kernel read the next messages of all controls in the order in which they were sent.

        ipykernel 7.4 reads a widget's message in the thread, main shell or subshell, for which that widget
        was last published (``_reply_subshell_for`` in ``ipykernel/comm/comm.py``). So while a cell keeps the
        main shell busy, a click could overtake the value typed before it. Publishing all controls together,
        whenever one of them has been used, keeps them in one thread.
        On subshells: https://github.com/ipython/ipykernel/issues/1438
        """
        for control in self.controls:
            control.send_state("tooltip")

    def say(self, text: str) -> None:
        """Show a text, escaped, in the line that is read aloud."""
        self.status.value = f"<p>{html.escape(text)}</p>"

    def complain(self, text: str, details: str = "") -> None:
        """Show what went wrong, and below it the details, a traceback, folded away."""
        folded = details and f"<details><summary>details</summary><pre>{html.escape(details)}</pre></details>"
        self.status.value = alert(text) + folded

    def complain_of(self, error: Exception) -> None:
        """Show an error of the notebook's own function with its traceback."""
        self.complain(*describe_error(error))

    def close_all_but_status(self) -> None:
        """Free what the panel holds in the kernel and in the browser, and leave its last message."""
        closed = [widget for widget in _below(self.widget) if widget is not self.status]
        self.widget.children = [self.status]
        for widget in closed:
            for part in (widget.layout, getattr(widget, "style", None), widget):
                if part is not None:
                    part.close()

    def pictures(self) -> list[str]:
        """Return the drawings of the panel as SVG, for a reader without a kernel."""
        raise NotImplementedError

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, object]:
        """Return the live panel, and for a reader without a kernel a sentence and its drawings.

        As images, since JupyterLab strips an inline SVG from a notebook that is not trusted.
        """
        live = self.widget._repr_mimebundle_() or {}
        title = html.escape(self.title)
        controls = [c.description for c in self.controls if not isinstance(c, widgets.Dropdown)]
        static = f"<p>{title}: run this notebook to use the panel that stands here.</p>"
        static += f"<p>{html.escape(' · '.join(controls))}</p>"
        for picture in self.pictures():
            on_white = picture.replace(">", '><rect width="100%" height="100%" fill="#ffffff"/>', 1)
            source = f"data:image/svg+xml;base64,{base64.b64encode(on_white.encode()).decode()}"
            static += f'<img alt="{title}" src="{source}" width="660">'
        return {**live, "text/plain": f"<Panel: {self.title}>", "text/html": static}


def describe_error(error: BaseException) -> tuple[str, str]:
    """Return the error that is being handled in a line or two, and its traceback; no terminal colours."""
    texts = ("".join(traceback.format_exception_only(error)), traceback.format_exc())
    summary, details = (_TERMINAL_COLOURS.sub("", text) for text in texts)
    summary = " ".join(summary.split())
    return summary[:LONGEST_ERROR] + " …" * (len(summary) > LONGEST_ERROR), details


def alert(text: str) -> str:
    """Return a message of something wrong as HTML, escaped, read aloud at once."""
    return f'<div class="lab-alert" role="alert">{html.escape(text)}</div>'


def progress_bar(text: str, fraction: float, label: str) -> str:
    """Return how far something is, as HTML: a text, escaped, and below it a bar.

    Parameters
    ----------
    text : stands above the bar.
    fraction : that is done, 0 to 1.
    label : what the bar shows, for a screen reader.
    """
    percent = round(100 * fraction)
    return (
        f"<p>{html.escape(text)}</p>"
        f'<div class="lab-bar" role="progressbar" aria-label="{html.escape(label)}" aria-valuemin="0" '
        f'aria-valuemax="100" aria-valuenow="{percent}"><div style="width:{percent}%"></div></div>'
    )


def html_table(
    caption: str,
    heads: Sequence[str],
    rows: Iterable[Sequence[str]],
    *,
    row_heads: bool = False,
    best: int | None = None,
) -> str:
    """Return a table of texts, which are escaped, as HTML that can be scrolled in a narrow window.

    Parameters
    ----------
    caption : stands above the table.
    heads : of the columns.
    rows : the cells of each row.
    row_heads : whether the first cell of a row is its head.
    best : the index of the row that is set in bold.
    """
    head = "".join(f'<th scope="col">{html.escape(text)}</th>' for text in heads)
    body = ""
    for number, (first, *others) in enumerate(rows):
        body += '<tr class="lab-best">' if number == best else "<tr>"
        body += (
            f'<th scope="row">{html.escape(first)}</th>' if row_heads else f"<td>{html.escape(first)}</td>"
        )
        body += "".join(f"<td>{html.escape(cell)}</td>" for cell in others) + "</tr>"
    return (
        f'<div class="lab-scroll"><table><caption>{html.escape(caption)}</caption>'
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def row(*children: widgets.Widget) -> widgets.HBox:
    """Return widgets beside each other, below each other where the window is narrow."""
    return _with_class(widgets.HBox(children), "lab-row")


def labelled(*children: widgets.Widget) -> widgets.VBox:
    """Return a widget whose label stands above it, over what belongs to it."""
    return _with_class(widgets.VBox(children), "lab-field")


def control(kind: type[widgets.DOMWidget], label: str, **settings: object) -> widgets.DOMWidget:
    """Return a field or a choice with its whole label, which is its name for a screen reader as well."""
    style = {"description_width": "initial"}
    return kind(description=label, tooltip=label, style=style, **settings)


def button(text: str, on_click: Callable[[widgets.Button], None]) -> widgets.Button:
    """Return a button with its handler."""
    result = widgets.Button(description=text, tooltip=text)
    result.on_click(on_click)
    return result


def _with_class(widget: widgets.DOMWidget, name: str) -> widgets.DOMWidget:
    widget.add_class(name)
    return widget


def _below(widget: widgets.Widget) -> Iterator[widgets.Widget]:
    for child in getattr(widget, "children", ()):
        yield child
        yield from _below(child)
