"""The versions of a file: what each keeps, and how they are listed, deleted and restored."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from emulator_client import Client, picture, refused

if TYPE_CHECKING:
    from collections.abc import Callable

UNKNOWN = "0" * 24
OLD_STORES = Path(__file__).parents[2] / "data" / "emulator"


def twice(client: Client, name: str) -> dict[str, Any]:
    """Upload a picture, then text under the same name; return the response to the second."""
    client.fixed(name, picture(), tags="old", customCoordinates="1,2,3,4")
    return client.fixed(name, b"newer", tags="new", description="Newer").json()


def versions(client: Client, file_id: str) -> list[dict[str, Any]]:
    """Return all versions."""
    return client.api("GET", f"/v1/files/{file_id}/versions").json()


def version(client: Client, details: dict[str, Any], method: str = "GET", tail: str = "") -> Any:
    """Call an endpoint of one version."""
    return client.api(method, f"/v1/files/{details['fileId']}/versions/{details['versionInfo']['id']}{tail}")


def test_current_version_is_listed_first(client: Client) -> None:
    """The current version has the type `file`, each earlier one `file-version`, the newest of them first."""
    replies = [client.fixed("l.bin", str(number).encode()) for number in range(3)]
    file_id = replies[0].json()["fileId"]
    listed = versions(client, file_id)
    assert [(each["type"], each["versionInfo"]["name"]) for each in listed] == [
        ("file", "Version 3"),
        ("file-version", "Version 2"),
        ("file-version", "Version 1"),
    ]
    assert listed[0] == client.details(file_id)


def test_version_keeps_its_details(client: Client) -> None:
    """An earlier version has its own size, type, dimensions, tags and coordinates, and the id and path of the file."""
    current = client.details(twice(client, "k.jpg")["fileId"])
    earlier = versions(client, current["fileId"])[1]
    assert (earlier["size"], earlier["mime"], earlier["width"]) == (len(picture()), "image/jpeg", 20)
    assert (earlier["tags"], earlier["customCoordinates"], earlier["description"]) == (["old"], "1,2,3,4", None)
    assert [earlier[key] for key in ("fileId", "name", "filePath")] == [current["fileId"], "k.jpg", "/k.jpg"]
    assert (current["size"], current["tags"], "width" in current) == (5, ["new"], False)


def test_version_has_details(client: Client) -> None:
    """The details of one version are those of the list, also of the current one."""
    listed = versions(client, twice(client, "d.jpg")["fileId"])
    assert [version(client, each).json() for each in listed] == listed


def test_version_is_delivered(client: Client) -> None:
    """The URL of an earlier version delivers its bytes, also transformed; that of the file the current ones."""
    current, earlier = versions(client, twice(client, "u.jpg")["fileId"])
    assert client.http.get(current["url"]).content == b"newer"
    assert client.http.get(earlier["url"]).content == picture()
    assert client.http.get(earlier["url"] + "&tr=w-5").headers["content-type"] == "image/jpeg"
    assert client.http.get(f"{current['url']}?ik-obj-version={UNKNOWN}").status_code == 404


def test_version_is_deleted(client: Client) -> None:
    """An earlier version goes with its bytes; the others stay."""
    current, earlier = versions(client, twice(client, "x.jpg")["fileId"])
    reply = version(client, earlier, "DELETE")
    assert (reply.status_code, reply.content) == (204, b"")
    assert versions(client, current["fileId"]) == [current]
    assert client.http.get(earlier["url"]).status_code == 404
    assert client.http.get(current["url"]).content == b"newer"
    assert refused(version(client, earlier, "DELETE")) == (404, "The requested file version does not exist.")


def test_current_version_is_not_deleted(client: Client) -> None:
    """Deleting the current version is the documented 400, also if there are others."""
    for name in ("c.jpg", "c.jpg"):
        current = client.details(client.fixed(name).json()["fileId"])
        assert refused(version(client, current, "DELETE")) == (400, "You cannot delete current version of a file.")


@pytest.mark.parametrize(
    ("method", "path", "answer"),
    [
        ("GET", "{unknown}/versions", (404, "The requested asset does not exist.")),
        ("GET", "{unknown}/versions/{unknown}", (404, "The requested asset does not exist.")),
        ("GET", "{file}/versions/{unknown}", (404, "The requested asset does not exist.")),
        ("DELETE", "{file}/versions/{unknown}", (404, "The requested file version does not exist.")),
        ("PUT", "{unknown}/versions/{unknown}/restore", (404, "The requested file does not exist.")),
        ("PUT", "{file}/versions/{unknown}/restore", (404, "The requested file version does not exist.")),
        ("GET", "x/versions", (400, "Your request contains invalid fileId parameter.")),
        ("GET", "{file}/versions/x", (400, "Your request contains invalid versionId parameter.")),
        ("DELETE", "{file}/versions/x", (400, "Your request contains invalid versionId parameter.")),
        ("PUT", "x/versions/{unknown}/restore", (400, "Your request contains invalid fileId parameter.")),
    ],
)
def test_version_that_does_not_exist(client: Client, method: str, path: str, answer: tuple[int, str]) -> None:
    """Each endpoint has its recorded words."""
    file_id = client.fixed("n.bin").json()["fileId"]
    reply = client.api(method, "/v1/files/" + path.format(file=file_id, unknown=UNKNOWN))
    assert refused(reply) == answer


def test_versions_of_another_file_are_not_found(client: Client) -> None:
    """A version belongs to one file."""
    other = versions(client, twice(client, "o.jpg")["fileId"])[1]
    other["fileId"] = client.fixed("p.bin").json()["fileId"]
    assert version(client, other).status_code == 404


def test_restored_version_is_the_current_one(client: Client) -> None:
    """It has its bytes and details again, and its own id and name; the replaced one is an earlier version."""
    file_id = twice(client, "r.jpg")["fileId"]
    current, earlier = versions(client, file_id)
    restored = version(client, earlier, "PUT", "/restore").json()
    assert restored == client.details(file_id)
    assert (restored["type"], restored["versionInfo"], restored["tags"]) == ("file", earlier["versionInfo"], ["old"])
    assert restored["createdAt"] == current["createdAt"]
    assert client.http.get(restored["url"]).content == picture()
    assert [each["versionInfo"] for each in versions(client, file_id)] == [
        earlier["versionInfo"],
        current["versionInfo"],
    ]
    assert version(client, restored, "PUT", "/restore").json() == restored


def test_upload_after_a_restore_has_a_new_number(client: Client) -> None:
    """The number of the next version is higher than that of each version that there is."""
    file_id = twice(client, "q.jpg")["fileId"]
    version(client, versions(client, file_id)[1], "PUT", "/restore")
    assert client.fixed("q.jpg").json()["versionInfo"]["name"] == "Version 3"
    assert [each["versionInfo"]["name"][-1] for each in versions(client, file_id)] == ["3", "2", "1"]


def test_restored_version_can_have_the_details_of_the_file(start: Callable[..., Client]) -> None:
    """With the rule `restored_details="file"`, tags and the like stay; bytes and what follows from them change."""
    client = start(restored_details="file")
    earlier = versions(client, twice(client, "a.jpg")["fileId"])[1]
    restored = version(client, earlier, "PUT", "/restore").json()
    assert (restored["tags"], restored["description"], restored["customCoordinates"]) == (["new"], "Newer", None)
    assert (restored["size"], restored["mime"], restored["width"]) == (len(picture()), "image/jpeg", 20)


def test_restored_version_is_not_the_oldest_to_drop(start: Callable[..., Client]) -> None:
    """`over_versions="drop-oldest"` never drops the current version, whatever its number is."""
    client = start(max_versions=2, over_versions="drop-oldest")
    file_id = twice(client, "a.jpg")["fileId"]
    version(client, versions(client, file_id)[1], "PUT", "/restore")
    client.fixed("a.jpg")
    assert [each["versionInfo"]["name"][-1] for each in versions(client, file_id)] == ["3", "1"]


def test_versions_survive_a_restart(start: Callable[..., Client], tmp_path: Path) -> None:
    """Versions are in the directory."""
    first = start(tmp_path)
    listed = versions(first, twice(first, "a.jpg")["fileId"])
    again = versions(start(tmp_path, private_key=first.emulator.private_key), listed[0]["fileId"])
    keep = {"versionInfo", "size", "tags", "createdAt", "updatedAt"}
    assert [{key: each[key] for key in keep} for each in again] == [{key: each[key] for key in keep} for each in listed]


def test_store_without_details_of_versions_opens(start: Callable[..., Client], tmp_path: Path) -> None:
    """A directory of an earlier emulator has versions without details: what is known of them is shown."""
    shutil.copytree(OLD_STORES / "0.1", tmp_path / "old")
    client = start(tmp_path / "old")
    listed = versions(client, client.api("GET", "/v1/files").json()[0]["fileId"])
    assert [(each["versionInfo"]["name"], each["size"], each.get("width")) for each in listed] == [
        ("Version 2", 5, None),
        ("Version 1", 7, None),
    ]
    assert client.http.get(listed[1]["url"]).content == b"GIF89a!"
    restored = version(client, listed[1], "PUT", "/restore").json()
    assert (restored["size"], restored["versionInfo"]["name"]) == (7, "Version 1")
