"""The gallery's page: a summary, a card for each uploaded file, and the other rows with their reasons."""

from importlib.resources import files
from typing import NamedTuple
from xml.etree.ElementTree import Element

from ikpipe.delivery.gallery.html import foreign, tag, web_url, written
from ikpipe.delivery.gallery.snippets import snippets
from ikpipe.errors import CODES, cut
from ikpipe.request.result import SETTLED, Result
from ikpipe.run.progress import format_bytes

# Classes that keep MathJax 2 and 3 from reading text as a formula.
_PLAIN = "mathjax_ignore tex2jax_ignore"
_LONGEST = 200  # characters of a label
# A notebook's URL can contain its password (`?token=`), so it is sent to nobody.
_PRIVATELY = {"referrerpolicy": "no-referrer"}
_WELL = ("valid", "done", "upload", "replace", "update", "skip")  # outcomes besides those of uploads
_LIMIT = "gallery(results, limit=…) shows more."
_TIPS = {
    "unknown": "It may be stored. retry() searches the library first.",
    "accepted": "It is being processed. refresh() completes it.",
}


class GalleryEntry(NamedTuple):
    """A row of the results and its label; `picture` is a thumbnail to embed, as a data URI, `row` the row's name."""

    label: str
    result: Result
    picture: str | None = None
    row: str = ""


class GalleryPage(NamedTuple):
    """The content of a gallery: counts by status and bytes of all rows, and the entries to show."""

    counts: dict[str, int]
    stored: float
    uploaded: list[GalleryEntry]
    others: list[GalleryEntry]

    def html(self) -> str:
        """Return the gallery as a part of a page."""
        return written(
            tag("div", tag("style", style_sheet("gallery.css")), *self._parts(), class_=f"ik-gallery {_PLAIN}")
        )

    def _parts(self) -> list[Element | None]:
        uploaded = sum(count for status, count in self.counts.items() if status in SETTLED)
        others = sum(self.counts.values()) - uploaded
        return [self._summary(), file_cards(self.uploaded, uploaded), _failures(self.others, others)]

    def _summary(self) -> Element:
        total = sum(self.counts.values())
        parts = [_count(total, "file" if total == 1 else "files"), *map(badge_of, self.counts.items())]
        return tag(
            "p", *spaced([*parts, *([tag("span", format_bytes(self.stored))] if self.stored else [])]), class_="ik-sum"
        )


def style_sheet(name: str) -> str:
    """Return the text of a style sheet of the gallery."""
    return files("ikpipe.delivery.gallery").joinpath(name).read_text("utf-8")


def spaced(parts: list[Element]) -> list[Element]:
    """Put a space after each part, so that words do not run together without styles."""
    for part in parts:
        part.tail = " "
    return parts


def _count(number: int, noun: str) -> Element:
    return tag("strong", f"{number:,} {noun}")


def badge_of(counted: tuple[str, int]) -> Element:
    """Return a badge with a status and its number of rows."""
    status, count = counted
    return tag("span", f"{count:,} {status}", class_=f"ik-badge ik-{kind_of(status)}")


def kind_of(status: str) -> str:
    """Return the color class of a status."""
    if status in SETTLED or status in _WELL:
        return "good" if status != "accepted" else "odd"
    return "bad" if status in {"failed", "invalid"} else "odd"


def file_cards(entries: list[GalleryEntry], total: int, hint: str = _LIMIT) -> Element | None:
    """Return a card for each of some files of a total number; `hint` says where the others are."""
    if not total:
        return None
    more = _more(total - len(entries), "uploaded or there already", hint)
    return tag("div", tag("ul", *map(_card, entries), class_="ik-cards"), more)


def _more(count: int, what: str, hint: str = _LIMIT) -> Element | None:
    if not count:
        return None
    return tag("p", f"{count:,} more {'is' if count == 1 else 'are'} {what}. {hint}".rstrip(), class_="ik-more")


