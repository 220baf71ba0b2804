"""What a browser says, checked: every message is untrusted, and one that is ill-formed changes nothing.

A message is a dict with a `type`; `read` makes a tuple of it, whose fields have the types and sizes that they should.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from ikpipe.request.parameters import TABLE
from ikpipe.request.values import encodable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

LONGEST_BODY = 65_536  # characters of the service's answer
_MOST_IDS = 100_000
_MOST_FILES = 10_000  # announced in one message
_LONGEST_TEXT = 4_096  # characters of a name, a path, a key
_LONGEST_VALUE = 100_000  # characters of a cell
_LONGEST_WORD = 200  # characters of an id, a request, a column
_LARGEST = 2**53  # JavaScript's integers end there

COLUMNS = (*("file_name", "folder", "tags", "description"), *("is_private_file", "custom_coordinates"))
"""The columns that can be edited, and `custom_metadata.<field>`."""
METADATA = "custom_metadata."

Failure = Literal["network", "timeout", "cancelled", "offline", "lost", "unreadable"]
_FAILURES = ("network", "timeout", "cancelled", "offline", "lost", "unreadable")


class BadMessage(Exception):  # noqa: N818 - never leaves the package: it becomes an `error` message
    """A message that is not understood; `request` is what it was asked by, where it said so."""

    def __init__(self, words: str, request: str | int | None = None) -> None:
        super().__init__(words)
        self.request = request


class Hello(NamedTuple):
    """A view is there, and has nothing."""


class File(NamedTuple):
    """A file that a browser holds: its name, the folder that it was picked with, bytes, media type, time of change."""

    key: str
    name: str
    path: str
    size: int
    type: str
    modified: float | None


class Add(NamedTuple):
    """Files that were picked."""

    request: str | int
    files: list[File]


class Remove(NamedTuple):
    """Rows that are to go."""

    ids: list[str]


class Select(NamedTuple):
    """The rows that are selected now."""

    ids: list[str]


class Edit(NamedTuple):
    """A column's new value in some rows; None is back to the default."""

    request: str | int
    ids: list[str]
    column: str
    value: Any


class Send(NamedTuple):
    """Rows that are to be sent; None: all that are ready."""

    ids: list[str] | None


class Cancel(NamedTuple):
    """Rows that are not to be sent after all; None: all."""

    ids: list[str] | None


class Retry(NamedTuple):
    """Rows that are to be sent again; None: all that are worth it."""

    ids: list[str] | None


class Progress(NamedTuple):
    """How far a file is."""

    id: str
    attempt: int
    loaded: int
    total: int


class Answer(NamedTuple):
    """What became of an attempt: the service's answer, or why there is none, and whether any byte may have left."""

    id: str
    attempt: int
    status: int = 0
    body: str = ""
    request_id: str | None = None
    error: Failure | None = None
    left: bool = True


class Preview(NamedTuple):
    """Rows of the kernel's side that are to be looked at."""

    ids: list[str]
    size: Literal["thumb", "large"]


class Orphan(NamedTuple):
    """A row of a kernel that is gone: its file, what it was called and edited to, and how far it was."""

    file: File
    id: str
    edits: dict[str, Any]
    state: str


class Adopt(NamedTuple):
    """Rows of another session that the same page still has the files of."""

    session: str
    rows: list[Orphan]


class Csv(NamedTuple):
    """The results are wanted as text."""

    request: str | int


class Ping(NamedTuple):
    """A question whether anybody is there, and how far a line was taken in, whose last number is `at`."""

    n: int
    line: str
    at: int


Message = (
    Hello | Add | Remove | Select | Edit | Send | Cancel | Retry | Progress | Answer | Preview | Adopt | Csv | Ping
)


def read(content: object) -> Message:
    """Read a message.

    Raises
    ------
    BadMessage
        It is none, or has anything in it that does not belong there.
    """
    if not isinstance(content, dict):
        raise BadMessage("a message is an object with a type")
    request = content.get("request")
    known = request if isinstance(request, (str, int)) and len(str(request)) <= _LONGEST_WORD else None
    kind = content.get("type")
    if not isinstance(kind, str) or kind not in _READERS:
        raise BadMessage("there is no message of this type", known)
    try:
        return _READERS[kind](_Fields(content))
    except BadMessage as bad:
        raise BadMessage(f"{kind}: {bad}", known) from None


def place(content: object) -> tuple[str, int] | None:
    """Read the line that a message belongs to, and its number there; None where its order does not matter.

    Raises
    ------
    BadMessage
        It has something else in their place.
    """
    fields = _Fields(content if isinstance(content, dict) else {})
    if not fields.has("line") or fields.value("type") == "ping":
        return None
    return fields.text("line"), fields.number("at")


