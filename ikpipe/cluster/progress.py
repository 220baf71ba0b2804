"""The progress of an upload in parts: that of all parts together."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from ikpipe.run.progress import Progress, ProgressDisplay, display

if TYPE_CHECKING:
    from collections.abc import Callable


class Parts:
    """The progress of parts that are done apart from each other, put together and drawn.

    Parameters
    ----------
    wanted
        How it is drawn, as for `display`.
    parts
        How many there are; None where nobody knows.
    """

    def __init__(self, wanted: bool | Callable[[Progress], None], parts: int | None = None) -> None:  # noqa: FBT001
        self._wanted, self._parts = wanted, parts
        self._known: dict[str, Progress] = {}
        self._ended: set[str] = set()
        self._total = Progress(None)
        self._display: ProgressDisplay | None = None
        self._lock = threading.Lock()

    def __call__(self, part: str, progress: Progress, *, ended: bool) -> None:
        """Take in how far a part is, by its name; one that is done again after it had ended counts once."""
        with self._lock:
            if part in self._ended or len(self._ended) == self._parts:
                return
            before = self._known.get(part, Progress(None))
            self._known[part] = progress
            self._total.counts.update(progress.counts)
            self._total.counts.subtract(before.counts)
            self._total.bytes += progress.bytes - before.bytes
            if ended:
                self._ended.add(part)
            if len(self._known) == self._parts:
                self._total.rows = sum(one.rows or 0 for one in self._known.values())
            self._display = self._display or display(self._wanted, None)
            self._display(self._total)
            if len(self._ended) == self._parts:
                self._display.close()
