"""One row from its first attempt to its result, as a state machine: replies in, steps out.

The machine has no clock and no network, and chance is passed in, so that tests can play every sequence of replies.

Theory of operation
===================

The problem
-----------
ImageKit may store a file although its reply is lost. A client that then sends the file again stores it twice; one that
does not may lose it. This machine decides after each reply what can be done without either.

What it relies on
-----------------
1. A token is used once, and is spent even by a request that fails [upload docs]. So of all requests with one token at
   most one stores the file.
2. Only ImageKit's own answers say anything about the file; `reply.py` tells them from those of gateways.
3. A stored file appears in a search at most `index_lag` seconds later [guess; `Policy.index_lag`].
4. A name with ``overwriteFile=false`` and ``useUniqueFileName=false`` is taken once: a second upload is rejected with
   ``name_taken`` [spec]. A name that was made for one row (`own_name`) can only be taken by that row.

The caller in turn records each request durably before it is sent, so that a process that is killed leaves its rows in
the state "unknown", never in the state "new".

States and events
-----------------
::

    new ──────▶ Send(fresh) ─▶ stored, or rejected for good ─▶ end
                ▲    │
                │    ├─▶ rejected for now ─▶ Wait ──▶ (back to Send(fresh); a wait that is too long ends the row)
                │    ├─▶ token rejected, or own name taken ──────────────────────────────────────▶ Lookup
                │    └─▶ ambiguous ─▶ UNKNOWN
                │
    UNKNOWN ────┼─▶ Wait ─▶ Send(same token) ─▶ stored ─▶ end
    (also left  │                            ├─▶ ambiguous again ─▶ UNKNOWN; after a few times ──▶ Lookup
    by earlier  │                            └─▶ rejected ───────────────────────────────────────▶ Lookup
    processes)  │
    Lookup ─────┼─▶ found ─▶ end (exists)
                ├─▶ absent, too early ─▶ Wait ─▶ Lookup
                ├─▶ absent, late enough, rejected for good ─▶ end (failed)
                ├─▶ absent, late enough, otherwise ─▶ Wait ─▶ Send(fresh)
                └─▶ the library cannot be searched ─▶ end (unknown), or with `resend` Send(fresh) as a guess

An earlier process leaves a row unknown: with its token, the row starts at Send(same token); without, at Lookup.

What a reply means
------------------
- *Stored* (200 with details of this file, or 202) ends the row.
- *Rejected* in ImageKit's own words: this request stored nothing. If no request before it is unknown, a retryable
  rejection gets a fresh token (the old one is spent), and any other one ends the row.
- *Ambiguous* (no reply, a 5xx, anything that is not ImageKit's own answer): the file may be stored. The *same* token
  is sent again, so that ImageKit itself prevents a second copy.
- A rejection of the *same* token says nothing about the request before it, whatever its reason: look the file up.
- A rejection of a *fresh* token as invalid: a gateway may have repeated the request, whose first copy used the token:
  look the file up.

What a lookup proves
--------------------
- *Found* (path, size and time match): stored. The row ends as ``exists``.
- *Absent* earlier than `index_lag` seconds after the last request: nothing yet; look again then.
- *Absent* later than that: the last request stored nothing, and neither did any before it.
- *Own name taken*, and no file is found: stored, without its details; unless *another file* has the name (its size is
  not that of the row's file): then the row's file is not stored, and cannot be.
- *The media API rejects the private key*, and a token signed with it was rejected too: no token can have been
  accepted, so nothing is stored.
- *No answer*, `LOOKUPS` times: nothing. The row ends as ``unknown``, and a later run starts from there.

Why there is no second copy
---------------------------
A fresh token is sent only if every request before it is known to have stored nothing: its own rejection says so, or a
lookup late enough. All other requests share a token with the one before (1). The exception is asked for by the user:
``on_unknown="resend"`` sends a fresh token as a *guess*. With a name of its own the second copy is then rejected (4);
otherwise a file may be stored twice. After a guess, a rejection is reported as ``unknown``, since it says nothing
about the requests before.

A caller that stops the machine (a wait or a request that does not happen) gets what is certain at that moment:
``unknown`` as long as the file may be stored.
"""

from collections.abc import Callable, Generator
from dataclasses import replace
from typing import NamedTuple

from ikpipe.request.reply import OF_THE_TOKEN, UploadReply
from ikpipe.request.result import SETTLED, Result

LONGEST_WAIT = 30.0  # seconds
RESENDS = 3  # of one token, before the library is searched
LOOKUPS = 3  # that fail, before the row ends as unknown


class SendStep(NamedTuple):
    """Send the form, with a fresh token or with the last one again; an `UploadReply` comes back.

    A reply that is `cancelled` means that nothing was sent, and nothing more will be. `guess`: a fresh token is sent
    although an earlier request may have stored the file.
    """

    fresh: bool
    guess: bool = False


class WaitStep(NamedTuple):
    """Wait this many seconds; the answer is a bool, whether to continue."""

    seconds: float


class Lookup(NamedTuple):
    """Search the library for the row's file; a `LookupResult` comes back."""


