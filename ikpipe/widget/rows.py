"""The rows: where each file is, what was edited, how it is. The kernel's are the truth, the browser shows a copy."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from ikpipe.errors import CODES
from ikpipe.request.sources import FileSource
from ikpipe.request.values import folder_levels

if TYPE_CHECKING:
    from ikpipe.journal.history import RowHistory
    from ikpipe.request.result import Result
    from ikpipe.widget.messages import File
    from ikpipe.widget.runs import Run

UP = frozenset({"uploaded", "exists", "accepted"})
BUSY = frozenset({"queued", "sending", "processing"})
AGAIN = frozenset({"failed", "cancelled", "unknown"})
"""The states of rows that can be retried."""


class PickedFile(NamedTuple):
    """A file that a browser has: what the cell says that stands for it, and what was told of it."""

    cell: str
    name: str
    size: int
    type: str
    folder: str | None

    @classmethod
    def of(cls, file: File, cell: str, below: list[str]) -> PickedFile:
        """Take a file as it was told; its relative path becomes a folder below another."""
        levels = folder_levels(file.path)
        return cls(cell, file.name, file.size, file.type, "/".join(["", *below, *levels]) if levels else None)

    def source(self) -> FileSource:
        """Say what the line needs to know of it."""
        return FileSource("held", self.name, self.cell, size=self.size)


class RowView(NamedTuple):
    """What a row's cells and the keywords give, as it is shown, and what is wrong with it.

    `target` is the path under which it would be stored, where its name is fixed.
    """

    name: str = ""
    size: int | None = None
    kind: str = ""
    source: Literal["browser", "url", "file"] = "file"
    href: str | None = None
    folder: str = ""
    tags: list[str] = []  # noqa: RUF012 - nobody changes it
    description: str = ""
    private: bool | None = None
    coordinates: str = ""
    metadata: dict[str, Any] = {}  # noqa: RUF012 - nobody changes it
    problems: list[dict[str, Any]] = []  # noqa: RUF012 - nobody changes it
    target: str | None = None
    file: FileSource | None = None


@dataclass(slots=True, eq=False)
class WidgetRow:
    """One row.

    `at` is its place among all, `position` that in the input frame, or None. `clash` names a row that has its place in
    the library. `result` is the last word on it, `run` the one that it is in, `last` the one that it was in last, and
    `known` what is left of an earlier kernel's run. `dropped`: it is not to be sent after all.
    """

    id: str
    at: int
    position: int | None = None
    held: PickedFile | None = None
    edits: dict[str, Any] = field(default_factory=dict)
    shown: RowView = field(default_factory=RowView)
    clash: str | None = None
    state: str = "ready"
    result: Result | None = None
    run: Run | None = None
    last: Run | None = None
    known: RowHistory | None = None
    dropped: bool = False

    @property
    def problems(self) -> list[dict[str, Any]]:
        """What is wrong with it."""
        return self.shown.problems if self.clash is None else [*self.shown.problems, _clash(self)]

    @property
    def editable(self) -> bool:
        """Whether it may be changed: it is neither on its way, nor up, nor may it be.

        A picked file that was cancelled before its turn came may, though its run still goes: the wire lets none pass
        that has left its run.
        """
        waits = self.run is None or (self.state == "cancelled" and self.held is not None)
        return waits and self.state not in UP and self.state != "unknown"

    def settle(self) -> None:
        """Say whether it can be sent, after something about it has changed."""
        self.state, self.result, self.known = "invalid" if self.problems else "ready", None, None

    def told(self) -> dict[str, Any]:
        """Give what the browser is told: what is empty is left out, but not that it is to be public."""
        shown = self.shown
        fields = {
            "href": shown.href,
            "folder": shown.folder,
            "tags": shown.tags,
            "description": shown.description,
            "private": shown.private,
            "coordinates": shown.coordinates,
            "metadata": shown.metadata,
            "problems": self.problems,
            "result": None if self.result is None else _told(self.result),
        }
        head = {"id": self.id, "at": self.at, "source": shown.source, "name": shown.name, "size": shown.size}
        given = {name: value for name, value in fields.items() if value or value is False}
        return {**head, "kind": shown.kind, "state": self.state, **given}


def _clash(row: WidgetRow) -> dict[str, Any]:
    stem, dot, ending = row.shown.name.rpartition(".")
    number = row.at + 1
    return {
        "column": "file_name",
        "code": "same_target",
        "message": f"the row {row.clash} is stored as {row.shown.target!r} already",
        "fix": "give each row its own name",
        "mend": f"{stem}-{number}.{ending}" if dot and stem else f"{row.shown.name}-{number}",
    }


def _told(result: Result) -> dict[str, Any]:
    """Give of a result what is shown of it."""
    error = result.error if result.error in CODES and result.status not in UP else None
    told = {
        "url": result.url,
        "thumbnail": result.thumbnail_url,
        "file_id": result.file_id,
        "path": result.file_path,
        "error": result.error,
        "message": result.message,
        "what": None if error is None else CODES[error].fix,
        "attempts": result.attempts,
    }
    return {name: value for name, value in told.items() if value is not None}
