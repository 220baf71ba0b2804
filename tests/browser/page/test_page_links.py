"""Files at URLs: pasted, dropped and typed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from doubles import Site
    from driver import Uploads

    from ikpipe.emulator import Emulator


def transfer(uploads: Uploads, event: str, kind: str, text: str) -> None:
    """Paste or drop text."""
    uploads.root.focus()
    uploads.root.evaluate(
        """(root, [event, kind, text]) => {
            const data = new DataTransfer();
            data.setData(kind, text);
            const options = { bubbles: true, cancelable: true };
            root.dispatchEvent(event === "paste"
                ? new ClipboardEvent(event, { clipboardData: data, ...options })
                : new DragEvent(event, { dataTransfer: data, ...options }));
        }""",
        [event, kind, text],
    )


@pytest.mark.parametrize(
    ("event", "kind"), [("paste", "text/plain"), ("drop", "text/uri-list"), ("drop", "text/plain")]
)
def test_links_become_rows_and_are_uploaded(
    event: str, kind: str, upload_page: Any, emulator: Emulator, site: Site
) -> None:
    """Several at once; the service fetches them."""
    uploads, uploader = upload_page(emulator.account, folder=f"/links/{event}")
    urls = [site.put(f"/{name}.png", name.encode()) for name in ("one", "two")]
    transfer(uploads, event, kind, "\r\n".join(urls))
    uploads.wait_rows(2)
    uploads.button("Upload 2 files").click()
    uploads.wait_uploaded(2)
    assert uploader.results["ik_name"].str[:3].tolist() == ["one", "two"]
    assert uploader.frame["file"].tolist() == urls


@pytest.mark.parametrize("text", ["/etc/passwd", "file:///etc/passwd", "hello https://x.example", "ftp://x.example/a"])
def test_other_text_is_not_taken(text: str, upload_page: Any, emulator: Emulator) -> None:
    """It belongs to the notebook."""
    uploads, uploader = upload_page(emulator.account)
    transfer(uploads, "paste", "text/plain", text)
    uploads.evaluate("() => new Promise(done => setTimeout(done, 200))")
    assert len(uploader.frame) == 0


def test_the_dialog_names_lines_that_are_no_urls(upload_page: Any, emulator: Emulator, site: Site) -> None:
    """What was typed stays until it is right, also if the dialog is closed meanwhile."""
    uploads, uploader = upload_page(emulator.account)
    uploads.button("Add from URLs").locator("visible=true").click()
    dialog = uploads.root.get_by_role("dialog", name="Add from URLs")
    area = dialog.get_by_label("URLs, one per line")
    area.fill(f"{site.put('/a.png', b'a')}\n\nphotos/b.jpg\n")
    dialog.get_by_role("button", name="Add files").click()
    dialog.get_by_text("Line 3 isn't a URL that starts with http:// or https://.").wait_for()
    uploads.page.keyboard.press("Escape")
    uploads.button("Add from URLs").locator("visible=true").click()
    assert area.input_value().endswith("photos/b.jpg\n")
    area.fill(area.input_value().replace("photos/b.jpg", site.put("/b.png", b"b")))
    uploads.page.keyboard.press("Control+Enter")
    uploads.wait_rows(2)
    assert len(uploader.frame) == 2
    uploads.root.get_by_text("2 files added").wait_for()


def test_a_link_is_added_once(upload_page: Any, emulator: Emulator, site: Site) -> None:
    """Unless the user asks for it."""
    uploads, _ = upload_page(emulator.account)
    url = site.put("/same.png", b"s")
    transfer(uploads, "paste", "text/plain", url)
    uploads.wait_rows(1)
    transfer(uploads, "paste", "text/plain", f"{url}\n{url}")
    uploads.root.locator(".ik-notice").get_by_text("2 URLs already in the list, not added again.").wait_for()
    uploads.button("Add anyway").click()
    uploads.wait_rows(3)


def test_a_link_can_be_removed_and_restored(upload_page: Any, emulator: Emulator, site: Site) -> None:
    """As a file that was picked."""
    uploads, uploader = upload_page(emulator.account)
    transfer(uploads, "paste", "text/plain", site.put("/gone.png", b"g"))
    uploads.row("gone.png").click()
    uploads.page.keyboard.press("Delete")
    uploads.button("Undo").click()
    uploads.row("gone.png").wait_for()
    assert len(uploader.frame) == 1
