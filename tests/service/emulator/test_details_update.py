"""Changes of details, and of the tags that extensions found."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from emulator_client import Client, Clock, picture, refused

if TYPE_CHECKING:
    from collections.abc import Callable

    import httpx

TAGGING = {"name": "google-auto-tagging", "maxTags": 5, "minConfidence": 0}
REMOVE_BG = {"name": "remove-bg"}
CAR = {"name": "car", "confidence": 99.0, "source": "google-auto-tagging"}
RED = {"name": "red", "confidence": 99.0, "source": "google-auto-tagging"}


def change(client: Client, file_id: str, **body: object) -> httpx.Response:
    """Change the details of a file."""
    return client.api("PATCH", f"/v1/files/{file_id}/details", json=body)


@pytest.fixture(scope="module")
def file_id(client: Client) -> str:
    """Store a file with all details, and return its id."""
    client.add_field("brand", type="Text", maxLength=5)
    client.add_field("stars", type="Number", maxValue=5)
    answer = client.fixed(
        "a.jpg", picture(), tags="a", customCoordinates="1,2,3,4", description="A", customMetadata='{"brand": "Old"}'
    )
    return str(answer.json()["fileId"])


@pytest.mark.parametrize(
    ("body", "changed"),
    [
        ({}, {}),
        ({"unknown": 1}, {}),
        ({"tags": [" b ", "c", "b", ""]}, {"tags": ["b", "c"]}),
        ({"tags": None}, {"tags": None}),
        ({"tags": []}, {"tags": None}),
        ({"customCoordinates": "5,6,7,8"}, {"customCoordinates": "5,6,7,8"}),
        ({"customCoordinates": None}, {"customCoordinates": None}),
        ({"description": "New"}, {"description": "New"}),
        ({"description": None}, {"description": None}),
        ({"customMetadata": {"stars": 3}}, {"customMetadata": {"brand": "Old", "stars": 3}}),
        ({"customMetadata": {"brand": None}}, {"customMetadata": {}}),
        ({"customMetadata": {"stars": None}}, {"customMetadata": {"brand": "Old"}}),
        ({"customMetadata": None}, {"customMetadata": {}}),
        ({"extensions": None, "webhookUrl": None}, {}),
        ({"publish": {"isPublished": False}}, {"isPublished": False}),
        ({"tags": ["x"], "publish": {"isPublished": True}}, {"tags": ["x"], "isPublished": True}),
    ],
    ids=str,
)
def test_details_change(client: Client, file_id: str, body: dict[str, Any], changed: dict[str, Any]) -> None:
    """What is sent changes, null clears, and all else stays; the response has all details."""
    kept = {"tags": ["a"], "customCoordinates": "1,2,3,4", "description": "A"}
    change(client, file_id, **kept, customMetadata={"brand": "Old", "stars": None}, publish={"isPublished": True})
    before = client.details(file_id)
    answer = change(client, file_id, **body).json()
    assert answer == client.details(file_id)
    assert answer.pop("updatedAt") >= before.pop("updatedAt")
    assert answer == before | changed


@pytest.mark.parametrize(
    ("body", "parameter"),
    [
        ({"tags": "a,b"}, "tags"),
        ({"tags": [1]}, "tags"),
        ({"tags": ["100%"]}, "tags"),
        ({"tags": ["x" * 501]}, "tags"),
        ({"removeAITags": "some"}, "removeAITags"),
        ({"removeAITags": None}, "removeAITags"),
        ({"customCoordinates": "1,2"}, "customCoordinates"),
        ({"customCoordinates": 1}, "customCoordinates"),
        ({"description": ["x"]}, "description"),
        ({"customMetadata": "{}"}, "customMetadata"),
        ({"customMetadata": {"nothing": 1}}, "customMetadata"),
        ({"customMetadata": {"nothing": None}}, "customMetadata"),
        ({"customMetadata": {"brand": "too long"}}, "customMetadata"),
        ({"extensions": {}}, "extensions"),
        ({"extensions": [{"name": "nothing"}]}, "extensions"),
        ({"webhookUrl": "file:///x"}, "webhookUrl"),
        ({"webhookUrl": 1}, "webhookUrl"),
        ({"publish": True}, "publish"),
        ({"publish": {}}, "publish"),
        ({"publish": {"isPublished": "true"}}, "publish"),
        ({"publish": {"isPublished": True, "includeFileVersions": 1}}, "publish"),
    ],
    ids=str,
)
def test_change_that_can_not_be(client: Client, file_id: str, body: dict[str, Any], parameter: str) -> None:
    """An invalid value is a 400 that names the parameter, and nothing changes."""
    before = client.details(file_id)
    status, message = refused(change(client, file_id, **({"description": "Other"} | body)))
    assert (status, message.split(".")[0]) == (400, f"Your request contains invalid {parameter} parameter")
    assert client.details(file_id) == before


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("0" * 24, (404, "The requested file does not exist.")),
        ("x", (400, "Your request contains invalid fileId parameter.")),
    ],
)
def test_file_that_does_not_exist(client: Client, name: str, answer: tuple[int, str]) -> None:
    """An unknown and a malformed id have the recorded words."""
    assert refused(change(client, name, tags=["x"])) == answer


def test_required_field_can_not_be_removed(start: Callable[..., Client]) -> None:
    """A field that must have a value keeps one, and need not be sent again."""
    client = start()
    client.add_field("must", type="Text", isValueRequired=True, defaultValue="x")
    client.add_field("other", type="Text")
    file_id = client.fixed("a.bin", customMetadata='{"must": "x"}').json()["fileId"]
    assert change(client, file_id, customMetadata={"must": None}).status_code == 400
    assert change(client, file_id, customMetadata={"other": "y"}).json()["customMetadata"] == {
        "must": "x",
        "other": "y",
    }


def test_value_of_a_deleted_field_stays(start: Callable[..., Client]) -> None:
    """It does not prevent other changes, and can be removed."""
    client = start()
    field = client.add_field("gone", type="Text").json()
    client.add_field("there", type="Text")
    file_id = client.fixed("a.bin", customMetadata='{"gone": "x"}').json()["fileId"]
    client.api("DELETE", f"/v1/customMetadataFields/{field['id']}")
    changed = change(client, file_id, customMetadata={"there": "y"}).json()["customMetadata"]
    assert changed == {"gone": "x", "there": "y"}
    assert change(client, file_id, customMetadata={"gone": None}).json()["customMetadata"] == {"there": "y"}


def test_ai_tags_go_before_extensions_run(start: Callable[..., Client]) -> None:
    """The response has the status of each extension; what they find comes after the removal [docs]."""
    client = start(ai_tags=("car", "red"), extensions_pending=())
    file_id = client.fixed("a.bin", extensions=json.dumps([TAGGING])).json()["fileId"]
    assert change(client, file_id, removeAITags=["red", "unknown"]).json()["AITags"] == [CAR]
    answer = change(client, file_id, removeAITags="all", extensions=[TAGGING]).json()
    assert (answer["AITags"], answer["extensionStatus"]) == ([CAR, RED], {"google-auto-tagging": "success"})
    assert change(client, file_id, removeAITags="all").json()["AITags"] is None


def test_pending_extension_finishes(start: Callable[..., Client]) -> None:
    """An extension that takes time changes the file later."""
    client = start(ai_tags=("car",), extensions_pending=("*",), extension_delay=60, clock=(clock := Clock()))
    file_id = client.fixed("a.bin").json()["fileId"]
    answer = change(client, file_id, extensions=[TAGGING, REMOVE_BG]).json()
    assert answer["extensionStatus"] == {"google-auto-tagging": "pending", "remove-bg": "pending"}
    clock.go_on(61)
    while client.details(file_id)["AITags"] is None:
        pass
    assert client.details(file_id)["AITags"] == [CAR]


def test_extensions_count_for_the_quota(start: Callable[..., Client]) -> None:
    """A change whose extensions exceed the quota is rejected, and changes nothing."""
    client = start(extension_quota=1)
    file_id = client.fixed("a.bin").json()["fileId"]
    assert change(client, file_id, tags=["x"], extensions=[TAGGING, REMOVE_BG]).status_code == 400
    assert client.details(file_id)["tags"] is None
    assert change(client, file_id, extensions=[TAGGING]).status_code == 200


@pytest.mark.parametrize(("included", "statuses"), [(True, [404, 404]), (False, [404, 200])])
def test_unpublished_file_is_not_delivered(client: Client, *, included: bool, statuses: list[int]) -> None:
    """Earlier versions are unpublished only with `includeFileVersions`."""
    client.fixed(f"p{included}.bin", b"one")
    file_id = client.fixed(f"p{included}.bin", b"two").json()["fileId"]
    change(client, file_id, publish={"isPublished": False, "includeFileVersions": included})
    urls = [version["url"] for version in client.api("GET", f"/v1/files/{file_id}/versions").json()]
    assert [client.http.get(url).status_code for url in urls] == statuses


def test_drafts_need_a_plan(start: Callable[..., Client]) -> None:
    """Without drafts, a file cannot be unpublished [upload docs]."""
    client = start(drafts=False)
    file_id = client.fixed("a.bin").json()["fileId"]
    assert change(client, file_id, publish={"isPublished": False}).status_code == 400
    assert change(client, file_id, publish={"isPublished": True}).status_code == 200


def test_ai_tags_of_many_files_are_removed(start: Callable[..., Client]) -> None:
    """AI tags are removed by name, from all files or none; no AI tags are null."""
    client = start(ai_tags=("car", "red"), extensions_pending=())
    files = [client.fixed(name, extensions=json.dumps([TAGGING])).json()["fileId"] for name in ("a.bin", "b.bin")]

    def remove(*ids: str, names: list[str]) -> httpx.Response:
        return client.api("POST", "/v1/files/removeAITags", json={"fileIds": ids, "AITags": names})

    missing = remove(files[0], "0" * 24, names=["car"])
    assert (missing.status_code, missing.json()["missingFileIds"]) == (404, ["0" * 24])
    assert remove(*files, names=["car"]).json() == {"successfullyUpdatedFileIds": files}
    assert [client.details(file_id)["AITags"] for file_id in files] == [[RED], [RED]]
    assert remove(files[0], names=["red"]).status_code == 200
    assert client.details(files[0])["AITags"] is None


@pytest.mark.parametrize("endpoint", ["batch/deleteByFileIds", "addTags", "removeTags", "removeAITags"])
def test_missing_files_are_named(client: Client, file_id: str, endpoint: str) -> None:
    """A batch with unknown ids is a 404 with these ids [recorded]."""
    ids = [file_id, "0" * 24, "unknown"]
    reply = client.api("POST", f"/v1/files/{endpoint}", json={"fileIds": ids, "tags": ["x"], "AITags": ["x"]})
    assert refused(reply) == (404, "The requested file(s) does not exist.")
    assert reply.json()["missingFileIds"] == ids[1:]


def test_added_tags_have_the_limits_of_an_upload(client: Client, file_id: str) -> None:
    """A tag that an upload cannot have cannot be added [guess]."""
    reply = client.api("POST", "/v1/files/addTags", json={"fileIds": [file_id], "tags": ["100%"]})
    assert refused(reply) == (400, "Your request contains invalid tags parameter. The character % is not allowed.")
