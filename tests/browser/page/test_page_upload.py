"""Whole uploads: a real uploader, a real browser, the emulator."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from page_comm import Comm

import ikpipe

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd
    from bridge import Bridge
    from driver import Uploads

    from ikpipe.emulator import Emulator

    Open = Callable[..., tuple[Uploads, ikpipe.Uploader]]
    Files = Callable[[int], list[str]]
    Emulate = Callable[..., Emulator]


QUICK = ikpipe.Policy(index_lag=0.1, first_wait=0.02)
FAILED = "Failed to load resource|has been blocked by CORS"  # what Chromium itself writes of requests that fail


def send(uploads: Uploads, paths: list[str]) -> None:
    """Pick files, and upload them."""
    uploads.choose(paths)
    uploads.wait_rows(len(paths))
    uploads.root.locator(".ik-footer .ik-primary").click()


def states(uploader: ikpipe.Uploader) -> list[str]:
    """Return the statuses that Python has."""
    return list(uploader.results["ik_status"])


def stored(emulator: Emulator) -> list[dict[str, Any]]:
    """Return the uploads that were stored."""
    return [entry for entry in emulator.log() if entry.get("stored")]


def test_files_are_stored_unchanged(upload_page: Open, emulate: Emulate, files: Files) -> None:
    """The stored bytes are those of the picked files, with the default tags and folder."""
    emulator = emulate()
    uploads, uploader = upload_page(emulator.account, tags=["a", "b"], folder="/shop")
    paths = files(3)
    send(uploads, paths)
    uploads.wait_states(["Uploaded"] * 3)
    results = uploader.results
    assert [list(one) for one in results["ik_tags"]] == [["a", "b"]] * 3
    assert _digests(emulator, results) == [hashlib.sha256(Path(path).read_bytes()).hexdigest() for path in paths]


def _digests(emulator: Emulator, results: pd.DataFrame) -> list[str]:
    import httpx

    with httpx.Client() as client:
        return [hashlib.sha256(client.get(url).content).hexdigest() for url in results["ik_url"]]


def test_a_dropped_folder_keeps_its_structure(upload_page: Open, emulate: Emulate, files: Files) -> None:
    """The subfolders of a dropped folder become folders of the media library."""
    emulator = emulate()
    uploads, uploader = upload_page(emulator.account, use_unique_file_name=False)
    inner = Path(files(2)[0]).parent / "trip" / "day1"
    inner.mkdir(parents=True)
    for path in inner.parent.parent.glob("*.png"):
        path.rename(inner / path.name)
    uploads.drop([str(inner.parent)])
    uploads.wait_rows(2)
    uploads.root.locator(".ik-footer .ik-primary").click()
    uploads.wait_states(["Uploaded", "Uploaded"])
    assert set(uploader.results["ik_file_path"]) == {"/trip/day1/picture-0.png", "/trip/day1/picture-1.png"}


def hidden(folder: Path) -> Path:
    """Return a folder with hidden files, one of them in a hidden folder."""
    place = folder / "shop"
    (place / ".git").mkdir(parents=True)
    for name in ("a.txt", ".env", "._a.txt", ".git/config"):
        (place / name).write_text("x")
    return place


def told(uploads: Uploads) -> list[str]:
    """Return the names of the files in the first message."""
    return [file["name"] for file in uploads.bridge.wait_for("add")[0]["files"]]


def test_hidden_files_in_a_dropped_folder_are_skipped(uploads: Uploads, tmp_path: Path) -> None:
    """Hidden files can have secrets, so they are skipped as for `root=`."""
    uploads.drop([str(hidden(tmp_path))])
    assert told(uploads) == ["a.txt"]


def test_hidden_files_in_a_chosen_folder_are_skipped(uploads: Uploads, tmp_path: Path) -> None:
    """Hidden files are skipped as in a dropped folder."""
    with uploads.page.expect_file_chooser() as chooser:
        uploads.root.get_by_role("button", name="Add folder").locator("visible=true").click()
    chooser.value.set_files(str(hidden(tmp_path)))
    assert told(uploads) == ["a.txt"]


@pytest.mark.parametrize("way", ["choose", "drop"])
def test_a_hidden_file_that_is_chosen_by_name_is_added(uploads: Uploads, tmp_path: Path, way: str) -> None:
    """A hidden file that is chosen by name is added."""
    getattr(uploads, way)([str(hidden(tmp_path) / ".env")])
    assert told(uploads) == [".env"]


def test_uploaded_files_are_shown_after_a_reload(upload_page: Open, emulate: Emulate, files: Files) -> None:
    """The page has no file any more, but its URL."""
    uploads, uploader = upload_page(emulate().account)
    send(uploads, files(1))
    uploads.wait_states(["Uploaded"])
    uploads.page.reload()
    uploads.row("picture-0.png").dblclick()
    picture = uploads.root.locator(".ik-stage img")
    picture.wait_for()
    assert picture.get_attribute("src") == uploader.results["ik_url"].iloc[0]


def test_a_pasted_picture_gets_a_name(upload_page: Open, emulate: Emulate) -> None:
    """A pasted image is named by the time, not always `image.png`."""
    emulator = emulate()
    uploads, uploader = upload_page(emulator.account)
    uploads.paste("image.png", "image/png", "xyz")
    uploads.wait_rows(1)
    uploads.root.locator(".ik-footer .ik-primary").click()
    uploads.wait_states(["Uploaded"])
    assert uploader.results["ik_name"].iloc[0].startswith("pasted-2")
    assert uploader.results["ik_size"].iloc[0] == 3


@pytest.mark.parametrize(
    "fault", ["store-then-cut", "429", "5xx", "reset-after", "cut-answer", "non-json", "store-then-5xx"]
)
def test_no_fault_stores_a_file_twice_or_loses_one(
    upload_page: Open, emulate: Emulate, files: Files, fault: str
) -> None:
    """With any fault, each file is stored once, and the page agrees with Python."""
    emulator = emulate(faults={fault: 0.4}, seed=3)
    uploads, uploader = upload_page(emulator.account, allow=FAILED, policy=QUICK)
    send(uploads, files(4))
    uploads.wait_uploaded(4)
    assert len(stored(emulator)) == 4
    words = [{"uploaded": "Uploaded", "exists": "Already uploaded"}[state] for state in states(uploader)]
    uploads.wait_states(words)
    assert emulator.fired[fault] > 0


def test_a_rejected_preflight_does_not_stop_an_upload(upload_page: Open, emulate: Emulate, files: Files) -> None:
    """If the service rejects preflights, files are sent without one, and the kernel gets a first progress message."""
    emulator = emulate(preflight=False)
    uploads, uploader = upload_page(emulator.account, allow=FAILED)
    send(uploads, files(3))
    uploads.wait_states(["Uploaded"] * 3)
    assert states(uploader) == ["uploaded"] * 3
    assert len(stored(emulator)) == 3
    assert [one["total"] for one in uploads.bridge.of("progress")].count(0) == 3


def test_one_broken_connection_does_not_end_progress_messages(
    upload_page: Open, emulate: Emulate, files: Files
) -> None:
    """It looks like a rejected preflight: the file is sent without progress messages, the next one with them."""
    uploads, _uploader = upload_page(emulate().account, policy=QUICK)
    uploads.evaluate(
        """() => {
            const send = XMLHttpRequest.prototype.send;
            window.heard = [];
            XMLHttpRequest.prototype.send = function (form) {
                window.heard.push(Boolean(this.upload.onprogress));
                if (window.heard.length > 1) send.call(this, form);
                else setTimeout(() => this.dispatchEvent(new ProgressEvent("error")));
            };
        }"""
    )
    paths = files(2)
    send(uploads, paths[:1])
    uploads.wait_uploaded(1)
    uploads.choose(paths[1:])
    uploads.button("Upload 1 file").click()
    uploads.wait_uploaded(2)
    assert uploads.evaluate("() => window.heard") == [True, False, True]


def test_a_queued_request_has_a_progress_message(uploads: Uploads, files: Files) -> None:
    """A browser queues requests to one host: the kernel gets a progress message for those, too."""
    uploads.evaluate("() => { XMLHttpRequest.prototype.send = () => {}; }")
    send(uploads, files(2))
    assert [one["loaded"] for one in uploads.bridge.wait_for("progress", 2)] == [0, 0]


def test_a_deleted_file_is_not_uploaded(upload_page: Open, emulate: Emulate, files: Files) -> None:
    """The row asks to choose the file again after one attempt, and the others are uploaded."""
    emulator = emulate()
    uploads, uploader = upload_page(emulator.account, allow=FAILED, policy=QUICK)
    paths = files(2)
    uploads.choose(paths)
    uploads.wait_rows(2)
    Path(paths[0]).unlink()
    uploads.root.locator(".ik-footer .ik-primary").click()
    uploads.wait_states(["Failed", "Uploaded"])
    failed = uploader.results.iloc[0]
    assert (failed["ik_error"], failed["ik_attempts"]) == ("file_not_found", 1)
    assert len(stored(emulator)) == 1


def test_an_upload_that_is_cancelled_while_its_file_is_read_is_not_sent(uploads: Uploads, files: Files) -> None:
    """The kernel gets the result that no byte was sent."""
    uploads.evaluate(
        """() => {
            const looked = Blob.prototype.arrayBuffer;
            Blob.prototype.arrayBuffer = function () {
                return new Promise((resolve) => (window.look = resolve)).then(() => looked.call(this));
            };
            XMLHttpRequest.prototype.send = () => (window.left = true);
        }"""
    )
    send(uploads, files(1))
    uploads.bridge.wait_for("progress")
    uploads.button("Cancel all").click()
    uploads.evaluate("() => window.look()")
    result = uploads.bridge.wait_for("result")[0]
    assert (result["error"], result["left"]) == ("cancelled", False)
    assert not uploads.evaluate("() => window.left")


def test_a_used_token_is_replaced(upload_page: Open, emulate: Emulate, files: Files) -> None:
    """A used token is rejected, and the file is sent with another one."""
    emulator = emulate()
    uploads, uploader = upload_page(emulator.account, allow=FAILED, policy=QUICK)
    spend = """async () => {
        const send = XMLHttpRequest.prototype.send;
        let first = true;
        XMLHttpRequest.prototype.send = async function (form) {
            if (first) {
                first = false;
                const spent = new FormData();
                for (const name of ["fileName", "token"]) spent.append(name, form.get(name));
                await fetch(%r, { method: "POST", body: spent });
            }
            send.call(this, form);
        };
    }"""
    uploads.evaluate(spend % emulator.upload_url)
    send(uploads, files(2))
    uploads.wait_uploaded(2)
    assert len(stored(emulator)) == 2
    assert set(states(uploader)) <= {"uploaded", "exists"}


def test_offline_files_wait_for_the_network(upload_page: Open, emulate: Emulate, files: Files) -> None:
    """The page says that the browser is offline, and uploads the files when it is online again."""
    emulator = emulate()
    uploads, uploader = upload_page(emulator.account, policy=QUICK)
    uploads.set_online(online=False)
    uploads.root.get_by_text("You're offline.").first.wait_for()
    send(uploads, files(2))
    uploads.bridge.wait_for("result")
    uploads.set_online(online=True)
    uploads.wait_idle()
    if states(uploader) != ["uploaded"] * 2:
        uploads.button("Retry 2").click()
    uploads.wait_states(["Uploaded", "Uploaded"])
    assert len(stored(emulator)) == 2


def test_cancelling_one_leaves_the_others(upload_page: Open, emulate: Emulate, files: Files) -> None:
    """A row's button cancels only that row."""
    emulator = emulate(latency=0.3, capacity=1)
    uploads, uploader = upload_page(emulator.account, allow=FAILED, concurrency=1, policy=QUICK)
    send(uploads, files(3))
    uploads.button("Cancel picture-2.png").click()
    uploads.wait_states(["Uploaded", "Uploaded", "Cancelled"])
    assert states(uploader) == ["uploaded", "uploaded", "cancelled"]


