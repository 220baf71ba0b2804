"""The state machine of one row, against every sequence of replies of a simulated service.

The world decides the outcome of each request; every sequence of decisions up to a length is played. Whatever happens,
the row's result must be true.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from itertools import product
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ikpipe.request.recovery import (
    LOOKUPS,
    RESENDS,
    Lookup,
    LookupResult,
    PriorAttempts,
    RecoveryMachine,
    RecoveryOptions,
    SendStep,
    WaitStep,
)
from ikpipe.request.reply import UploadReply
from ikpipe.request.result import Result

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

LAG = 30.0
STORED = ("uploaded", "exists")

ARRIVALS = ("stored", "stored, answer lost", "lost", "lost, token spent", "busy", "refused")
UNREAD: dict[str, Callable[[], UploadReply]] = {
    "lost": lambda: UploadReply(Result("unknown", "connection_lost")),
    "busy": lambda: UploadReply(Result("failed", "busy"), retryable=True),
}
"""Requests whose token stays unused."""


@dataclass
class World:
    """A service with one file to store, and a clock; `decisions` are the outcomes of requests."""

    decisions: Sequence[str]
    own_name: bool = True
    forgiving: bool = False  # a token is spent only once the client has its answer
    now: float = 1000.0
    copies: int = 0
    stored_at: float = 0.0
    spent: bool = False
    refused: int = 0
    requests: list[str] = field(default_factory=list)
    waited: list[float] = field(default_factory=list)

    def answer(self, step: SendStep | WaitStep | Lookup) -> UploadReply | LookupResult | bool:
        """Carry out a step, and return its event."""
        if isinstance(step, WaitStep):
            self.waited.append(step.seconds)
            self.now += step.seconds
            return True
        if isinstance(step, Lookup):
            return self._look_up()
        self.now += 0.1
        self.requests.append("fresh" if step.fresh else "same")
        if step.fresh:
            self.spent = False
        return self._arrive(self._decide(ARRIVALS))

    def _decide(self, choices: Sequence[str]) -> str:
        """Return the next decision; after the last one every request succeeds."""
        taken = len(self.requests) - 1
        return self.decisions[taken] if taken < len(self.decisions) else choices[0]

    def _arrive(self, fate: str) -> UploadReply:
        if fate in UNREAD:
            return UNREAD[fate]()
        if self.spent:
            return UploadReply(Result("failed", "token_invalid"))
        self.spent = True
        if fate == "refused":
            self.refused += 1
            return UploadReply(Result("failed", "refused"))
        if fate == "lost, token spent":
            return UploadReply(Result("unknown", "server_error"))
        if self.copies and self.own_name:
            return UploadReply(Result("failed", "name_taken"))
        self.copies += 1
        self.stored_at = self.now
        self.spent = self.spent and not (self.forgiving and fate == "stored, answer lost")
        return UploadReply(Result("uploaded") if fate == "stored" else Result("unknown", "timed_out"))

    def _look_up(self) -> LookupResult:
        # The library shows a file as late as it may.
        seen = self.copies and self.now >= self.stored_at + LAG
        return LookupResult(Result("exists") if seen else None)


@dataclass
class Blind(World):
    """A service whose library cannot be searched."""

    lookups: int = 0

    def _look_up(self) -> LookupResult:
        self.lookups += 1
        return LookupResult(certain=False)


def play(world: World, options: RecoveryOptions, past: PriorAttempts | None = None) -> UploadReply:
    """Run a row in a world, and return its last reply."""
    steps = RecoveryMachine(options, lambda _low, high: high, lambda: world.now).steps(past)
    answer = None
    while True:
        try:
            answer = world.answer(steps.send(answer))  # type: ignore[arg-type]
        except StopIteration as end:
            return end.value


def options(**changed: object) -> RecoveryOptions:
    """Return the usual options, changed."""
    return RecoveryOptions(
        **{
            "retries": 5,
            "index_lag": LAG,
            "first_wait": 0.5,
            "searchable": True,
            "own_name": True,
            "resend": False,
            **changed,
        }
    )


EVERY = [list(decisions) for decisions in product(ARRIVALS, repeat=5)]


@pytest.mark.parametrize("own_name", [True, False])
def test_its_result_is_true(*, own_name: bool) -> None:
    """Uploaded means stored and failed means not stored; with searches nothing stays unknown."""
    for decisions in EVERY:
        world = World(decisions, own_name)
        status = play(world, options(own_name=own_name)).result.status
        assert (status in STORED) == (world.copies > 0), decisions
        assert status != "unknown", decisions


@pytest.mark.parametrize("own_name", [True, False])
@pytest.mark.parametrize("searchable", [True, False])
def test_nothing_is_stored_twice(*, own_name: bool, searchable: bool) -> None:
    """There is never a second copy, even if the name is not fixed or the library cannot be searched."""
    for decisions in EVERY:
        world = World(decisions, own_name)
        play(world, options(own_name=own_name, searchable=searchable))
        assert world.copies <= 1, decisions


@pytest.mark.parametrize(("own_name", "most"), [(True, 1), (False, 2)])
def test_a_token_that_is_used_up_late(*, own_name: bool, most: int) -> None:
    """If a token were used up only by its reply: one copy with an own name, one more version of a replaced file."""
    for decisions in EVERY:
        world = World(decisions, own_name, forgiving=True)
        status = play(world, options(own_name=own_name)).result.status
        assert world.copies <= most, decisions
        assert (status in STORED) == (world.copies > 0), decisions


def crashed(world: World, options: RecoveryOptions, at: int, *, answered: bool, noted: bool) -> UploadReply:
    """Run a row whose process is killed at a step, and then another process with what was recorded.

    `answered`: the request was sent and answered before; `noted`: the reply was recorded.
    """
    steps = RecoveryMachine(options, lambda _low, high: high, lambda: world.now).steps()
    answer = None
    last: float | None = None
    voided, unconfirmed, sent = True, False, 0
    for number in range(100):
        try:
            step = steps.send(answer)  # type: ignore[arg-type]
        except StopIteration as end:
            return end.value
        if isinstance(step, SendStep):
            last, voided, unconfirmed, sent = world.now, False, unconfirmed and not step.fresh, sent + 1
        if number < at or answered:
            answer = world.answer(step)
        if isinstance(step, SendStep) and (number < at or noted) and isinstance(answer, UploadReply):
            unconfirmed = unconfirmed or answer.ambiguous or answer.result.error == "name_taken"
            voided = answer.result.status == "failed" and not unconfirmed
        if number == at:
            break
    if last is None or voided:
        return play(world, options)
    return play(world, options, PriorAttempts(Result("unknown", "connection_lost"), last, has_token=True, sent=sent))


BRIEF = [list(decisions) for decisions in product(ARRIVALS, repeat=3)]


@pytest.mark.parametrize("own_name", [True, False])
@pytest.mark.parametrize(("answered", "noted"), [(False, False), (True, False), (True, True)])
def test_a_process_that_is_killed(*, own_name: bool, answered: bool, noted: bool) -> None:
    """At any step: what was recorded is enough for one copy and a true result."""
    for decisions, at in product(BRIEF, range(9)):
        world = World(decisions, own_name)
        status = crashed(world, options(own_name=own_name), at, answered=answered, noted=noted).result.status
        assert world.copies <= 1, (decisions, at)
        assert (status in STORED) == (world.copies > 0), (decisions, at)


def test_a_recorded_token_is_sent_at_once() -> None:
    """The next process starts with the token of the one before."""
    steps = RecoveryMachine(options(), lambda _low, high: high, lambda: 0.0).steps(
        PriorAttempts(Result("unknown"), 0.0, has_token=True)
    )
    assert next(steps) == SendStep(fresh=False)


@pytest.mark.parametrize("code", ["checks_failed", "file_too_large", "file_missing", "payload_mismatch", "refused"])
@pytest.mark.parametrize("stored", [True, False])
def test_a_rejected_resend_says_nothing_about_the_first_request(code: str, *, stored: bool) -> None:
    """Whatever the reason, the library is searched; if the file is absent, the rejection is the result."""
    steps = RecoveryMachine(options(index_lag=0), lambda _low, high: high, lambda: 0.0).steps()
    next(steps)
    steps.send(UploadReply(Result("unknown", "server_error")))
    assert steps.send(True) == SendStep(fresh=False)
    assert steps.send(UploadReply(Result("failed", code))) == Lookup()
    with pytest.raises(StopIteration) as end:
        steps.send(LookupResult(Result("exists") if stored else None))
    assert (end.value.value.result.status, end.value.value.retryable) == ("exists" if stored else "failed", False)


def rejected(**changed: Any) -> UploadReply:
    """Return the rejection of a token."""
    return UploadReply(Result("failed", "token_invalid", "Your request has invalid token."), **changed)


@pytest.mark.parametrize(("lookup", "status"), [(LookupResult(Result("exists")), "exists"), (LookupResult(), "failed")])
def test_a_rejected_fresh_token_is_looked_up(lookup: LookupResult, status: str) -> None:
    """A gateway may have repeated the request: only a file that is absent late enough was not stored."""
    steps = RecoveryMachine(options(index_lag=0), lambda _low, high: high, lambda: 0.0).steps()
    next(steps)
    assert steps.send(rejected(stops_run="unproven")) == Lookup()
    with pytest.raises(StopIteration) as end:
        steps.send(lookup)
    assert (end.value.value.result.status, end.value.value.retryable) == (status, False)


def test_a_rejected_fresh_token_is_unknown_without_searches() -> None:
    """If the library cannot be searched, the file may be stored."""
    steps = RecoveryMachine(options(searchable=False), lambda _low, high: high, lambda: 0.0).steps()
    next(steps)
    with pytest.raises(StopIteration) as end:
        steps.send(rejected(stops_run="unproven"))
    reply = end.value.value
    assert (reply.result.status, reply.result.error, reply.stops_run) == ("unknown", "token_invalid", "unproven")


def test_a_token_rejected_for_its_times_is_signed_again() -> None:
    """Once the file is known to be absent."""
    steps = RecoveryMachine(options(index_lag=0), lambda _low, high: high, lambda: 0.0).steps()
    next(steps)
    assert steps.send(rejected(retryable=True)) == Lookup()
    assert isinstance(steps.send(LookupResult()), WaitStep)
    assert steps.send(True) == SendStep(fresh=True)


LONG_WAITS = [
    (UploadReply(Result("failed", "busy", "Busy."), retryable=True, wait=61.0), "failed"),
    (UploadReply(Result("failed", "rate_limited", "Slow."), retryable=True, wait=901.0, rate_limited=True), "failed"),
    (UploadReply(Result("unknown", "server_error", "Down."), wait=86_400.0), "unknown"),
    (UploadReply(Result("unknown", "bad_reply", "A page."), wait=901.0, rate_limited=True), "unknown"),
]


@pytest.mark.parametrize(("reply", "status"), LONG_WAITS)
def test_a_wait_that_is_too_long_ends_the_row(reply: UploadReply, status: str) -> None:
    """A row waits up to a minute, or 15 minutes where the run waits; a longer wait ends it, and the message says so."""
    steps = RecoveryMachine(options(searchable=False), lambda _low, high: high, lambda: 0.0).steps()
    next(steps)
    with pytest.raises(StopIteration) as end:
        steps.send(reply)
    result = end.value.value.result
    assert (result.status, result.error) == (status, "wait_too_long")
    assert re.search(
        r"; the server asks to wait (61 seconds|15 minutes|24 hours) before the next request\.$", result.message
    )


def test_a_wait_that_is_too_long_allows_a_lookup() -> None:
    """A row that may be stored is searched for at once; if it is absent, it fails instead of waiting that long."""
    for lookup, status in ((LookupResult(Result("exists")), "exists"), (LookupResult(), "failed")):
        steps = RecoveryMachine(options(index_lag=0), lambda _low, high: high, lambda: 0.0).steps()
        next(steps)
        assert steps.send(UploadReply(Result("unknown", "server_error"), wait=86_400.0)) == Lookup()
        with pytest.raises(StopIteration) as end:
            steps.send(lookup)
        assert end.value.value.result.status == status


def test_a_run_that_waits_may_wait_longer() -> None:
    """The limit of a minute is for waits of one row."""
    steps = RecoveryMachine(options(), lambda low, _high: low, lambda: 0.0).steps()
    next(steps)
    assert steps.send(
        UploadReply(Result("failed", "rate_limited"), retryable=True, wait=900.0, rate_limited=True)
    ) == WaitStep(900.0)


def test_a_permanent_rejection_is_not_sent_again() -> None:
    """A rejected resend says nothing about the request before; if that was not stored, the rejection is the result."""
    world = World(["lost", "refused"])
    result = play(world, options()).result
    assert (result.status, result.error, world.requests) == ("failed", "refused", ["fresh", "same"])


def test_an_expired_token_is_not_sent_again() -> None:
    """That it expired says nothing about the request before: the library is searched."""
    steps = RecoveryMachine(options(), lambda _low, high: high, lambda: 0.0).steps()
    next(steps)
    steps.send(UploadReply(Result("unknown", "timed_out")))
    steps.send(True)
    assert steps.send(UploadReply(Result("failed", "token_expired"), retryable=True)) == Lookup()


def test_nothing_sent_is_cancelled() -> None:
    """A run that stops before a row's first request leaves it cancelled."""
    steps = RecoveryMachine(options(), lambda _low, high: high, lambda: 0.0).steps()
    next(steps)
    with pytest.raises(StopIteration) as end:
        steps.send(UploadReply(Result("cancelled", "cancelled")))
    assert (end.value.value.result.status, end.value.value.result.attempts) == ("cancelled", 0)


