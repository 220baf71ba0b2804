"""`SigningService`: answers a request without a server, and signs only what its policy allows."""

from __future__ import annotations

import inspect
import logging
import math
import re
import threading
import time
from typing import TYPE_CHECKING, Any

from ikpipe.auth.allow import Allow
from ikpipe.auth.messages import SigningReply, SigningRequest
from ikpipe.auth.payload import LARGEST, read
from ikpipe.auth.rate import CallerRates
from ikpipe.auth.refusal import RefusedError, forbidden, malformed
from ikpipe.errors import MappingError, short_repr
from ikpipe.request.token import LocalSigner, TokenTimes

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from ikpipe.request.account import Account

_log = logging.getLogger("ikpipe.auth")

_ORIGIN = re.compile(r"https?://[a-z0-9.-]+(:[0-9]{1,5})?|https?://\[[0-9a-f:]+\](:[0-9]{1,5})?")
_JSON = re.compile(r'application/json\s*(;\s*charset="?utf-8"?\s*)?', re.IGNORECASE)
_ONCE = ("origin", "content-type", "content-length", "content-encoding", "authorization")


class SigningService:
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
            raise MappingError(
                f"allow={short_repr(allow)}: give an ikpipe.auth.Allow, which says who may have what signed."
            )
        for origin in [origins] if isinstance(origins, str) else origins:
            if isinstance(origins, str) or not _ORIGIN.fullmatch(origin):
                raise MappingError(
                    f"origins: {short_repr(origin)} is no origin in a list, such as 'https://shop.example'."
                )
        self.allow, self._account, self._origins = allow, account, frozenset(origins)
        self._times = TokenTimes(clock)
        self._signer = LocalSigner(account, self._times)
        self._rates, self._lock = CallerRates(allow.rate), threading.Lock()
        self._credentials = {"Access-Control-Allow-Credentials": "true"} if credentials else {}

    @property
    def public_key(self) -> str:
        """The key of the account that it signs for."""
        return self._account.public_key

    def answer(self, request: SigningRequest) -> SigningReply:
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

    def before(self, request: SigningRequest) -> SigningReply | None:
        """Look at all that does not depend on the caller; None where it is well."""
        try:
            _check_headers(request, self._origins)
            if request.method == "OPTIONS":
                return self._preflight(request)
            _check_body(request)
        except RefusedError as refused:
            return self._refuse(request, refused)
        return None

    def after(self, request: SigningRequest, caller: object) -> SigningReply:
        """Go on with the caller that `Allow.who` has named."""
        try:
            if caller is None:
                raise RefusedError(401, "You may not sign.", {"WWW-Authenticate": "Bearer"})
            if not isinstance(caller, str) or not caller:
                raise TypeError("who gave what is no name")
            if (wait := self._rates.wait(caller, time.monotonic())) > 0:
                raise RefusedError(429, "You ask too often.", {"Retry-After": str(math.ceil(wait))})
            return self._signed(request, caller)
        except RefusedError as refused:
            return self._refuse(request, refused, caller)
        except Exception:  # noqa: BLE001 - so are the functions in `Allow.values`
            return self.broken(request)

    def broken(self, request: SigningRequest) -> SigningReply:
        """Answer when a function of the policy has raised, and log what."""
        _log.exception("the policy failed, and nothing was signed")
        return self._reply(request, 500, {"message": "The endpoint has a fault; nothing was signed."})

    def _signed(self, request: SigningRequest, caller: str) -> SigningReply:
        asked = read(request.body)
        if asked.public_key != self._account.public_key:
            raise forbidden("The publicKey is that of another account.")
        self.allow.check(caller, asked.fields, asked.expire)
        with self._lock:
            token = self._signer.sign_at(asked.fields, *self._times.next(asked.expire))
        _log.info(
            "signed for %s at %s: %s in %s, with %s, until %d",
            *(short_repr(caller), request.client or "-", short_repr(asked.fields["fileName"])),
            *(short_repr(asked.fields.get("folder", "/")), ", ".join(sorted(asked.fields)), token.exp),
        )
        return self._reply(request, 200, {"token": token.text})

    def _preflight(self, request: SigningRequest) -> SigningReply:
        """Tell a browser what pages of this origin may ask."""
        if request.header("origin") is None or request.header("access-control-request-method") != "POST":
            raise forbidden("This is no preflight of a POST.")
        allowed = {
            "Access-Control-Allow-Methods": "POST",
            "Access-Control-Allow-Headers": "content-type, authorization",
            "Access-Control-Max-Age": "600",
        }
        return self._reply(request, 204, None, allowed)

    def _refuse(self, request: SigningRequest, refused: RefusedError, caller: object = None) -> SigningReply:
        who = "somebody" if caller is None else short_repr(caller)
        _log.warning("refused %s at %s with %d: %s", who, request.client or "-", refused.status, refused.message)
        return self._reply(request, refused.status, {"message": refused.message}, refused.headers)

    def _reply(
        self,
        request: SigningRequest,
        status: int,
        content: dict[str, Any] | None,
        headers: Mapping[str, str] | None = None,
    ) -> SigningReply:
        common = {"Cache-Control": "no-store", "Vary": "Origin", **(headers or {})}
        if content is not None:
            common["Content-Type"] = "application/json"
        origin = request.header("origin")
        if origin in self._origins and origin is not None:
            common |= {"Access-Control-Allow-Origin": origin, **self._credentials}
        return SigningReply(status, common, content)


def _check_headers(request: SigningRequest, origins: Collection[str]) -> None:
    names = [name for name, _ in request.pairs if name in _ONCE]
    if len(names) > len(set(names)):
        raise malformed("A header is there twice.")
    origin = request.header("origin")
    if origin is not None and origin not in origins:
        raise forbidden("This origin may not ask.")


def _check_body(request: SigningRequest) -> None:
    if request.method != "POST":
        raise RefusedError(405, "Tokens are asked for by POST.", {"Allow": "POST, OPTIONS"})
    if len(request.body) > LARGEST:
        raise RefusedError(413, f"A request has at most {LARGEST} bytes.")
    # A page of any origin may post text/plain without a preflight.
    if not _JSON.fullmatch(request.header("content-type") or "") or request.header("content-encoding"):
        raise RefusedError(415, "The body must be application/json, in UTF-8.")
