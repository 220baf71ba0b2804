"""Frames of files that are in the library: which files they name, and what became of each row."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import pandas as pd

from ikpipe.errors import MappingError, did_you_mean
from ikpipe.frames.adapters import FrameAdapter
from ikpipe.frames.cells import plain_cells, whole_floats

if TYPE_CHECKING:
    from collections.abc import Sequence

CHANGE, MESSAGE = "ik_change", "ik_change_message"


class Change(NamedTuple):
    """What became of one row: ``planned``, ``done``, ``absent``, ``failed``, ``cancelled`` or ``none``; and why."""

    change: str
    message: str | None = None


class FileChanges:
    """A frame of files, which are to be changed.

    Parameters
    ----------
    table
        What `upload`, `read_results` or `files` gave; or such a table of another library.
    """

    def __init__(self, table: Any) -> None:
        self._native = FrameAdapter(table)

    def column(self, *names: str) -> list[Any]:
        """Give the cells of the first of these columns that there is, None where they are missing.

        Raises
        ------
        MappingError
            There is none of them.
        """
        frame = self._native.frame
        found = next((name for name in names if name in frame.columns), None)
        if found is None:
            wanted = " or ".join(map(repr, names))
            raise MappingError(f"The frame has no column {wanted}{did_you_mean(names[0], frame.columns)}.")
        return plain_cells(frame[found], whole=whole_floats(frame[found]))

    def close(self, changes: Sequence[Change]) -> Any:
        """Give the frame with what became of its rows."""
        frame = self._native.frame
        made = {
            CHANGE: pd.array([one.change for one in changes], dtype="string"),
            MESSAGE: pd.array([one.message for one in changes], dtype="string"),
        }
        found = frame.drop(columns=[name for name in made if name in frame.columns]).assign(**made)
        found.attrs = dict(frame.attrs)
        return self._native.beside(found, list(made))
