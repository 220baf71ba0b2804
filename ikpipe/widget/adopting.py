"""Rows of a kernel that is gone, whose files a page still has: what may have been sent is looked for."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from ikpipe import _archive
from ikpipe._errors import Error
from ikpipe._result import Result
from ikpipe.widget.rows import BUSY, UP
from ikpipe.widget.runs import journals

if TYPE_CHECKING:
    from pathlib import Path

    from ikpipe._account import Account
    from ikpipe._past import Known
    from ikpipe.widget.desk import Desk
    from ikpipe.widget.messages import Adopt, Orphan
    from ikpipe.widget.rows import Row


def adopt(desk: Desk, message: Adopt) -> None:
    """Register the rows of another session again; those that may have left are looked for, and not sent."""
    known = _known(desk, message.session)
    rows = {orphan.file.key: _registered(desk, orphan, known.get(orphan.id)) for orphan in message.rows}
    desk.look(rows.values())
    desk.say({"type": "added", "request": None, "ids": {key: row.id for key, row in rows.items()}, "refused": {}})
    desk.settle([row for row in rows.values() if row.state == "unknown"])
    desk.changed("frame", "results")


def _registered(desk: Desk, orphan: Orphan, known: Known | None) -> Row:
    row = desk.hold(orphan.file)
    row.edits = {column: value for column, value in orphan.edits.items() if value is not None}
    if known is not None and (known.in_doubt or known.result.status in UP):
        row.known, row.result, row.state = known, known.result, known.result.status
    elif known is None and (orphan.state in BUSY - {"queued"} or orphan.state == "unknown"):
        words = "the kernel ended while it was being sent, and its journal is not here"
        row.result, row.state = Result("unknown", "connection_lost", words), "unknown"
    return row


def _known(desk: Desk, session: str) -> dict[str, Known]:
    """Give what the journals of a session know, by the names that its rows had; later ones know better."""
    found: dict[str, Known] = {}
    for path in journals(desk.sending.folder, session):
        with suppress(Error, KeyError, OSError):
            found |= _read(path, desk.sending.account, f"browser://{session}/")
    return found


def _read(path: Path, account: Account, start: str) -> dict[str, Known]:
    found = {}
    record, work = _archive.found(path, account)
    with record.journal:
        for chunk in work.feed.chunks():
            cells = chunk.frame["file"].tolist()
            for position, known in record.known(chunk).items():
                cell = cells[position - chunk.start]
                if isinstance(cell, str) and cell.startswith(start):
                    found[cell.removeprefix(start).partition("/")[0]] = known
    return found
