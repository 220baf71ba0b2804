"""A results frame as one HTML page: a picture for each file that is up, and for each other row what to do.

The page stands alone: pictures are embedded, and nothing is loaded from anywhere. Names, tags and messages come from
anywhere, so the page is built as a tree and never as text: none of them can become markup.
"""

from __future__ import annotations

from collections import Counter
from importlib.resources import files
from typing import TYPE_CHECKING, NamedTuple

from ikpipe.delivery.gallery.html import foreign, tag, written
from ikpipe.errors import CODES
from ikpipe.frames.results import results_of
from ikpipe.request.result import SETTLED, Result
from ikpipe.run.progress import size

if TYPE_CHECKING:
    from collections.abc import Mapping
    from xml.etree.ElementTree import Element

    import pandas as pd


class Entry(NamedTuple):
    """One row of the results, as the page shows it."""

    label: str
    result: Result
    picture: str | None


def contact_sheet(
    results: pd.DataFrame, pictures: Mapping[int, str], *, label: str, title: str = "Contact sheet"
) -> str:
    """Make the page.

    Parameters
    ----------
    results
        A results frame.
    pictures
        A row's position (0, 1, …) → its picture as a data URI; other files get a plain box.
    label
        The column that names a row for people.
    title
        The page's heading.
    """
    answers = results_of(results)
    labels = results[label].astype("string").fillna("")
    entries = [Entry(*pair, pictures.get(at)) for at, pair in enumerate(zip(labels, answers, strict=True))]
    up = [entry for entry in entries if entry.result.status in SETTLED]
    rest = [entry for entry in entries if entry.result.status not in SETTLED]
    body = tag("body", _header(title, answers), tag("main", _gallery(up), _rest(rest)))
    return "<!doctype html>\n" + written(tag("html", _head(title), body, lang="en")) + "\n"


def _head(title: str) -> Element:
    return tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("title", title),
        tag("style", files("ikpipe.cli.demo").joinpath("contact_sheet.css").read_text("utf-8")),
    )


def _header(title: str, results: list[Result]) -> Element:
    counts = Counter(result.status for result in results)
    stored = sum(result.size or 0 for result in results)
    facts = [_fact(status, str(count), status) for status, count in counts.most_common()]
    return tag("header", foreign("h1", title), tag("dl", *facts, _fact("stored", size(stored), "size")))


def _fact(name: str, value: str, kind: str) -> Element:
    return tag("div", tag("dt", name), tag("dd", value), class_=f"fact {kind}")


def _gallery(entries: list[Entry]) -> Element:
    heading = tag("h2", f"{len(entries)} up", id="up")
    return tag("section", heading, tag("ul", *map(_card, entries), class_="gallery"), aria_labelledby="up")


def _card(entry: Entry) -> Element:
    result = entry.result
    caption = tag(
        "figcaption",
        foreign("strong", entry.label),
        foreign("code", result.name),
        _tags(result),
        tag("span", tag("span", _dimensions(result)), _badge(result.status), class_="facts"),
    )
    return tag("li", tag("figure", _picture(entry), caption))


def _picture(entry: Entry) -> Element:
    if entry.picture is None:
        ending = (entry.result.name or "").rpartition(".")[2].upper()
        return tag("div", foreign("span", f"{ending}: no preview"), class_="picture none")
    return tag("div", tag("img", src=entry.picture, alt=entry.label, loading="lazy"), class_="picture")


def _dimensions(result: Result) -> str:
    sides = f"{result.width} × {result.height} · " if result.width and result.height else ""  # noqa: RUF001 - the sign for sizes
    return sides + size(result.size or 0)


def _tags(result: Result) -> Element | None:
    tags = [foreign("li", str(one)) for one in result.tags or []]
    if result.is_private_file:
        tags.append(tag("li", "private", class_="private"))
    return tag("ul", *tags, class_="tags", aria_label="Tags and access") if tags else None


def _badge(status: str) -> Element:
    return tag("span", status, class_=f"badge {status}")


def _rest(entries: list[Entry]) -> Element | None:
    """Set out the rows that are not up: the reason, and what the code's entry says to do."""
    if not entries:
        return None
    titles = tag("tr", *(tag("th", text, scope="col") for text in ("Row", "Status", "Reason", "What to do")))
    table = tag("table", tag("thead", titles), tag("tbody", *map(_line, entries)))
    heading = tag("h2", f"{len(entries)} not up", id="rest")
    frame = tag("div", table, class_="wide", role="region", tabindex="0", aria_labelledby="rest")
    return tag("section", heading, frame, aria_labelledby="rest")


def _line(entry: Entry) -> Element:
    result = entry.result
    code = CODES.get(result.error or "")
    return tag(
        "tr",
        foreign("th", entry.label, scope="row"),
        tag("td", _badge(result.status)),
        foreign("td", result.message or (code.meaning if code else result.error)),
        tag("td", code.fix if code else "retry()"),
    )
