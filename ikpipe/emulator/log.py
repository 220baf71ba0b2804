"""The log: what arrived, in order, and what came of it. Tokens are in it as digests, keys not at all."""

from __future__ import annotations

import copy
import json
import time
from typing import Any

Entry = dict[str, Any]
_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


class Log:
    """Entries in the order of their arrival; those that are finished as JSON, which takes a third of the memory."""

    def __init__(self) -> None:
        self._entries: list[Entry | bytes] = []
        self._in_flight = 0
        self.peak = 0
        """The most uploads that were in flight at once."""

    def begin(self, method: str, path: str) -> tuple[int, Entry]:
        """Note that a request arrived: gives its place, and an entry which whoever answers fills in."""
        entry: Entry = {"time": time.time(), "method": method, "path": path, "status": None, "message": None}
        self._entries.append(entry)
        return len(self._entries) - 1, entry

    def end(self, place: int, entry: Entry) -> None:
        """Note that an entry is finished."""
        self._entries[place] = _encode(entry).encode()

    def begin_upload(self, entry: Entry) -> None:
        """Note that an entry's request is an upload, now in flight."""
        self._in_flight += 1
        self.peak = max(self.peak, self._in_flight)
        entry |= {"in_flight": self._in_flight, "stored": False}
        entry.setdefault("faults", [])

    def end_upload(self) -> None:
        """Note that an upload is no more in flight."""
        self._in_flight -= 1

    def entries(self) -> list[Entry]:
        """Give a copy of all the entries; from any thread."""
        return [json.loads(entry) if isinstance(entry, bytes) else _copied(entry) for entry in [*self._entries]]

    def text(self) -> bytes:
        """Give all the entries as JSON; from any thread."""
        every = (entry if isinstance(entry, bytes) else _encode(_copied(entry)).encode() for entry in [*self._entries])
        return b"[" + b",".join(every) + b"]"


def _copied(entry: Entry) -> Entry:
    """Copy an entry that another thread may be filling in: all at once, then what is in it."""
    return copy.deepcopy(entry.copy())
