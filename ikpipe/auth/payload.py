"""A request's body → what is to be signed, or why it is malformed. Pure.

What is signed is the text that was sent, so each text must be the one way to write its value: what the service might
read otherwise than this module is refused.
"""

from __future__ import annotations

import json
import re
from typing import Any, NamedTuple

from ikpipe.auth.refusal import malformed
from ikpipe.errors import InvalidValue, short_repr
from ikpipe.request.names import strict_folder
from ikpipe.request.parameters import BY_WIRE, encode
from ikpipe.request.token import LONGEST

LARGEST = 65_536  # bytes of a body
LONGEST_NAME = 255  # characters (guess: what file systems take)
KEYS = ("uploadPayload", "expire", "publicKey")

_WRITTEN_ONE_WAY = frozenset(
    {
        *("useUniqueFileName", "isPrivateFile", "isPublished", "overwriteFile", "overwriteAITags", "overwriteTags"),
        *("overwriteCustomMetadata", "tags", "customCoordinates", "responseFields"),
        "webhookUrl",  # of ``https://a\\@b/`` some parsers read that the host is a, and some that it is b
    }
)
_NO_NAME = re.compile(r"[/\\\x00-\x1f\x7f]")


class SigningPayload(NamedTuple):
    """What is to be signed, for how long, and for whose account."""

    fields: dict[str, str]
    expire: int
    public_key: str


def read(body: bytes) -> SigningPayload:
    """Read a body: the seed's `uploadPayload`, `expire` and `publicKey`, and nothing else.

    Raises
    ------
    Refused
        It is anything else; the message says what, and repeats little of it.
    """
    found = _json(body)
    if not isinstance(found, dict):
        raise malformed("The body is no JSON object.")
    for name in found:
        if name not in KEYS:
            raise malformed(f"There is no {short_repr(name)} in a request; it has {', '.join(KEYS)}.")
    if isinstance(found.get("expire"), float) and found["expire"].is_integer():
        found["expire"] = int(found["expire"])  # 400.0 is an integer of JSON
    for name, kind in zip(KEYS, (dict, int, str), strict=True):
        if name not in found:
            raise malformed(f"The request lacks {name}.")
        if type(found[name]) is not kind:  # True is an int to `isinstance`
            raise malformed(f"{name} is of the wrong type.")
    if not 0 < found["expire"] <= LONGEST:
        raise malformed(f"expire must be 1 to {LONGEST} seconds.")
    return SigningPayload(_fields(found["uploadPayload"]), found["expire"], found["publicKey"])


def _json(body: bytes) -> Any:
    try:
        return json.loads(body.decode(), object_pairs_hook=_unique, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        twice = isinstance(error, _Twice)
        raise malformed(str(error) if twice else "The body is no JSON in UTF-8.") from None


class _Twice(ValueError):  # noqa: N818 - it never leaves this module
    """A key is there twice: who reads the first value and who reads the last would see different requests."""


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise _Twice(f"The key {short_repr(name)} is there twice.")
        found[name] = value
    return found


def _no_constant(name: str) -> None:
    raise ValueError(name)


def _fields(payload: dict[str, Any]) -> dict[str, str]:
    for name, text in payload.items():
        if name not in BY_WIRE or name == "file":
            raise malformed(f"{short_repr(name)} is no upload parameter that is signed.")
        if not isinstance(text, str):
            raise malformed(f"{name} is no text: each value is signed as it is sent.")
        _check(name, text)
    name = payload.get("fileName", "")
    if not name or len(name) > LONGEST_NAME or _NO_NAME.search(name) or not name.strip(". "):
        raise malformed(f"The fileName is missing, longer than {LONGEST_NAME} characters, or no name.")
    return dict(payload)


def _check(name: str, text: str) -> None:
    try:
        written = encode(BY_WIRE[name], text)
        if name == "folder":
            strict_folder(text)
    except InvalidValue as bad:
        raise malformed(f"{bad.message}; {bad.fix}.") from None
    if name in _WRITTEN_ONE_WAY and written != text:
        raise malformed(f"{name} must be written as {short_repr(written)}.")
