"""The recipe of an upload: read the form, make the checks, get the file, store it, answer."""

from __future__ import annotations

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar, TypeVarTuple

from starlette.responses import JSONResponse, Response

from ikpipe.emulator import fetch, media, placing, replies, tokens
from ikpipe.emulator.form import Form, FormReader, Spool
from ikpipe.emulator.refusals import Refusal
from ikpipe.emulator.rules import CHECKS, Attempt
from ikpipe.emulator.store import new_id

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from starlette.types import Receive, Scope, Send

    from ikpipe.emulator.faults import Faults
    from ikpipe.emulator.load import Load
    from ikpipe.emulator.log import Entry, Log
    from ikpipe.emulator.parameters import Wanted
    from ikpipe.emulator.settings import Rules
    from ikpipe.emulator.store import Details, Store

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

Address = tuple[str, int]
"""A client's host and port."""

TOO_LARGE = "Your request contains invalid file parameter. The file size exceeds limits."
WORKERS = 4


class Disconnected(Exception):  # noqa: N818 - what the client did, not a fault of the program
    """The client went away before its body had ended."""


@dataclass(slots=True)
class Account:
    """All that belongs to one account: its keys, its rules, what it has stored and what it has used up."""

    keys: tokens.Keys
    rules: Rules
    store: Store
    load: Load
    log: Log
    faults: Faults
    origin: str = ""
    cut: Callable[[Address], None] = lambda _client: None
    """Resets a client's connection."""

    @property
    def endpoint(self) -> str:
        """The account's `urlEndpoint`."""
        return f"{self.origin}/{self.rules.imagekit_id}"


class UploadEndpoint:
    """The ASGI application behind `POST /api/v2/files/upload`."""

    def __init__(self, account: Account) -> None:
        rules = account.rules
        self._account = account
        self._limit = max(rules.image_limit, rules.video_limit, rules.other_limit)
        self._fetcher = fetch.Fetcher(account.store.incoming, self._limit, rules)
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
        reader = FormReader(
            headers.get(b"content-type", b"").decode("latin-1"), self._account.store.incoming, self._text_limit
        )
        try:
            form = await read_body(reader, receive)
            note_form(entry, form)
            entry["authorization"] = b"authorization" in headers
            return await self._take(form, entry, scope.get("index_delay", 0.0))
        finally:
            reader.form.discard()

    @property
    def _text_limit(self) -> int:
        """Base64 takes four characters for three bytes, and may be broken into lines."""
        return self._limit * 3 // 2 + 1024

    async def _take(self, form: Form, entry: Entry, index_delay: float) -> Response:
        """Check the form, then get and keep its file."""
        account = self._account
        belongings = account.keys, account.rules, account.store, account.load
        attempt = Attempt(form, entry["authorization"], time.time(), index_delay, *belongings)
        try:
            for check in CHECKS:
                check(attempt)
            spool = await self._get_file(form, attempt.file, entry)
            try:
                return await self._in_worker(self._keep, attempt, spool, entry)
            finally:
                spool.discard()
        except Refusal:
            if attempt.spent and not account.rules.error_spends:
                account.store.give_back(attempt.token.digest)
            raise

    async def _get_file(self, form: Form, spool: Spool, entry: Entry) -> Spool:
        """Give the bytes that `file` stands for."""
        if spool.size > self._text_limit:
            raise Refusal(400, TOO_LARGE)
        kind = "binary" if form.file_name is not None else fetch.kind(spool)
        entry["file"]["kind"] = kind
        if kind == "binary":
            return spool
        if kind == "url":
            found = await self._fetcher.fetch(spool)
        else:
            found = await self._in_worker(fetch.decode, spool, self._account.store.incoming, self._limit)
        entry["file"] |= {"size": found.size, "sha256": found.sha256}
        return found

    async def _in_worker(self, work: Callable[[*Ts], T], *arguments: *Ts) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._workers, work, *arguments)

    def _keep(self, attempt: Attempt, spool: Spool, entry: Entry) -> Response:
        """Store the file and answer; in a worker's thread."""
        if spool.size > self._limit:
            raise Refusal(400, TOO_LARGE)
        version = new_id()
        path = self._account.store.bytes_of(version)
        size = spool.size
        spool.move(path)
        try:
            found, legacy = self._describe(attempt.wanted, path, size)
            details = self._place(attempt, version, found)
        except BaseException:
            path.unlink(missing_ok=True)
            raise
        entry |= {
            "stored": True,
            "fileId": details["fileId"],
            "versionId": version,
            "version": details["versionInfo"]["name"],
            "filePath": details["filePath"],
        }
        return self._reply(attempt, details | legacy)

    def _describe(self, wanted: Wanted, path: Path, size: int) -> tuple[Details, Details]:
        """Read what the file says of itself, and refuse it if it is too large for what it is.

        The legacy metadata stand apart: they take longest, and nobody sees them but in an answer that asks for them.
        """
        facts = media.facts(path, wanted.name)
        rules = self._account.rules
        limit = rules.image_limit if facts.file_type == "image" else rules.other_limit
        if (facts.mime or "").startswith("video/"):
            limit = rules.video_limit
        if size > limit:
            raise Refusal(400, TOO_LARGE)
        legacy = {"metadata": media.legacy(path, facts)} if "metadata" in wanted.response_fields else {}
        return placing.describe(facts, size) | {"embeddedMetadata": media.embedded(path)}, legacy

    def _place(self, attempt: Attempt, version: str, found: Details) -> Details:
        """Give the file its place and version, in one transaction."""
        store, rules, wanted = attempt.store, attempt.rules, attempt.wanted
        with store.transaction():
            name, there = placing.find_place(store, wanted, rules)
            number = placing.next_number(store, there, rules)
            details = placing.merge(wanted, there, name, (version, number)) | found
            store.add_version(wanted.folder, details, number, attempt.now + attempt.index_delay)
        return details

    def _reply(self, attempt: Attempt, details: Details) -> Response:
        wanted, account = attempt.wanted, self._account
        if wanted.transformation.get("pre"):
            return JSONResponse(replies.PRE_QUEUED, status_code=202)
        fields = account.store.fields() if "selectedFieldsSchema" in wanted.response_fields else []
        return JSONResponse(replies.uploaded(details, wanted, fields, account.endpoint, account.rules))


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
            "kind": "binary" if form.file_name is not None else "text",
            "name": form.file_name,
            "size": form.file.size,
            "sha256": form.file.sha256,
        }