class LookupResult(NamedTuple):
    """What a search found: the file's details; or its absence, where `certain`; or nothing at all.

    `wrong_key`: the media API rejected the private key. `other_file`: a file that cannot be this row's has its name.
    """

    result: Result | None = None
    certain: bool = True
    wrong_key: bool = False
    other_file: bool = False


Step = SendStep | WaitStep | Lookup
Event = UploadReply | LookupResult | bool


class RecoveryOptions(NamedTuple):
    """How the machine of a row behaves.

    `retries` are the fresh attempts after the first; `first_wait` the longest wait before the second, in seconds, which
    doubles with each; `index_lag` the seconds after which a stored file surely appears in a search; `searchable`
    whether the library can be searched for the row; `own_name` whether the name was made for this row alone; `resend`
    whether a row that stays unknown is sent again; `shared` whether other processes may have sent this very row.
    `longest_wait` and `longest_pause` are the longest waits in seconds that a server may ask of a row and of a run.
    """

    retries: int
    index_lag: float
    first_wait: float
    searchable: bool
    own_name: bool
    resend: bool
    shared: bool = False
    longest_wait: float = 60.0
    longest_pause: float = 900.0


class PriorAttempts(NamedTuple):
    """What an earlier run, or a process that was killed, left of a row whose file may be stored.

    `result` is its ``unknown`` result; `last_sent` the time of its last request, by the machine's clock; `has_token`
    whether the token of that request may be sent again; `sent` the number of requests so far, where they count;
    `guessed` whether one of them was a guess.
    """

    result: Result
    last_sent: float
    has_token: bool = False
    sent: int = 0
    guessed: bool = False


class RecoveryMachine:
    """The state machine of one row.

    `options` say how it behaves. `uniform` returns a random number between two: full jitter. `clock` returns the time
    in seconds, from any start.
    """

    def __init__(
        self, options: RecoveryOptions, uniform: Callable[[float, float], float], clock: Callable[[], float]
    ) -> None:
        self._options, self._uniform, self._clock = options, uniform, clock
        self._sent = 0
        self._guessed = False
        self._last_sent = clock()

    def steps(self, prior: PriorAttempts | None = None) -> Generator[Step, Event, UploadReply]:
        """Yield the steps of the row, and return its last reply, whose result counts the attempts.

        `prior` is what is known of a row that was left unknown: nothing fresh is sent before that is resolved.
        """
        reply = None if prior is None else (yield from self._resume(prior))
        attempts = 0
        while self._sends_fresh(reply, attempts):
            if reply is not None and self._overlong(reply):
                reply = overlong(reply)
                break
            if reply is not None and attempts and not (yield WaitStep(self._pause(attempts, reply))):
                break
            answer = yield from self._attempt()
            if answer.cancelled:
                reply = reply or answer
                break
            reply, attempts = answer, attempts + 1
        return self._ended(reply)

    def _sends_fresh(self, reply: UploadReply | None, attempts: int) -> bool:
        return reply is None or (reply.retryable and attempts <= self._options.retries)

    def _attempt(self) -> Generator[Step, Event, UploadReply]:
        """Send a fresh token, and find out whether the file was stored."""
        reply = yield from self._send(fresh=True)
        if reply.ambiguous:
            return (yield from self._look_up(overlong(reply)) if self._overlong(reply) else self._resend(reply))
        if reply.result.error == "token_invalid":
            return (yield from self._look_up(reply, _possibly_stored(reply)))
        taken = self._taken(reply) or (self._options.shared and reply.result.error == "name_taken")
        return (yield from self._look_up(reply)) if taken else reply

    def _ended(self, reply: UploadReply | None) -> UploadReply:
        """Count the attempts, and claim no more than is known."""
        assert reply is not None  # noqa: S101 - for mypy
        result = reply.result
        result.attempts = self._sent or result.attempts  # of the earlier run, for a row that is held
        if self._guessed and result.status in ("failed", "invalid"):
            # The rejection of a guess says nothing about the requests before it.
            result.status = "unknown"
        return reply

    def _send(self, *, fresh: bool) -> Generator[Step, Event, UploadReply]:
        reply = yield SendStep(fresh, fresh and self._guessed)
        assert isinstance(reply, UploadReply)  # noqa: S101 - for the reader and mypy
        if not reply.cancelled:
            self._sent += 1
            self._last_sent = self._clock()
        return reply

    def _resume(self, prior: PriorAttempts) -> Generator[Step, Event, UploadReply]:
        """Resolve what an earlier process left unknown: with the same token at once, where it is here."""
        self._last_sent, self._sent, self._guessed = prior.last_sent, prior.sent, prior.guessed
        unknown = UploadReply(prior.result)
        return (yield from self._resend(unknown, waits=False) if prior.has_token else self._look_up(unknown))

    def _resend(self, unknown: UploadReply, *, waits: bool = True) -> Generator[Step, Event, UploadReply]:
        """Send the same token again until ImageKit confirms or rejects the first request; otherwise search for it."""
        reply = unknown
        for tries in range(1, self._resends() + 1):
            if waits and not (yield WaitStep(self._pause(tries, reply))):
                return unknown
            waits = True
            reply = yield from self._send(fresh=False)
            if reply.cancelled:
                return unknown
            if reply.result.status in SETTLED:
                return reply
            if self._overlong(reply):
                unknown = overlong(reply._replace(result=unknown.result))
                break
            if reply.result.error in OF_THE_TOKEN:
                break
            if not reply.ambiguous and not reply.retryable:
                return (yield from self._look_up(reply, unknown))
        return (yield from self._look_up(unknown))

    def _resends(self) -> int:
        """Return how often one token may be sent again before the library is searched."""
        if not self._options.searchable:
            return max(RESENDS, self._options.retries)
        # If the service accepted a token until it has answered (nobody knows), each resend would add a version to a
        # file that is replaced.
        return RESENDS if self._options.own_name else 1

    def _taken(self, reply: UploadReply) -> bool:
        """Whether the service rejects a name that no other row has: then the row is stored already."""
        return self._options.own_name and reply.result.error == "name_taken"

    def _look_up(self, last: UploadReply, unknown: UploadReply | None = None) -> Generator[Step, Event, UploadReply]:
        """Search until the file is found, or surely absent, or nobody can tell.

        `last` is the last reply: an ambiguous one, or a rejection that proves nothing about the request before it.
        `unknown` is what the row ends with where nobody can tell; None: `last` itself.
        """
        undecided = _stored(last) if self._taken(last) else unknown or last
        failed = 0
        while self._options.searchable and failed < LOOKUPS:
            lookup = yield Lookup()
            assert isinstance(lookup, LookupResult)  # noqa: S101 - for the reader and mypy
            lag = self._last_sent + self._options.index_lag - self._clock()
            if (proof := self._proof(lookup, last, undecided, lag)) is not None:
                return proof
            failed += not lookup.certain
            if not (yield WaitStep(lag if lookup.certain else self._uniform(0, self._longest(failed)))):
                return undecided
        self._guessed = self._options.resend and undecided.ambiguous
        return _absent(undecided) if self._guessed else undecided

    def _proof(self, lookup: LookupResult, last: UploadReply, undecided: UploadReply, lag: float) -> UploadReply | None:
        """Return what a search proves; None if nothing. `lag`: seconds until a stored file would surely appear."""
        taken = self._taken(last)
        if lookup.result is not None:
            return UploadReply(lookup.result)
        if lookup.wrong_key and last.result.error == "token_invalid":
            return last
        if lookup.other_file and taken:
            return UploadReply(_name_of_another(last.result))
        if lookup.certain and lag <= 0:
            return undecided if taken else _absent(last)
        return None

    def _pause(self, tries: int, reply: UploadReply) -> float:
        # A wait that the service names is kept, and spread a little, so that not all rows come back at once.
        if reply.wait is None:
            return self._uniform(0, self._longest(tries))
        return reply.wait + self._uniform(0, reply.wait / 10)

    def _longest(self, tries: int) -> float:
        return min(LONGEST_WAIT, self._options.first_wait * 2.0 ** (tries - 1))

    def _overlong(self, reply: UploadReply) -> bool:
        """Whether a server asks for a longer wait than is kept."""
        longest = self._options.longest_pause if reply.rate_limited else self._options.longest_wait
        return reply.wait is not None and reply.wait > longest


