"""What the first rows of a run find out for all: whether the service answers, and whether it accepts the keys."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ikpipe.request.result import SETTLED

if TYPE_CHECKING:
    from ikpipe.request.reply import UploadReply

SCOUTS = 4  # rows that go on trying while nothing has been heard of the service


class ServiceContact:
    """Whether a run is in contact with the service.

    As long as nothing has been heard of it and requests fail, a few rows (the scouts) use up their attempts, and all
    others wait. Once these have, the run has lost contact. As long as no row was stored and the token of one was
    refused, no other row begins before it is clear what the refusal means.

    Attributes
    ----------
    proven
        Whether a row was stored: then the keys are right.
    suspects
        Rows whose fresh token was refused, of which it is not known yet why.
    last
        The last attempt without a sign of the service.
    """

    def __init__(self) -> None:
        self.proven = False
        self.last: UploadReply | None = None
        self.suspects: set[int] = set()
        self._heard = False
        self._scouts: set[int] = set()
        self._spent: set[int] = set()
        self._away: set[int] = set()

    @property
    def lost(self) -> bool:
        """Whether the first rows have used up their attempts, and nothing has been heard of the service."""
        return not self._heard and bool(self._spent) and self._scouts <= self._spent and not self._away

    def may_send(self, row: int, *, first: bool) -> bool:
        """Whether a row may send a request now; `first`: it has sent none yet."""
        if first and self.suspects and not self.proven:
            return False
        if self._heard or self.last is None or row in self._scouts:
            return True
        if len(self._scouts) == SCOUTS:
            return False
        self._scouts.add(row)
        return True

    def departs(self, row: int) -> None:
        """Note that a row makes an attempt."""
        self._away.add(row)
        self.suspects.discard(row)

    def returns(self, row: int, reply: UploadReply) -> None:
        """Note what came of an attempt."""
        self._away.discard(row)
        self._heard = self._heard or reply.own
        self.proven = self.proven or reply.result.status in SETTLED
        if reply.silent and not self._heard:
            self.last = reply
            if len(self._scouts) < SCOUTS:
                self._scouts.add(row)

    def ended(self, row: int, reply: UploadReply) -> None:
        """Note that a row has ended."""
        self.suspects.discard(row)
        if reply.result.status in SETTLED:
            self._heard = self.proven = True
        elif row in self._scouts and not reply.silent:
            self._scouts.discard(row)
        elif row in self._scouts:
            self._spent.add(row)
