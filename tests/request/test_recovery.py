"""The machine of one row, explored against every behaviour of a service in a small world.

The world decides what becomes of each request and each look-up; every sequence of its decisions, up to a depth, is
played. Whatever happens, the row's last word must be true.
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
UP = ("uploaded", "exists")

ARRIVALS = ("stored", "stored, answer lost", "lost", "lost, token spent", "busy", "refused")
UNREAD: dict[str, Callable[[], UploadReply]] = {
    "lost": lambda: UploadReply(Result("unknown", "connection_lost")),
    "busy": lambda: UploadReply(Result("failed", "busy"), retryable=True),
}
"""What becomes of a request whose token stays unspent."""


@dataclass
class World:
    """A service with one file to store, and a clock; `decisions` says what becomes of what is sent."""

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
        """Do what the row says, and answer it."""
        if isinstance(step, WaitStep):
            self.waited.append(step.seconds)
            self.now += step.seconds
            return True
        if isinstance(step, Lookup):
            return self._look()
        self.now += 0.1
        self.requests.append("fresh" if step.fresh else "same")
        if step.fresh:
            self.spent = False
        return self._arrive(self._decide(ARRIVALS))

    def _decide(self, choices: Sequence[str]) -> str:
        """Take the next decision; after the last one all goes well."""
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

    def _look(self) -> LookupResult:
        # The library shows a file as late as it may.
        seen = self.copies and self.now >= self.stored_at + LAG
        return LookupResult(Result("exists") if seen else None)


@dataclass
class Blind(World):
    """A service whose library cannot be asked."""

    looks: int = 0

    def _look(self) -> LookupResult:
        self.looks += 1
        return LookupResult(certain=False)


def play(world: World, fence: RecoveryOptions, past: PriorAttempts | None = None) -> UploadReply:
    """Take a row through a world, to its last reply."""
    steps = RecoveryMachine(fence, lambda _low, high: high, lambda: world.now).steps(past)
    answer = None
    while True:
        try:
            answer = world.answer(steps.send(answer))  # type: ignore[arg-type]
        except StopIteration as end:
            return end.value


def fence(**changed: object) -> RecoveryOptions:
    """Give a usual fence, changed."""
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
def test_its_last_word_is_true(*, own_name: bool) -> None:
    """Up means stored, failed means not stored, whatever the service does; with a view, nothing stays unknown."""
    for decisions in EVERY:
        world = World(decisions, own_name)
        status = play(world, fence(own_name=own_name)).result.status
        assert (status in UP) == (world.copies > 0), decisions
        assert status != "unknown", decisions


@pytest.mark.parametrize("own_name", [True, False])
@pytest.mark.parametrize("searchable", [True, False])
def test_nothing_is_stored_twice(*, own_name: bool, searchable: bool) -> None:
    """There is never a second copy, also where the name is not fixed, and where nobody can look."""
    for decisions in EVERY:
        world = World(decisions, own_name)
        play(world, fence(own_name=own_name, searchable=searchable))
        assert world.copies <= 1, decisions


@pytest.mark.parametrize(("own_name", "most"), [(True, 1), (False, 2)])
def test_a_token_that_is_spent_late(*, own_name: bool, most: int) -> None:
    """Should a token be spent only once it is answered: one copy of an own name, one more version of a replaced one."""
    for decisions in EVERY:
        world = World(decisions, own_name, forgiving=True)
        status = play(world, fence(own_name=own_name)).result.status
        assert world.copies <= most, decisions
        assert (status in UP) == (world.copies > 0), decisions


def crashed(world: World, fence: RecoveryOptions, at: int, *, answered: bool, noted: bool) -> UploadReply:
    """Take a row through a world whose client dies at a step, and another one that goes on with what was written down.

    `answered`: the request was sent and answered before it died; `noted`: the answer was written down.
    """
    steps = RecoveryMachine(fence, lambda _low, high: high, lambda: world.now).steps()
    answer = None
    last: float | None = None
    settled, doubted, sent = True, False, 0
    for number in range(100):
        try:
            step = steps.send(answer)  # type: ignore[arg-type]
        except StopIteration as end:
            return end.value
        if isinstance(step, SendStep):
            last, settled, doubted, sent = world.now, False, doubted and not step.fresh, sent + 1
        if number < at or answered:
            answer = world.answer(step)
        if isinstance(step, SendStep) and (number < at or noted) and isinstance(answer, UploadReply):
            doubted = doubted or answer.ambiguous or answer.result.error == "name_taken"
            settled = answer.result.status == "failed" and not doubted
        if number == at:
            break
    if last is None or settled:
        return play(world, fence)
    return play(world, fence, PriorAttempts(Result("unknown", "connection_lost"), last, has_token=True, sent=sent))


BRIEF = [list(decisions) for decisions in product(ARRIVALS, repeat=3)]


@pytest.mark.parametrize("own_name", [True, False])
@pytest.mark.parametrize(("answered", "noted"), [(False, False), (True, False), (True, True)])
def test_a_client_that_dies(*, own_name: bool, answered: bool, noted: bool) -> None:
    """At whatever step: what was written down is enough for one copy, and for a last word that is true."""
    for decisions, at in product(BRIEF, range(9)):
        world = World(decisions, own_name)
        status = crashed(world, fence(own_name=own_name), at, answered=answered, noted=noted).result.status
        assert world.copies <= 1, (decisions, at)
        assert (status in UP) == (world.copies > 0), (decisions, at)


def test_a_token_that_was_left_goes_out_at_once() -> None:
    """The next process begins with the token of the last one."""
    steps = RecoveryMachine(fence(), lambda _low, high: high, lambda: 0.0).steps(
        PriorAttempts(Result("unknown"), 0.0, has_token=True)
    )
    assert next(steps) == SendStep(fresh=False)


@pytest.mark.parametrize("code", ["checks_failed", "file_too_large", "file_missing", "payload_mismatch", "refused"])
@pytest.mark.parametrize("stored", [True, False])
def test_what_the_same_token_is_refused_for_says_nothing_of_the_first_request(code: str, *, stored: bool) -> None:
    """Whatever the reason: the library is asked; if the file is absent, the refusal is the last word."""
    steps = RecoveryMachine(fence(index_lag=0), lambda _low, high: high, lambda: 0.0).steps()
    next(steps)
    steps.send(UploadReply(Result("unknown", "server_error")))
    assert steps.send(True) == SendStep(fresh=False)
    assert steps.send(UploadReply(Result("failed", code))) == Lookup()
    with pytest.raises(StopIteration) as end:
        steps.send(LookupResult(Result("exists") if stored else None))
    assert (end.value.value.result.status, end.value.value.retryable) == ("exists" if stored else "failed", False)


def refused(**changed: Any) -> UploadReply:
    """Give the refusal of a token."""
    return UploadReply(Result("failed", "token_invalid", "Your request has invalid token."), **changed)


@pytest.mark.parametrize(("sight", "status"), [(LookupResult(Result("exists")), "exists"), (LookupResult(), "failed")])
def test_the_refusal_of_a_fresh_token_is_looked_up(sight: LookupResult, status: str) -> None:
    """Something in between may have repeated the request: only a file that is absent late enough was not stored."""
    steps = RecoveryMachine(fence(index_lag=0), lambda _low, high: high, lambda: 0.0).steps()
    next(steps)
    assert steps.send(refused(stops_run="unproven")) == Lookup()
    with pytest.raises(StopIteration) as end:
        steps.send(sight)
    assert (end.value.value.result.status, end.value.value.retryable) == (status, False)


def test_the_refusal_of_a_fresh_token_in_the_dark_is_unknown() -> None:
    """Where nobody can look, the file may be stored."""
    steps = RecoveryMachine(fence(searchable=False), lambda _low, high: high, lambda: 0.0).steps()
    next(steps)
    with pytest.raises(StopIteration) as end:
        steps.send(refused(stops_run="unproven"))
    reply = end.value.value
    assert (reply.result.status, reply.result.error, reply.stops_run) == ("unknown", "token_invalid", "unproven")


def test_a_token_that_was_refused_for_its_times_is_signed_again() -> None:
    """Once the file is known to be absent."""
    steps = RecoveryMachine(fence(index_lag=0), lambda _low, high: high, lambda: 0.0).steps()
    next(steps)
    assert steps.send(refused(retryable=True)) == Lookup()
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
    """A row waits a minute, and a quarter of an hour where the run waits; longer times end it, in words."""
    steps = RecoveryMachine(fence(searchable=False), lambda _low, high: high, lambda: 0.0).steps()
    next(steps)
    with pytest.raises(StopIteration) as end:
        steps.send(reply)
    result = end.value.value.result
    assert (result.status, result.error) == (status, "wait_too_long")
    assert re.search(
        r"; the server asks to wait (61 seconds|15 minutes|24 hours) before the next request\.$", result.message
    )


def test_a_wait_that_is_too_long_leaves_the_look_up() -> None:
    """A row that may be stored is looked for at once; if it is not there, nothing fresh is sent before that time."""
    for sight, status in ((LookupResult(Result("exists")), "exists"), (LookupResult(), "failed")):
        steps = RecoveryMachine(fence(index_lag=0), lambda _low, high: high, lambda: 0.0).steps()
        next(steps)
        assert steps.send(UploadReply(Result("unknown", "server_error"), wait=86_400.0)) == Lookup()
        with pytest.raises(StopIteration) as end:
            steps.send(sight)
        assert end.value.value.result.status == status


def test_a_run_that_waits_may_wait_longer() -> None:
    """A minute is for what concerns one row."""
    steps = RecoveryMachine(fence(), lambda low, _high: low, lambda: 0.0).steps()
    next(steps)
    assert steps.send(
        UploadReply(Result("failed", "rate_limited"), retryable=True, wait=900.0, rate_limited=True)
    ) == WaitStep(900.0)


def test_what_is_refused_for_good_is_not_sent_again_once_it_is_absent() -> None:
    """A refusal of a request in doubt says nothing of the one before; if that was not stored, it is the last word."""
    world = World(["lost", "refused"])
    result = play(world, fence()).result
    assert (result.status, result.error, world.requests) == ("failed", "refused", ["fresh", "same"])


def test_an_expired_token_is_not_sent_again() -> None:
    """That it had expired says nothing of the request before it: the library is asked."""
    steps = RecoveryMachine(fence(), lambda _low, high: high, lambda: 0.0).steps()
    next(steps)
    steps.send(UploadReply(Result("unknown", "timed_out")))
    steps.send(True)
    assert steps.send(UploadReply(Result("failed", "token_expired"), retryable=True)) == Lookup()


def test_nothing_sent_is_cancelled() -> None:
    """A run that stops before a row's first request leaves it as never sent."""
    steps = RecoveryMachine(fence(), lambda _low, high: high, lambda: 0.0).steps()
    next(steps)
    with pytest.raises(StopIteration) as end:
        steps.send(UploadReply(Result("cancelled", "cancelled")))
    assert (end.value.value.result.status, end.value.value.result.attempts) == ("cancelled", 0)


