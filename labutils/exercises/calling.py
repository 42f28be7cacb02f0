"""Call a student's function so that whatever it does comes back as an outcome: a value, an error, no end."""

from __future__ import annotations

import contextlib
import copy
import dis
import linecache
import signal
import threading
import traceback
import types
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

SECONDS = 5.0
_MOST_NUMBERS = 1_000_000


@dataclass(frozen=True)
class Outcome:
    """What one call gave, in plain lists and words, so that it can be sent from one process to another.

    values : the results as nested lists of numbers, one entry for each result, or None.
    error : why there are none, in words; line : the student's line where it happened, if known.
    nothing : the function returned None. slow : it did not come to an end in time.
    """

    values: list[Any] | None = None
    error: str = ""
    line: str = ""
    nothing: bool = False
    slow: bool = False

    def arrays(self) -> tuple[np.ndarray, ...] | None:
        """Return the results as arrays of floats, or None where there are none."""
        return None if self.values is None else tuple(np.array(v, dtype=float) for v in self.values)

    def plain(self) -> dict[str, Any]:
        """Return it as a dictionary that json can write."""
        return asdict(self)


class TimeIsUp(BaseException):
    """Raised inside a student's function; no Exception, so that ``except Exception`` does not catch it."""


def outcomes(
    function: Callable,
    cases: Sequence[dict[str, Any]],
    results: Sequence[int | None],
    seconds: float = SECONDS,
) -> list[Outcome]:
    """Call the function with copies of the arguments of each case, and return what came of each call.

    results : how many results each case asks for, None for one that is no tuple. seconds : for all calls
    together; once they are over, the call that ran and those that are left are `slow`. Works in the main
    thread of a process; in another thread there is no limit.
    """
    done: list[Outcome] = []
    with contextlib.suppress(TimeIsUp), _limited(seconds), _quiet():
        for case, wanted in zip(cases, results, strict=True):
            done.append(_call(function, copy.deepcopy(list(case.values())), wanted))
    return done + [Outcome(slow=True)] * (len(cases) - len(done))


def is_stub(answer: object) -> bool:
    """True where nothing was filled in: dots, None, or a function whose body is dots and a docstring."""
    if answer is None or answer is ...:
        return True
    code = getattr(answer, "__code__", None)
    if not isinstance(code, types.CodeType):
        return False
    idle = {"RESUME", "NOP", "CACHE", "COPY_FREE_VARS", "RETURN_VALUE", "POP_TOP", "EXTENDED_ARG"}
    for step in dis.get_instructions(code):
        if step.opname in ("LOAD_CONST", "RETURN_CONST"):
            if step.argval is not None and step.argval is not ...:
                return False
        elif step.opname not in idle:
            return False
    return True


class _NoNumbers(ValueError):
    """What a function returned cannot be compared; the message says why, in words."""


def _as_numbers(value: object) -> list | float:
    """Return an array, a list, a number or a tensor as nested lists of floats."""
    try:
        array = np.asarray(value)
    except (TypeError, ValueError):
        array = np.array(None)
    if array.dtype.kind not in "biuf":
        what = type(value).__name__
        raise _NoNumbers(f"Your function gave something of the type {what} that is not an array of numbers")
    if array.size > _MOST_NUMBERS:
        raise _NoNumbers(f"Your function gave {array.size:,} numbers, far more than were asked for")
    return array.astype(float).tolist()


def _call(function: Callable, arguments: list, wanted: int | None) -> Outcome:
    try:
        given = function(*arguments)
        if given is None:
            return Outcome(nothing=True)
        if wanted is None:
            return Outcome([_as_numbers(given)])
        if not isinstance(given, (tuple, list)) or len(given) != wanted:
            what = f"{len(given)} results" if isinstance(given, (tuple, list)) else type(given).__name__
            return Outcome(
                error=f"Your function should return {wanted} results, as a tuple or a list, and gave {what}"
            )
        return Outcome([_as_numbers(one) for one in given])
    except (Exception, SystemExit) as error:
        if isinstance(error, _NoNumbers):
            return Outcome(error=str(error))
        return Outcome(error=_in_words(error), line=_line_of(function, error))


def _in_words(error: BaseException) -> str:
    text = " ".join(str(error).split())[:300]
    if "matmul: Input operand" in text or "not aligned" in text:
        text = (
            "in a matrix product, the left side has another number of columns than the right side has rows; "
            "compare the shapes"
        )
    elif "could not be broadcast together" in text:
        text = f"these shapes do not fit number by number: {text.split('shapes')[-1].strip()}"
    return f"Your function stopped: {type(error).__name__}" + (f", {text}" if text else "")


def _line_of(function: Callable, error: BaseException) -> str:
    """Return the last line of the student's own file that was on the way to the error."""
    code = getattr(function, "__code__", None)
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        if code and frame.filename == code.co_filename:
            return (frame.line or linecache.getline(frame.filename, frame.lineno)).strip()
    return ""


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@contextlib.contextmanager
def _limited(seconds: float) -> Iterator[None]:
    """Raise `TimeIsUp` in the block once the time is over, again and again until the block is left."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    over, left = threading.Event(), threading.Event()

    def interrupted(number: int, frame: types.FrameType | None) -> None:
        if not over.is_set():  # the reader interrupts the kernel
            raise KeyboardInterrupt
        if not left.is_set():
            raise TimeIsUp

    def watch() -> None:
        pause = seconds
        while not left.wait(pause):
            over.set()
            _interrupt_main_thread()
            pause = 0.25

    before = signal.signal(signal.SIGINT, interrupted)
    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        left.set()
        watcher.join()
        signal.signal(signal.SIGINT, signal.SIG_DFL if before is None else before)


def _interrupt_main_thread() -> None:
    if hasattr(signal, "pthread_kill"):  # a real signal also ends a sleep
        signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)
    else:
        import _thread

        _thread.interrupt_main()
