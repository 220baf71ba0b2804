"""Rows that share one file: the first one is sent, and the others wait for it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from ikpipe.request.planner import UploadRequest
from ikpipe.request.sources import FileSource
from ikpipe.run.existing.duplicates import Duplicates, content_key
from ikpipe.run.existing.fingerprints import Fingerprint

KEY = ("sha256:a", "p")


@contextmanager
def duplicates() -> Iterator[Duplicates]:
    """Open the files of a run."""
    found = Duplicates()
    try:
        yield found
    finally:
        found.close()


def run(work: Callable[[Duplicates], Awaitable[Any]]) -> Any:
    """Work with the files of a run."""

    async def go() -> Any:
        with duplicates() as found:
            return await work(found)

    return asyncio.run(go())


def test_the_first_is_sent_and_the_others_wait() -> None:
    """A row that comes while the first is sent gets its result, and so does one that comes later."""

    async def work(rows: Duplicates) -> list[Any]:
        first = await rows.of(KEY)
        waiting = asyncio.create_task(rows.of(KEY))
        await asyncio.sleep(0)
        pending = waiting.done()
        rows.end(KEY, "result")
        return [first, pending, await waiting, await rows.of(KEY)]

    assert run(work) == [None, False, "result", "result"]


def test_if_the_first_fails_the_next_is_sent() -> None:
    """One of those that wait becomes the first one, and the others wait for it."""

    async def work(rows: Duplicates) -> list[Any]:
        await rows.of(KEY)
        waiting = [asyncio.create_task(rows.of(KEY)) for _ in range(3)]
        await asyncio.sleep(0)
        rows.end(KEY, None)
        done, pending = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        leaders = [task.result() for task in done]
        rows.end(KEY, "result")
        return [leaders, [await task for task in pending]]

    assert run(work) == [[None], ["result", "result"]]


def test_other_content_is_another_file() -> None:
    """Rows with other bytes or other parameters do not wait."""

    async def work(rows: Duplicates) -> list[Any]:
        return [await rows.of(key) for key in (KEY, ("sha256:b", "p"), ("sha256:a", "q"))]

    assert run(work) == [None, None, None]


@given(st.lists(st.tuples(st.integers(0, 3), st.booleans()), max_size=30))
def test_each_content_is_stored_once(rows: list[tuple[int, bool]]) -> None:
    """However rows come and fail, no content is stored twice, and each row has a result or failed itself."""

    async def work(files: Duplicates) -> tuple[list[int], list[str | None]]:
        stored: list[int] = []

        async def one(content: int, *, fails: bool) -> str | None:
            key = (str(content), "")
            if (result := await files.of(key)) is not None:
                return result
            await asyncio.sleep(0)
            if not fails:
                stored.append(content)
            files.end(key, None if fails else f"file {content}")
            return None if fails else f"file {content}"

        return stored, await asyncio.gather(*(one(content, fails=fails) for content, fails in rows))

    stored, results = run(work)
    assert len(stored) == len({*stored})
    for (content, fails), result in zip(rows, results, strict=True):
        assert result == f"file {content}" or (result is None and fails)


def test_a_row_whose_content_is_not_known_has_no_duplicates() -> None:
    """A size alone does not make two files the same."""
    request = UploadRequest(0, 0, {"fileName": "a"}, FileSource("bytes", content=b"x"))
    assert content_key(request, Fingerprint(size=1)) is None
    assert content_key(request, Fingerprint("sha256", "a")) is not None
