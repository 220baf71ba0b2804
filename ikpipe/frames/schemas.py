"""Columns → custom metadata fields: which type a column's cells ask for."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any, NamedTuple

import pandas as pd

from ikpipe.errors import MappingError, did_you_mean
from ikpipe.frames.adapters import FrameAdapter
from ikpipe.frames.cells import plain_cells, whole_floats
from ikpipe.request.columns import cell_types

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Sequence

LONG = 255  # characters; longer text, or text of several lines, is a Textarea
_PREFIXES = ("custom_metadata", "customMetadata")


class FieldPlan(NamedTuple):
    """A field that a column asks for."""

    name: str
    column: Hashable
    schema: dict[str, Any]


def planned(table: Any, columns: Mapping[str, Hashable] | Iterable[Hashable] | None) -> list[FieldPlan]:
    """Say which fields these columns of a table ask for.

    Parameters
    ----------
    columns
        Name of a field → its column; or columns that are named like their fields; None is all columns that are named
        like ``custom_metadata.FIELD``.

    Raises
    ------
    MappingError
        There is no such column, or none at all.
    """
    frame = FrameAdapter(table).frame
    wanted = _wanted(frame, columns)
    for column in wanted.values():
        if column not in frame.columns:
            raise MappingError(f"The frame has no column {column!r}{did_you_mean(column, frame.columns)}.")
    return [FieldPlan(name, column, schema(frame[column])) for name, column in wanted.items()]


def _wanted(frame: pd.DataFrame, columns: Mapping[str, Hashable] | Iterable[Hashable] | None) -> dict[str, Hashable]:
    if isinstance(columns, Mapping):
        return dict(columns)
    if columns is not None:
        return {str(column): column for column in ([columns] if isinstance(columns, str) else columns)}
    parts = [(str(column).partition("."), column) for column in frame.columns]
    found: dict[str, Hashable] = {name: column for (prefix, _, name), column in parts if name and prefix in _PREFIXES}
    if not found:
        words = "name the columns, columns=['brand', 'colour']; none is called custom_metadata.FIELD"
        raise MappingError(f"Which columns are to be metadata fields? Say {words}.")
    return found


def schema(column: pd.Series[Any]) -> dict[str, Any]:
    """Say what field a column's cells ask for: by its dtype, or by what all of its cells are."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        return {"type": "SingleSelect", "selectOptions": _options(column.cat.categories.to_series())}
    if getattr(column.dtype, "kind", "O") == "M":
        return {"type": "Date"}
    cells = [cell for cell in plain_cells(column, whole=whole_floats(column)) if cell is not None]
    found = cell_types(cells)
    if found and found <= {list, tuple, set}:
        every: list[Any] = [item for cell in cells for item in cell]
        return {"type": "MultiSelect", "selectOptions": _options(pd.Series(every, dtype=object))}
    long = any(len(str(cell)) > LONG or "\n" in str(cell) for cell in cells)
    return {"type": _kind(found) or ("Textarea" if long else "Text")}


def _kind(found: set[type]) -> str | None:
    """Name the type that has cells of these kinds, if it is not text."""
    if found == {bool}:
        return "Boolean"
    if found and found <= {int, float, Decimal}:
        return "Number"
    return "Date" if found and all(issubclass(kind, datetime.date) for kind in found) else None


def _options(values: pd.Series[Any]) -> list[Any]:
    """Give options as JSON has them, each once: booleans, numbers, or text."""
    plain = plain_cells(values, whole=whole_floats(values))
    found = [value if isinstance(value, (bool, int, float)) else str(value) for value in plain if value is not None]
    return list({(type(value), value): value for value in found}.values())


def planned_frame(rows: Sequence[tuple[FieldPlan, str, str | None]]) -> pd.DataFrame:
    """Set out what was planned, and what became of it."""
    made = {
        "name": [one.name for one, _, _ in rows],
        "column": [one.column for one, _, _ in rows],
        "type": [one.schema["type"] for one, _, _ in rows],
        "schema": [one.schema for one, _, _ in rows],
        "ik_change": [change for _, change, _ in rows],
        "ik_change_message": [message for _, _, message in rows],
    }
    kinds_of = {"name": "string", "type": "string", "ik_change": "string", "ik_change_message": "string"}
    return pd.DataFrame(made, dtype=object).astype(kinds_of)


def fields_frame(fields: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """Set out an account's custom metadata fields, a row a field."""
    rows = [
        {
            **{name: field.get(name) for name in ("id", "name", "label")},
            "type": (field.get("schema") or {}).get("type"),
            "schema": field.get("schema"),
        }
        for field in fields
    ]
    found = pd.DataFrame(rows, columns=["id", "name", "label", "type", "schema"], dtype=object)
    return found.astype({"id": "string", "name": "string", "label": "string", "type": "string"})
