"""What is told of many changes: some at a time, and not too often."""

from __future__ import annotations

import logging
import threading
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_log = logging.getLogger("ikpipe")

EVERY = 0.1  # seconds
IDLE = 2.0  # seconds without anything to tell, after which the thread ends


class Notifier:
    """Calls something soon after a change, in a thread of its own, at most ten times a second.

    Parameters
    ----------
    tell
        Tells what has changed; gives whether it is to be called again though nothing else changes.
    """

    def __init__(self, tell: Callable[[], bool]) -> None:
        self._tell = tell
        self._changed = threading.Event()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def mark(self) -> None:
        """Say that there is something to tell."""
        self._changed.set()
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="ikpipe.uploader.tells", daemon=True)
                self._thread.start()

    def _work(self) -> None:
        on = False
        while True:
            if not self._changed.wait(EVERY if on else IDLE) and not on and self._over():
                return
            self._changed.clear()
            began = time.monotonic()
            try:
                on = self._tell()
            except Exception:  # noqa: BLE001 - an observer's own, or a page that is gone
                _log.exception("what has changed in the uploader could not be told")
            # Whoever observes may take its time: it gets no more than half of this thread's.
            time.sleep(max(EVERY, time.monotonic() - began))

    def _over(self) -> bool:
        """End the thread, unless something has just changed."""
        with self._lock:
            if self._changed.is_set():
                return False
            self._thread = None
            return True
