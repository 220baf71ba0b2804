"""How parts that run at the same time share the limits of a job."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from examples import plays
from hypothesis import given
from hypothesis import strategies as st

from ikpipe.concurrency.bandwidth import Bandwidth
from ikpipe.concurrency.bandwidth_schedule import BandwidthSchedule
from ikpipe.concurrency.gate import ConcurrencyGate
from ikpipe.concurrency.limits import FixedLimit
from ikpipe.concurrency.rate import RateLimiter
from ikpipe.concurrency.shares import LEASE, Claim, Grant, Parts, Share, renew, sharing

if TYPE_CHECKING:
    from collections.abc import Callable


def claim(
    part: str, units: int = 12, slots: int = 100, kept: int = 0, expected: int = 1, *, ended: bool = False
) -> Claim:
    """Return a claim of a part."""
    return Claim(part, units, slots, kept, expected, ended)


def held(parts: Parts) -> list[float]:
    """Return the units of each part."""
    return [units for units, _ in parts.values()]


def rounds(parts: Parts, names: str, **options: int) -> list[float]:
    """Let parts renew their units twice, and return the units of each."""
    for name in names * 2:
        renew(parts, claim(name, **options), 0)
    return held(parts)


# The ledger


def test_a_part_alone_has_everything() -> None:
    """However many could run."""
    assert renew({}, claim("a"), 0) == Grant(12, 1)


@pytest.mark.parametrize(("names", "shares"), [("ab", [6, 6]), ("abcde", [3, 3, 2, 2, 2])])
def test_parts_that_run_have_equal_shares(names: str, shares: list[int]) -> None:
    """A unit that is left over goes to the earlier ones."""
    assert rounds({}, names) == shares


def test_a_part_gets_only_what_the_others_have_given_back() -> None:
    """So the limits hold while the shares change."""
    parts: Parts = {}
    renew(parts, claim("a"), 0)
    assert renew(parts, claim("b"), 0).units == 0
    assert renew(parts, claim("a", kept=9), 0).units == 9
    assert renew(parts, claim("b"), 0).units == 3
    assert renew(parts, claim("a", kept=2), 0).units == 6
    assert renew(parts, claim("b"), 0).units == 6


def test_the_units_of_a_part_that_ends_go_to_the_others() -> None:
    """The last parts of a job share all of it."""
    parts: Parts = {}
    rounds(parts, "abc")
    renew(parts, claim("a", ended=True), 0)
    assert rounds(parts, "bc") == [6, 6]


def test_the_units_of_a_dead_part_are_free_after_its_lease() -> None:
    """It does not renew them; a part that renews them keeps them."""
    parts: Parts = {}
    rounds(parts, "ab")
    assert renew(parts, claim("b"), LEASE / 2).units == 6
    assert renew(parts, claim("b"), LEASE + 1).units == 12


def test_at_first_a_part_has_the_share_of_as_many_parts_as_are_expected() -> None:
    """So that those which start just after it do not wait."""
    parts: Parts = {}
    assert renew(parts, claim("a", expected=4), 0).units == 3
    assert renew(parts, claim("b", expected=4), 0).units == 3
    assert renew(parts, claim("a", expected=4), 0).units == 6


@pytest.mark.parametrize("options", [{"units": 2}, {"slots": 2}])
def test_parts_take_turns_where_there_are_more_than_may_run(options: dict[str, int]) -> None:
    """In the order in which they came."""
    parts: Parts = {}
    shares = rounds(parts, "abc", **options)
    assert shares[0] == shares[1] > shares[2] == 0
    renew(parts, claim("a", ended=True), 0)
    assert rounds(parts, "bc", **options)[1] > 0


@plays(100)
@given(
    units=st.integers(1, 10),
    slots=st.integers(1, 5),
    steps=st.lists(st.tuples(st.sampled_from("abcdef"), st.integers(0, 10), st.integers(1, 5), st.booleans())),
)
def test_parts_never_have_more_than_there_is(units: int, slots: int, steps: list[tuple[str, int, int, bool]]) -> None:
    """Whatever they do; and as many as may run have some, once all have renewed their units."""
    parts: Parts = {}
    for part, kept, expected, ended in steps:
        renew(parts, Claim(part, units, slots, kept, expected, ended), 0)
        assert sum(held(parts)) <= units
    for part in [*parts] * 2:
        renew(parts, Claim(part, units, slots), 0)
    assert sum(held(parts)) == (units if parts else 0)
    assert sum(share > 0 for share in held(parts)) == min(len(parts), units, slots)


# What follows a share


def test_a_rate_follows_from_the_last_start_on() -> None:
    """What was reserved for later is reserved anew: sooner at a higher rate, later at a lower one."""
    pace = RateLimiter(1.0)
    assert [pace.reserve(0.0), pace.reserve(0.0)] == [0.0, 1.0]
    pace.set_rate(0.1, 4.0)
    assert pace.renew(0.1, asked=0.0, left=0.9) == pytest.approx(0.15)
    pace.set_rate(0.2, 0.5)
    assert pace.renew(0.2, asked=0.1, left=0.05) == pytest.approx(1.8)
    assert pace.renew(0.3, asked=0.25, left=0.7) == 0.7


def test_a_rate_that_stays_the_same_changes_nothing() -> None:
    """Reservations hold."""
    pace = RateLimiter(1.0)
    pace.reserve(0.0)
    pace.reserve(0.0)
    pace.set_rate(0.1, 1.0)
    assert pace.renew(0.1, asked=0.0, left=0.9) == 0.9


def test_the_first_start_waits_by_the_new_rate() -> None:
    """A part follows another one, whatever its share is by then."""
    pace = RateLimiter(1.0, since=0.0)
    pace.set_rate(0.0, 4.0)
    assert pace.reserve(0.0) == 0.25


def test_a_gate_that_grows_lets_those_in_that_wait() -> None:
    """One that shrinks lets nobody in before enough have left."""

    async def main() -> None:
        gate = ConcurrencyGate(FixedLimit(1))
        entering = [asyncio.create_task(gate.acquire()) for _ in range(4)]
        await asyncio.sleep(0)
        gate.resize(3)
        await asyncio.sleep(0)
        assert [task.done() for task in entering] == [True, True, True, False]
        gate.resize(1)
        gate.release()
        gate.release()
        await asyncio.sleep(0)
        assert not entering[3].done()
        gate.release()
        assert await entering[3]

    asyncio.run(main())


def test_bandwidth_follows_a_share() -> None:
    """In both directions."""
    bandwidth = Bandwidth(BandwidthSchedule.read(1 << 20))
    piece = bandwidth.upload.piece(1 << 30)
    bandwidth.set_share(0.25)
    assert (bandwidth.upload.piece(1 << 30), bandwidth.download.piece(1 << 30)) == (piece // 4, piece // 4)


# A part


class Local:
    """A ledger whose calls can fail."""

    slots = None

    def __init__(self) -> None:
        self.parts: Parts = {}
        self.error: Exception | None = None

    def renew(self, _job: str, claim: Claim) -> Grant:
        """Carry out a claim, or fail."""
        if self.error is not None:
            raise self.error
        return renew(self.parts, claim, 0)


async def never(_seconds: float) -> bool:
    """Continue at once."""
    await asyncio.sleep(0)
    return True


async def until(holds: Callable[[], bool]) -> None:
    """Wait until a condition holds."""
    async with asyncio.timeout(20):
        while not holds():  # noqa: ASYNC110 - what changes is not ours to signal
            await asyncio.sleep(0.01)


def test_a_part_has_what_the_others_leave_while_it_runs() -> None:
    """What it has changes when another part starts and when it ends; nothing remains after it."""
    ledger, fractions = Local(), list[float]()

    async def main() -> None:
        async with sharing(ledger, "job", 12, 1, never) as share:
            assert share is not None
            share.follow(fractions.append)
            assert fractions == [1.0]
            renew(ledger.parts, claim("other"), 0)
            await until(lambda: fractions[-1] == 0.5)
            renew(ledger.parts, claim("other", ended=True), 0)
            await until(lambda: fractions[-1] == 1.0)
        assert ledger.parts == {}

    asyncio.run(main())


def test_a_part_waits_for_its_first_units() -> None:
    """The block runs once there are some."""
    ledger, waits = Local(), list[float]()
    renew(ledger.parts, claim("other"), 0)

    async def wait(seconds: float) -> bool:
        """Let the other part end."""
        waits.append(seconds)
        renew(ledger.parts, claim("other", ended=True), 0)
        return True

    async def main() -> None:
        async with sharing(ledger, "job", 12, 1, wait) as share:
            assert share is not None
            share.follow(waits.append)

    asyncio.run(main())
    assert waits[1:] == [1.0]


def test_a_part_that_does_not_reach_the_ledger_says_so(caplog: pytest.LogCaptureFixture) -> None:
    """It has one of equal shares then."""
    ledger = Local()
    ledger.error = OSError("no folder")

    async def main() -> None:
        async with sharing(ledger, "job", 12, 4, never) as share:
            assert share is None

    asyncio.run(main())
    assert "OSError: no folder). Each has one of 4 equal shares" in caplog.text


def test_a_part_that_loses_the_ledger_goes_on_with_an_equal_share() -> None:
    """It may be more than there is for it, but never more than the share that each has without a ledger."""
    ledger, fractions = Local(), list[float]()

    async def main() -> None:
        async with sharing(ledger, "job", 12, 4, never) as share:
            assert share is not None
            share.follow(fractions.append)
            await until(lambda: fractions[-1] == 1.0)
            ledger.error = OSError("gone")
            await until(lambda: fractions[-1] == 0.25)

    asyncio.run(main())


def test_a_share_of_nothing_is_not_zero() -> None:
    """A rate of 0 would be none at all."""
    share, fractions = Share(4), list[float]()
    share.set(0)
    share.follow(fractions.append)
    assert 0 < fractions[0] < 1e-3
