"""`apply`: events → results frame."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC
from typing import TYPE_CHECKING, Any

from ikpipe.frames.results import RevisedResults
from ikpipe.service import updates
from ikpipe.webhooks.events import Event, ExtensionEvent, FileEvent, PreTransformEvent, moment, parse

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ikpipe.frames.adapters import Frame
    from ikpipe.request.result import Result


def apply(results: Frame, events: Iterable[Event | Mapping[str, Any] | str | bytes]) -> Frame:
    """Put what webhooks told into the results.

    Parameters
    ----------
    results
        What `upload` gave, or `read_results`. It is not changed.
    events
        What `verify` gave, or the bodies of webhooks whose signatures need no look, in any order: of two that tell of
        one file, the newer wins. Those of other files are left out.

    Returns
    -------
    The same rows. The result of an extension is in `ik_extension_status`, with `ik_ai_tags` and the file's other
    details, where the event has them. A row that was `accepted` is `uploaded` with all of its details, or `failed`,
    after the event of its pre-transformation, which is found by `ik_request_id`. A file that was updated has its
    details anew.

    Raises
    ------
    MappingError
        The frame has no `ik_status`.
    WebhookError
        A body is no event.
    """
    revision = RevisedResults(results)
    given = _in_order([event if isinstance(event, Event) else parse(event) for event in events])
    waiting = _by([one for one in revision.results if one.status == "accepted"], "request_id")
    for event in given:
        if isinstance(event, PreTransformEvent):
            for row in waiting.get(event.request_id, ()):
                _transformed(row, event)
    rows = _by(revision.results, "file_id")
    for event in given:
        for row in rows.get(event.file_id or "", ()):
            _told(row, event)
    revised: Frame = revision.close()
    return revised


def _in_order(events: list[Event]) -> list[Event]:
    """Let newer details come after older ones; what tells no time stays in its place."""
    dated = iter(sorted((one for one in events if _time(one) is not None), key=_time))  # type: ignore[arg-type]  # none is None
    return [one if _time(one) is None else next(dated) for one in events]


def _time(event: Event) -> float | None:
    """Give when what an event says was so: a webhook that is sent again may be hours old."""
    when = moment(event.data.get("updatedAt")) or event.created_at
    return None if when is None else (when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp()


def _by(results: Iterable[Result], name: str) -> dict[str, list[Result]]:
    """Sort results by a field, where they have one; several can have the same."""
    found: defaultdict[str, list[Result]] = defaultdict(list)
    for one in results:
        if (value := getattr(one, name)) is not None:
            found[value].append(one)
    return found


def _transformed(row: Result, event: PreTransformEvent) -> None:
    if event.succeeded:
        updates.stored(row, event.data)
    elif row.file_id is None:  # a file that is stored stays so, whatever came first
        row.status, row.error = "failed", "bad_transformation"
        row.message = event.reason or "the pre-transformation failed"


def _told(row: Result, event: Event) -> None:
    if isinstance(event, ExtensionEvent):
        updates.fold(row, event.data)
        updates.ended(row, event.service, event.status)
    elif isinstance(event, FileEvent) and event.change == "updated":
        updates.fold(row, event.data)
