"""The order of a page's messages: each is accepted once and in sequence.

A notebook can delay a message while a cell runs, let a later one overtake it, or lose one with its socket. So a page
numbers its messages, learns from each `pong` which were accepted, and sends the others again.
"""

import threading
from collections.abc import Callable

from ikpipe.widget.message_fields import InvalidMessage
from ikpipe.widget.messages import read_order, unpack

_MAX_SEQUENCES = 1_000  # that are remembered: nothing reports that a page was closed


class MessageOrder:
    """The last accepted number of each page's sequence."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._accepted: dict[str, int] = {}

    def deliver(
        self, content: object, handle: Callable[[object], None], reject: Callable[[InvalidMessage], None]
    ) -> None:
        """Handle a message, or each of a batch, if it is the next one; while that lasts, others wait.

        `reject` is called with the error of one whose number is invalid.
        """
        with self._lock:
            for item in unpack(content):
                try:
                    place = read_order(item)
                except InvalidMessage as invalid:
                    reject(invalid)
                    continue
                if place is None or self.accept(*place):
                    handle(item)

    def accept(self, sequence: str, number: int) -> bool:
        """Record a message and return whether it is the next one; a repeated or an early one is not."""
        if number != self.last_accepted(sequence) + 1:
            return False
        self._accepted.pop(sequence, None)
        self._accepted[sequence] = number  # at the end: the first ones are the least recently used
        if len(self._accepted) > _MAX_SEQUENCES:
            del self._accepted[next(iter(self._accepted))]
        return True

    def last_accepted(self, sequence: str) -> int:
        """Return the number of the last accepted message of a sequence, 0 if there is none."""
        return self._accepted.get(sequence, 0)
