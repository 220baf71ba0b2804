"""Transformations that an upload asks for, before the file is stored (`pre`) and after (`post`), and their webhooks."""

from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import IO, Any, NamedTuple

from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse, Response

from ikpipe.emulator.account import EmulatedAccount
from ikpipe.emulator.delivery.layer_files import file_paths, find_files
from ikpipe.emulator.delivery.render import RenderRequest, render
from ikpipe.emulator.delivery.transformation_parser import BadTransformationError, Chain, parse_transformation
from ikpipe.emulator.error_responses import ErrorResponse
from ikpipe.emulator.library.file_details import file_urls
from ikpipe.emulator.media import inspection
from ikpipe.emulator.request_log import LogEntry
from ikpipe.emulator.rules import matches
from ikpipe.emulator.store import Details, timestamp
from ikpipe.emulator.upload.form import FormSpool
from ikpipe.emulator.upload.parameters import BAD_TRANSFORMATION
from ikpipe.emulator.upload.reply import PRE_QUEUED
from ikpipe.emulator.upload.storage import find_name
from ikpipe.emulator.upload.validators import UploadAttempt

StoreFile = Callable[[UploadAttempt, FormSpool, LogEntry], Awaitable[dict[str, Any]]]

FAILED = "encoding_failed"
"""The reason of a failed transformation in its event [docs, in an example]."""
POST_SUCCESS, POST_ERROR = "upload.post-transform.success", "upload.post-transform.error"
_URL_SUFFIXES = {
    "transformation": "",
    "thumbnail": "/ik-thumbnail.jpg",
    "gif-to-video": "/ik-gif-video.mp4",
    "hls": "/ik-master.m3u8",
    "dash": "/ik-master.mpd",
}
"""What follows a file's URL for each type of post-transformation [docs]."""


class _Prepared(NamedTuple):
    """A transformation with the files that its layers need, ready to be rendered in any thread."""

    chain: Chain
    files: dict[str, Path]

    def render(self, file: Path | IO[bytes], size: int) -> bytes:
        """Return the image that the transformation makes."""
        return render(file, size, self.chain, RenderRequest(), files=self.files)[0]