def test_nothing_sent_again_leaves_the_last_word() -> None:
    """A run that stops before a row's next request: a refusal stays a refusal, and a doubt a doubt."""
    for reply, status in (
        (UploadReply(Result("failed", "busy"), retryable=True), "failed"),
        (UploadReply(Result("unknown")), "unknown"),
    ):
        steps = RecoveryMachine(fence(), lambda _low, high: high, lambda: 0.0).steps()
        next(steps)
        steps.send(reply)
        steps.send(True)
        with pytest.raises(StopIteration) as end:
            steps.send(UploadReply(Result("cancelled", "cancelled")))
        assert end.value.value.result.status == status


def test_without_a_view_doubt_stays_doubt() -> None:
    """Where nobody can look, a row whose token was spent in the dark ends unknown, and no other word is untrue."""
    for decisions in EVERY:
        world = World(decisions)
        status = play(world, fence(searchable=False)).result.status
        assert status == "unknown" or (status in UP) == (world.copies > 0), decisions


def test_an_own_name_may_be_sent_again_in_the_dark() -> None:
    """With on_unknown="resend" a name of its own settles every doubt: taken means stored."""
    for decisions in EVERY:
        world = World(decisions)
        status = play(world, fence(searchable=False, resend=True)).result.status
        assert world.copies <= 1, decisions
        assert status == "unknown" or (status in UP) == (world.copies == 1), decisions
        assert status != "unknown" or "refused" in decisions, decisions


