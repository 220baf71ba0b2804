"""`verify`: check the signature, age and replay of a webhook. Pure but for the clock.

There are two signature schemes: ``webhook-id``, ``webhook-timestamp`` and ``webhook-signature: v1,<base64>``, the
HMAC-SHA256 of ``id.timestamp.body`` [sdk]; and the older ``x-ik-signature: t=<ms>,v1=<hex>``, that of ``t.body``
[docs]. The key is the complete secret, including ``whsec_`` [sdk]. Signatures are compared in encoded form, because
base64 has several encodings of the same bytes.
"""

import base64
import hashlib
import hmac
import re
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from ikpipe.errors import MappingError, WebhookError
from ikpipe.request.secrets import SealedHeaders
from ikpipe.webhooks.events import Event, parse

TOLERANCE = 300.0  # seconds [sdk]
REPLAY_PERIOD = 86_400.0  # seconds in which the service may send a webhook again [docs]

Headers = Mapping[str, str] | Iterable[tuple[str | bytes, str | bytes]]

_NEW = ("webhook-id", "webhook-timestamp", "webhook-signature")
_OLD = "x-ik-signature"
_OLD_FORM = re.compile(r"t=([0-9]{1,15}),v1=([0-9a-f]{64})")
_SECONDS = re.compile(r"[0-9]{1,12}")


class SeenEvents:
    """The ids of received webhooks, in memory, for as long as the service may send one again.

    Parameters
    ----------
    most
        The maximum number of ids; the oldest are removed first.
    """

    def __init__(self, most: int = 100_000) -> None:
        self._most, self._ids, self._lock = most, dict[str, float](), threading.Lock()

    def before(self, webhook: str, now: float) -> bool:
        """Add a webhook's id and return whether it was received before."""
        with self._lock:
            while self._ids and self._ids[self._oldest()] < now - REPLAY_PERIOD:
                del self._ids[self._oldest()]
            seen = webhook in self._ids
            self._ids.setdefault(webhook, now)
            while len(self._ids) > self._most:
                del self._ids[self._oldest()]
        return seen

    def _oldest(self) -> str:
        return next(iter(self._ids))


class _SignatureHeaders(NamedTuple):
    """A webhook's signature headers: what is signed before the body, signatures, time (s since 1970), id, encoding."""

    prefix: str
    signatures: list[str]
    time: float
    id: str | None
    encode: Callable[[bytes], str]


def verify(
    body: bytes | str,
    headers: Headers,
    secret: str | Sequence[str],
    *,
    tolerance: float = TOLERANCE,
    seen: SeenEvents | None = None,
    unsigned: bool = False,
    now: float | None = None,
) -> Event:
    """Verify a webhook and return its event.

    Parameters
    ----------
    body
        The request's body, unchanged: JSON that is parsed and written again does not match the signature.
    headers
        The request's headers, in upper or lower case.
    secret
        The webhook's secret from the dashboard, ``whsec_…``; or several during a rotation.
    tolerance
        The maximum age of the signature, and how far it may be ahead of this clock, in seconds.
    seen
        Remembers webhooks; one that was received before is reported as ``event.replayed``.
    unsigned
        Whether to accept the result of an extension without a signature, because the service, as far as is known, does
        not sign it [spec]. ``event.signed`` is then False, and anybody who knows the address can have sent it.
    now
        The present time, in seconds since 1970; None uses the clock.

    Returns
    -------
    Event
        An instance of the class of its type.

    Raises
    ------
    WebhookError
        The signature is missing, invalid or too old, or the body is not an event.
    """
    secret = seal(secret)  # first, so that a traceback with this frame's variables shows none
    now = time.time() if now is None else now
    signature = _read_signature(_signature_headers(headers))
    if signature is None:
        return _unsigned(body, allowed=unsigned)
    raw = body.encode("utf-8", "surrogatepass") if isinstance(body, str) else body
    check_secrets(secret)
    if not any(_matches(signature, raw, key) for key in secret):
        raise WebhookError(
            "The webhook's signature does not match its body and the secret. Verify the unchanged body with the "
            "dashboard's secret; otherwise it was not sent by ImageKit."
        )
    if not abs(now - signature.time) <= tolerance:
        raise WebhookError(
            f"The webhook was signed {now - signature.time:,.0f} s ago, and {tolerance:.0f} s are allowed. Check this "
            "machine's clock, or set tolerance=; otherwise somebody has sent it again."
        )
    event = parse(raw, signed=True)
    return replace(event, replayed=seen is not None and _is_replay(seen, [signature.id, event.id], raw, now))


