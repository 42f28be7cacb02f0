"""What all panels share: their look, messages that are read aloud, and the picture without a kernel."""

from __future__ import annotations

import base64
import html
from collections.abc import Callable, Iterator, Sequence

import ipywidgets as widgets

_CSS = """<style>
.lab-panel { padding: 10px 12px; border: 1px solid var(--jp-border-color2, #ccc); overflow-x: auto; }
.lab-panel, .lab-panel .widget-label, .lab-panel .widget-html-content, .lab-panel table {
  color: var(--jp-ui-font-color1, #1a1a1a); }
.lab-panel .widget-html-content { line-height: 1.5; font-size: var(--jp-ui-font-size1, 13px); }
.lab-panel .lab-row { flex-flow: row wrap; gap: 4px 16px; align-items: flex-start; overflow: visible; }
.lab-panel .lab-field { width: auto; max-width: 300px; overflow: visible; }
.lab-panel .lab-field .widget-text, .lab-panel .lab-field .widget-dropdown {
  flex-direction: column; align-items: flex-start; height: auto; width: auto; }
.lab-panel .lab-field .widget-text input, .lab-panel .lab-field select { width: 150px; flex: none; }
.lab-panel .lab-field .widget-label { text-align: left; width: auto; max-width: none; }
.lab-panel input, .lab-panel select, .lab-panel textarea {
  background: var(--jp-layout-color1, #fff) !important; color: var(--jp-ui-font-color1, #1a1a1a) !important;
  border: 1px solid #767676 !important; }
.lab-panel .lab-wrong input { border: 2px solid #b00020 !important; }
.lab-panel :focus-visible { outline: 3px solid #0072b2; outline-offset: 1px; }
.lab-panel button { background: #00558b; color: #fff; min-width: 96px; }
.lab-panel button:hover:not(:disabled) { background: #003f68; color: #fff; box-shadow: none; }
.lab-panel button:disabled { background: #767676; color: #fff; opacity: 0.55; }
.lab-panel .lab-alert { color: #b00020; font-weight: 600; line-height: 1.4; }
.lab-panel h4, .lab-panel p { margin: 2px 0 6px; max-width: 660px; }
.lab-panel table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
.lab-panel caption { text-align: left; padding-top: 6px; color: inherit; caption-side: top; }
.lab-panel select { min-height: 28px; }
.lab-panel th, .lab-panel td {
  padding: 3px 10px 3px 0; text-align: left; white-space: nowrap; border: 0;
  border-bottom: 1px solid var(--jp-border-color2, #ccc); }
.lab-panel .lab-text { flex-direction: column; align-items: flex-start; width: auto; height: auto;
  max-width: 660px; }
.lab-panel .lab-text textarea { width: 100%; box-sizing: border-box; }
.lab-panel .widget-checkbox { width: auto; }
.lab-panel .lab-row:has(.lab-field) > :is(.widget-button, .widget-checkbox) { margin-top: 27px; }
.lab-panel .lab-scroll { overflow-x: auto; }
.lab-panel .lab-charts { display: flex; flex-wrap: wrap; gap: 8px 20px; }
.lab-panel .lab-charts > svg { flex: 1 1 480px; }
.lab-panel .lab-bar { height: 10px; max-width: 660px; background: var(--jp-layout-color3, #ddd); }
.lab-panel .lab-bar div { height: 10px; background: #0072b2; }
.lab-panel a { color: #00558b; text-decoration: underline; }
.lab-panel .lab-words { background: #fff; color: #1a1a1a; padding: 8px; max-width: 660px; line-height: 1.9; }
.lab-panel .lab-words span { padding: 1px 3px; border-radius: 2px; }
.lab-panel .lab-words .lab-unknown { border-bottom: 2px dotted #1a1a1a; font-style: italic; }
body[data-jp-theme-light="false"] .lab-panel .lab-alert { color: #ff8a80; }
body[data-jp-theme-light="false"] .lab-panel a { color: #8cc8f5; }
body[data-jp-theme-light="false"] .lab-panel :focus-visible { outline-color: #8cc8f5; }
.lab-lost { display: none; }
.jupyter-widgets-disconnected .lab-lost { display: block; }
</style>"""

