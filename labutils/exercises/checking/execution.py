"""Call a student's function so that whatever it does comes back as an outcome: a value, an error, no end."""

from __future__ import annotations

import contextlib
import copy
import dis
import io
import itertools
import linecache
import signal
import sys
import threading
import traceback
import types
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

SECONDS = 5.0
_MOST_NUMBERS = 1_000_000


@dataclass(frozen=True)
class Outcome:
    """What one call gave, in plain lists and words, so that it can be sent from one process to another.

    values : the results as nested lists of numbers, one entry for each result, or None.
    error : why there are none, in words; line : the student's line where it happened, if known.
    nothing : the function returned None. slow : it did not come to an end in time. changed : the places of
    the arguments that it changed in place. printed : the beginning of what it printed.
    """

    values: list[Any] | None = None
    error: str = ""
    line: str = ""
    nothing: bool = False
    slow: bool = False
    changed: tuple[int, ...] = ()
    printed: str = ""

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
    with contextlib.suppress(TimeIsUp), _limited(seconds, function), _quiet():
        for case, wanted in zip(cases, results, strict=True):
            arguments, printed = copy.deepcopy(list(case.values())), _Beginning()
            with contextlib.redirect_stdout(printed):
                outcome = _call(function, arguments, wanted)
            changed = tuple(
                place
                for place, (now, was) in enumerate(zip(arguments, case.values()))
                if not _equal(now, was)
            )
            done.append(replace(outcome, changed=changed, printed=printed.text))
    return done + [Outcome(slow=True)] * (len(cases) - len(done))


def is_stub(answer: object) -> bool:
    """True where nothing was filled in: dots, None, or a function whose body is dots and a docstring."""
    if answer is None or answer is ...:
        return True
    code = answer.__code__ if isinstance(answer, (types.FunctionType, types.MethodType)) else None
    if code is None:
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
    if np.ma.isMaskedArray(value) and np.ma.getmaskarray(value).any():
        raise _NoNumbers("Your function gave a masked array: some of its numbers are hidden")
    try:
        array = np.asarray(value)
        if array.dtype.kind == "O":
            array = array.astype(float)
    except Exception:
        array = np.array(None)
    if array.dtype.kind == "c":
        if np.any(array.imag):
            raise _NoNumbers("Your function gave complex numbers. Real ones are asked for")
        array = array.real
    if array.dtype.kind not in "biuf":
        what = type(value).__name__
        raise _NoNumbers(
            f"Your function gave something of the type {what} that is no array of numbers: perhaps its parts "
            "have different lengths, or are no numbers"
        )
    if array.size > _MOST_NUMBERS:
        raise _NoNumbers(f"Your function gave {array.size:,} numbers, far more than were asked for")
    return array.astype(float).tolist()


def _call(function: Callable, arguments: list, wanted: int | None) -> Outcome:
    try:
        given = function(*arguments)
        if given is None:
            return Outcome(nothing=True)
        if wanted is not None:
            return Outcome(_several(given, wanted))
        if isinstance(given, tuple) and any(np.ndim(one) for one in given):
            raise _NoNumbers(
                f"Your function gave {len(given)} results in a tuple, and one array is asked for"
            )
        return Outcome([_as_numbers(given)])
    except _NoNumbers as error:
        return Outcome(error=str(error))
    except (TimeIsUp, KeyboardInterrupt):
        raise
    except BaseException as error:  # SystemExit among them
        return Outcome(error=_in_words(error), line=_line_of(function, error))


def _several(given: Any, wanted: int) -> list:
    is_row = isinstance(given, (tuple, list)) or isinstance(given, np.ndarray) and given.ndim > 0
    if not is_row or len(given) != wanted:
        asked = f"{wanted} results, in a tuple or a list" if wanted > 1 else "a list with one array in it"
        what = f"something of the type {type(given).__name__}"
        if isinstance(given, np.ndarray):
            what = f"one array, of the shape {given.shape}"
        elif is_row:
            what = f"a {type(given).__name__} of {len(given)}"
        raise _NoNumbers(f"Your function should return {asked}, and gave {what}")
    return [_as_numbers(one) for one in given]


def _equal(now: Any, was: Any) -> bool:
    if callable(was):
        return True
    if isinstance(was, list):
        return isinstance(now, list) and len(now) == len(was) and all(map(_equal, now, was))
    return bool(np.array_equal(now, was, equal_nan=False))


class _Beginning(io.TextIOBase):
    """A stream that keeps the beginning of what is written to it."""

    def __init__(self, most: int = 300) -> None:
        self.text, self.most = "", most

    def write(self, text: str) -> int:
        self.text += text[: max(0, self.most - len(self.text))]
        return len(text)


def _in_words(error: BaseException) -> str:
    try:
        text = " ".join(str(error).split())[:300]
    except Exception:
        text = ""
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
    code = function.__code__ if isinstance(function, types.FunctionType) else None
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
def _limited(seconds: float, function: Callable) -> Iterator[None]:
    """Raise `TimeIsUp` in the block once the time is over, again and again until the block is left.

    A loop around a bare ``except:`` swallows what is raised inside it, so from the second time on it is
    raised where some further line of the function's own file begins, sooner or later one outside of the
    ``try``.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    over, left, attempts = threading.Event(), threading.Event(), itertools.count()
    own_file = function.__code__.co_filename if isinstance(function, types.FunctionType) else ""
    traced_before = sys.gettrace()

    def interrupted(number: int, frame: types.FrameType | None) -> None:
        if not over.is_set():  # the reader interrupts the kernel
            raise KeyboardInterrupt
        if left.is_set():
            return
        attempt = next(attempts)
        if not attempt:
            raise TimeIsUp
        lines = itertools.count()

        def at_line(frame: types.FrameType, event: str, argument: object) -> Callable | None:
            if left.is_set():
                return None
            if event == "line" and next(lines) >= attempt:
                raise TimeIsUp
            return at_line

        while frame is not None:
            if frame.f_code.co_filename == own_file:
                frame.f_trace = at_line
            frame = frame.f_back
        sys.settrace(at_line if own_file else None)

    def watch() -> None:
        pause = seconds
        while not left.wait(pause):
            over.set()
            _interrupt_main_thread()
            pause = 0.1

    before = signal.signal(signal.SIGINT, interrupted)
    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        left.set()
        watcher.join()
        sys.settrace(traced_before)
        signal.signal(signal.SIGINT, signal.SIG_DFL if before is None else before)


def _interrupt_main_thread() -> None:
    if hasattr(signal, "pthread_kill"):  # a real signal also ends a sleep
        signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)
    else:
        import _thread

        _thread.interrupt_main()
