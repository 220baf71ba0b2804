"""What each row of a run did to the library, as its journal or its results have it."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

from ikpipe.journal.entries import RowRecord
from ikpipe.journal.history import ExpectedFile, RowHistory, histories_of_records
from ikpipe.request.result import CANCELLED, Result
from ikpipe.request.values import separated
from ikpipe.run.existing.known_files import DELETED, time_of
from ikpipe.run.existing.reversal import LATE, FileBefore, RunFile, StoredVersion
from ikpipe.service.library import as_existing, version_id

_STORED, _UNKNOWN = ("uploaded", "exists"), ("unknown", "accepted")
_TEXTS = ("description", "customCoordinates")
_FLAGS = {"isPrivateFile": "is_private_file", "isPublished": "is_published"}
_BY_EXTENSIONS = ("tags", "customMetadata", "description")  # details that extensions may change after the upload


class DoneRow(NamedTuple):
    """A row of a run that is undone.

    `position` is that in the journal; None where the row is from results alone. `file` is what the run did to a file;
    None if it did nothing that is known. `lookup` is the file to search for where nobody knows whether it was stored,
    and `record` what the journal has of the row.
    """

    position: int | None
    result: Result
    file: RunFile | None = None
    lookup: Lookup | None = None
    record: RowRecord | None = None

    @property
    def concerns_file(self) -> bool:
        """Whether the row did something to a file, or may have done so."""
        return self.file is not None or self.lookup is not None

    @property
    def is_moved(self) -> bool:
        """Whether the row moved or renamed its file."""
        return self.file is not None and any("filePath" in before.changes for before in self.file.befores)


class Lookup(NamedTuple):
    """A file that may be stored: where, and when at the latest, in seconds since 1970. `last_sent` is when it was sent.

    `expected` is None if it could not be recognized. `earlier` are the ids of versions that were there before.
    """

    expected: ExpectedFile | None
    until: float | None
    last_sent: float
    earlier: Collection[str | None] = ()

    def excludes(self, file: Mapping[str, Any]) -> bool:
        """Whether a file at the row's path is not the row's."""
        late = self.until is not None and time_of(file, "updatedAt", "createdAt") > self.until
        return late or version_id(file) in self.earlier


def row_of_record(position: int, record: RowRecord, clock_skew: float) -> DoneRow:
    """Return what a row did, from its record in a journal.

    `clock_skew` are the seconds by which this machine's clock may differ from the service's.
    """
    history = histories_of_records([(position, record)], None).get(position)
    result = CANCELLED if history is None else history.result
    befores = befores_of(record)
    if result.status in _STORED and result.file_id is not None:
        return DoneRow(position, result, stored_file(result, record), None, record)
    if befores and befores[0].changes == DELETED:
        details = {**befores[0].details, "fileId": befores[0].file_id}
        return DoneRow(position, as_existing(details, "cancelled"), _changed(result, befores), None, record)
    if result.status in _UNKNOWN and record.intents:
        return DoneRow(position, result, _changed(result, befores), _lookup(record, history, clock_skew), record)
    return DoneRow(position, result, _changed(result, befores), None, record)


def row_of_result(result: Result) -> DoneRow:
    """Return what a row did, from its result alone: nothing is known of the details before."""
    if result.status in _STORED and result.file_id is not None:
        version = StoredVersion(
            result.version_id, result.file_path, result.size, _details(result), by_time=not result.extension_status
        )
        return DoneRow(None, result, RunFile(result.file_id, version))
    return DoneRow(None, result, _changed(result, ()))


def befores_of(record: RowRecord) -> tuple[FileBefore, ...]:
    """Return the files that a row was about to replace or to change."""
    return tuple(
        FileBefore(entry.file_id, entry.version_id, json.loads(entry.before), json.loads(entry.changes))
        for entry in record.befores
    )


def stored_file(result: Result, record: RowRecord, *, found_now: bool = False) -> RunFile:
    """Return the file that a row stored.

    `result` has its details. `found_now`: these are those of today, so that only what was sent shows what has changed.
    """
    fields = None if record.prepared is None else json.loads(record.prepared.fields)
    extended = fields is None or "extensions" in fields
    version = StoredVersion(
        result.version_id,
        result.file_path,
        result.size,
        _sent(fields or {}, extended=extended) | ({} if extended or found_now else _details(result)),
        complete=not extended,
        sent=max(len(record.intents), 1),
    )
    return RunFile(str(result.file_id), version, befores_of(record))


def _changed(result: Result, befores: tuple[FileBefore, ...]) -> RunFile | None:
    """Return the file whose details a row may have changed; None if there is none."""
    if befores:
        return RunFile(befores[0].file_id, None, befores)
    return RunFile(result.file_id, None) if result.status == "updated" and result.file_id is not None else None


def _lookup(record: RowRecord, history: RowHistory | None, clock_skew: float) -> Lookup:
    """Return what to search for where the answer of a row's upload is not known.

    A name that was made for the row is enough. A file with a fixed name can be somebody else's: its size and its time
    must be those of the row's requests, and what was there before must be known: a certain version, or no file.
    """
    last = record.intents[-1].at
    prepared = record.prepared
    if prepared is None:
        return Lookup(None, None, last)
    known = RowHistory(Result("unknown"), prepared, first_sent=record.intents[0].at) if history is None else history
    known = known._replace(prepared=prepared, first_sent=record.intents[0].at)
    expected = known.expected_file(clock_skew)
    if prepared.own_name:
        return Lookup(expected, None, last)
    before_known = bool(record.befores) or json.loads(prepared.fields).get("overwriteFile") == "false"
    recognizable = prepared.size is not None and before_known
    return Lookup(
        expected if recognizable else None, last + LATE + clock_skew, last, [one.version_id for one in record.befores]
    )


def _sent(fields: Mapping[str, str], *, extended: bool) -> dict[str, Any]:
    """Return the details that were sent, under the media API's names."""
    found: dict[str, Any] = {name: fields[name] for name in _TEXTS if name in fields}
    found |= {name: fields[name] == "true" for name in _FLAGS if name in fields}
    if "tags" in fields:
        found["tags"] = separated(fields["tags"])
    if "customMetadata" in fields:
        found["customMetadata"] = json.loads(fields["customMetadata"])
    return {name: value for name, value in found.items() if not (extended and name in _BY_EXTENSIONS)}


def _details(result: Result) -> dict[str, Any]:
    """Return the details of a file that its result has, under the media API's names."""
    found: dict[str, Any] = {name: getattr(result, mine) for name, mine in _FLAGS.items()}
    found |= {"tags": result.tags, "customMetadata": result.custom_metadata}
    found |= {"customCoordinates": result.custom_coordinates}
    return {name: value for name, value in found.items() if value is not None}


def keys_of(row: DoneRow) -> list[tuple[str | None, ...]]:
    """Return what is the same in a row of a journal and in its result: ids of file and version, or an unknown path."""
    if row.result.status in _UNKNOWN:
        return [("path", row.result.file_path)] if row.result.file_path is not None else []
    if row.file is not None:
        return [row.file.key]
    return [(row.result.file_id, None)] if row.result.file_id is not None else []
