"""Copies, moves, renames and deletions of folders."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import pytest
from emulator_client import Client, Clock, refused
from receiver import wait_until

from ikpipe.emulator import Emulator

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

INSIDE = "Your request contains invalid destinationPath parameter. It is inside sourceFolderPath."
FILES = ["/a/b/c/x.bin", "/a/b/x.bin", "/a/x.bin", "/ab/x.bin"]
SAME = "sourceFolderPath and destinationPath cannot be same."


def ask(client: Client, job: str, **body: Any) -> httpx.Response:
    """Request a job."""
    return client.api("POST", f"/v1/bulkJobs/{job}", json=body)


def change(client: Client, job: str, source: str, destination: str, **body: Any) -> httpx.Response:
    """Request a copy or a move."""
    return ask(client, job, sourceFolderPath=source, destinationPath=destination, **body)


def status(client: Client, reply: httpx.Response) -> dict[str, Any]:
    """Return the status of a job that was requested."""
    return dict(client.api("GET", f"/v1/bulkJobs/{reply.json()['jobId']}").json())


def delivered(client: Client) -> dict[str, bytes]:
    """Return the delivered bytes of all files, by path."""
    files = client.api("GET", "/v1/files").json()
    return {file["filePath"]: client.http.get(file["url"]).content for file in files}


def has_folder(client: Client, path: str) -> bool:
    """Whether a folder exists, which this deletes."""
    return client.api("DELETE", "/v1/folder", json={"folderPath": path}).status_code == 204


@pytest.fixture
def shop(start: Callable[..., Client]) -> Client:
    """Start an emulator with files in nested folders, and a folder without files."""
    return fill(start())


@pytest.fixture(scope="module")
def untouched() -> Iterator[Client]:
    """Start one with the same files for the requests that change nothing."""
    with Emulator() as emulator, httpx.Client(timeout=60) as http:
        yield fill(Client(emulator, http))


def paths(client: Client) -> list[str]:
    """Return the paths of all files, sorted."""
    return sorted(file["filePath"] for file in client.api("GET", "/v1/files").json())


def fill(client: Client) -> Client:
    """Upload the files of `shop`."""
    for path in ("/a", "/a/b", "/a/b/c", "/ab"):
        client.fixed("x.bin", path.encode(), folder=path)
    client.api("POST", "/v1/folder", json={"folderName": "empty", "parentFolderPath": "/a"})
    return client


def test_a_copy(shop: Client) -> None:
    """A folder is copied into another one, with everything below it [docs]."""
    before = delivered(shop)
    reply = change(shop, "copyFolder", "/a", "/to/")
    assert (reply.status_code, list(reply.json())) == (200, ["jobId"])
    assert status(shop, reply) == {"jobId": reply.json()["jobId"], "type": "COPY_FOLDER", "status": "Completed"}
    copies = {f"/to/{folder}/x.bin": f"/{folder}".encode() for folder in ("a", "a/b", "a/b/c")}
    assert delivered(shop) == before | copies
    assert has_folder(shop, "/to/a/empty")
    assert has_folder(shop, "/a/empty")


def test_a_move(shop: Client) -> None:
    """The folder is gone at its old path, and files keep their ids [docs]."""
    ids = {file["fileId"] for file in shop.api("GET", "/v1/files").json()}
    reply = change(shop, "moveFolder", "a/b", "to")
    assert status(shop, reply)["type"] == "MOVE_FOLDER"
    moved = {"/to/b/x.bin": b"/a/b", "/to/b/c/x.bin": b"/a/b/c"}
    assert delivered(shop) == {"/a/x.bin": b"/a", "/ab/x.bin": b"/ab"} | moved
    assert {file["fileId"] for file in shop.api("GET", "/v1/files").json()} == ids
    assert not has_folder(shop, "/a/b")


def test_a_rename(shop: Client) -> None:
    """Everything below the folder has the new name in its path, which follows the rule of new folders [docs]."""
    reply = ask(shop, "renameFolder", folderPath="/a", newFolderName="new name")
    assert status(shop, reply) == {"jobId": reply.json()["jobId"], "type": "RENAME_FOLDER", "status": "Completed"}
    assert sorted(delivered(shop)) == ["/ab/x.bin", *(f"/new_name/{path}x.bin" for path in ("b/c/", "b/", ""))]
    assert has_folder(shop, "/new_name/empty")
    assert not has_folder(shop, "/a")


def folder_ids(client: Client) -> dict[str, tuple[str, str]]:
    """Return the id and the time of creation of each folder, by path."""
    folders = client.api("GET", "/v1/files", params={"type": "folder"}).json()
    return {folder["folderPath"]: (folder["folderId"], folder["createdAt"]) for folder in folders}


def test_ids_of_renamed_folders(shop: Client) -> None:
    """A renamed folder keeps its id [sdk] and its time of creation, and so do those below it."""
    before = folder_ids(shop)
    ask(shop, "renameFolder", folderPath="/a", newFolderName="to")
    after = folder_ids(shop)
    assert {path: after[path.replace("/a", "/to", 1)] for path in before if path != "/ab"} == {
        path: before[path] for path in before if path != "/ab"
    }


def test_ids_of_moved_folders(shop: Client) -> None:
    """A moved folder is a new one, and so are those below it [sdk]."""
    before = {identifier for path, (identifier, _) in folder_ids(shop).items() if path != "/ab"}
    change(shop, "moveFolder", "/a", "/to")
    after = {identifier for path, (identifier, _) in folder_ids(shop).items() if path.startswith("/to/")}
    assert len(before) == len(after)
    assert not before & after


def test_ids_of_copied_folders(shop: Client) -> None:
    """A copy of a folder is another one; a folder that was there keeps its id."""
    shop.api("POST", "/v1/folder", json={"folderName": "b", "parentFolderPath": "/to/a"})
    before = folder_ids(shop)
    change(shop, "copyFolder", "/a", "/to")
    after = folder_ids(shop)
    assert len({identifier for identifier, _ in after.values()}) == len(after)
    assert after["/to/a/b"] == before["/to/a/b"]


def test_a_rename_that_purges(shop: Client) -> None:
    """With `purgeCache`, the status has the id of a purge [spec]."""
    reply = ask(shop, "renameFolder", folderPath="/a", newFolderName="new", purgeCache=True)
    request = status(shop, reply)["purgeRequestId"]
    assert shop.api("GET", f"/v1/files/purge/{request}").json() == {"status": "Completed"}


@pytest.mark.parametrize("job", ["copyFolder", "moveFolder"])
def test_files_that_are_there(shop: Client, job: str) -> None:
    """A file at the destination gets the version of the source, and keeps its id [docs]."""
    there = shop.fixed("x.bin", b"there", folder="/to/a").json()
    change(shop, job, "/a", "/to")
    assert delivered(shop)["/to/a/x.bin"] == b"/a"
    assert shop.details(there["fileId"])["versionInfo"]["name"] == "Version 2"


@pytest.mark.parametrize("key", ["includeVersions", "includeFileVersions"])
@pytest.mark.parametrize("wanted", [True, False])
def test_versions_of_a_copy(shop: Client, key: str, *, wanted: bool) -> None:
    """All versions are copied if the flag says so, by its newer and its older name [spec, docs]."""
    shop.fixed("x.bin", b"second", folder="/ab")
    change(shop, "copyFolder", "/ab", "/to", **{key: wanted})
    (made,) = shop.api("GET", "/v1/files", params={"path": "/to/ab"}).json()
    assert made["versionInfo"]["name"] == ("Version 2" if wanted else "Version 1")


def test_a_job_takes_its_time(start: Callable[..., Client]) -> None:
    """With `bulk_job_delay`, a job is pending, and the files are where they were until it is completed."""
    clock = Clock()
    client = fill(start(clock=clock, bulk_job_delay=60))
    before = delivered(client)
    reply = change(client, "moveFolder", "/a", "/to")
    assert (status(client, reply)["status"], delivered(client)) == ("Pending", before)
    clock.go_on(61)
    wait_until(lambda: status(client, reply)["status"] == "Completed")
    assert "/to/a/b/c/x.bin" in delivered(client)


def test_a_job_that_was_interrupted(start: Callable[..., Client], tmp_path: Path) -> None:
    """A job that was pending when the emulator stopped is run by the next one, with the same id."""
    first = fill(start(tmp_path, bulk_job_delay=60))
    reply = change(first, "moveFolder", "/a", "/to")
    first.emulator.__exit__()
    second = start(tmp_path)
    wait_until(lambda: status(second, reply)["status"] == "Completed")
    assert sorted(delivered(second)) == ["/ab/x.bin", "/to/a/b/c/x.bin", "/to/a/b/x.bin", "/to/a/x.bin"]


def test_files_that_change_in_the_meantime(start: Callable[..., Client]) -> None:
    """A file that was deleted or moved away before the job began is not part of it; one that was uploaded is."""
    clock = Clock()
    client = fill(start(clock=clock, bulk_job_delay=60))
    reply = change(client, "moveFolder", "/a", "/to")
    client.api("DELETE", f"/v1/files/{client.api('GET', '/v1/files').json()[0]['fileId']}")
    client.api("POST", "/v1/files/move", json={"sourceFilePath": "/a/b/x.bin", "destinationPath": "/away"})
    client.fixed("late.bin", folder="/a/b")
    clock.go_on(61)
    wait_until(lambda: status(client, reply)["status"] == "Completed")
    assert sorted(delivered(client)) == ["/ab/x.bin", "/away/x.bin", "/to/a/b/c/x.bin", "/to/a/b/late.bin"]


def test_more_files_than_are_changed_at_once(start: Callable[..., Client]) -> None:
    """All files of a large folder are moved, copied and deleted."""
    client = start()
    for number in range(60):
        client.fixed(f"{number}.bin", folder="/a")
    change(client, "moveFolder", "/a", "/b")
    change(client, "copyFolder", "/b", "/c")
    assert has_folder(client, "/b")
    files = client.api("GET", "/v1/files").json()
    assert {file["filePath"] for file in files} == {f"/c/b/a/{number}.bin" for number in range(60)}


def test_too_many_versions(start: Callable[..., Client]) -> None:
    """A file that would have too many versions stays where it is; the others are moved."""
    client = start(max_versions=1)
    for folder in ("/to/a", "/a", "/a/b"):
        client.fixed("x.bin", folder.encode(), folder=folder)
    assert status(client, change(client, "moveFolder", "/a", "/to"))["status"] == "Completed"
    assert delivered(client) == {"/to/a/x.bin": b"/to/a", "/a/x.bin": b"/a", "/to/a/b/x.bin": b"/a/b"}
    assert has_folder(client, "/a")


@pytest.mark.parametrize("job", ["copyFolder", "moveFolder"])
@pytest.mark.parametrize(
    ("source", "destination", "error"),
    [
        ("/a", "/a/", (400, SAME)),
        ("/a/b", "/a", (400, SAME)),
        ("/", "/", (400, SAME)),
        (
            "/a",
            "/a/b",
            (400, INSIDE),
        ),
        ("/", "/ab", (400, INSIDE)),
        ("/no/such", "/ab", (404, "No files & folder found at sourceFolderPath /no/such")),
        ("/a/x.bin", "/ab", (404, "No files & folder found at sourceFolderPath /a/x.bin")),
        ("/a/..", "/ab", (404, "No files & folder found at sourceFolderPath /a/..")),
        (
            "/a",
            "/1" * 48,
            (400, "Your request contains invalid destinationPath parameter. It is nested more than 50 levels deep."),
        ),
        ("", "/ab", (400, "Your request is missing sourceFolderPath parameter.")),
        ("/a", "", (400, "Your request is missing destinationPath parameter.")),
        ("/a", 4, (400, "Your request is missing destinationPath parameter.")),
    ],
)
def test_what_cannot_be_moved(
    untouched: Client, job: str, source: str, destination: Any, error: tuple[int, str]
) -> None:
    """Each is one error, and nothing changes."""
    assert refused(change(untouched, job, source, destination)) == error
    assert paths(untouched) == FILES


def test_a_source_that_is_missing(untouched: Client) -> None:
    """The 404 has the recorded reason."""
    assert change(untouched, "copyFolder", "/no/such", "/").json()["reason"] == "NO_FILES_FOLDER"


@pytest.mark.parametrize(
    ("folder", "name", "error"),
    [
        ("/a", "ab", (409, "Folder with name ab already exists at the same location.")),
        ("/a", "a", (409, "Folder with name a already exists at the same location.")),
        ("/no/such", "new", (404, "No files & folder found at folderPath /no/such")),
        ("/", "new", (400, "Your request contains invalid folderPath parameter. The root cannot be renamed.")),
        ("/a", "b/c", (400, "newFolderName parameter cannot have a slash.")),
        ("/a", "", (400, "Your request is missing newFolderName parameter.")),
        (None, "new", (400, "Your request is missing folderPath parameter.")),
    ],
)
def test_what_cannot_be_renamed(untouched: Client, folder: Any, name: str, error: tuple[int, str]) -> None:
    """Each is one error, and nothing changes."""
    assert refused(ask(untouched, "renameFolder", folderPath=folder, newFolderName=name)) == error
    assert paths(untouched) == FILES


def test_a_job_that_there_is_not(untouched: Client) -> None:
    """An unknown id is a 404."""
    assert refused(untouched.api("GET", "/v1/bulkJobs/nobody")) == (404, "No bulk job found for this jobId.")


def test_a_destination_that_is_missing(start: Callable[..., Client]) -> None:
    """With `missing_destination="refuse"`, the folder must exist; the root does."""
    client = fill(start(missing_destination="refuse"))
    assert refused(change(client, "moveFolder", "/a/b", "/new")) == (404, "No folder found with folderPath /new")
    assert change(client, "moveFolder", "/a/b", "/").status_code == 200
