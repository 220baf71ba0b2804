"""What a run shows of its progress: it is told what happens, and passes it on to the display."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager, suppress
from typing import TYPE_CHECKING, Any

from ikpipe.concurrency.ticker import ticking
from ikpipe.errors import Message, short_repr
from ikpipe.request.result import Result, ended
from ikpipe.run.progress import BAD, STOPPING, Progress
from ikpipe.run.progress_display import ProgressDisplay

if TYPE_CHECKING:
    from ikpipe.concurrency.interrupts import RunControl
    from ikpipe.frames.chunks import Chunk, TableSource
    from ikpipe.run.executor import UploadExecutor

TICK = 0.5  # seconds between two updates of the display while nothing happens


class ProgressTracker:
    """Tracks the progress of a run, and shows it.

    `table` and `control` are those of the run, `display` shows its progress. `executor` uploads its rows; None as long
    as there is none.
    """

    def __init__(self, table: TableSource, control: RunControl, display: ProgressDisplay) -> None:
        self.progress = Progress(table.rows)
        self.executor: UploadExecutor | None = None
        self._table, self._control, self._display = table, control, display
        self._activity = ""

    def ticking(self) -> AbstractAsyncContextManager[None]:
        """Return a context in which the progress is also shown while nothing happens."""
        return ticking(TICK, self.show if self._display.ticks else None)

    def show(self) -> None:
        """Show the progress."""
        if not self._display.shows:
            return
        if self.executor is not None:
            self.progress.flight(sum(gate.in_flight for gate in self.executor.gates))
            self.progress.activity = self._activity or self.executor.activity
        if self._control.interrupted:
            self.progress.activity = STOPPING
        self._display(self.progress)

    def doing(self, activity: str) -> None:
        """Show what is done now besides uploads; empty: nothing is."""
        if activity != self._activity:
            self._activity = activity
            with suppress(Exception):  # of the user's callback, whose errors stop the run as soon as a row ends
                self.show()

    def sent(self, count: int) -> None:
        """Show that bytes of a file were sent."""
        self.progress.bytes += count
        self.show()

    def wait(self, seconds: float, reason: str) -> None:
        """Show that the service holds the run."""
        self.progress.wait(seconds, reason)
        with suppress(Exception):
            self.show()

    def read(self, chunk: Chunk | None, rows: int) -> None:
        """Note the number of rows, or its estimate by the part of the file that was read.

        `chunk` is what was read; None at the end, after so many `rows`.
        """
        self.doing("")
        share = self._table.read_share
        if chunk is None:
            self.progress.rows = rows if self.progress.rows is None else self.progress.rows
        elif share:
            self.progress.expected = round((chunk.start + len(chunk.frame)) / share)

    def ended(self, label: Any, position: int, result: Result, *, new: bool) -> None:
        """Show how a row ended, and the first row of each reason; `new`: in this run."""
        self.progress.counts[result.status] += 1
        if result.status in BAD and self.progress.refused(result.status, result.error) and new:
            lines = self._table.lines
            line = None if lines is None or position >= len(lines) else lines[position]
            self._display.announce(Message("ikpipe: ", described(label, result, line)))
        self.show()


def described(label: Any, result: Result, line: int | None = None) -> Message:
    """Return which row is not uploaded, and why; `line` is that of its file, as spreadsheets count them."""
    row = f"Row {short_repr(label)}" if line is None else f"Row {short_repr(label)} (line {line:,})"
    return Message(f"{row} {ended(result.status)} ({result.error}): ", result.message)
