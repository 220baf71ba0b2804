"""The languages of the page: their texts have the same values, the right one is chosen, and its words fit."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from bridge import PAGE
from shots import FIELDS, mixed, problems, sending

from ikpipe.widget import assets

if TYPE_CHECKING:
    from collections.abc import Callable

    from bridge import Bridge
    from driver import Uploads
    from playwright.sync_api import Page
    from stub import Stub

    import ikpipe

    Open = Callable[..., tuple[Uploads, ikpipe.Uploader]]

# Each function is called with other numbers as its values, or with an object that has one for each name; the result
# is the numbers that its text contains. Numbers are those that need no separators.
VALUES = """([source, first]) => {
    const { EN, DE } = new Function(`${source}; return { EN: ENGLISH, DE: GERMAN };`)();
    const numberOf = (name) => first + 10 + [...name].reduce((sum, char) => (sum * 31 + char.charCodeAt(0)) % 800, 0);
    const named = new Proxy({}, { get: (_object, name) => numberOf(String(name)) });
    const textOf = (text) => {
        if (typeof text !== "function") return String(text);
        const usesNames = /^\\(\\{/.test(String(text));
        return usesNames ? text(named) : text(first, first + 1, first + 2);
    };
    const flat = (texts, prefix = "") => Object.entries(texts).flatMap(([name, text]) =>
        typeof text === "object" ? flat(text, `${prefix}${name}.`) : [[prefix + name, textOf(text)]]);
    return [EN, DE].map((texts) => flat(texts).map(([name, text]) => [name, text, (text.match(/\\d+/g) ?? []).sort()]));
}"""


@pytest.fixture(scope="module")
def languages() -> str:
    """Return the script of the languages alone."""
    script = assets.script()
    start = script.index("function numbersOf")
    return script[start : script.index("const LANGUAGES")]


@pytest.mark.parametrize("first", [1, 2, 11])
def test_the_texts_of_all_languages_have_the_same_values(page: Page, languages: str, first: int) -> None:
    """Otherwise a text would lack a name or a number; in each plural form."""
    english, german = page.evaluate(VALUES, [languages, first])
    assert [(name, values) for name, _, values in german] == [(name, values) for name, _, values in english]
    texts = [text for language in (english, german) for _, text, _ in language]
    assert [text for text in texts if not text or "undefined" in text or "#" in text or "NaN" in text] == []


def test_the_language_is_that_of_the_notebook(uploads: Uploads) -> None:
    """The page of this test is in English."""
    uploads.root.get_by_text("Drag and drop files or folders here").wait_for()
    assert uploads.root.get_attribute("lang") == "en"


@pytest.mark.parametrize(("lang", "title"), [("de-AT", "hierher ziehen"), ("fr", "Drag and drop")])
def test_other_notebooks_have_other_languages(stub: Stub, bridge: Bridge, page: Page, lang: str, title: str) -> None:
    """If there are no texts in it, and the browser is English, they are in English."""
    page.route(
        "**/", lambda route: route.fulfill(body=HTML.replace('lang="en"', f'lang="{lang}"'), content_type="text/html")
    )
    page.goto(bridge.url)
    page.locator(".ikpipe").get_by_text(title).wait_for()
    page.unroute("**/")


HTML = PAGE.read_text("utf-8")


def test_python_can_choose_the_language(upload_page: Open, account: ikpipe.Account, files: Callable[..., Any]) -> None:
    """All that a person reads is in German, also what the kernel reports, with German numbers."""
    paths = files(2)
    Path(paths[0]).write_bytes(b"")
    Path(paths[1]).write_bytes(bytes(2_345_678))
    uploads, _ = upload_page(account, language="de", name="Herbst")
    uploads.root.get_by_role("heading", name="Herbst").wait_for()
    with uploads.page.expect_file_chooser() as chooser:
        uploads.root.get_by_role("button", name="Dateien hinzufügen").locator("visible=true").click()
    chooser.value.set_files(paths)
    uploads.root.get_by_text("Diese Datei ist leer (0 Byte).").first.wait_for()
    uploads.row("picture-1.png").get_by_role("gridcell", name="2,3 MB", exact=True).wait_for()
    uploads.button("1 Datei hochladen").click()
    uploads.root.get_by_text("1 Datei hochgeladen").first.wait_for()
    assert uploads.root.get_attribute("aria-label") == "Herbst"


def test_the_page_tells_python_that_tables_changed(
    upload_page: Open, account: ikpipe.Account, files: Callable[..., Any]
) -> None:
    """It sets a trait, which makes marimo run the cells that depend on the uploader."""
    uploads, uploader = upload_page(account)
    seen: list[int] = []
    uploader.observe(lambda change: seen.append(change["new"]), names="revision")
    uploads.choose(files(1))
    uploads.wait_rows(1)
    uploads.bridge.wait_for("set traits")
    uploads.row("picture-0.png").click()
    uploads.bridge.wait_for("set traits", 2)
    assert len(seen) == 2
    assert uploader.revision == uploader.summary["revision"]


def test_labels_of_metadata_fields_are_shown(uploads: Uploads, stub: Stub, bridge: Bridge) -> None:
    """The names are their tooltips."""
    bridge.set(settings={"fields": [{"name": "price", "label": "Price (EUR)", "type": "Number"}]})
    stub.push({"id": "r0", "name": "a.jpg"})
    uploads.row("a.jpg").click()
    uploads.button("Edit").click()
    uploads.root.get_by_label("Price (EUR)", exact=True).wait_for()
    assert uploads.root.get_by_text("Price (EUR)", exact=True).get_attribute("title") == "price"


BETWEEN = {"name": "between", "values": {"label": "Price", "min": 0, "max": 10_000}, "detailed": False}
OPTION = {"label": "Brand", "value": "Adiddas", "similar": "Adidas", "options": ["Adidas", "Nike"]}


@pytest.mark.parametrize(
    ("reason", "text"),
    [
        (BETWEEN, "Price must be between 0 and 10,000."),
        ({"name": "not_option", "values": OPTION}, '"Adiddas" isn\'t a Brand.'),
        ({"name": "not_option", "values": OPTION}, "Did you mean Adidas?"),
        ({"name": "not_option", "values": {**OPTION, "similar": None}}, "Choose one of Adidas, Nike."),
        ({"name": "at_most", "values": {"label": "Since", "max": "2026-01-31"}}, "Since must be at most Jan 31, 2026."),
        ({"name": "file_too_large", "values": {"size": 25_000_000}}, "Too large for your ImageKit plan (max. 25 MB)."),
        ({"name": "of a later version", "values": {}}, "The words of Python."),
    ],
)
def test_a_reason_is_a_sentence(uploads: Uploads, stub: Stub, reason: dict[str, Any], text: str) -> None:
    """With its values; Python's own words are shown if the page does not know the reason."""
    words = "The words of Python."
    problem = {"column": "description", "code": "out_of_range", "message": words, "fix": "", "reason": reason}
    stub.push({"id": "r0", "name": "a.jpg", "state": "invalid", "problems": [problem]})
    uploads.row("a.jpg").get_by_role("button", name="Needs attention").click()
    uploads.root.get_by_role("dialog").get_by_text(text, exact=True).wait_for()
    assert uploads.root.get_by_role("dialog").get_by_text(words).count() == (1 if text == words else 0)


# The list and the filters can be scrolled.
OVERFLOWING = """root => [...root.querySelectorAll("button, label, .ik-chip, .ik-state, h2, p, strong, select")]
    .filter((one) => one.checkVisibility() && !one.closest(".ik-hidden, .ik-grid, .ik-filters"))
    .filter((one) => {
        const box = one.getBoundingClientRect(), all = root.getBoundingClientRect();
        return box.left < all.left - 1 || box.right > all.right + 1 || one.scrollWidth > one.clientWidth + 1;
    })
    .filter((one) => getComputedStyle(one).textOverflow !== "ellipsis" && getComputedStyle(one).display !== "inline")
    .map((one) => `${one.className} ${one.textContent}`)"""
PHONE, NARROW = 360, 560  # pixels


@pytest.mark.parametrize("width", [PHONE, NARROW])
@pytest.mark.parametrize("state", ["empty", "problems", "editor", "sending", "mixed", "gallery"])
def test_german_words_fit(
    bridge: Bridge,
    stub: Stub,
    open_page: Callable[..., Uploads],
    files: Callable[[int], list[str]],
    state: str,
    width: int,
) -> None:
    """They are longer; nothing overflows the widget or its own box."""
    bridge.script = assets.script("de")
    uploads = open_page(bridge)
    uploads.page.set_viewport_size({"width": width, "height": 640})
    try:
        show(uploads, stub, bridge, files(8) if state != "empty" else [], state)
        assert uploads.root.evaluate(OVERFLOWING) == []
    finally:
        uploads.page.set_viewport_size({"width": 1280, "height": 720})


def show(uploads: Uploads, stub: Stub, bridge: Bridge, paths: list[str], state: str) -> None:
    """Show a German page in a state."""
    bridge.set(settings={"fields": FIELDS, "max_file_size": 25_000_000})
    if state == "empty":
        return
    uploads.root.locator("input[type=file]").first.set_input_files(paths)
    uploads.wait_rows(8)
    {"problems": problems, "mixed": mixed, "gallery": mixed}.get(state, lambda _stub: None)(stub)
    if state == "sending":
        sending(stub, bridge)
        uploads.root.get_by_text("2 von 8 Dateien").wait_for()
    if state == "gallery":
        uploads.button("Galerie").click()
    if state == "editor":
        uploads.row("picture-1.png").click()
        uploads.button("Bearbeiten").click()
