"""Encode any Python value as JSON text, and decode it.

Values of JSON's own types are written as they are; any other is an object with its kind under ``"!"`` and its content
under ``"="``. A value of an unknown kind becomes its text, so that an unusual cell does not cost a run its results.

Decoding makes only plain values, whose size the text limits. Paths become text, since a file from elsewhere could
otherwise name any file of this machine; only text that is proven to be our own has them as paths.
"""

import base64
import json
import math
import re
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from decimal import Decimal
from functools import partial
from pathlib import Path, PurePosixPath, PureWindowsPath
from types import UnionType
from typing import Any, NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
import pandas as pd

from ikpipe.errors import InvalidValue, reason
from ikpipe.frames.codec.bounds import DEEPEST, array_dtype, is_zone, offset, shallow

_KIND, _CONTENT = "!", "="
_PLAIN = {str, int, bool, float, type(None)}
_ROOM = DEEPEST - 8  # levels of a cell: a frame adds a few, and deeper text cannot be read
_LONGEST_INTEGER = 2_000  # bits, or 603 digits: Python can be set to print no more than 640
_STRICT = json.JSONEncoder(allow_nan=False)
_UNITS = ("s", "ms", "us", "ns")
_LARGEST = 10_000  # decimal exponent: other code writes a larger one out, digit by digit
_SPARE = 4_096  # bytes that an array of text may take besides its cells


class _Kind(NamedTuple):
    """A kind of value: its mark, its class, and the functions to and from a content that can be encoded."""

    mark: str
    type: type[Any] | UnionType
    content: Callable[[Any], object]
    restore: Callable[[Any], object]


def encode(value: object) -> str:
    """Return a value as ASCII JSON text, so that lone surrogates survive."""
    return json.dumps(_encodable(value))


def encode_cells(cells: list[Any]) -> str:
    """Return a list as `encode` does; much faster if all values have JSON's own types."""
    if _PLAIN.issuperset(map(type, cells)):
        with suppress(ValueError):  # NaN, infinity, integers that Python does not print
            return _STRICT.encode(cells)
    return encode(cells)


def decode(text: str, *, trusted: bool = False) -> Any:
    """Return the value that `encode` wrote.

    `text` is the text; it may come from anybody. `trusted` says whether the text is proven to be our own. Only then
    paths come back as paths, instead of text. Raise `ValueError` if the text was not written by `encode`, or is nested
    too deeply.
    """
    try:
        return json.loads(
            text if trusted else shallow(text), object_hook=partial(_restored, _RESTORE if trusted else _RESTORE_PLAIN)
        )
    except Exception as error:  # noqa: BLE001 - the classes raise anything for wrong content
        raise ValueError(f"this is not a value that ikpipe wrote: {reason(error)}") from None


def _encodable(value: Any, room: int = _ROOM) -> object:
    try:
        return _encodable_or_error(value, room)
    except Exception as error:  # noqa: BLE001 - of a class that somebody else wrote
        # By their classes alone, so that the same value is the same text in each process.
        words = f"A value of type {type(value).__name__} cannot be read: {type(error).__name__}."
        return {_KIND: "unreadable", _CONTENT: words}


def _encodable_or_error(value: Any, room: int) -> object:
    if not room:
        raise RecursionError(f"it is nested more than {_ROOM} levels deep")
    if _is_plain(value):
        return value
    if type(value) is int:
        return {_KIND: "integer", _CONTENT: hex(value)}
    if type(value) is list:
        return [_encodable(one, room - 1) for one in value]
    if type(value) is dict and _is_unmarked(value):
        return {key: _encodable(one, room - 1) for key, one in value.items()}
    return _marked(value, room - 1)


def _is_plain(value: Any) -> bool:
    """Whether JSON has the value itself; not of subclasses, whose class it would drop."""
    if type(value) is int:
        return value.bit_length() <= _LONGEST_INTEGER
    return type(value) in (str, bool, type(None)) or (type(value) is float and math.isfinite(value))


def _is_unmarked(value: dict[Any, Any]) -> bool:
    """Whether a dict can be written as it is: its keys are text, and none is the key of a mark."""
    return _KIND not in value and all(type(key) is str for key in value)


def _marked(value: Any, room: int) -> object:
    for kind in _KINDS:
        if isinstance(value, kind.type):
            return {_KIND: kind.mark, _CONTENT: _encodable(kind.content(value), room)}
    if isinstance(value, np.generic) and not isinstance(value.item(), np.generic):  # of a long double, it is itself
        return _encodable(value.item(), room)
    # The base class's value of a subclass, such as an enumeration's text, and the text of anything else.
    if isinstance(value, list):
        return _encodable(list(value), room)
    return _encodable(int(value), room) if isinstance(value, int) else str.__str__(str(value))


def _restored(ways: dict[str, Callable[[Any], object]], value: dict[str, Any]) -> object:
    if _KIND not in value:
        return value
    if value.keys() != {_KIND, _CONTENT} or not isinstance(value[_KIND], str) or value[_KIND] not in ways:
        raise ValueError("it has an unknown mark")
    return ways[value[_KIND]](value[_CONTENT])


def _zone(value: datetime) -> str | float | None:
    """Return the name of a time's zone, or its offset in seconds if it has no name."""
    name: str | None = getattr(value.tzinfo, "key", None) or getattr(value.tzinfo, "zone", None)
    offset = value.utcoffset()
    return name if name or offset is None else offset.total_seconds()


