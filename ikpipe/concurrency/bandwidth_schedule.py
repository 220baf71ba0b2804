"""How many bytes a second may be sent and received, by the time of day, as rclone writes it.

The format is that of rclone's ``--bwlimit`` (https://rclone.org/docs/#bwlimit-bandwidth-spec): one limit, such as
``5M``, one for each direction, such as ``10M:2M`` (upload, download), or a timetable of them. Units are binary, and a
number without a unit is in KiB/s. Between two entries of a timetable the earlier one applies, across the end of the
week as well.
"""

from __future__ import annotations

import math
import re
from bisect import bisect_right
from dataclasses import dataclass
from numbers import Real
from typing import NamedTuple

LEAST = 1.0  # bytes per second
_UNITS = {"": 1 << 10, "b": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40, "p": 1 << 50}
_LIMIT = re.compile(r"(\d+(?:\.\d*)?|\.\d+)(?:(b)|([kmgtp])(?:ib?)?)?", re.ASCII | re.IGNORECASE)
_TIME = re.compile(r"(?:([a-z]+)-)?([01]\d|2[0-3]):([0-5]\d)", re.ASCII | re.IGNORECASE)
_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_DAY = 24 * 60  # minutes


class Limits(NamedTuple):
    """Bytes per second that may be uploaded and downloaded; infinite: no limit."""

    upload: float
    download: float


@dataclass(frozen=True)
class BandwidthSchedule:
    """The limits at each time of the week.

    `entries` has minutes since Monday, 00:00, in order, each with the limits that apply from then on.
    """

    entries: tuple[tuple[int, Limits], ...]

    @classmethod
    def read(cls, value: float | str) -> BandwidthSchedule:
        """Return the schedule of bytes per second, or of a text in rclone's format.

        Raise `ValueError` if it is neither; the message says what is wrong.
        """
        if not isinstance(value, str):
            if isinstance(value, bool) or not isinstance(value, Real) or not LEAST <= value < math.inf:
                raise ValueError("It must be a number of bytes per second, at least 1, or text such as '5M' or 'off'.")
            return cls(((0, Limits(float(value), float(value))),))
        words = value.replace(";", " ").split()
        if len(words) == 1 and "," not in value:
            return cls(((0, _limits(words[0])),))
        if not words:
            raise ValueError("The text is empty. Write a limit such as 5M, or off.")
        times: dict[int, Limits] = {}
        for word in words:
            times |= _entry(word)  # of two entries for one time, the later one holds
        return cls(tuple(sorted(times.items())))

    def at(self, weekday: int, hour: int, minute: int) -> Limits:
        """Return the limits at a time; `weekday` is 0 for Monday."""
        now = weekday * _DAY + hour * 60 + minute
        return self.entries[bisect_right(self.entries, now, key=lambda entry: entry[0]) - 1][1]

    def shared(self, number: int) -> BandwidthSchedule:
        """Return the schedule of one of a number of processes that share the bandwidth."""
        return BandwidthSchedule(
            tuple((at, Limits(*(max(LEAST, limit / number) for limit in limits))) for at, limits in self.entries)
        )

    def __str__(self) -> str:
        if len(self.entries) == 1 and self.entries[0][0] == 0:
            return _text(self.entries[0][1])
        return " ".join(
            f"{_DAYS[at // _DAY][:3].capitalize()}-{at % _DAY // 60:02d}:{at % 60:02d},{_text(limits)}"
            for at, limits in self.entries
        )


def _text(limits: Limits) -> str:
    upload, download = ("off" if limit == math.inf else f"{limit:f}".rstrip("0").rstrip(".") + "B" for limit in limits)
    return upload if upload == download else f"{upload}:{download}"


def _entry(word: str) -> dict[int, Limits]:
    """Return one entry of a timetable, for each day if it names none."""
    when, comma, text = word.partition(",")
    time = _TIME.fullmatch(when)
    if not comma or time is None:
        raise ValueError(f"{word!r} is not a time and a limit, such as 08:00,512k or Mon-08:00,512k.")
    limits = _limits(text)
    at = int(time[2]) * 60 + int(time[3])
    if time[1] is None:
        return {day * _DAY + at: limits for day in range(len(_DAYS))}
    day = time[1].lower()
    if day not in (names := {name[:length]: at for at, name in enumerate(_DAYS) for length in (3, None)}):
        raise ValueError(f"{time[1]!r} is not a day of the week. Write Mon, Tue, Wed, Thu, Fri, Sat or Sun.")
    return {names[day] * _DAY + at: limits}


def _limits(text: str) -> Limits:
    upload, colon, download = text.partition(":")
    return Limits(_limit(upload), _limit(download if colon else upload))


def _limit(text: str) -> float:
    """Return a limit in bytes per second; 0 and ``off`` set none, as in rclone."""
    if text.lower() == "off":
        return math.inf
    limit = _LIMIT.fullmatch(text)
    value = math.nan if limit is None else float(limit[1]) * _UNITS[(limit[2] or limit[3] or "").lower()]
    if value == 0:
        return math.inf
    if not LEAST <= value < math.inf:
        raise ValueError(
            f"{text!r} is not a limit. Write bytes (not bits) per second, such as 512k, 5M or 5000000B, or off."
        )
    return value
