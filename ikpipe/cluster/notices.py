"""Warnings about the parts that an engine has run, each logged once: parts that run again, parts that are too small.

An engine repeats a part by itself if a task or a machine fails, without a warning. It also repeats parts for a
second action on results that were not written or persisted, and for what it does in several passes, such as sorting.
"""

from __future__ import annotations

import logging
import pickle
from contextlib import suppress
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING

from ikpipe.cluster.shares import MachineLedger
from ikpipe.run.existing.rules import ExistingRules

if TYPE_CHECKING:
    from ikpipe.cluster.part import PreparedUpload

FIRST_ROWS = 3  # which identify a part, since engines divide the rows in different ways for different actions
FEW_ROWS = 20  # on average, below which a part costs more than its rows
MANY_PARTS = 50  # of which the average is taken
_MOST = 100  # uploads that a process remembers

_log = logging.getLogger("ikpipe.cluster")


@dataclass
class PartNotices:
    """What is noticed of the parts of an upload: in this process, or on a machine whose processes share a `folder`."""

    upload: str
    folder: str | None = None
    parts: int = 0
    rows: int = 0
    notes: dict[str, str] = field(default_factory=dict)

    def earlier(self, part: str, action: str) -> str | None:
        """Note by which action of the engine a part has ended; return the action by which it had ended before."""
        before = self._read(part)
        self._write(part, action)
        return before

    def warn_again(self) -> None:
        """Warn that parts run again."""
        self._warn(
            "again",
            "This upload runs again: rows that an earlier action on the same results has uploaded are sent a second "
            "time. Files with unique names are not stored twice; those with fixed names get one more version. Write or "
            "persist the results, and continue with what was written. With journal=, nothing is sent twice.",
        )

    def count(self, rows: int) -> None:
        """Count a part with a number of rows, and warn if parts are small."""
        self.parts, self.rows = self.parts + 1, self.rows + rows
        if self.parts >= MANY_PARTS and self.rows < FEW_ROWS * self.parts:
            self._warn(
                "small",
                f"{self.parts} partitions of this upload had {self.rows / self.parts:.1f} rows on average. Each "
                "partition costs time of its own. Use fewer, with some thousand rows each (repartition, coalesce).",
            )

    def _warn(self, kind: str, text: str) -> None:
        if self._read(kind) is None:
            self._write(kind, "warned")
            _log.warning(text)

    def _read(self, name: str) -> str | None:
        if self.folder is None:
            return self.notes.get(name)
        try:
            return Path(self.folder, f"{self.upload}-{name}").read_text(encoding="utf-8")
        except OSError:
            return None

    def _write(self, name: str, text: str) -> None:
        if self.folder is None:
            self.notes[name] = text
            return
        with suppress(OSError):
            Path(self.folder, f"{self.upload}-{name}").write_text(text, encoding="utf-8")


_UPLOADS: dict[str, PartNotices] = {}


def notices_of(upload: str, folder: str | None = None) -> PartNotices:
    """Return what this process notices of the parts of the upload with an id."""
    while len(_UPLOADS) > _MOST:
        del _UPLOADS[next(iter(_UPLOADS))]
    return _UPLOADS.setdefault(upload, PartNotices(upload, folder))


def sends_again(upload: PreparedUpload) -> bool:
    """Whether a part that runs again sends its rows again."""
    return upload.journal is None and not ExistingRules.of(upload.mapping).decides


def part_id(rows: object) -> str:
    """Return what identifies a part, given its first rows; empty if they cannot be pickled."""
    with suppress(Exception):
        return blake2b(pickle.dumps(rows), digest_size=16).hexdigest()
    return ""


def notice_part(upload: PreparedUpload, first_rows: object, rows: int, action: str = "") -> None:
    """Notice that a part has ended in this process, and warn about it if needed.

    `first_rows` are the first of its `rows`. Parts that the engine repeats by itself have the same `action`.
    """
    ledger = upload.ledger
    notices = notices_of(upload.id, ledger.folder if isinstance(ledger, MachineLedger) else None)
    if sends_again(upload) and (part := part_id(first_rows)):
        before = notices.earlier(part, action)
        if before is not None and not before == action != "":
            notices.warn_again()
    notices.count(rows)