def test_cancelling_all_and_retrying(upload_page: Open, emulate: Emulate, files: Files) -> None:
    """Cancelled files can be retried, and are uploaded."""
    emulator = emulate(latency=0.3, capacity=1)
    uploads, uploader = upload_page(emulator.account, allow=FAILED, concurrency=1, policy=ikpipe.Policy(index_lag=1))
    send(uploads, files(3))
    uploads.button("Cancel all").click()
    uploads.wait_idle()
    uploads.root.locator(".ik-footer").get_by_role("button", name="Retry").click()
    uploads.wait_uploaded(3)
    assert len(stored(emulator)) == 3
    assert set(states(uploader)) <= {"uploaded", "exists"}


def test_a_cancelled_request_may_have_been_sent(upload_page: Open, emulate: Emulate, files: Files) -> None:
    """Progress events are late: without any, a cancelled file can still have been stored."""
    emulator = emulate(latency=2)
    uploads, _uploader = upload_page(emulator.account, allow=FAILED, policy=QUICK)
    with uploads.page.expect_request(emulator.upload_url):
        send(uploads, files(1))
    uploads.button("Cancel all").click()
    assert uploads.bridge.wait_for("result")[0]["left"] is True


def test_the_private_key_never_reaches_the_page(upload_page: Open, emulate: Emulate, files: Files) -> None:
    """No message has the private key, and no trait a token."""
    emulator = emulate()
    uploads, uploader = upload_page(emulator.account)
    send(uploads, files(2))
    uploads.wait_states(["Uploaded"] * 2)
    frames = uploader.comm.frames
    assert emulator.private_key not in repr(frames)
    assert "eyJ" not in repr([frame for frame in frames if frame["method"] == "update"])


