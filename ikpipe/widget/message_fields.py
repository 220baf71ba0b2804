"""The fields of messages from a page, each read and validated by one method: its type, size and characters."""

from __future__ import annotations

import re
from collections.abc import Mapping
from math import isfinite
from typing import Any

from ikpipe.request.values import encodable
from ikpipe.widget.picture_edits import PICTURE, PictureEdit

_MAX_IDS = 100_000
_MAX_FILES = 10_000  # added by one message
MAX_PATH = 4_096  # characters of a name or a path
_MAX_CELL = 100_000  # characters
MAX_WORD = 200  # characters of an id, a key, a request, a column; items of a list
_MAX_INTEGER = 2**53  # of JavaScript

NAMING = ("use_unique_file_name", "overwrite_file")
"""The columns that say what becomes of a file that the library has: a row in which one is edited is decided."""
COLUMNS = ("file_name", "folder", "tags", "description", "is_private_file", "custom_coordinates", *NAMING)
"""The columns that can be edited, besides `custom_metadata.<field>`."""
METADATA = "custom_metadata."
LEFT_OUT = "left_out"
"""The column that leaves a row out of the upload, if it is true; it is none of the table."""


class InvalidMessage(Exception):  # noqa: N818 - never leaves the package: it becomes an `error` message
    """An invalid message; `request` is its identifier, if it has one.

    `reason` names the sentence that a page shows, in the files below `static/languages/`.
    """

    def __init__(self, message: str, request: str | int | None = None, reason: str = "message") -> None:
        super().__init__(message)
        self.request, self.reason = request, reason


class MessageFields:
    """The fields of an object; each method validates one."""

    def __init__(self, content: Mapping[Any, Any]) -> None:
        self._content = content

    def text(self, name: str, longest: int = MAX_WORD, default: str | None = None) -> str:
        """Return a text of a bounded length."""
        value = self._content.get(name, default)
        if not isinstance(value, str) or len(value) > longest:
            raise InvalidMessage(f"{name} is not a text of at most {longest:,} characters")
        if not encodable(value):
            raise InvalidMessage(f"{name} has an unpaired surrogate")
        return value

    def number(self, name: str, largest: int = _MAX_INTEGER) -> int:
        """Return an integer from 0."""
        value = self._content.get(name)
        if type(value) is float and value.is_integer():
            value = int(value)
        if type(value) is not int or not 0 <= value <= largest:
            raise InvalidMessage(f"{name} is not an integer from 0 to {largest}")
        return value

    def time(self, name: str) -> float | None:
        """Return a time in seconds, or None."""
        value = self._content.get(name)
        if value is not None and (type(value) not in (int, float) or not abs(value) <= _MAX_INTEGER):
            raise InvalidMessage(f"{name} is not a valid time")
        return None if value is None else float(value)

    def flag(self, name: str, *, default: bool) -> bool:
        """Return a boolean."""
        value = self._content.get(name, default)
        if not isinstance(value, bool):
            raise InvalidMessage(f"{name} is not a boolean")
        return value

    def request(self) -> str | int:
        """Return the id of a request, which its reply repeats."""
        value = self._content.get("request")
        return self.number("request") if type(value) in (int, float) else self.text("request")

    def texts(self, name: str, most: int, longest: int = MAX_PATH) -> list[str]:
        """Return a list of texts of a bounded length."""
        value = self._content.get(name)
        if not isinstance(value, list) or len(value) > most:
            raise InvalidMessage(f"{name} is not a list of at most {most:,} texts")
        if not all(isinstance(item, str) and len(item) <= longest and encodable(item) for item in value):
            raise InvalidMessage(f"{name} has an item that is not a text of at most {longest:,} characters")
        return value

    def ids(self) -> list[str]:
        """Return the ids of rows, each once."""
        value = self._content.get("ids")
        if not isinstance(value, list) or len(value) > _MAX_IDS:
            raise InvalidMessage("ids is not a list of ids")
        if not all(isinstance(item, str) and len(item) <= MAX_WORD for item in value):
            raise InvalidMessage("ids has an item that is not an id")
        return list(dict.fromkeys(value))

    def ids_or_all(self) -> list[str] | None:
        """Return the ids of rows; None means all rows."""
        return None if self._content.get("ids") is None else self.ids()

    def objects(self, name: str) -> list[MessageFields]:
        """Return a list of objects, each to be read in the same way."""
        value = self._content.get(name)
        if not isinstance(value, list) or len(value) > _MAX_FILES or not all(isinstance(item, dict) for item in value):
            raise InvalidMessage(f"{name} is not a list of at most {_MAX_FILES:,} objects")
        return [MessageFields(item) for item in value]

    def choice(self, name: str, choices: tuple[str, ...]) -> Any:
        """Return one of the allowed texts."""
        value = self._content.get(name)
        if not isinstance(value, str) or value not in choices:
            raise InvalidMessage(f"{name} is not one of {', '.join(choices)}")
        return value

    def has(self, name: str) -> bool:
        """Whether the message has a value of this name."""
        return self._content.get(name) is not None

    def cell(self, name: str, column: str = "") -> Any:
        """Return the value of a cell."""
        return _cell(self._content.get(name), column)

    def cells(self, name: str, column: str) -> list[Any]:
        """Return the values of a column, one for each row of a message."""
        value = self._content.get(name)
        if not isinstance(value, list) or len(value) > _MAX_IDS:
            raise InvalidMessage(f"{name} is not a list of values")
        return [_cell(item, column) for item in value]

    def edits(self) -> dict[str, Any]:
        """Return edited cells by column."""
        value = self._content.get("edits") or {}
        if not isinstance(value, dict) or len(value) > MAX_WORD:
            raise InvalidMessage("edits is not an object of columns and values")
        return {editable_column(name): _cell(cell, name) for name, cell in value.items()}


def _is_scalar(value: object) -> bool:
    return value is None or type(value) in (str, int, bool) or (type(value) is float and isfinite(value))


def _cell(value: object, column: str) -> Any:
    """Return a valid value of a cell: text, a number, a boolean, None, a list of text, or for metadata of numbers."""
    if column == PICTURE and value is not None:
        return _picture(value)
    items = value if isinstance(value, list) else [value]
    if len(items) > MAX_WORD or not all(map(_is_scalar, items)):
        raise InvalidMessage("value is not valid in a cell")
    item_types = {str, int, float, bool} if column.startswith(METADATA) else {str}
    if isinstance(value, list) and not {*map(type, items)} <= item_types:
        raise InvalidMessage("value is a list with an item that is not text")
    text = "".join(item for item in items if isinstance(item, str))
    if len(text) > _MAX_CELL or not encodable(text):
        raise InvalidMessage("value is too long, or has an unpaired surrogate")
    return value


def _picture(value: object) -> object:
    """Return the text of a picture's edits, if it is valid."""
    try:
        PictureEdit.read(value)
    except ValueError as invalid:
        raise InvalidMessage(f"value: {invalid}") from None
    return value


_METADATA_COLUMN = re.compile(re.escape(METADATA) + r"[^\x00-\x1f\ud800-\udfff]{1,150}")


def editable_column(name: object) -> str:
    """Return the name of a column that can be edited."""
    if isinstance(name, str) and (name in (*COLUMNS, LEFT_OUT, PICTURE) or _METADATA_COLUMN.fullmatch(name)):
        return name
    raise InvalidMessage("column cannot be edited")
