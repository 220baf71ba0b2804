"""The gallery shows any results frame, and what it shows can do no harm."""

from html.parser import HTMLParser
from typing import Any

import pandas as pd
import pytest
from examples import plays
from hypothesis import given
from hypothesis import strategies as st
from rows import result_frame

import ikpipe
from ikpipe import MappingError
from ikpipe.delivery.gallery.html import web_url
from ikpipe.delivery.gallery.snippets import snippets
from ikpipe.errors import CODES
from ikpipe.request.result import Result

URL = "https://ik.example/demo/a.jpg"
THUMBNAIL = "https://ik.example/demo/tr:n-media_library_thumbnail/a.jpg"


class Shown(HTMLParser):
    """What a browser finds in a gallery: its elements, and its text without the style sheet."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.html = html
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


def up(**fields: Any) -> Result:
    """Make the result of a row that is up."""
    given: dict[str, Any] = {
        "name": "a.jpg", "file_path": "/cats/a.jpg", "file_type": "image", "size": 1500, "width": 40, "height": 30,
        "url": URL, "thumbnail_url": THUMBNAIL,
    }  # fmt: skip
    return Result("uploaded", **(given | fields))


def frame(*results: Result, **columns: list[Any]) -> pd.DataFrame:
    """Make a results frame."""
    return result_frame(pd.DataFrame(columns or {"n": range(len(results))}), list(results), {})


def shown(*results: Result, **options: Any) -> Shown:
    """Show these results."""
    return Shown(ikpipe.gallery(frame(*results), **options)._repr_html_())


@pytest.mark.parametrize("text", ["a.jpg", "/cats", "40 × 30 · 1.5 kB", "private", "1 uploaded", "1 file"])  # noqa: RUF001 - the sign
def test_a_card(text: str) -> None:
    """A card says name, folder, size in pixels and bytes, and whether the file is private."""
    assert text in shown(up(is_private_file=True)).text


def test_a_picture_is_the_delivered_thumbnail() -> None:
    """It is loaded when it comes into view, opens the file, and the notebook's own address is told to nobody."""
    page = shown(up())
    assert page.attributes("img", "src") == [THUMBNAIL]
    assert page.attributes("img", "loading") == ["lazy"]
    assert page.attributes("img", "referrerpolicy") == ["no-referrer"]
    assert (page.attributes("a", "href"), page.attributes("a", "rel")) == ([URL], ["noopener noreferrer"])


def test_a_file_without_a_picture() -> None:
    """What is no image has a sign with its ending."""
    page = shown(up(name="manual.pdf", file_type="non-image"))
    assert "PDF" in page.text
    assert not page.attributes("img", "src")


def test_a_row_that_is_not_up() -> None:
    """It has the service's words, and what to do."""
    page = shown(Result("failed", "name_taken", "A file with the same name already exists."))
    assert {"1 not uploaded", "failed", "row 0", "A file with the same name already exists."} <= {*page.text}
    assert CODES["name_taken"].fix in page.text


@pytest.mark.parametrize("code", CODES)
def test_every_code_has_its_mend(code: str) -> None:
    """Without the service's words, the code's meaning is shown; what to do, always."""
    page = shown(Result(CODES[code].status, code))
    assert {CODES[code].meaning, CODES[code].fix} <= {*page.text}


def test_a_code_of_a_later_version() -> None:
    """A code that this version does not know is shown as it is."""
    assert "new_code" in shown(Result("failed", "new_code")).text


def test_no_more_than_the_limit() -> None:
    """So many files and so many failures are shown; how many more there are is said; all are counted."""
    page = shown(*[up()] * 5, *[Result("failed", "refused")] * 4, limit=2)
    assert len(page.attributes("img", "src")) == 2
    assert page.text.count("row 5") + page.text.count("row 6") == 2
    assert "row 7" not in page.text
    assert "3 more are uploaded or there already. gallery(results, limit=…) shows more." in page.text
    assert "2 more are not uploaded. gallery(results, limit=…) shows more." in page.text
    assert {"9 files", "5 uploaded", "4 failed"} <= {*page.text}


def test_a_label() -> None:
    """A column can name the rows for people."""
    results = frame(up(), Result("invalid", "too_long"), title=["A cat", "A dog"])
    assert {"A cat", "A dog"} <= {*Shown(ikpipe.gallery(results, label="title")._repr_html_()).text}


def test_rows_are_named_by_their_files() -> None:
    """A row that is not uploaded has the text that named its file; bytes name nothing."""
    results = frame(Result("failed", "refused"), Result("failed", "refused"), file=["dog.jpg", b"GIF"])
    assert {"dog.jpg", "row 1"} <= {*Shown(ikpipe.gallery(results)._repr_html_()).text}


def test_a_table_of_another_library() -> None:
    """A polars frame of results is shown, too."""
    import polars as pl

    assert "a.jpg" in Shown(ikpipe.gallery(pl.from_pandas(frame(up()).dropna(axis=1)))._repr_html_()).text


def test_no_rows() -> None:
    """An empty frame has a line that says so."""
    assert "0 files" in shown().text


def test_in_a_terminal() -> None:
    """Where there is no HTML it is one line."""
    assert repr(ikpipe.gallery(frame(up(), up()))) == "<Gallery: 2 files, 2 uploaded, 3.0 kB>"


