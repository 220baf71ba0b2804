"""`verify`: whether a webhook is the service's own. Pure but for the clock.

Two schemes: ``webhook-id``, ``webhook-timestamp`` and ``webhook-signature: v1,<base64>``, the HMAC-SHA256 of
``id.timestamp.body`` (sdk); and the older ``x-ik-signature: t=<ms>,v1=<hex>``, that of ``t.body`` (docs). The key is
the whole secret, ``whsec_`` included (sdk). Signatures are compared as they are written, since base64 has several
spellings of the same bytes.
"""

from __future__ import annotations

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

TOLERANCE = 300.0  # seconds (sdk)
KEPT = 86_400.0  # seconds for which the service sends a webhook again (docs)

Headers = Mapping[str, str] | Iterable[tuple[str | bytes, str | bytes]]

_NEW = ("webhook-id", "webhook-timestamp", "webhook-signature")
_OLD = "x-ik-signature"
_OLD_FORM = re.compile(r"t=([0-9]{1,15}),v1=([0-9a-f]{64})")
_SECONDS = re.compile(r"[0-9]{1,12}")


class SeenEvents:
    """The webhooks that were here, by their ids: in memory, for as long as the service may send one again.

    Parameters
    ----------
    most
        Ids kept at most; the oldest go first.
    """

    def __init__(self, most: int = 100_000) -> None:
        self._most, self._ids, self._lock = most, dict[str, float](), threading.Lock()

    def before(self, webhook: str, now: float) -> bool:
        """Note a webhook's id, and tell whether it was here before."""
        with self._lock:
            while self._ids and self._ids[self._oldest()] < now - KEPT:
                del self._ids[self._oldest()]
            known = webhook in self._ids
            self._ids.setdefault(webhook, now)
            while len(self._ids) > self._most:
                del self._ids[self._oldest()]
        return known

    def _oldest(self) -> str:
        return next(iter(self._ids))


class _Mark(NamedTuple):
    """What a webhook's headers say: the text before its body, its signatures, its time, and its id."""

    before: str
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
    """Check a webhook, and read it.

    Parameters
    ----------
    body
        The request's body, as it came: JSON that was read and written again has another signature.
    headers
        Of the request, in any case.
    secret
        The webhook's secret as the dashboard shows it, ``whsec_…``; or several, while it is being changed.
    tolerance
        Seconds that it may be old, or ahead of this clock.
    seen
        Remembers webhooks; one that was here before is reported as ``event.replayed``.
    unsigned
        Whether the result of an extension, which the service does not sign as far as anybody knows (spec), is taken
        without a signature: it is then not ``event.signed``, and whoever knows the address can have sent it.
    now
        The time, in seconds since 1970; None is the clock's.

    Returns
    -------
    Event
        Of the class that its type has.

    Raises
    ------
    WebhookError
        There is no signature, or it is not that of this body and secret, or too old, or it signs no event.
    """
    secret = sealed(secret)  # first, so that a traceback with the variables of this frame shows none
    now = time.time() if now is None else now
    mark = _mark(_named(headers))
    if mark is None:
        return _unsigned(body, allowed=unsigned)
    raw = body.encode("utf-8", "surrogatepass") if isinstance(body, str) else body
    check(secret)
    if not any(_signs(mark, raw, key) for key in secret):
        raise WebhookError(
            "The webhook's signature is not that of this body and secret: "
            "verify the bytes as they came, with the secret of the dashboard; else it is not ImageKit's."
        )
    if not abs(now - mark.time) <= tolerance:
        raise WebhookError(
            f"The webhook was signed {now - mark.time:.0f} s ago; {tolerance:.0f} s are allowed: "
            "set this machine's clock, or give another tolerance=; else somebody sends it again."
        )
    event = parse(raw, signed=True)
    return replace(event, replayed=seen is not None and _before(seen, [mark.id, event.id], raw, now))


def _before(seen: SeenEvents, ids: Sequence[str | None], body: bytes, now: float) -> bool:
    """Note a webhook by all that it is known by, and tell whether it was here before.

    It may come again by the other scheme, which has no id beside the event's own, and signs each try anew: what has
    no id at all is known by its body.
    """
    known = [seen.before(one, now) for one in dict.fromkeys(ids) if one]
    if ids[-1] is None:
        same = seen.before(hashlib.sha256(body).hexdigest(), now)
        known = known or [same]
    return any(known)


def sealed(secret: str | Sequence[str]) -> list[SealedHeaders]:
    """Return the secrets, so that they do not show."""
    return [SealedHeaders(one) for one in ([secret] if isinstance(secret, str) else secret)]


def check(secrets: Sequence[SealedHeaders]) -> None:
    """See that there are secrets, and that none is empty."""
    if not secrets or not all(secrets):
        raise MappingError("The webhook's secret is empty: copy it from the dashboard, Developer options, Webhooks.")


def _named(headers: Headers) -> dict[str, str]:
    """Give the headers of signatures under lower-case names; one that is there twice could be read either way."""
    pairs = headers.items() if isinstance(headers, Mapping) else headers
    found: dict[str, str] = {}
    for given, value in pairs:
        name = (given.decode("latin-1") if isinstance(given, bytes) else given).lower()
        if name in (*_NEW, _OLD):
            if name in found:
                raise WebhookError(f"The header {name!r} is there twice.")
            found[name] = value.decode("latin-1") if isinstance(value, bytes) else value
    return found


def _mark(headers: Mapping[str, str]) -> _Mark | None:
    if any(name in headers for name in _NEW):
        webhook, stamp, signatures = (headers.get(name, "") for name in _NEW)
        if not (webhook and signatures and _SECONDS.fullmatch(stamp)):
            raise WebhookError(f"The webhook's headers {', '.join(_NEW)} are not whole.")
        given = [one.removeprefix("v1,") for one in signatures.split(" ") if one.startswith("v1,")]
        return _Mark(f"{webhook}.{stamp}.", given, float(stamp), webhook, _base64)
    if _OLD in headers:
        parts = _OLD_FORM.fullmatch(headers[_OLD])
        if parts is None:
            raise WebhookError(f"The header {_OLD!r} is not t=<milliseconds>,v1=<hex>.")
        return _Mark(f"{parts[1]}.", [parts[2]], int(parts[1]) / 1000, None, bytes.hex)
    return None


def _base64(mac: bytes) -> str:
    return base64.b64encode(mac).decode()


def _signs(mark: _Mark, body: bytes, key: SealedHeaders) -> bool:
    """Compare in constant time; how many signatures there are is no secret."""
    signed = mark.before.encode("utf-8", "surrogatepass") + body
    wanted = mark.encode(hmac.digest(key.encode(), signed, hashlib.sha256)).encode()
    return any(hmac.compare_digest(wanted, one.encode("utf-8", "surrogatepass")) for one in mark.signatures)


def _unsigned(body: bytes | str, *, allowed: bool) -> Event:
    event = parse(body) if allowed else None
    if event is None or event.type != "extension":
        raise WebhookError("The webhook has no signature.")
    return event
