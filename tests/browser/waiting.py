"""How long the tests in a browser wait, and for what Playwright cannot wait by itself."""

import time
from collections.abc import Callable

from playwright.sync_api import expect

SECONDS = 180  # a busy machine with one core needs more than 60

expect.set_options(timeout=SECONDS * 1000)


def eventually(is_so: Callable[[], bool]) -> None:
    """Wait until a function that asks the page returns True."""
    end = time.monotonic() + SECONDS
    while not is_so() and time.monotonic() < end:
        time.sleep(0.1)
    assert is_so()
