"""`url`: a path of the library, or the URL of a file → a delivery URL, signed if wanted. Pure but for the clock."""

from __future__ import annotations

import datetime
import hashlib
import hmac
import time
from contextlib import suppress
from numbers import Real
from typing import TYPE_CHECKING, Literal
from urllib.parse import quote, unquote

from ikpipe.delivery.transformations import chain
from ikpipe.errors import AccountError, InvalidValue, MappingError, short_repr
from ikpipe.request.urls import valid_url

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from ikpipe.delivery.transformations import Transformation
    from ikpipe.request.account import Account

FOREVER = 9999999999  # what is signed as the expiry of a URL that has none (sdk)
_OF_TRANSFORMATION, _OF_SIGNATURE = ("tr",), ("ik-s", "ik-t")  # parameters that are written here
_SAFE = "/:@!$&'()*+,;=-._~"  # of a path (RFC 3986, 3.3); signed is what is sent


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
    """Give the URL at which a file is delivered.

    Parameters
    ----------
    path
        The file's path in the library as `ik_file_path` has it, not percent-encoded; or its whole URL, as `ik_url` or
        `ik_thumbnail_url`: a transformation that it has gives way to another, and so does a signature.
    account
        Its `url_endpoint` is where files are delivered; signing needs its private key.
    transformation
        A step, or several that follow each other. A step is a mapping such as ``{"width": 400, "height": 300}``, with
        the names of the official SDKs in either spelling or as in a URL (``{"w": 400}``), or text that stands as it is:
        ``"w-400,h-300"``. ``{"named": "thumbnail"}`` is a named transformation (docs).
    signed
        Whether to sign it: for private files (seed), and for accounts that deliver nothing else. A file that is not
        published is not delivered at all (seed), signed or not.
    expire
        Signs it for so long: seconds, a `timedelta`, or the `datetime` of its end.
    position
        Where the transformation stands: ``?tr=…``, or ``/tr:…/`` before the path.
    query
        Further parameters, such as ``{"ik-attachment": "true"}``; of a URL that has them already, they take the place.

    Returns
    -------
    str
        The URL, percent-encoded.

    Raises
    ------
    MappingError
        The path or the transformation cannot be written, or a URL that is to be signed is not the account's.
    AccountError
        There is no `url_endpoint`; or no private key, where it is to be signed.

    Examples
    --------
    >>> import ikpipe
    >>> shop = ikpipe.Account("public_key", url_endpoint="https://ik.imagekit.io/shop")
    >>> ikpipe.url("/shoes/rød sko.jpg", shop, transformation={"width": 400, "focus": "auto"})
    'https://ik.imagekit.io/shop/shoes/r%C3%B8d%20sko.jpg?tr=w-400,fo-auto'
    """
    if position not in ("query", "path"):
        raise MappingError(f"position={position!r}: it is 'query' or 'path'.")
    end = None if expire is None else _end(expire, time.time())
    signed = signed or end is not None
    written = chain(transformation)
    steps = f"tr:{written}/" if written and position == "path" else ""
    endpoint, place, parameters = _placed(path, account)
    if not endpoint and (steps or signed):
        _check_endpoint(account)
        mend = "give the file's path, or the account of that endpoint"
        raise MappingError(
            f"{short_repr(path)} is not below {account.url_endpoint}, and is not ours to sign or part: {mend}."
        )
    added = _parameters(query or {}, _OF_TRANSFORMATION * bool(written) + _OF_SIGNATURE * signed)
    if written:
        place = "/".join(level for level in place.split("/") if not (endpoint and level.startswith("tr:")))
        parameters = _without(parameters, _OF_TRANSFORMATION)
    if written or added or signed:  # a signature that is there would hold no longer
        parameters = _without(parameters, _OF_SIGNATURE)
    parameters = [*_without(parameters, added), *(f"{name}={value}" for name, value in added.items())]
    if written and not steps:
        parameters.append(f"tr={written}")
    if not signed:
        return endpoint + steps + place + _query(parameters)
    mark = f"ik-s={_signature(steps + place + _query(parameters), end, account)}"
    return endpoint + steps + place + _query([*parameters, *([] if end is None else [f"ik-t={end}"]), mark])