def test_a_stop_before_a_retry_keeps_the_status() -> None:
    """A run that stops before a row's next request: failed stays failed, and unknown stays unknown."""
    for reply, status in (
        (UploadReply(Result("failed", "busy"), retryable=True), "failed"),
        (UploadReply(Result("unknown")), "unknown"),
    ):
        steps = RecoveryMachine(options(), lambda _low, high: high, lambda: 0.0).steps()
        next(steps)
        steps.send(reply)
        steps.send(True)
        with pytest.raises(StopIteration) as end:
            steps.send(UploadReply(Result("cancelled", "cancelled")))
        assert end.value.value.result.status == status


def test_without_searches_unknown_stays_unknown() -> None:
    """Without searches, a row whose token was used by a lost request ends unknown, and no other status is untrue."""
    for decisions in EVERY:
        world = World(decisions)
        status = play(world, options(searchable=False)).result.status
        assert status == "unknown" or (status in STORED) == (world.copies > 0), decisions


def test_an_own_name_may_be_sent_again_without_searches() -> None:
    """With on_unknown="resend" an own name resolves every unknown row: taken means stored."""
    for decisions in EVERY:
        world = World(decisions)
        status = play(world, options(searchable=False, resend=True)).result.status
        assert world.copies <= 1, decisions
        assert status == "unknown" or (status in STORED) == (world.copies == 1), decisions
        assert status != "unknown" or "refused" in decisions, decisions


