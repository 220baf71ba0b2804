"""The totals of a sync as text, besides those of its uploads: what was moved and deleted, and why not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from textwrap import wrap
from typing import TYPE_CHECKING, Any

from ikpipe.errors import one_line
from ikpipe.errors.scrubbing import scrubbed
from ikpipe.run.report import count_of

if TYPE_CHECKING:
    import pandas as pd

_DONE = ("done", "absent")
_WORDS = {"move": "moved", "delete": "deleted"}
_COLUMNS = ("ik_action", "ik_change", "ik_change_message")


@dataclass
class SyncCounts:
    """Counts of the files that were moved and deleted, and of those that were not, by the reason."""

    done: Counter[str] = field(default_factory=Counter)
    failed: Counter[tuple[str, str]] = field(default_factory=Counter)

    @classmethod
    def of(cls, frame: pd.DataFrame) -> SyncCounts:
        """Return the counts of the results of a sync; of other results, they are empty."""
        counts = cls()
        if not {*_COLUMNS} <= {*frame.columns}:
            return counts
        rows: Any = zip(*(frame[name].tolist() for name in _COLUMNS), strict=True)
        for action, change, message in rows:
            if action in _WORDS and change in _DONE:
                counts.done[action] += 1
            elif action in _WORDS:
                counts.failed[action, message if isinstance(message, str) else ""] += 1
        return counts

    @property
    def all_done(self) -> bool:
        """Whether all was deleted that was to be; a file that could not be moved is uploaded, as its status says."""
        return not any(action == "delete" for action, _ in self.failed)

    def lines(self, width: int) -> Iterator[str]:
        """Yield the totals."""
        if self.done:
            yield "; ".join(
                f"{count_of(count, 'file')} {_WORDS[action]}" for action, count in sorted(self.done.items())
            )
        for (action, reason), count in self.failed.most_common():
            text = f"{count_of(count, 'file')} not {_WORDS[action]}: {scrubbed(one_line(reason))}"
            yield from wrap(text, width, subsequent_indent="    ", break_on_hyphens=False)


def sent_rows(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of results that are those of a source: without files that a sync deleted."""
    if "ik_action" not in frame.columns:
        return frame
    return frame[[action != "delete" for action in frame["ik_action"].tolist()]]
