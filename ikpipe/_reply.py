"""Status, headers, body → a result, or why there is none. Pure: all that is known of the service's answers is here."""

from __future__ import annotations

import json
import re
from email.utils import parsedate_to_datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from ikpipe._result import KINDS, Result

if TYPE_CHECKING:
    from collections.abc import Mapping

Stops = Literal["never", "unproven", "always"]


class Reply(NamedTuple):
    """One attempt's outcome.

    `again`: certainly not stored, and worth another attempt with a fresh token. `wait`: seconds that the service asks
    for. `stops`: the whole run must stop ``always``, or only while it is ``unproven`` that the keys work at all.
    `date`: the service's own time, in seconds since 1970. `rate`: the requests per second that it says it takes.
    """

    result: Result
    again: bool = False
    wait: float | None = None
    stops: Stops = "never"
    date: float | None = None
    rate: float | None = None

    @property
    def doubtful(self) -> bool:
        """Whether the file may be stored, and no answer says so."""
        return self.result.status == "unknown"

    @property
    def cancelled(self) -> bool:
        """Whether nothing was sent, since the run stops."""
        return self.result.status == "cancelled"

    @property
    def overload(self) -> bool:
        """Whether it is a sign that fewer requests at once would do better."""
        return self.result.error in _OVERLOAD


MESSAGES: dict[str, str] = {
    "Your request is missing token parameter.": "token_missing",
    "Your request contains expired token.": "token_expired",
    "Your request has invalid token.": "token_invalid",
    "Your request contains invalid payload. It does not match with the payload used to generate token.": (
        "payload_mismatch"
    ),
    "Your request contains both token and basic auth parameter. Use only one method, you might be exposing your "
    "private API key.": "two_credentials",
    "Your request is missing file parameter.": "file_missing",
    "Your request contains invalid file parameter. The file size exceeds limits.": "file_too_large",
    "A file with the same name already exists at the exact location. We could not overwrite it because both "
    "overwriteFile and useUniqueFileName are set to false.": "name_taken",
    "Upload Limit Exceeded.": "upload_quota",
    "Extensions quota exceeded.": "extension_quota",
    "You have sent too many requests to update the file recently. Please try again later.": "busy",
    "The file could not be uploaded because the transformation field is invalid.": "bad_transformation",
    "Your request contains invalid syntax for the checks parameter.": "bad_checks",
    "Your request failed 'checks' validation.": "checks_failed",
    "Your request does not contain private API key.": "key_missing",
    "Your account cannot be authenticated.": "account_refused",
    "Your request contains expired private API key.": "key_expired",
    "Your account is disabled.": "account_disabled",
}
"""The service's messages, word for word (spec), and our codes for them."""

_FAMILIES = (
    # V1's wording of a spent token; nobody knows V2's [guess].
    (re.compile(r"The token with value .* has been used before", re.DOTALL), "token_invalid"),
    # Two more of this family exist (spec), their words are not known.
    (re.compile(r"The file could not be uploaded because .*transformation"), "bad_transformation"),
)

OF_THE_TOKEN = frozenset({"token_invalid", "token_expired"})
"""Refusals of a token; of one that was sent before, they say nothing of what it was sent with."""

BY_THE_REQUEST = frozenset(
    {
        *("token_missing", "payload_mismatch", "two_credentials", "file_missing", "file_too_large"),
        *("bad_transformation", "bad_checks", "checks_failed"),
    }
)
"""Refusals that the request itself determines: the same request before it was refused too, if it ever arrived."""

_OVERLOAD = frozenset({"rate_limited", "server_error", "timed_out", "connection_lost", "connection_failed"})

_STOPS: dict[str, Stops] = {
    "token_invalid": "unproven",
    "upload_quota": "always",
    "extension_quota": "always",
    "key_missing": "always",
    "account_refused": "always",
    "key_expired": "always",
    "account_disabled": "always",
}

_HALF = b"\\ud"
_JWT = re.compile(r"\beyJ[\w-]+\.[\w-]+\.[\w-]*", re.ASCII)
_NUMBER = re.compile("[0-9]{1,9}")
_LONGEST_MESSAGE = 500  # characters: a row's message is no place for a web page


def read(status: int, headers: Mapping[str, str], body: bytes) -> Reply:
    """Read an answer of the upload endpoint.

    Parameters
    ----------
    status
        The HTTP status.
    headers
        The reply's headers, under lower-case names.
    body
        The whole body, of whatever kind.

    Returns
    -------
    Reply
        Never an exception: what cannot be read is ``unknown``, since the file may be stored.
    """
    reply = _read(status, headers, parsed(body))
    reply.result.request_id = headers.get("x-ik-requestid")
    return reply._replace(date=_date(headers.get("date", "")), rate=_rate(status, headers))


def _read(status: int, headers: Mapping[str, str], answer: Any) -> Reply:
    message = answer.get("message") if isinstance(answer, dict) else None
    if status == 200 and isinstance(answer, dict) and isinstance(answer.get("fileId"), str):  # noqa: PLR2004 - HTTP
        return Reply(details(answer))
    if status == 202 and isinstance(message, str):  # noqa: PLR2004 - HTTP
        return Reply(Result("accepted", message=message))
    if 400 <= status < 500:  # noqa: PLR2004 - HTTP
        return _refusal(status, headers, message)
    if status >= 500:  # noqa: PLR2004 - HTTP
        result = Result("unknown", "server_error", _words(message, f"the service answered {status}"))
        return Reply(result, wait=_wait(status, headers))
    return Reply(Result("unknown", "bad_reply", f"the service answered {status} with what is no answer of its own"))