def test_a_permanent_rejection_ends_the_row() -> None:
    """After a permanent rejection nothing fresh is sent, unless it answered a resend."""
    for decisions in EVERY:
        if "refused" not in decisions:
            continue
        before = decisions[: decisions.index("refused")]
        world = World(decisions)
        play(world, options())
        if all(fate == "busy" for fate in before):
            assert world.requests == ["fresh"] * (len(before) + 1), decisions


def test_a_stored_row_is_sent_once() -> None:
    """A stored file needs one request and no wait."""
    world = World([])
    reply = play(world, options())
    assert (reply.result.status, reply.result.attempts, world.requests, world.waited) == ("uploaded", 1, ["fresh"], [])


def test_a_retryable_rejection_gets_a_fresh_token() -> None:
    """A token is used up even by an error [upload docs]."""
    world = World(["busy", "busy"])
    play(world, options())
    assert world.requests == ["fresh", "fresh", "fresh"]


def test_an_ambiguous_reply_gets_the_same_token() -> None:
    """The service itself prevents a second copy, since a token is used once."""
    world = World(["lost", "lost"])
    play(world, options())
    assert world.requests == ["fresh", "same", "same"]


def test_retries_run_out() -> None:
    """After its retries a row that is still rejected ends as failed, with the service's error."""
    world = World(["busy"] * 10)
    reply = play(world, options(retries=3))
    assert (reply.result.status, reply.result.error, reply.result.attempts) == ("failed", "busy", 4)