def overlong(reply: UploadReply) -> UploadReply:
    """Return a reply that says that the server asks for too long a wait."""
    result = reply.result
    if result.error == "wait_too_long":
        return reply
    words = f"{(result.message or result.error or '').rstrip('.')}; the server asks to wait "
    words += f"{duration(reply.wait or 0)} before the next request."
    return reply._replace(result=replace(result, error="wait_too_long", message=words))


def duration(seconds: float) -> str:
    """Return a duration as text, such as ``"15 minutes"``."""
    for unit, name in ((86_400, "days"), (3_600, "hours"), (60, "minutes")):
        if seconds >= 2 * unit:
            return f"{seconds / unit:,.0f} {name}"
    return "1 second" if round(seconds) == 1 else f"{seconds:.0f} seconds"


def _possibly_stored(rejected: UploadReply) -> UploadReply:
    """Return that a row whose fresh token was rejected may be stored, if a gateway repeated the request."""
    return rejected._replace(result=replace(rejected.result, status="unknown"), retryable=False)


def _stored(taken: UploadReply) -> UploadReply:
    """Return that a row is stored, though its details are not known."""
    words = "The file is stored, since the name made for this row is taken; its details could not be read."
    return UploadReply(Result("exists", message=words, request_id=taken.result.request_id))


def _name_of_another(taken: Result) -> Result:
    """Return that a row is not stored, since another file has the name that was made for it."""
    words = "Another file has the name that was made for this row: its size is not that of the row's file."
    return Result("failed", "name_taken", words, request_id=taken.request_id)


def _absent(last: UploadReply) -> UploadReply:
    """Return that a row is certainly not stored: retryable, unless it was rejected for good."""
    result = Result("failed", last.result.error, last.result.message, request_id=last.result.request_id)
    return last._replace(result=result, retryable=last.retryable or last.result.status != "failed")
