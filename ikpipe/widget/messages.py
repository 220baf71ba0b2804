"""Messages from a page, read and validated: every message is untrusted, and an invalid one changes nothing.

A message is a dict with a `type`; `read` returns a tuple whose fields have valid types and sizes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from math import isfinite
from typing import Any, Literal, NamedTuple, get_args

from ikpipe.request.values import encodable

MAX_BODY = 65_536  # characters of the service's answer
_MAX_IDS = 100_000
_MAX_FILES = 10_000  # added by one message
_MAX_PATH = 4_096  # characters of a name or a path
_MAX_CELL = 100_000  # characters
_MAX_WORD = 200  # characters of an id, a key, a request, a column; items of a list
_MAX_INTEGER = 2**53  # of JavaScript

COLUMNS = ("file_name", "folder", "tags", "description", "is_private_file", "custom_coordinates")
"""The columns that can be edited, besides `custom_metadata.<field>`."""
METADATA = "custom_metadata."

Failure = Literal["network", "timeout", "cancelled", "offline", "lost", "unreadable"]


class InvalidMessage(Exception):  # noqa: N818 - never leaves the package: it becomes an `error` message
    """An invalid message; `request` is its identifier, if it has one."""

    def __init__(self, message: str, request: str | int | None = None) -> None:
        super().__init__(message)
        self.request = request


class HelloMessage(NamedTuple):
    """A view was opened, and needs all rows."""


class BrowserFile(NamedTuple):
    """A file that a browser has: its name, folder, size in bytes, media type, and time of change in milliseconds."""

    key: str
    name: str
    path: str
    size: int
    type: str
    modified: float | None


class AddMessage(NamedTuple):
    """Files were picked."""

    request: str | int
    files: list[BrowserFile]


class RemoveMessage(NamedTuple):
    """Remove rows."""

    ids: list[str]


class SelectMessage(NamedTuple):
    """The selection changed to these rows."""

    ids: list[str]


class EditMessage(NamedTuple):
    """Set a column in some rows; None resets it to the default."""

    request: str | int
    ids: list[str]
    column: str
    value: Any


class SendMessage(NamedTuple):
    """Upload rows, or with None all that are ready."""

    ids: list[str] | None


class CancelMessage(NamedTuple):
    """Cancel rows, or with None all."""

    ids: list[str] | None


class RetryMessage(NamedTuple):
    """Upload rows again, or with None all that can be retried."""

    ids: list[str] | None


class ProgressMessage(NamedTuple):
    """How many bytes of a file were sent."""

    id: str
    attempt: int
    loaded: int
    total: int


class ResultMessage(NamedTuple):
    """The result of an attempt: the service's answer, or why there is none and whether bytes may have been sent."""

    id: str
    attempt: int
    status: int = 0
    body: str = ""
    request_id: str | None = None
    error: Failure | None = None
    maybe_sent: bool = True


class PreviewMessage(NamedTuple):
    """Send previews of rows whose files Python can read."""

    ids: list[str]
    size: Literal["thumb", "large"]


class OrphanedRow(NamedTuple):
    """A row of a kernel that has ended: its file, its id there, its edits and its state."""

    file: BrowserFile
    id: str
    edits: dict[str, Any]
    state: str


class AdoptMessage(NamedTuple):
    """Restore rows of another session, whose files the page still has."""

    session: str
    rows: list[OrphanedRow]


class CsvMessage(NamedTuple):
    """Send the results as CSV."""

    request: str | int


class PingMessage(NamedTuple):
    """Answer, and say which messages of a sequence were accepted; `number` is the last one that was sent."""

    n: int
    sequence: str
    number: int


Message = (
    HelloMessage
    | AddMessage
    | RemoveMessage
    | SelectMessage
    | EditMessage
    | SendMessage
    | CancelMessage
    | RetryMessage
    | ProgressMessage
    | ResultMessage
    | PreviewMessage
    | AdoptMessage
    | CsvMessage
    | PingMessage
)


def read(content: object) -> Message:
    """Read a message; raise `InvalidMessage` if it is not a message, or a field of it is invalid."""
    if not isinstance(content, dict):
        raise InvalidMessage("a message is an object with a type")
    request = content.get("request")
    request = request if isinstance(request, (str, int)) and len(str(request)) <= _MAX_WORD else None
    kind = content.get("type")
    if not isinstance(kind, str) or kind not in _READERS:
        raise InvalidMessage("there is no message of this type", request)
    try:
        return _READERS[kind](_Fields(content))
    except InvalidMessage as invalid:
        raise InvalidMessage(f"{kind}: {invalid}", request) from None


def read_order(content: object) -> tuple[str, int] | None:
    """Return the sequence that a message belongs to and its number there; None if its order does not matter.

    Raise `InvalidMessage` if the sequence or the number is invalid.
    """
    fields = _Fields(content if isinstance(content, dict) else {})
    if not fields.has("line") or fields.cell("type") == "ping":
        return None
    return fields.text("line"), fields.number("at")


