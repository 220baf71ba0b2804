"""The delivery guarantees as a model: rows, their journal on a disk, a service that fails, a process that is killed.

Hypothesis decides the outcome of each request, when the process is killed, and what was not yet on the disk. After
every step no file may be stored twice; in the end every row's result must be true. Recovery is also broken on purpose,
in three ways: the model must detect each of them.
"""

from __future__ import annotations

import tempfile
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from ikpipe.journal import history
from ikpipe.journal.entries import Entry, Intent, IntentVoided, RowEnded, RowPrepared
from ikpipe.journal.history import histories_of_records
from ikpipe.journal.sqlite import SQLiteJournal
from ikpipe.request.account import Account
from ikpipe.request.recovery import (
    Lookup,
    LookupResult,
    PriorAttempts,
    RecoveryMachine,
    RecoveryOptions,
    SendStep,
    Step,
    WaitStep,
)
from ikpipe.request.reply import UploadReply
from ikpipe.request.result import Result
from ikpipe.request.secrets import Secret
from ikpipe.request.token import UploadToken

if TYPE_CHECKING:
    from collections.abc import Generator

    from ikpipe.request.recovery import Event

UP = {"uploaded", "exists"}
LAG = 30.0
ROWS = 3
FATES = ("stored", "stored, answer lost", "lost", "lost, token spent", "busy", "refused")


class Service:
    """Takes a token once, stores what comes with it, and shows it in its library some time later.

    `names`: ``made here`` (a name that is taken is refused), ``fixed`` (replaced), ``service`` (nobody knows them).
    """

    def __init__(self, names: str) -> None:
        self.names, self.now = names, 1000.0
        self.copies: Counter[int] = Counter()
        self._stored_at: dict[int, float] = {}
        self._spent: set[tuple[int, int]] = set()
        self.refused: set[int] = set()

    def upload(self, row: int, token: int, fate: str) -> UploadReply:
        """Take a request, or not."""
        self.now += 0.1
        if fate == "lost":
            return UploadReply(Result("unknown", "connection_lost"))
        if (row, token) in self._spent:
            return UploadReply(Result("failed", "token_invalid"))
        if fate == "busy":
            return UploadReply(Result("failed", "busy"), retryable=True)
        self._spent.add((row, token))
        return self._take(row, fate)

    def _take(self, row: int, fate: str) -> UploadReply:
        """Do with a request what its fate says, now that its token is spent."""
        if fate == "lost, token spent":
            return UploadReply(Result("unknown", "server_error"))
        if fate == "refused":
            return UploadReply(Result("failed", "refused"))
        if self.names == "made here" and self.copies[row]:
            return UploadReply(Result("failed", "name_taken"))
        self.copies[row] += 1
        self._stored_at[row] = self.now
        return UploadReply(Result("uploaded") if fate == "stored" else Result("unknown", "timed_out"))

    def look(self, row: int) -> LookupResult:
        """Show a row's file, as late as it may."""
        seen = row in self._stored_at and self.now >= self._stored_at[row] + LAG
        return LookupResult(Result("exists") if seen else None)


OWNER = Account("public_owner", "private_owner")


class Client:
    """Rows on their way, their journal, and what of it is not on the disk yet."""

    def __init__(self, service: Service, path: Path, machine: type[RecoveryMachine], *, intents: bool) -> None:
        self.service, self._machine, self._intents = service, machine, intents
        self._journal = SQLiteJournal.make(path, OWNER)
        self._journal.begin({})
        self._tokens = 0
        self.start()

    def start(self) -> None:
        """Begin a process: what it knows is what the journal has."""
        self._unwritten: list[Entry] = []
        self.results: dict[int, Result] = {}
        self._steps: dict[int, Generator[Step, Event, UploadReply]] = {}
        self._next: dict[int, Step] = {}
        self._token: dict[int, int] = {}
        self._in_doubt: set[int] = set()
        known = histories_of_records(
            self._journal.records(), lambda _fields, iat, exp: UploadToken(Secret("t"), iat, exp)
        )
        for row in range(ROWS):
            one = known.get(row)
            if one is not None and not one.is_unknown:
                self.results[row] = one.result
                continue
            fence = RecoveryOptions(
                9, LAG, 0.5, self.service.names != "service", self.service.names == "made here", resend=False
            )
            steps = self._machine(fence, lambda _low, high: high, lambda: self.service.now)
            past = None
            if one is not None:
                assert one.token is not None
                past = PriorAttempts(
                    one.result, one.last_sent or 0.0, has_token=True, sent=one.sent, guessed=one.guessed
                )
                self._token[row] = one.token.iat
                self._in_doubt.add(row)
            self._steps[row] = steps.steps(past)
            self._next[row] = next(self._steps[row])

    def crash(self) -> None:
        """Die, and begin again."""
        path = self._journal.path
        self._journal.close()
        self._journal = SQLiteJournal.open(path, OWNER)
        self.start()

    def close(self) -> None:
        """Let go of the journal."""
        self._journal.close()

    def flush(self) -> None:
        """Write what is to be written."""
        self._journal.write(self._unwritten)
        self._unwritten = []

    def advance(self, row: int, fate: str, dies: str) -> None:
        """Take a row's next step; the process can die before or after its request."""
        if row in self.results:
            return
        step = self._next[row]
        if isinstance(step, SendStep):
            self._intend(row, step)
            if dies == "before":
                self.crash()
                return
            answer: Event = self.service.upload(row, self._token[row], fate)
            if dies == "after":
                self.crash()
                return
            self._note(row, answer)
        elif isinstance(step, Lookup):
            answer = self.service.look(row)
        else:
            self.service.now += step.seconds
            answer = True
        try:
            self._next[row] = self._steps[row].send(answer)
        except StopIteration as end:
            self.results[row] = end.value.result
            self._unwritten.append(RowEnded(row, history.write(end.value.result)))

    def _intend(self, row: int, step: SendStep) -> None:
        if step.fresh:
            self._tokens += 1
            self._token[row] = self._tokens
            if not step.guess:
                self._in_doubt.discard(row)
        if self._intents:
            token = self._token[row]
            self._unwritten += [
                RowPrepared(row, "{}", 1, own_name=False),
                Intent(row, token, token, self.service.now, None, step.guess),
            ]
            self.flush()

    def _note(self, row: int, reply: UploadReply) -> None:
        taken = self.service.names == "made here" and reply.result.error == "name_taken"
        if reply.ambiguous or taken:
            self._in_doubt.add(row)
        elif reply.result.status == "failed" and row not in self._in_doubt:
            self._unwritten.append(IntentVoided(row))


