"""The steps of an upload: read the form, check it, get the file, store it, respond."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar, TypeVarTuple

from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from ikpipe.emulator.account import EmulatedAccount
from ikpipe.emulator.error_responses import ErrorResponse
from ikpipe.emulator.request_log import LogEntry
from ikpipe.emulator.store import new_id
from ikpipe.emulator.upload import authentication, file_sources, jwt_reading
from ikpipe.emulator.upload.capacity import Capacity
from ikpipe.emulator.upload.form import FormReader, FormSpool, ReceivedForm
from ikpipe.emulator.upload.storage import TOO_LARGE, FileStorer
from ikpipe.emulator.upload.transformations import UploadTransformer
from ikpipe.emulator.upload.validators import CHECKS, GATEWAY_CHECKS, UploadAttempt

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

V1_PATH = "/api/v1/files/upload"
WORKERS = 4
"""Threads: enough to overlap disk access and image decoding."""


class Disconnected(Exception):  # noqa: N818 - what the client did, not a failure of the program
    """The client disconnected before the end of its body."""


class UploadEndpoint:
    """The ASGI application of `POST /api/v2/files/upload` and of V1's endpoint."""

    def __init__(self, account: EmulatedAccount) -> None:
        self._account = account
        self._storer = FileStorer(account)
        self._transformer = UploadTransformer(account, self._store)
        self._capacity = Capacity(account.rules)
        self._fetcher = file_sources.Fetcher(account.store.incoming, account.rules.largest_file, account.rules)
        self._workers = ThreadPoolExecutor(WORKERS, thread_name_prefix="emulator")

    async def close(self) -> None:
        """Close connections and threads."""
        await self._fetcher.close()
        self._workers.shutdown()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Respond to one upload."""
        entry: LogEntry = scope["entry"]
        self._account.log.begin_upload(entry)
        try:
            response = await self._respond(scope, receive, entry)
            await response(scope, receive, send)
        except (Disconnected, asyncio.CancelledError):
            entry["message"] = "interrupted"
        finally:
            self._account.log.end_upload()

    async def _respond(self, scope: Scope, receive: Receive, entry: LogEntry) -> Response:
        account, headers = self._account, dict(scope["headers"])
        content_type = headers.get(b"content-type", b"").decode("latin-1")
        authorization = headers.get(b"authorization")
        reader = FormReader(content_type, account.store.incoming, account.rules.largest_text)
        try:
            form = await read_body(reader, receive)
            log_form(entry, form)
            entry["authorization"] = authorization is not None
            attempt = UploadAttempt(
                account,
                form,
                v1=scope["path"] == V1_PATH,
                authorization=None if authorization is None else authorization.decode("latin-1"),
                now=account.clock(),
                index_delay=scope.get("index_delay", 0.0),
                request_id=scope["request_id"],
                fault_due=scope.get("fault_due", False),
            )
            response = await self._process(attempt, entry)
            # for a fault that makes the token usable again
            scope["token"] = attempt.token
            return response
        finally:
            reader.form.discard()

    async def _process(self, attempt: UploadAttempt, entry: LogEntry) -> Response:
        try:
            await self._check(attempt, is_url=entry.get("file", {}).get("kind") == "url")
            return await self._get_and_store(attempt, entry)
        except ErrorResponse:
            if attempt.spent and not self._account.rules.error_spends:
                self._account.store.tokens.unspend(attempt.token)
            raise
        finally:
            await self._account.store.commit()

    async def _check(self, attempt: UploadAttempt, *, is_url: bool) -> None:
        """Make all checks; those after the gateway's wait for the service's capacity."""
        for check in GATEWAY_CHECKS:
            check(attempt)
        now = asyncio.get_running_loop().time()
        done = self._capacity.join(now, url=is_url)
        if done > now:
            await asyncio.sleep(done - now)
            attempt.now = self._account.clock()
        for check in (*authentication.checks_of(attempt), *CHECKS):
            check(attempt)

    async def _get_and_store(self, attempt: UploadAttempt, entry: LogEntry) -> Response:
        """Get the file, and store it as it is or transformed."""
        spool = await self._get(attempt.file, entry["file"]["kind"])
        entry["file"] |= {"size": spool.size, "sha256": spool.sha256}
        try:
            if attempt.parameters.transformation.get("pre"):
                return await self._transformer.pre(attempt, spool, entry)
            return JSONResponse(await self._store(attempt, spool, entry))
        finally:
            if spool is not attempt.file:
                spool.discard()

    async def _store(self, attempt: UploadAttempt, spool: FormSpool, entry: LogEntry) -> dict[str, Any]:
        """Inspect a file and store it; return the response."""
        storer, version = self._storer, new_id()
        try:
            quick = spool.in_memory and "metadata" not in attempt.parameters.response_fields
            properties = await self._run(storer.inspect, attempt.parameters, spool, version, quick=quick)
            details, reply = storer.store(attempt, version, properties, entry)
        except BaseException:  # also if the client disconnects: no bytes may stay that no version has
            storer.discard(version)
            raise
        if attempt.parameters.transformation:
            self._transformer.post(attempt, details)
        return reply

    async def _get(self, file: FormSpool, kind: str) -> FormSpool:
        if kind == "url":
            return await self._fetcher.fetch(file)
        if file.size > self._account.rules.largest_text:
            raise ErrorResponse(400, TOO_LARGE)
        if kind == "binary":
            return file
        rules, folder = self._account.rules, self._account.store.incoming
        return await self._run(file_sources.decode, file, folder, rules.largest_file, rules, quick=file.in_memory)

    async def _run(self, work: Callable[[*Ts], T], *arguments: *Ts, quick: bool) -> T:
        """Run something here if it is quick, else in a worker thread, so that it does not block other uploads."""
        if quick:
            return work(*arguments)
        return await asyncio.get_running_loop().run_in_executor(self._workers, work, *arguments)


async def read_body(reader: FormReader, receive: Receive) -> ReceivedForm:
    """Pass the whole body to the reader; return the form."""
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Disconnected
        reader.feed(message.get("body", b""))
        if not message.get("more_body", False):
            return reader.finish()


def log_form(entry: LogEntry, form: ReceivedForm) -> None:
    """Log what a form contained, except the token itself and V1's signature of it."""
    entry["fields"] = {name: value for name, value in form.fields.items() if name != "signature"}
    entry["repeated"] = list(form.repeated)
    entry["token"] = jwt_reading.digest(form.token) if form.token else None
    if form.file is not None:
        entry["file"] = {
            "kind": "binary" if form.file_name is not None else file_sources.kind(form.file),
            "name": form.file_name,
            "size": form.file.size,
            "sha256": form.file.sha256,
        }