class _Fields:
    """The fields of an object, taken out one by one."""

    def __init__(self, content: Mapping[Any, Any]) -> None:
        self._content = content

    def text(self, name: str, longest: int = _LONGEST_WORD, otherwise: str | None = None) -> str:
        value = self._content.get(name, otherwise)
        if not isinstance(value, str) or len(value) > longest:
            raise BadMessage(f"{name} is no text of at most {longest:,} characters")
        if not encodable(value):
            raise BadMessage(f"{name} has half a character")
        return value

    def number(self, name: str, most: int = _LARGEST) -> int:
        value = self._content.get(name)
        if type(value) is float and value.is_integer():
            value = int(value)
        if type(value) is not int or not 0 <= value <= most:
            raise BadMessage(f"{name} is no whole number from 0 to {most}")
        return value

    def moment(self, name: str) -> float | None:
        value = self._content.get(name)
        if value is not None and (type(value) not in (int, float) or not abs(value) <= _LARGEST):
            raise BadMessage(f"{name} is no time")
        return None if value is None else float(value)

    def flag(self, name: str, *, otherwise: bool) -> bool:
        value = self._content.get(name, otherwise)
        if not isinstance(value, bool):
            raise BadMessage(f"{name} is neither true nor false")
        return value

    def request(self) -> str | int:
        value = self._content.get("request")
        return self.number("request") if type(value) in (int, float) else self.text("request")

    def ids(self, name: str = "ids") -> list[str]:
        value = self._content.get(name)
        if not isinstance(value, list) or len(value) > _MOST_IDS:
            raise BadMessage(f"{name} is no list of ids")
        if not all(isinstance(one, str) and len(one) <= _LONGEST_WORD for one in value):
            raise BadMessage(f"{name} has something in it that is no id")
        return list(dict.fromkeys(value))

    def ids_or_all(self) -> list[str] | None:
        return None if self._content.get("ids") is None else self.ids()

    def objects(self, name: str, most: int = _MOST_FILES) -> list[_Fields]:
        value = self._content.get(name)
        if not isinstance(value, list) or len(value) > most or not all(isinstance(one, dict) for one in value):
            raise BadMessage(f"{name} is no list of at most {most:,} objects")
        return [_Fields(one) for one in value]

    def choice(self, name: str, choices: tuple[str, ...]) -> Any:
        value = self._content.get(name)
        if not isinstance(value, str) or value not in choices:
            raise BadMessage(f"{name} is none of {', '.join(choices)}")
        return value

    def has(self, name: str) -> bool:
        return self._content.get(name) is not None

    def value(self, name: str, column: str = "") -> Any:
        return _cell(self._content.get(name), column)

    def edits(self) -> dict[str, Any]:
        value = self._content.get("edits") or {}
        if not isinstance(value, dict) or len(value) > _LONGEST_WORD:
            raise BadMessage("edits is no object of columns and values")
        return {_column(name): _cell(one, name) for name, one in value.items()}


def _plain(value: object) -> bool:
    return value is None or type(value) in (str, int, float, bool)


def _fit(texts: list[str]) -> bool:
    return sum(map(len, texts)) <= _LONGEST_VALUE and all(map(encodable, texts))


def _cell(value: object, column: str) -> Any:
    """Take what a cell can hold: text, a number, a boolean, None, or a list of text; of metadata, also of numbers."""
    items = value if isinstance(value, list) else [value]
    if len(items) > _LONGEST_WORD or not all(map(_plain, items)):
        raise BadMessage("value is nothing that a cell can hold")
    listed = (str, int, float) if column.startswith(METADATA) else str
    if isinstance(value, list) and not all(isinstance(one, listed) for one in items):
        raise BadMessage("value is a list of something else than text")
    if not _fit([one for one in items if isinstance(one, str)]):
        raise BadMessage("value is too long, or has half a character")
    if any(isinstance(one, float) and not abs(one) < float("inf") for one in items):
        raise BadMessage("value is no number")
    return value


_FIELD = re.compile(r"[^\x00-\x1f\ud800-\udfff]{1,150}")


def _column(name: object) -> str:
    """Take the name of a column that can be edited."""
    if isinstance(name, str) and name in COLUMNS and name in TABLE:
        return name
    if isinstance(name, str) and name.startswith(METADATA) and _FIELD.fullmatch(name.removeprefix(METADATA)):
        return name
    raise BadMessage("column is none that can be edited")


def _file(fields: _Fields) -> File:
    name = fields.text("name", _LONGEST_TEXT)
    if not name:
        raise BadMessage("name is empty")
    return File(
        fields.text("key"),
        name,
        fields.text("path", _LONGEST_TEXT, ""),
        fields.number("size"),
        fields.text("type", otherwise=""),
        fields.moment("modified"),
    )


def _answer(fields: _Fields) -> Answer:
    name, attempt = fields.text("id"), fields.number("attempt")
    if fields.has("error"):
        error = fields.choice("error", _FAILURES)
        return Answer(name, attempt, error=error, left=fields.flag("left", otherwise=True))
    request = fields.text("request_id") if fields.has("request_id") else None
    return Answer(name, attempt, fields.number("status", 599), fields.text("body", LONGEST_BODY, ""), request)


def _orphan(fields: _Fields) -> Orphan:
    return Orphan(
        _file(fields),
        fields.text("id", otherwise=""),
        fields.edits(),
        fields.text("state", otherwise=""),
    )


def _edit(fields: _Fields) -> Edit:
    column = _column(fields.text("column"))
    return Edit(fields.request(), fields.ids(), column, fields.value("value", column))


_READERS: dict[str, Callable[[_Fields], Message]] = {
    "hello": lambda _: Hello(),
    "add": lambda fields: Add(fields.request(), [_file(one) for one in fields.objects("files")]),
    "remove": lambda fields: Remove(fields.ids()),
    "select": lambda fields: Select(fields.ids()),
    "edit": _edit,
    "send": lambda fields: Send(fields.ids_or_all()),
    "cancel": lambda fields: Cancel(fields.ids_or_all()),
    "retry": lambda fields: Retry(fields.ids_or_all()),
    "progress": lambda fields: Progress(
        fields.text("id"), fields.number("attempt"), fields.number("loaded"), fields.number("total")
    ),
    "result": _answer,
    "preview": lambda fields: Preview(fields.ids(), fields.choice("size", ("thumb", "large"))),
    "adopt": lambda fields: Adopt(fields.text("session"), [_orphan(one) for one in fields.objects("rows")]),
    "csv": lambda fields: Csv(fields.request()),
    "ping": lambda fields: Ping(
        fields.number("n"), fields.text("line", otherwise=""), fields.number("at") if fields.has("at") else 0
    ),
}
