"""What a journal records of a run and of each row."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, Self

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path


class TablePiece(NamedTuple):
    """Some rows of the table, from a position on: their cells as text, and its head where that is not as before."""

    position: int
    rows: int
    cells: str
    head: str | None = None


class TableComplete(NamedTuple):
    """All rows of the table are here; `position` is the one after the last."""

    position: int


class RowPrepared(NamedTuple):
    """A row as it is to be sent: `fields` are its parameters as JSON, `size` the bytes that are to be stored."""

    position: int
    fields: str
    size: int | None
    own_name: bool


class Intent(NamedTuple):
    """A request that is about to leave.

    `at` is the time in seconds since 1970; `token` is there only where another machine signed it; `guess`: a request
    before it may have been taken.
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


Entry = TablePiece | TableComplete | RowPrepared | Intent | IntentVoided | RowEnded


class RowRecord(NamedTuple):
    """What a journal knows of a row: how it is sent, its intents in order, and its result, as JSON.

    `settled`: nothing of the last intent is stored.
    """

    begun: RowPrepared | None
    intents: list[Intent]
    settled: bool
    result: str | None


class RunJournal(Protocol):
    """What a run needs of its journal; each part is described at `Journal`."""

    @property
    def path(self) -> Path | str:
        """The journal's file, or its address."""

    @property
    def facts(self) -> dict[str, Any]:
        """What is to be known of the run, as plain JSON values."""

    @property
    def rows(self) -> int | None:
        """The number of the table's rows, once all are here."""

    def __enter__(self) -> Self: ...
    def __exit__(self, *error: object) -> None: ...

    def pieces(self) -> Iterator[TablePiece]:
        """Go through the table."""

    def settled_paths(self) -> Iterator[tuple[int, str]]:
        """Go through the rows that are in the library: their positions and paths."""

    def stories(self, first: int = 0, last: int | None = None) -> Iterator[tuple[int, RowRecord]]:
        """Go through what is known of rows from `first` on, up to `last`."""

    def write(self, entries: Sequence[Entry]) -> None:
        """Write entries; they are durable when this returns."""

    def end(self, at: float) -> None:
        """Note that the run has no more to do."""
