"""The account's webhooks about changes of files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from emulator_client import Client
from receiver import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable

QUIET: dict[str, Any] = {"webhook_url": "http://127.0.0.1:9/", "webhook_tries": 1, "webhook_events": ("file*",)}
"""Webhooks that nobody receives: the emulator lists them."""


@pytest.fixture
def told(start: Callable[..., Client]) -> Client:
    """Start an emulator with a file of two versions at `/a/x.bin`, and one of another name beside it."""
    client = start(**QUIET)
    for content in (b"1", b"22"):
        client.fixed("x.bin", content, folder="/a")
    client.fixed("y.bin", folder="/a")
    return client


def file_id(client: Client, path: str = "/a/x.bin") -> str:
    """Return the id of a file."""
    return next(file["fileId"] for file in client.api("GET", "/v1/files").json() if file["filePath"] == path)


def events(client: Client, method: str, path: str, **body: Any) -> list[dict[str, Any]]:
    """Make a request; return the bodies of the webhooks that it caused."""
    before = len(client.emulator.webhooks())
    reply = client.api(method, path, json=body or None)
    assert reply.status_code < 300, reply.text
    return [message["body"] for message in client.emulator.webhooks()[before:]]


def test_uploads(told: Client) -> None:
    """A new file is `file.created`, a new version of one `file-version.created`, with its details [sdk]."""
    bodies = [message["body"] for message in told.emulator.webhooks()]
    assert [body["type"] for body in bodies] == ["file.created", "file-version.created", "file.created"]
    assert bodies[1]["data"] == told.details(file_id(told))
    assert bodies[1].keys() == {"type", "id", "created_at", "data"}


@pytest.mark.parametrize("action", ["addTags", "removeTags"])
def test_tags(told: Client, action: str) -> None:
    """Changed tags are `file.updated` for each file, with the new details [sdk]."""
    ids = [file_id(told), file_id(told, "/a/y.bin")]
    bodies = events(told, "POST", f"/v1/files/{action}", fileIds=ids, tags=["new"])
    assert [body["type"] for body in bodies] == ["file.updated"] * 2
    assert [body["data"] for body in bodies] == [told.details(one) for one in ids]


def test_details(told: Client) -> None:
    """Changed details are `file.updated` [guess]."""
    (body,) = events(told, "PATCH", f"/v1/files/{file_id(told)}/details", description="new")
    assert (body["type"], body["data"]) == ("file.updated", told.details(file_id(told)))
    assert body["data"]["description"] == "new"


def test_ai_tags(told: Client) -> None:
    """Removed AI tags are `file.updated` for each file [guess]."""
    ids = [file_id(told), file_id(told, "/a/y.bin")]
    bodies = events(told, "POST", "/v1/files/removeAITags", fileIds=ids, AITags=["old"])
    assert [body["type"] for body in bodies] == ["file.updated"] * 2


def test_a_pending_extension(start: Callable[..., Client]) -> None:
    """What an extension changes after the response is `file.updated` [guess]."""
    client = start(**QUIET | {"webhook_events": ("file.updated",)}, extensions_pending=("*",), extension_delay=0)
    client.fixed("x.bin", extensions='[{"name": "ai-auto-description"}]')
    wait_until(client.emulator.webhooks)
    (message,) = client.emulator.webhooks()
    assert message["body"]["data"]["description"] == client.emulator.rules.ai_description


def test_deletion(told: Client) -> None:
    """A deleted file is `file.deleted` with its id [sdk]; its earlier version is `file-version.deleted` [guess]."""
    deleted = file_id(told)
    bodies = events(told, "DELETE", f"/v1/files/{deleted}")
    version = {"fileId": deleted, "versionId": deleted}
    assert [(body["type"], body["data"]) for body in bodies] == [
        ("file.deleted", {"fileId": deleted}),
        ("file-version.deleted", version),
    ]


def test_deletion_of_many(told: Client) -> None:
    """Each deleted file is an event."""
    ids = [file_id(told), file_id(told, "/a/y.bin")]
    bodies = events(told, "POST", "/v1/files/batch/deleteByFileIds", fileIds=ids)
    assert [body["data"]["fileId"] for body in bodies if body["type"] == "file.deleted"] == ids


def test_deletion_of_a_folder(told: Client) -> None:
    """Each file below is `file.deleted`, and each of its earlier versions `file-version.deleted` [sdk]."""
    bodies = events(told, "DELETE", "/v1/folder", folderPath="/a")
    assert sorted(body["type"] for body in bodies) == ["file-version.deleted", "file.deleted", "file.deleted"]


def test_deletion_of_a_version(told: Client) -> None:
    """A deleted version is `file-version.deleted` with both ids [sdk]."""
    one = file_id(told)
    (body,) = events(told, "DELETE", f"/v1/files/{one}/versions/{one}")
    assert (body["type"], body["data"]) == ("file-version.deleted", {"fileId": one, "versionId": one})


def test_a_version_that_is_dropped(start: Callable[..., Client]) -> None:
    """The oldest version that a new one displaces is an event as well [guess]."""
    client = start(max_versions=2, over_versions="drop-oldest", **QUIET)
    first, *_ = [client.fixed("x.bin").json() for _ in range(3)]
    ids = {"fileId": first["fileId"], "versionId": first["versionInfo"]["id"]}
    bodies = [message["body"] for message in client.emulator.webhooks()]
    assert [body["data"] for body in bodies if body["type"] == "file-version.deleted"] == [ids]


def test_restoring(told: Client) -> None:
    """A restored version is `file.updated` [guess]."""
    one = file_id(told)
    (body,) = events(told, "PUT", f"/v1/files/{one}/versions/{one}/restore")
    assert (body["type"], body["data"]) == ("file.updated", told.details(one))


def test_a_rename(told: Client) -> None:
    """A renamed file is `file.updated` [guess]."""
    (body,) = events(told, "PUT", "/v1/files/rename", filePath="/a/x.bin", newFileName="new.bin")
    assert (body["type"], body["data"]["filePath"]) == ("file.updated", "/a/new.bin")


def test_a_move(told: Client) -> None:
    """A moved file is `file.updated` [guess]."""
    (body,) = events(told, "POST", "/v1/files/move", sourceFilePath="/a/x.bin", destinationPath="/b")
    assert (body["type"], body["data"]["filePath"]) == ("file.updated", "/b/x.bin")


def test_a_move_to_a_file(told: Client) -> None:
    """The versions that a file gets are events, and so is the file that they came from [guess]."""
    moved = file_id(told)
    told.fixed("x.bin", folder="/b")
    bodies = events(told, "POST", "/v1/files/move", sourceFilePath="/a/x.bin", destinationPath="/b")
    assert [body["type"] for body in bodies] == [
        *["file-version.created"] * 2,
        "file.deleted",
        "file-version.deleted",
    ]
    assert bodies[1]["data"] == told.details(file_id(told, "/b/x.bin"))
    assert bodies[2]["data"] == {"fileId": moved}


def test_a_copy(told: Client) -> None:
    """A copy is `file.created`, and each further version of it `file-version.created` [guess: as if uploaded]."""
    body = {"sourceFilePath": "/a/x.bin", "destinationPath": "/b", "includeFileVersions": True}
    bodies = events(told, "POST", "/v1/files/copy", **body)
    assert [body["type"] for body in bodies] == ["file.created", "file-version.created"]


@pytest.mark.parametrize(
    ("job", "body", "event"),
    [
        ("copyFolder", {"sourceFolderPath": "/a", "destinationPath": "/b"}, "file.created"),
        ("moveFolder", {"sourceFolderPath": "/a", "destinationPath": "/b"}, "file.updated"),
        ("renameFolder", {"folderPath": "/a", "newFolderName": "b"}, "file.updated"),
    ],
)
def test_folders(told: Client, job: str, body: dict[str, str], event: str) -> None:
    """A bulk job sends the events of each file [guess]."""
    bodies = events(told, "POST", f"/v1/bulkJobs/{job}", **body)
    assert [body["type"] for body in bodies] == [event] * 2


def test_events_that_are_not_wanted(start: Callable[..., Client]) -> None:
    """The account gets only the events that match `webhook_events`."""
    client = start(**QUIET | {"webhook_events": ("file.deleted",)})
    client.fixed("x.bin")
    client.api("PUT", "/v1/files/rename", json={"filePath": "/x.bin", "newFileName": "y.bin"})
    client.api("DELETE", f"/v1/files/{file_id(client, '/y.bin')}")
    assert [message["event"] for message in client.emulator.webhooks()] == ["file.deleted"]
