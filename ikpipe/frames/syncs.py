"""The frames of `ikpipe.sync`: the files of a folder as a table, and the results with what was moved and deleted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from ikpipe.frames.edits import Change
from ikpipe.frames.plans import PlannedRow, plan_frame
from ikpipe.frames.results import results_frame, with_result_columns
from ikpipe.request.result import RESULT_COLUMNS, Result


class SyncedRow(NamedTuple):
    """What was done about a file: the action, why, and the outcome of a move or deletion."""

    action: str
    reason: str
    change: Change


def folder_table(
    paths: Sequence[str], files: Sequence[str], folder: str, versions: Sequence[str] | None = None
) -> pd.DataFrame:
    """Return the files of a folder as a table.

    `paths` are relative, with slashes; `files` are what is read as their files. `folder` is that of the library.
    """
    # Bytes of a name that are not UTF-8 are halves of characters, which no request can have.
    parts = [path.encode("utf-8", "replace").decode().rpartition("/") for path in paths]
    start = folder.rstrip("/")
    columns = {
        "file": files,
        "folder": [f"{start}/{parent}" for parent, _, _ in parts],
        "file_name": [name for _, _, name in parts],
        **({} if versions is None else {"version": versions}),
    }
    return pd.DataFrame({name: pd.Series(list(cells), dtype=object) for name, cells in columns.items()})


def with_known_results(frame: pd.DataFrame, results: Sequence[Result]) -> pd.DataFrame:
    """Return a table with results that are known before a run; the run keeps those of rows that are done."""
    return with_result_columns(frame, results_frame(results, len(frame)))


def planned_sync(frame: pd.DataFrame, rows: Sequence[PlannedRow]) -> pd.DataFrame:
    """Return a table with what would be done; `rows` are those of the table, then files of the library alone."""
    return beside(frame, plan_frame(rows))


def synced_frame(results: pd.DataFrame, rows: Sequence[SyncedRow], deleted: Sequence[Result]) -> pd.DataFrame:
    """Return results with what was done; `rows` are those of the results, then of `deleted` files of the library.

    The latter have their details, and no status.
    """
    data: dict[str, list[Any]] = {
        "ik_action": [row.action for row in rows],
        "ik_reason": [row.reason for row in rows],
        "ik_change": [row.change.change for row in rows],
        "ik_change_message": [row.change.message for row in rows],
    }
    made = pd.DataFrame({name: _texts(cells) for name, cells in data.items()})
    if not deleted:
        return beside(results, made)
    own = results.loc[:, [name not in RESULT_COLUMNS for name in results.columns]]
    without = results_frame(deleted, len(deleted)).assign(ik_status=_texts([None] * len(deleted)))
    below = [results[list(RESULT_COLUMNS)].reset_index(drop=True), without]
    whole = {name: pd.concat([part[name] for part in below], ignore_index=True) for name in RESULT_COLUMNS}
    return beside(own, pd.concat([pd.DataFrame(whole), made], axis=1))


def _texts(cells: list[Any]) -> Any:
    return pd.array(cells, dtype="string")


def beside(frame: pd.DataFrame, added: pd.DataFrame) -> pd.DataFrame:
    """Return a frame with further columns, which replace those of the same names; it gets rows as far as they do."""
    kept = frame.loc[:, [name not in added.columns for name in frame.columns]]
    columns = [_longer(kept.iloc[:, at], len(added)) for at in range(kept.shape[1])]
    columns += [added[name] for name in added.columns]
    made = pd.concat(columns, axis=1, keys=[*kept.columns, *added.columns]) if columns else added
    made.index = _index(frame.index, len(added))
    made.attrs = dict(frame.attrs)
    return made


def _longer(column: pd.Series[Any], rows: int) -> pd.Series[Any]:
    """Return a column with missing cells at its end; integers and booleans get a dtype that can have them."""
    column = column.reset_index(drop=True)
    if rows == len(column):
        return column
    if isinstance(column.dtype, np.dtype) and column.dtype.kind in "iub":
        column = column.convert_dtypes()
    missing = pd.Series([None] * (rows - len(column)), dtype=column.dtype)
    return pd.concat([column, missing], ignore_index=True)


def _index(index: pd.Index[Any], rows: int) -> pd.Index[Any]:
    """Return labels for further rows as well: their positions."""
    if rows == len(index):
        return index
    if isinstance(index, pd.RangeIndex) and index.equals(pd.RangeIndex(len(index))):
        return pd.RangeIndex(rows)
    positions = range(len(index), rows)
    if isinstance(index, pd.MultiIndex):
        rest = [(at, *[None] * (index.nlevels - 1)) for at in positions]
        return pd.MultiIndex.from_tuples([*index, *rest], names=index.names)
    longer: pd.Index[Any] = pd.Index([*index, *positions], dtype=object, name=index.name)
    return longer
