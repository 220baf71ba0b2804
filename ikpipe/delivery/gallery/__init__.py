"""`gallery`: results as pictures, wherever a notebook shows HTML.

It needs neither a kernel nor a script. It stays in the saved notebook and in its static export, and its text can be
read, without styles, in a notebook that is not trusted yet. Names and messages come from outside, so the page is built
as a tree of elements and never as text.

::

    page.py      the page: summary, cards of uploaded files, rows that are not uploaded
    html.py      HTML as a tree of elements: text cannot become markup
    snippets.py  snippets to copy: URL, HTML, Markdown
    gallery.css  the style
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ikpipe.delivery.gallery.page import GalleryEntry, GalleryPage
from ikpipe.errors import MappingError, did_you_mean
from ikpipe.frames.adapters import FrameAdapter
from ikpipe.frames.result_types import check_result_columns
from ikpipe.frames.results import results_of
from ikpipe.request.result import SETTLED
from ikpipe.run.progress import format_bytes

if TYPE_CHECKING:
    import pandas as pd

LIMIT = 200
"""Default maximum number of uploaded files, and of other rows, in a gallery."""


def gallery(results: Any, *, limit: int = LIMIT, label: str | None = None) -> Gallery:
    """Return a gallery of results: a picture of each uploaded file, and for each other row what to do.

    Parameters
    ----------
    results
        Results of `upload`, `retry`, `resume` or `read_results`, or an uploader's `.results`.
    limit
        Maximum number of uploaded files, and of other rows. The gallery says how many more there are.
    label
        A column with a name for each row; default: the file's name, or else the index label.

    Returns
    -------
    Gallery
        An object that a notebook shows as HTML, for example as the last line of a cell.

    Raises
    ------
    MappingError
        `results` is not a results frame or lacks the column, or the limit is negative.
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
    """Results as pictures, as `ikpipe.gallery` returns them. The content is fixed when the object is made."""

    def __init__(self, results: pd.DataFrame, limit: int, label: str | None) -> None:
        results_of(results.iloc[:0])  # raises an error if it is not a results frame
        check_result_columns(results)
        results = results[results["ik_status"].notna()]
        self._counts = {str(status): count for status, count in results["ik_status"].value_counts().items()}
        self._stored = float(results["ik_size"].sum()) if "ik_size" in results.columns else 0.0
        uploaded = results["ik_status"].isin(SETTLED)
        self._uploaded, self._others = (
            entries(part.head(limit), label) for part in (results[uploaded], results[~uploaded])
        )

    def __repr__(self) -> str:
        return f"<Gallery: {', '.join(self._facts())}>"

    def _facts(self) -> list[str]:
        total = sum(self._counts.values())
        counts = [f"{count:,} {status}" for status, count in self._counts.items()]
        return [
            f"{total:,} file{'' if total == 1 else 's'}",
            *counts,
            *([format_bytes(self._stored)] if self._stored else []),
        ]

    def _repr_html_(self) -> str:
        return GalleryPage(self._counts, self._stored, self._uploaded, self._others).html()

    def document(self, title: str, pictures: Mapping[str, str]) -> str:
        """Return the gallery as an HTML page.

        Parameters
        ----------
        title
            The heading.
        pictures
            Thumbnails to embed: URL → data URI.
        """
        uploaded = [entry._replace(picture=pictures.get(entry.result.thumbnail_url or "")) for entry in self._uploaded]
        return GalleryPage(self._counts, self._stored, uploaded, self._others).document(title)


def entries(results: pd.DataFrame, label: str | None) -> list[GalleryEntry]:
    """Return rows of a results frame as entries, each with its label."""
    names = results[label].tolist() if label else [None] * len(results)
    files = results["file"].tolist() if "file" in results.columns else names
    rows = zip(results.index, names, files, results_of(results), strict=True)
    return [GalleryEntry(_label(at, (name, result.name, file)), result) for at, name, file, result in rows]


def _label(index_label: object, names: tuple[object, ...]) -> str:
    """Return the first text among the names of a row, or else its index label."""
    return next((name for name in names if isinstance(name, str) and name), f"row {index_label}")
