"""What the panels share that work in the background: a session for each title, and how a panel follows it."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable
from typing import Any, Generic, TypeVar

import ipywidgets as widgets

from labutils.panels import base
from labutils.panels.background import Progress, Runner
from labutils.panels.fields import ChoiceInput, TypedInput


class PanelSession:
    """What outlives a panel when its cell is run again: what runs in the background, and who shows it."""

    def __init__(self) -> None:
        self.panel: SessionPanel | None = None  # the latest of its title
        self.runner = Runner(self.refresh_panel)

    def refresh_panel(self) -> None:
        """Let the panel show how far the job is."""
        if self.panel is not None:
            self.panel.refresh()


Session = TypeVar("Session", bound=PanelSession)


class SessionPanel(base.Panel, Generic[Session]):
    """A panel that starts jobs in the background, follows them and stops them.

    A subclass puts the buttons that start a job into `start_buttons`, calls `take_over` at the end of its
    ``__init__``, and defines `announce` and `draw`.

    Parameters
    ----------
    session : what outlives the panel, the same one for all panels of this title.
    title : names the panel and its session.

    Attributes
    ----------
    start_buttons, stop_button : the former are disabled while a job goes on, the latter while none does.
    seconds_between_drawings : how often at most it is drawn.
    busy_text, idle_text : what it says to a click on Start while a job goes on, on Stop while none does.
    kept_text : what it says when it gives way to a panel of the same title.
    """

    seconds_between_drawings = 0.25
    busy_text = "A training is going on: stop it first, or wait for its end."
    idle_text = "There is no training to stop."
    kept_text = "Your runs are there."

    def __init__(self, session: Session, title: str) -> None:
        super().__init__(title)
        self.session = session
        self.start_buttons: list[widgets.Button] = []
        self.stop_button = base.button("Stop", self._stop_clicked)
        self._drawing = threading.RLock()
        self._drawn_at = 0.0
        self._shown_progress: Progress | None = None

    def take_over(self) -> None:
        """Show what the session holds, instead of an older panel of the same title."""
        self.pictures()  # what cannot be drawn is refused before another panel gives way
        past, self.session.panel = self.session.panel, self
        if past is not None:
            past.retire()
        self.refresh()

    def retire(self) -> None:
        """Give way to a new panel of the same title."""
        with self._drawing:
            self.say(f"This panel was made anew elsewhere; use the new one. {self.kept_text}")
            self.close_all_but_status()

    def refresh(self) -> None:
        """Show the job as it stands: a new state and the first epoch at once, the rest from time to time."""
        with self._drawing:
            if self.session.panel is not self:
                return
            progress, past = self.session.runner.progress, self._shown_progress
            self._shown_progress = progress
            has_news = past is None or progress.state != past.state
            has_first_epoch = past is not None and progress.epochs_done > 0 and not past.epochs_done
            too_early = time.monotonic() - self._drawn_at < self.seconds_between_drawings
            if too_early and not (has_news or has_first_epoch):
                return
            if has_news:
                # the buttons change in the job's thread, for which a newer panel has published nothing
                self.preserve_message_order()
                for button in self.start_buttons:
                    button.disabled = progress.is_busy
                self.stop_button.disabled = not progress.is_busy
                if progress.state == "stopping":
                    self.say("Stopping …")
                else:
                    self.announce(progress)
            self.draw(progress)
            self._drawn_at = time.monotonic()

    def announce(self, progress: Progress) -> None:
        """Say that a job has started, is under way or has ended, and how."""
        raise NotImplementedError

    def draw(self, progress: Progress) -> None:
        """Draw what there is, and how far the job is."""
        raise NotImplementedError

    def values_of(
        self, inputs: Iterable[TypedInput | ChoiceInput], refusal: str = "Nothing was started"
    ) -> dict[str, Any] | None:
        """Return the values by the names of their fields; None, and say so, where one cannot be read."""
        wrong = [entry.field.label for entry in inputs if not entry.is_valid]
        if wrong:
            self.complain(f"{refusal}. Please correct: {', '.join(wrong)}.")
            return None
        return {entry.field.name: entry.value for entry in inputs}

    def refused_as_busy(self) -> bool:
        """Return whether a job goes on, and say so where one does."""
        if self.session.runner.is_busy:
            self.say(self.busy_text)
        return self.session.runner.is_busy

    def _stop_clicked(self, button: widgets.Button) -> None:
        if not self.session.runner.stop():
            self.say(self.idle_text)
