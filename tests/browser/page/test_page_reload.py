"""Reloaded pages: what the page still has, and files that are chosen again."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import ikpipe

if TYPE_CHECKING:
    from collections.abc import Callable

    from bridge import Bridge
    from driver import Uploads
    from stub import Stub

    from ikpipe.emulator import Emulator

    Open = Callable[..., tuple[Uploads, ikpipe.Uploader]]
    Files = Callable[[int], list[str]]
    Emulate = Callable[..., Emulator]

QUICK = ikpipe.Policy(index_lag=0.1, first_wait=0.02)


def reload(uploads: Uploads) -> None:
    """Reload the page."""
    uploads.page.reload()
    uploads.page.wait_for_selector("html[data-ready]", state="attached")


def choose_again(uploads: Uploads, paths: list[str] | str, button: str = "Choose again") -> None:
    """Choose files with the button of the notice."""
    with uploads.page.expect_file_chooser() as chooser:
        uploads.root.locator(".ik-notice").get_by_role("button", name=button).click()
    chooser.value.set_files(paths)


def missing(uploads: Uploads, count: int) -> None:
    """Wait until a number of rows are to be chosen again."""
    uploads.page.wait_for_function(
        "count => document.querySelectorAll('.ik-row[data-id] .ik-is-missing').length === count", arg=count
    )


@pytest.fixture
def two(upload_page: Open, emulator: Emulator, files: Files) -> tuple[Uploads, ikpipe.Uploader, list[str]]:
    """Return a page that was reloaded with two files, of which one has a tag."""
    uploads, uploader = upload_page(emulator.account, policy=QUICK)
    paths = files(2)
    uploads.choose(paths)
    uploads.wait_rows(2)
    uploads.bridge.hears(_edit("b0", "tags", ["typed"]))
    reload(uploads)
    uploads.wait_rows(2)
    return uploads, uploader, paths


def _edit(row: str, column: str, value: object) -> dict[str, Any]:
    return {"type": "edit", "request": "q", "ids": [row], "column": column, "value": value}


def test_files_are_chosen_again_and_keep_their_edits(two: tuple[Uploads, ikpipe.Uploader, list[str]]) -> None:
    """The page says what it no longer has, sends none of it, and takes the files again into their rows."""
    uploads, uploader, paths = two
    uploads.root.get_by_text("the browser no longer has 2 files").first.wait_for()
    missing(uploads, 2)
    assert uploads.root.locator(".ik-group-ready").is_hidden()
    choose_again(uploads, paths)
    missing(uploads, 0)
    uploads.wait_rows(2)
    uploads.button("Upload 2 files").click()
    uploads.wait_uploaded(2)
    assert [list(tags) if tags else None for tags in uploader.results["ik_tags"]] == [["typed"], None]


def test_files_that_are_added_as_usual_rejoin_their_rows(two: tuple[Uploads, ikpipe.Uploader, list[str]]) -> None:
    """Adding the same files again makes no new rows, and others are added."""
    uploads, _uploader, paths = two
    other = Path(paths[0]).with_name("other.txt")
    other.write_text("x")
    uploads.choose([*paths, str(other)])
    uploads.wait_rows(3)
    missing(uploads, 0)


def test_a_folder_is_chosen_again(upload_page: Open, emulator: Emulator, tmp_path: Path) -> None:
    """Files with the same name, size and date are told apart by their folder; other files of it are not added."""
    folder = tmp_path / "My trip"
    for name in ("a", "b"):
        (folder / name).mkdir(parents=True)
        (folder / name / "x.txt").write_text(name)
    uploads, uploader = upload_page(emulator.account, policy=QUICK, use_unique_file_name=False)
    uploads.drop([str(folder)])
    uploads.wait_rows(2)
    reload(uploads)
    missing(uploads, 2)
    (folder / "new.txt").write_text("z")
    choose_again(uploads, str(folder), "Choose folder")
    uploads.root.locator(".ik-toast").get_by_text("1 file isn't in the list").wait_for()
    uploads.wait_rows(2)
    uploads.button("Upload 2 files").click()
    uploads.wait_uploaded(2)
    stored = dict(zip(uploader.results["ik_file_path"], uploader.results["ik_size"], strict=True))
    assert set(stored) == {"/My_trip/a/x.txt", "/My_trip/b/x.txt"}


def test_files_of_other_rows_are_not_called_unknown(
    two: tuple[Uploads, ikpipe.Uploader, list[str]], tmp_path: Path
) -> None:
    """Somebody who chooses all files again is told only of those that no row has."""
    uploads, _uploader, paths = two
    choose_again(uploads, paths[:1])
    missing(uploads, 1)
    other = tmp_path / "other.txt"
    other.write_bytes(b"x")
    choose_again(uploads, [*paths, str(other)])
    words = "Found 1 file. 1 file isn't in the list and wasn't added."
    uploads.root.locator(".ik-toast").get_by_text(words, exact=True).wait_for()


def test_a_changed_file_is_not_taken(two: tuple[Uploads, ikpipe.Uploader, list[str]]) -> None:
    """A file with another content keeps its row waiting, and the page says why."""
    uploads, _uploader, paths = two
    Path(paths[0]).write_bytes(b"other")
    choose_again(uploads, paths)
    uploads.root.locator(".ik-toast").get_by_text("“picture-0.png” has changed").wait_for()
    missing(uploads, 1)
    uploads.wait_rows(2)


def test_a_file_without_its_content_can_be_removed(two: tuple[Uploads, ikpipe.Uploader, list[str]]) -> None:
    """A row that is to be chosen again can be removed and edited."""
    uploads, _uploader, _paths = two
    uploads.row("picture-0.png").hover()
    uploads.button("Remove picture-0.png").click()
    uploads.wait_rows(1)


def test_another_page_has_the_files(two: tuple[Uploads, ikpipe.Uploader, list[str]]) -> None:
    """A page that lacks the files can upload them if another page has them."""
    uploads, uploader, paths = two
    first = uploads.page
    choose_again(uploads, paths)
    missing(uploads, 0)
    second = first.context.new_page()
    try:
        second.goto(uploads.bridge.url)
        other = type(uploads)(second, uploads.bridge)
        other.wait_rows(2)
        missing(other, 0)
        other.button("Upload 2 files").click()
        other.wait_uploaded(2)
        assert set(uploader.results["ik_status"]) == {"uploaded"}
    finally:
        second.close()


def test_a_reload_while_sending_says_at_once_what_is_lost(upload_page: Open, emulate: Emulate, files: Files) -> None:
    """Files that wait are to be chosen again, those that were being sent are checked, and the counter goes on."""
    emulator = emulate(latency=3, capacity=1)
    uploads, uploader = upload_page(emulator.account, policy=QUICK, concurrency=1, allow="Failed to load")
    paths = files(4)
    uploads.choose(paths)
    uploads.wait_rows(4)
    uploads.button("Upload 4 files").click()
    uploads.wait_uploaded(1)
    uploads.root.locator(".ik-row .ik-is-sending, .ik-row .ik-is-processing").first.wait_for()
    reload(uploads)
    missing(uploads, 2)
    uploads.root.locator(".ik-row .ik-is-checking").wait_for()
    uploads.root.locator(".ik-footer .ik-summary").get_by_text("3 of 4").wait_for()
    assert "left" not in (uploads.root.locator(".ik-footer").text_content() or "")
    uploads.page.wait_for_function("() => !document.querySelector('.ik-is-checking')")
    choose_again(uploads, paths)
    missing(uploads, 0)
    uploader.send()
    uploads.wait_uploaded(4)
    assert len([entry for entry in emulator.log() if entry.get("stored")]) == 4


@pytest.mark.usefixtures("own_page")
@pytest.mark.parametrize("state", ["unsent", "failed", "uploaded", "none"])
def test_leaving_with_unsent_files_asks_for_confirmation(
    upload_page: Open, emulate: Emulate, files: Files, state: str
) -> None:
    """The browser asks if a file here was not uploaded, and not otherwise."""
    uploads, uploader = upload_page(emulate(faults={"429": 1.0} if state == "failed" else None).account, allow="Failed")
    if state != "none":
        uploads.choose(files(1))
        uploads.wait_rows(1)
        uploads.row("picture-0.png").click()
    if state in ("uploaded", "failed"):
        uploader.send()
        uploads.root.locator(f".ik-group-{state}:not([hidden])").wait_for()
    uploads.root.click(position={"x": 1, "y": 1})
    questions: list[str] = []
    uploads.page.on("dialog", lambda dialog: (questions.append(dialog.type), dialog.accept()))
    with uploads.page.expect_event("close"):
        uploads.page.close(run_before_unload=True)
    assert questions == (["beforeunload"] if state in ("unsent", "failed") else [])


def test_a_file_that_was_chosen_again_while_its_upload_was_checked_is_ready(
    uploads: Uploads, stub: Stub, bridge: Bridge, files: Files
) -> None:
    """Its row fails when the check ends, since the page did not have the file; it has it now."""
    uploads.choose(files(2))
    uploads.wait_rows(2)
    lost = {"error": "file_not_found", "reason": "file_lost"}
    stub.push({"id": "b0", "state": "failed", "result": lost})
    told = bridge.wait_for("have")[-1]
    assert (told["ids"], told["again"]) == (["b0"], True)
    stub.push({"id": "b1", "state": "failed", "result": lost | {"reason": "file_gone"}})
    uploads.wait_state("picture-1.png", "Failed")
    assert len(bridge.of("have")) == 1
