"""Webhooks that the API creates: each has a secret of its own, and receives the events that it names."""

import secrets

from ikpipe.emulator.error_responses import ErrorResponse
from ikpipe.emulator.library.calls import ApiCall
from ikpipe.emulator.settings.collection import Collection
from ikpipe.emulator.settings.properties import Property, flag, read_properties, url
from ikpipe.emulator.store import timestamp
from ikpipe.emulator.store.settings import WEBHOOKS, Setting

EVENTS = frozenset(
    {
        *(f"upload.{step}-transform.{result}" for step in ("pre", "post") for result in ("success", "error")),
        *(f"video.transformation.{state}" for state in ("accepted", "ready", "error")),
        *(f"{kind}.{change}" for kind in ("file", "folder") for change in ("created", "updated", "deleted")),
        *("file-version.created", "file-version.deleted"),
    }
)
"""The events that a webhook can subscribe to [sdk]."""


def _are_events(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(event, str) and event in EVENTS for event in value)


PROPERTIES = {
    "endpoint": url(),
    "events": Property(_are_events, f"an array of {', '.join(sorted(EVENTS))}"),
    "enabled": flag(default=True),
}


def _read(call: ApiCall, old: Setting | None) -> Setting:
    webhook = read_properties(call.body, PROPERTIES, old)
    others = [other["endpoint"] for other in COLLECTION.all(call) if old is None or other["id"] != old["id"]]
    if webhook["endpoint"] in others:  # [sdk; guess for status and message]
        raise ErrorResponse(409, "A webhook with this endpoint already exists.")
    now = timestamp()
    kept = old or {"secret": f"whsec_{secrets.token_urlsafe(24)}", "createdAt": now}
    return {**webhook, "secret": kept["secret"], "createdAt": kept["createdAt"], "updatedAt": now}


COLLECTION = Collection(WEBHOOKS, "webhook", _read, "PATCH")
ROUTES = COLLECTION.routes()
