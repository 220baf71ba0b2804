"""Secrets (keys, tokens, cookies) as text that is never shown, and checks of an account's settings.

Some tools show the variables of each frame of a traceback. So functions that raise have secrets only as `Secret`, and
functions that read the text of a secret do not raise.
"""

import logging
import os
import re
import shlex
import unicodedata
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, NoReturn, Self
from urllib.parse import urlsplit

import idna

from ikpipe.errors import AccountError
from ikpipe.errors.scrubbing import MASK, conceal

KEYS = ("public_key", "private_key")
_COPY = "Copy the key from the dashboard, Developer options, API keys."

_log = logging.getLogger("ikpipe.request")

# Around a setting: white space, invisible characters, and a byte order mark, also a wrongly decoded one.
_EDGE = r"(?:[\s\ufeff\u200b-\u200f\u2060]|ï»¿|\udcef\udcbb\udcbf)+"
_EDGES = re.compile(rf"^{_EDGE}|{_EDGE}$")
_QUOTES = {'"': '"', "'": "'", "`": "`", "“": "”", "„": "“", "‘": "’", "«": "»"}  # noqa: RUF001 - of word processors
_A_KEY = re.compile(r"private_[\w+/=.-]+")
_A_KEY_IN_TEXT = re.compile(r"(?<!\w)private_(?=[\w+/=.-]*[A-Z\d+/=])[\w+/=.-]+")  # not a name such as private_file
_A_URL = re.compile(
    r"""(?<![a-z0-9+.-])([a-z][a-z0-9+.-]*:/+)  # the scheme
    (?:[^\s/?#"'<>]*@)?          # user and password
    ([^\s?#"'<>]*)              # the rest
    ([?#][^\s"'<>]*?)?          # query and fragment, without the sentence's own punctuation
    (?=[.,;:!)\]}]*(?:[\s"'<>]|$))""",
    re.VERBOSE | re.IGNORECASE,
)


