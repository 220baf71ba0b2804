"""The report of a run as a web page of its own: figures, problems by kind, files, and how the run was made.

It has no scripts, loads only thumbnails, and has no links whose address proves a right, so that it can be passed on.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from hashlib import sha256
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlsplit
from xml.etree.ElementTree import Element

from ikpipe.delivery.gallery.html import foreign, tag, web_url, written
from ikpipe.delivery.gallery.page import GalleryEntry, badge_of, file_cards, kind_of, spaced, style_sheet
from ikpipe.errors import CODES, WARNINGS, cut, one_line
from ikpipe.request.result import SETTLED, Result
from ikpipe.request.secrets import without_secrets
from ikpipe.run.progress import format_bytes
from ikpipe.run.report import count_of, row_name
from ikpipe.run.summaries import Group

_FIRST = 10  # rows of a problem that are shown at once; the others unfold
_LONGEST = 2000  # characters of a reason
_HARMLESS = {"tr", "updatedat", "v"}  # parts of a query that prove nothing
_PLACE = "The results file has all rows."
_STATUSES = {
    "finished": "Finished",
    "interrupted": "Interrupted",
    "stopped": "Stopped",
    "rejected": "Account rejected",
    "unreachable": "Service unreachable",
    "invalid": "Invalid input",
    "crashed": "Crashed",
}


class Problem(NamedTuple):
    """Rows with the same problem: its kind and number, and the rows that are shown."""

    group: Group
    entries: Sequence[GalleryEntry]


class ReportPage(NamedTuple):
    """The report of a run.

    `facts` are those of its summary, as far as they are known. `uploaded` are the files to show. `write` returns a text
    of the library in the reader's terms. `hint` says where the rows are that are not shown.
    """

    title: str
    facts: Mapping[str, Any]
    problems: Sequence[Problem]
    uploaded: Sequence[GalleryEntry] = ()
    write: Callable[[str], str] = str
    hint: str = _PLACE

    def html(self) -> str:
        """Return the page."""
        body = tag("body", *self._parts(), class_="ik-gallery ik-page")
        return f"<!doctype html>\n{written(tag('html', _head(self.title), body, lang='en'))}\n"

    def _parts(self) -> Iterator[Element | None]:
        yield self._header()
        if error := self.facts.get("error"):
            yield foreign("p", _safe(error["message"]), class_="ik-alert", role="alert")
        yield _figures(self.facts)
        if counts := self.facts["counts"]:
            yield tag("p", *spaced([*map(badge_of, counts.items())]), class_="ik-counts")
        problems = [problem for problem in self.problems if problem.group.severity == "error"]
        problems.sort(key=lambda problem: "cancelled" in problem.group.statuses)  # the others are the cause
        warnings = [problem for problem in self.problems if problem.group.severity != "error"]
        yield _section("Needs attention", *map(self._problem, problems))
        yield _section("Warnings", *self._warnings(), *map(self._problem, warnings))
        shown = [shareable(entry) for entry in self.uploaded]
        if shown:
            total = sum(count for status, count in self.facts["counts"].items() if status in SETTLED)
            yield _section("Files", file_cards(shown, total, self.hint))
        yield _section("About this run", _about(self.facts))

    def _header(self) -> Element:
        facts = self.facts
        status = facts.get("status")
        parts = [tag("span", _STATUSES.get(status, status), class_=f"ik-badge ik-{_color(facts)}")] if status else []
        if facts.get("dry_run") and facts["command"] not in ("check", "plan"):
            parts.append(tag("span", "Dry run: nothing was changed", class_="ik-badge ik-odd"))
        if started := facts.get("started"):
            shown = datetime.fromisoformat(started).strftime("%Y-%m-%d %H:%M:%S UTC")
            parts.append(tag("time", shown, datetime=started))
        if facts.get("exit_status") is not None:
            parts.append(tag("span", f"Exit status {facts['exit_status']}"))
        return tag("header", foreign("h1", _safe(self.title)), tag("p", *spaced(parts)) if parts else None)

    def _warnings(self) -> Iterator[Element]:
        notes = [_safe(note) for note in self.facts.get("warnings") or ()]
        if unread := (self.facts.get("sync") or {}).get("not_deleted"):
            notes.append(f"Nothing was deleted: {_safe(unread)}")
        if count := self.facts["rows_with_warnings"]:
            notes.append(f"{count_of(count, 'row')} with warnings.")
        if notes:
            yield tag("ul", *(foreign("li", note) for note in notes), class_="ik-notes")

    def _problem(self, problem: Problem) -> Element:
        group, entries = problem.group, [shareable(entry) for entry in problem.entries]
        known = CODES.get(group.code or "") or WARNINGS.get(group.code or "")
        badges = [tag("span", status, class_=f"ik-badge ik-{kind_of(status)}") for status in group.statuses]
        head = [
            tag("h3", count_of(group.count, "row")),
            *badges,
            *([foreign("code", _safe(cut(group.code)))] if group.code else []),
        ]
        parts: list[Element | None] = [tag("header", *spaced(head))]
        about = "" if known is None else f"{self.write(known.meaning)} {self.write(known.fix)}"
        if about:
            parts.append(tag("p", about.replace("`", "")))
        reasons = [_safe(self.write(entry.result.message or "")) for entry in entries]
        parts += _rows(entries, ["" if reason == _safe(about) else reason for reason in reasons])
        if (more := group.count - len(entries)) > 0:
            parts.append(tag("p", f"And {count_of(more, 'more row')}. {self.hint}".rstrip(), class_="ik-more"))
        return tag("div", *parts, class_="ik-problem")


def _head(title: str) -> Element:
    style = style_sheet("gallery.css") + style_sheet("report.css")
    digest = b64encode(sha256(style.encode()).digest()).decode()
    policy = "; ".join(
        (
            "default-src 'none'",
            "img-src http: https: data:",
            f"style-src 'sha256-{digest}'",
            "base-uri 'none'",
            "form-action 'none'",
        )
    )
    return tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=policy),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("meta", name="referrer", content="no-referrer"),
        tag("title", _safe(title)),
        tag("style", style),
    )


def _section(title: str, *content: Element | None) -> Element | None:
    """Return a section with a heading; None if it would be empty."""
    parts = [part for part in content if part is not None]
    return tag("section", tag("h2", title), *parts) if parts else None


def _figures(facts: Mapping[str, Any]) -> Element:
    """Return the numbers of the run, as far as they are known."""
    counts = facts["counts"]
    uploaded = sum(count for status, count in counts.items() if status in SETTLED)
    figures = {"Rows": f"{facts['rows']:,}"}
    if facts["rows"] and not facts.get("dry_run") and not {*counts} & {"planned", "done", "valid"}:
        figures |= {"In the library": f"{uploaded:,}", "Not uploaded": f"{facts['rows'] - uploaded:,}"}
    if sync := facts.get("sync"):
        figures |= {"Moved": f"{sync['moved']:,}", "Deleted": f"{sync['deleted']:,}"}
    for name, key in (("Stored", "bytes_stored"), ("Sent from here", "bytes_sent")):
        if facts.get(key):
            figures[name] = format_bytes(facts[key])
    if (seconds := facts.get("seconds")) is not None:
        figures["Duration"] = duration(seconds)
    if facts.get("rate"):
        figures["Rows per second"] = f"{facts['rate']:,.1f}" if facts["rate"] >= 1 else f"{facts['rate']:.2g}"
    if facts.get("retries"):
        figures["Retries"] = f"{facts['retries']:,}"
    pairs = (tag("div", *spaced([tag("dt", name), tag("dd", text)])) for name, text in figures.items())
    return tag("dl", *pairs, class_="ik-figures")


def duration(seconds: float) -> str:
    """Return a number of seconds as text, such as ``2 h 05 min``."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours:,} h {minutes:02} min"
    return f"{minutes} min {rest:02} s" if minutes else f"{seconds:.1f} s"


