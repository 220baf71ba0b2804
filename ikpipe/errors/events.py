"""The events that the library logs: their levels, and the fields of their records."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any, NamedTuple

from ikpipe.errors.codes import CODES

DEBUG, INFO, WARNING = logging.DEBUG, logging.INFO, logging.WARNING

VERSION = 1
"""The version of the records' fields. It changes if a field is removed, or gets another meaning."""


class Event(NamedTuple):
    """A kind of record.

    `fields` are those that its records can have, besides `COMMON`. `repeats`: within 30 s, only the first record of a
    run is logged at this level, and then a record that counts the others.
    """

    level: int
    meaning: str
    fields: tuple[str, ...] = ()
    repeats: bool = False


COMMON = ("run", "count", "exception")

EVENTS: dict[str, Event] = {
    "journal": Event(INFO, "A run has a journal.", ("journal",)),
    "mapping": Event(INFO, "A run starts with this mapping.", ("mapping",)),
    "run_started": Event(INFO, "A run starts to send its rows.", ("account", "rows", "mapping", "journal", "options")),
    "run_ended": Event(
        INFO, "A run has ended, or was interrupted.", ("rows", "counts", "bytes", "seconds", "interrupted", "journal")
    ),
    "run_stopped": Event(WARNING, "An error stopped a run.", ("journal",)),
    "row_ended": Event(
        DEBUG,
        "A row has its result.",
        ("row", "position", "file_name", "status", "attempts", "seconds", "bytes", "request_id"),
    ),
    "row_failed": Event(
        INFO,
        "A row is not uploaded: it is `invalid`, `failed` or `unknown`.",
        ("row", "position", "file_name", "status", "code", "attempts", "seconds", "request_id"),
        repeats=True,
    ),
    "attempt": Event(
        DEBUG,
        "A request of a row got its reply, or none.",
        ("row", "position", "file_name", "status", "code", "attempt", "seconds", "bytes", "request_id"),
    ),
    "retry": Event(
        INFO,
        "A request is sent again.",
        ("row", "position", "file_name", "code", "attempt", "wait_s", "request_id", "http_status"),
        repeats=True,
    ),
    "rate_limited": Event(
        INFO, "ImageKit asks the run to slow down.", ("position", "wait_s", "request_id"), repeats=True
    ),
    "refused": Event(
        WARNING, "ImageKit refuses the account: its keys, or a quota is used up.", ("code", "request_id"), repeats=True
    ),
    "rate_changed": Event(INFO, "The run sends slower or faster than before.", ("rate",), repeats=True),
    "waiting": Event(WARNING, "A wait is longer than 5 s.", ("wait_s",)),
    "lookup": Event(
        INFO,
        "The media library was searched for the file of a row that may be stored.",
        ("row", "position", "file_name", "outcome"),
        repeats=True,
    ),
    "response": Event(
        DEBUG, "A server answered a request.", ("method", "address", "http_status", "seconds", "bytes", "request_id")
    ),
    "connection_failed": Event(
        INFO, "A request has no answer: no connection, or it was lost.", ("address", "code", "seconds"), repeats=True
    ),
    "connected": Event(DEBUG, "A connection was opened.", ("address",)),
    "reconnect": Event(DEBUG, "The server closed a connection that waited for the next request.", ("address",)),
    "moved": Event(INFO, "A file of the library was moved or renamed.", ("path", "to", "outcome")),
    "deleted": Event(INFO, "A file of the library was deleted, or could not be.", ("path", "file_id", "outcome")),
    "command_failed": Event(logging.ERROR, "An error ended a command.", ()),
    "note": Event(WARNING, "Anything else that is logged; its level can be another one."),
}
"""Every event, by the name that `event` of a record has."""

_TEXT, _COUNT, _SECONDS = {"type": "string"}, {"type": "integer", "minimum": 0}, {"type": "number", "minimum": 0}


def _field(meaning: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    return {**schema, "description": meaning}


FIELDS: dict[str, dict[str, Any]] = {
    "run": _field("The id of the run.", _TEXT),
    "count": _field("How many records of the same kind this one stands for.", {"type": "integer", "minimum": 1}),
    "exception": _field("A traceback.", _TEXT),
    "account": _field("The account: its URL endpoint, else the host of its uploads.", _TEXT),
    "address": _field("The URL of a request, or scheme, host and port of a connection, without a query string.", _TEXT),
    "attempt": _field("Which request of the row it is, counted from 1.", {"type": "integer", "minimum": 1}),
    "attempts": _field("How many requests the row needed.", _COUNT),
    "bytes": _field("The number of bytes.", _COUNT),
    "code": _field(
        "The code of `ik_error`.", {"type": "string", "enum": sorted({*CODES, "cancelled", "connection_failed"})}
    ),
    "counts": _field("The number of rows by status.", {"type": "object", "additionalProperties": {"type": "integer"}}),
    "file_id": _field("The id of a file of the library.", _TEXT),
    "file_name": _field("The name of the row's file in the library.", _TEXT),
    "http_status": _field("The HTTP status.", {"type": "integer"}),
    "interrupted": _field("Whether the run was interrupted.", {"type": "boolean"}),
    "journal": _field("The file of the run's journal.", _TEXT),
    "mapping": _field("Where the parameters come from.", _TEXT),
    "method": _field("The HTTP method.", _TEXT),
    "options": _field("The options of the run that are not the defaults.", {"type": "object"}),
    "outcome": _field(
        "How a lookup or a change ended.",
        {
            "type": "string",
            "enum": ["found", "absent", "other_file", "uncertain", "done", "unchanged", "failed", "cancelled", "none"],
        },
    ),
    "path": _field("The path of a file of the library.", _TEXT),
    "position": _field("The position of the row in its table, counted from 0.", _COUNT),
    "rate": _field("The maximum number of requests per second; without it there is no limit.", {"type": "number"}),
    "request_id": _field("ImageKit's id of the request.", _TEXT),
    "row": _field("The index label of the row.", {"type": ["string", "number", "boolean"]}),
    "rows": _field("The number of rows, if it is known.", _COUNT),
    "seconds": _field("How long it took.", _SECONDS),
    "status": _field("The status of the row, as in `ik_status`.", _TEXT),
    "to": _field("The new path of a file of the library.", _TEXT),
    "wait_s": _field("The wait in seconds.", _SECONDS),
}
"""The JSON schema of every field that a record can have, besides those of `schema`."""


def schema() -> dict[str, Any]:
    """Return the JSON schema of a line of a log in JSON."""
    first = {
        "v": _field("The version of this schema.", {"const": VERSION}),
        "ts": _field(
            "When it was logged: UTC, in ISO 8601.",
            {"type": "string", "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$"},
        ),
        "level": _field("The level.", {"enum": ["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"]}),
        "logger": _field("The name of the logger.", _TEXT),
        "event": _field("What happened.", {"enum": [*EVENTS]}),
        "message": _field("The same as a sentence; its wording can change.", _TEXT),
    }
    allowed = [
        {
            "if": {"properties": {"event": {"const": name}}},
            "then": {"propertyNames": {"enum": [*first, *COMMON, *event.fields]}},
        }
        for name, event in EVENTS.items()
    ]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A line of a log of ikpipe in JSON",
        "type": "object",
        "properties": {**first, **FIELDS},
        "required": [*first],
        "additionalProperties": False,
        "allOf": allowed,
    }
