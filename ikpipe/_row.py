"""One row to its end, as a state machine: replies in, steps out. No clock, no network, and chance is passed in.

::

    Attempt ──▶ reply ──▶ stored, refused for good, or in doubt ──▶ end
       ▲          │
       │          └──▶ worth another try ──▶ Wait ──▶ told to go on?  no ──▶ end
       └────────────────────────────────────────────────┘ yes

Every attempt is made with a fresh token, since a token is spent even by an error (seed). A reply in doubt ends the
row as ``unknown``: sending it again could store the file twice.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from ikpipe._reply import Reply

FIRST_WAIT = 0.5  # seconds, doubled with each attempt
LONGEST_WAIT = 30.0  # seconds


class Attempt(NamedTuple):
    """Sign afresh and send."""


class Wait(NamedTuple):
    """Wait so many seconds, and say whether to go on."""

    seconds: float


Step = Attempt | Wait


def journey(retries: int, uniform: Callable[[float, float], float]) -> Generator[Step, Reply | bool, Reply]:
    """Take one row from its first attempt to its last reply.

    Parameters
    ----------
    retries
        Attempts after the first.
    uniform
        Gives a random number between two: full jitter.

    Yields
    ------
    Step
        What to do; a `Reply` is sent back for an `Attempt`, a bool for a `Wait`.

    Returns
    -------
    Reply
        The last one, its result counting the attempts.
    """
    attempt = 0
    while True:
        attempt += 1
        reply = yield Attempt()
        assert not isinstance(reply, bool)  # noqa: S101 - for the reader and mypy: a Reply follows an Attempt
        reply.result.attempts = attempt
        if not reply.again or attempt > retries:
            return reply
        longest = min(LONGEST_WAIT, FIRST_WAIT * 2 ** (attempt - 1))
        # A time that the service names is kept, and a little spread, so that not all come back at once.
        seconds = uniform(0, longest) if reply.wait is None else reply.wait + uniform(0, reply.wait / 10)
        if not (yield Wait(seconds)):
            return reply
