"""One row to its end, as a state machine: replies in, steps out. No clock, no network, and chance is passed in.

::

              ┌───────── absent, late enough to be sure, and worth another attempt ───────┐
              ▼                                                                           │
    begin ─▶ Send(fresh) ─▶ stored, or refused for good ─▶ end                            │
              ▲    │                                                                      │
              │    ├─▶ refused for now ─▶ Wait ─┐  (a wait that is too long ends the row) │
              └────┼────────────────────────────┘                                         │
                   ├─▶ token refused, or own name taken ─────────────────┐                │
                   └─▶ ambiguous ─▶ Wait ─▶ Send(same token) ─▶ stored ─┼▶ end            │
                                     ▲        │                         ▼                 │
    begin, with a token ─────────────┼────────┤                        Look ─▶ found ─▶ end (exists)
    that may have left               ├────────┴─▶ ambiguous again       ▲ ├─▶ absent, too early ─▶ Wait ─┐
                                     │        └─▶ refused ─────────────▶│ │                              │
    begin, ambiguous ────────────────┼─────────────────────────────────▶│◀┼──────────────────────────────┘
                                     │                                  │ ├─▶ absent, refused for good ─▶ end (failed)
                                     └─ a few times, then Look ─────────┘ ├─▶ absent, late enough ────────┘
                                                                          └─▶ nobody can look ─▶ end (unknown)

A plain refusal gets a fresh token, since a token is spent even by an error (seed). An ambiguous reply (none at all, a
5xx, or any that is not the service's own) gets the *same* token again: a token is used once, so that the service itself
rules out a second copy. What the same token is refused for says nothing of the request before it. A fresh token that
is refused may have been used by that very request, if something in between repeated it. A process that was killed
leaves its rows ambiguous too: the next one begins with the token that its journal has. Whoever tells a row to stop ends
it with what is certain: `unknown` as long as it may be stored.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from ikpipe.request.reply import OF_THE_TOKEN, UploadReply
from ikpipe.request.result import SETTLED, Result

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

LONGEST_WAIT = 30.0  # seconds
RESENDS = 3  # of one token, before the library is looked into
LOOKS = 3  # that fail, before nobody can look


class SendStep(NamedTuple):
    """Send the form, with a fresh token or with the same again; a `UploadReply` comes back.

    A reply that is `cancelled` says that nothing was sent, and nothing more will be. `guess`: a fresh token goes out
    although a request before it may have been taken.
    """

    fresh: bool
    guess: bool = False


class WaitStep(NamedTuple):
    """Wait so many seconds; a bool comes back, whether to go on."""

    seconds: float


class Lookup(NamedTuple):
    """Look into the library for this very row; a `LookupResult` comes back."""


class LookupResult(NamedTuple):
    """What a look-up saw: the file's details; or its absence, where `certain`; or nothing at all.

    `wrong_key`: the media API refused the private key, so that no token signed with it can have been accepted.
    `other`: a file that cannot be this row's has its name.
    """

    result: Result | None = None
    certain: bool = True
    wrong_key: bool = False
    other: bool = False


Step = SendStep | WaitStep | Lookup
Event = UploadReply | LookupResult | bool


class RecoveryOptions(NamedTuple):
    """What a row's machine is told once.

    `retries` are the fresh attempts after the first; `first_wait` the longest wait before the second, in seconds, which
    doubles with each; `index_lag` the seconds after which a stored file is sure to be seen; `sighted` whether anybody
    can look; `own_name` whether the name was made for this row alone; `resend` whether a row in doubt is sent again
    where nobody can look; `shared` whether others may have sent this very row. `longest_wait` and `longest_pause` are
    the longest times in seconds that a server may name, the second where the whole run is to wait.
    """

    retries: int
    index_lag: float
    first_wait: float
    sighted: bool
    own_name: bool
    resend: bool
    shared: bool = False
    longest_wait: float = 60.0
    longest_pause: float = 900.0


class PriorAttempts(NamedTuple):
    """What an earlier run, or a process that was killed, left of a row in doubt.

    `doubt` is its ``unknown`` result; `last` the time of its last request, by the machine's clock; `held` whether its
    token is here, and may be sent again; `sent` the requests so far, where they count; `guessed` whether one of them
    was a guess.
    """

    doubt: Result
    last: float
    held: bool = False
    sent: int = 0
    guessed: bool = False


class RecoveryMachine:
    """The machine of one row.

    Parameters
    ----------
    fence
        How it is to behave.
    uniform
        Gives a random number between two: full jitter.
    clock
        Gives the time in seconds, of whatever beginning.
    """

    def __init__(
        self, fence: RecoveryOptions, uniform: Callable[[float, float], float], clock: Callable[[], float]
    ) -> None:
        self._fence, self._uniform, self._clock = fence, uniform, clock
        self._sent = 0
        self._guessed = False
        self._last = clock()

    def steps(self, past: PriorAttempts | None = None) -> Generator[Step, Event, UploadReply]:
        """Take the row from its first attempt to its last reply, whose result counts the attempts.

        Parameters
        ----------
        past
            What is known of a row in doubt: nothing fresh is sent before its doubt is settled.
        """
        reply = None if past is None else (yield from self._clear_up(past))
        fresh = 0
        while reply is None or (reply.retryable and fresh <= self._fence.retries):
            if reply is not None and self._overlong(reply):
                reply = overlong(reply)
                break
            if fresh and reply is not None and not (yield WaitStep(self._pause(fresh, reply))):
                break
            answer = yield from self._attempt()
            if answer.cancelled:
                reply = reply or answer
                break
            reply, fresh = answer, fresh + 1
        return self._ended(reply)

    def _attempt(self) -> Generator[Step, Event, UploadReply]:
        """Send a fresh token, and settle what is in doubt."""
        reply = yield from self._send(fresh=True)
        if reply.ambiguous:
            return (yield from self._settle(reply))
        if reply.result.error == "token_invalid":
            return (yield from self._look(reply, _perhaps(reply)))
        taken = self._taken(reply) or (self._fence.shared and reply.result.error == "name_taken")
        return (yield from self._look(reply)) if taken else reply

    def _ended(self, reply: UploadReply) -> UploadReply:
        """Count the attempts, and say no more than is known."""
        result = reply.result
        result.attempts = self._sent or result.attempts  # of the earlier run, for a row that is held
        if self._guessed and result.status in ("failed", "invalid"):
            # It was to be sent again without knowing; that this was refused says nothing of what went before.
            result.status = "unknown"
        return reply

    def _send(self, *, fresh: bool) -> Generator[Step, Event, UploadReply]:
        reply = yield SendStep(fresh, fresh and self._guessed)
        assert isinstance(reply, UploadReply)  # noqa: S101 - for the reader and mypy
        if not reply.cancelled:
            self._sent += 1
            self._last = self._clock()
        return reply

    def _clear_up(self, past: PriorAttempts) -> Generator[Step, Event, UploadReply]:
        """Begin with the doubt that was left: with the same token at once, where it is here."""
        self._last, self._sent, self._guessed = past.last, past.sent, past.guessed
        doubt = UploadReply(past.doubt)
        return (yield from (self._settle(doubt, waits=False) if past.held else self._look(doubt)))

    def _settle(self, doubt: UploadReply, *, waits: bool = True) -> Generator[Step, Event, UploadReply]:
        """Send the same token again, until the service says what became of it; else look."""
        if self._overlong(doubt):
            return (yield from self._look(overlong(doubt)))
        reply = doubt
        for tries in range(1, self._resends() + 1):
            if (waits or tries > 1) and not (yield WaitStep(self._pause(tries, reply))):
                return doubt
            answer = yield from self._send(fresh=False)
            if answer.cancelled:
                return doubt
            reply = answer
            if reply.result.status in SETTLED:
                return reply
            if self._overlong(reply):
                doubt = overlong(reply._replace(result=doubt.result))
                break
            if reply.result.error in OF_THE_TOKEN:
                break
            if not reply.ambiguous and not reply.retryable:
                return (yield from self._look(reply, doubt))
        return (yield from self._look(doubt))

    def _resends(self) -> int:
        """Say how often one token may go out again: a few times, before the library is looked into."""
        if not self._fence.sighted:
            return max(RESENDS, self._fence.retries)
        # Should the service take a token until it has answered (nobody knows), a file that is replaced would get one
        # more version each time.
        return RESENDS if self._fence.own_name else 1

    def _taken(self, reply: UploadReply) -> bool:
        """Tell whether the service refuses a name that nobody else makes: then the row is stored already."""
        return self._fence.own_name and reply.result.error == "name_taken"

    def _look(self, last: UploadReply, doubt: UploadReply | None = None) -> Generator[Step, Event, UploadReply]:
        """Look until the file is found, or surely absent, or nobody can tell.

        Parameters
        ----------
        last
            The last reply: a doubt, or a refusal for good that does not say what became of the request before it.
        doubt
            What the row ends with where nobody can tell; `last` itself, if there is no other.
        """
        open_end = _stored(last) if self._taken(last) else doubt or last
        failed = 0
        while self._fence.sighted and failed < LOOKS:
            sight = yield Lookup()
            assert isinstance(sight, LookupResult)  # noqa: S101 - for the reader and mypy
            if sight.result is not None:
                return UploadReply(sight.result)
            if sight.wrong_key and last.result.error == "token_invalid":
                return last
            if sight.other and self._taken(last):
                return UploadReply(_other(last.result))
            left = self._last + self._fence.index_lag - self._clock()
            if sight.certain and left <= 0:
                return open_end if self._taken(last) else _absent(last)
            failed += not sight.certain
            if not (yield WaitStep(left if sight.certain else self._uniform(0, self._longest(failed)))):
                return open_end
        self._guessed = self._fence.resend and open_end.ambiguous
        return _absent(open_end) if self._guessed else open_end

    def _pause(self, tries: int, reply: UploadReply) -> float:
        # A time that the service names is kept, and a little spread, so that not all come back at once.
        if reply.wait is None:
            return self._uniform(0, self._longest(tries))
        return reply.wait + self._uniform(0, reply.wait / 10)

    def _longest(self, tries: int) -> float:
        return min(LONGEST_WAIT, self._fence.first_wait * 2.0 ** (tries - 1))

    def _overlong(self, reply: UploadReply) -> bool:
        """Whether a server names a longer time to wait than is kept."""
        longest = self._fence.longest_pause if reply.rate_limited else self._fence.longest_wait
        return reply.wait is not None and reply.wait > longest


def overlong(reply: UploadReply) -> UploadReply:
    """Return a reply that says that it names too long a time to wait."""
    result = reply.result
    if result.error == "wait_too_long":
        return reply
    words = f"{(result.message or result.error or '').rstrip('.')}; the next request is asked for in "
    words += f"{duration(reply.wait or 0)}."
    return reply._replace(result=replace(result, error="wait_too_long", message=words))


def duration(seconds: float) -> str:
    """Write a time for people."""
    for unit, name in ((86_400, "days"), (3_600, "hours"), (60, "minutes")):
        if seconds >= 2 * unit:
            return f"{seconds / unit:,.0f} {name}"
    return f"{seconds:.0f} seconds"


def _perhaps(refused: UploadReply) -> UploadReply:
    """Say that a row whose fresh token was refused may be stored, if something in between repeated the request."""
    return refused._replace(result=replace(refused.result, status="unknown"), retryable=False)


def _stored(taken: UploadReply) -> UploadReply:
    """Say that a row is stored, though nobody could see its details."""
    words = "its own name is taken: it is stored, and its details could not be had"
    return UploadReply(Result("exists", message=words, request_id=taken.result.request_id))


def _other(taken: Result) -> Result:
    """Return that a row is not stored, since another file has the name that was made for it."""
    words = "another file has the name that was made for this row: its size is not that of the row's file"
    return Result("failed", "name_taken", words, request_id=taken.request_id)


def _absent(last: UploadReply) -> UploadReply:
    """Say that a row in doubt is certainly not stored: worth a fresh attempt, unless it was refused for good."""
    result = Result("failed", last.result.error, last.result.message, request_id=last.result.request_id)
    return last._replace(result=result, retryable=last.retryable or last.result.status != "failed")
