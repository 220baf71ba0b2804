"""`apply`: merge webhook events into a results table."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import UTC
from typing import Any

from ikpipe.frames.adapters import Frame
from ikpipe.frames.results import RevisedResults
from ikpipe.request.result import Result
from ikpipe.service import updates
from ikpipe.webhooks.events import Event, ExtensionEvent, FileEvent, PreTransformEvent, parse, parse_time


def apply(results: Frame, events: Iterable[Event | Mapping[str, Any] | str | bytes]) -> Frame:
    """Merge webhook events into the results.

    Parameters
    ----------
    results
        A table from `upload` or `read_results`. It is not changed.
    events
        Events from `verify`, or the bodies of webhooks whose signatures need no check, in any order: for the same file,
        the newer event wins. Events of other files are ignored.

    Returns
    -------
    The same rows. The result of an extension is in `ik_extension_status`, with `ik_ai_tags` and other details of the
    file, if the event has them. The event of a pre-transformation, matched by `ik_request_id`, changes an `accepted`
    row to `uploaded`, with all details, or to `failed`. The event of an updated file replaces its details.

    Raises
    ------
    MappingError
        The frame has no `ik_status`.
    WebhookError
        A body is not a webhook event.
    """
    revision = RevisedResults(results)
    ordered = _in_order([event if isinstance(event, Event) else parse(event) for event in events])
    accepted = _by_field([row for row in revision.results if row.status == "accepted"], "request_id")
    for event in ordered:
        if isinstance(event, PreTransformEvent):
            for row in accepted.get(event.request_id, ()):
                _apply_pre_transform(row, event)
    rows = _by_field(revision.results, "file_id")
    for event in ordered:
        for row in rows.get(event.file_id or "", ()):
            _apply_details(row, event)
    revised: Frame = revision.close()
    return revised


def _in_order(events: list[Event]) -> list[Event]:
    """Sort events by time; events without a time keep their position."""
    dated = iter(sorted((event for event in events if _time(event) is not None), key=_time))  # type: ignore[arg-type]  # none is None
    return [event if _time(event) is None else next(dated) for event in events]


def _time(event: Event) -> float | None:
    """Return the time of an event's details; a webhook that is sent again may be hours old."""
    when = parse_time(event.data.get("updatedAt")) or event.created_at
    return None if when is None else (when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp()


def _by_field(results: Iterable[Result], name: str) -> dict[str, list[Result]]:
    """Group results by the value of a field, without those that have none."""
    groups: defaultdict[str, list[Result]] = defaultdict(list)
    for result in results:
        if (value := getattr(result, name)) is not None:
            groups[value].append(result)
    return groups


def _apply_pre_transform(row: Result, event: PreTransformEvent) -> None:
    if event.succeeded:
        updates.stored(row, event.data)
    elif row.file_id is None:  # a file that is stored stays stored, whichever event came first
        row.status, row.error = "failed", "bad_transformation"
        row.message = event.reason or "The pre-transformation failed."


def _apply_details(row: Result, event: Event) -> None:
    if isinstance(event, ExtensionEvent):
        updates.fold(row, event.data)
        updates.ended(row, event.service, event.status)
    elif isinstance(event, FileEvent) and event.change == "updated":
        updates.fold(row, event.data)
