"""The report of a run: what it shows, and that it can be passed on."""

from __future__ import annotations

import base64
import hashlib
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rows import result_frame

import ikpipe
from ikpipe.delivery.gallery.sample import GallerySample
from ikpipe.errors import CODES
from ikpipe.frames.chunks import InMemoryTable
from ikpipe.frames.results import ResultCollector
from ikpipe.request.result import Result

if TYPE_CHECKING:
    from pathlib import Path

URL = "https://ik.example/demo/a.jpg"


class Page(HTMLParser):
    """What a browser finds in a page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.html, self.text, self.style = html, "", ""
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note the element."""
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        """Note the text."""
        if self.tags and self.tags[-1][0] == "style":
            self.style += data
        else:
            self.text += data

    def all(self, name: str, attribute: str) -> list[str | None]:
        """Return the values of an attribute of the elements of a name."""
        return [attributes[attribute] for tag, attributes in self.tags if tag == name and attribute in attributes]


def page(*results: Result, title: str = "Results", limit: int = 200, **summary: Any) -> Page:
    """Return the report of these results."""
    frame = result_frame(pd.DataFrame(index=range(len(results))), list(results), summary)
    return Page(ikpipe.gallery(frame, limit=limit).document(title))


def stored(**fields: Any) -> Result:
    """Return the result of a row that is uploaded."""
    return Result("uploaded", **{"name": "a.jpg", "url": URL, "thumbnail_url": URL, "file_type": "image", **fields})


def test_problems_are_grouped_by_code() -> None:
    """Each group has its number, what the code means, and its rows; the cause comes before what it cancelled."""
    failed = [Result("failed", "server_error", f"reason {at}") for at in range(3)]
    shown = page(*failed, *[Result("cancelled", "cancelled", "Not sent.")] * 9, stored())
    assert "3 rows" in shown.text
    assert "reason 2" in shown.text
    assert CODES["server_error"].meaning in shown.text
    assert shown.html.index(">server_error</code>") < shown.html.index(">cancelled</code>")


def test_a_reason_that_all_rows_share_is_there_once() -> None:
    """And the rows are listed."""
    shown = page(*[Result("failed", "server_error", "The same reason.")] * 5)
    assert shown.text.count("The same reason.") == 1
    assert "row 4" in shown.text


def test_rows_without_names_have_no_column_for_them() -> None:
    """An empty column would only take room."""
    assert '<th scope="col">File' not in page(Result("invalid", "missing_file", "No file.")).html
    assert '<th scope="col">File' in page(Result("failed", "refused", "No.", name="a.jpg")).html


def test_a_reason_that_says_what_the_code_means_is_not_repeated() -> None:
    """It is above the rows."""
    about = CODES["missing_file"]
    text = page(*[Result("invalid", "missing_file", f"{about.meaning} {about.fix}")] * 3).text
    assert text.count(about.meaning) == 1


def test_no_more_than_the_limit_of_each_problem() -> None:
    """How many more there are is stated; those after the first ones unfold."""
    shown = page(*[Result("failed", "server_error", f"{at}") for at in range(90)], *[stored()] * 60, limit=40)
    assert "And 50 more rows." in shown.text
    assert "Show 30 more rows" in shown.text
    assert "20 more are uploaded" in shown.text
    assert ("row 39" in shown.text, "row 40" in shown.text) == (True, False)


def test_a_rare_problem_is_not_hidden_by_a_frequent_one() -> None:
    """The limit is that of each problem."""
    results = [*[Result("failed", "server_error", "x")] * 50, Result("invalid", "too_long", "rare")]
    assert "rare" in page(*results, limit=2).text


def test_the_numbers_of_the_run() -> None:
    """Rows, bytes, duration, rate and retries; mapping, run and journal."""
    known = {
        "seconds": 3600.0,
        "bytes": 5000,
        "retries": 3,
        "run": "night",
        "journal": "/j",
        "effective_mapping": "a ← x",
    }
    text = page(stored(size=2000), Result("failed", "refused"), **known).text
    for words in ("1 h 00 min", "5.0 kB", "2.0 kB", "Retries 3", "night", "/j", "a ← x"):
        assert words in text


HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "</style><script>alert(1)</script>",
    "javascript:alert(1)",
    "\u202egnp.exe",
    "\x1b[2J\x00",
    "]]><!--",
    "a" * 100_000,
]


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text(text: str) -> None:
    """It is text wherever it comes from: names, tags, messages, titles, mappings."""
    failed = Result("failed", text, text, name=text)
    known = {"effective_mapping": text, "warnings": [text], "journal": text, "run": text}
    shown = page(stored(name=text, tags=[text], file_path=f"/{text}"), failed, title=text, **known)
    assert not {"script", "iframe", "object", "embed", "form", "input", "link", "base"} & {tag for tag, _ in shown.tags}
    assert not [name for _, attributes in shown.tags for name in attributes if name.startswith("on")]
    assert shown.all("img", "src") == [URL]
    assert len(shown.html) < 100_000


@given(st.text(), st.text())
def test_any_text(name: str, message: str) -> None:
    """The page has the same elements."""
    shown = page(stored(name=name), Result("failed", "refused", message))
    assert [tag for tag, _ in shown.tags].count("table") == 1
    assert shown.all("a", "href") == [URL]


@pytest.mark.parametrize(
    "url",
    [
        f"{URL}?ik-t=1700000000&ik-s=abc",
        f"{URL}?X-Amz-Signature=abc",
        f"{URL}?Expires=1",
        "https://user:abc@ik.example/a.jpg",
        "javascript:alert(1)",
        "data:text/html,<script>alert(1)</script>",
        "file:///etc/passwd",
    ],
)
def test_addresses_that_are_no_links(url: str) -> None:
    """Signed ones expire and prove a right; others are no web addresses. Neither a link nor a picture has them."""
    shown = page(stored(url=url, thumbnail_url=url), Result("failed", "refused", f"See {url}."))
    assert not shown.all("a", "href")
    assert not shown.all("img", "src")
    assert "abc" not in shown.html.split("</style>")[1]


@pytest.mark.parametrize("url", [URL, f"{URL}?updatedAt=17", f"{URL}?tr=w-100&v=2"])
def test_addresses_that_are_links(url: str) -> None:
    """A transformation and a version are not secrets."""
    assert page(stored(url=url)).all("a", "href") == [url]


def test_the_policy_of_its_content() -> None:
    """Nothing but pictures is loaded, nothing runs, and the style is the one whose hash is in the policy."""
    shown = page(stored())
    (policy,) = shown.all("meta", "content")[:1]
    digest = base64.b64encode(hashlib.sha256(shown.style.encode()).digest()).decode()
    assert policy is not None
    assert policy.startswith("default-src 'none'")
    assert f"style-src 'sha256-{digest}'" in policy
    assert "script" not in policy
    assert not [name for _, attributes in shown.tags for name in attributes if name == "style"]


def test_a_gallery_is_saved(tmp_path: Path) -> None:
    """As a whole page, in a file that replaces the one before."""
    gallery = ikpipe.gallery(result_frame(pd.DataFrame(index=[0]), [stored(name="é")], {}))
    (tmp_path / "report.html").write_text("before")
    gallery.save(tmp_path / "report.html", title="Night")
    assert "<h1" in (tmp_path / "report.html").read_text("utf-8")
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]


def test_a_file_that_cannot_be_saved(tmp_path: Path) -> None:
    """The error is that of the system."""
    with pytest.raises(FileNotFoundError):
        ikpipe.gallery(result_frame(pd.DataFrame(index=[0]), [stored()], {})).save(tmp_path / "no" / "report.html")


def test_a_stream_is_sampled_in_its_order() -> None:
    """Chunks can end in any order; what is kept is bounded, and all rows are passed on."""
    table, sample = InMemoryTable(pd.DataFrame({"n": range(6)})), GallerySample(2)
    sink = sample.sink(collector := ResultCollector(table))
    (chunk,) = table.chunks()
    parts = [chunk.part(0, 3), chunk.part(3, 6)]
    results = [stored(name=f"{at}") if at % 2 else Result("failed", "refused", f"{at}") for at in range(6)]
    prepared = [sink.prepare(part, results[part.start : part.start + 3]) for part in reversed(parts)]
    for one in reversed(prepared):
        sink.take(one)
    sink.close({})
    assert [entry.label for entry in sample.uploaded] == ["1", "3"]
    assert [entry.row for entry in sample.others["refused"]] == ["row 0", "row 2"]
    assert len(collector.results) == 6
