"""Read a reply's status, headers and body as a result or an error code. Pure; all knowledge of replies is here."""

import json
import re
import unicodedata
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from functools import lru_cache
from types import NoneType
from typing import Any, Literal, NamedTuple

from ikpipe.errors import one_line
from ikpipe.request.policy import OwnAnswers
from ikpipe.request.result import KINDS, Result
from ikpipe.request.values import stored_name

Stops = Literal["never", "unproven", "always"]

SLOW_DOWN, _BAD_REQUEST, _REDIRECT = 429, 400, 300


class UploadReply(NamedTuple):
    """The outcome of one attempt.

    `retryable`: not stored, and another attempt with a new token may succeed. `wait`: seconds that the service asks to
    wait. `stops_run`: the whole run must stop, ``always`` or only while it is ``unproven`` that the keys work. `date`:
    the service's time, in seconds since 1970. `limit`: how many requests it allows in how many seconds. `own`: the
    reply is from the service itself. `rate_limited`: it asks the whole run to slow down (429).
    """

    result: Result
    retryable: bool = False
    wait: float | None = None
    stops_run: Stops = "never"
    date: float | None = None
    limit: tuple[int, float] | None = None
    own: bool = False
    rate_limited: bool = False

    @property
    def ambiguous(self) -> bool:
        """Whether the file may be stored without a confirmation."""
        return self.result.status == "unknown"

    @property
    def cancelled(self) -> bool:
        """Whether nothing was sent, since the run was stopped."""
        return self.result.status == "cancelled"

    @property
    def overload(self) -> bool:
        """Whether it is a sign of too many concurrent requests."""
        return self.rate_limited or self.result.error in _OVERLOAD

    @property
    def silent(self) -> bool:
        """Whether the service was not reached: no reply, a reply of something else, or no token."""
        return not self.own and self.result.error in _SILENT


QUEUED = "The pre-transformation has been queued successfully."
"""The service's message with 202 [spec]."""

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
"""The service's exact messages [spec] → error codes."""

_FAMILIES = (
    # V1's message for a used token; V2's is not known [guess].
    (re.compile(r"The token with value .* has been used before", re.DOTALL), "token_invalid"),
    # Two more messages of this kind exist [spec], but their texts are not known.
    (re.compile(r"The file could not be uploaded because .*transformation"), "bad_transformation"),
)

_TOO_MANY_VERSIONS = re.compile(
    r"\b(100|maximum|limit|more than|too many|already has)\b.*\bversions\b"
    r"|\bversions?\b.*\b(maximum|limit|exceed(s|ed)?)\b",
    re.IGNORECASE,
)
"""A file has at most 100 versions [upload docs]; the message is not known [guess], so it proves nothing else."""

OF_THE_TOKEN = frozenset({"token_invalid", "token_expired"})
"""Codes of a rejected token; for one that was sent before, they do not tell whether that request was stored."""

_OVERLOAD = frozenset({"rate_limited", "server_error", "timed_out", "connection_lost", "connection_failed"})

_SILENT = frozenset({"server_error", "timed_out", "connection_lost", "connection_failed", "bad_reply", "signer_failed"})

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
_LONGEST_NAME = 40  # characters of a server's name
_LONGEST_MESSAGE = 500  # characters, since a reply can be a web page


def read_reply(
    status: int, headers: Mapping[str, str], body: bytes, own_answers: OwnAnswers = "known_or_request_id"
) -> UploadReply:
    """Return the outcome in a reply of the upload endpoint.

    Only JSON from the service itself counts. A reply of anything else (a gateway, a firewall, a proxy) does not tell
    anything about the file, with any status: the outcome is ``unknown``, since the file may be stored. `check_details`
    checks whether details are of the file that was sent.

    `headers` have lower-case names. `own_answers` says which JSON with a `message` is from the service itself: see
    `Policy`.
    """
    reply = _outcome(status, headers, body, own_answers)
    reply.result.request_id = headers.get("x-ik-requestid")
    named = _wait(status, headers) if reply.result.status in ("failed", "unknown") else None
    date, limit = _date(headers.get("date", "")), _limit(status, headers)
    return reply._replace(wait=named, date=date, limit=limit, rate_limited=status == SLOW_DOWN)