@pytest.mark.parametrize(
    ("options", "match"), [({"limit": -1}, "limit is -1"), ({"label": "titel"}, r"'titel' \(did you mean 'title'\?\)")]
)
def test_a_wrong_option(options: dict[str, Any], match: str) -> None:
    """It is named."""
    with pytest.raises(MappingError, match=match):
        ikpipe.gallery(frame(up(), title=["A cat"]), **options)


def test_a_frame_without_results() -> None:
    """It is refused, as by `retry`."""
    with pytest.raises(MappingError, match="no column 'ik_status'"):
        ikpipe.gallery(pd.DataFrame({"file": ["a.jpg"]}))


@pytest.mark.parametrize(
    "url",
    ["javascript:alert(1)", "data:text/html,x", "java\nscript:alert(1)", "//host/a", "http://", "http://[", None, 3],
)
def test_what_is_no_web_address_is_no_link(url: Any) -> None:
    """No script, no embedded page, nothing with a control character."""
    assert web_url(url) is None
    page = shown(up(url=url, thumbnail_url=url))
    assert not page.attributes("a", "href")
    assert not page.attributes("img", "src")


LETTERS = st.characters(exclude_categories=["Cs", "Cc"])
TEXT = st.text(LETTERS, max_size=20) | st.sampled_from(
    [
        "<script>alert(1)</script>",
        '"><img src=x onerror=alert(1)>',
        "</style><b>",
        "&lt;",
        "\u202egpj.exe",
        "$x$",
    ]
)


@plays(30)
@given(name=TEXT, message=TEXT, path=TEXT, end=TEXT, label=TEXT)
def test_no_text_becomes_markup(name: str, message: str, path: str, end: str, label: str) -> None:
    """Whatever names, messages and addresses are, the elements are the same, and the page can be written down."""
    plain = shown(up(name="a", tags=["b"]), Result("failed", "refused", "c", name="a"))
    tree = shown(up(name=name, file_path=path, url=f"{URL}?{end}", tags=[label]), Result("failed", "refused", message))
    assert [tag for tag, _ in tree.tags if tag != "a"] == [tag for tag, _ in plain.tags if tag != "a"]
    assert tree.html.encode()


def test_half_a_character() -> None:
    """A label with half a character or a control character is shown with a sign in its place."""
    titles = pd.DataFrame({"title": pd.Series(["a\ud83d\x00b"], dtype=object)})
    results = result_frame(titles, [up()], {})
    assert "a\ufffd\ufffdb" in Shown(ikpipe.gallery(results, label="title")._repr_html_()).text


def test_nothing_runs() -> None:
    """There is no script, form or handler in it: it shows the same in a static page, and where no script may run."""
    page = shown(up(), Result("failed", "refused"))
    assert not {"script", "iframe", "form", "input", "button"} & {tag for tag, _ in page.tags}
    assert not [name for _, attributes in page.tags for name in attributes if name.startswith("on")]


PICTURE = "data:image/png;base64,AAAA"


def test_a_page_of_its_own() -> None:
    """It has a title, and pictures that are embedded instead of loaded."""
    page = Shown(ikpipe.gallery(frame(up(), up(url=None))).document("<b>Prints", {THUMBNAIL: PICTURE}))
    assert page.attributes("img", "src") == [PICTURE, PICTURE]
    assert page.text.count("<b>Prints") == 2
    assert not {"script", "link", "iframe"} & {tag for tag, _ in page.tags}


def test_tags() -> None:
    """Each has its own direction, so that it reorders nothing beside it."""
    page = shown(up(tags=["sale", "שלום"]))
    assert {"sale", "שלום"} <= {*page.text}
    assert page.tags.count(("span", {"dir": "auto"})) == 2


def test_a_file_that_is_called_otherwise() -> None:
    """Its name is seen too, in its path."""
    results = frame(up(), title=["A cat"])
    assert "/cats/a.jpg" in Shown(ikpipe.gallery(results, label="title")._repr_html_()).text


def test_snippets_of_an_image() -> None:
    """Its URL, an element with its size, and Markdown whose signs are quoted."""
    assert snippets(up(name="a [1].jpg"), "https://h/a (1).jpg") == {
        "URL": "https://h/a (1).jpg",
        "HTML": '<img src="https://h/a (1).jpg" alt="a [1].jpg" width="40" height="30">',
        "Markdown": r"![a \[1\].jpg](https://h/a%20%281%29.jpg)",
    }


@pytest.mark.parametrize(
    ("fields", "html"),
    [
        ({"video_codec": "h264"}, f'<video src="{URL}" controls=""></video>'),
        ({"audio_codec": "aac"}, f'<audio src="{URL}" controls=""></audio>'),
        ({}, f'<a href="{URL}">a&lt;b.pdf</a>'),
    ],
)
def test_snippets_of_other_files(fields: dict[str, Any], html: str) -> None:
    """A player for what plays, else a link."""
    found = snippets(up(name="a<b.pdf", file_type="non-image", **fields), URL)
    assert (found["HTML"], found["Markdown"]) == (html, rf"[a\<b.pdf]({URL})")
