"""The recipe of an upload: read the form, make the checks, get the file, store it, answer."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, TypeVar, TypeVarTuple

from starlette.responses import JSONResponse

from ikpipe.emulator.refusals import Refusal
from ikpipe.emulator.store import new_id
from ikpipe.emulator.upload import authentication, fetch, jwt_reading
from ikpipe.emulator.upload.capacity import Capacity
from ikpipe.emulator.upload.form import FormReader, ReceivedForm
from ikpipe.emulator.upload.pre_post import PreTransformer
from ikpipe.emulator.upload.storing import TOO_LARGE, FileStorer
from ikpipe.emulator.upload.validators import AT_THE_DOOR, CHECKS, UploadAttempt

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.responses import Response
    from starlette.types import Receive, Scope, Send

    from ikpipe.emulator.account import EmulatedAccount
    from ikpipe.emulator.log import Entry
    from ikpipe.emulator.upload.form import FormSpool

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

V1_PATH = "/api/v1/files/upload"
# enough to overlap disk and pictures
WORKERS = 4


class Disconnected(Exception):  # noqa: N818 - what the client did, not a fault of the program
    """The client went away before its body had ended."""


class UploadEndpoint:
    """The ASGI application behind `POST /api/v2/files/upload`, and behind V1's."""

    def __init__(self, account: EmulatedAccount) -> None:
        self._account = account
        self._keeper = FileStorer(account)
        self._preparer = PreTransformer(account, self._store)
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
            return await self._take(form, entry, scope, headers.get(b"authorization"))
        finally:
            reader.form.discard()

    async def _take(self, form: ReceivedForm, entry: Entry, scope: Scope, authorization: bytes | None) -> Response:
        """Check the form, then get and keep its file."""
        account = self._account
        belongings = account.keys, account.rules, account.store, account.load
        delay, struck = scope.get("index_delay", 0.0), scope.get("struck", False)
        key = None if authorization is None else authorization.decode("latin-1")
        about = form, scope["path"] == V1_PATH, key, account.clock(), delay
        attempt = UploadAttempt(*about, *belongings, request_id=scope["request_id"], struck=struck)
        try:
            response = await self._take_in_turn(attempt, entry)
        except Refusal:
            if attempt.spent and not account.rules.error_spends:
                account.store.give_back(attempt.token)
            raise
        finally:
            await account.store.commit()
        # a fault may want it back
        scope["token"] = attempt.token
        return response

    async def _take_in_turn(self, attempt: UploadAttempt, entry: Entry) -> Response:
        """Turn away at the door, at once; whatever passes takes as long as the service needs."""
        for check in AT_THE_DOOR:
            check(attempt)
        url = entry.get("file", {}).get("kind") == "url"
        now = asyncio.get_running_loop().time()
        done = self._capacity.join(now, url=url)
        if done > now:
            await asyncio.sleep(done - now)
            attempt.now = self._account.clock()
        for check in authentication.checks_of(attempt):
            check(attempt)
        for check in CHECKS:
            check(attempt)
        return await self._keep(attempt, entry)

    async def _keep(self, attempt: UploadAttempt, entry: Entry) -> Response:
        """Get the file, and store it as it is or as it is to be."""
        spool = await self._get(attempt.file, entry["file"]["kind"])
        entry["file"] |= {"size": spool.size, "sha256": spool.sha256}
        try:
            if attempt.wanted.transformation.get("pre"):
                return await self._preparer.take(attempt, spool, entry)
            return JSONResponse(await self._store(attempt, spool, entry))
        finally:
            if spool is not attempt.file:
                spool.discard()

    async def _store(self, attempt: UploadAttempt, spool: FormSpool, entry: Entry) -> dict[str, Any]:
        """Look at a file and store it; gives the answer."""
        keeper, version = self._keeper, new_id()
        try:
            quick = spool.in_memory and "metadata" not in attempt.wanted.response_fields
            found = await self._do(keeper.take_in, attempt.wanted, spool, version, quick=quick)
            details, reply = keeper.keep(attempt, version, found, entry)
        except BaseException:
            keeper.drop(version)
            raise
        if attempt.wanted.transformation:
            self._preparer.post(attempt, details)
        return reply

    async def _get(self, file: FormSpool, kind: str) -> FormSpool:
        if kind == "url":
            return await self._fetcher.fetch(file)
        if file.size > self._account.rules.largest_text:
            raise Refusal(400, TOO_LARGE)
        if kind == "binary":
            return file
        store, largest = self._account.store, self._account.rules.largest
        return await self._do(fetch.decode, file, store.incoming, largest, quick=file.in_memory)

    async def _do(self, work: Callable[[*Ts], T], *arguments: *Ts, quick: bool) -> T:
        """Do something at once if it is quick, else in a worker's thread, so that the others can go on."""
        if quick:
            return work(*arguments)
        return await asyncio.get_running_loop().run_in_executor(self._workers, work, *arguments)


async def read_body(reader: FormReader, receive: Receive) -> ReceivedForm:
    """Feed the whole body to the reader."""
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Disconnected
        reader.feed(message.get("body", b""))
        if not message.get("more_body", False):
            return reader.finish()


def note_form(entry: Entry, form: ReceivedForm) -> None:
    """Write into the log what a form held; never the token itself, nor V1's signature of it."""
    entry["fields"] = {name: value for name, value in form.fields.items() if name != "signature"}
    entry["repeated"] = list(form.repeated)
    entry["token"] = jwt_reading.digest(form.token) if form.token else None
    if form.file is not None:
        entry["file"] = {
            "kind": "binary" if form.file_name is not None else fetch.kind(form.file),
            "name": form.file_name,
            "size": form.file.size,
            "sha256": form.file.sha256,
        }