class _Fields:
    """The fields of an object; each method validates one."""

    def __init__(self, content: Mapping[Any, Any]) -> None:
        self._content = content

    def text(self, name: str, longest: int = _MAX_WORD, default: str | None = None) -> str:
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

    def ids(self) -> list[str]:
        """Return the ids of rows, each once."""
        value = self._content.get("ids")
        if not isinstance(value, list) or len(value) > _MAX_IDS:
            raise InvalidMessage("ids is not a list of ids")
        if not all(isinstance(item, str) and len(item) <= _MAX_WORD for item in value):
            raise InvalidMessage("ids has an item that is not an id")
        return list(dict.fromkeys(value))

    def ids_or_all(self) -> list[str] | None:
        """Return the ids of rows; None means all rows."""
        return None if self._content.get("ids") is None else self.ids()

    def objects(self, name: str) -> list[_Fields]:
        """Return a list of objects, each to be read in the same way."""
        value = self._content.get(name)
        if not isinstance(value, list) or len(value) > _MAX_FILES or not all(isinstance(item, dict) for item in value):
            raise InvalidMessage(f"{name} is not a list of at most {_MAX_FILES:,} objects")
        return [_Fields(item) for item in value]

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

    def edits(self) -> dict[str, Any]:
        """Return edited cells by column."""
        value = self._content.get("edits") or {}
        if not isinstance(value, dict) or len(value) > _MAX_WORD:
            raise InvalidMessage("edits is not an object of columns and values")
        return {_column(name): _cell(cell, name) for name, cell in value.items()}


def _is_scalar(value: object) -> bool:
    return value is None or type(value) in (str, int, bool) or (type(value) is float and isfinite(value))


def _cell(value: object, column: str) -> Any:
    """Return a valid value of a cell: text, a number, a boolean, None, a list of text, or for metadata of numbers."""
    items = value if isinstance(value, list) else [value]
    if len(items) > _MAX_WORD or not all(map(_is_scalar, items)):
        raise InvalidMessage("value is not valid in a cell")
    item_types = {str, int, float, bool} if column.startswith(METADATA) else {str}
    if isinstance(value, list) and not {*map(type, items)} <= item_types:
        raise InvalidMessage("value is a list with an item that is not text")
    text = "".join(item for item in items if isinstance(item, str))
    if len(text) > _MAX_CELL or not encodable(text):
        raise InvalidMessage("value is too long, or has an unpaired surrogate")
    return value


_METADATA_COLUMN = re.compile(re.escape(METADATA) + r"[^\x00-\x1f\ud800-\udfff]{1,150}")


def _column(name: object) -> str:
    """Return the name of a column that can be edited."""
    if isinstance(name, str) and (name in COLUMNS or _METADATA_COLUMN.fullmatch(name)):
        return name
    raise InvalidMessage("column cannot be edited")


def _file(fields: _Fields) -> BrowserFile:
    name = fields.text("name", _MAX_PATH)
    if not name:
        raise InvalidMessage("name is empty")
    return BrowserFile(
        fields.text("key"),
        name,
        fields.text("path", _MAX_PATH, ""),
        fields.number("size"),
        fields.text("type", default=""),
        fields.time("modified"),
    )


def _result(fields: _Fields) -> ResultMessage:
    row_id, attempt = fields.text("id"), fields.number("attempt")
    if fields.has("error"):
        error = fields.choice("error", get_args(Failure))
        return ResultMessage(row_id, attempt, error=error, maybe_sent=fields.flag("left", default=True))
    request = fields.text("request_id") if fields.has("request_id") else None
    return ResultMessage(row_id, attempt, fields.number("status", 599), fields.text("body", MAX_BODY, ""), request)


def _orphaned_row(fields: _Fields) -> OrphanedRow:
    return OrphanedRow(_file(fields), fields.text("id", default=""), fields.edits(), fields.text("state", default=""))


def _edit(fields: _Fields) -> EditMessage:
    column = _column(fields.text("column"))
    return EditMessage(fields.request(), fields.ids(), column, fields.cell("value", column))


_READERS: dict[str, Callable[[_Fields], Message]] = {
    "hello": lambda _: HelloMessage(),
    "add": lambda fields: AddMessage(fields.request(), [_file(item) for item in fields.objects("files")]),
    "remove": lambda fields: RemoveMessage(fields.ids()),
    "select": lambda fields: SelectMessage(fields.ids()),
    "edit": _edit,
    "send": lambda fields: SendMessage(fields.ids_or_all()),
    "cancel": lambda fields: CancelMessage(fields.ids_or_all()),
    "retry": lambda fields: RetryMessage(fields.ids_or_all()),
    "progress": lambda fields: ProgressMessage(
        fields.text("id"), fields.number("attempt"), fields.number("loaded"), fields.number("total")
    ),
    "result": _result,
    "preview": lambda fields: PreviewMessage(fields.ids(), fields.choice("size", ("thumb", "large"))),
    "adopt": lambda fields: AdoptMessage(
        fields.text("session"), [_orphaned_row(one) for one in fields.objects("rows")]
    ),
    "csv": lambda fields: CsvMessage(fields.request()),
    "ping": lambda fields: PingMessage(
        fields.number("n"), fields.text("line", default=""), fields.number("at") if fields.has("at") else 0
    ),
}