def _known(zone: str) -> tzinfo | None:
    """Return a zone; None if this machine does not know it, so that the moment is kept in another zone."""
    try:
        return ZoneInfo(zone) if is_zone(zone) else None
    except (ZoneInfoNotFoundError, OSError, ValueError):
        return None


def _datetime(parts: Any) -> datetime:
    text, zone, fold = parts
    moment = datetime.fromisoformat(text)
    known = _known(zone) if isinstance(zone, str) else None
    return moment.replace(tzinfo=known or moment.tzinfo, fold=fold)


def _timestamp(parts: Any) -> pd.Timestamp:
    """Return the timestamp of ticks: pandas cannot read all that its `isoformat` writes."""
    ticks, unit, zone = parts
    moment = pd.Timestamp(np.datetime64(_whole(ticks), _unit(unit)))
    if zone is None:
        return moment
    known = _known(zone) if isinstance(zone, str) else timezone(timedelta(seconds=zone))
    return moment.tz_localize(UTC).tz_convert(known or UTC)


def _unit(unit: object) -> Any:
    if unit not in _UNITS:
        raise ValueError("a time has a unit that is not valid")
    return unit


def _whole(number: object) -> Any:
    if type(number) is not int:
        raise ValueError("a time is not a whole number of units")
    return number


def _list(cells: object) -> list[Any]:
    if type(cells) is not list:
        raise TypeError("a value is not a list")
    return cells


def _decimal(text: str) -> Decimal:
    number = Decimal(text)
    if number.is_finite() and abs(number.adjusted()) > _LARGEST:
        raise ValueError("a decimal number is too large, or too small")
    return number


def _time_dtype(name: str) -> "np.dtype[Any]":
    dtype = array_dtype(name)
    if dtype.kind not in "mM":
        raise ValueError("a time has a dtype that is not one of times")
    return dtype


def _integer(text: object) -> int:
    if not isinstance(text, str) or not re.fullmatch(r"-?0x[0-9a-f]{1,100000}", text):
        raise ValueError("an integer is not valid")
    return int(text, 16)


def _only_text(text: object) -> str:
    if not isinstance(text, str):
        raise TypeError("a path or message is not text")
    return text


def _array_content(value: "np.ndarray[Any, Any]") -> list[Any]:
    name = str(value.dtype)
    try:
        array_dtype(name)
    except ValueError:  # for example a record: its cells become objects
        name = "object"
    return [name, value.tolist()]


def _array(parts: Any) -> "np.ndarray[Any, Any]":
    """Return an array, of objects if it has text that is much shorter than the dtype's width."""
    name, cells = parts
    dtype = array_dtype(name)
    if dtype.kind not in "US":
        return np.array(cells, dtype=dtype)
    objects = np.array(cells, dtype=object)
    length = sum(len(cell) for cell in objects.flat if isinstance(cell, str | bytes))
    small = objects.size * dtype.itemsize <= _SPARE + 64 * length
    return np.array(cells, dtype=dtype) if small else objects


def _ticks(value: Any) -> int:
    return int(value.view("int64"))


def _base64(value: bytes) -> str:
    return base64.b64encode(value).decode("ascii")


def _unreadable(words: object) -> InvalidValue:
    return InvalidValue("unreadable_value", _only_text(words), "Replace it with text, a number or a list of these.")


# A class is before those that it is derived from: the first that fits is used.
_KINDS = (
    _Kind("unreadable", InvalidValue, str, _unreadable),
    _Kind("nat", type(pd.NaT), lambda _: None, lambda _: pd.NaT),
    _Kind("na", type(pd.NA), lambda _: None, lambda _: pd.NA),
    _Kind("float", float, float.__repr__, float),
    _Kind("complex", complex, lambda value: [value.real, value.imag], lambda parts: complex(*parts)),
    _Kind("decimal", Decimal, str, _decimal),
    _Kind("timestamp", pd.Timestamp, lambda value: [_ticks(value.asm8), value.unit, _zone(value)], _timestamp),
    _Kind("datetime", datetime, lambda value: [value.isoformat(), _zone(value), value.fold], _datetime),
    _Kind("date", date, date.isoformat, date.fromisoformat),
    _Kind("time", time, time.isoformat, time.fromisoformat),
    _Kind(
        "pandas timedelta",
        pd.Timedelta,
        lambda value: [_ticks(value.asm8), value.unit],
        lambda parts: pd.Timedelta(np.timedelta64(_whole(parts[0]), _unit(parts[1]))),
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
        lambda parts: pd.Period(ordinal=_whole(parts[0]), freq=offset(parts[1])),
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
    _Kind("tuple", tuple, list, lambda cells: tuple(_list(cells))),
    _Kind("set", set, list, lambda cells: set(_list(cells))),
    _Kind("frozenset", frozenset, list, lambda cells: frozenset(_list(cells))),
    _Kind("dict", dict, lambda value: [[key, one] for key, one in value.items()], lambda pairs: dict(_list(pairs))),
    _Kind(
        "numpy time",
        np.datetime64 | np.timedelta64,
        lambda value: [_ticks(value), str(value.dtype)],
        lambda parts: np.array(_whole(parts[0]), dtype="int64").view(_time_dtype(parts[1]))[()],
    ),
    _Kind(
        "array",
        np.ndarray,
        _array_content,
        _array,
    ),
)
_RESTORE: dict[str, Callable[[Any], object]] = {
    **{kind.mark: kind.restore for kind in _KINDS},
    "integer": _integer,
}
_RESTORE_PLAIN = _RESTORE | dict.fromkeys(("path", "posix path", "windows path"), _only_text)
