"""Changes of files that are in the library, one after another in a thread: details, names, folders, and deletion.

They are made by `ikpipe.update` and `ikpipe.delete`, and only of files that rows of this uploader uploaded or found.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

import pandas as pd

from ikpipe.errors import Error
from ikpipe.request.account import Account
from ikpipe.request.policy import Policy
from ikpipe.request.result import Result
from ikpipe.run.undo import undo
from ikpipe.run.update import update
from ikpipe.service import updates
from ikpipe.service.listing import files
from ikpipe.widget.library_requests import Library
from ikpipe.widget.message_fields import METADATA
from ikpipe.widget.rows import WidgetRow

if TYPE_CHECKING:
    import httpx

CHANGEABLE = frozenset({"uploaded", "exists", "updated", "unchanged"})
"""The states of rows whose file can be changed; the others share it with another row, or left somebody else's alone."""
_LISTED = 1_000  # files, which one request returns
_MOST_TAGS = 300
_PLACES = {"file_name", "folder"}
_ABSENT = "There is no such file in the media library any more."
_FAILED = {"failed", "absent", "left", "cancelled"}

Outcomes = dict[WidgetRow, str | None]
"""Why each row's file was not changed, or None if it was."""


class Changes(NamedTuple):
    """What was done: the outcomes of the rows, and the journals by which `ikpipe.undo` reverts it."""

    outcomes: Outcomes
    journals: Sequence[str] = ()


