"""The totals of an uploader's runs: rows, bytes and seconds, of all runs and of those in progress."""

import time
from collections.abc import Iterable, Iterator
from typing import Any

from ikpipe.widget.browser_uploads import BrowserUploads
from ikpipe.widget.runs import Run
from ikpipe.widget.sliding_rate import SlidingRate


class RunTotals(Iterable[Run]):
    """The runs in progress, which it iterates over, and what is known of all; `ended` is the number of ended runs."""

    def __init__(self, uploads: BrowserUploads) -> None:
        self._uploads, self._rate = uploads, SlidingRate()
        self._runs: list[Run] = []
        self._ended_bytes, self._ended_seconds = 0, 0.0
        self.ended = 0

    def __iter__(self) -> Iterator[Run]:
        return iter([*self._runs])

    def __bool__(self) -> bool:
        return bool(self._runs)

    def add(self, run: Run) -> None:
        """Add a run that starts."""
        self._runs.append(run)

    def end(self, run: Run) -> None:
        """Count a run that has ended."""
        self._runs.remove(run)
        self._ended_bytes += run.bytes
        self._ended_seconds += time.monotonic() - run.started
        self.ended += 1

    @property
    def bytes(self) -> int:
        """How many bytes all runs have sent."""
        return self._ended_bytes + sum(run.bytes for run in self)

    @property
    def seconds(self) -> float:
        """How long all runs took, in seconds."""
        now = time.monotonic()
        return self._ended_seconds + sum(now - run.started for run in self)

    def progress(self) -> dict[str, Any]:
        """Return a message with the rows that ended, the bytes sent and in all, bytes per second, and seconds left."""
        runs = [*self]
        sent = sum(run.ended_bytes for run in runs) + self._uploads.loaded
        total = sum(run.total_bytes - run.cancelled_bytes for run in runs)
        rate = self._rate.of(time.monotonic(), self.bytes + self._uploads.loaded) if runs else 0.0
        return {
            "type": "totals",
            "sent": sum(run.ended_rows for run in runs),
            "bytes": min(sent, total),
            "of": total,
            "rate": round(rate),
            "left": round((total - sent) / rate, 1) if rate and total > sent else 0.0,
        }

    def counts(self) -> dict[str, int] | None:
        """Return how many rows the runs have, and how many of them have ended and failed; None if there is no run."""
        runs = [*self]
        if not runs:
            return None
        ended, failed = sum(run.ended_rows for run in runs), sum(run.failed_rows for run in runs)
        return {"rows": sum(len(run.rows) for run in runs), "ended": ended, "failed": failed}
