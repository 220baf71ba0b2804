"""Transformations that an upload asks for: before the file is stored (`pre`), and after (`post`); and their events."""

from __future__ import annotations

from fnmatch import fnmatchcase
from functools import partial
from typing import TYPE_CHECKING, Any

from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse, Response

from ikpipe.emulator.delivery import grammar
from ikpipe.emulator.delivery.grammar import BadTransformationError
from ikpipe.emulator.delivery.render import RenderRequest, transform
from ikpipe.emulator.library import replies
from ikpipe.emulator.media import inspection
from ikpipe.emulator.refusals import Refusal
from ikpipe.emulator.upload import placing
from ikpipe.emulator.upload.extensions import BAD_TRANSFORMATION
from ikpipe.emulator.upload.form import FormSpool

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path
    from typing import IO

    from ikpipe.emulator.account import EmulatedAccount
    from ikpipe.emulator.log import Entry
    from ikpipe.emulator.store import Details
    from ikpipe.emulator.upload.validators import UploadAttempt

    Store = Callable[[UploadAttempt, FormSpool, Entry], Awaitable[dict[str, Any]]]

FAILED = "encoding_failed"
"""The reason that an event gives (`docs`, in an example)."""
POST_SUCCESS, POST_ERROR = "upload.post-transform.success", "upload.post-transform.error"
_PICTURE, _VIDEO = "image/", "video/"
_TAILS = {
    "transformation": "",
    "thumbnail": "/ik-thumbnail.jpg",
    "gif-to-video": "/ik-gif-video.mp4",
    "hls": "/ik-master.m3u8",
    "dash": "/ik-master.mpd",
}
"""What follows a file's URL for each kind of post-transformation (`docs`)."""