class StoredFiles:
    """Changes the files of an account; `transport` is used instead of the network.

    Methods call `done` from a thread, after the rows have their new results.
    """

    def __init__(self, account: Account, policy: Policy, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self._account, self._policy, self._transport = account, policy, transport
        self._library = Library(account, policy, transport)
        self._thread = ThreadPoolExecutor(1, "ikpipe.library")

    def can_change(self, row: WidgetRow) -> bool:
        """Whether the file of a row can be changed: it is in the library, and this process has the private key."""
        known = row.result is not None and row.result.file_id is not None and row.run is None
        return known and row.state in CHANGEABLE and self._account.private_key is not None

    def change(
        self, rows: Sequence[WidgetRow], column: str, values: Sequence[Any], done: Callable[[Changes], None]
    ) -> None:
        """Set a column of the rows' files to the values of the rows; an empty one removes it."""
        self._thread.submit(self._report, rows, lambda: self._changed(rows, column, values), done)

    def undo(self, rows: Sequence[WidgetRow], journals: Sequence[str], done: Callable[[Changes], None]) -> None:
        """Undo changes of the rows' files; what somebody changed since is left as it is."""
        self._thread.submit(self._report, rows, lambda: self._undone(rows, journals), done)

    def delete(self, rows: Sequence[WidgetRow], done: Callable[[Changes], None]) -> None:
        """Delete the rows' files with all of their versions."""
        self._thread.submit(self._report, rows, lambda: self._deleted(rows), done)

    def read(self, rows: Sequence[WidgetRow], done: Callable[[Changes], None]) -> None:
        """Read what the rows' files are now; the outcome of one that is not there is a text."""

        def work() -> Changes:
            """Return which files are there."""
            found = self._read(rows)
            return Changes({row: _ABSENT if details is None else None for row, details in found.items()})

        self._thread.submit(self._report, rows, work, done)

    def tags(self, done: Callable[[list[str]], None]) -> None:
        """Call `done` with the most frequent tags of some of the account's files; none without a private key."""
        self._thread.submit(lambda: done(self._tags()))

    def _tags(self) -> list[str]:
        if self._account.private_key is None:
            return []
        try:
            newest = files(self._account, limit=_LISTED)
        except (Error, OSError):
            return []
        counts = Counter(str(tag) for tags in newest["tags"] if isinstance(tags, list) for tag in tags)
        return [tag for tag, _ in counts.most_common(_MOST_TAGS)]

    def _report(self, rows: Sequence[WidgetRow], work: Callable[[], Changes], done: Callable[[Changes], None]) -> None:
        try:
            changes = work()
        except (Error, OSError) as error:
            changes = Changes(dict.fromkeys(rows, str(error)))
        except Exception as error:  # noqa: BLE001 - nothing else would report it
            changes = Changes(dict.fromkeys(rows, f"{type(error).__name__}: {error}"))
        done(changes)

    def _changed(self, rows: Sequence[WidgetRow], column: str, values: Sequence[Any]) -> Changes:
        pairs = list(zip(rows, values, strict=True))
        removed = [row for row, value in pairs if _is_empty(value) and column not in _PLACES]
        given = [(row, value) for row, value in pairs if not _is_empty(value) or column in _PLACES]
        parts = [self._update(removed, {}, unset=[column])] if removed else []
        if given:
            name, field = column.partition(".")[::2]
            columns = {name: [field]} if field else {name: column}
            cells = ["/" if column == "folder" and not value else value for _, value in given]
            parts.append(self._update([row for row, _ in given], {field or column: cells}, columns=columns))
        outcomes = {row: why for part in parts for row, why in part.outcomes.items()}
        for row, value in pairs:
            if outcomes[row] is None and row.result is not None:
                row.result = _with_value(row.result, column, value)
        self._confirm(outcomes, dict(pairs), column)
        return Changes(outcomes, [journal for part in parts for journal in part.journals])

    def _confirm(self, outcomes: Outcomes, values: Mapping[WidgetRow, Any], column: str) -> None:
        """Read files whose change failed, since an answer may have been lost, and where those are that were moved."""
        rows = [row for row, why in outcomes.items() if why is not None or column in _PLACES]
        with suppress(Error, OSError):
            for row, details in self._read(rows, column).items():
                there = None if details is None else details.get(column)
                if not _is_empty(values[row]) and there == values[row]:
                    outcomes[row] = None

    def _update(self, rows: Sequence[WidgetRow], cells: Mapping[str, Any], **keywords: Any) -> Changes:
        columns = {name: pd.Series(values, dtype=object) for name, values in cells.items()}
        table = pd.DataFrame({"ik_file_id": _ids(rows), **columns})
        asking: dict[str, Any] = {"policy": self._policy, "transport": self._transport, "progress": False}
        changed = update(table, self._account, **asking, **keywords)
        told = zip(rows, changed["ik_change"], changed["ik_change_message"], strict=True)
        outcomes = {row: _failure(row, what, why) for row, what, why in told}
        return Changes(outcomes, [changed.attrs["ikpipe"]["journal"]])

    def _undone(self, rows: Sequence[WidgetRow], journals: Sequence[str]) -> Changes:
        by_id = {row.result.file_id: row for row in rows if row.result is not None}
        outcomes: Outcomes = dict.fromkeys(rows)
        for journal in reversed(journals):
            undone: pd.DataFrame = undo(
                journal,
                self._account,
                dry_run=False,
                policy=self._policy,
                progress=False,
                transport=self._transport,
            )
            told = zip(undone["ik_file_id"], undone["ik_change"], undone["ik_change_message"], strict=True)
            outcomes |= {by_id[one]: str(why) for one, what, why in told if what in _FAILED and one in by_id}
        with suppress(Error, OSError):
            self._read(rows)
        return Changes(outcomes)

    def _deleted(self, rows: Sequence[WidgetRow]) -> Changes:
        by_id = {row.result.file_id: row for row in rows if row.result is not None and row.result.file_id}
        results = [row.result for row in by_id.values() if row.result is not None]
        why = asyncio.run(self._library.delete(results))
        return Changes({row: why[file_id] for file_id, row in by_id.items()})

    def _read(self, rows: Sequence[WidgetRow], column: str = "") -> dict[WidgetRow, dict[str, Any] | None]:
        """Read files, and return what they have by column, None for those that are not there.

        Others may have changed them: the rows get what they show of a file, and what they have in `column`.
        """
        files = asyncio.run(self._library.read([one for one in _ids(rows) if one])) if rows else {}
        found: dict[WidgetRow, dict[str, Any] | None] = {}
        for row in rows:
            file = files.get((row.result and row.result.file_id) or "")
            found[row] = None if file is None else _details(file)
            if file is not None and row.result is not None:
                _take(row, row.result, file, column)
        return found


def _failure(row: WidgetRow, what: str, why: object) -> str | None:
    """Return why a row's file was not changed, or None; the file of a row without a result was just deleted."""
    return _ABSENT if row.result is None else str(why) if what in _FAILED else None


def _take(row: WidgetRow, before: Result, file: Mapping[str, Any], column: str) -> None:
    """Set what a row shows to the details of its file."""
    row.result = replace(before)
    updates.fold(row.result, file)
    details, moved = _details(file), row.result.file_path != before.file_path
    shown = {name for name in row.edits if name not in _PLACES} | (_PLACES if moved else set()) | {column} - {""}
    row.edits |= {name: details.get(name, "") for name in shown if name in details or name.startswith(METADATA)}


def _details(file: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a file has, by the columns of a row."""
    folder, _, name = str(file.get("filePath", "")).rpartition("/")
    metadata = file.get("customMetadata") or {}
    return {
        "file_name": name,
        "folder": folder or "/",
        "tags": file.get("tags") or [],
        "description": file.get("description") or "",
        "custom_coordinates": file.get("customCoordinates") or "",
        **{f"{METADATA}{field}": value for field, value in metadata.items()},
    }


def stored_value(row: WidgetRow, column: str) -> Any:
    """Return what a row's file has in a column."""
    result = row.result
    if result is None:
        return None
    if column.startswith(METADATA):
        return (result.custom_metadata or {}).get(column.removeprefix(METADATA))
    folder = (result.file_path or "").rpartition("/")[0] or "/"
    values = {"file_name": result.name, "folder": folder, "description": row.view.description}
    return values.get(column, getattr(result, column, None))


def _with_value(result: Result, column: str, value: Any) -> Result:
    """Return a result with a changed detail; a removed one is None."""
    value = None if _is_empty(value) else value
    if column.startswith(METADATA):
        metadata = {**(result.custom_metadata or {}), column.removeprefix(METADATA): value}
        return replace(result, custom_metadata={name: one for name, one in metadata.items() if one is not None} or None)
    return replace(result, **{column: value}) if column in ("tags", "custom_coordinates") else replace(result)


def _ids(rows: Sequence[WidgetRow]) -> list[str | None]:
    return [None if row.result is None else row.result.file_id for row in rows]


def _is_empty(value: Any) -> bool:
    return value is None or value in ("", [])
