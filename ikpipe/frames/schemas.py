"""Derive custom metadata fields from columns."""

import datetime
from collections.abc import Hashable, Iterable, Mapping, Sequence
from decimal import Decimal
from itertools import chain
from typing import Any, NamedTuple

import pandas as pd

from ikpipe.errors import MappingError, Message, did_you_mean, keyword
from ikpipe.frames.adapters import FrameAdapter
from ikpipe.frames.cells import are_integers, plain_cells
from ikpipe.request.columns import cell_types

LONG = 255  # characters; longer text, or text of several lines, is a Textarea
_PREFIXES = ("custom_metadata", "customMetadata")


class FieldPlan(NamedTuple):
    """The field for a column."""

    name: str
    column: Hashable
    schema: dict[str, Any]


def planned_fields(table: Any, columns: Mapping[str, Hashable] | Iterable[Hashable] | None) -> list[FieldPlan]:
    """Return the fields for columns of a table.

    `table` is a table of any supported library. `columns` are names of fields → their columns; or columns that are
    named like their fields; None: all columns with a name such as ``custom_metadata.FIELD``. Raise `MappingError` if a
    column does not exist, or there are no columns.
    """
    frame = FrameAdapter(table).frame
    wanted = _wanted(frame, columns)
    for column in wanted.values():
        if column not in frame.columns:
            raise MappingError(f"The table has no column {column!r}{did_you_mean(column, frame.columns)}.")
    return [FieldPlan(name, column, schema(frame[column])) for name, column in wanted.items()]


def _wanted(frame: pd.DataFrame, columns: Mapping[str, Hashable] | Iterable[Hashable] | None) -> dict[str, Hashable]:
    if isinstance(columns, Mapping):
        return dict(columns)
    if columns is not None:
        return {str(column): column for column in ([columns] if isinstance(columns, str) else columns)}
    parts = [(str(column).partition("."), column) for column in frame.columns]
    named: dict[str, Hashable] = {name: column for (prefix, _, name), column in parts if name and prefix in _PREFIXES}
    if not named:
        words = "The table has no columns with names such as custom_metadata.FIELD."
        raise MappingError(words, fix=Message("Choose columns with ", keyword("columns", ["brand", "color"]), "."))
    return named


def schema(column: "pd.Series[Any]") -> dict[str, Any]:
    """Return the schema of the field for a column, by its dtype or the types of its cells."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        return {"type": "SingleSelect", "selectOptions": _options(column.cat.categories.to_series())}
    if getattr(column.dtype, "kind", "O") == "M":
        return {"type": "Date"}
    cells = [cell for cell in plain_cells(column, integers=are_integers(column)) if cell is not None]
    types = cell_types(cells)
    if types and types <= {list, tuple, set}:
        every = pd.Series(list(chain.from_iterable(cells)), dtype=object)
        return {"type": "MultiSelect", "selectOptions": _options(every)}
    return {"type": _kind(types, cells)}


def _kind(types: set[type], cells: list[Any]) -> str:
    """Return the field type for cells of these types."""
    if types == {bool}:
        return "Boolean"
    if types and types <= {int, float, Decimal}:
        return "Number"
    if types and all(issubclass(kind, datetime.date) for kind in types):
        return "Date"
    return "Textarea" if any(len(text) > LONG or "\n" in text for text in map(str, cells)) else "Text"


def _options(values: "pd.Series[Any]") -> list[Any]:
    """Return the different options as JSON's booleans, numbers and text."""
    plain = plain_cells(values, integers=are_integers(values))
    options = [value if isinstance(value, (bool, int, float)) else str(value) for value in plain if value is not None]
    return list({(type(value), value): value for value in options}.values())


def planned_fields_frame(rows: Sequence[tuple[FieldPlan, str, str | None]]) -> pd.DataFrame:
    """Return the planned fields and their results as a frame."""
    names = ["name", "column", "type", "schema", "ik_change", "ik_change_message"]
    cells = [(plan.name, plan.column, plan.schema["type"], plan.schema, *result) for plan, *result in rows]
    texts = {*names} - {"column", "schema"}
    return pd.DataFrame(cells, columns=names, dtype=object).astype(dict.fromkeys(texts, "string"))


def fields_frame(fields: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """Return an account's custom metadata fields as a frame, one row each."""
    rows = [
        {
            **{name: field.get(name) for name in ("id", "name", "label")},
            "type": (field.get("schema") or {}).get("type"),
            "schema": field.get("schema"),
        }
        for field in fields
    ]
    frame = pd.DataFrame(rows, columns=["id", "name", "label", "type", "schema"], dtype=object)
    return frame.astype({"id": "string", "name": "string", "label": "string", "type": "string"})