class UploadTransformer:
    """Runs the transformations of one account's uploads; `store` stores a file and returns the response."""

    def __init__(self, account: EmulatedAccount, store: StoreFile) -> None:
        self._account = account
        self._store = store

    # Before the file is stored

    async def pre(self, attempt: UploadAttempt, spool: FormSpool, entry: LogEntry) -> Response:
        """Respond to an upload with a pre-transformation, which is queued [spec] or done at once, as a rule says."""
        rules = self._account.rules
        if rules.pre_transformation == "images-at-once" and _is_image(spool, attempt.parameters.name):
            try:
                return JSONResponse(await self._process(attempt, spool, entry))
            except BadTransformationError:
                raise ErrorResponse(400, BAD_TRANSFORMATION) from None
        if rules.transformation_delay == 0:
            await self._finish(attempt, spool, entry)
        else:
            # a name that is taken is an immediate error [upload docs]
            find_name(attempt.account.store, attempt.parameters, rules)
            # the form is discarded with its request, so the work gets a copy of the file
            work = partial(self._finish_later, attempt, self._copy(spool))
            self._account.background.later(rules.transformation_delay, work)
        return JSONResponse(PRE_QUEUED, status_code=202)

    def _copy(self, spool: FormSpool) -> FormSpool:
        """Copy a file, so that it outlives its request."""
        copy = FormSpool(self._account.store.incoming, self._account.rules.largest_file)
        for chunk in spool.chunks():
            copy.write(chunk)
        return copy

    async def _finish_later(self, attempt: UploadAttempt, spool: FormSpool) -> None:
        attempt.now = self._account.clock()
        try:
            await self._finish(attempt, spool, {})
        except ErrorResponse as error:
            self._send_pre_error(attempt, error.message)
        finally:
            spool.discard()
        await self._account.store.commit()

    async def _finish(self, attempt: UploadAttempt, spool: FormSpool, entry: LogEntry) -> None:
        try:
            await self._process(attempt, spool, entry)
        except BadTransformationError:
            self._send_pre_error(attempt, FAILED)

    async def _process(self, attempt: UploadAttempt, spool: FormSpool, entry: LogEntry) -> dict[str, Any]:
        """Transform and store a file; a file that is not an image is stored unchanged."""
        pre = attempt.parameters.transformation["pre"]
        self._fail_if_ruled(pre)
        transformed = spool
        if await run_in_threadpool(_is_image, spool, attempt.parameters.name):
            transformed = await run_in_threadpool(self._transformed, self._prepared(pre), spool)
        try:
            reply = await self._store(attempt, transformed, entry)
        finally:
            if transformed is not spool:
                transformed.discard()
        request = {"x_request_id": attempt.request_id, "transformation": pre}
        self._send_event("upload.pre-transform.success", request, reply)
        return reply

    def _prepared(self, text: str) -> _Prepared:
        """Return a transformation and the files of its layers, by the account's rules."""
        chain = parse_transformation(text, self._account.named_transformations)
        if chain.ignored and self._account.rules.unknown_steps == "refuse":
            raise BadTransformationError(f"Unknown transformation: {', '.join(chain.ignored)}")
        stored = self._account.store.files
        return _Prepared(chain, file_paths(stored, find_files(stored, chain)))

    def _transformed(self, prepared: _Prepared, spool: FormSpool) -> FormSpool:
        transformed = FormSpool(self._account.store.incoming, self._account.rules.largest_file)
        transformed.write(prepared.render(spool.open(), spool.size))
        return transformed

    def _fail_if_ruled(self, text: str) -> None:
        if matches(text, self._account.rules.transformations_failed):
            raise BadTransformationError("The rule transformations_failed makes it fail.")

    def _send_pre_error(self, attempt: UploadAttempt, reason: str) -> None:
        parameters = attempt.parameters
        request = {"x_request_id": attempt.request_id, "transformation": parameters.transformation["pre"]}
        failure = {"error": {"reason": reason}}
        data = {"name": parameters.name, "path": parameters.folder + parameters.name, "transformation": failure}
        self._send_event("upload.pre-transform.error", request, data)

    def _send_event(self, event: str, request: dict[str, Any], data: dict[str, Any]) -> None:
        body = {"created_at": timestamp(), "request": request, "data": data}
        self._account.webhooks.tell_account(event, body)

    # After it is stored

    def post(self, attempt: UploadAttempt, details: Details) -> None:
        """Start the post-transformations; their events are all that anybody sees of them [docs]."""
        if not any(self._account.webhooks.wants(event) for event in (POST_SUCCESS, POST_ERROR)):
            return
        for step in attempt.parameters.transformation.get("post", []):
            work = partial(self._post, step, details, attempt.request_id)
            self._account.background.later(self._account.rules.transformation_delay, work)

    async def _post(self, step: dict[str, str], details: Details, request_id: str) -> None:
        request = {"x_request_id": request_id, "transformation": step}
        url = file_urls(details, self._account.endpoint)["url"] + url_suffix(step)
        data = {"fileId": details["fileId"], "name": details["name"], "url": url}
        try:
            await self._run_post(step, details)
        except (BadTransformationError, OSError):  # the file may be deleted
            failure = {"path": details["filePath"], "transformation": {"error": {"reason": FAILED}}}
            self._send_event(POST_ERROR, request, data | failure)
        else:
            self._send_event(POST_SUCCESS, request, data)

    async def _run_post(self, step: dict[str, str], details: Details) -> None:
        """Run a post-transformation as far as possible: render images, but only check the type of videos."""
        kind, mime = step["type"], details.get("mime", "")
        self._fail_if_ruled(step.get("value", ""))
        if kind == "transformation" and mime.startswith("image/"):
            path = self._account.store.files.bytes_of(details["versionInfo"]["id"])
            await run_in_threadpool(self._prepared(step["value"]).render, path, path.stat().st_size)
        elif not mime.startswith("image/gif" if kind == "gif-to-video" else "video/"):
            raise BadTransformationError(f"{kind} does not apply to {mime or 'this type of file'}.")


def url_suffix(step: dict[str, str]) -> str:
    """Return what follows the file's URL in the URL of a post-transformation [docs]."""
    value = step.get("value", "")
    return _URL_SUFFIXES[step.get("protocol", step["type"])] + (f"?tr={value}" if value else "")


def _is_image(spool: FormSpool, name: str) -> bool:
    facts, _ = inspection.inspect_file(spool.open(), spool.size, name)
    return facts.file_type == "image" and facts.mime != "image/svg+xml"
