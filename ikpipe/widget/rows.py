"""The rows: each one's file, edits and state. The kernel's rows are authoritative; a page shows a copy."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Protocol

from ikpipe.errors import CODES
from ikpipe.request.missing import without_none
from ikpipe.request.result import SETTLED, Result
from ikpipe.widget.message_fields import NAMING
from ikpipe.widget.picture_edits import PICTURE
from ikpipe.widget.reasons import result_reason

if TYPE_CHECKING:
    from ikpipe.journal.history import RowHistory
    from ikpipe.request.sources import FileSource
    from ikpipe.widget.picked_files import PickedFile

FINAL = {code for code, (status, *_) in CODES.items() if status == "invalid"} | {
    *("name_taken", "too_many_versions", "bad_transformation", "bad_checks", "checks_failed", "refused"),
    "signer_refused",
}
"""The errors that a row gets again if it is sent as it is."""
UNSENT = frozenset({"ready", "invalid", "left_out"})
IN_PROGRESS = frozenset({"queued", "sending", "processing"})
RETRYABLE = frozenset({"failed", "cancelled", "unknown"})


class RowView(NamedTuple):
    """A row as a page shows it: the values of its cells and keywords, and its problems.

    `target` is the path where it would be stored, if its name is fixed.
    """

    name: str = ""
    size: int | None = None
    media_type: str = ""
    source: Literal["browser", "url", "file"] = "file"
    href: str | None = None
    folder: str = ""
    tags: list[str] = []  # noqa: RUF012 - never changed
    description: str = ""
    private: bool | None = None
    coordinates: str = ""
    metadata: dict[str, Any] = {}  # noqa: RUF012 - never changed
    problems: list[dict[str, Any]] = []  # noqa: RUF012 - never changed
    target: str | None = None
    file: FileSource | None = None


class RowRun(Protocol):
    """The run that uploads a row."""

    def cancel(self, row: WidgetRow) -> None:
        """Cancel a row."""

    def end(self, row: WidgetRow, result: Result) -> None:
        """End a row with a result, and send nothing more of it."""

    def uncancel(self, row: WidgetRow) -> bool:
        """Undo the cancellation of a row, and return whether it had not ended yet."""


@dataclass(slots=True, eq=False)
class WidgetRow:
    """One row.

    `number` is its place among all rows, `position` that in the input frame, or None. `conflict` is the id of the row
    that has the same target. `result` is the latest result, `run` the run that uploads it now, and `history` what an
    earlier kernel's journal knows of it. `added` tells that a page added it, which can remove it then.
    `changing` is how many changes of its file in the library are in progress, `changed` tells that there were some.
    ``deleted`` is the state of one that was deleted.
    """

    id: str
    number: int
    position: int | None = None
    picked: PickedFile | None = None
    edits: dict[str, Any] = field(default_factory=dict)
    view: RowView = field(default_factory=RowView)
    conflict: str | None = None
    state: str = "ready"
    result: Result | None = None
    run: RowRun | None = None
    history: RowHistory | None = None
    cancelled: bool = False
    changing: int = 0
    changed: bool = False
    added: bool = False

    @property
    def removable(self) -> bool:
        """Whether a page can remove it: one that was picked or added there, and is certainly not stored."""
        return (self.picked is not None or self.added) and (self.editable or self.state == "deleted")

    @property
    def problems(self) -> list[dict[str, Any]]:
        """The problems of its cells, and its conflict with another row."""
        return self.view.problems if self.conflict is None else [*self.view.problems, _conflict_problem(self)]

    @property
    def editable(self) -> bool:
        """Whether it can be changed: not while it is uploaded, and not if it may be in the library.

        A picked file that was cancelled while it was queued is editable although its run continues, since
        `BrowserClient` sends no row that has left its run.
        """
        idle = self.run is None or (self.state == "cancelled" and self.picked is not None)
        return idle and self.state not in SETTLED and self.state not in ("unknown", "deleted")

    @property
    def left_out(self) -> bool:
        """Whether the user left it out of the upload."""
        return self.edits.get("left_out") is True

    def can_edit(self, column: str) -> bool:
        """Whether a column can be changed; only a page that has the file can change its picture."""
        return self.editable and (column != PICTURE or self.picked is not None)

    def restart(self) -> None:
        """Forget what became of it: it was changed, and is a row that was not sent."""
        self.state, self.result, self.history, self.run, self.cancelled = "ready", None, None, None, False

    def reset(self) -> None:
        """Set the state of a row that was changed: ready, invalid, or left out."""
        self.state = "left_out" if self.left_out else "invalid" if self.problems else "ready"
        self.result, self.history = None, None

    def to_message(self) -> dict[str, Any]:
        """Return what a page gets: fields without a value are left out, but not `private` if it is false."""
        view = self.view
        optional = {
            "href": view.href,
            "folder": view.folder,
            "tags": view.tags,
            "description": view.description,
            "private": view.private,
            "coordinates": view.coordinates,
            "metadata": view.metadata,
            "added": self.added or None,
            "changing": self.changing > 0 or None,
            "naming": {name: self.edits[name] for name in NAMING if name in self.edits},
            "changed": self.changed or None,
            "file": None if self.picked is None else self.picked.identity(),
            "picture": self.picked.picture.to_message() if self.picked and self.picked.picture else None,
            "problems": self.problems,
            "result": None if self.result is None else _result_message(self.result),
        }
        return {
            "id": self.id,
            "at": self.number,
            "source": view.source,
            "name": view.name,
            "size": view.size,
            "kind": view.media_type,
            "state": self.state,
            **{name: value for name, value in optional.items() if value or value is False},
        }


def _conflict_problem(row: WidgetRow) -> dict[str, Any]:
    stem, dot, ending = row.view.name.rpartition(".")
    number = row.number + 1
    return {
        "column": "file_name",
        "code": "same_target",
        "message": "Another file in this list already has this name.",
        "fix": "Give this file another name.",
        "reason": {"name": "name_taken", "values": {}, "detailed": False},
        "suggestion": f"{stem}-{number}.{ending}" if dot and stem else f"{row.view.name}-{number}",
    }


def _result_message(result: Result) -> dict[str, Any]:
    error = result.error if result.error in CODES and result.status not in SETTLED else None
    fields = {
        "url": result.url,
        "thumbnail": result.thumbnail_url,
        "file_id": result.file_id,
        "path": result.file_path,
        "error": result.error,
        "reason": result_reason(result.error, result.message),
        "message": result.message,
        "what": None if error is None else CODES[error].fix,
        "attempts": result.attempts,
        "final": True if error is not None and result.status == "failed" and error in FINAL else None,
    }
    return without_none(fields)