class Protocol(RuleBasedStateMachine):
    """Everything that can happen, in every order."""

    machine: type[RecoveryMachine] = RecoveryMachine
    intents = True

    @initialize(names=st.sampled_from(["made here", "fixed", "service"]))
    def begin(self, names: str) -> None:
        """Choose who makes the names."""
        self.folder = tempfile.TemporaryDirectory()
        path = Path(self.folder.name) / "run.ikjournal"
        self.client = Client(Service(names), path, self.machine, intents=self.intents)

    @rule(
        row=st.integers(0, ROWS - 1),
        fate=st.sampled_from(FATES),
        dies=st.sampled_from(["never", "never", "never", "before", "after"]),
    )
    def advance(self, row: int, fate: str, dies: str) -> None:
        """Take a step."""
        self.client.advance(row, fate, dies)

    @rule()
    def flush(self) -> None:
        """Have the disk catch up."""
        self.client.flush()

    @rule()
    def crash(self) -> None:
        """Die, with what was not on the disk."""
        self.client.crash()

    @rule(seconds=st.floats(0, 60))
    def wait(self, seconds: float) -> None:
        """Let time pass."""
        self.client.service.now += seconds

    @invariant()
    def nothing_is_stored_twice(self) -> None:
        """Hold at all times."""
        if hasattr(self, "client"):
            assert all(copies <= 1 for copies in self.client.service.copies.values())

    def teardown(self) -> None:
        """See how it ends."""
        if not hasattr(self, "client"):
            return
        try:
            self._finish()
        finally:
            self.client.close()
            self.folder.cleanup()

    def _finish(self) -> None:
        """Let everything go well from now on: every row comes to its end, and its last word is true."""
        service = self.client.service
        for row in range(ROWS):
            for _ in range(200):
                self.client.advance(row, "stored", "never")
            status = self.client.results[row].status
            assert status == "unknown" or (status in UP) == bool(service.copies[row]), (row, status, service.copies)
            assert status != "unknown" or service.names == "service"
        self.nothing_is_stored_twice()


QUIET = [HealthCheck.too_slow, HealthCheck.filter_too_much]
USUAL = settings(max_examples=40, stateful_step_count=50, deadline=None, suppress_health_check=QUIET)
LONG = settings(USUAL, max_examples=400)  # of 50 steps


def test_the_protocol_holds() -> None:
    """Some thousand steps without a violation."""
    run_state_machine_as_test(Protocol, settings=USUAL)


@pytest.mark.soak
def test_the_protocol_holds_for_long() -> None:
    """More than ten thousand steps without a violation."""
    run_state_machine_as_test(Protocol, settings=LONG)


class FreshAtOnce(RecoveryMachine):
    """Send a fresh token after an ambiguous reply, as official clients do."""

    def _resend(self, unknown: UploadReply, **_options: Any) -> Any:
        yield WaitStep(0.1)
        return UploadReply(Result("failed", unknown.result.error), retryable=True)


class NoLook(RecoveryMachine):
    """Treat the rejection of a used token as a sign that nothing is stored."""

    def _look_up(self, last: UploadReply, unknown: UploadReply | None = None) -> Any:
        yield WaitStep(self._options.index_lag)
        return UploadReply(Result("failed", (unknown or last).result.error), retryable=True)


class BrokenByFreshTokens(Protocol):
    """Fresh tokens at once."""

    machine = FreshAtOnce


class BrokenByNoLook(Protocol):
    """No look-up."""

    machine = NoLook


class BrokenByNoIntent(Protocol):
    """No intent in the journal."""

    intents = False


@pytest.mark.parametrize("broken", [BrokenByFreshTokens, BrokenByNoLook, BrokenByNoIntent])
def test_broken_recovery_is_detected(broken: type[Protocol]) -> None:
    """A fresh token at once, no lookup, or no intent: each makes the model fail."""
    brief = settings(USUAL, max_examples=500, phases=[Phase.generate], derandomize=True, database=None)
    with pytest.raises(AssertionError):
        run_state_machine_as_test(broken, settings=brief)
