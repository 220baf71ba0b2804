"""Messages from a page, read and validated: every message is untrusted, and an invalid one changes nothing.

A message is a dict with a `type`; `read` returns a tuple whose fields have valid types and sizes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, NamedTuple, get_args

from ikpipe.widget import duplicate_messages, folder_messages, table_messages
from ikpipe.widget.duplicate_messages import DuplicatesMessage
from ikpipe.widget.folder_messages import MatchFilesMessage
from ikpipe.widget.message_fields import MAX_PATH, MAX_WORD, InvalidMessage, MessageFields, editable_column
from ikpipe.widget.picture_edits import PICTURE
from ikpipe.widget.table_messages import TableMessage

_MAX_BATCH = 1_000  # messages
MAX_URLS = 1_000  # of a message
MAX_BODY = 65_536  # characters of the service's answer

Failure = Literal["network", "timeout", "cancelled", "offline", "lost", "unreadable"]


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


class AddUrlsMessage(NamedTuple):
    """URLs of files were pasted, dropped or typed."""

    request: str | int
    urls: list[str]


class RemoveMessage(NamedTuple):
    """Remove rows; `step` is as in `EditMessage`."""

    ids: list[str]
    step: str = ""


class SelectMessage(NamedTuple):
    """The selection changed to these rows."""

    ids: list[str]


class EditMessage(NamedTuple):
    """Set a column in some rows, to one value or to the one of each row; None resets it to the default.

    Messages with the same `step` are undone together; without one, each is undone alone.
    """

    request: str | int
    ids: list[str]
    column: str
    values: list[Any]
    step: str = ""


class ChangeMessage(NamedTuple):
    """Set a column of files that are in the library; an empty value removes it. The rest is as in `EditMessage`."""

    request: str | int
    ids: list[str]
    column: str
    values: list[Any]
    step: str = ""


class RenameMessage(NamedTuple):
    """Rename rows by a template; `preview` only reports the new names. `step` is as in `EditMessage`."""

    request: str | int
    ids: list[str]
    template: str
    preview: bool
    step: str = ""


class ValuesMessage(NamedTuple):
    """Send what the rows of the table have in one of its columns."""

    request: str | int
    column: str


class TagsMessage(NamedTuple):
    """Send the tags that some of the account's files have."""

    request: str | int


class DeleteMessage(NamedTuple):
    """Delete files from the library; the user has confirmed it."""

    request: str | int
    ids: list[str]


class UndoMessage(NamedTuple):
    """Undo the last step, or redo the one that was undone last; `step` must be its name, unless it is empty."""

    request: str | int
    direction: Literal["undo", "redo"]
    step: str = ""


class HaveMessage(NamedTuple):
    """The page has the files of these rows; `again` if the user chose them again after it had lost them."""

    ids: list[str]
    again: bool = False


class LostMessage(NamedTuple):
    """No page has the files of these rows: it was reloaded, and no other page reported that it has them."""

    ids: list[str]


class SendMessage(NamedTuple):
    """Upload rows, or with None all that are ready."""

    ids: list[str] | None


class CancelMessage(NamedTuple):
    """Cancel rows, or with None all; `now` does not wait until it is known whether they are stored."""

    ids: list[str] | None
    now: bool = False


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
    """A row of a kernel that has ended: its file, its id there, its edits and its state, and its URL if it has one.

    `changed`: its file may have been changed after its upload.
    """

    file: BrowserFile
    id: str
    edits: dict[str, Any]
    state: str
    url: str = ""
    changed: bool = False


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
    | AddUrlsMessage
    | RemoveMessage
    | SelectMessage
    | EditMessage
    | ChangeMessage
    | RenameMessage
    | TagsMessage
    | ValuesMessage
    | DeleteMessage
    | UndoMessage
    | HaveMessage
    | LostMessage
    | SendMessage
    | CancelMessage
    | RetryMessage
    | ProgressMessage
    | ResultMessage
    | PreviewMessage
    | AdoptMessage
    | TableMessage
    | MatchFilesMessage
    | DuplicatesMessage
    | CsvMessage
    | PingMessage
)


def read(content: object) -> Message:
    """Read a message; raise `InvalidMessage` if it is not a message, or a field of it is invalid."""
    if not isinstance(content, dict):
        raise InvalidMessage("a message is an object with a type")
    request = content.get("request")
    request = request if isinstance(request, (str, int)) and len(str(request)) <= MAX_WORD else None
    kind = content.get("type")
    if not isinstance(kind, str) or kind not in _READERS:
        raise InvalidMessage("there is no message of this type", request)
    try:
        return _READERS[kind](MessageFields(content))
    except InvalidMessage as invalid:
        raise InvalidMessage(f"{kind}: {invalid}", request) from None


