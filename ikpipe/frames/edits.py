"""Frames of files in the library: which files they name, and the result of a change for each row."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import pandas as pd

from ikpipe.errors import MappingError, did_you_mean
from ikpipe.frames.adapters import FrameAdapter
from ikpipe.frames.cells import are_integers, plain_cells

CHANGE, MESSAGE = "ik_change", "ik_change_message"


class Change(NamedTuple):
    """The result of a row: ``planned``, ``done``, ``absent``, ``failed``, ``cancelled`` or ``none``; and why."""

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
        frame = self._native.frame
        made = {
            CHANGE: pd.array([one.change for one in changes], dtype="string"),
            MESSAGE: pd.array([one.message for one in changes], dtype="string"),
        }
        changed = frame.drop(columns=[name for name in made if name in frame.columns]).assign(**made)
        changed.attrs = dict(frame.attrs)
        return self._native.beside(changed, list(made))
