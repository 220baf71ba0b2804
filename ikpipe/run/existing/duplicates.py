"""Rows of a run that share one file, since their content and all parameters but the name are equal: ``dedupe=True``."""

from __future__ import annotations

import asyncio
import sqlite3
from hashlib import blake2b

from ikpipe.request.planner import UploadRequest
from ikpipe.run.existing.fingerprints import Fingerprint, parameters_hash


def content_key(request: UploadRequest, fingerprint: Fingerprint) -> tuple[str, str] | None:
    """Return what rows that share a file have in common: fingerprint and parameters. None: nothing identifies it."""
    return (str(fingerprint), parameters_hash(request.fields)) if fingerprint.kind else None


class Duplicates:
    """The files of a run by their content.

    Results of files that are stored are in a temporary file, since a run can have millions of rows.
    """

    def __init__(self) -> None:
        self._in_progress: dict[bytes, asyncio.Future[str | None]] = {}
        # SQLite deletes a file without a name when it is closed.
        self._db = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        self._db.execute("PRAGMA journal_mode = OFF")
        self._db.execute("CREATE TABLE stored (key BLOB PRIMARY KEY, result TEXT NOT NULL) WITHOUT ROWID")

    async def of(self, key: tuple[str, str]) -> str | None:
        """Return the result of the file with a content, as text, as soon as another row has stored it.

        None: the caller is the first one, or the rows before it failed. It is to send its file, and to call `end`.
        """
        digest = _digest(key)
        while (waiting := self._in_progress.get(digest)) is not None:
            if (result := await asyncio.shield(waiting)) is not None:
                return result
        found = self._db.execute("SELECT result FROM stored WHERE key = ?", (digest,)).fetchone()
        if found is not None:
            return str(found[0])
        self._in_progress[digest] = asyncio.get_running_loop().create_future()
        return None

    def end(self, key: tuple[str, str], result: str | None) -> None:
        """Note how the first row with a content ended: the result as text if its file is stored, else None."""
        digest = _digest(key)
        if result is not None:
            self._db.execute("INSERT OR REPLACE INTO stored VALUES (?, ?)", (digest, result))
        waiting = self._in_progress.pop(digest, None)
        if waiting is not None and not waiting.done():
            waiting.set_result(result)

    def close(self) -> None:
        """Close and delete the temporary file."""
        self._db.close()


def _digest(key: tuple[str, str]) -> bytes:
    return blake2b("\n".join(key).encode(), digest_size=16).digest()
