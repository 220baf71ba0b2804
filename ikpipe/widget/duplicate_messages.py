"""Messages about duplicates."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, NamedTuple

from ikpipe.widget.message_fields import InvalidMessage, MessageFields

MAX_DUPLICATES = 1_000  # of a message to a page
_HASH = re.compile(r"[0-9a-f]{64}|weak-[0-9a-f]{16}")


class FindDuplicatesMessage(NamedTuple):
    """Find out whether rows are duplicates: they are new, changed or gone."""

    ids: list[str]


class ContentsMessage(NamedTuple):
    """The hashes of picked files, by row."""

    hashes: dict[str, str]


class KeepMessage(NamedTuple):
    """Keep rows although other rows have the same content or name, or with ``kept`` false ask again."""

    ids: list[str]
    kept: bool = True


DuplicatesMessage = FindDuplicatesMessage | ContentsMessage | KeepMessage


def _content(fields: MessageFields) -> tuple[str, str]:
    """Return the id of a row, and the hash of its file."""
    value = fields.text("hash")
    if not _HASH.fullmatch(value):
        raise InvalidMessage("hash is not valid")
    return fields.text("id"), value


READERS: dict[str, Callable[[MessageFields], Any]] = {
    "find_duplicates": lambda fields: FindDuplicatesMessage(fields.ids()),
    "contents": lambda fields: ContentsMessage(dict(map(_content, fields.objects("files")))),
    "keep": lambda fields: KeepMessage(fields.ids(), fields.flag("kept", default=True)),
}
