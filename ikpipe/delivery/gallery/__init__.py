"""gallery: a results frame as pictures, wherever a notebook shows HTML.

It needs neither a kernel nor a script: what it shows stays in the saved notebook and in its static export, and can be
read, without its looks, in a notebook that nobody trusts yet. Names and messages come from anywhere, so it is built as
a tree and never as text.

::

    page.py      the page as a tree
    html.py      HTML as a tree: text cannot become markup
    snippets.py  what to paste elsewhere so that a file shows there
    gallery.css  the style
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ikpipe.delivery.gallery.page import GalleryEntry, GalleryPage
from ikpipe.errors import MappingError, did_you_mean
from ikpipe.frames.adapters import FrameAdapter
from ikpipe.frames.result_types import check_result_columns
from ikpipe.frames.results import results_of
from ikpipe.request.result import SETTLED
from ikpipe.run.progress import size

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

LIMIT = 200
"""How many files that are up are shown, and how many rows that are not, where nobody says."""


def gallery(results: Any, *, limit: int = LIMIT, label: str | None = None) -> Gallery:
    """Show a results frame: a picture for each file that is up, and for each other row what to do.

    Parameters
    ----------
    results
        What `upload`, `retry`, `resume` or `read_results` gave, or an uploader's `.results`.
    limit
        How many files that are up are shown, and how many rows that are not. How many more there are is said.
    label
        A column that names a row for people. Without it a row has its file's name, else what its index calls it.

    Returns
    -------
    Gallery
        An object that a notebook shows as HTML: the last line of a cell is enough.

    Raises
    ------
    MappingError
        It is no results frame, has no such column, or the limit is negative.
    """
    if limit < 0:
        raise MappingError(f"limit is {limit}; it is the number of files to show: 0 or more.")
    frame = FrameAdapter(results).frame
    if label is not None and label not in frame.columns:
        raise MappingError(
            f"The frame has no column {label!r}{did_you_mean(label, frame.columns)}, which label= names."
        )
    return Gallery(frame, limit, label)


class Gallery:
    """A results frame to be looked at; `ikpipe.gallery` makes it. What it shows is fixed when it is made."""

    def __init__(self, results: pd.DataFrame, limit: int, label: str | None) -> None:
        results_of(results.iloc[:0])  # raises where it is none
        check_result_columns(results)
        results = results[results["ik_status"].notna()]
        self._counts = {str(status): count for status, count in results["ik_status"].value_counts().items()}
        self._stored = float(results["ik_size"].sum()) if "ik_size" in results.columns else 0.0
        up = results["ik_status"].isin(SETTLED)
        self._up, self._rest = (entries(part.head(limit), label) for part in (results[up], results[~up]))

    def __repr__(self) -> str:
        return f"<Gallery: {', '.join(self._facts())}>"

    def _facts(self) -> list[str]:
        total = sum(self._counts.values())
        counts = [f"{count:,} {status}" for status, count in self._counts.items()]
        return [f"{total:,} file{'' if total == 1 else 's'}", *counts, *([size(self._stored)] if self._stored else [])]

    def _repr_html_(self) -> str:
        return GalleryPage(self._counts, self._stored, self._up, self._rest).html()

    def document(self, title: str, pictures: Mapping[str, str]) -> str:
        """Return it as an HTML page of its own; `pictures` maps thumbnails' URLs to data URIs, which are embedded."""
        up = [entry._replace(picture=pictures.get(entry.result.thumbnail_url or "")) for entry in self._up]
        return GalleryPage(self._counts, self._stored, up, self._rest).document(title)


def entries(results: pd.DataFrame, label: str | None) -> list[GalleryEntry]:
    """Read rows of a results frame, each with what people call it."""
    names = results[label].tolist() if label else [None] * len(results)
    given = results["file"].tolist() if "file" in results.columns else names
    rows = zip(results.index, names, given, results_of(results), strict=True)
    return [GalleryEntry(_called(at, (name, result.name, file)), result) for at, name, file, result in rows]


def _called(at: object, names: tuple[object, ...]) -> str:
    """Give what people call a row: the first text among its names, else its index label."""
    found = next((name for name in names if isinstance(name, str) and name), None)
    return found or f"row {at}"
