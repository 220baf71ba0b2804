"""The contact sheet shows each row, and what it shows can do no harm."""

from functools import cache
from html.parser import HTMLParser
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rows import result_frame

from ikpipe.cli.demo.contact_sheet import contact_sheet
from ikpipe.errors import CODES
from ikpipe.request.result import Result

PICTURE = "data:image/png;base64,AAAA"


class Page(HTMLParser):
    """What a browser would find in the page: its elements, and its text outside the style sheet."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note the element."""
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        """Note the text."""
        if self.tags and self.tags[-1][0] != "style":
            self.text.append(data)

    def attributes(self, name: str, attribute: str) -> list[str | None]:
        """Give the values of an attribute of the elements of this name."""
        return [attributes[attribute] for tag, attributes in self.tags if tag == name and attribute in attributes]


def uploaded(**fields: Any) -> Result:
    """Make the result of a row that is up."""
    given: dict[str, Any] = {"name": "a.jpg", "file_type": "image", "size": 1500, "width": 40, "height": 30}
    return Result("uploaded", **(given | fields))


def sheet(*results: Result, titles: list[str | None] | None = None, pictures: dict[int, str] | None = None) -> Page:
    """Make the page of these results, whose rows are called as `titles` says."""
    frame = pd.DataFrame({"title": titles or [f"row {at}" for at in range(len(results))]}, dtype="string")
    return Page(contact_sheet(result_frame(frame, results, {}), pictures or {}, label="title", title="Sheet"))


def test_picture_with_its_text_alternative() -> None:
    """An image's card has its picture, whose alternative is the row's name."""
    page = sheet(uploaded(), titles=["A cat"], pictures={0: PICTURE})
    assert page.attributes("img", "src") == [PICTURE]
    assert page.attributes("img", "alt") == ["A cat"]


@pytest.mark.parametrize("shown", ["a.jpg", "40 × 30 · 1.5 kB", "private", "sale", "uploaded", "1 up"])  # noqa: RUF001 - the sign
def test_card(shown: str) -> None:
    """A card says name, size in pixels and bytes, tags, status, and whether the file is private."""
    assert shown in sheet(uploaded(tags=["sale"], is_private_file=True)).text


def test_no_preview() -> None:
    """A file without a picture has a box that says its kind."""
    page = sheet(uploaded(name="manual.pdf", width=None, height=None))
    assert "PDF: no preview" in page.text
    assert not page.attributes("img", "src")


def test_row_that_is_not_up() -> None:
    """A row that is not up is in the table, with the reason and what to do."""
    page = sheet(Result("failed", "name_taken", "A file with the same name already exists."))
    assert {"1 not up", "failed", "A file with the same name already exists.", CODES["name_taken"].fix} <= {*page.text}


def test_reason_without_a_message() -> None:
    """Where the service gave no words, the code's meaning is the reason."""
    assert CODES["connection_lost"].meaning in sheet(Result("unknown", "connection_lost")).text


def test_code_of_a_later_version() -> None:
    """A code that this version does not know is shown as it is."""
    assert "new_code" in sheet(Result("failed", "new_code")).text


@pytest.mark.parametrize("result", [uploaded(), Result("invalid", "too_long", "tags: too long")])
def test_every_status_is_counted(result: Result) -> None:
    """The header counts the rows of each status."""
    page = sheet(result, result)
    at = page.text.index(result.status)
    assert page.text[at + 1] == "2"


def test_no_table_when_all_is_up() -> None:
    """Where every row is up there is no table of the others."""
    assert "table" not in {tag for tag, _ in sheet(uploaded()).tags}


def test_missing_name() -> None:
    """A row whose naming cell is empty still has a card."""
    assert "a.jpg" in sheet(uploaded(), titles=[None]).text


def test_nothing_is_loaded() -> None:
    """The page loads nothing: no script, no link, no address but embedded pictures."""
    page = sheet(uploaded(url="http://example.com/a.jpg"), pictures={0: PICTURE})
    assert not {"script", "link", "iframe"} & {tag for tag, _ in page.tags}
    assert all(str(source).startswith("data:") for source in page.attributes("img", "src"))


TEXT = st.text(st.characters(exclude_categories=("Cs", "Cc"))) | st.sampled_from(
    ["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "</style><b>", "&lt;", "\u202egpj.exe"]
)


@cache
def plain_tags() -> list[str]:
    """Give the elements of a page whose texts are harmless."""
    results = [uploaded(name="a", tags=["b"]), Result("failed", "refused", "c")]
    return [kind for kind, _ in sheet(*results, pictures={0: PICTURE}).tags]


@pytest.mark.slow
@settings(max_examples=40, deadline=None)
@given(name=TEXT, tag=TEXT, message=TEXT)
def test_no_text_becomes_markup(name: str, tag: str, message: str) -> None:
    """Whatever rows, tags and messages say is text, and changes no element of the page."""
    results = [uploaded(name=name, tags=[tag]), Result("failed", "refused", message or None)]
    page = sheet(*results, titles=[name, name], pictures={0: PICTURE})
    assert [kind for kind, _ in page.tags] == plain_tags()
    assert page.attributes("img", "alt") == [name]


def test_direction_of_foreign_text() -> None:
    """Text from outside stands in an element of its own direction, so that it reorders nothing beside it."""
    page = sheet(uploaded(tags=["שלום"]))
    assert ("li", {"dir": "auto"}) in page.tags
