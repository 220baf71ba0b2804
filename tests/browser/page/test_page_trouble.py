"""Busy and restarted kernels, lost messages, and several views."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from stub import Stub

if TYPE_CHECKING:
    from collections.abc import Callable

    from bridge import Bridge
    from driver import Uploads

    from ikpipe.emulator import Emulator

    Files = Callable[[int], list[str]]


def test_the_page_says_that_the_kernel_is_busy(uploads: Uploads, stub: Stub, files: Files) -> None:
    """After two seconds without an answer the page says so, and no request is lost."""
    stub.deaf = True
    uploads.choose(files(2))
    uploads.root.get_by_text("Python is running another cell.").first.wait_for()
    stub.wake()
    uploads.wait_rows(2)
    uploads.root.locator(".ik-notice").wait_for(state="detached")


def test_a_delayed_message_is_sent_again(uploads: Uploads, stub: Stub, files: Files) -> None:
    """A delayed message that others overtake is sent again, and its late copy changes nothing."""
    stub.held = {"add"}
    uploads.choose(files(2))
    uploads.bridge.wait_for("add")
    stub.held = set()
    uploads.wait_rows(2)
    stub.wake()
    stub.push({"id": "r0", "name": "a.jpg"})
    uploads.wait_rows(3)


def test_results_are_sent_until_they_are_acknowledged(uploads: Uploads, stub: Stub, files: Files) -> None:
    """A result whose acknowledgement is lost is sent again."""
    stub.ignored = {"result"}
    uploads.choose(files(1))
    uploads.wait_rows(1)
    uploads.button("Upload 1 file").click()
    uploads.bridge.wait_for("result")
    stub.ignored = set()
    uploads.bridge.say({"type": "welcome", "session": stub.session, "version": 2})
    uploads.wait_state("picture-0.png", "Uploaded")
    assert len({(one["id"], one["attempt"]) for one in uploads.bridge.of("result")}) == 1


def test_a_missing_message_makes_the_page_request_all_rows(uploads: Uploads, stub: Stub) -> None:
    """If the page misses a message, it requests all rows again."""
    stub.push({"id": "r0", "name": "a.jpg"})
    uploads.wait_rows(1)
    stub.rows["r1"] = {"id": "r1", "at": 1, "name": "b.jpg", "state": "ready", "source": "url"}
    uploads.bridge.say({"type": "rows", "version": 7, "total": 2, "rows": []})
    uploads.wait_rows(2)


def test_a_row_that_is_retried_is_counted_once(uploads: Uploads, stub: Stub) -> None:
    """A file that is cancelled and retried is counted once."""
    text = uploads.root.locator(".ik-footer .ik-summary")
    stub.push(*({"id": one, "state": "queued"} for one in ("r0", "r1", "r2")))
    text.get_by_text("0 of 3 files").wait_for()
    stub.push({"id": "r2", "state": "cancelled"})
    text.get_by_text("1 of 3 files").wait_for()
    stub.push({"id": "r2", "state": "queued"})
    text.get_by_text("0 of 3 files").wait_for()


@pytest.mark.parametrize("left", [0, 1])
def test_a_row_whose_removal_was_missed_is_dropped(uploads: Uploads, stub: Stub, left: int) -> None:
    """The page drops rows that are missing when the kernel has sent all rows again."""
    stub.push({"id": "r0", "name": "a.jpg"}, {"id": "r1", "name": "b.jpg"})
    uploads.wait_rows(2)
    for gone in ("r0", "r1")[left:]:
        del stub.rows[gone]
    uploads.bridge.say({"type": "rows", "version": 7, "total": left, "rows": []})
    uploads.wait_rows(left) if left else uploads.root.get_by_text("Drag and drop files or folders here").wait_for()
    assert uploads.root.locator(".ik-row[data-id]").count() == left


def test_a_dismissed_error_stays_hidden(uploads: Uploads, bridge: Bridge) -> None:
    """An error that was dismissed is shown again only if it occurs again."""
    trouble = uploads.root.locator(".ik-trouble")
    bridge.set(summary={"rows": 0, "trouble": "The key is wrong."})
    uploads.button("Dismiss").click()
    bridge.set(summary={"rows": 1, "trouble": "The key is wrong."})
    bridge.set(summary={"rows": 1, "trouble": "The disk is full."})
    trouble.wait_for()
    assert trouble.all_text_contents() == ["The disk is full."]
    bridge.set(summary={"rows": 1, "trouble": ""})
    bridge.set(summary={"rows": 1, "trouble": "The key is wrong."})
    trouble.nth(1).wait_for()


def test_a_second_view_shows_the_same(uploads: Uploads, stub: Stub) -> None:
    """Both views have the same rows and selection, and closing one stops no upload."""
    stub.push({"id": "r0", "name": "a.jpg"})
    uploads.evaluate(
        """async () => {
            const place = document.createElement("div");
            document.querySelector("main").append(place);
            await window.show(window.model, place);
        }"""
    )
    both = uploads.page.locator(".ikpipe")
    both.nth(1).get_by_text("a.jpg", exact=True).click()
    both.nth(0).locator('.ik-row[aria-selected="true"]').wait_for()
    uploads.evaluate("() => window.end()")
    stub.push({"id": "r1", "name": "b.jpg"})
    both.first.get_by_text("b.jpg", exact=True).wait_for()
    assert both.count() == 1


def test_leaving_during_uploads_asks_for_confirmation(uploads: Uploads, stub: Stub, files: Files) -> None:
    """Leaving the page asks for confirmation until the kernel has all results, also without a view."""
    questions: list[str] = []
    uploads.page.on("dialog", lambda dialog: (questions.append(dialog.type), dialog.dismiss()))
    stub.ignored = {"result"}
    uploads.choose(files(1))
    uploads.wait_rows(1)
    uploads.button("Upload 1 file").click()
    uploads.bridge.wait_for("result")
    uploads.evaluate("() => window.end()")
    with uploads.page.expect_event("dialog"):
        uploads.page.close(run_before_unload=True)
    uploads.evaluate("async () => { await window.show(window.model, document.getElementById('cell')); }")
    stub.ignored = set()
    uploads.bridge.say({"type": "welcome", "session": stub.session, "version": 2})
    uploads.wait_state("picture-0.png", "Uploaded")
    with uploads.page.expect_event("close"):
        uploads.page.close(run_before_unload=True)
    assert questions == ["beforeunload"]


def test_views_have_one_queue(uploads: Uploads, files: Files) -> None:
    """The rows are requested once, and a file that was picked in a view is uploaded after that is closed."""
    uploads.choose(files(1))
    uploads.wait_rows(1)
    uploads.evaluate(
        """async () => {
            window.end();
            await window.show(window.model, document.getElementById("cell"));
        }"""
    )
    uploads.button("Upload 1 file").click()
    uploads.wait_state("picture-0.png", "Uploaded")
    assert len(uploads.bridge.of("hello")) == 1
    assert not [one for one in uploads.bridge.of("result") if one.get("error")]


REOPEN = """async () => {
    window.end();
    window.model.hear = () => {};
    window.model.send = () => {
        throw new Error("Cannot send");
    };
    window.model = await window.begin();
    window.end = await window.show(window.model, document.getElementById("cell"));
}"""


def test_a_notebook_that_is_opened_again_keeps_its_files(uploads: Uploads, files: Files) -> None:
    """With the new model, files that were picked before are uploaded, and others can be picked."""
    first, second = files(2)
    uploads.choose([first])
    uploads.wait_rows(1)
    uploads.evaluate(REOPEN)
    uploads.wait_rows(1)
    uploads.choose([second])
    uploads.wait_rows(2)
    uploads.button("Upload 2 files").click()
    uploads.wait_states(["Uploaded", "Uploaded"])
    assert not [one for one in uploads.bridge.of("result") if one.get("error")]


def test_messages_of_a_closed_notebook_are_sent_again(uploads: Uploads, stub: Stub, files: Files) -> None:
    """Files that the kernel had not accepted when the notebook was closed are added when it is opened again."""
    stub.held = {"add"}
    uploads.choose(files(1))
    uploads.bridge.wait_for("add")
    stub.held = set()
    uploads.evaluate(REOPEN)
    uploads.wait_rows(1)
    uploads.button("Upload 1 file").click()
    uploads.wait_states(["Uploaded"])


def test_a_new_kernel_adopts_the_files(
    uploads: Uploads, stub: Stub, bridge: Bridge, emulator: Emulator, files: Files
) -> None:
    """After a restart the page offers to resume with its files, and they are uploaded."""
    uploads.choose(files(2))
    uploads.wait_rows(2)
    stub.push({"id": "b1", "folder": "/fixed", "state": "failed"})
    uploads.wait_state("picture-1.png", "Failed")
    second = uploads.restart(lambda: _Adopting(bridge, emulator.account, session="s2"))
    uploads.root.get_by_text("2 files weren't finished when the kernel restarted.").first.wait_for()
    uploads.button("Resume").click()
    uploads.wait_rows(2)
    adopted = bridge.wait_for("adopt")[0]
    assert adopted["session"] == "s1"
    assert [(row["id"], row["state"], row["edits"].get("folder")) for row in adopted["rows"]] == [
        ("b0", "ready", None),
        ("b1", "failed", "/fixed"),
    ]
    uploads.button("Upload 2 files").click()
    uploads.wait_states(["Uploaded", "Uploaded"])
    assert second.session == "s2"


def test_a_new_kernel_gets_files_that_the_old_one_never_accepted(
    uploads: Uploads, stub: Stub, bridge: Bridge, emulator: Emulator, files: Files
) -> None:
    """Files that were picked while the kernel was busy are offered after its restart."""
    stub.deaf = True
    uploads.choose(files(2))
    bridge.wait_for("add")
    uploads.restart(lambda: Stub(bridge, emulator.account, session="s2"))
    uploads.root.get_by_text("2 files weren't finished when the kernel restarted.").first.wait_for()
    uploads.button("Resume").click()
    uploads.wait_rows(2)
    uploads.button("Upload 2 files").click()
    uploads.wait_states(["Uploaded", "Uploaded"])


def test_a_new_kernel_gets_files_that_were_picked_before_the_old_one_answered(
    uploads: Uploads, stub: Stub, bridge: Bridge, emulator: Emulator, files: Files
) -> None:
    """A page whose kernel never answered offers its files to the next one, too."""
    stub.deaf = True
    uploads.page.reload()
    uploads.page.locator("html[data-ready]").wait_for(state="attached")
    uploads.choose(files(2))
    uploads.restart(lambda: Stub(bridge, emulator.account, session="s2"))
    uploads.root.get_by_text("2 files weren't finished when the kernel restarted.").first.wait_for()


class _Adopting(Stub):
    def _adopt(self, message: dict[str, Any]) -> None:
        files = [{name: row[name] for name in ("key", "name", "path", "size", "type")} for row in message["rows"]]
        self._add({"files": files, "request": None})
