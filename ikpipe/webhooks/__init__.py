"""Webhooks: what finishes later, heard, checked, and put into the results.

::

    events.py      the body of a webhook → a typed event
    signature.py   `verify`: both schemes of signatures, their age, and whether one was here before
    receiver.py    `endpoint`: an ASGI application that answers at once, and then calls back
    results.py     `apply`: events → results frame
"""

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
from ikpipe.webhooks.results import apply
from ikpipe.webhooks.signature import Seen, verify

__all__ = [
    "Event",
    "ExtensionEvent",
    "FileEvent",
    "PostTransformEvent",
    "PreTransformEvent",
    "Seen",
    "VideoEvent",
    "apply",
    "endpoint",
    "parse",
    "verify",
]
