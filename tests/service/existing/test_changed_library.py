"""A library that somebody else changes between or during nights, and a state that is not the last one."""

from __future__ import annotations

import hashlib
import shutil
from itertools import count
from typing import TYPE_CHECKING, Any, NamedTuple

import httpx
import nights
import pandas as pd
import pytest
from emulator_client import LOOPBACK, Client

import ikpipe
from ikpipe.emulator import Emulator

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


NAME = "a.gif"
OURS, LATER = nights.gif("ours"), nights.gif("ours, later")  # of one size
THEIRS, LONGER = nights.gif("theirs"), nights.gif("theirs" * 20)
_FOLDERS = count()


@pytest.fixture(scope="module")
def client() -> Iterator[Client]:
    """One emulator for all tests, each of which has a folder of its own."""
    with Emulator(**LOOPBACK) as emulator, httpx.Client(timeout=60) as http:
        yield Client(nights.open_library(emulator), http)


class LibraryTarget(NamedTuple):
    """A file of the library that somebody else can change, and its table."""

    client: Client
    folder: str
    state: Path

    def upload(self, content: bytes = OURS, **options: Any) -> pd.Series:
        """Upload the table as every night; return the results of its only row."""
        return self.results(content, **options).iloc[0]

    def results(self, content: bytes = OURS, **options: Any) -> pd.DataFrame:
        """Upload the table as every night; return its results."""
        frame = pd.DataFrame({"file": [content], "sku": ["a"], "tags": ["red"]})
        columns = {name: [options.pop(name)] for name in [*options] if name in ("is_private_file", "description")}
        return ikpipe.upload(frame.assign(**columns), self.client.emulator.account, **self.options(**options))

    def options(self, **options: Any) -> dict[str, Any]:
        """Return the options of every night, with others."""
        return {**nights.OPTIONS, "columns": None, "folder": self.folder, "state": str(self.state), **options}

    def by_others(self, content: bytes, **fields: str) -> None:
        """Upload a file to the row's target, as somebody else."""
        self.client.fixed(NAME, content, folder=self.folder, **fields).raise_for_status()

    def change(self, **details: Any) -> None:
        """Change the details of the file, as somebody else."""
        path = f"/v1/files/{self.file.details['fileId']}/details"
        self.client.api("PATCH", path, json=details).raise_for_status()

    @property
    def file(self) -> nights.Stored:
        """The file at the target."""
        return nights.library(self.client.emulator)[f"{self.folder}{NAME}"]

    @property
    def content(self) -> str:
        """Which content is at the target."""
        names = {hashlib.sha256(one).hexdigest(): one for one in (OURS, LATER, THEIRS, LONGER)}
        return {OURS: "ours", LATER: "later", THEIRS: "theirs", LONGER: "longer"}[names[self.file.sha256]]


@pytest.fixture
def place(client: Client, tmp_path: Path) -> LibraryTarget:
    """Have a target whose file ikpipe stored the night before."""
    here = LibraryTarget(client, f"/place-{next(_FOLDERS)}/", tmp_path / "nights.ikstate")
    assert here.upload()["ik_status"] == "uploaded"
    return here


@pytest.fixture
def free(client: Client, tmp_path: Path) -> LibraryTarget:
    """Have a target without a file."""
    return LibraryTarget(client, f"/place-{next(_FOLDERS)}/", tmp_path / "nights.ikstate")


# What somebody else changed between two nights


@pytest.mark.parametrize("theirs", [THEIRS, LONGER], ids=["of the same size", "of another size"])
def test_a_replaced_file_is_not_taken_for_ours(theirs: bytes, place: LibraryTarget) -> None:
    """Whatever its size, a file that somebody else replaced is replaced again."""
    place.by_others(theirs)
    assert (place.upload()["ik_status"], place.content) == ("uploaded", "ours")
    assert place.file.versions == 3


def test_a_file_that_was_deleted_is_uploaded(place: LibraryTarget) -> None:
    """The state does not make up for the library."""
    place.client.api("DELETE", f"/v1/files/{place.file.details['fileId']}")
    assert (place.upload()["ik_status"], place.content, place.file.versions) == ("uploaded", "ours", 1)


def test_a_file_that_was_deleted_and_made_again_is_not_ours(place: LibraryTarget) -> None:
    """Another file of the same name and size has another id."""
    place.client.api("DELETE", f"/v1/files/{place.file.details['fileId']}")
    place.by_others(THEIRS)
    assert (place.upload()["ik_status"], place.content) == ("uploaded", "ours")


