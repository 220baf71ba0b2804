"""A run's progress: what is counted and measured, and how it is written."""

from __future__ import annotations

import time
from collections import Counter, deque
from dataclasses import dataclass, field
from typing import NamedTuple

RECENT = 10.0  # seconds that the current rate is measured over
TREND = 60.0  # seconds that the time left is estimated from, if enough rows ended in them
_SAMPLE, _SHORTEST = 0.5, 1.0  # seconds between two samples, and of a measurement
_ENOUGH = 10  # rows
_IDLE = 1.0  # seconds with nothing in flight, after which that is shown
STOPPING = "stopping"
"""The activity of a run that was interrupted, while it finishes what is in flight."""
BAD = ("failed", "invalid", "unknown")
"""The statuses of rows that are not uploaded, in the order in which they are shown."""


class _Sample(NamedTuple):
    at: float
    rows: int
    bytes: int


class Part(NamedTuple):
    """A part of the text about a progress, and its `short` form, if it has one.

    Of the parts that do not fit, those with the highest `rank` are left out first.
    """

    rank: int
    text: str
    short: str = ""


@dataclass(slots=True)
class Progress:
    """How far a run is.

    Attributes
    ----------
    rows
        The number of rows; None as long as it is not known.
    counts
        The ended rows, by status.
    bytes
        Bytes of files sent from this machine.
    expected
        The number of rows, estimated by the part of the file that was read; None if there is no estimate.
    in_flight
        Uploads that were sent and have no reply yet.
    reasons
        The codes of rows that are not uploaded, by status, with their numbers.
    activity
        What is done now if nothing is in flight, such as ``"reading the table"``.
    """

    rows: int | None
    counts: Counter[str] = field(default_factory=Counter)
    bytes: int = 0
    expected: int | None = None
    in_flight: int = 0
    reasons: dict[str, Counter[str]] = field(default_factory=dict)
    activity: str = ""
    _began: float = field(default_factory=time.monotonic, compare=False, repr=False)
    _now: float = field(default_factory=time.monotonic, compare=False, repr=False)
    _busy: float = field(default_factory=time.monotonic, compare=False, repr=False)  # when something was in flight
    _samples: deque[_Sample] = field(default_factory=deque, compare=False, repr=False)
    _wait: tuple[float, str] = field(default=(0.0, ""), compare=False, repr=False)

    @property
    def done(self) -> int:
        """Rows that have their final status."""
        return self.counts.total()

    @property
    def total(self) -> int | None:
        """The number of rows, known or estimated; None if it is neither."""
        if self.rows is not None or self.expected is None:
            return self.rows
        return max(self.expected, self.done)

    @property
    def seconds(self) -> float:
        """Seconds since the run started."""
        return self._now - self._began

    @property
    def rows_per_second(self) -> float:
        """Rows that ended per second, in the last `RECENT` seconds."""
        then = self._before(RECENT)
        return self._per_second(self.done - then.rows, then)

    @property
    def bytes_per_second(self) -> float:
        """Bytes sent per second, in the last `RECENT` seconds."""
        then = self._before(RECENT)
        return self._per_second(self.bytes - then.bytes, then)

    @property
    def seconds_left(self) -> float | None:
        """Seconds until the run ends, as far as its rate tells; None if that is not known."""
        if self.total is None or not self.done or self.seconds < 1:
            return None
        then = self._before(TREND)
        if self.done - then.rows < _ENOUGH:
            then = _Sample(self._began, 0, 0)
        return (self.total - self.done) * (self._now - then.at) / (self.done - then.rows)

    def _before(self, seconds: float) -> _Sample:
        """Return what was measured some seconds ago; in a shorter run, what was measured first."""
        first = _Sample(self._began, 0, 0)
        return next((one for one in reversed(self._samples) if one.at <= self._now - seconds), first)

    def _per_second(self, count: int, then: _Sample) -> float:
        """Return a rate since a sample; 0 while too little time has passed to measure one."""
        seconds = self._now - then.at
        return count / seconds if seconds >= _SHORTEST else 0.0

    @property
    def waiting(self) -> str:
        """What the run waits for, such as ``"ImageKit asks to wait 12 s"``; empty if it does not wait."""
        until, reason = self._wait
        return f"{reason} {format_seconds(until - self._now)}" if until > self._now else ""

    def note(self, now: float) -> None:
        """Note the time, in seconds of the monotonic clock, and measure the rate."""
        self._now = now
        samples = self._samples
        if not samples or now - samples[-1].at >= _SAMPLE:
            samples.append(_Sample(now, self.done, self.bytes))
            while samples[0].at < now - TREND - 2 * _SAMPLE:
                samples.popleft()

    def flight(self, count: int) -> None:
        """Note how many uploads are in flight."""
        self.in_flight = count
        if count:
            self._busy = time.monotonic()

    def wait(self, seconds: float, reason: str) -> None:
        """Note that nothing is sent for some seconds; `reason` is followed by their number."""
        until = time.monotonic() + seconds
        if until > self._wait[0]:
            self._wait = until, reason

    def refused(self, status: str, code: str | None) -> bool:
        """Count a row that is not uploaded, and return whether it is the first with this status and code."""
        codes = self.reasons.setdefault(status, Counter())
        codes[code or "no reason"] += 1
        return codes[code or "no reason"] == 1

    def text(self) -> str:
        """Return the bytes and the statuses besides ``uploaded``, such as ``12.3 MB, 2 failed``."""
        others = [f"{count:,} {status}" for status, count in self.counts.items() if count and status != "uploaded"]
        return ", ".join([format_bytes(self.bytes), *others] if self.bytes else others)

    def parts(self) -> list[Part]:
        """Return the parts of the text about a run in progress, in the order of reading."""
        left = self.seconds_left
        idle = not self.in_flight and self._now - self._busy >= _IDLE
        now = self.waiting or (self.activity if idle or self.activity == STOPPING else "")
        return _written(
            self._rows(),
            (1, now, f"waiting {format_seconds(self._wait[0] - self._now)}" if self.waiting else ""),
            (3, "" if left is None or now else f"{format_seconds(left)} left"),
            (4, format_bytes(self.bytes) if self.bytes else ""),
            (5, _rate(self.rows_per_second)),
            (6, f"{format_bytes(sent)}/s" if (sent := self.bytes_per_second) > 0 else ""),
            (8, f"{self.in_flight:,} in flight" if self.in_flight else ""),
            *self._statuses(),
        )

    def summary_parts(self) -> list[Part]:
        """Return the parts of the text about a run that has ended."""
        return _written(
            self._rows(),
            (3, f"in {format_seconds(self.seconds)}"),
            (4, format_bytes(self.bytes) if self.bytes else ""),
            (5, _rate(self._per_second(self.done, _Sample(self._began, 0, 0)))),
            *self._statuses(),
        )

    def _rows(self) -> Part:
        total, about = self.total, "" if self.rows is not None else "about "
        noun = "row" if (total or self.done) == 1 else "rows"
        if total is None:
            return Part(0, f"{self.done:,} {noun}")
        total = _rounded(total) if about else total
        return Part(0, f"{self.done:,} of {about}{total:,} {noun}", f"{self.done:,}/{total:,}")

    def _statuses(self) -> list[tuple[int, str]]:
        """Return the rows that are not simply uploaded, those with a reason last."""
        others = [status for status in self.counts if status not in ("uploaded", "cancelled", *BAD)]
        ranks = {**dict.fromkeys(others, 7), **dict.fromkeys(("cancelled", *BAD), 2)}
        return [(rank, f"{self.counts[status]:,} {status}") for status, rank in ranks.items() if self.counts[status]]

    def with_reasons(self, text: str) -> str:
        """Return a text of `parts` with the reasons of the rows that it counts: ``3 failed: checks (2), tags (1)``."""
        codes = self.reasons.get(text.rpartition(" ")[2])
        if not codes:
            return text
        return f"{text}: {', '.join(f'{code} ({count:,})' for code, count in codes.most_common())}"