def _outcome(status: int, headers: Mapping[str, str], body: bytes, own_answers: OwnAnswers) -> UploadReply:
    answer = parse_json(body)
    message = answer.get("message") if isinstance(answer, dict) else None
    own = isinstance(message, str) and _own(message, headers, own_answers)
    if status == 200 and isinstance(answer, dict) and isinstance(answer.get("fileId"), str):  # noqa: PLR2004 - HTTP
        return UploadReply(details_of_reply(answer), own=True)
    if own and status >= 400:  # noqa: PLR2004 - HTTP
        return _refusal(status, headers, message)
    if own and status == 202:  # noqa: PLR2004 - HTTP
        return UploadReply(Result("accepted", message=str(message)), own=True)
    code = "server_error" if status >= 500 else "bad_reply"  # noqa: PLR2004 - HTTP
    return UploadReply(Result("unknown", code, _foreign(status, headers, body, answer)))


class ErrorReply(NamedTuple):
    """A reply of another endpoint: its `message`, the seconds that it asks to wait, and its time.

    `answer` is its JSON; None if it has none. `own`: it is from ImageKit itself; `retryable`: another request may
    succeed.
    """

    message: str | None
    wait: float | None
    date: float | None
    own: bool
    retryable: bool
    answer: Any = None


def read_error(
    status: int, headers: Mapping[str, str], body: bytes, own_answers: OwnAnswers = "known_or_request_id"
) -> ErrorReply:
    """Return the error in a reply of the media API or an authentication endpoint."""
    answer = parse_json(body)
    message = answer.get("message") if isinstance(answer, dict) else None
    message = _words(message, "") or None
    busy = message is not None and _known(message) == "busy"
    own = (status < _REDIRECT and answer is not None) or (message is not None and _own(message, headers, own_answers))
    date, retryable = _date(headers.get("date", "")), status == SLOW_DOWN or busy
    return ErrorReply(message, _wait(status, headers), date, own, retryable, answer)


def _own(message: str, headers: Mapping[str, str], own_answers: OwnAnswers) -> bool:
    """Whether a reply with this message is from the service itself."""
    if message == QUEUED or _known(message) is not None or own_answers == "any_json":
        return True
    return own_answers == "known_or_request_id" and "x-ik-requestid" in headers


def _foreign(status: int, headers: Mapping[str, str], body: bytes, answer: object) -> str:
    """Return a description of a reply that is not from the service."""
    kind = "no body" if not body.strip() else "other JSON" if answer is not None else "text that is not JSON"
    if b"<html" in body[:1000].lower():
        kind = "a web page"
    server = "".join(char for char in headers.get("server", "") if char.isprintable())[:_LONGEST_NAME]
    return f"The reply ({status} with {kind}) is not from ImageKit{f' (server: {server})' if server else ''}."


def _refusal(status: int, headers: Mapping[str, str], message: object) -> UploadReply:
    """Return the outcome of a 4xx or 5xx from the service."""
    words = _words(message, f"The service answered {status}.")
    if status >= 500:  # noqa: PLR2004 - HTTP
        return UploadReply(Result("unknown", "server_error", words), own=True)
    code = _code(status, message)
    result = Result("failed", code, words)
    stops: Stops = _STOPS.get(code, "always" if status in (401, 403) else "never")
    # If a new token has expired on arrival, the clock here is wrong; the reply tells by how much.
    return UploadReply(
        result, code in ("busy", "rate_limited", "token_expired"), _wait(status, headers), stops, own=True
    )


def _code(status: int, message: object) -> str:
    code = _known(message) if isinstance(message, str) else None
    if code is None and status == _BAD_REQUEST and isinstance(message, str) and _TOO_MANY_VERSIONS.search(message):
        return "too_many_versions"
    return code or {401: "key_missing", 403: "account_refused", 413: "file_too_large", 429: "rate_limited"}.get(
        status, "refused"
    )


def _known(message: str) -> str | None:
    """Return the code of a message that is documented or recorded."""
    families = (code for pattern, code in _FAMILIES if pattern.search(message))
    return MESSAGES.get(message) or next(families, None)


def _wait(status: int, headers: Mapping[str, str]) -> float | None:
    """Return the time to wait that a reply asks for, in seconds.

    `X-RateLimit-Reset` is in milliseconds [docs]; `Retry-After`, which a proxy may send, in seconds or a date (HTTP).
    """
    reset, after = headers.get("x-ratelimit-reset", ""), headers.get("retry-after", "")
    if status == SLOW_DOWN and _NUMBER.fullmatch(reset):
        return int(reset) / 1000
    if _NUMBER.fullmatch(after):
        return float(after)
    then, now = _date(after), _date(headers.get("date", ""))
    return max(then - now, 0.0) if then is not None and now is not None else None


