"""Searches of the media library for files at the targets of rows, in the background."""

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

from ikpipe.concurrency.rate import RateLimiter
from ikpipe.errors import Error
from ikpipe.request.account import Account
from ikpipe.request.policy import Policy
from ikpipe.run.existing.library_files import LibraryFiles
from ikpipe.run.existing.listed_files import request_at
from ikpipe.run.existing.requests import PacedRequests
from ikpipe.run.plan import AT_ONCE
from ikpipe.service.client import ServiceClient

_log = logging.getLogger("ikpipe.widget")
VALID = 60.0  # seconds for which an answer is used


class _Answer(NamedTuple):
    file: dict[str, Any] | None
    until: float


class LibraryCheck:
    """Searches for files at paths, one batch after another, in a thread that ends when there is nothing to do.

    `found` is called with the paths of a batch once they are known, and `failed` if the library cannot be read.
    """

    def __init__(
        self,
        account: Account,
        policy: Policy,
        found: Callable[[Sequence[str]], None],
        failed: Callable[[], None],
    ) -> None:
        self._account, self._policy, self._found, self._failed = account, policy, found, failed
        self._answers: dict[str, _Answer] = {}
        self._waiting: dict[str, None] = {}
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def file_at(self, path: str) -> dict[str, Any] | None:
        """Return the details of the file at a path; None if there is none, or it is not known yet."""
        answer = self._answers.get(path)
        return None if answer is None else answer.file

    def ask(self, paths: Iterable[str]) -> None:
        """Search for files at these paths, unless it is known what is there. Returns at once."""
        now = time.monotonic()
        with self._lock:
            self._waiting |= {path: None for path in paths if not self._is_known(path, now)}
            if self._waiting and self._thread is None:
                self._thread = threading.Thread(target=self._run, name="ikpipe.library_check", daemon=True)
                self._thread.start()

    def _is_known(self, path: str, now: float) -> bool:
        answer = self._answers.get(path)
        return answer is not None and answer.until > now

    def _take(self) -> list[str]:
        """Return the next batch; an empty one ends the thread."""
        with self._lock:
            batch = [*self._waiting][:AT_ONCE]
            for path in batch:
                del self._waiting[path]
            if not batch:
                self._thread = None
            return batch

    def _run(self) -> None:
        try:
            asyncio.run(self._search())
        except (Error, OSError) as error:
            _log.info("The library could not be checked for duplicates: %s", error)
            self._end()
        except Exception:  # noqa: BLE001 - nothing else would report it
            _log.exception("The library could not be checked for duplicates.")
            self._end()

    def _end(self) -> None:
        with self._lock:
            self._waiting.clear()
            self._thread = None
        self._failed()

    async def _search(self) -> None:
        policy = self._policy
        async with ServiceClient(policy=policy) as client:
            reads = PacedRequests(
                client, self._account, RateLimiter(policy.look_ups or None), _sleep, policy.first_wait
            )
            files = LibraryFiles(reads, policy)
            try:
                while batch := self._take():
                    found = await files.at([request_at(path) for path in batch])
                    until = time.monotonic() + VALID
                    self._answers |= {path: _Answer(file, until) for path, file in zip(batch, found, strict=True)}
                    self._found(batch)
            finally:
                files.close()


async def _sleep(seconds: float) -> bool:
    await asyncio.sleep(seconds)
    return True
