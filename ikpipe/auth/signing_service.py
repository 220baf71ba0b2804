"""`SigningService`: answers signing requests without a server, and signs only what its policy allows."""

import inspect
import logging
import math
import re
import threading
import time
from collections.abc import Callable, Collection, Mapping
from typing import Any

from ikpipe.auth.allow import Allow
from ikpipe.auth.messages import SigningReply, SigningRequest
from ikpipe.auth.payload import LARGEST, read
from ikpipe.auth.rate import CallerRates
from ikpipe.auth.refusal import RefusedError, forbidden, malformed
from ikpipe.errors import MappingError, short_repr
from ikpipe.request.account import Account
from ikpipe.request.token import LocalSigner, TokenTimes

_log = logging.getLogger("ikpipe.auth")

_ORIGIN = re.compile(r"https?://[a-z0-9.-]+(:[0-9]{1,5})?|https?://\[[0-9a-f:]+\](:[0-9]{1,5})?")
_HEADER = re.compile(r"[!#$%&'*+.^_`|~0-9a-zA-Z-]{1,100}")  # RFC 9110, 5.6.2
_AFTER_NAME = re.compile(r"[^!#$%&'*+.^_`|~0-9a-zA-Z-].*", re.DOTALL)
_OF_THE_BROWSER = re.compile(  # pages cannot set them, or CORS sets them [fetch standard]
    r"accept-charset|accept-encoding|access-control-.*|connection|content-length|cookie2?|date|dnt|expect|host"
    r"|keep-alive|origin|proxy-.*|referer|sec-.*|set-cookie|te|trailer|transfer-encoding|upgrade|via|\*"
)
_ALWAYS = ("content-type", "authorization")
_JSON = re.compile(r'application/json\s*(;\s*charset="?utf-8"?\s*)?', re.IGNORECASE)
_ONCE = ("origin", "content-type", "content-length", "content-encoding", "authorization")


class SigningService:
    """Signs upload tokens for clients that must not have the private key [upload docs: `authenticationEndpoint`].

    Parameters
    ----------
    account
        Must have the private key.
    allow
        The policy: who may have what signed.
    origins
        The origins whose web pages may send requests: ``https://shop.example``. A browser's request from any other
        origin is rejected, also from the endpoint's own.
    headers
        Further headers that these pages may send, besides ``Content-Type`` and ``Authorization``: ``["X-CSRF-Token"]``.
        Clients that are not web pages may send any; `Allow.who` decides what they mean.
    credentials
        Whether web pages may send cookies.
    clock
        Returns the time for tokens, in seconds since 1970.

    Raises
    ------
    AccountError
        There is no private key.
    MappingError
        `allow` is not an `Allow`, or an origin or the name of a header is invalid.
    """

    def __init__(
        self,
        account: Account,
        *,
        allow: Allow,
        origins: Collection[str] = (),
        headers: Collection[str] = (),
        credentials: bool = False,
        clock: Callable[[], float] = time.time,
    ) -> None:
        if not isinstance(allow, Allow):
            raise MappingError(
                f"allow={short_repr(allow)} must be an ikpipe.auth.Allow: the policy, who may have what signed."
            )
        _check_lists(origins, headers)
        self.allow, self._account, self._origins = allow, account, frozenset(origins)
        self._headers = tuple(dict.fromkeys([*_ALWAYS, *(name.lower() for name in headers)]))
        self._times = TokenTimes(clock)
        self._signer = LocalSigner(account, self._times)
        self._rates, self._lock = CallerRates(allow.rate), threading.Lock()
        self._credentials = {"Access-Control-Allow-Credentials": "true"} if credentials else {}

    def answer(self, request: SigningRequest) -> SigningReply:
        """Return the reply to a request: 200 with ``{"token": …}``, or a rejection with a `message`; never raises.

        `Allow.who` must be a plain function; if it is a coroutine function, await it between `before` and `after`.
        """
        rejection = self.before(request)
        if rejection is not None:
            return rejection
        try:
            caller: Any = self.allow.who(request)
            if inspect.isawaitable(caller):
                caller.close()  # type: ignore[attr-defined]  # a coroutine
                raise TypeError("who is a coroutine function")
        except Exception:  # noqa: BLE001 - a function of the user's may raise anything
            return self.broken(request)
        return self.after(request, caller)

    def before(self, request: SigningRequest) -> SigningReply | None:
        """Check everything that does not depend on the caller; return a final reply, or None to continue."""
        try:
            _check_headers(request, self._origins, {*_ONCE, *self._headers})
            if request.method == "OPTIONS":
                return self._preflight(request)
            _check_body(request)
        except RefusedError as error:
            return self._reject(request, error)
        return None

    def after(self, request: SigningRequest, caller: object) -> SigningReply:
        """Return the reply for the caller that `Allow.who` returned."""
        try:
            if caller is None:
                raise RefusedError(401, "You are not allowed to sign.", {"WWW-Authenticate": "Bearer"})
            if not isinstance(caller, str) or not caller:
                raise TypeError("who must return a name or None")
            if (wait := self._rates.wait(caller, time.monotonic())) > 0:
                raise RefusedError(429, "Too many requests.", {"Retry-After": str(math.ceil(wait))})
            return self._sign(request, caller)
        except RefusedError as error:
            return self._reject(request, error, caller)
        except Exception:  # noqa: BLE001 - so may functions in `Allow.values`
            return self.broken(request)

    def broken(self, request: SigningRequest) -> SigningReply:
        """Log the exception of a function of the policy and return the reply."""
        _log.exception("A function of the policy failed; nothing was signed")
        return self._reply(request, 500, {"message": "The endpoint failed; nothing was signed."})

    def _sign(self, request: SigningRequest, caller: str) -> SigningReply:
        payload = read(request.body)
        if payload.public_key != self._account.public_key:
            raise forbidden("The publicKey belongs to another account.")
        self.allow.check(caller, payload.fields, payload.expire)
        with self._lock:
            token = self._signer.sign_at(payload.fields, *self._times.next(payload.expire))
        _log.info(
            "Signed for %s at %s: %s in %s with %s, until %d",
            *(short_repr(caller), request.client or "-", short_repr(payload.fields["fileName"])),
            *(short_repr(payload.fields.get("folder", "/")), ", ".join(sorted(payload.fields)), token.exp),
        )
        return self._reply(request, 200, {"token": token.text})

    def _preflight(self, request: SigningRequest) -> SigningReply:
        """Reply to the preflight request of a browser (CORS)."""
        if request.header("origin") is None or request.header("access-control-request-method") != "POST":
            raise forbidden("This is not a preflight request for POST.")
        asked = (request.header("access-control-request-headers") or "").lower().split(",")
        for name in filter(None, map(str.strip, asked)):
            if name not in self._headers:
                raise forbidden(
                    f"Pages may not send the header {short_repr(name)}. Allow it with headers= or --headers."
                )
        allowed = {
            "Access-Control-Allow-Methods": "POST",
            "Access-Control-Allow-Headers": ", ".join(self._headers),
            "Access-Control-Max-Age": "600",
        }
        return self._reply(request, 204, None, allowed)

    def _reject(self, request: SigningRequest, error: RefusedError, caller: object = None) -> SigningReply:
        name = "an unknown caller" if caller is None else short_repr(caller)
        _log.warning("Rejected %s at %s with %d: %s", name, request.client or "-", error.status, error.message)
        return self._reply(request, error.status, {"message": error.message}, error.headers)

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
            common |= {"Access-Control-Allow-Origin": origin, "Access-Control-Expose-Headers": "Retry-After"}
            common |= self._credentials
        return SigningReply(status, common, content)


