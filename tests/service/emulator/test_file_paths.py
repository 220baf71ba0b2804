"""Copies, moves and renames of one file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from emulator_client import Client, refused

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import httpx

NO_FILE = "No file found with filePath /no/x.bin"


def copy(client: Client, source: str, folder: str, **options: Any) -> httpx.Response:
    """Copy a file."""
    body = {"sourceFilePath": source, "destinationPath": folder, **options}
    return client.api("POST", "/v1/files/copy", json=body)


def move(client: Client, source: str, folder: str) -> httpx.Response:
    """Move a file."""
    return client.api("POST", "/v1/files/move", json={"sourceFilePath": source, "destinationPath": folder})


def rename(client: Client, path: str, name: str, **options: Any) -> httpx.Response:
    """Rename a file."""
    return client.api("PUT", "/v1/files/rename", json={"filePath": path, "newFileName": name, **options})


def below(client: Client, folder: str) -> dict[str, bytes]:
    """Return the delivered bytes of each file in a folder, by path."""
    files = client.api("GET", "/v1/files", params={"path": folder}).json()
    return {file["filePath"]: client.http.get(file["url"]).content for file in files}


def in_folder(client: Client, folder: str) -> dict[str, Any]:
    """Return the details of the one file in a folder."""
    (file,) = client.api("GET", "/v1/files", params={"path": folder}).json()
    return dict(file)


def test_a_copy(client: Client) -> None:
    """A 204 without a body; the copy is a file of its own, with the details of the source [docs]."""
    source = client.fixed("x.bin", b"bytes", folder="/copy", tags="a,b", isPrivateFile="false").json()
    reply = copy(client, "/copy/x.bin", "/copy/new/deep")
    assert (reply.status_code, reply.content) == (204, b"")
    made = in_folder(client, "/copy/new/deep")
    assert (made["filePath"], made["tags"]) == ("/copy/new/deep/x.bin", ["a", "b"])
    assert made["fileId"] != source["fileId"]
    assert made["versionInfo"] == {"id": made["fileId"], "name": "Version 1"}


def test_a_copy_outlives_its_source(client: Client) -> None:
    """Bytes that two files share are deleted with the last of them only."""
    source = client.fixed("x.bin", b"shared", folder="/outlive").json()
    copy(client, "/outlive/x.bin", "/outlive/new")
    client.api("DELETE", f"/v1/files/{source['fileId']}")
    assert below(client, "/outlive/new") == {"/outlive/new/x.bin": b"shared"}


def test_a_copy_is_not_changed_with_its_source(client: Client) -> None:
    """A new version of the source leaves the copy as it is."""
    client.fixed("x.bin", b"old", folder="/apart")
    copy(client, "/apart/x.bin", "/apart/new")
    client.fixed("x.bin", b"newer", folder="/apart")
    assert below(client, "/apart/new") == {"/apart/new/x.bin": b"old"}


def test_a_move(client: Client) -> None:
    """A 204 without a body; the file keeps its id and its versions, and its old URL ends [docs]."""
    client.fixed("x.bin", b"old", folder="/move")
    source = client.fixed("x.bin", b"bytes", folder="/move").json()
    reply = move(client, "move/x.bin", "move/to/")
    assert (reply.status_code, reply.content) == (204, b"")
    moved = in_folder(client, "/move/to")
    assert {key: moved[key] for key in ("fileId", "versionInfo")} == {
        key: source[key] for key in ("fileId", "versionInfo")
    }
    assert below(client, "/move/to") == {"/move/to/x.bin": b"bytes"}
    assert client.http.get(source["url"]).status_code == 404


@pytest.mark.parametrize(
    ("change", "numbers"),
    [
        (copy, ["Version 3", "Version 2", "Version 1"]),
        (move, ["Version 4", "Version 3", "Version 2", "Version 1"]),
        (
            lambda *arguments: copy(*arguments, includeFileVersions=True),
            ["Version 4", "Version 3", "Version 2", "Version 1"],
        ),
    ],
    ids=["copy", "move", "copy with versions"],
)
def test_a_file_that_is_there(
    start: Callable[..., Client], change: Callable[[Client, str, str], httpx.Response], numbers: list[str]
) -> None:
    """The versions of the source are appended to those of the file at the destination, which keeps its id [docs]."""
    client = start()
    there = [client.fixed("x.bin", content, folder="/to").json() for content in (b"1", b"2")][-1]
    for content in (b"source 1", b"source 2"):
        client.fixed("x.bin", content, tags="from the source")
    assert change(client, "/x.bin", "/to").status_code == 204
    merged = in_folder(client, "/to")
    assert (merged["fileId"], merged["tags"]) == (there["fileId"], ["from the source"])
    assert below(client, "/to") == {"/to/x.bin": b"source 2"}
    versions = client.api("GET", f"/v1/files/{there['fileId']}/versions").json()
    assert [version["versionInfo"]["name"] for version in versions] == numbers
    assert len(below(client, "/")) == (0 if change is move else 1)


def test_all_versions_of_a_copy(client: Client) -> None:
    """With `includeFileVersions`, a copy has all versions, oldest first, each with its own bytes [docs]."""
    for content in (b"1", b"22", b"333"):
        client.fixed("x.bin", content, folder="/all")
    copy(client, "/all/x.bin", "/all/to", includeFileVersions=True)
    made = in_folder(client, "/all/to")
    versions = client.api("GET", f"/v1/files/{made['fileId']}/versions").json()
    assert [client.http.get(version["url"]).content for version in versions] == [b"333", b"22", b"1"]
    assert {version["fileId"] for version in versions} == {made["fileId"]}


@pytest.mark.parametrize("over", ["refuse", "drop-oldest"])
def test_too_many_versions(start: Callable[..., Client], over: str) -> None:
    """A file gets no more versions than its maximum, as with an upload; a refused move changes nothing."""
    client = start(max_versions=2, over_versions=over)
    for content in (b"1", b"2"):
        client.fixed("x.bin", content, folder="/to")
        client.fixed("x.bin", content)
    reply = move(client, "/x.bin", "/to")
    left = below(client, "/")
    versions = client.api("GET", f"/v1/files/{in_folder(client, '/to')['fileId']}/versions").json()
    expected = (400, 1, "Version 2") if over == "refuse" else (204, 0, "Version 4")
    assert (reply.status_code, len(left), versions[0]["versionInfo"]["name"]) == expected
    assert len(versions) == 2


def test_too_many_versions_of_a_copy(start: Callable[..., Client], tmp_path: Path) -> None:
    """A new file gets no more versions than its maximum, either; nothing is copied."""
    first = start(tmp_path)
    for content in (b"1", b"2", b"3"):
        first.fixed("x.bin", content)
    first.emulator.__exit__()
    second = start(tmp_path, max_versions=2)
    assert copy(second, "/x.bin", "/to", includeFileVersions=True).status_code == 400
    assert below(second, "/to") == {}


@pytest.mark.parametrize("change", [copy, move])
def test_a_source_that_is_missing(client: Client, change: Callable[[Client, str, str], httpx.Response]) -> None:
    """The response is the recorded 404."""
    reply = change(client, "/no/x.bin", "/")
    assert refused(reply) == (404, NO_FILE)
    assert reply.json()["reason"] == "SOURCE_FILE_MISSING"


@pytest.mark.parametrize("change", [copy, move])
def test_into_its_own_folder(client: Client, change: Callable[[Client, str, str], httpx.Response]) -> None:
    """A file cannot be copied or moved to where it is."""
    client.fixed("x.bin", folder="/own")
    expected = (400, "sourceFilePath and destinationPath cannot be same.")
    assert refused(change(client, "/own/x.bin", "own//")) == expected


@pytest.mark.parametrize("change", [copy, move])
def test_a_destination_that_is_missing(
    start: Callable[..., Client], change: Callable[[Client, str, str], httpx.Response]
) -> None:
    """With `missing_destination="refuse"`, the folder must exist."""
    client = start(missing_destination="refuse")
    client.fixed("x.bin")
    reply = change(client, "/x.bin", "/new")
    assert refused(reply) == (404, "No folder found with folderPath /new")
    client.api("POST", "/v1/folder", json={"folderName": "new", "parentFolderPath": "/"})
    assert change(client, "/x.bin", "/new").status_code == 204


def test_the_characters_of_a_destination(client: Client) -> None:
    """The folder is written as in uploads: other characters become `_`."""
    client.fixed("x.bin", folder="/signs")
    copy(client, "/signs/x.bin", "/signs/50 %/../ü")
    assert list(below(client, "/signs/50__/__/ü")) == ["/signs/50__/__/ü/x.bin"]


def test_a_rename(client: Client) -> None:
    """A 200 with an empty object; the file keeps its id, and its name follows the rule of uploads [docs]."""
    source = client.fixed("x.bin", b"bytes", folder="/rename").json()
    reply = rename(client, "/rename/x.bin", "new name%.bin")
    assert (reply.status_code, reply.json()) == (200, {})
    renamed = client.details(source["fileId"])
    assert (renamed["name"], renamed["filePath"]) == ("new_name_.bin", "/rename/new_name_.bin")
    assert below(client, "/rename") == {"/rename/new_name_.bin": b"bytes"}
    assert client.http.get(source["url"]).status_code == 404


def test_a_name_that_is_kept(start: Callable[..., Client]) -> None:
    """With `names=keep`, only a slash becomes `_`, as in uploads."""
    client = start(names="keep")
    client.fixed("x.bin")
    rename(client, "/x.bin", "50 %/off.bin")
    assert list(below(client, "/")) == ["/50 %_off.bin"]


def test_a_rename_that_purges(client: Client) -> None:
    """With `purgeCache`, the response has the id of a purge [docs]."""
    client.fixed("x.bin", folder="/purge")
    request = rename(client, "/purge/x.bin", "y.bin", purgeCache=True).json()["purgeRequestId"]
    assert client.api("GET", f"/v1/files/purge/{request}").json() == {"status": "Completed"}


def test_a_rename_that_cannot_purge(start: Callable[..., Client]) -> None:
    """Without purges left, the file is renamed, and the response is the documented 207."""
    client = start(purge_quota=0)
    client.fixed("x.bin")
    reply = rename(client, "/x.bin", "y.bin", purgeCache=True)
    assert (reply.status_code, reply.json()["reason"]) == (207, "PURGE_FAILED")
    assert list(below(client, "/")) == ["/y.bin"]


@pytest.mark.parametrize("name", ["taken.bin", "x.bin"])
def test_a_name_that_is_taken(client: Client, name: str) -> None:
    """The response is the recorded 409, and nothing changes."""
    for own in ("x.bin", "taken.bin"):
        client.fixed(own, own.encode(), folder="/taken")
    reply = rename(client, "/taken/x.bin", name)
    assert refused(reply) == (409, f"File with name {name} already exists at the same location.")
    assert reply.json()["reason"] == "FILE_ALREADY_EXISTS"
    assert below(client, "/taken") == {"/taken/x.bin": b"x.bin", "/taken/taken.bin": b"taken.bin"}


def test_a_rename_of_nothing(client: Client) -> None:
    """The response is a 404 with the documented reason."""
    reply = rename(client, "/no/x.bin", "y.bin")
    assert (refused(reply), reply.json()["reason"]) == ((404, NO_FILE), "FILE_MISSING")


def test_after_a_restart(start: Callable[..., Client], tmp_path: Path) -> None:
    """A moved and a copied file are where they were put, also for the next process."""
    first = start(tmp_path)
    first.fixed("x.bin", b"bytes")
    move(first, "/x.bin", "/a")
    copy(first, "/a/x.bin", "/b")
    first.emulator.__exit__()
    second = start(tmp_path)
    assert below(second, "/") == {}
    assert {**below(second, "/a"), **below(second, "/b")} == {"/a/x.bin": b"bytes", "/b/x.bin": b"bytes"}


BODIES = [
    *([], "text", None, {}, {"sourceFilePath": 1}, {"filePath": ["x"], "newFileName": {}}),
    {"sourceFilePath": "/", "destinationPath": "/"},
    {"sourceFilePath": "..", "destinationPath": "../.."},
    {"sourceFilePath": "/hostile/x.bin", "destinationPath": ""},
    {"sourceFilePath": "/hostile/x.bin", "destinationPath": "/a" * 51},
    {"filePath": "/hostile/x.bin", "newFileName": ""},
    {"filePath": "/hostile/x.bin", "newFileName": "y.bin", "purgeCache": 1},
    {"filePath": "/hostile/x.bin\x00", "newFileName": "\x00"},
    {"filePath": "/hostile/" + "x" * 5000, "newFileName": "y"},
    {"filePath": "%2Fhostile%2Fx.bin", "newFileName": "%2E%2E"},
]


@pytest.mark.parametrize("body", BODIES, ids=lambda body: repr(body)[:60])
@pytest.mark.parametrize("method_path", ["POST /v1/files/copy", "POST /v1/files/move", "PUT /v1/files/rename"])
def test_a_request_that_cannot_be(client: Client, method_path: str, body: object) -> None:
    """Each is one error in JSON, and nothing changes."""
    client.fixed("x.bin", folder="/hostile")
    status, message = refused(client.api(*method_path.split(), json=body))
    assert 400 <= status < 500
    assert message
    assert list(below(client, "/hostile")) == ["/hostile/x.bin"]


def test_a_flag_that_is_text(client: Client) -> None:
    """A flag must be a boolean."""
    client.fixed("x.bin", folder="/flag")
    expected = (400, "Your request contains invalid includeFileVersions parameter. It must be true or false.")
    assert refused(copy(client, "/flag/x.bin", "/", includeFileVersions="yes")) == expected


@pytest.mark.parametrize("content", [b'{"filePath": "/\\ud800", "newFileName": "y"}', b"\xff", b"[" * 100_000, b"{"])
def test_text_that_is_not_json(client: Client, content: bytes) -> None:
    """A body that is not JSON, or has half a character, is a 400."""
    assert refused(client.api("PUT", "/v1/files/rename", content=content)) == (
        400,
        "Your request contains invalid JSON.",
    )
