"""Bandwidth: the schedule as rclone writes it, the arithmetic of the token bucket, and what transfers share."""

from __future__ import annotations

import asyncio
import math
import time
from typing import TYPE_CHECKING

import pytest
from clocks import jumping
from hypothesis import given
from hypothesis import strategies as st

from ikpipe.concurrency.bandwidth import BURST, Bandwidth, BandwidthLimiter, TokenBucket
from ikpipe.concurrency.bandwidth_schedule import BandwidthSchedule, Limits

if TYPE_CHECKING:
    from collections.abc import Callable

K, M = 1 << 10, 1 << 20
WORKDAY = "08:00,512k 12:00,10M 13:00,512k 18:00,30M 23:00,off"
DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def limits(text: float | str, weekday: int = 0, hour: int = 0, minute: int = 0) -> Limits:
    """Return the limits of a schedule at a time."""
    return BandwidthSchedule.read(text).at(weekday, hour, minute)


# The text


@pytest.mark.parametrize(
    ("text", "upload", "download"),
    [
        (5_000_000, 5e6, 5e6),
        (1.5, 1.5, 1.5),
        ("5M", 5 * M, 5 * M),
        ("5m", 5 * M, 5 * M),
        ("5Mi", 5 * M, 5 * M),
        ("5MiB", 5 * M, 5 * M),
        ("0.625M", 0.625 * M, 0.625 * M),
        (".5k", 512, 512),
        ("666", 666 * K, 666 * K),
        ("100B", 100, 100),
        ("2G", 2 << 30, 2 << 30),
        ("10M:2M", 10 * M, 2 * M),
        ("10M:off", 10 * M, math.inf),
        ("off:100k", math.inf, 100 * K),
        ("off", math.inf, math.inf),
        ("OFF", math.inf, math.inf),
        ("0", math.inf, math.inf),
    ],
)
def test_a_limit_is_read_as_rclone_reads_it(text: float | str, upload: float, download: float) -> None:
    """Units are binary, text without a unit is in KiB/s, and a number is in bytes per second."""
    assert limits(text) == (upload, download)


@pytest.mark.parametrize(
    ("hour", "minute", "upload"),
    [(7, 59, math.inf), (8, 0, 512 * K), (12, 30, 10 * M), (17, 59, 512 * K), (22, 0, 30 * M), (23, 0, math.inf)],
)
@pytest.mark.parametrize("weekday", [0, 6])
def test_a_timetable_is_for_every_day(weekday: int, hour: int, minute: int, upload: float) -> None:
    """Each entry applies until the next one, also after midnight."""
    assert limits(WORKDAY, weekday, hour, minute).upload == upload


@pytest.mark.parametrize(
    ("weekday", "hour", "upload"),
    [(0, 1, 512 * K), (0, 12, M), (3, 3, M), (6, 12, M), (6, 20, math.inf), (6, 23, math.inf)],
)
def test_entries_of_days_and_for_every_day_can_be_mixed(weekday: int, hour: int, upload: float) -> None:
    """The example of rclone's documentation."""
    assert limits("Mon-00:00,512 12:00,1M Sun-20:00,off", weekday, hour).upload == upload


def test_the_last_entry_of_a_week_holds_until_its_first() -> None:
    """In whatever order they are written."""
    assert limits("Wed-10:00,1M;Sunday-20:00,2M", 0).upload == 2 * M
    assert limits("Sunday-20:00,2M Wed-10:00,1M", 0).upload == 2 * M


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "text is empty"),
        (" ; ", "text is empty"),
        ("bad", "'bad' is not a limit"),
        ("5MB", "'5MB' is not a limit"),
        ("40Mbit", "not bits"),
        ("-5M", "'-5M' is not a limit"),
        ("1e400", "is not a limit"),
        ("9" * 400, "is not a limit"),
        ("0.5B", "is not a limit"),
        ("5M 6M", "'5M' is not a time and a limit"),
        ("24:01,5M", "'24:01,5M' is not a time and a limit"),
        ("8:00,5M", "'8:00,5M' is not a time and a limit"),
        ("08:00,", "'' is not a limit"),
        ("Mno-10:00,5M", "'Mno' is not a day of the week"),
        (":5M", "'' is not a limit"),
        (0, "at least 1"),
        (-1, "at least 1"),
        (math.nan, "at least 1"),
        (math.inf, "at least 1"),
        (True, "at least 1"),
        (b"5M", "at least 1"),
    ],
)
def test_what_is_not_a_limit_is_named(text: float | str, words: str) -> None:
    """The message quotes the part that is wrong."""
    with pytest.raises(ValueError, match=words):
        BandwidthSchedule.read(text)