def test_a_refusal_for_good_ends_it() -> None:
    """After a refusal for good nothing fresh is sent, unless it answered a row that was in doubt."""
    for decisions in EVERY:
        if "refused" not in decisions:
            continue
        before = decisions[: decisions.index("refused")]
        world = World(decisions)
        play(world, fence())
        if all(fate == "busy" for fate in before):
            assert world.requests == ["fresh"] * (len(before) + 1), decisions


def test_an_easy_row_is_sent_once() -> None:
    """A stored file takes one request and no wait."""
    world = World([])
    reply = play(world, fence())
    assert (reply.result.status, reply.result.attempts, world.requests, world.waited) == ("uploaded", 1, ["fresh"], [])


def test_a_plain_refusal_gets_a_fresh_token() -> None:
    """A token is spent even by an error (seed)."""
    world = World(["busy", "busy"])
    play(world, fence())
    assert world.requests == ["fresh", "fresh", "fresh"]


def test_a_reply_in_doubt_gets_the_same_token() -> None:
    """The service itself rules out a second copy, since a token is used once."""
    world = World(["lost", "lost"])
    play(world, fence())
    assert world.requests == ["fresh", "same", "same"]


def test_retries_run_out() -> None:
    """After its retries a row that is still refused ends as failed, with the service's word."""
    world = World(["busy"] * 10)
    reply = play(world, fence(retries=3))
    assert (reply.result.status, reply.result.error, reply.result.attempts) == ("failed", "busy", 4)