def _written(*parts: tuple[int, str] | tuple[int, str, str]) -> list[Part]:
    return [Part(*part) for part in parts if part[1]]


def _rate(rows: float) -> str:
    if rows <= 0:
        return ""
    return f"{rows:,.0f} rows/s" if rows >= 10 else f"{rows:.1f} rows/s"  # noqa: PLR2004 - two digits


def _rounded(number: int) -> int:
    """Return an estimate with three digits."""
    digits = max(len(str(number)) - 3, 0)
    return round(number, -digits)


def format_seconds(seconds: float) -> str:
    """Return a duration as text, such as ``12 s``, ``2:10 min``, ``3:05 h`` or ``2 days``."""
    whole = max(round(seconds), 1)
    if whole < 60:  # noqa: PLR2004
        return f"{whole} s"
    minutes, seconds = divmod(whole, 60)
    if minutes < 60:  # noqa: PLR2004
        return f"{minutes}:{seconds:02d} min"
    hours, minutes = divmod(minutes, 60)
    if hours < 48:  # noqa: PLR2004
        return f"{hours}:{minutes:02d} h"
    return f"{round(hours / 24)} days"


def format_bytes(count: float) -> str:
    """Return a number of bytes as text, such as ``12.3 MB``."""
    for unit in ("B", "kB", "MB"):
        if count < 1000:  # noqa: PLR2004 - SI
            return f"{count:.0f} B" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} GB"
