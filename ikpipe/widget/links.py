"""URLs that a page adds: a page is not trusted, so they are nothing but http(s) URLs, never paths of this machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ikpipe.errors import InvalidValue
from ikpipe.request.urls import valid_url

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ikpipe.widget.controller import Controller
    from ikpipe.widget.messages import AddUrlsMessage
    from ikpipe.widget.rows import WidgetRow


class Links:
    """Adds rows for URLs to those of a controller."""

    def __init__(self, controller: Controller) -> None:
        self._controller = controller

    def add(self, message: AddUrlsMessage) -> None:
        """Add rows for URLs, and report which of them are invalid."""
        urls, refused = read_links(message.urls)
        rows = self.rows(urls)
        self._controller.send_added(rows)
        ids = [row.id for row in rows]
        answer = {"type": "urls_added", "request": message.request, "ids": ids, "refused": refused}
        self._controller.send_message(answer)

    def rows(self, urls: Sequence[str]) -> list[WidgetRow]:
        """Return new rows for URLs; raise `MappingError` if the mapping has no column for them."""
        rows = self._controller.add_input(self._controller.table.files_frame(urls))[0] if urls else []
        for row in rows:
            row.added = True
        return rows


def read_links(texts: Sequence[str]) -> tuple[list[str], list[int]]:
    """Return the valid URLs among texts, and the places of those that are not."""
    urls, refused = [], []
    for at, text in enumerate(texts):
        try:
            urls.append(valid_url(text))
        except InvalidValue:
            refused.append(at)
    return urls, refused
