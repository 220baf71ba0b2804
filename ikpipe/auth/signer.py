"""`Desk`: a request in, an answer out, without a server. It signs what its policy allows, and nothing else."""

from __future__ import annotations

import inspect
import logging
import math
import re
import threading
import time
from typing import TYPE_CHECKING, Any

from ikpipe.auth.allow import Allow
from ikpipe.auth.messages import Reply, Request
from ikpipe.auth.payload import LARGEST, read
from ikpipe.auth.rate import Rates
from ikpipe.auth.refusal import Refused, forbidden, malformed
from ikpipe.errors import MappingError, shown
from ikpipe.request.token import LocalSigner, Times

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from ikpipe.request.account import Account

_log = logging.getLogger("ikpipe.auth")

_ORIGIN = re.compile(r"https?://[a-z0-9.-]+(:[0-9]{1,5})?|https?://\[[0-9a-f:]+\](:[0-9]{1,5})?")
_JSON = re.compile(r'application/json\s*(;\s*charset="?utf-8"?\s*)?', re.IGNORECASE)
_ONCE = ("origin", "content-type", "content-length", "content-encoding", "authorization")


class Desk:
    """Signs upload tokens for those who must not hold the private key (seed, "authenticationEndpoint").

    Parameters
    ----------
    account
        Holds the private key.
    allow
        Who may have what signed.
    origins
        The web sites whose pages may ask, as browsers name them: ``https://shop.example``. A browser's request from
        any other is refused, also from the endpoint's own, if it is not among them.
    credentials
        Whether pages may send cookies along.
    clock
        Gives the time, in seconds since 1970; tokens take it.

    Raises
    ------
    AccountError
        There is no private key.
    MappingError
        `allow` is no `Allow`, or an origin is none.
    """

    def __init__(
        self,
        account: Account,
        *,
        allow: Allow,
        origins: Collection[str] = (),
        credentials: bool = False,
        clock: Callable[[], float] = time.time,
    ) -> None:
        if not isinstance(allow, Allow):
            raise MappingError(f"allow={shown(allow)}: give an ikpipe.auth.Allow, which says who may have what signed.")
        for origin in [origins] if isinstance(origins, str) else origins:
            if isinstance(origins, str) or not _ORIGIN.fullmatch(origin):
                raise MappingError(f"origins: {shown(origin)} is no origin in a list, such as 'https://shop.example'.")
        self.allow, self._account, self._origins = allow, account, frozenset(origins)
        self._times = Times(clock)
        self._signer = LocalSigner(account, self._times)
        self._rates, self._lock = Rates(allow.rate), threading.Lock()
        self._credentials = {"Access-Control-Allow-Credentials": "true"} if credentials else {}

    @property
    def public_key(self) -> str:
        """The key of the account that it signs for."""
        return self._account.public_key

    def answer(self, request: Request) -> Reply:
        """Answer a request: 200 with ``{"token": …}``, or a refusal with a `message`; never an exception.

        `Allow.who` must be a plain function here; with a coroutine function, await it between `before` and `after`.
        """
        early = self.before(request)
        if early is not None:
            return early
        try:
            caller: Any = self.allow.who(request)
            if inspect.isawaitable(caller):
                caller.close()  # type: ignore[attr-defined]  # a coroutine
                raise TypeError("who is a coroutine function")
        except Exception:  # noqa: BLE001 - it is the user's, and has its own ways to fail
            return self.broken(request)
        return self.after(request, caller)

    def before(self, request: Request) -> Reply | None:
        """Look at all that does not depend on the caller; None where it is well."""
        try:
            _check_headers(request, self._origins)
            if request.method == "OPTIONS":
                return self._preflight(request)
            _check_body(request)
        except Refused as refused:
            return self._refuse(request, refused)
        return None

    def after(self, request: Request, caller: object) -> Reply:
        """Go on with the caller that `Allow.who` has named."""
        try:
            if caller is None:
                raise Refused(401, "You may not sign.", {"WWW-Authenticate": "Bearer"})
            if not isinstance(caller, str) or not caller:
                raise TypeError("who gave what is no name")
            if (wait := self._rates.wait(caller, time.monotonic())) > 0:
                raise Refused(429, "You ask too often.", {"Retry-After": str(math.ceil(wait))})
            return self._signed(request, caller)
        except Refused as refused:
            return self._refuse(request, refused, caller)
        except Exception:  # noqa: BLE001 - so are the functions in `Allow.values`
            return self.broken(request)

    def broken(self, request: Request) -> Reply:
        """Answer when a function of the policy has raised, and log what."""
        _log.exception("the policy failed, and nothing was signed")
        return self._reply(request, 500, {"message": "The endpoint has a fault; nothing was signed."})

    def _signed(self, request: Request, caller: str) -> Reply:
        asked = read(request.body)
        if asked.public_key != self._account.public_key:
            raise forbidden("The publicKey is that of another account.")
        self.allow.check(caller, asked.fields, asked.expire)
        with self._lock:
            token = self._signer.again(asked.fields, *self._times.next(asked.expire))
        _log.info(
            "signed for %s at %s: %s in %s, with %s, until %d",
            *(shown(caller), request.client or "-", shown(asked.fields["fileName"])),
            *(shown(asked.fields.get("folder", "/")), ", ".join(sorted(asked.fields)), token.exp),
        )
        return self._reply(request, 200, {"token": token.text})

    def _preflight(self, request: Request) -> Reply:
        """Tell a browser what pages of this origin may ask."""
        if request.header("origin") is None or request.header("access-control-request-method") != "POST":
            raise forbidden("This is no preflight of a POST.")
        allowed = {
            "Access-Control-Allow-Methods": "POST",
            "Access-Control-Allow-Headers": "content-type, authorization",
            "Access-Control-Max-Age": "600",
        }
        return self._reply(request, 204, None, allowed)

    def _refuse(self, request: Request, refused: Refused, caller: object = None) -> Reply:
        who = "somebody" if caller is None else shown(caller)
        _log.warning("refused %s at %s with %d: %s", who, request.client or "-", refused.status, refused.message)
        return self._reply(request, refused.status, {"message": refused.message}, refused.headers)

    def _reply(
        self, request: Request, status: int, content: dict[str, Any] | None, headers: Mapping[str, str] | None = None
    ) -> Reply:
        common = {"Cache-Control": "no-store", "Vary": "Origin", **(headers or {})}
        if content is not None:
            common["Content-Type"] = "application/json"
        origin = request.header("origin")
        if origin in self._origins and origin is not None:
            common |= {"Access-Control-Allow-Origin": origin, **self._credentials}
        return Reply(status, common, content)


def _check_headers(request: Request, origins: Collection[str]) -> None:
    names = [name for name, _ in request.pairs if name in _ONCE]
    if len(names) > len(set(names)):
        raise malformed("A header is there twice.")
    origin = request.header("origin")
    if origin is not None and origin not in origins:
        raise forbidden("This origin may not ask.")


def _check_body(request: Request) -> None:
    if request.method != "POST":
        raise Refused(405, "Tokens are asked for by POST.", {"Allow": "POST, OPTIONS"})
    if len(request.body) > LARGEST:
        raise Refused(413, f"A request has at most {LARGEST} bytes.")
    # A page of any origin may post text/plain without a preflight.
    if not _JSON.fullmatch(request.header("content-type") or "") or request.header("content-encoding"):
        raise Refused(415, "The body must be application/json, in UTF-8.")
