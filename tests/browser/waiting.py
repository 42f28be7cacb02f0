"""How long the tests in a browser wait, and for what Playwright cannot wait by itself."""

import time
from collections.abc import Callable

from playwright.sync_api import expect

SECONDS = 600  # the cells behind a panel may train a network, beside another worker on a busy machine

expect.set_options(timeout=SECONDS * 1000)


def eventually(ask: Callable[[], object], is_so: Callable[[object], bool]) -> None:
    """Ask the page until the answer is so; the last answer is shown if it never was."""
    end, answer = time.monotonic() + SECONDS, ask()
    while not is_so(answer) and time.monotonic() < end:
        time.sleep(0.1)
        answer = ask()
    assert is_so(answer), answer