limit = st.one_of(st.just("off"), st.integers(1, 10**12).map("{}B".format))
pair = st.one_of(limit, st.tuples(limit, limit).map(":".join))
entry = st.tuples(
    st.sampled_from(["", *(f"{day}-" for day in DAYS)]), st.integers(0, 23), st.integers(0, 59), pair
).map(lambda one: f"{one[0]}{one[1]:02d}:{one[2]:02d},{one[3]}")
schedules = st.one_of(pair, st.lists(entry, min_size=1, max_size=5).map(" ".join))


@given(schedules)
def test_a_schedule_is_the_same_as_its_text(text: str) -> None:
    """Written and read again, it has the same limits at the same times."""
    schedule = BandwidthSchedule.read(text)
    assert BandwidthSchedule.read(str(schedule)) == schedule


@given(st.text(alphabet="0123456789:,-. ;kMGBoffMonTue", max_size=20))
def test_any_text_is_read_or_refused(text: str) -> None:
    """With a `ValueError`, and a limit is never 0."""
    try:
        read = BandwidthSchedule.read(text)
    except ValueError:
        return
    assert all(limit >= 1 for _, both in read.entries for limit in both)


@given(schedules, st.integers(0, 6), st.integers(0, 23), st.integers(0, 59))
def test_at_every_time_the_last_entry_before_it_holds(text: str, weekday: int, hour: int, minute: int) -> None:
    """Found by going back minute by minute, over the end of the week too."""
    schedule = BandwidthSchedule.read(text)
    entries, now = dict(schedule.entries), weekday * 1440 + hour * 60 + minute
    back = next(ago for ago in range(7 * 1440) if (now - ago) % (7 * 1440) in entries)
    assert schedule.at(weekday, hour, minute) == entries[(now - back) % (7 * 1440)]


def test_processes_share_a_schedule() -> None:
    """Each of four has a quarter of every limit; no limit stays none."""
    shared = BandwidthSchedule.read("08:00,4M:off 20:00,8M").shared(4)
    assert shared.at(0, 9, 0) == (M, math.inf)
    assert shared.at(0, 21, 0) == (2 * M, 2 * M)


# The arithmetic

steps = st.lists(st.tuples(st.floats(0, 3), st.integers(1, 5000)), min_size=1, max_size=50)


@given(steps, st.integers(1, 10**5))
def test_no_interval_has_more_bytes_than_it_may(pauses: list[tuple[float, int]], rate: int) -> None:
    """Than its seconds bring, plus a burst, plus a piece; whatever the pauses and pieces are."""
    bucket, now, passed = TokenBucket(), 100.0, []
    for pause, count in pauses:
        now += pause
        while (delay := bucket.take(count, rate, now)) > 0:
            now += delay
        passed.append((now, count))
    for first, (start, _) in enumerate(passed):
        total = 0
        for end, count in passed[first:]:
            assert total <= ((end - start) + BURST) * rate + 5000 + 1
            total += count


@given(st.lists(st.integers(1, 5000), min_size=1, max_size=50), st.integers(1, 10**5), st.floats(0, BURST / 2))
def test_no_time_is_lost(counts: list[int], rate: int, late: float) -> None:
    """A transfer that always has bytes ends when its rate says, although each timer fires late."""
    bucket, now = TokenBucket(), 0.0
    for count in counts:
        while (delay := bucket.take(count, rate, now)) > 0:
            now += delay + late
    assert now <= sum(counts[:-1]) / rate + late + 1e-6
    assert now >= sum(counts[:-1]) / rate - 1e-5