def _is_replay(seen: SeenEvents, ids: Sequence[str | None], body: bytes, now: float) -> bool:
    """Add a webhook by all of its ids and return whether it was received before.

    It may be sent again with the other scheme, which only has the event's id and signs each attempt anew. A webhook
    without any id is identified by its body.
    """
    replays = [seen.before(each, now) for each in dict.fromkeys(ids) if each]
    if ids[-1] is None:
        same_body = seen.before(hashlib.sha256(body).hexdigest(), now)
        replays = replays or [same_body]
    return any(replays)


def seal(secret: str | Sequence[str]) -> list[SealedHeaders]:
    """Return the secrets as text whose `repr` does not show it."""
    return [SealedHeaders(each) for each in ([secret] if isinstance(secret, str) else secret)]


def check_secrets(secrets: Sequence[SealedHeaders]) -> None:
    """Raise unless there are secrets and none is empty."""
    if not secrets or not all(secrets):
        raise MappingError(
            "The webhook's secret is empty. Copy it from the dashboard under Developer options, Webhooks."
        )


def _signature_headers(headers: Headers) -> dict[str, str]:
    """Return the signature headers by lower-case name; reject duplicates, which are ambiguous."""
    pairs = headers.items() if isinstance(headers, Mapping) else headers
    values: dict[str, str] = {}
    for pair in pairs:
        name, value = map(_text, pair)
        if name.lower() in values:
            raise WebhookError(f"The request has the header {name.lower()!r} twice.")
        if name.lower() in (*_NEW, _OLD):
            values[name.lower()] = value
    return values


def _text(value: str | bytes) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else value


def _read_signature(headers: Mapping[str, str]) -> _SignatureHeaders | None:
    if any(name in headers for name in _NEW):
        webhook, stamp, signatures = (headers.get(name, "") for name in _NEW)
        if not (webhook and signatures and _SECONDS.fullmatch(stamp)):
            raise WebhookError(f"The webhook's headers {', '.join(_NEW)} are incomplete or invalid.")
        versions = [each.removeprefix("v1,") for each in signatures.split(" ") if each.startswith("v1,")]
        return _SignatureHeaders(f"{webhook}.{stamp}.", versions, float(stamp), webhook, _base64)
    if _OLD in headers:
        parts = _OLD_FORM.fullmatch(headers[_OLD])
        if parts is None:
            raise WebhookError(f"The header {_OLD!r} does not have the form t=<milliseconds>,v1=<hex>.")
        return _SignatureHeaders(f"{parts[1]}.", [parts[2]], int(parts[1]) / 1000, None, bytes.hex)
    return None


def _base64(mac: bytes) -> str:
    return base64.b64encode(mac).decode()


def _matches(signature: _SignatureHeaders, body: bytes, key: SealedHeaders) -> bool:
    """Whether a signature is valid for this key, in constant time; the number of signatures is not secret."""
    signed = signature.prefix.encode("utf-8", "surrogatepass") + body
    expected = signature.encode(hmac.digest(key.encode(), signed, hashlib.sha256)).encode()
    return any(hmac.compare_digest(expected, each.encode("utf-8", "surrogatepass")) for each in signature.signatures)


def _unsigned(body: bytes | str, *, allowed: bool) -> Event:
    event = parse(body) if allowed else None
    if event is None or event.type != "extension":
        raise WebhookError("The webhook has no signature.")
    return event
