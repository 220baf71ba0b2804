"""What a person sees of the page: its styles, its list, its names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

import ikpipe

if TYPE_CHECKING:
    from driver import Uploads

RESULTS = pd.DataFrame(
    {
        "ik_status": ["uploaded", "exists", "failed"],
        "ik_name": ["a.jpg", "b.pdf", None],
        "ik_url": ["https://ik.imagekit.io/demo/a.jpg", "https://ik.imagekit.io/demo/b.pdf", None],
        "ik_path": ["/in/a.jpg", "/in/b.pdf", None],
        "ik_size": [120_000, 4_000, None],
        "ik_tags": [["x"], None, None],
        "ik_error": [None, None, "network"],
        "ik_message": [None, None, "No connection."],
    }
)
COMPUTED = """disabled => {
    document.querySelector('link[rel="stylesheet"]').sheet.disabled = disabled;
    return [...document.querySelectorAll(".ik-gallery, .ik-gallery *")].map(element => {
        const style = getComputedStyle(element);
        return [element.className, ...[...style].map(name => `${name}: ${style.getPropertyValue(name)}`)].join("\\n");
    });
}"""


def styles_of_gallery(uploads: Uploads, *, disabled: bool) -> Any:
    """Return the computed styles of all elements of a gallery, with the uploader's style sheet or without it."""
    return uploads.evaluate(COMPUTED, disabled)


def test_a_gallery_looks_the_same_beside_an_uploader(uploads: Uploads) -> None:
    """The uploader's style sheet changes no computed style of `ikpipe.gallery`, whose classes have the same prefix."""
    html = ikpipe.gallery(RESULTS)._repr_html_()
    uploads.evaluate("html => document.querySelector('main').insertAdjacentHTML('beforeend', html)", html)
    uploads.page.locator(".ik-gallery .ik-badge").first.wait_for()
    alone = styles_of_gallery(uploads, disabled=True)
    assert len(alone) > 20
    assert styles_of_gallery(uploads, disabled=False) == alone