def test_waits_grow_and_have_a_limit() -> None:
    """Full jitter: the longest waits double from half a second to thirty."""
    world = World(["busy"] * 10)
    play(world, fence(retries=8))
    assert world.waited == [0.5, 1, 2, 4, 8, 16, 30, 30]


def test_a_named_time_is_kept() -> None:
    """The wait that the service names is never shortened, and spread by a tenth."""
    steps = RecoveryMachine(fence(), lambda _low, high: high, lambda: 0.0).steps()
    next(steps)
    assert steps.send(UploadReply(Result("failed", "rate_limited"), retryable=True, wait=2.0)) == WaitStep(2.2)


def test_absence_counts_only_when_it_is_late_enough() -> None:
    """A look-up that sees nothing is believed `index_lag` seconds after the last request."""
    world = World(["stored, answer lost"])
    reply = play(world, fence())
    assert (reply.result.status, world.copies, world.requests) == ("exists", 1, ["fresh", "same"])


def test_told_to_stop_in_doubt_it_is_unknown() -> None:
    """A run that drains ends a row in doubt as unknown, without another request."""
    steps = RecoveryMachine(fence(), lambda _low, high: high, lambda: 0.0).steps()
    next(steps)
    steps.send(UploadReply(Result("unknown", "timed_out")))
    with pytest.raises(StopIteration) as end:
        steps.send(False)
    assert end.value.value.result.status == "unknown"


def test_told_to_stop_after_a_refusal_it_has_failed() -> None:
    """A run that drains ends a refused row as failed: it is certainly not stored."""
    steps = RecoveryMachine(fence(), lambda _low, high: high, lambda: 0.0).steps()
    next(steps)
    steps.send(UploadReply(Result("failed", "busy"), retryable=True))
    with pytest.raises(StopIteration) as end:
        steps.send(False)
    assert end.value.value.result.status == "failed"


