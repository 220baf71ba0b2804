"""State in a folder that several machines share, such as the workers of a cluster: a path, or a URL for fsspec.

The folder has files of JSON lines that are written once and never changed ("parts"): this needs no lock,
and object stores can hold them. Whoever finds many parts writes one that replaces them; its first line names those.
A part can come from anybody: other lines are ignored, and the library decides what a record is worth.
"""

from __future__ import annotations

import json
import logging
import os
import secrets
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any, NamedTuple

from ikpipe.errors import Error, MappingError, keyword
from ikpipe.journal.storage import Storage, open_storage
from ikpipe.run.existing.fingerprints import FileHashes, Fingerprint
from ikpipe.run.existing.known_files import KnownFile, SentFile
from ikpipe.run.existing.sqlite_state import SQLiteState

_log = logging.getLogger("ikpipe.run")

FOLDER = "parts"
MOST_PARTS = 100
"""Parts after which they are joined: each is a request to an object store."""
_FLUSHED = 5_000  # records of a part
_MERGED = "merged-"


class _Index(NamedTuple):
    """What was read of a folder so far: the records, in a temporary file, the names of parts, and those not joined."""

    records: SQLiteState
    read: set[str]
    single: set[str]


_INDEXES: dict[tuple[int, str, str], _Index] = {}
"""Indexes by process, folder and account, since a worker of a cluster opens a state for each part of a table.

Copies of a process (``fork``) cannot use its database.
"""
_LOCK = threading.Lock()


class SharedState:
    """The state of an account in a shared folder; `hashes` are those of this machine's files.

    `joins`: whether many parts are joined; one of several machines is enough. Raise `MappingError` if the folder cannot
    be used.
    """

    def __init__(self, place: str, account: str, hashes: FileHashes, *, joins: bool = True) -> None:
        self.hashes, self._joins = hashes, joins
        self._place, self._account = place, account
        self._lines: list[str] = []
        self._failed = False
        try:
            self._storage: Storage = open_storage(place, "state")
            key = (os.getpid(), place, account)
            with _LOCK:
                if (index := _INDEXES.get(key)) is None:
                    index = _INDEXES[key] = _Index(SQLiteState(None, account), set(), set())
                self._index = index
                self._read_new()
        except Error as error:
            if isinstance(error, MappingError) or error.fix is not None:
                raise
            raise MappingError(error.text, about=keyword("state", place)) from None

    async def known(self, files: Mapping[str, Mapping[str, Any]]) -> dict[str, KnownFile]:
        """Return what is known of the library's files."""
        return await self._index.records.known(files)

    async def same_content(self, keys: Sequence[tuple[str, str]]) -> dict[tuple[str, str], KnownFile]:
        """Return files with the same content and parameters."""
        return await self._index.records.same_content(keys)

    def sent_with(
        self, fields: dict[str, str], fingerprint: Fingerprint, existing: Mapping[str, Any] | None
    ) -> dict[str, str]:
        """Return the fields unchanged: nothing of the state is in the library."""
        return self._index.records.sent_with(fields, fingerprint, existing)

    async def sending(self, files: Sequence[SentFile]) -> None:
        """Record durably what is about to be sent."""
        await self._index.records.sending(files)
        self._lines += [_line("sending", self._account, file) for file in files]
        self._flush()

    async def remember(self, files: Sequence[KnownFile]) -> None:
        """Record what was stored."""
        await self._index.records.remember(files)
        self._lines += [_line("stored", self._account, file) for file in files]
        if len(self._lines) >= _FLUSHED:
            self._flush()

    async def close(self) -> None:
        """Write all records; parts are joined where there are many."""
        self._flush()
        if self._joins and len(self._index.single) >= MOST_PARTS and not self._failed:
            self._join()
        await self.hashes.close()

    def _flush(self) -> None:
        lines, self._lines = self._lines, []
        if lines:
            self._write(_part_name(), lines)

    def _write(self, name: str, lines: Iterable[str]) -> bool:
        """Write a part; if that fails, say so once: the files may be sent again by another run."""
        try:
            self._storage.write(name, "\n".join(lines).encode() + b"\n")
        except Error as error:
            if not self._failed:
                _log.warning("%s Files may be sent again.", error.text)
            self._failed = True
            return False
        self._index.read.add(name)
        self._index.single.add(name)
        return True

    def _read_new(self) -> None:
        """Read the parts that are not in the index yet, the oldest first; those that were joined are skipped."""
        index, names = self._index, self._storage.names(FOLDER)
        for name in sorted((one for one in names if _MERGED in one), reverse=True):
            if name not in index.read:
                self._read(name)
        for name in names:
            if name not in index.read:
                self._read(name)

    def _read(self, name: str) -> None:
        content = self._storage.read(name)
        self._index.read.add(name)
        self._index.single.add(name)
        files: list[KnownFile] = []
        sent: list[SentFile] = []
        for kind, values in _records(content or b"", self._account):
            if kind == "replaces":
                joined = {one for one in values if isinstance(one, str)}
                self._index.read.update(joined)
                self._index.single.difference_update(joined)
            elif kind == "stored":
                files.append(KnownFile(*values))
            else:
                sent.append(SentFile(*values))
        self._index.records.load(files, sent)

    def _join(self) -> None:
        """Write one part with all records of this account, if all parts are this account's."""
        self._storage.remove_abandoned()
        names = sorted(self._index.read)
        head = json.dumps({"replaces": names, "account": self._account})
        files, sent = self._index.records.everything()
        lines = chain(
            [head],
            (_line("stored", self._account, one) for one in files),
            (_line("sending", self._account, one) for one in sent),
        )
        if self._write(_part_name(_MERGED), lines):
            self._index.single.difference_update(names)


def _part_name(kind: str = "") -> str:
    return f"{FOLDER}/{kind}{time.time_ns():020}-{secrets.token_hex(4)}.jsonl"


def _line(kind: str, account: str, file: KnownFile | SentFile) -> str:
    return json.dumps({kind: file, "account": account})


_NUMBER = (int, type(None))
_TYPES: dict[str, tuple[tuple[type, ...], ...]] = {
    "stored": ((str,), (str,), (str,), (str, type(None)), _NUMBER, (str,)),
    "sending": ((str,), (str,), (int,), _NUMBER, (float, int), (str,)),
}
"""Kind of a record → the types of its values."""


def _records(content: bytes, account: str) -> Iterator[tuple[str, list[Any]]]:
    """Yield the records of an account in a part."""
    for line in content.splitlines():
        try:
            record = json.loads(line)
        except ValueError:  # an incomplete part, or something else
            continue
        if not isinstance(record, dict) or record.get("account") != account:
            continue
        if isinstance(record.get("replaces"), list):
            yield "replaces", record["replaces"]
        for kind, types in _TYPES.items():
            values = record.get(kind)
            if isinstance(values, list) and len(values) == len(types) and all(map(isinstance, values, types)):
                yield kind, values
