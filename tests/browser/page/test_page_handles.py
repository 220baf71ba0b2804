"""Files that a reloaded page can read again, since their handles were kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from driver import Uploads

    from ikpipe.emulator import Emulator

    Open = Callable[..., tuple[Uploads, Any]]

pytestmark = pytest.mark.usefixtures("own_page")

CHOOSER = """() => {
    window.showOpenFilePicker = async () => {
        const folder = await navigator.storage.getDirectory();
        return Promise.all(["a.txt", "b.txt"].map(async (name) => {
            const handle = await folder.getFileHandle(name, { create: true });
            if ((await handle.getFile()).size) return handle;
            const stream = await handle.createWritable();
            await stream.write(name);
            await stream.close();
            return handle;
        }));
    };
}"""
LOCKED = """() => {
    let allowed = false;
    FileSystemFileHandle.prototype.queryPermission = async () => (allowed ? "granted" : "prompt");
    FileSystemFileHandle.prototype.requestPermission = async () => {
        allowed = true;
        return "granted";
    };
}"""
KEPT = """() => new Promise((resolve) => {
    const opening = indexedDB.open("ikpipe-uploader", 1);
    opening.onupgradeneeded = () => opening.result.createObjectStore("files", { keyPath: "id" });
    opening.onsuccess = () => {
        const request = opening.result.transaction("files").objectStore("files").count();
        request.onsuccess = () => {
            opening.result.close();
            resolve(request.result);
        };
    };
})"""


def choose(uploads: Uploads) -> None:
    """Choose two files by their handles."""
    uploads.root.get_by_role("button", name="Add files").locator("visible=true").click()
    uploads.wait_rows(2)


def reload(uploads: Uploads) -> None:
    """Reload the page."""
    uploads.page.reload()
    uploads.page.wait_for_selector("html[data-ready]", state="attached")
    uploads.wait_rows(2)


def missing(uploads: Uploads, count: int) -> None:
    """Wait until a number of rows are to be chosen again."""
    uploads.page.wait_for_function(
        "count => document.querySelectorAll('.ik-row[data-id] .ik-is-missing').length === count", arg=count
    )


def kept(uploads: Uploads, count: int) -> None:
    """Wait until a number of handles are kept."""
    uploads.page.wait_for_function(f"count => ({KEPT})().then(n => n === count)", arg=count)


def test_kept_files_are_there_after_a_reload(upload_page: Open, emulator: Emulator, page: Any) -> None:
    """They are uploaded without being chosen again, and are forgotten then."""
    page.add_init_script(f"({CHOOSER})()")
    uploads, uploader = upload_page(emulator.account, keep_files=True)
    choose(uploads)
    kept(uploads, 2)
    reload(uploads)
    missing(uploads, 0)
    uploader.send()
    uploads.wait_uploaded(2)
    assert uploader.results["ik_size"].tolist() == [5, 5]
    kept(uploads, 0)


def test_the_browser_is_asked_for_access(upload_page: Open, emulator: Emulator, page: Any) -> None:
    """Where the browser wants to ask the user first, a button lets it."""
    page.add_init_script(f"({CHOOSER})(); ({LOCKED})()")
    uploads, _uploader = upload_page(emulator.account, keep_files=True)
    choose(uploads)
    kept(uploads, 2)
    reload(uploads)
    missing(uploads, 2)
    uploads.root.locator(".ik-notice").get_by_role("button", name="Allow access").click()
    missing(uploads, 0)


def test_removed_files_are_forgotten(upload_page: Open, emulator: Emulator, page: Any) -> None:
    """A removed file is not kept, until the removal is undone."""
    page.add_init_script(f"({CHOOSER})()")
    uploads, _uploader = upload_page(emulator.account, keep_files=True)
    choose(uploads)
    uploads.row("a.txt").click()
    uploads.page.keyboard.press("Delete")
    kept(uploads, 1)
    uploads.root.locator(".ik-toast").get_by_role("button", name="Undo").click()
    kept(uploads, 2)


def test_files_of_another_account_are_not_taken(upload_page: Open, emulator: Emulator, page: Any) -> None:
    """Handles are kept per account, and another one does not see them."""
    page.add_init_script(f"({CHOOSER})()")
    uploads, uploader = upload_page(emulator.account, keep_files=True)
    choose(uploads)
    kept(uploads, 2)
    uploads.bridge.state["settings"] = {**uploader.settings, "keep_files": "another"}
    reload(uploads)
    missing(uploads, 2)


def test_nothing_is_kept_unless_it_is_asked_for(upload_page: Open, emulator: Emulator, page: Any, files: Any) -> None:
    """By default, files are chosen as usual, and no database is made."""
    page.add_init_script(f"({CHOOSER})()")
    uploads, _uploader = upload_page(emulator.account)
    uploads.choose(files(2))
    uploads.wait_rows(2)
    assert uploads.evaluate("() => indexedDB.databases().then(all => all.length)") == 0
