"""What durability costs: the journal with its group commits alone, and runs with and without a journal."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import httpx
import pandas as pd
from bench import Contest
from fake_service import FILE_DETAILS, reply

import ikpipe
from ikpipe.concurrency.group_commit import GroupCommit
from ikpipe.concurrency.interrupts import to_sync
from ikpipe.frames.chunks import InMemoryTable
from ikpipe.journal import history
from ikpipe.journal.entries import Entry, Intent, RowEnded, RowPrepared
from ikpipe.journal.sqlite import SQLiteJournal
from ikpipe.request.result import Result
from ikpipe.run import engine
from ikpipe.run.job import UploadJob

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ACCOUNT = ikpipe.Account("public_bench", "private_bench")

# The entries of an ordinary row.
FIELDS = {"fileName": "0001_4kq7t2.jpg", "folder": "/products/acme/", "tags": "shoe,summer", "overwriteFile": "false"}
TEXT = json.dumps(FIELDS)
RESULT = history.write(
    Result("uploaded", attempts=1, file_id="598821f949c0a938d57563bd", url=FILE_DETAILS["url"], size=46, tags=["shoe"])
)
MAC = bytes(16)
FLIGHT = 64  # uploads in flight


# The journal alone: each row has a prepared entry and an intent before it is sent, then a result


@contextmanager
def through_ikpipe(rows: int, *, tasks: int) -> Iterator[Callable[[], None]]:
    """Write through `GroupCommit` to a `SQLiteJournal` from concurrent tasks."""
    with TemporaryDirectory() as folder, SQLiteJournal.make(Path(folder) / "run.ikjournal", ACCOUNT) as journal:
        journal.begin({})

        async def write_rows(group: GroupCommit[Entry], positions: Iterator[int]) -> None:
            for position in positions:
                group.add(RowPrepared(position, TEXT, 46, own_name=True))
                await group.put(Intent(position, 1_700_000_000, 1_700_001_800, 1_700_000_000.25))
                group.add(RowEnded(position, RESULT))

        async def main() -> None:
            group: GroupCommit[Entry] = GroupCommit(journal.write)
            positions = iter(range(rows))
            await asyncio.gather(*(write_rows(group, positions) for _ in range(tasks)))
            await group.close()

        yield lambda: asyncio.run(main())


@contextmanager
def through_sqlite3(rows: int, *, tasks: int) -> Iterator[Callable[[], None]]:
    """Write the same with sqlite3 alone: one transaction for the results of some rows and the intents of the next."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "run.ikjournal"
        with SQLiteJournal.make(path, ACCOUNT) as journal:
            journal.begin({})
        db = sqlite3.connect(path, isolation_level=None)
        db.executescript("PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;")

        def run() -> None:
            done: range = range(0)
            for start in range(0, rows + tasks, tasks):
                group = range(start, min(start + tasks, rows))
                db.execute("BEGIN IMMEDIATE")
                db.executemany("INSERT INTO results VALUES (?, ?, ?)", ((row, RESULT, MAC) for row in done))
                db.executemany("INSERT INTO rows VALUES (?, ?, 46, 1, ?)", ((row, TEXT, MAC) for row in group))
                db.executemany(
                    "INSERT INTO intents (position, iat, exp, at, guess, mac) VALUES (?, ?, ?, ?, 0, ?)",
                    ((row, 1_700_000_000, 1_700_001_800, 1_700_000_000.25, MAC) for row in group),
                )
                db.execute("COMMIT")
                done = group

        yield run
        db.close()


# Runs, with a service in this process


class ReplyingTransport(httpx.AsyncBaseTransport):
    """A service that reads a request and replies after some seconds that the file is stored."""

    def __init__(self, seconds: float = 0.0) -> None:
        self._seconds = seconds

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Read the request, and reply."""
        form = await request.aread()
        if self._seconds:
            await asyncio.sleep(self._seconds)
        return httpx.Response(200, content=reply(form), headers={"content-type": "application/json"})


def frame(rows: int) -> pd.DataFrame:
    """Return rows of an ordinary table with small files, since bytes are a matter of the network."""
    names = [f"{row:06}" for row in range(rows)]
    files = pd.Series([b"GIF89a" + name.encode().rjust(40, b".") for name in names], dtype=object)
    return pd.DataFrame({"file": files, "sku": names, "brand": "acme", "title": "A shoe for the summer"})


MAPPING = {"file_name": "{sku}.gif", "folder": "/products/{brand}/", "tags": "shoe,summer"}


@contextmanager
def upload_without_journal(rows: int, *, seconds: float = 0.0) -> Iterator[Callable[[], object]]:
    """Upload without a journal, which no public function does for a frame."""
    mapping = {"columns": {}, "root": None, "file_kind": None, "fetch": "server", "parameters": MAPPING}
    job = UploadJob(InMemoryTable(frame(rows)), mapping)
    options = engine.send_options(ReplyingTransport(seconds), concurrency=FLIGHT, progress=False)
    yield lambda: to_sync(engine.collect_results, "upload")(engine.send, job, ACCOUNT, options, None)


@contextmanager
def upload_with_journal(rows: int, *, seconds: float = 0.0) -> Iterator[Callable[[], object]]:
    """Upload with `ikpipe.upload`."""
    table = frame(rows)
    with TemporaryDirectory() as folder:
        path, transport = Path(folder) / "run.ikjournal", ReplyingTransport(seconds)
        yield lambda: ikpipe.upload(
            table, ACCOUNT, concurrency=FLIGHT, progress=False, journal=path, transport=transport, **MAPPING
        )


CONTESTS = [
    *(
        Contest(
            f"the journal alone, {tasks} rows at once",
            5000,
            {
                "sqlite3": partial(through_sqlite3, tasks=tasks),
                "ikpipe": partial(through_ikpipe, tasks=tasks),
            },
        )
        for tasks in (16, 64, 256)
    ),
    *(
        Contest(
            f"upload, {FLIGHT} in flight, replies {when}",
            5000,
            {
                "without a journal": partial(upload_without_journal, seconds=seconds),
                "with a journal": partial(upload_with_journal, seconds=seconds),
            },
        )
        for when, seconds in (("at once", 0.0), ("after 100 ms", 0.1))
    ),
]