def _card(entry: GalleryEntry) -> Element:
    result, url = entry.result, web_url(entry.result.url)
    texts = [
        foreign("strong", cut(entry.label, _LONGEST)),
        foreign("span", _place(entry), class_="ik-soft"),
        *_tags(result),
        tag("span", *spaced([_facts(result), *_marks(result)]), class_="ik-facts"),
    ]
    caption = tag("figcaption", *spaced(texts), _copies(result, url) if url else None)
    return tag("li", tag("figure", _opening(_picture(entry), url), caption))


def _tags(result: Result) -> list[Element]:
    tags = [foreign("span", str(one)) for one in result.tags or ()]
    return [tag("span", *spaced(tags), class_="ik-tags")] if tags else []


def _place(entry: GalleryEntry) -> str:
    """Return a file's folder, or its path if the label is not the file's name."""
    path = entry.result.file_path or ""
    return cut(path.rpartition("/")[0] if entry.label == entry.result.name else path, _LONGEST) or "/"


def _facts(result: Result) -> Element:
    sides = f"{result.width} × {result.height}" if result.width and result.height else ""  # noqa: RUF001 - the sign for sizes
    weight = format_bytes(result.size) if result.size is not None else ""
    return tag("span", " · ".join(filter(None, (sides, weight))))


def _marks(result: Result) -> list[Element]:
    """Return badges for a status other than "uploaded", and for private files."""
    marks = ["private"] if result.is_private_file else []
    status = (
        []
        if result.status == "uploaded"
        else [tag("span", result.status, class_=f"ik-badge ik-{kind_of(result.status)}")]
    )
    return [*status, *(tag("span", mark, class_="ik-badge ik-odd") for mark in marks)]


def _opening(content: Element, url: str | None) -> Element:
    """Return the picture as a link to the file."""
    if not url:
        return tag("div", content, class_="ik-picture")
    return tag("a", content, href=url, target="_blank", rel="noopener noreferrer", class_="ik-picture")


def _picture(entry: GalleryEntry) -> Element:
    result, thumbnail = entry.result, entry.picture or web_url(entry.result.thumbnail_url)
    if thumbnail and result.file_type == "image":
        # The height also applies without styles.
        return tag("img", src=thumbnail, alt=cut(entry.label, _LONGEST), loading="lazy", height="150", **_PRIVATELY)
    _, dot, ending = (result.name or "").rpartition(".")
    return foreign("span", ending.upper()[:12] if dot else "file", class_="ik-none")


def _copies(result: Result, url: str) -> Element:
    """Return snippets to copy: a click selects the whole text, without a script."""
    lines = [_copy(name, text) for name, text in snippets(result, url).items()]
    return tag("details", tag("summary", "Copy"), *lines)


def _copy(name: str, text: str) -> Element:
    code = tag("code", text, dir="ltr", tabindex="0", role="textbox", aria_readonly="true", aria_label=name)
    return tag("div", *spaced([tag("span", name, class_="ik-soft"), code]), class_="ik-copy")


def _failures(entries: list[GalleryEntry], total: int) -> Element | None:
    """Return the rows that are not uploaded, with the reason and the fix."""
    if not total:
        return None
    heading = tag("p", _count(total, "not uploaded"), class_="ik-sum")
    return tag(
        "div",
        heading,
        tag("ul", *map(_failure, entries), class_="ik-rest"),
        _more(total - len(entries), "not uploaded"),
    )


def _failure(entry: GalleryEntry) -> Element:
    result = entry.result
    code = CODES.get(result.error or "")
    why = result.message or (code.meaning if code else result.error)
    badge = tag("span", result.status, class_=f"ik-badge ik-{kind_of(result.status)}")
    todo = code.fix if code else _TIPS.get(result.status, "retry() uploads it.")
    parts = [badge, foreign("strong", cut(entry.label, _LONGEST)), foreign("span", why), tag("em", todo)]
    return tag("li", *spaced(parts))
