"""Unique names, overwriting with its four flags, versions."""

from __future__ import annotations

import json
import re
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
from emulator_client import Client, refused

from ikpipe.emulator.store import new_id
from ikpipe.emulator.upload.storage import unique_name

if TYPE_CHECKING:
    from collections.abc import Callable

TAGGING = json.dumps([{"name": "google-auto-tagging", "maxTags": 1, "minConfidence": 0}])


def test_names_are_unique_by_default(client: Client) -> None:
    """Two uploads of one name are two files, each with a suffix before the extension."""
    names = {client.upload(fileName="dress.jpg").json()["name"] for _ in range(2)}
    assert len(names) == 2
    assert all(re.fullmatch(r"dress_[\w-]{9}\.jpg", name) for name in names)


@pytest.mark.parametrize(
    ("name", "pattern"), [("readme", r"readme_..."), (".env", r"\.env_..."), ("a.tar.gz", r"a\.tar_...\.gz")]
)
def test_suffix_goes_before_the_ending(name: str, pattern: str) -> None:
    """A name without an extension has the suffix at its end."""
    assert re.fullmatch(pattern, unique_name(name, 3))


def test_suffix_avoids_names_that_are_taken(start: Callable[..., Client]) -> None:
    """With a suffix of one character, 30 uploads still have 30 names."""
    client = start(suffix_length=1)
    assert len({client.upload(fileName="a.bin").json()["name"] for _ in range(30)}) == 30


def test_fixed_name_makes_a_version(client: Client) -> None:
    """A second upload of a fixed name replaces the file: same id, next version, new bytes at its URL."""
    first = client.fixed("v.bin", b"one").json()
    second = client.fixed("v.bin", b"two").json()
    assert second["fileId"] == first["fileId"]
    assert second["versionInfo"]["name"] == "Version 2"
    assert second["versionInfo"]["id"] != first["versionInfo"]["id"]
    assert client.http.get(second["url"]).content == b"two"


def test_same_name_in_another_folder_is_another_file(client: Client) -> None:
    """The same name in another folder is another file."""
    assert client.fixed("f.bin", folder="/f1").json()["fileId"] != client.fixed("f.bin", folder="/f2").json()["fileId"]


def test_overwrite_file_false_leaves_free_names_alone(client: Client) -> None:
    """`overwriteFile=false` rejects a name that is taken, not one that is free."""
    assert client.fixed("free.bin", overwriteFile="false").status_code == 200


@pytest.fixture(scope="module")
def fields(client: Client) -> None:
    """Create the metadata field that the tests below set."""
    client.add_field("brand", type="Text")


def overwritten(client: Client, name: str, **second: str) -> dict[str, Any]:
    """Upload a file with all fields, then again with only `second`; return its details."""
    everything = {"tags": "old", "customCoordinates": "1,2,3,4", "customMetadata": '{"brand": "Old"}'}
    client.fixed(name, extensions=TAGGING, **everything)
    return client.details(client.fixed(name, **second).json()["fileId"])


@pytest.mark.usefixtures("fields")
def test_overwriting_removes_what_is_not_given(client: Client) -> None:
    """By default, tags, AI tags, metadata and coordinates are removed."""
    details = overwritten(client, "o1.bin")
    assert (details["tags"], details["AITags"], details["customMetadata"]) == (None, None, {})
    assert details["customCoordinates"] is None


@pytest.mark.usefixtures("fields")
@pytest.mark.parametrize(
    ("flag", "field", "value"),
    [
        ("overwriteTags", "tags", ["old"]),
        ("overwriteAITags", "AITags", [{"name": "Stand-in", "confidence": 99.0, "source": "google-auto-tagging"}]),
        ("overwriteCustomMetadata", "customMetadata", {"brand": "Old"}),
    ],
)
def test_each_flag_keeps_its_own(client: Client, flag: str, field: str, value: object) -> None:
    """A flag set to false keeps its field, but not the coordinates."""
    details = overwritten(client, f"{flag}.bin", **{flag: "false"})
    assert (details[field], details["customCoordinates"]) == (value, None)
    assert [details[other] for other in ("tags", "AITags") if other != field].count(None) >= 1


@pytest.mark.usefixtures("fields")
def test_given_values_win_over_the_flags(client: Client) -> None:
    """If the request has tags or metadata, the flags have no effect."""
    flags = {"overwriteTags": "false", "overwriteCustomMetadata": "false"}
    details = overwritten(client, "o3.bin", tags="new", customMetadata='{"brand": "New"}', **flags)
    assert (details["tags"], details["customMetadata"]) == (["new"], {"brand": "New"})


def test_last_version_is_the_hundredth(start: Callable[..., Client]) -> None:
    """A version beyond the maximum number is rejected."""
    client = start(max_versions=2)
    assert [client.fixed("a.bin").status_code for _ in range(3)] == [200, 200, 400]


def test_one_version_only(start: Callable[..., Client]) -> None:
    """With one version at most, a new one takes the place of the current one."""
    client = start(max_versions=1, over_versions="drop-oldest")
    for content in (b"1", b"2", b"3"):
        file_id = client.fixed("x.bin", content).json()["fileId"]
    versions = client.api("GET", f"/v1/files/{file_id}/versions").json()
    assert [version["versionInfo"]["name"] for version in versions] == ["Version 3"]


def test_oldest_version_can_go(start: Callable[..., Client], tmp_path: Any) -> None:
    """`over_versions="drop-oldest"` continues the numbers, and deletes the bytes of dropped versions."""
    client = start(tmp_path, max_versions=2, over_versions="drop-oldest")
    names = [client.fixed("a.bin").json()["versionInfo"]["name"] for _ in range(4)]
    assert names == [f"Version {number}" for number in (1, 2, 3, 4)]
    assert len(list((tmp_path / "versions").iterdir())) == 2


def test_uploads_at_once_to_one_target_are_versions(client: Client) -> None:
    """No update is lost: each of twenty uploads at the same moment has a version of its own."""
    with ThreadPoolExecutor(10) as pool:
        replies = list(pool.map(lambda i: client.fixed("race.bin", b"%d" % (i + 1)), range(20)))
    versions = {reply.json()["versionInfo"]["name"] for reply in replies}
    assert versions == {f"Version {number}" for number in range(1, 21)}
    assert len({reply.json()["fileId"] for reply in replies}) == 1


def test_uploads_at_once_without_overwriting_leave_one(client: Client) -> None:
    """Of ten uploads at the same moment that may not overwrite, one is stored."""
    with ThreadPoolExecutor(10) as pool:
        replies = list(pool.map(lambda _: client.fixed("once.bin", overwriteFile="false"), range(10)))
    assert sorted(reply.status_code for reply in replies) == [200, *[400] * 9]


def test_refused_file_leaves_nothing_on_disk(start: Callable[..., Client], tmp_path: Any) -> None:
    """The bytes of a rejected upload are deleted."""
    client = start(tmp_path)
    client.fixed("a.bin")
    assert refused(client.fixed("a.bin", b"x" * 2_000_000, overwriteFile="false"))[0] == 400
    assert (len(list((tmp_path / "versions").iterdir())), list((tmp_path / "incoming").iterdir())) == (1, [])


def test_ids_grow() -> None:
    """Identifiers look like the service's, and each is greater than the one before."""
    ids = [new_id() for _ in range(1000)]
    assert all(re.fullmatch("[0-9a-f]{24}", each) for each in ids)
    assert ids == sorted({*ids})
