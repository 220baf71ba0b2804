"""A run's progress: a callback, and how it is shown as a bar or as lines."""

import sys
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import Any, Protocol, TextIO

EVERY = 5.0  # seconds between two lines


@dataclass(slots=True)
class Progress:
    """How far a run is: its rows, the ended rows by status, and the bytes of files sent from this machine.

    `rows` is None as long as their number is not known.
    """

    rows: int | None
    counts: Counter[str] = field(default_factory=Counter)
    bytes: int = 0

    @property
    def done(self) -> int:
        """Rows that have their final status."""
        return self.counts.total()

    def text(self) -> str:
        """Return the bytes and the statuses besides ``uploaded``, such as ``12.3 MB, 2 failed``."""
        others = [f"{count:,} {status}" for status, count in self.counts.items() if count and status != "uploaded"]
        return ", ".join([format_bytes(self.bytes), *others] if self.bytes else others)


def format_bytes(count: float) -> str:
    """Return a number of bytes as text, such as ``12.3 MB``."""
    for unit in ("B", "kB", "MB"):
        if count < 1000:  # noqa: PLR2004 - SI
            return f"{count:.0f} B" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} GB"


class ProgressDisplay(Protocol):
    """What shows progress."""

    def __call__(self, progress: Progress) -> None:
        """Show the progress; called for each row and each block of bytes."""

    def announce(self, line: str) -> None:
        """Show a line of text."""

    def close(self) -> None:
        """Show the last state."""


class ProgressBar:
    """Show progress as a tqdm bar, in a terminal or a notebook."""

    def __init__(self, bar: Any) -> None:
        self._bar = bar

    def __call__(self, progress: Progress) -> None:
        """Update the bar; tqdm draws it ten times a second at most."""
        with suppress(OSError, ValueError):  # a stream that is closed or full does not stop a run
            self._bar.set_postfix_str(progress.text(), refresh=False)
            self._bar.update(progress.done - self._bar.n)

    def announce(self, line: str) -> None:
        """Print a line above the bar."""
        with suppress(OSError):
            self._bar.write(line, file=self._bar.fp)

    def close(self) -> None:
        """Leave the bar in its last state."""
        with suppress(OSError, ValueError):
            self._bar.refresh()
            self._bar.close()


class ProgressLines:
    """Show progress as a line from time to time, for logs and pipes."""

    def __init__(self, stream: TextIO, clock: Callable[[], float] = time.monotonic) -> None:
        self._stream, self._clock = stream, clock
        self._due = clock() + EVERY
        self._last: Progress | None = None
        self._said = -1

    def __call__(self, progress: Progress) -> None:
        """Print a line if the last one is `EVERY` seconds old."""
        self._last = progress
        if self._clock() >= self._due:
            self._due = self._clock() + EVERY
            self._print(progress)

    def announce(self, line: str) -> None:
        """Print a line."""
        with suppress(OSError):
            print(line, file=self._stream, flush=True)

    def close(self) -> None:
        """Print a last line, if anything changed."""
        if self._last is not None and self._last.done != self._said:
            self._print(self._last)

    def _print(self, progress: Progress) -> None:
        self._said = progress.done
        of = "" if progress.rows is None else f" of {progress.rows:,}"
        noun = "row" if (progress.rows or progress.done) == 1 else "rows"
        self.announce(", ".join(filter(None, (f"ikpipe: {progress.done:,}{of} {noun}", progress.text()))))


class NoProgress:
    """Show nothing, or call the user's callback."""

    def __init__(self, callback: Callable[[Progress], None] = lambda _progress: None) -> None:
        self._callback = callback

    def __call__(self, progress: Progress) -> None:
        """Call the callback."""
        self._callback(progress)

    def announce(self, line: str) -> None:
        """Do nothing."""

    def close(self) -> None:
        """Do nothing."""


def display(wanted: bool | Callable[[Progress], None], rows: int | None) -> ProgressDisplay:  # noqa: FBT001 - the contract's word
    """Return what shows progress: a bar in a notebook or a terminal, otherwise lines on standard error."""
    if not isinstance(wanted, bool):
        return NoProgress(wanted)
    if not wanted or rows == 0:
        return NoProgress()
    if _in_notebook() and find_spec("ipywidgets"):
        from tqdm.notebook import tqdm as notebook_bar

        return ProgressBar(notebook_bar(total=rows, unit="row"))
    if sys.stderr is None or sys.stderr.closed:  # as in a Windows service
        return NoProgress()
    if sys.stderr.isatty():
        from tqdm.std import tqdm as terminal_bar

        return ProgressBar(terminal_bar(total=rows, unit="row"))
    return ProgressLines(sys.stderr)


def _in_notebook() -> bool:
    ipython = sys.modules.get("IPython")
    return ipython is not None and hasattr(ipython.get_ipython(), "kernel")