def test_waits_grow_and_have_a_limit() -> None:
    """Full jitter: the longest waits double from half a second to thirty."""
    world = World(["busy"] * 10)
    play(world, options(retries=8))
    assert world.waited == [0.5, 1, 2, 4, 8, 16, 30, 30]


def test_a_named_time_is_kept() -> None:
    """The wait that the service names is never shortened, and spread by a tenth."""
    steps = RecoveryMachine(options(), lambda _low, high: high, lambda: 0.0).steps()
    next(steps)
    assert steps.send(UploadReply(Result("failed", "rate_limited"), retryable=True, wait=2.0)) == WaitStep(2.2)


def test_absence_counts_only_when_it_is_late_enough() -> None:
    """An empty search counts `index_lag` seconds after the last request."""
    world = World(["stored, answer lost"])
    reply = play(world, options())
    assert (reply.result.status, world.copies, world.requests) == ("exists", 1, ["fresh", "same"])


def test_stopped_after_an_ambiguous_reply_it_is_unknown() -> None:
    """A run that stops ends an ambiguous row as unknown, without another request."""
    steps = RecoveryMachine(options(), lambda _low, high: high, lambda: 0.0).steps()
    next(steps)
    steps.send(UploadReply(Result("unknown", "timed_out")))
    with pytest.raises(StopIteration) as end:
        steps.send(False)
    assert end.value.value.result.status == "unknown"


