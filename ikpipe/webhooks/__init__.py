"""Webhooks: verify, parse and receive them, and apply their events to results.

::

    events.py     `parse`: a webhook's body to a typed event
    signature.py  `verify`: both signature schemes, the age, replays
    receiver.py   `endpoint`: an ASGI application that receives webhooks
    apply.py      `apply`: merge events into a results table
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
