"""`gallery`: results as pictures, wherever a notebook shows HTML.

It needs neither a kernel nor a script. It stays in the saved notebook and in its static export, and its text can be
read, without styles, in a notebook that is not trusted yet. Names and messages come from outside, so the page is built
as a tree of elements and never as text.

::

    page.py      the gallery: summary, cards of uploaded files, rows that are not uploaded
    report_page.py  the report of a run, a page of its own: figures, problems by kind, files
    sample.py    the rows that they show
    html.py      HTML as a tree of elements: text cannot become markup
    snippets.py  snippets to copy: URL, HTML, Markdown
    gallery.css, report.css  the styles of both, and of the page
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ikpipe.delivery.gallery.page import GalleryPage
from ikpipe.delivery.gallery.report_page import Problem, ReportPage
from ikpipe.delivery.gallery.sample import LIMIT, GallerySample, codes_of, entries
from ikpipe.errors import MappingError, did_you_mean
from ikpipe.frames.adapters import FrameAdapter
from ikpipe.frames.io.writing import replaced_file
from ikpipe.frames.result_types import check_result_columns
from ikpipe.frames.results import results_of
from ikpipe.request.result import SETTLED, UPLOADED
from ikpipe.run.progress import format_bytes
from ikpipe.run.report import StatusCounts
from ikpipe.run.summaries import Group, totals

if TYPE_CHECKING:
    import pandas as pd


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
            entries(part.head(limit), results_of(part.head(limit)), label)
            for part in (results[uploaded], results[~uploaded])
        )
        self._problems = _problems(results[~uploaded], GallerySample(limit, label))
        run = results.attrs.get("ikpipe")
        self._facts_of_run = totals(_counts(results), run if isinstance(run, Mapping) else {})

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

    def document(self, title: str, pictures: Mapping[str, str] | None = None) -> str:
        """Return a report of the results as an HTML page, without scripts, secrets and signed URLs.

        Parameters
        ----------
        title
            The heading.
        pictures
            Thumbnails to embed: URL → data URI.
        """
        embedded = pictures or {}
        uploaded = [entry._replace(picture=embedded.get(entry.result.thumbnail_url or "")) for entry in self._uploaded]
        hint = "gallery(results, limit=…) shows more."
        return ReportPage(title, self._facts_of_run, self._problems, uploaded, hint=hint).html()

    def save(
        self, path: str | PathLike[str], *, title: str = "Results", pictures: Mapping[str, str] | None = None
    ) -> None:
        """Write the page of `document` to a file, which appears as a whole.

        Parameters
        ----------
        path
            The file, such as ``"report.html"``.
        title, pictures
            As for `document`.

        Raises
        ------
        OSError
            The file cannot be written.
        """
        with replaced_file(Path(path)) as stream:
            stream.write(self.document(title, pictures).encode("utf-8", "replace"))


def _counts(results: pd.DataFrame) -> StatusCounts:
    """Return the counts of results, without examples."""
    statuses, columns = results["ik_status"], results.columns
    others = results[~statuses.isin(SETTLED)]
    counts = StatusCounts()
    counts.statuses.update(statuses.astype(str).tolist())
    if "ik_size" in columns:
        counts.stored_bytes = int(results.loc[statuses.isin(UPLOADED), "ik_size"].sum())
    if "ik_warnings" in columns:
        counts.with_warnings = sum(hasattr(cell, "__len__") and len(cell) > 0 for cell in results["ik_warnings"])
    counts.errors.update(codes_of(others).tolist())
    return counts


def _problems(others: pd.DataFrame, sample: GallerySample) -> list[Problem]:
    """Return the problems of rows that are not uploaded, the most frequent first."""
    if not len(others):
        return []
    sample.add_frame(others)
    codes, statuses = codes_of(others), others["ik_status"].astype(str)
    statuses_of: dict[str, dict[str, None]] = {}
    for code, status in zip(codes.tolist(), statuses.tolist(), strict=True):
        statuses_of.setdefault(code, {})[status] = None
    return [
        Problem(Group(code, [*statuses_of[code]], count, ()), sample.others.get(code, ()))
        for code, count in Counter(codes.tolist()).most_common()
    ]
