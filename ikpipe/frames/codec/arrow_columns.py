"""Convert Arrow tables to frames, whatever types their columns have: most columns of a table are never used.

A column that pandas cannot hold becomes one of objects: nested values are lists and dicts, a time in an unknown zone is
in UTC. Of text that is not UTF-8, the wrong bytes become lone surrogates, which a row that uses the text reports; and
so does a value that Python cannot hold at all.
"""

import json
from collections.abc import Callable
from functools import cache
from importlib import import_module
from typing import Any

import numpy as np
import pandas as pd

from ikpipe.frames.codec.bounds import is_zone

_ZONED = 1678  # the first year in which pandas before 3.0 can convert a time to another zone: earlier, it crashes
UNREADABLE = "unreadable \udcff"
"""The text of a value that Python cannot hold."""


def to_frame(table: Any, types_mapper: Callable[[Any], Any] | None = None) -> pd.DataFrame:
    """Return an Arrow table as a frame.

    Of its metadata, only pandas' index and dtypes are used. `types_mapper` returns the dtype for a plain Arrow type, or
    None for the usual one.
    """
    pa: Any = import_module("pyarrow")
    objects: dict[int, Any] = {}
    intervals = _intervals(table)
    for at, field in enumerate(table.schema):
        column = table.column(at)
        if field.name in intervals:
            continue
        plain = plain_column(column)
        if plain is None:
            objects[at] = column
        if plain is not column:
            table = table.set_column(at, field.name, pa.nulls(len(table)) if plain is None else plain)
    if objects:  # the metadata describes the columns as they were
        table = table.replace_schema_metadata(None)
    frame: pd.DataFrame = table.to_pandas(types_mapper=types_mapper)
    for at, column in objects.items():
        frame.isetitem(at, as_objects(column, frame.index))
    return frame


def _intervals(table: Any) -> set[Any]:
    """Return the columns that are structs of two numbers, and intervals for pandas."""
    notes = json.loads((table.schema.metadata or {}).get(b"pandas", "{}"))
    return {one["field_name"] for one in notes.get("columns", ()) if str(one["numpy_type"]).startswith("interval")}


def plain_column(column: Any, *, nested: bool = False) -> Any:
    """Return a chunked array in a type that pandas can hold, itself if possible; None if there is no such type.

    `nested`: nested values of plain types need not be objects, since they stay in Arrow.
    """
    pa: Any = import_module("pyarrow")
    types, kind = pa.types, _plain_type(pa, column.type)
    if kind is None and nested and _has_plain_parts(pa, column.type):
        kind = column.type
    if kind is None:
        return None
    try:
        if types.is_run_end_encoded(column.type):
            decode = import_module("pyarrow.compute").run_end_decode
            column = pa.chunked_array(map(decode, column.chunks), column.type.value_type)
        column = column if kind == column.type else column.cast(kind)
        column.validate(full=True)
        if _is_time(types, kind):
            first, _ = (limit.as_py() for limit in import_module("pyarrow.compute").min_max(column).values())
            if first is not None and getattr(kind, "tz", None) and first.year < _ZONED:
                return None
        if types.is_nested(kind) and _has_times(types, kind):
            column.to_pylist()
    except Exception:  # noqa: BLE001 - whatever Arrow cannot do with it, each cell is converted alone
        return None
    return column


def is_uuid(kind: Any) -> bool:
    """Whether values are UUIDs, which are objects in Python, and only bytes in what Arrow stores of them."""
    return getattr(kind, "extension_name", None) == "arrow.uuid"


def _plain_type(pa: Any, kind: Any) -> Any:
    """Return the type with the same values that pandas can hold; None if there is none."""
    types = pa.types
    if is_uuid(kind):
        return None
    if isinstance(kind, pa.BaseExtensionType):
        return _plain_type(pa, kind.storage_type)
    if types.is_run_end_encoded(kind) or (types.is_dictionary(kind) and not types.is_string(kind.value_type)):
        return _plain_type(pa, kind.value_type)
    replaced = {pa.string_view(): pa.large_string(), pa.binary_view(): pa.large_binary()}
    replaced[pa.time64("ns")] = pa.time64("us")  # as Python's times
    if kind in replaced:
        return replaced[kind]
    if not _is_known(getattr(kind, "tz", None)):
        return pa.timestamp(kind.unit, "UTC")
    return None if types.is_interval(kind) or _is_odd_nested(types, kind) else kind


def _is_odd_nested(types: Any, kind: Any) -> bool:
    """Whether values are nested, and not lists of text: pandas would make floats of integers next to missing ones."""
    return types.is_nested(kind) and not (types.is_list(kind) and types.is_string(kind.value_type))


def _has_plain_parts(pa: Any, kind: Any) -> bool:
    """Whether this is a list, struct or map of plain values, or of such nested ones."""
    parts = parts_of(pa.types, kind)
    return parts is not None and all(_plain_type(pa, part) == part or _has_plain_parts(pa, part) for part in parts)


def parts_of(types: Any, kind: Any) -> list[Any] | None:
    """Return the types in that of a list, struct or map; None for any other type."""
    if types.is_struct(kind):
        return [field.type for field in kind]
    if types.is_map(kind):
        return [kind.key_type, kind.item_type]
    if types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind):
        return [kind.value_type]
    return None


def _is_time(types: Any, kind: Any) -> bool:
    """Whether values are dates, times or durations, which can be beyond those of Python."""
    return bool(types.is_date(kind) or types.is_timestamp(kind) or types.is_duration(kind))


def _has_times(types: Any, kind: Any) -> bool:
    """Whether such values are in nested ones."""
    return _is_time(types, kind) or any(_has_times(types, part) for part in parts_of(types, kind) or ())


@cache
def _is_known(zone: str | None) -> bool:
    """Whether this machine knows a time zone; None is none."""
    try:
        return zone is None or (is_zone(zone) and import_module("pyarrow").lib.string_to_tzinfo(zone) is not None)
    except Exception:  # noqa: BLE001 - of any library for time zones
        return False


def as_objects(column: Any, index: "pd.Index[Any]") -> Any:
    """Return a column of any type as a series of Python values; None for missing ones."""
    return pd.Series([_object(scalar) for scalar in column], dtype=object, index=index)


def _object(scalar: Any) -> Any:
    try:
        value = scalar.as_py()
    except Exception:  # noqa: BLE001 - the value is out of Python's range, or not UTF-8
        return _part_by_part(scalar)
    return str(value) if isinstance(value, tuple) else value  # an interval of months, days and nanoseconds


def _part_by_part(scalar: Any) -> Any:
    """Return a value of which a part cannot be converted."""
    types, kind = import_module("pyarrow").types, scalar.type
    if hasattr(scalar, "as_buffer"):
        return scalar.as_buffer().to_pybytes().decode("utf-8", "surrogateescape")
    if types.is_struct(kind):
        return {name: _object(part) for name, part in scalar.items()}
    if hasattr(scalar, "values") and scalar.values is not None:
        return [_object(part) for part in scalar.values]
    if types.is_timestamp(kind) or types.is_duration(kind):
        return str((np.datetime64 if types.is_timestamp(kind) else np.timedelta64)(scalar.value, kind.unit))
    try:
        return scalar.cast(import_module("pyarrow").string()).as_py()
    except Exception:  # noqa: BLE001
        return UNREADABLE
