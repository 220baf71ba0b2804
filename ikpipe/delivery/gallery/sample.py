"""The rows that a gallery or a report shows: a bounded number of a table of any length."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

from ikpipe.delivery.gallery.page import GalleryEntry
from ikpipe.frames.results import results_of
from ikpipe.request.result import CANCELLED, SETTLED, Result
from ikpipe.run.ordering import ResultSink
from ikpipe.run.report import row_name
from ikpipe.run.sync_report import sent_rows

if TYPE_CHECKING:
    import pandas as pd

    from ikpipe.frames.chunks import Chunk

LIMIT = 200
"""Default maximum number of uploaded files, and of rows with the same problem."""


_SETTLED = "\0"  # is not an error code


class GallerySample:
    """The first files that are in the library, and the first rows with each problem.

    `limit` is the maximum number of each. `label` is a column with a name for each row; None: the file's name, or else
    the index label. `others` are the rows that are not uploaded, by error code, as `StatusCounts.errors` has them.
    `lines` are the rows' lines in their file, None if it has no lines. `file` is the column of the files.
    """

    def __init__(self, limit: int = LIMIT, label: str | None = None) -> None:
        self.uploaded: list[GalleryEntry] = []
        self.others: dict[str, list[GalleryEntry]] = {}
        self.lines: Sequence[int] | None = None
        self.file: object = "file"
        self._limit, self._label = limit, label

    def add_frame(self, frame: pd.DataFrame) -> None:
        """Add the rows of a results frame; deletions of a sync are not rows."""
        frame = sent_rows(frame)
        kinds = codes_of(frame).mask(frame["ik_status"].isin(SETTLED), _SETTLED)
        chosen = frame[kinds.groupby(kinds).cumcount() < self._limit]
        self.add(self._entries(chosen, results_of(chosen)))

    def add(self, some: Sequence[GalleryEntry]) -> None:
        """Add the next rows, as far as there is room for them."""
        for entry in some:
            shown = self.uploaded
            if entry.result.status not in SETTLED:
                shown = self.others.setdefault(entry.result.error or "", [])
            if len(shown) < self._limit:
                shown.append(entry)

    def chosen(self, frame: pd.DataFrame, results: Sequence[Result], start: int) -> list[GalleryEntry]:
        """Return those of some rows that there could be room for; `start` is the position of the first row."""
        seen = Counter({code: len(shown) for code, shown in self.others.items()})
        seen[_SETTLED] = len(self.uploaded)
        places = []
        for at, result in enumerate(results):
            kind = _SETTLED if result.status in SETTLED else result.error or ""
            if seen[kind] < self._limit:
                seen[kind] += 1
                places.append(at)
        return self._entries(frame.iloc[places], [results[at] for at in places], [start + at for at in places])

    def _entries(
        self, frame: pd.DataFrame, results: Sequence[Result], positions: Sequence[int] = ()
    ) -> list[GalleryEntry]:
        """Return rows as entries that name the row."""
        rows = [row_name(label, at, self.lines) for label, at in zip_longest(frame.index, positions[: len(frame)])]
        return [
            one._replace(row=row)
            for one, row in zip(entries(frame, results, self._label, self.file), rows, strict=True)
        ]

    def sink(self, sink: ResultSink) -> ResultSink:
        """Return a sink that adds the rows of a run and passes them on."""
        return _SamplingSink(self, sink)


class _SamplingSink:
    """A sink that adds rows to a sample, in the table's order, and passes them on."""

    def __init__(self, sample: GallerySample, sink: ResultSink) -> None:
        self._sample, self._sink = sample, sink

    def prepare(self, chunk: Chunk, results: list[Result] | None) -> tuple[Any, list[GalleryEntry]]:
        """Prepare rows for the sink, and choose those that can be shown."""
        some = self._sample.chosen(chunk.frame, results or [CANCELLED] * len(chunk.frame), chunk.start)
        return self._sink.prepare(chunk, results), some

    def take(self, prepared: tuple[Any, list[GalleryEntry]]) -> None:
        """Add the next rows, and pass them on."""
        rows, some = prepared
        self._sample.add(some)
        self._sink.take(rows)

    def close(self, summary: Mapping[str, Any]) -> Any:
        """Pass the summary on."""
        return self._sink.close(summary)


def codes_of(frame: pd.DataFrame) -> pd.Series[str]:
    """Return the error code of each row of a results frame; empty text if it has none."""
    codes = frame["ik_error"] if "ik_error" in frame.columns else frame["ik_status"].mask(frame["ik_status"].notna())
    return codes.astype(object).fillna("")


def entries(
    frame: pd.DataFrame, results: Sequence[Result], label: str | None, file: object = "file"
) -> list[GalleryEntry]:
    """Return rows of a table as entries, each with its label; `file` is the column of the files."""
    names = frame[label].tolist() if label else [None] * len(frame)
    files = frame[file].tolist() if file in frame.columns else names
    rows = zip(frame.index, names, files, results, strict=True)
    return [GalleryEntry(_label(at, (name, result.name, file)), result) for at, name, file, result in rows]


def _label(index_label: object, names: tuple[object, ...]) -> str:
    """Return the first text among the names of a row, or else its index label."""
    texts = (name for name in names if isinstance(name, str) and name and not name.startswith("data:"))
    return next(texts, f"row {index_label}")