def unpack(content: object) -> list[Any]:
    """Return the messages that came as one: those of a batch, which has no batch in it, or the message itself."""
    items = content.get("messages") if isinstance(content, dict) and content.get("type") == "batch" else None
    return items if isinstance(items, list) and len(items) <= _MAX_BATCH else [content]


def read_order(content: object) -> tuple[str, int] | None:
    """Return the sequence that a message belongs to and its number there; None if its order does not matter.

    Raise `InvalidMessage` if the sequence or the number is invalid.
    """
    fields = MessageFields(content if isinstance(content, dict) else {})
    if not fields.has("line") or fields.cell("type") == "ping":
        return None
    return fields.text("line"), fields.number("at")


def _file(fields: MessageFields) -> BrowserFile:
    name = fields.text("name", MAX_PATH)
    if not name:
        raise InvalidMessage("name is empty")
    return BrowserFile(
        fields.text("key"),
        name,
        fields.text("path", MAX_PATH, ""),
        fields.number("size"),
        fields.text("type", default=""),
        fields.time("modified"),
    )


def _result(fields: MessageFields) -> ResultMessage:
    row_id, attempt = fields.text("id"), fields.number("attempt")
    if fields.has("error"):
        error = fields.choice("error", get_args(Failure))
        return ResultMessage(row_id, attempt, error=error, maybe_sent=fields.flag("left", default=True))
    request = fields.text("request_id") if fields.has("request_id") else None
    return ResultMessage(row_id, attempt, fields.number("status", 599), fields.text("body", MAX_BODY, ""), request)


def _orphaned_row(fields: MessageFields) -> OrphanedRow:
    return OrphanedRow(
        _file(fields),
        fields.text("id", default=""),
        fields.edits(),
        fields.text("state", default=""),
        fields.text("url", MAX_PATH, ""),
        fields.flag("changed", default=False),
    )


def _edit(fields: MessageFields) -> EditMessage:
    column, ids = editable_column(fields.text("column")), fields.ids()
    each = fields.has("values")
    values = fields.cells("values", column) if each else [fields.cell("value", column)] * len(ids)
    if len(values) != len(ids):
        raise InvalidMessage("values are not as many as the ids, each of which counts once")
    return EditMessage(fields.request(), ids, column, values, fields.text("step", default=""))


def _change(fields: MessageFields) -> ChangeMessage:
    message = _edit(fields)
    if message.column == PICTURE:
        raise InvalidMessage("the picture of a stored file cannot be changed")
    return ChangeMessage(*message)


def _undo(fields: MessageFields) -> UndoMessage:
    return UndoMessage(fields.request(), fields.choice("type", ("undo", "redo")), fields.text("step", default=""))


_READERS: dict[str, Callable[[MessageFields], Message]] = {
    **table_messages.READERS,
    **folder_messages.READERS,
    **duplicate_messages.READERS,
    "hello": lambda _: HelloMessage(),
    "add": lambda fields: AddMessage(fields.request(), [_file(item) for item in fields.objects("files")]),
    "add_urls": lambda fields: AddUrlsMessage(fields.request(), fields.texts("urls", MAX_URLS)),
    "remove": lambda fields: RemoveMessage(fields.ids(), fields.text("step", default="")),
    "select": lambda fields: SelectMessage(fields.ids()),
    "edit": _edit,
    "change": _change,
    "rename": lambda fields: RenameMessage(
        fields.request(),
        fields.ids(),
        fields.text("template", MAX_PATH),
        fields.flag("preview", default=True),
        fields.text("step", default=""),
    ),
    "values": lambda fields: ValuesMessage(fields.request(), fields.text("column")),
    "tags": lambda fields: TagsMessage(fields.request()),
    "delete": lambda fields: DeleteMessage(fields.request(), fields.ids()),
    "undo": _undo,
    "redo": _undo,
    "have": lambda fields: HaveMessage(fields.ids(), fields.flag("again", default=False)),
    "lost": lambda fields: LostMessage(fields.ids()),
    "send": lambda fields: SendMessage(fields.ids_or_all()),
    "cancel": lambda fields: CancelMessage(fields.ids_or_all(), fields.flag("now", default=False)),
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
