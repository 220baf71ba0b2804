"""Rows whose file is there already: the same content or target as another row, or a file of the library.

A page asks for it once its rows are shown, names the rows that changed, and gets the answers that changed. Nothing
waits for it. Hashes of picked files come from the page, those of other files are made here, of files with equal sizes
alone; the library is searched in batches.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from ikpipe.errors import InvalidValue
from ikpipe.request.columns import call_or_error
from ikpipe.request.missing import without_none
from ikpipe.request.names import canonical_path
from ikpipe.request.planner import path_of
from ikpipe.run.existing.rules import ExistingRules
from ikpipe.widget import duplicate_messages as messages
from ikpipe.widget.content_hashes import content_hash
from ikpipe.widget.library_check import LibraryCheck
from ikpipe.widget.message_fields import NAMING

if TYPE_CHECKING:
    from ikpipe.widget.controller import Controller
    from ikpipe.widget.rows import WidgetRow

_SEVERAL = 2
_HASHING = 0.2
"""Seconds in which files are hashed before their rows are compared, since that takes as long for one as for many."""

Key = tuple[Literal["content", "path", "size"], Any]
"""What rows have in common: the hash or URL of their content, the path that they are stored at, or their size."""


class DuplicateFinder:
    """Finds the duplicates of one uploader, with the lock of its controller. `handlers` handle messages of a page."""

    def __init__(self, controller: Controller) -> None:
        self._controller = controller
        config, rules = controller.config, ExistingRules.of(controller.table.input_mapping)
        self._library: LibraryCheck | None = None
        if config.account.private_key is not None and rules.on_existing is None:
            self._library = LibraryCheck(config.account, config.policy, self._found, self._failed)
        self._names = config.policy.names
        self._hashes: dict[WidgetRow, str] = {}
        self._kept: set[WidgetRow] = set()
        self._keys: dict[str, tuple[WidgetRow, list[Key]]] = {}
        self._groups = _Groups()
        self._sent: dict[str, dict[str, Any]] = {}
        self._unhashed: OrderedDict[WidgetRow, None] = OrderedDict()
        self._thread: threading.Thread | None = None
        self.handlers: dict[type[Any], Callable[[Any], None]] = {
            messages.FindDuplicatesMessage: lambda message: self._find(message.ids),
            messages.ContentsMessage: self._contents,
            messages.KeepMessage: self._keep,
        }

    # Messages

    def _find(self, ids: Sequence[str]) -> None:
        """Answer which of some rows, which are new or changed, are duplicates."""
        self._controller.validate_all()
        self._send({*self._update(ids), *ids}, ids)
        if self._library is not None:
            rows = self._controller.rows.subset(ids)
            self._library.ask(self._path(row) for row in rows if self._asks_library(row))

    def _contents(self, message: messages.ContentsMessage) -> None:
        """Keep the hashes of picked files that a page has made."""
        for row in self._controller.rows.subset(message.hashes):
            if row.picked is not None:
                self._hashes[row] = message.hashes[row.id]
        self._send(self._update(message.hashes))

    def _keep(self, message: messages.KeepMessage) -> None:
        """Report rows no longer as duplicates of other rows, or do so again."""
        rows = self._controller.rows.subset(message.ids)
        self._kept = self._kept.union(rows) if message.kept else self._kept.difference(rows)
        self._send({row.id for row in rows})

    # Groups

    def _update(self, ids: Iterable[str]) -> set[str]:
        """Note what rows have in common with others, and return the rows whose answers may have changed."""
        affected: set[Key] = set()
        for row_id in ids:
            row = self._controller.rows.get(row_id)
            before: list[Key] = []
            if row_id in self._keys:
                old, before = self._keys.pop(row_id)
                for key in before:
                    self._groups.remove(key, old)
            affected.update(before)
            if row is None:
                continue
            self._keys[row_id] = row, self._keys_of(row)
            for key in self._keys[row_id][1]:
                self._groups.add(key, row)
                affected.add(key)
            self._hash_later(row)
        return {row.id for key in affected if key[0] != "size" for row in self._groups.of(key)}

    def _keys_of(self, row: WidgetRow) -> list[Key]:
        keys: list[Key] = []
        view = row.view
        if view.href is not None:
            keys.append(("content", view.href))
        if row in self._hashes:
            keys.append(("content", (view.size, self._hashes[row])))
        if view.size and view.href is None:
            keys.append(("size", view.size))
        if path := self._path(row):
            keys.append(("path", path))
        return keys

    def _path(self, row: WidgetRow) -> str:
        """Return the path where a row's file is stored under its own name, `""` if it has none that is valid."""
        if not row.view.name:
            return ""
        fields = {"folder": row.view.folder or "/", "fileName": row.view.name}
        path = call_or_error(path_of, fields)
        return "" if isinstance(path, InvalidValue) else canonical_path(path, self._names)

    # Content

    def _hash_later(self, row: WidgetRow) -> None:
        """Hash the files of this machine with the size of a row, if there are several; returns at once."""
        group = self._groups.of(("size", row.view.size))
        wanted = [] if len(group) < _SEVERAL else group if len(group) == _SEVERAL else [row]
        self._unhashed |= dict.fromkeys(one for one in wanted if one.picked is None and one not in self._hashes)
        if self._unhashed and self._thread is None:
            self._thread = threading.Thread(target=self._hash, name="ikpipe.hashes", daemon=True)
            self._thread.start()

    def _hash(self) -> None:
        lock = self._controller.lock
        while True:
            hashes = self._some_hashes()
            with lock:
                known = {row: value for row, value in hashes.items() if self._controller.rows.get(row.id) is row}
                self._hashes |= known
                self._send(self._update(row.id for row in known))
                if not self._unhashed:
                    self._thread = None
                    return

    def _some_hashes(self) -> dict[WidgetRow, str]:
        """Return the hashes of the next files, as many as are made in a short time."""
        hashes: dict[WidgetRow, str] = {}
        ending = time.monotonic() + _HASHING
        while time.monotonic() < ending:
            with self._controller.lock:
                if not self._unhashed:
                    break
                row, _ = self._unhashed.popitem(last=False)
                source = row.view.file
            value = None if source is None else content_hash(source)
            if value is not None:
                hashes[row] = value
        return hashes

    # Library

    def _asks_library(self, row: WidgetRow) -> bool:
        return row.editable and bool(self._path(row)) and not any(column in row.edits for column in NAMING)

    def _found(self, paths: Sequence[str]) -> None:
        found = {path for path in paths if self._library is not None and self._library.file_at(path) is not None}
        if not found:
            return
        with self._controller.lock:
            self._send({row.id for path in found for row in self._groups.of(("path", path))})

    def _failed(self) -> None:
        self._controller.send_message({"type": "duplicates", "rows": [], "failed": True})

    # Answers

    def _send(self, ids: Iterable[str], asked: Iterable[str] = ()) -> None:
        """Send the answers that changed, and those of rows that are duplicates and were asked for."""
        firsts: dict[Key, WidgetRow] = {}
        again, changed = set(asked), []
        for row_id in ids:
            row, keys = self._keys.get(row_id, (None, ()))
            answer = None if row is None else self._answer(row, keys, firsts)
            if answer != self._sent.get(row_id) or (answer is not None and row_id in again):
                changed.append({"id": row_id, **(answer or {})})
            if answer is None:
                self._sent.pop(row_id, None)
            else:
                self._sent[row_id] = answer
        for start in range(0, len(changed), messages.MAX_DUPLICATES):
            some = changed[start : start + messages.MAX_DUPLICATES]
            self._controller.send_message({"type": "duplicates", "rows": some})

    def _answer(self, row: WidgetRow, keys: Sequence[Key], firsts: dict[Key, WidgetRow]) -> dict[str, Any] | None:
        """Return what a row is a duplicate of; None if it is not, or cannot be changed any more."""
        if not row.editable:
            return None
        for key in keys if row not in self._kept else ():
            if key[0] == "size" or (key[0] == "path" and row.view.target is not None):
                continue  # rows with the same fixed path have a problem
            if key not in firsts:
                firsts[key] = _first(self._groups.of(key))
            if firsts[key] is not row:
                return {"kind": key[0], "of": firsts[key].id}
        if self._library is None or not self._asks_library(row):
            return None
        file = self._library.file_at(self._path(row))
        return None if file is None else _library_answer(file)


