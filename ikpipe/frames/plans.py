"""The frame that `ikpipe.plan` returns: the table, with what would be done with each row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import pandas as pd

from ikpipe.errors import MappingError
from ikpipe.frames.chunks import Chunk, InMemoryTable
from ikpipe.frames.results import with_new_columns


class PlannedRow(NamedTuple):
    """What would be done with a row.

    `bytes` is the size of its file, None if it is not known or nothing would be sent. `file_id` and `versions` are
    those of the file that is there now.
    """

    action: str
    target: str | None
    reason: str
    bytes: int | None = None
    file_id: str | None = None
    versions: int | None = None


PLAN_COLUMNS: dict[str, Any] = {
    f"ik_{name}": "Int64" if name in ("bytes", "versions") else "string" for name in PlannedRow._fields
}
"""Column of a plan → its pandas dtype."""


def plan_frame(rows: Sequence[PlannedRow], index: pd.Index[Any] | None = None) -> pd.DataFrame:
    """Return planned rows as a frame."""
    columns = zip(*rows, strict=True) if rows else [()] * len(PLAN_COLUMNS)
    data = {
        name: pd.array(list(cells), dtype=dtype)
        for (name, dtype), cells in zip(PLAN_COLUMNS.items(), columns, strict=True)
    }
    return pd.DataFrame(data, index=index)


def rows_of(frame: pd.DataFrame) -> list[PlannedRow]:
    """Return the planned rows of a frame; raise `MappingError` if it has none."""
    if missing := [name for name in PLAN_COLUMNS if name not in frame.columns]:
        raise MappingError(f"The table has no column {missing[0]!r}.", fix="Use what plan returned.")
    cells = [[None if pd.isna(cell) else cell for cell in frame[name].tolist()] for name in PLAN_COLUMNS]
    return [PlannedRow(*row) for row in zip(*cells, strict=True)]


def with_plan(chunk: Chunk, rows: Sequence[PlannedRow]) -> Chunk:
    """Return a chunk with the columns of its plan, which replace columns of the same names."""
    return with_new_columns(chunk, plan_frame(rows, chunk.frame.index), PLAN_COLUMNS)


def planned_table(table: InMemoryTable, rows: Sequence[PlannedRow], summary: Mapping[str, Any]) -> Any:
    """Return a table with the columns of its plan, in its own library."""
    frame = table.frame
    kept = frame.loc[:, [column not in PLAN_COLUMNS for column in frame.columns]]
    planned = pd.concat([kept, plan_frame(rows, frame.index)], axis=1)
    planned.attrs = {**frame.attrs, "ikpipe": dict(summary)}
    return table.native.back(planned, PLAN_COLUMNS)
