"""A gallery where people meet it: in JupyterLab, trusted or not, and in a static page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import nbformat
import pytest
from axe_playwright_python.sync_playwright import Axe
from labs import notebook
from nbconvert import HTMLExporter
from rows import blobs, quiet

import ikpipe

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from labs import Lab
    from playwright.sync_api import Page

HOSTILE = "<img src=x onerror=alert(1)>$x^2$.png"


@pytest.fixture
def output(picture: Callable[..., bytes], account: ikpipe.Account) -> nbformat.NotebookNode:
    """Give the output of a cell that ends in a gallery: two pictures, one with a hostile name, and a failure."""
    frame = blobs(picture(1, size=(60, 40)), picture(2, size=(40, 60)), picture(3))
    names = [HOSTILE, "second.png", "third.png"]
    results = quiet(frame.assign(file_name=names, tags=["a", "b", "100%"]), account)
    results["name"] = names
    shown = ikpipe.gallery(results, label="name")
    return nbformat.v4.new_output(
        "execute_result", {"text/html": shown._repr_html_(), "text/plain": repr(shown)}, execution_count=1
    )


def saved(output: Any) -> nbformat.NotebookNode:
    """Make a notebook that was saved with this output."""
    content = notebook("ikpipe.gallery(results)")
    content.cells[0].outputs = [output]
    return content


def widths(page: Page) -> list[int]:
    """Give the natural widths of the pictures that were loaded."""
    found: list[int] = page.evaluate(
        "() => [...document.querySelectorAll('.ik-gallery img, .jp-RenderedHTML img')].map((img) => img.naturalWidth)"
    )
    return found


def seen(page: Page) -> bool:
    """Wait until both pictures are there."""
    page.wait_for_function(
        "() => { const all = [...document.querySelectorAll('.jp-RenderedHTML img, .jp-OutputArea-output img')];"
        " return all.length === 2 && all.every((img) => img.complete && img.naturalWidth > 0); }"
    )
    return True


@pytest.mark.parametrize(("theme", "dark"), [("light", False), ("dark", True)])
def test_static_page(
    page: Page,
    output: Any,
    tmp_path: Path,
    theme: str,
    dark: bool,  # noqa: FBT001 - a case
    shot: Callable[[str], None],
) -> None:
    """A notebook that is exported to HTML shows pictures, what to do, and a theme's own colours; no name runs.

    axe's rules of accessibility hold.
    """
    html, _ = HTMLExporter(theme=theme).from_notebook_node(saved(output))
    (tmp_path / "page.html").write_text(html, "utf-8")
    page.route("**/*", lambda route: route.abort() if "cdn" in route.request.url else route.continue_())
    page.goto((tmp_path / "page.html").as_uri())
    assert seen(page)
    assert page.get_by_text("Remove or replace it.").is_visible()
    assert page.get_by_text(HOSTILE, exact=True).is_visible()
    back = page.locator(".ik-cards > li").first.evaluate("(card) => getComputedStyle(card).backgroundColor")
    assert (sum(map(int, back[4:-1].split(","))) < 300) is dark
    page.locator("summary").first.click()
    shot(f"gallery-{theme}")
    found = Axe().run(page, context=".ik-gallery")
    assert found.violations_count == 0, found.generate_report()


def test_copying_without_a_script(chrome: Any, output: Any, tmp_path: Path) -> None:
    """A click on a snippet marks the whole of it, where no script may run."""
    html, _ = HTMLExporter().from_notebook_node(saved(output))
    (tmp_path / "page.html").write_text(html, "utf-8")
    with chrome.new_context(java_script_enabled=False) as context:
        page = context.new_page()
        page.goto((tmp_path / "page.html").as_uri())
        card = page.locator(".ik-cards > li", has_text="second.png")
        card.get_by_text("Copy").click()
        card.get_by_role("textbox", name="Markdown").click()
        marked = page.evaluate("() => getSelection().toString()")
    assert marked.startswith("![second")
    assert marked.endswith(".png)")


@pytest.mark.parametrize("trusted", [True, False])
def test_in_jupyterlab(lab: Lab, output: Any, trusted: bool, shot: Callable[[str], None]) -> None:  # noqa: FBT001 - a case
    """JupyterLab shows it, and without its looks even where the notebook is not trusted; no name becomes a formula."""
    content = saved(output)
    lab.open(content)
    if trusted:
        lab.panel("panel.content.model.cells.get(0).trusted = true")
    assert seen(lab.page)
    assert lab.page.get_by_text("Remove or replace it.").is_visible()
    assert lab.page.get_by_text(HOSTILE, exact=True).first.is_visible()
    assert (lab.page.locator(".ik-gallery style").count() == 1) is trusted
    shot(f"gallery-lab-{trusted}")
