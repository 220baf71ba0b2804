"""Remove secrets from text that is logged or shown: keys, tokens, passwords, and the query strings of URLs.

A URL that opens a private file, or that a bucket presigned, is a secret by its query string, whatever the names in it
are. So no query string is logged at all.
"""

from __future__ import annotations

import dataclasses
import re
from base64 import b64encode
from typing import Any
from urllib.parse import quote
from weakref import WeakKeyDictionary

MASK = "***"
_SHORTEST = 8  # characters of a secret that is searched for: shorter ones are parts of words

_NAMED = (
    r"token|signature|secret|password|passwd|passphrase|credential|api[_-]?key|access[_-]?key|private[_-]?key|cookie"
    r"|authorization|\bsig\b|\bpwd\b"
)
_HEADERS = r"(?:set-cookie|cookie|(?:proxy-)?authorization|x-api-key)"
_AFTER_NAME = r"(?:\s{0,2}=\s{0,2}b?[\"']?|[\"']\s{0,2}[:,]\s{0,2}b?[\"'])"  # as in forms, JSON and Python
_URL = re.compile(r"([A-Za-z][A-Za-z0-9+.-]{0,30}://)([^\s]+)")
_ADDRESS = re.compile(r"([A-Za-z][A-Za-z0-9+.-]{1,30}:/{1,3})([^\s]+)")  # also with a slash too few; not of a drive
_LOGIN = re.compile(r"(?<![\w/.+%:-])[\w.+%-]{1,64}:[^\s/@:\"']{1,256}@(?=[\w\[])")  # of a URL without its scheme
_QUERY = re.compile(r"\?[^\s?]*=\S*")
_RULES = (
    (re.compile(rf"(?i)((?:{_NAMED})[\w-]{{0,30}}{_AFTER_NAME})(?!…|None\b|\*)[^\s\"'&,;)…]+"), rf"\1{MASK}"),
    (
        re.compile(r"(?i)(\b(?:set-cookie|cookie|(?:proxy-)?authorization|x-api-key)\s{0,2}:\s{0,2})[^\n�\"']+"),
        rf"\1{MASK}",
    ),
    (re.compile(r"\b((?i:basic|bearer))\s(?=\S*[\d=A-Z])[\w+/=.~-]{8,}"), rf"\1 {MASK}"),
    (re.compile(r"eyJ[\w-]{8,}(?:\.[\w-]*){0,2}"), MASK),  # a JSON Web Token
    (re.compile(r"(?<![A-Za-z_])private_(?!key\b)[\w+/=.-]{6,}"), f"private_{MASK}"),
    (re.compile(r"cHJpdmF0ZV[\w+/=-]+"), MASK),  # a private key in basic authentication
    (re.compile(r"whsec_[\w+/=-]+"), f"whsec_{MASK}"),
)
_END = "\"'`),.;:]}>…"  # what can follow a URL in a sentence

_KNOWN: WeakKeyDictionary[str, tuple[str, ...]] = WeakKeyDictionary()


def conceal(secret: str) -> None:
    """Remove this secret from everything that is logged, as long as the object exists."""
    texts = {str(secret), *(part.partition("=")[2] or part for part in re.split(r"[;\s]+", str(secret)))}
    forms = {form for text in texts if len(text) >= _SHORTEST for form in _forms(text)}
    _KNOWN[secret] = tuple(sorted(forms, key=len, reverse=True))


def _forms(secret: str) -> tuple[str, ...]:
    """Return a secret as it can be in a text: as it is, in a URL, in basic authentication."""
    return (
        secret,
        quote(secret, safe=""),
        b64encode(f"{secret}:".encode()).decode()[:-4],  # whose end depends on what follows
        b64encode(secret.encode()).decode().rstrip("="),
    )


def scrubbed(text: str) -> str:
    """Return text without secrets."""
    for forms in list(_KNOWN.values()):
        for form in forms:
            if form in text:
                text = text.replace(form, MASK)
    if "://" in text:
        text = _URL.sub(_without_secrets, text)
    if "?" in text:
        text = _QUERY.sub(lambda query: f"?{MASK}{_punctuation(query[0])}", text)
    for pattern, replacement in _RULES:
        text = pattern.sub(replacement, text)
    return text


def without_credentials(text: str) -> str:
    """Return text without the users, passwords and query strings of the URLs in it."""
    if ":" not in text:
        return text
    if ":/" in text:
        text = _ADDRESS.sub(_without_login, text)
    return _LOGIN.sub(f"{MASK}@", text) if "@" in text else text


def scrubbed_repr(value: Any) -> str:
    """Return the ``repr`` of a dataclass without secrets: addresses among its fields can have passwords."""
    fields = ", ".join(f"{field.name}={getattr(value, field.name)!r}" for field in dataclasses.fields(value))
    return scrubbed(f"{type(value).__name__}({fields})")


def _punctuation(text: str) -> str:
    return text[len(text.rstrip(_END)) :]


def _without_login(url: re.Match[str]) -> str:
    """Return a URL without user, password and query string."""
    scheme, rest = url.groups()
    end = _punctuation(rest)
    place, mark, query = rest.removesuffix(end).partition("?")
    return f"{scheme}{_without_user(place) if '@' in place else place}{mark}{query and MASK}{end}"


def _without_secrets(url: re.Match[str]) -> str:
    """Return a URL without user, password, query string and fragment."""
    scheme, rest = url.groups()
    end = _punctuation(rest)
    place, mark, _ = rest.removesuffix(end).partition("?")
    if not mark:
        place, mark, _ = place.partition("#")
    return f"{scheme}{_without_user(place)}{mark}{mark and MASK}{end}"


def _without_user(place: str) -> str:
    """Return host and path of a URL without a user, whose password may be cut or contain any character."""
    host, slash, path = place.partition("/")
    _, colon, port = host.rpartition(":")
    is_port = not colon or port.isdigit() or host.endswith("]")
    if "@" in host or (not is_port and "@" in path):
        return f"{MASK}@{place.rpartition('@')[2] if not is_port else host.rpartition('@')[2] + slash + path}"
    return place if is_port else f"{MASK}{slash}{path}"