class _Groups:
    """Rows by what they have in common. Most have nothing in common with others: one alone is kept without a dict."""

    def __init__(self) -> None:
        self._rows: dict[Key, WidgetRow | dict[WidgetRow, None]] = {}

    def of(self, key: Key) -> Collection[WidgetRow]:
        """Return the rows with a key, the one that was added first at the beginning."""
        group = self._rows.get(key, {})
        return group.keys() if isinstance(group, dict) else (group,)

    def add(self, key: Key, row: WidgetRow) -> None:
        """Add a row, if it is not there."""
        group = self._rows.setdefault(key, row)
        if isinstance(group, dict):
            group[row] = None
        elif group is not row:
            self._rows[key] = {group: None, row: None}

    def remove(self, key: Key, row: WidgetRow) -> None:
        """Remove a row that is there."""
        group = self._rows[key]
        if isinstance(group, dict) and len(group) > 1:
            del group[row]
        else:
            del self._rows[key]


def _first(group: Iterable[WidgetRow]) -> WidgetRow:
    """Return the row that the others are duplicates of: one that stays, else the one that was added first."""
    return min(group, key=lambda row: (row.editable, row.removable, row.number))


def _library_answer(file: Mapping[str, Any]) -> dict[str, Any]:
    texts = {name: str(file[key]) for name, key in (("path", "filePath"), ("url", "url")) if file.get(key)}
    size = file.get("size")
    return {"kind": "library", **texts, **without_none({"size": size if isinstance(size, int) else None})}
