"""What pages say, in its order and once.

A notebook may hold a message up behind a running cell, let a later one pass by another way, or lose one with a socket.
So a page numbers what it says, hears with each `pong` how far it was taken in, and says again what was not.
"""

from __future__ import annotations

import threading

_MOST = 1_000  # lines that are remembered: those of pages that are gone are never told of


class MessageOrder:
    """How far the lines of pages were taken in; `lock` is held while a message is, so that the next one waits."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self._taken: dict[str, int] = {}

    def take(self, line: str, number: int) -> bool:
        """Note a message, and tell whether it is the next one of its line: neither known, nor before its time."""
        known = self.taken(line)
        if number == known + 1:
            self._taken.pop(line, None)
            self._taken[line] = number  # the last ones are those that were heard last
            for old in list(self._taken)[:-_MOST]:
                del self._taken[old]
        return number == known + 1

    def taken(self, line: str) -> int:
        """Give the number of the last message of a line that was taken in."""
        return self._taken.get(line, 0)
