"""The log of requests and their outcome. It has digests of tokens, and no keys."""

import copy
import json
import time
from typing import Any

LogEntry = dict[str, Any]
_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


class RequestLog:
    """Log entries in the order of arrival. Finished entries are kept as JSON, which takes a third of the memory."""

    def __init__(self) -> None:
        self._entries: list[LogEntry | bytes] = []
        self._in_flight = 0
        self.peak = 0
        """The largest number of uploads that were in flight at once."""

    def begin(self, method: str, path: str) -> tuple[int, LogEntry]:
        """Add an entry for a request that arrived; return its index, and the entry for others to complete."""
        entry: LogEntry = {"time": time.time(), "method": method, "path": path, "status": None, "message": None}
        self._entries.append(entry)
        return len(self._entries) - 1, entry

    def end(self, index: int, entry: LogEntry) -> None:
        """Store a finished entry."""
        self._entries[index] = _encode(entry).encode()

    def begin_upload(self, entry: LogEntry) -> None:
        """Mark an entry as an upload, and count it as in flight."""
        self._in_flight += 1
        self.peak = max(self.peak, self._in_flight)
        entry |= {"in_flight": self._in_flight, "stored": False}
        entry.setdefault("faults", [])

    def end_upload(self) -> None:
        """Stop counting an upload as in flight."""
        self._in_flight -= 1

    def entries(self) -> list[LogEntry]:
        """Return a copy of all entries. Safe to call from any thread."""
        return [json.loads(entry) if isinstance(entry, bytes) else _snapshot(entry) for entry in [*self._entries]]

    def to_json(self) -> bytes:
        """Return all entries as a JSON array. Safe to call from any thread."""
        encoded = (
            entry if isinstance(entry, bytes) else _encode(_snapshot(entry)).encode() for entry in [*self._entries]
        )
        return b"[" + b",".join(encoded) + b"]"


def _snapshot(entry: LogEntry) -> LogEntry:
    # another thread may be completing the entry: the shallow copy is atomic, a deep copy of the original is not
    return copy.deepcopy(entry.copy())
