"""How a run's progress is shown: a bar in a terminal or a notebook, lines elsewhere, or a callback of the user's."""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any, Protocol, TextIO

from ikpipe.errors.logs import harmless
from ikpipe.run.progress import Part, Progress

EVERY = 5.0  # seconds between two lines, at first
_SLOWER, _LONGEST = 20, 300.0  # later a twentieth of the time so far, at most these seconds
_REDRAW = 0.1  # seconds between two states of a bar
_LEAST_WIDTH = 60  # characters of a line that has a bar
_BAR_SHARE, _BAR = 6, 30  # the part of the line that a bar takes, and its maximum number of characters
_NOTEBOOK = 110  # characters of text next to a notebook's bar
_IMPORTANT = 2  # the highest rank of parts that are written in a short form before they are left out
_CLOCK = "%Y-%m-%d %H:%M:%S"


@dataclass(frozen=True)
class ProgressOptions:
    """Show progress, in the reader's terms.

    `write` returns a text of the library with other names, such as the options of the command line.
    """

    write: Callable[[str], str] = str


Shown = bool | Callable[[Progress], None] | ProgressOptions
"""What the keyword `progress` can be; `ProgressOptions` are those of the command line."""


class ProgressDisplay(Protocol):
    """What shows progress, if it `shows` any. `ticks`: it is also called from time to time while nothing happens."""

    shows: bool
    ticks: bool

    def __call__(self, progress: Progress) -> None:
        """Show the progress; called for each row and each block of bytes."""

    def announce(self, line: str) -> None:
        """Show a line of text."""

    def close(self) -> None:
        """Show the last state."""


def fit(progress: Progress, parts: Sequence[Part], width: int) -> str:
    """Return the text of as many parts as fit into a number of characters, the first one in any case.

    The most important parts are kept, in the order of reading, and reasons are added where there is room for them.
    """
    shown = _without(parts, width, _IMPORTANT)
    if len(_joined(shown)) > width:
        shown = _without([part._replace(text=part.short or part.text) for part in shown], width, 0)
    if len(shown) == len(parts):
        full = [part._replace(text=progress.with_reasons(part.text)) for part in shown]
        shown = full if len(_joined(full)) <= width else shown
    return _joined(shown)


def _without(parts: Sequence[Part], width: int, least: int) -> list[Part]:
    """Return the parts that fit, without those of the highest ranks; those up to `least` stay in any case."""
    shown = [*parts]
    while len(_joined(shown)) > width and (last := max(reversed(shown), key=lambda part: part.rank)).rank > least:
        shown.remove(last)
    return shown


def _joined(parts: Sequence[Part]) -> str:
    return ", ".join(part.text for part in parts)


