"""The browser as transport: a file that it holds is posted by it, as this side says, and what it answers is proved."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

from ikpipe.errors import AccountError, Error
from ikpipe.request.names import place
from ikpipe.request.planner import path_of
from ikpipe.request.reply import UploadReply, read_reply
from ikpipe.request.result import Result
from ikpipe.service.client import ServiceClient
from ikpipe.service.library import confirm, find_details

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ikpipe.request.account import Account
    from ikpipe.request.policy import Policy
    from ikpipe.request.sources import FileSource
    from ikpipe.request.token import UploadToken
    from ikpipe.service.public_hosts import FetchHosts
    from ikpipe.widget.browser_posts import BrowserPosts
    from ikpipe.widget.messages import Answer

_SLOWEST = 16_000  # bytes per second, below which a browser gives an upload up
_ASKED_FOR = ("embedded_metadata", "metadata", "extension_status")
"""What an answer has only if it was asked for, and the media API does not tell."""


class BrowserClient(ServiceClient):
    """The connections of one run; files that a browser holds are posted by it.

    Parameters
    ----------
    page
        The pages that show the uploader.
    account
        Whose library it is; with its private key, what a page says is looked up before it is believed.
    policy
        How long the service may take to answer.
    on_cancelled
        Called with the row that a browser gave up by itself.
    has
        Tells whether a row is to be sent still.
    hosts
        Hosts that URLs may be fetched from here although they are not public.
    """

    def __init__(
        self,
        page: BrowserPosts,
        account: Account,
        policy: Policy,
        on_cancelled: Callable[[str], None] = lambda _: None,
        has: Callable[[str], bool] = lambda _: True,
        hosts: FetchHosts | None = None,
    ) -> None:
        super().__init__(None, None, policy, hosts or ())
        self.held = page.held
        self._orders: list[Mapping[str, Any]] = []
        self._tokens: dict[str, UploadToken] = {}
        self._page, self._account, self._rules, self._on_cancelled = page, account, policy, on_cancelled
        self._has = has

    async def upload(
        self,
        url: str,
        fields: Mapping[str, str],
        source: FileSource,
        token: UploadToken,
        on_bytes: Callable[[int], None] = lambda _count: None,
    ) -> UploadReply:
        """Send one form, once, by whoever has the file."""
        if source.kind != "held":
            return await super().upload(url, fields, source, token, on_bytes)
        began, size, name = time.time(), source.size or 0, self._page.row_of(source)
        wait = self._rules.answer_within(size)
        if not await self._page.back(wait):
            return UploadReply(Result("cancelled", "cancelled", "the page that has the file does not answer"))
        if not self._has(name):
            return UploadReply(Result("cancelled", "cancelled", _WORDS["cancelled"]))
        attempt = self._page.begin(name, size, wait)
        attempt.order = {
            "id": name,
            "attempt": attempt.number,
            "url": url,
            "fields": [[one, str(text)] for one, text in fields.items()],
            "token": "".join(token.text),
            "name": source.name,
            "timeout": round(wait + size / _SLOWEST),
        }
        self._order(attempt.order)
        answer = await self._page.answer(attempt)
        reply = self._reply(answer)
        if reply.result.error == "token_invalid" and self._tokens.get(name) is not token:
            reply = await self._twice(reply, fields, source, began)
        self._tokens[name] = token
        if reply.result.status == "uploaded" or answer.error is None:
            on_bytes(size)
        return await self._proved(reply, fields, source, began)

    def _order(self, post: Mapping[str, Any]) -> None:
        """Have a file posted; what is asked for at one time goes in one message."""
        self._orders.append(post)
        if len(self._orders) == 1:
            asyncio.get_running_loop().call_soon(self._post)

    def _post(self) -> None:
        posts, self._orders = self._orders, []
        self._page.send({"type": "post", "posts": posts})

    def _reply(self, answer: Answer) -> UploadReply:
        """Read what a browser says as if it were our own attempt."""
        if answer.error is None:
            headers = {} if answer.request_id is None else {"x-ik-requestid": answer.request_id}
            return read_reply(answer.status, headers, answer.body.encode(), self._rules.own_answers)
        if answer.error in ("lost", "unreadable") and not answer.left:
            words = "the page does not have the file any more: pick it again"
            return UploadReply(Result("failed", "file_not_found", words))
        if answer.error == "cancelled":
            self._on_cancelled(answer.id)
        if answer.left:
            code = "timed_out" if answer.error == "timeout" else "connection_lost"
            return UploadReply(Result("unknown", code, f"{_WORDS[answer.error]}, after the file had begun to leave"))
        if answer.error == "cancelled":
            return UploadReply(Result("cancelled", "cancelled", _WORDS[answer.error]))
        return UploadReply(Result("failed", "connection_failed", _WORDS[answer.error]), retryable=True)

    async def _twice(
        self, reply: UploadReply, fields: Mapping[str, str], source: FileSource, began: float
    ) -> UploadReply:
        """Say what the refusal of a fresh token means: wrong keys, unless the file is there.

        Browsers post a form once more by themselves where a connection breaks that they had kept open. The first copy
        may have been stored then, and the second one's token is used.
        """
        doubt = _doubt("the browser may have sent it twice, and the token was used")
        fixed = fields.get("useUniqueFileName") == "false"
        if self._page.proven.is_set() or self._account.private_key is None or not fixed:
            return doubt
        size, since = None if "transformation" in fields else source.size, began - self._rules.clock_skew
        for wait in (0.0, self._rules.index_lag):
            await asyncio.sleep(wait)
            try:
                path, names = path_of(fields), self._rules.names
                if await find_details(self, self._account, path, size=size, since=since, names=names) is not None:
                    self._page.proven.set()
                    return doubt
            except AccountError:
                return reply
            except Error:
                return doubt
        return doubt if self._page.proven.is_set() else reply  # another one, meanwhile

    async def _proved(
        self, reply: UploadReply, fields: Mapping[str, str], source: FileSource, began: float
    ) -> UploadReply:
        """Believe that a file is stored only if it is where it was signed to be; else it is a doubt, which is settled.

        A pre-transformation stores a file of another size, and is the only reason for an answer without details.
        """
        said = reply.result
        if said.status == "accepted" and "transformation" not in fields:
            return _doubt("the page says that the service will answer later, which nothing asked for")
        if said.status != "uploaded":
            return reply
        found = said
        if self._account.private_key is not None and said.file_id is not None:
            try:
                found, stored = await confirm(self, self._account, said.file_id)
            except Error as error:
                return _doubt(f"the page says that it is stored, which could not be confirmed: {error}")
            if stored < began - self._rules.clock_skew:
                return _doubt("the page says that it is stored, and names an older file")
            for name in _ASKED_FOR:
                setattr(found, name, getattr(said, name))
            found.request_id = said.request_id
        if not _fits(found, fields, source, self._rules.names):
            return _doubt("the page says that it is stored, and names another file")
        self._page.proven.set()
        return reply._replace(result=found)


_WORDS: Mapping[Any, str] = {
    "network": "the browser's connection broke",
    "timeout": "no answer came to the browser in time",
    "offline": "the browser is offline",
    "cancelled": "it was cancelled",
    "lost": "the page that had it is gone",
    "unreadable": "the page cannot read it any more",
}


def _doubt(words: str) -> UploadReply:
    return UploadReply(Result("unknown", "bad_reply", words))


def _fits(found: Result, fields: Mapping[str, str], source: FileSource, names: str) -> bool:
    """Tell whether a stored file is the one that was signed for."""
    path, target = place(found.file_path or "", names), place(path_of(fields), names)
    if fields.get("useUniqueFileName") != "false":  # the service adds to the name
        path, target = path[: path.rfind("/") + 1], target[: target.rfind("/") + 1]
    return path == target and ("transformation" in fields or found.size in (None, source.size))
