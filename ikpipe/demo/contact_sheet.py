"""A results frame as one HTML page: a picture for each file that is up, and for each other row what to do.

The page stands alone: pictures are embedded, and nothing is loaded from anywhere. Names, tags and messages come from
anywhere, so the page is built as a tree and never as text: none of them can become markup.
"""

from __future__ import annotations

from collections import Counter
from importlib.resources import files
from typing import TYPE_CHECKING, NamedTuple
from xml.etree.ElementTree import Element, tostring

from ikpipe._errors import CODES
from ikpipe._frame import results_of
from ikpipe._progress import size
from ikpipe._result import SETTLED, Result

if TYPE_CHECKING:
    from collections.abc import Mapping

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
    body = _tag("body", _header(title, answers), _tag("main", _gallery(up), _rest(rest)))
    return "<!doctype html>\n" + tostring(_tag("html", _head(title), body, lang="en"), "unicode", "html") + "\n"


def _tag(name: str, /, *content: Element | str | None, **attributes: str) -> Element:
    """Make an element; underscores stand for what Python's names cannot have, as in `class_` and `aria_label`."""
    element = Element(name, {key.rstrip("_").replace("_", "-"): value for key, value in attributes.items()})
    for part in content:
        if isinstance(part, Element):
            element.append(part)
        elif part:
            element.text = (element.text or "") + part
    return element


def _foreign(name: str, /, text: str | None, **attributes: str) -> Element:
    """Make an element of text from outside, whose own direction cannot reorder what stands beside it."""
    return _tag(name, text or "", dir="auto", **attributes)


def _head(title: str) -> Element:
    return _tag(
        "head",
        _tag("meta", charset="utf-8"),
        _tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        _tag("title", title),
        _tag("style", files("ikpipe.demo").joinpath("contact_sheet.css").read_text("utf-8")),
    )


def _header(title: str, results: list[Result]) -> Element:
    counts = Counter(result.status for result in results)
    stored = sum(result.size or 0 for result in results)
    facts = [_fact(status, str(count), status) for status, count in counts.most_common()]
    return _tag("header", _foreign("h1", title), _tag("dl", *facts, _fact("stored", size(stored), "size")))


def _fact(name: str, value: str, kind: str) -> Element:
    return _tag("div", _tag("dt", name), _tag("dd", value), class_=f"fact {kind}")


def _gallery(entries: list[Entry]) -> Element:
    heading = _tag("h2", f"{len(entries)} up", id="up")
    return _tag("section", heading, _tag("ul", *map(_card, entries), class_="gallery"), aria_labelledby="up")


def _card(entry: Entry) -> Element:
    result = entry.result
    caption = _tag(
        "figcaption",
        _foreign("strong", entry.label),
        _foreign("code", result.name),
        _tags(result),
        _tag("span", _tag("span", _dimensions(result)), _badge(result.status), class_="facts"),
    )
    return _tag("li", _tag("figure", _picture(entry), caption))


def _picture(entry: Entry) -> Element:
    if entry.picture is None:
        ending = (entry.result.name or "").rpartition(".")[2].upper()
        return _tag("div", _foreign("span", f"{ending}: no preview"), class_="picture none")
    return _tag("div", _tag("img", src=entry.picture, alt=entry.label, loading="lazy"), class_="picture")


def _dimensions(result: Result) -> str:
    sides = f"{result.width} × {result.height} · " if result.width and result.height else ""  # noqa: RUF001 - the sign for sizes
    return sides + size(result.size or 0)


def _tags(result: Result) -> Element | None:
    tags = [_foreign("li", str(tag)) for tag in result.tags or []]
    if result.is_private_file:
        tags.append(_tag("li", "private", class_="private"))
    return _tag("ul", *tags, class_="tags", aria_label="Tags and access") if tags else None


def _badge(status: str) -> Element:
    return _tag("span", status, class_=f"badge {status}")


def _rest(entries: list[Entry]) -> Element | None:
    """Set out the rows that are not up: the reason, and what the code's entry says to do."""
    if not entries:
        return None
    titles = _tag("tr", *(_tag("th", text, scope="col") for text in ("Row", "Status", "Reason", "What to do")))
    table = _tag("table", _tag("thead", titles), _tag("tbody", *map(_line, entries)))
    heading = _tag("h2", f"{len(entries)} not up", id="rest")
    frame = _tag("div", table, class_="wide", role="region", tabindex="0", aria_labelledby="rest")
    return _tag("section", heading, frame, aria_labelledby="rest")


def _line(entry: Entry) -> Element:
    result = entry.result
    code = CODES.get(result.error or "")
    return _tag(
        "tr",
        _foreign("th", entry.label, scope="row"),
        _tag("td", _badge(result.status)),
        _foreign("td", result.message or (code.meaning if code else result.error)),
        _tag("td", code.mend if code else "retry()"),
    )