class ProgressBar:
    """Show progress as a tqdm bar, in a terminal or a notebook.

    `bar` is the bar. `width` returns the number of characters of a terminal's line; None: the bar is a widget of a
    notebook. `write` is as for `ProgressOptions`.
    """

    shows = ticks = True

    def __init__(
        self,
        bar: Any,
        width: Callable[[], int] | None = None,
        write: Callable[[str], str] = str,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._bar, self._width, self._write, self._clock = bar, width, write, clock
        self._due = 0.0
        self._last: Progress | None = None

    def __call__(self, progress: Progress) -> None:
        """Draw the bar, ten times a second at most."""
        self._last = progress
        if (now := self._clock()) >= self._due:
            self._due = now + _REDRAW
            progress.note(now)
            self._draw(progress, progress.parts())

    def announce(self, line: str) -> None:
        """Print a line above the bar."""
        with suppress(OSError, ValueError):
            self._bar.write(harmless(self._write(line)), file=self._bar.fp)

    def close(self) -> None:
        """Leave the bar in its last state, unless no row has ended."""
        self._bar.leave = self._last is not None and self._last.done > 0
        if self._last is not None:
            self._last.note(self._clock())
            self._draw(self._last, self._last.summary_parts())
        with suppress(OSError, ValueError):
            self._bar.close()

    def _draw(self, progress: Progress, parts: Sequence[Part]) -> None:
        total, bar = progress.total, self._bar
        share = f"{min(100, 100 * progress.done // total):3d}% " if total else ""
        if self._width is None:
            drawn, room = "{bar} ", _NOTEBOOK
        else:
            width = self._width()
            # The size of the bar depends on nothing else, or it would jump.
            size = min(width // _BAR_SHARE, _BAR) if total and width >= _LEAST_WIDTH else 0
            drawn = f"|{{bar:{size}}}| " if size else ""
            room = width - len(share) - (size + len("|| ") if size else 0)
        bar.bar_format = share + drawn + fit(progress, parts, room).replace("{", "{{").replace("}", "}}")
        with suppress(OSError, ValueError):  # a stream that is closed or full does not stop a run
            if bar.total != total:
                bar.reset(total)
            bar.n = progress.done
            bar.refresh()


class ProgressLines:
    """Show progress as a line from time to time, for logs and pipes; the longer a run is, the fewer."""

    shows = ticks = True

    def __init__(
        self,
        stream: TextIO,
        clock: Callable[[], float] = time.monotonic,
        write: Callable[[str], str] = str,
        now: Callable[[], str] = lambda: time.strftime(_CLOCK),
    ) -> None:
        self._stream, self._clock, self._write, self._now = stream, clock, write, now
        self._began = clock()
        self._due = self._began + EVERY
        self._last: Progress | None = None

    def __call__(self, progress: Progress) -> None:
        """Print a line if the last one is old enough."""
        self._last = progress
        if (now := self._clock()) >= self._due:
            self._due = now + min(max(EVERY, (now - self._began) / _SLOWER), _LONGEST)
            progress.note(now)
            self._print(progress, progress.parts())

    def announce(self, line: str) -> None:
        """Print a line."""
        with suppress(OSError, ValueError):
            print(f"{self._now()} {harmless(self._write(line))}", file=self._stream, flush=True)

    def close(self) -> None:
        """Print a last line, unless no row has ended."""
        if self._last is not None and self._last.done:
            self._last.note(self._clock())
            self._print(self._last, self._last.summary_parts())

    def _print(self, progress: Progress, parts: Sequence[Part]) -> None:
        self.announce(f"ikpipe: {fit(progress, parts, sys.maxsize)}")


class NoProgress:
    """Show nothing, or call the user's callback."""

    ticks = False

    def __init__(self, callback: Callable[[Progress], None] = lambda _progress: None, *, shows: bool = True) -> None:
        self._callback, self.shows = callback, shows

    def __call__(self, progress: Progress) -> None:
        """Call the callback."""
        progress.note(time.monotonic())
        self._callback(progress)

    def announce(self, line: str) -> None:
        """Do nothing."""

    def close(self) -> None:
        """Do nothing."""


def display(wanted: Shown, rows: int | None) -> ProgressDisplay:
    """Return what shows progress: a bar in a notebook or a terminal, otherwise lines on standard error."""
    options = wanted if isinstance(wanted, ProgressOptions) else ProgressOptions()
    if not isinstance(wanted, bool | ProgressOptions):
        return NoProgress(wanted)
    if not wanted or rows == 0:
        return NoProgress(shows=False)
    if _in_notebook() and find_spec("ipywidgets"):
        from tqdm.notebook import tqdm as notebook_bar

        return ProgressBar(notebook_bar(total=rows, unit="row"), write=options.write)
    if sys.stderr is None or sys.stderr.closed:  # as in a Windows service
        return NoProgress(shows=False)
    if sys.stderr.isatty():
        from tqdm.std import tqdm as terminal_bar

        bar = terminal_bar(total=rows, unit="row", file=sys.stderr, bar_format=" ")
        return ProgressBar(bar, lambda: _columns() - 1, options.write)
    return ProgressLines(sys.stderr, write=options.write)


def _columns() -> int:
    """Return the width of the terminal that standard error is, in characters."""
    try:
        return os.get_terminal_size(sys.stderr.fileno()).columns or shutil.get_terminal_size().columns
    except (OSError, ValueError, AttributeError):
        return shutil.get_terminal_size().columns


def _in_notebook() -> bool:
    ipython = sys.modules.get("IPython")
    return ipython is not None and hasattr(ipython.get_ipython(), "kernel")
