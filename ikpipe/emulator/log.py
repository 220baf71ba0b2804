"""The log: what arrived, in order, and what came of it. Tokens are in it as digests, keys not at all."""

from __future__ import annotations

import copy
import threading
import time
from typing import Any

Entry = dict[str, Any]


class Log:
    """Entries in the order of their arrival."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._entries: list[Entry] = []
        self._in_flight = 0
        self.peak = 0
        """The most uploads that were in flight at once."""

    def begin(self, method: str, path: str) -> Entry:
        """Note that a request arrived; whoever answers it fills the entry in."""
        entry: Entry = {"time": time.time(), "method": method, "path": path, "status": None, "message": None}
        with self._lock:
            self._entries.append(entry)
        return entry

    def begin_upload(self, entry: Entry) -> None:
        """Note that an entry's request is an upload, now in flight."""
        with self._lock:
            self._in_flight += 1
            self.peak = max(self.peak, self._in_flight)
            entry |= {"in_flight": self._in_flight, "stored": False}
            entry.setdefault("faults", [])

    def end_upload(self) -> None:
        """Note that an upload is no more in flight."""
        with self._lock:
            self._in_flight -= 1

    def entries(self) -> list[Entry]:
        """Give a copy of all the entries."""
        with self._lock:
            return copy.deepcopy(self._entries)
