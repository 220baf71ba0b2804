"""Recovery broken on purpose, from outside the code that runs: the history checker must detect it each time.

`test_protocol` breaks it in the model.
"""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from crashing import killed, table
from doubles import Request
from history import violations

import ikpipe

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ikpipe import Account
    from ikpipe.emulator import Emulator

OPTIONS: dict[str, Any] = {
    "file_name": "{sku}.gif",
    "use_unique_file_name": False,
    "concurrency": 8,
    "policy": ikpipe.Policy(first_wait=0.02, index_lag=0.3),
    "progress": False,
}


class FreshTokens(httpx.AsyncHTTPTransport):
    """Sends a form again with a fresh token whose answer is lost, as official clients do."""

    def __init__(self, account: Account) -> None:
        super().__init__()
        self._account = account

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request, and once more."""
        content = await request.aread()
        try:
            return await super().handle_async_request(request)
        except httpx.TransportError:
            form = Request("", dict(request.headers), content)
            token = ikpipe.sign(form.fields, self._account)
            again = content.replace(form.token.encode(), token.encode())
            return await super().handle_async_request(
                httpx.Request(request.method, request.url, headers=request.headers, content=again)
            )


class EmptyLibrary(httpx.AsyncHTTPTransport):
    """Finds no file, whatever is searched for."""

    def __init__(self, _account: Account) -> None:
        super().__init__()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request that is not a search."""
        return httpx.Response(200, json=[]) if request.method == "GET" else await super().handle_async_request(request)


@pytest.mark.parametrize(
    ("transport", "found"), [(lambda _account: None, False), (FreshTokens, True), (EmptyLibrary, True)]
)
def test_a_broken_row_is_found_out(
    transport: Callable[[Account], Any], emulate: Callable[..., Emulator], *, found: bool
) -> None:
    """With a fresh token at once, or without lookup, files are stored twice and detected; unchanged, none is."""
    emulator = emulate(faults={"store-then-cut": 0.3}, seed=1)
    results = ikpipe.upload(table(60), emulator.account, retries=2, transport=transport(emulator.account), **OPTIONS)
    words = [one for one in violations(emulator, results) if one.startswith("stored")]
    assert bool(words) is found


@pytest.mark.parametrize("forgotten", [False, True])
def test_a_run_without_intents_is_found_out(
    emulate: Callable[..., Emulator], tmp_path: Path, *, forgotten: bool
) -> None:
    """Rows in flight when a process is killed are stored twice without intents; unchanged, none is."""
    emulator, journal = emulate(), tmp_path / "run"
    options = {**OPTIONS, "journal": journal}
    del options["progress"]
    assert killed(ikpipe.upload, "after a reply", 15, table(40), emulator.account, **options)
    if forgotten:
        with sqlite3.connect(journal, isolation_level=None) as db:
            db.execute("DELETE FROM intents")
        db.close()
    results = ikpipe.resume(journal, emulator.account, progress=False)
    words = [one for one in violations(emulator, results) if one.startswith("stored")]
    assert bool(words) is forgotten
