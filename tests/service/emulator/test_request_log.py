"""The emulator's log, read while it is written."""

from __future__ import annotations

from typing import Any

from ikpipe.emulator.request_log import RequestLog


def test_an_entry_can_be_read_while_it_is_filled_in() -> None:
    """The log is read in another thread: here an entry grows while it is copied."""
    log = RequestLog()
    _, entry = log.begin("POST", "/api/v2/files/upload")

    class Growing:
        """Adds to the entry as it is copied."""

        def __deepcopy__(self, _memo: dict[int, Any]) -> str:
            entry["fields"] = {}
            return "POST"

    entry["method"] = Growing()
    (read,) = log.entries()
    assert read["method"] == "POST"
