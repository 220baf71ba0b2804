"""Check that the `ik_` columns of a frame, which may come from any file, have values that a run can write."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from ikpipe.errors import MappingError, short_repr
from ikpipe.request.result import EXTRA, KINDS, RESULT_COLUMNS

if TYPE_CHECKING:
    import pandas as pd


def check_result_columns(frame: pd.DataFrame) -> None:
    """Check that the cells of a run's columns have the columns' types.

    Raise `MappingError` if a cell does not; the message names row, column and value.
    """
    for column in (*RESULT_COLUMNS, EXTRA):
        if column not in frame.columns:
            continue
        cells: Any = frame[column]
        if cells.ndim != 1:
            raise MappingError(f"The table has several columns {column!r}.", fix="Remove all but one.")
        if str(cells.dtype) == RESULT_COLUMNS.get(column) != "object":
            continue
        kind = "warnings" if column == "ik_warnings" else KINDS[column.removeprefix("ik_")].partition("[")[0]
        if _USUAL.get(kind, set()).issuperset(map(type, cells.tolist())):
            continue
        fits = _FITS[kind]
        for label, cell, missing in zip(frame.index, cells.tolist(), cells.isna(), strict=True):
            if not missing and not fits(cell):
                words = f"Row {short_repr(label)}: {column} is {short_repr(cell)}, which no run writes there."
                raise MappingError(words, fix="Read results with ikpipe.read_results, or fix the cell.")


def _is_text(cell: object) -> bool:
    return isinstance(cell, str) and (cell.isascii() or cell == cell.encode("utf-8", "replace").decode())


def _is_whole(cell: Any) -> bool:
    return _is_number(cell) and -(2**63) <= cell < 2**63 and bool(cell == int(cell))


def _is_number(cell: Any) -> bool:
    number = isinstance(cell, int | float | np.integer | np.floating) and not isinstance(cell, bool)
    return bool(number and abs(cell) < 2**1023)  # which is about as far as a float goes


def _is_json_list(cell: object) -> bool:
    """Whether a cell is a list as JSON, as clusters write it in pandas."""
    try:
        return isinstance(cell, str) and isinstance(json.loads(cell), list)
    except (ValueError, RecursionError):
        return False


_FITS: dict[str, Callable[[Any], bool]] = {
    "str": _is_text,
    "int": _is_whole,
    "float": _is_number,
    "bool": lambda cell: isinstance(cell, bool | np.bool_),
    "list": lambda cell: isinstance(cell, list | tuple | np.ndarray),
    "warnings": lambda cell: isinstance(cell, list | tuple | np.ndarray) or _is_json_list(cell),
    "dict": lambda cell: isinstance(cell, dict),
}
_USUAL: dict[str, set[type]] = {
    "list": {list, type(None)},
    "warnings": {list, type(None)},
    "dict": {dict, type(None)},
    "bool": {bool, type(None)},
}
