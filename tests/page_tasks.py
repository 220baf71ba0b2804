"""How long the tasks of a page block its main thread."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Page


class Task(NamedTuple):
    """How long a task took, in ms: by the clock, and of the processor, which other processes do not affect."""

    wall: float
    processor: float


@contextmanager
def traced_tasks(page: Page) -> Iterator[list[Task]]:
    """Yield a list that has, after the block, the tasks of the threads that ran the page's scripts."""
    session = page.context.new_cdp_session(page)
    events: list[dict[str, Any]] = []
    tasks: list[Task] = []
    ended: list[object] = []
    session.on("Tracing.dataCollected", lambda data: events.extend(data["value"]))
    session.on("Tracing.tracingComplete", lambda told: ended.append(told))  # noqa: PLW0108 - Playwright sets an attribute of it
    session.send("Tracing.start", {"categories": "toplevel,devtools.timeline", "transferMode": "ReportEvents"})
    yield tasks
    session.send("Tracing.end")
    while not ended:  # each call processes events
        page.evaluate("() => 0")
    session.detach()
    tasks += _tasks(events)


def _tasks(events: list[dict[str, Any]]) -> list[Task]:
    threads = {(one["pid"], one["tid"]) for one in events if one.get("name") == "FunctionCall"}
    found = [one for one in events if one.get("name", "").endswith("RunTask") and "tdur" in one]
    return [Task(one["dur"] / 1000, one["tdur"] / 1000) for one in found if (one["pid"], one["tid"]) in threads]
