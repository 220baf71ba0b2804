"""The browser as a client: it uploads picked files as this side requests, and its results are verified."""

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Any

from ikpipe.errors import AccountError, Error
from ikpipe.journal.history import ExpectedFile
from ikpipe.request.account import Account
from ikpipe.request.names import canonical_path
from ikpipe.request.planner import path_of
from ikpipe.request.policy import Policy
from ikpipe.request.reply import UploadReply, read_reply
from ikpipe.request.result import Result
from ikpipe.request.sources import FileSource
from ikpipe.request.token import UploadToken
from ikpipe.service.client import ServiceClient
from ikpipe.service.library import find_details
from ikpipe.service.public_hosts import FetchHosts
from ikpipe.widget.browser_uploads import BrowserUploads
from ikpipe.widget.confirmations import Confirmer
from ikpipe.widget.messages import ResultMessage

_MIN_RATE = 16_000  # bytes per second below which a browser aborts an upload
_ONLY_IN_ANSWERS = ("embedded_metadata", "metadata", "extension_status")
"""Fields of an upload's answer that the media API does not return."""


FILE_NOT_THERE: Mapping[str | None, str] = {
    "lost": "The page was reloaded. Choose this file again.",
    "unreadable": "The file was changed or deleted after it was added. Choose it again.",
}
"""Why a browser does not have a file."""