# An HTML widget may not hold a script, but a picture of one transparent dot may say what to do once it is
# loaded: give the panel what ipywidgets cannot. With the first attribute JupyterLab's command keys
# (d d deletes a cell) do nothing while that part of the panel has the focus; the others are for screen
# readers.
_ATTRIBUTES = """<img alt="" hidden onload="
const give = tries => {
  const panel = this.closest('.lab-panel'), said = panel && panel.querySelector('.lab-said');
  if (panel) {
    panel.addEventListener('focusin', e => e.target.setAttribute('data-lm-suppress-shortcuts', ''));
    panel.setAttribute('role', 'group');
    panel.setAttribute('aria-label', this.dataset.title);
  }
  if (said) { said.setAttribute('role', 'status'); said.setAttribute('aria-live', 'polite'); }
  else if (tries) setTimeout(give, 100, tries - 1);
};
give(50)" data-title="TITLE" 
src="data:image/gif;base64,R0lGODlhAQABAAAAACH5BAEKAAEALAAAAAABAAEAAAICTAEAOw==">"""

_LOST = '<div class="lab-lost lab-alert">This panel has lost its kernel. Choose Run, Run All Cells.</div>'


class Panel:
    """A titled frame around widgets; `said` is the line in it that a screen reader reads aloud."""

    def __init__(self, title: str) -> None:
        self.title = title
        self.said = widgets.HTML()
        self.said.add_class("lab-said")
        self.widget = widgets.VBox()
        self.widget.add_class("lab-panel")

    def fill(self, children: Sequence[widgets.Widget]) -> None:
        """Put the widgets into the frame, under the title."""
        title = html.escape(self.title)
        heading = widgets.HTML(_CSS + _ATTRIBUTES.replace("TITLE", title) + f"<h4>{title}</h4>" + _LOST)
        self.widget.children = [heading, *children]

    def say(self, text: str) -> None:
        self.said.value = f"<p>{html.escape(text)}</p>" if text else ""

    def complain(self, text: str, details: str = "") -> None:
        """Show what went wrong; details : a traceback, folded away."""
        folded = details and f"<details><summary>details</summary><pre>{html.escape(details)}</pre></details>"
        self.said.value = alert(text) + folded

    def close_all_but_said(self) -> None:
        """Give back what the panel holds in the kernel and in the browser, and leave its last words."""
        widget_tree = list(_below(self.widget))
        self.widget.children = [self.said]
        for widget in widget_tree:
            if widget is not self.said:
                for part in (widget.layout, getattr(widget, "style", None), widget):
                    if part is not None:
                        part.close()

    def picture(self) -> str:
        """Return an SVG of the panel for a reader without a kernel."""
        raise NotImplementedError

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, object]:
        """Return the live panel, and for a reader without a kernel its picture with a sentence."""
        live = self.widget._repr_mimebundle_() or {}
        on_white = self.picture().replace(">", '><rect width="100%" height="100%" fill="#ffffff"/>', 1)
        picture = base64.b64encode(on_white.encode()).decode()
        title = html.escape(self.title)
        static = (
            f"<p>{title}: run this notebook to use the panel that stands here.</p>"
            f'<img alt="{title}" src="data:image/svg+xml;base64,{picture}" width="660">'
        )
        return {**live, "text/plain": f"<Panel: {self.title}>", "text/html": static}


def _below(widget: widgets.Widget) -> Iterator[widgets.Widget]:
    for child in getattr(widget, "children", ()):
        yield child
        yield from _below(child)


def alert(text: str) -> str:
    """Return a message of something wrong, escaped, read aloud at once."""
    return f'<div class="lab-alert" role="alert">{html.escape(text)}</div>'


def row(*children: widgets.Widget) -> widgets.HBox:
    """Return widgets beside each other, below each other where the window is narrow."""
    box = widgets.HBox(children)
    box.add_class("lab-row")
    return box


def button(text: str, clicked: Callable[[widgets.Button], None]) -> widgets.Button:
    """Return a button with its handler."""
    result = widgets.Button(description=text, tooltip=text)
    result.on_click(clicked)
    return result


def answer_where_asked(*asked: widgets.Widget) -> None:
    """Make the kernel read the next message of these widgets in the order in which it was sent.

    ipykernel 7 reads a widget's messages in the loop that last published for it, so that while a cell
    runs, a click could overtake the value typed before it. Call this first in every handler.
    """
    for widget in asked:
        widget.send_state("tooltip")