def test_results_csv_is_downloaded(upload_page: Open, emulate: Emulate, files: Files) -> None:
    """The button downloads the results as `write_results` writes them."""
    uploads, _uploader = upload_page(emulate().account)
    send(uploads, files(2))
    uploads.wait_states(["Uploaded"] * 2)
    with uploads.page.expect_download() as download:
        uploads.button("Download CSV").click()
    assert download.value.suggested_filename == "results.csv"
    assert Path(download.value.path()).read_text("utf-8").count("uploaded") == 2


def test_a_folder_without_files_is_announced(uploads: Uploads, tmp_path: Path) -> None:
    """The page and its live region say that a folder without files was dropped."""
    (tmp_path / "empty" / "within").mkdir(parents=True)
    uploads.drop([str(tmp_path / "empty")])
    said = uploads.root.get_by_role("status").get_by_text("No files found in that folder")
    said.wait_for(state="visible")
    assert uploads.bridge.of("add") == []


def test_files_of_the_kernel_are_shown_and_uploaded(upload_page: Open, emulate: Emulate, files: Files) -> None:
    """The kernel sends previews of its own files, and uploads them together with picked ones."""
    paths = files(3)
    root = Path(paths[0]).parent / "there"
    root.mkdir()
    for path in paths[:2]:
        Path(path).rename(root / Path(path).name)
    uploads, uploader = upload_page(emulate().account, root=root)
    uploads.wait_rows(2)
    uploads.row("picture-0.png").locator(".ik-thumb img").wait_for()
    uploads.choose(paths[2:])
    uploads.wait_rows(3)
    uploads.button("Upload 3 files").click()
    uploads.wait_states(["Uploaded"] * 3)
    assert states(uploader) == ["uploaded"] * 3


