"""The rate of the last seconds."""

from __future__ import annotations

import pytest

from ikpipe.widget.sliding_rate import WINDOW, SlidingRate


def rates(*samples: tuple[float, int]) -> list[float]:
    """Return the rate after each sample of a time and a number of bytes."""
    rate = SlidingRate()
    return [rate.of(when, amount) for when, amount in samples]


def test_a_steady_stream_has_its_rate() -> None:
    """The rate is that of the bytes since the first sample."""
    assert rates((0, 0), (1, 100), (2, 200))[1:] == [100, 100]


def test_the_first_moment_has_no_rate() -> None:
    """Two samples that are close to each other would give any rate."""
    assert rates((0, 0), (0.1, 10_000)) == [0, 0]


def test_without_bytes_there_is_no_rate() -> None:
    """A stream that stopped has none after the window, so that no time is estimated."""
    stalled = [(float(second), 5_000) for second in range(1, int(WINDOW) + 3)]
    assert rates((0, 0), *stalled)[-1] == 0


def test_bytes_that_are_missing_for_a_moment_do_not_count_twice() -> None:
    """When a file ends, its bytes are counted elsewhere a little later."""
    assert rates((0, 0), (1, 1_000), (2, 0), (3, 3_000))[-1] == pytest.approx(1_000)


def test_a_repeated_attempt_gets_a_rate_again() -> None:
    """A large file that starts from the beginning does not stay below its last progress for long."""
    again = [(float(second), 100 * (second - 20)) for second in range(21, 60)]
    assert rates((0, 0), (20, 10**9), *again)[-1] == pytest.approx(100)


def test_another_run_starts_anew() -> None:
    """The time between two runs does not count."""
    assert rates((0, 0), (1, 100), (1_000, 100), (1_001, 300))[-1] == 200
