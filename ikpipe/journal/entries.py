"""What a journal records of a run and of each row."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol, Self


class TablePiece(NamedTuple):
    """Some rows of the table, from a position on: their cells as text, and its head where that differs from before."""

    position: int
    rows: int
    cells: str
    head: str | None = None


class TableComplete(NamedTuple):
    """All rows of the table are recorded; `position` is the one after the last."""

    position: int


class RowPrepared(NamedTuple):
    """A row's request: `fields` are its parameters as JSON, `size` the size in bytes of the file to be stored.

    `own_name`: the name was made for this row alone.
    """

    position: int
    fields: str
    size: int | None
    own_name: bool


class RowBefore(NamedTuple):
    """The file that a row is about to replace or to change, as it was: `undo` restores it.

    `file_id` and `version_id` are those of the file and of its current version, the latter None where it is not known.
    `before` has details of the file, and `changes` those that the row changes, both as JSON under the media API's
    names: a row that replaces the file changes none. A row that is tried again can have several such entries.
    """

    position: int
    file_id: str
    version_id: str | None
    before: str
    changes: str = "{}"


class Intent(NamedTuple):
    """A request that is about to be sent.

    `iat` and `exp` are the times of its token, `at` is its own time, in seconds since 1970. `token` is there only where
    another machine signed it. `guess`: an earlier request may have stored the file.
    """

    position: int
    iat: int
    exp: int
    at: float
    token: str | None = None
    guess: bool = False


class IntentVoided(NamedTuple):
    """Nothing of the row's last request is stored."""

    position: int


class RowEnded(NamedTuple):
    """A row's result, as JSON."""

    position: int
    result: str


Entry = TablePiece | TableComplete | RowPrepared | RowBefore | Intent | IntentVoided | RowEnded


class RowRecord(NamedTuple):
    """What a journal has of a row: its request, its intents in order, and its result as JSON.

    `voided`: nothing of the last intent is stored. `befores` are the files that it was about to replace or to change,
    in order.
    """

    prepared: RowPrepared | None
    intents: list[Intent]
    voided: bool
    result: str | None
    befores: tuple[RowBefore, ...] = ()


class RunJournal(Protocol):
    """What a run needs of its journal; `SQLiteJournal` describes each part."""

    @property
    def path(self) -> Path | str:
        """The journal's file, or its URL."""

    @property
    def facts(self) -> dict[str, Any]:
        """The facts of the run, as plain JSON values."""

    @property
    def rows(self) -> int | None:
        """The number of the table's rows, once all are recorded."""

    def __enter__(self) -> Self: ...
    def __exit__(self, *error: object) -> None: ...

    def pieces(self) -> Iterator[TablePiece]:
        """Yield the table, piece by piece."""

    def settled_paths(self) -> Iterator[tuple[int, str]]:
        """Yield the position and the path in the library of each row that is uploaded."""

    def records(self, first: int = 0, last: int | None = None) -> Iterator[tuple[int, RowRecord]]:
        """Yield the records of the rows from `first` on, before `last`, with their positions."""

    def write(self, entries: Sequence[Entry]) -> None:
        """Write entries; they are durable when this returns."""

    def end(self, at: float) -> None:
        """Record that the run has no more to do."""
