"""`url`: the delivery URL of a library path or of an existing URL, transformed and signed. Pure but for the clock."""

from __future__ import annotations

import datetime
import hashlib
import hmac
import time
from collections.abc import Mapping
from contextlib import suppress
from numbers import Real
from typing import TYPE_CHECKING, Literal, NamedTuple
from urllib.parse import quote, unquote

from ikpipe.delivery.transformations import encode_chain, plain_text
from ikpipe.errors import AccountError, ApiName, InvalidValue, MappingError, Message, short_repr
from ikpipe.request.account import Account
from ikpipe.request.missing import missing
from ikpipe.request.urls import valid_url

if TYPE_CHECKING:
    from ikpipe.delivery.transformations import Transformation

NO_EXPIRY = 9999999999  # the time that is signed if the URL does not expire [sdk]
_TRANSFORMATION, _SIGNATURE = {"tr"}, {"ik-s", "ik-t"}  # query parameters that this module writes
_PATH_SAFE = "/:@!$&'()*+,;=-._~"  # RFC 3986, 3.3; the encoded path is what is signed and sent
_QUERY_SAFE = "-._~"


def url(
    path: str,
    account: Account,
    *,
    transformation: Transformation = (),
    signed: bool = False,
    expire: float | datetime.timedelta | datetime.datetime | None = None,
    position: Literal["query", "path"] = "query",
    query: Mapping[str, object] | None = None,
) -> str:
    """Return the URL at which a file is delivered.

    Parameters
    ----------
    path
        The file's path in the media library as in `ik_file_path`, not percent-encoded; or a complete URL, such as
        `ik_url` or `ik_thumbnail_url`. A transformation or signature in that URL is replaced.
    account
        Its `url_endpoint` is the base of the URL; signing needs its private key.
    transformation
        One step, or several applied in order. A step is a mapping such as ``{"width": 400, "height": 300}``, with the
        names of the official SDKs in either spelling or the short names (``{"w": 400}``); or text that is used
        unchanged: ``"w-400,h-300"``. ``{"named": "thumbnail"}`` is a named transformation [docs]. None, NaN and NA
        are left out.
    signed
        Whether to sign the URL: needed for private files [upload docs] and for accounts that only deliver signed URLs.
        A file that is not published is not delivered at all [upload docs].
    expire
        When a signed URL expires: seconds from now, a `timedelta`, or a `datetime`. Implies `signed`.
    position
        Where the transformation goes: ``?tr=…``, or ``/tr:…/`` before the path. For a URL on another endpoint it is
        always ``?tr=…``, as in the official SDKs: where the path of the file starts is not known.
    query
        Additional query parameters, such as ``{"ik-attachment": True}``; they replace parameters of the same name.
        Those that are None, NaN or NA are left out.

    Returns
    -------
    str
        The URL, percent-encoded.

    Raises
    ------
    MappingError
        The path or the transformation is invalid, or the URL to sign is not on the account's endpoint.
    AccountError
        There is no `url_endpoint`, or no private key to sign with.

    Examples
    --------
    >>> import ikpipe
    >>> shop = ikpipe.Account("public_key", url_endpoint="https://ik.imagekit.io/shop")
    >>> ikpipe.url("/shoes/rød sko.jpg", shop, transformation={"width": 400, "focus": "auto"})
    'https://ik.imagekit.io/shop/shoes/r%C3%B8d%20sko.jpg?tr=w-400,fo-auto'
    """
    if position not in ("query", "path"):
        raise MappingError(f"position={position!r} is not valid. Use 'query' or 'path'.")
    expires_at = None if expire is None else _expires_at(expire, time.time())
    signed = signed or expires_at is not None
    steps = encode_chain(transformation)
    address = _parse(path, account)
    if signed:
        _check_on_endpoint(address, path, account)
    added = _encode_query(query or {}, steps, signed=signed)
    resource = address.edit(steps, position, added, signed=signed)
    return address.endpoint + (_sign(resource, expires_at, account) if signed else resource)


class _Address(NamedTuple):
    """The parts of a URL: the account's endpoint (empty if it is on another), and the encoded path and parameters."""

    endpoint: str
    path: str
    parameters: list[str]

    def edit(self, steps: str, position: str, added: Mapping[str, str], *, signed: bool) -> str:
        """Return the path and query with this transformation and these parameters instead of present ones."""
        replaced = set(added) | _reserved(steps, signed=signed)
        if replaced:  # the signature that the URL has would be invalid
            replaced |= _SIGNATURE
        path, parameters = self.path, [pair for pair in self.parameters if _name(pair) not in replaced]
        parameters += [f"{name}={value}" for name, value in added.items()]
        if steps:
            path = self._path_without_transformation()
        if steps and position == "path" and self.endpoint:
            path = f"tr:{steps}/{path}"
        elif steps:
            parameters.append(f"tr={steps}")
        return f"{path}?{'&'.join(parameters)}" if parameters else path

    def _path_without_transformation(self) -> str:
        if not self.endpoint:  # on another endpoint, a level that starts with `tr:` is a folder
            return self.path
        return "/".join(level for level in self.path.split("/") if not level.startswith("tr:"))


