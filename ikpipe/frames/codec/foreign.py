"""Arrow tables of other programs, with plain types and only safe metadata."""

import json
from importlib import import_module
from typing import Any

from ikpipe.frames.codec.arrow_columns import is_uuid
from ikpipe.frames.codec.bounds import is_column_dtype, shallow

_NOTES = b"pandas"
_LABELS = ("unicode", "string", "int64")


def sound(table: Any) -> Any:
    """Return a table with plain types, and with the safe parts of pandas' metadata.

    Raise `ValueError` if the metadata is not as pandas writes it.
    """
    noted = (table.schema.metadata or {}).get(_NOTES)
    kept = None if noted is None else {_NOTES: json.dumps(_kept(json.loads(shallow(noted.decode())), table))}
    return stored(table, uuids=True).replace_schema_metadata(kept)


def stored(table: Any, *, uuids: bool = False) -> Any:
    """Return a table with the storage types of its extension types; `uuids`: not of UUIDs, which Python has too."""
    pyarrow: Any = import_module("pyarrow")
    for at, field in enumerate(table.schema):
        if isinstance(field.type, pyarrow.BaseExtensionType) and not (uuids and is_uuid(field.type)):
            table = table.set_column(at, field.name, table.column(at).cast(field.type.storage_type))
    return table


def _kept(notes: Any, table: Any) -> dict[str, Any]:
    """Return the index and the plain dtypes of columns in pandas' metadata."""
    columns = {_text(one, "field_name", "name"): one for one in _list(notes, "columns")}
    there = [name for name in table.column_names if name in columns]
    levels = [_level(one, there, table.num_rows) for one in _list(notes, "index_columns")]
    index = [one for at, one in enumerate(levels) if one is not None and one not in levels[:at]]
    labels = [one for one in _list(notes, "column_indexes") if _text(one, "pandas_type") in _LABELS]
    return {
        "columns": [
            _column(columns[name], name, _text(columns[name], "name") if name in index else name) for name in there
        ],
        "index_columns": index,
        "column_indexes": [
            {**_column(one, None, _text(one, "name")), "pandas_type": one["pandas_type"]}
            for one in labels
            if len(labels) == 1
        ],
    }


def _list(notes: Any, name: str) -> list[Any]:
    entry = notes.get(name) if isinstance(notes, dict) else None
    return entry if isinstance(entry, list) else []


def _text(note: Any, *names: str) -> str | None:
    """Return the first entry of a note under these names, if it is text."""
    entries = [note.get(name) for name in names if note.get(name) is not None] if isinstance(note, dict) else []
    return entries[0] if entries and isinstance(entries[0], str) else None


def _column(note: Any, field: str | None, name: str | None) -> dict[str, Any]:
    dtype = _text(note, "numpy_type")
    return {
        "name": name,
        "field_name": field,
        "pandas_type": "object",  # only read for labels
        "numpy_type": dtype if is_column_dtype(dtype) else "object",
        "metadata": None,
    }


def _level(note: Any, there: list[str], rows: int) -> Any:
    """Return a level of the index, a column's name or a range with the right length; None for anything else."""
    if not isinstance(note, dict):
        return note if note in there else None
    bounds: list[Any] = [note.get(name) for name in ("start", "stop", "step")]
    if any(type(one) is not int for one in bounds) or not bounds[2] or len(range(*bounds)) != rows:
        return None
    return {"kind": "range", "name": _text(note, "name"), **dict(zip(("start", "stop", "step"), bounds, strict=True))}
