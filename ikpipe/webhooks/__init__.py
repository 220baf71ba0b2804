"""Webhooks: verify and parse them, receive them, and apply them to results.

::

    events.py     the body of a webhook to a typed event
    signature.py  `verify`: both signature schemes, the age, and replays
    receiver.py   `endpoint`: an ASGI application that answers at once, and then calls back
    apply.py      `apply`: events to a results frame
"""

from ikpipe.webhooks.apply import apply
from ikpipe.webhooks.events import (
    Event,
    ExtensionEvent,
    FileEvent,
    PostTransformEvent,
    PreTransformEvent,
    VideoEvent,
    parse,
)
from ikpipe.webhooks.receiver import endpoint
from ikpipe.webhooks.signature import SeenEvents, verify

__all__ = [
    "Event",
    "ExtensionEvent",
    "FileEvent",
    "PostTransformEvent",
    "PreTransformEvent",
    "SeenEvents",
    "VideoEvent",
    "apply",
    "endpoint",
    "parse",
    "verify",
]
