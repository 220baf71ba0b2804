"""The table's own columns, which pages can show in the list."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from ikpipe.errors import InvalidValue
from ikpipe.request.missing import missing
from ikpipe.request.values import to_text
from ikpipe.widget.message_fields import MAX_WORD, InvalidMessage

if TYPE_CHECKING:
    import pandas as pd

    from ikpipe.widget.controller import Controller
    from ikpipe.widget.messages import ValuesMessage

_MOST = 100  # columns that pages can choose
_ROWS = 5_000  # of a message


def own_columns(frame: pd.DataFrame) -> list[str]:
    """Return the names of a table's columns that a page can show."""
    return [name for name in map(str, frame.columns) if name and len(name) <= MAX_WORD][:_MOST]


class OwnColumns:
    """Sends the values of columns of a controller's table to pages."""

    def __init__(self, controller: Controller) -> None:
        self._controller = controller

    def send(self, message: ValuesMessage) -> None:
        """Send the texts of a column by row, cut to a length, the last ones with the answer."""
        if message.column not in own_columns(self._controller.table.input):
            raise InvalidMessage("there is no such column", message.request, "row_gone")
        head = {"type": "values", "column": message.column}
        texts = [*self._texts(message.column)]
        for start in range(0, max(1, len(texts)), _ROWS):
            last = start + _ROWS >= len(texts)
            answer = {"request": message.request} if last else {}
            self._controller.send_message({**head, **answer, "texts": dict(texts[start : start + _ROWS])})

    def _texts(self, column: str) -> Iterator[tuple[str, str]]:
        frame = self._controller.table.input
        at = [*map(str, frame.columns)].index(column)
        cells = frame.iloc[:, at].tolist()
        whole = self._controller.table.has_whole_floats(at)
        for row in self._controller.rows:
            if row.position is not None and not missing(value := cells[row.position]):
                yield row.id, _text(int(value) if whole and isinstance(value, float) else value)


def _text(value: Any) -> str:
    if isinstance(value, bytes | bytearray | memoryview):
        return f"{len(value):,} bytes"
    try:
        return to_text(value)[:MAX_WORD]
    except InvalidValue:
        return str(value)[:MAX_WORD]
