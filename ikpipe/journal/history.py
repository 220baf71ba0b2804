"""What a run knows of its rows from before: from an earlier run's results, or from a journal.

Three forms, from the disk to the decision: `RowRecord` is what a journal has, `RowHistory` what a run knows of a row,
and `PriorAttempts` what the recovery machine needs. `ExpectedFile` is what a search of the library looks for.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Mapping
from operator import attrgetter
from typing import TYPE_CHECKING, Any, NamedTuple

from ikpipe.journal.entries import Intent, RowPrepared, RowRecord, RunJournal
from ikpipe.request.content_hash import ContentHashes
from ikpipe.request.names import canonical_path, path_as_sent
from ikpipe.request.planner import path_of
from ikpipe.request.recovery import PriorAttempts
from ikpipe.request.result import KINDS, SETTLED, Result
from ikpipe.request.secrets import Secret
from ikpipe.request.token import UploadToken

if TYPE_CHECKING:
    from ikpipe.frames.chunks import Chunk

_JSON, _VALUES = json.JSONEncoder(default=str), attrgetter(*KINDS)


class ExpectedFile(NamedTuple):
    """The file that a search looks for: its path in the library, its size in bytes, and since when it can be there.

    `size` is None where it is not known. `since`, in seconds since 1970, distinguishes a new version of a file that is
    replaced from the version before; None where no other row can have the name. `earlier` is the id of that version,
    where it is known.
    """

    path: str
    size: int | None
    since: float | None = None
    earlier: str | None = None


class RowHistory(NamedTuple):
    """What is known of one row from before.

    `result` is its last result; `prepared` the request as it was to be sent, and `token` the token that it may have
    been sent with; `first_sent` and `last_sent` are the times of its requests, in seconds since 1970, and `sent` is
    their number; `guessed`: one of them was a guess.
    """

    result: Result
    prepared: RowPrepared | None = None
    token: UploadToken | None = None
    first_sent: float | None = None
    last_sent: float | None = None
    sent: int = 0
    guessed: bool = False

    @property
    def is_unknown(self) -> bool:
        """Whether the file may be stored, and nobody knows."""
        return self.result.status == "unknown"

    @property
    def fields(self) -> dict[str, str] | None:
        """The parameters that were signed."""
        return None if self.prepared is None else json.loads(self.prepared.fields)

    def expected_file(self, clock_skew: float) -> ExpectedFile | None:
        """Return what to search the library for; None where nobody knows.

        `clock_skew` is by how many seconds this machine's clock may differ from the service's.
        """
        if self.prepared is None:
            path = self.result.file_path  # noted only for names that were made for one row
            return None if path is None else ExpectedFile(path_as_sent(path, self.result.name), self.result.size)
        since = None if self.prepared.own_name or self.first_sent is None else self.first_sent - clock_skew
        return ExpectedFile(path_of(json.loads(self.prepared.fields)), self.prepared.size, since)

    def prior_attempts(self, *, has_token: bool) -> PriorAttempts:
        """Return what the recovery machine needs, whose clock is `time.monotonic`."""
        ago = max(time.time() - self.last_sent, 0.0) if self.last_sent is not None else 0.0
        return PriorAttempts(self.result, time.monotonic() - ago, has_token, self.sent, self.guessed)


def of_results(results: Iterable[Result], start: int = 0) -> dict[int, RowHistory]:
    """Return the histories of rows that an earlier run uploaded or left unknown, by position."""
    statuses = SETTLED | {"unknown"}
    return {at: RowHistory(result) for at, result in enumerate(results, start) if result.status in statuses}


def histories_of_records(
    stories: Iterable[tuple[int, RowRecord]], sign: Callable[..., UploadToken] | None
) -> dict[int, RowHistory]:
    """Return the histories of a journal's rows, by position, without those of which nothing can have been sent.

    `stories` are the records of a journal, by position. `sign` signs fields with given times, so that the same tokens
    can be made again; None where they are in the journal.
    """
    return {at: history for at, record in stories if (history := _of_record(record, sign)) is not None}


def unknown_by_path(known: Mapping[int, RowHistory]) -> dict[str, RowHistory]:
    """Return the histories of unknown rows by the path of their file: rows may have come or gone since.

    A row that was sent before characters of names were replaced is found by the path of today, too.
    """
    unknown = [row for row in known.values() if row.is_unknown and row.prepared is not None]
    by_old_path = {path_of(row.fields or {}): row for row in unknown}
    return {canonical_path(path, "stored"): row for path, row in by_old_path.items()} | by_old_path


def _of_record(record: RowRecord, sign: Callable[..., UploadToken] | None) -> RowHistory | None:
    prepared, result = record.prepared, None if record.result is None else read(record.result)
    if result is not None and result.status != "unknown":
        return RowHistory(result)
    if not record.intents or prepared is None or (result is None and record.voided):
        return None
    first, last = record.intents[0], record.intents[-1]
    return RowHistory(
        result or _interrupted(prepared),
        prepared,
        _token(last, prepared, sign),
        first.at,
        last.at,
        len(record.intents),
        any(intent.guess for intent in record.intents),
    )


def _token(intent: Intent, prepared: RowPrepared, sign: Callable[..., UploadToken] | None) -> UploadToken | None:
    """Return the token of an intent: signed again, or from the journal."""
    if sign is not None:
        return sign(json.loads(prepared.fields), intent.iat, intent.exp)
    return None if intent.token is None else UploadToken(Secret(intent.token), intent.iat, intent.exp)


def _interrupted(prepared: RowPrepared) -> Result:
    """Return the result of a row that was being sent when its process ended."""
    result = Result("unknown", "connection_lost", "The process ended while the row was being sent.")
    if prepared.own_name:
        fields = json.loads(prepared.fields)
        result.name, result.file_path = fields["fileName"], path_of(fields)
    return result


def write(result: Result) -> str:
    """Return a result as JSON, without what is None."""
    return _JSON.encode({name: value for name, value in zip(KINDS, _VALUES(result), strict=True) if value is not None})


def read(text: str) -> Result:
    """Return the result that `write` wrote."""
    values: Mapping[str, Any] = json.loads(text)
    return Result(**values)


_NOT_STORED = ("failed", "invalid")


class OpenJournal(NamedTuple):
    """The journal of a run.

    `same` is the number of rows that the journal is known to have as they are in the table; None where each chunk has
    to be compared. `fresh`: it has no entries yet. `sign` makes tokens again, where the private key is here. `contents`
    are the hashes of rows that may have changed; None: they have not. `repeated`: the run was started again with the
    whole table, so that rows whose files are certainly not stored are tried again.
    """

    journal: RunJournal
    same: int | None = None
    fresh: bool = False
    sign: Callable[..., UploadToken] | None = None
    contents: ContentHashes | None = None
    repeated: bool = False

    def histories(self, chunk: Chunk) -> dict[int, RowHistory]:
        """Return the histories of a chunk's rows, by position."""
        if self.fresh:
            return {}
        records = self.journal.records(chunk.start, chunk.start + len(chunk.frame))
        found = histories_of_records(records, self.sign)
        return (
            {at: row for at, row in found.items() if row.result.status not in _NOT_STORED} if self.repeated else found
        )