def test_an_area_is_in_pixels_of_the_kernels_file(
    upload_page: Open, emulate: Emulate, tmp_path: Path, picture: Callable[..., bytes]
) -> None:
    """The focus area is in pixels of the original, not of the preview."""
    (tmp_path / "large.png").write_bytes(picture(1, size=(4000, 3000)))
    uploads, uploader = upload_page(emulate().account, root=tmp_path)
    uploads.row("large.png").dblclick()
    uploads.button("Draw an area").click()
    uploads.root.get_by_role("dialog").get_by_text("4000 \N{MULTIPLICATION SIGN} 3000").wait_for()
    box = uploads.root.locator(".ik-area-sheet").bounding_box()
    assert box is not None
    mouse = uploads.page.mouse
    mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    mouse.down()
    mouse.move(box["x"] + box["width"] + 9, box["y"] + box["height"] + 9)
    mouse.up()
    uploads.wait_value("Width", "2000")
    uploads.bridge.wait_for("edit")  # the field shows the area before
    assert uploader.frame["custom_coordinates"].tolist() == ["2000,1500,2000,1500"]


def test_what_a_new_kernel_adopts_arrives_once(
    upload_page: Open, bridge: Bridge, emulate: Emulate, files: Files
) -> None:
    """After a restart, uploaded files stay in the list, results and CSV; the new kernel adopts the others."""
    emulator = emulate()
    uploads, first = upload_page(emulator.account, policy=QUICK)
    send(uploads, files(1))
    uploads.wait_uploaded(1)
    uploads.choose(files(3)[1:])
    uploads.wait_rows(3)
    first.comm = None
    second = ikpipe.Uploader(emulator.account, policy=QUICK)
    uploads.restart(lambda: Comm(bridge, second))
    uploads.wait_uploaded(1)
    uploads.button("Resume").click()
    uploads.wait_rows(3)
    uploads.button("Upload 2 files").click()
    uploads.wait_uploaded(3)
    assert len(stored(emulator)) == 3
    assert second.results["ik_url"].tolist()[0] == first.results["ik_url"].tolist()[0]
    assert len(second.results) == 3
