"""One row to its end, as a state machine: which steps it takes for which replies."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ikpipe._reply import Reply
from ikpipe._result import Result
from ikpipe._row import FIRST_WAIT, LONGEST_WAIT, Attempt, Step, Wait, journey

if TYPE_CHECKING:
    from collections.abc import Callable

Script = list[tuple[Reply, bool]]


def up() -> Reply:
    """Give the reply that ends a row."""
    return Reply(Result("uploaded"))


def busy(wait: float | None = None) -> Reply:
    """Give a reply that is worth another attempt."""
    return Reply(Result("failed", "busy"), again=True, wait=wait)


def travel(
    replies: Callable[[int], Reply],
    retries: int = 5,
    uniform: Callable[[float, float], float] = max,
    go_on: Callable[[int], bool] = lambda _wait: True,
) -> tuple[list[Step], Reply]:
    """Take a row to its end: its steps, and its last reply."""
    machine = journey(retries, uniform)
    steps: list[Step] = []
    answer: Reply | bool | None = None
    while True:
        try:
            steps.append(machine.send(answer))  # type: ignore[arg-type]  # a generator's first send takes None
        except StopIteration as end:
            return steps, end.value
        done = len(steps) // 2
        answer = replies(done) if isinstance(steps[-1], Attempt) else go_on(done)


@pytest.mark.parametrize("status", ["uploaded", "accepted", "failed", "unknown"])
def test_a_last_reply_ends_the_row(status: str) -> None:
    """Stored, refused for good, or in doubt: one attempt and no second, since that could store a file twice."""
    steps, last = travel(lambda _at: Reply(Result(status)))
    assert steps == [Attempt()]
    assert (last.result.status, last.result.attempts) == (status, 1)


def test_what_passes_is_tried_again() -> None:
    """Between two attempts there is a wait, and the result counts the attempts."""
    steps, last = travel(lambda at: busy() if at < 2 else up())
    assert [type(step) for step in steps] == [Attempt, Wait, Attempt, Wait, Attempt]
    assert (last.result.status, last.result.attempts) == ("uploaded", 3)


@pytest.mark.parametrize("retries", [0, 1, 5])
def test_retries_run_out(retries: int) -> None:
    """So many attempts after the first, and no wait after the last."""
    steps, last = travel(lambda _at: busy(), retries)
    assert steps.count(Attempt()) == last.result.attempts == retries + 1
    assert isinstance(steps[-1], Attempt)
    assert last.result.status == "failed"


def test_a_wait_that_is_cut_short_ends_the_row() -> None:
    """A run that drains sends nothing more: the row keeps its last reply."""
    steps, last = travel(lambda _at: busy(), go_on=lambda wait: wait < 2)
    assert [type(step) for step in steps] == [Attempt, Wait, Attempt, Wait]
    assert (last.result.error, last.result.attempts) == ("busy", 2)


def test_waits_double_up_to_their_limit() -> None:
    """At their longest: 0.5, 1, 2 seconds and so on, never more than 30."""
    steps, _ = travel(lambda _at: busy(), 9)
    waits = [step.seconds for step in steps if isinstance(step, Wait)]
    assert waits == [0.5, 1, 2, 4, 8, 16, 30, 30, 30]
    assert (waits[0], waits[-1]) == (FIRST_WAIT, LONGEST_WAIT)


def test_waits_have_full_jitter() -> None:
    """A wait lies anywhere between nothing and its longest: rows that were refused together do not return together."""
    asked: list[tuple[float, float]] = []

    def uniform(low: float, high: float) -> float:
        asked.append((low, high))
        return low

    steps, _ = travel(lambda _at: busy(), 2, uniform)
    assert asked == [(0, 0.5), (0, 1)]
    assert [step.seconds for step in steps if isinstance(step, Wait)] == [0, 0]


@given(st.floats(0, 3600), st.floats(0, 1))
def test_a_time_that_the_service_names_is_kept(wait: float, chance: float) -> None:
    """Never less, and at most a tenth more."""
    steps, _ = travel(lambda _at: busy(wait), 1, lambda low, high: low + chance * (high - low))
    (seconds,) = (step.seconds for step in steps if isinstance(step, Wait))
    assert wait <= seconds <= wait * 1.1


@given(
    st.lists(st.tuples(st.booleans(), st.none() | st.floats(0, 10)), max_size=12),
    st.integers(0, 8),
    st.integers(0, 12),
)
def test_every_journey_ends_well(script: list[tuple[bool, float | None]], retries: int, drain: int) -> None:
    """Over all sequences of replies: attempts and waits take turns, and no attempt is one too many."""

    def replies(at: int) -> Reply:
        again, wait = script[at] if at < len(script) else (False, None)
        return busy(wait) if again else up()

    steps, last = travel(replies, retries, go_on=lambda wait: wait <= drain)
    assert [type(step) for step in steps] == [Attempt, Wait] * (len(steps) // 2) + [Attempt] * (len(steps) % 2)
    attempts = steps.count(Attempt())
    assert attempts == last.result.attempts <= retries + 1
    assert all(replies(at).again for at in range(attempts - 1))
    assert not last.again or attempts == retries + 1 or isinstance(steps[-1], Wait)