def _name(parameter: str) -> str | None:
    """Return the name of a query parameter; None if it has no value."""
    name, equals, _ = parameter.partition("=")
    return name if equals else None


def _reserved(steps: str, *, signed: bool) -> set[str]:
    """Return the names of the query parameters that this module writes."""
    return (_TRANSFORMATION if steps else set()) | (_SIGNATURE if signed else set())


def _parse(path: object, account: Account) -> _Address:
    """Split a URL or library path into its parts."""
    if not isinstance(path, str) or not path.strip("/"):
        raise _missing_path(path)
    endpoint = f"{account.url_endpoint}/" if account.url_endpoint else ""
    if path.lower().startswith(("http://", "https://")):
        return _parse_url(path, endpoint)
    _check_endpoint(account)
    encoded = _quote("path", path.strip("/"), _PATH_SAFE)
    _check_levels(path, encoded)
    return _Address(endpoint, encoded, [])


def _parse_url(path: str, endpoint: str) -> _Address:
    try:
        normalized, _, _fragment = valid_url(path).partition("#")
        base = valid_url(endpoint) if endpoint else ""
    except InvalidValue as invalid:
        raise MappingError(invalid.message, fix=invalid.fix) from None
    location, _, query = normalized.partition("?")
    parameters = query.split("&") if query else []
    if not base or not location.startswith(base):
        return _Address("", location, parameters)
    file_path = location.removeprefix(base)
    if not file_path.strip("/"):
        raise _missing_path(path)
    _check_levels(path, file_path)
    return _Address(endpoint, file_path, parameters)


def _check_endpoint(account: Account) -> None:
    if not account.url_endpoint:
        fix = Message("Set IMAGEKIT_URL_ENDPOINT or ", ApiName("account", "url_endpoint"), ".")
        raise AccountError("The account has no url_endpoint.", fix=fix)


def _check_on_endpoint(address: _Address, path: str, account: Account) -> None:
    if not address.endpoint:
        _check_endpoint(account)
        raise MappingError(
            f"{short_repr(path)} is not on the account's endpoint {account.url_endpoint}, so it cannot be signed. "
            "Use the file's path, or the account of that endpoint."
        )


def _missing_path(path: object) -> MappingError:
    return MappingError(f"path={short_repr(path)} is not a file's path or URL.")


def _check_levels(path: object, encoded: str) -> None:
    """Reject ``.`` and ``..``: browsers and servers resolve them, and the signature would be for another path."""
    if {".", ".."} & set(unquote(encoded).split("/")):
        raise MappingError(f"path={short_repr(path)} contains '.' or '..', which a library path cannot have.")


def _encode_query(query: Mapping[str, object], steps: str, *, signed: bool) -> dict[str, str]:
    if conflicts := query.keys() & _reserved(steps, signed=signed):
        raise MappingError(f"query: {min(conflicts)!r} is already set by transformation=, signed= or expire=.")
    return {
        _quote("query", name, _QUERY_SAFE): _quote("query", plain_text(f"query: {name}", value), _QUERY_SAFE)
        for name, value in query.items()
        if not missing(value)
    }


def _quote(option: str, text: str, safe: str) -> str:
    try:
        return quote(text, safe=safe)
    except UnicodeEncodeError:
        raise MappingError(f"{option}: {short_repr(text)} contains an incomplete Unicode character.") from None


def _expires_at(expire: object, now: float) -> int:
    """Return when a signature expires, in whole seconds since 1970."""
    seconds, end = 0.0, 0
    with suppress(OverflowError, OSError, ValueError):  # out of the clock's range; NaT is a `datetime` of pandas
        if isinstance(expire, datetime.datetime):
            seconds, end = expire.timestamp() - now, int(expire.timestamp())
        else:
            lifetime = expire.total_seconds() if isinstance(expire, datetime.timedelta) else expire
            seconds = float(lifetime) if isinstance(lifetime, Real) and not isinstance(lifetime, bool) else 0.0
            end = int(now + seconds) if 1 <= seconds < NO_EXPIRY else 0
    if not (seconds >= 1 and 0 < end < NO_EXPIRY):
        raise MappingError(
            f"expire={short_repr(expire)} is not valid. Use a number of seconds, at least 1, or a time in the future."
        )
    return end


def _sign(resource: str, expires_at: int | None, account: Account) -> str:
    """Add a signature: hex HMAC-SHA1, with the private key, of what follows the endpoint and the expiry time [sdk]."""
    message = f"{resource}{NO_EXPIRY if expires_at is None else expires_at}"
    signature = hmac.new(account.key().encode(), message.encode(), hashlib.sha1).hexdigest()
    expiry = "" if expires_at is None else f"ik-t={expires_at}&"
    return f"{resource}{'&' if '?' in resource else '?'}{expiry}ik-s={signature}"