class BrowserClient(ServiceClient):
    """The client of one run, which lets browsers upload their files.

    With the private key of `account`, results from a page are verified with the media API. `policy` says how long the
    service may take to answer. `on_cancelled` is called with the id of a row that its browser cancelled. `is_current`
    says whether a row, by its id, is still to be uploaded. `hosts` may be fetched from although they are not public.
    """

    def __init__(
        self,
        uploads: BrowserUploads,
        account: Account,
        policy: Policy,
        on_cancelled: Callable[[str], None],
        is_current: Callable[[str], bool],
        hosts: FetchHosts,
    ) -> None:
        super().__init__(None, None, policy, hosts)
        self.external_source = uploads.files.source
        self._posts: list[Mapping[str, Any]] = []
        self._tokens: dict[str, UploadToken] = {}
        self._uploads, self._account, self._limits = uploads, account, policy
        self._on_cancelled, self._is_current = on_cancelled, is_current
        self._confirmer = Confirmer(self, account, policy)

    async def upload(
        self,
        url: str,
        fields: Mapping[str, str],
        source: FileSource,
        token: UploadToken,
        on_bytes: Callable[[int], None] = lambda _count: None,
    ) -> UploadReply:
        """Upload a file once, from the browser that has it or from here."""
        if source.kind != "held":
            return await super().upload(url, fields, source, token, on_bytes)
        started, size, row_id = time.time(), source.size or 0, self._uploads.files.row_id(source)
        answer_wait = self._limits.answer_within(size)
        if not await self._uploads.wait_for_page(answer_wait):
            return UploadReply(Result("cancelled", "cancelled", "The page that has the file does not answer."))
        if not self._is_current(row_id):
            return UploadReply(Result("cancelled", "cancelled", f"{_MESSAGES['cancelled']}."))
        attempt = self._uploads.start(row_id, size, answer_wait)
        attempt.request = {
            "id": row_id,
            "attempt": attempt.number,
            "url": url,
            "fields": [[name, str(text)] for name, text in fields.items()],
            "token": "".join(token.text),
            "name": source.name,
            "timeout": round(answer_wait + size / _MIN_RATE),
        }
        self._request(attempt.request)
        result = await self._uploads.result(attempt)
        reply = self._reply(result)
        if reply.result.error == "token_invalid" and self._tokens.get(row_id) is not token:
            reply = await self._check_rejected_token(reply, fields, source, started)
        self._tokens[row_id] = token
        if reply.result.status == "uploaded" or result.error is None:
            on_bytes(size)
        return await self._verified(reply, fields, source, started)

    def _request(self, post: Mapping[str, Any]) -> None:
        """Request an upload; requests of the same moment share a message."""
        self._posts.append(post)
        if len(self._posts) == 1:
            asyncio.get_running_loop().call_soon(self._send_posts)

    def _send_posts(self) -> None:
        posts, self._posts = self._posts, []
        self._uploads.send_message({"type": "post", "posts": posts})

    def _reply(self, result: ResultMessage) -> UploadReply:
        """Return a page's result as the reply to an attempt from here."""
        if result.error is None:
            headers = {} if result.request_id is None else {"x-ik-requestid": result.request_id}
            return read_reply(result.status, headers, result.body.encode(), self._limits.own_answers)
        if result.error in FILE_NOT_THERE and not result.maybe_sent:
            return UploadReply(Result("failed", "file_not_found", FILE_NOT_THERE[result.error]))
        if result.error == "cancelled":
            self._on_cancelled(result.id)
        message = _MESSAGES[result.error]
        if result.maybe_sent:
            code = "timed_out" if result.error == "timeout" else "connection_lost"
            return UploadReply(Result("unknown", code, f"{message} after the upload had started."))
        if result.error == "cancelled":
            return UploadReply(Result("cancelled", "cancelled", f"{message}."))
        return UploadReply(Result("failed", "connection_failed", f"{message}."), retryable=True)

    async def _check_rejected_token(
        self, reply: UploadReply, fields: Mapping[str, str], source: FileSource, started: float
    ) -> UploadReply:
        """Return what the rejection of a fresh token means: wrong keys, unless the file is stored.

        Browsers repeat a request on their own if a connection breaks that they kept open. Then the first copy may be
        stored, and the token of the second one counts as used.
        """
        unknown = _unknown("The browser may have sent it twice, and the token was used.")
        fixed = fields.get("useUniqueFileName") == "false"
        if self._uploads.keys_work.is_set() or self._account.private_key is None or not fixed:
            return unknown
        size, since = None if "transformation" in fields else source.size, started - self._limits.clock_skew
        for wait in (0.0, self._limits.index_lag):
            await asyncio.sleep(wait)
            try:
                path, names = path_of(fields), self._limits.names
                if await find_details(self, self._account, path, size=size, since=since, names=names) is not None:
                    self._uploads.keys_work.set()
                    return unknown
            except AccountError:
                return reply
            except Error:
                return unknown
        return unknown if self._uploads.keys_work.is_set() else reply  # another row can have set it meanwhile

    async def _verified(
        self, reply: UploadReply, fields: Mapping[str, str], source: FileSource, started: float
    ) -> UploadReply:
        """Return a reply whose upload the media API confirmed at the signed path; otherwise it is unknown.

        A pre-transformation stores a file of another size, and is the only reason for an answer without details.
        """
        claimed = reply.result
        if claimed.status == "accepted" and "transformation" not in fields:
            return _unknown("The page reports a later answer of the service, which was not requested.")
        if claimed.status != "uploaded":
            return reply
        result = claimed
        if self._account.private_key is not None and claimed.file_id is not None:
            try:
                since = started - self._limits.clock_skew
                result = await self._confirmer.read(claimed.file_id, since, self._expected(claimed, fields, source))
            except Error as error:
                return _unknown(f"The page reports that it is stored, which could not be confirmed: {error}")
            for name in _ONLY_IN_ANSWERS:
                setattr(result, name, getattr(claimed, name))
            result.request_id = claimed.request_id
        if not _matches(result, fields, source, self._limits.names):
            return _unknown("The page reports that it is stored, and names another file.")
        self._uploads.keys_work.set()
        return reply._replace(result=result)

    def _expected(self, claimed: Result, fields: Mapping[str, str], source: FileSource) -> ExpectedFile | None:
        """Return how to search for a file that a page reports as stored; None if its path is not the signed one."""
        if not _matches(claimed, fields, source, self._limits.names):
            return None
        return ExpectedFile(claimed.file_path or "", None if "transformation" in fields else source.size)


_MESSAGES: Mapping[Any, str] = {
    "network": "The browser's connection failed",
    "timeout": "The browser got no answer in time",
    "offline": "The browser was offline",
    "cancelled": "The upload was cancelled",
    "lost": "The page that had the file was closed",
    "unreadable": "The page could not read the file any more",
}


def _unknown(message: str) -> UploadReply:
    return UploadReply(Result("unknown", "bad_reply", message))


def _matches(result: Result, fields: Mapping[str, str], source: FileSource, names: str) -> bool:
    """Whether a stored file is the one whose upload was signed."""
    path, target = canonical_path(result.file_path or "", names), canonical_path(path_of(fields), names)
    if fields.get("useUniqueFileName") != "false":  # the service adds a suffix to the name
        path, target = path[: path.rfind("/") + 1], target[: target.rfind("/") + 1]
    return path == target and ("transformation" in fields or result.size in (None, source.size))
