"""Messages about files of the uploader's folder."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from ikpipe.widget.message_fields import MessageFields

_LONGEST = 200  # characters of a pattern, whose time grows with them


class MatchFilesMessage(NamedTuple):
    """Count the files that a pattern matches and that are not in the list, or add them."""

    request: str | int
    pattern: str
    add: bool


def _read(fields: MessageFields) -> MatchFilesMessage:
    return MatchFilesMessage(fields.request(), fields.text("pattern", _LONGEST), fields.flag("add", default=False))


READERS: dict[str, Callable[[MessageFields], Any]] = {"match_files": _read}
