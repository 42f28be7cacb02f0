"""Call a student's function so that whatever it does comes back as an outcome: a value, an error, no end."""

from __future__ import annotations

import _thread
import ast
import contextlib
import copy
import inspect
import io
import signal
import sys
import textwrap
import threading
import traceback
import types
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

SECONDS = 5.0
_MOST_NUMBERS = 1_000_000


@dataclass(frozen=True)
class Outcome:
    """What one call gave, in plain lists and words, so that it can be sent from one process to another.

    Attributes
    ----------
    values : the results as nested lists of numbers, one entry for each result, or None.
    error, line : why there are none, in words; the student's line where it happened, if known.
    error_type : the class of an exception that the function raised, such as "NameError".
    nothing, slow : whether the function returned None; whether it did not come to an end in time.
    changed : the positions of the arguments that it changed in place.
    printed : the beginning of what it printed.
    """

    values: list[Any] | None = None
    error: str = ""
    error_type: str = ""
    line: str = ""
    nothing: bool = False
    slow: bool = False
    changed: tuple[int, ...] = ()
    printed: str = ""

    def arrays(self) -> tuple[np.ndarray, ...] | None:
        """Return the results as arrays of floats, or None where there are none."""
        return None if self.values is None else tuple(np.array(v, dtype=float) for v in self.values)


class TimeIsUp(BaseException):
    """Raised inside a student's function; no Exception, so that ``except Exception`` does not catch it."""


def outcomes(
    function: Callable,
    cases: Sequence[dict[str, Any]],
    results: Sequence[int | None],
    seconds: float = SECONDS,
) -> list[Outcome]:
    """Call a function with copies of the arguments of each case, and return what came of each call.

    Parameters
    ----------
    results : how many results each case asks for, None for one that is no tuple.
    seconds : for all calls together; once they are over, the call that ran and those that are left are
        `slow`. There is no limit outside of the main thread.
    """
    done: list[Outcome] = []
    with contextlib.suppress(TimeIsUp), _limited(seconds), np.errstate(all="ignore"):
        for case, wanted in zip(cases, results, strict=True):
            arguments, printed = copy.deepcopy(list(case.values())), _Beginning()
            with contextlib.redirect_stdout(printed), warnings.catch_warnings(action="ignore"):
                outcome = _call(function, arguments, wanted)
            same = map(_equal, arguments, case.values())
            changed = tuple(position for position, unchanged in enumerate(same) if not unchanged)
            done.append(replace(outcome, changed=changed, printed=printed.text))
    return done + [Outcome(slow=True)] * (len(cases) - len(done))


def is_stub(answer: object) -> bool:
    """True where nothing was filled in: dots, None, or a function that does what a stub does."""
    if answer is None or answer is ...:
        return True
    if not isinstance(answer, (types.FunctionType, types.MethodType)):
        return False
    steps, constants = _steps(answer), set(answer.__code__.co_consts)
    return steps == _steps(lambda: None) and constants <= {None, ..., answer.__doc__}


def _steps(function: Callable) -> bytes:
    return function.__code__.co_code[::2]  # without what each takes: where its constant stands


def swallows_everything(function: object) -> bool:
    """True where a ``while`` of a function goes on after an ``except`` that catches even `TimeIsUp`.

    `outcomes` could not be sure to end it: raised anew every 10 ms, TimeIsUp gets out of a short loop after
    one to three times, but never out of one that sleeps or loops again within the ``try``.
    """
    try:
        if not isinstance(function, (types.FunctionType, types.MethodType)):
            return False
        tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    except (OSError, TypeError, SyntaxError):  # no source, or part of a longer line
        return False
    loops = [node for node in ast.walk(tree) if isinstance(node, ast.While)]
    handlers = [node for loop in loops for node in ast.walk(loop) if isinstance(node, ast.ExceptHandler)]
    return any(
        (handler.type is None or ast.unparse(handler.type) == "BaseException")
        and not any(isinstance(node, (ast.Raise, ast.Return, ast.Break)) for node in ast.walk(handler))
        for handler in handlers
    )


class _NoNumbers(ValueError):
    """What a function returned cannot be compared; the message says why, in words."""


