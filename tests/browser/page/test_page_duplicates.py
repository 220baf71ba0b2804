"""Duplicates in the list and in the library: they are noticed, and kept, skipped or replaced."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from axe import violations

import ikpipe

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from driver import Uploads
    from playwright.sync_api import Locator

    from ikpipe.emulator import Emulator

QUICK = ikpipe.Policy(index_lag=0.1, first_wait=0.02)


@pytest.fixture
def copies(tmp_path: Path, picture: Callable[..., bytes]) -> list[str]:
    """Create two files with the same content, one of the same size, and another one."""
    contents = {"a.bin": b"same!" * 9, "b.bin": b"same!" * 9, "c.bin": b"sane!" * 9, "d.png": picture(3)}
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    return [str(tmp_path / name) for name in contents]


def line(uploads: Uploads, text: str) -> Locator:
    """Find the line of a kind of duplicates, or of one."""
    return uploads.root.get_by_role("list", name="Duplicates").get_by_role("listitem").filter(has_text=text)


CONTENT = "1 fileSame content as another file in this list"


@pytest.mark.parametrize(("press", "left"), [("Skip", "a.bin"), ("Replace", "b.bin")])
def test_the_same_content_is_noticed(
    press: str, left: str, upload_page: Any, emulator: Emulator, copies: list[str]
) -> None:
    """Once the files are in the list; the later or the earlier one goes, and comes back with Undo."""
    uploads, uploader = upload_page(emulator.account)
    uploads.choose(copies)
    line(uploads, CONTENT).get_by_role("button", name=press).click()
    uploads.wait_rows(3)
    assert uploader.frame["file"].str.rpartition("/")[2].tolist() == [left, "c.bin", "d.png"]
    line(uploads, CONTENT).wait_for(state="detached")
    uploads.button("Undo").click()
    line(uploads, CONTENT).wait_for()


def test_content_is_compared_where_the_browser_cannot_hash(
    upload_page: Any, emulator: Emulator, copies: list[str]
) -> None:
    """In pages of http, there is no `crypto.subtle`."""
    uploads, _ = upload_page(emulator.account)
    uploads.evaluate("() => Object.defineProperty(crypto, 'subtle', { value: undefined })")
    uploads.choose(copies)
    line(uploads, CONTENT).wait_for()


def test_both_are_kept(upload_page: Any, emulator: Emulator, copies: list[str]) -> None:
    """And the notice does not come back, unless that is undone."""
    uploads, _ = upload_page(emulator.account)
    uploads.choose(copies)
    line(uploads, CONTENT).get_by_role("button", name="Keep both").click()
    line(uploads, CONTENT).wait_for(state="detached")
    uploads.root.get_by_text("1 file kept").wait_for()
    uploads.button("Undo").click()
    line(uploads, CONTENT).wait_for()
    uploads.wait_rows(4)


def test_each_duplicate_is_listed(upload_page: Any, emulator: Emulator, copies: list[str]) -> None:
    """With the file that it is like, and buttons of its own."""
    uploads, _ = upload_page(emulator.account)
    uploads.choose(copies)
    line(uploads, CONTENT).get_by_role("button", name="List").click()
    single = line(uploads, "b.binSame as a.bin")
    single.wait_for()
    assert violations(uploads) == []
    single.get_by_role("button", name="Show").click()
    uploads.root.get_by_text("2 selected").wait_for()
    single.get_by_role("button", name="Skip: b.bin").click()
    uploads.wait_rows(3)


@pytest.mark.parametrize(
    ("press", "paths", "version"), [("Keep both", 2, "Version 1"), ("Replace", 1, "Version 2"), ("Skip", 1, None)]
)
def test_a_file_of_the_library_is_noticed(
    press: str,
    paths: int,
    version: str | None,
    upload_page: Any,
    emulator: Emulator,
    copies: list[str],
) -> None:
    """Before it is replaced."""
    account, folder = emulator.account, f"/noticed/{press.replace(' ', '')}"
    ikpipe.upload_file(b"old", account, file_name="d.png", folder=folder, use_unique_file_name=False)
    uploads, uploader = upload_page(account, folder=folder, use_unique_file_name=False, policy=QUICK)
    uploads.choose(copies[3:])
    known = line(uploads, "Already in your library under this name")
    known.get_by_role("button", name="List").click()
    line(uploads, f"d.png{folder}/d.png, 3 B").wait_for()
    known.get_by_role("button", name=press).click()
    known.wait_for(state="detached")
    if press != "Skip":
        uploads.button("Upload 1 file").click()
        uploads.wait_uploaded(1)
        assert uploader.results["ik_version_name"].tolist() == [version]
    assert len(ikpipe.files(account, path=folder)) == paths


def test_a_decision_about_the_library_is_undone(upload_page: Any, emulator: Emulator, copies: list[str]) -> None:
    """By the button, or by Ctrl+Z as any edit."""
    account = emulator.account
    ikpipe.upload_file(b"old", account, file_name="d.png", folder="/decided", use_unique_file_name=False)
    uploads, _ = upload_page(account, folder="/decided", policy=QUICK)
    uploads.choose(copies[3:])
    known = line(uploads, "Already in your library under this name")
    known.get_by_role("button", name="Replace").click()
    known.wait_for(state="detached")
    uploads.root.get_by_text("1 file replaces the one in your library when it is uploaded").wait_for()
    uploads.root.focus()
    uploads.page.keyboard.press("Control+z")
    known.wait_for()


def test_without_a_private_key_it_says_why_the_library_is_not_checked(upload_page: Any, copies: list[str]) -> None:
    """Once; the list is still searched."""
    uploads, _ = upload_page(ikpipe.Account("public_shop", authentication_endpoint="https://shop.example/sign"))
    uploads.choose(copies)
    note = line(uploads, "Your library isn't checked for duplicates, because this notebook has no private key.")
    note.get_by_role("button", name="Dismiss").click()
    note.wait_for(state="detached")
    line(uploads, CONTENT).wait_for()