def _without(parameters: list[str], names: Collection[str]) -> list[str]:
    return [one for one in parameters if one.partition("=")[0] not in names or "=" not in one]


def _parameters(query: Mapping[str, object], taken: Collection[str]) -> dict[str, str]:
    """Encode further parameters; `taken` are those that are written here."""
    for name in query:
        if name in taken:
            raise MappingError(f"query: {name!r} is there twice: transformation=, signed= and expire= write their own.")
    return {_encoded(name): _encoded("true" if value is True else str(value)) for name, value in query.items()}


def _encoded(text: str) -> str:
    try:
        return quote(text, safe="-._~")
    except UnicodeEncodeError:
        raise MappingError(f"query: {short_repr(text)} has half a character, which cannot be sent.") from None


def _placed(path: object, account: Account) -> tuple[str, str, list[str]]:
    """Part a path or URL: the endpoint with its slash, what follows it, encoded, and the parameters that it has."""
    if not isinstance(path, str) or not path.strip("/"):
        raise _no_path(path)
    endpoint = f"{account.url_endpoint}/" if account.url_endpoint else ""
    if path.lower().startswith(("http://", "https://")):
        return _parted(path, endpoint)
    _check_endpoint(account)
    try:
        encoded = quote(path.strip("/"), safe=_SAFE)
    except UnicodeEncodeError:
        raise MappingError(f"path={short_repr(path)}: it has half a character, which cannot be sent.") from None
    _check_levels(path, encoded)
    return endpoint, encoded, []


def _parted(path: str, endpoint: str) -> tuple[str, str, list[str]]:
    try:
        whole, _, _fragment = valid_url(path).partition("#")
        ours = valid_url(endpoint) if endpoint else ""
    except InvalidValue as bad:
        raise MappingError(f"{bad.message}; {bad.fix}.") from None
    address, _, query = whole.partition("?")
    parameters = query.split("&") if query else []
    if ours and address.startswith(ours):
        place = address.removeprefix(ours)
        if not place.strip("/"):
            raise _no_path(path)
        _check_levels(path, place)
        return endpoint, place, parameters
    return "", address, parameters


def _check_endpoint(account: Account) -> None:
    if not account.url_endpoint:
        raise AccountError("The account has no url_endpoint, where its files are delivered: set IMAGEKIT_URL_ENDPOINT.")


def _no_path(path: object) -> MappingError:
    return MappingError(f"path={short_repr(path)}: give a file's path, or its URL.")


def _check_levels(path: object, encoded: str) -> None:
    """Refuse what browsers and servers take out of a path: the signature would be of another one."""
    if {".", ".."} & set(unquote(encoded).split("/")):
        raise MappingError(f"path={short_repr(path)}: leave out '.' and '..', which are no levels of a library's path.")


def _query(parameters: list[str]) -> str:
    return f"?{'&'.join(parameters)}" if parameters else ""


def _end(expire: object, now: float) -> int:
    """Give the moment at which a signature ends, in whole seconds since 1970."""
    seconds, end = 0.0, 0
    with suppress(OverflowError, OSError, ValueError):  # no clock goes so far, and NaT is a `datetime` of pandas
        if isinstance(expire, datetime.datetime):
            seconds, end = expire.timestamp() - now, int(expire.timestamp())
        else:
            lasts = expire.total_seconds() if isinstance(expire, datetime.timedelta) else expire
            seconds = float(lasts) if isinstance(lasts, Real) and not isinstance(lasts, bool) else 0.0
            end = int(now + seconds) if 1 <= seconds < FOREVER else 0
    if not (seconds >= 1 and 0 < end < FOREVER):
        raise MappingError(
            f"expire={short_repr(expire)}: give the seconds that the URL is to live, at least 1, or its end."
        )
    return end


def _signature(address: str, end: int | None, account: Account) -> str:
    """Sign what follows the endpoint, and then the end (sdk): hex HMAC-SHA1 with the private key."""
    signed = f"{address}{FOREVER if end is None else end}"
    return hmac.new(account.key().encode(), signed.encode(), hashlib.sha1).hexdigest()