def test_stopped_after_a_rejection_it_is_failed() -> None:
    """A run that stops ends a rejected row as failed: it is certainly not stored."""
    steps = RecoveryMachine(options(), lambda _low, high: high, lambda: 0.0).steps()
    next(steps)
    steps.send(UploadReply(Result("failed", "busy"), retryable=True))
    with pytest.raises(StopIteration) as end:
        steps.send(False)
    assert end.value.value.result.status == "failed"


def test_searches_that_fail_end_the_row() -> None:
    """After some failed searches the row stays unknown."""
    world = Blind([])
    status = play(world, options(), PriorAttempts(Result("unknown", "timed_out"), world.now)).result.status
    assert (status, world.lookups, world.requests) == ("unknown", LOOKUPS, [])


def test_an_earlier_unknown_row_is_looked_up_first() -> None:
    """A row that an earlier run left unknown is not sent before the library was searched."""
    steps = RecoveryMachine(options(), lambda _low, high: high, lambda: 0.0).steps(
        PriorAttempts(Result("unknown", "timed_out"), 0.0)
    )
    assert next(steps) == Lookup()


def test_an_earlier_unknown_row_that_is_stored_is_not_sent() -> None:
    """A file that is found is `exists`."""
    world = World([], copies=1, stored_at=0)
    assert (play(world, options(), PriorAttempts(Result("unknown"), 0.0)).result.status, world.requests) == (
        "exists",
        [],
    )


def test_one_token_is_sent_a_few_times() -> None:
    """After some ambiguous replies the library is searched instead."""
    world = World(["lost"] * (RESENDS + 1))
    play(world, options())
    assert world.requests[: RESENDS + 2] == ["fresh", *["same"] * RESENDS, "fresh"]


def test_waits_have_full_jitter() -> None:
    """A wait is anywhere between 0 and its maximum, so that rows rejected together do not return together."""
    asked: list[tuple[float, float]] = []
    steps = RecoveryMachine(options(), lambda *limits: asked.append(limits) or limits[0], lambda: 0.0).steps()
    next(steps)
    assert steps.send(UploadReply(Result("failed", "busy"), retryable=True)) == WaitStep(0)
    assert asked == [(0, 0.5)]


@given(st.floats(0, 60), st.floats(0, 1))
def test_a_named_time_is_never_shortened(wait: float, chance: float) -> None:
    """Whatever the random number: not less, and at most a tenth more."""
    steps = RecoveryMachine(options(), lambda low, high: low + chance * (high - low), lambda: 0.0).steps()
    next(steps)
    step = steps.send(UploadReply(Result("failed", "rate_limited"), retryable=True, wait=wait))
    assert isinstance(step, WaitStep)
    assert wait <= step.seconds <= wait * 1.1


def test_a_rejected_guess_stays_unknown() -> None:
    """With on_unknown="resend" a rejected second request says nothing about the first, whose reply was lost."""
    world = World(["lost, token spent", *["lost"] * 5, "refused"], own_name=False)
    result = play(world, options(searchable=False, own_name=False, resend=True)).result
    assert (result.status, result.error, world.requests[-1]) == ("unknown", "refused", "fresh")


def test_another_file_has_the_rows_own_name() -> None:
    """The row is not stored: no other row has this name, and the file there is not this one."""
    steps = RecoveryMachine(options(), lambda low, _high: low, lambda: 0.0).steps()
    assert next(steps) == SendStep(fresh=True)
    assert steps.send(UploadReply(Result("failed", "name_taken", "taken"))) == Lookup()
    with pytest.raises(StopIteration) as end:
        steps.send(LookupResult(other_file=True))
    assert (end.value.value.result.status, end.value.value.result.error) == ("failed", "name_taken")
    assert "Another file" in end.value.value.result.message


def test_another_file_proves_nothing_about_an_unknown_row() -> None:
    """The row's file is absent, late enough: it is sent."""
    steps = RecoveryMachine(options(), lambda low, _high: low, lambda: 0.0).steps(
        PriorAttempts(Result("unknown"), -2 * LAG)
    )
    assert next(steps) == Lookup()
    assert steps.send(LookupResult(other_file=True)) == SendStep(fresh=True)