def _limit(status: int, headers: Mapping[str, str]) -> tuple[int, float] | None:
    """Return how many requests the service allows in how many seconds [docs]."""
    limit, interval = headers.get("x-ratelimit-limit", ""), headers.get("x-ratelimit-interval", "")
    if status != SLOW_DOWN or not _NUMBER.fullmatch(limit) or not _NUMBER.fullmatch(interval):
        return None
    return (int(limit), int(interval) / 1000) if int(limit) and int(interval) else None


@lru_cache(maxsize=64)  # replies within one second have the same date
def _date(text: str) -> float | None:
    """Return an HTTP date in seconds since 1970."""
    try:
        return parsedate_to_datetime(text).timestamp()
    except (ValueError, OverflowError):
        return None


def _words(message: object, otherwise: str) -> str:
    """Return the service's message, shortened, on one line, without the token that V1 repeats in it."""
    if not isinstance(message, str) or not message:
        return otherwise
    return one_line(_JWT.sub("***", message)[:_LONGEST_MESSAGE])


def parse_json(body: bytes) -> Any:
    """Return the value of JSON text; None if it is not valid."""
    try:
        answer = json.loads(body)
        # JSON can escape half a character, which tables and files cannot store.
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
_OURS = {"status", "error", "message", "attempts", "seconds", "request_id", "warnings", "extra"}
SERVED = {name: _TYPES[kind] for name, kind in KINDS.items() if name not in _OURS}
"""Fields of a file's details by our names, with the types of their values."""


def details_of_reply(answer: Mapping[str, Any], status: str = "uploaded") -> Result:
    """Return a file's details, from an upload's reply or from the media API.

    Fields that are unknown or have an unexpected type are kept in `extra` under their own names.
    """
    result = Result(status)
    extra = {}
    for wire, value in answer.items():
        if wire == "versionInfo" and isinstance(value, dict):
            fit = [_taken(result, f"version_{key}", part) for key, part in value.items()]
            if all(fit):
                continue
        elif _taken(result, _ours(wire), value):
            continue
        extra[wire] = value
    result.extra = extra or None
    return result


def _taken(result: Result, name: str, value: Any) -> bool:
    """Set a field, and return whether there is one of this name and type; no table has larger integers than 64 bits."""
    kind = type(value)  # `isinstance` would take True for a number
    fits = kind in _FITTING.get(name, ()) and (kind is not int or -_INTEGERS <= value < _INTEGERS)
    if fits:
        setattr(result, name, value)
    return fits


_FITTING = {name: (*types, NoneType) for name, types in SERVED.items()}


@lru_cache(maxsize=1024)
def _ours(wire: str) -> str:
    return _NAMES.get(wire) or re.sub(r"(?<=[a-z])(?=[A-Z])", "_", wire).lower()


# Details of the sent file, or of another


def check_details(result: Result, path: str, size: int | None, *, unique: bool = False) -> Result:
    """Check that the details in a reply are those of the file that was sent.

    Return the same result, with a warning if the name differs only in replaced characters or Unicode form; or
    ``unknown``. `path` is the expected library path of the file, `size` its size in bytes, None if it is not known.
    `unique` says whether the service adds a suffix to the name.
    """
    stored = result.file_path or ""
    if stored == path or (unique and _with_suffix(comparable_path(stored), comparable_path(path))):
        return result
    if comparable_path(stored) == comparable_path(path) and (size is None or result.size in (None, size)):
        result.warn(f"ImageKit stored the file as {stored}, not as {path}.")
        return result
    words = f"The reply is about another file, {_words(stored, 'one without a path')}, not about {path}."
    return Result("unknown", "bad_reply", words, request_id=result.request_id)


def comparable_path(path: str) -> str:
    """Return a library path for comparisons, with replaced characters and in one Unicode form."""
    *folders, name = unicodedata.normalize("NFKC", path).split("/")
    return "/".join([*(stored_name(folder).replace(".", "_") for folder in folders), stored_name(name)])


def _with_suffix(stored: str, path: str) -> bool:
    """Whether the service can have made one path of the other by adding a suffix to the name."""
    folder, _, name = path.rpartition("/")
    there, _, made = stored.rpartition("/")
    start, dot, ending = name.rpartition(".")
    before_ending = bool(start) and made.startswith(start) and made.endswith(dot + ending)
    return there == folder and (before_ending or made.startswith(name))
