"""Any Python value as JSON text that gives the same value back.

What JSON has goes as it is; anything else is an object with its kind under ``"!"`` and its content under ``"="``.
A value of a kind that is not in the table becomes its text: a cell somebody made up must not cost a run its results.
"""

import base64
import json
import math
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from decimal import Decimal
from pathlib import Path, PurePosixPath, PureWindowsPath
from types import UnionType
from typing import Any, NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
import pandas as pd

_KIND, _CONTENT = "!", "="
_PLAIN = {str, int, bool, float, type(None)}
_STRICT = json.JSONEncoder(allow_nan=False)


class _Kind(NamedTuple):
    """A kind of value: its mark, its class, its content as something that can be encoded, and the way back."""

    mark: str
    type: type[Any] | UnionType
    content: Callable[[Any], object]
    restore: Callable[[Any], object]


def encode(value: object) -> str:
    """Write a value as ASCII JSON text, so that text with lone surrogates survives too."""
    return json.dumps(_encodable(value))


def encode_cells(cells: list[Any]) -> str:
    """Write a list as `encode` does; much faster, where all in it is JSON's own."""
    if _PLAIN.issuperset(map(type, cells)):
        with suppress(ValueError):  # of NaN and infinity, which JSON has not
            return _STRICT.encode(cells)
    return encode(cells)


def decode(text: str) -> Any:
    """Read what `encode` wrote."""
    return json.loads(text, object_hook=_restored)


def _encodable(value: Any) -> object:
    # Subclasses are left to the table: JSON would drop their class without a word.
    if type(value) in (str, int, bool, type(None)) or (type(value) is float and math.isfinite(value)):
        return value
    if type(value) is list:
        return [_encodable(one) for one in value]
    if type(value) is dict and _is_unmarked(value):
        return {key: _encodable(one) for key, one in value.items()}
    return _marked(value)


def _is_unmarked(value: dict[Any, Any]) -> bool:
    """Tell whether a dict can be JSON's own: text as keys, and none that reads as a mark."""
    return _KIND not in value and all(type(key) is str for key in value)


def _marked(value: Any) -> object:
    for kind in _KINDS:
        if isinstance(value, kind.type):
            return {_KIND: kind.mark, _CONTENT: _encodable(kind.content(value))}
    # A long double has no Python number: its item is itself.
    own = isinstance(value, np.generic) and not isinstance(value.item(), np.generic)
    return _encodable(value.item()) if own else _plainer(value)


def _plainer(value: object) -> object:
    """Make the base class's value of a subclass, such as an enumeration's text, and text of all else."""
    if isinstance(value, list):
        return _encodable(list(value))
    return int(value) if isinstance(value, int) else str(value)


def _restored(value: dict[str, Any]) -> object:
    return _RESTORE[value[_KIND]](value[_CONTENT]) if _KIND in value else value


def _zone(value: datetime) -> str | float | None:
    """Name a time's zone; where it has no name, give the offset in seconds."""
    name: str | None = getattr(value.tzinfo, "key", None) or getattr(value.tzinfo, "zone", None)
    offset = value.utcoffset()
    return name if name or offset is None else offset.total_seconds()


def _known(zone: str) -> tzinfo | None:
    """Find a zone; a machine that does not know it keeps the moment, in another zone."""
    try:
        return ZoneInfo(zone)
    except (ZoneInfoNotFoundError, OSError):
        return None


def _datetime(parts: Any) -> datetime:
    text, zone, fold = parts
    found = datetime.fromisoformat(text)
    known = _known(zone) if isinstance(zone, str) else None
    return found.replace(tzinfo=known or found.tzinfo, fold=fold)


def _timestamp(parts: Any) -> pd.Timestamp:
    """Read ticks: pandas cannot read all that its `isoformat` writes."""
    ticks, unit, zone = parts
    found = pd.Timestamp(np.datetime64(ticks, unit))
    if zone is None:
        return found
    known = _known(zone) if isinstance(zone, str) else timezone(timedelta(seconds=zone))
    return found.tz_localize(UTC).tz_convert(known or UTC)


def sound(dtype: Any) -> Any:
    """Refuse a dtype of times that count in steps of zero units: numpy would take the whole process down."""
    if isinstance(dtype, np.dtype) and dtype.kind in "mM" and not np.datetime_data(dtype)[1]:
        raise ValueError(f"there is no dtype {dtype}")
    return dtype


def _ticks(value: Any) -> int:
    return int(value.view("int64"))


def _base64(value: bytes) -> str:
    return base64.b64encode(value).decode("ascii")


# A class stands before those that it is derived from: the first that fits is taken.
_KINDS = (
    _Kind("nat", type(pd.NaT), lambda _: None, lambda _: pd.NaT),
    _Kind("na", type(pd.NA), lambda _: None, lambda _: pd.NA),
    _Kind("float", float, float.__repr__, float),
    _Kind("complex", complex, lambda value: [value.real, value.imag], lambda parts: complex(*parts)),
    _Kind("decimal", Decimal, str, Decimal),
    _Kind("timestamp", pd.Timestamp, lambda value: [_ticks(value.asm8), value.unit, _zone(value)], _timestamp),
    _Kind("datetime", datetime, lambda value: [value.isoformat(), _zone(value), value.fold], _datetime),
    _Kind("date", date, date.isoformat, date.fromisoformat),
    _Kind("time", time, time.isoformat, time.fromisoformat),
    _Kind(
        "pandas timedelta",
        pd.Timedelta,
        lambda value: [_ticks(value.asm8), value.unit],
        lambda parts: pd.Timedelta(np.timedelta64(*parts)),
    ),
    _Kind(
        "timedelta",
        timedelta,
        lambda value: [value.days, value.seconds, value.microseconds],
        lambda parts: timedelta(*parts),
    ),
    _Kind(
        "period",
        pd.Period,
        lambda value: [value.ordinal, value.freqstr],
        lambda parts: pd.Period(ordinal=parts[0], freq=parts[1]),
    ),
    _Kind(
        "interval",
        pd.Interval,
        lambda value: [value.left, value.right, value.closed],
        lambda parts: pd.Interval(*parts),
    ),
    _Kind("bytes", bytes, _base64, base64.b64decode),
    _Kind(
        "memoryview", memoryview, lambda value: _base64(bytes(value)), lambda text: memoryview(base64.b64decode(text))
    ),
    _Kind("bytearray", bytearray, _base64, lambda text: bytearray(base64.b64decode(text))),
    _Kind("path", Path, str, Path),
    _Kind("posix path", PurePosixPath, str, PurePosixPath),
    _Kind("windows path", PureWindowsPath, str, PureWindowsPath),
    _Kind("uuid", UUID, str, UUID),
    _Kind("tuple", tuple, list, tuple),
    _Kind("set", set, list, set),
    _Kind("frozenset", frozenset, list, frozenset),
    _Kind("dict", dict, lambda value: [[key, one] for key, one in value.items()], dict),
    _Kind(
        "numpy time",
        np.datetime64 | np.timedelta64,
        lambda value: [_ticks(value), str(value.dtype)],
        lambda parts: np.array(parts[0], dtype="int64").view(sound(np.dtype(parts[1])))[()],
    ),
    _Kind(
        "array",
        np.ndarray,
        lambda value: [str(value.dtype), value.tolist()],
        lambda parts: np.array(parts[1], dtype=sound(np.dtype(parts[0]))),
    ),
)
_RESTORE = {kind.mark: kind.restore for kind in _KINDS}