def _color(facts: Mapping[str, Any]) -> str:
    """Return the color of the run's status: good only if nothing needs attention."""
    if facts["status"] != "finished":
        return "odd" if facts["status"] == "interrupted" else "bad"
    return "odd" if facts.get("exit_status") else "good"


def _rows(entries: Sequence[GalleryEntry], reasons: Sequence[str]) -> list[Element | None]:
    """Return rows with their reasons, which are not repeated if they are all the same."""
    if len(entries) > 1 and len({*reasons}) == 1:
        lines = [_named(entry) for entry in entries]
        shown: list[Element | None] = [foreign("p", f"Reason: {reasons[0]}")] if reasons[0] else []
        return [*shown, *_folded(lines, lambda some: tag("ul", *some, class_="ik-same"))]
    named = any(map(_name, entries))
    rows = [
        tag(
            "tr",
            tag("td", entry.row, class_="ik-row"),
            *([foreign("td", _name(entry), class_="ik-name")] if named else []),
            foreign("td", reason),
        )
        for entry, reason in zip(entries, reasons, strict=True)
    ]
    return _folded(rows, lambda some: _table(some, ("Row", "File", "Reason") if named else ("Row", "Reason")))


def _folded(rows: Sequence[Element], around: Callable[[Sequence[Element]], Element]) -> list[Element | None]:
    """Return rows in an element around them; those after the first ones unfold."""
    if not rows:
        return []
    first, rest = (rows, []) if len(rows) <= 2 * _FIRST else (rows[:_FIRST], rows[_FIRST:])
    more = [tag("details", tag("summary", f"Show {count_of(len(rest), 'more row')}"), around(rest))] if rest else []
    return [around(first), *more]


