"""Parse and check the body of a signing request. Pure.

The text of each value is signed as it was sent. So each value must be in its canonical form: text that the service
might read in another way than this module is rejected.
"""

import json
import re
from typing import Any, NamedTuple

from ikpipe.auth.refusal import malformed
from ikpipe.errors import InvalidValue, short_repr
from ikpipe.request.names import strict_folder
from ikpipe.request.parameters import BY_WIRE, encode
from ikpipe.request.token import LONGEST

LARGEST = 65_536  # bytes of a body
LONGEST_NAME = 255  # characters [guess: the limit of file systems]
KEYS = ("uploadPayload", "expire", "publicKey")

_CANONICAL = frozenset(
    {
        *("useUniqueFileName", "isPrivateFile", "isPublished", "overwriteFile", "overwriteAITags", "overwriteTags"),
        *("overwriteCustomMetadata", "tags", "customCoordinates", "responseFields"),
        "webhookUrl",  # parsers disagree whether the host of ``https://a\\@b/`` is a or b
    }
)
_INVALID_IN_NAME = re.compile(r"[/\\\x00-\x1f\x7f]")


class SigningPayload(NamedTuple):
    """The fields to sign, the lifetime in seconds, and the account's public key."""

    fields: dict[str, str]
    expire: int
    public_key: str


def read(body: bytes) -> SigningPayload:
    """Parse a body: `uploadPayload`, `expire` and `publicKey` [upload docs], and nothing else.

    Raise `RefusedError` if the body is invalid; the message says why and quotes little of it.
    """
    content = _json(body)
    if not isinstance(content, dict):
        raise malformed("The body is not a JSON object.")
    for name in content:
        if name not in KEYS:
            raise malformed(f"Unknown key {short_repr(name)}. A request has the keys {', '.join(KEYS)}.")
    if isinstance(content.get("expire"), float) and content["expire"].is_integer():
        content["expire"] = int(content["expire"])  # 400.0 is an integer in JSON
    for name, kind in zip(KEYS, (dict, int, str), strict=True):
        if name not in content:
            raise malformed(f"The request has no {name}.")
        if type(content[name]) is not kind:  # `isinstance` accepts True as an int
            raise malformed(f"{name} has the wrong type.")
    if not 0 < content["expire"] <= LONGEST:
        raise malformed(f"expire must be 1 to {LONGEST} seconds.")
    return SigningPayload(_fields(content["uploadPayload"]), content["expire"], content["publicKey"])


def _json(body: bytes) -> Any:
    try:
        return json.loads(body.decode(), object_pairs_hook=_unique, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        duplicate = isinstance(error, _DuplicateKey)
        raise malformed(str(error) if duplicate else "The body is not valid JSON in UTF-8.") from None


class _DuplicateKey(ValueError):  # noqa: N818 - never leaves this module
    """A key occurs twice; parsers differ in which value they read."""


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content: dict[str, Any] = {}
    for name, value in pairs:
        if name in content:
            raise _DuplicateKey(f"The key {short_repr(name)} occurs twice.")
        content[name] = value
    return content


def _no_constant(name: str) -> None:
    raise ValueError(name)


def _fields(payload: dict[str, Any]) -> dict[str, str]:
    for name, text in payload.items():
        if name not in BY_WIRE or name == "file":
            raise malformed(f"{short_repr(name)} is not an upload parameter that can be signed.")
        if not isinstance(text, str):
            raise malformed(f"{name} must be text, because each value is signed as it is sent.")
        _check(name, text)
    if not _is_valid_name(payload.get("fileName", "")):
        raise malformed(f"The fileName is missing, longer than {LONGEST_NAME} characters, or not a valid name.")
    return dict(payload)


def _is_valid_name(name: str) -> bool:
    return 0 < len(name) <= LONGEST_NAME and not _INVALID_IN_NAME.search(name) and bool(name.strip(". "))


def _check(name: str, text: str) -> None:
    try:
        canonical = encode(BY_WIRE[name], text)
        if name == "folder":
            strict_folder(text)
    except InvalidValue as invalid:
        raise malformed(invalid.text) from None
    if name in _CANONICAL and canonical != text:
        raise malformed(f"{name} must be written as {short_repr(canonical)}.")
