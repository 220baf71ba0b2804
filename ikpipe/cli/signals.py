"""SIGTERM and SIGHUP for a command: like Ctrl-C, which `concurrency/interrupts.py` handles, or exit at once."""

import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from ikpipe.cli.exit_status import INTERRUPTED


@contextmanager
def as_interrupts() -> Iterator[None]:
    """Handle SIGTERM and SIGHUP like Ctrl-C: uploads in flight are finished, and the results are written."""
    with _handler_installed(signal.default_int_handler):
        yield


@contextmanager
def exit_at_once() -> Iterator[None]:
    """Exit at any of these signals: for commands that have nothing to save."""
    with _handler_installed(lambda *_: sys.exit(INTERRUPTED)):
        yield


@contextmanager
def ignored_signals() -> Iterator[None]:
    """Ignore these signals during a short section that must not be interrupted."""
    with _handler_installed(signal.SIG_IGN):
        yield


def _ending_signals() -> list[signal.Signals]:
    """Return the signals that end a command; not SIGHUP if it is ignored, as by nohup."""
    signals = [signal.SIGINT, signal.SIGTERM]
    hangup = getattr(signal, "SIGHUP", None)
    return signals if hangup is None or signal.getsignal(hangup) == signal.SIG_IGN else [*signals, hangup]


@contextmanager
def _handler_installed(handler: Callable[[int, Any], object] | signal.Handlers) -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():  # only the main thread may set handlers
        yield
        return
    before = {number: signal.signal(number, handler) for number in _ending_signals()}
    try:
        yield
    finally:
        for number, handler_before in before.items():
            signal.signal(number, handler_before)