def _table(rows: Sequence[Element], names: Sequence[str]) -> Element:
    head = tag("tr", *(tag("th", name, scope="col") for name in names))
    return tag("table", tag("thead", head), tag("tbody", *rows))


def _name(entry: GalleryEntry) -> str:
    """Return the name of a row's file; empty text if its label is only that of the row."""
    return "" if entry.label in (entry.row, entry.row.partition(" (line ")[0]) else cut(entry.label, 200)


def _named(entry: GalleryEntry) -> Element:
    name = _name(entry)
    return tag("li", *spaced([tag("span", entry.row, class_="ik-soft"), *([foreign("span", name)] if name else [])]))


def _about(facts: Mapping[str, Any]) -> Element | None:
    names = {"Mapping": "effective_mapping", "Run": "run", "Journal": "journal"}
    about = {name: facts[key] for name, key in names.items() if facts.get(key)}
    if versions := facts.get("versions"):
        about["Versions"] = ", ".join(f"{name} {version}" for name, version in versions.items())
    pairs = [part for name, text in about.items() for part in (tag("dt", name), foreign("dd", _safe(text)))]
    return tag("dl", *pairs, class_="ik-about") if pairs else None


def _safe(text: object) -> str:
    """Return text on one line, without secrets."""
    return without_secrets(one_line(cut(str(text), _LONGEST)))


def shareable(entry: GalleryEntry) -> GalleryEntry:
    """Return a row without what must not be passed on: signed addresses, and secrets in text."""
    result = entry.result
    shown = replace(
        result,
        url=_open_url(result.url),
        thumbnail_url=_open_url(result.thumbnail_url),
        name=None if result.name is None else _safe(result.name),
        tags=None if result.tags is None else [_safe(one) for one in result.tags],
    )
    return entry._replace(label=_safe(entry.label), row=_safe(entry.row), result=shown)


def _open_url(url: object) -> str | None:
    """Return a web address that proves nothing; None for any other, such as a signed one that expires."""
    address = web_url(url)
    if address is None:
        return None
    parts = urlsplit(address)
    names = {name.lower() for name, _ in parse_qsl(parts.query, keep_blank_values=True)}
    return address if names <= _HARMLESS and "@" not in parts.netloc else None


def problems_of(groups: Sequence[Group], lines: Sequence[int] | None = None) -> list[Problem]:
    """Return problems with the rows that a summary has of them; `lines` are the rows' lines in their file."""
    return [Problem(group, [_entry(group, *row, lines) for row in group.rows]) for group in groups]


def _entry(
    group: Group, label: Any, position: int | None, text: str | None, lines: Sequence[int] | None
) -> GalleryEntry:
    row = row_name(label, position, lines)
    return GalleryEntry(row, Result("".join(group.statuses[:1]), group.code, text), row=row)