class PreTransformer:
    """Carries the transformations of one account's uploads out."""

    def __init__(self, account: EmulatedAccount, store: Store) -> None:
        self._account = account
        self._store = store

    # Before the file is stored

    async def take(self, attempt: UploadAttempt, spool: FormSpool, entry: Entry) -> Response:
        """Answer an upload with a pre-transformation: it is queued (`spec`), or done at once, as a rule says."""
        rules = self._account.rules
        if rules.pre_transformation == "images-at-once" and _is_picture(spool, attempt.wanted.name):
            try:
                return JSONResponse(await self._process(attempt, spool, entry))
            except BadTransformationError:
                raise Refusal(400, BAD_TRANSFORMATION) from None
        if rules.transformation_delay == 0:
            await self._finish(attempt, spool, entry)
        else:
            # an error is returned immediately (seed)
            placing.find_place(attempt.store, attempt.wanted, rules)
            work = partial(self._finish_later, attempt, self._copy(spool))
            self._account.background.later(rules.transformation_delay, work)
        return JSONResponse(replies.PRE_QUEUED, status_code=202)

    def _copy(self, spool: FormSpool) -> FormSpool:
        """Keep a file beyond its request."""
        copy = FormSpool(self._account.store.incoming, self._account.rules.largest)
        for chunk in spool.chunks():
            copy.write(chunk)
        return copy

    async def _finish_later(self, attempt: UploadAttempt, spool: FormSpool) -> None:
        attempt.now = self._account.clock()
        try:
            await self._finish(attempt, spool, {})
        except Refusal as refusal:
            self._tell_pre_error(attempt, refusal.message)
        finally:
            spool.discard()
        await self._account.store.commit()

    async def _finish(self, attempt: UploadAttempt, spool: FormSpool, entry: Entry) -> None:
        try:
            await self._process(attempt, spool, entry)
        except BadTransformationError:
            self._tell_pre_error(attempt, FAILED)

    async def _process(self, attempt: UploadAttempt, spool: FormSpool, entry: Entry) -> dict[str, Any]:
        """Transform and store a file; what is no picture is stored as it came."""
        pre = attempt.wanted.transformation["pre"]
        changed = await run_in_threadpool(self._transformed, pre, spool, attempt.wanted.name)
        try:
            reply = await self._store(attempt, changed, entry)
        finally:
            if changed is not spool:
                changed.discard()
        request = {"x_request_id": attempt.request_id, "transformation": pre}
        self._tell("upload.pre-transform.success", request, reply)
        return reply

    def _transformed(self, pre: str, spool: FormSpool, name: str) -> FormSpool:
        self._check(pre)
        if not _is_picture(spool, name):
            return spool
        changed = FormSpool(self._account.store.incoming, self._account.rules.largest)
        changed.write(self._derive(pre, spool.open(), spool.size))
        return changed

    def _derive(self, text: str, file: Path | IO[bytes], size: int) -> bytes:
        """Carry a transformation out, with this account's names and its rule for what is unknown."""
        chain = grammar.read(text, self._account.rules.named_transformations)
        if chain.ignored and self._account.rules.unknown_steps == "refuse":
            raise BadTransformationError(f"not understood: {', '.join(chain.ignored)}")
        return transform(file, size, chain, RenderRequest())[0]

    def _check(self, text: str) -> None:
        """Fail where a rule says so."""
        if any(fnmatchcase(text, pattern) for pattern in self._account.rules.transformations_failed):
            raise BadTransformationError("A rule has it fail.")

    def _tell_pre_error(self, attempt: UploadAttempt, reason: str) -> None:
        wanted = attempt.wanted
        request = {"x_request_id": attempt.request_id, "transformation": wanted.transformation["pre"]}
        failure = {"error": {"reason": reason}}
        data = {"name": wanted.name, "path": wanted.folder + wanted.name, "transformation": failure}
        self._tell("upload.pre-transform.error", request, data)

    def _tell(self, event: str, request: dict[str, Any], data: dict[str, Any]) -> None:
        body = {"created_at": placing.timestamp(), "request": request, "data": data}
        self._account.webhooks.tell_account(event, body)

    # After it is stored

    def post(self, attempt: UploadAttempt, details: Details) -> None:
        """Have the post-transformations made later; each has an event of its own (`docs`), and nothing else to show."""
        if not any(self._account.webhooks.wants(event) for event in (POST_SUCCESS, POST_ERROR)):
            return
        for step in attempt.wanted.transformation.get("post", []):
            work = partial(self._post, step, details, attempt.request_id)
            self._account.background.later(self._account.rules.transformation_delay, work)

    async def _post(self, step: dict[str, str], details: Details, request_id: str) -> None:
        request = {"x_request_id": request_id, "transformation": step}
        url = replies.addresses(details, self._account.endpoint)["url"] + tail(step)
        data = {"fileId": details["fileId"], "name": details["name"], "url": url}
        try:
            await run_in_threadpool(self._make, step, details)
        except (BadTransformationError, OSError):  # the file may be gone
            failure = {"path": details["filePath"], "transformation": {"error": {"reason": FAILED}}}
            self._tell(POST_ERROR, request, data | failure)
        else:
            self._tell(POST_SUCCESS, request, data)

    def _make(self, step: dict[str, str], details: Details) -> None:
        """Make what is asked for, as far as it can be made here: pictures are, videos only have to be some."""
        kind, mime = step["type"], details.get("mime", "")
        self._check(step.get("value", ""))
        if kind == "transformation" and mime.startswith(_PICTURE):
            path = self._account.store.bytes_of(details["versionInfo"]["id"])
            self._derive(step["value"], path, path.stat().st_size)
        elif not mime.startswith("image/gif" if kind == "gif-to-video" else _VIDEO):
            raise BadTransformationError(f"{kind} is not for {mime or 'such files'}.")


def tail(step: dict[str, str]) -> str:
    """Give what follows a file's URL where a post-transformation is delivered (`docs`)."""
    value = step.get("value", "")
    return _TAILS[step.get("protocol", step["type"])] + (f"?tr={value}" if value else "")


def _is_picture(spool: FormSpool, name: str) -> bool:
    facts, _ = inspection.look(spool.open(), spool.size, name)
    return facts.file_type == "image" and facts.mime != "image/svg+xml"