class Secret(str):
    """Text that is never shown: its ``repr`` is ``'***'``."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"'{MASK}'"


class SealedHeaders(Secret):
    """A secret that cannot be pickled, so that it stays in its process."""

    __slots__ = ("__weakref__",)

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, _memo: object) -> Self:
        return self

    def __reduce_ex__(self, _protocol: object) -> NoReturn:
        raise TypeError(
            "A private key, header or webhook secret cannot be pickled. Pickle the Account instead: where it is "
            "unpickled, it takes its key from IMAGEKIT_PRIVATE_KEY or a profile."
        )


def seal(value: Any) -> Any:
    """Return text as `SealedHeaders`, and the type of any other value; None stays None."""
    if value is None or isinstance(value, type | SealedHeaders):
        return value
    return SealedHeaders(value) if isinstance(value, str) else type(value)


def masked(text: str) -> str:
    """Return text with private keys masked."""
    return _A_KEY.sub(f"private_{MASK}", text)


def without_secrets(text: str) -> str:
    """Return text with private keys masked, and the queries, users and passwords of URLs in it.

    The query of a presigned URL lets everybody read the file.
    """
    text = _A_URL.sub(lambda url: f"{url[1]}{url[2]}{f'?{MASK}' if url[3] else ''}", text)
    return _A_KEY_IN_TEXT.sub(f"private_{MASK}", text)


def clean_setting(setting: str, name: str) -> SealedHeaders:
    """Return a setting without line ends, spaces, quotes and byte order marks around it; log what was removed.

    `setting` is the text as it was set. `name` is the variable, or the setting of a profile, for the log.
    """
    text, removed = str(setting), list[str]()
    while True:
        inner = _EDGES.sub("", text)
        if inner != text:
            removed += _kinds(text.replace(inner, "", 1) if inner else text)
        text = inner
        if len(text) < 2 or _QUOTES.get(text[0]) != text[-1]:  # noqa: PLR2004 - a pair
            break
        removed.append("quotes")
        text = text[1:-1]
    if removed:
        what = " and ".join(dict.fromkeys(removed))
        _log.warning("%s has %s around its value, which ikpipe ignores. Set the value without them.", name, what)
    return SealedHeaders(text)


def _kinds(edges: str) -> list[str]:
    """Return the names of the kinds of characters around a text."""
    kinds = {"a line end": "\r\n\x0b\x0c\x85\u2028\u2029", "spaces": " \t\xa0", "a byte order mark": "\ufeffï\udcef"}
    present = [kind for kind, characters in kinds.items() if any(one in edges for one in characters)]
    return present or ["invisible characters"]


def _fault_of_key(key: str) -> str | None:
    """Return what is wrong with the text of a key, without showing it; None if nothing is."""
    odd = next(((at, one) for at, one in enumerate(key, 1) if not "!" <= one <= "~" or one in "\"'`"), None)
    if MASK in key or "•" in key:
        return "is masked: reveal the key in the dashboard before you copy it"
    if odd is not None:
        called = unicodedata.name(odd[1], "").lower() or f"U+{ord(odd[1]):04X}"
        return f"has a character that cannot be part of a key ({called}, character {odd[0]} of {len(key)})"
    if key.upper().startswith("IMAGEKIT_"):
        return "starts with the name of a variable: set only the text after the equals sign"
    return None


# Keys and headers


def sealed_headers(headers: Any) -> Any:
    """Return headers whose values are never shown, as `seal` does it."""
    if headers is None:
        return None
    try:
        return {str(name): seal(value) for name, value in dict(headers).items()}
    except (TypeError, ValueError):
        return type(headers)


def checked_headers(headers: Any) -> Mapping[str, SealedHeaders] | None:
    """Return headers that can be sent.

    Raise `AccountError` if they are not a mapping, or a value is not printable ASCII text.
    """
    if isinstance(headers, type):
        raise AccountError(f"The headers must be a mapping of names to text, not a {headers.__name__}.")
    checked = {}
    for name, value in (headers or {}).items():
        text = clean_setting(value, f"The header {name!r}") if isinstance(value, str) else None
        if text is None or not (name + text).isascii() or not (name + text).isprintable():
            raise AccountError(f"The value of the header {masked(name)!r} must be text of printable ASCII characters.")
        conceal(text)
        checked[name] = text
    return MappingProxyType(checked) if checked else None


def checked_keys(
    public: Any, private: Any, names: Mapping[str, str] | None = None
) -> tuple[SealedHeaders, SealedHeaders | None]:
    """Return both keys, cleaned.

    `public` and `private` are the keys, as `seal` returns them. `names` are the names of the settings for messages;
    None: the Python names. Raise `AccountError` if a key is empty, is not a key, or is the other key.
    """
    called = names or dict(zip(KEYS, KEYS, strict=True))
    public, private = _cleaned(public, called["public_key"]), _cleaned(private, called["private_key"])
    if not public:
        raise AccountError("The public key is empty.", fix=_COPY)
    if private == "":
        raise AccountError("The private key is empty.", fix="Leave it out if an authentication endpoint signs.")
    if not isinstance(public, type) and public.startswith("private_"):
        # It would be sent in every token's header.
        words = f"The public key starts with 'private_': the two keys are swapped ({called['public_key']})."
        raise AccountError(words)
    if isinstance(private, str) and private.startswith("public_"):
        words = f"The private key starts with 'public_': {called['private_key']} has a public key."
        raise AccountError(words, fix=_COPY)
    checked = checked_key(public, called["public_key"])
    return checked, None if private is None else checked_key(private, called["private_key"])


def _cleaned(key: Any, name: str) -> Any:
    return key if key is None or isinstance(key, type) else clean_setting(key, name)


def checked_key(key: Any, name: str) -> SealedHeaders:
    """Return a key; raise `AccountError` if it is not text, is masked, or has characters that are not part of a key."""
    fault = f"is a {key.__name__}, not text" if isinstance(key, type) else _fault_of_key(key)
    if fault is not None:
        raise AccountError(f"{name} {fault}.", fix=_COPY)
    checked = SealedHeaders(key)
    conceal(checked)  # whatever it looks like; the account keeps the object only of a private key
    return checked


# Addresses


def checked_address(name: str, address: Any) -> str | None:
    """Return a URL, which `seal` returned, without the slash at its end.

    Raise `AccountError` if it is not a valid http(s) URL.
    """
    if address is None:
        return None
    if isinstance(address, type) or not _is_web(address):
        shown = f"a {address.__name__}" if isinstance(address, type) else shown_setting(str(address))
        raise AccountError(f"{name} is {shown}, which is not a valid http(s) URL.")
    return str(address).rstrip("/")


def _is_web(address: str) -> bool:
    try:
        parts = urlsplit(str(address))
        if parts.netloc.lower().startswith("xn--"):
            idna.decode(str(parts.hostname))  # as httpx does
        is_text = address.isprintable() and " " not in address
        return is_text and parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port that is not a number, a bracket that is not closed, an invalid host
        return False


def shown_setting(value: object) -> str:
    """Return the ``repr`` of a setting, without the secrets that a URL can have."""
    if not isinstance(value, str) or isinstance(value, Secret):
        return repr(value)
    scheme, separator, rest = value.partition("://")
    host, at, place = rest.partition("@")
    if at and "/" not in host:
        rest = f"{MASK}@{place}"
    path, query, _ = rest.partition("?")
    return repr(masked(f"{scheme}{separator}{path}{query}{query and MASK}"))


# Files

_WARNED: set[str] = set()


def warn_if_readable(path: Path, content: str) -> None:
    """Log a warning, once for each file, if other users may read a file with secrets.

    `content` names the secrets in it, for the message.
    """
    try:
        mode = path.stat().st_mode
    except OSError:
        return
    if os.name == "posix" and mode & 0o077 and str(path) not in _WARNED:
        _WARNED.add(str(path))
        command = f"chmod 600 {shlex.quote(str(path))}"
        _log.warning("%s contains %s and is accessible to other users. Run: %s", path, content, command)
