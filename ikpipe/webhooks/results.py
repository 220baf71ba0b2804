"""`apply`: events → results frame."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from ikpipe import _later
from ikpipe._frame import Revision
from ikpipe.webhooks.events import Event, ExtensionEvent, FileEvent, PreTransformEvent, parse

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ikpipe._frame import Frame
    from ikpipe._result import Result


def apply(results: Frame, events: Iterable[Event | Mapping[str, Any] | str | bytes]) -> Frame:
    """Put what webhooks told into the results.

    Parameters
    ----------
    results
        What `upload` gave, or `read_results`. It is not changed.
    events
        What `verify` gave, or the bodies of webhooks whose signatures need no look. Those of other files are left out.

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
    revision = Revision(results)
    given = [event if isinstance(event, Event) else parse(event) for event in events]
    waiting = {one.request_id: one for one in revision.results if one.status == "accepted" and one.request_id}
    for event in given:
        if isinstance(event, PreTransformEvent) and event.request_id in waiting:
            _transformed(waiting[event.request_id], event)
    rows: defaultdict[str, list[Result]] = defaultdict(list)
    for one in revision.results:
        if one.file_id is not None:
            rows[one.file_id].append(one)
    for event in given:
        for row in rows.get(event.file_id or "", ()):
            _told(row, event)
    revised: Frame = revision.close()
    return revised


def _transformed(row: Result, event: PreTransformEvent) -> None:
    if event.succeeded:
        _later.stored(row, event.data)
    else:
        row.status, row.error = "failed", "bad_transformation"
        row.message = event.reason or "the pre-transformation failed"


def _told(row: Result, event: Event) -> None:
    if isinstance(event, ExtensionEvent):
        _later.fold(row, event.data)
        _later.ended(row, event.service, event.status)
    elif isinstance(event, FileEvent) and event.change == "updated":
        _later.fold(row, event.data)
