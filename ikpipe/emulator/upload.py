"""The recipe of an upload: read the form, make the checks, get the file, store it, answer."""

from __future__ import annotations

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar, TypeVarTuple

from ikpipe.emulator import fetch, tokens
from ikpipe.emulator.capacity import Capacity
from ikpipe.emulator.form import Form, FormReader
from ikpipe.emulator.keeping import Keeper
from ikpipe.emulator.refusals import Refusal
from ikpipe.emulator.rules import AT_THE_DOOR, Attempt

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.responses import Response
    from starlette.types import Receive, Scope, Send

    from ikpipe.emulator.account import Account
    from ikpipe.emulator.log import Entry

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

# enough to overlap disk and pictures; more would wait for each other at the database
WORKERS = 4


class Disconnected(Exception):  # noqa: N818 - what the client did, not a fault of the program
    """The client went away before its body had ended."""


class UploadEndpoint:
    """The ASGI application behind `POST /api/v2/files/upload`."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._keeper = Keeper(account)
        self._capacity = Capacity(account.rules)
        self._fetcher = fetch.Fetcher(account.store.incoming, account.rules.largest, account.rules)
        self._workers = ThreadPoolExecutor(WORKERS, thread_name_prefix="emulator")

    async def close(self) -> None:
        """Let go of connections and threads."""
        await self._fetcher.close()
        self._workers.shutdown()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one upload."""
        entry: Entry = scope["entry"]
        self._account.log.begin_upload(entry)
        try:
            response = await self._answer(scope, receive, entry)
            await response(scope, receive, send)
        except (Disconnected, asyncio.CancelledError):
            entry["message"] = "cut off"
        finally:
            self._account.log.end_upload()

    async def _answer(self, scope: Scope, receive: Receive, entry: Entry) -> Response:
        headers = dict(scope["headers"])
        content_type = headers.get(b"content-type", b"").decode("latin-1")
        reader = FormReader(content_type, self._account.store.incoming, self._account.rules.largest_text)
        try:
            form = await read_body(reader, receive)
            note_form(entry, form)
            entry["authorization"] = b"authorization" in headers
            return await self._take(form, entry, scope)
        finally:
            reader.form.discard()

    async def _take(self, form: Form, entry: Entry, scope: Scope) -> Response:
        """Check the form, then get and keep its file."""
        account = self._account
        belongings = account.keys, account.rules, account.store, account.load
        delay, struck = scope.get("index_delay", 0.0), scope.get("struck", False)
        attempt = Attempt(form, entry["authorization"], time.time(), delay, *belongings, struck=struck)
        try:
            return await self._take_in_turn(attempt, entry)
        except Refusal:
            if attempt.spent and not account.rules.error_spends:
                account.store.give_back(attempt.token.digest)
            raise

    async def _take_in_turn(self, attempt: Attempt, entry: Entry) -> Response:
        """Turn away at the door, at once; whatever passes takes as long as the service needs."""
        for check in AT_THE_DOOR:
            check(attempt)
        url = entry.get("file", {}).get("kind") == "url"
        now = asyncio.get_running_loop().time()
        await asyncio.sleep(self._capacity.join(now, url=url) - now)
        attempt.now = time.time()
        return await self._keep(attempt, entry, url=url)

    async def _keep(self, attempt: Attempt, entry: Entry, *, url: bool) -> Response:
        """Go to a worker once, or twice with the download between."""
        if not url:
            return await self._in_worker(self._keeper.check_and_keep, attempt, entry)
        await self._in_worker(self._keeper.check, attempt)
        found = await self._fetcher.fetch(attempt.file)
        try:
            return await self._in_worker(self._keeper.keep, attempt, found, entry)
        finally:
            found.discard()

    async def _in_worker(self, work: Callable[[*Ts], T], *arguments: *Ts) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._workers, work, *arguments)


async def read_body(reader: FormReader, receive: Receive) -> Form:
    """Feed the whole body to the reader."""
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Disconnected
        reader.feed(message.get("body", b""))
        if not message.get("more_body", False):
            return reader.finish()


def note_form(entry: Entry, form: Form) -> None:
    """Write into the log what a form held; never the token itself."""
    entry["fields"] = dict(form.fields)
    entry["repeated"] = list(form.repeated)
    entry["token"] = tokens.digest(form.token) if form.token else None
    if form.file is not None:
        entry["file"] = {
            "kind": "binary" if form.file_name is not None else fetch.kind(form.file),
            "name": form.file_name,
            "size": form.file.size,
            "sha256": form.file.sha256,
        }