# What transfers share


class Timed:
    """A limiter in virtual time, and the bytes that each transfer passed on at which time."""

    def __init__(self, rate: Callable[[], float]) -> None:
        self.limiter = BandwidthLimiter(rate, self.now, asyncio.sleep)
        self.passed: list[tuple[float, str, int]] = []

    def now(self) -> float:
        """Return the time of the loop."""
        return asyncio.get_running_loop().time()

    async def transfer(self, name: str, size: int, piece: int = 1000, gap: float = 0.0) -> float:
        """Pass on some bytes, and return when the last of them was."""
        for _ in range(0, size, piece):
            await self.limiter.take(piece)
            self.passed.append((self.now(), name, piece))
            await asyncio.sleep(gap)
        return self.now()


def test_transfers_share_the_bandwidth_evenly() -> None:
    """Three equal ones end together, when a third of the rate for each says so."""

    async def go() -> None:
        timed = Timed(lambda: 10_000)
        start = timed.now()
        ends = await asyncio.gather(*(timed.transfer(name, 20_000) for name in "abc"))
        assert ends == pytest.approx([start + 6] * 3, rel=0, abs=0.4)

    jumping(go())


def test_a_slow_transfer_leaves_its_share_to_the_others() -> None:
    """One that can only pass on a piece a second does not hold up the other."""

    async def go() -> None:
        timed = Timed(lambda: 10_000)
        start = timed.now()
        slow, fast = await asyncio.gather(timed.transfer("slow", 5_000, gap=1), timed.transfer("fast", 40_000))
        assert fast - start < 4.8
        assert slow - start < 6

    jumping(go())


def test_a_waiting_transfer_notices_a_new_limit() -> None:
    """A piece that would wait for hours goes on a second after the limit was raised."""

    async def go() -> None:
        rates = [1.0]
        timed = Timed(lambda: rates[0])
        start = timed.now()
        await timed.limiter.take(100_000)
        waiting = asyncio.create_task(timed.limiter.take(1))
        await asyncio.sleep(3)
        rates[0] = math.inf
        await waiting
        assert timed.now() - start <= 4.01

    jumping(go())


def test_a_cancelled_transfer_takes_nothing() -> None:
    """Those behind it go on, as if it had not been there."""

    async def go() -> None:
        timed = Timed(lambda: 1_000)
        start = timed.now()
        await timed.limiter.take(1_000)
        gone = asyncio.create_task(timed.limiter.take(50_000))
        behind = asyncio.create_task(timed.limiter.take(1_000))
        await asyncio.sleep(0.5)
        gone.cancel()
        await behind
        assert timed.now() - start == pytest.approx(1, abs=0.1)

    jumping(go())


@pytest.mark.parametrize(("rate", "piece"), [(1, 1024), (1_000_000, 20_000), (1e9, 262_144), (math.inf, 262_144)])
def test_pieces_are_small_at_a_low_rate(rate: float, piece: int) -> None:
    """So that each of many transfers gets some bytes often."""
    assert BandwidthLimiter(lambda: rate).piece(262_144) == piece


def test_directions_have_limits_of_their_own() -> None:
    """By the local time."""
    bandwidth = Bandwidth(
        BandwidthSchedule.read("00:00,1M:2M 12:00,4M"), lambda: time.struct_time((2026, 12, 1, 9, 0, 0, 1, 335, 0))
    )
    assert (bandwidth.upload.piece(M), bandwidth.download.piece(M)) == (int(M * 0.02), int(2 * M * 0.02))


def test_a_limiter_says_when_more_transfers_gain_nothing() -> None:
    """While several wait, and for a moment after they did."""

    async def go() -> list[bool]:
        timed = Timed(lambda: 1_000)
        seen = [timed.limiter.saturated]
        waiting = [asyncio.create_task(timed.limiter.take(1_000)) for _ in range(4)]
        await asyncio.sleep(0.5)
        seen.append(timed.limiter.saturated)
        await asyncio.gather(*waiting)
        await asyncio.sleep(2)
        return [*seen, timed.limiter.saturated]

    assert jumping(go()) == [False, True, False]