def _as_numbers(value: object) -> list | float:
    """Return an array, a list, a number or a tensor as nested lists of floats."""
    if np.ma.isMaskedArray(value) and np.ma.getmaskarray(value).any():
        raise _NoNumbers("Your function gave a masked array: some of its numbers are hidden")
    try:
        array = np.asarray(value)
        array = array.astype(float) if array.dtype.kind == "O" else array
    except Exception:
        array = np.array(None)
    if array.dtype.kind == "c":
        if np.any(array.imag):
            raise _NoNumbers("Your function gave complex numbers. Real ones are asked for")
        array = array.real
    if array.dtype.kind not in "biuf":
        raise _NoNumbers(
            f"Your function gave something of the type {type(value).__name__} that is no array of numbers: "
            "perhaps its parts have different lengths, or are no numbers"
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
        if isinstance(given, tuple) and any(np.ndim(part) for part in given):
            raise _NoNumbers(
                f"Your function gave {len(given)} results in a tuple, and one array is asked for"
            )
        return Outcome([_as_numbers(given)])
    except _NoNumbers as error:
        return Outcome(error=str(error))
    except (TimeIsUp, KeyboardInterrupt):
        raise
    except BaseException as error:  # SystemExit among them
        return Outcome(
            error=_in_words(error), error_type=type(error).__name__, line=_line_of(function, error)
        )


def _several(given: Any, wanted: int) -> list:
    is_array = isinstance(given, np.ndarray)
    is_row = isinstance(given, (tuple, list)) or is_array and given.ndim > 0
    if is_row and len(given) == wanted:
        return [_as_numbers(part) for part in given]
    asked = f"{wanted} results, in a tuple or a list" if wanted > 1 else "a list with one array in it"
    what = f"something of the type {type(given).__name__}"
    if is_row:
        what = f"one array, of the shape {given.shape}" if is_array else f"{len(given)} of them"
    raise _NoNumbers(f"Your function should return {asked}, and gave {what}")


def _equal(now: Any, was: Any) -> bool:
    if callable(was):
        return True
    if isinstance(was, list):
        return isinstance(now, list) and len(now) == len(was) and all(map(_equal, now, was))
    return bool(np.array_equal(now, was))


class _Beginning(io.TextIOBase):
    """A stream that keeps the beginning of what is written to it."""

    text = ""

    def write(self, text: str) -> int:
        self.text += text[: max(0, 300 - len(self.text))]
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
    if not isinstance(function, types.FunctionType):
        return ""
    frames, own_file = traceback.extract_tb(error.__traceback__), function.__code__.co_filename
    lines = [frame.line or "" for frame in frames if frame.filename == own_file]
    return lines[-1].strip() if lines else ""


@contextlib.contextmanager
def _limited(seconds: float) -> Iterator[None]:
    """Raise `TimeIsUp` inside `_call` once the time is over, every 10 ms until the block is left.

    Only a signal reaches a main thread that computes or sleeps, so a watchdog thread sends one.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    over, left = threading.Event(), threading.Event()

    def interrupted(number: int, frame: types.FrameType | None) -> None:
        if not over.is_set():  # the reader interrupts the kernel
            raise KeyboardInterrupt
        if any(outer.f_code is _call.__code__ for outer, _ in traceback.walk_stack(frame)):
            raise TimeIsUp

    def watch() -> None:
        while not left.wait(0.01 if over.is_set() else seconds):
            over.set()
            _interrupt_main_thread()

    def unraisable(report: sys.UnraisableHookArgs) -> None:
        if not isinstance(report.exc_value, TimeIsUp):  # swallowed by a finaliser: 10 ms later comes another
            hook_before(report)

    before, hook_before = signal.signal(signal.SIGINT, interrupted), sys.unraisablehook
    sys.unraisablehook = unraisable
    watchdog = threading.Thread(target=watch, daemon=True)
    watchdog.start()
    try:
        yield
    finally:
        left.set()
        watchdog.join()
        sys.unraisablehook = hook_before
        signal.signal(signal.SIGINT, signal.SIG_DFL if before is None else before)


def _interrupt_main_thread() -> None:
    main_thread = threading.main_thread().ident
    if main_thread is not None and hasattr(signal, "pthread_kill"):  # a real signal also ends a sleep
        signal.pthread_kill(main_thread, signal.SIGINT)
    else:
        _thread.interrupt_main()
