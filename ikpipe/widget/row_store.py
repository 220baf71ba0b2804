"""All rows of an uploader, in order: by id, counted by state, and which of them changed."""

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

from ikpipe.widget.rows import WidgetRow


class RowStore:
    """The rows; `changed` are those that pages do not know yet, `version` counts the messages about rows."""

    def __init__(self, count: int) -> None:
        self._rows = {f"r{number}": WidgetRow(f"r{number}", number, position=number) for number in range(count)}
        self._input = self._next_number = count
        self._picked = 0
        self._states = {row: row.state for row in self._rows.values()}
        self._counts = Counter(self._states.values())
        self.changed: dict[WidgetRow, None] = {}
        self.selected: dict[str, None] = {}
        self.version = 0

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[WidgetRow]:
        return iter(self._rows.values())

    def get(self, row_id: str) -> WidgetRow | None:
        """Return a row, or None."""
        return self._rows.get(row_id)

    def subset(self, ids: Iterable[str] | None) -> list[WidgetRow]:
        """Return the rows with these ids, in order, without those that do not exist; None: all rows."""
        if ids is None:
            return list(self._rows.values())
        return sorted({row for row_id in ids if (row := self._rows.get(row_id))}, key=lambda row: row.number)

    def add(self) -> WidgetRow:
        """Add a row for a picked file."""
        row = WidgetRow(f"b{self._picked}", self._next_number)
        self._picked, self._next_number = self._picked + 1, self._next_number + 1
        self._rows[row.id] = row
        return row

    def add_input(self, count: int) -> list[WidgetRow]:
        """Add rows of the input, below those that it has."""
        rows = [
            WidgetRow(f"r{self._input + at}", self._next_number + at, position=self._input + at) for at in range(count)
        ]
        self._input, self._next_number = self._input + count, self._next_number + count
        self._rows |= {row.id: row for row in rows}
        return rows

    def remove(self, row: WidgetRow) -> None:
        """Remove a row."""
        del self._rows[row.id]
        self._counts[self._states.pop(row, row.state)] -= 1
        self.changed.pop(row, None)
        self.selected.pop(row.id, None)

    def restore(self, rows: Iterable[WidgetRow]) -> None:
        """Put rows back that were removed, at their places."""
        self._rows |= {row.id: row for row in rows}
        self._rows = dict(sorted(self._rows.items(), key=lambda item: item[1].number))

    def mark_changed(self, rows: Iterable[WidgetRow]) -> None:
        """Record that rows changed."""
        for row in rows:
            if row.id not in self._rows:
                continue
            before = self._states.get(row)
            if before != row.state:
                self._counts[row.state] += 1
                if before is not None:
                    self._counts[before] -= 1
                self._states[row] = row.state
            self.changed[row] = None

    def pop_changed(self, limit: int) -> list[WidgetRow]:
        """Return changed rows, which then count as unchanged."""
        rows = list(self.changed)[:limit]
        for row in rows:
            del self.changed[row]
        return rows

    def state_counts(self) -> dict[str, int]:
        """Return the number of rows in each state."""
        return {state: count for state, count in sorted(self._counts.items()) if count > 0}

    def rows_message(self, rows: list[WidgetRow], start: int | None = None) -> dict[str, Any]:
        """Return a message with rows; `start` is the place of the first one if all rows are sent."""
        self.version += 1
        optional = {} if start is None else {"start": start}
        head = {"type": "rows", "version": self.version, "total": len(self), **optional}
        return {**head, "rows": [row.to_message() for row in rows]}
