"""The account's webhooks about folders."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from emulator_client import Client


@pytest.fixture
def told(start: Callable[..., Client]) -> Client:
    """Start an emulator with the folders `/a` and `/a/b`, in which there is a file."""
    client = start(webhook_url="http://127.0.0.1:9/", webhook_tries=1, webhook_events=("folder.*",))
    client.fixed("x.bin", folder="/a/b")
    return client


def folders(client: Client) -> dict[str, dict[str, Any]]:
    """Return the folders of a list, by path."""
    return {folder["folderPath"]: folder for folder in client.api("GET", "/v1/files", params={"type": "folder"}).json()}


def events(client: Client, method: str, path: str, **body: Any) -> list[tuple[str, dict[str, Any]]]:
    """Make a request; return the types and the data of the webhooks that it caused."""
    before = len(client.emulator.webhooks())
    reply = client.api(method, path, json=body)
    assert reply.status_code < 300, reply.text
    return [(message["body"]["type"], message["body"]["data"]) for message in client.emulator.webhooks()[before:]]


def test_an_upload_creates_folders(told: Client) -> None:
    """Each missing folder is `folder.created`, parents first, with its details [sdk]; the root is none."""
    bodies = [message["body"] for message in told.emulator.webhooks()]
    assert [body["type"] for body in bodies] == ["folder.created"] * 2
    assert [body["data"] for body in bodies] == [folders(told)["/a"], folders(told)["/a/b"]]
    told.fixed("y.bin", folder="/a/b")
    assert len(told.emulator.webhooks()) == 2


def test_a_created_folder(told: Client) -> None:
    """A new folder is `folder.created`; one that exists is no event."""
    made = {"folderName": "new", "parentFolderPath": "/a"}
    assert events(told, "POST", "/v1/folder", **made) == [("folder.created", folders(told)["/a/new"])]
    assert events(told, "POST", "/v1/folder", **made) == []


def test_a_copied_folder(told: Client) -> None:
    """Each folder of the tree is `folder.created` [sdk]."""
    job = {"sourceFolderPath": "/a", "destinationPath": "/to"}
    told.api("POST", "/v1/folder", json={"folderName": "to", "parentFolderPath": "/"})
    shown = events(told, "POST", "/v1/bulkJobs/copyFolder", **job)
    assert shown == [("folder.created", folders(told)[path]) for path in ("/to/a", "/to/a/b")]


def test_a_moved_folder(told: Client) -> None:
    """It is `folder.created` with a new id, and `folder.deleted` with the old one [sdk]."""
    old = [folders(told)[path]["folderId"] for path in ("/a", "/a/b")]
    told.api("POST", "/v1/folder", json={"folderName": "to", "parentFolderPath": "/"})
    shown = events(told, "POST", "/v1/bulkJobs/moveFolder", sourceFolderPath="/a", destinationPath="/to")
    created = [("folder.created", folders(told)[path]) for path in ("/to/a", "/to/a/b")]
    assert shown == [*created, *(("folder.deleted", {"folderId": identifier}) for identifier in old)]


def test_a_renamed_folder(told: Client) -> None:
    """Each folder of the tree is `folder.updated` with its new path [sdk]."""
    shown = events(told, "POST", "/v1/bulkJobs/renameFolder", folderPath="/a", newFolderName="new")
    assert shown == [("folder.updated", folders(told)[path]) for path in ("/new", "/new/b")]


def test_a_deleted_folder(told: Client) -> None:
    """Each folder of the tree is `folder.deleted` with its id [sdk]."""
    ids = [folders(told)[path]["folderId"] for path in ("/a", "/a/b")]
    shown = events(told, "DELETE", "/v1/folder", folderPath="/a")
    assert shown == [("folder.deleted", {"folderId": identifier}) for identifier in ids]