def _check_lists(origins: Collection[str], headers: Collection[str]) -> None:
    for wrong in _invalid(origins, _ORIGIN.fullmatch):
        fix = "Use a list of origins such as 'https://shop.example'."
        raise MappingError(f"origins: {short_repr(wrong)} is not valid.", fix=fix)
    for wrong in _invalid(headers, _is_settable):
        name = _AFTER_NAME.sub("…", str(wrong))  # what follows may be a secret value
        fix = "Use a list of names that pages can set, without values, such as 'X-CSRF-Token'."
        raise MappingError(f"headers: {short_repr(name)} is not valid.", fix=fix)


def _invalid(values: Collection[object], valid: Callable[[str], object]) -> list[object]:
    if isinstance(values, str):
        return [values]
    return [one for one in values if not isinstance(one, str) or not valid(one)]


def _is_settable(name: str) -> bool:
    """Whether this is the name of a header that a web page can set."""
    return _HEADER.fullmatch(name) is not None and not _OF_THE_BROWSER.fullmatch(name.lower())


def _check_headers(request: SigningRequest, origins: Collection[str], once: Collection[str]) -> None:
    names = [name for name, _ in request.pairs if name in once]
    if len(names) > len(set(names)):
        raise malformed("A header occurs twice.")
    origin = request.header("origin")
    if origin is not None and origin not in origins:
        raise forbidden("This origin is not allowed.")


def _check_body(request: SigningRequest) -> None:
    if request.method != "POST":
        raise RefusedError(405, "Use POST to request a token.", {"Allow": "POST, OPTIONS"})
    if len(request.body) > LARGEST:
        raise RefusedError(413, f"The body is larger than {LARGEST:,} bytes.")
    # A web page of any origin may post text/plain without a preflight request.
    if not _JSON.fullmatch(request.header("content-type") or "") or request.header("content-encoding"):
        raise RefusedError(415, "The body must be application/json, in UTF-8.")