def _refusal(status: int, headers: Mapping[str, str], message: object) -> Reply:
    code = _code(status, message)
    result = Result("failed", code, _words(message, f"the service answered {status}"))
    stops: Stops = _STOPS.get(code, "always" if status in (401, 403) else "never")
    # A fresh token that has expired on arrival means that the clock here is wrong; the reply tells by how much.
    return Reply(result, code in ("busy", "rate_limited", "token_expired"), _wait(status, headers), stops)


def _code(status: int, message: object) -> str:
    text = message if isinstance(message, str) else ""
    if text in MESSAGES:
        return MESSAGES[text]
    for pattern, code in _FAMILIES:
        if pattern.search(text):
            return code
    return {401: "key_missing", 403: "account_refused", 413: "file_too_large", 429: "rate_limited"}.get(
        status, "refused"
    )


def _wait(status: int, headers: Mapping[str, str]) -> float | None:
    """Read how long to wait, in seconds.

    `X-RateLimit-Reset` is in milliseconds (docs); `Retry-After`, which a proxy may send, in seconds or a date (HTTP).
    """
    reset, after = headers.get("x-ratelimit-reset", ""), headers.get("retry-after", "")
    if status == 429 and _NUMBER.fullmatch(reset):  # noqa: PLR2004 - HTTP
        return int(reset) / 1000
    if _NUMBER.fullmatch(after):
        return float(after)
    then, now = _date(after), _date(headers.get("date", ""))
    return max(then - now, 0.0) if then is not None and now is not None else None


def _rate(status: int, headers: Mapping[str, str]) -> float | None:
    """Read the service's limit, in requests per second: `X-RateLimit-Limit` in each `X-RateLimit-Interval` (docs)."""
    limit, interval = headers.get("x-ratelimit-limit", ""), headers.get("x-ratelimit-interval", "")
    if status != 429 or not _NUMBER.fullmatch(limit) or not _NUMBER.fullmatch(interval):  # noqa: PLR2004 - HTTP
        return None
    return int(limit) / int(interval) * 1000 if int(limit) and int(interval) else None


@lru_cache(maxsize=64)  # replies of one second have the same
def _date(text: str) -> float | None:
    """Read an HTTP date, in seconds since 1970."""
    try:
        return parsedate_to_datetime(text).timestamp()
    except (ValueError, OverflowError):
        return None


def _words(message: object, otherwise: str) -> str:
    """Take the service's words, short and without the token that V1 repeats in them."""
    if not isinstance(message, str) or not message:
        return otherwise
    return _JWT.sub("***", message)[:_LONGEST_MESSAGE]


def parsed(body: bytes) -> Any:
    """Read JSON; what is none is None."""
    try:
        answer = json.loads(body)
        # JSON can escape half a character, which no table and no file can hold.
        return (
            json.loads(json.dumps(answer, ensure_ascii=False).encode("utf-8", "replace"))
            if _HALF in body.lower()
            else answer
        )
    except (ValueError, RecursionError):
        return None


_NAMES = {"AITags": "ai_tags", "thumbnail": "thumbnail_url"}
_TYPES: dict[str, tuple[type, ...]] = {
    "str": (str,),
    "int": (int,),
    "float": (int, float),
    "bool": (bool,),
    "list[Any]": (list,),
    "dict[str, Any]": (dict,),
}
_INTEGERS = 2**63
SERVED = {name: _TYPES[kind] for name, kind in [*KINDS.items()][[*KINDS].index("file_id") : [*KINDS].index("warnings")]}
"""What the service says of a file, by our names, with the types that its values have."""


def details(answer: Mapping[str, Any], status: str = "uploaded") -> Result:
    """Read a file's details, from an upload's answer or from the media API.

    Fields that are unknown, or of another type than they should have, are kept in `extra` under their own names.
    """
    result = Result(status)
    extra = {}
    for wire, value in answer.items():
        if wire == "versionInfo" and isinstance(value, dict):
            fit = [_taken(result, f"version_{key}", part) for key, part in value.items()]
        else:
            fit = [_taken(result, _ours(wire), value)]
        if not all(fit):
            extra[wire] = value
    result.extra = extra or None
    return result


def _taken(result: Result, name: str, value: object) -> bool:
    """Put a value into its place, and tell whether there is one for it."""
    types = SERVED.get(name)
    fits = types is not None and (value is None or _fits(value, types))
    if fits:
        setattr(result, name, value)
    return fits


@lru_cache(maxsize=1024)
def _ours(wire: str) -> str:
    return _NAMES.get(wire) or re.sub(r"(?<=[a-z])(?=[A-Z])", "_", wire).lower()


def _fits(value: object, types: tuple[type, ...]) -> bool:
    """Tell whether a value is of one of these types; larger integers fit into no table."""
    if type(value) is int and not -_INTEGERS <= value < _INTEGERS:
        return False
    return type(value) in types  # `isinstance` would take True for a number