def test_look_ups_that_fail_are_given_up() -> None:
    """A library that cannot be asked some times in a row leaves the doubt."""
    world = Blind([])
    status = play(world, fence(), PriorAttempts(Result("unknown", "timed_out"), world.now)).result.status
    assert (status, world.looks, world.requests) == ("unknown", LOOKUPS, [])


def test_an_earlier_doubt_is_looked_for_first() -> None:
    """A row that an earlier run left in doubt is not sent before the library was looked into."""
    steps = RecoveryMachine(fence(), lambda _low, high: high, lambda: 0.0).steps(
        PriorAttempts(Result("unknown", "timed_out"), 0.0)
    )
    assert next(steps) == Lookup()


def test_an_earlier_doubt_that_is_stored_is_not_sent() -> None:
    """What the library shows is `exists`."""
    world = World([], copies=1, stored_at=0)
    assert (play(world, fence(), PriorAttempts(Result("unknown"), 0.0)).result.status, world.requests) == ("exists", [])


def test_one_token_is_sent_a_few_times() -> None:
    """After some replies in doubt the library is asked instead."""
    world = World(["lost"] * (RESENDS + 1))
    play(world, fence())
    assert world.requests[: RESENDS + 2] == ["fresh", *["same"] * RESENDS, "fresh"]


def test_waits_have_full_jitter() -> None:
    """A wait lies anywhere between nothing and its longest: rows that were refused together do not return together."""
    asked: list[tuple[float, float]] = []
    steps = RecoveryMachine(fence(), lambda *limits: asked.append(limits) or limits[0], lambda: 0.0).steps()
    next(steps)
    assert steps.send(UploadReply(Result("failed", "busy"), retryable=True)) == WaitStep(0)
    assert asked == [(0, 0.5)]


@given(st.floats(0, 60), st.floats(0, 1))
def test_a_named_time_is_never_shortened(wait: float, chance: float) -> None:
    """Whatever chance says: not less, and at most a tenth more."""
    steps = RecoveryMachine(fence(), lambda low, high: low + chance * (high - low), lambda: 0.0).steps()
    next(steps)
    step = steps.send(UploadReply(Result("failed", "rate_limited"), retryable=True, wait=wait))
    assert isinstance(step, WaitStep)
    assert wait <= step.seconds <= wait * 1.1


def test_doubt_that_was_sent_again_unseen_stays() -> None:
    """With on_unknown="resend" a refusal of the second request says nothing of the first, whose answer was lost."""
    world = World(["lost, token spent", *["lost"] * 5, "refused"], own_name=False)
    result = play(world, fence(searchable=False, own_name=False, resend=True)).result
    assert (result.status, result.error, world.requests[-1]) == ("unknown", "refused", "fresh")


def test_another_file_that_has_the_row_s_own_name() -> None:
    """It is not stored, whatever went before: nobody else makes that name, and what is there is not this file."""
    steps = RecoveryMachine(fence(), lambda low, _high: low, lambda: 0.0).steps()
    assert next(steps) == SendStep(fresh=True)
    assert steps.send(UploadReply(Result("failed", "name_taken", "taken"))) == Lookup()
    with pytest.raises(StopIteration) as end:
        steps.send(LookupResult(other_file=True))
    assert (end.value.value.result.status, end.value.value.result.error) == ("failed", "name_taken")
    assert "Another file" in end.value.value.result.message


def test_another_file_is_no_answer_to_a_doubt() -> None:
    """The row's own is absent: it is sent, since that is sure by now."""
    steps = RecoveryMachine(fence(), lambda low, _high: low, lambda: 0.0).steps(
        PriorAttempts(Result("unknown"), -2 * LAG)
    )
    assert next(steps) == Lookup()
    assert steps.send(LookupResult(other_file=True)) == SendStep(fresh=True)
