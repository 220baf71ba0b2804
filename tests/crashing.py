"""Processes that die: a run that kills itself, with SIGKILL, at a step of the protocol."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sqlite3
from functools import partial
from typing import TYPE_CHECKING, Any

import httpx
import pandas as pd

import ikpipe

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

STEPS = (
    "in the middle of making the journal",
    "journal made",
    "before a write of the journal",
    "after a write of the journal",
    "before a request",
    "in the middle of a body",
    "after a body",
    "after a reply",
    "before a look-up",
    "after a look-up",
    "as a row ends",
    "before the journal's end",
    "after the journal's end",
)
NIGHT_STEPS = (
    *STEPS[2:],
    "before a write of the state",
    "after a write of the state",
    "before an update",
    "after an update",
)
"""Those of a run that compares its rows with the library first; its listings are look-ups."""
UPDATE_STEPS = tuple(
    step
    for step in NIGHT_STEPS[2:]
    if not any(words in step for words in ("a request", "a body", "a reply", "the state", "row ends"))
)
"""Those of an update."""
OFTEN = [step for step in STEPS if "journal" not in step or "write" in step]
"""Those that a run comes to many times."""

SWIFT = ikpipe.Policy(first_wait=0.02, index_lag=0.5, look_ups=0)
ROW = 40  # bytes of a file


def table(rows: int) -> pd.DataFrame:
    """Make rows whose files all differ."""
    files = [b"GIF89a" + str(row).encode().rjust(ROW, b".") for row in range(rows)]
    return pd.DataFrame({"file": files, "sku": [f"{row:04}" for row in range(rows)]})


class Fate:
    """Kills this process when it comes to a step for the nth time."""

    def __init__(self, step: str, nth: int) -> None:
        self._step, self._left = step, nth

    def comes(self, step: str) -> None:
        """Say that the process has come to a step."""
        if step == self._step:
            self._left -= 1
            if not self._left:
                os.kill(os.getpid(), signal.SIGKILL)


class Deadly(httpx.AsyncHTTPTransport):
    """A transport on whose way a process can die."""

    def __init__(self, fate: Fate) -> None:
        super().__init__()
        self._fate = fate

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request, and die if it is time."""
        if request.url.path.endswith("/upload"):
            before, after = "before a request", "after a reply"
            request.stream = _Body(request.stream, self._fate)
        elif request.method == "GET":
            before, after = "before a look-up", "after a look-up"
        elif request.url.path.startswith("/v1/files"):
            before, after = "before an update", "after an update"
        else:  # a signature
            return await super().handle_async_request(request)
        self._fate.comes(before)
        response = await super().handle_async_request(request)
        await response.aread()
        self._fate.comes(after)
        return response


class _Body(httpx.AsyncByteStream):
    """A body on whose way a process can die."""

    def __init__(self, stream: Any, fate: Fate) -> None:
        self._stream, self._fate = stream, fate

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for block in self._stream:
            yield block[: len(block) // 2]
            self._fate.comes("in the middle of a body")
            yield block[len(block) // 2 :]
        self._fate.comes("after a body")


class _Disk(sqlite3.Connection):
    """A database on whose way to the disk a process can die: before and after a commit."""

    fate: Fate

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._doing = ""

    def execute(self, sql: str, *values: Any) -> sqlite3.Cursor:  # type: ignore[override]
        """Execute a statement; what a transaction is for is seen from its first one."""
        if sql.startswith("BEGIN"):
            self._doing = ""
        elif sql == "COMMIT":
            return self._commit(sql)
        elif not self._doing:
            self._doing = "making" if "CREATE" in sql else "end" if "SET ended" in sql else "write"
        cursor = super().execute(sql, *values)
        if self._doing == "making" and "INSERT" in sql:
            self.fate.comes("in the middle of making the journal")
        return cursor

    def executemany(self, sql: str, *values: Any) -> sqlite3.Cursor:  # type: ignore[override]
        """Execute a statement for many rows; those of a state write its records."""
        state = "INTO files" in sql or "INTO sending" in sql
        if state:
            self.fate.comes("before a write of the state")
            self._doing = "state"
        return super().executemany(sql, *values)

    def __exit__(self, *error: object) -> Any:
        """End a transaction."""
        result = super().__exit__(*error)  # type: ignore[arg-type]
        if self._doing == "state":
            self.fate.comes("after a write of the state")
        return result

    def _commit(self, sql: str) -> sqlite3.Cursor:
        if self._doing == "making":
            before, after = "", "journal made"
        elif self._doing == "end":
            before, after = "before the journal's end", "after the journal's end"
        else:
            before, after = "before a write of the journal", "after a write of the journal"
        self.fate.comes(before)
        cursor = super().execute(sql)
        self.fate.comes(after)
        return cursor


def _child(
    work: Callable[..., object],
    step: str,
    nth: int,
    args: tuple[Any, ...],
    options: dict[str, Any],
    environment: dict[str, str],
) -> None:
    os.environ.update(environment)  # the server that forks has that of the first test that used it
    fate = Fate(step, nth)
    _Disk.fate = fate
    sqlite3.connect = partial(sqlite3.connect, factory=_Disk)  # type: ignore[assignment]
    transport = Deadly(fate)
    if work is not ikpipe.update:
        options["on_result"] = lambda *_: fate.comes("as a row ends")
    work(*args, transport=transport, **{"progress": False, **options})


_SERVER = multiprocessing.get_context("forkserver")
_SERVER.set_forkserver_preload(["crashing", "ikpipe.run.upload", "ikpipe.emulator"])


def killed(work: Callable[..., object], step: str, nth: int, *args: Any, **options: Any) -> bool:
    """Do something in a process of its own that dies at a step, and tell whether it did."""
    process = _SERVER.Process(target=_child, args=(work, step, nth, args, options, dict(os.environ)))
    process.start()
    process.join(400)
    assert process.exitcode in (0, -signal.SIGKILL), process.exitcode
    return process.exitcode != 0
