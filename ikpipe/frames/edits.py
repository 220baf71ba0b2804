"""Frames of files in the library: which files they name, and the result of a change for each row."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import pandas as pd

from ikpipe.errors import MappingError, did_you_mean
from ikpipe.frames.adapters import FrameAdapter
from ikpipe.frames.cells import are_integers, plain_cells
from ikpipe.frames.chunks import Chunk, InMemoryTable, TableSource
from ikpipe.frames.results import with_new_columns

CHANGE, MESSAGE = "ik_change", "ik_change_message"


class Change(NamedTuple):
    """The result of a row, and why.

    `change` is ``planned``, ``done``, ``unchanged``, ``absent``, ``failed``, ``cancelled`` or ``none``.
    """

    change: str
    message: str | None = None


class FileChanges:
    """A frame of library files to change.

    `table` is what `upload`, `read_results` or `files` returned; or such a table of another library.
    """

    def __init__(self, table: Any) -> None:
        self._native = FrameAdapter(table)

    def column(self, *names: str) -> list[Any]:
        """Return the cells of the first of these columns that exists; None for missing cells.

        Raise `MappingError` if none of them exists.
        """
        frame = self._native.frame
        name = next((name for name in names if name in frame.columns), None)
        if name is None:
            either = " or ".join(map(repr, names))
            raise MappingError(f"The table has no column {either}{did_you_mean(names[0], frame.columns)}.")
        return plain_cells(frame[name], integers=are_integers(frame[name]))

    def close(self, changes: Sequence[Change]) -> Any:
        """Return the frame with the results of its rows."""
        return _with_changes(self._native, changes)


class ChangeCollector:
    """Collects the results of changes in a frame.

    `table` is the input; its rows are collected too, unless it is in memory.
    """

    def __init__(self, table: TableSource) -> None:
        self._table = table
        self._frames: list[pd.DataFrame] = []
        self._changes: list[Change] = []

    def take(self, chunk: Chunk, changes: Sequence[Change]) -> None:
        """Add the results of a chunk."""
        self._frames.append(chunk.frame)
        self._changes += changes

    def close(self, summary: Mapping[str, Any]) -> Any:
        """Return the table in its own library, with the results of its rows; ``attrs["ikpipe"]`` has the totals."""
        if isinstance(self._table, InMemoryTable):
            native = self._table.native
        else:
            native = FrameAdapter(pd.concat(self._frames) if self._frames else self._table.sample.iloc[:0])
        return _with_changes(native, self._changes, {"ikpipe": dict(summary)})


def chunk_with_changes(chunk: Chunk, changes: Sequence[Change]) -> Chunk:
    """Return a chunk with the results of its rows."""
    return with_new_columns(chunk, pd.DataFrame(_columns(changes)), (CHANGE, MESSAGE))


def _columns(changes: Sequence[Change]) -> dict[str, Any]:
    return {
        CHANGE: pd.array([one.change for one in changes], dtype="string"),
        MESSAGE: pd.array([one.message for one in changes], dtype="string"),
    }


def _with_changes(native: FrameAdapter, changes: Sequence[Change], attrs: Mapping[Any, Any] | None = None) -> Any:
    frame, made = native.frame, _columns(changes)
    changed = frame.loc[:, [name not in made for name in frame.columns]].assign(**made)
    changed.attrs = {**frame.attrs, **(attrs or {})}
    return native.beside(changed, list(made))
