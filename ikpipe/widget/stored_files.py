"""Changes of files that are in the library, one after another in a thread: details, names, folders, and deletion.

They are made by `ikpipe.update` and `ikpipe.delete`, and only of files that rows of this uploader uploaded or found.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pandas as pd

from ikpipe.errors import Error
from ikpipe.request.account import Account
from ikpipe.request.policy import Policy
from ikpipe.request.result import Result
from ikpipe.run.update import update
from ikpipe.service import updates
from ikpipe.service.client import ServiceClient
from ikpipe.service.edits import delete
from ikpipe.service.library import file_details
from ikpipe.service.listing import files
from ikpipe.widget.message_fields import METADATA
from ikpipe.widget.rows import WidgetRow

CHANGEABLE = frozenset({"uploaded", "exists", "updated", "unchanged"})
"""The states of rows whose file can be changed; the others share it with another row, or left somebody else's alone."""
_LISTED = 1_000  # files, which one request returns
_MOST_TAGS = 300
_PLACES = {"file_name", "folder"}
_FAILED = {"failed", "absent", "cancelled"}

Outcomes = dict[WidgetRow, str | None]
"""Why each row's file was not changed, or None if it was."""


class StoredFiles:
    """Changes the files of an account."""

    def __init__(self, account: Account, policy: Policy) -> None:
        self._account, self._policy = account, policy
        self._thread = ThreadPoolExecutor(1, "ikpipe.library")

    def can_change(self, row: WidgetRow) -> bool:
        """Whether the file of a row can be changed: it is in the library, and this process has the private key."""
        known = row.result is not None and row.result.file_id is not None and row.run is None
        return known and row.state in CHANGEABLE and not row.changing and self._account.private_key is not None

    def change(
        self, rows: Sequence[WidgetRow], column: str, values: Sequence[Any], done: Callable[[Outcomes], None]
    ) -> None:
        """Set a column of the rows' files to the values of the rows; an empty one removes it.

        `done` is called from the thread, after the rows have their new results.
        """
        self._thread.submit(self._report, rows, lambda: self._changed(rows, column, values), done)

    def delete(self, rows: Sequence[WidgetRow], done: Callable[[Outcomes], None]) -> None:
        """Delete the rows' files with all of their versions; `done` is as for `change`."""
        self._thread.submit(self._report, rows, lambda: self._deleted(rows), done)

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

    def _report(
        self, rows: Sequence[WidgetRow], work: Callable[[], Outcomes], done: Callable[[Outcomes], None]
    ) -> None:
        try:
            outcomes = work()
        except (Error, OSError) as error:
            outcomes = dict.fromkeys(rows, str(error))
        except Exception as error:  # noqa: BLE001 - nothing else would report it
            outcomes = dict.fromkeys(rows, f"{type(error).__name__}: {error}")
        done(outcomes)

    def _changed(self, rows: Sequence[WidgetRow], column: str, values: Sequence[Any]) -> Outcomes:
        pairs = list(zip(rows, values, strict=True))
        removed = [(row, value) for row, value in pairs if _is_empty(value) and column not in _PLACES]
        given = [(row, value) for row, value in pairs if not _is_empty(value) or column in _PLACES]
        outcomes: Outcomes = {}
        if removed:
            outcomes |= self._update([row for row, _ in removed], {}, unset=[column])
        if given:
            name, field = column.partition(".")[::2]
            columns = {name: [field]} if field else {name: column}
            cells = ["/" if column == "folder" and not value else value for _, value in given]
            outcomes |= self._update([row for row, _ in given], {field or column: cells}, columns=columns)
        for row, value in pairs:
            if outcomes[row] is None and row.result is not None:
                row.result = _with_value(row.result, column, value)
        if column in _PLACES:
            asyncio.run(self._read([row for row, why in outcomes.items() if why is None]))
        return outcomes

    def _update(self, rows: Sequence[WidgetRow], cells: Mapping[str, Any], **keywords: Any) -> Outcomes:
        columns = {name: pd.Series(values, dtype=object) for name, values in cells.items()}
        table = pd.DataFrame({"ik_file_id": _ids(rows), **columns})
        return _outcomes(rows, update(table, self._account, policy=self._policy, progress=False, **keywords))

    def _deleted(self, rows: Sequence[WidgetRow]) -> Outcomes:
        table = pd.DataFrame({"ik_file_id": _ids(rows)})
        deleted = delete(table, self._account, dry_run=False, policy=self._policy)
        return _outcomes(rows, deleted, also_done={"absent"})

    async def _read(self, rows: Sequence[WidgetRow]) -> None:
        """Read where files are now: their URLs have changed with their paths."""
        async with ServiceClient(policy=self._policy) as client:
            for row in rows:
                result = replace(row.result) if row.result is not None else None
                if result is None or (file := await file_details(client, self._account, result.file_id or "")) is None:
                    continue
                updates.fold(result, file)
                row.result = result


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


def _outcomes(rows: Sequence[WidgetRow], changed: Any, also_done: set[str] | None = None) -> Outcomes:
    """Return the outcomes of a table that `update` or `delete` returned."""
    failed = _FAILED - (also_done or set())
    told = zip(rows, changed["ik_change"], changed["ik_change_message"], strict=True)
    return {row: str(why) if what in failed else None for row, what, why in told}


def _ids(rows: Sequence[WidgetRow]) -> list[str | None]:
    return [None if row.result is None else row.result.file_id for row in rows]


def _is_empty(value: Any) -> bool:
    return value is None or value in ("", [])
