"""Notifications of changes: several changes at a time, at a limited rate."""

import logging
import threading
import time
from collections.abc import Callable

_log = logging.getLogger("ikpipe.widget")

INTERVAL = 0.1  # seconds
IDLE = 2.0  # seconds without a change after which the thread ends


class Notifier:
    """Call a function soon after a change, in a separate thread, at most ten times a second.

    `notify` reports the changes, and returns whether to be called again although nothing else changes.
    """

    def __init__(self, notify: Callable[[], bool]) -> None:
        self._notify = notify
        self._changed = threading.Event()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def mark(self) -> None:
        """Record that something changed."""
        self._changed.set()
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="ikpipe.uploader.notifier", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        repeat = False
        while True:
            if not self._changed.wait(INTERVAL if repeat else IDLE) and not repeat and self._stop_if_idle():
                return
            self._changed.clear()
            started = time.monotonic()
            try:
                repeat = self._notify()
            except Exception:  # noqa: BLE001 - raised by an observer, or the page is closed
                _log.exception("Changes in the uploader could not be reported.")
            # Observers can be slow: they get at most half of this thread's time.
            time.sleep(max(INTERVAL, time.monotonic() - started))

    def _stop_if_idle(self) -> bool:
        """Return whether the thread ends: not if something has just changed."""
        with self._lock:
            if self._changed.is_set():
                return False
            self._thread = None
            return True