def test_a_restored_version_is_not_taken_for_the_last_one(place: LibraryTarget) -> None:
    """The version that somebody restored has the content of an earlier night."""
    first = place.file.details
    assert place.upload(LATER)["ik_status"] == "uploaded"
    path = f"/v1/files/{first['fileId']}/versions/{first['versionInfo']['id']}/restore"
    place.client.api("PUT", path).raise_for_status()
    assert place.content == "ours"
    assert (place.upload(LATER)["ik_status"], place.content) == ("uploaded", "later")


def test_a_file_that_was_renamed_stays(place: LibraryTarget) -> None:
    """The file is uploaded again at its own place, and the renamed one is left alone."""
    order = {"filePath": f"{place.folder}{NAME}", "newFileName": "b.gif"}
    place.client.api("PUT", "/v1/files/rename", json=order).raise_for_status()
    assert (place.upload()["ik_status"], place.content) == ("uploaded", "ours")
    assert f"{place.folder}b.gif" in nights.library(place.client.emulator)


def test_tags_that_somebody_changed_are_changed_back(place: LibraryTarget) -> None:
    """The row gives tags, so that they are the table's."""
    place.change(tags=["red", "sale"])
    assert (place.upload()["ik_status"], place.file.details["tags"]) == ("updated", ["red"])
    assert place.file.versions == 1


@pytest.mark.parametrize("content", [OURS, LATER], ids=["the same content", "a new content"])
def test_details_that_no_row_gives_survive(content: bytes, place: LibraryTarget) -> None:
    """A description, coordinates, metadata and the publication stay as somebody set them, also in a new version."""
    details = {"description": "Theirs.", "customMetadata": {"brand": "Theirs"}, "publish": {"isPublished": False}}
    place.change(**details)
    status = place.upload(content)["ik_status"]
    assert status == ("unchanged" if content == OURS else "uploaded")
    after = place.file
    assert (after.details["description"], after.metadata) == ("Theirs.", {"brand": "Theirs"})
    assert after.details["isPublished"] is False


@pytest.mark.parametrize("content", [OURS, LATER], ids=["the same content", "a new content"])
def test_a_file_that_was_made_private_stays_private(content: bytes, place: LibraryTarget) -> None:
    """Nothing that the table does not say publishes a file."""
    place.by_others(OURS, isPrivateFile="true")
    place.upload(content)
    assert place.file.details["isPrivateFile"] is True
    assert place.file.sha256 == hashlib.sha256(content).hexdigest()


@pytest.mark.parametrize("private", [True, False])
def test_the_privacy_that_a_row_gives_wins(*, private: bool, place: LibraryTarget) -> None:
    """Only a new version can have another privacy."""
    place.by_others(OURS, isPrivateFile=str(not private).lower())
    assert place.upload(is_private_file=private)["ik_status"] == "uploaded"
    assert place.file.details["isPrivateFile"] is private
    assert place.upload(is_private_file=private)["ik_status"] == "unchanged"


@pytest.mark.parametrize("content", [LATER, LONGER], ids=["of the same size", "of another size"])
@pytest.mark.parametrize("state", ["kept", "lost"])
def test_a_retry_takes_no_earlier_version_for_an_unknown_row(state: str, content: bytes, place: LibraryTarget) -> None:
    """A file of the night before is not what a row stored whose answer was lost, unless nothing but sizes is known."""
    results = place.results().assign(ik_status="unknown", file=[content])
    if state == "lost":
        place.state.unlink()
    again = ikpipe.retry(results, place.client.emulator.account, **place.options())
    assert again["ik_status"].tolist()[0] in nights.SETTLED
    if state == "kept" or content == LONGER:
        assert place.file.sha256 == hashlib.sha256(content).hexdigest()


# What a run has failed to send


def test_a_replacement_that_was_rejected_is_not_taken_for_stored(place: LibraryTarget) -> None:
    """What somebody else uploads after a row failed is not that row's, although it has its size."""
    assert place.upload(LATER, checks='"request.folder" : "elsewhere"')["ik_status"] == "failed"
    place.by_others(THEIRS)
    assert (place.upload(LATER)["ik_status"], place.content) == ("uploaded", "later")


# A file that appears between the listing and the upload


class Appearing(httpx.AsyncHTTPTransport):
    """A transport on whose way somebody else uploads to the row's target, just before the row does."""

    def __init__(self, act: Callable[[], object]) -> None:
        super().__init__()
        self._act: Callable[[], object] | None = act

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request; before the first upload, somebody else's."""
        if request.url.path.endswith("/upload") and self._act is not None:
            act, self._act = self._act, None
            act()
        return await super().handle_async_request(request)


MODES = [("skip", "skipped", "longer"), ("error", "failed", "longer"), ("sync", "uploaded", "ours")]


