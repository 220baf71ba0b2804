"""Messages about a table that was dropped in a page: its content in parts, and what its columns are."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable
from typing import Any, NamedTuple

from ikpipe.widget.message_fields import (
    COLUMNS,
    MAX_PATH,
    METADATA,
    NAMING,
    InvalidMessage,
    MessageFields,
    editable_column,
)

MAX_PART = 1_000_000  # characters of base64 text
MAX_COLUMNS = 500
FILE = "file"
USES = (FILE, *(column for column in COLUMNS if column not in NAMING))
"""What a column can be, besides ``custom_metadata.<field>``."""
_BASE64 = re.compile(r"[A-Za-z0-9+/]*={0,2}")


ENCODINGS = ("", "cp1252", "cp1250", "cp1251", "utf-16", "mac_roman", "shift_jis", "gb18030")
"""The encodings that a user can choose; ``""`` is the one that the content tells."""


class TablePartMessage(NamedTuple):
    """A part of a table's content; `key` identifies the table."""

    key: str
    content: bytes


class ReadTableMessage(NamedTuple):
    """Read a table whose parts were sent, and say what its columns may be."""

    request: str | int
    key: str
    name: str
    encoding: str


class AddTableMessage(NamedTuple):
    """Add the rows of a table; `uses` is what each column is, `""` where it is not used."""

    request: str | int
    key: str
    uses: list[str]
    step: str


class ForgetWaitingMessage(NamedTuple):
    """Forget the rows of tables whose files were not added."""


TableMessage = TablePartMessage | ReadTableMessage | AddTableMessage | ForgetWaitingMessage


def _part(fields: MessageFields) -> TablePartMessage:
    text = fields.text("data", MAX_PART)
    try:
        if not _BASE64.fullmatch(text):
            raise ValueError
        return TablePartMessage(fields.text("key"), base64.b64decode(text))
    except (ValueError, binascii.Error):
        raise InvalidMessage("data is not base64 text") from None


def _read(fields: MessageFields) -> ReadTableMessage:
    encoding = fields.choice("encoding", ENCODINGS) if fields.has("encoding") else ""
    return ReadTableMessage(fields.request(), fields.text("key"), fields.text("name", MAX_PATH), encoding)


def _added(fields: MessageFields) -> AddTableMessage:
    uses = fields.texts("uses", MAX_COLUMNS)
    for use in uses:
        if use and use not in USES and not (use.startswith(METADATA) and editable_column(use)):
            raise InvalidMessage("uses has an item that is not a column")
    single = [use for use in uses if use and use != "tags"]
    if len({*single}) < len(single) or FILE not in single:
        raise InvalidMessage("uses has no file, or a column twice")
    return AddTableMessage(fields.request(), fields.text("key"), uses, fields.text("step", default=""))


READERS: dict[str, Callable[[MessageFields], Any]] = {
    "table_part": _part,
    "read_table": _read,
    "add_table": _added,
    "forget_waiting": lambda _: ForgetWaitingMessage(),
}
