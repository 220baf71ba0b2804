"""All rows of an uploader, in their order: found by id, counted by state, and which of them have changed."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from ikpipe.widget.rows import WidgetRow

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


class RowStore:
    """The rows; `changed` are those of which the browser has not been told yet, `version` counts what it was told."""

    def __init__(self, positions: int) -> None:
        self._rows = {f"r{at}": WidgetRow(f"r{at}", at, position=at) for at in range(positions)}
        self._next = positions
        self._picked = 0
        self._states = {row: row.state for row in self._rows.values()}
        self.counts = Counter(self._states.values())
        self.changed: dict[WidgetRow, None] = {}
        self.selected: dict[str, None] = {}
        self.version = 0

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[WidgetRow]:
        return iter(self._rows.values())

    def get(self, name: str) -> WidgetRow | None:
        """Find a row."""
        return self._rows.get(name)

    def some(self, names: Iterable[str] | None) -> list[WidgetRow]:
        """Find some rows, in their order; None: all. Those that there are not are left out."""
        if names is None:
            return list(self._rows.values())
        return sorted({row for name in names if (row := self._rows.get(name))}, key=lambda row: row.at)

    def add(self) -> WidgetRow:
        """Make a row for a picked file."""
        row = WidgetRow(f"b{self._picked}", self._next)
        self._picked, self._next = self._picked + 1, self._next + 1
        self._rows[row.id] = row
        return row

    def remove(self, row: WidgetRow) -> None:
        """Take a row away."""
        del self._rows[row.id]
        self.counts[self._states.pop(row, row.state)] -= 1
        self.changed.pop(row, None)
        self.selected.pop(row.id, None)

    def touch(self, rows: Iterable[WidgetRow]) -> None:
        """Note that rows have changed."""
        for row in rows:
            if row.id not in self._rows:
                continue
            before = self._states.get(row)
            if before != row.state:
                self.counts[row.state] += 1
                if before is not None:
                    self.counts[before] -= 1
                self._states[row] = row.state
            self.changed[row] = None

    def take(self, most: int) -> list[WidgetRow]:
        """Take changed rows that are to be told."""
        some = list(self.changed)[:most]
        for row in some:
            del self.changed[row]
        return some

    def counted(self) -> dict[str, int]:
        """Give how many rows are in each state."""
        return {state: count for state, count in sorted(self.counts.items()) if count > 0}

    def message(self, rows: list[WidgetRow], start: int | None = None) -> dict[str, Any]:
        """Write what the browser is told of rows."""
        self.version += 1
        where = {} if start is None else {"start": start}
        told = [row.told() for row in rows]
        return {"type": "rows", "version": self.version, "total": len(self), **where, "rows": told}