@pytest.mark.parametrize(("mode", "status", "content"), MODES)
def test_a_file_that_appears_late(mode: str, status: str, content: str, free: LibraryTarget) -> None:
    """The service says so, and the row does what it does about any file at its target."""
    transport = Appearing(lambda: free.by_others(LONGER))
    result = free.upload(on_existing=mode, transport=transport)
    assert (result["ik_status"], free.content) == (status, content)
    assert (result["ik_error"] is not pd.NA) == (mode == "error")
    if mode != "error":
        assert result["ik_file_id"] == free.file.details["fileId"]


@pytest.mark.parametrize(("mode", "status"), [("skip", "skipped"), ("error", "failed"), ("sync", "unchanged")])
def test_another_run_is_faster(mode: str, status: str, free: LibraryTarget) -> None:
    """Two runs that upload one row at the same time store it once."""
    transport = Appearing(free.upload)
    assert free.upload(on_existing=mode, transport=transport)["ik_status"] == status
    assert (free.content, free.file.versions) == ("ours", 1)


def test_a_file_that_vanishes_late(place: LibraryTarget) -> None:
    """A file that is deleted between the listing and the update of its details is uploaded."""

    class Vanishing(httpx.AsyncHTTPTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            if request.method == "PATCH":
                place.client.api("DELETE", f"/v1/files/{place.file.details['fileId']}")
            return await super().handle_async_request(request)

    place.change(tags=["sale"])
    assert place.upload(transport=Vanishing())["ik_status"] == "uploaded"
    assert (place.content, place.file.details["tags"]) == ("ours", ["red"])


# A state that is lost, old, or another account's


def test_without_its_state_the_size_decides(place: LibraryTarget) -> None:
    """A file of another size is replaced; one of the same size is taken for equal, since nothing else is known."""
    place.state.unlink()
    assert place.upload()["ik_status"] == "unchanged"
    place.by_others(LONGER)
    place.state.unlink()
    assert (place.upload()["ik_status"], place.content) == ("uploaded", "ours")


def test_a_lost_state_skips_nothing_that_is_not_there(place: LibraryTarget) -> None:
    """With neither state nor file, the file is uploaded."""
    place.client.api("DELETE", f"/v1/files/{place.file.details['fileId']}")
    place.state.unlink()
    assert (place.upload()["ik_status"], place.content) == ("uploaded", "ours")


def test_a_restored_backup_of_the_state(place: LibraryTarget, tmp_path: Path) -> None:
    """What the state says of an earlier version does not count for a later one: a content of that night is sent."""
    shutil.copy(place.state, tmp_path / "backup")
    assert place.upload(LATER)["ik_status"] == "uploaded"
    shutil.copy(tmp_path / "backup", place.state)
    assert place.upload(OURS)["ik_status"] == "uploaded"
    assert place.content == "ours"


def test_a_restored_backup_and_a_file_that_is_gone(place: LibraryTarget, tmp_path: Path) -> None:
    """A state that has a file which the library has not."""
    shutil.copy(place.state, tmp_path / "backup")
    place.client.api("DELETE", f"/v1/files/{place.file.details['fileId']}")
    shutil.copy(tmp_path / "backup", place.state)
    assert (place.upload()["ik_status"], place.file.versions) == ("uploaded", 1)


def test_the_state_of_another_account(place: LibraryTarget, emulate: Callable[..., Emulator]) -> None:
    """A state says nothing about the library of another account, which has a file of that path and size."""
    with httpx.Client(timeout=60) as http:
        other = LibraryTarget(Client(nights.open_library(emulate()), http), place.folder, place.state)
        assert other.upload()["ik_status"] == "uploaded"
        other.client.api("DELETE", f"/v1/files/{other.file.details['fileId']}")
        assert other.upload()["ik_status"] == "uploaded"
    assert place.upload()["ik_status"] == "unchanged"


@pytest.mark.parametrize("content", [b"", b"no state", b"SQLite format 3\0" + b"x" * 200])
def test_a_file_that_is_no_state(content: bytes, place: LibraryTarget) -> None:
    """A file that is no state is never changed; an empty one, such as of a full disk, becomes one."""
    place.state.write_bytes(content)
    if not content:
        assert place.upload()["ik_status"] == "unchanged"
        return
    with pytest.raises(ikpipe.MappingError, match="not a state"):
        place.upload()
    assert place.state.read_bytes() == content


def test_a_damaged_state_costs_an_upload_at_most(place: LibraryTarget) -> None:
    """A state whose pages are damaged stops no run, and skips nothing that has changed."""
    content = bytearray(place.state.read_bytes())
    content[len(content) // 3 :] = b"\xa5" * (len(content) - len(content) // 3)
    place.state.write_bytes(content)
    assert place.upload(LONGER)["ik_status"] == "uploaded"
    assert place.content == "longer"
